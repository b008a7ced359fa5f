/* SPDX-License-Identifier: MIT */
/*
 * reduce.c - REDUCE: sum (and mean) or maximum along one direction
 *
 * Along rows or columns it works on 32 channels of a pixel at once, and a unit
 * is one output pixel of one block; along channels a unit is one pixel.
 */
#include <string.h>

#include <fxq/fxq_arith.h>

#include "fm.h"
#include "ops.h"

#define GRAIN	16

struct reduce {
	struct fxq_exec *x;
	const struct fxq_body_reduce *b;
};

/* Sum or maximum of @n pixels, @stride apart, lane by lane. */
static void fold_pixels(const int8_t *in, uint32_t n, size_t stride, bool max,
			int32_t *out)
{
	int32_t acc[FXQ_BLOCK];
	uint32_t k, i;

	for (i = 0; i < FXQ_BLOCK; i++)
		acc[i] = max ? -128 : 0;
	for (k = 0; k < n; k++, in += stride) {
		if (max)
			for (i = 0; i < FXQ_BLOCK; i++)
				acc[i] = in[i] > acc[i] ? in[i] : acc[i];
		else
			for (i = 0; i < FXQ_BLOCK; i++)
				acc[i] += in[i];
	}
	memcpy(out, acc, sizeof(acc));
}

static int32_t fold_lanes(const int8_t *in, uint32_t n, bool max, int32_t acc)
{
	uint32_t i;

	if (max)
		for (i = 0; i < n; i++)
			acc = in[i] > acc ? in[i] : acc;
	else
		for (i = 0; i < n; i++)
			acc += in[i];
	return acc;
}

/* @n: how many zero points the sum holds */
static int8_t finish(const struct fxq_body_reduce *b, int32_t acc, int32_t n)
{
	return fxq_q((float)(acc - n * b->zx) * fxq_float(b->m), b->zy, b->lo,
		     b->hi);
}

static void run_channels(const struct reduce *c, uint32_t y, uint32_t px)
{
	const struct fxq_body_reduce *b = c->b;
	struct fm_view out = fm_block(c->x, &b->out, 0, 1);
	bool max = b->kind == FXQ_REDUCE_MAX;
	int32_t acc = max ? -128 : 0;
	uint32_t k;

	for (k = 0; k < fm_blocks(b->c); k++) {
		struct fm_view in = fm_block(c->x, &b->in, k, 1);

		acc = fold_lanes((const int8_t *)fm_pixel(&in, y, px),
				 fm_lanes(b->c, k), max, acc);
	}
	*fm_pixel(&out, y, px) = finish(b, acc, max ? 1 : b->c);
}

/* Along rows or columns: the output pixel (@y, @px), one of which is 0. */
static void run_pixels(const struct reduce *c, uint32_t block, uint32_t y,
		       uint32_t px)
{
	const struct fxq_body_reduce *b = c->b;
	struct fm_view in = fm_block(c->x, &b->in, block, 1);
	struct fm_view out = fm_block(c->x, &b->out, block, 1);
	bool max = b->kind == FXQ_REDUCE_MAX, rows = b->axis == FXQ_AXIS_H;
	uint32_t n = rows ? b->h : b->w, i;
	int32_t acc[FXQ_BLOCK];
	int8_t q[FXQ_BLOCK];

	fold_pixels((const int8_t *)fm_pixel(&in, y, px), n,
		    rows ? in.row : in.pixel, max, acc);
	for (i = 0; i < FXQ_BLOCK; i++)
		q[i] = finish(b, acc[i], max ? 1 : n);
	fm_put(fm_pixel(&out, y, px), q, fm_lanes(b->c, block));
}

static void reduce_units(void *arg, uint32_t first, uint32_t last)
{
	const struct reduce *c = arg;
	const struct fxq_body_reduce *b = c->b;
	uint32_t i;

	for (i = first; i < last; i++) {
		if (b->axis == FXQ_AXIS_C)
			run_channels(c, i / b->w, i % b->w);
		else if (b->axis == FXQ_AXIS_H)
			run_pixels(c, i / b->w, 0, i % b->w);
		else
			run_pixels(c, i / b->h, i % b->h, 0);
	}
}

void fxq_exec_reduce(struct fxq_exec *x, const struct fxq_desc *d)
{
	const struct fxq_body_reduce *b = &d->reduce;
	const uint32_t units[] = {
		[FXQ_AXIS_C] = (uint32_t)b->h * b->w,
		[FXQ_AXIS_H] = fm_blocks(b->c) * b->w,
		[FXQ_AXIS_W] = fm_blocks(b->c) * b->h,
	};
	struct reduce c = { .x = x, .b = b };

	fxq_spread(x, (uint32_t)b->h * b->w * b->c >= FXQ_SPREAD_BYTES,
		   units[b->axis], GRAIN, reduce_units, &c);
}
