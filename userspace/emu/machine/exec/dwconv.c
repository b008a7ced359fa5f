/* SPDX-License-Identifier: MIT */
/*
 * dwconv.c - DWCONV: each channel with its own kernel, 32 at a time
 *
 * A unit is one row of one block of channels. Sums begin as if every tap read
 * zx; a tap that is inside then adds (x - zx) * w, which fits 16 bits, and one
 * that is outside adds nothing.
 */
#include <string.h>

#include "clones.h"
#include "epilogue.h"
#include "fm.h"
#include "ops.h"
#include "window.h"

struct dwconv {
	struct fxq_exec *x;
	const struct fxq_body_conv *b;
	struct fxq_epilogue out;
	const int8_t *weights;
};

/*
 * struct row - what the pixels of an output row have in common
 * @in: the block of channels
 * @w: its kernel, [kh][kw][32]
 * @iy: input row of the kernel's first, perhaps outside
 * @ky0, @ky1: kernel rows that are inside
 * @start: what the sums begin with
 */
struct row {
	struct fm_view in;
	const int8_t *w;
	int64_t iy;
	uint32_t ky0, ky1;
	int32_t start[FXQ_BLOCK];
};

/* The sums of a pixel whose taps all read @zx. */
FXQ_CLONES
static void begin_sums(const int8_t *w, uint32_t taps, int zx, int32_t *start)
{
	uint32_t t, i;

	memset(start, 0, FXQ_BLOCK * sizeof(*start));
	for (t = 0; t < taps; t++, w += FXQ_BLOCK)
		for (i = 0; i < FXQ_BLOCK; i++)
			start[i] += w[i];
	for (i = 0; i < FXQ_BLOCK; i++)
		start[i] *= 128 + zx;
}

FXQ_CLONES
static void sum_pixel(const struct fxq_body_conv *b, const struct row *r,
		      int64_t ix, uint32_t kx0, uint32_t kx1, uint32_t *acc)
{
	int32_t sum[FXQ_BLOCK] __attribute__((aligned(64)));
	const int zx = b->zx;
	uint32_t ky, kx, i;

	memcpy(sum, r->start, sizeof(sum));
	for (ky = r->ky0; ky < r->ky1; ky++) {
		const int8_t *w = r->w + (ky * b->kw + kx0) * FXQ_BLOCK;
		const int8_t *in = (const int8_t *)
			fm_pixel(&r->in, r->iy + (int64_t)ky * b->dh,
				 ix + (int64_t)kx0 * b->dw);

		for (kx = kx0; kx < kx1; kx++) {
			for (i = 0; i < FXQ_BLOCK; i++)
				sum[i] += (int16_t)((in[i] - zx) * w[i]);
			w += FXQ_BLOCK;
			in += b->dw * r->in.pixel;
		}
	}
	memcpy(acc, sum, sizeof(sum));
}

static void run_row(const struct dwconv *c, const struct fxq_lanes *lanes,
		    const struct row *r, uint32_t oy)
{
	uint32_t acc[FXQ_TILE][FXQ_BLOCK] __attribute__((aligned(64)));
	const struct fxq_body_conv *b = c->b;
	uint32_t ox, p, n, kx0, kx1;

	for (ox = 0; ox < b->ow; ox += n) {
		n = b->ow - ox < FXQ_TILE ? b->ow - ox : FXQ_TILE;
		for (p = 0; p < n; p++) {
			int64_t ix = (int64_t)(ox + p) * b->sw - b->pad_l;

			taps_inside(ix, b->dw, b->kw, b->iw, &kx0, &kx1);
			sum_pixel(b, r, ix, kx0, kx1, acc[p]);
		}
		fxq_epilogue_run(&c->out, lanes, acc, oy * b->ow + ox, n);
	}
}

static void dwconv_rows(void *arg, uint32_t first, uint32_t last)
{
	const struct dwconv *c = arg;
	const struct fxq_body_conv *b = c->b;
	uint32_t taps = b->kh * b->kw, i, block, oy;
	struct fxq_lanes lanes;
	struct row r;

	for (i = first; i < last; i++) {
		block = i / b->oh;
		oy = i % b->oh;
		if (i == first || !oy) {
			r.in = fm_block(c->x, &b->in, block, 1);
			r.w = c->weights + (size_t)block * taps * FXQ_BLOCK;
			begin_sums(r.w, taps, b->zx, r.start);
			fxq_lanes_load(&c->out, block * FXQ_BLOCK,
				       fm_lanes(b->oc, block), &lanes);
		}
		r.iy = (int64_t)oy * b->sh - b->pad_t;
		taps_inside(r.iy, b->dh, b->kh, b->ih, &r.ky0, &r.ky1);
		run_row(c, &lanes, &r, oy);
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

	fxq_epilogue_conv(&c.out, x, d);
	fxq_spread(x, macs >= FXQ_SPREAD_MACS / 4, fm_blocks(b->oc) * b->oh, 1,
		   dwconv_rows, &c);
}
