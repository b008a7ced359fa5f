// SPDX-License-Identifier: MIT
/*
 * ort.c - ONNX Runtime as a racer
 *
 * With all its graph optimizations and as many threads as it is allowed, each
 * output in memory that it is given. The library is loaded at run time; it
 * takes programs of every older header.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <onnxruntime_c_api.h>
#include <onnxruntime_session_options_config_keys.h>

#include "racer.h"

#define MAX_TENSORS	32
#define OLDEST_API	17	/* that has all we call */

struct tensors {
	char *name[MAX_TENSORS];
	OrtValue *value[MAX_TENSORS];
	size_t n;
};

struct ort_racer {
	struct racer base;
	OrtSession *session;
	struct tensors in, out;
};

static const OrtApi *api;
static OrtEnv *env;

/* Is all well? If not, keeps the sentence in @why. */
static bool fine(OrtStatus *status, char *why)
{
	if (!status)
		return true;
	snprintf(why, RACER_REASON, "%s", api->GetErrorMessage(status));
	api->ReleaseStatus(status);
	return false;
}

const char *ort_load(const char *library, char *why)
{
	const OrtApiBase *(*base)(void);
	void *so = dlopen(library, RTLD_NOW | RTLD_LOCAL);

	*(void **)&base = so ? dlsym(so, "OrtGetApiBase") : NULL;
	if (!base) {
		snprintf(why, RACER_REASON, "%s", dlerror());
		return NULL;
	}
	api = base()->GetApi(OLDEST_API);
	if (!api) {
		snprintf(why, RACER_REASON, "%s is older than interface %d",
			 base()->GetVersionString(), OLDEST_API);
		return NULL;
	}
	if (!fine(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "race", &env), why))
		return NULL;
	return base()->GetVersionString();
}

static int ort_racer_run(struct racer *base)
{
	struct ort_racer *r = (struct ort_racer *)base;

	return !fine(api->Run(r->session, NULL,
			      (const char *const *)r->in.name,
			      (const OrtValue *const *)r->in.value, r->in.n,
			      (const char *const *)r->out.name, r->out.n,
			      r->out.value), base->why);
}

static void tensors_free(struct tensors *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->value[i])
			api->ReleaseValue(t->value[i]);
		free(t->name[i]);
	}
}

static void ort_racer_close(struct racer *base)
{
	struct ort_racer *r = (struct ort_racer *)base;

	tensors_free(&r->in);
	tensors_free(&r->out);
	if (r->session)
		api->ReleaseSession(r->session);
	free(r);
}

static bool open_session(struct ort_racer *r, const char *path, int threads,
			 bool spin, char *why)
{
	OrtSessionOptions *o;
	bool ok;

	if (!fine(api->CreateSessionOptions(&o), why))
		return false;
	ok = fine(api->SetIntraOpNumThreads(o, threads), why) &&
	     fine(api->SetInterOpNumThreads(o, 1), why) &&
	     fine(api->SetSessionGraphOptimizationLevel(o, ORT_ENABLE_ALL),
		  why) &&
	     fine(api->AddSessionConfigEntry(o,
			kOrtSessionOptionsConfigAllowIntraOpSpinning,
			spin ? "1" : "0"), why) &&
	     fine(api->CreateSession(env, path, o, &r->session), why);
	api->ReleaseSessionOptions(o);
	return ok;
}

static bool wrap(const struct fxq_tensor *t, OrtValue **ret, char *why)
{
	OrtMemoryInfo *memory;
	size_t bytes = sizeof(float);
	bool ok;

	for (uint32_t k = 0; k < t->rank; k++)
		bytes *= t->dims[k];
	if (!fine(api->CreateCpuMemoryInfo(OrtDeviceAllocator,
					   OrtMemTypeDefault, &memory), why))
		return false;
	ok = fine(api->CreateTensorWithDataAsOrtValue(memory, t->data, bytes,
			t->dims, t->rank, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
			ret), why);
	api->ReleaseMemoryInfo(memory);
	return ok;
}

typedef OrtStatus *(ORT_API_CALL *name_fn)(const OrtSession *session,
					   size_t i, OrtAllocator *allocator,
					   char **ret_name);

/* A value for each of @tensor under the name that the session has for it. */
static bool name_all(struct ort_racer *r, name_fn name_of, struct tensors *t,
		     const struct fxq_tensor *tensor, uint32_t n, char *why)
{
	OrtAllocator *allocator;

	if (n > MAX_TENSORS) {
		snprintf(why, RACER_REASON, "%u tensors are too many", n);
		return false;
	}
	if (!fine(api->GetAllocatorWithDefaultOptions(&allocator), why))
		return false;
	for (; t->n < n; t->n++) {
		char *name;

		if (!fine(name_of(r->session, t->n, allocator, &name), why))
			return false;
		t->name[t->n] = strdup(name);
		allocator->Free(allocator, name);
		if (!wrap(&tensor[t->n], &t->value[t->n], why)) {
			free(t->name[t->n]);
			return false;
		}
	}
	return true;
}

struct racer *ort_racer_open(const char *path, int threads, bool spin,
			     const struct fxq_io *io, struct fxq_tensor *out,
			     char *why)
{
	struct ort_racer *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->base.run = ort_racer_run;
	r->base.close = ort_racer_close;
	if (open_session(r, path, threads, spin, why) &&
	    name_all(r, api->SessionGetInputName, &r->in, io->in, io->n_in,
		     why) &&
	    name_all(r, api->SessionGetOutputName, &r->out, out, io->n_out,
		     why))
		return &r->base;
	ort_racer_close(&r->base);
	return NULL;
}
