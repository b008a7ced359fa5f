// SPDX-License-Identifier: MIT
/*
 * Mean and variance in two passes. A sum is one chain of additions, each of
 * which waits for the last; so four rows are done together.
 */
#include "moments.h"

#define TOGETHER	4

static void four(const float *x, int64_t n, double *mean, double *var)
{
	double sum[TOGETHER] = { 0 };

	for (int64_t i = 0; i < n; i++)
		for (int r = 0; r < TOGETHER; r++)
			sum[r] += x[r * n + i];
	for (int r = 0; r < TOGETHER; r++) {
		mean[r] = sum[r] / (double)n;
		sum[r] = 0;
	}

	for (int64_t i = 0; i < n; i++)
		for (int r = 0; r < TOGETHER; r++) {
			double d = x[r * n + i] - mean[r];

			sum[r] += d * d;
		}
	for (int r = 0; r < TOGETHER; r++)
		var[r] = sum[r] / (double)n;
}

static void one(const float *x, int64_t n, double *mean, double *var)
{
	double sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += x[i];
	*mean = sum / (double)n;

	sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += (x[i] - *mean) * (x[i] - *mean);
	*var = sum / (double)n;
}

void kern_moments(const float *x, int64_t rows, int64_t n, double *mean,
	     double *var)
{
	int64_t r = 0;

	for (; r + TOGETHER <= rows; r += TOGETHER)
		four(x + r * n, n, mean + r, var + r);
	for (; r < rows; r++)
		one(x + r * n, n, mean + r, var + r);
}
