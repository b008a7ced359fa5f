// SPDX-License-Identifier: GPL-2.0
/*
 * job.c - JOB_CREATE, JOB_DESTROY, JOB_QUERY: a stream with its regions bound
 */
#include "fxq_util.h"
#include "kselftest_harness.h"

#define BYTES	1024u

FIXTURE(job)
{
	int fd;
	u32 ctx, copy, nop;
	u32 bos[2];
	struct drm_fxq_region region[DRM_FXQ_MAX_REGIONS];
	struct drm_fxq_job_create args;	/* of a job that copies */
};

FIXTURE_SETUP(job)
{
	u32 i;

	self->fd = fxq_open(0);
	if (self->fd == -ENODEV)
		SKIP(return, "no fxq device");
	ASSERT_LE(0, self->fd);
	self->ctx = new_ctx(self->fd);
	self->copy = new_copy(self->fd, BYTES);
	self->nop = new_nop(self->fd);
	for (i = 0; i < 2; i++) {
		self->bos[i] = new_bo(self->fd, PAGE, 0);
		self->region[i].handle = self->bos[i];
		self->region[i].size = BYTES;
	}
	self->args = (struct drm_fxq_job_create){
		.ctx = self->ctx,
		.stream = self->copy,
		.regions = (uintptr_t)self->region,
		.region_count = 2,
		.region_stride = sizeof(self->region[0]),
	};
}

FIXTURE_TEARDOWN(job)
{
	close(self->fd);
}

static int create(int fd, const struct drm_fxq_job_create *from)
{
	struct drm_fxq_job_create args = *from;

	return call(fd, DRM_IOCTL_FXQ_JOB_CREATE, &args);
}

/* flags is zero, bit by bit; a refusal gives no number. */
TEST_F(job, flags)
{
	u32 bit;

	for (bit = 1; bit; bit <<= 1) {
		self->args.flags = bit;
		EXPECT_EQ(-EINVAL, call(self->fd, DRM_IOCTL_FXQ_JOB_CREATE,
					&self->args));
		EXPECT_EQ(0, self->args.job);
	}
	self->args.flags = 0;
	EXPECT_EQ(0, create(self->fd, &self->args));
}

/* No context or stream of this number in this file: -ENOENT. */
TEST_F(job, wrong_numbers)
{
	int other = new_file();
	u32 foreign[] = { 0, NO_NUMBER, ~0u };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(foreign); i++) {
		self->args.ctx = foreign[i];
		EXPECT_EQ(-ENOENT, create(self->fd, &self->args));
		self->args.ctx = self->ctx;
		self->args.stream = foreign[i];
		EXPECT_EQ(-ENOENT, create(self->fd, &self->args));
		self->args.stream = self->copy;
	}
	EXPECT_EQ(-ENOENT, create(other, &self->args));
	self->args.ctx = new_ctx(other);
	EXPECT_EQ(-ENOENT, create(other, &self->args));
	close(other);
}

/* Up to 16 regions. */
TEST_F(job, region_count)
{
	self->args.region_count = DRM_FXQ_MAX_REGIONS;
	EXPECT_EQ(0, create(self->fd, &self->args));
	self->args.region_count = DRM_FXQ_MAX_REGIONS + 1;
	EXPECT_EQ(-EINVAL, create(self->fd, &self->args));
	self->args.region_count = ~0u;
	EXPECT_EQ(-EINVAL, create(self->fd, &self->args));
	/* Too few: region 1 is not bound. */
	self->args.region_count = 1;
	EXPECT_EQ(-EINVAL, create(self->fd, &self->args));
	self->args.region_count = 0;
	EXPECT_EQ(-EINVAL, create(self->fd, &self->args));
	/* A stream that uses none needs neither regions nor a stride. */
	self->args.stream = self->nop;
	self->args.regions = BAD_POINTER;
	self->args.region_stride = 0;
	EXPECT_EQ(0, create(self->fd, &self->args));
}

/* region_stride: what the application knows more than the kernel is zero. */
TEST_F(job, region_stride)
{
	struct {
		struct drm_fxq_region known;
		u64 more;
	} region[2] = { { self->region[0], 0 }, { self->region[1], 0 } };

	self->args.region_stride = sizeof(self->region[0]) - 1;
	EXPECT_EQ(-EINVAL, create(self->fd, &self->args));
	self->args.region_stride = 0;
	EXPECT_EQ(-EINVAL, create(self->fd, &self->args));
	self->args.region_stride = PAGE + 1;
	EXPECT_EQ(-EINVAL, create(self->fd, &self->args));
	self->args.region_stride = ~0u;
	EXPECT_EQ(-EINVAL, create(self->fd, &self->args));

	self->args.regions = (uintptr_t)region;
	self->args.region_stride = sizeof(region[0]);
	EXPECT_EQ(0, create(self->fd, &self->args));
	region[1].more = 1ull << 56;
	EXPECT_EQ(-EINVAL, create(self->fd, &self->args));
}

/* Regions that lead nowhere, at the beginning or the end: -EFAULT. */
TEST_F(job, bad_pointer)
{
	u8 *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u8 *last = pages + PAGE - sizeof(self->region[0]);

	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, munmap(pages + PAGE, PAGE));
	self->args.regions = BAD_POINTER;
	EXPECT_EQ(-EFAULT, create(self->fd, &self->args));
	self->args.regions = 0;
	EXPECT_EQ(-EFAULT, create(self->fd, &self->args));
	memcpy(last, &self->region[0], sizeof(self->region[0]));
	self->args.regions = (uintptr_t)last;
	EXPECT_EQ(-EFAULT, create(self->fd, &self->args));
	EXPECT_EQ(-EFAULT, call(self->fd, DRM_IOCTL_FXQ_JOB_CREATE,
				(void *)(uintptr_t)BAD_POINTER));
}

/* Offsets and sizes are multiples of 64 and lie in the buffer. */
TEST_F(job, region_bounds)
{
	const struct { u64 offset, size; int ret; } bounds[] = {
		{ 0, BYTES, 0 }, { 64, BYTES, 0 }, { PAGE - BYTES, BYTES, 0 },
		{ 0, PAGE, 0 }, { 0, 0, -EINVAL }, { 1, BYTES, -EINVAL },
		{ 32, BYTES, -EINVAL }, { 0, BYTES + 32, -EINVAL },
		{ 0, BYTES - 64, -EINVAL }, { PAGE, BYTES, -EINVAL },
		{ PAGE - BYTES + 64, BYTES, -EINVAL },
		{ 0, PAGE + 64, -EINVAL }, { 64, PAGE, -EINVAL },
		{ 0, ~0ull - 63, -EINVAL }, { ~0ull - 63, BYTES, -EINVAL },
		{ 64, ~0ull - 63, -EINVAL }, { 1ull << 63, 1ull << 63, -EINVAL },
		{ ~0ull, ~0ull, -EINVAL },
	};
	size_t i, r;

	for (r = 0; r < 2; r++) {
		for (i = 0; i < ARRAY_SIZE(bounds); i++) {
			self->region[r].offset = bounds[i].offset;
			self->region[r].size = bounds[i].size;
			EXPECT_EQ(bounds[i].ret, create(self->fd, &self->args)) {
				TH_LOG("region %zu: offset %#llx, size %#llx",
				       r, (long long)bounds[i].offset,
				       (long long)bounds[i].size);
			}
		}
		self->region[r].offset = 0;
		self->region[r].size = BYTES;
	}
}

/* flags of a region are zero, bit by bit. */
TEST_F(job, region_flags)
{
	u32 bit;

	for (bit = 1; bit; bit <<= 1) {
		self->region[1].flags = bit;
		EXPECT_EQ(-EINVAL, create(self->fd, &self->args));
	}
	self->region[1].flags = 0;
	EXPECT_EQ(0, create(self->fd, &self->args));
}

/* Without a handle all else is zero; a used region needs one. */
TEST_F(job, region_unbound)
{
	self->args.region_count = 3;
	EXPECT_EQ(0, create(self->fd, &self->args));
	self->region[2].size = 64;
	EXPECT_EQ(-EINVAL, create(self->fd, &self->args));
	self->region[2].size = 0;
	self->region[2].offset = 64;
	EXPECT_EQ(-EINVAL, create(self->fd, &self->args));
	self->region[2].offset = 0;
	self->region[0] = self->region[2];
	EXPECT_EQ(-EINVAL, create(self->fd, &self->args));
}

/* No buffer of this handle in this file: -ENOENT. */
TEST_F(job, region_handle)
{
	int other = new_file();
	u32 foreign = 0, i;

	/* One that this file does not have. */
	for (i = 0; i < 8; i++)
		foreign = new_bo(other, PAGE, 0);
	self->region[0].handle = foreign;
	EXPECT_EQ(-ENOENT, create(self->fd, &self->args));
	self->region[0].handle = NO_NUMBER;
	EXPECT_EQ(-ENOENT, create(self->fd, &self->args));
	ASSERT_EQ(0, bo_close(self->fd, self->bos[0]));
	self->region[0].handle = self->bos[0];
	EXPECT_EQ(-ENOENT, create(self->fd, &self->args));
	close(other);
}

/* A stream that writes a DEVICE_READ_ONLY region is refused. */
TEST_F(job, region_read_only)
{
	u32 rom = new_bo(self->fd, PAGE, DRM_FXQ_BO_DEVICE_READ_ONLY);

	self->region[1].handle = rom;
	EXPECT_EQ(-EINVAL, create(self->fd, &self->args));
	self->region[1].handle = self->bos[1];
	self->region[0].handle = rom;
	EXPECT_EQ(0, create(self->fd, &self->args));
}

/* Regions may be of one buffer, and what is not used may be bound. */
TEST_F(job, one_buffer_for_all)
{
	u32 *map = new_map(self->fd, self->bos[0], PAGE), i;
	struct drm_fxq_job_create args = self->args;

	for (i = 0; i < DRM_FXQ_MAX_REGIONS; i++) {
		self->region[i].handle = self->bos[0];
		self->region[i].size = BYTES;
	}
	self->region[1].offset = PAGE - BYTES;
	args.region_count = DRM_FXQ_MAX_REGIONS;
	ASSERT_EQ(0, call(self->fd, DRM_IOCTL_FXQ_JOB_CREATE, &args));
	for (i = 0; i < BYTES / 4; i++)
		map[i] = 0x10000 + i;
	ASSERT_EQ(0, run(self->fd, self->ctx, args.job));
	EXPECT_EQ(0, memcmp(map, (u8 *)map + PAGE - BYTES, BYTES));
}

/* What a stream uses is exactly what a region must have. */
TEST_F(job, region_exact)
{
	struct fxq_desc desc = desc_load(0, PAGE - 64, 0, 64);
	u32 stream = new_stream(self->fd, &desc, 1), job;

	EXPECT_EQ(0, job_create(self->fd, self->ctx, stream, self->bos, PAGE,
				1, &job));
	EXPECT_EQ(-EINVAL, job_create(self->fd, self->ctx, stream, self->bos,
				      PAGE - 64, 1, &job));
}

/* A new job has not run. */
TEST_F(job, fresh)
{
	u32 job = new_job(self->fd, self->ctx, self->copy, self->bos, PAGE, 2);
	struct drm_fxq_job_query state = {
		.job = job, .status = 9, .runs = 9, .cycles = 9,
	};

	ASSERT_EQ(0, call(self->fd, DRM_IOCTL_FXQ_JOB_QUERY, &state));
	EXPECT_EQ(job, state.job);
	EXPECT_EQ(0, state.status);
	EXPECT_EQ(0, state.runs);
	EXPECT_EQ(0, state.cycles);
}

/* No job of this number in this file: -ENOENT. */
TEST_F(job, wrong_number)
{
	u32 job = new_job(self->fd, self->ctx, self->nop, NULL, 0, 0), i;
	const u32 numbers[] = { 0, NO_NUMBER, ~0u };
	struct drm_fxq_job_query state;
	int other = new_file();

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		EXPECT_EQ(-ENOENT, job_destroy(self->fd, numbers[i]));
		EXPECT_EQ(-ENOENT, job_state(self->fd, numbers[i], &state));
	}
	EXPECT_EQ(-ENOENT, job_destroy(other, job));
	EXPECT_EQ(-ENOENT, job_state(other, job, &state));
	EXPECT_EQ(0, job_state(self->fd, job, &state));
	EXPECT_EQ(0, job_destroy(self->fd, job));
	EXPECT_EQ(-ENOENT, job_destroy(self->fd, job));
	EXPECT_EQ(-ENOENT, job_state(self->fd, job, &state));
	close(other);
}

/* pad is zero, bit by bit. */
TEST_F(job, destroy_pad)
{
	u32 job = new_job(self->fd, self->ctx, self->nop, NULL, 0, 0), bit;

	for (bit = 1; bit; bit <<= 1) {
		struct drm_fxq_job_destroy args = { .job = job, .pad = bit };

		EXPECT_EQ(-EINVAL, call(self->fd, DRM_IOCTL_FXQ_JOB_DESTROY,
					&args));
	}
	EXPECT_EQ(0, job_destroy(self->fd, job));
}

/* A file has 4,096 jobs, then -ENOSPC; refusals take none of them. */
TEST_F(job, limit)
{
	u32 first = 0, job, i;

	self->args.flags = 1;
	for (i = 0; i < 8; i++)
		EXPECT_EQ(-EINVAL, create(self->fd, &self->args));
	self->args.flags = 0;
	self->region[1].size = 0;
	for (i = 0; i < 8; i++)
		EXPECT_EQ(-EINVAL, create(self->fd, &self->args));
	for (i = 0; i < 4096; i++) {
		ASSERT_EQ(0, job_create(self->fd, self->ctx, self->nop, NULL, 0,
					0, &job));
		if (!i)
			first = job;
	}
	EXPECT_EQ(-ENOSPC, job_create(self->fd, self->ctx, self->nop, NULL, 0,
				      0, &job));
	EXPECT_EQ(0, run(self->fd, self->ctx, first));
	EXPECT_EQ(0, job_destroy(self->fd, first));
	EXPECT_EQ(0, job_create(self->fd, self->ctx, self->nop, NULL, 0, 0,
				&job));
	EXPECT_EQ(-ENOSPC, job_create(self->fd, self->ctx, self->nop, NULL, 0,
				      0, &job));
}

/* A banned context takes no more jobs: -ECANCELED. */
TEST_F(job, banned_context)
{
	u32 job = new_job(self->fd, self->ctx, new_faulty(self->fd), NULL, 0, 0);

	EXPECT_EQ(-EIO, run(self->fd, self->ctx, job));
	EXPECT_EQ(-ECANCELED, create(self->fd, &self->args));
	self->args.ctx = new_ctx(self->fd);
	EXPECT_EQ(0, create(self->fd, &self->args));
}

/* What a short structure lacks is zero; what a long one adds is left alone. */
TEST_F(job, structure_sizes)
{
	struct {
		struct drm_fxq_job_create known;
		u64 more[2];
	} args = { .known = self->args, .more = { [1] = 0x66 } };
	struct {
		struct drm_fxq_job_query known;
		u64 more;
	} state = { .known.runs = 0x66, .more = 0x66 };

	/* Without region_count: two regions are missing. */
	EXPECT_EQ(-EINVAL, call_sized(self->fd, DRM_IOCTL_FXQ_JOB_CREATE, &args,
				      16));
	/* Without flags and job. */
	args.known.flags = ~0u;
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_JOB_CREATE, &args, 24));
	EXPECT_EQ(0, args.known.job);
	args.known.flags = 0;
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_JOB_CREATE, &args,
				sizeof(args)));
	EXPECT_NE(0, args.known.job);
	EXPECT_EQ(0x66, args.more[1]);

	state.known.job = args.known.job;
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_JOB_QUERY, &state, 8));
	EXPECT_EQ(0x66, state.known.runs);
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_JOB_QUERY, &state,
				sizeof(state)));
	EXPECT_EQ(0, state.known.runs);
	EXPECT_EQ(0x66, state.more);
	EXPECT_EQ(-EFAULT, call(self->fd, DRM_IOCTL_FXQ_JOB_QUERY,
				(void *)(uintptr_t)BAD_POINTER));
	EXPECT_EQ(-EFAULT, call(self->fd, DRM_IOCTL_FXQ_JOB_DESTROY,
				(void *)(uintptr_t)BAD_POINTER));
}

TEST_HARNESS_MAIN
