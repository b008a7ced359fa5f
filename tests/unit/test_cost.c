// SPDX-License-Identifier: MIT
/*
 * Pins the cycles of streams worked out by hand, from the rules in machine.md
 * alone: 16 cycles to issue a descriptor, 4 for a burst of 64 bytes, 200 until
 * a LOAD or STORE has completed, 32 x 32 MACs and 32 bytes of VX a cycle. The
 * compiler's estimate and the machine's counter are one file, so these numbers
 * are what keeps it honest. "LD 16-20, 220" reads: on the bus from cycle 16
 * to 20, complete at 220.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fxq/fxq_cost.h>
#include <fxq/fxq_spm.h>

#include "streams.h"

#define MAX	16

static struct fxq_timing timing[MAX];

/* The cycles of @count descriptors, which must be a stream that is taken. */
static uint64_t cycles_of(const struct fxq_desc *stream, uint32_t count)
{
	const struct fxq_caps caps = FXQ_CAPS_DEFAULT;
	struct fxq_checker checker;
	uint32_t order[MAX], index, i;

	fxq_checker_init(&checker, &caps);
	assert_int_equal(fxq_check_stream(&checker, stream, count, &index),
			 FXQ_CAUSE_NONE);
	for (i = 0; i < count; i++)
		assert_int_equal(fxq_check_spm(&caps, &stream[i]),
				 FXQ_CAUSE_NONE);
	return fxq_cost_stream(stream, count, timing, order);
}

#define CYCLES(...)							\
	cycles_of((const struct fxq_desc[]){ __VA_ARGS__ },		\
		  sizeof((const struct fxq_desc[]){ __VA_ARGS__ }) /	\
		  sizeof(struct fxq_desc))

/* A LOAD of @rows runs of @bytes, @pitch apart in memory. */
static struct fxq_desc load_rows(uint64_t offset, uint32_t bytes,
				 uint32_t rows, int32_t pitch)
{
	struct fxq_desc d = load(0, offset, 0, bytes);

	d.dma.n[1] = rows;
	d.dma.mem_stride[1] = pitch;
	d.dma.spm_stride[1] = bytes;
	return d;
}

static void load_is_issue_burst_latency(void **state)
{
	/* 16 + 1 burst x 4 + 200 */
	assert_int_equal(CYCLES(load(0, 0, 0, 64)), 220);
	/* [0, 4096) is 64 bursts: 16 + 256 + 200 */
	assert_int_equal(CYCLES(load(0, 0, 0, 4096)), 472);
}

static void unaligned_load_touches_one_burst_more(void **state)
{
	/* [32, 96) touches lines 0 and 64: 16 + 2 x 4 + 200 */
	assert_int_equal(CYCLES(load(0, 32, 0, 64)), 224);
	/* [63, 65): two bytes, two bursts */
	assert_int_equal(CYCLES(load(0, 63, 0, 2)), 224);
	/* [63, 64): one */
	assert_int_equal(CYCLES(load(0, 63, 0, 1)), 220);
}

static void each_row_of_a_box_has_its_bursts(void **state)
{
	/* [0, 64) [128, 192) [256, 320) [384, 448): 16 + 4 x 4 + 200 */
	assert_int_equal(CYCLES(load_rows(0, 64, 4, 128)), 232);
	/*
	 * Rows of 32, 48 apart: [0, 32) 1, [48, 80) 2, [96, 128) 1,
	 * [144, 176) 1: 5 bursts, 16 + 20 + 200
	 */
	assert_int_equal(CYCLES(load_rows(0, 32, 4, 48)), 236);
}

static void rows_that_continue_one_another_are_one_run(void **state)
{
	struct fxq_desc d = load_rows(0, 32, 4, 32);

	/* [0, 128): 2 bursts, 16 + 8 + 200; as four rows it would be 4 */
	assert_int_equal(cycles_of(&d, 1), 224);
	/*
	 * Pairs of rows touch across a direction of one: [0, 64) [256, 320),
	 * each 1 burst.
	 */
	d.dma.n[1] = 1;
	d.dma.n[2] = 2;
	d.dma.n[3] = 2;
	d.dma.mem_stride[2] = 32;
	d.dma.mem_stride[3] = 256;
	assert_int_equal(cycles_of(&d, 1), 224);
	/* Two 32-byte rows end where the next pair begins: [16, 144), 3 */
	d.dma.offset = 16;
	d.dma.mem_stride[3] = 64;
	assert_int_equal(cycles_of(&d, 1), 16 + 3 * 4 + 200);
}

static void backward_rows_do_not_merge(void **state)
{
	/* [32, 64) then [0, 32): one line, but two runs */
	assert_int_equal(CYCLES(load_rows(32, 32, 2, -32)), 224);
}

static void transposing_load_pays_a_burst_an_element(void **state)
{
	struct fxq_desc d = load(0, 0, 0, 8);

	/* 8 bytes, 64 apart: 16 + 8 x 4 + 200 */
	d.dma.mem_stride[0] = 64;
	assert_int_equal(cycles_of(&d, 1), 248);
	/* 8 bytes, 2 apart: still 8 runs, for none continues another */
	d.dma.mem_stride[0] = 2;
	assert_int_equal(cycles_of(&d, 1), 248);
}

static void fill_needs_no_bus(void **state)
{
	/* 100 bytes at 64 a cycle: 16 + 2 */
	assert_int_equal(CYCLES(fill(0, 100, 1)), 18);
	/* LD: fill 16-17; ST issues at 0 as well, bus 16-20, 220 */
	assert_int_equal(CYCLES(fill(0, 64, 1), store(0, 0, 64, 64)), 220);
}

static void loads_overlap_their_latency(void **state)
{
	/*
	 * First: bus 16-20, 220. The engine is free at 20, so the second
	 * issues at 20: bus 36-40, 240.
	 */
	assert_int_equal(CYCLES(load(0, 0, 0, 64), load(0, 64, 64, 64)), 240);
}

static void tie_goes_to_load(void **state)
{
	/* Both issue at 0 and want the bus at 16: LD 16-20, ST 20-24, 224 */
	assert_int_equal(CYCLES(store(0, 0, 0, 64), load(0, 0, 64, 64)), 224);
	assert_int_equal(timing[1].busy, 16);
	assert_int_equal(timing[0].busy, 20);
}

static void bus_goes_to_who_was_ready_first(void **state)
{
	/*
	 * LD0 of 10 bursts: bus 16-56. ST0 ready at 0, so next: 56-60, 260.
	 * LD1 issues at 56, when its engine is free: bus 72-76, 276.
	 */
	assert_int_equal(CYCLES(load(0, 0, 0, 640), load(0, 640, 640, 64),
				store(0, 0, 4096, 64)), 276);
	assert_int_equal(timing[2].busy, 56);
	assert_int_equal(timing[1].busy, 72);
}

static void store_waits_while_load_has_the_bus(void **state)
{
	/*
	 * VX of 64 bytes: 16 + 2 = 18, when ST issues, wanting the bus at 34.
	 * LD0 of 100 bursts has it 16-416. Then ST, ready since 18: 416-420,
	 * 620. LD1 issues at 416, bus 432-436, 636.
	 */
	assert_int_equal(CYCLES(load(0, 0, 0, 6400), load(0, 0, 8192, 64),
				unary(FXQ_OP_REQUANT, 16384, 20480, 0, 1, 2,
				      32),
				wait_for(store(0, 0, 20480, 64), 0, 0, 0, 1)),
			 636);
	assert_int_equal(timing[3].busy, 416);
}

static void engine_completes_in_order(void **state)
{
	/*
	 * LOAD: bus 16-20, 220. FILL issues at 20, has written at 37, but
	 * completes after the LOAD, at 220. VX waits for both: 220 + 16 + 1.
	 */
	assert_int_equal(CYCLES(load(0, 0, 0, 64), fill(64, 64, 0),
				wait_for(unary(FXQ_OP_REQUANT, 64, 128, 0, 1, 1,
					       32), 2, 0, 0, 0)), 237);
	assert_int_equal(timing[1].done, 220);
}

static void conv_counts_blocks_and_taps(void **state)
{
	/*
	 * 10 x 10 x 64, 3 x 3 to 64: 8 * 8 pixels x 2 output blocks x
	 * 2 input blocks x 3 rows x ceil(3 * 32 / 32) = 2304, + 16
	 */
	assert_int_equal(CYCLES(conv(0, 8192, 16384, 65536, 10, 64, 64, 3)),
			 2320);
}

static void narrow_conv_packs_a_kernel_row(void **state)
{
	/* 6 x 6 x 3 to 32: cb 4, a row of 3 taps is 12 <= 32: 16 x 3, + 16 */
	assert_int_equal(CYCLES(conv(0, 8192, 16384, 65536, 6, 3, 32, 3)), 64);
	/* 40 channels: blocks of 32 and 8: 3 * 3 + 3 * ceil(24 / 32) = 12 */
	assert_int_equal(CYCLES(conv(0, 8192, 16384, 65536, 6, 40, 33, 3)),
			 16 * 2 * 12 + 16);
}

static void dilated_conv_packs_nothing(void **state)
{
	struct fxq_desc d = conv(0, 8192, 16384, 65536, 6, 40, 33, 3);

	/* 2 x 2 pixels of results; 9 * 1 + 9 * 1 = 18 for the two blocks */
	d.conv.dh = 2;
	d.conv.dw = 2;
	d.conv.oh = 2;
	d.conv.ow = 2;
	assert_int_equal(cycles_of(&d, 1), 4 * 2 * 18 + 16);
	/* Only horizontal dilation matters: back to 12 */
	d.conv.dw = 1;
	assert_int_equal(cycles_of(&d, 1), 4 * 2 * 12 + 16);
}

static void grouped_conv_pays_for_each_group(void **state)
{
	struct fxq_desc d = conv(0, 16384, 32768, 65536, 6, 128, 16, 3);

	/* 4 groups of 32 in, 4 out: 16 pixels x 4 x 1 x (3 * 3), + 16 */
	d.conv.groups = 4;
	assert_int_equal(cycles_of(&d, 1), 592);
}

static void dwconv_takes_nine_taps_a_cycle(void **state)
{
	struct fxq_desc d = conv(0, 16384, 32768, 65536, 8, 96, 96, 3);

	d.opcode = FXQ_OP_DWCONV;
	d.flags = 0;
	/* 6 * 6 pixels x 3 blocks x 1, + 16 */
	assert_int_equal(cycles_of(&d, 1), 124);
	/* 5 x 5 taps are 3 times 9: 4 * 4 x 3 x 3, + 16 */
	d = conv(0, 16384, 32768, 65536, 8, 96, 96, 5);
	d.opcode = FXQ_OP_DWCONV;
	d.flags = 0;
	assert_int_equal(cycles_of(&d, 1), 160);
}

static void residual_and_lut_are_free(void **state)
{
	struct fxq_desc d = conv(0, 8192, 16384, 65536, 10, 64, 64, 3);

	d.flags |= FXQ_F_RESIDUAL | FXQ_F_LUT;
	d.conv.res = d.conv.out;
	d.conv.res.addr = 131072;
	d.conv.lut = 262144;
	assert_int_equal(cycles_of(&d, 1), 2320);
}

static void chained_conv_is_the_sum_of_its_parts(void **state)
{
	struct fxq_desc a = conv(0, 65536, 16384, 0, 10, 64, 64, 3), b = a;

	/* 2304 + 16 each, on one engine */
	a.flags = FXQ_F_ACC_FIRST;
	b.flags = FXQ_F_ACC_LAST;
	b.conv.params = 131072;
	assert_int_equal(CYCLES(a, b), 4640);
}

static void matmul_counts_blocks(void **state)
{
	struct fxq_desc d = matmul(0, 8192, 32768, 65536, 2, 5, 40, 70);

	/* 2 x 5 x ceil(40 / 32) x ceil(70 / 32) = 60, + 16 */
	assert_int_equal(cycles_of(&d, 1), 76);
	d.flags = FXQ_F_TRANS_B;
	d.matmul.b = map_of(8192, 2, 40, 70);
	assert_int_equal(cycles_of(&d, 1), 76);
}

static void add_reads_two_operands(void **state)
{
	struct fxq_desc d = binary(FXQ_OP_ADD, 0, 4096, 8192, 4, 4, 18);

	/* 18 channels stand 20 apart: 2 * 320 / 32, + 16 */
	assert_int_equal(cycles_of(&d, 1), 36);
	/* One pixel of b: 340 / 32 is 11 */
	d.flags = FXQ_F_B_BCAST_H | FXQ_F_B_BCAST_W;
	assert_int_equal(cycles_of(&d, 1), 27);
	/* One channel of b, 4 bytes a pixel: 384 / 32 is 12 */
	d.flags = FXQ_F_B_BCAST_C;
	assert_int_equal(cycles_of(&d, 1), 28);
	/* One element of each: the 320 written are more: 10 */
	d.flags = FXQ_F_BROADCAST;
	assert_int_equal(cycles_of(&d, 1), 26);
}

static void pool_reads_each_window(void **state)
{
	/* 4 * 4 * 32 results x 4 taps / 32 = 64, + 16 */
	assert_int_equal(CYCLES(pool(FXQ_OP_MAXPOOL, 0, 8192, 0, 8, 32, 2, 2)),
			 80);
	/* 6 * 6 * 32 x 9 / 32 = 324, + 16 */
	assert_int_equal(CYCLES(pool(FXQ_OP_AVGPOOL, 0, 8192, 16384, 8, 32, 3,
				     1)), 340);
	/* One tap in nine: the 8 * 8 * 32 / 32 = 64 of the box are more */
	assert_int_equal(CYCLES(pool(FXQ_OP_MAXPOOL, 0, 8192, 0, 8, 32, 1, 3)),
			 80);
}

static void unary_is_its_bytes(void **state)
{
	/* 49 * 40 = 1960 bytes, 61.25 cycles: 62 + 16 */
	assert_int_equal(CYCLES(unary(FXQ_OP_GLOBALPOOL, 0, 8192, 0, 7, 7, 40)),
			 78);
	/* 6 pixels of 12 bytes: ceil(72 / 32) = 3; three times, twice, once */
	assert_int_equal(CYCLES(unary(FXQ_OP_SOFTMAX, 0, 128, 8192, 1, 6, 10)),
			 9 + 16);
	assert_int_equal(CYCLES(unary(FXQ_OP_LAYERNORM, 0, 128, 8192, 1, 6,
				      10)), 6 + 16);
	assert_int_equal(CYCLES(unary(FXQ_OP_LUT, 0, 128, 8192, 1, 6, 10)),
			 3 + 16);
}

static void bilinear_resize_is_four_times(void **state)
{
	struct fxq_desc d = resize(0, 8192, 32768, 36864, 4, 8, 32);

	/* Results 64 * 32 / 32 = 64, more than the 16 read; + 16 */
	assert_int_equal(cycles_of(&d, 1), 80);
	d.flags = FXQ_F_BILINEAR;
	assert_int_equal(cycles_of(&d, 1), 272);
}

static void reduce_reads_and_transpose_moves(void **state)
{
	/* 4 * 4 * 32 / 32 = 16, + 16 */
	assert_int_equal(CYCLES(reduce(0, 8192, FXQ_AXIS_C, 4, 4, 32)), 32);
	/*
	 * 4 x 6 x 2 is 24 * 4 = 96 bytes, 3 cycles. Turned to 4 x 2 x 6 it is
	 * 8 * 8 = 64. The way back writes the 96.
	 */
	assert_int_equal(CYCLES(transpose(0, 8192, 4, 6, 2, FXQ_AXIS_W,
					  FXQ_AXIS_H, FXQ_AXIS_C)), 19);
	assert_int_equal(CYCLES(transpose(0, 8192, 4, 2, 6, FXQ_AXIS_W,
					  FXQ_AXIS_H, FXQ_AXIS_C)), 19);
}

static void waits_make_a_pipeline(void **state)
{
	/*
	 * LD0 1024 B: bus 16-80, 280. LD1 9216 B of weights: issues 80, bus
	 * 96-672, 872. LD2 512 B of parameters: issues 672, bus 688-720, 920.
	 * MX 4 * 4 pixels x 1 x 9, waits for all three: 920 + 16 + 144 = 1080.
	 * ST 512 B: issues 1080, bus 1096-1128, 1328.
	 */
	assert_int_equal(CYCLES(load(0, 0, 0, 1024), load(1, 0, 8192, 9216),
				load(1, 9216, 32768, 512),
				wait_for(conv(0, 65536, 8192, 32768, 6, 32, 32,
					      3), 3, 0, 0, 0),
				wait_for(store(2, 0, 65536, 512), 0, 0, 1, 0)),
			 1328);
	assert_int_equal(timing[3].done, 1080);
}

static void double_buffer_hides_the_second_load(void **state)
{
	/*
	 * LD0 16-20, 220; LD1 issues 20, 36-40, 240. VX0 of 32 KiB waits for
	 * LD0: 220 + 16 + 1024 = 1260. VX1, waiting for LD1, issues at 1260,
	 * when its engine is free: 2300. ST0 after VX0: issues 1260, bus
	 * 1276-1280, 1480. ST1: issues 2300, bus 2316-2320, 2520.
	 */
	assert_int_equal(CYCLES(load(0, 0, 0, 64), load(0, 64, 65536, 64),
				wait_for(unary(FXQ_OP_REQUANT, 0, 131072, 0, 32,
					       32, 32), 1, 0, 0, 0),
				wait_for(store(1, 0, 131072, 64), 0, 0, 0, 1),
				wait_for(unary(FXQ_OP_REQUANT, 65536, 262144, 0,
					       32, 32, 32), 2, 0, 0, 0),
				wait_for(store(1, 64, 262144, 64), 0, 0, 0, 2)),
			 2520);
	assert_int_equal(timing[3].done, 1480);
}

static void buffer_release_holds_the_load_back(void **state)
{
	/*
	 * LD0 16-20, 220. VX0 64 B: 220 + 16 + 2 = 238. LD1 reuses the buffer
	 * and waits for VX0: issues 238, bus 254-258, 458. VX1 waits for LD1:
	 * 458 + 18 = 476.
	 */
	assert_int_equal(CYCLES(load(0, 0, 0, 64),
				wait_for(unary(FXQ_OP_REQUANT, 0, 128, 0, 1, 2,
					       32), 1, 0, 0, 0),
				wait_for(load(0, 64, 0, 64), 0, 0, 0, 1),
				wait_for(unary(FXQ_OP_REQUANT, 0, 256, 0, 1, 2,
					       32), 2, 0, 0, 0)), 476);
}

static void engines_run_beside_one_another(void **state)
{
	/* MX 2320 and VX 36 begin together; the job ends with the longer */
	assert_int_equal(CYCLES(conv(0, 8192, 16384, 65536, 10, 64, 64, 3),
				binary(FXQ_OP_ADD, 131072, 135168, 139264, 4, 4,
				       18)), 2320);
	/* A wait for the longest of two: 2320 + 36 */
	assert_int_equal(CYCLES(conv(0, 8192, 16384, 65536, 10, 64, 64, 3),
				load(0, 0, 262144, 64),
				wait_for(binary(FXQ_OP_ADD, 131072, 135168,
						139264, 4, 4, 18), 1, 0, 1,
					 0)), 2356);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(load_is_issue_burst_latency),
		cmocka_unit_test(unaligned_load_touches_one_burst_more),
		cmocka_unit_test(each_row_of_a_box_has_its_bursts),
		cmocka_unit_test(rows_that_continue_one_another_are_one_run),
		cmocka_unit_test(backward_rows_do_not_merge),
		cmocka_unit_test(transposing_load_pays_a_burst_an_element),
		cmocka_unit_test(fill_needs_no_bus),
		cmocka_unit_test(loads_overlap_their_latency),
		cmocka_unit_test(tie_goes_to_load),
		cmocka_unit_test(bus_goes_to_who_was_ready_first),
		cmocka_unit_test(store_waits_while_load_has_the_bus),
		cmocka_unit_test(engine_completes_in_order),
		cmocka_unit_test(conv_counts_blocks_and_taps),
		cmocka_unit_test(narrow_conv_packs_a_kernel_row),
		cmocka_unit_test(dilated_conv_packs_nothing),
		cmocka_unit_test(grouped_conv_pays_for_each_group),
		cmocka_unit_test(dwconv_takes_nine_taps_a_cycle),
		cmocka_unit_test(residual_and_lut_are_free),
		cmocka_unit_test(chained_conv_is_the_sum_of_its_parts),
		cmocka_unit_test(matmul_counts_blocks),
		cmocka_unit_test(add_reads_two_operands),
		cmocka_unit_test(pool_reads_each_window),
		cmocka_unit_test(unary_is_its_bytes),
		cmocka_unit_test(bilinear_resize_is_four_times),
		cmocka_unit_test(reduce_reads_and_transpose_moves),
		cmocka_unit_test(waits_make_a_pipeline),
		cmocka_unit_test(double_buffer_hides_the_second_load),
		cmocka_unit_test(buffer_release_holds_the_load_back),
		cmocka_unit_test(engines_run_beside_one_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
