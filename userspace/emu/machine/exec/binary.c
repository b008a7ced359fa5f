/* SPDX-License-Identifier: MIT */
/*
 * binary.c - ADD, SUB, MUL, MIN, MAX, with broadcasting
 *
 * A unit is one row of one block of channels. Where both operands and the
 * result lie alike, a row is one run of bytes; otherwise some pixels are, and
 * an operand that is broadcast is repeated or spread over the lanes.
 */
#include <string.h>

#include <fxq/fxq_arith.h>

#include "fm.h"
#include "ops.h"

/* struct consts - what every element's formula takes */
struct consts {
	float ma, mb;
	int za, zb, zy, lo, hi;
};

typedef void (*elements_fn)(const struct consts *k, const int8_t *a,
			    const int8_t *b, int8_t *out, uint32_t n);

/* The products of both operands, and v from them. */
#define SCALED(name, value)						\
static void name##_elements(const struct consts *k, const int8_t *a,	\
			    const int8_t *b, int8_t *out, uint32_t n)	\
{									\
	const struct consts c = *k;					\
	uint32_t i;							\
									\
	for (i = 0; i < n; i++) {					\
		float pa = (float)(a[i] - c.za) * c.ma;			\
		float pb = (float)(b[i] - c.zb) * c.mb;			\
									\
		out[i] = fxq_q(value, c.zy, c.lo, c.hi);		\
	}								\
}

SCALED(add, pa + pb)
SCALED(sub, pa - pb)
SCALED(min, pa < pb ? pa : pb)
SCALED(max, pa > pb ? pa : pb)

static void mul_elements(const struct consts *k, const int8_t *a,
			 const int8_t *b, int8_t *out, uint32_t n)
{
	const struct consts c = *k;
	uint32_t i;

	for (i = 0; i < n; i++) {
		int product = (a[i] - c.za) * (b[i] - c.zb);

		out[i] = fxq_q((float)product * c.ma, c.zy, c.lo, c.hi);
	}
}

static const elements_fn elements_of[FXQ_OP_COUNT] = {
	[FXQ_OP_ADD] = add_elements,
	[FXQ_OP_SUB] = sub_elements,
	[FXQ_OP_MUL] = mul_elements,
	[FXQ_OP_MIN] = min_elements,
	[FXQ_OP_MAX] = max_elements,
};

struct binary {
	struct fxq_exec *x;
	const struct fxq_body_binary *b;
	uint32_t flags;
	struct consts k;
	elements_fn fn;
};

/* struct operand - a row of it; @spread: its one channel goes to all lanes */
struct operand {
	const uint8_t *at;
	size_t pixel;
	bool spread;
};

static struct operand operand_row(const struct fxq_exec *x,
				  const struct fxq_fm *fm, uint32_t block,
				  uint32_t y, bool bcast_c, bool bcast_h,
				  bool bcast_w)
{
	struct fm_view v = fm_block(x, fm, bcast_c ? 0 : block, 1);

	return (struct operand){
		fm_pixel(&v, bcast_h ? 0 : y, 0), bcast_w ? 0 : v.pixel, bcast_c
	};
}

/*
 * @pixels pixels from @px on, of @n lanes, in @room if they must be made. One
 * that stands still is made for the first pixels, of which there are most.
 */
static const int8_t *operand_run(const struct operand *o, uint32_t px,
				 uint32_t pixels, uint32_t n, uint8_t *room)
{
	const uint8_t *at = o->at + px * o->pixel;
	uint32_t i;

	if (!o->spread && o->pixel)
		return (const int8_t *)fm_run(at, o->pixel, pixels, n, room);
	for (i = 0; i < pixels && (o->pixel || !px); i++) {
		if (o->spread)
			memset(room + i * n, at[i * o->pixel], FXQ_BLOCK);
		else
			memcpy(room + i * n, at, FXQ_BLOCK);
	}
	return (const int8_t *)room;
}

/* A row whose operands do not lie as its result does. */
static void run_pixels(const struct binary *c, const struct operand *a,
		       const struct operand *b, uint8_t *out, size_t out_pixel,
		       uint32_t n)
{
	uint8_t from_a[FM_RUN_BYTES], from_b[FM_RUN_BYTES], to[FM_RUN_BYTES];
	uint32_t w = c->b->w, px, pixels;

	for (px = 0; px < w; px += pixels, out += pixels * out_pixel) {
		pixels = w - px < FM_RUN_PIXELS ? w - px : FM_RUN_PIXELS;
		c->fn(&c->k, operand_run(a, px, pixels, n, from_a),
		      operand_run(b, px, pixels, n, from_b),
		      (int8_t *)(out_pixel == n ? out : to), pixels * n);
		fm_put_run(out, out_pixel, pixels, n, to);
	}
}

static void run_row(const struct binary *c, uint32_t block, uint32_t y)
{
	const struct fxq_body_binary *b = c->b;
	uint32_t f = c->flags, n = fm_lanes(b->c, block);
	struct fm_view out = fm_block(c->x, &b->out, block, 1);
	struct operand oa, ob;

	oa = operand_row(c->x, &b->a, block, y, f & FXQ_F_A_BCAST_C,
			 f & FXQ_F_A_BCAST_H, f & FXQ_F_A_BCAST_W);
	ob = operand_row(c->x, &b->b, block, y, f & FXQ_F_B_BCAST_C,
			 f & FXQ_F_B_BCAST_H, f & FXQ_F_B_BCAST_W);
	if (!oa.spread && !ob.spread && out.pixel == n && oa.pixel == n &&
	    ob.pixel == n)
		c->fn(&c->k, (const int8_t *)oa.at, (const int8_t *)ob.at,
		      (int8_t *)fm_pixel(&out, y, 0), n * b->w);
	else
		run_pixels(c, &oa, &ob, fm_pixel(&out, y, 0), out.pixel, n);
}

static void binary_rows(void *arg, uint32_t first, uint32_t last)
{
	const struct binary *c = arg;
	uint32_t i;

	for (i = first; i < last; i++)
		run_row(c, i / c->b->h, i % c->b->h);
}

void fxq_exec_binary(struct fxq_exec *x, const struct fxq_desc *d)
{
	const struct fxq_body_binary *b = &d->binary;
	struct binary c = {
		.x = x, .b = b, .flags = d->flags, .fn = elements_of[d->opcode],
		.k = {
			.ma = fxq_float(b->ma), .mb = fxq_float(b->mb),
			.za = b->za, .zb = b->zb, .zy = b->zy,
			.lo = b->lo, .hi = b->hi,
		},
	};

	fxq_spread(x, (uint32_t)b->h * b->w * b->c >= FXQ_SPREAD_BYTES,
		   fm_blocks(b->c) * b->h, 1, binary_rows, &c);
}
