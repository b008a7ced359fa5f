// SPDX-License-Identifier: MIT
/*
 * cmd_bench.c - how fast an image runs: measured here, and in modelled cycles
 */
#include <inttypes.h>
#include <stdio.h>

#include "bench.h"

enum {
	KEY_ITERATIONS = OPTION_OWN, KEY_DURATION, KEY_WARM_UP, KEY_INFLIGHT,
	KEY_STREAMS, KEY_LAYERS, KEY_SEED,
};

struct args {
	struct options o;
	struct bench_plan plan;
	int all_threads;
	bool layers;
};

static const struct argp_option options[] = {
	{ "iterations", KEY_ITERATIONS, "N", 0, "Runs to measure", 1 },
	{ "duration", KEY_DURATION, "SECONDS", 0,
	  "Measure for so long (3, without --iterations)", 2 },
	{ "warm-up", KEY_WARM_UP, "N", 0, "Runs before measuring (5)", 3 },
	{ "inflight", KEY_INFLIGHT, "N", 0, "Frames under way at a time (1)", 4 },
	{ "streams", KEY_STREAMS, "N", 0,
	  "Devices, or contexts, that run side by side (1)", 5 },
	{ "layers", KEY_LAYERS, NULL, 0, "Time, peak and cycles of each layer", 6 },
	{ "seed", KEY_SEED, "N", 0, "Of the random input (0)", 7 },
	{ 0 }
};

/* Of @all threads, of one of @n streams. */
static int share_of(int all, int n)
{
	return all > n ? all / n : 1;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(&a->o, state);
		a->all_threads = a->o.threads;
		a->o.threads = 0;
		a->plan.warm_up = 5;
		a->plan.inflight = 1;
		a->plan.streams = 1;
		return 0;
	case KEY_ITERATIONS:
		a->plan.iterations = parse_number(state, "--iterations", arg, 1,
					     100000000);
		return 0;
	case KEY_DURATION:
		a->plan.duration = parse_number(state, "--duration", arg, 1, 86400);
		return 0;
	case KEY_WARM_UP:
		a->plan.warm_up = parse_number(state, "--warm-up", arg, 0, 1000000);
		return 0;
	case KEY_INFLIGHT:
		a->plan.inflight = parse_number(state, "--inflight", arg, 1, 64);
		return 0;
	case KEY_STREAMS:
		a->plan.streams = parse_number(state, "--streams", arg, 1, 64);
		return 0;
	case KEY_LAYERS:
		a->layers = true;
		return 0;
	case KEY_SEED:
		a->o.seed = parse_number(state, "--seed", arg, 0, UINT64_MAX);
		return 0;
	case ARGP_KEY_END:
		if (a->layers && a->plan.inflight > 1)
			argp_error(state, "--layers looks at one run at a time: leave --inflight out");
		if (a->layers && a->plan.streams > 1)
			argp_error(state, "--layers looks at one stream: leave --streams out");
		if (!a->o.threads)
			a->o.threads = share_of(a->all_threads,
						a->plan.streams);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &image_argp }, { &device_argp }, { &common_argp }, { NULL }
};

static const struct argp argp = {
	options, parse, "IMAGE.fxq",
	"Measures how fast an image runs on random input."
	"\vFor example:\n  fxq-run bench net.fxq --layers",
	children, help_filter
};

/* Milliseconds within which @percent of the runs, shortest first, ended. */
static double percentile(const struct timing *t, double percent)
{
	size_t i = percent / 100 * (t->n - 1) + 0.5;

	return t->n ? t->ns[i] * 1e-6 : 0;
}

static double mean(const struct timing *t)
{
	double sum = 0;

	for (size_t i = 0; i < t->n; i++)
		sum += t->ns[i];
	return t->n ? sum / t->n * 1e-6 : 0;
}

static int64_t batch_of(const struct fxq_image *image)
{
	struct fxq_tensor_info in;

	if (fxq_image_input_info(image, 0, &in) || !in.type.rank)
		return 1;
	return in.type.dims[0] > 0 ? in.type.dims[0] : 1;
}

/* Steps on the CPU, as they were measured. */
static void print_cpu_steps(const struct fxq_image *image,
			    const struct fxq_program *prog)
{
	struct fxq_step_info s;

	for (uint32_t i = 0; !fxq_image_step_info(image, i, &s); i++) {
		struct fxq_step_stats stats;

		if (s.kind == FXQ_STEP_DEVICE ||
		    fxq_program_step_stats(prog, i, &stats) || !stats.runs)
			continue;
		printf("on the CPU  %s (%s): %.3f ms\n", plain(s.name),
		       plain(s.layer),
		       1e-6 * stats.ns_total / stats.runs);
	}
}

static void print_rate(const struct args *a, const struct fxq_image *image,
		       const struct timing *t)
{
	printf("measured    %zu runs, %d thread%s, %" PRIu64 " in flight",
	       t->n, a->o.threads, a->o.threads == 1 ? "" : "s",
	       a->plan.inflight);
	if (a->plan.streams > 1)
		printf(" in each of %" PRIu64 " streams", a->plan.streams);
	printf(": %.1f samples/s\n", t->n * batch_of(image) / t->seconds);
}

static int print_text(const struct args *a, const struct fxq_image *image,
		      const struct bench *b)
{
	const struct runner *r = &b->stream[0].runner;
	const struct timing *t = &b->all;
	struct fxq_device_caps caps;
	struct fxq_image_info info;

	fxq_image_info(image, &info);
	fxq_device_caps(r->dev, &caps);
	if (a->plan.profile) {
		int code = bench_layers_print(a->plan.profile);

		if (code)
			return code;
	} else {
		print_cpu_steps(image, r->prog);
	}
	print_rate(a, image, t);
	printf("latency     %.3f ms p50, %.3f p90, %.3f p99, %.3f mean, %.3f to %.3f\n",
	       percentile(t, 50), percentile(t, 90), percentile(t, 99),
	       mean(t), percentile(t, 0), percentile(t, 100));
	printf("modelled    %" PRIu64 " cycles, %.3f ms at %g GHz, %.1f %% of the MAC array\n",
	       info.cycles, (double)info.cycles / caps.clock_khz,
	       caps.clock_khz / 1e6,
	       100 * utilization(info.macs_device, info.cycles));
	printf("bound       %" PRIu64 " cycles, %.1f %%, is the best this network can reach\n",
	       info.mx_bound,
	       100 * utilization(info.macs_device, info.mx_bound));
	return TOOL_OK;
}

/* Images per second of each stream. */
static json_t *rates(const struct fxq_image *image, const struct bench *b)
{
	json_t *rates = json_array();

	for (uint64_t i = 0; i < b->plan->streams; i++)
		json_array_append_new(rates, json_real(b->stream[i].t.n *
					batch_of(image) / b->all.seconds));
	return rates;
}

static int print_as_json(const struct args *a, const struct fxq_image *image,
			 const struct bench *b)
{
	const struct timing *t = &b->all;
	struct fxq_image_info info;
	json_t *all;

	fxq_image_info(image, &info);
	all = json_pack(
		"{s:o, s:I, s:i, s:I, s:I, s:f, s:o, s:{s:f, s:f, s:f, s:f, s:f, s:f}, s:I, s:f, s:I, s:I, s:[]}",
		"name", json_text(info.name), "runs", (json_int_t)t->n,
		"threads", a->o.threads,
		"inflight", (json_int_t)a->plan.inflight,
		"streams", (json_int_t)a->plan.streams,
		"images_per_s", t->n * batch_of(image) / t->seconds,
		"stream_images_per_s", rates(image, b),
		"latency_ms", "p50", percentile(t, 50), "p90",
		percentile(t, 90), "p99", percentile(t, 99), "mean", mean(t),
		"min", percentile(t, 0), "max", percentile(t, 100),
		"cycles", (json_int_t)info.cycles, "utilization",
		utilization(info.macs_device, info.cycles),
		"macs", (json_int_t)info.macs_device,
		"mx_bound", (json_int_t)info.mx_bound, "layers");
	if (a->plan.profile) {
		int code = bench_layers_json(a->plan.profile, all);

		if (code) {
			json_decref(all);
			return code;
		}
	}
	return print_json(all);
}

static int bench(void *args, struct fxq_image *image)
{
	struct args *a = args;
	struct bench b;
	int code;

	a->plan.device = a->o.device;
	a->plan.threads = a->o.threads;
	a->plan.seed = a->o.seed;
	if (a->layers) {
		code = profile_new(image, a->o.threads, &a->plan.profile);
		if (code)
			return code;
	}
	code = bench_run(&a->plan, image, &b);
	if (!code)
		code = a->o.json ? print_as_json(a, image, &b) :
		       print_text(a, image, &b);
	bench_close(&b);
	profile_free(a->plan.profile);
	return code;
}

int cmd_bench(int argc, char **argv)
{
	struct args a = { 0 };

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	return image_do(&a.o, bench, &a);
}
