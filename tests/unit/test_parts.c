// SPDX-License-Identifier: MIT
/*
 * test_parts.c - parts of tensors, and wrapped modules, as operators
 *
 * What is selected by v[…], split and chunk is the same bits eagerly and in a
 * functional graph, where no size is known while it is written.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/trace.h>

#define MAX_OUT	8

static void assert_same_bits(const struct fxq_tensor *a,
			     const struct fxq_tensor *b)
{
	assert_int_equal(a->rank, b->rank);
	assert_memory_equal(a->dims, b->dims, a->rank * sizeof(*a->dims));
	assert_memory_equal(a->data, b->data, fxq_tensor_bytes(a));
}

static void agree(struct fx_module *m, fxv x)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_graph *g, *functional;
	struct fxq_tensor out[MAX_OUT];
	fxv y = fx_call(fx_eval(m), x);
	size_t n = fx_tuple_count(y);

	assert_null(fx_error(y));
	assert_true(n <= MAX_OUT);
	assert_int_equal(fx_trace(m, &tracer, &g), 0);
	if (fx_functionalize(g, m, &functional))
		fail_msg("%s", fx_graph_error(g));
	if (fx_graph_run(functional, NULL, fx_data(x), 1, out, n))
		fail_msg("%s", fx_graph_error(functional));
	for (size_t i = 0; i < n; i++) {
		assert_same_bits(fx_data(fx_tuple_item(y, i)), &out[i]);
		fxq_tensor_free(&out[i]);
	}
	fx_release(y);
	fx_release(x);
	fx_graph_free(functional);
	fx_graph_free(g);
	fx_module_put(m);
}

FX_MODULE(Items, attribute(none, fx_none))

FX_FORWARD(Items, x)
{
	return fx_tuple(fx_getitem(x, 1), fx_getitem(x, -1, fx_slice(1, 3)),
			fx_getitem(x, fx_all, fx_none, 0),
			fx_getitem(x, fx_ellipsis, -2),
			fx_getitem(x, 0, fx_ellipsis, fx_none, fx_slice(-3, -1),
				   fx_all),
			fx_getitem(x, fx_all, fx_all, fx_none, fx_ellipsis, 1),
			fx_getitem(x, fx_none),
			fx_getitem(x, fx_ellipsis, fx_slice(0, 5, 2)));
}

static void items_are_slices(void **state)
{
	agree(Items(), fx_gen(1, 1, 2, 3, 4, 5));
}

FX_MODULE(Parts, attribute(none, fx_none))

FX_FORWARD(Parts, x)
{
	fxv a, b, c, d, e, f, s;

	s = fx_split(x, 2, .dim = 1);
	a = fx_getitem(s, 0);
	b = fx_getitem(s, 2);
	fx_unpack(fx_method(x, chunk, 3, .dim = -1), &c, &d, &e);
	f = fx_getitem(fx_split(x, 3), 0);
	return fx_tuple(a, b, c, fx_add(d, 1), e, f);
}

static void splits_are_slices(void **state)
{
	agree(Parts(), fx_gen(1, 1, 3, 5, 7));
}

FX_WRAP_MODULE(Gate,
	       module(fc, Linear(4, 4)),
	       parameter(limit, fx_full(0.25f, 4)))

/* Control flow that no graph can hold. */
FX_FORWARD(Gate, x, (twice, FX_BOOL(false)))
{
	fxv y = fx_call(self->fc, x);

	if (fx_truth(fx_gt(fx_method(y, max), 0)))
		y = fx_mul(y, self->limit);
	return fx_truth(twice) ? fx_add(y, y) : y;
}

FX_MODULE(Gates,
	  module(one, Gate()),
	  module(other, Gate()))

FX_FORWARD(Gates, x)
{
	return fx_call(self->other, fx_relu(fx_call(self->one, x)),
		       fx_of_bool(true));
}

/* Each with its own parameters, though they are of one class. */
static void wrapped_modules_are_called(void **state)
{
	struct fx_module *m = Gates();

	fx_module_fill(m, 3);
	agree(m, fx_gen(1, 1, 2, 4));
}

static void a_part_by_a_tensor_is_refused(void **state)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_graph *g = fx_graph_new(), *functional;
	struct fx_module *m = Items();
	struct fx_node *x = fx_graph_placeholder(g, "x", NULL);
	struct fx_arg args[] = { fx_arg_node(x), fx_arg_node(x) };
	struct fx_node *n;

	assert_int_equal(fx_trace(m, &tracer, &functional), 0);
	fx_for_each_node(k, functional)
		if (k->opcode == FX_CALL_FUNCTION)
			n = fx_graph_node(g, FX_CALL_FUNCTION, "getitem",
					  k->op, args, 2, NULL, 0);
	fx_graph_free(functional);
	fx_graph_set_output(g, &n, 1);
	assert_int_equal(fx_functionalize(g, m, &functional), -EINVAL);
	assert_string_equal(fx_graph_error(g), "getitem: an index that is no integer, slice, None or ellipsis; wrap what needs it");
	fx_graph_free(g);
	fx_module_put(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_slices),
		cmocka_unit_test(splits_are_slices),
		cmocka_unit_test(wrapped_modules_are_called),
		cmocka_unit_test(a_part_by_a_tensor_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
