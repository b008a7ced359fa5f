// SPDX-License-Identifier: MIT
/*
 * qparams.c - from a range to scale and zero point, as torch computes them
 */
#include <float.h>
#include <math.h>

#include <fxq/fxq_arith.h>

#include "quant_priv.h"

struct qparams affine_qparams(struct range r)
{
	float min = r.min < 0 ? r.min : 0;
	float max = r.max > 0 ? r.max : 0;
	struct qparams q;
	float z;

	q.scale = (max - min) / 255.0f;
	if (!(q.scale > FLT_EPSILON))
		q.scale = FLT_EPSILON;
	z = -128.0f - fxq_rne(min / q.scale);
	q.zero_point = z < -128 ? -128 : z > 127 ? 127 : (int)z;
	return q;
}

float symmetric_scale(float max_abs)
{
	float s = max_abs / 127.0f;

	return s > FLT_EPSILON ? s : FLT_EPSILON;
}

bool scale_ok(float s)
{
	return isnormal(s) && s > 0;
}
