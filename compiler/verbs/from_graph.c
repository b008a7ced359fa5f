// SPDX-License-Identifier: MIT
/*
 * from_graph.c - a functional graph as a model
 *
 * An importer writes operators and constants; the verbs read modules. Each
 * operator becomes the module or the function of which it is what a call comes
 * down to: that is compared, parameter by parameter, and where they differ the
 * operator itself stays, which the verbs leave float.
 */
#include "from_graph.h"

#define MAX_INPUTS	4

/* How a forward of so many inputs calls them. */
#define INPUT(name)	{ name, FX_REQUIRED }
static const struct fx_param params[MAX_INPUTS + 1][MAX_INPUTS + 1] = {
	{ { NULL } },
	{ INPUT("input") },
	{ INPUT("input"), INPUT("input_1") },
	{ INPUT("input"), INPUT("input_1"), INPUT("input_2") },
	{ INPUT("input"), INPUT("input_1"), INPUT("input_2"), INPUT("input_3") },
};
static const struct fx_method methods[] = {
	{ params[0] }, { params[1] }, { params[2] }, { params[3] },
	{ params[4] },
};
#define MODEL(n)	{ .name = "GraphModule", .method = &methods[n] }
static const struct fx_class models[] = {
	MODEL(0), MODEL(1), MODEL(2), MODEL(3), MODEL(4),
};

/*
 * Operators that a module may be. @flat: the parameter has one dimension, the
 * operator's any that broadcast alike.
 */
static const struct {
	const char *op;
	const struct fx_class *class;
	bool flat;
} modules[] = {
	{ "conv1d", &fx_class_Conv1d },
	{ "conv2d", &fx_class_Conv2d },
	{ "conv3d", &fx_class_Conv3d },
	{ "conv_transpose1d", &fx_class_ConvTranspose1d },
	{ "conv_transpose2d", &fx_class_ConvTranspose2d },
	{ "linear", &fx_class_Linear },
	{ "batch_norm", &fx_class_BatchNorm2d },
	{ "layer_norm", &fx_class_LayerNorm },
	{ "group_norm", &fx_class_GroupNorm },
	{ "prelu", &fx_class_PReLU, true },
	{ "relu", &fx_class_ReLU },
	{ "relu6", &fx_class_ReLU6 },
	{ "leaky_relu", &fx_class_LeakyReLU },
	{ "gelu", &fx_class_GELU },
	{ "silu", &fx_class_SiLU },
	{ "hardswish", &fx_class_Hardswish },
	{ "hardsigmoid", &fx_class_Hardsigmoid },
	{ "sigmoid", &fx_class_Sigmoid },
	{ "tanh", &fx_class_Tanh },
	{ "softmax", &fx_class_Softmax },
	{ "max_pool1d", &fx_class_MaxPool1d },
	{ "max_pool2d", &fx_class_MaxPool2d },
	{ "avg_pool1d", &fx_class_AvgPool1d },
	{ "avg_pool2d", &fx_class_AvgPool2d },
	{ "global_avg_pool", &fx_class_AdaptiveAvgPool2d },
	{ "flatten", &fx_class_Flatten },
};

/* Modules */

static struct fx_module *module_for(const struct fx_node *n,
				    const struct fx_class *class)
{
	const struct fxq_tensor *w = constant_in(n, 1);
	fxv options[MAX_OPTIONS];

	for (size_t i = 0; i < class->n_options; i++) {
		const struct fx_option *option = &class->options[i];
		const struct fx_arg *a = fx_node_kwarg(n, option->name);

		options[i] = a && option->attr != FX_ATTR_NO ?
			     option_of(option, a) :
			     option_of_weights(class, option, w,
					       fx_node_int(n, "groups", 1),
					       fx_node_in(n, 2));
		if (options[i].kind == FX_VALUE_DEFAULT)
			return NULL;
	}
	return module_make(class, options, true);
}

static bool same_sizes(const struct fxq_tensor *a, const struct fxq_tensor *b,
		       bool flat)
{
	if (a->dtype != b->dtype || fxq_tensor_count(a) != fxq_tensor_count(b))
		return false;
	if (flat)
		return b->rank < 2 || b->dims[0] == a->dims[0];
	return a->rank == b->rank &&
	       !memcmp(a->dims, b->dims, a->rank * sizeof(*a->dims));
}

/* Gives the module the constants of @n. */
static bool fill(struct fx_module *m, const struct fx_node *n, bool flat)
{
	const char *const *operands = m->class->operands;
	struct fxq_tensor count = { .dtype = FXQ_DTYPE_I64,
				    .data = &(int64_t){ 0 } };
	size_t n_in = 1;

	for (size_t i = 0; operands && operands[i]; i++) {
		const struct fx_member *member = module_member(m, operands[i]);
		const struct fxq_tensor *t = constant_in(n, i + 1);
		struct fxq_tensor own;

		if (!member != !fx_node_in(n, i + 1))
			return false;
		if (!member)
			continue;
		if (!t || !same_sizes(&member->value.tensor->t, t, flat))
			return false;
		own = member->value.tensor->t;
		own.data = t->data;
		module_set_tensor(m, operands[i], fx_copy_of(&own));
		n_in = i + 2;
	}
	if (m->class->flags & FX_CLASS_BATCH_NORM)
		module_set_tensor(m, "num_batches_tracked", fx_copy_of(&count));
	for (size_t i = n_in; i < n->n_args; i++)
		if (fx_node_in(n, i))
			return false;
	return true;
}

/* Of images, unless the values say otherwise. */
static const struct fx_class *norm_class(const struct fx_node *n)
{
	switch (fx_node_in(n, 0)->out[0].rank) {
	case 2:
	case 3:
		return &fx_class_BatchNorm1d;
	case 5:
		return &fx_class_BatchNorm3d;
	default:
		return &fx_class_BatchNorm2d;
	}
}

static bool is_relu6(const struct fx_node *n)
{
	return fx_node_is(n, "clamp") && n->n_args == 1 &&
	       fx_node_float(n, "min", -1) == 0 &&
	       fx_node_float(n, "max", -1) == 6;
}

/* The module that @n is, or NULL. */
static struct fx_module *find_module(const struct fx_node *n)
{
	const size_t count = sizeof(modules) / sizeof(*modules);
	const struct fx_class *class;
	char error[FXQ_ERROR_MAX];
	struct fx_module *m;
	struct operation o;
	size_t i = 0;

	if (!fx_node_in(n, 0) || fx_node_is_const(fx_node_in(n, 0)) ||
	    n->n_out != 1)
		return NULL;
	if (is_relu6(n))
		return ReLU6();
	while (i < count && !fx_node_is(n, modules[i].op))
		i++;
	if (i == count)
		return NULL;
	class = modules[i].class;
	if (class->flags & FX_CLASS_BATCH_NORM)
		class = norm_class(n);
	m = module_for(n, class);
	if (!m || m->error || !fill(m, n, modules[i].flat) ||
	    operation_of_module(m, fx_none, &o, error) ||
	    !does_the_same(n, &o)) {
		fx_module_put(m);
		return NULL;
	}
	if (is_layer(&fx_backend_fxq, m) && constant_in(n, 1)->rank > 1)
		give_scales(m, fx_node_in(n, 1));
	return m;
}

static struct fx_node *call_module(struct making *mk, struct fx_node *n,
				   struct fx_module *m)
{
	const char *path = member_name(mk, source_of(n));
	struct fx_arg x = fx_arg_node(fx_node_in(n, 0)->data);
	struct fx_node *call;

	fx_add_module(mk->model, path, m);
	call = fx_graph_node(mk->to, FX_CALL_MODULE, path, NULL, &x, 1, NULL,
			     0);
	call->module = m;
	call->scope = call->source = call->target;
	return call;
}

/* Scales that the graph brings */

struct given {
	float scale;
	int64_t zero_point;
	const char *dtype;
};

/* What quantize_linear or dequantize_linear says, if one scale is for all. */
static bool find_given(const struct fx_node *n, struct given *ret)
{
	const struct fxq_tensor *scale = constant_in(n, 1);
	const struct fxq_tensor *zero = constant_in(n, 2);

	if (!scale || scale->dtype != FXQ_DTYPE_F32 ||
	    fxq_tensor_count(scale) != 1 || (fx_node_in(n, 2) && !zero))
		return false;
	*ret = (struct given){ *(const float *)scale->data, 0, "quint8" };
	if (!zero)
		return true;
	if (fxq_tensor_count(zero) != 1)
		return false;
	if (zero->dtype == FXQ_DTYPE_I8) {
		ret->zero_point = *(const int8_t *)zero->data;
		ret->dtype = "qint8";
		return true;
	}
	ret->zero_point = *(const uint8_t *)zero->data;
	return zero->dtype == FXQ_DTYPE_U8;
}

/* Is it read by dequantize_linear alone, each with the scale that it has? */
static bool comes_back(const struct fx_node *n, const struct given *q)
{
	for (const struct fx_node *k = n->next; k; k = k->next) {
		struct given other;

		if (fx_node_uses(k, n) &&
		    (!fx_node_is(k, "dequantize_linear") ||
		     !find_given(k, &other) || other.scale != q->scale ||
		     other.zero_point != q->zero_point ||
		     strcmp(other.dtype, q->dtype)))
			return false;
	}
	return true;
}

/* The observer that has the scale of quantize_linear @n, or NULL. */
static struct fx_module *given_observer(const struct fx_node *n)
{
	const struct fx_node *x = fx_node_in(n, 0);
	struct fx_module *m;
	struct given q;

	if (!fx_node_is(n, "quantize_linear") || !x || fx_node_is_const(x) ||
	    x->out[0].dtype != FXQ_DTYPE_F32 || !find_given(n, &q) ||
	    !comes_back(n, &q))
		return NULL;
	m = FixedQParamsObserver(q.scale, q.zero_point, .dtype = q.dtype);
	if (!m->error)
		return m;
	fx_module_put(m);
	return NULL;
}

/* What a dequantize_linear gives is what the observer before it does. */
static struct fx_node *observed(const struct fx_node *n)
{
	const struct fx_node *in = fx_node_in(n, 0);
	struct fx_node *call = in ? in->data : NULL;

	return fx_node_is(n, "dequantize_linear") && call &&
	       fx_node_is(in, "quantize_linear") && node_is_observer(call) ?
	       call : NULL;
}

static struct fx_node *call_of(struct making *mk, struct fx_node *n)
{
	struct fx_module *m;
	struct fx_node *call;

	if (n->opcode != FX_CALL_FUNCTION || !n->op || n->wrapped) {
		root_fail(mk->model, "%s: it calls '%s', which is no operator; a graph with modules and wrapped functions has a model already",
			  source_of(n), n->target);
		return NULL;
	}
	if (fx_node_is(n, "getitem") && fx_node_in(n, 0)->n_out > 1)
		return take_result(mk, n);
	if (observed(n))
		return observed(n);
	/* As the operator it is, it is float, and convert has no need to refuse. */
	if (exceeds_limits(n))
		return keep_operator(mk, n);
	m = given_observer(n);
	if (!m)
		m = find_module(n);
	if (m)
		return call_module(mk, n, m);
	call = call_function(mk, n);
	return call ? call : keep_operator(mk, n);
}

/* The graph */

static void make_node(struct making *mk, struct fx_node *n)
{
	struct fx_node *call = call_of(mk, n);

	n->data = call;
	if (!call)
		return;
	if (!call->source)
		call->source = fx_graph_strdup(mk->to, source_of(n));
	if (!call->scope)
		call->scope = "";
}

static void make_output(struct making *mk, const struct fx_node *n)
{
	const struct fx_arg *a = &n->args[0];
	bool one = a->kind == FX_ARG_NODE;
	size_t count = one ? 1 : a->count;
	struct fx_node *values[MAX_ARGS];

	if (count > MAX_ARGS) {
		root_fail(mk->model, "the graph has %zu outputs; a module has at most %d",
			  count, MAX_ARGS);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct fx_node *in = one ? a->node : a->items[i].node;

		values[i] = fx_node_is_const(in) ? read_constant(mk, in) :
						   in->data;
	}
	fx_graph_set_output(mk->to, values, count);
}

static void make_nodes(struct making *mk)
{
	fx_for_each_node(n, mk->from) {
		if (mk->model->error)
			return;
		if (n->opcode == FX_PLACEHOLDER)
			n->data = fx_graph_placeholder(mk->to, n->target,
						       &n->out[0]);
		else if (n->opcode == FX_OUTPUT)
			make_output(mk, n);
		else if (fx_node_is_const(n))
			n->data = NULL;
		else
			make_node(mk, n);
	}
}

struct fx_module *fx_module_of_graph(struct fx_graph *g)
{
	struct making mk = { .from = g, .to = fx_graph_new() };
	struct fx_module *model = must_alloc(sizeof(*model));
	struct scope scope;
	size_t inputs = 0;

	fx_for_each_node(n, g)
		inputs += n->opcode == FX_PLACEHOLDER;
	model->refs = 1;
	model->class = &models[inputs <= MAX_INPUTS ? inputs : 0];
	model->graph = mk.to;
	mk.model = model;
	if (inputs > MAX_INPUTS)
		return root_fail(model, "the graph has %zu inputs; a module made of a graph has at most %d",
				 inputs, MAX_INPUTS);
	scope_open(&scope);
	make_nodes(&mk);
	scope_close(&scope, fx_none);
	return fx_eval(model);
}
