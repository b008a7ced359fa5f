/* SPDX-License-Identifier: MIT */
/*
 * tile.h - the inner loop over a band: a tile of sums held in registers
 *
 * A tile is up to FXQ_TILE_PIXELS neighbouring pixels by the channels of up to
 * FXQ_TILE_BLOCKS output blocks. FXQ_TILES is defined where an instruction set
 * has one.
 */
#ifndef FXQ_EXEC_TILE_H
#define FXQ_EXEC_TILE_H

#include "band.h"

#if defined(__AVX512VNNI__)
#define FXQ_TILES	1
#define FXQ_TILE_BLOCKS	2
#define FXQ_TILE_PIXELS	7
#endif

#ifdef FXQ_TILES

typedef uint32_t fxq_sums[FXQ_TILE_PIXELS][FXQ_BLOCK];

/*
 * struct fxq_tile_work - what all tiles of some output blocks share
 * @blocks: 1 to FXQ_TILE_BLOCKS
 * @w: their weights, as the scratchpad has them, @block_bytes apart
 * @start: what their sums begin with
 */
struct fxq_tile_work {
	const struct fxq_band *band;
	uint32_t blocks;
	const int8_t *w;
	size_t block_bytes;
	const uint32_t *start[FXQ_TILE_BLOCKS];
};

/* The sums of the @n pixels at @x of the band, to @acc[block]. */
void fxq_tile_dot(const struct fxq_tile_work *t, const uint8_t *x, uint32_t n,
		  fxq_sums *acc);

#endif

#endif /* FXQ_EXEC_TILE_H */
