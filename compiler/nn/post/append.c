// SPDX-License-Identifier: MIT
/*
 * append.c - a wrapped function at the end of a graph
 */
#include <errno.h>

#include <fxq/post.h>

/* A copy that lives as long as the graph. */
static const struct fxq_function *keep(struct fx_graph *g,
				       const struct fxq_function *fn)
{
	struct fxq_function *copy = fx_graph_alloc(g, sizeof(*copy));

	*copy = *fn;
	copy->name = fx_graph_strdup(g, fn->name);
	return copy;
}

int fx_append_wrapped(struct fx_graph *g, const struct fxq_function *fn,
		      struct fx_node *const *in, size_t n_in,
		      const struct fx_kwarg *kwargs, size_t n_kwargs,
		      const struct fxq_tensor *max_type,
		      struct fx_node **ret_node)
{
	struct fx_node *n;
	struct fx_arg *args;

	if (!fx_graph_output(g))
		return fx_graph_fail(g, -EINVAL, "the graph has no output yet: '%s' cannot follow it",
				     fn->name);
	if (!fn->infer && !max_type)
		return fx_graph_fail(g, -EINVAL, "'%s' has no shape function: say what it returns at most",
				     fn->name);

	args = fx_graph_alloc(g, (n_in + 1) * sizeof(*args));
	for (size_t i = 0; i < n_in; i++)
		args[i] = fx_arg_node(in[i]);
	n = fx_graph_node(g, FX_CALL_FUNCTION, fn->name, NULL, args, n_in,
			  kwargs, n_kwargs);
	n->wrapped = keep(g, fn);
	n->source = n->name;
	if (max_type)
		fx_node_set_type(n, max_type);
	fx_graph_set_output(g, &n, 1);
	fx_graph_eliminate_dead_code(g);
	*ret_node = n;
	return fx_graph_infer(g);
}
