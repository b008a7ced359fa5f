/* SPDX-License-Identifier: MIT */
/*
 * streams.h - short ways to write descriptors, for tests of the machine
 *
 * Each returns a descriptor that the machine takes as it stands; a test
 * changes the field that it is about.
 */
#ifndef TESTS_STREAMS_H
#define TESTS_STREAMS_H

#include <stdint.h>
#include <string.h>

#include <fxq/fxq_cmd.h>

static inline struct fxq_desc wait_for(struct fxq_desc d, uint32_t ld,
				       uint32_t st, uint32_t mx, uint32_t vx)
{
	d.wait[FXQ_ENGINE_LD] = ld;
	d.wait[FXQ_ENGINE_ST] = st;
	d.wait[FXQ_ENGINE_MX] = mx;
	d.wait[FXQ_ENGINE_VX] = vx;
	return d;
}

/* @bytes in one piece between @offset of @region and @spm. */
static inline struct fxq_desc dma(uint32_t op, uint32_t region,
				  uint64_t offset, uint32_t spm,
				  uint32_t bytes)
{
	struct fxq_desc d = {
		.opcode = op,
		.engine = op == FXQ_OP_STORE ? FXQ_ENGINE_ST : FXQ_ENGINE_LD,
		.dma = {
			.offset = offset,
			.spm = spm,
			.n = { bytes, 1, 1, 1 },
			.mem_stride = { op == FXQ_OP_FILL ? 0 : 1 },
			.spm_stride = { 1 },
			.region = region,
			.elem = 1,
		},
	};

	return d;
}

static inline struct fxq_desc load(uint32_t region, uint64_t offset,
				   uint32_t spm, uint32_t bytes)
{
	return dma(FXQ_OP_LOAD, region, offset, spm, bytes);
}

static inline struct fxq_desc store(uint32_t region, uint64_t offset,
				    uint32_t spm, uint32_t bytes)
{
	return dma(FXQ_OP_STORE, region, offset, spm, bytes);
}

static inline struct fxq_desc fill(uint32_t spm, uint32_t bytes, uint8_t value)
{
	struct fxq_desc d = dma(FXQ_OP_FILL, 0, 0, spm, bytes);

	d.dma.fill = value;
	return d;
}

/* A whole map of @h x @w x @c at @addr, its blocks packed. */
static inline struct fxq_fm map_of(uint32_t addr, uint32_t h, uint32_t w,
				   uint32_t c)
{
	struct fxq_fm fm = {
		.addr = addr,
		.plane = fxq_round_up(h * w * FXQ_BLOCK, FXQ_SPM_ALIGN),
		.row = w,
		.c = c,
	};

	return fm;
}

static inline uint32_t float_bits(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

/* A k x k convolution, stride 1, unpadded, that ends its own sums. */
static inline struct fxq_desc conv(uint32_t in, uint32_t out, uint32_t weights,
				   uint32_t params, uint32_t hw, uint32_t ic,
				   uint32_t oc, uint32_t k)
{
	uint32_t o = hw - k + 1;
	struct fxq_desc d = {
		.opcode = FXQ_OP_CONV,
		.engine = FXQ_ENGINE_MX,
		.flags = FXQ_F_ACC,
		.conv = {
			.in = map_of(in, hw, hw, ic),
			.out = map_of(out, o, o, oc),
			.weights = weights,
			.params = params,
			.ih = hw, .iw = hw, .ic = ic,
			.oh = o, .ow = o, .oc = oc,
			.groups = 1,
			.kh = k, .kw = k, .sh = 1, .sw = 1, .dh = 1, .dw = 1,
			.lo = -128, .hi = 127,
		},
	};

	return d;
}

static inline struct fxq_desc matmul(uint32_t a, uint32_t b, uint32_t out,
				     uint32_t params, uint32_t batch,
				     uint32_t m, uint32_t n, uint32_t k)
{
	struct fxq_desc d = {
		.opcode = FXQ_OP_MATMUL,
		.engine = FXQ_ENGINE_MX,
		.matmul = {
			.a = map_of(a, batch, m, k),
			.b = map_of(b, batch, k, n),
			.out = map_of(out, batch, m, n),
			.params = params,
			.batch = batch, .m = m, .n = n, .k = k,
			.lo = -128, .hi = 127,
		},
	};

	return d;
}

static inline struct fxq_desc binary(uint32_t op, uint32_t a, uint32_t b,
				     uint32_t out, uint32_t h, uint32_t w,
				     uint32_t c)
{
	struct fxq_desc d = {
		.opcode = op,
		.engine = FXQ_ENGINE_VX,
		.binary = {
			.a = map_of(a, h, w, c),
			.b = map_of(b, h, w, c),
			.out = map_of(out, h, w, c),
			.ma = float_bits(1),
			.mb = op == FXQ_OP_MUL ? 0 : float_bits(1),
			.h = h, .w = w, .c = c,
			.lo = -128, .hi = 127,
		},
	};

	return d;
}

/* REQUANT with multiplier 1 is a copy. */
static inline struct fxq_desc unary(uint32_t op, uint32_t in, uint32_t out,
				    uint32_t table, uint32_t h, uint32_t w,
				    uint32_t c)
{
	int global = op == FXQ_OP_GLOBALPOOL, lut = op == FXQ_OP_LUT;
	struct fxq_desc d = {
		.opcode = op,
		.engine = FXQ_ENGINE_VX,
		.unary = {
			.in = map_of(in, h, w, c),
			.out = map_of(out, global ? 1 : h, global ? 1 : w, c),
			.table = table,
			.m = lut ? 0 : float_bits(1),
			.h = h, .w = w, .c = c,
			.lo = lut ? 0 : -128, .hi = lut ? 0 : 127,
		},
	};

	return d;
}

static inline struct fxq_desc pool(uint32_t op, uint32_t in, uint32_t out,
				   uint32_t table, uint32_t hw, uint32_t c,
				   uint32_t k, uint32_t stride)
{
	uint32_t o = (hw - k) / stride + 1;
	struct fxq_desc d = {
		.opcode = op,
		.engine = FXQ_ENGINE_VX,
		.pool = {
			.in = map_of(in, hw, hw, c),
			.out = map_of(out, o, o, c),
			.table = table,
			.ih = hw, .iw = hw, .oh = o, .ow = o, .c = c,
			.kh = k, .kw = k, .sh = stride, .sw = stride,
			.dh = 1, .dw = 1,
			.lo = -128, .hi = 127,
		},
	};

	return d;
}

static inline struct fxq_desc resize(uint32_t in, uint32_t out, uint32_t ytab,
				     uint32_t xtab, uint32_t ihw, uint32_t ohw,
				     uint32_t c)
{
	struct fxq_desc d = {
		.opcode = FXQ_OP_RESIZE,
		.engine = FXQ_ENGINE_VX,
		.resize = {
			.in = map_of(in, ihw, ihw, c),
			.out = map_of(out, ohw, ohw, c),
			.ytab = ytab, .xtab = xtab,
			.m = float_bits(1),
			.ih = ihw, .iw = ihw, .oh = ohw, .ow = ohw, .c = c,
			.lo = -128, .hi = 127,
		},
	};

	return d;
}

static inline struct fxq_desc reduce(uint32_t in, uint32_t out, uint32_t axis,
				     uint32_t h, uint32_t w, uint32_t c)
{
	struct fxq_desc d = {
		.opcode = FXQ_OP_REDUCE,
		.engine = FXQ_ENGINE_VX,
		.reduce = {
			.in = map_of(in, h, w, c),
			.out = map_of(out, axis == FXQ_AXIS_H ? 1 : h,
				      axis == FXQ_AXIS_W ? 1 : w,
				      axis == FXQ_AXIS_C ? 1 : c),
			.m = float_bits(1),
			.h = h, .w = w, .c = c,
			.lo = -128, .hi = 127,
			.axis = axis,
		},
	};

	return d;
}

static inline struct fxq_desc transpose(uint32_t in, uint32_t out, uint32_t h,
					uint32_t w, uint32_t c, uint32_t p0,
					uint32_t p1, uint32_t p2)
{
	const uint32_t size[3] = { c, h, w };
	struct fxq_desc d = {
		.opcode = FXQ_OP_TRANSPOSE,
		.engine = FXQ_ENGINE_VX,
		.permute = {
			.in = map_of(in, h, w, c),
			.out = map_of(out, size[p1], size[p2], size[p0]),
			.h = h, .w = w, .c = c,
			.perm = { p0, p1, p2 },
		},
	};

	return d;
}

#endif /* TESTS_STREAMS_H */
