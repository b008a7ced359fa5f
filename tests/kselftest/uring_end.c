// SPDX-License-Identifier: GPL-2.0
/*
 * uring_end.c - each command of io_uring ends once, whatever goes meanwhile:
 * file, context, ring, task or device
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "uring_fixture.h"

static volatile bool enough;

static void *scribble(void *arg)
{
	struct ring *ring = arg;
	u32 seed = 1, i;

	while (!enough) {
		for (i = 0; i <= ring->sq_mask; i++) {
			struct io_uring_sqe *sqe = (void *)(ring->sqes + i * 64);
			u32 *word = (u32 *)sqe->cmd;

			seed = seed * 1103515245 + 12345;
			__atomic_store_n(&word[seed >> 30],
					 seed >> 8 & 7, __ATOMIC_RELAXED);
		}
	}
	return NULL;
}

/*
 * Entries that change under the kernel's eyes: each command is one that was
 * there, or is refused. What had to wait comes again and is read again.
 */
TEST_F(uring, entries_change)
{
	struct ring ring = new_ring(64, 0);
	struct io_uring_sqe *sqe;
	u32 round, i;
	pthread_t thread;
	struct done done;

	new_syncobj(self->fd);
	ASSERT_EQ(0, pthread_create(&thread, NULL, scribble, &ring));
	for (round = 0; round < 60; round++) {
		for (i = 0; i < 64; i++) {
			sqe = ring_run(&ring, self->fd, self->nop, i);
			sqe->flags = i % 8 ? 0 : IOSQE_ASYNC;
			if (i % 3 == 1)
				sqe->cmd_op = DRM_FXQ_URING_WAIT;
		}
		ASSERT_LE(0, ring_enter(&ring, 0));
		for (i = 0; i < 64; i++) {
			done = ring_reap(&ring, 100);
			if (done.res == DONE_NONE)
				break;
			EXPECT_GE(0, done.res);
		}
	}
	enough = true;
	pthread_join(thread, NULL);
	ring_close(&ring);
	EXPECT_TRUE(works());
}

/* close() of the node with runs in flight ends nothing. */
TEST_F(uring, file_closed)
{
	int fd = new_file();
	u32 ctx = new_ctx(fd);
	u32 job = new_job(fd, ctx, new_long(fd, 1), NULL, 0, 0);

	ring_runs(&self->ring, fd, job, 8);
	ASSERT_EQ(8, ring_enter(&self->ring, 0));
	close(fd);
	EXPECT_EQ(8, ring_reap_all(&self->ring, 8, 0));
	EXPECT_TRUE(works());
}

/* CTX_DESTROY ends runs; each command is told. */
TEST_F(uring, context_destroyed)
{
	u32 ctx = new_ctx(self->fd), i;
	u32 job = new_job(self->fd, ctx, new_long(self->fd, 16), NULL, 0, 0);

	ring_runs(&self->ring, self->fd, job, DEPTH);
	ASSERT_EQ(DEPTH, ring_enter(&self->ring, 0));
	EXPECT_EQ(0, ctx_destroy(self->fd, ctx));
	for (i = 0; i < DEPTH; i++) {
		s32 res = ring_reap(&self->ring, MS).res;

		EXPECT_TRUE(was_stopped(res) || (!res && i < DEPTH - 1));
	}
	EXPECT_TRUE(works());
}

/* How often the module is in use. */
static long users(void)
{
	FILE *file = fopen("/sys/module/fxq/refcnt", "r");
	long n = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &n) != 1)
		n = -1;
	fclose(file);
	return n;
}

/*
 * Are there no more than before, a moment later? What earlier tests left behind
 * may have gone meanwhile.
 */
static bool none_stays(long before)
{
	u32 i;

	for (i = 0; i < 500 && users() > before; i++)
		usleep(20000);
	return users() <= before;
}

/* A file that only a ring has holds the module, as long as the ring does. */
TEST_F(uring, file_registered)
{
	struct ring ring = new_ring(4, 0);
	long before;
	int fd;

	if (users() < 0)
		SKIP(return, "fxq is not a module");
	settle();
	before = users();
	fd = new_file();
	ASSERT_EQ(0, ring_register(&ring, IORING_REGISTER_FILES, &fd, 1));
	close(fd);
	settle();
	EXPECT_EQ(before + 1, users());
	ring_close(&ring);
	EXPECT_TRUE(none_stays(before));
}

/* A ring that goes gives its commands up and lets the file go: at any moment. */
TEST_F(uring, ring_closed)
{
	long before;
	u32 round;

	if (users() < 0)
		SKIP(return, "fxq is not a module");
	settle();
	before = users();
	for (round = 0; round < 60; round++) {
		struct ring ring = new_ring(DEPTH, round % 2 ?
					    IORING_SETUP_SINGLE_ISSUER |
					    IORING_SETUP_DEFER_TASKRUN : 0);
		int fd = new_file();
		u32 ctx = new_ctx(fd);
		u32 job = new_job(fd, ctx, round % 3 ? new_nop(fd) :
				  new_long(fd, 1), NULL, 0, 0);

		ring_runs(&ring, fd, job, DEPTH);
		ASSERT_EQ(DEPTH, ring_enter(&ring, 0));
		if (round % 4)
			usleep(rand() % 3000);
		ring_close(&ring);
		close(fd);
	}
	EXPECT_TRUE(none_stays(before));
	EXPECT_TRUE(works());
}

/* What would never end by itself ends with the ring. */
TEST_F(uring, ring_closed_waiting)
{
	struct ring ring = new_ring(DEPTH, 0);
	long before = users();
	int fd = new_file();
	u32 ctx = new_ctx(fd), line = new_syncobj(fd);
	u32 job = new_job(fd, ctx, new_nop(fd), NULL, 0, 0);

	if (!self->gated)
		SKIP(return, NO_GATE);
	ASSERT_EQ(0, submit_held(fd, ctx, job, &self->gate));
	ring_runs(&ring, fd, job, 4);
	ring_wait(&ring, fd, line, 1, DRM_FXQ_URING_WAIT_FOR_SUBMIT, 5);
	ASSERT_EQ(5, ring_enter(&ring, 0));
	usleep(20000);
	ring_close(&ring);
	usleep(20000);
	/* The runs were not given up: they end when the gate opens. */
	EXPECT_EQ(5, ctx_state(fd, ctx).inflight);
	ASSERT_EQ(0, gate_release(&self->gate));
	ASSERT_EQ(0, submit(fd, ctx, job, 1, line, 1));
	ASSERT_EQ(0, sync_wait(fd, line, 1, MS));
	EXPECT_EQ(6, ctx_state(fd, ctx).runs);
	close(fd);
	if (before >= 0)
		EXPECT_TRUE(none_stays(before));
}

/* Submits and waits by way of a ring until it is killed, or @ms are over. */
static int ring_user(u32 flags, unsigned int ms)
{
	struct ring ring = new_ring(DEPTH, flags);
	int fd = new_file();
	u32 ctx = new_ctx(fd), line = new_syncobj(fd), i;
	u32 job = new_job(fd, ctx, new_nop(fd), NULL, 0, 0);
	u64 start = now_ms();

	while (now_ms() - start < ms) {
		ring_runs(&ring, fd, job, DEPTH - 1);
		ring_wait(&ring, fd, line, 1, DRM_FXQ_URING_WAIT_FOR_SUBMIT, 0);
		if (ring_enter(&ring, 0) < 0)
			return 1;
		for (i = 0; i < DEPTH / 2; i++)
			if (ring_reap(&ring, MS).res)
				return 2;
	}
	/* exit() with half of them in flight. */
	return 0;
}

/* A task that ends, killed or not, ends its commands: at any moment. */
TEST_F(uring, task_ends)
{
	const u32 flags[] = {
		0, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_SQPOLL,
	};
	long before;
	u32 round;

	settle();
	before = users();
	for (round = 0; round < 24; round++) {
		bool killed = round % 2;
		pid_t child = fork();
		int status;

		if (!child)
			_exit(ring_user(flags[round % 3], killed ? MS : 20));
		if (killed) {
			usleep(20000 + rand() % 40000);
			kill(child, SIGKILL);
		}
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_EQ(killed, WIFSIGNALED(status));
		EXPECT_TRUE(killed || !WEXITSTATUS(status));
	}
	if (before >= 0)
		EXPECT_TRUE(none_stays(before));
	EXPECT_TRUE(works());
}

static void on_alarm(int signal)
{
}

/* Signals at every moment: each command is done just once. */
TEST_F(uring, signals_storm)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = {
		.it_interval.tv_usec = 300, .it_value.tv_usec = 300,
	};
	u32 round, i, n = 0;

	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
	for (round = 0; round < 30; round++) {
		int ret;

		ring_runs(&self->ring, self->fd, self->nop, DEPTH);
		ret = ring_enter(&self->ring, DEPTH);
		ASSERT_TRUE(ret == DEPTH || ret == -EINTR);
		for (i = 0; i < DEPTH; i++)
			n += !ring_reap(&self->ring, MS).res;
	}
	timer.it_value.tv_usec = 0;
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
	EXPECT_EQ(30 * DEPTH, n);
	EXPECT_EQ(30 * DEPTH, job_runs(self->fd, self->nop));
}

/**
 * struct user - a thread with a ring of its own
 * @fd: device
 * @job: that all share
 * @well: completions that were as they should be
 */
struct user {
	int fd;
	u32 job, well;
};

static void *use(void *arg)
{
	struct user *user = arg;
	struct ring ring = new_ring(DEPTH, IORING_SETUP_CQE32);
	u32 round;

	for (round = 0; round < 40; round++) {
		ring_runs(&ring, user->fd, user->job, DEPTH);
		if (ring_enter(&ring, DEPTH) == DEPTH)
			user->well += ring_reap_all(&ring, DEPTH, 0);
	}
	ring_close(&ring);
	return NULL;
}

/* Threads that share a context, and together want more than it has room for. */
TEST_F(uring, threads)
{
	enum { THREADS = 12 };
	struct user user[THREADS];
	pthread_t thread[THREADS];
	u32 i;

	for (i = 0; i < THREADS; i++) {
		user[i] = (struct user){ .fd = self->fd, .job = self->nop };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, use, &user[i]));
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		EXPECT_EQ(40 * DEPTH, user[i].well);
	}
	EXPECT_EQ(THREADS * 40 * DEPTH, job_runs(self->fd, self->nop));
}

/* What is planned for the device, and what the first command ends with. */
static const struct plan {
	const char *plan;
	s32 error;
} plans[] = {
	{ "dma@1", -EIO },
	{ "hang@1=soft", -ETIME },
	{ "hang@1=hard", -ETIME },
	{ "slow@1:300ms", 0 },
	{ "complete@1=lost", -EIO },
	{ "complete@1=late:50ms", 0 },
	{ "complete@1=twice", 0 },
	{ "complete@1=wrong-run", -EIO },
	{ "complete@1=wrong-context", 0 },
	{ "irq@1=lost", 0 },
	{ "irq@1=late:50ms", 0 },
	{ "irq@1=twice:5ms", 0 },
};

/* Each command completes once under each fault; the guilty one is told. */
TEST_F(uring, planned)
{
	u32 i, k, jobs[] = { self->copy, self->nop };

	if (self->port < 0)
		SKIP(return, NO_CONTROL);
	for (i = 0; i < ARRAY_SIZE(plans); i++) {
		u32 ctx = new_ctx(self->fd);
		struct done done;

		jobs[0] = new_job(self->fd, ctx, new_copy(self->fd, BYTES),
				  self->bos, BYTES, 2);
		settle();
		ASSERT_EQ(0, control(self->port, "plan %s", plans[i].plan));
		for (k = 0; k < 8; k++)
			ring_run(&self->ring, self->fd, jobs[0], k);
		ASSERT_EQ(8, ring_enter(&self->ring, 0));
		for (k = 0; k < 8; k++) {
			done = ring_reap(&self->ring, MS);
			EXPECT_TRUE(done.data == 0 ?
				    done.res == plans[i].error :
				    !done.res || (plans[i].error &&
						  done.res == -ECANCELED)) {
				TH_LOG("%s: command %llu ended with %d",
				       plans[i].plan,
				       (unsigned long long)done.data, done.res);
			}
		}
		EXPECT_EQ(0, ctx_destroy(self->fd, ctx));
		ring_run(&self->ring, self->fd, jobs[1], 9);
		ASSERT_EQ(1, ring_enter(&self->ring, 1));
		EXPECT_EQ(0, ring_reap(&self->ring, MS).res);
	}
}

/* A ring goes while the device hangs; the run is judged all the same. */
TEST_F(uring, ring_closed_hanging)
{
	struct ring ring = new_ring(DEPTH, 0);
	u32 ctx = new_ctx(self->fd), i;
	u32 job = new_job(self->fd, ctx, new_nop(self->fd), NULL, 0, 0);

	if (self->port < 0)
		SKIP(return, NO_CONTROL);
	settle();
	ASSERT_EQ(0, control(self->port, "plan hang@1=hard"));
	ring_runs(&ring, self->fd, job, 4);
	ASSERT_EQ(4, ring_enter(&ring, 0));
	usleep(50000);
	ring_close(&ring);
	for (i = 0; i < 200 && ctx_state(self->fd, ctx).inflight; i++)
		usleep(20000);
	EXPECT_EQ(-ETIME, ctx_state(self->fd, ctx).error);
	EXPECT_TRUE(works());
}

/* The device goes: what is in flight ends with -ENODEV, as does what comes. */
TEST_F(uring, unplugged)
{
	u32 line = new_syncobj(self->fd), i;
	u32 job = new_job(self->fd, self->ctx, new_long(self->fd, 64), NULL, 0,
			  0);
	char path[256];
	struct done done;

	ASSERT_EQ(0, device_path(self->fd, path, sizeof(path)));
	ring_runs(&self->ring, self->fd, job, 8);
	ring_wait(&self->ring, self->fd, line, 1,
		  DRM_FXQ_URING_WAIT_FOR_SUBMIT, 9);
	ASSERT_EQ(9, ring_enter(&self->ring, 0));
	ASSERT_EQ(0, write_file("1", "%s/remove", path));
	for (i = 0; i < 9; i++) {
		done = ring_reap(&self->ring, MS);
		EXPECT_TRUE(done.res == -ENODEV || (!done.res && i < 7));
	}
	ring_run(&self->ring, self->fd, job, 10);
	ring_enter(&self->ring, 1);
	EXPECT_EQ(-ENODEV, ring_reap(&self->ring, MS).res);
	ASSERT_EQ(0, write_file("1", "/sys/bus/pci/rescan"));
	for (i = 0; i < 100 && (self->fd = fxq_open(0)) < 0; i++)
		usleep(50000);
	EXPECT_TRUE(works());
}

TEST_HARNESS_MAIN
