// SPDX-License-Identifier: MIT
/*
 * reference.c - the integer reference: common ground of its kernels
 *
 * The reference is the second opinion on every answer of the machine. It is
 * written for the reader who holds the arithmetic page beside it: plain loops,
 * logical dimensions, one output element at a time. It shares fxq_arith.h with
 * the machine and nothing else.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "reference.h"

int64_t ref_int(const struct fxq_call *call, const char *name, int64_t def)
{
	const struct fxq_attr *a = fxq_call_attr(call, name);

	return a && a->type == FXQ_ATTR_INT ? a->i : def;
}

float ref_float(const struct fxq_call *call, const char *name, float def)
{
	const struct fxq_attr *a = fxq_call_attr(call, name);

	if (!a)
		return def;
	return a->type == FXQ_ATTR_FLOAT ? (float)a->f : (float)a->i;
}

void ref_ints(const struct fxq_call *call, const char *name, int64_t *v,
	      int count, int64_t def)
{
	const struct fxq_attr *a = fxq_call_attr(call, name);

	for (int i = 0; i < count; i++)
		v[i] = a && a->type == FXQ_ATTR_INTS && (uint32_t)i < a->count ?
		       a->ints[i] : def;
}

const char *ref_str(const struct fxq_call *call, const char *name)
{
	const struct fxq_attr *a = fxq_call_attr(call, name);

	return a && a->type == FXQ_ATTR_STRING ? a->s : "";
}

int ref_fail(struct fxq_call *call, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(call->error, sizeof(call->error), fmt, ap);
	va_end(ap);
	return err;
}

int ref_result(struct fxq_call *call, uint32_t rank, const int64_t *dims)
{
	struct fxq_tensor *out = &call->out[0];

	*out = fxq_tensor_type(FXQ_DTYPE_I8, rank, dims);
	if (ref_int(call, "raw", 0)) {
		out->dtype = FXQ_DTYPE_I32;
		return 0;
	}
	out->scale = ref_float(call, "scale", 0);
	out->zero_point = (int32_t)ref_int(call, "zero_point", 0);
	if (!(out->scale > 0))
		return ref_fail(call, -EINVAL,
				"scale is %g: a quantized result needs a scale above 0",
				(double)out->scale);
	return 0;
}

bool ref_has(const struct fxq_call *call, uint32_t i)
{
	return i < call->n_in && call->in[i].dtype != FXQ_DTYPE_NONE;
}

int ref_want(struct fxq_call *call, uint32_t i, uint32_t dtype, int rank)
{
	if (!ref_has(call, i))
		return ref_fail(call, -EINVAL, "input %u is absent", i);
	if (call->in[i].dtype != dtype)
		return ref_fail(call, -EINVAL, "input %u is %s, it must be %s",
				i, fxq_dtype_name(call->in[i].dtype),
				fxq_dtype_name(dtype));
	if (rank >= 0 && call->in[i].rank != (uint32_t)rank)
		return ref_fail(call, -EINVAL,
				"input %u has %u dimensions, it must have %d",
				i, call->in[i].rank, rank);
	return 0;
}

/* Beyond this nothing fits into memory, and sums of them into 64 bits. */
#define SIDE_MAX	(1 << 24)

int ref_check_window(struct fxq_call *call)
{
	static const struct {
		const char *name;
		int count;
		int64_t def;
	} params[] = {
		{ "kernel_size", 2, 1 }, { "stride", 2, 1 },
		{ "dilation", 2, 1 }, { "padding", 4, 0 },
		{ "output_padding", 2, 0 },
	};
	int64_t v[4];

	for (size_t p = 0; p < sizeof(params) / sizeof(*params); p++) {
		ref_ints(call, params[p].name, v, params[p].count,
			 params[p].def);
		for (int i = 0; i < params[p].count; i++)
			if (v[i] < params[p].def || v[i] > SIDE_MAX)
				return ref_fail(call, -EINVAL,
						"%s is %lld; it is from %lld to %d",
						params[p].name, (long long)v[i],
						(long long)params[p].def,
						SIDE_MAX);
	}
	return 0;
}

int64_t ref_windows(const struct fxq_call *call, int i, int64_t size,
		    int64_t taps)
{
	int64_t stride[2], dilation[2], pad[4], left;

	ref_ints(call, "stride", stride, 2, 1);
	ref_ints(call, "dilation", dilation, 2, 1);
	ref_ints(call, "padding", pad, 4, 0);
	left = size + pad[i] + pad[i + 2] - dilation[i] * (taps - 1) - 1;
	return left < 0 ? 0 : left / stride[i] + 1;
}

/* Input @i, if there is one, has so many elements. */
static int check_count(struct fxq_call *call, uint32_t i, uint32_t dtype,
		       int64_t count)
{
	int ret = ref_has(call, i) ? ref_want(call, i, dtype, -1) : 0;

	if (!ret && ref_has(call, i) &&
	    fxq_tensor_count(&call->in[i]) != count)
		return ref_fail(call, -EINVAL,
				"input %u has %lld elements, it must have %lld",
				i, (long long)fxq_tensor_count(&call->in[i]),
				(long long)count);
	return ret;
}

int ref_check_epilogue(struct fxq_call *call, int64_t channels)
{
	int ret = check_count(call, 2, FXQ_DTYPE_I32, channels);

	if (!ret)
		ret = check_count(call, 3, FXQ_DTYPE_F32, channels);
	if (!ret)
		ret = check_count(call, 4, FXQ_DTYPE_F32, channels);
	if (!ret)
		ret = check_count(call, 5, FXQ_DTYPE_I8,
				  fxq_tensor_count(&call->out[0]));
	if (!ret)
		ret = check_count(call, 6, FXQ_DTYPE_I8, 256);
	if (!ret && (ref_int(call, "lo", -128) < -128 ||
		     ref_int(call, "hi", 127) > 127))
		return ref_fail(call, -EINVAL, "lo and hi are int8");
	return ret;
}

struct ref_epilogue ref_epilogue(const struct fxq_call *call)
{
	struct ref_epilogue e = {
		.bias = call->in[2].data,
		.m = ref_has(call, 3) ? call->in[3].data : NULL,
		.res_m = ref_float(call, "res_m", 0),
		.zy = (int)ref_int(call, "sum_zero_point",
				   call->out[0].zero_point),
		.lo = (int)ref_int(call, "lo", -128),
		.hi = (int)ref_int(call, "hi", 127),
		.raw = ref_int(call, "raw", 0),
		.out = call->out[0].data,
	};

	e.n = ref_has(call, 4) ? call->in[4].data : e.m;
	if (ref_has(call, 5)) {
		e.res = call->in[5].data;
		e.zr = call->in[5].zero_point;
	}
	if (ref_has(call, 6))
		e.lut = call->in[6].data;
	return e;
}

void ref_finish(const struct ref_epilogue *e, int64_t at, int64_t c,
		uint32_t sum)
{
	int32_t acc = (int32_t)(sum + (uint32_t)e->bias[c]);
	float v;
	int8_t q;

	if (e->raw) {
		((int32_t *)e->out)[at] = acc;
		return;
	}
	v = fxq_scale_acc(acc, e->m[c], e->n[c]);
	if (e->res)
		v = v + (float)(e->res[at] - e->zr) * e->res_m;
	q = fxq_q(v, e->zy, e->lo, e->hi);
	((int8_t *)e->out)[at] = e->lut ? e->lut[q + 128] : q;
}
