/* SPDX-License-Identifier: MIT */
/*
 * fm.h - finding pixels of a feature map in the scratchpad
 *
 * A block of 32 channels of a box is a plain strided array of pixels; this
 * header turns struct fxq_fm into such views. A block of fewer channels has
 * closer pixels, so that reading 32 lanes of one also reads some of its
 * neighbours: operators do so freely (the scratchpad is followed by 64
 * readable bytes) and never let such lanes decide a byte they write.
 */
#ifndef FXQ_EXEC_FM_H
#define FXQ_EXEC_FM_H

#include <stddef.h>
#include <string.h>

#include <fxq/fxq_cmd.h>

#include "exec.h"

/*
 * struct fm_view - one block of channels of a box
 * @at: its pixel (0, 0)
 * @pixel: bytes to the next pixel
 * @row: bytes to the next row
 */
struct fm_view {
	uint8_t *at;
	size_t pixel, row;
};

/* Block @block of @fm, whose elements are @elem bytes. */
static inline struct fm_view fm_block(const struct fxq_exec *x,
				      const struct fxq_fm *fm, uint32_t block,
				      uint32_t elem)
{
	struct fm_view v;
	size_t first = (size_t)fm->y * fm->row + fm->x;

	v.pixel = (size_t)fxq_pixel_stride(fm->c, block) * elem;
	v.row = v.pixel * fm->row;
	v.at = x->spm + fm->addr + (size_t)block * fm->plane + first * v.pixel;
	return v;
}

static inline uint8_t *fm_pixel(const struct fm_view *v, size_t y, size_t x)
{
	return v->at + y * v->row + x * v->pixel;
}

/* Blocks of @c channels, and channels in block @block of them. */
static inline uint32_t fm_blocks(uint32_t c)
{
	return fxq_div_up(c, FXQ_BLOCK);
}

static inline uint32_t fm_lanes(uint32_t c, uint32_t block)
{
	uint32_t left = c - block * FXQ_BLOCK;

	return left < FXQ_BLOCK ? left : FXQ_BLOCK;
}

/* Copies @n <= 32 lanes: as two moves that overlap where that is shorter. */
static inline void fm_put(uint8_t *dst, const void *src, uint32_t n)
{
	const uint8_t *from = src;

	if (n == FXQ_BLOCK) {
		memcpy(dst, from, FXQ_BLOCK);
	} else if (n >= 16) {
		memcpy(dst, from, 16);
		memcpy(dst + n - 16, from + n - 16, 16);
	} else if (n >= 8) {
		memcpy(dst, from, 8);
		memcpy(dst + n - 8, from + n - 8, 8);
	} else if (n >= 4) {
		memcpy(dst, from, 4);
		memcpy(dst + n - 4, from + n - 4, 4);
	} else {
		memcpy(dst, from, n);
	}
}

/*
 * Operators that treat each byte by itself want long runs of them: some pixels
 * at a time, whose @n lanes are put side by side where they do not lie so.
 */
#define FM_RUN_PIXELS	16
#define FM_RUN_BYTES	((FM_RUN_PIXELS + 1) * FXQ_BLOCK)

/* @pixels pixels from @at on, @pixel bytes apart: there, or in @room. */
static inline const uint8_t *fm_run(const uint8_t *at, size_t pixel,
				    uint32_t pixels, uint32_t n, uint8_t *room)
{
	uint32_t i;

	if (pixel == n)
		return at;
	/* Lanes past @n are overwritten by the next pixel. */
	for (i = 0; i < pixels; i++)
		memcpy(room + i * n, at + i * pixel, FXQ_BLOCK);
	return room;
}

/* The opposite: nothing if the run is where it belongs. */
static inline void fm_put_run(uint8_t *at, size_t pixel, uint32_t pixels,
			      uint32_t n, const uint8_t *run)
{
	uint32_t i;

	if (pixel == n)
		return;
	for (i = 0; i < pixels; i++)
		fm_put(at + i * pixel, run + i * n, n);
}

/*
 * Channels [c0, c0 + n) of pixel (y, x), wherever blocks divide them: @n is at
 * most 32, so there are at most two pieces.
 */
static inline void fm_gather(const struct fxq_exec *x, const struct fxq_fm *fm,
			     uint32_t y, uint32_t px, uint32_t c0, uint32_t n,
			     uint8_t *dst)
{
	while (n) {
		struct fm_view v = fm_block(x, fm, c0 / FXQ_BLOCK, 1);
		uint32_t lane = c0 % FXQ_BLOCK, room = FXQ_BLOCK - lane;
		uint32_t piece = n < room ? n : room;

		memcpy(dst, fm_pixel(&v, y, px) + lane, piece);
		dst += piece;
		c0 += piece;
		n -= piece;
	}
}

/* The opposite of fm_gather(), for elements of @elem bytes. */
static inline void fm_scatter(const struct fxq_exec *x, const struct fxq_fm *fm,
			      uint32_t y, uint32_t px, uint32_t c0, uint32_t n,
			      uint32_t elem, const void *src)
{
	const uint8_t *from = src;

	while (n) {
		struct fm_view v = fm_block(x, fm, c0 / FXQ_BLOCK, elem);
		uint32_t lane = c0 % FXQ_BLOCK, room = FXQ_BLOCK - lane;
		uint32_t piece = n < room ? n : room;

		memcpy(fm_pixel(&v, y, px) + lane * elem, from, piece * elem);
		from += piece * elem;
		c0 += piece;
		n -= piece;
	}
}

#endif /* FXQ_EXEC_FM_H */
