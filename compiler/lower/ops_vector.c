// SPDX-License-Identifier: MIT
/*
 * ops_vector.c - what the vector engine computes
 */
#include <errno.h>
#include <string.h>

#include <fxq/fxq_arith.h>

#include "ops_conv.h"

static int8_t zero_point(const struct fx_node *n)
{
	return (int8_t)n->out[0].zero_point;
}

static int8_t bound(const struct fx_node *n, const char *name, int def)
{
	return (int8_t)fx_node_int(n, name, def);
}

static uint32_t bits(const struct fx_node *n, const char *name)
{
	return fxq_bits((float)fx_node_float(n, name, 0));
}

/* The first @n dimensions of any array fit a descriptor's counts. */
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

static const char *check_any(struct fx_node *n)
{
	const char *why = NULL;

	for (size_t i = 0; !why && i < n->n_args; i++) {
		struct fx_node *in = fx_node_in(n, i);

		if (in && in->out[0].dtype == FXQ_DTYPE_I8)
			why = check_sizes(n, &in->out[0]);
	}
	return why ? why : check_sizes(n, &n->out[0]);
}

static const char *check_table(struct fx_node *n, unsigned int i)
{
	if (!fx_node_is_const(fx_node_in(n, i)))
		return "its table is not constant";
	return check_any(n);
}

/* --- of two operands --- */

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

/* Does the view walk its whole map? Then any order will do. */
static bool whole(const struct view *v, const struct fx_node *n)
{
	return !v->c0 && !v->p0 && fxq_tensor_count(&n->out[0]) ==
	       (int64_t)v->t->c * v->t->h * v->t->w;
}

/* A result that lies as @like does, element for element. */
static struct operand result_as(struct segment *s, const struct view *like)
{
	struct fmap *t = map_new(s, s->node->name, like->t->c, like->t->h,
				 like->t->w, 1);
	struct view v = *like;

	t->written = true;
	v.t = t;
	set_value(s, (struct fx_node *)s->node, &v);
	return operand_of_map(t);
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
	if (whole(&va, na) && whole(&vb, nb) && same_layout(&va, &vb)) {
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

/* --- of one value each --- */

static struct op *unary_op(struct segment *s, struct fx_node *n,
			   enum fxq_op code)
{
	struct fx_node *x = fx_node_in(n, 0);
	struct view v = value_of(s, x)->view;
	struct operand in, out;
	struct op *op;

	if (whole(&v, x)) {
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

static void set_unary(struct op *op, const struct fx_node *n)
{
	struct fxq_body_unary *u = &op->d.unary;

	u->m = bits(n, "m");
	u->zx = zero_point(fx_node_in(n, 0));
	u->zy = zero_point(n);
	u->lo = bound(n, "lo", -128);
	u->hi = bound(n, "hi", 127);
}

static void set_table(struct op *op, const struct fx_node *n, unsigned int at,
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

static int node_dim(const struct fx_node *n)
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

/* --- over windows --- */

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
