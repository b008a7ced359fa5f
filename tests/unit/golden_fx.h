/* SPDX-License-Identifier: MIT */
/*
 * golden_fx.h - what torch printed for a network, against what we print
 *
 * A golden file holds a forward, what it printed while being traced, the table,
 * the code, and str(graph). Code and str(graph) are compared to the character.
 * So is the table, once the addresses that Python adds to functions are cut;
 * since they made the columns wider, runs of blanks and dashes count as one
 * where there were any.
 */
#ifndef FXQ_TESTS_GOLDEN_FX_H
#define FXQ_TESTS_GOLDEN_FX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <fxq/fx.h>

static inline char *golden_read(const char *name)
{
	char path[512], *text;
	long size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.txt", GOLDEN_FX, name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s is missing", path);
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	text = calloc(1, size + 1);
	assert_int_equal(fread(text, 1, size, f), size);
	fclose(f);
	return text;
}

/* What stands between two headings; "" without the first. Malloced. */
static inline char *golden_part(const char *text, const char *from,
				const char *to)
{
	const char *start = strstr(text, from), *end;

	if (!start)
		return strdup("");
	start += strlen(from);
	end = to ? strstr(start, to) : NULL;
	return strndup(start, end ? (size_t)(end - start) : strlen(start));
}

/* Cuts addresses and what they made wider, in place. */
static inline void golden_mask(char *text)
{
	char *to = text;

	for (char *from = text; *from; from++) {
		if (!strncmp(from, " at 0x", 6))
			from += strcspn(from, ">");
		if ((*from == ' ' || *from == '-') && to > text &&
		    to[-1] == *from)
			continue;
		*to++ = *from;
	}
	*to = 0;
}

static inline char *print_to_text(void (*print)(const struct fx_graph *,
						FILE *),
				  const struct fx_graph *g)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	print(g, to);
	fclose(to);
	return text;
}

static inline void assert_golden(const struct fx_graph *g, const char *name)
{
	char *golden = golden_read(name);
	char *table = golden_part(golden, "## print_tabular\n", "## code\n");
	char *code = golden_part(golden, "## code\n", "## str(graph)");
	char *text = golden_part(golden, "## str(graph)\n", "## after");
	char *our_table = print_to_text(fx_graph_print_tabular, g);
	char *our_text = print_to_text(fx_graph_print, g);
	char *our_code = fx_graph_code(g);

	assert_string_equal(our_text, text);
	assert_string_equal(our_code, code);
	if (strstr(table, " at 0x")) {
		golden_mask(table);
		golden_mask(our_table);
	}
	assert_string_equal(our_table, table);

	free(our_code);
	free(our_text);
	free(our_table);
	free(text);
	free(code);
	free(table);
	free(golden);
}

/* Runs fn(ctx) and returns what it wrote to stdout, malloced. */
static inline char *stdout_of(void (*fn)(void *ctx), void *ctx)
{
	FILE *to = tmpfile();
	int saved;
	long size;
	char *text;

	assert_non_null(to);
	fflush(stdout);
	saved = dup(1);
	dup2(fileno(to), 1);
	fn(ctx);
	fflush(stdout);
	dup2(saved, 1);
	close(saved);

	fseek(to, 0, SEEK_END);
	size = ftell(to);
	rewind(to);
	text = calloc(1, size + 1);
	assert_int_equal(fread(text, 1, size, to), size);
	fclose(to);
	return text;
}

#endif
