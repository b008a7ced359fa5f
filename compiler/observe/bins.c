// SPDX-License-Identifier: MIT
/*
 * bins.c - a histogram that never counts again, and ranges found in it
 *
 * Bins of one width lie over [-reach, reach]; a larger value doubles the reach,
 * two bins becoming one. So what is counted depends on the values alone, not on
 * the order of the batches, and zero is always the edge of a bin. Sums run in
 * the order of the bins, and the logarithm is fxq's own: the range is the same
 * on every processor.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/fxq_arith.h>

#include "nn/kernels/fmath.h"
#include "ranges.h"

/* Doubles the reach: bins join in pairs, towards the middle. */
static void widen(struct bins *b)
{
	int64_t n = 2 * b->half, quarter = n / 4;

	/* The lower half moves up from its upper end, the upper one down. */
	for (int64_t i = 0; i < quarter; i++) {
		int64_t lo = b->half - 1 - i, hi = b->half + i;

		b->counts[lo] = b->counts[b->half - 1 - 2 * i] +
				b->counts[b->half - 2 - 2 * i];
		b->counts[hi] = b->counts[b->half + 2 * i] +
				b->counts[b->half + 1 + 2 * i];
	}
	memset(b->counts, 0, quarter * sizeof(*b->counts));
	memset(b->counts + n - quarter, 0, quarter * sizeof(*b->counts));
	b->reach *= 2;
}

/*
 * The next power of two above @limit, by its bits: log2 is not exact. What is
 * beyond the last one that sums of two still hold is counted at the end; below
 * the first one, bins would be too narrow for a float32 to say how many make 1.
 */
#define FIRST_REACH	0x1p-100f
#define LAST_REACH	0x1p126f
static float power_above(float limit)
{
	int exponent;

	frexpf(limit, &exponent);
	if (!(limit > 0))
		return 1;
	return limit > LAST_REACH ? LAST_REACH :
	       limit < FIRST_REACH ? FIRST_REACH : ldexpf(1, exponent);
}

static float reach_of(struct range r)
{
	return -r.min > r.max ? -r.min : r.max;
}

void bins_add(struct bins *b, const float *x, int64_t n, struct range r)
{
	float limit = reach_of(r), per;

	if (!b->reach)
		b->reach = power_above(limit);
	while (b->reach < limit && b->reach < LAST_REACH)
		widen(b);
	per = (float)b->half / b->reach;
	for (int64_t i = 0; i < n; i++) {
		float v = x[i] < -b->reach ? -b->reach : x[i];
		int64_t at;

		if (!isfinite(x[i]))
			continue;
		v = v > b->reach ? b->reach : v;
		at = (int64_t)((v + b->reach) * per);
		b->counts[at < 2 * b->half ? at : 2 * b->half - 1]++;
	}
}

static float width(const struct bins *b)
{
	return 2 * b->reach / (float)(2 * b->half);
}

static float middle(const struct bins *b, int64_t i)
{
	return ((float)i + 0.5f) * width(b) - b->reach;
}

static struct range clip(struct range r, float min, float max)
{
	return (struct range){ r.min > min ? r.min : min,
			       r.max < max ? r.max : max };
}

struct range bins_percentile(const struct bins *b, struct range all,
			     double percentile)
{
	int64_t lo = 0, hi = 2 * b->half - 1;
	double total = 0, cut, sum = 0;

	for (int64_t i = 0; i < 2 * b->half; i++)
		total += (double)b->counts[i];
	cut = total * (1 - percentile / 100) / 2;
	while (lo < 2 * b->half - 1 && sum + (double)b->counts[lo] <= cut)
		sum += (double)b->counts[lo++];
	for (sum = 0; hi > lo && sum + (double)b->counts[hi] <= cut; hi--)
		sum += (double)b->counts[hi];
	return clip(all, middle(b, lo) - width(b) / 2,
		    middle(b, hi) + width(b) / 2);
}

/* What integers reach that lie alike around 0. */
static struct range covered(struct range r, const struct target *t)
{
	float reach = reach_of(r);

	return t->symmetric ? (struct range){ -reach, reach } : r;
}

static double expected_error(const struct bins *b, struct range r,
			     const struct target *t)
{
	double error = 0, step;
	int32_t zero;
	float scale;

	target_fit(t, r, &scale, &zero);
	step = scale;
	r = covered(r, t);
	for (int64_t i = 0; i < 2 * b->half; i++) {
		double x = middle(b, i), over = 0;

		if (x < r.min)
			over = r.min - x;
		if (x > r.max)
			over = x - r.max;
		error += (double)b->counts[i] * (step * step / 12 + over * over);
	}
	return error;
}

struct range bins_mse(const struct bins *b, struct range all,
		      const struct target *t, int stride)
{
	struct range best = all;
	double least = INFINITY;

	for (int i = 100; i > 0; i -= stride) {
		float f = (float)i / 100;
		struct range r = { all.min * f, all.max * f };
		double error = expected_error(b, r, t);

		if (error < least) {
			least = error;
			best = r;
		}
	}
	return best;
}

/*
 * Divergence of the first @n of @of bins of |x| from what is left of them in
 * @levels groups; @outside: counts of the bins above.
 */
static double divergence(const int64_t *x, int64_t n, int64_t levels,
			 int64_t outside)
{
	double inside = 0, all, sum = 0;

	if (!x[n - 1] && outside)
		return INFINITY;
	for (int64_t i = 0; i < n; i++)
		inside += (double)x[i];
	all = inside + (double)outside;

	for (int64_t g = 0; g < levels; g++) {
		int64_t from = g * n / levels, to = (g + 1) * n / levels;
		double count = 0, used = 0, q;

		for (int64_t i = from; i < to; i++) {
			count += (double)x[i];
			used += x[i] != 0;
		}
		q = count / used / inside;
		for (int64_t i = from; i < to; i++) {
			double p = ((double)x[i] +
				    (i == n - 1 ? (double)outside : 0)) / all;

			if (p > 0)
				sum += p * fm_log(p / q);
		}
	}
	return sum;
}

/* How many integers |x| is rounded to. */
static int64_t levels_of(struct range all, const struct target *t)
{
	int64_t levels = t->quant_max - t->quant_min + 1;

	if (t->symmetric || (all.min < 0 && all.max > 0))
		levels /= 2;
	return levels > 1 ? levels : 1;
}

struct range bins_kl(const struct bins *b, struct range all,
		     const struct target *t)
{
	int64_t levels = levels_of(all, t), outside = 0, best;
	int64_t *x = calloc(b->half, sizeof(*x)), top = 0;
	double least = INFINITY;
	float limit;

	if (!x)
		abort();
	for (int64_t i = 0; i < b->half; i++) {
		x[i] = b->counts[b->half + i] + b->counts[b->half - 1 - i];
		top = x[i] ? i + 1 : top;
	}

	best = top;
	for (int64_t n = top; n >= levels; n--) {
		double d = divergence(x, n, levels, outside);

		if (d < least) {
			least = d;
			best = n;
		}
		outside += x[n - 1];
	}
	free(x);
	limit = (float)best * width(b);
	return clip(all, -limit, limit);
}

double bins_error(const struct bins *b, struct range r, const struct target *t)
{
	float scale, inverse, lo, hi;
	double error = 0;
	int32_t zero;

	target_fit(t, r, &scale, &zero);
	inverse = 1 / scale;
	lo = (float)(t->quant_min - zero);
	hi = (float)(t->quant_max - zero);
	for (int64_t i = 0; i < 2 * b->half; i++) {
		float x = middle(b, i), v = x * inverse;
		double off;

		v = v > lo ? v : lo;
		v = v < hi ? v : hi;
		off = (double)x - (double)(fxq_rne(v) * scale);
		error += (double)b->counts[i] * off * off;
	}
	return error;
}

struct range bins_mix(const struct bins *b, struct range all,
		      const struct target *t, double percentile, int stride)
{
	struct range found[] = {
		all,
		bins_percentile(b, all, percentile),
		bins_mse(b, all, t, stride),
		bins_kl(b, all, t),
	};
	double least = INFINITY;
	struct range best = all;

	for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++) {
		double error = bins_error(b, found[i], t);

		if (error < least) {
			least = error;
			best = found[i];
		}
	}
	return best;
}
