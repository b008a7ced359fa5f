// SPDX-License-Identifier: MIT
/*
 * matmul, c = a b: da = dc bᵀ and db = aᵀ dc, matrix by matrix; a matrix that
 * was broadcast has the sum over all that it met.
 */
#include "blas.h"
#include "grad.h"

struct matmul {
	int64_t m, n, k, batch;
	uint32_t rank;			/* leading dimensions of the result */
	int64_t dims[FXQ_MAX_RANK];
};

static void read_matmul(const struct grad *g, struct matmul *p)
{
	const struct fxq_tensor *a = &g->in[0], *b = &g->in[1];
	const struct fxq_tensor *c = &g->out[0];

	p->m = a->rank > 1 ? a->dims[a->rank - 2] : 1;
	p->n = b->rank > 1 ? b->dims[b->rank - 1] : 1;
	p->k = a->dims[a->rank - 1];
	p->rank = c->rank - (a->rank > 1) - (b->rank > 1);
	memcpy(p->dims, c->dims, sizeof(p->dims));
	p->batch = kern_product(c, 0, p->rank);
}

/* The number of @t's matrix that product @number takes. */
static int64_t matrix(const struct matmul *p, const struct fxq_tensor *t,
		      int64_t number)
{
	int64_t own = t->rank > 2 ? t->rank - 2 : 0, at = 0, size = 1;

	for (int64_t d = p->rank; d-- > 0; number /= p->dims[d]) {
		int64_t o = d + own - p->rank;

		if (o < 0)
			continue;
		if (t->dims[o] != 1)
			at += number % p->dims[d] * size;
		size *= t->dims[o];
	}
	return at;
}

GRAD_KERNEL(matmul)
{
	real *da = grad_dx_zeroed(g, 0), *db = grad_dx_zeroed(g, 1);
	struct matmul p;
	int64_t most;
	int ret;

	read_matmul(g, &p);
	most = p.m > p.n ? p.m : p.n;
	ret = blas_load(&g->call, most > p.k ? most : p.k);
	if (ret)
		return ret;

	for (int64_t i = 0; i < p.batch; i++) {
		int64_t a = matrix(&p, &g->in[0], i) * p.m * p.k;
		int64_t b = matrix(&p, &g->in[1], i) * p.k * p.n;
		struct blas_matrix dc = {
			.v = grad_dy(g, 0) + i * p.m * p.n, .ld = p.n,
		};
		struct blas_matrix a_t = {
			.v = grad_in(g, 0) + a, .ld = p.k, .t = true,
		};
		struct blas_matrix b_t = {
			.v = grad_in(g, 1) + b, .ld = p.n, .t = true,
		};

		if (da)
			blas_multiply_on(g->call.threads, p.m, p.k, p.n, dc,
					 b_t, da + a, p.k, true);
		if (db)
			blas_multiply_on(g->call.threads, p.k, p.n, p.m, a_t,
					 dc, db + b, p.n, true);
	}
	return 0;
}
