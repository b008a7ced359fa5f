// SPDX-License-Identifier: MIT
/*
 * platform.c - the one platform there is
 */
#include <string.h>

#include "platform.h"

const char platform_extensions[] =
	"cl_khr_icd cl_khr_extended_versioning cl_khr_create_command_queue"
	" cl_khr_device_uuid cl_khr_command_buffer cl_khr_external_memory"
	" cl_khr_external_memory_dma_buf cl_khr_semaphore"
	" cl_khr_external_semaphore cl_khr_external_semaphore_sync_fd";

/* Headers that say no version are those of the first. */
#ifndef CL_KHR_COMMAND_BUFFER_EXTENSION_VERSION
#define CL_KHR_COMMAND_BUFFER_EXTENSION_VERSION		CL_MAKE_VERSION(0, 9, 0)
#endif
#ifndef CL_KHR_EXTERNAL_MEMORY_EXTENSION_VERSION
#define CL_KHR_EXTERNAL_MEMORY_EXTENSION_VERSION	CL_MAKE_VERSION(0, 9, 0)
#endif
#ifndef CL_KHR_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_VERSION
#define CL_KHR_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_VERSION \
	CL_MAKE_VERSION(0, 9, 0)
#endif
#ifndef CL_KHR_SEMAPHORE_EXTENSION_VERSION
#define CL_KHR_SEMAPHORE_EXTENSION_VERSION		CL_MAKE_VERSION(0, 9, 0)
#endif
#ifndef CL_KHR_EXTERNAL_SEMAPHORE_EXTENSION_VERSION
#define CL_KHR_EXTERNAL_SEMAPHORE_EXTENSION_VERSION	CL_MAKE_VERSION(0, 9, 0)
#endif
#ifndef CL_KHR_EXTERNAL_SEMAPHORE_SYNC_FD_EXTENSION_VERSION
#define CL_KHR_EXTERNAL_SEMAPHORE_SYNC_FD_EXTENSION_VERSION \
	CL_MAKE_VERSION(0, 9, 0)
#endif

/* Those that are not at 1.0.0. */
static const struct {
	const char *name;
	cl_version version;
} versions[] = {
	/* Handles have room for data of the loader's. */
	{ "cl_khr_icd", CL_MAKE_VERSION(2, 0, 0) },
	/* What is built follows the headers of the system. */
	{ "cl_khr_command_buffer", CL_KHR_COMMAND_BUFFER_EXTENSION_VERSION },
	{ "cl_khr_external_memory", CL_KHR_EXTERNAL_MEMORY_EXTENSION_VERSION },
	{ "cl_khr_external_memory_dma_buf",
	  CL_KHR_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_VERSION },
	{ "cl_khr_semaphore", CL_KHR_SEMAPHORE_EXTENSION_VERSION },
	{ "cl_khr_external_semaphore",
	  CL_KHR_EXTERNAL_SEMAPHORE_EXTENSION_VERSION },
	{ "cl_khr_external_semaphore_sync_fd",
	  CL_KHR_EXTERNAL_SEMAPHORE_SYNC_FD_EXTENSION_VERSION },
};

static cl_version version_of(const char *name)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		if (!strcmp(versions[i].name, name))
			return versions[i].version;
	return CL_MAKE_VERSION(1, 0, 0);
}

struct _cl_platform_id platform = {
	.base = {
		.dispatch = &dispatch_table,
		.kind = KIND_PLATFORM,
		.handles = 1,
		.refs = 1,
	},
};

size_t name_versions(const char *names, char separator, cl_name_version *to,
		     size_t max)
{
	size_t n = 0;

	while (*names && n < max) {
		const char *end = strchrnul(names, separator);
		cl_name_version *v = &to[n++];

		memset(v, 0, sizeof(*v));
		memcpy(v->name, names, end - names);
		v->version = version_of(v->name);
		names = *end ? end + 1 : end;
	}
	return n;
}

cl_int clGetPlatformIDs(cl_uint num_entries, cl_platform_id *platforms,
			cl_uint *num_platforms)
{
	if ((!num_entries && platforms) || (!platforms && !num_platforms))
		return CL_INVALID_VALUE;
	if (platforms)
		platforms[0] = &platform;
	if (num_platforms)
		*num_platforms = 1;
	return CL_SUCCESS;
}

static const char *platform_text(cl_platform_info param)
{
	switch (param) {
	case CL_PLATFORM_PROFILE:
		return "EMBEDDED_PROFILE";
	case CL_PLATFORM_VERSION:
		return "OpenCL 3.0 fxq";
	case CL_PLATFORM_NAME:
		return "fxq";
	case CL_PLATFORM_VENDOR:
		return "fxq";
	case CL_PLATFORM_EXTENSIONS:
		return platform_extensions;
	case CL_PLATFORM_ICD_SUFFIX_KHR:
		return "FXQ";
	}
	return NULL;
}

__attribute__((visibility("default")))
cl_int clGetPlatformInfo(cl_platform_id id, cl_platform_info param_name,
			 size_t param_value_size, void *param_value,
			 size_t *param_value_size_ret)
{
	const char *text = platform_text(param_name);
	cl_name_version names[32];

	if (id && id != &platform)
		return CL_INVALID_PLATFORM;
	if (text)
		return answer_text(text, param_value_size, param_value,
				   param_value_size_ret);
	switch (param_name) {
	case CL_PLATFORM_HOST_TIMER_RESOLUTION:
		return ANSWER(cl_ulong, 1);
	case CL_PLATFORM_EXTERNAL_MEMORY_IMPORT_HANDLE_TYPES_KHR:
		return ANSWER(cl_external_memory_handle_type_khr,
			      CL_EXTERNAL_MEMORY_HANDLE_DMA_BUF_KHR);
	case CL_PLATFORM_SEMAPHORE_TYPES_KHR:
		return ANSWER(cl_semaphore_type_khr,
			      CL_SEMAPHORE_TYPE_BINARY_KHR);
	case CL_PLATFORM_SEMAPHORE_IMPORT_HANDLE_TYPES_KHR:
	case CL_PLATFORM_SEMAPHORE_EXPORT_HANDLE_TYPES_KHR:
		return ANSWER(cl_external_semaphore_handle_type_khr,
			      CL_SEMAPHORE_HANDLE_SYNC_FD_KHR);
	case CL_PLATFORM_NUMERIC_VERSION:
		return ANSWER(cl_version, CL_MAKE_VERSION(3, 0, 0));
	case CL_PLATFORM_EXTENSIONS_WITH_VERSION:
		return answer(names, sizeof(names[0]) *
			      name_versions(platform_extensions, ' ', names,
					    32),
			      param_value_size, param_value,
			      param_value_size_ret);
	}
	return CL_INVALID_VALUE;
}

cl_int clUnloadPlatformCompiler(cl_platform_id id)
{
	return id == &platform ? CL_SUCCESS : CL_INVALID_PLATFORM;
}

cl_int clUnloadCompiler(void)
{
	return CL_SUCCESS;
}

/* Profiling reads the same clock on both sides. */
cl_int clGetDeviceAndHostTimer(cl_device_id device, cl_ulong *device_timestamp,
			       cl_ulong *host_timestamp)
{
	if (!device_is(device))
		return CL_INVALID_DEVICE;
	if (!device_timestamp || !host_timestamp)
		return CL_INVALID_VALUE;
	*device_timestamp = *host_timestamp = clock_ns();
	return CL_SUCCESS;
}

cl_int clGetHostTimer(cl_device_id device, cl_ulong *host_timestamp)
{
	if (!device_is(device))
		return CL_INVALID_DEVICE;
	if (!host_timestamp)
		return CL_INVALID_VALUE;
	*host_timestamp = clock_ns();
	return CL_SUCCESS;
}
