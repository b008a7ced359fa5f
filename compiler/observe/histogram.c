// SPDX-License-Identifier: MIT
/*
 * histogram.c - HistogramObserver, as torch 1.13 has it
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
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/fxq_arith.h>

#include "observe.h"

#define STEP	1e-5	/* how much of the values a move leaves out */
#define TOO_FAR	0x1p40f	/* wider than this, old values are in one step */

struct histogram {
	float *bins;
	int64_t n;
	float min, max;
};

static struct histogram histogram_of(struct fx_module *m)
{
	return (struct histogram){
		.bins = buffer_floats(m, "histogram"),
		.n = buffer_count(m, "histogram"),
		.min = buffer_floats(m, "min_val")[0],
		.max = buffer_floats(m, "max_val")[0],
	};
}

/* Counts in h->n equal steps from @lo to @hi, ends included, as torch.histc(). */
static void count(struct histogram *h, const float *x, int64_t n, float lo,
		  float hi)
{
	int64_t *counts = must_alloc(h->n * sizeof(*counts));

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

		if (x[i] < lo || x[i] > hi)
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

static void observe_more(struct fx_module *m, const struct fxq_tensor *t,
			 const struct grid *g)
{
	struct histogram h = histogram_of(m), old = h;
	int64_t n = fxq_tensor_count(t);

	old.bins = must_alloc(h.n * sizeof(*old.bins));
	memcpy(old.bins, h.bins, h.n * sizeof(*old.bins));
	count(&h, t->data, n, truncf(g->min), truncf(g->max));

	if (g->min == old.min && g->max == old.max)
		for (int64_t i = 0; i < h.n; i++)
			h.bins[i] += old.bins[i];
	else
		add_old(h.bins, &old, g, module_int(m, "upsample_rate"));
	free(old.bins);
	set_range(m, (struct range){ g->min, g->max });
}

static fxv forward_histogram(struct fx_module *m, const fxv *args)
{
	const struct fxq_tensor *t = observed(m, args[0]);
	struct histogram h = histogram_of(m);
	int64_t upsample = module_int(m, "upsample_rate");
	struct range r;
	struct grid g;

	if (!t)
		return args[0];
	r = extremes(t->data, fxq_tensor_count(t));
	g.min = r.min < h.min ? r.min : h.min;
	g.max = r.max > h.max ? r.max : h.max;
	if (!isfinite((g.max - g.min) * (float)h.n))
		return fx_poison(context.at, -EINVAL, "%s: no float32 histogram holds values from %g to %g",
				 m->class->name, g.min, g.max);

	if (h.min < h.max && widen(&h, r, (float)upsample, &g)) {
		observe_more(m, t, &g);
		return args[0];
	}
	/* The first batch, or the first that is not all one number. */
	count(&h, t->data, fxq_tensor_count(t), truncf(r.min), truncf(r.max));
	set_range(m, r);
	return args[0];
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
	float *sums = must_alloc(h->n * sizeof(*sums));
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

static int qparams_histogram(struct fx_module *m, struct fx_qparams *ret)
{
	struct histogram h = histogram_of(m);
	float step = (h.max - h.min) / (float)h.n;
	char error[FXQ_ERROR_MAX];
	int64_t first, last;
	struct qtype t;
	struct range r;

	if (qtype_of(m, &t, error))
		return qparams_refuse(m, ret, -EINVAL, "%s", error);
	if (h.min > h.max)
		return qparams_fit(m, NULL, 0, ret);

	search(&h, t.dtype == FX_QINT16 ? 65536 : 256, &first, &last);
	r.min = h.min + step * (float)first;
	r.max = h.min + step * (float)(last + 1);
	return qparams_fit(m, &r, 1, ret);
}

static int init_histogram(struct fx_module *m)
{
	int64_t bins = module_int(m, "bins");
	int64_t upsample = module_int(m, "upsample_rate");

	if (bins < 1 || bins > 1 << 20)
		return module_fail(m, -EINVAL, "bins %lld: a histogram has 1 to 2^20",
				   (long long)bins);
	if (upsample < 1 || upsample > 1 << 10)
		return module_fail(m, -EINVAL, "upsample_rate %lld is not from 1 to 1024",
				   (long long)upsample);
	if (qtype_init(m) || qtype_per_tensor(m))
		return -EINVAL;
	fx_add_buffer(m, "histogram", fx_zeros(bins));
	fx_add_buffer(m, "min_val", fx_full_of(INFINITY, FX_DIMS()));
	fx_add_buffer(m, "max_val", fx_full_of(-INFINITY, FX_DIMS()));
	return 0;
}

CLASS(HistogramObserver, .flags = FX_CLASS_LEAF | FX_CLASS_IDENTITY,
      .init = init_histogram, .forward = forward_histogram,
      .qparams = qparams_histogram)
