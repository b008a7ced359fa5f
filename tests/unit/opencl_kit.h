/* SPDX-License-Identifier: MIT */
/*
 * opencl_kit.h - what tests of the OpenCL driver share
 *
 * They go through the system's loader, as programs do: meson.build says in
 * OCL_ICD_VENDORS where it finds the driver. A handle that is none is one of
 * another kind; what NULL is, the loader decides.
 */
#ifndef TEST_OPENCL_KIT_H
#define TEST_OPENCL_KIT_H

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_0_APIS
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#define CL_USE_DEPRECATED_OPENCL_2_0_APIS
#define CL_USE_DEPRECATED_OPENCL_2_2_APIS
#define CL_ENABLE_BETA_EXTENSIONS
#include <CL/cl.h>
#include <CL/cl_ext.h>

#include "image_kit.h"

#define COUNT(array)	(sizeof(array) / sizeof(*(array)))
#define OK(call)	assert_int_equal(call, CL_SUCCESS)
#define IS(code, call)	assert_int_equal(call, code)
/* @call gives a handle and writes err: none, and @code. */
#define NONE(code, call)						\
	do {								\
		cl_int err = 1;						\
									\
		assert_null(call);					\
		assert_int_equal(err, code);				\
	} while (0)
/* The handle, which there must be. */
#define SOME(call)							\
	({								\
		cl_int err = 1;						\
		__typeof__(call) made = (call);				\
									\
		assert_int_equal(err, CL_SUCCESS);			\
		assert_non_null(made);					\
		made;							\
	})

static cl_platform_id platform;
static cl_device_id device;
static cl_context context, other;	/* of the same device */
static cl_command_queue queue, loose;	/* in order; out of order, profiling */

static inline int kit_setup(void **state)
{
	const cl_queue_properties properties[] = {
		CL_QUEUE_PROPERTIES, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE |
		CL_QUEUE_PROFILING_ENABLE, 0
	};

	OK(clGetPlatformIDs(1, &platform, NULL));
	OK(clGetDeviceIDs(platform, CL_DEVICE_TYPE_CUSTOM, 1, &device, NULL));
	context = SOME(clCreateContext(NULL, 1, &device, NULL, NULL, &err));
	other = SOME(clCreateContext(NULL, 1, &device, NULL, NULL, &err));
	queue = SOME(clCreateCommandQueue(context, device, 0, &err));
	loose = SOME(clCreateCommandQueueWithProperties(context, device,
							properties, &err));
	return 0;
}

static inline int kit_teardown(void **state)
{
	OK(clReleaseCommandQueue(loose));
	OK(clReleaseContext(context));
	OK(clReleaseCommandQueue(queue));
	OK(clReleaseContext(other));
	return 0;
}

static inline cl_mem kit_buffer(cl_mem_flags flags, size_t size)
{
	return SOME(clCreateBuffer(context, flags, size, NULL, &err));
}

static inline void kit_read(cl_mem mem, void *to, size_t bytes)
{
	OK(clEnqueueReadBuffer(queue, mem, CL_TRUE, 0, bytes, to, 0, NULL,
			       NULL));
}

static inline cl_int kit_status(cl_event event)
{
	cl_int status;

	OK(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS,
			  sizeof(status), &status, NULL));
	return status;
}

/* Of an object, by its …_REFERENCE_COUNT. */
#define kit_refs(get, object, param)					\
	({								\
		cl_uint refs;						\
									\
		OK(get(object, param, sizeof(refs), &refs, NULL));	\
		refs;							\
	})

/* A parameter of a clGet…Info(), and how large its answer is; 0: any size. */
struct kit_param {
	cl_uint param;
	size_t bytes;
};

/*
 * Every parameter has an answer of its size, none when there is no room, and
 * what is no parameter has none. @ask(param, room, to, ret) asks.
 */
static inline void kit_params(cl_int (*ask)(cl_uint, size_t, void *, size_t *),
			      const struct kit_param *params, size_t n)
{
	size_t bytes, again;
	uint8_t *answer;

	for (size_t i = 0; i < n; i++) {
		cl_int ret = ask(params[i].param, 0, NULL, &bytes);

		if (ret)
			fail_msg("0x%x: %d", params[i].param, ret);
		if (params[i].bytes && bytes != params[i].bytes)
			fail_msg("0x%x: %zu bytes", params[i].param, bytes);
		answer = malloc(bytes + 1);
		OK(ask(params[i].param, bytes, answer, &again));
		assert_int_equal(again, bytes);
		if (bytes)
			IS(CL_INVALID_VALUE, ask(params[i].param, bytes - 1,
						 answer, NULL));
		free(answer);
	}
	IS(CL_INVALID_VALUE, ask(0x7fff, 0, NULL, &bytes));
}

/* Of a call with a queue, a wait list and buffers, what all have in common. */
#define CHECK_COMMON(call)						\
	do {								\
		cl_event far = SOME(clCreateUserEvent(other, &err));	\
		cl_event stray = (cl_event)context;			\
		cl_command_queue q = (cl_command_queue)context;		\
		cl_uint n = 0;						\
		cl_int ret;						\
		(void)ret;						\
		const cl_event *list = NULL;				\
									\
		IS(CL_INVALID_COMMAND_QUEUE, call);			\
		q = queue;						\
		n = 1;							\
		IS(CL_INVALID_EVENT_WAIT_LIST, call);			\
		list = &stray;						\
		IS(CL_INVALID_EVENT_WAIT_LIST, call);			\
		n = 0;							\
		IS(CL_INVALID_EVENT_WAIT_LIST, call);			\
		n = 1;							\
		list = &far;					\
		IS(CL_INVALID_CONTEXT, call);				\
		OK(clReleaseEvent(far));				\
	} while (0)

/* A blocking call behind something that failed. */
#define CHECK_FAILED_WAIT(call)						\
	do {								\
		cl_event failed = SOME(clCreateUserEvent(context, &err));	\
		cl_int ret;						\
		(void)ret;						\
									\
		OK(clSetUserEventStatus(failed, -5));			\
		IS(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, call);	\
		OK(clReleaseEvent(failed));				\
	} while (0)

#endif /* TEST_OPENCL_KIT_H */
