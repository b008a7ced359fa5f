// SPDX-License-Identifier: MIT
/*
 * cmd_train.c - trains a model, in C or from ONNX, in float or for integers
 *
 * qat is train on a model with fake quantizers, and ends with an image. Defaults
 * are a recipe that serves small networks on small pictures: SGD with Nesterov's
 * momentum and one cycle of the learning rate.
 */
#include <string.h>

#include "train.h"

#define FASHION_MNIST	"/usr/share/datasets/fashion-mnist/"

enum {
	KEY_DATA = OPTION_OWN, KEY_LABELS, KEY_TEST, KEY_TEST_LABELS,
	KEY_FASHION, KEY_EPOCHS, KEY_UNTIL, KEY_BATCH, KEY_LR, KEY_OPTIMIZER,
	KEY_SCHEDULE, KEY_SMOOTHING, KEY_AUGMENT, KEY_WEIGHTS, KEY_CHECKPOINT,
	KEY_RESUME, KEY_SEED, KEY_QCONFIG, KEY_CALIBRATE,
	KEY_PLUGIN,
};

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "What it learned: .npz, .safetensors, .fxg", 1 },
	{ "data", KEY_DATA, "DATA", 0,
	  "Folder with one folder a class, npy, npz, idx", 2 },
	{ "labels", KEY_LABELS, "FILE", 0, "Classes as npy or idx", 3 },
	{ "test", KEY_TEST, "DATA", 0, "To count after each epoch", 4 },
	{ "test-labels", KEY_TEST_LABELS, "FILE", OPTION_HIDDEN, NULL, 5 },
	{ "fashion-mnist", KEY_FASHION, NULL, 0,
	  "Debian's dataset-fashion-mnist, both halves", 6 },
	{ "epochs", KEY_EPOCHS, "N", 0, "Times to go over the data (10)", 7 },
	{ "until", KEY_UNTIL, "N", OPTION_HIDDEN, NULL, 8 },
	{ "batch", KEY_BATCH, "N", 0, "Samples in a step (128)", 9 },
	{ "lr", KEY_LR, "RATE", 0, "Highest learning rate (0.1; adam 0.001)",
	  10 },
	{ "optimizer", KEY_OPTIMIZER, "NAME[,...]", 0,
	  "sgd, adam, adamw; momentum=, decay=, matrices", 11 },
	{ "schedule", KEY_SCHEDULE, "NAME[,...]", 0,
	  "one-cycle, cosine, constant; warmup=, last=", 12 },
	{ "label-smoothing", KEY_SMOOTHING, "E", OPTION_HIDDEN, NULL, 13 },
	{ "augment", KEY_AUGMENT, "WHAT", 0,
	  "Change pictures: crop=N,flip,cutout=N", 14 },
	{ "weights", KEY_WEIGHTS, "FILE", 0, "Begin with these", 15 },
	{ "checkpoint", KEY_CHECKPOINT, "FILE", 0,
	  "Write each epoch down; --resume goes on", 16 },
	{ "resume", KEY_RESUME, NULL, OPTION_HIDDEN, NULL, 17 },
	{ "seed", KEY_SEED, "N", OPTION_HIDDEN, NULL, 18 },
	{ "plugin", KEY_PLUGIN, "FILE.so", OPTION_HIDDEN, NULL, 19 },
	{ 0 }
};

/* A model that has learned needs a nudge. */
static void set_qat_defaults(struct train_args *a)
{
	a->r.epochs = 3;
	a->r.calibrate = 2048;
	a->qconfig.activation_fake_quant = "fake_quant";
	a->r.optim.lr = 0.005;
	a->r.schedule.kind = FX_COSINE;
}

static void set_defaults(struct train_args *a)
{
	a->r = (struct recipe){
		.epochs = 10, .batch = 128,
		.optim = { .kind = FX_SGD, .momentum = 0.9, .nesterov = true,
			   .weight_decay = 5e-4 },
		.schedule = { .kind = FX_ONE_CYCLE },
	};
	if (a->quantized)
		set_qat_defaults(a);
}

/* A file is what its name says, and only that is written. */
static void check_name(const struct train_args *a, struct argp_state *state)
{
	const char *name = a->output;

	if (!name || is_saved(name))
		return;
	if (a->quantized && !ends_with(name, ".fxq") && strcmp(name, "-"))
		argp_error(state, "-o is an image, FILE.fxq, or the model with its fake quantizers, FILE.fxg; '%s' is neither",
			   name);
	if (!a->quantized && !ends_with(name, ".npz") &&
	    !ends_with(name, ".safetensors"))
		argp_error(state, "-o is what it learned, FILE.npz or FILE.safetensors, or the model with it, FILE.fxg; '%s' is none",
			   name);
}

static void check_args(struct train_args *a, struct argp_state *state)
{
	if (!a->data)
		argp_error(state, "labelled data are missing: give --data, or --fashion-mnist");
	if (!a->output && !a->r.checkpoint && !(a->quantized && a->test))
		argp_error(state, "where to? Give -o FILE.%s",
			   a->quantized ? "fxq" : "npz");
	check_name(a, state);
	if (a->quantized && !a->o.weights && is_plugin(a->network))
		argp_error(state, "a model that has learned is quantized: give --weights, of fxq-run train");
	if (a->r.resume && !a->r.checkpoint)
		argp_error(state, "--resume goes on from the file of --checkpoint: give it too");
	if (!a->r.optim.lr)
		a->r.optim.lr = a->r.optim.kind == FX_SGD ? 0.1 : 0.001;
}

static error_t parse_file(int key, char *arg, struct train_args *a)
{
	switch (key) {
	case 'o':
		a->output = arg;
		return 0;
	case KEY_DATA:
		a->data = arg;
		return 0;
	case KEY_LABELS:
		a->labels = arg;
		return 0;
	case KEY_TEST:
		a->test = arg;
		return 0;
	case KEY_TEST_LABELS:
		a->test_labels = arg;
		return 0;
	case KEY_FASHION:
		a->data = FASHION_MNIST "train-images-idx3-ubyte.gz";
		a->labels = FASHION_MNIST "train-labels-idx1-ubyte.gz";
		a->test = FASHION_MNIST "t10k-images-idx3-ubyte.gz";
		a->test_labels = FASHION_MNIST "t10k-labels-idx1-ubyte.gz";
		return 0;
	case KEY_PLUGIN:
		options_plugin(&a->o, arg);
		return 0;
	case KEY_WEIGHTS:
		a->o.weights = arg;
		return 0;
	case KEY_CHECKPOINT:
		a->r.checkpoint = arg;
		return 0;
	case KEY_RESUME:
		a->r.resume = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct train_args *a = state->input;
	struct recipe *r = &a->r;

	switch (key) {
	case ARGP_KEY_INIT:
		set_defaults(a);
		options_init(&a->o, state);
		return 0;
	case KEY_EPOCHS:
		r->epochs = parse_number(state, "--epochs", arg, !a->quantized,
					 1000000);
		return 0;
	case KEY_UNTIL:
		r->until = parse_number(state, "--until", arg, 1, 1000000);
		return 0;
	case KEY_BATCH:
		r->batch = parse_number(state, "--batch", arg, 1, 65536);
		return 0;
	case KEY_SEED:
		r->seed = parse_number(state, "--seed", arg, 0, INT64_MAX);
		return 0;
	case KEY_LR:
		r->optim.lr = parse_real(state, "--lr", arg, 1e-12, 1000);
		return 0;
	case KEY_SMOOTHING:
		r->label_smoothing = parse_real(state, "--label-smoothing",
						arg, 0, 1);
		return 0;
	case KEY_OPTIMIZER:
		parse_optimizer(state, arg, &r->optim);
		return 0;
	case KEY_SCHEDULE:
		parse_schedule(state, arg, &r->schedule);
		return 0;
	case KEY_AUGMENT:
		parse_augment(state, arg, &r->augment);
		return 0;
	case ARGP_KEY_ARG:
		if (a->network)
			argp_error(state, "one model at a time: '%s' is the second",
				   arg);
		a->network = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which model? Give a plugin, made from a model in C, an ONNX file or a saved graph");
		return 0;
	case ARGP_KEY_END:
		if (a->network)
			check_args(a, state);
		return 0;
	}
	return parse_file(key, arg, a);
}

static const struct argp_option qat_options[] = {
	{ "qconfig", KEY_QCONFIG, "WHAT[,...]", 0,
	  "bits=4, per-tensor, power-of-two, quantizer=lsq", 1 },
	{ "calibrate-count", KEY_CALIBRATE, "N", OPTION_HIDDEN, NULL, 2 },
	{ 0 }
};

static error_t parse_qat(int key, char *arg, struct argp_state *state)
{
	struct train_args *a = state->input;

	switch (key) {
	case KEY_QCONFIG:
		parse_qconfig(state, arg, &a->qconfig);
		a->has_qconfig = true;
		return 0;
	case KEY_CALIBRATE:
		a->r.calibrate = parse_number(state, "--calibrate-count", arg,
					      1, 1000000000);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp qat_own_argp = { qat_options, parse_qat };

static const struct argp_child children[] = {
	{ &picture_quiet_argp }, { &common_argp }, { NULL }
};

static const struct argp_child qat_children[] = {
	{ &qat_own_argp, 0, NULL, 0 }, { &picture_quiet_argp },
	{ &common_argp }, { NULL }
};

static const struct argp train_argp = {
	options, parse, "MODEL",
	"Trains a classifier, in C or from ONNX, from scratch or --weights.\n"
	"Pictures become tensors as `compile' does it: --mean, --std and so on."
	"\v  fxq-run train net.so --fashion-mnist --epochs 14 -o net.npz",
	children, help_filter
};

/* What differs from train; argp frees what is returned. */
static char *qat_help(int key, const char *text, void *input)
{
	static const struct {
		int key;
		const char *text;
	} own[] = {
		{ 'o', "To write: the image, .fxq, or the model, .fxg" },
		{ KEY_EPOCHS, "Times to go over the data (3); 0 calibrates" },
		{ KEY_LR, "Highest learning rate (0.005)" },
		{ KEY_SCHEDULE, "cosine, one-cycle, constant; warmup=, last=" },
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (own[i].key == key)
			return strdup(own[i].text);
	return help_filter(key, text, input);
}

static const struct argp qat_argp = {
	options, parse, "MODEL",
	"Trains a model that has learned on, with the error of 8 bits or less, into -o.\n"
	"Pictures become tensors as `compile' does it: --mean, --std and so on."
	"\v  fxq-run qat net.so --weights net.npz --fashion-mnist -o net.fxq",
	qat_children, qat_help
};

int cmd_train(int argc, char **argv)
{
	struct train_args a = { .quantized = false };

	argp_parse(&train_argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	return teach(&a);
}

int cmd_qat(int argc, char **argv)
{
	struct train_args a = { .quantized = true };

	argp_parse(&qat_argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	return teach(&a);
}
