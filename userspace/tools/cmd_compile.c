// SPDX-License-Identifier: MIT
/*
 * cmd_compile.c - a model becomes an image
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "post.h"
#include "tool.h"

enum { KEY_KEEP = OPTION_OWN, KEY_POST, KEY_INT8_ENDS };

struct args {
	struct options o;
	const char *output, *post;
	bool keep_layers, dump;
};

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "The image to write", 1 },
	{ "post", KEY_POST, "NET", 0,
	  "Decode as blazeface, ultraface, yunet, ppocr-det", 39 },
	{ "int8-ends", KEY_INT8_ENDS, NULL, OPTION_HIDDEN,
	  "Inputs and outputs are int8, as the device has them", 39 },
	{ "keep-layers", KEY_KEEP, NULL, OPTION_HIDDEN,
	  "Make each layer's result an output", 40 },
	{ "dump", 'd', NULL, 0, "Print the graph after each pass", 41 },
	{ 0 }
};

static void check_args(const struct args *a, struct argp_state *state)
{
	if (!a->output)
		argp_error(state, "where to? Give -o %s.fxq", "FILE");
}

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
	case 'd':
		a->dump = true;
		return 0;
	case KEY_POST:
		a->post = arg;
		return 0;
	case KEY_INT8_ENDS:
		a->o.int8_ends = true;
		return 0;
	case KEY_KEEP:
		a->keep_layers = true;
		return 0;
	case ARGP_KEY_END:
		if (a->o.model)
			check_args(a, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &subject_argp }, { &calibrate_argp }, { &model_argp },
	{ &picture_argp }, { &common_argp }, { NULL }
};

static const struct argp argp = {
	options, parse, "MODEL -o FILE",
	"Turns an ONNX file, a plugin or a saved graph into an image."
	"\v  fxq-run compile net.onnx --calibrate photos/ -o net.fxq",
	children, help_filter
};

struct totals {
	uint32_t device, cpu;
};

/* Lists what stays on the CPU, with the reason. */
static struct totals print_cpu_steps(const struct fxq_image *image, FILE *to)
{
	static const char *const heads[] = {
		"<on the CPU", "<operator", "<why", NULL
	};
	struct table *t = table_new(heads);
	struct totals n = { 0 };
	struct fxq_step_info s;

	for (uint32_t i = 0; !fxq_image_step_info(image, i, &s); i++) {
		if (s.kind == FXQ_STEP_DEVICE) {
			n.device++;
			continue;
		}
		n.cpu++;
		table_cell(t, "%s", s.layer);
		table_cell(t, "%s", s.name);
		table_cell(t, "%s", s.kind == FXQ_STEP_WRAPPED ?
			   "a wrapped function is kept whole" : s.reason);
	}
	if (n.cpu)
		table_print(t, to);
	return n;
}

static void print_text(const struct args *a, const struct fxq_image *image)
{
	struct fxq_image_info info;
	struct totals n = print_cpu_steps(image, stdout);

	fxq_image_info(image, &info);
	printf("%s: %u device and %u CPU steps, %" PRIu64 " KiB of weights, %"
	       PRIu64 " cycles, %.1f %% of the MAC array\n", a->output,
	       n.device, n.cpu, (info.weight_bytes + 1023) / 1024, info.cycles,
	       100 * utilization(info.macs_device, info.cycles));
}

static int print_as_json(const struct args *a, const struct fxq_image *image)
{
	json_t *cpu = json_array();
	struct fxq_image_info info;
	struct fxq_step_info s;

	fxq_image_info(image, &info);
	for (uint32_t i = 0; !fxq_image_step_info(image, i, &s); i++)
		if (s.kind != FXQ_STEP_DEVICE)
			json_array_append_new(cpu,
				json_pack("{s:o, s:o, s:o}", "layer",
					  json_text(s.layer), "operator",
					  json_text(s.name), "reason",
					  json_text(s.reason)));
	return print_json(json_pack(
		"{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:f, s:o}",
		"name", json_text(info.name), "image", json_text(a->output),
		"bytes", (json_int_t)info.file_bytes,
		"weight_bytes", (json_int_t)info.weight_bytes,
		"macs_device", (json_int_t)info.macs_device,
		"macs_cpu", (json_int_t)info.macs_cpu,
		"cycles", (json_int_t)info.cycles, "utilization",
		utilization(info.macs_device, info.cycles), "cpu", cpu));
}

/* Opens what was made, which checks it once more, and reports on it. */
static int report(const struct args *a, const struct bytes *image)
{
	struct fxq_image *opened;
	int err, code = TOOL_OK;

	err = fxq_image_open_memory(image->data, image->size, &opened);
	if (err)
		return complain_fxq(err);
	if (a->o.json)
		code = print_as_json(a, opened);
	else if (strcmp(a->output, "-"))
		print_text(a, opened);
	fxq_image_close(opened);
	return code;
}

static int compile(void *args, struct model *m)
{
	struct args *a = args;
	FILE *dump = a->dump ? a->o.json ? stderr : stdout : NULL;
	struct build b;
	struct bytes image = { 0 };
	int code;

	warn_of_random(&a->o);
	code = a->post ? post_append(m->graph, a->post, &a->o.pictures) :
			 TOOL_OK;
	if (!code)
		code = build_graph(m, &a->o, dump, &b);
	if (code)
		return code;
	code = build_image(&b, m, a->keep_layers, dump, &image);
	build_free(&b);
	if (code)
		return code;
	if (file_write(a->output, image.data, image.size))
		code = complain(TOOL_OUTPUT, "%s", io_error());
	else
		code = report(a, &image);
	bytes_free(&image);
	return code;
}

int cmd_compile(int argc, char **argv)
{
	struct args a = { 0 };

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	return model_do(&a.o, compile, &a);
}
