// SPDX-License-Identifier: GPL-2.0
/*
 * sync.c - fences: in and out of SUBMIT, and those that stand on shared buffers
 */
#include <poll.h>
#include <sys/eventfd.h>

#include <linux/dma-buf.h>
#include <linux/udmabuf.h>

#include "fxq_util.h"
#include "kselftest_harness.h"

#define BYTES	PAGE

FIXTURE(sync)
{
	int fd;
	u32 ctx, nop, copy;
	u32 timeline;
	bool gated;
	struct gate gate;
};

FIXTURE_SETUP(sync)
{
	self->fd = fxq_open(0);
	if (self->fd == -ENODEV)
		SKIP(return, "no fxq device");
	ASSERT_LE(0, self->fd);
	self->ctx = new_ctx(self->fd);
	self->nop = new_job(self->fd, self->ctx, new_nop(self->fd), NULL, 0, 0);
	self->copy = new_copy(self->fd, BYTES);
	self->timeline = new_syncobj(self->fd);
	self->gated = !gate_open(&self->gate);
}

FIXTURE_TEARDOWN(sync)
{
	close(self->fd);
}

/* Is the point pending a moment later? */
static bool pending(int fd, u32 syncobj, u64 point)
{
	return sync_wait(fd, syncobj, point, 50) == -ETIME;
}

static int submit_between(int fd, u32 ctx, u32 job, u32 syncobj, u64 from,
			  u64 to)
{
	struct drm_fxq_sync sync[2] = {
		{ .handle = syncobj, .point = from },
		{ .handle = syncobj, .point = to },
	};
	struct drm_fxq_submit args = {
		.ctx = ctx,
		.jobs = (uintptr_t)&job,
		.job_count = 1,
		.waits = (uintptr_t)&sync[0],
		.wait_count = 1,
		.signals = (uintptr_t)&sync[1],
		.signal_count = 1,
		.sync_stride = sizeof(sync[0]),
	};

	return call(fd, DRM_IOCTL_FXQ_SUBMIT, &args);
}

/* A submission waits for points and signals points, across contexts. */
TEST_F(sync, timeline)
{
	u32 ctx = new_ctx(self->fd), gated;
	u32 bos[] = {
		new_bo(self->fd, BYTES, 0), new_bo(self->fd, BYTES, 0),
		new_bo(self->fd, BYTES, 0),
	};
	u32 *in = new_map(self->fd, bos[0], BYTES);
	u32 *out = new_map(self->fd, bos[2], BYTES);
	u32 one = new_job(self->fd, self->ctx, self->copy, bos, BYTES, 2);
	u32 two = new_job(self->fd, ctx, self->copy, bos + 1, BYTES, 2);

	if (!self->gated)
		SKIP(return, NO_GATE);
	gated = new_gated(self->fd, &self->gate);
	ASSERT_EQ(0, submit_after(self->fd, self->ctx, one, 1, gated, 0));
	ASSERT_EQ(0, submit(self->fd, self->ctx, self->nop, 1, self->timeline,
			    1));
	ASSERT_EQ(0, submit_between(self->fd, ctx, two, self->timeline, 1, 2));
	EXPECT_TRUE(pending(self->fd, self->timeline, 1));
	EXPECT_TRUE(pending(self->fd, self->timeline, 2));
	EXPECT_EQ(0, out[0]);
	memset(in, 0x11, BYTES);
	ASSERT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(0, sync_wait(self->fd, self->timeline, 2, 10000));
	EXPECT_EQ(0, memcmp(in, out, BYTES));
}

/* A binary syncobj takes the fence of the last run, again and again. */
TEST_F(sync, binary)
{
	u32 syncobj = new_syncobj(self->fd), gated, i;

	if (!self->gated)
		SKIP(return, NO_GATE);
	for (i = 0; i < 3; i++) {
		gated = new_gated(self->fd, &self->gate);
		ASSERT_EQ(0, submit_after(self->fd, self->ctx, self->nop, 2,
					  gated, syncobj));
		EXPECT_TRUE(pending(self->fd, syncobj, 0));
		ASSERT_EQ(0, gate_release(&self->gate));
		EXPECT_EQ(0, sync_wait(self->fd, syncobj, 0, 10000));
	}
}

/* One syncobj may be waited for and signalled by the same submission. */
TEST_F(sync, in_place)
{
	u32 gated, i;

	if (!self->gated)
		SKIP(return, NO_GATE);
	gated = new_gated(self->fd, &self->gate);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, submit_after(self->fd, self->ctx, self->nop, 1,
					  gated, gated));
	EXPECT_TRUE(pending(self->fd, gated, 0));
	ASSERT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(0, sync_wait(self->fd, gated, 0, 10000));
	EXPECT_EQ(4, ctx_state(self->fd, self->ctx).runs);
}

/* DRM_IOCTL_SYNCOBJ_EVENTFD tells of a point, submitted before or after. */
TEST_F(sync, eventfd)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct pollfd poller = { .fd = event, .events = POLLIN };
	struct drm_syncobj_eventfd args = {
		.handle = self->timeline, .point = 7, .fd = event,
	};
	u64 count;

	ASSERT_LE(0, event);
	ASSERT_EQ(0, call(self->fd, DRM_IOCTL_SYNCOBJ_EVENTFD, &args));
	EXPECT_EQ(0, poll(&poller, 1, 20));
	ASSERT_EQ(0, submit(self->fd, self->ctx, self->nop, 1, self->timeline,
			    7));
	EXPECT_EQ(1, poll(&poller, 1, 10000));
	EXPECT_EQ(sizeof(count), read(event, &count, sizeof(count)));
	EXPECT_EQ(1, count);
	ASSERT_EQ(0, call(self->fd, DRM_IOCTL_SYNCOBJ_EVENTFD, &args));
	EXPECT_EQ(1, poll(&poller, 1, 10000));
	close(event);
}

/* The fence of a run is a sync_file, which poll() waits for. */
TEST_F(sync, sync_file)
{
	u32 done = new_syncobj(self->fd), gated;
	struct pollfd poller = { .events = POLLIN };

	if (!self->gated)
		SKIP(return, NO_GATE);
	gated = new_gated(self->fd, &self->gate);
	ASSERT_EQ(0, submit_after(self->fd, self->ctx, self->nop, 1, gated,
				  done));
	poller.fd = sync_export(self->fd, done);
	ASSERT_LE(0, poller.fd);
	EXPECT_EQ(0, poll(&poller, 1, 50));
	ASSERT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(1, poll(&poller, 1, 10000));
	close(poller.fd);
}

/* Another device waits for a run by its sync_file. */
TEST_F(sync, across_devices)
{
	int other = fxq_open(1), file;
	u32 done, wait, ctx, job, gated, last;

	if (other == -ENODEV)
		SKIP(return, "one device only");
	if (!self->gated)
		SKIP(return, NO_GATE);
	done = new_syncobj(self->fd);
	gated = new_gated(self->fd, &self->gate);
	ASSERT_EQ(0, submit_after(self->fd, self->ctx, self->nop, 1, gated,
				  done));
	file = sync_export(self->fd, done);
	ASSERT_LE(0, file);
	wait = new_syncobj(other);
	last = new_syncobj(other);
	ASSERT_EQ(0, sync_import(other, wait, file));
	ctx = new_ctx(other);
	job = new_job(other, ctx, new_nop(other), NULL, 0, 0);
	ASSERT_EQ(0, submit_after(other, ctx, job, 1, wait, last));
	EXPECT_TRUE(pending(other, last, 0));
	ASSERT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(0, sync_wait(other, last, 0, 10000));
	close(file);
	close(other);
}

/* A run that failed signals its points as well, with the error in the fence. */
TEST_F(sync, error_in_fence)
{
	u32 ctx = new_ctx(self->fd), done = new_syncobj(self->fd);
	u32 bad = new_job(self->fd, ctx, new_faulty(self->fd), NULL, 0, 0);

	ASSERT_EQ(0, submit(self->fd, ctx, bad, 1, done, 0));
	/* Who waits for it is not failed by that. */
	ASSERT_EQ(0, submit_after(self->fd, self->ctx, self->nop, 1,
				  done, self->timeline));
	EXPECT_EQ(0, sync_wait(self->fd, self->timeline, 0, 10000));
	EXPECT_EQ(-EIO, sync_error(self->fd, done));
	EXPECT_EQ(0, sync_error(self->fd, self->timeline));
	EXPECT_EQ(1, ctx_state(self->fd, self->ctx).runs);
	EXPECT_EQ(0, ctx_state(self->fd, ctx).runs);
}

/* The sync_file of a timeline's point, taken in time, has the error too. */
TEST_F(sync, error_in_timeline)
{
	u32 bad = new_job(self->fd, self->ctx, new_faulty(self->fd), NULL, 0,
			  0);
	struct drm_syncobj_transfer move = {
		.src_handle = self->timeline, .src_point = 3,
		.dst_handle = new_syncobj(self->fd),
	};
	u32 gated;
	int file;

	if (!self->gated)
		SKIP(return, NO_GATE);
	gated = new_gated(self->fd, &self->gate);
	ASSERT_EQ(0, submit_after(self->fd, self->ctx, self->nop, 1, gated, 0));
	ASSERT_EQ(0, submit(self->fd, self->ctx, bad, 1, self->timeline, 3));
	ASSERT_EQ(0, call(self->fd, DRM_IOCTL_SYNCOBJ_TRANSFER, &move));
	file = sync_export(self->fd, move.dst_handle);
	ASSERT_LE(0, file);
	EXPECT_EQ(1, fence_error(file));
	ASSERT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(0, sync_wait(self->fd, self->timeline, 3, 10000));
	EXPECT_EQ(-EIO, fence_error(file));
	close(file);
}

/* A fence outlives the file whose run it is. */
TEST_F(sync, fence_outlives_file)
{
	int fd = new_file(), file;
	u32 ctx = new_ctx(fd), done = new_syncobj(fd);
	u32 job = new_job(fd, ctx, new_long(fd, 4), NULL, 0, 0);
	struct pollfd poller = { .events = POLLIN };

	ASSERT_EQ(0, submit(fd, ctx, job, 64, done, 0));
	file = sync_export(fd, done);
	ASSERT_LE(0, file);
	close(fd);
	poller.fd = file;
	EXPECT_EQ(1, poll(&poller, 1, 10000));
	EXPECT_TRUE(was_stopped(fence_error(file)));
	close(file);
}

/* Copies from one buffer to another, and tells whether the data came. */
static bool copies(int fd, u32 ctx, u32 stream, u32 from, u32 to,
		   const void *in, const void *out)
{
	u32 bos[] = { from, to };
	u32 job = new_job(fd, ctx, stream, bos, BYTES, 2);

	return !run(fd, ctx, job) && !memcmp(in, out, BYTES);
}

/* Buffers of the system heap are imported, read and written. */
TEST_F(sync, system_heap)
{
	int dma_buf = heap_alloc(64 * PAGE, O_RDWR);
	u32 bo = new_bo(self->fd, BYTES, 0), import;
	u8 *heap, *map = new_map(self->fd, bo, BYTES);

	if (dma_buf == -ENOENT)
		SKIP(return, NO_HEAP);
	ASSERT_LE(0, dma_buf);
	heap = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		    dma_buf, 0);
	ASSERT_NE(MAP_FAILED, heap);
	import = new_import(self->fd, dma_buf);
	memset(heap, 0x61, BYTES);
	EXPECT_TRUE(copies(self->fd, self->ctx, self->copy, import, bo, heap,
			   map));
	memset(map, 0x62, BYTES);
	EXPECT_TRUE(copies(self->fd, self->ctx, self->copy, bo, import, map,
			   heap));
	close(dma_buf);
}

/* A dma-buf that may only be read is read-only for the device too. */
TEST_F(sync, import_read_only)
{
	int dma_buf = heap_alloc(BYTES, O_RDONLY);
	u32 bos[] = { 0, new_bo(self->fd, BYTES, 0), 0 }, job;

	if (dma_buf == -ENOENT)
		SKIP(return, NO_HEAP);
	ASSERT_LE(0, dma_buf);
	bos[0] = new_import(self->fd, dma_buf);
	bos[2] = bos[0];
	EXPECT_EQ(0, job_create(self->fd, self->ctx, self->copy, bos, BYTES, 2,
				&job));
	EXPECT_EQ(-EINVAL, job_create(self->fd, self->ctx, self->copy, bos + 1,
				      BYTES, 2, &job));
	close(dma_buf);
}

/* Memory of a memfd, scattered as it is, by udmabuf. */
TEST_F(sync, udmabuf)
{
	const u32 pages = 16;
	struct udmabuf_create args = { .size = pages * PAGE };
	int driver = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	u32 bo = new_bo(self->fd, BYTES, 0), import;
	u8 *mem, *map = new_map(self->fd, bo, BYTES);
	int dma_buf;

	if (driver < 0)
		SKIP(return, "no /dev/udmabuf");
	args.memfd = memfd_create("fxq", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	ASSERT_EQ(0, ftruncate(args.memfd, pages * PAGE));
	ASSERT_EQ(0, fcntl(args.memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	dma_buf = ioctl(driver, UDMABUF_CREATE, &args);
	ASSERT_LE(0, dma_buf);
	mem = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		   args.memfd, 0);
	ASSERT_NE(MAP_FAILED, mem);
	import = new_import(self->fd, dma_buf);
	memset(mem, 0x71, BYTES);
	EXPECT_TRUE(copies(self->fd, self->ctx, self->copy, import, bo, mem,
			   map));
	memset(map, 0x72, BYTES);
	EXPECT_TRUE(copies(self->fd, self->ctx, self->copy, bo, import, map,
			   mem));
	close(dma_buf);
}

/* An imported buffer is mapped where it comes from, not here. */
TEST_F(sync, import_mmap)
{
	struct drm_fxq_bo_mmap_offset args = { 0 };

	if (!self->gated)
		SKIP(return, NO_GATE);
	args.handle = new_import(self->fd, self->gate.dma_buf);
	EXPECT_EQ(-EINVAL, call(self->fd, DRM_IOCTL_FXQ_BO_MMAP_OFFSET, &args));
}

/* A run that writes a buffer of others waits for whoever reads it. */
TEST_F(sync, implicit_write_waits)
{
	u32 bos[] = { new_bo(self->fd, BYTES, 0), 0 }, job;

	if (!self->gated)
		SKIP(return, NO_GATE);
	bos[1] = new_import(self->fd, self->gate.dma_buf);
	job = new_job(self->fd, self->ctx, self->copy, bos, BYTES, 2);
	ASSERT_EQ(0, gate_close(&self->gate, false));
	ASSERT_EQ(0, submit(self->fd, self->ctx, job, 1, self->timeline, 1));
	EXPECT_TRUE(pending(self->fd, self->timeline, 1));
	ASSERT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(0, sync_wait(self->fd, self->timeline, 1, 10000));
}

/* A run that reads one waits for whoever writes it, not for who reads it. */
TEST_F(sync, implicit_read_waits)
{
	u32 bos[] = { 0, new_bo(self->fd, BYTES, 0) }, job;

	if (!self->gated)
		SKIP(return, NO_GATE);
	bos[0] = new_import(self->fd, self->gate.dma_buf);
	job = new_job(self->fd, self->ctx, self->copy, bos, BYTES, 2);
	ASSERT_EQ(0, gate_close(&self->gate, false));
	ASSERT_EQ(0, submit(self->fd, self->ctx, job, 1, self->timeline, 1));
	EXPECT_EQ(0, sync_wait(self->fd, self->timeline, 1, 5000));
	ASSERT_EQ(0, gate_release(&self->gate));

	ASSERT_EQ(0, gate_close(&self->gate, true));
	ASSERT_EQ(0, submit(self->fd, self->ctx, job, 1, self->timeline, 2));
	EXPECT_TRUE(pending(self->fd, self->timeline, 2));
	ASSERT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(0, sync_wait(self->fd, self->timeline, 2, 10000));
}

static int fence_of(int dma_buf, u32 flags)
{
	struct dma_buf_export_sync_file args = { .flags = flags };
	int ret = call(dma_buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &args);

	return ret ? ret : args.fd;
}

static bool signalled(int file)
{
	struct pollfd poller = { .fd = file, .events = POLLIN };

	return poll(&poller, 1, 20) == 1;
}

/* Runs keep fences on what is SHAREABLE: READ for read, WRITE for written. */
TEST_F(sync, implicit_fences_of_runs)
{
	u32 bos[] = {
		new_bo(self->fd, BYTES, DRM_FXQ_BO_SHAREABLE),
		new_bo(self->fd, BYTES, DRM_FXQ_BO_SHAREABLE),
	};
	u32 job = new_job(self->fd, self->ctx, self->copy, bos, BYTES, 2);
	u32 done = new_syncobj(self->fd), gated;
	int in, out, file;

	if (!self->gated)
		SKIP(return, NO_GATE);
	ASSERT_EQ(0, bo_export(self->fd, bos[0], &in));
	ASSERT_EQ(0, bo_export(self->fd, bos[1], &out));
	gated = new_gated(self->fd, &self->gate);
	ASSERT_EQ(0, submit_after(self->fd, self->ctx, job, 2, gated, done));
	/* Who wants to read the input need not wait, who writes it must. */
	file = fence_of(in, DMA_BUF_SYNC_READ);
	EXPECT_TRUE(signalled(file));
	close(file);
	file = fence_of(in, DMA_BUF_SYNC_WRITE);
	EXPECT_FALSE(signalled(file));
	close(file);
	/* The output is not ready to be read. */
	file = fence_of(out, DMA_BUF_SYNC_READ);
	EXPECT_FALSE(signalled(file));
	ASSERT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(0, sync_wait(self->fd, done, 0, 10000));
	EXPECT_TRUE(signalled(file));
	close(file);
	close(in);
	close(out);
}

/* Copies what is in region 1 to region 0: written comes before read. */
static u32 new_backwards(int fd)
{
	struct fxq_desc desc[] = {
		desc_load(1, 0, 0, BYTES),
		desc_after(desc_store(0, 0, 0, BYTES), FXQ_ENGINE_LD, 1),
	};

	return new_stream(fd, desc, 2);
}

/*
 * A run that writes and reads one buffer leaves two fences there, however many
 * of others there are already: lists grow in steps of 5, 13 and more.
 */
TEST_F(sync, implicit_written_and_read)
{
	enum { OTHERS = 14 };
	u32 backwards = new_backwards(self->fd), out, i, n;
	u32 other[OTHERS];

	if (!self->gated)
		SKIP(return, NO_GATE);
	out = new_bo(self->fd, BYTES, 0);
	for (i = 0; i < OTHERS; i++)
		other[i] = new_ctx(self->fd);
	for (n = 0; n <= OTHERS; n++) {
		u32 bo = new_bo(self->fd, BYTES, DRM_FXQ_BO_SHAREABLE);
		u32 both[] = { bo, bo }, read[] = { bo, out };
		u32 gated = new_gated(self->fd, &self->gate);
		u32 job = new_job(self->fd, self->ctx, backwards, both, BYTES,
				  2);

		for (i = 0; i < n; i++)
			ASSERT_EQ(0, submit_after(self->fd, other[i],
						  new_job(self->fd, other[i],
							  self->copy, read,
							  BYTES, 2),
						  1, gated, 0));
		ASSERT_EQ(0, submit_after(self->fd, self->ctx, job, 3, gated,
					  self->timeline));
		EXPECT_TRUE(pending(self->fd, self->timeline, 0));
		ASSERT_EQ(0, gate_release(&self->gate));
		EXPECT_EQ(0, sync_wait(self->fd, self->timeline, 0, 10000));
		EXPECT_EQ(0, sync_error(self->fd, self->timeline));
		EXPECT_EQ(0, bo_close(self->fd, bo));
	}
}

/* An import whose handle is closed keeps its order with others' work. */
TEST_F(sync, implicit_after_close)
{
	u32 bos[] = { 0, new_bo(self->fd, BYTES, 0) }, job;

	if (!self->gated)
		SKIP(return, NO_GATE);
	bos[0] = new_import(self->fd, self->gate.dma_buf);
	job = new_job(self->fd, self->ctx, self->copy, bos, BYTES, 2);
	ASSERT_EQ(0, bo_close(self->fd, bos[0]));
	ASSERT_EQ(0, gate_close(&self->gate, true));
	ASSERT_EQ(0, submit(self->fd, self->ctx, job, 1, self->timeline, 1));
	EXPECT_TRUE(pending(self->fd, self->timeline, 1));
	ASSERT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(0, sync_wait(self->fd, self->timeline, 1, 10000));
}

/* A buffer goes from one device to another, and its order with it. */
TEST_F(sync, prime_across_devices)
{
	int other = fxq_open(1), dma_buf;
	u32 bos[] = {
		new_bo(self->fd, BYTES, 0),
		new_bo(self->fd, BYTES, DRM_FXQ_BO_SHAREABLE),
	};
	u8 *in = new_map(self->fd, bos[0], BYTES), *out;
	u32 job = new_job(self->fd, self->ctx, self->copy, bos, BYTES, 2);
	u32 far[2], ctx, far_job, done, gated;

	if (other == -ENODEV)
		SKIP(return, "one device only");
	if (!self->gated)
		SKIP(return, NO_GATE);
	ASSERT_EQ(0, bo_export(self->fd, bos[1], &dma_buf));
	far[0] = new_import(other, dma_buf);
	far[1] = new_bo(other, BYTES, 0);
	out = new_map(other, far[1], BYTES);
	ctx = new_ctx(other);
	far_job = new_job(other, ctx, new_copy(other, BYTES), far, BYTES, 2);
	done = new_syncobj(other);

	gated = new_gated(self->fd, &self->gate);
	ASSERT_EQ(0, submit_after(self->fd, self->ctx, job, 1, gated, 0));
	ASSERT_EQ(0, submit(other, ctx, far_job, 1, done, 0));
	EXPECT_TRUE(pending(other, done, 0));
	memset(in, 0x19, BYTES);
	ASSERT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(0, sync_wait(other, done, 0, 10000));
	EXPECT_EQ(0, memcmp(in, out, BYTES));
	close(dma_buf);
	close(other);
}

/* What comes back to its own device is the same buffer. */
TEST_F(sync, prime_own)
{
	u32 bo = new_bo(self->fd, BYTES, DRM_FXQ_BO_SHAREABLE), there;
	u8 *map = new_map(self->fd, bo, BYTES), *same;
	int other = new_file(), dma_buf;

	ASSERT_EQ(0, bo_export(self->fd, bo, &dma_buf));
	EXPECT_EQ(bo, new_import(self->fd, dma_buf));
	there = new_import(other, dma_buf);
	same = new_map(other, there, BYTES);
	map[5] = 55;
	EXPECT_EQ(55, same[5]);
	/* It is still one that may be exported. */
	close(dma_buf);
	EXPECT_EQ(0, bo_export(other, there, &dma_buf));
	close(dma_buf);
	close(other);
}

/* A dma-buf outlives the file and the handle that it came from. */
TEST_F(sync, dma_buf_outlives_file)
{
	int fd = new_file(), dma_buf;
	u32 bo = new_bo(fd, BYTES, DRM_FXQ_BO_SHAREABLE);
	u8 *map = new_map(fd, bo, BYTES), *direct;

	map[1] = 11;
	ASSERT_EQ(0, bo_export(fd, bo, &dma_buf));
	ASSERT_EQ(0, munmap(map, BYTES));
	close(fd);
	direct = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, dma_buf,
		      0);
	ASSERT_NE(MAP_FAILED, direct);
	EXPECT_EQ(11, direct[1]);
	close(dma_buf);
	direct[2] = 12;
	EXPECT_EQ(12, direct[2]);
}

/* What is no dma-buf, or nothing at all, is not imported. */
TEST_F(sync, wrong_import)
{
	u32 handle;

	EXPECT_EQ(-EINVAL, bo_import(self->fd, self->fd, &handle));
	EXPECT_EQ(-EBADF, bo_import(self->fd, -1, &handle));
}

TEST_HARNESS_MAIN
