/* SPDX-License-Identifier: MIT */
#ifndef FXQ_KERNELS_MOMENTS_H
#define FXQ_KERNELS_MOMENTS_H

#include <stdint.h>

/*
 * Mean and variance (the mean of squared distances) of each of @rows rows of
 * @n floats, one after the other. Sums are doubles, in the elements' order.
 */
void kern_moments(const float *x, int64_t rows, int64_t n, double *mean,
	     double *var);

#endif
