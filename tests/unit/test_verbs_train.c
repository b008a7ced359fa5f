// SPDX-License-Identifier: MIT
/*
 * test_verbs_train.c - models that learn with their fake quantizers
 */
#include "verbs_kit.h"

static float last_step(struct fx_module *gm)
{
	float step = 0;

	for (int i = 0; i < MOST_OBSERVERS; i++)
		step = step_of(gm, i) > 0 ? step_of(gm, i) : step;
	return step;
}

static struct fx_module_qconfig qat_qconfig(void)
{
	return QConfig(FakeQuantize(MovingAverageMinMaxObserver()),
		       FakeQuantize(MovingAveragePerChannelMinMaxObserver(
				.dtype = "qint8",
				.qscheme = "per_channel_symmetric")));
}

/*
 * What is left between the two is the order of float sums: a value may fall on
 * the other side of a tie, and then be off by one step.
 */
static void a_trained_model_is_what_it_was_trained_to_be(void **state)
{
	struct fx_module_qconfig qconfig = qat_qconfig();
	struct fx_module *model = fx_train(filled(Block())), *gm, *converted;

	gm = prepare_qat_fx(model, fx_qconfig_dict({ "", NULL, &qconfig }));
	assert_null(gm->error);
	assert_string_equal(class_at(gm, "_generated_add_0"),
			    "intrinsic.qat.ConvBnAddReLU2d");
	set_fake_quantize(gm, FX_CALIBRATION);
	assert_runs(gm);
	set_fake_quantize(gm, FX_QAT);
	assert_runs(gm);
	set_fake_quantize(gm, FX_VALIDATION);
	converted = convert_fx(fx_eval(gm));
	assert_null(converted->error);
	assert_string_equal(class_at(converted, "_generated_add_0"),
			    "intrinsic.quantized.ConvAddReLU2d");
	assert_near(gm, converted, 1.001f * last_step(gm));
	assert_true(model->training);
	fx_qconfig_put(&qconfig);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
}

/* What is called twice is trained as one. */
FX_MODULE(Twins, module(conv, Conv2d(4, 4, 1)))

FX_FORWARD(Twins, x)
{
	x = fx_add(fx_call(self->conv, x), x);
	return fx_add(fx_call(self->conv, x), x);
}

static void twins_train_as_one(void **state)
{
	struct fx_module_qconfig qconfig = qat_qconfig();
	struct fx_module *model = fx_train(filled(Twins())), *gm;

	gm = prepare_qat_fx(model, fx_qconfig_dict({ "", NULL, &qconfig }));
	assert_null(gm->error);
	assert_string_equal(class_at(gm, "_generated_add_1"),
			    "intrinsic.qat.ConvAdd2d");
	assert_ptr_equal(fx_module_at(gm, "_generated_add_0"),
			 fx_module_at(gm, "_generated_add_1"));
	fx_qconfig_put(&qconfig);
	fx_module_put(gm);
	fx_module_put(model);
}

/* Transposed weights have the channels of one group after those of another. */
FX_MODULE(Groups,
	  module(up, ConvTranspose2d(4, 6, 3, .groups = 2)),
	  module(norm, BatchNorm2d(6)))

FX_FORWARD(Groups, x)
{
	return fx_call(self->norm, fx_call(self->up, x));
}

static void groups_train_with_a_batch_norm(void **state)
{
	struct fx_module_qconfig qconfig = qat_qconfig();
	struct fx_module *model = fx_train(filled(Groups())), *gm, *converted;

	gm = prepare_qat_fx(model, fx_qconfig_dict({ "", NULL, &qconfig }));
	assert_runs(gm);
	set_fake_quantize(gm, FX_VALIDATION);
	converted = convert_fx(fx_eval(gm));
	assert_string_equal(class_at(converted, "up"),
			    "quantized.ConvTranspose2d");
	assert_near(gm, converted, 1.001f * last_step(gm));
	fx_qconfig_put(&qconfig);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
}

FX_MODULE(Flat, module(fc, Linear(144, 4)))

FX_FORWARD(Flat, x)
{
	return fx_call(self->fc, fx_method(fx_relu(x), flatten, 1));
}

static void what_is_removed_is_listed(void **state)
{
	struct fx_module_qconfig qconfig = any_qconfig();
	struct fx_module *model = filled(Flat()), *gm, *converted;
	char *notes;

	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &qconfig }));
	assert_runs(gm);
	converted = convert_fx(gm, .ret_notes = &notes);
	assert_null(converted->error);
	assert_string_equal(notes,
		"relu: the dequantize before and the quantize behind it are gone: its input and its result have one scale\n"
		"flatten: the dequantize before and the quantize behind it are gone: its input and its result have one scale\n");
	assert_rounded(model, gm, converted, 1);
	free(notes);
	fx_qconfig_put(&qconfig);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trained_model_is_what_it_was_trained_to_be),
		cmocka_unit_test(twins_train_as_one),
		cmocka_unit_test(groups_train_with_a_batch_norm),
		cmocka_unit_test(what_is_removed_is_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
