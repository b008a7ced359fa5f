// SPDX-License-Identifier: MIT
/*
 * object.c - what all handles have in common
 */
#include <stdlib.h>
#include <string.h>

#include "platform.h"

void *object_create(enum kind kind, size_t size,
		    void (*destroy)(struct object *object))
{
	struct object *object = calloc(1, size);

	if (!object)
		return NULL;
	object->dispatch = &dispatch_table;
	object->dispatch_data = platform.base.dispatch_data;
	object->kind = kind;
	object->destroy = destroy;
	atomic_init(&object->handles, 1);
	atomic_init(&object->refs, 1);
	atomic_init(&object->watchers, 1);
	return object;
}

void *object_get(void *handle)
{
	struct object *object = handle;

	atomic_fetch_add(&object->refs, 1);
	return object;
}

void object_put(void *handle)
{
	struct object *object = handle;

	if (!object || atomic_fetch_sub(&object->refs, 1) > 1)
		return;
	object->kind = 0;
	object->dispatch = NULL;
	object->destroy(object);
	object_forget(object);
}

void *object_watch(void *handle)
{
	struct object *object = handle;

	atomic_fetch_add(&object->watchers, 1);
	return object;
}

void object_forget(void *handle)
{
	struct object *object = handle;

	if (object && atomic_fetch_sub(&object->watchers, 1) == 1)
		free(object);
}

void *object_revive(void *handle)
{
	struct object *object = handle;
	unsigned int refs = atomic_load(&object->refs);

	while (refs)
		if (atomic_compare_exchange_weak(&object->refs, &refs,
						 refs + 1))
			return object;
	return NULL;
}

bool object_is(const void *handle, enum kind kind)
{
	const struct object *object = handle;

	return object && (uintptr_t)object % _Alignof(struct object) == 0 &&
	       object->dispatch == &dispatch_table && object->kind == kind &&
	       atomic_load(&object->handles);
}

void object_hold(void *handle)
{
	struct object *object = handle;

	if (atomic_fetch_add(&object->handles, 1))
		object_put(object);
}

cl_int object_retain(void *handle, enum kind kind, cl_int invalid)
{
	struct object *object = handle;

	if (!object_is(object, kind))
		return invalid;
	atomic_fetch_add(&object->handles, 1);
	return CL_SUCCESS;
}

cl_int object_release(void *handle, enum kind kind, cl_int invalid)
{
	struct object *object = handle;

	if (!object_is(object, kind))
		return invalid;
	if (atomic_fetch_sub(&object->handles, 1) == 1)
		object_put(object);
	return CL_SUCCESS;
}

cl_int answer(const void *from, size_t bytes, size_t room, void *to,
	      size_t *ret_bytes)
{
	if (to && room < bytes)
		return CL_INVALID_VALUE;
	if (to && bytes)
		memcpy(to, from, bytes);
	if (ret_bytes)
		*ret_bytes = bytes;
	return CL_SUCCESS;
}

cl_int answer_text(const char *text, size_t room, void *to, size_t *ret_bytes)
{
	return answer(text, strlen(text) + 1, room, to, ret_bytes);
}

void *fail(cl_int *errcode_ret, cl_int err)
{
	if (errcode_ret)
		*errcode_ret = err;
	return NULL;
}

struct callback *callback_new(void (*fn)(void), void *user_data)
{
	struct callback *callback = calloc(1, sizeof(*callback));

	if (callback) {
		callback->fn = fn;
		callback->user_data = user_data;
	}
	return callback;
}
