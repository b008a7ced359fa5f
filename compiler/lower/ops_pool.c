// SPDX-License-Identifier: MIT
/*
 * ops_pool.c - operators over windows, planes and dimensions
 */
#include <string.h>

#include "ops_conv.h"
#include "ops_vector.h"

static const char *check_window(struct fx_node *n)
{
	static const char *const names[] = { "kernel_size", "stride",
					     "padding", "dilation" };
	const char *why = check_image(n, &fx_node_in(n, 0)->out[0]);
	int64_t v[4];

	for (int i = 0; !why && i < 4; i++) {
		node_ints(n, names[i], v, i == 2 ? 4 : 2, i == 2 ? 0 : 1);
		for (int k = 0; k < 2; k++)
			if (v[k] < (i != 2) || v[k] > 255)
				why = fx_graph_printf(n->graph,
					"%s is %lld: the device takes at most 255",
					names[i], (long long)v[k]);
	}
	return why;
}

static struct op *pool_op(struct segment *s, struct fx_node *n,
			  enum fxq_op code)
{
	struct operand in = operand_of(s, fx_node_in(n, 0), 1), out;
	int64_t kernel[2], stride[2], pad[4], dilation[2];
	struct fxq_body_pool *p;
	struct op *op;

	node_ints(n, "kernel_size", kernel, 2, 1);
	node_ints(n, "stride", stride, 2, 1);
	node_ints(n, "padding", pad, 4, 0);
	node_ints(n, "dilation", dilation, 2, 1);
	out = result_like(s, 1, (uint32_t)n->out[0].dims[2],
			  (uint32_t)n->out[0].dims[3]);
	op = op_new(s, code);
	op->in[op->n_in++] = in;
	op->out = out;
	p = &op->d.pool;
	p->ih = (uint16_t)in.h;
	p->iw = (uint16_t)in.w;
	p->kh = (uint8_t)kernel[0];
	p->kw = (uint8_t)kernel[1];
	p->sh = (uint8_t)stride[0];
	p->sw = (uint8_t)stride[1];
	p->dh = (uint8_t)dilation[0];
	p->dw = (uint8_t)dilation[1];
	p->pad_t = (uint8_t)pad[0];
	p->pad_l = (uint8_t)pad[1];
	p->lo = bound(n, "lo", -128);
	p->hi = bound(n, "hi", 127);
	return op;
}

const char *check_max_pool(struct fx_node *n, const struct fxq_caps *caps)
{
	return check_window(n);
}

void lower_max_pool(struct segment *s, struct fx_node *n)
{
	pool_op(s, n, FXQ_OP_MAXPOOL);
}

const char *check_avg_pool(struct fx_node *n, const struct fxq_caps *caps)
{
	const char *why = check_window(n);

	return why ? why : check_table(n, 1);
}

void lower_avg_pool(struct segment *s, struct fx_node *n)
{
	struct op *op = pool_op(s, n, FXQ_OP_AVGPOOL);

	set_table(op, n, 0, 1);
	op->d.pool.zx = zero_point(fx_node_in(n, 0));
	op->d.pool.zy = zero_point(n);
	op->d.pool.count_pad =
		(uint8_t)fx_node_int(n, "count_include_pad", 0);
}

/* Whole planes must fit beside the result: one block of channels at least. */
const char *check_mean_pool(struct fx_node *n, const struct fxq_caps *caps)
{
	const struct fxq_tensor *t = &fx_node_in(n, 0)->out[0];
	const char *why = check_image(n, t);
	int64_t most = caps->spm_bytes / 16 * 13 / FXQ_BLOCK;

	if (!why && t->dims[2] * t->dims[3] > most)
		why = fx_graph_printf(n->graph,
				      "mean over %lld x %lld pixels: one block of channels exceeds the scratchpad",
				      (long long)t->dims[2],
				      (long long)t->dims[3]);
	return why;
}

void lower_mean_pool(struct segment *s, struct fx_node *n)
{
	struct operand in = operand_of(s, fx_node_in(n, 0), 1);
	struct operand out = result_like(s, 1, 1, 1);
	struct op *op = op_new(s, FXQ_OP_GLOBALPOOL);

	op->in[op->n_in++] = in;
	op->out = out;
	set_unary(op, n);
}

const char *check_reduce(struct fx_node *n, const struct fxq_caps *caps)
{
	const char *kind = fx_node_str(n, "kind", "");

	if (strcmp(kind, "sum") && strcmp(kind, "max"))
		return fx_graph_printf(n->graph,
				       "the device does not reduce by '%s'",
				       kind);
	return check_any(n);
}

/*
 * The direction of the map that dimension @dim is. Rows are several
 * dimensions at once; if @dim is one among others, it becomes the channels.
 */
static int reduce_direction(const struct fxq_tensor *t, int dim, int *axis)
{
	int last = *axis == (int)t->rank - 1 ? (int)t->rank - 2 :
		   (int)t->rank - 1;

	if (dim == *axis)
		return FXQ_AXIS_C;
	if (dim == last)
		return FXQ_AXIS_W;
	for (int i = 0; i < last; i++) {
		if (i == dim || i == *axis || t->dims[i] == 1)
			continue;
		*axis = dim;
		return FXQ_AXIS_C;
	}
	return FXQ_AXIS_H;
}

void lower_reduce(struct segment *s, struct fx_node *n)
{
	struct fx_node *x = fx_node_in(n, 0);
	int axis = value_axis(s, x), dim = node_dim(n);
	int direction = reduce_direction(&x->out[0], dim, &axis);
	struct operand in = operand_of(s, x, axis);
	struct operand out = result_like(s, axis,
					 direction == FXQ_AXIS_H ? 1 : in.h,
					 direction == FXQ_AXIS_W ? 1 : in.w);
	struct op *op = op_new(s, FXQ_OP_REDUCE);
	struct fxq_body_reduce *r = &op->d.reduce;

	op->in[op->n_in++] = in;
	op->out = out;
	r->m = bits(n, "m");
	r->zx = zero_point(x);
	r->zy = zero_point(n);
	r->lo = bound(n, "lo", -128);
	r->hi = bound(n, "hi", 127);
	r->kind = !strcmp(fx_node_str(n, "kind", ""), "max") ?
		  FXQ_REDUCE_MAX : FXQ_REDUCE_SUM;
	r->axis = (uint8_t)direction;
}

const char *check_resize(struct fx_node *n, const struct fxq_caps *caps)
{
	const char *why = check_image(n, &fx_node_in(n, 0)->out[0]);

	why = why ? why : check_image(n, &n->out[0]);
	why = why ? why : check_table(n, 1);
	return why ? why : check_table(n, 2);
}

void lower_resize(struct segment *s, struct fx_node *n)
{
	struct operand in = operand_of(s, fx_node_in(n, 0), 1);
	struct operand out = result_like(s, 1, (uint32_t)n->out[0].dims[2],
					 (uint32_t)n->out[0].dims[3]);
	struct op *op = op_new(s, FXQ_OP_RESIZE);
	struct fxq_body_resize *r = &op->d.resize;

	op->in[op->n_in++] = in;
	op->out = out;
	op->d.flags = fx_node_int(n, "bilinear", 0) ? FXQ_F_BILINEAR : 0;
	r->m = bits(n, "m");
	r->zx = zero_point(fx_node_in(n, 0));
	r->zy = zero_point(n);
	r->lo = bound(n, "lo", -128);
	r->hi = bound(n, "hi", 127);
	set_table(op, n, 0, 1);
	set_table(op, n, 1, 2);
}
