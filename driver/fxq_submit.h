/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_SUBMIT_H
#define FXQ_SUBMIT_H

struct drm_device;
struct drm_file;

int fxq_submit_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* FXQ_SUBMIT_H */
