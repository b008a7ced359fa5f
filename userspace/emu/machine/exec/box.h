/* SPDX-License-Identifier: MIT */
/*
 * box.h - copying a strided box whose memory is one piece on both sides
 *
 * What LOAD and STORE do once addresses are known. Feature maps keep the
 * channels of a pixel together and most of a network's memory keeps the pixels
 * of a channel together, so the box is often a transposition of bytes: those
 * go through registers, 16 x 16 at a time.
 */
#ifndef FXQ_EXEC_BOX_H
#define FXQ_EXEC_BOX_H

#include <stdbool.h>
#include <stdint.h>

#define FXQ_BOX_DIMS	4

/* struct fxq_box_dim - @n steps of so many bytes on either side */
struct fxq_box_dim {
	uint32_t n;
	int64_t src, dst;
};

/*
 * struct fxq_box - what is copied
 * @run: bytes that lie side by side on both sides
 * @dim: the @dims dimensions around it, innermost first
 * @own_dst: nobody else looks at the destination, so that what lies between
 *	     its bytes may be written again as it was, and 64 bytes behind it
 * @own_src: the same of the source and reading
 */
struct fxq_box {
	uint64_t run;
	struct fxq_box_dim dim[FXQ_BOX_DIMS];
	int dims;
	bool own_dst, own_src;
};

/* Is no byte of the destination written twice, in any order of elements? */
bool fxq_box_is_disjoint(const struct fxq_box *b, int dims);

/* Copies a box that is disjoint, in the order that is quickest. */
void fxq_box_copy(const struct fxq_box *b, uint8_t *dst, const uint8_t *src);

/* Copies runs of one dimension, one after the other. */
void fxq_box_copy_row(const struct fxq_box_dim *d, uint64_t run, uint8_t *dst,
		      const uint8_t *src);

#endif /* FXQ_EXEC_BOX_H */
