// SPDX-License-Identifier: MIT
/*
 * graph_save.c - writes a functional graph down
 *
 * A node is an object; its arguments name other nodes by their number. Floats
 * are written in hexadecimal, so that each comes back as it was. A constant's
 * elements are the tensor that is called as the node is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "save.h"

json_t *json_float(double f)
{
	locale_t program = uselocale(c_locale());
	char text[40];

	snprintf(text, sizeof(text), "%a", f);
	uselocale(program);
	return json_pack("{s:s}", "float", text);
}

static json_t *json_arg(const struct fx_arg *a);

/* NULL if there is text among them that is no UTF-8. */
static json_t *json_args(const struct fx_arg *args, size_t n)
{
	json_t *items = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(items, json_arg(&args[i]));
	if (json_array_size(items) == n)
		return items;
	json_decref(items);
	return NULL;
}

static json_t *json_kwargs(const struct fx_node *n)
{
	json_t *kwargs = json_object();

	for (size_t i = 0; i < n->n_kwargs; i++)
		json_object_set_new(kwargs, n->kwargs[i].name,
				    json_arg(&n->kwargs[i].value));
	if (json_object_size(kwargs) == n->n_kwargs)
		return kwargs;
	json_decref(kwargs);
	return NULL;
}

static json_t *json_arg(const struct fx_arg *a)
{
	switch (a->kind) {
	case FX_ARG_NONE:
		return json_null();
	case FX_ARG_BOOL:
		return json_boolean(a->b);
	case FX_ARG_INT:
		return json_integer(a->i);
	case FX_ARG_FLOAT:
		return json_float(a->f);
	case FX_ARG_STR:
		return json_string(a->s);
	case FX_ARG_NAME:
		return json_pack("{s:s}", "name", a->s);
	case FX_ARG_NODE:
		return json_pack("{s:I}", "node",
				 (json_int_t)(intptr_t)a->node->data);
	default:
		return json_pack("{s:o}", graph_sequences[a->kind],
				 json_args(a->items, a->count));
	}
}

static json_t *json_of_type(const struct fxq_tensor *t)
{
	json_t *dims = json_array(), *type;

	for (uint32_t i = 0; i < t->rank; i++)
		json_array_append_new(dims, json_integer(t->dims[i]));
	type = json_pack("{s:s, s:o}", "dtype", fxq_dtype_name(t->dtype),
			 "dims", dims);
	if (t->scale != 0)
		json_object_set_new(type, "scale", json_float(t->scale));
	if (t->zero_point)
		json_object_set_new(type, "zero_point",
				    json_integer(t->zero_point));
	return type;
}

json_t *json_types(const struct fx_node *n)
{
	json_t *out = json_array();

	for (int i = 0; i < n->n_out; i++)
		json_array_append_new(out, json_of_type(&n->out[i]));
	return out;
}

json_t *json_node(const struct fx_node *n)
{
	json_t *node;

	node = json_pack("{s:s, s:s, s:s, s:o, s:o}",
			 "opcode", fx_opcode_name(n->opcode), "name", n->name,
			 "target", n->target,
			 "args", json_args(n->args, n->n_args),
			 "kwargs", json_kwargs(n));
	if (node && n->source)
		json_object_set_new(node, "source", json_string(n->source));
	if (node && n->loc.file)
		json_object_set_new(node, "at",
				    json_pack("[s, i, s?, s?]", n->loc.file,
					      n->loc.line, n->loc.expr,
					      n->loc.function));
	return node;
}

/* What only a program has, no file can hold. */
static int check_node(const char *path, const struct fx_node *n)
{
	if (n->wrapped || n->opcode == FX_CALL_MODULE ||
	    n->opcode == FX_CALL_METHOD)
		return io_fail(-ENOTSUP,
			       "%s: node '%s' calls code of a program, which a functional graph does not hold; compile from the plugin, or save its module with fx_save()",
			       path, n->name);
	if (n->opcode == FX_GET_ATTR && !fx_node_is_const(n))
		return io_fail(-ENOTSUP,
			       "%s: node '%s' is a member of a model; make the graph functional first, or save its module with fx_save()",
			       path, n->name);
	return 0;
}

/* The nodes in order, numbered, and the constants among them. */
static int write_nodes(const char *path, const struct fx_graph *g,
		       json_t *nodes, struct tensors *constants)
{
	intptr_t number = 0;
	json_t *node;
	int err;

	fx_for_each_node(n, g) {
		err = check_node(path, n);
		if (err)
			return err;
		n->data = (void *)number++;
		node = json_node(n);
		json_object_set_new(node, "out", json_types(n));
		if (json_array_append_new(nodes, node))
			return io_fail(-EINVAL,
				       "%s: node '%s' has text that is no UTF-8; rename it",
				       path, n->name);
		if (n->opcode != FX_GET_ATTR)
			continue;
		constants->name[constants->n] = (char *)n->name;
		constants->tensor[constants->n++] = n->out[0];
	}
	return 0;
}

static size_t count_nodes(const struct fx_graph *g)
{
	size_t n = 0;

	fx_for_each_node(node, g)
		n++;
	return n;
}

static int save(const struct fx_graph *g, const char *path)
{
	size_t n = count_nodes(g);
	struct tensors constants = {
		.name = calloc(n + 1, sizeof(*constants.name)),
		.tensor = calloc(n + 1, sizeof(*constants.tensor)),
	};
	json_t *nodes = json_array(), *graph;
	struct bytes file = { 0 };
	int err;

	if (!constants.name || !constants.tensor)
		abort();
	err = write_nodes(path, g, nodes, &constants);
	graph = json_pack("{s:i, s:o}", "version", FX_GRAPH_FILE_VERSION,
			  "nodes", nodes);
	constants.note = json_dumps(graph, JSON_COMPACT);
	if (!err)
		err = safetensors_format(path, &constants, &file);
	if (!err)
		err = file_write(path, file.data, file.size);
	json_decref(graph);
	free(constants.note);
	free(constants.name);
	free(constants.tensor);
	bytes_free(&file);
	return err;
}

int fx_graph_save(const struct fx_graph *g, const char *path, char *error,
		  size_t error_size)
{
	int err = save(g, path);

	snprintf(error, error_size, "%s", err ? io_error() : "");
	return err;
}
