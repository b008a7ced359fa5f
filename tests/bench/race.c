// SPDX-License-Identifier: MIT
/*
 * race.c - fxq against ONNX Runtime, network by network
 *
 *	race [--ort LIBRARY] [--output FILE] [--seconds N] FOLDER [NAME...]
 *
 * FOLDER has NAME.fp32.onnx, and beside it NAME.fxq and NAME.int8.onnx, and
 * NAME.npy, which is the input; without it the input is noise. On one thread and
 * on two, fxq's embedded device, ONNX Runtime on the int8 file and
 * ONNX Runtime on the float file run in short turns, one after another and
 * many rounds, on the same input, from and to float tensors; each turn begins
 * with runs that do not count. So what else the computer does slows all alike.
 * Medians are compared: ratio = the better of ONNX Runtime's / fxq's. What the
 * processor multiplies at most is measured in each round as well.
 *
 * A network that fxq does not run has the ratio FAILED; one that ONNX Runtime
 * runs in neither form has none, and without ONNX Runtime none has.
 *
 * Where ONNX Runtime has a thread of its own, it is tried with and without
 * spinning, and runs as it is faster; a pause lets that end before the next.
 */
#include <argp.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "io/io.h"
#include "peak.h"
#include "racer.h"

#define ROUNDS		7
#define MAX_MODELS	64
#define WARM_UP		2
#define PAUSE_US	5000
#define FAILED		0.01	/* the ratio of a network that does not run */

enum who {
	FXQ, ORT_INT8, ORT_FP32, RACERS
};

static const char *const keys[RACERS] = {
	"fxq_ms", "ort_int8_ms", "ort_fp32_ms"
};

struct args {
	const char *ort, *output, *folder;
	char no_ort[RACER_REASON];	/* why it does not run */
	char *name[MAX_MODELS];
	size_t n;
	double seconds;		/* of each racer, for each number of threads */
};

/* struct times - milliseconds of the runs that count */
struct times {
	double *ms;
	size_t n, room;
};

/*
 * struct heat - a network on a number of threads
 * @out: what each of ONNX Runtime's writes
 * @macs: of the network
 * @why: fxq failed
 */
struct heat {
	const struct args *args;
	const char *name;
	int threads;
	struct fxq_io *io;
	struct racer *racer[RACERS];
	struct fxq_tensor *out[RACERS];
	struct times times[RACERS], peak;
	bool spin[RACERS];
	double macs;
	char why[RACER_REASON];
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

static void keep(struct times *t, double ms)
{
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 256;
		t->ms = realloc(t->ms, t->room * sizeof(*t->ms));
		if (!t->ms)
			abort();
	}
	t->ms[t->n++] = ms;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(struct times *t)
{
	if (!t->n)
		return NAN;
	qsort(t->ms, t->n, sizeof(*t->ms), by_size);
	return t->ms[t->n / 2];
}

/* Runs for @ms, at least once. False: the racer failed. */
static bool turn(struct racer *r, double ms, struct times *t)
{
	double begun, at, end;
	int i;

	usleep(PAUSE_US);
	for (i = 0; i < WARM_UP; i++)
		if (r->run(r))
			return false;
	begun = at = now_ms();
	do {
		if (r->run(r))
			return false;
		end = now_ms();
		keep(t, end - at);
		at = end;
	} while (at - begun < ms);
	return true;
}

/* Opening */

static void path_of(const struct heat *h, const char *end, char *path,
		    size_t size)
{
	snprintf(path, size, "%s/%s.%s", h->args->folder, h->name, end);
}

static int64_t elements(const struct fxq_tensor *t)
{
	int64_t n = 1;

	for (uint32_t k = 0; k < t->rank; k++)
		n *= t->dims[k];
	return n;
}

static void fill_noise(struct fxq_io *io)
{
	uint64_t x = 88172645463325252ull;

	for (uint32_t i = 0; i < io->n_in; i++) {
		float *data = io->in[i].data;

		for (int64_t n = elements(&io->in[i]); n--; data++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			*data = (float)(x >> 40) / (1 << 24);
		}
	}
}

static bool fill(struct heat *h)
{
	struct fxq_tensor *in = &h->io->in[0], t;
	char path[4096];
	bool fits;

	path_of(h, "npy", path, sizeof(path));
	if (h->io->n_in != 1 || access(path, R_OK)) {
		fill_noise(h->io);
		return true;
	}
	if (load_tensor(path, NULL, NULL, &t)) {
		snprintf(h->why, sizeof(h->why), "%s", io_error());
		return false;
	}
	fits = t.dtype == in->dtype && elements(&t) == elements(in);
	if (fits)
		memcpy(in->data, t.data, elements(in) * sizeof(float));
	else
		snprintf(h->why, sizeof(h->why),
			 "%s.npy is not of the input's type", h->name);
	free(t.data);
	return fits;
}

static struct fxq_tensor *outputs_like(const struct fxq_io *io)
{
	struct fxq_tensor *out = calloc(io->n_out, sizeof(*out));

	for (uint32_t i = 0; out && i < io->n_out; i++) {
		out[i] = io->out[i];
		out[i].data = calloc(elements(&out[i]), sizeof(float));
	}
	return out;
}

/* Opens one of ONNX Runtime's, as it is faster. Without its file, it is not. */
static void open_ort(struct heat *h, enum who who, const char *end)
{
	struct times t[2] = { { 0 } };
	char path[4096], why[RACER_REASON];
	struct racer *r[2] = { NULL };
	int spin;

	path_of(h, end, path, sizeof(path));
	if (access(path, R_OK))
		return;
	h->out[who] = outputs_like(h->io);
	for (spin = 0; spin < (h->threads > 1 ? 2 : 1); spin++) {
		r[spin] = ort_racer_open(path, h->threads, spin, h->io,
					 h->out[who], why);
		if (!r[spin])
			fprintf(stderr, "race: %s: %s\n", path, why);
		else if (!turn(r[spin], 1e3 * h->args->seconds / ROUNDS,
			       &t[spin]))
			fprintf(stderr, "race: %s: %s\n", path, r[spin]->why);
	}
	h->spin[who] = r[1] && t[1].n && !(median(&t[0]) < median(&t[1]));
	h->racer[who] = r[h->spin[who]];
	if (r[!h->spin[who]])
		r[!h->spin[who]]->close(r[!h->spin[who]]);
	free(t[0].ms);
	free(t[1].ms);
}

static bool heat_open(struct heat *h)
{
	char path[4096];

	path_of(h, "fxq", path, sizeof(path));
	h->racer[FXQ] = fxq_racer_open(path, h->threads, &h->io, h->why);
	if (!h->racer[FXQ])
		return false;
	h->macs = h->racer[FXQ]->macs;
	if (!fill(h))
		return false;
	if (h->args->ort) {
		open_ort(h, ORT_INT8, "int8.onnx");
		open_ort(h, ORT_FP32, "fp32.onnx");
	}
	return true;
}

static void heat_close(struct heat *h)
{
	for (int i = RACERS - 1; i >= 0; i--) {
		for (uint32_t k = 0; h->out[i] && k < h->io->n_out; k++)
			free(h->out[i][k].data);
		free(h->out[i]);
		if (h->racer[i])
			h->racer[i]->close(h->racer[i]);
		free(h->times[i].ms);
	}
	free(h->peak.ms);
}

static void heat_run(struct heat *h)
{
	for (int round = 0; round < ROUNDS; round++) {
		keep(&h->peak, peak_macs(peak_loop_of(NULL), h->threads));
		for (int i = 0; i < RACERS; i++) {
			struct racer *r = h->racer[i];

			if (!r || turn(r, 1e3 * h->args->seconds / ROUNDS,
				       &h->times[i]))
				continue;
			if (i == FXQ)
				memcpy(h->why, r->why, sizeof(h->why));
			fprintf(stderr, "race: %s: %s: %s\n", h->name, keys[i],
				r->why);
			h->times[i].n = 0;
			r->close(r);
			h->racer[i] = NULL;
		}
		if (!h->racer[FXQ])
			return;
	}
}

/* What fxq's outputs lack of float's, in decibels; of all together. */
static double agreement(const struct heat *h)
{
	double signal = 0, noise = 0;

	if (!h->racer[ORT_FP32])
		return NAN;
	for (uint32_t i = 0; i < h->io->n_out; i++) {
		const float *ours = h->io->out[i].data;
		const float *theirs = h->out[ORT_FP32][i].data;

		for (int64_t k = elements(&h->io->out[i]); k--; ) {
			double off = (double)ours[k] - theirs[k];

			signal += (double)theirs[k] * theirs[k];
			noise += off * off;
		}
	}
	return 10 * log10(signal / noise);
}

/* Results */

static json_t *number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static double smaller(double a, double b)
{
	return isnan(a) || b < a ? b : a;
}

static void print_number(double v, int decimals)
{
	if (isnan(v))
		printf(" %9s", "-");
	else
		printf(" %9.*f", decimals, v);
}

static json_t *heat_result(struct heat *h, double *ret_ratio)
{
	double ms[RACERS], ratio = FAILED, peak = median(&h->peak);
	json_t *o = json_pack("{s:s, s:i}", "name", h->name, "threads",
			      h->threads);

	for (int i = 0; i < RACERS; i++) {
		ms[i] = median(&h->times[i]);
		json_object_set_new(o, keys[i], number(ms[i]));
	}
	if (!h->why[0])
		ratio = smaller(ms[ORT_INT8], ms[ORT_FP32]) / ms[FXQ];
	json_object_set_new(o, "ratio", number(ratio));
	json_object_set_new(o, "macs", json_integer((json_int_t)h->macs));
	json_object_set_new(o, "peak_gops", number(2e-9 * peak));
	json_object_set_new(o, "sqnr_db", number(agreement(h)));
	json_object_set_new(o, "ort_int8_spins", json_boolean(h->spin[ORT_INT8]));
	json_object_set_new(o, "ort_fp32_spins", json_boolean(h->spin[ORT_FP32]));
	if (h->why[0])
		json_object_set_new(o, "failed", json_string(h->why));
	printf("%-20s %d", h->name, h->threads);
	for (int i = 0; i < RACERS; i++)
		print_number(ms[i], 3);
	print_number(ratio, 3);
	print_number(2e-9 * peak, 0);
	printf("%s%s\n", h->why[0] ? "  " : "", h->why);
	fflush(stdout);
	*ret_ratio = ratio;
	return o;
}

static json_t *race_model(const struct args *a, const char *name, int threads,
			  double *ret_ratio)
{
	struct heat h = { .args = a, .name = name, .threads = threads };
	json_t *o;

	if (heat_open(&h))
		heat_run(&h);
	o = heat_result(&h, ret_ratio);
	heat_close(&h);
	return o;
}

static void print_mean(const struct args *a, size_t n, double mean)
{
	if (isnan(mean))
		printf("SKIP: no ratios: ONNX Runtime: %s\n", a->ort ?
		       "it runs none of these networks" : a->no_ort);
	else if (n < 2 * a->n)
		printf("geometric mean of %zu ratios: %.3f; ONNX Runtime does not run the others\n",
		       n, mean);
	else
		printf("geometric mean of %zu ratios: %.3f\n", n, mean);
}

static json_t *race_all(const struct args *a, const char *version)
{
	json_t *models = json_array();
	const struct peak_loop *loop = peak_loop_of(NULL);
	double logs = 0, ratio, mean;
	size_t n = 0;

	printf("%-20s %s %9s %9s %9s %9s %9s\n", "model", "t", "fxq ms",
	       "int8 ms", "float ms", "ratio", "GOP/s");
	for (size_t i = 0; i < a->n; i++)
		for (int threads = 1; threads <= 2; threads++) {
			json_array_append_new(models, race_model(a, a->name[i],
					threads, &ratio));
			if (isnan(ratio))
				continue;
			logs += log(ratio);
			n++;
		}
	mean = a->ort && n ? exp(logs / n) : NAN;
	print_mean(a, n, mean);
	return json_pack("{s:o, s:o, s:s, s:s?, s:s?}", "models", models, "geomean",
			 number(mean), "peak", loop ? loop->name : "none",
			 "onnxruntime", version, "skipped",
			 a->ort ? NULL : a->no_ort);
}

/* Arguments */

static const struct argp_option options[] = {
	{ "ort", 'r', "LIBRARY", 0, "ONNX Runtime's shared object" },
	{ "output", 'o', "FILE", 0, "Where the JSON goes" },
	{ "seconds", 's', "N", 0, "Of each racer, on each network (0.7)" },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	char *end;

	switch (key) {
	case 'r':
		a->ort = arg;
		return 0;
	case 'o':
		a->output = arg;
		return 0;
	case 's':
		a->seconds = strtod(arg, &end);
		if (*end || !(a->seconds > 0 && a->seconds <= 3600))
			argp_error(state, "--seconds=%s: a number above 0, up to 3600",
				   arg);
		return 0;
	case ARGP_KEY_ARG:
		if (!a->folder)
			a->folder = arg;
		else if (a->n < MAX_MODELS)
			a->name[a->n++] = strdup(arg);
		else
			argp_error(state, "more than %d names", MAX_MODELS);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which folder?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static int is_model(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 10 && !strcmp(e->d_name + n - 10, ".fp32.onnx");
}

/* All of the folder, if no names are given. */
static bool find_models(struct args *a)
{
	struct dirent **found;
	int n;

	if (a->n)
		return true;
	n = scandir(a->folder, &found, is_model, alphasort);
	for (int i = 0; i < n; i++) {
		if (a->n < MAX_MODELS)
			a->name[a->n++] = strndup(found[i]->d_name,
						  strlen(found[i]->d_name) - 10);
		free(found[i]);
	}
	if (n >= 0)
		free(found);
	return a->n > 0;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, "FOLDER [NAME...]",
		"Races fxq against ONNX Runtime."
	};
	struct args a = { .seconds = 0.7, .no_ort = "give its library, --ort" };
	const char *version = NULL;
	json_t *result;
	int ret = 0;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (!find_models(&a)) {
		fprintf(stderr, "race: %s: no *.fp32.onnx\n", a.folder);
		return 1;
	}
	if (a.ort) {
		version = ort_load(a.ort, a.no_ort);
		if (!version)
			a.ort = NULL;
	}
	result = race_all(&a, version);
	if (a.output && json_dump_file(result, a.output, JSON_INDENT(2) |
				       JSON_REAL_PRECISION(6))) {
		fprintf(stderr, "race: %s cannot be written\n", a.output);
		ret = 1;
	}
	json_decref(result);
	while (a.n)
		free(a.name[--a.n]);
	return ret;
}
