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

/*
 * struct strips - a convolution by bands
 * @piece: pixels of a piece
 * @box_rows, @box_cols: of pixels that are finished together
 * @down, @across: bands
 */
struct strips {
	struct conv *conv;
	struct fxq_band band;
	uint32_t piece, box_rows, box_cols, down, across;
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
#ifdef FXQ_TILE_WIDE
	fxq_act wide[FXQ_BAND_ROOM] __attribute__((aligned(64)));
#endif
};

/* struct box - pixels of a unit that are finished together */
struct box {
	uint32_t y, x, rows, cols;
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

static void fill(const struct strips *s, struct unit *u)
{
	fxq_band_fill(&s->band, u->group, u->y, u->x, u->rows, u->bytes);
#ifdef FXQ_TILE_WIDE
	fxq_tile_widen(u->bytes, s->band.bytes, u->wide);
#endif
	if (s->band.linear) {
		u->cols *= u->rows;
		u->rows = 1;
	}
}

static const fxq_act *activations(const struct unit *u)
{
#ifdef FXQ_TILE_WIDE
	return u->wide;
#else
	return u->bytes;
#endif
}

/* The sums of a box, for the next part of the weights. */
static void add_part(const struct strips *s, const struct unit *u,
		     const struct box *g, const struct fxq_tile_work *t,
		     const uint32_t *const *start, fxq_sums *acc)
{
	uint32_t y, x, n;

	for (y = 0; y < g->rows; y++) {
		const fxq_act *from = activations(u) +
				      (g->y + y) * s->band.out_row +
				      g->x * s->band.pitch;

		for (x = 0; x < g->cols; x += n) {
			n = at_most(g->cols - x, s->piece);
			fxq_tile_dot(t, from + x * s->band.pitch, n, start, acc,
				     y * g->cols + x);
		}
	}
}

/* Whole rows of the output are numbered on. */
static void finish_box(const struct strips *s, const struct unit *u,
		       const struct box *g, uint32_t block, uint32_t blocks,
		       const struct fxq_lanes *lanes, fxq_sums *acc)
{
	uint32_t ow = s->band.g->ow, rows = g->rows, cols = g->cols, b, y;
	uint32_t first = u->first + g->y * ow + g->x;

	if (cols == ow) {
		cols *= rows;
		rows = 1;
	}
	for (b = 0; b < blocks; b++)
		for (y = 0; y < rows; y++)
			conv_finish(s->conv, block + b, &lanes[b],
				    acc[b] + y * cols, first + y * ow, cols);
}

/* Output blocks from @block on, as many as @lanes are for. */
static void run_box(const struct strips *s, const struct unit *u,
		    const struct box *g, uint32_t block, uint32_t blocks,
		    const struct fxq_lanes *lanes)
{
	fxq_sums acc[FXQ_TILE_BLOCKS] __attribute__((aligned(64)));
	const uint32_t *start[FXQ_TILE_BLOCKS];
	struct fxq_tile_work t;
	uint32_t b;

	t.band = &s->band;
	t.blocks = blocks;
	/* Sums that are carried on know no lanes: n is 0. */
	t.narrow = blocks == 1 && lanes[0].n &&
		   lanes[0].n <= FXQ_BLOCK / 2;
	t.weights = conv_weights(s->conv, u->group, block);
	t.block_bytes = (size_t)s->conv->k * FXQ_BLOCK;
	t.tap = NULL;
	for (b = 0; b < blocks; b++)
		start[b] = lanes[b].bias;
	fxq_tile_next(&t);
	add_part(s, u, g, &t, start, acc);
	while (fxq_tile_next(&t))
		add_part(s, u, g, &t, NULL, acc);
	finish_box(s, u, g, block, blocks, lanes, acc);
}

/* Some output blocks, from @block on. Returns how many. */
static uint32_t run_blocks(const struct strips *s, const struct unit *u,
			   uint32_t block)
{
	uint32_t n = at_most(u->block + u->blocks - block, FXQ_TILE_BLOCKS);
	struct fxq_lanes lanes[FXQ_TILE_BLOCKS];
	struct box g;
	uint32_t b;

	for (b = 0; b < n; b++)
		conv_lanes(s->conv, u->group, block + b, &lanes[b]);
	for (g.y = 0; g.y < u->rows; g.y += g.rows) {
		g.rows = at_most(u->rows - g.y, s->box_rows);
		for (g.x = 0; g.x < u->cols; g.x += g.cols) {
			g.cols = at_most(u->cols - g.x, s->box_cols);
			run_box(s, u, &g, block, n, lanes);
		}
	}
	return n;
}

static void strip_units(void *arg, uint32_t first, uint32_t last)
{
	const struct strips *s = arg;
	struct unit u;
	uint32_t i, b;

	for (i = first; i < last; i++) {
		find_unit(s, i, &u);
		fill(s, &u);
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

/* A box is whole pieces of a row, or whole rows. */
static void choose_box(struct strips *s)
{
	uint32_t cols = s->band.linear ? s->band.rows * s->band.cols :
			s->band.cols;

	s->piece = choose_piece(cols);
	s->box_cols = FXQ_GROUP_PIXELS / s->piece * s->piece;
	s->box_rows = 1;
	if (cols <= FXQ_GROUP_PIXELS) {
		s->box_cols = cols;
		s->box_rows = FXQ_GROUP_PIXELS / cols;
	}
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
	choose_box(&s);
	units = s.down * s.across * b->groups;
	c->batch = c->blocks;
	if (units < 2 * threads)
		c->batch = fxq_round_up(fxq_div_up(c->blocks, threads),
					FXQ_TILE_BLOCKS);
	c->batches = fxq_div_up(c->blocks, c->batch);
	fxq_spread(c->x, c->wide, units * c->batches, 1, strip_units, &s);
	return true;
}
