// SPDX-License-Identifier: GPL-2.0
/*
 * bo.c - BO_CREATE and BO_MMAP_OFFSET: memory that the device can reach
 */
#include <sys/sysinfo.h>

#include "fxq_util.h"
#include "kselftest_harness.h"

#define BO_MAX_BYTES	(1ull << 38)	/* with the driver's default va_bits */
#define ALL_FLAGS	(DRM_FXQ_BO_NO_MMAP | DRM_FXQ_BO_DEVICE_READ_ONLY | \
			 DRM_FXQ_BO_SHAREABLE)

FIXTURE(bo)
{
	int fd;
};

FIXTURE_SETUP(bo)
{
	self->fd = fxq_open(0);
	if (self->fd == -ENODEV)
		SKIP(return, "no fxq device");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(bo)
{
	close(self->fd);
}

static int bo_create(int fd, u64 size, u32 flags)
{
	struct drm_fxq_bo_create args = { .size = size, .flags = flags };

	return call(fd, DRM_IOCTL_FXQ_BO_CREATE, &args);
}

static int mmap_offset(int fd, u32 handle, u64 *offset)
{
	struct drm_fxq_bo_mmap_offset args = { .handle = handle };
	int ret = call(fd, DRM_IOCTL_FXQ_BO_MMAP_OFFSET, &args);

	*offset = args.offset;
	return ret;
}

/* size is rounded up to pages and given back. */
TEST_F(bo, size)
{
	const struct { u64 asked, given; } sizes[] = {
		{ 1, PAGE }, { PAGE - 1, PAGE }, { PAGE, PAGE },
		{ PAGE + 1, 2 * PAGE }, { 3 << 20, 3 << 20 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct drm_fxq_bo_create args = { .size = sizes[i].asked };

		ASSERT_EQ(0, call(self->fd, DRM_IOCTL_FXQ_BO_CREATE, &args));
		EXPECT_EQ(sizes[i].given, args.size);
		EXPECT_NE(0, args.handle);
		EXPECT_EQ(0, bo_close(self->fd, args.handle));
	}
}

/* 0, and what would wrap or exceed the address space, is -EINVAL. */
TEST_F(bo, wrong_size)
{
	const u64 sizes[] = {
		0, 1ull << 39, 1ull << 48, 1ull << 63, ~0ull, ~0ull - PAGE + 2,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		EXPECT_EQ(-EINVAL, bo_create(self->fd, sizes[i], 0));
}

/* Each flag that is not defined is -EINVAL, alone and beside others. */
TEST_F(bo, flags)
{
	u32 bit, handle;

	for (bit = 1; bit; bit <<= 1) {
		if (bit & ALL_FLAGS) {
			EXPECT_EQ(0, bo_create(self->fd, PAGE, bit));
			continue;
		}
		EXPECT_EQ(-EINVAL, bo_create(self->fd, PAGE, bit));
		EXPECT_EQ(-EINVAL, bo_create(self->fd, PAGE, bit | ALL_FLAGS));
	}
	handle = new_bo(self->fd, PAGE, ALL_FLAGS);
	EXPECT_EQ(0, bo_close(self->fd, handle));
}

/* handle is only given, never read; a refusal makes none. */
TEST_F(bo, refusal_makes_nothing)
{
	u32 before = new_bo(self->fd, PAGE, 0), after, i;

	for (i = 0; i < 8; i++)
		EXPECT_EQ(-EINVAL, bo_create(self->fd, 0, 0));
	after = new_bo(self->fd, PAGE, 0);
	EXPECT_EQ(before + 1, after);
}

/* Memory is zero, also where another buffer was before. */
TEST_F(bo, filled_with_zeros)
{
	const u64 size = 1 << 20;
	u32 handle;
	u64 *map;
	size_t i, pass;

	for (pass = 0; pass < 4; pass++) {
		handle = new_bo(self->fd, size, 0);
		map = new_map(self->fd, handle, size);
		for (i = 0; i < size / sizeof(*map); i++)
			ASSERT_EQ(0, map[i]);
		memset(map, 0x5a, size);
		ASSERT_EQ(0, munmap(map, size));
		ASSERT_EQ(0, bo_close(self->fd, handle));
	}
}

/* What a short structure lacks is zero; what a long one adds is left alone. */
TEST_F(bo, structure_sizes)
{
	struct {
		struct drm_fxq_bo_create known;
		u64 more[4];
	} args = { .known.size = PAGE, .more = { [3] = 0x77 } };

	/* Half of size, and the other half is not seen. */
	args.known.size = ~0ull << 32;
	EXPECT_EQ(-EINVAL, call_sized(self->fd, DRM_IOCTL_FXQ_BO_CREATE, &args,
				      4));
	args.known.size = PAGE;
	args.known.flags = ~0u;
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_BO_CREATE, &args, 8));
	args.known.flags = 0;
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_BO_CREATE, &args,
				sizeof(args)));
	EXPECT_NE(0, args.known.handle);
	EXPECT_EQ(0x77, args.more[3]);
	EXPECT_EQ(-EFAULT, call(self->fd, DRM_IOCTL_FXQ_BO_CREATE,
				(void *)(uintptr_t)BAD_POINTER));
}

/* What one mapping writes another reads. */
TEST_F(bo, maps_share)
{
	u32 handle = new_bo(self->fd, 2 * PAGE, 0);
	u32 *a = new_map(self->fd, handle, 2 * PAGE);
	u32 *b = new_map(self->fd, handle, 2 * PAGE);

	a[PAGE / 4 + 3] = 0xfeed;
	EXPECT_EQ(0xfeed, b[PAGE / 4 + 3]);
}

/* A mapping outlives the handle and the file. */
TEST_F(bo, map_outlives_file)
{
	int fd = new_file();
	u32 handle = new_bo(fd, PAGE, 0);
	u32 *map = new_map(fd, handle, PAGE);

	map[7] = 7;
	EXPECT_EQ(0, bo_close(fd, handle));
	EXPECT_EQ(7, map[7]);
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(7, map[7]);
	map[8] = 8;
	EXPECT_EQ(8, map[8]);
	EXPECT_EQ(0, munmap(map, PAGE));
}

/* No handle, a handle of another file, one that was closed: -ENOENT. */
TEST_F(bo, wrong_handle)
{
	int other = new_file();
	u32 handle = new_bo(self->fd, PAGE, 0);
	u64 offset;

	EXPECT_EQ(-ENOENT, mmap_offset(self->fd, 0, &offset));
	EXPECT_EQ(-ENOENT, mmap_offset(self->fd, NO_NUMBER, &offset));
	EXPECT_EQ(-ENOENT, mmap_offset(self->fd, ~0u, &offset));
	EXPECT_EQ(-ENOENT, mmap_offset(other, handle, &offset));
	EXPECT_EQ(0, mmap_offset(self->fd, handle, &offset));
	EXPECT_EQ(0, bo_close(self->fd, handle));
	EXPECT_EQ(-ENOENT, mmap_offset(self->fd, handle, &offset));
	EXPECT_EQ(-EINVAL, bo_close(self->fd, handle));
	close(other);
}

/* pad is zero, bit by bit. */
TEST_F(bo, mmap_pad)
{
	u32 handle = new_bo(self->fd, PAGE, 0), bit;

	for (bit = 1; bit; bit <<= 1) {
		struct drm_fxq_bo_mmap_offset args = {
			.handle = handle, .pad = bit,
		};

		EXPECT_EQ(-EINVAL, call(self->fd, DRM_IOCTL_FXQ_BO_MMAP_OFFSET,
					&args));
		EXPECT_EQ(0, args.offset);
	}
}

/* NO_MMAP: the CPU cannot map it, not even by guessing where it is. */
TEST_F(bo, no_mmap)
{
	u32 plain = new_bo(self->fd, PAGE, 0);
	u32 secret = new_bo(self->fd, PAGE, DRM_FXQ_BO_NO_MMAP);
	u64 offset, guess;

	EXPECT_EQ(-EINVAL, mmap_offset(self->fd, secret, &offset));
	ASSERT_EQ(0, mmap_offset(self->fd, plain, &offset));
	for (guess = 1; guess <= 16; guess++)
		EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED,
					   self->fd, offset + guess * PAGE));
}

/* An offset is of the file that asked for it and of its length. */
TEST_F(bo, mmap_elsewhere)
{
	int other = new_file();
	u32 handle = new_bo(self->fd, 2 * PAGE, 0);
	u64 offset;

	ASSERT_EQ(0, mmap_offset(self->fd, handle, &offset));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, other,
				   offset));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED,
				   self->fd, offset));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED,
				   self->fd, offset + PAGE));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE, self->fd, offset));
	close(other);
}

/* The structure may end before offset, which is then not told. */
TEST_F(bo, mmap_structure_sizes)
{
	struct {
		struct drm_fxq_bo_mmap_offset known;
		u64 more;
	} args = { .known.offset = 0x1111, .more = 0x2222 };

	args.known.handle = new_bo(self->fd, PAGE, 0);
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_BO_MMAP_OFFSET, &args,
				8));
	EXPECT_EQ(0x1111, args.known.offset);
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_BO_MMAP_OFFSET, &args,
				sizeof(args)));
	EXPECT_NE(0x1111, args.known.offset);
	EXPECT_EQ(0x2222, args.more);
	EXPECT_EQ(-EFAULT, call(self->fd, DRM_IOCTL_FXQ_BO_MMAP_OFFSET,
				(void *)(uintptr_t)BAD_POINTER));
}

/* Only SHAREABLE may be exported. */
TEST_F(bo, export_needs_shareable)
{
	const u32 refused[] = {
		0, DRM_FXQ_BO_NO_MMAP, DRM_FXQ_BO_DEVICE_READ_ONLY,
	};
	int dma_buf;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused); i++)
		EXPECT_EQ(-EPERM, bo_export(self->fd,
					    new_bo(self->fd, PAGE, refused[i]),
					    &dma_buf));
	ASSERT_EQ(0, bo_export(self->fd,
			       new_bo(self->fd, PAGE, DRM_FXQ_BO_SHAREABLE),
			       &dma_buf));
	close(dma_buf);
}

/* NO_MMAP holds for the dma-buf as well. */
TEST_F(bo, export_no_mmap)
{
	u32 handle = new_bo(self->fd, PAGE,
			    DRM_FXQ_BO_NO_MMAP | DRM_FXQ_BO_SHAREABLE);
	int dma_buf;

	ASSERT_EQ(0, bo_export(self->fd, handle, &dma_buf));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dma_buf,
				   0));
	close(dma_buf);
}

/* A buffer costs its pages when these are needed, not before. */
TEST_F(bo, huge)
{
	u32 handle = new_bo(self->fd, 64ull << 30, 0);
	u64 offset;

	EXPECT_EQ(0, mmap_offset(self->fd, handle, &offset));
	EXPECT_EQ(0, bo_close(self->fd, handle));
}

/* More pages than the machine has: -ENOMEM, and nobody is pushed out before. */
TEST_F(bo, more_than_there_is)
{
	struct sysinfo info;
	u64 size, offset;
	u32 bos[2], job;

	ASSERT_EQ(0, sysinfo(&info));
	size = (u64)info.totalram * info.mem_unit + PAGE;
	if (size > BO_MAX_BYTES)
		SKIP(return, "no buffer may be larger than this memory");
	bos[0] = bos[1] = new_bo(self->fd, size, 0);
	ASSERT_EQ(0, mmap_offset(self->fd, bos[0], &offset));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size, PROT_READ, MAP_SHARED, self->fd,
				   offset));
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_EQ(-ENOMEM, job_create(self->fd, new_ctx(self->fd),
				      new_copy(self->fd, PAGE), bos, PAGE, 2,
				      &job));
}

TEST_HARNESS_MAIN
