/* SPDX-License-Identifier: MIT */
/*
 * resize_plan.h - what a wanted scale or size means for every dimension
 *
 * ONNX lets a model name scales or sizes, for all dimensions or some, and have
 * the aspect ratio kept. The importer works this out where the numbers are
 * constants, the operator resize_dynamic when the model runs.
 */
#ifndef FXQ_RESIZE_PLAN_H
#define FXQ_RESIZE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <fxq/fxq_call.h>

/*
 * struct resize_wish
 * @axes: the dimensions that the numbers are for; n_axes < 0: all of them
 * @n_scales, @n_sizes: how many numbers of each kind are given; 0: none
 * @roi: starts, then ends, of each axis; n_roi 0: none
 * @policy: "stretch", "not_larger" or "not_smaller"
 */
struct resize_wish {
	int64_t axes[FXQ_MAX_RANK];
	double scales[FXQ_MAX_RANK];
	int64_t sizes[FXQ_MAX_RANK];
	double roi[2 * FXQ_MAX_RANK];
	int n_axes, n_scales, n_sizes, n_roi;
	const char *policy;
};

/*
 * struct resize_plan - for every dimension of the input
 * @by_scales: scales decide where a pixel comes from, not quotients of sizes
 * @roi: starts, then ends
 */
struct resize_plan {
	int64_t sizes[FXQ_MAX_RANK];
	double scales[FXQ_MAX_RANK];
	double roi[2 * FXQ_MAX_RANK];
	bool by_scales;
};

/* NULL, or what is wrong with the wish for an input of @rank and @dims. */
const char *resize_plan_make(const struct resize_wish *wish, uint32_t rank,
			     const int64_t *dims, struct resize_plan *ret);

#endif
