// SPDX-License-Identifier: MIT
/*
 * test_fake_quantize.c - fake quantizers: what they do, keep and learn
 *
 * That they round as torch does is for test_observer.c, which has torch's numbers.
 * Gradients are found once more here, from their definitions.
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
#include <fxq/trace.h>
#include <fxq/train.h>

#include "observer_refused.h"

static uint8_t flag(struct fx_module *m, const char *key)
{
	return *(uint8_t *)fx_module_tensor(m, key)->data;
}

static float scale_of(struct fx_module *m)
{
	return *(float *)fx_module_tensor(m, "scale")->data;
}

/* The module's answer to one number, which is no temporary afterwards. */
static float answer(struct fx_module *m, float x)
{
	fxv in = fx_tensor(x), out = fx_call(m, in);
	float y;

	assert_null(fx_error(out));
	y = *(float *)fx_data(out)->data;
	fx_release(out);
	fx_release(in);
	return y;
}

static void each_state_observes_or_quantizes(void **state)
{
	struct fx_module *fq = FakeQuantize(MinMaxObserver(.dtype = "qint8",
		.quant_min = -127, .quant_max = 127,
		.qscheme = "per_tensor_symmetric"));
	struct fx_module *m = Sequential(ReLU(), fq);

	fx_set_fake_quantize(m, FX_CALIBRATION);
	assert_true(answer(m, 126.6f) == 126.6f);
	assert_true(answer(m, 127) == 127 && scale_of(fq) == 1);

	fx_set_fake_quantize(m, FX_VALIDATION);
	assert_true(answer(m, 253.7f) == 127 && scale_of(fq) == 1);
	assert_true(answer(m, 3.5f) == 4);

	fx_set_fake_quantize(m, FX_QAT);
	assert_true(answer(m, 254) == 254 && scale_of(fq) == 2);
	assert_true(answer(m, 3.5f) == 4);

	fx_disable_observer(m);
	fx_disable_fake_quant(m);
	assert_int_equal(flag(m, "1.observer_enabled"), 0);
	assert_true(answer(m, 1000.5f) == 1000.5f && scale_of(fq) == 2);
	fx_enable_fake_quant(m);
	fx_enable_observer(m);
	assert_true(answer(m, 508) == 508 && scale_of(fq) == 4);
	fx_module_put(m);
}

static int list_key(const char *key, enum fx_member_kind kind,
		    struct fxq_tensor *t, void *ctx)
{
	strcat(strcat(ctx, key), " ");
	return 0;
}

static void a_state_dict_is_torchs(void **state)
{
	struct fx_module *m = FakeQuantize(PerChannelMinMaxObserver(
		.ch_axis = 1));
	char keys[512] = "";
	fxv x = fx_ones(2, 3), y;

	fx_module_each_tensor(m, list_key, keys);
	assert_string_equal(keys, "fake_quant_enabled observer_enabled scale zero_point activation_post_process.eps activation_post_process.min_val activation_post_process.max_val ");
	assert_int_equal(fx_module_tensor(m, "zero_point")->dtype,
			 FXQ_DTYPE_I32);
	y = fx_call(m, x);
	assert_null(fx_error(y));
	assert_int_equal(fx_module_tensor(m, "scale")->dims[0], 3);
	assert_int_equal(fx_module_tensor(m, "zero_point")->dims[0], 3);
	fx_release(x);
	fx_release(y);
	fx_module_put(m);
}

static void each_channel_has_its_scale(void **state)
{
	struct fx_module *m = FakeQuantize(PerChannelMinMaxObserver(
		.dtype = "qint8", .quant_min = -7, .quant_max = 7,
		.qscheme = "per_channel_symmetric"));
	fxv x = fx_gen(5, 1, 4, 3, 2), y = fx_call(m, x);
	float *in = fx_data(x)->data, *out = fx_data(y)->data;

	assert_null(fx_error(y));
	for (int c = 0; c < 4; c++, in += 6, out += 6) {
		float most = 0, scale;

		for (int i = 0; i < 6; i++)
			most = fmaxf(most, fabsf(in[i]));
		scale = most / 7;
		for (int i = 0; i < 6; i++)
			assert_true(out[i] ==
				    rintf(in[i] * (1 / scale)) * scale);
	}
	fx_release(x);
	fx_release(y);
	fx_module_put(m);
}

#define SYMMETRIC	.dtype = "qint8", .qscheme = "per_tensor_symmetric"

static void a_learned_scale_starts_from_data(void **state)
{
	struct fx_module *m = LSQFakeQuantize(MinMaxObserver(SYMMETRIC,
		.quant_min = -127, .quant_max = 127));
	struct fx_qparams q;

	/* Not calibrated: the first batch says what the scale is. */
	fx_set_fake_quantize(m, FX_QAT);
	assert_int_equal(fx_calculate_qparams(m, &q), -ENODATA);
	assert_true(answer(m, 127) == 127 && scale_of(m) == 1);
	/* From then on it is learned, and no batch changes it. */
	assert_true(answer(m, 254) == 127 && scale_of(m) == 1);
	*(float *)fx_module_tensor(m, "scale")->data = 0.5f;
	assert_int_equal(fx_calculate_qparams(m, &q), 0);
	assert_true(q.scale[0] == 0.5f && q.zero_point[0] == 0);
	fx_qparams_free(&q);
	assert_true(answer(m, 254) == 63.5f);

	/* Also with all switches on, as they are at first: a call's scale stays. */
	fx_enable_observer(m);
	assert_true(answer(m, 254) == 63.5f && scale_of(m) == 0.5f);

	/* A step of training went below 0. */
	*(float *)fx_module_tensor(m, "scale")->data = -1;
	assert_true(answer(m, 1) == 127 * 0x1p-23f);
	assert_true(scale_of(m) == 0x1p-23f);

	fx_set_fake_quantize(m, FX_CALIBRATION);
	assert_true(answer(m, 254.5f) == 254.5f);
	fx_set_fake_quantize(m, FX_VALIDATION);
	assert_true(answer(m, 254) == 127 * (254.5f / 127));
	fx_module_put(m);
}

static void a_learned_bound_clips(void **state)
{
	struct fx_module *m = PACTFakeQuantize(MinMaxObserver(), .alpha = 255);
	struct fx_qparams q;

	assert_true(answer(m, -3) == 0 && answer(m, 3.5f) == 4);
	assert_true(answer(m, 1000) == 255);
	*(float *)fx_module_tensor(m, "alpha")->data = 127.5f;
	assert_true(answer(m, 1000) == 127.5f);
	assert_int_equal(fx_calculate_qparams(m, &q), 0);
	assert_true(q.scale[0] == 0.5f && q.zero_point[0] == 0 &&
		    q.quant_max == 255 && q.dtype == FX_QUINT8);
	fx_qparams_free(&q);
	fx_module_put(m);

	/* As many integers below 0 as above; calibration says how far. */
	m = PACTFakeQuantize(MinMaxObserver(SYMMETRIC));
	fx_set_fake_quantize(m, FX_CALIBRATION);
	assert_true(answer(m, -12.75f) == -12.75f);
	fx_set_fake_quantize(m, FX_VALIDATION);
	assert_true(fabsf(answer(m, -100) + 12.7f) < 1e-5f);
	assert_true(answer(m, -100) == -answer(m, 100));
	assert_int_equal(fx_calculate_qparams(m, &q), 0);
	assert_true(q.quant_min == -127 && q.quant_max == 127);
	fx_qparams_free(&q);
	fx_module_put(m);
}

/*
 * The gradients by their definitions, element by element, for @scales scales
 * along the first dimension.
 */
static void check_gradient(int64_t scales, bool clip_only, bool scaled)
{
	enum { N = 40000 };
	int64_t per = N / scales;
	fxv x = fx_gen(3, 4, scales, per), dy = fx_gen(8, 1, scales, per);
	fxv s = fx_full(0.037f, scales), y = fx_zeros(scales, per);
	fxv dx = fx_ones(scales, per), ds = fx_ones(scales);
	int32_t zeros[4] = { 3, 3, -90, 3 };
	struct fxq_tensor z = { .dtype = FXQ_DTYPE_I32, .rank = 1,
				.dims = { scales }, .data = zeros };
	const struct fxq_attr attrs[] = {
		{ "axis", FXQ_ATTR_INT, 1, { 0 } },
		{ "clip_only", FXQ_ATTR_INT, 1, { clip_only } },
		{ "grad_scaling", FXQ_ATTR_INT, 1, { scaled } },
	};
	struct fxq_tensor in[] = { *fx_data(x), *fx_data(s), z, *fx_data(y),
				   *fx_data(dy) };
	struct fxq_tensor out[] = { *fx_data(dx), *fx_data(ds), { 0 } };
	struct fxq_call call = { .n_in = 5, .n_out = 3, .in = in, .out = out,
				 .n_attrs = 3, .attrs = attrs, .threads = 2 };
	float *px = in[0].data, *pdy = in[4].data;

	assert_int_equal(fx_op_find("fake_quantize")->grad(&call), 0);
	for (int64_t c = 0; c < scales; c++) {
		double sum = 0;

		for (int64_t i = c * per; i < (c + 1) * per; i++) {
			float v = px[i] * (1 / 0.037f);
			float q = rintf(v) + (float)zeros[c];
			bool in_range = q >= -128 && q <= 127;

			assert_true(((float *)out[0].data)[i] ==
				    (in_range ? pdy[i] : 0));
			if (q < -128)
				sum += pdy[i] * (-128.0 - zeros[c]);
			else if (q > 127)
				sum += pdy[i] * (127.0 - zeros[c]);
			else if (!clip_only)
				sum += pdy[i] * ((double)rintf(v) - v);
		}
		sum /= scaled ? sqrt(N * 127.0) : 1;
		assert_true(fabs(((float *)out[1].data)[c] - sum) <
			    1e-6 * fmax(1, fabs(sum)));
	}

	fx_release(x);
	fx_release(dy);
	fx_release(s);
	fx_release(y);
	fx_release(dx);
	fx_release(ds);
}

static void gradients_go_straight_through(void **state)
{
	for (int variant = 0; variant < 8; variant++)
		check_gradient(variant & 1 ? 4 : 1, variant & 2, variant & 4);
}

/* The gradient of the mean square of what @m, which is put, makes of @x. */
static double learned(struct fx_module *m, fxv x, const char *key, float value)
{
	const struct fx_parameter *p;
	struct fx_tape *tape;
	fxv zeros = fx_zeros(fxq_tensor_count(fx_data(x))), y, loss;
	double grad;
	size_t n;

	fx_set_fake_quantize(m, FX_CALIBRATION);
	y = fx_call(m, x);
	assert_null(fx_error(y));
	fx_release(y);
	fx_set_fake_quantize(m, FX_QAT);
	*(float *)fx_module_tensor(m, key)->data = value;

	tape = fx_tape_new(m, 1);
	fx_tape_begin(tape);
	y = fx_call(m, x);
	loss = fx_mse_loss(y, zeros);
	if (fx_tape_backward(tape, loss))
		fail_msg("%s", fx_tape_error(tape));
	p = fx_tape_parameters(tape, &n);
	assert_int_equal(n, 1);
	assert_string_equal(p->key, key);
	grad = *(float *)p->grad.data;
	fx_release(loss);
	fx_release(y);
	fx_release(zeros);
	fx_tape_free(tape);
	fx_module_put(m);
	return grad;
}

static void a_tape_learns_scale_and_bound(void **state)
{
	enum { N = 500 };
	fxv x = fx_gen(11, 1, N);
	const float *v = fx_data(x)->data;
	double lsq = 0, pact = 0, found;

	for (int i = 0; i < N; i++) {
		double q = fmin(fmax(rint(v[i] / 0.0078125), -128), 127);
		bool inside = q * 0.0078125 == v[i];

		lsq += 2 * q * 0.0078125 / N * (inside ? 0 : q);
		pact += v[i] > 1 ? 2.0 / N : 0;
	}
	/* Every number is a multiple of the scale: what saturates teaches. */
	found = learned(LSQFakeQuantize(MinMaxObserver(SYMMETRIC),
					.grad_scaling = false), x, "scale",
			0.0078125f);
	assert_true(lsq > 1 && fabs(found / lsq - 1) < 1e-5);
	found = learned(PACTFakeQuantize(MinMaxObserver()), x, "alpha", 1);
	assert_true(pact > 0.1 && fabs(found / pact - 1) < 1e-5);
	fx_release(x);
}

static void what_cannot_fake_quantize_is_refused(void **state)
{
	struct fx_module *m;

	refused(FakeQuantize(ReLU()), "a ReLU is no observer");
	refused(FakeQuantize(FakeQuantize(MinMaxObserver())),
		"a FakeQuantize is no observer");
	refused(FakeQuantize(MinMaxObserver(.dtype = "int7")), "int7");
	refused(LSQFakeQuantize(MinMaxObserver(), .channel_len = 0),
		"channel_len is the number");
	refused(LSQFakeQuantize(MinMaxObserver(.power_of_two = true)),
		"no power of two");
	refused(PACTFakeQuantize(MinMaxObserver(), .alpha = -1), "alpha -1");
	refused(PACTFakeQuantize(PerChannelMinMaxObserver()),
		"alpha is one number");

	m = FakeQuantize(MinMaxObserver());
	fx_set_fake_quantize(m, FX_VALIDATION);
	*(float *)fx_module_tensor(m, "scale")->data = NAN;
	refused(m, "scale nan with zero point 0 is no quantization");
}

FX_MODULE(Quantized,
	  module(relu, ReLU()),
	  module(fq, FakeQuantize(MinMaxObserver())))

FX_FORWARD(Quantized, x)
{
	return fx_call(self->fq, fx_call(self->relu, x));
}

/* How many nodes of the functional form fake quantize. */
static int functional_count(struct fx_module *m)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_graph *g, *functional;
	int n = 0;

	assert_int_equal(fx_trace(m, &tracer, &g), 0);
	if (fx_functionalize(g, m, &functional))
		fail_msg("%s", fx_graph_error(g));
	fx_for_each_node(node, functional)
		n += fx_node_is(node, "fake_quantize");
	fx_graph_free(functional);
	fx_graph_free(g);
	return n;
}

static void operators_have_what_is_enabled(void **state)
{
	struct fx_module *m = Quantized();

	fx_set_fake_quantize(m, FX_VALIDATION);
	assert_int_equal(functional_count(m), 1);
	fx_set_fake_quantize(m, FX_CALIBRATION);
	assert_int_equal(functional_count(m), 0);
	fx_module_put(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_observes_or_quantizes),
		cmocka_unit_test(a_state_dict_is_torchs),
		cmocka_unit_test(each_channel_has_its_scale),
		cmocka_unit_test(a_learned_scale_starts_from_data),
		cmocka_unit_test(a_learned_bound_clips),
		cmocka_unit_test(gradients_go_straight_through),
		cmocka_unit_test(a_tape_learns_scale_and_bound),
		cmocka_unit_test(what_cannot_fake_quantize_is_refused),
		cmocka_unit_test(operators_have_what_is_enabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
