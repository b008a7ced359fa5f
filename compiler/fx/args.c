// SPDX-License-Identifier: MIT
/*
 * args.c - arguments: made, copied, read
 *
 * An argument is a value as Python has them: a number, a string, a node, a
 * tuple of such. Readers take what fits (an int where a float is wanted, a
 * single int where several are) and answer with the default for the rest.
 */
#include <errno.h>
#include <string.h>

#include "fx_priv.h"

struct fx_arg fx_arg_int(int64_t i)
{
	return (struct fx_arg){ .kind = FX_ARG_INT, .i = i };
}

struct fx_arg fx_arg_float(double f)
{
	return (struct fx_arg){ .kind = FX_ARG_FLOAT, .f = f };
}

struct fx_arg fx_arg_bool(bool b)
{
	return (struct fx_arg){ .kind = FX_ARG_BOOL, .b = b };
}

struct fx_arg fx_arg_str(const char *s)
{
	return (struct fx_arg){ .kind = FX_ARG_STR, .s = s };
}

struct fx_arg fx_arg_node(struct fx_node *n)
{
	if (!n)
		return (struct fx_arg){ .kind = FX_ARG_NONE };
	return (struct fx_arg){ .kind = FX_ARG_NODE, .node = n };
}

static struct fx_arg new_tuple(struct fx_graph *g, size_t n)
{
	return (struct fx_arg){
		.kind = FX_ARG_TUPLE,
		.count = n,
		.items = arena_alloc(&g->arena, n * sizeof(struct fx_arg), 8),
	};
}

struct fx_arg fx_arg_ints(struct fx_graph *g, const int64_t *v, size_t n)
{
	struct fx_arg tuple = new_tuple(g, n);

	for (size_t i = 0; i < n; i++)
		tuple.items[i] = fx_arg_int(v[i]);
	return tuple;
}

struct fx_arg fx_arg_floats(struct fx_graph *g, const double *v, size_t n)
{
	struct fx_arg tuple = new_tuple(g, n);

	for (size_t i = 0; i < n; i++)
		tuple.items[i] = fx_arg_float(v[i]);
	return tuple;
}

struct fx_arg arg_copy(struct fx_graph *g, const struct fx_arg *from)
{
	struct fx_arg to = *from;

	if (from->kind == FX_ARG_STR || from->kind == FX_ARG_NAME)
		to.s = fx_graph_strdup(g, from->s);
	else if (arg_has_items(from))
		to.items = args_copy(g, from->items, from->count);
	return to;
}

struct fx_arg *args_copy(struct fx_graph *g, const struct fx_arg *from,
			 size_t n)
{
	struct fx_arg *to = arena_alloc(&g->arena, n * sizeof(*to), 8);

	for (size_t i = 0; i < n; i++)
		to[i] = arg_copy(g, &from[i]);
	return to;
}

struct fx_kwarg *kwargs_copy(struct fx_graph *g, const struct fx_kwarg *from,
			     size_t n)
{
	struct fx_kwarg *to = arena_alloc(&g->arena, n * sizeof(*to), 8);

	for (size_t i = 0; i < n; i++) {
		to[i].name = fx_graph_strdup(g, from[i].name);
		to[i].value = arg_copy(g, &from[i].value);
	}
	return to;
}

struct fx_node *fx_node_in(const struct fx_node *n, size_t i)
{
	if (!n || i >= n->n_args || n->args[i].kind != FX_ARG_NODE)
		return NULL;
	return n->args[i].node;
}

void fx_node_set_in(struct fx_node *n, size_t i, struct fx_node *to)
{
	node_drop_uses(n);
	if (i >= n->n_args) {
		struct fx_arg *more;

		more = arena_alloc(&n->graph->arena, (i + 1) * sizeof(*more), 8);
		if (n->n_args)
			memcpy(more, n->args, n->n_args * sizeof(*more));
		n->args = more;
		n->n_args = i + 1;
	}
	n->args[i] = fx_arg_node(to);
	node_take_uses(n);
}

const struct fx_arg *fx_node_kwarg(const struct fx_node *n, const char *name)
{
	for (size_t i = 0; i < n->n_kwargs; i++)
		if (!strcmp(n->kwargs[i].name, name))
			return &n->kwargs[i].value;
	return NULL;
}

static bool arg_to_int(const struct fx_arg *a, int64_t *ret_i)
{
	if (a->kind == FX_ARG_INT)
		*ret_i = a->i;
	else if (a->kind == FX_ARG_BOOL)
		*ret_i = a->b;
	else
		return false;
	return true;
}

int64_t fx_node_int(const struct fx_node *n, const char *name, int64_t def)
{
	const struct fx_arg *a = fx_node_kwarg(n, name);
	int64_t i;

	return a && arg_to_int(a, &i) ? i : def;
}

double fx_node_float(const struct fx_node *n, const char *name, double def)
{
	const struct fx_arg *a = fx_node_kwarg(n, name);
	int64_t i;

	if (a && a->kind == FX_ARG_FLOAT)
		return a->f;
	return a && arg_to_int(a, &i) ? (double)i : def;
}

const char *fx_node_str(const struct fx_node *n, const char *name,
			const char *def)
{
	const struct fx_arg *a = fx_node_kwarg(n, name);

	return a && a->kind == FX_ARG_STR ? a->s : def;
}

size_t fx_node_ints(const struct fx_node *n, const char *name, int64_t *v,
		    size_t max)
{
	const struct fx_arg *a = fx_node_kwarg(n, name);
	const struct fx_arg *items = a;
	size_t count = 1;
	int64_t value;

	if (!a)
		return 0;
	if (arg_is_sequence(a)) {
		items = a->items;
		count = a->count;
	}

	for (size_t i = 0; i < count; i++) {
		if (!arg_to_int(&items[i], &value))
			return 0;
		if (i < max)
			v[i] = value;
	}
	return count;
}

uint32_t fx_node_permutation(const struct fx_node *n,
			     int64_t order[FXQ_MAX_RANK])
{
	size_t given = fx_node_ints(n, "dims", order, FXQ_MAX_RANK);
	bool listed = given > 0 && given <= FXQ_MAX_RANK;
	uint32_t rank = listed ? (uint32_t)given :
				 fx_node_in(n, 0)->out[0].rank;
	int64_t swap[2];

	if (listed) {
		for (uint32_t d = 0; d < rank; d++)
			order[d] += order[d] < 0 ? rank : 0;
	} else if (fx_node_ints(n, "swap", swap, 2) == 2) {
		for (int i = 0; i < 2; i++)
			swap[i] += swap[i] < 0 ? rank : 0;
		for (uint32_t d = 0; d < rank; d++)
			order[d] = d == swap[0] ? swap[1] :
				   d == swap[1] ? swap[0] : d;
	} else {
		for (uint32_t d = 0; d < rank; d++)
			order[d] = (int64_t)rank - 1 - d;
	}
	return rank;
}

static struct fx_arg *add_kwarg(struct fx_node *n, const char *name)
{
	struct fx_graph *g = n->graph;
	size_t count = n->n_kwargs;
	struct fx_kwarg *more;

	more = arena_alloc(&g->arena, (count + 1) * sizeof(*more), 8);
	if (count)
		memcpy(more, n->kwargs, count * sizeof(*more));
	more[count].name = fx_graph_strdup(g, name);
	n->kwargs = more;
	n->n_kwargs++;
	return &more[count].value;
}

void fx_node_set_kwarg(struct fx_node *n, const char *name, struct fx_arg value)
{
	struct fx_arg *place;

	node_drop_uses(n);
	place = (struct fx_arg *)fx_node_kwarg(n, name);
	if (!place)
		place = add_kwarg(n, name);
	*place = arg_copy(n->graph, &value);
	node_take_uses(n);
	if (!strcmp(name, "n_out"))
		node_set_result_count(n);
}

bool fx_node_is(const struct fx_node *n, const char *op)
{
	return n && n->opcode == FX_CALL_FUNCTION && !strcmp(n->target, op);
}

bool fx_node_is_const(const struct fx_node *n)
{
	return n && n->opcode == FX_GET_ATTR && n->out[0].data;
}

void fx_node_set_type(struct fx_node *n, const struct fxq_tensor *type)
{
	tensor_set_shape(&n->out[0], type);
	n->out[0].scale = type->scale;
	n->out[0].zero_point = type->zero_point;
}

/* Results that were there keep their types. */
static void resize_results(struct fx_node *n, int n_out)
{
	struct fxq_tensor *out = n->out;

	n->out = arena_alloc(&n->graph->arena, n_out * sizeof(*out), 8);
	for (int i = 0; i < n_out && i < n->n_out; i++)
		n->out[i] = out[i];
	n->n_out = n_out;
}

#define MAX_RESULTS 65536

int node_set_result_count(struct fx_node *n)
{
	int64_t n_out = n->op && n->op->n_out >= 0 ? n->op->n_out :
			fx_node_int(n, "n_out", 1);

	if (n_out < 1 || n_out > MAX_RESULTS)
		return node_fail(n, -EINVAL, "n_out = %lld results; 1 to %d are possible",
				 (long long)n_out, MAX_RESULTS);

	if (n_out != n->n_out)
		resize_results(n, n_out);
	return 0;
}
