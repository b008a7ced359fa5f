// SPDX-License-Identifier: MIT
/*
 * Finding OpenBLAS, and calling it from threads of our own: a gradient knows
 * better than a matrix product where work can be cut, so each product runs on
 * the thread that asks for it.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>

#include "blas.h"
#include "grad.h"

#define LIBRARY		"libopenblas.so.0"

/* As cblas.h has them. */
enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };

static void (*gemm)(int order, int trans_a, int trans_b, int m, int n, int k,
		    real alpha, const real *a, int lda, const real *b, int ldb,
		    real beta, real *c, int ldc);
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
	void *lib = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	void (*set_threads)(int n);

	if (!lib)
		return;
	set_threads = dlsym(lib, "openblas_set_num_threads");
	if (set_threads)
		set_threads(1);
	gemm = dlsym(lib, REAL_GEMM);
}

int blas_load(struct fxq_call *call, int64_t most)
{
	pthread_once(&once, load);
	if (most > INT32_MAX)
		return kern_refuse(call, -E2BIG,
				   "OpenBLAS multiplies matrices of at most 2147483647 rows and columns, not %"
				   PRId64, most);
	if (gemm)
		return 0;
	return kern_refuse(call, -ENOENT, LIBRARY
			   ", which multiplies matrices in training, cannot be loaded; install libopenblas0");
}

void blas_multiply(int64_t m, int64_t n, int64_t k, struct blas_matrix a,
		   struct blas_matrix b, real *c, int64_t ldc, bool add)
{
	if (!m || !n)
		return;
	gemm(ROW_MAJOR, a.t ? TRANSPOSED : PLAIN, b.t ? TRANSPOSED : PLAIN,
	     (int)m, (int)n, (int)k, 1, a.v, (int)a.ld, b.v, (int)b.ld,
	     add, c, (int)ldc);
}

struct job {
	int64_t m, n, k;
	struct blas_matrix a, b;
	real *c;
	int64_t ldc;
	bool add;
	int parts;
};

static void rows_task(void *ctx, int64_t task, int thread)
{
	const struct job *j = ctx;
	int64_t first = grad_cut(j->m, task, j->parts);
	struct blas_matrix a = j->a;

	(void)thread;
	a.v += first * (a.t ? 1 : a.ld);
	blas_multiply(grad_cut(j->m, task + 1, j->parts) - first, j->n, j->k,
		      a, j->b, j->c + first * j->ldc, j->ldc, j->add);
}

void blas_multiply_on(int threads, int64_t m, int64_t n, int64_t k,
		      struct blas_matrix a, struct blas_matrix b, real *c,
		      int64_t ldc, bool add)
{
	struct job job = {
		.m = m, .n = n, .k = k, .a = a, .b = b, .c = c, .ldc = ldc,
		.add = add, .parts = parallel_threads(threads, (double)m * n * k),
	};

	parallel_for(job.parts, job.parts, rows_task, &job);
}
