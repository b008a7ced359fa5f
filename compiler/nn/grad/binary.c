// SPDX-License-Identifier: MIT
/*
 * Arithmetic of two arrays that are broadcast together. Where two operands are
 * equal, minimum and maximum give half to each, as in torch.
 */
#include <math.h>

#include "broadcast.h"

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

#define X(name, of_a, of_b)			\
	BROADCAST_ROW(name##_of_a, real, of_a)	\
	BROADCAST_ROW(name##_of_b, real, of_b)
BINARY(X)
#undef X

static int back_binary(struct grad *g, arr_row_fn of_a, arr_row_fn of_b)
{
	struct broadcast b = { .dy = g->dy[0], .a = g->in[0], .b = g->in[1],
			       .threads = g->call.threads };
	int ret;

	for (uint32_t i = 0; i < 2; i++) {
		ret = kern_need(&g->call, i, FXQ_DTYPE_F32);
		if (ret)
			return ret;
	}
	b.dx = g->dx[0];
	ret = broadcast_back(&b, of_a);
	b.dx = g->dx[1];
	return ret ? ret : broadcast_back(&b, of_b);
}

#define X(name, of_a, of_b)					\
GRAD_KERNEL(name)						\
{								\
	return back_binary(g, name##_of_a, name##_of_b);	\
}
BINARY(X)
#undef X

/* where: b is the condition, a is not read. */
BROADCAST_ROW(where_true, uint8_t, b ? g : 0)
BROADCAST_ROW(where_false, uint8_t, b ? 0 : g)

GRAD_KERNEL(where)
{
	struct broadcast b = {
		.dy = g->dy[0], .a = g->dy[0], .b = g->in[0], .dx = g->dx[1],
		.threads = g->call.threads,
	};
	int ret;

	ret = broadcast_back(&b, where_true);
	b.dx = g->dx[2];
	return ret ? ret : broadcast_back(&b, where_false);
}
