// SPDX-License-Identifier: MIT
/*
 * emit_op.c - a part of an operation as descriptors, all its maps being held
 *
 * What a descriptor reads beside maps, weights and tables, is loaded in front
 * of it, unless the group has it already.
 */
#include <string.h>

#include "emit.h"

static uint32_t load_const(struct emitter *e, uint32_t tag, uint64_t offset,
			   uint64_t bytes)
{
	struct loaded l = { .offset = offset };

	for (unsigned int i = 0; i < e->n_loaded; i++)
		if (e->loaded[i].offset == offset)
			return e->loaded[i].addr;
	l.addr = dma_blob(e->st, tag, offset, bytes);
	if (e->n_loaded == e->room_loaded) {
		struct loaded *more;

		e->room_loaded = 2 * e->room_loaded + 64;
		more = fx_graph_alloc(e->s->g, e->room_loaded * sizeof(*more));
		if (e->n_loaded)
			memcpy(more, e->loaded, e->n_loaded * sizeof(*more));
		e->loaded = more;
	}
	e->loaded[e->n_loaded++] = l;
	return l.addr;
}

static uint32_t load_table(struct emitter *e, uint32_t tag, const void *table,
			   uint32_t bytes)
{
	return load_const(e, tag, blob_add(e->s->blob, table, bytes), bytes);
}

/* Box @b of operand @o, which is held. */
static struct fxq_fm fm_of(const struct operand *o, const struct box *b)
{
	const struct held *h = &o->t->held;
	uint32_t c = o->c0 + b->c0, row, y, x;
	struct fxq_fm fm;

	if (operand_is_flat(o)) {
		uint32_t p = o->p0 + b->y0 * o->row + b->x0;

		row = o->row;
		y = p / row;
		x = p % row;
	} else {
		row = h->box.x1 - h->box.x0;
		y = o->p0 / o->t->w + b->y0 - h->box.y0;
		x = o->p0 % o->t->w + b->x0 - h->box.x0;
	}
	fm = (struct fxq_fm){ .plane = h->plane, .row = (uint16_t)row,
			      .y = (uint16_t)y, .x = (uint16_t)x,
			      .c = (uint16_t)(h->box.c1 - c) };
	fm.addr = h->addr + (c - h->box.c0) / FXQ_BLOCK * h->plane;
	return fm;
}

static struct fxq_fm fm_in(const struct op *op, const struct box *out,
			   unsigned int i)
{
	struct box b = op_needs(op, out, i);

	return fm_of(&op->in[i], &b);
}

static void put_slice(struct emitter *e, const struct op *op,
		      const struct box *out, const struct slice *slice)
{
	bool dw = op->d.opcode == FXQ_OP_DWCONV;
	struct box part = *out;
	uint32_t params, lut, addr;
	struct fxq_body_conv *c;
	struct fxq_desc *d;
	uint64_t bytes, offset;

	part.c0 = slice->oc0;
	part.c1 = slice->oc1;
	offset = pack_slice(e->s, op, slice, &bytes, &params, &lut);
	addr = load_const(e, op->tag, offset, bytes);
	d = stream_add(e->st, op->d.opcode, op->tag);
	*d = op_slice(op, &part);
	d->tag = op->tag;
	c = &d->conv;
	c->in = fm_in(op, &part, 0);
	c->weights = addr;
	if (!dw) {
		c->in.addr += slice->ic0 / FXQ_BLOCK * c->in.plane;
		c->in.c -= (uint16_t)slice->ic0;
		c->ic = (uint16_t)(slice->ic1 - slice->ic0);
		d->flags |= slice->first ? FXQ_F_ACC_FIRST : 0;
		d->flags |= slice->last ? FXQ_F_ACC_LAST : 0;
	}
	if (!dw && !slice->last) {
		d->flags &= ~FXQ_F_EPILOGUE;
		c->zr = 0;
		c->res_m = 0;
		return;
	}
	c->out = fm_of(&op->out, &part);
	c->params = addr + params;
	if (d->flags & FXQ_F_LUT)
		c->lut = addr + lut;
	if (d->flags & FXQ_F_RESIDUAL)
		c->res = fm_in(op, &part, 1);
}

/* A chain works on no more pixels than there are accumulators. */
static void put_conv(struct emitter *e, const struct op *op,
		     const struct box *out)
{
	uint32_t pixels = op_chain_pixels(e->s, op);
	uint32_t w = out->x1 - out->x0, h = out->y1 - out->y0;
	struct slice slice;

	if (pixels) {
		w = w < pixels ? w : pixels;
		h = pixels / w;
	}
	for (unsigned int i = 0;;) {
		unsigned int next = i;

		for (uint32_t y = out->y0; y < out->y1; y += h) {
			for (uint32_t x = out->x0; x < out->x1; x += w) {
				struct box b = *out;

				b.y0 = y;
				b.y1 = y + h < out->y1 ? y + h : out->y1;
				b.x0 = x;
				b.x1 = x + w < out->x1 ? x + w : out->x1;
				next = i;
				do {
					if (!op_slice_channels(e->s, op, out,
							       next, &slice))
						return;
					put_slice(e, op, &b, &slice);
					next++;
				} while (!slice.last);
			}
		}
		i = next;
	}
}

static void put_matmul(struct emitter *e, const struct op *op,
		       struct fxq_desc *d, const struct box *out)
{
	struct fxq_body_matmul *m = &d->matmul;

	m->a = fm_in(op, out, 0);
	m->b = fm_in(op, out, 1);
	m->out = fm_of(&op->out, out);
}

/* Entries of a resize table for outputs [lo, hi), counted from input @from. */
static uint32_t load_resize(struct emitter *e, const struct op *op,
			    unsigned int i, uint32_t lo, uint32_t hi,
			    uint32_t from)
{
	const uint16_t *table = op->table[i];
	uint16_t *part = fx_graph_alloc(e->s->g, (hi - lo) * 4);

	for (uint32_t k = lo; k < hi; k++) {
		part[2 * (k - lo)] = (uint16_t)(table[2 * k] - from);
		part[2 * (k - lo) + 1] = table[2 * k + 1];
	}
	return load_table(e, op->tag, part, (hi - lo) * 4);
}

/* Addresses of what the descriptor reads beside operands; loads it first. */
static void load_tables(struct emitter *e, const struct op *op,
			const struct box *out, uint32_t *ret_addr)
{
	struct box in = op_needs(op, out, 0);
	uint64_t bytes;

	switch (op->d.opcode) {
	case FXQ_OP_RESIZE:
		ret_addr[0] = load_resize(e, op, 0, out->y0, out->y1, in.y0);
		ret_addr[1] = load_resize(e, op, 1, out->x0, out->x1, in.x0);
		break;
	case FXQ_OP_MATMUL: {
		uint64_t at = pack_params(e->s, *(const float *)op->table[0],
					  out->c1 - out->c0, &bytes);

		ret_addr[0] = load_const(e, op->tag, at, bytes);
		break;
	}
	default:
		if (op->table[0])
			ret_addr[0] = load_table(e, op->tag, op->table[0],
						 op->table_bytes[0]);
	}
}

static void put_vector(struct emitter *e, const struct op *op,
		       const struct box *out)
{
	uint32_t table[2] = { 0 };
	struct fxq_desc *d;

	load_tables(e, op, out, table);
	d = stream_add(e->st, op->d.opcode, op->tag);
	*d = op_slice(op, out);
	d->tag = op->tag;
	switch (d->opcode) {
	case FXQ_OP_MATMUL:
		put_matmul(e, op, d, out);
		d->matmul.params = table[0];
		return;
	case FXQ_OP_ADD:
	case FXQ_OP_SUB:
	case FXQ_OP_MUL:
	case FXQ_OP_MIN:
	case FXQ_OP_MAX:
		d->binary.a = fm_in(op, out, 0);
		d->binary.b = fm_in(op, out, 1);
		d->binary.out = fm_of(&op->out, out);
		return;
	case FXQ_OP_RESIZE:
		d->resize.ytab = table[0];
		d->resize.xtab = table[1];
		break;
	default:
		if (op->table[0])
			d->unary.table = table[0];
	}
	/* The others begin with in and out. */
	d->unary.in = fm_in(op, out, 0);
	d->unary.out = fm_of(&op->out, out);
}

/* Rows [y0, y1) of the operand, all of them if it cannot be cut. */
static void put_view(struct emitter *e, const struct op *op,
		     const struct box *b)
{
	const struct fmap *t = op->in[0].t;
	struct view v = op->view;
	uint64_t offset = op->home.offset;

	if (op->store == STORE_ROWS) {
		struct factor *f = &v.f[op->row_factor];
		uint32_t first = b->y0 / op->unit;

		f->size = fxq_div_up(b->y1, op->unit) - first;
		offset += (uint64_t)(first * op->mem[op->row_factor]);
		v.p0 += first * f->ps;
	}
	v.c0 -= t->held.box.c0;
	v.p0 -= (int64_t)t->held.box.y0 * t->w;
	dma_view(e->st, FXQ_OP_STORE, op->tag, &v, &t->held, t->elem, op->mem,
		 op->home.region, offset);
}

static void put_store(struct emitter *e, const struct op *op,
		      const struct box *b)
{
	const struct operand *o = &op->in[0];
	struct box at = operand_box(o, b);
	struct fmap t = *o->t;

	if (op->store != STORE_BOXES) {
		put_view(e, op, b);
		return;
	}
	t.home = op->home;
	t.home.offset += ((int64_t)b->c0 - at.c0) * t.home.sc +
			 ((int64_t)b->y0 - at.y0) * t.home.sy +
			 ((int64_t)b->x0 - at.x0) * t.home.sx;
	dma_box(e->st, FXQ_OP_STORE, op->tag, &t, &t.held, &at);
}

void put_op(struct emitter *e, const struct op *op, const struct box *out)
{
	switch (op->d.opcode) {
	case FXQ_OP_CONV:
	case FXQ_OP_DWCONV:
		put_conv(e, op, out);
		break;
	case FXQ_OP_STORE:
		put_store(e, op, out);
		break;
	case FXQ_OP_FILL:
		dma_fill(e->st, op->tag, &op->out.t->held, (int)op->d.dma.fill);
		break;
	default:
		put_vector(e, op, out);
	}
}
