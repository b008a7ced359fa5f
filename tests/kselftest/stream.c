// SPDX-License-Identifier: GPL-2.0
/*
 * stream.c - STREAM_CREATE and STREAM_DESTROY: descriptors, copied and checked
 */
#include <stddef.h>

#include "fxq_util.h"
#include "kselftest_harness.h"

#define BYTES	1024u

FIXTURE(stream)
{
	int fd;
	struct fxq_desc desc[2];	/* copies region 0 to region 1 */
};

FIXTURE_SETUP(stream)
{
	self->fd = fxq_open(0);
	if (self->fd == -ENODEV)
		SKIP(return, "no fxq device");
	ASSERT_LE(0, self->fd);
	self->desc[0] = desc_load(0, 64, 0, BYTES);
	self->desc[1] = desc_after(desc_store(1, 128, 0, BYTES),
				   FXQ_ENGINE_LD, 1);
}

FIXTURE_TEARDOWN(stream)
{
	close(self->fd);
}

static int create(int fd, struct drm_fxq_stream_create *args)
{
	return call(fd, DRM_IOCTL_FXQ_STREAM_CREATE, args);
}

static int destroy(int fd, u32 stream)
{
	struct drm_fxq_stream_destroy args = { .stream = stream };

	return call(fd, DRM_IOCTL_FXQ_STREAM_DESTROY, &args);
}

/* The summary is what the checker found: what each region is used for. */
TEST_F(stream, summary)
{
	struct drm_fxq_stream_summary sum;
	struct drm_fxq_stream_create args = {
		.descs = (uintptr_t)self->desc,
		.count = 2,
		.summary = (uintptr_t)&sum,
		.summary_size = sizeof(sum),
	};
	struct drm_fxq_region_use none = { 0 };
	u32 i;

	memset(&sum, 0xaa, sizeof(sum));
	ASSERT_EQ(0, create(self->fd, &args));
	EXPECT_NE(0, args.stream);
	EXPECT_EQ(0, args.cause);
	EXPECT_EQ(0, args.index);
	EXPECT_EQ(64, sum.region[0].read_lo);
	EXPECT_EQ(64 + BYTES, sum.region[0].read_hi);
	EXPECT_EQ(0, sum.region[0].write_hi);
	EXPECT_EQ(128, sum.region[1].write_lo);
	EXPECT_EQ(128 + BYTES, sum.region[1].write_hi);
	EXPECT_EQ(0, sum.region[1].read_hi);
	for (i = 2; i < DRM_FXQ_MAX_REGIONS; i++)
		EXPECT_EQ(0, memcmp(&none, &sum.region[i], sizeof(none)));
	EXPECT_EQ(0, sum.macs);
	EXPECT_EQ(2 * BYTES, sum.bytes);
}

/* macs counts multiply-accumulates. */
TEST_F(stream, summary_macs)
{
	struct fxq_desc conv[2] = { desc_conv(), desc_conv() };
	struct drm_fxq_stream_summary sum;
	struct drm_fxq_stream_create args = {
		.descs = (uintptr_t)conv,
		.count = 2,
		.summary = (uintptr_t)&sum,
		.summary_size = sizeof(sum),
	};

	ASSERT_EQ(0, create(self->fd, &args));
	EXPECT_EQ(2ull * 48 * 48 * 9 * 128 * 128, sum.macs);
}

/* Room at summary: a shorter one gets the beginning, a longer one zeros. */
TEST_F(stream, summary_sizes)
{
	u8 room[sizeof(struct drm_fxq_stream_summary) + 64];
	struct drm_fxq_stream_summary sum;
	struct drm_fxq_stream_create args = {
		.descs = (uintptr_t)self->desc,
		.count = 2,
		.summary = (uintptr_t)&sum,
		.summary_size = sizeof(sum),
	};
	size_t size, i;

	ASSERT_EQ(0, create(self->fd, &args));
	args.summary = (uintptr_t)room;
	for (size = 0; size < sizeof(room); size += 8) {
		memset(room, 0xaa, sizeof(room));
		args.summary_size = size;
		ASSERT_EQ(0, create(self->fd, &args));
		if (size <= sizeof(sum))
			ASSERT_EQ(0, memcmp(room, &sum, size));
		for (i = sizeof(sum); i < size; i++)
			ASSERT_EQ(0, room[i]);
		for (i = size; i < sizeof(room); i++)
			ASSERT_EQ(0xaa, room[i]);
	}
}

/* summary 0 asks for none; a size without a pointer is -EINVAL. */
TEST_F(stream, summary_arguments)
{
	static u8 room[2 * PAGE];
	struct drm_fxq_stream_create args = {
		.descs = (uintptr_t)self->desc, .count = 2,
	};

	EXPECT_EQ(0, create(self->fd, &args));
	args.summary_size = 8;
	EXPECT_EQ(-EINVAL, create(self->fd, &args));
	args.summary = (uintptr_t)room;
	args.summary_size = PAGE + 1;
	EXPECT_EQ(-EINVAL, create(self->fd, &args));
	args.summary_size = 8;
	args.summary = BAD_POINTER;
	EXPECT_EQ(-EFAULT, create(self->fd, &args));
}

/* flags is zero, bit by bit. */
TEST_F(stream, flags)
{
	u32 bit;

	for (bit = 1; bit; bit <<= 1) {
		struct drm_fxq_stream_create args = {
			.descs = (uintptr_t)self->desc,
			.count = 2,
			.flags = bit,
		};

		EXPECT_EQ(-EINVAL, create(self->fd, &args));
		EXPECT_EQ(0, args.stream);
		EXPECT_EQ(0, args.cause);
	}
}

/* count is from 1 to max_descriptors. */
TEST_F(stream, count)
{
	struct drm_fxq_device_info info;
	struct drm_fxq_dev_query query = {
		.type = DRM_FXQ_QUERY_DEVICE,
		.size = sizeof(info),
		.pointer = (uintptr_t)&info,
	};
	struct drm_fxq_stream_create args = {
		.descs = (uintptr_t)self->desc, .cause = 99, .index = 99,
	};

	ASSERT_EQ(0, call(self->fd, DRM_IOCTL_FXQ_DEV_QUERY, &query));
	EXPECT_EQ(-EINVAL, create(self->fd, &args));
	EXPECT_EQ(0, args.cause);
	EXPECT_EQ(0, args.index);
	args.count = info.max_descriptors + 1;
	EXPECT_EQ(-EINVAL, create(self->fd, &args));
	args.count = ~0u;
	EXPECT_EQ(-EINVAL, create(self->fd, &args));
	EXPECT_EQ(0, args.cause);
}

/* descs that lead nowhere, at the beginning or the end: -EFAULT. */
TEST_F(stream, bad_pointer)
{
	struct drm_fxq_stream_create args = { .descs = BAD_POINTER, .count = 1 };
	u8 *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, munmap(pages + PAGE, PAGE));
	EXPECT_EQ(-EFAULT, create(self->fd, &args));
	args.descs = 0;
	EXPECT_EQ(-EFAULT, create(self->fd, &args));
	args.descs = ~0ull - 127;
	EXPECT_EQ(-EFAULT, create(self->fd, &args));
	memcpy(pages + PAGE - sizeof(self->desc[0]), self->desc,
	       sizeof(self->desc[0]));
	args.descs = (uintptr_t)pages + PAGE - sizeof(self->desc[0]);
	EXPECT_EQ(0, create(self->fd, &args));
	args.count = 2;
	EXPECT_EQ(-EFAULT, create(self->fd, &args));
	EXPECT_EQ(-EFAULT, call(self->fd, DRM_IOCTL_FXQ_STREAM_CREATE,
				(void *)(uintptr_t)BAD_POINTER));
}

/* Descriptors lie anywhere: they are copied. */
TEST_F(stream, unaligned)
{
	u8 room[sizeof(self->desc) + 8];
	u32 i, stream;

	for (i = 0; i < 8; i++) {
		memcpy(room + i, self->desc, sizeof(self->desc));
		EXPECT_EQ(0, stream_create(self->fd, (void *)(room + i), 2,
					   &stream));
	}
}

/* What is wrong with the second descriptor, and how the kernel names it. */
static const struct {
	const char *what;
	u32 offset, bytes;
	u64 value;
	u32 cause;
} wrong[] = {
#define FIELD(field, value, cause)					\
	{ #field, offsetof(struct fxq_desc, field),			\
	  sizeof(((struct fxq_desc *)0)->field), value, FXQ_CAUSE_##cause }
	FIELD(opcode, 0, OPCODE),
	FIELD(opcode, FXQ_OP_COUNT, OPCODE),
	FIELD(opcode, 255, OPCODE),
	FIELD(engine, FXQ_ENGINE_LD, ENGINE),
	FIELD(engine, 255, ENGINE),
	FIELD(flags, 1, FLAGS),
	FIELD(flags, 0x8000, FLAGS),
	FIELD(wait[0], 2, WAIT),
	FIELD(wait[0], ~0u, WAIT),
	FIELD(wait[1], 1, WAIT_SELF),
	FIELD(wait[2], 1, WAIT),
	FIELD(dma.offset, ~0ull, REGION_BOUNDS),
	FIELD(dma.offset, 1ull << 63, REGION_BOUNDS),
	FIELD(dma.n[0], 0, ZERO),
	FIELD(dma.n[3], 0, ZERO),
	FIELD(dma.n[1], ~0u, WORK),
	FIELD(dma.mem_stride[0], 0x80000000, REGION_BOUNDS),
	FIELD(dma.fill, 1, RESERVED),
	FIELD(dma.region, DRM_FXQ_MAX_REGIONS, VALUE),
	FIELD(dma.region, 255, VALUE),
	FIELD(dma.elem, 0, VALUE),
	FIELD(dma.elem, 3, VALUE),
	FIELD(dma.elem, 8, VALUE),
	FIELD(dma.reserved[0], 1, RESERVED),
	FIELD(dma.reserved[33], 0x80, RESERVED),
#undef FIELD
};

/* -EINVAL, cause and index tell what is wrong with which descriptor. */
TEST_F(stream, wrong_descriptor)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct fxq_desc desc[] = {
			self->desc[0], self->desc[1], self->desc[1],
		};
		struct drm_fxq_stream_create args = {
			.descs = (uintptr_t)desc, .count = 3, .stream = 77,
		};

		memcpy((u8 *)&desc[1] + wrong[i].offset, &wrong[i].value,
		       wrong[i].bytes);
		EXPECT_EQ(-EINVAL, create(self->fd, &args));
		EXPECT_EQ(wrong[i].cause, args.cause) {
			TH_LOG("%s = %#llx", wrong[i].what,
			       (unsigned long long)wrong[i].value);
		}
		EXPECT_EQ(1, args.index);
	}
}

/* What is wrong among descriptors is found as well: a chain without a begin. */
TEST_F(stream, broken_chain)
{
	struct fxq_desc conv = desc_conv();
	struct drm_fxq_stream_create args = {
		.descs = (uintptr_t)&conv, .count = 1,
	};

	conv.flags = FXQ_F_ACC_LAST;
	EXPECT_EQ(-EINVAL, create(self->fd, &args));
	EXPECT_EQ(FXQ_CAUSE_CHAIN, args.cause);
}

/* Copied once: what happens to the user's memory later does not matter. */
TEST_F(stream, immutable)
{
	u32 bos[] = { new_bo(self->fd, PAGE, 0), new_bo(self->fd, PAGE, 0) };
	u8 *in = new_map(self->fd, bos[0], PAGE);
	u8 *out = new_map(self->fd, bos[1], PAGE);
	u32 ctx = new_ctx(self->fd), stream, job;

	memset(in, 0x3c, PAGE);
	stream = new_stream(self->fd, self->desc, 2);
	memset(self->desc, 0xff, sizeof(self->desc));
	job = new_job(self->fd, ctx, stream, bos, PAGE, 2);
	EXPECT_EQ(0, run(self->fd, ctx, job));
	EXPECT_EQ(0, out[127]);
	EXPECT_EQ(0x3c, out[128]);
	EXPECT_EQ(0x3c, out[128 + BYTES - 1]);
	EXPECT_EQ(0, out[128 + BYTES]);
}

/* No stream of this number in this file: -ENOENT; pad is zero. */
TEST_F(stream, wrong_number)
{
	u32 stream = new_stream(self->fd, self->desc, 2), bit;
	int other = new_file();

	EXPECT_EQ(-ENOENT, destroy(self->fd, 0));
	EXPECT_EQ(-ENOENT, destroy(self->fd, NO_NUMBER));
	EXPECT_EQ(-ENOENT, destroy(self->fd, ~0u));
	EXPECT_EQ(-ENOENT, destroy(other, stream));
	for (bit = 1; bit; bit <<= 1) {
		struct drm_fxq_stream_destroy args = {
			.stream = stream, .pad = bit,
		};

		EXPECT_EQ(-EINVAL, call(self->fd,
					DRM_IOCTL_FXQ_STREAM_DESTROY, &args));
	}
	EXPECT_EQ(0, destroy(self->fd, stream));
	EXPECT_EQ(-ENOENT, destroy(self->fd, stream));
	EXPECT_EQ(-EFAULT, call(self->fd, DRM_IOCTL_FXQ_STREAM_DESTROY,
				(void *)(uintptr_t)BAD_POINTER));
	close(other);
}

/* Jobs made of a stream are not disturbed when its number goes. */
TEST_F(stream, destroyed_under_job)
{
	u32 ctx = new_ctx(self->fd), stream = new_nop(self->fd);
	u32 job = new_job(self->fd, ctx, stream, NULL, 0, 0), more;

	EXPECT_EQ(0, destroy(self->fd, stream));
	EXPECT_EQ(0, run(self->fd, ctx, job));
	EXPECT_EQ(-ENOENT, job_create(self->fd, ctx, stream, NULL, 0, 0,
				      &more));
}

/* A file has 1,024 streams, then -ENOSPC; refusals take none of them. */
TEST_F(stream, limit)
{
	struct fxq_desc bad = { 0 };
	u32 first, stream, i;
	int other;

	for (i = 0; i < 8; i++)
		EXPECT_EQ(-EINVAL, stream_create(self->fd, &bad, 1, &stream));
	first = new_stream(self->fd, self->desc, 2);
	for (i = 1; i < 1024; i++)
		ASSERT_EQ(0, stream_create(self->fd, self->desc, 2, &stream));
	EXPECT_EQ(-ENOSPC, stream_create(self->fd, self->desc, 2, &stream));
	other = new_file();
	EXPECT_EQ(0, stream_create(other, self->desc, 2, &stream));
	close(other);
	EXPECT_EQ(0, destroy(self->fd, first));
	EXPECT_EQ(0, stream_create(self->fd, self->desc, 2, &stream));
	EXPECT_EQ(-ENOSPC, stream_create(self->fd, self->desc, 2, &stream));
}

/* What a short structure lacks is zero; what a long one adds is left alone. */
TEST_F(stream, structure_sizes)
{
	struct {
		struct drm_fxq_stream_create known;
		u64 more[3];
	} args = {
		.known = { .descs = (uintptr_t)self->desc, .count = 2 },
		.more = { [2] = 0x5a },
	};

	/* Without count. */
	EXPECT_EQ(-EINVAL, call_sized(self->fd, DRM_IOCTL_FXQ_STREAM_CREATE,
				      &args, 16));
	/* Without flags and what comes back. */
	args.known.flags = ~0u;
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_STREAM_CREATE, &args,
				24));
	EXPECT_EQ(0, args.known.stream);
	args.known.flags = 0;
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_STREAM_CREATE, &args,
				sizeof(args)));
	EXPECT_NE(0, args.known.stream);
	EXPECT_EQ(0x5a, args.more[2]);
}

/* 128 KiB of descriptors and more, over many pages of the kernel's. */
TEST_F(stream, large)
{
	const u32 count = 5000;
	struct fxq_desc *desc = calloc(count, sizeof(*desc));
	struct drm_fxq_stream_summary sum;
	struct drm_fxq_stream_create args = {
		.descs = (uintptr_t)desc,
		.count = count,
		.summary = (uintptr_t)&sum,
		.summary_size = sizeof(sum),
	};
	u32 i;

	ASSERT_NE(NULL, desc);
	for (i = 0; i < count; i++)
		desc[i] = desc_load(3, 64ull * i, 0, 64);
	EXPECT_EQ(0, create(self->fd, &args));
	EXPECT_EQ(64ull * count, sum.region[3].read_hi);
	desc[count - 1].opcode = 0;
	EXPECT_EQ(-EINVAL, create(self->fd, &args));
	EXPECT_EQ(count - 1, args.index);
	free(desc);
}

TEST_HARNESS_MAIN
