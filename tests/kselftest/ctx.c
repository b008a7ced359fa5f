// SPDX-License-Identifier: GPL-2.0
/*
 * ctx.c - CTX_CREATE, CTX_DESTROY, CTX_QUERY: an address space and an order
 */
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fxq_util.h"
#include "kselftest_harness.h"

FIXTURE(ctx)
{
	int fd;
};

FIXTURE_SETUP(ctx)
{
	self->fd = fxq_open(0);
	if (self->fd == -ENODEV)
		SKIP(return, "no fxq device");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(ctx)
{
	close(self->fd);
}

static int create(int fd, struct drm_fxq_ctx_create args)
{
	return call(fd, DRM_IOCTL_FXQ_CTX_CREATE, &args);
}

static int query(int fd, struct drm_fxq_ctx_query args)
{
	return call(fd, DRM_IOCTL_FXQ_CTX_QUERY, &args);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { 0 };

	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

/* flags and pad are zero, bit by bit. */
TEST_F(ctx, reserved)
{
	u32 bit;

	for (bit = 1; bit; bit <<= 1) {
		struct drm_fxq_ctx_create args = { .pad = bit };

		EXPECT_EQ(-EINVAL, call(self->fd, DRM_IOCTL_FXQ_CTX_CREATE,
					&args));
		EXPECT_EQ(0, args.ctx);
		args = (struct drm_fxq_ctx_create){ .flags = bit };
		EXPECT_EQ(-EINVAL, call(self->fd, DRM_IOCTL_FXQ_CTX_CREATE,
					&args));
	}
}

/* Priorities are those of enum drm_fxq_priority. */
TEST_F(ctx, priority)
{
	const u32 unknown[] = { 3, 4, 0x80000000, ~0u };
	struct drm_fxq_ctx_create args = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		args.priority = unknown[i];
		EXPECT_EQ(-EINVAL, create(self->fd, args));
	}
	args.priority = DRM_FXQ_PRIORITY_NORMAL;
	EXPECT_EQ(0, create(self->fd, args));
	args.priority = DRM_FXQ_PRIORITY_LOW;
	EXPECT_EQ(0, create(self->fd, args));
	args.priority = DRM_FXQ_PRIORITY_HIGH;
	EXPECT_EQ(0, create(self->fd, args));
}

/* High needs CAP_SYS_NICE, whoever opened the file. */
TEST_F(ctx, priority_without_capability)
{
	struct drm_fxq_ctx_create args = { .priority = DRM_FXQ_PRIORITY_HIGH };

	ASSERT_EQ(0, drop_capabilities());
	EXPECT_EQ(-EPERM, create(self->fd, args));
	args.priority = 3;
	EXPECT_EQ(-EINVAL, create(self->fd, args));
	args.priority = DRM_FXQ_PRIORITY_LOW;
	EXPECT_EQ(0, create(self->fd, args));
	args.priority = DRM_FXQ_PRIORITY_NORMAL;
	EXPECT_EQ(0, create(self->fd, args));
}

/* Runs of every priority are run. */
TEST_F(ctx, priorities_run)
{
	struct drm_fxq_ctx_create args = { 0 };
	u32 stream = new_nop(self->fd), job, i;

	for (i = 0; i < 3; i++) {
		args.priority = i;
		ASSERT_EQ(0, call(self->fd, DRM_IOCTL_FXQ_CTX_CREATE, &args));
		job = new_job(self->fd, args.ctx, stream, NULL, 0, 0);
		EXPECT_EQ(0, run(self->fd, args.ctx, job));
		args.ctx = 0;
	}
}

/* A new context is ready, and nothing has happened in it. */
TEST_F(ctx, fresh)
{
	u32 ctx = new_ctx(self->fd);
	struct drm_fxq_ctx_query want = { .ctx = ctx };
	struct drm_fxq_ctx_query state;

	memset(&state, 0xaa, sizeof(state));
	state.ctx = ctx;
	state.pad = 0;
	ASSERT_EQ(0, call(self->fd, DRM_IOCTL_FXQ_CTX_QUERY, &state));
	EXPECT_EQ(0, memcmp(&want, &state, sizeof(want)));
}

/* runs and cycles count what has completed without error. */
TEST_F(ctx, counts)
{
	u32 ctx = new_ctx(self->fd), idle = new_ctx(self->fd);
	u32 job = new_job(self->fd, ctx, new_long(self->fd, 1), NULL, 0, 0);
	struct drm_fxq_ctx_query state;
	struct drm_fxq_job_query last;
	u64 cycles = 0;
	u32 i;

	for (i = 1; i <= 3; i++) {
		ASSERT_EQ(0, run(self->fd, ctx, job));
		ASSERT_EQ(0, job_state(self->fd, job, &last));
		cycles += last.cycles;
		state = ctx_state(self->fd, ctx);
		EXPECT_EQ(i, state.runs);
		EXPECT_EQ(i, last.runs);
		EXPECT_EQ(cycles, state.cycles);
		EXPECT_EQ(0, state.inflight);
	}
	EXPECT_NE(0, cycles);
	EXPECT_EQ(DRM_FXQ_CTX_READY, state.state);
	EXPECT_EQ(0, ctx_state(self->fd, idle).runs);
}

/* No context of this number in this file: -ENOENT. */
TEST_F(ctx, wrong_number)
{
	struct drm_fxq_ctx_query args = { .ctx = new_ctx(self->fd) };
	struct drm_fxq_ctx_query none = { 0 };
	int other = new_file();

	EXPECT_EQ(-ENOENT, query(self->fd, none));
	EXPECT_EQ(-ENOENT, ctx_destroy(self->fd, 0));
	none.ctx = NO_NUMBER;
	EXPECT_EQ(-ENOENT, query(self->fd, none));
	EXPECT_EQ(-ENOENT, ctx_destroy(self->fd, NO_NUMBER));
	EXPECT_EQ(-ENOENT, query(other, args));
	EXPECT_EQ(-ENOENT, ctx_destroy(other, args.ctx));
	EXPECT_EQ(0, query(self->fd, args));
	EXPECT_EQ(0, ctx_destroy(self->fd, args.ctx));
	EXPECT_EQ(-ENOENT, query(self->fd, args));
	EXPECT_EQ(-ENOENT, ctx_destroy(self->fd, args.ctx));
	close(other);
}

/* pad of QUERY and DESTROY is zero, bit by bit. */
TEST_F(ctx, pads)
{
	struct drm_fxq_ctx_query state = { .ctx = new_ctx(self->fd) };
	struct drm_fxq_ctx_destroy gone = { .ctx = state.ctx };
	u32 bit;

	for (bit = 1; bit; bit <<= 1) {
		state.pad = bit;
		EXPECT_EQ(-EINVAL, query(self->fd, state));
		gone.pad = bit;
		EXPECT_EQ(-EINVAL, call(self->fd, DRM_IOCTL_FXQ_CTX_DESTROY,
					&gone));
	}
	EXPECT_EQ(DRM_FXQ_CTX_READY, ctx_state(self->fd, gone.ctx).state);
}

/* A file has 16 contexts, then -ENOSPC; refusals take none of them. */
TEST_F(ctx, limit)
{
	const struct drm_fxq_ctx_create refused = { .flags = 1 };
	u32 ctx, first, i, j;
	int other = new_file();

	for (i = 0; i < 3; i++) {
		first = new_ctx(self->fd);
		for (j = 1; j < 16; j++)
			ASSERT_EQ(0, ctx_create(self->fd, &ctx));
		EXPECT_EQ(-EINVAL, create(self->fd, refused));
		EXPECT_EQ(-ENOSPC, ctx_create(self->fd, &ctx));
		EXPECT_EQ(0, ctx_create(other, &ctx));
		EXPECT_EQ(0, ctx_destroy(other, ctx));
		for (ctx = first; ctx < first + 16; ctx++)
			EXPECT_EQ(0, ctx_destroy(self->fd, ctx));
	}
	close(other);
}

/* The device has a limit too, -ENOSPC, and gives back what is destroyed. */
TEST_F(ctx, limit_of_device)
{
	int fd[5], ret = 0;
	u32 ctx, n = 0, i, j;

	for (i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = new_file();
		for (j = 0; !ret && j < 16; j++) {
			ret = ctx_create(fd[i], &ctx);
			n += !ret;
		}
	}
	EXPECT_EQ(-ENOSPC, ret);
	EXPECT_EQ(63, n);
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	/* They are freed in their own time. */
	for (i = 0; i < 100; i++) {
		ret = ctx_create(self->fd, &ctx);
		if (ret != -ENOSPC)
			break;
		usleep(20000);
	}
	EXPECT_EQ(0, ret);
}

/* Makes contexts as another user, in files of ours; how many there were. */
static int take_as(uid_t user, const int *fd, u32 n_files)
{
	int status, ret = 0;
	pid_t child = fork();
	u32 ctx, n = 0, i, j;

	if (child) {
		waitpid(child, &status, 0);
		return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	if (setresuid(user, user, user))
		_exit(255);
	for (i = 0; i < n_files; i++) {
		for (j = 0; j < 16; j++) {
			ret = ctx_create(fd[i], &ctx);
			if (ret)
				break;
			n++;
		}
	}
	_exit(n == n_files * 16 || ret == -ENOSPC ? n : 254);
}

/* One user cannot take them all, in however many files. */
TEST_F(ctx, limit_of_user)
{
	int fd[6];
	u32 ctx, i;

	if (geteuid())
		SKIP(return, "only root can be several users");
	settle();
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = new_file();
	EXPECT_EQ(47, take_as(1000, fd, 4));
	EXPECT_EQ(0, take_as(1000, fd + 4, 1));
	/* Another finds as many as a file may have, and then there are none. */
	EXPECT_EQ(16, take_as(1001, fd + 4, 1));
	EXPECT_EQ(0, take_as(1002, fd + 5, 1));
	EXPECT_EQ(-ENOSPC, ctx_create(self->fd, &ctx));
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	settle();
	EXPECT_EQ(0, ctx_create(self->fd, &ctx));
}

/* Its jobs go with a context. */
TEST_F(ctx, jobs_go_too)
{
	u32 ctx = new_ctx(self->fd), other = new_ctx(self->fd);
	u32 stream = new_nop(self->fd);
	u32 job = new_job(self->fd, ctx, stream, NULL, 0, 0);
	u32 stays = new_job(self->fd, other, stream, NULL, 0, 0);
	struct drm_fxq_job_query state;

	EXPECT_EQ(0, ctx_destroy(self->fd, ctx));
	EXPECT_EQ(-ENOENT, job_state(self->fd, job, &state));
	EXPECT_EQ(-ENOENT, job_destroy(self->fd, job));
	EXPECT_EQ(-ENOENT, submit(self->fd, ctx, stays, 1, 0, 0));
	EXPECT_EQ(0, run(self->fd, other, stays));
}

/* What a short structure lacks is zero; what a long one adds is left alone. */
TEST_F(ctx, structure_sizes)
{
	struct {
		struct drm_fxq_ctx_create known;
		u64 more;
	} args = { .known = { .priority = 77, .pad = 1 }, .more = 0x99 };
	struct {
		struct drm_fxq_ctx_query known;
		u64 more;
	} state = { .known.runs = 0x99, .more = 0x99 };

	/* flags alone; the number is not told. */
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_CTX_CREATE, &args, 4));
	EXPECT_EQ(0, args.known.ctx);
	args.known.priority = DRM_FXQ_PRIORITY_LOW;
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_CTX_CREATE, &args, 12));
	EXPECT_NE(0, args.known.ctx);
	args.known.pad = 0;
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_CTX_CREATE, &args,
				sizeof(args)));
	EXPECT_EQ(0x99, args.more);

	state.known.ctx = args.known.ctx;
	state.known.pad = 1;
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_CTX_QUERY, &state, 8));
	EXPECT_EQ(0x99, state.known.runs);
	state.known.pad = 0;
	EXPECT_EQ(0, call_sized(self->fd, DRM_IOCTL_FXQ_CTX_QUERY, &state,
				sizeof(state)));
	EXPECT_EQ(0, state.known.runs);
	EXPECT_EQ(0x99, state.more);
}

/* A pointer that leads nowhere is -EFAULT. */
TEST_F(ctx, bad_pointer)
{
	void *nowhere = (void *)(uintptr_t)BAD_POINTER;

	EXPECT_EQ(-EFAULT, call(self->fd, DRM_IOCTL_FXQ_CTX_CREATE, nowhere));
	EXPECT_EQ(-EFAULT, call(self->fd, DRM_IOCTL_FXQ_CTX_DESTROY, nowhere));
	EXPECT_EQ(-EFAULT, call(self->fd, DRM_IOCTL_FXQ_CTX_QUERY, nowhere));
}

TEST_HARNESS_MAIN
