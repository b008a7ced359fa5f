// SPDX-License-Identifier: MIT
/*
 * convert_new.c - nodes of the integer graph
 */
#include "nn/forms.h"

#include "convert.h"

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
