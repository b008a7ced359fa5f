// SPDX-License-Identifier: MIT
/*
 * test_observer.c - observers and fake quantizers, against torch and by force
 *
 * torch 1.13 ran each class that it has on three batches (tests/golden/quant):
 * extremes after every batch and scales are equal to the bit. What torch does
 * not have is found once more here by the plainest code that follows from its
 * definition.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include <fxq/observer.h>
#include <fxq/trace.h>

/* What torch's observers found */

static fxv golden_batch(int i, const char *data)
{
	static const float scale[] = { 1, 0.5f, 2 };
	fxv x;

	if (!strcmp(data, "zeros"))
		return fx_zeros(4);
	x = fx_gen(10 + i, scale[i], 2, 3, 4, 4);
	for (int64_t k = 0; k < fxq_tensor_count(fx_data(x)); k++) {
		float *v = (float *)fx_data(x)->data + k;

		*v += i == 1 ? 0.75f : 0;
		if (!strcmp(data, "positive"))
			*v = fabsf(*v) + 0.1f;
	}
	return x;
}

static json_t *load(const char *name)
{
	char path[512];
	json_t *root;

	snprintf(path, sizeof(path), "%s/%s", GOLDEN_QUANT, name);
	root = json_load_file(path, 0, NULL);
	assert_non_null(root);
	return root;
}

static const char *text(json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static int64_t integer(json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* torch 1.13's constructor with the arguments that the golden was made with. */
static struct fx_module *golden_observer(json_t *o)
{
	const char *name = text(o, "observer");
	const char *dtype = text(o, "dtype"), *qscheme = text(o, "qscheme");

	if (!strcmp(name, "MinMaxObserver_-127_127"))
		return MinMaxObserver(.dtype = dtype, .qscheme = qscheme,
				      .quant_min = -127, .quant_max = 127,
				      .eps = 0x1p-12);
	if (!strcmp(name, "MinMaxObserver_reduce_range"))
		return MinMaxObserver(.dtype = dtype, .reduce_range = true);
	if (!strncmp(name, "MinMaxObserver", 14))
		return MinMaxObserver(.dtype = dtype, .qscheme = qscheme);
	if (!strcmp(name, "MovingAverageMinMaxObserver"))
		return MovingAverageMinMaxObserver(.dtype = dtype,
						   .qscheme = qscheme);
	if (!strcmp(name, "PerChannelMinMaxObserver"))
		return PerChannelMinMaxObserver(.dtype = dtype, .ch_axis = 1,
						.qscheme = qscheme);
	if (!strcmp(name, "MovingAveragePerChannelMinMaxObserver"))
		return MovingAveragePerChannelMinMaxObserver(.dtype = dtype,
			.ch_axis = 1, .qscheme = qscheme);
	return NULL;
}

static void assert_extremes(struct fx_module *m, const char *name,
			    json_t *wanted)
{
	const struct fxq_tensor *t = fx_module_tensor(m, name);

	assert_int_equal(fxq_tensor_count(t), json_array_size(wanted));
	for (int64_t c = 0; c < fxq_tensor_count(t); c++)
		assert_true(((float *)t->data)[c] ==
			    (float)json_number_value(json_array_get(wanted, c)));
}

static void assert_golden(struct fx_module *m, json_t *o)
{
	json_t *scale = json_object_get(o, "scale"), *step;
	json_t *zero = json_object_get(o, "zero_point");
	struct fx_qparams q;
	size_t i;

	json_array_foreach(json_object_get(o, "history"), i, step) {
		fxv x = golden_batch((int)i, text(o, "data")), y;

		y = fx_call(m, x);
		assert_null(fx_error(y));
		assert_ptr_equal(fx_data(y)->data, fx_data(x)->data);
		assert_extremes(m, "min_val", json_object_get(step, "min"));
		assert_extremes(m, "max_val", json_object_get(step, "max"));
		fx_release(y);
		fx_release(x);
	}

	assert_int_equal(fx_calculate_qparams(m, &q), 0);
	assert_int_equal(q.n, json_array_size(scale));
	assert_int_equal(q.quant_min, integer(o, "quant_min"));
	assert_int_equal(q.quant_max, integer(o, "quant_max"));
	for (int64_t c = 0; c < q.n; c++) {
		assert_true(q.scale[c] ==
			    (float)json_number_value(json_array_get(scale, c)));
		assert_int_equal(q.zero_point[c],
				 json_integer_value(json_array_get(zero, c)));
	}
	fx_qparams_free(&q);
}

static void observers_find_what_torch_finds(void **state)
{
	json_t *root = load("observers.json"), *o;
	size_t i, found = 0;

	json_array_foreach(json_object_get(root, "results"), i, o) {
		struct fx_module *m = golden_observer(o);

		if (!m)
			continue;
		assert_golden(m, o);
		fx_module_put(m);
		found++;
	}
	assert_int_equal(found, 29);
	json_decref(root);
}

/* Options, and what is refused */

static void refused(struct fx_module *m, const char *why)
{
	fxv x = fx_ones(2, 3), y = fx_call(m, x);

	assert_non_null(fx_error(y));
	if (!strstr(fx_error(y), why))
		fail_msg("\"%s\" does not say \"%s\"", fx_error(y), why);
	fx_release(y);
	fx_release(x);
	fx_module_put(m);
}

static void options_that_clash_are_refused(void **state)
{
	refused(MinMaxObserver(.dtype = "int7"), "dtype 'int7' is none of");
	refused(MinMaxObserver(.qscheme = "affine"),
		"qscheme 'affine' is none of");
	refused(MinMaxObserver(.qscheme = "per_channel_affine"),
		"its qscheme is per_tensor_affine or");
	refused(PerChannelMinMaxObserver(.qscheme = "per_tensor_affine"),
		"its qscheme is per_channel_affine or");
	refused(PerChannelMinMaxObserver(.ch_axis = -1), "ch_axis counts");
	refused(PerChannelMinMaxObserver(.ch_axis = 2),
		"2 dimensions, and no channels along ch_axis 2");
	refused(MinMaxObserver(.quant_min = -7), "together or not at all");
	refused(MinMaxObserver(.quant_min = -1, .quant_max = 255),
		"-1 to quant_max 255 leave quint8");
	refused(MinMaxObserver(.quant_min = 1, .quant_max = 9),
		"0 lies between");
	refused(MinMaxObserver(.quant_min = 0, .quant_max = 0),
		"less than quant_max");
	refused(MinMaxObserver(.eps = 0), "eps 0 is no scale");
	refused(MovingAverageMinMaxObserver(1.5), "averaging_constant 1.5");
}

static void data_without_a_range_is_refused(void **state)
{
	struct fx_module *m = MinMaxObserver();
	fxv nan = fx_tensor(1, NAN), inf = fx_tensor(0, 1, -INFINITY);
	fxv empty = fx_zeros(0, 3), y;
	struct fx_qparams q;

	y = fx_call(m, nan);
	assert_non_null(strstr(fx_error(y), "element 1 is nan"));
	fx_release(y);
	y = fx_call(m, inf);
	assert_non_null(strstr(fx_error(y), "element 2 is -inf"));
	fx_release(y);
	y = fx_call(m, empty);
	assert_non_null(strstr(fx_error(y), "empty"));
	fx_release(y);
	assert_int_equal(fx_calculate_qparams(m, &q), -ENODATA);
	assert_non_null(strstr(q.error, "MinMaxObserver: no data"));
	fx_release(nan);
	fx_release(inf);
	fx_release(empty);

	nan = fx_tensor(-FLT_MAX, FLT_MAX);
	y = fx_call(m, nan);
	assert_null(fx_error(y));
	fx_release(y);
	fx_release(nan);
	assert_int_equal(fx_calculate_qparams(m, &q), -EINVAL);
	assert_non_null(strstr(q.error, "no float32 scale"));
	fx_module_put(m);

	m = ReLU();
	assert_int_equal(fx_calculate_qparams(m, &q), -EINVAL);
	assert_non_null(strstr(q.error, "ReLU: not an observer"));
	fx_module_put(m);
}

static void channels_do_not_change_their_number(void **state)
{
	struct fx_module *m = PerChannelMinMaxObserver();
	fxv two = fx_ones(2, 3), four = fx_ones(4, 3), y;

	y = fx_call(m, two);
	assert_null(fx_error(y));
	fx_release(y);
	y = fx_call(m, four);
	assert_non_null(strstr(fx_error(y), "4 channels, and those before it had 2"));
	fx_release(y);
	fx_release(two);
	fx_release(four);
	fx_module_put(m);
}

static struct fx_qparams after(struct fx_module *m, fxv x)
{
	struct fx_qparams q;
	fxv y = fx_call(m, x);

	assert_null(fx_error(y));
	assert_int_equal(fx_calculate_qparams(m, &q), 0);
	fx_release(y);
	fx_release(x);
	fx_module_put(m);
	return q;
}

static void integers_of_other_widths(void **state)
{
	struct fx_qparams q;

	q = after(MinMaxObserver(.dtype = "qint8", .quant_min = -7,
				 .quant_max = 7,
				 .qscheme = "per_tensor_symmetric"),
		  fx_tensor(-3.5, 1));
	assert_true(q.scale[0] == 0.5f && q.zero_point[0] == 0);
	fx_qparams_free(&q);

	q = after(MinMaxObserver(.dtype = "qint16"), fx_tensor(0, 65535));
	assert_true(q.scale[0] == 1 && q.zero_point[0] == -32768);
	fx_qparams_free(&q);

	/* The middle of quint8, all of it and half. */
	q = after(MinMaxObserver(.qscheme = "per_tensor_symmetric"),
		  fx_tensor(1));
	assert_int_equal(q.zero_point[0], 128);
	fx_qparams_free(&q);
	q = after(MinMaxObserver(.qscheme = "per_tensor_symmetric",
				 .reduce_range = true), fx_tensor(1));
	assert_int_equal(q.zero_point[0], 64);
	fx_qparams_free(&q);
}

static void scales_that_are_powers_of_two(void **state)
{
	static const struct { float max, scale; } cases[] = {
		{ 127, 1 }, { 127.5f, 2 }, { 64, 1 }, { 63.5f, 0.5f },
		{ 0, 0x1p-23f },
	};
	struct fx_qparams q;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		q = after(MinMaxObserver(.dtype = "qint8", .quant_min = -127,
					 .quant_max = 127,
					 .power_of_two = true,
					 .qscheme = "per_tensor_symmetric"),
			  fx_tensor(cases[i].max));
		assert_true(q.scale[0] == cases[i].scale);
		fx_qparams_free(&q);
	}

	/* The zero point belongs to the wider scale. */
	q = after(MinMaxObserver(.power_of_two = true), fx_tensor(-100, 100));
	assert_true(q.scale[0] == 1 && q.zero_point[0] == 100);
	fx_qparams_free(&q);
}

/* In a graph */

FX_MODULE(Observed,
	  module(relu, ReLU()),
	  module(activation_post_process_0, MinMaxObserver()))

FX_FORWARD(Observed, x)
{
	return fx_call(self->activation_post_process_0,
		       fx_call(self->relu, x));
}

static void a_graph_shows_an_observer_as_one_call(void **state)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_module *m = Observed(), *gm;
	struct fx_graph *g;
	struct fx_qparams q;
	char *code;
	fxv x, y;

	assert_int_equal(fx_trace(m, &tracer, &g), 0);
	code = fx_graph_code(g);
	assert_non_null(strstr(code, "activation_post_process_0 = self.activation_post_process_0(relu)"));
	free(code);

	gm = GraphModuleWithAttr(m, g);
	x = fx_tensor(-1, 255);
	y = fx_call(gm, x);
	assert_null(fx_error(y));
	fx_release(x);
	fx_release(y);
	assert_int_equal(fx_calculate_qparams(fx_module_at(m,
			 "activation_post_process_0"), &q), 0);
	assert_true(q.scale[0] == 1 && q.zero_point[0] == 0);
	fx_qparams_free(&q);
	fx_module_put(gm);
	fx_module_put(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(observers_find_what_torch_finds),
		cmocka_unit_test(options_that_clash_are_refused),
		cmocka_unit_test(data_without_a_range_is_refused),
		cmocka_unit_test(channels_do_not_change_their_number),
		cmocka_unit_test(integers_of_other_widths),
		cmocka_unit_test(scales_that_are_powers_of_two),
		cmocka_unit_test(a_graph_shows_an_observer_as_one_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
