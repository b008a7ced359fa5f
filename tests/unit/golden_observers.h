/* SPDX-License-Identifier: MIT */
/*
 * golden_observers.h - what torch's observers found, and how it rounds
 *
 * tests/golden/quant/observers.json and rounding.json against the classes of
 * observer.h: extremes, scales and fake quantized values are equal to the bit.
 */
#ifndef GOLDEN_OBSERVERS_H
#define GOLDEN_OBSERVERS_H

#include <math.h>

#include <fxq/observer.h>

#include "golden_json.h"

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
	assert_string_equal(name, "HistogramObserver");
	return HistogramObserver(.dtype = dtype, .qscheme = qscheme);
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

static void assert_golden_observers(void)
{
	json_t *root = load("observers.json"), *o;
	size_t i;

	json_array_foreach(json_object_get(root, "results"), i, o) {
		struct fx_module *m = golden_observer(o);

		assert_golden(m, o);
		fx_module_put(m);
	}
	assert_int_equal(i, 37);
	json_decref(root);
}

/* torch's rounding, and what is far outside. */
static void assert_golden_rounding(void)
{
	json_t *root = load("rounding.json"), *set;
	size_t i;

	json_array_foreach(root, i, set) {
		json_t *x = json_object_get(set, "x");
		json_t *y = json_object_get(set, "fake_quant");
		struct fx_module *m = FakeQuantize(MinMaxObserver(
			.dtype = "qint8"));
		fxv in = fx_zeros((int64_t)json_array_size(x)), out;
		float *v = fx_data(in)->data;

		for (size_t k = 0; k < json_array_size(x); k++)
			v[k] = (float)json_number_value(json_array_get(x, k));
		*(float *)fx_module_tensor(m, "scale")->data =
			(float)json_number_value(json_object_get(set, "scale"));
		*(int32_t *)fx_module_tensor(m, "zero_point")->data =
			(int32_t)integer(set, "zp");
		fx_set_fake_quantize(m, FX_VALIDATION);
		out = fx_call(m, in);
		assert_null(fx_error(out));
		assert_int_equal(json_array_size(y), json_array_size(x));
		v = fx_data(out)->data;
		for (size_t k = 0; k < json_array_size(y); k++)
			assert_true(v[k] ==
				    (float)json_number_value(json_array_get(y, k)));
		fx_release(out);
		fx_release(in);
		fx_module_put(m);
	}
	assert_int_equal(i, 6);
	json_decref(root);
}

#endif /* GOLDEN_OBSERVERS_H */
