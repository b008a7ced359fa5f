// SPDX-License-Identifier: MIT
/*
 * conv_back.c - the gradients of a convolution in training
 *
 * The planes of the output's gradient have zeros between their rows, so that
 * the sums of all shifts run over whole rows (see conv.c).
 */
#include <string.h>

#include "conv.h"

static void weight_gradients(const struct layer *l, struct worker *p,
			     struct batch b)
{
	const struct product_path *path = product_path();
	float *dw = p->dw + b.group * l->c.oc * l->k;
	float sums[DOT_ROWS][DOT_COLS];
	int64_t n = round_up(width_of(l, b), PRODUCT_SLACK);

	for (int64_t o = 0; o < l->c.oc; o += DOT_ROWS)
		for (int64_t k = 0; k < l->k; k += DOT_COLS) {
			path->dots(n, p->out + o * l->plane_row + l->margin,
				   l->plane_row, p->in, l->off + k, sums);
			for (int r = 0; r < DOT_ROWS && o + r < l->c.oc; r++)
				for (int s = 0; s < DOT_COLS && k + s < l->k; s++)
					dw[(o + r) * l->k + k + s] += sums[r][s];
		}
}

static void bias_gradients(const struct layer *l, struct worker *p,
			   struct batch b)
{
	for (int64_t o = 0; o < l->c.oc; o++) {
		const float *row = p->out + o * l->plane_row + l->margin;
		float sum = 0;

		for (int64_t i = 0; i < width_of(l, b); i++)
			sum += row[i];
		p->db[b.group * l->c.oc + o] += sum;
	}
}

/* Weights that meet plane @plane. */
static int64_t depth_of(const struct layer *l, int64_t plane)
{
	int64_t n = 0;

	for (int64_t t = 0; t < l->taps; t++)
		n += l->plane[t] == plane;
	return n * l->c.oc;
}

/* The weights and shifts of the taps that meet plane @plane. */
static void pack_plane(const struct layer *l, const float *w, int64_t plane,
		       float *packed, int64_t *off)
{
	int64_t depth = depth_of(l, plane), k = 0;

	for (int64_t o = 0; o < l->c.oc; o++) {
		for (int64_t t = 0; t < l->taps; t++) {
			if (l->plane[t] != plane)
				continue;
			off[k] = o * l->plane_row + l->margin - l->shift[t];
			for (int64_t i = 0; i < l->c.ic; i++)
				pack(packed, i, k, depth,
				     w[o * l->k + i * l->taps + t]);
			k++;
		}
	}
}

/* One plane after another, as input_gradients() goes over them. */
void pack_backward(const struct layer *l, struct worker *p, int64_t group)
{
	const float *w = l->w + group * l->c.oc * l->k;
	float *packed = p->packed;
	int64_t *off = p->off;

	for (int64_t plane = 0; plane < planes_of(l); plane++) {
		int64_t depth = depth_of(l, plane);

		pack_plane(l, w, plane, packed, off);
		packed += round_up(l->c.ic, PRODUCT_ROWS) * depth;
		off += depth;
	}
}

static void input_gradients(const struct layer *l, struct worker *p,
			    struct batch b)
{
	const struct product_path *path = product_path();
	int64_t step = planes_of(l) * l->row;
	const float *packed = p->packed;
	const int64_t *off = p->off;

	for (int64_t plane = 0; plane < planes_of(l); plane++) {
		int64_t depth = depth_of(l, plane);

		for (int64_t i = 0; i < l->c.ic; i += PRODUCT_ROWS) {
			path->strip(b.n * l->f.plane, depth, packed, p->out,
				    off, p->rows, l->plane_row);
			packed += PRODUCT_ROWS * depth;
			for (int64_t r = 0;
			     r < PRODUCT_ROWS && i + r < l->c.ic; r++)
				memcpy(p->in + (i + r) * step + plane * l->row,
				       p->rows + r * l->plane_row,
				       b.n * l->f.plane * sizeof(float));
		}
		off += depth;
	}
	move_input(l, p, b, l->dx, true);
}

/* What lies in padding is not 0 after a gradient took the planes' place. */
static void clear_planes(const struct layer *l, struct worker *p)
{
	if (l->f.is_padded)
		memset(p->in, 0, l->c.ic * planes_of(l) * l->row *
		       sizeof(*p->in));
}

void backward_batch(const struct layer *l, struct worker *p, struct batch b)
{
	if (l->dw) {
		if (l->dx)
			clear_planes(l, p);
		move_input(l, p, b, l->x, false);
	}
	for (int64_t o = 0; o < l->c.oc; o++)
		move_output(l, b, o, (float *)l->dy,
			    p->out + o * l->plane_row + l->margin, true);
	/* Fewer images than last time: what they left is no gradient. */
	if (b.n < l->images)
		for (int64_t o = 0; o < l->c.oc; o++)
			memset(p->out + o * l->plane_row + l->margin +
			       b.n * l->f.plane, 0,
			       (l->images - b.n) * l->f.plane * sizeof(float));
	if (l->dw)
		weight_gradients(l, p, b);
	if (l->db)
		bias_gradients(l, p, b);
	if (l->dx)
		input_gradients(l, p, b);
}
