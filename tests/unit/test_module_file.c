// SPDX-License-Identifier: MIT
/*
 * test_module_file.c - graph modules in files: float, prepared, converted
 *
 * What comes back prints the same, computes the same bits, and goes on: it is
 * calibrated further, converted to the same integers, trained to the same
 * weights. What no constructor and no verb makes is refused, by name.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include <fxq/graph_file.h>
#include <fxq/quantize_fx.h>

#include "../golden/quant/golden.h"
#include "files/files.h"
#include "nn/nn_priv.h"

static char error[2048];

/* Files */

static struct bytes saved(struct fx_module *gm)
{
	struct bytes b;
	char path[64];

	snprintf(path, sizeof(path), "/tmp/fxq-module-%d.fxg", (int)getpid());
	if (fx_save(gm, path, error, sizeof(error)))
		fail_msg("%s", error);
	assert_true(fx_file_has_module(path));
	assert_int_equal(file_read(path, &b), 0);
	unlink(path);
	return b;
}

static struct fx_module *loaded(const struct bytes *b,
				const struct fx_load_options *options)
{
	struct fx_module *gm;

	if (fx_load_memory("net.fxg", b->data, b->size, options, &gm, error,
			   sizeof(error)))
		fail_msg("%s", error);
	assert_string_equal(error, "");
	return gm;
}

static char *printed(const struct fx_module *gm)
{
	char *text, *code = fx_graph_code(gm->graph);
	size_t size;
	FILE *to = open_memstream(&text, &size);

	fx_graph_print_tabular_native(gm->graph, to);
	fx_graph_print_tabular_torch(gm->graph, to);
	fx_graph_print(gm->graph, to);
	fputs(code, to);
	fclose(to);
	free(code);
	return text;
}

static void assert_same_print(const struct fx_module *a,
			      const struct fx_module *b)
{
	char *x = printed(a), *y = printed(b);

	assert_string_equal(x, y);
	free(x);
	free(y);
}

static void assert_same_bits(struct fx_module *a, struct fx_module *b, fxv x)
{
	fxv y = fx_call(a, x), z = fx_call(b, x);

	if (fx_error(y) || fx_error(z))
		fail_msg("%s", fx_error(y) ? fx_error(y) : fx_error(z));
	assert_int_equal(fx_data(y)->dtype, fx_data(z)->dtype);
	assert_int_equal(fxq_tensor_bytes(fx_data(y)),
			 fxq_tensor_bytes(fx_data(z)));
	assert_memory_equal(fx_data(y)->data, fx_data(z)->data,
			    fxq_tensor_bytes(fx_data(y)));
	fx_release(y);
	fx_release(z);
}

/* @gm from its file: prints and computes the same, and saves to the same. */
static struct fx_module *back(struct fx_module *gm, fxv x,
			      const struct fx_load_options *options)
{
	struct bytes first, second;
	struct fx_module *again;

	if (gm->error)
		fail_msg("%s", gm->error);
	first = saved(gm);
	again = loaded(&first, options);
	assert_same_print(gm, again);
	second = saved(again);
	assert_int_equal(first.size, second.size);
	assert_memory_equal(first.data, second.data, first.size);
	assert_same_bits(gm, again, x);
	bytes_free(&first);
	bytes_free(&second);
	return again;
}

static struct fx_module *traced(struct fx_module *m)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_module *gm;
	struct fx_graph *g;

	if (fx_trace(m, &tracer, &g))
		fail_msg("%s", tracer.error);
	gm = GraphModuleWithAttr(m, g);
	fx_module_put(m);
	return gm;
}

/* The networks that torch quantized */

#define X(name) extern const struct golden_quant_net golden_quant_##name;
GOLDEN_QUANT_NETS(X)
#undef X
static const struct golden_quant_net *const nets[] = {
#define X(name) &golden_quant_##name,
	GOLDEN_QUANT_NETS(X)
#undef X
};

static struct fx_module_qconfig qconfig_of(int i, bool qat)
{
	struct fx_module *weight = PerChannelMinMaxObserver(
		.dtype = "qint8", .qscheme = "per_channel_symmetric",
		.quant_min = -127, .quant_max = 127);
	struct fx_module *activation =
		i == 0 ? MovingAverageMinMaxObserver(.dtype = "qint8") :
		i == 1 ? HistogramObserver(.bins = 64) :
			 KLObserver(.bins = 256);

	if (!qat)
		return QConfig(activation, weight);
	return QConfig(i == 0 ? FakeQuantize(activation) :
		       i == 1 ? LSQFakeQuantize(activation) :
				PACTFakeQuantize(activation),
		       FakeQuantize(weight));
}

static void run(struct fx_module *gm, const struct golden_quant_net *net,
		uint32_t seed)
{
	fxv x = fx_gen_of(seed, 1, net->dims), y = fx_call(gm, x);

	if (fx_error(y))
		fail_msg("%s: %s", net->name, fx_error(y));
	fx_release(y);
	fx_release(x);
}

/* Calibrated here and there, in part before the file and in part behind it. */
static void calibrate_across(const struct golden_quant_net *net,
			     struct fx_module *gm, fxv x)
{
	struct fx_module *again, *here, *there, *last;

	again = back(gm, x, NULL);
	for (uint32_t seed = 7; seed < 9; seed++) {
		run(gm, net, seed);
		run(again, net, seed);
	}
	here = convert_fx(gm);
	there = convert_fx(again);
	if (here->error || there->error)
		fail_msg("%s: %s", net->name,
			 here->error ? here->error : there->error);
	assert_same_print(here, there);
	assert_same_bits(here, there, x);
	last = back(here, x, NULL);
	fx_module_put(last);
	fx_module_put(there);
	fx_module_put(here);
	fx_module_put(again);
}

static void every_stage_comes_back(void **state)
{
	for (size_t i = 0; i < sizeof(nets) / sizeof(*nets); i++) {
		struct fx_module *model = fx_eval(nets[i]->model());
		fxv x = fx_gen_of(42, 1, nets[i]->dims);
		struct fx_module *gm, *again;
		struct fx_module_qconfig q = qconfig_of(i % 3, false);

		fx_module_fill(model, 1000);
		gm = traced(fx_module_get(model));
		again = back(gm, x, NULL);
		fx_module_put(again);
		fx_module_put(gm);
		gm = fuse_fx(model);
		again = back(gm, x, NULL);
		fx_module_put(again);
		fx_module_put(gm);
		gm = prepare_calibration_fx(model,
					    fx_qconfig_dict({ "", NULL, &q }));
		run(gm, nets[i], 5);
		calibrate_across(nets[i], gm, x);
		fx_module_put(gm);
		fx_module_put(model);
		fx_qconfig_put(&q);
		fx_release(x);
	}
}

static void a_model_in_training_comes_back(void **state)
{
	for (size_t i = 0; i < sizeof(nets) / sizeof(*nets); i++) {
		struct fx_module *model = fx_train(nets[i]->model()), *gm;
		fxv x = fx_gen_of(42, 1, nets[i]->dims);
		struct fx_module_qconfig q = qconfig_of(i % 3, true);

		fx_module_fill(model, 1000);
		gm = prepare_qat_fx(model, fx_qconfig_dict({ "", NULL, &q }));
		set_fake_quantize(gm, FX_CALIBRATION);
		run(gm, nets[i], 5);
		set_fake_quantize(gm, FX_QAT);
		run(gm, nets[i], 6);
		calibrate_across(nets[i], fx_eval(gm), x);
		set_fake_quantize(gm, FX_VALIDATION);
		calibrate_across(nets[i], gm, x);
		fx_module_put(gm);
		fx_module_put(model);
		fx_qconfig_put(&q);
		fx_release(x);
	}
}

/* What belongs to a program */

FX_MODULE(Inner,
	  module(conv, Conv2d(3, 4, 1)),
	  attribute(k, 3))

FX_FORWARD(Inner, x)
{
	return fx_mul(fx_call(self->conv, x), self->k);
}

FX_WRAP_MODULE(Gate,
	       parameter(g, fx_full(0.5f, 1)),
	       module(fc, Linear(4, 4)))

FX_FORWARD(Gate, x, (times, FX_INT(1)))
{
	return fx_mul(fx_call(self->fc, x), self->g);
}

FX_MODULE(User,
	  module(inner, Inner()),
	  module(a, Linear(4, 4)),
	  module(again, fx_module_get(self->a)),
	  module(gate, Gate()),
	  attribute(limit, 0.25),
	  attribute(word, "max"),
	  attribute(sizes, fx_tuple(1, fx_none, "x")))

FX_WRAP_METHOD(User, _post, x, (times, FX_INT(2)))
{
	return strcmp(self->word.s, "max") ? x :
	       fx_mul(x, fx_float(self->limit) * fx_float(times));
}

FX_WRAP_FUNCTION(halve, x)
{
	return fx_mul(x, 0.5);
}

FX_FORWARD(User, x, (scale, FX_FLOAT(1.5)))
{
	x = fx_method(fx_call(self->inner, x), mean, .dim = fx_tuple(2, 3));
	x = fx_call(self->again, fx_relu(fx_call(self->a, x)));
	x = fx_call(self->gate, halve(x));
	return _post(self, fx_mul(x, scale), fx_named(4));
}

static const struct fx_load_options program = {
	.classes = (const struct fx_class *const[]){
		fx_module_class(User), NULL },
	.functions = (const struct fxq_function *const[]){
		fx_wrapped_function(halve), fx_wrapped_function(_post), NULL },
};

/* The two projections are one matrix. */
static void tie(struct fx_module *gm)
{
	struct fx_module *a = fx_module_at(gm, "a");
	struct fx_module *fc = fx_module_at(gm, "gate.fc");

	for (size_t i = 0; i < fc->n_members; i++) {
		if (strcmp(fc->members[i].name, "weight"))
			continue;
		value_drop(fc->members[i].value);
		fc->members[i].value =
			value_get(module_member(a, "weight")->value);
	}
}

static void code_of_a_program_is_found_by_name(void **state)
{
	struct fx_module *gm = traced(fx_eval(User())), *again;
	fxv x = fx_gen(3, 1, 2, 3, 4, 4);

	tie(gm);
	again = back(gm, x, &program);
	assert_ptr_equal(again->class, fx_module_class(User));
	assert_ptr_equal(fx_module_at(again, "inner")->class,
			 fx_module_class(Inner));
	assert_ptr_equal(fx_module_at(again, "a"), fx_module_at(again, "again"));
	assert_ptr_equal(fx_module_tensor(again, "a.weight")->data,
			 fx_module_tensor(again, "gate.fc.weight")->data);
	assert_ptr_not_equal(fx_module_tensor(again, "a.weight")->data,
			     fx_module_tensor(gm, "a.weight")->data);
	assert_string_equal(fx_member(again, "word").s, "max");
	assert_int_equal(fx_tuple_count(fx_member(again, "sizes")), 3);
	fx_release(x);
	fx_module_put(again);
	fx_module_put(gm);
}

static void refused(const struct bytes *b, const struct fx_load_options *options,
		    int want, const char *sentence)
{
	struct fx_module *gm = NULL;

	assert_int_equal(fx_load_memory("net.fxg", b->data, b->size, options,
					&gm, error, sizeof(error)), want);
	assert_string_equal(error, sentence);
	assert_null(gm);
}

static void code_that_is_not_there_is_asked_for(void **state)
{
	struct fx_module *gm = traced(fx_eval(User())), *again;
	struct bytes b = saved(gm);
	struct fx_load_options some = program;

	refused(&b, NULL, -ENOENT, "net.fxg: node 'halve' calls 'halve', a wrapped function of a program: load it with the function, or with the plugin that has it");
	some.classes = NULL;
	refused(&b, &some, -ENOENT, "net.fxg: node 'gate' calls 'gate', whose class Gate is a program's: load it with the class, or with the plugin that has it");
	some.classes = (const struct fx_class *const[]){
		fx_module_class(Gate), NULL };
	refused(&b, &some, -ENOENT, "net.fxg: node '_post' calls a method of class User, which is a program's: load it with the class, or with the plugin that has it");
	again = loaded(&b, &program);
	fx_module_put(again);
	fx_module_put(gm);
	bytes_free(&b);
}

FX_MODULE(Plain,
	  module(inner, Inner()),
	  module(list, Sequential(Conv2d(4, 4, 1, .bias = false),
				  BatchNorm2d(4), ReLU())))

FX_FORWARD(Plain, x, (scale, FX_FLOAT(1.5)))
{
	return fx_pow(fx_call(self->list, fx_call(self->inner, x)), scale);
}

/* Without their classes, containers are told by their names. */
static void what_is_traced_through_needs_no_class(void **state)
{
	struct fx_module *gm = traced(fx_eval(Plain())), *again, *p, *q;
	struct fx_module_qconfig qconfig = qconfig_of(0, false);
	const struct fx_qconfig_item *dict = fx_qconfig_dict(
		{ "", NULL, &qconfig }, { "module_type", "Inner", NULL });
	fxv x = fx_gen(3, 1, 2, 3, 4, 4);

	again = back(gm, x, NULL);
	assert_string_equal(again->class->name, "Plain");
	assert_string_equal(fx_module_at(again, "inner")->class->name, "Inner");
	p = prepare_calibration_fx(gm, dict);
	q = prepare_calibration_fx(again, dict);
	assert_same_print(p, q);
	assert_same_bits(p, q, x);
	fx_module_put(again);
	again = back(q, x, NULL);
	fx_module_put(q);
	fx_module_put(p);
	fx_module_put(again);
	fx_module_put(gm);
	fx_qconfig_put(&qconfig);
	fx_release(x);
}

/* A graph as importers make it, whose operators are not all of torch's */

#define IN(...)		(struct fx_node *[]){ __VA_ARGS__ }, \
			sizeof((struct fx_node *[]){ __VA_ARGS__ }) / sizeof(void *)
#define WITH(...)	(const struct fx_kwarg[]){ __VA_ARGS__ }, \
			sizeof((const struct fx_kwarg[]){ __VA_ARGS__ }) / \
			sizeof(struct fx_kwarg)
#define INTS(g, ...)	\
	fx_arg_ints(g, (const int64_t[]){ __VA_ARGS__ }, \
		    sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

static struct fx_node *weights(struct fx_graph *g, int channels)
{
	fxv w = fx_gen(3, 0.3, channels, channels, 3, 3);
	struct fx_node *n = fx_graph_constant(g, "w", fx_data(w));

	fx_release(w);
	return n;
}

static struct fx_node *padded(struct fx_graph *g, struct fx_node *x,
			      int channels, int64_t end)
{
	return fx_graph_call(g, "conv2d", IN(x, weights(g, channels)),
			     WITH({ "stride", INTS(g, 1, 1) },
				  { "padding", INTS(g, 1, 1, end, end) },
				  { "dilation", INTS(g, 1, 1) },
				  { "groups", fx_arg_int(1) }));
}

static struct fx_node *gathered(struct fx_graph *g, struct fx_node *x)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_I64, 1,
					      (const int64_t[]){ 3 });

	t.data = (int64_t[]){ 2, 0, 1 };
	return fx_graph_call(g, "gather", IN(x, fx_graph_constant(g, "i", &t)),
			     WITH({ "dim", fx_arg_int(1) }));
}

/* A convolution padded at its ends, a split of two results, and a gather. */
static struct fx_module *imported(void)
{
	struct fxq_tensor type = fxq_tensor_type(FXQ_DTYPE_F32, 4,
		(const int64_t[]){ 1, 6, 5, 5 });
	struct fx_graph *g = fx_graph_new();
	struct fx_node *x = fx_graph_placeholder(g, "x", &type), *parts, *y;
	struct fx_module *m;

	x = padded(g, padded(g, x, 6, 1), 6, 2);
	parts = fx_graph_call(g, "split", IN(x),
			      WITH({ "dim", fx_arg_int(1) },
				   { "n_out", fx_arg_int(2) }));
	y = fx_graph_call(g, "getitem", IN(parts),
			  WITH({ "index", fx_arg_int(1) }));
	x = fx_graph_call(g, "getitem", IN(parts),
			  WITH({ "index", fx_arg_int(0) }));
	x = fx_graph_call(g, "thresholded_relu", IN(gathered(g, x)),
			  WITH({ "alpha", fx_arg_float(0.1) }));
	x = padded(g, fx_graph_call(g, "add", IN(x, y), NULL, 0), 3, 1);
	fx_graph_set_output(g, &x, 1);
	if (fx_graph_infer(g))
		fail_msg("%s", fx_graph_error(g));
	m = fx_module_of_graph(g);
	if (m->error)
		fail_msg("%s", m->error);
	fx_graph_free(g);
	return m;
}

static size_t count_operators(const struct fx_module *gm)
{
	size_t count = 0;

	fx_for_each_node(n, gm->graph)
		count += node_is_operator(n);
	return count;
}

/* What comes back from prepared becomes the integers that it would have. */
static void operators_come_back(void **state)
{
	struct fx_module_qconfig q = get_default_qconfig();
	struct fx_module *m = imported(), *gm, *again, *a, *b;
	fxv x = fx_gen(42, 1, 1, 6, 5, 5);
	struct bytes one, other;

	assert_int_equal(count_operators(m), 4);
	again = back(m, x, NULL);
	assert_int_equal(count_operators(again), 4);
	fx_module_put(again);
	gm = prepare_calibration_fx(m, fx_qconfig_dict({ "", NULL, &q }));
	fx_drop(fx_call(gm, x));
	again = back(gm, x, NULL);
	a = convert_fx(gm);
	b = convert_fx(again);
	fx_module_put(back(b, x, NULL));
	one = saved(a);
	other = saved(b);
	assert_int_equal(one.size, other.size);
	assert_memory_equal(one.data, other.data, one.size);
	bytes_free(&one);
	bytes_free(&other);
	fx_module_put(a);
	fx_module_put(b);
	fx_module_put(again);
	fx_module_put(gm);
	fx_module_put(m);
	fx_qconfig_put(&q);
	fx_release(x);
}

static void not_saved(struct fx_module *gm, int want, const char *sentence)
{
	assert_int_equal(fx_save(gm, "x.fxg", error, sizeof(error)), want);
	assert_string_equal(error, sentence);
}

static void what_no_file_can_hold_is_not_saved(void **state)
{
	struct fx_module *gm = traced(fx_eval(Plain()));
	struct fx_module *model = fx_eval(Plain());
	struct fx_node *n = fx_graph_first(gm->graph);

	not_saved(model, -EINVAL, "x.fxg: a Plain has no graph; make a graph module of it, or save its parameters with fx_save_state()");
	fx_module_put(model);
	while (n->opcode != FX_CALL_MODULE)
		n = n->next;
	n->target = "list.0";
	not_saved(gm, -EINVAL, "x.fxg: node 'inner_conv' calls a module that is not at 'list.0'; put it there with fx_module_replace()");
	n->target = "inner.conv";
	fx_add_attribute(gm, "odd.name", fx_of_int(1));
	not_saved(gm, -EINVAL, "x.fxg: no path leads to 'odd.name': a name is not empty and has no dot; rename it");
	fx_module_put(gm);
	gm = traced(fx_eval(Plain()));
	fx_add_attribute(gm, "inner", fx_of_int(1));
	not_saved(gm, -EINVAL, "x.fxg: two members are called 'inner'; rename one");
	fx_module_put(gm);
	gm = traced(fx_eval(Plain()));
	fx_add_attribute(gm, "text", fx_of_str("\xff"));
	not_saved(gm, -ENOTSUP, "x.fxg: 'text' is no tensor, number, text in UTF-8 or tuple of them; take it out of the module");
	fx_module_put(gm);
	gm = traced(fx_eval(Plain()));
	fx_add_attribute(gm, "\xff", fx_of_int(1));
	not_saved(gm, -EINVAL, "x.fxg: '\xff' has text that is no UTF-8; rename it");
	fx_module_put(gm);
	gm = traced(fx_eval(Plain()));
	fx_add_attribute(gm, "_constants", fx_of_int(1));
	not_saved(gm, -EINVAL, "x.fxg: a member is called '_constants', as the graph's own tensors are; rename it");
	fx_module_put(gm);
	gm = traced(fx_eval(Plain()));
	n = fx_graph_first(gm->graph);
	while (n->opcode != FX_CALL_FUNCTION)
		n = n->next;
	n->target = "multiply";
	not_saved(gm, -ENOTSUP, "x.fxg: node 'mul' calls 'multiply', which is no function of nn_table.h; save the functional graph with fx_graph_save()");
	assert_int_equal(fx_save_check(gm, "x.fxg", error, sizeof(error)),
			 -ENOTSUP);
	assert_string_equal(error, "x.fxg: node 'mul' calls 'multiply', which is no function of nn_table.h; save the functional graph with fx_graph_save()");
	fx_module_put(gm);
	gm = imported();
	assert_int_equal(fx_save_check(gm, "x.fxg", error, sizeof(error)), 0);
	assert_int_equal(access("x.fxg", F_OK), -1);
	n = fx_graph_first(gm->graph);
	while (strcmp(n->name, "gather"))
		n = n->next;
	n->args[1] = fx_arg_int(1);
	not_saved(gm, -ENOTSUP, "x.fxg: node 'gather': fxq.gather takes tensors, and argument 1 is none; save the functional graph with fx_graph_save()");
	fx_module_put(gm);
}

/* Files that nobody has saved */

/* The item of @list whose "class" or "name" is @name, or the one with it first. */
static json_t *item_called(json_t *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		const char *own = json_string_value(json_is_array(item) ?
			json_array_get(item, 0) :
			json_object_get(item, "class") ?
			json_object_get(item, "class") :
			json_object_get(item, "name"));

		if (own && !strcmp(own, name))
			return item;
	}
	return json_array_get(list, strtoul(name, NULL, 10));
}

/* "modules/Conv2d/options/stride" and what is to stand there; NULL: nothing. */
static void edit(json_t *note, const char *path, const char *value)
{
	json_t *at = note, *new = value ? json_loads(value, JSON_DECODE_ANY,
						     NULL) : NULL;
	char copy[128], *name, *next;

	snprintf(copy, sizeof(copy), "%s", path);
	name = strtok(copy, "/");
	while ((next = strtok(NULL, "/"))) {
		at = json_is_array(at) ? item_called(at, name) :
					 json_object_get(at, name);
		if (!at)
			fail_msg("%s: there is no %s", path, name);
		name = next;
	}
	if (value && !new)
		fail_msg("%s is no JSON", value);
	if (json_is_object(at) && new)
		json_object_set_new(at, name, new);
	else if (json_is_object(at))
		json_object_del(at, name);
	else if (!strcmp(name, "+"))
		json_array_append_new(at, new);
	else if (new)
		json_array_set_new(at, strtoul(name, NULL, 10), new);
	else
		json_array_remove(at, strtoul(name, NULL, 10));
}

struct hostile {
	const char *path, *value;
	int err;
	const char *sentence;
};

static void refused_edited(const struct bytes *b,
			   const struct fx_load_options *options,
			   const struct hostile *h)
{
	char sentence[512];
	struct tensors t;
	struct bytes edited;
	json_t *note;

	assert_int_equal(safetensors_parse("net.fxg", b->data, b->size, &t), 0);
	note = json_loads(t.note, 0, NULL);
	edit(note, h->path, h->value);
	free(t.note);
	t.note = json_dumps(note, JSON_COMPACT);
	assert_int_equal(safetensors_format("net.fxg", &t, &edited), 0);
	snprintf(sentence, sizeof(sentence), "net.fxg: %s", h->sentence);
	refused(&edited, options, h->err, sentence);
	bytes_free(&edited);
	json_decref(note);
	tensors_free(&t);
}

/* Each is refused, and the file as it was is read as before. */
static void all_refused_with(const struct fx_load_options *options,
			     struct fx_module *gm, const struct hostile *list,
			     size_t n)
{
	struct bytes b = saved(gm);
	struct fx_module *again;

	for (size_t i = 0; i < n; i++)
		refused_edited(&b, options, &list[i]);
	again = loaded(&b, options);
	assert_same_print(gm, again);
	fx_module_put(again);
	bytes_free(&b);
}

static void all_refused(struct fx_module *gm, const struct hostile *list,
			size_t n)
{
	all_refused_with(NULL, gm, list, n);
}

#define HOSTILE(...)							\
	((const struct hostile[]){ __VA_ARGS__ }),			\
	sizeof((const struct hostile[]){ __VA_ARGS__ }) /		\
		sizeof(struct hostile)

static void unsound_float_files_are_refused(void **state)
{
	struct fx_module *gm = traced(fx_eval(Plain()));

	all_refused(gm, HOSTILE(
		{ "version", "9", -ENOTSUP, "it is of version 9 and this reads 1 to 2; save the graph again" },
		{ "version", "1", -ENOTSUP, "it holds a functional graph; load it with fx_graph_load()" },
		{ "modules", NULL, -EINVAL, "it has no list of modules; save the graph again" },
		{ "modules", "[]", -EINVAL, "it has no list of modules; save the graph again" },
		{ "modules/Conv2d/class", "3", -EINVAL, "module 0 has no class; save the graph again" },
		{ "modules/Conv2d/class", "\"No\\nSuch\"", -EINVAL, "module 0 has no class; save the graph again" },
		{ "modules/Conv2d/class", "\"NoSuch\"", -ENOTSUP, "module 0 is of class 'NoSuch', which fxq does not have; load it with the version that saved it" },
		{ "modules/Conv2d/class", "\"ReLU\"", -EINVAL, "module 0 (ReLU): no argument is called 'in_channels'; save the graph again" },
		{ "modules/Conv2d/options", "[]", -EINVAL, "module 0 (Conv2d): it has no options; save the graph again" },
		{ "modules/Conv2d/options/in_channels", NULL, -EINVAL, "module 0 (Conv2d): the argument 'in_channels' is missing; save the graph again" },
		{ "modules/Conv2d/options/colour", "1", -EINVAL, "module 0 (Conv2d): no argument is called 'colour'; save the graph again" },
		{ "modules/Conv2d/options/stride", "\"x\"", -EINVAL, "module 0 (Conv2d): option 'stride' is of another type, or out of range; save the graph again" },
		{ "modules/Conv2d/options/stride", "4294967297", -EINVAL, "module 0 (Conv2d): option 'stride' is of another type, or out of range; save the graph again" },
		{ "modules/Conv2d/options/stride", "{\"tuple\":[1,2,3]}", -EINVAL, "module 0 (Conv2d): option 'stride' is of another type, or out of range; save the graph again" },
		{ "modules/Conv2d/options/bias", "1", -EINVAL, "module 0 (Conv2d): option 'bias' is of another type, or out of range; save the graph again" },
		{ "modules/Conv2d/options/out_channels", "0", -EINVAL, "module 0 (Conv2d): channels, groups and kernel_size are at least 1; save the graph again" },
		{ "modules/Conv2d/options/out_channels", "2000000000", -EINVAL, "module 0 (Conv2d): 'weight' is not as its class makes it of these options; save the graph again" },
		{ "modules/Conv2d/options/kernel_size", "{\"tuple\":[2000000000,2000000000]}", -EINVAL, "module 0 (Conv2d): weight: no memory for a tensor: Value too large for defined data type; save the graph again" },
		{ "modules/Conv2d/options/groups", "2", -EINVAL, "module 0 (Conv2d): groups must divide in_channels and out_channels; save the graph again" },
		{ "modules/BatchNorm2d/options/eps", "{\"float\":\"nan\"}", -EINVAL, "module 3 (BatchNorm2d): option 'eps' is of another type, or out of range; save the graph again" },
		{ "modules/BatchNorm2d/options/eps", "{\"float\":\"zz\"}", -EINVAL, "module 3 (BatchNorm2d): an option is no value; save the graph again" },
		{ "modules/Conv2d/members", "{}", -EINVAL, "module 0 (Conv2d): it has no list of members; save the graph again" },
		{ "modules/Conv2d/members/0", NULL, -EINVAL, "module 0 (Conv2d): it has no 'weight'; save the graph again" },
		{ "modules/Conv2d/members/0", "[\"weight\",\"parameter\"]", -EINVAL, "module 0 (Conv2d): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Conv2d/members/0/0", "\"wei.ght\"", -EINVAL, "module 0 (Conv2d): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Conv2d/members/0/0", "\"bias\"", -EINVAL, "module 0 (Conv2d): 'bias' is not as its class makes it of these options; save the graph again" },
		{ "modules/Conv2d/members/0/1", "\"thing\"", -EINVAL, "module 0 (Conv2d): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Conv2d/members/0/1", "\"buffer\"", -EINVAL, "module 0 (Conv2d): 'weight' is not as its class makes it of these options; save the graph again" },
		{ "modules/Conv2d/members/0/2", "{\"tensor\":\"nothing\"}", -EINVAL, "module 0 (Conv2d): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Conv2d/members/0/2", "{\"tensor\":\"list.1.bias\"}", -EINVAL, "module 0 (Conv2d): 'weight' is not as its class makes it of these options; save the graph again" },
		{ "modules/Conv2d/members/0/2", "1.5", -EINVAL, "module 0 (Conv2d): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Conv2d/members/+", "[\"more\",\"attribute\",1]", -EINVAL, "module 0 (Conv2d): 'more' is not as its class makes it of these options; save the graph again" },
		{ "modules/BatchNorm2d/members/num_batches_tracked/2", "{\"tensor\":\"list.1.bias\"}", -EINVAL, "module 3 (BatchNorm2d): 'num_batches_tracked' is not as its class makes it of these options; save the graph again" },
		{ "modules/Inner/members/conv/2", "1", -EINVAL, "module 1 (Inner): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Inner/members/conv/2", "-1", -EINVAL, "module 1 (Inner): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Inner/members/conv/2", "99999999999", -EINVAL, "module 1 (Inner): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Inner/members/k/2", "{\"tuple\":[{\"tensor\":\"x\"}]}", -EINVAL, "module 1 (Inner): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "nodes", "{}", -EINVAL, "it has no list of nodes; save the graph again" },
		{ "nodes/inner_conv/target", "\"inner.none\"", -EINVAL, "node 'inner_conv' calls a module that is not there; save the graph again" },
		{ "nodes/inner_conv/target", "\"inner\"", -ENOENT, "node 'inner_conv' calls 'inner', whose class Inner is a program's: load it with the class, or with the plugin that has it" },
		{ "nodes/inner_conv/args", "[]", -EINVAL, "node 'inner_conv' gives a module no value to look at; save the graph again" },
		{ "nodes/inner_conv/args", "[1]", -EINVAL, "node 'inner_conv' gives a module no value to look at; save the graph again" },
		{ "nodes/inner_conv/args", "[{\"node\":0},{\"node\":0}]", -EINVAL, "node 'inner_conv' calls with more arguments, or fewer, than there are; save the graph again" },
		{ "nodes/inner_conv/kwargs", "{\"y\":1}", -EINVAL, "node 'inner_conv' calls with an argument of an unknown name; save the graph again" },
		{ "nodes/inner_conv/opcode", "\"call_method\"", -ENOTSUP, "node 'inner_conv' calls function 'inner.conv', which fxq does not have" },
		{ "nodes/mul/function", "\"system\"", -ENOTSUP, "node 'mul' calls function 'system', which fxq does not have" },
		{ "nodes/mul/function", "\"add\"", -ENOTSUP, "node 'mul' calls function 'add', which fxq does not have" },
		{ "nodes/mul/args", "[{\"node\":0}]", -EINVAL, "node 'mul' gives a function what it does not take; save the graph again" },
		{ "nodes/mul/args", "[1,2,3]", -EINVAL, "node 'mul' gives a function what it does not take; save the graph again" },
		{ "nodes/mul/wrapped", "\"mul\"", -ENOENT, "node 'mul' calls 'mul', a wrapped function of a program: load it with the function, or with the plugin that has it" },
		{ "nodes/x/args", "[1,2]", -EINVAL, "node 'x' is an input that takes something; save the graph again" },
		{ "nodes/x/out", "[]", -EINVAL, "node 'x' does not say the types of its results; save the graph again" },
		{ "nodes/output", NULL, -EINVAL, "node 'mul' takes what is no node before it; save the graph again" },
		{ "nodes/mul/opcode", "\"get_attr\"", -EINVAL, "node 'mul' reads a member that is not there; save the graph again" },
		{ "nodes/8", NULL, -EINVAL, "its graph has no output; save the graph again" },
		));
	fx_module_put(gm);
}

static void unsound_operators_are_refused(void **state)
{
	struct fx_module *gm = imported();

	all_refused(gm, HOSTILE(
		{ "nodes/gather/target", "\"fxq.system\"", -ENOTSUP, "node 'gather' is of operator 'system', which fxq does not have" },
		{ "nodes/gather/target", "\"fxq.\"", -ENOTSUP, "node 'gather' is of operator '', which fxq does not have" },
		{ "nodes/gather/target", "\"gather\"", -ENOTSUP, "node 'gather' calls function 'gather', which fxq does not have" },
		{ "nodes/gather/function", "\"gather\"", -ENOTSUP, "node 'gather' calls function 'gather', which fxq does not have" },
		{ "nodes/gather/function", "\"add\"", -ENOTSUP, "node 'gather' calls function 'add', which fxq does not have" },
		{ "nodes/gather/opcode", "\"call_method\"", -ENOTSUP, "node 'gather' calls function 'fxq.gather', which fxq does not have" },
		{ "nodes/gather/wrapped", "\"gather\"", -ENOENT, "node 'gather' calls 'gather', a wrapped function of a program: load it with the function, or with the plugin that has it" },
		{ "nodes/gather/args", "[{\"node\":0}]", -EINVAL, "node 'gather': fxq.gather has 1 arguments, more than it takes, or fewer; save the graph again" },
		{ "nodes/gather/args", "[{\"node\":0},{\"node\":0},{\"node\":0}]", -EINVAL, "node 'gather': fxq.gather has 3 arguments, more than it takes, or fewer; save the graph again" },
		{ "nodes/gather/args/1", "1", -EINVAL, "node 'gather': fxq.gather takes tensors, and argument 1 is none; save the graph again" },
		{ "nodes/gather/args/1", "null", -EINVAL, "node 'gather': fxq.gather takes tensors, and argument 1 is none; save the graph again" },
		{ "nodes/gather/args/1", "{\"list\":[{\"node\":0}]}", -EINVAL, "node 'gather': fxq.gather takes tensors, and argument 1 is none; save the graph again" },
		{ "nodes/gather/args/1", "{\"node\":99}", -EINVAL, "node 'gather' takes what is no node before it; save the graph again" },
		{ "nodes/gather/kwargs", "[]", -EINVAL, "node 'gather' has no keyword arguments, or too many; save the graph again" },
		{ "nodes/gather/kwargs/dim", "null", -EINVAL, "node 'gather': 'dim' is no number, string or list of numbers; save the graph again" },
		{ "nodes/gather/kwargs/dim", "{\"node\":0}", -EINVAL, "node 'gather': 'dim' is no number, string or list of numbers; save the graph again" },
		{ "nodes/gather/kwargs/dim", "{\"tuple\":[1,2,3,4,5,6,7,8,9]}", -EINVAL, "node 'gather': 'dim' has 9 numbers; a module's call takes at most 8; save the graph again" },
		{ "nodes/gather/kwargs/dim", "{\"tuple\":[1,\"x\"]}", -EINVAL, "node 'gather': 'dim' is no list of integers or of floats; save the graph again" },
		{ "nodes/split/kwargs/n_out", "0", -EINVAL, "node 'split': n_out = 0 results; 1 to 65536 are possible" },
		{ "nodes/split/kwargs/n_out", "60000", -EINVAL, "node 'split': split has 1 tensors, 2 parameters and 60000 results; a module's call has at most 64, 16 and 4; save the graph again" },
		));
	fx_module_put(gm);
}

FX_MODULE(Grown,
	  module(inner, Inner()),
	  module(list, Sequential(Conv2d(4, 4, 1, .bias = false),
				  BatchNorm2d(4), ReLU())))

FX_FORWARD(Grown, x)
{
	return fx_call(self->list, fx_call(self->inner, x));
}

/* As unsound as these are, they have what the program knows. */
static void unsound_calls_of_a_program_are_refused(void **state)
{
	const struct fx_load_options grown = {
		.classes = (const struct fx_class *const[]){
			fx_module_class(Grown), NULL },
	};
	struct fx_module *gm = traced(fx_eval(User()));

	all_refused_with(&program, gm, HOSTILE(
		{ "nodes/halve/target", "\"double\"", -EINVAL, "node 'halve' calls a wrapped function by another name; save the graph again" },
		{ "nodes/halve/args/+", "1", -EINVAL, "node 'halve' calls with more arguments, or fewer, than there are; save the graph again" },
		{ "nodes/_post/args/0", "{\"node\":0}", -EINVAL, "node '_post' calls a wrapped method without its self; save the graph again" },
		{ "nodes/_post/args", "[]", -EINVAL, "node '_post' calls a wrapped method without its self; save the graph again" },
		));
	fx_module_put(gm);
	gm = traced(fx_eval(Plain()));
	all_refused_with(&grown, gm, HOSTILE(
		{ "modules/Plain/class", "\"Grown\"", -EINVAL, "its graph takes 2 arguments and class Grown 1; save the graph of the class as it is now" },
		));
	fx_add_module(gm, "rest", ModuleDict({ "relu", ReLU() }));
	all_refused(gm, HOSTILE(
		{ "nodes/inner_conv/target", "\"rest\"", -EINVAL, "node 'inner_conv' calls a module that has no forward; save the graph again" },
		));
	fx_module_put(gm);
}

/* What can be saved, and loaded by nobody. */
static void files_without_end_are_refused(void **state)
{
	struct fx_module *gm = traced(fx_eval(Plain())), *m = ReLU();
	struct fx_graph *g = fx_graph_new();
	struct bytes b;

	for (int i = 0; i < 65; i++)
		m = Sequential(m);
	fx_add_module(gm, "deep", m);
	b = saved(gm);
	refused(&b, NULL, -EINVAL, "net.fxg: module 71 holds modules in modules without end; save the graph again");
	bytes_free(&b);
	fx_module_put(gm);
	gm = traced(fx_eval(Plain()));
	m = ReLU();
	for (int i = 0; i < 20; i++)
		m = Sequential(m, fx_module_get(m));
	fx_add_module(gm, "wide", m);
	b = saved(gm);
	refused(&b, NULL, -EINVAL, "net.fxg: module 26 holds modules in modules without end; save the graph again");
	bytes_free(&b);
	fx_module_put(gm);
	for (int i = 0; i < MAX_ARGS; i++)
		fx_graph_placeholder(g, "x", NULL);
	fx_graph_set_output(g, (struct fx_node *[]){ fx_graph_first(g) }, 1);
	m = Plain();
	gm = fx_graph_module(m, g);
	b = saved(gm);
	refused(&b, NULL, -EINVAL, "net.fxg: it takes 64 arguments; at most 63 can be given");
	bytes_free(&b);
	fx_module_put(gm);
	fx_module_put(m);
}

static struct fx_module *net_named(const char *name)
{
	for (size_t i = 0; i < sizeof(nets) / sizeof(*nets); i++)
		if (!strcmp(nets[i]->name, name))
			return nets[i]->model();
	fail();
	return NULL;
}

static struct fx_module *in_training(const char *name, int i)
{
	struct fx_module *model = fx_train(net_named(name)), *gm;
	struct fx_module_qconfig q = qconfig_of(i, true);

	gm = prepare_qat_fx(model, fx_qconfig_dict({ "", NULL, &q }));
	for (size_t k = 0; k < sizeof(nets) / sizeof(*nets); k++)
		if (!strcmp(nets[k]->name, name))
			run(gm, nets[k], 1);
	fx_qconfig_put(&q);
	fx_module_put(model);
	return gm;
}

static void unsound_prepared_files_are_refused(void **state)
{
	struct fx_module *gm = in_training("conv_bn_relu", 0);

	all_refused(gm, HOSTILE(
		{ "modules/MovingAverageMinMaxObserver/options/qscheme", "\"x\"", -EINVAL, "module 9 (MovingAverageMinMaxObserver): qscheme 'x' is none of per_tensor_affine, per_tensor_symmetric, per_channel_affine, per_channel_symmetric; save the graph again" },
		{ "modules/MovingAverageMinMaxObserver/options/qscheme", "\"per_channel_affine\"", -EINVAL, "module 9 (MovingAverageMinMaxObserver): its qscheme is per_tensor_affine or per_tensor_symmetric; save the graph again" },
		{ "modules/MovingAverageMinMaxObserver/options/quant_min", "-100000", -EINVAL, "module 9 (MovingAverageMinMaxObserver): quant_min and quant_max are given together or not at all; save the graph again" },
		{ "modules/MovingAverageMinMaxObserver/options/averaging_constant", "{\"float\":\"2\"}", -EINVAL, "module 9 (MovingAverageMinMaxObserver): averaging_constant 2 is not between 0 and 1; save the graph again" },
		{ "modules/MovingAverageMinMaxObserver/members/min_val/2", "{\"tensor\":\"conv.weight\"}", -EINVAL, "module 9 (MovingAverageMinMaxObserver): 'min_val' is not as its class makes it of these options; save the graph again" },
		{ "modules/PerChannelMinMaxObserver/options/ch_axis", "-1", -EINVAL, "module 1 (PerChannelMinMaxObserver): ch_axis counts dimensions from 0; -1 is none; save the graph again" },
		{ "modules/PerChannelMinMaxObserver/members/min_val/2", "{\"tensor\":\"conv.weight\"}", -EINVAL, "module 1 (PerChannelMinMaxObserver): 'min_val' is not as its class makes it of these options; save the graph again" },
		{ "modules/FakeQuantize/members/activation_post_process", "[\"activation_post_process\",\"attribute\",1]", -EINVAL, "module 2 (FakeQuantize): 'activation_post_process' is not as its class makes it of these options; save the graph again" },
		{ "modules/FakeQuantize/members/activation_post_process/0", "\"other\"", -EINVAL, "module 2 (FakeQuantize): it has no activation_post_process; save the graph again" },
		{ "modules/FakeQuantize/members/fake_quant_enabled/2", "{\"tensor\":\"conv.weight\"}", -EINVAL, "module 2 (FakeQuantize): 'fake_quant_enabled' is not as its class makes it of these options; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/class", "\"intrinsic.qat.ConvBnSiLU2d\"", -ENOTSUP, "module 3 is of class 'intrinsic.qat.ConvBnSiLU2d', which fxq does not have; load it with the version that saved it" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/class", "\"Prepared\"", -EINVAL, "module 3 (Prepared): no argument is called 'in_channels'; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/class", "\"intrinsic.ConvBnReLU2d\"", -EINVAL, "module 3 (intrinsic.ConvBnReLU2d): '0' is no Conv2d; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/class", "\"quantized.Conv2d\"", -EINVAL, "module 3 (quantized.Conv2d): 'weight' is no weight of its options; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/options/out_channels", "5", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): 'weight' is no weight of its options; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/options/out_channels", "0", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): channels, groups and kernel_size are at least 1; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/members/weight/2", "{\"tensor\":\"conv.bn.weight\"}", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): 'weight' is no weight of its options; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/members/weight/0", "\"weights\"", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): 'weight' is no weight of its options; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/members/bn/0", "\"norm\"", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): 'bn' is no batch norm of its channels; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/members/bn/2", "1", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): 'bn' is no batch norm of its channels; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/members/weight_fake_quant/2", "0", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): 'weight_fake_quant' is no fake quantizer; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/members/+", "[\"bias\",\"parameter\",{\"tensor\":\"conv.weight\"}]", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): 'bias' is not as its class makes it of these options; save the graph again" },
		{ "modules/Prepared/members/_backend/2", "1", -EINVAL, "module 8 (Prepared): '_backend' is no name of a backend; save the graph again" },
		{ "modules/Prepared/members/_backend", NULL, -EINVAL, "module 8 (Prepared): '_backend' is no name of a backend; save the graph again" },
		{ "modules/Prepared/members/conv/2", "0", -EINVAL, "module 8 (Prepared): 'conv' is no observer; save the graph again" },
		{ "modules/Prepared/members/conv/0", "\"activation_post_process_0\"", -EINVAL, "node 'activation_post_process_0' has an observer of weights and is no layer; save the graph again" },
		{ "modules/Prepared/class", "\"ReLU\"", -EINVAL, "module 8 (ReLU): '_backend' is not as its class makes it of these options; save the graph again" },
		{ "modules/Prepared/class", "\"Sequential\"", -EINVAL, "its '_prepared' is a Sequential; save the graph again" },
		));
	fx_module_put(gm);
}

static void unsound_learners_are_refused(void **state)
{
	struct fx_module *gm = in_training("lin", 2);

	all_refused(gm, HOSTILE(
		{ "modules/PACTFakeQuantize/options/alpha", "{\"float\":\"-1\"}", -EINVAL, "module 7 (PACTFakeQuantize): alpha -1 is no largest value: it is above 0; save the graph again" },
		{ "modules/PACTFakeQuantize/members/alpha/2", "{\"tensor\":\"fc.weight\"}", -EINVAL, "module 7 (PACTFakeQuantize): 'alpha' is not as its class makes it of these options; save the graph again" },
		{ "modules/KLObserver/options/bins", "1000000", -EINVAL, "module 6 (KLObserver): bins 1000000: there are 128 to 65536 on each side of 0, an even number; save the graph again" },
		{ "modules/KLObserver/options/bins", "512", -EINVAL, "module 6 (KLObserver): 'histogram' is not as its class makes it of these options; save the graph again" },
		{ "modules/KLObserver/options/power_of_two", "true", -EINVAL, "module 7 (PACTFakeQuantize): a scale that is learned is no power of two; use FakeQuantize; save the graph again" },
		));
	fx_module_put(gm);
}

static void unsound_converted_files_are_refused(void **state)
{
	struct fx_module *gm = in_training("residual", 0), *converted;

	converted = convert_fx(gm);
	if (converted->error)
		fail_msg("%s", converted->error);
	all_refused(converted, HOSTILE(
		{ "modules/intrinsic.quantized.ConvReLU2d/members/scale/2", "{\"float\":\"-1\"}", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'scale' is no scale; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/scale/2", "1", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'scale' is no scale; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/scale/2", "null", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'zero_point' is no None, as scale is; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/zero_point/2", "1000", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'zero_point' is no zero point of its dtype; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/dtype/2", "{\"name\":\"torch.qint32\"}", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'dtype' is no type of eight bits; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/dtype/2", "{\"name\":null}", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'dtype' is no type of eight bits; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/weight/2", "{\"tensor\":\"c1.bias\"}", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'weight' is no weight of its options; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/bias/2", "{\"tensor\":\"c1.weight\"}", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'bias' is no bias of its options; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/weight_scale/2", "{\"tensor\":\"c1.weight\"}", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'weight_scale' is no scale of its weights; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/options/kernel_size", "5", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'weight' is no weight of its options; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/class", "\"intrinsic.quantized.ConvReLU1d\"", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU1d): there are no integers for a Conv1d; save the graph again" },
		));
	fx_module_put(converted);
	fx_module_put(gm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stage_comes_back),
		cmocka_unit_test(a_model_in_training_comes_back),
		cmocka_unit_test(code_of_a_program_is_found_by_name),
		cmocka_unit_test(code_that_is_not_there_is_asked_for),
		cmocka_unit_test(what_is_traced_through_needs_no_class),
		cmocka_unit_test(what_no_file_can_hold_is_not_saved),
		cmocka_unit_test(unsound_float_files_are_refused),
		cmocka_unit_test(operators_come_back),
		cmocka_unit_test(unsound_operators_are_refused),
		cmocka_unit_test(unsound_calls_of_a_program_are_refused),
		cmocka_unit_test(files_without_end_are_refused),
		cmocka_unit_test(unsound_prepared_files_are_refused),
		cmocka_unit_test(unsound_learners_are_refused),
		cmocka_unit_test(unsound_converted_files_are_refused),
	};

	return cmocka_run_group_tests_name("module_file", tests, NULL, NULL);
}
