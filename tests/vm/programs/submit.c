// SPDX-License-Identifier: MIT
/*
 * submit.c - what a run costs that does nothing
 *
 *	submit NODE [CONTROL]
 *
 * Null jobs (one descriptor that fills a line of the scratchpad) through the
 * ioctls, beside a pair of syncobj ioctls that reach no device. The ways take
 * turns in short rounds; a way's rate is the median of its rounds. What a job
 * costs besides time is counted in rounds of their own: system calls by the
 * program, allocations in its context by the kernel's trace, register accesses
 * by the device, which CONTROL asks. One line of JSON on stdout.
 */
#include <fcntl.h>
#include <glob.h>
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
	int control;		/* of the device; negative: not known */
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

/* Counters; -1 where there is no way to count. */

#define TRACING "/sys/kernel/tracing/"

static int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = -1;

	if (fd < 0)
		return -1;
	if (write(fd, text, strlen(text)) == (ssize_t)strlen(text))
		ret = 0;
	close(fd);
	return ret;
}

/* Allocations of this process are traced from now on. */
static void trace_allocations(void)
{
	static const char *const events[] = {
		TRACING "events/kmem/kmalloc/",
		TRACING "events/kmem/kmem_cache_alloc/",
	};
	char path[128], filter[64];

	snprintf(filter, sizeof(filter), "common_pid == %d", getpid());
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%sfilter", events[i]);
		write_to(path, filter);
		snprintf(path, sizeof(path), "%senable", events[i]);
		write_to(path, "1");
	}
}

/* Events of all processors so far, whether the buffer still has them or not. */
static double count_allocations(void)
{
	unsigned long n, sum = 0;
	glob_t stats;
	char line[128];

	if (glob(TRACING "per_cpu/cpu*/stats", 0, NULL, &stats))
		return -1;
	for (size_t i = 0; i < stats.gl_pathc; i++) {
		FILE *f = fopen(stats.gl_pathv[i], "re");

		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "entries: %lu", &n) == 1 ||
			    sscanf(line, "overrun: %lu", &n) == 1)
				sum += n;
		if (f)
			fclose(f);
	}
	globfree(&stats);
	return sum;
}

static double count_accesses(const struct bench *b)
{
	char answer[512];
	const char *at;

	if (b->control < 0 ||
	    control_ask(b->control, "status", answer, sizeof(answer)))
		return -1;
	at = strstr(answer, "\"register_accesses\":");
	return at ? atof(strchr(at, ':') + 1) : -1;
}

/*
 * struct way - a way to have runs done, and what it costs
 * @rate: runs, or pairs, a second
 * @calls, @allocations, @accesses: for each of them
 */
struct way {
	const char *name;
	void (*run)(struct bench *b, int n);
	double rate[ROUNDS];
	double calls, allocations, accesses;
};

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void measure(struct bench *b, struct way *w, int round, int n)
{
	uint64_t start = now_ns();

	b->jobs = 0;
	w->run(b, n);
	w->rate[round] = b->jobs * 1e9 / (now_ns() - start);
}

static void count(struct bench *b, struct way *w, int n)
{
	double allocations = count_allocations(), accesses = count_accesses(b);

	b->node.calls = b->jobs = 0;
	w->run(b, n);
	w->calls = (double)b->node.calls / b->jobs;
	w->allocations = (count_allocations() - allocations) / b->jobs;
	w->accesses = (count_accesses(b) - accesses) / b->jobs;
}

static void tell(struct way *w, const char *before)
{
	qsort(w->rate, ROUNDS, sizeof(double), compare);
	printf("%s\"%s\": {\"per_s\": %.0f, \"syscalls\": %.3f, \"allocations\": %.2f, \"register_accesses\": %.3f}",
	       before, w->name, w->rate[ROUNDS / 2], w->calls, w->allocations,
	       w->accesses);
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
	struct bench b = { .control = -1 };

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: submit NODE [CONTROL]\n");
		return 64;
	}
	setup(&b, argv[1]);
	if (argc == 3)
		b.control = control_open(argv[2]);
	for (size_t i = 0; i < n_ways; i++)	/* warm up */
		ways[i].run(&b, 2 * DEPTH);
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < n_ways; i++)
			measure(&b, &ways[i], round, 8 * DEPTH);
	trace_allocations();
	for (size_t i = 0; i < n_ways; i++)
		count(&b, &ways[i], 8 * DEPTH);
	printf("{");
	for (size_t i = 0; i < n_ways; i++)
		tell(&ways[i], i ? ", " : "");
	/* Each rate beside that of the pair, which reaches no device. */
	for (size_t i = 1; i < n_ways; i++)
		printf(", \"%s_ratio\": %.3f", ways[i].name,
		       ways[i].rate[ROUNDS / 2] / ways[0].rate[ROUNDS / 2]);
	printf("}\n");
	return 0;
}
