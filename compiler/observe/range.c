// SPDX-License-Identifier: MIT
/*
 * range.c - what a tensor reaches, and the scale that holds it
 *
 * Every observer ends in target_fit(), whatever way it found its range: the
 * formulas are torch's, in float32 and in torch's order, so that scales are
 * equal to the bit.
 */
#include <math.h>

#include <fxq/fxq_arith.h>

#include "nn/kernels/clones.h"
#include "ranges.h"

#define LANES	16	/* extremes that are looked for side by side */

/* The smaller one and the larger one; what is not finite is no extreme. */
static inline void extend(float *min, float *max, float x)
{
	bool finite = x - x == 0;
	float low = finite ? x : INFINITY, high = finite ? x : -INFINITY;

	*min = low < *min ? low : *min;
	*max = high > *max ? high : *max;
}

FXQ_CLONES
struct range extremes(const float *x, int64_t n)
{
	struct range r = { INFINITY, -INFINITY };
	float min[LANES], max[LANES];
	int64_t i = 0;

	for (int l = 0; l < LANES; l++) {
		min[l] = r.min;
		max[l] = r.max;
	}
	for (; i + LANES <= n; i += LANES)
#pragma GCC unroll 1
		for (int l = 0; l < LANES; l++)
			extend(&min[l], &max[l], x[i + l]);
	for (; i < n; i++)
		extend(&r.min, &r.max, x[i]);
	for (int l = 0; l < LANES; l++) {
		r.min = min[l] < r.min ? min[l] : r.min;
		r.max = max[l] > r.max ? max[l] : r.max;
	}
	return (struct range){ r.min + 0.0f, r.max + 0.0f };
}

struct range range_join(struct range a, struct range b)
{
	return (struct range){ a.min < b.min ? a.min : b.min,
			       a.max > b.max ? a.max : b.max };
}

/* The least power of two that is not below @s. */
static float power_of_two(float s)
{
	int exponent;
	float f = frexpf(s, &exponent);

	return f == 0.5f ? s : ldexpf(1, exponent);
}

static float bounded(const struct target *t, float s)
{
	s = s > t->eps ? s : t->eps;
	return t->power_of_two ? power_of_two(s) : s;
}

void target_fit(const struct target *t, struct range r, float *ret_scale,
		int32_t *ret_zero_point)
{
	float steps = (float)(t->quant_max - t->quant_min);
	float min = r.min < 0 ? r.min : 0, max = r.max > 0 ? r.max : 0;
	float z;

	if (t->symmetric) {
		*ret_scale = bounded(t, (-min > max ? -min : max) /
					(steps / 2));
		*ret_zero_point = t->middle;
		return;
	}

	*ret_scale = bounded(t, (max - min) / steps);
	z = (float)t->quant_min - fxq_rne(min / *ret_scale);
	z = z < (float)t->quant_min ? (float)t->quant_min : z;
	z = z > (float)t->quant_max ? (float)t->quant_max : z;
	*ret_zero_point = (int32_t)z;
}
