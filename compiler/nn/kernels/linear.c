// SPDX-License-Identifier: MIT
/*
 * linear: y = x wᵀ + bias over the last dimension. Vectors hold outputs, so
 * one of the operands is transposed, the smaller one: with many rows in x
 * that is x, and y comes out transposed; with few, slices of w.
 *
 * Sums run over the inputs in order, either way, and the bias is added to them:
 * so torch does, and what is calibrated here has torch's scales.
 */
#include <inttypes.h>

#include "gemm.h"
#include "kernel.h"
#include "parallel.h"
#include "transpose.h"

#define BLOCK_FLOATS	(GEMM_ROWS * GEMM_COLS)
#define FEW_ROWS	16
#define ROWS_AT_ONCE	1024	/* of x, transposed: bounds the memory */

struct linear {
	int64_t rows, in, out;
	const float *x, *w, *bias;
	float *y;
};

int infer_linear(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0], *w = &call->in[1];
	int64_t dims[FXQ_MAX_RANK];
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_need(call, 1, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_need_rank(call, 0, 1);
	if (ret)
		return ret;
	if (w->rank != 2)
		return kern_refuse(call, -EINVAL,
				   "the weight has rank %u, not 2", w->rank);
	if (x->dims[x->rank - 1] != w->dims[1])
		return kern_refuse(call, -EINVAL,
				   "the weight is for %" PRId64
				   " inputs, the last dimension has %" PRId64,
				   w->dims[1], x->dims[x->rank - 1]);
	ret = kern_need_vector(call, 2, "the bias", w->dims[0]);
	if (ret)
		return ret;

	memcpy(dims, x->dims, sizeof(dims));
	dims[x->rank - 1] = w->dims[0];
	return kern_set_out(call, 0, FXQ_DTYPE_F32, x->rank, dims);
}

/* Rows of a matrix that lie one @pitch after the other. */
static int64_t *row_offsets(int64_t n, int64_t pitch)
{
	int64_t *off = malloc((n ? n : 1) * sizeof(*off));

	for (int64_t i = 0; off && i < n; i++)
		off[i] = i * pitch;
	return off;
}

/*
 * Few rows: a is x, b is wᵀ, transposed a block of outputs at a time by the
 * thread that needs it.
 */
struct few {
	const struct linear *l;
	const int64_t *off;
	float **scratch;	/* of each thread: a block, then wᵀ's columns */
};

struct few_block {
	const struct linear *l;
	int64_t column;
};

static void store_few(void *ctx, const float *block, int64_t i, int64_t ni,
		      int64_t j, int64_t nj)
{
	const struct few_block *b = ctx;

	for (int64_t r = 0; r < ni; r++)
		memcpy(b->l->y + (i + r) * b->l->out + b->column + j,
		       block + r * GEMM_COLS, nj * sizeof(*block));
}

#define FEW_COLS	64	/* outputs of a task */

static void few_task(void *ctx, int64_t task, int thread)
{
	const struct few *few = ctx;
	const struct linear *l = few->l;
	float *block = few->scratch[thread], *wt = block + BLOCK_FLOATS;
	int64_t first = task * FEW_COLS, n = l->out - first;
	struct few_block to = { .l = l, .column = first };
	struct gemm g = {
		.m = l->rows, .k = l->in, .a = l->x, .lda = l->in, .b = wt,
		.off = few->off, .store = store_few, .ctx = &to,
		.col_bias = l->bias ? l->bias + first : NULL,
		.bias_last = true,
	};

	g.n = n < FEW_COLS ? n : FEW_COLS;
	kern_transpose(wt, FEW_COLS, l->w + first * l->in, l->in, g.n, l->in);
	gemm_block(&g, 0, block);
}

static int run_few(const struct linear *l, int threads)
{
	size_t bytes = (BLOCK_FLOATS + l->in * FEW_COLS) * sizeof(float);
	struct few few = { .l = l };
	int64_t *off;
	int ret = -ENOMEM, i = 0;

	off = row_offsets(l->in, FEW_COLS);
	few.off = off;
	few.scratch = calloc(threads, sizeof(*few.scratch));
	if (!off || !few.scratch)
		goto out_free;
	for (; i < threads; i++) {
		few.scratch[i] = aligned_alloc(64, (bytes + 63) & ~63ull);
		if (!few.scratch[i])
			goto out_free;
		memset(few.scratch[i], 0, bytes);
	}

	parallel_for(threads, (l->out + FEW_COLS - 1) / FEW_COLS, few_task,
		     &few);
	ret = 0;

out_free:
	while (i--)
		free(few.scratch[i]);
	free(few.scratch);
	free(off);
	return ret;
}

/*
 * Many rows: a is w, b is xᵀ, the product is yᵀ. ROWS_AT_ONCE of x are
 * transposed, then multiplied.
 */
struct many {
	const struct linear *l;
	int64_t first;		/* row of x */
	float *xt;
	int64_t pitch;		/* of its rows */
	float *blocks;
	struct gemm gemm;
};

static void store_many(void *ctx, const float *block, int64_t i, int64_t ni,
		       int64_t j, int64_t nj)
{
	const struct many *many = ctx;
	const struct linear *l = many->l;

	kern_transpose(l->y + (many->first + j) * l->out + i, l->out, block,
		  GEMM_COLS, ni, nj);
}

static void transpose_task(void *ctx, int64_t task, int thread)
{
	const struct many *many = ctx;
	const struct linear *l = many->l;
	int64_t first = task * FEW_ROWS, n = many->gemm.n - first;

	(void)thread;
	kern_transpose(many->xt + first, many->pitch,
		  l->x + (many->first + first) * l->in, l->in,
		  n < FEW_ROWS ? n : FEW_ROWS, l->in);
}

static void many_task(void *ctx, int64_t number, int thread)
{
	const struct many *many = ctx;

	gemm_block(&many->gemm, number, many->blocks + thread * BLOCK_FLOATS);
}

static void run_rows(struct many *many, int64_t *off, int threads)
{
	const struct linear *l = many->l;
	int64_t left = l->rows - many->first;

	many->gemm = (struct gemm){
		.m = l->out, .k = l->in, .a = l->w, .lda = l->in,
		.n = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE,
		.b = many->xt, .off = off, .row_bias = l->bias,
		.bias_last = true, .store = store_many, .ctx = many,
	};
	parallel_for(parallel_threads(threads, (double)many->gemm.n * l->in),
		     (many->gemm.n + FEW_ROWS - 1) / FEW_ROWS, transpose_task,
		     many);
	parallel_for(threads, gemm_blocks(&many->gemm), many_task, many);
}

static int run_many(const struct linear *l, int threads)
{
	int64_t most = l->rows < ROWS_AT_ONCE ? l->rows : ROWS_AT_ONCE;
	struct many many = { .l = l };
	size_t floats;
	int64_t *off;
	int ret = -ENOMEM;

	/* An odd number of cache lines, lest all rows share a few sets. */
	many.pitch = ((most + 15) & ~15ll) | 16;
	floats = l->in * many.pitch + GEMM_SLACK;
	off = row_offsets(l->in, many.pitch);
	many.xt = calloc(floats, sizeof(*many.xt));
	many.blocks = aligned_alloc(64, threads * BLOCK_FLOATS *
				    sizeof(float));
	if (!off || !many.xt || !many.blocks)
		goto out_free;

	for (; many.first < l->rows; many.first += ROWS_AT_ONCE)
		run_rows(&many, off, threads);
	ret = 0;

out_free:
	free(many.blocks);
	free(many.xt);
	free(off);
	return ret;
}

int eval_linear(struct fxq_call *call)
{
	struct linear l;
	int threads, ret;

	ret = kern_begin(call, infer_linear);
	if (ret)
		return ret;

	l = (struct linear){
		.rows = kern_product(&call->in[0], 0, call->in[0].rank - 1),
		.in = call->in[1].dims[1], .out = call->in[1].dims[0],
		.x = call->in[0].data, .w = call->in[1].data,
		.bias = kern_data(call, 2), .y = call->out[0].data,
	};
	if (!l.rows || !l.out)
		return 0;

	threads = parallel_threads(call->threads,
				   (double)l.rows * l.in * l.out);
	return l.rows < FEW_ROWS ? run_few(&l, threads) :
				   run_many(&l, threads);
}
