// SPDX-License-Identifier: MIT
/*
 * test_lower_alloc.c - buffers that are alive at once do not overlap
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lower/lower.h"

#define N	200
#define TIMES	300

static uint32_t state_of_chance;

static uint32_t chance(uint32_t n)
{
	state_of_chance = state_of_chance * 1664525 + 1013904223;
	return (state_of_chance >> 8) % n;
}

static void random_buffers(struct space *sp, struct buffer *bufs, uint32_t n)
{
	*sp = (struct space){ .bufs = bufs, .n = n };
	for (uint32_t i = 0; i < n; i++) {
		bufs[i] = (struct buffer){ .base = i * 65536ull, .used = true,
					   .size = 64 * (1 + chance(200)),
					   .first = chance(TIMES - 40) };
		bufs[i].last = bufs[i].first + chance(40);
	}
}

static void assert_apart(const struct buffer *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(b[i].at % 64, 0);
		for (uint32_t k = 0; k < i; k++)
			if (b[i].first <= b[k].last && b[k].first <= b[i].last)
				assert_true(b[i].at >= b[k].at + b[k].size ||
					    b[k].at >= b[i].at + b[i].size);
	}
}

/* The most bytes alive at any time: no allocation can take less. */
static uint64_t most_alive(const struct buffer *b, uint32_t n)
{
	uint64_t most = 0;

	for (uint32_t t = 0; t < TIMES; t++) {
		uint64_t bytes = 0;

		for (uint32_t i = 0; i < n; i++)
			if (b[i].first <= t && t <= b[i].last)
				bytes += b[i].size;
		most = bytes > most ? bytes : most;
	}
	return most;
}

static void all_get_addresses_of_their_own(void **state)
{
	struct buffer bufs[N];
	struct space sp;
	struct alloc a;

	for (uint32_t round = 0; round < 20; round++) {
		state_of_chance = round;
		random_buffers(&sp, bufs, N);
		assert_int_equal(alloc_init(&a, TIMES, N, UINT64_MAX), 0);
		assert_int_equal(alloc_all(&a, &sp), 0);
		assert_apart(bufs, N);
		assert_in_range(a.end, most_alive(bufs, N),
				2 * most_alive(bufs, N));
		alloc_finish(&a);
	}
}

/* What an earlier allocation left in the buffers does not matter. */
static void an_allocation_can_be_repeated(void **state)
{
	struct buffer bufs[N];
	struct space sp;
	struct alloc a;

	state_of_chance = 9;
	random_buffers(&sp, bufs, N);
	for (int round = 0; round < 5; round++) {
		assert_int_equal(alloc_init(&a, TIMES, N, UINT64_MAX), 0);
		assert_int_equal(alloc_all(&a, &sp), 0);
		assert_apart(bufs, N);
		alloc_finish(&a);
		for (uint32_t i = 0; i < N; i++)
			bufs[i].first = bufs[i].last - chance(bufs[i].last / 8 +
							      1);
	}
}

static void too_little_room_is_refused(void **state)
{
	struct buffer bufs[N];
	struct space sp;
	struct alloc a;

	state_of_chance = 77;
	random_buffers(&sp, bufs, N);
	assert_int_equal(alloc_init(&a, TIMES, N, most_alive(bufs, N) - 64),
			 0);
	assert_int_equal(alloc_all(&a, &sp), -ENOSPC);
	alloc_finish(&a);
}

static void longer_lives_stay_apart(void **state)
{
	struct buffer bufs[N];
	struct space sp;
	struct alloc a;
	uint32_t longer = 0;

	state_of_chance = 5;
	random_buffers(&sp, bufs, N);
	assert_int_equal(alloc_init(&a, TIMES, N, 2 * most_alive(bufs, N)), 0);
	assert_int_equal(alloc_all(&a, &sp), 0);
	for (uint32_t i = 0; i < N; i++) {
		uint32_t was = bufs[i].first;
		uint32_t want = was > 30 ? was - 30 : 0;

		if (alloc_extend(&a, &bufs[i], want))
			longer++;
		else
			want = was;
		assert_int_equal(bufs[i].first, want);
	}
	assert_in_range(longer, 1, N - 1);
	assert_apart(bufs, N);
	alloc_finish(&a);
}

static void no_gap_leaves_a_buffer_as_it_was(void **state)
{
	struct buffer bufs[2] = {
		{ .base = 64, .size = 128, .first = 0, .last = 4,
		  .used = true },
		{ .base = 192, .size = 128, .first = 5, .last = 9,
		  .used = true },
	};
	struct space sp = { .bufs = bufs, .n = 2 };
	struct alloc a;

	assert_int_equal(alloc_init(&a, 10, 2, 192), 0);
	assert_int_equal(alloc_all(&a, &sp), 0);
	assert_false(alloc_extend(&a, &bufs[1], 4));
	assert_int_equal(bufs[1].first, 5);
	assert_int_equal(bufs[1].at, 0);
	alloc_finish(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_get_addresses_of_their_own),
		cmocka_unit_test(an_allocation_can_be_repeated),
		cmocka_unit_test(too_little_room_is_refused),
		cmocka_unit_test(longer_lives_stay_apart),
		cmocka_unit_test(no_gap_leaves_a_buffer_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
