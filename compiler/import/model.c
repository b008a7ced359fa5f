// SPDX-License-Identifier: MIT
/*
 * Importing an ONNX model: the file is checked and unpacked, initializers and
 * inputs get their names, each node in turn is built by its row of the table,
 * and what the outputs do not need is dropped.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "import.h"

#define OUTPUTS_MAX	1024

/* The newest that the conformance cases have; a later one may mean otherwise. */
#define OPSET_NEWEST	22

/* The version of ONNX's own operators; 0 if the model uses none of them. */
static int64_t read_opset(const Onnx__ModelProto *m)
{
	int64_t opset = 0;

	for (size_t i = 0; i < m->n_opset_import; i++) {
		const Onnx__OperatorSetIdProto *o = m->opset_import[i];

		if (o->domain && *o->domain && strcmp(o->domain, "ai.onnx"))
			continue;
		if (o->has_version && o->version > opset)
			opset = o->version;
	}
	return opset;
}

static int define_initializers(struct importer *imp)
{
	const Onnx__GraphProto *g = imp->model->graph;

	if (g->n_sparse_initializer)
		return imp_fail(imp, -ENOTSUP,
				"the model has sparse initializers; store them densely");

	for (size_t i = 0; i < g->n_initializer; i++) {
		const Onnx__TensorProto *t = g->initializer[i];
		int ret;

		if (!t->name || !*t->name)
			return imp_fail(imp, -EINVAL,
					"initializer %zu has no name", i);
		ret = imp_define(imp, t->name, NULL, t);
		if (ret)
			return ret;
	}
	return 0;
}

/* A node of this model makes @name, later than where it is wanted. */
static bool is_made_later(const struct importer *imp, const char *name)
{
	const Onnx__GraphProto *g = imp->model->graph;

	for (size_t i = 0; i < g->n_node; i++)
		for (size_t k = 0; k < g->node[i]->n_output; k++)
			if (g->node[i]->output[k] &&
			    !strcmp(g->node[i]->output[k], name))
				return true;
	return false;
}

static int find_inputs(struct onnx_op *op)
{
	op->n_in = op->p->n_input;
	op->in = fx_graph_alloc(op->imp->g, (op->n_in + 1) * sizeof(*op->in));
	for (size_t i = 0; i < op->n_in; i++) {
		const char *name = op->p->input[i];

		if (!name || !*name)
			continue;
		op->in[i] = imp_value(op->imp, name);
		if (op->in[i])
			continue;
		if (op->imp->err)
			return op->imp->err;
		if (is_made_later(op->imp, name))
			return op_fail(op, -EINVAL,
				       "its input '%.80s' is made only later: nodes are out of order, or in a cycle",
				       name);
		return op_fail(op, -EINVAL,
			       "its input '%.80s' is made by nobody", name);
	}
	while (op->n_in && !op->in[op->n_in - 1])
		op->n_in--;
	return 0;
}

static const struct row *find_row(struct onnx_op *op)
{
	const Onnx__NodeProto *p = op->p;
	const struct row *row;
	bool any;

	if (p->domain && *p->domain && strcmp(p->domain, "ai.onnx")) {
		op_fail(op, -ENOTSUP,
			"its domain '%.64s' is not ONNX's own; cut the model there or export it without",
			p->domain);
		return NULL;
	}
	if (!op->imp->opset) {
		op_fail(op, -EINVAL,
			"the model names no version of ONNX's operators");
		return NULL;
	}
	row = row_find(p->op_type, op->imp->opset, &any);
	if (row)
		return row;
	if (any)
		op_fail(op, -ENOTSUP,
			"fxq does not have this operator as opset %lld defines it; convert the model to another opset",
			(long long)op->imp->opset);
	else
		op_fail(op, -ENOTSUP,
			"fxq does not have this operator; wrap it or cut the model there");
	return NULL;
}

static int import_node(struct importer *imp, const Onnx__NodeProto *p,
		       size_t index)
{
	struct onnx_op op = { .imp = imp, .p = p };
	int ret;

	if (!p->op_type || !*p->op_type)
		return imp_fail(imp, -EINVAL, "node %zu has no operator",
				index);
	op.source = p->name && *p->name ?
		    fx_graph_strdup(imp->g, p->name) :
		    fx_graph_printf(imp->g, "%s_%zu", p->op_type, index);

	op.row = find_row(&op);
	if (!op.row)
		return imp->err;
	ret = find_inputs(&op);
	if (ret)
		return ret;
	ret = op.row->import(&op);
	if (ret || imp->err)
		return ret ? ret : imp->err;

	for (size_t i = 0; i < p->n_output; i++)
		if (op_uses_output(&op, i) && !imp_defined(imp, p->output[i]))
			return op_fail(&op, -ENOTSUP,
				       "its output '%.80s' is not provided",
				       p->output[i]);
	ret = op_check_attrs(&op);
	return ret ? ret : imp->err;
}

static int import_outputs(struct importer *imp)
{
	const Onnx__GraphProto *g = imp->model->graph;
	struct fx_node **out;
	const char *names = "";

	if (!g->n_output)
		return imp_fail(imp, -EINVAL, "the model has no outputs");
	if (g->n_output > OUTPUTS_MAX)
		return imp_fail(imp, -EINVAL, "the model has %zu outputs",
				g->n_output);
	out = fx_graph_alloc(imp->g, g->n_output * sizeof(*out));
	for (size_t i = 0; i < g->n_output; i++) {
		const char *name = g->output[i]->name;

		if (name && *name)
			out[i] = imp_value(imp, name);
		if (!out[i])
			return imp_fail(imp, -EINVAL,
					"output '%.80s' is made by nobody",
					name ? name : "");
		names = fx_graph_printf(imp->g, "%s%s%s", names,
					i ? "," : "", name);
	}
	fx_graph_set_output(imp->g, out, g->n_output)->source = names;
	return 0;
}

static int import_graph(struct importer *imp)
{
	const Onnx__GraphProto *g = imp->model->graph;
	int ret;

	if (!g)
		return imp_fail(imp, -EINVAL, "there is no graph in the model");
	imp->opset = read_opset(imp->model);
	if (imp->opset > OPSET_NEWEST)
		return imp_fail(imp, -ENOTSUP,
				"the model is of opset %lld, the newest that fxq knows is %d; export it with that opset, or convert it with onnx.version_converter",
				(long long)imp->opset, OPSET_NEWEST);
	ret = define_initializers(imp);
	if (!ret)
		ret = import_inputs(imp);
	for (size_t i = 0; !ret && i < g->n_node; i++)
		ret = import_node(imp, g->node[i], i);
	if (!ret)
		ret = import_outputs(imp);
	if (ret)
		return ret;

	fx_graph_eliminate_dead_code(imp->g);
	if (imp->unknown[0] && !imp->opts->allow_unknown)
		return imp_fail(imp, -ENOTSUP, "%s; cut the model there",
				imp->unknown);
	return 0;
}

static int import(const void *data, size_t size, const char *dir,
		  const struct fx_import_options *opts,
		  struct fx_graph **ret_graph, char *error, size_t error_size)
{
	static const struct fx_import_options no_options;
	struct importer imp = { .opts = opts ? opts : &no_options, .dir = dir,
				.error = error, .error_size = error_size };
	Onnx__ModelProto *model;
	int ret;

	ret = wire_check(data, size, &onnx__model_proto__descriptor, error,
			 error_size);
	if (ret)
		return ret;
	model = onnx__model_proto__unpack(NULL, size, data);
	if (!model)
		return imp_fail(&imp, -EINVAL, "this is not an ONNX model");

	imp.model = model;
	imp.g = fx_graph_new();
	ret = import_graph(&imp);
	onnx__model_proto__free_unpacked(model, NULL);
	imp_forget_values(&imp);
	if (ret) {
		fx_graph_free(imp.g);
		return ret;
	}
	*ret_graph = imp.g;
	return 0;
}

int fx_import_onnx_memory(const void *data, size_t size,
			  const struct fx_import_options *opts,
			  struct fx_graph **ret_graph,
			  char *error, size_t error_size)
{
	char scratch[1];

	if (!error) {
		error = scratch;
		error_size = sizeof(scratch);
	}
	if (size > IMPORT_FILE_MAX) {
		snprintf(error, error_size, "the model is larger than 1 GiB");
		return -EFBIG;
	}
	return import(data, size, NULL, opts, ret_graph, error, error_size);
}

int fx_import_onnx(const char *path, const struct fx_import_options *opts,
		   struct fx_graph **ret_graph, char *error, size_t error_size)
{
	char reason[2 * FXQ_ERROR_MAX] = "";
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX] = ".";
	void *data;
	size_t size;
	int ret;

	ret = import_read_file(path, IMPORT_FILE_MAX, &data, &size, reason,
			       sizeof(reason));
	if (ret) {
		if (error)
			snprintf(error, error_size, "%s", reason);
		return ret;
	}
	if (slash)
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);

	ret = import(data, size, dir, opts, ret_graph, reason, sizeof(reason));
	if (ret && error)
		snprintf(error, error_size, "%s: %s", path, reason);
	free(data);
	return ret;
}
