// SPDX-License-Identifier: MIT
/*
 * command_buffer.c - cl_khr_command_buffer: commands recorded once, enqueued
 * often
 *
 * Recorded commands are those that queues carry out, checked when they are
 * recorded. An enqueued buffer is one command that runs them in the order in
 * which they were recorded, which is an order that all sync points allow; runs
 * of one buffer do not overlap, however many are pending.
 *
 * The extension is provisional, and commands got a parameter with version 0.9.5:
 * what is built here is what the system's headers say.
 */
#include <stdlib.h>
#include <string.h>

#include "program.h"

#ifdef CL_KHR_COMMAND_BUFFER_EXTENSION_VERSION
#define PROPERTIES	const cl_command_properties_khr *properties,
#define HAS_PROPERTIES	(properties && *properties)
#else
#define PROPERTIES
#define HAS_PROPERTIES	false
#endif

#ifndef CL_COMMAND_BUFFER_STATE_PENDING_KHR	/* the last versions have none */
#define CL_COMMAND_BUFFER_STATE_PENDING_KHR	\
	CL_COMMAND_BUFFER_STATE_EXECUTABLE_KHR
#endif

/*
 * struct _cl_command_buffer_khr
 * @running: held by the run that is at work
 * @lock: protects what follows
 * @commands, @n_commands: in the order of their sync points
 * @pending: enqueued and not ended
 */
struct _cl_command_buffer_khr {
	struct object base;
	cl_command_queue queue;
	cl_command_buffer_properties_khr *properties;
	size_t n_properties;
	bool simultaneous;
	pthread_mutex_t running, lock;
	bool finalized;
	struct command **commands;
	cl_uint n_commands;
	cl_uint pending;
};

static bool buffer_is(cl_command_buffer_khr buffer)
{
	return object_is(buffer, KIND_COMMAND_BUFFER);
}

static void buffer_destroy(struct object *object)
{
	cl_command_buffer_khr b = (cl_command_buffer_khr)object;

	for (cl_uint i = 0; i < b->n_commands; i++)
		if (b->commands[i])
			b->commands[i]->destroy(b->commands[i]);
	pthread_mutex_destroy(&b->running);
	pthread_mutex_destroy(&b->lock);
	free(b->commands);
	free(b->properties);
	object_put(b->queue);
}

/* The flags among @p, and how many properties there are. */
static cl_int read_properties(const cl_command_buffer_properties_khr *p,
			      cl_command_buffer_flags_khr *ret_flags,
			      size_t *ret_n)
{
	const cl_command_buffer_flags_khr known =
		CL_COMMAND_BUFFER_SIMULTANEOUS_USE_KHR;
	size_t n = 0;

	*ret_flags = 0;
	*ret_n = 0;
	if (!p)
		return CL_SUCCESS;
	for (; p[n]; n += 2) {
		if (p[n] != CL_COMMAND_BUFFER_FLAGS_KHR || n)
			return CL_INVALID_VALUE;
		*ret_flags = p[n + 1];
	}
	*ret_n = n + 1;
	return *ret_flags & ~known ? CL_INVALID_PROPERTY : CL_SUCCESS;
}

cl_command_buffer_khr clCreateCommandBufferKHR(cl_uint num_queues,
		const cl_command_queue *queues,
		const cl_command_buffer_properties_khr *properties,
		cl_int *errcode_ret)
{
	cl_command_buffer_flags_khr flags;
	cl_command_buffer_khr b;
	size_t n;
	cl_int ret;

	if (num_queues != 1 || !queues)
		return fail(errcode_ret, CL_INVALID_VALUE);
	if (!queue_is(queues[0]))
		return fail(errcode_ret, CL_INVALID_COMMAND_QUEUE);
	ret = read_properties(properties, &flags, &n);
	if (ret)
		return fail(errcode_ret, ret);
	b = object_create(KIND_COMMAND_BUFFER, sizeof(*b), buffer_destroy);
	if (!b)
		return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
	pthread_mutex_init(&b->running, NULL);
	pthread_mutex_init(&b->lock, NULL);
	b->queue = object_get(queues[0]);
	b->simultaneous = flags & CL_COMMAND_BUFFER_SIMULTANEOUS_USE_KHR;
	b->properties = calloc(n + 1, sizeof(*properties));
	if (!b->properties) {
		object_put(b);
		return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
	}
	b->n_properties = n;
	if (properties)
		memcpy(b->properties, properties, n * sizeof(*properties));
	fail(errcode_ret, CL_SUCCESS);
	return b;
}

cl_int clRetainCommandBufferKHR(cl_command_buffer_khr buffer)
{
	return object_retain(buffer, KIND_COMMAND_BUFFER,
			     CL_INVALID_COMMAND_BUFFER_KHR);
}

cl_int clReleaseCommandBufferKHR(cl_command_buffer_khr buffer)
{
	return object_release(buffer, KIND_COMMAND_BUFFER,
			      CL_INVALID_COMMAND_BUFFER_KHR);
}

cl_int clFinalizeCommandBufferKHR(cl_command_buffer_khr b)
{
	bool was;

	if (!buffer_is(b))
		return CL_INVALID_COMMAND_BUFFER_KHR;
	pthread_mutex_lock(&b->lock);
	was = b->finalized;
	b->finalized = true;
	pthread_mutex_unlock(&b->lock);
	return was ? CL_INVALID_OPERATION : CL_SUCCESS;
}

/* Recording */

struct sync_points {
	cl_uint n;
	const cl_sync_point_khr *list;
};

/* What a recorded command comes with, besides what it is to do. */
static cl_int check_record(cl_command_buffer_khr b, cl_command_queue queue,
			   bool has_properties, struct sync_points waits,
			   const cl_mutable_command_khr *handle)
{
	cl_int ret = CL_SUCCESS;

	if (!buffer_is(b))
		return CL_INVALID_COMMAND_BUFFER_KHR;
	if (queue)
		return CL_INVALID_COMMAND_QUEUE;
	if (handle || has_properties)
		return CL_INVALID_VALUE;
	if (!waits.n != !waits.list)
		return CL_INVALID_SYNC_POINT_WAIT_LIST_KHR;
	pthread_mutex_lock(&b->lock);
	if (b->finalized)
		ret = CL_INVALID_OPERATION;
	for (cl_uint i = 0; i < waits.n && !ret; i++)
		if (waits.list[i] >= b->n_commands)
			ret = CL_INVALID_SYNC_POINT_WAIT_LIST_KHR;
	pthread_mutex_unlock(&b->lock);
	return ret;
}

/* Takes @command over; NULL stands for a barrier. */
static cl_int record(cl_command_buffer_khr b, struct command *command,
		     cl_sync_point_khr *ret_point)
{
	struct command **commands;

	pthread_mutex_lock(&b->lock);
	commands = realloc(b->commands, (b->n_commands + 1ull) *
			   sizeof(*commands));
	if (commands) {
		if (ret_point)
			*ret_point = b->n_commands;
		b->commands = commands;
		b->commands[b->n_commands++] = command;
	}
	pthread_mutex_unlock(&b->lock);
	if (!commands && command)
		command->destroy(command);
	return commands ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY;
}

#define CHECK_RECORD()							\
	check_record(command_buffer, command_queue, HAS_PROPERTIES,	\
		     (struct sync_points){ num_sync_points_in_wait_list,	\
					   sync_point_wait_list },	\
		     mutable_handle)
/* The parameters that all commands end with. */
#define ENDS	cl_uint num_sync_points_in_wait_list,			\
		const cl_sync_point_khr *sync_point_wait_list,		\
		cl_sync_point_khr *sync_point,				\
		cl_mutable_command_khr *mutable_handle

cl_int clCommandBarrierWithWaitListKHR(cl_command_buffer_khr command_buffer,
				       cl_command_queue command_queue,
				       PROPERTIES ENDS)
{
	cl_int ret = CHECK_RECORD();

	return ret ? ret : record(command_buffer, NULL, sync_point);
}

cl_int clCommandCopyBufferKHR(cl_command_buffer_khr command_buffer,
			      cl_command_queue command_queue, PROPERTIES
			      cl_mem src_buffer, cl_mem dst_buffer,
			      size_t src_offset, size_t dst_offset,
			      size_t size, ENDS)
{
	struct command *command;
	cl_int ret = CHECK_RECORD();

	if (!ret)
		ret = copy_command(command_buffer->queue, src_buffer,
				   dst_buffer, src_offset, dst_offset, size,
				   &command);
	return ret ? ret : record(command_buffer, command, sync_point);
}

cl_int clCommandCopyBufferRectKHR(cl_command_buffer_khr command_buffer,
				  cl_command_queue command_queue, PROPERTIES
				  cl_mem src_buffer, cl_mem dst_buffer,
				  const size_t *src_origin,
				  const size_t *dst_origin,
				  const size_t *region, size_t src_row_pitch,
				  size_t src_slice_pitch,
				  size_t dst_row_pitch,
				  size_t dst_slice_pitch, ENDS)
{
	const struct rect rect = {
		src_origin, dst_origin, region, src_row_pitch,
		src_slice_pitch, dst_row_pitch, dst_slice_pitch,
	};
	struct command *command;
	cl_int ret = CHECK_RECORD();

	if (!ret)
		ret = copy_rect_command(command_buffer->queue, src_buffer,
					dst_buffer, &rect, &command);
	return ret ? ret : record(command_buffer, command, sync_point);
}

cl_int clCommandFillBufferKHR(cl_command_buffer_khr command_buffer,
			      cl_command_queue command_queue, PROPERTIES
			      cl_mem buffer, const void *pattern,
			      size_t pattern_size, size_t offset, size_t size,
			      ENDS)
{
	struct command *command;
	cl_int ret = CHECK_RECORD();

	if (!ret)
		ret = fill_command(command_buffer->queue, buffer, pattern,
				   pattern_size, offset, size, &command);
	return ret ? ret : record(command_buffer, command, sync_point);
}

/* @properties are of the launch here, and have been from the first version. */
cl_int clCommandNDRangeKernelKHR(cl_command_buffer_khr command_buffer,
				 cl_command_queue command_queue,
#ifdef CL_KHR_COMMAND_BUFFER_EXTENSION_VERSION
				 const cl_command_properties_khr *properties,
#else
				 const cl_ndrange_kernel_command_properties_khr
					*properties,
#endif
				 cl_kernel kernel, cl_uint work_dim,
				 const size_t *global_work_offset,
				 const size_t *global_work_size,
				 const size_t *local_work_size, ENDS)
{
	const struct range range = {
		work_dim, global_work_offset, global_work_size,
		local_work_size,
	};
	struct command *command;
	cl_int ret = check_record(command_buffer, command_queue,
		properties && *properties,
		(struct sync_points){ num_sync_points_in_wait_list,
				      sync_point_wait_list }, mutable_handle);

	if (!ret)
		ret = launch_command(command_buffer->queue, kernel, &range,
				     &command);
	return ret ? ret : record(command_buffer, command, sync_point);
}

/* No images. */

cl_int clCommandCopyBufferToImageKHR(cl_command_buffer_khr command_buffer,
				     cl_command_queue command_queue, PROPERTIES
				     cl_mem src_buffer, cl_mem dst_image,
				     size_t src_offset,
				     const size_t *dst_origin,
				     const size_t *region, ENDS)
{
	cl_int ret = CHECK_RECORD();

	return ret ? ret : CL_INVALID_OPERATION;
}

cl_int clCommandCopyImageKHR(cl_command_buffer_khr command_buffer,
			     cl_command_queue command_queue, PROPERTIES
			     cl_mem src_image, cl_mem dst_image,
			     const size_t *src_origin,
			     const size_t *dst_origin, const size_t *region,
			     ENDS)
{
	cl_int ret = CHECK_RECORD();

	return ret ? ret : CL_INVALID_OPERATION;
}

cl_int clCommandCopyImageToBufferKHR(cl_command_buffer_khr command_buffer,
				     cl_command_queue command_queue, PROPERTIES
				     cl_mem src_image, cl_mem dst_buffer,
				     const size_t *src_origin,
				     const size_t *region, size_t dst_offset,
				     ENDS)
{
	cl_int ret = CHECK_RECORD();

	return ret ? ret : CL_INVALID_OPERATION;
}

cl_int clCommandFillImageKHR(cl_command_buffer_khr command_buffer,
			     cl_command_queue command_queue, PROPERTIES
			     cl_mem image, const void *fill_color,
			     const size_t *origin, const size_t *region, ENDS)
{
	cl_int ret = CHECK_RECORD();

	return ret ? ret : CL_INVALID_OPERATION;
}

/* Running */

struct replay {
	struct command base;
	cl_command_buffer_khr buffer;
};

static cl_int run_replay(struct command *command, cl_command_queue queue)
{
	cl_command_buffer_khr b = ((struct replay *)command)->buffer;
	cl_int ret = CL_SUCCESS;

	pthread_mutex_lock(&b->running);
	for (cl_uint i = 0; i < b->n_commands && !ret; i++)
		if (b->commands[i] && b->commands[i]->run)
			ret = b->commands[i]->run(b->commands[i], queue);
	pthread_mutex_unlock(&b->running);
	return ret;
}

static void replay_destroy(struct command *command)
{
	cl_command_buffer_khr b = ((struct replay *)command)->buffer;

	pthread_mutex_lock(&b->lock);
	b->pending--;
	pthread_mutex_unlock(&b->lock);
	object_put(b);
	free(command);
}

/* One of the program's own queues in place of that of the recording. */
static cl_int choose_queue(cl_command_buffer_khr b, cl_uint n,
			   const cl_command_queue *queues,
			   cl_command_queue *ret_queue)
{
	if (n > 1 || !n != !queues)
		return CL_INVALID_VALUE;
	*ret_queue = n ? queues[0] : b->queue;
	if (!queue_is(*ret_queue))
		return CL_INVALID_COMMAND_QUEUE;
	if ((*ret_queue)->context != b->queue->context)
		return CL_INVALID_CONTEXT;
	if ((*ret_queue)->device != b->queue->device ||
	    (*ret_queue)->properties != b->queue->properties)
		return CL_INCOMPATIBLE_COMMAND_QUEUE_KHR;
	return CL_SUCCESS;
}

static cl_int begin(cl_command_buffer_khr b)
{
	cl_int ret = CL_SUCCESS;

	pthread_mutex_lock(&b->lock);
	if (!b->finalized || (b->pending && !b->simultaneous))
		ret = CL_INVALID_OPERATION;
	else
		b->pending++;
	pthread_mutex_unlock(&b->lock);
	return ret;
}

cl_int clEnqueueCommandBufferKHR(cl_uint num_queues, cl_command_queue *queues,
				 cl_command_buffer_khr b,
				 cl_uint num_events_in_wait_list,
				 const cl_event *event_wait_list,
				 cl_event *event)
{
	cl_command_queue queue;
	struct replay *r;
	cl_int ret;

	if (!buffer_is(b))
		return CL_INVALID_COMMAND_BUFFER_KHR;
	ret = choose_queue(b, num_queues, queues, &queue);
	if (!ret)
		ret = ENQUEUE_CHECK(queue);
	if (!ret)
		ret = begin(b);
	if (ret)
		return ret;
	r = calloc(1, sizeof(*r));
	if (!r) {
		pthread_mutex_lock(&b->lock);
		b->pending--;
		pthread_mutex_unlock(&b->lock);
		return CL_OUT_OF_HOST_MEMORY;
	}
	r->base = (struct command){ run_replay, replay_destroy };
	r->buffer = object_get(b);
	return ENQUEUE(queue, CL_COMMAND_COMMAND_BUFFER_KHR, r, false);
}

static cl_command_buffer_state_khr state_of(cl_command_buffer_khr b)
{
	cl_command_buffer_state_khr state;

	pthread_mutex_lock(&b->lock);
	state = !b->finalized ? CL_COMMAND_BUFFER_STATE_RECORDING_KHR :
		b->pending ? CL_COMMAND_BUFFER_STATE_PENDING_KHR :
			     CL_COMMAND_BUFFER_STATE_EXECUTABLE_KHR;
	pthread_mutex_unlock(&b->lock);
	return state;
}

cl_int clGetCommandBufferInfoKHR(cl_command_buffer_khr b,
				 cl_command_buffer_info_khr param_name,
				 size_t param_value_size, void *param_value,
				 size_t *param_value_size_ret)
{
	if (!buffer_is(b))
		return CL_INVALID_COMMAND_BUFFER_KHR;
	switch (param_name) {
	case CL_COMMAND_BUFFER_QUEUES_KHR:
		return ANSWER(cl_command_queue, b->queue);
	case CL_COMMAND_BUFFER_NUM_QUEUES_KHR:
		return ANSWER(cl_uint, 1);
	case CL_COMMAND_BUFFER_REFERENCE_COUNT_KHR:
		return ANSWER(cl_uint, atomic_load(&b->base.handles));
	case CL_COMMAND_BUFFER_STATE_KHR:
		return ANSWER(cl_command_buffer_state_khr, state_of(b));
#ifdef CL_COMMAND_BUFFER_CONTEXT_KHR
	case CL_COMMAND_BUFFER_CONTEXT_KHR:
		return ANSWER(cl_context, b->queue->context);
#endif
	case CL_COMMAND_BUFFER_PROPERTIES_ARRAY_KHR:
		return answer(b->properties,
			      b->n_properties * sizeof(*b->properties),
			      param_value_size, param_value,
			      param_value_size_ret);
	}
	return CL_INVALID_VALUE;
}
