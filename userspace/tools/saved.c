// SPDX-License-Identifier: MIT
/*
 * saved.c - graph modules in .fxg files: float, prepared, converted
 *
 * A float one is what a plugin's model is once it is traced. A prepared one has
 * scales: in floating point it is the model without its observers, and on
 * integers what convert_fx makes of it. A converted one has integers alone.
 */
#include <stdlib.h>
#include <string.h>

#include <fxq/graph_file.h>
#include <fxq/quantize_fx.h>

#include "tool.h"

bool is_saved(const char *path)
{
	return ends_with(path, ".fxg");
}

bool is_prepared(const struct fx_module *m)
{
	for (size_t i = 0; m && m->graph && i < m->n_members; i++)
		if (!strcmp(m->members[i].name, "_prepared"))
			return true;
	return false;
}

bool is_integer(const struct fx_graph *g)
{
	fx_for_each_node(n, g)
		if (fx_node_is(n, "quantize"))
			return true;
	return false;
}

int saved_trace(const char *path, const struct options *o, struct model *m)
{
	const struct fx_class *classes[2] = { NULL };
	struct fx_load_options known = { 0 };
	char error[2048] = "";
	int code = TOOL_OK, err;

	if (o->mode != MODE_DEFAULT || o->weights)
		return complain(TOOL_USAGE,
				"%s: --train, --eval and --weights are for plugins; a saved graph has its mode and parameters",
				path);
	if (o->plugin)
		code = plugin_code(o->plugin, m, classes, &known);
	if (code)
		return code;
	err = fx_load(path, &known, &m->module, error, sizeof(error));
	if (err)
		return complain(code_of(err), "%s", error);
	m->training = m->module->training;
	return TOOL_OK;
}

/* As floats: what observes and rounds is passed over. */
static int functional(struct model *m)
{
	struct fx_module *gm = fx_module_copy(m->module);
	int err;

	fx_disable_observer(gm);
	fx_disable_fake_quant(gm);
	err = fx_functionalize(gm->graph, gm, &m->graph);
	if (err)
		complain_graph(gm->graph, err);
	fx_module_put(gm);
	return err ? code_of(err) : TOOL_OK;
}

int saved_open(const char *path, const struct options *o, struct model *m)
{
	int code = saved_trace(path, o, m);

	if (!code)
		code = type_inputs(path, m->module->graph, o, 0, NULL);
	return code ? code : functional(m);
}

int saved_integers(const struct model *m, struct fx_graph **ret)
{
	struct fx_module *integers;
	int code = TOOL_OK, err;

	if (!is_prepared(m->module)) {
		*ret = fx_graph_copy(m->graph);
		return TOOL_OK;
	}
	integers = convert_fx(m->module);
	if (integers->error) {
		code = complain(TOOL_UNSUPPORTED, "%s: %s", m->name,
				integers->error);
		goto put_integers;
	}
	err = fx_functionalize(integers->graph, integers, ret);
	if (err) {
		code = complain_graph(integers->graph, err);
		goto put_integers;
	}
	err = fx_graph_infer(*ret);
	if (err)
		code = complain_graph(*ret, err);
put_integers:
	fx_module_put(integers);
	return code;
}

struct fx_module *saved_module(const struct model *m)
{
	return m->traced ?
	       fx_graph_module(m->module, fx_graph_copy(m->traced)) :
	       fx_module_get(m->module);
}

int saved_check(const struct model *m, const char *path)
{
	struct fx_module *gm = saved_module(m);
	char error[2048] = "";
	int err = fx_save_check(gm, path, error, sizeof(error));

	fx_module_put(gm);
	return err ? complain(code_of(err), "%s", error) : TOOL_OK;
}

int saved_write(struct fx_module *gm, const struct feed_inputs *in,
		const char *path)
{
	char error[2048] = "";
	size_t i = 0;

	fx_for_each_node(n, gm->graph) {
		if (n->opcode != FX_PLACEHOLDER || i == in->n)
			continue;
		fx_node_set_type(n, &in->type[i++]);
	}
	if (fx_save(gm, path, error, sizeof(error)))
		return complain(TOOL_OUTPUT, "%s", error);
	return TOOL_OK;
}
