// SPDX-License-Identifier: MIT
/*
 * ops_binary.c - operators on two values
 *
 * The descriptor repeats the smaller operand along each direction of its map in
 * which it has one element.
 */
#include <errno.h>
#include <string.h>

#include "ops_vector.h"

static const struct {
	const char *name;
	enum fxq_op op;
} binaries[] = {
	{ "qadd", FXQ_OP_ADD },
	{ "qsub", FXQ_OP_SUB },
	{ "qmul", FXQ_OP_MUL },
	{ "qminimum", FXQ_OP_MIN },
	{ "qmaximum", FXQ_OP_MAX },
};

const char *check_binary(struct fx_node *n, const struct fxq_caps *caps)
{
	return check_any(n);
}

/* @n's dimensions with ones in front, as many as @rank. */
static struct fxq_tensor padded_type(const struct fx_node *n, uint32_t rank)
{
	struct fxq_tensor t = n->out[0];
	uint32_t more = rank - t.rank;

	memmove(t.dims + more, t.dims, t.rank * sizeof(*t.dims));
	for (uint32_t i = 0; i < more; i++)
		t.dims[i] = 1;
	t.rank = rank;
	return t;
}

/*
 * Operand @in of a result of @out's dimensions. Rows or columns of which it
 * has some and repeats others are spelled out by a copy.
 */
static struct operand broadcast_operand(struct segment *s, struct fx_node *in,
					const struct fxq_tensor *out, int axis)
{
	struct fxq_tensor t = padded_type(in, out->rank);
	int last = axis == (int)t.rank - 1 ? (int)t.rank - 2 : (int)t.rank - 1;
	struct view v = value_of(s, in)->view;
	int64_t rows = 1, all = 1;
	struct operand o;

	for (int i = 0; i < last; i++) {
		rows *= i == axis ? 1 : t.dims[i];
		all *= i == axis ? 1 : out->dims[i];
	}
	if (rows != 1 && rows != all) {
		unsigned int start[FXQ_MAX_RANK + 1], n = 0;
		struct view wide = { .t = v.t, .c0 = v.c0, .p0 = v.p0 };

		if (!view_align(&v, t.rank, t.dims, start)) {
			v = view_copy(s, &v, &t, axis);
			view_align(&v, t.rank, t.dims, start);
			wide = (struct view){ .t = v.t };
		}
		for (int i = 0; i < (int)t.rank; i++) {
			if (t.dims[i] == 1 && out->dims[i] > 1 && i < last &&
			    i != axis) {
				wide.f[n++] = (struct factor){ out->dims[i],
							       0, 0 };
				t.dims[i] = out->dims[i];
			}
			for (unsigned int k = start[i]; k < start[i + 1]; k++)
				wide.f[n++] = v.f[k];
		}
		wide.n = n;
		v = view_copy(s, &wide, &t, axis);
	}
	for (int i = 0; i < 3; i++) {
		if (view_operand(&v, t.rank, t.dims, axis, &o))
			return o;
		v = view_copy(s, &v, &t, axis);
	}
	segment_fail(s, -EINVAL, "operand '%s' cannot be laid out", in->name);
	return operand_of_map(v.t);
}

/* Same shape, same map geometry, same order: pixels may be taken as they lie. */
static bool same_layout(const struct view *a, const struct view *b)
{
	struct view x = *a, y = *b;

	view_merge(&x);
	view_merge(&y);
	return a->t->c == b->t->c && a->t->h == b->t->h &&
	       a->t->w == b->t->w && !a->c0 && !b->c0 && !a->p0 && !b->p0 &&
	       x.n == y.n && !memcmp(x.f, y.f, x.n * sizeof(*x.f));
}

static uint32_t broadcast_flags(const struct operand *a,
				const struct operand *o, uint32_t c,
				uint32_t h, uint32_t w)
{
	return (a->c < o->c ? c : 0) | (a->h < o->h ? h : 0) |
	       (a->w < o->w ? w : 0);
}

static void set_binary(struct op *op, const struct fx_node *n)
{
	struct fxq_body_binary *b = &op->d.binary;

	op->d.flags = (uint16_t)(broadcast_flags(&op->in[0], &op->out,
				FXQ_F_A_BCAST_C, FXQ_F_A_BCAST_H,
				FXQ_F_A_BCAST_W) |
		      broadcast_flags(&op->in[1], &op->out,
				FXQ_F_B_BCAST_C, FXQ_F_B_BCAST_H,
				FXQ_F_B_BCAST_W));
	b->h = (uint16_t)op->out.h;
	b->w = (uint16_t)op->out.w;
	b->c = (uint16_t)op->out.c;
	b->za = zero_point(fx_node_in(n, 0));
	b->zb = zero_point(fx_node_in(n, 1));
	b->zy = zero_point(n);
	b->lo = bound(n, "lo", -128);
	b->hi = bound(n, "hi", 127);
	if (op->d.opcode == FXQ_OP_MUL) {
		b->ma = bits(n, "m");
	} else {
		b->ma = bits(n, "m_a");
		b->mb = bits(n, "m_b");
	}
}

/* The larger operand decides where the channels are. */
static int binary_axis(struct segment *s, struct fx_node *a, struct fx_node *b,
		       const struct fxq_tensor *out)
{
	struct fx_node *big = fxq_tensor_count(&a->out[0]) >=
			      fxq_tensor_count(&b->out[0]) ? a : b;

	return value_axis(s, big) + (int)(out->rank - big->out[0].rank);
}

void lower_binary(struct segment *s, struct fx_node *n)
{
	struct fx_node *na = fx_node_in(n, 0), *nb = fx_node_in(n, 1);
	struct view va = value_of(s, na)->view, vb = value_of(s, nb)->view;
	struct operand a, b, out;
	enum fxq_op code = FXQ_OP_ADD;
	struct op *op;

	for (size_t i = 0; i < sizeof(binaries) / sizeof(*binaries); i++)
		if (fx_node_is(n, binaries[i].name))
			code = binaries[i].op;
	if (is_whole_map(&va, na) && is_whole_map(&vb, nb) &&
	    same_layout(&va, &vb)) {
		a = operand_of_map(va.t);
		b = operand_of_map(vb.t);
		out = result_as(s, &va);
	} else {
		const struct fxq_tensor *type = &n->out[0];
		int axis = binary_axis(s, na, nb, type);

		a = broadcast_operand(s, na, type, axis);
		b = broadcast_operand(s, nb, type, axis);
		out = result_like(s, axis, a.h > b.h ? a.h : b.h,
				  a.w > b.w ? a.w : b.w);
	}
	op = op_new(s, code);
	op->in[op->n_in++] = a;
	op->in[op->n_in++] = b;
	op->out = out;
	set_binary(op, n);
}
