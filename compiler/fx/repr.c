// SPDX-License-Identifier: MIT
/*
 * repr.c - values as Python prints them
 *
 * The printed graph is compared with torch's, so an argument looks as repr()
 * makes it: the shortest digits that read back as the same number, strings in
 * single quotes unless that is harder to read, a comma after a single item.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fx_priv.h"

/* What follows a backslash for @c; 0 if @c needs none. */
static char escape_of(unsigned char c)
{
	switch (c) {
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	case '\\':
		return '\\';
	default:
		return 0;
	}
}

void repr_str(FILE *to, const char *s)
{
	char quote = strchr(s, '\'') && !strchr(s, '"') ? '"' : '\'';

	fputc(quote, to);
	for (; *s; s++) {
		unsigned char c = *s;

		if (escape_of(c))
			fprintf(to, "\\%c", escape_of(c));
		else if (c == quote)
			fprintf(to, "\\%c", c);
		else if (c < ' ' || c == 127)
			fprintf(to, "\\x%02x", c);
		else
			fputc(c, to);
	}
	fputc(quote, to);
}

void repr_plain(FILE *to, const char *s)
{
	for (; *s; s++) {
		unsigned char c = *s;

		if (c < ' ' || c == 127)
			fprintf(to, "\\x%02x", c);
		else
			fputc(c, to);
	}
}

/* The fewest digits that read back as @f; returns its decimal exponent. */
static int shortest_digits(double f, char digits[24])
{
	char text[40];
	size_t n = 0;

	for (int precision = 0; precision <= 16; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, f);
		if (strtod(text, NULL) == f)
			break;
	}

	/* The point is whatever the locale has it to be: digits alone count. */
	for (const char *c = text; *c != 'e'; c++)
		if (*c >= '0' && *c <= '9')
			digits[n++] = *c;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	digits[n] = 0;
	return atoi(strchr(text, 'e') + 1);
}

/* 0.001, 12.5, 1200.0: where the exponent is small enough for that. */
static void print_fixed(FILE *to, const char *digits, int exponent)
{
	int n = strlen(digits);

	if (exponent < 0) {
		fprintf(to, "0.%.*s%s", -exponent - 1, "000", digits);
		return;
	}
	for (int i = 0; i <= exponent; i++)
		fputc(i < n ? digits[i] : '0', to);
	fprintf(to, ".%s", n > exponent + 1 ? digits + exponent + 1 : "0");
}

void repr_float(FILE *to, double f)
{
	char digits[24];
	int exponent;

	if (isnan(f)) {
		fputs("nan", to);
		return;
	}
	if (signbit(f))
		fputc('-', to);
	if (isinf(f)) {
		fputs("inf", to);
		return;
	}

	exponent = shortest_digits(fabs(f), digits);
	if (exponent >= -4 && exponent < 16) {
		print_fixed(to, digits, exponent);
		return;
	}
	fputc(digits[0], to);
	if (digits[1])
		fprintf(to, ".%s", digits + 1);
	fprintf(to, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
}

char *fx_repr_float(double f)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		abort();
	repr_float(to, f);
	fclose(to);
	return text;
}

static void repr_items(FILE *to, const struct fx_arg *items, size_t n,
		       enum repr_style style)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			fputs(", ", to);
		repr_arg(to, &items[i], style);
	}
}

static void repr_tuple(FILE *to, const struct fx_arg *items, size_t n,
		       enum repr_style style)
{
	fputc('(', to);
	repr_items(to, items, n, style);
	fputs(n == 1 ? ",)" : ")", to);
}

static void repr_dict(FILE *to, const struct fx_arg *a, enum repr_style style)
{
	fputc('{', to);
	for (size_t i = 0; i < a->count; i++) {
		if (i)
			fputs(i % 2 ? ": " : ", ", to);
		repr_arg(to, &a->items[i], style);
	}
	fputc('}', to);
}

void repr_arg(FILE *to, const struct fx_arg *a, enum repr_style style)
{
	switch (a->kind) {
	case FX_ARG_NONE:
		fputs("None", to);
		break;
	case FX_ARG_BOOL:
		fputs(a->b ? "True" : "False", to);
		break;
	case FX_ARG_INT:
		fprintf(to, "%" PRId64, a->i);
		break;
	case FX_ARG_FLOAT:
		repr_float(to, a->f);
		break;
	case FX_ARG_STR:
		if (style == REPR_GRAPH)
			repr_plain(to, a->s);
		else
			repr_str(to, a->s);
		break;
	case FX_ARG_NODE:
		fprintf(to, "%s%s", style == REPR_GRAPH ? "%" : "",
			a->node->name);
		break;
	case FX_ARG_TUPLE:
		repr_tuple(to, a->items, a->count, style);
		break;
	case FX_ARG_LIST:
		fputc('[', to);
		repr_items(to, a->items, a->count, style);
		fputc(']', to);
		break;
	case FX_ARG_SLICE:
		fputs("slice", to);
		repr_tuple(to, a->items, a->count, style);
		break;
	case FX_ARG_DICT:
		repr_dict(to, a, style);
		break;
	case FX_ARG_NAME:
		repr_plain(to, a->s);
		break;
	}
}

void repr_args(FILE *to, const struct fx_node *n, enum repr_style style)
{
	repr_tuple(to, n->args, n->n_args, style);
}

void repr_kwargs(FILE *to, const struct fx_node *n, enum repr_style style)
{
	fputc('{', to);
	for (size_t i = 0; i < n->n_kwargs; i++) {
		if (i)
			fputs(", ", to);
		if (style == REPR_GRAPH)
			repr_plain(to, n->kwargs[i].name);
		else
			repr_str(to, n->kwargs[i].name);
		fputs(": ", to);
		repr_arg(to, &n->kwargs[i].value, style);
	}
	fputc('}', to);
}

bool op_is_pattern(const struct fx_op *op)
{
	return op->path && strchr(op->path, '{');
}

/*
 * A wrapped function is one of the program's own: Python's __main__. A path
 * without a point is a function that Python has built in.
 */
void repr_qualified_target(FILE *to, const struct fx_node *n)
{
	if (n->opcode != FX_CALL_FUNCTION)
		repr_plain(to, n->target);
	else if (n->wrapped)
		fprintf(to, "__main__.%s", n->target);
	else if (!n->op || !n->op->path)
		repr_plain(to, n->target);
	else if (op_is_pattern(n->op))
		fprintf(to, "operator.%s", n->target);
	else if (!strchr(n->op->path, '.'))
		fprintf(to, "builtins.%s", n->op->path);
	else
		fputs(n->op->path, to);
}
