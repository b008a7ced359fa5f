// SPDX-License-Identifier: MIT
/*
 * convert.c - from a calibrated float graph to an integer one
 *
 * The float graph is walked in order and each group of nodes becomes an
 * integer operator, or stays float with the reason. What a result is needed
 * for, integers or floats, shows at its users (convert_form.c).
 *
 * reads: fused functional graph, calibration
 * guarantees: a new graph, types known; all integer values carry a scale
 */
#include <errno.h>

#include "convert.h"

/*
 * An input that comes as int8, as far as it is known by now who reads it; else,
 * where it has no scale, as the model says.
 */
static bool int8_input(struct convert *cv, struct fx_node *n)
{
	struct fxq_tensor type = *type_of(n);
	struct qparams qp;

	if (!cv->qconfig.int8_ends || !is_float(n) || !has_scale(cv, n) ||
	    qparams_of(cv, n, &qp))
		return false;
	type.dtype = FXQ_DTYPE_I8;
	type.scale = qp.scale;
	type.zero_point = qp.zero_point;
	value_of(n)->q = fx_graph_placeholder(cv->to, n->target, &type);
	return true;
}

/* Inputs that only the CPU reads are floats after all: nothing rounds them. */
static void give_floats_back(struct convert *cv)
{
	fx_for_each_node(n, cv->from) {
		const struct value *v = value_of(n);

		if (n->opcode != FX_PLACEHOLDER || !v->q ||
		    v->q->opcode != FX_PLACEHOLDER ||
		    (v->q->n_users && (!v->f || only_user(v->q) != v->f)))
			continue;
		v->q->out[0] = *type_of(n);
		v->q->out[0].scale = 0;
		v->q->out[0].zero_point = 0;
		if (v->q->n_users)
			take_place(v->f, v->q);
	}
}

static int copy_source(struct convert *cv, struct fx_node *n)
{
	struct value *v = value_of(n);

	if (n->opcode == FX_PLACEHOLDER && int8_input(cv, n))
		return 0;
	if (n->opcode == FX_PLACEHOLDER) {
		v->f = fx_graph_placeholder(cv->to, n->target, type_of(n));
		v->f->out[0].scale = 0;
		v->f->out[0].zero_point = 0;
	} else if (fx_node_is_const(n)) {
		v->f = fx_graph_constant(cv->to, n->target, type_of(n));
	} else {
		v->f = as_it_is(cv, n);
		if (!v->f)
			return -EINVAL;
	}
	return 0;
}

/* A group that does not become integer: its nodes stay as they are. */
static int stay_float(struct convert *cv, struct group *g, const char *reason)
{
	for (struct fx_node *n = g->head; n; n = n->next) {
		struct value *v = value_of(n);

		if (v->group == g && !v->f) {
			v->reason = n == g->head ? reason :
				    "it follows an operator on the CPU";
			v->f = as_it_is(cv, n);
			if (!v->f)
				return -EINVAL;
		}
		if (n == g->last)
			break;
	}
	return 0;
}

static int convert_group(struct convert *cv, struct group *g)
{
	struct value *last = value_of(g->last);
	const char *reason = NULL;
	struct fx_node *q;

	if (!has_scale(cv, g->last) && !keeps_scale(g->head) && !g->raw)
		return stay_float(cv, g, "the model gives its result no scale");
	if (is_conv(g->head) || is_linear(g->head))
		q = convert_layer(cv, g, &reason);
	else
		q = convert_op(cv, g, &reason);
	if (fx_graph_error(cv->from)[0])
		return -EINVAL;
	/* What only moves has its input's scale; the model may give another. */
	if (q && q->out[0].dtype == FXQ_DTYPE_I8 && is_given(g->last))
		q = as_rescaled(cv, g->last, q, qparams_of_node(g->last));
	if (q && q->out[0].dtype == FXQ_DTYPE_F32)
		last->f = q;
	else if (q)
		last->q = q;
	else
		return stay_float(cv, g, reason);
	return 0;
}

static int convert_node(struct convert *cv, struct fx_node *n)
{
	struct group *g = value_of(n)->group;

	if (n->opcode != FX_CALL_FUNCTION || n->wrapped)
		return n->opcode == FX_OUTPUT ? 0 : copy_source(cv, n);
	if (n != g->last)
		return 0;
	/* Functions of one value wait until somebody wants them. */
	if (g->head == g->last && pointwise_root(n) != n)
		return 0;
	return convert_group(cv, g);
}

/* An output as the device leaves it, if it may; else as floats. */
static struct fx_node *output_of(struct convert *cv, struct fx_node *n)
{
	struct fx_node *q = NULL;

	if (cv->qconfig.int8_ends && is_integer(cv, n))
		q = as_integer(cv, n);
	return q || fx_graph_error(cv->from)[0] ? q : as_float(cv, n);
}

static int convert_output(struct convert *cv)
{
	struct fx_node *out = fx_graph_output(cv->from), *values[64];
	const struct fx_arg *items = out->args;
	size_t n = out->n_args;

	if (n == 1 && items->kind != FX_ARG_NODE) {
		n = items->count;
		items = items->items;
	}
	if (n > 64)
		return fx_graph_fail(cv->from, -E2BIG,
				     "the graph has %zu outputs, at most 64 are converted",
				     n);
	for (size_t i = 0; i < n; i++) {
		if (items[i].kind != FX_ARG_NODE)
			return fx_graph_fail(cv->from, -EINVAL,
					     "output %zu is not a tensor", i);
		values[i] = output_of(cv, items[i].node);
		if (!values[i])
			return -EINVAL;
	}
	fx_graph_set_output(cv->to, values, n)->source =
		out->source ? fx_graph_strdup(cv->to, out->source) : NULL;
	return 0;
}

static int convert_nodes(struct convert *cv)
{
	int ret = share_scales(cv);

	fx_for_each_node(n, cv->from) {
		if (!ret)
			ret = convert_node(cv, n);
		if (!ret && fx_graph_error(cv->from)[0])
			ret = -EINVAL;
	}
	return ret ? ret : convert_output(cv);
}

int fx_convert(struct fx_graph *g, const struct fx_calibration *cal,
	       const struct fx_qconfig *qconfig, struct fx_graph **ret_graph)
{
	struct convert cv = { .from = g, .given = fx_scales_given(g),
			      .cal = cal, .qconfig = *qconfig };
	int ret;

	cv.qconfig.onnx_rounding |= cv.given;

	fx_for_each_node(n, g)
		n->data = fx_graph_alloc(g, sizeof(struct value));
	group_nodes(g, qconfig);
	cv.to = fx_graph_new();
	ret = convert_nodes(&cv);
	if (!ret) {
		fx_graph_eliminate_dead_code(cv.to);
		give_floats_back(&cv);
		ret = fx_graph_infer(cv.to);
		fx_graph_make_room(cv.to);
		if (!ret)
			ret = fx_graph_lint(cv.to);
		if (ret)
			fx_graph_fail(g, ret, "%s", fx_graph_error(cv.to));
	}
	if (ret) {
		fx_graph_free(cv.to);
		return ret;
	}
	*ret_graph = cv.to;
	return 0;
}
