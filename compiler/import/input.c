// SPDX-License-Identifier: MIT
/*
 * The model's inputs. Each needs a type without open dimensions: what the
 * model leaves open, by a name or by nothing, the user binds. A name that one
 * input's binding gives a size is bound for the others too.
 */
#include <stdio.h>
#include <stdlib.h>

#include "import.h"

#define SYMBOLS_MAX	64

struct symbol {
	const char *name;
	int64_t size;
};

struct symbols {
	struct symbol of[SYMBOLS_MAX];
	size_t n;
};

int fx_parse_shape(const char *text, struct fx_shape_binding *ret,
		   char *error, size_t error_size)
{
	struct fx_shape_binding b = { .rank = 0 };
	const char *eq = strrchr(text, '='), *s = eq ? eq + 1 : text;
	size_t length = eq ? (size_t)(eq - text) : 0;

	if (length >= sizeof(b.input))
		goto bad;
	memcpy(b.input, text, length);
	for (;;) {
		char *end;
		long long v;

		errno = 0;
		v = strtoll(s, &end, 10);
		if (end == s || errno || v < 1 || b.rank == FXQ_MAX_RANK)
			goto bad;
		b.dims[b.rank++] = v;
		if (!*end)
			break;
		if (*end != 'x')
			goto bad;
		s = end + 1;
	}
	*ret = b;
	return 0;
bad:
	if (error)
		snprintf(error, error_size,
			 "'%.80s' is no shape; write INPUT=1x3x224x224", text);
	return -EINVAL;
}

static const struct fx_shape_binding *
find_binding(const struct importer *imp, const char *name, size_t n_inputs)
{
	for (size_t i = 0; i < imp->opts->n_shapes; i++) {
		const struct fx_shape_binding *b = &imp->opts->shapes[i];

		if (!strcmp(b->input, name) || (!b->input[0] && n_inputs == 1))
			return b;
	}
	return NULL;
}

static bool is_open(const Onnx__TensorShapeProto__Dimension *d)
{
	return d->value_case !=
	       ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE ||
	       d->dim_value < 0;
}

static const char *symbol_of(const Onnx__TensorShapeProto__Dimension *d)
{
	return d->value_case ==
	       ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM &&
	       d->dim_param ? d->dim_param : "";
}

static struct symbol *find_symbol(struct symbols *s, const char *name)
{
	for (size_t i = 0; *name && i < s->n; i++)
		if (!strcmp(s->of[i].name, name))
			return &s->of[i];
	return NULL;
}

static void add_symbol(struct symbols *s, const char *name, int64_t size)
{
	if (*name && !find_symbol(s, name) && s->n < SYMBOLS_MAX)
		s->of[s->n++] = (struct symbol){ name, size };
}

/* "--shape data=1x3x<height>x<width>", as far as it is known. */
static void print_flag(char *to, size_t size, const char *input,
		       const Onnx__TensorShapeProto *shape)
{
	size_t at = snprintf(to, size, "--shape %.80s=", input);

	for (size_t d = 0; shape && d < shape->n_dim && at < size; d++) {
		const Onnx__TensorShapeProto__Dimension *dim = shape->dim[d];
		const char *x = d ? "x" : "";

		if (!is_open(dim))
			at += snprintf(to + at, size - at, "%s%lld", x,
				       (long long)dim->dim_value);
		else if (!d)
			at += snprintf(to + at, size - at, "1");
		else if (*symbol_of(dim))
			at += snprintf(to + at, size - at, "%s<%.24s>", x,
				       symbol_of(dim));
		else
			at += snprintf(to + at, size - at, "%s<size>", x);
	}
	if (!shape && at < size)
		snprintf(to + at, size - at, "1x3x<height>x<width>");
}

static int refuse_open(struct importer *imp, const char *input,
		       const Onnx__TensorShapeProto *shape, size_t d)
{
	char flag[FXQ_ERROR_MAX];

	print_flag(flag, sizeof(flag), input, shape);
	if (!shape)
		return imp_fail(imp, -EINVAL,
				"input '%.80s' has no shape in the model; give it one, for instance with %s",
				input, flag);
	return imp_fail(imp, -EINVAL,
			"dimension %zu of input '%.80s'%s%.24s is left open by the model; bind it with %s",
			d, input, *symbol_of(shape->dim[d]) ? ", " : "",
			symbol_of(shape->dim[d]), flag);
}

static size_t count_open(const Onnx__TensorShapeProto *shape)
{
	size_t n = 0;

	for (size_t d = 0; d < shape->n_dim; d++)
		n += is_open(shape->dim[d]);
	return n;
}

/* The user's shape for an input, which must agree with the model's. */
static int bind(struct importer *imp, const char *input,
		const Onnx__TensorShapeProto *shape,
		const struct fx_shape_binding *b, struct symbols *symbols,
		struct fxq_tensor *t)
{
	if (shape && shape->n_dim != b->rank)
		return imp_fail(imp, -EINVAL,
				"input '%.80s' has %zu dimensions, the shape given for it %u",
				input, shape->n_dim, b->rank);

	for (uint32_t d = 0; d < b->rank; d++) {
		const Onnx__TensorShapeProto__Dimension *dim;

		t->dims[d] = b->dims[d];
		dim = shape ? shape->dim[d] : NULL;
		if (dim && !is_open(dim) && dim->dim_value != b->dims[d])
			return imp_fail(imp, -EINVAL,
					"dimension %u of input '%.80s' is %lld in the model, the shape given for it says %lld",
					d, input, (long long)dim->dim_value,
					(long long)b->dims[d]);
		if (dim && is_open(dim))
			add_symbol(symbols, symbol_of(dim), b->dims[d]);
	}
	t->rank = b->rank;
	return 0;
}

static int complete(struct importer *imp, const char *input,
		    const Onnx__TensorShapeProto *shape,
		    struct symbols *symbols, struct fxq_tensor *t)
{
	if (!shape)
		return refuse_open(imp, input, NULL, 0);
	if (shape->n_dim > FXQ_MAX_RANK)
		return imp_fail(imp, -ENOTSUP,
				"input '%.80s' has %zu dimensions, at most %d are possible",
				input, shape->n_dim, FXQ_MAX_RANK);

	for (size_t d = 0; d < shape->n_dim; d++) {
		const Onnx__TensorShapeProto__Dimension *dim = shape->dim[d];
		struct symbol *s = find_symbol(symbols, symbol_of(dim));

		if (!is_open(dim))
			t->dims[d] = dim->dim_value;
		else if (s)
			t->dims[d] = s->size;
		else if (!d && imp->opts->default_batch &&
			 count_open(shape) == 1)
			t->dims[d] = imp->opts->default_batch;
		else
			return refuse_open(imp, input, shape, d);
	}
	t->rank = shape->n_dim;
	return 0;
}

static int check_type(struct importer *imp, const Onnx__ValueInfoProto *v,
		      struct fxq_tensor *t)
{
	const Onnx__TypeProto *type = v->type;
	int64_t number;

	if (!type || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ||
	    !type->tensor_type)
		return imp_fail(imp, -ENOTSUP,
				"input '%.80s' is not a tensor; cut the model behind it",
				v->name);
	number = type->tensor_type->has_elem_type ?
		 type->tensor_type->elem_type : 0;
	t->dtype = onnx_dtype(number);
	if (t->dtype == FXQ_DTYPE_NONE)
		return imp_fail(imp, -ENOTSUP,
				"input '%.80s' is %s, which fxq does not have; convert the model to float32",
				v->name, onnx_dtype_name(number));
	return 0;
}

static int check_size(struct importer *imp, const char *input,
		      const struct fxq_tensor *t)
{
	int64_t bytes = fxq_dtype_bytes(t->dtype);

	for (uint32_t d = 0; d < t->rank; d++)
		if (__builtin_mul_overflow(bytes, t->dims[d], &bytes) ||
		    bytes > IMPORT_VALUE_MAX)
			return imp_fail(imp, -EOVERFLOW,
					"input '%.80s' would be larger than 4 GiB",
					input);
	return 0;
}

/* Inputs with an initializer are constants: that was the rule until IR 4. */
static bool is_input(const struct importer *imp, const Onnx__ValueInfoProto *v)
{
	return !v->name || !imp_defined(imp, v->name);
}

static int add_input(struct importer *imp, const Onnx__ValueInfoProto *v,
		     const struct fxq_tensor *t)
{
	struct fx_node *n;
	int ret;

	ret = check_size(imp, v->name, t);
	if (ret)
		return ret;

	n = fx_graph_placeholder(imp->g, v->name, t);
	n->source = fx_graph_strdup(imp->g, v->name);
	return imp_define(imp, v->name, n, NULL);
}

/* What becomes of each of the model's inputs. */
enum fate { FATE_CONSTANT, FATE_OPEN, FATE_BOUND };

static int first_pass(struct importer *imp, enum fate *fate,
		      struct fxq_tensor *types, struct symbols *symbols)
{
	const Onnx__GraphProto *graph = imp->model->graph;
	size_t n = 0;
	int ret = 0;

	for (size_t i = 0; i < graph->n_input; i++) {
		fate[i] = is_input(imp, graph->input[i]) ? FATE_OPEN :
							   FATE_CONSTANT;
		n += fate[i] == FATE_OPEN;
	}
	for (size_t i = 0; !ret && i < graph->n_input; i++) {
		const Onnx__ValueInfoProto *v = graph->input[i];
		const struct fx_shape_binding *b;

		if (fate[i] == FATE_CONSTANT)
			continue;
		if (!v->name || !*v->name)
			return imp_fail(imp, -EINVAL, "input %zu has no name",
					i);
		ret = check_type(imp, v, &types[i]);
		b = find_binding(imp, v->name, n);
		if (ret || !b)
			continue;
		fate[i] = FATE_BOUND;
		ret = bind(imp, v->name, v->type->tensor_type->shape, b,
			   symbols, &types[i]);
	}
	return ret;
}

static int check_bindings(struct importer *imp)
{
	const Onnx__GraphProto *graph = imp->model->graph;

	for (size_t k = 0; k < imp->opts->n_shapes; k++) {
		const char *name = imp->opts->shapes[k].input;
		bool found = !*name;

		for (size_t i = 0; i < graph->n_input && !found; i++)
			found = graph->input[i]->name &&
				!strcmp(graph->input[i]->name, name);
		if (!found)
			return imp_fail(imp, -EINVAL,
					"a shape is given for '%.80s', but the model has no such input; its first is '%.80s'",
					name, graph->n_input &&
					graph->input[0]->name ?
					graph->input[0]->name : "");
	}
	return 0;
}

int import_inputs(struct importer *imp)
{
	const Onnx__GraphProto *graph = imp->model->graph;
	struct symbols symbols = { .n = 0 };
	struct fxq_tensor *types;
	enum fate *fate;
	int ret;

	types = fx_graph_alloc(imp->g, (graph->n_input + 1) * sizeof(*types));
	fate = fx_graph_alloc(imp->g, (graph->n_input + 1) * sizeof(*fate));
	ret = check_bindings(imp);
	if (!ret)
		ret = first_pass(imp, fate, types, &symbols);

	for (size_t i = 0; !ret && i < graph->n_input; i++) {
		const Onnx__ValueInfoProto *v = graph->input[i];

		if (fate[i] == FATE_CONSTANT)
			continue;
		if (fate[i] == FATE_OPEN)
			ret = complete(imp, v->name,
				       v->type->tensor_type->shape, &symbols,
				       &types[i]);
		if (!ret)
			ret = add_input(imp, v, &types[i]);
	}
	return ret;
}
