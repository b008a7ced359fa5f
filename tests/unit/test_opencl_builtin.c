// SPDX-License-Identifier: MIT
/*
 * Tests of the OpenCL driver: built-in kernels against plain loops.
 */
#include <math.h>

#include "opencl_kit.h"

static uint64_t seed = 5;

static int8_t any(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (int8_t)(seed >> 40);
}

static cl_mem bytes(int8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		data[i] = any();
	return SOME(clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, n, data,
				   &err));
}

static cl_mem words(const int32_t *data, size_t n)
{
	return SOME(clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, 4 * n,
				   (void *)data, &err));
}

static cl_kernel kernel_of(const char *name)
{
	cl_program p = SOME(clCreateProgramWithBuiltInKernels(context, 1,
			&device, name, &err));
	cl_kernel k = SOME(clCreateKernel(p, name, &err));

	OK(clReleaseProgram(p));
	return k;
}

static cl_int set_buffers(cl_kernel k, cl_uint first, const cl_mem *mems,
			  cl_uint n)
{
	for (cl_uint i = 0; i < n; i++)
		OK(clSetKernelArg(k, first + i, sizeof(cl_mem), &mems[i]));
	return 0;
}

static void set_numbers(cl_kernel k, cl_uint first, const uint32_t *numbers,
			cl_uint n)
{
	for (cl_uint i = 0; i < n; i++)
		OK(clSetKernelArg(k, first + i, 4, &numbers[i]));
}

static cl_int launch(cl_kernel k, size_t x, size_t y, size_t z)
{
	const size_t size[3] = { x, y, z };

	return clEnqueueNDRangeKernel(queue, k, 3, NULL, size, NULL, 0, NULL,
				      NULL);
}

static int8_t clamp(double v, int lo)
{
	return v < lo ? lo : v > 127 ? 127 : v;
}

static void programs_by_name(void **state)
{
	cl_device_id bad = (cl_device_id)context;
	cl_program p;
	cl_kernel k[6];
	cl_uint n;
	char names[256], all[256];

	OK(clGetDeviceInfo(device, CL_DEVICE_BUILT_IN_KERNELS, sizeof(all),
			   all, NULL));
	p = SOME(clCreateProgramWithBuiltInKernels(context, 1, &device, all,
						   &err));
	OK(clGetProgramInfo(p, CL_PROGRAM_KERNEL_NAMES, sizeof(names), names,
			    NULL));
	assert_string_equal(names, all);
	OK(clCreateKernelsInProgram(p, 6, k, &n));
	assert_int_equal(n, 6);
	while (n--)
		OK(clReleaseKernel(k[n]));
	OK(clBuildProgram(p, 0, NULL, NULL, NULL, NULL));	/* nothing to do */
	OK(clReleaseProgram(p));
	k[0] = kernel_of("pocl_add_i8");
	OK(clReleaseKernel(k[0]));
#define CREATE(c, n, list, names)	\
	clCreateProgramWithBuiltInKernels(c, n, list, names, &err)
	NONE(CL_INVALID_CONTEXT, CREATE((cl_context)queue, 1, &device, all));
	NONE(CL_INVALID_VALUE, CREATE(context, 0, &device, all));
	NONE(CL_INVALID_VALUE, CREATE(context, 1, NULL, all));
	NONE(CL_INVALID_VALUE, CREATE(context, 1, &device, NULL));
	NONE(CL_INVALID_VALUE, CREATE(context, 1, &device, ""));
	NONE(CL_INVALID_VALUE, CREATE(context, 1, &device,
				      "pocl.add.i8;pocl.sub.i8"));
	NONE(CL_INVALID_DEVICE, CREATE(context, 1, &bad, all));
}

enum { ADD, MUL, COPY };

static void elements(void **state)
{
	static const char *const names[] = { "pocl.add.i8", "pocl.mul.i8",
					     "pocl.copy.i8" };
	int8_t a[500], b[500], got[500];
	cl_mem mems[3] = { bytes(a, 500), bytes(b, 500), kit_buffer(0, 500) };
	cl_mem short_one = kit_buffer(0, 499);

	for (int op = ADD; op <= COPY; op++) {
		cl_kernel k = kernel_of(names[op]);

		set_buffers(k, 0, mems, 2);
		set_buffers(k, op == COPY ? 1 : 2, &mems[2], 1);
		OK(launch(k, 500, 1, 1));
		kit_read(mems[2], got, 500);
		for (int i = 0; i < 500; i++)
			assert_int_equal(got[i], op == COPY ? a[i] :
				clamp(op == ADD ? a[i] + b[i] : a[i] * b[i],
				      -128));
		IS(CL_INVALID_GLOBAL_WORK_SIZE, launch(k, 501, 1, 1));
		IS(CL_INVALID_GLOBAL_WORK_SIZE, launch(k, 250, 2, 1));
		set_buffers(k, 0, &short_one, 1);
		IS(CL_INVALID_GLOBAL_WORK_SIZE, launch(k, 500, 1, 1));
		IS(CL_INVALID_GLOBAL_OFFSET, clEnqueueNDRangeKernel(queue, k,
			1, (size_t[]){ 1 }, (size_t[]){ 10 }, NULL, 0, NULL,
			NULL));
		OK(clReleaseKernel(k));
	}
	for (int i = 0; i < 3; i++)
		OK(clReleaseMemObject(mems[i]));
	OK(clReleaseMemObject(short_one));
}

/* Windows of 3 x 2 at steps of 2 x 1 over 4 channels of 13 x 6: 6 x 5 each. */
enum { WX = 3, WY = 2, SX = 2, SY = 1, OW = 6, OH = 5, DEPTH = 4, IW = 13,
       IH = 6, CHANNELS = 7 };
static const uint32_t windows[5] = { WX, WY, SX, SY, DEPTH };

static void maxpool(void **state)
{
	int8_t x[DEPTH * IH * IW], got[DEPTH * OH * OW];
	cl_mem mems[2] = { bytes(x, sizeof(x)), kit_buffer(0, sizeof(got)) };
	cl_kernel k = kernel_of("pocl.maxpool.i8");
	const uint32_t zero = 0;

	set_buffers(k, 0, mems, 2);
	set_numbers(k, 2, windows, 4);
	OK(launch(k, OW, OH, DEPTH));
	kit_read(mems[1], got, sizeof(got));
	for (int i = 0; i < DEPTH * OH * OW; i++) {
		int c = i / (OH * OW), oy = i / OW % OH, ox = i % OW;
		int most = -128;

		for (int w = 0; w < WX * WY; w++) {
			int v = x[(c * IH + oy * SY + w / WX) * IW + ox * SX +
				  w % WX];

			most = v > most ? v : most;
		}
		assert_int_equal(got[i], most);
	}
	IS(CL_INVALID_GLOBAL_WORK_SIZE, launch(k, OW + 1, OH, DEPTH));
	IS(CL_INVALID_GLOBAL_WORK_SIZE, launch(k, SIZE_MAX, 1, 1));
	IS(CL_INVALID_ARG_SIZE, clSetKernelArg(k, 2, 8, windows));
	IS(CL_INVALID_ARG_VALUE, clSetKernelArg(k, 2, 4, NULL));
	set_numbers(k, 4, &zero, 1);
	IS(CL_INVALID_KERNEL_ARGS, launch(k, OW, OH, DEPTH));
	OK(clReleaseKernel(k));
	OK(clReleaseMemObject(mems[0]));
	OK(clReleaseMemObject(mems[1]));
}

static int8_t rounded(int32_t sum, int32_t scale, int32_t shift, int zero)
{
	float m = (float)ldexp(scale, shift - 31);

	return clamp(nearbyintf((float)sum * m) + zero, zero);
}

static void check_conv(const int8_t *x, const int8_t *w, const int32_t *bias,
		       const int32_t *scale, const int8_t *zero,
		       const int8_t *got)
{
	for (int i = 0; i < CHANNELS * OH * OW; i++) {
		int c = i / (OH * OW), oy = i / OW % OH, ox = i % OW;
		int32_t sum = bias[c];

		for (int k = 0; k < DEPTH * WX * WY; k++) {
			int d = k / (WX * WY), y = k / WX % WY, v = k % WX;

			sum += (x[(d * IH + oy * SY + y) * IW + ox * SX + v] -
				zero[0]) * w[c * DEPTH * WX * WY + k];
		}
		assert_int_equal(got[i], rounded(sum, scale[c], -8, zero[1]));
	}
}

static void conv(void **state)
{
	int8_t x[DEPTH * IH * IW], w[CHANNELS * DEPTH * WX * WY];
	int8_t got[CHANNELS * OH * OW], zero[2] = { 3, -100 };
	int32_t bias[CHANNELS], scale[CHANNELS], shift[CHANNELS];
	uint8_t odd[sizeof(scale) + 1];
	cl_kernel k = kernel_of("pocl.dnn.conv2d.relu.i8");
	cl_mem mems[7];

	for (int i = 0; i < CHANNELS; i++) {
		bias[i] = any() * 20;
		scale[i] = 0x50000000 + any() * 0x100000;
		shift[i] = -8;
	}
	mems[0] = bytes(x, sizeof(x));
	mems[1] = bytes(w, sizeof(w));
	mems[2] = kit_buffer(0, sizeof(got));
	mems[3] = words(bias, CHANNELS);
	/* Memory of the program's may begin anywhere. */
	memcpy(odd + 1, scale, sizeof(scale));
	mems[4] = SOME(clCreateBuffer(context, CL_MEM_USE_HOST_PTR,
				      sizeof(scale), odd + 1, &err));
	mems[5] = words(shift, CHANNELS);
	mems[6] = SOME(clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, 2, zero,
				      &err));
	set_buffers(k, 0, mems, 7);
	set_numbers(k, 7, windows, 5);
	/* Weights are what they are when it runs: each time other ones. */
	for (int i = 0; i < 6; i++) {
		w[0] = i % 2;
		OK(clEnqueueWriteBuffer(queue, mems[1], CL_FALSE, 0, 1, w, 0,
					NULL, NULL));
		OK(launch(k, OW, OH, CHANNELS));
		kit_read(mems[2], got, sizeof(got));
		check_conv(x, w, bias, scale, zero, got);
	}
	IS(CL_INVALID_GLOBAL_WORK_SIZE, launch(k, OW, OH, CHANNELS + 1));
	OK(clReleaseKernel(k));
	for (int i = 0; i < 7; i++)
		OK(clReleaseMemObject(mems[i]));
}

enum { IN = 40, OUT = 12, ROWS = 3 };

static void dense(void **state)
{
	const uint32_t numbers[5] = { 0x60000000, -8, 4, 30, IN };
	const uint32_t beyond = 200, least = INT32_MIN;
	int8_t x[ROWS * IN], w[OUT * IN], got[ROWS * OUT];
	int32_t bias[OUT];
	cl_mem mems[4] = { bytes(x, sizeof(x)), bytes(w, sizeof(w)),
			   kit_buffer(0, sizeof(got)) };
	cl_kernel k = kernel_of("pocl.dnn.dense.relu.i8");

	for (int i = 0; i < OUT; i++)
		bias[i] = any() * 30;
	mems[3] = words(bias, OUT);
	set_buffers(k, 0, mems, 4);
	set_numbers(k, 4, numbers, 5);
	OK(launch(k, OUT, ROWS, 1));
	kit_read(mems[2], got, sizeof(got));
	for (int i = 0; i < ROWS * OUT; i++) {
		int32_t sum = bias[i % OUT];

		for (int d = 0; d < IN; d++)
			sum += (x[i / OUT * IN + d] - 4) *
			       w[i % OUT * IN + d];
		assert_int_equal(got[i], rounded(sum, 0x60000000, -8, -30));
	}
	/* So far down that nothing but the zero point is left. */
	set_numbers(k, 5, &least, 1);
	OK(launch(k, OUT, ROWS, 1));
	kit_read(mems[2], got, sizeof(got));
	for (int i = 0; i < ROWS * OUT; i++)
		assert_int_equal(got[i], -30);
	IS(CL_INVALID_GLOBAL_WORK_SIZE, launch(k, OUT, ROWS, 2));
	IS(CL_INVALID_GLOBAL_WORK_SIZE, launch(k, OUT, ROWS + 1, 1));
	set_numbers(k, 6, &beyond, 1);
	IS(CL_INVALID_KERNEL_ARGS, launch(k, OUT, ROWS, 1));
	OK(clReleaseKernel(k));
	for (int i = 0; i < 4; i++)
		OK(clReleaseMemObject(mems[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_by_name),
		cmocka_unit_test(elements),
		cmocka_unit_test(maxpool),
		cmocka_unit_test(conv),
		cmocka_unit_test(dense),
	};

	return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
