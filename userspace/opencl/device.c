// SPDX-License-Identifier: MIT
/*
 * device.c - the devices of this computer, opened while they are needed
 *
 * Listing opens nothing, for loaders list at start whatever the program wants;
 * a node that does not open is listed as not available.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "platform.h"

static struct _cl_device_id devices[DEVICES_MAX];
static cl_uint n_devices;

cl_ulong clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void list_all(void)
{
	const char *name;

	while (n_devices < DEVICES_MAX && (name = fxq_device_name(n_devices))) {
		cl_device_id d = &devices[n_devices++];

		d->base.dispatch = &dispatch_table;
		d->base.dispatch_data = platform.base.dispatch_data;
		d->base.kind = KIND_DEVICE;
		atomic_init(&d->base.handles, 1);
		atomic_init(&d->base.refs, 1);
		pthread_mutex_init(&d->lock, NULL);
		snprintf(d->name, sizeof(d->name), "%s", name);
	}
}

cl_uint device_list(cl_device_id to[DEVICES_MAX])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, list_all);
	for (cl_uint i = 0; i < n_devices; i++)
		to[i] = &devices[i];
	return n_devices;
}

bool device_is(cl_device_id device)
{
	return device >= devices && device < devices + DEVICES_MAX &&
	       object_is(device, KIND_DEVICE);
}

cl_int device_check_list(cl_uint n, const cl_device_id *list)
{
	if (!n != !list)
		return CL_INVALID_VALUE;
	for (cl_uint i = 0; i < n; i++)
		if (!device_is(list[i]))
			return CL_INVALID_DEVICE;
	return CL_SUCCESS;
}

/* With the lock. */
static void read_device(cl_device_id d)
{
	struct fxq_device_info info;

	fxq_device_info(d->fxq, &info);
	fxq_device_caps(d->fxq, &d->caps);
	snprintf(d->address, sizeof(d->address), "%s", info.address);
	snprintf(d->driver_version, sizeof(d->driver_version), "%s",
		 info.driver_version);
	d->known = true;
}

int device_open(cl_device_id d)
{
	int ret = 0;

	pthread_mutex_lock(&d->lock);
	if (!d->fxq)
		ret = fxq_device_open(d->name, NULL, &d->fxq);
	if (!ret) {
		d->users++;
		if (!d->known)
			read_device(d);
	}
	pthread_mutex_unlock(&d->lock);
	return ret;
}

void device_close(cl_device_id d)
{
	pthread_mutex_lock(&d->lock);
	if (!--d->users) {
		fxq_device_close(d->fxq);
		d->fxq = NULL;
	}
	pthread_mutex_unlock(&d->lock);
}

bool device_know(cl_device_id d)
{
	bool known;

	pthread_mutex_lock(&d->lock);
	known = d->known;
	pthread_mutex_unlock(&d->lock);
	if (known)
		return true;
	if (device_open(d))
		return false;
	device_close(d);
	return true;
}

cl_int clGetDeviceIDs(cl_platform_id id, cl_device_type device_type,
		      cl_uint num_entries, cl_device_id *ret_devices,
		      cl_uint *num_devices)
{
	const cl_device_type known = CL_DEVICE_TYPE_DEFAULT |
		CL_DEVICE_TYPE_CPU | CL_DEVICE_TYPE_GPU |
		CL_DEVICE_TYPE_ACCELERATOR | CL_DEVICE_TYPE_CUSTOM;
	cl_device_id all[DEVICES_MAX];
	cl_uint n;

	if (id && id != &platform)
		return CL_INVALID_PLATFORM;
	if (device_type != CL_DEVICE_TYPE_ALL &&
	    (!device_type || device_type & ~known))
		return CL_INVALID_DEVICE_TYPE;
	if ((!num_entries && ret_devices) || (!ret_devices && !num_devices))
		return CL_INVALID_VALUE;
	n = device_list(all);
	if (!(device_type & (CL_DEVICE_TYPE_CUSTOM | CL_DEVICE_TYPE_DEFAULT)))
		n = 0;
	else if (!(device_type & CL_DEVICE_TYPE_CUSTOM))
		n = 1;
	if (num_devices)
		*num_devices = n;
	for (cl_uint i = 0; ret_devices && i < n && i < num_entries; i++)
		ret_devices[i] = all[i];
	return n ? CL_SUCCESS : CL_DEVICE_NOT_FOUND;
}

/* Devices are not made and do not go: counting them is allowed, and nothing. */
cl_int clRetainDevice(cl_device_id device)
{
	return device_is(device) ? CL_SUCCESS : CL_INVALID_DEVICE;
}

cl_int clReleaseDevice(cl_device_id device)
{
	return device_is(device) ? CL_SUCCESS : CL_INVALID_DEVICE;
}

/* No way of partitioning is offered, so any asked for is none of ours. */
cl_int clCreateSubDevices(cl_device_id device,
			  const cl_device_partition_property *properties,
			  cl_uint num_devices, cl_device_id *out_devices,
			  cl_uint *num_devices_ret)
{
	return device_is(device) ? CL_INVALID_VALUE : CL_INVALID_DEVICE;
}
