/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what CPU and device did when, as a timeline
 */
#ifndef FXQ_TOOLS_TRACE_H
#define FXQ_TOOLS_TRACE_H

#include <pthread.h>

#include <fxq/pipeline.h>

#include "tool.h"

struct trace;

/* The image must outlive the trace. */
int trace_new(const struct fxq_image *image, struct trace **ret);
void trace_free(struct trace *t);
/* What was until now is no part of it. */
void trace_begin(struct trace *t);

/* The trace of a program's config and the profile of a device's. */
void trace_span(void *priv, const struct fxq_trace *span);
void trace_stream(struct trace *t, const struct fxq_desc *desc, uint64_t began,
		  const uint64_t *ns, uint32_t n);

/*
 * struct trace_sum - shares of the time from the first submission to the last
 * completion: of the device at work, of CPU steps, of both at once
 */
struct trace_sum {
	double device, cpu, both;
	size_t events;
};

/*
 * Writes trace events as chrome://tracing and Perfetto read them to @path;
 * @device is its name.
 */
int trace_write(struct trace *t, const char *path, const char *device,
		struct trace_sum *ret);

#endif /* FXQ_TOOLS_TRACE_H */
