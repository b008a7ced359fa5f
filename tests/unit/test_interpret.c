// SPDX-License-Identifier: MIT
/*
 * test_interpret.c - eager runs: values, inputs, observers, attributes
 */
#include "fx_toys.h"

/* Running */

static void run_computes_what_the_graph_says(void **state)
{
	struct net *net = *state;
	struct fxq_tensor out;

	returns(net, add(net->g, add(net->g, net->x, net->w), net->x));
	for (int i = 0; i < 2; i++) {
		out = run_one(net);
		assert_floats(&out, FLOATS(12, 16, 36, 32));
		fxq_tensor_free(&out);
	}
}

static void outputs_are_the_callers_whatever_they_name(void **state)
{
	struct net *net = *state;
	struct fx_node *sum = add(net->g, net->x, net->w);
	struct fx_node *values[] = { sum, net->x, sum, net->w };
	struct fxq_tensor out[4];

	fx_graph_set_output(net->g, values, 4);
	assert_int_equal(fx_graph_run(net->g, NULL, &net->in, 1, out, 4), 0);
	assert_floats(&out[0], FLOATS(11, 18, 33, 36));
	assert_floats(&out[1], FLOATS(1, -2, 3, -4));
	assert_floats(&out[2], FLOATS(11, 18, 33, 36));
	assert_floats(&out[3], FLOATS(10, 20, 30, 40));
	assert_ptr_not_equal(out[0].data, out[2].data);
	assert_ptr_not_equal(out[1].data, four);
	for (int i = 0; i < 4; i++)
		fxq_tensor_free(&out[i]);
}

/* Sixteen values of a mebibyte each; three are alive at a time. */
static void values_are_freed_after_their_last_use(void **state)
{
	struct net *net = *state;
	int64_t n = 1 << 18;
	struct fxq_tensor in = vector(NULL, n), out;
	struct fx_node *last = net->x;
	size_t before;

	fx_node_set_type(net->x, &in);
	for (int i = 0; i < 16; i++)
		last = add(net->g, last, last);
	returns(net, last);
	assert_int_equal(fxq_tensor_alloc(&in), 0);

	memset(&seen, 0, sizeof(seen));
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	assert_int_equal(fx_graph_run(net->g, NULL, &in, 1, &out, 1), 0);
	assert_int_equal(seen.calls, 16);
	assert_true(seen.peak < before + 3 * 4 * n);
	fxq_tensor_free(&in);
	fxq_tensor_free(&out);
}

static void threads_and_self_are_passed_on(void **state)
{
	struct net *net = *state;
	struct fx_arg self[2];
	struct fxq_self me = { .training = 1 };
	struct fx_run run = { .threads = 3, .self = &me };
	struct fxq_tensor out;

	self[0] = fx_arg_node(fx_graph_node(net->g, FX_GET_ATTR, "_self", NULL,
					    NULL, 0, NULL, 0));
	self[1] = fx_arg_node(net->x);
	returns(net, wrapped_call(net->g, self, 2));

	assert_int_equal(fx_graph_run(net->g, &run, &net->in, 1, &out, 1), 0);
	assert_floats(&out, FLOATS(1, 3));
	assert_ptr_equal(seen.self, &me);
	assert_int_equal(seen.threads, 3);
	assert_int_equal(seen.n_in, 1);
	fxq_tensor_free(&out);

	out = run_one(net);
	assert_int_equal(seen.training, 0);
	assert_int_equal(seen.threads, 1);
	fxq_tensor_free(&out);
}

static void literals_of_a_wrapped_call_become_attributes(void **state)
{
	struct net *net = *state;
	struct fx_arg args[] = { fx_arg_node(net->x), fx_arg_bool(true),
				 fx_arg_node(NULL) };
	struct fx_node *n = wrapped_call(net->g, args, 3);
	struct fxq_attr *attrs;

	assert_int_equal(fx_node_attrs(n, &attrs), 1);
	assert_string_equal(attrs[0].name, "arg1");
	assert_int_equal(attrs[0].type, FXQ_ATTR_INT);
	assert_int_equal(attrs[0].i, 1);
}

static void getitem_selects_a_result(void **state)
{
	struct net *net = *state;
	struct fx_node *parts = split(net->g, net->x, 3);
	struct fxq_tensor out;

	returns(net, add(net->g, getitem(net->g, parts, 2),
			 getitem(net->g, parts, 0)));
	out = run_one(net);
	assert_floats(&out, FLOATS(4, -2, 8, -6));
	fxq_tensor_free(&out);
}

static void getitem_of_a_result_that_is_none_is_refused(void **state)
{
	struct net *net = *state;

	returns(net, getitem(net->g, split(net->g, net->x, 2), 2));
	assert_run_fails(net, -EINVAL, "node 'getitem': index 2 is not one of the 2 results of 'split'");
}

static void several_results_are_no_tensor(void **state)
{
	struct net *net = *state;
	struct fx_node *parts = split(net->g, net->x, 2);

	returns(net, add(net->g, parts, net->w));
	assert_run_fails(net, -EINVAL, "node 'add': input 'split' has 2 results; select one with getitem");
}

static void several_results_are_no_output(void **state)
{
	struct net *net = *state;

	returns(net, split(net->g, net->x, 2));
	assert_run_fails(net, -EINVAL, "node 'split': has several results and is an output");
}

static void wrong_numbers_of_tensors_are_refused(void **state)
{
	struct net *net = *state;
	struct fxq_tensor out;

	assert_run_fails(net, -EINVAL, "the graph has no output");
	returns(net, net->x);
	assert_int_equal(fx_graph_run(net->g, NULL, &net->in, 0, &out, 1),
			 -EINVAL);
	assert_string_equal(fx_graph_error(net->g), "the graph has 1 inputs, but 0 were given");
	assert_int_equal(fx_graph_run(net->g, NULL, &net->in, 1, &out, 2),
			 -EINVAL);
	assert_string_equal(fx_graph_error(net->g), "the graph has 1 outputs, but room for 2 was given");
}

static void input_of_another_type_is_refused(void **state)
{
	struct net *net = *state;

	returns(net, net->x);
	net->in.dims[0] = 3;
	assert_run_fails(net, -EINVAL, "node 'x': this input is float32 [4], but float32 [3] was given");
	net->in = vector(four, 4);
	net->in.dtype = FXQ_DTYPE_I32;
	assert_run_fails(net, -EINVAL, "node 'x': this input is float32 [4], but int32 [4] was given");
	net->in = vector(NULL, 4);
	assert_run_fails(net, -EINVAL, "node 'x': the tensor given for this input is float32 [4] without data");
}

static void input_of_unknown_type_takes_any(void **state)
{
	struct net *net = *state;
	struct fxq_tensor none = {}, out;

	fx_node_set_type(net->x, &none);
	returns(net, add(net->g, net->x, net->x));
	net->in = vector(four, 2);
	out = run_one(net);
	assert_floats(&out, FLOATS(2, -4));
	fxq_tensor_free(&out);
}

static void failure_names_node_layer_and_cause(void **state)
{
	struct net *net = *state;
	struct fx_node *n = call1(net->g, "fails", add(net->g, net->x, net->w));

	returns(net, n);
	n->source = "head.0";
	assert_run_fails(net, -EDOM, "node 'fails' (layer 'head.0'): fails: it is a bad day");
	n->loc.file = "model.c";
	n->loc.line = 12;
	assert_run_fails(net, -EDOM, "model.c:12: node 'fails': fails: it is a bad day");
}

static void operator_without_kernel_is_refused(void **state)
{
	struct net *net = *state;

	returns(net, call1(net->g, "bodiless", net->x));
	assert_run_fails(net, -ENOSYS, "node 'bodiless': bodiless: it has no kernel");
}

static void module_is_refused_with_the_remedy(void **state)
{
	struct net *net = *state;
	struct fx_arg x = fx_arg_node(net->x);

	returns(net, fx_graph_node(net->g, FX_CALL_MODULE, "conv", NULL, &x, 1,
				   NULL, 0));
	assert_run_fails(net, -EINVAL, "node 'conv': module 'conv' has no body here; make the graph functional first");
}

static void operator_takes_no_literal_and_no_tuple(void **state)
{
	struct net *net = *state;
	struct fx_arg x = fx_arg_node(net->x);
	struct fx_arg args[] = { x, fx_arg_int(2) };
	struct fx_node *n;

	n = fx_graph_node(net->g, FX_CALL_FUNCTION, "add", fx_op_find("add"),
			  args, 2, NULL, 0);
	returns(net, n);
	assert_run_fails(net, -EINVAL, "node 'add': argument 1 is a literal; an operator takes tensors as arguments and literals as kwargs");
	n->args[1] = (struct fx_arg){ .kind = FX_ARG_LIST, .count = 1,
				      .items = &x };
	assert_run_fails(net, -EINVAL, "node 'add': argument 1 is a tuple; an operator takes its tensors one by one");
}

static void scale_of_an_input_comes_from_the_graph(void **state)
{
	struct net *net = *state;
	struct fxq_tensor out;

	net->x->out[0].scale = 0.5f;
	net->x->out[0].zero_point = 7;
	returns(net, net->x);
	out = run_one(net);
	assert_true(out.scale == 0.5f);
	assert_int_equal(out.zero_point, 7);
	fxq_tensor_free(&out);
}

static void one_operator_runs_at_once(void **state)
{
	struct fxq_tensor in[] = { vector(four, 4), vector(tens, 4) }, out = {};
	struct fxq_call call = { .n_in = 2, .in = in, .n_out = 1, .out = &out };

	assert_int_equal(fx_op_run(fx_op_find("add"), &call), 0);
	assert_floats(&out, FLOATS(11, 18, 33, 36));
	fxq_tensor_free(&out);

	call.n_in = 1;
	assert_int_equal(fx_op_run(fx_op_find("add"), &call), -EINVAL);
	assert_string_equal(call.error, "1 tensors given; at least 2 are needed");
	assert_null(out.data);

	call.n_in = 2;
	memset(&in[1], 0, sizeof(in[1]));
	assert_int_equal(fx_op_run(fx_op_find("add"), &call), -EINVAL);
	assert_string_equal(call.error, "tensor 1 is absent; the first 2 are required");
}

/* Observers */

struct notes {
	char text[128];
	bool change;
	int stop_at;
};

static int observe(struct fx_node *n, int out_index, struct fxq_tensor *value,
		   void *ctx)
{
	struct notes *notes = ctx;
	char line[32];

	snprintf(line, sizeof(line), "%s.%d=%g ", n->name, out_index,
		 ((float *)value->data)[0]);
	strcat(notes->text, line);
	if (notes->change)
		((float *)value->data)[0] *= 2;
	return notes->stop_at && !--notes->stop_at ? -EINTR : 0;
}

static void observer_sees_every_value_in_order(void **state)
{
	struct net *net = *state;
	struct notes notes = {};
	struct fx_run run = { .observe = observe, .ctx = &notes };
	struct fxq_tensor out;

	returns(net, add(net->g, getitem(net->g, split(net->g, net->x, 2), 1),
			 net->w));
	assert_int_equal(fx_graph_run(net->g, &run, &net->in, 1, &out, 1), 0);
	assert_string_equal(notes.text, "x.0=1 w.0=10 split.0=1 split.1=2 getitem.0=2 add.0=12 ");
	fxq_tensor_free(&out);
}

static void observer_may_change_what_it_sees(void **state)
{
	struct net *net = *state;
	struct notes notes = { .change = true };
	struct fx_run run = { .observe = observe, .ctx = &notes };
	struct fxq_tensor out;

	returns(net, add(net->g, net->x, net->w));
	assert_int_equal(fx_graph_run(net->g, &run, &net->in, 1, &out, 1), 0);
	assert_floats(&out, FLOATS(44, 18, 33, 36));
	assert_true(four[0] == 1);
	assert_true(((float *)net->w->out[0].data)[0] == 10);
	fxq_tensor_free(&out);
}

static void observer_may_stop_the_run(void **state)
{
	struct net *net = *state;
	struct notes notes = { .stop_at = 2 };
	struct fx_run run = { .observe = observe, .ctx = &notes };
	struct fxq_tensor out;

	returns(net, add(net->g, net->x, net->w));
	assert_int_equal(fx_graph_run(net->g, &run, &net->in, 1, &out, 1),
			 -EINTR);
	assert_int_equal(seen.calls, 0);
}

/* Attributes */

static void kwargs_become_attributes(void **state)
{
	struct net *net = *state;
	struct fx_node *n = add(net->g, net->x, net->w);
	static const int64_t ints[] = { 3, -1 };
	struct fx_arg mixed[] = { fx_arg_int(1), fx_arg_float(0.5),
				  fx_arg_bool(true) };
	struct fx_arg list = { .kind = FX_ARG_LIST, .count = 3, .items = mixed };
	struct fxq_attr *a;

	fx_node_set_kwarg(n, "dtype", fx_arg_node(NULL));
	fx_node_set_kwarg(n, "dim", fx_arg_int(-1));
	fx_node_set_kwarg(n, "eps", fx_arg_float(1e-5));
	fx_node_set_kwarg(n, "ceil", fx_arg_bool(true));
	fx_node_set_kwarg(n, "mode", fx_arg_str("edge"));
	fx_node_set_kwarg(n, "stride", fx_arg_ints(net->g, ints, 2));
	fx_node_set_kwarg(n, "sizes", list);
	fx_node_set_kwarg(n, "axes", fx_arg_ints(net->g, NULL, 0));

	assert_int_equal(fx_node_attrs(n, &a), 7);
	assert_string_equal(a[0].name, "dim");
	assert_int_equal(a[0].type, FXQ_ATTR_INT);
	assert_int_equal(a[0].i, -1);
	assert_int_equal(a[1].type, FXQ_ATTR_FLOAT);
	assert_true(a[1].f == 1e-5);
	assert_int_equal(a[2].type, FXQ_ATTR_INT);
	assert_int_equal(a[2].i, 1);
	assert_int_equal(a[3].type, FXQ_ATTR_STRING);
	assert_string_equal(a[3].s, "edge");
	assert_int_equal(a[4].type, FXQ_ATTR_INTS);
	assert_int_equal(a[4].count, 2);
	assert_int_equal(a[4].ints[1], -1);
	assert_int_equal(a[5].type, FXQ_ATTR_FLOATS);
	assert_int_equal(a[5].count, 3);
	assert_true(a[5].floats[0] == 1.0 && a[5].floats[1] == 0.5 &&
		    a[5].floats[2] == 1.0);
	assert_int_equal(a[6].type, FXQ_ATTR_INTS);
	assert_int_equal(a[6].count, 0);
}

static void kwarg_that_is_no_parameter_is_refused(void **state)
{
	struct net *net = *state;
	struct fx_node *n = add(net->g, net->x, net->w);
	struct fxq_attr *attrs;

	fx_node_set_kwarg(n, "out", fx_arg_node(net->w));
	assert_int_equal(fx_node_attrs(n, &attrs), -EINVAL);
	assert_string_equal(fx_graph_error(net->g), "node 'add': kwarg 'out' is no number, string, or tuple of numbers, which is what an operator can be passed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		net_test(run_computes_what_the_graph_says),
		net_test(outputs_are_the_callers_whatever_they_name),
		net_test(values_are_freed_after_their_last_use),
		net_test(threads_and_self_are_passed_on),
		net_test(literals_of_a_wrapped_call_become_attributes),
		net_test(getitem_selects_a_result),
		net_test(getitem_of_a_result_that_is_none_is_refused),
		net_test(several_results_are_no_tensor),
		net_test(several_results_are_no_output),
		net_test(wrong_numbers_of_tensors_are_refused),
		net_test(input_of_another_type_is_refused),
		net_test(input_of_unknown_type_takes_any),
		net_test(failure_names_node_layer_and_cause),
		net_test(operator_without_kernel_is_refused),
		net_test(module_is_refused_with_the_remedy),
		net_test(operator_takes_no_literal_and_no_tuple),
		net_test(scale_of_an_input_comes_from_the_graph),
		net_test(one_operator_runs_at_once),
		net_test(observer_sees_every_value_in_order),
		net_test(observer_may_change_what_it_sees),
		net_test(observer_may_stop_the_run),
		net_test(kwargs_become_attributes),
		net_test(kwarg_that_is_no_parameter_is_refused),
	};

	return cmocka_run_group_tests_name("interpret", tests, NULL, NULL);
}
