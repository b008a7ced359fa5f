/* SPDX-License-Identifier: MIT */
/*
 * pool.h - windows that slide over an input (N, C, …), in up to three
 * dimensions; as everywhere here, missing leading ones are of size 1
 */
#ifndef FXQ_KERNELS_POOL_H
#define FXQ_KERNELS_POOL_H

#include "kernel.h"

struct pool {
	int64_t planes;			/* N × C */
	int64_t in[3], out[3], taps[3];
	int64_t stride[3], dilation[3];
	int64_t begin[3], end[3];	/* padding */
};

/*
 * Reads kernel_size, stride, padding, dilation and ceil_mode over @nd
 * dimensions. Rounding up never makes a window that starts behind the input
 * and its first padding.
 */
int pool_read(struct fxq_call *call, uint32_t nd, struct pool *ret);
/* Sets result @i to what @p says. */
int pool_set_out(struct fxq_call *call, uint32_t i, uint32_t dtype,
		 const struct pool *p);

static inline int64_t pool_in_size(const struct pool *p)
{
	return p->in[0] * p->in[1] * p->in[2];
}

static inline int64_t pool_out_size(const struct pool *p)
{
	return p->out[0] * p->out[1] * p->out[2];
}

/* Input coordinate that tap @t meets at output @o along dimension @d. */
static inline int64_t pool_at(const struct pool *p, int d, int64_t o,
			      int64_t t)
{
	return o * p->stride[d] - p->begin[d] + t * p->dilation[d];
}

/* Taps [*first, *end) that output @o has inside the input along @d. */
void pool_taps(const struct pool *p, int d, int64_t o, int64_t *first,
	       int64_t *end);

/* Elements it has along @d, those of the padding among them if @count_pad. */
int64_t pool_extent(const struct pool *p, int d, int64_t o, bool count_pad);

/*
 * struct pool_span - outputs of a row at which a tap of the last dimension
 * meets the input
 * @lo, @hi: [lo, hi)
 * @at: what it meets at the first of them
 */
struct pool_span {
	int64_t lo, hi, at;
};

/* The spans of all taps of the last dimension, malloced; NULL: no memory. */
struct pool_span *pool_spans(const struct pool *p);

/*
 * Calls @tap for each tap that meets row (z, y) of the outputs inside the
 * input, with the elements it meets; in the order of the taps.
 */
typedef void (*pool_tap_fn)(void *row, const void *x, int64_t lo, int64_t hi,
			    int64_t step);
void pool_row(const struct pool *p, const struct pool_span *spans, int64_t z,
	      int64_t y, const void *plane, size_t bytes, pool_tap_fn tap,
	      void *row);

#endif
