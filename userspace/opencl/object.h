/* SPDX-License-Identifier: MIT */
/*
 * object.h - what all handles have in common; every file begins with it
 *
 *	platform -> device -> context -> queue -> event
 *	                         |-> mem, program -> kernel
 *
 * A program counts its references to an object, and is told that count; the
 * driver has references of its own on top, so that releases may come in any
 * order.
 *
 * Entry points are named as the specification names them; the loader reaches
 * them through the table in dispatch.c and none of them is exported.
 */
#ifndef FXQ_OPENCL_OBJECT_H
#define FXQ_OPENCL_OBJECT_H

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_0_APIS
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#define CL_USE_DEPRECATED_OPENCL_2_0_APIS
#define CL_USE_DEPRECATED_OPENCL_2_1_APIS
#define CL_USE_DEPRECATED_OPENCL_2_2_APIS
#define CL_ENABLE_BETA_EXTENSIONS	/* command buffers */
#include <CL/cl.h>
#include <CL/cl_ext.h>
#include <CL/cl_icd.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kind {
	KIND_PLATFORM = 0x66785100,
	KIND_DEVICE,
	KIND_CONTEXT,
	KIND_QUEUE,
	KIND_MEM,
	KIND_PROGRAM,
	KIND_KERNEL,
	KIND_EVENT,
	KIND_SEMAPHORE,
	KIND_COMMAND_BUFFER,
};

/*
 * struct object - what each handle points to
 * @dispatch, @dispatch_data: the loader's: our table, and its own
 * @handles: references that the program holds; with none left, its handle is
 *	     invalid
 * @refs: our own; all that the program holds count as one
 * @watchers: know of it, and keep no more than its memory; all @refs count as
 *	      one
 * @destroy: after the last of @refs: releases what it holds
 */
struct object {
	const cl_icd_dispatch *dispatch;
	void *dispatch_data;
	enum kind kind;
	atomic_uint handles, refs, watchers;
	void (*destroy)(struct object *object);
};

/* @size zeroed bytes that begin with an object, which the program holds once. */
void *object_create(enum kind kind, size_t size,
		    void (*destroy)(struct object *object));
void *object_get(void *object);
void object_put(void *object);		/* accepts NULL */
/* To look at it later, when it may be gone. */
void *object_watch(void *object);
void object_forget(void *object);	/* accepts NULL */
/* A reference to what is watched; NULL: it is gone. */
void *object_revive(void *object);
/* Is it a handle to an object of ours, of that kind, that the program holds? */
bool object_is(const void *handle, enum kind kind);
/*
 * A reference of ours becomes one of the program's, though it may hold none any
 * more: the handle is valid until that is released.
 */
void object_hold(void *object);
/* What clRetain…() and clRelease…() do; @invalid is for what is no @kind. */
cl_int object_retain(void *handle, enum kind kind, cl_int invalid);
cl_int object_release(void *handle, enum kind kind, cl_int invalid);

/*
 * What clGet…Info() ends with: @bytes at @from to the caller's memory and size.
 * CL_INVALID_VALUE if there is memory, but not enough.
 */
cl_int answer(const void *from, size_t bytes, size_t room, void *to,
	      size_t *ret_bytes);
cl_int answer_text(const char *text, size_t room, void *to, size_t *ret_bytes);
#define ANSWER(type, value)						\
	answer(&(type){ value }, sizeof(type), param_value_size,	\
	       param_value, param_value_size_ret)

/* For functions that return a handle: writes @err, if asked, and returns NULL. */
void *fail(cl_int *errcode_ret, cl_int err);

/*
 * struct callback - a function of the program's that is called once
 * @object: that it is told of
 * @fn: by its owner's type
 */
struct callback {
	struct callback *next;
	void *object;
	void (*fn)(void);
	void *user_data;
	cl_int when;		/* event: the status it waits for */
	cl_int status;		/* event: the status that came */
};

struct callback *callback_new(void (*fn)(void), void *user_data);

#endif /* FXQ_OPENCL_OBJECT_H */
