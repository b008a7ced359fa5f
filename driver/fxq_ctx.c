// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_ctx.c - contexts: address spaces, and what becomes of their runs
 *
 * A buffer is mapped once and whole, when a job first names it, and stays
 * mapped while its handle is open: preparing jobs is cheap the second time. A
 * mapping holds the buffer; no buffer points to a context or a file, so either
 * may go first. When addresses run short, mappings that no job binds go, the
 * oldest first.
 *
 * Taking a mapping away means: clear the entries, have the device forget them,
 * and only then let go of the pages. That sleeps, so it happens in ioctls and
 * on fxq_wq, never where fences are signalled.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <drm/drm_drv.h>
#include <drm/drm_print.h>
#include <drm/fxq_accel.h>

#include "fxq_compat.h"
#include "fxq_ctx.h"
#include "fxq_device.h"
#include "fxq_gem.h"
#include "fxq_job.h"
#include "fxq_trace.h"

/*
 * Regions are below, what the driver maps for itself above: no region can name
 * a stream or a binding table. An unused page behind each mapping catches
 * whoever runs over its end.
 */
#define VA_FIRST	FXQ_PAGE_BYTES
#define VA_OWN		(3ull << (fxq_va_bits - 2))
#define VA_END		BIT_ULL(fxq_va_bits)

/* Memory of page tables */

static u64 *alloc_table(void *priv, u64 *bus)
{
	struct fxq_device *fdev = priv;
	dma_addr_t addr;
	u64 *entry;

	entry = dma_alloc_coherent(fdev->drm.dev, FXQ_PAGE_BYTES, &addr,
				   GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	*bus = addr;
	return entry;
}

static void free_table(void *priv, u64 *entry, u64 bus)
{
	struct fxq_device *fdev = priv;

	dma_free_coherent(fdev->drm.dev, FXQ_PAGE_BYTES, entry, bus);
}

static const struct fxq_mmu_ops mmu_ops = {
	.alloc = alloc_table,
	.free = free_table,
};

/* Mappings */

/*
 * Has the device do something about the context, with fdev->admin held. One
 * that does not obey is reset.
 */
static int obey(struct fxq_ctx *ctx, enum fxq_submit_kind kind, u64 first,
		u64 last)
{
	int ret = fxq_ring_admin(ctx->fdev, kind, ctx->hw, first, last);

	return ret == -ETIMEDOUT ? fxq_reset_deaf(ctx->fdev) : ret;
}

/*
 * The device forgets a range of the context. A device that is gone forgets by
 * itself.
 */
static void invalidate(struct fxq_ctx *ctx, u64 first, u64 last)
{
	mutex_lock(&ctx->fdev->admin);
	dma_wmb();
	obey(ctx, FXQ_SUBMIT_INVALIDATE, first, last);
	mutex_unlock(&ctx->fdev->admin);
}

/* Maps @size bytes of the memory at the node; undoes that if it fails. */
static int fill_node(struct fxq_ctx *ctx, const struct drm_mm_node *node,
		     struct sg_table *sgt, u64 size, bool writable)
{
	struct scatterlist *sg;
	u64 done = 0;
	int ret = 0, i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		u64 len = min_t(u64, sg_dma_len(sg), size - done);

		if (!IS_ALIGNED(sg_dma_address(sg) | len, FXQ_PAGE_BYTES)) {
			ret = -EINVAL;
			break;
		}
		ret = fxq_mmu_map(&ctx->mmu, node->start + done,
				  sg_dma_address(sg), len, writable);
		if (ret)
			break;
		done += len;
	}
	if (!ret && done == size)
		return 0;
	/* No run knows the addresses, but the device may look ahead. */
	fxq_mmu_unmap(&ctx->mmu, node->start, done);
	invalidate(ctx, node->start, node->start + size - 1);
	return ret ? ret : -EINVAL;
}

/**
 * fxq_ctx_map_sgt - map memory somewhere
 * @ctx: the context, with ctx->lock held
 * @node: where it then is
 * @sgt: the memory, mapped for DMA
 * @size: bytes that @sgt must have
 * @writable: for the device
 * @own: the driver's, out of reach of regions
 *
 * Return: 0, -ENOSPC without addresses, -ENOMEM, -EINVAL or -ENODEV.
 */
int fxq_ctx_map_sgt(struct fxq_ctx *ctx, struct drm_mm_node *node,
		    struct sg_table *sgt, u64 size, bool writable, bool own)
{
	u64 align = size >= SZ_2M ? SZ_2M : FXQ_PAGE_BYTES;
	int ret, cookie;

	/* Tables are made for a device that is there. */
	if (!drm_dev_enter(&ctx->fdev->drm, &cookie))
		return -ENODEV;
	ret = drm_mm_insert_node_in_range(&ctx->mm, node,
					  size + FXQ_PAGE_BYTES, align, 0,
					  own ? VA_OWN : VA_FIRST,
					  own ? VA_END : VA_OWN,
					  DRM_MM_INSERT_BEST);
	if (ret)
		goto exit;
	ret = fill_node(ctx, node, sgt, size, writable);
	if (ret)
		drm_mm_remove_node(node);
	else
		trace_fxq_map(ctx, node->start, size);
exit:
	drm_dev_exit(cookie);
	return ret;
}

/**
 * fxq_ctx_unmap_node - take a mapping from the device
 * @ctx: the context, with ctx->lock held
 * @node: that fxq_ctx_map_sgt() filled
 *
 * When it returns the device has no way to the memory any more.
 */
void fxq_ctx_unmap_node(struct fxq_ctx *ctx, struct drm_mm_node *node)
{
	u64 size = node->size - FXQ_PAGE_BYTES;

	trace_fxq_unmap(ctx, node->start, size);
	fxq_mmu_unmap(&ctx->mmu, node->start, size);
	invalidate(ctx, node->start, node->start + size - 1);
	drm_mm_remove_node(node);
}

static void mapping_drop(struct fxq_ctx *ctx, struct fxq_mapping *m)
{
	list_del(&m->link);
	fxq_ctx_unmap_node(ctx, &m->node);
	drm_gem_object_put(m->obj);
	kfree(m);
}

/* Drops the mapping that has been out of use for longest. */
static bool evict_one(struct fxq_ctx *ctx)
{
	struct fxq_mapping *m;

	list_for_each_entry(m, &ctx->mappings, link) {
		if (m->jobs)
			continue;
		mapping_drop(ctx, m);
		return true;
	}
	return false;
}

static struct fxq_mapping *mapping_find(struct fxq_ctx *ctx,
					const struct drm_gem_object *obj)
{
	struct fxq_mapping *m;

	list_for_each_entry(m, &ctx->mappings, link)
		if (m->obj == obj)
			return m;
	return NULL;
}

static struct fxq_mapping *mapping_new(struct fxq_ctx *ctx,
				       struct drm_gem_object *obj)
{
	struct fxq_mapping *m;
	struct sg_table *sgt;
	int ret, cookie;

	if (!drm_dev_enter(&ctx->fdev->drm, &cookie))
		return ERR_PTR(-ENODEV);
	sgt = fxq_gem_pages(obj);
	drm_dev_exit(cookie);
	if (IS_ERR(sgt))
		return ERR_CAST(sgt);
	m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	if (!m)
		return ERR_PTR(-ENOMEM);
	m->obj = obj;
	m->writable = fxq_gem_writable(obj);
	do {
		ret = fxq_ctx_map_sgt(ctx, &m->node, sgt, obj->size,
				      m->writable, false);
	} while (ret == -ENOSPC && evict_one(ctx));
	if (ret) {
		kfree(m);
		return ERR_PTR(ret);
	}
	drm_gem_object_get(obj);
	list_add_tail(&m->link, &ctx->mappings);
	return m;
}

/**
 * fxq_ctx_bind - make a buffer visible for a job
 * @ctx: the context
 * @obj: the buffer
 * @ret_mapping: where it is
 *
 * Return: 0 or a negative errno.
 */
int fxq_ctx_bind(struct fxq_ctx *ctx, struct drm_gem_object *obj,
		 struct fxq_mapping **ret_mapping)
{
	struct fxq_mapping *m;
	int ret = 0;

	mutex_lock(&ctx->lock);
	m = mapping_find(ctx, obj);
	if (!m)
		m = mapping_new(ctx, obj);
	if (IS_ERR(m)) {
		ret = PTR_ERR(m);
	} else {
		m->jobs++;
		list_move_tail(&m->link, &ctx->mappings);
		*ret_mapping = m;
	}
	mutex_unlock(&ctx->lock);
	return ret;
}

/**
 * fxq_ctx_unbind - a job no longer needs a mapping
 * @ctx: the context
 * @mapping: that fxq_ctx_bind() gave
 */
void fxq_ctx_unbind(struct fxq_ctx *ctx, struct fxq_mapping *mapping)
{
	mutex_lock(&ctx->lock);
	if (!--mapping->jobs && mapping->closed)
		mapping_drop(ctx, mapping);
	mutex_unlock(&ctx->lock);
}

/**
 * fxq_ctx_forget - a file has closed its handle of a buffer
 * @ctx: a context of that file
 * @obj: the buffer
 */
void fxq_ctx_forget(struct fxq_ctx *ctx, struct drm_gem_object *obj)
{
	struct fxq_mapping *m;

	mutex_lock(&ctx->lock);
	m = mapping_find(ctx, obj);
	if (m && m->jobs)
		m->closed = true;
	else if (m)
		mapping_drop(ctx, m);
	mutex_unlock(&ctx->lock);
}

/**
 * fxq_ctx_expire - a handle was closed before its mapping was known
 * @ctx: the context
 * @mapping: of a job that is being made; goes with the last of its jobs
 */
void fxq_ctx_expire(struct fxq_ctx *ctx, struct fxq_mapping *mapping)
{
	mutex_lock(&ctx->lock);
	mapping->closed = true;
	mutex_unlock(&ctx->lock);
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
	ret = obey(ctx, FXQ_SUBMIT_REARM, 0, 0);
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
	obey(ctx, FXQ_SUBMIT_STOP, 0, 0);
	fdev->ring.contexts[ctx->hw].flags = 0;
	dma_wmb();
	obey(ctx, FXQ_SUBMIT_INVALIDATE, 0, ~0ull);
	clear_bit(ctx->hw, fdev->contexts);
	fdev->ctx[ctx->hw] = NULL;
	mutex_unlock(&fdev->admin);
}

/* On fxq_wq, when neither file nor job knows the context. */
static void ctx_release(struct work_struct *work)
{
	struct fxq_ctx *ctx = container_of(work, struct fxq_ctx, release);
	struct fxq_mapping *m, *next;

	mutex_lock(&ctx->lock);
	list_for_each_entry_safe(m, next, &ctx->mappings, link)
		mapping_drop(ctx, m);
	fxq_job_free_chunks(ctx);
	mutex_unlock(&ctx->lock);
	release_hw(ctx);
	drm_mm_takedown(&ctx->mm);
	fxq_mmu_fini(&ctx->mmu);
	mutex_destroy(&ctx->lock);
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
		obey(ctx, FXQ_SUBMIT_STOP, 0, 0);
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
	mutex_init(&ctx->lock);
	mutex_init(&ctx->submit);
	spin_lock_init(&ctx->state_lock);
	INIT_LIST_HEAD(&ctx->mappings);
	INIT_LIST_HEAD(&ctx->chunks);
	drm_mm_init(&ctx->mm, VA_FIRST, VA_END - VA_FIRST);
	ctx->fence_context = dma_fence_context_alloc(1);
	ctx->resets_before = atomic_read(&fdev->resets);
	ret = fxq_mmu_init(&ctx->mmu, &mmu_ops, fdev);
	if (ret)
		goto free_ctx;
	ret = claim_hw(ctx);
	if (ret)
		goto fini_mmu;
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
fini_mmu:
	fxq_mmu_fini(&ctx->mmu);
free_ctx:
	drm_mm_takedown(&ctx->mm);
	mutex_destroy(&ctx->lock);
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
