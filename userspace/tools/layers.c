// SPDX-License-Identifier: MIT
/*
 * layers.c - whose cycles are whose
 *
 * Engines work side by side, and weights of one layer are loaded while another
 * computes, so the times of layers overlap. A layer is charged with the cycles
 * by which it ends later than all layers that ended before it: hidden work is
 * free, and the charges add up to the stream's cycles.
 */
#include <stdlib.h>

#include <fxq/fxq_cost.h>

#include "profile.h"

static int by_end(const void *a, const void *b)
{
	const struct layer_cost *x = a, *y = b;

	return (x->last > y->last) - (x->last < y->last);
}

static void add_transfer(const struct fxq_desc *d, struct layer_cost *layer)
{
	const uint32_t *n = d->dma.n;

	layer->bus += fxq_cost_work(d);
	layer->bytes += (uint64_t)n[0] * n[1] * n[2] * n[3] * d->dma.elem;
}

/* Adds descriptor @d, which ran at @t, to its layer; @slot: tag to layer. */
static void add_desc(const struct fxq_desc *d, const struct fxq_timing *t,
		     struct layer_cost *layers, size_t *n, uint32_t *slot)
{
	struct layer_cost *layer;

	if (!slot[d->tag]) {
		slot[d->tag] = ++*n;
		layers[*n - 1].tag = d->tag;
	}
	layer = &layers[slot[d->tag] - 1];
	if (t->done > layer->last)
		layer->last = t->done;
	if (d->engine == FXQ_ENGINE_MX)
		layer->mx += fxq_cost_work(d);
	else if (d->engine == FXQ_ENGINE_VX)
		layer->vx += fxq_cost_work(d);
	else if (d->opcode != FXQ_OP_FILL)
		add_transfer(d, layer);
}

int layer_costs(const struct fxq_image *image, uint32_t step,
		struct layer_cost **ret, size_t *ret_n)
{
	struct fxq_image_info info;
	struct fxq_step_info s;
	struct fxq_timing *timing = NULL;
	struct layer_cost *layers = NULL;
	uint32_t *order = NULL, *slot = NULL;
	uint64_t end = 0;
	size_t n = 0;

	fxq_image_info(image, &info);
	fxq_image_step_info(image, step, &s);
	timing = calloc(s.n_descs + 1, sizeof(*timing));
	order = calloc(s.n_descs + 1, sizeof(*order));
	layers = calloc(info.n_tags + 1, sizeof(*layers));
	slot = calloc(info.n_tags + 1, sizeof(*slot));
	if (timing && order && layers && slot) {
		fxq_cost_stream(s.stream, s.n_descs, timing, order);
		for (uint32_t i = 0; i < s.n_descs; i++)
			if (s.stream[i].tag < info.n_tags)
				add_desc(&s.stream[i], &timing[i], layers, &n,
					 slot);
		qsort(layers, n, sizeof(*layers), by_end);
		for (size_t i = 0; i < n; i++) {
			layers[i].cycles = layers[i].last - end;
			end = layers[i].last;
		}
	}
	free(timing);
	free(order);
	free(slot);
	if (!layers)
		return complain_io(io_fail_memory("layers"));
	*ret = layers;
	*ret_n = n;
	return TOOL_OK;
}
