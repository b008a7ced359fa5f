// SPDX-License-Identifier: MIT
/*
 * Spreading a convolution over threads. Memory is one field and one block for
 * each thread, whatever the batch. An input that needs neither padding nor
 * splitting is read in place; but the very last units do not have enough
 * behind them to read, and are copied unless their columns come out even.
 */
#include "conv_run.h"
#include "parallel.h"

/* What copying an input and storing an output cost, in multiplications. */
#define OUTPUT_COST	16

#define BLOCK_FLOATS	(GEMM_ROWS * GEMM_COLS)

struct scratch {
	float *block;
	float *field;
};

struct job {
	const struct conv_run *run;
	struct scratch *scratch;	/* one for each thread */
	struct gemm gemm;		/* of the unit, when blocks are tasks */
	int64_t unit;
};

static int64_t unit_count(const struct conv_run *run)
{
	return run->c->batch * run->c->groups;
}

static const float *unit_input(const struct conv_run *run, int64_t unit)
{
	return run->x + unit * run->c->ic * convolution_in_size(run->c);
}

static bool reads_in_place(const struct conv_run *run, int64_t unit)
{
	int64_t behind;

	for (int d = 0; d < 3; d++) {
		const struct field_axis *a = &run->field->axis[d];

		if (a->start || a->stride != 1 || a->pitch != a->in)
			return false;
	}
	behind = (unit_count(run) - unit - 1) * run->c->ic *
		 convolution_in_size(run->c);
	return behind >= GEMM_SLACK || run->field->columns % GEMM_SLACK == 0;
}

static void fill_channel(const struct conv_run *run, int64_t unit, int64_t ch,
			 float *field)
{
	field_fill(run->field,
		   unit_input(run, unit) + ch * convolution_in_size(run->c),
		   field + ch * run->field->channel);
}

static struct conv_rows unit_rows(const struct conv_run *run, int64_t unit)
{
	const struct convolution *c = run->c;
	int64_t size = convolution_out_size(c);
	struct conv_rows rows = {
		.field = run->field,
		.y = run->y + unit * c->oc * size,
		.channel = size,
	};

	memcpy(rows.dims, c->out, sizeof(rows.dims));
	memcpy(rows.start, run->start, sizeof(rows.start));
	memcpy(rows.step, run->step, sizeof(rows.step));
	return rows;
}

static struct gemm unit_gemm(const struct conv_run *run, int64_t unit,
			     const float *field, struct conv_rows *rows)
{
	const struct convolution *c = run->c;
	int64_t group = unit % c->groups;

	return (struct gemm){
		.m = c->oc,
		.n = run->field->columns,
		.k = run->k,
		.a = run->w + group * c->oc * run->k,
		.lda = run->k,
		.b = field,
		.off = run->off,
		.row_bias = run->bias ? run->bias + group * c->oc : NULL,
		.store = conv_rows_store,
		.ctx = rows,
	};
}

static void unit_task(void *ctx, int64_t unit, int thread)
{
	const struct job *job = ctx;
	const struct conv_run *run = job->run;
	struct scratch *scratch = &job->scratch[thread];
	struct conv_rows rows = unit_rows(run, unit);
	const float *field = scratch->field;
	struct gemm gemm;

	if (reads_in_place(run, unit))
		field = unit_input(run, unit);
	else
		for (int64_t ch = 0; ch < run->c->ic; ch++)
			fill_channel(run, unit, ch, scratch->field);

	gemm = unit_gemm(run, unit, field, &rows);
	for (int64_t i = 0; i < gemm_blocks(&gemm); i++)
		gemm_block(&gemm, i, scratch->block);
}

static void fill_task(void *ctx, int64_t ch, int thread)
{
	const struct job *job = ctx;

	(void)thread;
	fill_channel(job->run, job->unit, ch, job->scratch[0].field);
}

static void block_task(void *ctx, int64_t number, int thread)
{
	const struct job *job = ctx;

	gemm_block(&job->gemm, number, job->scratch[thread].block);
}

static void run_unit(struct job *job, int threads)
{
	const struct conv_run *run = job->run;
	struct conv_rows rows = unit_rows(run, job->unit);
	const float *field = job->scratch[0].field;

	if (reads_in_place(run, job->unit))
		field = unit_input(run, job->unit);
	else
		parallel_for(parallel_threads(threads, (double)run->c->ic *
					      run->field->channel),
			     run->c->ic, fill_task, job);

	job->gemm = unit_gemm(run, job->unit, field, &rows);
	parallel_for(threads, gemm_blocks(&job->gemm), block_task, job);
}

static void free_scratch(struct scratch *scratch, int n)
{
	for (int i = 0; i < n; i++) {
		free(scratch[i].block);
		free(scratch[i].field);
	}
	free(scratch);
}

/* Threads that share a unit need blocks of their own, but one field. */
static struct scratch *new_scratch(const struct conv_run *run, int n,
				   bool shared)
{
	size_t floats = run->c->ic * run->field->channel;
	struct scratch *scratch = calloc(n, sizeof(*scratch));

	if (!scratch)
		return NULL;

	for (int i = 0; i < n; i++) {
		scratch[i].block = aligned_alloc(64, BLOCK_FLOATS *
						 sizeof(float));
		if (!scratch[i].block)
			goto err_free;
		if (i && shared)
			continue;

		scratch[i].field = malloc((floats + GEMM_SLACK) *
					  sizeof(float));
		if (!scratch[i].field)
			goto err_free;
		memset(scratch[i].field + floats, 0,
		       GEMM_SLACK * sizeof(float));
	}
	return scratch;

err_free:
	free_scratch(scratch, n);
	return NULL;
}

int conv_run(const struct conv_run *run, int threads)
{
	const struct convolution *c = run->c;
	int64_t units = unit_count(run);
	struct job job = { .run = run };
	bool shared;

	threads = parallel_threads(threads, (double)units * c->oc *
				   (run->k + OUTPUT_COST) * run->field->columns);
	shared = units < 2 * threads && threads > 1;
	job.scratch = new_scratch(run, threads, shared);
	if (!job.scratch)
		return -ENOMEM;

	if (shared)
		for (job.unit = 0; job.unit < units; job.unit++)
			run_unit(&job, threads);
	else
		parallel_for(threads, units, unit_task, &job);

	free_scratch(job.scratch, threads);
	return 0;
}
