/* SPDX-License-Identifier: MIT */
/*
 * table.h - the operators that run on the CPU, by name, for the runtime
 *
 * An image names operators; what it says about them is not trusted. The
 * table therefore tells how many tensors each takes and returns, so that a
 * kernel is never called with fewer.
 */
#ifndef FXQ_NN_TABLE_H
#define FXQ_NN_TABLE_H

#include <fxq/fxq_call.h>

/*
 * struct fxq_kernel
 * @min_in, @max_in: tensors it takes; max_in -1: any number
 * @n_out: tensors it returns; -1: as many as its attribute "n_out" says
 */
struct fxq_kernel {
	struct fxq_function fn;
	int min_in, max_in, n_out;
};

/* Finds the operator called @name; NULL if the runtime has none. */
const struct fxq_kernel *fxq_kernel_find(const char *name);

#endif /* FXQ_NN_TABLE_H */
