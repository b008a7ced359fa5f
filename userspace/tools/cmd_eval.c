// SPDX-License-Identifier: MIT
/*
 * cmd_eval.c - how often a network is right, in int8 and in floating point
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define FASHION_MNIST	"/usr/share/datasets/fashion-mnist/"

enum {
	KEY_MODEL = OPTION_OWN, KEY_DATA, KEY_LABELS, KEY_FASHION, KEY_COUNT,
	KEY_WITHIN,
};

struct args {
	struct options o;
	const char *network, *model, *data, *labels;
	uint64_t count;
	double within;
};

static const struct argp_option options[] = {
	{ "data", KEY_DATA, "DATA", 0,
	  "Folder with one folder a class, npy, npz, idx", 1 },
	{ "images", KEY_DATA, NULL, OPTION_ALIAS | OPTION_HIDDEN },
	{ "labels", KEY_LABELS, "FILE", 0, "Classes as npy or idx", 2 },
	{ "fashion-mnist", KEY_FASHION, NULL, 0,
	  "Debian's dataset-fashion-mnist, test half", 3 },
	{ "model", KEY_MODEL, "MODEL", 0,
	  "The float network to put beside the image", 4 },
	{ "count", KEY_COUNT, "N", 0, "Samples (all)", 5 },
	{ "within", KEY_WITHIN, "POINTS", 0,
	  "Exit 1 if int8 is further below float than this", 6 },
	{ 0 }
};

static void check_args(const struct args *a, struct argp_state *state)
{
	if (!a->data)
		argp_error(state, "labelled data are missing: give --data, or --fashion-mnist");
	if (a->within >= 0 && !a->model)
		argp_error(state, "--within needs the float network: give --model");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(&a->o, state);
		a->within = -1;
		return 0;
	case KEY_MODEL:
		a->model = arg;
		return 0;
	case KEY_DATA:
		a->data = arg;
		return 0;
	case KEY_LABELS:
		a->labels = arg;
		return 0;
	case KEY_FASHION:
		a->data = FASHION_MNIST "t10k-images-idx3-ubyte.gz";
		a->labels = FASHION_MNIST "t10k-labels-idx1-ubyte.gz";
		return 0;
	case KEY_COUNT:
		a->count = parse_number(state, "--count", arg, 1, UINT32_MAX);
		return 0;
	case KEY_WITHIN:
		a->within = strtod(arg, &end);
		if (end == arg || *end || !(a->within >= 0))
			argp_error(state, "--within needs percentage points such as 0.1, not '%s'",
				   arg);
		return 0;
	case ARGP_KEY_ARG:
		if (a->network)
			argp_error(state, "one network at a time: '%s' is the second",
				   arg);
		a->network = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which network? Give an image or a model");
		return 0;
	case ARGP_KEY_END:
		if (a->network)
			check_args(a, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &model_argp }, { &picture_argp }, { &device_argp }, { &common_argp },
	{ NULL }
};

static const struct argp argp = {
	options, parse, "IMAGE.fxq|MODEL",
	"Counts right answers on labelled data."
	"\v  fxq-run eval net.fxq --model net.onnx --data test/",
	children, help_filter
};

struct result {
	bool has_int8, has_float;
	double int8_top1, float_top1, same;	/* percent */
	double images_per_s, float_images_per_s;
	double cycles_per_image, utilization;
	uint64_t images;
};

static int eval_image(const struct args *a, struct fxq_image *image,
		      struct answers *int8, struct result *r)
{
	struct fxq_image_info info;
	size_t n = answers_items(int8);
	int code;

	code = answers_of_image(image, a->o.device, a->o.threads, int8);
	if (code)
		return code;
	fxq_image_info(image, &info);
	r->has_int8 = true;
	r->images = n;
	r->int8_top1 = percent_right(int8);
	r->images_per_s = n / int8->seconds;
	r->cycles_per_image = (double)int8->cycles / n;
	r->utilization = utilization(info.macs_device * int8->count,
				     int8->cycles);
	return TOOL_OK;
}

static int eval_graph(const struct args *a, const struct fx_graph *g,
		      struct answers *flt, struct result *r)
{
	int code = answers_of_graph(g, a->o.threads, flt);

	if (code)
		return code;
	r->has_float = true;
	r->images = answers_items(flt);
	r->float_top1 = percent_right(flt);
	r->float_images_per_s = r->images / flt->seconds;
	return TOOL_OK;
}

static int print_as_json(const struct result *r, const char *name)
{
	json_t *o = json_pack("{s:o, s:I}", "name", json_text(name), "images",
			      (json_int_t)r->images);

	if (r->has_float)
		json_object_update_new(o, json_pack("{s:f, s:f}",
			"float_top1", r->float_top1,
			"float_images_per_s", r->float_images_per_s));
	if (r->has_int8)
		json_object_update_new(o, json_pack("{s:f, s:f, s:f, s:f}",
			"int8_top1", r->int8_top1,
			"images_per_s", r->images_per_s,
			"cycles_per_image", r->cycles_per_image,
			"utilization", r->utilization));
	if (r->has_float && r->has_int8)
		json_object_set_new(o, "same_answer", json_real(r->same));
	return print_json(o);
}

static void print_text(const struct result *r, const char *name)
{
	printf("%s: %" PRIu64 " images\n", plain(name), r->images);
	if (r->has_float)
		printf("  float  %6.2f %% right, %.0f samples/s on this CPU\n",
		       r->float_top1, r->float_images_per_s);
	if (r->has_int8)
		printf("  int8   %6.2f %% right, %.0f samples/s simulated, %.0f cycles a sample at %.1f %% of the MAC array\n",
		       r->int8_top1, r->images_per_s, r->cycles_per_image,
		       100 * r->utilization);
	if (r->has_int8 && r->has_float)
		printf("  both give the same answer for %.2f %%\n", r->same);
}

static int judge(const struct args *a, const struct result *r)
{
	/* In hundredths of a point, so that 0.1 means ten of 10,000. */
	if (a->within < 0 ||
	    r->float_top1 - r->int8_top1 <= a->within + 1e-9)
		return TOOL_OK;
	return complain(TOOL_DIFFERS,
			"int8 is %.2f points below float, more than the %g of --within; calibrate with more typical data, or another --observer",
			r->float_top1 - r->int8_top1, a->within);
}

static int open_model(const struct args *a, struct model *m)
{
	int code = model_open(a->model, &a->o, m);

	if (code || !m->module || !is_integer(m->graph))
		return code;
	return complain(TOOL_USAGE, "%s: on integers it has no floats to count; compile it and give the image, or give the model that it came from",
			a->model);
}

/* Whichever of image and model is not NULL. */
static int eval(const struct args *a, struct fxq_image *image,
		const struct model *m, const char *name)
{
	struct feed_inputs in = { 0 };
	struct feed *f = NULL;
	struct answers int8 = { 0 }, flt = { 0 };
	struct result r = { 0 };
	int code;

	code = image ? feed_inputs_of_image(image, &in) :
		       feed_inputs_of_graph(m->graph, &a->o.pictures, &in);
	if (!code)
		code = feed_open(a->data, &in, 0, &f);
	if (!code && a->labels)
		code = feed_read_labels(f, a->labels);
	if (!code && feed_label(f, 0) < 0)
		code = complain(TOOL_USAGE, "%s: its samples have no classes; give --labels, or a folder for each class",
				a->data);
	if (!code && m) {
		code = answers_init(&flt, f, &in, a->count);
		if (!code)
			code = eval_graph(a, m->graph, &flt, &r);
	}
	if (!code && image) {
		code = answers_init(&int8, f, &in, a->count);
		if (!code)
			code = eval_image(a, image, &int8, &r);
	}
	if (!code) {
		if (m && image)
			r.same = percent_same(flt.answer, int8.answer,
					      r.images);
		if (a->o.json)
			code = print_as_json(&r, name);
		else
			print_text(&r, name);
	}
	if (!code)
		code = judge(a, &r);
	free(flt.answer);
	free(int8.answer);
	feed_close(f);
	feed_inputs_free(&in);
	return code;
}

static bool is_model(const char *path)
{
	return ends_with(path, ".onnx") || is_plugin(path) || is_saved(path);
}

int cmd_eval(int argc, char **argv)
{
	struct args a = { 0 };
	struct fxq_image *image = NULL;
	struct fxq_image_info info;
	struct model m = { 0 };
	bool model_alone;
	int code = TOOL_OK;

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	model_alone = is_model(a.network);
	if (model_alone)
		a.model = a.network;
	else
		code = image_open(a.network, &image);
	if (!code && a.model)
		code = open_model(&a, &m);
	if (!code) {
		if (image)
			fxq_image_info(image, &info);
		code = eval(&a, image, a.model ? &m : NULL,
			    image ? info.name : m.name);
	}
	model_close(&m);
	fxq_image_close(image);
	return code;
}
