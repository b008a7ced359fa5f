// SPDX-License-Identifier: MIT
/*
 * Fork and join for kernels that may be linked into any program: threads live
 * only as long as a call, so that a library has no hidden ones that outlive a
 * fork or a dlclose. Starting one costs some ten microseconds, which is why
 * small work stays with its caller.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "parallel.h"

#define MAX_THREADS	64
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
	if (threads > MAX_THREADS)
		threads = MAX_THREADS;
	if (threads > work / WORTH_A_THREAD)
		threads = (int)(work / WORTH_A_THREAD);
	return threads < 1 ? 1 : threads;
}

static void *member_run(void *arg)
{
	struct member *me = arg;
	struct team *team = me->team;
	int64_t task;

	while ((task = atomic_fetch_add(&team->next, 1)) < team->n)
		team->fn(team->ctx, task, me->index);
	return NULL;
}

void parallel_for(int threads, int64_t n, parallel_fn fn, void *ctx)
{
	struct team team = { .fn = fn, .ctx = ctx, .n = n };
	struct member members[MAX_THREADS];
	int started = 1;

	if (threads > MAX_THREADS)
		threads = MAX_THREADS;
	if (threads > n)
		threads = n;

	members[0] = (struct member){ .team = &team };
	for (; started < threads; started++) {
		struct member *m = &members[started];

		*m = (struct member){ .team = &team, .index = started };
		if (pthread_create(&m->id, NULL, member_run, m))
			break;
	}

	member_run(&members[0]);
	for (int i = 1; i < started; i++)
		pthread_join(members[i].id, NULL);
}
