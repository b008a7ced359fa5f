// SPDX-License-Identifier: MIT
/*
 * trim.c - how much of a range a table needs
 *
 * A layer rounds its sum to 8 bits before it looks the function up. Where the
 * function is flat, as hard-swish is below -3, those bits tell nothing; a sum
 * that saturates there gives the same result, and what is left of the range
 * gets finer steps.
 */
#include <math.h>

#include "convert.h"

#define POINTS	512

/* Grid points, so that ranges that differ in their last bit trim alike. */
static double grid_of(struct range r)
{
	int exponent;

	frexp((double)(r.max - r.min) / (POINTS / 2), &exponent);
	return ldexp(1, exponent - 1);
}

static bool near(double a, double b, struct qparams out)
{
	return fabs(a - b) <= (double)out.scale / 4;
}

void trim_range(struct convert *cv, struct fx_node *root, struct fx_node *f,
		struct qparams out, struct range *r)
{
	double x[POINTS + 2], y[POINTS + 2], step;
	int n = 0, lo = 0, hi;

	if (!(r->max > r->min))
		return;
	step = grid_of(*r);
	for (double v = ceil((double)r->min / step) * step;
	     v <= (double)r->max && n < POINTS + 2; v += step)
		x[n++] = v;
	if (n < 3 || pointwise_eval(f, root, x, y, (size_t)n))
		return;

	hi = n - 1;
	while (lo < hi && near(y[lo + 1], y[0], out))
		lo++;
	while (hi > lo && near(y[hi - 1], y[n - 1], out))
		hi--;
	if (lo)
		r->min = (float)x[lo];
	if (hi < n - 1)
		r->max = (float)x[hi];
}
