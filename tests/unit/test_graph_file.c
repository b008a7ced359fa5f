// SPDX-License-Identifier: MIT
/*
 * test_graph_file.c - graphs in files: what comes back, and what is refused
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

#include <fxq/graph_file.h>
#include <fxq/trace.h>

#include "files/files.h"
#include "locale_kit.h"

static char error[1024];

FX_MODULE(Net,
	  module(conv, Conv2d(3, 4, 3, .padding = 1)),
	  module(bn, BatchNorm2d(4)),
	  module(lstm, LSTM(6, 2, .batch_first = true)),
	  module(fc, Linear(2, 3)))

FX_FORWARD(Net, x)
{
	x = fx_relu6(fx_call(self->bn, fx_call(self->conv, x)));
	x = fx_interpolate(fx_cat(fx_list(x, fx_mul(x, 0.1)), .dim = 2),
			   .scale_factor = 1.5);
	x = fx_getitem(fx_call(self->lstm, fx_method(x, mean, .dim = fx_tuple(1))), 0);
	return fx_tuple(fx_call(self->fc, fx_getitem(x, fx_all, -1)),
			fx_clamp(x, .min = -0.5));
}

static struct fx_graph *net(void)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fxq_tensor type = fxq_tensor_type(FXQ_DTYPE_F32, 4,
						 (int64_t[]){ 1, 3, 4, 4 });
	struct fx_module *m = fx_eval(Net());
	struct fx_graph *traced, *g;

	fx_module_fill(m, 5);
	assert_int_equal(fx_trace(m, &tracer, &traced), 0);
	if (fx_functionalize(traced, m, &g))
		fail_msg("%s", fx_graph_error(traced));
	fx_node_set_type(fx_graph_first(g), &type);
	fx_graph_first(g)->out[0].scale = 0.1f;
	fx_graph_first(g)->out[0].zero_point = -3;
	if (fx_graph_infer(g))
		fail_msg("%s", fx_graph_error(g));
	fx_graph_free(traced);
	fx_module_put(m);
	return g;
}

static void print(struct fx_graph *g, char **ret)
{
	size_t size;
	FILE *to = open_memstream(ret, &size);

	fx_graph_dump(g, to);
	fx_graph_print(g, to);
	fclose(to);
}

static struct bytes saved(struct fx_graph *g)
{
	struct bytes b;
	char path[64];

	snprintf(path, sizeof(path), "/tmp/fxq-graph-%d.fxg", (int)getpid());
	if (fx_graph_save(g, path, error, sizeof(error)))
		fail_msg("%s", error);
	assert_int_equal(file_read(path, &b), 0);
	unlink(path);
	return b;
}

static void what_was_saved_comes_back(void **state)
{
	struct fx_graph *g = net(), *again;
	struct bytes first = saved(g), second;
	fxv x = fx_gen(1, 1, 1, 3, 4, 4);
	struct fxq_tensor a[2], b[2];
	char *was, *is;

	if (fx_graph_load_memory("net.fxg", first.data, first.size, &again,
				 error, sizeof(error)))
		fail_msg("%s", error);
	print(g, &was);
	print(again, &is);
	assert_string_equal(was, is);
	assert_true(fx_graph_first(again)->out[0].scale == 0.1f);
	assert_int_equal(fx_graph_first(again)->out[0].zero_point, -3);
	second = saved(again);
	assert_int_equal(first.size, second.size);
	assert_memory_equal(first.data, second.data, first.size);

	assert_int_equal(fx_graph_run(g, NULL, fx_data(x), 1, a, 2), 0);
	assert_int_equal(fx_graph_run(again, NULL, fx_data(x), 1, b, 2), 0);
	for (int i = 0; i < 2; i++) {
		assert_memory_equal(a[i].data, b[i].data,
				    fxq_tensor_bytes(&a[i]));
		fxq_tensor_free(&a[i]);
		fxq_tensor_free(&b[i]);
	}
	fx_release(x);
	free(was);
	free(is);
	bytes_free(&first);
	bytes_free(&second);
	fx_graph_free(g);
	fx_graph_free(again);
}

/* A program has its locale, and the file has none. */
static void a_comma_stays_out_of_files(void **state)
{
	struct fx_graph *g = net(), *again = NULL;
	struct bytes first = saved(g), second = { 0 };
	bool has = comma_begin();
	int err = 0;

	if (has) {
		second = saved(g);
		err = fx_graph_load_memory("net.fxg", second.data, second.size,
					   &again, error, sizeof(error));
	}
	comma_end();
	if (has) {
		assert_int_equal(err, 0);
		assert_int_equal(first.size, second.size);
		assert_memory_equal(first.data, second.data, first.size);
		assert_true(fx_graph_first(again)->out[0].scale == 0.1f);
		fx_graph_free(again);
		bytes_free(&second);
	}
	bytes_free(&first);
	fx_graph_free(g);
	if (!has)
		comma_skip();
}

/* A dictionary of six thousand words is as many channels, each with a scale. */
static void long_lists_come_back(void **state)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, 1,
					      (int64_t[]){ 1 });
	struct fx_graph *g = fx_graph_new(), *again;
	struct fx_node *w = fx_graph_placeholder(g, "w", &t);
	const struct fx_arg *list;
	double scales[6625];
	struct bytes b;

	for (int i = 0; i < 6625; i++)
		scales[i] = i / 3.0;
	fx_node_set_kwarg(w, "scale", fx_arg_floats(g, scales, 6625));
	b = saved(g);
	if (fx_graph_load_memory("g.fxg", b.data, b.size, &again, error,
				 sizeof(error)))
		fail_msg("%s", error);
	list = fx_node_kwarg(fx_graph_first(again), "scale");
	assert_int_equal(list->count, 6625);
	for (int i = 0; i < 6625; i++)
		assert_true(list->items[i].f == scales[i]);
	bytes_free(&b);
	fx_graph_free(again);
	fx_graph_free(g);
}

static void code_is_not_saved(void **state)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_module *m = Net();
	struct fx_graph *g;

	assert_int_equal(fx_trace(m, &tracer, &g), 0);
	assert_int_equal(fx_graph_save(g, "/tmp/x.fxg", error, sizeof(error)),
			 -ENOTSUP);
	assert_string_equal(error, "/tmp/x.fxg: node 'conv' calls code of a program, which a functional graph does not hold; compile from the plugin, or save its module with fx_save()");
	fx_graph_free(g);
	fx_module_put(m);
	g = fx_graph_new();
	fx_graph_node(g, FX_GET_ATTR, "limit", NULL, NULL, 0, NULL, 0);
	assert_int_equal(fx_graph_save(g, "/tmp/x.fxg", error, sizeof(error)),
			 -ENOTSUP);
	assert_string_equal(error, "/tmp/x.fxg: node 'limit' is a member of a model; make the graph functional first, or save its module with fx_save()");
	fx_graph_free(g);
}

/* What JSON cannot say is not left out of the file. */
static void text_that_is_none_is_not_saved(void **state)
{
	struct fx_arg bad = fx_arg_str("\xff");
	const struct fx_kwarg modes[] = {
		{ "mode", bad },
		{ "mode", { .kind = FX_ARG_TUPLE, .count = 1,
			    .items = &bad } },
		{ "\xff", fx_arg_int(1) },
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		struct fx_graph *g = fx_graph_new();
		struct fx_node *x = fx_graph_placeholder(g, "x", NULL);

		fx_graph_call(g, "relu", &x, 1, &modes[i], 1);
		assert_int_equal(fx_graph_save(g, "/tmp/x.fxg", error,
					       sizeof(error)), -EINVAL);
		assert_string_equal(error, "/tmp/x.fxg: node 'relu' has text that is no UTF-8; rename it");
		fx_graph_free(g);
	}
}

#define NODE(opcode, name, target, args, kwargs, out)	\
	"{\"opcode\":\"" opcode "\",\"name\":\"" name "\",\"target\":\"" target "\",\"args\":" args ",\"kwargs\":" kwargs ",\"out\":" out "}"
#define F32	"[{\"dtype\":\"float32\",\"dims\":[2]}]"
#define X	NODE("placeholder", "x", "x", "[]", "{}", F32)
#define RELU(args, kwargs)	NODE("call_function", "relu", "relu", args, kwargs, F32)
#define TYPED(how)	NODE("placeholder", "x", "x", "[]", "{}", "[{\"dtype\":\"int8\",\"dims\":[]," how "}]")
#define BAD_QPARAMS	"net.fxg: node 'x' has a scale or a zero point that eight bits cannot have; save the graph again"
#define GRAPH(nodes)	"{\"version\":1,\"nodes\":[" nodes "]}"

static void unsound_files_are_refused(void **state)
{
	static const struct {
		const char *note;
		int err;
		const char *why;
	} files[] = {
		{ "[", -EINVAL, "net.fxg: it has tensors and no graph; save one with fx_graph_save() or fx_save()" },
		{ "{\"version\":2,\"nodes\":[]}", -ENOTSUP, "net.fxg: it holds a graph module; load it with fx_load()" },
		{ "{\"version\":3,\"nodes\":[]}", -ENOTSUP, "net.fxg: it is of version 3 and this reads 1 to 2; save the graph again" },
		{ "{\"version\":1}", -EINVAL, "net.fxg: it has no list of nodes; save the graph again" },
		{ GRAPH("{}"), -EINVAL, "net.fxg: node 0 has no name or no target; save the graph again" },
		{ GRAPH(X "," X), -EINVAL, "net.fxg: node 'x' has a name that another has, or that is none; save the graph again" },
		{ GRAPH(NODE("call_module", "m", "m", "[]", "{}", F32)), -EINVAL, "net.fxg: node 'm' is of a kind that no functional graph has; save the graph again" },
		{ GRAPH(NODE("call_function", "f", "system", "[]", "{}", F32)), -ENOTSUP, "net.fxg: node 'f' is of operator 'system', which fxq does not have" },
		{ GRAPH(X "," RELU("[{\"node\":1}]", "{}")), -EINVAL, "net.fxg: node 'relu' takes what is no node before it; save the graph again" },
		{ GRAPH(X "," RELU("[{\"node\":-1}]", "{}")), -EINVAL, "net.fxg: node 'relu' takes what is no node before it; save the graph again" },
		{ GRAPH(X "," RELU("[1.5]", "{}")), -EINVAL, "net.fxg: node 'relu' has an argument of an unknown kind; save the graph again" },
		{ GRAPH(X "," RELU("[{\"float\":\"1x\"}]", "{}")), -EINVAL, "net.fxg: node 'relu' has a number that is none; save the graph again" },
		{ GRAPH(X "," RELU("[{\"slice\":[1]}]", "{}")), -EINVAL, "net.fxg: node 'relu' has a sequence that is none; save the graph again" },
		{ GRAPH(X "," RELU("[{\"tuple\":[{\"tuple\":[{\"tuple\":[{\"tuple\":[{\"tuple\":[{\"tuple\":[{\"tuple\":[{\"tuple\":[]}]}]}]}]}]}]}]}]", "{}")), -EINVAL, "net.fxg: node 'relu' has a sequence that is none; save the graph again" },
		{ GRAPH(X "," RELU("[{\"node\":0}]", "[]")), -EINVAL, "net.fxg: node 'relu' has no keyword arguments, or too many; save the graph again" },
		{ GRAPH(NODE("placeholder", "x", "x", "[]", "{}", "[]")), -EINVAL, "net.fxg: node 'x' does not say the types of its results; save the graph again" },
		{ GRAPH(NODE("placeholder", "x", "x", "[]", "{}", "[{\"dtype\":\"float8\",\"dims\":[]}]")), -EINVAL, "net.fxg: node 'x' has a type that no tensor has; save the graph again" },
		{ GRAPH(NODE("placeholder", "x", "x", "[]", "{}", "[{\"dtype\":\"float32\",\"dims\":[-1]}]")), -EINVAL, "net.fxg: node 'x' has a shape that no tensor has; save the graph again" },
		{ GRAPH(NODE("placeholder", "x", "x", "[]", "{}", "[{\"dtype\":\"float32\",\"dims\":[4294967296,4294967296]}]")), -EINVAL, "net.fxg: node 'x' has a shape that no tensor has; save the graph again" },
		{ GRAPH(TYPED("\"scale\":{\"float\":\"nan\"}")), -EINVAL, BAD_QPARAMS },
		{ GRAPH(TYPED("\"scale\":{\"float\":\"-0x1p+0\"}")), -EINVAL, BAD_QPARAMS },
		{ GRAPH(TYPED("\"scale\":{\"float\":\"0x1p-127\"}")), -EINVAL, BAD_QPARAMS },
		{ GRAPH(TYPED("\"scale\":{\"float\":\"0x1p+128\"}")), -EINVAL, BAD_QPARAMS },
		{ GRAPH(TYPED("\"zero_point\":4294967296")), -EINVAL, BAD_QPARAMS },
		{ GRAPH(TYPED("\"zero_point\":\"1\"")), -EINVAL, BAD_QPARAMS },
		{ GRAPH(NODE("get_attr", "w", "w", "[]", "{}", F32)), -EINVAL, "net.fxg: node 'w' is a constant whose tensor is not there; save the graph again" },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct tensors t = { .note = (char *)files[i].note };
		struct fx_graph *g;
		struct bytes b;

		assert_int_equal(safetensors_format("net.fxg", &t, &b), 0);
		assert_int_equal(fx_graph_load_memory("net.fxg", b.data, b.size,
						      &g, error, sizeof(error)),
				 files[i].err);
		assert_string_equal(error, files[i].why);
		bytes_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_saved_comes_back),
		cmocka_unit_test(a_comma_stays_out_of_files),
		cmocka_unit_test(long_lists_come_back),
		cmocka_unit_test(code_is_not_saved),
		cmocka_unit_test(text_that_is_none_is_not_saved),
		cmocka_unit_test(unsound_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
