// SPDX-License-Identifier: MIT
/*
 * semaphore.c - cl_khr_semaphore, and sync files in and out
 *
 * A binary semaphore pairs each signal with the next wait, in the order in which
 * they are enqueued; between the two stands a user event, so that no thread
 * waits. What was imported is a sync file, which a queue's thread polls for.
 * An exported handle is -1, which stands for a file that has signaled: exporting
 * waits for that.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue.h"

/* As the extensions' final versions have them. */
#ifndef CL_SEMAPHORE_DEVICE_HANDLE_LIST_KHR
#define CL_SEMAPHORE_DEVICE_HANDLE_LIST_KHR	0x2053
#endif
#ifndef CL_SEMAPHORE_EXPORTABLE_KHR
#define CL_SEMAPHORE_EXPORTABLE_KHR		0x2054
#endif

/*
 * struct _cl_semaphore_khr
 * @devices, @n_devices: that may use it
 * @exportable, @importing: as sync files
 * @lock: protects what follows
 * @signal: that was enqueued, and no wait for it yet
 * @waits, @waits_end: that were, and no signal for them yet; oldest first
 * @has_file, @fd: imported for the next wait; -1: has signaled
 */
struct _cl_semaphore_khr {
	struct object base;
	cl_context context;
	cl_semaphore_properties_khr *properties;
	size_t n_properties;
	cl_device_id *devices;
	cl_uint n_devices;
	bool exportable, importing;
	pthread_mutex_t lock;
	cl_event signal;
	struct _cl_event *waits, **waits_end;
	bool has_file;
	int fd;
};

static bool semaphore_is(cl_semaphore_khr semaphore)
{
	return object_is(semaphore, KIND_SEMAPHORE);
}

static void semaphore_destroy(struct object *object)
{
	cl_semaphore_khr s = (cl_semaphore_khr)object;
	cl_event event;

	/* A wait whose signal cannot come any more does not wait forever. */
	while ((event = s->waits)) {
		s->waits = event->next;
		clSetUserEventStatus(event, CL_OUT_OF_RESOURCES);
		clReleaseEvent(event);
	}
	if (s->signal)
		clReleaseEvent(s->signal);
	if (s->has_file && s->fd >= 0)
		close(s->fd);
	pthread_mutex_destroy(&s->lock);
	free(s->properties);
	free(s->devices);
	object_put(s->context);
}

/* Making */

static bool has_device(cl_semaphore_khr s, cl_device_id device)
{
	for (cl_uint i = 0; i < s->n_devices; i++)
		if (s->devices[i] == device)
			return true;
	return false;
}

static cl_int add_device(cl_semaphore_khr s, cl_device_id device)
{
	if (!device_is(device) || !context_has(s->context, device))
		return CL_INVALID_DEVICE;
	if (!has_device(s, device))
		s->devices[s->n_devices++] = device;
	return CL_SUCCESS;
}

/* A list of handles that ends with 0, behind *@p. */
static cl_int read_list(cl_semaphore_khr s,
			const cl_semaphore_properties_khr **p)
{
	const cl_semaphore_properties_khr name = *(*p)++;
	cl_int ret = CL_SUCCESS;

	for (; **p && !ret; ++*p) {
		if (name == CL_SEMAPHORE_DEVICE_HANDLE_LIST_KHR)
			ret = add_device(s, (cl_device_id)(uintptr_t)**p);
		else if (**p != CL_SEMAPHORE_HANDLE_SYNC_FD_KHR)
			ret = CL_INVALID_VALUE;
		else
			s->exportable = true;
	}
	++*p;
	return ret;
}

static bool file_is_valid(int fd)
{
	return fd == -1 || fcntl(fd, F_GETFD) >= 0;
}

static cl_int read_properties(cl_semaphore_khr s,
			      const cl_semaphore_properties_khr *p)
{
	const cl_semaphore_properties_khr *first = p;
	bool has_type = false;
	cl_int ret = CL_SUCCESS;

	while (*p && !ret) {
		if (*p == CL_SEMAPHORE_DEVICE_HANDLE_LIST_KHR ||
		    *p == CL_SEMAPHORE_EXPORT_HANDLE_TYPES_KHR) {
			ret = read_list(s, &p);
		} else if (*p == CL_SEMAPHORE_TYPE_KHR && !has_type) {
			has_type = true;
			if (p[1] != CL_SEMAPHORE_TYPE_BINARY_KHR)
				ret = CL_INVALID_PROPERTY;
			p += 2;
		} else if (*p == CL_SEMAPHORE_HANDLE_SYNC_FD_KHR &&
			   !s->importing) {
			s->importing = s->has_file = true;
			s->fd = (int)p[1];
			if ((cl_semaphore_properties_khr)s->fd != p[1] ||
			    !file_is_valid(s->fd))
				ret = CL_INVALID_PROPERTY;
			p += 2;
		} else {
			ret = CL_INVALID_PROPERTY;
		}
	}
	s->n_properties = p - first + 1;
	if (!ret && !has_type)
		ret = CL_INVALID_VALUE;
	/* What came from elsewhere is not passed on. */
	return !ret && s->importing && s->exportable ? CL_INVALID_OPERATION :
						       ret;
}

cl_semaphore_khr clCreateSemaphoreWithPropertiesKHR(cl_context context,
		const cl_semaphore_properties_khr *sema_props,
		cl_int *errcode_ret)
{
	cl_semaphore_khr s;
	cl_int ret;

	if (!context_is(context))
		return fail(errcode_ret, CL_INVALID_CONTEXT);
	if (!sema_props)
		return fail(errcode_ret, CL_INVALID_VALUE);
	s = object_create(KIND_SEMAPHORE, sizeof(*s), semaphore_destroy);
	if (!s)
		return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
	s->context = object_get(context);
	pthread_mutex_init(&s->lock, NULL);
	s->waits_end = &s->waits;
	s->devices = calloc(context->n_devices, sizeof(*s->devices));
	ret = s->devices ? read_properties(s, sema_props) :
			   CL_OUT_OF_HOST_MEMORY;
	/* Without a list, all of the context. */
	if (!ret && !s->n_devices) {
		s->n_devices = context->n_devices;
		memcpy(s->devices, context->devices,
		       s->n_devices * sizeof(*s->devices));
	}
	s->properties = calloc(s->n_properties + 1, sizeof(*sema_props));
	if (!ret && !s->properties)
		ret = CL_OUT_OF_HOST_MEMORY;
	if (ret) {
		s->has_file = false;	/* it stays the program's */
		object_put(s);
		return fail(errcode_ret, ret);
	}
	memcpy(s->properties, sema_props,
	       s->n_properties * sizeof(*sema_props));
	fail(errcode_ret, CL_SUCCESS);
	return s;
}

cl_int clRetainSemaphoreKHR(cl_semaphore_khr semaphore)
{
	return object_retain(semaphore, KIND_SEMAPHORE,
			     CL_INVALID_SEMAPHORE_KHR);
}

cl_int clReleaseSemaphoreKHR(cl_semaphore_khr semaphore)
{
	return object_release(semaphore, KIND_SEMAPHORE,
			      CL_INVALID_SEMAPHORE_KHR);
}

static bool is_signaled(cl_semaphore_khr s)
{
	cl_int status = CL_QUEUED;

	pthread_mutex_lock(&s->lock);
	if (s->signal)
		clGetEventInfo(s->signal, CL_EVENT_COMMAND_EXECUTION_STATUS,
			       sizeof(status), &status, NULL);
	if (s->has_file)
		status = s->fd < 0 || poll(&(struct pollfd){ s->fd, POLLIN, 0 },
					   1, 0) == 1 ? CL_COMPLETE :
							CL_QUEUED;
	pthread_mutex_unlock(&s->lock);
	return status == CL_COMPLETE;
}

cl_int clGetSemaphoreInfoKHR(cl_semaphore_khr s,
			     cl_semaphore_info_khr param_name,
			     size_t param_value_size, void *param_value,
			     size_t *param_value_size_ret)
{
	if (!semaphore_is(s))
		return CL_INVALID_SEMAPHORE_KHR;
	switch (param_name) {
	case CL_SEMAPHORE_CONTEXT_KHR:
		return ANSWER(cl_context, s->context);
	case CL_SEMAPHORE_REFERENCE_COUNT_KHR:
		return ANSWER(cl_uint, atomic_load(&s->base.handles));
	case CL_SEMAPHORE_PROPERTIES_KHR:
		return answer(s->properties,
			      s->n_properties * sizeof(*s->properties),
			      param_value_size, param_value,
			      param_value_size_ret);
	case CL_SEMAPHORE_TYPE_KHR:
		return ANSWER(cl_semaphore_type_khr,
			      CL_SEMAPHORE_TYPE_BINARY_KHR);
	case CL_SEMAPHORE_PAYLOAD_KHR:
		return ANSWER(cl_semaphore_payload_khr, is_signaled(s));
	case CL_SEMAPHORE_EXPORTABLE_KHR:
		return ANSWER(cl_bool, s->exportable);
	case CL_SEMAPHORE_EXPORT_HANDLE_TYPES_KHR:
		return answer(&(cl_external_semaphore_handle_type_khr){
				CL_SEMAPHORE_HANDLE_SYNC_FD_KHR },
			      s->exportable *
			      sizeof(cl_external_semaphore_handle_type_khr),
			      param_value_size, param_value,
			      param_value_size_ret);
	case CL_SEMAPHORE_DEVICE_HANDLE_LIST_KHR:
		return answer(s->devices, s->n_devices * sizeof(*s->devices),
			      param_value_size, param_value,
			      param_value_size_ret);
	}
	return CL_INVALID_VALUE;
}

/* Commands */

/*
 * struct pairing - a wait or a signal of some semaphores
 * @events: between signals and waits; the program's own wait list behind them
 * @files: to poll for
 */
struct pairing {
	struct command base;
	bool is_signal;
	cl_uint n_events, n_files;
	cl_event *events;
	int *files;
};

static void pairing_destroy(struct command *command)
{
	struct pairing *p = (struct pairing *)command;

	for (cl_uint i = 0; i < p->n_events; i++) {
		/* Without effect on what has signaled. */
		if (p->is_signal)
			clSetUserEventStatus(p->events[i],
					     CL_OUT_OF_RESOURCES);
		clReleaseEvent(p->events[i]);
	}
	for (cl_uint i = 0; i < p->n_files; i++)
		close(p->files[i]);
	free(p->events);
	free(p->files);
	free(p);
}

static cl_int run_wait(struct command *command, cl_command_queue queue)
{
	struct pairing *p = (struct pairing *)command;

	for (cl_uint i = 0; i < p->n_files; i++) {
		struct pollfd file = { p->files[i], POLLIN, 0 };
		int ret;

		do
			ret = poll(&file, 1, -1);
		while (ret < 0 && errno == EINTR);
		if (ret < 0 || !(file.revents & POLLIN))
			return CL_OUT_OF_RESOURCES;
	}
	return CL_SUCCESS;
}

static cl_int run_signal(struct command *command, cl_command_queue queue)
{
	struct pairing *p = (struct pairing *)command;

	for (cl_uint i = 0; i < p->n_events; i++)
		clSetUserEventStatus(p->events[i], CL_COMPLETE);
	return CL_SUCCESS;
}

/*
 * The event that pairs a wait with its signal, which the caller releases: that
 * of the signal before, or @new, which the signal to come finds. With the lock.
 */
static cl_event pair_wait(cl_semaphore_khr s, cl_event new)
{
	cl_event event = s->signal;

	if (event) {
		s->signal = NULL;
		clReleaseEvent(new);
		return event;
	}
	clRetainEvent(new);
	new->next = NULL;
	*s->waits_end = new;
	s->waits_end = &new->next;
	return new;
}

/* As that, of a signal with its wait. */
static cl_event pair_signal(cl_semaphore_khr s, cl_event new)
{
	cl_event event = s->waits;

	if (event) {
		s->waits = event->next;
		if (!s->waits)
			s->waits_end = &s->waits;
		clReleaseEvent(new);
		return event;
	}
	if (s->signal)			/* signaled twice: the last counts */
		clReleaseEvent(s->signal);
	clRetainEvent(new);
	s->signal = new;
	return new;
}

/* With an event at hand nothing is missing: this cannot fail. */
static void take_part(struct pairing *p, cl_semaphore_khr s, cl_event new)
{
	pthread_mutex_lock(&s->lock);
	if (p->is_signal) {
		p->events[p->n_events++] = pair_signal(s, new);
	} else if (!s->has_file) {
		p->events[p->n_events++] = pair_wait(s, new);
	} else {
		if (s->fd >= 0)
			p->files[p->n_files++] = s->fd;
		s->has_file = false;
		clReleaseEvent(new);
	}
	pthread_mutex_unlock(&s->lock);
}

/* For @n semaphores, each with an event of its own, and @n_more behind them. */
static struct pairing *pairing_new(cl_context context, bool is_signal,
				   cl_uint n, size_t n_more)
{
	struct pairing *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->base = (struct command){ is_signal ? run_signal : run_wait,
				    pairing_destroy };
	p->is_signal = is_signal;
	p->events = calloc(n + n_more, sizeof(*p->events));
	p->files = calloc(n, sizeof(*p->files));
	while (p->events && p->files && p->n_events < n) {
		cl_event event = event_create(context, NULL, CL_COMMAND_USER);

		if (!event)
			break;
		p->events[p->n_events++] = event;
	}
	if (p->n_events == n)
		return p;
	pairing_destroy(&p->base);
	return NULL;
}

static cl_int check_semaphores(cl_command_queue queue, cl_uint n,
			       const cl_semaphore_khr *semaphores)
{
	if (!n || !semaphores)
		return CL_INVALID_VALUE;
	for (cl_uint i = 0; i < n; i++) {
		if (!semaphore_is(semaphores[i]))
			return CL_INVALID_SEMAPHORE_KHR;
		if (semaphores[i]->context != queue->context)
			return CL_INVALID_CONTEXT;
		if (!has_device(semaphores[i], queue->device))
			return CL_INVALID_COMMAND_QUEUE;
	}
	return CL_SUCCESS;
}

/*
 * What needs memory is there before the first semaphore is touched, so that
 * all of them are waited for, or signaled, or none.
 */
static cl_int enqueue_pairing(cl_command_queue queue, bool signal, cl_uint n,
			      const cl_semaphore_khr *semaphores,
			      struct wait_list waits, cl_event *ret_event)
{
	cl_int ret = enqueue_check(queue, waits);
	struct pairing *p;
	cl_event event;

	if (!ret)
		ret = check_semaphores(queue, n, semaphores);
	if (ret)
		return ret;
	p = pairing_new(queue->context, signal, n, waits.n);
	if (!p)
		return CL_OUT_OF_HOST_MEMORY;
	event = enqueue_prepare(queue, signal ?
				CL_COMMAND_SEMAPHORE_SIGNAL_KHR :
				CL_COMMAND_SEMAPHORE_WAIT_KHR,
				&p->base, (signal ? 0 : n) + (size_t)waits.n);
	if (!event)
		return CL_OUT_OF_HOST_MEMORY;
	p->n_events = 0;
	for (cl_uint i = 0; i < n; i++)
		take_part(p, semaphores[i], p->events[i]);
	if (!signal) {
		if (waits.n)
			memcpy(p->events + p->n_events, waits.events,
			       waits.n * sizeof(*waits.events));
		waits = (struct wait_list){ p->n_events + waits.n, p->events };
	}
	return enqueue_prepared(event, waits, false, ret_event);
}

cl_int clEnqueueWaitSemaphoresKHR(cl_command_queue queue,
		cl_uint num_sema_objects, const cl_semaphore_khr *sema_objects,
		const cl_semaphore_payload_khr *sema_payload_list,
		cl_uint num_events_in_wait_list,
		const cl_event *event_wait_list, cl_event *event)
{
	return enqueue_pairing(queue, false, num_sema_objects, sema_objects,
			       (struct wait_list){ num_events_in_wait_list,
						   event_wait_list }, event);
}

cl_int clEnqueueSignalSemaphoresKHR(cl_command_queue queue,
		cl_uint num_sema_objects, const cl_semaphore_khr *sema_objects,
		const cl_semaphore_payload_khr *sema_payload_list,
		cl_uint num_events_in_wait_list,
		const cl_event *event_wait_list, cl_event *event)
{
	return enqueue_pairing(queue, true, num_sema_objects, sema_objects,
			       (struct wait_list){ num_events_in_wait_list,
						   event_wait_list }, event);
}

/* Sync files */

cl_int clGetSemaphoreHandleForTypeKHR(cl_semaphore_khr s, cl_device_id device,
		cl_external_semaphore_handle_type_khr handle_type,
		size_t handle_size, void *handle_ptr, size_t *handle_size_ret)
{
	const int signaled = -1;
	cl_event event;
	cl_int ret;

	if (!semaphore_is(s))
		return CL_INVALID_SEMAPHORE_KHR;
	if (!has_device(s, device))
		return CL_INVALID_DEVICE;
	if (handle_type != CL_SEMAPHORE_HANDLE_SYNC_FD_KHR || !s->exportable)
		return CL_INVALID_VALUE;
	if (!handle_ptr)
		return answer(&signaled, sizeof(signaled), 0, NULL,
			      handle_size_ret);
	if (handle_size < sizeof(signaled))
		return CL_INVALID_VALUE;
	/* Exporting is a wait: it takes the signal. */
	pthread_mutex_lock(&s->lock);
	event = s->signal;
	s->signal = NULL;
	pthread_mutex_unlock(&s->lock);
	if (!event)
		return CL_INVALID_OPERATION;
	ret = event_wait(event);
	clReleaseEvent(event);
	return ret < 0 ? CL_OUT_OF_RESOURCES :
	       answer(&signaled, sizeof(signaled), handle_size, handle_ptr,
		      handle_size_ret);
}

#ifdef CL_KHR_EXTERNAL_SEMAPHORE_SYNC_FD_EXTENSION_VERSION
cl_int clReImportSemaphoreSyncFdKHR(cl_semaphore_khr s,
		cl_semaphore_reimport_properties_khr *reimport_props, int fd)
{
	if (!semaphore_is(s) || !s->importing)
		return CL_INVALID_SEMAPHORE_KHR;
	if (!file_is_valid(fd) || (reimport_props && *reimport_props))
		return CL_INVALID_VALUE;
	pthread_mutex_lock(&s->lock);
	if (s->has_file && s->fd >= 0)
		close(s->fd);
	s->has_file = true;
	s->fd = fd;
	pthread_mutex_unlock(&s->lock);
	return CL_SUCCESS;
}
#endif
