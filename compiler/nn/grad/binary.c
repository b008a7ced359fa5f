// SPDX-License-Identifier: MIT
/*
 * Arithmetic of two arrays that are broadcast together: each operand's
 * gradient is computed where the result has its elements, and summed over
 * those that it was copied to. Where two operands are equal, minimum and
 * maximum give half to each, as in torch.
 */
#include <math.h>

#include "../array/array.h"
#include "sum.h"

/* The derivatives of a to the power of b, without the NaN of 0 times ∞. */
static inline double pow_base(double a, double b)
{
	return b == 0 ? 0 : b * pow(a, b - 1);
}

static inline double pow_exponent(double a, double b)
{
	return a == 0 && b >= 0 ? 0 : pow(a, b) * log(a);
}

static inline double share(double winner, double loser)
{
	return winner > loser ? 1 : winner == loser ? 0.5 : 0;
}

/* X(name, gradient of a, of b), with g for the result's */
#define BINARY(X)						\
	X(add, g, g)						\
	X(sub, g, -g)						\
	X(mul, g * b, g * a)					\
	X(div, g / b, -g * a / (b * b))				\
	X(pow, g * pow_base(a, b), g * pow_exponent(a, b))	\
	X(minimum, g * share(b, a), g * share(a, b))		\
	X(maximum, g * share(a, b), g * share(b, a))

#define ROW(name, expression)						\
FXQ_CLONES								\
static void name(void *to, const void *const *in, const int *step,	\
		 int64_t n, const struct fxq_call *call)		\
{									\
	const real *gs = in[0], *as = in[1], *bs = in[2];		\
	real *d = to;							\
									\
	for (int64_t i = 0; i < n; i++) {				\
		const real g = gs[i], a = as[i * step[1]];		\
		const real b = bs[i * step[2]];				\
									\
		(void)a, (void)b;					\
		d[i] = (real)(expression);				\
	}								\
}

#define X(name, of_a, of_b) ROW(name##_of_a, of_a) ROW(name##_of_b, of_b)
BINARY(X)
#undef X

static int back_operand(struct grad *g, uint32_t i, arr_row_fn row)
{
	struct fxq_tensor in[3] = { g->dy[0], g->in[0], g->in[1] };
	struct fxq_tensor to = g->dy[0];
	bool is_copied = fxq_tensor_count(&g->in[i]) != fxq_tensor_count(&to);
	struct fxq_call map = { .n_in = 3, .n_out = 1, .in = in, .out = &to };
	int ret = 0;

	if (!grad_dx(g, i))
		return 0;

	in[1].dtype = in[2].dtype = REAL_DTYPE;
	to.data = grad_dx(g, i);
	if (is_copied)
		ret = fxq_tensor_alloc(&to);
	if (ret)
		return ret;

	arr_map(&map, 3, row);
	if (is_copied) {
		ret = sum_to(to.data, &to, grad_dx(g, i), &g->dx[i]);
		fxq_tensor_free(&to);
	}
	return ret;
}

static int back_binary(struct grad *g, arr_row_fn of_a, arr_row_fn of_b)
{
	int ret;

	for (uint32_t i = 0; i < 2; i++) {
		ret = kern_need(&g->call, i, FXQ_DTYPE_F32);
		if (ret)
			return ret;
	}
	ret = back_operand(g, 0, of_a);
	return ret ? ret : back_operand(g, 1, of_b);
}

#define X(name, of_a, of_b)					\
GRAD_KERNEL(name)						\
{								\
	return back_binary(g, name##_of_a, name##_of_b);	\
}
BINARY(X)
