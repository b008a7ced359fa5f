// SPDX-License-Identifier: MIT
/*
 * trace.c - a timeline of runs
 *
 * Three groups of rows: the threads of this process with the CPU steps, the
 * submissions and the waits of each; the device with its runs and, where it
 * tells what descriptors take, its engines; and the frames, each with its steps.
 * The file is a list of trace events in JSON, one a line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fxq/fxq_cmd.h>

#include "trace.h"

#define MAX_THREADS	64
#define NEAR_NS		20000	/* waits so near to each other are one */

enum group { GROUP_CPU = 1, GROUP_DEVICE, GROUP_FRAMES, GROUPS };

/* Kinds beside those of enum fxq_trace_kind. */
enum { KIND_STREAM = FXQ_TRACE_RUN + 1, KIND_ENGINE, KINDS };

/*
 * struct event - @row: a thread, an engine, or a slot
 * @number: of the run; of ENGINE and STREAM the tag
 */
struct event {
	uint8_t kind;
	uint32_t row, slot, step;
	uint64_t number, began, ended;
};

/*
 * struct trace
 * @lock: protects all
 * @since: 0: nothing is kept yet
 * @thread: as gettid() has it; @wait: the last event of each, if a wait, plus 1
 */
struct trace {
	const struct fxq_image *image;
	pthread_mutex_t lock;
	struct event *event;
	size_t n, room;
	bool failed;
	uint64_t since;
	pid_t thread[MAX_THREADS];
	size_t wait[MAX_THREADS];
	uint32_t n_threads;
};

int trace_new(const struct fxq_image *image, struct trace **ret)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (!t)
		return complain_io(io_fail_memory("a trace"));
	t->image = image;
	t->thread[t->n_threads++] = gettid();
	pthread_mutex_init(&t->lock, NULL);
	*ret = t;
	return TOOL_OK;
}

void trace_free(struct trace *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t->event);
	free(t);
}

void trace_begin(struct trace *t)
{
	pthread_mutex_lock(&t->lock);
	t->since = now_s() * 1e9;
	t->n = 0;
	memset(t->wait, 0, sizeof(t->wait));
	pthread_mutex_unlock(&t->lock);
}

/* Collecting, with the lock held */

/* False: it is not kept. */
static bool add(struct trace *t, struct event e)
{
	if (!t->since || e.began < t->since || t->failed)
		return false;
	if (t->n == t->room) {
		size_t room = t->room ? 2 * t->room : 4096;
		struct event *more = realloc(t->event, room * sizeof(*more));

		if (!more) {
			t->failed = true;
			return false;
		}
		t->event = more;
		t->room = room;
	}
	t->event[t->n++] = e;
	return true;
}

/* The row of this thread, 0 for who made the trace. Too many share the last. */
static uint32_t row_of_thread(struct trace *t)
{
	pid_t me = gettid();
	uint32_t i = 0;

	while (i < t->n_threads && t->thread[i] != me)
		i++;
	if (i == MAX_THREADS)
		return MAX_THREADS - 1;
	if (i == t->n_threads)
		t->thread[t->n_threads++] = me;
	return i;
}

/* A thread that waits looks up now and then. */
static bool goes_on_waiting(struct trace *t, const struct event *e)
{
	struct event *last;

	if (!t->wait[e->row])
		return false;
	last = &t->event[t->wait[e->row] - 1];
	if (e->began - last->ended > NEAR_NS)
		return false;
	last->ended = e->ended;
	return true;
}

static void add_on_thread(struct trace *t, struct event e)
{
	e.row = row_of_thread(t);
	if (e.kind != FXQ_TRACE_WAIT) {
		t->wait[e.row] = 0;
		add(t, e);
	} else if (!goes_on_waiting(t, &e)) {
		t->wait[e.row] = add(t, e) ? t->n : 0;
	}
}

void trace_span(void *priv, const struct fxq_trace *span)
{
	struct trace *t = priv;
	struct event e = {
		.kind = span->kind, .row = span->slot, .slot = span->slot,
		.step = span->step, .number = span->run, .began = span->began,
		.ended = span->ended,
	};

	pthread_mutex_lock(&t->lock);
	if (e.kind == FXQ_TRACE_DEVICE || e.kind == FXQ_TRACE_RUN)
		add(t, e);
	else
		add_on_thread(t, e);
	pthread_mutex_unlock(&t->lock);
}

void trace_stream(struct trace *t, const struct fxq_desc *desc, uint64_t began,
		  const uint64_t *ns, uint32_t n)
{
	struct event whole = { .kind = KIND_STREAM, .began = began,
			       .ended = began };

	pthread_mutex_lock(&t->lock);
	whole.number = desc[0].tag;
	for (uint32_t i = 0; i < n; i++) {
		struct event e = {
			.kind = KIND_ENGINE, .row = 1 + desc[i].engine,
			.number = desc[i].tag, .began = whole.ended,
		};

		whole.ended += ns[i];
		while (i + 1 < n && desc[i + 1].engine == desc[i].engine &&
		       desc[i + 1].tag == desc[i].tag)
			whole.ended += ns[++i];
		e.ended = whole.ended;
		add(t, e);
	}
	add(t, whole);
	pthread_mutex_unlock(&t->lock);
}

/* Writing */

static const char *const engines[FXQ_ENGINE_COUNT] = {
	[FXQ_ENGINE_LD] = "LD", [FXQ_ENGINE_ST] = "ST", [FXQ_ENGINE_MX] = "MX",
	[FXQ_ENGINE_VX] = "VX",
};

static const char *const categories[KINDS] = {
	[FXQ_TRACE_SUBMIT] = "submit", [FXQ_TRACE_CPU] = "cpu",
	[FXQ_TRACE_DEVICE] = "device", [FXQ_TRACE_WAIT] = "wait",
	[FXQ_TRACE_RUN] = "frame", [KIND_STREAM] = "run",
	[KIND_ENGINE] = "engine",
};

static void write_line(json_t *line, bool more, FILE *to)
{
	json_dumpf(line, to, JSON_COMPACT | JSON_REAL_PRECISION(15));
	fputs(more ? ",\n" : "\n", to);
	json_decref(line);
}

static void write_name(const char *what, enum group group, uint32_t row,
		       const char *name, FILE *to)
{
	write_line(json_pack("{s:s, s:s, s:i, s:i, s:{s:o}}", "name", what,
			     "ph", "M", "pid", group, "tid", (int)row, "args",
			     "name", json_text(name)), true, to);
}

static void write_names(const struct trace *t, const char *device, FILE *to)
{
	char name[32];

	write_name("process_name", GROUP_CPU, 0, "CPU", to);
	for (uint32_t i = 0; i < t->n_threads; i++) {
		snprintf(name, sizeof(name), i ? "worker %u" : "caller", i);
		write_name("thread_name", GROUP_CPU, i, name, to);
	}
	write_name("process_name", GROUP_DEVICE, 0, device, to);
	write_name("thread_name", GROUP_DEVICE, 0, "runs", to);
	for (uint32_t i = 0; i < FXQ_ENGINE_COUNT; i++)
		write_name("thread_name", GROUP_DEVICE, 1 + i, engines[i], to);
}

/* Of what descriptor or step the event is. */
static json_t *event_name(const struct trace *t, const struct event *e)
{
	struct fxq_step_info step;
	struct fxq_tag_info tag;

	switch (e->kind) {
	case FXQ_TRACE_CPU:
	case FXQ_TRACE_DEVICE:
		if (!fxq_image_step_info(t->image, e->step, &step))
			return json_text(step.layer);
		break;
	case KIND_STREAM:
	case KIND_ENGINE:
		if (!fxq_image_tag_info(t->image, e->number, &tag))
			return json_text(tag.layer);
		break;
	case FXQ_TRACE_RUN:
		return json_sprintf("frame %llu",
				    (unsigned long long)e->number);
	}
	return json_string(categories[e->kind]);
}

static void write_event(const struct trace *t, const struct event *e,
			enum group group, uint32_t row, uint64_t from, FILE *to)
{
	json_t *line = json_pack("{s:o, s:s, s:s, s:f, s:f, s:i, s:i}",
		"name", event_name(t, e), "cat", categories[e->kind], "ph", "X",
		"ts", (e->began - from) * 1e-3,
		"dur", (e->ended - e->began) * 1e-3,
		"pid", group, "tid", (int)row);

	if (e->kind <= FXQ_TRACE_RUN && e->kind != FXQ_TRACE_WAIT)
		json_object_set_new(line, "args", json_pack("{s:I}", "frame",
						(json_int_t)e->number));
	write_line(line, true, to);
}

static void write_events(const struct trace *t, uint64_t from, FILE *to)
{
	static const enum group group_of[KINDS] = {
		[FXQ_TRACE_SUBMIT] = GROUP_CPU, [FXQ_TRACE_CPU] = GROUP_CPU,
		[FXQ_TRACE_WAIT] = GROUP_CPU, [FXQ_TRACE_DEVICE] = GROUP_FRAMES,
		[FXQ_TRACE_RUN] = GROUP_FRAMES, [KIND_STREAM] = GROUP_DEVICE,
		[KIND_ENGINE] = GROUP_DEVICE,
	};

	for (size_t i = 0; i < t->n; i++) {
		const struct event *e = &t->event[i];

		write_event(t, e, group_of[e->kind], e->row, from, to);
		if (e->kind == FXQ_TRACE_CPU)
			write_event(t, e, GROUP_FRAMES, e->slot, from, to);
	}
}

/* Sums */

static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return (x->began > y->began) - (x->began < y->began);
}

/* Nanoseconds in which any event of kind @a or @b is; events are in order. */
static uint64_t covered(const struct trace *t, int a, int b)
{
	uint64_t sum = 0, until = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct event *e = &t->event[i];

		if ((e->kind != a && e->kind != b) || e->ended <= until)
			continue;
		sum += e->ended - (e->began > until ? e->began : until);
		until = e->ended;
	}
	return sum;
}

/*
 * A device that tells no streams works on one step after the other: each from
 * when it was queued, or the one before it was seen to end.
 */
static void add_streams(struct trace *t)
{
	uint64_t until = 0;
	size_t n = t->n;

	for (size_t i = 0; i < n; i++)
		if (t->event[i].kind == KIND_STREAM)
			return;
	for (size_t i = 0; i < n; i++) {
		struct event e = t->event[i];

		if (e.kind != FXQ_TRACE_DEVICE)
			continue;
		e.kind = KIND_STREAM;
		e.row = 0;
		e.number = UINT32_MAX;
		if (e.began < until)
			e.began = until;
		until = e.ended;
		if (e.began < e.ended)
			add(t, e);
	}
	qsort(t->event, t->n, sizeof(*t->event), by_time);
}

static struct trace_sum sum_of(const struct trace *t, uint64_t *from)
{
	struct trace_sum sum = { .events = t->n };
	uint64_t device, cpu, both, end = 0;

	*from = t->n ? t->event[0].began : 0;
	for (size_t i = 0; i < t->n; i++)
		if (t->event[i].ended > end)
			end = t->event[i].ended;
	if (end <= *from)
		return sum;
	device = covered(t, KIND_STREAM, KIND_STREAM);
	cpu = covered(t, FXQ_TRACE_CPU, FXQ_TRACE_CPU);
	both = device + cpu - covered(t, KIND_STREAM, FXQ_TRACE_CPU);
	sum.device = (double)device / (end - *from);
	sum.cpu = (double)cpu / (end - *from);
	sum.both = (double)both / (end - *from);
	return sum;
}

static void write_all(const struct trace *t, const char *device, uint64_t from,
		      FILE *to)
{
	fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n", to);
	write_names(t, device, to);
	write_events(t, from, to);
	write_line(json_pack("{s:s, s:s, s:i, s:{s:s}}", "name", "process_name",
			     "ph", "M", "pid", GROUP_FRAMES, "args", "name",
			     "frames"), false, to);
	fputs("]}\n", to);
}

int trace_write(struct trace *t, const char *path, const char *device,
		struct trace_sum *ret)
{
	uint64_t from;
	bool failed;
	FILE *to;

	qsort(t->event, t->n, sizeof(*t->event), by_time);
	add_streams(t);
	if (t->failed)
		return complain_io(io_fail_memory("a trace"));
	*ret = sum_of(t, &from);
	to = fopen(path, "w");
	if (!to)
		return complain(TOOL_OUTPUT, "%s: it cannot be written: %m",
				path);
	write_all(t, device, from, to);
	failed = ferror(to);
	if (fclose(to) || failed)
		return complain(TOOL_OUTPUT, "%s: it cannot be written: %m",
				path);
	return TOOL_OK;
}
