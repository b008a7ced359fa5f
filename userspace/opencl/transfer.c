// SPDX-License-Identifier: MIT
/*
 * transfer.c - reading, writing, copying, filling and mapping buffers
 */
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

/*
 * struct transfer
 * @from, @to: buffers that are held until it is done; either may be NULL
 * @source, @target: the bytes
 */
struct transfer {
	struct command base;
	cl_mem from, to;
	const uint8_t *source;
	uint8_t *target;
	size_t bytes, pattern_bytes;
	uint8_t pattern[128];
};

static void transfer_destroy(struct command *command)
{
	struct transfer *t = (struct transfer *)command;

	object_put(t->from);
	object_put(t->to);
	free(t);
}

static struct transfer *transfer_new(cl_mem from, cl_mem to,
		cl_int (*run)(struct command *, cl_command_queue))
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->base.run = run;
	t->base.destroy = transfer_destroy;
	t->from = from ? object_get(from) : NULL;
	t->to = to ? object_get(to) : NULL;
	return t;
}

static cl_int run_copy(struct command *command, cl_command_queue queue)
{
	struct transfer *t = (struct transfer *)command;

	/* A program may read a buffer into memory that the buffer is made of. */
	memmove(t->target, t->source, t->bytes);
	return CL_SUCCESS;
}

static cl_int run_fill(struct command *command, cl_command_queue queue)
{
	struct transfer *t = (struct transfer *)command;

	for (size_t i = 0; i < t->bytes; i += t->pattern_bytes)
		memcpy(t->target + i, t->pattern, t->pattern_bytes);
	return CL_SUCCESS;
}

/* May the host read or write it so? @no: the flags that forbid it. */
static cl_int check_host(cl_command_queue queue, cl_mem mem, cl_mem_flags no,
			 size_t offset, size_t bytes, const void *ptr)
{
	cl_int ret = mem_check(mem, queue);

	if (ret)
		return ret;
	if (!mem_holds(mem, offset, bytes) || !ptr)
		return CL_INVALID_VALUE;
	if (mem->flags & (no | CL_MEM_HOST_NO_ACCESS))
		return CL_INVALID_OPERATION;
	return CL_SUCCESS;
}

cl_int clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer,
			   cl_bool blocking_read, size_t offset, size_t size,
			   void *ptr, cl_uint num_events_in_wait_list,
			   const cl_event *event_wait_list, cl_event *event)
{
	struct transfer *t;
	cl_int ret = ENQUEUE_CHECK(queue);

	if (!ret)
		ret = check_host(queue, buffer, CL_MEM_HOST_WRITE_ONLY, offset,
				 size, ptr);
	if (ret)
		return ret;
	t = transfer_new(buffer, NULL, run_copy);
	if (!t)
		return CL_OUT_OF_HOST_MEMORY;
	t->source = buffer->data + offset;
	t->target = ptr;
	t->bytes = size;
	return ENQUEUE(queue, CL_COMMAND_READ_BUFFER, t, blocking_read);
}

cl_int clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer,
			    cl_bool blocking_write, size_t offset, size_t size,
			    const void *ptr, cl_uint num_events_in_wait_list,
			    const cl_event *event_wait_list, cl_event *event)
{
	struct transfer *t;
	cl_int ret = ENQUEUE_CHECK(queue);

	if (!ret)
		ret = check_host(queue, buffer, CL_MEM_HOST_READ_ONLY, offset,
				 size, ptr);
	if (ret)
		return ret;
	t = transfer_new(NULL, buffer, run_copy);
	if (!t)
		return CL_OUT_OF_HOST_MEMORY;
	t->source = ptr;
	t->target = buffer->data + offset;
	t->bytes = size;
	return ENQUEUE(queue, CL_COMMAND_WRITE_BUFFER, t, blocking_write);
}

cl_int copy_command(cl_command_queue queue, cl_mem from, cl_mem to,
		    size_t from_offset, size_t to_offset, size_t bytes,
		    struct command **ret_command)
{
	struct transfer *t;
	cl_int ret = mem_check(from, queue);

	if (!ret)
		ret = mem_check(to, queue);
	if (ret)
		return ret;
	if (!mem_holds(from, from_offset, bytes) ||
	    !mem_holds(to, to_offset, bytes))
		return CL_INVALID_VALUE;
	if (mem_overlaps(from, from_offset, bytes, to, to_offset, bytes))
		return CL_MEM_COPY_OVERLAP;
	t = transfer_new(from, to, run_copy);
	if (!t)
		return CL_OUT_OF_HOST_MEMORY;
	t->source = from->data + from_offset;
	t->target = to->data + to_offset;
	t->bytes = bytes;
	*ret_command = &t->base;
	return CL_SUCCESS;
}

cl_int clEnqueueCopyBuffer(cl_command_queue queue, cl_mem src_buffer,
			   cl_mem dst_buffer, size_t src_offset,
			   size_t dst_offset, size_t size,
			   cl_uint num_events_in_wait_list,
			   const cl_event *event_wait_list, cl_event *event)
{
	struct wait_list waits = { num_events_in_wait_list, event_wait_list };
	cl_int ret = enqueue_check(queue, waits);
	struct command *command;

	if (!ret)
		ret = copy_command(queue, src_buffer, dst_buffer, src_offset,
				   dst_offset, size, &command);
	return ret ? ret : enqueue(queue, CL_COMMAND_COPY_BUFFER, command,
				   waits, false, event);
}

cl_int fill_command(cl_command_queue queue, cl_mem to, const void *pattern,
		    size_t pattern_bytes, size_t offset, size_t bytes,
		    struct command **ret_command)
{
	struct transfer *t;
	cl_int ret = mem_check(to, queue);

	if (ret)
		return ret;
	if (!mem_holds(to, offset, bytes) || !pattern || !pattern_bytes ||
	    pattern_bytes > sizeof(t->pattern) ||
	    pattern_bytes & (pattern_bytes - 1) || offset % pattern_bytes ||
	    bytes % pattern_bytes)
		return CL_INVALID_VALUE;
	t = transfer_new(NULL, to, run_fill);
	if (!t)
		return CL_OUT_OF_HOST_MEMORY;
	t->target = to->data + offset;
	t->bytes = bytes;
	t->pattern_bytes = pattern_bytes;
	memcpy(t->pattern, pattern, pattern_bytes);
	*ret_command = &t->base;
	return CL_SUCCESS;
}

cl_int clEnqueueFillBuffer(cl_command_queue queue, cl_mem buffer,
			   const void *pattern, size_t pattern_size,
			   size_t offset, size_t size,
			   cl_uint num_events_in_wait_list,
			   const cl_event *event_wait_list, cl_event *event)
{
	struct wait_list waits = { num_events_in_wait_list, event_wait_list };
	cl_int ret = enqueue_check(queue, waits);
	struct command *command;

	if (!ret)
		ret = fill_command(queue, buffer, pattern, pattern_size, offset,
				   size, &command);
	return ret ? ret : enqueue(queue, CL_COMMAND_FILL_BUFFER, command,
				   waits, false, event);
}

/* Mapping: the bytes are there already, so that only the order counts. */

static cl_int check_map(cl_command_queue queue, cl_mem mem, cl_map_flags flags,
			size_t offset, size_t bytes)
{
	const cl_map_flags write = CL_MAP_WRITE |
				   CL_MAP_WRITE_INVALIDATE_REGION;
	cl_mem_flags no = 0;

	if (flags & ~(CL_MAP_READ | write) ||
	    (flags & CL_MAP_WRITE_INVALIDATE_REGION &&
	     flags & (CL_MAP_READ | CL_MAP_WRITE)) || !bytes)
		return mem_is(mem) ? CL_INVALID_VALUE : CL_INVALID_MEM_OBJECT;
	if (flags & CL_MAP_READ)
		no |= CL_MEM_HOST_WRITE_ONLY;
	if (flags & write)
		no |= CL_MEM_HOST_READ_ONLY;
	return check_host(queue, mem, no, offset, bytes, mem);
}

static bool add_mapping(cl_mem mem, void *at)
{
	struct mapping *m = malloc(sizeof(*m));

	if (!m)
		return false;
	m->at = at;
	pthread_mutex_lock(&mem->context->lock);
	m->next = mem->mappings;
	mem->mappings = m;
	pthread_mutex_unlock(&mem->context->lock);
	return true;
}

static bool remove_mapping(cl_mem mem, void *at)
{
	struct mapping **p = &mem->mappings, *m;

	pthread_mutex_lock(&mem->context->lock);
	while ((m = *p) && m->at != at)
		p = &m->next;
	if (m)
		*p = m->next;
	pthread_mutex_unlock(&mem->context->lock);
	free(m);
	return m;
}

void *clEnqueueMapBuffer(cl_command_queue queue, cl_mem buffer,
			 cl_bool blocking_map, cl_map_flags map_flags,
			 size_t offset, size_t size,
			 cl_uint num_events_in_wait_list,
			 const cl_event *event_wait_list, cl_event *event,
			 cl_int *errcode_ret)
{
	struct transfer *t;
	cl_int ret = ENQUEUE_CHECK(queue);
	void *at;

	if (!ret)
		ret = check_map(queue, buffer, map_flags, offset, size);
	if (ret)
		return fail(errcode_ret, ret);
	at = buffer->data + offset;
	t = transfer_new(buffer, NULL, NULL);
	if (!t || !add_mapping(buffer, at)) {
		if (t)
			transfer_destroy(&t->base);
		return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
	}
	ret = ENQUEUE(queue, CL_COMMAND_MAP_BUFFER, t, blocking_map);
	fail(errcode_ret, ret);
	if (!ret)
		return at;
	remove_mapping(buffer, at);
	return NULL;
}

cl_int clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem memobj,
			       void *mapped_ptr,
			       cl_uint num_events_in_wait_list,
			       const cl_event *event_wait_list,
			       cl_event *event)
{
	struct transfer *t;
	cl_int ret = ENQUEUE_CHECK(queue);

	if (!ret)
		ret = mem_check(memobj, queue);
	if (ret)
		return ret;
	t = transfer_new(memobj, NULL, NULL);
	if (!t)
		return CL_OUT_OF_HOST_MEMORY;
	if (!remove_mapping(memobj, mapped_ptr)) {
		transfer_destroy(&t->base);
		return CL_INVALID_VALUE;
	}
	return ENQUEUE(queue, CL_COMMAND_UNMAP_MEM_OBJECT, t, false);
}

cl_int clEnqueueMigrateMemObjects(cl_command_queue queue,
				  cl_uint num_mem_objects,
				  const cl_mem *mem_objects,
				  cl_mem_migration_flags flags,
				  cl_uint num_events_in_wait_list,
				  const cl_event *event_wait_list,
				  cl_event *event)
{
	struct wait_list waits = { num_events_in_wait_list, event_wait_list };
	cl_int ret = enqueue_check(queue, waits);

	if (!ret && (!num_mem_objects || !mem_objects ||
		     flags & ~(cl_mem_migration_flags)(
				CL_MIGRATE_MEM_OBJECT_HOST |
				CL_MIGRATE_MEM_OBJECT_CONTENT_UNDEFINED)))
		ret = CL_INVALID_VALUE;
	for (cl_uint i = 0; i < num_mem_objects && !ret; i++)
		ret = mem_check(mem_objects[i], queue);
	return ret ? ret : enqueue(queue, CL_COMMAND_MIGRATE_MEM_OBJECTS, NULL,
				   waits, false, event);
}
