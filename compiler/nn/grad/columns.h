/* SPDX-License-Identifier: MIT */
/*
 * columns.h - a convolution's input as a matrix, and back
 *
 * Row (channel, tap) and column (output) hold what the tap meets at the
 * output, so that a convolution and its two gradients are matrix products.
 * The whole matrix has every element once for each tap: it is made and used a
 * strip of outputs at a time, while it is in the cache.
 */
#ifndef FXQ_GRAD_COLUMNS_H
#define FXQ_GRAD_COLUMNS_H

#include "../kernels/convolution.h"
#include "real.h"

/*
 * struct columns - the matrix of one group of one image
 * @c: the convolution. A transposed one's outputs are this one's inputs
 * @k: rows
 * @strip: rows of outputs that are a strip; @size: their elements at most
 * @is_input: the matrix is the input as it lies there
 * @is_shifted: rows of outputs are as long as the input's, and every one of its
 *		rows is met: a row of the matrix is the input, shifted
 * @span: for each tap along the last dimension the outputs [lo, hi) of a row
 *	  at which it meets the input
 */
struct columns {
	struct convolution c;
	int64_t k, strip, size;
	bool is_input, is_shifted;
	struct columns_span {
		int64_t lo, hi;
	} *span;
};

/* Returns 0 or -ENOMEM; columns_finish() accepts what it left. */
int columns_init(struct columns *m, const struct convolution *c);
void columns_finish(struct columns *m);

/*
 * Writes the strip of output rows [@row, @row + @rows), as many columns as
 * these have elements, of the input @x.
 */
void columns_fill(const struct columns *m, const real *x, int64_t row,
		  int64_t rows, real *to);
/* Adds a strip, which it may change, to what its elements came from. */
void columns_add(const struct columns *m, real *from, int64_t row,
		 int64_t rows, real *x);

#endif
