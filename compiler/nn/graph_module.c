// SPDX-License-Identifier: MIT
/*
 * graph_module.c - a traced graph as a module
 *
 * The object is a copy of the model's own struct, so that a wrapped method,
 * which is compiled for that struct, runs with the graph module as its self:
 * the members are shared, the training flag is the graph module's own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn_priv.h"

struct fx_module *fx_graph_module(struct fx_module *model,
				  struct fx_graph *graph)
{
	size_t size = model->class->size ? model->class->size : sizeof(*model);
	struct fx_module *gm = must_alloc(size);
	struct fx_member *members;

	memcpy(gm, model, size);
	gm->refs = 1;
	gm->graph = graph;
	gm->error = NULL;

	gm->options = must_alloc(gm->class->n_options * sizeof(fxv));
	for (size_t i = 0; i < gm->class->n_options; i++)
		gm->options[i] = value_get(model->options[i]);

	members = must_alloc(gm->n_members * sizeof(*members));
	for (size_t i = 0; i < gm->n_members; i++) {
		members[i] = model->members[i];
		members[i].name = must_print("%s", members[i].name);
		fx_module_get(members[i].module);
		value_get(members[i].value);
	}
	gm->members = members;
	return gm;
}

fxv fx_attribute(struct fx_module *gm, const char *path)
{
	struct fx_module *m;
	fxv v;

	if (!strcmp(path, "_self"))
		return (fxv){ .kind = FX_VALUE_SELF, .module = gm };

	v = fx_member(gm, path);
	if (!fx_is_none(v))
		return v;
	m = fx_module_at(gm, path);
	if (m)
		return (fxv){ .kind = FX_VALUE_SELF, .module = m };
	return fx_poison(NULL, -ENOENT, "the model has no attribute '%s'",
			 path);
}

void fx_set_code(struct fx_module *gm, const struct fx_code *code)
{
	gm->code = code;
}

fxv fx_call_wrapped_of(struct fx_module *gm, const char *name, const fxv *args)
{
	const struct fx_wrapped *w = NULL;

	if (gm->graph)
		fx_for_each_node(n, gm->graph)
			if (n->wrapped && !strcmp(n->target, name))
				w = wrapped_of(n->wrapped);
	if (!w)
		return fx_poison(NULL, -ENOENT, "the graph calls no wrapped function '%s'",
				 name);
	if (args[0].kind == FX_VALUE_SELF)
		return fx_wrapped_call(w, args[0].module, args + 1);
	return fx_wrapped_call(w, NULL, args);
}

void fx_print_code(const struct fx_module *gm)
{
	char *code = fx_graph_code(gm->graph);

	puts(code);
	free(code);
}
