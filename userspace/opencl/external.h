/* SPDX-License-Identifier: MIT */
/*
 * external.h - buffers whose bytes are in a dma-buf
 */
#ifndef FXQ_OPENCL_EXTERNAL_H
#define FXQ_OPENCL_EXTERNAL_H

#include "buffer.h"

/*
 * struct external - what the properties of a new buffer say
 * @given: there is a dma-buf, and it is @fd
 * @n: properties, with the 0 at the end
 */
struct external {
	bool given;
	int fd;
	size_t n;
};

cl_int external_parse(cl_context context, const cl_mem_properties *properties,
		      struct external *ret_external);
/* The bytes of @mem are those of the dma-buf, which stays open with it. */
cl_int external_map(cl_mem mem, const struct external *external);
void external_unmap(cl_mem mem);

#endif /* FXQ_OPENCL_EXTERNAL_H */
