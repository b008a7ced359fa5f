// SPDX-License-Identifier: MIT
/*
 * model.c - a network as a graph: from an ONNX file, a plugin, a saved graph
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/graph_file.h>
#include <fxq/nn.h>
#include <fxq/quantize_fx.h>

#include "tool.h"

bool ends_with(const char *path, const char *ending)
{
	size_t n = strlen(path), k = strlen(ending);

	return n > k && !strcmp(path + n - k, ending);
}

bool is_quantized(const struct fx_graph *g)
{
	fx_for_each_node(n, g)
		if (fx_node_is(n, "quantize_linear"))
			return true;
	return false;
}

int model_need_module(struct model *m)
{
	struct fx_module *module;
	struct fx_graph *g;
	int code = TOOL_OK, err;

	if (m->module)
		return TOOL_OK;
	g = fx_graph_copy(m->graph);
	err = fx_fuse_spelled(g);
	if (err) {
		code = complain_graph(g, err);
		fx_graph_free(g);
		return code;
	}
	module = fx_module_of_graph(g);
	fx_graph_free(g);
	if (module->error) {
		code = complain(TOOL_UNSUPPORTED, "%s: %s", m->name,
				module->error);
		fx_module_put(module);
	} else {
		m->module = module;
	}
	return code;
}

/* Others than the file has, as training wrote them: the graph gets them too. */
static int give_weights(const char *path, const char *weights, struct model *m)
{
	struct fx_graph *g;
	int code, err;

	if (is_quantized(m->graph))
		return complain(TOOL_USAGE,
				"%s: it is quantized, with scales for the weights it has; --weights are for the float network",
				path);
	code = model_need_module(m);
	if (!code)
		code = load_weights(weights, m->module);
	if (code)
		return code;
	err = fx_functionalize(m->module->graph, m->module, &g);
	if (err)
		return complain_graph(m->module->graph, err);
	fx_graph_free(m->graph);
	m->graph = g;
	return TOOL_OK;
}

static int import_onnx(const char *path, const struct options *o,
		       struct model *m)
{
	const struct fx_import_options import = {
		.shapes = o->shapes,
		.n_shapes = o->n_shapes,
		.default_batch = 1,
	};
	char error[1024] = "";
	int err;

	if (o->mode != MODE_DEFAULT)
		return complain(TOOL_USAGE,
				"%s: --train and --eval are for plugins; an ONNX file has one mode",
				path);
	err = fx_import_onnx(path, &import, &m->graph, error, sizeof(error));
	if (err)
		return complain(code_of(err), "%s", error);
	return o->weights ? give_weights(path, o->weights, m) : TOOL_OK;
}

static int load_graph(const char *path, const struct options *o,
		      struct model *m)
{
	char error[1024] = "";
	int err;

	if (o->mode != MODE_DEFAULT || o->n_shapes)
		return complain(TOOL_USAGE,
				"%s: --train, --eval and --shape are for models; a saved graph has its mode and shapes",
				path);
	err = fx_graph_load(path, &m->graph, error, sizeof(error));
	return err ? complain(code_of(err), "%s", error) : TOOL_OK;
}

static int open_graph(const char *path, const struct options *o,
		      struct model *m)
{
	int code, err;

	code = is_plugin(path) ? plugin_open(path, o, m) :
	       !is_saved(path) ? import_onnx(path, o, m) :
	       fx_file_has_module(path) ? saved_open(path, o, m) :
					  load_graph(path, o, m);
	if (code)
		return code;
	err = fx_graph_infer(m->graph);
	return err ? complain_graph(m->graph, err) : TOOL_OK;
}

static int open_traced(const char *path, const struct options *o,
		       struct model *m)
{
	const struct fxq_plugin *plugin;

	if (is_plugin(path))
		return plugin_trace(path, o, m, &plugin);
	if (is_saved(path) && fx_file_has_module(path))
		return saved_trace(path, o, m);
	return open_graph(path, o, m);
}

static int open_with(const char *path, const struct options *o,
		     int (*open)(const char *path, const struct options *o,
				 struct model *m), struct model *ret)
{
	struct model m = { .name = name_of(path) };
	int code;

	if (!m.name)
		return complain_io(io_fail_memory(path));
	code = open(path, o, &m);
	if (code)
		model_close(&m);
	else
		*ret = m;
	return code;
}

int model_open(const char *path, const struct options *o, struct model *ret)
{
	return open_with(path, o, open_graph, ret);
}

int model_open_traced(const char *path, const struct options *o,
		      struct model *ret)
{
	return open_with(path, o, open_traced, ret);
}

void model_close(struct model *m)
{
	fx_graph_free(m->graph);
	fx_graph_free(m->traced);
	fx_module_put(m->module);
	if (m->object)
		dlclose(m->object);
	free(m->name);
	*m = (struct model){ 0 };
}

struct fx_node **graph_inputs(const struct fx_graph *g, size_t *ret_n)
{
	struct fx_node **nodes;
	size_t n = 0;

	fx_for_each_node(count, g)
		n += count->opcode == FX_PLACEHOLDER;
	nodes = calloc(n + 1, sizeof(*nodes));
	*ret_n = 0;
	if (nodes)
		fx_for_each_node(node, g)
			if (node->opcode == FX_PLACEHOLDER)
				nodes[(*ret_n)++] = node;
	return nodes;
}

struct fx_node **graph_outputs(const struct fx_graph *g, size_t *ret_n)
{
	const struct fx_node *output = fx_graph_output(g);
	const struct fx_arg *a = output && output->n_args ? output->args : NULL;
	size_t n = !a ? 0 : a->kind == FX_ARG_NODE ? 1 : a->count;
	struct fx_node **nodes = calloc(n + 1, sizeof(*nodes));

	*ret_n = n;
	for (size_t i = 0; nodes && i < n; i++) {
		const struct fx_arg *v = a->kind == FX_ARG_NODE ? a :
					 &a->items[i];

		nodes[i] = v->kind == FX_ARG_NODE ? v->node : NULL;
	}
	return nodes;
}

int model_do(const struct options *o, int (*work)(void *args, struct model *m),
	     void *args)
{
	struct model m;
	int code = model_open(o->model, o, &m);

	if (code)
		return code;
	code = work(args, &m);
	model_close(&m);
	return code;
}
