/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_GEM_H
#define FXQ_GEM_H

#include <drm/drm_gem_shmem_helper.h>

/**
 * struct fxq_bo - a buffer object
 * @base: its memory
 * @flags: DRM_FXQ_BO_*
 * @counted: bytes that the usage of the device has for it
 */
struct fxq_bo {
	struct drm_gem_shmem_object base;
	u32 flags;
	u64 counted;
};

static inline struct fxq_bo *to_fxq_bo(struct drm_gem_object *obj)
{
	return container_of(to_drm_gem_shmem_obj(obj), struct fxq_bo, base);
}

bool fxq_gem_writable(struct drm_gem_object *obj);
bool fxq_gem_is_shared(struct drm_gem_object *obj);
struct sg_table *fxq_gem_pages(struct drm_gem_object *obj);
struct drm_gem_object *fxq_gem_create_object(struct drm_device *drm,
					     size_t size);
struct drm_gem_object *fxq_gem_import(struct drm_device *drm,
				      struct dma_buf_attachment *attach,
				      struct sg_table *sgt);
int fxq_gem_create_ioctl(struct drm_device *drm, void *data,
			 struct drm_file *file);
int fxq_gem_mmap_offset_ioctl(struct drm_device *drm, void *data,
			      struct drm_file *file);

#endif /* FXQ_GEM_H */
