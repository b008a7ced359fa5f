/* SPDX-License-Identifier: MIT */
/*
 * buffer.h - memory objects, and the commands that move their bytes
 *
 * Memory is the host's, one copy for all devices of a context: libfxq brings it
 * to the device that runs a kernel.
 */
#ifndef FXQ_OPENCL_BUFFER_H
#define FXQ_OPENCL_BUFFER_H

#include "queue.h"

#define ALIGN_BYTES	64	/* of memory objects, and of sub-buffers in them */

/* buffer.c */

/* What clEnqueueMapBuffer() gave out, once for each time. */
struct mapping {
	struct mapping *next;
	void *at;
};

/*
 * struct _cl_mem - a buffer
 * @data: its bytes; of a sub-buffer, in its parent's
 * @owned: they were allocated for it
 * @dma_buf: they are mapped from this file; -1
 * @mappings: in force; protected by the context's lock, as @destructors is
 */
struct _cl_mem {
	struct object base;
	cl_context context;
	cl_mem parent;
	size_t offset, size;
	cl_mem_flags flags;
	void *host_ptr;
	uint8_t *data;
	bool owned;
	int dma_buf;
	cl_mem_properties *properties;
	size_t n_properties;
	struct mapping *mappings;
	struct callback *destructors;
};

bool mem_is(cl_mem mem);
/* Is [offset, offset + bytes) in it? */
bool mem_holds(cl_mem mem, size_t offset, size_t bytes);
/* Is it one, and of the queue's context? CL_SUCCESS, or the error. */
cl_int mem_check(cl_mem mem, cl_command_queue queue);
bool mem_overlaps(cl_mem a, size_t a_offset, size_t a_bytes,
		  cl_mem b, size_t b_offset, size_t b_bytes);

/* transfer.c, rect.c */

/*
 * What copies in queues and in command buffers are made of: checked, made into
 * a command, and left to the caller to enqueue.
 */
cl_int copy_command(cl_command_queue queue, cl_mem from, cl_mem to,
		    size_t from_offset, size_t to_offset, size_t bytes,
		    struct command **ret_command);
cl_int fill_command(cl_command_queue queue, cl_mem to, const void *pattern,
		    size_t pattern_bytes, size_t offset, size_t bytes,
		    struct command **ret_command);

/* Boxes of bytes in linear memory; a pitch of 0 stands for no gap. */
struct rect {
	const size_t *from_origin, *to_origin, *region;
	size_t from_row_pitch, from_slice_pitch, to_row_pitch, to_slice_pitch;
};

cl_int copy_rect_command(cl_command_queue queue, cl_mem from, cl_mem to,
			 const struct rect *rect, struct command **ret_command);

#endif /* FXQ_OPENCL_BUFFER_H */
