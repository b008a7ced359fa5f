// SPDX-License-Identifier: MIT
/*
 * Tests of the OpenCL driver: what it does not have.
 */
#include "opencl_kit.h"

static const size_t at[3], some[3] = { 1, 1, 1 };
static const cl_image_format format = { CL_R, CL_UNSIGNED_INT8 };
static const cl_image_desc desc = {
	.image_type = CL_MEM_OBJECT_IMAGE2D, .image_width = 4,
	.image_height = 4,
};

/* Of a context, and of what is none. */
#define NO_OBJECT(call)							\
	do {								\
		cl_context c = context;					\
									\
		NONE(CL_INVALID_OPERATION, call);			\
		c = (cl_context)queue;					\
		NONE(CL_INVALID_CONTEXT, call);				\
	} while (0)

#define NO_COMMAND(call)						\
	do {								\
		CHECK_COMMON(call);					\
		cl_command_queue q = queue;				\
		const cl_event *list = NULL;				\
		cl_uint n = 0;						\
		cl_int ret;						\
		(void)ret;						\
		IS(CL_INVALID_OPERATION, call);				\
	} while (0)

static void no_images(void **state)
{
	cl_mem no = (cl_mem)queue, row = kit_buffer(0, 64);
	uint8_t host[64] = { 0 };
	size_t pitch;
	cl_uint count = 7;

	NO_OBJECT(clCreateImage(c, 0, &format, &desc, NULL, &err));
	NO_OBJECT(clCreateImageWithProperties(c, NULL, 0, &format, &desc, NULL,
					      &err));
	NO_OBJECT(clCreateImage2D(c, 0, &format, 4, 4, 0, NULL, &err));
	NO_OBJECT(clCreateImage3D(c, 0, &format, 4, 4, 4, 0, 0, NULL, &err));
	IS(CL_INVALID_MEM_OBJECT, clGetImageInfo(row, CL_IMAGE_WIDTH, 0, NULL,
						 NULL));
	OK(clGetSupportedImageFormats(context, CL_MEM_READ_ONLY,
				      CL_MEM_OBJECT_IMAGE2D, 0, NULL, &count));
	assert_int_equal(count, 0);
	IS(CL_INVALID_VALUE, clGetSupportedImageFormats(context, 0,
			CL_MEM_OBJECT_BUFFER, 0, NULL, &count));
	IS(CL_INVALID_VALUE, clGetSupportedImageFormats(context, 0,
			CL_MEM_OBJECT_IMAGE2D, 0, (void *)host, &count));
	IS(CL_INVALID_CONTEXT, clGetSupportedImageFormats((cl_context)queue, 0,
			CL_MEM_OBJECT_IMAGE2D, 0, NULL, &count));
	NO_COMMAND(clEnqueueReadImage(q, no, CL_TRUE, at, some, 0, 0, host, n,
				      list, NULL));
	NO_COMMAND(clEnqueueWriteImage(q, no, CL_TRUE, at, some, 0, 0, host, n,
				       list, NULL));
	NO_COMMAND(clEnqueueFillImage(q, no, host, at, some, n, list, NULL));
	NO_COMMAND(clEnqueueCopyImage(q, no, no, at, at, some, n, list, NULL));
	NO_COMMAND(clEnqueueCopyImageToBuffer(q, no, row, at, some, 0, n, list,
					      NULL));
	NO_COMMAND(clEnqueueCopyBufferToImage(q, row, no, 0, at, some, n, list,
					      NULL));
	NO_COMMAND((clEnqueueMapImage(q, no, CL_TRUE, CL_MAP_READ, at, some,
				      &pitch, NULL, n, list, NULL, &ret), ret));
	OK(clReleaseMemObject(row));
}

static void no_samplers_and_pipes(void **state)
{
	cl_sampler no = (cl_sampler)queue;
	cl_mem mem = kit_buffer(0, 64);

	NO_OBJECT(clCreateSampler(c, CL_TRUE, CL_ADDRESS_CLAMP,
				  CL_FILTER_NEAREST, &err));
	NO_OBJECT(clCreateSamplerWithProperties(c, NULL, &err));
	IS(CL_INVALID_SAMPLER, clRetainSampler(no));
	IS(CL_INVALID_SAMPLER, clReleaseSampler(no));
	IS(CL_INVALID_SAMPLER, clGetSamplerInfo(no, CL_SAMPLER_CONTEXT, 0,
						NULL, NULL));
	NO_OBJECT(clCreatePipe(c, 0, 4, 4, NULL, &err));
	IS(CL_INVALID_MEM_OBJECT, clGetPipeInfo(mem, CL_PIPE_MAX_PACKETS, 0,
						NULL, NULL));
	OK(clReleaseMemObject(mem));
}

static void no_shared_virtual_memory(void **state)
{
	uint8_t memory[64] = { 0 };
	void *list_of[] = { memory };
	const void *sources[] = { memory };

	assert_null(clSVMAlloc(context, CL_MEM_READ_WRITE, 64, 0));
	clSVMFree(context, NULL);
	NO_COMMAND(clEnqueueSVMFree(q, 1, list_of, NULL, NULL, n, list, NULL));
	NO_COMMAND(clEnqueueSVMMemcpy(q, CL_TRUE, memory, memory + 32, 8, n,
				      list, NULL));
	NO_COMMAND(clEnqueueSVMMemFill(q, memory, "x", 1, 8, n, list, NULL));
	NO_COMMAND(clEnqueueSVMMap(q, CL_TRUE, CL_MAP_READ, memory, 8, n, list,
				   NULL));
	NO_COMMAND(clEnqueueSVMUnmap(q, memory, n, list, NULL));
	NO_COMMAND(clEnqueueSVMMigrateMem(q, 1, sources, NULL, 0, n, list,
					  NULL));
}

static void CL_CALLBACK host_function(void *args)
{
}

static void no_native_kernels(void **state)
{
	cl_mem mem = kit_buffer(0, 64);
	const void *where = &mem;

#define NATIVE(fn, args, bytes, n, mems, places)			\
	clEnqueueNativeKernel(queue, fn, args, bytes, n, mems, places, 0, NULL, \
			      NULL)
	NO_COMMAND(clEnqueueNativeKernel(q, host_function, NULL, 0, 0, NULL,
					 NULL, n, list, NULL));
	IS(CL_INVALID_VALUE, NATIVE(NULL, NULL, 0, 0, NULL, NULL));
	IS(CL_INVALID_VALUE, NATIVE(host_function, NULL, 8, 0, NULL, NULL));
	IS(CL_INVALID_VALUE, NATIVE(host_function, NULL, 0, 1, &mem, &where));
	IS(CL_INVALID_VALUE, NATIVE(host_function, &mem, 0, 0, NULL, NULL));
	IS(CL_INVALID_VALUE, NATIVE(host_function, &mem, 8, 1, NULL, NULL));
	IS(CL_INVALID_VALUE, NATIVE(host_function, &mem, 8, 0, &mem, NULL));
	OK(clReleaseMemObject(mem));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_images),
		cmocka_unit_test(no_samplers_and_pipes),
		cmocka_unit_test(no_shared_virtual_memory),
		cmocka_unit_test(no_native_kernels),
	};

	return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
