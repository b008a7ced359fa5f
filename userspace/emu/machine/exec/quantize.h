/* SPDX-License-Identifier: MIT */
/*
 * quantize.h - from finished sums to bytes, for neighbouring pixels
 */
#ifndef FXQ_EXEC_QUANTIZE_H
#define FXQ_EXEC_QUANTIZE_H

#include "epilogue.h"

/*
 * struct fxq_row - @n neighbouring pixels, all of which begin a block
 * @out, @out_pixel: where the first goes, bytes to the next
 * @res, @res_pixel: the same of the residual; NULL if there is none
 */
struct fxq_row {
	uint32_t n;
	uint8_t *out;
	size_t out_pixel;
	const uint8_t *res;
	size_t res_pixel;
};

/* Writes @l->n channels of each pixel: scale, residual, clamp, look-up. */
void fxq_quantize_row(const struct fxq_epilogue *e, const struct fxq_lanes *l,
		      uint32_t (*acc)[FXQ_BLOCK],
		      const struct fxq_row *row);

#endif /* FXQ_EXEC_QUANTIZE_H */
