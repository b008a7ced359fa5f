// SPDX-License-Identifier: MIT
/*
 * evaluate.c - what a network answers to every sample
 *
 * Samples are spread over threads. Each has a machine, or a copy of the float
 * graph, of its own, so that none waits for another; the answers do not
 * depend on how many there are.
 *
 * A machine is a thread too, which takes turns with that of its samples. Such
 * a pair looks half idle to the scheduler, which may leave two pairs on one
 * processor; so where there is a processor for each pair, it is told to it.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tool.h"

/* What the threads share. */
struct work {
	struct answers *a;
	atomic_size_t next;
	atomic_int failed;		/* exit code */
	_Atomic uint64_t cycles;
};

struct worker {
	struct work *work;
	pthread_t thread;
	cpu_set_t cpus;			/* of the thread, and the machine's */
	struct runner runner;		/* int8 */
	struct fx_graph *graph;		/* float */
	size_t n_out;
	bool leads;			/* draws the bar */
	char error[1024];
};

static void keep_answers(struct answers *a, size_t i,
			 const struct fxq_tensor *out)
{
	size_t batch = feed_batch(a->feed);

	for (size_t b = 0; b < batch; b++)
		a->answer[i * batch + b] = class_of(out, b, batch);
}

static int run_int8(struct worker *me, size_t i, struct fxq_tensor *sample)
{
	struct fxq_io *io = me->runner.io;
	struct fxq_completion done;
	int err;

	err = fxq_run_timed(me->runner.prog, sample, io->out, &done);
	if (err) {
		snprintf(me->error, sizeof(me->error), "%s", fxq_error());
		return err;
	}
	atomic_fetch_add(&me->work->cycles, done.cycles);
	keep_answers(me->work->a, i, &io->out[0]);
	return 0;
}

static int run_float(struct worker *me, size_t i, struct fxq_tensor *sample)
{
	struct fxq_self self = { 0 };
	const struct fx_run run = { .threads = 1, .self = &self };
	struct fxq_tensor *out = calloc(me->n_out + 1, sizeof(*out));
	int err = -ENOMEM;

	if (out)
		err = fx_graph_run(me->graph, &run, sample, me->work->a->in->n,
				   out, me->n_out);
	if (err)
		snprintf(me->error, sizeof(me->error), "%s",
			 fx_graph_error(me->graph));
	else
		keep_answers(me->work->a, i, &out[0]);
	for (size_t k = 0; out && k < me->n_out; k++)
		fxq_tensor_free(&out[k]);
	free(out);
	return err;
}

/* This thread and those it starts. No set: anywhere. */
static void run_on(const cpu_set_t *cpus)
{
	if (CPU_COUNT(cpus))
		sched_setaffinity(0, sizeof(*cpus), cpus);
}

/* A processor for each worker, if there are as many. */
static void share_out(struct worker *workers, int n, const cpu_set_t *all)
{
	if (CPU_COUNT(all) != n)
		return;
	for (int cpu = 0, i = 0; i < n; cpu++)
		if (CPU_ISSET(cpu, all))
			CPU_SET(cpu, &workers[i++].cpus);
}

static void *work_on(void *arg)
{
	struct worker *me = arg;
	struct work *w = me->work;
	struct fxq_tensor *sample = sample_new(w->a->in);
	int err = sample ? 0 : io_fail_memory("samples");
	size_t i;

	run_on(&me->cpus);
	while (!err && !w->failed &&
	       (i = atomic_fetch_add(&w->next, 1)) < w->a->count) {
		err = feed_get(w->a->feed, i, sample);
		if (err)
			break;
		err = me->graph ? run_float(me, i, sample) :
				  run_int8(me, i, sample);
		if (me->leads)
			progress_at(i);
	}
	/* A run leaves its own sentence; a file's is io_error()'s. */
	if (err)
		w->failed = me->error[0] && !me->graph ? TOOL_DEVICE :
							 TOOL_INPUT;
	if (err && !me->error[0])
		snprintf(me->error, sizeof(me->error), "%s", io_error());
	sample_free(sample, w->a->in->n);
	return NULL;
}

/* Runs all workers, the first on this thread. */
static int run_workers(struct worker *workers, int n, const char *what)
{
	struct work *w = workers[0].work;
	double begun = now_s();
	int started = 1;

	workers[0].leads = true;
	progress_begin(what, w->a->count);
	for (; started < n; started++)
		if (pthread_create(&workers[started].thread, NULL, work_on,
				   &workers[started]))
			break;
	work_on(&workers[0]);
	for (int i = 1; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	progress_end();
	for (int i = 0; i < started; i++)
		if (workers[i].error[0])
			return complain(w->failed, "%s", workers[i].error);
	w->a->seconds = now_s() - begun;
	w->a->cycles = w->cycles;
	return TOOL_OK;
}

int answers_init(struct answers *a, const struct feed *f,
		 const struct feed_inputs *in, uint64_t count)
{
	size_t n = feed_count(f), batch = feed_batch(f);

	*a = (struct answers){
		.feed = f, .in = in,
		.count = count && count / batch < n ? count / batch : n,
	};
	if (!a->count)
		a->count = 1;
	a->answer = calloc(answers_items(a), sizeof(*a->answer));
	return a->answer ? TOOL_OK : complain_io(io_fail_memory("answers"));
}

size_t answers_items(const struct answers *a)
{
	return a->count * feed_batch(a->feed);
}

int answers_of_image(struct fxq_image *image, const char *device, int threads,
		     struct answers *a)
{
	struct worker *workers = calloc(threads, sizeof(*workers));
	struct work w = { .a = a };
	int code = TOOL_OK, n = 0;
	cpu_set_t all;

	if (!workers)
		return complain_io(io_fail_memory("threads"));
	if (sched_getaffinity(0, sizeof(all), &all))
		CPU_ZERO(&all);
	share_out(workers, threads, &all);
	for (; !code && n < threads; n += !code) {
		workers[n].work = &w;
		run_on(&workers[n].cpus);
		code = runner_open(image, device, NULL, NULL,
				   &workers[n].runner);
	}
	if (!code)
		code = run_workers(workers, n, "int8");
	run_on(&all);
	while (n--)
		runner_close(&workers[n].runner);
	free(workers);
	return code;
}

int answers_of_graph(const struct fx_graph *g, int threads, struct answers *a)
{
	struct worker *workers = calloc(threads, sizeof(*workers));
	struct work w = { .a = a };
	struct fx_node **outputs;
	size_t n_out;
	int code;

	if (!workers)
		return complain_io(io_fail_memory("threads"));
	outputs = graph_outputs(g, &n_out);
	free(outputs);
	for (int i = 0; i < threads; i++) {
		workers[i].work = &w;
		workers[i].graph = fx_graph_copy(g);
		workers[i].n_out = n_out;
	}
	stdout_away();
	code = run_workers(workers, threads, "float");
	stdout_back();
	for (int i = 0; i < threads; i++)
		fx_graph_free(workers[i].graph);
	free(workers);
	return code;
}

double percent_right(const struct answers *a)
{
	size_t n = answers_items(a), right = 0;

	for (size_t i = 0; i < n; i++)
		right += a->answer[i] == feed_label(a->feed, i);
	return 100.0 * right / n;
}

double percent_same(const int64_t *a, const int64_t *b, size_t n)
{
	size_t same = 0;

	for (size_t i = 0; i < n; i++)
		same += a[i] == b[i];
	return 100.0 * same / n;
}
