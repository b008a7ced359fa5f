// SPDX-License-Identifier: MIT
/*
 * observer.c - the range of a tensor, from the batches that passed through it
 *
 * Min-max keeps the extremes, the moving average smooths those of each batch.
 * Percentile and mean square error look at a histogram: BINS bins over
 * [-reach, reach], where reach is a power of two that doubles, two bins
 * becoming one, when a larger value comes. All of it depends on the values
 * and their order alone.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/kernels/clones.h"

#include "quant_priv.h"

#define BINS	4096
#define LANES	16	/* extremes that are looked for side by side */

struct observer {
	struct fx_qconfig qconfig;
	bool seen;
	struct range range;		/* extremes, or their moving average */
	float reach;			/* 0: the histogram is empty */
	uint64_t *bins;
};

struct observer *observer_new(const struct fx_qconfig *qconfig)
{
	struct observer *o = calloc(1, sizeof(*o));

	if (!o)
		abort();
	o->qconfig = *qconfig;
	if (qconfig->observer >= FX_OBSERVER_PERCENTILE) {
		o->bins = calloc(BINS, sizeof(*o->bins));
		if (!o->bins)
			abort();
	}
	return o;
}

void observer_free(struct observer *o)
{
	if (!o)
		return;
	free(o->bins);
	free(o);
}

bool observer_seen(const struct observer *o)
{
	return o && o->seen;
}

/* Doubles the reach: bins join in pairs, towards the middle. */
static void widen(struct observer *o)
{
	uint64_t joined[BINS] = { 0 };

	for (int i = 0; i < BINS; i++)
		joined[BINS / 4 + i / 2] += o->bins[i];
	memcpy(o->bins, joined, sizeof(joined));
	o->reach *= 2;
}

/* The next power of two above @limit, by its bits: log2 is not exact. */
static float power_above(float limit)
{
	int exponent;

	frexpf(limit, &exponent);
	return limit > 0 ? ldexpf(1, exponent) : 1;
}

static void count(struct observer *o, const float *x, int64_t n, float limit)
{
	float per;

	if (!o->reach)
		o->reach = power_above(limit);
	while (o->reach < limit)
		widen(o);
	per = BINS / 2 / o->reach;
	for (int64_t i = 0; i < n; i++) {
		int bin = (int)((x[i] + o->reach) * per);

		if (isfinite(x[i]))
			o->bins[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin]++;
	}
}

/* The smaller one and the larger one; what is not finite is no extreme. */
static inline void extend(float *min, float *max, float x)
{
	bool finite = x - x == 0;
	float low = finite ? x : INFINITY, high = finite ? x : -INFINITY;

	*min = low < *min ? low : *min;
	*max = high > *max ? high : *max;
}

/* Extremes, zeros being positive; min is above max if nothing is finite. */
FXQ_CLONES
static struct range extremes(const float *x, int64_t n)
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

void observer_feed(struct observer *o, const float *x, int64_t n)
{
	struct range r = extremes(x, n);
	float c = o->qconfig.averaging ? (float)o->qconfig.averaging : 0.01f;

	if (r.min > r.max)
		return;
	if (!o->seen) {
		o->range = r;
	} else if (o->qconfig.observer == FX_OBSERVER_MOVING_AVERAGE) {
		o->range.min += c * (r.min - o->range.min);
		o->range.max += c * (r.max - o->range.max);
	} else {
		o->range.min = r.min < o->range.min ? r.min : o->range.min;
		o->range.max = r.max > o->range.max ? r.max : o->range.max;
	}
	o->seen = true;
	if (o->bins)
		count(o, x, n, -r.min > r.max ? -r.min : r.max);
}

static float bin_middle(const struct observer *o, int bin)
{
	return ((float)bin + 0.5f) * (2 * o->reach / BINS) - o->reach;
}

static struct range clip(struct range r, float min, float max)
{
	return (struct range){ r.min > min ? r.min : min,
			       r.max < max ? r.max : max };
}

static struct range percentile_range(const struct observer *o)
{
	double p = o->qconfig.percentile ? o->qconfig.percentile : 99.99;
	double total = 0, cut, sum = 0;
	float width = 2 * o->reach / BINS;
	int lo = 0, hi = BINS - 1;

	for (int i = 0; i < BINS; i++)
		total += (double)o->bins[i];
	cut = total * (1 - p / 100) / 2;
	while (lo < BINS - 1 && sum + (double)o->bins[lo] <= cut)
		sum += (double)o->bins[lo++];
	for (sum = 0; hi > lo && sum + (double)o->bins[hi] <= cut; hi--)
		sum += (double)o->bins[hi];
	return clip(o->range, bin_middle(o, lo) - width / 2,
		    bin_middle(o, hi) + width / 2);
}

/* Squared error of quantizing what was seen with the range @r. */
static double squared_error(const struct observer *o, struct range r)
{
	double step = affine_qparams(r).scale, error = 0;

	for (int i = 0; i < BINS; i++) {
		double x = bin_middle(o, i), over = 0;

		if (x < r.min)
			over = r.min - x;
		if (x > r.max)
			over = x - r.max;
		error += (double)o->bins[i] * (step * step / 12 + over * over);
	}
	return error;
}

static struct range mse_range(const struct observer *o)
{
	struct range best = o->range;
	double least = INFINITY;

	for (int i = 100; i > 0; i--) {
		float f = (float)i / 100;
		struct range r = { o->range.min * f, o->range.max * f };
		double error = squared_error(o, r);

		if (error < least) {
			least = error;
			best = r;
		}
	}
	return best;
}

struct range observer_range(const struct observer *o)
{
	switch (o->qconfig.observer) {
	case FX_OBSERVER_PERCENTILE:
		return percentile_range(o);
	case FX_OBSERVER_MSE:
		return mse_range(o);
	default:
		return o->range;
	}
}
