// SPDX-License-Identifier: MIT
/*
 * test_wrap.c - wrapped functions: in a graph module, a functional graph, a
 * compiled program, a plugin
 *
 * The network is the example's, whole. Its answer is computed here once more,
 * in double and by other code; float32 arithmetic of a 1x1 convolution over
 * three channels, a batch norm and a softmax stays within 1e-5 of it.
 */
#define FXQ_NO_MAIN
#include "../../userspace/examples/fx_wrap_method.c"

#include <errno.h>
#include <math.h>

#include "golden_fx.h"

#define SIDE	4
#define PIXELS	(SIDE * SIDE)

static double value(struct fx_module *m, const char *key, int i)
{
	return ((float *)fx_module_tensor(m, key)->data)[i];
}

/* relu(bn(conv(x))) of channel @c at pixel @p, by the running statistics. */
static double body(struct fx_module *m, const float *x, int c, int p)
{
	double v = value(m, "conv.bias", c);

	for (int i = 0; i < 3; i++)
		v += value(m, "conv.weight", c * 3 + i) * x[i * PIXELS + p];
	v = (v - value(m, "bn.running_mean", c)) /
	    sqrt(value(m, "bn.running_var", c) + 1e-5) *
	    value(m, "bn.weight", c) + value(m, "bn.bias", c);
	return v > 0 ? v : 0;
}

static void assert_softmax(struct fx_module *m, const struct fxq_tensor *x,
			   const struct fxq_tensor *y)
{
	assert_int_equal(y->dtype, FXQ_DTYPE_F32);
	assert_int_equal(y->rank, 4);
	for (int p = 0; p < PIXELS; p++) {
		double e[3], sum = 0;

		for (int c = 0; c < 3; c++)
			sum += e[c] = exp(body(m, x->data, c, p));
		for (int c = 0; c < 3; c++)
			assert_true(fabs(((float *)y->data)[c * PIXELS + p] -
					 e[c] / sum) < 1e-5);
	}
}

static void assert_argmax(struct fx_module *m, const struct fxq_tensor *x,
			  const struct fxq_tensor *y)
{
	assert_int_equal(y->dtype, FXQ_DTYPE_I64);
	assert_int_equal(y->rank, 3);
	for (int p = 0; p < PIXELS; p++) {
		double most = -1, got;

		for (int c = 0; c < 3; c++)
			most = fmax(most, body(m, x->data, c, p));
		got = body(m, x->data, ((int64_t *)y->data)[p], p);
		assert_true(most - got < 1e-5);
	}
}

/*
 * struct net - the example, traced, with weights that make branches differ
 */
struct net {
	struct fx_module *model, *gm;
	struct fx_graph *functional;
	fxv x, y;
};

static int setup(void **state)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct net *net = calloc(1, sizeof(*net));
	struct fx_graph *g;

	net->model = FxWrapExampleNet();
	fx_module_fill(net->model, 1);
	assert_int_equal(fx_trace(net->model, &tracer, &g), 0);
	assert_int_equal(fx_functionalize(g, net->model, &net->functional), 0);
	net->gm = GraphModuleWithAttr(net->model, g);
	net->x = fx_gen(42, 1, 1, 3, SIDE, SIDE);
	*state = net;
	return 0;
}

static int teardown(void **state)
{
	struct net *net = *state;

	fx_release(net->x);
	fx_release(net->y);
	fx_graph_free(net->functional);
	fx_module_put(net->gm);
	fx_module_put(net->model);
	free(net);
	return 0;
}

static void call_graph_module(void *ctx)
{
	struct net *net = ctx;

	fx_release(net->y);
	net->y = fx_call(net->gm, net->x);
	assert_null(fx_error(net->y));
}

static void assert_prints(void (*fn)(void *ctx), void *ctx, const char *wanted)
{
	char *printed = stdout_of(fn, ctx);

	assert_string_equal(printed, wanted);
	free(printed);
}

/* Batch norms stay as they are: only the graph module's own flag is set. */
static void the_graph_modules_own_flag_decides(void **state)
{
	struct net *net = *state;

	fx_eval(net->model);
	net->gm->training = true;
	assert_prints(call_graph_module, net, "Run softmax\n");
	assert_softmax(net->model, fx_data(net->x), fx_data(net->y));

	fx_train(net->model);
	fx_eval(net->gm);
	assert_true(net->model->training);
	assert_prints(call_graph_module, net, "Run argmax\n");
	assert_argmax(net->model, fx_data(net->x), fx_data(net->y));
}

static void the_model_may_go_first(void **state)
{
	struct net *net = *state;

	fx_module_put(net->model);
	fx_eval(net->gm);
	assert_prints(call_graph_module, net, "Run argmax\n");
	net->model = fx_module_get(net->gm);
}

/* Functional form */

static void functional_form_has_operators_alone(void **state)
{
	struct net *net = *state;
	char *text = print_to_text(fx_graph_print, net->functional);

	assert_int_equal(fx_graph_lint(net->functional), 0);
	assert_non_null(strstr(text, "call_function[target=torch.conv2d](args = (%input_1, %conv_weight, %conv_bias), kwargs = {stride: (1, 1), padding: (0, 0, 0, 0), dilation: (1, 1), groups: 1})"));
	assert_non_null(strstr(text, "kwargs = {eps: 1e-05})"));
	assert_non_null(strstr(text, "call_method[target=_post_process](args = (%relu,), kwargs = {})"));
	assert_null(strstr(text, "call_module"));
	assert_null(strstr(text, "quant"));
	free(text);

	fx_for_each_node(n, net->functional) {
		if (fx_node_is(n, "batch_norm"))
			assert_string_equal(n->source, "bn");
		if (n->opcode == FX_CALL_METHOD)
			assert_ptr_equal(n->wrapped,
					 fx_wrapped_function(_post_process));
	}
}

struct functional_run {
	struct net *net;
	struct fxq_self self;
	struct fxq_tensor y;
};

static void run_functional(void *ctx)
{
	struct functional_run *r = ctx;
	struct fx_run run = { .self = &r->self };

	assert_int_equal(fx_graph_run(r->net->functional, &run,
				      fx_data(r->net->x), 1, &r->y, 1), 0);
}

static void functional_form_runs_to_the_same_answers(void **state)
{
	struct functional_run r = { .net = *state, .self.training = 1 };

	assert_prints(run_functional, &r, "Run softmax\n");
	assert_softmax(r.net->model, fx_data(r.net->x), &r.y);
	fxq_tensor_free(&r.y);

	r.self.training = 0;
	assert_prints(run_functional, &r, "Run argmax\n");
	assert_argmax(r.net->model, fx_data(r.net->x), &r.y);
	fxq_tensor_free(&r.y);
}

/* Called by a program */

FX_MODULE(Scaled,
	  attribute(bias, 0.5),
	  parameter(by, fx_ones(1)),
	  module(relu, ReLU()))

FX_WRAP_METHOD(Scaled, scale, x, (factor, FX_FLOAT(2)), (shift, FX_NONE))
{
	x = fx_mul(x, factor);
	if (fx_truth(shift))
		x = fx_add(x, shift);
	if (fx_data(self->by))
		x = fx_mul(x, self->by);
	if (!fx_is_none(self->bias))
		x = fx_add(x, self->bias);
	return fx_training(self) ? fx_call(self->relu, x) : x;
}

FX_FORWARD(Scaled, x)
{
	return scale(self, x, fx_value(3.0), fx_named(1));
}

static float input[] = { 1, -2 };

struct program {
	struct fxq_tensor in, out;
	struct fxq_self self;
	struct fxq_call call;
	float room[4];
};

static struct fxq_call *program_init(struct program *p)
{
	*p = (struct program){
		.in = { FXQ_DTYPE_F32, 1, { 2 }, .data = input },
	};
	p->call = (struct fxq_call){
		.n_in = 1, .n_out = 1, .in = &p->in, .out = &p->out,
		.self = &p->self, .threads = 1,
	};
	return &p->call;
}

static const struct fxq_function *scale_fn(void)
{
	return fx_wrapped_function(scale);
}

static void results_are_allocated_where_no_room_is(void **state)
{
	struct program p;
	float *y;

	assert_string_equal(scale_fn()->name, "scale");
	assert_null(scale_fn()->infer);
	assert_int_equal(scale_fn()->eval(program_init(&p)), 0);
	assert_int_equal(p.out.rank, 1);
	assert_int_equal(p.out.dims[0], 2);
	y = p.out.data;
	assert_true(y[0] == 2 && y[1] == -4);
	fxq_tensor_free(&p.out);
}

static void results_fit_the_room_or_are_refused(void **state)
{
	struct program p;
	struct fxq_call *call = program_init(&p);

	p.out = (struct fxq_tensor){ FXQ_DTYPE_F32, 2, { 2, 2 },
				     .data = p.room };
	assert_int_equal(scale_fn()->eval(call), 0);
	assert_ptr_equal(p.out.data, p.room);
	assert_int_equal(p.out.rank, 1);
	assert_true(p.room[0] == 2 && p.room[1] == -4 && p.room[2] == 0);

	p.out = (struct fxq_tensor){ FXQ_DTYPE_F32, 1, { 1 },
				     .data = p.room };
	p.room[1] = 7;
	assert_int_equal(scale_fn()->eval(call), -ENOSPC);
	assert_non_null(strstr(call->error, "8 bytes; 4 were declared"));
	assert_true(p.room[1] == 7);
	assert_int_equal(p.out.dims[0], 1);
}

static void numbers_come_as_attributes(void **state)
{
	const struct fxq_attr attrs[] = {
		{ "arg2", FXQ_ATTR_FLOAT, 1, .f = 5 },	/* factor, by place */
		{ "shift", FXQ_ATTR_INT, 1, .i = 1 },
	};
	struct program p;
	struct fxq_call *call = program_init(&p);

	call->attrs = attrs;
	call->n_attrs = 2;
	assert_int_equal(scale_fn()->eval(call), 0);
	assert_true(((float *)p.out.data)[1] == -9);
	fxq_tensor_free(&p.out);
}

static void attributes_of_the_program_are_seen(void **state)
{
	const struct fxq_attr attrs[] = {
		{ "bias", FXQ_ATTR_FLOAT, 1, .f = 100 },
		{ "of another class", FXQ_ATTR_INT, 1, .i = 1 },
	};
	struct program p;
	struct fxq_call *call = program_init(&p);

	p.self = (struct fxq_self){ .n_attrs = 2, .attrs = attrs };
	assert_int_equal(scale_fn()->eval(call), 0);
	assert_true(((float *)p.out.data)[0] == 102);
	fxq_tensor_free(&p.out);
}

static void a_registered_model_lends_its_members(void **state)
{
	struct fx_module *m = Scaled();
	struct program p;
	struct fxq_call *call = program_init(&p);

	p.self = (struct fxq_self){ .training = 1 };
	assert_int_equal(scale_fn()->eval(call), -EINVAL);
	assert_non_null(strstr(call->error, "the model was registered"));
	assert_null(p.out.data);

	((float *)fx_module_tensor(m, "by")->data)[0] = 10;
	p.self.user = m;
	assert_int_equal(scale_fn()->eval(call), 0);
	assert_true(((float *)p.out.data)[0] == 20.5);
	assert_true(((float *)p.out.data)[1] == 0);
	fxq_tensor_free(&p.out);
	assert_int_equal(m->refs, 1);
	fx_module_put(m);
}

static void wrong_numbers_of_tensors_are_refused(void **state)
{
	struct fxq_tensor in[4];
	struct program p;
	struct fxq_call *call = program_init(&p);

	call->n_in = 0;
	assert_int_equal(scale_fn()->eval(call), -EINVAL);
	assert_non_null(strstr(call->error, "'x' is missing"));

	for (int i = 0; i < 4; i++)
		in[i] = p.in;
	call->in = in;
	call->n_in = 4;
	assert_int_equal(scale_fn()->eval(call), -EINVAL);
	assert_non_null(strstr(call->error, "4 were given"));

	program_init(&p)->n_out = 2;
	p.call.out = in;
	assert_int_equal(scale_fn()->eval(call), -EINVAL);
	assert_non_null(strstr(call->error, "returns 1 results; 2 are wanted"));
}

/* In functional form: scale(relu, factor = 3.0, shift = 1), by name. */
static void numbers_get_the_names_of_their_arguments(void **state)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_module *m = Scaled();
	struct fx_graph *g, *functional;
	struct fx_node *n;

	assert_int_equal(fx_trace(m, &tracer, &g), 0);
	n = fx_graph_output(g)->prev;
	assert_int_equal(n->n_args, 3);
	assert_int_equal(n->n_kwargs, 1);

	assert_int_equal(fx_functionalize(g, m, &functional), 0);
	n = fx_graph_output(functional)->prev;
	assert_int_equal(n->n_args, 1);
	assert_true(fx_node_float(n, "factor", 0) == 3);
	assert_int_equal(fx_node_int(n, "shift", 0), 1);
	fx_graph_free(functional);
	fx_graph_free(g);
	fx_module_put(m);
}

/* What comes out of the first is the business of the second alone. */
FX_WRAP_FUNCTION(positives, x)
{
	const struct fxq_tensor *t = fx_data(x);
	const float *v = t->data;
	int64_t n = 0;

	for (int64_t i = 0; i < fxq_tensor_count(t); i++)
		n += v[i] > 0;
	return fx_zeros(n);
}

FX_WRAP_FUNCTION(halves, x, y)
{
	return fx_mul(x, 0.5);
}

FX_MODULE(Between)
FX_FORWARD(Between, x)
{
	fxv kept = positives(x);

	return fx_tuple(fx_relu(halves(fx_relu(x), kept)), kept);
}

static struct fx_node *named(struct fx_graph *g, const char *name)
{
	fx_for_each_node(n, g)
		if (!strcmp(n->name, name))
			return n;
	fail_msg("no node %s", name);
	return NULL;
}

static void types_that_operators_need_are_learned(void **state)
{
	const float x[6] = { 1, -2, 3, -4, 5, -6 };
	const struct fxq_tensor in = {
		.dtype = FXQ_DTYPE_F32, .rank = 2, .dims = { 2, 3 },
		.data = (void *)x,
	};
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	const struct fx_run run = { 0 };
	struct fx_module *m = Between();
	struct fx_graph *g, *f;

	assert_int_equal(fx_trace(m, &tracer, &g), 0);
	assert_int_equal(fx_functionalize(g, m, &f), 0);
	fx_node_set_type(named(f, "x"), &in);
	assert_int_equal(fx_graph_infer(f), 0);
	assert_int_equal(named(f, "relu_1")->out[0].dtype, FXQ_DTYPE_NONE);
	assert_true(fx_graph_needs_learning(f));

	assert_int_equal(fx_graph_learn(f, &run, &in, 1), 0);
	assert_false(fx_graph_needs_learning(f));
	assert_true(fx_node_is_dynamic(named(f, "positives")));
	assert_false(fx_node_is_dynamic(named(f, "halves")));
	assert_false(fx_node_is_dynamic(named(f, "relu")));
	assert_int_equal(named(f, "positives")->out[0].dtype, FXQ_DTYPE_NONE);
	assert_int_equal(named(f, "relu_1")->out[0].rank, 2);
	assert_int_equal(named(f, "relu_1")->out[0].dims[1], 3);
	fx_graph_free(f);
	fx_graph_free(g);
	fx_module_put(m);
}

static void a_plugin_says_what_it_holds(void **state)
{
	struct fx_module *m = fxq_plugin.model();

	assert_int_equal(fxq_plugin.abi, FXQ_PLUGIN_ABI);
	assert_string_equal(fxq_plugin.name, "FxWrapExampleNet");
	assert_int_equal(fxq_plugin.rank, 4);
	assert_int_equal(fxq_plugin.dims[3], 64);
	assert_ptr_equal(fxq_plugin.functions[0],
			 fx_wrapped_function(_post_process));
	assert_null(fxq_plugin.functions[1]);
	assert_non_null(fx_module_at(m, "conv"));
	fx_module_put(m);
}

#define ON_NET(test)	cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_NET(the_graph_modules_own_flag_decides),
		ON_NET(the_model_may_go_first),
		ON_NET(functional_form_has_operators_alone),
		ON_NET(functional_form_runs_to_the_same_answers),
		cmocka_unit_test(results_are_allocated_where_no_room_is),
		cmocka_unit_test(results_fit_the_room_or_are_refused),
		cmocka_unit_test(numbers_come_as_attributes),
		cmocka_unit_test(attributes_of_the_program_are_seen),
		cmocka_unit_test(a_registered_model_lends_its_members),
		cmocka_unit_test(wrong_numbers_of_tensors_are_refused),
		cmocka_unit_test(numbers_get_the_names_of_their_arguments),
		cmocka_unit_test(types_that_operators_need_are_learned),
		cmocka_unit_test(a_plugin_says_what_it_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
