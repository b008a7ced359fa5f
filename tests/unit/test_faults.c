// SPDX-License-Identifier: MIT
/*
 * Every way in which a run can fault, once, with the state after it: one
 * record that says where, the context stopped, another context untouched, and
 * REARM makes all well again.
 */
#include "rig.h"

static int setup(void **state)
{
	*state = rig_open();
	return 0;
}

static int teardown(void **state)
{
	rig_close(*state);
	return 0;
}

static struct fxq_binding *bindings(struct rig *r)
{
	return (struct fxq_binding *)rig_data(r, 1, RIG_BIND);
}

/*
 * Puts @e, a job of context 1, with two more behind it. Expects it to fault
 * with @cause, and what must follow from that.
 */
static struct fxq_complete expect_fault(struct rig *r, struct fxq_submit e,
					uint32_t cause)
{
	struct fxq_desc gate = load(0, 0, 0, 64);
	int faults = rig_irqs(r, FXQ_VECTOR_FAULT);
	struct fxq_complete rec;
	uint64_t run;

	/* Held by context 2, so that all three are queued */
	rig_set_gate(r, rig_page_bus(2, 2));
	rig_ask(r, FXQ_SUBMIT_INVALIDATE, 2);
	rig_get(r);
	rig_put(r, rig_job(r, 2, &gate, 1));
	rig_await_gate(r);
	run = rig_put(r, e);
	rig_put(r, e);
	rig_put(r, e);
	rig_set_gate(r, RIG_NO_GATE);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);

	rec = rig_get(r);
	assert_int_equal(rec.run, run);
	assert_int_equal(rec.context, 1);
	assert_int_equal(rec.cause, cause);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_STOPPED);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_STOPPED);
	assert_int_equal(rig_irqs(r, FXQ_VECTOR_FAULT), faults + 1);

	rig_put(r, e);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_STOPPED);
	assert_int_equal(rig_copy(r, 2).cause, FXQ_CAUSE_NONE);
	rig_ask(r, FXQ_SUBMIT_REARM, 1);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);
	return rec;
}

/* A good LOAD, then @bad with tag 1234: the fault names the second. */
static void expect_bad_desc(struct rig *r, struct fxq_desc bad, uint32_t cause)
{
	struct fxq_desc s[] = { load(0, 0, 0, 64), bad };
	struct fxq_complete rec;

	s[1].tag = 1234;
	rec = expect_fault(r, rig_job(r, 1, s, 2), cause);
	assert_int_equal(rec.index, 1);
	assert_int_equal(rec.tag, 1234);
	assert_int_equal(rec.cycles, 220);	/* of the one that completed */
	assert_int_equal(rig_copy(r, 1).cause, FXQ_CAUSE_NONE);
}

static void context_not_enabled(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s = load(0, 0, 0, 64);

	r->contexts[1].flags = 0;
	expect_fault(r, rig_job(r, 1, &s, 1), FXQ_CAUSE_CONTEXT);
	r->contexts[1].flags = FXQ_CONTEXT_ENABLED | 2;
	expect_fault(r, rig_job(r, 1, &s, 1), FXQ_CAUSE_CONTEXT);
	r->contexts[1].flags = FXQ_CONTEXT_ENABLED;
	r->contexts[1].root += 8;
	expect_fault(r, rig_job(r, 1, &s, 1), FXQ_CAUSE_CONTEXT);
	r->contexts[1].root -= 8;
	assert_int_equal(rig_copy(r, 1).cause, FXQ_CAUSE_NONE);
}

static void stream_of_no_or_too_many_descriptors(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s = load(0, 0, 0, 64);
	struct fxq_submit e = rig_job(r, 1, &s, 1);

	e.count = 0;
	expect_fault(r, e, FXQ_CAUSE_EMPTY);
	e.count = (1 << 20) + 1;
	expect_fault(r, e, FXQ_CAUSE_EMPTY);
	e.count = ~0u;
	expect_fault(r, e, FXQ_CAUSE_EMPTY);
}

static void stream_that_is_not_aligned_or_not_there(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s = load(0, 0, 0, 64);
	struct fxq_submit e = rig_job(r, 1, &s, 1);
	struct fxq_complete rec;

	e.stream += 64;
	rec = expect_fault(r, e, FXQ_CAUSE_ALIGNMENT);
	assert_int_equal(rec.address, RIG_VA + 64);
	e.stream = RIG_VA + RIG_PAGES * RIG_PAGE;
	rec = expect_fault(r, e, FXQ_CAUSE_PAGE_INVALID);
	assert_int_equal(rec.address, e.stream);
	/* Longer than what is mapped: nothing of it is executed */
	e.stream = RIG_VA;
	e.count = 1 << 20;
	rec = expect_fault(r, e, FXQ_CAUSE_PAGE_INVALID);
	assert_int_equal(rec.address, RIG_VA + RIG_PAGES * RIG_PAGE);
	assert_int_equal(rec.cycles, 0);
	e.stream = ~127ull;
	e.count = 2;
	expect_fault(r, e, FXQ_CAUSE_PAGE_INVALID);
}

static void bindings_that_are_wrong(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s = load(0, 0, 0, 64);
	struct fxq_submit e = rig_job(r, 1, &s, 1);
	struct fxq_binding good = *bindings(r);
	struct fxq_complete rec;

	e.bindings = RIG_BIND + 8;
	expect_fault(r, e, FXQ_CAUSE_ALIGNMENT);
	e.bindings = RIG_VA - RIG_PAGE;
	rec = expect_fault(r, e, FXQ_CAUSE_PAGE_INVALID);
	assert_int_equal(rec.address, RIG_VA - RIG_PAGE);
	e.bindings = RIG_BIND;
	bindings(r)->addr = good.addr + 32;
	expect_fault(r, e, FXQ_CAUSE_ALIGNMENT);
	*bindings(r) = good;
	bindings(r)->size = 100;
	expect_fault(r, e, FXQ_CAUSE_ALIGNMENT);
	*bindings(r) = good;
	bindings(r)->flags = 2;
	rec = expect_fault(r, e, FXQ_CAUSE_RESERVED);
	assert_int_equal(rec.address, RIG_BIND);
	*bindings(r) = good;
	bindings(r)->reserved = 1;
	expect_fault(r, e, FXQ_CAUSE_RESERVED);
	*bindings(r) = good;
	bindings(r)->size = -64;
	expect_fault(r, e, FXQ_CAUSE_REGION_BOUNDS);
	*bindings(r) = good;
	bindings(r)->addr = 1ull << FXQ_VA_BITS;
	expect_fault(r, e, FXQ_CAUSE_REGION_BOUNDS);
	*bindings(r) = good;
	rig_put(r, e);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);
}

static void regions_not_bound_or_too_small(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s = load(1, 0, 0, 64);
	struct fxq_complete rec;

	expect_bad_desc(r, s, FXQ_CAUSE_REGION);
	s = load(0, RIG_REGION_SIZE - 64, 0, 65);
	rec = expect_fault(r, rig_job(r, 1, &s, 1), FXQ_CAUSE_REGION_BOUNDS);
	assert_int_equal(rec.address, RIG_REGION + RIG_REGION_SIZE);
	s = load(0, RIG_REGION_SIZE - 64, 0, 64);
	assert_int_equal(rig_run(r, 1, &s, 1).cause, FXQ_CAUSE_NONE);
}

static void store_to_a_read_only_region(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s[] = { fill(0, 64, 5), store(0, 0, 0, 64) };
	struct fxq_submit e = rig_job(r, 1, s, 2);
	struct fxq_complete rec;

	bindings(r)->flags = 0;
	rec = expect_fault(r, e, FXQ_CAUSE_REGION_WRITE);
	assert_int_equal(rec.index, 1);
	assert_int_equal(rec.address, RIG_REGION);
	assert_int_equal(*rig_data(r, 1, RIG_REGION), 0);
}

static void descriptors_that_the_checker_refuses(void **state)
{
	struct rig *r = *state;
	struct fxq_desc d = load(0, 0, 64, 64);

	d.opcode = FXQ_OP_COUNT;
	expect_bad_desc(r, d, FXQ_CAUSE_OPCODE);
	d = load(0, 0, 64, 64);
	d.engine = FXQ_ENGINE_VX;
	expect_bad_desc(r, d, FXQ_CAUSE_ENGINE);
	d = load(0, 0, 64, 64);
	d.flags = 1;
	expect_bad_desc(r, d, FXQ_CAUSE_FLAGS);
	d = load(0, 0, 64, 64);
	d.dma.reserved[33] = 1;
	expect_bad_desc(r, d, FXQ_CAUSE_RESERVED);
	expect_bad_desc(r, wait_for(load(0, 0, 64, 64), 0, 1, 0, 0),
			FXQ_CAUSE_WAIT);
	expect_bad_desc(r, wait_for(load(0, 0, 64, 64), 1, 0, 0, 0),
			FXQ_CAUSE_WAIT_SELF);
	expect_bad_desc(r, load(0, 0, 64, 0), FXQ_CAUSE_ZERO);
	d = load(0, 0, 64, 64);
	d.dma.elem = 3;
	expect_bad_desc(r, d, FXQ_CAUSE_VALUE);
	expect_bad_desc(r, load(0, 0, 64, (1 << 20) + 1), FXQ_CAUSE_WORK);
}

static void descriptors_that_leave_the_scratchpad(void **state)
{
	struct rig *r = *state;
	struct fxq_desc d = load(0, 0, 32, 64);

	expect_bad_desc(r, d, FXQ_CAUSE_SPM_ALIGNMENT);
	d = load(0, 0, (1 << 20) - 64, 65);
	expect_bad_desc(r, d, FXQ_CAUSE_SPM_BOUNDS);
	d = unary(FXQ_OP_REQUANT, 0, 64, 0, 2, 2, 32);
	expect_bad_desc(r, d, FXQ_CAUSE_SPM_OVERLAP);
}

static void chain_left_open(void **state)
{
	struct rig *r = *state;
	struct fxq_desc d = conv(0, 8192, 16384, 0, 6, 32, 32, 3);
	struct fxq_complete rec;

	d.flags = FXQ_F_ACC_LAST;
	expect_bad_desc(r, d, FXQ_CAUSE_CHAIN);
	d.flags = FXQ_F_ACC_FIRST;
	d.tag = 5;
	rec = expect_fault(r, rig_job(r, 1, &d, 1), FXQ_CAUSE_CHAIN);
	assert_int_equal(rec.index, 0);
	assert_int_equal(rec.tag, 5);
}

/* What tables hold is seen when the descriptor's turn has come. */
static void resize_table_that_points_outside(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s[] = { fill(0, 4096, 0), fill(65536, 64, 0),
				resize(0, 8192, 65536, 65536, 4, 8, 32) };
	struct fxq_complete rec;

	assert_int_equal(rig_run(r, 1, s, 3).cause, FXQ_CAUSE_NONE);
	s[1].dma.fill = 4;
	s[1].dma.elem = 2;
	s[1].dma.n[0] = 16;
	s[1].dma.spm_stride[0] = 2;
	rec = expect_fault(r, rig_job(r, 1, s, 3), FXQ_CAUSE_VALUE);
	assert_int_equal(rec.index, 2);
}

/* The record cannot say which entry of which table it is; debug mode does. */
static void debug_mode_names_the_entry_of_a_resize_table(void **state)
{
	struct fxq_desc s[] = {
		fill(0, 4096, 0), fill(65536, 64, 0), fill(131072, 64, 0),
		wait_for(resize(0, 8192, 65536, 131072, 4, 8, 32), 3, 0, 0, 0),
	};
	const struct fxq_machine_config config = { .debug = true };
	struct rig *r = rig_open_with(&config);

	(void)state;
	assert_int_equal(rig_enable(r), FXQ_STATUS_ENABLED);
	s[3].tag = 77;
	assert_int_equal(rig_run(r, 1, s, 4).cause, FXQ_CAUSE_NONE);
	assert_string_equal(r->said, "");
	/* Entries 5 to 7 of the second table become { 4, 9 } */
	s[2].dma.spm_skip = 20;
	s[2].dma.fill = 9 << 16 | 4;
	s[2].dma.elem = 4;
	s[2].dma.n[0] = 3;
	s[2].dma.spm_stride[0] = 4;
	assert_int_equal(rig_run(r, 1, s, 4).cause, FXQ_CAUSE_VALUE);
	assert_string_equal(r->said,
		"value: entry 5 of xtab of resize #3 (tag 77, VX) has index 4 "
		"and fraction 9; indices are below 4 and fractions at most "
		"2048");
	rig_close(r);
}

static void bus_that_fails(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s = load(0, 0, 0, 64);
	struct fxq_complete rec;

	r->hole = rig_page_bus(1, 2);
	rec = expect_fault(r, rig_job(r, 1, &s, 1), FXQ_CAUSE_BUS);
	assert_int_equal(rec.address, RIG_REGION);
	r->hole = RIG_NO_GATE;
	assert_int_equal(rig_run(r, 1, &s, 1).cause, FXQ_CAUSE_NONE);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(context_not_enabled),
		TEST(stream_of_no_or_too_many_descriptors),
		TEST(stream_that_is_not_aligned_or_not_there),
		TEST(bindings_that_are_wrong),
		TEST(regions_not_bound_or_too_small),
		TEST(store_to_a_read_only_region),
		TEST(descriptors_that_the_checker_refuses),
		TEST(descriptors_that_leave_the_scratchpad),
		TEST(chain_left_open),
		TEST(resize_table_that_points_outside),
		cmocka_unit_test(debug_mode_names_the_entry_of_a_resize_table),
		TEST(bus_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
