// SPDX-License-Identifier: MIT
/*
 * Broadcasting, after numpy: shapes are aligned at their last dimension, and
 * a dimension of one is stretched. The loop nest is joined up as far as the
 * shapes allow, so that the usual cases (equal shapes, a scalar, a value for
 * each channel) spend their time in a row that the compiler vectorizes.
 */
#include "../kernels/parallel.h"
#include "array.h"

#define MAP_MAX_IN	3
#define AT_ONCE		16384	/* elements of a task */

struct nest {
	uint32_t rank;
	int64_t dims[FXQ_MAX_RANK];
	int64_t step[MAP_MAX_IN][FXQ_MAX_RANK];
};

/* Size of dimension @d of @t when its shape is padded to @rank in front. */
static int64_t aligned(const struct fxq_tensor *t, uint32_t rank, uint32_t d)
{
	uint32_t lead = rank - t->rank;

	return d < lead ? 1 : t->dims[d - lead];
}

int arr_broadcast(struct fxq_call *call, uint32_t n_in, uint32_t *ret_rank,
		  int64_t *ret_dims)
{
	uint32_t rank = 0;

	for (uint32_t i = 0; i < n_in; i++)
		if (call->in[i].rank > rank)
			rank = call->in[i].rank;

	for (uint32_t d = 0; d < rank; d++) {
		int64_t dim = 1;

		for (uint32_t i = 0; i < n_in; i++) {
			int64_t v = aligned(&call->in[i], rank, d);

			if (v == 1 || v == dim)
				continue;
			if (dim != 1)
				return arr_refuse(call, -EINVAL,
						  "dimension %u: %lld and %lld cannot be broadcast together",
						  d, (long long)dim,
						  (long long)v);
			dim = v;
		}
		ret_dims[d] = dim;
	}
	*ret_rank = rank;
	return 0;
}

static bool joins(const struct nest *n, uint32_t n_in, const int64_t *step,
		  int64_t dim)
{
	if (!n->rank)
		return false;
	for (uint32_t i = 0; i < n_in; i++)
		if (n->step[i][n->rank - 1] != step[i] * dim)
			return false;
	return true;
}

static void build(struct nest *n, const struct fxq_call *call, uint32_t n_in)
{
	const struct fxq_tensor *out = &call->out[0];
	int64_t dense[MAP_MAX_IN][FXQ_MAX_RANK];

	memset(n, 0, sizeof(*n));
	for (uint32_t i = 0; i < n_in; i++)
		arr_dense(call->in[i].rank, call->in[i].dims, dense[i]);

	for (uint32_t d = 0; d < out->rank; d++) {
		int64_t step[MAP_MAX_IN];
		uint32_t k;

		if (out->dims[d] == 1)
			continue;
		for (uint32_t i = 0; i < n_in; i++) {
			const struct fxq_tensor *t = &call->in[i];
			uint32_t lead = out->rank - t->rank;

			step[i] = aligned(t, out->rank, d) == 1 ?
				  0 : dense[i][d - lead];
		}
		k = joins(n, n_in, step, out->dims[d]) ? n->rank - 1 : n->rank;
		n->dims[k] = k < n->rank ? n->dims[k] * out->dims[d] :
					   out->dims[d];
		for (uint32_t i = 0; i < n_in; i++)
			n->step[i][k] = step[i];
		n->rank = k + 1;
	}
	if (!n->rank) {
		n->rank = 1;
		n->dims[0] = 1;
	}
}

struct flat {
	const struct fxq_call *call;
	const struct nest *n;
	uint32_t n_in;
	arr_row_fn row;
};

static void flat_task(void *ctx, int64_t task, int thread)
{
	const struct flat *f = ctx;
	const struct fxq_tensor *out = &f->call->out[0];
	int64_t at = task * AT_ONCE, n = f->n->dims[0] - at;
	const void *in[MAP_MAX_IN];
	int step[MAP_MAX_IN];

	(void)thread;
	for (uint32_t i = 0; i < f->n_in; i++) {
		const struct fxq_tensor *t = &f->call->in[i];

		step[i] = f->n->step[i][0];
		in[i] = (const char *)t->data +
			at * step[i] * (int64_t)fxq_dtype_bytes(t->dtype);
	}
	f->row((char *)out->data + at * (int64_t)fxq_dtype_bytes(out->dtype),
	       in, step, n < AT_ONCE ? n : AT_ONCE, f->call);
}

/* Equal shapes and scalars: one row, which threads share. */
static void map_flat(const struct fxq_call *call, const struct nest *n,
		     uint32_t n_in, arr_row_fn row)
{
	struct flat f = { call, n, n_in, row };

	parallel_for(parallel_threads(call->threads, PARALLEL_ELEMENT *
				      (double)n->dims[0]),
		     (n->dims[0] + AT_ONCE - 1) / AT_ONCE, flat_task, &f);
}

void arr_map(const struct fxq_call *call, uint32_t n_in, arr_row_fn row)
{
	const struct fxq_tensor *out = &call->out[0];
	size_t out_bytes = fxq_dtype_bytes(out->dtype);
	const void *in[MAP_MAX_IN];
	int64_t at[MAP_MAX_IN] = { 0 };
	int64_t index[FXQ_MAX_RANK] = { 0 };
	int step[MAP_MAX_IN];
	char *to = out->data;
	struct nest n;
	uint32_t inner;

	if (!fxq_tensor_count(out))
		return;

	build(&n, call, n_in);
	if (n.rank == 1) {
		map_flat(call, &n, n_in, row);
		return;
	}
	inner = n.rank - 1;
	for (uint32_t i = 0; i < n_in; i++)
		step[i] = n.step[i][inner];

	for (;;) {
		uint32_t d;

		for (uint32_t i = 0; i < n_in; i++)
			in[i] = (const char *)call->in[i].data + at[i] *
				(int64_t)fxq_dtype_bytes(call->in[i].dtype);
		row(to, in, step, n.dims[inner], call);
		to += n.dims[inner] * out_bytes;

		for (d = inner; d-- > 0; ) {
			for (uint32_t i = 0; i < n_in; i++)
				at[i] += n.step[i][d];
			if (++index[d] < n.dims[d])
				break;
			for (uint32_t i = 0; i < n_in; i++)
				at[i] -= n.step[i][d] * n.dims[d];
			index[d] = 0;
		}
		if (d == UINT32_MAX)
			return;
	}
}
