// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_sched.c - runs and the scheduler: whose turn it is, and how it ended
 *
 * One scheduler with as many credits as the ring has entries for jobs. All that
 * a run needs is allocated before it is armed; here it is only handed over,
 * ended, and freed.
 */
#include <linux/dma-fence.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <drm/drm_managed.h>
#include <drm/fxq_accel.h>

#include "fxq_compat.h"
#include "fxq_coredump.h"
#include "fxq_ctx.h"
#include "fxq_device.h"
#include "fxq_job.h"
#include "fxq_pm.h"
#include "fxq_run.h"
#include "fxq_submit.h"
#include "fxq_trace.h"

static void sched_free(struct kref *ref)
{
	kfree(container_of(ref, struct fxq_sched, ref));
}

static void sched_put(struct fxq_sched *sched)
{
	kref_put(&sched->ref, sched_free);
}

/**
 * struct fxq_fence - signalled when the device is done with a run
 * @base: the fence
 * @lock: its own, so that it needs neither run nor device
 * @sched: with a reference, where fences keep their driver's functions
 * @cycles: that the run took, when it has ended
 */
struct fxq_fence {
	struct dma_fence base;
	spinlock_t lock;
	struct fxq_sched *sched;
	u64 cycles;
};

static struct fxq_fence *to_fxq_fence(struct dma_fence *fence)
{
	return container_of(fence, struct fxq_fence, base);
}

static const char *fence_driver(struct dma_fence *fence)
{
	return "fxq";
}

static const char *fence_timeline(struct dma_fence *fence)
{
	return "context";
}

#ifndef FXQ_HAVE_FENCE_DETACH
/*
 * Who holds a fence, signalled or not, may ask for its names. A sync_file holds
 * that of the scheduler, which reads its own there, and holds ours, which calls
 * the functions above: scheduler and module stay as long as our fence.
 */
static void fence_hold(struct fxq_fence *fence, struct fxq_device *fdev)
{
	kref_get(&fdev->sched->ref);
	fence->sched = fdev->sched;
	/* The caller's file has it, so this cannot fail. */
	__module_get(THIS_MODULE);
}

/* The scheduler's fence of a run that it never handed over has not got ours. */
static void fence_adopt(struct fxq_run *run)
{
	struct drm_sched_fence *s_fence = run->base.s_fence;

	if (s_fence->parent)
		return;
	/* Pairs with the load of who sets a deadline. */
	smp_store_release(&s_fence->parent, dma_fence_get(run->fence));
}

static void fence_free(struct rcu_head *rcu)
{
	struct fxq_fence *fence = container_of(rcu, struct fxq_fence, base.rcu);

	sched_put(fence->sched);
	kfree(fence);
	/* fxq_exit() waits until this has returned. */
	module_put(THIS_MODULE);
}

static void fence_release(struct dma_fence *fence)
{
	call_rcu(&fence->rcu, fence_free);
}
#else
static void fence_hold(struct fxq_fence *fence, struct fxq_device *fdev)
{
}

static void fence_adopt(struct fxq_run *run)
{
}
#endif

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_driver,
	.get_timeline_name = fence_timeline,
#ifndef FXQ_HAVE_FENCE_DETACH
	.release = fence_release,
#endif
};

/**
 * fxq_run_new - all that a run of a job needs
 * @job: the job
 * @file: for whom
 *
 * Return: the run, not armed, or an error pointer.
 */
struct fxq_run *fxq_run_new(struct fxq_job *job, struct drm_file *file)
{
	struct fxq_fence *fence;
	struct fxq_run *run;
	int ret;

	run = kzalloc(sizeof(*run), GFP_KERNEL_ACCOUNT);
	fence = kzalloc(sizeof(*fence), GFP_KERNEL_ACCOUNT);
	if (!run || !fence) {
		ret = -ENOMEM;
		goto free_both;
	}
	ret = drm_sched_job_init(&run->base, &job->ctx->entity, 1, file,
				 file->client_id);
	if (ret)
		goto free_both;
	spin_lock_init(&fence->lock);
	run->fence = &fence->base;
	run->job = job;
	kref_get(&job->ref);
	return run;

free_both:
	kfree(fence);
	kfree(run);
	return ERR_PTR(ret);
}

/**
 * fxq_run_arm - number the run's fence; from here on it is pushed
 * @run: the run, whose context's submit lock is held
 */
void fxq_run_arm(struct fxq_run *run)
{
	struct fxq_fence *fence = to_fxq_fence(run->fence);
	struct fxq_ctx *ctx = run->job->ctx;

	fence_hold(fence, ctx->fdev);
	dma_fence_init(&fence->base, &fence_ops, &fence->lock,
		       ctx->fence_context, ++ctx->seqno);
	drm_sched_job_arm(&run->base);
	run->armed = true;
}

/**
 * fxq_run_drop - free a run that was never armed
 * @run: the run
 */
void fxq_run_drop(struct fxq_run *run)
{
	drm_sched_job_cleanup(&run->base);
	kfree(to_fxq_fence(run->fence));
	fxq_job_put(run->job);
	kfree(run);
}

/*
 * What the fence of a run carries whose record is @record. Whoever waits for
 * the last of his runs learns from it that one before it failed.
 */
static int error_of(struct fxq_ctx *ctx, const struct fxq_complete *record)
{
	if (record->cause == FXQ_CAUSE_NONE)
		return READ_ONCE(ctx->state) == DRM_FXQ_CTX_BANNED ?
		       -ECANCELED : 0;
	if (record->cause == FXQ_CAUSE_STOPPED)
		return -ECANCELED;
	return -EIO;
}

/* Remembers how it went, for JOB_QUERY and CTX_QUERY. */
static void account(struct fxq_run *run, const struct fxq_complete *record,
		    int error)
{
	u64 cycles = record ? record->cycles : 0;
	struct fxq_job *job = run->job;
	struct fxq_ctx *ctx = job->ctx;
	unsigned long flags;

	spin_lock_irqsave(&job->lock, flags);
	job->runs++;
	job->status = error;
	job->cycles = cycles;
	spin_unlock_irqrestore(&job->lock, flags);

	spin_lock_irqsave(&ctx->state_lock, flags);
	if (!error) {
		ctx->runs++;
		ctx->cycles += cycles;
	}
	spin_unlock_irqrestore(&ctx->state_lock, flags);
	fxq_usage_end(run, record);
}

/**
 * fxq_run_end - the device is done with a run
 * @run: the run, no longer in the ring; may be freed when this returns
 * @record: what the device says, or NULL
 * @error: what the driver says, if @record is NULL
 *
 * Signals the fence; called with interrupts on or off, under no lock that a
 * fence's callback could want.
 */
void fxq_run_end(struct fxq_run *run, const struct fxq_complete *record,
		 int error)
{
	struct dma_fence *fence = dma_fence_get(run->fence);
	struct fxq_ctx *ctx = run->job->ctx;

	if (run->verdict)
		error = run->verdict;
	else if (record)
		error = error_of(ctx, record);
	if (error && error != -ECANCELED &&
	    (fxq_ctx_ban(ctx, error, run->job->id, record) || run->verdict))
		fxq_coredump(run, record, error);
	account(run, record, error);
	to_fxq_fence(fence)->cycles = record ? record->cycles : 0;
	trace_fxq_run_end(run, record, error);
	if (error)
		dma_fence_set_error(fence, error);
	run->ended = true;
	atomic_dec(&ctx->inflight);
	wake_up_all(&ctx->fdev->room);
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

/**
 * fxq_run_cycles - how many cycles a run took
 * @finished: what SUBMIT gave for it, signalled
 *
 * Return: their number, 0 if the device never said.
 */
u64 fxq_run_cycles(struct dma_fence *finished)
{
	/* Kernels that detach fences when they signal know them no more. */
	struct dma_fence *fence = container_of(finished, struct drm_sched_fence,
					       finished)->parent;

	return fence ? to_fxq_fence(fence)->cycles : 0;
}

static struct dma_fence *run_job(struct drm_sched_job *base)
{
	struct fxq_run *run = to_run(base);
	struct fxq_ctx *ctx = run->job->ctx;
	struct dma_fence *fence = dma_fence_get(run->fence);
	bool cookie = dma_fence_begin_signalling();
	int error = fxq_ctx_error(ctx);

	/* What is before it in its context may have failed it. */
	if (!error)
		error = fxq_ring_submit(ctx->fdev, run);
	if (error)
		fxq_ring_cancel(ctx->fdev, run, error);
	dma_fence_end_signalling(cookie);
	return fence;
}

static enum drm_gpu_sched_stat timedout_job(struct drm_sched_job *base)
{
	struct fxq_run *run = to_run(base);
	bool cookie = dma_fence_begin_signalling();
	enum drm_gpu_sched_stat stat;

	stat = fxq_reset_judge(run->job->ctx->fdev, run);
	dma_fence_end_signalling(cookie);
	return stat;
}

/* The last word on an armed run, whether it ever ran or not. */
static void free_job(struct drm_sched_job *base)
{
	struct fxq_run *run = to_run(base);

	if (!run->ended)
		fxq_run_end(run, NULL, -ECANCELED);
	fence_adopt(run);
	drm_sched_job_cleanup(base);
	dma_fence_put(run->fence);
	fxq_pm_release(run);
	fxq_job_put(run->job);
	kfree(run);
}

static const struct drm_sched_backend_ops sched_ops = {
	.run_job = run_job,
	.timedout_job = timedout_job,
	.free_job = free_job,
};

static void sched_fini(struct drm_device *drm, void *data)
{
	struct fxq_device *fdev = data;

	drm_sched_fini(&fdev->sched->base);
	destroy_workqueue(fdev->timeouts);
	/* Who found a fence not signalled may be reading names still. */
	synchronize_rcu();
	sched_put(fdev->sched);
}

/**
 * fxq_sched_setup - make the device's scheduler
 * @fdev: the device, whose ring has its depth
 *
 * It goes with the last reference to the device, when no context is left.
 *
 * Return: 0 or a negative errno.
 */
int fxq_sched_setup(struct fxq_device *fdev)
{
	struct drm_sched_init_args args = {
		.ops = &sched_ops,
		.num_rqs = DRM_SCHED_PRIORITY_COUNT,
		.credit_limit = fxq_ring_credits(fdev),
		.timeout = msecs_to_jiffies(fxq_job_timeout_ms),
		.name = "fxq",
		.dev = fdev->drm.dev,
	};
	int ret;

	fdev->sched = kzalloc(sizeof(*fdev->sched), GFP_KERNEL);
	if (!fdev->sched)
		return -ENOMEM;
	kref_init(&fdev->sched->ref);
	ret = -ENOMEM;
	fdev->timeouts = alloc_ordered_workqueue("fxq-timeouts",
						 WQ_MEM_RECLAIM);
	if (!fdev->timeouts)
		goto put_sched;
	args.timeout_wq = fdev->timeouts;
	ret = drm_sched_init(&fdev->sched->base, &args);
	if (ret)
		goto destroy_timeouts;
	fdev->scheds[0] = &fdev->sched->base;
	return drmm_add_action_or_reset(&fdev->drm, sched_fini, fdev);

destroy_timeouts:
	destroy_workqueue(fdev->timeouts);
put_sched:
	sched_put(fdev->sched);
	return ret;
}
