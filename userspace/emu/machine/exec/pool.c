/* SPDX-License-Identifier: MIT */
/*
 * pool.c - a fixed team of threads that sleep between jobs
 *
 * A job is a range that is cut into pieces; whoever is awake takes the next
 * one. The caller works too, and a thread that wakes when all pieces are taken
 * simply finds nothing, so a job never waits for a sleeper. After a job a
 * thread looks out for the next one for a tenth of a millisecond, since
 * descriptors come in quick succession, and offers its processor to others
 * meanwhile; then it sleeps: an idle machine costs nothing. Between threads
 * that are awake, one atomic word says everything, and nobody calls the kernel.
 * One caller at a time.
 */
#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "exec.h"

#define SPIN_NS		100000	/* a few times what it takes to wake */
#define SPIN_YIELD	64	/* looks before others may run */
#define PIECES		4	/* for each thread at least, to even out speeds */

/*
 * The word: the number of the newest job in the upper half, whether it may be
 * joined, and how many threads, the caller not counted, have.
 */
#define OPEN		(1ull << 31)
#define JOINED(word)	((uint32_t)((word) & (OPEN - 1)))
#define NUMBER(word)	((uint32_t)((word) >> 32))

/*
 * struct fxq_pool
 * @word: see above. The description of a job is written before it is opened
 *	  and stays while anyone has joined
 * @next: first element of the range that nobody has taken
 * @sleepers: threads that @work must wake
 * @waiting: the caller sleeps until nobody has joined
 * @lock: for sleeping; whoever sleeps looks at @word once more under it
 */
struct fxq_pool {
	atomic_uint_fast64_t word;
	atomic_uint_fast64_t next;
	void (*fn)(void *arg, uint32_t first, uint32_t last);
	void *arg;
	uint32_t n, step;

	atomic_int sleepers;
	atomic_bool waiting, stop;
	pthread_mutex_t lock;
	pthread_cond_t work, done;

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

/* A job to join that is not number @seen? */
static bool is_new(uint64_t word, uint32_t seen)
{
	return word & OPEN && NUMBER(word) != seen;
}

/* Is there a job newer than *@seen, or an end? */
static bool has_work(struct fxq_pool *p, const uint32_t *seen)
{
	return p->stop || is_new(p->word, *seen);
}

/* Has nobody joined? @seen: NULL. */
static bool is_deserted(struct fxq_pool *p, const uint32_t *seen)
{
	return !JOINED(p->word);
}

/* Waits a little until @there(@p, @seen). */
static bool spin(struct fxq_pool *p, const uint32_t *seen,
		 bool (*there)(struct fxq_pool *p, const uint32_t *seen))
{
	int64_t end = now_ns() + SPIN_NS;
	int i;

	for (;;) {
		for (i = 0; i < SPIN_YIELD; i++) {
			if (there(p, seen))
				return true;
			pause_briefly();
		}
		if (now_ns() >= end)
			return false;
		sched_yield();
	}
}

static void sleep_for_work(struct fxq_pool *p, uint32_t seen)
{
	pthread_mutex_lock(&p->lock);
	p->sleepers++;
	while (!has_work(p, &seen))
		pthread_cond_wait(&p->work, &p->lock);
	p->sleepers--;
	pthread_mutex_unlock(&p->lock);
}

/* Joins a job newer than *@seen, unless it was closed meanwhile. */
static bool join(struct fxq_pool *p, uint32_t *seen)
{
	uint_fast64_t word = p->word;

	while (is_new(word, *seen)) {
		if (atomic_compare_exchange_weak(&p->word, &word, word + 1)) {
			*seen = NUMBER(word);
			return true;
		}
	}
	return false;
}

static void leave(struct fxq_pool *p)
{
	if (JOINED(atomic_fetch_sub(&p->word, 1)) > 1 || !p->waiting)
		return;
	pthread_mutex_lock(&p->lock);
	pthread_cond_signal(&p->done);
	pthread_mutex_unlock(&p->lock);
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
	uint32_t seen = 0;

	fesetenv(FE_DFL_ENV);
	while (!p->stop) {
		if (!spin(p, &seen, has_work))
			sleep_for_work(p, seen);
		if (!join(p, &seen))
			continue;
		take_pieces(p);
		leave(p);
	}
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

/* What a thread raises itself, it takes: a file of memory may be cut. */
int fxq_thread_create(pthread_t *ret_id, void *(*fn)(void *), void *arg)
{
	static const int own[] = {
		SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP,
	};
	sigset_t others, before;
	int ret;

	sigfillset(&others);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		sigdelset(&others, own[i]);
	pthread_sigmask(SIG_BLOCK, &others, &before);
	ret = pthread_create(ret_id, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

static int start_threads(struct fxq_pool *p, int count)
{
	int ret = 0;

	while (!ret && p->started < count) {
		ret = fxq_thread_create(&p->thread[p->started], pool_thread,
					p);
		if (!ret)
			p->started++;
	}
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

/* Nobody has joined: so nobody but the caller writes the word. */
static void open_job(struct fxq_pool *p)
{
	p->word = (uint64_t)(NUMBER(p->word) + 1) << 32 | OPEN;
	if (!p->sleepers)
		return;
	pthread_mutex_lock(&p->lock);
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
}

/* Whoever has not joined by now does not; whoever has is waited for. */
static void close_job(struct fxq_pool *p)
{
	atomic_fetch_and(&p->word, ~OPEN);
	if (spin(p, NULL, is_deserted))
		return;
	pthread_mutex_lock(&p->lock);
	p->waiting = true;
	while (JOINED(p->word))
		pthread_cond_wait(&p->done, &p->lock);
	p->waiting = false;
	pthread_mutex_unlock(&p->lock);
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
	p->fn = fn;
	p->arg = arg;
	p->n = n;
	p->step = step;
	p->next = 0;
	open_job(p);
	take_pieces(p);
	close_job(p);
}
