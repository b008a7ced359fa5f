/* SPDX-License-Identifier: MIT */
/*
 * conv.h - CONV and MATMUL around any inner product
 *
 * A table for an instruction set has its own fxq_dot_fn and calls these.
 */
#ifndef FXQ_EXEC_CONV_H
#define FXQ_EXEC_CONV_H

#include "dot.h"
#include "exec.h"

void fxq_conv_run(struct fxq_exec *x, const struct fxq_desc *d, fxq_dot_fn dot);
void fxq_matmul_run(struct fxq_exec *x, const struct fxq_desc *d,
		    fxq_dot_fn dot);

#endif /* FXQ_EXEC_CONV_H */
