/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_PM_H
#define FXQ_PM_H

#include <linux/pm.h>

struct fxq_device;
struct fxq_run;

extern const struct dev_pm_ops fxq_pm_ops;

void fxq_pm_enable(struct fxq_device *fdev);
void fxq_pm_disable(struct fxq_device *fdev);
int fxq_pm_get(struct fxq_device *fdev);
int fxq_pm_get_if_awake(struct fxq_device *fdev);
void fxq_pm_put(struct fxq_device *fdev);
void fxq_pm_hold(struct fxq_run *run);
void fxq_pm_release(struct fxq_run *run);

#endif /* FXQ_PM_H */
