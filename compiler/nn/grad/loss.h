/* SPDX-License-Identifier: MIT */
/*
 * loss.h - what losses share: reduction "mean", "sum" or "none"
 */
#ifndef FXQ_GRAD_LOSS_H
#define FXQ_GRAD_LOSS_H

#include "grad.h"

enum reduction { REDUCE_MEAN, REDUCE_SUM, REDUCE_NONE };

int loss_reduction(struct fxq_call *call, enum reduction *ret);
/* One number or, if nothing is reduced, one for each element of @each. */
int loss_set_out(struct fxq_call *call, const struct fxq_tensor *each);

#endif
