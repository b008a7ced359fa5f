// SPDX-License-Identifier: MIT
/*
 * test_fold.c - the types of values, and folding what is constant
 */
#include "fx_toys.h"

/* Types */

static void types_follow_from_inputs_and_constants(void **state)
{
	struct net *net = *state;
	struct fx_node *parts = split(net->g, net->x, 2);
	struct fx_node *sum = add(net->g, getitem(net->g, parts, 1), net->w);

	sum->out[0].scale = 0.25f;
	returns(net, sum);
	assert_int_equal(fx_graph_infer(net->g), 0);
	assert_int_equal(sum->out[0].dtype, FXQ_DTYPE_F32);
	assert_int_equal(sum->out[0].rank, 1);
	assert_int_equal(sum->out[0].dims[0], 4);
	assert_int_equal(parts->out[1].dims[0], 4);
	assert_true(sum->out[0].scale == 0.25f);
	assert_null(sum->out[0].data);
}

static void inference_asks_for_the_type_of_an_input(void **state)
{
	struct net *net = *state;

	fx_graph_placeholder(net->g, "y", NULL);
	assert_int_equal(fx_graph_infer(net->g), -EINVAL);
	assert_string_equal(fx_graph_error(net->g), "node 'y': the type of this input is unknown; give its dtype and shape");
}

static void refusal_of_a_shape_function_names_the_node(void **state)
{
	struct net *net = *state;
	struct fxq_tensor three = vector(NULL, 3);

	add(net->g, net->x, fx_graph_placeholder(net->g, "y", &three));
	assert_int_equal(fx_graph_infer(net->g), -EINVAL);
	assert_string_equal(fx_graph_error(net->g), "node 'add': add: sizes differ");
}

static void impossible_type_is_refused(void **state)
{
	struct net *net = *state;

	call1(net->g, "rank_nine", net->x);
	assert_int_equal(fx_graph_infer(net->g), -EINVAL);
	assert_non_null(strstr(fx_graph_error(net->g), "node 'rank_nine': rank_nine: result 0 would be float32 ["));
}

static void types_that_only_running_tells_stay_unknown(void **state)
{
	struct net *net = *state;
	struct fx_arg x = fx_arg_node(net->x);
	struct fx_node *some = wrapped_call(net->g, &x, 1);
	struct fx_node *sum = add(net->g, some, net->x);
	struct fx_node *filled = call1(net->g, "fill", net->x);

	assert_int_equal(fx_graph_infer(net->g), 0);
	assert_int_equal(some->out[0].dtype, FXQ_DTYPE_NONE);
	assert_int_equal(sum->out[0].dtype, FXQ_DTYPE_NONE);
	assert_int_equal(filled->out[0].dtype, FXQ_DTYPE_NONE);
}

static void attribute_without_data_is_no_tensor(void **state)
{
	struct net *net = *state;
	struct fx_node *self = fx_graph_node(net->g, FX_GET_ATTR, "_self",
					     NULL, NULL, 0, NULL, 0);

	add(net->g, net->x, self);
	assert_int_equal(fx_graph_infer(net->g), -EINVAL);
	assert_string_equal(fx_graph_error(net->g), "node 'add': input '_self' is an attribute without data");
}

/* Folding */

static void fold(struct net *net)
{
	assert_int_equal(fx_graph_fold_constants(net->g), 0);
	assert_int_equal(fx_graph_lint(net->g), 0);
}

static size_t count_nodes(const struct fx_graph *g)
{
	size_t count = 0;

	fx_for_each_node(n, g)
		count++;
	return count;
}

static void what_depends_on_constants_becomes_one(void **state)
{
	struct net *net = *state;
	struct fx_node *two = add(net->g, net->w, net->w);
	struct fx_node *four_times = add(net->g, two, two);
	struct fx_node *sum = add(net->g, net->x, four_times);
	struct fxq_tensor out;

	returns(net, sum);
	fold(net);
	assert_true(fx_node_is_const(four_times));
	assert_string_equal(four_times->name, "add_1");
	assert_floats(&four_times->out[0], FLOATS(40, 80, 120, 160));
	assert_true(fx_node_is(sum, "add"));
	assert_int_equal(sum->out[0].dims[0], 4);
	assert_int_equal(count_nodes(net->g), 4);

	out = run_one(net);
	assert_floats(&out, FLOATS(41, 78, 123, 156));
	fxq_tensor_free(&out);
}

/* The shape of x is known; its values are not. */
static void shapes_fold_and_give_the_next_types(void **state)
{
	struct net *net = *state;
	struct fx_node *shape = call1(net->g, "shape", net->x);
	struct fx_node *zeros = call1(net->g, "fill", shape);
	struct fx_node *sum = add(net->g, net->x, zeros);

	returns(net, sum);
	fold(net);
	assert_true(fx_node_is_const(zeros));
	assert_int_equal(zeros->out[0].dims[0], 4);
	assert_int_equal(sum->out[0].dims[0], 4);
	assert_int_equal(net->x->n_users, 1);
}

static void shape_of_an_unknown_input_stays(void **state)
{
	struct net *net = *state;
	struct fx_node *y = fx_graph_placeholder(net->g, "y", NULL);
	struct fx_node *shape = call1(net->g, "shape", y);

	returns(net, shape);
	fold(net);
	assert_true(fx_node_is(shape, "shape"));
}

static void results_of_a_folded_split_become_constants(void **state)
{
	struct net *net = *state;
	struct fx_node *parts = split(net->g, net->w, 2);
	struct fx_node *second = getitem(net->g, parts, 1);

	returns(net, add(net->g, net->x, second));
	fold(net);
	assert_true(fx_node_is_const(second));
	assert_floats(&second->out[0], FLOATS(11, 21, 31, 41));
	assert_int_equal(count_nodes(net->g), 4);
}

static void impure_and_wrapped_nodes_stay(void **state)
{
	struct net *net = *state;
	struct fx_arg w = fx_arg_node(net->w);
	struct fx_node *check = call1(net->g, "check", net->w);
	struct fx_node *wrapped = wrapped_call(net->g, &w, 1);

	returns(net, wrapped);
	fold(net);
	assert_true(fx_node_is(check, "check"));
	assert_int_equal(wrapped->opcode, FX_CALL_METHOD);
	assert_int_equal(net->w->n_users, 2);
}

static void results_above_64_mib_stay(void **state)
{
	struct net *net = *state;
	static const int64_t dims[] = { 1 << 12, (1 << 12) + 1 };
	struct fxq_tensor sizes = { .dtype = FXQ_DTYPE_I64, .rank = 1,
				    .dims = { 2 }, .data = (void *)dims };
	struct fx_node *n;

	n = call1(net->g, "fill", fx_graph_constant(net->g, "sizes", &sizes));
	returns(net, n);
	fold(net);
	assert_true(fx_node_is(n, "fill"));
	assert_int_equal(n->out[0].dims[1], dims[1]);
}

static void constant_that_nobody_used_before_stays(void **state)
{
	struct net *net = *state;

	returns(net, net->x);
	fold(net);
	assert_int_equal(count_nodes(net->g), 3);
}

static void failure_while_folding_names_the_node(void **state)
{
	struct net *net = *state;
	struct fx_node *n = call1(net->g, "fails", net->w);

	returns(net, n);
	assert_int_equal(fx_graph_fold_constants(net->g), -EDOM);
	assert_string_equal(fx_graph_error(net->g), "node 'fails': fails: it is a bad day");
	assert_true(fx_node_is(n, "fails"));
	assert_int_equal(fx_graph_lint(net->g), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		net_test(types_follow_from_inputs_and_constants),
		net_test(inference_asks_for_the_type_of_an_input),
		net_test(refusal_of_a_shape_function_names_the_node),
		net_test(impossible_type_is_refused),
		net_test(types_that_only_running_tells_stay_unknown),
		net_test(attribute_without_data_is_no_tensor),
		net_test(what_depends_on_constants_becomes_one),
		net_test(shapes_fold_and_give_the_next_types),
		net_test(shape_of_an_unknown_input_stays),
		net_test(results_of_a_folded_split_become_constants),
		net_test(impure_and_wrapped_nodes_stay),
		net_test(results_above_64_mib_stay),
		net_test(constant_that_nobody_used_before_stays),
		net_test(failure_while_folding_names_the_node),
	};

	return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
