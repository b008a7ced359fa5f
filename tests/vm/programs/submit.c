// SPDX-License-Identifier: MIT
/*
 * submit.c - what a run costs that does nothing
 *
 *	submit NODE
 *
 * Null jobs (one descriptor that fills a line of the scratchpad) through the
 * ioctls, beside a pair of syncobj ioctls that reach no device. The ways take
 * turns in short rounds; a way's rate is the median of its rounds. One line of
 * JSON on stdout, as a part of build/bench-vm.json.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

#define DEPTH	32
#define ROUNDS	15
#define SECONDS	30		/* that no run takes */

struct bench {
	struct node node;
	uint32_t ctx, job, syncobj;
	uint64_t point;		/* submitted so far */
	uint64_t jobs;
};

static void must(int ret, const char *what)
{
	if (!ret)
		return;
	fprintf(stderr, "submit: %s: %s\n", what, strerror(-ret));
	exit(1);
}

static void setup(struct bench *b, const char *path)
{
	const struct fxq_desc null = desc_move(FXQ_OP_FILL, 0, 0, 64);
	uint32_t stream;

	b->node.fd = open(path, O_RDWR | O_CLOEXEC);
	must(b->node.fd < 0 ? -errno : 0, path);
	must(node_stream(&b->node, &null, 1, &stream), "STREAM_CREATE");
	must(node_context(&b->node, &b->ctx), "CTX_CREATE");
	must(node_job(&b->node, b->ctx, stream, NULL, 0, &b->job),
	     "JOB_CREATE");
	must(node_syncobj(&b->node, &b->syncobj), "SYNCOBJ_CREATE");
}

/* Submits @n runs that signal the next point when all are done. */
static void submit(struct bench *b, uint32_t n)
{
	uint32_t jobs[DEPTH];

	for (uint32_t i = 0; i < n; i++)
		jobs[i] = b->job;
	must(node_submit(&b->node, b->ctx, jobs, n, b->syncobj, ++b->point),
	     "SUBMIT");
	b->jobs += n;
}

static void wait_for(struct bench *b, uint64_t point)
{
	must(node_wait(&b->node, b->syncobj, point, SECONDS), "TIMELINE_WAIT");
}

/* The ways; each does about @n runs, or pairs. */

static void pairs(struct bench *b, int n)
{
	for (int i = 0; i < n; i++) {
		struct drm_syncobj_timeline_array args = {
			.handles = (uintptr_t)&b->syncobj,
			.points = (uintptr_t)&b->point,
			.count_handles = 1,
		};

		b->point++;
		must(node_call(&b->node, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL,
			       &args), "TIMELINE_SIGNAL");
		wait_for(b, b->point);
		b->jobs++;
	}
}

static void one_by_one(struct bench *b, int n)
{
	for (int i = 0; i < n; i++) {
		submit(b, 1);
		wait_for(b, b->point);
	}
}

static void in_flight(struct bench *b, int n)
{
	for (int i = 0; i < n; i++) {
		submit(b, 1);
		if (i >= DEPTH)
			wait_for(b, b->point - DEPTH);
	}
	wait_for(b, b->point);
}

static void batches(struct bench *b, int n)
{
	for (int i = 0; i < n; i += DEPTH) {
		submit(b, DEPTH);
		wait_for(b, b->point);
	}
}

struct way {
	const char *name;
	void (*run)(struct bench *b, int n);
	double rate[ROUNDS];
	double calls_per_job;
};

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void measure(struct bench *b, struct way *w, int round, int n)
{
	uint64_t start = now_ns();

	b->node.calls = b->jobs = 0;
	w->run(b, n);
	w->rate[round] = b->jobs * 1e9 / (now_ns() - start);
	w->calls_per_job = (double)b->node.calls / b->jobs;
}

int main(int argc, char **argv)
{
	struct way ways[] = {
		{ .name = "syncobj_pair", .run = pairs },
		{ .name = "depth_1", .run = one_by_one },
		{ .name = "depth_32", .run = in_flight },
		{ .name = "batch_32", .run = batches },
	};
	const size_t n_ways = sizeof(ways) / sizeof(*ways);
	struct bench b = { 0 };

	if (argc != 2) {
		fprintf(stderr, "usage: submit NODE\n");
		return 64;
	}
	setup(&b, argv[1]);
	for (size_t i = 0; i < n_ways; i++)	/* warm up */
		ways[i].run(&b, 2 * DEPTH);
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < n_ways; i++)
			measure(&b, &ways[i], round, 8 * DEPTH);
	printf("{");
	for (size_t i = 0; i < n_ways; i++) {
		qsort(ways[i].rate, ROUNDS, sizeof(double), compare);
		printf("%s\"%s\": {\"per_s\": %.0f, \"syscalls_per_job\": %.3f}",
		       i ? ", " : "", ways[i].name, ways[i].rate[ROUNDS / 2],
		       ways[i].calls_per_job);
	}
	printf("}\n");
	return 0;
}
