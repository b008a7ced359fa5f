// SPDX-License-Identifier: MIT
/*
 * convert_form.c - a value of the float graph in the form that is wanted
 *
 * A value may be wanted as integers and as floats: whichever is missing is made
 * at the first demand, by quantize or dequantize. Functions of one value that no
 * group claimed are made on demand too, as tables, so that what only leads to a
 * table costs nothing.
 */
#include <errno.h>

#include "convert.h"

static bool is_pending_function(const struct convert *cv,
				const struct fx_node *n)
{
	const struct value *v = value_of(n);

	return n->opcode == FX_CALL_FUNCTION && !v->q && !v->f &&
	       pointwise_root(n) != n && has_scale(cv, n);
}

static struct fx_node *quantize(struct convert *cv, struct fx_node *n,
				struct fx_node *f, struct qparams qp)
{
	struct kwargs k = { .g = cv->to };

	put_qparams(&k, qp);
	put_str(&k, "rule", cv->qconfig.onnx_rounding ? "onnx" : "torch");
	return new_op(cv, n, "quantize", &f, 1, &k);
}

/*
 * Is @n its root times a positive number? Then its integers are the root's,
 * in another scale, @qp being those of the root at first. Not if it is settled
 * already, and otherwise.
 */
static bool only_scales(struct convert *cv, const struct fx_node *n,
			struct qparams *qp)
{
	bool product = fx_node_is(n, "mul");
	struct qparams settled = value_of(n)->qp;
	bool is_settled = value_of(n)->has_qp ||
			  !calibration_fixed(cv->cal, n, &settled.scale,
					     &settled.zero_point);
	float by;

	for (size_t i = 0; i < 2; i++) {
		if (!product && (i || !fx_node_is(n, "div")))
			return false;
		if (fx_node_in(n, i) != pointwise_root(n) ||
		    !const_scalar(fx_node_in(n, 1 - i), &by))
			continue;
		qp->scale = product ? qp->scale * by : qp->scale / by;
		return by > 0 && scale_ok(qp->scale) &&
		       (!is_settled || same_qparams(settled, *qp));
	}
	return false;
}

static struct fx_node *function_as_integer(struct convert *cv,
					   struct fx_node *n)
{
	struct fx_node *root = pointwise_root(n);
	struct fx_node *in[2] = { as_integer(cv, root) };
	struct kwargs k = { .g = cv->to };
	struct qparams qp;

	if (!in[0])
		return NULL;
	qp = qparams_of_node(in[0]);
	if (only_scales(cv, n, &qp)) {
		value_of(n)->qp = qp;
		value_of(n)->has_qp = true;
		put_qparams(&k, qp);
		return new_op(cv, n, "qscale", in, 1, &k);
	}
	if (qparams_of(cv, n, &qp))
		return NULL;
	in[1] = new_table(cv, n, root, qparams_of_node(in[0]), qp);
	if (!in[1])
		return NULL;
	put_qparams(&k, qp);
	return new_op(cv, n, "qlut", in, 2, &k);
}

struct fx_node *as_integer(struct convert *cv, struct fx_node *n)
{
	struct value *v = value_of(n);
	struct qparams qp;

	if (v->q || fx_node_is_const(n) || !is_float(n) || !has_scale(cv, n))
		return v->q;
	if (is_pending_function(cv, n) &&
	    is_integer(cv, pointwise_root(n)))
		v->q = function_as_integer(cv, n);
	if (!v->q && !qparams_of(cv, n, &qp)) {
		struct fx_node *f = as_float(cv, n);

		v->q = f ? quantize(cv, n, f, qp) : NULL;
	}
	return v->q;
}

struct fx_node *as_rescaled(struct convert *cv, struct fx_node *n,
			    struct fx_node *q, struct qparams qp)
{
	struct kwargs k = { .g = cv->to };

	if (same_qparams(qparams_of_node(q), qp))
		return q;
	put_float(&k, "m", q->out[0].scale / qp.scale);
	put_qparams(&k, qp);
	return new_op(cv, n, "qrequant", &q, 1, &k);
}

struct fx_node *as_integer_of(struct convert *cv, struct fx_node *n,
			      struct qparams qp)
{
	struct fx_node *q = as_integer(cv, n);

	return q ? as_rescaled(cv, n, q, qp) : NULL;
}

bool is_integer(const struct convert *cv, const struct fx_node *n)
{
	const struct value *v = value_of(n);

	if (v->q)
		return true;
	if (v->f)
		return n->opcode == FX_PLACEHOLDER && is_float(n);
	return is_pending_function(cv, n) && is_integer(cv, pointwise_root(n));
}

struct copy_args {
	struct convert *cv;
	bool failed;
};

static struct fx_arg copy_arg(struct copy_args *c, const struct fx_arg *a)
{
	struct fx_arg to = *a;

	if (a->kind == FX_ARG_NODE) {
		to.node = as_float(c->cv, a->node);
		c->failed |= !to.node;
	} else if (a->kind == FX_ARG_TUPLE || a->kind == FX_ARG_LIST) {
		to.items = fx_graph_alloc(c->cv->to, (a->count + 1) *
					  sizeof(*to.items));
		for (size_t i = 0; i < a->count; i++)
			to.items[i] = copy_arg(c, &a->items[i]);
	}
	return to;
}

struct fx_node *as_it_is(struct convert *cv, struct fx_node *n)
{
	struct copy_args c = { .cv = cv };
	struct fx_arg args[64];
	struct fx_node *to;

	if (n->n_args > 64) {
		fx_graph_fail(cv->from, -E2BIG,
			      "node '%s' has %zu inputs, at most 64 are converted",
			      n->name, n->n_args);
		return NULL;
	}
	for (size_t i = 0; i < n->n_args; i++)
		args[i] = copy_arg(&c, &n->args[i]);
	if (c.failed)
		return NULL;
	to = fx_graph_node(cv->to, n->opcode,
			   n->opcode == FX_CALL_FUNCTION ? n->name : n->target,
			   n->op, args, n->n_args, n->kwargs, n->n_kwargs);
	to->target = fx_graph_strdup(cv->to, n->target);
	to->source = fx_graph_strdup(cv->to, n->source ? n->source : n->name);
	to->wrapped = n->wrapped;
	for (int i = 0; n->wrapped && i < to->n_out; i++)
		to->out[i] = fxq_tensor_type(n->out[i].dtype, n->out[i].rank,
					     n->out[i].dims);
	to->module = n->module;
	to->loc = n->loc;
	to->reason = fx_graph_strdup(cv->to, value_of(n)->reason ?
				     value_of(n)->reason :
				     "its inputs are on the CPU");
	return to;
}

static struct fx_node *dequantize(struct convert *cv, struct fx_node *n,
				  struct fx_node *q)
{
	struct fx_node *f = new_op(cv, n, "dequantize", &q, 1, NULL);

	f->out[0].dtype = FXQ_DTYPE_F32;
	return f;
}

struct fx_node *as_float(struct convert *cv, struct fx_node *n)
{
	struct value *v = value_of(n);

	if (v->f)
		return v->f;
	if (is_pending_function(cv, n) && is_integer(cv, pointwise_root(n)))
		v->q = function_as_integer(cv, n);
	v->f = v->q ? dequantize(cv, n, v->q) : as_it_is(cv, n);
	return v->f;
}
