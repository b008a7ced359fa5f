// SPDX-License-Identifier: MIT
/*
 * flags.c - which flags a trace depended on, and what it would be otherwise
 *
 * A branch on a flag is decided once, while tracing, and the other side is not
 * in the graph. So each reading of a flag is noted, and for each the model is
 * traced again with the other value: the difference says what was left out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn_priv.h"

static bool same_place(const struct fx_loc *a, const struct fx_loc *b)
{
	return a->line == b->line && !strcmp(a->file, b->file) &&
	       !strcmp(a->expr, b->expr);
}

bool flag_note(struct flags *flags, const struct fx_loc *at, bool value)
{
	if (!at || !at->file || !at->expr)
		return value;
	if (flags->flip && same_place(flags->flip, at))
		return !value;
	for (size_t i = 0; i < flags->n; i++)
		if (same_place(&flags->reads[i].at, at))
			return value;
	if (flags->n < MAX_FLAGS)
		flags->reads[flags->n++] = (struct flag_read){ *at, value };
	return value;
}

/* Functions of @g that @other has fewer of: "softmax, relu". */
static char *missing_in(struct fx_graph *g, struct fx_graph *other)
{
	const char *comma = "";
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		abort();
	fx_for_each_node(n, g) {
		int count = 0;

		if (n->opcode == FX_PLACEHOLDER || n->opcode == FX_OUTPUT ||
		    n->opcode == FX_GET_ATTR)
			continue;
		for (struct fx_node *m = n; m; m = m->prev)
			count += !strcmp(m->target, n->target);
		fx_for_each_node(m, other)
			count -= !strcmp(m->target, n->target);
		if (count > 0) {
			fprintf(to, "%s%s", comma, n->target);
			comma = ", ";
		}
	}
	fclose(to);
	return text;
}

/* "training" for fx_training(self), "flag" for fx_truth(self->flag). */
static void write_flag(FILE *to, const char *expr)
{
	const char *start = strchr(expr, '('), *name;
	size_t len = strlen(expr);

	if (!strncmp(expr, "fx_training(", 12) || !start) {
		fputs("training", to);
		return;
	}
	name = start + 1;
	if (!strncmp(name, "self->", 6))
		name += 6;
	len -= name - expr;
	fprintf(to, "%.*s", (int)(len ? len - 1 : 0), name);
}

/* A function that reads the flag can be wrapped; a forward's part becomes one. */
static const char *to_be_wrapped(const struct fx_loc *at)
{
	if (!at->function || !strncmp(at->function, "fx_forward_body_", 16))
		return "_post_process";
	return at->function;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void write_difference(FILE *to, struct fx_graph *g,
			     struct fx_graph *other)
{
	char *gone = missing_in(g, other), *come = missing_in(other, g);

	if (*gone && *come)
		fprintf(to, "have %s instead of %s", come, gone);
	else if (*come)
		fprintf(to, "also have %s", come);
	else if (*gone)
		fprintf(to, "not have %s", gone);
	else
		fputs("call the same functions", to);
	free(gone);
	free(come);
}

static void write_note(FILE *to, const struct flag_read *read,
		       struct fx_module *model, const struct fx_tracer *tracer,
		       struct fx_graph *g)
{
	struct flags flags = { .flip = &read->at };
	struct fx_tracer again = *tracer;
	struct fx_graph *other;
	int ret = trace_with(model, &again, &flags, &other);

	fprintf(to, "%s:%d: ", base_name(read->at.file), read->at.line);
	write_flag(to, read->at.expr);
	fprintf(to, " read as %s; with %s the ", read->value ? "true" : "false",
		read->value ? "false" : "true");
	if (ret) {
		fprintf(to, "trace would fail: %s\n",
			again.error + again.error_text);
		return;
	}
	fputs("graph would ", to);
	write_difference(to, g, other);
	fprintf(to, "; wrap %s to keep both\n", to_be_wrapped(&read->at));
	fx_graph_free(other);
}

int fx_trace_notes(struct fx_module *model, struct fx_tracer *tracer,
		   char **ret_notes)
{
	struct flags flags = { 0 };
	struct fx_graph *g;
	size_t size;
	FILE *to;
	int ret;

	ret = trace_with(model, tracer, &flags, &g);
	if (ret)
		return ret;

	to = open_memstream(ret_notes, &size);
	if (!to)
		abort();
	for (size_t i = 0; i < flags.n; i++)
		write_note(to, &flags.reads[i], model, tracer, g);
	fclose(to);
	fx_graph_free(g);
	return 0;
}
