// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_ctx.c - contexts: who may run, and what becomes of who may not
 *
 * A context is an entry of the device's table, a queue of the scheduler and an
 * address space (fxq_space.c). The first run of it that faults or hangs bans it:
 * what follows is not run any more. Its number and its jobs hold it; when both
 * have gone a worker of fxq_wq takes it from the device, for that sleeps.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <drm/drm_drv.h>
#include <drm/drm_print.h>
#include <drm/fxq_accel.h>

#include "fxq_compat.h"
#include "fxq_ctx.h"
#include "fxq_device.h"
#include "fxq_job.h"
#include "fxq_trace.h"

/* What the device is told */

/**
 * fxq_ctx_obey - have the device do something about a context
 * @ctx: the context, with fdev->admin held
 * @kind: INVALIDATE, STOP or REARM
 * @first: INVALIDATE: first device address
 * @last: INVALIDATE: last device address
 *
 * A device that does not obey is reset, which is as good.
 *
 * Return: 0, or what runs end with since the device was given up.
 */
int fxq_ctx_obey(struct fxq_ctx *ctx, enum fxq_submit_kind kind, u64 first,
		 u64 last)
{
	int ret = fxq_ring_admin(ctx->fdev, kind, ctx->hw, first, last);

	return ret == -ETIMEDOUT ? fxq_reset_deaf(ctx->fdev) : ret;
}

/* State */

/**
 * fxq_ctx_ban - a run of the context faulted or hung: it runs no more
 * @ctx: the context
 * @error: that the run ends with
 * @job: number of its job
 * @record: what the device says of it, or NULL
 *
 * The first fault is the one that is told. May be called under any lock.
 *
 * Return: whether it is the first.
 */
bool fxq_ctx_ban(struct fxq_ctx *ctx, int error, u32 job,
		 const struct fxq_complete *record)
{
	unsigned long flags;
	bool first;

	spin_lock_irqsave(&ctx->state_lock, flags);
	first = ctx->state == DRM_FXQ_CTX_READY;
	if (first) {
		ctx->state = error == -ENODEV ? DRM_FXQ_CTX_LOST :
						DRM_FXQ_CTX_BANNED;
		ctx->error = error;
		ctx->fault_job = job;
	}
	/* Where a run hung is known later than that it did. */
	if (record && ctx->error == error && ctx->fault_job == job &&
	    !ctx->fault.cause) {
		if (record->cause != FXQ_CAUSE_STOPPED)
			ctx->fault.cause = record->cause;
		ctx->fault.index = record->index;
		ctx->fault.tag = record->tag;
		ctx->fault.address = record->address;
	}
	spin_unlock_irqrestore(&ctx->state_lock, flags);
	if (first)
		trace_fxq_ctx_ban(ctx, error, job);
	wake_up_all(&ctx->fdev->room);
	return first;
}

/**
 * fxq_ctx_error - may the context run?
 * @ctx: the context
 *
 * Return: 0, -ECANCELED if it is banned, or what runs end with since the device
 * was given up.
 */
int fxq_ctx_error(const struct fxq_ctx *ctx)
{
	if (READ_ONCE(ctx->fdev->dead))
		return ctx->fdev->dead;
	return READ_ONCE(ctx->state) == DRM_FXQ_CTX_READY ? 0 : -ECANCELED;
}

/* Lifetime */

/* Nobody takes them all, in however many files, with fdev->admin held. */
static bool has_too_many(struct fxq_device *fdev, kuid_t user)
{
	unsigned int hw, n = 0;

	for_each_set_bit(hw, fdev->contexts, FXQ_CONTEXTS_MAX)
		n += uid_eq(fdev->owner[hw], user);
	return n >= FXQ_USER_CONTEXTS && !capable(CAP_SYS_RESOURCE);
}

static int claim_hw(struct fxq_ctx *ctx)
{
	struct fxq_device *fdev = ctx->fdev;
	struct fxq_context_entry *entry;
	int ret;

	mutex_lock(&fdev->admin);
	ctx->hw = find_next_zero_bit(fdev->contexts, FXQ_CONTEXTS_MAX, 1);
	if (ctx->hw >= FXQ_CONTEXTS_MAX ||
	    has_too_many(fdev, current_euid())) {
		ret = -ENOSPC;
		goto unlock;
	}
	entry = &fdev->ring.contexts[ctx->hw];
	entry->root = fxq_mmu_root(&ctx->mmu);
	dma_wmb();
	entry->flags = FXQ_CONTEXT_ENABLED;
	/* Whoever had the entry before may have been stopped. */
	ret = fxq_ctx_obey(ctx, FXQ_SUBMIT_REARM, 0, 0);
	if (ret) {
		entry->flags = 0;
		goto unlock;
	}
	fdev->owner[ctx->hw] = current_euid();
	set_bit(ctx->hw, fdev->contexts);
unlock:
	mutex_unlock(&fdev->admin);
	return ret;
}

static void release_hw(struct fxq_ctx *ctx)
{
	struct fxq_device *fdev = ctx->fdev;

	mutex_lock(&fdev->admin);
	/* What it left in the scratchpad is not for whoever comes after. */
	fxq_ctx_obey(ctx, FXQ_SUBMIT_STOP, 0, 0);
	fdev->ring.contexts[ctx->hw].flags = 0;
	dma_wmb();
	fxq_ctx_obey(ctx, FXQ_SUBMIT_INVALIDATE, 0, ~0ull);
	clear_bit(ctx->hw, fdev->contexts);
	fdev->ctx[ctx->hw] = NULL;
	mutex_unlock(&fdev->admin);
}

/* On fxq_wq, when neither file nor job knows the context. */
static void ctx_release(struct work_struct *work)
{
	struct fxq_ctx *ctx = container_of(work, struct fxq_ctx, release);

	fxq_space_clear(ctx);
	release_hw(ctx);
	fxq_space_fini(ctx);
	mutex_destroy(&ctx->submit);
	fxq_client_put(ctx->client);
	drm_dev_put(&ctx->fdev->drm);
	kfree(ctx);
	module_put(THIS_MODULE);
}

static void ctx_unreferenced(struct kref *ref)
{
	struct fxq_ctx *ctx = container_of(ref, struct fxq_ctx, ref);

	queue_work(fxq_wq, &ctx->release);
}

/**
 * fxq_ctx_put - drop a reference; may be called under any lock
 * @ctx: the context, or NULL
 */
void fxq_ctx_put(struct fxq_ctx *ctx)
{
	if (ctx)
		kref_put(&ctx->ref, ctx_unreferenced);
}

/**
 * fxq_ctx_stop - end all runs of a context whose number is gone
 * @ctx: the context
 */
void fxq_ctx_stop(struct fxq_ctx *ctx)
{
	struct fxq_device *fdev = ctx->fdev;

	/* A submission is either pushed before this or sees the ban. */
	mutex_lock(&ctx->submit);
	fxq_ctx_ban(ctx, -ECANCELED, 0, NULL);
	mutex_unlock(&ctx->submit);
	mutex_lock(&fdev->admin);
	if (atomic_read(&ctx->inflight))
		fxq_ctx_obey(ctx, FXQ_SUBMIT_STOP, 0, 0);
	/*
	 * What still waits for others is not for the device any more. A
	 * scheduler that takes a run just then puts the entity back into its
	 * queue, dead or not, and would take the next while that is killed.
	 */
	drm_sched_wqueue_stop(&fdev->sched->base);
	drm_sched_entity_fini(&ctx->entity);
	if (!fdev->suspended)
		drm_sched_wqueue_start(&fdev->sched->base);
	mutex_unlock(&fdev->admin);
}

/* From here on whoever lists contexts finds it, and may hold it. */
static void publish_hw(struct fxq_ctx *ctx)
{
	mutex_lock(&ctx->fdev->admin);
	ctx->fdev->ctx[ctx->hw] = ctx;
	mutex_unlock(&ctx->fdev->admin);
}

static const enum drm_sched_priority priorities[] = {
	[DRM_FXQ_PRIORITY_NORMAL] = DRM_SCHED_PRIORITY_NORMAL,
	[DRM_FXQ_PRIORITY_LOW] = DRM_SCHED_PRIORITY_LOW,
	[DRM_FXQ_PRIORITY_HIGH] = DRM_SCHED_PRIORITY_HIGH,
};

static struct fxq_ctx *ctx_new(struct fxq_file *file, u32 priority)
{
	struct fxq_device *fdev = file->fdev;
	struct fxq_ctx *ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!ctx)
		return ERR_PTR(-ENOMEM);
	kref_init(&ctx->ref);
	ctx->fdev = fdev;
	ctx->client = fxq_client_get(file->client);
	INIT_WORK(&ctx->release, ctx_release);
	mutex_init(&ctx->submit);
	spin_lock_init(&ctx->state_lock);
	ctx->fence_context = dma_fence_context_alloc(1);
	ctx->resets_before = atomic_read(&fdev->resets);
	ret = fxq_space_init(ctx);
	if (ret)
		goto free_ctx;
	ret = claim_hw(ctx);
	if (ret)
		goto fini_space;
	ret = drm_sched_entity_init(&ctx->entity, priorities[priority],
				    fdev->scheds, 1, NULL);
	if (ret)
		goto release;
	drm_dev_get(&fdev->drm);
	__module_get(THIS_MODULE);
	publish_hw(ctx);
	return ctx;

release:
	release_hw(ctx);
fini_space:
	fxq_space_fini(ctx);
free_ctx:
	mutex_destroy(&ctx->submit);
	fxq_client_put(ctx->client);
	kfree(ctx);
	return ERR_PTR(ret);
}

/**
 * fxq_ctx_find - look a context up
 * @file: whose
 * @id: its number
 *
 * Return: the context with a reference, or NULL.
 */
struct fxq_ctx *fxq_ctx_find(struct fxq_file *file, u32 id)
{
	struct fxq_ctx *ctx;

	mutex_lock(&file->lock);
	ctx = xa_load(&file->contexts, id);
	if (ctx)
		kref_get(&ctx->ref);
	mutex_unlock(&file->lock);
	return ctx;
}

int fxq_ctx_create_ioctl(struct drm_device *drm, void *data,
			 struct drm_file *drm_file)
{
	struct fxq_file *file = drm_file->driver_priv;
	struct drm_fxq_ctx_create *args = data;
	struct fxq_ctx *ctx;
	int ret, cookie;

	if (args->flags || args->pad ||
	    args->priority >= ARRAY_SIZE(priorities))
		return -EINVAL;
	if (args->priority == DRM_FXQ_PRIORITY_HIGH && !capable(CAP_SYS_NICE))
		return -EPERM;
	if (!drm_dev_enter(drm, &cookie))
		return -ENODEV;
	ctx = ctx_new(file, array_index_nospec(args->priority,
					       ARRAY_SIZE(priorities)));
	drm_dev_exit(cookie);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	mutex_lock(&file->lock);
	ret = xa_alloc(&file->contexts, &args->ctx, ctx,
		       XA_LIMIT(1, FXQ_FILE_CONTEXTS), GFP_KERNEL);
	mutex_unlock(&file->lock);
	if (ret) {
		fxq_ctx_stop(ctx);
		fxq_ctx_put(ctx);
	}
	return ret == -EBUSY ? -ENOSPC : ret;
}

int fxq_ctx_destroy_ioctl(struct drm_device *drm, void *data,
			  struct drm_file *drm_file)
{
	struct fxq_file *file = drm_file->driver_priv;
	struct drm_fxq_ctx_destroy *args = data;
	struct fxq_ctx *ctx;

	if (args->pad)
		return -EINVAL;
	mutex_lock(&file->lock);
	ctx = xa_erase(&file->contexts, args->ctx);
	mutex_unlock(&file->lock);
	if (!ctx)
		return -ENOENT;
	/* Banned first: from then on JOB_CREATE adds none. */
	fxq_ctx_stop(ctx);
	fxq_job_drop_all(file, ctx);
	fxq_ctx_put(ctx);
	return 0;
}

int fxq_ctx_query_ioctl(struct drm_device *drm, void *data,
			struct drm_file *drm_file)
{
	struct drm_fxq_ctx_query *args = data;
	struct fxq_ctx *ctx;
	unsigned long flags;

	if (args->pad)
		return -EINVAL;
	ctx = fxq_ctx_find(drm_file->driver_priv, args->ctx);
	if (!ctx)
		return -ENOENT;
	spin_lock_irqsave(&ctx->state_lock, flags);
	args->state = READ_ONCE(ctx->fdev->dead) ? DRM_FXQ_CTX_LOST :
						   ctx->state;
	args->error = ctx->error;
	args->fault_cause = ctx->fault.cause;
	args->fault_index = ctx->fault.index;
	args->fault_tag = ctx->fault.tag;
	args->fault_address = ctx->fault.address;
	args->fault_job = ctx->fault_job;
	args->runs = ctx->runs;
	args->cycles = ctx->cycles;
	spin_unlock_irqrestore(&ctx->state_lock, flags);
	args->resets = atomic_read(&ctx->fdev->resets) - ctx->resets_before;
	args->inflight = atomic_read(&ctx->inflight);
	fxq_ctx_put(ctx);
	return 0;
}
