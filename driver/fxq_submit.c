// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_submit.c - SUBMIT: all of the runs or none
 *
 * Whatever can fail comes first: arguments, jobs, waits, fences to signal with,
 * room, reservations. Then, under the context's submit lock, the runs are
 * armed and pushed one after another; nothing there can fail.
 *
 * The ioctl gathers from arrays of userspace, the io_uring command from one
 * job. From there on both are one submission and take one way.
 */
#include <linux/dma-fence-chain.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_gem.h>
#include <drm/drm_syncobj.h>
#include <drm/fxq_accel.h>

#include "fxq_compat.h"
#include "fxq_ctx.h"
#include "fxq_device.h"
#include "fxq_gem.h"
#include "fxq_job.h"
#include "fxq_pm.h"
#include "fxq_run.h"
#include "fxq_submit.h"

/**
 * struct signal - a point that the last run signals
 * @syncobj: with a reference
 * @chain: what carries the point; NULL: the syncobj is binary
 * @point: on its timeline
 */
struct signal {
	struct drm_syncobj *syncobj;
	struct dma_fence_chain *chain;
	u64 point;
};

/**
 * struct submission - what is gathered before anything is armed
 * @file: whose
 * @ctx: of all jobs; somebody holds it
 * @nonblock: -EBUSY rather than sleep for room
 * @run: of each job, in order
 * @n_runs: of @run
 * @signal: to be signalled
 * @n_signals: of @signal
 * @last: signalled when the last run has ended, from when they are pushed
 */
struct submission {
	struct drm_file *file;
	struct fxq_ctx *ctx;
	bool nonblock;
	struct fxq_run **run;
	unsigned int n_runs;
	struct signal *signal;
	unsigned int n_signals;
	struct dma_fence *last;
};

/**
 * struct batch - a submission with room for what the ioctl may bring
 * @base: the submission
 * @args: as userspace gave them
 * @run: for @base
 * @signal: for @base
 */
struct batch {
	struct submission base;
	const struct drm_fxq_submit *args;
	struct fxq_run *run[DRM_FXQ_MAX_SUBMIT];
	struct signal signal[DRM_FXQ_MAX_SUBMIT];
};

static int check_args(const struct drm_fxq_submit *args)
{
	if (args->flags & ~DRM_FXQ_SUBMIT_NONBLOCK)
		return -EINVAL;
	if (!args->job_count || args->job_count > DRM_FXQ_MAX_SUBMIT ||
	    args->wait_count > DRM_FXQ_MAX_SUBMIT ||
	    args->signal_count > DRM_FXQ_MAX_SUBMIT)
		return -EINVAL;
	if ((args->wait_count || args->signal_count) &&
	    (args->sync_stride < sizeof(struct drm_fxq_sync) ||
	     args->sync_stride > PAGE_SIZE))
		return -EINVAL;
	return 0;
}

static int add_run(struct submission *s, struct fxq_job *job)
{
	struct fxq_run *run;

	if (job->ctx != s->ctx)
		return -EINVAL;
	run = fxq_run_new(job, s->file);
	if (IS_ERR(run))
		return PTR_ERR(run);
	s->run[s->n_runs++] = run;
	return 0;
}

static int add_signal(struct submission *s, u32 handle, u64 point)
{
	struct signal *to = &s->signal[s->n_signals];

	to->syncobj = drm_syncobj_find(s->file, handle);
	if (!to->syncobj)
		return -ENOENT;
	s->n_signals++;
	to->point = point;
	if (!point)
		return 0;
	to->chain = dma_fence_chain_alloc();
	return to->chain ? 0 : -ENOMEM;
}

/* What the ioctl brings */

static int gather_runs(struct batch *b)
{
	const u32 __user *ids = u64_to_user_ptr(b->args->jobs);
	struct submission *s = &b->base;
	struct fxq_job *job;
	u32 id;
	int ret;

	while (s->n_runs < b->args->job_count) {
		if (get_user(id, ids + s->n_runs))
			return -EFAULT;
		job = fxq_job_find(s->file->driver_priv, id);
		if (!job)
			return -ENOENT;
		ret = add_run(s, job);
		fxq_job_put(job);
		if (ret)
			return ret;
	}
	return 0;
}

static int read_sync(const struct batch *b, u64 array, unsigned int i,
		     struct drm_fxq_sync *sync)
{
	u32 stride = b->args->sync_stride;
	int ret;

	ret = copy_struct_from_user(sync, sizeof(*sync),
				    u64_to_user_ptr(array) + (u64)i * stride,
				    stride);
	if (ret)
		return ret == -E2BIG ? -EINVAL : ret;
	return sync->flags ? -EINVAL : 0;
}

/* What must have happened before the first run. */
static int gather_waits(struct batch *b)
{
	struct submission *s = &b->base;
	struct drm_fxq_sync sync;
	struct dma_fence *fence;
	unsigned int i;
	int ret;

	for (i = 0; i < b->args->wait_count; i++) {
		ret = read_sync(b, b->args->waits, i, &sync);
		if (!ret)
			ret = drm_syncobj_find_fence(s->file, sync.handle,
						     sync.point, 0, &fence);
		if (!ret)
			ret = drm_sched_job_add_dependency(&s->run[0]->base,
							   fence);
		if (ret)
			return ret;
	}
	return 0;
}

static int gather_signals(struct batch *b)
{
	struct drm_fxq_sync sync;
	int ret = 0;

	while (b->base.n_signals < b->args->signal_count && !ret) {
		ret = read_sync(b, b->args->signals, b->base.n_signals, &sync);
		if (!ret)
			ret = add_signal(&b->base, sync.handle, sync.point);
	}
	return ret;
}

static int gather(struct batch *b)
{
	int ret = gather_runs(b);

	if (!ret)
		ret = gather_waits(b);
	return ret ? ret : gather_signals(b);
}

/* What both do */

/* Buffers that others see, with room for a fence each, and what they wait for. */
static int reserve(struct submission *s, struct drm_exec *exec)
{
	struct fxq_mapping *m;
	struct fxq_job *job;
	unsigned int i, r;
	int ret;

	for (i = 0; i < s->n_runs; i++) {
		job = s->run[i]->job;
		for (r = 0; r < job->n_regions; r++) {
			m = job->mapping[r];
			if (!m || !fxq_gem_is_shared(m->obj))
				continue;
			/* A context's fences take two: written and read. */
			ret = drm_exec_prepare_obj(exec, m->obj, 2);
			if (ret)
				return ret;
		}
	}
	return 0;
}

static int gather_implicit(struct fxq_run *run)
{
	struct fxq_job *job = run->job;
	struct fxq_mapping *m;
	unsigned int r;
	int ret;

	for (r = 0; r < job->n_regions; r++) {
		m = job->mapping[r];
		if (!m || !fxq_gem_is_shared(m->obj))
			continue;
		ret = drm_sched_job_add_implicit_dependencies(&run->base,
							      m->obj,
							      job->written[r]);
		if (ret)
			return ret;
	}
	return 0;
}

static void add_implicit(struct fxq_run *run)
{
	struct fxq_job *job = run->job;
	struct fxq_mapping *m;
	unsigned int r;

	for (r = 0; r < job->n_regions; r++) {
		m = job->mapping[r];
		if (m && fxq_gem_is_shared(m->obj))
			dma_resv_add_fence(m->obj->resv,
					   &run->base.s_fence->finished,
					   job->written[r] ?
					   DMA_RESV_USAGE_WRITE :
					   DMA_RESV_USAGE_READ);
	}
}

static bool has_room(struct fxq_ctx *ctx, int n)
{
	return atomic_read(&ctx->inflight) + n <= FXQ_INFLIGHT_MAX;
}

/* Locks ctx->submit with room for the runs; sleeps for it if it may. */
static int lock_with_room(struct submission *s)
{
	struct fxq_ctx *ctx = s->ctx;
	int n = s->n_runs, ret;

	for (;;) {
		ret = mutex_lock_interruptible(&ctx->submit);
		if (ret)
			return ret;
		ret = fxq_ctx_error(ctx);
		if (!ret && has_room(ctx, n))
			return 0;
		mutex_unlock(&ctx->submit);
		if (ret)
			return ret;
		if (s->nonblock)
			return -EBUSY;
		ret = wait_event_interruptible(ctx->fdev->room,
					       fxq_ctx_error(ctx) ||
					       has_room(ctx, n));
		if (ret)
			return ret;
	}
}

/* Nothing here fails. */
static void push(struct submission *s)
{
	unsigned int i;

	atomic_add(s->n_runs, &s->ctx->inflight);
	for (i = 0; i < s->n_runs; i++) {
		struct fxq_run *run = s->run[i];

		fxq_pm_hold(run);
		fxq_run_arm(run);
		add_implicit(run);
		dma_fence_put(s->last);
		s->last = dma_fence_get(&run->base.s_fence->finished);
		drm_sched_entity_push_job(&run->base);
	}
	for (i = 0; i < s->n_signals; i++) {
		struct signal *to = &s->signal[i];

		if (to->chain)
			drm_syncobj_add_point(to->syncobj, to->chain, s->last,
					      to->point);
		else
			drm_syncobj_replace_fence(to->syncobj, s->last);
		to->chain = NULL;
	}
	s->n_runs = 0;
}

/* The same with fences on buffers that others see. */
static int push_shared(struct submission *s)
{
	struct drm_exec exec;
	unsigned int i;
	int ret;

	drm_exec_init(&exec, DRM_EXEC_INTERRUPTIBLE_WAIT |
		      DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(&exec) {
		ret = reserve(s, &exec);
		drm_exec_retry_on_contention(&exec);
		if (ret)
			break;
	}
	for (i = 0; i < s->n_runs && !ret; i++)
		ret = gather_implicit(s->run[i]);
	if (!ret)
		push(s);
	drm_exec_fini(&exec);
	return ret;
}

static bool is_shared(const struct submission *s)
{
	unsigned int i;

	for (i = 0; i < s->n_runs; i++)
		if (s->run[i]->job->shared)
			return true;
	return false;
}

/* All is gathered; this waits for room, and does it. */
static int submit(struct submission *s)
{
	int ret = lock_with_room(s);

	if (ret)
		return ret;
	if (is_shared(s))
		ret = push_shared(s);
	else
		push(s);
	mutex_unlock(&s->ctx->submit);
	return ret;
}

/* Of what was submitted nothing is left here. */
static void submission_drop(struct submission *s)
{
	while (s->n_runs)
		fxq_run_drop(s->run[--s->n_runs]);
	while (s->n_signals) {
		struct signal *to = &s->signal[--s->n_signals];

		dma_fence_chain_free(to->chain);
		drm_syncobj_put(to->syncobj);
	}
}

static int submit_batch(struct batch *b)
{
	struct fxq_device *fdev = b->base.ctx->fdev;
	int ret;

	if (drm_dev_is_unplugged(&fdev->drm))
		return -ENODEV;
	ret = fxq_pm_get(fdev);
	if (ret)
		return ret;
	ret = gather(b);
	if (!ret)
		ret = submit(&b->base);
	fxq_pm_put(fdev);
	submission_drop(&b->base);
	dma_fence_put(b->base.last);
	return ret;
}

int fxq_submit_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	const struct drm_fxq_submit *args = data;
	struct batch *b;
	int ret;

	ret = check_args(args);
	if (ret)
		return ret;
	b = kzalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);
	if (!b)
		return -ENOMEM;
	b->args = args;
	b->base.file = file;
	b->base.nonblock = args->flags & DRM_FXQ_SUBMIT_NONBLOCK;
	b->base.run = b->run;
	b->base.signal = b->signal;
	b->base.ctx = fxq_ctx_find(file->driver_priv, args->ctx);
	ret = b->base.ctx ? submit_batch(b) : -ENOENT;
	fxq_ctx_put(b->base.ctx);
	kfree(b);
	return ret;
}

static int submit_one(struct submission *s, struct fxq_job *job,
		      const struct drm_fxq_uring_submit *args)
{
	int ret;

	if (s->nonblock)
		ret = fxq_pm_get_if_awake(s->ctx->fdev);
	else
		ret = fxq_pm_get(s->ctx->fdev);
	if (ret)
		return ret;
	ret = add_run(s, job);
	if (!ret && args->syncobj)
		ret = add_signal(s, args->syncobj, args->point);
	if (!ret)
		ret = submit(s);
	fxq_pm_put(s->ctx->fdev);
	submission_drop(s);
	return ret;
}

/**
 * fxq_submit_one - queue a run of one job
 * @file: whose
 * @args: the job, and what its end signals
 * @nonblock: -EBUSY rather than sleep, for room or until the device is awake
 *
 * Return: the fence of the run with a reference, or an error pointer; then
 * nothing was done.
 */
struct dma_fence *fxq_submit_one(struct drm_file *file,
				 const struct drm_fxq_uring_submit *args,
				 bool nonblock)
{
	struct fxq_run *run;
	struct signal signal = { 0 };
	struct submission s = {
		.file = file, .nonblock = nonblock,
		.run = &run, .signal = &signal,
	};
	struct fxq_job *job;
	int ret;

	if (args->point && !args->syncobj)
		return ERR_PTR(-EINVAL);
	job = fxq_job_find(file->driver_priv, args->job);
	if (!job)
		return ERR_PTR(-ENOENT);
	s.ctx = job->ctx;
	ret = submit_one(&s, job, args);
	fxq_job_put(job);
	return ret ? ERR_PTR(ret) : s.last;
}
