// SPDX-License-Identifier: MIT
/*
 * rewrite_wrapped.c - calls of wrapped code, which stay calls
 *
 * What runs such a call has only tensors to pass and attributes to look up:
 * tensors stay arguments by position, those of a wrapped module in front, and
 * everything else gets the name of its parameter.
 */
#include <errno.h>
#include <stdlib.h>

#include "rewrite.h"

/* Whether it is, or holds, a value that is computed. */
static bool is_tensor_arg(const struct fx_arg *a)
{
	if (a->kind == FX_ARG_TUPLE || a->kind == FX_ARG_LIST) {
		for (size_t i = 0; i < a->count; i++)
			if (is_tensor_arg(&a->items[i]))
				return true;
		return false;
	}
	return a->kind == FX_ARG_NODE || a->kind == FX_ARG_NONE;
}

/*
 * struct wrapped_call - of a wrapped function or module, being written
 */
struct wrapped_call {
	struct fx_kwarg kwargs[2 * MAX_ARGS];
	struct fx_arg args[2 * MAX_ARGS];
	size_t n_args, n_kwargs;
};

/* Tensors stay arguments, numbers get the names of their parameters. */
static int wrapped_args(struct rewrite *r, struct fx_node *n, size_t first,
			const struct fx_param *params, struct wrapped_call *c)
{
	if (n->n_args > MAX_ARGS || n->n_kwargs > MAX_ARGS)
		return rewrite_fail(r, n, "too many arguments");

	for (size_t i = first; i < n->n_args; i++) {
		struct fx_arg *a = &n->args[i];

		if (a->kind == FX_ARG_NODE || a->kind == FX_ARG_NONE)
			c->args[c->n_args++] = fx_arg_node(
				a->kind == FX_ARG_NODE ? a->node->data : NULL);
		else if (is_tensor_arg(a))
			return rewrite_fail(r, n, "a tuple of tensors is passed to a wrapped function; pass them one by one");
		else
			c->kwargs[c->n_kwargs++] = (struct fx_kwarg){
				params[i - first].name, *a };
	}
	for (size_t i = 0; i < n->n_kwargs; i++) {
		if (is_tensor_arg(&n->kwargs[i].value))
			return rewrite_fail(r, n, "a tensor is passed to a wrapped function by name; pass it by position");
		c->kwargs[c->n_kwargs++] = n->kwargs[i];
	}
	return 0;
}

static int write_wrapped(struct rewrite *r, struct fx_node *n,
			 const struct fxq_function *fn,
			 const struct wrapped_call *c)
{
	struct fx_node *call = fx_graph_node(r->to, FX_CALL_METHOD, fn->name,
					     NULL, c->args, c->n_args,
					     c->kwargs, c->n_kwargs);

	if (!call)
		return rewrite_fail(r, n, fx_graph_error(r->to));
	call->wrapped = fn;
	rewrite_origin(r, call);
	n->data = call;
	return 0;
}

int rewrite_wrapped(struct rewrite *r, struct fx_node *n)
{
	struct wrapped_call c = { 0 };
	int err;

	err = wrapped_args(r, n, n->opcode == FX_CALL_METHOD,
			   wrapped_of(n->wrapped)->method.params, &c);
	return err ? err : write_wrapped(r, n, n->wrapped, &c);
}

/* The tensors of a module, as constants before the arguments of a call. */
struct own_tensors {
	struct rewrite *r;
	const char *path;
	struct wrapped_call *call;
};

static int add_own(const char *key, enum fx_member_kind kind,
		   struct fxq_tensor *t, void *ctx)
{
	struct own_tensors *own = ctx;
	char *name = path_join(own->path, key);
	struct fx_node *constant = rewrite_constant(own->r, name, t);

	free(name);
	if (!constant || own->call->n_args == MAX_ARGS)
		return -EINVAL;
	own->call->args[own->call->n_args++] = fx_arg_node(constant);
	return 0;
}

int rewrite_wrapped_module(struct rewrite *r, struct fx_node *n)
{
	struct wrapped_call c = { 0 };
	struct own_tensors own = { r, n->target, &c };
	int err;

	if (fx_module_each_tensor(n->module, add_own, &own))
		return rewrite_fail(r, n, "a wrapped module has more tensors than a call takes; wrap the part that needs it");
	err = wrapped_args(r, n, 0, n->module->class->method->params, &c);
	return err ? err :
	       write_wrapped(r, n, n->module->class->wrapped, &c);
}
