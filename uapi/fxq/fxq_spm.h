/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * fxq_spm.h - what a descriptor does with the scratchpad
 *
 * fxq_spm_spans() lists the bytes of scratchpad that a descriptor reads and
 * writes. Bounds, the compiler's waits and the debug mode's race check follow
 * from this one list. fxq_check_spm() is the machine's check of a descriptor
 * that fxq_check_desc() has passed; a driver needs none of it, for the
 * scratchpad belongs to whoever runs.
 */
#ifndef FXQ_SPM_H
#define FXQ_SPM_H

#include "fxq_check.h"

/*
 * struct fxq_span - bytes of scratchpad that a descriptor touches
 *
 * @count pieces of @len bytes, @stride apart (for blocks of a map: its plane,
 * also if but one of them is full). An upper bound where the true set has gaps
 * inside a piece; for those who want it closer, a piece is @rows
 * rows of @row_len bytes, @row_stride apart.
 */
struct fxq_span {
	__u64 off, len, count, stride;
	__u32 write;
	__u32 rows;
	__u64 row_len, row_stride;
};

#define FXQ_MAX_SPANS	12

static inline __u64 fxq_span_end(const struct fxq_span *s)
{
	return s->off + (s->count - 1) * s->stride + s->len;
}

static inline unsigned int fxq_span_flat(struct fxq_span *s, __u64 off,
					 __u64 len)
{
	*s = (struct fxq_span){ off, len, 1, 0, 0, 1, len, 0 };
	return 1;
}

/* A box of h x w x c elements of @elem bytes: full blocks, then the last. */
static inline unsigned int fxq_span_fm(struct fxq_span *s,
				       const struct fxq_fm *fm, __u32 h,
				       __u32 w, __u32 c, __u32 elem,
				       __u32 write)
{
	__u64 first = (__u64)fm->y * fm->row + fm->x;
	__u64 pixels = (__u64)(h - 1) * fm->row + w;
	__u32 blocks = fxq_div_up(c, FXQ_BLOCK), i = 0;
	__u32 last = fxq_pixel_stride(fm->c, blocks - 1) * elem;
	__u32 full = last == FXQ_BLOCK * elem ? blocks : blocks - 1;
	__u64 len = pixels * FXQ_BLOCK * elem;

	if (full)
		s[i++] = (struct fxq_span){
			fm->addr + first * FXQ_BLOCK * elem,
			len, full, blocks > 1 ? fm->plane : len, write,
			h, (__u64)w * FXQ_BLOCK * elem,
			(__u64)fm->row * FXQ_BLOCK * elem };
	if (full < blocks)
		s[i++] = (struct fxq_span){
			fm->addr + (__u64)full * fm->plane + first * last,
			pixels * last, 1, pixels * last, write,
			h, (__u64)w * last, (__u64)fm->row * last };
	return i;
}

static inline unsigned int fxq_spans_dma(const struct fxq_desc *d,
					 struct fxq_span *s)
{
	const struct fxq_body_dma *b = &d->dma;
	__u64 row = b->elem, len;
	int i;

	for (i = 0; i < 2; i++)
		row += (__u64)(b->n[i] - 1) * b->spm_stride[i];
	len = row + (__u64)(b->n[2] - 1) * b->spm_stride[2];
	*s = (struct fxq_span){ (__u64)b->spm + b->spm_skip, len, b->n[3],
				b->spm_stride[3], d->opcode != FXQ_OP_STORE,
				b->n[2], row, b->spm_stride[2] };
	return 1;
}

static inline unsigned int fxq_spans_conv(const struct fxq_desc *d,
					  struct fxq_span *s)
{
	const struct fxq_body_conv *b = &d->conv;
	__u32 raw = d->flags & FXQ_F_RAW ? 4 : 1;
	int dw = d->opcode == FXQ_OP_DWCONV;
	unsigned int n = 0;

	n += fxq_span_fm(s + n, &b->in, b->ih, b->iw, b->ic, 1, 0);
	n += fxq_span_flat(s + n, b->weights, dw ?
		fxq_dwconv_weight_bytes(b->ic, b->kh, b->kw) :
		fxq_conv_weight_bytes(b->ic, b->oc, b->kh, b->kw, b->groups));
	if (!dw && !(d->flags & FXQ_F_ACC_LAST))
		return n;
	n += fxq_span_flat(s + n, b->params, sizeof(struct fxq_param) *
			   (__u64)fxq_round_up(b->oc, FXQ_BLOCK));
	if (d->flags & FXQ_F_LUT)
		n += fxq_span_flat(s + n, b->lut, FXQ_LUT_BYTES);
	if (d->flags & FXQ_F_RESIDUAL)
		n += fxq_span_fm(s + n, &b->res, b->oh, b->ow, b->oc, 1, 0);
	return n + fxq_span_fm(s + n, &b->out, b->oh, b->ow, b->oc, raw, 1);
}

static inline unsigned int fxq_spans_matmul(const struct fxq_desc *d,
					    struct fxq_span *s)
{
	const struct fxq_body_matmul *b = &d->matmul;
	int trans = !!(d->flags & FXQ_F_TRANS_B);
	__u32 raw = d->flags & FXQ_F_RAW ? 4 : 1;
	unsigned int n = 0;

	n += fxq_span_fm(s + n, &b->a, b->batch, b->m, b->k, 1, 0);
	n += fxq_span_fm(s + n, &b->b, b->batch, trans ? b->n : b->k,
			 trans ? b->k : b->n, 1, 0);
	n += fxq_span_flat(s + n, b->params, sizeof(struct fxq_param) *
			   (__u64)fxq_round_up(b->n, FXQ_BLOCK));
	if (d->flags & FXQ_F_LUT)
		n += fxq_span_flat(s + n, b->lut, FXQ_LUT_BYTES);
	if (d->flags & FXQ_F_RESIDUAL)
		n += fxq_span_fm(s + n, &b->res, b->batch, b->m, b->n, 1, 0);
	return n + fxq_span_fm(s + n, &b->out, b->batch, b->m, b->n, raw, 1);
}

static inline unsigned int fxq_spans_binary(const struct fxq_desc *d,
					    struct fxq_span *s)
{
	const struct fxq_body_binary *b = &d->binary;
	__u32 f = d->flags;
	unsigned int n = 0;

	n += fxq_span_fm(s + n, &b->a, f & FXQ_F_A_BCAST_H ? 1 : b->h,
			 f & FXQ_F_A_BCAST_W ? 1 : b->w,
			 f & FXQ_F_A_BCAST_C ? 1 : b->c, 1, 0);
	n += fxq_span_fm(s + n, &b->b, f & FXQ_F_B_BCAST_H ? 1 : b->h,
			 f & FXQ_F_B_BCAST_W ? 1 : b->w,
			 f & FXQ_F_B_BCAST_C ? 1 : b->c, 1, 0);
	return n + fxq_span_fm(s + n, &b->out, b->h, b->w, b->c, 1, 1);
}

static inline unsigned int fxq_spans_pool(const struct fxq_desc *d,
					  struct fxq_span *s)
{
	const struct fxq_body_pool *b = &d->pool;
	unsigned int n = 0;

	n += fxq_span_fm(s + n, &b->in, b->ih, b->iw, b->c, 1, 0);
	if (d->opcode == FXQ_OP_AVGPOOL)
		n += fxq_span_flat(s + n, b->table, 4ull * b->kh * b->kw);
	return n + fxq_span_fm(s + n, &b->out, b->oh, b->ow, b->c, 1, 1);
}

static inline unsigned int fxq_spans_unary(const struct fxq_desc *d,
					   struct fxq_span *s)
{
	const struct fxq_body_unary *b = &d->unary;
	int global = d->opcode == FXQ_OP_GLOBALPOOL;
	__u32 table = fxq_unary_table_bytes(d);
	unsigned int n = 0;

	n += fxq_span_fm(s + n, &b->in, b->h, b->w, b->c, 1, 0);
	if (table)
		n += fxq_span_flat(s + n, b->table, table);
	return n + fxq_span_fm(s + n, &b->out, global ? 1 : b->h,
			       global ? 1 : b->w, b->c, 1, 1);
}

static inline unsigned int fxq_spans_resize(const struct fxq_desc *d,
					    struct fxq_span *s)
{
	const struct fxq_body_resize *b = &d->resize;
	unsigned int n = 0;

	n += fxq_span_fm(s + n, &b->in, b->ih, b->iw, b->c, 1, 0);
	n += fxq_span_flat(s + n, b->ytab, 4ull * b->oh);
	n += fxq_span_flat(s + n, b->xtab, 4ull * b->ow);
	return n + fxq_span_fm(s + n, &b->out, b->oh, b->ow, b->c, 1, 1);
}

static inline unsigned int fxq_spans_reduce(const struct fxq_desc *d,
					    struct fxq_span *s)
{
	const struct fxq_body_reduce *b = &d->reduce;
	unsigned int n;

	n = fxq_span_fm(s, &b->in, b->h, b->w, b->c, 1, 0);
	return n + fxq_span_fm(s + n, &b->out,
			       b->axis == FXQ_AXIS_H ? 1 : b->h,
			       b->axis == FXQ_AXIS_W ? 1 : b->w,
			       b->axis == FXQ_AXIS_C ? 1 : b->c, 1, 1);
}

static inline unsigned int fxq_spans_permute(const struct fxq_desc *d,
					     struct fxq_span *s)
{
	const struct fxq_body_permute *b = &d->permute;
	const __u32 size[3] = { b->c, b->h, b->w };
	unsigned int n;

	n = fxq_span_fm(s, &b->in, b->h, b->w, b->c, 1, 0);
	return n + fxq_span_fm(s + n, &b->out, size[b->perm[FXQ_AXIS_H]],
			       size[b->perm[FXQ_AXIS_W]],
			       size[b->perm[FXQ_AXIS_C]], 1, 1);
}

/*
 * The scratchpad bytes that @d, which fxq_check_desc() has passed, reads and
 * writes: up to FXQ_MAX_SPANS at @s. Returns how many.
 */
static inline unsigned int fxq_spm_spans(const struct fxq_desc *d,
					 struct fxq_span *s)
{
	switch (d->opcode) {
#define X(id, name, engine, body, flags)	\
	case FXQ_OP_##id:			\
		return fxq_spans_##body(d, s);
	FXQ_OPS(X)
#undef X
	default:
		return 0;
	}
}

/* Are the scratchpad offsets that @d names multiples of FXQ_SPM_ALIGN? */
static inline int fxq_spm_aligned(const struct fxq_desc *d)
{
	__u32 any;

	switch (d->opcode) {
	case FXQ_OP_LOAD:
	case FXQ_OP_FILL:
	case FXQ_OP_STORE:
		any = d->dma.spm;
		break;
	case FXQ_OP_CONV:
	case FXQ_OP_DWCONV:
		any = d->conv.in.addr | d->conv.in.plane | d->conv.out.addr |
		      d->conv.out.plane | d->conv.res.addr |
		      d->conv.res.plane | d->conv.weights | d->conv.params |
		      d->conv.lut;
		break;
	case FXQ_OP_MATMUL:
		any = d->matmul.a.addr | d->matmul.a.plane | d->matmul.b.addr |
		      d->matmul.b.plane | d->matmul.out.addr |
		      d->matmul.out.plane | d->matmul.res.addr |
		      d->matmul.res.plane | d->matmul.params | d->matmul.lut;
		break;
	case FXQ_OP_ADD:
	case FXQ_OP_SUB:
	case FXQ_OP_MUL:
	case FXQ_OP_MIN:
	case FXQ_OP_MAX:
		any = d->binary.a.addr | d->binary.a.plane | d->binary.b.addr |
		      d->binary.b.plane | d->binary.out.addr |
		      d->binary.out.plane;
		break;
	default:	/* the others begin with in, out; tables follow */
		any = d->unary.in.addr | d->unary.in.plane |
		      d->unary.out.addr | d->unary.out.plane;
		if (d->opcode == FXQ_OP_AVGPOOL || fxq_unary_table_bytes(d))
			any |= d->unary.table;
		if (d->opcode == FXQ_OP_RESIZE)
			any |= d->resize.ytab | d->resize.xtab;
	}
	return !(any % FXQ_SPM_ALIGN);
}

/* Does the box [x, x + w) fit the rows of @fm, and @c its channels? */
static inline int fxq_fm_holds(const struct fxq_fm *fm, __u32 w, __u32 c)
{
	return (__u32)fm->x + w <= fm->row && c <= fm->c;
}

static inline int fxq_boxes_fit(const struct fxq_desc *d)
{
	__u32 f = d->flags;

	switch (d->opcode) {
	case FXQ_OP_CONV:
	case FXQ_OP_DWCONV:
		return fxq_fm_holds(&d->conv.in, d->conv.iw, d->conv.ic) &&
		       (!(f & FXQ_F_ACC_LAST || d->opcode == FXQ_OP_DWCONV) ||
			fxq_fm_holds(&d->conv.out, d->conv.ow, d->conv.oc)) &&
		       (!(f & FXQ_F_RESIDUAL) ||
			fxq_fm_holds(&d->conv.res, d->conv.ow, d->conv.oc));
	case FXQ_OP_MATMUL:
		return fxq_fm_holds(&d->matmul.a, d->matmul.m, d->matmul.k) &&
		       fxq_fm_holds(&d->matmul.b, f & FXQ_F_TRANS_B ?
				    d->matmul.n : d->matmul.k,
				    f & FXQ_F_TRANS_B ? d->matmul.k :
				    d->matmul.n) &&
		       fxq_fm_holds(&d->matmul.out, d->matmul.m, d->matmul.n) &&
		       (!(f & FXQ_F_RESIDUAL) ||
			fxq_fm_holds(&d->matmul.res, d->matmul.m, d->matmul.n));
	case FXQ_OP_ADD:
	case FXQ_OP_SUB:
	case FXQ_OP_MUL:
	case FXQ_OP_MIN:
	case FXQ_OP_MAX:
		return fxq_fm_holds(&d->binary.a,
				    f & FXQ_F_A_BCAST_W ? 1 : d->binary.w,
				    f & FXQ_F_A_BCAST_C ? 1 : d->binary.c) &&
		       fxq_fm_holds(&d->binary.b,
				    f & FXQ_F_B_BCAST_W ? 1 : d->binary.w,
				    f & FXQ_F_B_BCAST_C ? 1 : d->binary.c) &&
		       fxq_fm_holds(&d->binary.out, d->binary.w, d->binary.c);
	case FXQ_OP_MAXPOOL:
	case FXQ_OP_AVGPOOL:
		return fxq_fm_holds(&d->pool.in, d->pool.iw, d->pool.c) &&
		       fxq_fm_holds(&d->pool.out, d->pool.ow, d->pool.c);
	case FXQ_OP_RESIZE:
		return fxq_fm_holds(&d->resize.in, d->resize.iw, d->resize.c) &&
		       fxq_fm_holds(&d->resize.out, d->resize.ow, d->resize.c);
	case FXQ_OP_REDUCE:
		return fxq_fm_holds(&d->reduce.in, d->reduce.w, d->reduce.c) &&
		       fxq_fm_holds(&d->reduce.out,
				    d->reduce.axis == FXQ_AXIS_W ? 1 :
				    d->reduce.w, d->reduce.axis == FXQ_AXIS_C ?
				    1 : d->reduce.c);
	case FXQ_OP_TRANSPOSE: {
		const __u32 size[3] = { d->permute.c, d->permute.h,
					d->permute.w };

		return fxq_fm_holds(&d->permute.in, d->permute.w,
				    d->permute.c) &&
		       fxq_fm_holds(&d->permute.out,
				    size[d->permute.perm[FXQ_AXIS_W]],
				    size[d->permute.perm[FXQ_AXIS_C]]);
	}
	case FXQ_OP_GLOBALPOOL:
		return fxq_fm_holds(&d->unary.in, d->unary.w, d->unary.c) &&
		       fxq_fm_holds(&d->unary.out, 1, d->unary.c);
	case FXQ_OP_LUT:
	case FXQ_OP_REQUANT:
	case FXQ_OP_SOFTMAX:
	case FXQ_OP_LAYERNORM:
		return fxq_fm_holds(&d->unary.in, d->unary.w, d->unary.c) &&
		       fxq_fm_holds(&d->unary.out, d->unary.w, d->unary.c);
	default:
		return 1;
	}
}

/*
 * Does the result @w overlap operand @s, or, being @s, itself? A feature map
 * whose blocks overlap would depend on who writes last; a DMA has an order.
 */
static inline int fxq_spans_clash(const struct fxq_desc *d,
				  const struct fxq_span *w,
				  const struct fxq_span *s)
{
	if (w == s)
		return d->engine != FXQ_ENGINE_LD && w->stride < w->len;
	return w->off < fxq_span_end(s) && s->off < fxq_span_end(w);
}

/*
 * Checks the scratchpad side of @d, which fxq_check_desc() has passed:
 * alignment, boxes inside their maps, bounds, no result over an operand.
 */
static inline __u32 fxq_check_spm(const struct fxq_caps *caps,
				  const struct fxq_desc *d)
{
	struct fxq_span s[FXQ_MAX_SPANS];
	unsigned int n, i, j;

	if (!fxq_spm_aligned(d))
		return FXQ_CAUSE_SPM_ALIGNMENT;
	if (!fxq_boxes_fit(d))
		return FXQ_CAUSE_VALUE;
	n = fxq_spm_spans(d, s);
	for (i = 0; i < n; i++)
		if (fxq_span_end(&s[i]) > caps->spm_bytes)
			return FXQ_CAUSE_SPM_BOUNDS;
	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			if (s[i].write && fxq_spans_clash(d, &s[i], &s[j]))
				return FXQ_CAUSE_SPM_OVERLAP;
	return FXQ_CAUSE_NONE;
}

#endif /* FXQ_SPM_H */
