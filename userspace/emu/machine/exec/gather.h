/* SPDX-License-Identifier: MIT */
/*
 * gather.h - a convolution's input, pixel by pixel, in the order of weights
 *
 * The k activations that make an output pixel lie in runs: for each input
 * block and kernel row, kw * cb bytes, which in the common case are one piece
 * of the scratchpad. A cursor walks over them and fills panels for dot.h.
 */
#ifndef FXQ_EXEC_GATHER_H
#define FXQ_EXEC_GATHER_H

#include "dot.h"
#include "exec.h"

/*
 * struct fxq_gather - where a convolution's activations come from
 * @in: the box of @ih x @iw pixels
 * @icg: channels of a group
 * @ow: columns of the output, which numbers its pixels row by row
 * @zx: what lies outside the box
 */
struct fxq_gather {
	const struct fxq_exec *x;
	struct fxq_fm in;
	uint32_t ih, iw, icg, ow;
	uint32_t kh, kw, sh, sw, dh, dw, pad_t, pad_l;
	int8_t zx;
};

/* struct fxq_cursor - the next run's place: all zero to begin a group */
struct fxq_cursor {
	uint32_t block, ky, kx;
};

void fxq_gather_conv(struct fxq_gather *g, const struct fxq_exec *x,
		     const struct fxq_desc *d);

/*
 * Fills up to FXQ_PANEL_K activations of @pixels output pixels from number
 * @first on, for @group. Returns how many of each, a multiple of 4; 0 at the
 * end of the group.
 */
uint32_t fxq_gather_panel(const struct fxq_gather *g, uint32_t group,
			  uint32_t first, uint32_t pixels,
			  struct fxq_cursor *at, uint8_t *panel);

#endif /* FXQ_EXEC_GATHER_H */
