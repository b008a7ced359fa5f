// SPDX-License-Identifier: MIT
/*
 * rewrite.c - what writing operators down is made of
 *
 * Nodes, constants and operators of the new graph, and the passage from a node
 * of the old one to what it has become. Which node becomes what is for
 * functionalize.c to say, and for the other files called rewrite.
 */
#include <errno.h>
#include <stdlib.h>

#include "rewrite.h"

int rewrite_fail(struct rewrite *r, struct fx_node *n, const char *what)
{
	const struct fx_loc *loc = r->inside ? r->loc : &n->loc;
	const char *name = r->inside ? r->source : n->name;

	if (loc->file)
		return fx_graph_fail(r->told, -EINVAL, "%s:%d: %s: %s",
				     loc->file, loc->line, name, what);
	return fx_graph_fail(r->told, -EINVAL, "%s: %s", name, what);
}

void rewrite_origin(struct rewrite *r, struct fx_node *n)
{
	n->source = fx_graph_strdup(r->to, r->source);
	n->loc.file = fx_graph_strdup(r->to, r->loc->file);
	n->loc.line = r->loc->line;
	n->loc.expr = fx_graph_strdup(r->to, r->loc->expr);
	n->loc.function = fx_graph_strdup(r->to, r->loc->function);
}

struct fx_node *rewrite_constant(struct rewrite *r, const char *name,
				 const struct fxq_tensor *t)
{
	struct fx_node *n = fx_graph_constant(r->to, name, t);

	if (n)
		rewrite_origin(r, n);
	return n;
}

/* A number beside a tensor: a constant of rank 0. */
static struct fx_node *make_number(struct rewrite *r, fxv v)
{
	float f = (float)fx_float(v);
	struct fxq_tensor t = { .dtype = FXQ_DTYPE_F32, .data = &f };

	return rewrite_constant(r, "_scalar", &t);
}

/* The node that computes @v in the new graph; NULL for None. */
static struct fx_node *make_input(struct rewrite *r, fxv v)
{
	char *path, *name;
	struct fx_node *n;

	switch (v.kind) {
	case FX_VALUE_NODE:
		return v.node;
	case FX_VALUE_TENSOR:
		path = path_of_tensor(r->model, v.tensor);
		name = path ? path : must_print("_tensor_constant0");
		n = rewrite_constant(r, name, &v.tensor->t);
		free(name);
		return n;
	case FX_VALUE_BOOL:
	case FX_VALUE_INT:
	case FX_VALUE_FLOAT:
		return make_number(r, v);
	default:
		return NULL;
	}
}

static struct fx_arg attr_arg(struct rewrite *r, const struct fxq_attr *attr)
{
	switch (attr->type) {
	case FXQ_ATTR_FLOAT:
		return fx_arg_float(attr->f);
	case FXQ_ATTR_STRING:
		return fx_arg_str(attr->s);
	case FXQ_ATTR_INTS:
		return fx_arg_ints(r->to, attr->ints, attr->count);
	case FXQ_ATTR_FLOATS:
		return fx_arg_floats(r->to, attr->floats, attr->count);
	default:
		return fx_arg_int(attr->i);
	}
}

struct fx_node *rewrite_call(struct rewrite *r, const char *op,
			     struct fx_node *x, const struct fx_kwarg *kwargs,
			     size_t n_kwargs)
{
	struct fx_node *call = fx_graph_call(r->to, op, &x, 1, kwargs,
					     n_kwargs);

	if (!call)
		return NULL;
	rewrite_origin(r, call);
	/* Parts of a quantized tensor are quantized as it is. */
	for (int i = 0; i < call->n_out; i++) {
		call->out[i].scale = x->out[0].scale;
		call->out[i].zero_point = x->out[0].zero_point;
	}
	return call;
}

const fxv *rewrite_several(const struct rewrite *r, const struct fx_node *n)
{
	for (size_t i = 0; i < r->n_several; i++)
		if (r->several[i].of == n)
			return &r->several[i].value;
	return NULL;
}

void rewrite_answer(struct rewrite *r, struct fx_node *n, fxv v)
{
	n->data = v.kind == FX_VALUE_NODE ? v.node : NULL;
	if (v.kind != FX_VALUE_TUPLE && v.kind != FX_VALUE_LIST)
		return;
	r->several = realloc(r->several,
			     (r->n_several + 1) * sizeof(*r->several));
	if (!r->several)
		abort();
	r->several[r->n_several++] = (struct several){ n, v };
}

fxv rewrite_result(struct rewrite *r, struct fx_node *call, int i)
{
	const struct fx_kwarg index = { "index", fx_arg_int(i) };

	return node_value(rewrite_call(r, "getitem", call, &index, 1));
}

/* A quantized result's scale is known before its size is. */
static void set_scale(struct fx_node *n)
{
	const struct fx_arg *scale = fx_node_kwarg(n, "scale");

	if (!scale || scale->kind != FX_ARG_FLOAT || fx_node_int(n, "raw", 0))
		return;
	n->out[0].scale = (float)scale->f;
	n->out[0].zero_point = (int32_t)fx_node_int(n, "zero_point", 0);
}

fxv rewrite_operation(const struct operation *o)
{
	struct rewrite *r = context.rewrite;
	struct fx_kwarg kwargs[MAX_OPTIONS];
	struct fx_node *in[MAX_ARGS], *call;
	size_t n_in = o->n_in;

	for (size_t i = 0; i < n_in; i++)
		in[i] = make_input(r, o->in[i]);
	/* Nobody needs to see that an optional last tensor is absent. */
	while (n_in > 1 && !in[n_in - 1])
		n_in--;
	for (size_t i = 0; i < o->n_attrs; i++)
		kwargs[i] = (struct fx_kwarg){ o->attrs[i].name,
					       attr_arg(r, &o->attrs[i]) };

	call = fx_graph_call(r->to, o->op, in, n_in, kwargs, o->n_attrs);
	if (!call)
		return fx_poison(NULL, -EINVAL, "%s", fx_graph_error(r->to));
	rewrite_origin(r, call);
	set_scale(call);
	return node_value(call);
}

fxv rewrite_successor(struct rewrite *r, fxv v)
{
	const struct fxq_tensor *t = NULL;
	fxv items[MAX_ARGS + 1];
	size_t n;

	if (v.kind == FX_VALUE_TUPLE || v.kind == FX_VALUE_LIST) {
		n = fx_tuple_count(v);
		for (size_t i = 0; i < n && i < MAX_ARGS; i++)
			items[i] = rewrite_successor(r, fx_tuple_item(v, i));
		items[n < MAX_ARGS ? n : MAX_ARGS] = (fxv)FX_END;
		return fx_tuple_of(v.kind, items);
	}
	if (v.kind != FX_VALUE_NODE)
		return v;
	if (!v.node->data && v.node->opcode == FX_GET_ATTR)
		t = fx_module_tensor(r->model, v.node->target);
	return t ? fx_view_of(t) : node_value(v.node->data);
}

int rewrite_finish(struct rewrite *r, struct fx_node *n, fxv v)
{
	context.rewrite = NULL;
	if (fx_error(v))
		return rewrite_fail(r, n, error_sentence(v));
	rewrite_answer(r, n, v);
	return 0;
}

int rewrite_as_operation(struct rewrite *r, struct fx_node *n,
			 const struct operation *o)
{
	struct operation own = *o;

	for (size_t i = 0; i < o->n_in; i++)
		own.in[i] = rewrite_successor(r, o->in[i]);
	context.rewrite = r;
	return rewrite_finish(r, n, operation_run(NULL, &own));
}

int rewrite_value(struct rewrite *r, struct fx_node *n, const struct fx_arg *a,
		  fxv *ret)
{
	fxv items[MAX_ARGS + 1];
	int err = 0;

	if (arg_scalar(a, ret))
		return 0;
	if (a->kind == FX_ARG_NODE) {
		*ret = (fxv){ .kind = FX_VALUE_NODE, .node = a->node };
		return 0;
	}
	if (a->count > MAX_ARGS)
		return rewrite_fail(r, n, "a tuple of too many values");
	for (size_t i = 0; !err && i < a->count; i++)
		err = rewrite_value(r, n, &a->items[i], &items[i]);
	if (err)
		return err;
	items[a->count] = (fxv)FX_END;
	*ret = fx_tuple_of(FX_VALUE_TUPLE, items);
	return 0;
}
