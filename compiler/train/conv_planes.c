// SPDX-License-Identifier: MIT
/*
 * conv_planes.c - between images and the planes of a convolution in training
 */
#include <string.h>

#include "conv.h"

/* Rows of an axis that are in the input, of the plane of residue @res. */
static void axis_span(const struct field_axis *a, int64_t res, int64_t *begin,
		      int64_t *end)
{
	int64_t first = a->start + res;

	*begin = first >= 0 ? 0 : (-first + a->stride - 1) / a->stride;
	*end = first >= a->in ? 0 : (a->in - first + a->stride - 1) / a->stride;
	if (*end > a->pitch)
		*end = a->pitch;
}

/* One step is 1; what the compiler knows of the other makes it shuffle. */
static void copy_row(float *to, int64_t to_step, const float *from,
		     int64_t from_step, int64_t n)
{
	if (to_step == 1 && from_step == 1)
		memcpy(to, from, n * sizeof(*to));
	else if (from_step == 2)
		for (int64_t i = 0; i < n; i++)
			to[i] = from[i * 2];
	else
		for (int64_t i = 0; i < n; i++)
			to[i * to_step] = from[i * from_step];
}

/* An image's channel to its place in the planes, or back from there. */
static void move_channel(const struct layer *l, float *image, float *planes,
			 bool back)
{
	const struct field_axis *v = &l->f.axis[1], *h = &l->f.axis[2];

	for (int64_t p = 0; p < planes_of(l); p++) {
		int64_t ry = p / h->planes * v->dilation % v->stride;
		int64_t rx = p % h->planes * h->dilation % h->stride;
		int64_t y0, y1, x0, x1;

		axis_span(v, ry, &y0, &y1);
		axis_span(h, rx, &x0, &x1);
		for (int64_t y = y0; y < y1; y++) {
			float *row = image + (v->start + ry + y * v->stride) *
					     h->in + h->start + rx +
				     x0 * h->stride;
			float *at = planes + p * l->row + y * h->pitch + x0;

			if (back)
				copy_row(row, h->stride, at, 1, x1 - x0);
			else
				copy_row(at, 1, row, h->stride, x1 - x0);
		}
	}
}

void move_input(const struct layer *l, struct worker *p, struct batch b,
		const float *x, bool back)
{
	int64_t size = convolution_in_size(&l->c);

	for (int64_t i = 0; i < b.n; i++)
		for (int64_t ch = 0; ch < l->c.ic; ch++) {
			int64_t at = ((b.first + i) * l->c.groups + b.group) *
				     l->c.ic + ch;

			move_channel(l, (float *)x + at * size, p->in +
				     ch * planes_of(l) * l->row +
				     i * l->f.plane, back);
		}
}

void move_output(const struct layer *l, struct batch b, int64_t ch, float *y,
		 float *plane, bool back)
{
	const struct field_axis *v = &l->f.axis[1], *h = &l->f.axis[2];

	for (int64_t i = 0; i < b.n; i++) {
		int64_t at = ((b.first + i) * l->c.groups + b.group) *
			     l->c.oc + ch;
		float *image = y + at * v->out * h->out;

		for (int64_t r = 0; r < v->out; r++) {
			float *row = plane + i * l->f.plane + r * h->pitch;

			if (back)
				memcpy(row, image + r * h->out,
				       h->out * sizeof(*row));
			else
				memcpy(image + r * h->out, row,
				       h->out * sizeof(*row));
		}
	}
}
