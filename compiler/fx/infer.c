// SPDX-License-Identifier: MIT
/*
 * infer.c - the type of every value, from those of inputs and constants
 *
 * Nodes are visited in order, each operator's shape function answers for its
 * own. Where that needs values which only running tells (it answers -ENODATA),
 * or where a wrapped function has no shape function, types stay unknown (dtype
 * none), as do those that depend on them; this is no failure. Scale and zero
 * point of a result are the quantizer's and outlive inference.
 */
#include <errno.h>

#include "fx_priv.h"

bool node_type_is_known(const struct fx_node *n)
{
	for (int i = 0; i < n->n_out; i++)
		if (n->out[i].dtype == FXQ_DTYPE_NONE)
			return false;
	return true;
}

/* Inputs as types; constants with their elements. False if one is unknown. */
static bool set_input_types(const struct node_call *c)
{
	for (uint32_t i = 0; i < c->call.n_in; i++) {
		if (!c->inputs[i])
			continue;
		c->in[i] = c->inputs[i]->out[0];
		if (c->in[i].dtype == FXQ_DTYPE_NONE)
			return false;
	}
	return true;
}

static void set_result(struct fx_node *n, int i, const struct fxq_tensor *type)
{
	tensor_set_shape(&n->out[i], type);
	if (type->scale) {
		n->out[i].scale = type->scale;
		n->out[i].zero_point = type->zero_point;
	}
}

static int infer_call(struct fx_node *n, struct arena *arena)
{
	static struct fxq_self nobody;
	struct node_call c;
	int ret;

	ret = node_call_init(n, arena, &c);
	if (ret)
		return ret;
	if (!set_input_types(&c) || !c.fn->infer)
		return 0;

	if (n->wrapped)
		c.call.self = &nobody;
	else if ((ret = op_check_arity(n->op, &c.call)))
		return node_call_fail(n, ret, &c.call);

	ret = function_infer(c.fn, &c.call);
	if (ret == -ENODATA)
		return 0;
	if (ret)
		return node_call_fail(n, ret, &c.call);

	for (int i = 0; i < n->n_out; i++)
		set_result(n, i, &c.call.out[i]);
	return 0;
}

int infer_node(struct fx_node *n, struct arena *arena)
{
	struct fx_node *from;
	int ret, index;

	if (n->opcode == FX_PLACEHOLDER || n->opcode == FX_GET_ATTR ||
	    n->opcode == FX_OUTPUT)
		return 0;

	ret = node_selects(n, &from, &index);
	if (ret < 0)
		return ret;
	if (!ret)
		return infer_call(n, arena);

	set_result(n, 0, &from->out[index]);
	return 0;
}

int fx_graph_infer(struct fx_graph *g)
{
	int ret;

	fx_for_each_node(n, g) {
		struct arena arena = {};

		if (n->opcode == FX_PLACEHOLDER && !node_type_is_known(n))
			return node_fail(n, -EINVAL, "the type of this input is unknown; give its dtype and shape");

		ret = infer_node(n, &arena);
		arena_finish(&arena);
		if (ret)
			return ret;
	}
	return 0;
}
