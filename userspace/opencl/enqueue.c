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

/*
 * In order, each command follows the last; out of order, it follows a barrier
 * and its wait list, and what has none but waits follows all before it.
 */
static bool set_order(cl_event event, struct wait_list waits)
{
	cl_command_queue q = event->queue;
	bool barrier = event->type == CL_COMMAND_BARRIER;
	bool all = !waits.n && (barrier || event->type == CL_COMMAND_MARKER);

	event->links = calloc(waits.n + 2 + (all ? count_active(q) : 0),
			      sizeof(*event->links));
	if (!event->links)
		return false;
	if (queue_in_order(q) && q->active_last)
		event_follow(event, q->active_last, false);
	else if (q->barrier)
		event_follow(event, q->barrier, false);
	for (cl_event e = q->active; all && e; e = e->active_next)
		event_follow(event, e, false);
	for (cl_uint i = 0; i < waits.n; i++)
		event_follow(event, waits.events[i], true);
	queue_append(q, event);
	if (barrier)
		q->barrier = event;
	return true;
}

cl_int enqueue(cl_command_queue queue, cl_command_type type,
	       struct command *command, struct wait_list waits, bool blocking,
	       cl_event *ret_event)
{
	cl_event event = event_create(queue->context, queue, type);
	cl_int ret = CL_SUCCESS;
	bool ordered;

	if (!event) {
		if (command)
			command->destroy(command);
		return CL_OUT_OF_HOST_MEMORY;
	}
	event->command = command;
	pthread_mutex_lock(&queue->context->lock);
	ordered = set_order(event, waits);
	pthread_mutex_unlock(&queue->context->lock);
	if (!ordered) {
		object_release(event, KIND_EVENT, CL_INVALID_EVENT);
		return CL_OUT_OF_HOST_MEMORY;
	}
	event_start(event);
	if (blocking)
		ret = event_wait(event);
	if (ret_event && ret >= 0)
		*ret_event = event;
	else
		object_release(event, KIND_EVENT, CL_INVALID_EVENT);
	return ret;
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
