// SPDX-License-Identifier: MIT
/*
 * test_nn.c - modules and values compute what torch does, and own what they say
 *
 * Weights and inputs of the networks compared with torch come from fx_gen(), as
 * torch's did; its answers are the y_float of golden/quant (torch 1.13, float32,
 * conv and batch norm fused). Their sums run in another order than ours, so the
 * last bits differ: 1e-5 is some eighty units in the last place of the largest
 * answer, and less than a thousandth of what a wrong weight would make.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/trace.h>

static void assert_floats(fxv v, const float *wanted, size_t n)
{
	const struct fxq_tensor *t = fx_data(v);

	assert_null(fx_error(v));
	assert_non_null(t);
	assert_int_equal(t->dtype, FXQ_DTYPE_F32);
	assert_int_equal(fxq_tensor_count(t), n);
	for (size_t i = 0; i < n; i++)
		assert_true(fabsf(((float *)t->data)[i] - wanted[i]) < 1e-5f);
}

#define FLOATS(...) (const float[]){ __VA_ARGS__ }, \
	sizeof((float[]){ __VA_ARGS__ }) / sizeof(float)

/* Against torch */

static struct fx_module *cbr(int i, int o, int k, int stride, int groups)
{
	return Sequential(Conv2d(i, o, k, stride, k / 2, .groups = groups,
				 .bias = false),
			  BatchNorm2d(o), ReLU());
}

FX_MODULE(Tiny,
	  module(f, Sequential(cbr(3, 8, 3, 2, 1), cbr(8, 8, 3, 1, 8),
			       Conv2d(8, 8, 1), BatchNorm2d(8))),
	  module(fc, Linear(8, 10)))

FX_FORWARD(Tiny, x)
{
	x = fx_call(self->f, x);
	x = fx_flatten(fx_adaptive_avg_pool2d(x, 1), 1);
	return fx_call(self->fc, x);
}

static void a_mobile_net_computes_what_torch_does(void **state)
{
	struct fx_module *m = fx_eval(Tiny());
	fxv x = fx_gen(42, 1, 1, 3, 16, 16), y;

	fx_module_fill(m, 1000 + strlen("tiny"));
	y = fx_call(m, x);
	assert_floats(y, FLOATS(-0.823726416f, -0.335886955f, 0.00403310359f,
				0.0468378663f, 0.410563767f, 0.767395139f,
				0.0946439207f, 0.1432399f, -0.217135936f,
				-0.187263668f));
	fx_release(y);
	fx_release(x);
	fx_module_put(m);
}

FX_MODULE(Pool,
	  module(c, Conv2d(3, 4, 3, .padding = 1)),
	  module(mp, MaxPool2d(2)),
	  module(ap, AdaptiveAvgPool2d(1)),
	  module(fc, Linear(4, 3)))

FX_FORWARD(Pool, x)
{
	x = fx_call(self->mp, fx_relu(fx_call(self->c, x)));
	x = fx_flatten(fx_call(self->ap, x), 1);
	return fx_call(self->fc, x);
}

static void pools_compute_what_torch_does(void **state)
{
	struct fx_module *m = fx_eval(Pool());
	fxv x = fx_gen(42, 1, 1, 3, 8, 8), y;

	fx_module_fill(m, 1000 + strlen("pool_fc"));
	y = fx_call(m, x);
	assert_floats(y, FLOATS(0.465607882f, 0.529514253f, 0.631008446f));
	fx_release(y);
	fx_release(x);
	fx_module_put(m);
}

/* One model, three ways */

FX_MODULE(Many,
	  module(conv, Conv2d(3, 4, 3, .padding = 1)),
	  module(same, Identity()),
	  module(drop, Dropout()),
	  module(act, Hardswish()),
	  parameter(scale, fx_gen(9, 1, 4, 1, 1)))

FX_FORWARD(Many, x)
{
	fxv a = fx_call(self->conv, x), b = fx_call(self->same, a);
	fxv c = fx_mul(fx_call(self->act, b), self->scale);
	fxv d = fx_cat(fx_list(a, fx_relu6(c), fx_sub(1, b)), .dim = 1);

	d = fx_max_pool2d(fx_call(self->drop, d), 2,
			  .padding_tlbr = { 1, 0, 0, 1 });
	d = fx_avg_pool2d(fx_silu(d), .kernel_size_hw = { 1, 2 });
	return fx_tuple(fx_softmax(fx_flatten(d, .start_dim = 1), .dim = -1),
			fx_argmax(fx_tanh(d), 1, .keepdim = true));
}

static void assert_same_bits(const struct fxq_tensor *a,
			     const struct fxq_tensor *b)
{
	assert_int_equal(a->dtype, b->dtype);
	assert_int_equal(a->rank, b->rank);
	assert_memory_equal(a->dims, b->dims, sizeof(a->dims));
	assert_memory_equal(a->data, b->data, fxq_tensor_bytes(a));
}

/* The forward, its graph as a module, its graph as operators. */
static void eager_and_graphs_agree(struct fx_module *m, fxv x, size_t n_out)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_graph *g, *functional;
	struct fxq_tensor out[2];
	struct fx_module *gm;
	fxv eager, traced;

	fx_module_fill(fx_eval(m), 3);
	assert_int_equal(fx_trace(m, &tracer, &g), 0);
	assert_int_equal(fx_functionalize(g, m, &functional), 0);
	assert_int_equal(fx_graph_lint(functional), 0);
	gm = GraphModuleWithAttr(m, g);

	eager = fx_call(m, x);
	traced = fx_call(gm, x);
	assert_int_equal(fx_graph_run(functional, NULL, fx_data(x), 1, out,
				      n_out), 0);
	assert_int_equal(fx_tuple_count(eager), n_out);
	assert_int_equal(fx_tuple_count(traced), n_out);
	for (size_t i = 0; i < n_out; i++) {
		const struct fxq_tensor *t = fx_data(fx_tuple_item(eager, i));

		assert_same_bits(fx_data(fx_tuple_item(traced, i)), t);
		assert_same_bits(&out[i], t);
		fxq_tensor_free(&out[i]);
	}

	fx_release(eager);
	fx_release(traced);
	fx_graph_free(functional);
	fx_module_put(gm);
	fx_module_put(m);
}

static void one_forward_computes_and_is_written_down(void **state)
{
	fxv x = fx_gen(4, 0.5, 2, 3, 8, 8);

	eager_and_graphs_agree(Many(), x, 2);
	eager_and_graphs_agree(Tiny(), x, 1);
	eager_and_graphs_agree(Pool(), x, 1);
	eager_and_graphs_agree(cbr(3, 4, 3, 2, 1), x, 1);
	fx_release(x);
}

/* State dictionary */

static int append_key(const char *key, enum fx_member_kind kind,
		      struct fxq_tensor *t, void *ctx)
{
	char *text = ctx;

	sprintf(text + strlen(text), "%s", key);
	for (uint32_t i = 0; i < t->rank; i++)
		sprintf(text + strlen(text), "%c%d", i ? 'x' : ' ',
			(int)t->dims[i]);
	strcat(text, "\n");
	return 0;
}

/* What Tiny's state_dict() of torch lists, with the shapes. */
static const char tiny_keys[] =
	"f.0.0.weight 8x3x3x3\n"
	"f.0.1.weight 8\n" "f.0.1.bias 8\n"
	"f.0.1.running_mean 8\n" "f.0.1.running_var 8\n"
	"f.0.1.num_batches_tracked\n"
	"f.1.0.weight 8x1x3x3\n"
	"f.1.1.weight 8\n" "f.1.1.bias 8\n"
	"f.1.1.running_mean 8\n" "f.1.1.running_var 8\n"
	"f.1.1.num_batches_tracked\n"
	"f.2.weight 8x8x1x1\n" "f.2.bias 8\n"
	"f.3.weight 8\n" "f.3.bias 8\n"
	"f.3.running_mean 8\n" "f.3.running_var 8\n"
	"f.3.num_batches_tracked\n"
	"fc.weight 10x8\n" "fc.bias 10\n";

static void state_dict_keys_are_torchs(void **state)
{
	struct fx_module *m = Tiny();
	char keys[2048] = "";

	assert_int_equal(fx_module_each_tensor(m, append_key, keys), 0);
	assert_string_equal(keys, tiny_keys);
	assert_int_equal(fx_module_tensor(m, "f.1.0.weight")->dims[1], 1);
	assert_null(fx_module_tensor(m, "f.1.0.bias"));
	assert_null(fx_module_tensor(m, "f.1"));
	assert_null(fx_module_tensor(m, "f.9.weight"));
	assert_ptr_equal(fx_module_at(m, ""), m);
	assert_non_null(fx_module_at(m, "f.1.2"));
	assert_null(fx_module_at(m, "fc.weight"));
	fx_module_put(m);
}

/* Initial weights */

static void weights_start_within_torchs_bound(void **state)
{
	struct fx_module *m = Conv2d(16, 32, 3);
	const struct fxq_tensor *w = fx_module_tensor(m, "weight");
	double bound = 1 / sqrt(16 * 9), largest = 0;

	for (int64_t i = 0; i < fxq_tensor_count(w); i++) {
		double v = fabs(((float *)w->data)[i]);

		assert_true(v <= (float)bound);
		largest = v > largest ? v : largest;
	}
	/* Of 4608 uniform numbers one lies in the last hundredth. */
	assert_true(largest > 0.99 * bound);
	fx_module_put(m);
}

static void the_same_seed_makes_the_same_model(void **state)
{
	struct fx_module *a, *b, *c;
	size_t bytes;

	fx_manual_seed(7);
	a = Linear(5, 6);
	c = Linear(5, 6);
	fx_manual_seed(7);
	b = Linear(5, 6);

	bytes = fxq_tensor_bytes(fx_module_tensor(a, "weight"));
	assert_memory_equal(fx_module_tensor(a, "weight")->data,
			    fx_module_tensor(b, "weight")->data, bytes);
	assert_memory_not_equal(fx_module_tensor(a, "weight")->data,
				fx_module_tensor(c, "weight")->data, bytes);
	fx_module_put(a);
	fx_module_put(b);
	fx_module_put(c);
}

/* Arguments */

static void assert_refused(struct fx_module *m, const char *sentence)
{
	fxv x = fx_ones(1, 3, 4, 4), y = fx_call(m, x);

	assert_non_null(fx_error(y));
	assert_non_null(strstr(fx_error(y), "test_nn.c:"));
	assert_non_null(strstr(fx_error(y), sentence));
	fx_release(y);
	fx_release(x);
	fx_module_put(m);
}

static void wrong_arguments_are_named(void **state)
{
	assert_refused(Conv2d(3, 4), "'kernel_size' is missing");
	assert_refused(Conv2d(3, 4, 3, .groups = 2), "groups must divide");
	assert_refused(Conv2d(3, 0, 3), "at least 1");
	assert_refused(Linear(0, 3), "at least 1");
	assert_refused(MaxPool2d(2, .return_indices = true),
		       "at its default alone");
	assert_refused(Sequential(ReLU(), Softmax()), "'dim' is missing");
}

static void pairs_are_height_and_width(void **state)
{
	struct fx_module *m = Conv2d(1, 2, .kernel_size_hw = { 1, 3 },
				     .padding_hw = { 0, 1 }, .stride = 1);
	fxv x = fx_ones(1, 1, 5, 7), y = fx_call(m, x);
	const struct fxq_tensor *w = fx_module_tensor(m, "weight");

	assert_int_equal(w->dims[2], 1);
	assert_int_equal(w->dims[3], 3);
	assert_null(fx_error(y));
	assert_int_equal(fx_data(y)->dims[2], 5);
	assert_int_equal(fx_data(y)->dims[3], 7);
	fx_release(y);
	fx_release(x);
	fx_module_put(m);
}

/* Against zeros that are there, before and behind. */
static void ends_are_padded_one_by_one(void **state)
{
	struct fx_module *m = Conv2d(1, 1, 3, .padding_tlbr = { 0, 1, 2, 3 },
				     .bias = false);
	struct fx_module *bare = Conv2d(1, 1, 3, .bias = false);
	fxv x = fx_gen(5, 1, 1, 1, 5, 6), around = fx_zeros(1, 1, 7, 10);
	const float *from = fx_data(x)->data;
	float *to = fx_data(around)->data;
	fxv a, b;

	for (int i = 0; i < 5; i++)
		memcpy(to + 10 * i + 1, from + 6 * i, 6 * sizeof(*to));
	fx_module_fill(m, 3);
	fx_module_fill(bare, 3);
	a = fx_call(m, x);
	b = fx_call(bare, around);
	assert_null(fx_error(a));
	assert_same_bits(fx_data(a), fx_data(b));
	fx_release(a);
	fx_release(b);
	fx_release(x);
	fx_release(around);
	fx_module_put(m);
	fx_module_put(bare);
}

static void code_names_what_several_numbers_are_given(void **state)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_module *m = Many();
	struct fx_graph *g;
	char *code;

	assert_int_equal(fx_trace(m, &tracer, &g), 0);
	code = fx_graph_code_c(g);
	assert_non_null(strstr(code, ".padding_tlbr = { 1, 0, 0, 1 }"));
	assert_non_null(strstr(code, ".kernel_size_hw = { 1, 2 }"));
	free(code);
	fx_graph_free(g);
	fx_module_put(m);
}

static void text_in_arguments_does_not_confuse(void **state)
{
	struct fx_module *m = Conv2d(((int[]){ 1, 3 })[1], 4, sizeof("a,.b\"") / 6, 1,
				     .bias = ((int[]){ 0, 1 })[0]);

	assert_int_equal(fx_module_tensor(m, "weight")->dims[1], 3);
	assert_int_equal(fx_module_tensor(m, "weight")->dims[2], 1);
	assert_null(fx_module_tensor(m, "bias"));
	fx_module_put(m);
}

/* Training and evaluation */

static void batch_norm_trains_by_the_batch(void **state)
{
	/* Channel 0: 1 3 5 7, mean 4, biased 5, unbiased 20/3. */
	static float data[] = { 1, 3, 0, 0, 5, 7, 0, 0 };
	struct fxq_tensor t = { FXQ_DTYPE_F32, 4, { 2, 2, 1, 2 },
				.data = data };
	struct fx_module *m = BatchNorm2d(2, .eps = 0);
	float *mean = fx_module_tensor(m, "running_mean")->data;
	float *var = fx_module_tensor(m, "running_var")->data;
	fxv x = fx_view_of(&t), y;

	/* A channel without variance would divide by zero. */
	data[2] = 1;
	y = fx_call(m, x);
	assert_float_equal(((float *)fx_data(y)->data)[0], -3 / sqrt(5), 1e-6);
	assert_float_equal(((float *)fx_data(y)->data)[5], 3 / sqrt(5), 1e-6);
	assert_float_equal(mean[0], 0.4, 1e-6);
	assert_float_equal(var[0], 0.9 + 0.1 * 20 / 3, 1e-6);
	assert_int_equal(*(int64_t *)fx_module_tensor(m, "num_batches_tracked")
				 ->data, 1);
	fx_release(y);

	y = fx_call(fx_eval(m), x);
	assert_float_equal(((float *)fx_data(y)->data)[0],
			   (1 - mean[0]) / sqrt(var[0]), 1e-6);
	assert_float_equal(mean[0], 0.4, 1e-6);
	fx_release(y);
	fx_release(x);
	fx_module_put(m);
}

static void dropout_drops_in_training_only(void **state)
{
	struct fx_module *m = Dropout(0.25);
	fxv x = fx_ones(1000), y = fx_call(m, x);
	int dropped = 0;

	for (int i = 0; i < 1000; i++) {
		float v = ((float *)fx_data(y)->data)[i];

		assert_true(v == 0 || v == 1 / 0.75f);
		dropped += v == 0;
	}
	/* 250 expected, standard deviation 13.7: five of them. */
	assert_in_range(dropped, 250 - 69, 250 + 69);
	fx_release(y);

	y = fx_call(fx_eval(m), x);
	assert_memory_equal(fx_data(y)->data, fx_data(x)->data, 4000);
	fx_release(y);
	fx_release(x);
	fx_module_put(m);
}

/* Values */

FX_MODULE(Same)
FX_FORWARD(Same, x)
{
	fx_relu(x);	/* nobody frees it, nobody needs to */
	return x;
}

static void an_argument_returned_has_two_owners(void **state)
{
	struct fx_module *m = Same();
	fxv x = fx_ones(2), y = fx_call(m, x);

	fx_release(x);
	assert_true(((float *)fx_data(y)->data)[1] == 1);
	fx_release(y);
	assert_true(fx_is_none(y));
	fx_module_put(m);
}

FX_MODULE(Early,
	  module(same, Identity()))
FX_FORWARD(Early, x)
{
	fxv y = fx_add(x, 1), z = fx_call(self->same, y);
	fxv w = fx_mul(y, 2), caller = x;

	fx_release(y);		/* z is the same tensor, and stays */
	fx_release(w);
	fx_release(caller);	/* not ours to release */
	return fx_tuple(z, fx_add(z, x), z);
}

static void a_release_takes_nothing_that_is_needed(void **state)
{
	struct fx_module *m = Early();
	fxv x = fx_ones(3), y = fx_call(m, x);

	assert_int_equal(fx_tuple_count(y), 3);
	assert_true(((float *)fx_data(fx_tuple_item(y, 0))->data)[0] == 2);
	assert_true(((float *)fx_data(fx_tuple_item(y, 1))->data)[2] == 3);
	fx_release(y);
	fx_release(x);
	fx_module_put(m);
}

static void numbers_stand_beside_tensors(void **state)
{
	fxv x = fx_ones(2), y = fx_sub(1, x), z = fx_div(x, 4.0f);

	assert_true(((float *)fx_data(y)->data)[0] == 0);
	assert_true(((float *)fx_data(z)->data)[1] == 0.25f);
	fx_release(x);
	fx_release(y);
	fx_release(z);
}

static void errors_pass_through_operations(void **state)
{
	fxv a = fx_ones(2), b = fx_ones(3);
	fxv bad = fx_add(a, b), worse = fx_relu(fx_mul(bad, 2));

	assert_non_null(strstr(fx_error(bad), "fx_add(a, b)"));
	assert_ptr_equal(fx_error(worse), fx_error(bad));
	assert_null(fx_data(worse));
	fx_release(bad);
	fx_release(a);
	fx_release(b);
}

static void a_missing_argument_is_named(void **state)
{
	struct fx_module *m = Same();
	fxv y = fx_call(m);

	assert_non_null(strstr(fx_error(y), "'x' is missing"));
	fx_release(y);
	y = fx_call(m, fx_none, fx_none);
	assert_non_null(strstr(fx_error(y), "2 arguments given; there are 1"));
	fx_release(y);
	fx_module_put(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mobile_net_computes_what_torch_does),
		cmocka_unit_test(pools_compute_what_torch_does),
		cmocka_unit_test(one_forward_computes_and_is_written_down),
		cmocka_unit_test(state_dict_keys_are_torchs),
		cmocka_unit_test(weights_start_within_torchs_bound),
		cmocka_unit_test(the_same_seed_makes_the_same_model),
		cmocka_unit_test(wrong_arguments_are_named),
		cmocka_unit_test(pairs_are_height_and_width),
		cmocka_unit_test(ends_are_padded_one_by_one),
		cmocka_unit_test(code_names_what_several_numbers_are_given),
		cmocka_unit_test(text_in_arguments_does_not_confuse),
		cmocka_unit_test(batch_norm_trains_by_the_batch),
		cmocka_unit_test(dropout_drops_in_training_only),
		cmocka_unit_test(an_argument_returned_has_two_owners),
		cmocka_unit_test(a_release_takes_nothing_that_is_needed),
		cmocka_unit_test(numbers_stand_beside_tensors),
		cmocka_unit_test(errors_pass_through_operations),
		cmocka_unit_test(a_missing_argument_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
