// SPDX-License-Identifier: MIT
/*
 * cmd_infer.c - runs an image and shows or saves what comes out
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer.h"

enum {
	KEY_LABELS = OPTION_OWN, KEY_TOP, KEY_TRAIN, KEY_EVAL, KEY_COUNT,
};

struct args {
	struct options o;
	const char *image, *file, *labels;
	const char *inputs[MAX_INPUTS];
	size_t n_inputs;
	const char *outputs[MAX_OUTPUTS];
	size_t n_outputs;
	uint64_t top, count;
	enum mode mode;
};

static const struct argp_option options[] = {
	{ "input", 'i', "[NAME=]@FILE", 0,
	  "npy, npz, idx, .pb, picture, raw; - is stdin", 1 },
	{ "output", 'o', "[NAME=]@FILE", 0,
	  "Save as .npy, .npz, .json, .raw; - is npy on stdout", 2 },
	{ "labels", KEY_LABELS, "FILE", 0, "Names of classes, one a line", 3 },
	{ "top", KEY_TOP, "N", 0, "Classes to show (5)", 4 },
	{ "count", KEY_COUNT, "N", 0, "Samples to run (all)", 5 },
	{ "train", KEY_TRAIN, NULL, 0, "Mode that wrapped methods see", 6 },
	{ "eval", KEY_EVAL, NULL, OPTION_ALIAS },
	{ 0 }
};

static void add_argument(struct args *a, char *arg, struct argp_state *state)
{
	if (!a->image)
		a->image = arg;
	else if (!a->file)
		a->file = arg;
	else
		argp_error(state, "one file at a time: '%s' is the second; many go into a folder or an npy file",
			   arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(&a->o, state);
		a->top = 5;
		return 0;
	case 'i':
		if (a->n_inputs == MAX_INPUTS)
			argp_error(state, "--input may be given %d times",
				   MAX_INPUTS);
		a->inputs[a->n_inputs++] = arg;
		return 0;
	case 'o':
		if (a->n_outputs == MAX_OUTPUTS)
			argp_error(state, "--output may be given %d times",
				   MAX_OUTPUTS);
		a->outputs[a->n_outputs++] = arg;
		return 0;
	case KEY_LABELS:
		a->labels = arg;
		return 0;
	case KEY_TOP:
		a->top = parse_number(state, "--top", arg, 1, 1000);
		return 0;
	case KEY_COUNT:
		a->count = parse_number(state, "--count", arg, 1, UINT32_MAX);
		return 0;
	case KEY_TRAIN:
		a->mode = MODE_TRAIN;
		return 0;
	case KEY_EVAL:
		a->mode = MODE_EVAL;
		return 0;
	case ARGP_KEY_ARG:
		add_argument(a, arg, state);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which image? Give a .fxq file");
		return 0;
	case ARGP_KEY_END:
		if (a->image && !a->file && !a->n_inputs)
			argp_error(state, "on what? Give a picture or a tensor file, or --input");
		if (a->file && a->n_inputs)
			argp_error(state, "'%s' and --input both say what the input is",
				   a->file);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &device_argp }, { &common_argp }, { NULL }
};

static const struct argp argp = {
	options, parse, "IMAGE.fxq [FILE]",
	"Runs an image on a picture, a tensor file or a folder of them."
	"\vFor example:\n  fxq-run infer net.fxq cat.png --labels names.txt",
	children, help_filter
};

/* Splits "[NAME=][@]FILE"; the index of the NAME among @names, or -1. */
static int split(const char *text, char *const *names, size_t n,
		 const char **file)
{
	int found = -1;

	*file = text;
	for (size_t i = 0; i < n && found < 0; i++) {
		size_t len = strlen(names[i]);

		if (!strncmp(text, names[i], len) && text[len] == '=') {
			*file = text + len + 1;
			found = i;
		}
	}
	if ((*file)[0] == '@')
		++*file;
	return found;
}

/* Refuses "NAME=@FILE" if NAME is none of @names: it is no file's name. */
static int check_name(const char *option, const char *text,
		      char *const *names, size_t n)
{
	const char *end = strstr(text, "=@"), *file;

	if (!end || split(text, names, n, &file) >= 0)
		return TOOL_OK;
	return complain(TOOL_USAGE, "%s %s: the network has no '%.*s' there; its first is '%s', fxq-run info lists all",
			option, text, (int)(end - text), text,
			n ? names[0] : "");
}

/* Opens what --input says: a file for all inputs, or one for each. */
static int open_inputs(const struct args *a, const struct feed_inputs *in,
		       struct feed **ret)
{
	const char *each[MAX_INPUTS] = { NULL }, *file;
	int code = TOOL_OK;

	for (size_t i = 0; !code && i < a->n_inputs; i++)
		code = check_name("--input", a->inputs[i], in->name, in->n);
	if (code)
		return code;
	if (a->n_inputs > in->n)
		return complain(TOOL_USAGE, "%s: it has %zu inputs and --input is given %zu times",
				a->image, in->n, a->n_inputs);
	if (a->n_inputs == 1 && (in->n == 1 ||
	    split(a->inputs[0], in->name, in->n, &file) < 0)) {
		split(a->inputs[0], in->name, in->n, &file);
		return feed_open(file, in, a->o.seed, ret);
	}
	for (size_t i = 0; i < a->n_inputs; i++) {
		int k = split(a->inputs[i], in->name, in->n, &file);

		if (k < 0)
			return complain(TOOL_USAGE, "--input %s: it begins with no input's name and '='; the inputs are listed by fxq-run info",
					a->inputs[i]);
		each[k] = file;
	}
	for (size_t k = 0; k < in->n; k++)
		if (!each[k])
			return complain(TOOL_USAGE, "input '%s' is missing; give --input %s=@FILE",
					in->name[k], in->name[k]);
	return feed_open_each(each, in, ret);
}

/* Runs sample @i; *@ret has room for the network's outputs. */
static int run_one(struct runner *r, const struct feed *f, size_t i,
		   struct fxq_tensor *sample, struct run *ret)
{
	struct fxq_io *io = r->io;
	struct fxq_completion done;
	int err;

	err = feed_get(f, i, sample);
	if (err)
		return complain_io(err);
	err = fxq_run_timed(r->prog, sample, io->out, &done);
	if (err)
		return complain(TOOL_DEVICE, "%s", fxq_error());
	ret->cycles = done.cycles;
	ret->ns = done.ns;
	for (uint32_t k = 0; k < io->n_out; k++) {
		err = tensor_convert("output", &io->out[k], io->out[k].dtype,
				     &ret->out[k]);
		if (err)
			return complain_io(err);
		ret->out[k].scale = io->out[k].scale;
		ret->out[k].zero_point = io->out[k].zero_point;
	}
	return TOOL_OK;
}

static int run_all(struct runner *r, const struct feed *f,
		   const struct feed_inputs *in, struct results *res)
{
	struct fxq_tensor *sample = sample_new(in);
	int code = TOOL_OK;

	if (!sample)
		return complain_io(io_fail_memory("inputs"));
	progress_begin("running", res->n_runs);
	for (size_t i = 0; !code && i < res->n_runs; i++) {
		code = run_one(r, f, i, sample, &res->runs[i]);
		progress_at(i + 1);
	}
	progress_end();
	sample_free(sample, in->n);
	return code;
}

static int show(const struct args *a, struct results *res)
{
	struct list labels = { 0 };
	int code = TOOL_OK;

	for (size_t i = 0; !code && i < a->n_outputs; i++) {
		const char *file;
		int k = split(a->outputs[i], res->name, res->n_out, &file);

		code = save_output(res, k, file);
	}
	if (code || (a->n_outputs && !a->labels && !a->o.json))
		return code;
	if (a->labels)
		code = read_labels(a->labels, &labels);
	if (!code && a->o.json)
		code = print_json(results_json(res, &labels, a->top));
	else if (!code)
		print_results(res, &labels, a->top);
	list_free(&labels);
	return code;
}

static int infer(const struct args *a, struct fxq_image *image,
		 const struct feed_inputs *in, struct feed *f)
{
	const struct fxq_device_config config = { .threads = a->o.threads };
	const struct fxq_program_config program = {
		.slots = 1, .threads = a->o.threads
	};
	struct results res;
	struct runner r;
	size_t n = feed_count(f) == SIZE_MAX ? 1 : feed_count(f);
	int code;

	code = results_init(&res, image, a->count && a->count < n ? a->count : n);
	if (code)
		return code;
	/* Before the run, which may be long. */
	for (size_t i = 0; !code && i < a->n_outputs; i++)
		code = check_name("--output", a->outputs[i], res.name,
				  res.n_out);
	if (!code)
		code = runner_open(image, a->o.device, &config, &program, &r);
	if (!code) {
		if (a->mode != MODE_DEFAULT)
			fxq_program_train(r.prog, a->mode == MODE_TRAIN);
		/* What functions print is theirs, but JSON stays JSON. */
		if (a->o.json)
			stdout_away();
		code = run_all(&r, f, in, &res);
		stdout_back();
		runner_close(&r);
	}
	if (!code)
		code = show(a, &res);
	results_finish(&res);
	return code;
}

int cmd_infer(int argc, char **argv)
{
	struct args a = { 0 };
	struct fxq_image *image;
	struct feed_inputs in;
	struct feed *f;
	int code;

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	code = image_open(a.image, &image);
	if (code)
		return code;
	code = feed_inputs_of_image(image, &in);
	if (!code) {
		code = a.file ? feed_open(a.file, &in, a.o.seed, &f) :
				open_inputs(&a, &in, &f);
		if (!code) {
			code = infer(&a, image, &in, f);
			feed_close(f);
		}
		feed_inputs_free(&in);
	}
	fxq_image_close(image);
	return code;
}
