// SPDX-License-Identifier: GPL-2.0
/*
 * lifetime.c - what goes away first, and what stays as long as it is needed
 */
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/userfaultfd.h>

#include "fxq_util.h"
#include "kselftest_harness.h"

#define BYTES	PAGE

FIXTURE(lifetime)
{
	int fd;
	u32 ctx, copy;
	u32 bos[2];
	u8 *map[2];
	bool gated;
	struct gate gate;
};

FIXTURE_SETUP(lifetime)
{
	u32 i;

	self->fd = fxq_open(0);
	if (self->fd == -ENODEV)
		SKIP(return, "no fxq device");
	ASSERT_LE(0, self->fd);
	self->ctx = new_ctx(self->fd);
	self->copy = new_copy(self->fd, BYTES);
	for (i = 0; i < 2; i++) {
		self->bos[i] = new_bo(self->fd, BYTES, 0);
		self->map[i] = new_map(self->fd, self->bos[i], BYTES);
	}
	self->gated = !gate_open(&self->gate);
}

FIXTURE_TEARDOWN(lifetime)
{
	close(self->fd);
}

/* JOB_DESTROY: runs that are queued are not disturbed. */
TEST_F(lifetime, job_destroyed)
{
	u32 job = new_job(self->fd, self->ctx, self->copy, self->bos, BYTES, 2);
	u32 done = new_syncobj(self->fd), gated;
	struct drm_fxq_job_query state;

	if (!self->gated)
		SKIP(return, NO_GATE);
	gated = new_gated(self->fd, &self->gate);
	memset(self->map[0], 0x31, BYTES);
	ASSERT_EQ(0, submit_after(self->fd, self->ctx, job, 2, gated, done));
	EXPECT_EQ(0, job_destroy(self->fd, job));
	EXPECT_EQ(-ENOENT, job_state(self->fd, job, &state));
	EXPECT_EQ(-ENOENT, submit(self->fd, self->ctx, job, 1, 0, 0));
	ASSERT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(0, sync_wait(self->fd, done, 0, 10000));
	EXPECT_EQ(0, sync_error(self->fd, done));
	EXPECT_EQ(0, memcmp(self->map[0], self->map[1], BYTES));
}

/* GEM_CLOSE: a job that binds the buffer is not disturbed. */
TEST_F(lifetime, buffer_closed)
{
	u32 job = new_job(self->fd, self->ctx, self->copy, self->bos, BYTES, 2);

	memset(self->map[0], 0x32, BYTES);
	EXPECT_EQ(0, bo_close(self->fd, self->bos[0]));
	EXPECT_EQ(0, bo_close(self->fd, self->bos[1]));
	EXPECT_EQ(0, run(self->fd, self->ctx, job));
	EXPECT_EQ(0, memcmp(self->map[0], self->map[1], BYTES));
}

/* Handles, job and stream may all go while a run waits for its turn. */
TEST_F(lifetime, all_closed)
{
	u32 job = new_job(self->fd, self->ctx, self->copy, self->bos, BYTES, 2);
	struct drm_fxq_stream_destroy stream = { .stream = self->copy };
	u32 done = new_syncobj(self->fd), gated;

	if (!self->gated)
		SKIP(return, NO_GATE);
	gated = new_gated(self->fd, &self->gate);
	memset(self->map[0], 0x33, BYTES);
	ASSERT_EQ(0, submit_after(self->fd, self->ctx, job, 1, gated, done));
	EXPECT_EQ(0, job_destroy(self->fd, job));
	EXPECT_EQ(0, bo_close(self->fd, self->bos[0]));
	EXPECT_EQ(0, bo_close(self->fd, self->bos[1]));
	EXPECT_EQ(0, call(self->fd, DRM_IOCTL_FXQ_STREAM_DESTROY, &stream));
	ASSERT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(0, sync_wait(self->fd, done, 0, 10000));
	EXPECT_EQ(0, memcmp(self->map[0], self->map[1], BYTES));
}

/* A size that no other buffer has, so that its mappings can be counted. */
#define ODD	(7 * PAGE)

/* Have all mappings of buffers of that size gone, a moment later? */
static bool odd_are_gone(int fd)
{
	u32 i;

	for (i = 0; i < 100; i++) {
		if (mappings_of(fd, ODD) == 0)
			return true;
		usleep(20000);
	}
	return false;
}

/**
 * struct late_page - a page that is not there until the kernel asks for it
 * @faults: a userfaultfd
 * @page: where it will be
 * @content: what it will begin with
 * @fd: device, of which is then closed
 * @handle: this one
 * @ret: how that went
 */
struct late_page {
	int faults;
	void *page;
	struct drm_fxq_region content;
	int fd;
	u32 handle;
	int ret;
};

static void *serve_late_page(void *data)
{
	static u8 bytes[PAGE] __attribute__((aligned(PAGE)));
	struct late_page *late = data;
	struct uffdio_copy copy = {
		.dst = (uintptr_t)late->page, .src = (uintptr_t)bytes,
		.len = PAGE,
	};
	struct uffd_msg msg;

	late->ret = -EIO;
	if (read(late->faults, &msg, sizeof(msg)) == sizeof(msg))
		late->ret = bo_close(late->fd, late->handle);
	memcpy(bytes, &late->content, sizeof(late->content));
	call(late->faults, UFFDIO_COPY, &copy);
	return NULL;
}

/* -errno: no userfaultfd, or none that serves the kernel. */
static int late_page_open(struct late_page *late)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)late->page, .len = PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int ret;

	late->faults = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (late->faults < 0)
		return -errno;
	ret = call(late->faults, UFFDIO_API, &api);
	return ret ? ret : call(late->faults, UFFDIO_REGISTER, &reg);
}

/* GEM_CLOSE between one region of a JOB_CREATE and the next. */
TEST_F(lifetime, import_closed_between_regions)
{
	u8 *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct drm_fxq_region *first = (void *)(pages + PAGE - sizeof(*first));
	int dma_buf = heap_alloc(ODD, O_RDONLY);
	struct late_page late = {
		.page = pages + PAGE, .fd = self->fd,
		.content = { .handle = self->bos[1], .size = BYTES },
	};
	struct drm_fxq_job_create args = {
		.ctx = self->ctx, .stream = self->copy,
		.regions = (uintptr_t)first,
		.region_count = 2, .region_stride = sizeof(*first),
	};
	pthread_t thread;

	if (dma_buf == -ENOENT)
		SKIP(return, NO_HEAP);
	ASSERT_LE(0, dma_buf);
	ASSERT_NE(MAP_FAILED, pages);
	late.handle = new_import(self->fd, dma_buf);
	*first = (struct drm_fxq_region){
		.handle = late.handle, .size = BYTES,
	};
	if (late_page_open(&late))
		SKIP(return, "no userfaultfd that serves the kernel");
	memset(self->map[1], 0x37, BYTES);
	ASSERT_EQ(0, pthread_create(&thread, NULL, serve_late_page, &late));
	EXPECT_EQ(0, call(self->fd, DRM_IOCTL_FXQ_JOB_CREATE, &args));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, late.ret);
	close(dma_buf);
	EXPECT_EQ(0, run(self->fd, self->ctx, args.job));
	EXPECT_EQ(0, self->map[1][0] | self->map[1][BYTES - 1]);
	EXPECT_EQ(0, job_destroy(self->fd, args.job));
	if (mappings_of(self->fd, ODD) != NO_NUMBER)
		EXPECT_TRUE(odd_are_gone(self->fd));
}

/**
 * struct flicker - a handle that comes and goes
 * @fd: device
 * @dma_buf: what it is a handle of
 * @handle: always this number, being the lowest that is free
 * @stop: enough of it
 * @failed: it was another number once
 */
struct flicker {
	int fd, dma_buf;
	u32 handle;
	volatile bool stop;
	bool failed;
};

static void *flicker(void *data)
{
	struct flicker *f = data;
	u32 handle;

	while (!f->stop) {
		if (bo_close(f->fd, f->handle) ||
		    bo_import(f->fd, f->dma_buf, &handle) ||
		    handle != f->handle) {
			f->failed = true;
			return NULL;
		}
	}
	bo_close(f->fd, f->handle);
	return NULL;
}

/*
 * GEM_CLOSE at any moment of a JOB_CREATE: a dma-buf that may only be read is
 * not written for that, and no mapping stays.
 */
TEST_F(lifetime, import_closed_meanwhile)
{
	int dma_buf = heap_alloc(ODD, O_RDONLY);
	struct flicker f = { .fd = self->fd, .dma_buf = dma_buf };
	u32 read[2], written[2], job, made = 0, missed = 0;
	u64 start = now_ms();
	pthread_t thread;
	int ret;

	if (dma_buf == -ENOENT)
		SKIP(return, NO_HEAP);
	ASSERT_LE(0, dma_buf);
	f.handle = new_import(self->fd, dma_buf);
	read[0] = f.handle;
	read[1] = self->bos[1];
	written[0] = self->bos[0];
	written[1] = f.handle;
	ASSERT_EQ(0, pthread_create(&thread, NULL, flicker, &f));
	while (now_ms() - start < 1500) {
		ret = job_create(self->fd, self->ctx, self->copy, read, BYTES,
				 2, &job);
		made += !ret;
		missed += ret == -ENOENT;
		if (!ret)
			ret = job_destroy(self->fd, job);
		EXPECT_TRUE(!ret || ret == -ENOENT);
		ret = job_create(self->fd, self->ctx, self->copy, written,
				 BYTES, 2, &job);
		EXPECT_TRUE(ret == -EINVAL || ret == -ENOENT);
	}
	f.stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_FALSE(f.failed);
	TH_LOG("%u jobs were made, %u found no handle", made, missed);
	if (mappings_of(self->fd, ODD) != NO_NUMBER)
		EXPECT_TRUE(odd_are_gone(self->fd));
	close(dma_buf);
}

/* CTX_DESTROY: runs end, whether they run or wait, and syncobjs signal. */
TEST_F(lifetime, context_destroyed)
{
	u32 job = new_job(self->fd, self->ctx, new_long(self->fd, 16), NULL, 0,
			  0);
	u32 first = new_syncobj(self->fd), last = new_syncobj(self->fd);
	u64 start;

	ASSERT_EQ(0, submit(self->fd, self->ctx, job, 1, first, 0));
	ASSERT_EQ(0, submit(self->fd, self->ctx, job, 64, last, 0));
	start = now_ms();
	EXPECT_EQ(0, ctx_destroy(self->fd, self->ctx));
	EXPECT_EQ(0, sync_wait(self->fd, last, 0, 10000));
	EXPECT_GT(8000, now_ms() - start);
	EXPECT_TRUE(was_stopped(sync_error(self->fd, last)));
	EXPECT_TRUE(works());
}

/* A run that waits for others when its context goes never runs. */
TEST_F(lifetime, context_destroyed_waiting)
{
	u32 job = new_job(self->fd, self->ctx, self->copy, self->bos, BYTES, 2);
	u32 done = new_syncobj(self->fd), gated;

	if (!self->gated)
		SKIP(return, NO_GATE);
	gated = new_gated(self->fd, &self->gate);
	memset(self->map[0], 0x34, BYTES);
	ASSERT_EQ(0, submit_after(self->fd, self->ctx, job, 1, gated, done));
	EXPECT_EQ(0, ctx_destroy(self->fd, self->ctx));
	EXPECT_EQ(-ETIME, sync_wait(self->fd, done, 0, 50));
	ASSERT_EQ(0, gate_release(&self->gate));
	EXPECT_EQ(0, sync_wait(self->fd, done, 0, 10000));
	EXPECT_TRUE(was_stopped(sync_error(self->fd, done)));
	EXPECT_EQ(0, self->map[1][0]);
}

/* A file that is closed while it is busy holds nobody up. */
TEST_F(lifetime, file_closed)
{
	u64 start = now_ms();
	u32 i;

	for (i = 0; i < 5; i++) {
		int fd = new_file();
		u32 ctx = new_ctx(fd);
		u32 job = new_job(fd, ctx, new_long(fd, 16), NULL, 0, 0);

		ASSERT_EQ(0, submit(fd, ctx, job, 64, 0, 0));
		EXPECT_LT(0, ctx_state(fd, ctx).inflight);
		close(fd);
	}
	EXPECT_TRUE(works());
	EXPECT_GT(15000, now_ms() - start);
}

/* A file that is closed while its runs wait for others lets them go. */
TEST_F(lifetime, file_closed_waiting)
{
	int fd = new_file();
	u32 ctx = new_ctx(fd), gated;
	u32 job = new_job(fd, ctx, new_nop(fd), NULL, 0, 0);
	u64 start;

	if (!self->gated)
		SKIP(return, NO_GATE);
	gated = new_gated(fd, &self->gate);
	ASSERT_EQ(0, submit_after(fd, ctx, job, 64, gated, 0));
	start = now_ms();
	close(fd);
	EXPECT_GT(2000, now_ms() - start);
	EXPECT_TRUE(works());
	ASSERT_EQ(0, gate_release(&self->gate));
	EXPECT_TRUE(works());
}

/* A process that is killed while it is busy leaves nothing behind. */
TEST_F(lifetime, killed)
{
	u32 i;

	for (i = 0; i < 8; i++) {
		pid_t child = fork();
		int status;

		if (!child) {
			int fd = new_file();
			u32 ctx = new_ctx(fd);
			u32 job = new_job(fd, ctx, new_long(fd, 8), NULL, 0, 0);

			for (;;)
				submit(fd, ctx, job, 8, 0, 0);
		}
		usleep(20000 + 15000 * i);
		kill(child, SIGKILL);
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
	}
	EXPECT_TRUE(works());
}

/* fork(): the child has the same file, with all that is in it. */
TEST_F(lifetime, forked)
{
	u32 job = new_job(self->fd, self->ctx, self->copy, self->bos, BYTES, 2);
	int status, go[2];
	pid_t child;
	char c;

	ASSERT_EQ(0, pipe(go));
	memset(self->map[0], 0x36, BYTES);
	child = fork();
	if (!child) {
		close(go[1]);
		/* The parent has closed its side when the pipe ends. */
		if (read(go[0], &c, 1))
			_exit(2);
		_exit(run(self->fd, self->ctx, job) ? 1 : 0);
	}
	close(self->fd);
	close(go[0]);
	close(go[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, memcmp(self->map[0], self->map[1], BYTES));
	self->fd = -1;
}

static int send_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = { 0 }, c = 0;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &msg, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int socket)
{
	char control[CMSG_SPACE(sizeof(int))], c;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(socket, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		return -EIO;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* SCM_RIGHTS: who is given a file may use it when the giver is gone. */
TEST_F(lifetime, given_away)
{
	int pair[2], status, fd;
	u32 args[2];
	pid_t child;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	child = fork();
	if (!child) {
		fd = new_file();
		args[0] = new_ctx(fd);
		args[1] = new_job(fd, args[0], new_long(fd, 1), NULL, 0, 0);
		if (submit(fd, args[0], args[1], 8, 0, 0) ||
		    send_fd(pair[1], fd) ||
		    write(pair[1], args, sizeof(args)) != sizeof(args))
			_exit(1);
		_exit(0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_EQ(0, status);
	fd = receive_fd(pair[0]);
	ASSERT_LE(0, fd);
	ASSERT_EQ(sizeof(args), read(pair[0], args, sizeof(args)));
	EXPECT_EQ(0, run(fd, args[0], args[1]));
	EXPECT_EQ(9, ctx_state(fd, args[0]).runs);
	close(fd);
}

static int remove_module(void)
{
	return syscall(SYS_delete_module, "fxq", O_NONBLOCK) ? -errno : 0;
}

/* The module stays while anybody has a file, a mapping or a dma-buf. */
TEST_F(lifetime, module_busy)
{
	u32 bo = new_bo(self->fd, PAGE, DRM_FXQ_BO_SHAREABLE);
	u8 *map = new_map(self->fd, bo, PAGE);
	int dma_buf;

	if (access("/sys/module/fxq/refcnt", R_OK))
		SKIP(return, "fxq is not a module");
	EXPECT_EQ(-EAGAIN, remove_module());
	ASSERT_EQ(0, bo_export(self->fd, bo, &dma_buf));
	munmap(self->map[0], BYTES);
	munmap(self->map[1], BYTES);
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(-EAGAIN, remove_module());
	close(dma_buf);
	EXPECT_EQ(-EAGAIN, remove_module());
	map[0] = 1;
	munmap(map, PAGE);
}

/* Jobs and buffers that come and go by the thousand leave no trace. */
TEST_F(lifetime, come_and_go)
{
	u32 i, bos[2], job;

	for (i = 0; i < 300; i++) {
		bos[0] = new_bo(self->fd, 8 * PAGE, 0);
		bos[1] = new_bo(self->fd, PAGE * (1 + i % 40), 0);
		job = new_job(self->fd, self->ctx, self->copy, bos, BYTES, 2);
		if (i % 3 == 0)
			ASSERT_EQ(0, submit(self->fd, self->ctx, job, 2, 0, 0));
		ASSERT_EQ(0, bo_close(self->fd, bos[i % 2]));
		ASSERT_EQ(0, job_destroy(self->fd, job));
		ASSERT_EQ(0, bo_close(self->fd, bos[1 - i % 2]));
	}
	job = new_job(self->fd, self->ctx, self->copy, self->bos, BYTES, 2);
	EXPECT_EQ(0, run(self->fd, self->ctx, job));
}

TEST_HARNESS_MAIN
