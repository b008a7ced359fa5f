/* SPDX-License-Identifier: MIT */
/*
 * device_drm.h - a device node of fxq.ko
 *
 * device_drm.c opens the node and makes buffers, drm_program.c prepares
 * programs and runs them.
 */
#ifndef FXQ_LIB_DEVICE_DRM_H
#define FXQ_LIB_DEVICE_DRM_H

#include <drm/fxq_accel.h>

#include "device.h"
#include "drm_sysfs.h"

/*
 * struct drm_device
 * @version, @contract: what base.info points to
 * @uring: the driver takes io_uring commands
 */
struct drm_device {
	struct fxq_device base;
	int fd;
	struct accel_node node;
	char version[32];
	char contract[65];
	bool uring;
};

static inline struct drm_device *to_drm(struct fxq_device *dev)
{
	return (struct drm_device *)dev;
}

/* drmIoctl() that returns a negative errno. */
int drm_call(struct fxq_device *dev, unsigned long request, void *arg);

/* A buffer object of m->size bytes, mapped unless @flags has NO_MMAP. */
int drm_bo_create(struct fxq_device *dev, struct memory *m, uint32_t flags);
void drm_bo_destroy(struct fxq_device *dev, struct memory *m);

/* drm_program.c, as struct device_ops has them */
int drm_load(struct fxq_program *p);
void drm_unload(struct fxq_program *p);
int drm_submit(struct slot *slot);
int drm_wait(struct fxq_program *p, uint64_t run, uint64_t timeout_ns);
void drm_collect(struct fxq_program *p);
int drm_ring_open(struct fxq_program *p, uint32_t entries);
bool drm_ring_links(const struct fxq_program *p);
void drm_ring_file(struct fxq_program *p, const struct file_part *f, bool link,
		   uint64_t cookie);
int drm_ring_enter(struct fxq_program *p, uint32_t n, uint64_t timeout_ns);

#endif /* FXQ_LIB_DEVICE_DRM_H */
