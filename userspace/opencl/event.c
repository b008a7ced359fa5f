// SPDX-License-Identifier: MIT
/*
 * event.c - what has to end before what, and who is told
 *
 * Each event knows how many others it waits for. The last of them to end hands
 * it to its queue's threads; one without work of its own ends there and then,
 * which may end others. Callbacks are called when the lock has been released.
 */
#include <stdlib.h>

#include "queue.h"

typedef void (CL_CALLBACK *event_notify)(cl_event, cl_int, void *);

/* What one change leads to: to be done without the lock. */
struct outcome {
	struct callback *callbacks, **callbacks_end;
	struct _cl_event *ended;
};

bool event_is(cl_event event)
{
	return object_is(event, KIND_EVENT);
}

void event_drop_command(cl_event event)
{
	if (event->command)
		event->command->destroy(event->command);
	event->command = NULL;
}

static void event_destroy(struct object *object)
{
	cl_event event = (cl_event)object;
	struct callback *callback;

	while ((callback = event->callbacks)) {
		event->callbacks = callback->next;
		free(callback);
	}
	event_drop_command(event);
	free(event->links);
	object_put(event->queue);
	object_put(event->context);
}

cl_event event_create(cl_context context, cl_command_queue queue,
		      cl_command_type type)
{
	cl_event event = object_create(KIND_EVENT, sizeof(*event),
				       event_destroy);
	const cl_ulong now = clock_ns();

	if (!event)
		return NULL;
	event->context = object_get(context);
	event->queue = queue ? object_get(queue) : NULL;
	event->type = type;
	event->status = queue ? CL_QUEUED : CL_SUBMITTED;
	for (int i = 0; i < 5; i++)
		event->time[i] = now;
	event->waits = 1;
	return event;
}

void event_follow(cl_event event, cl_event first, bool strict)
{
	struct link *link;

	if (first->status < 0 && strict)
		event->error = CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST;
	if (first->status <= CL_COMPLETE)
		return;
	link = &event->links[event->n_links++];
	*link = (struct link){ first->followers, event, strict };
	first->followers = link;
	event->waits++;
}

/* Moves callbacks that wait for @event's status to @out, with a reference. */
static void collect(cl_event event, struct outcome *out)
{
	struct callback **at = &event->callbacks, *callback;

	while ((callback = *at)) {
		if (event->status > callback->when) {
			at = &callback->next;
			continue;
		}
		*at = callback->next;
		callback->next = NULL;
		callback->status = event->status < 0 ? event->status :
						       callback->when;
		object_get(event);
		*out->callbacks_end = callback;
		out->callbacks_end = &callback->next;
	}
}

static void set_status(cl_event event, cl_int status, struct outcome *out)
{
	static const int first[] = {
		[CL_QUEUED] = 0, [CL_SUBMITTED] = 1, [CL_RUNNING] = 2,
		[CL_COMPLETE] = 3,
	};
	cl_ulong now = clock_ns();

	event->status = status;
	for (int i = first[status < 0 ? CL_COMPLETE : status]; i < 5; i++)
		event->time[i] = now;
	collect(event, out);
}

/* Nothing is left that @event waits for: it runs, or ends with *@last. */
static void make_ready(cl_event event, struct _cl_event ***last,
		       struct outcome *out)
{
	if (event->error || !event->command || !event->command->run) {
		event->next = NULL;
		**last = event;
		*last = &event->next;
		return;
	}
	set_status(event, CL_SUBMITTED, out);
	crew_give(event->queue->crew, event);
}

/* Ends the events of the list @out->ended, which grows meanwhile. */
static void end_all(struct outcome *out, struct _cl_event **last)
{
	for (cl_event event = out->ended; event; event = event->next) {
		struct link *link = event->followers;

		if (event->status > CL_COMPLETE)
			set_status(event, event->error ? event->error :
				   CL_COMPLETE, out);
		if (event->queue)
			queue_remove(event->queue, event);
		event->followers = NULL;
		for (; link; link = link->next) {
			if (link->strict && event->status < 0)
				link->event->error =
					CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST;
			if (!--link->event->waits)
				make_ready(link->event, &last, out);
		}
	}
}

/*
 * Without the lock. A callback has a handle that is valid, though the program
 * may have released its own. The queue's reference to what has ended goes.
 */
static void carry_out(struct outcome *out)
{
	struct callback *callback;
	cl_event event;

	while ((callback = out->callbacks)) {
		out->callbacks = callback->next;
		event = callback->object;
		object_hold(event);
		((event_notify)callback->fn)(event, callback->status,
					     callback->user_data);
		clReleaseEvent(event);
		free(callback);
	}
	while ((event = out->ended)) {
		out->ended = event->next;
		event_drop_command(event);
		if (event->queue)
			object_put(event);
	}
}

static struct outcome *outcome_init(struct outcome *out)
{
	*out = (struct outcome){ .callbacks_end = &out->callbacks };
	return out;
}

void event_start(cl_event event)
{
	cl_context context = event->context;
	struct _cl_event **last;
	struct outcome out;

	outcome_init(&out);
	last = &out.ended;
	pthread_mutex_lock(&context->lock);
	if (!--event->waits)
		make_ready(event, &last, &out);
	end_all(&out, last);
	pthread_cond_broadcast(&context->changed);
	pthread_mutex_unlock(&context->lock);
	carry_out(&out);
}

void event_advance(cl_event event, cl_int status)
{
	cl_context context = event->context;
	struct outcome out;

	outcome_init(&out);
	pthread_mutex_lock(&context->lock);
	set_status(event, status, &out);
	if (status <= CL_COMPLETE) {
		event->next = NULL;
		out.ended = event;
		end_all(&out, &event->next);
		pthread_cond_broadcast(&context->changed);
	}
	pthread_mutex_unlock(&context->lock);
	carry_out(&out);
}

cl_int event_wait(cl_event event)
{
	cl_int status;

	pthread_mutex_lock(&event->context->lock);
	while (event->status > CL_COMPLETE)
		pthread_cond_wait(&event->context->changed,
				  &event->context->lock);
	status = event->status;
	pthread_mutex_unlock(&event->context->lock);
	return status;
}

/* Entry points */

cl_event clCreateUserEvent(cl_context context, cl_int *errcode_ret)
{
	cl_event event;

	if (!context_is(context))
		return fail(errcode_ret, CL_INVALID_CONTEXT);
	event = event_create(context, NULL, CL_COMMAND_USER);
	fail(errcode_ret, event ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY);
	return event;
}

/* False: it has been set before. The caller holds a reference. */
static bool set_user_event(cl_event event, cl_int status)
{
	bool first;

	pthread_mutex_lock(&event->context->lock);
	first = event->waits;
	event->waits = 0;
	pthread_mutex_unlock(&event->context->lock);
	if (first)
		event_advance(event, status);
	return first;
}

cl_int clSetUserEventStatus(cl_event event, cl_int execution_status)
{
	bool first;

	if (!event_is(event) || event->queue)
		return CL_INVALID_EVENT;
	if (execution_status > CL_COMPLETE)
		return CL_INVALID_VALUE;
	object_get(event);
	first = set_user_event(event, execution_status);
	object_put(event);
	return first ? CL_SUCCESS : CL_INVALID_OPERATION;
}

cl_int clWaitForEvents(cl_uint num_events, const cl_event *event_list)
{
	cl_int ret = CL_SUCCESS;

	if (!num_events || !event_list)
		return CL_INVALID_VALUE;
	for (cl_uint i = 0; i < num_events; i++)
		if (!event_is(event_list[i]))
			return CL_INVALID_EVENT;
	for (cl_uint i = 1; i < num_events; i++)
		if (event_list[i]->context != event_list[0]->context)
			return CL_INVALID_CONTEXT;
	for (cl_uint i = 0; i < num_events; i++)
		if (event_wait(event_list[i]) < 0)
			ret = CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST;
	return ret;
}

cl_int clGetEventInfo(cl_event event, cl_event_info param_name,
		      size_t param_value_size, void *param_value,
		      size_t *param_value_size_ret)
{
	cl_int status;

	if (!event_is(event))
		return CL_INVALID_EVENT;
	switch (param_name) {
	case CL_EVENT_COMMAND_QUEUE:
		return ANSWER(cl_command_queue, event->queue);
	case CL_EVENT_CONTEXT:
		return ANSWER(cl_context, event->context);
	case CL_EVENT_COMMAND_TYPE:
		return ANSWER(cl_command_type, event->type);
	case CL_EVENT_REFERENCE_COUNT:
		return ANSWER(cl_uint, atomic_load(&event->base.handles));
	case CL_EVENT_COMMAND_EXECUTION_STATUS:
		pthread_mutex_lock(&event->context->lock);
		status = event->status;
		pthread_mutex_unlock(&event->context->lock);
		return ANSWER(cl_int, status);
	}
	return CL_INVALID_VALUE;
}

cl_int clGetEventProfilingInfo(cl_event event, cl_profiling_info param_name,
			       size_t param_value_size, void *param_value,
			       size_t *param_value_size_ret)
{
	cl_int status;
	cl_ulong ns;

	if (!event_is(event))
		return CL_INVALID_EVENT;
	if (param_name < CL_PROFILING_COMMAND_QUEUED ||
	    param_name > CL_PROFILING_COMMAND_COMPLETE)
		return CL_INVALID_VALUE;
	pthread_mutex_lock(&event->context->lock);
	status = event->status;
	ns = event->time[param_name - CL_PROFILING_COMMAND_QUEUED];
	pthread_mutex_unlock(&event->context->lock);
	if (status != CL_COMPLETE || !event->queue ||
	    !(event->queue->properties & CL_QUEUE_PROFILING_ENABLE))
		return CL_PROFILING_INFO_NOT_AVAILABLE;
	return ANSWER(cl_ulong, ns);
}

cl_int clSetEventCallback(cl_event event, cl_int command_exec_callback_type,
			  void (CL_CALLBACK *pfn_notify)(cl_event, cl_int,
							 void *),
			  void *user_data)
{
	struct callback *callback;
	struct outcome out;

	if (!event_is(event))
		return CL_INVALID_EVENT;
	if (!pfn_notify || command_exec_callback_type < CL_COMPLETE ||
	    command_exec_callback_type > CL_SUBMITTED)
		return CL_INVALID_VALUE;
	callback = callback_new((void (*)(void))pfn_notify, user_data);
	if (!callback)
		return CL_OUT_OF_HOST_MEMORY;
	callback->object = event;
	callback->when = command_exec_callback_type;
	outcome_init(&out);
	pthread_mutex_lock(&event->context->lock);
	callback->next = event->callbacks;
	event->callbacks = callback;
	collect(event, &out);
	pthread_mutex_unlock(&event->context->lock);
	carry_out(&out);
	return CL_SUCCESS;
}

cl_int clRetainEvent(cl_event event)
{
	return object_retain(event, KIND_EVENT, CL_INVALID_EVENT);
}

/* A user event that can never be set again ends those that wait for it. */
cl_int clReleaseEvent(cl_event event)
{
	if (!event_is(event))
		return CL_INVALID_EVENT;
	object_get(event);
	object_release(event, KIND_EVENT, CL_INVALID_EVENT);
	if (!event->queue && !atomic_load(&event->base.handles))
		set_user_event(event,
			CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
	object_put(event);
	return CL_SUCCESS;
}
