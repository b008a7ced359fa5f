/* SPDX-License-Identifier: MIT */
/*
 * select.h - what the files of the selection share, beside lower.h
 */
#ifndef FXQ_SELECT_H
#define FXQ_SELECT_H

#include "lower.h"

/* axis.c */

/* Of a value that nobody has asked for: channels of an image, else the last. */
int default_axis(const struct fxq_tensor *t);
/* The dimension along which the users of @n want its channels. */
int axis_for_users(const struct segment *s, struct fx_node *n);

/* store.c */

/*
 * The strides of a dense array of @type with channels along @axis; along the
 * last dimension where those would be more than a home has. Returns the axis.
 */
int dense_home(const struct fxq_tensor *type, int axis, struct home *home);
/* Strides in memory of each factor of @v, if its value is dense there. */
void dense_strides(const struct view *v, uint32_t elem, int64_t *mem);
/* The same, joined where map and memory both go on. */
void merge_strides(struct view *v, int64_t *mem);

#endif /* FXQ_SELECT_H */
