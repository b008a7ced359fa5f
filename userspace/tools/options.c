// SPDX-License-Identifier: MIT
/*
 * options.c - options that several commands take
 *
 * Each group is an argp of its own, which commands name as children. All
 * parse into the struct options that a command's arguments begin with.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

enum {
	KEY_THREADS = OPTION_SHARED, KEY_DEVICE, KEY_PLUGIN, KEY_SEED, KEY_SHAPE,
	KEY_TRAIN, KEY_EVAL, KEY_MEAN, KEY_STD, KEY_RANGE, KEY_SIZE,
	KEY_ORDER, KEY_LAYOUT, KEY_COUNT, KEY_OBSERVER, KEY_SCALES,
	KEY_SAVE_SCALES, KEY_WEIGHTS,
};

void options_init(struct options *o, struct argp_state *state)
{
	const struct argp_child *child = state->root_argp->children;
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	o->threads = n < 1 ? 1 : n > 64 ? 64 : n;
	o->pictures.white = 1;
	o->pictures.order = -1;
	o->pictures.nhwc = -1;
	for (size_t i = 0; child && child[i].argp; i++)
		state->child_inputs[i] = o;
}

char *help_filter(int key, const char *text, void *input)
{
	/* That an argument of a long option is one of the short, too. */
	return key == ARGP_KEY_HELP_DUP_ARGS_NOTE ? NULL : (char *)text;
}

uint64_t parse_number(struct argp_state *state, const char *option,
		      const char *text, uint64_t lo, uint64_t hi)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || v < lo || v > hi)
		argp_error(state, "%s needs a number from %llu to %llu, not '%s'",
			   option, (unsigned long long)lo,
			   (unsigned long long)hi, text);
	return v;
}

int parse_choice(struct argp_state *state, const char *option,
		 const char *text, const char *const *names)
{
	char all[128] = "";
	size_t n = 0;

	for (int i = 0; names[i]; i++) {
		if (!strcmp(names[i], text))
			return i;
		n += snprintf(all + n, sizeof(all) - n, "%s%s",
			      i ? ", " : "", names[i]);
	}
	argp_error(state, "%s is one of %s, not '%s'", option, all, text);
	return 0;
}

/* common_argp */

static const struct argp_option common_options[] = {
	{ "threads", KEY_THREADS, "N", 0, "Threads (all processors)", 90 },
	{ "json", 'j', NULL, 0, "Print JSON", 91 },
	{ "help", 'h', NULL, 0, "Print this", 92 },
	{ 0 }
};

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case KEY_THREADS:
		o->threads = parse_number(state, "--threads", arg, 1, 1024);
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp common_argp = { common_options, parse_common };

/* device_argp */

static const struct argp_option device_options[] = {
	{ "device", KEY_DEVICE, "NAME", 0,
	  "accel0, PCI address or embedded (the first)", 80 },
	{ "plugin", KEY_PLUGIN, "FILE.so", 0,
	  "Load the wrapped functions that the image calls", 81 },
	{ 0 }
};

void options_plugin(struct options *o, const char *path)
{
	if (fxq_plugin_load(path))
		exit(complain(TOOL_INPUT, "%s", fxq_error()));
	o->plugin = path;
}

static error_t parse_device(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case KEY_DEVICE:
		o->device = arg;
		return 0;
	case KEY_PLUGIN:
		options_plugin(o, arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp device_argp = { device_options, parse_device };

/* subject_argp: MODEL, the argument of most commands */

static error_t parse_subject(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (o->model)
			argp_error(state, "one model at a time: '%s' is the second",
				   arg);
		o->model = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which model? Give an ONNX file, a plugin or a saved graph");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp subject_argp = { NULL, parse_subject };

/* image_argp: IMAGE, the argument of others */

static error_t parse_image(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (o->image)
			argp_error(state, "one image at a time: '%s' is the second",
				   arg);
		o->image = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which image? Give a .fxq file");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp image_argp = { NULL, parse_image };

/* model_argp */

static const struct argp_option model_options[] = {
	{ "shape", KEY_SHAPE, "[INPUT=]AxBxC", 0,
	  "Shape of an input that the model leaves open", 20 },
	{ "train", KEY_TRAIN, NULL, 0,
	  "Plugin: mode to trace in, kept in the image", 21 },
	{ "eval", KEY_EVAL, NULL, OPTION_ALIAS },
	{ "weights", KEY_WEIGHTS, "FILE", OPTION_HIDDEN, NULL, 22 },
	{ "plugin", KEY_PLUGIN, "FILE.so", OPTION_HIDDEN, NULL, 22 },
	{ 0 }
};

static error_t parse_model(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	char error[FXQ_ERROR_MAX];

	switch (key) {
	case KEY_SHAPE:
		if (o->n_shapes == MAX_SHAPES)
			argp_error(state, "--shape may be given %d times",
				   MAX_SHAPES);
		else if (fx_parse_shape(arg, &o->shapes[o->n_shapes], error,
					sizeof(error)))
			argp_error(state, "--shape: %s", error);
		else
			o->n_shapes++;
		return 0;
	case KEY_TRAIN:
		o->mode = MODE_TRAIN;
		return 0;
	case KEY_EVAL:
		o->mode = MODE_EVAL;
		return 0;
	case KEY_WEIGHTS:
		o->weights = arg;
		return 0;
	case KEY_PLUGIN:
		options_plugin(o, arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp model_argp = { model_options, parse_model };

/* picture_argp */

#define PICTURE_OPTIONS(flags)						\
	{ "mean", KEY_MEAN, "A[,B,C]", flags,				\
	  "Pictures become (pixel - mean) / std; mean is 0", 30 },	\
	{ "std", KEY_STD, "A[,B,C]", flags,				\
	  "Standard deviation (1)", 31 },				\
	{ "range", KEY_RANGE, "1|255", flags,				\
	  "Mean and std are of pixels 0..1 or 0..255 (1)", 32 },	\
	{ "size", KEY_SIZE, "WxH", flags,				\
	  "Size in pixels (the input's)", 33 },				\
	{ "order", KEY_ORDER, "rgb|bgr|gray", flags,			\
	  "Order of colours (rgb)", 34 },				\
	{ "layout", KEY_LAYOUT, "nchw|nhwc", flags,			\
	  "Where the input has its channels", 35 },			\
	{ 0 }
static const struct argp_option picture_options[] = { PICTURE_OPTIONS(0) };
static const struct argp_option picture_quiet_options[] = {
	PICTURE_OPTIONS(OPTION_HIDDEN)
};

/* "0.485,0.456,0.406" */
static unsigned int parse_list(struct argp_state *state, const char *option,
			       const char *text, bool positive, float v[4])
{
	const char *at = text;
	unsigned int n = 0;

	for (;;) {
		char *end = NULL;

		if (n < 4)
			v[n] = strtof(at, &end);
		if (!end || end == at || !(v[n] > -1e6f && v[n] < 1e6f) ||
		    (positive && !(v[n] > 1e-6f)) || (*end && *end != ','))
			argp_error(state, "%s needs one to four %snumbers such as 0.485,0.456,0.406, not '%s'",
				   option, positive ? "positive " : "", text);
		n++;
		if (!*end)
			return n;
		at = end + 1;
	}
}

static void parse_size(struct argp_state *state, const char *text,
		       struct pictures *p)
{
	unsigned int w, h;
	int n = 0;

	if (sscanf(text, "%5ux%5u%n", &w, &h, &n) != 2 || text[n] || !w || !h)
		argp_error(state, "--size needs width x height such as 224x224, not '%s'",
			   text);
	p->width = w;
	p->height = h;
}

static error_t parse_picture(int key, char *arg, struct argp_state *state)
{
	static const char *const ranges[] = { "1", "255", NULL };
	static const char *const orders[] = { "rgb", "bgr", "gray", NULL };
	static const char *const layouts[] = { "nchw", "nhwc", NULL };
	struct pictures *p = &((struct options *)state->input)->pictures;

	switch (key) {
	case KEY_MEAN:
		p->n_mean = parse_list(state, "--mean", arg, false, p->mean);
		break;
	case KEY_STD:
		p->n_std = parse_list(state, "--std", arg, true, p->std);
		break;
	case KEY_RANGE:
		p->white = parse_choice(state, "--range", arg, ranges) ? 255 : 1;
		break;
	case KEY_SIZE:
		parse_size(state, arg, p);
		break;
	case KEY_ORDER:
		p->order = parse_choice(state, "--order", arg, orders);
		break;
	case KEY_LAYOUT:
		p->nhwc = parse_choice(state, "--layout", arg, layouts);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	p->given = true;
	return 0;
}

const struct argp picture_argp = { picture_options, parse_picture };
const struct argp picture_quiet_argp = { picture_quiet_options, parse_picture };

/* calibrate_argp */

static const struct argp_option calibrate_options[] = {
	{ "calibrate", 'c', "DATA", 0,
	  "Folder, picture, npy, npz, idx, .pb or \"random\"", 10 },
	{ "calibrate-count", KEY_COUNT, "N", 0, "Samples to take (512)", 11 },
	{ "observer", KEY_OBSERVER, "NAME", 0,
	  "auto, min-max, percentile, mse, kl, mix, ...", 12 },
	{ "scales", KEY_SCALES, "FILE", 0, "Take scales from a JSON file", 13 },
	{ "save-scales", KEY_SAVE_SCALES, "FILE", 0,
	  "Keep the scales found in a JSON file", 14 },
	{ "seed", KEY_SEED, "N", OPTION_HIDDEN, "Of random data (0)", 15 },
	{ 0 }
};

/* "percentile=99.9", or the name of any observer. */
static void parse_observer(struct options *o, const char *arg,
			   const char *const *observers,
			   struct argp_state *state)
{
	static const char with_share[] = "percentile=";
	size_t length = sizeof(with_share) - 1;
	char *end;

	if (strncmp(arg, with_share, length)) {
		o->observer = parse_choice(state, "--observer", arg, observers);
		return;
	}
	o->observer = FX_OBSERVER_PERCENTILE;
	o->percentile = strtod(arg + length, &end);
	if (*end || !(o->percentile >= 50 && o->percentile <= 100))
		argp_error(state, "--observer percentile is of 50 to 100, not '%s'",
			   arg + length);
}

static error_t parse_calibrate(int key, char *arg, struct argp_state *state)
{
	static const char *const observers[] = {
#define X(id, name) name,
		FX_OBSERVERS(X)
#undef X
		NULL
	};
	struct options *o = state->input;

	switch (key) {
	case 'c':
		o->calibrate = arg;
		return 0;
	case KEY_COUNT:
		o->calibrate_count = parse_number(state, "--calibrate-count",
						  arg, 1, 1000000000);
		return 0;
	case KEY_OBSERVER:
		parse_observer(o, arg, observers, state);
		return 0;
	case KEY_SCALES:
		o->scales = arg;
		return 0;
	case KEY_SAVE_SCALES:
		o->save_scales = arg;
		return 0;
	case KEY_SEED:
		o->seed = parse_number(state, "--seed", arg, 0, UINT64_MAX);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp calibrate_argp = { calibrate_options, parse_calibrate };
