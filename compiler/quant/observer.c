// SPDX-License-Identifier: MIT
/*
 * observer.c - the range of a tensor, from the batches that passed through it
 *
 * Min-max keeps the extremes, the moving average smooths those of each batch;
 * the others look for a part of them in a histogram (observe/ranges.h). All of
 * it depends on the values and their order alone.
 */
#include <math.h>
#include <stdlib.h>

#include "quant_priv.h"

#define BINS		2048	/* on each side of 0; torch's: in all */
#define UPSAMPLE	128	/* torch's */

struct observer {
	struct fx_qconfig qconfig;
	bool seen;
	struct range range;		/* extremes, or their moving average */
	struct bins bins;
	struct histogram histogram;	/* torch's */
};

static void *alloc(size_t n, size_t bytes)
{
	void *p = calloc(n, bytes);

	if (!p)
		abort();
	return p;
}

struct observer *observer_new(const struct fx_qconfig *qconfig)
{
	struct observer *o = alloc(1, sizeof(*o));

	o->qconfig = *qconfig;
	switch (qconfig->observer) {
	case FX_OBSERVER_HISTOGRAM:
		o->histogram = (struct histogram){
			.bins = alloc(BINS, sizeof(float)), .n = BINS,
			.min = INFINITY, .max = -INFINITY,
		};
		break;
	case FX_OBSERVER_PERCENTILE:
	case FX_OBSERVER_MSE:
	case FX_OBSERVER_KL:
	case FX_OBSERVER_MIX:
		o->bins.half = BINS;
		o->bins.counts = alloc(2 * BINS, sizeof(*o->bins.counts));
		break;
	default:
		break;
	}
	return o;
}

void observer_free(struct observer *o)
{
	if (!o)
		return;
	free(o->bins.counts);
	free(o->histogram.bins);
	free(o);
}

bool observer_seen(const struct observer *o)
{
	return o && o->seen;
}

static void follow(struct observer *o, struct range r)
{
	float c = o->qconfig.averaging ? (float)o->qconfig.averaging : 0.01f;

	o->range.min += c * (r.min - o->range.min);
	o->range.max += c * (r.max - o->range.max);
}

/* What is not finite is not looked at. */
void observer_feed(struct observer *o, const float *x, int64_t n)
{
	struct range r = extremes(x, n);

	if (r.min > r.max)
		return;
	if (!o->seen)
		o->range = r;
	else if (o->qconfig.observer == FX_OBSERVER_MOVING_AVERAGE)
		follow(o, r);
	else
		o->range = range_join(o->range, r);
	o->seen = true;
	if (o->bins.counts)
		bins_add(&o->bins, x, n, r);
	if (o->histogram.bins)
		histogram_add(&o->histogram, x, n, r, UPSAMPLE);
}

struct range observer_range(const struct observer *o)
{
	double share = o->qconfig.percentile ? o->qconfig.percentile : 99.99;

	switch (o->qconfig.observer) {
	case FX_OBSERVER_PERCENTILE:
		return bins_percentile(&o->bins, o->range, share);
	case FX_OBSERVER_MSE:
		return bins_mse(&o->bins, o->range, &int8_affine, 1);
	case FX_OBSERVER_KL:
		return bins_kl(&o->bins, o->range, &int8_affine);
	case FX_OBSERVER_MIX:
		return bins_mix(&o->bins, o->range, &int8_affine, share, 1);
	case FX_OBSERVER_HISTOGRAM:
		if (o->histogram.min <= o->histogram.max)
			return histogram_search(&o->histogram, 256);
		return o->range;
	default:
		return o->range;
	}
}
