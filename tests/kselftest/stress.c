// SPDX-License-Identifier: GPL-2.0
/*
 * stress.c - signals and threads at every moment
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#include "fxq_util.h"
#include "kselftest_harness.h"

#define THREADS	8

FIXTURE(stress)
{
	int fd;
};

FIXTURE_SETUP(stress)
{
	self->fd = fxq_open(0);
	if (self->fd == -ENODEV)
		SKIP(return, "no fxq device");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(stress)
{
	close(self->fd);
}

static void on_alarm(int signal)
{
}

/* A signal every @us microseconds, and no call restarted; 0 ends it. */
static int storm(unsigned int us)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval timer = {
		.it_interval.tv_usec = us, .it_value.tv_usec = us,
	};

	return sigaction(SIGALRM, &action, NULL) ||
	       setitimer(ITIMER_REAL, &timer, NULL) ? -errno : 0;
}

/* -EINTR: nothing was done, call again; then each run has run just once. */
TEST_F(stress, eintr)
{
	u32 ctx = new_ctx(self->fd), done = new_syncobj(self->fd);
	u32 job = new_job(self->fd, ctx, new_nop(self->fd), NULL, 0, 0);
	u32 interrupted = 0, i;
	struct drm_fxq_job_query state;
	u64 runs = 0;
	int ret;

	ASSERT_EQ(0, storm(300));
	for (i = 1; i <= 60; i++) {
		do {
			ret = submit(self->fd, ctx, job, 64, done, i);
			interrupted += ret == -EINTR;
		} while (ret == -EINTR);
		ASSERT_EQ(0, ret);
		runs += 64;
	}
	do {
		ret = sync_wait(self->fd, done, 60, 10000);
	} while (ret == -EINTR);
	ASSERT_EQ(0, storm(0));
	EXPECT_EQ(0, ret);
	EXPECT_NE(0, interrupted);
	ASSERT_EQ(0, job_state(self->fd, job, &state));
	EXPECT_EQ(runs, state.runs);
	EXPECT_EQ(runs, ctx_state(self->fd, ctx).runs);
}

/* The same for calls that create and destroy: all or nothing. */
TEST_F(stress, eintr_objects)
{
	struct fxq_desc desc = desc_load(0, 0, 0, PAGE);
	u32 bo = new_bo(self->fd, PAGE, 0), i;

	ASSERT_EQ(0, storm(200));
	for (i = 0; i < 150; i++) {
		u32 ctx = 0, stream = 0, job = 0;
		int ret;

		do {
			ret = ctx_create(self->fd, &ctx);
		} while (ret == -EINTR);
		ASSERT_EQ(0, ret);
		do {
			ret = stream_create(self->fd, &desc, 1, &stream);
		} while (ret == -EINTR);
		ASSERT_EQ(0, ret);
		do {
			ret = job_create(self->fd, ctx, stream, &bo, PAGE, 1,
					 &job);
		} while (ret == -EINTR);
		ASSERT_EQ(0, ret);
		do {
			ret = ctx_destroy(self->fd, ctx);
		} while (ret == -EINTR);
		ASSERT_EQ(0, ret);
	}
	ASSERT_EQ(0, storm(0));
}

struct worker {
	int fd;
	u32 ctx, job, rounds;
	int ret;
};

static void *submit_much(void *arg)
{
	struct worker *w = arg;
	u32 done = new_syncobj(w->fd), i;

	for (i = 1; !w->ret && i <= w->rounds; i++) {
		w->ret = submit(w->fd, w->ctx, w->job, 1 + i % 16, done, i);
		if (!w->ret && i % 10 == 0)
			w->ret = sync_wait(w->fd, done, i, 10000);
	}
	if (!w->ret)
		w->ret = sync_wait(w->fd, done, w->rounds, 10000);
	return NULL;
}

static int run_workers(struct worker *w, u32 n, void *(*body)(void *))
{
	pthread_t thread[THREADS];
	int ret = 0;
	u32 i;

	for (i = 0; i < n; i++)
		if (pthread_create(&thread[i], NULL, body, &w[i]))
			return -ENOMEM;
	for (i = 0; i < n; i++) {
		pthread_join(thread[i], NULL);
		ret = ret ? ret : w[i].ret;
	}
	return ret;
}

static u64 runs_of(u32 rounds)
{
	u64 runs = 0;
	u32 i;

	for (i = 1; i <= rounds; i++)
		runs += 1 + i % 16;
	return runs;
}

/* Threads with a context each. */
TEST_F(stress, contexts)
{
	struct worker w[THREADS];
	u32 stream = new_nop(self->fd), i;

	for (i = 0; i < THREADS; i++) {
		w[i] = (struct worker){
			.fd = self->fd, .ctx = new_ctx(self->fd), .rounds = 60,
		};
		w[i].job = new_job(self->fd, w[i].ctx, stream, NULL, 0, 0);
	}
	EXPECT_EQ(0, run_workers(w, THREADS, submit_much));
	for (i = 0; i < THREADS; i++)
		EXPECT_EQ(runs_of(60), ctx_state(self->fd, w[i].ctx).runs);
}

/* Threads that share one, whose queue is full most of the time. */
TEST_F(stress, one_context)
{
	struct worker w[THREADS];
	u32 ctx = new_ctx(self->fd), i;
	u32 job = new_job(self->fd, ctx, new_nop(self->fd), NULL, 0, 0);

	for (i = 0; i < THREADS; i++)
		w[i] = (struct worker){
			.fd = self->fd, .ctx = ctx, .job = job, .rounds = 60,
		};
	EXPECT_EQ(0, run_workers(w, THREADS, submit_much));
	EXPECT_EQ(THREADS * runs_of(60), ctx_state(self->fd, ctx).runs);
}

/* What a thread may do with objects that others take away meanwhile. */
static void *do_anything(void *arg)
{
	struct worker *w = arg;
	unsigned int seed = w->rounds;
	struct fxq_desc desc = desc_load(0, 0, 0, PAGE);
	struct drm_fxq_stream_destroy stream = { 0 };
	struct drm_fxq_bo_create bo = { .size = PAGE };
	struct drm_fxq_job_query state;
	u32 number, handle, i;

	for (i = 0; i < 400; i++) {
		u32 some = 1 + rand_r(&seed) % 6;

		handle = 1 + rand_r(&seed) % 6;
		switch (rand_r(&seed) % 10) {
		case 0:
			ctx_create(w->fd, &number);
			break;
		case 1:
			ctx_destroy(w->fd, some);
			break;
		case 2:
			stream_create(w->fd, &desc, 1, &number);
			break;
		case 3:
			stream.stream = some;
			call(w->fd, DRM_IOCTL_FXQ_STREAM_DESTROY, &stream);
			break;
		case 4:
			call(w->fd, DRM_IOCTL_FXQ_BO_CREATE, &bo);
			break;
		case 5:
			bo_close(w->fd, handle);
			break;
		case 6:
			job_create(w->fd, some, 1 + rand_r(&seed) % 6, &handle,
				   PAGE, 1, &number);
			break;
		case 7:
			job_destroy(w->fd, some);
			break;
		case 8:
			job_state(w->fd, some, &state);
			break;
		default:
			submit(w->fd, some, 1 + rand_r(&seed) % 6, 4, 0, 0);
		}
	}
	return NULL;
}

/* Numbers that come and go under each other's hands; nothing breaks. */
TEST_F(stress, anything)
{
	struct worker w[THREADS];
	u32 i, ctx, job;

	for (i = 0; i < THREADS; i++)
		w[i] = (struct worker){ .fd = self->fd, .rounds = 1000 + i };
	EXPECT_EQ(0, run_workers(w, THREADS, do_anything));
	close(self->fd);
	self->fd = new_file();
	ctx = new_ctx(self->fd);
	job = new_job(self->fd, ctx, new_nop(self->fd), NULL, 0, 0);
	EXPECT_EQ(0, run(self->fd, ctx, job));
}

TEST_HARNESS_MAIN
