/* SPDX-License-Identifier: MIT */
/*
 * matstrip.c - MATMUL over bands: pack columns once, multiply in register tiles
 *
 * A unit is some blocks of columns of one row of the batch, by some strips of
 * its pixels. The term of a column is in what its sums begin with; that of a
 * pixel is subtracted afterwards, if zb is not 0.
 */
#include <string.h>

#include "fm.h"
#include "matmul.h"
#include "tile.h"

#define MAX_K	2048	/* packed columns stay in the second cache */

/*
 * struct strips - a descriptor for this way
 * @band: one row of pixels, @band.cols of them
 * @batches: of blocks
 * @strips: bands of a row; @parts: of them, each a unit
 */
struct strips {
	const struct matmul *c;
	struct fxq_band band;
	uint32_t batches, strips, parts;
};

/* struct work - a unit's blocks of columns, and a band of pixels */
struct work {
	uint32_t row, block, blocks;
	struct fxq_lanes lanes[FXQ_TILE_BLOCKS];
	int8_t w[FXQ_TILE_BLOCKS][MAX_K * FXQ_BLOCK]
		__attribute__((aligned(64)));
	uint8_t bytes[FXQ_BAND_ROOM] __attribute__((aligned(64)));
#ifdef FXQ_TILE_WIDE
	fxq_act wide[FXQ_BAND_ROOM] __attribute__((aligned(64)));
#endif
};

/* Packs the columns; their sums begin with bias - ZA * column. */
static void load_columns(const struct matmul *c, struct work *s)
{
	uint32_t i, lane, block;

	for (i = 0; i < s->blocks; i++) {
		uint32_t column[FXQ_BLOCK] = { 0 };

		block = s->block + i;
		fxq_lanes_load(&c->out, block * FXQ_BLOCK,
			       fm_lanes(c->b->n, block), &s->lanes[i]);
		matmul_pack(c, s->row, block, 0, c->b->k, s->w[i], column);
		for (lane = 0; lane < FXQ_BLOCK; lane++)
			s->lanes[i].bias[lane] -= column[lane] * c->za;
	}
}

/* The sum of a pixel's activations: only what are channels. */
static uint32_t row_sum(const struct fxq_band *b, const uint8_t *x)
{
	uint32_t sum = 0, block, i, n;

	for (block = 0; block < fm_blocks(b->g->icg); block++) {
		n = fm_lanes(b->g->icg, block);
		for (i = 0; i < n; i++)
			sum += x[i];
		x += b->cols * b->pitch;
	}
	return sum;
}

static void subtract(uint32_t (*acc)[FXQ_BLOCK], uint32_t term)
{
	uint32_t i;

	for (i = 0; i < FXQ_BLOCK; i++)
		acc[0][i] -= term;
}

/* Pixels [@x, @x + @n) of the band, the first of which is number @first. */
static void run_group(const struct strips *s, struct work *k, uint32_t x,
		      uint32_t n, uint32_t first)
{
	const struct fxq_body_matmul *b = s->c->b;
	const struct fxq_band *band = &s->band;
	fxq_sums acc[FXQ_TILE_BLOCKS] __attribute__((aligned(64)));
	const uint32_t *start[FXQ_TILE_BLOCKS];
	const uint32_t *const *begin = start;
	struct fxq_tile_work t;
	const fxq_act *from;
	uint32_t i, p, step, term;

#ifdef FXQ_TILE_WIDE
	from = k->wide;
#else
	from = k->bytes;
#endif
	t.band = band;
	t.blocks = k->blocks;
	t.narrow = k->blocks == 1 && k->lanes[0].n <= FXQ_BLOCK / 2;
	t.weights = k->w[0];
	t.block_bytes = sizeof(k->w[0]);
	t.tap = NULL;
	for (i = 0; i < k->blocks; i++)
		start[i] = k->lanes[i].bias;
	for (; fxq_tile_next(&t); begin = NULL) {
		for (p = 0; p < n; p += step) {
			step = n - p < FXQ_TILE_PIXELS ? n - p :
			       FXQ_TILE_PIXELS;
			fxq_tile_dot(&t, from + (x + p) * band->pitch, step,
				     begin, acc, p);
		}
	}
	for (p = 0; p < n && b->zb; p++) {
		term = (uint32_t)b->zb *
		       (row_sum(band, k->bytes + (x + p) * band->pitch) -
			b->k * s->c->za);
		for (i = 0; i < k->blocks; i++)
			subtract(acc[i] + p, term);
	}
	for (i = 0; i < k->blocks; i++)
		fxq_epilogue_run(&s->c->out, &k->lanes[i], acc[i], first + x,
				 n);
}

static void run_strip(const struct strips *s, struct work *k, uint32_t strip)
{
	const struct fxq_body_matmul *b = s->c->b;
	uint32_t m0 = strip * s->band.cols, m, x, n;

	m = b->m - m0 < s->band.cols ? b->m - m0 : s->band.cols;
	fxq_band_fill(&s->band, 0, k->row, m0, 1, k->bytes);
#ifdef FXQ_TILE_WIDE
	fxq_tile_widen(k->bytes, s->band.bytes, k->wide);
#endif
	for (x = 0; x < m; x += n) {
		n = FXQ_GROUP_PIXELS / FXQ_TILE_PIXELS * FXQ_TILE_PIXELS;
		n = m - x < n ? m - x : n;
		run_group(s, k, x, n, k->row * b->m + m0);
	}
}

static void strip_units(void *arg, uint32_t first, uint32_t last)
{
	const struct strips *s = arg;
	const struct matmul *c = s->c;
	uint32_t i, strip, part;
	struct work k;

	for (i = first; i < last; i++) {
		part = i % s->parts;
		k.block = i / s->parts % s->batches * FXQ_TILE_BLOCKS;
		k.row = i / s->parts / s->batches;
		k.blocks = c->blocks - k.block < FXQ_TILE_BLOCKS ?
			   c->blocks - k.block : FXQ_TILE_BLOCKS;
		if (i == first || !part)
			load_columns(c, &k);
		for (strip = part; strip < s->strips; strip += s->parts)
			run_strip(s, &k, strip);
	}
}

bool matmul_by_strips(const struct matmul *c)
{
	uint32_t threads = c->wide ? fxq_threads(c->x) : 1, units;
	struct strips s = { .c = c };

	if (c->b->k > MAX_K ||
	    !fxq_band_plan(&s.band, &c->a, 1, c->b->m, 1))
		return false;
	s.batches = fxq_div_up(c->blocks, FXQ_TILE_BLOCKS);
	s.strips = fxq_div_up(c->b->m, s.band.cols);
	units = s.batches * c->b->batch;
	s.parts = units < 2 * threads && s.strips >= threads ? threads : 1;
	fxq_spread(c->x, c->wide, units * s.parts, 1, strip_units, &s);
	return true;
}
