// SPDX-License-Identifier: MIT
/*
 * cmd_info.c - what an image says of itself
 */
#include <inttypes.h>
#include <stdio.h>

#include "tool.h"

struct args {
	struct options o;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	options_init(&a->o, state);
	return 0;
}

static const struct argp_child children[] = {
	{ &image_argp }, { &common_argp }, { NULL }
};

static const struct argp argp = {
	NULL, parse, "IMAGE.fxq",
	"Says what an image is, takes, gives, and costs."
	"\vFor example:\n  fxq-run info net.fxq",
	children, help_filter
};

static const char *const kinds[] = {
	[FXQ_STEP_DEVICE] = "device",
	[FXQ_STEP_CPU] = "cpu",
	[FXQ_STEP_WRAPPED] = "wrapped",
};

static const char *const orders[] = {
	[FXQ_PIXEL_RGB] = "rgb", [FXQ_PIXEL_BGR] = "bgr",
	[FXQ_PIXEL_GRAY] = "gray",
};

static void print_tensor(const char *what, const struct fxq_tensor_info *t)
{
	char text[TYPE_TEXT_MAX];

	printf("%-12s%s: %s", what, plain(t->name), type_text(&t->type, text));
	if (t->type.scale != 0)
		printf(", scale %.9g, zero point %d", (double)t->type.scale,
		       t->type.zero_point);
	puts(t->flags & FXQ_TENSOR_DYNAMIC ? ", at most" : "");
}

static void print_preprocess(const struct fxq_image *image, uint32_t i)
{
	struct fxq_preprocess_info p;

	fxq_image_preprocess_info(image, i, &p);
	printf("picture     %ux%u %s %s, mean", p.width, p.height,
	       orders[p.order], p.nhwc ? "nhwc" : "nchw");
	for (uint32_t c = 0; c < p.channels; c++)
		printf(" %g", (double)p.mean[c]);
	printf(", std");
	for (uint32_t c = 0; c < p.channels; c++)
		printf(" %g", (double)p.std[c]);
	putchar('\n');
}

static void print_steps(const struct fxq_image *image)
{
	static const char *const heads[] = {
		">step", "<where", ">descriptors", ">cycles", "<what", NULL
	};
	struct table *t = table_new(heads);
	struct fxq_step_info s;

	for (uint32_t i = 0; !fxq_image_step_info(image, i, &s); i++) {
		bool device = s.kind == FXQ_STEP_DEVICE;

		table_cell(t, "%u", i);
		table_cell(t, "%s", kinds[s.kind]);
		table_cell(t, device ? "%u" : "", s.n_descs);
		table_cell(t, device ? "%" PRIu64 : "", s.cycles);
		table_cell(t, "%s%s%s%s%s", device ? "" : s.name,
			   !device && *s.layer ? ", " : "", s.layer,
			   *s.reason ? ": " : "", s.reason);
	}
	table_print(t, stdout);
}

static void print_text(const struct fxq_image *image)
{
	struct fxq_image_info info;
	struct fxq_tensor_info t;

	fxq_image_info(image, &info);
	printf("%-12s%s, by %s\n", "network", plain(info.name),
	       plain(info.producer));
	for (uint32_t i = 0; !fxq_image_input_info(image, i, &t); i++)
		print_tensor("input", &t);
	for (uint32_t i = 0; !fxq_image_output_info(image, i, &t); i++)
		print_tensor("output", &t);
	for (uint32_t i = 0; i < info.n_preprocess; i++)
		print_preprocess(image, i);
	if (info.training)
		printf("%-12straining\n", "mode");
	printf("%-12s%" PRIu64 " bytes: %" PRIu64 " weights, %" PRIu64
	       " constants of the CPU\n", "size", info.file_bytes,
	       info.weight_bytes, info.const_bytes);
	printf("%-12s%" PRIu64 " on the device, %" PRIu64 " on the CPU\n",
	       "MACs", info.macs_device, info.macs_cpu);
	printf("%-12s%" PRIu64 ", %.1f %% of the MAC array; no schedule takes fewer than %"
	       PRIu64 ", %.1f %%\n", "cycles", info.cycles,
	       100 * utilization(info.macs_device, info.cycles), info.mx_bound,
	       100 * utilization(info.macs_device, info.mx_bound));
	printf("%-12s%s\n", "contract", info.contract);
	print_steps(image);
}

static json_t *json_steps(const struct fxq_image *image)
{
	json_t *list = json_array();
	struct fxq_step_info s;

	for (uint32_t i = 0; !fxq_image_step_info(image, i, &s); i++)
		json_array_append_new(list,
			json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:I}",
				  "kind", kinds[s.kind],
				  "name", json_text(s.name),
				  "layer", json_text(s.layer),
				  "reason", json_text(s.reason),
				  "descriptors", (json_int_t)s.n_descs,
				  "scratch_bytes", (json_int_t)s.scratch_bytes,
				  "cycles", (json_int_t)s.cycles));
	return list;
}

static json_t *json_preprocess(const struct fxq_image *image, uint32_t n)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < n; i++) {
		json_t *mean = json_array(), *std = json_array();
		struct fxq_preprocess_info p;

		fxq_image_preprocess_info(image, i, &p);
		for (uint32_t c = 0; c < p.channels; c++) {
			json_array_append_new(mean, json_real(p.mean[c]));
			json_array_append_new(std, json_real(p.std[c]));
		}
		json_array_append_new(list,
			json_pack("{s:i, s:s, s:s, s:i, s:i, s:o, s:o}",
				  "input", (int)p.input, "order",
				  orders[p.order], "layout",
				  p.nhwc ? "nhwc" : "nchw", "width",
				  (int)p.width, "height", (int)p.height,
				  "mean", mean, "std", std));
	}
	return list;
}

static int print_as_json(const struct fxq_image *image)
{
	json_t *in = json_array(), *out = json_array(), *root;
	struct fxq_image_info info;
	struct fxq_tensor_info t;

	fxq_image_info(image, &info);
	for (uint32_t i = 0; !fxq_image_input_info(image, i, &t); i++)
		json_array_append_new(in, json_tensor(t.name, &t.type));
	for (uint32_t i = 0; !fxq_image_output_info(image, i, &t); i++)
		json_array_append_new(out, json_tensor(t.name, &t.type));
	root = json_pack("{s:o, s:o, s:s, s:b, s:o, s:o, s:o, s:o}",
			 "name", json_text(info.name),
			 "producer", json_text(info.producer), "contract", info.contract, "training", info.training,
			 "inputs", in, "outputs", out, "preprocess",
			 json_preprocess(image, info.n_preprocess), "steps",
			 json_steps(image));
	json_object_update_new(root, json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}",
		"bytes", (json_int_t)info.file_bytes,
		"weight_bytes", (json_int_t)info.weight_bytes,
		"const_bytes", (json_int_t)info.const_bytes,
		"macs_device", (json_int_t)info.macs_device,
		"macs_cpu", (json_int_t)info.macs_cpu,
		"cycles", (json_int_t)info.cycles,
		"mx_bound", (json_int_t)info.mx_bound, "utilization",
		utilization(info.macs_device, info.cycles)));
	return print_json(root);
}

static int info(void *args, struct fxq_image *image)
{
	const struct args *a = args;

	if (a->o.json)
		return print_as_json(image);
	print_text(image);
	return TOOL_OK;
}

int cmd_info(int argc, char **argv)
{
	struct args a = { 0 };

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	return image_do(&a.o, info, &a);
}
