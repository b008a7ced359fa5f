/* SPDX-License-Identifier: MIT */
/*
 * platform.h - where programs find what there is: the table of functions, the
 * platform, its devices, and contexts of devices that work together
 *
 * A context's lock protects its queues, their events and lists of callbacks. It
 * is never held while a command runs or a callback is called.
 */
#ifndef FXQ_OPENCL_PLATFORM_H
#define FXQ_OPENCL_PLATFORM_H

#include <fxq/fxq.h>

#include "object.h"

#define DEVICES_MAX	64

/* dispatch.c */

extern const cl_icd_dispatch dispatch_table;
/* The address of an extension's function; NULL. */
void *extension_function(const char *name);

/* platform.c */

struct _cl_platform_id {
	struct object base;
};

extern struct _cl_platform_id platform;

/* The list @names as an array of names with versions; how many. */
size_t name_versions(const char *names, char separator, cl_name_version *to,
		     size_t max);
extern const char platform_extensions[];	/* separated by spaces */

/* device.c */

/*
 * struct _cl_device_id - a device of libfxq's, open while a context uses it
 * @lock: protects what follows
 * @users: contexts, and whoever looks at it
 * @known: caps, address and version have been read
 */
struct _cl_device_id {
	struct object base;
	char name[64];
	pthread_mutex_t lock;
	struct fxq_device *fxq;
	unsigned int users;
	bool known;
	struct fxq_device_caps caps;
	char address[64], driver_version[64];
};

/* All of this computer's; the list is made at the first call. */
cl_uint device_list(cl_device_id to[DEVICES_MAX]);
bool device_is(cl_device_id device);
int device_open(cl_device_id device);
void device_close(cl_device_id device);
/* Reads who it is, for which it is opened once. False: it does not open. */
bool device_know(cl_device_id device);
/* Those that a call names, each valid; 0, or an error. */
cl_int device_check_list(cl_uint n, const cl_device_id *devices);
cl_ulong clock_ns(void);

/* context.c */

struct _cl_context {
	struct object base;
	cl_uint n_devices;
	cl_device_id *devices;
	cl_context_properties *properties;
	size_t n_properties;
	void (CL_CALLBACK *notify)(const char *, const void *, size_t, void *);
	void *notify_data;
	pthread_mutex_t lock;
	pthread_cond_t changed;	/* the status of an event */
	struct callback *destructors;
};

bool context_is(cl_context context);
bool context_has(cl_context context, cl_device_id device);
/*
 * Tells the program in a sentence why a call is refused or a command failed, if
 * it wants to know. No lock is held.
 */
__attribute__((format(printf, 2, 3)))
void context_tell(cl_context context, const char *format, ...);

#endif /* FXQ_OPENCL_PLATFORM_H */
