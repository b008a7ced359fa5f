// SPDX-License-Identifier: GPL-2.0
/*
 * uring.c - commands of io_uring: what they do, and what is refused
 */
#include <stdio.h>

#include "uring_fixture.h"

/* DEV_QUERY says so. */
TEST_F(uring, feature)
{
	EXPECT_EQ(DRM_FXQ_FEATURE_URING,
		  device_info(self->fd).features & DRM_FXQ_FEATURE_URING);
}

/* Rings of each kind; cycles come where the completion has room for them. */
TEST_F(uring, submit)
{
	const u32 kinds[] = {
		0, IORING_SETUP_CQE32,
		IORING_SETUP_CQE32 | IORING_SETUP_SQE128,
		IORING_SETUP_CQE32 | IORING_SETUP_SINGLE_ISSUER |
		IORING_SETUP_DEFER_TASKRUN,
	};
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct ring ring = new_ring(DEPTH, kinds[i]);
		u64 runs = job_runs(self->fd, self->nop), seen = 0;

		ring_runs(&ring, self->fd, self->nop, DEPTH);
		EXPECT_EQ(DEPTH, ring_enter(&ring, DEPTH));
		for (k = 0; k < DEPTH; k++) {
			struct done done = ring_reap(&ring, MS);

			seen |= 1ull << done.data;
			EXPECT_EQ(0, done.res);
			EXPECT_EQ(!!(kinds[i] & IORING_SETUP_CQE32),
				  done.cycles > 0);
		}
		/* Each once, in whatever order. */
		EXPECT_EQ((1ull << DEPTH) - 1, seen >> 1);
		/* All that with one call, but to fetch what was there. */
		EXPECT_EQ(1, ring.calls);
		EXPECT_EQ(runs + DEPTH, job_runs(self->fd, self->nop));
		ring_close(&ring);
	}
}

/*
 * Completions of both sizes in one ring: those of commands are wide, and none of
 * them is torn where the ring begins anew.
 */
TEST_F(uring, both_sizes)
{
	struct ring ring;
	u32 round, i;
	int ret = ring_open(&ring, DEPTH, IORING_SETUP_CQE_MIXED);

	if (ret == -EINVAL)
		SKIP(return, "this kernel has no rings of both sizes");
	ASSERT_EQ(0, ret);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 10; i++) {
			if (i % 3)
				ring_run(&ring, self->fd, self->nop, i);
			else
				ring_next(&ring, IORING_OP_NOP, -1, i);
		}
		ASSERT_EQ(10, ring_enter(&ring, 10));
		for (i = 0; i < 10; i++) {
			struct done done = ring_reap(&ring, MS);
			bool is_run = done.data % 3;

			EXPECT_EQ(0, done.res);
			EXPECT_EQ(is_run, done.wide);
			EXPECT_EQ(is_run, done.cycles > 0);
		}
		EXPECT_FALSE(ring_peek(&ring, &(struct done){ 0 }));
	}
	EXPECT_EQ(20 * 6, job_runs(self->fd, self->nop));
	ring_close(&ring);
}

/* The run does its work, and its point has signalled when it completes. */
TEST_F(uring, signals)
{
	u32 line = new_syncobj(self->fd), binary = new_syncobj(self->fd);
	struct io_uring_sqe *sqe;

	memset(self->map[0], 0x51, BYTES);
	sqe = ring_run(&self->ring, self->fd, self->copy, 1);
	ring_signals(sqe, line, 5);
	sqe = ring_run(&self->ring, self->fd, self->nop, 2);
	ring_signals(sqe, binary, 0);
	ASSERT_EQ(2, ring_enter(&self->ring, 2));
	EXPECT_EQ(2, ring_reap_all(&self->ring, 2, 0));
	EXPECT_EQ(0, sync_wait(self->fd, line, 5, 0));
	EXPECT_EQ(0, sync_wait(self->fd, binary, 0, 0));
	EXPECT_EQ(0, memcmp(self->map[0], self->map[1], BYTES));
}

/**
 * struct refusal - a command that is refused
 * @what: is wrong
 * @op: cmd_op
 * @first: 32 bits of the command
 * @second: the next
 * @third: the 64 bits behind
 * @addr: of the entry
 * @len: of the entry
 * @flags: uring_cmd_flags
 * @error: what comes of it
 */
static const struct refusal {
	const char *what;
	u32 op, first, second;
	u64 third, addr;
	u32 len, flags;
	int error;
} refusals[] = {
	{ "an op of nobody", DRM_IO(0x7f), 1, .error = -ENOTTY },
	{ "an ioctl", DRM_IOCTL_FXQ_SUBMIT, 1, .error = -ENOTTY },
	{ "no job", DRM_FXQ_URING_SUBMIT, 0, .error = -ENOENT },
	{ "another job", DRM_FXQ_URING_SUBMIT, NO_NUMBER, .error = -ENOENT },
	{ "no such syncobj", DRM_FXQ_URING_SUBMIT, 1, NO_NUMBER, 1,
	  .error = -ENOENT },
	{ "a point of nothing", DRM_FXQ_URING_SUBMIT, 1, 0, 1,
	  .error = -EINVAL },
	{ "an address", DRM_FXQ_URING_SUBMIT, 1, .addr = 1, .error = -EINVAL },
	{ "a length", DRM_FXQ_URING_SUBMIT, 1, .len = 1, .error = -EINVAL },
	{ "more than one shot", DRM_FXQ_URING_SUBMIT, 1, .flags = 2,
	  .error = -EINVAL },
	{ "no syncobj", DRM_FXQ_URING_WAIT, 0, 0, 1, .error = -ENOENT },
	{ "another syncobj", DRM_FXQ_URING_WAIT, NO_NUMBER, 1, 1,
	  .error = -ENOENT },
	{ "a flag", DRM_FXQ_URING_WAIT, 1, 2, 1, .error = -EINVAL },
	{ "a point of nobody", DRM_FXQ_URING_WAIT, 1, 0, 99,
	  .error = -EINVAL },
	{ "wait with a length", DRM_FXQ_URING_WAIT, 1, 0, 1, .len = 8,
	  .error = -EINVAL },
};

/* What is refused completes with the reason, at once, and nothing is run. */
TEST_F(uring, refused)
{
	u32 line = new_syncobj(self->fd), i;
	u64 runs = job_runs(self->fd, 1);

	ASSERT_EQ(1, line);
	ASSERT_EQ(1, self->nop);
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct io_uring_sqe *sqe = ring_run(&self->ring, self->fd,
						    r->first, i);
		struct done done;

		sqe->cmd_op = r->op;
		sqe->addr = r->addr;
		sqe->len = r->len;
		sqe->uring_cmd_flags = r->flags;
		ring_signals(sqe, r->second, r->third);
		ASSERT_EQ(1, ring_enter(&self->ring, 1));
		done = ring_reap(&self->ring, MS);
		EXPECT_EQ(i, done.data);
		EXPECT_EQ(r->error, done.res) {
			TH_LOG("%s", r->what);
		}
	}
	EXPECT_EQ(runs, job_runs(self->fd, 1));
	EXPECT_EQ(0, ctx_state(self->fd, self->ctx).inflight);
}

/* A ring that polls for completions: newer kernels complete, others refuse. */
TEST_F(uring, no_polling)
{
	struct ring ring = new_ring(4, IORING_SETUP_IOPOLL);
	s32 res;

	ring_run(&ring, self->fd, self->nop, 1);
	ring_enter(&ring, 0);
	res = ring_reap(&ring, MS).res;
	EXPECT_TRUE(!res || res == -EOPNOTSUPP);
	ring_close(&ring);
}

/* The completion says what the fence carries. */
TEST_F(uring, fault)
{
	u32 bad = new_job(self->fd, self->ctx, new_faulty(self->fd), NULL, 0,
			  0);

	ring_run(&self->ring, self->fd, bad, 1);
	ASSERT_EQ(1, ring_enter(&self->ring, 1));
	EXPECT_EQ(-EIO, ring_reap(&self->ring, MS).res);
	ring_run(&self->ring, self->fd, self->nop, 2);
	ASSERT_EQ(1, ring_enter(&self->ring, 1));
	EXPECT_EQ(-ECANCELED, ring_reap(&self->ring, MS).res);
	EXPECT_TRUE(works());
}

/* So does that of a wait for a binary syncobj. */
TEST_F(uring, fault_waited_for)
{
	u32 bad = new_job(self->fd, self->ctx, new_faulty(self->fd), NULL, 0,
			  0);
	u32 done = new_syncobj(self->fd);

	ASSERT_EQ(0, submit(self->fd, self->ctx, bad, 1, done, 0));
	ring_wait(&self->ring, self->fd, done, 0, 0, 1);
	ASSERT_EQ(1, ring_enter(&self->ring, 1));
	EXPECT_EQ(-EIO, ring_reap(&self->ring, MS).res);
}

/* WAIT: for what has signalled, what has a fence, and what has none yet. */
TEST_F(uring, wait)
{
	u32 line = new_syncobj(self->fd);
	struct ring *ring = &self->ring;

	if (!self->gated)
		SKIP(return, NO_GATE);
	ASSERT_EQ(0, submit(self->fd, self->ctx, self->nop, 1, line, 1));
	ASSERT_EQ(0, sync_wait(self->fd, line, 1, MS));
	ring_wait(ring, self->fd, line, 1, 0, 1);
	ring_enter(ring, 0);
	EXPECT_EQ(0, ring_reap(ring, MS).res);

	ASSERT_EQ(0, submit_held(self->fd, self->ctx, self->nop, &self->gate));
	ASSERT_EQ(0, submit(self->fd, self->ctx, self->nop, 1, line, 2));
	ring_wait(ring, self->fd, line, 2, 0, 2);
	ring_wait(ring, self->fd, line, 3, DRM_FXQ_URING_WAIT_FOR_SUBMIT, 3);
	ring_enter(ring, 0);
	EXPECT_EQ(DONE_NONE, ring_reap(ring, 50).res);
	ASSERT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(2, ring_reap(ring, MS).data);
	EXPECT_EQ(DONE_NONE, ring_reap(ring, 50).res);
	ASSERT_EQ(0, submit(self->fd, self->ctx, self->nop, 1, line, 3));
	EXPECT_EQ(3, ring_reap(ring, MS).data);
}

/* A wait for what nobody submits is ended by who asked for it. */
TEST_F(uring, wait_cancelled)
{
	u32 line = new_syncobj(self->fd), i;
	struct done done[2];

	ring_wait(&self->ring, self->fd, line, 1,
		  DRM_FXQ_URING_WAIT_FOR_SUBMIT, 7);
	ring_enter(&self->ring, 0);
	EXPECT_EQ(DONE_NONE, ring_reap(&self->ring, 50).res);
	ring_next(&self->ring, IORING_OP_ASYNC_CANCEL, -1, 8)->addr = 7;
	ring_enter(&self->ring, 0);
	for (i = 0; i < 2; i++)
		done[i] = ring_reap(&self->ring, MS);
	i = done[0].data == 7 ? 0 : 1;
	EXPECT_EQ(7, done[i].data);
	EXPECT_TRUE(done[i].res == -EINTR || done[i].res == -ECANCELED);
	EXPECT_TRUE(!done[1 - i].res || done[1 - i].res == -EALREADY);
}

/* More than the context has room for: threads of the ring wait for room. */
TEST_F(uring, no_room)
{
	u32 max = device_info(self->fd).max_inflight, n = max + 40, i;
	struct ring ring = new_ring(512, IORING_SETUP_CQE32);
	u64 runs = job_runs(self->fd, self->nop);

	if (!self->gated)
		SKIP(return, NO_GATE);
	ASSERT_EQ(0, submit_held(self->fd, self->ctx, self->copy, &self->gate));
	ring_runs(&ring, self->fd, self->nop, n);
	EXPECT_EQ(n, ring_enter(&ring, 0));
	EXPECT_EQ(max, ctx_state(self->fd, self->ctx).inflight);
	/* The ring itself is not held up. */
	ring_next(&ring, IORING_OP_NOP, -1, 0);
	ring_enter(&ring, 1);
	EXPECT_EQ(0, ring_reap(&ring, MS).data);
	ASSERT_EQ(0, gate_release(&self->gate));
	for (i = 0; i < n; i++)
		EXPECT_EQ(0, ring_reap(&ring, MS).res);
	EXPECT_EQ(runs + n, job_runs(self->fd, self->nop));
	ring_close(&ring);
}

/*
 * A run that waits for room is given up by who asks for that, and is never made.
 * One that the device has is not the ring's to take back: it ends by itself,
 * unless the kernel says that it gave its command up.
 */
TEST_F(uring, run_cancelled)
{
	u32 max = device_info(self->fd).max_inflight, n = max + 8, i;
	struct ring ring = new_ring(512, IORING_SETUP_CQE32);
	u64 runs = job_runs(self->fd, self->nop);
	s32 first = DONE_NONE, last = DONE_NONE, told[2] = { 1, 1 };

	if (!self->gated)
		SKIP(return, NO_GATE);
	ASSERT_EQ(0, submit_held(self->fd, self->ctx, self->copy, &self->gate));
	ring_runs(&ring, self->fd, self->nop, n);
	ASSERT_EQ(n, ring_enter(&ring, 0));
	ring_next(&ring, IORING_OP_ASYNC_CANCEL, -1, n + 1)->addr = 1;
	ring_next(&ring, IORING_OP_ASYNC_CANCEL, -1, n + 2)->addr = n;
	ASSERT_EQ(2, ring_enter(&ring, 0));
	/* With the gate shut, the last can only end by being given up. */
	for (i = 0; last == DONE_NONE || told[0] > 0 || told[1] > 0; i++) {
		struct done done = ring_reap(&ring, MS);

		ASSERT_NE(DONE_NONE, done.res);
		if (done.data > n)
			told[done.data - n - 1] = done.res;
		else if (done.data == n)
			last = done.res;
		else
			first = done.res;
	}
	EXPECT_TRUE(!told[1] || told[1] == -EALREADY);
	EXPECT_TRUE(last == -EINTR || last == -ECANCELED);
	ASSERT_EQ(0, gate_release(&self->gate));
	for (; i < n + 2; i++) {
		struct done done = ring_reap(&ring, MS);

		if (done.data == 1)
			first = done.res;
		else
			EXPECT_EQ(0, done.res);
	}
	EXPECT_EQ(told[0] ? 0 : -ECANCELED, first);
	EXPECT_EQ(runs + n - 1, job_runs(self->fd, self->nop));
	ring_close(&ring);
}

/* In a thread from the start. */
TEST_F(uring, asynchronous)
{
	u32 i;

	for (i = 1; i <= DEPTH; i++)
		ring_run(&self->ring, self->fd, self->nop, i)->flags =
			IOSQE_ASYNC;
	ASSERT_EQ(DEPTH, ring_enter(&self->ring, DEPTH));
	EXPECT_EQ(DEPTH, ring_reap_all(&self->ring, DEPTH, 0));
}

/* A device that sleeps is woken by a thread of the ring. */
TEST_F(uring, asleep)
{
	char path[256], state[16] = "";
	u32 i;

	ASSERT_EQ(0, device_path(self->fd, path, sizeof(path)));
	strcat(path, "/power/runtime_status");
	for (i = 0; i < 100 && strncmp(state, "suspended", 9); i++) {
		int file = open(path, O_RDONLY);

		ASSERT_LE(0, file);
		ASSERT_LT(0, read(file, state, sizeof(state)));
		close(file);
		usleep(50000);
	}
	if (i == 100)
		SKIP(return, "the device does not sleep");
	ring_runs(&self->ring, self->fd, self->nop, DEPTH);
	ASSERT_EQ(DEPTH, ring_enter(&self->ring, DEPTH));
	EXPECT_EQ(DEPTH, ring_reap_all(&self->ring, DEPTH, 0));
}

/* Read a file, run, write a file: one chain, one call. */
TEST_F(uring, chain)
{
	int in = memfd_create("in", MFD_CLOEXEC);
	int out = memfd_create("out", MFD_CLOEXEC), i;
	u8 data[2][BYTES];

	for (i = 0; i < BYTES; i++)
		data[0][i] = i * 7;
	ASSERT_EQ(BYTES, write(in, data[0], BYTES));
	for (i = 0; i < 3; i++) {
		struct io_uring_sqe *sqe;

		if (i == 1) {
			sqe = ring_run(&self->ring, self->fd, self->copy, i);
		} else {
			sqe = ring_next(&self->ring,
					i ? IORING_OP_WRITE : IORING_OP_READ,
					i ? out : in, i);
			sqe->addr = (uintptr_t)self->map[i / 2];
			sqe->len = BYTES;
		}
		sqe->flags = i < 2 ? IOSQE_IO_LINK : 0;
	}
	ASSERT_EQ(3, ring_enter(&self->ring, 3));
	for (i = 0; i < 3; i++) {
		struct done done = ring_reap(&self->ring, MS);

		EXPECT_EQ(i, done.data);
		EXPECT_EQ(i == 1 ? 0 : BYTES, done.res);
	}
	EXPECT_EQ(BYTES, pread(out, data[1], BYTES, 0));
	EXPECT_EQ(0, memcmp(data[0], data[1], BYTES));
	close(in);
	close(out);
}

/* A link that fails, refused or run, ends its chain. */
TEST_F(uring, chain_broken)
{
	u32 bad = new_job(self->fd, new_ctx(self->fd), new_faulty(self->fd),
			  NULL, 0, 0);
	u32 jobs[] = { NO_NUMBER, bad }, i, k;
	s32 errors[] = { -ENOENT, -EIO };
	u64 runs = job_runs(self->fd, self->nop);

	for (i = 0; i < 2; i++) {
		for (k = 0; k < 3; k++)
			ring_run(&self->ring, self->fd,
				 k ? self->nop : jobs[i], k)->flags =
				k < 2 ? IOSQE_IO_LINK : 0;
		ring_enter(&self->ring, 3);
		for (k = 0; k < 3; k++) {
			struct done done = ring_reap(&self->ring, MS);

			EXPECT_EQ(done.data ? -ECANCELED : errors[i],
				  done.res);
		}
	}
	EXPECT_EQ(runs, job_runs(self->fd, self->nop));
}

/* Registered files, by number; they hold the file when its number is gone. */
TEST_F(uring, registered)
{
	int fd = new_file();
	u32 ctx = new_ctx(fd);
	u32 job = new_job(fd, ctx, new_nop(fd), NULL, 0, 0), i;

	ASSERT_EQ(0, ring_register(&self->ring, IORING_REGISTER_FILES, &fd, 1));
	close(fd);
	for (i = 1; i <= DEPTH; i++)
		ring_run(&self->ring, 0, job, i)->flags = IOSQE_FIXED_FILE;
	ASSERT_EQ(DEPTH, ring_enter(&self->ring, DEPTH));
	EXPECT_EQ(DEPTH, ring_reap_all(&self->ring, DEPTH, 0));
	/* Taken away with runs in flight. */
	for (i = 1; i <= DEPTH; i++)
		ring_run(&self->ring, 0, job, i)->flags = IOSQE_FIXED_FILE;
	ASSERT_EQ(DEPTH, ring_enter(&self->ring, 0));
	ASSERT_EQ(0, ring_register(&self->ring, IORING_UNREGISTER_FILES, NULL,
				   0));
	EXPECT_EQ(DEPTH, ring_reap_all(&self->ring, DEPTH, 0));
}

/* A thread of the kernel's submits: no call at all while it is awake. */
TEST_F(uring, polled_submission)
{
	struct ring ring = new_ring(2 * DEPTH, IORING_SETUP_SQPOLL |
					       IORING_SETUP_CQE32);
	u32 round;

	for (round = 0; round < 20; round++) {
		ring_runs(&ring, self->fd, self->nop, DEPTH);
		ASSERT_LE(0, ring_enter(&ring, 0));
		EXPECT_EQ(DEPTH, ring_reap_all(&ring, DEPTH, 0));
	}
	EXPECT_GT(20, ring.calls);
	EXPECT_EQ(20 * DEPTH, job_runs(self->fd, self->nop));
	ring_close(&ring);
}

#define TRACING		"/sys/kernel/tracing"

/* Allocations are traced with the stacks that led there, but not yet. */
static int trace_begin(void)
{
	int ret = write_file("0", TRACING "/tracing_on");

	if (!ret)
		ret = write_file("1", TRACING "/options/stacktrace");
	if (!ret)
		ret = write_file("1", TRACING "/events/kmem/kmalloc/enable");
	if (!ret)
		ret = write_file("1",
				 TRACING "/events/kmem/kmem_cache_alloc/enable");
	return ret;
}

static void trace_end(void)
{
	write_file("0", TRACING "/events/kmem/enable");
	write_file("0", TRACING "/options/stacktrace");
	write_file("1", TRACING "/tracing_on");
}

static void trace_on(void)
{
	close(open(TRACING "/trace", O_WRONLY | O_TRUNC));
	write_file("1", TRACING "/tracing_on");
}

/* Allocations by anything of a run or a command; of the first tells the stack. */
static u32 trace_off(bool tell)
{
	static const char *const ours[] = {
		" fxq_", " io_", " __io_", " dma_fence_", " drm_sched_",
	};
	bool in_stack = false;
	char line[256];
	FILE *file;
	u32 n = 0;
	size_t i;

	write_file("0", TRACING "/tracing_on");
	file = fopen(TRACING "/trace", "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, " => ", 4)) {
			in_stack = false;
			continue;
		}
		for (i = 0; i < ARRAY_SIZE(ours) && !in_stack; i++)
			in_stack = strstr(line, ours[i]);
		n += in_stack;
		if (in_stack && tell)
			printf("# %s", line);
	}
	if (file)
		fclose(file);
	return n;
}

/* Completing takes no memory, all the way from the device to the ring. */
TEST_F(uring, allocates_nothing)
{
	if (!self->gated)
		SKIP(return, NO_GATE);
	if (trace_begin())
		SKIP(return, "no tracefs that tells of allocations");
	ASSERT_EQ(0, submit_held(self->fd, self->ctx, self->nop, &self->gate));
	ring_runs(&self->ring, self->fd, self->nop, DEPTH);
	trace_on();
	EXPECT_EQ(DEPTH, ring_enter(&self->ring, 0));
	/* What SUBMIT takes is seen. */
	EXPECT_LE(DEPTH, trace_off(false));
	trace_on();
	EXPECT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(0, ring_enter(&self->ring, DEPTH));
	EXPECT_EQ(0, trace_off(true));
	EXPECT_EQ(DEPTH, ring_reap_all(&self->ring, DEPTH, 0));
	trace_end();
}

TEST_HARNESS_MAIN
