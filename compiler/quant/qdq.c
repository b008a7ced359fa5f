// SPDX-License-Identifier: MIT
/*
 * qdq.c - the float graph with its rounding written out
 *
 * What conversion decides is a matter of scales and of which operators are made
 * in one. Both can be said in float operators: a pair of quantize_linear and
 * dequantize_linear behind each value that is rounded, none between two
 * operators that are one, and weights that are dequantize_linear of integers.
 * Any runtime of ONNX computes such a graph, and converting it gives the same
 * integers again. Activations are written as uint8, of which runtimes make more
 * than of int8: the same numbers, 128 higher.
 *
 * The graph is converted, and then copied in units: the nodes of a group, or
 * those that lead from a value to a function of it alone.
 *
 * reads: fused functional graph, calibration
 * guarantees: a new functional float graph, types known
 */
#include <errno.h>

#include "convert.h"

/* struct unit - nodes that are one operator; @layer: it has weights */
struct unit {
	struct fx_graph *to;
	struct fx_node *last;
	const struct group *group;	/* NULL: it stays float, or is a function */
	bool integer, layer;
};

static struct fx_node *plain(struct fx_graph *to, struct fx_node *n);

/* Constants of the new graph, named after @n. */

static struct fx_node *scalar(struct fx_graph *to, const struct fx_node *n,
			      const char *what, uint32_t dtype,
			      const void *value)
{
	return add_const(to, n, what, dtype, 0, NULL, value);
}

static struct fx_node *call(struct fx_graph *to, const struct fx_node *n,
			    const char *op, struct fx_node *const *in,
			    size_t n_in, const struct fx_kwarg *k, size_t n_k)
{
	struct fx_node *c = fx_graph_call(to, op, in, n_in, k, n_k);

	c->source = fx_graph_printf(to, "%s.%s",
				    n->source ? n->source : n->name, op);
	return c;
}

static struct fx_node *pair(struct fx_graph *to, const struct fx_node *n,
			    struct fx_node *x, struct qparams qp)
{
	uint8_t zero = (uint8_t)(qp.zero_point + 128);
	struct fx_node *in[3] = { x };

	in[1] = scalar(to, n, "scale", FXQ_DTYPE_F32, &qp.scale);
	in[2] = scalar(to, n, "zero_point", FXQ_DTYPE_U8, &zero);
	in[0] = call(to, n, "quantize_linear", in, 3, NULL, 0);
	return call(to, n, "dequantize_linear", in, 3, NULL, 0);
}

/* Integer constant @q in float, with a scale for each channel of @axis. */
static struct fx_node *dequantized(struct fx_graph *to, const struct fx_node *q,
				   const float *scale, int64_t channels,
				   int64_t axis)
{
	struct fx_node *in[3] = { fx_graph_constant(to, q->name, type_of(q)) };
	struct fx_kwarg k = { "axis", fx_arg_int(axis) };
	void *zero = fx_graph_alloc(to, (size_t)channels * sizeof(int32_t));

	in[1] = add_const(to, q, "scale", FXQ_DTYPE_F32, 1, &channels, scale);
	in[2] = add_const(to, q, "zero_point", type_of(q)->dtype, 1, &channels,
			  zero);
	in[0]->out[0].scale = 0;
	return call(to, q, "dequantize_linear", in, 3, &k, 1);
}

/* Constant operand @q of one scale. */
static struct fx_node *operand(struct fx_graph *to, const struct fx_node *q)
{
	uint8_t zero = (uint8_t)(q->out[0].zero_point + 128);
	int64_t count = fxq_tensor_count(type_of(q));
	uint8_t *v = fx_graph_alloc(to, (size_t)count + 1);
	struct fx_node *in[3];

	for (int64_t i = 0; i < count; i++)
		v[i] = (uint8_t)(((const int8_t *)q->out[0].data)[i] + 128);
	in[0] = add_const(to, q, "uint8", FXQ_DTYPE_U8, type_of(q)->rank,
			  type_of(q)->dims, v);
	in[1] = scalar(to, q, "scale", FXQ_DTYPE_F32, &q->out[0].scale);
	in[2] = scalar(to, q, "zero_point", FXQ_DTYPE_U8, &zero);
	return call(to, q, "dequantize_linear", in, 3, NULL, 0);
}

/* What conversion made */

static bool is_sums(const struct fx_node *f)
{
	return f && fx_node_is(f, "dequantize_channels");
}

/* Does the device compute @n? */
static bool is_made_integer(const struct fx_node *n)
{
	const struct value *v = value_of(n);

	return is_sums(v->f) || (v->q && !fx_node_is(v->q, "quantize"));
}

/* Its integer operator; of a layer that keeps its sums, that which makes them. */
static const struct fx_node *operator_of(const struct fx_node *n)
{
	const struct value *v = value_of(n);

	return is_sums(v->f) ? fx_node_in(v->f, 0) : v->q;
}

static struct unit unit_of(struct fx_graph *to, struct fx_node *last)
{
	const struct group *g = value_of(last)->group;
	struct unit u = { .to = to, .last = last };

	u.integer = is_made_integer(last);
	if (u.integer && g && g->last == last)
		u.group = g;
	u.layer = u.group && (is_conv(g->head) || is_linear(g->head));
	return u;
}

static bool in_unit(const struct unit *u, const struct fx_node *n)
{
	if (n == u->last)
		return true;
	if (!u->integer)
		return false;
	if (u->group && u->group->head != u->group->last)
		return value_of(n)->group == u->group;
	return pointwise_root(u->last) != u->last &&
	       pointwise_root(u->last) != n &&
	       pointwise_root(n) == pointwise_root(u->last);
}

/* Values */

/* Of several results each is rounded, once it is taken. */
static struct fx_node *rounded(struct fx_graph *to, struct fx_node *n)
{
	struct value *v = value_of(n);

	if (!v->q || n->n_out > 1)
		return plain(to, n);
	if (!v->rounded)
		v->rounded = pair(to, n, plain(to, n), qparams_of_node(v->q));
	return v->rounded;
}

/* @n as whoever wants it in float sees it. */
static struct fx_node *seen(struct fx_graph *to, struct fx_node *n)
{
	const struct value *v = value_of(n);

	return v->q && (!v->f || fx_node_is(v->f, "dequantize")) ?
	       rounded(to, n) : plain(to, n);
}

/* Weights and bias of the unit's layer, which are inputs 1 and 2 of its head. */
static struct fx_node *layer_const(const struct unit *u, size_t i)
{
	const struct fx_node *q = operator_of(u->last), *head = u->group->head;
	const struct fx_arg *s = fx_node_kwarg(fx_node_in(q, 1), "scale");
	float s_x = fx_node_in(q, 0)->out[0].scale;
	int64_t c = out_channels(head);
	float *scale = fx_graph_alloc(u->to, (size_t)c * sizeof(*scale));
	bool transposed = fx_node_is(head, "conv_transpose2d");

	for (int64_t k = 0; k < c; k++)
		scale[k] = i == 1 ? (float)s->items[k].f :
				    s_x * (float)s->items[k].f;
	return dequantized(u->to, fx_node_in(q, i), scale, c,
			   i == 1 && transposed);
}

static struct fx_node *copy(const struct unit *u, struct fx_node *n);

static struct fx_node *input_of(const struct unit *u, struct fx_node *n,
				size_t i)
{
	struct fx_node *in = fx_node_in(n, i);
	const struct fx_node *q;

	if (u->layer && n == u->group->head && (i == 1 || (i == 2 && in)))
		return layer_const(u, i);
	if (!in)
		return NULL;
	if (fx_node_is_const(in)) {
		q = u->group && n == u->group->head ?
		    fx_node_in(operator_of(u->last), i) : NULL;
		return q && fx_node_is_const(q) && is_float(in) &&
		       q->out[0].scale != 0 ? operand(u->to, q) :
					      plain(u->to, in);
	}
	if (in_unit(u, in))
		return copy(u, in);
	return u->integer && is_float(in) ? rounded(u->to, in) :
					    seen(u->to, in);
}

/*
 * A clamp that starts where eight bits do, and ends no sooner, is a relu or
 * nothing to whoever rounds behind it; they know that of a relu alone.
 */
static bool is_just_relu(const struct unit *u, const struct fx_node *n)
{
	const struct fx_node *q;

	if (!u->group || n != u->group->clamp)
		return false;
	q = operator_of(u->last);
	return fx_node_int(q, "lo", 0) == -128 && fx_node_int(q, "hi", 0) == 127 &&
	       q->out[0].zero_point == -128;
}

static struct fx_node *copy_node(const struct unit *u, struct fx_node *n)
{
	struct fx_node **in = fx_graph_alloc(u->to, (n->n_args + 1) *
					     sizeof(*in));
	bool relu = is_just_relu(u, n);
	struct fx_node *c;

	for (size_t i = 0; i < n->n_args; i++)
		in[i] = input_of(u, n, i);
	c = fx_graph_call(u->to, relu ? "relu" : n->target, in, n->n_args,
			  n->kwargs, relu ? 0 : n->n_kwargs);
	c->source = fx_graph_strdup(u->to, n->source ? n->source : n->name);
	c->loc = n->loc;
	return c;
}

/* The node that makes what is rounded first: all of the sum. */
static const struct fx_node *sum_of(const struct group *g)
{
	return g->add ? g->add : g->prelu ? g->prelu : g->head;
}

/* The scale that @n's value is rounded to; false if it is not, or not yet. */
static bool sum_qparams(const struct unit *u, const struct fx_node *n,
			struct qparams *ret)
{
	const struct group *g = u->group;

	if (g->raw || n != sum_of(g))
		return false;
	*ret = g->table ? value_of(n)->qp :
	       qparams_of_node(value_of(u->last)->q);
	return true;
}

static struct fx_node *reshaped(struct fx_graph *to, const struct fx_node *n,
				struct fx_node *x, const struct fxq_tensor *t)
{
	struct fx_kwarg k = { "shape", fx_arg_ints(to, t->dims, t->rank) };

	return call(to, n, "reshape", &x, 1, &k, 1);
}

/*
 * ONNX's product with a bias is of matrices alone, so rows are brought into one
 * and back; a view of what is rounded is rounded once more, to the same.
 */
static struct fx_node *copy_rows(const struct unit *u, struct fx_node *n)
{
	const struct fxq_tensor *t = type_of(n);
	struct fx_node *x = fx_node_in(n, 0), *in[3];
	int64_t k = type_of(x)->dims[t->rank - 1];
	int64_t rows = fxq_tensor_count(type_of(x)) / k;
	struct fxq_tensor matrix = fxq_tensor_type(FXQ_DTYPE_F32, 2,
						   (int64_t[]){ rows, k });
	struct qparams qp = qparams_of_node(fx_node_in(operator_of(u->last), 0));
	struct fx_node *c;

	in[0] = pair(u->to, n, reshaped(u->to, x, input_of(u, n, 0), &matrix),
		     qp);
	in[1] = input_of(u, n, 1);
	in[2] = input_of(u, n, 2);
	c = fx_graph_call(u->to, "linear", in, 3, NULL, 0);
	c->source = fx_graph_strdup(u->to, n->source ? n->source : n->name);
	if (sum_qparams(u, n, &qp))
		c = pair(u->to, n, c, qp);
	return reshaped(u->to, n, c, t);
}

/* Node @n of the unit, and before it what it needs. */
static struct fx_node *copy(const struct unit *u, struct fx_node *n)
{
	const struct group *g = u->group;
	struct value *v = value_of(n);

	if (v->copied_for == u->last)
		return v->copy;
	v->copy = u->layer && is_linear(n) && fx_node_in(n, 2) &&
		  type_of(n)->rank > 2 ? copy_rows(u, n) : copy_node(u, n);
	v->copied_for = u->last;
	/* A table's input is rounded, too: to the scale of the sum. */
	if (g && g->table && n == sum_of(g))
		v->copy = pair(u->to, n, v->copy, v->qp);
	return v->copy;
}

static struct fx_node *plain(struct fx_graph *to, struct fx_node *n)
{
	struct value *v = value_of(n);
	struct unit u;

	if (v->plain)
		return v->plain;
	if (n->opcode == FX_PLACEHOLDER) {
		v->plain = fx_graph_placeholder(to, n->target, type_of(n));
		v->plain->out[0].scale = 0;
		v->plain->out[0].zero_point = 0;
	} else if (fx_node_is_const(n)) {
		v->plain = fx_graph_constant(to, n->target, type_of(n));
	} else {
		u = unit_of(to, n);
		v->plain = copy(&u, n);
	}
	return v->plain;
}

/* The walk */

static bool is_wanted(const struct fx_node *n)
{
	const struct value *v = value_of(n);

	return n->opcode == FX_PLACEHOLDER || (v->f && v->f->graph) ||
	       (v->q && v->q->graph);
}

static int copy_output(struct fx_graph *to, const struct fx_node *out)
{
	bool one = out->n_args == 1 && out->args->kind == FX_ARG_NODE;
	const struct fx_arg *items = one || out->n_args != 1 ? out->args :
				     out->args->items;
	size_t n = one || out->n_args != 1 ? out->n_args : out->args->count;
	struct fx_node **values = fx_graph_alloc(to, (n + 1) * sizeof(*values));

	for (size_t i = 0; i < n; i++)
		values[i] = seen(to, items[i].node);
	fx_graph_set_output(to, values, n)->source =
		out->source ? fx_graph_strdup(to, out->source) : NULL;
	return 0;
}

static int copy_graph(struct fx_graph *g, struct fx_graph *to)
{
	fx_for_each_node(n, g) {
		if (n->wrapped)
			return fx_graph_fail(g, -ENOTSUP,
					     "node '%s': a wrapped function has no form in ONNX; cut the network there",
					     n->source ? n->source : n->name);
		if (n->opcode == FX_OUTPUT)
			return copy_output(to, n);
		if (!fx_node_is_const(n) && is_wanted(n))
			seen(to, n);
	}
	return fx_graph_fail(g, -EINVAL, "the graph has no output");
}

int fx_convert_qdq(struct fx_graph *g, const struct fx_calibration *cal,
		   const struct fx_qconfig *qconfig,
		   struct fx_graph **ret_graph)
{
	struct fx_graph *converted, *to;
	int ret;

	ret = fx_convert(g, cal, qconfig, &converted);
	if (ret)
		return ret;
	to = fx_graph_new();
	ret = copy_graph(g, to);
	if (!ret) {
		fx_graph_eliminate_dead_code(to);
		ret = fx_graph_infer(to);
		if (ret)
			fx_graph_fail(g, ret, "%s", fx_graph_error(to));
	}
	fx_graph_free(converted);
	if (ret) {
		fx_graph_free(to);
		return ret;
	}
	*ret_graph = to;
	return 0;
}
