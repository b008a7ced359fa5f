// SPDX-License-Identifier: MIT
/*
 * test_fuse_fx.c - which calls become one module, and what a program adds to them
 *
 * What the goldens of torch cannot show: the backend of this machine, modules
 * that are shared, and patterns of a program's own.
 */
#include "verbs_kit.h"

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
		cmocka_unit_test(a_program_adds_patterns),
		cmocka_unit_test(a_pattern_has_one_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
