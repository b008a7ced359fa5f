// SPDX-License-Identifier: MIT
/*
 * test_verbs_refuse.c - what prepare, convert and integers refuse, and why
 */
#include <errno.h>

#include "verbs_kit.h"

FX_MODULE(NoFunctional, module(conv, Conv2d(4, 4, 1)))

FX_FORWARD(NoFunctional, x)
{
	return fx_ff_mul_scalar(NULL, fx_call(self->conv, x), 0.5);
}

static void what_is_no_functional_is_refused(void **state)
{
	struct fx_module *model = filled(NoFunctional());
	fxv x = fx_gen(42, 1, 2, 4, 6, 6), y = fx_call(model, x);

	assert_non_null(strstr(fx_error(y), "this is no FloatFunctional"));
	fx_release(y);
	fx_release(x);
	fx_module_put(model);
}

FX_MODULE(Negative, module(quant, QuantStub(-0.5)), module(conv, Conv2d(4, 4, 1)))

FX_FORWARD(Negative, x)
{
	return fx_call(self->conv, fx_call(self->quant, x));
}

static void wrong_qconfigs_are_refused(void **state)
{
	struct fx_module_qconfig qconfig = any_qconfig();
	struct fx_module_qconfig none = { qconfig.activation, NULL };
	struct fx_module *model = filled(Block()), *negative, *gm;

	assert_refused(prepare_calibration_fx(model, fx_qconfig_dict(
		{ "module", "c1", &qconfig })),
		"key of qconfig_dict must in {'', 'module_type', 'module_name'}.");
	assert_refused(prepare_calibration_fx(model, fx_qconfig_dict(
		{ "module_name", "c9", &qconfig })),
		"the model has no module called 'c9'");
	assert_refused(prepare_calibration_fx(model, fx_qconfig_dict(
		{ "module_type", NULL, &qconfig })), "no name is given");
	assert_refused(prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &none })), "no observer of weights");
	assert_refused(convert_fx(model), "convert_fx takes what");
	negative = filled(Negative());
	assert_refused(prepare_calibration_fx(negative, fx_qconfig_dict(
		{ "", NULL, &qconfig })), "scale -0.5 is no scale");
	fx_module_put(negative);
	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &qconfig }));
	assert_refused(convert_fx(gm), "has seen no data");
	assert_refused(prepare_calibration_fx(gm, fx_qconfig_dict(
		{ "", NULL, &qconfig })), "is prepared already");
	fx_module_put(gm);
	fx_qconfig_put(&qconfig);
	fx_module_put(model);
}

FX_MODULE(Pooled, module(conv, Conv2d(4, 4, 1)),
	  module(pool, AdaptiveAvgPool2d(3)), module(last, Conv2d(4, 4, 1)))

FX_FORWARD(Pooled, x)
{
	x = fx_call(self->pool, fx_call(self->conv, x));
	return fx_call(self->last, x);
}

/* Prepared once more they would be taken for floats; without a qconfig they stay. */
static void what_is_converted_is_not_prepared(void **state)
{
	struct fx_module_qconfig qconfig = any_qconfig();
	struct fx_module *model = filled(Pooled()), *gm, *converted, *again;
	struct fx_graph *g;

	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &qconfig }));
	assert_runs(gm);
	converted = convert_fx(gm);
	assert_refused(prepare_calibration_fx(converted, fx_qconfig_dict(
		{ "", NULL, &qconfig })),
		"conv: its weights are integers already; leave it as it is, { \"module_name\", \"conv\", NULL }, or prepare the model that was converted");
	again = convert_fx(gm, .is_reference = true);
	assert_refused(prepare_qat_fx(again, fx_qconfig_dict(
		{ "", NULL, &qconfig })),
		"conv: its weights are integers already");
	fx_module_put(again);
	again = prepare_qat_fx(converted, fx_qconfig_dict(
		{ "", NULL, &qconfig }, { "module_name", "conv", NULL },
		{ "module_name", "last", NULL }));
	assert_null(again->error);
	fx_module_put(again);

	/* Averages of integers round otherwise than those of floats. */
	assert_int_equal(fx_functionalize(converted->graph, converted, &g),
			 -EINVAL);
	assert_non_null(strstr(fx_graph_error(converted->graph),
			       "its sizes are not known: give the type of the graph's inputs first"));
	fx_qconfig_put(&qconfig);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
}

static void int16_is_for_fake_quantization(void **state)
{
	struct fx_module_qconfig qconfig = any_qconfig();
	struct fx_module *model = filled(Block()), *gm;

	fx_module_put(qconfig.activation);
	qconfig.activation = MinMaxObserver(.dtype = "qint16",
					    .qscheme = "per_tensor_symmetric");
	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &qconfig }));
	assert_runs(gm);
	assert_refused(convert_fx(gm), "'x': values have one scale and 8 bits");
	fx_module_put(gm);
	fx_qconfig_put(&qconfig);
	fx_module_put(model);
}

/* What integers cannot do */

FX_MODULE(Long, module(softmax, Softmax(-1)))
FX_FORWARD(Long, x)
{
	return fx_call(self->softmax, x);
}

FX_MODULE(Wide, module(norm, LayerNorm(5000)))
FX_FORWARD(Wide, x)
{
	return fx_call(self->norm, x);
}

FX_MODULE(Products)
FX_FORWARD(Products, x)
{
	return fx_matmul(x, fx_method(x, permute, 1, 0));
}

FX_MODULE(Rows, module(slopes, PReLU(3)))
FX_FORWARD(Rows, x)
{
	return fx_call(self->slopes, x);
}

static void integers_have_their_limits(void **state)
{
	static const struct {
		struct fx_module *(*model)(void);
		int64_t columns;
		const char *why;
	} cases[] = {
		{ Long, 5000, "softmax of a quantized tensor: it runs over more than 4096 elements; without a qconfig it stays float" },
		{ Wide, 5000, "layer_norm of a quantized tensor: it does not run over a last dimension of at most 4096" },
		{ Products, 40000, "sums 40000 products, more than 32 bits are sure to hold; leave it float" },
		{ Rows, 3, "prelu of a quantized tensor: it is for images, and has 2 dimensions" },
	};
	struct fx_module_qconfig qconfig = any_qconfig();

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fx_module *model = cases[i].model(), *gm, *converted;
		fxv x = fx_gen(42, 1, 2, cases[i].columns), y, z;

		gm = prepare_calibration_fx(model, fx_qconfig_dict(
			{ "", NULL, &qconfig }));
		y = fx_call(gm, x);
		converted = convert_fx(gm);
		z = fx_call(converted, x);
		if (!fx_error(z) || !strstr(fx_error(z), cases[i].why))
			fail_msg("case %zu: %s", i, fx_error(z));
		fx_release(z);
		fx_release(y);
		fx_release(x);
		fx_module_put(converted);
		fx_module_put(gm);
		fx_module_put(model);
	}
	fx_qconfig_put(&qconfig);
}

FX_MODULE(LongFunction)
FX_FORWARD(LongFunction, x)
{
	return fx_softmax(x, .dim = -1);
}

FX_MODULE(LongMethod)
FX_FORWARD(LongMethod, x)
{
	return fx_method(x, softmax, -1);
}

/* What convert makes of @model, prepared for an input with a type. */
static struct fx_module *converted_for(struct fx_module *model,
				       const struct fx_qconfig_item *dict,
				       fxv x)
{
	struct fx_module *gm = prepare_calibration_fx(model, dict), *converted;
	fxv y;

	fx_node_set_type(fx_graph_first(gm->graph), fx_data(x));
	y = fx_call(gm, x);
	fx_release(y);
	converted = convert_fx(gm);
	fx_module_put(gm);
	return converted;
}

/* Where the input has a type, convert tells; the remedy is what it says. */
static void what_is_too_long_is_told_of_when_it_is_converted(void **state)
{
	static const struct {
		struct fx_module *(*model)(void);
		int64_t columns;
		const char *key, *name, *why;
	} cases[] = {
		{ Wide, 5000, "module_name", "norm", "norm: a layer norm on integers runs over at most 4096 elements, and this one over 5000; prepare it without a qconfig, { \"module_name\", \"norm\", NULL }, and it stays float" },
		{ Products, 33026, "object_type", "matmul", "matmul: a product of matrices on integers sums at most 33025 products, and this one 33026; prepare it without a qconfig, { \"object_type\", \"matmul\", NULL }, and it stays float" },
		{ LongMethod, 5000, "object_type", "softmax", "{ \"object_type\", \"softmax\", NULL }, and it stays float" },
		{ Long, 5000, "module_name", "softmax", "softmax: a softmax on integers runs over at most 4096 elements, and this one over 5000; prepare it without a qconfig, { \"module_name\", \"softmax\", NULL }, and it stays float" },
		{ LongFunction, 5000, "object_type", "torch.nn.functional.softmax", "prepare it without a qconfig, { \"object_type\", \"torch.nn.functional.softmax\", NULL }, and it stays float" },
	};
	struct fx_module_qconfig qconfig = any_qconfig();

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fx_module *model = cases[i].model(), *gm;
		fxv x = fx_gen(42, 1, 2, cases[i].columns), y;

		assert_refused(converted_for(model, fx_qconfig_dict(
			{ "", NULL, &qconfig }), x), cases[i].why);
		gm = converted_for(model, fx_qconfig_dict(
			{ "", NULL, &qconfig },
			{ cases[i].key, cases[i].name, NULL }), x);
		y = fx_call(gm, x);
		if (fx_error(y))
			fail_msg("%s", fx_error(y));
		fx_release(y);
		fx_release(x);
		fx_module_put(gm);
		fx_module_put(model);
	}
	fx_qconfig_put(&qconfig);
}

FX_MODULE(Fits, module(norm, LayerNorm(4096)), module(softmax, Softmax(-1)))
FX_FORWARD(Fits, x)
{
	x = fx_call(self->softmax, fx_call(self->norm, x));
	return fx_matmul(x, fx_method(x, permute, 1, 0));
}

FX_MODULE(Planes, module(norm, LayerNorm(.normalized_shape_hw = { 2, 3 })))
FX_FORWARD(Planes, x)
{
	return fx_call(self->norm, x);
}

/* Of what fits; and of a norm over two dimensions, which no integers do. */
static void nothing_else_is_refused(void **state)
{
	static const struct {
		struct fx_module *(*model)(void);
		int64_t columns;
	} cases[] = { { Fits, 4096 }, { Planes, 3 } };
	struct fx_module_qconfig qconfig = any_qconfig();

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fx_module *model = cases[i].model(), *gm;
		fxv x = fx_gen(42, 1, 2, cases[i].columns), y;

		gm = converted_for(model, fx_qconfig_dict(
			{ "", NULL, &qconfig }), x);
		y = fx_call(gm, x);
		if (fx_error(y))
			fail_msg("case %zu: %s", i, fx_error(y));
		fx_release(y);
		fx_release(x);
		fx_module_put(gm);
		fx_module_put(model);
	}
	fx_qconfig_put(&qconfig);
}

static void assert_no_tensor(fxv v, const char *why)
{
	if (!fx_error(v) || !strstr(fx_error(v), why))
		fail_msg("'%s' lacks '%s'", fx_error(v), why);
	fx_release(v);
}

/* Functions of quantized tensors, as code of a graph may call them */
static void scales_of_quantized_tensors_are_checked(void **state)
{
	const fxv qint8 = { .kind = FX_VALUE_NAME, .s = "torch.qint8" };
	fxv x = fx_gen(42, 1, 2, 2);
	fxv q = fx_quantize_per_tensor(x, fx_value(0.5), fx_value(3), qint8);

	assert_no_tensor(fx_quantize_per_tensor(x, fx_value(0.0), fx_value(0),
						qint8),
			 "scale 0 is no scale: it is above 0, finite, and normal in float32");
	assert_no_tensor(fx_quantize_per_tensor(x, fx_value(1.0), fx_value(128),
						qint8),
			 "in qint8 this one is 128");
	assert_no_tensor(fx_quantized_add(q, q, fx_value(-1.0), fx_value(0)),
			 "scale -1 is no scale");
	assert_no_tensor(fx_quantized_add(q, q, fx_value(1.0), fx_value(256)),
			 "a zero point is from -128 to 127 of qint8, from 0 to 255 of quint8; in qint8 this one is 128");
	assert_no_tensor(fx_quantized_add(q, x, fx_value(1.0), fx_value(0)),
			 "quantized tensors are expected: quantize them first");
	assert_no_tensor(fx_quantized_mul(q, fx_value(-2.0), fx_value(1.0),
					  fx_value(0)),
			 "a quantized tensor times -2: only what is above 0 keeps the order of its values");
	assert_no_tensor(fx_quantized_mul(q, fx_value(1e39), fx_value(1.0),
					  fx_value(0)),
			 "scale inf is no scale");
	assert_no_tensor(fx_hardswish(q),
			 "hardswish has no integer form: dequantize its input first");
	fx_release(q);
	fx_release(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_functional_is_refused),
		cmocka_unit_test(wrong_qconfigs_are_refused),
		cmocka_unit_test(what_is_converted_is_not_prepared),
		cmocka_unit_test(int16_is_for_fake_quantization),
		cmocka_unit_test(integers_have_their_limits),
		cmocka_unit_test(what_is_too_long_is_told_of_when_it_is_converted),
		cmocka_unit_test(nothing_else_is_refused),
		cmocka_unit_test(scales_of_quantized_tensors_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
