// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_space.c - what a context sees: addresses, and the memory behind them
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
#include <linux/dma-mapping.h>
#include <linux/slab.h>
#include <drm/drm_drv.h>

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
 * The device forgets a range of the context. A device that is gone forgets by
 * itself.
 */
static void invalidate(struct fxq_ctx *ctx, u64 first, u64 last)
{
	mutex_lock(&ctx->fdev->admin);
	dma_wmb();
	fxq_ctx_obey(ctx, FXQ_SUBMIT_INVALIDATE, first, last);
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
 * fxq_space_map - map memory somewhere
 * @ctx: the context, with ctx->lock held
 * @node: where it then is
 * @sgt: the memory, mapped for DMA
 * @size: bytes that @sgt must have
 * @writable: for the device
 * @own: the driver's, out of reach of regions
 *
 * Return: 0, -ENOSPC without addresses, -ENOMEM, -EINVAL or -ENODEV.
 */
int fxq_space_map(struct fxq_ctx *ctx, struct drm_mm_node *node,
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
 * fxq_space_unmap - take a mapping from the device
 * @ctx: the context, with ctx->lock held
 * @node: that fxq_space_map() filled
 *
 * When it returns the device has no way to the memory any more.
 */
void fxq_space_unmap(struct fxq_ctx *ctx, struct drm_mm_node *node)
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
	fxq_space_unmap(ctx, &m->node);
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
		ret = fxq_space_map(ctx, &m->node, sgt, obj->size,
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
 * fxq_space_bind - make a buffer visible for a job
 * @ctx: the context
 * @obj: the buffer
 * @ret_mapping: where it is
 *
 * Return: 0 or a negative errno.
 */
int fxq_space_bind(struct fxq_ctx *ctx, struct drm_gem_object *obj,
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
 * fxq_space_unbind - a job no longer needs a mapping
 * @ctx: the context
 * @mapping: that fxq_space_bind() gave
 */
void fxq_space_unbind(struct fxq_ctx *ctx, struct fxq_mapping *mapping)
{
	mutex_lock(&ctx->lock);
	if (!--mapping->jobs && mapping->closed)
		mapping_drop(ctx, mapping);
	mutex_unlock(&ctx->lock);
}

/**
 * fxq_space_forget - a file has closed its handle of a buffer
 * @ctx: a context of that file
 * @obj: the buffer
 */
void fxq_space_forget(struct fxq_ctx *ctx, struct drm_gem_object *obj)
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
 * fxq_space_expire - a handle was closed before its mapping was known
 * @ctx: the context
 * @mapping: of a job that is being made; goes with the last of its jobs
 */
void fxq_space_expire(struct fxq_ctx *ctx, struct fxq_mapping *mapping)
{
	mutex_lock(&ctx->lock);
	mapping->closed = true;
	mutex_unlock(&ctx->lock);
}

/**
 * fxq_space_init - make an empty address space
 * @ctx: the context
 *
 * Return: 0 or -ENOMEM.
 */
int fxq_space_init(struct fxq_ctx *ctx)
{
	int ret = fxq_mmu_init(&ctx->mmu, &mmu_ops, ctx->fdev);

	if (ret)
		return ret;
	mutex_init(&ctx->lock);
	INIT_LIST_HEAD(&ctx->mappings);
	INIT_LIST_HEAD(&ctx->chunks);
	drm_mm_init(&ctx->mm, VA_FIRST, VA_END - VA_FIRST);
	return 0;
}

/**
 * fxq_space_clear - let go of all that is mapped
 * @ctx: the context, that has no job any more
 */
void fxq_space_clear(struct fxq_ctx *ctx)
{
	struct fxq_mapping *m, *next;

	mutex_lock(&ctx->lock);
	list_for_each_entry_safe(m, next, &ctx->mappings, link)
		mapping_drop(ctx, m);
	fxq_job_free_chunks(ctx);
	mutex_unlock(&ctx->lock);
}

/**
 * fxq_space_fini - free an empty address space that the device has forgotten
 * @ctx: the context
 */
void fxq_space_fini(struct fxq_ctx *ctx)
{
	drm_mm_takedown(&ctx->mm);
	fxq_mmu_fini(&ctx->mmu);
	mutex_destroy(&ctx->lock);
}
