// SPDX-License-Identifier: MIT
/*
 * buffer.c - memory objects
 *
 * A buffer's bytes are in host memory, and stay where they are: mapping gives
 * their address away, a sub-buffer is a part of them, and what was made with
 * CL_MEM_USE_HOST_PTR is the program's own memory.
 */
#include <stdlib.h>
#include <string.h>

#include "external.h"

#define KERNEL_FLAGS	(CL_MEM_READ_WRITE | CL_MEM_WRITE_ONLY |	\
			 CL_MEM_READ_ONLY)
#define POINTER_FLAGS	(CL_MEM_USE_HOST_PTR | CL_MEM_ALLOC_HOST_PTR |	\
			 CL_MEM_COPY_HOST_PTR)
#define HOST_FLAGS	(CL_MEM_HOST_WRITE_ONLY | CL_MEM_HOST_READ_ONLY | \
			 CL_MEM_HOST_NO_ACCESS)

bool mem_is(cl_mem mem)
{
	return object_is(mem, KIND_MEM);
}

bool mem_holds(cl_mem mem, size_t offset, size_t bytes)
{
	return offset <= mem->size && bytes <= mem->size - offset;
}

cl_int mem_check(cl_mem mem, cl_command_queue queue)
{
	if (!mem_is(mem))
		return CL_INVALID_MEM_OBJECT;
	return mem->context == queue->context ? CL_SUCCESS : CL_INVALID_CONTEXT;
}

bool mem_overlaps(cl_mem a, size_t a_offset, size_t a_bytes,
		  cl_mem b, size_t b_offset, size_t b_bytes)
{
	const uint8_t *x = a->data + a_offset, *y = b->data + b_offset;

	return x < y + b_bytes && y < x + a_bytes;
}

static void mem_destroy(struct object *object)
{
	cl_mem mem = (cl_mem)object;
	struct callback *callback;
	struct mapping *mapping;

	while ((callback = mem->destructors)) {
		mem->destructors = callback->next;
		((void (CL_CALLBACK *)(cl_mem, void *))callback->fn)(
			mem, callback->user_data);
		free(callback);
	}
	while ((mapping = mem->mappings)) {
		mem->mappings = mapping->next;
		free(mapping);
	}
	if (mem->owned)
		free(mem->data);
	external_unmap(mem);
	free(mem->properties);
	object_put(mem->parent);
	object_put(mem->context);
}

/* Of flags that exclude each other, at most one. */
static bool at_most_one(cl_mem_flags flags)
{
	return !(flags & (flags - 1));
}

static bool flags_are_valid(cl_mem_flags flags)
{
	return !(flags & ~(cl_mem_flags)(KERNEL_FLAGS | POINTER_FLAGS |
					 HOST_FLAGS)) &&
	       at_most_one(flags & KERNEL_FLAGS) &&
	       at_most_one(flags & HOST_FLAGS) &&
	       (!(flags & CL_MEM_USE_HOST_PTR) ||
		at_most_one(flags & POINTER_FLAGS));
}

static cl_mem mem_new(cl_context context, cl_mem_flags flags, size_t size)
{
	cl_mem mem = object_create(KIND_MEM, sizeof(*mem), mem_destroy);

	if (!mem)
		return NULL;
	mem->context = object_get(context);
	mem->flags = flags & KERNEL_FLAGS ? flags : flags | CL_MEM_READ_WRITE;
	mem->size = size;
	mem->dma_buf = -1;
	return mem;
}

static cl_int check_size(cl_context context, size_t size)
{
	cl_ulong max;

	clGetDeviceInfo(context->devices[0], CL_DEVICE_MAX_MEM_ALLOC_SIZE,
			sizeof(max), &max, NULL);
	return size && size <= max ? CL_SUCCESS : CL_INVALID_BUFFER_SIZE;
}

/* Bytes of its own, or the program's. */
static cl_int place(cl_mem mem, void *host_ptr)
{
	if (mem->flags & CL_MEM_USE_HOST_PTR) {
		mem->data = mem->host_ptr = host_ptr;
		return CL_SUCCESS;
	}
	if (mem->size > SIZE_MAX - ALIGN_BYTES)
		return CL_MEM_OBJECT_ALLOCATION_FAILURE;
	mem->data = aligned_alloc(ALIGN_BYTES, (mem->size + ALIGN_BYTES - 1) /
				  ALIGN_BYTES * ALIGN_BYTES);
	if (!mem->data)
		return CL_MEM_OBJECT_ALLOCATION_FAILURE;
	mem->owned = true;
	if (host_ptr)
		memcpy(mem->data, host_ptr, mem->size);
	else
		memset(mem->data, 0, mem->size);
	return CL_SUCCESS;
}

static cl_int keep_properties(cl_mem mem, const cl_mem_properties *p, size_t n)
{
	if (!p)
		return CL_SUCCESS;
	mem->properties = calloc(n, sizeof(*p));
	if (!mem->properties)
		return CL_OUT_OF_HOST_MEMORY;
	memcpy(mem->properties, p, n * sizeof(*p));
	mem->n_properties = n;
	return CL_SUCCESS;
}

static cl_int check_new(cl_context context, cl_mem_flags flags, size_t size,
			void *host_ptr, const struct external *external)
{
	bool pointer = flags & (CL_MEM_USE_HOST_PTR | CL_MEM_COPY_HOST_PTR);

	if (!flags_are_valid(flags) ||
	    (external->given && flags & POINTER_FLAGS))
		return CL_INVALID_VALUE;
	if (check_size(context, size))
		return CL_INVALID_BUFFER_SIZE;
	return pointer == !host_ptr ? CL_INVALID_HOST_PTR : CL_SUCCESS;
}

cl_mem clCreateBufferWithProperties(cl_context context,
				    const cl_mem_properties *properties,
				    cl_mem_flags flags, size_t size,
				    void *host_ptr, cl_int *errcode_ret)
{
	struct external external = { 0 };
	cl_int ret;
	cl_mem mem;

	if (!context_is(context))
		return fail(errcode_ret, CL_INVALID_CONTEXT);
	ret = external_parse(context, properties, &external);
	if (!ret)
		ret = check_new(context, flags, size, host_ptr, &external);
	if (ret)
		return fail(errcode_ret, ret);
	mem = mem_new(context, flags, size);
	if (!mem)
		return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
	ret = keep_properties(mem, properties, external.n);
	if (!ret)
		ret = external.given ? external_map(mem, &external) :
				       place(mem, host_ptr);
	if (ret) {
		object_put(mem);
		return fail(errcode_ret, ret);
	}
	fail(errcode_ret, CL_SUCCESS);
	return mem;
}

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size,
		      void *host_ptr, cl_int *errcode_ret)
{
	return clCreateBufferWithProperties(context, NULL, flags, size,
					    host_ptr, errcode_ret);
}

/* May a part of @parent be used as @flags say? */
static bool flags_fit(cl_mem_flags parent, cl_mem_flags flags)
{
	const cl_mem_flags kernel = flags & KERNEL_FLAGS;
	const cl_mem_flags host = flags & HOST_FLAGS;

	if (kernel && !(parent & CL_MEM_READ_WRITE) &&
	    kernel != (parent & KERNEL_FLAGS))
		return false;
	return !host || !(parent & HOST_FLAGS) ||
	       host == CL_MEM_HOST_NO_ACCESS || host == (parent & HOST_FLAGS);
}

static cl_int check_part(cl_mem buffer, cl_mem_flags flags,
			 cl_buffer_create_type type,
			 const cl_buffer_region *region)
{
	if (!mem_is(buffer) || buffer->parent)
		return CL_INVALID_MEM_OBJECT;
	if (!flags_are_valid(flags) || flags & POINTER_FLAGS ||
	    !flags_fit(buffer->flags, flags) ||
	    type != CL_BUFFER_CREATE_TYPE_REGION || !region ||
	    !mem_holds(buffer, region->origin, region->size))
		return CL_INVALID_VALUE;
	if (!region->size)
		return CL_INVALID_BUFFER_SIZE;
	return region->origin % ALIGN_BYTES ? CL_MISALIGNED_SUB_BUFFER_OFFSET :
					      CL_SUCCESS;
}

cl_mem clCreateSubBuffer(cl_mem buffer, cl_mem_flags flags,
			 cl_buffer_create_type buffer_create_type,
			 const void *buffer_create_info, cl_int *errcode_ret)
{
	const cl_buffer_region *region = buffer_create_info;
	cl_int ret = check_part(buffer, flags, buffer_create_type, region);
	cl_mem mem;

	if (ret)
		return fail(errcode_ret, ret);
	if (!(flags & KERNEL_FLAGS))
		flags |= buffer->flags & KERNEL_FLAGS;
	if (!(flags & HOST_FLAGS))
		flags |= buffer->flags & HOST_FLAGS;
	mem = mem_new(buffer->context, flags | (buffer->flags & POINTER_FLAGS),
		      region->size);
	if (!mem)
		return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
	mem->parent = object_get(buffer);
	mem->offset = region->origin;
	mem->data = buffer->data + region->origin;
	if (buffer->host_ptr)
		mem->host_ptr = mem->data;
	fail(errcode_ret, CL_SUCCESS);
	return mem;
}

cl_int clRetainMemObject(cl_mem mem)
{
	return object_retain(mem, KIND_MEM, CL_INVALID_MEM_OBJECT);
}

cl_int clReleaseMemObject(cl_mem mem)
{
	return object_release(mem, KIND_MEM, CL_INVALID_MEM_OBJECT);
}

static cl_uint count_mappings(cl_mem mem)
{
	cl_uint n = 0;

	pthread_mutex_lock(&mem->context->lock);
	for (struct mapping *m = mem->mappings; m; m = m->next)
		n++;
	pthread_mutex_unlock(&mem->context->lock);
	return n;
}

cl_int clGetMemObjectInfo(cl_mem mem, cl_mem_info param_name,
			  size_t param_value_size, void *param_value,
			  size_t *param_value_size_ret)
{
	if (!mem_is(mem))
		return CL_INVALID_MEM_OBJECT;
	switch (param_name) {
	case CL_MEM_TYPE:
		return ANSWER(cl_mem_object_type, CL_MEM_OBJECT_BUFFER);
	case CL_MEM_FLAGS:
		return ANSWER(cl_mem_flags, mem->flags);
	case CL_MEM_SIZE:
		return ANSWER(size_t, mem->size);
	case CL_MEM_HOST_PTR:
		return ANSWER(void *, mem->host_ptr);
	case CL_MEM_MAP_COUNT:
		return ANSWER(cl_uint, count_mappings(mem));
	case CL_MEM_REFERENCE_COUNT:
		return ANSWER(cl_uint, atomic_load(&mem->base.handles));
	case CL_MEM_CONTEXT:
		return ANSWER(cl_context, mem->context);
	case CL_MEM_ASSOCIATED_MEMOBJECT:
		return ANSWER(cl_mem, mem->parent);
	case CL_MEM_OFFSET:
		return ANSWER(size_t, mem->offset);
	case CL_MEM_USES_SVM_POINTER:
		return ANSWER(cl_bool, CL_FALSE);
	case CL_MEM_PROPERTIES:
		return answer(mem->properties,
			      mem->n_properties * sizeof(*mem->properties),
			      param_value_size, param_value,
			      param_value_size_ret);
	}
	return CL_INVALID_VALUE;
}

cl_int clSetMemObjectDestructorCallback(cl_mem mem,
		void (CL_CALLBACK *pfn_notify)(cl_mem, void *),
		void *user_data)
{
	struct callback *callback;

	if (!mem_is(mem))
		return CL_INVALID_MEM_OBJECT;
	if (!pfn_notify)
		return CL_INVALID_VALUE;
	callback = callback_new((void (*)(void))pfn_notify, user_data);
	if (!callback)
		return CL_OUT_OF_HOST_MEMORY;
	pthread_mutex_lock(&mem->context->lock);
	callback->next = mem->destructors;
	mem->destructors = callback;
	pthread_mutex_unlock(&mem->context->lock);
	return CL_SUCCESS;
}
