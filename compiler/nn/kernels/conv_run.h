/* SPDX-License-Identifier: MIT */
/*
 * conv_run.h - many products over fields: images × groups
 *
 * A unit is one group of one image: its field is filled, then its product
 * computed block by block. With many units each is a task; with few, the
 * channels of a fill and the blocks of a product are.
 */
#ifndef FXQ_KERNELS_CONV_RUN_H
#define FXQ_KERNELS_CONV_RUN_H

#include "convolution.h"

/*
 * struct conv_run - the work
 * @c, @field: geometry; @field is how x is read
 * @k, @off: the sums' length, and where its rows are in a unit's field
 * @w: weights of all groups, rows of k, oc of them a group
 * @x, @bias, @y: of the whole call; @bias may be NULL
 * @start, @step: see struct conv_rows
 */
struct conv_run {
	const struct convolution *c;
	const struct field *field;
	int64_t k;
	const int64_t *off;
	const float *x, *w, *bias;
	float *y;
	int64_t start[3], step[3];
};

/* Returns 0 or -ENOMEM. */
int conv_run(const struct conv_run *run, int threads);

#endif
