/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * fxq_cmd.h - what the compiler says to the machine
 *
 * A stream is an array of 128-byte little-endian descriptors, 128-aligned.
 * Each is complete in itself: no state is carried from one to the next but
 * the accumulators of a chained convolution (FXQ_F_ACC_*). Four engines take
 * them in order: LD and ST move data between memory and the scratchpad (SPM),
 * MX multiplies, VX does the rest.
 *
 * wait[e] says how many descriptors of engine e, counted from the start of
 * the stream, must have completed before this one starts. It never exceeds
 * the number that stand earlier, so a stream cannot deadlock; the entry of
 * the descriptor's own engine is 0, since an engine is in order anyway.
 *
 * Rules that hold throughout: reserved bytes and unknown flags are zero or
 * the descriptor is refused; sizes are counts, never "minus one", and never
 * zero; an fp32 number travels as its bits in a __u32.
 */
#ifndef FXQ_CMD_H
#define FXQ_CMD_H

#include <linux/types.h>

#ifdef __KERNEL__
#include <linux/build_bug.h>	/* static_assert() */
#else
#include <assert.h>
#endif

#define FXQ_DESC_BYTES		128
#define FXQ_SPM_ALIGN		64	/* of every scratchpad offset */
#define FXQ_BLOCK		32	/* channels in a block of the layout */
#define FXQ_MAX_REGIONS		16
#define FXQ_LUT_BYTES		256
#define FXQ_SOFTMAX_TABLE_BYTES	1024	/* 256 x __u32 */
#define FXQ_MAX_ROW		4096	/* channels of SOFTMAX and LAYERNORM */
#define FXQ_RESIZE_ONE		2048	/* the fraction that means 1 */

/* X(id, name) */
#define FXQ_ENGINES(X)		\
	X(LD, "LD")		\
	X(ST, "ST")		\
	X(MX, "MX")		\
	X(VX, "VX")

enum fxq_engine {
#define X(id, name) FXQ_ENGINE_##id,
	FXQ_ENGINES(X)
#undef X
	FXQ_ENGINE_COUNT
};

/*
 * X(id, name, engine, body, flags): every operator of the machine.
 *
 * @body names the member of struct fxq_desc that the operator reads, @flags
 * are the bits of fxq_desc.flags it understands. Opcode 0 is invalid, so
 * that zeroed memory is never a program.
 */
#define FXQ_OPS(X)							      \
	X(LOAD,       "load",       LD, dma,     0)			      \
	X(FILL,       "fill",       LD, dma,     0)			      \
	X(STORE,      "store",      ST, dma,     0)			      \
	X(CONV,       "conv",       MX, conv,    FXQ_F_EPILOGUE | FXQ_F_ACC)  \
	X(DWCONV,     "dwconv",     MX, conv,    FXQ_F_EPILOGUE)	      \
	X(MATMUL,     "matmul",     MX, matmul,  FXQ_F_EPILOGUE | FXQ_F_TRANS_B) \
	X(ADD,        "add",        VX, binary,  FXQ_F_BROADCAST)	      \
	X(SUB,        "sub",        VX, binary,  FXQ_F_BROADCAST)	      \
	X(MUL,        "mul",        VX, binary,  FXQ_F_BROADCAST)	      \
	X(MIN,        "min",        VX, binary,  FXQ_F_BROADCAST)	      \
	X(MAX,        "max",        VX, binary,  FXQ_F_BROADCAST)	      \
	X(MAXPOOL,    "maxpool",    VX, pool,    0)			      \
	X(AVGPOOL,    "avgpool",    VX, pool,    0)			      \
	X(GLOBALPOOL, "globalpool", VX, unary,   0)			      \
	X(LUT,        "lut",        VX, unary,   0)			      \
	X(RESIZE,     "resize",     VX, resize,  FXQ_F_BILINEAR)	      \
	X(REDUCE,     "reduce",     VX, reduce,  0)			      \
	X(SOFTMAX,    "softmax",    VX, unary,   0)			      \
	X(LAYERNORM,  "layernorm",  VX, unary,   0)			      \
	X(REQUANT,    "requant",    VX, unary,   0)			      \
	X(TRANSPOSE,  "transpose",  VX, permute, 0)

enum fxq_op {
	FXQ_OP_INVALID,
#define X(id, name, engine, body, flags) FXQ_OP_##id,
	FXQ_OPS(X)
#undef X
	FXQ_OP_COUNT
};

/* Flags of MX: what follows the sum. */
#define FXQ_F_RESIDUAL		(1u << 0)	/* add res before the clamp */
#define FXQ_F_LUT		(1u << 1)	/* look up after the clamp */
#define FXQ_F_RAW		(1u << 2)	/* out is acc + bias, int32 */
#define FXQ_F_EPILOGUE		(FXQ_F_RESIDUAL | FXQ_F_LUT | FXQ_F_RAW)
/*
 * A convolution whose weights exceed the SPM is a chain of adjacent CONV
 * descriptors over the same output box (at most the accumulators' size,
 * counted as oh * ow * oc rounded up to a block * 4 bytes), each over a part
 * of the input channels. One that is not chained carries both bits. Only the
 * last has an epilogue: before it, params is 0, and out and clamp say nothing.
 */
#define FXQ_F_ACC_FIRST		(1u << 3)	/* sums start at zero */
#define FXQ_F_ACC_LAST		(1u << 4)	/* sums are finished */
#define FXQ_F_ACC		(FXQ_F_ACC_FIRST | FXQ_F_ACC_LAST)
#define FXQ_F_TRANS_B		(1u << 5)	/* MATMUL: b is n pixels of k */
/* Flags of binary VX operators: the operand has size 1 in that direction. */
#define FXQ_F_A_BCAST_C		(1u << 0)
#define FXQ_F_A_BCAST_H		(1u << 1)
#define FXQ_F_A_BCAST_W		(1u << 2)
#define FXQ_F_B_BCAST_C		(1u << 3)
#define FXQ_F_B_BCAST_H		(1u << 4)
#define FXQ_F_B_BCAST_W		(1u << 5)
#define FXQ_F_BROADCAST		0x3fu
#define FXQ_F_BILINEAR		(1u << 0)	/* RESIZE: else nearest */

/*
 * struct fxq_fm - a box of a feature map in the SPM
 * @addr: of the tensor's (or its channel block's) first byte; 64-aligned
 * @plane: bytes from one block of 32 channels to the next; 64-aligned
 * @row: pixels from one row of the tensor to the next
 * @y: first row of the box
 * @x: first column of the box
 * @c: channels of the tensor from @addr on
 *
 * The layout is [ceil(c/32)][rows][@row][32]; a block of fewer than 32
 * channels has a pixel stride of its channels rounded up to 4, see
 * fxq_pixel_stride(). How large the box is, the operator says.
 */
struct fxq_fm {
	__u32 addr;
	__u32 plane;
	__u16 row;
	__u16 y;
	__u16 x;
	__u16 c;
};

/*
 * struct fxq_body_dma - LOAD, STORE, FILL
 * @offset: into the region, in bytes; 0 for FILL
 * @spm: SPM offset of the first element; the box may start @spm_skip bytes
 *	 further, so that @spm stays 64-aligned
 * @n: elements in each of four dimensions, innermost first
 * @mem_stride: bytes between elements in memory, signed; 0 for FILL
 * @spm_stride: bytes between elements in the SPM, not negative
 * @region: 0..15, an entry of the job's binding table; 0 for FILL
 * @elem: 1, 2 or 4 bytes
 * @fill: FILL: the element's value, in the low @elem bytes
 *
 *	for each i3, i2, i1, i0:
 *		spm[sum(i * spm_stride)] = mem[offset + sum(i * mem_stride)]
 */
struct fxq_body_dma {
	__u64 offset;
	__u32 spm;
	__u32 spm_skip;
	__u32 n[4];
	__s32 mem_stride[4];
	__u32 spm_stride[4];
	__u32 fill;
	__u8 region;
	__u8 elem;
	__u8 reserved[34];
};

/*
 * struct fxq_param - one output channel of CONV, DWCONV, MATMUL
 * @bias: b' = bias - (z_x + 128) * sum of the channel's weights
 * @m: fp32 multiplier
 * @n: fp32 multiplier of negative sums; equals @m unless PReLU
 */
struct fxq_param {
	__s32 bias;
	__u32 m;
	__u32 n;
	__u32 reserved;
};

/*
 * struct fxq_body_conv - CONV, DWCONV
 * @in: box of @ih x @iw pixels, @ic channels
 * @out: box of @oh x @ow pixels, @oc channels; with FXQ_F_RAW its elements
 *	 are int32 and pixel strides four times as large
 * @res: FXQ_F_RESIDUAL: same box as @out, else zero
 * @weights: SPM offset. CONV: for each group [ceil(oc/32)][input block][kh]
 *	     [ceil(kw*cb/4)][32 oc][4], zero-filled, where oc and input blocks
 *	     are those of the group and cb is the block's channels rounded up
 *	     to 4; k runs over kw, then channels. DWCONV: [ceil(c/32)][kh][kw][32]
 * @params: SPM offset of struct fxq_param[oc rounded up to 32]
 * @lut: FXQ_F_LUT: SPM offset of 256 bytes, else 0
 * @groups: divides @ic and @oc; 1 for DWCONV, whose @ic equals @oc
 * @kh: kernel rows; @kw: columns
 * @sh, @sw: strides; @dh, @dw: dilations, each at least 1
 * @pad_t, @pad_l: rows above and columns left of the box. Whatever lies
 *		   outside @ih x @iw reads as z_x, so the other two sides
 *		   need no field
 * @zx, @zy, @zr: zero points of in, out, res
 * @lo, @hi: the clamp
 * @res_m: fp32, s_res / s_out
 *
 * All sums are mod 2^32:
 *
 *	acc = sum over group's (ky, kx, c) of
 *		(in[oy*sh + ky*dh - pad_t][ox*sw + kx*dw - pad_l][c] + 128) * w
 *	t   = (float)(acc + bias) * (acc + bias < 0 ? n : m)
 *	v   = t + (float)(res - zr) * res_m
 *	out = lut[Q(v)]
 */
struct fxq_body_conv {
	struct fxq_fm in, out, res;
	__u32 weights;
	__u32 params;
	__u32 lut;
	__u32 res_m;
	__u16 ih, iw, ic;
	__u16 oh, ow, oc;
	__u16 groups;
	__u8 kh, kw, sh, sw, dh, dw, pad_t, pad_l;
	__s8 zx, zy, zr, lo, hi;
	__u8 reserved[13];
};

/*
 * struct fxq_body_matmul - MATMUL of two activations
 * @a: box of @batch rows x @m pixels x @k channels
 * @b: @batch rows x @k pixels x @n channels, or with FXQ_F_TRANS_B
 *     @batch rows x @n pixels x @k channels
 * @out: box of @batch rows x @m pixels x @n channels
 * @params: SPM offset of struct fxq_param[n rounded up to 32]
 *
 *	acc = sum over k of (a - za) * (b - zb) mod 2^32, then as CONV.
 */
struct fxq_body_matmul {
	struct fxq_fm a, b, out, res;
	__u32 params;
	__u32 lut;
	__u32 res_m;
	__u16 batch, m, n, k;
	__s8 za, zb, zy, zr, lo, hi;
	__u8 reserved[14];
};

/*
 * struct fxq_body_binary - ADD, SUB, MUL, MIN, MAX
 * @a, @b: boxes of @h x @w x @c, or 1 where a broadcast flag says so
 * @out: box of @h x @w x @c
 * @ma, @mb: fp32; MUL uses @ma alone and @mb is 0
 */
struct fxq_body_binary {
	struct fxq_fm a, b, out;
	__u32 ma, mb;
	__u16 h, w, c;
	__s8 za, zb, zy, lo, hi;
	__u8 reserved[37];
};

/*
 * struct fxq_body_pool - MAXPOOL, AVGPOOL
 * @in: box of @ih x @iw x @c; @out: box of @oh x @ow x @c
 * @table: AVGPOOL: SPM offset of fp32 m[kh*kw], m[i] for i + 1 counted
 *	   elements; MAXPOOL: 0
 * @count_pad: AVGPOOL: 1 if elements outside the input count (as z_x)
 *
 * MAXPOOL keeps scale and zero point: zx, zy are 0, and lo, hi clamp. A window
 * that lies wholly outside the input gives lo; one of AVGPOOL that counts
 * nothing gives zy, clamped.
 */
struct fxq_body_pool {
	struct fxq_fm in, out;
	__u32 table;
	__u16 ih, iw, oh, ow, c;
	__u8 kh, kw, sh, sw, dh, dw, pad_t, pad_l;
	__s8 zx, zy, lo, hi;
	__u8 count_pad;
	__u8 reserved[45];
};

/*
 * struct fxq_body_unary - LUT, REQUANT, GLOBALPOOL, SOFTMAX, LAYERNORM
 * @in: box of @h x @w x @c
 * @out: same box; 1 x 1 x @c for GLOBALPOOL
 * @table: LUT: 256 bytes; SOFTMAX: 256 x u32; LAYERNORM: c x {fp32 g, h};
 *	   else 0
 * @m: fp32 multiplier; LUT: 0
 * @eps: LAYERNORM: fp32 eps'; else 0
 *
 * SOFTMAX and LAYERNORM run over the channels of each pixel, at most
 * FXQ_MAX_ROW; zx does not matter to them, nor m to LAYERNORM, whose g and h
 * hold the scale. LUT uses no zero points and no clamp: zx, zy, lo, hi are 0.
 * GLOBALPOOL is the mean.
 */
struct fxq_body_unary {
	struct fxq_fm in, out;
	__u32 table;
	__u32 m;
	__u32 eps;
	__u16 h, w, c;
	__s8 zx, zy, lo, hi;
	__u8 reserved[50];
};

/*
 * struct fxq_body_resize - RESIZE
 * @in: box of @ih x @iw x @c; @out: box of @oh x @ow x @c
 * @ytab, @xtab: SPM offsets of {__u16 index, __u16 fraction}[oh], [ow]. The
 *		 second neighbour is index + 1, held inside the box. Nearest
 *		 does not look at the fraction. An index outside the box, or a
 *		 fraction above FXQ_RESIZE_ONE, is a fault
 * @m: fp32, s_in / s_out
 */
struct fxq_body_resize {
	struct fxq_fm in, out;
	__u32 ytab, xtab;
	__u32 m;
	__u16 ih, iw, oh, ow, c;
	__s8 zx, zy, lo, hi;
	__u8 reserved[46];
};

enum fxq_reduce_kind {
	FXQ_REDUCE_SUM,		/* also the mean, which differs in m */
	FXQ_REDUCE_MAX,
};

/* Directions of a feature map, as REDUCE and TRANSPOSE name them. */
enum fxq_axis {
	FXQ_AXIS_C,
	FXQ_AXIS_H,
	FXQ_AXIS_W,
};

/*
 * struct fxq_body_reduce - REDUCE
 * @in: box of @h x @w x @c; @out: the same, 1 along @axis
 * @kind: enum fxq_reduce_kind; MAX takes v = (x - zx) * m as SUM does
 * @axis: enum fxq_axis
 */
struct fxq_body_reduce {
	struct fxq_fm in, out;
	__u32 m;
	__u16 h, w, c;
	__s8 zx, zy, lo, hi;
	__u8 kind, axis;
	__u8 reserved[56];
};

/*
 * struct fxq_body_permute - TRANSPOSE
 * @in: box of @h x @w x @c
 * @out: out's direction i (C, H, W) is in's direction @perm[i]
 * @perm: a permutation of enum fxq_axis
 */
struct fxq_body_permute {
	struct fxq_fm in, out;
	__u16 h, w, c;
	__u8 perm[3];
	__u8 reserved[63];
};

/*
 * struct fxq_desc - one descriptor
 * @opcode: enum fxq_op
 * @engine: enum fxq_engine, the one that FXQ_OPS names
 * @flags: FXQ_F_*, only those that FXQ_OPS names for the operator
 * @tag: the source operator, for profiles and faults; the image names it
 * @wait: see the head of this file
 */
struct fxq_desc {
	__u8 opcode;
	__u8 engine;
	__u16 flags;
	__u32 tag;
	__u32 wait[FXQ_ENGINE_COUNT];
	union {
		struct fxq_body_dma dma;
		struct fxq_body_conv conv;
		struct fxq_body_matmul matmul;
		struct fxq_body_binary binary;
		struct fxq_body_pool pool;
		struct fxq_body_unary unary;
		struct fxq_body_resize resize;
		struct fxq_body_reduce reduce;
		struct fxq_body_permute permute;
		__u8 bytes[104];
	};
} __attribute__((aligned(8)));

static_assert(sizeof(struct fxq_fm) == 16, "a feature map is 16 bytes");
static_assert(sizeof(struct fxq_param) == 16, "a parameter is 16 bytes");
static_assert(sizeof(struct fxq_body_dma) == 104, "dma");
static_assert(sizeof(struct fxq_body_conv) == 104, "conv");
static_assert(sizeof(struct fxq_body_matmul) == 104, "matmul");
static_assert(sizeof(struct fxq_body_binary) == 104, "binary");
static_assert(sizeof(struct fxq_body_pool) == 104, "pool");
static_assert(sizeof(struct fxq_body_unary) == 104, "unary");
static_assert(sizeof(struct fxq_body_resize) == 104, "resize");
static_assert(sizeof(struct fxq_body_reduce) == 104, "reduce");
static_assert(sizeof(struct fxq_body_permute) == 104, "permute");
static_assert(sizeof(struct fxq_desc) == FXQ_DESC_BYTES, "descriptor");

static inline __u32 fxq_round_up(__u32 n, __u32 step)
{
	return (n + step - 1) / step * step;
}

static inline __u32 fxq_div_up(__u32 n, __u32 d)
{
	return n / d + (n % d != 0);
}

/* Bytes (of int8 elements) between pixels of block @block of @c channels. */
static inline __u32 fxq_pixel_stride(__u32 c, __u32 block)
{
	__u32 left = c - block * FXQ_BLOCK;

	return left >= FXQ_BLOCK ? FXQ_BLOCK : fxq_round_up(left, 4);
}

#endif /* FXQ_CMD_H */
