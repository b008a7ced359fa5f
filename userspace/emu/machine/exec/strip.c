/* SPDX-License-Identifier: MIT */
/*
 * strip.c - CONV over bands: fill, multiply in register tiles, finish
 *
 * A unit is a band by a batch of output blocks of one group. Its rows are cut
 * into pieces of a length that makes the best of a register tile.
 */
#include "conv.h"
#include "fm.h"
#include "tile.h"

#ifdef FXQ_TILES

/*
 * struct strips - a convolution by bands
 * @piece: pixels of a piece
 * @down, @across: bands
 */
struct strips {
	struct conv *conv;
	struct fxq_band band;
	uint32_t piece, down, across;
};

/*
 * struct unit - a band and some output blocks
 * @rows, @cols: of pixels; of a linear band, one row
 * @first: number of its first pixel in the output
 */
struct unit {
	uint32_t group, block, blocks;
	uint32_t y, x, rows, cols, first;
	uint8_t bytes[FXQ_BAND_ROOM] __attribute__((aligned(64)));
};

static uint32_t at_most(uint32_t n, uint32_t most)
{
	return n < most ? n : most;
}

static void find_unit(const struct strips *s, uint32_t i, struct unit *u)
{
	const struct conv *c = s->conv;
	const struct fxq_body_conv *b = &c->d->conv;

	u->x = i % s->across * s->band.cols;
	i /= s->across;
	u->y = i % s->down * s->band.rows;
	i /= s->down;
	u->block = i % c->batches * c->batch;
	u->blocks = at_most(c->blocks - u->block, c->batch);
	u->group = i / c->batches;
	u->rows = at_most(b->oh - u->y, s->band.rows);
	u->cols = at_most(b->ow - u->x, s->band.cols);
	u->first = u->y * b->ow + u->x;
}

/* The pieces of row @y, for the output blocks of @t from @block on. */
static void run_row(const struct strips *s, const struct unit *u, uint32_t y,
		    uint32_t block, const struct fxq_tile_work *t,
		    const struct fxq_lanes *lanes)
{
	const uint8_t *from = u->bytes + y * s->band.out_row;
	uint32_t first = u->first + y * s->band.g->ow, x, n, b;
	fxq_sums acc[FXQ_TILE_BLOCKS] __attribute__((aligned(64)));

	for (x = 0; x < u->cols; x += n) {
		n = at_most(u->cols - x, s->piece);
		fxq_tile_dot(t, from + x * s->band.pitch, n, acc);
		for (b = 0; b < t->blocks; b++)
			conv_finish(s->conv, block + b, &lanes[b], acc[b],
				    first + x, n);
	}
}

/* Some output blocks, from @block on. Returns how many. */
static uint32_t run_blocks(const struct strips *s, const struct unit *u,
			   uint32_t block)
{
	struct fxq_lanes lanes[FXQ_TILE_BLOCKS];
	struct fxq_tile_work t = {
		.band = &s->band,
		.blocks = at_most(u->block + u->blocks - block,
				  FXQ_TILE_BLOCKS),
		.w = conv_weights(s->conv, u->group, block),
		.block_bytes = (size_t)s->conv->k * FXQ_BLOCK,
	};
	uint32_t b, y;

	for (b = 0; b < t.blocks; b++) {
		conv_lanes(s->conv, u->group, block + b, &lanes[b]);
		t.start[b] = lanes[b].bias;
	}
	for (y = 0; y < u->rows; y++)
		run_row(s, u, y, block, &t, lanes);
	return t.blocks;
}

static void strip_units(void *arg, uint32_t first, uint32_t last)
{
	const struct strips *s = arg;
	struct unit u;
	uint32_t i, b;

	for (i = first; i < last; i++) {
		find_unit(s, i, &u);
		fxq_band_fill(&s->band, u.group, u.y, u.x, u.rows, u.bytes);
		if (s->band.linear) {
			u.cols *= u.rows;
			u.rows = 1;
		}
		for (b = 0; b < u.blocks;)
			b += run_blocks(s, &u, u.block + b);
	}
}

/* Each piece costs about half a pixel more than its pixels. */
static uint32_t choose_piece(uint32_t cols)
{
	uint32_t best = 1, n, cost, least = ~0u;

	for (n = FXQ_TILE_PIXELS; n; n--) {
		cost = fxq_div_up(cols, n) * (2 * n + 1);
		if (cost < least) {
			least = cost;
			best = n;
		}
	}
	return best;
}

bool conv_by_strips(struct conv *c)
{
	const struct fxq_body_conv *b = &c->d->conv;
	struct strips s = { .conv = c };
	uint32_t threads = c->wide ? fxq_threads(c->x) : 1;
	uint32_t units;

	if (!fxq_band_plan(&s.band, &c->in, b->oh, b->ow, threads))
		return false;
	s.down = fxq_div_up(b->oh, s.band.rows);
	s.across = fxq_div_up(b->ow, s.band.cols);
	s.piece = choose_piece(s.band.linear ? s.band.rows * s.band.cols :
			       s.band.cols);
	units = s.down * s.across * b->groups;
	c->batch = c->blocks;
	if (units < 4 * threads)
		c->batch = fxq_round_up(fxq_div_up(c->blocks, threads),
					FXQ_TILE_BLOCKS);
	c->batches = fxq_div_up(c->blocks, c->batch);
	fxq_spread(c->x, c->wide, units * c->batches, 1, strip_units, &s);
	return true;
}

#else

bool conv_by_strips(struct conv *c)
{
	return false;
}

#endif
