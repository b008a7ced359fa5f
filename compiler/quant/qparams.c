// SPDX-License-Identifier: MIT
/*
 * qparams.c - from a range to scale and zero point, for the device
 */
#include <float.h>
#include <math.h>

#include "quant_priv.h"

const struct target int8_affine = {
	.quant_min = -128, .quant_max = 127, .eps = FLT_EPSILON,
};

static const struct target int8_symmetric = {
	.symmetric = true, .quant_min = -127, .quant_max = 127,
	.eps = FLT_EPSILON,
};

struct qparams affine_qparams(struct range r)
{
	struct qparams q;
	int32_t zero;

	target_fit(&int8_affine, r, &q.scale, &zero);
	q.zero_point = zero;
	return q;
}

float symmetric_scale(float max_abs)
{
	int32_t zero;
	float scale;

	target_fit(&int8_symmetric, (struct range){ 0, max_abs }, &scale,
		   &zero);
	return scale;
}

bool scale_ok(float s)
{
	return isnormal(s) && s > 0;
}
