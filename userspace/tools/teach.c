// SPDX-License-Identifier: MIT
/*
 * teach.c - what train and qat do, once their arguments are read
 *
 * The model is opened and must be one that can learn; what it has learned is
 * written down, and with --json the numbers of each epoch are printed.
 */
#include <inttypes.h>
#include <stdlib.h>

#include <fxq/state.h>

#include "train.h"

/* Data with a class for each sample. */
static int open_data(const char *data, const char *labels,
		     const struct feed_inputs *in, struct feed **ret)
{
	int code;

	code = feed_open(data, in, 0, ret);
	if (!code && labels)
		code = feed_read_labels(*ret, labels);
	if (!code && feed_label(*ret, 0) < 0)
		code = complain(TOOL_USAGE, "%s: its samples have no classes; give a file of them, or a folder for each class",
				data);
	return code;
}

static int check_model(const struct train_args *a, const struct model *m,
		       const struct feed_inputs *in)
{
	char text[TYPE_TEXT_MAX];

	if (a->has_qconfig && is_prepared(m->module))
		return complain(TOOL_USAGE, "%s: it is prepared, and has its qconfig; leave --qconfig away, or give the float model",
				a->network);
	if (is_integer(m->graph) || (!a->quantized && is_prepared(m->module)))
		return complain(TOOL_USAGE, "%s: it is %s; give the float model",
				a->network, is_prepared(m->module) ?
				"prepared, which is trained by qat" :
				"on integers, which do not learn");
	if (!a->quantized && is_quantized(m->graph))
		return complain(TOOL_USAGE, "%s: it is quantized, and another network without its rounding; train it on with qat, or give the float model",
				a->network);
	if (in->n != 1 || in->type[0].rank != 4 || in->type[0].dims[0] != 1 ||
	    in->type[0].dtype != FXQ_DTYPE_F32)
		return complain(TOOL_UNSUPPORTED, "%s: it takes %s, and is trained with one float32 input of 1xCxHxW",
				a->network, in->n == 1 ?
				type_text(&in->type[0], text) :
				"several inputs");
	return TOOL_OK;
}

/* What black has become. */
static void set_fill(struct fx_augment *a, const struct feed_inputs *in)
{
	for (int c = 0; c < 4 && in->has_pre; c++)
		a->fill[c] = -in->pre.mean[c] / in->pre.std[c];
}

static int64_t count_parameters(struct fx_module *m)
{
	struct fx_tape *tape = fx_tape_new(m, 1);
	const struct fx_parameter *p;
	int64_t count = 0;
	size_t n;

	p = fx_tape_parameters(tape, &n);
	for (size_t i = 0; i < n; i++)
		count += fxq_tensor_count(p[i].value);
	fx_tape_free(tape);
	return count;
}

static json_t *json_percent(double v)
{
	return v < 0 ? json_null() : json_number(v);
}

static int print_as_json(const struct lesson *l, const struct epoch *epochs,
			 size_t n, const struct outcome *o)
{
	json_t *list = json_array(), *all;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o}",
			"loss", json_number(epochs[i].loss),
			"train_top1", json_number(epochs[i].train_top1),
			"test_top1", json_percent(epochs[i].test_top1),
			"seconds", json_number(epochs[i].seconds)));
	all = json_pack("{s:I, s:o}", "parameters",
			(json_int_t)count_parameters(l->model), "epochs", list);
	if (l->original)
		json_object_update_new(all, json_pack("{s:o, s:o, s:o, s:o}",
			"float_top1", json_percent(o->float_top1),
			"calibrated_top1", json_percent(o->calibrated_top1),
			"int8_top1", json_percent(o->int8_top1),
			"same_answer", json_percent(o->same)));
	return print_json(all);
}

/* The model with its graph, as it was traced before it learned. */
static int write_module(const struct train_args *a, const struct lesson *l,
			const struct model *m)
{
	struct fx_module *gm = l->model->graph ? fx_module_get(l->model) :
		fx_graph_module(l->model, fx_graph_copy(m->traced));
	int code = saved_write(gm, l->in, a->output);

	fx_module_put(gm);
	return code;
}

static int write_weights(const struct train_args *a, const struct lesson *l,
			 const struct model *m)
{
	char error[2048];
	int err;

	if (is_saved(a->output))
		return write_module(a, l, m);
	err = fx_save_state(l->model, a->output, error, sizeof(error));
	return err ? complain(TOOL_OUTPUT, "%s", error) : TOOL_OK;
}

/* Integers from what was learned: written down, tested, or both. */
static int write_image(const struct train_args *a, const struct lesson *l,
		       const struct model *m, struct outcome *o)
{
	struct bytes image = { 0 };
	int code = qat_image(l, m, &image);

	if (!code && a->output && is_saved(a->output))
		code = write_module(a, l, m);
	else if (!code && a->output &&
		 file_write(a->output, image.data, image.size))
		code = complain(TOOL_OUTPUT, "%s", io_error());
	if (!code && l->test)
		code = qat_test(l, &image, o);
	bytes_free(&image);
	if (!code && l->test && !l->quiet)
		printf("integers: %.2f %% of the test data, %s %.2f %%, the same answer to %.2f %%\n",
		       o->int8_top1, l->file ? "the file" : "float",
		       o->float_top1, o->same);
	return code;
}

static int run(struct train_args *a, struct lesson *l, const struct model *m,
	       struct outcome *o)
{
	struct epoch *epochs = calloc(a->r.epochs + 1, sizeof(*epochs));
	size_t n = 0;
	int code;

	if (!epochs)
		return complain_io(io_fail_memory("epochs"));
	if (!l->quiet)
		printf("%" PRId64 " parameters, %zu samples\n",
		       count_parameters(l->model), feed_count(l->train));
	fflush(stdout);
	code = train(l, &a->r, epochs, &n, o);
	if (!code && a->quantized)
		code = write_image(a, l, m, o);
	else if (!code && a->output)
		code = write_weights(a, l, m);
	if (!code && a->o.json)
		code = print_as_json(l, epochs, n, o);
	free(epochs);
	return code;
}

static int give_lesson(struct train_args *a, struct lesson *l,
		       const struct model *m)
{
	struct outcome o = { NULL, -1, -1, -1, -1 };
	int code;

	if (!a->quantized)
		return run(a, l, m, &o);
	code = qat_prepare(l, &a->qconfig);
	if (code)
		return code;
	if (l->test)
		o.float_answers = calloc(feed_count(l->test) + 1,
					 sizeof(*o.float_answers));
	code = l->test && !o.float_answers ?
	       complain_io(io_fail_memory("answers")) : run(a, l, m, &o);
	free(o.float_answers);
	fx_module_put(l->model);
	if (l->original != m->module)
		fx_module_put(l->original);
	return code;
}

int teach(struct train_args *a)
{
	struct feed *data = NULL, *test = NULL;
	struct feed_inputs in = { 0 };
	struct model m = { 0 };
	int code;

	/* The plugin's constructor draws the weights. */
	fx_manual_seed(a->r.seed);
	code = model_open(a->network, &a->o, &m);
	if (!code)
		code = feed_inputs_of_graph(m.graph, &a->o.pictures, &in);
	if (!code)
		code = check_model(a, &m, &in);
	if (!code)
		code = model_need_module(&m);
	if (!code && a->output && is_saved(a->output))
		code = saved_check(&m, a->output);
	if (!code)
		code = open_data(a->data, a->labels, &in, &data);
	if (!code && a->test)
		code = open_data(a->test, a->test_labels, &in, &test);
	if (!code) {
		struct lesson l = {
			.model = m.module, .in = &in, .train = data,
			.test = test, .threads = a->o.threads,
			.quiet = a->o.json,
			.file = is_quantized(m.graph) ? m.graph : NULL,
		};

		set_fill(&a->r.augment, &in);
		code = give_lesson(a, &l, &m);
	}
	feed_close(test);
	feed_close(data);
	feed_inputs_free(&in);
	model_close(&m);
	return code;
}
