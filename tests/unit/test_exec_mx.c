/* SPDX-License-Identifier: MIT */
/*
 * test_exec_mx.c - CONV, DWCONV, MATMUL against nested loops
 *
 * The loops below follow arithmetic.md over logical tensors, with sums in 64
 * bits that are cut to 32 at the end, and share nothing with the operators.
 */
#include "exec_util.h"

/* The k of a group's input block: channels of it, rounded up to 4. */
static uint32_t block_bytes(uint32_t icg, uint32_t block)
{
	uint32_t left = icg - block * 32;

	return left >= 32 ? 32 : (left + 3) / 4 * 4;
}

/* Offset of the weight of (@oc, @ic) of a group at (@ky, @kx). */
static uint32_t weight_at(const struct fxq_body_conv *b, uint32_t group,
			  uint32_t oc, uint32_t ic, uint32_t ky, uint32_t kx)
{
	uint32_t icg = b->ic / b->groups, ocg = b->oc / b->groups, i, at, k;
	uint32_t per_channel = 0, before = 0;

	for (i = 0; i * 32 < icg; i++) {
		per_channel += b->kh * b->kw * block_bytes(icg, i);
		if (i < ic / 32)
			before = per_channel;
	}
	k = kx * block_bytes(icg, ic / 32) + ic % 32;
	at = (group * ((ocg + 31) / 32) + oc / 32) * per_channel * 32;
	at += (before + ky * b->kw * block_bytes(icg, ic / 32)) * 32;
	return at + k / 4 * 128 + oc % 32 * 4 + k % 4;
}

/* Reserves zero-filled weights and sets every one that exists. */
static void make_weights(struct env *e, struct fxq_body_conv *b)
{
	uint32_t icg = b->ic / b->groups, ocg = b->oc / b->groups;
	uint32_t bytes = fxq_conv_weight_bytes(b->ic, b->oc, b->kh, b->kw,
					       b->groups);
	uint32_t g, oc, ic, ky, kx;

	b->weights = reserve(e, bytes);
	memset(e->before + b->weights, 0, bytes);
	for (g = 0; g < b->groups; g++)
		for (oc = 0; oc < ocg; oc++)
			for (ic = 0; ic < icg; ic++)
				for (ky = 0; ky < b->kh; ky++)
					for (kx = 0; kx < b->kw; kx++)
						e->before[b->weights +
							weight_at(b, g, oc, ic,
								  ky, kx)] =
							range(e, -128, 127);
}

static void make_params(struct env *e, uint32_t at, uint32_t oc, int shift)
{
	uint32_t i;

	for (i = 0; i < oc; i++) {
		put_u32(e, at + 16 * i, range(e, -50000, 50000));
		put_u32(e, at + 16 * i + 4, scale_bits(e, shift));
		put_u32(e, at + 16 * i + 8, chance(e, 2) ?
			scale_bits(e, shift + 2) : scale_bits(e, shift));
		put_u32(e, at + 16 * i + 12, 0);
	}
}

/* struct finish - the epilogue's fields, from either kind of descriptor */
struct finish {
	uint32_t flags, params, lut, res_m;
	struct fxq_fm out, res;
	int zy, zr, lo, hi;
};

static struct finish finish_of(const struct fxq_desc *d)
{
	const struct fxq_body_conv *c = &d->conv;
	const struct fxq_body_matmul *m = &d->matmul;

	if (d->opcode == FXQ_OP_MATMUL)
		return (struct finish){ d->flags, m->params, m->lut, m->res_m,
					m->out, m->res, m->zy, m->zr, m->lo,
					m->hi };
	return (struct finish){ d->flags, c->params, c->lut, c->res_m, c->out,
				c->res, c->zy, c->zr, c->lo, c->hi };
}

/* @sum: of products, before the bias. */
static void expect_output(struct env *e, const struct finish *f, uint32_t y,
			  uint32_t x, uint32_t c, int64_t sum)
{
	uint32_t p[3];
	int32_t acc;
	float v;
	int r;

	memcpy(p, e->before + f->params + 16 * c, sizeof(p));
	acc = (int32_t)(uint32_t)(sum + (int32_t)p[0]);
	if (f->flags & FXQ_F_RAW) {
		expect32(e, &f->out, y, x, c, acc);
		return;
	}
	v = (float)acc * as_float(acc < 0 ? p[2] : p[1]);
	if (f->flags & FXQ_F_RESIDUAL) {
		float other = (float)(get(e, &f->res, y, x, c) - f->zr) *
			      as_float(f->res_m);

		v = v + other;
	}
	r = q(v, f->zy, f->lo, f->hi);
	if (f->flags & FXQ_F_LUT)
		r = e->before[f->lut + r + 128];
	expect(e, &f->out, y, x, c, r);
}

static int64_t conv_sum(const struct env *e, const struct fxq_body_conv *b,
			uint32_t oc, uint32_t oy, uint32_t ox)
{
	uint32_t icg = b->ic / b->groups, ocg = b->oc / b->groups, ic, ky, kx;
	uint32_t g = oc / ocg;
	int64_t sum = 0;

	for (ky = 0; ky < b->kh; ky++) {
		for (kx = 0; kx < b->kw; kx++) {
			int y = (int)(oy * b->sh + ky * b->dh) - b->pad_t;
			int x = (int)(ox * b->sw + kx * b->dw) - b->pad_l;
			int in = y >= 0 && y < b->ih && x >= 0 && x < b->iw;

			for (ic = 0; ic < icg; ic++) {
				int w = (int8_t)e->before[b->weights +
					weight_at(b, g, oc % ocg, ic, ky, kx)];
				int v = in ? get(e, &b->in, y, x,
						 g * icg + ic) : b->zx;

				sum += (v + 128) * w;
			}
		}
	}
	return sum;
}

static int64_t dwconv_sum(const struct env *e, const struct fxq_body_conv *b,
			  uint32_t c, uint32_t oy, uint32_t ox)
{
	int64_t sum = 0;
	uint32_t ky, kx;

	for (ky = 0; ky < b->kh; ky++) {
		for (kx = 0; kx < b->kw; kx++) {
			int y = (int)(oy * b->sh + ky * b->dh) - b->pad_t;
			int x = (int)(ox * b->sw + kx * b->dw) - b->pad_l;
			int in = y >= 0 && y < b->ih && x >= 0 && x < b->iw;
			int w = (int8_t)e->before[b->weights + c % 32 + 32 *
				((c / 32 * b->kh + ky) * b->kw + kx)];

			sum += ((in ? get(e, &b->in, y, x, c) : b->zx) + 128) *
			       w;
		}
	}
	return sum;
}

/* Kernel, strides, dilations, padding and sizes that belong together. */
static void random_geometry(struct env *e, struct fxq_body_conv *b, int most)
{
	int eh, ew;

	b->kh = range(e, 1, 4);
	b->kw = range(e, 1, 4);
	b->sh = range(e, 1, 3);
	b->sw = range(e, 1, 3);
	b->dh = chance(e, 3) ? range(e, 2, 3) : 1;
	b->dw = chance(e, 3) ? range(e, 2, 3) : 1;
	b->pad_t = range(e, 0, 3);
	b->pad_l = range(e, 0, 3);
	b->ih = range(e, 1, most);
	b->iw = range(e, 1, most);
	eh = (b->ih + b->pad_t + range(e, 0, 3) - (b->kh - 1) * b->dh - 1);
	ew = (b->iw + b->pad_l + range(e, 0, 3) - (b->kw - 1) * b->dw - 1);
	b->oh = eh < 0 ? 1 : eh / b->sh + 1;
	b->ow = ew < 0 ? 1 : ew / b->sw + 1;
}

static void random_epilogue(struct env *e, struct fxq_desc *d)
{
	struct fxq_body_conv *b = &d->conv;

	b->zx = range(e, -128, 127);
	b->zy = range(e, -128, 127);
	random_clamp(e, &b->lo, &b->hi);
	if (chance(e, 5)) {
		d->flags |= FXQ_F_RAW;
	} else {
		d->flags |= chance(e, 2) ? FXQ_F_RESIDUAL : 0;
		d->flags |= chance(e, 3) ? FXQ_F_LUT : 0;
	}
	b->out = place(e, b->oh, b->ow, b->oc, d->flags & FXQ_F_RAW ? 4 : 1);
	random_operands(e, d);
	make_params(e, b->params, b->oc, range(e, 8, 14));
}

static void expect_conv(struct env *e, const struct fxq_desc *d)
{
	const struct fxq_body_conv *b = &d->conv;
	struct finish f = finish_of(d);
	uint32_t y, x, c;

	begin_expecting(e);
	for (c = 0; c < b->oc; c++)
		for (y = 0; y < b->oh; y++)
			for (x = 0; x < b->ow; x++)
				expect_output(e, &f, y, x, c,
					      d->opcode == FXQ_OP_CONV ?
					      conv_sum(e, b, c, y, x) :
					      dwconv_sum(e, b, c, y, x));
}

static void check_conv(struct env *e, uint32_t icg, uint32_t ocg,
		       uint32_t groups, int most)
{
	struct fxq_desc d = { .opcode = FXQ_OP_CONV, .flags = FXQ_F_ACC };
	struct fxq_body_conv *b = &d.conv;

	b->groups = groups;
	b->ic = icg * groups;
	b->oc = ocg * groups;
	random_geometry(e, b, most);
	b->in = place(e, b->ih, b->iw, b->ic, 1);
	make_weights(e, b);
	random_epilogue(e, &d);
	expect_conv(e, &d);
	run_and_compare(e, &d, 1);
}

static void conv_of_any_shape(void **state)
{
	struct env *e = *state;
	int i;

	for (i = 0; i < 150; i++) {
		env_reset(e, i);
		check_conv(e, range(e, 1, 70), range(e, 1, 70), 1, 9);
	}
}

static void conv_in_groups_that_straddle_blocks(void **state)
{
	struct env *e = *state;
	int i;

	for (i = 0; i < 80; i++) {
		env_reset(e, 1000 + i);
		check_conv(e, range(e, 1, 20), range(e, 1, 20), range(e, 2, 6),
			   6);
	}
}

static void conv_of_aligned_groups(void **state)
{
	struct env *e = *state;
	int i;

	for (i = 0; i < 6; i++) {
		env_reset(e, 1500 + i);
		check_conv(e, 32 * range(e, 1, 2), 32 * range(e, 1, 2), 2, 5);
	}
}

/* k beyond one panel, and more output blocks than one unit takes */
static void conv_of_many_channels(void **state)
{
	struct env *e = *state;
	int i;

	for (i = 0; i < 4; i++) {
		env_reset(e, 2000 + i);
		check_conv(e, range(e, 300, 420), range(e, 33, 65), 1, 3);
	}
	env_reset(e, 2100);
	check_conv(e, 9, 600, 1, 4);
}

/* Enough work that the other threads take part. */
static void conv_on_several_threads(void **state)
{
	struct env *e = *state;
	int i;

	for (i = 0; i < 3; i++) {
		env_reset(e, 2500 + i);
		check_conv(e, 40, 40, 1, 26);
	}
}

/* Greatest activations and weights: fp32 partial sums stay exact. */
static void conv_of_extreme_values(void **state)
{
	struct env *e = *state;
	struct fxq_desc d = { .opcode = FXQ_OP_CONV,
			      .flags = FXQ_F_ACC | FXQ_F_RAW };
	struct fxq_body_conv *b = &d.conv;
	uint32_t i, bytes;
	int sign;

	for (sign = 0; sign < 2; sign++) {
		env_reset(e, 2700);
		*b = (struct fxq_body_conv){ .ic = 1023, .oc = 33, .groups = 1,
			.ih = 2, .iw = 2, .oh = 2, .ow = 2, .kh = 1, .kw = 1,
			.sh = 1, .sw = 1, .dh = 1, .dw = 1, .hi = 1 };
		b->in = place(e, 2, 2, b->ic, 1);
		for (i = 0; i < 4 * 1023; i++)
			e->before[where(&b->in, i / 2 % 2, i % 2, i / 4, 1)] =
				127;
		bytes = fxq_conv_weight_bytes(b->ic, b->oc, 1, 1, 1);
		b->weights = reserve(e, bytes);
		memset(e->before + b->weights, 0, bytes);
		for (i = 0; i < 33u * 1023; i++)
			e->before[b->weights + weight_at(b, 0, i % 33, i / 33,
							 0, 0)] =
				sign ? -128 : 127 - (int)i % 2;
		b->out = place(e, 2, 2, b->oc, 4);
		b->params = reserve(e, 64 * 16);
		make_params(e, b->params, b->oc, 10);
		expect_conv(e, &d);
		run_and_compare(e, &d, 1);
	}
}

/* The first @ic of a chain's channels lie before descriptor @part. */
static void make_part(struct env *e, struct fxq_desc *part,
		      const struct fxq_desc *whole, uint32_t c0, uint32_t ic)
{
	struct fxq_body_conv *b = &part->conv;

	*part = *whole;
	part->flags &= ~FXQ_F_ACC;
	b->in.addr += c0 / 32 * b->in.plane;
	b->in.c -= c0;
	b->ic = ic;
	make_weights(e, b);
}

static void check_chain(struct env *e)
{
	struct fxq_desc whole = { .opcode = FXQ_OP_CONV }, d[4];
	struct fxq_body_conv *b = &whole.conv;
	uint32_t parts = range(e, 2, 4), i, y, x, c;
	struct finish f;

	b->groups = 1;
	b->ic = 32 * (parts - 1) + range(e, 1, 32);
	b->oc = range(e, 1, 70);
	random_geometry(e, b, 8);
	b->in = place(e, b->ih, b->iw, b->ic, 1);
	random_epilogue(e, &whole);
	for (i = 0; i < parts; i++)
		make_part(e, &d[i], &whole, 32 * i,
			  i + 1 < parts ? 32 : b->ic - 32 * i);
	for (i = 0; i + 1 < parts; i++) {
		struct fxq_body_conv *p = &d[i].conv;

		d[i].flags = 0;
		p->params = p->lut = p->res_m = 0;
		p->zr = 0;
		p->res = (struct fxq_fm){ 0 };
	}
	d[0].flags |= FXQ_F_ACC_FIRST;
	d[parts - 1].flags |= FXQ_F_ACC_LAST;

	f = finish_of(&d[parts - 1]);
	begin_expecting(e);
	for (c = 0; c < b->oc; c++) {
		for (y = 0; y < b->oh; y++) {
			for (x = 0; x < b->ow; x++) {
				int64_t sum = 0;

				for (i = 0; i < parts; i++)
					sum += conv_sum(e, &d[i].conv, c, y, x);
				expect_output(e, &f, y, x, c, sum);
			}
		}
	}
	run_and_compare(e, d, parts);
}

static void chained_conv_sums_all_parts(void **state)
{
	struct env *e = *state;
	int i;

	for (i = 0; i < 40; i++) {
		env_reset(e, 3000 + i);
		check_chain(e);
	}
}

static void check_dwconv(struct env *e, uint32_t c, int most)
{
	struct fxq_desc d = { .opcode = FXQ_OP_DWCONV };
	struct fxq_body_conv *b = &d.conv;

	b->groups = 1;
	b->ic = b->oc = c;
	random_geometry(e, b, most);
	b->in = place(e, b->ih, b->iw, c, 1);
	b->weights = reserve(e, (c + 31) / 32 * 32 * b->kh * b->kw);
	random_epilogue(e, &d);
	expect_conv(e, &d);
	run_and_compare(e, &d, 1);
}

static void dwconv_of_any_shape(void **state)
{
	struct env *e = *state;
	int i;

	for (i = 0; i < 200; i++) {
		env_reset(e, 4000 + i);
		check_dwconv(e, range(e, 1, 70), 12);
	}
}

static void dwconv_on_several_threads(void **state)
{
	struct env *e = *state;
	int i;

	for (i = 0; i < 3; i++) {
		env_reset(e, 4500 + i);
		check_dwconv(e, 70, 30);
	}
}

static int64_t matmul_sum(const struct env *e, const struct fxq_desc *d,
			  uint32_t batch, uint32_t m, uint32_t n)
{
	const struct fxq_body_matmul *b = &d->matmul;
	int64_t sum = 0;
	uint32_t k;

	for (k = 0; k < b->k; k++) {
		int other = d->flags & FXQ_F_TRANS_B ?
			    get(e, &b->b, batch, n, k) :
			    get(e, &b->b, batch, k, n);

		sum += (get(e, &b->a, batch, m, k) - b->za) * (other - b->zb);
	}
	return sum;
}

static void check_matmul(struct env *e, uint32_t m, uint32_t n, uint32_t k)
{
	struct fxq_desc d = { .opcode = FXQ_OP_MATMUL };
	struct fxq_body_matmul *b = &d.matmul;
	uint32_t i, y, x;
	struct finish f;

	d.flags = chance(e, 2) ? FXQ_F_TRANS_B : 0;
	b->batch = range(e, 1, 3);
	b->m = m;
	b->n = n;
	b->k = k;
	b->za = range(e, -128, 127);
	b->zb = range(e, -128, 127);
	b->zy = range(e, -128, 127);
	random_clamp(e, &b->lo, &b->hi);
	b->a = place(e, b->batch, m, k, 1);
	b->b = d.flags & FXQ_F_TRANS_B ? place(e, b->batch, n, k, 1) :
					 place(e, b->batch, k, n, 1);
	if (chance(e, 5))
		d.flags |= FXQ_F_RAW;
	else if (chance(e, 2))
		d.flags |= FXQ_F_RESIDUAL | (chance(e, 2) ? FXQ_F_LUT : 0);
	b->out = place(e, b->batch, m, n, d.flags & FXQ_F_RAW ? 4 : 1);
	if (d.flags & FXQ_F_RESIDUAL) {
		b->res = place(e, b->batch, m, n, 1);
		b->res_m = scale_bits(e, range(e, 0, 3));
		b->zr = range(e, -128, 127);
	}
	if (d.flags & FXQ_F_LUT)
		b->lut = reserve(e, 256);
	b->params = reserve(e, 16 * ((n + 31) / 32 * 32));
	make_params(e, b->params, n, range(e, 8, 14));

	f = finish_of(&d);
	begin_expecting(e);
	for (i = 0; i < b->batch; i++)
		for (y = 0; y < m; y++)
			for (x = 0; x < n; x++)
				expect_output(e, &f, i, y, x,
					      matmul_sum(e, &d, i, y, x));
	run_and_compare(e, &d, 1);
}

static void matmul_of_any_shape(void **state)
{
	struct env *e = *state;
	int i;

	for (i = 0; i < 120; i++) {
		env_reset(e, 5000 + i);
		check_matmul(e, range(e, 1, 20), range(e, 1, 70),
			     range(e, 1, 70));
	}
}

static void matmul_of_long_rows(void **state)
{
	struct env *e = *state;
	int i;

	for (i = 0; i < 12; i++) {
		env_reset(e, 5500 + i);
		check_matmul(e, range(e, 60, 140), range(e, 1, 40),
			     range(e, 500, 700));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conv_of_any_shape),
		cmocka_unit_test(conv_in_groups_that_straddle_blocks),
		cmocka_unit_test(conv_of_aligned_groups),
		cmocka_unit_test(conv_of_many_channels),
		cmocka_unit_test(conv_on_several_threads),
		cmocka_unit_test(conv_of_extreme_values),
		cmocka_unit_test(chained_conv_sums_all_parts),
		cmocka_unit_test(dwconv_of_any_shape),
		cmocka_unit_test(dwconv_on_several_threads),
		cmocka_unit_test(matmul_of_any_shape),
		cmocka_unit_test(matmul_of_long_rows),
	};

	return cmocka_run_group_tests(tests, env_create, env_destroy);
}
