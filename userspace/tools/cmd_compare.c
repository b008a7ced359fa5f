// SPDX-License-Identifier: MIT
/*
 * cmd_compare.c - where do eight bits cost accuracy?
 *
 * The numbers of compare.h as a table, as JSON and as a page; behind them what
 * a look at the graphs tells.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

enum {
	KEY_DATA = OPTION_OWN, KEY_SAMPLES, KEY_SENSITIVITY, KEY_HTML,
};

struct args {
	struct options o;
	const char *data, *html;
	uint64_t samples;
	bool sensitivity;
};

static const struct argp_option options[] = {
	{ "data", KEY_DATA, "DATA", 0,
	  "Compare on these (those of calibration)", 1 },
	{ "samples", KEY_SAMPLES, "N", OPTION_HIDDEN, "Of DATA (8)", 2 },
	{ "sensitivity", KEY_SENSITIVITY, NULL, 0,
	  "Round layers one at a time, order by damage", 3 },
	{ "html", KEY_HTML, "FILE", 0, "Write a page with charts as well", 4 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(&a->o, state);
		a->samples = 8;
		return 0;
	case KEY_DATA:
		a->data = arg;
		return 0;
	case KEY_SAMPLES:
		a->samples = parse_number(state, "--samples", arg, 1,
					  1000000000);
		return 0;
	case KEY_SENSITIVITY:
		a->sensitivity = true;
		return 0;
	case KEY_HTML:
		a->html = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &subject_argp }, { &calibrate_argp }, { &model_argp },
	{ &picture_argp }, { &common_argp }, { NULL }
};

static const struct argp argp = {
	options, parse, "MODEL",
	"Tells layer by layer what int8 costs MODEL: beside float, and by itself."
	"\v  fxq-run compare net.onnx --calibrate photos/ --sensitivity",
	children, help_filter
};

/* The rows */

/* X(head, format, value): columns of numbers; NaN is left blank. */
#define COLUMNS(X)							\
	X(">cosine",    "%.5f", deviation_cosine(&l->whole))		\
	X(">SQNR dB",   "%.1f", deviation_db(&l->whole))		\
	X(">max LSB",   "%.1f", layer_lsb(l, &l->whole))		\
	X(">own dB",    "%.1f", deviation_db(&l->alone))		\
	X(">own LSB",   "%.1f", layer_lsb(l, &l->alone))		\
	X(">fake LSB",  "%.1f", layer_lsb(l, &l->fake))			\
	X(">clipped %", "%.3f", l->count ? 100.0 * (double)l->clipped /	\
			(double)l->count : NAN)				\
	X(">weights dB", "%.1f", l->weights_db)				\
	X(">bits left", "%.1f", l->headroom)				\
	X(">output dB", "%.1f", l->output_db)

static int by_output(const void *a, const void *b)
{
	double x = ((const struct layer *)a)->output_db;
	double y = ((const struct layer *)b)->output_db;

	if (isnan(x) || isnan(y))
		return isnan(x) - isnan(y);
	return (x > y) - (x < y);
}

static void print_layers(const struct comparison *c)
{
	static const char *const heads[] = {
		"<layer", "<operator",
#define X(head, format, value) head,
		COLUMNS(X)
#undef X
		"<device", NULL
	};
	struct table *t = table_new(heads);

	for (size_t i = 0; i < c->n; i++) {
		const struct layer *l = &c->layers[i];

		table_cell(t, "%s", plain(l->node->name));
		table_cell(t, "%s", plain(l->node->target));
#define X(head, format, value)						\
		table_cell(t, isnan(value) ? "" : format, value);
		COLUMNS(X)
#undef X
		table_cell(t, "%s", l->device ? l->device : "-");
	}
	table_print(t, stdout);
}

static void print_outputs(const struct comparison *c)
{
	printf("%llu samples\n", (unsigned long long)c->samples);
	for (size_t i = 0; i < c->n_outputs; i++) {
		char *text = output_text(c, i);

		printf("output %s\n", text ? text : "");
		free(text);
	}
}

static void print_text(const struct comparison *c, const struct args *a)
{
	print_layers(c);
	for (size_t i = 0; i < c->notes.n; i++)
		printf("%s: %s\n", c->notes.list[i].kind,
		       c->notes.list[i].text);
	print_outputs(c);
	if (a->sensitivity && c->n && !isnan(c->layers[0].output_db))
		printf("most sensitive: %s, which alone leaves %.1f dB\n",
		       plain(c->layers[0].node->name), c->layers[0].output_db);
}

static json_t *json_deviation(const struct layer *l, const struct deviation *d)
{
	return json_pack("{s:o, s:o, s:o}",
			 "sqnr_db", json_number(deviation_db(d)),
			 "cosine", json_number(deviation_cosine(d)),
			 "max_lsb", json_number(layer_lsb(l, d)));
}

static json_t *json_layer(const struct layer *l)
{
	const struct fxq_tensor *type = &l->node->out[0];

	return json_pack("{s:o, s:o, s:o, s:f, s:i, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}",
		"layer", json_text(l->node->name),
		"operator", json_text(l->node->target),
		"source", json_text(l->node->source ? l->node->source : ""),
		"scale", (double)type->scale, "zero_point", type->zero_point,
		"whole", json_deviation(l, &l->whole),
		"own", json_deviation(l, &l->alone),
		"fake_quantized", json_deviation(l, &l->fake),
		"clipped", (json_int_t)l->clipped,
		"elements", (json_int_t)l->count,
		"weights_db", json_number(l->weights_db),
		"bits_left", json_number(l->headroom),
		"output_db", json_number(l->output_db),
		"device_equal", l->device ?
			json_boolean(!strcmp(l->device, "yes")) : json_null());
}

static int print_as_json(const struct comparison *c, const struct model *m)
{
	json_t *layers = json_array(), *outputs = json_array();
	json_t *notes = json_array();

	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(layers, json_layer(&c->layers[i]));
	for (size_t i = 0; i < c->n_outputs; i++)
		json_array_append_new(outputs,
			json_pack("{s:o, s:o, s:o, s:I, s:I}",
			"name", json_text(c->outputs[i].name), "sqnr_db",
			json_number(deviation_db(&c->outputs[i].d)), "cosine",
			json_number(deviation_cosine(&c->outputs[i].d)),
			"same", (json_int_t)c->outputs[i].same, "of",
			(json_int_t)c->outputs[i].count));
	for (size_t i = 0; i < c->notes.n; i++)
		json_array_append_new(notes, json_pack("{s:s, s:o}",
			"kind", c->notes.list[i].kind,
			"text", json_text(c->notes.list[i].text)));
	return print_json(json_pack("{s:o, s:I, s:o, s:o, s:o}",
		"name", json_text(m->name), "samples", (json_int_t)c->samples,
		"outputs", outputs, "layers", layers, "notes", notes));
}

static int write_html(const struct comparison *c, const struct model *m,
		      const char *path)
{
	FILE *to = fopen(path, "w");
	int failed;

	if (!to)
		return complain(TOOL_OUTPUT, "%s: it cannot be written: %m",
				path);
	compare_html(c, m->name, to);
	failed = ferror(to);
	if (fclose(to) || failed)
		return complain(TOOL_OUTPUT, "%s: it cannot be written: %m",
				path);
	return TOOL_OK;
}

static bool device_differs(const struct comparison *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->layers[i].device && strcmp(c->layers[i].device, "yes"))
			return true;
	return c->findings;
}

static int compare(const struct args *a, const struct model *m, struct build *b)
{
	const char *data = a->data ? a->data : a->o.calibrate ? a->o.calibrate :
			   "random";
	struct comparison c = { 0 };
	struct feed *f;
	int code;

	code = feed_open(data, &b->in, a->o.seed, &f);
	if (code)
		return code;
	code = compare_run(m, b, &a->o, f, a->samples, a->sensitivity, &c);
	feed_close(f);
	if (code)
		return code;
	c.notes = compare_notes(m, b, &a->o);
	if (a->html)
		code = write_html(&c, m, a->html);
	if (a->sensitivity)
		qsort(c.layers, c.n, sizeof(*c.layers), by_output);
	if (!code && a->o.json)
		code = print_as_json(&c, m);
	else if (!code)
		print_text(&c, a);
	if (!code && device_differs(&c))
		code = TOOL_DIFFERS;
	compare_free(&c);
	return code;
}

static int compare_model(void *args, struct model *m)
{
	const struct args *a = args;
	struct build b;
	int code;

	code = plugin_functions(a->o.model);
	if (!code && is_integer(m->graph))
		code = complain(TOOL_USAGE, "%s: on integers it has no floats to compare with; give the graph it was before, which `fxq-run quantize MODEL --calibrate DATA --prepared -o prepared.fxg' or `fxq-run qat MODEL ... -o prepared.fxg' writes",
				a->o.model);
	if (!code)
		code = build_graph(m, &a->o, NULL, &b);
	if (code)
		return code;
	code = compare(a, m, &b);
	build_free(&b);
	return code;
}

int cmd_compare(int argc, char **argv)
{
	struct args a = { 0 };

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	if (a.o.calibrate && !strcmp(a.o.calibrate, "random"))
		warn("calibrated on random numbers: they say nothing of accuracy on real data");
	return model_do(&a.o, compare_model, &a);
}
