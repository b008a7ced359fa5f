// SPDX-License-Identifier: GPL-2.0
/*
 * isolation.c - what one user may not learn of another, nor do to it
 */
#include <sys/wait.h>

#include "fxq_util.h"
#include "kselftest_harness.h"

#define SECRET	0xa5u

FIXTURE(isolation)
{
	int mine, theirs;
	u32 my_ctx, their_ctx;
	u32 spm_bytes;
};

FIXTURE_SETUP(isolation)
{
	self->mine = fxq_open(0);
	if (self->mine == -ENODEV)
		SKIP(return, "no fxq device");
	ASSERT_LE(0, self->mine);
	self->theirs = new_file();
	self->my_ctx = new_ctx(self->mine);
	self->their_ctx = new_ctx(self->theirs);
	self->spm_bytes = device_info(self->mine).spm_bytes;
}

FIXTURE_TEARDOWN(isolation)
{
	close(self->mine);
	close(self->theirs);
}

/* A job that fills the whole scratchpad with what is in its region. */
static u32 new_secret(int fd, u32 ctx, u32 spm_bytes, bool then_fault)
{
	struct fxq_desc desc[] = {
		desc_load(0, 0, 0, spm_bytes),
		desc_fill(~0u - 63, 64, 0),
	};
	u32 bo = new_bo(fd, spm_bytes, 0);

	memset(new_map(fd, bo, spm_bytes), SECRET, spm_bytes);
	return new_job(fd, ctx, new_stream(fd, desc, then_fault ? 2 : 1), &bo,
		       spm_bytes, 1);
}

/* Bytes of scratchpad that still show the secret to another context. */
static u32 leaked(int fd, u32 ctx, u32 spm_bytes)
{
	struct fxq_desc desc = desc_store(0, 0, 0, spm_bytes);
	u32 bo = new_bo(fd, spm_bytes, 0), n = 0, i;
	u8 *map = new_map(fd, bo, spm_bytes);
	u32 job = new_job(fd, ctx, new_stream(fd, &desc, 1), &bo, spm_bytes, 1);

	if (run(fd, ctx, job))
		return ~0u;
	for (i = 0; i < spm_bytes; i++)
		n += map[i] == SECRET;
	return n;
}

/* What a run left in the scratchpad is not there for another context. */
TEST_F(isolation, scratchpad)
{
	u32 job = new_secret(self->theirs, self->their_ctx, self->spm_bytes,
			     false);

	ASSERT_EQ(0, run(self->theirs, self->their_ctx, job));
	EXPECT_EQ(0, leaked(self->mine, self->my_ctx, self->spm_bytes));
}

/* Nor what one left that failed halfway. */
TEST_F(isolation, scratchpad_after_fault)
{
	u32 job = new_secret(self->theirs, self->their_ctx, self->spm_bytes,
			     true);

	ASSERT_EQ(-EIO, run(self->theirs, self->their_ctx, job));
	EXPECT_EQ(0, leaked(self->mine, self->my_ctx, self->spm_bytes));
}

/* Nor what another context of the same file left that has gone. */
TEST_F(isolation, scratchpad_of_own_context)
{
	u32 other = new_ctx(self->mine);
	u32 job = new_secret(self->mine, other, self->spm_bytes, false);

	ASSERT_EQ(0, run(self->mine, other, job));
	EXPECT_EQ(0, ctx_destroy(self->mine, other));
	EXPECT_EQ(0, leaked(self->mine, self->my_ctx, self->spm_bytes));
}

/* Nor for whoever gets the number in the device of a context that has gone. */
TEST_F(isolation, scratchpad_of_one_that_is_gone)
{
	int fd = new_file();
	u32 ctx = new_ctx(fd);
	char path[256];

	/* A device that has slept has nothing in its scratchpad. */
	ASSERT_EQ(0, device_path(fd, path, sizeof(path)));
	EXPECT_EQ(0, write_file("on", "%s/power/control", path));
	ASSERT_EQ(0, run(fd, ctx, new_secret(fd, ctx, self->spm_bytes, false)));
	/* One that is idle need not be stopped, and goes quietly. */
	while (ctx_state(fd, ctx).inflight)
		usleep(10000);
	ASSERT_EQ(0, ctx_destroy(fd, ctx));
	settle();
	ctx = new_ctx(self->mine);
	EXPECT_EQ(0, leaked(self->mine, ctx, self->spm_bytes));
	EXPECT_EQ(0, write_file("auto", "%s/power/control", path));
	close(fd);
}

/* A run stays inside its region, to the byte. */
TEST_F(isolation, region_ends)
{
	u32 bo = new_bo(self->mine, 4 * PAGE, 0), i;
	u8 *map = new_map(self->mine, bo, 4 * PAGE);
	struct fxq_desc desc[] = {
		desc_fill(0, 256, 0x5c5c5c5c),
		desc_after(desc_store(0, 0, 0, 256), FXQ_ENGINE_LD, 1),
	};
	struct drm_fxq_region region = {
		.handle = bo, .offset = PAGE - 128, .size = 256,
	};
	struct drm_fxq_job_create args = {
		.ctx = self->my_ctx,
		.stream = new_stream(self->mine, desc, 2),
		.regions = (uintptr_t)&region,
		.region_count = 1,
		.region_stride = sizeof(region),
	};

	memset(map, 0x11, 4 * PAGE);
	ASSERT_EQ(0, call(self->mine, DRM_IOCTL_FXQ_JOB_CREATE, &args));
	ASSERT_EQ(0, run(self->mine, self->my_ctx, args.job));
	for (i = 0; i < 4 * PAGE; i++)
		ASSERT_EQ(i >= PAGE - 128 && i < PAGE + 128 ? 0x5c : 0x11,
			  map[i]);
}

/* The same numbers in two files are different things. */
TEST_F(isolation, numbers_are_of_a_file)
{
	u32 a[] = { new_bo(self->mine, PAGE, 0), new_bo(self->mine, PAGE, 0) };
	u32 b[] = {
		new_bo(self->theirs, PAGE, 0), new_bo(self->theirs, PAGE, 0),
	};
	u8 *in = new_map(self->mine, a[0], PAGE);
	u8 *out = new_map(self->theirs, b[1], PAGE);
	u32 mine = new_job(self->mine, self->my_ctx,
			   new_copy(self->mine, PAGE), a, PAGE, 2);
	u32 theirs = new_job(self->theirs, self->their_ctx,
			     new_copy(self->theirs, PAGE), b, PAGE, 2);

	EXPECT_EQ(a[0], b[0]);
	EXPECT_EQ(mine, theirs);
	memset(in, SECRET, PAGE);
	EXPECT_EQ(0, run(self->mine, self->my_ctx, mine));
	EXPECT_EQ(0, run(self->theirs, self->their_ctx, theirs));
	EXPECT_EQ(0, out[0]);
}

/* Memory that was freed is not written by whoever had it. */
TEST_F(isolation, freed_memory)
{
	const u32 n = 64, size = 16 * PAGE;
	struct gate gate;
	u32 bos[] = {
		new_bo(self->theirs, size, 0), new_bo(self->theirs, size, 0),
	};
	u32 job = new_job(self->theirs, self->their_ctx,
			  new_copy(self->theirs, size), bos, size, 2);
	u32 done = new_syncobj(self->theirs), gated, i, j;
	u64 *fresh[64];

	if (gate_open(&gate))
		SKIP(return, NO_GATE);
	memset(new_map(self->theirs, bos[0], size), SECRET, size);
	gated = new_gated(self->theirs, &gate);
	ASSERT_EQ(0, submit_after(self->theirs, self->their_ctx, job, 4, gated,
				  done));
	ASSERT_EQ(0, job_destroy(self->theirs, job));
	ASSERT_EQ(0, bo_close(self->theirs, bos[0]));
	ASSERT_EQ(0, bo_close(self->theirs, bos[1]));
	/* Whoever asks for memory now does not get what the run writes. */
	for (i = 0; i < n; i++)
		fresh[i] = new_map(self->mine, new_bo(self->mine, size, 0),
				   size);
	ASSERT_EQ(0, gate_release(&gate));
	ASSERT_EQ(0, sync_wait(self->theirs, done, 0, 10000));
	for (i = 0; i < n; i++)
		for (j = 0; j < size / 8; j++)
			ASSERT_EQ(0, fresh[i][j]);
}

/* Memory freed after runs, and used again, is not touched by what follows. */
TEST_F(isolation, reused_memory)
{
	const u32 size = 64 * PAGE;
	u32 round, i;

	for (round = 0; round < 20; round++) {
		u32 bo = new_bo(self->theirs, size, 0), mine, job;
		struct fxq_desc desc = desc_store(0, 0, 0, size);
		u64 *map;

		job = new_job(self->theirs, self->their_ctx,
			      new_stream(self->theirs, &desc, 1), &bo, size, 1);
		ASSERT_EQ(0, submit(self->theirs, self->their_ctx, job, 8, 0,
				    0));
		ASSERT_EQ(0, job_destroy(self->theirs, job));
		ASSERT_EQ(0, bo_close(self->theirs, bo));
		mine = new_bo(self->mine, size, 0);
		map = new_map(self->mine, mine, size);
		memset(map, 0x77, size);
		ASSERT_EQ(0, run(self->mine, self->my_ctx,
				 new_job(self->mine, self->my_ctx,
					 new_nop(self->mine), NULL, 0, 0)));
		for (i = 0; i < size / 8; i++)
			ASSERT_EQ(0x7777777777777777, map[i]);
		munmap(map, size);
		ASSERT_EQ(0, bo_close(self->mine, mine));
	}
}

/* Reads a pattern of its own through the device, again and again. */
static int child(u32 number)
{
	const u32 size = 32 * PAGE;
	int fd = fxq_open(0);
	u32 ctx = new_ctx(fd), round, i;
	u32 bos[] = { new_bo(fd, size, 0), new_bo(fd, size, 0) };
	u32 *in = new_map(fd, bos[0], size), *out = new_map(fd, bos[1], size);
	u32 job = new_job(fd, ctx, new_copy(fd, size), bos, size, 2);

	for (round = 0; round < 25; round++) {
		for (i = 0; i < size / 4; i++)
			in[i] = number << 24 | round << 16 | (uint16_t)i;
		if (run(fd, ctx, job))
			return 1;
		if (memcmp(in, out, size))
			return 2;
	}
	return 0;
}

/* Several processes at once each get what is theirs. */
TEST_F(isolation, processes)
{
	pid_t pid[6];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(pid); i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(child(i + 1));
	}
	for (i = 0; i < ARRAY_SIZE(pid); i++) {
		int status;

		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
}

TEST_HARNESS_MAIN
