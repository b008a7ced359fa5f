// SPDX-License-Identifier: MIT
/*
 * dump.c - the graph between two passes, one line a node
 *
 * What a compiler person wants to see at a glance: name, type with scale and
 * zero point, how the value is made, and after a `#` the layer it came from
 * and where it runs.
 *
 *   conv   int8 [1, 16, 28, 28] *0.0123 z-3  conv2d(input_1, w, b)  # conv1
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fx_priv.h"

#define MAX_COLUMN 48

static void write_type(FILE *to, const struct fxq_tensor *t)
{
	char text[TENSOR_STR_MAX];

	fputs(tensor_str(t, text), to);
	if (t->scale)
		fprintf(to, " *%.6g z%d", t->scale, t->zero_point);
}

static void write_types(FILE *to, const struct fx_node *n)
{
	if (n->opcode == FX_OUTPUT)
		return;
	for (int i = 0; i < n->n_out; i++) {
		if (i)
			fputs("; ", to);
		write_type(to, &n->out[i]);
	}
}

char *types_text(const struct fx_node *n)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		abort();
	write_types(to, n);
	fclose(to);
	return text;
}

static void write_call(FILE *to, const struct fx_node *n)
{
	const char *comma = "";

	repr_plain(to, n->target);
	fputc('(', to);
	for (size_t i = 0; i < n->n_args; i++, comma = ", ") {
		fputs(comma, to);
		repr_arg(to, &n->args[i], REPR_PYTHON);
	}
	for (size_t i = 0; i < n->n_kwargs; i++, comma = ", ") {
		fputs(comma, to);
		repr_plain(to, n->kwargs[i].name);
		fputc('=', to);
		repr_arg(to, &n->kwargs[i].value, REPR_PYTHON);
	}
	fputc(')', to);
}

static void write_element(FILE *to, const struct fxq_tensor *t, int64_t i)
{
	switch (t->dtype) {
	case FXQ_DTYPE_F32:
		fprintf(to, "%.6g", ((const float *)t->data)[i]);
		break;
	case FXQ_DTYPE_F64:
		fprintf(to, "%.6g", ((const double *)t->data)[i]);
		break;
	case FXQ_DTYPE_I64:
		fprintf(to, "%" PRId64, ((const int64_t *)t->data)[i]);
		break;
	case FXQ_DTYPE_I32:
		fprintf(to, "%" PRId32, ((const int32_t *)t->data)[i]);
		break;
	case FXQ_DTYPE_I8:
		fprintf(to, "%d", ((const int8_t *)t->data)[i]);
		break;
	case FXQ_DTYPE_U8:
	case FXQ_DTYPE_BOOL:
		fprintf(to, "%d", ((const uint8_t *)t->data)[i]);
		break;
	default:
		fputc('?', to);
	}
}

/* A few elements are shown: most often they are a shape, axes or a scale. */
static void write_constant(FILE *to, const struct fxq_tensor *t)
{
	int64_t count = fxq_tensor_count(t);

	if (count > 4) {
		fprintf(to, "constant of %zu bytes", fxq_tensor_bytes(t));
		return;
	}
	fputs("constant {", to);
	for (int64_t i = 0; i < count; i++) {
		fputs(i ? ", " : "", to);
		write_element(to, t, i);
	}
	fputc('}', to);
}

void write_making(FILE *to, const struct fx_node *n)
{
	switch (n->opcode) {
	case FX_PLACEHOLDER:
		fputs("input", to);
		break;
	case FX_GET_ATTR:
		if (fx_node_is_const(n))
			write_constant(to, &n->out[0]);
		else
			fputs("attribute", to);
		break;
	case FX_CALL_MODULE:
		fputs("module ", to);
		write_call(to, n);
		break;
	case FX_OUTPUT:
		fputs("return ", to);
		if (n->n_args)
			repr_arg(to, &n->args[0], REPR_PYTHON);
		break;
	default:
		fputs(n->wrapped ? "wrapped " : "", to);
		write_call(to, n);
	}
}

static void write_origin(FILE *to, const struct fx_node *n)
{
	const char *lead = "  # ";

	if (n->source && strcmp(n->source, n->name)) {
		fputs(lead, to);
		repr_plain(to, n->source);
		lead = ", ";
	}
	if (n->place == FX_PLACE_DEVICE) {
		fprintf(to, "%sdevice, segment %d", lead, n->segment);
		lead = ", ";
	} else if (n->place == FX_PLACE_CPU) {
		fprintf(to, "%sCPU", lead);
		if (n->reason)
			fprintf(to, ": %s", n->reason);
		lead = ", ";
	}
	if (n->loc.file)
		fprintf(to, "%s%s:%d", lead, n->loc.file, n->loc.line);
}

static int at_most(int width)
{
	return width < MAX_COLUMN ? width : MAX_COLUMN;
}

void fx_graph_dump(const struct fx_graph *g, FILE *to)
{
	int name_width = 0, type_width = 0, width;

	fx_for_each_node(n, g) {
		char *types = types_text(n);

		width = at_most(strlen(n->name));
		name_width = width > name_width ? width : name_width;
		width = at_most(strlen(types));
		type_width = width > type_width ? width : type_width;
		free(types);
	}

	fprintf(to, "graph of %zu nodes\n", g->n_nodes);
	fx_for_each_node(n, g) {
		char *types = types_text(n);

		fprintf(to, "  %-*s  %-*s  ", name_width, n->name, type_width,
			types);
		write_making(to, n);
		write_origin(to, n);
		fputc('\n', to);
		free(types);
	}
}
