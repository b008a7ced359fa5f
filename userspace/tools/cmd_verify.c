// SPDX-License-Identifier: MIT
/*
 * cmd_verify.c - is the machine right, and how good are eight bits?
 *
 * One sample goes through the float graph, the converted graph on the integer
 * reference, and the machine, of which every layer's result is kept. Machine
 * and reference must agree to the bit; float tells what quantization costs.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"

enum { KEY_SAMPLE = OPTION_OWN };

struct args {
	struct options o;
	uint64_t sample;
};

static const struct argp_option options[] = {
	{ "sample", KEY_SAMPLE, "I", 0, "Sample of DATA to compare on (0)", 1 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(&a->o, state);
		return 0;
	case KEY_SAMPLE:
		a->sample = parse_number(state, "--sample", arg, 0, UINT32_MAX);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &subject_argp }, { &calibrate_argp }, { &model_argp },
	{ &picture_argp }, { &device_argp }, { &common_argp }, { NULL }
};

static const struct argp argp = {
	options, parse, "MODEL",
	"Compares float, integer reference and machine, layer by layer."
	"\v  fxq-run verify net.onnx --calibrate photos/",
	children, help_filter
};

/* Comparisons */

enum equal {
	EQUAL_NONE,	/* the machine does not keep it */
	EQUAL_YES,
	EQUAL_NO,
};

struct row {
	const struct fx_node *node;
	bool has_float;
	double sqnr, lsb;
	enum equal equal;
};

/* Signal to quantization noise in dB; infinite if there is no noise. */
static void compare_float(const struct fxq_tensor *x, const struct fxq_tensor *q,
			  const struct fxq_tensor *type, struct row *row)
{
	struct fxq_tensor as = *q;
	double signal = 0, noise = 0, most = 0;

	if (!x || fxq_tensor_count(x) != fxq_tensor_count(q) ||
	    x->dtype != FXQ_DTYPE_F32)
		return;
	as.scale = type->scale;
	as.zero_point = type->zero_point;
	if (as.dtype != FXQ_DTYPE_F32 && as.scale == 0)
		return;
	for (int64_t i = 0; i < fxq_tensor_count(x); i++) {
		double v = element(x, i), d = element(&as, i) - v;

		signal += v * v;
		noise += d * d;
		most = fabs(d) > most ? fabs(d) : most;
	}
	row->has_float = true;
	row->sqnr = noise > 0 ? 10 * log10(signal / noise) : INFINITY;
	row->lsb = as.scale != 0 ? most / (double)as.scale : 0;
}

static const struct fxq_tensor *captured_float(const struct capture *flt,
					       const struct fx_node *node)
{
	const struct captured *v = capture_find_float(flt, node);

	return v ? &v->t : NULL;
}

static enum equal compare_bits(const struct fxq_tensor *machine,
			       const struct fxq_tensor *reference)
{
	size_t n = fxq_tensor_bytes(reference);

	if (!machine)
		return EQUAL_NONE;
	return machine->dtype == reference->dtype &&
	       fxq_tensor_bytes(machine) == n &&
	       !memcmp(machine->data, reference->data, n) ? EQUAL_YES :
							    EQUAL_NO;
}

struct report {
	struct row *rows;
	size_t n, n_equal, n_differ, n_unseen;
	size_t outputs, outputs_equal;
	double worst_output;		/* dB */
	unsigned int findings;
};

static int compare_layers(const struct fx_graph *converted,
			  const struct capture *flt, const struct capture *ref,
			  const struct capture *machine, struct report *rep)
{
	size_t n = 0;

	fx_for_each_node(count, converted)
		n++;
	rep->rows = calloc(n + 1, sizeof(*rep->rows));
	if (!rep->rows)
		return complain_io(io_fail_memory("layers"));
	fx_for_each_node(node, converted) {
		struct row *row = &rep->rows[rep->n];
		const struct fxq_tensor *q = capture_find(ref, node->name);

		if (!q || (node->opcode != FX_CALL_FUNCTION &&
			   node->opcode != FX_CALL_METHOD))
			continue;
		row->node = node;
		compare_float(captured_float(flt, node), q, &node->out[0], row);
		row->equal = compare_bits(capture_find(machine, node->name), q);
		rep->n_equal += row->equal == EQUAL_YES;
		rep->n_differ += row->equal == EQUAL_NO;
		rep->n_unseen += row->equal == EQUAL_NONE &&
				 node->place == FX_PLACE_DEVICE;
		rep->n++;
	}
	return TOOL_OK;
}

/* The true image's outputs, in the order of the graph's. */
static void compare_outputs(const struct build *b, const struct capture *flt,
			    const struct capture *ref,
			    const struct capture *machine, struct report *rep)
{
	struct fx_node **out, **float_out;
	size_t n, n_float;

	out = graph_outputs(b->converted, &n);
	float_out = graph_outputs(b->graph, &n_float);
	rep->outputs = n;
	rep->worst_output = INFINITY;
	for (size_t i = 0; out && float_out && i < n; i++) {
		const struct fxq_tensor *q = capture_find(ref, out[i]->name);
		struct row row = { .node = out[i] };

		if (!q || i >= machine->n || i >= n_float)
			continue;
		rep->outputs_equal += compare_bits(&machine->v[i].t, q) ==
				      EQUAL_YES;
		compare_float(capture_find(flt, float_out[i]->name), q,
			      &out[i]->out[0], &row);
		if (row.has_float && row.sqnr < rep->worst_output)
			rep->worst_output = row.sqnr;
	}
	free(out);
	free(float_out);
}

static const char *const equal_text[] = { "-", "yes", "NO" };

static void print_text(const struct report *rep, const char *name)
{
	static const char *const heads[] = {
		"<layer", "<operator", "<where", ">SQNR dB", ">off by LSB",
		"<machine = reference", NULL
	};
	struct table *t = table_new(heads);

	for (size_t i = 0; i < rep->n; i++) {
		const struct row *row = &rep->rows[i];

		table_cell(t, "%s", row->node->name);
		table_cell(t, "%s", row->node->target);
		table_cell(t, "%s", row->node->place == FX_PLACE_DEVICE ?
			   "device" : "cpu");
		table_cell(t, row->has_float ? "%.1f" : "", row->sqnr);
		table_cell(t, row->has_float && row->node->out[0].scale != 0 ?
			   "%.1f" : "", row->lsb);
		table_cell(t, "%s", equal_text[row->equal]);
	}
	table_print(t, stdout);
	printf("%s: %zu layers equal to the bit, %zu differ, %zu of %zu outputs equal",
	       name, rep->n_equal, rep->n_differ, rep->outputs_equal,
	       rep->outputs);
	if (rep->n_unseen)
		printf("; %zu seen through what follows only", rep->n_unseen);
	if (isfinite(rep->worst_output))
		printf(", at least %.1f dB", rep->worst_output);
	printf("; %u findings of the debug mode\n", rep->findings);
}

static int print_as_json(const struct report *rep, const char *name)
{
	json_t *layers = json_array();

	for (size_t i = 0; i < rep->n; i++) {
		const struct row *row = &rep->rows[i];
		json_t *equal = row->equal == EQUAL_NONE ? json_null() :
				json_boolean(row->equal == EQUAL_YES);

		json_array_append_new(layers,
			json_pack("{s:s, s:s, s:o, s:o, s:o}", "layer",
				  row->node->name, "operator",
				  row->node->target, "sqnr_db",
				  json_number(row->has_float ? row->sqnr : NAN),
				  "max_lsb",
				  json_number(row->has_float ? row->lsb : NAN),
				  "equal", equal));
	}
	return print_json(json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
		"name", json_text(name), "equal", (json_int_t)rep->n_equal,
		"differ", (json_int_t)rep->n_differ,
		"not_kept", (json_int_t)rep->n_unseen,
		"outputs", (json_int_t)rep->outputs,
		"outputs_equal", (json_int_t)rep->outputs_equal,
		"findings", (json_int_t)rep->findings, "output_sqnr_db",
		json_number(rep->worst_output), "layers", layers));
}

/* Three ways through the network, and what they say of each other. */
static int compare(const struct args *a, const struct model *m, struct build *b,
		   const struct fxq_tensor *sample, struct report *rep)
{
	struct capture flt = { 0 }, ref = { 0 }, kept = { 0 }, final = { 0 };
	struct fxq_image *layers = NULL, *image = NULL;
	struct bytes bytes = { 0 };
	atomic_uint findings = 0;
	int code;

	code = capture_graph(b->graph, &a->o, m->training, sample, &flt);
	if (!code)
		code = capture_graph(b->converted, &a->o, m->training, sample, &ref);
	if (!code)
		code = build_image(b, m, true, NULL, &bytes);
	if (!code)
		code = capture_machine(&bytes, &a->o, m->training, sample,
				       &kept, &layers, &findings);
	if (!code)
		code = compare_layers(b->converted, &flt, &ref, &kept, rep);
	bytes_free(&bytes);
	/* Keeping layers changes what is fused: the true image counts, too. */
	if (!code)
		code = build_image(b, m, false, NULL, &bytes);
	if (!code)
		code = capture_machine(&bytes, &a->o, m->training, sample,
				       &final, &image, &findings);
	if (!code)
		compare_outputs(b, &flt, &ref, &final, rep);
	rep->findings = findings;
	bytes_free(&bytes);
	capture_free(&flt);
	capture_free(&ref);
	capture_free(&kept);
	capture_free(&final);
	fxq_image_close(layers);
	fxq_image_close(image);
	return code;
}

static int verify(const struct args *a, const struct model *m, struct build *b)
{
	struct fxq_tensor *sample = sample_new(&b->in);
	struct report rep = { 0 };
	struct feed *f = NULL;
	int code, err;

	code = sample ? feed_open(a->o.calibrate ? a->o.calibrate : "random",
				  &b->in, a->o.seed, &f) :
			complain_io(io_fail_memory("sample"));
	if (!code && a->sample >= feed_count(f))
		code = complain(TOOL_USAGE, "--sample %llu: the data have %zu samples",
				(unsigned long long)a->sample, feed_count(f));
	if (!code) {
		err = feed_get(f, a->sample, sample);
		code = err ? complain_io(err) : TOOL_OK;
	}
	if (!code)
		code = compare(a, m, b, sample, &rep);
	if (!code && a->o.json)
		code = print_as_json(&rep, m->name);
	else if (!code)
		print_text(&rep, m->name);
	if (!code && (rep.n_differ || rep.findings ||
		      rep.outputs_equal != rep.outputs))
		code = TOOL_DIFFERS;
	free(rep.rows);
	feed_close(f);
	sample_free(sample, b->in.n);
	return code;
}

static int verify_model(void *args, struct model *m)
{
	const struct args *a = args;
	struct build b;
	int code;

	code = plugin_functions(a->o.model);
	if (!code)
		code = build_graph(m, &a->o, NULL, &b);
	if (code)
		return code;
	code = verify(a, m, &b);
	build_free(&b);
	return code;
}

int cmd_verify(int argc, char **argv)
{
	struct args a = { 0 };

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	if (a.o.calibrate && !strcmp(a.o.calibrate, "random"))
		warn("calibrated on random numbers: of these columns, only equality says anything");
	return model_do(&a.o, verify_model, &a);
}
