/* SPDX-License-Identifier: MIT */
/*
 * bench.h - an image that is run over and over, on one device or on several
 */
#ifndef FXQ_TOOLS_BENCH_H
#define FXQ_TOOLS_BENCH_H

#include "profile.h"
#include "trace.h"

/*
 * struct bench_plan - what is run, and how long
 * @iterations: runs of all streams together; 0: for @duration
 * @duration: seconds; 0: 3, or without an end if there are @iterations
 * @warm_up: runs of each stream before
 * @inflight: frames under way in each stream
 * @streams: each with a device, a program and a thread of its own
 * @threads: of each device, and of a step on the CPU
 * @workers: threads of each stream that do steps on the CPU, beside its own
 * @profile, @trace: told of the runs of the only stream; or NULL
 */
struct bench_plan {
	const char *device;
	uint64_t iterations, warm_up, inflight, streams, workers, seed;
	double duration;
	int threads;
	struct profile *profile;
	struct trace *trace;
};

/* struct timing - @ns that each of @n runs took, and @seconds that all did */
struct timing {
	uint64_t *ns;
	size_t n, room;
	double seconds;
};

/*
 * struct bench - what came of it
 * @all: runs of all streams, shortest first
 * @stream: @plan->streams of them
 */
struct bench {
	const struct bench_plan *plan;
	struct timing all;
	struct bench_stream *stream;
};

struct bench_stream {
	struct bench *bench;
	struct runner runner;
	struct fxq_pipeline *pipe;
	struct timing t;
	pthread_t thread;
	int code;
};

/* Opens the streams and runs @image on random input; then bench_close(). */
int bench_run(const struct bench_plan *plan, struct fxq_image *image,
	      struct bench *ret);
void bench_close(struct bench *b);

#endif /* FXQ_TOOLS_BENCH_H */
