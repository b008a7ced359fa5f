// SPDX-License-Identifier: MIT
/*
 * test_train.c - the tape, and models that learn
 *
 * The kernels that only training uses are compared with those of the operators.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/observer.h>
#include <fxq/quantize_fx.h>
#include <fxq/train.h>

#include "train/fast.h"
#include "train/pool.h"

static void memory_comes_back_by_size(void **state)
{
	struct pool p = { 0 };
	void *a = pool_get(&p, 100), *b = pool_get(&p, 10000), *c;

	assert_non_null(a);
	assert_non_null(b);
	pool_put(&p, a);
	c = pool_get(&p, 200);
	assert_ptr_equal(a, c);
	assert_ptr_not_equal(pool_get(&p, 100), c);
	pool_put_all(&p);
	pool_get(&p, 9000);
	pool_get(&p, 1);
	pool_get(&p, 1);
	assert_int_equal(p.n, 3);
	assert_null(pool_get(&p, SIZE_MAX));
	pool_finish(&p);
}

/* loss = mean((w * x + w)^2), w used twice: its gradient is known. */
FX_MODULE(Twice, parameter(w, fx_tensor(1, -2, 3)),
	  parameter(unused, fx_tensor(7)))
FX_FORWARD(Twice, x)
{
	return fx_add(fx_mul(self->w, x), self->w);
}

static void gradients_of_all_uses_are_added(void **state)
{
	const float x[] = { 0.5f, 2, -3 }, w[] = { 1, -2, 3 };
	struct fx_module *model = Twice();
	struct fx_tape *tape = fx_tape_new(model, 1);
	const struct fx_parameter *p;
	fxv in = fx_tensor(0.5f, 2, -3), zeros = fx_zeros(3), y, loss;
	const float *grad;
	size_t n;

	for (int step = 0; step < 3; step++) {
		fx_tape_begin(tape);
		y = fx_call(model, in);
		loss = fx_mse_loss(y, zeros);
		assert_int_equal(fx_tape_backward(tape, loss), 0);
		fx_release(loss);
		fx_release(y);

		p = fx_tape_parameters(tape, &n);
		assert_int_equal(n, 2);
		grad = p[0].grad.data;
		for (int i = 0; i < 3; i++)
			assert_true(fabsf(grad[i] - 2.0f / 3 * w[i] *
					  (x[i] + 1) * (x[i] + 1)) < 1e-5f);
		assert_null(p[1].grad.data);
	}
	fx_release(in);
	fx_release(zeros);
	fx_tape_free(tape);
	fx_module_put(model);
}

static void a_loss_that_teaches_nothing_is_refused(void **state)
{
	struct fx_module *model = Twice();
	struct fx_tape *tape = fx_tape_new(model, 1);
	fxv in = fx_tensor(1, 2, 3), y, loss;

	fx_tape_begin(tape);
	y = fx_call(model, in);
	assert_int_equal(fx_tape_backward(tape, y), -EINVAL);
	assert_string_equal(fx_tape_error(tape), "a loss is a float32 tensor of one element; take the mean of this one");
	fx_release(y);

	fx_tape_begin(tape);
	loss = fx_mse_loss(in, in);
	assert_int_equal(fx_tape_backward(tape, loss), -EINVAL);
	assert_string_equal(fx_tape_error(tape), "the loss does not depend on any parameter through operators");
	fx_release(loss);

	fx_tape_begin(tape);
	y = fx_tensor(1, 2);
	loss = fx_call(model, y);
	assert_int_equal(fx_tape_backward(tape, loss), -EINVAL);
	assert_non_null(strstr(fx_tape_error(tape), "test_train.c:"));
	fx_release(y);
	fx_release(loss);
	fx_release(in);
	fx_tape_free(tape);
	fx_module_put(model);
}

/* Convolution, batch norm, dropout: what a step has to remember. */
FX_MODULE(Small, module(conv, Conv2d(2, 8, 3, .padding = 1, .bias = false)),
	  module(bn, BatchNorm2d(8)), module(drop, Dropout(0.25)),
	  module(fc, Linear(8, 2)))
FX_FORWARD(Small, x)
{
	x = fx_relu(fx_call(self->bn, fx_call(self->conv, x)));
	x = fx_flatten(fx_adaptive_avg_pool2d(x, 1), 1);
	return fx_call(self->fc, fx_call(self->drop, x));
}

/* Samples whose class is the sign of their mean. */
static void make_samples(struct fxq_tensor *x, struct fxq_tensor *y)
{
	*x = fxq_tensor_type(FXQ_DTYPE_F32, 4, (int64_t[]){ 16, 2, 5, 5 });
	*y = fxq_tensor_type(FXQ_DTYPE_I64, 1, (int64_t[]){ 16 });
	assert_int_equal(fxq_tensor_alloc(x), 0);
	assert_int_equal(fxq_tensor_alloc(y), 0);
	for (int s = 0; s < 16; s++) {
		((int64_t *)y->data)[s] = s & 1;
		for (int i = 0; i < 50; i++)
			((float *)x->data)[s * 50 + i] = sinf(s * 50 + i) +
							 (s & 1 ? 0.5f : -0.5f);
	}
}

/* The loss after @steps; each must reach @n_reached parameters. */
static float teach_model(struct fx_module *model, int steps, int threads,
			 size_t n_reached)
{
	struct fx_tape *tape = fx_tape_new(model, threads);
	struct fx_optimizer *adam;
	const struct fx_parameter *p;
	struct fxq_tensor x, y;
	float last = 0;

	adam = fx_optimizer_new(tape, &(struct fx_optim){ FX_ADAM, .lr = 0.01 });
	make_samples(&x, &y);
	for (int i = 0; i < steps; i++) {
		fxv in = fx_view_of(&x), classes = fx_view_of(&y), answer, loss;
		size_t n, reached = 0;

		fx_manual_seed(100 + i);
		fx_tape_begin(tape);
		answer = fx_call(model, in);
		loss = fx_cross_entropy(answer, classes);
		if (fx_tape_backward(tape, loss))
			fail_msg("%s", fx_tape_error(tape));
		p = fx_tape_parameters(tape, &n);
		for (size_t k = 0; k < n; k++)
			reached += !!p[k].grad.data;
		assert_int_equal(reached, n_reached);
		fx_optimizer_step(adam, 1);
		last = fx_float(loss);
		fx_release(loss);
		fx_release(answer);
		fx_release(classes);
		fx_release(in);
	}
	fx_optimizer_free(adam);
	fx_tape_free(tape);
	fxq_tensor_free(&x);
	fxq_tensor_free(&y);
	return last;
}

static float teach(int steps, int threads, float *ret_weights)
{
	struct fx_module *model;
	float loss;

	fx_manual_seed(3);
	model = fx_train(Small());
	loss = teach_model(model, steps, threads, 5);
	memcpy(ret_weights, fx_module_tensor(model, "conv.weight")->data,
	       8 * 2 * 9 * sizeof(float));
	fx_module_put(model);
	return loss;
}

static void a_model_learns_the_same_each_time(void **state)
{
	float a[144], b[144], first = teach(1, 2, a), last = teach(60, 2, a);

	assert_true(first > 0.5f && last < 0.2f);
	assert_true(teach(60, 2, b) == last);
	assert_memory_equal(a, b, sizeof(a));
}

/* Fake quantizers let gradients through, and integers agree with them. */
static void a_prepared_model_learns(void **state)
{
	struct fx_module_qconfig qconfig = QConfig(
		FakeQuantize(MovingAverageMinMaxObserver(.dtype = "qint8")),
		FakeQuantize(PerChannelMinMaxObserver(
			.dtype = "qint8", .quant_min = -127, .quant_max = 127,
			.qscheme = "per_channel_symmetric")));
	struct fx_module *model, *gm, *integers;
	float first, last;
	fxv in, fake, real;

	fx_manual_seed(3);
	model = fx_train(Small());
	gm = prepare_qat_fx(model, fx_qconfig_dict({ "", NULL, &qconfig }));
	fx_qconfig_put(&qconfig);
	if (gm->error)
		fail_msg("%s", gm->error);
	set_fake_quantize(gm, FX_QAT);
	first = teach_model(gm, 1, 2, 5);
	last = teach_model(gm, 60, 2, 5);
	assert_true(first > 0.5f && last < 0.2f);

	set_fake_quantize(fx_eval(gm), FX_VALIDATION);
	integers = convert_fx(gm);
	if (integers->error)
		fail_msg("%s", integers->error);
	in = fx_gen(5, 0.5f, 4, 2, 5, 5);
	fake = fx_call(gm, in);
	real = fx_call(integers, in);
	assert_null(fx_error(fake));
	assert_null(fx_error(real));
	assert_int_equal(fxq_tensor_count(fx_data(real)), 8);
	for (int i = 0; i < 8; i++)
		assert_true(fabsf(((float *)fx_data(fake)->data)[i] -
				  ((float *)fx_data(real)->data)[i]) < 0.1f);
	fx_release(fake);
	fx_release(real);
	fx_release(in);
	fx_module_put(integers);
	fx_module_put(gm);
	fx_module_put(model);
}

/* A scale that is learned, which becomes one for each channel when it is seen. */
FX_MODULE(Learned,
	  parameter(w, fx_full(0, 2, 3)),
	  module(quantizer, LSQFakeQuantize(PerChannelMinMaxObserver(
		.dtype = "qint8", .quant_min = -127, .quant_max = 127,
		.qscheme = "per_channel_symmetric"))))
FX_FORWARD(Learned, x)
{
	return fx_mul(fx_call(self->quantizer, self->w), x);
}

/* The first step teaches the scales that it makes, and the next ones go on. */
static void a_scale_that_grows_is_learned(void **state)
{
	static const float w[] = { 1, 0.3f, -0.7f, 4, 1.1f, 2.2f };
	struct fx_module *model = Learned();
	struct fx_tape *tape = fx_tape_new(model, 1);
	struct fx_optimizer *adam = fx_optimizer_new(tape, &(struct fx_optim){
		FX_ADAM, .lr = 0.001 });
	fxv x = fx_gen(5, 0.5f, 2, 3), zeros = fx_zeros(2, 3);
	const struct fx_parameter *p;
	float before[2] = { 0 };
	size_t n;

	memcpy(fx_module_tensor(model, "w")->data, w, sizeof(w));
	fx_set_fake_quantize(model, FX_QAT);
	p = fx_tape_parameters(tape, &n);
	assert_int_equal(n, 2);
	for (int step = 0; step < 3; step++) {
		fxv y, loss;

		fx_tape_begin(tape);
		y = fx_call(model, x);
		loss = fx_mse_loss(y, zeros);
		if (fx_tape_backward(tape, loss))
			fail_msg("%s", fx_tape_error(tape));
		assert_string_equal(p[1].key, "quantizer.scale");
		assert_non_null(p[1].grad.data);
		assert_int_equal(p[1].grad.dims[0], 2);
		memcpy(before, p[1].value->data, sizeof(before));
		fx_optimizer_step(adam, 1);
		for (int i = 0; i < 2; i++)
			assert_true(((float *)p[1].value->data)[i] !=
				    before[i]);
		fx_release(loss);
		fx_release(y);
	}
	fx_release(x);
	fx_release(zeros);
	fx_optimizer_free(adam);
	fx_tape_free(tape);
	fx_module_put(model);
}

/* Kernels of training beside those of the operators */

struct geometry {
	int64_t batch, ic, oc, h, w, kh, kw;
	int64_t stride[2], padding[4], dilation[2], groups;
	bool bias, want_dx;
};

static float chance_float(void)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (float)(int32_t)state * 0x1p-31f;
}

static struct fxq_tensor random_tensor(uint32_t rank, const int64_t *dims)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, rank, dims);

	assert_int_equal(fxq_tensor_alloc(&t), 0);
	for (int64_t i = 0; i < fxq_tensor_count(&t); i++)
		((float *)t.data)[i] = chance_float();
	return t;
}

static void assert_close(const struct fxq_tensor *a, const struct fxq_tensor *b)
{
	const float *x = a->data, *y = b->data;
	float most = 0, apart = 0;

	for (int64_t i = 0; i < fxq_tensor_count(a); i++) {
		most = fmaxf(most, fabsf(x[i]));
		apart = fmaxf(apart, fabsf(x[i] - y[i]));
	}
	assert_true(most > 0 && apart <= 1e-5f * most);
}

/* Runs @fn into new tensors of the types of @like. */
static int run_into(fxq_call_fn fn, struct fxq_call *call,
		    const struct fxq_tensor *like, const bool *wanted,
		    struct fxq_tensor *out)
{
	for (uint32_t i = 0; i < call->n_out; i++) {
		out[i] = like[i];
		out[i].data = NULL;
		if (wanted[i]) {
			assert_int_equal(fxq_tensor_alloc(&out[i]), 0);
			memset(out[i].data, 0xff, fxq_tensor_bytes(&out[i]));
		}
	}
	call->out = out;
	return fn(call);
}

static void compare_conv(const struct geometry *g, int threads)
{
	const struct fx_op *op = fx_op_find("conv2d");
	const int64_t *s = g->stride, *p = g->padding, *d = g->dilation;
	int64_t oh = (g->h + p[0] + p[2] - d[0] * (g->kh - 1) - 1) / s[0] + 1;
	int64_t ow = (g->w + p[1] + p[3] - d[1] * (g->kw - 1) - 1) / s[1] + 1;
	struct fxq_tensor in[5] = {
		random_tensor(4, (int64_t[]){ g->batch, g->ic, g->h, g->w }),
		random_tensor(4, (int64_t[]){ g->oc, g->ic / g->groups, g->kh,
					      g->kw }),
	};
	struct fxq_attr attrs[] = {
		{ "stride", FXQ_ATTR_INTS, 2, .ints = s },
		{ "padding", FXQ_ATTR_INTS, 4, .ints = p },
		{ "dilation", FXQ_ATTR_INTS, 2, .ints = d },
		{ "groups", FXQ_ATTR_INT, 1, .i = g->groups },
	};
	struct fxq_call call = { .n_in = 2 + g->bias, .n_out = 1, .in = in,
				 .n_attrs = 4, .attrs = attrs,
				 .threads = threads };
	struct fxq_tensor like[3], mine[3], theirs[3];
	const int64_t dims[] = { g->batch, g->oc, oh, ow };
	bool wanted[3] = { true, true, true };
	uint32_t n = call.n_in;

	if (g->bias)
		in[2] = random_tensor(1, &g->oc);
	in[n] = random_tensor(4, dims);
	in[n + 1] = random_tensor(4, dims);
	memcpy(like, in, sizeof(like));
	assert_int_equal(run_into(op->fn.eval, &call, &in[n], wanted, theirs), 0);
	assert_int_equal(run_into(fast_conv2d, &call, &in[n], wanted, mine), 0);
	assert_close(&theirs[0], &mine[0]);
	fxq_tensor_free(&mine[0]);
	fxq_tensor_free(&theirs[0]);

	call.n_in = n + 2;
	call.n_out = n;
	wanted[0] = g->want_dx;
	assert_int_equal(run_into(op->grad, &call, like, wanted, theirs), 0);
	assert_int_equal(run_into(fast_conv2d_grad, &call, like, wanted, mine),
			 0);
	for (uint32_t i = !g->want_dx; i < n; i++) {
		assert_close(&theirs[i], &mine[i]);
		fxq_tensor_free(&mine[i]);
		fxq_tensor_free(&theirs[i]);
	}
	for (uint32_t i = 0; i < n + 2; i++)
		fxq_tensor_free(&in[i]);
}

static void convolutions_are_those_of_the_operators(void **state)
{
	static const struct geometry cases[] = {
		{ 5, 16, 16, 28, 28, 3, 3, { 1, 1 }, { 1, 1, 1, 1 }, { 1, 1 },
		  1, false, true },
		{ 9, 32, 64, 14, 14, 3, 3, { 2, 2 }, { 1, 1, 1, 1 }, { 1, 1 },
		  1, false, true },
		{ 19, 32, 64, 14, 14, 1, 1, { 2, 2 }, { 0 }, { 1, 1 }, 1, false,
		  true },
		{ 13, 1, 16, 28, 28, 3, 3, { 1, 1 }, { 1, 1, 1, 1 }, { 1, 1 },
		  1, true, false },
		{ 33, 8, 12, 7, 7, 3, 3, { 1, 1 }, { 1, 1, 1, 1 }, { 1, 1 }, 1,
		  true, true },
		{ 3, 6, 20, 11, 13, 3, 5, { 2, 1 }, { 0, 2, 1, 1 }, { 1, 2 }, 2,
		  true, true },
		{ 2, 5, 8, 9, 40, 2, 4, { 3, 2 }, { 1, 0, 0, 3 }, { 2, 1 }, 1,
		  true, true },
		{ 2, 3, 9, 40, 50, 7, 7, { 2, 2 }, { 3, 3, 3, 3 }, { 1, 1 }, 1,
		  true, true },
		{ 2, 12, 12, 8, 8, 3, 3, { 1, 1 }, { 1, 1, 1, 1 }, { 1, 1 }, 12,
		  true, true },
		{ 1, 9, 17, 5, 5, 5, 5, { 1, 1 }, { 0 }, { 1, 1 }, 1, false,
		  true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (int threads = 1; threads < 4; threads++)
			compare_conv(&cases[i], threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_comes_back_by_size),
		cmocka_unit_test(gradients_of_all_uses_are_added),
		cmocka_unit_test(a_loss_that_teaches_nothing_is_refused),
		cmocka_unit_test(a_model_learns_the_same_each_time),
		cmocka_unit_test(a_prepared_model_learns),
		cmocka_unit_test(a_scale_that_grows_is_learned),
		cmocka_unit_test(convolutions_are_those_of_the_operators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
