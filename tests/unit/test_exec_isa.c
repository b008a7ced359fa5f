/* SPDX-License-Identifier: MIT */
/*
 * test_exec_isa.c - MX descriptors: every instruction set against portable C
 *
 * Larger ones than nested loops have time for, of any shape, stride, dilation,
 * padding and zero point, over noise, over the greatest values and over rare
 * ones; whole, or links of a chain. Scratchpad and accumulators are compared
 * with memcmp.
 */
#include "exec_util.h"

#define DESCRIPTORS	400

static int near(struct env *e, int most)
{
	return 1 << range(e, 0, 31 - __builtin_clz(most)) |
	       range(e, 0, most / 8);
}

/* Noise, or bytes of which most are at one end. */
static void fill(struct env *e, uint32_t at, uint32_t bytes)
{
	static const uint8_t ends[] = { 0x80, 0x7f, 0x00, 0x81 };
	int kind = range(e, 0, 4);
	uint32_t i;

	for (i = at; kind < 4 && i < at + bytes; i++)
		if (!chance(e, 16))
			e->before[i] = ends[kind];
}

static void fill_params(struct env *e, uint32_t at, uint32_t oc)
{
	int shift = range(e, 4, 20), bent = chance(e, 4);
	uint32_t i, m;

	for (i = 0; i < oc; i++, at += 16) {
		m = chance(e, 200) ? rnd(e) << 1 : scale_bits(e, shift);
		put_u32(e, at, chance(e, 30) ? rnd(e) << 1 :
			(uint32_t)range(e, -90000, 90000));
		put_u32(e, at + 4, m);
		put_u32(e, at + 8, bent ? scale_bits(e, shift + 2) : m);
		put_u32(e, at + 12, 0);
	}
}

static void geometry(struct env *e, struct fxq_body_conv *b)
{
	b->kh = chance(e, 2) ? 1 : range(e, 1, 7);
	b->kw = chance(e, 3) ? range(e, 1, 7) : b->kh;
	b->sh = chance(e, 2) ? 1 : range(e, 1, 3);
	b->sw = chance(e, 4) ? range(e, 1, 4) : b->sh;
	b->dh = chance(e, 4) ? range(e, 1, 4) : 1;
	b->dw = chance(e, 4) ? range(e, 1, 4) : b->dh;
	b->pad_t = range(e, 0, 4);
	b->pad_l = range(e, 0, 4);
	b->oh = range(e, 1, 20);
	b->ow = near(e, 64);
	b->ih = range(e, 1, b->oh * b->sh + 4);
	b->iw = range(e, 1, b->ow * b->sw + 4);
}

/* The commonest kernel, for which there is a way of its own. */
static void make_common(struct env *e, struct fxq_body_conv *b)
{
	b->kh = b->kw = 3;
	b->sh = b->sw = range(e, 1, 2);
	b->dh = b->dw = 1;
}

static void channels(struct env *e, struct fxq_desc *d)
{
	struct fxq_body_conv *b = &d->conv;

	b->groups = 1;
	if (d->opcode == FXQ_OP_DWCONV) {
		b->ic = b->oc = near(e, 128);
		return;
	}
	if (chance(e, 6))
		b->groups = range(e, 2, 5);
	b->ic = near(e, 256 / b->groups) * b->groups;
	b->oc = near(e, 128 / b->groups) * b->groups;
}

static uint32_t map_bytes(uint32_t h, uint32_t w, uint32_t c)
{
	return (h + 8) * (w + 16) * ((c + 31) / 32 * 32 + 64);
}

/* A descriptor that fits: what is too large is made anew. */
static void make_conv(struct env *e, struct fxq_desc *d)
{
	struct fxq_body_conv *b = &d->conv;
	uint32_t weights, outs;

	do {
		memset(d, 0, sizeof(*d));
		d->opcode = chance(e, 3) ? FXQ_OP_DWCONV : FXQ_OP_CONV;
		channels(e, d);
		geometry(e, b);
		if (d->opcode == FXQ_OP_DWCONV && chance(e, 2))
			make_common(e, b);
		weights = d->opcode == FXQ_OP_CONV ?
			  fxq_conv_weight_bytes(b->ic, b->oc, b->kh, b->kw,
						b->groups) :
			  (b->ic + 31u) / 32 * 32 * b->kh * b->kw;
		outs = map_bytes(b->oh, b->ow, b->oc);
	} while (map_bytes(b->ih, b->iw, b->ic) + 5 * outs + weights +
		 20u * b->oc + 4096 > SPM_BYTES);

	b->in = place(e, b->ih, b->iw, b->ic, 1);
	b->weights = reserve(e, weights);
	fill(e, 0, e->used);
	b->zx = range(e, -128, 127);
}

/* What a dense convolution has in place of unused channels must be zero. */
static void clear_padding(struct env *e, const struct fxq_desc *d)
{
	const struct fxq_body_conv *b = &d->conv;
	uint32_t icg = b->ic / b->groups, block, bytes, k, q, lane;
	uint8_t *w = e->before + b->weights;
	uint32_t outer = b->groups * ((b->oc / b->groups + 31) / 32);

	if (d->opcode == FXQ_OP_DWCONV || icg % 4 == 0)
		return;
	for (; outer; outer--) {
		for (block = 0; block * 32 < icg; block++) {
			uint32_t left = icg - block * 32;

			bytes = left < 32 ? (left + 3) / 4 * 4 : 32;
			for (k = 0; k < (uint32_t)b->kh * b->kw * bytes; k += 4)
				for (q = 0; q < 4; q++)
					for (lane = 0; lane < 32; lane++)
						if ((k + q) % bytes >= left)
							w[k * 32 + lane * 4 +
							  q] = 0;
			w += b->kh * b->kw * bytes * 32;
		}
	}
}

static void make_epilogue(struct env *e, struct fxq_desc *d)
{
	struct fxq_body_conv *b = &d->conv;
	int part = 0;

	if (d->opcode == FXQ_OP_CONV && b->groups == 1 &&
	    (b->oc + 31) / 32 * 32 * b->oh * b->ow * 4 <= (int)ACC_BYTES)
		part = range(e, 0, 3);
	if (d->opcode == FXQ_OP_CONV)
		d->flags |= part == 1 ? FXQ_F_ACC_FIRST :
			    part == 2 ? FXQ_F_ACC_LAST : FXQ_F_ACC;
	b->lo = -128;
	b->hi = 127;
	b->out = place(e, b->oh, b->ow, b->oc, 4);
	if (part == 1)
		return;
	random_clamp(e, &b->lo, &b->hi);
	b->zy = range(e, -128, 127);
	if (chance(e, 6))
		d->flags |= FXQ_F_RAW;
	else
		d->flags |= (chance(e, 3) ? FXQ_F_RESIDUAL : 0) |
			    (chance(e, 4) ? FXQ_F_LUT : 0);
	random_operands(e, d);
	fill_params(e, b->params, b->oc);
}

/* struct result - what a run leaves */
struct result {
	uint8_t spm[SPM_BYTES];
	uint8_t acc[ACC_BYTES];
};

static void run(struct env *e, const struct fxq_desc *d,
		const struct fxq_exec_ops *ops, struct fxq_pool *pool,
		struct result *r)
{
	memcpy(e->x.spm, e->before, SPM_BYTES);
	memset(e->x.spm + SPM_BYTES, 0x5a, 64);
	memset(e->x.acc, 0x33, ACC_BYTES);
	e->x.ops = ops;
	e->x.pool = pool;
	ops->fn[d->opcode](&e->x, d);
	memcpy(r->spm, e->x.spm, SPM_BYTES);
	memcpy(r->acc, e->x.acc, ACC_BYTES);
}

static void compare(struct env *e, const struct fxq_desc *d)
{
	static struct result want, got;
	const struct fxq_exec_ops *ops = fxq_isa_next(NULL);
	const struct fxq_body_conv *b = &d->conv;
	int ways;

	run(e, d, ops, e->one, &want);
	while ((ops = next_ops(ops))) {
		for (ways = 0; ways < 2; ways++) {
			run(e, d, ops, ways ? e->many : e->one, &got);
			if (!memcmp(&want, &got, sizeof(want)))
				continue;
			fail_msg("%s, %s: differs from portable: %u x %u x %u "
				 "to %u x %u x %u, groups %u, kernel %u x %u, "
				 "stride %u %u, dilation %u %u, flags %#x",
				 fxq_op_name(d->opcode), ops->name, b->ih,
				 b->iw, b->ic, b->oh, b->ow, b->oc, b->groups,
				 b->kh, b->kw, b->sh, b->sw, b->dh, b->dw,
				 d->flags);
		}
	}
}

static void check_legal(struct fxq_desc *d)
{
	const struct fxq_caps caps = FXQ_CAPS_DEFAULT;
	struct fxq_checker k;

	d->engine = FXQ_ENGINE_MX;
	fxq_checker_init(&k, &caps);
	if (!(d->flags & FXQ_F_ACC_FIRST) && d->opcode == FXQ_OP_CONV)
		return;		/* its predecessor is not here */
	assert_string_equal(fxq_cause_text(fxq_check_desc(&k, d)), "completed");
	assert_string_equal(fxq_cause_text(fxq_check_spm(&caps, d)),
			    "completed");
}

static void convolutions(void **state)
{
	struct env *e = *state;
	struct fxq_desc d;
	int i;

	for (i = 0; i < DESCRIPTORS; i++) {
		env_reset(e, 9000 + i);
		make_conv(e, &d);
		clear_padding(e, &d);
		make_epilogue(e, &d);
		check_legal(&d);
		compare(e, &d);
	}
}

static void make_matmul(struct env *e, struct fxq_desc *d)
{
	struct fxq_body_matmul *b = &d->matmul;

	memset(d, 0, sizeof(*d));
	d->opcode = FXQ_OP_MATMUL;
	d->flags = chance(e, 2) ? FXQ_F_TRANS_B : 0;
	b->batch = range(e, 1, 4);
	b->m = near(e, 64);
	b->n = near(e, 128);
	b->k = near(e, 512);
	b->za = range(e, -128, 127);
	b->zb = range(e, -128, 127);
	b->zy = range(e, -128, 127);
	b->a = place(e, b->batch, b->m, b->k, 1);
	b->b = d->flags & FXQ_F_TRANS_B ? place(e, b->batch, b->n, b->k, 1) :
					  place(e, b->batch, b->k, b->n, 1);
	fill(e, 0, e->used);
	if (chance(e, 5))
		d->flags |= FXQ_F_RAW;
	else
		d->flags |= (chance(e, 3) ? FXQ_F_RESIDUAL : 0) |
			    (chance(e, 4) ? FXQ_F_LUT : 0);
	random_clamp(e, &b->lo, &b->hi);
	b->out = place(e, b->batch, b->m, b->n, 4);
	if (d->flags & FXQ_F_RESIDUAL) {
		b->res = place(e, b->batch, b->m, b->n, 1);
		b->res_m = scale_bits(e, range(e, 0, 3));
		b->zr = range(e, -128, 127);
	}
	if (d->flags & FXQ_F_LUT)
		b->lut = reserve(e, 256);
	b->params = reserve(e, 16 * ((b->n + 31) / 32 * 32));
	fill_params(e, b->params, b->n);
}

static void products(void **state)
{
	struct env *e = *state;
	struct fxq_desc d;
	int i;

	for (i = 0; i < DESCRIPTORS / 4; i++) {
		env_reset(e, 19000 + i);
		make_matmul(e, &d);
		check_legal(&d);
		compare(e, &d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(convolutions),
		cmocka_unit_test(products),
	};

	return cmocka_run_group_tests(tests, env_create, env_destroy);
}
