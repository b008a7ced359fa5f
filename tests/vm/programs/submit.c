// SPDX-License-Identifier: MIT
/*
 * submit.c - what a run costs that does nothing
 *
 *	submit NODE [CONTROL]
 *
 * Null jobs (one descriptor that fills a line of the scratchpad) through the
 * ioctls and through io_uring, beside a pair of syncobj ioctls that reach no
 * device. The ways take turns in short rounds; a way's rate is the median of
 * its rounds, and its p99 that of all runs, from submission until the program
 * knows that this one has ended. What a job costs besides time is counted in
 * rounds of their own: system calls by the program, allocations in its context
 * by the kernel's trace, register accesses by the device, which CONTROL asks.
 * One line of JSON on stdout.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <liburing.h>

#include "node.h"

#define DEPTH	32
#define ROUNDS	61
#define SECONDS	30		/* that no run takes */
#define RUNS	(8 * DEPTH)	/* in a round */

/*
 * struct bench
 * @point: submitted so far
 * @jobs: done in this round
 * @ns: that each of them took
 * @control: of the device; negative: not known
 */
struct bench {
	struct node node;
	uint32_t ctx, job, syncobj;
	uint64_t point;
	uint64_t jobs;
	double ns[RUNS];
	int control;
	struct io_uring ring;
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
	must(io_uring_queue_init(DEPTH, &b->ring, IORING_SETUP_CQE32 |
				 IORING_SETUP_SINGLE_ISSUER |
				 IORING_SETUP_DEFER_TASKRUN), "io_uring_setup");
	must(io_uring_register_files(&b->ring, &b->node.fd, 1),
	     "io_uring_register");
}

/* One more that was submitted at @start. */
static void ended(struct bench *b, uint64_t start)
{
	b->ns[b->jobs++] = now_ns() - start;
}

/* Submits @n runs that signal the next point when all are done. */
static void submit(struct bench *b, uint32_t n)
{
	uint32_t jobs[DEPTH];

	for (uint32_t i = 0; i < n; i++)
		jobs[i] = b->job;
	must(node_submit(&b->node, b->ctx, jobs, n, b->syncobj, ++b->point),
	     "SUBMIT");
}

static void wait_for(struct bench *b, uint64_t point)
{
	must(node_wait(&b->node, b->syncobj, point, SECONDS), "TIMELINE_WAIT");
}

/* The ways; each does @n runs, or pairs. */

static void pairs(struct bench *b, int n)
{
	for (int i = 0; i < n; i++) {
		struct drm_syncobj_timeline_array args = {
			.handles = (uintptr_t)&b->syncobj,
			.points = (uintptr_t)&b->point,
			.count_handles = 1,
		};
		uint64_t start = now_ns();

		b->point++;
		must(node_call(&b->node, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL,
			       &args), "TIMELINE_SIGNAL");
		wait_for(b, b->point);
		ended(b, start);
	}
}

static void one_by_one(struct bench *b, int n)
{
	for (int i = 0; i < n; i++) {
		uint64_t start = now_ns();

		submit(b, 1);
		wait_for(b, b->point);
		ended(b, start);
	}
}

static void in_flight(struct bench *b, int n)
{
	uint64_t start[DEPTH], first = b->point + 1;

	for (int i = 0; i < n + DEPTH; i++) {
		if (i >= DEPTH) {
			wait_for(b, first + i - DEPTH);
			ended(b, start[i % DEPTH]);
		}
		start[i % DEPTH] = now_ns();
		if (i < n)
			submit(b, 1);
	}
}

static void batches(struct bench *b, int n)
{
	for (int i = 0; i < n; i += DEPTH) {
		uint64_t start = now_ns();

		submit(b, DEPTH);
		wait_for(b, b->point);
		for (int k = 0; k < DEPTH; k++)
			ended(b, start);
	}
}

/* liburing 2.3 has no call that fills such an entry. */
static void prepare(struct bench *b)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&b->ring);
	struct drm_fxq_uring_submit args = { .job = b->job };

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, 0, NULL, 0, 0);
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->cmd_op = DRM_FXQ_URING_SUBMIT;
	memcpy(sqe->cmd, &args, sizeof(args));
}

/* As many in flight, each with a completion of its own. */
static void uring(struct bench *b, int n)
{
	struct io_uring_cqe *cqe;

	for (int i = 0; i < n; i += DEPTH) {
		uint64_t start = now_ns();
		int ret;

		for (int k = 0; k < DEPTH; k++)
			prepare(b);
		b->node.calls++;
		ret = io_uring_submit_and_wait(&b->ring, DEPTH);
		must(ret < 0 ? ret : 0, "io_uring_enter");
		for (int k = 0; k < DEPTH; k++) {
			must(io_uring_peek_cqe(&b->ring, &cqe), "completion");
			must(cqe->res, "run");
			io_uring_cqe_seen(&b->ring, cqe);
			ended(b, start);
		}
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
 * @ns: of each, as long as it took
 * @calls, @allocations, @accesses: for each of them
 */
struct way {
	const char *name;
	void (*run)(struct bench *b, int n);
	double rate[ROUNDS];
	double ns[ROUNDS * RUNS];
	double calls, allocations, accesses;
};

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void measure(struct bench *b, struct way *w, int round)
{
	uint64_t start = now_ns();

	b->jobs = 0;
	w->run(b, RUNS);
	w->rate[round] = b->jobs * 1e9 / (now_ns() - start);
	memcpy(&w->ns[round * RUNS], b->ns, sizeof(b->ns));
}

static void count(struct bench *b, struct way *w)
{
	double allocations = count_allocations(), accesses = count_accesses(b);

	b->node.calls = b->jobs = 0;
	w->run(b, RUNS);
	w->calls = (double)b->node.calls / b->jobs;
	w->allocations = (count_allocations() - allocations) / b->jobs;
	w->accesses = (count_accesses(b) - accesses) / b->jobs;
}

static void tell(struct way *w, const char *before)
{
	qsort(w->rate, ROUNDS, sizeof(double), compare);
	qsort(w->ns, ROUNDS * RUNS, sizeof(double), compare);
	printf("%s\"%s\": {\"per_s\": %.0f, \"p99_us\": %.0f, \"syscalls\": %.3f, \"allocations\": %.2f, \"register_accesses\": %.3f}",
	       before, w->name, w->rate[ROUNDS / 2],
	       w->ns[ROUNDS * RUNS * 99 / 100] / 1e3, w->calls, w->allocations,
	       w->accesses);
}

/* The three that keep as many in flight, side by side. */
static void tell_depth(const struct way *ioctl, const struct way *batch,
		       const struct way *uring)
{
	double a = ioctl->rate[ROUNDS / 2], b = batch->rate[ROUNDS / 2];
	double c = uring->rate[ROUNDS / 2];

	printf(", \"ioctl_per_s\": %.0f, \"ioctl_batch_per_s\": %.0f, \"uring32_per_s\": %.0f, \"ratio\": %.3f, \"batch_ratio\": %.3f, \"syscalls_per_32_jobs\": %.3f",
	       a, b, c, c / a, c / b, DEPTH * uring->calls);
}

/* What the driver was loaded with; 0 where it does not say. */
static int ring_depth(void)
{
	FILE *f = fopen("/sys/module/fxq/parameters/ring_depth", "re");
	int depth = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%d", &depth) != 1)
		depth = 0;
	fclose(f);
	return depth;
}

int main(int argc, char **argv)
{
	static struct way ways[] = {
		{ .name = "syncobj_pair", .run = pairs },
		{ .name = "depth_1", .run = one_by_one },
		{ .name = "depth_32", .run = in_flight },
		{ .name = "batch_32", .run = batches },
		{ .name = "uring_32", .run = uring },
	};
	const size_t n_ways = sizeof(ways) / sizeof(*ways);
	static struct bench b = { .control = -1 };

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: submit NODE [CONTROL]\n");
		return 64;
	}
	setup(&b, argv[1]);
	if (argc == 3)
		b.control = control_open(argv[2]);
	for (size_t i = 0; i < n_ways; i++) {	/* warm up */
		b.jobs = 0;
		ways[i].run(&b, 2 * DEPTH);
	}
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < n_ways; i++)
			measure(&b, &ways[i], round);
	trace_allocations();
	for (size_t i = 0; i < n_ways; i++)
		count(&b, &ways[i]);
	printf("{\"ring_depth\": %d, ", ring_depth());
	for (size_t i = 0; i < n_ways; i++)
		tell(&ways[i], i ? ", " : "");
	/* Each rate beside that of the pair, which reaches no device. */
	for (size_t i = 1; i < n_ways; i++)
		printf(", \"%s_ratio\": %.3f", ways[i].name,
		       ways[i].rate[ROUNDS / 2] / ways[0].rate[ROUNDS / 2]);
	tell_depth(&ways[2], &ways[3], &ways[4]);
	printf("}\n");
	return 0;
}
