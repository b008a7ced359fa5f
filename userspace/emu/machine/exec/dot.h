/* SPDX-License-Identifier: MIT */
/*
 * dot.h - the sums of products that CONV, MATMUL and DWCONV are made of
 *
 * A tile is FXQ_TILE pixels; a panel holds, for each of them, the next k
 * activations as u8 (x + 128) side by side; weights lie as the scratchpad has
 * them. Everything else about an operator (where pixels come from, what
 * becomes of the sums, how threads share) is outside.
 */
#ifndef FXQ_EXEC_DOT_H
#define FXQ_EXEC_DOT_H

#include <stddef.h>
#include <stdint.h>

#include <fxq/fxq_cmd.h>

#include "isa.h"

#define FXQ_TILE		8	/* pixels */
#define FXQ_PANEL_K		512	/* activations of a pixel at a time */
/* Rows are copied in steps of 16 bytes, and may end in the middle of one. */
#define FXQ_PANEL_STRIDE	(FXQ_PANEL_K + 64)
#define FXQ_QUAD		(4 * FXQ_BLOCK)	/* bytes of four k of weights */

typedef uint32_t fxq_tile[FXQ_TILE][FXQ_BLOCK];

/*
 * Adds, mod 2^32, the products of @panel's first @pixels rows with the weights
 * of @blocks output blocks, [k / 4][32][4] each, @block_bytes apart, to
 * @acc[block]. @k is a multiple of 4, at most FXQ_PANEL_K. Rows of @acc from
 * @pixels on are left with anything.
 */
void fxq_dot(fxq_tile *acc, const uint8_t *panel, uint32_t pixels, uint32_t k,
	     const int8_t *weights, size_t block_bytes, uint32_t blocks);

#define FXQ_TAPS		64	/* of a kernel at a time */

/*
 * The same for DWCONV: adds the products of the 32 channels at @x[tap][pixel],
 * s8, with those at @weights, [taps][32], to @acc. @taps is at most FXQ_TAPS;
 * all FXQ_TILE pointers of a tap are readable.
 */
void fxq_taps(fxq_tile acc, const int8_t *const (*x)[FXQ_TILE],
	      const int8_t *weights, uint32_t taps);

#endif /* FXQ_EXEC_DOT_H */
