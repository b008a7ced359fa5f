/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_SYSFS_H
#define FXQ_SYSFS_H

struct attribute_group;

extern const struct attribute_group *fxq_sysfs_groups[];

#endif /* FXQ_SYSFS_H */
