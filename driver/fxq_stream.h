/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_STREAM_H
#define FXQ_STREAM_H

#include <linux/kref.h>

#include <fxq/fxq_check.h>

#include "fxq_mem.h"

struct drm_device;
struct drm_file;
struct fxq_file;

/**
 * struct fxq_stream - descriptors that were checked, and do not change
 * @ref: of the file's table and of each job
 * @mem: the driver's own copy of them
 * @count: descriptors
 * @summary: what they do
 */
struct fxq_stream {
	struct kref ref;
	struct fxq_mem mem;
	u32 count;
	struct fxq_summary summary;
};

struct fxq_stream *fxq_stream_find(struct fxq_file *file, u32 id);
void fxq_stream_put(struct fxq_stream *stream);
int fxq_stream_create_ioctl(struct drm_device *drm, void *data,
			    struct drm_file *file);
int fxq_stream_destroy_ioctl(struct drm_device *drm, void *data,
			     struct drm_file *file);

#endif /* FXQ_STREAM_H */
