/* SPDX-License-Identifier: MIT */
/*
 * matmul.h - what the two ways of computing MATMUL share
 *
 * matmul.c goes through panels and works for every size; matstrip.c goes over
 * bands, where there is a tile and k is not too large.
 */
#ifndef FXQ_EXEC_MATMUL_H
#define FXQ_EXEC_MATMUL_H

#include "epilogue.h"
#include "gather.h"
#include "ops.h"

/*
 * struct matmul - a descriptor, prepared
 * @a: its pixels, as a 1 x 1 convolution reads them
 * @blocks: blocks of columns
 * @za: za + 128
 * @wide: worth several threads
 */
struct matmul {
	struct fxq_exec *x;
	const struct fxq_body_matmul *b;
	struct fxq_gather a;
	struct fxq_epilogue out;
	uint32_t blocks, za;
	bool trans, wide;
};

/*
 * Lays the rows [@k0, @k0 + @k) of a block of b's columns out as weights, and
 * adds its columns to @column. @w has room for @k rounded up to 32.
 */
void matmul_pack(const struct matmul *c, uint32_t batch, uint32_t block,
		 uint32_t k0, uint32_t k, int8_t *w, uint32_t *column);

#if defined(__AVX2__)
#define FXQ_MATMUL_STRIPS	1

/* False: do it by panels. */
bool matmul_by_strips(const struct matmul *c);

#endif

#endif /* FXQ_EXEC_MATMUL_H */
