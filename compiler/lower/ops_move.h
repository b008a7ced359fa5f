/* SPDX-License-Identifier: MIT */
/*
 * ops_move.h - what the operators that only move elements share
 */
#ifndef FXQ_OPS_MOVE_H
#define FXQ_OPS_MOVE_H

#include "lower.h"

/*
 * Integers of parameter @name of @n, at most @max: a kwarg, or, if @i is not 0,
 * the constant input @i. Their number; -1: not known.
 */
int param_ints(const struct fx_node *n, const char *name, unsigned int i,
	       int64_t *v, int max);
/* A dimension that may be counted from the end. */
int wrap_dim(int64_t dim, uint32_t rank);
/* Has @n any elements? Else why it is not the device's. */
const char *check_elements(struct fx_node *n);
/*
 * @count elements first, first + step, ... of dimension @d of @dims; false: the
 * view has it split.
 */
bool view_slice(struct view *v, uint32_t rank, const int64_t *dims, int d,
		int64_t first, int64_t step, int64_t count);
/* The same; a view that does not allow it is copied first. */
void slice_view(struct segment *s, struct view *v,
		const struct fxq_tensor *type, int d, int64_t first,
		int64_t step, int64_t count);

#endif /* FXQ_OPS_MOVE_H */
