// SPDX-License-Identifier: MIT
/*
 * cmd_profile.c - where the time of runs goes: layer by layer, and as a timeline
 */
#include <inttypes.h>
#include <stdio.h>

#include "bench.h"

enum {
	KEY_TRACE = OPTION_OWN, KEY_ITERATIONS, KEY_WARM_UP, KEY_INFLIGHT,
	KEY_WORKERS, KEY_SEED,
};

struct args {
	struct options o;
	const char *path;
	struct bench_plan plan;
};

static const struct argp_option options[] = {
	{ "trace", KEY_TRACE, "FILE.json", 0,
	  "Keep a timeline, for Perfetto or Chrome", 1 },
	{ "iterations", KEY_ITERATIONS, "N", 0, "Runs to look at (20)", 2 },
	{ "warm-up", KEY_WARM_UP, "N", 0, "Runs before (5)", 3 },
	{ "inflight", KEY_INFLIGHT, "N", 0, "Frames under way at a time (1)", 4 },
	{ "workers", KEY_WORKERS, "N", 0, "More threads for CPU steps (0)", 5 },
	{ "seed", KEY_SEED, "N", 0, "Of the random input (0)", 6 },
	{ 0 }
};

static void check_args(const struct args *a, struct argp_state *state)
{
	if (a->plan.inflight > 1 && !a->path)
		argp_error(state, "a table of layers is of one run at a time: leave --inflight out, or give --trace");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(&a->o, state);
		a->plan = (struct bench_plan){
			.iterations = 20, .warm_up = 5, .inflight = 1,
			.streams = 1,
		};
		return 0;
	case KEY_TRACE:
		a->path = arg;
		return 0;
	case KEY_ITERATIONS:
		a->plan.iterations = parse_number(state, "--iterations", arg, 1,
						  10000);
		return 0;
	case KEY_WARM_UP:
		a->plan.warm_up = parse_number(state, "--warm-up", arg, 0,
					       1000000);
		return 0;
	case KEY_INFLIGHT:
		a->plan.inflight = parse_number(state, "--inflight", arg, 1,
						64);
		return 0;
	case KEY_WORKERS:
		a->plan.workers = parse_number(state, "--workers", arg, 0, 64);
		return 0;
	case KEY_SEED:
		a->o.seed = parse_number(state, "--seed", arg, 0, UINT64_MAX);
		return 0;
	case ARGP_KEY_END:
		check_args(a, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &image_argp }, { &device_argp }, { &common_argp }, { NULL }
};

static const struct argp argp = {
	options, parse, "IMAGE.fxq",
	"Tells where the time of runs goes, and when."
	"\vFor example:\n  fxq-run profile net.fxq --inflight 3 --trace net.json",
	children, help_filter
};

/* The timeline's; @all: NULL: as text. */
static int report_trace(const struct args *a, const struct bench *b,
			json_t *all)
{
	struct fxq_device_info device;
	struct trace_sum sum;
	int code;

	fxq_device_info(b->stream[0].runner.dev, &device);
	code = trace_write(a->plan.trace, a->path, device.name, &sum);
	if (code)
		return code;
	if (!all) {
		printf("timeline    %zu runs, %" PRIu64 " in flight, %zu events: %s\n",
		       b->all.n, a->plan.inflight, sum.events, plain(a->path));
		printf("busy        device %.1f %%, CPU steps %.1f %%, both at once %.1f %%\n",
		       100 * sum.device, 100 * sum.cpu, 100 * sum.both);
		return TOOL_OK;
	}
	json_object_set_new(all, "trace", json_pack("{s:o, s:I, s:f, s:f, s:f}",
		"file", json_text(a->path), "events", (json_int_t)sum.events,
		"device", sum.device, "cpu", sum.cpu, "both", sum.both));
	return TOOL_OK;
}

static int report_text(const struct args *a, const struct bench *b)
{
	int code = TOOL_OK;

	if (a->plan.profile)
		code = bench_layers_print(a->plan.profile);
	if (!code && a->path)
		code = report_trace(a, b, NULL);
	return code;
}

static int report_json(const struct args *a, const struct bench *b,
		       const struct fxq_image *image)
{
	struct fxq_image_info info;
	int code = TOOL_OK;
	json_t *all;

	fxq_image_info(image, &info);
	all = json_pack("{s:o, s:I, s:I, s:i}", "name", json_text(info.name),
			"runs", (json_int_t)b->all.n, "inflight",
			(json_int_t)a->plan.inflight, "threads", a->o.threads);
	if (a->plan.profile)
		code = bench_layers_json(a->plan.profile, all);
	if (!code && a->path)
		code = report_trace(a, b, all);
	if (!code)
		return print_json(all);
	json_decref(all);
	return code;
}

/* A device of the kernel's tells nothing of layers, but has a timeline. */
static bool wants_layers(const struct args *a)
{
	return a->plan.inflight == 1 && (!a->path || is_embedded(a->o.device));
}

static int profile(void *args, struct fxq_image *image)
{
	struct args *a = args;
	struct bench b = { 0 };
	int code = TOOL_OK;

	a->plan.device = a->o.device;
	a->plan.threads = a->o.threads;
	a->plan.seed = a->o.seed;
	if (wants_layers(a))
		code = profile_new(image, a->o.threads, &a->plan.profile);
	if (!code && a->path)
		code = trace_new(image, &a->plan.trace);
	if (!code)
		code = bench_run(&a->plan, image, &b);
	if (!code)
		code = a->o.json ? report_json(a, &b, image) :
		       report_text(a, &b);
	bench_close(&b);
	trace_free(a->plan.trace);
	profile_free(a->plan.profile);
	return code;
}

int cmd_profile(int argc, char **argv)
{
	struct args a = { 0 };

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	return image_do(&a.o, profile, &a);
}
