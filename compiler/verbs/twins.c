// SPDX-License-Identifier: MIT
/*
 * twins.c - modules in the place of functions
 *
 * hardswish(x) computes what a module does, and conv2d(x, w, b) too if w and b
 * are parameters that nobody else reads. As modules they are fused, trained with
 * the error of their weights and converted like any other, so that a forward may
 * call either. The parameter is the model's still, for its methods to read.
 */
#include <string.h>

#include "verbs.h"

/* @rank: of the weights; 0: there are none */
static const struct {
	const struct fx_function *fn;
	const struct fx_class *class;
	uint32_t rank;
} twins[] = {
	{ &fx_function_conv1d, &fx_class_Conv1d, 3 },
	{ &fx_function_conv2d, &fx_class_Conv2d, 4 },
	{ &fx_function_conv_transpose1d, &fx_class_ConvTranspose1d, 3 },
	{ &fx_function_conv_transpose2d, &fx_class_ConvTranspose2d, 4 },
	{ &fx_function_linear, &fx_class_Linear, 2 },
	{ &fx_function_hardswish, &fx_class_Hardswish },
	{ &fx_function_silu, &fx_class_SiLU },
	{ &fx_function_gelu, &fx_class_GELU },
	{ &fx_function_leaky_relu, &fx_class_LeakyReLU },
	{ &fx_function_prelu, &fx_class_PReLU, 1 },
	{ &fx_function_hardsigmoid, &fx_class_Hardsigmoid },
	{ &fx_function_softmax, &fx_class_Softmax },
	{ &fx_function_interpolate, &fx_class_Upsample },
};

static const char prefix[] = "_generated_";

/*
 * struct twin - of one call
 * @weight, @bias: the nodes that read its parameters, or NULL
 */
struct twin {
	const struct fx_function *fn;
	const struct fx_class *class;
	uint32_t rank;
	struct fx_node *weight, *bias;
	struct options options;
};

static bool find_twin(const struct fx_node *n, struct twin *t)
{
	const struct fx_function *fn;

	if (n->opcode != FX_CALL_FUNCTION || n->wrapped)
		return false;
	fn = function_of_node(n);
	for (size_t i = 0; i < sizeof(twins) / sizeof(*twins); i++)
		if (twins[i].fn == fn) {
			*t = (struct twin){ .fn = fn, .class = twins[i].class,
					    .rank = twins[i].rank };
			return true;
		}
	return false;
}

const char *twin_function(const struct fx_node *n)
{
	if (n->opcode != FX_CALL_MODULE ||
	    strncmp(n->target, prefix, sizeof(prefix) - 1))
		return NULL;
	for (size_t i = 0; i < sizeof(twins) / sizeof(*twins); i++)
		if (twins[i].class == n->module->class)
			return fx_op_find(twins[i].fn->op)->path;
	return NULL;
}

/* Is @n all that reads a parameter of the root? */
static bool reads_alone(const struct fx_module *gm, const struct fx_node *n)
{
	size_t reads = 0;

	fx_for_each_node(k, gm->graph)
		reads += k->opcode == FX_GET_ATTR &&
			 !strcmp(k->target, n->target);
	return reads == 1 && n->n_users == 1;
}

/* The weight and the bias, which may be absent. */
static bool find_parameters(struct fx_module *gm, const struct fx_node *n,
			    struct twin *t)
{
	struct fx_node **const to[] = { NULL, &t->weight, &t->bias };

	for (int i = 1; i < t->fn->n_tensors; i++) {
		struct fx_node *in = fx_node_in(n, i);
		const struct fxq_tensor *value;

		if (!in && i == 2)
			return true;
		value = in && in->opcode == FX_GET_ATTR ?
			fx_module_tensor(gm, in->target) : NULL;
		if (!value || value->dtype != FXQ_DTYPE_F32 ||
		    value->rank != (i == 1 ? t->rank : 1) ||
		    !reads_alone(gm, in))
			return false;
		*to[i] = in;
	}
	return true;
}

/* What options say, to live as long as a module may. */
static const char *lasting(const char *s)
{
	static const char *const words[] = {
		"nearest", "linear", "bilinear", "trilinear", "bicubic",
		"none", "tanh",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(words[i], s))
			return words[i];
	return NULL;
}

static bool constant(const struct fx_arg *a, fxv *ret)
{
	fxv items[MAX_ARGS + 1];

	switch (a->kind) {
	case FX_ARG_NAME:
		return false;
	case FX_ARG_STR:
		*ret = fx_of_str(lasting(a->s));
		return ret->s != NULL;
	case FX_ARG_TUPLE:
	case FX_ARG_LIST:
		for (size_t i = 0; i < a->count; i++)
			if (i == MAX_ARGS || !constant(&a->items[i], &items[i]))
				return false;
		items[a->count] = (fxv)FX_END;
		*ret = fx_tuple_of(FX_VALUE_TUPLE, items);
		return true;
	default:
		return arg_scalar(a, ret);
	}
}

/* Has the module each option that is not at its default? */
static bool fits_class(const struct twin *t)
{
	for (size_t i = 0; i < t->fn->n_options; i++) {
		const struct fx_option *option = &t->fn->options[i];
		fxv v = t->options.values[i];
		size_t k = 0;

		while (k < t->class->n_options &&
		       strcmp(t->class->options[k].name, option->name))
			k++;
		if (k == t->class->n_options &&
		    (v.kind != option->def.kind || v.i != option->def.i))
			return false;
	}
	return true;
}

static bool find_options(const struct fx_node *n, struct twin *t)
{
	fxv positional[MAX_ARGS], named[MAX_OPTIONS];
	size_t first = (size_t)t->fn->n_tensors, count;
	const char *names[MAX_OPTIONS];
	char error[FXQ_ERROR_MAX];

	if (n->n_args < first || n->n_args > MAX_ARGS ||
	    n->n_kwargs > MAX_OPTIONS)
		return false;
	count = n->n_args - first;
	for (size_t i = 0; i < count; i++)
		if (!constant(&n->args[first + i], &positional[i]))
			return false;
	for (size_t i = 0; i < n->n_kwargs; i++) {
		names[i] = n->kwargs[i].name;
		if (!constant(&n->kwargs[i].value, &named[i]))
			return false;
	}
	return !options_bind(t->fn->options, t->fn->n_options, positional,
			     count, names, named, n->n_kwargs, &t->options,
			     error) && fits_class(t);
}

/* An option of the function, which has most of the module's. */
static bool given(const struct twin *t, const char *name, fxv *ret)
{
	for (size_t i = 0; i < t->fn->n_options; i++)
		if (!strcmp(t->fn->options[i].name, name)) {
			*ret = t->options.values[i];
			return true;
		}
	return false;
}

static struct fx_module *make_twin(struct fx_module *gm, const struct twin *t)
{
	const struct fx_class *class = t->class;
	const struct fxq_tensor *w = t->weight ?
		fx_module_tensor(gm, t->weight->target) : NULL;
	struct fx_module *m = must_alloc(sizeof(*m));
	fxv groups = fx_of_int(1);

	given(t, "groups", &groups);
	m->class = class;
	m->refs = 1;
	m->options = must_alloc(class->n_options * sizeof(fxv));
	for (size_t i = 0; i < class->n_options; i++) {
		fxv v;

		if (!given(t, class->options[i].name, &v))
			v = option_of_weights(class, &class->options[i], w,
					      fx_int(groups), t->bias);
		m->options[i] = value_keep(v);
	}
	if (t->weight)
		fx_add_parameter(m, "weight",
				 value_get(fx_member(gm, t->weight->target)));
	if (t->bias)
		fx_add_parameter(m, "bias",
				 value_get(fx_member(gm, t->bias->target)));
	return m;
}

/* A call of @m, which is taken over, on @x before @n, which it stands for. */
static struct fx_node *insert_call(struct fx_module *gm, struct fx_node *n,
				   const char *name, struct fx_module *m,
				   struct fx_arg x)
{
	struct fx_graph *g = gm->graph;
	const char *path = NULL;
	struct fx_node *call;

	for (unsigned int i = 0; !path || fx_module_at(gm, path); i++)
		path = fx_graph_printf(g, "%s%s_%u", prefix, name, i);
	m->training = gm->training;
	fx_add_module(gm, path, m);
	fx_insert_before(n);
	call = fx_graph_node(g, FX_CALL_MODULE, path, NULL, &x, 1, NULL, 0);
	fx_graph_set_insert_point(g, NULL);
	call->module = m;
	call->scope = n->scope;
	call->source = call->target;
	call->loc = n->loc;
	return call;
}

static void replace(struct fx_module *gm, struct fx_node *n,
		    const struct twin *t)
{
	struct fx_node *call = insert_call(gm, n, t->fn->name,
					   make_twin(gm, t), n->args[0]);

	fx_node_replace_uses(n, call);
	fx_node_erase(n);
	if (t->weight)
		fx_node_erase(t->weight);
	if (t->bias)
		fx_node_erase(t->bias);
}

/* The argument called @name, or the one at @place. */
static const struct fx_arg *argument(const struct fx_node *n, size_t place,
				     const char *name)
{
	return place < n->n_args ? &n->args[place] : fx_node_kwarg(n, name);
}

/*
 * Which dimension a mean over height and width, x.mean((2, 3)) or from the end
 * x.mean((-2, -1)), begins to be flat at; 0: it is another mean.
 */
static int mean_of_images(const struct fx_node *n)
{
	static const int64_t sides[][2] = { { 2, 3 }, { -2, -1 } };
	const struct fx_arg *dims = argument(n, 1, "dim");

	if (!(node_is_method(n, "mean") || node_is_function(n, "mean")) ||
	    !dims || dims->count != 2 ||
	    (dims->kind != FX_ARG_TUPLE && dims->kind != FX_ARG_LIST) ||
	    dims->items[0].kind != FX_ARG_INT ||
	    dims->items[1].kind != FX_ARG_INT)
		return 0;
	for (int i = 0; i < 2; i++)
		if (dims->items[0].i == sides[i][0] &&
		    dims->items[1].i == sides[i][1])
			return (int)sides[i][0] - 1;
	return 0;
}

/* A pool to one value, flat unless the dimensions are kept. */
static void replace_mean(struct fx_module *gm, struct fx_node *n, int start)
{
	const struct fx_arg *keep = argument(n, 2, "keepdim");
	struct fx_node *call;

	call = insert_call(gm, n, "mean", AdaptiveAvgPool2d(1), n->args[0]);
	if (!keep || !keep->b)
		call = insert_call(gm, n, "flatten", Flatten(start),
				   fx_arg_node(call));
	fx_node_replace_uses(n, call);
	fx_node_erase(n);
}

void make_twins(struct fx_module *gm)
{
	struct fx_node *n = fx_graph_first(gm->graph), *next;
	struct twin t;

	for (; n; n = next) {
		next = n->next;
		if (find_twin(n, &t) && find_parameters(gm, n, &t) &&
		    find_options(n, &t))
			replace(gm, n, &t);
		else if (mean_of_images(n))
			replace_mean(gm, n, mean_of_images(n));
	}
}
