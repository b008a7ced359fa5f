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

#include <fxq/fxq_arith.h>

#include "clones.h"
#include "conv.h"
#include "epilogue.h"
#include "fm.h"
#include "gather.h"
#include "ops.h"

#define STRIP	64	/* pixels that share a packed panel of b */
#define TILES	(STRIP / FXQ_TILE)

struct matmul {
	struct fxq_exec *x;
	const struct fxq_body_matmul *b;
	bool trans;
	fxq_dot_fn dot;
	struct fxq_gather a;
	struct fxq_epilogue out;
	uint32_t strips, blocks;
};

/* struct sums - of one strip and one block of columns */
struct sums {
	fxq_tile acc[TILES] __attribute__((aligned(64)));
	uint32_t row[STRIP];		/* sum of A */
	uint32_t column[FXQ_BLOCK];	/* sum of b */
};

/* b has n pixels of k channels: a column's k lie side by side. */
static void pack_transposed(const struct matmul *c, uint32_t batch,
			    uint32_t n0, uint32_t n, uint32_t k0, uint32_t k,
			    int8_t *w)
{
	uint8_t piece[FXQ_BLOCK];
	uint32_t i, j, q;

	for (i = 0; i < k; i += FXQ_BLOCK) {
		uint32_t left = k - i < FXQ_BLOCK ? k - i : FXQ_BLOCK;
		struct fm_view v = fm_block(c->x, &c->b->b,
					    (k0 + i) / FXQ_BLOCK, 1);

		for (j = 0; j < n; j++) {
			memset(piece, 0, sizeof(piece));
			memcpy(piece, fm_pixel(&v, batch, n0 + j), left);
			for (q = 0; q < left; q += 4)
				memcpy(w + (i + q) * FXQ_BLOCK + 4 * j,
				       piece + q, 4);
		}
	}
}

/* b has k pixels of n channels: four pixels are interleaved. */
FXQ_CLONES
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

FXQ_CLONES
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
FXQ_CLONES
static uint32_t row_sum(const uint8_t *panel, uint32_t k)
{
	uint32_t sum = 0, i;

	for (i = 0; i < k; i++)
		sum += panel[i];
	return sum;
}

static void multiply(const struct matmul *c, uint32_t batch, uint32_t n0,
		     uint32_t first, uint32_t pixels, struct sums *s)
{
	uint8_t panel[FXQ_TILE * FXQ_PANEL_STRIDE];
	int8_t w[FXQ_PANEL_K * FXQ_BLOCK] __attribute__((aligned(64)));
	struct fxq_cursor at = { 0 }, next = { 0 };
	uint32_t n = fm_lanes(c->b->n, n0 / FXQ_BLOCK);
	uint32_t k, k0, left, t, p, tile;

	memset(s, 0, sizeof(*s));
	memset(w, 0, sizeof(w));
	for (k0 = 0; k0 < c->b->k; k0 += k, at = next) {
		left = c->b->k - k0;
		k = left < FXQ_PANEL_K ? left : FXQ_PANEL_K;
		(c->trans ? pack_transposed : pack_plain)(c, batch, n0, n, k0,
							  k, w);
		add_columns(w, fxq_round_up(k, 4), s->column);
		for (t = 0; t * FXQ_TILE < pixels; t++) {
			tile = pixels - t * FXQ_TILE;
			tile = tile < FXQ_TILE ? tile : FXQ_TILE;
			next = at;
			fxq_gather_panel(&c->a, 0, batch * c->b->m + first +
					 t * FXQ_TILE, tile, &next, panel);
			for (p = 0; p < tile; p++)
				s->row[t * FXQ_TILE + p] +=
					row_sum(panel + p * FXQ_PANEL_STRIDE, k);
			c->dot(&s->acc[t], panel, tile, fxq_round_up(k, 4), w,
			       0, 1);
		}
	}
}

static void add_terms(const struct fxq_body_matmul *b, struct sums *s,
		      uint32_t pixels)
{
	uint32_t za = (uint32_t)(b->za + 128), zb = (uint32_t)b->zb;
	uint32_t p, i;

	for (i = 0; i < FXQ_BLOCK; i++)
		s->column[i] *= za;
	for (p = 0; p < pixels; p++) {
		uint32_t *acc = s->acc[p / FXQ_TILE][p % FXQ_TILE];
		uint32_t row = zb * (s->row[p] - b->k * za);

		for (i = 0; i < FXQ_BLOCK; i++)
			acc[i] -= s->column[i] + row;
	}
}

/* A unit is a strip of one batch by a block of columns. */
static void matmul_units(void *arg, uint32_t first, uint32_t last)
{
	const struct matmul *c = arg;
	uint32_t i, m0, n0, batch, pixels, t, left;
	struct fxq_lanes lanes;
	struct sums s;

	for (i = first; i < last; i++) {
		m0 = i % c->strips * STRIP;
		n0 = i / c->strips % c->blocks * FXQ_BLOCK;
		batch = i / c->strips / c->blocks;
		left = c->b->m - m0;
		pixels = left < STRIP ? left : STRIP;
		fxq_lanes_load(&c->out, n0, fm_lanes(c->b->n, n0 / FXQ_BLOCK),
			       &lanes);
		multiply(c, batch, n0, m0, pixels, &s);
		add_terms(c->b, &s, pixels);
		for (t = 0; t * FXQ_TILE < pixels; t++) {
			left = pixels - t * FXQ_TILE;
			fxq_epilogue_run(&c->out, &lanes, s.acc[t],
					 batch * c->b->m + m0 + t * FXQ_TILE,
					 left < FXQ_TILE ? left : FXQ_TILE);
		}
	}
}

void fxq_matmul_run(struct fxq_exec *x, const struct fxq_desc *d,
		    fxq_dot_fn dot)
{
	const struct fxq_body_matmul *b = &d->matmul;
	uint64_t outputs = (uint64_t)b->batch * b->m * b->n;
	struct matmul c = {
		.x = x, .b = b, .dot = dot,
		.trans = d->flags & FXQ_F_TRANS_B,
		.a = {
			.x = x, .in = b->a, .ih = b->batch, .iw = b->m,
			.icg = b->k, .ow = b->m, .kh = 1, .kw = 1, .sh = 1,
			.sw = 1, .dh = 1, .dw = 1,
		},
		.strips = fxq_div_up(b->m, STRIP),
		.blocks = fm_blocks(b->n),
	};

	fxq_epilogue_matmul(&c.out, x, d);
	fxq_spread(x, outputs * b->k >= FXQ_SPREAD_MACS,
		   c.strips * c.blocks * b->batch, 1, matmul_units, &c);
}

void fxq_exec_matmul(struct fxq_exec *x, const struct fxq_desc *d)
{
	fxq_matmul_run(x, d, fxq_dot_portable());
}
