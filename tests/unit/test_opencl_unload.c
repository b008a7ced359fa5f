// SPDX-License-Identifier: MIT
/*
 * Tests of the OpenCL driver: it is closed while a thread of its is at work.
 *
 * A loader may close drivers, and so may whoever opened the loader. Here the
 * test opens the library itself, so that nobody else keeps it; all functions
 * are found by name.
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <unistd.h>

#include "opencl_kit.h"

#include <CL/cl_icd.h>

static atomic_int called;

/* On the thread of a queue that nobody holds any more. */
static void CL_CALLBACK dawdle(cl_context gone, void *user_data)
{
	usleep(100000);
	atomic_fetch_add(&called, 1);
}

/* The last event of a queue ends when the program has released everything. */
static void leave_work(void *(*find)(const char *))
{
	cl_int (*platforms)(cl_uint, cl_platform_id *, cl_uint *) =
		find("clIcdGetPlatformIDsKHR");
	const cl_icd_dispatch *cl;
	cl_command_queue q;
	cl_mem mem;
	cl_event gate;
	cl_context c;

	OK(platforms(1, &platform, NULL));
	cl = *(const cl_icd_dispatch **)platform;
	OK(cl->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL));
	c = SOME(cl->clCreateContext(NULL, 1, &device, NULL, NULL, &err));
	q = SOME(cl->clCreateCommandQueue(c, device, 0, &err));
	mem = SOME(cl->clCreateBuffer(c, 0, 64, NULL, &err));
	gate = SOME(cl->clCreateUserEvent(c, &err));
	OK(cl->clSetContextDestructorCallback(c, dawdle, NULL));
	OK(cl->clEnqueueFillBuffer(q, mem, "x", 1, 0, 64, 1, &gate, NULL));
	OK(cl->clReleaseMemObject(mem));
	OK(cl->clReleaseCommandQueue(q));
	OK(cl->clReleaseContext(c));
	OK(cl->clSetUserEventStatus(gate, CL_COMPLETE));
	OK(cl->clReleaseEvent(gate));
}

static void a_closed_library_stays(void **state)
{
	void *library = dlopen(DRIVER, RTLD_NOW);

	assert_non_null(library);
	leave_work(dlsym(library, "clGetExtensionFunctionAddress"));
	assert_int_equal(dlclose(library), 0);
	/* The thread comes back from its callback, and finds its code. */
	for (int i = 0; i < 10000 && !atomic_load(&called); i++)
		usleep(1000);
	assert_int_equal(atomic_load(&called), 1);
	usleep(10000);
	assert_non_null(dlopen(DRIVER, RTLD_NOW | RTLD_NOLOAD));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_closed_library_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
