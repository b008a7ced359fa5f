// SPDX-License-Identifier: MIT
/*
 * test_lint.c - each rule of a sound graph, broken by hand and alone
 */
#include "fx_net.h"

static void assert_refused(struct net *net, const char *sentence)
{
	assert_int_equal(fx_graph_lint(net->g), -EINVAL);
	assert_string_equal(fx_graph_error(net->g), sentence);
}

static void lint_accepts_a_sound_graph(void **state)
{
	struct net *net = *state;

	assert_int_equal(fx_graph_lint(net->g), 0);
	assert_string_equal(fx_graph_error(net->g), "");
}

static void lint_refuses_a_link_that_does_not_lead_back(void **state)
{
	struct net *net = *state;

	net->conv->prev = net->x;
	assert_refused(net, "node 'conv2d': prev does not lead back to 'w'");
}

static void lint_refuses_links_in_a_circle(void **state)
{
	struct net *net = *state;

	net->sum->next = net->conv;
	assert_refused(net, "node 'conv2d': prev does not lead back to 'add'");
}

static void lint_refuses_a_list_cut_short(void **state)
{
	struct net *net = *state;

	net->conv->next = NULL;
	assert_refused(net, "the list of nodes ends after 3 of 5 nodes");
}

static void lint_refuses_a_name_given_twice(void **state)
{
	struct net *net = *state;

	net->sum->name = "w";
	assert_int_equal(fx_graph_lint(net->g), -EINVAL);
	assert_string_equal(fx_graph_error(net->g),
			    "node 'w': two nodes have this name");
}

static void lint_refuses_a_use_before_the_definition(void **state)
{
	struct net *net = *state;

	fx_node_move_before(net->conv, net->w);
	assert_refused(net, "node 'conv2d': uses 'w' before it is defined");
}

static void lint_refuses_an_argument_that_was_erased(void **state)
{
	struct net *net = *state;

	net->w->n_users = 0;
	fx_node_erase(net->w);
	assert_refused(net, "node 'conv2d': an argument is a node that is not in this graph");
}

static void lint_refuses_an_argument_of_another_graph(void **state)
{
	struct net *net = *state;
	struct fx_graph *other = fx_graph_new();
	struct fx_node *foreign = fx_graph_placeholder(other, "f", NULL);

	net->sum->args[0].node = foreign;
	assert_refused(net, "node 'add': an argument is a node that is not in this graph");
	fx_graph_free(other);
}

static void lint_refuses_a_wrong_count_of_users(void **state)
{
	struct net *net = *state;

	net->conv->n_users = 2;
	assert_refused(net, "node 'conv2d': counts 2 users, but has 1");
}

static void lint_refuses_what_follows_the_output(void **state)
{
	struct net *net = *state;

	fx_node_move_before(net->out, net->sum);
	assert_refused(net, "node 'output': the output is the last node, but 'add' follows");
}

static void lint_refuses_a_second_output(void **state)
{
	struct net *net = *state;
	struct fx_arg value = fx_arg_node(net->x);

	fx_graph_node(net->g, FX_OUTPUT, "output", NULL, &value, 1, NULL, 0);
	assert_int_equal(fx_graph_lint(net->g), -EINVAL);
	assert_string_equal(fx_graph_error(net->g), "node 'output': the output is the last node, but 'output_1' follows");
}

static void lint_refuses_too_few_tensors(void **state)
{
	struct net *net = *state;

	call(net->g, "conv2d", NODES(net->x));
	assert_refused(net, "node 'conv2d_1': conv2d takes at least 2 tensors, but has 1");
}

static void lint_refuses_too_many_tensors(void **state)
{
	struct net *net = *state;

	call(net->g, "add", NODES(net->x, net->x, net->x));
	assert_refused(net, "node 'add_1': add takes at most 2 tensors, but has 3");
}

static void lint_refuses_an_absent_required_tensor(void **state)
{
	struct net *net = *state;

	call(net->g, "add", NODES(net->x, NULL));
	assert_refused(net, "node 'add_1': add requires its tensor 1, which is None");
}

static void lint_accepts_literals_of_the_traced_form(void **state)
{
	struct net *net = *state;
	struct fx_arg args[] = { fx_arg_node(net->x), fx_arg_int(2) };

	fx_graph_node(net->g, FX_CALL_FUNCTION, "add", fx_op_find("add"), args,
		      2, NULL, 0);
	assert_int_equal(fx_graph_lint(net->g), 0);
}

static void lint_refuses_a_call_of_nothing(void **state)
{
	struct net *net = *state;

	net->sum->op = NULL;
	assert_refused(net, "node 'add': a call_function has an operator or a wrapped function");
}

static void lint_refuses_a_kwarg_given_twice(void **state)
{
	struct net *net = *state;
	struct fx_kwarg kwargs[] = {
		{ "dim", fx_arg_int(0) }, { "dim", fx_arg_int(1) }
	};

	fx_graph_call(net->g, "concat", NODES(net->x), kwargs, 2);
	assert_refused(net, "node 'concat': kwarg 'dim' is given twice");
}

static void error_names_the_layer_and_the_line(void **state)
{
	struct net *net = *state;

	net->conv->source = "layer1.\nconv";
	net->conv->n_users = 2;
	assert_refused(net, "node 'conv2d' (layer 'layer1.?conv'): counts 2 users, but has 1");
}

/* The first failure is the one that explains the others. */
static void first_failure_stays(void **state)
{
	struct net *net = *state;

	assert_int_equal(fx_graph_fail(net->g, -EIO, "first %d", 1), -EIO);
	assert_int_equal(fx_graph_fail(net->g, -EPERM, "second"), -EPERM);
	assert_string_equal(fx_graph_error(net->g), "first 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		net_test(lint_accepts_a_sound_graph),
		net_test(lint_refuses_a_link_that_does_not_lead_back),
		net_test(lint_refuses_links_in_a_circle),
		net_test(lint_refuses_a_list_cut_short),
		net_test(lint_refuses_a_name_given_twice),
		net_test(lint_refuses_a_use_before_the_definition),
		net_test(lint_refuses_an_argument_that_was_erased),
		net_test(lint_refuses_an_argument_of_another_graph),
		net_test(lint_refuses_a_wrong_count_of_users),
		net_test(lint_refuses_what_follows_the_output),
		net_test(lint_refuses_a_second_output),
		net_test(lint_refuses_too_few_tensors),
		net_test(lint_refuses_too_many_tensors),
		net_test(lint_refuses_an_absent_required_tensor),
		net_test(lint_accepts_literals_of_the_traced_form),
		net_test(lint_refuses_a_call_of_nothing),
		net_test(lint_refuses_a_kwarg_given_twice),
		net_test(error_names_the_layer_and_the_line),
		net_test(first_failure_stays),
	};

	return cmocka_run_group_tests_name("lint", tests, NULL, NULL);
}
