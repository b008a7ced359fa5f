// SPDX-License-Identifier: MIT
/*
 * Tasks over threads, forked for a call or of a crew that stays: each is done
 * once, with scratch that nobody else has, whether members come or not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "nn/kernels/crew.h"
#include "nn/kernels/parallel.h"
#include "threads_kit.h"

#define N	1000
#define THREADS	4

/*
 * struct work
 * @done: how often each task was
 * @users: of each thread's scratch, now
 * @inner: each task has tasks of its own
 */
struct work {
	atomic_int done[N], users[THREADS], clashes;
	bool inner;
};

static void nothing(void *ctx, int64_t task, int thread)
{
	(void)task, (void)thread;
	atomic_fetch_add((atomic_int *)ctx, 1);
}

static void do_task(void *ctx, int64_t task, int thread)
{
	struct work *w = ctx;
	atomic_int inner = 0;

	if (thread < 0 || thread >= THREADS ||
	    atomic_fetch_add(&w->users[thread], 1))
		atomic_fetch_add(&w->clashes, 1);
	if (w->inner) {
		parallel_for(2, 3, nothing, &inner);
		if (inner != 3)
			atomic_fetch_add(&w->clashes, 1);
	}
	atomic_fetch_add(&w->done[task], 1);
	atomic_fetch_sub(&w->users[thread], 1);
}

static void all_is_done_once(int threads, int n, bool inner)
{
	struct work w = { .inner = inner };

	parallel_for(threads, n, do_task, &w);
	assert_int_equal(w.clashes, 0);
	for (int i = 0; i < N; i++)
		assert_int_equal(w.done[i], i < n);
}

static void every_shape(void)
{
	static const int counts[] = { 0, 1, 2, 3, 7, N };

	for (int threads = 0; threads <= THREADS; threads++)
		for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
			all_is_done_once(threads, counts[i], false);
	all_is_done_once(THREADS, 20, true);
}

static void threads_of_a_call(void **state)
{
	assert_null(crew_use(NULL));
	every_shape();
}

static void a_crew_that_stays(void **state)
{
	struct crew *crew = crew_new(THREADS);

	assert_non_null(crew);
	assert_null(crew_use(crew));
	for (int i = 0; i < 100; i++)
		every_shape();
	assert_ptr_equal(crew_use(NULL), crew);
	every_shape();
	crew_free(crew);
}

/* Long enough that members went to sleep. */
static void a_crew_that_slept(void **state)
{
	struct crew *crew = crew_new(THREADS);
	struct timespec while_ = { .tv_nsec = 20000000 };

	crew_use(crew);
	for (int i = 0; i < 10; i++) {
		nanosleep(&while_, NULL);
		every_shape();
	}
	crew_use(NULL);
	nanosleep(&while_, NULL);
	crew_free(crew);
}

static void alone(void **state)
{
	assert_null(crew_new(1));
	assert_null(crew_new(0));
	crew_free(NULL);
}

static int most;

static void note_index(void *ctx, int index)
{
	/* The caller has 0; members add themselves up. */
	__atomic_fetch_add(&most, index, __ATOMIC_RELAXED);
}

/* Scratch is for no more threads than parallel_for() has. */
static void a_crew_has_its_limit(void **state)
{
	struct crew *crew = crew_new(1000000);

	assert_non_null(crew);
	for (int i = 0; i < 20; i++) {
		most = 0;
		crew_run(crew, 1000000, note_index, NULL);
		assert_true(most <= PARALLEL_THREADS_MAX *
				    (PARALLEL_THREADS_MAX - 1) / 2);
	}
	crew_use(NULL);
	crew_free(crew);
}

/* Its threads are the parent's: the child forks its own for a call. */
static void a_child_has_no_crew(void **state)
{
	struct crew *crew;
	int status;
	pid_t pid;

#ifdef __SANITIZE_THREAD__
	skip();	/* It does not let such a child have threads. */
#endif
	crew = crew_new(THREADS);
	crew_use(crew);
	every_shape();
	pid = fork();
	if (!pid) {
		alarm(60);
		every_shape();
		crew_use(NULL);
		crew_free(crew);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	every_shape();
	crew_use(NULL);
	crew_free(crew);
}

static void signals_are_left_to_the_program(void **state)
{
	struct crew *crew = crew_new(THREADS);

	assert_non_null(crew);
	assert_signals_left(THREADS - 1);
	crew_free(crew);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_of_a_call),
		cmocka_unit_test(a_crew_that_stays),
		cmocka_unit_test(a_crew_that_slept),
		cmocka_unit_test(alone),
		cmocka_unit_test(a_crew_has_its_limit),
		cmocka_unit_test(a_child_has_no_crew),
		cmocka_unit_test(signals_are_left_to_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
