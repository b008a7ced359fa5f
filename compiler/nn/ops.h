/* SPDX-License-Identifier: MIT */
/*
 * ops.h - the operator table
 *
 * Each operator is one line: X(name, path, repr, min_in, max_in, n_out, flags).
 * From the name follow infer_NAME and eval_NAME, so that an operator without
 * shape function or kernel does not link. The lists are kept beside their
 * kernels: what networks are made of, what arrays are made of, and the integer
 * operators that convert produces.
 */
#ifndef FXQ_NN_OPS_H
#define FXQ_NN_OPS_H

#include <fxq/fx.h>

#include "ops_nn.h"
#include "ops_array.h"

#define FX_OPS(X) FX_OPS_NN(X) FX_OPS_ARRAY(X)

#define X(name, path, repr, min_in, max_in, n_out, flags)	\
	int infer_##name(struct fxq_call *call);		\
	int eval_##name(struct fxq_call *call);
FX_OPS(X)
#undef X

#endif
