// SPDX-License-Identifier: MIT
/*
 * device_info.c - what a device says of itself
 *
 * Nearly all of it is the same for every device, much of it says that there is
 * none: no compiler, no images, no shared virtual memory. Those are a table.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

#define MEMORY_MAX	(1ull << 38)	/* that libfxq gives in one piece */

#ifndef CL_COMMAND_BUFFER_CAPABILITY_OUT_OF_ORDER_KHR
#define CL_COMMAND_BUFFER_CAPABILITY_OUT_OF_ORDER_KHR	0
#endif

/* X(param, type, value) */
#define CONSTANTS(X)							\
	X(TYPE, cl_device_type, CL_DEVICE_TYPE_CUSTOM)			\
	X(VENDOR_ID, cl_uint, 0)					\
	X(MAX_COMPUTE_UNITS, cl_uint, 1)				\
	X(MAX_WORK_ITEM_DIMENSIONS, cl_uint, WORK_DIMENSIONS)		\
	X(MAX_WORK_GROUP_SIZE, size_t, 1)				\
	X(PREFERRED_VECTOR_WIDTH_CHAR, cl_uint, 32)			\
	X(PREFERRED_VECTOR_WIDTH_SHORT, cl_uint, 1)			\
	X(PREFERRED_VECTOR_WIDTH_INT, cl_uint, 1)			\
	X(PREFERRED_VECTOR_WIDTH_LONG, cl_uint, 1)			\
	X(PREFERRED_VECTOR_WIDTH_FLOAT, cl_uint, 1)			\
	X(PREFERRED_VECTOR_WIDTH_DOUBLE, cl_uint, 0)			\
	X(PREFERRED_VECTOR_WIDTH_HALF, cl_uint, 0)			\
	X(NATIVE_VECTOR_WIDTH_CHAR, cl_uint, 32)			\
	X(NATIVE_VECTOR_WIDTH_SHORT, cl_uint, 1)			\
	X(NATIVE_VECTOR_WIDTH_INT, cl_uint, 1)				\
	X(NATIVE_VECTOR_WIDTH_LONG, cl_uint, 1)				\
	X(NATIVE_VECTOR_WIDTH_FLOAT, cl_uint, 1)			\
	X(NATIVE_VECTOR_WIDTH_DOUBLE, cl_uint, 0)			\
	X(NATIVE_VECTOR_WIDTH_HALF, cl_uint, 0)				\
	X(ADDRESS_BITS, cl_uint, 64)					\
	X(IMAGE_SUPPORT, cl_bool, CL_FALSE)				\
	X(MAX_READ_IMAGE_ARGS, cl_uint, 0)				\
	X(MAX_WRITE_IMAGE_ARGS, cl_uint, 0)				\
	X(MAX_READ_WRITE_IMAGE_ARGS, cl_uint, 0)			\
	X(IMAGE2D_MAX_WIDTH, size_t, 0)					\
	X(IMAGE2D_MAX_HEIGHT, size_t, 0)				\
	X(IMAGE3D_MAX_WIDTH, size_t, 0)					\
	X(IMAGE3D_MAX_HEIGHT, size_t, 0)				\
	X(IMAGE3D_MAX_DEPTH, size_t, 0)					\
	X(IMAGE_MAX_BUFFER_SIZE, size_t, 0)				\
	X(IMAGE_MAX_ARRAY_SIZE, size_t, 0)				\
	X(IMAGE_PITCH_ALIGNMENT, cl_uint, 0)				\
	X(IMAGE_BASE_ADDRESS_ALIGNMENT, cl_uint, 0)			\
	X(MAX_SAMPLERS, cl_uint, 0)					\
	X(MAX_PARAMETER_SIZE, size_t, 1024)				\
	X(MEM_BASE_ADDR_ALIGN, cl_uint, 8 * ALIGN_BYTES)		\
	X(MIN_DATA_TYPE_ALIGN_SIZE, cl_uint, ALIGN_BYTES)		\
	X(SINGLE_FP_CONFIG, cl_device_fp_config,			\
	  CL_FP_ROUND_TO_NEAREST | CL_FP_INF_NAN)			\
	X(DOUBLE_FP_CONFIG, cl_device_fp_config, 0)			\
	X(HALF_FP_CONFIG, cl_device_fp_config, 0)			\
	X(GLOBAL_MEM_CACHE_TYPE, cl_device_mem_cache_type, CL_NONE)	\
	X(GLOBAL_MEM_CACHELINE_SIZE, cl_uint, 0)			\
	X(GLOBAL_MEM_CACHE_SIZE, cl_ulong, 0)				\
	X(MAX_CONSTANT_ARGS, cl_uint, 4)				\
	X(MAX_GLOBAL_VARIABLE_SIZE, size_t, 0)				\
	X(GLOBAL_VARIABLE_PREFERRED_TOTAL_SIZE, size_t, 0)		\
	X(LOCAL_MEM_TYPE, cl_device_local_mem_type, CL_LOCAL)		\
	X(ERROR_CORRECTION_SUPPORT, cl_bool, CL_FALSE)			\
	X(HOST_UNIFIED_MEMORY, cl_bool, CL_TRUE)			\
	X(PROFILING_TIMER_RESOLUTION, size_t, 1)			\
	X(ENDIAN_LITTLE, cl_bool, CL_TRUE)				\
	X(COMPILER_AVAILABLE, cl_bool, CL_FALSE)			\
	X(LINKER_AVAILABLE, cl_bool, CL_FALSE)				\
	X(EXECUTION_CAPABILITIES, cl_device_exec_capabilities,		\
	  CL_EXEC_KERNEL)						\
	X(QUEUE_ON_HOST_PROPERTIES, cl_command_queue_properties,	\
	  CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE |			\
	  CL_QUEUE_PROFILING_ENABLE)					\
	X(QUEUE_ON_DEVICE_PROPERTIES, cl_command_queue_properties, 0)	\
	X(QUEUE_ON_DEVICE_PREFERRED_SIZE, cl_uint, 0)			\
	X(QUEUE_ON_DEVICE_MAX_SIZE, cl_uint, 0)				\
	X(MAX_ON_DEVICE_QUEUES, cl_uint, 0)				\
	X(MAX_ON_DEVICE_EVENTS, cl_uint, 0)				\
	X(DEVICE_ENQUEUE_CAPABILITIES,					\
	  cl_device_device_enqueue_capabilities, 0)			\
	X(PLATFORM, cl_platform_id, &platform)				\
	X(PARENT_DEVICE, cl_device_id, NULL)				\
	X(PARTITION_MAX_SUB_DEVICES, cl_uint, 0)			\
	X(PARTITION_AFFINITY_DOMAIN, cl_device_affinity_domain, 0)	\
	X(REFERENCE_COUNT, cl_uint, 1)					\
	X(PREFERRED_INTEROP_USER_SYNC, cl_bool, CL_TRUE)		\
	X(PRINTF_BUFFER_SIZE, size_t, 0)				\
	X(SVM_CAPABILITIES, cl_device_svm_capabilities, 0)		\
	X(MAX_PIPE_ARGS, cl_uint, 0)					\
	X(PIPE_MAX_ACTIVE_RESERVATIONS, cl_uint, 0)			\
	X(PIPE_MAX_PACKET_SIZE, cl_uint, 0)				\
	X(PIPE_SUPPORT, cl_bool, CL_FALSE)				\
	X(PREFERRED_PLATFORM_ATOMIC_ALIGNMENT, cl_uint, 0)		\
	X(PREFERRED_GLOBAL_ATOMIC_ALIGNMENT, cl_uint, 0)		\
	X(PREFERRED_LOCAL_ATOMIC_ALIGNMENT, cl_uint, 0)			\
	X(MAX_NUM_SUB_GROUPS, cl_uint, 0)				\
	X(SUB_GROUP_INDEPENDENT_FORWARD_PROGRESS, cl_bool, CL_FALSE)	\
	X(NUMERIC_VERSION, cl_version, CL_MAKE_VERSION(3, 0, 0))	\
	X(OPENCL_C_NUMERIC_VERSION_KHR, cl_version,				\
	  CL_MAKE_VERSION(1, 2, 0))					\
	X(ATOMIC_MEMORY_CAPABILITIES, cl_device_atomic_capabilities,	\
	  CL_DEVICE_ATOMIC_ORDER_RELAXED |				\
	  CL_DEVICE_ATOMIC_SCOPE_WORK_GROUP)				\
	X(ATOMIC_FENCE_CAPABILITIES, cl_device_atomic_capabilities,	\
	  CL_DEVICE_ATOMIC_ORDER_RELAXED |				\
	  CL_DEVICE_ATOMIC_ORDER_ACQ_REL |				\
	  CL_DEVICE_ATOMIC_SCOPE_WORK_GROUP)				\
	X(NON_UNIFORM_WORK_GROUP_SUPPORT, cl_bool, CL_FALSE)		\
	X(PREFERRED_WORK_GROUP_SIZE_MULTIPLE, size_t, 1)		\
	X(WORK_GROUP_COLLECTIVE_FUNCTIONS_SUPPORT, cl_bool, CL_FALSE)	\
	X(GENERIC_ADDRESS_SPACE_SUPPORT, cl_bool, CL_FALSE)		\
	X(EXTERNAL_MEMORY_IMPORT_HANDLE_TYPES_KHR,			\
	  cl_external_memory_handle_type_khr,				\
	  CL_EXTERNAL_MEMORY_HANDLE_DMA_BUF_KHR)			\
	X(SEMAPHORE_TYPES_KHR, cl_semaphore_type_khr,			\
	  CL_SEMAPHORE_TYPE_BINARY_KHR)					\
	X(SEMAPHORE_IMPORT_HANDLE_TYPES_KHR,				\
	  cl_external_semaphore_handle_type_khr,			\
	  CL_SEMAPHORE_HANDLE_SYNC_FD_KHR)				\
	X(SEMAPHORE_EXPORT_HANDLE_TYPES_KHR,				\
	  cl_external_semaphore_handle_type_khr,			\
	  CL_SEMAPHORE_HANDLE_SYNC_FD_KHR)				\
	X(COMMAND_BUFFER_CAPABILITIES_KHR,				\
	  cl_device_command_buffer_capabilities_khr,			\
	  CL_COMMAND_BUFFER_CAPABILITY_SIMULTANEOUS_USE_KHR |		\
	  CL_COMMAND_BUFFER_CAPABILITY_OUT_OF_ORDER_KHR)		\
	X(COMMAND_BUFFER_REQUIRED_QUEUE_PROPERTIES_KHR,			\
	  cl_command_queue_properties, 0)				\
	X(LUID_VALID_KHR, cl_bool, CL_FALSE)				\
	X(NODE_MASK_KHR, cl_uint, 0)

/* X(param, text) */
#define TEXTS(X)							\
	X(CL_DEVICE_VENDOR, "fxq")					\
	X(CL_DEVICE_PROFILE, "EMBEDDED_PROFILE")			\
	X(CL_DEVICE_VERSION, "OpenCL 3.0 fxq")				\
	X(CL_DEVICE_OPENCL_C_VERSION, "OpenCL C 1.2 ")			\
	X(CL_DEVICE_IL_VERSION, "")					\
	X(CL_DEVICE_LATEST_CONFORMANCE_VERSION_PASSED, "")		\
	X(CL_DEVICE_BUILT_IN_KERNELS, builtin_names)

#define OUT	param_value_size, param_value, param_value_size_ret
#define ARGS	size_t param_value_size, void *param_value,		\
		size_t *param_value_size_ret

static bool has_address(cl_device_id d)
{
	return d->address[0];
}

/* All of the platform's, and what only those on a bus have. */
static const char *extensions(cl_device_id d, char text[512])
{
	snprintf(text, 512, "%s%s", platform_extensions,
		 has_address(d) ? " cl_khr_pci_bus_info" : "");
	return text;
}

static cl_int answer_names(const char *names, char separator, ARGS)
{
	cl_name_version versions[32];
	size_t n = name_versions(names, separator, versions, 32);

	return answer(versions, n * sizeof(versions[0]), OUT);
}

static cl_ulong memory_bytes(void)
{
	return (cl_ulong)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

static cl_ulong allocation_bytes(void)
{
	return memory_bytes() < MEMORY_MAX ? memory_bytes() : MEMORY_MAX;
}

/* Which device this is, the same in each process: its name and address. */
static cl_int answer_uuid(cl_device_id d, bool driver, ARGS)
{
	cl_uchar uuid[CL_UUID_SIZE_KHR] = "fxq";
	uint64_t hash = 14695981039346656037ull;
	const char *text[] = { driver ? "driver" : d->name,
			       driver ? d->driver_version : d->address };

	for (int i = 0; i < 2; i++)
		for (const char *c = text[i]; *c; c++)
			hash = (hash ^ (uint8_t)*c) * 1099511628211ull;
	memcpy(uuid + 8, &hash, sizeof(hash));
	return answer(uuid, sizeof(uuid), OUT);
}

static cl_int answer_bus(cl_device_id d, ARGS)
{
	cl_device_pci_bus_info_khr bus;

	if (sscanf(d->address, "%x:%x:%x.%x", &bus.pci_domain, &bus.pci_bus,
		   &bus.pci_device, &bus.pci_function) != 4)
		return CL_INVALID_VALUE;
	return answer(&bus, sizeof(bus), OUT);
}

/* What differs between devices. */
static cl_int answer_own(cl_device_id d, cl_device_info param, ARGS)
{
	bool available = device_know(d);
	char text[512];

	switch (param) {
	case CL_DEVICE_NAME:
		snprintf(text, sizeof(text), "fxq %s", d->name);
		return answer_text(text, OUT);
	case CL_DRIVER_VERSION:
		return answer_text(*d->driver_version ? d->driver_version :
				   fxq_version(), OUT);
	case CL_DEVICE_MAX_CLOCK_FREQUENCY:
		return ANSWER(cl_uint, d->caps.clock_khz / 1000);
	case CL_DEVICE_LOCAL_MEM_SIZE:
		return ANSWER(cl_ulong, d->caps.spm_bytes);
	case CL_DEVICE_AVAILABLE:
		return ANSWER(cl_bool, available);
	case CL_DEVICE_EXTENSIONS:
		return answer_text(extensions(d, text), OUT);
	case CL_DEVICE_EXTENSIONS_WITH_VERSION:
		return answer_names(extensions(d, text), ' ', OUT);
	case CL_DEVICE_UUID_KHR:
		return answer_uuid(d, false, OUT);
	case CL_DRIVER_UUID_KHR:
		return answer_uuid(d, true, OUT);
	case CL_DEVICE_PCI_BUS_INFO_KHR:
		return answer_bus(d, OUT);
	}
	return CL_INVALID_VALUE;
}

static cl_int answer_list(cl_device_info param, ARGS)
{
	switch (param) {
	case CL_DEVICE_MAX_WORK_ITEM_SIZES:
		return answer((size_t[WORK_DIMENSIONS]){ 1, 1, 1 },
			      WORK_DIMENSIONS * sizeof(size_t), OUT);
	case CL_DEVICE_GLOBAL_MEM_SIZE:
		return ANSWER(cl_ulong, memory_bytes());
	case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
	case CL_DEVICE_MAX_CONSTANT_BUFFER_SIZE:
		return ANSWER(cl_ulong, allocation_bytes());
	case CL_DEVICE_PARTITION_PROPERTIES:
	case CL_DEVICE_PARTITION_TYPE:
		return ANSWER(cl_device_partition_property, 0);
	case CL_DEVICE_LUID_KHR:
		return answer((cl_uchar[CL_LUID_SIZE_KHR]){ 0 },
			      CL_LUID_SIZE_KHR, OUT);
#ifdef CL_DEVICE_COMMAND_BUFFER_SUPPORTED_QUEUE_PROPERTIES_KHR
	case CL_DEVICE_COMMAND_BUFFER_SUPPORTED_QUEUE_PROPERTIES_KHR:
		return ANSWER(cl_command_queue_properties,
			      CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE |
			      CL_QUEUE_PROFILING_ENABLE);
#endif
#ifdef CL_DEVICE_EXTERNAL_MEMORY_IMPORT_ASSUME_LINEAR_IMAGES_HANDLE_TYPES_KHR
	case CL_DEVICE_EXTERNAL_MEMORY_IMPORT_ASSUME_LINEAR_IMAGES_HANDLE_TYPES_KHR:
#endif
	case CL_DEVICE_ILS_WITH_VERSION:
	case CL_DEVICE_OPENCL_C_FEATURES:
	case CL_DEVICE_OPENCL_C_ALL_VERSIONS:
		return answer(NULL, 0, OUT);
	case CL_DEVICE_BUILT_IN_KERNELS_WITH_VERSION:
		return answer_names(builtin_names, ';', OUT);
	}
	return CL_INVALID_VALUE;
}

cl_int clGetDeviceInfo(cl_device_id device, cl_device_info param_name,
		       size_t param_value_size, void *param_value,
		       size_t *param_value_size_ret)
{
	cl_int ret;

	if (!device_is(device))
		return CL_INVALID_DEVICE;
	switch (param_name) {
#define X(param, type, value)						\
	case CL_DEVICE_##param:						\
		return ANSWER(type, value);
	CONSTANTS(X)
#undef X
#define X(param, text)							\
	case param:							\
		return answer_text(text, OUT);
	TEXTS(X)
#undef X
	}
	ret = answer_list(param_name, OUT);
	/* It is no list, or it was one, and there is no room. */
	return ret ? answer_own(device, param_name, OUT) : ret;
}
