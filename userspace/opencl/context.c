// SPDX-License-Identifier: MIT
/*
 * context.c - devices that work together
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform.h"

bool context_is(cl_context context)
{
	return object_is(context, KIND_CONTEXT);
}

bool context_has(cl_context context, cl_device_id device)
{
	for (cl_uint i = 0; i < context->n_devices; i++)
		if (context->devices[i] == device)
			return true;
	return false;
}

static void context_destroy(struct object *object)
{
	cl_context c = (cl_context)object;
	struct callback *callback;

	while ((callback = c->destructors)) {
		c->destructors = callback->next;
		((void (CL_CALLBACK *)(cl_context, void *))callback->fn)(
			c, callback->user_data);
		free(callback);
	}
	for (cl_uint i = 0; i < c->n_devices; i++)
		device_close(c->devices[i]);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c->devices);
	free(c->properties);
}

/* How many there are, with the 0 at the end; 0: no list. */
static size_t count_properties(const cl_context_properties *p)
{
	size_t n = 0;

	if (!p)
		return 0;
	while (p[n])
		n += 2;
	return n + 1;
}

/* Each at most once, and with a value that there is. */
static cl_int check_properties(const cl_context_properties *p)
{
	bool has_platform = false, has_sync = false;

	for (; p && *p; p += 2) {
		bool *seen = *p == CL_CONTEXT_PLATFORM ? &has_platform :
			     *p == CL_CONTEXT_INTEROP_USER_SYNC ? &has_sync :
								  NULL;

		if (!seen || *seen)
			return CL_INVALID_PROPERTY;
		*seen = true;
		if (seen == &has_platform && (cl_platform_id)p[1] != &platform)
			return CL_INVALID_PLATFORM;
		if (seen == &has_sync && p[1] != CL_TRUE && p[1] != CL_FALSE)
			return CL_INVALID_PROPERTY;
	}
	return CL_SUCCESS;
}

static cl_int add_device(cl_context c, cl_device_id device)
{
	int err;

	if (context_has(c, device))
		return CL_SUCCESS;
	err = device_open(device);
	if (err)
		return err == -ENOMEM ? CL_OUT_OF_HOST_MEMORY :
					CL_DEVICE_NOT_AVAILABLE;
	c->devices[c->n_devices++] = device;
	return CL_SUCCESS;
}

void context_tell(cl_context c, const char *format, ...)
{
	char why[FXQ_ERROR_MAX];
	va_list args;

	if (!c->notify)
		return;
	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	c->notify(why, NULL, 0, c->notify_data);
}

static cl_context create(const cl_context_properties *properties, cl_uint n,
			 const cl_device_id *devices, cl_int *errcode_ret)
{
	cl_context c = object_create(KIND_CONTEXT, sizeof(*c),
				     context_destroy);
	cl_int ret = CL_SUCCESS;

	if (!c)
		return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	c->n_properties = count_properties(properties);
	c->properties = calloc(c->n_properties + 1, sizeof(*properties));
	c->devices = calloc(n, sizeof(*devices));
	if (!c->properties || !c->devices) {
		object_put(c);
		return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
	}
	if (properties)
		memcpy(c->properties, properties,
		       c->n_properties * sizeof(*properties));
	for (cl_uint i = 0; i < n && !ret; i++)
		ret = add_device(c, devices[i]);
	fail(errcode_ret, ret);
	if (!ret)
		return c;
	object_put(c);
	return NULL;
}

cl_context clCreateContext(const cl_context_properties *properties,
			   cl_uint num_devices, const cl_device_id *devices,
			   void (CL_CALLBACK *pfn_notify)(const char *,
				const void *, size_t, void *),
			   void *user_data, cl_int *errcode_ret)
{
	cl_int ret = check_properties(properties);
	cl_context c;

	if (!ret && (!num_devices || !devices || (!pfn_notify && user_data)))
		ret = CL_INVALID_VALUE;
	if (!ret)
		ret = device_check_list(num_devices, devices);
	if (ret)
		return fail(errcode_ret, ret);
	c = create(properties, num_devices, devices, errcode_ret);
	if (c) {
		c->notify = pfn_notify;
		c->notify_data = user_data;
	}
	return c;
}

cl_context clCreateContextFromType(const cl_context_properties *properties,
				   cl_device_type device_type,
				   void (CL_CALLBACK *pfn_notify)(const char *,
					const void *, size_t, void *),
				   void *user_data, cl_int *errcode_ret)
{
	cl_int ret = check_properties(properties);
	cl_device_id devices[DEVICES_MAX], usable[DEVICES_MAX];
	cl_uint n, n_usable = 0;
	cl_context c;

	if (!ret && !pfn_notify && user_data)
		ret = CL_INVALID_VALUE;
	if (!ret)
		ret = clGetDeviceIDs(&platform, device_type, DEVICES_MAX,
				     devices, &n);
	if (ret)
		return fail(errcode_ret, ret);
	/* Those that this user may open. */
	for (cl_uint i = 0; i < n; i++)
		if (device_know(devices[i]))
			usable[n_usable++] = devices[i];
	if (!n_usable)
		return fail(errcode_ret, CL_DEVICE_NOT_AVAILABLE);
	c = create(properties, n_usable, usable, errcode_ret);
	if (c) {
		c->notify = pfn_notify;
		c->notify_data = user_data;
	}
	return c;
}

cl_int clRetainContext(cl_context context)
{
	return object_retain(context, KIND_CONTEXT, CL_INVALID_CONTEXT);
}

cl_int clReleaseContext(cl_context context)
{
	return object_release(context, KIND_CONTEXT, CL_INVALID_CONTEXT);
}

cl_int clGetContextInfo(cl_context c, cl_context_info param_name,
			size_t param_value_size, void *param_value,
			size_t *param_value_size_ret)
{
	if (!context_is(c))
		return CL_INVALID_CONTEXT;
	switch (param_name) {
	case CL_CONTEXT_REFERENCE_COUNT:
		return ANSWER(cl_uint, atomic_load(&c->base.handles));
	case CL_CONTEXT_NUM_DEVICES:
		return ANSWER(cl_uint, c->n_devices);
	case CL_CONTEXT_DEVICES:
		return answer(c->devices, c->n_devices * sizeof(*c->devices),
			      param_value_size, param_value,
			      param_value_size_ret);
	case CL_CONTEXT_PROPERTIES:
		return answer(c->properties,
			      c->n_properties * sizeof(*c->properties),
			      param_value_size, param_value,
			      param_value_size_ret);
	}
	return CL_INVALID_VALUE;
}

cl_int clSetContextDestructorCallback(cl_context context,
		void (CL_CALLBACK *pfn_notify)(cl_context, void *),
		void *user_data)
{
	struct callback *callback;

	if (!context_is(context))
		return CL_INVALID_CONTEXT;
	if (!pfn_notify)
		return CL_INVALID_VALUE;
	callback = callback_new((void (*)(void))pfn_notify, user_data);
	if (!callback)
		return CL_OUT_OF_HOST_MEMORY;
	pthread_mutex_lock(&context->lock);
	callback->next = context->destructors;
	context->destructors = callback;
	pthread_mutex_unlock(&context->lock);
	return CL_SUCCESS;
}
