// SPDX-License-Identifier: MIT
/*
 * tile.c - a part of an operation
 *
 * Every operation can be done box by box of its result. Here stands which box
 * of each operand such a part depends on, and what its descriptor looks like;
 * addresses are emit_op.c's business.
 */
#include <fxq/fxq_cost.h>

#include "lower.h"

struct range {
	uint32_t lo, hi;
};

/* Inputs that windows of outputs [lo, hi) see; at least one. */
static struct range window(uint32_t lo, uint32_t hi, uint32_t stride,
			   uint32_t k, uint32_t dilation, uint32_t pad,
			   uint32_t size)
{
	int64_t from = (int64_t)lo * stride - pad;
	int64_t to = (int64_t)(hi - 1) * stride - pad + (k - 1) * dilation + 1;

	from = from < 0 ? 0 : from >= size ? size - 1 : from;
	to = to > size ? size : to <= from ? from + 1 : to;
	return (struct range){ (uint32_t)from, (uint32_t)to };
}

/* What is left of the padding before the first input of the range. */
static uint8_t pad_left(uint32_t lo, uint32_t stride, uint32_t pad,
			uint32_t from)
{
	return (uint8_t)((int64_t)from - ((int64_t)lo * stride - pad));
}

/* Inputs that entries [lo, hi) of a resize table name, with neighbours. */
static struct range resized(const uint16_t *table, uint32_t lo, uint32_t hi,
			    uint32_t size)
{
	struct range r = { size, 0 };

	for (uint32_t i = lo; i < hi; i++) {
		uint32_t at = table[2 * i];

		r.lo = at < r.lo ? at : r.lo;
		r.hi = at + 2 > r.hi ? at + 2 : r.hi;
	}
	r.hi = r.hi > size ? size : r.hi;
	return r;
}

struct box op_result(const struct op *op)
{
	const struct operand *o = op->out.t ? &op->out : &op->in[0];

	return (struct box){ 0, o->c, 0, o->h, 0, o->w };
}

static struct box needs_window(const struct op *op, const struct box *out)
{
	const struct fxq_desc *d = &op->d;
	bool pool = d->engine == FXQ_ENGINE_VX;
	struct box b = *out;
	struct range y, x;

	if (pool) {
		const struct fxq_body_pool *p = &d->pool;

		y = window(b.y0, b.y1, p->sh, p->kh, p->dh, p->pad_t, p->ih);
		x = window(b.x0, b.x1, p->sw, p->kw, p->dw, p->pad_l, p->iw);
	} else {
		const struct fxq_body_conv *p = &d->conv;

		y = window(b.y0, b.y1, p->sh, p->kh, p->dh, p->pad_t, p->ih);
		x = window(b.x0, b.x1, p->sw, p->kw, p->dw, p->pad_l, p->iw);
	}
	b.y0 = y.lo;
	b.y1 = y.hi;
	b.x0 = x.lo;
	b.x1 = x.hi;
	if (d->opcode == FXQ_OP_CONV) {
		b.c0 = 0;
		b.c1 = op->in[0].c;
	}
	return b;
}

static struct box needs_matmul(const struct op *op, const struct box *out,
			       unsigned int i)
{
	struct box b = *out;

	if (i == 0) {
		b.c0 = 0;
		b.c1 = op->in[0].c;
	} else if (op->d.flags & FXQ_F_TRANS_B) {
		b.x0 = out->c0;
		b.x1 = out->c1;
		b.c0 = 0;
		b.c1 = op->in[1].c;
	} else {
		b.x0 = 0;
		b.x1 = op->in[1].w;
	}
	return b;
}

static struct box needs_binary(const struct op *op, const struct box *out,
			       unsigned int i)
{
	uint32_t f = op->d.flags;
	struct box b = *out;

	if (f & (i ? FXQ_F_B_BCAST_C : FXQ_F_A_BCAST_C))
		b.c0 = 0, b.c1 = 1;
	if (f & (i ? FXQ_F_B_BCAST_H : FXQ_F_A_BCAST_H))
		b.y0 = 0, b.y1 = 1;
	if (f & (i ? FXQ_F_B_BCAST_W : FXQ_F_A_BCAST_W))
		b.x0 = 0, b.x1 = 1;
	return b;
}

static struct box needs_resize(const struct op *op, const struct box *out)
{
	struct range y, x;
	struct box b = *out;

	y = resized(op->table[0], b.y0, b.y1, op->in[0].h);
	x = resized(op->table[1], b.x0, b.x1, op->in[0].w);
	b.y0 = y.lo;
	b.y1 = y.hi;
	b.x0 = x.lo;
	b.x1 = x.hi;
	return b;
}

static struct box all_along(struct box b, const struct operand *in, int axis)
{
	if (axis == FXQ_AXIS_C)
		b.c0 = 0, b.c1 = in->c;
	else if (axis == FXQ_AXIS_H)
		b.y0 = 0, b.y1 = in->h;
	else
		b.x0 = 0, b.x1 = in->w;
	return b;
}

static struct box needs_permute(const struct op *op, const struct box *out)
{
	const uint32_t o[3][2] = { { out->c0, out->c1 }, { out->y0, out->y1 },
				   { out->x0, out->x1 } };
	uint32_t i[3][2];

	for (int k = 0; k < 3; k++) {
		i[op->d.permute.perm[k]][0] = o[k][0];
		i[op->d.permute.perm[k]][1] = o[k][1];
	}
	return (struct box){ i[0][0], i[0][1], i[1][0], i[1][1],
			     i[2][0], i[2][1] };
}

struct box op_needs(const struct op *op, const struct box *out, unsigned int i)
{
	const struct operand *in = &op->in[i];
	struct box b = *out;

	switch (op->d.opcode) {
	case FXQ_OP_CONV:
	case FXQ_OP_DWCONV:
		return i ? b : needs_window(op, out);
	case FXQ_OP_MAXPOOL:
	case FXQ_OP_AVGPOOL:
		return needs_window(op, out);
	case FXQ_OP_MATMUL:
		return needs_matmul(op, out, i);
	case FXQ_OP_ADD:
	case FXQ_OP_SUB:
	case FXQ_OP_MUL:
	case FXQ_OP_MIN:
	case FXQ_OP_MAX:
		return needs_binary(op, out, i);
	case FXQ_OP_RESIZE:
		return needs_resize(op, out);
	case FXQ_OP_GLOBALPOOL:
		return all_along(all_along(b, in, FXQ_AXIS_H), in, FXQ_AXIS_W);
	case FXQ_OP_REDUCE:
		return all_along(b, in, op->d.reduce.axis);
	case FXQ_OP_SOFTMAX:
	case FXQ_OP_LAYERNORM:
		return all_along(b, in, FXQ_AXIS_C);
	case FXQ_OP_TRANSPOSE:
		return needs_permute(op, out);
	default:
		return b;
	}
}

/* May the result be made a few channels at a time? */
bool op_splits_channels(const struct op *op)
{
	const struct fxq_desc *d = &op->d;

	switch (d->opcode) {
	case FXQ_OP_CONV:
		return d->conv.groups == 1;
	case FXQ_OP_SOFTMAX:
	case FXQ_OP_LAYERNORM:
		return false;
	case FXQ_OP_STORE:
		return op->store == STORE_BOXES;
	case FXQ_OP_TRANSPOSE:
		return d->permute.perm[0] == FXQ_AXIS_C;
	case FXQ_OP_REDUCE:
		return d->reduce.axis != FXQ_AXIS_C;
	default:
		return true;
	}
}

bool op_splits_columns(const struct op *op)
{
	return op->d.opcode != FXQ_OP_STORE || op->store == STORE_BOXES;
}

uint32_t op_row_unit(const struct op *op)
{
	return op->d.opcode == FXQ_OP_STORE && op->store == STORE_ROWS ?
	       op->unit : 1;
}

static void slice_conv(const struct op *op, const struct box *out,
		       struct fxq_body_conv *c)
{
	struct box in = op_needs(op, out, 0);

	c->pad_t = pad_left(out->y0, c->sh, c->pad_t, in.y0);
	c->pad_l = pad_left(out->x0, c->sw, c->pad_l, in.x0);
	c->ih = (uint16_t)(in.y1 - in.y0);
	c->iw = (uint16_t)(in.x1 - in.x0);
	c->ic = (uint16_t)(in.c1 - in.c0);
	c->oh = (uint16_t)(out->y1 - out->y0);
	c->ow = (uint16_t)(out->x1 - out->x0);
	c->oc = (uint16_t)(out->c1 - out->c0);
}

static void slice_pool(const struct op *op, const struct box *out,
		       struct fxq_body_pool *p)
{
	struct box in = op_needs(op, out, 0);

	p->pad_t = pad_left(out->y0, p->sh, p->pad_t, in.y0);
	p->pad_l = pad_left(out->x0, p->sw, p->pad_l, in.x0);
	p->ih = (uint16_t)(in.y1 - in.y0);
	p->iw = (uint16_t)(in.x1 - in.x0);
	p->oh = (uint16_t)(out->y1 - out->y0);
	p->ow = (uint16_t)(out->x1 - out->x0);
	p->c = (uint16_t)(out->c1 - out->c0);
}

struct fxq_desc op_slice(const struct op *op, const struct box *out)
{
	struct fxq_desc d = op->d;
	struct box in = op_needs(op, out, 0);
	uint16_t h = (uint16_t)(in.y1 - in.y0), w = (uint16_t)(in.x1 - in.x0);
	uint16_t c = (uint16_t)(in.c1 - in.c0);
	uint16_t oh = (uint16_t)(out->y1 - out->y0);
	uint16_t ow = (uint16_t)(out->x1 - out->x0);
	uint16_t oc = (uint16_t)(out->c1 - out->c0);

	switch (d.opcode) {
	case FXQ_OP_CONV:
	case FXQ_OP_DWCONV:
		slice_conv(op, out, &d.conv);
		break;
	case FXQ_OP_MAXPOOL:
	case FXQ_OP_AVGPOOL:
		slice_pool(op, out, &d.pool);
		break;
	case FXQ_OP_MATMUL:
		d.matmul.batch = oh;
		d.matmul.m = ow;
		d.matmul.n = oc;
		break;
	case FXQ_OP_ADD:
	case FXQ_OP_SUB:
	case FXQ_OP_MUL:
	case FXQ_OP_MIN:
	case FXQ_OP_MAX:
		d.binary.h = oh;
		d.binary.w = ow;
		d.binary.c = oc;
		break;
	case FXQ_OP_RESIZE:
		d.resize.ih = h;
		d.resize.iw = w;
		d.resize.oh = oh;
		d.resize.ow = ow;
		d.resize.c = oc;
		break;
	case FXQ_OP_REDUCE:
		d.reduce.h = h;
		d.reduce.w = w;
		d.reduce.c = c;
		break;
	case FXQ_OP_TRANSPOSE:
		d.permute.h = h;
		d.permute.w = w;
		d.permute.c = c;
		break;
	case FXQ_OP_STORE:
	case FXQ_OP_FILL:
		break;
	default:
		d.unary.h = h;
		d.unary.w = w;
		d.unary.c = c;
	}
	return d;
}

uint64_t op_cost(const struct op *op, const struct box *out)
{
	struct fxq_desc d;

	if (!op->out.t || op->d.opcode == FXQ_OP_FILL)
		return 0;
	d = op_slice(op, out);
	return fxq_cost_work(&d);
}

bool operand_is_flat(const struct operand *o)
{
	return o->row != o->t->w;
}

struct box operand_box(const struct operand *o, const struct box *b)
{
	uint32_t y = o->p0 / o->t->w, x = o->p0 % o->t->w;

	if (operand_is_flat(o))
		return map_box(o->t);
	return (struct box){ b->c0 + o->c0, b->c1 + o->c0, b->y0 + y,
			     b->y1 + y, b->x0 + x, b->x1 + x };
}
