/* SPDX-License-Identifier: MIT */
/*
 * band.h - the input of some output rows, as the inner loop wants it
 *
 * A band is a copy of the part of the scratchpad that a box of output pixels
 * needs, for one group: activations as u8 (x + 128), what lies outside filled
 * in, and columns sorted by their phase in the stride, so that neighbours in
 * the output are neighbours here: [block][row][phase][column][pitch]. Then every
 * weight of an output pixel meets the byte at a fixed distance from that
 * pixel's own, and nothing is copied once for each tap.
 */
#ifndef FXQ_EXEC_BAND_H
#define FXQ_EXEC_BAND_H

#include "exec.h"
#include "gather.h"
#include "isa.h"

#define FXQ_BAND_BYTES	49152	/* it shares the second cache with weights */
#define FXQ_BAND_TAPS	1024
/* Copies are whole vectors, and may end beyond. */
#define FXQ_BAND_ROOM	(FXQ_BAND_BYTES + 64)

/*
 * struct fxq_band - where things are in a band
 * @g: the convolution
 * @rows, @cols: the box of output pixels, at most
 * @pitch: bytes from a pixel to the next: FXQ_BLOCK if there is a whole block
 * @out_row: bytes from an output row to the next
 * @taps: distance of each (block, ky, kx): @full of them are 32 channels long;
 *	  then come the quads of a last block that is shorter, @rest of them
 * @bytes: of a whole band
 * @linear: rows follow each other without a gap, so the box is one long row
 */
struct fxq_band {
	const struct fxq_gather *g;
	uint32_t rows, cols;
	uint32_t pitch, out_row;
	uint32_t row_step, phases, phase_cols, in_rows;
	uint32_t full, rest, bytes;
	bool linear;
	uint32_t taps[FXQ_BAND_TAPS];
};

/*
 * Chooses a box for an output of @oh x @ow pixels: as much as fits, but so that
 * @threads share the boxes evenly. False: not even a pixel's input fits.
 */
bool fxq_band_plan(struct fxq_band *b, const struct fxq_gather *g, uint32_t oh,
		   uint32_t ow, uint32_t threads);

/* Copies what @rows output rows need, from output pixel (@y, @x) on. */
void fxq_band_fill(const struct fxq_band *b, uint32_t group, uint32_t y,
		   uint32_t x, uint32_t rows, uint8_t *to);

#endif /* FXQ_EXEC_BAND_H */
