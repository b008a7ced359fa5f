// SPDX-License-Identifier: MIT
/*
 * Tests of the OpenCL driver: how loaders find it, platform, devices, contexts.
 */
#include <dlfcn.h>

#include "opencl_kit.h"

#include <CL/cl_icd.h>

static cl_int ask_platform(cl_uint param, size_t room, void *to, size_t *ret)
{
	return clGetPlatformInfo(platform, param, room, to, ret);
}

static void platform_tells(void **state)
{
	static const struct kit_param params[] = {
		{ CL_PLATFORM_PROFILE, sizeof("EMBEDDED_PROFILE") },
		{ CL_PLATFORM_VERSION, sizeof("OpenCL 3.0 fxq") },
		{ CL_PLATFORM_NAME, sizeof("fxq") },
		{ CL_PLATFORM_VENDOR, sizeof("fxq") },
		{ CL_PLATFORM_EXTENSIONS, 0 },
		{ CL_PLATFORM_ICD_SUFFIX_KHR, sizeof("FXQ") },
		{ CL_PLATFORM_HOST_TIMER_RESOLUTION, sizeof(cl_ulong) },
		{ CL_PLATFORM_NUMERIC_VERSION, sizeof(cl_version) },
		{ CL_PLATFORM_EXTENSIONS_WITH_VERSION, 0 },
	};

	kit_params(ask_platform, params, COUNT(params));
	IS(CL_INVALID_PLATFORM, clGetPlatformInfo((cl_platform_id)device,
			CL_PLATFORM_NAME, 0, NULL, NULL));
	OK(clUnloadPlatformCompiler(platform));
	IS(CL_INVALID_PLATFORM,
	   clUnloadPlatformCompiler((cl_platform_id)device));
	OK(clUnloadCompiler());
	/* Both are the loader's own, which asks the driver. */
	IS(CL_INVALID_VALUE, clGetPlatformIDs(0, &platform, NULL));
	IS(CL_INVALID_VALUE, clGetPlatformIDs(0, NULL, NULL));
	assert_null(clGetExtensionFunctionAddress("clNothingFXQ"));
}

/* Text and array say the same, as the specification wants. */
static void extensions_agree(void **state)
{
	cl_name_version versions[32];
	char text[1024], joined[1024] = "";
	size_t bytes;

	OK(clGetDeviceInfo(device, CL_DEVICE_EXTENSIONS, sizeof(text), text,
			   NULL));
	OK(clGetDeviceInfo(device, CL_DEVICE_EXTENSIONS_WITH_VERSION,
			   sizeof(versions), versions, &bytes));
	for (size_t i = 0; i < bytes / sizeof(*versions); i++) {
		strcat(joined, i ? " " : "");
		strcat(joined, versions[i].name);
		assert_true(versions[i].version >= CL_MAKE_VERSION(0, 9, 0));
	}
	assert_string_equal(text, joined);
	assert_non_null(strstr(text, "cl_khr_icd"));
}

/* What the platform has each of its devices has, though some have more. */
static void devices_have_the_platforms_extensions(void **state)
{
	char all[1024], text[1026];
	cl_device_id devices[8];
	cl_uint n;

	OK(clGetPlatformInfo(platform, CL_PLATFORM_EXTENSIONS, sizeof(all), all,
			     NULL));
	OK(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, COUNT(devices), devices,
			  &n));
	for (cl_uint i = 0; i < n && i < COUNT(devices); i++) {
		char names[sizeof(all)], *rest = names, *name;

		strcpy(text, " ");
		OK(clGetDeviceInfo(devices[i], CL_DEVICE_EXTENSIONS,
				   sizeof(all), text + 1, NULL));
		strcat(text, " ");
		strcpy(names, all);
		while ((name = strsep(&rest, " "))) {
			char whole[80];

			snprintf(whole, sizeof(whole), " %.70s ", name);
			if (!strstr(text, whole))
				fail_msg("device %u has no %s", i, name);
		}
	}
}

static void devices_by_type(void **state)
{
	static const struct {
		cl_device_type type;
		cl_int ret;
	} types[] = {
		{ CL_DEVICE_TYPE_ALL, CL_SUCCESS },
		{ CL_DEVICE_TYPE_CUSTOM, CL_SUCCESS },
		{ CL_DEVICE_TYPE_DEFAULT, CL_SUCCESS },
		{ CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_CUSTOM, CL_SUCCESS },
		{ CL_DEVICE_TYPE_CPU, CL_DEVICE_NOT_FOUND },
		{ CL_DEVICE_TYPE_GPU, CL_DEVICE_NOT_FOUND },
		{ CL_DEVICE_TYPE_ACCELERATOR, CL_DEVICE_NOT_FOUND },
		{ 0, CL_INVALID_DEVICE_TYPE },
		{ 1 << 20, CL_INVALID_DEVICE_TYPE },
	};
	cl_device_id found[64];
	cl_uint n;

	for (size_t i = 0; i < COUNT(types); i++) {
		n = 77;
		IS(types[i].ret, clGetDeviceIDs(platform, types[i].type, 64,
						found, &n));
		if (types[i].ret == CL_SUCCESS)
			assert_int_not_equal(n, 0);
		if (types[i].ret == CL_DEVICE_NOT_FOUND)
			assert_int_equal(n, 0);
	}
	OK(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &n));
	IS(CL_INVALID_VALUE, clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0,
					    found, NULL));
	IS(CL_INVALID_VALUE, clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1,
					    NULL, NULL));
	IS(CL_INVALID_PLATFORM, clGetDeviceIDs((cl_platform_id)device,
			CL_DEVICE_TYPE_ALL, 1, found, NULL));
}

static cl_int ask_device(cl_uint param, size_t room, void *to, size_t *ret)
{
	return clGetDeviceInfo(device, param, room, to, ret);
}

static void device_tells(void **state)
{
	struct kit_param params[0x80];
	size_t n = 0;
	size_t group, items[3];
	cl_bool yes;
	cl_ulong max, all;

	/* All of OpenCL 3.0: one number after another. */
	for (cl_uint p = CL_DEVICE_TYPE; p <= 0x1072; p++)
		params[n++] = (struct kit_param){ p, 0 };
	kit_params(ask_device, params, n);
	OK(clGetDeviceInfo(device, CL_DEVICE_AVAILABLE, sizeof(yes), &yes,
			   NULL));
	assert_int_equal(yes, CL_TRUE);
	OK(clGetDeviceInfo(device, CL_DEVICE_COMPILER_AVAILABLE, sizeof(yes),
			   &yes, NULL));
	assert_int_equal(yes, CL_FALSE);
	OK(clGetDeviceInfo(device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, 8, &max,
			   NULL));
	OK(clGetDeviceInfo(device, CL_DEVICE_GLOBAL_MEM_SIZE, 8, &all, NULL));
	assert_true(max >= all / 4);
	OK(clGetDeviceInfo(device, CL_DEVICE_MAX_WORK_GROUP_SIZE,
			   sizeof(group), &group, NULL));
	OK(clGetDeviceInfo(device, CL_DEVICE_MAX_WORK_ITEM_SIZES,
			   sizeof(items), items, NULL));
	for (int i = 0; i < 3; i++)
		assert_true(items[i] >= 1 && items[i] <= group);
	IS(CL_INVALID_DEVICE, clGetDeviceInfo((cl_device_id)context,
			CL_DEVICE_NAME, 0, NULL, NULL));
}

static void devices_have_no_parts(void **state)
{
	const cl_device_partition_property equally[] = {
		CL_DEVICE_PARTITION_EQUALLY, 1, 0
	};
	cl_ulong a, b;

	IS(CL_INVALID_VALUE, clCreateSubDevices(device, equally, 0, NULL,
						NULL));
	IS(CL_INVALID_DEVICE, clCreateSubDevices((cl_device_id)context,
						 equally, 0, NULL, NULL));
	OK(clRetainDevice(device));
	OK(clReleaseDevice(device));
	IS(CL_INVALID_DEVICE, clRetainDevice((cl_device_id)context));
	IS(CL_INVALID_DEVICE, clReleaseDevice((cl_device_id)context));

	OK(clGetDeviceAndHostTimer(device, &a, &b));
	assert_int_equal(a, b);
	OK(clGetHostTimer(device, &b));
	assert_true(b >= a);
	IS(CL_INVALID_VALUE, clGetDeviceAndHostTimer(device, NULL, &b));
	IS(CL_INVALID_VALUE, clGetDeviceAndHostTimer(device, &b, NULL));
	IS(CL_INVALID_VALUE, clGetHostTimer(device, NULL));
	IS(CL_INVALID_DEVICE, clGetHostTimer((cl_device_id)context, &b));
	IS(CL_INVALID_DEVICE, clGetDeviceAndHostTimer((cl_device_id)context,
						      &a, &b));
}

static cl_int ask_context(cl_uint param, size_t room, void *to, size_t *ret)
{
	return clGetContextInfo(context, param, room, to, ret);
}

static void context_tells(void **state)
{
	static const struct kit_param params[] = {
		{ CL_CONTEXT_REFERENCE_COUNT, sizeof(cl_uint) },
		{ CL_CONTEXT_NUM_DEVICES, sizeof(cl_uint) },
		{ CL_CONTEXT_DEVICES, sizeof(cl_device_id) },
		{ CL_CONTEXT_PROPERTIES, 0 },
	};

	kit_params(ask_context, params, COUNT(params));
	OK(clRetainContext(context));
	assert_int_equal(kit_refs(clGetContextInfo, context,
				  CL_CONTEXT_REFERENCE_COUNT), 2);
	OK(clReleaseContext(context));
	assert_int_equal(kit_refs(clGetContextInfo, context,
				  CL_CONTEXT_REFERENCE_COUNT), 1);
	IS(CL_INVALID_CONTEXT, clRetainContext((cl_context)queue));
	IS(CL_INVALID_CONTEXT, clReleaseContext((cl_context)queue));
	IS(CL_INVALID_CONTEXT, clGetContextInfo((cl_context)queue,
			CL_CONTEXT_DEVICES, 0, NULL, NULL));
}

static void CL_CALLBACK told(const char *why, const void *data, size_t n,
			     void *user_data)
{
}

static void contexts_refuse(void **state)
{
	cl_context_properties bad[] = { 0x7777, 1, 0 };
	cl_context_properties twice[] = {
		CL_CONTEXT_PLATFORM, (cl_context_properties)platform,
		CL_CONTEXT_PLATFORM, (cl_context_properties)platform, 0
	};
	cl_context_properties sync_twice[] = {
		CL_CONTEXT_INTEROP_USER_SYNC, CL_TRUE,
		CL_CONTEXT_INTEROP_USER_SYNC, CL_TRUE, 0
	};
	cl_context_properties no_bool[] = { CL_CONTEXT_INTEROP_USER_SYNC, 7, 0 };
	cl_context_properties wrong[] = {
		CL_CONTEXT_PLATFORM, (cl_context_properties)device, 0
	};
	cl_device_id devices[] = { device, (cl_device_id)context };

	NONE(CL_INVALID_PROPERTY, clCreateContext(bad, 1, &device, NULL, NULL,
						  &err));
	NONE(CL_INVALID_PROPERTY, clCreateContext(twice, 1, &device, NULL,
						  NULL, &err));
	NONE(CL_INVALID_PROPERTY, clCreateContext(sync_twice, 1, &device, NULL,
						  NULL, &err));
	NONE(CL_INVALID_PROPERTY, clCreateContext(no_bool, 1, &device, NULL,
						  NULL, &err));
	NONE(CL_INVALID_PLATFORM, clCreateContext(wrong, 1, &device, NULL,
						  NULL, &err));
	NONE(CL_INVALID_VALUE, clCreateContext(NULL, 0, &device, NULL, NULL,
					       &err));
	NONE(CL_INVALID_VALUE, clCreateContext(NULL, 1, &device, NULL,
					       &device, &err));
	NONE(CL_INVALID_DEVICE, clCreateContext(NULL, 2, devices, NULL, NULL,
						&err));
	NONE(CL_DEVICE_NOT_FOUND, clCreateContextFromType(twice + 2,
			CL_DEVICE_TYPE_GPU, NULL, NULL, &err));
	NONE(CL_INVALID_DEVICE_TYPE, clCreateContextFromType(twice + 2,
			1 << 20, NULL, NULL, &err));
	NONE(CL_INVALID_VALUE, clCreateContextFromType(twice + 2,
			CL_DEVICE_TYPE_ALL, NULL, &device, &err));
	NONE(CL_INVALID_PROPERTY, clCreateContextFromType(twice,
			CL_DEVICE_TYPE_ALL, NULL, NULL, &err));
	NONE(CL_INVALID_PLATFORM, clCreateContextFromType(wrong,
			CL_DEVICE_TYPE_ALL, NULL, NULL, &err));
}

static char order[8];

static void CL_CALLBACK note(cl_context gone, void *user_data)
{
	strcat(order, user_data);
}

static void contexts_say_goodbye(void **state)
{
	cl_context_properties of_platform[] = {
		CL_CONTEXT_PLATFORM, (cl_context_properties)platform,
		CL_CONTEXT_INTEROP_USER_SYNC, CL_TRUE, 0
	};
	cl_context c = SOME(clCreateContextFromType(of_platform,
			CL_DEVICE_TYPE_ALL, told, NULL, &err));
	cl_context_properties kept[5];

	OK(clGetContextInfo(c, CL_CONTEXT_PROPERTIES, sizeof(kept), kept,
			    NULL));
	assert_memory_equal(kept, of_platform, sizeof(kept));
	IS(CL_INVALID_CONTEXT, clSetContextDestructorCallback((cl_context)queue,
							      note, "a"));
	IS(CL_INVALID_VALUE, clSetContextDestructorCallback(c, NULL, NULL));
	OK(clSetContextDestructorCallback(c, note, "a"));
	OK(clSetContextDestructorCallback(c, note, "b"));
	OK(clReleaseContext(c));
	assert_string_equal(order, "ba");
}

/* What a loader does with the library itself, both old and new ones. */
static void loaders_find_it(void **state)
{
	void *library = dlopen(DRIVER, RTLD_NOW);
	void *(*find)(const char *);
	cl_int (*platforms)(cl_uint, cl_platform_id *, cl_uint *);
	void *(*of_platform)(cl_platform_id, const char *);
	cl_int (*set_data)(cl_platform_id, void *);
	void *(*const *slots)(void);
	cl_platform_id mine;
	cl_uint n;

	assert_non_null(library);
	find = dlsym(library, "clGetExtensionFunctionAddress");
	assert_null(dlsym(library, "clCreateContext"));
	platforms = find("clIcdGetPlatformIDsKHR");
	IS(CL_INVALID_VALUE, platforms(0, &mine, NULL));
	IS(CL_INVALID_VALUE, platforms(1, NULL, NULL));
	OK(platforms(1, &mine, &n));
	assert_int_equal(n, 1);
	assert_null(find("clNothing"));
	assert_null(find(NULL));

	/* The first word is the table, whose two marked slots are no functions. */
	slots = *(void *(*const **)(void))mine;
	assert_int_equal((uintptr_t)slots[0], 0x4F50454E434C3331);
	of_platform = find("clIcdGetFunctionAddressForPlatformKHR");
	set_data = find("clIcdSetPlatformDispatchDataKHR");
	assert_ptr_equal(of_platform(mine, "clCreateBuffer"),
			 find("clCreateBuffer"));
	assert_null(of_platform((cl_platform_id)&n, "clCreateBuffer"));
	IS(CL_INVALID_PLATFORM, set_data((cl_platform_id)&n, &n));
	dlclose(library);
}

/* A loader calls what is in a slot blindly. */
static void core_slots_are_filled(void **state)
{
	const cl_icd_dispatch *table = *(const cl_icd_dispatch **)context;
	void *const *slots = (void *const *)table;
	static const struct {
		size_t first, last;
	} holes[] = {		/* GL, D3D10, EXT, GL event, D3D11, DX9, EGL */
#define HOLE(a, b)	{ offsetof(cl_icd_dispatch, a) / sizeof(void *),	\
			  offsetof(cl_icd_dispatch, b) / sizeof(void *) }
		HOLE(clCreateFromGLBuffer, clEnqueueReleaseD3D10ObjectsKHR),
		HOLE(clCreateSubDevicesEXT, clCreateEventFromGLsyncKHR),
		HOLE(clCreateFromGLTexture, clCreateEventFromEGLSyncKHR),
		HOLE(clGetKernelSubGroupInfoKHR, clGetKernelSubGroupInfoKHR),
	};
	size_t last = offsetof(cl_icd_dispatch, clSetContextDestructorCallback);

	for (size_t i = 0; i <= last / sizeof(void *); i++) {
		bool hole = false;

		for (size_t k = 0; k < COUNT(holes); k++)
			hole |= i >= holes[k].first && i <= holes[k].last;
		if (!hole && !slots[i])
			fail_msg("slot %zu is empty", i);
	}
	assert_non_null(clGetExtensionFunctionAddressForPlatform(platform,
			"clCreateCommandQueueWithPropertiesKHR"));
	assert_null(clGetExtensionFunctionAddressForPlatform(platform,
							     "clNothing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(platform_tells),
		cmocka_unit_test(extensions_agree),
		cmocka_unit_test(devices_have_the_platforms_extensions),
		cmocka_unit_test(devices_by_type),
		cmocka_unit_test(device_tells),
		cmocka_unit_test(devices_have_no_parts),
		cmocka_unit_test(context_tells),
		cmocka_unit_test(contexts_refuse),
		cmocka_unit_test(contexts_say_goodbye),
		cmocka_unit_test(loaders_find_it),
		cmocka_unit_test(core_slots_are_filled),
	};

	return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
