/* SPDX-License-Identifier: MIT */
/*
 * unary.c - LUT and REQUANT: each byte by itself
 *
 * A unit is one row of one block of channels; where input and output lie
 * alike, a row is one run of bytes, otherwise some pixels are.
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

static void run_row(const struct unary *c, const uint8_t *in, size_t in_pixel,
		    uint8_t *out, size_t out_pixel, uint32_t n)
{
	uint8_t from[FM_RUN_BYTES], to[FM_RUN_BYTES];
	uint32_t w = c->b->w, px, pixels;

	if (in_pixel == n && out_pixel == n) {
		c->fn(c, in, out, n * w);
		return;
	}
	for (px = 0; px < w; px += pixels) {
		pixels = w - px < FM_RUN_PIXELS ? w - px : FM_RUN_PIXELS;
		c->fn(c, fm_run(in, in_pixel, pixels, n, from),
		      out_pixel == n ? out : to, pixels * n);
		fm_put_run(out, out_pixel, pixels, n, to);
		in += pixels * in_pixel;
		out += pixels * out_pixel;
	}
}

static void unary_rows(void *arg, uint32_t first, uint32_t last)
{
	const struct unary *c = arg;
	const struct fxq_body_unary *b = c->b;
	uint32_t i, block, y;

	for (i = first; i < last; i++) {
		struct fm_view in, out;

		block = i / b->h;
		y = i % b->h;
		in = fm_block(c->x, &b->in, block, 1);
		out = fm_block(c->x, &b->out, block, 1);
		run_row(c, fm_pixel(&in, y, 0), in.pixel, fm_pixel(&out, y, 0),
			out.pixel, fm_lanes(b->c, block));
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
