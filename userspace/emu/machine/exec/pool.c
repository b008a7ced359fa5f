/* SPDX-License-Identifier: MIT */
/*
 * pool.c - a fixed team of threads that sleep between jobs
 *
 * A job is a range that is cut into pieces; whoever is awake takes the next
 * one. The caller works too, and a thread that wakes when all pieces are taken
 * simply finds nothing, so a job never waits for a sleeper. After a job a
 * thread looks out for the next one for a few microseconds, since descriptors
 * come in quick succession, and then sleeps: an idle machine costs nothing.
 * One caller at a time.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "exec.h"

#define SPIN_NS		15000
#define PIECES		4	/* for each thread at least, to even out speeds */

/*
 * struct fxq_pool
 * @lock: protects @open, @stop, @joined and the description of the job
 * @work: a job was opened, or @stop set
 * @done: @joined became 0
 * @seq: number of the newest job; written under @lock, spun upon without
 * @next: first element of the range that nobody has taken
 * @joined: threads that work on the job, the caller not counted
 */
struct fxq_pool {
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	atomic_uint seq;
	bool open, stop;
	atomic_int joined;

	void (*fn)(void *arg, uint32_t first, uint32_t last);
	void *arg;
	uint32_t n, step;
	atomic_uint_fast64_t next;

	int started;
	pthread_t thread[];
};

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* Waits a little for a job newer than @seen. */
static void spin_for_work(struct fxq_pool *p, unsigned int seen)
{
	int64_t end = now_ns() + SPIN_NS;
	int i;

	do {
		for (i = 0; i < 32; i++) {
			if (atomic_load(&p->seq) != seen)
				return;
			pause_briefly();
		}
	} while (now_ns() < end);
}

static void spin_for_threads(struct fxq_pool *p)
{
	int64_t end = now_ns() + SPIN_NS;
	int i;

	do {
		for (i = 0; i < 32; i++) {
			if (!atomic_load(&p->joined))
				return;
			pause_briefly();
		}
	} while (now_ns() < end);
}

static void take_pieces(struct fxq_pool *p)
{
	uint64_t first, last;

	for (;;) {
		first = atomic_fetch_add(&p->next, p->step);
		if (first >= p->n)
			return;
		last = first + p->step;
		p->fn(p->arg, first, last < p->n ? last : p->n);
	}
}

static void *pool_thread(void *arg)
{
	struct fxq_pool *p = arg;
	unsigned int seen = 0;

	for (;;) {
		spin_for_work(p, seen);
		pthread_mutex_lock(&p->lock);
		while (!p->stop && !(p->open && p->seq != seen))
			pthread_cond_wait(&p->work, &p->lock);
		if (p->stop)
			break;
		seen = p->seq;
		p->joined++;
		pthread_mutex_unlock(&p->lock);

		take_pieces(p);

		pthread_mutex_lock(&p->lock);
		if (!--p->joined)
			pthread_cond_signal(&p->done);
		pthread_mutex_unlock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

void fxq_pool_destroy(struct fxq_pool *p)
{
	int i;

	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (i = 0; i < p->started; i++)
		pthread_join(p->thread[i], NULL);
	pthread_cond_destroy(&p->done);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* Threads of a library leave all signals to the program. */
static int start_threads(struct fxq_pool *p, int count)
{
	sigset_t all, before;
	int ret = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (!ret && p->started < count) {
		ret = pthread_create(&p->thread[p->started], NULL, pool_thread,
				     p);
		if (!ret)
			p->started++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

struct fxq_pool *fxq_pool_create(int threads)
{
	int others = threads > 1 ? threads - 1 : 0;
	struct fxq_pool *p;

	p = calloc(1, sizeof(*p) + others * sizeof(p->thread[0]));
	if (!p)
		return NULL;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->done, NULL);
	if (start_threads(p, others)) {
		fxq_pool_destroy(p);
		return NULL;
	}
	return p;
}

int fxq_pool_threads(const struct fxq_pool *p)
{
	return p->started + 1;
}

void fxq_pool_run(struct fxq_pool *p, uint32_t n, uint32_t grain,
		  void (*fn)(void *arg, uint32_t first, uint32_t last),
		  void *arg)
{
	uint32_t pieces = PIECES * (p->started + 1);
	/* Rounded down: few large units are taken one at a time. */
	uint32_t step = fxq_round_up(n < pieces ? 1 : n / pieces, grain);

	if (!p->started || n <= grain) {
		if (n)
			fn(arg, 0, n);
		return;
	}
	pthread_mutex_lock(&p->lock);
	p->fn = fn;
	p->arg = arg;
	p->n = n;
	p->step = step;
	p->next = 0;
	p->open = true;
	p->seq++;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);

	take_pieces(p);

	/* Whoever has not joined by now finds the job closed. */
	pthread_mutex_lock(&p->lock);
	p->open = false;
	pthread_mutex_unlock(&p->lock);
	spin_for_threads(p);
	pthread_mutex_lock(&p->lock);
	while (p->joined)
		pthread_cond_wait(&p->done, &p->lock);
	pthread_mutex_unlock(&p->lock);
}
