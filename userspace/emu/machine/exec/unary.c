/* SPDX-License-Identifier: MIT */
/*
 * unary.c - LUT and REQUANT: each byte by itself
 *
 * A unit is one row of one block of channels; where input and output lie
 * alike, a row is one run of bytes.
 */
#include <fxq/fxq_arith.h>

#include "fm.h"
#include "ops.h"

struct unary {
	struct fxq_exec *x;
	const struct fxq_body_unary *b;
	void (*fn)(const struct unary *c, const uint8_t *in, uint8_t *out,
		   uint32_t n);
};

static void lut_elements(const struct unary *c, const uint8_t *in,
			 uint8_t *out, uint32_t n)
{
	const uint8_t *table = c->x->spm + c->b->table;
	uint32_t i;

	for (i = 0; i < n; i++)
		out[i] = table[in[i] ^ 0x80];
}

static void requant_elements(const struct unary *c, const uint8_t *in,
			     uint8_t *out, uint32_t n)
{
	const int zx = c->b->zx, zy = c->b->zy, lo = c->b->lo, hi = c->b->hi;
	const float m = fxq_float(c->b->m);
	uint32_t i;

	for (i = 0; i < n; i++)
		out[i] = fxq_q((float)((int8_t)in[i] - zx) * m, zy, lo, hi);
}

static void unary_rows(void *arg, uint32_t first, uint32_t last)
{
	const struct unary *c = arg;
	const struct fxq_body_unary *b = c->b;
	uint32_t i, px, y, n;

	for (i = first; i < last; i++) {
		struct fm_view in = fm_block(c->x, &b->in, i / b->h, 1);
		struct fm_view out = fm_block(c->x, &b->out, i / b->h, 1);

		n = fm_lanes(b->c, i / b->h);
		y = i % b->h;
		if (in.pixel == n && out.pixel == n) {
			c->fn(c, fm_pixel(&in, y, 0), fm_pixel(&out, y, 0),
			      n * b->w);
			continue;
		}
		for (px = 0; px < b->w; px++)
			c->fn(c, fm_pixel(&in, y, px), fm_pixel(&out, y, px),
			      n);
	}
}

static void run_unary(struct unary *c)
{
	const struct fxq_body_unary *b = c->b;

	fxq_spread(c->x, (uint32_t)b->h * b->w * b->c >= FXQ_SPREAD_BYTES,
		   fm_blocks(b->c) * b->h, 1, unary_rows, c);
}

void fxq_exec_lut(struct fxq_exec *x, const struct fxq_desc *d)
{
	struct unary c = { .x = x, .b = &d->unary, .fn = lut_elements };

	run_unary(&c);
}

void fxq_exec_requant(struct fxq_exec *x, const struct fxq_desc *d)
{
	struct unary c = { .x = x, .b = &d->unary, .fn = requant_elements };

	run_unary(&c);
}
