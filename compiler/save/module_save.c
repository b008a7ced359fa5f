// SPDX-License-Identifier: MIT
/*
 * module_save.c - writes a graph module down
 *
 * Modules are listed children first, each once, so that whoever reads the list
 * has what a module holds before the module. A tensor is called by the path at
 * which it was found first; who else holds it gives the same name.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "save.h"

/*
 * struct saver
 * @modules: those that are written, by number; @holders: of each tensor
 */
struct saver {
	const char *file;
	json_t *list, *nodes;
	const struct fx_module **modules;
	size_t n;
	const struct fx_tensor **holders;
	struct tensors tensors;
};

static int refuse_text(const struct saver *s, const char *path)
{
	return io_fail(-EINVAL, "%s: '%s' has text that is no UTF-8; rename it",
		       s->file, path);
}

/* Tensors */

static void add_tensor(struct saver *s, const char *name,
		       const struct fxq_tensor *t, const struct fx_tensor *of)
{
	size_t n = s->tensors.n + 1;

	s->tensors.name = realloc(s->tensors.name,
				  n * sizeof(*s->tensors.name));
	s->tensors.tensor = realloc(s->tensors.tensor,
				    n * sizeof(*s->tensors.tensor));
	s->holders = realloc(s->holders, n * sizeof(*s->holders));
	if (!s->tensors.name || !s->tensors.tensor || !s->holders)
		abort();
	s->tensors.name[n - 1] = must_print("%s", name);
	s->tensors.tensor[n - 1] = *t;
	s->holders[n - 1] = of;
	s->tensors.n = n;
}

static json_t *json_tensor(struct saver *s, const struct fx_tensor *t,
			   const char *path)
{
	size_t i = 0;

	while (i < s->tensors.n && s->holders[i] != t)
		i++;
	if (i == s->tensors.n)
		add_tensor(s, path, &t->t, t);
	return json_string(s->tensors.name[i]);
}

/* Values; NULL if no file holds it */

static json_t *json_value(struct saver *s, fxv v, const char *path);

static json_t *json_items(struct saver *s, fxv v)
{
	json_t *items = json_array();

	for (size_t i = 0; i < v.tuple->n; i++) {
		fxv item = v.tuple->items[i];

		if (item.kind != FX_VALUE_TENSOR &&
		    !json_array_append_new(items, json_value(s, item, NULL)))
			continue;
		json_decref(items);
		return NULL;
	}
	return items;
}

static json_t *json_value(struct saver *s, fxv v, const char *path)
{
	switch (v.kind) {
	case FX_VALUE_NONE:
		return json_null();
	case FX_VALUE_BOOL:
		return json_boolean(v.b);
	case FX_VALUE_INT:
		return json_integer(v.i);
	case FX_VALUE_FLOAT:
		return json_float(v.f);
	case FX_VALUE_STR:
		return json_string(v.s);
	case FX_VALUE_NAME:
		return json_pack("{s:s?}", "name", v.s);
	case FX_VALUE_TENSOR:
		return json_pack("{s:o}", "tensor",
				 json_tensor(s, v.tensor, path));
	case FX_VALUE_TUPLE:
	case FX_VALUE_LIST:
	case FX_VALUE_SLICE:
	case FX_VALUE_DICT:
		return json_pack("{s:o}", graph_sequences[v.kind -
				 FX_VALUE_TUPLE + FX_ARG_TUPLE],
				 json_items(s, v));
	default:
		return NULL;
	}
}

/* Modules */

static int save_module(struct saver *s, const struct fx_module *m,
		       const char *path, size_t *ret_number);

static int save_child(struct saver *s, const struct fx_member *member,
		      const char *path, json_t *members)
{
	size_t number = 0;
	int err;

	err = save_module(s, member->module, path, &number);
	if (err)
		return err;
	return json_array_append_new(members,
				     json_pack("[s, s, I]", member->name,
					       "module", (json_int_t)number)) ?
	       refuse_text(s, path) : 0;
}

static int save_member(struct saver *s, const struct fx_module *m,
		       const struct fx_member *member, const char *path,
		       json_t *members)
{
	static const char *const kinds[] = {
		[FX_MEMBER_PARAMETER] = "parameter",
		[FX_MEMBER_BUFFER] = "buffer",
		[FX_MEMBER_ATTRIBUTE] = "attribute",
	};
	json_t *value;

	if (!*member->name || strchr(member->name, '.'))
		return io_fail(-EINVAL, "%s: no path leads to '%s': a name is not empty and has no dot; rename it",
			       s->file, path);
	if (module_member(m, member->name) != member)
		return io_fail(-EINVAL, "%s: two members are called '%s'; rename one",
			       s->file, path);
	if (member->kind == FX_MEMBER_MODULE)
		return save_child(s, member, path, members);
	value = json_value(s, member->value, path);
	if (!value)
		return io_fail(-ENOTSUP, "%s: '%s' is no tensor, number, text in UTF-8 or tuple of them; take it out of the module",
			       s->file, path);
	return json_array_append_new(members,
				     json_pack("[s, s, o]", member->name,
					       kinds[member->kind], value)) ?
	       refuse_text(s, path) : 0;
}

static int save_members(struct saver *s, const struct fx_module *m,
			const char *path, json_t *members)
{
	int err = 0;

	for (size_t i = 0; !err && i < m->n_members; i++) {
		char *below = path_join(path, m->members[i].name);

		err = save_member(s, m, &m->members[i], below, members);
		free(below);
	}
	return err;
}

/* NULL if there is text among them that is no UTF-8. */
static json_t *json_options(struct saver *s, const struct fx_module *m)
{
	json_t *options = json_object();

	for (size_t i = 0; i < m->class->n_options; i++)
		json_object_set_new(options, m->class->options[i].name,
				    json_value(s, m->options[i], NULL));
	if (json_object_size(options) == m->class->n_options)
		return options;
	json_decref(options);
	return NULL;
}

static size_t number_of_module(const struct saver *s,
			       const struct fx_module *m)
{
	size_t i = 0;

	while (i < s->n && s->modules[i] != m)
		i++;
	return i;
}

static int save_module(struct saver *s, const struct fx_module *m,
		       const char *path, size_t *ret_number)
{
	json_t *members;
	int err;

	*ret_number = number_of_module(s, m);
	if (*ret_number < s->n)
		return 0;
	members = json_array();
	err = save_members(s, m, path, members);
	if (!err && json_array_append_new(s->list,
			json_pack("{s:s, s:b, s:o, s:O}", "class",
				  m->class->name, "training", m->training,
				  "options", json_options(s, m),
				  "members", members)))
		err = refuse_text(s, *path ? path : m->class->name);
	json_decref(members);
	if (err)
		return err;
	s->modules = realloc(s->modules, (s->n + 1) * sizeof(*s->modules));
	if (!s->modules)
		abort();
	*ret_number = s->n;
	s->modules[s->n++] = m;
	return 0;
}

/* Nodes */

/* An operator itself needs no name but its own. */
static int check_called(const struct saver *s, const struct fx_node *n)
{
	char error[FXQ_ERROR_MAX];

	if (n->wrapped || function_of_node(n))
		return 0;
	if (!node_is_operator(n))
		return io_fail(-ENOTSUP, "%s: node '%s' calls '%s', which is no function of nn_table.h; save the functional graph with fx_graph_save()",
			       s->file, n->name, n->target);
	return operator_fits(n, error) ? 0 :
	       io_fail(-ENOTSUP, "%s: node '%s': %s; save the functional graph with fx_graph_save()",
		       s->file, n->name, error);
}

static int check_node(const struct saver *s, struct fx_module *gm,
		      const struct fx_node *n)
{
	if (n->opcode == FX_CALL_MODULE &&
	    fx_module_at(gm, n->target) != n->module)
		return io_fail(-EINVAL, "%s: node '%s' calls a module that is not at '%s'; put it there with fx_module_replace()",
			       s->file, n->name, n->target);
	return n->opcode == FX_CALL_FUNCTION || n->opcode == FX_CALL_METHOD ?
	       check_called(s, n) : 0;
}

/* What it calls, by name, and where it was traced. */
static void add_callee(const struct fx_node *n, json_t *node)
{
	char *wrapped;

	if (n->wrapped) {
		wrapped = wrapped_name(n->wrapped);
		json_object_set_new(node, "wrapped", json_string(wrapped));
		free(wrapped);
	} else if ((n->opcode == FX_CALL_FUNCTION ||
		    n->opcode == FX_CALL_METHOD) && !node_is_operator(n)) {
		json_object_set_new(node, "function",
				    json_string(function_of_node(n)->id));
	}
	if (n->scope)
		json_object_set_new(node, "scope", json_string(n->scope));
	if (n->annotation)
		json_object_set_new(node, "annotation",
				    json_string(n->annotation));
}

static void add_constant(struct saver *s, const struct fx_node *n)
{
	char *name = path_join(CONSTANTS, n->name);

	add_tensor(s, name, &n->out[0], NULL);
	free(name);
}

static int save_nodes(struct saver *s, struct fx_module *gm)
{
	intptr_t number = 0;
	json_t *node;
	int err;

	fx_for_each_node(n, gm->graph) {
		err = check_node(s, gm, n);
		if (err)
			return err;
		n->data = (void *)number++;
		node = json_node(n);
		if (node)
			add_callee(n, node);
		if (node && (fx_node_is_const(n) ||
			     (n->opcode == FX_PLACEHOLDER &&
			      n->out[0].dtype != FXQ_DTYPE_NONE)))
			json_object_set_new(node, "out", json_types(n));
		if (json_array_append_new(s->nodes, node))
			return refuse_text(s, n->name);
		if (fx_node_is_const(n))
			add_constant(s, n);
	}
	return 0;
}

/* Has it a graph, and no member in the way of the graph's own tensors? */
static int check_gm(const char *path, struct fx_module *gm)
{
	if (gm->error)
		return io_fail(-EINVAL, "%s: %s", path, gm->error);
	if (!gm->graph)
		return io_fail(-EINVAL, "%s: a %s has no graph; make a graph module of it, or save its parameters with fx_save_state()",
			       path, gm->class->name);
	if (module_member(gm, CONSTANTS))
		return io_fail(-EINVAL, "%s: a member is called '" CONSTANTS "', as the graph's own tensors are; rename it",
			       path);
	return 0;
}

static int write_file(struct saver *s)
{
	struct bytes file = { 0 };
	json_t *graph;
	int err;

	graph = json_pack("{s:i, s:O, s:O}", "version", FX_MODULE_FILE_VERSION,
			  "modules", s->list, "nodes", s->nodes);
	s->tensors.note = json_dumps(graph, JSON_COMPACT);
	json_decref(graph);
	err = safetensors_format(s->file, &s->tensors, &file);
	if (!err)
		err = file_write(s->file, file.data, file.size);
	bytes_free(&file);
	return err;
}

/* @check: as far as the file, which is not written. */
static int save(struct fx_module *gm, const char *path, bool check)
{
	struct saver s = { .file = path, .list = json_array(),
			   .nodes = json_array() };
	size_t root;
	int err;

	err = check_gm(path, gm);
	if (!err)
		err = save_module(&s, gm, "", &root);
	if (!err)
		err = save_nodes(&s, gm);
	if (!err && !check)
		err = write_file(&s);
	json_decref(s.list);
	json_decref(s.nodes);
	free(s.modules);
	free(s.holders);
	/* The elements are the model's. */
	for (size_t i = 0; i < s.tensors.n; i++)
		s.tensors.tensor[i].data = NULL;
	tensors_free(&s.tensors);
	return err;
}

int fx_save(struct fx_module *gm, const char *path, char *error,
	    size_t error_size)
{
	int err = save(gm, path, false);

	snprintf(error, error_size, "%s", err ? io_error() : "");
	return err;
}

int fx_save_check(struct fx_module *gm, const char *path, char *error,
		  size_t error_size)
{
	int err = save(gm, path, true);

	snprintf(error, error_size, "%s", err ? io_error() : "");
	return err;
}
