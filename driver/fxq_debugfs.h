/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_DEBUGFS_H
#define FXQ_DEBUGFS_H

struct fxq_device;

void fxq_debugfs_init(struct fxq_device *fdev);

#endif /* FXQ_DEBUGFS_H */
