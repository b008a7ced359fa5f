// SPDX-License-Identifier: MIT
/*
 * Fork and join for kernels that may be linked into any program: threads live
 * only as long as a call, so that a library has no hidden ones that outlive a
 * fork or a dlclose; a caller that owns a crew has it run there instead.
 * Starting a thread costs some ten microseconds, which is why small work stays
 * with its caller.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "crew.h"
#include "parallel.h"
#include "thread.h"

#define WORTH_A_THREAD	(1 << 20)

struct team {
	parallel_fn fn;
	void *ctx;
	int64_t n;
	atomic_llong next;
};

struct member {
	struct team *team;
	pthread_t id;
	int index;
};

int parallel_threads(int threads, double work)
{
	if (threads > PARALLEL_THREADS_MAX)
		threads = PARALLEL_THREADS_MAX;
	if (threads > work / WORTH_A_THREAD)
		threads = (int)(work / WORTH_A_THREAD);
	return threads < 1 ? 1 : threads;
}

static void do_tasks(void *ctx, int index)
{
	struct team *team = ctx;
	int64_t task;

	while ((task = atomic_fetch_add(&team->next, 1)) < team->n)
		team->fn(team->ctx, task, index);
}

static void *member_run(void *arg)
{
	struct member *me = arg;

	do_tasks(me->team, me->index);
	return NULL;
}

static void fork_and_join(int threads, struct team *team)
{
	struct member members[PARALLEL_THREADS_MAX];
	int started = 1;

	for (; started < threads; started++) {
		struct member *m = &members[started];

		*m = (struct member){ .team = team, .index = started };
		if (thread_start(&m->id, member_run, m))
			break;
	}

	do_tasks(team, 0);
	for (int i = 1; i < started; i++)
		pthread_join(members[i].id, NULL);
}

void parallel_for(int threads, int64_t n, parallel_fn fn, void *ctx)
{
	struct team team = { .fn = fn, .ctx = ctx, .n = n };
	struct crew *crew;

	if (threads > PARALLEL_THREADS_MAX)
		threads = PARALLEL_THREADS_MAX;
	if (threads > n)
		threads = n;

	crew = threads > 1 ? crew_take() : NULL;
	if (crew)
		crew_run(crew, threads, do_tasks, &team);
	else
		fork_and_join(threads, &team);
}
