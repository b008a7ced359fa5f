// SPDX-License-Identifier: MIT
/*
 * crew.c - see crew.h
 *
 * A round has a gate. The caller opens it and begins with the work itself;
 * members that come by while it is open go in and help; then the caller shuts
 * it and waits for those inside. So a member that sleeps, or that the system
 * does not let run, is not waited for.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "crew.h"
#include "parallel.h"
#include "thread.h"

#define SPINS	4000	/* looks at the gate: some 200 microseconds */

/* A gate: the number of the round, whether it is open, how many are inside. */
#define ONE_ROUND	((uint64_t)1 << 32)
#define OPEN		((uint64_t)1 << 31)
#define INSIDE		(OPEN - 1)

struct member {
	struct crew *crew;
	pthread_t id;
	int index;
};

/*
 * struct crew
 * @threads, @fn, @ctx: of the round; no @fn: it is the last
 * @asleep: how many sleep, under @lock
 * @born: the process that has the threads
 */
struct crew {
	atomic_ullong gate;
	int threads;
	crew_fn fn;
	void *ctx;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int asleep;
	pid_t born;
	int n;
	struct member members[];
};

static _Thread_local struct crew *current;

/*
 * Pauses close together make a virtual machine believe that its processor has
 * nothing to do.
 */
static void look_away(void)
{
	for (int i = 0; i < 64; i++)
		__asm__ volatile("");
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static bool is_open(struct crew *c, uint64_t seen)
{
	uint64_t gate = atomic_load(&c->gate);

	return gate & OPEN && gate / ONE_ROUND != seen;
}

/* Until another round than @seen is open. */
static void wait_for_round(struct crew *c, uint64_t seen)
{
	for (int i = 0; i < SPINS; i++) {
		if (is_open(c, seen))
			return;
		look_away();
	}
	pthread_mutex_lock(&c->lock);
	c->asleep++;
	while (!is_open(c, seen))
		pthread_cond_wait(&c->wake, &c->lock);
	c->asleep--;
	pthread_mutex_unlock(&c->lock);
}

/* Goes in, unless the gate was shut meanwhile. */
static bool enter(struct crew *c, uint64_t *seen)
{
	unsigned long long gate = atomic_load(&c->gate);

	while (gate & OPEN)
		if (atomic_compare_exchange_weak(&c->gate, &gate, gate + 1)) {
			*seen = gate / ONE_ROUND;
			return true;
		}
	return false;
}

static void *member_run(void *arg)
{
	struct member *m = arg;
	struct crew *c = m->crew;
	uint64_t seen = 0;
	bool is_last = false;

	while (!is_last) {
		wait_for_round(c, seen);
		if (!enter(c, &seen))
			continue;
		is_last = !c->fn;
		if (!is_last && m->index < c->threads)
			c->fn(c->ctx, m->index);
		atomic_fetch_sub(&c->gate, 1);
	}
	return NULL;
}

static void open_gate(struct crew *c, int threads, crew_fn fn, void *ctx)
{
	c->threads = threads;
	c->fn = fn;
	c->ctx = ctx;
	pthread_mutex_lock(&c->lock);
	atomic_fetch_add(&c->gate, ONE_ROUND + OPEN);
	if (c->asleep)
		pthread_cond_broadcast(&c->wake);
	pthread_mutex_unlock(&c->lock);
}

static void shut_gate(struct crew *c)
{
	atomic_fetch_sub(&c->gate, OPEN);
	for (int i = 0; atomic_load(&c->gate) & INSIDE; i++) {
		if (i < SPINS)
			look_away();
		else
			sched_yield();
	}
}

struct crew *crew_new(int threads)
{
	struct crew *c;

	if (threads < 2)
		return NULL;
	if (threads > PARALLEL_THREADS_MAX)
		threads = PARALLEL_THREADS_MAX;
	c = calloc(1, sizeof(*c) + (threads - 1) * sizeof(*c->members));
	if (!c)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	c->born = getpid();
	for (; c->n < threads - 1; c->n++) {
		struct member *m = &c->members[c->n];

		*m = (struct member){ .crew = c, .index = c->n + 1 };
		if (thread_start(&m->id, member_run, m))
			break;
	}
	if (c->n)
		return c;
	crew_free(c);
	return NULL;
}

void crew_free(struct crew *c)
{
	if (!c)
		return;
	if (c->born == getpid()) {
		open_gate(c, 0, NULL, NULL);
		for (int i = 0; i < c->n; i++)
			pthread_join(c->members[i].id, NULL);
		pthread_cond_destroy(&c->wake);
		pthread_mutex_destroy(&c->lock);
	}
	free(c);
}

struct crew *crew_use(struct crew *crew)
{
	struct crew *before = current;

	current = crew;
	return before;
}

struct crew *crew_take(void)
{
	if (!current || current->born != getpid())
		return NULL;
	return crew_use(NULL);
}

void crew_run(struct crew *crew, int threads, crew_fn fn, void *ctx)
{
	open_gate(crew, threads, fn, ctx);
	fn(ctx, 0);
	shut_gate(crew);
	crew_use(crew);
}
