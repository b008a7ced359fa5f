/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_DRV_H
#define FXQ_DRV_H

#include <drm/drm_drv.h>

extern const struct drm_driver fxq_drm_driver;

#endif /* FXQ_DRV_H */
