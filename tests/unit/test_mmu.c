// SPDX-License-Identifier: MIT
/*
 * Page tables as the machine reads them: both page sizes, every bit that must
 * be zero, read-only pages, what a translation buffer may and may not keep,
 * and INVALIDATE, also while a job runs.
 */
#include "rig.h"

#define FAR	0x7000000000ull		/* far from what rig_open() mapped */

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

/* A job of context 1 whose region 0 is [va, va + 4 KiB). */
static struct fxq_complete run_at(struct rig *r, uint64_t va,
				  const struct fxq_desc *stream, uint32_t count)
{
	struct fxq_submit e = rig_job(r, 1, stream, count);
	struct fxq_binding *bind =
		(struct fxq_binding *)rig_data(r, 1, RIG_BIND);

	bind->addr = va;
	bind->size = RIG_PAGE;
	rig_put(r, e);
	return rig_get(r);
}

static struct fxq_complete load_at(struct rig *r, uint64_t va)
{
	struct fxq_desc s = load(0, 0, 0, 64);

	return run_at(r, va, &s, 1);
}

static struct fxq_complete store_at(struct rig *r, uint64_t va)
{
	struct fxq_desc s[] = { fill(0, 64, 0x3c),
				wait_for(store(0, 0, 0, 64), 1, 0, 0, 0) };

	return run_at(r, va, s, 2);
}

static void rearm(struct rig *r)
{
	rig_ask(r, FXQ_SUBMIT_REARM, 1);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);
}

/* Loads from FAR, whose last-level entry is @pte. */
static void expect(struct rig *r, int level, uint64_t pte, uint32_t cause)
{
	struct fxq_complete rec;

	*rig_pte(r, 1, FAR, level) = pte;
	rec = load_at(r, FAR);
	assert_int_equal(rec.cause, cause);
	assert_int_equal(rec.address, cause ? FAR : 0);
	if (cause)
		rearm(r);
	rig_ask(r, FXQ_SUBMIT_INVALIDATE, 1);
	rig_get(r);
}

static void last_level_needs_valid_and_leaf(void **state)
{
	struct rig *r = *state;

	expect(r, 2, RIG_DATA | RIG_RO, FXQ_CAUSE_NONE);
	expect(r, 2, RIG_DATA | RIG_RW, FXQ_CAUSE_NONE);
	expect(r, 2, 0, FXQ_CAUSE_PAGE_INVALID);
	/* Without VALID the other bits are the driver's own */
	expect(r, 2, ~0ull & ~FXQ_PTE_VALID, FXQ_CAUSE_PAGE_INVALID);
	expect(r, 2, RIG_DATA | FXQ_PTE_VALID, FXQ_CAUSE_PAGE_ENTRY);
}

static void reserved_bits_fault(void **state)
{
	struct rig *r = *state;
	int bit;

	for (bit = 3; bit < 64; bit++)
		if (bit < 12 || bit > 51)
			expect(r, 2, RIG_DATA | RIG_RW | 1ull << bit,
			       FXQ_CAUSE_PAGE_ENTRY);
}

static void reserved_bits_of_tables_fault(void **state)
{
	struct rig *r = *state;
	uint64_t top = (rig_pte(r, 1, FAR, 2), *rig_pte(r, 1, FAR, 0));

	*rig_pte(r, 1, FAR, 2) = RIG_DATA | RIG_RO;
	expect(r, 0, top | 8, FXQ_CAUSE_PAGE_ENTRY);
	expect(r, 0, top | 1ull << 52, FXQ_CAUSE_PAGE_ENTRY);
	expect(r, 0, top | FXQ_PTE_WRITABLE, FXQ_CAUSE_PAGE_ENTRY);
	expect(r, 0, top, FXQ_CAUSE_NONE);
}

static void large_page_maps_two_mib(void **state)
{
	struct rig *r = *state;
	struct fxq_complete rec;

	*rig_pte(r, 1, FAR, 1) = 2 * RIG_LARGE | RIG_RW;
	rec = store_at(r, FAR + 0x123000);
	assert_int_equal(rec.cause, FXQ_CAUSE_NONE);
	assert_int_equal(r->mem[2 * RIG_LARGE + 0x123000], 0x3c);
	rec = store_at(r, FAR + RIG_LARGE - RIG_PAGE);
	assert_int_equal(rec.cause, FXQ_CAUSE_NONE);
	assert_int_equal(r->mem[3 * RIG_LARGE - RIG_PAGE], 0x3c);
	assert_int_equal(load_at(r, FAR + RIG_LARGE).cause,
			 FXQ_CAUSE_PAGE_INVALID);
}

/* What the bus does not have in one piece is taken page by page. */
static void large_page_may_have_a_hole(void **state)
{
	struct rig *r = *state;
	struct fxq_complete rec;

	*rig_pte(r, 1, FAR, 1) = 2 * RIG_LARGE | RIG_RW;
	r->hole = 2 * RIG_LARGE + 5 * RIG_PAGE;
	assert_int_equal(load_at(r, FAR + 4 * RIG_PAGE).cause, FXQ_CAUSE_NONE);
	rec = load_at(r, FAR + 5 * RIG_PAGE);
	assert_int_equal(rec.cause, FXQ_CAUSE_BUS);
	assert_int_equal(rec.address, FAR + 5 * RIG_PAGE);
	rearm(r);
	assert_int_equal(load_at(r, FAR + 6 * RIG_PAGE).cause, FXQ_CAUSE_NONE);
}

static void large_page_goes_with_any_part_of_it(void **state)
{
	struct rig *r = *state;

	*rig_pte(r, 1, FAR, 1) = 2 * RIG_LARGE | RIG_RW;
	assert_int_equal(load_at(r, FAR).cause, FXQ_CAUSE_NONE);
	*rig_pte(r, 1, FAR, 1) = 0;
	rig_put(r, (struct fxq_submit){
		.kind = FXQ_SUBMIT_INVALIDATE, .context = 1,
		.first = FAR + 7 * RIG_PAGE, .last = FAR + 7 * RIG_PAGE,
	});
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);
	assert_int_equal(load_at(r, FAR).cause, FXQ_CAUSE_PAGE_INVALID);
}

static void large_page_must_be_aligned(void **state)
{
	struct rig *r = *state;

	expect(r, 1, 2 * RIG_LARGE | RIG_RO, FXQ_CAUSE_NONE);
	expect(r, 1, (2 * RIG_LARGE + RIG_PAGE) | RIG_RO, FXQ_CAUSE_PAGE_ENTRY);
}

static void there_are_no_pages_of_one_gib(void **state)
{
	expect(*state, 0, RIG_RO, FXQ_CAUSE_PAGE_ENTRY);
}

static void page_zero_is_never_mapped(void **state)
{
	struct rig *r = *state;

	*rig_pte(r, 1, 0, 2) = RIG_DATA | RIG_RW;
	assert_int_equal(load_at(r, 0).cause, FXQ_CAUSE_PAGE_INVALID);
	rearm(r);
	*rig_pte(r, 1, RIG_PAGE, 2) = RIG_DATA | RIG_RW;
	assert_int_equal(load_at(r, RIG_PAGE).cause, FXQ_CAUSE_NONE);
}

static void page_zero_is_no_part_of_a_large_page(void **state)
{
	struct rig *r = *state;
	struct fxq_submit e = rig_job(r, 2, (struct fxq_desc[]){
		load(0, 0, 0, 64), load(1, 0, 0, 64) }, 2);
	const struct fxq_binding bind[] = { { .addr = RIG_PAGE, .size = 64 },
					    { .addr = 0, .size = 64 } };
	struct fxq_complete rec;

	/* All of context 2's first 2 MiB, as they were, in one page */
	*rig_pte(r, 2, 0, 1) = RIG_LARGE | RIG_RW;
	memcpy(r->mem + RIG_LARGE + RIG_VA, rig_data(r, 2, RIG_VA), 256);
	memcpy(r->mem + RIG_LARGE + RIG_BIND, bind, sizeof(bind));
	e.n_bindings = 2;
	rig_put(r, e);
	rec = rig_get(r);
	assert_int_equal(rec.cause, FXQ_CAUSE_PAGE_INVALID);
	assert_int_equal(rec.index, 1);
	assert_int_equal(rec.address, 0);
}

static void last_page_can_be_mapped(void **state)
{
	struct rig *r = *state;
	uint64_t last = (1ull << FXQ_VA_BITS) - RIG_PAGE;

	*rig_pte(r, 1, last, 2) = RIG_DATA | RIG_RW;
	assert_int_equal(load_at(r, last).cause, FXQ_CAUSE_NONE);
	assert_int_equal(load_at(r, last + RIG_PAGE).cause,
			 FXQ_CAUSE_REGION_BOUNDS);
}

static void read_only_page_takes_no_store(void **state)
{
	struct rig *r = *state;
	struct fxq_complete rec;

	rig_map(r, 1, FAR, RIG_DATA, RIG_RO);
	r->mem[RIG_DATA] = 0x11;
	assert_int_equal(load_at(r, FAR).cause, FXQ_CAUSE_NONE);
	rec = store_at(r, FAR);
	assert_int_equal(rec.cause, FXQ_CAUSE_PAGE_WRITE);
	assert_int_equal(rec.address, FAR);
	assert_int_equal(rec.index, 1);
	assert_int_equal(r->mem[RIG_DATA], 0x11);
}

static void bus_errors_are_faults(void **state)
{
	struct rig *r = *state;

	/* A page, then a page table, where the bus has nothing */
	expect(r, 2, 1ull << 40 | RIG_RO, FXQ_CAUSE_BUS);
	expect(r, 2, (RIG_BYTES - RIG_PAGE) | RIG_RO, FXQ_CAUSE_NONE);
	expect(r, 1, 1ull << 40 | FXQ_PTE_VALID, FXQ_CAUSE_BUS);
}

static void transfer_stops_at_the_page_that_is_missing(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s = load(0, 0, 0, RIG_PAGE);
	struct fxq_submit e = rig_job(r, 1, &s, 1);
	struct fxq_binding *bind =
		(struct fxq_binding *)rig_data(r, 1, RIG_BIND);
	struct fxq_complete rec;

	rig_map(r, 1, FAR, RIG_DATA, RIG_RO);
	bind->addr = FAR + 64;
	bind->size = RIG_PAGE;
	rig_put(r, e);
	rec = rig_get(r);
	assert_int_equal(rec.cause, FXQ_CAUSE_PAGE_INVALID);
	assert_int_equal(rec.address, FAR + RIG_PAGE);
}

/* Maps @pages that follow one another at FAR and on the bus. */
static void map_far(struct rig *r, uint32_t pages)
{
	uint32_t i;

	for (i = 0; i < pages; i++)
		rig_map(r, 1, FAR + i * RIG_PAGE, 2 * RIG_LARGE + i * RIG_PAGE,
			RIG_RW);
}

/* How often the bus is asked for a LOAD of @n bytes, @stride apart. */
static uint64_t asked_for(struct rig *r, uint32_t n, int64_t stride)
{
	struct fxq_desc s = load(0, 0, 0, n);
	struct fxq_submit e;
	struct fxq_binding *bind =
		(struct fxq_binding *)rig_data(r, 1, RIG_BIND);
	uint64_t before = r->asked;

	s.dma.mem_stride[0] = stride;
	e = rig_job(r, 1, &s, 1);
	bind->addr = FAR;
	bind->size = 4 * RIG_LARGE;
	rig_put(r, e);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);
	return r->asked - before;
}

/* A page costs three entries and itself; stream and bindings are two more. */
static void what_lies_between_is_not_translated(void **state)
{
	struct rig *r = *state;

	map_far(r, 2048);
	assert_in_range(asked_for(r, 8, 1 << 20), 1, (8 + 2) * 4);
	assert_in_range(asked_for(r, 64, RIG_PAGE), 1, (64 + 2) * 4);
}

static void every_page_of_a_dense_transfer_is_translated_once(void **state)
{
	struct rig *r = *state;

	map_far(r, 256);
	assert_in_range(asked_for(r, 1 << 20, 1), 256 * 4, (256 + 3) * 4);
}

static void mapping_needs_no_invalidation(void **state)
{
	struct rig *r = *state;

	assert_int_equal(load_at(r, FAR).cause, FXQ_CAUSE_PAGE_INVALID);
	rearm(r);
	rig_map(r, 1, FAR, RIG_DATA, RIG_RW);
	assert_int_equal(load_at(r, FAR).cause, FXQ_CAUSE_NONE);
}

static void unmapped_page_faults_after_invalidate(void **state)
{
	struct rig *r = *state;

	rig_map(r, 1, FAR, RIG_DATA, RIG_RW);
	assert_int_equal(load_at(r, FAR).cause, FXQ_CAUSE_NONE);
	rig_map(r, 1, FAR, 0, 0);
	rig_put(r, (struct fxq_submit){
		.kind = FXQ_SUBMIT_INVALIDATE, .context = 1,
		.first = FAR, .last = FAR + RIG_PAGE - 1,
	});
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);
	assert_int_equal(load_at(r, FAR).cause, FXQ_CAUSE_PAGE_INVALID);
}

static void contexts_do_not_share_translations(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s = load(0, 0, 0, 64);
	struct fxq_submit e;

	rig_map(r, 1, FAR, RIG_DATA, RIG_RW);
	assert_int_equal(load_at(r, FAR).cause, FXQ_CAUSE_NONE);
	e = rig_job(r, 2, &s, 1);
	((struct fxq_binding *)rig_data(r, 2, RIG_BIND))->addr = FAR;
	((struct fxq_binding *)rig_data(r, 2, RIG_BIND))->size = 64;
	rig_put(r, e);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_PAGE_INVALID);
}

/* Its first pages have the tag that an empty slot would have without a mark. */
static void context_zero_is_a_context(void **state)
{
	struct rig *r = *state;

	rig_add_context(r, 0);
	*rig_data(r, 0, RIG_REGION) = 0x5a;
	assert_int_equal(rig_copy(r, 0).cause, FXQ_CAUSE_NONE);
	assert_int_equal(*rig_data(r, 0, RIG_REGION + 64), 0x5a);
}

static void context_zero_finds_nothing_in_a_dropped_slot(void **state)
{
	const uint64_t far = 256 * RIG_LARGE;	/* shares a slot with 0 */
	struct rig *r = *state;
	struct fxq_desc s = load(0, 0, 0, 64);
	struct fxq_submit e;
	struct fxq_complete rec;

	rig_add_context(r, 0);
	*rig_pte(r, 0, far, 1) = 2 * RIG_LARGE | RIG_RW;
	e = rig_job(r, 0, &s, 1);
	((struct fxq_binding *)rig_data(r, 0, RIG_BIND))->addr = far;
	rig_put(r, e);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);

	/* Page 0 as that slot would have it, and no table that has it */
	memset(r->mem + 2 * RIG_LARGE, 0, RIG_LARGE);
	memcpy(r->mem + 2 * RIG_LARGE + RIG_VA, &s, sizeof(s));
	memcpy(r->mem + 2 * RIG_LARGE + RIG_BIND, rig_data(r, 0, RIG_BIND),
	       sizeof(struct fxq_binding));
	*rig_pte(r, 0, RIG_VA, 0) = 0;
	rig_ask(r, FXQ_SUBMIT_INVALIDATE, 0);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);
	rig_put(r, e);
	rec = rig_get(r);
	assert_int_equal(rec.cause, FXQ_CAUSE_PAGE_INVALID);
	assert_int_equal(rec.address, RIG_BIND);
}

/* The record of INVALIDATE comes while the job before it still runs. */
static void invalidate_overtakes_a_running_job(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s[] = { load(0, 0, 0, 64), load(0, 64, 64, 64),
				load(0, RIG_PAGE, 128, 64) };
	uint64_t job, invalidate;
	struct fxq_complete rec;

	rig_set_gate(r, rig_page_bus(1, 2));
	job = rig_put(r, rig_job(r, 1, s, 3));
	rig_await_gate(r);
	invalidate = rig_ask(r, FXQ_SUBMIT_INVALIDATE, 1);
	rig_pause();
	assert_false(rig_ready(r));	/* the access is outstanding */
	rig_set_gate(r, rig_page_bus(1, 3));
	rig_await_gate(r);		/* the job is at its third descriptor */
	rec = rig_get(r);
	assert_int_equal(rec.run, invalidate);
	assert_int_equal(rec.cause, FXQ_CAUSE_NONE);
	assert_false(rig_ready(r));
	rig_set_gate(r, RIG_NO_GATE);
	rec = rig_get(r);
	assert_int_equal(rec.run, job);
	assert_int_equal(rec.cause, FXQ_CAUSE_NONE);
}

static void unmap_under_a_running_job_faults_it(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s[] = { load(0, 0, 0, 64), load(0, 64, 64, 64),
				load(0, 0, 128, 64) };
	struct fxq_complete rec;

	rig_set_gate(r, rig_page_bus(1, 2));
	rig_put(r, rig_job(r, 1, s, 3));
	rig_await_gate(r);
	rig_map(r, 1, RIG_REGION, 0, 0);
	rig_ask(r, FXQ_SUBMIT_INVALIDATE, 1);
	rig_set_gate(r, RIG_NO_GATE);
	assert_int_equal(rig_get(r).kind, FXQ_SUBMIT_INVALIDATE);
	rec = rig_get(r);
	assert_int_equal(rec.cause, FXQ_CAUSE_PAGE_INVALID);
	assert_int_equal(rec.index, 1);
	assert_int_equal(rec.address, RIG_REGION + 64);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(last_level_needs_valid_and_leaf),
		TEST(reserved_bits_fault),
		TEST(reserved_bits_of_tables_fault),
		TEST(large_page_maps_two_mib),
		TEST(large_page_may_have_a_hole),
		TEST(large_page_goes_with_any_part_of_it),
		TEST(large_page_must_be_aligned),
		TEST(there_are_no_pages_of_one_gib),
		TEST(page_zero_is_never_mapped),
		TEST(page_zero_is_no_part_of_a_large_page),
		TEST(last_page_can_be_mapped),
		TEST(read_only_page_takes_no_store),
		TEST(bus_errors_are_faults),
		TEST(transfer_stops_at_the_page_that_is_missing),
		TEST(what_lies_between_is_not_translated),
		TEST(every_page_of_a_dense_transfer_is_translated_once),
		TEST(mapping_needs_no_invalidation),
		TEST(unmapped_page_faults_after_invalidate),
		TEST(contexts_do_not_share_translations),
		TEST(context_zero_is_a_context),
		TEST(context_zero_finds_nothing_in_a_dropped_slot),
		TEST(invalidate_overtakes_a_running_job),
		TEST(unmap_under_a_running_job_faults_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
