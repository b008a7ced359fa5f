// SPDX-License-Identifier: MIT
/*
 * dispatch.c - how the loader finds all of this
 *
 * Two functions lead to the rest: one gives out the platform, the other the
 * addresses of functions by name. Every handle begins with the table below. A
 * loader that knows cl_khr_icd 2 sees by a tag in it that handles have room for
 * its own table, fills that by name, and leaves ours alone.
 */
#include <string.h>

#include "platform.h"

#define EXPORT	__attribute__((visibility("default")))

#ifndef CL_ICD2_TAG_KHR
#define CL_ICD2_TAG_KHR	((intptr_t)0x4F50454E434C3331)	/* "OPENCL31" */
#endif

/* What the table has a slot for, and every loader calls. */
#define CORE_FUNCTIONS(X)						\
	X(clGetPlatformInfo) X(clGetDeviceIDs) X(clGetDeviceInfo)	\
	X(clCreateContext) X(clCreateContextFromType)			\
	X(clRetainContext) X(clReleaseContext) X(clGetContextInfo)	\
	X(clCreateCommandQueue) X(clRetainCommandQueue)			\
	X(clReleaseCommandQueue) X(clGetCommandQueueInfo)		\
	X(clSetCommandQueueProperty) X(clCreateBuffer)			\
	X(clCreateImage2D) X(clCreateImage3D) X(clRetainMemObject)	\
	X(clReleaseMemObject) X(clGetSupportedImageFormats)		\
	X(clGetMemObjectInfo) X(clGetImageInfo) X(clCreateSampler)	\
	X(clRetainSampler) X(clReleaseSampler) X(clGetSamplerInfo)	\
	X(clCreateProgramWithSource) X(clCreateProgramWithBinary)	\
	X(clRetainProgram) X(clReleaseProgram) X(clBuildProgram)	\
	X(clGetProgramInfo) X(clGetProgramBuildInfo) X(clCreateKernel)	\
	X(clCreateKernelsInProgram) X(clRetainKernel) X(clReleaseKernel) \
	X(clSetKernelArg) X(clGetKernelInfo)				\
	X(clGetKernelWorkGroupInfo) X(clWaitForEvents)			\
	X(clGetEventInfo) X(clRetainEvent) X(clReleaseEvent)		\
	X(clGetEventProfilingInfo) X(clFlush) X(clFinish)		\
	X(clEnqueueReadBuffer) X(clEnqueueWriteBuffer)			\
	X(clEnqueueCopyBuffer) X(clEnqueueReadImage)			\
	X(clEnqueueWriteImage) X(clEnqueueCopyImage)			\
	X(clEnqueueCopyImageToBuffer) X(clEnqueueCopyBufferToImage)	\
	X(clEnqueueMapBuffer) X(clEnqueueMapImage)			\
	X(clEnqueueUnmapMemObject) X(clEnqueueNDRangeKernel)		\
	X(clEnqueueTask) X(clEnqueueNativeKernel) X(clEnqueueMarker)	\
	X(clEnqueueWaitForEvents) X(clEnqueueBarrier)			\
	X(clGetExtensionFunctionAddress) X(clSetEventCallback)		\
	X(clCreateSubBuffer) X(clSetMemObjectDestructorCallback)	\
	X(clCreateUserEvent) X(clSetUserEventStatus)			\
	X(clEnqueueReadBufferRect) X(clEnqueueWriteBufferRect)		\
	X(clEnqueueCopyBufferRect) X(clCreateSubDevices)		\
	X(clRetainDevice) X(clReleaseDevice) X(clCreateImage)		\
	X(clCreateProgramWithBuiltInKernels) X(clCompileProgram)	\
	X(clLinkProgram) X(clUnloadPlatformCompiler)			\
	X(clGetKernelArgInfo) X(clEnqueueFillBuffer)			\
	X(clEnqueueFillImage) X(clEnqueueMigrateMemObjects)		\
	X(clEnqueueMarkerWithWaitList) X(clEnqueueBarrierWithWaitList)	\
	X(clGetExtensionFunctionAddressForPlatform)			\
	X(clCreateCommandQueueWithProperties) X(clCreatePipe)		\
	X(clGetPipeInfo) X(clSVMAlloc) X(clSVMFree) X(clEnqueueSVMFree)	\
	X(clEnqueueSVMMemcpy) X(clEnqueueSVMMemFill) X(clEnqueueSVMMap)	\
	X(clEnqueueSVMUnmap) X(clCreateSamplerWithProperties)		\
	X(clSetKernelArgSVMPointer) X(clSetKernelExecInfo)		\
	X(clCloneKernel) X(clCreateProgramWithIL)			\
	X(clEnqueueSVMMigrateMem) X(clGetDeviceAndHostTimer)		\
	X(clGetHostTimer) X(clGetKernelSubGroupInfo)			\
	X(clSetDefaultDeviceCommandQueue)				\
	X(clSetProgramReleaseCallback)					\
	X(clSetProgramSpecializationConstant)				\
	X(clCreateBufferWithProperties) X(clCreateImageWithProperties)	\
	X(clSetContextDestructorCallback)

#ifdef CL_KHR_EXTERNAL_SEMAPHORE_SYNC_FD_EXTENSION_VERSION
#define REIMPORT_FUNCTION(X)	X(clReImportSemaphoreSyncFdKHR)
#else
#define REIMPORT_FUNCTION(X)
#endif

/* Extensions, which the table has no slots for. */
#define EXTENSION_FUNCTIONS(X)						\
	X(clCreateSemaphoreWithPropertiesKHR) X(clRetainSemaphoreKHR)	\
	X(clReleaseSemaphoreKHR) X(clGetSemaphoreInfoKHR)		\
	X(clEnqueueWaitSemaphoresKHR) X(clEnqueueSignalSemaphoresKHR)	\
	X(clGetSemaphoreHandleForTypeKHR) REIMPORT_FUNCTION(X)		\
	X(clEnqueueAcquireExternalMemObjectsKHR)			\
	X(clEnqueueReleaseExternalMemObjectsKHR)			\
	X(clCreateCommandQueueWithPropertiesKHR)			\
	X(clCreateCommandBufferKHR) X(clRetainCommandBufferKHR)		\
	X(clReleaseCommandBufferKHR) X(clFinalizeCommandBufferKHR)	\
	X(clEnqueueCommandBufferKHR) X(clCommandBarrierWithWaitListKHR)	\
	X(clCommandCopyBufferKHR) X(clCommandCopyBufferRectKHR)		\
	X(clCommandCopyBufferToImageKHR) X(clCommandCopyImageKHR)	\
	X(clCommandCopyImageToBufferKHR) X(clCommandFillBufferKHR)	\
	X(clCommandFillImageKHR) X(clCommandNDRangeKernelKHR)		\
	X(clGetCommandBufferInfoKHR)

/* What else only its name leads to. */
#define NAMED_FUNCTIONS(X)						\
	X(clIcdGetPlatformIDsKHR) X(clGetPlatformIDs) X(clUnloadCompiler)

const cl_icd_dispatch dispatch_table = {
	/* The loader has these two of its own; here is room for the tag. */
	.clGetPlatformIDs = (void *)CL_ICD2_TAG_KHR,
	.clUnloadCompiler = (void *)CL_ICD2_TAG_KHR,
#define X(name) .name = name,
	CORE_FUNCTIONS(X)
#undef X
};

/* The loader's table, for all handles that are given out from now on. */
static cl_int set_dispatch_data(cl_platform_id id, void *dispatch_data)
{
	cl_device_id devices[DEVICES_MAX];
	cl_uint n;

	if (id != &platform)
		return CL_INVALID_PLATFORM;
	platform.base.dispatch_data = dispatch_data;
	n = device_list(devices);
	for (cl_uint i = 0; i < n; i++)
		devices[i]->base.dispatch_data = dispatch_data;
	return CL_SUCCESS;
}

static void *function_of_platform(cl_platform_id id, const char *name)
{
	return id == &platform ? extension_function(name) : NULL;
}

void *extension_function(const char *name)
{
	static const struct {
		const char *name;
		void *function;
	} functions[] = {
#define X(f) { #f, (void *)f },
		CORE_FUNCTIONS(X)
		NAMED_FUNCTIONS(X)
		EXTENSION_FUNCTIONS(X)
#undef X
		{ "clIcdSetPlatformDispatchDataKHR",
		  (void *)set_dispatch_data },
		{ "clIcdGetFunctionAddressForPlatformKHR",
		  (void *)function_of_platform },
	};

	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (!strcmp(functions[i].name, name))
			return functions[i].function;
	return NULL;
}

EXPORT cl_int clIcdGetPlatformIDsKHR(cl_uint num_entries,
				     cl_platform_id *platforms,
				     cl_uint *num_platforms)
{
	return clGetPlatformIDs(num_entries, platforms, num_platforms);
}

EXPORT void *clGetExtensionFunctionAddress(const char *name)
{
	return name ? extension_function(name) : NULL;
}

void *clGetExtensionFunctionAddressForPlatform(cl_platform_id id,
					       const char *name)
{
	return name ? function_of_platform(id, name) : NULL;
}
