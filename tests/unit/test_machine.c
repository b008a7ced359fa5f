// SPDX-License-Identifier: MIT
/*
 * The machine as its driver sees it: registers, rings, interrupts, ENABLE and
 * RESET, STOP and REARM, and what it says of a run's time.
 */
#include "fxq_contract.h"
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

/* Registers */

enum access { RO, RW, WO };

static const struct {
	uint32_t offset;
	enum access access;
} registers[] = {
#define X(name, offset, access, doc) { offset, access },
	FXQ_REGS(X)
#undef X
};

#define REGISTERS	(sizeof(registers) / sizeof(registers[0]))

static void registers_have_their_access(void **state)
{
	struct rig *r = *state;
	uint32_t i;

	for (i = 0; i < REGISTERS; i++) {
		uint32_t at = registers[i].offset, before = rig_read(r, at);

		if (at == FXQ_REG_CONTROL)
			continue;
		rig_write(r, at, 0x5a5a5a5a);
		if (registers[i].access == RW)
			assert_int_equal(rig_read(r, at), 0x5a5a5a5a);
		else if (registers[i].access == RO && at != FXQ_REG_STATUS)
			assert_int_equal(rig_read(r, at), before);
		else if (registers[i].access == WO)
			assert_int_equal(rig_read(r, at), 0);
	}
}

static void registers_say_what_the_machine_is(void **state)
{
	struct rig *r = *state;
	char hash[9] = "";

	assert_int_equal(rig_read(r, FXQ_REG_ID), 0x31515846);
	assert_int_equal(rig_read(r, FXQ_REG_VERSION), 1);
	assert_int_equal(rig_read(r, FXQ_REG_SPM_BYTES), 1 << 20);
	assert_int_equal(rig_read(r, FXQ_REG_ACC_BYTES), 64 << 10);
	assert_int_equal(rig_read(r, FXQ_REG_MAX_DESCS), 1 << 20);
	assert_int_equal(rig_read(r, FXQ_REG_CONTEXTS), 64);
	assert_int_equal(rig_read(r, FXQ_REG_MAX_DEPTH), 256);
	assert_int_equal(rig_read(r, FXQ_REG_CLOCK_KHZ), 1000000);
	assert_int_equal(rig_read(r, FXQ_REG_MACS), 1024);
	memcpy(hash, FXQ_CONTRACT_HEX, 8);
	assert_int_equal(rig_read(r, FXQ_REG_CONTRACT),
			 strtoul(hash, NULL, 16));
}

static void other_offsets_read_as_ones(void **state)
{
	struct rig *r = *state;
	uint64_t at;
	uint32_t i;

	for (at = 0; at < 2 * FXQ_BAR_BYTES; at++) {
		bool known = false;

		for (i = 0; i < REGISTERS; i++)
			known |= registers[i].offset == at;
		if (known)
			continue;
		fxq_machine_write(r->machine, at, 0);
		assert_int_equal(fxq_machine_read(r->machine, at), ~0u);
	}
	assert_int_equal(fxq_machine_read(r->machine, ~0ull), ~0u);
	assert_int_equal(rig_copy(r, 1).cause, FXQ_CAUSE_NONE);
}

static void clock_low_latches_high(void **state)
{
	struct rig *r = *state;

	/* Cycles of a copy: LD 220, then ST 220 */
	assert_int_equal(rig_read(r, FXQ_REG_CLOCK_LO), 0);
	rig_copy(r, 1);
	assert_int_equal(rig_read(r, FXQ_REG_CLOCK_LO), 440);
	assert_int_equal(rig_read(r, FXQ_REG_CLOCK_HI), 0);
}

static void create_refuses_bad_sizes(void **state)
{
	const struct fxq_machine_host host = { .bus = rig_bus, .irq = rig_irq };
	const struct fxq_machine_config bad[] = {
		{ .spm_bytes = 100 }, { .acc_bytes = 1 }, { .threads = -1 },
		{ .threads = 100000 }, { .spm_bytes = 1u << 31 },
		{ .spm_bytes = (16u << 20) + 64 },
		{ .acc_bytes = (16u << 20) + 64 },
	};
	struct fxq_machine *m = NULL;
	uint32_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(fxq_machine_create(&bad[i], &host, &m), -22);
		assert_null(m);
	}
}

static void sizes_are_capabilities(void **state)
{
	const struct fxq_machine_config c = { .spm_bytes = 64 << 10,
					      .acc_bytes = 4096 };
	struct rig *r = rig_open_with(&c);
	struct fxq_desc s = fill(64 << 10, 64, 1);
	struct fxq_complete rec;

	assert_int_equal(rig_read(r, FXQ_REG_SPM_BYTES), 64 << 10);
	assert_int_equal(rig_read(r, FXQ_REG_ACC_BYTES), 4096);
	assert_int_equal(rig_enable(r), FXQ_STATUS_ENABLED);
	rec = rig_run(r, 1, &s, 1);
	assert_int_equal(rec.cause, FXQ_CAUSE_SPM_BOUNDS);
	rig_close(r);
}

/* ENABLE and RESET */

static void enable_refuses_bad_setups(void **state)
{
	static const struct {
		uint32_t reg, value;
	} bad[] = {
		{ FXQ_REG_DEPTH, 0 }, { FXQ_REG_DEPTH, 3 },
		{ FXQ_REG_DEPTH, 512 }, { FXQ_REG_SUBMIT_LO, RIG_SUBMIT + 8 },
		{ FXQ_REG_COMPLETE_LO, RIG_BYTES },
		{ FXQ_REG_CONTEXT_LO, RIG_BYTES - 64 },
		{ FXQ_REG_SHARED_HI, 0xffffffff },
	};
	struct rig *r = rig_open_with(NULL);
	uint32_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rig_write_bases(r);
		rig_write(r, bad[i].reg, bad[i].value);
		rig_write(r, FXQ_REG_CONTROL, FXQ_CONTROL_ENABLE);
		assert_int_equal(rig_settle(r), FXQ_STATUS_BAD_SETUP);
		rig_write(r, FXQ_REG_CONTROL, 0);
		assert_int_equal(rig_settle(r), 0);
		rig_write(r, FXQ_REG_SHARED_HI, 0);
	}
	assert_int_equal(rig_enable(r), FXQ_STATUS_ENABLED);
	assert_int_equal(rig_copy(r, 1).cause, FXQ_CAUSE_NONE);
	rig_close(r);
}

static void disable_and_enable_begin_anew(void **state)
{
	struct rig *r = *state;

	rig_copy(r, 1);
	rig_copy(r, 1);
	rig_write(r, FXQ_REG_CONTROL, 0);
	assert_int_equal(rig_settle(r), 0);
	r->depth = 2;
	assert_int_equal(rig_enable(r), FXQ_STATUS_ENABLED);
	assert_int_equal(rig_copy(r, 1).cause, FXQ_CAUSE_NONE);
	rig_await_completed(r, 1);
}

static void reset_ends_a_run_without_a_record(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s[] = { load(0, 0, 0, 64), load(0, 0, 64, 64) };
	uint32_t i;

	rig_set_gate(r, rig_page_bus(1, 2));
	rig_put(r, rig_job(r, 1, s, 2));
	rig_await_gate(r);
	rig_write(r, FXQ_REG_CONTROL, FXQ_CONTROL_RESET);
	assert_int_equal(rig_read(r, FXQ_REG_CONTROL), FXQ_CONTROL_RESET);
	assert_true(rig_read(r, FXQ_REG_STATUS) & FXQ_STATUS_BUSY);
	rig_set_gate(r, RIG_NO_GATE);
	assert_int_equal(rig_settle(r), 0);
	assert_false(rig_ready(r));
	assert_int_equal(rig_read(r, FXQ_REG_CONTROL), 0);
	assert_int_equal(rig_read(r, FXQ_REG_CLOCK_LO), 0);
	assert_int_equal(rig_read(r, FXQ_REG_ID), FXQ_ID_VALUE);
	assert_int_equal(rig_read(r, FXQ_REG_DEPTH), FXQ_DEPTH_DEFAULT);
	for (i = FXQ_REG_SUBMIT_LO; i <= FXQ_REG_SHARED_HI; i += 4)
		assert_int_equal(rig_read(r, i), 0);
	assert_int_equal(rig_enable(r), FXQ_STATUS_ENABLED);
	assert_int_equal(rig_copy(r, 1).cause, FXQ_CAUSE_NONE);
}

static void reset_rearms_contexts(void **state)
{
	struct rig *r = *state;

	rig_ask(r, FXQ_SUBMIT_STOP, 1);
	rig_get(r);
	assert_int_equal(rig_copy(r, 1).cause, FXQ_CAUSE_STOPPED);
	rig_write(r, FXQ_REG_CONTROL, FXQ_CONTROL_RESET);
	rig_settle(r);
	rig_enable(r);
	assert_int_equal(rig_copy(r, 1).cause, FXQ_CAUSE_NONE);
}

/* Rings */

static void job_copies_and_says_so(void **state)
{
	struct rig *r = *state;
	uint8_t *region = rig_data(r, 1, RIG_REGION);
	struct fxq_complete rec;
	uint32_t i;

	for (i = 0; i < 64; i++)
		region[i] = i + 1;
	rec = rig_copy(r, 1);
	assert_memory_equal(region, region + 64, 64);
	assert_int_equal(rec.run, 100);
	assert_int_equal(rec.context, 1);
	assert_int_equal(rec.kind, FXQ_SUBMIT_JOB);
	assert_int_equal(rec.cause, FXQ_CAUSE_NONE);
	assert_int_equal(rec.index, 0);
	assert_int_equal(rec.address, 0);
	assert_int_equal(rec.cycles, 440);
	assert_int_equal(rec.last - rec.first, 440);
	assert_int_equal(r->shared->running, 100);
	assert_int_equal(r->shared->progress, 2);
	assert_int_equal(r->shared->taken, 1);
	rig_await_completed(r, 1);
}

static void rings_wrap_for_thousands_of_runs(void **state)
{
	struct rig *r = *state;
	uint8_t *region = rig_data(r, 1, RIG_REGION);
	uint32_t i;

	for (i = 0; i < 3000; i++) {
		struct fxq_complete rec;

		memcpy(region, &i, sizeof(i));
		rec = rig_copy(r, 1);
		assert_int_equal(rec.cause, FXQ_CAUSE_NONE);
		assert_int_equal(rec.run, 100 + i);
		assert_int_equal(rec.phase, !(i / 8 & 1));
		assert_memory_equal(region + 64, &i, sizeof(i));
	}
	rig_await_completed(r, 3000);
}

static void full_ring_answers_each_entry_in_order(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s = fill(0, 64, 1);
	uint32_t round, i;

	for (round = 0; round < 200; round++) {
		for (i = 0; i < 8; i++)
			rig_put(r, rig_job(r, 1, &s, 1));
		for (i = 0; i < 8; i++)
			assert_int_equal(rig_get(r).run, 100 + round * 8 + i);
	}
}

static void interrupts_come_when_armed(void **state)
{
	struct rig *r = *state;

	rig_copy(r, 1);
	assert_int_equal(rig_irqs(r, FXQ_VECTOR_COMPLETE), 0);
	__atomic_store_n(&r->shared->armed, 3, __ATOMIC_SEQ_CST);
	rig_copy(r, 1);
	assert_int_equal(rig_irqs(r, FXQ_VECTOR_COMPLETE), 0);
	rig_copy(r, 1);
	while (!rig_irqs(r, FXQ_VECTOR_COMPLETE))
		rig_pause();
	rig_copy(r, 1);
	rig_copy(r, 1);
	assert_int_equal(rig_irqs(r, FXQ_VECTOR_COMPLETE), 1);
	assert_int_equal(rig_irqs(r, FXQ_VECTOR_FAULT), 0);
}

static void sleeping_machine_needs_a_doorbell(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s = fill(0, 64, 1);

	while (!__atomic_load_n(&r->shared->sleeping, __ATOMIC_SEQ_CST))
		rig_pause();
	r->submit[0] = rig_job(r, 1, &s, 1);
	__atomic_store_n(&r->shared->produced, ++r->produced, __ATOMIC_SEQ_CST);
	rig_pause();
	assert_false(rig_ready(r));
	rig_write(r, FXQ_REG_DOORBELL, 1);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);
}

/* One that naps first finds an entry by itself, and obeys when it is told. */
static void napping_machine_needs_no_doorbell(void **state)
{
	const struct fxq_machine_config config = { .naps = 1000000 };
	struct rig *r = rig_open_with(&config);
	struct fxq_desc s = fill(0, 64, 1);

	assert_int_equal(rig_enable(r), FXQ_STATUS_ENABLED);
	for (int i = 0; i < 3; i++) {
		r->submit[r->produced] = rig_job(r, 1, &s, 1);
		__atomic_store_n(&r->shared->produced, ++r->produced,
				 __ATOMIC_SEQ_CST);
		assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);
		assert_int_equal(r->shared->sleeping, 0);
	}
	rig_write(r, FXQ_REG_CONTROL, FXQ_CONTROL_RESET);
	rig_settle(r);
	rig_close(r);
}

/* A driver that counts wrongly hurts itself alone. */
static void produced_out_of_range_is_survived(void **state)
{
	struct rig *r = *state;

	__atomic_store_n(&r->shared->produced, 1000, __ATOMIC_SEQ_CST);
	rig_write(r, FXQ_REG_DOORBELL, 1);
	rig_await_completed(r, 1000);
	assert_int_equal(r->shared->taken, 1000);
	rig_write(r, FXQ_REG_CONTROL, FXQ_CONTROL_RESET);
	rig_settle(r);
	assert_int_equal(rig_enable(r), FXQ_STATUS_ENABLED);
	assert_int_equal(rig_copy(r, 1).cause, FXQ_CAUSE_NONE);
}

/* Entries that are no entries */

static void refuses_bad_entries(void **state)
{
	static const struct fxq_submit bad[] = {
		{ .kind = FXQ_SUBMIT_INVALID, .context = 1 },
		{ .kind = 5, .context = 1 },
		{ .kind = ~0u, .context = 1 },
		{ .kind = FXQ_SUBMIT_JOB, .context = 1, .reserved = 1 },
		{ .kind = FXQ_SUBMIT_JOB, .context = 1, .first = 1 },
		{ .kind = FXQ_SUBMIT_JOB, .context = 1, .n_bindings = 17 },
		{ .kind = FXQ_SUBMIT_JOB, .context = 1, .stream = RIG_VA,
		  .count = 1, .bindings = RIG_BIND },
		{ .kind = FXQ_SUBMIT_STOP, .context = 1, .stream = 64 },
		{ .kind = FXQ_SUBMIT_STOP, .context = 1, .bindings = 64 },
		{ .kind = FXQ_SUBMIT_REARM, .context = 1, .last = 1 },
		{ .kind = FXQ_SUBMIT_INVALIDATE, .context = 1, .count = 1 },
		{ .kind = FXQ_SUBMIT_INVALIDATE, .context = 1, .first = 2,
		  .last = 1 },
	};
	struct rig *r = *state;
	uint32_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fxq_complete rec;

		rig_put(r, bad[i]);
		rec = rig_get(r);
		assert_int_equal(rec.cause, FXQ_CAUSE_ENTRY);
		assert_int_equal(rec.kind, (uint16_t)bad[i].kind);
		assert_int_equal(rig_copy(r, 1).cause, FXQ_CAUSE_STOPPED);
		assert_int_equal(rig_copy(r, 2).cause, FXQ_CAUSE_NONE);
		rig_ask(r, FXQ_SUBMIT_REARM, 1);
		assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);
		assert_int_equal(rig_copy(r, 1).cause, FXQ_CAUSE_NONE);
	}
}

static void refuses_contexts_beyond_the_table(void **state)
{
	struct rig *r = *state;

	rig_ask(r, FXQ_SUBMIT_STOP, 64);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_CONTEXT);
	rig_ask(r, FXQ_SUBMIT_INVALIDATE, ~0u);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_CONTEXT);
	assert_int_equal(rig_copy(r, 1).cause, FXQ_CAUSE_NONE);
}

/* STOP and REARM */

static void stop_ends_queue_and_run(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s[] = { load(0, 0, 0, 64), load(0, 0, 64, 64) };
	uint64_t run, queued[2], other, stop;
	struct fxq_complete rec;

	s[1].tag = 77;
	rig_set_gate(r, rig_page_bus(1, 2));
	run = rig_put(r, rig_job(r, 1, s, 2));
	rig_await_gate(r);
	queued[0] = rig_put(r, rig_job(r, 1, s, 2));
	other = rig_put(r, rig_job(r, 2, s, 2));
	queued[1] = rig_put(r, rig_job(r, 1, s, 2));
	stop = rig_ask(r, FXQ_SUBMIT_STOP, 1);
	rig_set_gate(r, RIG_NO_GATE);

	/* Who waits for the last of them may look at all of them. */
	rec = rig_get(r);
	assert_int_equal(rec.run, run);
	assert_int_equal(rec.cause, FXQ_CAUSE_STOPPED);
	assert_int_equal(rec.index, 1);
	assert_int_equal(rec.tag, 77);
	assert_int_equal(rec.cycles, 220);	/* of the one that completed */
	assert_int_equal(rig_get(r).run, queued[0]);
	rec = rig_get(r);
	assert_int_equal(rec.run, queued[1]);
	assert_int_equal(rec.cause, FXQ_CAUSE_STOPPED);
	assert_int_equal(rec.cycles, 0);
	rec = rig_get(r);
	assert_int_equal(rec.run, stop);
	assert_int_equal(rec.cause, FXQ_CAUSE_NONE);
	rec = rig_get(r);
	assert_int_equal(rec.run, other);
	assert_int_equal(rec.cause, FXQ_CAUSE_NONE);
	assert_int_equal(rig_irqs(r, FXQ_VECTOR_FAULT), 0);
}

static void rearm_behind_a_stop_counts_from_there(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s = load(0, 0, 0, 64);
	uint64_t after;
	struct fxq_complete rec;

	rig_set_gate(r, rig_page_bus(2, 2));
	rig_put(r, rig_job(r, 2, &s, 1));
	rig_await_gate(r);
	rig_put(r, rig_job(r, 1, &s, 1));
	rig_ask(r, FXQ_SUBMIT_STOP, 1);
	rig_ask(r, FXQ_SUBMIT_REARM, 1);
	after = rig_put(r, rig_job(r, 1, &s, 1));
	rig_set_gate(r, RIG_NO_GATE);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);	/* context 2 */
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_STOPPED);
	assert_int_equal(rig_get(r).kind, FXQ_SUBMIT_STOP);
	assert_int_equal(rig_get(r).kind, FXQ_SUBMIT_REARM);
	rec = rig_get(r);
	assert_int_equal(rec.run, after);
	assert_int_equal(rec.cause, FXQ_CAUSE_NONE);
}

/* STOP, REARM and a job stand behind the very run that is to be stopped. */
static void rearm_waits_for_the_stopped_run(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s[] = { load(0, 0, 0, 64), load(0, 0, 64, 64) };
	struct fxq_complete rec;

	rig_set_gate(r, rig_page_bus(1, 2));
	rig_put(r, rig_job(r, 1, s, 2));
	rig_await_gate(r);
	rig_ask(r, FXQ_SUBMIT_STOP, 1);
	rig_ask(r, FXQ_SUBMIT_REARM, 1);
	rig_put(r, rig_job(r, 1, s, 2));
	rig_set_gate(r, RIG_NO_GATE);
	rec = rig_get(r);
	assert_int_equal(rec.kind, FXQ_SUBMIT_JOB);
	assert_int_equal(rec.cause, FXQ_CAUSE_STOPPED);
	assert_int_equal(rig_get(r).kind, FXQ_SUBMIT_STOP);
	assert_int_equal(rig_get(r).kind, FXQ_SUBMIT_REARM);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);
}

/* Scratchpad and time */

static void scratchpad_reads_zero_after_a_switch(void **state)
{
	struct rig *r = *state;
	const struct fxq_desc write = fill(1 << 19, 4096, 0xab);
	const struct fxq_desc read = store(0, 0, 1 << 19, 4096);
	const uint8_t *region = rig_data(r, 2, RIG_REGION);
	struct fxq_complete rec;
	uint64_t last;
	uint32_t i;

	memset(rig_data(r, 2, RIG_REGION), 0xff, 4096);
	last = rig_run(r, 1, &write, 1).last;
	rec = rig_run(r, 2, &read, 1);
	assert_int_equal(rec.cause, FXQ_CAUSE_NONE);
	for (i = 0; i < 4096; i++)
		assert_int_equal(region[i], 0);
	/* Dropping the lines takes 64 cycles, outside the run's own */
	assert_int_equal(rec.first, last + 64);
	assert_int_equal(rec.cycles, rec.last - rec.first);
}

static void scratchpad_is_dropped_when_a_context_stops(void **state)
{
	struct rig *r = *state;
	const struct fxq_desc write = fill(0, 64, 0xab);
	const struct fxq_desc read = store(0, 0, 0, 64);

	rig_data(r, 1, RIG_REGION)[0] = 0xff;
	rig_run(r, 1, &write, 1);
	rig_ask(r, FXQ_SUBMIT_STOP, 1);
	rig_get(r);
	rig_ask(r, FXQ_SUBMIT_REARM, 1);
	rig_get(r);
	assert_int_equal(rig_run(r, 1, &read, 1).cause, FXQ_CAUSE_NONE);
	assert_int_equal(rig_data(r, 1, RIG_REGION)[0], 0);
}

static void stream_is_copied_before_it_is_checked(void **state)
{
	struct rig *r = *state;
	struct fxq_desc s[] = { load(0, 0, 0, 64), fill(0, 64, 9),
				store(0, 64, 0, 64) };

	/* While the LOAD is held, the rest of the stream is overwritten */
	rig_set_gate(r, rig_page_bus(1, 2));
	rig_put(r, rig_job(r, 1, s, 3));
	rig_await_gate(r);
	memset(rig_data(r, 1, RIG_VA), 0xff, sizeof(s));
	rig_set_gate(r, RIG_NO_GATE);
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);
	assert_int_equal(rig_data(r, 1, RIG_REGION)[64], 9);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* How long the record follows the last descriptor, as a part of the run. */
static double delay_of_the_record(struct rig *r)
{
	struct fxq_desc s[32];
	uint64_t before = r->shared->progress;
	double begin, last;
	uint32_t i;

	for (i = 0; i < 32; i++) {
		s[i] = load(0, 0, 0, 1 << 20);
		s[i].dma.mem_stride[0] = 0;
	}
	rig_put(r, rig_job(r, 1, s, 32));
	begin = seconds();
	while (__atomic_load_n(&r->shared->progress, __ATOMIC_RELAXED) !=
	       before + 32)
		rig_pause();
	last = seconds();
	assert_int_equal(rig_get(r).cause, FXQ_CAUSE_NONE);
	return (seconds() - last) / (last - begin);
}

/*
 * Each of its million elements is a burst of its own: were they counted at the
 * end, that would take as long as the run. The best of five, for this thread
 * may be held up too.
 */
static void cycles_are_counted_as_the_run_goes_on(void **state)
{
	double best = 1, delay;
	int i;

	for (i = 0; i < 5; i++) {
		delay = delay_of_the_record(*state);
		best = delay < best ? delay : best;
	}
	assert_true(best < 0.2);
}

static void machines_share_nothing(void **state)
{
	struct rig *a = *state, *b = rig_open();
	struct fxq_desc s = load(0, 0, 0, 64);

	rig_set_gate(a, rig_page_bus(1, 2));
	rig_put(a, rig_job(a, 1, &s, 1));
	rig_await_gate(a);
	assert_int_equal(rig_copy(b, 1).cause, FXQ_CAUSE_NONE);
	rig_write(b, FXQ_REG_CONTROL, FXQ_CONTROL_RESET);
	rig_settle(b);
	rig_close(b);
	rig_set_gate(a, RIG_NO_GATE);
	assert_int_equal(rig_get(a).cause, FXQ_CAUSE_NONE);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(registers_have_their_access),
		TEST(registers_say_what_the_machine_is),
		TEST(other_offsets_read_as_ones),
		TEST(clock_low_latches_high),
		cmocka_unit_test(create_refuses_bad_sizes),
		cmocka_unit_test(sizes_are_capabilities),
		cmocka_unit_test(enable_refuses_bad_setups),
		TEST(disable_and_enable_begin_anew),
		TEST(reset_ends_a_run_without_a_record),
		TEST(reset_rearms_contexts),
		TEST(job_copies_and_says_so),
		TEST(rings_wrap_for_thousands_of_runs),
		TEST(full_ring_answers_each_entry_in_order),
		TEST(interrupts_come_when_armed),
		TEST(sleeping_machine_needs_a_doorbell),
		cmocka_unit_test(napping_machine_needs_no_doorbell),
		TEST(produced_out_of_range_is_survived),
		TEST(refuses_bad_entries),
		TEST(refuses_contexts_beyond_the_table),
		TEST(stop_ends_queue_and_run),
		TEST(rearm_behind_a_stop_counts_from_there),
		TEST(rearm_waits_for_the_stopped_run),
		TEST(scratchpad_reads_zero_after_a_switch),
		TEST(scratchpad_is_dropped_when_a_context_stops),
		TEST(stream_is_copied_before_it_is_checked),
		TEST(cycles_are_counted_as_the_run_goes_on),
		TEST(machines_share_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
