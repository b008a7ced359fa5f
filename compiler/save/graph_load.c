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

#include <jansson.h>

#include <fxq/graph_file.h>

#include "files/files.h"
#include "graph_json.h"

#define KWARGS_MAX	4096	/* lint compares each with each */
#define DEPTH_MAX	8
#define NODES_MAX	(1u << 20)

/*
 * struct loader
 * @nodes: those that have been made, by number
 * @now: the name of the one that is being made
 */
struct loader {
	const char *file;
	struct fx_graph *g;
	const struct tensors *constants;
	struct fx_node **nodes;
	size_t n;
	const char *now;
};

static int bad_node(const struct loader *l, const char *what)
{
	return io_fail(-EINVAL, "%s: node '%s' %s; save the graph again",
		       l->file, l->now, what);
}

static int read_float(const struct loader *l, json_t *from, double *ret)
{
	const char *text = json_string_value(from);
	char *end;

	*ret = text ? strtod(text, &end) : 0;
	return text && end != text && !*end ? 0 :
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
	const struct fxq_tensor *t = tensors_find(l->constants, l->now);
	struct fxq_tensor *to = &n->out[0];

	if (!t || t->dtype != to->dtype || t->rank != to->rank ||
	    memcmp(t->dims, to->dims, t->rank * sizeof(*t->dims)))
		return bad_node(l, "is a constant whose tensor is not there");
	to->data = fx_graph_alloc(l->g, fxq_tensor_bytes(t));
	memcpy(to->data, t->data, fxq_tensor_bytes(t));
	return 0;
}

static int take_types(const struct loader *l, json_t *out, struct fx_node *n)
{
	int err = 0;

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
	static const enum fx_opcode known[] = {
		FX_PLACEHOLDER, FX_GET_ATTR, FX_CALL_FUNCTION, FX_OUTPUT,
	};

	for (size_t i = 0; name && i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(fx_opcode_name(known[i]), name))
			continue;
		*ret = known[i];
		return 0;
	}
	return bad_node(l, "is of a kind that no functional graph has");
}

/* Made with its name as the target, which decides the name; then told its own. */
static int make_node(struct loader *l, enum fx_opcode opcode,
		     const char *target, const struct fx_arg *args,
		     const struct fx_kwarg *kwargs, size_t n_kwargs,
		     struct fx_node **ret)
{
	const struct fx_op *op = NULL;
	struct fx_node *n;

	if (opcode == FX_CALL_FUNCTION) {
		op = fx_op_find(target);
		if (!op)
			return io_fail(-ENOTSUP, "%s: node '%s' is of operator '%s', which fxq does not have",
				       l->file, l->now, target);
	}
	n = fx_graph_node(l->g, opcode, l->now, op, args->items, args->count,
			  kwargs, n_kwargs);
	if (!n)
		return io_fail(-EINVAL, "%s: %s", l->file,
			       fx_graph_error(l->g));
	if (strcmp(n->name, l->now))
		return bad_node(l, "has a name that another has, or that is none");
	n->target = fx_graph_strdup(l->g, target);
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
	n->loc.file = text_of(l, json_array_get(at, 0));
	n->loc.line = line > 0 && line < INT32_MAX ? (int)line : 0;
	n->loc.expr = text_of(l, json_array_get(at, 2));
	n->loc.function = text_of(l, json_array_get(at, 3));
}

static int read_node(struct loader *l, json_t *from)
{
	const char *target = json_string_value(json_object_get(from, "target"));
	const char *opcode_name =
		json_string_value(json_object_get(from, "opcode"));
	enum fx_opcode opcode = FX_OUTPUT;
	struct fx_kwarg *kwargs = NULL;
	struct fx_arg args = { 0 };
	struct fx_node *n = NULL;
	size_t n_kwargs = 0;
	int err;

	l->now = json_string_value(json_object_get(from, "name"));
	if (!l->now || !*l->now || !target || !*target)
		return io_fail(-EINVAL, "%s: node %zu has no name or no target; save the graph again",
			       l->file, l->n);
	err = read_opcode(l, opcode_name, &opcode);
	if (!err)
		err = read_items(l, json_object_get(from, "args"),
				 FX_ARG_TUPLE, 0, &args);
	if (!err)
		err = read_kwargs(l, json_object_get(from, "kwargs"), &kwargs,
				  &n_kwargs);
	if (!err)
		err = make_node(l, opcode, target, &args, kwargs, n_kwargs, &n);
	if (!err)
		err = take_types(l, json_object_get(from, "out"), n);
	if (err)
		return err;
	read_origin(l, from, n);
	l->nodes[l->n++] = n;
	return 0;
}

static int read_graph(struct loader *l, json_t *graph)
{
	json_t *version = json_object_get(graph, "version");
	json_t *nodes = json_object_get(graph, "nodes");
	size_t count = json_array_size(nodes);
	int err = 0;

	if (!json_is_integer(version) ||
	    json_integer_value(version) != FX_GRAPH_FILE_VERSION)
		return io_fail(-ENOTSUP, "%s: it is of version %lld and this reads %d; save the graph again",
			       l->file, (long long)json_integer_value(version),
			       FX_GRAPH_FILE_VERSION);
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

static int load(const char *name, const void *data, size_t size,
		struct fx_graph **ret_graph)
{
	struct loader l = { .file = name };
	struct tensors constants;
	json_error_t e;
	json_t *graph;
	int err;

	err = safetensors_parse(name, data, size, &constants);
	if (err)
		return err;
	graph = constants.note ? json_loads(constants.note,
					    JSON_REJECT_DUPLICATES, &e) : NULL;
	if (!graph) {
		tensors_free(&constants);
		return io_fail(-EINVAL, "%s: it has tensors and no graph; save one with fx_graph_save()",
			       name);
	}
	l.g = fx_graph_new();
	l.constants = &constants;
	err = read_graph(&l, graph);
	json_decref(graph);
	tensors_free(&constants);
	if (err)
		fx_graph_free(l.g);
	else
		*ret_graph = l.g;
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
