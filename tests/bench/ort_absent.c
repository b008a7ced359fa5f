// SPDX-License-Identifier: MIT
/*
 * ort_absent.c - the race without ONNX Runtime's header: fxq runs alone
 */
#include <stdio.h>

#include "racer.h"

const char *ort_load(const char *library, char *why)
{
	snprintf(why, RACER_REASON, "built without onnxruntime_c_api.h");
	return NULL;
}

struct racer *ort_racer_open(const char *path, int threads, bool spin,
			     const struct fxq_io *io, struct fxq_tensor *out,
			     char *why)
{
	return NULL;
}
