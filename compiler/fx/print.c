// SPDX-License-Identifier: MIT
/*
 * print.c - a graph as a table and as text, the way torch 1.13 prints them
 *
 * Python adds an address to a function. It differs from run to run and tells
 * nothing, so it is left out, or a hash of the name stands in its place. What a
 * table may say beyond torch's is where in the C source a node was made.
 * Strings that come from a model file have their control characters made
 * visible.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fx_priv.h"

enum column {
	COLUMN_OPCODE,
	COLUMN_NAME,
	COLUMN_TARGET,
	COLUMN_ARGS,
	COLUMN_KWARGS,
	COLUMN_WHERE,
	COLUMN_COUNT
};

enum style {
	STYLE_PLAIN,		/* without addresses */
	STYLE_TORCH,
	STYLE_NATIVE,		/* with COLUMN_WHERE */
};

static int count_columns(enum style style)
{
	return style == STYLE_NATIVE ? COLUMN_COUNT : COLUMN_WHERE;
}

struct row {
	char *cells[COLUMN_COUNT];
};

/* The same twelve digits for a function in every run: FNV-1a of its name. */
static void write_address(FILE *to, const struct fx_node *n)
{
	uint64_t hash = 0xcbf29ce484222325;
	char *name = NULL;
	size_t size;
	FILE *text = open_memstream(&name, &size);

	if (!text)
		abort();
	repr_qualified_target(text, n);
	fclose(text);
	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
	fprintf(to, " at 0x7f%010" PRIx64, hash & 0xffffffffff);
	free(name);
}

/* Python gives the address of its own functions, and of methods of types. */
static bool has_address(const char *repr)
{
	return !strncmp(repr, "<function ", 10) ||
	       !strncmp(repr, "<built-in method ", 17);
}

static void write_function(FILE *to, const struct fx_node *n, bool addresses)
{
	char *own = NULL;
	const char *repr = n->op ? n->op->repr : NULL;
	size_t len;

	if (!repr && asprintf(&own, "<function %s>", n->target) < 0)
		abort();
	if (!repr)
		repr = own;
	len = strlen(repr);
	if (addresses && has_address(repr)) {
		fprintf(to, "%.*s", (int)len - 1, repr);
		write_address(to, n);
		repr += len - 1;
	}
	repr_plain(to, repr);
	free(own);
}

/*
 * "net.c:31 Net": a forward by its class, anything else by its own name; the
 * layer, if it was not C that made the node.
 */
static void write_where(FILE *to, const struct fx_node *n)
{
	static const char *const prefixes[] = { "fx_forward_body_", "fx_body_" };
	const struct fx_loc *at = &n->loc;
	const char *slash, *function = at->function;

	if (!at->file) {
		repr_plain(to, n->source ? n->source : "");
		return;
	}
	slash = strrchr(at->file, '/');
	fprintf(to, "%s:%d", slash ? slash + 1 : at->file, at->line);
	for (int i = 0; function && i < 2; i++)
		if (!strncmp(function, prefixes[i], strlen(prefixes[i])))
			function += strlen(prefixes[i]);
	if (function)
		fprintf(to, " %s", function);
}

static void write_cell(FILE *to, const struct fx_node *n, enum column column,
		       enum style style)
{
	switch (column) {
	case COLUMN_OPCODE:
		fputs(opcode_names[n->opcode], to);
		break;
	case COLUMN_NAME:
		fputs(n->name, to);
		break;
	case COLUMN_TARGET:
		if (n->opcode == FX_CALL_FUNCTION)
			write_function(to, n, style == STYLE_TORCH);
		else
			repr_plain(to, n->target);
		break;
	case COLUMN_ARGS:
		repr_args(to, n, REPR_PYTHON);
		break;
	case COLUMN_KWARGS:
		repr_kwargs(to, n, REPR_PYTHON);
		break;
	default:
		write_where(to, n);
	}
}

static char *make_cell(const struct fx_node *n, enum column column,
		       enum style style)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		abort();
	write_cell(to, n, column, style);
	fclose(to);
	return text;
}

/* Columns on a terminal: bytes but for those that continue a UTF-8 sequence. */
static int text_width(const char *s)
{
	int width = 0;

	for (; *s; s++)
		width += ((unsigned char)*s & 0xc0) != 0x80;
	return width;
}

static void print_padded(FILE *to, const char *text, int width)
{
	fprintf(to, "%s%*s", text, width - text_width(text), "");
}

/* Trailing blanks are left out, as those of last cells that are empty. */
static void print_row(FILE *to, const char *const *cells, const int *widths,
		      int n_columns)
{
	while (n_columns > 1 && !*cells[n_columns - 1])
		n_columns--;
	for (int c = 0; c < n_columns - 1; c++)
		print_padded(to, cells[c], widths[c] + 2);
	fprintf(to, "%s\n", cells[n_columns - 1]);
}

static void print_rule(FILE *to, const int *widths, int n_columns)
{
	for (int c = 0; c < n_columns; c++) {
		for (int i = 0; i < widths[c]; i++)
			fputc('-', to);
		fputs(c + 1 < n_columns ? "  " : "\n", to);
	}
}

static void print_table(const struct fx_graph *g, FILE *to, enum style style)
{
	static const char *const heads[COLUMN_COUNT] = {
		"opcode", "name", "target", "args", "kwargs", "where"
	};
	const int n_columns = count_columns(style);
	struct row *rows = calloc(g->n_nodes + 1, sizeof(*rows));
	int widths[COLUMN_COUNT], width;
	size_t n_rows = 0;

	if (!rows)
		abort();

	for (int c = 0; c < n_columns; c++)
		widths[c] = strlen(heads[c]) + 2;
	fx_for_each_node(n, g) {
		for (int c = 0; c < n_columns; c++) {
			rows[n_rows].cells[c] = make_cell(n, c, style);
			width = text_width(rows[n_rows].cells[c]);
			if (width > widths[c])
				widths[c] = width;
		}
		n_rows++;
	}

	print_row(to, heads, widths, n_columns);
	print_rule(to, widths, n_columns);
	for (size_t i = 0; i < n_rows; i++) {
		print_row(to, (const char *const *)rows[i].cells, widths,
			  n_columns);
		for (int c = 0; c < n_columns; c++)
			free(rows[i].cells[c]);
	}
	free(rows);
}

void fx_graph_print_tabular(const struct fx_graph *g, FILE *to)
{
	print_table(g, to, STYLE_PLAIN);
}

void fx_graph_print_tabular_torch(const struct fx_graph *g, FILE *to)
{
	print_table(g, to, STYLE_TORCH);
}

void fx_graph_print_tabular_native(const struct fx_graph *g, FILE *to)
{
	print_table(g, to, STYLE_NATIVE);
}

static void print_call(const struct fx_node *n, FILE *to)
{
	fputs("](args = ", to);
	repr_args(to, n, REPR_GRAPH);
	fputs(", kwargs = ", to);
	repr_kwargs(to, n, REPR_GRAPH);
	fputc(')', to);
}

/* Python prints the returned value itself, so names carry no percent sign. */
static void print_return(const struct fx_node *n, FILE *to)
{
	fputs("return ", to);
	if (n->n_args && n->args[0].kind == FX_ARG_STR)
		repr_plain(to, n->args[0].s);
	else if (n->n_args)
		repr_arg(to, &n->args[0], REPR_PYTHON);
}

static void print_node(const struct fx_node *n, FILE *to)
{
	fputs("    ", to);
	if (n->opcode == FX_OUTPUT) {
		print_return(n, to);
		return;
	}

	fprintf(to, "%%%s : ", n->name);
	if (n->annotation)
		repr_plain(to, n->annotation);
	fprintf(to, "%s[#users=%u] = %s[target=", n->annotation ? " " : "",
		n->n_users, opcode_names[n->opcode]);
	repr_qualified_target(to, n);
	if (n->opcode != FX_PLACEHOLDER && n->opcode != FX_GET_ATTR) {
		print_call(n, to);
		return;
	}

	fputc(']', to);
	if (n->opcode == FX_PLACEHOLDER && n->n_args) {
		fputs("(default=", to);
		repr_arg(to, &n->args[0], REPR_GRAPH);
		fputc(')', to);
	}
}

void fx_graph_print(const struct fx_graph *g, FILE *to)
{
	fputs("graph():", to);
	fx_for_each_node(n, g) {
		fputc('\n', to);
		print_node(n, to);
	}
	fputc('\n', to);
}
