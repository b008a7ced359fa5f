// SPDX-License-Identifier: GPL-2.0
/*
 * submit.c - SUBMIT: all of the runs or none
 */
#include <pthread.h>
#include <signal.h>

#include "fxq_util.h"
#include "kselftest_harness.h"

#define BYTES		1024u
#define INFLIGHT	256

FIXTURE(submit)
{
	int fd;
	u32 ctx, nop, done;
	u32 jobs[DRM_FXQ_MAX_SUBMIT + 1];
	struct drm_fxq_sync sync[DRM_FXQ_MAX_SUBMIT + 1];
	struct drm_fxq_submit args;	/* of one run, nothing in or out */
	bool gated;
	struct gate gate;
};

FIXTURE_SETUP(submit)
{
	u32 i;

	self->fd = fxq_open(0);
	if (self->fd == -ENODEV)
		SKIP(return, "no fxq device");
	ASSERT_LE(0, self->fd);
	self->ctx = new_ctx(self->fd);
	self->nop = new_job(self->fd, self->ctx, new_nop(self->fd), NULL, 0, 0);
	self->done = new_syncobj(self->fd);
	for (i = 0; i < ARRAY_SIZE(self->jobs); i++) {
		self->jobs[i] = self->nop;
		self->sync[i].handle = self->done;
		self->sync[i].point = i + 1;
	}
	self->args = (struct drm_fxq_submit){
		.ctx = self->ctx,
		.jobs = (uintptr_t)self->jobs,
		.job_count = 1,
		.sync_stride = sizeof(self->sync[0]),
	};
	self->gated = !gate_open(&self->gate);
}

FIXTURE_TEARDOWN(submit)
{
	close(self->fd);
}

static int queue(int fd, struct drm_fxq_submit args)
{
	return call(fd, DRM_IOCTL_FXQ_SUBMIT, &args);
}

/* Runs of the job so far, once all that was queued has ended. */
static u64 runs(int fd, u32 ctx, u32 job)
{
	struct drm_fxq_job_query state = { 0 };
	u64 until = now_ms() + 10000;

	while (ctx_state(fd, ctx).inflight && now_ms() < until)
		usleep(1000);
	job_state(fd, job, &state);
	return state.runs;
}

/* A run does what its stream says, and tells when it has. */
TEST_F(submit, copies)
{
	u32 bos[] = { new_bo(self->fd, PAGE, 0), new_bo(self->fd, PAGE, 0) };
	u32 *in = new_map(self->fd, bos[0], PAGE);
	u32 *out = new_map(self->fd, bos[1], PAGE);
	u32 job = new_job(self->fd, self->ctx, new_copy(self->fd, BYTES), bos,
			  PAGE, 2), i;
	struct drm_fxq_job_query state;

	for (i = 0; i < PAGE / 4; i++)
		in[i] = 0x2545f491 * (i + 1);
	ASSERT_EQ(0, submit(self->fd, self->ctx, job, 1, self->done, 1));
	ASSERT_EQ(0, sync_wait(self->fd, self->done, 1, 10000));
	EXPECT_EQ(0, memcmp(in, out, BYTES));
	for (i = BYTES / 4; i < PAGE / 4; i++)
		ASSERT_EQ(0, out[i]);
	ASSERT_EQ(0, job_state(self->fd, job, &state));
	EXPECT_EQ(1, state.runs);
	EXPECT_EQ(0, state.status);
	EXPECT_NE(0, state.cycles);
}

/* Flags are zero but for NONBLOCK, bit by bit. */
TEST_F(submit, flags)
{
	u32 bit;

	for (bit = 1; bit; bit <<= 1) {
		self->args.flags = bit;
		EXPECT_EQ(bit == DRM_FXQ_SUBMIT_NONBLOCK ? 0 : -EINVAL,
			  queue(self->fd, self->args));
	}
	EXPECT_EQ(1, runs(self->fd, self->ctx, self->nop));
}

/* From 1 to 64 jobs, up to 64 waits and as many signals. */
TEST_F(submit, counts)
{
	const u32 wrong[] = { DRM_FXQ_MAX_SUBMIT + 1, 0x10000, ~0u };
	size_t i;

	self->args.signals = (uintptr_t)self->sync;
	self->args.signal_count = DRM_FXQ_MAX_SUBMIT;
	self->args.job_count = DRM_FXQ_MAX_SUBMIT;
	EXPECT_EQ(0, queue(self->fd, self->args));
	self->args.signal_count = 0;
	self->args.waits = (uintptr_t)self->sync;
	self->args.wait_count = DRM_FXQ_MAX_SUBMIT;
	EXPECT_EQ(0, queue(self->fd, self->args));
	EXPECT_EQ(128, runs(self->fd, self->ctx, self->nop));

	self->args.wait_count = 0;
	self->args.job_count = 0;
	EXPECT_EQ(-EINVAL, queue(self->fd, self->args));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		self->args.job_count = wrong[i];
		EXPECT_EQ(-EINVAL, queue(self->fd, self->args));
		self->args.job_count = 1;
		self->args.wait_count = wrong[i];
		EXPECT_EQ(-EINVAL, queue(self->fd, self->args));
		self->args.wait_count = 0;
		self->args.signal_count = wrong[i];
		EXPECT_EQ(-EINVAL, queue(self->fd, self->args));
		self->args.signal_count = 0;
	}
	EXPECT_EQ(128, runs(self->fd, self->ctx, self->nop));
}

/* No context or job of this number in this file: -ENOENT. */
TEST_F(submit, wrong_numbers)
{
	const u32 numbers[] = { 0, NO_NUMBER, ~0u };
	int other = new_file();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		self->args.ctx = numbers[i];
		EXPECT_EQ(-ENOENT, queue(self->fd, self->args));
		self->args.ctx = self->ctx;
		self->jobs[0] = numbers[i];
		EXPECT_EQ(-ENOENT, queue(self->fd, self->args));
		self->jobs[0] = self->nop;
	}
	EXPECT_EQ(-ENOENT, queue(other, self->args));
	self->args.ctx = new_ctx(other);
	EXPECT_EQ(-ENOENT, queue(other, self->args));
	close(other);
	EXPECT_EQ(0, runs(self->fd, self->ctx, self->nop));
}

/* All jobs are of the context that is named. */
TEST_F(submit, job_of_another_context)
{
	u32 ctx = new_ctx(self->fd);

	self->args.ctx = ctx;
	EXPECT_EQ(-EINVAL, queue(self->fd, self->args));
	EXPECT_EQ(0, runs(self->fd, self->ctx, self->nop));
}

/* A pointer that leads nowhere is -EFAULT, and nothing is run. */
TEST_F(submit, bad_pointer)
{
	u8 *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, munmap(pages + PAGE, PAGE));
	self->args.jobs = BAD_POINTER;
	EXPECT_EQ(-EFAULT, queue(self->fd, self->args));
	memcpy(pages + PAGE - 4, self->jobs, 4);
	self->args.jobs = (uintptr_t)pages + PAGE - 4;
	self->args.job_count = 2;
	EXPECT_EQ(-EFAULT, queue(self->fd, self->args));
	self->args.jobs = (uintptr_t)self->jobs;
	self->args.job_count = 1;
	self->args.waits = BAD_POINTER;
	self->args.wait_count = 1;
	EXPECT_EQ(-EFAULT, queue(self->fd, self->args));
	self->args.wait_count = 0;
	self->args.signals = BAD_POINTER;
	self->args.signal_count = 1;
	EXPECT_EQ(-EFAULT, queue(self->fd, self->args));
	memcpy(pages + PAGE - sizeof(self->sync[0]), self->sync,
	       sizeof(self->sync[0]));
	self->args.signals = (uintptr_t)pages + PAGE - sizeof(self->sync[0]);
	self->args.signal_count = 2;
	EXPECT_EQ(-EFAULT, queue(self->fd, self->args));
	EXPECT_EQ(-EFAULT, call(self->fd, DRM_IOCTL_FXQ_SUBMIT,
				(void *)(uintptr_t)BAD_POINTER));
	EXPECT_EQ(0, runs(self->fd, self->ctx, self->nop));
}

/* sync_stride: what the application knows more than the kernel is zero. */
TEST_F(submit, sync_stride)
{
	struct {
		struct drm_fxq_sync known;
		u64 more;
	} sync[2] = { { self->sync[0], 0 }, { self->sync[1], 0 } };
	const u32 wrong[] = { 0, sizeof(self->sync[0]) - 1, PAGE + 1, ~0u };
	size_t i;

	self->args.signals = (uintptr_t)sync;
	self->args.signal_count = 2;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		self->args.sync_stride = wrong[i];
		EXPECT_EQ(-EINVAL, queue(self->fd, self->args));
	}
	self->args.sync_stride = sizeof(sync[0]);
	EXPECT_EQ(0, queue(self->fd, self->args));
	EXPECT_EQ(0, sync_wait(self->fd, self->done, 2, 10000));
	sync[1].more = 1;
	EXPECT_EQ(-EINVAL, queue(self->fd, self->args));
	/* Without any, the stride does not matter. */
	self->args.signal_count = 0;
	self->args.sync_stride = 1;
	EXPECT_EQ(0, queue(self->fd, self->args));
	EXPECT_EQ(2, runs(self->fd, self->ctx, self->nop));
}

/* flags of a sync are zero, bit by bit; its handle is of this file. */
TEST_F(submit, wrong_sync)
{
	int other = new_file();
	u32 bit, foreign = 0, i;

	EXPECT_EQ(0, submit(self->fd, self->ctx, self->nop, 1, self->done, 1));
	for (i = 0; i < 8; i++)
		foreign = new_syncobj(other);
	self->args.waits = (uintptr_t)self->sync;
	self->args.signals = (uintptr_t)&self->sync[1];
	self->args.wait_count = 1;
	self->args.signal_count = 1;
	for (bit = 1; bit; bit <<= 1) {
		self->sync[0].flags = bit;
		EXPECT_EQ(-EINVAL, queue(self->fd, self->args));
		self->sync[0].flags = 0;
		self->sync[1].flags = bit;
		EXPECT_EQ(-EINVAL, queue(self->fd, self->args));
		self->sync[1].flags = 0;
	}
	self->sync[0].handle = foreign;
	EXPECT_EQ(-ENOENT, queue(self->fd, self->args));
	self->sync[0].handle = 0;
	EXPECT_EQ(-ENOENT, queue(self->fd, self->args));
	self->sync[0].handle = self->done;
	self->sync[1].handle = foreign;
	EXPECT_EQ(-ENOENT, queue(self->fd, self->args));
	self->sync[1].handle = 0;
	EXPECT_EQ(-ENOENT, queue(self->fd, self->args));
	close(other);
	EXPECT_EQ(1, runs(self->fd, self->ctx, self->nop));
}

/* A point without a fence is -EINVAL, and so is one beyond the last. */
TEST_F(submit, wait_without_fence)
{
	u32 binary = new_syncobj(self->fd);

	self->args.waits = (uintptr_t)self->sync;
	self->args.wait_count = 1;
	EXPECT_EQ(-EINVAL, queue(self->fd, self->args));
	self->sync[0].handle = binary;
	self->sync[0].point = 0;
	EXPECT_EQ(-EINVAL, queue(self->fd, self->args));
	EXPECT_EQ(0, submit(self->fd, self->ctx, self->nop, 1, self->done, 5));
	self->sync[0].handle = self->done;
	self->sync[0].point = 6;
	EXPECT_EQ(-EINVAL, queue(self->fd, self->args));
	self->sync[0].point = 5;
	EXPECT_EQ(0, queue(self->fd, self->args));
	EXPECT_EQ(2, runs(self->fd, self->ctx, self->nop));
}

/* All of them or none: what is wrong at the end undoes the beginning. */
TEST_F(submit, all_or_nothing)
{
	self->args.job_count = DRM_FXQ_MAX_SUBMIT;
	self->args.signals = (uintptr_t)self->sync;
	self->args.signal_count = 2;
	self->jobs[DRM_FXQ_MAX_SUBMIT - 1] = NO_NUMBER;
	EXPECT_EQ(-ENOENT, queue(self->fd, self->args));
	self->jobs[DRM_FXQ_MAX_SUBMIT - 1] = self->nop;
	self->sync[1].handle = NO_NUMBER;
	EXPECT_EQ(-ENOENT, queue(self->fd, self->args));
	EXPECT_EQ(0, runs(self->fd, self->ctx, self->nop));
	EXPECT_EQ(-EINVAL, sync_wait(self->fd, self->done, 1, 0));
	self->sync[1].handle = self->done;
	EXPECT_EQ(0, queue(self->fd, self->args));
	EXPECT_EQ(0, sync_wait(self->fd, self->done, 2, 10000));
	EXPECT_EQ(64, runs(self->fd, self->ctx, self->nop));
}

/* Runs of a context execute one after another, in the order of SUBMIT. */
TEST_F(submit, order)
{
	const u32 n = 40;
	u32 bos[] = { new_bo(self->fd, PAGE, 0), 0 };
	u8 *map = new_map(self->fd, bos[0], PAGE);
	struct drm_fxq_region region[2] = { 0 };
	struct drm_fxq_job_create args = {
		.ctx = self->ctx,
		.stream = new_copy(self->fd, 64),
		.regions = (uintptr_t)region,
		.region_count = 2,
		.region_stride = sizeof(region[0]),
	};
	u32 i;

	/* Each copies 64 bytes on to the next 64. */
	for (i = 0; i < n; i++) {
		region[0] = (struct drm_fxq_region){
			.handle = bos[0], .offset = 64 * i, .size = 64,
		};
		region[1] = region[0];
		region[1].offset += 64;
		ASSERT_EQ(0, call(self->fd, DRM_IOCTL_FXQ_JOB_CREATE, &args));
		self->jobs[i] = args.job;
	}
	memset(map, 0x42, 64);
	self->args.job_count = n;
	self->args.signals = (uintptr_t)self->sync;
	self->args.signal_count = 1;
	ASSERT_EQ(0, queue(self->fd, self->args));
	ASSERT_EQ(0, sync_wait(self->fd, self->done, 1, 10000));
	for (i = 0; i < 64 * (n + 1); i++)
		ASSERT_EQ(0x42, map[i]);
}

/* Fills the context with runs that wait for the gate. */
static u32 fill(int fd, u32 ctx, u32 job, struct gate *gate)
{
	u32 before = new_gated(fd, gate), i;

	for (i = 0; i < INFLIGHT; i += DRM_FXQ_MAX_SUBMIT)
		if (submit_after(fd, ctx, job, DRM_FXQ_MAX_SUBMIT, before, 0))
			return 0;
	return before;
}

/* NONBLOCK: -EBUSY when the context has no room, and others have theirs. */
TEST_F(submit, nonblock)
{
	u32 ctx, job;

	if (!self->gated)
		SKIP(return, NO_GATE);
	ASSERT_NE(0, fill(self->fd, self->ctx, self->nop, &self->gate));
	EXPECT_EQ(INFLIGHT, ctx_state(self->fd, self->ctx).inflight);
	self->args.flags = DRM_FXQ_SUBMIT_NONBLOCK;
	EXPECT_EQ(-EBUSY, queue(self->fd, self->args));
	EXPECT_EQ(INFLIGHT, ctx_state(self->fd, self->ctx).inflight);

	ctx = new_ctx(self->fd);
	job = new_job(self->fd, ctx, new_nop(self->fd), NULL, 0, 0);
	EXPECT_EQ(0, run(self->fd, ctx, job));

	EXPECT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(INFLIGHT, runs(self->fd, self->ctx, self->nop));
	EXPECT_EQ(0, queue(self->fd, self->args));
	EXPECT_EQ(INFLIGHT + 1, runs(self->fd, self->ctx, self->nop));
}

/* Room for all runs or for none. */
TEST_F(submit, nonblock_partial)
{
	u32 before;

	if (!self->gated)
		SKIP(return, NO_GATE);
	before = new_gated(self->fd, &self->gate);
	ASSERT_EQ(0, submit_after(self->fd, self->ctx, self->nop, 60, before,
				  0));
	for (u32 i = 0; i < 3; i++)
		ASSERT_EQ(0, submit(self->fd, self->ctx, self->nop, 64, 0, 0));
	self->args.flags = DRM_FXQ_SUBMIT_NONBLOCK;
	self->args.job_count = 5;
	EXPECT_EQ(-EBUSY, queue(self->fd, self->args));
	self->args.job_count = 4;
	EXPECT_EQ(0, queue(self->fd, self->args));
	EXPECT_EQ(INFLIGHT, ctx_state(self->fd, self->ctx).inflight);
	self->args.job_count = 1;
	EXPECT_EQ(-EBUSY, queue(self->fd, self->args));
	EXPECT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(INFLIGHT, runs(self->fd, self->ctx, self->nop));
}

static void on_alarm(int signal)
{
}

static void *release_later(void *gate)
{
	usleep(200000);
	gate_release(gate);
	return NULL;
}

/* Without NONBLOCK it sleeps until there is room. */
TEST_F(submit, sleeps_for_room)
{
	pthread_t thread;
	u64 start;

	if (!self->gated)
		SKIP(return, NO_GATE);
	ASSERT_NE(0, fill(self->fd, self->ctx, self->nop, &self->gate));
	start = now_ms();
	ASSERT_EQ(0, pthread_create(&thread, NULL, release_later, &self->gate));
	EXPECT_EQ(0, queue(self->fd, self->args));
	EXPECT_LE(150, now_ms() - start);
	pthread_join(thread, NULL);
	EXPECT_EQ(INFLIGHT + 1, runs(self->fd, self->ctx, self->nop));
}

/* -EINTR: a signal came first, and nothing was done. */
TEST_F(submit, interrupted)
{
	struct sigaction action = { .sa_handler = on_alarm };

	if (!self->gated)
		SKIP(return, NO_GATE);
	ASSERT_NE(0, fill(self->fd, self->ctx, self->nop, &self->gate));
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	for (u32 i = 0; i < 3; i++) {
		pid_t parent = getpid(), child = fork();

		if (!child) {
			usleep(100000);
			kill(parent, SIGUSR1);
			_exit(0);
		}
		EXPECT_EQ(-EINTR, queue(self->fd, self->args));
	}
	EXPECT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(INFLIGHT, runs(self->fd, self->ctx, self->nop));
}

static void *destroy_later(void *arg)
{
	u32 *what = arg;

	usleep(200000);
	ctx_destroy(what[0], what[1]);
	return NULL;
}

/* Who sleeps for room in a context that is destroyed gets -ECANCELED. */
TEST_F(submit, destroyed_while_sleeping)
{
	u32 what[] = { self->fd, self->ctx };
	pthread_t thread;

	if (!self->gated)
		SKIP(return, NO_GATE);
	ASSERT_NE(0, fill(self->fd, self->ctx, self->nop, &self->gate));
	ASSERT_EQ(0, pthread_create(&thread, NULL, destroy_later, what));
	EXPECT_EQ(-ECANCELED, queue(self->fd, self->args));
	EXPECT_EQ(0, gate_release(&self->gate));
	pthread_join(thread, NULL);
	EXPECT_EQ(-ENOENT, queue(self->fd, self->args));
}

/* What a short structure lacks is zero; what a long one adds is left alone. */
TEST_F(submit, structure_sizes)
{
	struct {
		struct drm_fxq_submit known;
		u64 more[2];
	} args = { .known = self->args, .more = { 0, 0x44 } };

	EXPECT_EQ(-EINVAL, call_sized(self->fd, DRM_IOCTL_FXQ_SUBMIT, &args,
				      32));
	args.known.wait_count = ~0u;
	args.known.signal_count = ~0u;
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_SUBMIT, &args, 36));
	args.known.wait_count = 0;
	args.known.signal_count = 0;
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_SUBMIT, &args,
				sizeof(args)));
	EXPECT_EQ(0x44, args.more[1]);
	EXPECT_EQ(2, runs(self->fd, self->ctx, self->nop));
}

TEST_HARNESS_MAIN
