/* SPDX-License-Identifier: MIT */
/*
 * blas.h - matrix products for training, by OpenBLAS
 *
 * Its bits depend on the processor, so nothing that decides a bit of an image
 * comes here. It is loaded at the first product and not before: it starts
 * threads as soon as it is there, which a program that compiles or runs
 * networks must not find in itself.
 */
#ifndef FXQ_GRAD_BLAS_H
#define FXQ_GRAD_BLAS_H

#include <stdbool.h>
#include <stdint.h>

#include "real.h"

/* A matrix, read across if @t: element (i, j) is v[j * ld + i]. */
struct blas_matrix {
	const real *v;
	int64_t ld;
	bool t;
};

/*
 * Loads OpenBLAS for matrices of at most @most rows and columns. -ENOENT if it
 * is not there, -E2BIG if it cannot count that far, and a sentence in
 * call->error.
 */
int blas_load(struct fxq_call *call, int64_t most);

/* c (m × n, rows @ldc apart) = a b, or c += a b if @add. After blas_load(). */
void blas_multiply(int64_t m, int64_t n, int64_t k, struct blas_matrix a,
		   struct blas_matrix b, real *c, int64_t ldc, bool add);

/* The same on several threads, each for rows of c. */
void blas_multiply_on(int threads, int64_t m, int64_t n, int64_t k,
		      struct blas_matrix a, struct blas_matrix b, real *c,
		      int64_t ldc, bool add);

#endif
