// SPDX-License-Identifier: MIT
/*
 * Races planted in streams: each stream is clean with its waits, and has one
 * finding when one of them is taken away or is one too small. What is found
 * names both descriptors, the bytes, and the wait that would order them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fxq/fxq_check.h>

#include "../../userspace/emu/embed.h"
#include "streams.h"

#define MEM_BYTES	(1u << 20)
#define STREAM_BYTES	(1u << 18)
#define SPM_BYTES	(1u << 20)
#define MAX_TEXTS	64
#define MAX_STREAM	1024

/* A debugging machine, a context, and what it found last. */
struct bench {
	struct fxq_embed *embed;
	uint8_t *mem;
	uint64_t va;
	uint32_t ctx;
	uint32_t texts;
	char text[MAX_TEXTS][400];
};

static void collect(void *priv, const char *text)
{
	struct bench *b = priv;

	if (b->texts < MAX_TEXTS)
		strcpy(b->text[b->texts], text);
	b->texts++;
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	const struct fxq_embed_config config = {
		.debug = true, .report = collect, .priv = b,
	};

	assert_int_equal(fxq_embed_open(&config, &b->embed), 0);
	assert_int_equal(fxq_embed_ctx_create(b->embed, &b->ctx), 0);
	b->mem = aligned_alloc(4096, MEM_BYTES);
	memset(b->mem, 0, MEM_BYTES);
	assert_int_equal(fxq_embed_map(b->embed, b->ctx, b->mem, MEM_BYTES,
				       true, &b->va), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	fxq_embed_close(b->embed);
	free(b->mem);
	free(b);
	return 0;
}

/* Regions 0 and 1 are halves of one piece, region 2 is all of it. */
static void run(struct bench *b, const struct fxq_desc *stream, uint32_t count)
{
	const uint64_t at = b->va + STREAM_BYTES, half = 1 << 18;
	const struct fxq_embed_region regions[] = {
		{ at, half, true }, { at + half, half, true },
		{ at, 2 * half, true },
	};
	struct fxq_embed_event event;
	uint64_t number;

	b->texts = 0;
	memcpy(b->mem, stream, count * sizeof(*stream));
	assert_int_equal(fxq_embed_submit(b->embed, b->ctx, b->va, count,
					  regions, 3, &number), 0);
	assert_int_equal(fxq_embed_poll(b->embed, &event, 1, UINT64_MAX), 1);
	assert_int_equal(event.cause, FXQ_CAUSE_NONE);
}

/*
 * Puts a FILL of the whole scratchpad before @stream, so that everything has
 * been written; whatever is not on LD waits for it.
 */
static uint32_t fill_first(struct fxq_desc *to, const struct fxq_desc *stream,
			   uint32_t count)
{
	uint32_t i;

	to[0] = fill(0, SPM_BYTES, 0);
	for (i = 0; i < count; i++) {
		to[i + 1] = stream[i];
		if (stream[i].engine != FXQ_ENGINE_LD)
			to[i + 1].wait[FXQ_ENGINE_LD]++;
	}
	return count + 1;
}

static void expect_clean(struct bench *b, const struct fxq_desc *stream,
			 uint32_t count)
{
	static struct fxq_desc s[MAX_STREAM];

	run(b, s, fill_first(s, stream, count));
	if (b->texts)
		print_error("%s\n", b->text[0]);
	assert_int_equal(b->texts, 0);
}

/*
 * @stream is clean; with one less in wait[@engine] of its descriptor @at,
 * there is one finding, which has @first and @second in it.
 */
static void expect_race(struct bench *b, const struct fxq_desc *stream,
			uint32_t count, uint32_t at, uint32_t engine,
			const char *first, const char *second)
{
	static struct fxq_desc s[MAX_STREAM];
	uint32_t n = fill_first(s, stream, count);

	run(b, s, n);
	if (b->texts)
		print_error("%s\n", b->text[0]);
	assert_int_equal(b->texts, 0);
	assert_true(s[at + 1].wait[engine] > 0);
	s[at + 1].wait[engine]--;
	run(b, s, n);
	assert_int_equal(b->texts, 1);
	if (!strstr(b->text[0], first) || !strstr(b->text[0], second))
		print_error("%s\n", b->text[0]);
	assert_non_null(strstr(b->text[0], first));
	assert_non_null(strstr(b->text[0], second));
}

#define RACE(at, engine, first, second, ...)				\
	do {								\
		const struct fxq_desc s[] = { __VA_ARGS__ };		\
									\
		expect_race(*state, s, sizeof(s) / sizeof(s[0]), at,	\
			    FXQ_ENGINE_##engine, first, second);	\
	} while (0)

#define CLEAN(...)							\
	do {								\
		const struct fxq_desc s[] = { __VA_ARGS__ };		\
									\
		expect_clean(*state, s, sizeof(s) / sizeof(s[0]));	\
	} while (0)

/* 4 x 4 x 32 on VX, 512 bytes */
static struct fxq_desc copy(uint32_t in, uint32_t out)
{
	return unary(FXQ_OP_REQUANT, in, out, 0, 4, 4, 32);
}

/* 4 x 4 x 32 by 1 x 1 x 32 on MX: 512 bytes, 1024 of weights */
static struct fxq_desc conv1(uint32_t in, uint32_t out, uint32_t weights,
			     uint32_t params)
{
	return conv(in, out, weights, params, 4, 32, 32, 1);
}

static struct fxq_desc after(struct fxq_desc d, uint32_t engine, uint32_t n)
{
	d.wait[engine] = n;
	return d;
}

#define A	0x10000
#define B	0x20000
#define C	0x30000
#define D	0x40000
#define W	0x80000
#define P	0x90000

static void finding_says_who_what_and_how(void **state)
{
	struct bench *b = *state;
	struct fxq_desc s[] = { load(0, 0, A, 512), after(copy(A, B), 0, 1) };

	s[0].tag = 10;
	s[1].tag = 20;
	expect_race(b, s, 2, 1, FXQ_ENGINE_LD, "race", "");
	assert_string_equal(b->text[0],
		"race: requant #2 (tag 20, VX) reads scratchpad "
		"0x10000..0x101ff, which load #1 (tag 10, LD) writes, and no "
		"wait orders them: #2 needs wait[LD] of 2 or more");
}

/* Read after write, between each pair of engines that can */

static void read_after_write(void **state)
{
	RACE(1, LD, "conv #2", "load #1 (tag 0, LD) writes",
	     load(0, 0, A, 512), after(conv1(A, B, W, P), 0, 1));
	RACE(1, LD, "reads scratchpad 0x80000", "load #1",
	     load(0, 0, W, 1024), after(conv1(A, B, W, P), 0, 1));
	RACE(1, LD, "reads scratchpad 0x90000", "load #1",
	     load(0, 0, P, 512), after(conv1(A, B, W, P), 0, 1));
	RACE(1, LD, "store #2", "load #1",
	     load(0, 0, A, 512), after(store(0, 4096, A, 512), 0, 1));
	RACE(1, LD, "requant #2", "fill #1",
	     fill(A, 512, 1), after(copy(A, B), 0, 1));
	RACE(1, MX, "requant #2", "conv #1 (tag 0, MX) writes",
	     conv1(A, B, W, P), after(copy(B, C), 2, 1));
	RACE(1, MX, "store #2", "wait[MX] of 1 or more",
	     conv1(A, B, W, P), after(store(0, 0, B, 512), 2, 1));
	RACE(1, VX, "conv #2", "requant #1 (tag 0, VX) writes",
	     copy(A, B), after(conv1(B, C, W, P), 3, 1));
	RACE(1, VX, "store #2", "wait[VX] of 1 or more",
	     copy(A, B), after(store(0, 0, B, 512), 3, 1));
}

static void write_after_read(void **state)
{
	RACE(1, MX, "load #2 (tag 0, LD) writes", "conv #1 (tag 0, MX) reads",
	     conv1(A, B, W, P), after(load(0, 0, W, 1024), 2, 1));
	RACE(1, VX, "load #2 (tag 0, LD) writes", "requant #1",
	     copy(A, B), after(load(0, 0, A, 512), 3, 1));
	RACE(1, ST, "load #2 (tag 0, LD) writes", "store #1 (tag 0, ST) reads",
	     store(0, 0, A, 512), after(load(1, 0, A, 512), 1, 1));
	RACE(1, VX, "conv #2 (tag 0, MX) writes", "requant #1",
	     copy(A, B), after(conv1(C, A, W, P), 3, 1));
	RACE(1, MX, "requant #2 (tag 0, VX) writes", "conv #1",
	     conv1(A, B, W, P), after(copy(C, A), 2, 1));
	RACE(1, ST, "conv #2", "store #1",
	     store(0, 0, A, 512), after(conv1(C, A, W, P), 1, 1));
	RACE(1, ST, "requant #2", "store #1",
	     store(0, 0, A, 512), after(copy(C, A), 1, 1));
}

static void write_after_write(void **state)
{
	RACE(1, LD, "requant #2 (tag 0, VX) writes", "load #1 (tag 0, LD) "
	     "writes", load(0, 0, B, 512), after(copy(A, B), 0, 1));
	RACE(1, MX, "load #2 (tag 0, LD) writes", "conv #1 (tag 0, MX) writes",
	     conv1(A, B, W, P), after(load(0, 0, B, 512), 2, 1));
	RACE(1, VX, "conv #2", "requant #1 (tag 0, VX) writes",
	     copy(A, B), after(conv1(C, B, W, P), 3, 1));
}

/* Tables and other operands that are easily forgotten */

static void tables_are_operands(void **state)
{
	struct fxq_desc d = conv1(A, B, W, P);

	RACE(1, LD, "0xa0000..0xa00ff", "lut #2", load(0, 0, 0xa0000, 256),
	     after(unary(FXQ_OP_LUT, A, B, 0xa0000, 4, 4, 32), 0, 1));
	RACE(1, LD, "0xa0000..0xa03ff", "softmax #2",
	     load(0, 0, 0xa0000, 1024),
	     after(unary(FXQ_OP_SOFTMAX, A, B, 0xa0000, 4, 4, 32), 0, 1));
	RACE(1, LD, "0xa0000..0xa00ff", "layernorm #2",
	     load(0, 0, 0xa0000, 1024),
	     after(unary(FXQ_OP_LAYERNORM, A, B, 0xa0000, 4, 4, 32), 0, 1));
	RACE(1, LD, "0xa0000..0xa000f", "avgpool #2", load(0, 0, 0xa0000, 64),
	     after(pool(FXQ_OP_AVGPOOL, A, B, 0xa0000, 4, 32, 2, 2), 0, 1));
	RACE(1, LD, "0xa0000..0xa001f", "resize #2", load(0, 0, 0xa0000, 64),
	     after(resize(A, B, 0xa1000, 0xa0000, 4, 8, 32), 0, 1));
	d.flags |= FXQ_F_LUT;
	d.conv.lut = 0xa0000;
	RACE(1, LD, "0xa0000..0xa00ff", "conv #2", load(0, 0, 0xa0000, 256),
	     after(d, 0, 1));
}

static void residual_is_an_operand(void **state)
{
	struct fxq_desc d = conv1(A, B, W, P);

	d.flags |= FXQ_F_RESIDUAL;
	d.conv.res = map_of(C, 4, 4, 32);
	RACE(1, VX, "conv #2 (tag 0, MX) reads scratchpad 0x30000",
	     "requant #1", copy(D, C), after(d, 3, 1));
}

static void overlap_may_be_partial(void **state)
{
	/* 16 bytes at the end of what is loaded are the copy's first */
	struct fxq_desc d = load(0, 0, A - 64, 80);

	RACE(1, LD, "scratchpad 0x10000..0x1000f, ", "load #1",
	     d, after(copy(A, B), 0, 1));
	d = load(0, 0, A - 64, 64);
	CLEAN(d, copy(A, B));
	/* The second block of a map of 40 channels */
	d = load(0, 0, A + 512, 64);
	RACE(1, LD, "scratchpad 0x10200..0x1023f, ", "load #1", d,
	     after(unary(FXQ_OP_REQUANT, A, B, 0, 4, 4, 40), 0, 1));
}

/* Memory */

static void memory_read_after_write(void **state)
{
	RACE(1, ST, "load #2 (tag 0, LD) reads memory",
	     "store #1 (tag 0, ST) writes",
	     store(0, 0, A, 512), after(load(0, 256, B, 512), 1, 1));
}

static void memory_write_after_read(void **state)
{
	RACE(1, LD, "store #2 (tag 0, ST) writes memory", "load #1",
	     load(0, 256, B, 512), after(store(0, 0, A, 512), 0, 1));
}

static void memory_regions_may_be_the_same_bytes(void **state)
{
	/* Region 1 begins where region 2 is 256 KiB in */
	RACE(1, ST, "load #2", "store #1", store(1, 0, A, 64),
	     after(load(2, 1 << 18, B, 64), 1, 1));
	CLEAN(store(1, 0, A, 64), load(2, 0, B, 64));
	CLEAN(store(0, 0, A, 64), load(1, 0, B, 64));
}

/* 8 rows of 32 bytes of a tensor whose rows are 64 */
static struct fxq_desc tile(struct fxq_desc d, uint32_t column)
{
	d.dma.offset = column * 32;
	d.dma.n[0] = 32;
	d.dma.n[1] = 8;
	d.dma.mem_stride[1] = 64;
	d.dma.spm_stride[1] = 32;
	return d;
}

static void memory_tiles_interleave(void **state)
{
	struct fxq_desc turned = tile(load(0, 0, B, 0), 0);

	CLEAN(tile(store(0, 0, A, 0), 1), tile(load(0, 0, B, 0), 0));
	RACE(1, ST, "reads memory", "store #1", tile(store(0, 0, A, 0), 1),
	     after(tile(load(0, 0, B, 0), 1), 1, 1));
	/* Backwards, from the last row up */
	turned.dma.offset = 7 * 64;
	turned.dma.mem_stride[1] = -64;
	CLEAN(tile(store(0, 0, A, 0), 1), turned);
	turned.dma.offset += 32;
	RACE(1, ST, "reads memory", "store #1", tile(store(0, 0, A, 0), 1),
	     after(turned, 1, 1));
}

static void memory_is_compared_run_by_run(void **state)
{
	/* One row of 32 bytes, in the tile's column or beside it */
	CLEAN(load(0, 5 * 64, B, 32), tile(store(0, 0, A, 0), 1));
	RACE(1, LD, "writes memory", "load #1", load(0, 5 * 64 + 32, B, 32),
	     after(tile(store(0, 0, A, 0), 1), 0, 1));
	RACE(1, LD, "writes memory", "load #1", load(0, 7 * 64 + 63, B, 1),
	     after(tile(store(0, 0, A, 0), 1), 0, 1));
	CLEAN(load(0, 8 * 64, B, 64), tile(store(0, 0, A, 0), 1));
}

/* Order that is there */

static void readers_need_no_order(void **state)
{
	/* Both read A; what the one writes lies between the other's operands */
	CLEAN(binary(FXQ_OP_ADD, A, D, B, 4, 4, 32), conv1(A, C, W, P));
}

static void engine_is_in_order(void **state)
{
	CLEAN(load(0, 0, A, 64), load(0, 64, A, 64), copy(B, C), copy(C, B),
	      store(0, 4096, D, 64), store(0, 4096, D, 64));
}

static void order_is_transitive(void **state)
{
	/* LD waits for ST, which waited for VX, which had read A */
	CLEAN(copy(A, B), after(store(0, 0, B, 512), 3, 1),
	      after(load(0, 4096, A, 512), 1, 1));
	/* An earlier wait of the same engine counts too */
	CLEAN(copy(A, B), after(load(0, 0, C, 64), 3, 1),
	      load(0, 4096, A, 512));
	/* But not a later one */
	RACE(1, VX, "load #2", "requant #1", copy(A, B),
	     after(load(0, 4096, A, 512), 3, 1),
	     after(load(0, 0, C, 64), 3, 1));
}

static void boxes_side_by_side_do_not_meet(void **state)
{
	struct fxq_desc left = copy(A, C), right = conv1(B, A, W, P);

	/* VX reads columns 0-3 of 8, MX writes columns 4-7 */
	left.unary.in.row = 8;
	right.conv.out.row = 8;
	right.conv.out.x = 4;
	CLEAN(left, right);
	right.conv.out.x = 3;
	RACE(1, VX, "conv #2 (tag 0, MX) writes scratchpad 0x10060..0x1007f",
	     "requant #1", left, after(right, 3, 1));
}

/* Tiles through two buffers: LD, then VX, then ST. @slack takes from LD's */
static uint32_t double_buffer(struct fxq_desc *s, uint32_t tiles,
			      uint32_t slack)
{
	uint32_t i, n = 0;

	for (i = 0; i < tiles; i++) {
		uint32_t in = i % 2 ? B : A, out = i % 2 ? D : C;
		uint32_t free_at = i > 1 ? i - 1 : 0;

		s[n] = load(0, i * 512, in, 512);
		s[n].wait[FXQ_ENGINE_VX] = free_at > slack ? free_at - slack :
					   0;
		s[n + 1] = after(copy(in, out), FXQ_ENGINE_LD, i + 1);
		s[n + 1].wait[FXQ_ENGINE_ST] = free_at;
		s[n + 2] = after(store(1, i * 512, out, 512), FXQ_ENGINE_VX,
				 i + 1);
		n += 3;
	}
	return n;
}

static void double_buffer_off_by_one(void **state)
{
	struct bench *b = *state;
	struct fxq_desc s[MAX_STREAM], filled[MAX_STREAM];
	uint32_t n = double_buffer(s, 8, 0);

	expect_clean(b, s, n);
	/* Six LOADs, of tiles 2 to 7, come one VX too early */
	n = double_buffer(s, 8, 1);
	run(b, filled, fill_first(filled, s, n));
	assert_int_equal(b->texts, 6);
	assert_non_null(strstr(b->text[0], "load #7 (tag 0, LD) writes"));
	assert_non_null(strstr(b->text[0], "requant #2 (tag 0, VX) reads"));
	assert_non_null(strstr(b->text[0], "#7 needs wait[VX] of 1 or more"));
}

static void long_streams_are_clean(void **state)
{
	static struct fxq_desc s[MAX_STREAM];

	expect_clean(*state, s, double_buffer(s, 300, 0));
}

static void findings_of_a_run_are_limited(void **state)
{
	static struct fxq_desc s[MAX_STREAM], filled[MAX_STREAM];
	struct bench *b = *state;
	uint32_t n = double_buffer(s, 200, 1);

	n = fill_first(filled, s, n);
	run(b, filled, n);
	assert_int_equal(b->texts, 16);
	run(b, filled, n);		/* the next run speaks for itself */
	assert_int_equal(b->texts, 16);
}

/* Reads of what the run did not write */

static void unwritten_lines_are_found(void **state)
{
	struct bench *b = *state;
	struct fxq_desc s[] = { load(0, 0, A, 448),
				after(copy(A, B), FXQ_ENGINE_LD, 1) };

	run(b, s, 2);
	assert_int_equal(b->texts, 1);
	assert_string_equal(b->text[0],
		"unwritten: requant #1 (tag 0, VX) reads scratchpad "
		"0x10000..0x101ff, of which line 0x101c0 was written by no "
		"earlier descriptor of the run");
	s[0] = load(0, 0, A, 449);	/* a byte of it makes a line written */
	run(b, s, 2);
	assert_int_equal(b->texts, 0);
}

static void another_runs_lines_are_unwritten(void **state)
{
	struct bench *b = *state;
	struct fxq_desc write = load(0, 0, A, 512), read = copy(A, B);

	run(b, &write, 1);
	assert_int_equal(b->texts, 0);
	run(b, &read, 1);
	assert_int_equal(b->texts, 1);
	assert_non_null(strstr(b->text[0], "unwritten: requant #0"));
}

static void gaps_beside_a_box_may_be_unwritten(void **state)
{
	struct bench *b = *state;
	struct fxq_desc s[3] = { load(0, 0, A, 64) };

	/* Two columns of eight are loaded, copied and stored */
	s[0].dma.n[1] = 4;
	s[0].dma.mem_stride[1] = 64;
	s[0].dma.spm_stride[1] = 256;
	s[1] = after(unary(FXQ_OP_REQUANT, A, B, 0, 4, 2, 32), FXQ_ENGINE_LD,
		     1);
	s[1].unary.in.row = 8;
	s[1].unary.out.row = 8;
	s[2] = s[0];
	s[2].opcode = FXQ_OP_STORE;
	s[2].engine = FXQ_ENGINE_ST;
	s[2].dma.spm = B;
	s[2].dma.n[1] = 1;
	s[2].dma.n[2] = 4;
	s[2].dma.mem_stride[2] = 64;
	s[2].dma.spm_stride[2] = 256;
	s[2].dma.region = 1;
	s[2].wait[FXQ_ENGINE_VX] = 1;
	run(b, s, 3);
	if (b->texts)
		print_error("%s\n", b->text[0]);
	assert_int_equal(b->texts, 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finding_says_who_what_and_how),
		TEST(read_after_write),
		TEST(write_after_read),
		TEST(write_after_write),
		TEST(tables_are_operands),
		TEST(residual_is_an_operand),
		TEST(overlap_may_be_partial),
		TEST(memory_read_after_write),
		TEST(memory_write_after_read),
		TEST(memory_regions_may_be_the_same_bytes),
		TEST(memory_tiles_interleave),
		TEST(memory_is_compared_run_by_run),
		TEST(readers_need_no_order),
		TEST(engine_is_in_order),
		TEST(order_is_transitive),
		TEST(boxes_side_by_side_do_not_meet),
		TEST(double_buffer_off_by_one),
		TEST(long_streams_are_clean),
		TEST(findings_of_a_run_are_limited),
		TEST(unwritten_lines_are_found),
		TEST(another_runs_lines_are_unwritten),
		TEST(gaps_beside_a_box_may_be_unwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
