// SPDX-License-Identifier: MIT
/*
 * Permute, slice, expand and tile: one strided copy each, of which the shape
 * function and the kernel work out the same geometry.
 */
#include "array.h"

static size_t element(const struct fxq_call *call)
{
	return fxq_dtype_bytes(call->in[0].dtype);
}

/* Every dimension in its place, but for two that change places. */
static int read_swap(struct fxq_call *call, uint32_t *ret)
{
	uint32_t rank = call->in[0].rank, swap[2];
	int64_t v[2];
	int n;

	n = arr_ints(call, "swap", 0, v, 2);
	if (n < 0)
		return n;
	if (n != 2)
		return arr_refuse(call, -EINVAL, "%d dimensions cannot change places",
				  n);

	for (uint32_t d = 0; d < rank; d++)
		ret[d] = d;
	for (int i = 0; i < 2; i++) {
		int err = arr_wrap_dim(call, v[i], rank, &swap[i]);

		if (err)
			return err;
	}
	ret[swap[0]] = swap[1];
	ret[swap[1]] = swap[0];
	return 0;
}

/* The permutation @ret of @rank dimensions; reversed order if none is given. */
static int read_permutation(struct fxq_call *call, uint32_t *ret)
{
	uint32_t rank = call->in[0].rank, seen = 0;
	int64_t v[FXQ_MAX_RANK];
	int n;

	n = read_swap(call, ret);
	if (n != -ENOENT)
		return n;
	n = arr_ints(call, "dims", 0, v, FXQ_MAX_RANK);
	if (n == -ENOENT) {
		for (uint32_t d = 0; d < rank; d++)
			ret[d] = rank - 1 - d;
		return 0;
	}
	if (n < 0)
		return n;
	if ((uint32_t)n != rank)
		return arr_refuse(call, -EINVAL,
				  "a permutation of %d dimensions for a tensor of rank %u",
				  n, rank);

	for (uint32_t d = 0; d < rank; d++) {
		int err = arr_wrap_dim(call, v[d], rank, &ret[d]);

		if (err)
			return err;
		if (seen & 1u << ret[d])
			return arr_refuse(call, -EINVAL,
					  "dimension %u is named twice",
					  ret[d]);
		seen |= 1u << ret[d];
	}
	return 0;
}

int infer_permute(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	uint32_t order[FXQ_MAX_RANK];
	int64_t dims[FXQ_MAX_RANK];
	int ret;

	ret = read_permutation(call, order);
	if (ret)
		return ret;

	for (uint32_t d = 0; d < t->rank; d++)
		dims[d] = t->dims[order[d]];
	return arr_set_out(call, 0, t->dtype, t->rank, dims);
}

ARR_KERNEL(permute)
{
	const struct fxq_tensor *t = &call->in[0], *out = &call->out[0];
	struct arr_view v = { .rank = out->rank };
	uint32_t order[FXQ_MAX_RANK];
	int64_t from[FXQ_MAX_RANK];
	int ret;

	ret = read_permutation(call, order);
	if (ret)
		return ret;

	arr_dense(t->rank, t->dims, from);
	arr_dense(out->rank, out->dims, v.to);
	for (uint32_t d = 0; d < out->rank; d++) {
		v.dims[d] = out->dims[d];
		v.from[d] = from[order[d]];
	}
	arr_copy(out->data, t->data, element(call), &v);
	return 0;
}

struct slices {
	int64_t start[FXQ_MAX_RANK];
	int64_t step[FXQ_MAX_RANK];
	int64_t count[FXQ_MAX_RANK];
};

/* One dimension of @dim elements, after Python: negative counts from the end. */
static void clamp_slice(int64_t start, int64_t end, int64_t step, int64_t dim,
			struct slices *s, uint32_t d)
{
	int64_t low = step < 0 ? -1 : 0, high = step < 0 ? dim - 1 : dim;
	uint64_t span;

	if (start < 0)
		start += dim;
	if (end < 0)
		end += dim;
	start = start < low ? low : start > high ? high : start;
	end = end < low ? low : end > high ? high : end;

	span = step < 0 ? (uint64_t)(start - end) : (uint64_t)(end - start);
	if (step < 0 ? start <= end : end <= start)
		s->count[d] = 0;
	else
		s->count[d] = (span - 1) / (step < 0 ? -(uint64_t)step :
					    (uint64_t)step) + 1;
	s->start[d] = start;
	s->step[d] = step;
}

static int read_slices(struct fxq_call *call, struct slices *s)
{
	int64_t start[FXQ_MAX_RANK], end[FXQ_MAX_RANK], axis[FXQ_MAX_RANK];
	int64_t step[FXQ_MAX_RANK];
	const struct fxq_tensor *t = &call->in[0];
	int n, n_end, n_axes, n_steps;
	uint32_t seen = 0;

	n = arr_ints(call, "starts", 1, start, FXQ_MAX_RANK);
	n_end = arr_ints(call, "ends", 2, end, FXQ_MAX_RANK);
	n_axes = arr_ints(call, "axes", 3, axis, FXQ_MAX_RANK);
	n_steps = arr_ints(call, "steps", 4, step, FXQ_MAX_RANK);
	if (n == -ENODATA || n_end == -ENODATA || n_axes == -ENODATA ||
	    n_steps == -ENODATA)
		return -ENODATA;
	if (n < 0 || n != n_end || (n_axes >= 0 && n_axes != n) ||
	    (n_steps >= 0 && n_steps != n) || n_axes == -EINVAL ||
	    n_steps == -EINVAL)
		return arr_refuse(call, -EINVAL,
				  "starts, ends, axes and steps differ in length");

	for (uint32_t d = 0; d < t->rank; d++) {
		s->start[d] = 0;
		s->step[d] = 1;
		s->count[d] = t->dims[d];
	}
	for (int i = 0; i < n; i++) {
		int64_t by = n_steps < 0 ? 1 : step[i];
		uint32_t d;
		int ret;

		ret = arr_wrap_dim(call, n_axes < 0 ? i : axis[i], t->rank, &d);
		if (ret)
			return ret;
		if (!t->rank || !by || seen & 1u << d)
			return arr_refuse(call, -EINVAL,
					  "slice %d: step %lld on dimension %u%s",
					  i, (long long)by, d,
					  by ? ", named before" : "");
		seen |= 1u << d;
		clamp_slice(start[i], end[i], by, t->dims[d], s, d);
	}
	return 0;
}

int infer_slice(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	struct slices s;
	int ret;

	ret = read_slices(call, &s);
	if (ret)
		return ret;

	return arr_set_out(call, 0, t->dtype, t->rank, s.count);
}

ARR_KERNEL(slice)
{
	const struct fxq_tensor *t = &call->in[0], *out = &call->out[0];
	struct arr_view v = { .rank = out->rank };
	int64_t from[FXQ_MAX_RANK], at = 0;
	struct slices s;
	int ret;

	ret = read_slices(call, &s);
	if (ret || !fxq_tensor_count(out))
		return ret;

	arr_dense(t->rank, t->dims, from);
	arr_dense(out->rank, out->dims, v.to);
	for (uint32_t d = 0; d < out->rank; d++) {
		v.dims[d] = out->dims[d];
		/* A step beyond the tensor is never taken. */
		v.from[d] = out->dims[d] > 1 ? from[d] * s.step[d] : 0;
		at += from[d] * s.start[d];
	}
	arr_copy(out->data, (const char *)t->data + at * element(call),
		 element(call), &v);
	return 0;
}

/* The shape that the first tensor and the dimensions "sizes" stretch to. */
int infer_expand(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t size[FXQ_MAX_RANK], dims[FXQ_MAX_RANK];
	uint32_t rank;
	int n;

	n = arr_ints(call, "sizes", 1, size, FXQ_MAX_RANK);
	if (n < 0)
		return n == -ENOENT ? arr_refuse(call, -EINVAL,
						 "no sizes are given") : n;

	rank = (uint32_t)n > t->rank ? (uint32_t)n : t->rank;
	for (uint32_t d = 0; d < rank; d++) {
		uint32_t back = rank - d;	/* counted from the end */
		int64_t a = back > t->rank ? 1 : t->dims[t->rank - back];
		int64_t b = back > (uint32_t)n ? 1 : size[n - back];

		/* torch's -1 and ONNX's 1 both keep the dimension. */
		if (b == -1)
			b = a;
		if (a != b && a != 1 && b != 1)
			return arr_refuse(call, -EINVAL,
					  "dimension %u of %lld cannot be expanded to %lld",
					  d, (long long)a, (long long)b);
		dims[d] = a == 1 ? b : a;
	}
	return arr_set_out(call, 0, t->dtype, rank, dims);
}

ARR_KERNEL(expand)
{
	const struct fxq_tensor *t = &call->in[0], *out = &call->out[0];
	struct arr_view v = { .rank = out->rank };
	uint32_t lead = out->rank - t->rank;
	int64_t from[FXQ_MAX_RANK];

	arr_dense(t->rank, t->dims, from);
	arr_dense(out->rank, out->dims, v.to);
	for (uint32_t d = 0; d < out->rank; d++) {
		v.dims[d] = out->dims[d];
		if (d >= lead && t->dims[d - lead] != 1)
			v.from[d] = from[d - lead];
	}
	arr_copy(out->data, t->data, element(call), &v);
	return 0;
}

int infer_tile(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t times[FXQ_MAX_RANK], dims[FXQ_MAX_RANK];
	uint32_t rank;
	int n;

	n = arr_ints(call, "repeats", 1, times, FXQ_MAX_RANK);
	if (n < 0)
		return n == -ENOENT ? arr_refuse(call, -EINVAL,
						 "no repeats are given") : n;

	rank = (uint32_t)n > t->rank ? (uint32_t)n : t->rank;
	for (uint32_t d = 0; d < rank; d++) {
		uint32_t back = rank - d;
		int64_t a = back > t->rank ? 1 : t->dims[t->rank - back];
		int64_t b = back > (uint32_t)n ? 1 : times[n - back];

		if (b < 0 || __builtin_mul_overflow(a, b, &dims[d]))
			return arr_refuse(call, -EINVAL,
					  "dimension %u cannot be repeated %lld times",
					  d, (long long)b);
	}
	return arr_set_out(call, 0, t->dtype, rank, dims);
}

/* Seen as (times, dim, times, dim, …), a tile is an expand. */
static void tile_outer(char *to, const char *from, const int64_t *dims,
		       const int64_t *times, const int64_t *to_step,
		       const int64_t *from_step, uint32_t rank, size_t bytes)
{
	int64_t row = to_step[0] * dims[0] * bytes;

	if (rank == 1) {
		memcpy(to, from, dims[0] * bytes);
	} else {
		for (int64_t i = 0; i < dims[0]; i++)
			tile_outer(to + i * to_step[0] * (int64_t)bytes,
				   from + i * from_step[0] * (int64_t)bytes,
				   dims + 1, times + 1, to_step + 1,
				   from_step + 1, rank - 1, bytes);
	}
	for (int64_t i = 1; i < times[0]; i++)
		memcpy(to + i * row, to, row);
}

ARR_KERNEL(tile)
{
	const struct fxq_tensor *t = &call->in[0], *out = &call->out[0];
	int64_t dims[FXQ_MAX_RANK], times[FXQ_MAX_RANK];
	int64_t to[FXQ_MAX_RANK], from[FXQ_MAX_RANK];

	if (!fxq_tensor_count(out))
		return 0;
	if (!out->rank) {
		memcpy(out->data, t->data, element(call));
		return 0;
	}
	for (uint32_t d = 0; d < out->rank; d++) {
		uint32_t back = out->rank - d;

		dims[d] = back > t->rank ? 1 : t->dims[t->rank - back];
		times[d] = out->dims[d] / dims[d];
	}
	arr_dense(out->rank, dims, from);
	arr_dense(out->rank, out->dims, to);
	tile_outer(out->data, t->data, dims, times, to, from, out->rank,
		   element(call));
	return 0;
}
