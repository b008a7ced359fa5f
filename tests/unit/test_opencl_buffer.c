// SPDX-License-Identifier: MIT
/*
 * Tests of the OpenCL driver: buffers, and what moves bytes between them.
 */
#include "opencl_kit.h"

static void buffers_refuse(void **state)
{
	static uint8_t memory[64];
	static const struct {
		cl_mem_flags flags;
		size_t size;
		void *ptr;
		cl_int ret;
	} cases[] = {
		{ 1ull << 40, 64, NULL, CL_INVALID_VALUE },
		{ CL_MEM_KERNEL_READ_AND_WRITE, 64, NULL, CL_INVALID_VALUE },
		{ CL_MEM_READ_ONLY | CL_MEM_WRITE_ONLY, 64, NULL,
		  CL_INVALID_VALUE },
		{ CL_MEM_READ_WRITE | CL_MEM_READ_ONLY, 64, NULL,
		  CL_INVALID_VALUE },
		{ CL_MEM_HOST_READ_ONLY | CL_MEM_HOST_NO_ACCESS, 64, NULL,
		  CL_INVALID_VALUE },
		{ CL_MEM_USE_HOST_PTR | CL_MEM_COPY_HOST_PTR, 64, memory,
		  CL_INVALID_VALUE },
		{ CL_MEM_USE_HOST_PTR | CL_MEM_ALLOC_HOST_PTR, 64, memory,
		  CL_INVALID_VALUE },
		{ 0, 0, NULL, CL_INVALID_BUFFER_SIZE },
		{ 0, SIZE_MAX, NULL, CL_INVALID_BUFFER_SIZE },
		{ CL_MEM_USE_HOST_PTR, 64, NULL, CL_INVALID_HOST_PTR },
		{ CL_MEM_COPY_HOST_PTR, 64, NULL, CL_INVALID_HOST_PTR },
		{ CL_MEM_ALLOC_HOST_PTR, 64, memory, CL_INVALID_HOST_PTR },
		{ 0, 64, memory, CL_INVALID_HOST_PTR },
	};
	cl_mem_properties bad[] = { 0x7777, 1, 0 };

	for (size_t i = 0; i < COUNT(cases); i++)
		NONE(cases[i].ret, clCreateBuffer(context, cases[i].flags,
				cases[i].size, cases[i].ptr, &err));
	NONE(CL_INVALID_CONTEXT, clCreateBuffer((cl_context)queue, 0, 64, NULL,
						&err));
	NONE(CL_INVALID_PROPERTY, clCreateBufferWithProperties(context, bad, 0,
							       64, NULL, &err));
	NONE(CL_INVALID_CONTEXT, clCreateBufferWithProperties(
			(cl_context)queue, NULL, 0, 64, NULL, &err));
}

static bool no_memory;

/* The driver's, too: a program's functions go before those of libraries. */
void *aligned_alloc(size_t alignment, size_t size)
{
	void *memory;

	if (no_memory || posix_memalign(&memory, alignment, size))
		return NULL;
	return memory;
}

static void memory_ends(void **state)
{
	void *memory;

	no_memory = true;
	memory = aligned_alloc(64, 64);
	if (memory) {	/* valgrind has its own in all places */
		free(memory);
		no_memory = false;
		skip();
	}
	NONE(CL_MEM_OBJECT_ALLOCATION_FAILURE, clCreateBuffer(context, 0, 64,
							      NULL, &err));
	no_memory = false;
	OK(clReleaseMemObject(kit_buffer(0, 64)));
}

static void pointers_are_used_or_copied(void **state)
{
	uint8_t memory[100], got[100];
	cl_mem used, copied;
	void *ptr;

	memset(memory, 1, sizeof(memory));
	used = SOME(clCreateBuffer(context, CL_MEM_USE_HOST_PTR, 100, memory,
				   &err));
	copied = SOME(clCreateBuffer(context, CL_MEM_COPY_HOST_PTR |
				     CL_MEM_ALLOC_HOST_PTR, 100, memory,
				     &err));
	memset(memory, 2, sizeof(memory));
	kit_read(used, got, 100);
	assert_int_equal(got[99], 2);
	kit_read(copied, got, 100);
	assert_int_equal(got[99], 1);
	OK(clGetMemObjectInfo(used, CL_MEM_HOST_PTR, sizeof(ptr), &ptr, NULL));
	assert_ptr_equal(ptr, memory);
	OK(clGetMemObjectInfo(copied, CL_MEM_HOST_PTR, sizeof(ptr), &ptr,
			      NULL));
	assert_null(ptr);
	OK(clReleaseMemObject(used));
	OK(clReleaseMemObject(copied));
}

static cl_mem asked;

static cl_int ask(cl_uint param, size_t room, void *to, size_t *ret)
{
	return clGetMemObjectInfo(asked, param, room, to, ret);
}

static void buffers_tell(void **state)
{
	static const struct kit_param params[] = {
		{ CL_MEM_TYPE, sizeof(cl_mem_object_type) },
		{ CL_MEM_FLAGS, sizeof(cl_mem_flags) },
		{ CL_MEM_SIZE, sizeof(size_t) },
		{ CL_MEM_HOST_PTR, sizeof(void *) },
		{ CL_MEM_MAP_COUNT, sizeof(cl_uint) },
		{ CL_MEM_REFERENCE_COUNT, sizeof(cl_uint) },
		{ CL_MEM_CONTEXT, sizeof(cl_context) },
		{ CL_MEM_ASSOCIATED_MEMOBJECT, sizeof(cl_mem) },
		{ CL_MEM_OFFSET, sizeof(size_t) },
		{ CL_MEM_USES_SVM_POINTER, sizeof(cl_bool) },
		{ CL_MEM_PROPERTIES, 0 },
	};
	cl_mem_properties none[] = { 0 }, kept = 1;
	size_t bytes;

	asked = SOME(clCreateBufferWithProperties(context, none, 0, 64, NULL,
						  &err));
	kit_params(ask, params, COUNT(params));
	OK(ask(CL_MEM_PROPERTIES, sizeof(kept), &kept, &bytes));
	assert_int_equal(bytes, sizeof(kept));
	assert_int_equal(kept, 0);
	OK(clRetainMemObject(asked));
	assert_int_equal(kit_refs(clGetMemObjectInfo, asked,
				  CL_MEM_REFERENCE_COUNT), 2);
	OK(clReleaseMemObject(asked));
	OK(clReleaseMemObject(asked));
	IS(CL_INVALID_MEM_OBJECT, clRetainMemObject((cl_mem)queue));
	IS(CL_INVALID_MEM_OBJECT, clReleaseMemObject((cl_mem)queue));
	IS(CL_INVALID_MEM_OBJECT, clGetMemObjectInfo((cl_mem)queue,
			CL_MEM_SIZE, 0, NULL, NULL));
}

static void parts_refuse(void **state)
{
	static const struct {
		cl_mem_flags of, flags;
		cl_buffer_create_type type;
		cl_buffer_region region;
		cl_int ret;
	} cases[] = {
#define REGION	CL_BUFFER_CREATE_TYPE_REGION
		{ CL_MEM_WRITE_ONLY, CL_MEM_READ_WRITE, REGION, { 0, 64 },
		  CL_INVALID_VALUE },
		{ CL_MEM_WRITE_ONLY, CL_MEM_READ_ONLY, REGION, { 0, 64 },
		  CL_INVALID_VALUE },
		{ CL_MEM_READ_ONLY, CL_MEM_WRITE_ONLY, REGION, { 0, 64 },
		  CL_INVALID_VALUE },
		{ CL_MEM_HOST_WRITE_ONLY, CL_MEM_HOST_READ_ONLY, REGION,
		  { 0, 64 }, CL_INVALID_VALUE },
		{ CL_MEM_HOST_READ_ONLY, CL_MEM_HOST_WRITE_ONLY, REGION,
		  { 0, 64 }, CL_INVALID_VALUE },
		{ CL_MEM_HOST_NO_ACCESS, CL_MEM_HOST_READ_ONLY, REGION,
		  { 0, 64 }, CL_INVALID_VALUE },
		{ 0, CL_MEM_ALLOC_HOST_PTR, REGION, { 0, 64 },
		  CL_INVALID_VALUE },
		{ 0, 0, 0x7777, { 0, 64 }, CL_INVALID_VALUE },
		{ 0, 0, REGION, { 192, 128 }, CL_INVALID_VALUE },
		{ 0, 0, REGION, { SIZE_MAX, 2 }, CL_INVALID_VALUE },
		{ 0, 0, REGION, { 64, 0 }, CL_INVALID_BUFFER_SIZE },
		{ 0, 0, REGION, { 32, 64 }, CL_MISALIGNED_SUB_BUFFER_OFFSET },
	};
	const cl_buffer_region half = { 64, 64 };
	cl_mem whole, part;

	for (size_t i = 0; i < COUNT(cases); i++) {
		whole = kit_buffer(cases[i].of, 256);
		NONE(cases[i].ret, clCreateSubBuffer(whole, cases[i].flags,
				cases[i].type, &cases[i].region, &err));
		OK(clReleaseMemObject(whole));
	}
	whole = kit_buffer(0, 256);
	part = SOME(clCreateSubBuffer(whole, 0, REGION, &half, &err));
	NONE(CL_INVALID_VALUE, clCreateSubBuffer(whole, 0, REGION, NULL, &err));
	NONE(CL_INVALID_MEM_OBJECT, clCreateSubBuffer(part, 0, REGION, &half,
						      &err));
	NONE(CL_INVALID_MEM_OBJECT, clCreateSubBuffer((cl_mem)queue, 0, REGION,
						      &half, &err));
	OK(clReleaseMemObject(part));
	OK(clReleaseMemObject(whole));
}

static void parts_share_and_outlive(void **state)
{
	const cl_buffer_region region = { 64, 64 };
	uint8_t memory[256] = { 0 }, seven = 7;
	cl_mem whole, part, parent;
	cl_mem_flags flags;
	void *ptr;
	size_t at;

	whole = SOME(clCreateBuffer(context, CL_MEM_USE_HOST_PTR |
				    CL_MEM_READ_ONLY | CL_MEM_HOST_WRITE_ONLY,
				    256, memory, &err));
	part = SOME(clCreateSubBuffer(whole, 0, REGION, &region, &err));
	OK(clGetMemObjectInfo(part, CL_MEM_FLAGS, sizeof(flags), &flags,
			      NULL));
	assert_int_equal(flags, CL_MEM_USE_HOST_PTR | CL_MEM_READ_ONLY |
				CL_MEM_HOST_WRITE_ONLY);
	OK(clGetMemObjectInfo(part, CL_MEM_OFFSET, sizeof(at), &at, NULL));
	assert_int_equal(at, 64);
	OK(clGetMemObjectInfo(part, CL_MEM_HOST_PTR, sizeof(ptr), &ptr, NULL));
	assert_ptr_equal(ptr, memory + 64);
	OK(clGetMemObjectInfo(part, CL_MEM_ASSOCIATED_MEMOBJECT,
			      sizeof(parent), &parent, NULL));
	assert_ptr_equal(parent, whole);
	OK(clReleaseMemObject(whole));
	OK(clEnqueueWriteBuffer(queue, part, CL_TRUE, 63, 1, &seven, 0, NULL,
				NULL));
	assert_int_equal(memory[127], 7);
	OK(clReleaseMemObject(part));
}

static char order[8];

static void CL_CALLBACK note(cl_mem mem, void *user_data)
{
	strcat(order, user_data);
}

static void buffers_say_goodbye(void **state)
{
	cl_mem mem = kit_buffer(0, 64);

	OK(clSetMemObjectDestructorCallback(mem, note, "a"));
	OK(clSetMemObjectDestructorCallback(mem, note, "b"));
	IS(CL_INVALID_VALUE, clSetMemObjectDestructorCallback(mem, NULL,
							      NULL));
	IS(CL_INVALID_MEM_OBJECT,
	   clSetMemObjectDestructorCallback((cl_mem)queue, note, NULL));
	OK(clEnqueueFillBuffer(queue, mem, "x", 1, 0, 64, 0, NULL, NULL));
	OK(clFinish(queue));
	OK(clReleaseMemObject(mem));
	assert_string_equal(order, "ba");
}

static void reading_and_writing_refuse(void **state)
{
	cl_mem mem = kit_buffer(0, 64), no_read, no_write, none, foreign;
	uint8_t host[64] = { 0 };

	no_read = kit_buffer(CL_MEM_HOST_WRITE_ONLY, 64);
	no_write = kit_buffer(CL_MEM_HOST_READ_ONLY, 64);
	none = kit_buffer(CL_MEM_HOST_NO_ACCESS, 64);
	foreign = SOME(clCreateBuffer(other, 0, 64, NULL, &err));
#define READ(q, mem, at, bytes, ptr)	\
	clEnqueueReadBuffer(q, mem, CL_TRUE, at, bytes, ptr, 0, NULL, NULL)
#define WRITE(q, mem, at, bytes, ptr)	\
	clEnqueueWriteBuffer(q, mem, CL_TRUE, at, bytes, ptr, 0, NULL, NULL)
#define BOTH(code, mem, at, bytes, ptr)				\
	IS(code, READ(queue, mem, at, bytes, ptr));		\
	IS(code, WRITE(queue, mem, at, bytes, ptr))
	BOTH(CL_SUCCESS, mem, 0, 64, host);
	BOTH(CL_INVALID_VALUE, mem, 1, 64, host);
	BOTH(CL_INVALID_VALUE, mem, SIZE_MAX, 2, host);
	BOTH(CL_INVALID_VALUE, mem, 0, 64, NULL);
	BOTH(CL_INVALID_MEM_OBJECT, (cl_mem)queue, 0, 64, host);
	BOTH(CL_INVALID_CONTEXT, foreign, 0, 64, host);
	BOTH(CL_INVALID_OPERATION, none, 0, 64, host);
	IS(CL_INVALID_OPERATION, READ(queue, no_read, 0, 64, host));
	IS(CL_INVALID_OPERATION, WRITE(queue, no_write, 0, 64, host));
	OK(READ(queue, no_write, 0, 64, host));
	OK(WRITE(queue, no_read, 0, 64, host));
	CHECK_COMMON(clEnqueueReadBuffer(q, mem, CL_TRUE, 0, 64, host, n, list,
					 NULL));
	CHECK_COMMON(clEnqueueWriteBuffer(q, mem, CL_TRUE, 0, 64, host, n,
					  list, NULL));
	CHECK_FAILED_WAIT(clEnqueueReadBuffer(queue, mem, CL_TRUE, 0, 64, host,
					      1, &failed, NULL));
	CHECK_FAILED_WAIT(clEnqueueWriteBuffer(queue, mem, CL_TRUE, 0, 64,
					       host, 1, &failed, NULL));
	OK(clReleaseMemObject(foreign));
	OK(clReleaseMemObject(no_read));
	OK(clReleaseMemObject(no_write));
	OK(clReleaseMemObject(none));
	OK(clReleaseMemObject(mem));
}

static void copies(void **state)
{
	const cl_buffer_region low = { 0, 128 }, high = { 64, 128 };
	cl_mem a = kit_buffer(0, 256), b = kit_buffer(0, 256);
	cl_mem foreign = SOME(clCreateBuffer(other, 0, 256, NULL, &err));
	cl_mem p = SOME(clCreateSubBuffer(a, 0, REGION, &low, &err));
	cl_mem r = SOME(clCreateSubBuffer(a, 0, REGION, &high, &err));
	uint8_t host[256], got[256];

	for (int i = 0; i < 256; i++)
		host[i] = i;
	OK(WRITE(queue, a, 0, 256, host));
#define COPY(from, to, x, y, n)	\
	clEnqueueCopyBuffer(queue, from, to, x, y, n, 0, NULL, NULL)
	OK(COPY(a, b, 3, 100, 50));
	OK(COPY(a, a, 0, 200, 10));
	kit_read(b, got, 256);
	assert_memory_equal(got + 100, host + 3, 50);
	assert_int_equal(got[150], 0);
	kit_read(a, got, 256);
	assert_memory_equal(got + 200, host, 10);
	IS(CL_INVALID_VALUE, COPY(a, b, 200, 0, 57));
	IS(CL_INVALID_VALUE, COPY(a, b, 0, 200, 57));
	IS(CL_INVALID_VALUE, COPY(a, b, SIZE_MAX, 0, 1));
	IS(CL_MEM_COPY_OVERLAP, COPY(a, a, 0, 5, 10));
	IS(CL_MEM_COPY_OVERLAP, COPY(p, r, 64, 0, 10));
	IS(CL_INVALID_MEM_OBJECT, COPY((cl_mem)queue, b, 0, 0, 1));
	IS(CL_INVALID_MEM_OBJECT, COPY(a, (cl_mem)queue, 0, 0, 1));
	IS(CL_INVALID_CONTEXT, COPY(a, foreign, 0, 0, 1));
	IS(CL_INVALID_CONTEXT, COPY(foreign, a, 0, 0, 1));
	CHECK_COMMON(clEnqueueCopyBuffer(q, a, b, 0, 0, 1, n, list, NULL));
	OK(clReleaseMemObject(a));
	OK(clReleaseMemObject(b));
	OK(clReleaseMemObject(r));
	OK(clReleaseMemObject(p));
	OK(clReleaseMemObject(foreign));
}

static void fills(void **state)
{
	cl_mem mem = kit_buffer(0, 256);
	cl_mem foreign = SOME(clCreateBuffer(other, 0, 256, NULL, &err));
	static const uint8_t pattern[256] = { 1, 2, 3, 4 };
	uint8_t got[256];

#define FILL(mem, pattern, n, at, bytes)	\
	clEnqueueFillBuffer(queue, mem, pattern, n, at, bytes, 0, NULL, NULL)
	for (size_t n = 1; n <= 128; n *= 2)
		OK(FILL(mem, pattern, n, 0, 256));
	OK(FILL(mem, pattern, 4, 8, 8));
	kit_read(mem, got, 256);
	assert_memory_equal(got + 8, "\1\2\3\4\1\2\3\4", 8);
	assert_int_equal(got[16], 0);
	assert_int_equal(got[130], 3);
	IS(CL_INVALID_VALUE, FILL(mem, pattern, 3, 0, 9));
	IS(CL_INVALID_VALUE, FILL(mem, pattern, 256, 0, 256));
	IS(CL_INVALID_VALUE, FILL(mem, pattern, 0, 0, 256));
	IS(CL_INVALID_VALUE, FILL(mem, NULL, 4, 0, 256));
	IS(CL_INVALID_VALUE, FILL(mem, pattern, 4, 2, 8));
	IS(CL_INVALID_VALUE, FILL(mem, pattern, 4, 0, 6));
	IS(CL_INVALID_VALUE, FILL(mem, pattern, 4, 252, 8));
	IS(CL_INVALID_MEM_OBJECT, FILL((cl_mem)queue, pattern, 4, 0, 8));
	IS(CL_INVALID_CONTEXT, FILL(foreign, pattern, 4, 0, 8));
	CHECK_COMMON(clEnqueueFillBuffer(q, mem, pattern, 4, 0, 8, n, list,
					 NULL));
	OK(clReleaseMemObject(mem));
	OK(clReleaseMemObject(foreign));
}

static void maps(void **state)
{
	cl_mem mem = kit_buffer(0, 64);
	cl_mem no_read = kit_buffer(CL_MEM_HOST_WRITE_ONLY, 64);
	cl_mem no_write = kit_buffer(CL_MEM_HOST_READ_ONLY, 64);
	cl_mem foreign = SOME(clCreateBuffer(other, 0, 64, NULL, &err));
	uint8_t *at, *again, got[64];
	cl_event event;

#define MAP(mem, flags, from, n)	\
	clEnqueueMapBuffer(queue, mem, CL_TRUE, flags, from, n, 0, NULL, NULL, \
			   &err)
#define UNMAP(mem, at)	\
	clEnqueueUnmapMemObject(queue, mem, at, 0, NULL, NULL)
	at = SOME(MAP(mem, CL_MAP_WRITE, 16, 16));
	again = SOME(MAP(mem, CL_MAP_READ, 16, 8));
	assert_ptr_equal(at, again);
	assert_int_equal(kit_refs(clGetMemObjectInfo, mem, CL_MEM_MAP_COUNT),
			 2);
	at[0] = 9;
	OK(UNMAP(mem, at));
	OK(UNMAP(mem, at));
	IS(CL_INVALID_VALUE, UNMAP(mem, at));
	kit_read(mem, got, 64);
	assert_int_equal(got[16], 9);
	NONE(CL_INVALID_VALUE, MAP(mem, CL_MAP_READ, 60, 8));
	NONE(CL_INVALID_VALUE, MAP(mem, CL_MAP_READ, 0, 0));
	NONE(CL_INVALID_VALUE, MAP(mem, 1 << 10, 0, 8));
	NONE(CL_INVALID_VALUE, MAP(mem, CL_MAP_READ |
				   CL_MAP_WRITE_INVALIDATE_REGION, 0, 8));
	NONE(CL_INVALID_OPERATION, MAP(no_read, CL_MAP_READ, 0, 8));
	NONE(CL_INVALID_OPERATION, MAP(no_write, CL_MAP_WRITE, 0, 8));
	NONE(CL_INVALID_OPERATION, MAP(no_write,
			CL_MAP_WRITE_INVALIDATE_REGION, 0, 8));
	NONE(CL_INVALID_MEM_OBJECT, MAP((cl_mem)queue, CL_MAP_READ, 0, 8));
	NONE(CL_INVALID_CONTEXT, MAP(foreign, CL_MAP_READ, 0, 8));
	IS(CL_INVALID_MEM_OBJECT, UNMAP((cl_mem)queue, at));
	IS(CL_INVALID_CONTEXT, UNMAP(foreign, at));
	IS(CL_INVALID_VALUE, UNMAP(mem, NULL));
	CHECK_COMMON((clEnqueueMapBuffer(q, mem, CL_FALSE, CL_MAP_READ, 0, 8,
					 n, list, NULL, &ret), ret));
	CHECK_COMMON(clEnqueueUnmapMemObject(q, mem, at, n, list, NULL));
	CHECK_FAILED_WAIT((clEnqueueMapBuffer(queue, mem, CL_TRUE, CL_MAP_READ,
				0, 8, 1, &failed, NULL, &ret), ret));
	at = SOME(clEnqueueMapBuffer(queue, mem, CL_FALSE, CL_MAP_READ, 0, 8,
				     0, NULL, &event, &err));
	OK(clWaitForEvents(1, &event));
	OK(clReleaseEvent(event));
	OK(clReleaseMemObject(mem));	/* mapped as it is */
	OK(clReleaseMemObject(no_read));
	OK(clReleaseMemObject(no_write));
	OK(clReleaseMemObject(foreign));
}

static void migrates(void **state)
{
	cl_mem mem = kit_buffer(0, 64), bad = (cl_mem)queue;
	cl_mem foreign = SOME(clCreateBuffer(other, 0, 64, NULL, &err));

#define MIGRATE(n, mems, flags)	\
	clEnqueueMigrateMemObjects(queue, n, mems, flags, 0, NULL, NULL)
	OK(MIGRATE(1, &mem, 0));
	OK(MIGRATE(1, &mem, CL_MIGRATE_MEM_OBJECT_HOST |
			    CL_MIGRATE_MEM_OBJECT_CONTENT_UNDEFINED));
	IS(CL_INVALID_VALUE, MIGRATE(0, &mem, 0));
	IS(CL_INVALID_VALUE, MIGRATE(1, NULL, 0));
	IS(CL_INVALID_VALUE, MIGRATE(1, &mem, 1 << 10));
	IS(CL_INVALID_MEM_OBJECT, MIGRATE(1, &bad, 0));
	IS(CL_INVALID_CONTEXT, MIGRATE(1, &foreign, 0));
	CHECK_COMMON(clEnqueueMigrateMemObjects(q, 1, &mem, 0, n, list, NULL));
	OK(clReleaseMemObject(mem));
	OK(clReleaseMemObject(foreign));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_refuse),
		cmocka_unit_test(memory_ends),
		cmocka_unit_test(pointers_are_used_or_copied),
		cmocka_unit_test(buffers_tell),
		cmocka_unit_test(parts_refuse),
		cmocka_unit_test(parts_share_and_outlive),
		cmocka_unit_test(buffers_say_goodbye),
		cmocka_unit_test(reading_and_writing_refuse),
		cmocka_unit_test(copies),
		cmocka_unit_test(fills),
		cmocka_unit_test(maps),
		cmocka_unit_test(migrates),
	};

	return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
