// SPDX-License-Identifier: MIT
/*
 * graph_load.c - reads a functional graph from a file that nobody vouches for
 *
 * A node names only nodes before it; operators are looked up by name, types
 * are checked as any tensor's, and lint has the last word. Whether shapes fit
 * one another is for fx_graph_infer().
 */
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "save.h"

#define KWARGS_MAX	4096	/* lint compares each with each */
#define NODES_MAX	(1u << 20)

int bad_node(const struct loader *l, const char *what)
{
	return io_fail(-EINVAL, "%s: node '%s' %s; save the graph again",
		       l->file, l->now, what);
}

bool json_is_float(json_t *from, double *ret)
{
	const char *text = json_string_value(from);
	char *end;

	*ret = text ? strtod_l(text, &end, c_locale()) : 0;
	return text && end != text && !*end;
}

static int read_float(const struct loader *l, json_t *from, double *ret)
{
	return json_is_float(from, ret) ? 0 :
	       bad_node(l, "has a number that is none");
}

static int read_arg(const struct loader *l, json_t *from, int depth,
		    struct fx_arg *ret);

static int read_items(const struct loader *l, json_t *from, int kind,
		      int depth, struct fx_arg *ret)
{
	size_t n = json_array_size(from);
	int err = 0;

	if (!json_is_array(from) || depth == DEPTH_MAX ||
	    (kind == FX_ARG_SLICE && n != 3) || (kind == FX_ARG_DICT && n % 2))
		return bad_node(l, "has a sequence that is none");
	*ret = (struct fx_arg){
		.kind = kind, .count = n,
		.items = fx_graph_alloc(l->g, n * sizeof(*ret->items)),
	};
	for (size_t i = 0; !err && i < n; i++)
		err = read_arg(l, json_array_get(from, i), depth + 1,
			       &ret->items[i]);
	return err;
}

/* { "float": …}, { "node": …}, { "tuple": … } */
static int read_tagged(const struct loader *l, json_t *from, int depth,
		       struct fx_arg *ret)
{
	void *entry = json_object_iter(from);
	const char *tag = entry ? json_object_iter_key(entry) : "";
	json_t *v = entry ? json_object_iter_value(entry) : NULL;

	if (!strcmp(tag, "float")) {
		ret->kind = FX_ARG_FLOAT;
		return read_float(l, v, &ret->f);
	}
	if (!strcmp(tag, "name") && json_is_string(v)) {
		*ret = (struct fx_arg){ .kind = FX_ARG_NAME,
					.s = json_string_value(v) };
		return 0;
	}
	if (!strcmp(tag, "node")) {
		if (!json_is_integer(v) || json_integer_value(v) < 0 ||
		    (uint64_t)json_integer_value(v) >= l->n)
			return bad_node(l, "takes what is no node before it");
		*ret = fx_arg_node(l->nodes[json_integer_value(v)]);
		return 0;
	}
	for (int kind = FX_ARG_TUPLE; kind <= FX_ARG_DICT; kind++)
		if (!strcmp(tag, graph_sequences[kind]))
			return read_items(l, v, kind, depth, ret);
	return bad_node(l, "has an argument of an unknown kind");
}

static int read_arg(const struct loader *l, json_t *from, int depth,
		    struct fx_arg *ret)
{
	*ret = (struct fx_arg){ .kind = FX_ARG_NONE };
	switch (from ? json_typeof(from) : JSON_REAL) {
	case JSON_NULL:
		return 0;
	case JSON_TRUE:
	case JSON_FALSE:
		*ret = fx_arg_bool(json_is_true(from));
		return 0;
	case JSON_INTEGER:
		*ret = fx_arg_int(json_integer_value(from));
		return 0;
	case JSON_STRING:
		*ret = fx_arg_str(json_string_value(from));
		return 0;
	case JSON_OBJECT:
		return read_tagged(l, from, depth, ret);
	default:
		return bad_node(l, "has an argument of an unknown kind");
	}
}

static int read_dtype(const struct loader *l, json_t *from, uint32_t *ret)
{
	const char *name = json_string_value(json_object_get(from, "dtype"));

	for (uint32_t i = 0; name && i < FXQ_DTYPE_COUNT; i++) {
		if (strcmp(fxq_dtype_name(i), name))
			continue;
		*ret = i;
		return 0;
	}
	return bad_node(l, "has a type that no tensor has");
}

/* How eight bits, with a sign or without, stand for numbers; both may miss. */
static int read_qparams(const struct loader *l, json_t *from,
			struct fxq_tensor *ret)
{
	json_t *scale = json_object_get(from, "scale");
	json_t *zero = json_object_get(from, "zero_point");
	json_int_t z = json_integer_value(zero);
	double f = 1;
	int err;

	err = scale ? read_float(l, json_object_get(scale, "float"), &f) : 0;
	if (err)
		return err;
	if (!(f >= FLT_MIN && f <= FLT_MAX) || z < -128 || z > 255 ||
	    (zero && !json_is_integer(zero)))
		return bad_node(l, "has a scale or a zero point that eight bits cannot have");
	ret->scale = scale ? (float)f : 0;
	ret->zero_point = (int32_t)z;
	return 0;
}

static int read_type(const struct loader *l, json_t *from,
		     struct fxq_tensor *ret)
{
	json_t *dims = json_object_get(from, "dims"), *size;
	struct fxq_tensor t = { 0 };
	size_t i;
	int err;

	err = read_dtype(l, from, &t.dtype);
	if (!err)
		err = read_qparams(l, from, &t);
	if (err)
		return err;
	if (!json_is_array(dims) || json_array_size(dims) > FXQ_MAX_RANK)
		return bad_node(l, "has a shape that no tensor has");
	json_array_foreach(dims, i, size) {
		if (!json_is_integer(size) || json_integer_value(size) < 0)
			return bad_node(l, "has a shape that no tensor has");
		t.dims[t.rank++] = json_integer_value(size);
	}
	if (fxq_tensor_bytes(&t) == SIZE_MAX)
		return bad_node(l, "has a shape that no tensor has");
	*ret = t;
	return 0;
}

/* The elements of a constant, which have the type that the node says. */
static int take_constant(const struct loader *l, struct fx_node *n)
{
	char *key = l->gm ? path_join(CONSTANTS, l->now) : NULL;
	const struct fxq_tensor *t = tensors_find(l->tensors,
						  key ? key : l->now);
	struct fxq_tensor *to = &n->out[0];

	free(key);
	if (!t || !t->data || t->dtype != to->dtype || t->rank != to->rank ||
	    memcmp(t->dims, to->dims, t->rank * sizeof(*t->dims)))
		return bad_node(l, "is a constant whose tensor is not there");
	to->data = fx_graph_alloc(l->g, fxq_tensor_bytes(t));
	memcpy(to->data, t->data, fxq_tensor_bytes(t));
	return 0;
}

static int take_types(const struct loader *l, json_t *out, struct fx_node *n)
{
	int err = 0;

	/* What a graph module computes has the types that its inputs give it. */
	if (l->gm && (!out || (n->opcode != FX_PLACEHOLDER &&
			       n->opcode != FX_GET_ATTR)))
		return 0;
	if (!json_is_array(out) || json_array_size(out) != (size_t)n->n_out)
		return bad_node(l, "does not say the types of its results");
	for (int i = 0; !err && i < n->n_out; i++)
		err = read_type(l, json_array_get(out, i), &n->out[i]);
	if (!err && n->opcode == FX_GET_ATTR)
		err = take_constant(l, n);
	return err;
}

static int read_opcode(const struct loader *l, const char *name,
		       enum fx_opcode *ret)
{
	for (int i = 0; name && i < FX_OPCODE_COUNT; i++) {
		bool has = l->gm || (i != FX_CALL_METHOD && i != FX_CALL_MODULE);

		if (!has || strcmp(fx_opcode_name(i), name))
			continue;
		*ret = i;
		return 0;
	}
	return bad_node(l, "is of a kind that no functional graph has");
}

int find_operator(const struct loader *l, const char *name,
		  struct callee *ret)
{
	ret->op = fx_op_find(name);
	return ret->op ? 0 :
	       io_fail(-ENOTSUP, "%s: node '%s' is of operator '%s', which fxq does not have",
		       l->file, l->now, name);
}

/*
 * struct call - a node being made
 * @args, @kwargs: of @callee
 */
struct call {
	enum fx_opcode opcode;
	const char *target;
	struct callee callee;
	struct fx_arg args;
	struct fx_kwarg *kwargs;
	size_t n_kwargs;
};

/* Made with its name as the target, which decides the name; then told its own. */
static int make_node(struct loader *l, const struct call *c,
		     struct fx_node **ret)
{
	struct fx_node *n;

	n = fx_graph_node(l->g, c->opcode, l->now, c->callee.op, c->args.items,
			  c->args.count, c->kwargs, c->n_kwargs);
	if (!n)
		return io_fail(-EINVAL, "%s: %s", l->file,
			       fx_graph_error(l->g));
	if (strcmp(n->name, l->now))
		return bad_node(l, "has a name that another has, or that is none");
	n->target = fx_graph_strdup(l->g, c->target);
	n->module = c->callee.module;
	n->wrapped = c->callee.wrapped;
	*ret = n;
	return 0;
}

static int read_kwargs(const struct loader *l, json_t *from,
		       struct fx_kwarg **ret, size_t *ret_n)
{
	size_t n = json_object_size(from), i = 0;
	const char *name;
	json_t *value;
	int err = 0;

	if (!json_is_object(from) || n > KWARGS_MAX)
		return bad_node(l, "has no keyword arguments, or too many");
	*ret = fx_graph_alloc(l->g, n * sizeof(**ret));
	json_object_foreach(from, name, value) {
		(*ret)[i].name = name;
		if (!err)
			err = read_arg(l, value, 0, &(*ret)[i].value);
		i++;
	}
	*ret_n = n;
	return err;
}

static const char *text_of(const struct loader *l, json_t *from)
{
	const char *text = json_string_value(from);

	return text ? fx_graph_strdup(l->g, text) : NULL;
}

/* Where it comes from: for messages alone, so what is no text is left out. */
static void read_origin(const struct loader *l, json_t *from, struct fx_node *n)
{
	json_t *at = json_object_get(from, "at");
	json_int_t line = json_integer_value(json_array_get(at, 1));

	n->source = text_of(l, json_object_get(from, "source"));
	n->scope = text_of(l, json_object_get(from, "scope"));
	n->annotation = text_of(l, json_object_get(from, "annotation"));
	n->loc.file = text_of(l, json_array_get(at, 0));
	n->loc.line = line > 0 && line < INT32_MAX ? (int)line : 0;
	n->loc.expr = text_of(l, json_array_get(at, 2));
	n->loc.function = text_of(l, json_array_get(at, 3));
}

static int read_call(struct loader *l, json_t *from, struct call *c)
{
	const char *opcode =
		json_string_value(json_object_get(from, "opcode"));
	int err;

	c->target = json_string_value(json_object_get(from, "target"));
	l->now = json_string_value(json_object_get(from, "name"));
	if (!l->now || !*l->now || !c->target || !*c->target)
		return io_fail(-EINVAL, "%s: node %zu has no name or no target; save the graph again",
			       l->file, l->n);
	err = read_opcode(l, opcode, &c->opcode);
	if (!err)
		err = read_items(l, json_object_get(from, "args"),
				 FX_ARG_TUPLE, 0, &c->args);
	if (!err)
		err = read_kwargs(l, json_object_get(from, "kwargs"),
				  &c->kwargs, &c->n_kwargs);
	if (err)
		return err;
	if (l->gm)
		return find_callee(l, from, c->opcode, c->target, &c->callee);
	return c->opcode == FX_CALL_FUNCTION ?
	       find_operator(l, c->target, &c->callee) : 0;
}

static int read_node(struct loader *l, json_t *from)
{
	struct call c = { .opcode = FX_OUTPUT };
	struct fx_node *n = NULL;
	int err;

	err = read_call(l, from, &c);
	if (!err)
		err = make_node(l, &c, &n);
	if (!err)
		err = take_types(l, json_object_get(from, "out"), n);
	if (!err && l->gm)
		err = check_call(l, n);
	if (err)
		return err;
	read_origin(l, from, n);
	l->nodes[l->n++] = n;
	return 0;
}

int load_nodes(struct loader *l, json_t *graph)
{
	json_t *nodes = json_object_get(graph, "nodes");
	size_t count = json_array_size(nodes);
	int err = 0;

	if (!json_is_array(nodes) || count > NODES_MAX)
		return io_fail(-EINVAL, "%s: it has no list of nodes; save the graph again",
			       l->file);
	l->nodes = calloc(count + 1, sizeof(*l->nodes));
	if (!l->nodes)
		return io_fail_memory(l->file);
	for (size_t i = 0; !err && i < count; i++)
		err = read_node(l, json_array_get(nodes, i));
	free(l->nodes);
	if (!err && fx_graph_lint(l->g))
		err = io_fail(-EINVAL, "%s: %s", l->file, fx_graph_error(l->g));
	return err;
}

int bad_version(const char *file, int version)
{
	return io_fail(-ENOTSUP, "%s: it is of version %d and this reads %d to %d; save the graph again",
		       file, version, FX_GRAPH_FILE_VERSION,
		       FX_MODULE_FILE_VERSION);
}

int read_note(const char *file, const struct tensors *t, json_t **ret_graph,
	      int *ret_version)
{
	json_error_t e;
	json_t *graph, *version;

	graph = t->note ? json_loads(t->note, JSON_REJECT_DUPLICATES, &e) :
			  NULL;
	if (!graph)
		return io_fail(-EINVAL, "%s: it has tensors and no graph; save one with fx_graph_save() or fx_save()",
			       file);
	version = json_object_get(graph, "version");
	*ret_version = json_is_integer(version) &&
		       json_integer_value(version) > 0 &&
		       json_integer_value(version) < INT32_MAX ?
		       (int)json_integer_value(version) : 0;
	*ret_graph = graph;
	return 0;
}

static int load(const char *name, const void *data, size_t size,
		struct fx_graph **ret_graph)
{
	struct loader l = { .file = name };
	struct tensors constants;
	int err, version = 0;
	json_t *graph = NULL;

	err = safetensors_parse(name, data, size, &constants);
	if (err)
		return err;
	err = read_note(name, &constants, &graph, &version);
	if (!err && version == FX_MODULE_FILE_VERSION)
		err = io_fail(-ENOTSUP, "%s: it holds a graph module; load it with fx_load()",
			      name);
	else if (!err && version != FX_GRAPH_FILE_VERSION)
		err = bad_version(name, version);
	if (err)
		goto out;
	l.g = fx_graph_new();
	l.tensors = &constants;
	err = load_nodes(&l, graph);
	if (err)
		fx_graph_free(l.g);
	else
		*ret_graph = l.g;
out:
	json_decref(graph);
	tensors_free(&constants);
	return err;
}

int fx_graph_load_memory(const char *name, const void *data, size_t size,
			 struct fx_graph **ret_graph, char *error,
			 size_t error_size)
{
	int err = load(name, data, size, ret_graph);

	snprintf(error, error_size, "%s", err ? io_error() : "");
	return err;
}

int fx_graph_load(const char *path, struct fx_graph **ret_graph, char *error,
		  size_t error_size)
{
	struct bytes file;
	int err;

	err = file_read(path, &file);
	if (err) {
		snprintf(error, error_size, "%s", io_error());
		return err;
	}
	err = fx_graph_load_memory(path, file.data, file.size, ret_graph,
				   error, error_size);
	bytes_free(&file);
	return err;
}
