/* SPDX-License-Identifier: MIT */
/*
 * module_file_kit.h - graph modules to save, and how they get to a file and back
 *
 * Networks that torch quantized, a program with classes and functions of its own,
 * and what an importer makes.
 */
#ifndef TEST_MODULE_FILE_KIT_H
#define TEST_MODULE_FILE_KIT_H

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
#include <fxq/quantize_fx.h>

#include "quant_nets.h"
#include "files/files.h"
#include "nn/nn_priv.h"

static char error[2048];

/* Files */

static inline struct bytes saved(struct fx_module *gm)
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

static inline struct fx_module *loaded(const struct bytes *b,
				       const struct fx_load_options *options)
{
	struct fx_module *gm;

	if (fx_load_memory("net.fxg", b->data, b->size, options, &gm, error,
			   sizeof(error)))
		fail_msg("%s", error);
	assert_string_equal(error, "");
	return gm;
}

static inline char *printed(const struct fx_module *gm)
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

static inline void assert_same_print(const struct fx_module *a,
				     const struct fx_module *b)
{
	char *x = printed(a), *y = printed(b);

	assert_string_equal(x, y);
	free(x);
	free(y);
}
static inline void refused(const struct bytes *b,
			   const struct fx_load_options *options, int want,
			   const char *sentence)
{
	struct fx_module *gm = NULL;

	assert_int_equal(fx_load_memory("net.fxg", b->data, b->size, options,
					&gm, error, sizeof(error)), want);
	assert_string_equal(error, sentence);
	assert_null(gm);
}
static inline struct fx_module *traced(struct fx_module *m)
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


static inline struct fx_module_qconfig qconfig_of(int i, bool qat)
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

static inline void run(struct fx_module *gm,
		       const struct golden_quant_net *net, uint32_t seed)
{
	fxv x = fx_gen_of(seed, 1, net->dims), y = fx_call(gm, x);

	if (fx_error(y))
		fail_msg("%s: %s", net->name, fx_error(y));
	fx_release(y);
	fx_release(x);
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
FX_MODULE(Plain,
	  module(inner, Inner()),
	  module(list, Sequential(Conv2d(4, 4, 1, .bias = false),
				  BatchNorm2d(4), ReLU())))

FX_FORWARD(Plain, x, (scale, FX_FLOAT(1.5)))
{
	return fx_pow(fx_call(self->list, fx_call(self->inner, x)), scale);
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

static inline struct fx_node *weights(struct fx_graph *g, int channels)
{
	fxv w = fx_gen(3, 0.3, channels, channels, 3, 3);
	struct fx_node *n = fx_graph_constant(g, "w", fx_data(w));

	fx_release(w);
	return n;
}

static inline struct fx_node *padded(struct fx_graph *g, struct fx_node *x,
				     int channels, int64_t end)
{
	return fx_graph_call(g, "conv2d", IN(x, weights(g, channels)),
			     WITH({ "stride", INTS(g, 1, 1) },
				  { "padding", INTS(g, 1, 1, end, end) },
				  { "dilation", INTS(g, 1, 1) },
				  { "groups", fx_arg_int(1) }));
}

static inline struct fx_node *gathered(struct fx_graph *g, struct fx_node *x)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_I64, 1,
					      (const int64_t[]){ 3 });

	t.data = (int64_t[]){ 2, 0, 1 };
	return fx_graph_call(g, "gather", IN(x, fx_graph_constant(g, "i", &t)),
			     WITH({ "dim", fx_arg_int(1) }));
}

/*
 * Convolutions, one of them padded more at its ends; and what is no module: a split
 * of two results, a gather, and a ReLU with a threshold.
 */
static inline struct fx_module *imported(void)
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

#endif /* TEST_MODULE_FILE_KIT_H */
