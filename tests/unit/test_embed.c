// SPDX-License-Identifier: MIT
/*
 * The embedded driver: mapping and unmapping, credits, waiting with and
 * without an end, stopping, contexts that come and go, times of descriptors.
 */
#include <time.h>

#include "embed_kit.h"

#define LARGE		(2u << 20)

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* Opening */

static void open_refuses_bad_depths(void **state)
{
	const uint32_t bad[] = { 1, 3, 12, 512, ~0u };
	struct fxq_embed_config config = { 0 };
	struct fxq_embed *e = NULL;
	uint32_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		config.depth = bad[i];
		assert_int_equal(fxq_embed_open(&config, &e), -EINVAL);
		assert_null(e);
	}
	config.depth = 8;
	config.threads = -1;
	assert_int_equal(fxq_embed_open(&config, &e), -EINVAL);
	assert_null(e);
}

static void caps_are_the_machines(void **state)
{
	struct user *u = *state;
	struct fxq_embed_caps caps;

	fxq_embed_caps(u->embed, &caps);
	assert_int_equal(caps.spm_bytes, 1 << 20);
	assert_int_equal(caps.acc_bytes, 64 << 10);
	assert_int_equal(caps.max_descriptors, 1 << 20);
	assert_int_equal(caps.clock_khz, 1000000);
	assert_int_equal(caps.macs, 1024);
	assert_int_equal(caps.max_inflight, 7);
}

/* Mapping */

static void map_refuses_what_is_no_page(void **state)
{
	struct user *u = *state;
	uint64_t va = 5;

	assert_int_equal(fxq_embed_map(u->embed, u->ctx, u->mem + 64, PAGE,
				       true, &va), -EINVAL);
	assert_int_equal(fxq_embed_map(u->embed, u->ctx, u->mem, 100, true,
				       &va), -EINVAL);
	assert_int_equal(fxq_embed_map(u->embed, u->ctx, u->mem, 0, true,
				       &va), -EINVAL);
	assert_int_equal(fxq_embed_map(u->embed, u->ctx, u->mem, 1ull << 39,
				       true, &va), -ENOSPC);
	assert_int_equal(fxq_embed_map(u->embed, u->ctx + 1, u->mem, PAGE,
				       true, &va), -EINVAL);
	assert_int_equal(fxq_embed_map(u->embed, 0, u->mem, PAGE, true, &va),
			 -EINVAL);
	assert_int_equal(va, 5);
	assert_int_equal(copy(u), FXQ_CAUSE_NONE);
}

static void unmap_refuses_what_is_not_mapped(void **state)
{
	struct user *u = *state;

	assert_int_equal(fxq_embed_unmap(u->embed, u->ctx, u->va + PAGE),
			 -EINVAL);
	assert_int_equal(fxq_embed_unmap(u->embed, u->ctx, 0), -EINVAL);
	assert_int_equal(fxq_embed_unmap(u->embed, u->ctx + 1, u->va),
			 -EINVAL);
	assert_int_equal(fxq_embed_unmap(u->embed, 99, u->va), -EINVAL);
	assert_int_equal(copy(u), FXQ_CAUSE_NONE);
}

/* Copies the first and last 64 bytes of @mem, mapped at @va, to its middle. */
static void check_ends(struct user *u, uint8_t *mem, uint64_t va, uint64_t size)
{
	const struct fxq_embed_region region = { va, size, true };
	struct fxq_desc s[] = {
		load(0, 0, 0, 64), load(0, size - 64, 64, 64),
		wait_for(store(0, size / 2, 0, 128), 2, 0, 0, 0),
	};
	uint64_t run;

	memset(mem, 0x21, 64);
	memset(mem + size - 64, 0x43, 64);
	memcpy(u->mem + STREAM, s, sizeof(s));
	assert_int_equal(fxq_embed_submit(u->embed, u->ctx, u->va + STREAM, 3,
					  &region, 1, &run), 0);
	assert_int_equal(await(u).cause, FXQ_CAUSE_NONE);
	assert_memory_equal(mem + size / 2, mem, 64);
	assert_memory_equal(mem + size / 2 + 64, mem + size - 64, 64);
}

static void large_maps_work_wherever_they_begin(void **state)
{
	struct user *u = *state;
	const uint64_t size = 2 * LARGE + 3 * PAGE;
	uint8_t *mem = pages(LARGE, 4 * LARGE);
	uint64_t va, at;

	for (at = 0; at < LARGE; at += LARGE / 4 - PAGE) {
		assert_int_equal(fxq_embed_map(u->embed, u->ctx, mem + at,
					       size, true, &va), 0);
		assert_int_equal((va ^ (uintptr_t)(mem + at)) % LARGE, 0);
		check_ends(u, mem + at, va, size);
		assert_int_equal(fxq_embed_unmap(u->embed, u->ctx, va), 0);
	}
	free(mem);
}

static void addresses_come_back(void **state)
{
	struct user *u = *state;
	uint8_t *mem = pages(PAGE, 16 * PAGE);
	uint64_t va, first = 0;
	int i;

	for (i = 0; i < 2000; i++) {
		assert_int_equal(fxq_embed_map(u->embed, u->ctx, mem,
					       16 * PAGE, true, &va), 0);
		if (!i)
			first = va;
		assert_int_equal(va, first);
		assert_int_equal(fxq_embed_unmap(u->embed, u->ctx, va), 0);
	}
	free(mem);
}

static void unmapped_memory_faults(void **state)
{
	struct user *u = *state;
	uint8_t *mem = pages(PAGE, PAGE);
	struct fxq_embed_region region = { .size = PAGE, .writable = true };
	struct fxq_desc s = load(0, 0, 0, 64);
	struct fxq_embed_event event;
	uint64_t run;

	assert_int_equal(fxq_embed_map(u->embed, u->ctx, mem, PAGE, true,
				       &region.va), 0);
	memcpy(u->mem + STREAM, &s, sizeof(s));
	fxq_embed_submit(u->embed, u->ctx, u->va + STREAM, 1, &region, 1,
			 &run);
	assert_int_equal(await(u).cause, FXQ_CAUSE_NONE);
	assert_int_equal(fxq_embed_unmap(u->embed, u->ctx, region.va), 0);
	free(mem);
	fxq_embed_submit(u->embed, u->ctx, u->va + STREAM, 1, &region, 1,
			 &run);
	event = await(u);
	assert_int_equal(event.run, run);
	assert_int_equal(event.cause, FXQ_CAUSE_PAGE_INVALID);
	assert_int_equal(event.address, region.va);
	assert_int_equal(copy(u), FXQ_CAUSE_STOPPED);
	assert_int_equal(fxq_embed_rearm(u->embed, u->ctx), 0);
	assert_int_equal(copy(u), FXQ_CAUSE_NONE);
}

static void read_only_mapping_takes_no_store(void **state)
{
	struct user *u = *state;
	uint8_t *mem = pages(PAGE, PAGE);
	struct fxq_embed_region region = { .size = PAGE, .writable = true };
	struct fxq_desc s[] = { fill(0, 64, 1),
				wait_for(store(0, 0, 0, 64), 1, 0, 0, 0) };
	uint64_t run;

	assert_int_equal(fxq_embed_map(u->embed, u->ctx, mem, PAGE, false,
				       &region.va), 0);
	memcpy(u->mem + STREAM, s, sizeof(s));
	fxq_embed_submit(u->embed, u->ctx, u->va + STREAM, 2, &region, 1,
			 &run);
	assert_int_equal(await(u).cause, FXQ_CAUSE_PAGE_WRITE);
	assert_int_equal(mem[0], 0);
	assert_int_equal(fxq_embed_unmap(u->embed, u->ctx, region.va), 0);
	free(mem);
}

static void contexts_do_not_see_one_another(void **state)
{
	struct user *u = *state, other;
	struct fxq_desc s = load(0, 0, 0, 64);
	struct fxq_embed_region far = { .size = REGION };
	uint8_t *mem = pages(PAGE, REGION);
	uint64_t run;

	/* What only the first has mapped faults for the second */
	assert_int_equal(fxq_embed_map(u->embed, u->ctx, mem, REGION, true,
				       &far.va), 0);
	user_init(&other, u->embed);
	memcpy(other.mem + STREAM, &s, sizeof(s));
	fxq_embed_submit(u->embed, other.ctx, other.va + STREAM, 1, &far, 1,
			 &run);
	assert_int_equal(await(&other).cause, FXQ_CAUSE_PAGE_INVALID);
	assert_int_equal(copy(u), FXQ_CAUSE_NONE);
	user_finish(&other);
	assert_int_equal(fxq_embed_unmap(u->embed, u->ctx, far.va), 0);
	free(mem);
}

static void one_memory_may_be_mapped_twice(void **state)
{
	struct user *u = *state;
	uint64_t va;

	assert_int_equal(fxq_embed_map(u->embed, u->ctx, u->mem, MEM, false,
				       &va), 0);
	assert_int_not_equal(va, u->va);
	assert_int_equal(copy(u), FXQ_CAUSE_NONE);
	assert_int_equal(fxq_embed_unmap(u->embed, u->ctx, va), 0);
	assert_int_equal(copy(u), FXQ_CAUSE_NONE);
}

/* Submitting and polling */

static void submit_refuses_what_is_out_of_range(void **state)
{
	struct user *u = *state;
	uint64_t run = 5;

	assert_int_equal(fxq_embed_submit(u->embed, 0, u->va, 1, NULL, 0,
					  &run), -EINVAL);
	assert_int_equal(fxq_embed_submit(u->embed, 64, u->va, 1, NULL, 0,
					  &run), -EINVAL);
	assert_int_equal(fxq_embed_submit(u->embed, u->ctx + 1, u->va, 1, NULL,
					  0, &run), -EINVAL);
	assert_int_equal(fxq_embed_submit(u->embed, u->ctx, u->va, 1, NULL, 17,
					  &run), -EINVAL);
	assert_int_equal(run, 5);
	assert_int_equal(fxq_embed_poll(u->embed, NULL, 0, 0), 0);
}

static void runs_are_numbered_and_in_order(void **state)
{
	struct user *u = *state;
	uint64_t run[7], last = 0;
	struct fxq_desc s[2];
	int round, i;

	copy_stream(s);
	memcpy(u->mem + STREAM, s, sizeof(s));
	for (round = 0; round < 300; round++) {
		for (i = 0; i < 7; i++)
			assert_int_equal(submit(u, NULL, 2, &run[i]), 0);
		for (i = 0; i < 7; i++) {
			struct fxq_embed_event event = await(u);

			assert_int_equal(event.run, run[i]);
			assert_int_equal(event.cause, FXQ_CAUSE_NONE);
			assert_int_equal(event.ctx, u->ctx);
			assert_int_equal(event.cycles, 440);
			assert_true(event.run > last);
			last = event.run;
		}
	}
}

static void full_ring_is_busy_until_polled(void **state)
{
	struct user *u = *state;
	struct fxq_embed_event event[8];
	struct fxq_desc s[2];
	uint64_t run;
	int i, n;

	copy_stream(s);
	memcpy(u->mem + STREAM, s, sizeof(s));
	for (i = 0; i < 7; i++)
		assert_int_equal(submit(u, NULL, 2, &run), 0);
	assert_int_equal(submit(u, NULL, 2, &run), -EBUSY);
	/* Even so the ring has room to stop, map and unmap */
	assert_int_equal(fxq_embed_rearm(u->embed, u->ctx), 0);
	for (i = 0; i < 7; i += n) {
		n = fxq_embed_poll(u->embed, event, 8, FOREVER);
		assert_true(n > 0);
	}
	assert_int_equal(i, 7);
	assert_int_equal(submit(u, NULL, 2, &run), 0);
	await(u);
}

static void poll_returns_when_its_time_is_up(void **state)
{
	struct user *u = *state;
	struct fxq_embed_event event;
	uint64_t begin = now_ns();

	assert_int_equal(fxq_embed_poll(u->embed, &event, 1, 0), 0);
	assert_int_equal(fxq_embed_poll(u->embed, &event, 1, 20000000), 0);
	assert_true(now_ns() - begin >= 20000000);
}

static void stop_ends_what_runs_and_what_is_queued(void **state)
{
	struct user *u = *state;
	struct fxq_desc *s = long_stream(2000);
	struct fxq_embed_event event[8];
	uint64_t run;
	int i;

	for (i = 0; i < 5; i++)
		assert_int_equal(submit(u, i ? NULL : s, 2000, &run), 0);
	assert_int_equal(fxq_embed_stop(u->embed, u->ctx), 0);
	/* All events are there when stop returns */
	assert_int_equal(fxq_embed_poll(u->embed, event, 8, 0), 5);
	for (i = 0; i < 5; i++)
		assert_int_equal(event[i].cause, FXQ_CAUSE_STOPPED);
	assert_int_equal(copy(u), FXQ_CAUSE_STOPPED);
	assert_int_equal(fxq_embed_rearm(u->embed, u->ctx), 0);
	assert_int_equal(copy(u), FXQ_CAUSE_NONE);
	assert_int_equal(fxq_embed_stop(u->embed, u->ctx + 1), -EINVAL);
	assert_int_equal(fxq_embed_rearm(u->embed, 99), -EINVAL);
	free(s);
}

static void a_run_needs_no_regions(void **state)
{
	struct user *u = *state;
	struct fxq_desc s = fill(0, 64, 1);
	uint64_t run;

	memcpy(u->mem + STREAM, &s, sizeof(s));
	assert_int_equal(fxq_embed_submit(u->embed, u->ctx, u->va + STREAM, 1,
					  NULL, 0, &run), 0);
	assert_int_equal(await(u).cause, FXQ_CAUSE_NONE);
}

/* Contexts */

static void contexts_run_out_at_63(void **state)
{
	struct user *u = *state;
	uint32_t ctx[63], spare = 1000, i;

	for (i = 0; i < 62; i++)
		assert_int_equal(fxq_embed_ctx_create(u->embed, &ctx[i]), 0);
	assert_int_equal(fxq_embed_ctx_create(u->embed, &spare), -ENOSPC);
	assert_int_equal(spare, 1000);
	fxq_embed_ctx_destroy(u->embed, ctx[30]);
	assert_int_equal(fxq_embed_ctx_create(u->embed, &spare), 0);
	assert_int_equal(spare, ctx[30]);
	assert_int_equal(copy(u), FXQ_CAUSE_NONE);
}

static void destroy_stops_runs_and_keeps_their_events(void **state)
{
	struct user *u = *state, other;
	struct fxq_desc *s = long_stream(2000);
	struct fxq_embed_event event[8];
	uint64_t run;
	int i;

	user_init(&other, u->embed);
	for (i = 0; i < 3; i++)
		assert_int_equal(submit(&other, i ? NULL : s, 2000, &run), 0);
	user_finish(&other);
	assert_int_equal(fxq_embed_poll(u->embed, event, 8, 0), 3);
	assert_int_equal(event[2].ctx, other.ctx);
	assert_int_equal(event[2].cause, FXQ_CAUSE_STOPPED);
	assert_int_equal(submit(&other, NULL, 1, &run), -EINVAL);
	/* Its successor of the same number begins armed */
	user_init(&other, u->embed);
	assert_int_equal(copy(&other), FXQ_CAUSE_NONE);
	user_finish(&other);
	fxq_embed_ctx_destroy(u->embed, 50);	/* none: nothing happens */
	free(s);
}

static void successor_finds_an_empty_scratchpad(void **state)
{
	struct user *u = *state, first, second;
	struct fxq_desc write = fill(0, 64, 0x77), read = store(0, 0, 0, 64);
	uint64_t run;

	user_init(&first, u->embed);
	assert_int_equal(submit(&first, &write, 1, &run), 0);
	assert_int_equal(await(&first).cause, FXQ_CAUSE_NONE);
	user_finish(&first);
	user_init(&second, u->embed);
	assert_int_equal(second.ctx, first.ctx);
	second.mem[0] = 0xff;
	assert_int_equal(submit(&second, &read, 1, &run), 0);
	assert_int_equal(await(&second).cause, FXQ_CAUSE_NONE);
	assert_int_equal(second.mem[0], 0);
	user_finish(&second);
}

static void close_drops_what_still_runs(void **state)
{
	struct fxq_desc *s = long_stream(2000);
	struct fxq_embed *e;
	struct user u;
	uint64_t run;

	assert_int_equal(fxq_embed_open(NULL, &e), 0);
	user_init(&u, e);
	assert_int_equal(submit(&u, s, 2000, &run), 0);
	assert_int_equal(submit(&u, NULL, 2000, &run), 0);
	fxq_embed_close(e);
	free(u.mem);
	free(s);
}

static void devices_share_nothing(void **state)
{
	struct user *a = *state, b;
	struct fxq_embed *e;
	struct fxq_desc bad = { .opcode = 200 };
	uint64_t run;

	assert_int_equal(fxq_embed_open(NULL, &e), 0);
	user_init(&b, e);
	assert_int_equal(submit(&b, &bad, 1, &run), 0);
	assert_int_equal(await(&b).cause, FXQ_CAUSE_OPCODE);
	assert_int_equal(copy(a), FXQ_CAUSE_NONE);
	assert_int_equal(copy(&b), FXQ_CAUSE_STOPPED);
	user_finish(&b);
	fxq_embed_close(e);
	assert_int_equal(copy(a), FXQ_CAUSE_NONE);
}

/* Times */

/* struct times - the least that the machine told of runs, and how often */
struct times {
	uint32_t told, n;
	struct fxq_desc stream[4];
	uint64_t began, ns[4];
};

static void keep_times(void *priv, const struct fxq_desc *stream,
		       uint64_t began, const uint64_t *ns, uint32_t n)
{
	struct times *t = priv;

	memcpy(t->stream, stream, n * sizeof(*stream));
	for (uint32_t i = 0; i < n; i++)
		if (!t->told || ns[i] < t->ns[i])
			t->ns[i] = ns[i];
	t->told++;
	t->n = n;
	t->began = began;
}

/* The long one of three descriptors takes the most, and all not too much. */
static void profile_tells_what_descriptors_took(void **state)
{
	struct times times = { 0 };
	const struct fxq_embed_config config = {
		.profile = keep_times, .priv = &times,
	};
	struct fxq_desc s[3];
	struct fxq_embed *e;
	struct user u;
	uint64_t run, begun, took;
	int i;

	assert_int_equal(fxq_embed_open(&config, &e), 0);
	user_init(&u, e);
	s[0] = load(0, 0, 0, 64);
	s[1] = fill(0, 1 << 19, 1);
	s[1].dma.spm_stride[0] = 2;
	s[2] = fill(0, 64, 2);
	s[2].tag = 7;
	for (i = 0; i < 10; i++) {
		begun = now_ns();
		assert_int_equal(submit(&u, s, 3, &run), 0);
		assert_int_equal(await(&u).cause, FXQ_CAUSE_NONE);
		took = now_ns() - begun;
		assert_int_equal(times.told, i + 1);
	}
	assert_int_equal(times.n, 3);
	assert_memory_equal(times.stream, s, sizeof(s));
	assert_true(times.ns[1] > times.ns[0] && times.ns[1] > times.ns[2]);
	assert_true(times.ns[0] + times.ns[1] + times.ns[2] <= took);
	assert_true(times.began >= begun && times.began <= begun + took);
	user_finish(&u);
	fxq_embed_close(e);
}

static void profile_is_silent_about_runs_that_fail(void **state)
{
	struct times times = { 0 };
	const struct fxq_embed_config config = {
		.profile = keep_times, .priv = &times,
	};
	struct fxq_desc s[2];
	struct fxq_embed *e;
	struct user u;
	uint64_t run;

	assert_int_equal(fxq_embed_open(&config, &e), 0);
	user_init(&u, e);
	s[0] = fill(0, 64, 2);
	s[1] = load(0, REGION, 0, 64);
	assert_int_equal(submit(&u, s, 2, &run), 0);
	assert_int_equal(await(&u).cause, FXQ_CAUSE_REGION_BOUNDS);
	assert_int_equal(times.told, 0);
	user_finish(&u);
	fxq_embed_close(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_refuses_bad_depths),
		TEST(caps_are_the_machines),
		TEST(a_run_needs_no_regions),
		TEST(map_refuses_what_is_no_page),
		TEST(unmap_refuses_what_is_not_mapped),
		TEST(large_maps_work_wherever_they_begin),
		TEST(addresses_come_back),
		TEST(unmapped_memory_faults),
		TEST(read_only_mapping_takes_no_store),
		TEST(contexts_do_not_see_one_another),
		TEST(one_memory_may_be_mapped_twice),
		TEST(submit_refuses_what_is_out_of_range),
		TEST(runs_are_numbered_and_in_order),
		TEST(full_ring_is_busy_until_polled),
		TEST(poll_returns_when_its_time_is_up),
		TEST(stop_ends_what_runs_and_what_is_queued),
		TEST(contexts_run_out_at_63),
		TEST(destroy_stops_runs_and_keeps_their_events),
		TEST(successor_finds_an_empty_scratchpad),
		cmocka_unit_test(close_drops_what_still_runs),
		TEST(devices_share_nothing),
		cmocka_unit_test(profile_tells_what_descriptors_took),
		cmocka_unit_test(profile_is_silent_about_runs_that_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
