// SPDX-License-Identifier: MIT
/*
 * cmd_bench.c - how fast an image runs: measured here, and in modelled cycles
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

enum {
	KEY_ITERATIONS = OPTION_OWN, KEY_DURATION, KEY_WARM_UP, KEY_INFLIGHT,
	KEY_LAYERS, KEY_SEED,
};

struct args {
	struct options o;
	const char *image;
	uint64_t iterations, warm_up, inflight;
	double duration;
	bool layers;
};

static const struct argp_option options[] = {
	{ "iterations", KEY_ITERATIONS, "N", 0, "Runs to measure", 1 },
	{ "duration", KEY_DURATION, "SECONDS", 0,
	  "Measure for so long (3, without --iterations)", 2 },
	{ "warm-up", KEY_WARM_UP, "N", 0, "Runs before measuring (5)", 3 },
	{ "inflight", KEY_INFLIGHT, "N", 0, "Runs queued at a time (1)", 4 },
	{ "layers", KEY_LAYERS, NULL, 0, "Time, peak and cycles of each layer", 5 },
	{ "seed", KEY_SEED, "N", 0, "Of the random input (0)", 6 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(&a->o, state);
		a->warm_up = 5;
		a->inflight = 1;
		return 0;
	case KEY_ITERATIONS:
		a->iterations = parse_number(state, "--iterations", arg, 1,
					     100000000);
		return 0;
	case KEY_DURATION:
		a->duration = parse_number(state, "--duration", arg, 1, 86400);
		return 0;
	case KEY_WARM_UP:
		a->warm_up = parse_number(state, "--warm-up", arg, 0, 1000000);
		return 0;
	case KEY_INFLIGHT:
		a->inflight = parse_number(state, "--inflight", arg, 1, 64);
		return 0;
	case KEY_LAYERS:
		a->layers = true;
		return 0;
	case KEY_SEED:
		a->o.seed = parse_number(state, "--seed", arg, 0, UINT64_MAX);
		return 0;
	case ARGP_KEY_ARG:
		if (a->image)
			argp_error(state, "one image at a time: '%s' is the second",
				   arg);
		a->image = arg;
		return 0;
	case ARGP_KEY_END:
		if (a->layers && a->inflight > 1)
			argp_error(state, "--layers looks at one run at a time: leave --inflight out");
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which image? Give a .fxq file");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &device_argp }, { &common_argp }, { NULL }
};

static const struct argp argp = {
	options, parse, "IMAGE.fxq",
	"Measures how fast an image runs on random input."
	"\vFor example:\n  fxq-run bench net.fxq --layers",
	children, help_filter
};

/* What was measured; @ns of each run. */
struct timing {
	uint64_t *ns;
	size_t n, room;
	double seconds;
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

/* Is the measurement over after @n runs and @s seconds? */
static bool is_over(const struct args *a, size_t n, double s)
{
	if (a->iterations)
		return n >= a->iterations ||
		       (a->duration > 0 && s >= a->duration);
	return s >= (a->duration > 0 ? a->duration : 3);
}

/* Each run has tensors of its own, since several are in flight. */
static int submit(struct fxq_program *prog, struct fxq_io *io)
{
	int err = fxq_submit(prog, io->in, io->out, io);

	return err ? complain(TOOL_DEVICE, "%s", fxq_error()) : TOOL_OK;
}

/* Keeps what a run took; @profile may be NULL. */
static int keep_run(const struct fxq_program *prog, struct timing *t,
		    struct profile *profile, uint64_t ns)
{
	if (!keep_time(t, ns))
		return complain_io(io_fail_memory("times"));
	return profile ? profile_run(profile, prog, ns) : TOOL_OK;
}

/* Keeps --inflight runs queued until it is over, then drains. */
static int run_many(const struct args *a, struct fxq_program *prog,
		    struct fxq_io **flights, struct timing *t,
		    struct profile *profile)
{
	double begun = now_s();
	size_t left = 0;
	int code = TOOL_OK;

	progress_begin("measuring", a->iterations);
	if (profile)
		profile_begin(profile, prog);
	for (; !code && left < a->inflight; left += !code)
		code = submit(prog, flights[left]);
	while (left) {
		struct fxq_completion c;

		if (fxq_poll(prog, &c, 1, UINT64_MAX) != 1)
			return complain(TOOL_DEVICE, "%s", fxq_error());
		left--;
		if (c.result)
			code = complain(TOOL_DEVICE, "%s", c.error);
		else
			code = keep_run(prog, t, profile, c.ns);
		progress_at(t->n);
		if (!code && !is_over(a, t->n + left, now_s() - begun)) {
			code = submit(prog, c.user_data);
			left += !code;
		}
	}
	progress_end();
	t->seconds = now_s() - begun;
	return code;
}

static int fill(struct fxq_image *image, struct fxq_io **flights, size_t n,
		uint64_t seed)
{
	struct feed_inputs in;
	struct feed *feed;
	int code;

	code = feed_inputs_of_image(image, &in);
	if (code)
		return code;
	code = feed_open("random", &in, seed, &feed);
	if (!code) {
		for (size_t i = 0; i < n; i++)
			feed_get(feed, i, flights[i]->in);
		feed_close(feed);
	}
	feed_inputs_free(&in);
	return code;
}

static int measure(const struct args *a, struct fxq_image *image,
		   struct runner *r, struct timing *t, struct profile *profile)
{
	struct fxq_io *flights[64] = { NULL };
	struct timing unused = { 0 };
	struct args warm_up = *a;
	int code = TOOL_OK;

	for (size_t i = 0; !code && i < a->inflight; i++)
		if (fxq_io_create(r->prog, &flights[i]))
			code = complain(TOOL_DEVICE, "%s", fxq_error());
	if (!code)
		code = fill(image, flights, a->inflight, a->o.seed);
	warm_up.iterations = a->warm_up;
	if (!code && a->warm_up)
		code = run_many(&warm_up, r->prog, flights, &unused, NULL);
	fxq_program_reset_stats(r->prog);
	if (!code)
		code = run_many(a, r->prog, flights, t, profile);
	for (size_t i = 0; i < a->inflight; i++)
		fxq_io_destroy(flights[i]);
	free(unused.ns);
	return code;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Milliseconds within which @percent of the sorted runs ended. */
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

static int print_text(const struct args *a, const struct fxq_image *image,
		      const struct runner *r, const struct timing *t,
		      struct profile *profile)
{
	struct fxq_device_caps caps;
	struct fxq_image_info info;

	fxq_image_info(image, &info);
	fxq_device_caps(r->dev, &caps);
	if (profile) {
		int code = bench_layers_print(profile);

		if (code)
			return code;
	} else {
		print_cpu_steps(image, r->prog);
	}
	printf("measured    %zu runs, %d thread%s, %" PRIu64 " in flight: %.1f images/s\n",
	       t->n, a->o.threads, a->o.threads == 1 ? "" : "s", a->inflight,
	       t->n * batch_of(image) / t->seconds);
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

static int print_as_json(const struct args *a, const struct fxq_image *image,
			 const struct timing *t, struct profile *profile)
{
	struct fxq_image_info info;
	json_t *all;

	fxq_image_info(image, &info);
	all = json_pack(
		"{s:o, s:I, s:i, s:I, s:f, s:{s:f, s:f, s:f, s:f, s:f, s:f}, s:I, s:f, s:I, s:I, s:[]}",
		"name", json_text(info.name), "runs", (json_int_t)t->n,
		"threads", a->o.threads, "inflight", (json_int_t)a->inflight,
		"images_per_s", t->n * batch_of(image) / t->seconds,
		"latency_ms", "p50", percentile(t, 50), "p90",
		percentile(t, 90), "p99", percentile(t, 99), "mean", mean(t),
		"min", percentile(t, 0), "max", percentile(t, 100),
		"cycles", (json_int_t)info.cycles, "utilization",
		utilization(info.macs_device, info.cycles),
		"macs", (json_int_t)info.macs_device,
		"mx_bound", (json_int_t)info.mx_bound, "layers");
	if (profile) {
		int code = bench_layers_json(profile, all);

		if (code) {
			json_decref(all);
			return code;
		}
	}
	return print_json(all);
}

static int report(const struct args *a, const struct fxq_image *image,
		  const struct runner *r, struct timing *t,
		  struct profile *profile)
{
	qsort(t->ns, t->n, sizeof(*t->ns), by_size);
	return a->o.json ? print_as_json(a, image, t, profile) :
	       print_text(a, image, r, t, profile);
}

/* On an open image. */
static int bench(const struct args *a, struct fxq_image *image)
{
	struct fxq_device_config config = { .threads = a->o.threads };
	struct profile *profile = NULL;
	struct timing t = { 0 };
	struct runner r;
	int code = TOOL_OK;

	if (a->layers) {
		code = profile_new(image, a->o.threads, &profile);
		if (code)
			return code;
		config.profile = profile_stream;
		config.priv = profile;
	}
	code = runner_open(image, a->o.device, &config,
			   &(struct fxq_program_config){
				.slots = a->inflight, .threads = a->o.threads },
			   &r);
	if (!code) {
		stdout_away();
		code = measure(a, image, &r, &t, profile);
		stdout_back();
		if (!code)
			code = report(a, image, &r, &t, profile);
		runner_close(&r);
	}
	free(t.ns);
	profile_free(profile);
	return code;
}

int cmd_bench(int argc, char **argv)
{
	struct args a = { 0 };
	struct fxq_image *image;
	int code;

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	code = image_open(a.image, &image);
	if (code)
		return code;
	code = bench(&a, image);
	fxq_image_close(image);
	return code;
}
