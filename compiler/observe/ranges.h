/* SPDX-License-Identifier: MIT */
/*
 * ranges.h - the arithmetic of observers, without modules and graphs
 *
 * What a tensor reaches, a histogram of it, and scales: one implementation for
 * the observers of models in C and for the calibration of graphs.
 */
#ifndef FXQ_RANGES_H
#define FXQ_RANGES_H

#include <stdbool.h>
#include <stdint.h>

struct range {
	float min, max;
};

/* range.c */

/* struct target - the integers that values become, and how they are laid out */
struct target {
	bool symmetric, power_of_two;
	int quant_min, quant_max;
	int32_t middle;		/* the zero point, if symmetric */
	float eps;		/* the least scale */
};

/* Scale and zero point for values in @r, which is widened to hold 0. */
void target_fit(const struct target *t, struct range r, float *ret_scale,
		int32_t *ret_zero_point);

/* Of finite numbers; zeros are positive. min is above max if there are none. */
struct range extremes(const float *x, int64_t n);
/* The range of both. */
struct range range_join(struct range a, struct range b);

/* bins.c */

/*
 * struct bins - a histogram over [-reach, reach]
 * @reach: a power of two, which doubles when a larger value comes; 0: empty
 * @half: bins on each side of 0
 * @counts: 2 * half
 */
struct bins {
	float reach;
	int64_t half;
	int64_t *counts;
};

/* Counts the finite ones of @n values, whose extremes are @r. */
void bins_add(struct bins *b, const float *x, int64_t n, struct range r);

/*
 * Parts of @all, the extremes of what was counted. Percentile: as many values
 * are cut off on both sides as to leave @percentile percent. Least squares: of
 * the fractions 100, 100 - stride, … percent of it the one whose expected square
 * error, counts times step^2 / 12 inside and distance^2 outside, is least.
 */
struct range bins_percentile(const struct bins *b, struct range all,
			     double percentile);
struct range bins_mse(const struct bins *b, struct range all,
		      const struct target *t, int stride);
/*
 * Least divergence: bins of |x| up to a threshold, what is above added to the
 * last of them, is P; the same bins without it, in as many equal groups as there
 * are integers for |x|, each group spread evenly over its bins that are not
 * empty, is Q. The threshold is the one with the least sum of P log(P / Q).
 */
struct range bins_kl(const struct bins *b, struct range all,
		     const struct target *t);
/* The one of @all and the three others that bins_error() likes best. */
struct range bins_mix(const struct bins *b, struct range all,
		      const struct target *t, double percentile, int stride);
/* Square error of quantizing each bin's middle with the range @r. */
double bins_error(const struct bins *b, struct range r,
		  const struct target *t);

/* histogram.c */

/*
 * struct histogram - n equal steps from @min to @max; empty while min > max
 */
struct histogram {
	float *bins;
	int64_t n;
	float min, max;
};

/*
 * Counts @n finite values whose extremes are @r, cutting each step into @upsample
 * pieces if the range has to grow. False if no float32 step is wide enough.
 */
bool histogram_add(struct histogram *h, const float *x, int64_t n,
		   struct range r, int64_t upsample);
/* The part with the least expected square error, for @levels integers. */
struct range histogram_search(const struct histogram *h, int levels);

#endif /* FXQ_RANGES_H */
