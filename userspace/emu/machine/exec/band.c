/* SPDX-License-Identifier: MIT */
/*
 * band.c - filling a band: one pass over the input, row by row
 *
 * Addresses only grow while a band is filled, so a copy may end beyond its
 * pixels: what it spoils is written next.
 */
#include <string.h>

#include "band.h"
#include "fm.h"

typedef uint8_t bytes16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint8_t quad __attribute__((vector_size(4), aligned(1), may_alias));
typedef uint8_t bytes64 __attribute__((vector_size(64), aligned(1), may_alias));

static uint32_t blocks_of(const struct fxq_band *b)
{
	return fm_blocks(b->g->icg);
}

/* Rows of input for @rows of output. A kernel of one row skips some. */
static uint64_t rows_in(const struct fxq_gather *g, uint32_t rows)
{
	return g->kh == 1 ? rows :
	       (uint64_t)(rows - 1) * g->sh + (g->kh - 1) * g->dh + 1;
}

/* Columns of a phase for @cols of output. */
static uint64_t cols_in(const struct fxq_gather *g, uint32_t cols)
{
	return g->kw == 1 ? cols :
	       ((uint64_t)(cols - 1) * g->sw + (g->kw - 1) * g->dw) / g->sw + 1;
}

static uint64_t band_bytes(const struct fxq_band *b, uint32_t rows,
			   uint32_t cols)
{
	return blocks_of(b) * rows_in(b->g, rows) * b->phases *
	       cols_in(b->g, cols) * b->pitch;
}

/* Quads of a last block that is not whole. */
static uint32_t last_quads(const struct fxq_gather *g)
{
	return fxq_div_up(g->icg % FXQ_BLOCK, 4);
}

static uint64_t taps_of(const struct fxq_gather *g)
{
	return (uint64_t)g->kh * g->kw *
	       (g->icg / FXQ_BLOCK + last_quads(g));
}

static void list_taps(struct fxq_band *b)
{
	const struct fxq_gather *g = b->g;
	uint32_t whole = g->icg / FXQ_BLOCK, row, block, ky, kx, q, at, n = 0;

	row = b->phases * b->phase_cols * b->pitch;
	for (block = 0; block < blocks_of(b); block++) {
		for (ky = 0; ky < g->kh; ky++) {
			for (kx = 0; kx < g->kw; kx++) {
				at = (block * b->in_rows +
				      ky * g->dh / b->row_step) * row +
				     (kx * g->dw % g->sw * b->phase_cols +
				      kx * g->dw / g->sw) * b->pitch;
				if (block < whole)
					b->taps[n++] = at;
				for (q = 0; block == whole && q < last_quads(g);
				     q++)
					b->taps[n++] = at + 4 * q;
			}
		}
	}
}

/* Everything that follows from the box. */
static void lay_out(struct fxq_band *b)
{
	const struct fxq_gather *g = b->g;
	uint32_t row;

	b->bytes = band_bytes(b, b->rows, b->cols);
	b->in_rows = rows_in(g, b->rows);
	b->phase_cols = cols_in(g, b->cols);
	row = b->phases * b->phase_cols * b->pitch;
	b->out_row = g->sh / b->row_step * row;
	b->linear = b->cols == g->ow && b->phases == 1 &&
		    b->phase_cols == b->cols && b->out_row == row;
	b->full = g->icg / FXQ_BLOCK * g->kh * g->kw;
	b->rest = taps_of(g) - b->full;
	list_taps(b);
}

static bool fits(const struct fxq_band *b, uint32_t rows, uint32_t cols)
{
	return band_bytes(b, rows, cols) <= FXQ_BAND_BYTES;
}

/*
 * Rows of a band, of @most: the thread with most of them decides how long it
 * takes, and every band costs about a quarter of a row more.
 */
static uint32_t choose_rows(uint32_t oh, uint32_t most, uint32_t threads)
{
	uint32_t best = most, least = ~0u, rows, cost, bands;

	for (rows = most; rows; rows--) {
		bands = fxq_div_up(fxq_div_up(oh, rows), threads);
		cost = threads > 1 ? bands * (4 * rows + 1) : bands;
		if (cost < least) {
			least = cost;
			best = rows;
		}
	}
	return fxq_div_up(oh, fxq_div_up(oh, best));
}

bool fxq_band_plan(struct fxq_band *b, const struct fxq_gather *g, uint32_t oh,
		   uint32_t ow, uint32_t threads)
{
	uint32_t rows = 1, cols = ow;

	b->g = g;
	b->pitch = g->icg >= FXQ_BLOCK ? FXQ_BLOCK : fxq_round_up(g->icg, 4);
	b->row_step = g->kh == 1 ? g->sh : 1;
	b->phases = g->kw == 1 ? 1 : g->sw;
	while (!fits(b, 1, cols) && cols > 1)
		cols = fxq_div_up(cols, 2);
	if (!fits(b, 1, cols) || taps_of(g) > FXQ_BAND_TAPS)
		return false;
	while (rows < oh && fits(b, rows + 1, cols))
		rows++;
	b->rows = choose_rows(oh, rows, threads);
	b->cols = cols;
	lay_out(b);
	return true;
}

/* x + 128 of @n bytes, in steps of a vector. */
#define COPY_FLIPPED(name, vector)					\
static inline void name(uint8_t *to, const uint8_t *from, size_t n)	\
{									\
	size_t i;							\
									\
	for (i = 0; i < n; i += sizeof(vector))				\
		*(vector *)(to + i) = *(const vector *)(from + i) ^ 0x80;	\
}

COPY_FLIPPED(copy_run, bytes64)
COPY_FLIPPED(copy_pixel, bytes16)

typedef uint32_t pixels16 __attribute__((vector_size(64), aligned(1), may_alias));

/*
 * Every other pixel of @n * 2 that are one quad wide: what a first layer with
 * a stride of 2 does to a picture.
 */
static void copy_every_other(uint8_t *to, const uint8_t *from, uint32_t n)
{
	const pixels16 *in;

	for (; n > 16; n -= 16, to += 64, from += 128) {
		in = (const pixels16 *)from;
		*(pixels16 *)to = __builtin_shufflevector(in[0], in[1],
			0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28,
			30) ^ 0x80808080u;
	}
	for (; n; n--, to += 4, from += 8)
		*(quad *)to = *(const quad *)from ^ 0x80;
}

/* struct run - a block of a group's channels: the first, and how many */
struct run {
	struct fm_view view;
	uint32_t c0, lanes, bytes;
};

/* @n pixels of row @y, from column @x on, in steps of the stride. */
static void copy_pixels(const struct fxq_band *b, const struct run *r,
			uint32_t y, uint32_t x, uint32_t n, uint8_t *to)
{
	uint32_t step = b->g->sw, i;
	const uint8_t *from = fm_pixel(&r->view, y, x);
	uint8_t pixel[FXQ_BLOCK] = { 0 };

	if (r->c0 % FXQ_BLOCK) {
		for (i = 0; i < n; i++, x += step, to += b->pitch) {
			fm_gather(b->g->x, &b->g->in, y, x, r->c0, r->lanes,
				  pixel);
			copy_pixel(to, pixel, r->bytes);
		}
		return;
	}
	if (step == 1 && r->view.pixel == b->pitch) {
		copy_run(to, from, (size_t)n * b->pitch);
		return;
	}
	if (step == 2 && r->view.pixel == 4 && b->pitch == 4) {
		copy_every_other(to, from, n);
		return;
	}
	for (i = 0; i < n; i++, to += b->pitch, from += step * r->view.pixel)
		copy_pixel(to, from, r->bytes);
}

/* struct span - columns of a phase that lie inside: [@first, @last) */
struct span {
	uint32_t first, last;
};

/* Of all phases, from input column @x on: divisions that no row repeats. */
static void find_spans(const struct fxq_band *b, int64_t x, struct span *s)
{
	const struct fxq_gather *g = b->g;
	int64_t n = b->phase_cols, first, last;
	uint32_t f;

	for (f = 0; f < b->phases; f++, x++, s++) {
		first = x < 0 ? (-x + g->sw - 1) / g->sw : 0;
		last = x < g->iw ? (g->iw - x + g->sw - 1) / g->sw : 0;
		first = first > n ? n : first;
		last = last > n ? n : last;
		s->first = first;
		s->last = last < first ? first : last;
	}
}

/* One phase of one row: columns @x, @x + stride, … of input row @y. */
static void fill_phase(const struct fxq_band *b, const struct run *r, int64_t y,
		       int64_t x, const struct span *s, uint8_t *to)
{
	const struct fxq_gather *g = b->g;
	uint8_t outside = (uint8_t)g->zx ^ 0x80;
	bool inside = y >= 0 && y < g->ih;
	uint32_t n = b->phase_cols, first = inside ? s->first : n;
	uint32_t last = inside ? s->last : n;

	if (first)
		memset(to, outside, first * b->pitch);
	if (first < last)
		copy_pixels(b, r, y, x + first * g->sw, last - first,
			    to + first * b->pitch);
	if (last < n)
		memset(to + last * b->pitch, outside, (n - last) * b->pitch);
}

/* Do @n rows from @y on, of the map and of the band, have no gap between? */
static bool rows_join(const struct fxq_band *b, const struct run *r, int64_t y,
		      uint32_t n, const struct span *s)
{
	const struct fxq_gather *g = b->g;

	return b->linear && b->row_step == 1 && g->sw == 1 && y >= 0 &&
	       y + n <= g->ih && !s->first && s->last == b->phase_cols &&
	       !(r->c0 % FXQ_BLOCK) && r->view.pixel == b->pitch &&
	       r->view.row == b->phase_cols * b->pitch;
}

static void fill_block(const struct fxq_band *b, const struct run *r, int64_t y,
		       int64_t x, uint32_t n, const struct span *s, uint8_t *to)
{
	uint32_t i, f;

	if (rows_join(b, r, y, n, s)) {
		copy_run(to, fm_pixel(&r->view, y, x), n * r->view.row);
		return;
	}
	for (i = 0; i < n; i++, y += b->row_step) {
		for (f = 0; f < b->phases; f++) {
			fill_phase(b, r, y, x + f, &s[f], to);
			to += b->phase_cols * b->pitch;
		}
	}
}

void fxq_band_fill(const struct fxq_band *b, uint32_t group, uint32_t y,
		   uint32_t x, uint32_t rows, uint8_t *to)
{
	const struct fxq_gather *g = b->g;
	int64_t iy = (int64_t)y * g->sh - g->pad_t;
	int64_t ix = (int64_t)x * g->sw - g->pad_l;
	size_t bytes = (size_t)b->in_rows * b->phases * b->phase_cols *
		       b->pitch;
	struct span spans[UINT8_MAX];		/* a stride's phases */
	uint32_t block;
	struct run r;

	find_spans(b, ix, spans);
	for (block = 0; block < blocks_of(b); block++, to += bytes) {
		r.lanes = fm_lanes(g->icg, block);
		r.bytes = fxq_round_up(r.lanes, 4);
		r.c0 = group * g->icg + block * FXQ_BLOCK;
		r.view = fm_block(g->x, &g->in, r.c0 / FXQ_BLOCK, 1);
		fill_block(b, &r, iy, ix, rows_in(g, rows), spans, to);
	}
}
