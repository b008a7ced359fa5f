/* SPDX-License-Identifier: MIT */
/*
 * dwconv.c - DWCONV: each channel with its own kernel, 32 at a time
 *
 * A unit is one row of one block of channels. For each tile of a row's pixels
 * and some taps of the kernel, a table says where the channels are; outside
 * the box that is a pixel made of zx.
 */
#include <string.h>

#include "dwconv.h"
#include "fm.h"

/*
 * struct block - what the pixels of a block of channels have in common
 * @w: its kernel, [kh][kw][32]
 * @start: what sums begin with: the bias, and 128 times the kernel's, for
 *	   x + 128
 */
struct block {
	struct fm_view in;
	const int8_t *w;
	uint32_t start[FXQ_BLOCK];
	struct fxq_lanes lanes;
};

/* struct tap - the next one's place in the kernel */
struct tap {
	uint32_t ky, kx;
};

static void begin_sums(const int8_t *w, uint32_t taps, const uint32_t *bias,
		       uint32_t *start)
{
	int32_t sum[FXQ_BLOCK] = { 0 };
	uint32_t t, i;

	for (t = 0; t < taps; t++, w += FXQ_BLOCK)
		for (i = 0; i < FXQ_BLOCK; i++)
			sum[i] += w[i];
	for (i = 0; i < FXQ_BLOCK; i++)
		start[i] = bias[i] + 128 * (uint32_t)sum[i];
}

static void load_block(const struct dwconv *c, uint32_t block,
		       struct block *bl)
{
	uint32_t taps = c->b->kh * c->b->kw;

	bl->in = fm_block(c->x, &c->b->in, block, 1);
	bl->w = c->weights + (size_t)block * taps * FXQ_BLOCK;
	fxq_lanes_load(&c->out, block * FXQ_BLOCK, fm_lanes(c->b->oc, block),
		       &bl->lanes);
	begin_sums(bl->w, taps, bl->lanes.bias, bl->start);
}

/* Where a tap of the tile's pixels, the first at (@y, @x), reads. */
static void point_at(const struct dwconv *c, const struct fm_view *in,
		     int64_t y, int64_t x, const int8_t **at)
{
	const struct fxq_body_conv *b = c->b;
	bool row = y >= 0 && y < b->ih;
	uint32_t p;

	for (p = 0; p < FXQ_TILE; p++, x += b->sw)
		at[p] = row && x >= 0 && x < b->iw ?
			(const int8_t *)fm_pixel(in, y, x) : c->outside;
}

/* Fills @at with up to FXQ_TAPS taps from @tap on. Returns how many. */
static uint32_t next_taps(const struct dwconv *c, const struct fm_view *in,
			  uint32_t oy, uint32_t ox, struct tap *tap,
			  const int8_t *(*at)[FXQ_TILE])
{
	const struct fxq_body_conv *b = c->b;
	uint32_t n = 0;

	while (tap->ky < b->kh && n < FXQ_TAPS) {
		point_at(c, in,
			 (int64_t)oy * b->sh + tap->ky * b->dh - b->pad_t,
			 (int64_t)ox * b->sw + tap->kx * b->dw - b->pad_l,
			 at[n++]);
		if (++tap->kx == b->kw) {
			tap->kx = 0;
			tap->ky++;
		}
	}
	return n;
}

static void run_tile(const struct dwconv *c, const struct block *bl,
		     uint32_t oy, uint32_t ox, uint32_t pixels)
{
	const int8_t *at[FXQ_TAPS][FXQ_TILE];
	fxq_tile acc __attribute__((aligned(64)));
	const int8_t *w = bl->w;
	struct tap tap = { 0 };
	uint32_t n, p;

	for (p = 0; p < FXQ_TILE; p++)
		memcpy(acc[p], bl->start, sizeof(acc[p]));
	while ((n = next_taps(c, &bl->in, oy, ox, &tap, at))) {
		fxq_taps(acc, (const int8_t *const (*)[FXQ_TILE])at, w, n);
		w += n * FXQ_BLOCK;
	}
	fxq_epilogue_run(&c->out, &bl->lanes, acc, oy * c->b->ow + ox, pixels);
}

static void dwconv_rows(void *arg, uint32_t first, uint32_t last)
{
	const struct dwconv *c = arg;
	const struct fxq_body_conv *b = c->b;
	uint32_t i, oy, ox, left;
	struct block bl;

	for (i = first; i < last; i++) {
		oy = i % b->oh;
		if (i == first || !oy)
			load_block(c, i / b->oh, &bl);
		for (ox = 0; ox < b->ow; ox += FXQ_TILE) {
			left = b->ow - ox;
			run_tile(c, &bl, oy, ox,
				 left < FXQ_TILE ? left : FXQ_TILE);
		}
	}
}

void fxq_exec_dwconv(struct fxq_exec *x, const struct fxq_desc *d)
{
	const struct fxq_body_conv *b = &d->conv;
	uint64_t macs = (uint64_t)b->oh * b->ow * b->oc * b->kh * b->kw;
	struct dwconv c = {
		.x = x, .b = b,
		.weights = (const int8_t *)x->spm + b->weights,
	};

	memset(c.outside, b->zx, sizeof(c.outside));
	c.wide = macs >= FXQ_SPREAD_DW_MACS;
	fxq_epilogue_conv(&c.out, x, d);
#ifdef FXQ_DW_THREES
	if (dwconv_by_threes(&c))
		return;
#endif
#ifdef FXQ_DW_QUADS
	if (dwconv_by_quads(&c))
		return;
#endif
	fxq_spread(x, c.wide, fm_blocks(b->oc) * b->oh, 1, dwconv_rows, &c);
}
