// SPDX-License-Identifier: MIT
/*
 * enqueue.c - the way of every command into its queue
 */
#include <stdlib.h>

#include "queue.h"

cl_int enqueue_check(cl_command_queue queue, struct wait_list waits)
{
	if (!queue_is(queue))
		return CL_INVALID_COMMAND_QUEUE;
	if (!waits.n != !waits.events)
		return CL_INVALID_EVENT_WAIT_LIST;
	for (cl_uint i = 0; i < waits.n; i++) {
		if (!event_is(waits.events[i]))
			return CL_INVALID_EVENT_WAIT_LIST;
		if (waits.events[i]->context != queue->context)
			return CL_INVALID_CONTEXT;
	}
	return CL_SUCCESS;
}

static size_t count_active(cl_command_queue q)
{
	size_t n = 0;

	for (cl_event e = q->active; e; e = e->active_next)
		n++;
	return n;
}

/* Markers and barriers without a wait list wait for all that is active. */
static bool waits_for_all(cl_command_type type, size_t n_waits)
{
	return !n_waits && (type == CL_COMMAND_BARRIER ||
			    type == CL_COMMAND_MARKER);
}

/*
 * In order, each command follows the last; out of order, it follows a barrier
 * and its wait list, and what has none but waits follows all before it. That
 * is how many there are links for, with the lock, or CL_OUT_OF_HOST_MEMORY.
 */
static cl_int set_order(cl_event event, struct wait_list waits)
{
	cl_command_queue q = event->queue;
	bool all = waits_for_all(event->type, waits.n);

	if (all)
		event->links = calloc(1 + count_active(q),
				      sizeof(*event->links));
	if (!event->links)
		return CL_OUT_OF_HOST_MEMORY;
	if (queue_in_order(q) && q->active_last)
		event_follow(event, q->active_last, false);
	else if (q->barrier)
		event_follow(event, q->barrier, false);
	for (cl_event e = q->active; all && e; e = e->active_next)
		event_follow(event, e, false);
	for (cl_uint i = 0; i < waits.n; i++)
		event_follow(event, waits.events[i], true);
	queue_append(q, event);
	if (event->type == CL_COMMAND_BARRIER)
		q->barrier = event;
	return CL_SUCCESS;
}

cl_event enqueue_prepare(cl_command_queue queue, cl_command_type type,
			 struct command *command, size_t n_waits)
{
	cl_event event = event_create(queue->context, queue, type);

	if (!event) {
		if (command)
			command->destroy(command);
		return NULL;
	}
	event->command = command;
	if (waits_for_all(type, n_waits))
		return event;
	event->links = calloc(n_waits + 1, sizeof(*event->links));
	if (event->links)
		return event;
	object_release(event, KIND_EVENT, CL_INVALID_EVENT);
	return NULL;
}

cl_int enqueue_prepared(cl_event event, struct wait_list waits, bool blocking,
			cl_event *ret_event)
{
	cl_int ret;

	pthread_mutex_lock(&event->context->lock);
	ret = set_order(event, waits);
	pthread_mutex_unlock(&event->context->lock);
	if (!ret)
		event_start(event);
	if (!ret && blocking)
		ret = event_wait(event);
	if (ret_event && ret >= 0)
		*ret_event = event;
	else
		object_release(event, KIND_EVENT, CL_INVALID_EVENT);
	return ret;
}

cl_int enqueue(cl_command_queue queue, cl_command_type type,
	       struct command *command, struct wait_list waits, bool blocking,
	       cl_event *ret_event)
{
	cl_event event = enqueue_prepare(queue, type, command, waits.n);

	return event ? enqueue_prepared(event, waits, blocking, ret_event) :
		       CL_OUT_OF_HOST_MEMORY;
}

/* Markers and barriers do nothing but wait. */
static cl_int enqueue_nothing(cl_command_queue queue, cl_command_type type,
			      struct wait_list waits, cl_event *event)
{
	cl_int ret = enqueue_check(queue, waits);

	return ret ? ret : enqueue(queue, type, NULL, waits, false, event);
}

cl_int clEnqueueMarkerWithWaitList(cl_command_queue queue,
				   cl_uint num_events_in_wait_list,
				   const cl_event *event_wait_list,
				   cl_event *event)
{
	return enqueue_nothing(queue, CL_COMMAND_MARKER, (struct wait_list){
		num_events_in_wait_list, event_wait_list }, event);
}

cl_int clEnqueueBarrierWithWaitList(cl_command_queue queue,
				    cl_uint num_events_in_wait_list,
				    const cl_event *event_wait_list,
				    cl_event *event)
{
	return enqueue_nothing(queue, CL_COMMAND_BARRIER, (struct wait_list){
		num_events_in_wait_list, event_wait_list }, event);
}

cl_int clEnqueueMarker(cl_command_queue queue, cl_event *event)
{
	if (queue_is(queue) && !event)
		return CL_INVALID_VALUE;
	return enqueue_nothing(queue, CL_COMMAND_MARKER,
			       (struct wait_list){ 0 }, event);
}

cl_int clEnqueueBarrier(cl_command_queue queue)
{
	return enqueue_nothing(queue, CL_COMMAND_BARRIER,
			       (struct wait_list){ 0 }, NULL);
}

cl_int clEnqueueWaitForEvents(cl_command_queue queue, cl_uint num_events,
			      const cl_event *event_list)
{
	cl_int ret = enqueue_check(queue, (struct wait_list){ 0 });

	if (ret)
		return ret;
	if (!num_events || !event_list)
		return CL_INVALID_VALUE;
	for (cl_uint i = 0; i < num_events; i++)
		if (!event_is(event_list[i]))
			return CL_INVALID_EVENT;
	return enqueue_nothing(queue, CL_COMMAND_BARRIER, (struct wait_list){
		num_events, event_list }, NULL);
}
