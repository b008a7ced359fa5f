/* SPDX-License-Identifier: MIT */
/*
 * ops.h - the operator table
 *
 * Each operator is one line: X(name, path, repr, min_in, max_in, n_out, flags).
 * From the name follow infer_NAME and eval_NAME, so that an operator without
 * shape function or kernel does not link. The lists are kept beside their
 * kernels: what networks are made of, what arrays are made of, the passage
 * between float and integer, the integer operators that convert produces
 * (whose kernels are the integer reference, and not part of the runtime), and
 * what only training needs (no part of it either). ops_grad.h lists those that
 * have a gradient.
 */
#ifndef FXQ_NN_OPS_H
#define FXQ_NN_OPS_H

#include <fxq/fx.h>

#include "ops_nn.h"
#include "ops_array.h"
#include "ops_edge.h"
#include "ops_grad.h"
#include "ops_train.h"
#include "quant/ops_quant.h"

#define FX_OPS_RUNTIME(X) FX_OPS_NN(X) FX_OPS_ARRAY(X) FX_OPS_EDGE(X)
#define FX_OPS(X) FX_OPS_RUNTIME(X) FX_OPS_QUANT(X) FX_OPS_TRAIN(X)

#define X(name, path, repr, min_in, max_in, n_out, flags)	\
	int infer_##name(struct fxq_call *call);		\
	int eval_##name(struct fxq_call *call);
FX_OPS(X)
#undef X

#endif
