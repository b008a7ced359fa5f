/* SPDX-License-Identifier: MIT */
/*
 * resize.c - RESIZE: nearest or bilinear, by the compiler's tables
 *
 * A unit is one row of one block of channels. Tables are checked before
 * anything runs, so indices are trusted here; the fractions are at most
 * FXQ_RESIZE_ONE, which keeps the sums within 31 bits.
 */
#include <string.h>

#include <fxq/fxq_arith.h>

#include "fm.h"
#include "ops.h"
#include "resize_table.h"

struct resize {
	struct fxq_exec *x;
	const struct fxq_body_resize *b;
	bool bilinear;
	float m;
};

static void blend(const struct resize *c, const int8_t *const in[4],
		  const int32_t weight[4], int8_t *out)
{
	const int zx = c->b->zx, zy = c->b->zy, lo = c->b->lo, hi = c->b->hi;
	const int8_t *p0 = in[0], *p1 = in[1], *p2 = in[2], *p3 = in[3];
	const int32_t w0 = weight[0], w1 = weight[1];
	const int32_t w2 = weight[2], w3 = weight[3];
	const float m = c->m;
	uint32_t i;

#pragma GCC ivdep
	for (i = 0; i < FXQ_BLOCK; i++) {
		int32_t acc = (p0[i] - zx) * w0 + (p1[i] - zx) * w1 +
			      (p2[i] - zx) * w2 + (p3[i] - zx) * w3;

		out[i] = fxq_q((float)acc * m, zy, lo, hi);
	}
}

#define SHORT_SHIFT	15	/* 255 * (2^22 >> 15) is a short number */

/* blend() where the weights are multiples of 2^15, as between few pixels. */
static void blend_short(const struct resize *c, const int8_t *const in[4],
			const int32_t weight[4], int8_t *out)
{
	const int16_t zx = c->b->zx;
	const int zy = c->b->zy, lo = c->b->lo, hi = c->b->hi;
	const int8_t *p0 = in[0], *p1 = in[1], *p2 = in[2], *p3 = in[3];
	const int16_t w0 = (int16_t)(weight[0] >> SHORT_SHIFT);
	const int16_t w1 = (int16_t)(weight[1] >> SHORT_SHIFT);
	const int16_t w2 = (int16_t)(weight[2] >> SHORT_SHIFT);
	const int16_t w3 = (int16_t)(weight[3] >> SHORT_SHIFT);
	const float m = c->m;
	int16_t acc[FXQ_BLOCK] __attribute__((aligned(64)));
	uint32_t i;

#pragma GCC ivdep
	for (i = 0; i < FXQ_BLOCK; i++)
		acc[i] = (int16_t)((p0[i] - zx) * w0 + (p1[i] - zx) * w1 +
				   (p2[i] - zx) * w2 + (p3[i] - zx) * w3);
#pragma GCC ivdep
	for (i = 0; i < FXQ_BLOCK; i++)
		out[i] = fxq_q((float)(acc[i] * (1 << SHORT_SHIFT)) * m, zy,
			       lo, hi);
}

/* blend() where all weight is on one pixel. */
static void pick(const struct resize *c, const int8_t *in, int8_t *out)
{
	const int zx = c->b->zx, zy = c->b->zy, lo = c->b->lo, hi = c->b->hi;
	const int32_t one = FXQ_RESIZE_ONE * FXQ_RESIZE_ONE;
	const float m = c->m;
	uint32_t i;

#pragma GCC ivdep
	for (i = 0; i < FXQ_BLOCK; i++)
		out[i] = fxq_q((float)((in[i] - zx) * one) * m, zy, lo, hi);
}

/* The output pixel between four neighbours; @y and @x say where it is. */
static void run_pixel(const struct resize *c, const struct fm_view *in,
		      struct entry y, struct entry x, int8_t *out)
{
	uint32_t y1 = y.index + 1 < c->b->ih ? y.index + 1 : y.index;
	uint32_t x1 = x.index + 1 < c->b->iw ? x.index + 1 : x.index;
	int32_t fy = y.fraction, fx = x.fraction;
	const int8_t *const pixels[4] = {
		(const int8_t *)fm_pixel(in, y.index, x.index),
		(const int8_t *)fm_pixel(in, y.index, x1),
		(const int8_t *)fm_pixel(in, y1, x.index),
		(const int8_t *)fm_pixel(in, y1, x1),
	};
	const int32_t weight[4] = {
		(FXQ_RESIZE_ONE - fy) * (FXQ_RESIZE_ONE - fx),
		(FXQ_RESIZE_ONE - fy) * fx,
		fy * (FXQ_RESIZE_ONE - fx),
		fy * fx,
	};

	if ((weight[0] | weight[1] | weight[2] | weight[3]) &
	    ((1 << SHORT_SHIFT) - 1))
		blend(c, pixels, weight, out);
	else
		blend_short(c, pixels, weight, out);
}

static void run_row(const struct resize *c, uint32_t block, uint32_t oy)
{
	const struct fxq_body_resize *b = c->b;
	struct fm_view in = fm_block(c->x, &b->in, block, 1);
	struct fm_view out = fm_block(c->x, &b->out, block, 1);
	struct entry y = entry_at(c->x, b->ytab, oy);
	uint32_t n = fm_lanes(b->c, block), ox;
	struct entry x, before = { 0 };
	int8_t q[FXQ_BLOCK];

	for (ox = 0; ox < b->ow; ox++, before = x) {
		x = entry_at(c->x, b->xtab, ox);
		if (c->bilinear)
			run_pixel(c, &in, y, x, q);
		else if (!ox || x.index != before.index)
			pick(c, (const int8_t *)fm_pixel(&in, y.index,
							 x.index), q);
		fm_put(fm_pixel(&out, oy, ox), q, n);
	}
}

static void resize_rows(void *arg, uint32_t first, uint32_t last)
{
	const struct resize *c = arg;
	uint32_t i;

	for (i = first; i < last; i++)
		run_row(c, i / c->b->oh, i % c->b->oh);
}

void fxq_exec_resize(struct fxq_exec *x, const struct fxq_desc *d)
{
	const struct fxq_body_resize *b = &d->resize;
	struct resize c = {
		.x = x, .b = b, .bilinear = d->flags & FXQ_F_BILINEAR,
		.m = fxq_float(b->m) * 0x1p-22f,
	};

	fxq_spread(x, (uint32_t)b->oh * b->ow * b->c >= FXQ_SPREAD_BYTES / 2,
		   fm_blocks(b->c) * b->oh, 1, resize_rows, &c);
}
