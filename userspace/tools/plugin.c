// SPDX-License-Identifier: MIT
/*
 * plugin.c - a network written in C, from a shared object
 *
 * The model is made, given weights from a file if there is one, traced and
 * brought to functional form, as the program in its own source would do it. What
 * it prints while it is traced, or its wrapped functions while it is calibrated,
 * goes to standard error.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/graph_file.h>
#include <fxq/plugin.h>
#include <fxq/state.h>
#include <fxq/trace.h>

#include "tool.h"

bool is_plugin(const char *path)
{
	return ends_with(path, ".so");
}

int plugin_functions(const char *path)
{
	if (is_plugin(path) && fxq_plugin_load(path))
		return complain(TOOL_INPUT, "%s", fxq_error());
	return TOOL_OK;
}

/* A path without a slash means the current folder, not the loader's path. */
static void *open_object(const char *path)
{
	char *local;
	void *object;

	if (strchr(path, '/'))
		return dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (asprintf(&local, "./%s", path) < 0)
		return NULL;
	object = dlopen(local, RTLD_NOW | RTLD_LOCAL);
	free(local);
	return object;
}

static int find_plugin(const char *path, struct model *m,
		       const struct fxq_plugin **ret)
{
	const struct fxq_plugin *plugin;

	m->object = open_object(path);
	if (!m->object)
		return complain(TOOL_INPUT, "%s: it cannot be loaded: %s", path,
				dlerror());
	plugin = dlsym(m->object, "fxq_plugin");
	if (!plugin)
		return complain(TOOL_INPUT,
				"%s: it has no fxq_plugin; end its source with FXQ_PLUGIN() of fxq/plugin.h",
				path);
	if (plugin->abi != FXQ_PLUGIN_ABI)
		return complain(TOOL_INPUT,
				"%s: it was built for plugin ABI %u and this is %u; build it again",
				path, plugin->abi, FXQ_PLUGIN_ABI);
	*ret = plugin;
	return TOOL_OK;
}

/* Numbers of rows, if that is what @in is read as first: int64, as torch has. */
static uint32_t input_dtype(const struct fx_node *in)
{
	for (const struct fx_node *n = in->next; n; n = n->next) {
		if (fx_node_is(n, "gather") && fx_node_in(n, 1) == in)
			return FXQ_DTYPE_I64;
		if (fx_node_in(n, 0) == in || fx_node_in(n, 1) == in)
			break;
	}
	return FXQ_DTYPE_F32;
}

int type_inputs(const char *path, struct fx_graph *g, const struct options *o,
		uint32_t rank, const int64_t *dims)
{
	size_t n;
	struct fx_node **in = graph_inputs(g, &n);
	struct fxq_tensor type;
	int code = TOOL_OK;

	for (size_t i = 0; in && i < n && !code; i++) {
		const struct fx_shape_binding *shape = NULL;

		for (size_t k = 0; k < o->n_shapes; k++)
			if (!strcmp(o->shapes[k].input, in[i]->name) ||
			    (n == 1 && !o->shapes[k].input[0]))
				shape = &o->shapes[k];
		if (!shape && !rank && in[i]->out[0].dtype != FXQ_DTYPE_NONE)
			continue;
		if (!shape && !rank)
			code = complain(TOOL_INPUT,
					"%s: the shape of input '%s' is not known; give --shape %s=1x3x224x224",
					path, in[i]->name, in[i]->name);
		type = fxq_tensor_type(input_dtype(in[i]),
				       shape ? shape->rank : rank,
				       shape ? shape->dims : dims);
		if (!code)
			fx_node_set_type(in[i], &type);
	}
	free(in);
	return code;
}

int load_weights(const char *path, struct fx_module *m)
{
	char error[2048];
	int err;

	err = fx_load_state(m, path, true, error, sizeof(error));
	return err ? complain(TOOL_INPUT, "%s", error) : TOOL_OK;
}

int plugin_trace(const char *path, const struct options *o, struct model *m,
		 const struct fxq_plugin **ret)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	int code, err;

	code = find_plugin(path, m, ret);
	if (code)
		return code;
	if (!(*ret)->model)
		return complain(TOOL_INPUT,
				"%s: this plugin has functions only; name a model in its FXQ_PLUGIN()",
				path);
	m->module = (*ret)->model();
	if (o->weights)
		code = load_weights(o->weights, m->module);
	if (code)
		return code;
	m->training = o->mode == MODE_TRAIN;
	if (m->training)
		fx_train(m->module);
	else
		fx_eval(m->module);

	stdout_away();
	err = fx_trace(m->module, &tracer, &m->traced);
	stdout_back();
	return err ? complain(code_of(err), "%s: %s", path, tracer.error) :
		     TOOL_OK;
}

int plugin_open(const char *path, const struct options *o, struct model *m)
{
	const struct fxq_plugin *plugin;
	int code, err;

	code = plugin_trace(path, o, m, &plugin);
	if (code)
		return code;
	err = fx_functionalize(m->traced, m->module, &m->graph);
	if (err)
		return complain_graph(m->traced, err);
	return type_inputs(path, m->graph, o, plugin->rank, plugin->dims);
}

int plugin_code(const char *path, struct model *m,
		const struct fx_class *ret_classes[2],
		struct fx_load_options *ret)
{
	const struct fxq_plugin *plugin = NULL;
	struct fx_module *model;
	int code;

	code = find_plugin(path, m, &plugin);
	if (code)
		return code;
	if (plugin->model) {
		model = plugin->model();
		ret_classes[0] = model->class;
		fx_module_put(model);
	}
	ret->classes = ret_classes;
	ret->functions = plugin->functions;
	return TOOL_OK;
}
