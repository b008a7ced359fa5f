// SPDX-License-Identifier: MIT
/*
 * Tests of the OpenCL driver: each call that takes memory says so when there is
 * none, keeps none, and leaves things as they were.
 */
#include "opencl_kit.h"
#include "memory_kit.h"

static clCreateSemaphoreWithPropertiesKHR_fn semaphore_new;
static clReleaseSemaphoreKHR_fn semaphore_release;
static clEnqueueSignalSemaphoresKHR_fn semaphores_signal;
static clEnqueueWaitSemaphoresKHR_fn semaphores_wait;
static clGetSemaphoreInfoKHR_fn semaphore_info;

#define SEMAPHORES	3
static cl_semaphore_khr semaphores[SEMAPHORES];
static unsigned char *file;
static size_t file_bytes;

static int setup(void **state)
{
	const cl_semaphore_properties_khr binary[] = {
		CL_SEMAPHORE_TYPE_KHR, CL_SEMAPHORE_TYPE_BINARY_KHR, 0
	};

	kit_setup(state);
	file = kit_finish(kit_negate(), &file_bytes);
#define FIND(to, name)							\
	to = (name##_fn)clGetExtensionFunctionAddressForPlatform(platform, \
								 #name)
	FIND(semaphore_new, clCreateSemaphoreWithPropertiesKHR);
	FIND(semaphore_release, clReleaseSemaphoreKHR);
	FIND(semaphores_signal, clEnqueueSignalSemaphoresKHR);
	FIND(semaphores_wait, clEnqueueWaitSemaphoresKHR);
	FIND(semaphore_info, clGetSemaphoreInfoKHR);
	for (int i = 0; i < SEMAPHORES; i++)
		semaphores[i] = SOME(semaphore_new(context, binary, &err));
	return 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < SEMAPHORES; i++)
		OK(semaphore_release(semaphores[i]));
	free(file);
	return kit_teardown(state);
}

static bool is_told(int ret)
{
	return ret == CL_OUT_OF_HOST_MEMORY ||
	       ret == CL_MEM_OBJECT_ALLOCATION_FAILURE;
}

static int new_context(void)
{
	cl_int ret;
	cl_context c = clCreateContext(NULL, 1, &device, NULL, NULL, &ret);

	if (c)
		OK(clReleaseContext(c));
	return ret;
}

static int new_queue(void)
{
	cl_int ret;
	cl_command_queue q = clCreateCommandQueue(context, device,
			CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &ret);

	if (q)
		OK(clReleaseCommandQueue(q));
	return ret;
}

static int build(void)
{
	cl_int ret;
	const unsigned char *binary = file;
	cl_program p = clCreateProgramWithBinary(context, 1, &device,
			&file_bytes, &binary, NULL, &ret);
	cl_kernel k = NULL;

	if (!ret)
		ret = clBuildProgram(p, 0, NULL, NULL, NULL, NULL);
	if (!ret)
		k = clCreateKernel(p, "negate", &ret);
	if (k)
		OK(clReleaseKernel(k));
	if (p)
		OK(clReleaseProgram(p));
	return ret;
}

static int copy(void)
{
	cl_int ret;
	cl_mem mem = clCreateBuffer(context, 0, 256, NULL, &ret);
	char byte = 1;

	if (!ret)
		ret = clEnqueueFillBuffer(queue, mem, &byte, 1, 0, 256, 0,
					  NULL, NULL);
	if (!ret)
		ret = clEnqueueCopyBuffer(queue, mem, mem, 0, 128, 64, 0,
					  NULL, NULL);
	if (!ret)
		ret = clEnqueueReadBuffer(queue, mem, CL_TRUE, 0, 1, &byte, 0,
					  NULL, NULL);
	if (mem)
		OK(clReleaseMemObject(mem));
	return ret;
}

static int wait_for_nothing(void)
{
	cl_int ret = clEnqueueBarrierWithWaitList(loose, 0, NULL, NULL);

	if (!ret)
		ret = clEnqueueMarkerWithWaitList(loose, 0, NULL, NULL);
	OK(clFinish(loose));
	return ret;
}

static bool has_signaled(cl_semaphore_khr s)
{
	cl_semaphore_payload_khr payload;

	OK(semaphore_info(s, CL_SEMAPHORE_PAYLOAD_KHR, sizeof(payload),
			  &payload, NULL));
	return payload;
}

/*
 * Signaled before the call or after it, and waited for: if that is refused, all
 * are as they were, and a wait for each of them ends.
 */
static int meet(bool signal_first)
{
	cl_event end = NULL;
	cl_int ret;

	if (signal_first) {
		ret = semaphores_signal(loose, SEMAPHORES, semaphores, NULL, 0,
					NULL, NULL);
		OK(clFinish(loose));
		for (int i = 0; i < SEMAPHORES; i++)
			assert_int_equal(has_signaled(semaphores[i]), !ret);
		if (ret)
			return ret;
	}
	ret = semaphores_wait(queue, SEMAPHORES, semaphores, NULL, 0, NULL,
			      &end);
	if (ret) {
		for (int i = 0; i < SEMAPHORES; i++)
			assert_int_equal(has_signaled(semaphores[i]),
					 signal_first);
		OK(semaphores_wait(queue, SEMAPHORES, semaphores, NULL, 0, NULL,
				   &end));
	}
	if (!signal_first)
		while (semaphores_signal(loose, SEMAPHORES, semaphores, NULL, 0,
					 NULL, NULL) == CL_OUT_OF_HOST_MEMORY)
			ret = CL_OUT_OF_HOST_MEMORY;
	OK(clWaitForEvents(1, &end));
	OK(clReleaseEvent(end));
	OK(clFinish(loose));
	for (int i = 0; i < SEMAPHORES; i++)
		assert_false(has_signaled(semaphores[i]));
	return ret;
}

static int signal_and_wait(void)
{
	return meet(true);
}

static int wait_and_signal(void)
{
	return meet(false);
}

#define CALLS(X)							\
	X(new_context) X(new_queue) X(build) X(copy) X(wait_for_nothing)	\
	X(signal_and_wait) X(wait_and_signal)

MEMORY_TESTS(CALLS, setup, teardown)
