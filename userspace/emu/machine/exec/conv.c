/* SPDX-License-Identifier: MIT */
/*
 * conv.c - CONV: gather, multiply, finish
 *
 * The output is cut into units: a tile of pixels by a batch of output blocks
 * of one group, numbered so that a batch's parameters are loaded once for many
 * tiles. Units are independent, so threads share them in any way.
 */
#include <string.h>

#include "epilogue.h"
#include "fm.h"
#include "gather.h"
#include "ops.h"

#define BATCH		16	/* output blocks at most, for one gathering */

/*
 * struct conv - a descriptor, prepared
 * @k: weights of an output channel
 * @batch: output blocks of a unit
 * @tiles, @batches: units are [group][batch][tile]
 */
struct conv {
	struct fxq_exec *x;
	const struct fxq_desc *d;
	struct fxq_gather in;
	struct fxq_epilogue out;
	const int8_t *weights;
	uint32_t ocg, blocks, k, pixels;
	uint32_t batch, batches, tiles;
};

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

static struct unit unit_at(const struct conv *c, uint32_t i)
{
	struct unit u;
	uint32_t left;

	u.first = i % c->tiles * FXQ_TILE;
	left = c->pixels - u.first;
	u.pixels = left < FXQ_TILE ? left : FXQ_TILE;
	i /= c->tiles;
	u.block = i % c->batches * c->batch;
	left = c->blocks - u.block;
	u.blocks = left < c->batch ? left : c->batch;
	u.group = i / c->batches;
	return u;
}

static void multiply(const struct conv *c, const struct unit *u, fxq_tile *acc)
{
	uint8_t panel[FXQ_TILE * FXQ_PANEL_STRIDE];
	size_t block_bytes = (size_t)c->k * FXQ_BLOCK;
	const int8_t *w = c->weights + block_bytes *
			  ((size_t)u->group * c->blocks + u->block);
	struct fxq_cursor at = { 0 };
	uint32_t k;

	memset(acc, 0, u->blocks * sizeof(*acc));
	while ((k = fxq_gather_panel(&c->in, u->group, u->first, u->pixels,
				     &at, panel))) {
		fxq_dot(acc, panel, u->pixels, k, w, block_bytes, u->blocks);
		w += (size_t)k * FXQ_BLOCK;
	}
}

/* Chained descriptors pass their sums on in the accumulators. */
static void add_carried(const struct conv *c, const struct unit *u,
			fxq_tile *acc)
{
	uint32_t b, p, i;

	for (b = 0; b < u->blocks; b++) {
		const int32_t *from = c->x->acc + FXQ_BLOCK *
			((size_t)(u->block + b) * c->pixels + u->first);

		for (p = 0; p < u->pixels; p++)
			for (i = 0; i < FXQ_BLOCK; i++)
				acc[b][p][i] += from[p * FXQ_BLOCK + i];
	}
}

static void carry(const struct conv *c, const struct unit *u, fxq_tile *acc)
{
	uint32_t b;

	for (b = 0; b < u->blocks; b++)
		memcpy(c->x->acc + FXQ_BLOCK *
		       ((size_t)(u->block + b) * c->pixels + u->first),
		       acc[b], u->pixels * sizeof(acc[b][0]));
}

static void load_lanes(const struct conv *c, const struct unit *u,
		       struct fxq_lanes *lanes)
{
	uint32_t b;

	for (b = 0; b < u->blocks; b++)
		fxq_lanes_load(&c->out, u->group * c->ocg +
			       (u->block + b) * FXQ_BLOCK,
			       fm_lanes(c->ocg, u->block + b), &lanes[b]);
}

static void conv_units(void *arg, uint32_t first, uint32_t last)
{
	const struct conv *c = arg;
	fxq_tile acc[BATCH] __attribute__((aligned(64)));
	struct fxq_lanes lanes[BATCH];
	bool finish = c->d->flags & FXQ_F_ACC_LAST;
	uint32_t i, b;

	for (i = first; i < last; i++) {
		struct unit u = unit_at(c, i);

		if (finish && (i == first || !u.first))
			load_lanes(c, &u, lanes);
		multiply(c, &u, acc);
		if (!(c->d->flags & FXQ_F_ACC_FIRST))
			add_carried(c, &u, acc);
		if (!finish) {
			carry(c, &u, acc);
			continue;
		}
		for (b = 0; b < u.blocks; b++)
			fxq_epilogue_run(&c->out, &lanes[b], acc[b], u.first,
					 u.pixels);
	}
}

/* Few tiles leave threads idle unless output blocks are spread as well. */
static uint32_t choose_batch(const struct conv *c)
{
	uint32_t threads = c->x->pool ? fxq_pool_threads(c->x->pool) : 1;
	uint32_t batch = c->blocks < BATCH ? c->blocks : BATCH;

	if (c->tiles < 2 * threads)
		batch = fxq_div_up(batch, threads);
	return batch;
}

void fxq_exec_conv(struct fxq_exec *x, const struct fxq_desc *d)
{
	const struct fxq_body_conv *b = &d->conv;
	uint64_t macs = (uint64_t)b->oh * b->ow * b->oc;
	struct conv c = {
		.x = x, .d = d,
		.weights = (const int8_t *)x->spm + b->weights,
		.ocg = b->oc / b->groups,
		.blocks = fm_blocks(b->oc / b->groups),
		.k = weights_per_channel(b),
		.pixels = (uint32_t)b->oh * b->ow,
	};

	c.tiles = fxq_div_up(c.pixels, FXQ_TILE);
	c.batch = choose_batch(&c);
	c.batches = fxq_div_up(c.blocks, c.batch);
	fxq_gather_conv(&c.in, x, d);
	if (d->flags & FXQ_F_ACC_LAST)
		fxq_epilogue_conv(&c.out, x, d);
	fxq_spread(x, macs * c.k >= FXQ_SPREAD_MACS,
		   c.tiles * c.batches * b->groups, 1, conv_units, &c);
}
