// SPDX-License-Identifier: MIT
/*
 * queue.c - command queues
 */
#include <stdlib.h>
#include <string.h>

#include "queue.h"

#define KNOWN	(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE |	\
		 CL_QUEUE_PROFILING_ENABLE | CL_QUEUE_ON_DEVICE |	\
		 CL_QUEUE_ON_DEVICE_DEFAULT)

bool queue_is(cl_command_queue queue)
{
	return object_is(queue, KIND_QUEUE);
}

void queue_append(cl_command_queue q, cl_event event)
{
	event->number = q->enqueued++;
	event->active_previous = q->active_last;
	if (q->active_last)
		q->active_last->active_next = event;
	else
		q->active = event;
	q->active_last = event;
	object_get(event);
}

void queue_remove(cl_command_queue q, cl_event event)
{
	if (q->barrier == event)
		q->barrier = NULL;
	if (event->active_previous)
		event->active_previous->active_next = event->active_next;
	else
		q->active = event->active_next;
	if (event->active_next)
		event->active_next->active_previous = event->active_previous;
	else
		q->active_last = event->active_previous;
}

static void queue_destroy(struct object *object)
{
	cl_command_queue q = (cl_command_queue)object;

	if (q->crew)
		crew_dismiss(q->crew);
	object_put(q->context);
	free(q->list);
}

static cl_command_queue create(cl_context context, cl_device_id device,
			       cl_command_queue_properties properties,
			       const cl_queue_properties *list, size_t n_list,
			       cl_int *errcode_ret)
{
	cl_command_queue q = object_create(KIND_QUEUE, sizeof(*q),
					   queue_destroy);

	if (!q)
		return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
	q->context = object_get(context);
	q->device = device;
	q->properties = properties;
	q->list = calloc(n_list + 1, sizeof(*list));
	if (!q->list || crew_create(queue_in_order(q) ? 1 : QUEUE_THREADS,
				    &q->crew)) {
		object_put(q);
		return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
	}
	q->n_list = n_list;
	if (list)
		memcpy(q->list, list, n_list * sizeof(*list));
	fail(errcode_ret, CL_SUCCESS);
	return q;
}

static cl_int check_place(cl_context context, cl_device_id device)
{
	if (!context_is(context))
		return CL_INVALID_CONTEXT;
	if (!device_is(device) || !context_has(context, device))
		return CL_INVALID_DEVICE;
	return CL_SUCCESS;
}

static cl_int check_properties(cl_command_queue_properties properties)
{
	if (properties & ~(cl_command_queue_properties)KNOWN)
		return CL_INVALID_VALUE;
	if (properties & CL_QUEUE_ON_DEVICE_DEFAULT &&
	    !(properties & CL_QUEUE_ON_DEVICE))
		return CL_INVALID_VALUE;
	if (properties & CL_QUEUE_ON_DEVICE)
		return CL_INVALID_QUEUE_PROPERTIES;	/* there are none */
	return CL_SUCCESS;
}

cl_command_queue clCreateCommandQueue(cl_context context, cl_device_id device,
				      cl_command_queue_properties properties,
				      cl_int *errcode_ret)
{
	cl_int ret = check_place(context, device);

	if (!ret)
		ret = check_properties(properties);
	if (ret)
		return fail(errcode_ret, ret);
	return create(context, device, properties, NULL, 0, errcode_ret);
}

cl_command_queue clCreateCommandQueueWithProperties(cl_context context,
		cl_device_id device, const cl_queue_properties *properties,
		cl_int *errcode_ret)
{
	cl_int ret = check_place(context, device);
	cl_command_queue_properties flags = 0;
	size_t n = 0;

	for (; !ret && properties && properties[n]; n += 2) {
		if (properties[n] == CL_QUEUE_SIZE)
			ret = CL_INVALID_QUEUE_PROPERTIES;
		else if (properties[n] != CL_QUEUE_PROPERTIES)
			ret = CL_INVALID_VALUE;
		else
			flags = properties[n + 1];
	}
	if (!ret)
		ret = check_properties(flags);
	if (ret)
		return fail(errcode_ret, ret);
	return create(context, device, flags, properties,
		      properties ? n + 1 : 0, errcode_ret);
}

/* cl_khr_create_command_queue, from before it was core. */
cl_command_queue clCreateCommandQueueWithPropertiesKHR(cl_context context,
		cl_device_id device, const cl_queue_properties_khr *properties,
		cl_int *errcode_ret)
{
	return clCreateCommandQueueWithProperties(context, device, properties,
						  errcode_ret);
}

cl_int clRetainCommandQueue(cl_command_queue queue)
{
	return object_retain(queue, KIND_QUEUE, CL_INVALID_COMMAND_QUEUE);
}

cl_int clReleaseCommandQueue(cl_command_queue queue)
{
	return object_release(queue, KIND_QUEUE, CL_INVALID_COMMAND_QUEUE);
}

cl_int clGetCommandQueueInfo(cl_command_queue q,
			     cl_command_queue_info param_name,
			     size_t param_value_size, void *param_value,
			     size_t *param_value_size_ret)
{
	if (!queue_is(q))
		return CL_INVALID_COMMAND_QUEUE;
	switch (param_name) {
	case CL_QUEUE_CONTEXT:
		return ANSWER(cl_context, q->context);
	case CL_QUEUE_DEVICE:
		return ANSWER(cl_device_id, q->device);
	case CL_QUEUE_REFERENCE_COUNT:
		return ANSWER(cl_uint, atomic_load(&q->base.handles));
	case CL_QUEUE_PROPERTIES:
		return ANSWER(cl_command_queue_properties, q->properties);
	case CL_QUEUE_PROPERTIES_ARRAY:
		return answer(q->list, q->n_list * sizeof(*q->list),
			      param_value_size, param_value,
			      param_value_size_ret);
	case CL_QUEUE_DEVICE_DEFAULT:
		return ANSWER(cl_command_queue, NULL);
	case CL_QUEUE_SIZE:		/* of queues on the device */
		return CL_INVALID_COMMAND_QUEUE;
	}
	return CL_INVALID_VALUE;
}

/* Withdrawn with OpenCL 1.1. */
cl_int clSetCommandQueueProperty(cl_command_queue queue,
				 cl_command_queue_properties properties,
				 cl_bool enable,
				 cl_command_queue_properties *old_properties)
{
	return queue_is(queue) ? CL_INVALID_OPERATION :
				 CL_INVALID_COMMAND_QUEUE;
}

cl_int clSetDefaultDeviceCommandQueue(cl_context context, cl_device_id device,
				      cl_command_queue queue)
{
	cl_int ret = check_place(context, device);

	if (!ret && !queue_is(queue))
		ret = CL_INVALID_COMMAND_QUEUE;
	return ret ? ret : CL_INVALID_OPERATION;
}

/* Commands are handed on when they are enqueued. */
cl_int clFlush(cl_command_queue queue)
{
	return queue_is(queue) ? CL_SUCCESS : CL_INVALID_COMMAND_QUEUE;
}

cl_int clFinish(cl_command_queue q)
{
	cl_context context;
	cl_ulong end;

	if (!queue_is(q))
		return CL_INVALID_COMMAND_QUEUE;
	object_get(q);
	context = q->context;
	pthread_mutex_lock(&context->lock);
	end = q->enqueued;
	while (q->active && q->active->number < end)
		pthread_cond_wait(&context->changed, &context->lock);
	pthread_mutex_unlock(&context->lock);
	object_put(q);
	return CL_SUCCESS;
}
