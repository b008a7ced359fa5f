/* SPDX-License-Identifier: MIT */
/*
 * binary.c - ADD, SUB, MUL, MIN, MAX, with broadcasting
 *
 * A unit is one row of one block of channels. Where both operands and the
 * result lie alike, a row is one run of bytes; otherwise it goes pixel by
 * pixel, an operand that is broadcast standing still or being spread over the
 * lanes.
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

/* The operand's lanes at pixel @px, in @lanes if they must be made. */
static const int8_t *operand_pixel(const struct operand *o, uint32_t px,
				   uint32_t n, int8_t *lanes)
{
	const uint8_t *at = o->at + px * o->pixel;

	if (!o->spread)
		return (const int8_t *)at;
	memset(lanes, *at, n);
	return lanes;
}

static void run_row(const struct binary *c, uint32_t block, uint32_t y)
{
	const struct fxq_body_binary *b = c->b;
	uint32_t f = c->flags, n = fm_lanes(b->c, block), px;
	struct fm_view out = fm_block(c->x, &b->out, block, 1);
	struct operand oa, ob;
	int8_t la[FXQ_BLOCK], lb[FXQ_BLOCK];

	oa = operand_row(c->x, &b->a, block, y, f & FXQ_F_A_BCAST_C,
			 f & FXQ_F_A_BCAST_H, f & FXQ_F_A_BCAST_W);
	ob = operand_row(c->x, &b->b, block, y, f & FXQ_F_B_BCAST_C,
			 f & FXQ_F_B_BCAST_H, f & FXQ_F_B_BCAST_W);
	if (!oa.spread && !ob.spread && out.pixel == n && oa.pixel == n &&
	    ob.pixel == n) {
		c->fn(&c->k, (const int8_t *)oa.at, (const int8_t *)ob.at,
		      (int8_t *)fm_pixel(&out, y, 0), n * b->w);
		return;
	}
	for (px = 0; px < b->w; px++)
		c->fn(&c->k, operand_pixel(&oa, px, n, la),
		      operand_pixel(&ob, px, n, lb),
		      (int8_t *)fm_pixel(&out, y, px), n);
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
