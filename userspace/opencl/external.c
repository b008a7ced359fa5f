// SPDX-License-Identifier: MIT
/*
 * external.c - cl_khr_external_memory, of dma-bufs
 *
 * A dma-buf is mapped, as any buffer's memory is. Acquiring it waits for what
 * others do with it, and lets the processor see that; releasing it lets others
 * see what was written.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>
#include <stdlib.h>

#include "external.h"

/* As the extension's final version has it; older headers have another name. */
#ifndef CL_MEM_DEVICE_HANDLE_LIST_KHR
#define CL_MEM_DEVICE_HANDLE_LIST_KHR		0x2051
#define CL_MEM_DEVICE_HANDLE_LIST_END_KHR	0
#endif

cl_int external_parse(cl_context context, const cl_mem_properties *p,
		      struct external *ret)
{
	const cl_mem_properties *at = p;
	bool list = false;

	if (!p)
		return CL_SUCCESS;
	while (*at) {
		if (*at == CL_EXTERNAL_MEMORY_HANDLE_DMA_BUF_KHR &&
		    !ret->given) {
			ret->given = true;
			ret->fd = (int)at[1];
			if ((cl_mem_properties)ret->fd != at[1])
				return CL_INVALID_PROPERTY;
			at += 2;
		} else if (*at == CL_MEM_DEVICE_HANDLE_LIST_KHR && !list) {
			list = true;
			while (*++at != CL_MEM_DEVICE_HANDLE_LIST_END_KHR) {
				cl_device_id d = (cl_device_id)(uintptr_t)*at;

				if (!device_is(d) || !context_has(context, d))
					return CL_INVALID_DEVICE;
			}
			at++;
		} else {
			return CL_INVALID_PROPERTY;
		}
	}
	ret->n = at - p + 1;
	return list && !ret->given ? CL_INVALID_PROPERTY : CL_SUCCESS;
}

static int sync_fd(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };
	int ret;

	do
		ret = ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);
	while (ret && (errno == EINTR || errno == EAGAIN));
	return ret;
}

cl_int external_map(cl_mem mem, const struct external *external)
{
	off_t size = lseek(external->fd, 0, SEEK_END);
	void *at;

	/* Only a dma-buf answers to this. */
	if (sync_fd(external->fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW) ||
	    sync_fd(external->fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW))
		return CL_INVALID_PROPERTY;
	if (size < 0 || mem->size > (size_t)size)
		return CL_INVALID_BUFFER_SIZE;
	at = mmap(NULL, mem->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		  external->fd, 0);
	if (at == MAP_FAILED)
		return CL_MEM_OBJECT_ALLOCATION_FAILURE;
	mem->data = at;
	mem->dma_buf = fcntl(external->fd, F_DUPFD_CLOEXEC, 0);
	if (mem->dma_buf >= 0)
		return CL_SUCCESS;
	munmap(at, mem->size);
	return CL_OUT_OF_HOST_MEMORY;
}

void external_unmap(cl_mem mem)
{
	if (mem->dma_buf < 0)
		return;
	munmap(mem->data, mem->size);
	close(mem->dma_buf);
}

struct handover {
	struct command base;
	uint64_t flags;
	cl_uint n;
	cl_mem mems[];
};

static cl_int run_handover(struct command *command, cl_command_queue queue)
{
	struct handover *h = (struct handover *)command;

	for (cl_uint i = 0; i < h->n; i++)
		if (sync_fd(h->mems[i]->dma_buf, h->flags))
			return CL_OUT_OF_RESOURCES;
	return CL_SUCCESS;
}

static void handover_destroy(struct command *command)
{
	struct handover *h = (struct handover *)command;

	for (cl_uint i = 0; i < h->n; i++)
		object_put(h->mems[i]);
	free(h);
}

static cl_int hand_over(cl_command_queue queue, cl_command_type type,
			uint64_t flags, cl_uint n, const cl_mem *mems,
			struct wait_list waits, cl_event *event)
{
	cl_int ret = enqueue_check(queue, waits);
	struct handover *h;

	if (!ret && !n != !mems)
		ret = CL_INVALID_VALUE;
	for (cl_uint i = 0; i < n && !ret; i++) {
		ret = mem_check(mems[i], queue);
		if (!ret && mems[i]->dma_buf < 0)
			ret = CL_INVALID_MEM_OBJECT;
	}
	if (ret)
		return ret;
	h = calloc(1, sizeof(*h) + n * sizeof(*mems));
	if (!h)
		return CL_OUT_OF_HOST_MEMORY;
	h->base = (struct command){ run_handover, handover_destroy };
	h->flags = flags | DMA_BUF_SYNC_RW;
	for (; h->n < n; h->n++)
		h->mems[h->n] = object_get(mems[h->n]);
	return enqueue(queue, type, &h->base, waits, false, event);
}

cl_int clEnqueueAcquireExternalMemObjectsKHR(cl_command_queue queue,
		cl_uint num_mem_objects, const cl_mem *mem_objects,
		cl_uint num_events_in_wait_list,
		const cl_event *event_wait_list, cl_event *event)
{
	return hand_over(queue, CL_COMMAND_ACQUIRE_EXTERNAL_MEM_OBJECTS_KHR,
			 DMA_BUF_SYNC_START, num_mem_objects, mem_objects,
			 (struct wait_list){ num_events_in_wait_list,
					     event_wait_list }, event);
}

cl_int clEnqueueReleaseExternalMemObjectsKHR(cl_command_queue queue,
		cl_uint num_mem_objects, const cl_mem *mem_objects,
		cl_uint num_events_in_wait_list,
		const cl_event *event_wait_list, cl_event *event)
{
	return hand_over(queue, CL_COMMAND_RELEASE_EXTERNAL_MEM_OBJECTS_KHR,
			 DMA_BUF_SYNC_END, num_mem_objects, mem_objects,
			 (struct wait_list){ num_events_in_wait_list,
					     event_wait_list }, event);
}
