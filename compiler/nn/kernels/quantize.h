/* SPDX-License-Identifier: MIT */
/*
 * quantize.h - tensors of which each channel may have a scale of its own
 */
#ifndef FXQ_KERNELS_QUANTIZE_H
#define FXQ_KERNELS_QUANTIZE_H

#include "kernel.h"

/*
 * struct runs - elements that share a scale: @count runs of @n, the scales of
 * which repeat after @scales of them
 */
struct runs {
	int64_t count, n, scales;
};

/* For x, scale and zero point, which come first; by "axis", 1 if absent. */
int quantize_runs(struct fxq_call *call, struct runs *ret_runs);

#endif
