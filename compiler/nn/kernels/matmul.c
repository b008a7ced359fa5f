// SPDX-License-Identifier: MIT
/*
 * matmul with numpy's rules: leading dimensions broadcast, a vector on the
 * left is a row and on the right a column, and is dropped from the result.
 * Sums run over the common dimension in order.
 */
#include <inttypes.h>

#include "gemm.h"
#include "kernel.h"
#include "parallel.h"

#define BLOCK_FLOATS	(GEMM_ROWS * GEMM_COLS)

/*
 * struct matmul - the products
 * @batch: how many; @rank and @dims are the leading dimensions of the result
 * @a_step, @b_step: matrices to the next one along each; 0 if broadcast
 */
struct matmul {
	int64_t m, n, k, batch;
	uint32_t rank;
	int64_t dims[FXQ_MAX_RANK];
	int64_t a_step[FXQ_MAX_RANK], b_step[FXQ_MAX_RANK];
};

/* Leading dimensions of a tensor, aligned at the last of @rank. */
static int64_t leading(const struct fxq_tensor *t, uint32_t rank, uint32_t d)
{
	uint32_t own = t->rank > 2 ? t->rank - 2 : 0;

	return d + own < rank ? 1 : t->dims[d + own - rank];
}

static int read_batch(struct fxq_call *call, struct matmul *p)
{
	const struct fxq_tensor *a = &call->in[0], *b = &call->in[1];
	uint32_t most = a->rank > b->rank ? a->rank : b->rank;
	int64_t a_size = 1, b_size = 1;

	p->rank = most > 2 ? most - 2 : 0;
	p->batch = 1;
	for (uint32_t d = p->rank; d-- > 0;) {
		int64_t x = leading(a, p->rank, d), y = leading(b, p->rank, d);

		if (x != y && x != 1 && y != 1)
			return kern_refuse(call, -EINVAL,
					   "leading dimensions %" PRId64
					   " and %" PRId64 " do not match", x,
					   y);
		p->dims[d] = x == 1 ? y : x;
		p->a_step[d] = x == 1 ? 0 : a_size;
		p->b_step[d] = y == 1 ? 0 : b_size;
		a_size *= x;
		b_size *= y;
		if (__builtin_mul_overflow(p->batch, p->dims[d], &p->batch))
			return kern_refuse(call, -EOVERFLOW,
					   "the result is larger than memory can be");
	}
	return 0;
}

static int read_matmul(struct fxq_call *call, struct matmul *p)
{
	const struct fxq_tensor *a = &call->in[0], *b = &call->in[1];
	int ret = 0;

	for (uint32_t i = 0; i < 2 && !ret; i++) {
		ret = kern_need(call, i, FXQ_DTYPE_F32);
		if (!ret)
			ret = kern_need_rank(call, i, 1);
	}
	if (ret)
		return ret;

	p->m = a->rank > 1 ? a->dims[a->rank - 2] : 1;
	p->n = b->rank > 1 ? b->dims[b->rank - 1] : 1;
	p->k = a->dims[a->rank - 1];
	if (b->dims[b->rank > 1 ? b->rank - 2 : 0] != p->k)
		return kern_refuse(call, -EINVAL,
				   "%" PRId64 " columns do not match %" PRId64
				   " rows", p->k,
				   b->dims[b->rank > 1 ? b->rank - 2 : 0]);

	return read_batch(call, p);
}

int infer_matmul(struct fxq_call *call)
{
	int64_t dims[FXQ_MAX_RANK + 2];
	struct matmul p;
	uint32_t rank;
	int ret;

	ret = read_matmul(call, &p);
	if (ret)
		return ret;

	rank = p.rank;
	memcpy(dims, p.dims, rank * sizeof(*dims));
	if (call->in[0].rank > 1)
		dims[rank++] = p.m;
	if (call->in[1].rank > 1)
		dims[rank++] = p.n;
	return kern_set_out(call, 0, FXQ_DTYPE_F32, rank, dims);
}

/* Rows of b that are no multiple of what gemm reads at once are copied. */
struct job {
	const struct matmul *p;
	const float *a, *b;
	float *c;
	int64_t blocks;		/* of a product */
	const int64_t *off;
	int64_t pitch;
	float *copies;		/* of b; NULL: none is needed */
	float *scratch;
};

struct place {
	float *c;
	int64_t n;
};

static void store_rows(void *ctx, const float *block, int64_t i, int64_t ni,
		       int64_t j, int64_t nj)
{
	const struct place *to = ctx;

	for (int64_t r = 0; r < ni; r++)
		memcpy(to->c + (i + r) * to->n + j, block + r * GEMM_COLS,
		       nj * sizeof(*block));
}

/* The number of a's or b's matrix that product @number takes. */
static int64_t matrix(const struct matmul *p, const int64_t *step,
		      int64_t number)
{
	int64_t at = 0;

	for (uint32_t d = p->rank; d-- > 0; number /= p->dims[d])
		at += number % p->dims[d] * step[d];
	return at;
}

static void copy_task(void *ctx, int64_t row, int thread)
{
	const struct job *j = ctx;

	(void)thread;
	memcpy(j->copies + row * j->pitch, j->b + row * j->p->n,
	       j->p->n * sizeof(float));
}

static void block_task(void *ctx, int64_t task, int thread)
{
	const struct job *j = ctx;
	const struct matmul *p = j->p;
	int64_t number = task / j->blocks;
	int64_t b = matrix(p, p->b_step, number);
	struct place to = { .c = j->c + number * p->m * p->n, .n = p->n };
	struct gemm g = {
		.m = p->m, .n = p->n, .k = p->k,
		.a = j->a + matrix(p, p->a_step, number) * p->m * p->k,
		.lda = p->k, .off = j->off,
		.b = (j->copies ? j->copies : j->b) + b * p->k * j->pitch,
		.store = store_rows, .ctx = &to,
	};

	gemm_block(&g, task % j->blocks, j->scratch + thread * BLOCK_FLOATS);
}

static int run_matmul(struct fxq_call *call, const struct matmul *p)
{
	struct job job = {
		.p = p, .a = call->in[0].data, .b = call->in[1].data,
		.c = call->out[0].data, .pitch = p->n,
	};
	struct gemm shape = { .m = p->m, .n = p->n };
	int64_t b_rows = fxq_tensor_count(&call->in[1]) / p->n;
	int threads = parallel_threads(call->threads, (double)p->batch * p->m *
				       p->n * p->k);
	int64_t *off;
	int ret = -ENOMEM;

	if (p->n % GEMM_SLACK)
		job.pitch = (p->n + GEMM_SLACK - 1) / GEMM_SLACK * GEMM_SLACK;
	off = malloc((p->k + 1) * sizeof(*off));
	job.scratch = aligned_alloc(64, threads * BLOCK_FLOATS *
				    sizeof(float));
	if (job.pitch != p->n)
		job.copies = calloc(b_rows * job.pitch + 1, sizeof(float));
	if (!off || !job.scratch || (job.pitch != p->n && !job.copies))
		goto out_free;

	for (int64_t i = 0; i < p->k; i++)
		off[i] = i * job.pitch;
	job.off = off;
	if (job.copies)
		parallel_for(parallel_threads(threads, (double)b_rows * p->n),
			     b_rows, copy_task, &job);
	job.blocks = gemm_blocks(&shape);
	parallel_for(threads, p->batch * job.blocks, block_task, &job);
	ret = 0;

out_free:
	free(job.copies);
	free(job.scratch);
	free(off);
	return ret;
}

int eval_matmul(struct fxq_call *call)
{
	struct matmul p;
	int ret;

	ret = kern_begin(call, infer_matmul);
	if (!ret)
		ret = read_matmul(call, &p);
	if (ret || !fxq_tensor_count(&call->out[0]))
		return ret;

	return run_matmul(call, &p);
}
