// SPDX-License-Identifier: MIT
/*
 * from_graph_call.c - operators as functions, or as they are
 *
 * What has no parameters to train: sums, products, what moves elements. And
 * what reads constants: they are attributes of the model.
 */
#include <ctype.h>

#include "from_graph.h"

/* Operators that a function or method may be, of numbers too or of a list. */
static const struct {
	const char *op;
	const struct fx_function *fn;
} functions[] = {
	{ "add", &fx_function_add },
	{ "sub", &fx_function_sub },
	{ "mul", &fx_function_mul },
	{ "div", &fx_function_div },
	{ "matmul", &fx_function_matmul },
	{ "clamp", &fx_function_clamp },
	{ "concat", &fx_function_cat },
	{ "reshape", &fx_function_method_view },
	{ "permute", &fx_function_method_permute },
	{ "reduce_mean", &fx_function_method_mean },
};

const char *member_name(struct making *mk, const char *source)
{
	const char *name;
	char *c;

	while (*source && !isalnum((unsigned char)*source))
		source++;
	name = fx_graph_strdup(mk->to, *source ? source : "node");
	for (c = (char *)name; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '_';
	source = name;
	for (unsigned int i = 1; module_member(mk->model, name); i++)
		name = fx_graph_printf(mk->to, "%s_%u", source, i);
	return name;
}

const char *source_of(const struct fx_node *n)
{
	return n->source && *n->source ? n->source : n->name;
}

const struct fxq_tensor *constant_in(const struct fx_node *n, size_t i)
{
	const struct fx_node *in = fx_node_in(n, i);

	return in && fx_node_is_const(in) ? &in->out[0] : NULL;
}

struct fx_node *read_constant(struct making *mk, struct fx_node *n)
{
	const struct fxq_tensor *t = &n->out[0];
	struct fx_node *read;
	const char *name;

	if (n->data)
		return n->data;
	name = member_name(mk, n->name);
	if (t->dtype == FXQ_DTYPE_F32 && t->rank)
		fx_add_parameter(mk->model, name, fx_copy_of(t));
	else
		fx_add_buffer(mk->model, name, fx_copy_of(t));
	read = fx_graph_node(mk->to, FX_GET_ATTR, name, NULL, NULL, 0, NULL, 0);
	read->scope = "";
	n->data = read;
	return read;
}

static struct fx_arg argument(struct making *mk, const struct fx_node *n,
			      size_t i)
{
	struct fx_node *in = fx_node_in(n, i);

	if (!in)
		return fx_arg_node(NULL);
	return fx_arg_node(fx_node_is_const(in) ? read_constant(mk, in) :
						  in->data);
}

/* A number beside a tensor is one. */
static struct fx_arg term(struct making *mk, const struct fx_node *n, size_t i)
{
	const struct fxq_tensor *t = constant_in(n, i);

	if (t && !t->rank && t->dtype == FXQ_DTYPE_F32)
		return fx_arg_float(*(const float *)t->data);
	return argument(mk, n, i);
}

/*
 * struct function_call
 * @args: tensors, then what was given by position
 */
struct function_call {
	const struct fx_function *fn;
	struct options options;
	size_t n_args, n_kwargs;
	struct fx_arg args[MAX_ARGS];
	struct fx_kwarg kwargs[MAX_OPTIONS];
};

/* Sizes are given one by one: x.view(1, -1), x.permute(0, 2, 1) */
static bool give_sizes(struct function_call *c, const struct fx_arg *sizes)
{
	if (!sizes || sizes->count > c->fn->n_options)
		return false;
	for (size_t i = 0; i < sizes->count; i++) {
		if (sizes->items[i].kind != FX_ARG_INT ||
		    (!sizes->items[i].i && !strcmp(c->fn->id, "view")))
			return false;
		c->args[c->n_args++] = sizes->items[i];
		c->options.values[i] = fx_of_int(sizes->items[i].i);
	}
	return true;
}

/* By name; the operator calls the dimensions that a method reduces "dims". */
static void give_named(struct function_call *c, const struct fx_node *n)
{
	for (size_t i = 0; i < c->fn->n_options; i++) {
		const struct fx_option *option = &c->fn->options[i];
		bool dims = c->fn->method && !strcmp(option->name, "dim");
		const struct fx_arg *a =
			fx_node_kwarg(n, dims ? "dims" : option->name);

		if (!a)
			continue;
		c->options.values[i] = option_of(option, a);
		c->kwargs[c->n_kwargs] = (struct fx_kwarg){ option->name, *a };
		if (option->type == FX_OPTION_BOOL)
			c->kwargs[c->n_kwargs].value = fx_arg_bool(a->i);
		c->n_kwargs++;
	}
}

static bool give_options(struct function_call *c, const struct fx_node *n)
{
	char error[FXQ_ERROR_MAX];
	struct operation o;
	fxv tensors[MAX_ARGS] = { 0 };

	for (size_t i = 0; i < c->fn->n_options; i++)
		c->options.values[i] = c->fn->options[i].def;
	if (c->fn->n_options && !strcmp(c->fn->options[0].name, "size0")) {
		if (!give_sizes(c, fx_node_kwarg(n, fx_node_is(n, "reshape") ?
						 "shape" : "dims")))
			return false;
	} else {
		give_named(c, n);
	}
	return !operation_of_function(c->fn, tensors, &c->options, &o, error) &&
	       does_the_same(n, &o);
}

static struct fx_node *make_call(struct making *mk, struct fx_node *n,
				 struct function_call *c)
{
	struct fx_arg list[MAX_ARGS], number;

	for (size_t i = 0; i < n->n_args; i++)
		list[i] = term(mk, n, i);
	if (c->fn == &fx_function_cat) {
		c->args[0] = (struct fx_arg){ .kind = FX_ARG_LIST,
					      .count = n->n_args,
					      .items = list };
	} else {
		memcpy(c->args, list, n->n_args * sizeof(*list));
	}
	/* A sum and a product are the same in either order. */
	if (list[0].kind == FX_ARG_FLOAT && (c->fn == &fx_function_add ||
					     c->fn == &fx_function_mul)) {
		number = c->args[0];
		c->args[0] = c->args[1];
		c->args[1] = number;
	}
	return fx_graph_node(mk->to, c->fn->method ? FX_CALL_METHOD :
			     FX_CALL_FUNCTION, c->fn->name, function_op(c->fn),
			     c->args, c->n_args, c->kwargs, c->n_kwargs);
}

struct fx_node *call_function(struct making *mk, struct fx_node *n)
{
	const size_t count = sizeof(functions) / sizeof(*functions);
	struct function_call c = { 0 };
	size_t i = 0;

	while (i < count && !fx_node_is(n, functions[i].op))
		i++;
	if (i == count || n->n_out != 1 || !n->n_args)
		return NULL;
	c.fn = functions[i].fn;
	c.n_args = (size_t)c.fn->n_tensors;
	if ((c.fn != &fx_function_cat && n->n_args != c.n_args) ||
	    n->n_args > MAX_ARGS - MAX_OPTIONS || !give_options(&c, n))
		return NULL;
	return make_call(mk, n, &c);
}

struct fx_node *take_result(struct making *mk, const struct fx_node *n)
{
	const struct fx_arg args[] = {
		fx_arg_node(fx_node_in(n, 0)->data),
		fx_arg_int(fx_node_int(n, "index", 0)),
	};

	return fx_graph_node(mk->to, FX_CALL_FUNCTION, "getitem",
			     function_op(&fx_function_getitem), args, 2, NULL,
			     0);
}

/* The last two of all four numbers in parameter @name. */
static void trim(struct fx_node *n, const char *name)
{
	const struct fx_arg *a = fx_node_kwarg(n, name);
	struct fx_arg last;

	if (!a)
		return;
	last = *a;
	last.items += 2;
	last.count = 2;
	fx_node_set_kwarg(n, name, last);
}

static bool is_one(const struct fx_arg *a)
{
	return a->kind == FX_ARG_FLOAT && a->f == 1;
}

/*
 * Of a resize that changes height and width alone, what is said of these: sizes
 * of all dimensions tell no more when the graph's types are gone.
 */
static void trim_resize(struct fx_node *call, const struct fx_node *n)
{
	const struct fxq_tensor *x = &fx_node_in(n, 0)->out[0];
	const struct fx_arg *scales = fx_node_kwarg(n, "scales");
	const struct fx_arg *sizes = fx_node_kwarg(n, "sizes");

	if (x->rank != 4 || memcmp(x->dims, n->out[0].dims, 2 * 8) ||
	    fx_node_kwarg(n, "roi") || (sizes && sizes->count != 4) ||
	    (scales && (scales->count != 4 || !is_one(&scales->items[0]) ||
			!is_one(&scales->items[1]))))
		return;
	trim(call, "sizes");
	trim(call, "scales");
}

struct fx_node *keep_operator(struct making *mk, struct fx_node *n)
{
	struct fx_arg args[MAX_ARGS];
	char error[FXQ_ERROR_MAX];
	fxv in[MAX_ARGS] = { 0 };
	struct operation o;
	struct fx_node *call;

	if (n->n_args > MAX_ARGS ||
	    operation_of_operator(n, in, n->n_args, &o, error)) {
		root_fail(mk->model, "%s: %s", source_of(n), n->n_args > MAX_ARGS ?
			  "it has more tensors than a module's call takes" :
			  error);
		return NULL;
	}
	for (size_t i = 0; i < n->n_args; i++)
		args[i] = argument(mk, n, i);
	call = fx_graph_node(mk->to, FX_CALL_FUNCTION, n->op->fn.name, n->op,
			     args, n->n_args, n->kwargs, n->n_kwargs);
	call->target = fx_graph_printf(mk->to, OPERATOR_PREFIX "%s",
				       n->op->fn.name);
	if (fx_node_is(n, "resize"))
		trim_resize(call, n);
	return call;
}
