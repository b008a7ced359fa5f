/* SPDX-License-Identifier: MIT */
/*
 * ops_conv.h - what the makers of CONV descriptors share
 */
#ifndef FXQ_OPS_CONV_H
#define FXQ_OPS_CONV_H

#include "lower.h"

/*
 * struct layer - weights as a descriptor's, [oc][ic][kh][kw]
 * @ic: of one group
 * @own, @step: bias and multipliers of the node's @own channels are taken for
 *		channels 0, @step, 2 * @step, ... and those that follow; what
 *		is between computes nothing
 */
struct layer {
	uint32_t oc, ic, kh, kw;
	uint32_t own, step;
	const int8_t *w;
};

/* Sizes of maps and window, with strides and dilations of 1. */
void layer_set_sizes(struct op *op, const struct layer *l);
/* Weights, parameters and epilogue of node @n. */
void layer_set(struct segment *s, struct op *op, struct fx_node *n,
	       const struct layer *l);
/* Weights, bias and multipliers are constants; else why not. */
const char *layer_check(struct fx_node *n);

/* gather.c */

/*
 * Input @x of a convolution, if its channels are spread and reading them as
 * they lie costs less than a copy, given @out_work cycles for each further
 * block of input channels. Channel i is then chan[i] of *@ret.
 */
bool gather_by_weights(struct segment *s, struct fx_node *x,
		       uint64_t out_work, struct operand *ret,
		       const uint32_t **ret_chan);
/* Weights of @l for @ic channels, its own i at chan[i]; sets l->ic. */
const int8_t *spread_weights(struct segment *s, struct layer *l,
			     const uint32_t *chan, uint32_t ic);

/* The @count integers called @name; @def for each where it is absent. */
void node_ints(const struct fx_node *n, const char *name, int64_t *v,
	       int count, int64_t def);
/* "WHAT is V: the device takes at most MAX", or NULL. */
const char *too_large(struct fx_node *n, const char *what, int64_t v,
		      int64_t max);

#endif /* FXQ_OPS_CONV_H */
