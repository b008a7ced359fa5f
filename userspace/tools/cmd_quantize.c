// SPDX-License-Identifier: MIT
/*
 * cmd_quantize.c - a model in 8 bits, as standard ONNX
 *
 * QuantizeLinear and DequantizeLinear around operators that stay what they are:
 * any runtime loads that, and those that know the form compute in integers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

enum { KEY_FUSED = OPTION_OWN, KEY_PREPARED };

struct args {
	struct options o;
	const char *output;
	bool fused, prepared;
};

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "To write: .onnx, or .fxg with modules", 1 },
	{ "fused", KEY_FUSED, NULL, 0,
	  "Round as compile does, not behind each layer", 2 },
	{ "prepared", KEY_PREPARED, NULL, 0,
	  "To .fxg, still with observers", 3 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(&a->o, state);
		return 0;
	case 'o':
		a->output = arg;
		return 0;
	case KEY_FUSED:
		a->fused = true;
		return 0;
	case KEY_PREPARED:
		a->prepared = true;
		return 0;
	case ARGP_KEY_END:
		if (a->o.model && !a->output)
			argp_error(state, "where to? Give -o FILE.onnx");
		if (a->prepared && a->output && !is_saved(a->output))
			argp_error(state, "--prepared is for a saved graph: give -o FILE.fxg");
		if (a->fused && a->output && is_saved(a->output))
			argp_error(state, "--fused is for ONNX: give -o FILE.onnx");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &subject_argp }, { &calibrate_argp }, { &model_argp },
	{ &picture_argp }, { &common_argp }, { NULL }
};

static const struct argp argp = {
	options, parse, "MODEL -o FILE.onnx",
	"Writes a network in 8 bits as standard ONNX, which any runtime loads."
	"\v  fxq-run quantize net.onnx --calibrate photos/ -o net.int8.onnx",
	children, help_filter
};

/* What became of the network, in numbers. */
struct totals {
	size_t operators, rounded, weights;
	int64_t weight_bytes;
};

static struct totals count(const struct fx_graph *g)
{
	struct totals n = { 0 };

	fx_for_each_node(node, g) {
		bool from = fx_node_is(node, "dequantize_linear");

		if (fx_node_is(node, "quantize_linear"))
			n.rounded++;
		else if (from && fx_node_is_const(fx_node_in(node, 0)))
			n.weight_bytes += fxq_tensor_bytes(
				&fx_node_in(node, 0)->out[0]);
		else if (!from && node->opcode == FX_CALL_FUNCTION)
			n.operators++;
	}
	return n;
}

static int report(const struct args *a, const struct fx_graph *g, size_t bytes)
{
	struct totals n = count(g);

	if (a->o.json)
		return print_json(json_pack("{s:o, s:I, s:I, s:I, s:I}",
			"model", json_text(a->output),
			"bytes", (json_int_t)bytes,
			"operators", (json_int_t)n.operators,
			"rounded", (json_int_t)n.rounded,
			"weight_bytes", (json_int_t)n.weight_bytes));
	if (strcmp(a->output, "-"))
		printf("%s: %zu operators, %zu values of 8 bits, %" PRId64
		       " KiB of weights, %zu KiB\n", a->output, n.operators,
		       n.rounded, (n.weight_bytes + 1023) / 1024,
		       (bytes + 1023) / 1024);
	return TOOL_OK;
}

static int write_model(const struct args *a, const struct model *m,
		       struct fx_graph *g)
{
	void *data;
	size_t size;
	int err, code;

	err = fx_export_onnx_memory(g, m->name, &data, &size);
	if (err)
		return complain_graph(g, err);
	if (file_write(a->output, data, size))
		code = complain(TOOL_OUTPUT, "%s", io_error());
	else
		code = report(a, g, size);
	free(data);
	return code;
}

static int quantize(void *args, struct model *m)
{
	const struct args *a = args;
	struct fx_qconfig qconfig = options_qconfig(&a->o);
	struct fx_graph *g;
	struct build b;
	int code, err;

	if (is_saved(a->output))
		return prepared_write(m, &a->o, a->prepared, a->output);
	qconfig.portable = !a->fused;
	warn_of_random(&a->o);
	code = build_scales(m, &a->o, NULL, &b);
	if (code)
		return code;
	err = fx_convert_qdq(b.graph, b.cal, &qconfig, &g);
	if (err) {
		code = complain_graph(b.graph, err);
	} else {
		code = write_model(a, m, g);
		fx_graph_free(g);
	}
	build_free(&b);
	return code;
}

int cmd_quantize(int argc, char **argv)
{
	struct args a = { 0 };

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	return model_do(&a.o, quantize, &a);
}
