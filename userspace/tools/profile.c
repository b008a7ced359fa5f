// SPDX-License-Identifier: MIT
/*
 * profile.c - what each layer of a run takes, measured
 *
 * The device tells how long each descriptor of a stream was in work, libfxq how
 * long each step on the CPU took. Descriptors execute one after another, so a
 * layer's time is that of its own, and layers, CPU steps and what remains of a
 * run add up to the run. Rows are medians over runs; what a layer's time went
 * into is told by the engines that its descriptors are for.
 */
#include <stdlib.h>
#include <string.h>

#include <fxq/fxq_cmd.h>

#include "peak.h"
#include "profile.h"

#define MAX_RUNS	10000	/* later ones are not kept */
#define MAX_PEAKS	256
#define PEAK_EVERY_S	0.2

/* struct stream - a device step's; @row: of each descriptor */
struct stream {
	const struct fxq_desc *desc;
	uint32_t n, *row;
};

/* struct spent - a row's nanoseconds, by what they went into */
struct spent {
	uint64_t ns[BOUNDS];
};

/*
 * struct profile
 * @row: @n of them in order of execution; the last is what remains of a run
 * @now: of the run in progress; the device's thread adds to it
 * @sum: of all runs kept
 * @before: what a row's step had taken in all when the run began
 * @kept: @n_kept runs of @n nanoseconds
 */
struct profile {
	const struct fxq_image *image;
	struct stream *stream;
	size_t n_streams;
	struct profile_row *row;
	struct spent *now, *sum;
	uint64_t *before;
	size_t n;
	uint64_t *kept;
	size_t n_kept, room;
	const struct peak_loop *loop;
	int threads;
	double peak[MAX_PEAKS], peak_at;
	size_t n_peaks;
};

static const enum bound bound_of[FXQ_ENGINE_COUNT] = {
	[FXQ_ENGINE_LD] = BOUND_BYTES,
	[FXQ_ENGINE_ST] = BOUND_BYTES,
	[FXQ_ENGINE_MX] = BOUND_COMPUTE,
	[FXQ_ENGINE_VX] = BOUND_VECTOR,
};

/* Rows */

static struct profile_row *add_row(struct profile *p, enum profile_kind kind,
				   uint32_t step)
{
	struct profile_row *row;

	row = realloc(p->row, (p->n + 1) * sizeof(*row));
	if (!row)
		return NULL;
	p->row = row;
	row += p->n++;
	*row = (struct profile_row){ .kind = kind, .step = step };
	return row;
}

/* What a step on the CPU reads and writes. */
static uint64_t bytes_of(const struct fxq_image *image, const uint32_t *args,
			 uint32_t n)
{
	struct fxq_tensor_info t;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < n; i++)
		if (!fxq_image_tensor_info(image, args[i], &t))
			bytes += t.bytes;
	return bytes;
}

static bool add_cpu_step(struct profile *p, uint32_t step,
			 const struct fxq_step_info *s)
{
	struct profile_row *row = add_row(p, PROFILE_CPU, step);

	if (!row)
		return false;
	row->layer = s->layer;
	row->op = s->name;
	row->cost.bytes = bytes_of(p->image, s->in, s->n_in) +
			  bytes_of(p->image, s->out, s->n_out);
	return true;
}

static bool add_layer(struct profile *p, uint32_t step,
		      const struct layer_cost *cost)
{
	struct profile_row *row = add_row(p, PROFILE_LAYER, step);
	struct fxq_tag_info tag;

	if (!row)
		return false;
	fxq_image_tag_info(p->image, cost->tag, &tag);
	row->layer = tag.layer;
	row->op = tag.op;
	row->macs = tag.macs;
	row->cost = *cost;
	return true;
}

/* Descriptors of a stream belong to the rows from @first on. */
static bool add_stream(struct profile *p, const struct fxq_step_info *s,
		       size_t first)
{
	struct stream *to;
	struct fxq_image_info info;
	uint32_t *row_of;

	to = realloc(p->stream, (p->n_streams + 1) * sizeof(*to));
	if (!to)
		return false;
	p->stream = to;
	to += p->n_streams;
	fxq_image_info(p->image, &info);
	row_of = calloc(info.n_tags + 1, sizeof(*row_of));
	to->row = calloc(s->n_descs + 1, sizeof(*to->row));
	to->desc = s->stream;
	to->n = s->n_descs;
	p->n_streams += !!to->row;
	for (size_t i = first; row_of && i < p->n; i++)
		row_of[p->row[i].cost.tag] = i;
	for (uint32_t i = 0; row_of && to->row && i < to->n; i++)
		to->row[i] = row_of[s->stream[i].tag];
	free(row_of);
	return row_of && to->row;
}

static bool add_device_step(struct profile *p, uint32_t step,
			    const struct fxq_step_info *s)
{
	struct layer_cost *layers;
	size_t first = p->n, n;
	bool ok = true;

	if (layer_costs(p->image, step, &layers, &n))
		return false;
	for (size_t i = 0; ok && i < n; i++)
		ok = add_layer(p, step, &layers[i]);
	free(layers);
	return ok && add_stream(p, s, first);
}

static bool add_rows(struct profile *p)
{
	struct fxq_step_info s;
	bool ok = true;

	for (uint32_t i = 0; ok && !fxq_image_step_info(p->image, i, &s); i++)
		ok = s.kind == FXQ_STEP_DEVICE ? add_device_step(p, i, &s) :
		     add_cpu_step(p, i, &s);
	if (!ok || !add_row(p, PROFILE_REST, 0))
		return false;
	p->now = calloc(p->n, sizeof(*p->now));
	p->sum = calloc(p->n, sizeof(*p->sum));
	p->before = calloc(p->n, sizeof(*p->before));
	return p->now && p->sum && p->before;
}

int profile_new(const struct fxq_image *image, int threads,
		struct profile **ret)
{
	struct profile *p = calloc(1, sizeof(*p));

	if (p) {
		p->image = image;
		p->threads = threads;
		p->loop = peak_loop_of(NULL);
	}
	if (!p || !add_rows(p)) {
		profile_free(p);
		return complain_io(io_fail_memory("a profile"));
	}
	*ret = p;
	return TOOL_OK;
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_streams; i++)
		free(p->stream[i].row);
	free(p->stream);
	free(p->row);
	free(p->now);
	free(p->sum);
	free(p->before);
	free(p->kept);
	free(p);
}

/* Runs */

void profile_stream(void *priv, const struct fxq_desc *desc, uint64_t began,
		    const uint64_t *ns, uint32_t n)
{
	struct profile *p = priv;
	const struct stream *s = p->stream, *end = s + p->n_streams;

	while (s < end && (s->n != n ||
			   memcmp(s->desc, desc, n * sizeof(*desc))))
		s++;
	for (uint32_t i = 0; s < end && i < n; i++)
		p->now[s->row[i]].ns[bound_of[desc[i].engine]] += ns[i];
}

static uint64_t step_ns(const struct fxq_program *prog, uint32_t step)
{
	struct fxq_step_stats s;

	return fxq_program_step_stats(prog, step, &s) ? 0 : s.ns_total;
}

/* Gives the CPU's rows what their steps took since the run before. */
static void look_at_steps(struct profile *p, const struct fxq_program *prog)
{
	for (size_t i = 0; i < p->n; i++) {
		uint64_t ns;

		if (p->row[i].kind != PROFILE_CPU)
			continue;
		ns = step_ns(prog, p->row[i].step);
		p->now[i].ns[BOUND_CPU] = ns - p->before[i];
		p->before[i] = ns;
	}
}

static void look_at_peak(struct profile *p)
{
	double now = now_s();

	if (p->n_peaks == MAX_PEAKS || now - p->peak_at < PEAK_EVERY_S)
		return;
	p->peak[p->n_peaks++] = peak_macs(p->loop, p->threads);
	p->peak_at = now;
}

void profile_begin(struct profile *p, const struct fxq_program *prog)
{
	look_at_steps(p, prog);
	memset(p->now, 0, p->n * sizeof(*p->now));
	look_at_peak(p);
}

static uint64_t total(const struct spent *s)
{
	uint64_t ns = 0;

	for (int b = 0; b < BOUNDS; b++)
		ns += s->ns[b];
	return ns;
}

static uint64_t *new_run(struct profile *p)
{
	if (p->n_kept == p->room) {
		size_t room = p->room ? 2 * p->room : 64;
		uint64_t *more;

		more = realloc(p->kept, room * p->n * sizeof(*more));
		if (!more)
			return NULL;
		p->kept = more;
		p->room = room;
	}
	return p->kept + p->n * p->n_kept++;
}

int profile_run(struct profile *p, const struct fxq_program *prog, uint64_t ns)
{
	uint64_t *run, rows = 0;

	look_at_steps(p, prog);
	if (p->n_kept == MAX_RUNS)
		return 0;
	run = new_run(p);
	if (!run)
		return complain_io(io_fail_memory("a profile"));
	for (size_t i = 0; i + 1 < p->n; i++)
		rows += total(&p->now[i]);
	p->now[p->n - 1].ns[BOUND_CPU] = ns > rows ? ns - rows : 0;
	for (size_t i = 0; i < p->n; i++) {
		run[i] = total(&p->now[i]);
		for (int b = 0; b < BOUNDS; b++)
			p->sum[i].ns[b] += p->now[i].ns[b];
	}
	memset(p->now, 0, p->n * sizeof(*p->now));
	look_at_peak(p);
	return TOOL_OK;
}

/* Results */

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint64_t median_of_row(const struct profile *p, size_t i,
			      uint64_t *scratch)
{
	for (size_t k = 0; k < p->n_kept; k++)
		scratch[k] = p->kept[k * p->n + i];
	qsort(scratch, p->n_kept, sizeof(*scratch), by_size);
	return p->n_kept ? scratch[p->n_kept / 2] : 0;
}

static void find_bound(struct profile_row *row, const struct spent *s)
{
	uint64_t all = total(s);

	row->bound = row->kind == PROFILE_LAYER ? BOUND_COMPUTE : BOUND_CPU;
	for (int b = 0; b < BOUNDS; b++) {
		row->spent[b] = all ? (double)s->ns[b] / all : 0;
		if (s->ns[b] > s->ns[row->bound])
			row->bound = b;
	}
}

int profile_rows(struct profile *p, const struct profile_row **ret_rows,
		 size_t *ret_n)
{
	uint64_t *scratch = calloc(p->n_kept + 1, sizeof(*scratch));
	double sum = 0;

	if (!scratch)
		return complain_io(io_fail_memory("a profile"));
	for (size_t i = 0; i < p->n; i++) {
		p->row[i].ns = median_of_row(p, i, scratch);
		find_bound(&p->row[i], &p->sum[i]);
		sum += p->row[i].ns;
	}
	for (size_t i = 0; i < p->n; i++)
		p->row[i].share = sum > 0 ? p->row[i].ns / sum : 0;
	free(scratch);
	*ret_rows = p->row;
	*ret_n = p->n;
	return TOOL_OK;
}

static int by_rate(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

double profile_peak(struct profile *p, const char **ret_name)
{
	qsort(p->peak, p->n_peaks, sizeof(*p->peak), by_rate);
	*ret_name = p->loop ? p->loop->name : "none";
	return p->n_peaks ? p->peak[p->n_peaks / 2] : 0;
}
