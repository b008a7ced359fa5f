// SPDX-License-Identifier: MIT
/*
 * The coordinate arithmetic of ONNX's Resize, opset 10 to 19, in double.
 */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "resize_coords.h"

static int find(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

int resize_mode_find(const char *name)
{
	static const char *const names[] = { "nearest", "linear", "cubic" };

	return find(names, 3, name);
}

int resize_transform_find(const char *name)
{
	static const char *const names[] = {
		"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",
		"align_corners", "asymmetric", "tf_half_pixel_for_nn",
		"tf_crop_and_resize",
	};

	return find(names, 7, name);
}

int resize_rounding_find(const char *name)
{
	static const char *const names[] = {
		"round_prefer_floor", "round_prefer_ceil", "floor", "ceil",
	};

	return find(names, 4, name);
}

static double crop(const struct resize_axis *a, double o)
{
	double last = (double)(a->in - 1);

	if (a->out == 1)
		return 0.5 * (a->roi_start + a->roi_end) * last;
	return a->roi_start * last + o * (a->roi_end - a->roi_start) * last /
	       (double)(a->out - 1);
}

/* The part of an output that is cut off is taken from both ends. */
static double symmetric(const struct resize_axis *a, double o)
{
	double in = (double)a->in, whole = a->scale * in;

	return in / 2 * (1 - (double)a->out / whole) + (o + 0.5) / a->scale -
	       0.5;
}

/*
 * The first and last elements lie on each other. ONNX means a length that the
 * scale gives, a fraction perhaps, of which out is the integer part; a scale
 * that came from the sizes gives out itself, but for rounding.
 */
static double align(const struct resize_axis *a, double o)
{
	double length = a->scale * (double)a->in;

	if (fabs(length - (double)a->out) < 1e-6 * length)
		length = (double)a->out;
	return length == 1 ? 0 : o * (double)(a->in - 1) / (length - 1);
}

static double transform(const struct resize_axis *a, double o)
{
	switch (a->transform) {
	case RESIZE_HALF_PIXEL:
		return (o + 0.5) / a->scale - 0.5;
	case RESIZE_HALF_PIXEL_SYMMETRIC:
		return symmetric(a, o);
	case RESIZE_PYTORCH_HALF_PIXEL:
		return a->out > 1 ? (o + 0.5) / a->scale - 0.5 : 0;
	case RESIZE_ALIGN_CORNERS:
		return align(a, o);
	case RESIZE_ASYMMETRIC:
		return o / a->scale;
	case RESIZE_TF_HALF_PIXEL_FOR_NN:
		return (o + 0.5) / a->scale;
	case RESIZE_TF_CROP_AND_RESIZE:
		return crop(a, o);
	}
	return 0;
}

double resize_coordinate(const struct resize_axis *a, int64_t o)
{
	/* Whatever the scale: far outside is far outside. */
	return fmin(fmax(transform(a, (double)o), -0x1p40), 0x1p40);
}

static double filter_scale(const struct resize_axis *a)
{
	return a->antialias && a->scale < 1 ? a->scale : 1;
}

/* Half the taps: the filter's radius, widened. */
static int64_t half_taps(const struct resize_axis *a)
{
	double radius = a->mode == RESIZE_LINEAR ? 1 : 2;

	return (int64_t)ceil(radius / filter_scale(a));
}

int64_t resize_taps(const struct resize_axis *a)
{
	return a->mode == RESIZE_NEAREST ? 1 : 2 * half_taps(a);
}

static double nearest(const struct resize_axis *a, double x)
{
	switch (a->rounding) {
	case RESIZE_ROUND_PREFER_FLOOR:
		return ceil(x - 0.5);
	case RESIZE_ROUND_PREFER_CEIL:
		return floor(x + 0.5);
	case RESIZE_FLOOR:
		return floor(x);
	case RESIZE_CEIL:
		return ceil(x);
	}
	return x;
}

/* The filter at distance @d: a triangle, or the piecewise cubic with a. */
static double filter(const struct resize_axis *a, double d)
{
	double c = a->cubic_a;

	d = fabs(d);
	if (a->mode == RESIZE_LINEAR)
		return d < 1 ? 1 - d : 0;
	if (d <= 1)
		return ((c + 2) * d - (c + 3)) * d * d + 1;
	return d < 2 ? ((c * d - 5 * c) * d + 8 * c) * d - 4 * c : 0;
}

static int64_t clamp_index(const struct resize_axis *a, int64_t i)
{
	if (i < 0)
		return 0;
	return i < a->in ? i : a->in - 1;
}

bool resize_weights(const struct resize_axis *a, int64_t o, int64_t *index,
		    double *weight)
{
	double x = resize_coordinate(a, o), sum = 0;
	int64_t n = resize_taps(a), first = (int64_t)floor(x) + 1 - n / 2;
	bool inside = a->transform != RESIZE_TF_CROP_AND_RESIZE ||
		      (x >= 0 && x <= (double)(a->in - 1));

	if (a->mode == RESIZE_NEAREST) {
		index[0] = clamp_index(a, (int64_t)nearest(a, x));
		weight[0] = 1;
		return inside;
	}

	for (int64_t t = 0; t < n; t++) {
		int64_t i = first + t;

		index[t] = clamp_index(a, i);
		weight[t] = filter(a, ((double)i - x) * filter_scale(a));
		if (a->exclude_outside && index[t] != i)
			weight[t] = 0;
		sum += weight[t];
	}

	/* Plain filters add up to 1 by themselves, and keep their bits. */
	if (sum != 0 && (a->exclude_outside || filter_scale(a) != 1))
		for (int64_t t = 0; t < n; t++)
			weight[t] /= sum;
	return inside;
}
