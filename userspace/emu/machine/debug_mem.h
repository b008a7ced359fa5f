/* SPDX-License-Identifier: MIT */
/*
 * debug_mem.h - the bytes of memory that a LOAD or STORE touches, compared
 *
 * Tiles of one tensor interleave in memory, so extents are no proof that two
 * transfers meet. This compares the strided sets themselves.
 */
#ifndef FXQ_DEBUG_MEM_H
#define FXQ_DEBUG_MEM_H

#include <stdbool.h>
#include <stdint.h>

#include <fxq/fxq_cmd.h>

/*
 * struct debug_mem - runs of bytes in up to four directions
 * @base: device address of the lowest byte
 * @len: bytes of a run
 * @n, @stride: of each direction, strides ascending and positive
 * @reach: bytes from the first to behind the last of directions below i
 */
struct debug_mem {
	uint64_t base, len;
	uint64_t n[4], stride[4], reach[5];
	int dims;
};

void debug_mem_init(struct debug_mem *s, const struct fxq_body_dma *b,
		    uint64_t region);
/* Do @a and @b meet? If so, [*lo, *hi) are bytes in which they do. */
bool debug_mem_meet(const struct debug_mem *a, const struct debug_mem *b,
		    uint64_t *lo, uint64_t *hi);

#endif /* FXQ_DEBUG_MEM_H */
