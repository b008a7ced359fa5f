// SPDX-License-Identifier: MIT
/*
 * fuse_user.c - what a program's own backend makes one module of
 *
 * Its patterns are chains of calls, each of which the next alone reads. They are
 * looked for before the backend's layers are, so that what they make may be fused
 * further.
 */
#include "verbs.h"

/*
 * The class of a module, the name of a function or method; with one tensor and
 * nothing else, for the module that is made is called with that alone.
 */
static bool is_called(const struct fx_node *n, const char *name)
{
	return n->n_args == 1 && !n->n_kwargs &&
	       (node_is_module(n, name) || node_is_function(n, name) ||
		node_is_method(n, name));
}

/* The nodes of the chain that ends with @n; false if it is none. */
static bool match(const struct fx_fuse_pattern *p, struct fx_node *n,
		  struct fx_node *nodes[FX_FUSE_MAX], size_t *ret_count)
{
	size_t count = 0;

	while (count < FX_FUSE_MAX && p->chain[count])
		count++;
	*ret_count = count;
	for (size_t i = count; i--; n = fx_node_in(n, 0)) {
		if (!n || !is_called(n, p->chain[i]) ||
		    (i + 1 < count && n->n_users != 1))
			return false;
		nodes[i] = n;
	}
	return count > 0;
}

/* Where the first module stood, if nothing else calls it. */
static const char *path_for(struct fx_module *gm, const struct fx_node *first)
{
	const char *path = NULL;

	if (first->module && root_calls(gm, first->module) == 1)
		return first->target;
	for (unsigned int i = 0; !path || fx_module_at(gm, path); i++)
		path = fx_graph_printf(gm->graph, "_generated_fused_%u", i);
	return path;
}

static void fuse(struct fx_module *gm, struct fx_node *const *nodes, size_t n,
		 struct fx_module *fused)
{
	const char *path = path_for(gm, nodes[0]);
	struct fx_arg x = nodes[0]->args[0];
	struct fx_node *call;

	fused->training = gm->training;
	fx_insert_before(nodes[n - 1]);
	call = fx_graph_node(gm->graph, FX_CALL_MODULE, path, NULL, &x, 1, NULL,
			     0);
	fx_graph_set_insert_point(gm->graph, NULL);
	call->module = fused;
	call->scope = call->source = call->target;
	call->loc = nodes[0]->loc;
	fx_node_replace_uses(nodes[n - 1], call);
	for (size_t i = n; i--; ) {
		struct fx_module *m = fx_module_get(nodes[i]->module);
		const char *old = nodes[i]->target;

		fx_node_erase(nodes[i]);
		if (i)
			root_retire(gm, m, old);
		fx_module_put(m);
	}
	fx_module_replace(gm, path, fused);
}

static struct fx_module *make(const struct fx_fuse_pattern *p,
			      struct fx_node *const *nodes, size_t n)
{
	struct fx_module *parts[FX_FUSE_MAX];

	for (size_t i = 0; i < n; i++)
		parts[i] = nodes[i]->module;
	return p->make(parts);
}

void fuse_patterns(struct fx_module *gm, const struct fx_fuse_pattern *p)
{
	struct fx_node *nodes[FX_FUSE_MAX], *n, *next;
	struct fx_module *fused;
	size_t count;

	for (; p && p->chain[0]; p++)
		for (n = fx_graph_first(gm->graph); n; n = next) {
			next = n->next;
			fused = match(p, n, nodes, &count) ?
				make(p, nodes, count) : NULL;
			if (fused && fused->error)
				root_fail(gm, "%s", fused->error);
			if (fused)
				fuse(gm, nodes, count, fused);
		}
}
