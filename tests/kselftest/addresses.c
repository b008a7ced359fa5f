// SPDX-License-Identifier: GPL-2.0
/*
 * addresses.c - what happens when a context's device addresses are used up
 *
 * With all the bits that the device knows there are more than buffers can fill;
 * the driver's parameter va_bits leaves few enough.
 */
#include "fxq_util.h"
#include "kselftest_harness.h"

#define BYTES		PAGE
#define FEW_BITS	26		/* regions get three quarters of 64 MiB */
#define BUFFER		(4u << 20)
#define BUFFERS		24		/* more than have room at a time */

/* All differ, so that debugfs tells which are mapped. */
static u64 size_of(u32 i)
{
	return BUFFER + (BUFFERS - i) * PAGE;
}

FIXTURE(addresses)
{
	int fd;
	u32 ctx, copy, out, max_descriptors;
	u8 *result;
	u32 bo[BUFFERS];	/* each begins with a page of its number + 1 */
};

FIXTURE_SETUP(addresses)
{
	struct drm_fxq_device_info info;
	u32 i;

	self->fd = fxq_open(0);
	if (self->fd == -ENODEV)
		SKIP(return, "no fxq device");
	ASSERT_LE(0, self->fd);
	info = device_info(self->fd);
	if (info.va_bits > FEW_BITS)
		SKIP(return, "too many addresses; load fxq with va_bits=26");
	self->max_descriptors = info.max_descriptors;
	self->ctx = new_ctx(self->fd);
	self->copy = new_copy(self->fd, BYTES);
	self->out = new_bo(self->fd, BYTES, 0);
	self->result = new_map(self->fd, self->out, BYTES);
	for (i = 0; i < BUFFERS; i++) {
		self->bo[i] = new_bo(self->fd, size_of(i), 0);
		memset(new_map(self->fd, self->bo[i], BYTES), i + 1, BYTES);
	}
}

FIXTURE_TEARDOWN(addresses)
{
	close(self->fd);
}

/* A job that copies the beginning of buffer @i to where the results go. */
static int bind(FIXTURE_DATA(addresses) *self, u32 ctx, u32 i, u32 *job)
{
	u32 bos[] = { self->bo[i], self->out };

	return job_create(self->fd, ctx, self->copy, bos, BYTES, 2, job);
}

/* Does it read that buffer? */
static bool reads(FIXTURE_DATA(addresses) *self, u32 ctx, u32 job, u32 i)
{
	memset(self->result, 0, BYTES);
	return !run(self->fd, ctx, job) && self->result[0] == i + 1 &&
	       self->result[BYTES - 1] == i + 1;
}

/* Binds one buffer after another until there is no room; how many had. */
static u32 fill(FIXTURE_DATA(addresses) *self, u32 *jobs)
{
	u32 n = 0;

	while (n < BUFFERS && !bind(self, self->ctx, n, &jobs[n]))
		n++;
	return n;
}

static bool is_mapped(int fd, u32 i)
{
	return mappings_of(fd, size_of(i)) == 1;
}

/* BO_CREATE refuses what no context could map. */
TEST_F(addresses, buffer_too_large)
{
	struct drm_fxq_bo_create args = { .size = (32u << 20) + 1 };

	EXPECT_EQ(-EINVAL, call(self->fd, DRM_IOCTL_FXQ_BO_CREATE, &args));
}

/* Mappings that no job binds make room, and come back when they are bound. */
TEST_F(addresses, unused_make_room)
{
	u32 round, i, job;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < BUFFERS; i++) {
			ASSERT_EQ(0, bind(self, self->ctx, i, &job)) {
				TH_LOG("buffer %u, round %u", i, round);
			}
			EXPECT_TRUE(reads(self, self->ctx, job, i));
			ASSERT_EQ(0, job_destroy(self->fd, job));
		}
	}
	EXPECT_EQ(DRM_FXQ_CTX_READY, ctx_state(self->fd, self->ctx).state);
}

/* The one that has been out of use for longest goes first. */
TEST_F(addresses, oldest_first)
{
	u32 jobs[BUFFERS], n = fill(self, jobs), job, i;

	ASSERT_LT(2, n);
	ASSERT_GT(BUFFERS, n);
	if (mappings_of(self->fd, size_of(0)) == NO_NUMBER)
		SKIP(return, "no debugfs");
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, job_destroy(self->fd, jobs[i]));
	/* It is young again. */
	ASSERT_EQ(0, bind(self, self->ctx, 0, &job));
	ASSERT_EQ(0, job_destroy(self->fd, job));
	settle();
	ASSERT_EQ(0, bind(self, self->ctx, n, &job));
	EXPECT_TRUE(is_mapped(self->fd, 0));
	EXPECT_FALSE(is_mapped(self->fd, 1));
	for (i = 2; i <= n; i++)
		EXPECT_TRUE(is_mapped(self->fd, i));
	EXPECT_TRUE(reads(self, self->ctx, job, n));
}

/* -ENOSPC when jobs bind all there is; nothing else is different after it. */
TEST_F(addresses, used_up)
{
	u32 jobs[BUFFERS], n = fill(self, jobs), job, i, small, other;

	ASSERT_LT(2, n);
	ASSERT_GT(BUFFERS, n);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-ENOSPC, bind(self, self->ctx, n, &job));
	for (i = 0; i < n; i++)
		EXPECT_TRUE(reads(self, self->ctx, jobs[i], i));
	EXPECT_EQ(DRM_FXQ_CTX_READY, ctx_state(self->fd, self->ctx).state);
	/* A smaller buffer may still fit, and other contexts have their own. */
	small = new_bo(self->fd, BYTES, 0);
	EXPECT_EQ(0, job_create(self->fd, self->ctx, new_copy(self->fd, BYTES),
				(u32 []){ small, self->out }, BYTES, 2, &job));
	other = new_ctx(self->fd);
	ASSERT_EQ(0, bind(self, other, n, &job));
	EXPECT_TRUE(reads(self, other, job, n));

	/* What JOB_DESTROY gives back is there for the next call. */
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, job_destroy(self->fd, jobs[i]));
		ASSERT_EQ(0, bind(self, self->ctx, n + i % 2, &jobs[i]));
		EXPECT_EQ(-ENOSPC, bind(self, self->ctx, i, &job));
		ASSERT_EQ(0, job_destroy(self->fd, jobs[i]));
		ASSERT_EQ(0, bind(self, self->ctx, i, &jobs[i]));
		EXPECT_TRUE(reads(self, self->ctx, jobs[i], i));
	}
}

/* Streams have addresses of their own, and those may run out as well. */
TEST_F(addresses, streams)
{
	u32 n_descs = self->max_descriptors < 8192 ? self->max_descriptors :
						     8192;
	struct fxq_desc *desc = calloc(n_descs, sizeof(*desc));
	u32 jobs[64], n = 0, stream, job, i;
	int ret = 0;

	ASSERT_NE(NULL, desc);
	for (i = 0; i < n_descs; i++)
		desc[i] = desc_fill(0, 64, 0);
	stream = new_stream(self->fd, desc, n_descs);
	free(desc);
	while (n < ARRAY_SIZE(jobs)) {
		ret = job_create(self->fd, self->ctx, stream, NULL, 0, 0,
				 &jobs[n]);
		if (ret)
			break;
		n++;
	}
	EXPECT_EQ(-ENOSPC, ret);
	ASSERT_LT(1, n);
	EXPECT_EQ(0, run(self->fd, self->ctx, jobs[0]));
	EXPECT_EQ(0, run(self->fd, self->ctx, jobs[n - 1]));
	/* Buffers do not need these, and a short stream fits in between. */
	ASSERT_EQ(0, bind(self, self->ctx, 0, &job));
	EXPECT_TRUE(reads(self, self->ctx, job, 0));
	ASSERT_EQ(0, job_destroy(self->fd, jobs[1]));
	EXPECT_EQ(0, job_create(self->fd, self->ctx, stream, NULL, 0, 0,
				&jobs[1]));
	EXPECT_EQ(-ENOSPC, job_create(self->fd, self->ctx, stream, NULL, 0, 0,
				      &job));
	EXPECT_EQ(0, run(self->fd, self->ctx, jobs[1]));
}

TEST_HARNESS_MAIN
