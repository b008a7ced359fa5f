// SPDX-License-Identifier: MIT
/*
 * lower.c - operators on integers in place of dequantize, float, quantize
 *
 * What stands between takes integers and gives integers: a layer of its own
 * scale, an addition or product of two, an operator that keeps its input's
 * scale or has one for ever. Done in three passes, in torch's order. What
 * somebody reads as a float, too, stays one.
 */
#include <stdlib.h>

#include "verbs.h"

static bool is_dequantize(const struct fx_node *n)
{
	return n && node_is_method(n, "dequantize");
}

/* The number of this type that only @n reads, as its argument @i; or NULL. */
static const void *own_number(struct fx_module *gm, const struct fx_node *n,
			      size_t i, uint32_t dtype)
{
	const struct fx_node *in = fx_node_in(n, i);
	const struct fxq_tensor *t;

	if (!in || in->opcode != FX_GET_ATTR || in->n_users != 1)
		return NULL;
	t = fx_module_tensor(gm, in->target);
	return t && t->dtype == dtype && !t->rank ? t->data : NULL;
}

/* One that convert wrote, with a scale and a zero point of its own. */
static bool is_quantize(struct fx_module *gm, const struct fx_node *n)
{
	return node_is_function(n, "quantize_per_tensor") && n->n_args == 4 &&
	       own_number(gm, n, 1, FXQ_DTYPE_F32) &&
	       own_number(gm, n, 2, FXQ_DTYPE_I64) &&
	       n->args[3].kind == FX_ARG_NAME;
}

static bool is_configured(const struct lowering *l, const struct fx_node *n)
{
	return is_prepared(l->prepared, n);
}

/* The model brings its scales. */
static bool is_given(const struct lowering *l, const struct fx_node *n)
{
	return module_member(l->prepared, n->name) && !is_configured(l, n);
}

/* The node whose result @user alone reads, or NULL. */
static struct fx_node *read_alone(const struct fx_node *user)
{
	struct fx_node *n = fx_node_in(user, 0);

	return n && n->n_users == 1 ? n : NULL;
}

struct input_check {
	const struct fx_node *n;
	bool all;
};

static void check_dequantized(struct fx_node *in, void *ctx)
{
	struct input_check *check = ctx;

	check->all &= is_dequantize(in) ||
		      (in->opcode == FX_GET_ATTR &&
		       node_is_operator(check->n));
}

/* Do all its inputs come from a dequantize? An operator has constants, too. */
static bool is_dequantized(const struct fx_node *n)
{
	struct input_check check = {
		n, fx_node_in(n, 0) ? !node_is_operator(n) ||
				      is_dequantize(fx_node_in(n, 0)) :
				      n->args[0].count > 0,
	};

	fx_node_visit(n, check_dequantized, &check);
	return check.all;
}

struct skip_walk {
	struct fx_node *list[MAX_ARGS];
	size_t n;
};

static void note_dequantize(struct fx_node *in, void *ctx)
{
	struct skip_walk *walk = ctx;

	if (walk->n < MAX_ARGS)
		walk->list[walk->n++] = in;
}

/* From now on @n takes what was dequantized. */
static void skip_dequantize(struct fx_node *n)
{
	struct skip_walk walk = { .n = 0 };

	fx_node_visit(n, note_dequantize, &walk);
	for (size_t i = 0; i < walk.n; i++)
		if (is_dequantize(walk.list[i]))
			fx_node_replace_input(n, walk.list[i],
					      fx_node_in(walk.list[i], 0));
}

/* @result takes the place of @quantize, whose scale nobody reads any more. */
static void skip_quantize(struct fx_node *quantize, struct fx_node *result)
{
	struct fx_node *scale = fx_node_in(quantize, 1);
	struct fx_node *zero = fx_node_in(quantize, 2);

	fx_node_replace_uses(quantize, result);
	fx_node_erase(quantize);
	fx_node_erase(scale);
	fx_node_erase(zero);
}

static struct result_qparams qparams_of(struct fx_module *gm,
					const struct fx_node *quantize)
{
	return (struct result_qparams){
		.scale = *(const float *)own_number(gm, quantize, 1,
						    FXQ_DTYPE_F32),
		.zero_point = *(const int64_t *)own_number(gm, quantize, 2,
							   FXQ_DTYPE_I64),
		/* Names of torch's types live as long as a module may. */
		.dtype = strcmp(quantize->args[3].s, "torch.qint8") ?
			 "torch.quint8" : "torch.qint8",
	};
}

/* Layers */

/* The reference layer that @n calls, and with what it is fused; or NULL. */
static struct fx_module *reference_of(const struct fx_node *n,
				      unsigned int *ret_parts)
{
	const struct layer_class *class;
	struct fx_module *m = n->module;

	if (n->opcode != FX_CALL_MODULE)
		return NULL;
	class = layer_class_of(m);
	*ret_parts = class ? class->parts : 0;
	if (class && class->kind == LAYER_FUSED) {
		m = fx_module_at(m, "0");
		class = layer_class_of(m);
	}
	return class && class->kind == LAYER_REFERENCE &&
	       !(*ret_parts & FX_PART_BN) ? m : NULL;
}

static bool is_called_before(const struct fx_node *n)
{
	const struct fx_node *k = n->prev;

	while (k && (k->opcode != FX_CALL_MODULE ||
		     strcmp(k->target, n->target)))
		k = k->prev;
	return k;
}

/* A path like @target at which there is nothing. */
static const char *free_path(struct fx_module *gm, const char *target)
{
	const char *path = target;

	for (unsigned int i = 1; fx_module_at(gm, path); i++)
		path = fx_graph_printf(gm->graph, "%s_%u", target, i);
	return path;
}

/* Each call has a scale of its own: the second calls a layer of its own. */
static void part_calls(struct fx_module *gm)
{
	fx_for_each_node(n, gm->graph) {
		const char *path;
		unsigned int parts;

		if (!reference_of(n, &parts) || !is_called_before(n))
			continue;
		path = free_path(gm, n->target);
		fx_module_replace(gm, path, fx_module_get(n->module));
		n->target = path;
	}
}

static void lower_layer(struct lowering *l, struct fx_node *quantize)
{
	struct fx_node *n = read_alone(quantize);
	struct fx_module *reference, *m;
	struct result_qparams q;
	unsigned int parts;

	reference = n ? reference_of(n, &parts) : NULL;
	if (!reference || !is_configured(l, n) || !is_dequantized(n) ||
	    !has_integer_layer(reference))
		return;
	q = qparams_of(l->gm, quantize);
	m = make_quantized(reference, parts, &q);
	root_put(l->gm, n->target, m);
	skip_dequantize(n);
	skip_quantize(quantize, n);
}

/* A module whose result has a scale of its own; another call of it, another. */
static void lower_own(struct lowering *l, struct fx_node *quantize)
{
	struct fx_node *n = read_alone(quantize);
	const struct fx_backend_op *row;
	struct result_qparams q;
	const char *path;

	row = n ? backend_row(l->backend, n) : NULL;
	if (!row || !(is_given(l, n) || (is_configured(l, n) &&
					 row->observe == FX_OBSERVE_OWN)) ||
	    n->opcode != FX_CALL_MODULE || !is_dequantized(n) ||
	    !has_operator(n->module))
		return;
	path = n->target;
	if (root_calls(l->gm, n->module) > 1)
		path = free_path(l->gm, n->target);
	q = qparams_of(l->gm, quantize);
	n->target = path;
	root_put(l->gm, path, make_operator(n->module, &q));
	skip_dequantize(n);
	skip_quantize(quantize, n);
}

/* A layer without an observer behind it gives its sums. */
static void lower_sums(struct lowering *l, struct fx_node *n)
{
	struct fx_module *reference;
	unsigned int parts;

	reference = reference_of(n, &parts);
	if (!reference || parts || !is_configured(l, n) ||
	    !is_dequantized(n) || !has_integer_layer(reference))
		return;
	root_put(l->gm, n->target, make_quantized(reference, 0, NULL));
	skip_dequantize(n);
}

/* Two terms */

static const struct {
	const char *id;
	const struct fx_function *plain, *relu;
} binaries[] = {
	{ "add", &fx_function_quantized_add, &fx_function_quantized_add_relu },
	{ "torch_add", &fx_function_quantized_add,
	  &fx_function_quantized_add_relu },
	{ "mul", &fx_function_quantized_mul, &fx_function_quantized_mul_relu },
	{ "torch_mul", &fx_function_quantized_mul,
	  &fx_function_quantized_mul_relu },
	{ "sub", &fx_function_quantized_sub, NULL },
	{ "matmul", &fx_function_quantized_matmul, NULL },
	{ "torch_matmul", &fx_function_quantized_matmul, NULL },
};

const struct fx_function *quantized_binary(const struct fx_node *n, bool relu)
{
	for (size_t i = 0; i < sizeof(binaries) / sizeof(*binaries); i++)
		if (node_is_function(n, binaries[i].id))
			return relu ? binaries[i].relu : binaries[i].plain;
	return NULL;
}

/* torch.ops.quantized.add(a, b, scale, zero_point) behind @quantize. */
static struct fx_node *new_binary(const struct fx_function *fn,
				  const struct fx_node *n,
				  struct fx_node *quantize)
{
	struct fx_arg args[4] = { n->args[0], n->args[1], quantize->args[1],
				  quantize->args[2] };
	bool two = n->args[0].kind == FX_ARG_NODE &&
		   n->args[1].kind == FX_ARG_NODE;
	struct fx_kwarg dtype = { "dtype", quantize->args[3] };
	bool is_signed = two && strcmp(dtype.value.s, "torch.quint8");
	struct fx_node *result;

	fx_insert_after(quantize);
	result = fx_graph_node(n->graph, FX_CALL_FUNCTION, fn->name, &fn->shown,
			       args, two ? 4 : 2, &dtype, is_signed);
	fx_graph_set_insert_point(n->graph, NULL);
	result->scope = n->scope;
	result->loc = n->loc;
	return result;
}

static bool is_value(const struct fx_arg *a)
{
	return a->kind == FX_ARG_NODE && a->node->opcode != FX_GET_ATTR;
}

bool has_integer_terms(const struct fx_node *n)
{
	const struct fx_arg *by = &n->args[1];

	if (n->n_args != 2 || n->n_kwargs || !is_value(&n->args[0]))
		return false;
	return is_value(by) ||
	       ((node_is_function(n, "mul") || node_is_function(n, "torch_mul")) &&
		((by->kind == FX_ARG_INT && by->i > 0) ||
		 (by->kind == FX_ARG_FLOAT && by->f > 0)));
}

static void lower_binary(struct lowering *l, struct fx_node *quantize)
{
	struct fx_node *n = read_alone(quantize), *relu = NULL, *result;
	const struct fx_function *fn;

	if (n && node_is_relu(n)) {
		relu = n;
		n = read_alone(relu);
	}
	fn = n ? quantized_binary(n, relu != NULL) : NULL;
	if (!fn || !has_integer_terms(n) || !is_configured(l, n) || !is_dequantized(n))
		return;
	skip_dequantize(n);
	result = new_binary(fn, n, quantize);
	fx_node_replace_uses(quantize, result);
	fx_node_erase(quantize);
	if (relu)
		fx_node_erase(relu);
	fx_node_erase(n);
}

/* Operators that keep a scale, or always have the same */

/* The operation that @n is, as far as it is known without tensors. */
static bool find_operation(const struct fx_node *n, struct operation *ret)
{
	fxv tensors[MAX_ARGS] = { 0 };
	char error[FXQ_ERROR_MAX];

	*ret = (struct operation){ 0 };
	if (n->opcode == FX_CALL_MODULE)
		return n->module->class->op &&
		       !operation_of_module(n->module, fx_none, ret, error);
	if (node_is_operator(n))
		return !operation_of_operator(n, tensors, n->n_args, ret,
					      error);
	ret->op = function_of_node(n)->op;
	return ret->op;
}

/* What gives its argument, or a part of it. */
static bool only_selects(const struct fx_node *n)
{
	if (n->opcode == FX_CALL_MODULE)
		return n->module->class->flags & FX_CLASS_IDENTITY;
	return node_is_function(n, "getitem") && !selects_value(n);
}

static bool has_integers(const struct fx_node *n)
{
	struct operation o;

	return only_selects(n) || (find_operation(n, &o) && quantized_has(&o));
}

static const char *const reasons[] = {
	[FX_OBSERVE_SHARED] = "its input and its result have one scale",
	[FX_OBSERVE_PARTS] = "parts have the scale of the whole",
	[FX_OBSERVE_FIXED] = "its result has one scale whatever goes in",
};

static void note_removed(struct lowering *l, const struct fx_node *n,
			 const struct fx_backend_op *row)
{
	if (l->notes)
		fprintf(l->notes, "%s: the dequantize before and the quantize behind it are gone: %s\n",
			n->name, reasons[row->observe]);
}

/* The quantize that alone reads @n, or NULL. */
static struct fx_node *only_quantize(struct fx_module *gm,
				     const struct fx_node *n)
{
	struct fx_node *user = n->next;

	while (user && !(is_quantize(gm, user) && fx_node_in(user, 0) == n))
		user = user->next;
	return n->n_users == 1 ? user : NULL;
}

/* All parts are quantized, or the whole stays float. */
static bool all_parts_quantized(struct fx_module *gm, const struct fx_node *n)
{
	size_t parts = 0;

	for (const struct fx_node *k = n->next; k; k = k->next)
		parts += node_is_function(k, "getitem") &&
			 fx_node_in(k, 0) == n && only_quantize(gm, k);
	return parts && parts == (size_t)n->n_users;
}

static void lower_parts(struct lowering *l, struct fx_node *n)
{
	const struct fx_backend_op *row = backend_row(l->backend, n);

	if (!row || row->observe != FX_OBSERVE_PARTS || !is_configured(l, n) ||
	    !is_dequantized(n) || !all_parts_quantized(l->gm, n))
		return;
	skip_dequantize(n);
	for (struct fx_node *k = n->next; k; k = k->next) {
		if (!node_is_function(k, "getitem") || fx_node_in(k, 0) != n)
			continue;
		note_removed(l, k, row);
		skip_quantize(only_quantize(l->gm, k), k);
	}
}

static void lower_operator(struct lowering *l, struct fx_node *quantize)
{
	struct fx_node *n = read_alone(quantize);
	const struct fx_backend_op *row;

	row = n && is_configured(l, n) ? backend_row(l->backend, n) : NULL;
	if (!row || (row->observe != FX_OBSERVE_SHARED &&
		     row->observe != FX_OBSERVE_FIXED) ||
	    !is_dequantized(n) || !has_integers(n))
		return;
	note_removed(l, n, row);
	skip_dequantize(n);
	skip_quantize(quantize, n);
}

/* Where the model says so, what goes in comes into the scale of the result. */
struct rescale {
	struct fx_node *list[MAX_ARGS];
	size_t n;
};

static void note_scaled(struct fx_node *in, void *ctx)
{
	struct rescale *r = ctx;

	for (size_t i = 0; i < r->n; i++)
		if (r->list[i] == in)
			return;
	if (is_dequantize(in) && r->n < MAX_ARGS)
		r->list[r->n++] = in;
}

static struct fx_node *rescaled(struct fx_node *n, struct fx_node *x,
				const struct fx_node *quantize)
{
	struct fx_arg args[4] = { fx_arg_node(x), quantize->args[1],
				  quantize->args[2], quantize->args[3] };
	struct fx_node *q;

	fx_insert_before(n);
	q = fx_graph_node(n->graph, FX_CALL_FUNCTION, quantize->target,
			  quantize->op, args, 4, NULL, 0);
	fx_graph_set_insert_point(n->graph, NULL);
	q->loc = n->loc;
	return q;
}

static void lower_moved(struct lowering *l, struct fx_node *quantize)
{
	struct rescale r = { .n = 0 };
	struct fx_node *n = read_alone(quantize);
	const struct fx_backend_op *row;
	struct operation o;

	row = n && is_given(l, n) ? backend_row(l->backend, n) : NULL;
	if (!row || row->observe != FX_OBSERVE_SHARED || !is_dequantized(n) ||
	    !(only_selects(n) || (find_operation(n, &o) &&
				  quantized_keeps(&o))))
		return;
	fx_node_move_before(fx_node_in(quantize, 1), n);
	fx_node_move_before(fx_node_in(quantize, 2), n);
	fx_node_visit(n, note_scaled, &r);
	for (size_t i = 0; i < r.n; i++)
		fx_node_replace_input(n, r.list[i],
				      rescaled(n, fx_node_in(r.list[i], 0),
					       quantize));
	fx_node_replace_uses(quantize, n);
	fx_node_erase(quantize);
}

static void for_each_quantize(struct lowering *l,
			      void (*lower)(struct lowering *l,
					    struct fx_node *quantize))
{
	fx_for_each_node(n, l->gm->graph)
		if (is_quantize(l->gm, n))
			lower(l, n);
}

void lower_graph(struct lowering *l)
{
	part_calls(l->gm);
	for_each_quantize(l, lower_layer);
	fx_for_each_node(n, l->gm->graph)
		lower_sums(l, n);
	for_each_quantize(l, lower_own);
	for_each_quantize(l, lower_binary);
	for_each_quantize(l, lower_operator);
	for_each_quantize(l, lower_moved);
	fx_for_each_node(n, l->gm->graph)
		lower_parts(l, n);
}
