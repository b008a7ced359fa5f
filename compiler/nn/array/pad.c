// SPDX-License-Identifier: MIT
/*
 * Padding: begins first, then ends, as ONNX orders them; a negative amount
 * crops. Each output coordinate maps to one input coordinate or to the value,
 * by one small table for each dimension.
 */
#include <stdlib.h>

#include "array.h"

/* Far beyond any tensor, and far from overflow. */
#define PAD_MAX	((int64_t)1 << 40)

struct pads {
	int64_t begin[FXQ_MAX_RANK];
	int64_t end[FXQ_MAX_RANK];
};

static int read_pads(struct fxq_call *call, struct pads *p)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t v[2 * FXQ_MAX_RANK], axes[FXQ_MAX_RANK];
	int n, n_axes;

	memset(p, 0, sizeof(*p));
	n = arr_ints(call, "pads", 1, v, 2 * FXQ_MAX_RANK);
	n_axes = arr_ints(call, "axes", 3, axes, FXQ_MAX_RANK);
	if (n == -ENODATA || n_axes == -ENODATA)
		return -ENODATA;
	if (n_axes == -ENOENT) {
		n_axes = t->rank;
		for (uint32_t d = 0; d < t->rank; d++)
			axes[d] = d;
	}
	if (n < 0 || n_axes < 0 || n != 2 * n_axes)
		return arr_refuse(call, -EINVAL,
				  "pads must be two for each of %d dimensions",
				  n_axes);

	for (int i = 0; i < n_axes; i++) {
		uint32_t d;
		int ret = arr_wrap_dim(call, axes[i], t->rank, &d);

		if (ret)
			return ret;
		if (v[i] > PAD_MAX || v[i] < -PAD_MAX ||
		    v[i + n_axes] > PAD_MAX || v[i + n_axes] < -PAD_MAX)
			return arr_refuse(call, -EINVAL,
					  "dimension %u is padded beyond reason",
					  d);
		p->begin[d] = v[i];
		p->end[d] = v[i + n_axes];
	}
	return 0;
}

int infer_pad(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	const char *mode = arr_str(call, "mode", "constant");
	int64_t dims[FXQ_MAX_RANK];
	struct pads p;
	int ret;

	ret = read_pads(call, &p);
	if (ret)
		return ret;
	if (strcmp(mode, "constant") && strcmp(mode, "reflect") &&
	    strcmp(mode, "edge") && strcmp(mode, "wrap"))
		return arr_refuse(call, -ENOTSUP,
				  "mode \"%.32s\" is none of constant, reflect, edge, wrap",
				  mode);

	for (uint32_t d = 0; d < t->rank; d++) {
		dims[d] = t->dims[d] + p.begin[d] + p.end[d];
		if (!t->dims[d] && dims[d] && *mode != 'c')
			return arr_refuse(call, -EINVAL,
					  "dimension %u is empty, there is nothing to pad it with",
					  d);
	}
	return arr_set_out(call, 0, t->dtype, t->rank, dims);
}

static int64_t modulo(int64_t a, int64_t b)
{
	int64_t r = a % b;

	return r < 0 ? r + b : r;
}

/* The input coordinate for @at; -1: the constant. */
static int64_t source(char mode, int64_t at, int64_t dim)
{
	if (at >= 0 && at < dim)
		return at;
	switch (mode) {
	case 'e':
		return at < 0 ? 0 : dim - 1;
	case 'w':
		return modulo(at, dim);
	case 'r':
		if (dim == 1)
			return 0;
		at = modulo(at, 2 * dim - 2);
		return at < dim ? at : 2 * dim - 2 - at;
	default:
		return -1;
	}
}

/* How many elements from @i on are copied from consecutive places. */
static int64_t run_length(const int64_t *map, int64_t i, int64_t n)
{
	int64_t start = i;

	while (i + 1 < n && map[i + 1] == map[i] + 1)
		i++;
	return i + 1 - start;
}

static void fill(char *to, const void *value, size_t bytes, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		memcpy(to + i * (int64_t)bytes, value, bytes);
}

struct padder {
	const struct fxq_tensor *in, *out;
	int64_t from[FXQ_MAX_RANK], to[FXQ_MAX_RANK];
	int64_t *map[FXQ_MAX_RANK];
	size_t bytes;
	const void *value;
};

static void pad_dim(const struct padder *p, uint32_t d, char *to,
		    const char *from)
{
	int64_t bytes = p->bytes, n = p->out->dims[d], run;

	for (int64_t i = 0; i < n; i += run) {
		int64_t k = p->map[d][i];
		char *here = to + i * p->to[d] * bytes;

		run = 1;
		if (k < 0) {
			fill(here, p->value, bytes, p->to[d]);
		} else if (d + 1 == p->out->rank) {
			run = run_length(p->map[d], i, n);
			memcpy(here, from + k * bytes, run * bytes);
		} else {
			pad_dim(p, d + 1, here, from + k * p->from[d] * bytes);
		}
	}
}

/* A value given as an attribute is converted to the tensor's type. */
static void constant_value(const struct fxq_call *call, void *value)
{
	double v = arr_float(call, "value", 0);
	uint32_t dtype = call->in[0].dtype;

	memset(value, 0, sizeof(uint64_t));
	if (arr_has(call, 2) && call->in[2].dtype == dtype) {
		memcpy(value, call->in[2].data, fxq_dtype_bytes(dtype));
		return;
	}
	arr_put(value, dtype, v);
}

ARR_KERNEL(pad)
{
	const struct fxq_tensor *in = &call->in[0], *out = &call->out[0];
	char mode = *arr_str(call, "mode", "constant");
	struct padder p = { .in = in, .out = out };
	int64_t total = 0, *maps;
	struct pads pads;
	uint64_t value;
	int ret;

	ret = read_pads(call, &pads);
	if (ret || !fxq_tensor_count(out))
		return ret;

	p.bytes = fxq_dtype_bytes(in->dtype);
	constant_value(call, &value);
	p.value = &value;
	if (!out->rank) {
		memcpy(out->data, in->data, p.bytes);
		return 0;
	}
	for (uint32_t d = 0; d < out->rank; d++)
		total += out->dims[d];
	maps = malloc(total * sizeof(*maps));
	if (!maps)
		return -ENOMEM;

	arr_dense(in->rank, in->dims, p.from);
	arr_dense(out->rank, out->dims, p.to);
	total = 0;
	for (uint32_t d = 0; d < out->rank; d++) {
		p.map[d] = maps + total;
		total += out->dims[d];
		for (int64_t i = 0; i < out->dims[d]; i++)
			p.map[d][i] = source(mode, i - pads.begin[d],
					     in->dims[d]);
	}
	pad_dim(&p, 0, out->data, in->data);
	free(maps);
	return 0;
}
