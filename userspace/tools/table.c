// SPDX-License-Identifier: MIT
/*
 * table.c - columns that line up
 *
 * Cells are kept until all are known; the last column is not padded, so that
 * no line ends in space.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

struct table {
	const char *const *heads;
	size_t n_columns, n_cells;
	char **cell;
	bool failed;
};

struct table *table_new(const char *const *heads)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->heads = heads;
	while (heads[t->n_columns])
		t->n_columns++;
	return t;
}

void table_cell(struct table *t, const char *fmt, ...)
{
	char **more = NULL, *text = NULL;
	va_list args;

	if (!t || t->failed)
		return;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (text)
		more = realloc(t->cell, (t->n_cells + 1) * sizeof(*more));
	if (!more) {
		free(text);
		t->failed = true;
		return;
	}
	/* What comes from a file must not steer the terminal. */
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	t->cell = more;
	t->cell[t->n_cells++] = text;
}

/* Columns that are taken, counting a character for each UTF-8 sequence. */
static int width_of(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static void print_cell(const struct table *t, size_t column, const char *text,
		       int width, FILE *to)
{
	bool last = column + 1 == t->n_columns;
	int pad = width - width_of(text);

	if (t->heads[column][0] == '>')
		fprintf(to, "%*s%s", pad, "", text);
	else
		fprintf(to, "%s%*s", text, last ? 0 : pad, "");
	fputs(last ? "\n" : "  ", to);
}

static int column_width(const struct table *t, size_t column)
{
	int width = width_of(t->heads[column] + 1);

	for (size_t i = column; i < t->n_cells; i += t->n_columns)
		if (width_of(t->cell[i]) > width)
			width = width_of(t->cell[i]);
	return width;
}

void table_print(struct table *t, FILE *to)
{
	int width[32];

	if (!t || t->failed || t->n_columns > 32) {
		fputs("there is not enough memory for this table\n", stderr);
		return;
	}
	for (size_t c = 0; c < t->n_columns; c++)
		width[c] = column_width(t, c);
	for (size_t c = 0; c < t->n_columns; c++)
		print_cell(t, c, t->heads[c] + 1, width[c], to);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t c = i % t->n_columns;

		print_cell(t, c, t->cell[i], width[c], to);
		free(t->cell[i]);
	}
	free(t->cell);
	free(t);
}
