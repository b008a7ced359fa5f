/* SPDX-License-Identifier: MIT */
/*
 * norm.c - SOFTMAX and LAYERNORM, over the channels of each pixel
 *
 * A pixel's channels are collected from their blocks into a row, worked upon
 * and put back. Sums are integers.
 */
#include <math.h>
#include <string.h>

#include <fxq/fxq_arith.h>

#include "fm.h"
#include "ops.h"

#define GRAIN	8	/* pixels */

struct norm {
	struct fxq_exec *x;
	const struct fxq_body_unary *b;
	void (*fn)(const struct norm *c, const int8_t *in, int8_t *out);
};

/* The scratchpad holds bytes; seen as numbers, loops are vectors. */
typedef uint32_t table_u32 __attribute__((may_alias));
typedef float table_float __attribute__((may_alias));

static void softmax_row(const struct norm *c, const int8_t *restrict in,
			int8_t *restrict out)
{
	const table_u32 *table = (const table_u32 *)(c->x->spm + c->b->table);
	const struct fxq_body_unary *b = c->b;
	const int zy = b->zy, lo = b->lo, hi = b->hi;
	uint32_t e[FXQ_MAX_ROW], sum = 0, i, n = b->c;
	int max = -128;
	float m;

	for (i = 0; i < n; i++)
		max = in[i] > max ? in[i] : max;
	for (i = 0; i < n; i++) {
		e[i] = table[max - in[i]];
		sum += e[i];
	}
	m = fxq_float(b->m) / (float)sum;
	for (i = 0; i < n; i++)
		out[i] = fxq_q((float)e[i] * m, zy, lo, hi);
}

/* sqrtf() and the division round correctly, so r has one value everywhere. */
static float layernorm_scale(const int8_t *in, uint32_t n, float eps,
			     int32_t *ret_sum)
{
	int32_t sum = 0, squares = 0;
	int64_t d;
	uint32_t i;

	for (i = 0; i < n; i++) {
		sum += in[i];
		squares += in[i] * in[i];
	}
	d = (int64_t)n * squares - (int64_t)sum * sum;
	*ret_sum = sum;
	return 1.0f / sqrtf((float)d + eps);
}

static void layernorm_row(const struct norm *c, const int8_t *restrict in,
			  int8_t *restrict out)
{
	const struct fxq_body_unary *b = c->b;
	const int zy = b->zy, lo = b->lo, hi = b->hi;
	const table_float *gh = (const table_float *)(c->x->spm + b->table);
	int32_t sum, n = b->c, i;
	float r = layernorm_scale(in, n, fxq_float(b->eps), &sum);

	for (i = 0; i < n; i++)
		out[i] = fxq_q((float)(n * in[i] - sum) * r * gh[2 * i] +
			       gh[2 * i + 1], zy, lo, hi);
}

static void norm_pixels(void *arg, uint32_t first, uint32_t last)
{
	const struct norm *c = arg;
	const struct fxq_body_unary *b = c->b;
	int8_t in[FXQ_MAX_ROW], out[FXQ_MAX_ROW];
	uint32_t i, k, y, px, blocks = fm_blocks(b->c);
	struct fm_view v;

	for (i = first; i < last; i++) {
		y = i / b->w;
		px = i % b->w;
		for (k = 0; k < blocks; k++) {
			v = fm_block(c->x, &b->in, k, 1);
			memcpy(in + k * FXQ_BLOCK, fm_pixel(&v, y, px),
			       fm_lanes(b->c, k));
		}
		c->fn(c, in, out);
		for (k = 0; k < blocks; k++) {
			v = fm_block(c->x, &b->out, k, 1);
			memcpy(fm_pixel(&v, y, px), out + k * FXQ_BLOCK,
			       fm_lanes(b->c, k));
		}
	}
}

static void run_norm(struct norm *c)
{
	uint32_t pixels = (uint32_t)c->b->h * c->b->w;

	fxq_spread(c->x, pixels * c->b->c >= FXQ_SPREAD_BYTES / 4, pixels,
		   GRAIN, norm_pixels, c);
}

void fxq_exec_softmax(struct fxq_exec *x, const struct fxq_desc *d)
{
	struct norm c = { .x = x, .b = &d->unary, .fn = softmax_row };

	run_norm(&c);
}

void fxq_exec_layernorm(struct fxq_exec *x, const struct fxq_desc *d)
{
	struct norm c = { .x = x, .b = &d->unary, .fn = layernorm_row };

	run_norm(&c);
}
