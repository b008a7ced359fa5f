// SPDX-License-Identifier: MIT
/*
 * Tests of the OpenCL driver: queues, events, and the order of commands.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "opencl_kit.h"
#include "threads_kit.h"

static cl_int ask_queue(cl_uint param, size_t room, void *to, size_t *ret)
{
	return clGetCommandQueueInfo(loose, param, room, to, ret);
}

static void queues_tell(void **state)
{
	static const struct kit_param params[] = {
		{ CL_QUEUE_CONTEXT, sizeof(cl_context) },
		{ CL_QUEUE_DEVICE, sizeof(cl_device_id) },
		{ CL_QUEUE_REFERENCE_COUNT, sizeof(cl_uint) },
		{ CL_QUEUE_PROPERTIES, sizeof(cl_command_queue_properties) },
		{ CL_QUEUE_PROPERTIES_ARRAY, 3 * sizeof(cl_queue_properties) },
		{ CL_QUEUE_DEVICE_DEFAULT, sizeof(cl_command_queue) },
	};
	cl_command_queue bad = (cl_command_queue)context;

	kit_params(ask_queue, params, COUNT(params));
	IS(CL_INVALID_COMMAND_QUEUE, clGetCommandQueueInfo(loose,
			CL_QUEUE_SIZE, 0, NULL, NULL));
	OK(clRetainCommandQueue(loose));
	assert_int_equal(kit_refs(clGetCommandQueueInfo, loose,
				  CL_QUEUE_REFERENCE_COUNT), 2);
	OK(clReleaseCommandQueue(loose));
	IS(CL_INVALID_COMMAND_QUEUE, clRetainCommandQueue(bad));
	IS(CL_INVALID_COMMAND_QUEUE, clReleaseCommandQueue(bad));
	IS(CL_INVALID_COMMAND_QUEUE, clGetCommandQueueInfo(bad,
			CL_QUEUE_DEVICE, 0, NULL, NULL));
	IS(CL_INVALID_COMMAND_QUEUE, clFlush(bad));
	IS(CL_INVALID_COMMAND_QUEUE, clFinish(bad));
	IS(CL_INVALID_COMMAND_QUEUE, clSetCommandQueueProperty(bad, 0, 0,
							       NULL));
	IS(CL_INVALID_OPERATION, clSetCommandQueueProperty(queue,
			CL_QUEUE_PROFILING_ENABLE, CL_TRUE, NULL));
	OK(clFlush(queue));
}

static void queues_refuse(void **state)
{
	static const struct {
		cl_queue_properties list[3];
		cl_int ret;
	} cases[] = {
		{ { 0x7777, 1, 0 }, CL_INVALID_VALUE },
		{ { CL_QUEUE_PROPERTIES, 1 << 20, 0 }, CL_INVALID_VALUE },
		{ { CL_QUEUE_PROPERTIES, CL_QUEUE_ON_DEVICE_DEFAULT, 0 },
		  CL_INVALID_VALUE },
		{ { CL_QUEUE_PROPERTIES, CL_QUEUE_ON_DEVICE |
		    CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, 0 },
		  CL_INVALID_QUEUE_PROPERTIES },
		{ { CL_QUEUE_SIZE, 4096, 0 }, CL_INVALID_QUEUE_PROPERTIES },
	};
	cl_context no = (cl_context)queue;
	cl_device_id none = (cl_device_id)queue;

	for (size_t i = 0; i < COUNT(cases); i++)
		NONE(cases[i].ret, clCreateCommandQueueWithProperties(context,
				device, cases[i].list, &err));
	NONE(CL_INVALID_CONTEXT, clCreateCommandQueueWithProperties(no, device,
			NULL, &err));
	NONE(CL_INVALID_DEVICE, clCreateCommandQueueWithProperties(context,
			none, NULL, &err));
	NONE(CL_INVALID_CONTEXT, clCreateCommandQueue(no, device, 0, &err));
	NONE(CL_INVALID_DEVICE, clCreateCommandQueue(context, none, 0, &err));
	NONE(CL_INVALID_VALUE, clCreateCommandQueue(context, device, 1 << 20,
						    &err));
	NONE(CL_INVALID_QUEUE_PROPERTIES, clCreateCommandQueue(context, device,
			CL_QUEUE_ON_DEVICE |
			CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &err));
	IS(CL_INVALID_OPERATION, clSetDefaultDeviceCommandQueue(context,
			device, queue));
	IS(CL_INVALID_CONTEXT, clSetDefaultDeviceCommandQueue(no, device,
							      queue));
	IS(CL_INVALID_DEVICE, clSetDefaultDeviceCommandQueue(context, none,
							     queue));
	IS(CL_INVALID_COMMAND_QUEUE, clSetDefaultDeviceCommandQueue(context,
			device, (cl_command_queue)context));
}

static cl_event asked;

static cl_int ask_event(cl_uint param, size_t room, void *to, size_t *ret)
{
	return clGetEventInfo(asked, param, room, to, ret);
}

static void events_tell(void **state)
{
	static const struct kit_param params[] = {
		{ CL_EVENT_COMMAND_QUEUE, sizeof(cl_command_queue) },
		{ CL_EVENT_CONTEXT, sizeof(cl_context) },
		{ CL_EVENT_COMMAND_TYPE, sizeof(cl_command_type) },
		{ CL_EVENT_REFERENCE_COUNT, sizeof(cl_uint) },
		{ CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(cl_int) },
	};
	cl_event bad = (cl_event)context;

	asked = SOME(clCreateUserEvent(context, &err));
	kit_params(ask_event, params, COUNT(params));
	assert_int_equal(kit_status(asked), CL_SUBMITTED);
	IS(CL_INVALID_VALUE, clSetUserEventStatus(asked, CL_RUNNING));
	OK(clSetUserEventStatus(asked, CL_COMPLETE));
	assert_int_equal(kit_status(asked), CL_COMPLETE);
	IS(CL_INVALID_OPERATION, clSetUserEventStatus(asked, CL_COMPLETE));
	IS(CL_INVALID_EVENT, clSetUserEventStatus(bad, CL_COMPLETE));
	OK(clRetainEvent(asked));
	assert_int_equal(kit_refs(clGetEventInfo, asked,
				  CL_EVENT_REFERENCE_COUNT), 2);
	OK(clReleaseEvent(asked));
	OK(clReleaseEvent(asked));
	IS(CL_INVALID_EVENT, clRetainEvent(bad));
	IS(CL_INVALID_EVENT, clReleaseEvent(bad));
	IS(CL_INVALID_EVENT, clGetEventInfo(bad, CL_EVENT_CONTEXT, 0, NULL,
					    NULL));
	NONE(CL_INVALID_CONTEXT, clCreateUserEvent((cl_context)queue, &err));
	OK(clEnqueueMarkerWithWaitList(queue, 0, NULL, &asked));
	IS(CL_INVALID_EVENT, clSetUserEventStatus(asked, CL_COMPLETE));
	OK(clReleaseEvent(asked));
}

static void waiting_refuses(void **state)
{
	cl_event a = SOME(clCreateUserEvent(context, &err));
	cl_event b = SOME(clCreateUserEvent(other, &err));
	cl_event both[] = { a, b }, bad[] = { a, (cl_event)queue };

	IS(CL_INVALID_VALUE, clWaitForEvents(0, both));
	IS(CL_INVALID_VALUE, clWaitForEvents(1, NULL));
	IS(CL_INVALID_EVENT, clWaitForEvents(2, bad));
	IS(CL_INVALID_CONTEXT, clWaitForEvents(2, both));
	IS(CL_INVALID_VALUE, clEnqueueWaitForEvents(queue, 0, both));
	IS(CL_INVALID_EVENT, clEnqueueWaitForEvents(queue, 2, bad));
	IS(CL_INVALID_CONTEXT, clEnqueueWaitForEvents(queue, 2, both));
	IS(CL_INVALID_COMMAND_QUEUE, clEnqueueWaitForEvents(
			(cl_command_queue)context, 1, &a));
	OK(clSetUserEventStatus(a, -3));
	IS(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST,
	   clWaitForEvents(1, &a));
	CHECK_COMMON(clEnqueueMarkerWithWaitList(q, n, list, NULL));
	CHECK_COMMON(clEnqueueBarrierWithWaitList(q, n, list, NULL));
	IS(CL_INVALID_COMMAND_QUEUE, clEnqueueMarker((cl_command_queue)context,
						     &a));
	IS(CL_INVALID_VALUE, clEnqueueMarker(queue, NULL));
	IS(CL_INVALID_COMMAND_QUEUE,
	   clEnqueueBarrier((cl_command_queue)context));
	OK(clEnqueueBarrier(queue));
	OK(clReleaseEvent(a));
	OK(clReleaseEvent(b));
}

/* In a queue that is in order, all follow the first; in the other, few do. */
static void order_is_kept(void **state)
{
	cl_event gate = SOME(clCreateUserEvent(context, &err));
	cl_event held, after, free_one, marker, barrier, behind;
	cl_mem mem = kit_buffer(0, 64), loose_mem = kit_buffer(0, 64);

	OK(clEnqueueFillBuffer(queue, mem, "a", 1, 0, 64, 1, &gate, &held));
	OK(clEnqueueFillBuffer(queue, mem, "b", 1, 0, 64, 0, NULL, &after));
	assert_int_equal(kit_status(held), CL_QUEUED);
	assert_int_equal(kit_status(after), CL_QUEUED);
	OK(clReleaseEvent(after));

	OK(clEnqueueFillBuffer(loose, loose_mem, "c", 1, 0, 64, 1, &held,
			       &after));
	OK(clEnqueueFillBuffer(loose, loose_mem, "d", 1, 0, 1, 0, NULL,
			       &free_one));
	OK(clWaitForEvents(1, &free_one));
	OK(clEnqueueMarker(loose, &marker));
	OK(clEnqueueBarrierWithWaitList(loose, 0, NULL, &barrier));
	OK(clEnqueueFillBuffer(loose, loose_mem, "e", 1, 0, 64, 0, NULL,
			       &behind));
	assert_int_equal(kit_status(marker), CL_QUEUED);
	assert_int_equal(kit_status(behind), CL_QUEUED);
	OK(clSetUserEventStatus(gate, CL_COMPLETE));
	OK(clFinish(loose));
	assert_int_equal(kit_status(after), CL_COMPLETE);
	assert_int_equal(kit_status(marker), CL_COMPLETE);
	assert_int_equal(kit_status(behind), CL_COMPLETE);
	OK(clReleaseEvent(held));
	OK(clReleaseEvent(after));
	OK(clReleaseEvent(free_one));
	OK(clReleaseEvent(marker));
	OK(clReleaseEvent(barrier));
	OK(clReleaseEvent(behind));
	OK(clReleaseEvent(gate));
	OK(clReleaseMemObject(mem));
	OK(clReleaseMemObject(loose_mem));
	OK(clFinish(queue));
}

static void errors_travel_along_wait_lists(void **state)
{
	cl_event gate = SOME(clCreateUserEvent(context, &err));
	cl_event first, second, third;
	cl_mem mem = kit_buffer(0, 64);
	uint8_t got;

	OK(clEnqueueFillBuffer(queue, mem, "a", 1, 0, 64, 1, &gate, &first));
	OK(clEnqueueFillBuffer(loose, mem, "b", 1, 0, 64, 1, &first, &second));
	/* After it, but not because of it. */
	OK(clEnqueueFillBuffer(queue, mem, "c", 1, 1, 1, 0, NULL, &third));
	OK(clSetUserEventStatus(gate, -7));
	IS(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST,
	   clWaitForEvents(1, &second));
	OK(clWaitForEvents(1, &third));
	assert_int_equal(kit_status(gate), -7);
	assert_int_equal(kit_status(first),
			 CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
	kit_read(mem, &got, 1);
	assert_int_equal(got, 0);
	OK(clReleaseEvent(first));
	OK(clReleaseEvent(second));
	OK(clReleaseEvent(third));
	OK(clReleaseEvent(gate));
	OK(clReleaseMemObject(mem));
}

/* What is to wait for an event that has failed already does not run either. */
static void errors_of_the_past_count(void **state)
{
	cl_event failed = SOME(clCreateUserEvent(context, &err));
	cl_event fill, marker, after;
	cl_mem mem = kit_buffer(0, 64);
	uint8_t got;

	OK(clSetUserEventStatus(failed, -5));
	OK(clEnqueueFillBuffer(queue, mem, "a", 1, 0, 64, 1, &failed, &fill));
	OK(clEnqueueMarkerWithWaitList(loose, 1, &failed, &marker));
	OK(clEnqueueFillBuffer(queue, mem, "b", 1, 1, 1, 0, NULL, &after));
	OK(clWaitForEvents(1, &after));
	assert_int_equal(kit_status(fill),
			 CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
	assert_int_equal(kit_status(marker),
			 CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
	kit_read(mem, &got, 1);
	assert_int_equal(got, 0);
	OK(clReleaseEvent(failed));
	OK(clReleaseEvent(fill));
	OK(clReleaseEvent(marker));
	OK(clReleaseEvent(after));
	OK(clReleaseMemObject(mem));
}

static atomic_int calls, last;

static void CL_CALLBACK note(cl_event event, cl_int status, void *user_data)
{
	atomic_fetch_add(&calls, (int)(intptr_t)user_data);
	atomic_store(&last, status);
}

static void callbacks_are_called_once(void **state)
{
	cl_event gate = SOME(clCreateUserEvent(context, &err)), event;
	cl_event bad = (cl_event)context;

	atomic_store(&calls, 0);
	OK(clEnqueueMarkerWithWaitList(loose, 1, &gate, &event));
	OK(clSetEventCallback(event, CL_SUBMITTED, note, (void *)1));
	OK(clSetEventCallback(event, CL_RUNNING, note, (void *)10));
	OK(clSetEventCallback(event, CL_COMPLETE, note, (void *)100));
	OK(clSetEventCallback(gate, CL_SUBMITTED, note, (void *)1000));
	assert_int_equal(atomic_load(&calls), 1000);
	OK(clSetUserEventStatus(gate, -9));
	OK(clFinish(loose));
	assert_int_equal(atomic_load(&calls), 1111);
	assert_int_equal(atomic_load(&last),
			 CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
	OK(clSetEventCallback(event, CL_COMPLETE, note, (void *)10000));
	assert_int_equal(atomic_load(&calls), 11111);
	IS(CL_INVALID_VALUE, clSetEventCallback(event, CL_COMPLETE, NULL,
						NULL));
	IS(CL_INVALID_VALUE, clSetEventCallback(event, CL_QUEUED, note, NULL));
	IS(CL_INVALID_VALUE, clSetEventCallback(event, -1, note, NULL));
	IS(CL_INVALID_EVENT, clSetEventCallback(bad, CL_COMPLETE, note, NULL));
	OK(clReleaseEvent(event));
	OK(clReleaseEvent(gate));
}

static void CL_CALLBACK ask_context(cl_event event, cl_int status,
				    void *user_data)
{
	cl_context of = NULL;

	atomic_store(&last, clGetEventInfo(event, CL_EVENT_CONTEXT, sizeof(of),
					   &of, NULL));
	atomic_fetch_add(&calls, of == context);
}

/* The program released its own when it had set the callback. */
static void callbacks_have_a_handle(void **state)
{
	static const cl_int when[] = { CL_SUBMITTED, CL_RUNNING, CL_COMPLETE };
	cl_event gate = SOME(clCreateUserEvent(context, &err)), event;
	cl_mem mem = kit_buffer(0, 64);

	atomic_store(&calls, 0);
	for (size_t i = 0; i < COUNT(when); i++) {
		OK(clEnqueueFillBuffer(loose, mem, "a", 1, i, 1, 1, &gate,
				       &event));
		OK(clSetEventCallback(event, when[i], ask_context, NULL));
		OK(clReleaseEvent(event));
	}
	OK(clSetUserEventStatus(gate, CL_COMPLETE));
	for (int i = 0; i < 10000 && atomic_load(&calls) < 3; i++)
		usleep(1000);
	assert_int_equal(atomic_load(&last), CL_SUCCESS);
	assert_int_equal(atomic_load(&calls), 3);
	OK(clReleaseEvent(gate));
	OK(clReleaseMemObject(mem));
}

static void profiling(void **state)
{
	cl_ulong times[5], start = 0;
	cl_mem mem = kit_buffer(0, 1 << 20);
	cl_event event;

#define ASK(event, param)	\
	clGetEventProfilingInfo(event, param, sizeof(start), &start, NULL)
	OK(clEnqueueFillBuffer(loose, mem, "x", 1, 0, 1 << 20, 0, NULL,
			       &event));
	OK(clWaitForEvents(1, &event));
	for (int i = 0; i < 5; i++) {
		OK(clGetEventProfilingInfo(event,
				CL_PROFILING_COMMAND_QUEUED + i,
				sizeof(times[i]), &times[i], NULL));
		assert_true(!i || times[i] >= times[i - 1]);
	}
	assert_true(times[3] > times[2]);
	IS(CL_INVALID_VALUE, ASK(event, 0x7777));
	IS(CL_INVALID_VALUE, clGetEventProfilingInfo(event,
			CL_PROFILING_COMMAND_END, 4, &start, NULL));
	OK(clReleaseEvent(event));
	/* What has nothing to do has times as well. */
	OK(clEnqueueMarker(loose, &event));
	OK(clWaitForEvents(1, &event));
	OK(ASK(event, CL_PROFILING_COMMAND_START));
	assert_true(start >= times[0]);
	OK(clReleaseEvent(event));
	OK(clEnqueueMarker(queue, &event));
	OK(clWaitForEvents(1, &event));
	IS(CL_PROFILING_INFO_NOT_AVAILABLE, ASK(event,
						CL_PROFILING_COMMAND_END));
	OK(clReleaseEvent(event));
	event = SOME(clCreateUserEvent(context, &err));
	IS(CL_PROFILING_INFO_NOT_AVAILABLE, ASK(event,
						CL_PROFILING_COMMAND_END));
	OK(clReleaseEvent(event));
	IS(CL_INVALID_EVENT, ASK((cl_event)context, CL_PROFILING_COMMAND_END));
	OK(clReleaseMemObject(mem));
}

/* All handles go while the command waits; the last of all is the event. */
static void releases_in_any_order(void **state)
{
	cl_context c = SOME(clCreateContext(NULL, 1, &device, NULL, NULL,
					    &err));
	cl_command_queue q = SOME(clCreateCommandQueue(c, device, 0, &err));
	cl_mem mem = SOME(clCreateBuffer(c, 0, 64, NULL, &err));
	cl_event gate = SOME(clCreateUserEvent(c, &err)), done;

	OK(clEnqueueFillBuffer(q, mem, "x", 1, 0, 64, 1, &gate, &done));
	OK(clReleaseContext(c));
	OK(clReleaseMemObject(mem));
	OK(clReleaseCommandQueue(q));
	OK(clSetUserEventStatus(gate, CL_COMPLETE));
	OK(clReleaseEvent(gate));
	OK(clWaitForEvents(1, &done));
	OK(clReleaseEvent(done));
}

/* Nobody can set it any more: what waits for it does not wait forever. */
static void an_abandoned_event_ends_its_followers(void **state)
{
	cl_event gate = SOME(clCreateUserEvent(context, &err)), done;

	OK(clEnqueueMarkerWithWaitList(queue, 1, &gate, &done));
	OK(clReleaseEvent(gate));
	IS(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST,
	   clWaitForEvents(1, &done));
	OK(clReleaseEvent(done));
}

static void *hammer(void *arg)
{
	cl_command_queue q = arg;
	cl_mem a = kit_buffer(0, 4096), b = kit_buffer(0, 4096);
	cl_event e[2];
	uint8_t got[4096], seed = (uintptr_t)&got >> 12;

	for (int i = 0; i < 50; i++) {
		uint8_t value = seed + i;

		OK(clEnqueueFillBuffer(q, a, &value, 1, 0, 4096, 0, NULL,
				       &e[0]));
		OK(clEnqueueCopyBuffer(q, a, b, 0, 0, 4096, 1, &e[0], &e[1]));
		OK(clReleaseEvent(e[0]));
		OK(clEnqueueReadBuffer(q, b, CL_TRUE, 0, 4096, got, 1, &e[1],
				       NULL));
		OK(clReleaseEvent(e[1]));
		assert_int_equal(got[4095], value);
	}
	OK(clReleaseMemObject(a));
	OK(clReleaseMemObject(b));
	return NULL;
}

static void threads_share_queues(void **state)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer,
						i % 2 ? queue : loose), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	OK(clFinish(queue));
	OK(clFinish(loose));
}

/* A child of fork() has no threads that it could wait for. */
static void a_child_may_release(void **state)
{
	pid_t child = fork();
	int status;

	if (!child) {
		alarm(60);
		kit_teardown(NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	OK(clFinish(queue));
}

/* The device's, and those of the queues of both kinds. */
static void threads_leave_signals_to_the_program(void **state)
{
	assert_signals_left(2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queues_tell),
		cmocka_unit_test(queues_refuse),
		cmocka_unit_test(events_tell),
		cmocka_unit_test(waiting_refuses),
		cmocka_unit_test(order_is_kept),
		cmocka_unit_test(errors_travel_along_wait_lists),
		cmocka_unit_test(errors_of_the_past_count),
		cmocka_unit_test(callbacks_are_called_once),
		cmocka_unit_test(callbacks_have_a_handle),
		cmocka_unit_test(profiling),
		cmocka_unit_test(releases_in_any_order),
		cmocka_unit_test(an_abandoned_event_ends_its_followers),
		cmocka_unit_test(threads_share_queues),
		cmocka_unit_test(a_child_may_release),
		cmocka_unit_test(threads_leave_signals_to_the_program),
	};

	return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
