/* SPDX-License-Identifier: MIT */
/*
 * test_exec_vx.c - the vector engine's operators against nested loops
 *
 * Each expectation follows the operator's line in arithmetic.md, element by
 * element over logical tensors.
 */
#include "exec_util.h"

#define ROUNDS	120

/* Calls @check in @rounds rounds of their own seeds. */
static void repeat(void **state, int seed, int rounds,
		   void (*check)(struct env *e))
{
	struct env *e = *state;
	int i;

	for (i = 0; i < rounds; i++) {
		env_reset(e, seed + i);
		check(e);
	}
}

/* Mostly small; sometimes enough for several threads. */
static void random_size(struct env *e, uint16_t *h, uint16_t *w, uint16_t *c)
{
	int large = chance(e, 8);

	*h = range(e, 1, large ? 40 : 9);
	*w = range(e, 1, large ? 40 : 9);
	*c = range(e, 1, large ? 90 : 70);
}

/* binary operators */

static float binary_value(uint32_t op, const struct fxq_body_binary *b, int x,
			  int y)
{
	float px = (float)(x - b->za) * as_float(b->ma);
	float py = (float)(y - b->zb) * as_float(b->mb);

	switch (op) {
	case FXQ_OP_ADD:
		return px + py;
	case FXQ_OP_SUB:
		return px - py;
	case FXQ_OP_MIN:
		return px < py ? px : py;
	case FXQ_OP_MAX:
		return px > py ? px : py;
	default:
		return (float)((x - b->za) * (y - b->zb)) * as_float(b->ma);
	}
}

static void check_binary(struct env *e, uint32_t op, uint32_t flags)
{
	struct fxq_desc d = { .opcode = op, .flags = flags };
	struct fxq_body_binary *b = &d.binary;
	uint32_t y, x, c, f = flags;

	random_size(e, &b->h, &b->w, &b->c);
	b->a = place(e, f & FXQ_F_A_BCAST_H ? 1 : b->h,
		     f & FXQ_F_A_BCAST_W ? 1 : b->w,
		     f & FXQ_F_A_BCAST_C ? 1 : b->c, 1);
	b->b = place(e, f & FXQ_F_B_BCAST_H ? 1 : b->h,
		     f & FXQ_F_B_BCAST_W ? 1 : b->w,
		     f & FXQ_F_B_BCAST_C ? 1 : b->c, 1);
	b->out = place(e, b->h, b->w, b->c, 1);
	b->ma = scale_bits(e, op == FXQ_OP_MUL ? 7 : range(e, -1, 2));
	b->mb = op == FXQ_OP_MUL ? 0 : scale_bits(e, range(e, -1, 2));
	b->za = range(e, -128, 127);
	b->zb = range(e, -128, 127);
	b->zy = range(e, -128, 127);
	random_clamp(e, &b->lo, &b->hi);

	begin_expecting(e);
	for (y = 0; y < b->h; y++) {
		for (x = 0; x < b->w; x++) {
			for (c = 0; c < b->c; c++) {
				int va = get(e, &b->a,
					     f & FXQ_F_A_BCAST_H ? 0 : y,
					     f & FXQ_F_A_BCAST_W ? 0 : x,
					     f & FXQ_F_A_BCAST_C ? 0 : c);
				int vb = get(e, &b->b,
					     f & FXQ_F_B_BCAST_H ? 0 : y,
					     f & FXQ_F_B_BCAST_W ? 0 : x,
					     f & FXQ_F_B_BCAST_C ? 0 : c);

				expect(e, &b->out, y, x, c,
				       q(binary_value(op, b, va, vb), b->zy,
					 b->lo, b->hi));
			}
		}
	}
	run_and_compare(e, &d, 1);
}

static void check_any_binary(struct env *e)
{
	check_binary(e, range(e, FXQ_OP_ADD, FXQ_OP_MAX), 0);
}

static void check_any_broadcast(struct env *e)
{
	check_binary(e, range(e, FXQ_OP_ADD, FXQ_OP_MAX), rnd(e) % 64);
}

static void binary_operators_rescale(void **state)
{
	repeat(state, 0, 2 * ROUNDS, check_any_binary);
}

static void binary_operators_broadcast(void **state)
{
	repeat(state, 1000, 3 * ROUNDS, check_any_broadcast);
}

/* pools */

static void expect_pool(struct env *e, const struct fxq_desc *d, uint32_t oy,
			uint32_t ox, uint32_t c)
{
	const struct fxq_body_pool *b = &d->pool;
	int max = -128, sum = 0, inside = 0, count, ky, kx;
	uint32_t m;

	for (ky = 0; ky < b->kh; ky++) {
		for (kx = 0; kx < b->kw; kx++) {
			int y = (int)oy * b->sh + ky * b->dh - b->pad_t;
			int x = (int)ox * b->sw + kx * b->dw - b->pad_l;
			int v;

			if (y < 0 || y >= b->ih || x < 0 || x >= b->iw)
				continue;
			v = get(e, &b->in, y, x, c);
			max = v > max ? v : max;
			sum += v - b->zx;
			inside++;
		}
	}
	if (d->opcode == FXQ_OP_MAXPOOL) {
		max = max < b->lo ? b->lo : max > b->hi ? b->hi : max;
		expect(e, &b->out, oy, ox, c, max);
		return;
	}
	count = b->count_pad ? b->kh * b->kw : inside;
	m = 0;
	if (count)
		memcpy(&m, e->before + b->table + 4 * (count - 1), 4);
	expect(e, &b->out, oy, ox, c,
	       q((float)sum * as_float(m), b->zy, b->lo, b->hi));
}

static void check_pool(struct env *e)
{
	struct fxq_desc d = { .opcode = FXQ_OP_MAXPOOL };
	struct fxq_body_pool *b = &d.pool;
	uint32_t y, x, c;
	int i;

	random_size(e, &b->ih, &b->iw, &b->c);
	random_size(e, &b->oh, &b->ow, &b->c);
	/* Rows that are too wide to be folded into one first. */
	if (chance(e, 20)) {
		b->ih = range(e, 1, 4);
		b->iw = range(e, 500, 600);
	}
	b->kh = range(e, 1, 4);
	b->kw = range(e, 1, 4);
	b->sh = range(e, 1, 3);
	b->sw = range(e, 1, 3);
	b->dh = range(e, 1, 2);
	b->dw = range(e, 1, 2);
	b->pad_t = range(e, 0, 5);
	b->pad_l = range(e, 0, 5);
	random_clamp(e, &b->lo, &b->hi);
	b->in = place(e, b->ih, b->iw, b->c, 1);
	b->out = place(e, b->oh, b->ow, b->c, 1);
	if (chance(e, 2)) {
		d.opcode = FXQ_OP_AVGPOOL;
		b->zx = range(e, -128, 127);
		b->zy = range(e, -128, 127);
		b->count_pad = chance(e, 2);
		b->table = reserve(e, 4 * b->kh * b->kw);
		for (i = 0; i < b->kh * b->kw; i++)
			put_u32(e, b->table + 4 * i, scale_bits(e, 2));
	}
	begin_expecting(e);
	for (y = 0; y < b->oh; y++)
		for (x = 0; x < b->ow; x++)
			for (c = 0; c < b->c; c++)
				expect_pool(e, &d, y, x, c);
	run_and_compare(e, &d, 1);
}

static void pools_count_what_lies_inside(void **state)
{
	repeat(state, 2000, 2 * ROUNDS, check_pool);
}

/* unary operators */

static void random_unary(struct env *e, struct fxq_desc *d)
{
	struct fxq_body_unary *b = &d->unary;

	random_size(e, &b->h, &b->w, &b->c);
	b->in = place(e, b->h, b->w, b->c, 1);
	b->out = d->opcode == FXQ_OP_GLOBALPOOL ? place(e, 1, 1, b->c, 1) :
						  place(e, b->h, b->w, b->c, 1);
	if (d->opcode == FXQ_OP_LUT)
		return;
	b->zx = range(e, -128, 127);
	b->zy = range(e, -128, 127);
	random_clamp(e, &b->lo, &b->hi);
}

static void check_globalpool(struct env *e)
{
	struct fxq_desc d = { .opcode = FXQ_OP_GLOBALPOOL };
	struct fxq_body_unary *b = &d.unary;
	uint32_t y, x, c;

	random_unary(e, &d);
	b->m = scale_bits(e, 5);
	begin_expecting(e);
	for (c = 0; c < b->c; c++) {
		int sum = 0;

		for (y = 0; y < b->h; y++)
			for (x = 0; x < b->w; x++)
				sum += get(e, &b->in, y, x, c) - b->zx;
		expect(e, &b->out, 0, 0, c,
		       q((float)sum * as_float(b->m), b->zy, b->lo, b->hi));
	}
	run_and_compare(e, &d, 1);
}

static void globalpool_is_the_mean(void **state)
{
	repeat(state, 3000, ROUNDS, check_globalpool);
}

static void check_elementwise(struct env *e)
{
	struct fxq_desc d = { .opcode = chance(e, 2) ? FXQ_OP_LUT :
						       FXQ_OP_REQUANT };
	struct fxq_body_unary *b = &d.unary;
	uint32_t y, x, c;

	random_unary(e, &d);
	if (d.opcode == FXQ_OP_LUT)
		b->table = reserve(e, 256);
	else
		b->m = scale_bits(e, range(e, -3, 3));
	begin_expecting(e);
	for (y = 0; y < b->h; y++) {
		for (x = 0; x < b->w; x++) {
			for (c = 0; c < b->c; c++) {
				int v = get(e, &b->in, y, x, c);
				float f = (float)(v - b->zx) * as_float(b->m);

				expect(e, &b->out, y, x, c,
				       d.opcode == FXQ_OP_LUT ?
				       e->before[b->table + v + 128] :
				       q(f, b->zy, b->lo, b->hi));
			}
		}
	}
	run_and_compare(e, &d, 1);
}

static void lut_and_requant_take_each_byte(void **state)
{
	repeat(state, 4000, 2 * ROUNDS, check_elementwise);
}

static void expect_softmax(struct env *e, const struct fxq_body_unary *b,
			   uint32_t y, uint32_t x)
{
	uint32_t sum = 0, c, v;
	int max = -128;

	for (c = 0; c < b->c; c++)
		if (get(e, &b->in, y, x, c) > max)
			max = get(e, &b->in, y, x, c);
	for (c = 0; c < b->c; c++) {
		memcpy(&v, e->before + b->table +
		       4 * (max - get(e, &b->in, y, x, c)), 4);
		sum += v;
	}
	for (c = 0; c < b->c; c++) {
		float m = as_float(b->m) / (float)sum;

		memcpy(&v, e->before + b->table +
		       4 * (max - get(e, &b->in, y, x, c)), 4);
		expect(e, &b->out, y, x, c,
		       q((float)v * m, b->zy, b->lo, b->hi));
	}
}

static void make_softmax(struct env *e, struct fxq_body_unary *b)
{
	uint32_t i;

	b->m = 0x43800000;	/* 256 */
	b->zx = 0;
	b->zy = -128;
	b->lo = -128;
	b->hi = 127;
	b->table = reserve(e, 1024);
	for (i = 0; i < 256; i++)
		put_u32(e, b->table + 4 * i,
			(uint32_t)rint(262144 * exp(-0.07 * i)));
}

static void check_softmax(struct env *e)
{
	struct fxq_desc d = { .opcode = FXQ_OP_SOFTMAX };
	struct fxq_body_unary *b = &d.unary;
	uint32_t y, x;

	random_unary(e, &d);
	make_softmax(e, b);
	begin_expecting(e);
	for (y = 0; y < b->h; y++)
		for (x = 0; x < b->w; x++)
			expect_softmax(e, b, y, x);
	run_and_compare(e, &d, 1);
}

static void softmax_over_channels(void **state)
{
	repeat(state, 5000, ROUNDS, check_softmax);
}

static void softmax_of_the_longest_row(void **state)
{
	struct env *e = *state;
	struct fxq_desc d = { .opcode = FXQ_OP_SOFTMAX };
	struct fxq_body_unary *b = &d.unary;

	env_reset(e, 5999);
	b->h = 1;
	b->w = 2;
	b->c = FXQ_MAX_ROW;
	b->in = place(e, 1, 2, b->c, 1);
	b->out = place(e, 1, 2, b->c, 1);
	make_softmax(e, b);
	begin_expecting(e);
	expect_softmax(e, b, 0, 0);
	expect_softmax(e, b, 0, 1);
	run_and_compare(e, &d, 1);
}

static void expect_layernorm(struct env *e, const struct fxq_body_unary *b,
			     uint32_t y, uint32_t x)
{
	int64_t n = b->c, sum = 0, squares = 0;
	uint32_t c, g, h;
	float r;

	for (c = 0; c < b->c; c++) {
		int v = get(e, &b->in, y, x, c);

		sum += v;
		squares += v * v;
	}
	r = (float)(n * squares - sum * sum) + as_float(b->eps);
	r = 1.0f / sqrtf(r);
	for (c = 0; c < b->c; c++) {
		float v = (float)(n * get(e, &b->in, y, x, c) - sum);

		memcpy(&g, e->before + b->table + 8 * c, 4);
		memcpy(&h, e->before + b->table + 8 * c + 4, 4);
		v = v * r;
		v = v * as_float(g);
		v = v + as_float(h);
		expect(e, &b->out, y, x, c, q(v, b->zy, b->lo, b->hi));
	}
}

static void check_layernorm(struct env *e)
{
	struct fxq_desc d = { .opcode = FXQ_OP_LAYERNORM };
	struct fxq_body_unary *b = &d.unary;
	uint32_t y, x, c;

	random_unary(e, &d);
	b->m = 0;
	b->eps = scale_bits(e, -4);
	b->table = reserve(e, 8 * b->c);
	for (c = 0; c < b->c; c++) {
		put_u32(e, b->table + 8 * c, scale_bits(e, -5));
		put_u32(e, b->table + 8 * c + 4,
			scale_bits(e, -3) | (chance(e, 2) ? 1u << 31 : 0));
	}
	begin_expecting(e);
	for (y = 0; y < b->h; y++)
		for (x = 0; x < b->w; x++)
			expect_layernorm(e, b, y, x);
	run_and_compare(e, &d, 1);
}

static void layernorm_over_channels(void **state)
{
	repeat(state, 6000, ROUNDS, check_layernorm);
}

/* resize */

static int second(int index, int size)
{
	return index + 1 < size ? index + 1 : index;
}

static void expect_resize(struct env *e, const struct fxq_desc *d, uint32_t oy,
			  uint32_t ox, uint32_t c)
{
	const struct fxq_body_resize *b = &d->resize;
	uint16_t ty[2], tx[2];
	int64_t acc;
	int wy, wx;
	float m;

	memcpy(ty, e->before + b->ytab + 4 * oy, 4);
	memcpy(tx, e->before + b->xtab + 4 * ox, 4);
	wy = d->flags & FXQ_F_BILINEAR ? ty[1] : 0;
	wx = d->flags & FXQ_F_BILINEAR ? tx[1] : 0;
	acc = (int64_t)(get(e, &b->in, ty[0], tx[0], c) - b->zx) *
	      (2048 - wy) * (2048 - wx);
	acc += (int64_t)(get(e, &b->in, ty[0], second(tx[0], b->iw), c) -
			 b->zx) * (2048 - wy) * wx;
	acc += (int64_t)(get(e, &b->in, second(ty[0], b->ih), tx[0], c) -
			 b->zx) * wy * (2048 - wx);
	acc += (int64_t)(get(e, &b->in, second(ty[0], b->ih),
			     second(tx[0], b->iw), c) - b->zx) * wy * wx;
	m = as_float(b->m) * (1.0f / 4194304.0f);
	expect(e, &b->out, oy, ox, c,
	       q((float)acc * m, b->zy, b->lo, b->hi));
}

/* Fractions are multiples of @step, up to @max. */
static uint32_t resize_table(struct env *e, uint32_t n, uint32_t size, int max,
			     int step)
{
	uint32_t at = reserve(e, 4 * n), i;

	for (i = 0; i < n; i++)
		put_u32(e, at + 4 * i, range(e, 0, size - 1) |
			(uint32_t)(range(e, 0, max / step) * step) << 16);
	return at;
}

static void random_resize(struct env *e, struct fxq_desc *d)
{
	struct fxq_body_resize *b = &d->resize;
	int max = chance(e, 2) ? 2048 : 0, step = 1 << range(e, 0, 9);

	*d = (struct fxq_desc){ .opcode = FXQ_OP_RESIZE,
				.flags = max ? FXQ_F_BILINEAR : 0 };
	random_size(e, &b->ih, &b->iw, &b->c);
	random_size(e, &b->oh, &b->ow, &b->c);
	b->in = place(e, b->ih, b->iw, b->c, 1);
	b->out = place(e, b->oh, b->ow, b->c, 1);
	b->ytab = resize_table(e, b->oh, b->ih, max, step);
	b->xtab = resize_table(e, b->ow, b->iw, max, step);
	b->m = scale_bits(e, range(e, -1, 1));
	b->zx = range(e, -128, 127);
	b->zy = range(e, -128, 127);
	random_clamp(e, &b->lo, &b->hi);
}

static void check_resize(struct env *e)
{
	struct fxq_desc d;
	uint32_t y, x, c;

	random_resize(e, &d);
	memcpy(e->x.spm, e->before, SPM_BYTES);
	assert_true(fxq_resize_tables_ok(&e->x, &d));
	begin_expecting(e);
	for (y = 0; y < d.resize.oh; y++)
		for (x = 0; x < d.resize.ow; x++)
			for (c = 0; c < d.resize.c; c++)
				expect_resize(e, &d, y, x, c);
	run_and_compare(e, &d, 1);
}

static void resize_follows_its_tables(void **state)
{
	repeat(state, 7000, ROUNDS, check_resize);
}

static void resize_refuses_bad_tables(void **state)
{
	struct env *e = *state;
	struct fxq_desc d;
	uint16_t *last;

	env_reset(e, 7999);
	random_resize(e, &d);
	memcpy(e->x.spm, e->before, SPM_BYTES);
	last = (uint16_t *)(e->x.spm + d.resize.xtab) + 2 * (d.resize.ow - 1);
	last[0] = d.resize.iw;
	assert_false(fxq_resize_tables_ok(&e->x, &d));
	last[0] = d.resize.iw - 1;
	assert_true(fxq_resize_tables_ok(&e->x, &d));
	last[1] = FXQ_RESIZE_ONE + 1;
	assert_false(fxq_resize_tables_ok(&e->x, &d));
}

/* reduce */

static void expect_reduce(struct env *e, const struct fxq_body_reduce *b,
			  const uint32_t *at)
{
	const uint32_t size[3] = { b->c, b->h, b->w };
	uint32_t i[3] = { at[0], at[1], at[2] };
	int sum = 0, max = -255, v;
	float m = as_float(b->m);

	for (i[b->axis] = 0; i[b->axis] < size[b->axis]; i[b->axis]++) {
		v = get(e, &b->in, i[1], i[2], i[0]) - b->zx;
		sum += v;
		max = v > max ? v : max;
	}
	v = b->kind == FXQ_REDUCE_MAX ? max : sum;
	expect(e, &b->out, at[1], at[2], at[0],
	       q((float)v * m, b->zy, b->lo, b->hi));
}

static void check_reduce(struct env *e)
{
	struct fxq_desc d = { .opcode = FXQ_OP_REDUCE };
	struct fxq_body_reduce *b = &d.reduce;
	uint32_t size[3], i[3];

	random_size(e, &b->h, &b->w, &b->c);
	b->kind = chance(e, 2);
	b->axis = rnd(e) % 3;
	b->zx = range(e, -128, 127);
	b->zy = range(e, -128, 127);
	b->m = scale_bits(e, b->kind ? 0 : 3);
	random_clamp(e, &b->lo, &b->hi);
	size[0] = b->c;
	size[1] = b->h;
	size[2] = b->w;
	size[b->axis] = 1;
	b->in = place(e, b->h, b->w, b->c, 1);
	b->out = place(e, size[1], size[2], size[0], 1);
	begin_expecting(e);
	for (i[0] = 0; i[0] < size[0]; i[0]++)
		for (i[1] = 0; i[1] < size[1]; i[1]++)
			for (i[2] = 0; i[2] < size[2]; i[2]++)
				expect_reduce(e, b, i);
	run_and_compare(e, &d, 1);
}

static void reduce_along_each_axis(void **state)
{
	repeat(state, 8000, 2 * ROUNDS, check_reduce);
}

/* transpose */

static void check_transpose(struct env *e)
{
	static const uint8_t perms[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	struct fxq_desc d = { .opcode = FXQ_OP_TRANSPOSE };
	struct fxq_body_permute *b = &d.permute;
	uint32_t size[3], i[3];

	random_size(e, &b->h, &b->w, &b->c);
	memcpy(b->perm, perms[rnd(e) % 6], 3);
	size[0] = b->c;
	size[1] = b->h;
	size[2] = b->w;
	b->in = place(e, b->h, b->w, b->c, 1);
	b->out = place(e, size[b->perm[1]], size[b->perm[2]],
		       size[b->perm[0]], 1);
	begin_expecting(e);
	for (i[0] = 0; i[0] < size[0]; i[0]++)
		for (i[1] = 0; i[1] < size[1]; i[1]++)
			for (i[2] = 0; i[2] < size[2]; i[2]++)
				expect(e, &b->out, i[b->perm[1]],
				       i[b->perm[2]], i[b->perm[0]],
				       get(e, &b->in, i[1], i[2], i[0]));
	run_and_compare(e, &d, 1);
}

static void transpose_by_each_permutation(void **state)
{
	repeat(state, 9000, 2 * ROUNDS, check_transpose);
}

/* fill */

static void check_fill(struct env *e)
{
	static const uint8_t elems[] = { 1, 2, 4 };
	struct fxq_desc d = { .opcode = FXQ_OP_FILL };
	struct fxq_body_dma *b = &d.dma;
	uint32_t step, i[4], at;
	int k;

	b->elem = elems[rnd(e) % 3];
	b->fill = chance(e, 2) ? 0 : rnd(e);
	if (b->elem < 4)
		b->fill &= (1u << 8 * b->elem) - 1;
	b->spm = 64 * range(e, 0, 9);
	b->spm_skip = range(e, 0, 70);
	step = b->elem;
	for (k = 0; k < 4; k++) {
		b->n[k] = range(e, 1, 7);
		if (chance(e, 2))
			step += range(e, 0, 9);
		b->spm_stride[k] = step;
		step *= b->n[k];
	}
	begin_expecting(e);
	for (i[3] = 0; i[3] < b->n[3]; i[3]++)
		for (i[2] = 0; i[2] < b->n[2]; i[2]++)
			for (i[1] = 0; i[1] < b->n[1]; i[1]++)
				for (i[0] = 0; i[0] < b->n[0]; i[0]++) {
					at = b->spm + b->spm_skip;
					for (k = 0; k < 4; k++)
						at += i[k] * b->spm_stride[k];
					memcpy(e->want + at, &b->fill,
					       b->elem);
				}
	run_and_compare(e, &d, 1);
}

static void fill_writes_every_element(void **state)
{
	repeat(state, 10000, 2 * ROUNDS, check_fill);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binary_operators_rescale),
		cmocka_unit_test(binary_operators_broadcast),
		cmocka_unit_test(pools_count_what_lies_inside),
		cmocka_unit_test(globalpool_is_the_mean),
		cmocka_unit_test(lut_and_requant_take_each_byte),
		cmocka_unit_test(softmax_over_channels),
		cmocka_unit_test(softmax_of_the_longest_row),
		cmocka_unit_test(layernorm_over_channels),
		cmocka_unit_test(resize_follows_its_tables),
		cmocka_unit_test(resize_refuses_bad_tables),
		cmocka_unit_test(reduce_along_each_axis),
		cmocka_unit_test(transpose_by_each_permutation),
		cmocka_unit_test(fill_writes_every_element),
	};

	return cmocka_run_group_tests(tests, env_create, env_destroy);
}
