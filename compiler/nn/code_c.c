// SPDX-License-Identifier: MIT
/*
 * code_c.c - the graph as a forward in C
 *
 * A translation unit with the names and the lines that fx_graph_code() has in
 * Python, in the calls of nn.h: compiled, it is what a graph module runs
 * (fx_set_code()). Where Python's code says `x = None`, the value is released.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn_priv.h"

/*
 * struct writer
 * @last: for each node, by the place that node->data holds, its last user
 */
struct writer {
	FILE *to;
	struct fx_graph *g;
	struct fx_node **last, *line;
};

/* Names */

/* Words of C's, and names that the code itself means something by. */
static const char *const taken[] = {
	"auto", "bool", "break", "case", "char", "const", "continue",
	"default", "do", "double", "else", "enum", "extern", "false", "float",
	"for", "forward", "goto", "if", "inline", "int", "linux", "long",
	"register", "restrict", "return", "self", "short", "signed", "sizeof",
	"static", "stderr", "stdin", "stdout", "struct", "switch", "true",
	"typedef", "typeof", "asm", "union", "unix", "unsigned", "void",
	"volatile", "while", "fxv",
};

static bool is_taken(const char *name)
{
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (!strcmp(taken[i], name))
			return true;
	return !strncmp(name, "fx_", 3);
}

static const char *raw_name(const struct fx_node *n)
{
	return n->target + strspn(n->target, "*");
}

static bool in_graph(struct fx_graph *g, const char *name)
{
	fx_for_each_node(n, g)
		if (!strcmp(n->name, name) || (n->opcode == FX_PLACEHOLDER &&
					       !strcmp(raw_name(n), name)))
			return true;
	return false;
}

/* With as many `_` behind it as make it nobody's. */
static void write_name(struct writer *w, const char *name)
{
	char *text = must_print("%s", name), *longer;

	while (is_taken(text) || (strcmp(text, name) && in_graph(w->g, text))) {
		longer = must_print("%s_", text);
		free(text);
		text = longer;
	}
	fputs(text, w->to);
	free(text);
}

/* Values */

static void write_string(FILE *to, const char *s)
{
	fputc('"', to);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(to, "\\%c", *s);
		else if ((unsigned char)*s < ' ' || *s == 127 || *s == '?')
			fprintf(to, "\\%03o", (unsigned char)*s);
		else
			fputc(*s, to);
	}
	fputc('"', to);
}

static void write_float(FILE *to, double f)
{
	char *text = fx_repr_float(f);

	if (isnan(f))
		fputs("NAN", to);
	else if (isinf(f))
		fputs(f < 0 ? "-INFINITY" : "INFINITY", to);
	else
		fputs(text, to);
	free(text);
}

static void write_int(FILE *to, int64_t i)
{
	if (i == INT64_MIN)
		fputs("INT64_MIN", to);
	else
		fprintf(to, "%" PRId64, i);
}

static void write_items(struct writer *w, const char *call,
			const struct fx_arg *items, size_t n);

static bool is_none(const struct fx_arg *a)
{
	return a->kind == FX_ARG_NONE;
}

static void write_slice(struct writer *w, const struct fx_arg *a)
{
	if (is_none(&a->items[0]) && is_none(&a->items[1]) &&
	    is_none(&a->items[2]))
		fputs("fx_all", w->to);
	else
		write_items(w, "fx_slice", a->items, 3);
}

static void write_global(FILE *to, const char *name)
{
	if (!strcmp(name, "Ellipsis"))
		fputs("fx_ellipsis", to);
	else
		fprintf(to, "fx_dtype(%s)", name + strlen("torch."));
}

/* As an operand, which may be a number of C's. */
static void write_operand(struct writer *w, const struct fx_arg *a)
{
	switch (a->kind) {
	case FX_ARG_NONE:
		fputs("fx_none", w->to);
		break;
	case FX_ARG_BOOL:
		fprintf(w->to, "fx_of_bool(%s)", a->b ? "true" : "false");
		break;
	case FX_ARG_INT:
		write_int(w->to, a->i);
		break;
	case FX_ARG_FLOAT:
		write_float(w->to, a->f);
		break;
	case FX_ARG_STR:
		write_string(w->to, a->s);
		break;
	case FX_ARG_NODE:
		write_name(w, a->node->name);
		break;
	case FX_ARG_TUPLE:
		write_items(w, "fx_tuple", a->items, a->count);
		break;
	case FX_ARG_LIST:
		write_items(w, "fx_list", a->items, a->count);
		break;
	case FX_ARG_SLICE:
		write_slice(w, a);
		break;
	case FX_ARG_DICT:
		write_items(w, "fx_dict", a->items, a->count);
		break;
	case FX_ARG_NAME:
		write_global(w->to, a->s);
		break;
	}
}

static void write_items(struct writer *w, const char *call,
			const struct fx_arg *items, size_t n)
{
	fprintf(w->to, "%s(", call);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ", " : "", w->to);
		write_operand(w, &items[i]);
	}
	fputc(')', w->to);
}

/* As an fxv. */
static void write_value(struct writer *w, const struct fx_arg *a)
{
	bool plain = a->kind == FX_ARG_INT || a->kind == FX_ARG_FLOAT ||
		     a->kind == FX_ARG_STR;

	fputs(plain ? "fx_value(" : "", w->to);
	write_operand(w, a);
	fputs(plain ? ")" : "", w->to);
}

/* Calls of functions and methods */

static bool is_default(const struct fx_option *option, const struct fx_arg *a)
{
	switch (a->kind) {
	case FX_ARG_NONE:
		return true;	/* what is not given */
	case FX_ARG_BOOL:
		return option->def.kind == FX_VALUE_BOOL &&
		       option->def.b == a->b;
	case FX_ARG_INT:
		return option->def.kind == FX_VALUE_INT &&
		       option->def.i == a->i;
	case FX_ARG_STR:
		return option->def.kind == FX_VALUE_STR &&
		       !strcmp(option->def.s, a->s);
	default:
		return false;
	}
}

static const struct fx_option *option_called(const struct fx_function *fn,
					     const char *name)
{
	for (size_t i = 0; i < fn->n_options; i++)
		if (!strcmp(fn->options[i].name, name))
			return &fn->options[i];
	return NULL;
}

/* What follows the name of an option that several numbers are given; or NULL. */
static const char *suffix_of(const struct fx_option *option,
			     const struct fx_arg *a)
{
	return a->kind == FX_ARG_TUPLE ? option_suffix(option, a->count) : NULL;
}

/* `2`, `.dim = 1`, `.stride_hw = { 2, 1 }` */
static void write_option(struct writer *w, const struct fx_option *option,
			 const struct fx_arg *a, bool named)
{
	const char *suffix = suffix_of(option, a);

	if (named || suffix)
		fprintf(w->to, ".%s%s = ", option->name, suffix ? suffix : "");
	if (suffix) {
		for (size_t i = 0; i < a->count; i++) {
			fputs(i ? ", " : "{ ", w->to);
			write_operand(w, &a->items[i]);
		}
		fputs(" }", w->to);
	} else if (option->type == FX_OPTION_VALUE) {
		write_value(w, a);
	} else if (a->kind == FX_ARG_BOOL) {
		fputs(a->b ? "true" : "false", w->to);
	} else {
		write_operand(w, a);
	}
}

/* After the tensors; what is at its default is left out if it has a name. */
static void write_options(struct writer *w, const struct fx_function *fn,
			  const struct fx_node *n, const char *comma)
{
	size_t first = fn->n_tensors;
	bool named = false;

	for (size_t i = first; i < n->n_args; i++, comma = ", ") {
		const struct fx_option *option = &fn->options[i - first];

		named |= is_none(&n->args[i]) || suffix_of(option, &n->args[i]);
		if (is_none(&n->args[i]))
			continue;
		fputs(comma, w->to);
		write_option(w, option, &n->args[i], named);
	}
	for (size_t i = 0; i < n->n_kwargs; i++) {
		const struct fx_kwarg *k = &n->kwargs[i];
		const struct fx_option *option = option_called(fn, k->name);

		if (!option || is_none(&k->value) ||
		    (fn->record != FX_AS_WRITTEN &&
		     is_default(option, &k->value)))
			continue;
		fputs(comma, w->to);
		write_option(w, option, &k->value, true);
		comma = ", ";
	}
}

static void write_getitem(struct writer *w, const struct fx_node *n)
{
	const struct fx_arg *index = &n->args[1];
	bool many = index->kind == FX_ARG_TUPLE;

	fputs("fx_getitem(", w->to);
	write_value(w, &n->args[0]);
	for (size_t i = 0; i < (many ? index->count : 1); i++) {
		fputs(", ", w->to);
		write_operand(w, many ? &index->items[i] : index);
	}
	fputc(')', w->to);
}

static void write_assert(struct writer *w, const struct fx_function *fn,
			 const struct fx_node *n)
{
	bool none = fn == &fx_function_assert_is_none;

	fputs(none ? "fx_assert(fx_of_bool(fx_is_none(" : "fx_assert(", w->to);
	write_value(w, &n->args[0]);
	fputs(none ? ")), " : ", ", w->to);
	if (n->n_args > 1 && n->args[1].kind == FX_ARG_STR)
		write_string(w->to, n->args[1].s);
	else
		fputs("\"the assertion does not hold\"", w->to);
	fputc(')', w->to);
}

static bool is_assert(const struct fx_function *fn)
{
	return fn == &fx_function_assert || fn == &fx_function_assert_fn ||
	       fn == &fx_function_assert_is_none;
}

static void write_function(struct writer *w, const struct fx_node *n)
{
	const struct fx_function *fn = function_of_node(n);
	const char *comma = "";

	if (!fn) {
		fprintf(w->to, "fx_poison(NULL, 0, \"no function '%s'\")",
			n->name);
		return;
	}
	if (fn == &fx_function_getitem) {
		write_getitem(w, n);
		return;
	}
	if (is_assert(fn)) {
		write_assert(w, fn, n);
		return;
	}

	fprintf(w->to, fn->method ? "fx_method(" : "fx_%s(", fn->id);
	for (int i = 0; i < fn->n_tensors; i++, comma = ", ") {
		fputs(comma, w->to);
		if (fn->n_tensors == 2)
			write_operand(w, &n->args[i]);
		else
			write_value(w, &n->args[i]);
	}
	if (fn->method)
		fprintf(w->to, ", %s", fn->id);
	write_options(w, fn, n, ", ");
	fputc(')', w->to);
}

/* Other calls */

/* Behind a first argument: all by position. */
static void write_args(struct writer *w, const struct fx_node *n, size_t self,
		       const struct fx_param *params)
{
	size_t n_args = n->n_args;

	for (size_t i = self; params[i - self].name; i++)
		if (fx_node_kwarg(n, params[i - self].name))
			n_args = i + 1;

	for (size_t i = 0; i < n_args; i++) {
		const struct fx_arg *a = i < n->n_args ? &n->args[i] :
			fx_node_kwarg(n, params[i - self].name);

		fputs(", ", w->to);
		if (a)
			write_value(w, a);
		else
			fputs("fx_default", w->to);
	}
	fputc(')', w->to);
}

/* fx_call_wrapped(self, "nms", _self, boxes, thr) */
static void write_wrapped(struct writer *w, const struct fx_node *n)
{
	fprintf(w->to, "fx_call_wrapped(self, \"%s\"", n->target);
	write_args(w, n, n->opcode == FX_CALL_METHOD,
		   wrapped_of(n->wrapped)->method.params);
}

static void write_module(struct writer *w, const struct fx_node *n)
{
	fputs("fx_call(fx_module_at(self, ", w->to);
	write_string(w->to, n->target);
	fputc(')', w->to);
	write_args(w, n, 0, module_method(n->module)->params);
}

static void write_computation(struct writer *w, const struct fx_node *n)
{
	if (n->wrapped) {
		write_wrapped(w, n);
	} else if (n->opcode == FX_GET_ATTR) {
		fputs("fx_attribute(self, ", w->to);
		write_string(w->to, n->target);
		fputc(')', w->to);
	} else if (n->opcode == FX_CALL_MODULE) {
		write_module(w, n);
	} else {
		write_function(w, n);
	}
}

/* Lines */

static size_t place_of(const struct fx_node *n)
{
	return (uintptr_t)n->data;
}

static void release_input(struct fx_node *in, void *ctx)
{
	struct writer *w = ctx;

	if (w->last[place_of(in)] != w->line)
		return;
	w->last[place_of(in)] = NULL;
	fputs("  fx_release(", w->to);
	write_name(w, in->name);
	fputs(");", w->to);
}

static void write_line(struct writer *w, struct fx_node *n)
{
	if (n->opcode == FX_PLACEHOLDER &&
	    (!strcmp(raw_name(n), n->name) || !n->n_users))
		return;

	fputc('\t', w->to);
	if (n->opcode == FX_OUTPUT) {
		fputs("return ", w->to);
		write_value(w, &n->args[0]);
		fputs(";\n", w->to);
		return;
	}
	if (n->n_users) {
		fputs("fxv ", w->to);
		write_name(w, n->name);
		fputs(" = ", w->to);
	}
	if (n->opcode != FX_PLACEHOLDER)
		write_computation(w, n);
	else
		write_name(w, raw_name(n));
	fputc(';', w->to);

	w->line = n;
	fx_node_visit(n, release_input, w);
	fputc('\n', w->to);
}

static void write_default(FILE *to, const struct fx_arg *a)
{
	switch (a->kind) {
	case FX_ARG_BOOL:
		fprintf(to, "FX_BOOL(%s)", a->b ? "true" : "false");
		break;
	case FX_ARG_INT:
		fputs("FX_INT(", to);
		write_int(to, a->i);
		fputc(')', to);
		break;
	case FX_ARG_FLOAT:
		fputs("FX_FLOAT(", to);
		write_float(to, a->f);
		fputc(')', to);
		break;
	case FX_ARG_STR:
		fputs("FX_STR(", to);
		write_string(to, a->s);
		fputc(')', to);
		break;
	default:
		fputs("FX_NONE", to);
	}
}

/* `x`, `(scale, FX_FLOAT(2.0))`, `(args, FX_VARARGS)` */
static void write_param(struct writer *w, const struct fx_node *n)
{
	size_t stars = strspn(n->target, "*");

	if (!stars && !n->n_args && !n->annotation) {
		write_name(w, raw_name(n));
		return;
	}
	fputc('(', w->to);
	write_name(w, raw_name(n));
	fputs(", ", w->to);
	if (stars)
		fputs(stars == 1 ? "FX_VARARGS" : "FX_KWARGS", w->to);
	else if (n->n_args)
		write_default(w->to, &n->args[0]);
	else
		fputs("FX_REQUIRED", w->to);
	if (n->annotation) {
		fputs(", ", w->to);
		write_string(w->to, n->annotation);
	}
	fputc(')', w->to);
}

static void note_use(struct fx_node *in, void *ctx)
{
	struct writer *w = ctx;

	w->last[place_of(in)] = w->line;
}

static void find_last_uses(struct writer *w)
{
	uintptr_t count = 0;

	fx_for_each_node(n, w->g)
		n->data = (void *)count++;
	w->last = must_alloc(count * sizeof(*w->last));
	fx_for_each_node(n, w->g) {
		w->line = n;
		fx_node_visit(n, note_use, w);
	}
}

char *fx_graph_code_c(struct fx_graph *g)
{
	struct writer w = { .g = g };
	char *text = NULL;
	size_t size;

	w.to = open_memstream(&text, &size);
	if (!w.to)
		abort();
	find_last_uses(&w);
	fputs("#include <math.h>\n\n#include <fxq/trace.h>\n\nFX_CODE(forward",
	      w.to);
	fx_for_each_node(n, g) {
		if (n->opcode != FX_PLACEHOLDER)
			continue;
		fputs(", ", w.to);
		write_param(&w, n);
	}
	fputs(")\n{\n", w.to);
	fx_for_each_node(n, g)
		write_line(&w, n);
	fputs("}\n", w.to);
	fclose(w.to);
	free(w.last);
	return text;
}
