/* SPDX-License-Identifier: MIT */
/*
 * conv.h - what the two ways of computing CONV share
 *
 * The output is cut into units, which are independent, so threads share them
 * in any way: conv.c gathers the input of each pixel by itself, which works for
 * every geometry; strip.c goes over bands, where there is a tile and they fit.
 */
#ifndef FXQ_EXEC_CONV_H
#define FXQ_EXEC_CONV_H

#include "epilogue.h"
#include "gather.h"
#include "ops.h"

/*
 * struct conv - a descriptor, prepared
 * @k: weights of an output channel
 * @ocg, @blocks: output channels of a group, and blocks of them
 * @batch, @batches: blocks of a unit; a group's units of one place
 */
struct conv {
	struct fxq_exec *x;
	const struct fxq_desc *d;
	struct fxq_gather in;
	struct fxq_epilogue out;
	const int8_t *weights;
	uint32_t ocg, blocks, k, pixels;
	uint32_t batch, batches;
	bool wide;
};

/* The weights of output block @block of @group. */
static inline const int8_t *conv_weights(const struct conv *c, uint32_t group,
					 uint32_t block)
{
	return c->weights + (size_t)c->k * FXQ_BLOCK *
			    ((size_t)group * c->blocks + block);
}

/* Its parameters: zeros where another descriptor will finish the sums. */
void conv_lanes(const struct conv *c, uint32_t group, uint32_t block,
		struct fxq_lanes *lanes);
/* Passes on, or finishes, the sums of @n pixels from number @first on. */
void conv_finish(const struct conv *c, uint32_t block,
		 const struct fxq_lanes *lanes, uint32_t (*acc)[FXQ_BLOCK],
		 uint32_t first, uint32_t n);
/* strip.c: false if the geometry is not one for bands. */
bool conv_by_strips(struct conv *c);

#endif /* FXQ_EXEC_CONV_H */
