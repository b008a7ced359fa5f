// SPDX-License-Identifier: MIT
/*
 * root.c - the graph module that a verb works on
 *
 * No verb touches what it is given. It works on a copy, which has modules and
 * tensors of its own; what calls the copy and what calls the original do not
 * meet.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "verbs.h"

/* Stubs are calls of their own, for the backend to see. */
static const char *const stubs[] = { "QuantStub", "DeQuantStub", NULL };

/*
 * A FloatFunctional shows a call of its activation_post_process, which observes
 * nothing here; the function before it gets the functional's name instead.
 */
static void absorb_functionals(struct fx_graph *g)
{
	static const char suffix[] = ".activation_post_process";

	fx_for_each_node(n, g) {
		size_t len = strlen(n->target), cut = sizeof(suffix) - 1;
		struct fx_node *in = fx_node_in(n, 0);

		if (!in || !node_is_module(n, "Identity") || len <= cut ||
		    strcmp(n->target + len - cut, suffix))
			continue;
		in->source = fx_graph_printf(g, "%.*s", (int)(len - cut),
					     n->target);
		fx_node_replace_uses(n, in);
		fx_node_erase(n);
	}
}

/* What the device can do of wrapped code is for the backend to see, too. */
static struct fx_module *lower(struct fx_module *gm)
{
	if (lower_wrapped(gm->graph, gm))
		root_fail(gm, "%s", fx_graph_error(gm->graph));
	return gm;
}

struct fx_module *root_copy(struct fx_module *model)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, stubs);
	struct fx_module *copy, *gm;
	struct fx_graph *graph;

	copy = fx_module_copy(model);
	if (copy->error)
		return copy;
	if (copy->graph)
		return lower(copy);

	if (fx_trace(copy, &tracer, &graph)) {
		module_fail(copy, -1, "%s", tracer.error);
		return copy;
	}
	absorb_functionals(graph);
	gm = fx_graph_module(copy, graph);
	fx_module_put(copy);
	return lower(gm);
}

struct fx_module *root_fail(struct fx_module *gm, const char *fmt, ...)
{
	va_list args;

	if (gm->error)
		return gm;
	va_start(args, fmt);
	if (vasprintf(&gm->error, fmt, args) < 0)
		abort();
	va_end(args);
	return gm;
}

void root_put(struct fx_module *gm, const char *path, struct fx_module *m)
{
	fx_module_replace(gm, path, m);
	fx_for_each_node(n, gm->graph)
		if (n->opcode == FX_CALL_MODULE && !strcmp(n->target, path))
			n->module = m;
}

void root_swap(struct fx_module *gm, const struct fx_module *from,
	       struct fx_module *to)
{
	fx_for_each_node(n, gm->graph)
		if (n->opcode == FX_CALL_MODULE && n->module == from)
			root_put(gm, n->target, fx_module_get(to));
	fx_module_put(to);
}

void root_renew(struct fx_module *gm)
{
	struct fx_graph *old = gm->graph;

	gm->graph = fx_graph_copy(old);
	fx_graph_free(old);
}

size_t root_calls(const struct fx_module *gm, const struct fx_module *m)
{
	size_t calls = 0;

	fx_for_each_node(n, gm->graph)
		calls += n->opcode == FX_CALL_MODULE && n->module == m;
	return calls;
}

void root_retire(struct fx_module *gm, const struct fx_module *m,
		 const char *path)
{
	struct fx_module *identity;

	if (!m || root_calls(gm, m) || fx_module_at(gm, path) != m)
		return;
	identity = Identity();
	identity->training = gm->training;
	fx_module_replace(gm, path, identity);
}

bool node_is_module(const struct fx_node *n, const char *class)
{
	return n->opcode == FX_CALL_MODULE && n->module &&
	       !strcmp(n->module->class->name, class);
}

static bool calls(const struct fx_node *n, enum fx_opcode opcode,
		  const char *id)
{
	const struct fx_function *fn;

	if (n->wrapped || n->opcode != opcode)
		return false;
	fn = function_of_node(n);
	return fn && !strcmp(fn->id, id);
}

bool node_is_function(const struct fx_node *n, const char *id)
{
	return calls(n, FX_CALL_FUNCTION, id);
}

bool node_is_method(const struct fx_node *n, const char *id)
{
	return calls(n, FX_CALL_METHOD, id);
}

bool node_is_kept(const struct fx_node *n, const char *op)
{
	return node_is_operator(n) && !strcmp(n->op->fn.name, op);
}

bool node_is_observer(const struct fx_node *n)
{
	return n->opcode == FX_CALL_MODULE && fx_is_observer(n->module);
}
