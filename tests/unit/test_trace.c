// SPDX-License-Identifier: MIT
/*
 * test_trace.c - what tracing is told, what it leaves behind, how it fails
 *
 * That graphs are torch's is test_golden_fx.c's; here are leaves, places in the
 * source, frozen batch norms, flags, and errors, which come back as values.
 */
#include <errno.h>

#define FXQ_NO_MAIN
#include "../../userspace/examples/fx_wrap_training.c"

#include "golden_fx.h"

/* The example's network with its post-processing as a method. */

FX_MODULE(Seed2Method,
	  module(quant, QuantStub()),
	  module(conv, Conv2d(3, 3, 1)),
	  module(bn, BatchNorm2d(3)),
	  module(relu, ReLU()),
	  module(dequant, DeQuantStub()))

FX_WRAP_METHOD(Seed2Method, _post_process, model_output)
{
	if (fx_training(self)) {
		puts("Run softmax");
		return fx_softmax(model_output, .dim = 1);
	}
	puts("Run argmax");
	return fx_argmax(model_output, .dim = 1);
}

FX_FORWARD(Seed2Method, input)
{
	fxv x = fx_call(self->quant, input);

	x = fx_call(self->conv, x);
	x = fx_call(self->bn, x);
	x = fx_call(self->relu, x);
	x = fx_call(self->dequant, x);
	return _post_process(self, x);
}

/* What a traced module returns is taken apart in C, and leaves no node. */
FX_MODULE(Halves, attribute(none, fx_none))
FX_FORWARD(Halves, x)
{
	return fx_tuple(fx_relu(x), fx_dict("neg", fx_neg(x)));
}

FX_MODULE(TakesHalves, module(halves, Halves()))
FX_FORWARD(TakesHalves, x)
{
	fxv relu, rest, last = fx_getitem(fx_call(self->halves, x), -1);

	fx_unpack(fx_call(self->halves, x), &relu, &rest);
	return fx_add(relu, fx_getitem(last, "neg"));
}

FX_MODULE(BadIndex, module(halves, Halves()))
FX_FORWARD(BadIndex, x)
{
	return fx_getitem(fx_call(self->halves, x), x);
}

FX_MODULE(Residual,
	  module(conv1, Conv2d(4, 4, 3, .padding = 1)),
	  module(bn1, BatchNorm2d(4)),
	  module(relu, ReLU(.inplace = true)),
	  module(conv2, Conv2d(4, 4, 3, .padding = 1)),
	  module(bn2, BatchNorm2d(4)))

FX_FORWARD(Residual, x)
{
	fxv identity = x, out;

	out = fx_call(self->relu, fx_call(self->bn1, fx_call(self->conv1, x)));
	out = fx_call(self->bn2, fx_call(self->conv2, out));
	out = fx_add(out, identity);
	return fx_call(self->relu, out);
}

FX_MODULE(SharedTwice,
	  module(lin, Linear(4, 4)),
	  module(act, ReLU()))

FX_FORWARD(SharedTwice, x)
{
	x = fx_call(self->act, fx_call(self->lin, x));
	return fx_call(self->act, fx_call(self->lin, x));
}

static struct fx_graph *trace(struct fx_module *m)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_graph *g = NULL;
	int ret = fx_trace(m, &tracer, &g);

	assert_string_equal(tracer.error, "");
	assert_int_equal(ret, 0);
	assert_int_equal(fx_graph_lint(g), 0);
	return g;
}

/* Without addresses, as its program prints it. */
static void the_example_traces_as_in_torch(void **state)
{
	struct fx_module *m = FxWrapExampleNet();
	struct fx_graph *g = trace(m);

	assert_golden(g, "seed1_training");
	fx_graph_free(g);
	fx_module_put(m);
}

/* A graph module is a module: its graph is traced as its forward was. */
static void a_graph_module_can_be_traced(void **state)
{
	struct fx_module *m = Seed2Method();
	struct fx_module *gm = GraphModuleWithAttr(m, trace(m));
	struct fx_graph *g = trace(gm);

	assert_golden(g, "seed2_method_wrap");
	fx_graph_free(g);
	fx_module_put(gm);
	fx_module_put(m);
}

/* What the tracer is told to skip */

static struct fx_graph *trace_with(struct fx_module *m,
				   const char *const *names,
				   const char *const *classes)
{
	struct fx_tracer tracer = QuantizationTracer(names, classes);
	struct fx_graph *g = NULL;

	assert_int_equal(fx_trace(m, &tracer, &g), 0);
	return g;
}

static struct fx_node *node_at(struct fx_graph *g, int i)
{
	struct fx_node *n = fx_graph_first(g);

	while (i--)
		n = n->next;
	return n;
}

static void skipped_class_is_a_leaf(void **state)
{
	const char *const classes[] = { "QuantStub", NULL };
	struct fx_module *m = Seed2Method();
	struct fx_graph *g = trace_with(m, NULL, classes);
	struct fx_node *n = node_at(g, 1);

	assert_string_equal(n->target, "quant");
	assert_int_equal(n->opcode, FX_CALL_MODULE);
	assert_string_equal(fx_graph_output(g)->prev->name, "_post_process");
	fx_graph_free(g);
	fx_module_put(m);
}

FX_MODULE(Outer,
	  module(features, Sequential(Conv2d(3, 3, 1), ReLU())),
	  module(inner, SharedTwice()))

FX_FORWARD(Outer, x)
{
	return fx_call(self->inner, fx_call(self->features, x));
}

static void skipped_name_is_a_leaf(void **state)
{
	const char *const names[] = { "inner", NULL };
	struct fx_module *m = Outer();
	struct fx_graph *g = trace_with(m, names, NULL);

	assert_string_equal(node_at(g, 1)->name, "features_0");
	assert_string_equal(node_at(g, 1)->target, "features.0");
	assert_string_equal(node_at(g, 2)->target, "features.1");
	assert_string_equal(node_at(g, 3)->target, "inner");
	assert_int_equal(node_at(g, 4)->opcode, FX_OUTPUT);
	fx_graph_free(g);
	fx_module_put(m);
}

static void a_node_knows_where_it_was_written(void **state)
{
	struct fx_module *m = Residual();
	struct fx_graph *g = trace(m);
	struct fx_node *n = node_at(g, 6);

	assert_string_equal(n->name, "add");
	assert_string_equal(n->loc.expr, "fx_add(out, identity)");
	assert_non_null(strstr(n->loc.file, "test_trace.c"));
	assert_true(n->loc.line > 1);
	fx_graph_free(g);
	fx_module_put(m);
}

static void batch_norms_are_frozen_and_thawed(void **state)
{
	struct fx_module *m = Residual();
	struct fx_module *bn1 = fx_module_at(m, "bn1");
	struct fx_module *bn2 = fx_module_at(m, "bn2");

	fx_eval(bn2);
	fx_graph_free(trace(m));
	assert_true(m->training);
	assert_true(bn1->training);
	assert_false(bn2->training);
	fx_module_put(m);
}

/* Flags */

FX_MODULE(Flags,
	  module(conv, Conv2d(3, 3, 1)),
	  attribute(flag, false),
	  attribute(extra, true),
	  attribute(unsure, false))

static fxv finish(struct Flags *self, fxv x)
{
	return fx_truth(self->flag) ? fx_relu(x) : fx_tanh(x);
}

FX_FORWARD(Flags, x)
{
	x = finish(self, fx_call(self->conv, x));
	if (fx_truth(self->extra))
		x = fx_relu6(x);
	if (fx_truth(self->unsure))
		fx_int(x);
	return x;
}

static char *notes_of(struct fx_module *m)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	char *notes;

	assert_int_equal(fx_trace_notes(m, &tracer, &notes), 0);
	fx_module_put(m);
	return notes;
}

/* The line is where fx_wrap_training.c asks. */
static void a_note_says_what_a_flag_left_out(void **state)
{
	char *notes = notes_of(FxWrapExampleNet());
	char *rest = strchr(notes, ':') + 1;

	assert_int_equal(strncmp(notes, "fx_wrap_training.c:", 19), 0);
	assert_true(strtol(rest, &rest, 10) > 1);
	assert_string_equal(rest, ": training read as true; with false the graph would have argmax instead of softmax; wrap _post_process to keep both\n");
	free(notes);
}

static void every_flag_has_its_note(void **state)
{
	char *notes = notes_of(Flags());

	assert_non_null(strstr(notes, ": flag read as false; with true the graph would have relu instead of tanh; wrap finish to keep both\n"));
	assert_non_null(strstr(notes, ": extra read as true; with false the graph would not have relu6; wrap _post_process to keep both\n"));
	assert_non_null(strstr(notes, ": unsure read as false; with true the trace would fail: int() argument must be"));
	free(notes);
}

static void without_flags_there_are_no_notes(void **state)
{
	char *notes = notes_of(Residual());

	assert_string_equal(notes, "");
	free(notes);
}

/* Tensors in a forward */

FX_MODULE(Values,
	  parameter(scale, fx_ones(3, 1, 1)),
	  buffer(mean, fx_zeros(3, 1, 1)))

FX_FORWARD(Values, x)
{
	fxv c = fx_add(fx_ones(1), 1);	/* computed while tracing */

	x = fx_mul(fx_sub(x, self->mean), self->scale);
	return fx_add(x, c);
}

static void tensors_become_attributes(void **state)
{
	struct fx_module *m = Values();
	struct fx_graph *g = trace(m);
	struct fx_node *constant = node_at(g, 5);

	assert_string_equal(node_at(g, 1)->name, "mean");
	assert_int_equal(node_at(g, 1)->opcode, FX_GET_ATTR);
	assert_string_equal(node_at(g, 3)->name, "scale");
	assert_string_equal(constant->name, "_tensor_constant0");
	assert_true(*(float *)constant->out[0].data == 2.0f);
	fx_graph_free(g);
	fx_module_put(m);
}

/* Errors */

static char *trace_error(struct fx_module *m)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_graph *g = NULL;

	assert_int_equal(fx_trace(m, &tracer, &g), -EINVAL);
	assert_null(g);
	fx_module_put(m);
	return strdup(tracer.error);
}

/* "file:line: expression: sentence", the line not compared. */
static void assert_error(char *error, const char *expr, const char *sentence)
{
	char wanted[512];

	assert_non_null(strstr(error, "test_trace.c:"));
	snprintf(wanted, sizeof(wanted), ": %s: %s", expr, sentence);
	assert_non_null(strstr(error, wanted));
	free(error);
}

FX_MODULE(ProxyIf)
FX_FORWARD(ProxyIf, x)
{
	if (fx_truth(fx_relu(x)))
		return x;
	return fx_neg(x);
}

FX_MODULE(ProxyInt)
FX_FORWARD(ProxyInt, x)
{
	return fx_zeros(fx_int(x));
}

static void a_traced_value_has_no_truth(void **state)
{
	char *text = golden_read("e01_proxy_if");
	char *line = strstr(text, "TraceError\n") + strlen("TraceError\n");

	*strchr(line, '\n') = 0;
	assert_error(trace_error(ProxyIf()), "fx_truth(fx_relu(x))", line);
	free(text);
}

static void a_traced_value_is_no_number(void **state)
{
	assert_error(trace_error(ProxyInt()), "fx_int(x)",
		     "int() argument must be a string, a bytes-like object or a real number, not 'Proxy'");
}

static void assert_refused(const struct fx_param *concrete, const char *text)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_module *m = Residual();
	struct fx_graph *g;

	tracer.concrete = concrete;
	assert_int_equal(fx_trace(m, &tracer, &g), -EINVAL);
	assert_string_equal(tracer.error_class, "builtins.ValueError");
	assert_string_equal(tracer.error + tracer.error_text, text);
	fx_module_put(m);
}

static void a_concrete_argument_is_one_of_the_forwards(void **state)
{
	const struct fx_param unknown[] = {
		{ "scale", FX_INT(1) }, { NULL, FX_NONE }
	};
	const struct fx_param no_value[] = {
		{ "x", FX_REQUIRED }, { NULL, FX_NONE }
	};

	assert_refused(unknown, "concrete argument 'scale': the forward has no argument of this name");
	assert_refused(no_value, "concrete argument 'x' is no number, string or None");
}

static struct fx_module *stranger;

FX_MODULE(NotInstalled)
FX_FORWARD(NotInstalled, x)
{
	return fx_call(stranger, x);
}

static void a_module_from_elsewhere_is_refused(void **state)
{
	stranger = Conv2d(3, 3, 1);
	assert_error(trace_error(NotInstalled()), "fx_call(stranger, x)",
		     "module is not installed as a submodule");
	fx_module_put(stranger);
}

FX_MODULE(TwoErrors)
FX_FORWARD(TwoErrors, x)
{
	x = fx_softmax(x, .dim = 2, 3);	/* the first */
	fx_truth(fx_relu(x));
	return fx_add(x, 1);
}

static void the_first_error_is_returned(void **state)
{
	assert_error(trace_error(TwoErrors()),
		     "fx_softmax(x, .dim = 2, 3)",
		     "'3' follows arguments given by name: give it by name too");
}

FX_MODULE(Forgetful)
FX_FORWARD(Forgetful, x)
{
	fx_int(x);
	return x;
}

static void a_dropped_error_is_returned_all_the_same(void **state)
{
	assert_error(trace_error(Forgetful()), "fx_int(x)", "int() argument");
}

FX_MODULE(BadLayer,
	  module(conv, Conv2d(3, .kernel_size = 3)))
FX_FORWARD(BadLayer, x)
{
	return fx_call(self->conv, x);
}

static void a_wrong_constructor_is_named(void **state)
{
	assert_error(trace_error(BadLayer()), "Conv2d(3, .kernel_size = 3)",
		     "the argument 'out_channels' is missing");
}

static void tuples_are_taken_apart(void **state)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_module *m = TakesHalves();
	struct fx_graph *g;
	char *code;

	assert_int_equal(fx_trace(m, &tracer, &g), 0);
	code = fx_graph_code(g);
	assert_string_equal(code, "\n\n\ndef forward(self, x):\n"
		"    relu = torch.nn.functional.relu(x, inplace = False)\n"
		"    neg = -x\n"
		"    relu_1 = torch.nn.functional.relu(x, inplace = False)\n"
		"    neg_1 = -x;  x = None\n"
		"    add = relu_1 + neg;  relu_1 = neg = None\n"
		"    return add\n"
		"    ");
	free(code);
	fx_graph_free(g);
	fx_module_put(m);

	m = BadIndex();
	assert_true(fx_trace(m, &tracer, &g) < 0);
	assert_non_null(strstr(tracer.error, "tuple indices must be integers or slices"));
	assert_string_equal(tracer.error_class, "builtins.TypeError");
	fx_module_put(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tuples_are_taken_apart),
		cmocka_unit_test(the_example_traces_as_in_torch),
		cmocka_unit_test(a_graph_module_can_be_traced),
		cmocka_unit_test(skipped_class_is_a_leaf),
		cmocka_unit_test(skipped_name_is_a_leaf),
		cmocka_unit_test(a_node_knows_where_it_was_written),
		cmocka_unit_test(batch_norms_are_frozen_and_thawed),
		cmocka_unit_test(a_note_says_what_a_flag_left_out),
		cmocka_unit_test(every_flag_has_its_note),
		cmocka_unit_test(without_flags_there_are_no_notes),
		cmocka_unit_test(tensors_become_attributes),
		cmocka_unit_test(a_traced_value_has_no_truth),
		cmocka_unit_test(a_traced_value_is_no_number),
		cmocka_unit_test(a_concrete_argument_is_one_of_the_forwards),
		cmocka_unit_test(a_module_from_elsewhere_is_refused),
		cmocka_unit_test(the_first_error_is_returned),
		cmocka_unit_test(a_dropped_error_is_returned_all_the_same),
		cmocka_unit_test(a_wrong_constructor_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
