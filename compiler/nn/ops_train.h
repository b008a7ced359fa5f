/* SPDX-License-Identifier: MIT */
/*
 * ops_train.h - the operators that only training needs (see ops.h)
 *
 * They are no part of the runtime, and no graph that is compiled has one.
 *
 *   batch_norm_train: x (N, C, ...), weight (C), bias (C); eps=1e-5. Results
 *	are y, the batch's mean and its biased variance, (C) each. weight and
 *	bias may be None
 *   dropout_train: x; p=0.5, seed=0. Results are y and what was kept (bool)
 *   cross_entropy: logits (N, C, ...) or (C), int64 classes (N, ...);
 *	reduction="mean"|"sum"|"none", label_smoothing=0, ignore_index=-100
 *   mse_loss: a, b; reduction
 */
#ifndef FXQ_NN_OPS_TRAIN_H
#define FXQ_NN_OPS_TRAIN_H

#define FX_OPS_TRAIN(X)							\
	X(batch_norm_train, "fxq.batch_norm_train",			\
	  "<function batch_norm_train>", 1, 3, 3, 0)			\
	X(dropout_train, "fxq.dropout_train",				\
	  "<function dropout_train>", 1, 1, 2, 0)			\
	X(cross_entropy, "torch.nn.functional.cross_entropy",		\
	  "<function cross_entropy>", 2, 2, 1, 0)			\
	X(mse_loss, "torch.nn.functional.mse_loss",			\
	  "<function mse_loss>", 2, 2, 1, 0)

#endif /* FXQ_NN_OPS_TRAIN_H */
