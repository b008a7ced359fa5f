// SPDX-License-Identifier: MIT
/*
 * bench_runs.c - runs of an image, several frames at a time
 *
 * Each stream is a thread with a device of its own, which keeps a pipeline full.
 * Frames are filled once: a run changes nothing of its inputs.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "bench.h"

/*
 * struct work - what a number of streams do together
 * @begun: runs so far; @runs: at most
 * @measured: times are kept
 */
struct work {
	atomic_uint_fast64_t begun;
	uint64_t runs;
	double since, seconds;
	bool measured;
	atomic_bool failed;
};

static bool keep_time(struct timing *t, uint64_t ns)
{
	if (t->n == t->room) {
		size_t room = t->room ? 2 * t->room : 1024;
		uint64_t *more = realloc(t->ns, room * sizeof(*more));

		if (!more)
			return false;
		t->ns = more;
		t->room = room;
	}
	t->ns[t->n++] = ns;
	return true;
}

/* One more run? */
static bool may_begin(struct work *w)
{
	if (w->failed || (w->seconds > 0 && now_s() - w->since >= w->seconds))
		return false;
	return w->begun++ < w->runs;
}

static int device_failed(void)
{
	return complain(TOOL_DEVICE, "%s", fxq_error());
}

static int begin_frame(struct bench_stream *s)
{
	struct fxq_frame *frame;

	if (fxq_pipeline_acquire(s->pipe, UINT64_MAX, &frame) ||
	    fxq_pipeline_submit(s->pipe, frame))
		return device_failed();
	return TOOL_OK;
}

static int keep_run(struct bench_stream *s, uint64_t ns)
{
	struct profile *profile = s->bench->plan->profile;

	if (!keep_time(&s->t, ns))
		return complain_io(io_fail_memory("times"));
	return profile ? profile_run(profile, s->runner.prog, ns) : TOOL_OK;
}

static int end_frame(struct bench_stream *s, const struct work *w)
{
	struct fxq_frame *frame;
	int code = TOOL_OK;

	fxq_pipeline_wait(s->pipe, UINT64_MAX, &frame);
	if (frame->done.result)
		code = complain(TOOL_DEVICE, "%s", frame->done.error);
	else if (w->measured)
		code = keep_run(s, frame->done.ns);
	fxq_pipeline_release(s->pipe, frame);
	return code;
}

/* Keeps the stream's frames under way until all is begun, then drains them. */
static int run_frames(struct bench_stream *s, struct work *w)
{
	bool leads = s == s->bench->stream;
	int code = TOOL_OK, ended;
	uint64_t left = 0;

	for (;;) {
		while (!code && left < s->bench->plan->inflight &&
		       may_begin(w)) {
			code = begin_frame(s);
			left += !code;
		}
		if (!left)
			break;
		ended = end_frame(s, w);
		left--;
		code = code ? code : ended;
		if (code)
			w->failed = true;
		if (leads && w->measured)
			progress_at(w->begun);
	}
	return code;
}

/* Fills each frame of a stream. */
static int fill(struct bench_stream *s, struct fxq_image *image)
{
	const struct bench_plan *plan = s->bench->plan;
	struct fxq_frame *frame[64];
	struct feed_inputs in;
	struct feed *feed;
	uint64_t n = 0;
	int code;

	code = feed_inputs_of_image(image, &in);
	if (code)
		return code;
	code = feed_open("random", &in, plan->seed, &feed);
	for (; !code && n < plan->inflight; n++) {
		if (fxq_pipeline_acquire(s->pipe, 0, &frame[n]))
			break;
		feed_get(feed, n, frame[n]->in);
	}
	while (n--)
		fxq_pipeline_release(s->pipe, frame[n]);
	if (!code)
		feed_close(feed);
	feed_inputs_free(&in);
	return code;
}

static void tell_stream(void *priv, const struct fxq_desc *desc, uint64_t began,
			const uint64_t *ns, uint32_t n)
{
	const struct bench_plan *plan = priv;

	if (plan->profile)
		profile_stream(plan->profile, desc, began, ns, n);
	if (plan->trace)
		trace_stream(plan->trace, desc, began, ns, n);
}

static bool is_timed(const struct bench_plan *plan)
{
	return plan->profile || (plan->trace && is_embedded(plan->device));
}

static int open_stream(struct bench_stream *s, struct fxq_image *image)
{
	const struct bench_plan *plan = s->bench->plan;
	const struct fxq_device_config device = {
		.threads = plan->threads,
		.profile = is_timed(plan) ? tell_stream : NULL,
		.priv = (void *)plan,
	};
	const struct fxq_program_config program = {
		.slots = plan->inflight,
		.workers = plan->workers,
		.threads = plan->threads,
		.trace = plan->trace ? trace_span : NULL,
		.priv = plan->trace,
	};
	struct work warm_up = { .runs = plan->warm_up };
	int code;

	code = runner_open(image, plan->device, &device, &program, &s->runner);
	if (code)
		return code;
	if (fxq_pipeline_open(s->runner.prog, 0, &s->pipe))
		return device_failed();
	code = fill(s, image);
	if (!code && plan->warm_up)
		code = run_frames(s, &warm_up);
	fxq_program_reset_stats(s->runner.prog);
	return code;
}

static struct work work_of(const struct bench_plan *plan)
{
	return (struct work){
		.runs = plan->iterations ? plan->iterations : UINT64_MAX,
		.seconds = plan->duration > 0 ? plan->duration :
			   plan->iterations ? 0 : 3,
		.measured = true,
		.since = now_s(),
	};
}

/* struct share - of the work, which one thread does */
struct share {
	struct bench_stream *stream;
	struct work *work;
};

static void *do_share(void *arg)
{
	struct share *share = arg;

	share->stream->code = run_frames(share->stream, share->work);
	return NULL;
}

/* The first stream on this thread, the others each on one of their own. */
static int run_streams(struct bench *b, struct work *w)
{
	struct share share[64];
	uint64_t n = b->plan->streams, started = 1;
	int code = TOOL_OK;

	for (uint64_t i = 0; i < n; i++)
		share[i] = (struct share){ &b->stream[i], w };
	while (started < n && !pthread_create(&b->stream[started].thread, NULL,
					      do_share, &share[started]))
		started++;
	if (started == n)
		do_share(&share[0]);
	else
		code = complain(TOOL_DEVICE, "no thread for stream %d",
				(int)started);
	w->failed |= !!code;
	for (uint64_t i = 1; i < started; i++)
		pthread_join(b->stream[i].thread, NULL);
	for (uint64_t i = 0; i < n && !code; i++)
		code = b->stream[i].code;
	return code;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int gather(struct bench *b)
{
	struct timing *all = &b->all;

	for (uint64_t i = 0; i < b->plan->streams; i++)
		for (size_t k = 0; k < b->stream[i].t.n; k++)
			if (!keep_time(all, b->stream[i].t.ns[k]))
				return complain_io(io_fail_memory("times"));
	qsort(all->ns, all->n, sizeof(*all->ns), by_size);
	return TOOL_OK;
}

static int measure(struct bench *b)
{
	const struct bench_plan *plan = b->plan;
	struct work work;
	int code;

	if (plan->profile)
		profile_begin(plan->profile, b->stream[0].runner.prog);
	if (plan->trace)
		trace_begin(plan->trace);
	progress_begin("measuring", plan->iterations);
	work = work_of(plan);
	code = run_streams(b, &work);
	b->all.seconds = now_s() - work.since;
	progress_end();
	return code ? code : gather(b);
}

int bench_run(const struct bench_plan *plan, struct fxq_image *image,
	      struct bench *b)
{
	int code = TOOL_OK;

	*b = (struct bench){ .plan = plan };
	b->stream = calloc(plan->streams, sizeof(*b->stream));
	if (!b->stream)
		return complain_io(io_fail_memory("streams"));
	stdout_away();
	for (uint64_t i = 0; i < plan->streams && !code; i++) {
		b->stream[i].bench = b;
		code = open_stream(&b->stream[i], image);
	}
	if (!code)
		code = measure(b);
	stdout_back();
	return code;
}

void bench_close(struct bench *b)
{
	for (uint64_t i = 0; b->stream && i < b->plan->streams; i++) {
		fxq_pipeline_close(b->stream[i].pipe);
		runner_close(&b->stream[i].runner);
		free(b->stream[i].t.ns);
	}
	free(b->stream);
	free(b->all.ns);
}
