// SPDX-License-Identifier: MIT
/*
 * lowering.c - wrapped code that the device can do, as operators
 *
 * A registry of lowerings by the names of what is wrapped, and the pass that
 * traces them: each call of such a name in a graph becomes the nodes that its
 * lowering records, in the same place.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "nn_priv.h"

/* The last one registered comes first. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fx_lowering *registry;

void fx_register_lowering(struct fx_lowering *lowering)
{
	pthread_mutex_lock(&lock);
	lowering->next = registry;
	registry = lowering;
	pthread_mutex_unlock(&lock);
}

void fx_unregister_lowering(struct fx_lowering *lowering)
{
	struct fx_lowering **at = &registry;

	pthread_mutex_lock(&lock);
	while (*at && *at != lowering)
		at = &(*at)->next;
	if (*at)
		*at = lowering->next;
	pthread_mutex_unlock(&lock);
}

/* NULL: nobody registered one, or somebody said that there is to be none. */
static const struct fx_lowering *lowering_called(const char *name)
{
	const struct fx_lowering *found = NULL;
	bool skip = false;

	pthread_mutex_lock(&lock);
	for (const struct fx_lowering *l = registry; l; l = l->next) {
		if (strcmp(l->name, name))
			continue;
		skip |= !l->body;
		if (!found)
			found = l;
	}
	pthread_mutex_unlock(&lock);
	return skip ? NULL : found;
}

static const struct fxq_function *wrapped_class(const struct fx_node *n)
{
	return n->opcode == FX_CALL_MODULE && n->module ?
	       n->module->class->wrapped : NULL;
}

/* Of what @n calls; NULL if it calls nothing wrapped, or that has none. */
static const struct fx_lowering *lowering_of(const struct fx_node *n)
{
	const struct fxq_function *fn = n->wrapped ? n->wrapped :
					wrapped_class(n);

	return fn ? lowering_called(fn->name) : NULL;
}

static const struct fx_method *wrapped_method(const struct fx_node *n)
{
	return n->wrapped ? &wrapped_of(n->wrapped)->method :
			    module_method(n->module);
}

/* Whose method or forward it is; NULL for a function. */
static struct fx_module *self_of(const struct fx_node *n,
				 struct fx_module *root)
{
	const struct fx_node *self = fx_node_in(n, 0);

	if (n->opcode == FX_CALL_MODULE)
		return n->module;
	if (n->opcode != FX_CALL_METHOD || !self)
		return NULL;
	return strcmp(self->target, "_self") ?
	       fx_module_at(root, self->target) : root;
}

/* Nodes stand for themselves. */
static fxv value_of(const struct fx_arg *a)
{
	fxv items[MAX_ARGS + 1], v;
	size_t n = a->count < MAX_ARGS ? a->count : MAX_ARGS;

	if (arg_scalar(a, &v))
		return v;
	if (a->kind == FX_ARG_NODE)
		return (fxv){ .kind = FX_VALUE_NODE, .node = a->node };
	for (size_t i = 0; i < n; i++)
		items[i] = value_of(&a->items[i]);
	items[n] = (fxv)FX_END;
	return fx_tuple_of(FX_VALUE_TUPLE + (a->kind - FX_ARG_TUPLE), items);
}

/* What the wrapped code would be called with, its own defaults included. */
static int call_args(const struct fx_node *n, fxv ret[MAX_ARGS], char *error)
{
	const struct fx_method *method = wrapped_method(n);
	size_t self = n->opcode == FX_CALL_METHOD, i = 0;
	fxv given[MAX_ARGS];

	for (; method->params[i].name && i < MAX_ARGS - 1; i++) {
		const struct fx_arg *a = i + self < n->n_args ?
			&n->args[i + self] :
			fx_node_kwarg(n, method->params[i].name);

		given[i] = a ? value_of(a) : fx_default;
	}
	given[i] = (fxv)FX_END;
	return args_complete(method, given, ret, error);
}

static int check_count(const struct fx_lowering *l, const fxv *args,
		       char *error)
{
	size_t n = 0;

	while (l->params[n].name)
		n++;
	if (n == args_count(args))
		return 0;
	return refuse(error, "it has %zu arguments; what is wrapped has %zu",
		      n, args_count(args));
}

/* What the call has become, of which nodes may be the inputs. */
static fxv lowered(const struct fx_lowering *l, struct fx_node *n,
		   struct fx_module *root)
{
	char error[FXQ_ERROR_MAX];
	fxv args[MAX_ARGS], v;

	if (call_args(n, args, error) || check_count(l, args, error))
		return fx_poison(NULL, -EINVAL, "%s", error);
	fx_insert_before(n);
	v = trace_lowering(l, self_of(n, root), args, root, n);
	fx_graph_set_insert_point(n->graph, NULL);
	return v;
}

/* Takes @n out of the graph, and the attribute that was its self. */
static void erase_call(struct fx_node *n)
{
	struct fx_node *self = n->opcode == FX_CALL_METHOD ? fx_node_in(n, 0) :
			       NULL;

	fx_node_erase(n);
	if (self && self->opcode == FX_GET_ATTR && !self->n_users)
		fx_node_erase(self);
}

/* The node of @v, several values, that @user takes from @n; or NULL. */
static struct fx_node *item_taken(const struct fx_node *user,
				  const struct fx_node *n, fxv v)
{
	const struct fx_arg *index = &user->args[1];
	fxv item;

	if (fx_node_in(user, 0) != n || user->n_args != 2 ||
	    function_of_node(user) != &fx_function_getitem ||
	    index->kind != FX_ARG_INT || index->i < 0 ||
	    index->i >= (int64_t)fx_tuple_count(v))
		return NULL;
	item = fx_tuple_item(v, (size_t)index->i);
	return item.kind == FX_VALUE_NODE ? item.node : NULL;
}

/* What was recorded between @first and @n, and nobody wants. */
static void erase_unused(struct fx_node *first, struct fx_node *n)
{
	for (struct fx_node *k = n->prev, *prev; k != first; k = prev) {
		prev = k->prev;
		if (!k->n_users)
			fx_node_erase(k);
	}
}

/* Whoever used @n uses @v. */
static fxv replace_call(struct fx_node *n, fxv v)
{
	if (v.kind == FX_VALUE_POISON)
		return v;
	if (v.kind == FX_VALUE_NODE)
		fx_node_replace_uses(n, v.node);
	fx_for_each_node(user, n->graph) {
		struct fx_node *item = item_taken(user, n, v);

		if (!item)
			continue;
		fx_node_replace_uses(user, item);
		fx_node_erase(user);
	}
	if (n->n_users)
		return fx_poison(NULL, -EINVAL, "it must return what is computed from its arguments: one value, or a tuple of which each is taken by its number");
	return fx_none;
}

int lower_call(const struct fx_lowering *l, struct fx_node *n,
	       struct fx_module *root)
{
	struct fx_node *first = n->prev;
	struct fx_graph *g = n->graph;
	struct scope scope;
	int err = 0;
	fxv v;

	scope_open(&scope);
	v = replace_call(n, lowered(l, n, root));
	v = scope_close(&scope, v);
	if (fx_error(v)) {
		err = fx_graph_fail(g, value_err(v), "the lowering of '%s': %s",
				    l->name, fx_error(v));
		fx_drop(v);
		return err;
	}
	erase_unused(first, n);
	erase_call(n);
	return 0;
}

struct fx_node *behind_results(struct fx_node *n)
{
	struct fx_node *next = n->next;

	while (next && fx_node_in(next, 0) == n &&
	       function_of_node(next) == &fx_function_getitem)
		next = next->next;
	return next;
}

bool has_lowerings(const struct fx_graph *g)
{
	fx_for_each_node(n, g)
		if (lowering_of(n))
			return true;
	return false;
}

int lower_wrapped(struct fx_graph *g, struct fx_module *root)
{
	struct fx_node *n = fx_graph_first(g), *next;
	int err = 0;

	for (; n && !err; n = next) {
		const struct fx_lowering *l = lowering_of(n);

		next = behind_results(n);
		if (l)
			err = lower_call(l, n, root);
	}
	return err;
}
