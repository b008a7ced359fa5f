/* SPDX-License-Identifier: MIT */
/*
 * convolution.h - what convolutions and transposed convolutions share
 *
 * Sizes are of three dimensions, the missing leading ones 1. Channels count
 * within one group.
 */
#ifndef FXQ_KERNELS_CONVOLUTION_H
#define FXQ_KERNELS_CONVOLUTION_H

#include "field.h"
#include "gemm.h"
#include "kernel.h"

struct convolution {
	int64_t batch, groups;
	int64_t ic, oc;
	int64_t in[3], out[3], taps[3];
	int64_t stride[3], dilation[3];
	int64_t begin[3], end[3];	/* padding */
	int64_t out_extra[3];		/* output_padding */
};

/*
 * Reads and checks the call of a convolution over @nd dimensions, but for what
 * depends on how the output's size follows.
 */
int convolution_read(struct fxq_call *call, uint32_t nd, bool transposed,
		     struct convolution *ret);
/* Sets result 0 to what @c says. */
int convolution_set_out(struct fxq_call *call, uint32_t nd,
			const struct convolution *c);

int64_t convolution_taps(const struct convolution *c);
int64_t convolution_in_size(const struct convolution *c);	/* a channel */
int64_t convolution_out_size(const struct convolution *c);

/*
 * struct conv_rows - where the columns of a product belong in the output
 * @field: numbers the columns
 * @y, @channel: the first row's channel, and elements from one to the next
 * @dims: of a channel
 * @start, @step: output coordinate of the field's output (0, 0, 0), and how
 *		  far the next ones are
 */
struct conv_rows {
	const struct field *field;
	float *y;
	int64_t channel;
	int64_t dims[3], start[3], step[3];
};

/* The store function of struct gemm; @ctx is a struct conv_rows. */
void conv_rows_store(void *ctx, const float *block, int64_t i, int64_t ni,
		     int64_t j, int64_t nj);

#endif
