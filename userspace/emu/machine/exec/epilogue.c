/* SPDX-License-Identifier: MIT */
/*
 * epilogue.c - from a finished sum to a byte of the output
 *
 * All 32 lanes are computed, since that is one or a few vectors, and those
 * that are channels are written.
 */
#include <string.h>

#include <fxq/fxq_arith.h>

#include "epilogue.h"
#include "fm.h"

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

void fxq_lanes_load(const struct fxq_epilogue *e, uint32_t c0, uint32_t n,
		    struct fxq_lanes *l)
{
	struct fxq_param p;
	uint32_t i;

	memset(l, 0, sizeof(*l));
	l->c0 = c0;
	l->n = n;
	for (i = 0; i < n; i++) {
		memcpy(&p, e->params + (size_t)(c0 + i) * sizeof(p), sizeof(p));
		l->bias[i] = p.bias;
		l->m[i] = fxq_float(p.m);
		l->neg[i] = fxq_float(p.n);
	}
}

static inline void scale(const struct fxq_lanes *l, const int32_t *acc,
			 float *v)
{
	int i;

	for (i = 0; i < FXQ_BLOCK; i++)
		v[i] = fxq_scale_acc(acc[i], l->m[i], l->neg[i]);
}

static inline void add_residual(const struct fxq_epilogue *e, const int8_t *res,
				float *v)
{
	int i;

	for (i = 0; i < FXQ_BLOCK; i++)
		v[i] = v[i] + (float)(res[i] - e->zr) * e->res_m;
}

static inline void quantize(const struct fxq_epilogue *e, const float *v,
			    int8_t *q)
{
	int i;

	for (i = 0; i < FXQ_BLOCK; i++)
		q[i] = fxq_q(v[i], e->zy, e->lo, e->hi);
}

static inline void look_up(const uint8_t *lut, int8_t *q)
{
	int i;

	for (i = 0; i < FXQ_BLOCK; i++)
		q[i] = lut[(uint8_t)q[i] ^ 0x80];
}

static void put_raw(const struct fxq_epilogue *e, const struct fxq_lanes *l,
		    const int32_t *acc, uint32_t y, uint32_t x)
{
	fm_scatter(e->x, &e->out, y, x, l->c0, l->n, 4, acc);
}

static void finish_pixels(const struct fxq_epilogue *e,
			  const struct fxq_lanes *l, uint32_t (*acc)[FXQ_BLOCK],
			  uint32_t y, uint32_t x, uint32_t pixels)
{
	bool whole = !(l->c0 % FXQ_BLOCK);
	struct fm_view out = fm_block(e->x, &e->out, l->c0 / FXQ_BLOCK, 1);
	int32_t sum[FXQ_BLOCK] __attribute__((aligned(64)));
	float v[FXQ_BLOCK] __attribute__((aligned(64)));
	/* Lanes past l->n go nowhere, yet are looked up. */
	int8_t q[FXQ_BLOCK] __attribute__((aligned(64))) = { 0 };
	uint32_t p, i;

	for (p = 0; p < pixels; p++, x++) {
		if (x == e->ow) {
			x = 0;
			y++;
		}
		for (i = 0; i < FXQ_BLOCK; i++)
			sum[i] = (int32_t)(acc[p][i] + l->bias[i]);
		if (e->flags & FXQ_F_RAW) {
			put_raw(e, l, sum, y, x);
			continue;
		}
		scale(l, sum, v);
		if (e->flags & FXQ_F_RESIDUAL) {
			fm_gather(e->x, &e->res, y, x, l->c0, l->n,
				  (uint8_t *)q);
			add_residual(e, q, v);
		}
		quantize(e, v, q);
		if (e->lut)
			look_up(e->lut, q);
		if (whole)
			fm_put(fm_pixel(&out, y, x), q, l->n);
		else
			fm_scatter(e->x, &e->out, y, x, l->c0, l->n, 1, q);
	}
}

void fxq_epilogue_run(const struct fxq_epilogue *e, const struct fxq_lanes *l,
		      uint32_t (*acc)[FXQ_BLOCK], uint32_t first,
		      uint32_t pixels)
{
	finish_pixels(e, l, acc, first / e->ow, first % e->ow, pixels);
}
