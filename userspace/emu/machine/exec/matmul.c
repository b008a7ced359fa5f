/* SPDX-License-Identifier: MIT */
/*
 * matmul.c - MATMUL: a convolution whose weights are an activation
 *
 * Pixels of a are gathered as for a 1 x 1 convolution; b is packed, a panel at
 * a time, into the layout of weights. With A = a + 128 and ZA = za + 128,
 *
 *	sum (a - za)(b - zb) = sum A b - ZA sum b - zb (sum A - k ZA),
 *
 * all mod 2^32, so the inner product is the same; the second term belongs to
 * a column and the third to a row.
 */
#include <string.h>

#include "dot.h"
#include "fm.h"
#include "matmul.h"

#define STRIP	64	/* pixels of a unit */
#define TILES	(STRIP / FXQ_TILE)
#define BATCH	4	/* blocks of columns of a unit */

typedef uint32_t words __attribute__((vector_size(16)));

/* struct panels - a descriptor for this way: units are [row][batch][strip] */
struct panels {
	const struct matmul *c;
	uint32_t strips, batches;
};

/* struct unit - its place in a, b and out, and its size */
struct unit {
	uint32_t row, m0, pixels, block, blocks;
};

/*
 * struct work - what a thread needs for a unit
 * @w: a panel of b for each block; @column: its sums so far
 * @row: sums of A
 */
struct work {
	fxq_tile acc[TILES][BATCH] __attribute__((aligned(64)));
	int8_t w[BATCH][FXQ_PANEL_K * FXQ_BLOCK] __attribute__((aligned(64)));
	uint32_t column[BATCH][FXQ_BLOCK];
	uint32_t row[STRIP];
	struct fxq_lanes lanes[BATCH];
};

/* Four pixels' four words become four words' four pixels. */
static inline void transpose(const uint8_t (*piece)[FXQ_BLOCK], int8_t *w)
{
	words r[4], s[4];
	int i;

	for (i = 0; i < 4; i++)
		memcpy(&r[i], piece[i], sizeof(r[i]));
	s[0] = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
	s[1] = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
	s[2] = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
	s[3] = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
	r[0] = __builtin_shufflevector(s[0], s[1], 0, 1, 4, 5);
	r[1] = __builtin_shufflevector(s[0], s[1], 2, 3, 6, 7);
	r[2] = __builtin_shufflevector(s[2], s[3], 0, 1, 4, 5);
	r[3] = __builtin_shufflevector(s[2], s[3], 2, 3, 6, 7);
	for (i = 0; i < 4; i++)
		memcpy(w + i * FXQ_QUAD, &r[i], sizeof(r[i]));
}

/* b has n pixels of k channels: a column's k lie side by side. */
static void pack_transposed(const struct matmul *c, uint32_t batch,
			    uint32_t n0, uint32_t n, uint32_t k0, uint32_t k,
			    int8_t *w)
{
	uint8_t piece[4][FXQ_BLOCK];
	uint32_t i, j, p, q;

	for (i = 0; i < k; i += FXQ_BLOCK) {
		uint32_t left = k - i < FXQ_BLOCK ? k - i : FXQ_BLOCK;
		struct fm_view v = fm_block(c->x, &c->b->b,
					    (k0 + i) / FXQ_BLOCK, 1);

		for (j = 0; j < FXQ_BLOCK; j += 4) {
			memset(piece, 0, sizeof(piece));
			for (p = 0; p < 4 && j + p < n; p++)
				fm_put(piece[p],
				       fm_pixel(&v, batch, n0 + j + p), left);
			for (q = 0; q < left; q += 16)
				transpose((const uint8_t (*)[FXQ_BLOCK])
					  (piece[0] + q),
					  w + (i + q) * FXQ_BLOCK + 4 * j);
		}
	}
}

/* b has k pixels of n channels: four pixels are interleaved. */
static void pack_quad(const uint8_t (*px)[FXQ_BLOCK], uint32_t *w)
{
	uint32_t i;

	for (i = 0; i < FXQ_BLOCK; i++)
		w[i] = px[0][i] | (uint32_t)px[1][i] << 8 |
		       (uint32_t)px[2][i] << 16 | (uint32_t)px[3][i] << 24;
}

static void pack_plain(const struct matmul *c, uint32_t batch, uint32_t n0,
		       uint32_t n, uint32_t k0, uint32_t k, int8_t *w)
{
	struct fm_view v = fm_block(c->x, &c->b->b, n0 / FXQ_BLOCK, 1);
	uint8_t px[4][FXQ_BLOCK] = { { 0 } };
	uint32_t quad[FXQ_BLOCK];
	uint32_t i, j;

	for (i = 0; i < k; i += 4) {
		for (j = 0; j < 4; j++) {
			if (i + j < k)
				memcpy(px[j], fm_pixel(&v, batch, k0 + i + j),
				       n);
			else
				memset(px[j], 0, FXQ_BLOCK);
		}
		pack_quad(px, quad);
		memcpy(w + i * FXQ_BLOCK, quad, sizeof(quad));
	}
}

static void add_columns(const int8_t *w, uint32_t k, uint32_t *column)
{
	int32_t sum[FXQ_BLOCK] = { 0 };
	uint32_t q, i;

	for (q = 0; q < k; q += 4, w += FXQ_QUAD)
		for (i = 0; i < FXQ_BLOCK; i++)
			sum[i] += w[4 * i] + w[4 * i + 1] + w[4 * i + 2] +
				  w[4 * i + 3];
	for (i = 0; i < FXQ_BLOCK; i++)
		column[i] += sum[i];
}

/* Only the first @k of a panel's row are channels: the rest is padding. */
static uint32_t row_sum(const uint8_t *panel, uint32_t k)
{
	uint32_t sum = 0, i;

	for (i = 0; i < k; i++)
		sum += panel[i];
	return sum;
}

void matmul_pack(const struct matmul *c, uint32_t batch, uint32_t block,
		 uint32_t k0, uint32_t k, int8_t *w, uint32_t *column)
{
	(c->trans ? pack_transposed : pack_plain)(c, batch, block * FXQ_BLOCK,
		fm_lanes(c->b->n, block), k0, k, w);
	add_columns(w, fxq_round_up(k, 4), column);
}

/* Adds the products of panel [@k0, @k0 + @k) for all tiles of the strip. */
static void multiply(const struct matmul *c, const struct unit *u,
		     struct fxq_cursor *at, uint32_t k, struct work *s)
{
	uint8_t panel[FXQ_TILE * FXQ_PANEL_STRIDE];
	struct fxq_cursor next = *at;
	uint32_t m, p, tile;

	for (m = 0; m < u->pixels; m += FXQ_TILE) {
		tile = u->pixels - m < FXQ_TILE ? u->pixels - m : FXQ_TILE;
		next = *at;
		fxq_gather_panel(&c->a, 0, u->row * c->b->m + u->m0 + m, tile,
				 &next, panel);
		for (p = 0; p < tile; p++)
			s->row[m + p] += row_sum(panel + p * FXQ_PANEL_STRIDE,
						 k);
		fxq_dot(s->acc[m / FXQ_TILE], panel, tile, fxq_round_up(k, 4),
		       s->w[0], sizeof(s->w[0]), u->blocks);
	}
	*at = next;
}

/* The second and third term of the sum. */
static void add_terms(uint32_t *acc, const uint32_t *column, uint32_t za,
		      uint32_t row)
{
	uint32_t i;

	for (i = 0; i < FXQ_BLOCK; i++)
		acc[i] -= column[i] * za + row;
}

static void finish(const struct matmul *c, const struct unit *u,
		   struct work *s)
{
	uint32_t za = c->za, zb = (uint32_t)c->b->zb;
	uint32_t m, p, i, tile;

	for (m = 0; m < u->pixels; m += FXQ_TILE) {
		fxq_tile *acc = s->acc[m / FXQ_TILE];

		tile = u->pixels - m < FXQ_TILE ? u->pixels - m : FXQ_TILE;
		for (i = 0; i < u->blocks; i++) {
			for (p = 0; p < tile; p++)
				add_terms(acc[i][p], s->column[i], za,
					  zb * (s->row[m + p] - c->b->k * za));
			fxq_epilogue_run(&c->out, &s->lanes[i], acc[i],
					 u->row * c->b->m + u->m0 + m, tile);
		}
	}
}

static void begin(const struct unit *u, struct work *s)
{
	uint32_t m, i;

	for (m = 0; m < u->pixels; m += FXQ_TILE)
		for (i = 0; i < u->blocks; i++)
			fxq_lanes_begin(&s->lanes[i], s->acc[m / FXQ_TILE][i],
					FXQ_TILE);
}

/* @fresh: the unit before had other columns */
static void run_unit(const struct matmul *c, const struct unit *u, bool fresh,
		     struct work *s)
{
	bool once = c->b->k <= FXQ_PANEL_K;
	struct fxq_cursor at = { 0 };
	uint32_t k0, k, left, i;

	memset(s->row, 0, sizeof(s->row));
	if (fresh || !once)
		memset(s->column, 0, sizeof(s->column));
	for (i = 0; i < u->blocks && fresh; i++)
		fxq_lanes_load(&c->out, (u->block + i) * FXQ_BLOCK,
			       fm_lanes(c->b->n, u->block + i), &s->lanes[i]);
	begin(u, s);
	for (k0 = 0; k0 < c->b->k; k0 += k) {
		left = c->b->k - k0;
		k = left < FXQ_PANEL_K ? left : FXQ_PANEL_K;
		for (i = 0; i < u->blocks && (fresh || !once); i++)
			matmul_pack(c, u->row, u->block + i, k0, k, s->w[i],
				    s->column[i]);
		multiply(c, u, &at, k, s);
	}
	finish(c, u, s);
}

static void panel_units(void *arg, uint32_t first, uint32_t last)
{
	const struct panels *c = arg;
	const struct fxq_body_matmul *b = c->c->b;
	uint32_t i, left;
	struct work s;
	struct unit u;

	memset(s.w, 0, sizeof(s.w));
	for (i = first; i < last; i++) {
		u.m0 = i % c->strips * STRIP;
		left = b->m - u.m0;
		u.pixels = left < STRIP ? left : STRIP;
		u.block = i / c->strips % c->batches * BATCH;
		left = c->c->blocks - u.block;
		u.blocks = left < BATCH ? left : BATCH;
		u.row = i / c->strips / c->batches;
		run_unit(c->c, &u, i == first || !u.m0, &s);
	}
}

static void matmul_by_panels(const struct matmul *c)
{
	struct panels p = {
		.c = c,
		.strips = fxq_div_up(c->b->m, STRIP),
		.batches = fxq_div_up(c->blocks, BATCH),
	};

	fxq_spread(c->x, c->wide, p.strips * p.batches * c->b->batch, 1,
		   panel_units, &p);
}

void fxq_exec_matmul(struct fxq_exec *x, const struct fxq_desc *d)
{
	const struct fxq_body_matmul *b = &d->matmul;
	uint64_t outputs = (uint64_t)b->batch * b->m * b->n;
	struct matmul c = {
		.x = x, .b = b,
		.trans = d->flags & FXQ_F_TRANS_B,
		.wide = outputs * (b->k + FXQ_OUTPUT_MACS) >=
			FXQ_SPREAD_MACS,
		.za = (uint32_t)(b->za + 128),
		.blocks = fm_blocks(b->n),
		.a = {
			.x = x, .in = b->a, .ih = b->batch, .iw = b->m,
			.icg = b->k, .ow = b->m, .kh = 1, .kw = 1, .sh = 1,
			.sw = 1, .dh = 1, .dw = 1,
		},
	};

	fxq_epilogue_matmul(&c.out, x, d);
#ifdef FXQ_MATMUL_STRIPS
	if (matmul_by_strips(&c))
		return;
#endif
	matmul_by_panels(&c);
}
