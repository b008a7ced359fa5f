// SPDX-License-Identifier: MIT
/*
 * code.c - the graph as the forward() that torch 1.13 would generate
 *
 * A line computes one node, and ends by releasing the values that no later
 * line reads. Wrapped functions are announced above the function, by the name
 * they have in the program's own module.
 */
#include <stdlib.h>
#include <string.h>

#include "fx_priv.h"

/*
 * @last: for each node, by its place on the list, the node that uses it last,
 *	  or NULL
 * @stamp: of the walk over the line that is being written
 */
struct writer {
	FILE *to;
	const struct fx_graph *g;
	struct fx_node **last;
	struct fx_node *line;
	unsigned int stamp;
	bool released;
};

static bool is_identifier(const char *s, size_t len)
{
	if (!len || (s[0] >= '0' && s[0] <= '9'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= '0' && s[i] <= '9') || s[i] == '_' ||
		      (s[i] >= 'a' && s[i] <= 'z') ||
		      (s[i] >= 'A' && s[i] <= 'Z')))
			return false;
	return true;
}

static void write_element(FILE *to, const char *element, size_t len)
{
	char *text = strndup(element, len);

	if (!text)
		abort();
	if (is_identifier(element, len)) {
		fprintf(to, ".%s", text);
	} else {
		fputs(", \"", to);
		repr_plain(to, text);
		fputs("\")", to);
	}
	free(text);
}

/* getattr(BASE.blocks, "0").conv for "blocks.0.conv". */
static void write_path(FILE *to, const char *base, const char *path)
{
	size_t len;

	for (const char *s = path; ; s += len + 1) {
		len = strcspn(s, ".");
		if (!is_identifier(s, len))
			fputs("getattr(", to);
		if (!s[len])
			break;
	}

	fputs(base, to);
	for (const char *s = path; ; s += len + 1) {
		len = strcspn(s, ".");
		write_element(to, s, len);
		if (!s[len])
			break;
	}
}

/* Arguments from @first on, then kwargs: `relu, dim = 1`. */
static void write_args(FILE *to, const struct fx_node *n, size_t first)
{
	const char *comma = "";

	for (size_t i = first; i < n->n_args; i++, comma = ", ") {
		fputs(comma, to);
		repr_arg(to, &n->args[i], REPR_PYTHON);
	}
	for (size_t i = 0; i < n->n_kwargs; i++, comma = ", ") {
		fputs(comma, to);
		repr_plain(to, n->kwargs[i].name);
		fputs(" = ", to);
		repr_arg(to, &n->kwargs[i].value, REPR_PYTHON);
	}
}

static const struct fx_arg *operand(const struct fx_node *n, size_t i)
{
	return i < n->n_args ? &n->args[i] : &n->kwargs[i - n->n_args].value;
}

/* True if the operator's sign has room for just what the node has. */
static bool fits_pattern(const struct fx_node *n)
{
	size_t wanted = 0;

	if (!op_is_pattern(n->op))
		return false;
	for (const char *c = n->op->path; *c; c++)
		if (*c == '{' && (size_t)(c[1] - '0') + 1 > wanted)
			wanted = c[1] - '0' + 1;
	return wanted == n->n_args + n->n_kwargs;
}

/* "{0} + {1}": a digit in braces stands for an operand. */
static void write_pattern(FILE *to, const struct fx_node *n)
{
	for (const char *c = n->op->path; *c; c++) {
		if (*c != '{') {
			fputc(*c, to);
			continue;
		}
		repr_arg(to, operand(n, c[1] - '0'), REPR_PYTHON);
		c += 2;
	}
}

/* getattr(x, 'shape') is written x.shape. */
static bool is_attribute(const struct fx_node *n)
{
	return !strcmp(n->target, "getattr") && n->n_args == 2 &&
	       n->args[1].kind == FX_ARG_STR &&
	       is_identifier(n->args[1].s, strlen(n->args[1].s));
}

static void write_function_call(FILE *to, const struct fx_node *n)
{
	if (!n->wrapped && is_attribute(n)) {
		repr_arg(to, &n->args[0], REPR_PYTHON);
		fprintf(to, ".%s", n->args[1].s);
		return;
	}
	if (n->op && !n->wrapped && fits_pattern(n)) {
		write_pattern(to, n);
		return;
	}

	if (n->wrapped)
		fprintf(to, "__main___%s", n->target);
	else if (n->op && n->op->path && !strchr(n->op->path, '.'))
		fputs(n->op->path, to);
	else
		repr_qualified_target(to, n);
	fputc('(', to);
	write_args(to, n, 0);
	fputc(')', to);
}

static void write_method_call(FILE *to, const struct fx_node *n)
{
	char *base = NULL;
	size_t size;
	FILE *text = open_memstream(&base, &size);

	if (!text)
		abort();
	if (n->n_args)
		repr_arg(text, &n->args[0], REPR_PYTHON);
	fclose(text);

	write_path(to, base, n->target);
	fputc('(', to);
	write_args(to, n, 1);
	fputc(')', to);
	free(base);
}

static void write_value(FILE *to, const struct fx_node *n)
{
	switch (n->opcode) {
	case FX_GET_ATTR:
		write_path(to, "self", n->target);
		break;
	case FX_CALL_FUNCTION:
		write_function_call(to, n);
		break;
	case FX_CALL_METHOD:
		write_method_call(to, n);
		break;
	default:
		write_path(to, "self", n->target);
		fputc('(', to);
		write_args(to, n, 0);
		fputc(')', to);
	}
}

static void release_input(struct fx_node *in, void *ctx)
{
	struct writer *w = ctx;

	if (w->last[node_box(in)->order] != w->line ||
	    node_box(in)->stamp == w->stamp)
		return;
	node_box(in)->stamp = w->stamp;
	fprintf(w->to, "%s%s", w->released ? " = " : ";  ", in->name);
	w->released = true;
}

static void write_line(struct writer *w, struct fx_node *n)
{
	const char *raw = n->target + strspn(n->target, "*");

	if (n->opcode == FX_PLACEHOLDER) {
		if (!strcmp(raw, n->name))
			return;
		fprintf(w->to, "    %s = ", n->name);
		repr_plain(w->to, raw);
		fputc('\n', w->to);
		return;
	}
	if (n->opcode == FX_OUTPUT) {
		fputs("    return ", w->to);
		if (n->n_args)
			repr_arg(w->to, &n->args[0], REPR_PYTHON);
		fputc('\n', w->to);
		return;
	}

	fprintf(w->to, "    %s = ", n->name);
	write_value(w->to, n);

	w->line = n;
	w->stamp = ++n->graph->stamp;
	w->released = false;
	fx_node_visit(n, release_input, w);
	fputs(w->released ? " = None\n" : "\n", w->to);
}

static bool is_announced(const struct fx_node *n)
{
	return n->opcode == FX_CALL_FUNCTION &&
	       (n->wrapped || (n->op && n->op->flags & FX_OP_ANNOUNCED));
}

static bool announced_before(const struct fx_graph *g, const struct fx_node *n)
{
	for (struct fx_node *m = g->first; m != n; m = m->next)
		if (is_announced(m) && !strcmp(m->target, n->target))
			return true;
	return false;
}

static void write_wraps(FILE *to, const struct fx_graph *g)
{
	const char *newline = "";

	fx_for_each_node(n, g) {
		if (!is_announced(n) || announced_before(g, n))
			continue;
		fprintf(to, "%storch.fx._symbolic_trace.wrap(\"%s%s\")",
			newline, n->wrapped ? "__main___" : "", n->target);
		newline = "\n";
	}
}

static void write_signature(FILE *to, const struct fx_graph *g)
{
	fputs("def forward(self", to);
	fx_for_each_node(n, g) {
		if (n->opcode != FX_PLACEHOLDER)
			continue;
		fputs(", ", to);
		repr_plain(to, n->target);
		if (n->annotation) {
			fputs(" : ", to);
			repr_plain(to, n->annotation);
		}
		if (n->n_args) {
			fputs(" = ", to);
			repr_arg(to, &n->args[0], REPR_PYTHON);
		}
	}
	fputs("):\n", to);
}

char *fx_graph_code(const struct fx_graph *g)
{
	unsigned int count = graph_number_nodes((struct fx_graph *)g);
	struct writer w = { .g = g };
	char *text = NULL;
	size_t size;

	w.to = open_memstream(&text, &size);
	w.last = calloc(count + 1, sizeof(*w.last));
	if (!w.to || !w.last)
		abort();

	fputc('\n', w.to);
	write_wraps(w.to, g);
	fputs("\n\n", w.to);
	write_signature(w.to, g);
	if (!count)
		fputs("    pass\n", w.to);

	graph_last_users(g, w.last);
	fx_for_each_node(n, g)
		write_line(&w, n);
	fputs("    ", w.to);

	fclose(w.to);
	free(w.last);
	return text;
}
