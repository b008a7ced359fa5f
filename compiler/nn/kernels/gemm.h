/* SPDX-License-Identifier: MIT */
/*
 * gemm.h - sums of products: c[i][j] = bias + sum over k of a[i][k] * b[k][j]
 *
 * Convolutions, linear layers and matrix products all end here. Row k of b is
 * an address of its own, b + off[k], so that a convolution needs no matrix
 * written out: its rows are one padded input, shifted.
 *
 * The order of a sum is fixed: bias first, or last, and k = 0, 1, 2 …, each
 * product rounded and then added. Vectors hold different outputs, never parts of a
 * sum, so every path and every way of cutting the work gives the same bits.
 */
#ifndef FXQ_KERNELS_GEMM_H
#define FXQ_KERNELS_GEMM_H

#include <stdbool.h>
#include <stdint.h>

/* One task computes a block of at most this many rows and columns. */
#define GEMM_ROWS	96
#define GEMM_COLS	256

/* Floats that must be readable, whatever they hold, behind each row of b. */
#define GEMM_SLACK	16

/*
 * struct gemm - a product, and what becomes of its blocks
 * @m, @n, @k: rows and columns of c, length of the sums; n > 0, m > 0
 * @a, @lda: a[i * lda + k]
 * @b, @off: b[off[k] + j], for j < n rounded up to GEMM_SLACK
 * @row_bias, @col_bias: bias by row or by column; NULL: none
 * @bias_last: it is added to the finished sum
 * @store: takes rows [i, i + ni) and columns [j, j + nj) of c, which are at
 *	   block[0], rows GEMM_COLS apart
 */
struct gemm {
	int64_t m, n, k;
	const float *a;
	int64_t lda;
	const float *b;
	const int64_t *off;
	const float *row_bias, *col_bias;
	bool bias_last;
	void (*store)(void *ctx, const float *block, int64_t i, int64_t ni,
		      int64_t j, int64_t nj);
	void *ctx;
};

/* The blocks that c is cut into, and their computation by number. */
int64_t gemm_blocks(const struct gemm *g);
/* @scratch: GEMM_ROWS * GEMM_COLS floats, 64-aligned. */
void gemm_block(const struct gemm *g, int64_t number, float *scratch);

/*
 * struct gemm_path - the inner loops for one instruction set
 * @add: c[i][j] += a · b for @m rows and @n columns, rounded up to GEMM_SLACK;
 *	 rows of c are GEMM_COLS apart
 */
struct gemm_path {
	const char *name;
	int (*is_supported)(void);
	void (*add)(int64_t m, int64_t n, int64_t k, const float *a,
		    int64_t lda, const float *b, const int64_t *off, float *c);
};

/* Best first; the last one, portable C, is supported everywhere. */
extern const struct gemm_path gemm_paths[];
extern const int gemm_path_count;

#endif
