// SPDX-License-Identifier: MIT
/*
 * cmd_check.c - where each operator of a model would run, and why
 *
 * Whether an operator is the device's depends on shapes and constants, hardly
 * ever on scales, so numbers made up stand in for calibration data.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

enum { KEY_OPERATORS = OPTION_OWN };

struct args {
	struct options o;
};

static const struct argp_option options[] = {
	{ "operators", KEY_OPERATORS, NULL, 0,
	  "List all operators that there are, and quit", 1 },
	{ 0 }
};

/* A row for each operator that a model may have, as the documentation has it. */
static void print_operators(void)
{
	static const char *const heads[] = {
		"<operator", "<torch", "<on the device", "<trains", NULL
	};
	struct table *t = table_new(heads);

	for (const struct fx_op *op = fx_op_next(NULL); op;
	     op = fx_op_next(op)) {
		const char *form = fx_op_device_form(op);

		/* The converted graph's own are nobody's to write. */
		if (!strncmp(op->path, "torch.ops.quantized.", 20))
			continue;
		table_cell(t, "%s", op->fn.name);
		table_cell(t, "%s", op->path);
		table_cell(t, "%s", form ? form : "-");
		table_cell(t, "%s", op->grad ? "yes" : "-");
	}
	table_print(t, stdout);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(&a->o, state);
		return 0;
	case KEY_OPERATORS:
		print_operators();
		exit(finish_output());
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &subject_argp }, { &model_argp }, { &common_argp }, { NULL }
};

static const struct argp argp = {
	options, parse, "MODEL",
	"Tells for each operator of MODEL whether the device runs it, and why not."
	"\vNo data are needed. For example:\n"
	"  fxq-run check net.onnx --shape input=1x3x224x224",
	children, help_filter
};

static bool is_operator(const struct fx_node *n)
{
	return n->opcode == FX_CALL_FUNCTION || n->opcode == FX_CALL_METHOD;
}

static const char *place_of(const struct fx_node *n)
{
	return n->place == FX_PLACE_DEVICE ? "device" : "cpu";
}

static const char *layer_of(const struct fx_node *n)
{
	return n->source && *n->source ? n->source : n->name;
}

static void print_table(const struct fx_graph *g, const char *name)
{
	static const char *const heads[] = {
		"<layer", "<operator", "<where", "<why", NULL
	};
	struct table *t = table_new(heads);
	size_t device = 0, cpu = 0;

	fx_for_each_node(n, g) {
		if (!is_operator(n))
			continue;
		device += n->place == FX_PLACE_DEVICE;
		cpu += n->place != FX_PLACE_DEVICE;
		table_cell(t, "%s", layer_of(n));
		table_cell(t, "%s", n->target);
		table_cell(t, "%s", place_of(n));
		table_cell(t, "%s", n->place != FX_PLACE_DEVICE && n->reason ?
			   n->reason : "");
	}
	table_print(t, stdout);
	printf("%s: %zu operators on the device, %zu on the CPU\n", name,
	       device, cpu);
}

static int print_as_json(const struct fx_graph *g, const char *name)
{
	json_t *list = json_array();
	json_int_t device = 0, cpu = 0;

	fx_for_each_node(n, g) {
		if (!is_operator(n))
			continue;
		device += n->place == FX_PLACE_DEVICE;
		cpu += n->place != FX_PLACE_DEVICE;
		json_array_append_new(list,
			json_pack("{s:o, s:o, s:s, s:o*, s:i}", "layer",
				  json_text(layer_of(n)), "operator",
				  json_text(n->target), "place", place_of(n),
				  "reason", n->reason ? json_text(n->reason) :
				  NULL, "segment", n->segment));
	}
	return print_json(json_pack("{s:o, s:I, s:I, s:o}", "name",
				    json_text(name), "device", device, "cpu",
				    cpu, "operators", list));
}

static int check(void *args, struct model *m)
{
	struct args *a = args;
	struct build b;
	int code = build_graph(m, &a->o, NULL, &b);

	if (code)
		return code;
	if (a->o.json)
		code = print_as_json(b.converted, m->name);
	else
		print_table(b.converted, m->name);
	build_free(&b);
	return code;
}

int cmd_check(int argc, char **argv)
{
	struct args a = { 0 };

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	a.o.calibrate = "random";
	a.o.calibrate_count = 1;
	return model_do(&a.o, check, &a);
}
