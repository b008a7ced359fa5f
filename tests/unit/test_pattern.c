// SPDX-License-Identifier: MIT
/*
 * test_pattern.c - the graph as a library: replacing patterns, interpreting
 *
 * Patterns are written as models are, and traced. What a replaced graph
 * computes is compared with what it computed before.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/trace.h>

FX_MODULE(Net)
FX_FORWARD(Net, x, y)
{
	fxv sum = fx_relu(fx_add(x, y));

	return fx_mul(fx_relu(fx_add(sum, y)), 2);
}

/* x + y that somebody else sees too. */
FX_MODULE(Shared)
FX_FORWARD(Shared, x, y)
{
	fxv sum = fx_add(x, y);

	return fx_mul(fx_relu(sum), sum);
}

FX_MODULE(AddRelu)
FX_FORWARD(AddRelu, a, b)
{
	return fx_relu(fx_add(a, b));
}

FX_MODULE(ReluAddRelu)
FX_FORWARD(ReluAddRelu, a, b)
{
	return fx_relu(fx_relu(fx_add(b, a)));
}

FX_MODULE(Twice)
FX_FORWARD(Twice, x)
{
	return fx_mul(x, 2);
}

FX_MODULE(Thrice)
FX_FORWARD(Thrice, x)
{
	return fx_mul(x, 3);
}

/* What the pattern erases is an input of it, too. */
FX_MODULE(Doubled)
FX_FORWARD(Doubled, x)
{
	fxv y = fx_relu(x);

	return fx_add(y, y);
}

FX_MODULE(ReluAdd)
FX_FORWARD(ReluAdd, a, b)
{
	return fx_add(fx_relu(a), b);
}

FX_MODULE(Unused)
FX_FORWARD(Unused, x, y)
{
	fx_mul(x, 2);
	return fx_relu(x);
}

FX_MODULE(Several)
FX_FORWARD(Several, x)
{
	return fx_tuple(x, fx_relu(x));
}

FX_MODULE(Itself)
FX_FORWARD(Itself, x)
{
	return x;
}

FX_MODULE(Square)
FX_FORWARD(Square, x)
{
	return fx_mul(x, x);
}

FX_MODULE(Product)
FX_FORWARD(Product, x, y)
{
	return fx_mul(x, y);
}

static struct fx_graph *trace_and_put(struct fx_module *m)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_graph *g = NULL;

	assert_int_equal(fx_trace(m, &tracer, &g), 0);
	fx_module_put(m);
	return g;
}

static int replace(struct fx_graph *g, struct fx_module *pattern,
		   struct fx_module *replacement)
{
	struct fx_graph *p = trace_and_put(pattern);
	struct fx_graph *r = trace_and_put(replacement);
	int n = fx_graph_replace_pattern(g, p, r);

	fx_graph_free(p);
	fx_graph_free(r);
	assert_int_equal(fx_graph_lint(g), 0);
	return n;
}

static void assert_code(const struct fx_graph *g, const char *lines)
{
	char *code = fx_graph_code(g);

	assert_non_null(strstr(code, lines));
	free(code);
}

/* Two matches, each input where the pattern has it, nothing left over. */
static void every_match_is_replaced(void **state)
{
	struct fx_module *m = Net(), *gm;
	struct fx_graph *g = trace_and_put(fx_module_get(m));
	fxv x = fx_tensor(-1, 2, 3), y = fx_tensor(4, -5, 6);
	fxv before = fx_call(m, x, y), after;

	assert_int_equal(replace(g, AddRelu(), ReluAddRelu()), 2);
	assert_code(g, "    add_2 = y + x;  x = None\n"
		       "    relu_2 = torch.nn.functional.relu(add_2, inplace = False);  add_2 = None\n"
		       "    relu_3 = torch.nn.functional.relu(relu_2, inplace = False);  relu_2 = None\n"
		       "    add_3 = y + relu_3;  y = relu_3 = None\n");

	gm = GraphModuleWithAttr(m, g);
	after = fx_call(gm, x, y);
	assert_memory_equal(fx_data(before)->data, fx_data(after)->data,
			    3 * sizeof(float));
	fx_release(before);
	fx_release(after);
	fx_release(x);
	fx_release(y);
	fx_module_put(gm);
	fx_module_put(m);
}

static void a_value_that_others_use_stays(void **state)
{
	struct fx_graph *g = trace_and_put(Shared());

	assert_int_equal(replace(g, AddRelu(), ReluAddRelu()), 0);
	assert_code(g, "    add = x + y;  x = y = None\n");
	fx_graph_free(g);
}

static void an_input_is_not_erased(void **state)
{
	struct fx_graph *g = trace_and_put(Doubled());

	assert_int_equal(replace(g, ReluAdd(), Product()), 0);
	assert_code(g, "add = relu + relu;");
	fx_graph_free(g);
}

static void numbers_must_be_equal(void **state)
{
	struct fx_graph *g = trace_and_put(Net());

	assert_int_equal(replace(g, Thrice(), Twice()), 0);
	assert_int_equal(replace(g, Twice(), Thrice()), 1);
	assert_code(g, "mul_1 = relu_1 * 3");
	fx_graph_free(g);
}

static void what_is_put_in_is_not_matched(void **state)
{
	struct fx_graph *g = trace_and_put(Net());

	assert_int_equal(replace(g, Twice(), Twice()), 1);
	assert_int_equal(replace(g, Twice(), Itself()), 1);
	assert_code(g, "return relu_1\n");
	fx_graph_free(g);
}

/* The same placeholder is the same node; two may be one. */
static void inputs_are_whatever_they_are(void **state)
{
	struct fx_graph *g = trace_and_put(Product());

	assert_int_equal(replace(g, Square(), Itself()), 0);
	fx_graph_free(g);
	g = trace_and_put(Square());
	assert_int_equal(replace(g, Product(), AddRelu()), 1);
	assert_code(g, "add = x + x;  x = None\n");
	fx_graph_free(g);
}

static void refused(struct fx_module *pattern, struct fx_module *replacement,
		    const char *sentence)
{
	struct fx_graph *g = trace_and_put(Net());

	assert_int_equal(replace(g, pattern, replacement), -EINVAL);
	assert_string_equal(fx_graph_error(g), sentence);
	assert_code(g, "mul = relu_1 * 2");
	fx_graph_free(g);
}

static void senseless_patterns_are_refused(void **state)
{
	refused(Itself(), Twice(),
		"a pattern that returns its input matches everything");
	refused(Twice(), Product(),
		"the pattern has 1 inputs and its replacement 2");
	refused(Several(), Twice(), "a pattern returns one value");
	refused(Twice(), Several(), "a replacement returns one value");
	refused(Unused(), Product(),
		"the pattern returns nothing that 'y' leads to");
}

/* Interpreters */

struct seen {
	int relus;
	float largest;
};

/* Looks at each relu's argument, and lets it be as it is. */
static fxv count_relus(struct fx_interpreter *i, struct fx_node *n)
{
	struct seen *seen = i->priv;
	const float *in;

	if (strcmp(n->target, "relu"))
		return fx_interpret_node(i, n);
	seen->relus++;
	in = fx_data(fx_interpret_value(i, n->args[0].node))->data;
	if (in[0] > seen->largest)
		seen->largest = in[0];
	return fx_interpret_value(i, n->args[0].node);
}

static fxv refuse_mul(struct fx_interpreter *i, struct fx_node *n)
{
	if (!strcmp(n->target, "mul"))
		return fx_poison(&n->loc, -EDOM, "no products today");
	return fx_interpret_node(i, n);
}

static void an_interpreter_sees_and_changes(void **state)
{
	struct fx_module *m = Net();
	struct fx_graph *g = trace_and_put(fx_module_get(m));
	struct fx_module *gm = GraphModuleWithAttr(m, g);
	struct seen seen = { 0 };
	struct fx_interpreter counter = { count_relus, &seen };
	struct fx_interpreter plain = { 0 }, failing = { refuse_mul };
	fxv x = fx_tensor(-7), y = fx_tensor(4), ret;

	ret = fx_interpret(&plain, gm, x, y);
	assert_true(fx_float(ret) == 8);
	fx_release(ret);
	ret = fx_interpret(&counter, gm, x, y);
	assert_int_equal(seen.relus, 2);
	assert_true(seen.largest == 1);
	assert_true(fx_float(ret) == 2);
	fx_release(ret);
	ret = fx_interpret(&failing, gm, x, y);
	assert_non_null(strstr(fx_error(ret), "no products today"));
	fx_release(ret);
	ret = fx_interpret(&plain, m, x, y);
	assert_string_equal(fx_error(ret), "a Net has no graph to interpret; make a graph module of it");
	fx_release(ret);
	ret = fx_interpret(&plain, gm, x);
	assert_string_equal(fx_error(ret), "Net: the argument 'y' is missing");
	fx_release(ret);

	fx_release(x);
	fx_release(y);
	fx_module_put(gm);
	fx_module_put(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_match_is_replaced),
		cmocka_unit_test(a_value_that_others_use_stays),
		cmocka_unit_test(an_input_is_not_erased),
		cmocka_unit_test(numbers_must_be_equal),
		cmocka_unit_test(what_is_put_in_is_not_matched),
		cmocka_unit_test(inputs_are_whatever_they_are),
		cmocka_unit_test(senseless_patterns_are_refused),
		cmocka_unit_test(an_interpreter_sees_and_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
