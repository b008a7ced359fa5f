// SPDX-License-Identifier: MIT
/*
 * ONNX's QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear, by their
 * definitions: rne(x / scale) + zero point, saturated, and (q - zero point)
 * times scale, in float. Models that come quantized are made of them.
 */
#include <inttypes.h>
#include <math.h>

#include "quantize.h"

/* X(id, type, least, most) */
#define QUANTIZED(X)						\
	X(I8, int8_t, INT8_MIN, INT8_MAX)			\
	X(U8, uint8_t, 0, UINT8_MAX)				\
	X(I16, int16_t, INT16_MIN, INT16_MAX)			\
	X(U16, uint16_t, 0, UINT16_MAX)				\
	X(I32, int32_t, INT32_MIN, INT32_MAX)

/* @n elements that share scale and zero point, which @zero points to. */
typedef void (*quantize_fn)(void *to, const float *x, int64_t n, float scale,
			    const void *zero);
typedef void (*dequantize_fn)(float *to, const void *q, int64_t n, float scale,
			      const void *zero);

/* NaN becomes the least value. */
#define X(id, type, least, most)					\
static void quantize_##type(void *to, const float *x, int64_t n,	\
			    float scale, const void *zero)		\
{									\
	double z = zero ? *(const type *)zero : 0;			\
	type *q = to;							\
									\
	for (int64_t i = 0; i < n; i++) {				\
		double v = (double)rintf(x[i] / scale) + z;		\
									\
		v = v > (most) ? (most) : v;				\
		q[i] = (type)(v > (least) ? v : (least));		\
	}								\
}									\
									\
static void dequantize_##type(float *to, const void *from, int64_t n,	\
			      float scale, const void *zero)		\
{									\
	int64_t z = zero ? *(const type *)zero : 0;			\
	const type *q = from;						\
									\
	for (int64_t i = 0; i < n; i++)					\
		to[i] = (float)(q[i] - z) * scale;			\
}
QUANTIZED(X)
#undef X

static const quantize_fn quantizers[FXQ_DTYPE_COUNT] = {
#define X(id, type, least, most) [FXQ_DTYPE_##id] = quantize_##type,
	QUANTIZED(X)
#undef X
};

static const dequantize_fn dequantizers[FXQ_DTYPE_COUNT] = {
#define X(id, type, least, most) [FXQ_DTYPE_##id] = dequantize_##type,
	QUANTIZED(X)
#undef X
};

int quantize_runs(struct fxq_call *call, struct runs *ret_runs)
{
	const struct fxq_tensor *x = &call->in[0], *scale = &call->in[1];
	int64_t scales = fxq_tensor_count(scale);
	uint32_t axis;
	int ret;

	if (scale->rank > 1 || scales < 1)
		return kern_refuse(call, -EINVAL,
				   "the scale is not a number or a vector");
	if (kern_has(call, 2) && fxq_tensor_count(&call->in[2]) != scales)
		return kern_refuse(call, -EINVAL,
				   "zero point and scale differ in size");

	*ret_runs = (struct runs){ 1, fxq_tensor_count(x), 1 };
	if (scales == 1)
		return 0;

	ret = kern_dim(call, "axis", 1, x->rank, &axis);
	if (ret)
		return ret;
	if (x->dims[axis] != scales)
		return kern_refuse(call, -EINVAL,
				   "%" PRId64 " scales are given for %" PRId64
				   " elements along dimension %u", scales,
				   x->dims[axis], axis);

	ret_runs->count = kern_product(x, 0, axis + 1);
	ret_runs->n = kern_product(x, axis + 1, x->rank);
	ret_runs->scales = scales;
	return 0;
}

/* The type that quantize_linear makes: the zero point's. */
static uint32_t quantized_type(const struct fxq_call *call)
{
	return kern_has(call, 2) ? call->in[2].dtype : FXQ_DTYPE_U8;
}

int infer_quantize_linear(struct fxq_call *call)
{
	struct runs runs;
	uint32_t dtype;
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_need(call, 1, FXQ_DTYPE_F32);
	if (!ret && kern_has(call, 2))
		ret = kern_need_any(call, 2);
	if (!ret)
		ret = quantize_runs(call, &runs);
	if (ret)
		return ret;

	dtype = quantized_type(call);
	if (!quantizers[dtype] || dtype == FXQ_DTYPE_I32)
		return kern_refuse(call, -EINVAL,
				   "the zero point is %s, which is no quantized type",
				   fxq_dtype_name(dtype));
	return kern_set_out(call, 0, dtype, call->in[0].rank,
			    call->in[0].dims);
}

/* The zero point of scale number @i; NULL: none. */
static const void *zero_of(const struct fxq_call *call, int64_t i)
{
	const char *zero = kern_data(call, 2);

	return zero ? zero + i * (int64_t)fxq_dtype_bytes(call->in[2].dtype) :
		      NULL;
}

int eval_quantize_linear(struct fxq_call *call)
{
	quantize_fn quantize;
	const float *x, *scale;
	struct runs runs;
	size_t bytes;
	char *q;
	int ret;

	ret = kern_begin(call, infer_quantize_linear);
	if (!ret)
		ret = quantize_runs(call, &runs);
	if (ret)
		return ret;

	x = call->in[0].data;
	scale = call->in[1].data;
	q = call->out[0].data;
	quantize = quantizers[call->out[0].dtype];
	bytes = fxq_dtype_bytes(call->out[0].dtype);
	for (int64_t r = 0; r < runs.count; r++, x += runs.n) {
		int64_t s = r % runs.scales;

		quantize(q, x, runs.n, scale[s], zero_of(call, s));
		q += runs.n * (int64_t)bytes;
	}
	return 0;
}

int infer_dequantize_linear(struct fxq_call *call)
{
	struct runs runs;
	int ret;

	ret = kern_need_any(call, 0);
	if (ret)
		return ret;
	if (!dequantizers[call->in[0].dtype])
		return kern_refuse(call, -EINVAL,
				   "input 0 is %s, which is no quantized type",
				   fxq_dtype_name(call->in[0].dtype));
	ret = kern_need(call, 1, FXQ_DTYPE_F32);
	if (!ret && kern_has(call, 2))
		ret = kern_need(call, 2, call->in[0].dtype);
	if (!ret)
		ret = quantize_runs(call, &runs);
	return ret ? ret : kern_set_out(call, 0, FXQ_DTYPE_F32,
					call->in[0].rank, call->in[0].dims);
}

int eval_dequantize_linear(struct fxq_call *call)
{
	dequantize_fn dequantize;
	const float *scale;
	struct runs runs;
	const char *q;
	size_t bytes;
	float *y;
	int ret;

	ret = kern_begin(call, infer_dequantize_linear);
	if (!ret)
		ret = quantize_runs(call, &runs);
	if (ret)
		return ret;

	q = call->in[0].data;
	scale = call->in[1].data;
	y = call->out[0].data;
	dequantize = dequantizers[call->in[0].dtype];
	bytes = fxq_dtype_bytes(call->in[0].dtype);
	for (int64_t r = 0; r < runs.count; r++, y += runs.n) {
		int64_t s = r % runs.scales;

		dequantize(y, q, runs.n, scale[s], zero_of(call, s));
		q += runs.n * (int64_t)bytes;
	}
	return 0;
}

int infer_dynamic_quantize_linear(struct fxq_call *call)
{
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_set_out(call, 0, FXQ_DTYPE_U8, call->in[0].rank,
				   call->in[0].dims);
	if (!ret)
		ret = kern_set_out(call, 1, FXQ_DTYPE_F32, 0, NULL);
	if (!ret)
		ret = kern_set_out(call, 2, FXQ_DTYPE_U8, 0, NULL);
	return ret;
}

/* The range takes in 0; an input of zeros alone has scale 1. */
int eval_dynamic_quantize_linear(struct fxq_call *call)
{
	float least = 0, most = 0, scale;
	const float *x;
	uint8_t zero;
	int64_t n;
	int ret;

	ret = kern_begin(call, infer_dynamic_quantize_linear);
	if (ret)
		return ret;

	x = call->in[0].data;
	n = fxq_tensor_count(&call->in[0]);
	for (int64_t i = 0; i < n; i++) {
		least = x[i] < least ? x[i] : least;
		most = x[i] > most ? x[i] : most;
	}
	scale = most == least ? 1 : (most - least) / 255;
	quantize_uint8_t(&zero, &(float){ -least }, 1, scale, NULL);

	*(float *)call->out[1].data = scale;
	*(uint8_t *)call->out[2].data = zero;
	quantize_uint8_t(call->out[0].data, x, n, scale, &zero);
	return 0;
}
