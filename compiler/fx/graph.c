// SPDX-License-Identifier: MIT
/*
 * graph.c - graphs and the list of their nodes
 *
 * The list is the order of execution. New nodes go before the insert point;
 * without one they go to the end, and the end is before the output once there
 * is one, so that a pass which forgets the insert point still leaves the
 * output last.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fx_priv.h"

const char *const opcode_names[FX_OPCODE_COUNT] = {
#define X(id, name) [FX_##id] = name,
	FX_OPCODES(X)
#undef X
};

const char *fx_opcode_name(enum fx_opcode opcode)
{
	return opcode_names[opcode];
}

struct fx_graph *fx_graph_new(void)
{
	struct fx_graph *g = calloc(1, sizeof(*g));

	if (!g)
		abort();

	names_init(&g->names, &g->arena);
	return g;
}

void fx_graph_free(struct fx_graph *g)
{
	if (!g)
		return;

	names_finish(&g->names);
	arena_finish(&g->arena);
	free(g);
}

void *fx_graph_alloc(struct fx_graph *g, size_t bytes)
{
	return arena_alloc(&g->arena, bytes, 64);
}

const char *fx_graph_strdup(struct fx_graph *g, const char *s)
{
	size_t size;

	if (!s)
		return NULL;

	size = strlen(s) + 1;
	return memcpy(arena_alloc(&g->arena, size, 1), s, size);
}

__attribute__((format(printf, 2, 0)))
static char *graph_vprintf(struct fx_graph *g, const char *fmt, va_list args)
{
	char *text, *kept;

	if (vasprintf(&text, fmt, args) < 0)
		abort();

	kept = (char *)fx_graph_strdup(g, text);
	free(text);
	return kept;
}

const char *fx_graph_printf(struct fx_graph *g, const char *fmt, ...)
{
	const char *text;
	va_list args;

	va_start(args, fmt);
	text = graph_vprintf(g, fmt, args);
	va_end(args);
	return text;
}

const char *fx_graph_error(const struct fx_graph *g)
{
	return g->error ? g->error : "";
}

/* Names in it may come from a file: none gets a hold of the terminal. */
int fx_graph_fail(struct fx_graph *g, int err, const char *fmt, ...)
{
	va_list args;
	char *text;

	if (g->error)
		return err;

	va_start(args, fmt);
	text = graph_vprintf(g, fmt, args);
	va_end(args);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	g->error = text;
	return err;
}

int node_fail(struct fx_node *n, int err, const char *fmt, ...)
{
	struct fx_graph *g = n->graph;
	const char *text;
	va_list args;

	if (g->error)
		return err;

	va_start(args, fmt);
	text = graph_vprintf(g, fmt, args);
	va_end(args);

	if (n->loc.file)
		return fx_graph_fail(g, err, "%s:%d: node '%s': %s",
				     n->loc.file, n->loc.line, n->name, text);
	if (n->source && strcmp(n->source, n->name))
		return fx_graph_fail(g, err, "node '%s' (layer '%s'): %s",
				     n->name, n->source, text);
	return fx_graph_fail(g, err, "node '%s': %s", n->name, text);
}

struct fx_node *fx_graph_first(const struct fx_graph *g)
{
	return g->first;
}

struct fx_node *fx_graph_output(const struct fx_graph *g)
{
	return g->output;
}

struct fx_node *fx_graph_set_insert_point(struct fx_graph *g, struct fx_node *n)
{
	struct fx_node *previous = g->insert_point;

	g->insert_point = n;
	return previous;
}

/* Puts @n before @where; NULL: at the very end. */
static void link_node(struct fx_graph *g, struct fx_node *n,
		      struct fx_node *where)
{
	n->next = where;
	n->prev = where ? where->prev : g->last;
	if (n->prev)
		n->prev->next = n;
	else
		g->first = n;
	if (where)
		where->prev = n;
	else
		g->last = n;
	g->n_nodes++;
}

static void unlink_node(struct fx_graph *g, struct fx_node *n)
{
	if (n->prev)
		n->prev->next = n->next;
	else
		g->first = n->next;
	if (n->next)
		n->next->prev = n->prev;
	else
		g->last = n->prev;
	n->prev = NULL;
	n->next = NULL;
	g->n_nodes--;
}

static struct fx_node *insert_place(const struct fx_graph *g,
				    enum fx_opcode opcode)
{
	if (opcode == FX_OUTPUT)
		return NULL;
	return g->insert_point ? g->insert_point : g->output;
}

struct fx_node *graph_add_node(struct fx_graph *g, enum fx_opcode opcode,
			       const char *name)
{
	struct fx_node *n = arena_alloc(&g->arena, sizeof(struct node_box), 64);

	n->graph = g;
	n->opcode = opcode;
	n->name = name;
	n->segment = -1;
	link_node(g, n, insert_place(g, opcode));
	if (opcode == FX_OUTPUT && !g->output)
		g->output = n;
	return n;
}

unsigned int graph_number_nodes(struct fx_graph *g)
{
	unsigned int order = 0;

	fx_for_each_node(n, g)
		node_box(n)->order = order++;
	return order;
}

struct fx_node *fx_graph_node(struct fx_graph *g, enum fx_opcode opcode,
			      const char *target, const struct fx_op *op,
			      const struct fx_arg *args, size_t n_args,
			      const struct fx_kwarg *kwargs, size_t n_kwargs)
{
	struct fx_node *n;

	n = graph_add_node(g, opcode, names_give(&g->names, target));
	n->target = fx_graph_strdup(g, target);
	n->op = op;
	n->args = args_copy(g, args, n_args);
	n->n_args = n_args;
	n->kwargs = kwargs_copy(g, kwargs, n_kwargs);
	n->n_kwargs = n_kwargs;
	node_take_uses(n);
	if (node_set_result_count(n)) {
		fx_node_erase(n);
		return NULL;
	}
	return n;
}

struct fx_node *fx_graph_placeholder(struct fx_graph *g, const char *name,
				     const struct fxq_tensor *type)
{
	struct fx_node *n = fx_graph_node(g, FX_PLACEHOLDER, name, NULL, NULL,
					  0, NULL, 0);

	if (type)
		fx_node_set_type(n, type);
	return n;
}

struct fx_node *fx_graph_constant(struct fx_graph *g, const char *name,
				  const struct fxq_tensor *value)
{
	struct fx_node *n;
	size_t bytes;
	int ret;

	ret = tensor_check_type(value);
	if (ret) {
		fx_graph_fail(g, ret, "constant '%s' has a type that no tensor can have",
			      name);
		return NULL;
	}

	n = fx_graph_node(g, FX_GET_ATTR, name, NULL, NULL, 0, NULL, 0);
	fx_node_set_type(n, value);
	if (value->data) {
		bytes = fxq_tensor_bytes(value);
		n->out[0].data = fx_graph_alloc(g, bytes);
		memcpy(n->out[0].data, value->data, bytes);
	}
	return n;
}

/* It computes nothing (see call.c), so it needs no row in a table of kernels. */
static const struct fx_op op_getitem = {
	.fn.name = "getitem",
	.path = "{0}[{1}]",
	.repr = "<built-in function getitem>",
	.min_in = 1,
	.max_in = 1,
	.n_out = 1,
	.flags = FX_OP_MOVES,
};

static const struct fx_op *find_op(const char *name)
{
	const struct fx_op *op = fx_op_find(name);

	if (!op && !strcmp(name, op_getitem.fn.name))
		return &op_getitem;
	return op;
}

struct fx_node *fx_graph_call(struct fx_graph *g, const char *name,
			      struct fx_node *const *in, size_t n_in,
			      const struct fx_kwarg *kwargs, size_t n_kwargs)
{
	const struct fx_op *op = find_op(name);
	struct fx_arg *args;

	if (!op) {
		fx_graph_fail(g, -ENOENT, "there is no operator called '%s'",
			      name);
		return NULL;
	}

	args = arena_alloc(&g->arena, n_in * sizeof(*args), 8);
	for (size_t i = 0; i < n_in; i++)
		args[i] = fx_arg_node(in[i]);
	return fx_graph_node(g, FX_CALL_FUNCTION, name, op, args, n_in, kwargs,
			     n_kwargs);
}

/* One value is returned as it is, several as a tuple of them. */
static struct fx_arg output_value(struct fx_graph *g,
				  struct fx_node *const *values, size_t n)
{
	struct fx_arg tuple = { .kind = FX_ARG_TUPLE, .count = n };

	if (n == 1)
		return fx_arg_node(values[0]);

	tuple.items = arena_alloc(&g->arena, n * sizeof(*tuple.items), 8);
	for (size_t i = 0; i < n; i++)
		tuple.items[i] = fx_arg_node(values[i]);
	return tuple;
}

struct fx_node *fx_graph_set_output(struct fx_graph *g,
				    struct fx_node *const *values, size_t n)
{
	struct fx_arg value = output_value(g, values, n);

	if (!g->output)
		return fx_graph_node(g, FX_OUTPUT, "output", NULL, &value, 1,
				     NULL, 0);

	node_drop_uses(g->output);
	g->output->args = args_copy(g, &value, 1);
	g->output->n_args = 1;
	node_take_uses(g->output);
	return g->output;
}

int fx_node_erase(struct fx_node *n)
{
	struct fx_graph *g = n->graph;

	if (!g)
		return -EINVAL;
	if (n->n_users)
		return -EBUSY;

	node_drop_uses(n);
	if (g->insert_point == n)
		g->insert_point = n->next;
	if (g->output == n)
		g->output = NULL;
	unlink_node(g, n);
	n->graph = NULL;
	return 0;
}

void fx_node_move_before(struct fx_node *n, struct fx_node *where)
{
	struct fx_graph *g = n->graph;

	if (n == where)
		return;

	unlink_node(g, n);
	link_node(g, n, where ? where : insert_place(g, n->opcode));
}
