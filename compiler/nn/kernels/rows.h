/* SPDX-License-Identifier: MIT */
/*
 * rows.h - an array seen along one dimension
 *
 * outer × n × inner elements, of which those along the dimension are one row:
 * element i of row (o, k) is at (o * n + i) * inner + k.
 */
#ifndef FXQ_KERNELS_ROWS_H
#define FXQ_KERNELS_ROWS_H

#include "kernel.h"

struct rows {
	int64_t outer, n, inner;
};

static inline struct rows rows_along(const struct fxq_tensor *t, uint32_t dim)
{
	return (struct rows){
		.outer = kern_product(t, 0, dim),
		.n = t->dims[dim],
		.inner = kern_product(t, dim + 1, t->rank),
	};
}

/* Where row number @row, of outer * inner, starts. */
static inline int64_t row_start(const struct rows *r, int64_t row)
{
	return row / r->inner * r->n * r->inner + row % r->inner;
}

#endif
