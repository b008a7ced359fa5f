// SPDX-License-Identifier: MIT
/*
 * test_graph.c - graphs: names, users, order, arguments, dead code, copies
 *
 * Names follow the rules that torch.fx states; more of them are checked in
 * test_print.c against what torch printed.
 */
#include "fx_net.h"

/* Names */

static void assert_names(const char *const *targets, const char *wanted)
{
	struct fx_graph *g = fx_graph_new();

	for (; *targets; targets++)
		fx_graph_node(g, FX_CALL_MODULE, *targets, NULL, NULL, 0, NULL,
			      0);
	assert_order(g, wanted);
	fx_graph_free(g);
}

#define NAMES(wanted, ...) \
	assert_names((const char *const []){ __VA_ARGS__, NULL }, wanted)

static void names_are_numbered_from_the_second_on(void **state)
{
	NAMES("relu relu_1 relu_2", "relu", "relu", "relu");
	NAMES("relu relu_1 relu_2", "relu", "relu", "relu_1");
	NAMES("conv_2 conv conv_1 conv_3", "conv_2", "conv", "conv", "conv_2");
	NAMES("foo_bar foo_bar_1", "foo_bar", "foo.bar");
	NAMES("x_7 x_8", "x_007", "x_7");
	NAMES("_0 _1", "0", "0");
}

static void names_that_mean_something_to_python_are_numbered(void **state)
{
	NAMES("sum_1 sum_2", "sum", "sum");
	NAMES("lambda_1 input_1 nan_1 inf_1", "lambda", "input", "nan", "inf");
	NAMES("torch_1 device_1 fx_pytree_1 pytree_1", "torch", "device",
	      "fx_pytree", "pytree");
	NAMES("abs_1 zip_1 vars_1", "abs", "zip", "vars");
	NAMES("self output abs_ zips", "self", "output", "abs_", "zips");
}

static void names_are_snake_case_identifiers(void **state)
{
	NAMES("camel_case", "CamelCase");
	NAMES("res_net50_fc", "ResNet50.fc");
	NAMES("conv2d", "conv2D");
	NAMES("call", "__call__");
	NAMES("import_1", "__import__");
	NAMES("a_b_c", "a/../b c");
	NAMES("_unnamed", "");
	NAMES("caf_au_lait", "caf\xc3\xa9 au lait");
}

/* Searching each from the start would take over a thousand million steps. */
static void fifty_thousand_equal_names_take_no_time(void **state)
{
	struct fx_graph *g = fx_graph_new();
	struct fx_node *n = NULL;

	for (int i = 0; i < 50000; i++)
		n = fx_graph_node(g, FX_CALL_MODULE, "relu", NULL, NULL, 0,
				  NULL, 0);
	assert_string_equal(n->name, "relu_49999");
	fx_graph_free(g);
}

static void name_of_an_erased_node_is_not_given_again(void **state)
{
	struct fx_graph *g = fx_graph_new();
	struct fx_node *n;

	n = fx_graph_node(g, FX_CALL_MODULE, "m", NULL, NULL, 0, NULL, 0);
	assert_int_equal(fx_node_erase(n), 0);
	n = fx_graph_node(g, FX_CALL_MODULE, "m", NULL, NULL, 0, NULL, 0);
	assert_string_equal(n->name, "m_1");
	fx_graph_free(g);
}

/* Users */

static void user_is_counted_once_however_often_it_names_a_node(void **state)
{
	struct net *net = *state;

	assert_int_equal(net->x->n_users, 2);
	assert_int_equal(net->w->n_users, 1);
	assert_int_equal(net->conv->n_users, 1);
	assert_int_equal(net->sum->n_users, 1);
	assert_int_equal(net->out->n_users, 0);
}

static void users_follow_a_changed_argument(void **state)
{
	struct net *net = *state;

	fx_node_set_in(net->sum, 1, net->x);
	assert_int_equal(net->conv->n_users, 1);
	assert_int_equal(net->x->n_users, 3);
	fx_node_set_in(net->sum, 0, net->x);
	assert_int_equal(net->conv->n_users, 0);
	assert_int_equal(net->x->n_users, 3);
	fx_node_set_in(net->conv, 2, net->w);
	assert_int_equal(net->w->n_users, 1);
	fx_node_set_in(net->conv, 1, NULL);
	assert_int_equal(net->w->n_users, 1);
	fx_node_set_kwarg(net->conv, "with", fx_arg_node(net->x));
	assert_int_equal(net->x->n_users, 3);
	assert_null(fx_node_in(net->conv, 1));
	assert_ptr_equal(fx_node_in(net->conv, 2), net->w);
}

static void argument_past_the_end_is_filled_with_none(void **state)
{
	struct net *net = *state;
	struct fx_node *n = call(net->g, "concat", NODES(net->x));

	fx_node_set_in(n, 3, net->w);
	assert_int_equal(n->n_args, 4);
	assert_ptr_equal(fx_node_in(n, 0), net->x);
	assert_int_equal(n->args[2].kind, FX_ARG_NONE);
	assert_ptr_equal(fx_node_in(n, 3), net->w);
	assert_null(fx_node_in(n, 4));
}

static void replacing_uses_reaches_nested_tuples(void **state)
{
	struct net *net = *state;

	assert_int_equal(fx_node_replace_uses(net->x, net->w), 2);
	assert_int_equal(net->x->n_users, 0);
	assert_int_equal(net->w->n_users, 2);
	assert_ptr_equal(net->out->args[0].items[1].node, net->w);
	assert_ptr_equal(fx_node_in(net->conv, 0), net->w);
	assert_int_equal(fx_graph_lint(net->g), 0);
}

static void node_put_behind_another_keeps_its_own_use(void **state)
{
	struct net *net = *state;
	struct fx_node *n;

	fx_graph_set_insert_point(net->g, net->sum);
	n = call(net->g, "check", NODES(net->conv));
	assert_int_equal(fx_node_replace_uses(net->conv, n), 1);
	assert_ptr_equal(fx_node_in(n, 0), net->conv);
	assert_ptr_equal(fx_node_in(net->sum, 0), n);
	assert_ptr_equal(fx_node_in(net->sum, 1), n);
	assert_int_equal(net->conv->n_users, 1);
	assert_int_equal(n->n_users, 1);
	assert_int_equal(fx_graph_lint(net->g), 0);
}

static void node_in_use_is_not_erased(void **state)
{
	struct net *net = *state;

	assert_int_equal(fx_node_erase(net->conv), -EBUSY);
	assert_order(net->g, "x w conv2d add output");
	assert_int_equal(fx_graph_lint(net->g), 0);
}

static void erasing_gives_up_the_uses_of_a_node(void **state)
{
	struct net *net = *state;

	assert_int_equal(fx_node_erase(net->out), 0);
	assert_int_equal(fx_node_erase(net->sum), 0);
	assert_int_equal(net->conv->n_users, 0);
	assert_int_equal(net->x->n_users, 1);
	assert_null(fx_graph_output(net->g));
	assert_order(net->g, "x w conv2d");
	assert_int_equal(fx_node_erase(net->sum), -EINVAL);
}

struct seen {
	char text[64];
};

static void see(struct fx_node *in, void *ctx)
{
	struct seen *seen = ctx;

	strcat(strcat(seen->text, in->name), " ");
}

static void visit_goes_through_arguments_in_order(void **state)
{
	struct net *net = *state;
	struct seen seen = {};

	fx_node_visit(net->conv, see, &seen);
	fx_node_visit(net->sum, see, &seen);
	fx_node_visit(net->out, see, &seen);
	assert_string_equal(seen.text, "x w conv2d conv2d add x ");
}

/* Order */

static void new_nodes_go_before_the_insert_point(void **state)
{
	struct net *net = *state;

	assert_null(fx_graph_set_insert_point(net->g, net->conv));
	call(net->g, "check", NODES(net->x));
	assert_order(net->g, "x w check conv2d add output");
	assert_ptr_equal(fx_graph_set_insert_point(net->g, NULL), net->conv);
	call(net->g, "check", NODES(net->x));
	assert_order(net->g, "x w check conv2d add check_1 output");
	assert_int_equal(fx_graph_lint(net->g), 0);
}

static void insert_point_moves_on_when_its_node_goes(void **state)
{
	struct net *net = *state;
	struct fx_node *n = call(net->g, "check", NODES(net->x));

	fx_graph_set_insert_point(net->g, n);
	assert_int_equal(fx_node_erase(n), 0);
	call(net->g, "check", NODES(net->x));
	assert_order(net->g, "x w conv2d add check_1 output");
}

static void moved_node_stands_before_the_other(void **state)
{
	struct net *net = *state;

	fx_node_move_before(net->w, net->x);
	assert_order(net->g, "w x conv2d add output");
	fx_node_move_before(net->w, net->conv);
	assert_order(net->g, "x w conv2d add output");
	assert_int_equal(fx_graph_lint(net->g), 0);
}

static void output_is_replaced_in_its_place(void **state)
{
	struct net *net = *state;

	assert_ptr_equal(fx_graph_set_output(net->g, NODES(net->conv)),
			 net->out);
	assert_int_equal(net->sum->n_users, 0);
	assert_int_equal(net->x->n_users, 1);
	assert_int_equal(net->conv->n_users, 2);
	assert_ptr_equal(fx_node_in(net->out, 0), net->conv);
	assert_int_equal(fx_graph_lint(net->g), 0);
}

/* Arguments */

static void kwargs_read_as_what_they_can_be(void **state)
{
	struct net *net = *state;
	static const int64_t pair[] = { 3, 5 };
	int64_t v[2] = {};

	fx_node_set_kwarg(net->conv, "stride", fx_arg_ints(net->g, pair, 2));
	fx_node_set_kwarg(net->conv, "groups", fx_arg_int(4));
	fx_node_set_kwarg(net->conv, "slope", fx_arg_float(0.5));
	fx_node_set_kwarg(net->conv, "mode", fx_arg_str("zeros"));
	fx_node_set_kwarg(net->conv, "flip", fx_arg_bool(true));

	assert_int_equal(fx_node_ints(net->conv, "stride", v, 1), 2);
	assert_int_equal(v[0], 3);
	assert_int_equal(v[1], 0);
	assert_int_equal(fx_node_ints(net->conv, "groups", v, 2), 1);
	assert_int_equal(v[0], 4);
	assert_int_equal(fx_node_ints(net->conv, "slope", v, 2), 0);
	assert_int_equal(fx_node_ints(net->conv, "absent", v, 2), 0);
	assert_int_equal(fx_node_int(net->conv, "groups", 1), 4);
	assert_int_equal(fx_node_int(net->conv, "flip", 0), 1);
	assert_int_equal(fx_node_int(net->conv, "slope", 7), 7);
	assert_true(fx_node_float(net->conv, "slope", 0) == 0.5);
	assert_true(fx_node_float(net->conv, "groups", 0) == 4.0);
	assert_string_equal(fx_node_str(net->conv, "mode", ""), "zeros");
	assert_string_equal(fx_node_str(net->conv, "absent", "none"), "none");
	fx_node_set_kwarg(net->conv, "groups", fx_arg_int(2));
	assert_int_equal(fx_node_int(net->conv, "groups", 1), 2);
	assert_int_equal(net->conv->n_kwargs, 5);
}

static void arguments_are_copied(void **state)
{
	struct net *net = *state;
	char text[] = "same";
	struct fx_kwarg kwarg = { "mode", fx_arg_str(text) };
	struct fx_node *n;

	n = fx_graph_call(net->g, "check", NODES(net->x), &kwarg, 1);
	text[0] = 'g';
	assert_string_equal(fx_node_str(n, "mode", ""), "same");
}

static void n_out_says_how_many_results_there_are(void **state)
{
	struct net *net = *state;
	struct fx_kwarg three = { "n_out", fx_arg_int(3) };
	struct fx_kwarg none = { "n_out", fx_arg_int(0) };
	struct fx_node *n;

	n = fx_graph_call(net->g, "split", NODES(net->x), &three, 1);
	assert_int_equal(n->n_out, 3);
	fx_node_set_kwarg(n, "n_out", fx_arg_int(2));
	assert_int_equal(n->n_out, 2);
	assert_null(fx_graph_call(net->g, "split", NODES(net->x), &none, 1));
	assert_non_null(strstr(fx_graph_error(net->g), "n_out = 0"));
	assert_order(net->g, "x w conv2d add split output");
}

static void unknown_operator_is_refused_by_name(void **state)
{
	struct net *net = *state;

	assert_null(call(net->g, "frobnicate", NODES(net->x)));
	assert_string_equal(fx_graph_error(net->g),
			    "there is no operator called 'frobnicate'");
	assert_order(net->g, "x w conv2d add output");
}

static void constant_owns_its_elements(void **state)
{
	struct net *net = *state;

	assert_true(fx_node_is_const(net->w));
	assert_false(fx_node_is_const(net->x));
	assert_ptr_not_equal(net->w->out[0].data, weights);
	assert_memory_equal(net->w->out[0].data, weights, sizeof(weights));
	assert_int_equal((uintptr_t)net->w->out[0].data % 64, 0);
}

/* Dead code */

static void dead_code_goes_with_all_it_alone_used(void **state)
{
	struct net *net = *state;
	struct fx_node *a = call(net->g, "add", NODES(net->x, net->w));
	struct fx_node *b = call(net->g, "add", NODES(a, a));

	call(net->g, "concat", NODES(a, b));
	assert_int_equal(fx_graph_eliminate_dead_code(net->g), 3);
	assert_order(net->g, "x w conv2d add output");
	assert_int_equal(net->w->n_users, 1);
	assert_int_equal(fx_graph_lint(net->g), 0);
}

static void inputs_and_impure_operators_stay(void **state)
{
	struct net *net = *state;

	fx_graph_placeholder(net->g, "unused", NULL);
	call(net->g, "check", NODES(net->conv));
	fx_graph_set_output(net->g, NODES(net->x));
	assert_int_equal(fx_graph_eliminate_dead_code(net->g), 1);
	assert_order(net->g, "x w conv2d unused check output");
	assert_int_equal(fx_graph_lint(net->g), 0);
}

/* Copies */

static void copy_is_equal_and_independent(void **state)
{
	struct net *net = *state;
	struct fx_graph *copy;
	struct fx_node *conv;

	net->conv->source = "layer1";
	net->conv->out[0].scale = 0.25f;
	copy = fx_graph_copy(net->g);
	assert_order(copy, "x w conv2d add output");
	assert_int_equal(fx_graph_lint(copy), 0);

	conv = fx_graph_first(copy)->next->next;
	assert_ptr_not_equal(conv, net->conv);
	assert_ptr_equal(fx_node_in(conv, 0), fx_graph_first(copy));
	assert_string_equal(conv->source, "layer1");
	assert_true(conv->out[0].scale == 0.25f);
	((float *)fx_node_in(conv, 1)->out[0].data)[0] = 9;
	assert_memory_equal(net->w->out[0].data, weights, sizeof(weights));

	fx_graph_free(net->g);
	net->g = copy;
	assert_int_equal(fx_graph_output(copy)->n_args, 1);
	assert_string_equal(call(copy, "add", NODES(conv, conv))->name,
			    "add_1");
}

/* Tensors */

static void sizes_that_overflow_are_refused(void **state)
{
	static const int64_t huge[] = { INT64_MAX / 2, 3 };
	static const int64_t large[] = { INT64_MAX / 4, 1 };
	static const int64_t negative[] = { 2, -1 };
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, 2, huge);

	assert_true(fxq_tensor_bytes(&t) == SIZE_MAX);
	assert_int_equal(fxq_tensor_alloc(&t), -EOVERFLOW);
	assert_null(t.data);
	t = fxq_tensor_type(FXQ_DTYPE_F64, 2, large);
	assert_int_equal(fxq_tensor_alloc(&t), -EOVERFLOW);
	t = fxq_tensor_type(FXQ_DTYPE_F32, 2, negative);
	assert_int_equal(fxq_tensor_alloc(&t), -EINVAL);
	assert_int_equal(fxq_tensor_count(&t), 0);
	t.rank = FXQ_MAX_RANK + 1;
	assert_int_equal(fxq_tensor_alloc(&t), -EINVAL);
}

static void memory_of_a_tensor_is_aligned_and_zero(void **state)
{
	static const int64_t dims[] = { 3, 5, 7 };
	static const char zeros[3 * 5 * 7 * 2];
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_I16, 3, dims);

	assert_int_equal(fxq_tensor_count(&t), 105);
	assert_int_equal(fxq_tensor_bytes(&t), 210);
	assert_int_equal(fxq_tensor_alloc(&t), 0);
	assert_int_equal((uintptr_t)t.data % 64, 0);
	assert_memory_equal(t.data, zeros, sizeof(zeros));
	fxq_tensor_free(&t);
	assert_null(t.data);
}

static void scalars_have_one_element_and_empty_tensors_an_address(void **state)
{
	static const int64_t none[] = { 4, 0 };
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_I64, 0, NULL);

	assert_int_equal(fxq_tensor_count(&t), 1);
	assert_int_equal(fxq_tensor_bytes(&t), 8);
	t = fxq_tensor_type(FXQ_DTYPE_F32, 2, none);
	assert_int_equal(fxq_tensor_bytes(&t), 0);
	assert_int_equal(fxq_tensor_alloc(&t), 0);
	assert_non_null(t.data);
	fxq_tensor_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_numbered_from_the_second_on),
		cmocka_unit_test(names_that_mean_something_to_python_are_numbered),
		cmocka_unit_test(names_are_snake_case_identifiers),
		cmocka_unit_test(fifty_thousand_equal_names_take_no_time),
		cmocka_unit_test(name_of_an_erased_node_is_not_given_again),
		net_test(user_is_counted_once_however_often_it_names_a_node),
		net_test(users_follow_a_changed_argument),
		net_test(argument_past_the_end_is_filled_with_none),
		net_test(replacing_uses_reaches_nested_tuples),
		net_test(node_put_behind_another_keeps_its_own_use),
		net_test(node_in_use_is_not_erased),
		net_test(erasing_gives_up_the_uses_of_a_node),
		net_test(visit_goes_through_arguments_in_order),
		net_test(new_nodes_go_before_the_insert_point),
		net_test(insert_point_moves_on_when_its_node_goes),
		net_test(moved_node_stands_before_the_other),
		net_test(output_is_replaced_in_its_place),
		net_test(kwargs_read_as_what_they_can_be),
		net_test(arguments_are_copied),
		net_test(n_out_says_how_many_results_there_are),
		net_test(unknown_operator_is_refused_by_name),
		net_test(constant_owns_its_elements),
		net_test(dead_code_goes_with_all_it_alone_used),
		net_test(inputs_and_impure_operators_stay),
		net_test(copy_is_equal_and_independent),
		cmocka_unit_test(sizes_that_overflow_are_refused),
		cmocka_unit_test(memory_of_a_tensor_is_aligned_and_zero),
		cmocka_unit_test(scalars_have_one_element_and_empty_tensors_an_address),
	};

	return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
