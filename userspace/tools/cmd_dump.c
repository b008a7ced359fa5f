// SPDX-License-Identifier: MIT
/*
 * cmd_dump.c - an image's streams and tables in words, or a coredump
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <fxq/disasm.h>

#include "tool.h"

enum { KEY_STEP = OPTION_OWN, KEY_TABLES };

struct args {
	struct options o;
	const char *image;		/* or a coredump */
	const char *of;			/* the image of a coredump */
	int64_t step;
	bool tables;
};

static const struct argp_option options[] = {
	{ "step", KEY_STEP, "N", 0, "Only the stream of step N", 1 },
	{ "tables", KEY_TABLES, NULL, 0, "Only tensors, layers and steps", 2 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(&a->o, state);
		a->step = -1;
		return 0;
	case KEY_STEP:
		a->step = parse_number(state, "--step", arg, 0, UINT32_MAX);
		return 0;
	case KEY_TABLES:
		a->tables = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->of || (a->image && !is_coredump(a->image)))
			argp_error(state, "one image at a time: '%s' is the second",
				   arg);
		*(a->image ? &a->of : &a->image) = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which image? Give a .fxq file");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { &common_argp }, { NULL } };

static const struct argp argp = {
	options, parse, "IMAGE.fxq\nCOREDUMP [IMAGE.fxq]",
	"Prints an image's tables, and its streams one descriptor a line; or what "
	"the driver kept of a run that failed, with the names of the image's layers."
	"\vFor example:\n  fxq-run dump net.fxq | less",
	children, help_filter
};

static void print_tensors(const struct fxq_image *image)
{
	static const char *const heads[] = {
		">tensor", "<name", "<type", ">scale", ">zero", "<", NULL
	};
	struct table *t = table_new(heads);
	struct fxq_tensor_info info;
	char text[TYPE_TEXT_MAX];

	for (uint32_t i = 0; !fxq_image_tensor_info(image, i, &info); i++) {
		bool quantized = info.type.scale != 0;

		table_cell(t, "%u", info.index);
		table_cell(t, "%s", info.name);
		table_cell(t, "%s", type_text(&info.type, text));
		table_cell(t, quantized ? "%.9g" : "", (double)info.type.scale);
		table_cell(t, quantized ? "%d" : "", info.type.zero_point);
		table_cell(t, "%s", info.flags & FXQ_TENSOR_CONST ? "constant" :
			   info.flags & FXQ_TENSOR_DYNAMIC ? "at most" : "");
	}
	table_print(t, stdout);
}

static void print_tags(const struct fxq_image *image)
{
	static const char *const heads[] = {
		">tag", "<layer", "<operator", ">MACs", NULL
	};
	struct table *t = table_new(heads);
	struct fxq_tag_info tag;

	for (uint32_t i = 0; !fxq_image_tag_info(image, i, &tag); i++) {
		table_cell(t, "%u", i);
		table_cell(t, "%s", tag.layer);
		table_cell(t, "%s", tag.op);
		table_cell(t, "%" PRIu64, tag.macs);
	}
	table_print(t, stdout);
}

static void print_list(const char *what, const uint32_t *tensors, uint32_t n)
{
	printf("  %s", what);
	for (uint32_t i = 0; i < n; i++)
		if (tensors[i] == FXQ_ARG_ABSENT)
			printf(" -");
		else
			printf(" %u", tensors[i]);
}

static void print_attr(const struct fxq_attr *a)
{
	printf("  %s =", plain(a->name));
	if (a->type == FXQ_ATTR_INT)
		printf(" %" PRId64, a->i);
	if (a->type == FXQ_ATTR_FLOAT)
		printf(" %.9g", a->f);
	if (a->type == FXQ_ATTR_STRING)
		printf(" '%s'", plain(a->s));
	for (uint32_t i = 0; i < a->count; i++) {
		if (a->type == FXQ_ATTR_INTS)
			printf(" %" PRId64, a->ints[i]);
		if (a->type == FXQ_ATTR_FLOATS)
			printf(" %.9g", a->floats[i]);
	}
	putchar('\n');
}

static void print_bindings(const struct fxq_step_info *s)
{
	static const char *const kinds[] = {
		[FXQ_BIND_WEIGHTS] = "weights", [FXQ_BIND_SCRATCH] = "scratch",
		[FXQ_BIND_INPUT] = "input", [FXQ_BIND_OUTPUT] = "output",
	};

	for (uint32_t i = 0; i < s->n_bindings; i++) {
		const struct fxq_image_binding *b = &s->bindings[i];

		printf("  region %u: %s", b->region, kinds[b->kind]);
		if (b->kind >= FXQ_BIND_INPUT)
			printf(" tensor %u at %" PRIu64, b->tensor,
			       (uint64_t)b->offset);
		if (b->kind == FXQ_BIND_SCRATCH)
			printf(" %" PRIu64 " bytes", s->scratch_bytes);
		putchar('\n');
	}
}

static void print_step(uint32_t i, const struct fxq_step_info *s, bool stream)
{
	static const char *const kinds[] = {
		[FXQ_STEP_DEVICE] = "device", [FXQ_STEP_CPU] = "cpu",
		[FXQ_STEP_WRAPPED] = "wrapped",
	};

	printf("step %u: %s", i, kinds[s->kind]);
	if (s->kind == FXQ_STEP_DEVICE)
		printf(", %u descriptors, %" PRIu64 " cycles\n", s->n_descs,
		       s->cycles);
	else
		printf(" %s%s%s%s%s%s\n", plain(s->name),
		       *s->layer ? " for " : "", plain(s->layer),
		       *s->reason ? ": " : "", plain(s->reason),
		       s->is_method ? " (method)" : "");
	print_list("in", s->in, s->n_in);
	print_list("out", s->out, s->n_out);
	putchar('\n');
	for (uint32_t k = 0; k < s->n_attrs; k++)
		print_attr(&s->attrs[k]);
	print_bindings(s);
	for (uint32_t k = 0; stream && k < s->n_descs; k++)
		fxq_print_desc(stdout, &s->stream[k], k);
}

static int print_all(const struct args *a, const struct fxq_image *image)
{
	struct fxq_step_info s;

	if (a->step >= 0) {
		if (fxq_image_step_info(image, a->step, &s))
			return complain(TOOL_USAGE, "%s", fxq_error());
		print_step(a->step, &s, true);
		return TOOL_OK;
	}
	print_tensors(image);
	putchar('\n');
	print_tags(image);
	for (uint32_t i = 0; !fxq_image_step_info(image, i, &s); i++) {
		putchar('\n');
		print_step(i, &s, !a->tables);
	}
	return TOOL_OK;
}

json_t *json_desc(const struct fxq_desc *d, uint32_t i)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	json_t *s;

	if (!to)
		return json_null();
	fxq_print_desc(to, d, i);
	fclose(to);
	s = json_stringn(text, size && text[size - 1] == '\n' ? size - 1 : size);
	free(text);
	return s;
}

static int print_as_json(const struct args *a, const struct fxq_image *image)
{
	json_t *steps = json_array(), *tensors = json_array();
	json_t *tags = json_array();
	struct fxq_tensor_info t;
	struct fxq_tag_info tag;
	struct fxq_step_info s;

	for (uint32_t i = 0; !fxq_image_tensor_info(image, i, &t); i++)
		json_array_append_new(tensors, json_tensor(t.name, &t.type));
	for (uint32_t i = 0; !fxq_image_tag_info(image, i, &tag); i++)
		json_array_append_new(tags,
			json_pack("{s:o, s:o, s:I}", "layer",
				  json_text(tag.layer), "op",
				  json_text(tag.op), "macs",
				  (json_int_t)tag.macs));
	for (uint32_t i = 0; !fxq_image_step_info(image, i, &s); i++) {
		json_t *stream = json_array();

		for (uint32_t k = 0; !a->tables && k < s.n_descs; k++)
			json_array_append_new(stream,
					      json_desc(&s.stream[k], k));
		json_array_append_new(steps,
			json_pack("{s:o, s:o, s:I, s:o}", "name",
				  json_text(s.name), "layer",
				  json_text(s.layer), "cycles",
				  (json_int_t)s.cycles, "stream", stream));
	}
	return print_json(json_pack("{s:o, s:o, s:o}", "tensors", tensors,
				    "tags", tags, "steps", steps));
}

int cmd_dump(int argc, char **argv)
{
	struct args a = { 0 };
	struct fxq_image *image;
	int code;

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	if (is_coredump(a.image))
		return coredump_print(a.image, a.of, a.o.json);
	code = image_open(a.image, &image);
	if (code)
		return code;
	code = a.o.json ? print_as_json(&a, image) : print_all(&a, image);
	fxq_image_close(image);
	return code;
}
