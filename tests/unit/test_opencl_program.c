// SPDX-License-Identifier: MIT
/*
 * Tests of the OpenCL driver: programs, kernels and their launches.
 */
#include "opencl_kit.h"
#include "locale_kit.h"

#define BYTES	(ELEMENTS * sizeof(float))

static unsigned char *image;		/* x float32[1,128] -> y = -x */
static size_t image_bytes;
static cl_program program;
static cl_kernel kernel;

static cl_program load(void)
{
	const unsigned char *binary = image;

	return SOME(clCreateProgramWithBinary(context, 1, &device, &image_bytes,
					      &binary, NULL, &err));
}

static int setup(void **state)
{
	kit_setup(state);
	image = kit_finish(kit_negate(), &image_bytes);
	program = load();
	OK(clBuildProgram(program, 0, NULL, "-w", NULL, NULL));
	kernel = SOME(clCreateKernel(program, "negate", &err));
	return 0;
}

static int teardown(void **state)
{
	OK(clReleaseProgram(program));
	OK(clReleaseKernel(kernel));
	free(image);
	return kit_teardown(state);
}

static void binaries_refuse(void **state)
{
	const unsigned char *binary = image, *none = NULL;
	const unsigned char *two[] = { image, image };
	const size_t lengths[] = { image_bytes, image_bytes - 1 };
	cl_device_id bad = (cl_device_id)context, same[] = { device, device };
	size_t zero = 0, part = image_bytes / 2;
	cl_int status[2];

#define CREATE(context, n, list, lengths, binaries)	\
	clCreateProgramWithBinary(context, n, list, lengths, binaries, status, \
				  &err)
	NONE(CL_INVALID_CONTEXT, CREATE((cl_context)queue, 1, &device,
					&image_bytes, &binary));
	NONE(CL_INVALID_VALUE, CREATE(context, 0, &device, &image_bytes,
				      &binary));
	NONE(CL_INVALID_VALUE, CREATE(context, 1, NULL, &image_bytes,
				      &binary));
	NONE(CL_INVALID_VALUE, CREATE(context, 1, &device, NULL, &binary));
	NONE(CL_INVALID_VALUE, CREATE(context, 1, &device, &image_bytes, NULL));
	NONE(CL_INVALID_VALUE, CREATE(context, 1, &device, &zero, &binary));
	NONE(CL_INVALID_VALUE, CREATE(context, 1, &device, &image_bytes,
				      &none));
	assert_int_equal(status[0], CL_INVALID_VALUE);
	NONE(CL_INVALID_DEVICE, CREATE(context, 1, &bad, &image_bytes,
				       &binary));
	NONE(CL_INVALID_BINARY, CREATE(context, 1, &device, &part, &binary));
	assert_int_equal(status[0], CL_INVALID_BINARY);
	NONE(CL_INVALID_BINARY, CREATE(context, 2, same, lengths, two));
	assert_int_equal(status[0], CL_SUCCESS);
	assert_int_equal(status[1], CL_INVALID_BINARY);
}

static cl_int ask_program(cl_uint param, size_t room, void *to, size_t *ret)
{
	return clGetProgramInfo(program, param, room, to, ret);
}

static cl_int ask_build(cl_uint param, size_t room, void *to, size_t *ret)
{
	return clGetProgramBuildInfo(program, device, param, room, to, ret);
}

static void programs_tell(void **state)
{
	static const struct kit_param params[] = {
		{ CL_PROGRAM_REFERENCE_COUNT, sizeof(cl_uint) },
		{ CL_PROGRAM_CONTEXT, sizeof(cl_context) },
		{ CL_PROGRAM_NUM_DEVICES, sizeof(cl_uint) },
		{ CL_PROGRAM_DEVICES, sizeof(cl_device_id) },
		{ CL_PROGRAM_SOURCE, 1 },
		{ CL_PROGRAM_IL, 0 },
		{ CL_PROGRAM_BINARY_SIZES, sizeof(size_t) },
		{ CL_PROGRAM_NUM_KERNELS, sizeof(size_t) },
		{ CL_PROGRAM_KERNEL_NAMES, sizeof("negate") },
		{ CL_PROGRAM_SCOPE_GLOBAL_CTORS_PRESENT, sizeof(cl_bool) },
		{ CL_PROGRAM_SCOPE_GLOBAL_DTORS_PRESENT, sizeof(cl_bool) },
	};
	static const struct kit_param build[] = {
		{ CL_PROGRAM_BUILD_STATUS, sizeof(cl_build_status) },
		{ CL_PROGRAM_BUILD_OPTIONS, sizeof("-w") },
		{ CL_PROGRAM_BUILD_LOG, 1 },
		{ CL_PROGRAM_BINARY_TYPE, sizeof(cl_program_binary_type) },
		{ CL_PROGRAM_BUILD_GLOBAL_VARIABLE_TOTAL_SIZE, sizeof(size_t) },
	};
	unsigned char *copy = malloc(image_bytes), *nowhere = NULL;
	cl_program bad = (cl_program)queue;
	size_t bytes;

	kit_params(ask_program, params, COUNT(params));
	kit_params(ask_build, build, COUNT(build));
	OK(ask_program(CL_PROGRAM_BINARY_SIZES, sizeof(bytes), &bytes, NULL));
	assert_int_equal(bytes, image_bytes);
	OK(ask_program(CL_PROGRAM_BINARIES, sizeof(copy), &copy, &bytes));
	assert_int_equal(bytes, sizeof(copy));
	assert_memory_equal(copy, image, image_bytes);
	OK(ask_program(CL_PROGRAM_BINARIES, sizeof(nowhere), &nowhere, NULL));
	IS(CL_INVALID_VALUE, ask_program(CL_PROGRAM_BINARIES, 4, &copy, NULL));
	free(copy);
	IS(CL_INVALID_DEVICE, clGetProgramBuildInfo(program,
			(cl_device_id)context, CL_PROGRAM_BUILD_LOG, 0, NULL,
			NULL));
	IS(CL_INVALID_PROGRAM, clGetProgramBuildInfo(bad, device,
			CL_PROGRAM_BUILD_LOG, 0, NULL, NULL));
	IS(CL_INVALID_PROGRAM, clGetProgramInfo(bad, CL_PROGRAM_CONTEXT, 0,
						NULL, NULL));
	OK(clRetainProgram(program));
	assert_int_equal(kit_refs(clGetProgramInfo, program,
				  CL_PROGRAM_REFERENCE_COUNT), 2);
	OK(clReleaseProgram(program));
	IS(CL_INVALID_PROGRAM, clRetainProgram(bad));
	IS(CL_INVALID_PROGRAM, clReleaseProgram(bad));
}

static int builds;

static void CL_CALLBACK built(cl_program p, void *user_data)
{
	builds++;
}

static void building(void **state)
{
	cl_device_id bad = (cl_device_id)context;
	cl_program no = (cl_program)queue, fresh = load();
	size_t n;

	NONE(CL_INVALID_PROGRAM_EXECUTABLE, clCreateKernel(fresh, "negate",
							   &err));
	IS(CL_INVALID_PROGRAM_EXECUTABLE, clCreateKernelsInProgram(fresh, 0,
			NULL, NULL));
	IS(CL_INVALID_PROGRAM_EXECUTABLE, clGetProgramInfo(fresh,
			CL_PROGRAM_NUM_KERNELS, sizeof(n), &n, NULL));
	IS(CL_INVALID_PROGRAM_EXECUTABLE, clGetProgramInfo(fresh,
			CL_PROGRAM_KERNEL_NAMES, 0, NULL, &n));
	IS(CL_INVALID_PROGRAM, clBuildProgram(no, 0, NULL, NULL, NULL, NULL));
	IS(CL_INVALID_VALUE, clBuildProgram(fresh, 1, NULL, NULL, NULL, NULL));
	IS(CL_INVALID_VALUE, clBuildProgram(fresh, 0, &device, NULL, NULL,
					    NULL));
	IS(CL_INVALID_VALUE, clBuildProgram(fresh, 0, NULL, NULL, NULL,
					    &device));
	IS(CL_INVALID_DEVICE, clBuildProgram(fresh, 1, &bad, NULL, NULL,
					     NULL));
	OK(clBuildProgram(fresh, 1, &device, NULL, built, &device));
	assert_int_equal(builds, 1);
	OK(clBuildProgram(fresh, 0, NULL, NULL, NULL, NULL));
	OK(clReleaseProgram(fresh));
	/* It has a kernel. */
	IS(CL_INVALID_OPERATION, clBuildProgram(program, 0, NULL, NULL, NULL,
						NULL));
}

/* What cannot be loaded does not build, and says why in its log. */
static void unknown_functions_do_not_build(void **state)
{
	const struct fxq_tensor f = kit_type(FXQ_DTYPE_F32, ELEMENTS);
	struct fxq_writer *w = kit_writer("stranger");
	uint32_t x = fxq_writer_tensor(w, "x", &f, 0);
	uint32_t y = fxq_writer_tensor(w, "y", &f, 0);
	const unsigned char *bytes;
	cl_build_status status;
	cl_program p;
	char log[512];
	size_t size;

	fxq_writer_inputs(w, &x, 1);
	kit_call(w, true, "of_no_plugin", x, y, NULL, 0);
	fxq_writer_outputs(w, &y, 1);
	bytes = kit_finish(w, &size);
	p = SOME(clCreateProgramWithBinary(context, 1, &device, &size, &bytes,
					   NULL, &err));
	IS(CL_BUILD_PROGRAM_FAILURE, clBuildProgram(p, 0, NULL, NULL, NULL,
						    NULL));
	OK(clGetProgramBuildInfo(p, device, CL_PROGRAM_BUILD_STATUS,
				 sizeof(status), &status, NULL));
	assert_int_equal(status, CL_BUILD_ERROR);
	OK(clGetProgramBuildInfo(p, device, CL_PROGRAM_BUILD_LOG, sizeof(log),
				 log, NULL));
	assert_non_null(strstr(log, "of_no_plugin"));
	NONE(CL_INVALID_PROGRAM_EXECUTABLE, clCreateKernel(p, "stranger",
							   &err));
	OK(clReleaseProgram(p));
	free((void *)bytes);
}

static void source_does_not_build(void **state)
{
	const char *text[] = { "kernel void f()", " {}xx" }, *hole[] = { NULL };
	const size_t lengths[] = { 0, 3 };
	cl_program source = SOME(clCreateProgramWithSource(context, 2, text,
							   lengths, &err));
	cl_program no = (cl_program)queue, programs[] = { source };
	cl_device_id none = (cl_device_id)context;
	char got[64];

	OK(clGetProgramInfo(source, CL_PROGRAM_SOURCE, sizeof(got), got,
			    NULL));
	assert_string_equal(got, "kernel void f() {}");
	IS(CL_COMPILER_NOT_AVAILABLE, clBuildProgram(source, 0, NULL, NULL,
						     NULL, NULL));
	IS(CL_COMPILER_NOT_AVAILABLE, clCompileProgram(source, 0, NULL, NULL,
			0, NULL, NULL, NULL, NULL));
	IS(CL_INVALID_OPERATION, clCompileProgram(program, 0, NULL, NULL, 0,
						  NULL, NULL, NULL, NULL));
	IS(CL_INVALID_PROGRAM, clCompileProgram(no, 0, NULL, NULL, 0, NULL,
						NULL, NULL, NULL));
	IS(CL_INVALID_VALUE, clCompileProgram(source, 1, NULL, NULL, 0, NULL,
					      NULL, NULL, NULL));
	IS(CL_INVALID_VALUE, clCompileProgram(source, 0, NULL, NULL, 1, NULL,
					      NULL, NULL, NULL));
	IS(CL_INVALID_DEVICE, clCompileProgram(source, 1, &none, NULL, 0, NULL,
					       NULL, NULL, NULL));
	NONE(CL_LINKER_NOT_AVAILABLE, clLinkProgram(context, 0, NULL, NULL, 1,
			programs, NULL, NULL, &err));
	NONE(CL_INVALID_VALUE, clLinkProgram(context, 0, NULL, NULL, 0, NULL,
					     NULL, NULL, &err));
	NONE(CL_INVALID_CONTEXT, clLinkProgram(other, 0, NULL, NULL, 1,
					       programs, NULL, NULL, &err));
	NONE(CL_INVALID_PROGRAM, clLinkProgram(context, 0, NULL, NULL, 1, &no,
					       NULL, NULL, &err));
	NONE(CL_INVALID_DEVICE, clLinkProgram(context, 1, &none, NULL, 1,
					      programs, NULL, NULL, &err));
	NONE(CL_INVALID_CONTEXT, clLinkProgram((cl_context)queue, 0, NULL,
			NULL, 1, programs, NULL, NULL, &err));
	NONE(CL_INVALID_CONTEXT, clCreateProgramWithSource((cl_context)queue,
			2, text, NULL, &err));
	NONE(CL_INVALID_VALUE, clCreateProgramWithSource(context, 0, text,
							 NULL, &err));
	NONE(CL_INVALID_VALUE, clCreateProgramWithSource(context, 1, NULL,
							 NULL, &err));
	NONE(CL_INVALID_VALUE, clCreateProgramWithSource(context, 1, hole,
							 NULL, &err));
	NONE(CL_INVALID_OPERATION, clCreateProgramWithIL(context, text, 4,
							 &err));
	NONE(CL_INVALID_CONTEXT, clCreateProgramWithIL((cl_context)queue, text,
						       4, &err));
	IS(CL_INVALID_OPERATION, clSetProgramReleaseCallback(program, built,
							     NULL));
	IS(CL_INVALID_PROGRAM, clSetProgramReleaseCallback(no, built, NULL));
	IS(CL_INVALID_OPERATION, clSetProgramSpecializationConstant(program, 0,
			4, text));
	IS(CL_INVALID_PROGRAM, clSetProgramSpecializationConstant(no, 0, 4,
								  text));
	OK(clReleaseProgram(source));
}

static cl_int ask_kernel(cl_uint param, size_t room, void *to, size_t *ret)
{
	return clGetKernelInfo(kernel, param, room, to, ret);
}

static cl_int ask_input(cl_uint param, size_t room, void *to, size_t *ret)
{
	return clGetKernelArgInfo(kernel, 0, param, room, to, ret);
}

static cl_int ask_group(cl_uint param, size_t room, void *to, size_t *ret)
{
	return clGetKernelWorkGroupInfo(kernel, NULL, param, room, to, ret);
}

static void kernels_tell(void **state)
{
	static const struct kit_param params[] = {
		{ CL_KERNEL_FUNCTION_NAME, sizeof("negate") },
		{ CL_KERNEL_NUM_ARGS, sizeof(cl_uint) },
		{ CL_KERNEL_REFERENCE_COUNT, sizeof(cl_uint) },
		{ CL_KERNEL_CONTEXT, sizeof(cl_context) },
		{ CL_KERNEL_PROGRAM, sizeof(cl_program) },
		{ CL_KERNEL_ATTRIBUTES, 1 },
	}, args[] = {
		{ CL_KERNEL_ARG_ADDRESS_QUALIFIER, sizeof(cl_uint) },
		{ CL_KERNEL_ARG_ACCESS_QUALIFIER, sizeof(cl_uint) },
		{ CL_KERNEL_ARG_TYPE_NAME, sizeof("fxq.float32[1,128]") },
		{ CL_KERNEL_ARG_TYPE_QUALIFIER, sizeof(cl_bitfield) },
		{ CL_KERNEL_ARG_NAME, sizeof("x") },
	}, groups[] = {
		{ CL_KERNEL_WORK_GROUP_SIZE, sizeof(size_t) },
		{ CL_KERNEL_COMPILE_WORK_GROUP_SIZE, 3 * sizeof(size_t) },
		{ CL_KERNEL_LOCAL_MEM_SIZE, sizeof(cl_ulong) },
		{ CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE,
		  sizeof(size_t) },
		{ CL_KERNEL_PRIVATE_MEM_SIZE, sizeof(cl_ulong) },
		{ CL_KERNEL_GLOBAL_WORK_SIZE, 3 * sizeof(size_t) },
	};
	cl_kernel bad = (cl_kernel)queue;
	cl_bool on = CL_TRUE;

	kit_params(ask_kernel, params, COUNT(params));
	kit_params(ask_input, args, COUNT(args));
	kit_params(ask_group, groups, COUNT(groups));
	IS(CL_INVALID_KERNEL, clGetKernelInfo(bad, CL_KERNEL_NUM_ARGS, 0, NULL,
					      NULL));
	IS(CL_INVALID_KERNEL, clGetKernelArgInfo(bad, 0, CL_KERNEL_ARG_NAME, 0,
						 NULL, NULL));
	IS(CL_INVALID_ARG_INDEX, clGetKernelArgInfo(kernel, 2,
			CL_KERNEL_ARG_NAME, 0, NULL, NULL));
	IS(CL_INVALID_KERNEL, clGetKernelWorkGroupInfo(bad, device,
			CL_KERNEL_WORK_GROUP_SIZE, 0, NULL, NULL));
	IS(CL_INVALID_DEVICE, clGetKernelWorkGroupInfo(kernel,
			(cl_device_id)context, CL_KERNEL_WORK_GROUP_SIZE, 0,
			NULL, NULL));
	IS(CL_INVALID_OPERATION, clGetKernelSubGroupInfo(kernel, device,
			CL_KERNEL_MAX_NUM_SUB_GROUPS, 0, NULL, 0, NULL, NULL));
	IS(CL_INVALID_DEVICE, clGetKernelSubGroupInfo(kernel,
			(cl_device_id)context, CL_KERNEL_MAX_NUM_SUB_GROUPS, 0,
			NULL, 0, NULL, NULL));
	IS(CL_INVALID_KERNEL, clGetKernelSubGroupInfo(bad, device,
			CL_KERNEL_MAX_NUM_SUB_GROUPS, 0, NULL, 0, NULL, NULL));
	IS(CL_INVALID_OPERATION, clSetKernelArgSVMPointer(kernel, 0, &on));
	IS(CL_INVALID_KERNEL, clSetKernelArgSVMPointer(bad, 0, &on));
	IS(CL_INVALID_OPERATION, clSetKernelExecInfo(kernel,
			CL_KERNEL_EXEC_INFO_SVM_PTRS, sizeof(on), &on));
	IS(CL_INVALID_OPERATION, clSetKernelExecInfo(kernel,
			CL_KERNEL_EXEC_INFO_SVM_FINE_GRAIN_SYSTEM, sizeof(on),
			&on));
	IS(CL_INVALID_VALUE, clSetKernelExecInfo(kernel, 0x7777, sizeof(on),
						 &on));
	IS(CL_INVALID_KERNEL, clSetKernelExecInfo(bad,
			CL_KERNEL_EXEC_INFO_SVM_PTRS, sizeof(on), &on));
}

/* A program has its locale; what types are called has none. */
static void types_have_a_point(void **state)
{
	size_t bytes;
	unsigned char *data = kit_finish(kit_negate_bytes(), &bytes);
	const unsigned char *binary = data;
	bool has = comma_begin();
	cl_program p = SOME(clCreateProgramWithBinary(context, 1, &device,
						      &bytes, &binary, NULL,
						      &err));
	char type[64];
	cl_kernel k;

	comma_end();
	OK(clBuildProgram(p, 0, NULL, NULL, NULL, NULL));
	OK(clCreateKernelsInProgram(p, 1, &k, NULL));
	OK(clGetKernelArgInfo(k, 0, CL_KERNEL_ARG_TYPE_NAME, sizeof(type), type,
			      NULL));
	assert_string_equal(type, "fxq.int8[1,128] scale=0.5 zero_point=0");
	OK(clReleaseKernel(k));
	OK(clReleaseProgram(p));
	free(data);
	if (!has)
		comma_skip();
}

static void kernels_are_made(void **state)
{
	cl_program no = (cl_program)queue;
	cl_kernel bad = (cl_kernel)queue, k;
	cl_uint n;

	NONE(CL_INVALID_KERNEL_NAME, clCreateKernel(program, "other", &err));
	NONE(CL_INVALID_VALUE, clCreateKernel(program, NULL, &err));
	NONE(CL_INVALID_PROGRAM, clCreateKernel(no, "negate", &err));
	IS(CL_INVALID_PROGRAM, clCreateKernelsInProgram(no, 1, &k, NULL));
	IS(CL_INVALID_VALUE, clCreateKernelsInProgram(program, 0, &k, NULL));
	OK(clCreateKernelsInProgram(program, 1, &k, &n));
	assert_int_equal(n, 1);
	OK(clRetainKernel(k));
	assert_int_equal(kit_refs(clGetKernelInfo, k,
				  CL_KERNEL_REFERENCE_COUNT), 2);
	OK(clReleaseKernel(k));
	OK(clReleaseKernel(k));
	IS(CL_INVALID_KERNEL, clRetainKernel(bad));
	IS(CL_INVALID_KERNEL, clReleaseKernel(bad));
	NONE(CL_INVALID_KERNEL, clCloneKernel(bad, &err));
}

#define SET(k, i, mem)	clSetKernelArg(k, i, sizeof(cl_mem), &(mem))

static void arguments_refuse(void **state)
{
	cl_mem good = kit_buffer(0, BYTES), small = kit_buffer(0, BYTES - 1);
	cl_mem to_read = kit_buffer(CL_MEM_READ_ONLY, BYTES);
	cl_mem to_write = kit_buffer(CL_MEM_WRITE_ONLY, BYTES);
	cl_mem foreign = SOME(clCreateBuffer(other, 0, BYTES, NULL, &err));
	cl_mem bad = (cl_mem)queue, none = NULL;

	OK(SET(kernel, 0, to_read));
	OK(SET(kernel, 1, to_write));
	IS(CL_INVALID_KERNEL, SET((cl_kernel)queue, 0, good));
	IS(CL_INVALID_ARG_INDEX, SET(kernel, 2, good));
	IS(CL_INVALID_ARG_SIZE, clSetKernelArg(kernel, 0, 4, &good));
	IS(CL_INVALID_MEM_OBJECT, SET(kernel, 0, bad));
	IS(CL_INVALID_CONTEXT, SET(kernel, 0, foreign));
	IS(CL_INVALID_ARG_VALUE, SET(kernel, 0, small));
	IS(CL_INVALID_ARG_VALUE, SET(kernel, 0, to_write));
	IS(CL_INVALID_ARG_VALUE, SET(kernel, 1, to_read));
	OK(SET(kernel, 0, none));
	OK(clSetKernelArg(kernel, 0, sizeof(cl_mem), NULL));
	OK(clReleaseMemObject(good));
	OK(clReleaseMemObject(small));
	OK(clReleaseMemObject(to_read));
	OK(clReleaseMemObject(to_write));
	OK(clReleaseMemObject(foreign));
}

#define LAUNCH(q, k, dim, offset, global, local)	\
	clEnqueueNDRangeKernel(q, k, dim, offset, global, local, 0, NULL, NULL)

static void launches_refuse(void **state)
{
	const size_t one[3] = { 1, 1, 1 }, two[3] = { 2, 2, 2 };
	const size_t flat[3] = { 1, 2, 1 }, huge[1] = { SIZE_MAX };
	cl_command_queue foreign = SOME(clCreateCommandQueue(other, device, 0,
							     &err));
	cl_kernel k = SOME(clCreateKernel(program, "negate", &err));
	cl_mem x = kit_buffer(0, BYTES), y = kit_buffer(0, BYTES);
	cl_kernel bad = (cl_kernel)queue;

	IS(CL_INVALID_KERNEL_ARGS, LAUNCH(queue, k, 1, NULL, one, NULL));
	IS(CL_INVALID_KERNEL_ARGS, clEnqueueTask(queue, k, 0, NULL, NULL));
	OK(SET(k, 0, x));
	IS(CL_INVALID_KERNEL_ARGS, LAUNCH(queue, k, 1, NULL, one, NULL));
	OK(SET(k, 1, x));
	IS(CL_MEM_COPY_OVERLAP, LAUNCH(queue, k, 1, NULL, one, NULL));
	OK(SET(k, 1, y));
	IS(CL_INVALID_KERNEL, LAUNCH(queue, bad, 1, NULL, one, NULL));
	IS(CL_INVALID_CONTEXT, LAUNCH(foreign, k, 1, NULL, one, NULL));
	IS(CL_INVALID_WORK_DIMENSION, LAUNCH(queue, k, 0, NULL, one, NULL));
	IS(CL_INVALID_WORK_DIMENSION, LAUNCH(queue, k, 4, NULL, one, NULL));
	IS(CL_INVALID_GLOBAL_WORK_SIZE, LAUNCH(queue, k, 1, NULL, two, NULL));
	IS(CL_INVALID_GLOBAL_WORK_SIZE, LAUNCH(queue, k, 1, one, one, NULL));
	IS(CL_INVALID_GLOBAL_WORK_SIZE, LAUNCH(queue, k, 2, NULL, flat, NULL));
	IS(CL_INVALID_GLOBAL_WORK_SIZE, LAUNCH(queue, k, 1, NULL, huge, NULL));
	IS(CL_INVALID_GLOBAL_OFFSET, LAUNCH(queue, k, 1, one, huge, NULL));
	IS(CL_INVALID_GLOBAL_OFFSET, LAUNCH(queue, k, 2, flat, one, NULL));
	IS(CL_INVALID_WORK_GROUP_SIZE, LAUNCH(queue, k, 1, NULL, one, two));
	OK(LAUNCH(queue, k, 3, NULL, one, one));
	OK(LAUNCH(queue, k, 1, NULL, NULL, NULL));	/* nothing to do */
	CHECK_COMMON(clEnqueueNDRangeKernel(q, k, 1, NULL, one, NULL, n, list,
					    NULL));
	CHECK_COMMON(clEnqueueTask(q, k, n, list, NULL));
	IS(CL_INVALID_KERNEL, clEnqueueTask(queue, bad, 0, NULL, NULL));
	OK(clFinish(queue));
	OK(clReleaseMemObject(x));
	OK(clReleaseMemObject(y));
	OK(clReleaseKernel(k));
	OK(clReleaseCommandQueue(foreign));
}

static char why[1024];

static void CL_CALLBACK hear(const char *text, const void *data, size_t n,
			     void *user_data)
{
	snprintf(why, sizeof(why), "%s", text);
}

#define WHY(code, call, ...)						\
	do {								\
		const char *const parts[] = { __VA_ARGS__ };		\
									\
		*why = '\0';						\
		IS(code, call);						\
		for (size_t part = 0; part < COUNT(parts); part++)	\
			if (!strstr(why, parts[part]))			\
				fail_msg("'%s' is not in '%s'",		\
					 parts[part], why);		\
	} while (0)

/* The context's callback hears what a code does not say. */
static void refusals_have_reasons(void **state)
{
	cl_context c = SOME(clCreateContext(NULL, 1, &device, hear, NULL,
					    &err));
	cl_command_queue q = SOME(clCreateCommandQueue(c, device, 0, &err));
	cl_mem good = SOME(clCreateBuffer(c, 0, BYTES, NULL, &err));
	cl_mem small = SOME(clCreateBuffer(c, 0, BYTES - 1, NULL, &err));
	cl_mem to_read = SOME(clCreateBuffer(c, CL_MEM_READ_ONLY, BYTES, NULL,
					     &err));
	cl_mem to_write = SOME(clCreateBuffer(c, CL_MEM_WRITE_ONLY, BYTES,
					      NULL, &err));
	const size_t one[2] = { 1, 1 }, two[2] = { 2, 2 };
	const unsigned char *binaries[] = { image, image };
	const size_t lengths[] = { image_bytes, image_bytes - 1 };
	const size_t half = image_bytes / 2;
	cl_device_id twice[] = { device, device };
	cl_program p;
	cl_kernel k;
	cl_int ret;

	WHY(CL_INVALID_BINARY, (clCreateProgramWithBinary(c, 1, &device, &half,
			binaries, NULL, &ret), ret), "image");
	WHY(CL_INVALID_BINARY, (clCreateProgramWithBinary(c, 2, twice, lengths,
			binaries, NULL, &ret), ret), "binary 1 of 2");
	p = SOME(clCreateProgramWithBinary(c, 1, &device, lengths, binaries,
					   NULL, &err));
	OK(clBuildProgram(p, 0, NULL, NULL, NULL, NULL));
	k = SOME(clCreateKernel(p, "negate", &err));
	WHY(CL_INVALID_ARG_VALUE, SET(k, 0, small), "argument 0 ('x')",
	    "'negate'", "512 bytes", "511");
	WHY(CL_INVALID_ARG_VALUE, SET(k, 0, to_write), "('x')", "read",
	    "CL_MEM_WRITE_ONLY");
	WHY(CL_INVALID_ARG_VALUE, SET(k, 1, to_read), "('y')", "written",
	    "CL_MEM_READ_ONLY");
	OK(SET(k, 0, good));
	WHY(CL_INVALID_KERNEL_ARGS, LAUNCH(q, k, 1, NULL, one, NULL),
	    "'negate'", "argument 1 ('y')", "set it");
	OK(SET(k, 1, good));
	WHY(CL_MEM_COPY_OVERLAP, LAUNCH(q, k, 1, NULL, one, NULL), "1 ('y')",
	    "0 ('x')");
	OK(SET(k, 1, to_write));
	WHY(CL_INVALID_GLOBAL_WORK_SIZE, LAUNCH(q, k, 1, NULL, two, NULL),
	    "2 x 1 x 1", "byte 1024", "('x')", "512");
	WHY(CL_INVALID_GLOBAL_WORK_SIZE, LAUNCH(q, k, 2, NULL, two, NULL),
	    "2 x 2 x 1");
	WHY(CL_INVALID_WORK_GROUP_SIZE, LAUNCH(q, k, 1, NULL, one, two),
	    "not 2");
	OK(clReleaseMemObject(to_write));
	WHY(CL_INVALID_KERNEL_ARGS, LAUNCH(q, k, 1, NULL, one, NULL),
	    "('y')", "released");
	OK(clReleaseMemObject(good));
	OK(clReleaseMemObject(small));
	OK(clReleaseMemObject(to_read));
	OK(clReleaseKernel(k));
	OK(clReleaseProgram(p));
	OK(clReleaseCommandQueue(q));
	OK(clReleaseContext(c));
}

/* -x where int8 with a scale of 0.5 has it. */
static void check_negated(const float *x, const float *y, int n)
{
	for (int i = 0; i < n; i++)
		if (y[i] != -x[i])
			fail_msg("%d: -%g is %g", i, x[i], y[i]);
}

static void a_work_item_is_a_run(void **state)
{
	float x[3 * ELEMENTS], y[3 * ELEMENTS];
	const size_t three = 3, one = 1;
	cl_mem in, out;
	cl_kernel twin;

	for (int i = 0; i < 3 * ELEMENTS; i++)
		x[i] = (i % 200 - 100) / 2.0f;
	in = SOME(clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, sizeof(x), x,
				 &err));
	out = kit_buffer(0, sizeof(y));
	OK(SET(kernel, 0, in));
	OK(SET(kernel, 1, out));
	OK(LAUNCH(loose, kernel, 1, NULL, &three, NULL));
	OK(clFinish(loose));
	kit_read(out, y, sizeof(y));
	check_negated(x, y, 3 * ELEMENTS);

	/* A copy has the arguments; the offset is the first item. */
	twin = SOME(clCloneKernel(kernel, &err));
	OK(clEnqueueFillBuffer(queue, out, "", 1, 0, sizeof(y), 0, NULL,
			       NULL));
	OK(LAUNCH(queue, twin, 1, &one, &one, NULL));
	kit_read(out, y, sizeof(y));
	check_negated(x + ELEMENTS, y + ELEMENTS, ELEMENTS);
	assert_true(y[0] == 0 && y[2 * ELEMENTS] == 0);
	OK(clEnqueueTask(queue, twin, 0, NULL, NULL));
	/* What it needs stays until it has run. */
	OK(clReleaseKernel(twin));
	OK(clReleaseMemObject(in));
	kit_read(out, y, sizeof(y));
	check_negated(x, y, 2 * ELEMENTS);
	OK(clReleaseMemObject(out));
}

/* Launches of many items, at once and in one queue: each item is its own. */
static void many_items_at_once(void **state)
{
	enum { ITEMS = 40, LAUNCHES = 5 };
	static float x[ITEMS * ELEMENTS], y[ITEMS * ELEMENTS];
	const size_t items = ITEMS;
	cl_mem in, out[LAUNCHES];

	for (int i = 0; i < ITEMS * ELEMENTS; i++)
		x[i] = (i % 251 - 125) / 2.0f;
	in = SOME(clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, sizeof(x), x,
				 &err));
	OK(SET(kernel, 0, in));
	for (int i = 0; i < LAUNCHES; i++) {
		out[i] = kit_buffer(0, sizeof(y));
		OK(SET(kernel, 1, out[i]));
		OK(LAUNCH(loose, kernel, 1, NULL, &items, NULL));
	}
	OK(clFinish(loose));
	for (int i = 0; i < LAUNCHES; i++) {
		kit_read(out[i], y, sizeof(y));
		check_negated(x, y, ITEMS * ELEMENTS);
		OK(clReleaseMemObject(out[i]));
	}
	OK(clReleaseMemObject(in));
}

/* One item of many faults: the launch fails, is explained, and that is all. */
static void an_item_may_fail(void **state)
{
	enum { ITEMS = 12 };
	cl_context c = SOME(clCreateContext(NULL, 1, &device, hear, NULL,
					    &err));
	cl_command_queue q = SOME(clCreateCommandQueue(c, device, 0, &err));
	static int8_t x[ITEMS * ELEMENTS], y[ITEMS * ELEMENTS];
	const size_t items = ITEMS;
	const unsigned char *binary;
	cl_event event;
	cl_program p;
	cl_mem in, out;
	cl_kernel k;
	size_t size;

	binary = kit_finish(kit_resize(NULL), &size);
	p = SOME(clCreateProgramWithBinary(c, 1, &device, &size, &binary, NULL,
					   &err));
	OK(clBuildProgram(p, 0, NULL, NULL, NULL, NULL));
	k = SOME(clCreateKernel(p, "resize", &err));
	for (int i = 0; i < ITEMS; i++)
		x[i * ELEMENTS + 20] = i;
	x[5 * ELEMENTS] = 99;	/* in the table of rows, beyond them */
	in = SOME(clCreateBuffer(c, CL_MEM_USE_HOST_PTR, sizeof(x), x, &err));
	out = SOME(clCreateBuffer(c, 0, sizeof(y), NULL, &err));
	OK(SET(k, 0, in));
	OK(SET(k, 1, out));
	*why = '\0';
	OK(clEnqueueNDRangeKernel(q, k, 1, NULL, &items, NULL, 0, NULL,
				  &event));
	IS(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST,
	   clWaitForEvents(1, &event));
	assert_int_equal(kit_status(event), CL_OUT_OF_RESOURCES);
	assert_non_null(strstr(why, "upsample"));
	OK(clReleaseEvent(event));
	x[5 * ELEMENTS] = 0;
	OK(LAUNCH(q, k, 1, NULL, &items, NULL));
	OK(clEnqueueReadBuffer(q, out, CL_TRUE, 0, sizeof(y), y, 0, NULL,
			       NULL));
	for (int i = 0; i < ITEMS; i++)
		assert_int_equal(y[i * ELEMENTS + 20], i);
	OK(clReleaseMemObject(in));
	OK(clReleaseMemObject(out));
	OK(clReleaseKernel(k));
	OK(clReleaseProgram(p));
	OK(clReleaseCommandQueue(q));
	OK(clReleaseContext(c));
	free((void *)binary);
}

static int gone;

static void CL_CALLBACK note(cl_mem mem, void *user_data)
{
	gone++;
}

/* The program knows when its memory is its own again. */
static void kernels_keep_no_buffer(void **state)
{
	float memory[ELEMENTS] = { 1 }, y[ELEMENTS];
	const size_t one = 1;
	cl_mem out = kit_buffer(0, BYTES);
	cl_mem in = SOME(clCreateBuffer(context, CL_MEM_USE_HOST_PTR, BYTES,
					memory, &err));
	cl_kernel k = SOME(clCreateKernel(program, "negate", &err)), twin;

	OK(clSetMemObjectDestructorCallback(in, note, NULL));
	OK(SET(k, 0, in));
	OK(SET(k, 1, out));
	twin = SOME(clCloneKernel(k, &err));
	OK(LAUNCH(queue, k, 1, NULL, &one, NULL));
	kit_read(out, y, BYTES);
	assert_true(y[0] == -1);
	OK(clFinish(queue));
	OK(clReleaseMemObject(in));
	assert_int_equal(gone, 1);
	IS(CL_INVALID_KERNEL_ARGS, LAUNCH(queue, k, 1, NULL, &one, NULL));
	IS(CL_INVALID_KERNEL_ARGS, LAUNCH(queue, twin, 1, NULL, &one, NULL));
	in = kit_buffer(0, BYTES);
	OK(SET(k, 0, in));
	OK(LAUNCH(queue, k, 1, NULL, &one, NULL));
	OK(clFinish(queue));
	OK(clReleaseMemObject(in));
	OK(clReleaseMemObject(out));
	OK(clReleaseKernel(twin));
	OK(clReleaseKernel(k));
}

/* Floats at odd addresses are the program's right. */
static void host_memory_anywhere(void **state)
{
	uint8_t bytes[2 * BYTES + 2];
	float x[ELEMENTS], y[ELEMENTS];
	cl_mem in, out;

	for (int i = 0; i < ELEMENTS; i++)
		x[i] = i / 4 - 16;
	memcpy(bytes + 1, x, BYTES);
	in = SOME(clCreateBuffer(context, CL_MEM_USE_HOST_PTR, BYTES, bytes + 1,
				 &err));
	out = SOME(clCreateBuffer(context, CL_MEM_USE_HOST_PTR, BYTES,
				  bytes + 1 + BYTES, &err));
	OK(SET(kernel, 0, in));
	OK(SET(kernel, 1, out));
	OK(clEnqueueTask(queue, kernel, 0, NULL, NULL));
	OK(clFinish(queue));
	memcpy(y, bytes + 1 + BYTES, BYTES);
	check_negated(x, y, ELEMENTS);
	OK(clReleaseMemObject(in));
	OK(clReleaseMemObject(out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binaries_refuse),
		cmocka_unit_test(programs_tell),
		cmocka_unit_test(building),
		cmocka_unit_test(unknown_functions_do_not_build),
		cmocka_unit_test(source_does_not_build),
		cmocka_unit_test(kernels_tell),
		cmocka_unit_test(types_have_a_point),
		cmocka_unit_test(kernels_are_made),
		cmocka_unit_test(arguments_refuse),
		cmocka_unit_test(launches_refuse),
		cmocka_unit_test(refusals_have_reasons),
		cmocka_unit_test(a_work_item_is_a_run),
		cmocka_unit_test(many_items_at_once),
		cmocka_unit_test(an_item_may_fail),
		cmocka_unit_test(kernels_keep_no_buffer),
		cmocka_unit_test(host_memory_anywhere),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
