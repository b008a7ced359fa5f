// SPDX-License-Identifier: MIT
/*
 * resize.c - a picture of another size
 *
 * A new pixel is the weighted mean of the old ones around its centre; weights
 * fall linearly to zero one pixel away, or one new pixel if that is larger.
 * Weights and sums are computed in double in one order, so that the result is
 * the same everywhere.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"

/* Where each new pixel's window begins, and its weights, which sum to 1. */
struct window {
	uint32_t n, span;
	uint32_t *first, *count;
	double *weight;			/* (n, span) */
};

static void window_free(struct window *w)
{
	free(w->first);
	free(w->count);
	free(w->weight);
}

static void fill_one(struct window *w, uint32_t i, uint32_t from, double scale,
		     double reach)
{
	double centre = (i + 0.5) * scale, sum = 0;
	double lo = floor(centre - reach + 0.5), hi = floor(centre + reach + 0.5);
	double *weight = w->weight + (size_t)i * w->span;

	w->first[i] = lo < 0 ? 0 : lo;
	w->count[i] = (hi > from ? from : hi) - w->first[i];
	for (uint32_t k = 0; k < w->count[i]; k++) {
		double d = fabs(w->first[i] + k + 0.5 - centre);

		weight[k] = d * (1 / reach) < 1 ? 1 - d * (1 / reach) : 0;
		sum += weight[k];
	}
	for (uint32_t k = 0; k < w->count[i]; k++)
		weight[k] /= sum;
}

static int window_make(struct window *w, uint32_t from, uint32_t to)
{
	double scale = (double)from / to, reach = scale > 1 ? scale : 1;

	w->n = to;
	w->span = 2 * (uint32_t)ceil(reach) + 2;
	w->first = calloc(to, sizeof(*w->first));
	w->count = calloc(to, sizeof(*w->count));
	w->weight = calloc((size_t)to * w->span, sizeof(*w->weight));
	if (!w->first || !w->count || !w->weight) {
		window_free(w);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < to; i++)
		fill_one(w, i, from, scale, reach);
	return 0;
}

static uint8_t to_byte(double v)
{
	v = floor(v + 0.5);
	return v < 0 ? 0 : v > 255 ? 255 : v;
}

/* One new line of @n values; old values of a window are @step bytes apart. */
static void blend(const struct window *w, uint32_t i, const uint8_t *from,
		  size_t step, uint32_t n, size_t value_step, uint8_t *to)
{
	const double *weight = w->weight + (size_t)i * w->span;

	from += w->first[i] * step;
	for (uint32_t x = 0; x < n; x++, from += value_step, to += value_step) {
		double sum = 0;

		for (uint32_t k = 0; k < w->count[i]; k++)
			sum += weight[k] * from[k * step];
		*to = to_byte(sum);
	}
}

static void resize_across(const struct window *w, const struct picture *from,
			  struct picture *to)
{
	uint32_t c = from->channels;

	for (uint32_t y = 0; y < to->height; y++)
		for (uint32_t x = 0; x < to->width; x++)
			blend(w, x, from->pixels + (size_t)y * from->width * c,
			      c, c, 1, to->pixels +
			      ((size_t)y * to->width + x) * c);
}

static void resize_down(const struct window *w, const struct picture *from,
			struct picture *to)
{
	size_t row = (size_t)from->width * from->channels;

	for (uint32_t y = 0; y < to->height; y++)
		blend(w, y, from->pixels, row, row, 1, to->pixels + y * row);
}

/* Resizes in one direction; @down tells which. */
static int resize(const char *name, const struct picture *from, bool down,
		  uint32_t size, struct picture *ret)
{
	struct window w;
	struct picture p;
	int err;

	err = picture_alloc(name, &p, down ? from->width : size,
			    down ? size : from->height, from->channels);
	if (err)
		return err;
	if (window_make(&w, down ? from->height : from->width, size)) {
		picture_free(&p);
		return io_fail_memory(name);
	}
	if (down)
		resize_down(&w, from, &p);
	else
		resize_across(&w, from, &p);
	window_free(&w);
	*ret = p;
	return 0;
}

int picture_resize(const char *name, const struct picture *from,
		   uint32_t width, uint32_t height, struct picture *ret)
{
	struct picture across;
	int err;

	err = resize(name, from, false, width, &across);
	if (err)
		return err;
	err = resize(name, &across, true, height, ret);
	picture_free(&across);
	return err;
}
