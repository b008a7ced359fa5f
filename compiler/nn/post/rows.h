/* SPDX-License-Identifier: MIT */
/*
 * rows.h - what the post-processing functions share: rows of boxes, results
 *
 * A function without shape function is called in two ways: by an image, with
 * room of the size declared there, and by a graph that runs eagerly, without
 * any; result_rows() makes both the same.
 */
#ifndef FXQ_POST_ROWS_H
#define FXQ_POST_ROWS_H

#include <assert.h>

#include <fxq/post.h>

#include "kernels/kernel.h"

#define MAX_SCALES	8
#define MAX_SIDE	16384		/* of a picture or a map */
#define MAX_ROWS	(1 << 24)

struct box {
	float left, top, right, bottom, score, class;
};

static_assert(sizeof(struct box) == FX_BOX_COLUMNS * sizeof(float), "a row");

/* A box from its centre and size, in [0, 1]; what is no number stays so. */
struct box box_around(float x, float y, float width, float height,
		      float score, float class);

/* All numbers finite, and some extent. */
bool box_is_sound(const struct box *b);

/* The area that two boxes share over the area of both; 0 to 1. */
float box_overlap(const struct box *a, const struct box *b);

/* 1 / (1 + e^-x), the exponent kept in bounds. */
float logistic(float x);

/* Refuses unless input @i is float32, has data and @count elements. */
int need_floats(struct fxq_call *call, uint32_t i, int64_t count);

/* Refuses an attribute @name outside [@min, @max]. */
int read_float(struct fxq_call *call, const char *name, double def,
	       double min, double max, float *ret);
int read_int(struct fxq_call *call, const char *name, int64_t def,
	     int64_t min, int64_t max, int64_t *ret);

/* Integers of the attribute @name, or the @n_def defaults; how many, or < 0. */
int read_list(struct fxq_call *call, const char *name, const int64_t *def,
	      int n_def, int64_t *v);

/* How many rows of @columns result 0 has room for, at most @most. */
int64_t rows_at_most(const struct fxq_call *call, uint32_t dtype,
		     int64_t columns, int64_t most);

/*
 * Makes result 0 @n rows of @columns elements (0: a vector), in the memory
 * that is there, or in new memory; -ENOSPC if they do not fit.
 */
int result_rows(struct fxq_call *call, uint32_t dtype, int64_t n,
		int64_t columns);

#endif
