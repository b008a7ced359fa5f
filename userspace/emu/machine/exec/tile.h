/* SPDX-License-Identifier: MIT */
/*
 * tile.h - the inner loop over a band: a tile of sums held in registers
 *
 * A tile is up to FXQ_TILE_PIXELS neighbouring pixels by the channels of up to
 * FXQ_TILE_BLOCKS output blocks. Sums of up to FXQ_GROUP_PIXELS of them are kept
 * while weights are in the first cache, and finished together. Only instruction
 * sets with such a loop have FXQ_TILES.
 */
#ifndef FXQ_EXEC_TILE_H
#define FXQ_EXEC_TILE_H

#include "band.h"

#if defined(__AVX512VNNI__) && !defined(EXEC_NARROW)
#define FXQ_TILES		1
#define FXQ_TILE_BLOCKS		2
#define FXQ_TILE_PIXELS		7
#define FXQ_GROUP_PIXELS	56
#elif defined(__AVXVNNI__) || defined(__AVX512VNNI__)
#define FXQ_TILES		1
#define FXQ_TILE_BLOCKS		1
#define FXQ_TILE_PIXELS		3
#define FXQ_GROUP_PIXELS	48
#elif defined(__AVX2__)
#define FXQ_TILES		1
#define FXQ_TILE_WIDE		1
#define FXQ_TILE_BLOCKS		1
#define FXQ_TILE_PIXELS		3
#define FXQ_GROUP_PIXELS	96
#endif

#ifdef FXQ_TILES

#ifdef FXQ_TILE_WIDE
typedef uint16_t fxq_act;
#define FXQ_TILE_PART		8	/* blocks of 32 k widened at a time */
#else
typedef uint8_t fxq_act;
#endif

typedef uint32_t fxq_sums[FXQ_GROUP_PIXELS][FXQ_BLOCK];

/*
 * struct fxq_tile_work - what all tiles of some output blocks share
 * @blocks: 1 to FXQ_TILE_BLOCKS
 * @narrow: the one block has at most 16 channels; sums of others need not be
 * @weights: theirs, as the scratchpad has them, @block_bytes apart
 * @tap, @full, @rest: the part of the band's taps that is next
 * @wide: its weights as 16-bit numbers
 */
struct fxq_tile_work {
	const struct fxq_band *band;
	uint32_t blocks;
	bool narrow;
	const int8_t *weights;
	size_t block_bytes;
	const uint32_t *tap;
	uint32_t full, rest;
#ifdef FXQ_TILE_WIDE
	int16_t wide[FXQ_TILE_PART * FXQ_BLOCK * FXQ_BLOCK]
		__attribute__((aligned(64)));
#endif
};

#ifdef FXQ_TILE_WIDE

/* The band's @n activations as the tile wants them. */
void fxq_tile_widen(const uint8_t *from, uint32_t n, fxq_act *to);
/* Goes to the next part; at first to the first. False: there is no more. */
bool fxq_tile_next(struct fxq_tile_work *t);

#else

static inline bool fxq_tile_next(struct fxq_tile_work *t)
{
	if (t->tap)
		return false;
	t->tap = t->band->taps;
	t->full = t->band->full;
	t->rest = t->band->rest;
	return true;
}

#endif

/*
 * Sums of the @n pixels at @x of the band, to @acc[block] from pixel @at on.
 * They begin with @start[block], the same for all of them, or with what is there
 * if @start is NULL.
 */
void fxq_tile_dot(const struct fxq_tile_work *t, const fxq_act *x, uint32_t n,
		  const uint32_t *const *start, fxq_sums *acc, uint32_t at);

#endif

#endif /* FXQ_EXEC_TILE_H */
