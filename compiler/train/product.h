/* SPDX-License-Identifier: MIT */
/*
 * product.h - the two sums of products that training a convolution comes to
 *
 * Row p of b is an address of its own, b + off[p]: an input that is padded and
 * shifted, of which no matrix is written out. Products are fused with their
 * sums, so that bits depend on the processor, as training's may.
 */
#ifndef FXQ_TRAIN_PRODUCT_H
#define FXQ_TRAIN_PRODUCT_H

#include <stdint.h>

#define PRODUCT_ROWS	8	/* of a strip */
#define PRODUCT_SLACK	16	/* n is rounded up to it: floats to be there */
#define DOT_ROWS	4
#define DOT_COLS	12

struct product_path {
	int (*is_supported)(void);
	/*
	 * c[i * ldc + j] = sum over p < k of a[p * PRODUCT_ROWS + i] *
	 * b[off[p] + j], for PRODUCT_ROWS rows and @n columns
	 */
	void (*strip)(int64_t n, int64_t k, const float *a, const float *b,
		      const int64_t *off, float *c, int64_t ldc);
	/* c[i][j] = sum over q < n of a[i * lda + q] * b[off[j] + q] */
	void (*dots)(int64_t n, const float *a, int64_t lda, const float *b,
		     const int64_t *off, float c[DOT_ROWS][DOT_COLS]);
};

/* The best for this processor. */
const struct product_path *product_path(void);

#endif
