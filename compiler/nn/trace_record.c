// SPDX-License-Identifier: MIT
/*
 * trace_record.c - a node of the graph that is traced, and its arguments
 *
 * An argument is written as the forward gave it. A tensor of the model is an
 * attribute node of its path, any other tensor becomes a constant.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tracing.h"

static void set_loc(struct fx_node *n, const struct fx_loc *at)
{
	if (!at || !at->file)
		return;
	n->loc = (struct fx_loc){
		.file = fx_graph_strdup(n->graph, at->file),
		.line = at->line,
		.expr = fx_graph_strdup(n->graph, at->expr),
		.function = fx_graph_strdup(n->graph, at->function),
	};
}

static int make_arg(const struct fx_loc *at, fxv v, struct fx_arg *ret);

static struct fx_node *attr_node(const char *path)
{
	return fx_graph_node(context.tracing->g, FX_GET_ATTR, path, NULL,
			     NULL, 0, NULL, 0);
}

/* A parameter by its path, anything else as a constant of the graph. */
static struct fx_node *tensor_node(struct fx_tensor *t)
{
	struct tracing *tracing = context.tracing;
	char *path = path_of_tensor(tracing->root, t), name[40];
	struct fx_node *n;

	if (path) {
		n = attr_node(path);
		free(path);
		return n;
	}
	snprintf(name, sizeof(name), "_tensor_constant%u",
		 tracing->n_constants++);
	return fx_graph_constant(tracing->g, name, &t->t);
}

/* Each use of self is an attribute node of its own. */
static struct fx_node *self_node(struct fx_module *m)
{
	struct tracing *tracing = context.tracing;
	struct fx_node *n = NULL;
	char *path;

	if (m == tracing->root)
		return attr_node("_self");
	path = path_of_module(tracing->root, m);
	if (path)
		n = attr_node(path);
	free(path);
	return n;
}

static int make_node_arg(const struct fx_loc *at, struct fx_node *n,
			 struct fx_arg *ret)
{
	if (!n) {
		raise_error(at, NAME_ERROR, NOT_INSTALLED);
		return -EINVAL;
	}
	if (n->graph != context.tracing->g) {
		fx_poison(at, -EINVAL, "this value belongs to another trace");
		return -EINVAL;
	}
	*ret = fx_arg_node(n);
	return 0;
}

static int make_tuple_arg(const struct fx_loc *at, fxv v, struct fx_arg *ret)
{
	size_t n = v.tuple->n;
	int err = 0;

	*ret = (struct fx_arg){
		.kind = FX_ARG_TUPLE + (v.kind - FX_VALUE_TUPLE),
		.count = n,
		.items = fx_graph_alloc(context.tracing->g,
					n * sizeof(*ret->items)),
	};
	for (size_t i = 0; !err && i < n; i++)
		err = make_arg(at, v.tuple->items[i], &ret->items[i]);
	return err;
}

static int make_arg(const struct fx_loc *at, fxv v, struct fx_arg *ret)
{
	switch (v.kind) {
	case FX_VALUE_NONE:
		*ret = (struct fx_arg){ .kind = FX_ARG_NONE };
		return 0;
	case FX_VALUE_BOOL:
		*ret = fx_arg_bool(v.b);
		return 0;
	case FX_VALUE_INT:
		*ret = fx_arg_int(v.i);
		return 0;
	case FX_VALUE_FLOAT:
		*ret = fx_arg_float(v.f);
		return 0;
	case FX_VALUE_STR:
		*ret = fx_arg_str(v.s);
		return 0;
	case FX_VALUE_NAME:
		*ret = (struct fx_arg){ .kind = FX_ARG_NAME, .s = v.s };
		return 0;
	case FX_VALUE_TENSOR:
		return make_node_arg(at, tensor_node(v.tensor), ret);
	case FX_VALUE_TUPLE:
	case FX_VALUE_LIST:
	case FX_VALUE_SLICE:
	case FX_VALUE_DICT:
		return make_tuple_arg(at, v, ret);
	case FX_VALUE_NODE:
		return make_node_arg(at, v.node, ret);
	case FX_VALUE_SELF:
		return make_node_arg(at, self_node(v.module), ret);
	default:
		fx_poison(at, -EINVAL, "this value cannot be an argument");
		return -EINVAL;
	}
}

void record_arg(struct arguments *a, fxv v)
{
	if (!a->err)
		a->err = make_arg(a->at, v, &a->args[a->n_args++]);
}

void record_kwarg(struct arguments *a, const char *name, fxv v)
{
	struct fx_kwarg *kwarg = &a->kwargs[a->n_kwargs++];

	kwarg->name = name;
	if (!a->err)
		a->err = make_arg(a->at, v, &kwarg->value);
}

void record_args(struct arguments *a, const struct fx_param *params,
		 const fxv *args)
{
	bool named = false;

	for (; args->kind != FX_VALUE_END; args++) {
		named |= args->keyword || args->kind == FX_VALUE_DEFAULT;
		if (named && args->kind != FX_VALUE_DEFAULT && params->name)
			record_kwarg(a, params->name, *args);
		else if (!named || !params->name)
			record_arg(a, *args);
		params += params->name != NULL;
	}
}

struct fx_node *trace_record(struct arguments *a, enum fx_opcode opcode,
			     const char *target, const struct fx_op *op)
{
	struct fx_node *n;

	if (a->err)
		return NULL;

	n = fx_graph_node(context.tracing->g, opcode, target, op, a->args,
			  a->n_args, a->kwargs, a->n_kwargs);
	if (!n) {
		fx_poison(a->at, -EINVAL, "%s",
			  fx_graph_error(context.tracing->g));
		return NULL;
	}
	set_loc(n, a->at);
	n->scope = fx_graph_strdup(n->graph, context.tracing->scope);
	return n;
}

fxv trace_answer(struct fx_node *n)
{
	if (n)
		return node_value(n);
	return (fxv){ .kind = FX_VALUE_POISON, .error = context.scope->error };
}
