/* SPDX-License-Identifier: MIT */
/*
 * fast.h - kernels that only training uses
 *
 * What decides a bit of an answer runs on kernels that have one order of
 * summation on every processor. Training may take any order that is the same
 * each time, and has kernels of its own where most of its time goes.
 */
#ifndef FXQ_TRAIN_FAST_H
#define FXQ_TRAIN_FAST_H

#include <fxq/fx.h>

/* The operator's own kernel, or a faster one. */
fxq_call_fn fast_forward(const struct fx_op *op);
fxq_call_fn fast_grad(const struct fx_op *op);	/* NULL: it has no gradient */

int fast_conv2d(struct fxq_call *call);
int fast_conv2d_grad(struct fxq_call *call);

#endif
