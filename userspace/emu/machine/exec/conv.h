/* SPDX-License-Identifier: MIT */
/*
 * conv.h - CONV, DWCONV and MATMUL around any sums of products
 *
 * A table for an instruction set has its own struct fxq_inner and calls these.
 */
#ifndef FXQ_EXEC_CONV_H
#define FXQ_EXEC_CONV_H

#include "dot.h"
#include "exec.h"

void fxq_conv_run(struct fxq_exec *x, const struct fxq_desc *d, fxq_dot_fn dot);
void fxq_dwconv_run(struct fxq_exec *x, const struct fxq_desc *d,
		    fxq_taps_fn taps);
void fxq_matmul_run(struct fxq_exec *x, const struct fxq_desc *d,
		    fxq_dot_fn dot);

#endif /* FXQ_EXEC_CONV_H */
