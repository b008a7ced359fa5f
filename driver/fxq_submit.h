/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_SUBMIT_H
#define FXQ_SUBMIT_H

#include <linux/types.h>

struct dma_fence;
struct drm_device;
struct drm_file;
struct drm_fxq_uring_submit;

int fxq_submit_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
struct dma_fence *fxq_submit_one(struct drm_file *file,
				 const struct drm_fxq_uring_submit *args,
				 bool nonblock);

#endif /* FXQ_SUBMIT_H */
