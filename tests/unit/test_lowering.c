// SPDX-License-Identifier: MIT
/*
 * test_lowering.c - wrapped code that has a lowering, and what has none
 *
 * The wrapped bodies here do something else than their lowerings, so that what
 * comes out tells which of them ran. That the device computes the bits of the
 * CPU is for test_verbs_device.c, where both are the same function.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/lowering.h>
#include <fxq/quantize_fx.h>

FX_WRAP_FUNCTION(scaled, x, (factor, FX_FLOAT(3)), (offset, FX_FLOAT(0)))
{
	return fx_zeros(1);
}
FX_LOWERING(scaled, x, factor, offset)
{
	return fx_add(fx_mul(x, factor), offset);
}

FX_WRAP_FUNCTION(kept, x)
{
	return fx_mul(x, 1);
}
FX_LOWERING(kept, x)
{
	return fx_relu(x);
}
FX_SKIP_COMPILE(kept)

FX_MODULE(Net, module(fc, Linear(4, 4)))
FX_FORWARD(Net, x)
{
	x = scaled(fx_call(self->fc, x), fx_default, fx_of_float(0.5));
	return kept(scaled(x, fx_of_int(2), fx_default));
}

/* The same without wrapping. */
FX_MODULE(Plain, module(fc, Linear(4, 4)))
FX_FORWARD(Plain, x)
{
	x = fx_add(fx_mul(fx_call(self->fc, x), 3.0), 0.5);
	return kept(fx_add(fx_mul(x, 2), 0.0));
}

static struct fx_module *filled(struct fx_module *m)
{
	fx_module_fill(m, 7);
	return fx_eval(m);
}

static size_t calls_of(const struct fx_graph *g, const char *target)
{
	size_t n_calls = 0;

	fx_for_each_node(n, g)
		n_calls += !strcmp(n->target, target);
	return n_calls;
}

static void assert_same_code(struct fx_module *a, struct fx_module *b)
{
	char *x, *y;

	if (a->error || b->error)
		fail_msg("%s", a->error ? a->error : b->error);
	x = fx_graph_code(a->graph);
	y = fx_graph_code(b->graph);
	assert_string_equal(x, y);
	free(x);
	free(y);
}

static void assert_same_answer(struct fx_module *a, struct fx_module *b)
{
	fxv x = fx_gen(1, 1, 2, 4), y = fx_call(a, x), z = fx_call(b, x);

	if (fx_error(y) || fx_error(z))
		fail_msg("%s", fx_error(y) ? fx_error(y) : fx_error(z));
	assert_memory_equal(fx_data(y)->data, fx_data(z)->data,
			    fxq_tensor_bytes(fx_data(z)));
	fx_release(x);
	fx_release(y);
	fx_release(z);
}

static void the_trace_shows_the_call(void **state)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_module *m = filled(Net());
	fxv x = fx_gen(1, 1, 2, 4), y = fx_call(m, x);
	struct fx_graph *g;

	assert_int_equal(fxq_tensor_count(fx_data(y)), 1);
	assert_int_equal(fx_trace(m, &tracer, &g), 0);
	assert_int_equal(calls_of(g, "scaled"), 2);
	assert_int_equal(calls_of(g, "kept"), 1);
	fx_release(x);
	fx_release(y);
	fx_graph_free(g);
	fx_module_put(m);
}

static void fuse_fx_lowers(void **state)
{
	struct fx_module *m = filled(Net()), *plain = filled(Plain());
	struct fx_module *a = fuse_fx(m), *b = fuse_fx(plain);

	assert_same_code(a, b);
	assert_same_answer(a, b);
	assert_int_equal(calls_of(a->graph, "kept"), 1);
	assert_int_equal(fx_graph_lint(a->graph), 0);
	fx_module_put(a);
	fx_module_put(b);
	fx_module_put(m);
	fx_module_put(plain);
}

static struct fx_module *convert(struct fx_module *m)
{
	struct fx_module_qconfig qconfig = get_default_qconfig();
	struct fx_module *prepared, *converted;
	fxv x = fx_gen(1, 1, 2, 4), y;

	prepared = prepare_calibration_fx(m,
			fx_qconfig_dict({ "", NULL, &qconfig }));
	y = fx_call(prepared, x);
	if (fx_error(y))
		fail_msg("%s", fx_error(y));
	converted = convert_fx(prepared);
	fx_qconfig_put(&qconfig);
	fx_release(x);
	fx_release(y);
	fx_module_put(prepared);
	return converted;
}

static void what_is_lowered_is_quantized(void **state)
{
	struct fx_module *m = filled(Net()), *plain = filled(Plain());
	struct fx_module *a = convert(m), *b = convert(plain);

	assert_same_code(a, b);
	assert_same_answer(a, b);
	fx_module_put(a);
	fx_module_put(b);
	fx_module_put(m);
	fx_module_put(plain);
}

static void functional_graphs_are_lowered(void **state)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_module *m = filled(Net());
	struct fx_graph *g, *functional;

	assert_int_equal(fx_trace(m, &tracer, &g), 0);
	assert_int_equal(fx_functionalize(g, m, &functional), 0);
	assert_int_equal(calls_of(g, "scaled"), 2);
	assert_int_equal(calls_of(functional, "scaled"), 0);
	assert_int_equal(calls_of(functional, "kept"), 1);
	fx_graph_free(functional);
	fx_graph_free(g);
	fx_module_put(m);
}

/* Modules and parameters of the model, found from the method's self. */
FX_MODULE(Block, module(fc, Linear(4, 4)), parameter(gain, fx_full(2.0f, 4)))
FX_WRAP_METHOD(Block, work, x)
{
	return fx_zeros(1);
}
FX_LOWERING(work, x)
{
	struct Block *block = (struct Block *)self;

	return fx_mul(fx_call(block->fc, x), block->gain);
}
FX_FORWARD(Block, x)
{
	return work(self, x);
}

FX_WRAP_MODULE(Doubler)
FX_FORWARD(Doubler, x)
{
	return fx_zeros(1);
}
FX_LOWERING(Doubler, x)
{
	return fx_add(x, x);
}

FX_MODULE(Blocks, module(one, Block()), module(two, Doubler()))
FX_FORWARD(Blocks, x)
{
	return fx_call(self->two, fx_call(self->one, x));
}

static void methods_and_classes_are_lowered(void **state)
{
	struct fx_module *m = filled(Blocks()), *fused = fuse_fx(m);
	char *code;

	if (fused->error)
		fail_msg("%s", fused->error);
	code = fx_graph_code(fused->graph);
	assert_string_equal(code,
		"\n\n\ndef forward(self, x):\n"
		"    one_fc = self.one.fc(x);  x = None\n"
		"    one_gain = self.one.gain\n"
		"    mul = one_fc * one_gain;  one_fc = one_gain = None\n"
		"    add = mul + mul;  mul = None\n"
		"    return add\n"
		"    ");
	free(code);
	fx_module_put(fused);
	fx_module_put(m);
}

/* Several results, some of which nobody wants. */
FX_WRAP_FUNCTION(parts, x)
{
	return fx_tuple(fx_zeros(1), fx_zeros(1), fx_zeros(1));
}
FX_LOWERING(parts, x)
{
	return fx_tuple(fx_relu(x), fx_tanh(fx_mul(x, 2)), fx_neg(x));
}

FX_MODULE(Parts, module(none, Identity()))
FX_FORWARD(Parts, x)
{
	fxv several = parts(x);

	return fx_add(fx_getitem(several, 2), fx_getitem(several, 0));
}

static void results_are_taken_by_number(void **state)
{
	struct fx_module *m = filled(Parts()), *fused = fuse_fx(m);

	if (fused->error)
		fail_msg("%s", fused->error);
	assert_int_equal(calls_of(fused->graph, "parts"), 0);
	assert_int_equal(calls_of(fused->graph, "tanh"), 0);
	assert_int_equal(calls_of(fused->graph, "mul"), 0);
	assert_int_equal(fx_graph_lint(fused->graph), 0);
	assert_string_equal(fx_graph_output(fused->graph)->prev->args[0].node->name,
			    "neg");
	assert_string_equal(fx_graph_output(fused->graph)->prev->args[1].node->name,
			    "relu");
	fx_module_put(fused);
	fx_module_put(m);
}

/* Registered by a program, the last one counting, for as long as it likes. */

FX_WRAP_FUNCTION(late, x)
{
	return fx_neg(x);
}

FX_MODULE(Late, module(none, Identity()))
FX_FORWARD(Late, x)
{
	return late(x);
}

static fxv square(struct fx_module *self, const fxv *args)
{
	return fx_mul(args[0], args[0]);
}

static fxv nothing(struct fx_module *self, const fxv *args)
{
	return fx_zeros(1);
}

static fxv pair(struct fx_module *self, const fxv *args)
{
	return fx_tuple(args[0], args[0]);
}

static fxv elements(struct fx_module *self, const fxv *args)
{
	return fx_truth(args[0]) ? args[0] : fx_zeros(1);
}

static const struct fx_param one[] = { { "x", FX_REQUIRED }, { NULL } };
static const struct fx_param two[] = {
	{ "x", FX_REQUIRED }, { "y", FX_REQUIRED }, { NULL },
};

/* What fuse_fx says, or which call it has left. */
static void assert_fuses(const char *error, const char *target)
{
	struct fx_module *m = filled(Late()), *fused = fuse_fx(m);

	if (error)
		assert_string_equal(fused->error, error);
	else if (fused->error)
		fail_msg("%s", fused->error);
	else
		assert_int_equal(calls_of(fused->graph, target), 1);
	fx_module_put(fused);
	fx_module_put(m);
}

static void lowerings_come_and_go(void **state)
{
	static struct fx_lowering first = { "late", nothing, one };
	static struct fx_lowering last = { "late", square, one };
	static struct fx_lowering skip = { "late", NULL, NULL };

	assert_fuses(NULL, "late");
	fx_register_lowering(&first);
	fx_register_lowering(&last);
	assert_fuses(NULL, "mul");
	fx_register_lowering(&skip);
	assert_fuses(NULL, "late");
	fx_unregister_lowering(&skip);
	fx_unregister_lowering(&first);
	assert_fuses(NULL, "mul");
	fx_unregister_lowering(&last);
	fx_unregister_lowering(&last);
	assert_fuses(NULL, "late");
}

static void wrong_lowerings_are_refused(void **state)
{
	static struct {
		struct fx_lowering lowering;
		const char *error;
	} cases[] = {
		{ { "late", square, two },
		  "the lowering of 'late': it has 2 arguments; what is wrapped has 1" },
		{ { "late", pair, one },
		  "the lowering of 'late': it must return what is computed from its arguments: one value, or a tuple of which each is taken by its number" },
		{ { "late", nothing, one },
		  "the lowering of 'late': it must return what is computed from its arguments: one value, or a tuple of which each is taken by its number" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fx_register_lowering(&cases[i].lowering);
		assert_fuses(cases[i].error, NULL);
		fx_unregister_lowering(&cases[i].lowering);
	}
}

/* The tracer's own sentence, and the line in the lowering. */
static void a_lowering_sees_no_elements(void **state)
{
	static struct fx_lowering lowering = { "late", elements, one };
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_module *m = filled(Late()), *fused;
	struct fx_graph *g, *functional;

	fx_register_lowering(&lowering);
	fused = fuse_fx(m);
	assert_non_null(strstr(fused->error, "the lowering of 'late': "));
	assert_non_null(strstr(fused->error, "test_lowering.c:"));
	assert_non_null(strstr(fused->error, "control flow"));
	assert_int_equal(fx_trace(m, &tracer, &g), 0);
	assert_int_equal(fx_functionalize(g, m, &functional), -EINVAL);
	assert_string_equal(fx_graph_error(g), fused->error);
	fx_unregister_lowering(&lowering);
	fx_graph_free(g);
	fx_module_put(fused);
	fx_module_put(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_trace_shows_the_call),
		cmocka_unit_test(fuse_fx_lowers),
		cmocka_unit_test(what_is_lowered_is_quantized),
		cmocka_unit_test(functional_graphs_are_lowered),
		cmocka_unit_test(methods_and_classes_are_lowered),
		cmocka_unit_test(results_are_taken_by_number),
		cmocka_unit_test(lowerings_come_and_go),
		cmocka_unit_test(wrong_lowerings_are_refused),
		cmocka_unit_test(a_lowering_sees_no_elements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
