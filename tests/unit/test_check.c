// SPDX-License-Identifier: MIT
/*
 * The stream checker: every cause it can name, found where it should be, and
 * a refused descriptor leaves no trace in the summary. Each operator is taken
 * once as it should be, and refused once for every rule that is its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fxq/fxq_spm.h>

#include "streams.h"

static const struct fxq_caps caps = FXQ_CAPS_DEFAULT;

/* One good descriptor of each operator, in the order of FXQ_OPS. */
static struct fxq_desc good(uint32_t op)
{
	struct fxq_desc d;

	switch (op) {
	case FXQ_OP_LOAD:
	case FXQ_OP_STORE:
		return dma(op, 3, 128, 0, 256);
	case FXQ_OP_FILL:
		return fill(0, 256, 7);
	case FXQ_OP_CONV:
		return conv(0, 8192, 16384, 65536, 6, 40, 33, 3);
	case FXQ_OP_DWCONV:
		d = conv(0, 8192, 16384, 65536, 6, 40, 40, 3);
		d.opcode = op;
		d.flags = 0;
		return d;
	case FXQ_OP_MATMUL:
		return matmul(0, 8192, 32768, 65536, 2, 5, 40, 70);
	case FXQ_OP_ADD:
	case FXQ_OP_SUB:
	case FXQ_OP_MUL:
	case FXQ_OP_MIN:
	case FXQ_OP_MAX:
		return binary(op, 0, 4096, 8192, 4, 4, 18);
	case FXQ_OP_MAXPOOL:
		return pool(op, 0, 8192, 0, 8, 32, 2, 2);
	case FXQ_OP_AVGPOOL:
		return pool(op, 0, 8192, 16384, 8, 32, 2, 2);
	case FXQ_OP_RESIZE:
		return resize(0, 8192, 32768, 36864, 4, 8, 32);
	case FXQ_OP_REDUCE:
		return reduce(0, 8192, FXQ_AXIS_C, 4, 4, 32);
	case FXQ_OP_TRANSPOSE:
		return transpose(0, 8192, 4, 6, 2, 2, 1, 0);
	default:
		return unary(op, 0, 8192, op == FXQ_OP_LUT ||
			     op == FXQ_OP_SOFTMAX || op == FXQ_OP_LAYERNORM ?
			     16384 : 0, 4, 4, 32);
	}
}

/*
 * Checks @d behind one good LOAD. A refusal must leave everything as that
 * LOAD left it.
 */
static uint32_t cause_of(struct fxq_desc d)
{
	struct fxq_desc first = good(FXQ_OP_LOAD);
	struct fxq_checker k, before;
	uint32_t cause;

	fxq_checker_init(&k, &caps);
	assert_int_equal(fxq_check_desc(&k, &first), FXQ_CAUSE_NONE);
	before = k;
	cause = fxq_check_desc(&k, &d);
	if (cause)
		assert_memory_equal(&k, &before, sizeof(k));
	else
		assert_int_equal(k.summary.count[d.engine],
				 before.summary.count[d.engine] + 1);
	return cause;
}

static uint32_t stream_cause(const struct fxq_desc *stream, uint64_t count,
			     uint32_t *index)
{
	struct fxq_checker k;

	fxq_checker_init(&k, &caps);
	return fxq_check_stream(&k, stream, count, index);
}

/* Takes the good descriptor of @op with one assignment made to it. */
#define REFUSES(op, change, cause)					\
	do {								\
		struct fxq_desc d = good(FXQ_OP_##op);			\
									\
		d.change;						\
		assert_int_equal(cause_of(d), FXQ_CAUSE_##cause);	\
	} while (0)

#define SPM_REFUSES(op, change, cause)					\
	do {								\
		struct fxq_desc d = good(FXQ_OP_##op);			\
									\
		d.change;						\
		assert_int_equal(cause_of(d), FXQ_CAUSE_NONE);		\
		assert_int_equal(fxq_check_spm(&caps, &d),		\
				 FXQ_CAUSE_##cause);			\
	} while (0)

static void takes_every_operator(void **state)
{
	uint32_t op;

	for (op = 1; op < FXQ_OP_COUNT; op++) {
		struct fxq_desc d = good(op);

		assert_int_equal(cause_of(d), FXQ_CAUSE_NONE);
		assert_int_equal(fxq_check_spm(&caps, &d), FXQ_CAUSE_NONE);
	}
}

static void refuses_an_unknown_opcode(void **state)
{
	REFUSES(LOAD, opcode = FXQ_OP_INVALID, OPCODE);
	REFUSES(LOAD, opcode = FXQ_OP_COUNT, OPCODE);
	REFUSES(LOAD, opcode = 255, OPCODE);
}

static void refuses_the_wrong_engine(void **state)
{
	uint32_t op;

	for (op = 1; op < FXQ_OP_COUNT; op++) {
		struct fxq_desc d = good(op);

		d.engine = (d.engine + 1) % FXQ_ENGINE_COUNT;
		assert_int_equal(cause_of(d), FXQ_CAUSE_ENGINE);
		d.engine = 255;
		assert_int_equal(cause_of(d), FXQ_CAUSE_ENGINE);
	}
}

static void refuses_every_unknown_flag(void **state)
{
	uint32_t op, bit;

	for (op = 1; op < FXQ_OP_COUNT; op++)
		for (bit = 0; bit < 16; bit++) {
			struct fxq_desc d = good(op);

			if (fxq_op_flags(op) >> bit & 1)
				continue;
			d.flags |= 1u << bit;
			assert_int_equal(cause_of(d), FXQ_CAUSE_FLAGS);
		}
	REFUSES(MATMUL, flags = FXQ_F_RAW | FXQ_F_LUT, FLAGS);
	REFUSES(CONV, flags = FXQ_F_ACC | FXQ_F_RAW | FXQ_F_RESIDUAL, FLAGS);
}

static void refuses_every_reserved_byte(void **state)
{
	uint32_t op, at;

	for (op = 1; op < FXQ_OP_COUNT; op++)
		for (at = fxq_body_used(op); at < 104; at++) {
			struct fxq_desc d = good(op);

			d.bytes[at] = 1;
			assert_int_equal(cause_of(d), FXQ_CAUSE_RESERVED);
		}
}

static void refuses_a_field_that_the_operator_does_not_use(void **state)
{
	REFUSES(LOAD, dma.fill = 1, RESERVED);
	REFUSES(FILL, dma.offset = 1, RESERVED);
	REFUSES(FILL, dma.region = 1, RESERVED);
	REFUSES(FILL, dma.mem_stride[3] = 1, RESERVED);
	REFUSES(FILL, dma.fill = 256, RESERVED);
	REFUSES(CONV, conv.res.addr = 64, RESERVED);
	REFUSES(CONV, conv.res_m = 1, RESERVED);
	REFUSES(CONV, conv.zr = 1, RESERVED);
	REFUSES(CONV, conv.lut = 64, RESERVED);
	REFUSES(MATMUL, matmul.lut = 64, RESERVED);
	REFUSES(MUL, binary.mb = 1, RESERVED);
	REFUSES(MAXPOOL, pool.table = 64, RESERVED);
	REFUSES(MAXPOOL, pool.zx = 1, RESERVED);
	REFUSES(MAXPOOL, pool.count_pad = 1, RESERVED);
	REFUSES(REQUANT, unary.table = 64, RESERVED);
	REFUSES(REQUANT, unary.eps = 1, RESERVED);
	REFUSES(LUT, unary.m = 1, RESERVED);
	REFUSES(LUT, unary.lo = -1, RESERVED);
}

static void refuses_waits_beyond_what_stands_earlier(void **state)
{
	/* One LOAD stands before it, and nothing else */
	REFUSES(ADD, wait[FXQ_ENGINE_LD] = 1, NONE);
	REFUSES(ADD, wait[FXQ_ENGINE_LD] = 2, WAIT);
	REFUSES(ADD, wait[FXQ_ENGINE_ST] = 1, WAIT);
	REFUSES(ADD, wait[FXQ_ENGINE_MX] = ~0u, WAIT);
}

static void refuses_a_wait_for_the_own_engine(void **state)
{
	REFUSES(LOAD, wait[FXQ_ENGINE_LD] = 1, WAIT_SELF);
	REFUSES(STORE, wait[FXQ_ENGINE_ST] = 1, WAIT_SELF);
	REFUSES(CONV, wait[FXQ_ENGINE_MX] = 1, WAIT_SELF);
	REFUSES(ADD, wait[FXQ_ENGINE_VX] = 1, WAIT_SELF);
}

static void refuses_sizes_of_zero(void **state)
{
	REFUSES(LOAD, dma.n[0] = 0, ZERO);
	REFUSES(STORE, dma.n[3] = 0, ZERO);
	REFUSES(CONV, conv.ih = 0, ZERO);
	REFUSES(CONV, conv.oc = 0, ZERO);
	REFUSES(CONV, conv.groups = 0, ZERO);
	REFUSES(CONV, conv.kw = 0, ZERO);
	REFUSES(CONV, conv.sh = 0, ZERO);
	REFUSES(CONV, conv.dw = 0, ZERO);
	REFUSES(DWCONV, conv.ow = 0, ZERO);
	REFUSES(MATMUL, matmul.batch = 0, ZERO);
	REFUSES(MATMUL, matmul.k = 0, ZERO);
	REFUSES(ADD, binary.h = 0, ZERO);
	REFUSES(MAXPOOL, pool.iw = 0, ZERO);
	REFUSES(MAXPOOL, pool.sw = 0, ZERO);
	REFUSES(AVGPOOL, pool.c = 0, ZERO);
	REFUSES(SOFTMAX, unary.c = 0, ZERO);
	REFUSES(RESIZE, resize.ih = 0, ZERO);
	REFUSES(RESIZE, resize.ow = 0, ZERO);
	REFUSES(REDUCE, reduce.w = 0, ZERO);
	REFUSES(TRANSPOSE, permute.h = 0, ZERO);
}

static void refuses_values_out_of_range(void **state)
{
	REFUSES(LOAD, dma.elem = 0, VALUE);
	REFUSES(LOAD, dma.elem = 3, VALUE);
	REFUSES(LOAD, dma.elem = 8, VALUE);
	REFUSES(LOAD, dma.region = 16, VALUE);
	REFUSES(CONV, conv.groups = 3, VALUE);
	REFUSES(CONV, conv.lo = 127, NONE);
	REFUSES(CONV, conv.hi = -128, NONE);
	REFUSES(CONV, conv.hi = (d.conv.lo = 3, 2), VALUE);
	REFUSES(DWCONV, conv.groups = 2, VALUE);
	REFUSES(DWCONV, conv.oc = 20, VALUE);
	REFUSES(ADD, binary.hi = (d.binary.lo = 3, 2), VALUE);
	REFUSES(AVGPOOL, pool.count_pad = 2, VALUE);
	REFUSES(SOFTMAX, unary.c = 4097, VALUE);
	REFUSES(LAYERNORM, unary.c = 4097, VALUE);
	REFUSES(REDUCE, reduce.kind = 2, VALUE);
	REFUSES(REDUCE, reduce.axis = 3, VALUE);
	REFUSES(TRANSPOSE, permute.perm[0] = 3, VALUE);
	REFUSES(TRANSPOSE, permute.perm[0] = 0, VALUE);	/* 0 twice */
}

static void refuses_endless_work(void **state)
{
	/* Strides of zero would make any count legal */
	REFUSES(LOAD, dma.n[3] = (1 << 20) / 256 + 1, WORK);
	REFUSES(LOAD, dma.n[3] = ~0u, WORK);
	REFUSES(FILL, dma.n[2] = 1 << 30, WORK);
	REFUSES(CONV, conv.oh = (d.conv.ow = 65535, 65535), WORK);
	REFUSES(DWCONV, conv.oh = (d.conv.ow = 65535, 65535), WORK);
	REFUSES(MATMUL, matmul.m = (d.matmul.n = 65535, 65535), WORK);
	REFUSES(ADD, binary.h = (d.binary.w = 65535, 65535), WORK);
	REFUSES(REQUANT, unary.h = (d.unary.w = 65535, 65535), WORK);
	REFUSES(RESIZE, resize.oh = (d.resize.ow = 65535, 65535), WORK);
	REFUSES(MAXPOOL, pool.oh = (d.pool.ow = 65535, 65535), WORK);
}

/*
 * One channel takes as long as a whole block. 255 x 255 taps of one channel
 * are 255 * 255 * 128 weights, padded: 516 pixels of them are 2^32 at most.
 */
static void counts_work_as_it_is_padded(void **state)
{
	REFUSES(CONV, conv.oc = (d.conv.ic = d.conv.oh = 1, d.conv.ow = 516,
				 d.conv.kh = d.conv.kw = 255, 1), NONE);
	REFUSES(CONV, conv.oc = (d.conv.ic = d.conv.oh = 1, d.conv.ow = 517,
				 d.conv.kh = d.conv.kw = 255, 1), WORK);
	/* The same for each of 129 groups and four pixels */
	REFUSES(CONV, conv.oc = (d.conv.groups = d.conv.ic = 129,
				 d.conv.oh = 1, d.conv.ow = 4,
				 d.conv.kh = d.conv.kw = 255, 129), NONE);
	REFUSES(CONV, conv.oc = (d.conv.groups = d.conv.ic = 130,
				 d.conv.oh = 1, d.conv.ow = 4,
				 d.conv.kh = d.conv.kw = 255, 130), WORK);
	/* 2064 * 255 * 255 * 32 is the most */
	REFUSES(DWCONV, conv.oc = (d.conv.ic = d.conv.oh = 1,
				   d.conv.kh = d.conv.kw = 255,
				   d.conv.ow = 2064, 1), NONE);
	REFUSES(DWCONV, conv.oc = (d.conv.ic = d.conv.oh = 1,
				   d.conv.kh = d.conv.kw = 255,
				   d.conv.ow = 2065, 1), WORK);
	REFUSES(MAXPOOL, pool.c = (d.pool.kh = d.pool.kw = 255, d.pool.oh = 1,
				   d.pool.ow = 2064, 1), NONE);
	REFUSES(MAXPOOL, pool.c = (d.pool.kh = d.pool.kw = 255, d.pool.oh = 1,
				   d.pool.ow = 2065, 1), WORK);
	/* 32 * 4 lanes for n = k = 1 */
	REFUSES(MATMUL, matmul.k = (d.matmul.n = 1, d.matmul.batch = 512,
				    d.matmul.m = 65535, 1), NONE);
	REFUSES(MATMUL, matmul.k = (d.matmul.n = 1, d.matmul.batch = 513,
				    d.matmul.m = 65535, 1), WORK);
}

/* The most work there may be: 2^32 MACs, and one more row. */
static void takes_work_up_to_the_limit(void **state)
{
	REFUSES(MATMUL, matmul = ((struct fxq_body_matmul){ .a = d.matmul.a,
		.batch = 1, .m = 2048, .n = 2048, .k = 1024 }), NONE);
	REFUSES(MATMUL, matmul = ((struct fxq_body_matmul){ .a = d.matmul.a,
		.batch = 1, .m = 2049, .n = 2048, .k = 1024 }), WORK);
	REFUSES(LOAD, dma.n[3] = (1 << 20) / 256, NONE);
}

static void refuses_region_extents_that_overflow(void **state)
{
	REFUSES(LOAD, dma.mem_stride[0] = -1, REGION_BOUNDS);
	REFUSES(LOAD, dma.offset = ~0ull, REGION_BOUNDS);
	REFUSES(STORE, dma.offset = (1ull << 62) + 1, REGION_BOUNDS);
}

static void summary_holds_region_extents(void **state)
{
	struct fxq_desc s[] = {
		load(2, 1000, 0, 24), load(2, 64, 64, 1), store(2, 512, 0, 64),
		load(5, 4096, 0, 4),
	};
	struct fxq_checker k;
	uint32_t index;

	s[3].dma.mem_stride[0] = -1024;
	fxq_checker_init(&k, &caps);
	assert_int_equal(fxq_check_stream(&k, s, 4, &index), FXQ_CAUSE_NONE);
	assert_int_equal(k.summary.region[2].read_lo, 64);
	assert_int_equal(k.summary.region[2].read_hi, 1024);
	assert_int_equal(k.summary.region[2].write_lo, 512);
	assert_int_equal(k.summary.region[2].write_hi, 576);
	assert_int_equal(k.summary.region[5].read_lo, 1024);
	assert_int_equal(k.summary.region[5].read_hi, 4097);
	assert_int_equal(k.summary.region[5].write_hi, 0);
	assert_int_equal(k.summary.bytes, 24 + 1 + 64 + 4);
	assert_int_equal(k.summary.count[FXQ_ENGINE_LD], 3);
	assert_int_equal(k.summary.count[FXQ_ENGINE_ST], 1);
}

static void summary_counts_macs(void **state)
{
	struct fxq_desc s[] = { good(FXQ_OP_CONV), good(FXQ_OP_DWCONV),
				good(FXQ_OP_MATMUL) };
	struct fxq_checker k;
	uint32_t index;

	fxq_checker_init(&k, &caps);
	assert_int_equal(fxq_check_stream(&k, s, 3, &index), FXQ_CAUSE_NONE);
	assert_int_equal(k.summary.macs, 16 * 33 * 40 * 9 + 16 * 40 * 9 +
			 2 * 5 * 40 * 70);
}

/* 4 x 4 x 32 results, each of 2 x 2 taps: the windows are the work. */
static void summary_counts_the_taps_of_pooling(void **state)
{
	struct fxq_desc s[] = { good(FXQ_OP_MAXPOOL), good(FXQ_OP_AVGPOOL) };
	struct fxq_checker k;
	uint32_t index;

	fxq_checker_init(&k, &caps);
	assert_int_equal(fxq_check_stream(&k, s, 2, &index), FXQ_CAUSE_NONE);
	assert_int_equal(k.summary.bytes, 2 * (4 * 4 * 32) * (2 * 2));
}

static void refuses_empty_and_oversized_streams(void **state)
{
	struct fxq_desc d = good(FXQ_OP_LOAD);
	uint32_t index = 99;

	assert_int_equal(stream_cause(&d, 0, &index), FXQ_CAUSE_EMPTY);
	assert_int_equal(index, 0);
	assert_int_equal(stream_cause(&d, (1 << 20) + 1, &index),
			 FXQ_CAUSE_EMPTY);
	assert_int_equal(stream_cause(&d, 1ull << 32 | 1, &index),
			 FXQ_CAUSE_EMPTY);
}

static void names_the_descriptor_at_fault(void **state)
{
	struct fxq_desc s[] = { good(FXQ_OP_LOAD), good(FXQ_OP_ADD),
				good(FXQ_OP_STORE), good(FXQ_OP_LOAD) };
	uint32_t index;

	s[2].wait[FXQ_ENGINE_LD] = 2;	/* the second LOAD stands later */
	assert_int_equal(stream_cause(s, 4, &index), FXQ_CAUSE_WAIT);
	assert_int_equal(index, 2);
}

static void takes_a_chain(void **state)
{
	struct fxq_desc s[] = { good(FXQ_OP_CONV), good(FXQ_OP_LOAD),
				good(FXQ_OP_CONV), good(FXQ_OP_CONV) };
	uint32_t index;

	s[0].flags = FXQ_F_ACC_FIRST;
	s[0].conv.params = 0;
	s[2].flags = 0;
	s[2].conv.params = 0;
	s[3].flags = FXQ_F_ACC_LAST;
	assert_int_equal(stream_cause(s, 4, &index), FXQ_CAUSE_NONE);
}

static void refuses_broken_chains(void **state)
{
	struct fxq_desc a = good(FXQ_OP_CONV), b = a, mm = good(FXQ_OP_MATMUL);
	uint32_t index;

	a.flags = FXQ_F_ACC_FIRST;
	a.conv.params = 0;
	b.flags = FXQ_F_ACC_LAST;
	/* the last without a first, a first left open, two firsts */
	assert_int_equal(stream_cause(&b, 1, &index), FXQ_CAUSE_CHAIN);
	assert_int_equal(stream_cause(&a, 1, &index), FXQ_CAUSE_CHAIN);
	assert_int_equal(stream_cause((struct fxq_desc[]){ a, a, b }, 3,
				      &index), FXQ_CAUSE_CHAIN);
	assert_int_equal(index, 1);
	/* another MX descriptor in between */
	assert_int_equal(stream_cause((struct fxq_desc[]){ a, mm, b }, 3,
				      &index), FXQ_CAUSE_CHAIN);
	assert_int_equal(index, 1);
	/* another box */
	b.conv.oh--;
	assert_int_equal(stream_cause((struct fxq_desc[]){ a, b }, 2, &index),
			 FXQ_CAUSE_CHAIN);
	/* parameters before the sums are finished */
	a.conv.params = 64;
	assert_int_equal(stream_cause(&a, 1, &index), FXQ_CAUSE_RESERVED);
}

static void refuses_a_chain_beyond_the_accumulators(void **state)
{
	struct fxq_desc a = conv(0, 0, 16384, 0, 18, 32, 64, 3), b;
	uint32_t index;

	/* 16 * 16 * 64 * 4 is all of 64 KiB; one more column is too much */
	a.flags = FXQ_F_ACC_FIRST;
	b = a;
	b.flags = FXQ_F_ACC_LAST;
	assert_int_equal(stream_cause((struct fxq_desc[]){ a, b }, 2, &index),
			 FXQ_CAUSE_NONE);
	a.conv.ow++;
	assert_int_equal(stream_cause(&a, 1, &index), FXQ_CAUSE_CHAIN);
	assert_int_equal(index, 0);
	a.conv.ow--;
	a.conv.groups = 2;
	assert_int_equal(stream_cause(&a, 1, &index), FXQ_CAUSE_CHAIN);
}

static void refuses_unaligned_scratchpad_offsets(void **state)
{
	SPM_REFUSES(LOAD, dma.spm = 32, SPM_ALIGNMENT);
	SPM_REFUSES(LOAD, dma.spm_skip = 1, NONE);
	SPM_REFUSES(CONV, conv.in.addr = 1, SPM_ALIGNMENT);
	SPM_REFUSES(CONV, conv.weights += 4, SPM_ALIGNMENT);
	SPM_REFUSES(CONV, conv.out.plane += 32, SPM_ALIGNMENT);
	SPM_REFUSES(MATMUL, matmul.b.plane += 4, SPM_ALIGNMENT);
	SPM_REFUSES(ADD, binary.b.addr += 16, SPM_ALIGNMENT);
	SPM_REFUSES(AVGPOOL, pool.table += 4, SPM_ALIGNMENT);
	SPM_REFUSES(SOFTMAX, unary.table += 4, SPM_ALIGNMENT);
	SPM_REFUSES(RESIZE, resize.xtab += 4, SPM_ALIGNMENT);
	SPM_REFUSES(TRANSPOSE, permute.out.addr += 4, SPM_ALIGNMENT);
}

static void refuses_bytes_outside_the_scratchpad(void **state)
{
	SPM_REFUSES(LOAD, dma.spm = (1 << 20) - 256, NONE);
	SPM_REFUSES(LOAD, dma.spm = (1 << 20) - 192, SPM_BOUNDS);
	SPM_REFUSES(LOAD, dma.spm = 0xffffffc0, SPM_BOUNDS);
	SPM_REFUSES(LOAD, dma.spm_skip = ~0u, SPM_BOUNDS);
	SPM_REFUSES(LOAD, dma.spm_stride[0] = ~0u, SPM_BOUNDS);
	SPM_REFUSES(CONV, conv.weights = 0xffffffc0, SPM_BOUNDS);
	SPM_REFUSES(CONV, conv.params = (1 << 20) - 960, SPM_BOUNDS);
	SPM_REFUSES(CONV, conv.in.y = 65535, SPM_BOUNDS);
	SPM_REFUSES(CONV, conv.in.plane = 0xffffffc0, SPM_BOUNDS);
	SPM_REFUSES(MATMUL, matmul.params = (1 << 20) - 512, SPM_BOUNDS);
	SPM_REFUSES(AVGPOOL, pool.table = 1 << 20, SPM_BOUNDS);
	SPM_REFUSES(LAYERNORM, unary.table = (1 << 20) - 192, SPM_BOUNDS);
	SPM_REFUSES(RESIZE, resize.ytab = 1 << 20, SPM_BOUNDS);
}

static void refuses_boxes_outside_their_map(void **state)
{
	SPM_REFUSES(CONV, conv.in.x = 1, VALUE);
	SPM_REFUSES(CONV, conv.out.row = 3, VALUE);
	SPM_REFUSES(CONV, conv.in.c = 39, VALUE);
	SPM_REFUSES(MATMUL, matmul.a.row = 4, VALUE);
	SPM_REFUSES(ADD, binary.b.row = 1, VALUE);
	SPM_REFUSES(MAXPOOL, pool.out.c = 31, VALUE);
	SPM_REFUSES(RESIZE, resize.out.row = 7, VALUE);
	SPM_REFUSES(REDUCE, reduce.in.row = 3, VALUE);
	SPM_REFUSES(TRANSPOSE, permute.out.c = 5, VALUE);
	SPM_REFUSES(SOFTMAX, unary.out.row = 0, VALUE);
}

static void refuses_results_over_operands(void **state)
{
	SPM_REFUSES(CONV, conv.out.addr = 1024, SPM_OVERLAP);
	SPM_REFUSES(CONV, conv.params = 8192, SPM_OVERLAP);
	SPM_REFUSES(ADD, binary.out.addr = 4096, SPM_OVERLAP);
	SPM_REFUSES(SOFTMAX, unary.table = 8192 + 448, SPM_OVERLAP);
	SPM_REFUSES(REQUANT, unary.out.addr = 512, NONE);
	SPM_REFUSES(REQUANT, unary.out.addr = 448, SPM_OVERLAP);
}

/* Which of two threads writes last must not decide the answer. */
static void refuses_results_over_themselves(void **state)
{
	struct fxq_desc d = conv(0, 8192, 16384, 131072, 6, 32, 96, 3);

	assert_int_equal(fxq_check_spm(&caps, &d), FXQ_CAUSE_NONE);
	d.conv.out.plane = 448;		/* a block of 4 x 4 x 32 is 512 */
	assert_int_equal(fxq_check_spm(&caps, &d), FXQ_CAUSE_SPM_OVERLAP);
	d.conv.out.plane = 0;
	assert_int_equal(fxq_check_spm(&caps, &d), FXQ_CAUSE_SPM_OVERLAP);
}

/* Its two blocks share no byte, for pixels of the last lie closer. */
static void refuses_planes_smaller_than_a_block(void **state)
{
	struct fxq_desc d = unary(FXQ_OP_REQUANT, 8192, 0, 0, 1, 2, 34);

	d.unary.out.row = 4;
	d.unary.out.x = 1;
	d.unary.out.plane = 128;
	assert_int_equal(fxq_check_spm(&caps, &d), FXQ_CAUSE_NONE);
	d.unary.out.plane = 0;
	assert_int_equal(fxq_check_spm(&caps, &d), FXQ_CAUSE_SPM_OVERLAP);
	/* A lone block, full or not, has no plane */
	d.unary.c = 32;
	assert_int_equal(fxq_check_spm(&caps, &d), FXQ_CAUSE_NONE);
	d.unary.c = d.unary.out.c = 2;
	assert_int_equal(fxq_check_spm(&caps, &d), FXQ_CAUSE_NONE);
}

static void takes_a_load_that_writes_a_byte_twice(void **state)
{
	/* A DMA has an order, so the answer is one */
	SPM_REFUSES(LOAD, dma.spm_stride[0] = 0, NONE);
}

static void spans_name_rows(void **state)
{
	struct fxq_desc d = unary(FXQ_OP_REQUANT, 0, 8192, 0, 2, 3, 40);
	struct fxq_span s[FXQ_MAX_SPANS];

	/* A box of 2 x 3 at (1, 2) of a 5 x 8 map: 32 channels, then 8 */
	d.unary.in = map_of(0, 5, 8, 40);
	d.unary.in.y = 1;
	d.unary.in.x = 2;
	assert_int_equal(fxq_spm_spans(&d, s), 4);
	assert_int_equal(s[0].off, 10 * 32);
	assert_int_equal(s[0].rows, 2);
	assert_int_equal(s[0].row_len, 3 * 32);
	assert_int_equal(s[0].row_stride, 8 * 32);
	assert_int_equal(s[0].len, (8 + 3) * 32);
	assert_int_equal(s[1].off, d.unary.in.plane + 10 * 8);
	assert_int_equal(s[1].row_len, 3 * 8);
	assert_int_equal(s[1].row_stride, 8 * 8);
	assert_false(s[1].write);
	assert_true(s[2].write && s[3].write);
}

static void every_cause_has_words(void **state)
{
	uint32_t i;

	for (i = 0; i < FXQ_CAUSE_COUNT; i++)
		assert_string_not_equal(fxq_cause_text(i), "unknown cause");
	assert_string_equal(fxq_cause_text(FXQ_CAUSE_COUNT), "unknown cause");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_every_operator),
		cmocka_unit_test(refuses_an_unknown_opcode),
		cmocka_unit_test(refuses_the_wrong_engine),
		cmocka_unit_test(refuses_every_unknown_flag),
		cmocka_unit_test(refuses_every_reserved_byte),
		cmocka_unit_test(refuses_a_field_that_the_operator_does_not_use),
		cmocka_unit_test(refuses_waits_beyond_what_stands_earlier),
		cmocka_unit_test(refuses_a_wait_for_the_own_engine),
		cmocka_unit_test(refuses_sizes_of_zero),
		cmocka_unit_test(refuses_values_out_of_range),
		cmocka_unit_test(refuses_endless_work),
		cmocka_unit_test(counts_work_as_it_is_padded),
		cmocka_unit_test(takes_work_up_to_the_limit),
		cmocka_unit_test(refuses_region_extents_that_overflow),
		cmocka_unit_test(summary_holds_region_extents),
		cmocka_unit_test(summary_counts_macs),
		cmocka_unit_test(summary_counts_the_taps_of_pooling),
		cmocka_unit_test(refuses_empty_and_oversized_streams),
		cmocka_unit_test(names_the_descriptor_at_fault),
		cmocka_unit_test(takes_a_chain),
		cmocka_unit_test(refuses_broken_chains),
		cmocka_unit_test(refuses_a_chain_beyond_the_accumulators),
		cmocka_unit_test(refuses_unaligned_scratchpad_offsets),
		cmocka_unit_test(refuses_bytes_outside_the_scratchpad),
		cmocka_unit_test(refuses_boxes_outside_their_map),
		cmocka_unit_test(refuses_results_over_operands),
		cmocka_unit_test(refuses_results_over_themselves),
		cmocka_unit_test(refuses_planes_smaller_than_a_block),
		cmocka_unit_test(takes_a_load_that_writes_a_byte_twice),
		cmocka_unit_test(spans_name_rows),
		cmocka_unit_test(every_cause_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
