/* SPDX-License-Identifier: MIT */
/*
 * dot.h - the inner product that convolution and matmul are made of
 *
 * A tile is FXQ_TILE pixels; a panel holds, for each of them, the next k
 * activations as u8 (x + 128) side by side; weights lie as the scratchpad has
 * them, [k / 4][32][4]. Everything else about an operator (where pixels come
 * from, what becomes of the sums, how threads share) is outside, so that an
 * instruction set replaces this one function.
 */
#ifndef FXQ_EXEC_DOT_H
#define FXQ_EXEC_DOT_H

#include <stddef.h>
#include <stdint.h>

#include <fxq/fxq_cmd.h>

#define FXQ_TILE		8	/* pixels */
#define FXQ_PANEL_K		512	/* activations of a pixel at a time */
/* Rows are copied in steps of 16 bytes, and may end in the middle of one. */
#define FXQ_PANEL_STRIDE	(FXQ_PANEL_K + 64)
#define FXQ_QUAD		(4 * FXQ_BLOCK)	/* bytes of four k of weights */

typedef uint32_t fxq_tile[FXQ_TILE][FXQ_BLOCK];

/*
 * Adds, mod 2^32, the products of @panel's first @pixels rows with the weights
 * of @blocks output blocks, @block_bytes apart, to @acc[block]. @k is a
 * multiple of 4, at most FXQ_PANEL_K. Rows of @acc from @pixels on are left
 * with anything.
 */
typedef void (*fxq_dot_fn)(fxq_tile *acc, const uint8_t *panel,
			   uint32_t pixels, uint32_t k, const int8_t *weights,
			   size_t block_bytes, uint32_t blocks);

/* The fastest portable one for this processor. */
fxq_dot_fn fxq_dot_portable(void);

#endif /* FXQ_EXEC_DOT_H */
