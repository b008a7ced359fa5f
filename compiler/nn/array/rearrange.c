// SPDX-License-Identifier: MIT
/*
 * Operators that move blocks of elements about: between channels and pixels,
 * along time, out of a triangle, through a mask.
 */
#include "array.h"

/* Splitting channels as block × block × rest (DCR) or rest × block × block. */
static int read_block(struct fxq_call *call, int64_t *ret_block, bool *ret_crd)
{
	const struct fxq_tensor *t = &call->in[0];
	const char *mode = arr_str(call, "mode", "DCR");
	int64_t block = arr_int(call, "block", 0);

	if (t->rank != 4)
		return arr_refuse(call, -EINVAL,
				  "operand has rank %u, 4 is needed", t->rank);
	if (block < 1 || block > 1 << 15)
		return arr_refuse(call, -EINVAL, "block is %lld",
				  (long long)block);
	if (strcmp(mode, "DCR") && strcmp(mode, "CRD"))
		return arr_refuse(call, -EINVAL,
				  "mode \"%.16s\" is neither DCR nor CRD", mode);
	*ret_block = block;
	*ret_crd = !strcmp(mode, "CRD");
	return 0;
}

int infer_depth_to_space(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t b = 1, dims[4];
	bool crd;
	int ret;

	ret = read_block(call, &b, &crd);
	if (ret)
		return ret;
	if (t->dims[1] % (b * b))
		return arr_refuse(call, -EINVAL,
				  "%lld channels cannot be divided by %lld x %lld",
				  (long long)t->dims[1], (long long)b,
				  (long long)b);

	dims[0] = t->dims[0];
	dims[1] = t->dims[1] / (b * b);
	if (__builtin_mul_overflow(t->dims[2], b, &dims[2]) ||
	    __builtin_mul_overflow(t->dims[3], b, &dims[3]))
		return arr_refuse(call, -EOVERFLOW, "the result overflows");
	return arr_set_out(call, 0, t->dtype, 4, dims);
}

/*
 * Both directions see the pixels as (n, c, h, block, w, block); the channels
 * side is (n, block, block, c, h, w) or (n, c, block, block, h, w).
 */
static void block_view(const struct fxq_tensor *pixels, int64_t b, bool crd,
		       struct arr_view *v, int64_t *pixel_step,
		       int64_t *channel_step)
{
	int64_t n = pixels->dims[0], c = pixels->dims[1];
	int64_t h = pixels->dims[2] / b, w = pixels->dims[3] / b;
	const int64_t as_pixels[6] = { n, c, h, b, w, b };
	const int64_t dcr[6] = { n, b, b, c, h, w };
	const int64_t rcd[6] = { n, c, b, b, h, w };
	/* Which channel-side dimension each pixel-side one is. */
	static const int of_dcr[6] = { 0, 3, 4, 1, 5, 2 };
	static const int of_crd[6] = { 0, 1, 4, 2, 5, 3 };
	int64_t step[6];

	arr_dense(6, as_pixels, pixel_step);
	arr_dense(6, crd ? rcd : dcr, step);
	v->rank = 6;
	for (int d = 0; d < 6; d++) {
		v->dims[d] = as_pixels[d];
		channel_step[d] = step[crd ? of_crd[d] : of_dcr[d]];
	}
}

ARR_KERNEL(depth_to_space)
{
	struct arr_view v = { 0 };
	int64_t b;
	bool crd;
	int ret;

	ret = read_block(call, &b, &crd);
	if (ret)
		return ret;

	block_view(&call->out[0], b, crd, &v, v.to, v.from);
	arr_copy(call->out[0].data, call->in[0].data,
		 fxq_dtype_bytes(call->in[0].dtype), &v);
	return 0;
}

int infer_space_to_depth(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t b = 1, dims[4];
	bool crd;
	int ret;

	ret = read_block(call, &b, &crd);
	if (ret)
		return ret;
	if (t->dims[2] % b || t->dims[3] % b)
		return arr_refuse(call, -EINVAL,
				  "%lld x %lld pixels cannot be divided by %lld",
				  (long long)t->dims[2], (long long)t->dims[3],
				  (long long)b);

	dims[0] = t->dims[0];
	if (__builtin_mul_overflow(t->dims[1], b * b, &dims[1]))
		return arr_refuse(call, -EOVERFLOW, "the result overflows");
	dims[2] = t->dims[2] / b;
	dims[3] = t->dims[3] / b;
	return arr_set_out(call, 0, t->dtype, 4, dims);
}

ARR_KERNEL(space_to_depth)
{
	struct arr_view v = { 0 };
	int64_t b;
	bool crd;
	int ret;

	ret = read_block(call, &b, &crd);
	if (ret)
		return ret;

	block_view(&call->in[0], b, crd, &v, v.from, v.to);
	arr_copy(call->out[0].data, call->in[0].data,
		 fxq_dtype_bytes(call->in[0].dtype), &v);
	return 0;
}

int infer_reverse_sequence(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0], *len = &call->in[1];
	uint32_t batch, time;
	int ret;

	ret = arr_dim(call, "batch_dim", 1, t->rank, &batch);
	if (!ret)
		ret = arr_dim(call, "time_dim", 0, t->rank, &time);
	if (!ret)
		ret = arr_need_index(call, 1);
	if (ret)
		return ret;
	if (t->rank < 2 || batch == time || len->rank != 1 ||
	    len->dims[0] != t->dims[batch])
		return arr_refuse(call, -EINVAL,
				  "a length for each element of dimension %u is needed",
				  batch);
	return arr_set_out(call, 0, t->dtype, t->rank, t->dims);
}

/* The first @length steps of one batch element run backwards. */
static void reverse_one(struct fxq_call *call, const struct arr_view *rest,
			int64_t batch_at, int64_t time_step, int64_t length,
			int64_t steps)
{
	int64_t bytes = fxq_dtype_bytes(call->in[0].dtype);
	const char *from = call->in[0].data;
	char *to = call->out[0].data;

	for (int64_t i = 0; i < steps; i++) {
		int64_t k = i < length ? length - 1 - i : i;

		arr_copy(to + (batch_at + i * time_step) * bytes,
			 from + (batch_at + k * time_step) * bytes, bytes,
			 rest);
	}
}

ARR_KERNEL(reverse_sequence)
{
	const struct fxq_tensor *t = &call->in[0];
	struct arr_view rest = { 0 };
	int64_t step[FXQ_MAX_RANK];
	uint32_t batch, time;

	if (!fxq_tensor_count(t))
		return 0;
	arr_dim(call, "batch_dim", 1, t->rank, &batch);
	arr_dim(call, "time_dim", 0, t->rank, &time);
	arr_dense(t->rank, t->dims, step);
	for (uint32_t d = 0; d < t->rank; d++) {
		if (d == batch || d == time)
			continue;
		rest.dims[rest.rank] = t->dims[d];
		rest.from[rest.rank] = step[d];
		rest.to[rest.rank++] = step[d];
	}

	for (int64_t b = 0; b < t->dims[batch]; b++) {
		int64_t length = arr_index(&call->in[1], b);

		if (length < 0 || length > t->dims[time])
			return arr_refuse(call, -EINVAL,
					  "length %lld of %lld steps",
					  (long long)length,
					  (long long)t->dims[time]);
		reverse_one(call, &rest, b * step[batch], step[time], length,
			    t->dims[time]);
	}
	return 0;
}

/* The dimension to compress, or one that stands for all: rank. */
static int compress_dim(struct fxq_call *call, uint32_t *ret)
{
	uint32_t rank = call->in[0].rank;
	int64_t dim;

	*ret = rank;
	if (arr_ints(call, "dim", 0, &dim, 1) == 1)
		return arr_wrap_dim(call, dim, rank, ret);
	return 0;
}

int infer_compress(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0], *mask = &call->in[1];
	int64_t dims[FXQ_MAX_RANK], span, n = 0;
	uint32_t dim;
	int ret;

	ret = compress_dim(call, &dim);
	if (ret)
		return ret;
	if (mask->dtype != FXQ_DTYPE_BOOL || mask->rank != 1 || !t->rank)
		return arr_refuse(call, -EINVAL,
				  "the mask is %s of rank %u, not bool of rank 1",
				  fxq_dtype_name(mask->dtype), mask->rank);
	if (!mask->data && mask->dims[0])
		return arr_refuse(call, -ENODATA,
				  "the mask is known only when the model runs");
	span = dim < t->rank ? t->dims[dim] : fxq_tensor_count(t);
	if (mask->dims[0] > span)
		return arr_refuse(call, -EINVAL,
				  "a mask of %lld for %lld elements",
				  (long long)mask->dims[0], (long long)span);

	for (int64_t i = 0; i < mask->dims[0]; i++)
		n += ((const uint8_t *)mask->data)[i] != 0;
	if (dim == t->rank)
		return arr_set_out(call, 0, t->dtype, 1, &n);
	memcpy(dims, t->dims, sizeof(dims));
	dims[dim] = n;
	return arr_set_out(call, 0, t->dtype, t->rank, dims);
}

ARR_KERNEL(compress)
{
	const struct fxq_tensor *t = &call->in[0], *mask = &call->in[1];
	int64_t outer = 1, span = fxq_tensor_count(t);
	int64_t inner = fxq_dtype_bytes(t->dtype);
	const char *from = t->data;
	char *to = call->out[0].data;
	uint32_t dim;
	int ret;

	ret = compress_dim(call, &dim);
	if (ret)
		return ret;
	if (dim < t->rank) {
		outer = arr_product(t->dims, 0, dim);
		span = t->dims[dim];
		inner *= arr_product(t->dims, dim + 1, t->rank);
	}

	for (int64_t o = 0; o < outer; o++)
		for (int64_t i = 0; i < mask->dims[0]; i++) {
			if (!((const uint8_t *)mask->data)[i] || !inner)
				continue;
			memcpy(to, from + (o * span + i) * inner, inner);
			to += inner;
		}
	return 0;
}

/* Keeps the triangle above (or below) diagonal k, zeros elsewhere. */
int infer_trilu(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];

	if (t->rank < 2)
		return arr_refuse(call, -EINVAL,
				  "operand has rank %u, at least 2 is needed",
				  t->rank);
	return arr_set_out(call, 0, t->dtype, t->rank, t->dims);
}

ARR_KERNEL(trilu)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t rows = arr_product(t->dims, 0, t->rank - 1), k = 0, w, h;
	size_t bytes = fxq_dtype_bytes(t->dtype);
	bool upper = arr_int(call, "upper", 1);
	int n;

	n = arr_ints(call, "k", 1, &k, 1);
	if (n < 0 && n != -ENOENT)
		return n;
	h = t->dims[t->rank - 2];
	w = t->dims[t->rank - 1];
	k = k < -h ? -h : k > w ? w : k;

	for (int64_t r = 0; r < rows; r++) {
		const char *from = (const char *)t->data + r * w * bytes;
		char *to = (char *)call->out[0].data + r * w * bytes;
		int64_t at = r % h + k + !upper;	/* where it changes */

		at = at < 0 ? 0 : at > w ? w : at;
		memset(to, 0, w * bytes);
		if (upper)
			memcpy(to + at * bytes, from + at * bytes,
			       (w - at) * bytes);
		else
			memcpy(to, from, at * bytes);
	}
	return 0;
}
