// SPDX-License-Identifier: MIT
/*
 * conv_layer.c - the geometry of a convolution in training, and its memory
 */
#include <errno.h>
#include <stdlib.h>

#include "conv.h"
#include "nn/kernels/parallel.h"

#define LONG_ROW	1024	/* elements that are a row long enough */
#define MIN_PARTS	8	/* so that who is late does not keep others */

static int init_field(struct layer *l)
{
	struct convolution *c = &l->c;

	for (int d = 0; d < 3; d++) {
		int64_t reach = (c->taps[d] - 1) * c->dilation[d] + 1;

		c->out[d] = (c->in[d] + c->begin[d] + c->end[d] - reach) /
			    c->stride[d] + 1;
		l->f.axis[d] = (struct field_axis){
			.in = c->in[d], .start = -c->begin[d],
			.stride = c->stride[d], .dilation = c->dilation[d],
			.taps = c->taps[d], .out = c->out[d],
		};
	}
	return field_init(&l->f);
}

static int init_offsets(struct layer *l)
{
	const struct field_axis *v = &l->f.axis[1], *h = &l->f.axis[2];
	int64_t n = 0;

	l->off = calloc(l->k + DOT_COLS, sizeof(*l->off));
	l->shift = calloc(l->taps, sizeof(*l->shift));
	l->plane = calloc(l->taps, sizeof(*l->plane));
	if (!l->off || !l->shift || !l->plane)
		return -ENOMEM;

	for (int64_t y = 0; y < l->c.taps[1]; y++) {
		for (int64_t x = 0; x < l->c.taps[2]; x++) {
			l->plane[n] = y % v->planes * h->planes +
				      x % h->planes;
			l->shift[n] = y * v->dilation / v->stride * h->pitch +
				      x * h->dilation / h->stride;
			if (l->shift[n] > l->margin)
				l->margin = l->shift[n];
			n++;
		}
	}
	for (int64_t i = 0; i < l->k; i++)
		l->off[i] = (i / l->taps * planes_of(l) +
			     l->plane[i % l->taps]) * l->row +
			    l->shift[i % l->taps];
	/* A tile of dots may reach beyond the last, and reads anything there. */
	for (int64_t i = l->k; i < l->k + DOT_COLS; i++)
		l->off[i] = l->off[0];
	return 0;
}

int layer_init(struct layer *l, struct fxq_call *call)
{
	int ret;

	ret = convolution_read(call, 2, false, &l->c);
	if (!ret)
		ret = init_field(l);
	if (ret)
		return ret;

	l->taps = convolution_taps(&l->c);
	l->k = l->c.ic * l->taps;
	l->images = LONG_ROW / l->f.plane;
	if (l->images > l->c.batch)
		l->images = l->c.batch;
	if (l->images < 1)
		l->images = 1;
	l->row = l->images * l->f.plane;
	ret = init_offsets(l);
	l->margin = round_up(l->margin, PRODUCT_SLACK);
	l->plane_row = round_up(l->margin + l->row + PRODUCT_SLACK,
				PRODUCT_SLACK);
	return ret;
}

static int64_t biggest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int init_worker(const struct layer *l, struct worker *p)
{
	int64_t oc = round_up(l->c.oc, PRODUCT_ROWS);
	int64_t ic = round_up(l->c.ic, PRODUCT_ROWS);
	int64_t in = l->c.ic * planes_of(l) * l->row + l->margin +
		     2 * PRODUCT_SLACK;

	p->in = calloc(in, sizeof(float));
	p->out = calloc(oc * l->plane_row, sizeof(float));
	p->rows = calloc(PRODUCT_ROWS * l->plane_row, sizeof(float));
	p->packed = calloc(biggest(oc * l->k, ic * l->c.oc * l->taps),
			   sizeof(float));
	p->off = calloc(l->c.oc * l->taps, sizeof(*p->off));
	return p->in && p->out && p->rows && p->packed && p->off ? 0 : -ENOMEM;
}

void layer_finish(struct layer *l)
{
	for (int i = 0; l->scratch && i < l->workers; i++) {
		struct worker *p = &l->scratch[i];

		free(p->in);
		free(p->out);
		free(p->rows);
		free(p->packed);
		free(p->off);
	}
	free(l->scratch);
	free(l->sums);
	free(l->off);
	free(l->shift);
	free(l->plane);
}

int layer_init_scratch(struct layer *l, int threads)
{
	double work = (double)l->c.batch * l->c.groups * l->c.oc * l->k *
		      l->f.columns;
	int ret = 0;

	l->workers = parallel_threads(threads, work);
	l->parts = biggest(l->workers, MIN_PARTS);
	if (l->parts > l->c.batch)
		l->parts = (int)l->c.batch;
	if (l->workers > l->parts)
		l->workers = l->parts;
	l->sums = calloc(l->parts * sums_of_part(l), sizeof(float));
	l->scratch = calloc(l->workers, sizeof(*l->scratch));
	if (!l->sums || !l->scratch)
		return -ENOMEM;
	for (int i = 0; !ret && i < l->workers; i++)
		ret = init_worker(l, &l->scratch[i]);
	return ret;
}
