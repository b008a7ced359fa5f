// SPDX-License-Identifier: MIT
/*
 * peer_ort.c - ONNX Runtime, asked for every value
 *
 * One thread, and the optimizations that make integer operators of operators
 * between pairs; not those that lay tensors out anew, which change no value.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <onnxruntime_c_api.h>

#include "peer.h"

#define OLDEST_API	17

/* struct session - the values are ONNX Runtime's, of the last run */
struct session {
	OrtSession *ort;
	size_t n_out;
	char **name;
	OrtValue **value;
};

static const OrtApi *api;
static OrtEnv *env;

static bool fine(OrtStatus *status, char *why)
{
	if (!status)
		return true;
	snprintf(why, PEER_REASON, "%s", api->GetErrorMessage(status));
	api->ReleaseStatus(status);
	return false;
}

const char *ort_open(const char *library, char *why)
{
	const OrtApiBase *(*base)(void);
	void *so = dlopen(library, RTLD_NOW | RTLD_LOCAL);

	*(void **)&base = so ? dlsym(so, "OrtGetApiBase") : NULL;
	if (!base) {
		snprintf(why, PEER_REASON, "%s", dlerror());
		return NULL;
	}
	api = base()->GetApi(OLDEST_API);
	if (!api) {
		snprintf(why, PEER_REASON, "%s is older than interface %d",
			 base()->GetVersionString(), OLDEST_API);
		return NULL;
	}
	return fine(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "peer", &env), why) ?
	       base()->GetVersionString() : NULL;
}

static bool create(struct session *s, const void *data, size_t size,
		   const char *optimized, char *why)
{
	OrtSessionOptions *o;
	bool ok;

	if (!fine(api->CreateSessionOptions(&o), why))
		return false;
	ok = fine(api->SetIntraOpNumThreads(o, 1), why) &&
	     fine(api->SetSessionGraphOptimizationLevel(o,
			ORT_ENABLE_EXTENDED), why) &&
	     fine(api->SetOptimizedModelFilePath(o, optimized), why) &&
	     fine(api->CreateSessionFromArray(env, data, size, o, &s->ort),
		  why);
	api->ReleaseSessionOptions(o);
	return ok;
}

static bool name_outputs(struct session *s, char *why)
{
	OrtAllocator *a;

	if (!fine(api->SessionGetOutputCount(s->ort, &s->n_out), why) ||
	    !fine(api->GetAllocatorWithDefaultOptions(&a), why))
		return false;
	s->name = calloc(s->n_out, sizeof(*s->name));
	s->value = calloc(s->n_out, sizeof(*s->value));
	for (size_t i = 0; i < s->n_out; i++) {
		char *name;

		if (!fine(api->SessionGetOutputName(s->ort, i, a, &name), why))
			return false;
		s->name[i] = strdup(name);
		a->Free(a, name);
	}
	return true;
}

struct session *session_open(const void *data, size_t size,
			     const char *optimized, char *why)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s && create(s, data, size, optimized, why) && name_outputs(s, why))
		return s;
	session_close(s);
	return NULL;
}

static void drop_values(struct session *s)
{
	for (size_t i = 0; s->value && i < s->n_out; i++) {
		if (s->value[i])
			api->ReleaseValue(s->value[i]);
		s->value[i] = NULL;
	}
}

void session_close(struct session *s)
{
	if (!s)
		return;
	drop_values(s);
	for (size_t i = 0; s->name && i < s->n_out; i++)
		free(s->name[i]);
	if (s->ort)
		api->ReleaseSession(s->ort);
	free(s->name);
	free(s->value);
	free(s);
}

static bool wrap(const struct fxq_tensor *t, OrtValue **ret, char *why)
{
	OrtMemoryInfo *memory;
	bool ok;

	if (!fine(api->CreateCpuMemoryInfo(OrtDeviceAllocator,
					   OrtMemTypeDefault, &memory), why))
		return false;
	ok = fine(api->CreateTensorWithDataAsOrtValue(memory, t->data,
			fxq_tensor_bytes(t), t->dims, t->rank,
			ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, ret), why);
	api->ReleaseMemoryInfo(memory);
	return ok;
}

/* Elements and type of @v. */
static bool look(OrtValue *v, int64_t *ret_count,
		 ONNXTensorElementDataType *ret_type, void **ret_data)
{
	OrtTensorTypeAndShapeInfo *info;
	size_t count = 0;
	char why[PEER_REASON];
	bool ok;

	if (!fine(api->GetTensorTypeAndShape(v, &info), why))
		return false;
	ok = fine(api->GetTensorShapeElementCount(info, &count), why) &&
	     fine(api->GetTensorElementType(info, ret_type), why) &&
	     fine(api->GetTensorMutableData(v, ret_data), why);
	api->ReleaseTensorTypeAndShapeInfo(info);
	*ret_count = (int64_t)count;
	return ok;
}

static void to_int8(OrtValue *v)
{
	ONNXTensorElementDataType type;
	int64_t count;
	void *data;

	if (!look(v, &count, &type, &data) ||
	    type != ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8)
		return;
	for (int64_t i = 0; i < count; i++)
		((int8_t *)data)[i] = (int8_t)(((uint8_t *)data)[i] - 128);
}

bool session_run(struct session *s, char *const *names,
		 const struct fxq_tensor *in, size_t n, char *why)
{
	OrtValue **values = calloc(n + 1, sizeof(*values));
	bool ok = values;

	drop_values(s);
	for (size_t i = 0; ok && i < n; i++)
		ok = wrap(&in[i], &values[i], why);
	ok = ok && fine(api->Run(s->ort, NULL, (const char *const *)names,
				 (const OrtValue *const *)values, n,
				 (const char *const *)s->name, s->n_out,
				 s->value), why);
	for (size_t i = 0; ok && i < s->n_out; i++)
		to_int8(s->value[i]);
	for (size_t i = 0; values && i < n; i++)
		if (values[i])
			api->ReleaseValue(values[i]);
	free(values);
	return ok;
}

const void *session_value(const struct session *s, const char *name,
			  int64_t *ret_count)
{
	ONNXTensorElementDataType type;
	void *data;

	for (size_t i = 0; i < s->n_out; i++)
		if (!strcmp(s->name[i], name))
			return look(s->value[i], ret_count, &type, &data) ?
			       data : NULL;
	return NULL;
}
