/* SPDX-License-Identifier: MIT */
/*
 * pooling.c - MAXPOOL, AVGPOOL, GLOBALPOOL: 32 channels at a time
 *
 * A unit of the first two is one row of one block of channels, of GLOBALPOOL a
 * block. A window of MAXPOOL that lies wholly outside gives the least number,
 * one of AVGPOOL that counts nothing gives zero. MAXPOOL first folds the rows
 * of all windows into one, in runs, where that fits into a buffer.
 */
#include <string.h>

#include <fxq/fxq_arith.h>

#include "fm.h"
#include "ops.h"

/*
 * struct window - the part of a pooling window that lies inside the input
 * @at: its first pixel
 * @pixel, @row: bytes from one tap to the next
 */
struct window {
	const int8_t *at;
	size_t pixel, row;
	uint32_t h, w;
};

struct pooling {
	struct fxq_exec *x;
	const struct fxq_body_pool *b;
	void (*fn)(const struct pooling *c, const struct window *win,
		   int8_t *out);
};

/*
 * Of @taps taps, @step apart, the first at @at: those in [0, size) are
 * [*first, *last), which may be empty.
 */
static void taps_inside(int64_t at, uint32_t step, uint32_t taps, uint32_t size,
			uint32_t *first, uint32_t *last)
{
	uint32_t i = 0;

	while (i < taps && at + (int64_t)i * step < 0)
		i++;
	*first = i;
	while (i < taps && at + (int64_t)i * step < size)
		i++;
	*last = i;
}

static void sum_window(const struct window *win, int32_t *sum)
{
	int32_t acc[FXQ_BLOCK] __attribute__((aligned(64))) = { 0 };
	uint32_t y, x, i;

	for (y = 0; y < win->h; y++) {
		const int8_t *in = win->at + y * win->row;

		for (x = 0; x < win->w; x++, in += win->pixel)
			for (i = 0; i < FXQ_BLOCK; i++)
				acc[i] += in[i];
	}
	memcpy(sum, acc, sizeof(acc));
}

/* From the sum of @n elements inside; those outside count as @zx, so as 0. */
static void finish_mean(const int32_t *sum, int32_t n, float m, int zx, int zy,
			int lo, int hi, int8_t *out)
{
	uint32_t i;

	for (i = 0; i < FXQ_BLOCK; i++)
		out[i] = fxq_q((float)(sum[i] - n * zx) * m, zy, lo, hi);
}

static void avg_window(const struct pooling *c, const struct window *win,
		       int8_t *out)
{
	const struct fxq_body_pool *b = c->b;
	uint32_t inside = win->h * win->w;
	uint32_t count = b->count_pad ? (uint32_t)b->kh * b->kw : inside;
	int32_t sum[FXQ_BLOCK];
	float m = 0;

	if (count)
		memcpy(&m, c->x->spm + b->table + 4 * (size_t)(count - 1),
		       sizeof(m));
	sum_window(win, sum);
	finish_mean(sum, inside, m, b->zx, b->zy, b->lo, b->hi, out);
}

static void max_window(const struct pooling *c, const struct window *win,
		       int8_t *out)
{
	int8_t max[FXQ_BLOCK] __attribute__((aligned(32)));
	const int8_t lo = c->b->lo, hi = c->b->hi;
	uint32_t y, x, i;

	/* No element is less than lo in the end. */
	memset(max, lo, sizeof(max));
	for (y = 0; y < win->h; y++) {
		const int8_t *in = win->at + y * win->row;

		for (x = 0; x < win->w; x++, in += win->pixel)
			for (i = 0; i < FXQ_BLOCK; i++)
				max[i] = in[i] > max[i] ? in[i] : max[i];
	}
	for (i = 0; i < FXQ_BLOCK; i++)
		out[i] = max[i] < hi ? max[i] : hi;
}

#define FOLDED_BYTES	16384

/* The larger of two rows, byte by byte. */
static void fold_row(int8_t *restrict max, const int8_t *restrict in,
		     uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		max[i] = in[i] > max[i] ? in[i] : max[i];
}

/* The largest of @taps pixels, @step bytes apart, and @lo; or @hi. */
static void max_taps(const int8_t *in, size_t step, uint32_t taps, int8_t lo,
		     int8_t hi, int8_t *out)
{
	int8_t max[FXQ_BLOCK] __attribute__((aligned(32)));
	uint32_t i;

	memset(max, lo, sizeof(max));
	for (; taps; taps--, in += step)
		for (i = 0; i < FXQ_BLOCK; i++)
			max[i] = in[i] > max[i] ? in[i] : max[i];
	for (i = 0; i < FXQ_BLOCK; i++)
		out[i] = max[i] < hi ? max[i] : hi;
}

/* A row of MAXPOOL. False: it does not fit, or has no input. */
static bool max_row(const struct fxq_body_pool *b, const struct fm_view *in,
		    int64_t iy, uint8_t *out, size_t out_pixel, uint32_t n)
{
	int8_t row[FOLDED_BYTES + FXQ_BLOCK], q[FXQ_BLOCK];
	uint32_t bytes = b->iw * in->pixel, ky, ky0, ky1, kx0, kx1, ox;
	int64_t ix = -(int64_t)b->pad_l;

	taps_inside(iy, b->dh, b->kh, b->ih, &ky0, &ky1);
	if (bytes > FOLDED_BYTES || ky0 == ky1)
		return false;
	memcpy(row, fm_pixel(in, iy + ky0 * b->dh, 0), bytes + FXQ_BLOCK);
	for (ky = ky0 + 1; ky < ky1; ky++)
		fold_row(row, (const int8_t *)fm_pixel(in, iy + ky * b->dh, 0),
			 bytes);
	for (ox = 0; ox < b->ow; ox++, ix += b->sw, out += out_pixel) {
		kx0 = 0;
		kx1 = b->kw;
		if (ix < 0 || ix + (int64_t)(b->kw - 1) * b->dw >= b->iw)
			taps_inside(ix, b->dw, b->kw, b->iw, &kx0, &kx1);
		max_taps(row + (kx0 < kx1 ? (ix + kx0 * b->dw) : 0) *
			 (int64_t)in->pixel, in->pixel * b->dw, kx1 - kx0,
			 b->lo, b->hi, q);
		fm_put(out, q, n);
	}
	return true;
}

static void run_row(const struct pooling *c, uint32_t block, uint32_t oy)
{
	const struct fxq_body_pool *b = c->b;
	struct fm_view in = fm_block(c->x, &b->in, block, 1);
	struct fm_view out = fm_block(c->x, &b->out, block, 1);
	int64_t iy = (int64_t)oy * b->sh - b->pad_t, ix;
	uint32_t ky0, ky1, kx0, kx1, ox, n = fm_lanes(b->c, block);
	struct window win = {
		.pixel = in.pixel * b->dw, .row = in.row * b->dh,
	};
	int8_t q[FXQ_BLOCK];

	if (c->fn == max_window &&
	    max_row(b, &in, iy, fm_pixel(&out, oy, 0), out.pixel, n))
		return;
	taps_inside(iy, b->dh, b->kh, b->ih, &ky0, &ky1);
	for (ox = 0; ox < b->ow; ox++) {
		ix = (int64_t)ox * b->sw - b->pad_l;
		taps_inside(ix, b->dw, b->kw, b->iw, &kx0, &kx1);
		win.h = ky1 - ky0;
		win.w = kx1 - kx0;
		if (!win.h || !win.w)
			win.h = win.w = 0;
		else
			win.at = (const int8_t *)
				fm_pixel(&in, iy + (int64_t)ky0 * b->dh,
					 ix + (int64_t)kx0 * b->dw);
		c->fn(c, &win, q);
		fm_put(fm_pixel(&out, oy, ox), q, n);
	}
}

static void pooling_rows(void *arg, uint32_t first, uint32_t last)
{
	const struct pooling *c = arg;
	uint32_t i;

	for (i = first; i < last; i++)
		run_row(c, i / c->b->oh, i % c->b->oh);
}

static void run_pooling(struct pooling *c)
{
	const struct fxq_body_pool *b = c->b;
	uint64_t read = (uint64_t)b->oh * b->ow * b->c * b->kh * b->kw;

	fxq_spread(c->x, read >= 2 * FXQ_SPREAD_BYTES,
		   fm_blocks(b->c) * b->oh, 1, pooling_rows, c);
}

void fxq_exec_maxpool(struct fxq_exec *x, const struct fxq_desc *d)
{
	struct pooling c = { .x = x, .b = &d->pool, .fn = max_window };

	run_pooling(&c);
}

void fxq_exec_avgpool(struct fxq_exec *x, const struct fxq_desc *d)
{
	struct pooling c = { .x = x, .b = &d->pool, .fn = avg_window };

	run_pooling(&c);
}

struct globalpool {
	struct fxq_exec *x;
	const struct fxq_body_unary *b;
};

static void globalpool_blocks(void *arg, uint32_t first, uint32_t last)
{
	const struct globalpool *c = arg;
	const struct fxq_body_unary *b = c->b;
	int32_t sum[FXQ_BLOCK];
	int8_t q[FXQ_BLOCK];
	uint32_t i;

	for (i = first; i < last; i++) {
		struct fm_view in = fm_block(c->x, &b->in, i, 1);
		struct fm_view out = fm_block(c->x, &b->out, i, 1);
		struct window win = {
			.at = (const int8_t *)in.at, .pixel = in.pixel,
			.row = in.row, .h = b->h, .w = b->w,
		};

		sum_window(&win, sum);
		finish_mean(sum, (int32_t)b->h * b->w, fxq_float(b->m), b->zx,
			    b->zy, b->lo, b->hi, q);
		fm_put(out.at, q, fm_lanes(b->c, i));
	}
}

void fxq_exec_globalpool(struct fxq_exec *x, const struct fxq_desc *d)
{
	struct globalpool c = { .x = x, .b = &d->unary };
	uint32_t bytes = (uint32_t)c.b->h * c.b->w * c.b->c;

	fxq_spread(x, bytes >= FXQ_SPREAD_BYTES, fm_blocks(c.b->c), 1,
		   globalpool_blocks, &c);
}
