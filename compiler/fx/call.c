// SPDX-License-Identifier: MIT
/*
 * call.c - a node as a call of its function
 *
 * What inference, folding and interpretation have in common: which function a
 * node calls, which of its arguments are tensors, and its parameters as
 * attributes.
 *
 * An operator's arguments are tensors, None where an optional one is absent,
 * and its kwargs are parameters. A wrapped function is called more freely: the
 * get_attr without data that stands for `self` is left out, tuples and lists
 * of tensors are taken item by item, and a literal among the arguments becomes
 * an attribute "argN", N being its place. None kwargs are left out of both.
 *
 * A "getitem" with the kwarg "index" calls nothing: it is that result of the
 * node it names. A node of several results can be used in no other way.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fx_priv.h"

/* What a sequence is as an attribute: all ints, or floats among them. */
static uint32_t sequence_type(const struct fx_arg *a)
{
	uint32_t type = FXQ_ATTR_INTS;

	for (size_t i = 0; i < a->count; i++) {
		switch (a->items[i].kind) {
		case FX_ARG_BOOL:
		case FX_ARG_INT:
			break;
		case FX_ARG_FLOAT:
			type = FXQ_ATTR_FLOATS;
			break;
		default:
			return 0;
		}
	}
	return type;
}

static int64_t item_int(const struct fx_arg *a)
{
	return a->kind == FX_ARG_BOOL ? a->b : a->i;
}

static double item_float(const struct fx_arg *a)
{
	return a->kind == FX_ARG_FLOAT ? a->f : (double)item_int(a);
}

static int sequence_to_attr(const struct fx_arg *a, struct arena *arena,
			    struct fxq_attr *attr)
{
	attr->type = sequence_type(a);
	if (!attr->type || a->count > UINT32_MAX)
		return -EINVAL;

	attr->count = a->count;
	if (attr->type == FXQ_ATTR_INTS) {
		int64_t *ints = arena_alloc(arena, a->count * 8, 8);

		for (size_t i = 0; i < a->count; i++)
			ints[i] = item_int(&a->items[i]);
		attr->ints = ints;
	} else {
		double *floats = arena_alloc(arena, a->count * 8, 8);

		for (size_t i = 0; i < a->count; i++)
			floats[i] = item_float(&a->items[i]);
		attr->floats = floats;
	}
	return 0;
}

static int arg_to_attr(const struct fx_arg *a, struct arena *arena,
		       struct fxq_attr *attr)
{
	attr->count = 1;
	switch (a->kind) {
	case FX_ARG_BOOL:
	case FX_ARG_INT:
		attr->type = FXQ_ATTR_INT;
		attr->i = item_int(a);
		return 0;
	case FX_ARG_FLOAT:
		attr->type = FXQ_ATTR_FLOAT;
		attr->f = a->f;
		return 0;
	case FX_ARG_STR:
		attr->type = FXQ_ATTR_STRING;
		attr->s = a->s;
		return 0;
	case FX_ARG_TUPLE:
	case FX_ARG_LIST:
		return sequence_to_attr(a, arena, attr);
	default:
		return -EINVAL;
	}
}

/* True if the argument holds a node, or is None: no parameter then. */
static bool is_tensor_arg(const struct fx_arg *a)
{
	if (a->kind == FX_ARG_NODE || a->kind == FX_ARG_NONE)
		return true;
	if (!arg_is_sequence(a))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->items[i].kind == FX_ARG_NODE)
			return true;
	return false;
}

/* The literals among the arguments of a wrapped call. */
static int literal_attrs(struct fx_node *n, struct arena *arena,
			 struct fxq_attr *attrs)
{
	int count = 0;
	char *name;

	for (size_t i = 0; i < n->n_args; i++) {
		if (is_tensor_arg(&n->args[i]))
			continue;
		if (!n->wrapped)
			return node_fail(n, -EINVAL, "argument %zu is a literal; an operator takes tensors as arguments and literals as kwargs",
					 i);
		if (arg_to_attr(&n->args[i], arena, &attrs[count]))
			return node_fail(n, -EINVAL, "argument %zu is no number, string, or tuple of numbers, which is what a function can be passed",
					 i);

		name = arena_alloc(arena, 24, 1);
		snprintf(name, 24, "arg%zu", i);
		attrs[count++].name = name;
	}
	return count;
}

int node_attrs(struct fx_node *n, struct arena *arena,
	       struct fxq_attr **ret_attrs)
{
	size_t max = n->n_args + n->n_kwargs;
	struct fxq_attr *attrs = arena_alloc(arena, max * sizeof(*attrs), 8);
	int count;

	count = literal_attrs(n, arena, attrs);
	if (count < 0)
		return count;

	for (size_t i = 0; i < n->n_kwargs; i++) {
		const struct fx_kwarg *kwarg = &n->kwargs[i];

		if (kwarg->value.kind == FX_ARG_NONE)
			continue;
		if (arg_to_attr(&kwarg->value, arena, &attrs[count]))
			return node_fail(n, -EINVAL, "kwarg '%s' is no number, string, or tuple of numbers, which is what an operator can be passed",
					 kwarg->name);
		attrs[count++].name = kwarg->name;
	}
	*ret_attrs = attrs;
	return count;
}

int fx_node_attrs(struct fx_node *n, struct fxq_attr **ret_attrs)
{
	return node_attrs(n, &n->graph->arena, ret_attrs);
}

int node_selects(struct fx_node *n, struct fx_node **ret_from, int *ret_index)
{
	struct fx_node *from = fx_node_in(n, 0);
	const struct fx_arg *index;

	if (!fx_node_is(n, "getitem"))
		return 0;
	index = fx_node_kwarg(n, "index");
	if (!index)
		return 0;

	if (!from || n->n_args != 1 || index->kind != FX_ARG_INT)
		return node_fail(n, -EINVAL, "getitem takes one node and an int as index");
	if (index->i < 0 || index->i >= from->n_out)
		return node_fail(n, -EINVAL, "index %" PRId64 " is not one of the %d results of '%s'",
				 index->i, from->n_out, from->name);

	*ret_from = from;
	*ret_index = index->i;
	return 1;
}

struct gather_walk {
	struct fx_node *n;
	struct fx_node **inputs;
	uint32_t count;
	int ret;
};

static bool stands_for_self(const struct fx_node *in)
{
	return in->opcode == FX_GET_ATTR && !fx_node_is_const(in);
}

static void gather_node(struct fx_node *in, void *ctx)
{
	struct gather_walk *walk = ctx;

	if (walk->n->wrapped && stands_for_self(in))
		return;
	if (stands_for_self(in) && !node_type_is_known(in) && !walk->ret)
		walk->ret = node_fail(walk->n, -EINVAL, "input '%s' is an attribute without data",
				      in->name);
	if (in->n_out != 1 && !walk->ret)
		walk->ret = node_fail(walk->n, -EINVAL, "input '%s' has %d results; select one with getitem",
				      in->name, in->n_out);
	if (walk->inputs)
		walk->inputs[walk->count] = in;
	walk->count++;
}

/* Counts the tensors; notes them too if walk->inputs is there. */
static int gather(struct gather_walk *walk)
{
	struct fx_node *n = walk->n;

	walk->count = 0;
	for (size_t i = 0; i < n->n_args && !walk->ret; i++) {
		const struct fx_arg *a = &n->args[i];

		if (a->kind == FX_ARG_NONE)
			walk->count++;
		else if (n->wrapped || a->kind == FX_ARG_NODE)
			arg_visit(a, gather_node, walk);
		else if (is_tensor_arg(a))
			walk->ret = node_fail(n, -EINVAL, "argument %zu is a tuple; an operator takes its tensors one by one",
					      i);
	}
	return walk->ret;
}

static const struct fxq_function *node_function(const struct fx_node *n)
{
	if (n->opcode != FX_CALL_FUNCTION && n->opcode != FX_CALL_METHOD)
		return NULL;
	if (n->wrapped)
		return n->wrapped;
	return n->op ? &n->op->fn : NULL;
}

int node_call_init(struct fx_node *n, struct arena *arena,
		   struct node_call *ret_call)
{
	struct node_call c = { .fn = node_function(n) };
	struct gather_walk walk = { .n = n };
	struct fxq_attr *attrs;
	int ret;

	if (!c.fn)
		return node_fail(n, -EINVAL, "%s '%s' has no body here; make the graph functional first",
				 n->opcode == FX_CALL_MODULE ? "module" :
				 "function", n->target);

	ret = gather(&walk);
	if (ret)
		return ret;
	c.call.n_in = walk.count;
	c.inputs = arena_alloc(arena, walk.count * sizeof(*c.inputs), 8);
	walk.inputs = c.inputs;
	gather(&walk);

	ret = node_attrs(n, arena, &attrs);
	if (ret < 0)
		return ret;
	c.call.n_attrs = ret;
	c.call.attrs = attrs;

	c.in = arena_alloc(arena, walk.count * sizeof(*c.in), 8);
	c.call.in = c.in;
	c.call.n_out = n->n_out;
	c.call.out = arena_alloc(arena, n->n_out * sizeof(*c.call.out), 8);
	for (int i = 0; i < n->n_out; i++) {
		c.call.out[i].scale = n->out[i].scale;
		c.call.out[i].zero_point = n->out[i].zero_point;
	}
	*ret_call = c;
	return 0;
}

int node_call_fail(struct fx_node *n, int err, const struct fxq_call *call)
{
	return node_fail(n, err, "%s: %s", n->target,
			 call->error[0] ? call->error : strerror(-err));
}

__attribute__((format(printf, 3, 4)))
static int call_fail(struct fxq_call *call, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(call->error, sizeof(call->error), fmt, args);
	va_end(args);
	return err;
}

int op_check_arity(const struct fx_op *op, struct fxq_call *call)
{
	int n_in = call->n_in > INT32_MAX ? INT32_MAX : (int)call->n_in;

	if (n_in < op->min_in)
		return call_fail(call, -EINVAL, "%d tensors given; at least %d are needed",
				 n_in, op->min_in);
	if (op->max_in >= 0 && n_in > op->max_in)
		return call_fail(call, -EINVAL, "%d tensors given; at most %d are taken",
				 n_in, op->max_in);
	for (int i = 0; i < op->min_in; i++)
		if (call->in[i].dtype == FXQ_DTYPE_NONE)
			return call_fail(call, -EINVAL, "tensor %d is absent; the first %d are required",
					 i, op->min_in);
	if (op->n_out >= 0 && call->n_out != (uint32_t)op->n_out)
		return call_fail(call, -EINVAL, "%u results wanted; there are %d",
				 call->n_out, op->n_out);
	return 0;
}

int function_infer(const struct fxq_function *fn, struct fxq_call *call)
{
	char text[TENSOR_STR_MAX];
	int ret;

	ret = fn->infer(call);
	if (ret)
		return ret;

	for (uint32_t i = 0; i < call->n_out; i++)
		if (tensor_check_type(&call->out[i]))
			return call_fail(call, -EINVAL, "result %u would be %s, which no tensor can be",
					 i, tensor_str(&call->out[i], text));
	return 0;
}
