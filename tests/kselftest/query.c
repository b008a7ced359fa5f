// SPDX-License-Identifier: GPL-2.0
/*
 * query.c - DEV_QUERY: what does not change while a device is there
 */
#include "fxq_util.h"
#include "kselftest_harness.h"

FIXTURE(query)
{
	int fd;
	struct drm_fxq_device_info info;
};

FIXTURE_SETUP(query)
{
	struct drm_fxq_dev_query args = {
		.type = DRM_FXQ_QUERY_DEVICE,
		.size = sizeof(self->info),
		.pointer = (uintptr_t)&self->info,
	};

	self->fd = fxq_open(0);
	if (self->fd == -ENODEV)
		SKIP(return, "no fxq device");
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, call(self->fd, DRM_IOCTL_FXQ_DEV_QUERY, &args));
	ASSERT_EQ(sizeof(self->info), args.size);
}

FIXTURE_TEARDOWN(query)
{
	close(self->fd);
}

/* Limits are those that the header and the machine's page promise. */
TEST_F(query, facts)
{
	u8 none[sizeof(self->info.contract)] = { 0 };

	EXPECT_LE(64u << 10, self->info.spm_bytes);
	EXPECT_LE(4096, self->info.acc_bytes);
	EXPECT_LE(1024, self->info.max_descriptors);
	EXPECT_NE(0, self->info.clock_khz);
	EXPECT_NE(0, self->info.macs);
	EXPECT_LE(32, self->info.va_bits);
	EXPECT_EQ(256, self->info.max_inflight);
	EXPECT_EQ(16, self->info.max_contexts);
	EXPECT_EQ(4096, self->info.max_jobs);
	EXPECT_EQ(1024, self->info.max_streams);
	EXPECT_NE(0, self->info.job_timeout_ms);
	EXPECT_LE(self->info.job_timeout_ms, self->info.job_limit_ms);
	EXPECT_EQ(0, self->info.features & ~DRM_FXQ_FEATURE_URING);
	EXPECT_NE(0, memcmp(none, self->info.contract, sizeof(none)));
}

/* pointer 0: only size is returned, whatever size was. */
TEST_F(query, size_alone)
{
	const u32 sizes[] = { 0, 1, sizeof(self->info), PAGE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct drm_fxq_dev_query args = {
			.type = DRM_FXQ_QUERY_DEVICE, .size = sizes[i],
		};

		EXPECT_EQ(0, call(self->fd, DRM_IOCTL_FXQ_DEV_QUERY, &args));
		EXPECT_EQ(sizeof(self->info), args.size);
	}
}

/* A shorter room gets the beginning and not a byte more. */
TEST_F(query, shorter_room)
{
	u8 room[sizeof(self->info)];
	size_t size, i;

	for (size = 0; size < sizeof(room); size++) {
		struct drm_fxq_dev_query args = {
			.type = DRM_FXQ_QUERY_DEVICE,
			.size = size,
			.pointer = (uintptr_t)room,
		};

		memset(room, 0xaa, sizeof(room));
		ASSERT_EQ(0, call(self->fd, DRM_IOCTL_FXQ_DEV_QUERY, &args));
		ASSERT_EQ(sizeof(room), args.size);
		ASSERT_EQ(0, memcmp(room, &self->info, size));
		for (i = size; i < sizeof(room); i++)
			ASSERT_EQ(0xaa, room[i]);
	}
}

/* A longer room gets zeros behind the end, up to its own. */
TEST_F(query, longer_room)
{
	u8 room[sizeof(self->info) + 64];
	struct drm_fxq_dev_query args = {
		.type = DRM_FXQ_QUERY_DEVICE,
		.size = sizeof(room) - 1,
		.pointer = (uintptr_t)room,
	};
	size_t i;

	memset(room, 0xaa, sizeof(room));
	ASSERT_EQ(0, call(self->fd, DRM_IOCTL_FXQ_DEV_QUERY, &args));
	EXPECT_EQ(sizeof(self->info), args.size);
	EXPECT_EQ(0, memcmp(room, &self->info, sizeof(self->info)));
	for (i = sizeof(self->info); i < sizeof(room) - 1; i++)
		EXPECT_EQ(0, room[i]);
	EXPECT_EQ(0xaa, room[sizeof(room) - 1]);
}

/* Every type but those of enum drm_fxq_query is -EINVAL. */
TEST_F(query, unknown_type)
{
	const u32 types[] = { 0, 2, 3, 0x80000001, ~0u };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct drm_fxq_dev_query args = { .type = types[i] };

		EXPECT_EQ(-EINVAL, call(self->fd, DRM_IOCTL_FXQ_DEV_QUERY,
					&args));
	}
}

/* Nobody makes the kernel clear more than a page. */
TEST_F(query, room_limit)
{
	static u8 room[2 * PAGE];
	struct drm_fxq_dev_query args = {
		.type = DRM_FXQ_QUERY_DEVICE,
		.size = PAGE,
		.pointer = (uintptr_t)room,
	};

	EXPECT_EQ(0, call(self->fd, DRM_IOCTL_FXQ_DEV_QUERY, &args));
	args.size = PAGE + 1;
	EXPECT_EQ(-EINVAL, call(self->fd, DRM_IOCTL_FXQ_DEV_QUERY, &args));
	args.size = ~0u;
	EXPECT_EQ(-EINVAL, call(self->fd, DRM_IOCTL_FXQ_DEV_QUERY, &args));
}

/* A pointer that leads nowhere is -EFAULT, at its beginning or its end. */
TEST_F(query, bad_pointer)
{
	struct drm_fxq_dev_query args = {
		.type = DRM_FXQ_QUERY_DEVICE,
		.size = sizeof(self->info),
		.pointer = BAD_POINTER,
	};
	u8 *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, munmap(pages + PAGE, PAGE));
	EXPECT_EQ(-EFAULT, call(self->fd, DRM_IOCTL_FXQ_DEV_QUERY, &args));
	args.pointer = 0xffff888000000000ull;
	EXPECT_EQ(-EFAULT, call(self->fd, DRM_IOCTL_FXQ_DEV_QUERY, &args));
	args.pointer = (uintptr_t)pages + PAGE - 8;
	EXPECT_EQ(-EFAULT, call(self->fd, DRM_IOCTL_FXQ_DEV_QUERY, &args));
	EXPECT_EQ(-EFAULT, call(self->fd, DRM_IOCTL_FXQ_DEV_QUERY,
				(void *)(uintptr_t)BAD_POINTER));
}

/* A structure that ends early is one whose last fields are zero. */
TEST_F(query, short_structure)
{
	struct drm_fxq_dev_query args = {
		.type = DRM_FXQ_QUERY_DEVICE,
		.size = sizeof(self->info),
		.pointer = BAD_POINTER,
	};

	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_DEV_QUERY, &args, 8));
	EXPECT_EQ(sizeof(self->info), args.size);
	args.size = 0x5555;
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_DEV_QUERY, &args, 4));
	EXPECT_EQ(0x5555, args.size);
}

/* A structure that has grown is taken for what this kernel knows of it. */
TEST_F(query, extended_structure)
{
	struct {
		struct drm_fxq_dev_query known;
		u64 more[2];
	} args = {
		.known.type = DRM_FXQ_QUERY_DEVICE,
		.more = { 0, 0x1234 },
	};

	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_DEV_QUERY, &args,
				sizeof(args)));
	EXPECT_EQ(sizeof(self->info), args.known.size);
	EXPECT_EQ(0, args.more[0]);
	EXPECT_EQ(0x1234, args.more[1]);
}

/* There is no ioctl behind the last, -EINVAL as the core says it. */
TEST_F(query, unknown_ioctl)
{
	u32 args[32] = { 0 };
	u32 nr;

	for (nr = DRM_FXQ_SUBMIT + 1; nr < 0x60; nr++)
		EXPECT_EQ(-EINVAL, call(self->fd,
					DRM_IOWR(DRM_COMMAND_BASE + nr, args),
					args));
}

/* Any number of files see the same device. */
TEST_F(query, many_files)
{
	int fd[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fd); i++) {
		struct drm_fxq_device_info info;

		fd[i] = fxq_open(0);
		ASSERT_LE(0, fd[i]);
		info = device_info(fd[i]);
		EXPECT_EQ(0, memcmp(&info, &self->info, sizeof(info)));
	}
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
}

TEST_HARNESS_MAIN
