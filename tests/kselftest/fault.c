// SPDX-License-Identifier: GPL-2.0
/*
 * fault.c - runs that fail, and devices that do: who is told, who is spared
 *
 * Most faults are planned by way of fxq-emu's control port, see --fault there.
 */
#include <stdio.h>

#include "fxq_util.h"
#include "kselftest_harness.h"

#define BYTES	PAGE

/* A user: a file with a context, and a job that copies. */
struct user {
	int fd;
	u32 ctx, job;
	u32 bos[2];
	u8 *in, *out;
};

static struct user new_user_of(int fd)
{
	struct user user = { .fd = fd };

	user.ctx = new_ctx(user.fd);
	user.bos[0] = new_bo(user.fd, BYTES, 0);
	user.bos[1] = new_bo(user.fd, BYTES, 0);
	user.in = new_map(user.fd, user.bos[0], BYTES);
	user.out = new_map(user.fd, user.bos[1], BYTES);
	user.job = new_job(user.fd, user.ctx, new_copy(user.fd, BYTES),
			   user.bos, BYTES, 2);
	return user;
}

static struct user new_user(void)
{
	return new_user_of(new_file());
}

/* A file of the device that FXQ_CONTROL is of, the one in the first slot. */
static int new_file_of_first_slot(void)
{
	char path[256], first[256] = "~";
	int fd, best = -ENODEV;
	unsigned int i;

	for (i = 0; (fd = fxq_open(i)) >= 0; i++) {
		if (!device_path(fd, path, sizeof(path)) &&
		    strcmp(path, first) < 0) {
			close(best);
			best = fd;
			strcpy(first, path);
		} else {
			close(fd);
		}
	}
	return best;
}

/* Does a run of the user's end well, with the right result? */
static bool user_works(struct user *user)
{
	static u8 value;

	memset(user->in, ++value, BYTES);
	return !run(user->fd, user->ctx, user->job) &&
	       !memcmp(user->in, user->out, BYTES);
}

/* Nothing but what follows is counted. */
static int plan(int port, const char *text)
{
	settle();
	return control(port, "plan %s", text);
}

FIXTURE(fault)
{
	struct user guilty, other;
	int port;
};

FIXTURE_SETUP(fault)
{
	int fd = fxq_open(0);

	if (fd == -ENODEV)
		SKIP(return, "no fxq device");
	ASSERT_LE(0, fd);
	close(fd);
	self->guilty = new_user();
	self->other = new_user();
	self->port = control_open();
}

FIXTURE_TEARDOWN(fault)
{
	if (self->port >= 0)
		control(self->port, "plan");
	close(self->guilty.fd);
	close(self->other.fd);
}

/* What only the machine finds, and how it names it. */
static const struct {
	const char *what;
	u32 spm, n0, n1, stride1;
	u32 cause;
} bad_fill[] = {
	{ "beyond the scratchpad", 0x40000000, 16, 1, 0, FXQ_CAUSE_SPM_BOUNDS },
	{ "over its end", (1 << 20) - 64, 32, 1, 0, FXQ_CAUSE_SPM_BOUNDS },
	{ "far over its end", 0, 16, 2, ~0u, FXQ_CAUSE_SPM_BOUNDS },
	{ "not aligned", 32, 16, 1, 0, FXQ_CAUSE_SPM_ALIGNMENT },
};

/* CTX_QUERY tells cause, descriptor, tag and job of the first fault. */
TEST_F(fault, told)
{
	struct user *user = &self->guilty;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad_fill); i++) {
		struct fxq_desc desc[] = {
			desc_fill(0, 64, 0), desc_fill(0, 64, 0),
			desc_fill(0, 64, 0),
		};
		struct drm_fxq_ctx_query state;
		struct drm_fxq_job_query last;
		u32 ctx = new_ctx(user->fd), job;

		desc[1].tag = 0x1000 + i;
		desc[1].dma.spm = bad_fill[i].spm;
		desc[1].dma.n[0] = bad_fill[i].n0;
		desc[1].dma.n[1] = bad_fill[i].n1;
		desc[1].dma.spm_stride[1] = bad_fill[i].stride1;
		job = new_job(user->fd, ctx, new_stream(user->fd, desc, 3),
			      NULL, 0, 0);
		EXPECT_EQ(-EIO, run(user->fd, ctx, job)) {
			TH_LOG("a fill %s", bad_fill[i].what);
		}
		state = ctx_state(user->fd, ctx);
		EXPECT_EQ(DRM_FXQ_CTX_BANNED, state.state);
		EXPECT_EQ(-EIO, state.error);
		EXPECT_EQ(bad_fill[i].cause, state.fault_cause) {
			TH_LOG("a fill %s", bad_fill[i].what);
		}
		EXPECT_EQ(1, state.fault_index);
		EXPECT_EQ(0x1000 + i, state.fault_tag);
		EXPECT_EQ(job, state.fault_job);
		EXPECT_EQ(0, state.resets);
		EXPECT_EQ(0, state.inflight);
		EXPECT_EQ(0, state.runs);
		ASSERT_EQ(0, job_state(user->fd, job, &last));
		EXPECT_EQ(-EIO, last.status);
		EXPECT_EQ(1, last.runs);
		EXPECT_EQ(0, ctx_destroy(user->fd, ctx));
	}
	/* Other contexts of the file go on. */
	EXPECT_TRUE(user_works(user));
	EXPECT_TRUE(user_works(&self->other));
}

/*
 * Whoever waits for the last of his runs may use his memory again: it does not
 * end before those ahead of it, though it will not run and one of them still does.
 * The record of the second run tells that the first one's is lost.
 */
TEST_F(fault, last_ends_last)
{
	struct user *user = &self->guilty;
	u32 last = new_syncobj(user->fd);

	if (self->port < 0)
		SKIP(return, NO_CONTROL);
	ASSERT_EQ(0, plan(self->port, "complete@1=wrong-run,slow@3:100ms"));
	ASSERT_EQ(0, submit(user->fd, user->ctx, user->job, 64, last, 0));
	ASSERT_EQ(0, sync_wait(user->fd, last, 0, 10000));
	EXPECT_EQ(-ECANCELED, sync_error(user->fd, last));
	EXPECT_EQ(0, ctx_state(user->fd, user->ctx).inflight);
}

/* A banned context runs nothing more: what is queued ends, SUBMIT refuses. */
TEST_F(fault, banned)
{
	struct user *user = &self->guilty;
	u32 bad = new_job(user->fd, user->ctx, new_faulty(user->fd), NULL, 0,
			  0);
	u32 first = new_syncobj(user->fd), last = new_syncobj(user->fd), i;
	struct drm_fxq_ctx_query before, after;

	memset(user->in, 0x21, BYTES);
	ASSERT_EQ(0, submit(user->fd, user->ctx, bad, 1, first, 0));
	for (i = 0; i < 3; i++)
		if (submit(user->fd, user->ctx, user->job, 40, last, 0))
			break;
	ASSERT_EQ(0, sync_wait(user->fd, first, 0, 10000));
	EXPECT_EQ(-EIO, sync_error(user->fd, first));
	if (i) {
		ASSERT_EQ(0, sync_wait(user->fd, last, 0, 10000));
		EXPECT_EQ(-ECANCELED, sync_error(user->fd, last));
	}
	EXPECT_EQ(0, user->out[0]);
	before = ctx_state(user->fd, user->ctx);
	EXPECT_EQ(0, before.inflight);
	EXPECT_EQ(-ECANCELED, submit(user->fd, user->ctx, user->job, 1, 0, 0));
	EXPECT_EQ(-ECANCELED, submit(user->fd, user->ctx, bad, 1, 0, 0));
	after = ctx_state(user->fd, user->ctx);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	EXPECT_EQ(0x7a6, after.fault_tag);
	EXPECT_TRUE(user_works(&self->other));
}

/* Faults of one user in a row do not disturb another's runs. */
TEST_F(fault, others_go_on)
{
	u32 done = new_syncobj(self->other.fd), stream, i;

	stream = new_faulty(self->guilty.fd);
	for (i = 1; i <= 20; i++) {
		u32 ctx = new_ctx(self->guilty.fd);
		u32 bad = new_job(self->guilty.fd, ctx, stream, NULL, 0, 0);

		ASSERT_EQ(0, submit(self->other.fd, self->other.ctx,
				    self->other.job, 5, done, i));
		ASSERT_EQ(-EIO, run(self->guilty.fd, ctx, bad));
		ASSERT_EQ(0, ctx_destroy(self->guilty.fd, ctx));
	}
	EXPECT_EQ(0, sync_wait(self->other.fd, done, 20, 10000));
	EXPECT_EQ(100, ctx_state(self->other.fd, self->other.ctx).runs);
}

/* What is planned for the first run, and what becomes of it. */
static const struct plan {
	const char *plan;
	int error;
	u32 cause;
	bool reset;
} plans[] = {
	{ "dma@1", -EIO, FXQ_CAUSE_BUS, false },
	{ "dma@2", -EIO, FXQ_CAUSE_BUS, false },
	{ "hang@1=soft", -ETIME, 0, false },
	{ "hang@1=hard", -ETIME, 0, true },
	{ "slow@1:300ms", 0, 0, false },
	{ "complete@1=lost", -EIO, 0, false },
	{ "complete@1=late:50ms", 0, 0, false },
	{ "complete@1=twice", 0, 0, false },
	{ "complete@1=wrong-run", -EIO, 0, false },
	{ "complete@1=wrong-context", 0, 0, false },
	{ "irq@1=lost", 0, 0, false },
	{ "irq@1=late:50ms", 0, 0, false },
	{ "irq@1=twice:5ms", 0, 0, false },
};

static void check_plan(struct __test_metadata *_metadata, int port,
		       const struct plan *p)
{
	struct user guilty = new_user(), other = new_user();
	u32 first = new_syncobj(guilty.fd), second = new_syncobj(guilty.fd);
	u32 done = new_syncobj(other.fd);
	struct drm_fxq_ctx_query state;

	memset(guilty.in, 0x41, BYTES);
	memset(other.in, 0x42, BYTES);
	ASSERT_EQ(0, plan(port, p->plan));
	ASSERT_EQ(0, submit(guilty.fd, guilty.ctx, guilty.job, 1, first, 0));
	ASSERT_EQ(0, submit(other.fd, other.ctx, other.job, 20, done, 0));
	if (submit(guilty.fd, guilty.ctx, guilty.job, 1, second, 0))
		second = 0;
	EXPECT_EQ(0, sync_wait(guilty.fd, first, 0, 15000));
	EXPECT_EQ(p->error, sync_error(guilty.fd, first));
	if (second) {
		int error;

		EXPECT_EQ(0, sync_wait(guilty.fd, second, 0, 15000));
		error = sync_error(guilty.fd, second);
		/* It may have ended before the fault was found out. */
		EXPECT_TRUE(!error || (p->error && error == -ECANCELED));
	}
	EXPECT_EQ(0, sync_wait(other.fd, done, 0, 15000));
	EXPECT_EQ(0, sync_error(other.fd, done));
	EXPECT_EQ(0, memcmp(other.in, other.out, BYTES));

	state = ctx_state(guilty.fd, guilty.ctx);
	EXPECT_EQ(p->error ? DRM_FXQ_CTX_BANNED : DRM_FXQ_CTX_READY,
		  state.state);
	EXPECT_EQ(p->error, state.error);
	EXPECT_EQ(p->cause, state.fault_cause);
	/* Of a run that hangs halfway it is told where. */
	if (!strcmp(p->plan, "hang@1=soft"))
		EXPECT_NE(0, state.fault_index);
	EXPECT_EQ(p->error ? guilty.job : 0, state.fault_job);
	EXPECT_EQ(p->reset, state.resets);
	state = ctx_state(other.fd, other.ctx);
	EXPECT_EQ(DRM_FXQ_CTX_READY, state.state);
	EXPECT_EQ(20, state.runs);
	EXPECT_EQ(p->reset, state.resets);
	EXPECT_TRUE(user_works(&other));
	close(guilty.fd);
	close(other.fd);
}

/* The guilty run is told, its context banned; all others are spared. */
TEST_F(fault, planned)
{
	size_t i;

	if (self->port < 0)
		SKIP(return, NO_CONTROL);
	for (i = 0; i < ARRAY_SIZE(plans); i++) {
		check_plan(_metadata, self->port, &plans[i]);
		if (_metadata->exit_code) {
			TH_LOG("plan %s", plans[i].plan);
			break;
		}
	}
}

/*
 * The record of a run is lost, those of the runs behind it are not: the first
 * of these tells, and no run behind one that failed is told to be well.
 */
TEST_F(fault, overtaken)
{
	const char *plans[] = { "complete@2=lost", "complete@2=wrong-run" };
	struct drm_fxq_ctx_query state;
	size_t i;

	if (self->port < 0)
		SKIP(return, NO_CONTROL);
	for (i = 0; i < ARRAY_SIZE(plans); i++) {
		struct user user = new_user();
		u32 done = new_syncobj(user.fd);

		ASSERT_EQ(0, plan(self->port, plans[i]));
		ASSERT_EQ(0, submit(user.fd, user.ctx, user.job, 4, done, 0));
		EXPECT_EQ(0, sync_wait(user.fd, done, 0, 10000));
		EXPECT_EQ(-ECANCELED, sync_error(user.fd, done));
		state = ctx_state(user.fd, user.ctx);
		EXPECT_EQ(DRM_FXQ_CTX_BANNED, state.state);
		EXPECT_EQ(-EIO, state.error);
		EXPECT_EQ(user.job, state.fault_job);
		EXPECT_EQ(1, state.runs);
		EXPECT_EQ(0, state.inflight);
		EXPECT_TRUE(user_works(&self->other));
		close(user.fd);
	}
}

/*
 * Records that come twice, and nobody takes them in time: newer ones overwrite
 * the oldest. Whose these were is told; no reset is needed to go on.
 */
TEST_F(fault, records_overflow)
{
	char text[256] = "irq@1=late:100ms";
	struct user user = new_user();
	u32 done = new_syncobj(user.fd), i;
	struct drm_fxq_ctx_query state;

	if (self->port < 0)
		SKIP(return, NO_CONTROL);
	for (i = 1; i <= 8; i++)
		sprintf(text + strlen(text), ",complete@%u=twice", i);
	ASSERT_EQ(0, plan(self->port, text));
	ASSERT_EQ(0, submit(user.fd, user.ctx, user.job, 16, done, 0));
	EXPECT_EQ(0, sync_wait(user.fd, done, 0, 10000));
	EXPECT_EQ(-ECANCELED, sync_error(user.fd, done));
	state = ctx_state(user.fd, user.ctx);
	EXPECT_EQ(DRM_FXQ_CTX_BANNED, state.state);
	EXPECT_EQ(-EIO, state.error);
	ASSERT_EQ(0, plan(self->port, ""));
	EXPECT_TRUE(user_works(&self->other));
	EXPECT_EQ(0, ctx_state(self->other.fd, self->other.ctx).resets);
	close(user.fd);
}

/* A lost interrupt delays a run that is alone, but does not fail it. */
TEST_F(fault, interrupt_lost)
{
	u64 start;

	if (self->port < 0)
		SKIP(return, NO_CONTROL);
	ASSERT_EQ(0, plan(self->port, "irq@1=lost"));
	start = now_ms();
	EXPECT_TRUE(user_works(&self->guilty));
	EXPECT_GT(3000, now_ms() - start);
	EXPECT_TRUE(user_works(&self->guilty));
}

/* Slow is not hung: progress extends the time, up to job_limit_ms. */
TEST_F(fault, limit)
{
	const char *limit = "/sys/module/fxq/parameters/job_limit_ms";
	u32 done = new_syncobj(self->guilty.fd), job;
	char before[16];

	if (self->port < 0)
		SKIP(return, NO_CONTROL);
	snprintf(before, sizeof(before), "%u",
		 device_info(self->other.fd).job_limit_ms);
	if (write_file("1000", "%s", limit))
		SKIP(return, "job_limit_ms cannot be set");
	job = new_job(self->guilty.fd, self->guilty.ctx,
		      new_long(self->guilty.fd, 60), NULL, 0, 0);
	EXPECT_EQ(0, plan(self->port, "slow@1:100ms"));
	EXPECT_EQ(0, submit(self->guilty.fd, self->guilty.ctx, job, 1, done,
			    0));
	EXPECT_TRUE(user_works(&self->other));
	EXPECT_EQ(0, sync_wait(self->guilty.fd, done, 0, 5000));
	EXPECT_EQ(-ETIME, sync_error(self->guilty.fd, done));
	EXPECT_EQ(0, write_file(before, "%s", limit));
	EXPECT_EQ(DRM_FXQ_CTX_BANNED,
		  ctx_state(self->guilty.fd, self->guilty.ctx).state);
}

/* Unmapping waits for the device to forget; if it does not, it is reset. */
TEST_F(fault, invalidate)
{
	const char *plans[] = {
		"invalidate@1=late:200ms", "invalidate@1=lost",
	};
	size_t i;

	if (self->port < 0)
		SKIP(return, NO_CONTROL);
	for (i = 0; i < ARRAY_SIZE(plans); i++) {
		struct user user = new_user();

		EXPECT_TRUE(user_works(&user));
		ASSERT_EQ(0, plan(self->port, plans[i]));
		EXPECT_EQ(0, job_destroy(user.fd, user.job));
		EXPECT_EQ(0, bo_close(user.fd, user.bos[0]));
		EXPECT_EQ(0, bo_close(user.fd, user.bos[1]));
		EXPECT_TRUE(user_works(&self->other));
		close(user.fd);
	}
}

/* A context hears of a reset that others asked for a moment later. */
static bool resets_become(const struct user *user, u32 n)
{
	for (int i = 0; i < 500; i++) {
		if (ctx_state(user->fd, user->ctx).resets == n)
			return true;
		usleep(20000);
	}
	return false;
}

/*
 * Who refuses to forget or to stop has not done so: no memory is let go of and
 * no run taken for ended before a reset.
 */
TEST_F(fault, refused)
{
	struct user user = new_user();
	u32 done = new_syncobj(user.fd), job, before;

	if (self->port < 0)
		SKIP(return, NO_CONTROL);
	EXPECT_TRUE(user_works(&user));
	before = ctx_state(self->other.fd, self->other.ctx).resets;
	ASSERT_EQ(0, plan(self->port,
			  "invalidate@1=refused,invalidate@2=refused"));
	EXPECT_EQ(0, job_destroy(user.fd, user.job));
	EXPECT_EQ(0, bo_close(user.fd, user.bos[0]));
	EXPECT_TRUE(user_works(&self->other));
	EXPECT_TRUE(resets_become(&self->other, before + 1));

	job = new_job(user.fd, user.ctx, new_long(user.fd, 64), NULL, 0, 0);
	ASSERT_EQ(0, plan(self->port, "stop@1=refused,stop@2=refused"));
	ASSERT_EQ(0, submit(user.fd, user.ctx, job, 4, done, 0));
	EXPECT_EQ(0, ctx_destroy(user.fd, user.ctx));
	EXPECT_EQ(0, sync_wait(user.fd, done, 0, 10000));
	EXPECT_TRUE(sync_error(user.fd, done) < 0);
	EXPECT_TRUE(user_works(&self->other));
	EXPECT_TRUE(resets_become(&self->other, before + 2));
	close(user.fd);
}

/*
 * A device that stands still and obeys nobody is found out by whoever asks it
 * first; the run that it stands in is told to have hung all the same.
 */
TEST_F(fault, hang_found_by_others)
{
	struct user user = new_user(), other = new_user();
	u32 done = new_syncobj(user.fd);
	struct drm_fxq_ctx_query state;

	if (self->port < 0)
		SKIP(return, NO_CONTROL);
	EXPECT_TRUE(user_works(&other));
	ASSERT_EQ(0, plan(self->port, "hang@1=hard"));
	ASSERT_EQ(0, submit(user.fd, user.ctx, user.job, 1, done, 0));
	EXPECT_EQ(0, job_destroy(other.fd, other.job));
	EXPECT_EQ(0, bo_close(other.fd, other.bos[0]));
	EXPECT_EQ(0, sync_wait(user.fd, done, 0, 10000));
	EXPECT_EQ(-ETIME, sync_error(user.fd, done));
	state = ctx_state(user.fd, user.ctx);
	EXPECT_EQ(DRM_FXQ_CTX_BANNED, state.state);
	EXPECT_EQ(-ETIME, state.error);
	EXPECT_EQ(1, state.resets);
	EXPECT_TRUE(user_works(&self->other));
	close(user.fd);
	close(other.fd);
}

/* Stopping a context whose device does not answer is a reset. */
TEST_F(fault, stop)
{
	const char *plans[] = { "stop@1=late:200ms", "stop@1=lost" };
	size_t i;

	if (self->port < 0)
		SKIP(return, NO_CONTROL);
	for (i = 0; i < ARRAY_SIZE(plans); i++) {
		struct user user = new_user();
		u32 done = new_syncobj(user.fd);
		u32 job = new_job(user.fd, user.ctx, new_long(user.fd, 64),
				  NULL, 0, 0);

		ASSERT_EQ(0, plan(self->port, plans[i]));
		ASSERT_EQ(0, submit(user.fd, user.ctx, job, 4, done, 0));
		EXPECT_EQ(0, ctx_destroy(user.fd, user.ctx));
		EXPECT_EQ(0, sync_wait(user.fd, done, 0, 10000));
		EXPECT_TRUE(was_stopped(sync_error(user.fd, done)));
		EXPECT_TRUE(user_works(&self->other));
		close(user.fd);
	}
}

/* Does the driver take the device again? */
static int rebind(const char *path)
{
	const char *slot = strrchr(path, '/') + 1;
	int ret = write_file(slot, "/sys/bus/pci/drivers/fxq/unbind");

	return ret ? ret : write_file(slot, "/sys/bus/pci/drivers/fxq/bind");
}

/* Registers that died come back with a reset; only the run is lost. */
TEST_F(fault, registers_died)
{
	struct user user = new_user(), other = new_user();
	u32 first = new_syncobj(user.fd), done = new_syncobj(other.fd);

	if (self->port < 0)
		SKIP(return, NO_CONTROL);
	ASSERT_EQ(0, plan(self->port, "dead@1,complete@1=lost"));
	ASSERT_EQ(0, submit(user.fd, user.ctx, user.job, 1, first, 0));
	ASSERT_EQ(0, submit(other.fd, other.ctx, other.job, 20, done, 0));
	EXPECT_EQ(0, sync_wait(user.fd, first, 0, 10000));
	EXPECT_EQ(-EIO, sync_error(user.fd, first));
	EXPECT_EQ(-ECANCELED, submit(user.fd, user.ctx, user.job, 1, 0, 0));
	EXPECT_EQ(0, sync_wait(other.fd, done, 0, 10000));
	EXPECT_EQ(0, sync_error(other.fd, done));
	EXPECT_TRUE(user_works(&other));
	close(user.fd);
	close(other.fd);
}

/* A device that is gone: every run ends with -ENODEV, every call fails so. */
TEST_F(fault, gone)
{
	struct user user = new_user(), other = new_user();
	u32 first = new_syncobj(user.fd), ctx;
	char path[256];

	if (self->port < 0)
		SKIP(return, NO_CONTROL);
	ASSERT_EQ(0, device_path(user.fd, path, sizeof(path)));
	ASSERT_EQ(0, plan(self->port, "complete@1=lost,remove@1"));
	ASSERT_EQ(0, submit(user.fd, user.ctx, user.job, 1, first, 0));
	EXPECT_EQ(0, sync_wait(user.fd, first, 0, 10000));
	EXPECT_EQ(-ENODEV, sync_error(user.fd, first));
	EXPECT_EQ(-ENODEV, submit(user.fd, user.ctx, user.job, 1, 0, 0));
	EXPECT_EQ(-ENODEV, submit(other.fd, other.ctx, other.job, 1, 0, 0));
	EXPECT_EQ(-ENODEV, ctx_create(user.fd, &ctx));
	EXPECT_EQ(DRM_FXQ_CTX_LOST, ctx_state(user.fd, user.ctx).state);
	/* Memory is there as before. */
	memset(user.in, 0x55, BYTES);
	EXPECT_EQ(0x55, user.in[BYTES - 1]);

	EXPECT_EQ(0, plan(self->port, ""));
	EXPECT_EQ(0, control(self->port, "insert"));
	EXPECT_EQ(0, rebind(path));
	close(user.fd);
	close(other.fd);
	user = new_user();
	EXPECT_TRUE(user_works(&user));
	close(user.fd);
}

/* A device that no reset brings back is lost: -EIO, until it is bound again. */
TEST_F(fault, given_up)
{
	struct user user = new_user_of(new_file_of_first_slot());
	struct user other = new_user_of(new_file_of_first_slot());
	u32 done = new_syncobj(user.fd), ctx;
	char path[256];

	if (self->port < 0)
		SKIP(return, NO_CONTROL);
	ASSERT_EQ(0, device_path(user.fd, path, sizeof(path)));
	ASSERT_EQ(0, plan(self->port, "hang@1=hard,reset@1=lost,reset@2=lost,"
			  "reset@3=lost,reset@4=lost,reset@5=lost"));
	ASSERT_EQ(0, submit(user.fd, user.ctx, user.job, 1, done, 0));
	EXPECT_EQ(0, sync_wait(user.fd, done, 0, 20000));
	EXPECT_EQ(-ETIME, sync_error(user.fd, done));
	EXPECT_EQ(-EIO, submit(other.fd, other.ctx, other.job, 1, 0, 0));
	EXPECT_EQ(-EIO, ctx_create(other.fd, &ctx));
	EXPECT_EQ(-EIO, job_create(other.fd, other.ctx, 1, other.bos, BYTES, 2,
				   &ctx));
	EXPECT_EQ(DRM_FXQ_CTX_LOST, ctx_state(other.fd, other.ctx).state);

	EXPECT_EQ(0, plan(self->port, ""));
	EXPECT_EQ(0, rebind(path));
	close(user.fd);
	close(other.fd);
	user = new_user_of(new_file_of_first_slot());
	EXPECT_TRUE(user_works(&user));
	close(user.fd);
}

TEST_HARNESS_MAIN
