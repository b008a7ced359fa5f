// SPDX-License-Identifier: MIT
/*
 * test_verbs.c - prepare and convert, each by itself
 *
 * What the goldens of torch cannot show: the backend of this machine, layers
 * that are called twice, and what verbs leave alone.
 */
#include "verbs_kit.h"

/* Observers, and what they find */

/* Members that no forward reads. */
FX_MODULE(Labelled,
	  attribute(classes, "cat dog"),
	  attribute(threshold, 0.5),
	  buffer(mean, fx_zeros(4)),
	  module(conv, Conv2d(4, 4, 1)))

FX_FORWARD(Labelled, x)
{
	return fx_call(self->conv, x);
}

static void assert_labelled(struct fx_module *gm)
{
	if (gm->error)
		fail_msg("%s", gm->error);
	assert_string_equal(fx_member(gm, "classes").s, "cat dog");
	assert_true(fx_float(fx_member(gm, "threshold")) == 0.5);
	assert_non_null(fx_module_tensor(gm, "mean"));
}

/* What torch is asked for in a list, preserved_attributes, is kept anyhow. */
static void attributes_are_preserved(void **state)
{
	struct fx_module_qconfig qconfig = any_qconfig();
	struct fx_module *model = filled(Labelled());
	struct fx_module *prepared = prepare_calibration_fx(model,
					fx_qconfig_dict({ "", NULL, &qconfig }));
	struct fx_module *integers;

	assert_labelled(prepared);
	assert_runs(prepared);
	integers = convert_fx(prepared);
	assert_labelled(integers);
	fx_module_put(integers);
	fx_module_put(prepared);
	fx_module_put(model);
	fx_qconfig_put(&qconfig);
}

static void paths_go_before_types(void **state)
{
	struct fx_module_qconfig general = any_qconfig(), typed = any_qconfig();
	struct fx_module *model = filled(Block()), *gm;
	struct fx_module *named = MinMaxObserver("qint8",
						 "per_tensor_symmetric");
	struct fx_module_qconfig own = QConfig(named, MinMaxObserver("qint8"));

	fx_module_put(typed.activation);
	typed.activation = MovingAverageMinMaxObserver();
	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "module_name", "last", &own },
		{ "module_type", "Conv2d", &typed },
		{ "", NULL, &general }));
	assert_null(gm->error);
	assert_string_equal(class_at(gm, "activation_post_process_1"),
			    "MovingAverageMinMaxObserver");
	assert_string_equal(class_at(gm, "activation_post_process_3"),
			    "MinMaxObserver");
	fx_module_put(gm);
	fx_qconfig_put(&general);
	fx_qconfig_put(&typed);
	fx_qconfig_put(&own);
	fx_module_put(model);
}

/* Nothing of the block but its last layer is quantized. */
static void what_has_no_qconfig_stays_float(void **state)
{
	struct fx_module_qconfig qconfig = any_qconfig();
	struct fx_module *model = filled(Block()), *gm, *converted;

	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, NULL }, { "module_name", "last", &qconfig }));
	assert_runs(gm);
	converted = convert_fx(gm);
	assert_body(converted, "def forward(self, x):\n"
		"    c1 = self.c1(x)\n"
		"    _generated_add_0 = self._generated_add_0(c1, x);  c1 = x = None\n"
		"    last_input_scale_0 = self.last_input_scale_0\n"
		"    last_input_zero_point_0 = self.last_input_zero_point_0\n"
		"    quantize_per_tensor = torch.quantize_per_tensor(_generated_add_0, last_input_scale_0, last_input_zero_point_0, torch.quint8);  _generated_add_0 = last_input_scale_0 = last_input_zero_point_0 = None\n"
		"    last = self.last(quantize_per_tensor);  quantize_per_tensor = None\n"
		"    dequantize_1 = last.dequantize();  last = None\n"
		"    return dequantize_1\n    ");
	assert_rounded(model, gm, converted, 1);
	fx_qconfig_put(&qconfig);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
}

/* Without an observer behind it a layer gives the sums of 32 bits. */
static void an_out_qconfig_keeps_the_sums(void **state)
{
	struct fx_module_qconfig qconfig = any_qconfig(), out = any_qconfig();
	struct fx_module *model = filled(Block()), *gm, *converted;

	fx_module_put(out.activation);
	out.activation = NULL;
	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &qconfig }, { "module_name", "last", &out }));
	assert_runs(gm);
	converted = convert_fx(gm);
	assert_body(converted, "def forward(self, x):\n"
		"    c1_input_scale_0 = self.c1_input_scale_0\n"
		"    c1_input_zero_point_0 = self.c1_input_zero_point_0\n"
		"    quantize_per_tensor = torch.quantize_per_tensor(x, c1_input_scale_0, c1_input_zero_point_0, torch.quint8);  x = c1_input_scale_0 = c1_input_zero_point_0 = None\n"
		"    c1 = self.c1(quantize_per_tensor)\n"
		"    _generated_add_0 = self._generated_add_0(c1, quantize_per_tensor);  c1 = quantize_per_tensor = None\n"
		"    last = self.last(_generated_add_0);  _generated_add_0 = None\n"
		"    return last\n    ");
	assert_string_equal(class_at(converted, "_generated_add_0"),
			    "intrinsic.quantized.ConvAddReLU2d");
	assert_rounded(model, gm, converted, 1);
	fx_qconfig_put(&qconfig);
	fx_qconfig_put(&out);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
}

/* Both calls of a layer are on integers, each with its own scale. */
static void a_layer_may_be_called_twice(void **state)
{
	struct fx_module_qconfig qconfig = any_qconfig();
	struct fx_module *model = filled(Again()), *gm, *converted;

	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &qconfig }));
	assert_runs(gm);
	converted = convert_fx(gm);
	assert_body(converted, "def forward(self, x):\n"
		"    block_0_input_scale_0 = self.block_0_input_scale_0\n"
		"    block_0_input_zero_point_0 = self.block_0_input_zero_point_0\n"
		"    quantize_per_tensor = torch.quantize_per_tensor(x, block_0_input_scale_0, block_0_input_zero_point_0, torch.quint8);  x = block_0_input_scale_0 = block_0_input_zero_point_0 = None\n"
		"    block_0 = getattr(self.block, \"0\")(quantize_per_tensor);  quantize_per_tensor = None\n"
		"    block_3 = getattr(self.block, \"0_1\")(block_0);  block_0 = None\n"
		"    bare = self.bare(block_3);  block_3 = None\n"
		"    relu = torch.nn.functional.relu(bare, inplace = False);  bare = None\n"
		"    bare_1 = self.bare_1(relu);  relu = None\n"
		"    dequantize_5 = bare_1.dequantize();  bare_1 = None\n"
		"    return dequantize_5\n    ");
	assert_rounded(model, gm, converted, 1);
	fx_qconfig_put(&qconfig);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
}

/* A product that stays float, and is read as it is and by a layer. */
FX_MODULE(ReadTwice,
	  module(first, Conv2d(4, 4, 1)),
	  module(second, Conv2d(4, 4, 1)))

FX_FORWARD(ReadTwice, x)
{
	fxv y = fx_mul(fx_call(self->first, x), x);

	return fx_add(fx_sigmoid(fx_call(self->second, y)), y);
}

static void what_is_read_as_a_float_stays_one(void **state)
{
	struct fx_module_qconfig qconfig = any_qconfig(), sums = any_qconfig();
	struct fx_module *model = filled(ReadTwice()), *gm, *converted;

	fx_module_put(sums.activation);
	sums.activation = NULL;
	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &qconfig }, { "object_type", "mul", &sums },
		{ "object_type", "add", NULL },
		{ "object_type", "torch.sigmoid", NULL }));
	assert_runs(gm);
	converted = convert_fx(gm);
	assert_line(converted, "mul = dequantize_1 * dequantize;");
	assert_line(converted, "torch.quantize_per_tensor(mul, ");
	assert_line(converted, "sigmoid = torch.sigmoid(dequantize_3);");
	assert_line(converted, "add = sigmoid + mul;");
	assert_rounded(model, gm, converted, 2);
	fx_qconfig_put(&qconfig);
	fx_qconfig_put(&sums);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
}

/* What a functional multiplies is a product on integers. */
FX_MODULE(Gated,
	  module(conv, Conv2d(4, 4, 1)),
	  module(gate, FloatFunctional()))

FX_FORWARD(Gated, x)
{
	return fx_ff_mul(self->gate, fx_call(self->conv, x), x);
}

static void a_functional_multiplies_integers(void **state)
{
	struct fx_module_qconfig qconfig = any_qconfig();
	struct fx_module *model = filled(Gated()), *gm, *converted;

	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &qconfig }));
	assert_runs(gm);
	converted = convert_fx(gm);
	assert_line(converted, "torch.ops.quantized.mul(");
	assert_rounded(model, gm, converted, 2);
	fx_qconfig_put(&qconfig);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
}

/*
 * So are a functional's matmul and its product with a number, which keeps the
 * integers; a number that is added stays one of floats.
 */
FX_MODULE(Functionals, module(conv, Conv2d(4, 4, 1)),
	  module(scale, FloatFunctional()), module(square, FloatFunctional()),
	  module(shift, FloatFunctional()))

FX_FORWARD(Functionals, x)
{
	x = fx_ff_mul_scalar(self->scale, fx_call(self->conv, x), 0.5);
	return fx_ff_add_scalar(self->shift,
				fx_ff_matmul(self->square, x, x), 1.5);
}

static void a_functional_takes_numbers_and_matrices(void **state)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_module_qconfig qconfig = any_qconfig();
	struct fx_module *model = filled(Functionals()), *gm, *converted;
	struct fx_graph *g;
	char *code;

	assert_int_equal(fx_trace(model, &tracer, &g), 0);
	code = fx_graph_code(g);
	assert_non_null(strstr(code, "mul = torch.mul(conv, 0.5);  conv = None\n"
		"    matmul = torch.matmul(mul, mul);  mul = None\n"
		"    square_activation_post_process = self.square.activation_post_process(matmul);  matmul = None\n"
		"    add = torch.add(square_activation_post_process, 1.5);"));
	free(code);
	fx_graph_free(g);

	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &qconfig }));
	assert_runs(gm);
	converted = convert_fx(gm);
	assert_line(converted, "torch.ops.quantized.mul(conv, 0.5)");
	assert_line(converted, "torch.ops.quantized.matmul(");
	assert_line(converted, "torch.add(dequantize");
	assert_rounded(model, gm, converted, 2);
	fx_qconfig_put(&qconfig);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
}

/* Of channel 1: each of its @n weights, and its bias. */
static void set_channel(struct fx_module *model, int n, float weight,
			float bias)
{
	struct fxq_tensor *w = fx_module_tensor(model, "conv.weight");

	for (int i = 0; i < n; i++)
		((float *)w->data)[n + i] = weight;
	((float *)fx_module_tensor(model, "conv.bias")->data)[1] = bias;
}

FX_MODULE(Dead, module(conv, Conv2d(4, 4, 1)))

FX_FORWARD(Dead, x)
{
	return fx_call(self->conv, x);
}

/*
 * A channel with hardly a weight is its bias, which is counted in what holds it,
 * unless the weights would be missed in the result.
 */
static void a_bias_fits_its_channel(void **state)
{
	static const float weights[] = { 0, 1e-5f };
	struct fx_module_qconfig qconfig = any_qconfig();
	struct fx_module *model = filled(Dead()), *gm, *converted;
	fxv x = fx_gen(42, 1, 2, 4, 6, 6), y;

	for (size_t i = 0; i < 2; i++) {
		set_channel(model, 4, weights[i], i ? 1e6f : 100);
		gm = prepare_calibration_fx(model, fx_qconfig_dict(
			{ "", NULL, &qconfig }));
		assert_runs(gm);
		converted = convert_fx(gm);
		assert_rounded(model, gm, converted, 1);
		fx_module_put(converted);
		fx_module_put(gm);
	}

	set_channel(model, 4, 1e-3f, 1e6f);
	fx_module_put(qconfig.activation);
	qconfig.activation = FixedQParamsObserver(1e-4, .dtype = "qint8");
	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &qconfig }));
	assert_runs(gm);
	converted = convert_fx(gm);
	y = fx_call(converted, x);
	assert_non_null(strstr(fx_error(y), "fx_call(self->conv, x): quantized.Conv2d, channel 1: bias 1e+06 in units of "));
	assert_non_null(strstr(fx_error(y), " has no 32 bits; give this layer one scale for all weights, or no qconfig"));
	fx_release(x);
	fx_release(y);
	fx_qconfig_put(&qconfig);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
}

/* A scale for each input channel is none for a sum: this layer stays float. */
static void scales_of_inputs_stay_float(void **state)
{
	struct fx_module_qconfig qconfig = any_qconfig();
	struct fx_module *model = filled(Dead()), *gm, *converted;

	fx_module_put(qconfig.weight);
	qconfig.weight = PerChannelMinMaxObserver(.ch_axis = 1,
		.dtype = "qint8", .qscheme = "per_channel_symmetric");
	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &qconfig }));
	assert_runs(gm);
	converted = convert_fx(gm);
	assert_string_equal(class_at(converted, "conv"),
			    "quantized.reference.Conv2d");
	assert_rounded(model, gm, converted, 1);
	fx_qconfig_put(&qconfig);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
}

/* Stubs are calls, and the first says the scale of the input. */
FX_MODULE(Stubbed,
	  module(quant, QuantStub(0.0625)),
	  module(conv, Conv2d(4, 4, 1)),
	  module(dequant, DeQuantStub()))

FX_FORWARD(Stubbed, x)
{
	x = fx_call(self->conv, fx_call(self->quant, x));
	return fx_call(self->dequant, x);
}

static void stubs_are_leaves(void **state)
{
	struct fx_module_qconfig qconfig = any_qconfig();
	struct fx_module *model = filled(Stubbed()), *gm, *converted;

	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &qconfig }));
	assert_body(gm, "def forward(self, x):\n"
		"    quant = self.quant(x);  x = None\n"
		"    activation_post_process_0 = self.activation_post_process_0(quant);  quant = None\n"
		"    conv = self.conv(activation_post_process_0);  activation_post_process_0 = None\n"
		"    activation_post_process_1 = self.activation_post_process_1(conv);  conv = None\n"
		"    dequant = self.dequant(activation_post_process_1);  activation_post_process_1 = None\n"
		"    return dequant\n    ");
	assert_runs(gm);
	converted = convert_fx(gm);
	assert_null(converted->error);
	assert_true(*(float *)fx_module_tensor(converted,
		"quant_scale_0")->data == 0.0625f);
	assert_int_equal(*(int64_t *)fx_module_tensor(converted,
		"quant_zero_point_0")->data, 0);
	assert_rounded(model, gm, converted, 1);
	fx_qconfig_put(&qconfig);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
}

static void defaults_are_called_by_name(void **state)
{
	struct fx_module_qconfig calibrate = get_default_qconfig();
	struct fx_module_qconfig train = get_default_qconfig(
		.activation_observer = "mse", .activation_fake_quant = "lsq");
	struct fx_module_qconfig wrong = get_default_qconfig("max");
	struct fx_module_qconfig four = get_default_qconfig(
		.weight_bits = 4, .per_tensor = true, .power_of_two = true,
		.weight_observer = "mse");
	struct fx_module_qconfig nine = get_default_qconfig(.weight_bits = 9);
	fxv w = fx_gen(1, 0.5f, 4, 3), seen;
	struct fx_qparams q;
	struct fx_module *model = filled(Block()), *gm, *converted;

	assert_string_equal(calibrate.activation->class->name,
			    "MinMaxObserver");
	assert_string_equal(train.activation->class->name, "LSQFakeQuantize");
	assert_string_equal(class_at(train.activation,
				     "activation_post_process"), "MSEObserver");
	assert_string_equal(train.weight->class->name, "FakeQuantize");
	assert_refused(prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &wrong })),
		"activation_observer is one of min_max moving_average histogram percentile kl mse mix clip clip_std, not 'max'");
	assert_string_equal(class_at(train.weight, "activation_post_process"),
			    "MovingAveragePerChannelMinMaxObserver");
	assert_string_equal(four.weight->class->name, "MSEObserver");
	seen = fx_call(four.weight, w);
	assert_null(fx_error(seen));
	assert_int_equal(fx_calculate_qparams(four.weight, &q), 0);
	assert_int_equal(q.quant_max, 7);
	assert_true(frexpf(q.scale[0], &(int){ 0 }) == 0.5f);
	fx_qparams_free(&q);
	assert_refused(prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &nine })), "weight_bits is from 2 to 8, not 9");
	fx_release(seen);
	fx_release(w);
	fx_qconfig_put(&four);
	fx_qconfig_put(&nine);
	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &calibrate }));
	assert_runs(gm);
	converted = convert_fx(gm);
	assert_rounded(model, gm, converted, 1);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
	fx_qconfig_put(&calibrate);
	fx_qconfig_put(&train);
	fx_qconfig_put(&wrong);
}

/* A number more or less is no operator on integers: it is added to floats. */
FX_MODULE(Numbers, module(conv, Conv2d(4, 4, 1)))
FX_FORWARD(Numbers, x)
{
	x = fx_add(fx_mul(fx_call(self->conv, x), 2), 1);
	return fx_relu(fx_sub(fx_mul(x, -1), 0.5));
}

static void numbers_meet_floats(void **state)
{
	struct fx_module_qconfig qconfig = any_qconfig();
	struct fx_module *model = filled(Numbers()), *gm, *converted;

	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &qconfig }));
	assert_runs(gm);
	converted = convert_fx(gm);
	assert_rounded(model, gm, converted, 4);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_qconfig_put(&qconfig);
	fx_module_put(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_are_preserved),
		cmocka_unit_test(paths_go_before_types),
		cmocka_unit_test(what_has_no_qconfig_stays_float),
		cmocka_unit_test(an_out_qconfig_keeps_the_sums),
		cmocka_unit_test(a_layer_may_be_called_twice),
		cmocka_unit_test(what_is_read_as_a_float_stays_one),
		cmocka_unit_test(a_functional_multiplies_integers),
		cmocka_unit_test(a_functional_takes_numbers_and_matrices),
		cmocka_unit_test(a_bias_fits_its_channel),
		cmocka_unit_test(scales_of_inputs_stay_float),
		cmocka_unit_test(stubs_are_leaves),
		cmocka_unit_test(defaults_are_called_by_name),
		cmocka_unit_test(numbers_meet_floats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
