// SPDX-License-Identifier: MIT
/*
 * forms.c - the numbers of integer operators
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <fxq/fxq_arith.h>
#include <fxq/fxq_cmd.h>

#include "kernels/fmath.h"

#include "forms.h"

void form_values(float scale, int zero_point, double x[256])
{
	for (int q = -128; q < 128; q++)
		x[q + 128] = (double)scale * (q - zero_point);
}

void form_round(const double y[256], float scale, int zero_point,
		int8_t table[256])
{
	for (int i = 0; i < 256; i++)
		table[i] = fxq_q_double(y[i] / (double)scale, zero_point,
					-128, 127);
}

int form_function(const struct fx_op *op, const struct fxq_attr *attrs,
		  uint32_t n_attrs, const double x[256], double y[256])
{
	struct fxq_tensor in = fxq_tensor_type(FXQ_DTYPE_F64, 1,
					       (int64_t[]){ 256 });
	struct fxq_tensor out = { 0 };
	struct fxq_call call = { .n_in = 1, .n_out = 1, .in = &in, .out = &out,
				 .attrs = attrs, .n_attrs = n_attrs,
				 .threads = 1 };
	int ret;

	in.data = (void *)x;
	ret = fx_op_run(op, &call);
	if (!ret && (out.dtype != FXQ_DTYPE_F64 ||
		     fxq_tensor_count(&out) != 256))
		ret = -EOPNOTSUPP;
	if (!ret)
		memcpy(y, out.data, 256 * sizeof(*y));
	fxq_tensor_free(&out);
	return ret;
}

bool form_is_int8(float w, float scale)
{
	float q = w / scale;

	return q > -128.5f && q < 127.5f &&
	       fabsf(q - fxq_rne(q)) <= 128 * 0x1p-23f;
}

int form_bound(double c, float scale, int zero_point, int absent)
{
	float v = (float)c * (1.0f / scale);

	if (c != c)
		return absent;
	v = v > 1000 ? 1000 : v < -1000 ? -1000 : v;
	return fxq_clamp_int((int)fxq_rne(v) + zero_point, -128, 127);
}

void form_averages(float from, float to, int64_t count, float *table)
{
	for (int64_t i = 0; i < count; i++)
		table[i] = from / (to * (float)(i + 1));
}

void form_softmax(float scale, uint32_t table[256])
{
	for (int d = 0; d < 256; d++)
		table[d] = (uint32_t)fxq_rne_double(
			262144.0 * fm_exp(-(double)d * (double)scale));
}

void form_layer_norm(const float *g, const float *h, int64_t n, float to,
		     float *gh)
{
	for (int64_t i = 0; i < n; i++) {
		gh[2 * i] = (g ? g[i] : 1.0f) / to;
		gh[2 * i + 1] = (h ? h[i] : 0.0f) / to;
	}
}

float form_layer_norm_eps(float eps, int64_t n, float from)
{
	return (eps * ((float)n * (float)n)) / (from * from);
}

const char *form_resize(const struct resize_axis *a, uint16_t *table)
{
	if (resize_taps(a) > 2)
		return "its coordinates have no table";
	for (int64_t i = 0; i < a->out; i++) {
		int64_t index[2] = { 0 };
		double weight[2] = { 0 };
		uint16_t fraction = 0;

		if (!resize_weights(a, i, index, weight))
			return "its coordinates leave the input";
		if (a->mode == RESIZE_LINEAR && index[1] == index[0] + 1)
			fraction = (uint16_t)fxq_rne_double(weight[1] *
							    FXQ_RESIZE_ONE);
		table[2 * i] = (uint16_t)(index[0] + fraction / FXQ_RESIZE_ONE);
		table[2 * i + 1] = fraction % FXQ_RESIZE_ONE;
	}
	return NULL;
}
