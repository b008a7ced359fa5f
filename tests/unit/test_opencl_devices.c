// SPDX-License-Identifier: MIT
/*
 * Tests of the OpenCL driver: two devices in one context, and one that is gone.
 *
 * A computer without a device node has the embedded device alone. Here it is
 * listed twice, which makes two devices that are opened each for itself; the
 * third is a node that does not open.
 */
#include "opencl_kit.h"

#define BYTES	(ELEMENTS * sizeof(float))

/* In place of libfxq's, for the driver as well. */
const char *fxq_device_name(unsigned int i)
{
	static const char *const names[] = { "embedded", "embedded", "accel99" };

	return i < COUNT(names) ? names[i] : NULL;
}

static cl_device_id devices[3];
static cl_context both;
static cl_command_queue queues[2];

static int setup(void **state)
{
	kit_setup(state);
	OK(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 3, devices, NULL));
	both = SOME(clCreateContext(NULL, 2, devices, NULL, NULL, &err));
	for (int i = 0; i < 2; i++)
		queues[i] = SOME(clCreateCommandQueue(both, devices[i], 0,
						      &err));
	return 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < 2; i++)
		OK(clReleaseCommandQueue(queues[i]));
	OK(clReleaseContext(both));
	return kit_teardown(state);
}

static void contexts_have_their_devices(void **state)
{
	cl_device_id got[2];
	cl_uint n;

	OK(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &n));
	assert_int_equal(n, 3);
	OK(clGetDeviceIDs(platform, CL_DEVICE_TYPE_DEFAULT, 0, NULL, &n));
	assert_int_equal(n, 1);
	OK(clGetContextInfo(both, CL_CONTEXT_DEVICES, sizeof(got), got, NULL));
	assert_memory_equal(got, devices, sizeof(got));
	/* The kit's has the first alone. */
	NONE(CL_INVALID_DEVICE, clCreateCommandQueue(context, devices[1], 0,
						     &err));
	NONE(CL_INVALID_DEVICE, clCreateProgramWithBuiltInKernels(context, 2,
			devices, "pocl.add.i8", &err));
}

/* It is listed, says that it is not to be had, and others go without it. */
static void what_is_gone_is_not_available(void **state)
{
	cl_device_id some[] = { devices[0], devices[2] };
	cl_context_properties of_platform[] = {
		CL_CONTEXT_PLATFORM, (cl_context_properties)platform, 0
	};
	cl_bool available;
	cl_context c;
	cl_uint n;

	OK(clGetDeviceInfo(devices[2], CL_DEVICE_AVAILABLE, sizeof(available),
			   &available, NULL));
	assert_int_equal(available, CL_FALSE);
	NONE(CL_DEVICE_NOT_AVAILABLE, clCreateContext(NULL, 1, &devices[2],
						      NULL, NULL, &err));
	NONE(CL_DEVICE_NOT_AVAILABLE, clCreateContext(NULL, 2, some, NULL,
						      NULL, &err));
	c = SOME(clCreateContextFromType(of_platform, CL_DEVICE_TYPE_ALL, NULL,
					 NULL, &err));
	OK(clGetContextInfo(c, CL_CONTEXT_NUM_DEVICES, sizeof(n), &n, NULL));
	assert_int_equal(n, 2);
	OK(clReleaseContext(c));
}

static cl_program load(void)
{
	size_t sizes[2];
	unsigned char *image = kit_finish(kit_negate(), &sizes[0]);
	const unsigned char *images[2] = { image, image };
	cl_program p;

	sizes[1] = sizes[0];
	p = SOME(clCreateProgramWithBinary(both, 2, devices, sizes, images,
					   NULL, &err));
	free(image);
	return p;
}

/* A chain over both: what the one has made, the other takes. */
static void devices_work_together(void **state)
{
	float x[ELEMENTS], got[ELEMENTS];
	cl_program p = load();
	cl_mem a, b, c;
	cl_event first;
	cl_kernel k;

	for (int i = 0; i < ELEMENTS; i++)
		x[i] = i / 4 - 16;
	a = SOME(clCreateBuffer(both, CL_MEM_COPY_HOST_PTR, BYTES, x, &err));
	b = SOME(clCreateBuffer(both, 0, BYTES, NULL, &err));
	c = SOME(clCreateBuffer(both, 0, BYTES, NULL, &err));
	/* Built for the second alone, it runs there alone. */
	OK(clBuildProgram(p, 1, &devices[1], NULL, NULL, NULL));
	k = SOME(clCreateKernel(p, "negate", &err));
	OK(clSetKernelArg(k, 0, sizeof(a), &a));
	OK(clSetKernelArg(k, 1, sizeof(b), &b));
	IS(CL_INVALID_PROGRAM_EXECUTABLE, clEnqueueTask(queues[0], k, 0, NULL,
							NULL));
	OK(clEnqueueTask(queues[1], k, 0, NULL, NULL));
	OK(clFinish(queues[1]));
	IS(CL_INVALID_DEVICE, clGetKernelWorkGroupInfo(k, NULL,
			CL_KERNEL_WORK_GROUP_SIZE, 0, NULL, NULL));
	OK(clReleaseKernel(k));
	OK(clBuildProgram(p, 0, NULL, NULL, NULL, NULL));
	k = SOME(clCreateKernel(p, "negate", &err));
	OK(clSetKernelArg(k, 0, sizeof(a), &a));
	OK(clSetKernelArg(k, 1, sizeof(b), &b));
	OK(clEnqueueTask(queues[0], k, 0, NULL, &first));
	OK(clSetKernelArg(k, 0, sizeof(b), &b));
	OK(clSetKernelArg(k, 1, sizeof(c), &c));
	OK(clEnqueueTask(queues[1], k, 1, &first, NULL));
	OK(clEnqueueReadBuffer(queues[1], c, CL_TRUE, 0, BYTES, got, 0, NULL,
			       NULL));
	assert_memory_equal(got, x, BYTES);
	OK(clReleaseEvent(first));
	OK(clReleaseKernel(k));
	OK(clReleaseProgram(p));
	OK(clReleaseMemObject(a));
	OK(clReleaseMemObject(b));
	OK(clReleaseMemObject(c));
}

#define GET(name)	name##_fn name = (name##_fn)			\
	clGetExtensionFunctionAddressForPlatform(platform, #name)

static void semaphores_have_their_devices(void **state)
{
	const cl_semaphore_properties_khr second[] = {
		CL_SEMAPHORE_TYPE_KHR, CL_SEMAPHORE_TYPE_BINARY_KHR,
		CL_SEMAPHORE_EXPORT_HANDLE_TYPES_KHR,
		CL_SEMAPHORE_HANDLE_SYNC_FD_KHR, 0,
		0x2053, (uintptr_t)devices[1], 0, 0	/* a list of devices */
	}, any[] = {
		CL_SEMAPHORE_TYPE_KHR, CL_SEMAPHORE_TYPE_BINARY_KHR, 0
	};
	GET(clCreateSemaphoreWithPropertiesKHR);
	GET(clEnqueueSignalSemaphoresKHR);
	GET(clEnqueueWaitSemaphoresKHR);
	GET(clGetSemaphoreHandleForTypeKHR);
	GET(clGetSemaphoreInfoKHR);
	GET(clReleaseSemaphoreKHR);
	cl_semaphore_khr s;
	cl_device_id got[2];
	size_t bytes;
	int fd;

	s = SOME(clCreateSemaphoreWithPropertiesKHR(both, second, &err));
	OK(clGetSemaphoreInfoKHR(s, 0x2053, sizeof(got), got, &bytes));
	assert_int_equal(bytes, sizeof(got[0]));
	assert_ptr_equal(got[0], devices[1]);
	IS(CL_INVALID_COMMAND_QUEUE, clEnqueueSignalSemaphoresKHR(queues[0], 1,
			&s, NULL, 0, NULL, NULL));
	IS(CL_INVALID_COMMAND_QUEUE, clEnqueueWaitSemaphoresKHR(queues[0], 1,
			&s, NULL, 0, NULL, NULL));
	OK(clEnqueueSignalSemaphoresKHR(queues[1], 1, &s, NULL, 0, NULL,
					NULL));
	IS(CL_INVALID_DEVICE, clGetSemaphoreHandleForTypeKHR(s, devices[0],
			CL_SEMAPHORE_HANDLE_SYNC_FD_KHR, sizeof(fd), &fd,
			NULL));
	OK(clEnqueueWaitSemaphoresKHR(queues[1], 1, &s, NULL, 0, NULL, NULL));
	OK(clFinish(queues[1]));
	OK(clReleaseSemaphoreKHR(s));

	s = SOME(clCreateSemaphoreWithPropertiesKHR(both, any, &err));
	OK(clGetSemaphoreInfoKHR(s, 0x2053, sizeof(got), got, &bytes));
	assert_memory_equal(got, devices, sizeof(got));
	OK(clEnqueueSignalSemaphoresKHR(queues[0], 1, &s, NULL, 0, NULL,
					NULL));
	OK(clEnqueueWaitSemaphoresKHR(queues[1], 1, &s, NULL, 0, NULL, NULL));
	OK(clFinish(queues[1]));
	OK(clReleaseSemaphoreKHR(s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contexts_have_their_devices),
		cmocka_unit_test(what_is_gone_is_not_available),
		cmocka_unit_test(devices_work_together),
		cmocka_unit_test(semaphores_have_their_devices),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
