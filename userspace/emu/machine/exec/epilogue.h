/* SPDX-License-Identifier: MIT */
/*
 * epilogue.h - from a finished sum to a byte of the output
 *
 * What CONV, DWCONV and MATMUL do after the multiplying: bias, scale,
 * residual, clamp, look-up, or none of it for FXQ_F_RAW. It works on 32
 * channels of a pixel at once.
 */
#ifndef FXQ_EXEC_EPILOGUE_H
#define FXQ_EXEC_EPILOGUE_H

#include "dot.h"
#include "exec.h"

/*
 * struct fxq_epilogue - what a descriptor wants done
 * @ow: columns of the output box, which numbers its pixels row by row
 * @lut: 256 bytes or NULL
 */
struct fxq_epilogue {
	const struct fxq_exec *x;
	struct fxq_fm out, res;
	uint32_t flags, ow;
	const uint8_t *params;
	const uint8_t *lut;
	float res_m;
	int zy, zr, lo, hi;
};

/*
 * struct fxq_lanes - up to 32 output channels and their parameters
 * @c0: the first; @n: how many
 * @bent: a multiplier of negative sums differs
 * @large: a multiplier is 1 or more, or no number
 */
struct fxq_lanes {
	uint32_t c0, n;
	uint32_t bias[FXQ_BLOCK];
	float m[FXQ_BLOCK], neg[FXQ_BLOCK];
	bool bent, large;
};

void fxq_epilogue_conv(struct fxq_epilogue *e, const struct fxq_exec *x,
		       const struct fxq_desc *d);
void fxq_epilogue_matmul(struct fxq_epilogue *e, const struct fxq_exec *x,
			 const struct fxq_desc *d);

/* The parameters of channels [@c0, @c0 + @n), n <= 32. */
void fxq_lanes_load(const struct fxq_epilogue *e, uint32_t c0, uint32_t n,
		    struct fxq_lanes *l);

/* What sums begin with: the bias, for @pixels of them. */
void fxq_lanes_begin(const struct fxq_lanes *l, uint32_t (*acc)[FXQ_BLOCK],
		     uint32_t pixels);

/* Finishes @pixels sums for output pixels from number @first on. */
void fxq_epilogue_run(const struct fxq_epilogue *e, const struct fxq_lanes *l,
		      uint32_t (*acc)[FXQ_BLOCK], uint32_t first,
		      uint32_t pixels);

#endif /* FXQ_EXEC_EPILOGUE_H */
