/* SPDX-License-Identifier: MIT */
/*
 * queue.h - commands on their way: queues, the threads behind them, events
 */
#ifndef FXQ_OPENCL_QUEUE_H
#define FXQ_OPENCL_QUEUE_H

#include "platform.h"

/* crew.c */

/* Threads that carry out commands. */
struct crew;

int crew_create(unsigned int n, struct crew **ret_crew);
/* @event has nothing to wait for; the crew runs its command and ends it. */
void crew_give(struct crew *crew, cl_event event);
/* When no command is left. A thread of some crew may do it, even its own. */
void crew_dismiss(struct crew *crew);

/* queue.c */

#define QUEUE_THREADS	4	/* of an out-of-order queue */

/*
 * struct _cl_command_queue
 * @list, @n_list: properties as they were given
 * @active: events of commands that have not ended, oldest first
 * @barrier: of the last barrier, while it is active
 * @enqueued: commands so far
 */
struct _cl_command_queue {
	struct object base;
	cl_context context;
	cl_device_id device;
	cl_command_queue_properties properties;
	cl_queue_properties *list;
	size_t n_list;
	struct crew *crew;
	/* context lock */
	struct _cl_event *active, *active_last, *barrier;
	cl_ulong enqueued;
};

bool queue_is(cl_command_queue queue);
static inline bool queue_in_order(cl_command_queue queue)
{
	return !(queue->properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
}
/* With the context's lock: @event is the last of its queue, or is no more. */
void queue_append(cl_command_queue queue, cl_event event);
void queue_remove(cl_command_queue queue, cl_event event);

/* event.c */

/*
 * struct command - what a queue's thread does; begins each kind of command
 * @run: CL_SUCCESS, or the error that the event ends with; NULL: nothing, the
 *	 command is only there to be waited for
 * @destroy: releases what it holds, and itself
 */
struct command {
	cl_int (*run)(struct command *command, cl_command_queue queue);
	void (*destroy)(struct command *command);
};

/*
 * struct link - an event that waits for another
 * @next: of those that wait for the same
 * @strict: an error of the other is its own
 */
struct link {
	struct link *next;
	struct _cl_event *event;
	bool strict;
};

/*
 * struct _cl_event
 * @queue: NULL for a user event
 * @links: one for each event that it may wait for
 * @status: CL_QUEUED ... CL_COMPLETE, or an error
 * @time: of CL_PROFILING_COMMAND_QUEUED ... _COMPLETE
 * @waits: for that many events, and for enqueue() to be done with it
 * @error: of one of them
 * @number: of the command in its queue
 * @followers: links of those that wait for it
 * @next: crew: to be run; semaphore.c: to be signaled; event.c: has ended
 */
struct _cl_event {
	struct object base;
	cl_context context;
	cl_command_queue queue;
	cl_command_type type;
	struct command *command;
	struct link *links;
	/* context lock */
	cl_int status;
	cl_ulong time[5];
	unsigned int waits, n_links;
	cl_int error;
	cl_ulong number;
	struct link *followers;
	struct callback *callbacks;
	struct _cl_event *active_previous, *active_next, *next;
};

bool event_is(cl_event event);
/* One that waits, at first for nothing but event_start(). */
cl_event event_create(cl_context context, cl_command_queue queue,
		      cl_command_type type);
/* With the context's lock; there is a link left. Nothing if @first has ended. */
void event_follow(cl_event event, cl_event first, bool strict);
/* When it follows all that it is to follow. */
void event_start(cl_event event);
/* Its status becomes @status, with all that follows from that. */
void event_advance(cl_event event, cl_int status);
/* Until it has ended; its last status. */
cl_int event_wait(cl_event event);
/* What the command holds is released as soon as it has run. */
void event_drop_command(cl_event event);

/* enqueue.c */

struct wait_list {
	cl_uint n;
	const cl_event *events;
};

/* The queue and wait list that a call came with. */
cl_int enqueue_check(cl_command_queue queue, struct wait_list waits);
/*
 * Puts @command, which it takes over in any case, into @queue. @ret_event NULL:
 * nobody wants it. With @blocking, returns when the command has ended, and how.
 */
cl_int enqueue(cl_command_queue queue, cl_command_type type,
	       struct command *command, struct wait_list waits, bool blocking,
	       cl_event *ret_event);
/*
 * The same in two parts, the first of which does all that can fail, unless it
 * is a marker or a barrier: a command that may wait for @n_waits events, or NULL
 * without memory, and @command is destroyed.
 */
cl_event enqueue_prepare(cl_command_queue queue, cl_command_type type,
			 struct command *command, size_t n_waits);
cl_int enqueue_prepared(cl_event event, struct wait_list waits, bool blocking,
			cl_event *ret_event);
#define ENQUEUE(queue, type, command, blocking)				\
	enqueue(queue, type, &(command)->base,				\
		(struct wait_list){ num_events_in_wait_list,		\
				    event_wait_list }, blocking, event)
#define ENQUEUE_CHECK(queue)						\
	enqueue_check(queue, (struct wait_list){ num_events_in_wait_list,	\
						 event_wait_list })

#endif /* FXQ_OPENCL_QUEUE_H */
