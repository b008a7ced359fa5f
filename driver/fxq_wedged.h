/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_WEDGED_H
#define FXQ_WEDGED_H

struct fxq_device;

void fxq_wedged_init(struct fxq_device *fdev);
void fxq_wedged(struct fxq_device *fdev);

#endif /* FXQ_WEDGED_H */
