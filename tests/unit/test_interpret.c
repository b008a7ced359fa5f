// SPDX-License-Identifier: MIT
/*
 * test_interpret.c - types, eager runs and constant folding
 *
 * The operators are a handful of toys, so that what is tested is who calls
 * them with what, and not what they compute.
 */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/fx.h>

/* What the toys were called with last, and the most memory they saw. */
static struct {
	int threads, calls, training;
	struct fxq_self *self;
	uint32_t n_in, n_attrs;
	size_t peak;
} seen;

static void note(const struct fxq_call *call)
{
	struct mallinfo2 info = mallinfo2();

	seen.threads = call->threads;
	seen.self = call->self;
	seen.training = call->self ? call->self->training : -1;
	seen.n_in = call->n_in;
	seen.n_attrs = call->n_attrs;
	seen.calls++;
	if (info.uordblks + info.hblkhd > seen.peak)
		seen.peak = info.uordblks + info.hblkhd;
}

static int refuse(struct fxq_call *call, int err, const char *text)
{
	strcpy(call->error, text);
	return err;
}

static int infer_same(struct fxq_call *call)
{
	for (uint32_t i = 0; i < call->n_out; i++)
		call->out[i] = fxq_tensor_type(call->in[0].dtype,
					       call->in[0].rank,
					       call->in[0].dims);
	return 0;
}

static int infer_add(struct fxq_call *call)
{
	if (call->in[0].dims[0] != call->in[1].dims[0])
		return refuse(call, -EINVAL, "sizes differ");
	return infer_same(call);
}

static int eval_add(struct fxq_call *call)
{
	const float *a = call->in[0].data, *b = call->in[1].data;
	float *y = call->out[0].data;

	note(call);
	for (int64_t i = 0; i < fxq_tensor_count(&call->out[0]); i++)
		y[i] = a[i] + b[i];
	return 0;
}

/* Result k is the input plus k. */
static int eval_split(struct fxq_call *call)
{
	const float *x = call->in[0].data;

	for (uint32_t k = 0; k < call->n_out; k++)
		for (int64_t i = 0; i < fxq_tensor_count(call->in); i++)
			((float *)call->out[k].data)[i] = x[i] + k;
	return 0;
}

static int infer_shape(struct fxq_call *call)
{
	int64_t rank = call->in[0].rank;

	call->out[0] = fxq_tensor_type(FXQ_DTYPE_I64, 1, &rank);
	return 0;
}

static int eval_shape(struct fxq_call *call)
{
	memcpy(call->out[0].data, call->in[0].dims, call->in[0].rank * 8);
	return 0;
}

/* A tensor of zeros whose sizes are the elements of the input. */
static int infer_fill(struct fxq_call *call)
{
	if (!call->in[0].data)
		return -ENODATA;
	call->out[0] = fxq_tensor_type(FXQ_DTYPE_F32, call->in[0].dims[0],
				       call->in[0].data);
	return 0;
}

static int eval_nothing(struct fxq_call *call)
{
	return 0;
}

static int eval_fails(struct fxq_call *call)
{
	return refuse(call, -EDOM, "it is a bad day");
}

static int infer_rank_nine(struct fxq_call *call)
{
	call->out[0].dtype = FXQ_DTYPE_F32;
	call->out[0].rank = 9;
	return 0;
}

static const struct fx_op ops[] = {
	{ { "add", infer_add, eval_add }, .min_in = 2, .max_in = 2, .n_out = 1 },
	{ { "check", infer_same, eval_nothing }, .min_in = 1, .max_in = 1,
	  .n_out = 1, .flags = FX_OP_IMPURE },
	{ { "split", infer_same, eval_split }, .min_in = 1, .max_in = 1,
	  .n_out = -1 },
	{ { "shape", infer_shape, eval_shape }, .min_in = 1, .max_in = 1,
	  .n_out = 1 },
	{ { "fill", infer_fill, eval_nothing }, .min_in = 1, .max_in = 1,
	  .n_out = 1 },
	{ { "fails", infer_same, eval_fails }, .min_in = 1, .max_in = 1,
	  .n_out = 1 },
	{ { "bodiless", infer_same, NULL }, .min_in = 1, .max_in = 1,
	  .n_out = 1 },
	{ { "rank_nine", infer_rank_nine, eval_nothing }, .min_in = 1,
	  .max_in = 1, .n_out = 1 },
};

const struct fx_op *fx_op_find(const char *name)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (!strcmp(ops[i].fn.name, name))
			return &ops[i];
	return NULL;
}

/* Keeps what is above zero: how much that is, only running tells. */
static int eval_positive(struct fxq_call *call)
{
	const float *x = call->in[0].data;
	struct fxq_tensor *y = &call->out[0];
	int64_t n = 0;

	note(call);
	assert_null(y->data);
	for (int64_t i = 0; i < fxq_tensor_count(call->in); i++)
		n += x[i] > 0;
	*y = fxq_tensor_type(FXQ_DTYPE_F32, 1, &n);
	if (fxq_tensor_alloc(y))
		return -ENOMEM;
	n = 0;
	for (int64_t i = 0; i < fxq_tensor_count(call->in); i++)
		if (x[i] > 0)
			((float *)y->data)[n++] = x[i];
	return 0;
}

static const struct fxq_function positive = { "positive", NULL, eval_positive };

static const float four[] = { 1, -2, 3, -4 };
static const float tens[] = { 10, 20, 30, 40 };

static struct fxq_tensor vector(const float *data, int64_t n)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, 1, &n);

	t.data = (void *)data;
	return t;
}

static struct fx_node *call1(struct fx_graph *g, const char *op,
			     struct fx_node *in)
{
	return fx_graph_call(g, op, &in, 1, NULL, 0);
}

static struct fx_node *add(struct fx_graph *g, struct fx_node *a,
			   struct fx_node *b)
{
	return fx_graph_call(g, "add", (struct fx_node *[]){ a, b }, 2, NULL,
			     0);
}

static struct fx_node *getitem(struct fx_graph *g, struct fx_node *from,
			       int64_t index)
{
	struct fx_kwarg kwarg = { "index", fx_arg_int(index) };

	return fx_graph_call(g, "getitem", &from, 1, &kwarg, 1);
}

static struct fx_node *split(struct fx_graph *g, struct fx_node *in,
			     int64_t n_out)
{
	struct fx_kwarg kwarg = { "n_out", fx_arg_int(n_out) };

	return fx_graph_call(g, "split", &in, 1, &kwarg, 1);
}

static struct fx_node *wrapped_call(struct fx_graph *g,
				    const struct fx_arg *args, size_t n_args)
{
	struct fx_node *n = fx_graph_node(g, FX_CALL_METHOD, "positive", NULL,
					  args, n_args, NULL, 0);

	n->wrapped = &positive;
	return n;
}

/* struct net - a graph of the input x and the constant w, and no more */
struct net {
	struct fx_graph *g;
	struct fx_node *x, *w;
	struct fxq_tensor in;
};

static int make_net(void **state)
{
	struct net *net = calloc(1, sizeof(*net));
	struct fxq_tensor type = vector(NULL, 4), value = vector(tens, 4);

	memset(&seen, 0, sizeof(seen));
	net->g = fx_graph_new();
	net->x = fx_graph_placeholder(net->g, "x", &type);
	net->w = fx_graph_constant(net->g, "w", &value);
	net->in = vector(four, 4);
	*state = net;
	return 0;
}

static int free_net(void **state)
{
	struct net *net = *state;

	fx_graph_free(net->g);
	free(net);
	return 0;
}

static void returns(struct net *net, struct fx_node *n)
{
	fx_graph_set_output(net->g, &n, 1);
	assert_int_equal(fx_graph_lint(net->g), 0);
}

static void assert_floats(const struct fxq_tensor *t, size_t n,
			  const float *wanted)
{
	assert_int_equal(t->dtype, FXQ_DTYPE_F32);
	assert_int_equal(fxq_tensor_count(t), n);
	for (size_t i = 0; i < n; i++)
		assert_true(((const float *)t->data)[i] == wanted[i]);
}

#define FLOATS(...) sizeof((float[]){ __VA_ARGS__ }) / sizeof(float), \
	(float[]){ __VA_ARGS__ }

/* Runs with one input and one output, asserts that it succeeds. */
static struct fxq_tensor run_one(struct net *net)
{
	struct fxq_tensor out = {};

	assert_int_equal(fx_graph_run(net->g, NULL, &net->in, 1, &out, 1), 0);
	return out;
}

static void assert_run_fails(struct net *net, int err, const char *sentence)
{
	struct fxq_tensor out = { .rank = 77 };

	assert_int_equal(fx_graph_run(net->g, NULL, &net->in, 1, &out, 1), err);
	assert_string_equal(fx_graph_error(net->g), sentence);
	assert_int_equal(out.rank, 77);
	assert_null(out.data);
}

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

#define net_test(name) cmocka_unit_test_setup_teardown(name, make_net, free_net)

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

	return cmocka_run_group_tests_name("interpret", tests, NULL, NULL);
}
