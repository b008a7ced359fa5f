// SPDX-License-Identifier: MIT
/*
 * rect.c - copies of boxes: rows of bytes, rows apart by a pitch, slices by
 * another
 */
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

/* Where a box of some memory is: its first byte, and how far rows are apart. */
struct box {
	size_t start, row_pitch, slice_pitch;
};

struct rect_copy {
	struct command base;
	cl_mem from, to;
	const uint8_t *source;
	uint8_t *target;
	struct box source_box, target_box;
	size_t region[3];
};

static void rect_destroy(struct command *command)
{
	struct rect_copy *r = (struct rect_copy *)command;

	object_put(r->from);
	object_put(r->to);
	free(r);
}

static cl_int run_rect(struct command *command, cl_command_queue queue)
{
	struct rect_copy *r = (struct rect_copy *)command;
	const struct box *from = &r->source_box, *to = &r->target_box;

	for (size_t z = 0; z < r->region[2]; z++)
		for (size_t y = 0; y < r->region[1]; y++)
			memmove(r->target + to->start + y * to->row_pitch +
				z * to->slice_pitch,
				r->source + from->start + y * from->row_pitch +
				z * from->slice_pitch, r->region[0]);
	return CL_SUCCESS;
}

/*
 * Fills in pitches left open and where the box begins. False if they
 * contradict @region, or the box does not fit @size bytes.
 */
static bool box_init(struct box *box, const size_t *origin,
		     const size_t *region, size_t row_pitch,
		     size_t slice_pitch, size_t size)
{
	size_t rows, slices, start, step;

	if (!row_pitch)
		row_pitch = region[0];
	if (__builtin_mul_overflow(region[1], row_pitch, &rows) ||
	    row_pitch < region[0])
		return false;
	if (!slice_pitch)
		slice_pitch = rows;
	if (slice_pitch < rows || slice_pitch % row_pitch)
		return false;
	if (__builtin_mul_overflow(origin[2], slice_pitch, &start) ||
	    __builtin_mul_overflow(origin[1], row_pitch, &step) ||
	    __builtin_add_overflow(start, step, &start) ||
	    __builtin_add_overflow(start, origin[0], &start))
		return false;
	/* From there to the last byte of the last row. */
	if (__builtin_mul_overflow(region[2] - 1, slice_pitch, &slices) ||
	    __builtin_add_overflow(slices, (region[1] - 1) * row_pitch,
				   &slices) ||
	    __builtin_add_overflow(slices, region[0], &slices) ||
	    __builtin_add_overflow(slices, start, &slices) || slices > size)
		return false;
	*box = (struct box){ start, row_pitch, slice_pitch };
	return true;
}

/* Bytes from a box's first to its last. */
static size_t extent(const struct box *box, const size_t *region)
{
	return (region[2] - 1) * box->slice_pitch +
	       (region[1] - 1) * box->row_pitch + region[0];
}

/*
 * Do two boxes of one buffer, of equal pitches, touch? They are apart if the
 * bytes that they span are, or if their rows pass each other.
 */
static bool boxes_overlap(const struct box *a, const struct box *b,
			  const size_t *region)
{
	size_t span = extent(a, region);
	size_t x = a->start % a->row_pitch, y = b->start % a->row_pitch;
	size_t rows_a, rows_b;

	if (a->start + span <= b->start || b->start + span <= a->start)
		return false;
	/* Rows that wrap around are taken to touch. */
	if (x + region[0] > a->row_pitch || y + region[0] > a->row_pitch)
		return true;
	if (x + region[0] <= y || y + region[0] <= x)
		return false;
	rows_a = a->start % a->slice_pitch / a->row_pitch;
	rows_b = b->start % a->slice_pitch / a->row_pitch;
	if (rows_a + region[1] > a->slice_pitch / a->row_pitch ||
	    rows_b + region[1] > a->slice_pitch / a->row_pitch)
		return true;
	return rows_a < rows_b + region[1] && rows_b < rows_a + region[1];
}

static struct rect_copy *rect_new(cl_mem from, cl_mem to, const size_t *region)
{
	struct rect_copy *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->base.run = run_rect;
	r->base.destroy = rect_destroy;
	r->from = from ? object_get(from) : NULL;
	r->to = to ? object_get(to) : NULL;
	memcpy(r->region, region, sizeof(r->region));
	return r;
}

static bool is_region(const size_t *a, const size_t *b, const size_t *region)
{
	return a && b && region && region[0] && region[1] && region[2];
}

cl_int copy_rect_command(cl_command_queue queue, cl_mem from, cl_mem to,
			 const struct rect *rect, struct command **ret_command)
{
	cl_int ret = mem_check(from, queue);
	struct rect_copy *r;
	struct box a, b;

	if (!ret)
		ret = mem_check(to, queue);
	if (ret)
		return ret;
	if (!is_region(rect->from_origin, rect->to_origin, rect->region) ||
	    !box_init(&a, rect->from_origin, rect->region,
		      rect->from_row_pitch, rect->from_slice_pitch,
		      from->size) ||
	    !box_init(&b, rect->to_origin, rect->region, rect->to_row_pitch,
		      rect->to_slice_pitch, to->size))
		return CL_INVALID_VALUE;
	if (from == to && (a.row_pitch != b.row_pitch ||
			   a.slice_pitch != b.slice_pitch))
		return CL_INVALID_VALUE;
	if (from == to ? boxes_overlap(&a, &b, rect->region) :
	    mem_overlaps(from, a.start, extent(&a, rect->region),
			 to, b.start, extent(&b, rect->region)))
		return CL_MEM_COPY_OVERLAP;
	r = rect_new(from, to, rect->region);
	if (!r)
		return CL_OUT_OF_HOST_MEMORY;
	r->source = from->data;
	r->target = to->data;
	r->source_box = a;
	r->target_box = b;
	*ret_command = &r->base;
	return CL_SUCCESS;
}

cl_int clEnqueueCopyBufferRect(cl_command_queue queue, cl_mem src_buffer,
			       cl_mem dst_buffer, const size_t *src_origin,
			       const size_t *dst_origin, const size_t *region,
			       size_t src_row_pitch, size_t src_slice_pitch,
			       size_t dst_row_pitch, size_t dst_slice_pitch,
			       cl_uint num_events_in_wait_list,
			       const cl_event *event_wait_list,
			       cl_event *event)
{
	const struct rect rect = {
		src_origin, dst_origin, region, src_row_pitch,
		src_slice_pitch, dst_row_pitch, dst_slice_pitch,
	};
	struct wait_list waits = { num_events_in_wait_list, event_wait_list };
	cl_int ret = enqueue_check(queue, waits);
	struct command *command;

	if (!ret)
		ret = copy_rect_command(queue, src_buffer, dst_buffer, &rect,
					&command);
	return ret ? ret : enqueue(queue, CL_COMMAND_COPY_BUFFER_RECT, command,
				   waits, false, event);
}

/*
 * struct host_rect - a box of a buffer, and one of the host's memory
 * @no: flags of the buffer that forbid it
 */
struct host_rect {
	cl_mem buffer;
	const size_t *buffer_origin, *host_origin, *region;
	size_t row_pitch, slice_pitch, host_row_pitch, host_slice_pitch;
	const void *ptr;
	cl_mem_flags no;
};

static cl_int check_host_rect(cl_command_queue queue, const struct host_rect *h,
			      struct box *ret_box, struct box *ret_host)
{
	cl_int ret = mem_check(h->buffer, queue);

	if (ret)
		return ret;
	if (!h->ptr ||
	    !is_region(h->buffer_origin, h->host_origin, h->region) ||
	    !box_init(ret_box, h->buffer_origin, h->region, h->row_pitch,
		      h->slice_pitch, h->buffer->size) ||
	    !box_init(ret_host, h->host_origin, h->region, h->host_row_pitch,
		      h->host_slice_pitch, SIZE_MAX))
		return CL_INVALID_VALUE;
	if (h->buffer->flags & (h->no | CL_MEM_HOST_NO_ACCESS))
		return CL_INVALID_OPERATION;
	return CL_SUCCESS;
}

cl_int clEnqueueReadBufferRect(cl_command_queue queue, cl_mem buffer,
			       cl_bool blocking_read,
			       const size_t *buffer_origin,
			       const size_t *host_origin, const size_t *region,
			       size_t buffer_row_pitch,
			       size_t buffer_slice_pitch,
			       size_t host_row_pitch, size_t host_slice_pitch,
			       void *ptr, cl_uint num_events_in_wait_list,
			       const cl_event *event_wait_list,
			       cl_event *event)
{
	const struct host_rect h = {
		buffer, buffer_origin, host_origin, region, buffer_row_pitch,
		buffer_slice_pitch, host_row_pitch, host_slice_pitch, ptr,
		CL_MEM_HOST_WRITE_ONLY,
	};
	cl_int ret = ENQUEUE_CHECK(queue);
	struct rect_copy *r;
	struct box box, host;

	if (!ret)
		ret = check_host_rect(queue, &h, &box, &host);
	if (ret)
		return ret;
	r = rect_new(buffer, NULL, region);
	if (!r)
		return CL_OUT_OF_HOST_MEMORY;
	r->source = buffer->data;
	r->source_box = box;
	r->target = ptr;
	r->target_box = host;
	return ENQUEUE(queue, CL_COMMAND_READ_BUFFER_RECT, r, blocking_read);
}

cl_int clEnqueueWriteBufferRect(cl_command_queue queue, cl_mem buffer,
				cl_bool blocking_write,
				const size_t *buffer_origin,
				const size_t *host_origin,
				const size_t *region, size_t buffer_row_pitch,
				size_t buffer_slice_pitch,
				size_t host_row_pitch, size_t host_slice_pitch,
				const void *ptr,
				cl_uint num_events_in_wait_list,
				const cl_event *event_wait_list,
				cl_event *event)
{
	const struct host_rect h = {
		buffer, buffer_origin, host_origin, region, buffer_row_pitch,
		buffer_slice_pitch, host_row_pitch, host_slice_pitch, ptr,
		CL_MEM_HOST_READ_ONLY,
	};
	cl_int ret = ENQUEUE_CHECK(queue);
	struct rect_copy *r;
	struct box box, host;

	if (!ret)
		ret = check_host_rect(queue, &h, &box, &host);
	if (ret)
		return ret;
	r = rect_new(NULL, buffer, region);
	if (!r)
		return CL_OUT_OF_HOST_MEMORY;
	r->source = ptr;
	r->source_box = host;
	r->target = buffer->data;
	r->target_box = box;
	return ENQUEUE(queue, CL_COMMAND_WRITE_BUFFER_RECT, r, blocking_write);
}
