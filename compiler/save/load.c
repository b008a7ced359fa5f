// SPDX-License-Identifier: MIT
/*
 * load.c - a graph module from a file: its modules, then its nodes
 *
 * All is checked before the file leaves a trace: only then do its strings and
 * class names get a place for ever, and the root its graph.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "save.h"
#include "verbs/saved.h"

static size_t count_inputs(const struct fx_graph *g)
{
	size_t n = 0;

	fx_for_each_node(node, g)
		n += node->opcode == FX_PLACEHOLDER;
	return n;
}

/* The forward of a class that is known has the arguments that the graph has. */
static int check_inputs(const struct loader *l)
{
	size_t n = count_inputs(l->g), n_params = 0;

	if (l->gm->class == &unnamed_container)
		return n < MAX_ARGS ? 0 :
		       io_fail(-EINVAL, "%s: it takes %zu arguments; at most %d can be given",
			       l->file, n, MAX_ARGS - 1);
	while (module_method(l->gm)->params[n_params].name)
		n_params++;
	return n == n_params ? 0 :
	       io_fail(-EINVAL, "%s: its graph takes %zu arguments and class %s %zu; save the graph of the class as it is now",
		       l->file, n, l->gm->class->name, n_params);
}

static int check_graph(const struct loader *l)
{
	int err = 0;

	if (!fx_graph_output(l->g))
		return io_fail(-EINVAL, "%s: its graph has no output; save the graph again",
			       l->file);
	err = check_inputs(l);
	if (err)
		return err;
	l->gm->graph = l->g;
	err = saved_check_prepared(l->gm);
	l->gm->graph = NULL;
	return err ? io_fail(err, "%s: %s; save the graph again", l->file,
			     l->gm->error) : 0;
}

/* What is not known gets a class that has its name. */
static void settle(const struct loader *l)
{
	for (size_t i = 0; i < l->n_made; i++) {
		struct made *m = &l->made[i];

		texts_for_ever(m->module);
		if (m->name)
			m->module->class = container_class(m->name,
				m->module == l->gm ? l->g : NULL);
	}
	l->gm->graph = l->g;
}

static int load_all(struct loader *l, json_t *graph)
{
	int err;

	err = load_modules(l, json_object_get(graph, "modules"));
	if (err)
		return err;
	l->gm = l->made[l->n_made - 1].module;
	err = load_nodes(l, graph);
	if (!err)
		err = check_graph(l);
	if (!err)
		settle(l);
	return err;
}

/* Frees what is left of it; on success the root stays. */
static void loader_finish(struct loader *l, bool ok)
{
	for (size_t i = 0; i < l->n_made; i++)
		if (!ok || l->made[i].module != l->gm)
			fx_module_put(l->made[i].module);
	for (size_t i = 0; i < l->tensors->n; i++)
		if (l->taken[i].kind == FX_VALUE_TENSOR)
			value_drop(l->taken[i]);
	free(l->made);
	free(l->taken);
	if (!ok)
		fx_graph_free(l->g);
}

static int load_graph(const char *name, struct tensors *tensors, json_t *graph,
		      const struct fx_load_options *options,
		      struct fx_module **ret_gm)
{
	struct loader l = { .file = name, .tensors = tensors };
	struct known *known = known_new(options);
	struct scope scope;
	int err;

	scope_open(&scope);
	l.g = fx_graph_new();
	l.known = known;
	l.taken = must_alloc((tensors->n + 1) * sizeof(*l.taken));
	err = load_all(&l, graph);
	/* Modules may hold the error that the scope has: they go after it. */
	fx_drop(scope_close(&scope, fx_none));
	loader_finish(&l, !err);
	known_free(known);
	if (!err)
		*ret_gm = l.gm;
	return err;
}

static int load(const char *name, const void *data, size_t size,
		const struct fx_load_options *options,
		struct fx_module **ret_gm)
{
	struct tensors tensors;
	json_t *graph = NULL;
	int err, version = 0;

	err = safetensors_parse(name, data, size, &tensors);
	if (err)
		return err;
	err = read_note(name, &tensors, &graph, &version);
	if (!err && version == FX_GRAPH_FILE_VERSION)
		err = io_fail(-ENOTSUP, "%s: it holds a functional graph; load it with fx_graph_load()",
			      name);
	else if (!err && version != FX_MODULE_FILE_VERSION)
		err = bad_version(name, version);
	if (!err)
		err = load_graph(name, &tensors, graph, options, ret_gm);
	json_decref(graph);
	tensors_free(&tensors);
	return err;
}

int fx_load_memory(const char *name, const void *data, size_t size,
		   const struct fx_load_options *options,
		   struct fx_module **ret_gm, char *error, size_t error_size)
{
	int err = load(name, data, size, options, ret_gm);

	snprintf(error, error_size, "%s", err ? io_error() : "");
	return err;
}

int fx_load(const char *path, const struct fx_load_options *options,
	    struct fx_module **ret_gm, char *error, size_t error_size)
{
	struct bytes file;
	int err;

	err = file_read(path, &file);
	if (!err) {
		err = load(path, file.data, file.size, options, ret_gm);
		bytes_free(&file);
	}
	snprintf(error, error_size, "%s", err ? io_error() : "");
	return err;
}

bool fx_file_has_module(const char *path)
{
	struct tensors tensors;
	json_t *graph = NULL;
	struct bytes file;
	int version = 0;

	if (file_read(path, &file))
		return false;
	if (!safetensors_parse(path, file.data, file.size, &tensors)) {
		if (!read_note(path, &tensors, &graph, &version))
			json_decref(graph);
		tensors_free(&tensors);
	}
	bytes_free(&file);
	return version == FX_MODULE_FILE_VERSION;
}
