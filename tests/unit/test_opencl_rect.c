// SPDX-License-Identifier: MIT
/*
 * Tests of the OpenCL driver: boxes of bytes.
 */
#include "opencl_kit.h"

#define SIDE	8		/* of the cube that buffers here are */
#define CUBE	(SIDE * SIDE * SIDE)

/* struct box_case - a copy between two cubes; 0 at the end stands for NULL */
struct box_case {
	size_t from[3], to[3], region[3];
	size_t from_row, from_slice, to_row, to_slice;
	cl_int ret;
};

static const size_t corner[3], region[3] = { 2, 3, 4 };

static const struct box_case cases[] = {
	{ { 0, 0, 0 }, { 3, 2, 1 }, { 2, 3, 4 }, 8, 64, 8, 64, CL_SUCCESS },
	{ { 1, 1, 1 }, { 0, 0, 0 }, { 7, 7, 7 }, 8, 64, 8, 64, CL_SUCCESS },
	{ { 0, 0, 0 }, { 0, 0, 0 }, { 8, 8, 8 }, 0, 0, 0, 0, CL_SUCCESS },
	{ { 0, 0, 0 }, { 4, 0, 0 }, { 4, 2, 2 }, 8, 16, 16, 64, CL_SUCCESS },
	{ { 1, 0, 0 }, { 0, 0, 0 }, { 8, 8, 8 }, 8, 64, 8, 64,
	  CL_INVALID_VALUE },
	{ { 0, 0, 0 }, { 0, 0, 1 }, { 8, 8, 8 }, 8, 64, 8, 64,
	  CL_INVALID_VALUE },
	{ { 0, 0, 0 }, { 0, 0, 0 }, { 0, 1, 1 }, 8, 64, 8, 64,
	  CL_INVALID_VALUE },
	{ { 0, 0, 0 }, { 0, 0, 0 }, { 1, 0, 1 }, 8, 64, 8, 64,
	  CL_INVALID_VALUE },
	{ { 0, 0, 0 }, { 0, 0, 0 }, { 1, 1, 0 }, 8, 64, 8, 64,
	  CL_INVALID_VALUE },
	{ { 0, 0, 0 }, { 0, 0, 0 }, { 4, 2, 1 }, 3, 64, 8, 64,
	  CL_INVALID_VALUE },
	{ { 0, 0, 0 }, { 0, 0, 0 }, { 4, 2, 1 }, 8, 64, 3, 64,
	  CL_INVALID_VALUE },
	{ { 0, 0, 0 }, { 0, 0, 0 }, { 4, 3, 1 }, 8, 16, 8, 64,
	  CL_INVALID_VALUE },
	{ { 0, 0, 0 }, { 0, 0, 0 }, { 4, 2, 1 }, 8, 63, 8, 64,
	  CL_INVALID_VALUE },
	{ { 0, 0, 0 }, { 0, 0, 0 }, { 4, 2, 1 }, 8, 64, 8, 63,
	  CL_INVALID_VALUE },
	{ { 0, 0, SIZE_MAX / 2 }, { 0, 0, 0 }, { 1, 1, 1 }, 8, 64, 8, 64,
	  CL_INVALID_VALUE },
	{ { 0, 0, 0 }, { 0, 0, 0 }, { 1, 1, SIZE_MAX }, 8, 64, 8, 64,
	  CL_INVALID_VALUE },
	{ { 0, 0, 0 }, { 0, 0, 0 }, { 1, SIZE_MAX, 2 }, 8, 0, 8, 64,
	  CL_INVALID_VALUE },
};

/* What the case makes of @to, in plain loops. */
static void expect(const struct box_case *c, const uint8_t *from, uint8_t *to)
{
	size_t row[2] = { c->from_row ? c->from_row : c->region[0],
			  c->to_row ? c->to_row : c->region[0] };
	size_t slice[2] = { c->from_slice ? c->from_slice :
			    c->region[1] * row[0],
			    c->to_slice ? c->to_slice :
			    c->region[1] * row[1] };

	for (size_t z = 0; z < c->region[2]; z++)
		for (size_t y = 0; y < c->region[1]; y++)
			for (size_t x = 0; x < c->region[0]; x++)
				to[(c->to[2] + z) * slice[1] +
				   (c->to[1] + y) * row[1] + c->to[0] + x] =
				from[(c->from[2] + z) * slice[0] +
				     (c->from[1] + y) * row[0] + c->from[0] +
				     x];
}

static void boxes(void **state)
{
	cl_mem a = kit_buffer(0, CUBE), b = kit_buffer(0, CUBE);
	uint8_t data[CUBE], wanted[CUBE], got[CUBE];

	for (int i = 0; i < CUBE; i++)
		data[i] = i * 7;
	OK(clEnqueueWriteBuffer(queue, a, CL_TRUE, 0, CUBE, data, 0, NULL,
				NULL));
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct box_case *c = &cases[i];

		OK(clEnqueueFillBuffer(queue, b, "", 1, 0, CUBE, 0, NULL,
				       NULL));
		IS(c->ret, clEnqueueCopyBufferRect(queue, a, b, c->from, c->to,
				c->region, c->from_row, c->from_slice,
				c->to_row, c->to_slice, 0, NULL, NULL));
		/* The host's memory has no end that could be passed. */
		if (c->ret && (c->to[2] || c->from[0]))
			continue;
		IS(c->ret, clEnqueueReadBufferRect(queue, a, CL_TRUE, c->from,
				c->to, c->region, c->from_row, c->from_slice,
				c->to_row, c->to_slice, got, 0, NULL, NULL));
		if (c->from[2] < SIDE)
			IS(c->ret, clEnqueueWriteBufferRect(queue, a, CL_TRUE,
				c->from, c->to, c->region, c->from_row,
				c->from_slice, c->to_row, c->to_slice, got, 0,
				NULL, NULL));
		if (c->ret)
			continue;
		memset(wanted, 0, CUBE);
		expect(c, data, wanted);
		kit_read(b, got, CUBE);
		assert_memory_equal(got, wanted, CUBE);
	}
	OK(clReleaseMemObject(a));
	OK(clReleaseMemObject(b));
}

#define COPY(from, to, x, y, r, row, row2)				\
	clEnqueueCopyBufferRect(queue, from, to, x, y, r, row, 64, row2, 64, \
				0, NULL, NULL)

static void one_buffer(void **state)
{
	const size_t beside[3] = { 4, 0, 0 }, below[3] = { 0, 4, 0 };
	const size_t behind[3] = { 0, 0, 4 }, near_by[3] = { 1, 1, 1 };
	const cl_buffer_region low = { 0, 128 }, high = { 64, 128 };
	cl_mem mem = kit_buffer(0, CUBE);
	cl_mem p = SOME(clCreateSubBuffer(mem, 0, CL_BUFFER_CREATE_TYPE_REGION,
					  &low, &err));
	cl_mem r = SOME(clCreateSubBuffer(mem, 0, CL_BUFFER_CREATE_TYPE_REGION,
					  &high, &err));
	const size_t flat[3] = { 2, 2, 1 }, next[3] = { 0, 0, 1 };

	OK(COPY(mem, mem, corner, beside, region, 8, 8));
	OK(COPY(mem, mem, corner, below, region, 8, 8));
	OK(COPY(mem, mem, corner, behind, region, 8, 8));
	IS(CL_MEM_COPY_OVERLAP, COPY(mem, mem, corner, near_by, region, 8, 8));
	IS(CL_MEM_COPY_OVERLAP, COPY(p, r, next, corner, flat, 8, 8));
	OK(COPY(p, r, corner, corner, flat, 8, 8));
	IS(CL_INVALID_VALUE, COPY(mem, mem, corner, behind, region, 8, 16));
	OK(clReleaseMemObject(p));
	OK(clReleaseMemObject(r));
	OK(clReleaseMemObject(mem));
}

static void calls_refuse(void **state)
{
	cl_mem a = kit_buffer(0, CUBE), b = kit_buffer(0, CUBE);
	cl_mem no_read = kit_buffer(CL_MEM_HOST_WRITE_ONLY, CUBE);
	cl_mem no_write = kit_buffer(CL_MEM_HOST_READ_ONLY, CUBE);
	cl_mem foreign = SOME(clCreateBuffer(other, 0, CUBE, NULL, &err));
	cl_mem bad = (cl_mem)queue;
	uint8_t host[CUBE];

#define READ(q, mem, x, y, r, ptr, n, list)				\
	clEnqueueReadBufferRect(q, mem, CL_TRUE, x, y, r, 8, 64, 8, 64, ptr, \
				n, list, NULL)
#define WRITE(q, mem, x, y, r, ptr, n, list)				\
	clEnqueueWriteBufferRect(q, mem, CL_TRUE, x, y, r, 8, 64, 8, 64, ptr, \
				 n, list, NULL)
#define BOTH(code, ...)							\
	IS(code, READ(queue, __VA_ARGS__, 0, NULL));			\
	IS(code, WRITE(queue, __VA_ARGS__, 0, NULL))
	memset(host, 0, CUBE);
	BOTH(CL_SUCCESS, a, corner, corner, region, host);
	BOTH(CL_INVALID_VALUE, a, NULL, corner, region, host);
	BOTH(CL_INVALID_VALUE, a, corner, NULL, region, host);
	BOTH(CL_INVALID_VALUE, a, corner, corner, NULL, host);
	BOTH(CL_INVALID_VALUE, a, corner, corner, region, NULL);
	BOTH(CL_INVALID_MEM_OBJECT, bad, corner, corner, region, host);
	BOTH(CL_INVALID_CONTEXT, foreign, corner, corner, region, host);
	IS(CL_INVALID_OPERATION, READ(queue, no_read, corner, corner, region,
				      host, 0, NULL));
	IS(CL_INVALID_OPERATION, WRITE(queue, no_write, corner, corner, region,
				       host, 0, NULL));
	IS(CL_INVALID_VALUE, COPY(a, b, NULL, corner, region, 8, 8));
	IS(CL_INVALID_VALUE, COPY(a, b, corner, NULL, region, 8, 8));
	IS(CL_INVALID_VALUE, COPY(a, b, corner, corner, NULL, 8, 8));
	IS(CL_INVALID_MEM_OBJECT, COPY(bad, b, corner, corner, region, 8, 8));
	IS(CL_INVALID_MEM_OBJECT, COPY(a, bad, corner, corner, region, 8, 8));
	IS(CL_INVALID_CONTEXT, COPY(foreign, b, corner, corner, region, 8, 8));
	CHECK_COMMON(READ(q, a, corner, corner, region, host, n, list));
	CHECK_COMMON(WRITE(q, a, corner, corner, region, host, n, list));
	CHECK_COMMON(clEnqueueCopyBufferRect(q, a, b, corner, corner, region,
					     8, 64, 8, 64, n, list, NULL));
	CHECK_FAILED_WAIT(READ(queue, a, corner, corner, region, host, 1,
			       &failed));
	CHECK_FAILED_WAIT(WRITE(queue, a, corner, corner, region, host, 1,
				&failed));
	OK(clReleaseMemObject(a));
	OK(clReleaseMemObject(b));
	OK(clReleaseMemObject(no_read));
	OK(clReleaseMemObject(no_write));
	OK(clReleaseMemObject(foreign));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boxes),
		cmocka_unit_test(one_buffer),
		cmocka_unit_test(calls_refuse),
	};

	return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
