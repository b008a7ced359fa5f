/* SPDX-License-Identifier: MIT */
/*
 * resize_coords.h - which inputs an output of a resize is made of
 *
 * Resizing works one dimension at a time. Along each, an output is a weighted
 * sum of a few inputs, and everything ONNX says about modes is about which and
 * with what weights. The float kernel computes with the answers; the compiler
 * writes them into the tables of the integer machine.
 */
#ifndef FXQ_KERNELS_RESIZE_COORDS_H
#define FXQ_KERNELS_RESIZE_COORDS_H

#include <stdbool.h>
#include <stdint.h>

#include <fxq/fxq_call.h>

enum resize_mode {
	RESIZE_NEAREST,
	RESIZE_LINEAR,
	RESIZE_CUBIC,
};

enum resize_transform {
	RESIZE_HALF_PIXEL,
	RESIZE_HALF_PIXEL_SYMMETRIC,
	RESIZE_PYTORCH_HALF_PIXEL,
	RESIZE_ALIGN_CORNERS,
	RESIZE_ASYMMETRIC,
	RESIZE_TF_HALF_PIXEL_FOR_NN,
	RESIZE_TF_CROP_AND_RESIZE,
};

enum resize_rounding {
	RESIZE_ROUND_PREFER_FLOOR,
	RESIZE_ROUND_PREFER_CEIL,
	RESIZE_FLOOR,
	RESIZE_CEIL,
};

/*
 * The names that ONNX gives them; -1 for any other:
 * "nearest", "half_pixel", "round_prefer_floor" …
 */
int resize_mode_find(const char *name);
int resize_transform_find(const char *name);
int resize_rounding_find(const char *name);

/*
 * struct resize_axis - how one dimension is resized
 * @in, @out: sizes, at least 1
 * @scale: outputs for each input, above 0; out / in unless the model says
 *	   something else
 * @roi_start, @roi_end: for RESIZE_TF_CROP_AND_RESIZE, in parts of the input
 * @rounding: for RESIZE_NEAREST
 * @cubic_a: for RESIZE_CUBIC, ONNX's cubic_coeff_a, -0.75 by default
 * @exclude_outside: inputs beyond the edge have no weight, instead of the
 *		     edge's value
 * @antialias: linear and cubic filters widen when the size shrinks
 */
struct resize_axis {
	enum resize_mode mode;
	enum resize_transform transform;
	enum resize_rounding rounding;
	int64_t in, out;
	double scale;
	double roi_start, roi_end;
	double cubic_a;
	bool exclude_outside;
	bool antialias;
};

/* Reads, and checks, how a resize's call has each dimension resized. */
int resize_read(struct fxq_call *call, struct resize_axis *ret_axis);

/* The place in the input, in elements, that output @o stands for. */
double resize_coordinate(const struct resize_axis *a, int64_t o);

/* How many inputs each output is made of: 1, 2, 4, or more to antialias. */
int64_t resize_taps(const struct resize_axis *a);

/*
 * Writes the inputs of output @o, in ascending order but for the edges, where
 * indices are clamped, and their weights, the sum of which is 1. Returns false
 * if RESIZE_TF_CROP_AND_RESIZE has its place outside of the input.
 */
bool resize_weights(const struct resize_axis *a, int64_t o, int64_t *index,
		    double *weight);

#endif
