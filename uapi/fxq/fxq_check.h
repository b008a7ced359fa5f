/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * fxq_check.h - is this stream one that the machine takes?
 *
 * One checker for all who ask: the driver before it accepts a stream, the
 * machine before it executes a descriptor, libfxq before it loads an image,
 * the fuzzer. It is freestanding (no libc, no floating point) and carries no
 * more than four counters, the extents of 16 regions and the key of an open
 * chain, so a stream is checked in one pass, O(1) for each descriptor. What it
 * says is enum fxq_cause; fxq_cause_text() has the words.
 *
 * It looks at what can harm others or never end: opcode, reserved bytes, waits,
 * region extents, work. The scratchpad is the machine's own concern, and
 * fxq_spm.h's.
 */
#ifndef FXQ_CHECK_H
#define FXQ_CHECK_H

#include "fxq_cmd.h"

/*
 * X(id, text): how a run ended. STOPPED is no fault of the run; all that
 * follow are, and stop the context.
 */
#define FXQ_CAUSES(X)							\
	X(NONE,          "completed")					\
	X(STOPPED,       "stopped before it completed")			\
	X(ENTRY,         "ring entry with an unknown kind or nonzero reserved field") \
	X(CONTEXT,       "context is not enabled")			\
	X(EMPTY,         "stream has no descriptors, or more than the machine takes") \
	X(ALIGNMENT,     "stream, binding or region is not aligned")	\
	X(OPCODE,        "unknown opcode")				\
	X(ENGINE,        "engine is not the operator's")		\
	X(FLAGS,         "flag unknown to the operator")		\
	X(RESERVED,      "reserved byte is not zero")			\
	X(WAIT,          "waits for more descriptors than stand earlier") \
	X(WAIT_SELF,     "waits for its own engine")			\
	X(ZERO,          "size is zero")				\
	X(VALUE,         "field has a value the operator does not take") \
	X(WORK,          "does more work than a descriptor may")	\
	X(REGION,        "region is not bound")				\
	X(REGION_BOUNDS, "reaches outside its region")			\
	X(REGION_WRITE,  "writes a region bound read-only")		\
	X(SPM_BOUNDS,    "reaches outside the scratchpad")		\
	X(SPM_ALIGNMENT, "scratchpad offset is not a multiple of 64")	\
	X(SPM_OVERLAP,   "result overlaps an operand or itself")	\
	X(CHAIN,         "accumulation chain is broken or too large")	\
	X(PAGE_INVALID,  "no valid translation of a device address")	\
	X(PAGE_WRITE,    "write to a page mapped read-only")		\
	X(PAGE_ENTRY,    "page table entry has reserved bits set")	\
	X(BUS,           "bus access failed")

enum fxq_cause {
#define X(id, text) FXQ_CAUSE_##id,
	FXQ_CAUSES(X)
#undef X
	FXQ_CAUSE_COUNT
};

/* What the machine says of itself in its registers. */
struct fxq_caps {
	__u32 spm_bytes;
	__u32 acc_bytes;
	__u32 max_descriptors;
};

#define FXQ_CAPS_DEFAULT	{ 1u << 20, 64u << 10, 1u << 20 }

/*
 * Of one MX descriptor, as the array computes it: output channels of a group
 * rounded up to FXQ_BLOCK, and what is summed over to 4. Also what the windows
 * of one pooling descriptor read, channels rounded up to FXQ_BLOCK. One output
 * channel of one input channel counts 128 times over: it takes that long.
 */
#define FXQ_MAX_MACS		(1ull << 32)

/*
 * struct fxq_region_use - what a stream does with a region
 * @read_lo, @read_hi: bytes [lo, hi) it may read; hi 0: none
 * @write_lo, @write_hi: bytes [lo, hi) it may write; hi 0: none
 */
struct fxq_region_use {
	__u64 read_lo, read_hi;
	__u64 write_lo, write_hi;
};

/* struct fxq_summary - what fxq_check_stream() found out */
struct fxq_summary {
	struct fxq_region_use region[FXQ_MAX_REGIONS];
	__u64 macs;		/* multiply-accumulates of MX, unpadded */
	__u64 bytes;		/* moved by LD and ST, made or read by VX */
	__u32 count[FXQ_ENGINE_COUNT];
};

/* Carried from one descriptor to the next. */
struct fxq_checker {
	struct fxq_caps caps;
	struct fxq_summary summary;
	__u64 chain;		/* key of the open accumulation chain, or 0 */
};

static inline const char *fxq_cause_text(__u32 cause)
{
	switch (cause) {
#define X(id, text) case FXQ_CAUSE_##id: return text;
	FXQ_CAUSES(X)
#undef X
	default: return "unknown cause";
	}
}

static inline const char *fxq_op_name(__u32 opcode)
{
	switch (opcode) {
#define X(id, name, engine, body, flags) case FXQ_OP_##id: return name;
	FXQ_OPS(X)
#undef X
	default: return "invalid";
	}
}

static inline const char *fxq_engine_name(__u32 engine)
{
	switch (engine) {
#define X(id, name) case FXQ_ENGINE_##id: return name;
	FXQ_ENGINES(X)
#undef X
	default: return "?";
	}
}

/* Products of sizes, which stop at the largest number instead of wrapping. */
static inline __u64 fxq_mul(__u64 a, __u64 b)
{
	__u64 r;

	return __builtin_mul_overflow(a, b, &r) ? ~0ull : r;
}

static inline __u64 fxq_mul3(__u64 a, __u64 b, __u64 c)
{
	return fxq_mul(fxq_mul(a, b), c);
}

/* Bytes of the weights of a CONV in the layout that fxq_cmd.h describes. */
static inline __u64 fxq_conv_weight_bytes(__u32 ic, __u32 oc, __u32 kh,
					  __u32 kw, __u32 groups)
{
	__u32 icg = ic / groups, full = icg / FXQ_BLOCK, left = icg % FXQ_BLOCK;
	__u64 quads = (__u64)full * fxq_div_up(kw * FXQ_BLOCK, 4);

	if (left)
		quads += fxq_div_up(kw * fxq_round_up(left, 4), 4);
	return fxq_mul3((__u64)groups * fxq_div_up(oc / groups, FXQ_BLOCK),
			quads * kh, 4 * FXQ_BLOCK);
}

static inline __u64 fxq_dwconv_weight_bytes(__u32 c, __u32 kh, __u32 kw)
{
	return (__u64)fxq_round_up(c, FXQ_BLOCK) * kh * kw;
}

/* Bytes of the table that a unary operator reads. */
static inline __u32 fxq_unary_table_bytes(const struct fxq_desc *d)
{
	switch (d->opcode) {
	case FXQ_OP_LUT:
		return FXQ_LUT_BYTES;
	case FXQ_OP_SOFTMAX:
		return FXQ_SOFTMAX_TABLE_BYTES;
	case FXQ_OP_LAYERNORM:
		return 8u * d->unary.c;
	default:
		return 0;
	}
}

/* Where the body of @d begins to be reserved, in bytes. */
static inline __u32 fxq_body_used(__u32 opcode)
{
	switch (opcode) {
#define X(id, name, engine, body, flags)	\
	case FXQ_OP_##id:			\
		return __builtin_offsetof(struct fxq_body_##body, reserved);
	FXQ_OPS(X)
#undef X
	default:
		return 0;
	}
}

static inline int fxq_all_zero(const void *p, __u32 from, __u32 to)
{
	const __u8 *b = p;
	__u8 any = 0;

	while (from < to)
		any |= b[from++];
	return !any;
}

static inline __u32 fxq_op_flags(__u32 opcode)
{
	switch (opcode) {
#define X(id, name, engine, body, flags) case FXQ_OP_##id: return flags;
	FXQ_OPS(X)
#undef X
	default: return 0;
	}
}

static inline __u32 fxq_op_engine(__u32 opcode)
{
	switch (opcode) {
#define X(id, name, engine, body, flags)	\
	case FXQ_OP_##id:			\
		return FXQ_ENGINE_##engine;
	FXQ_OPS(X)
#undef X
	default: return FXQ_ENGINE_COUNT;
	}
}

/* Header: opcode, engine, flags, reserved bytes, waits. */
static inline __u32 fxq_check_header(const struct fxq_checker *k,
				     const struct fxq_desc *d)
{
	__u32 e;

	if (fxq_op_engine(d->opcode) == FXQ_ENGINE_COUNT)
		return FXQ_CAUSE_OPCODE;
	if (d->engine != fxq_op_engine(d->opcode))
		return FXQ_CAUSE_ENGINE;
	if (d->flags & ~fxq_op_flags(d->opcode))
		return FXQ_CAUSE_FLAGS;
	if (!fxq_all_zero(d->bytes, fxq_body_used(d->opcode), sizeof(d->bytes)))
		return FXQ_CAUSE_RESERVED;
	if (d->wait[d->engine])
		return FXQ_CAUSE_WAIT_SELF;
	for (e = 0; e < FXQ_ENGINE_COUNT; e++)
		if (d->wait[e] > k->summary.count[e])
			return FXQ_CAUSE_WAIT;
	return FXQ_CAUSE_NONE;
}

/* Bytes [lo, hi) of its region that a LOAD or STORE reaches; 0: overflow. */
static inline int fxq_dma_extent(const struct fxq_body_dma *b, __u64 *lo,
				 __u64 *hi)
{
	__s64 down = 0, up = b->elem;
	int i;

	for (i = 0; i < 4; i++) {
		__s64 reach = (__s64)(b->n[i] - 1) * b->mem_stride[i];

		if (reach < 0)
			down += reach;
		else
			up += reach;
	}
	if (b->offset > (__u64)1 << 62 || (__u64)-down > b->offset)
		return 0;
	*lo = b->offset + down;
	*hi = b->offset + up;
	return 1;
}

static inline __u32 fxq_check_dma(struct fxq_checker *k,
				  const struct fxq_desc *d)
{
	const struct fxq_body_dma *b = &d->dma;
	int write = d->opcode == FXQ_OP_STORE, i;
	struct fxq_region_use *use;
	__u64 bytes, lo, hi, *plo, *phi;

	if (b->elem != 1 && b->elem != 2 && b->elem != 4)
		return FXQ_CAUSE_VALUE;
	bytes = b->elem;
	for (i = 0; i < 4; i++) {
		if (!b->n[i])
			return FXQ_CAUSE_ZERO;
		bytes = fxq_mul(bytes, b->n[i]);
	}
	if (bytes > k->caps.spm_bytes)
		return FXQ_CAUSE_WORK;
	if (d->opcode == FXQ_OP_FILL) {
		if (b->region || b->offset ||
		    !fxq_all_zero(b->mem_stride, 0, sizeof(b->mem_stride)))
			return FXQ_CAUSE_RESERVED;
		if (b->elem < 4 && b->fill >> (8 * b->elem))
			return FXQ_CAUSE_RESERVED;
		k->summary.bytes += bytes;
		return FXQ_CAUSE_NONE;
	}
	if (b->fill)
		return FXQ_CAUSE_RESERVED;
	if (b->region >= FXQ_MAX_REGIONS)
		return FXQ_CAUSE_VALUE;
	if (!fxq_dma_extent(b, &lo, &hi))
		return FXQ_CAUSE_REGION_BOUNDS;
	use = &k->summary.region[b->region];
	plo = write ? &use->write_lo : &use->read_lo;
	phi = write ? &use->write_hi : &use->read_hi;
	if (!*phi || lo < *plo)
		*plo = lo;
	if (hi > *phi)
		*phi = hi;
	k->summary.bytes += bytes;
	return FXQ_CAUSE_NONE;
}

/* Fields of the epilogue that CONV, DWCONV and MATMUL share. */
static inline __u32 fxq_check_epilogue(__u32 flags, const struct fxq_fm *res,
				       __u32 res_m, __s8 zr, __u32 lut,
				       __s8 lo, __s8 hi)
{
	if (flags & FXQ_F_RAW && flags & (FXQ_F_RESIDUAL | FXQ_F_LUT))
		return FXQ_CAUSE_FLAGS;
	if (!(flags & FXQ_F_RESIDUAL) &&
	    (res_m || zr || !fxq_all_zero(res, 0, sizeof(*res))))
		return FXQ_CAUSE_RESERVED;
	if (!(flags & FXQ_F_LUT) && lut)
		return FXQ_CAUSE_RESERVED;
	if (lo > hi)
		return FXQ_CAUSE_VALUE;
	return FXQ_CAUSE_NONE;
}

/* Does @d continue the chain that its predecessors opened, or begin one? */
static inline __u32 fxq_check_chain(struct fxq_checker *k,
				    const struct fxq_desc *d)
{
	const struct fxq_body_conv *b = &d->conv;
	__u64 key = 1ull << 48 | (__u64)b->oh << 32 | (__u32)b->ow << 16 | b->oc;
	__u64 acc = fxq_mul3(b->oh, b->ow, fxq_round_up(b->oc, FXQ_BLOCK) * 4ull);
	int first = !!(d->flags & FXQ_F_ACC_FIRST);
	int last = !!(d->flags & FXQ_F_ACC_LAST);

	if (first ? k->chain != 0 : k->chain != key)
		return FXQ_CAUSE_CHAIN;
	if (!(first && last) && (acc > k->caps.acc_bytes || b->groups != 1))
		return FXQ_CAUSE_CHAIN;
	k->chain = last ? 0 : key;
	return FXQ_CAUSE_NONE;
}

static inline __u32 fxq_check_conv(struct fxq_checker *k,
				   const struct fxq_desc *d)
{
	const struct fxq_body_conv *b = &d->conv;
	int dw = d->opcode == FXQ_OP_DWCONV;
	__u64 pixels = (__u64)b->oh * b->ow, weights;
	__u32 cause;

	if (!b->ih || !b->iw || !b->ic || !b->oh || !b->ow || !b->oc ||
	    !b->groups || !b->kh || !b->kw || !b->sh || !b->sw || !b->dh ||
	    !b->dw)
		return FXQ_CAUSE_ZERO;
	if (b->ic % b->groups || b->oc % b->groups)
		return FXQ_CAUSE_VALUE;
	if (dw && (b->groups != 1 || b->ic != b->oc))
		return FXQ_CAUSE_VALUE;
	cause = fxq_check_epilogue(d->flags, &b->res, b->res_m, b->zr, b->lut,
				   b->lo, b->hi);
	if (cause)
		return cause;
	if (!dw && !(d->flags & FXQ_F_ACC_LAST) &&
	    (b->params || d->flags & FXQ_F_EPILOGUE))
		return FXQ_CAUSE_RESERVED;
	/* Each weight, those of padding too, is used once for a pixel. */
	weights = dw ? fxq_dwconv_weight_bytes(b->ic, b->kh, b->kw) :
		  fxq_conv_weight_bytes(b->ic, b->oc, b->kh, b->kw, b->groups);
	if (fxq_mul(pixels, weights) > FXQ_MAX_MACS)
		return FXQ_CAUSE_WORK;
	cause = dw ? FXQ_CAUSE_NONE : fxq_check_chain(k, d);
	if (cause)
		return cause;
	k->summary.macs += pixels * b->oc * b->kh * b->kw *
			   (dw ? 1 : b->ic / b->groups);
	return FXQ_CAUSE_NONE;
}

static inline __u32 fxq_check_matmul(struct fxq_checker *k,
				     const struct fxq_desc *d)
{
	const struct fxq_body_matmul *b = &d->matmul;
	__u64 rows = (__u64)b->batch * b->m;
	__u32 cause;

	if (!b->batch || !b->m || !b->n || !b->k)
		return FXQ_CAUSE_ZERO;
	cause = fxq_check_epilogue(d->flags, &b->res, b->res_m, b->zr, b->lut,
				   b->lo, b->hi);
	if (cause)
		return cause;
	if (fxq_mul3(rows, fxq_round_up(b->n, FXQ_BLOCK),
		     fxq_round_up(b->k, 4)) > FXQ_MAX_MACS)
		return FXQ_CAUSE_WORK;
	k->summary.macs += rows * b->n * b->k;
	return FXQ_CAUSE_NONE;
}

/* Work of a VX descriptor: @n results (or inputs) of one byte. */
static inline __u32 fxq_check_vx(struct fxq_checker *k, __u64 n, __s8 lo,
				 __s8 hi)
{
	if (!n)
		return FXQ_CAUSE_ZERO;
	if (n > k->caps.spm_bytes)
		return FXQ_CAUSE_WORK;
	if (lo > hi)
		return FXQ_CAUSE_VALUE;
	k->summary.bytes += n;
	return FXQ_CAUSE_NONE;
}

static inline __u32 fxq_check_binary(struct fxq_checker *k,
				     const struct fxq_desc *d)
{
	const struct fxq_body_binary *b = &d->binary;

	if (d->opcode == FXQ_OP_MUL && b->mb)
		return FXQ_CAUSE_RESERVED;
	return fxq_check_vx(k, fxq_mul3(b->h, b->w, b->c), b->lo, b->hi);
}

/* The work of pooling is not its results but what their windows read. */
static inline __u32 fxq_check_pool(struct fxq_checker *k,
				   const struct fxq_desc *d)
{
	const struct fxq_body_pool *b = &d->pool;
	__u64 n = fxq_mul3(b->oh, b->ow, b->c);
	__u32 taps = b->kh * b->kw, cause;

	if (!b->ih || !b->iw || !b->kh || !b->kw || !b->sh || !b->sw ||
	    !b->dh || !b->dw)
		return FXQ_CAUSE_ZERO;
	if (d->opcode == FXQ_OP_MAXPOOL &&
	    (b->table || b->zx || b->zy || b->count_pad))
		return FXQ_CAUSE_RESERVED;
	if (b->count_pad > 1)
		return FXQ_CAUSE_VALUE;
	if (fxq_mul3((__u64)b->oh * b->ow, fxq_round_up(b->c, FXQ_BLOCK),
		     taps) > FXQ_MAX_MACS)
		return FXQ_CAUSE_WORK;
	cause = fxq_check_vx(k, n, b->lo, b->hi);
	if (!cause)
		k->summary.bytes += n * (taps - 1);
	return cause;
}

static inline __u32 fxq_check_unary(struct fxq_checker *k,
				    const struct fxq_desc *d)
{
	const struct fxq_body_unary *b = &d->unary;
	int norm = d->opcode == FXQ_OP_LAYERNORM;

	if (d->opcode == FXQ_OP_LUT &&
	    (b->m || b->zx || b->zy || b->lo || b->hi))
		return FXQ_CAUSE_RESERVED;
	if (!fxq_unary_table_bytes(d) && b->table)
		return FXQ_CAUSE_RESERVED;
	if (!norm && b->eps)
		return FXQ_CAUSE_RESERVED;
	if ((norm || d->opcode == FXQ_OP_SOFTMAX) && b->c > FXQ_MAX_ROW)
		return FXQ_CAUSE_VALUE;
	return fxq_check_vx(k, fxq_mul3(b->h, b->w, b->c), b->lo, b->hi);
}

static inline __u32 fxq_check_resize(struct fxq_checker *k,
				     const struct fxq_desc *d)
{
	const struct fxq_body_resize *b = &d->resize;

	if (!b->ih || !b->iw)
		return FXQ_CAUSE_ZERO;
	return fxq_check_vx(k, fxq_mul3(b->oh, b->ow, b->c), b->lo, b->hi);
}

static inline __u32 fxq_check_reduce(struct fxq_checker *k,
				     const struct fxq_desc *d)
{
	const struct fxq_body_reduce *b = &d->reduce;

	if (b->kind > FXQ_REDUCE_MAX || b->axis > FXQ_AXIS_W)
		return FXQ_CAUSE_VALUE;
	return fxq_check_vx(k, fxq_mul3(b->h, b->w, b->c), b->lo, b->hi);
}

static inline __u32 fxq_check_permute(struct fxq_checker *k,
				      const struct fxq_desc *d)
{
	const struct fxq_body_permute *b = &d->permute;

	if (b->perm[0] > 2 || b->perm[1] > 2 || b->perm[2] > 2 ||
	    (1 << b->perm[0] | 1 << b->perm[1] | 1 << b->perm[2]) != 7)
		return FXQ_CAUSE_VALUE;
	return fxq_check_vx(k, fxq_mul3(b->h, b->w, b->c), 0, 0);
}

/*
 * Checks the next descriptor of a stream and adds it to the summary, unless it
 * is refused. Returns enum fxq_cause. An accumulation chain admits nothing in
 * between on MX.
 */
static inline __u32 fxq_check_desc(struct fxq_checker *k,
				   const struct fxq_desc *d)
{
	__u32 cause = fxq_check_header(k, d);

	if (cause)
		return cause;
	if (k->chain && d->engine == FXQ_ENGINE_MX && d->opcode != FXQ_OP_CONV)
		return FXQ_CAUSE_CHAIN;
	switch (d->opcode) {
#define X(id, name, engine, body, flags)		\
	case FXQ_OP_##id:				\
		cause = fxq_check_##body(k, d);		\
		break;
	FXQ_OPS(X)
#undef X
	default:
		return FXQ_CAUSE_OPCODE;
	}
	if (cause)
		return cause;
	k->summary.count[d->engine]++;
	return FXQ_CAUSE_NONE;
}

static inline void fxq_checker_init(struct fxq_checker *k,
				    const struct fxq_caps *caps)
{
	*k = (struct fxq_checker){ .caps = *caps };
}

/*
 * Checks a whole stream. Returns enum fxq_cause; *@index is the descriptor at
 * fault. On FXQ_CAUSE_NONE, k->summary tells what the stream does.
 */
static inline __u32 fxq_check_stream(struct fxq_checker *k,
				     const struct fxq_desc *stream, __u64 count,
				     __u32 *index)
{
	__u32 i, cause;

	*index = 0;
	if (!count || count > k->caps.max_descriptors)
		return FXQ_CAUSE_EMPTY;
	for (i = 0; i < count; i++) {
		*index = i;
		cause = fxq_check_desc(k, &stream[i]);
		if (cause)
			return cause;
	}
	return k->chain ? FXQ_CAUSE_CHAIN : FXQ_CAUSE_NONE;
}

#endif /* FXQ_CHECK_H */
