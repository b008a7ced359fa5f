// SPDX-License-Identifier: MIT
/*
 * cmd_eval.c - how often a network is right, in int8 and in floating point
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
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define FASHION_MNIST	"/usr/share/datasets/fashion-mnist/"

enum {
	KEY_MODEL = OPTION_OWN, KEY_DATA, KEY_LABELS, KEY_FASHION, KEY_COUNT,
	KEY_WITHIN,
};

struct args {
	struct options o;
	const char *network, *model, *data, *labels;
	uint64_t count;
	double within;
};

static const struct argp_option options[] = {
	{ "data", KEY_DATA, "DATA", 0,
	  "Folder with one folder a class, npy, npz, idx", 1 },
	{ "images", KEY_DATA, NULL, OPTION_ALIAS | OPTION_HIDDEN },
	{ "labels", KEY_LABELS, "FILE", 0, "Classes as npy or idx", 2 },
	{ "fashion-mnist", KEY_FASHION, NULL, 0,
	  "Debian's dataset-fashion-mnist, test half", 3 },
	{ "model", KEY_MODEL, "FILE.onnx", 0,
	  "The float network to put beside the image", 4 },
	{ "count", KEY_COUNT, "N", 0, "Samples (all)", 5 },
	{ "within", KEY_WITHIN, "POINTS", 0,
	  "Exit 1 if int8 is further below float than this", 6 },
	{ 0 }
};

static void check_args(const struct args *a, struct argp_state *state)
{
	if (!a->data)
		argp_error(state, "labelled data are missing: give --data, or --fashion-mnist");
	if (a->within >= 0 && !a->model)
		argp_error(state, "--within needs the float network: give --model");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(&a->o, state);
		a->within = -1;
		return 0;
	case KEY_MODEL:
		a->model = arg;
		return 0;
	case KEY_DATA:
		a->data = arg;
		return 0;
	case KEY_LABELS:
		a->labels = arg;
		return 0;
	case KEY_FASHION:
		a->data = FASHION_MNIST "t10k-images-idx3-ubyte.gz";
		a->labels = FASHION_MNIST "t10k-labels-idx1-ubyte.gz";
		return 0;
	case KEY_COUNT:
		a->count = parse_number(state, "--count", arg, 1, UINT32_MAX);
		return 0;
	case KEY_WITHIN:
		a->within = strtod(arg, &end);
		if (end == arg || *end || !(a->within >= 0))
			argp_error(state, "--within needs percentage points such as 0.1, not '%s'",
				   arg);
		return 0;
	case ARGP_KEY_ARG:
		if (a->network)
			argp_error(state, "one network at a time: '%s' is the second",
				   arg);
		a->network = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which network? Give a .fxq or an .onnx file");
		return 0;
	case ARGP_KEY_END:
		if (a->network)
			check_args(a, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &model_argp }, { &picture_argp }, { &device_argp }, { &common_argp },
	{ NULL }
};

static const struct argp argp = {
	options, parse, "IMAGE.fxq|MODEL.onnx",
	"Counts right answers on labelled data."
	"\v  fxq-run eval net.fxq --model net.onnx --data test/",
	children, help_filter
};

/* Samples, and what becomes of them; shared by the threads. */
struct work {
	const struct feed *feed;
	size_t count, n_in;
	const struct feed_inputs *in;
	atomic_size_t next;
	atomic_int failed;		/* exit code */
	_Atomic uint64_t cycles;
	int64_t *answer;		/* of each item */
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

static void keep_answers(struct work *w, size_t i, const struct fxq_tensor *out)
{
	size_t batch = feed_batch(w->feed);

	for (size_t b = 0; b < batch; b++)
		w->answer[i * batch + b] = class_of(out, b, batch);
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
	keep_answers(me->work, i, &io->out[0]);
	return 0;
}

static int run_float(struct worker *me, size_t i, struct fxq_tensor *sample)
{
	struct fxq_self self = { 0 };
	const struct fx_run run = { .threads = 1, .self = &self };
	struct fxq_tensor *out = calloc(me->n_out + 1, sizeof(*out));
	int err = -ENOMEM;

	if (out)
		err = fx_graph_run(me->graph, &run, sample, me->work->n_in,
				   out, me->n_out);
	if (err)
		snprintf(me->error, sizeof(me->error), "%s",
			 fx_graph_error(me->graph));
	else
		keep_answers(me->work, i, &out[0]);
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
	struct fxq_tensor *sample = sample_new(w->in);
	int err = sample ? 0 : io_fail_memory("samples");
	size_t i;

	run_on(&me->cpus);
	while (!err && !w->failed &&
	       (i = atomic_fetch_add(&w->next, 1)) < w->count) {
		err = feed_get(w->feed, i, sample);
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
	sample_free(sample, w->in->n);
	return NULL;
}

/* Runs all workers, the first on this thread; the seconds it took, or < 0. */
static double run_workers(struct worker *workers, int n, const char *what)
{
	struct work *w = workers[0].work;
	double begun = now_s();
	int started = 1;

	workers[0].leads = true;
	progress_begin(what, w->count);
	for (; started < n; started++)
		if (pthread_create(&workers[started].thread, NULL, work_on,
				   &workers[started]))
			break;
	work_on(&workers[0]);
	for (int i = 1; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	progress_end();
	for (int i = 0; i < started; i++)
		if (workers[i].error[0]) {
			complain(w->failed, "%s", workers[i].error);
			return -1;
		}
	return now_s() - begun;
}

struct result {
	bool has_int8, has_float;
	double int8_top1, float_top1, same;	/* percent */
	double images_per_s, float_images_per_s;
	double cycles_per_image, utilization;
	uint64_t images;
};

static int work_init(struct work *w, const struct feed *f,
		     const struct feed_inputs *in, uint64_t count)
{
	size_t n = feed_count(f);

	*w = (struct work){
		.feed = f, .in = in, .n_in = in->n,
		.count = count && count / feed_batch(f) < n ?
			 count / feed_batch(f) : n,
	};
	if (!w->count)
		w->count = 1;
	w->answer = calloc(w->count * feed_batch(f), sizeof(*w->answer));
	return w->answer ? TOOL_OK : complain_io(io_fail_memory("answers"));
}

static int eval_int8(const struct args *a, struct fxq_image *image,
		     struct work *w, struct result *r)
{
	struct worker *workers = calloc(a->o.threads, sizeof(*workers));
	struct fxq_image_info info;
	int code = TOOL_OK, n = 0;
	cpu_set_t all;
	double s = -1;

	if (!workers)
		return complain_io(io_fail_memory("threads"));
	if (sched_getaffinity(0, sizeof(all), &all))
		CPU_ZERO(&all);
	share_out(workers, a->o.threads, &all);
	fxq_image_info(image, &info);
	for (; !code && n < a->o.threads; n += !code) {
		workers[n].work = w;
		run_on(&workers[n].cpus);
		code = runner_open(image, a->o.device, NULL, NULL,
				   &workers[n].runner);
	}
	if (!code)
		s = run_workers(workers, n, "int8");
	run_on(&all);
	if (s > 0) {
		size_t batch = feed_batch(w->feed);

		r->has_int8 = true;
		r->images_per_s = w->count * batch / s;
		r->cycles_per_image = (double)w->cycles / (w->count * batch);
		r->utilization = utilization(info.macs_device * w->count,
					     w->cycles);
	}
	while (n--)
		runner_close(&workers[n].runner);
	free(workers);
	return code ? code : s < 0 ? w->failed : TOOL_OK;
}

static int eval_float(const struct args *a, const struct fx_graph *g,
		      struct work *w, struct result *r)
{
	struct worker *workers = calloc(a->o.threads, sizeof(*workers));
	struct fx_node **outputs;
	size_t n_out;
	double s;

	if (!workers)
		return complain_io(io_fail_memory("threads"));
	outputs = graph_outputs(g, &n_out);
	free(outputs);
	for (int i = 0; i < a->o.threads; i++) {
		workers[i].work = w;
		workers[i].graph = fx_graph_copy(g);
		workers[i].n_out = n_out;
	}
	stdout_away();
	s = run_workers(workers, a->o.threads, "float");
	stdout_back();
	if (s > 0) {
		r->has_float = true;
		r->float_images_per_s = w->count * feed_batch(w->feed) / s;
	}
	for (int i = 0; i < a->o.threads; i++)
		fx_graph_free(workers[i].graph);
	free(workers);
	return s < 0 ? w->failed : TOOL_OK;
}

static double percent_right(const struct work *w)
{
	size_t n = w->count * feed_batch(w->feed), right = 0;

	for (size_t i = 0; i < n; i++)
		right += w->answer[i] == feed_label(w->feed, i);
	return 100.0 * right / n;
}

static double percent_same(const struct work *a, const struct work *b)
{
	size_t n = a->count * feed_batch(a->feed), same = 0;

	for (size_t i = 0; i < n; i++)
		same += a->answer[i] == b->answer[i];
	return 100.0 * same / n;
}

static int print_as_json(const struct result *r, const char *name)
{
	json_t *o = json_pack("{s:o, s:I}", "name", json_text(name), "images",
			      (json_int_t)r->images);

	if (r->has_float)
		json_object_update_new(o, json_pack("{s:f, s:f}",
			"float_top1", r->float_top1,
			"float_images_per_s", r->float_images_per_s));
	if (r->has_int8)
		json_object_update_new(o, json_pack("{s:f, s:f, s:f, s:f}",
			"int8_top1", r->int8_top1,
			"images_per_s", r->images_per_s,
			"cycles_per_image", r->cycles_per_image,
			"utilization", r->utilization));
	if (r->has_float && r->has_int8)
		json_object_set_new(o, "same_answer", json_real(r->same));
	return print_json(o);
}

static void print_text(const struct result *r, const char *name)
{
	printf("%s: %" PRIu64 " images\n", plain(name), r->images);
	if (r->has_float)
		printf("  float  %6.2f %% right, %.0f images/s on this CPU\n",
		       r->float_top1, r->float_images_per_s);
	if (r->has_int8)
		printf("  int8   %6.2f %% right, %.0f images/s simulated, %.0f cycles an image at %.1f %% of the MAC array\n",
		       r->int8_top1, r->images_per_s, r->cycles_per_image,
		       100 * r->utilization);
	if (r->has_int8 && r->has_float)
		printf("  both give the same answer for %.2f %%\n", r->same);
}

static int judge(const struct args *a, const struct result *r)
{
	/* In hundredths of a point, so that 0.1 means ten of 10,000. */
	if (a->within < 0 ||
	    r->float_top1 - r->int8_top1 <= a->within + 1e-9)
		return TOOL_OK;
	return complain(TOOL_DIFFERS,
			"int8 is %.2f points below float, more than the %g of --within; calibrate with more typical data, or another --observer",
			r->float_top1 - r->int8_top1, a->within);
}

/* Whichever of image and model is not NULL. */
static int eval(const struct args *a, struct fxq_image *image,
		const struct model *m, const char *name)
{
	struct feed_inputs in = { 0 };
	struct feed *f = NULL;
	struct work int8 = { 0 }, flt = { 0 };
	struct result r = { 0 };
	int code;

	code = image ? feed_inputs_of_image(image, &in) :
		       feed_inputs_of_graph(m->graph, &a->o.pictures, &in);
	if (!code)
		code = feed_open(a->data, &in, 0, &f);
	if (!code && a->labels)
		code = feed_read_labels(f, a->labels);
	if (!code && feed_label(f, 0) < 0)
		code = complain(TOOL_USAGE, "%s: its samples have no classes; give --labels, or a folder for each class",
				a->data);
	if (!code && m) {
		code = work_init(&flt, f, &in, a->count);
		if (!code)
			code = eval_float(a, m->graph, &flt, &r);
	}
	if (!code && image) {
		code = work_init(&int8, f, &in, a->count);
		if (!code)
			code = eval_int8(a, image, &int8, &r);
	}
	if (!code) {
		r.images = (image ? int8.count : flt.count) * feed_batch(f);
		r.float_top1 = m ? percent_right(&flt) : 0;
		r.int8_top1 = image ? percent_right(&int8) : 0;
		r.same = m && image ? percent_same(&flt, &int8) : 0;
		if (a->o.json)
			code = print_as_json(&r, name);
		else
			print_text(&r, name);
	}
	if (!code)
		code = judge(a, &r);
	free(flt.answer);
	free(int8.answer);
	feed_close(f);
	feed_inputs_free(&in);
	return code;
}

static bool is_model(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && (!strcmp(dot, ".onnx") || is_plugin(path));
}

int cmd_eval(int argc, char **argv)
{
	struct args a = { 0 };
	struct fxq_image *image = NULL;
	struct fxq_image_info info;
	struct model m = { 0 };
	bool model_alone;
	int code = TOOL_OK;

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	model_alone = is_model(a.network);
	if (model_alone)
		a.model = a.network;
	else
		code = image_open(a.network, &image);
	if (!code && a.model)
		code = model_open(a.model, &a.o, &m);
	if (!code) {
		if (image)
			fxq_image_info(image, &info);
		code = eval(&a, image, a.model ? &m : NULL,
			    image ? info.name : m.name);
	}
	model_close(&m);
	fxq_image_close(image);
	return code;
}
