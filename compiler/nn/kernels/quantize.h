/* SPDX-License-Identifier: MIT */
/*
 * quantize.h - tensors of which each channel may have a scale of its own
 */
#ifndef FXQ_KERNELS_QUANTIZE_H
#define FXQ_KERNELS_QUANTIZE_H

#include "kernel.h"

/*
 * struct runs - elements that share a scale: @count runs of @n, the scales of
 * which repeat after @scales of them
 */
struct runs {
	int64_t count, n, scales;
};

/* For x, scale and zero point, which come first; by "axis", 1 if absent. */
int quantize_runs(struct fxq_call *call, struct runs *ret_runs);

/*
 * Runs in pieces that a thread works on: elements from @start, which share scale
 * number @scale. How they are cut does not depend on the number of threads.
 */
#define PIECE	(1 << 14)
struct piece {
	int64_t start, n, scale;
};

static inline int64_t quantize_pieces(const struct runs *r)
{
	return r->count * ((r->n + PIECE - 1) / PIECE);
}

static inline struct piece quantize_piece(const struct runs *r, int64_t i)
{
	int64_t of_run = (r->n + PIECE - 1) / PIECE;
	int64_t start = i % of_run * PIECE, left = r->n - start;

	return (struct piece){
		.start = i / of_run * r->n + start,
		.n = left < PIECE ? left : PIECE,
		.scale = i / of_run % r->scales,
	};
}

/*
 * fake_quantize's integers without the zero point of scale number @i, which is
 * @scale. Refuses what is no scale, and a zero point outside the integers.
 */
int fake_quantize_bounds(struct fxq_call *call, int64_t i, double scale,
			 float *ret_lo, float *ret_hi);

#endif
