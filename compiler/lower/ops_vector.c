// SPDX-License-Identifier: MIT
/*
 * ops_vector.c - operators on one value, element by element or row by row
 */
#include "ops_vector.h"

/* Do rows and dimensions fit a descriptor's counts? */
static const char *check_sizes(struct fx_node *n, const struct fxq_tensor *t)
{
	int64_t all = fxq_tensor_count(t);

	if (all < 1)
		return "an empty tensor";
	if (t->rank && all / t->dims[t->rank - 1] > 65535 && t->rank != 4)
		return fx_graph_printf(n->graph,
				       "%lld rows: the device takes at most 65535",
				       (long long)(all / t->dims[t->rank - 1]));
	for (uint32_t i = 0; i < t->rank; i++)
		if (t->dims[i] > 65535)
			return fx_graph_printf(n->graph,
					       "dimension of %lld: the device takes at most 65535",
					       (long long)t->dims[i]);
	return NULL;
}

const char *check_any(struct fx_node *n)
{
	const char *why = NULL;

	for (size_t i = 0; !why && i < n->n_args; i++) {
		struct fx_node *in = fx_node_in(n, i);

		if (in && in->out[0].dtype == FXQ_DTYPE_I8)
			why = check_sizes(n, &in->out[0]);
	}
	return why ? why : check_sizes(n, &n->out[0]);
}

const char *check_table(struct fx_node *n, unsigned int i)
{
	if (!fx_node_is_const(fx_node_in(n, i)))
		return "its table is not constant";
	return check_any(n);
}

bool is_whole_map(const struct view *v, const struct fx_node *n)
{
	return !v->c0 && !v->p0 && fxq_tensor_count(&n->out[0]) ==
	       (int64_t)v->t->c * v->t->h * v->t->w;
}

struct operand result_as(struct segment *s, const struct view *like)
{
	struct fmap *t = map_new(s, s->node->name, like->t->c, like->t->h,
				 like->t->w, 1);
	struct view v = *like;

	t->written = true;
	v.t = t;
	set_value(s, (struct fx_node *)s->node, &v);
	return operand_of_map(t);
}

static struct op *unary_op(struct segment *s, struct fx_node *n,
			   enum fxq_op code)
{
	struct fx_node *x = fx_node_in(n, 0);
	struct view v = value_of(s, x)->view;
	struct operand in, out;
	struct op *op;

	if (is_whole_map(&v, x)) {
		in = operand_of_map(v.t);
		out = result_as(s, &v);
	} else {
		int axis = value_axis(s, x);

		in = pixels_of(s, x, axis);
		out = result_like(s, axis, in.h, in.w);
	}
	op = op_new(s, code);
	op->in[op->n_in++] = in;
	op->out = out;
	return op;
}

void set_unary(struct op *op, const struct fx_node *n)
{
	struct fxq_body_unary *u = &op->d.unary;

	u->m = bits(n, "m");
	u->zx = zero_point(fx_node_in(n, 0));
	u->zy = zero_point(n);
	u->lo = bound(n, "lo", -128);
	u->hi = bound(n, "hi", 127);
}

void set_table(struct op *op, const struct fx_node *n, unsigned int at,
	       unsigned int i)
{
	const struct fxq_tensor *t = &fx_node_in(n, i)->out[0];

	op->table[at] = t->data;
	op->table_bytes[at] = (uint32_t)fxq_tensor_bytes(t);
}

const char *check_lut(struct fx_node *n, const struct fxq_caps *caps)
{
	return check_table(n, 1);
}

void lower_lut(struct segment *s, struct fx_node *n)
{
	set_table(unary_op(s, n, FXQ_OP_LUT), n, 0, 1);
}

const char *check_requant(struct fx_node *n, const struct fxq_caps *caps)
{
	return check_any(n);
}

void lower_requant(struct segment *s, struct fx_node *n)
{
	set_unary(unary_op(s, n, FXQ_OP_REQUANT), n);
}

/* --- over rows of channels --- */

static const char *check_row(struct fx_node *n, int64_t channels)
{
	if (channels > FXQ_MAX_ROW)
		return fx_graph_printf(n->graph,
				       "%s over %lld channels: the device takes at most %d",
				       fx_node_is(n, "qsoftmax") ? "softmax" :
				       "layer norm", (long long)channels,
				       FXQ_MAX_ROW);
	return check_table(n, 1);
}

int node_dim(const struct fx_node *n)
{
	int64_t dim = fx_node_int(n, "dim", -1);

	return (int)(dim < 0 ? dim + fx_node_in(n, 0)->out[0].rank : dim);
}

const char *check_softmax(struct fx_node *n, const struct fxq_caps *caps)
{
	return check_row(n, fx_node_in(n, 0)->out[0].dims[node_dim(n)]);
}

static struct op *row_op(struct segment *s, struct fx_node *n,
			 enum fxq_op code, int axis)
{
	struct operand in = pixels_of(s, fx_node_in(n, 0), axis);
	struct operand out = result_like(s, axis, in.h, in.w);
	struct op *op = op_new(s, code);

	op->in[op->n_in++] = in;
	op->out = out;
	set_unary(op, n);
	set_table(op, n, 0, 1);
	return op;
}

void lower_softmax(struct segment *s, struct fx_node *n)
{
	row_op(s, n, FXQ_OP_SOFTMAX, node_dim(n));
}

const char *check_layer_norm(struct fx_node *n, const struct fxq_caps *caps)
{
	const struct fxq_tensor *t = &fx_node_in(n, 0)->out[0];

	return check_row(n, t->dims[t->rank - 1]);
}

void lower_layer_norm(struct segment *s, struct fx_node *n)
{
	int axis = (int)fx_node_in(n, 0)->out[0].rank - 1;
	struct op *op = row_op(s, n, FXQ_OP_LAYERNORM, axis);

	op->d.unary.m = 0;
	op->d.unary.eps = bits(n, "eps");
}
