// SPDX-License-Identifier: MIT
/*
 * edge.c - kernels between float and integer tensors, see ops_edge.h
 *
 * They run for each image that goes through a device, so their loops are
 * written to vectorise, and exist for several instruction sets. Each element is
 * worked out by itself: the width of vectors decides no bit.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <fxq/fx.h>
#include <fxq/fxq_arith.h>

#include "kernels/clones.h"
#include "ops.h"

static const struct fxq_attr *find(const struct fxq_call *call,
				   const char *name, uint32_t type)
{
	const struct fxq_attr *a = fxq_call_attr(call, name);

	return a && a->type == type ? a : NULL;
}

static int refuse(struct fxq_call *call, const char *why)
{
	snprintf(call->error, sizeof(call->error), "%s", why);
	return -EINVAL;
}

int infer_quantize(struct fxq_call *call)
{
	const struct fxq_attr *scale = find(call, "scale", FXQ_ATTR_FLOAT);
	const struct fxq_attr *zero = find(call, "zero_point", FXQ_ATTR_INT);
	struct fxq_tensor *y = &call->out[0];

	if (call->in[0].dtype != FXQ_DTYPE_F32)
		return refuse(call, "quantize takes a float32 tensor");
	if (!scale || !(scale->f > 0))
		return refuse(call, "quantize needs a scale above 0");
	*y = fxq_tensor_type(FXQ_DTYPE_I8, call->in[0].rank, call->in[0].dims);
	y->scale = (float)scale->f;
	y->zero_point = zero ? (int32_t)zero->i : 0;
	if (y->zero_point < -128 || y->zero_point > 127)
		return refuse(call, "quantize needs a zero_point of -128 to 127");
	return 0;
}

FXQ_CLONES
static void quantize_torch(int8_t *q, const float *x, int64_t n, float inverse,
			   int z)
{
	for (int64_t i = 0; i < n; i++)
		q[i] = fxq_q(x[i] * inverse, z, -128, 127);
}

FXQ_CLONES
static void quantize_onnx(int8_t *q, const float *x, int64_t n, float scale,
			  int z)
{
	for (int64_t i = 0; i < n; i++)
		q[i] = fxq_q(x[i] / scale, z, -128, 127);
}

int eval_quantize(struct fxq_call *call)
{
	const struct fxq_attr *rule = find(call, "rule", FXQ_ATTR_STRING);
	const struct fxq_tensor *y = &call->out[0];
	int64_t n = fxq_tensor_count(y);

	if (rule && !strcmp(rule->s, "onnx"))
		quantize_onnx(y->data, call->in[0].data, n, y->scale,
			      y->zero_point);
	else
		quantize_torch(y->data, call->in[0].data, n, 1.0f / y->scale,
			       y->zero_point);
	return 0;
}

int infer_dequantize(struct fxq_call *call)
{
	if (call->in[0].dtype != FXQ_DTYPE_I8 || !(call->in[0].scale > 0))
		return refuse(call, "dequantize takes a quantized int8 tensor");
	call->out[0] = fxq_tensor_type(FXQ_DTYPE_F32, call->in[0].rank,
				       call->in[0].dims);
	return 0;
}

FXQ_CLONES
static void dequantize(float *y, const int8_t *q, int64_t n, float scale, int z)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = fxq_dequantize(q[i], scale, z);
}

int eval_dequantize(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];

	dequantize(call->out[0].data, x->data, fxq_tensor_count(x), x->scale,
		   x->zero_point);
	return 0;
}

int infer_dequantize_channels(struct fxq_call *call)
{
	const struct fxq_attr *axis = find(call, "axis", FXQ_ATTR_INT);
	const struct fxq_tensor *x = &call->in[0];

	if (x->dtype != FXQ_DTYPE_I32 || !axis || axis->i < 0 ||
	    axis->i >= x->rank)
		return refuse(call, "dequantize_channels takes an int32 tensor and an axis of it");
	if (call->in[1].dtype != FXQ_DTYPE_F32 || call->in[1].rank != 1 ||
	    call->in[1].dims[0] != x->dims[axis->i])
		return refuse(call, "dequantize_channels needs one scale for each channel");
	call->out[0] = fxq_tensor_type(FXQ_DTYPE_F32, x->rank, x->dims);
	return 0;
}

/* Channels of @inner elements, or, where that is one, elements side by side. */
FXQ_CLONES
static void dequantize_channels(float *y, const int32_t *q, int64_t outer,
				const float *scale, int64_t c, int64_t inner)
{
	for (int64_t o = 0; o < outer; o++) {
		if (inner == 1) {
			for (int64_t i = 0; i < c; i++)
				y[i] = (float)q[i] * scale[i];
			y += c;
			q += c;
			continue;
		}
		for (int64_t k = 0; k < c; k++, y += inner, q += inner)
			for (int64_t i = 0; i < inner; i++)
				y[i] = (float)q[i] * scale[k];
	}
}

int eval_dequantize_channels(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	uint32_t axis = (uint32_t)find(call, "axis", FXQ_ATTR_INT)->i;
	int64_t outer = 1, inner = 1;

	for (uint32_t d = 0; d < axis; d++)
		outer *= x->dims[d];
	for (uint32_t d = axis + 1; d < x->rank; d++)
		inner *= x->dims[d];
	dequantize_channels(call->out[0].data, x->data, outer,
			    call->in[1].data, x->dims[axis], inner);
	return 0;
}
