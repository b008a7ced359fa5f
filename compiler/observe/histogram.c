// SPDX-License-Identifier: MIT
/*
 * histogram.c - the histogram and the search of torch 1.13
 *
 * Equal steps between the extremes of all batches so far. A batch that reaches
 * further makes the steps wider: each old step is cut into upsample_rate equal
 * pieces, and they are put together again in whole numbers, which moves the
 * upper end outwards a little. Asked for a scale, it narrows the range from
 * both ends, a hundred thousandth of the values at a time, as long as the
 * expected square error of quantizing falls.
 *
 * The scale is torch's to the bit, so everything is in the type in which torch
 * has it, and so is this: the counts are of values between the extremes
 * *without their fractions*. What is further out is not counted; where that
 * leaves no range at all, the batch's own extremes are the ends.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ranges.h"

#define STEP	1e-5	/* how much of the values a move leaves out */
#define TOO_FAR	0x1p40f	/* wider than this, old values are in one step */

static void *alloc(int64_t n, size_t bytes)
{
	void *p = calloc(n, bytes);

	if (!p)
		abort();
	return p;
}

/* Counts in h->n equal steps from @lo to @hi, ends included, as torch.histc(). */
static void count(struct histogram *h, const float *x, int64_t n, float lo,
		  float hi)
{
	int64_t *counts = alloc(h->n, sizeof(*counts));

	if (lo == hi) {
		struct range r = extremes(x, n);

		lo = r.min;
		hi = r.max;
	}
	if (lo == hi) {
		lo -= 1;
		hi += 1;
	}

	for (int64_t i = 0; i < n; i++) {
		int64_t at;

		if (!(x[i] >= lo && x[i] <= hi))
			continue;
		at = (int64_t)((x[i] - lo) / (hi - lo) * (float)h->n);
		counts[at < h->n ? at : h->n - 1]++;
	}
	for (int64_t i = 0; i < h->n; i++)
		h->bins[i] = (float)counts[i];
	free(counts);
}

/*
 * struct grid - the steps of a wider range, in pieces of old steps
 * @pieces: in a new step
 * @start: of the pieces that come before the first old one
 */
struct grid {
	float min, max;
	int64_t pieces, start;
};

/* Only the upper end gives way: a range that starts at 0 goes on doing so. */
static bool widen(const struct histogram *h, struct range batch, float upsample,
		  struct grid *ret)
{
	float n = (float)h->n;
	float piece = (h->max - h->min) / (n * upsample);
	float min = batch.min < h->min ? batch.min : h->min;
	float max = batch.max > h->max ? batch.max : h->max;
	float pieces = ceilf((max - min) / (n * piece));

	if (!(pieces < TOO_FAR))
		return false;
	*ret = (struct grid){
		.min = min,
		.max = max + (pieces * (n * piece) - (max - min)),
		.pieces = (int64_t)pieces,
		.start = (int64_t)rintf((h->min - min) / piece),
	};
	return true;
}

/* Adds the old steps to the new ones, what a range holds being spread evenly. */
static void add_old(float *bins, const struct histogram *old,
		    const struct grid *g, int64_t upsample)
{
	int64_t next = 0, all = old->n * upsample;
	double sum = 0;
	float before = 0;

	for (int64_t i = 0; i < old->n; i++) {
		int64_t end = (i + 1) * g->pieces - g->start;

		end = end < all && i < old->n - 1 ? end : all;
		for (; next < end; next++)
			sum += (double)old->bins[next / upsample];
		bins[i] += (float)((sum - (double)before) / (double)upsample);
		before = (float)sum;
	}
}

static void add_within(struct histogram *h, const float *x, int64_t n,
		       const struct grid *g, int64_t upsample)
{
	struct histogram old = *h;

	old.bins = alloc(h->n, sizeof(*old.bins));
	memcpy(old.bins, h->bins, h->n * sizeof(*old.bins));
	count(h, x, n, truncf(g->min), truncf(g->max));
	if (g->min == old.min && g->max == old.max)
		for (int64_t i = 0; i < h->n; i++)
			h->bins[i] += old.bins[i];
	else
		add_old(h->bins, &old, g, upsample);
	free(old.bins);
	h->min = g->min;
	h->max = g->max;
}

bool histogram_add(struct histogram *h, const float *x, int64_t n,
		   struct range r, int64_t upsample)
{
	struct range all = range_join(r, (struct range){ h->min, h->max });
	struct grid g;

	if (!isfinite((all.max - all.min) * (float)h->n))
		return false;
	if (h->min < h->max && widen(h, r, (float)upsample, &g)) {
		add_within(h, x, n, &g, upsample);
		return true;
	}
	/* The first batch, or the first that is not all one number. */
	count(h, x, n, truncf(r.min), truncf(r.max));
	h->min = r.min;
	h->max = r.max;
	return true;
}

/* The search */

/*
 * struct cut - the first and the last step of a range that is tried
 * @step: width of a step of the histogram, and of one of the integers
 */
struct cut {
	int64_t first, last;
	float step, level;
};

/* floor(a / b): a double holds the quotient closely enough, whatever it is. */
static float floor_div(float a, float b)
{
	return (float)floor((double)a / (double)b);
}

static float clamp(float v, float most)
{
	return v < 0 ? 0 : v > most ? most : v;
}

/* The integral of x^2 between the ends, times @density. */
static float square_error(float begin, float end, float density)
{
	return density * ((end * end * end - begin * begin * begin) / 3);
}

/* What step @i adds: the rest of a level, whole levels, part of another. */
static float step_error(const struct cut *c, float i, float density,
			float levels)
{
	float half = c->level / 2;
	float begin = (i - (float)c->first) * c->step, end = begin + c->step;
	float from = clamp(floor_div(begin, c->level), levels - 1);
	float to = clamp(floor_div(end, c->level), levels - 1);
	float error;

	error = square_error(begin - (from + 0.5f) * c->level, half, density);
	error += (to - from - 1) * square_error(-half, half, density);
	error += square_error(-half, end - (to * c->level + half), density);
	return error;
}

static float cut_error(const struct histogram *h, int64_t first, int64_t last,
		       int levels)
{
	double step = ((double)h->max - (double)h->min) / (double)h->n;
	double level = step * (double)(last - first + 1) / levels, sum = 0;
	struct cut c = { first, last, (float)step, (float)level };

	if (level == 0)
		return 0;
	for (int64_t i = 0; i < h->n; i++)
		sum += (double)step_error(&c, (float)i,
					  h->bins[i] / (float)step,
					  (float)levels);
	return (float)sum;
}

/* How many values there are up to and with each step. */
static float *running_sums(const struct histogram *h)
{
	float *sums = alloc(h->n, sizeof(*sums));
	double sum = 0;

	for (int64_t i = 0; i < h->n; i++) {
		sum += (double)h->bins[i];
		sums[i] = (float)sum;
	}
	return sums;
}

/* Moves whichever end has fewer values in its way, until the error grows. */
static void search(const struct histogram *h, int levels, int64_t *first,
		   int64_t *last)
{
	float *sums = running_sums(h), least = INFINITY;
	double total = (double)sums[h->n - 1], below = 0, above = 1;

	*first = 0;
	*last = h->n - 1;
	while (below < above) {
		double next_below = below + STEP, next_above = above - STEP;
		int64_t l = *first, r = *last, next_l = l, next_r = r;
		float error;

		while (l < *last && sums[l] < (float)(next_below * total))
			l++;
		while (r > *first && sums[r] > (float)(next_above * total))
			r--;
		if (l - *first > *last - r) {
			next_l = l;
			below = next_below;
		} else {
			next_r = r;
			above = next_above;
		}
		if (next_l == *first && next_r == *last)
			continue;

		error = cut_error(h, next_l, next_r, levels);
		if (error > least)
			break;
		least = error;
		*first = next_l;
		*last = next_r;
	}
	free(sums);
}

struct range histogram_search(const struct histogram *h, int levels)
{
	float step = (h->max - h->min) / (float)h->n;
	int64_t first, last;

	search(h, levels, &first, &last);
	return (struct range){ h->min + step * (float)first,
			       h->min + step * (float)(last + 1) };
}
