// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_gem.c - buffer objects
 *
 * Memory is shmem's, zeroed. Here stand the three flags that a buffer may have
 * and what follows from them for mmap(), export and the device, and that none is
 * filled that is larger than the machine's memory.
 */
#include <linux/dma-buf.h>
#include <linux/mm.h>
#include <drm/drm_drv.h>
#include <drm/fxq_accel.h>

#include "fxq_ctx.h"
#include "fxq_device.h"
#include "fxq_gem.h"

#define BO_FLAGS	(DRM_FXQ_BO_NO_MMAP | DRM_FXQ_BO_DEVICE_READ_ONLY | \
			 DRM_FXQ_BO_SHAREABLE)
/* So that each fits into an empty context. */
#define BO_MAX_BYTES	(1ull << (fxq_va_bits - 1))

/**
 * fxq_gem_writable - may the device write the buffer?
 * @obj: the buffer, perhaps imported
 *
 * Return: whether mappings are writable.
 */
bool fxq_gem_writable(struct drm_gem_object *obj)
{
	if (drm_gem_is_imported(obj))
		return obj->import_attach->dmabuf->file->f_mode & FMODE_WRITE;
	return !(to_fxq_bo(obj)->flags & DRM_FXQ_BO_DEVICE_READ_ONLY);
}

/**
 * fxq_gem_is_shared - do others see the buffer, so that fences stand on it?
 * @obj: the buffer
 *
 * Return: whether it is imported or may be exported.
 */
bool fxq_gem_is_shared(struct drm_gem_object *obj)
{
	return drm_gem_is_imported(obj) ||
	       to_fxq_bo(obj)->flags & DRM_FXQ_BO_SHAREABLE;
}

/* From here until it is freed the buffer is in npu_memory_utilization. */
static void count_memory(struct drm_gem_object *obj)
{
	to_fxq_bo(obj)->counted = obj->size;
	atomic64_add(obj->size, &to_fxq(obj->dev)->usage.memory);
}

static void fxq_gem_free(struct drm_gem_object *obj)
{
	atomic64_sub(to_fxq_bo(obj)->counted, &to_fxq(obj->dev)->usage.memory);
	drm_gem_shmem_object_free(obj);
}

static struct dma_buf *fxq_gem_export(struct drm_gem_object *obj, int flags)
{
	if (!(to_fxq_bo(obj)->flags & DRM_FXQ_BO_SHAREABLE))
		return ERR_PTR(-EPERM);
	return drm_gem_prime_export(obj, flags);
}

/*
 * May the buffer get its pages? They all come at once, and stay. More than the
 * machine has would push everybody else out before it fails.
 */
static bool fits(struct drm_gem_object *obj)
{
	return drm_gem_is_imported(obj) ||
	       obj->size >> PAGE_SHIFT <= totalram_pages();
}

/**
 * fxq_gem_pages - a buffer's memory, mapped for DMA
 * @obj: the buffer, perhaps imported
 *
 * Return: its table, which goes with the buffer, or an error pointer.
 */
struct sg_table *fxq_gem_pages(struct drm_gem_object *obj)
{
	if (!fits(obj))
		return ERR_PTR(-ENOMEM);
	return drm_gem_shmem_get_pages_sgt(to_drm_gem_shmem_obj(obj));
}

static int fxq_gem_pin(struct drm_gem_object *obj)
{
	return fits(obj) ? drm_gem_shmem_object_pin(obj) : -ENOMEM;
}

static int fxq_gem_vmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	if (to_fxq_bo(obj)->flags & DRM_FXQ_BO_NO_MMAP)
		return -EINVAL;
	return fits(obj) ? drm_gem_shmem_object_vmap(obj, map) : -ENOMEM;
}

static int fxq_gem_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	if (to_fxq_bo(obj)->flags & DRM_FXQ_BO_NO_MMAP)
		return -EINVAL;
	return fits(obj) ? drm_gem_shmem_object_mmap(obj, vma) : -ENOMEM;
}

/* A handle goes; what the file's contexts have cached of the buffer as well. */
static void fxq_gem_close(struct drm_gem_object *obj, struct drm_file *drm_file)
{
	struct fxq_file *file = drm_file->driver_priv;
	struct fxq_ctx *ctx;
	unsigned long id = 0;

	for (;;) {
		mutex_lock(&file->lock);
		ctx = xa_find(&file->contexts, &id, ULONG_MAX, XA_PRESENT);
		if (ctx)
			kref_get(&ctx->ref);
		mutex_unlock(&file->lock);
		if (!ctx)
			return;
		fxq_space_forget(ctx, obj);
		fxq_ctx_put(ctx);
		id++;
	}
}

/* For the memory keys of fdinfo. */
static enum drm_gem_object_status fxq_gem_status(struct drm_gem_object *obj)
{
	if (drm_gem_is_imported(obj) || to_drm_gem_shmem_obj(obj)->pages)
		return DRM_GEM_OBJECT_RESIDENT;
	return 0;
}

static const struct drm_gem_object_funcs fxq_gem_funcs = {
	.free = fxq_gem_free,
	.close = fxq_gem_close,
	.print_info = drm_gem_shmem_object_print_info,
	.export = fxq_gem_export,
	.pin = fxq_gem_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = fxq_gem_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.mmap = fxq_gem_mmap,
	.status = fxq_gem_status,
	.vm_ops = &drm_gem_shmem_vm_ops,
};

/**
 * fxq_gem_create_object - make room for a buffer, for the helpers
 * @drm: the device
 * @size: of the buffer
 *
 * Return: the object or an error pointer.
 */
struct drm_gem_object *fxq_gem_create_object(struct drm_device *drm,
					     size_t size)
{
	struct fxq_bo *bo = kzalloc(sizeof(*bo), GFP_KERNEL_ACCOUNT);

	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->base.base.funcs = &fxq_gem_funcs;
	return &bo->base.base;
}

/**
 * fxq_gem_import - a buffer that others allocated
 * @drm: the device
 * @attach: how the device is attached to it
 * @sgt: where the device sees it
 *
 * Return: the object or an error pointer.
 */
struct drm_gem_object *fxq_gem_import(struct drm_device *drm,
				      struct dma_buf_attachment *attach,
				      struct sg_table *sgt)
{
	struct drm_gem_object *obj;

	obj = drm_gem_shmem_prime_import_sg_table(drm, attach, sgt);
	if (!IS_ERR(obj))
		count_memory(obj);
	return obj;
}

int fxq_gem_create_ioctl(struct drm_device *drm, void *data,
			 struct drm_file *file)
{
	struct drm_fxq_bo_create *args = data;
	struct drm_gem_shmem_object *shmem;
	int ret;

	if (args->flags & ~BO_FLAGS || !args->size ||
	    args->size > BO_MAX_BYTES)
		return -EINVAL;
	if (drm_dev_is_unplugged(drm))
		return -ENODEV;
	shmem = drm_gem_shmem_create(drm, PAGE_ALIGN(args->size));
	if (IS_ERR(shmem))
		return PTR_ERR(shmem);
	to_fxq_bo(&shmem->base)->flags = args->flags;
	count_memory(&shmem->base);
	args->size = shmem->base.size;
	ret = drm_gem_handle_create(file, &shmem->base, &args->handle);
	drm_gem_object_put(&shmem->base);
	return ret;
}

int fxq_gem_mmap_offset_ioctl(struct drm_device *drm, void *data,
			      struct drm_file *file)
{
	struct drm_fxq_bo_mmap_offset *args = data;
	struct drm_gem_object *obj;
	int ret = -EINVAL;

	if (args->pad)
		return -EINVAL;
	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;
	if (!drm_gem_is_imported(obj) &&
	    !(to_fxq_bo(obj)->flags & DRM_FXQ_BO_NO_MMAP))
		ret = drm_gem_create_mmap_offset(obj);
	if (!ret)
		args->offset = drm_vma_node_offset_addr(&obj->vma_node);
	drm_gem_object_put(obj);
	return ret;
}
