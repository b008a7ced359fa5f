/* SPDX-License-Identifier: MIT */
/*
 * gather.c - a convolution's input, pixel by pixel, in the order of weights
 *
 * Where a group's channels begin a block of the layout, they are copied as
 * they lie, 16 bytes at a time: the last step may write beyond the run, where
 * the next run follows. The bytes between a block's channels and the multiple
 * of 4 meet weights of zero. Groups that begin elsewhere take each pixel from
 * up to two blocks.
 */
#include <stdbool.h>
#include <string.h>

#include "fm.h"
#include "gather.h"

#define STEP	16

typedef uint8_t bytes16 __attribute__((vector_size(STEP)));

/*
 * struct run - activations of neighbouring taps of a kernel row
 * @view: the block they come from
 * @c0: its first channel in the feature map; @lanes: how many
 * @cb: @lanes rounded up to 4, bytes of one tap
 * @taps: how many, from @kx on
 * @whole: the channels begin a block, so a pixel is one piece
 * @dense: and neighbouring taps are one piece
 */
struct run {
	struct fm_view view;
	uint32_t c0, lanes, cb;
	uint32_t ky, kx, taps;
	bool whole, dense;
};

/* x + 128, as u8 */
static void copy_flipped(uint8_t *dst, const uint8_t *src, uint32_t n)
{
	uint32_t i;
	bytes16 v;

	for (i = 0; i < n; i += STEP) {
		memcpy(&v, src + i, STEP);
		v ^= 0x80;
		memcpy(dst + i, &v, STEP);
	}
}

static void copy_tap(const struct fxq_gather *g, const struct run *r,
		     uint32_t y, uint32_t x, uint8_t *dst)
{
	uint8_t pixel[FXQ_BLOCK] = { 0 };

	if (r->whole) {
		copy_flipped(dst, fm_pixel(&r->view, y, x), r->cb);
		return;
	}
	fm_gather(g->x, &g->in, y, x, r->c0, r->lanes, pixel);
	copy_flipped(dst, pixel, r->cb);
}

/* The run's activations for the output pixel whose tap (0, 0) is at (y, x). */
static void copy_run(const struct fxq_gather *g, const struct run *r,
		     int64_t y, int64_t x, uint8_t *dst)
{
	int64_t iy = y + (int64_t)r->ky * g->dh;
	int64_t ix = x + (int64_t)r->kx * g->dw;
	int64_t last = ix + (int64_t)(r->taps - 1) * g->dw;
	uint8_t outside = (uint8_t)g->zx ^ 0x80;
	uint32_t i;

	if (iy < 0 || iy >= g->ih) {
		memset(dst, outside, r->taps * r->cb);
		return;
	}
	if (r->dense && ix >= 0 && last < g->iw) {
		copy_flipped(dst, fm_pixel(&r->view, iy, ix), r->taps * r->cb);
		return;
	}
	for (i = 0; i < r->taps; i++, ix += g->dw, dst += r->cb) {
		if (ix < 0 || ix >= g->iw)
			memset(dst, outside, r->cb);
		else
			copy_tap(g, r, iy, ix, dst);
	}
}

/* The run at @at, of at most @room bytes. False if not one tap has room. */
static bool next_run(const struct fxq_gather *g, uint32_t group,
		     struct fxq_cursor *at, uint32_t room, struct run *r)
{
	uint32_t taps;

	r->lanes = fm_lanes(g->icg, at->block);
	r->cb = fxq_round_up(r->lanes, 4);
	taps = room / r->cb;
	if (!taps)
		return false;
	r->c0 = group * g->icg + at->block * FXQ_BLOCK;
	r->view = fm_block(g->x, &g->in, r->c0 / FXQ_BLOCK, 1);
	r->whole = !(r->c0 % FXQ_BLOCK);
	r->dense = r->whole && g->dw == 1 && r->view.pixel == r->cb;
	r->ky = at->ky;
	r->kx = at->kx;
	r->taps = g->kw - at->kx < taps ? g->kw - at->kx : taps;

	at->kx += r->taps;
	if (at->kx < g->kw)
		return true;
	at->kx = 0;
	if (++at->ky < g->kh)
		return true;
	at->ky = 0;
	at->block++;
	return true;
}

void fxq_gather_conv(struct fxq_gather *g, const struct fxq_exec *x,
		     const struct fxq_desc *d)
{
	const struct fxq_body_conv *b = &d->conv;

	*g = (struct fxq_gather){
		.x = x, .in = b->in, .ih = b->ih, .iw = b->iw,
		.icg = b->ic / b->groups, .ow = b->ow,
		.kh = b->kh, .kw = b->kw, .sh = b->sh, .sw = b->sw,
		.dh = b->dh, .dw = b->dw, .pad_t = b->pad_t,
		.pad_l = b->pad_l, .zx = b->zx,
	};
}

uint32_t fxq_gather_panel(const struct fxq_gather *g, uint32_t group,
			  uint32_t first, uint32_t pixels,
			  struct fxq_cursor *at, uint8_t *panel)
{
	int64_t y[FXQ_TILE], x[FXQ_TILE];
	uint32_t k = 0, p, oy = first / g->ow, ox = first % g->ow;
	struct run r;

	for (p = 0; p < pixels; p++) {
		y[p] = (int64_t)oy * g->sh - g->pad_t;
		x[p] = (int64_t)ox * g->sw - g->pad_l;
		if (++ox == g->ow) {
			ox = 0;
			oy++;
		}
	}
	while (at->block < fm_blocks(g->icg) &&
	       next_run(g, group, at, FXQ_PANEL_K - k, &r)) {
		for (p = 0; p < pixels; p++)
			copy_run(g, &r, y[p], x[p],
				 panel + p * FXQ_PANEL_STRIDE + k);
		k += r.taps * r.cb;
	}
	return k;
}
