/* SPDX-License-Identifier: MIT */
/*
 * conv.c - CONV: gather, multiply, finish
 *
 * A unit is a tile of pixels by a batch of output blocks of one group, numbered
 * so that a batch's parameters are loaded once for many tiles.
 */
#include <string.h>

#include "conv.h"
#include "dot.h"
#include "fm.h"
#include "tile.h"

#define BATCH		16	/* output blocks at most, for one gathering */

/* struct unit - which tile of which output blocks of which group */
struct unit {
	uint32_t group, block, blocks, first, pixels;
};

/* k of an output channel: a block's channels are rounded up to 4. */
static uint32_t weights_per_channel(const struct fxq_body_conv *b)
{
	uint32_t icg = b->ic / b->groups;

	return (icg / FXQ_BLOCK * FXQ_BLOCK +
		fxq_round_up(icg % FXQ_BLOCK, 4)) * b->kh * b->kw;
}

static uint32_t tiles_of(const struct conv *c)
{
	return fxq_div_up(c->pixels, FXQ_TILE);
}

static struct unit unit_at(const struct conv *c, uint32_t i)
{
	struct unit u;
	uint32_t left;

	u.first = i % tiles_of(c) * FXQ_TILE;
	left = c->pixels - u.first;
	u.pixels = left < FXQ_TILE ? left : FXQ_TILE;
	i /= tiles_of(c);
	u.block = i % c->batches * c->batch;
	left = c->blocks - u.block;
	u.blocks = left < c->batch ? left : c->batch;
	u.group = i / c->batches;
	return u;
}

static void multiply(const struct conv *c, const struct unit *u, fxq_tile *acc)
{
	uint8_t panel[FXQ_TILE * FXQ_PANEL_STRIDE];
	const int8_t *w = conv_weights(c, u->group, u->block);
	struct fxq_cursor at = { 0 };
	uint32_t k;

	while ((k = fxq_gather_panel(&c->in, u->group, u->first, u->pixels,
				     &at, panel))) {
		fxq_dot(acc, panel, u->pixels, k, w,
			(size_t)c->k * FXQ_BLOCK, u->blocks);
		w += (size_t)k * FXQ_BLOCK;
	}
}

void conv_lanes(const struct conv *c, uint32_t group, uint32_t block,
		struct fxq_lanes *lanes)
{
	if (c->d->flags & FXQ_F_ACC_LAST)
		fxq_lanes_load(&c->out, group * c->ocg + block * FXQ_BLOCK,
			       fm_lanes(c->ocg, block), lanes);
	else
		memset(lanes, 0, sizeof(*lanes));
}

/* Chained descriptors pass their sums on in the accumulators. */
static int32_t *carried(const struct conv *c, uint32_t block, uint32_t first)
{
	return c->x->acc + FXQ_BLOCK * ((size_t)block * c->pixels + first);
}

static void add_carried(const struct conv *c, uint32_t block,
			uint32_t (*acc)[FXQ_BLOCK], uint32_t first, uint32_t n)
{
	const int32_t *from = carried(c, block, first);
	uint32_t p, i;

	for (p = 0; p < n; p++)
		for (i = 0; i < FXQ_BLOCK; i++)
			acc[p][i] += from[p * FXQ_BLOCK + i];
}

void conv_finish(const struct conv *c, uint32_t block,
		 const struct fxq_lanes *lanes, uint32_t (*acc)[FXQ_BLOCK],
		 uint32_t first, uint32_t n)
{
	if (!(c->d->flags & FXQ_F_ACC_FIRST))
		add_carried(c, block, acc, first, n);
	if (c->d->flags & FXQ_F_ACC_LAST)
		fxq_epilogue_run(&c->out, lanes, acc, first, n);
	else
		memcpy(carried(c, block, first), acc, n * sizeof(*acc));
}

static void conv_units(void *arg, uint32_t first, uint32_t last)
{
	const struct conv *c = arg;
	fxq_tile acc[BATCH] __attribute__((aligned(64)));
	struct fxq_lanes lanes[BATCH];
	uint32_t i, b;

	for (i = first; i < last; i++) {
		struct unit u = unit_at(c, i);

		for (b = 0; b < u.blocks; b++) {
			if (i == first || !u.first)
				conv_lanes(c, u.group, u.block + b, &lanes[b]);
			fxq_lanes_begin(&lanes[b], acc[b], FXQ_TILE);
		}
		multiply(c, &u, acc);
		for (b = 0; b < u.blocks; b++)
			conv_finish(c, u.block + b, &lanes[b], acc[b], u.first,
				    u.pixels);
	}
}

/* Few tiles leave threads idle unless output blocks are spread as well. */
static void conv_by_tiles(struct conv *c)
{
	uint32_t threads = fxq_threads(c->x);

	c->batch = c->blocks < BATCH ? c->blocks : BATCH;
	if (tiles_of(c) < 2 * threads)
		c->batch = fxq_div_up(c->batch, threads);
	c->batches = fxq_div_up(c->blocks, c->batch);
	fxq_spread(c->x, c->wide,
		   tiles_of(c) * c->batches * c->d->conv.groups, 1, conv_units,
		   c);
}

void fxq_exec_conv(struct fxq_exec *x, const struct fxq_desc *d)
{
	const struct fxq_body_conv *b = &d->conv;
	uint64_t outputs = (uint64_t)b->oh * b->ow * b->oc;
	struct conv c = {
		.x = x, .d = d,
		.weights = (const int8_t *)x->spm + b->weights,
		.ocg = b->oc / b->groups,
		.blocks = fm_blocks(b->oc / b->groups),
		.k = weights_per_channel(b),
		.pixels = (uint32_t)b->oh * b->ow,
	};

	c.wide = outputs * (c.k + FXQ_OUTPUT_MACS) >= FXQ_SPREAD_MACS;
	fxq_gather_conv(&c.in, x, d);
	if (d->flags & FXQ_F_ACC_LAST)
		fxq_epilogue_conv(&c.out, x, d);
#ifdef FXQ_TILES
	if (conv_by_strips(&c))
		return;
#endif
	conv_by_tiles(&c);
}
