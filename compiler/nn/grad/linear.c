// SPDX-License-Identifier: MIT
/*
 * linear, y = x wᵀ + bias: dx = dy w, dw = dyᵀ x, and the bias has the sums
 * of dy's columns.
 */
#include "blas.h"
#include "grad.h"
#include "sum.h"

GRAD_KERNEL(linear)
{
	const struct fxq_tensor *w = &g->in[1];
	int64_t out = w->dims[0], in = w->dims[1];
	int64_t rows = kern_product(&g->in[0], 0, g->in[0].rank - 1);
	struct blas_matrix dy = { .v = grad_dy(g, 0), .ld = out };
	struct blas_matrix dy_t = { .v = dy.v, .ld = out, .t = true };
	struct blas_matrix x = { .v = grad_in(g, 0), .ld = in };
	struct blas_matrix weight = { .v = grad_in(g, 1), .ld = in };
	real *dx = grad_dx(g, 0), *dw = grad_dx(g, 1), *db = grad_dx(g, 2);
	int64_t most = rows > out ? rows : out;
	int ret;

	ret = blas_load(&g->call, most > in ? most : in);
	if (ret)
		return ret;

	if (dx)
		blas_multiply_on(g->call.threads, rows, in, out, dy, weight,
				 dx, in, false);
	if (dw)
		blas_multiply_on(g->call.threads, out, in, rows, dy_t, x, dw,
				 in, false);
	return db ? sum_to(dy.v, &g->out[0], db, &g->in[2]) : 0;
}
