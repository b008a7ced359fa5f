// SPDX-License-Identifier: GPL-2.0
/*
 * unplug.c - the device goes while it is used, and comes back
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>

#include "fxq_util.h"
#include "kselftest_harness.h"

#define BYTES	PAGE
#define DRIVER	"/sys/bus/pci/drivers/fxq"

FIXTURE(unplug)
{
	int fd;
	char path[256];
	const char *slot;
	u32 ctx, job;
	u32 bos[2];
	u8 *map[2];
};

static bool wait_for_node(void)
{
	u64 until = now_ms() + 5000;

	do {
		int fd = fxq_open(0);

		if (fd >= 0) {
			close(fd);
			return true;
		}
		usleep(20000);
	} while (now_ms() < until);
	return false;
}

FIXTURE_SETUP(unplug)
{
	u32 i;

	self->fd = fxq_open(0);
	if (self->fd == -ENODEV)
		SKIP(return, "no fxq device");
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_path(self->fd, self->path, sizeof(self->path)));
	self->slot = strrchr(self->path, '/') + 1;
	self->ctx = new_ctx(self->fd);
	for (i = 0; i < 2; i++) {
		self->bos[i] = new_bo(self->fd, BYTES, DRM_FXQ_BO_SHAREABLE);
		self->map[i] = new_map(self->fd, self->bos[i], BYTES);
	}
	self->job = new_job(self->fd, self->ctx, new_copy(self->fd, BYTES),
			    self->bos, BYTES, 2);
}

FIXTURE_TEARDOWN(unplug)
{
	close(self->fd);
}

static int remove_device(const char *path)
{
	return write_file("1", "%s/remove", path);
}

static int rescan(void)
{
	return write_file("1", "/sys/bus/pci/rescan");
}

/* Does a new file of the device work, when it is there again? */
static bool works_again(void)
{
	return wait_for_node() && works();
}

/* Every ioctl is -ENODEV, mappings and dma-bufs survive, a rescan helps. */
TEST_F(unplug, removed)
{
	struct drm_fxq_dev_query query = { .type = DRM_FXQ_QUERY_DEVICE };
	struct drm_fxq_bo_create bo = { .size = PAGE };
	struct drm_fxq_bo_mmap_offset offset = { .handle = self->bos[0] };
	struct drm_fxq_stream_destroy stream = { .stream = 1 };
	struct drm_fxq_ctx_query ctx = { .ctx = self->ctx };
	struct fxq_desc desc = desc_fill(0, 64, 0);
	struct drm_fxq_job_query job;
	u32 number;
	u8 *direct;
	int dma_buf;

	self->map[0][0] = 9;
	ASSERT_EQ(0, bo_export(self->fd, self->bos[0], &dma_buf));
	ASSERT_EQ(0, run(self->fd, self->ctx, self->job));
	ASSERT_EQ(0, remove_device(self->path));

	EXPECT_EQ(-ENODEV, call(self->fd, DRM_IOCTL_FXQ_DEV_QUERY, &query));
	EXPECT_EQ(-ENODEV, call(self->fd, DRM_IOCTL_FXQ_BO_CREATE, &bo));
	EXPECT_EQ(-ENODEV, call(self->fd, DRM_IOCTL_FXQ_BO_MMAP_OFFSET,
				&offset));
	EXPECT_EQ(-ENODEV, stream_create(self->fd, &desc, 1, &number));
	EXPECT_EQ(-ENODEV, call(self->fd, DRM_IOCTL_FXQ_STREAM_DESTROY,
				&stream));
	EXPECT_EQ(-ENODEV, ctx_create(self->fd, &number));
	EXPECT_EQ(-ENODEV, call(self->fd, DRM_IOCTL_FXQ_CTX_QUERY, &ctx));
	EXPECT_EQ(-ENODEV, ctx_destroy(self->fd, self->ctx));
	EXPECT_EQ(-ENODEV, job_create(self->fd, self->ctx, 1, self->bos, BYTES,
				      2, &number));
	EXPECT_EQ(-ENODEV, job_state(self->fd, self->job, &job));
	EXPECT_EQ(-ENODEV, job_destroy(self->fd, self->job));
	EXPECT_EQ(-ENODEV, submit(self->fd, self->ctx, self->job, 1, 0, 0));

	EXPECT_EQ(9, self->map[1][0]);
	self->map[1][1] = 10;
	EXPECT_EQ(10, self->map[1][1]);
	direct = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, dma_buf, 0);
	ASSERT_NE(MAP_FAILED, direct);
	EXPECT_EQ(9, direct[0]);

	ASSERT_EQ(0, rescan());
	EXPECT_TRUE(works_again());
	/* The old file stays one of a device that is gone. */
	EXPECT_EQ(-ENODEV, ctx_create(self->fd, &number));
	close(dma_buf);
	EXPECT_EQ(9, self->map[0][0]);
}

/* Fences of runs in flight signal, with -ENODEV. */
TEST_F(unplug, fences_signal)
{
	u32 done = new_syncobj(self->fd), job, i;
	int file;

	job = new_job(self->fd, self->ctx, new_long(self->fd, 64), NULL, 0, 0);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, submit(self->fd, self->ctx, job, 64, done, 0));
	file = sync_export(self->fd, done);
	ASSERT_LE(0, file);
	ASSERT_EQ(1, fence_error(file));
	ASSERT_EQ(0, remove_device(self->path));
	for (i = 0; i < 100 && fence_error(file) == 1; i++)
		usleep(20000);
	EXPECT_EQ(-ENODEV, fence_error(file));
	close(file);
	ASSERT_EQ(0, rescan());
	EXPECT_TRUE(works_again());
}

static void *wait_for_runs(void *arg)
{
	u32 *what = arg;

	what[2] = -sync_wait(what[0], what[1], 0, 10000);
	return NULL;
}

/* Who waits in an ioctl is woken. */
TEST_F(unplug, waiters_wake)
{
	u32 what[3] = { self->fd, new_syncobj(self->fd), ETIME }, job;
	pthread_t thread;

	job = new_job(self->fd, self->ctx, new_long(self->fd, 64), NULL, 0, 0);
	ASSERT_EQ(0, submit(self->fd, self->ctx, job, 64, what[1], 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_runs, what));
	usleep(100000);
	ASSERT_EQ(0, remove_device(self->path));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, what[2]);
	ASSERT_EQ(0, rescan());
	EXPECT_TRUE(works_again());
}

/* A fence may be asked who made it when all of that is gone. */
TEST_F(unplug, fences_outlive_device)
{
	u32 done = new_syncobj(self->fd), i;
	struct gate gate;
	int file[2], n = 0;

	ASSERT_EQ(0, submit(self->fd, self->ctx, self->job, 1, done, 0));
	file[n++] = sync_export(self->fd, done);
	ASSERT_EQ(0, sync_wait(self->fd, done, 0, 5000));
	/* This one never runs. */
	if (!gate_open(&gate)) {
		ASSERT_EQ(0, submit_after(self->fd, self->ctx, self->job, 1,
					  new_gated(self->fd, &gate), done));
		file[n++] = sync_export(self->fd, done);
		ASSERT_EQ(0, ctx_destroy(self->fd, self->ctx));
		ASSERT_EQ(0, gate_release(&gate));
		ASSERT_EQ(0, sync_wait(self->fd, done, 0, 5000));
	}
	for (i = 0; i < 2; i++)
		munmap(self->map[i], BYTES);
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(0, remove_device(self->path));
	settle();
	EXPECT_EQ(0, fence_error(file[0]));
	if (n > 1)
		EXPECT_EQ(-ESRCH, fence_error(file[1]));
	while (n)
		close(file[--n]);
	ASSERT_EQ(0, rescan());
	EXPECT_TRUE(works_again());
}

/* A thread that submits until it is refused. */
struct submitter {
	int fd;
	u32 ctx, job;
	atomic_int ret;
};

static void *submit_on(void *arg)
{
	struct submitter *s = arg;
	int ret;

	do {
		ret = submit(s->fd, s->ctx, s->job, 64, 0, 0);
	} while (!ret);
	s->ret = ret;
	return NULL;
}

/*
 * Who sleeps for room is woken, too, though the runs that take it wait for
 * others and do not end yet.
 */
TEST_F(unplug, sleeper_for_room_wakes)
{
	struct submitter s = {
		.fd = self->fd, .ctx = self->ctx, .job = self->job,
	};
	struct gate gate;
	pthread_t thread;
	u32 i;

	if (gate_open(&gate))
		SKIP(return, NO_GATE);
	ASSERT_EQ(0, submit_held(self->fd, self->ctx, self->job, &gate));
	ASSERT_EQ(0, pthread_create(&thread, NULL, submit_on, &s));
	usleep(200000);
	EXPECT_EQ(0, s.ret);
	ASSERT_EQ(0, remove_device(self->path));
	for (i = 0; i < 100 && !s.ret; i++)
		usleep(20000);
	EXPECT_EQ(-ENODEV, s.ret);
	EXPECT_EQ(0, gate_release(&gate));
	pthread_join(thread, NULL);
	ASSERT_EQ(0, rescan());
	EXPECT_TRUE(works_again());
}

/*
 * Says so when it has all it needs, then works until the device goes; 0 if that
 * is all that goes wrong.
 */
static int user(int ready)
{
	int fd = new_file(), ret = 0;
	u32 ctx = new_ctx(fd), stream = new_copy(fd, BYTES), job = 0;
	u32 bos[] = { new_bo(fd, BYTES, 0), new_bo(fd, BYTES, 0) };
	u8 *map = new_map(fd, bos[1], BYTES);

	if (write(ready, map, 1) != 1)
		return EIO;
	while (!ret) {
		ret = job_create(fd, ctx, stream, bos, BYTES, 2, &job);
		if (!ret)
			ret = submit(fd, ctx, job, 8, 0, 0);
		if (!ret)
			ret = job_destroy(fd, job);
		map[0]++;
	}
	return ret == -ENODEV ? 0 : -ret;
}

/* Under the load of several processes, again and again. */
TEST_F(unplug, under_load)
{
	pid_t pid[4];
	u32 round, i;

	for (round = 0; round < 5; round++) {
		int fd, status, ready[2];
		char path[256], c;

		ASSERT_EQ(0, pipe(ready));
		fd = new_file();
		ASSERT_EQ(0, device_path(fd, path, sizeof(path)));
		close(fd);
		for (i = 0; i < ARRAY_SIZE(pid); i++) {
			pid[i] = fork();
			if (!pid[i])
				_exit(user(ready[1]));
		}
		close(ready[1]);
		for (i = 0; i < ARRAY_SIZE(pid); i++)
			ASSERT_EQ(1, read(ready[0], &c, 1));
		close(ready[0]);
		usleep(50000 * (round + 2));
		ASSERT_EQ(0, remove_device(path));
		for (i = 0; i < ARRAY_SIZE(pid); i++) {
			ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
			EXPECT_EQ(0, status);
		}
		ASSERT_EQ(0, rescan());
		ASSERT_TRUE(works_again());
	}
}

/* A file of the device in a slot, whatever number its node has by now. */
static int open_slot(const char *slot)
{
	char path[256];
	unsigned int i;
	int fd;

	for (i = 0; (fd = fxq_open(i)) >= 0; i++) {
		if (!device_path(fd, path, sizeof(path)) &&
		    !strcmp(strrchr(path, '/') + 1, slot))
			break;
		close(fd);
	}
	return fd;
}

/* The driver is unbound and bound, with files open and without. */
TEST_F(unplug, bind_loop)
{
	u32 i, number;

	for (i = 0; i < 6; i++) {
		int fd = -1;

		if (i % 2) {
			fd = open_slot(self->slot);
			ASSERT_LE(0, fd);
		}
		ASSERT_EQ(0, write_file(self->slot, DRIVER "/unbind"));
		if (fd >= 0)
			EXPECT_EQ(-ENODEV, ctx_create(fd, &number));
		ASSERT_EQ(0, write_file(self->slot, DRIVER "/bind"));
		EXPECT_TRUE(works_again());
		if (fd >= 0)
			close(fd);
	}
}

/* Another device does not notice. */
TEST_F(unplug, other_device_untouched)
{
	int other = fxq_open(1);
	u32 ctx, job, done;

	if (other == -ENODEV)
		SKIP(return, "one device only");
	ctx = new_ctx(other);
	job = new_job(other, ctx, new_long(other, 4), NULL, 0, 0);
	done = new_syncobj(other);
	ASSERT_EQ(0, submit(other, ctx, job, 4, done, 0));
	ASSERT_EQ(0, remove_device(self->path));
	EXPECT_EQ(0, sync_wait(other, done, 0, 10000));
	EXPECT_EQ(0, sync_error(other, done));
	ASSERT_EQ(0, rescan());
	EXPECT_EQ(0, run(other, ctx, job));
	EXPECT_TRUE(works_again());
	close(other);
}

/* Suspend and resume, of devices alone: contexts go on as if nothing was. */
TEST_F(unplug, suspend)
{
	u32 done = new_syncobj(self->fd), job, i;

	if (write_file("devices", "/sys/power/pm_test"))
		SKIP(return, "no /sys/power/pm_test");
	write_file("0", "/sys/module/suspend/parameters/pm_test_delay");
	job = new_job(self->fd, self->ctx, new_long(self->fd, 4), NULL, 0, 0);
	for (i = 1; i <= 3; i++) {
		memset(self->map[0], i, BYTES);
		ASSERT_EQ(0, submit(self->fd, self->ctx, job, 4, done, i));
		ASSERT_EQ(0, write_file("freeze", "/sys/power/state"));
		EXPECT_EQ(0, sync_wait(self->fd, done, i, 10000));
		EXPECT_EQ(0, run(self->fd, self->ctx, self->job));
		EXPECT_EQ(i, self->map[1][0]);
	}
	EXPECT_EQ(0, write_file("none", "/sys/power/pm_test"));
	EXPECT_EQ(15, ctx_state(self->fd, self->ctx).runs);
	EXPECT_EQ(DRM_FXQ_CTX_READY, ctx_state(self->fd, self->ctx).state);
}

TEST_HARNESS_MAIN
