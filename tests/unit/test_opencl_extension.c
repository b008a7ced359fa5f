// SPDX-License-Identifier: MIT
/*
 * Tests of the OpenCL driver: command buffers, semaphores, external memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "opencl_kit.h"

#ifdef CL_KHR_COMMAND_BUFFER_EXTENSION_VERSION
#define NO_PROPERTIES	NULL,
#else
#define NO_PROPERTIES
#endif

/* X(function): by the type that the headers give it */
#define FUNCTIONS(X)							\
	X(clCreateCommandBufferKHR) X(clRetainCommandBufferKHR)		\
	X(clReleaseCommandBufferKHR) X(clFinalizeCommandBufferKHR)	\
	X(clEnqueueCommandBufferKHR) X(clCommandBarrierWithWaitListKHR)	\
	X(clCommandCopyBufferKHR) X(clCommandCopyBufferRectKHR)		\
	X(clCommandCopyBufferToImageKHR) X(clCommandCopyImageKHR)	\
	X(clCommandCopyImageToBufferKHR) X(clCommandFillBufferKHR)	\
	X(clCommandFillImageKHR) X(clCommandNDRangeKernelKHR)		\
	X(clGetCommandBufferInfoKHR)					\
	X(clCreateSemaphoreWithPropertiesKHR) X(clRetainSemaphoreKHR)	\
	X(clReleaseSemaphoreKHR) X(clGetSemaphoreInfoKHR)		\
	X(clEnqueueWaitSemaphoresKHR) X(clEnqueueSignalSemaphoresKHR)	\
	X(clGetSemaphoreHandleForTypeKHR)				\
	X(clEnqueueAcquireExternalMemObjectsKHR)			\
	X(clEnqueueReleaseExternalMemObjectsKHR)

static struct {
#define X(name) name##_fn name;
	FUNCTIONS(X)
#undef X
} cl;

static int setup(void **state)
{
	kit_setup(state);
#define X(name)								\
	cl.name = (name##_fn)clGetExtensionFunctionAddressForPlatform(	\
		platform, #name);					\
	assert_non_null(cl.name);
	FUNCTIONS(X)
#undef X
	return 0;
}

/* Command buffers */

static cl_command_buffer_khr asked;

static cl_int ask_buffer(cl_uint param, size_t room, void *to, size_t *ret)
{
	return cl.clGetCommandBufferInfoKHR(asked, param, room, to, ret);
}

static void command_buffers_tell(void **state)
{
	static const struct kit_param params[] = {
		{ CL_COMMAND_BUFFER_QUEUES_KHR, sizeof(cl_command_queue) },
		{ CL_COMMAND_BUFFER_NUM_QUEUES_KHR, sizeof(cl_uint) },
		{ CL_COMMAND_BUFFER_REFERENCE_COUNT_KHR, sizeof(cl_uint) },
		{ CL_COMMAND_BUFFER_STATE_KHR, sizeof(cl_uint) },
		{ CL_COMMAND_BUFFER_PROPERTIES_ARRAY_KHR,
		  3 * sizeof(cl_properties) },
	};
	const cl_command_buffer_properties_khr flags[] = {
		CL_COMMAND_BUFFER_FLAGS_KHR,
		CL_COMMAND_BUFFER_SIMULTANEOUS_USE_KHR, 0
	}, bad[] = { 0x7777, 1, 0 }, twice[] = {
		CL_COMMAND_BUFFER_FLAGS_KHR, 0, CL_COMMAND_BUFFER_FLAGS_KHR, 0,
		0
	}, unknown[] = { CL_COMMAND_BUFFER_FLAGS_KHR, 1 << 20, 0 };
	cl_command_queue no = (cl_command_queue)context;
	cl_command_buffer_khr none = (cl_command_buffer_khr)queue;

#define CREATE(n, queues, properties)	\
	cl.clCreateCommandBufferKHR(n, queues, properties, &err)
	asked = SOME(CREATE(1, &queue, flags));
	kit_params(ask_buffer, params, COUNT(params));
	OK(cl.clRetainCommandBufferKHR(asked));
	assert_int_equal(kit_refs(cl.clGetCommandBufferInfoKHR, asked,
			CL_COMMAND_BUFFER_REFERENCE_COUNT_KHR), 2);
	OK(cl.clReleaseCommandBufferKHR(asked));
	OK(cl.clReleaseCommandBufferKHR(asked));
	NONE(CL_INVALID_VALUE, CREATE(0, &queue, NULL));
	NONE(CL_INVALID_VALUE, CREATE(2, &queue, NULL));
	NONE(CL_INVALID_VALUE, CREATE(1, NULL, NULL));
	NONE(CL_INVALID_COMMAND_QUEUE, CREATE(1, &no, NULL));
	NONE(CL_INVALID_VALUE, CREATE(1, &queue, bad));
	NONE(CL_INVALID_VALUE, CREATE(1, &queue, twice));
	NONE(CL_INVALID_PROPERTY, CREATE(1, &queue, unknown));
	IS(CL_INVALID_COMMAND_BUFFER_KHR, cl.clRetainCommandBufferKHR(none));
	IS(CL_INVALID_COMMAND_BUFFER_KHR, cl.clReleaseCommandBufferKHR(none));
	IS(CL_INVALID_COMMAND_BUFFER_KHR, cl.clFinalizeCommandBufferKHR(none));
	IS(CL_INVALID_COMMAND_BUFFER_KHR, cl.clGetCommandBufferInfoKHR(none,
			CL_COMMAND_BUFFER_STATE_KHR, 0, NULL, NULL));
	IS(CL_INVALID_COMMAND_BUFFER_KHR, cl.clEnqueueCommandBufferKHR(0, NULL,
			none, 0, NULL, NULL));
}

/* A network between a fill and two copies, played three times. */
static void recorded_commands_run(void **state)
{
	const size_t bytes = ELEMENTS * sizeof(float), one = 1;
	const size_t at[3] = { 0, 0, 0 }, row[3] = { 16, 1, 1 };
	cl_mem x = kit_buffer(0, bytes), y = kit_buffer(0, bytes);
	cl_mem z = kit_buffer(0, bytes), w = kit_buffer(0, 64);
	cl_command_buffer_khr b = SOME(CREATE(1, &queue, NULL));
	const unsigned char *binary;
	cl_sync_point_khr points[5];
	const float value = 7.5f;
	float got[ELEMENTS];
	cl_event gate, done;
	cl_program program;
	cl_kernel kernel;
	size_t n;

	binary = kit_finish(kit_negate(), &n);
	program = SOME(clCreateProgramWithBinary(context, 1, &device, &n,
						 &binary, NULL, &err));
	free((void *)binary);
	OK(clBuildProgram(program, 0, NULL, NULL, NULL, NULL));
	kernel = SOME(clCreateKernel(program, "negate", &err));
	OK(clSetKernelArg(kernel, 0, sizeof(x), &x));
	OK(clSetKernelArg(kernel, 1, sizeof(y), &y));

	OK(cl.clCommandFillBufferKHR(b, NULL, NO_PROPERTIES x, &value, 4, 0,
				     bytes, 0, NULL, &points[0], NULL));
	OK(cl.clCommandNDRangeKernelKHR(b, NULL, NULL, kernel, 1, NULL, &one,
					NULL, 1, points, &points[1], NULL));
	OK(cl.clCommandBarrierWithWaitListKHR(b, NULL, NO_PROPERTIES 0, NULL,
					      &points[2], NULL));
	OK(cl.clCommandCopyBufferKHR(b, NULL, NO_PROPERTIES y, z, 0, 0, bytes,
				     3, points, &points[3], NULL));
	OK(cl.clCommandCopyBufferRectKHR(b, NULL, NO_PROPERTIES z, w, at, at,
			row, 0, 0, 0, 0, 1, &points[3], &points[4], NULL));
	IS(CL_INVALID_OPERATION, cl.clEnqueueCommandBufferKHR(0, NULL, b, 0,
							      NULL, NULL));
	OK(cl.clFinalizeCommandBufferKHR(b));
	IS(CL_INVALID_OPERATION, cl.clFinalizeCommandBufferKHR(b));
	/* What was recorded does not change, and needs nobody else. */
	OK(clSetKernelArg(kernel, 1, sizeof(z), &z));
	OK(clReleaseKernel(kernel));
	OK(clReleaseProgram(program));
	for (int i = 0; i < 3; i++) {
		OK(clEnqueueFillBuffer(queue, z, "", 1, 0, bytes, 0, NULL,
				       NULL));
		OK(cl.clEnqueueCommandBufferKHR(0, NULL, b, 0, NULL, NULL));
		kit_read(z, got, bytes);
		assert_true(got[0] == -7.5f && got[ELEMENTS - 1] == -7.5f);
		kit_read(w, got, 16);
		assert_true(got[3] == -7.5f);
	}
	gate = SOME(clCreateUserEvent(context, &err));
	OK(cl.clEnqueueCommandBufferKHR(1, &queue, b, 1, &gate, &done));
	IS(CL_INVALID_OPERATION, cl.clEnqueueCommandBufferKHR(0, NULL, b, 0,
							      NULL, NULL));
	IS(CL_INCOMPATIBLE_COMMAND_QUEUE_KHR,
	   cl.clEnqueueCommandBufferKHR(1, &loose, b, 0, NULL, NULL));
	IS(CL_INVALID_VALUE, cl.clEnqueueCommandBufferKHR(1, NULL, b, 0, NULL,
							  NULL));
	OK(cl.clReleaseCommandBufferKHR(b));
	OK(clSetUserEventStatus(gate, CL_COMPLETE));
	OK(clWaitForEvents(1, &done));
	OK(clReleaseEvent(gate));
	OK(clReleaseEvent(done));
	OK(clReleaseMemObject(x));
	OK(clReleaseMemObject(y));
	OK(clReleaseMemObject(z));
	OK(clReleaseMemObject(w));
}

static void recording_refuses(void **state)
{
	cl_command_buffer_khr b = SOME(CREATE(1, &queue, NULL));
	cl_command_buffer_khr none = (cl_command_buffer_khr)queue;
	const size_t at[3] = { 0 }, some[3] = { 1, 1, 1 };
	cl_mem mem = kit_buffer(0, 64), bad = (cl_mem)queue;
	const cl_sync_point_khr beyond = 9;
	cl_mutable_command_khr handle;

#define FILL(b, q, mem, bytes, n, list, handle)				\
	cl.clCommandFillBufferKHR(b, q, NO_PROPERTIES mem, "x", 1, 0, bytes, \
				  n, list, NULL, handle)
	IS(CL_INVALID_COMMAND_BUFFER_KHR, FILL(none, NULL, mem, 8, 0, NULL,
					       NULL));
	IS(CL_INVALID_COMMAND_QUEUE, FILL(b, queue, mem, 8, 0, NULL, NULL));
	IS(CL_INVALID_VALUE, FILL(b, NULL, mem, 8, 0, NULL, &handle));
	IS(CL_INVALID_VALUE, FILL(b, NULL, mem, 65, 0, NULL, NULL));
	IS(CL_INVALID_MEM_OBJECT, FILL(b, NULL, bad, 8, 0, NULL, NULL));
	IS(CL_INVALID_SYNC_POINT_WAIT_LIST_KHR, FILL(b, NULL, mem, 8, 1, NULL,
						     NULL));
	IS(CL_INVALID_SYNC_POINT_WAIT_LIST_KHR, FILL(b, NULL, mem, 8, 0, &beyond,
						     NULL));
	IS(CL_INVALID_SYNC_POINT_WAIT_LIST_KHR, FILL(b, NULL, mem, 8, 1, &beyond,
						     NULL));
	IS(CL_MEM_COPY_OVERLAP, cl.clCommandCopyBufferKHR(b, NULL,
			NO_PROPERTIES mem, mem, 0, 0, 8, 0, NULL, NULL, NULL));
	IS(CL_INVALID_VALUE, cl.clCommandCopyBufferRectKHR(b, NULL,
			NO_PROPERTIES mem, mem, at, at, NULL, 0, 0, 0, 0, 0,
			NULL, NULL, NULL));
	IS(CL_INVALID_KERNEL, cl.clCommandNDRangeKernelKHR(b, NULL, NULL,
			(cl_kernel)queue, 1, NULL, some, NULL, 0, NULL, NULL,
			NULL));
	IS(CL_INVALID_OPERATION, cl.clCommandCopyImageKHR(b, NULL,
			NO_PROPERTIES bad, bad, at, at, some, 0, NULL, NULL,
			NULL));
	IS(CL_INVALID_OPERATION, cl.clCommandCopyBufferToImageKHR(b, NULL,
			NO_PROPERTIES mem, bad, 0, at, some, 0, NULL, NULL,
			NULL));
	IS(CL_INVALID_OPERATION, cl.clCommandCopyImageToBufferKHR(b, NULL,
			NO_PROPERTIES bad, mem, at, some, 0, 0, NULL, NULL,
			NULL));
	IS(CL_INVALID_OPERATION, cl.clCommandFillImageKHR(b, NULL,
			NO_PROPERTIES bad, at, at, some, 0, NULL, NULL, NULL));
#define BARRIER(b, queue, n, points, handle)	\
	cl.clCommandBarrierWithWaitListKHR(b, queue, NO_PROPERTIES n, points, \
					   NULL, handle)
	IS(CL_INVALID_COMMAND_BUFFER_KHR, BARRIER(none, NULL, 0, NULL, NULL));
	IS(CL_INVALID_COMMAND_QUEUE, BARRIER(b, queue, 0, NULL, NULL));
	IS(CL_INVALID_VALUE, BARRIER(b, NULL, 0, NULL, &handle));
	IS(CL_INVALID_SYNC_POINT_WAIT_LIST_KHR, BARRIER(b, NULL, 1, NULL,
							NULL));
	OK(cl.clFinalizeCommandBufferKHR(b));
	IS(CL_INVALID_OPERATION, FILL(b, NULL, mem, 8, 0, NULL, NULL));
	IS(CL_INVALID_OPERATION, BARRIER(b, NULL, 0, NULL, NULL));
	CHECK_COMMON(cl.clEnqueueCommandBufferKHR(1, &q, b, n, list, NULL));
	OK(cl.clReleaseCommandBufferKHR(b));
	OK(clReleaseMemObject(mem));
}

/* Semaphores */

#define BINARY	CL_SEMAPHORE_TYPE_KHR, CL_SEMAPHORE_TYPE_BINARY_KHR
#define EXPORT	CL_SEMAPHORE_EXPORT_HANDLE_TYPES_KHR,	\
		CL_SEMAPHORE_HANDLE_SYNC_FD_KHR, 0
#define NEW(...)							\
	cl.clCreateSemaphoreWithPropertiesKHR(context,			\
		(const cl_semaphore_properties_khr[]){ __VA_ARGS__, 0 }, &err)
#define SIGNAL(q, s, event)	\
	cl.clEnqueueSignalSemaphoresKHR(q, 1, &(s), NULL, 0, NULL, event)
#define WAIT(q, s, event)	\
	cl.clEnqueueWaitSemaphoresKHR(q, 1, &(s), NULL, 0, NULL, event)

static cl_semaphore_payload_khr payload(cl_semaphore_khr s)
{
	cl_semaphore_payload_khr value;

	OK(cl.clGetSemaphoreInfoKHR(s, CL_SEMAPHORE_PAYLOAD_KHR, sizeof(value),
				    &value, NULL));
	return value;
}

static cl_semaphore_khr semaphore;

static cl_int ask_semaphore(cl_uint param, size_t room, void *to, size_t *ret)
{
	return cl.clGetSemaphoreInfoKHR(semaphore, param, room, to, ret);
}

static void semaphores_tell_and_refuse(void **state)
{
	static const struct kit_param params[] = {
		{ CL_SEMAPHORE_CONTEXT_KHR, sizeof(cl_context) },
		{ CL_SEMAPHORE_REFERENCE_COUNT_KHR, sizeof(cl_uint) },
		{ CL_SEMAPHORE_PROPERTIES_KHR, 3 * sizeof(cl_properties) },
		{ CL_SEMAPHORE_TYPE_KHR, sizeof(cl_uint) },
		{ CL_SEMAPHORE_PAYLOAD_KHR, sizeof(cl_semaphore_payload_khr) },
	};
	cl_semaphore_khr none = (cl_semaphore_khr)queue;
	cl_semaphore_properties_khr mine = (uintptr_t)device;
	int fd;

	semaphore = SOME(NEW(BINARY));
	kit_params(ask_semaphore, params, COUNT(params));
	OK(cl.clRetainSemaphoreKHR(semaphore));
	OK(cl.clReleaseSemaphoreKHR(semaphore));
	NONE(CL_INVALID_CONTEXT, cl.clCreateSemaphoreWithPropertiesKHR(
			(cl_context)queue, NULL, &err));
	NONE(CL_INVALID_VALUE, cl.clCreateSemaphoreWithPropertiesKHR(context,
			NULL, &err));
	NONE(CL_INVALID_VALUE, NEW(0x2053, mine, 0));	/* no type */
	NONE(CL_INVALID_PROPERTY, NEW(0x7777, 1));
	NONE(CL_INVALID_PROPERTY, NEW(CL_SEMAPHORE_TYPE_KHR, 7));
	NONE(CL_INVALID_PROPERTY, NEW(BINARY, BINARY));
	NONE(CL_INVALID_DEVICE, NEW(BINARY, 0x2053, 77, 0));
	NONE(CL_INVALID_VALUE, NEW(BINARY,
			CL_SEMAPHORE_EXPORT_HANDLE_TYPES_KHR, 0x2055, 0));
	NONE(CL_INVALID_OPERATION, NEW(BINARY, EXPORT,
			CL_SEMAPHORE_HANDLE_SYNC_FD_KHR, -1));
	NONE(CL_INVALID_PROPERTY, NEW(BINARY,
			CL_SEMAPHORE_HANDLE_SYNC_FD_KHR, 12345));
	IS(CL_INVALID_SEMAPHORE_KHR, cl.clRetainSemaphoreKHR(none));
	IS(CL_INVALID_SEMAPHORE_KHR, cl.clReleaseSemaphoreKHR(none));
	IS(CL_INVALID_SEMAPHORE_KHR, cl.clGetSemaphoreInfoKHR(none,
			CL_SEMAPHORE_TYPE_KHR, 0, NULL, NULL));
	IS(CL_INVALID_SEMAPHORE_KHR, SIGNAL(queue, none, NULL));
	IS(CL_INVALID_SEMAPHORE_KHR, WAIT(queue, none, NULL));
	IS(CL_INVALID_VALUE, cl.clEnqueueWaitSemaphoresKHR(queue, 0,
			&semaphore, NULL, 0, NULL, NULL));
	IS(CL_INVALID_VALUE, cl.clEnqueueSignalSemaphoresKHR(queue, 0,
			&semaphore, NULL, 0, NULL, NULL));
	CHECK_COMMON(cl.clEnqueueWaitSemaphoresKHR(q, 1, &semaphore, NULL, n,
						   list, NULL));
	CHECK_COMMON(cl.clEnqueueSignalSemaphoresKHR(q, 1, &semaphore, NULL, n,
						     list, NULL));
#define HANDLE(s, device, type, size)	\
	cl.clGetSemaphoreHandleForTypeKHR(s, device, type, size, &fd, NULL)
	IS(CL_INVALID_SEMAPHORE_KHR, HANDLE(none, device,
			CL_SEMAPHORE_HANDLE_SYNC_FD_KHR, sizeof(fd)));
	IS(CL_INVALID_VALUE, HANDLE(semaphore, device,
			CL_SEMAPHORE_HANDLE_SYNC_FD_KHR, sizeof(fd)));
	OK(cl.clReleaseSemaphoreKHR(semaphore));
}

static void signals_meet_waits(void **state)
{
	cl_semaphore_khr s = SOME(NEW(BINARY));
	cl_event gate = SOME(clCreateUserEvent(context, &err));
	cl_event signal, wait;

	/* First the signal, held back; then the other way round. */
	OK(cl.clEnqueueSignalSemaphoresKHR(loose, 1, &s, NULL, 1, &gate,
					   &signal));
	assert_int_equal(payload(s), 0);
	OK(WAIT(queue, s, &wait));
	assert_int_equal(kit_status(wait), CL_QUEUED);
	OK(clSetUserEventStatus(gate, CL_COMPLETE));
	OK(clWaitForEvents(1, &wait));
	OK(clReleaseEvent(wait));
	OK(clReleaseEvent(signal));
	OK(WAIT(queue, s, &wait));
	assert_int_equal(kit_status(wait), CL_QUEUED);
	OK(SIGNAL(loose, s, NULL));
	OK(clWaitForEvents(1, &wait));
	OK(clReleaseEvent(wait));
	OK(SIGNAL(loose, s, NULL));
	OK(clFinish(loose));
	assert_int_equal(payload(s), 1);
	OK(WAIT(queue, s, &wait));
	OK(clWaitForEvents(1, &wait));
	assert_int_equal(payload(s), 0);
	OK(clReleaseEvent(wait));
	/* A signal that fails fails its wait. */
	OK(clReleaseEvent(gate));
	gate = SOME(clCreateUserEvent(context, &err));
	OK(cl.clEnqueueSignalSemaphoresKHR(loose, 1, &s, NULL, 1, &gate,
					   NULL));
	OK(WAIT(queue, s, &wait));
	OK(clSetUserEventStatus(gate, -3));
	IS(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST,
	   clWaitForEvents(1, &wait));
	OK(clReleaseEvent(wait));
	/* And so does one that cannot come. */
	OK(WAIT(queue, s, &wait));
	OK(cl.clReleaseSemaphoreKHR(s));
	IS(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST,
	   clWaitForEvents(1, &wait));
	OK(clReleaseEvent(wait));
	OK(clReleaseEvent(gate));
}

/* A wait that is stuck shows as one that does not end, not as a test that hangs. */
static bool ends(cl_event event)
{
	for (int i = 0; i < 10000 && kit_status(event) > CL_COMPLETE; i++)
		usleep(1000);
	return kit_status(event) == CL_COMPLETE;
}

static void waits_have_an_order(void **state)
{
	cl_semaphore_khr s = SOME(NEW(BINARY));
	cl_event waits[3];

	for (int i = 0; i < 3; i++)
		OK(WAIT(loose, s, &waits[i]));
	for (int i = 0; i < 3; i++) {
		OK(SIGNAL(queue, s, NULL));
		assert_true(ends(waits[i]));
		if (i < 2)
			assert_int_equal(kit_status(waits[i + 1]), CL_QUEUED);
		OK(clReleaseEvent(waits[i]));
	}
	assert_int_equal(payload(s), 0);
	OK(cl.clReleaseSemaphoreKHR(s));
}

/* Any file that poll() can wait for will do here. */
static void sync_files(void **state)
{
	cl_semaphore_khr s;
	cl_event wait;
	int ends[2], fd = 0;
	size_t bytes;

	assert_int_equal(pipe(ends), 0);
	NONE(CL_INVALID_PROPERTY, NEW(BINARY, CL_SEMAPHORE_HANDLE_SYNC_FD_KHR,
				      1ull << 32 | ends[0]));
	s = SOME(NEW(BINARY, CL_SEMAPHORE_HANDLE_SYNC_FD_KHR, ends[0]));
	assert_int_equal(payload(s), 0);
	OK(WAIT(loose, s, &wait));
	usleep(1000);
	assert_true(kit_status(wait) > CL_COMPLETE);
	assert_int_equal(write(ends[1], "x", 1), 1);
	OK(clWaitForEvents(1, &wait));
	OK(clReleaseEvent(wait));
	OK(clFinish(loose));
	assert_int_equal(fcntl(ends[0], F_GETFD), -1);	/* it was given away */
	OK(cl.clReleaseSemaphoreKHR(s));
	close(ends[1]);

	s = SOME(NEW(BINARY, CL_SEMAPHORE_HANDLE_SYNC_FD_KHR, -1));
	assert_int_equal(payload(s), 1);
	OK(WAIT(queue, s, NULL));
	OK(clFinish(queue));
	OK(cl.clReleaseSemaphoreKHR(s));

	s = SOME(NEW(BINARY, EXPORT));
	IS(CL_INVALID_OPERATION, HANDLE(s, device,
			CL_SEMAPHORE_HANDLE_SYNC_FD_KHR, sizeof(fd)));
	OK(SIGNAL(queue, s, NULL));
	IS(CL_INVALID_VALUE, HANDLE(s, device, CL_SEMAPHORE_HANDLE_SYNC_FD_KHR,
				    1));
	IS(CL_INVALID_VALUE, HANDLE(s, device, 0x2055, sizeof(fd)));
	IS(CL_INVALID_DEVICE, HANDLE(s, (cl_device_id)context,
			CL_SEMAPHORE_HANDLE_SYNC_FD_KHR, sizeof(fd)));
	OK(cl.clGetSemaphoreHandleForTypeKHR(s, device,
			CL_SEMAPHORE_HANDLE_SYNC_FD_KHR, 0, NULL, &bytes));
	assert_int_equal(bytes, sizeof(fd));
	OK(HANDLE(s, device, CL_SEMAPHORE_HANDLE_SYNC_FD_KHR, sizeof(fd)));
	assert_int_equal(fd, -1);
	OK(cl.clReleaseSemaphoreKHR(s));
}

/* External memory */

/* Of a display without a screen; -1: there is none. */
static int dma_buf(size_t bytes)
{
	struct drm_mode_create_dumb dumb = {
		.width = bytes / 4, .height = 1, .bpp = 32,
	};
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	char path[32];

	for (int i = 0; i < 4; i++) {
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb)) {
			prime.handle = dumb.handle;
			if (!ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime)) {
				close(fd);
				return prime.fd;
			}
		}
		close(fd);
	}
	return -1;
}

#define LIST	0x2051		/* of devices that a memory object is for */
#define BUFFER(flags, size, ptr, ...)					\
	clCreateBufferWithProperties(context,				\
		(const cl_mem_properties[]){ __VA_ARGS__, 0 }, flags, size,	\
		ptr, &err)

static void external_memory_refuses(void **state)
{
	cl_mem_properties mine = (uintptr_t)device;
	cl_mem plain = kit_buffer(0, 64);
	uint8_t memory[64];
	int ends[2];

	assert_int_equal(pipe(ends), 0);
#define DMA_BUF	CL_EXTERNAL_MEMORY_HANDLE_DMA_BUF_KHR
	NONE(CL_INVALID_PROPERTY, BUFFER(0, 64, NULL, DMA_BUF, ends[0]));
	NONE(CL_INVALID_PROPERTY, BUFFER(0, 64, NULL, DMA_BUF, -1));
	NONE(CL_INVALID_PROPERTY, BUFFER(0, 64, NULL, DMA_BUF,
					 1ull << 32 | ends[0]));
	NONE(CL_INVALID_PROPERTY, BUFFER(0, 64, NULL, DMA_BUF, 1, DMA_BUF, 1));
	NONE(CL_INVALID_PROPERTY, BUFFER(0, 64, NULL, LIST, mine, 0));
	NONE(CL_INVALID_DEVICE, BUFFER(0, 64, NULL, DMA_BUF, 1, LIST, 77, 0));
	NONE(CL_INVALID_VALUE, BUFFER(CL_MEM_ALLOC_HOST_PTR, 64, NULL, DMA_BUF,
				      ends[0]));
	NONE(CL_INVALID_HOST_PTR, BUFFER(0, 64, memory, DMA_BUF, ends[0]));
	NONE(CL_INVALID_BUFFER_SIZE, BUFFER(0, 0, NULL, DMA_BUF, ends[0]));
#define ACQUIRE(n, mems)	\
	cl.clEnqueueAcquireExternalMemObjectsKHR(queue, n, mems, 0, NULL, NULL)
#define RELEASE(n, mems)	\
	cl.clEnqueueReleaseExternalMemObjectsKHR(queue, n, mems, 0, NULL, NULL)
	IS(CL_INVALID_MEM_OBJECT, ACQUIRE(1, &plain));
	IS(CL_INVALID_MEM_OBJECT, RELEASE(1, &plain));
	IS(CL_INVALID_VALUE, ACQUIRE(1, NULL));
	IS(CL_INVALID_VALUE, RELEASE(0, &plain));
	OK(ACQUIRE(0, NULL));
	OK(RELEASE(0, NULL));
	CHECK_COMMON(cl.clEnqueueAcquireExternalMemObjectsKHR(q, 0, NULL, n,
							      list, NULL));
	CHECK_COMMON(cl.clEnqueueReleaseExternalMemObjectsKHR(q, 0, NULL, n,
							      list, NULL));
	close(ends[0]);
	close(ends[1]);
	OK(clReleaseMemObject(plain));
}

static void external_memory_is_shared(void **state)
{
	int fd = dma_buf(8192);
	cl_mem_properties mine = (uintptr_t)device;
	uint8_t got[64];
	cl_mem a, b;

	if (fd < 0) {
		print_message("no device here gives dma-bufs\n");
		skip();
	}
	a = SOME(BUFFER(0, 8192, NULL, DMA_BUF, fd));
	b = SOME(BUFFER(0, 4096, NULL, DMA_BUF, fd, LIST, mine, 0));
	NONE(CL_INVALID_BUFFER_SIZE, BUFFER(0, 1 << 20, NULL, DMA_BUF, fd));
	close(fd);
	OK(ACQUIRE(1, &a));
	OK(clEnqueueFillBuffer(queue, a, "z", 1, 0, 8192, 0, NULL, NULL));
	OK(RELEASE(1, &a));
	OK(clReleaseMemObject(a));
	OK(ACQUIRE(1, &b));
	kit_read(b, got, sizeof(got));
	assert_int_equal(got[63], 'z');
	OK(RELEASE(1, &b));
	OK(clFinish(queue));
	OK(clReleaseMemObject(b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_buffers_tell),
		cmocka_unit_test(recorded_commands_run),
		cmocka_unit_test(recording_refuses),
		cmocka_unit_test(semaphores_tell_and_refuse),
		cmocka_unit_test(signals_meet_waits),
		cmocka_unit_test(waits_have_an_order),
		cmocka_unit_test(sync_files),
		cmocka_unit_test(external_memory_refuses),
		cmocka_unit_test(external_memory_is_shared),
	};

	return cmocka_run_group_tests(tests, setup, kit_teardown);
}
