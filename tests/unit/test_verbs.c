// SPDX-License-Identifier: MIT
/*
 * test_verbs.c - fuse, prepare and convert, each by itself
 *
 * What the goldens of torch cannot show: the backend of this machine, layers
 * that are called twice, what verbs leave alone, and what they refuse.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/quantize_fx.h>

static struct fx_module *filled(struct fx_module *m)
{
	fx_module_fill(m, 1000);
	return fx_eval(m);
}

static void assert_body(struct fx_module *gm, const char *body)
{
	char *code;

	if (gm->error)
		fail_msg("%s", gm->error);
	code = fx_graph_code(gm->graph);
	assert_string_equal(strstr(code, "def forward"), body);
	free(code);
}

static void assert_line(struct fx_module *gm, const char *line)
{
	char *code;

	if (gm->error)
		fail_msg("%s", gm->error);
	code = fx_graph_code(gm->graph);
	assert_non_null(strstr(code, line));
	free(code);
}

/* The two give the same answer to the same input, but for rounding. */
static void assert_near(struct fx_module *a, struct fx_module *b, float within)
{
	fxv x = fx_gen(42, 1, 2, 4, 6, 6);
	fxv y = fx_call(a, x), z = fx_call(b, x);

	if (fx_error(y) || fx_error(z))
		fail_msg("%s", fx_error(y) ? fx_error(y) : fx_error(z));
	assert_int_equal(fxq_tensor_count(fx_data(y)),
			 fxq_tensor_count(fx_data(z)));
	for (int64_t i = 0; i < fxq_tensor_count(fx_data(y)); i++)
		assert_true(fabsf(((float *)fx_data(y)->data)[i] -
				  ((float *)fx_data(z)->data)[i]) <= within);
	fx_release(x);
	fx_release(y);
	fx_release(z);
}

/* A block with everything that is fused. */
FX_MODULE(Block,
	  module(c1, Conv2d(4, 4, 3, .padding = 1)),
	  module(b1, BatchNorm2d(4)),
	  module(c2, Conv2d(4, 4, 3, .padding = 1)),
	  module(b2, BatchNorm2d(4)),
	  module(relu, ReLU()),
	  module(last, Conv2d(4, 4, 1)))

FX_FORWARD(Block, x)
{
	fxv y = fx_relu6(fx_call(self->b1, fx_call(self->c1, x)));

	y = fx_call(self->b2, fx_call(self->c2, y));
	y = fx_call(self->relu, fx_add(y, x));
	return fx_call(self->last, y);
}

static const char *class_at(struct fx_module *m, const char *path)
{
	return fx_module_at(m, path)->class->name;
}

static void an_addition_is_fused(void **state)
{
	struct fx_module *model = filled(Block()), *gm = fuse_fx(model);

	assert_body(gm, "def forward(self, x):\n"
		    "    c1 = self.c1(x)\n"
		    "    _generated_add_0 = self._generated_add_0(c1, x);  c1 = x = None\n"
		    "    last = self.last(_generated_add_0);  _generated_add_0 = None\n"
		    "    return last\n    ");
	assert_string_equal(class_at(gm, "c1"), "intrinsic.ConvReLU62d");
	assert_string_equal(class_at(gm, "_generated_add_0"),
			    "intrinsic.ConvAddReLU2d");
	assert_string_equal(class_at(gm, "c2"), "Identity");
	assert_string_equal(class_at(gm, "b2"), "Identity");
	assert_string_equal(class_at(gm, "relu"), "Identity");
	assert_near(model, gm, 1e-5f);
	fx_module_put(gm);
	fx_module_put(model);
}

static void torch_fuses_no_addition(void **state)
{
	struct fx_module *model = filled(Block());
	struct fx_module *gm = fuse_fx(model, .backend = &fx_backend_torch);

	assert_body(gm, "def forward(self, x):\n"
		    "    c1 = self.c1(x)\n"
		    "    relu6 = torch.nn.functional.relu6(c1, inplace = False);  c1 = None\n"
		    "    c2 = self.c2(relu6);  relu6 = None\n"
		    "    add = c2 + x;  c2 = x = None\n"
		    "    relu = self.relu(add);  add = None\n"
		    "    last = self.last(relu);  relu = None\n"
		    "    return last\n    ");
	assert_near(model, gm, 1e-5f);
	fx_module_put(gm);
	fx_module_put(model);
}

static void what_trains_keeps_its_batch_norms(void **state)
{
	struct fx_module *model = fx_train(filled(Block()));
	struct fx_module *gm = fuse_fx(model);

	assert_null(gm->error);
	assert_string_equal(class_at(gm, "c1"), "intrinsic.ConvBnReLU62d");
	assert_string_equal(class_at(gm, "_generated_add_0.1"), "BatchNorm2d");
	fx_eval(model);
	assert_near(model, fx_eval(gm), 1e-5f);
	fx_module_put(gm);
	fx_module_put(model);
}

static void fusing_twice_changes_nothing(void **state)
{
	struct fx_module *model = filled(Block()), *once = fuse_fx(model);
	struct fx_module *twice = fuse_fx(once);
	char *code = fx_graph_code(once->graph);

	assert_body(twice, strstr(code, "def forward"));
	assert_near(once, twice, 0);
	free(code);
	fx_module_put(twice);
	fx_module_put(once);
	fx_module_put(model);
}

/* One convolution, with a batch norm of its own in each place. */
FX_MODULE(Shared,
	  module(conv, Conv2d(4, 4, 1)),
	  module(first, BatchNorm2d(4)),
	  module(second, BatchNorm2d(4)))

FX_FORWARD(Shared, x)
{
	x = fx_call(self->first, fx_call(self->conv, x));
	return fx_call(self->second, fx_call(self->conv, x));
}

static void a_shared_layer_goes_to_its_batch_norms(void **state)
{
	struct fx_module *model = filled(Shared()), *gm = fuse_fx(model);

	assert_body(gm, "def forward(self, x):\n"
		    "    first = self.first(x);  x = None\n"
		    "    second = self.second(first);  first = None\n"
		    "    return second\n    ");
	assert_string_equal(class_at(gm, "first"), "Conv2d");
	assert_string_equal(class_at(gm, "conv"), "Identity");
	assert_near(model, gm, 1e-5f);
	fx_module_put(gm);
	fx_module_put(model);
}

/* The same three modules twice; and once without what follows. */
FX_MODULE(Again,
	  module(block, Sequential(Conv2d(4, 4, 1), BatchNorm2d(4), ReLU())),
	  module(bare, Conv2d(4, 4, 1)))

FX_FORWARD(Again, x)
{
	x = fx_call(self->block, fx_call(self->block, x));
	x = fx_relu(fx_call(self->bare, x));
	return fx_call(self->bare, x);
}

static void modules_shared_whole_are_fused_once(void **state)
{
	struct fx_module *model = filled(Again()), *gm = fuse_fx(model);

	assert_body(gm, "def forward(self, x):\n"
		    "    block_0 = getattr(self.block, \"0\")(x);  x = None\n"
		    "    block_3 = getattr(self.block, \"0\")(block_0);  block_0 = None\n"
		    "    bare = self.bare(block_3);  block_3 = None\n"
		    "    relu = torch.nn.functional.relu(bare, inplace = False);  bare = None\n"
		    "    bare_1 = self.bare(relu);  relu = None\n"
		    "    return bare_1\n    ");
	assert_near(model, gm, 1e-5f);
	fx_module_put(gm);
	fx_module_put(model);
}

/* An addition that has a name gives it to what it is fused with. */
FX_MODULE(Named,
	  module(conv, Conv2d(4, 4, 1)),
	  module(skip, FloatFunctional()))

FX_FORWARD(Named, x)
{
	return fx_relu(fx_ff_add(self->skip, fx_call(self->conv, x), x));
}

static void a_functional_names_what_it_adds(void **state)
{
	struct fx_module *model = filled(Named()), *gm = fuse_fx(model);

	assert_body(gm, "def forward(self, x):\n"
		    "    skip = self.skip(x, x);  x = None\n"
		    "    return skip\n    ");
	assert_string_equal(class_at(gm, "skip"),
			    "intrinsic.ConvAddReLU2d");
	assert_near(model, gm, 1e-5f);
	fx_module_put(gm);
	fx_module_put(model);
}

FX_MODULE(Norm3d, module(norm, BatchNorm3d(4)), module(relu, ReLU()))

FX_FORWARD(Norm3d, x)
{
	return fx_call(self->relu, fx_call(self->norm, x));
}

static void a_batch_norm_has_its_sides_in_its_name(void **state)
{
	struct fx_module *model = filled(Norm3d());
	struct fx_module *gm = fuse_fx(model, .backend = &fx_backend_torch);

	assert_null(gm->error);
	assert_string_equal(class_at(gm, "norm"), "intrinsic.BNReLU3d");
	fx_module_put(gm);
	fx_module_put(model);
}

/* It is not fused, so that running says what does not fit. */
FX_MODULE(Wider, module(conv, Conv2d(4, 4, 1)), module(norm, BatchNorm2d(512)))

FX_FORWARD(Wider, x)
{
	return fx_call(self->norm, fx_call(self->conv, x));
}

static void a_batch_norm_of_other_channels_stays(void **state)
{
	struct fx_module *model = filled(Wider()), *gm = fuse_fx(model);

	assert_null(gm->error);
	assert_string_equal(class_at(gm, "norm"), "BatchNorm2d");
	fx_module_put(gm);
	fx_module_put(model);
}

struct tensors {
	const struct fxq_tensor *list[64];
	size_t n;
};

static int collect(const char *key, enum fx_member_kind kind,
		   struct fxq_tensor *t, void *ctx)
{
	struct tensors *tensors = ctx;

	assert_true(tensors->n < 64);
	tensors->list[tensors->n++] = t;
	return 0;
}

static void the_original_is_left_alone(void **state)
{
	struct fx_module *model = filled(Block()), *same = filled(Block());
	struct tensors before = { .n = 0 }, after = { .n = 0 };
	struct fx_module *gm = fuse_fx(model);

	fx_module_each_tensor(model, collect, &before);
	fx_module_each_tensor(gm, collect, &after);
	for (size_t i = 0; i < before.n; i++)
		for (size_t k = 0; k < after.n; k++)
			assert_ptr_not_equal(before.list[i]->data,
					     after.list[k]->data);
	fx_module_put(gm);
	assert_near(model, same, 0);
	fx_module_put(model);
	fx_module_put(same);
}

FX_MODULE(Branches)

FX_FORWARD(Branches, x)
{
	return fx_truth(x) ? x : fx_relu(x);
}

static void what_cannot_be_traced_says_why(void **state)
{
	struct fx_module *model = Branches(), *gm = fuse_fx(model);
	fxv y, x = fx_zeros(1);

	assert_non_null(gm->error);
	assert_non_null(strstr(gm->error, "control flow"));
	y = fx_call(gm, x);
	assert_string_equal(fx_error(y), gm->error);
	fx_release(y);
	fx_release(x);
	fx_module_put(gm);
	fx_module_put(model);
}

/* Observers, and what they find */

static struct fx_module_qconfig any_qconfig(void)
{
	return QConfig(MinMaxObserver(),
		       PerChannelMinMaxObserver(.dtype = "qint8",
				.qscheme = "per_channel_symmetric"));
}

static void run(struct fx_module *gm)
{
	fxv x = fx_gen(42, 1, 2, 4, 6, 6), y = fx_call(gm, x);

	if (fx_error(y))
		fail_msg("%s", fx_error(y));
	fx_release(x);
	fx_release(y);
}

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
	run(prepared);
	integers = convert_fx(prepared);
	assert_labelled(integers);
	fx_module_put(integers);
	fx_module_put(prepared);
	fx_module_put(model);
	fx_qconfig_put(&qconfig);
}

#define MOST_OBSERVERS	16

/* The step of what observer @i of @gm has seen; 0 if there is none. */
static float step_of(struct fx_module *gm, int i)
{
	struct fx_module *observer;
	struct fx_qparams q;
	char name[40];
	float step;

	snprintf(name, sizeof(name), "activation_post_process_%d", i);
	observer = fx_module_at(gm, name);
	if (!observer)
		return 0;
	assert_int_equal(fx_calculate_qparams(observer, &q), 0);
	step = q.scale[0];
	fx_qparams_free(&q);
	return step;
}

static float last_step(struct fx_module *gm)
{
	float step = 0;

	for (int i = 0; i < MOST_OBSERVERS; i++)
		step = step_of(gm, i) > 0 ? step_of(gm, i) : step;
	return step;
}

/*
 * @converted, which was prepared as @gm, is @model but for rounding: up to three
 * values on the way are off by half a step, and what follows makes at most @times
 * of it: one if weights sum up to about one, two of a product with the input.
 */
static void assert_rounded(struct fx_module *model, struct fx_module *gm,
			   struct fx_module *converted, float times)
{
	float widest = 0;

	for (int i = 0; i < MOST_OBSERVERS; i++)
		widest = fmaxf(widest, step_of(gm, i));
	assert_near(model, converted, times * 1.5f * widest);
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
	run(gm);
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
	run(gm);
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
	run(gm);
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
	run(gm);
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
	run(gm);
	converted = convert_fx(gm);
	assert_line(converted, "torch.ops.quantized.mul(");
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
		run(gm);
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
	run(gm);
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
	run(gm);
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
	run(gm);
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

FX_MODULE(Negative, module(quant, QuantStub(-0.5)), module(conv, Conv2d(4, 4, 1)))

FX_FORWARD(Negative, x)
{
	return fx_call(self->conv, fx_call(self->quant, x));
}

static void assert_refused(struct fx_module *gm, const char *why)
{
	if (!gm->error || !strstr(gm->error, why))
		fail_msg("\"%s\" does not say \"%s\"",
			 gm->error ? gm->error : "", why);
	fx_module_put(gm);
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
	run(gm);
	converted = convert_fx(gm);
	assert_rounded(model, gm, converted, 1);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
	fx_qconfig_put(&calibrate);
	fx_qconfig_put(&train);
	fx_qconfig_put(&wrong);
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
	run(gm);
	assert_refused(convert_fx(gm), "'x': values have one scale and 8 bits");
	fx_module_put(gm);
	fx_qconfig_put(&qconfig);
	fx_module_put(model);
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
	run(gm);
	converted = convert_fx(gm);
	assert_rounded(model, gm, converted, 4);
	fx_module_put(converted);
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
static void a_long_softmax_is_told_of_when_it_is_converted(void **state)
{
	static const struct {
		struct fx_module *(*model)(void);
		const char *key, *name, *why;
	} cases[] = {
		{ Long, "module_name", "softmax", "softmax: a softmax on integers runs over at most 4096 elements, and this one over 5000; prepare it without a qconfig, { \"module_name\", \"softmax\", NULL }, and it stays float" },
		{ LongFunction, "object_type", "torch.nn.functional.softmax", "prepare it without a qconfig, { \"object_type\", \"torch.nn.functional.softmax\", NULL }, and it stays float" },
	};
	struct fx_module_qconfig qconfig = any_qconfig();
	fxv x = fx_gen(42, 1, 2, 5000), y;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fx_module *model = cases[i].model(), *gm;

		assert_refused(converted_for(model, fx_qconfig_dict(
			{ "", NULL, &qconfig }), x), cases[i].why);
		gm = converted_for(model, fx_qconfig_dict(
			{ "", NULL, &qconfig },
			{ cases[i].key, cases[i].name, NULL }), x);
		y = fx_call(gm, x);
		if (fx_error(y))
			fail_msg("%s", fx_error(y));
		fx_release(y);
		fx_module_put(gm);
		fx_module_put(model);
	}
	fx_release(x);
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

/* What a program adds to a backend */

FX_MODULE(Twice, module(one, Linear(6, 5)), module(two, Linear(5, 3)))
FX_FORWARD(Twice, x)
{
	return fx_relu(fx_call(self->two, fx_call(self->one, x)));
}

/* w = w2 * w1, b = w2 * b1 + b2 */
static struct fx_module *one_linear(struct fx_module *const *parts)
{
	const struct fxq_tensor *a = fx_module_tensor(parts[0], "weight");
	const float *w1 = a->data, *b1 = fx_module_tensor(parts[0], "bias")->data;
	const float *w2 = fx_module_tensor(parts[1], "weight")->data;
	const float *b2 = fx_module_tensor(parts[1], "bias")->data;
	int64_t in = a->dims[1], mid = a->dims[0];
	int64_t out = fx_module_tensor(parts[1], "weight")->dims[0];
	struct fx_module *m = Linear(in, out);
	float *w = fx_module_tensor(m, "weight")->data;
	float *b = fx_module_tensor(m, "bias")->data;

	for (int64_t o = 0; o < out; o++) {
		b[o] = b2[o];
		for (int64_t i = 0; i < in; i++)
			w[o * in + i] = 0;
		for (int64_t k = 0; k < mid; k++) {
			b[o] += w2[o * mid + k] * b1[k];
			for (int64_t i = 0; i < in; i++)
				w[o * in + i] += w2[o * mid + k] *
						 w1[k * in + i];
		}
	}
	return m;
}

static void a_program_adds_patterns(void **state)
{
	static const struct fx_fuse_pattern patterns[] = {
		{ { "Linear", "Linear" }, one_linear },
		{ { NULL } }
	};
	struct fx_module_qconfig qconfig = any_qconfig();
	struct fx_module *model = filled(Twice()), *gm, *converted;
	struct fx_backend mine = fx_backend_fxq;
	fxv x = fx_gen(42, 1, 2, 6), y, z;

	mine.name = "mine";
	mine.patterns = patterns;
	gm = fuse_fx(model, .backend = &mine);
	assert_string_equal(class_at(gm, "one"), "intrinsic.LinearReLU");
	assert_string_equal(class_at(gm, "two"), "Identity");
	y = fx_call(model, x);
	z = fx_call(gm, x);
	for (int i = 0; i < 6; i++)
		assert_true(fabsf(((float *)fx_data(y)->data)[i] -
				  ((float *)fx_data(z)->data)[i]) < 1e-5f);
	fx_module_put(gm);
	fx_release(z);

	gm = prepare_calibration_fx(model, fx_qconfig_dict(
		{ "", NULL, &qconfig }), .backend = &mine);
	z = fx_call(gm, x);
	assert_refused(convert_fx(gm), "prepared for the backend 'mine', which is a program's own: give it to convert_fx as .backend");
	converted = convert_fx(gm, .backend = &mine);
	assert_string_equal(class_at(converted, "one"),
			    "intrinsic.quantized.LinearReLU");
	fx_module_put(converted);
	fx_module_put(gm);
	fx_release(z);
	fx_release(y);
	fx_release(x);
	fx_qconfig_put(&qconfig);
	fx_module_put(model);
}

FX_MODULE(Beside, module(one, Linear(6, 6)))
FX_FORWARD(Beside, x)
{
	return fx_relu(fx_add(fx_call(self->one, x), x));
}

static struct fx_module *first_part(struct fx_module *const *parts)
{
	return fx_module_copy(parts[0]);
}

/* Whoever makes the module would not be told what is added. */
static void a_pattern_has_one_value(void **state)
{
	static const struct fx_fuse_pattern patterns[] = {
		{ { "Linear", "add" }, first_part },
		{ { NULL } }
	};
	struct fx_backend mine = fx_backend_fxq;
	struct fx_module *model = filled(Beside()), *gm;
	fxv x = fx_gen(42, 1, 2, 6), y = fx_call(model, x), z;

	mine.name = "mine";
	mine.patterns = patterns;
	gm = fuse_fx(model, .backend = &mine);
	z = fx_call(gm, x);
	assert_memory_equal(fx_data(y)->data, fx_data(z)->data,
			    fxq_tensor_bytes(fx_data(y)));
	fx_module_put(gm);
	fx_release(z);
	fx_release(y);
	fx_release(x);
	fx_module_put(model);
}

/* Training, and what is removed */

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
	run(gm);
	set_fake_quantize(gm, FX_QAT);
	run(gm);
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
	run(gm);
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
	run(gm);
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
		cmocka_unit_test(an_addition_is_fused),
		cmocka_unit_test(torch_fuses_no_addition),
		cmocka_unit_test(what_trains_keeps_its_batch_norms),
		cmocka_unit_test(fusing_twice_changes_nothing),
		cmocka_unit_test(a_shared_layer_goes_to_its_batch_norms),
		cmocka_unit_test(modules_shared_whole_are_fused_once),
		cmocka_unit_test(a_functional_names_what_it_adds),
		cmocka_unit_test(a_batch_norm_has_its_sides_in_its_name),
		cmocka_unit_test(a_batch_norm_of_other_channels_stays),
		cmocka_unit_test(the_original_is_left_alone),
		cmocka_unit_test(what_cannot_be_traced_says_why),
		cmocka_unit_test(attributes_are_preserved),
		cmocka_unit_test(paths_go_before_types),
		cmocka_unit_test(what_has_no_qconfig_stays_float),
		cmocka_unit_test(an_out_qconfig_keeps_the_sums),
		cmocka_unit_test(a_layer_may_be_called_twice),
		cmocka_unit_test(what_is_read_as_a_float_stays_one),
		cmocka_unit_test(a_functional_multiplies_integers),
		cmocka_unit_test(a_bias_fits_its_channel),
		cmocka_unit_test(scales_of_inputs_stay_float),
		cmocka_unit_test(stubs_are_leaves),
		cmocka_unit_test(wrong_qconfigs_are_refused),
		cmocka_unit_test(defaults_are_called_by_name),
		cmocka_unit_test(int16_is_for_fake_quantization),
		cmocka_unit_test(numbers_meet_floats),
		cmocka_unit_test(integers_have_their_limits),
		cmocka_unit_test(a_long_softmax_is_told_of_when_it_is_converted),
		cmocka_unit_test(scales_of_quantized_tensors_are_checked),
		cmocka_unit_test(a_program_adds_patterns),
		cmocka_unit_test(a_pattern_has_one_value),
		cmocka_unit_test(a_trained_model_is_what_it_was_trained_to_be),
		cmocka_unit_test(twins_train_as_one),
		cmocka_unit_test(groups_train_with_a_batch_norm),
		cmocka_unit_test(what_is_removed_is_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
