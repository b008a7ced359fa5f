/* SPDX-License-Identifier: MIT */
/*
 * epilogue.c - from a finished sum to a byte of the output
 *
 * This file knows where pixels lie; quantize.c what becomes of them.
 */
#include <string.h>

#include <fxq/fxq_arith.h>

#include "epilogue.h"
#include "fm.h"
#include "quantize.h"

void fxq_epilogue_conv(struct fxq_epilogue *e, const struct fxq_exec *x,
		       const struct fxq_desc *d)
{
	const struct fxq_body_conv *b = &d->conv;

	*e = (struct fxq_epilogue){
		.x = x, .out = b->out, .res = b->res, .flags = d->flags,
		.ow = b->ow, .params = x->spm + b->params,
		.lut = d->flags & FXQ_F_LUT ? x->spm + b->lut : NULL,
		.res_m = fxq_float(b->res_m), .zy = b->zy, .zr = b->zr,
		.lo = b->lo, .hi = b->hi,
	};
}

void fxq_epilogue_matmul(struct fxq_epilogue *e, const struct fxq_exec *x,
			 const struct fxq_desc *d)
{
	const struct fxq_body_matmul *b = &d->matmul;

	*e = (struct fxq_epilogue){
		.x = x, .out = b->out, .res = b->res, .flags = d->flags,
		.ow = b->m, .params = x->spm + b->params,
		.lut = d->flags & FXQ_F_LUT ? x->spm + b->lut : NULL,
		.res_m = fxq_float(b->res_m), .zy = b->zy, .zr = b->zr,
		.lo = b->lo, .hi = b->hi,
	};
}

/* Columns of @n parameters become rows; with a number known, in vectors. */
static inline __attribute__((always_inline))
void take_params(const uint8_t *from, struct fxq_lanes *l, uint32_t n)
{
	const uint32_t one = 0x3f800000;
	uint32_t word[4 * FXQ_BLOCK], bent = 0, large = 0, i;

	memcpy(word, from, n * sizeof(struct fxq_param));
	for (i = 0; i < n; i++) {
		l->bias[i] = word[4 * i];
		l->m[i] = fxq_float(word[4 * i + 1]);
		l->neg[i] = fxq_float(word[4 * i + 2]);
		bent |= word[4 * i + 1] ^ word[4 * i + 2];
		large |= (word[4 * i + 1] & 0x7fffffff) >= one;
	}
	l->bent = bent;
	l->large = large;
}

void fxq_lanes_load(const struct fxq_epilogue *e, uint32_t c0, uint32_t n,
		    struct fxq_lanes *l)
{
	const uint8_t *from = e->params + c0 * sizeof(struct fxq_param);

	if (n == FXQ_BLOCK) {
		take_params(from, l, FXQ_BLOCK);
	} else {
		memset(l, 0, sizeof(*l));
		take_params(from, l, n);
	}
	l->c0 = c0;
	l->n = n;
}

void fxq_lanes_begin(const struct fxq_lanes *l, uint32_t (*acc)[FXQ_BLOCK],
		     uint32_t pixels)
{
	uint32_t p;

	for (p = 0; p < pixels; p++)
		memcpy(acc[p], l->bias, sizeof(l->bias));
}

/* @n pixels of sums, as they are. */
static void put_raw(const struct fxq_epilogue *e, const struct fxq_lanes *l,
		    uint32_t (*acc)[FXQ_BLOCK], uint32_t y, uint32_t x,
		    uint32_t n)
{
	struct fm_view out = fm_block(e->x, &e->out, l->c0 / FXQ_BLOCK, 4);
	uint8_t *to = fm_pixel(&out, y, x);
	uint32_t p;

	if (l->c0 % FXQ_BLOCK) {
		for (p = 0; p < n; p++)
			fm_scatter(e->x, &e->out, y, x + p, l->c0, l->n, 4,
				   acc[p]);
		return;
	}
	for (p = 0; p < n; p++, to += out.pixel) {
		if (l->n == FXQ_BLOCK)
			memcpy(to, acc[p], sizeof(acc[p]));
		else
			memcpy(to, acc[p], l->n * sizeof(acc[p][0]));
	}
}

/* Channels that begin in the middle of a block: a pixel at a time. */
static void quantize_straddling(const struct fxq_epilogue *e,
				const struct fxq_lanes *l,
				uint32_t (*acc)[FXQ_BLOCK], uint32_t y,
				uint32_t x, uint32_t n)
{
	/* Lanes past l->n go nowhere, yet are computed. */
	uint8_t q[FXQ_BLOCK] = { 0 }, res[FXQ_BLOCK] = { 0 };
	struct fxq_row row = {
		.n = 1, .out = q, .res = e->flags & FXQ_F_RESIDUAL ? res : NULL,
	};
	uint32_t p;

	for (p = 0; p < n; p++, x++) {
		if (row.res)
			fm_gather(e->x, &e->res, y, x, l->c0, l->n, res);
		fxq_quantize_row(e, l, acc + p, &row);
		fm_scatter(e->x, &e->out, y, x, l->c0, l->n, 1, q);
	}
}

/* @n pixels of output row @y, or of those that follow as well. */
static void finish_row(const struct fxq_epilogue *e, const struct fxq_lanes *l,
		       uint32_t (*acc)[FXQ_BLOCK], uint32_t y, uint32_t x,
		       uint32_t n)
{
	struct fm_view out, res;
	struct fxq_row row = { .n = n };

	if (e->flags & FXQ_F_RAW) {
		put_raw(e, l, acc, y, x, n);
		return;
	}
	if (l->c0 % FXQ_BLOCK) {
		quantize_straddling(e, l, acc, y, x, n);
		return;
	}
	out = fm_block(e->x, &e->out, l->c0 / FXQ_BLOCK, 1);
	row.out = fm_pixel(&out, y, x);
	row.out_pixel = out.pixel;
	if (e->flags & FXQ_F_RESIDUAL) {
		res = fm_block(e->x, &e->res, l->c0 / FXQ_BLOCK, 1);
		row.res = fm_pixel(&res, y, x);
		row.res_pixel = res.pixel;
	}
	fxq_quantize_row(e, l, acc, &row);
}

/* Do rows follow each other without a gap? Then they are one. */
static bool rows_join(const struct fxq_epilogue *e)
{
	return e->out.row == e->ow &&
	       (!(e->flags & FXQ_F_RESIDUAL) || e->res.row == e->ow);
}

void fxq_epilogue_run(const struct fxq_epilogue *e, const struct fxq_lanes *l,
		      uint32_t (*acc)[FXQ_BLOCK], uint32_t first,
		      uint32_t pixels)
{
	uint32_t y = first / e->ow, x = first % e->ow, n;

	if (rows_join(e)) {
		finish_row(e, l, acc, y, x, pixels);
		return;
	}
	for (; pixels; pixels -= n, acc += n, x = 0, y++) {
		n = e->ow - x < pixels ? e->ow - x : pixels;
		finish_row(e, l, acc, y, x, n);
	}
}
