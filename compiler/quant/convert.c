// SPDX-License-Identifier: MIT
/*
 * convert.c - from a calibrated float graph to an integer one
 *
 * The float graph is walked in order and each group of nodes becomes an
 * integer operator, or stays float with the reason. A value may be wanted in
 * both forms: whichever is missing is made at the first demand, by quantize or
 * dequantize. Functions of one value that nobody claimed are made on demand
 * too, as tables, so that what only leads to a table costs nothing.
 *
 * reads: fused functional graph, calibration
 * guarantees: a new graph, types known; all integer values carry a scale
 */
#include <errno.h>
#include <string.h>

#include <fxq/fxq_arith.h>

#include "nn/forms.h"

#include "convert.h"

/* Parameters */

static void put(struct kwargs *k, const char *name, struct fx_arg value)
{
	k->v[k->n++] = (struct fx_kwarg){ name, value };
}

void put_int(struct kwargs *k, const char *name, int64_t v)
{
	put(k, name, fx_arg_int(v));
}

void put_float(struct kwargs *k, const char *name, float v)
{
	put(k, name, fx_arg_float((double)v));
}

void put_ints(struct kwargs *k, const char *name, const int64_t *v, size_t n)
{
	put(k, name, fx_arg_ints(k->g, v, n));
}

void put_str(struct kwargs *k, const char *name, const char *v)
{
	put(k, name, fx_arg_str(v));
}

void put_qparams(struct kwargs *k, struct qparams qp)
{
	put_float(k, "scale", qp.scale);
	put_int(k, "zero_point", qp.zero_point);
}

void put_clamp(struct kwargs *k, const struct fx_node *clamp,
	       struct qparams qp)
{
	double lo = __builtin_nan(""), hi = lo;

	if (clamp && (fx_node_is(clamp, "relu") || fx_node_is(clamp, "relu6")))
		lo = 0;
	if (clamp && fx_node_is(clamp, "relu6"))
		hi = 6;
	if (clamp && fx_node_is(clamp, "clamp")) {
		lo = fx_node_float(clamp, "min", lo);
		hi = fx_node_float(clamp, "max", hi);
	}
	if (clamp && fx_node_is(clamp, "hardtanh")) {
		lo = fx_node_float(clamp, "min_val", -1);
		hi = fx_node_float(clamp, "max_val", 1);
	}
	put_int(k, "lo", form_bound(lo, qp.scale, qp.zero_point, -128));
	put_int(k, "hi", form_bound(hi, qp.scale, qp.zero_point, 127));
}

struct fx_node *new_op(struct convert *cv, struct fx_node *n, const char *op,
		       struct fx_node *const *in, size_t n_in,
		       const struct kwargs *k)
{
	const struct fx_op *row = fx_op_find(op);
	struct fx_arg args[16];
	struct fx_node *q;

	for (size_t i = 0; i < n_in; i++)
		args[i] = fx_arg_node(in[i]);
	q = fx_graph_node(cv->to, FX_CALL_FUNCTION, n->name, row, args, n_in,
			  k ? k->v : NULL, k ? k->n : 0);
	q->target = row ? row->fn.name : fx_graph_strdup(cv->to, op);
	q->source = fx_graph_strdup(cv->to, n->source ? n->source : n->name);
	for (int i = 0; i < q->n_out; i++) {
		q->out[i].dtype = FXQ_DTYPE_I8;
		q->out[i].scale = (float)fx_node_float(q, "scale", 0);
		q->out[i].zero_point = (int32_t)fx_node_int(q, "zero_point", 0);
	}
	return q;
}

struct fx_node *new_const(struct convert *cv, const struct fx_node *n,
			  const char *what, uint32_t dtype, uint32_t rank,
			  const int64_t *dims, const void *data)
{
	return add_const(cv->to, n, what, dtype, rank, dims, data);
}

struct fx_node *new_table(struct convert *cv, struct fx_node *n,
			  struct fx_node *root, struct qparams from,
			  struct qparams to)
{
	double x[256], y[256];
	int8_t table[256];

	form_values(from.scale, from.zero_point, x);
	if (pointwise_eval(n, root, x, y, 256))
		return NULL;
	form_round(y, to.scale, to.zero_point, table);
	return new_const(cv, n, "table", FXQ_DTYPE_I8, 1, (int64_t[]){ 256 },
			 table);
}

/* Scales */

int range_of(struct convert *cv, struct fx_node *n, struct range *ret)
{
	struct qparams qp;

	if (!calibration_range(cv->cal, n, ret))
		return 0;
	if (value_of(n)->q)
		qp = qparams_of_node(value_of(n)->q);
	else if (calibration_fixed(cv->cal, n, &qp.scale, &qp.zero_point))
		return fx_graph_fail(cv->from, -ENODATA,
				     "value '%s' was never seen: calibrate with data, or load scales that name it",
				     n->name);
	ret->min = (float)(-128 - qp.zero_point) * qp.scale;
	ret->max = (float)(127 - qp.zero_point) * qp.scale;
	return 0;
}

int qparams_of(struct convert *cv, struct fx_node *n, struct qparams *ret)
{
	struct value *v = value_of(n);
	struct range r;
	int err;

	if (!v->has_qp) {
		if (fx_node_is(n, "softmax") && !is_given(n)) {
			v->qp = (struct qparams){ 1.0f / 256, -128 };
		} else if (calibration_fixed(cv->cal, n, &v->qp.scale,
					     &v->qp.zero_point)) {
			err = range_of(cv, n, &r);
			if (err)
				return err;
			v->qp = affine_qparams(r);
		}
		if (!scale_ok(v->qp.scale))
			return fx_graph_fail(cv->from, -ERANGE,
					     "value '%s' has the scale %g, which is not a normal number: are there NaN or infinite values in the calibration data?",
					     n->name, (double)v->qp.scale);
		v->has_qp = true;
	}
	*ret = v->qp;
	return 0;
}

/* Is it known, without data perhaps, how @n is to be quantized? */
static bool has_scale(const struct convert *cv, const struct fx_node *n)
{
	struct qparams qp;
	struct range r;

	return !cv->given || value_of(n)->has_qp ||
	       !calibration_fixed(cv->cal, n, &qp.scale, &qp.zero_point) ||
	       !calibration_range(cv->cal, n, &r);
}

/* What only feeds a concatenation is made with the concatenation's scale. */
static void share_scale(struct fx_node *n, struct qparams qp)
{
	while (n->n_users == 1 && n->opcode == FX_CALL_FUNCTION &&
	       is_float(n) && !is_given(n)) {
		value_of(n)->qp = qp;
		value_of(n)->has_qp = true;
		if (!keeps_scale(n) || fx_node_is(n, "concat"))
			return;
		n = fx_node_in(n, 0);
	}
}

static int share_scales(struct convert *cv)
{
	fx_for_each_node(n, cv->from) {
		struct qparams qp;
		int ret;

		if (!fx_node_is(n, "concat") || !is_float(n) ||
		    !has_scale(cv, n))
			continue;
		ret = qparams_of(cv, n, &qp);
		if (ret)
			return ret;
		for (size_t i = 0; i < n->n_args; i++)
			if (fx_node_in(n, i))
				share_scale(fx_node_in(n, i), qp);
	}
	return 0;
}

/* Values in the form that is wanted */

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

/* @q, which stands for @n, in parameters @qp. */
static struct fx_node *rescaled(struct convert *cv, struct fx_node *n,
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

	return q ? rescaled(cv, n, q, qp) : NULL;
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

/* The node as it is, on float inputs. */
static struct fx_node *copy_node(struct convert *cv, struct fx_node *n)
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
	v->f = v->q ? dequantize(cv, n, v->q) : copy_node(cv, n);
	return v->f;
}

/* The walk */

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
		v->f = copy_node(cv, n);
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
			v->f = copy_node(cv, n);
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
		q = rescaled(cv, g->last, q, qparams_of_node(g->last));
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
