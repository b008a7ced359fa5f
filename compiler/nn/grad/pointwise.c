// SPDX-License-Identifier: MIT
/*
 * Derivatives of the functions of one value, each an expression over the
 * input v, the result y and the parameters p[0] and p[1] that the forward
 * kernel has. Where a function has a corner, the derivative is torch's.
 */
#include <math.h>

#include "../kernels/fmath.h"
#include "grad.h"

#define SELU_ALPHA	1.67326324235437728482
#define SELU_SCALE	1.05070098735548049342
#define SQRT_2_PI	0.79788456080286535588	/* sqrt(2 / π) */
#define SQRT_1_2PI	0.39894228040143267794	/* sqrt(1 / (2 π)) */

static FM_INLINE double square(double v)
{
	return v * v;
}

static FM_INLINE double silu_slope(double v)
{
	double s = fm_sigmoid(v);

	return s * (1 + v * (1 - s));
}

static FM_INLINE double mish_slope(double v)
{
	double t = fm_tanh(fm_softplus(v));

	return t + v * fm_sigmoid(v) * (1 - t * t);
}

static FM_INLINE double hardswish_slope(double v)
{
	double inside = v <= 3 ? v / 3 + 0.5 : 1;

	return v < -3 ? 0 : inside;
}

static FM_INLINE double gelu_erf_slope(double v)
{
	return 0.5 * fm_erfc(-v * FM_SQRT1_2) +
	       v * SQRT_1_2PI * fm_exp(-0.5 * v * v);
}

/* v s(2 u), with u the polynomial in v that tanh is taken of. */
static FM_INLINE double gelu_tanh_slope(double v)
{
	double u = SQRT_2_PI * (v + 0.044715 * v * v * v);
	double s = fm_sigmoid(2 * u);

	return s + v * s * (1 - s) * 2 * SQRT_2_PI *
	       (1 + 3 * 0.044715 * v * v);
}

/* X(name, derivative, cost, parameter, default, parameter, default) */
#define SLOPES(X)							\
	X(relu, v > 0 ? 1 : 0, 1, "", 0, "", 0)				\
	X(relu6, v > 0 && v < 6 ? 1 : 0, 1, "", 0, "", 0)		\
	X(leaky_relu, v > 0 ? 1 : (float)p[0], 1,			\
	  "negative_slope", 0.01, "", 0)				\
	X(elu, v > 0 ? 1 : p[0] * fm_exp(v), 10, "alpha", 1, "", 0)	\
	X(selu, p[1] * (v > 0 ? 1 : p[0] * fm_exp(v)), 10,		\
	  "alpha", SELU_ALPHA, "gamma", SELU_SCALE)			\
	X(celu, v > 0 ? 1 : fm_exp(v / p[0]), 10, "alpha", 1, "", 0)	\
	X(silu, silu_slope(v), 15, "", 0, "", 0)			\
	X(mish, mish_slope(v), 50, "", 0, "", 0)			\
	X(hardswish, hardswish_slope(v), 2, "", 0, "", 0)		\
	X(hardsigmoid, y > 0 && y < 1 ? p[0] : 0, 2,			\
	  "alpha", 1.0 / 6, "", 0)					\
	X(sigmoid, y * (1 - y), 2, "", 0, "", 0)			\
	X(tanh, 1 - y * y, 2, "", 0, "", 0)				\
	X(softplus, fm_sigmoid(v), 12, "", 0, "", 0)			\
	X(softsign, 1 / square(1 + fm_abs(v)), 4, "", 0, "", 0)		\
	X(hardtanh, v > p[0] && v < p[1] ? 1 : 0, 1,			\
	  "min_val", -1, "max_val", 1)					\
	X(clamp, v >= p[0] && v <= p[1] ? 1 : 0, 1,			\
	  "min", -FM_INF, "max", FM_INF)				\
	X(thresholded_relu, v > p[0] ? 1 : 0, 1, "alpha", 1, "", 0)	\
	X(shrink, v < -p[1] || v > p[1] ? 1 : 0, 1,			\
	  "bias", 0, "lambd", 0.5)					\
	X(erf, 2 * SQRT_1_2PI / FM_SQRT1_2 * fm_exp(-v * v), 12,	\
	  "", 0, "", 0)							\
	X(exp, y, 1, "", 0, "", 0)					\
	X(log, 1 / v, 4, "", 0, "", 0)					\
	X(sqrt, 0.5 / y, 4, "", 0, "", 0)				\
	X(reciprocal, -y * y, 1, "", 0, "", 0)				\
	X(neg, -1, 1, "", 0, "", 0)					\
	X(abs, v > 0 ? 1 : v < 0 ? -1 : 0, 1, "", 0, "", 0)		\
	X(sign, 0, 1, "", 0, "", 0)					\
	X(floor, 0, 1, "", 0, "", 0)					\
	X(ceil, 0, 1, "", 0, "", 0)					\
	X(round, 0, 1, "", 0, "", 0)					\
	X(sin, fm_cos(v), 40, "", 0, "", 0)				\
	X(cos, -fm_sin(v), 40, "", 0, "", 0)				\
	X(tan, 1 + y * y, 1, "", 0, "", 0)				\
	X(asin, 1 / sqrt(1 - v * v), 10, "", 0, "", 0)			\
	X(acos, -1 / sqrt(1 - v * v), 10, "", 0, "", 0)			\
	X(atan, 1 / (1 + v * v), 4, "", 0, "", 0)			\
	X(sinh, fm_cosh(v), 20, "", 0, "", 0)				\
	X(cosh, fm_sinh(v), 20, "", 0, "", 0)				\
	X(asinh, 1 / sqrt(v * v + 1), 10, "", 0, "", 0)			\
	X(acosh, 1 / sqrt(v * v - 1), 10, "", 0, "", 0)			\
	X(atanh, 1 / (1 - v * v), 4, "", 0, "", 0)

/* The two ways of computing gelu. */
#define GELU(X)								\
	X(gelu_erf, gelu_erf_slope(v), 40, "", 0, "", 0)		\
	X(gelu_tanh, gelu_tanh_slope(v), 20, "", 0, "", 0)

#define X(name, slope, ...)						\
FXQ_CLONES								\
static void name##_row(real *dx, const real *dy, const real *xs,	\
		 const real *ys, int64_t n, const double *p)		\
{									\
	(void)p;							\
	for (int64_t i = 0; i < n; i++) {				\
		double v = xs[i], y = ys[i];				\
									\
		(void)v, (void)y;					\
		dx[i] = (real)(dy[i] * (slope));			\
	}								\
}
SLOPES(X)
GELU(X)
#undef X

struct slope {
	void (*fn)(real *dx, const real *dy, const real *xs, const real *ys,
		   int64_t n, const double *p);
	double cost;
	const char *names[2];
	double defaults[2];
};

#define AT_ONCE	16384	/* elements of a task */

struct job {
	const struct slope *slope;
	const real *x, *y, *dy;
	real *dx;
	int64_t count;
	double p[2];
};

static void part_task(void *ctx, int64_t task, int thread)
{
	const struct job *j = ctx;
	int64_t at = task * AT_ONCE, n = j->count - at;

	(void)thread;
	j->slope->fn(j->dx + at, j->dy + at, j->x + at, j->y + at,
		     n < AT_ONCE ? n : AT_ONCE, j->p);
}

static int back_pointwise(struct grad *g, const struct slope *slope)
{
	struct job job = {
		.slope = slope, .x = grad_in(g, 0), .y = grad_out(g, 0),
		.dy = grad_dy(g, 0), .dx = grad_dx(g, 0),
		.count = fxq_tensor_count(&g->in[0]),
	};

	if (!job.dx)
		return 0;
	for (int i = 0; i < 2; i++)
		job.p[i] = kern_float(&g->call, slope->names[i],
				      slope->defaults[i]);
	parallel_for(grad_threads(g, job.count * (PARALLEL_ELEMENT +
						  slope->cost / 4)),
		     (job.count + AT_ONCE - 1) / AT_ONCE, part_task, &job);
	return 0;
}

#define SLOPE(name, formula, weight, name0, def0, name1, def1)		\
	(&(const struct slope){						\
		.fn = name##_row, .cost = weight,			\
		.names = { name0, name1 }, .defaults = { def0, def1 },	\
	})

#define X(name, ...)							\
GRAD_KERNEL(name)							\
{									\
	return back_pointwise(g, SLOPE(name, __VA_ARGS__));		\
}
SLOPES(X)
#undef X

GRAD_KERNEL(gelu)
{
#define X(name, ...) SLOPE(name, __VA_ARGS__),
	const struct slope *both[] = { GELU(X) };
#undef X
	const char *how = kern_str(&g->call, "approximate", "none");

	return back_pointwise(g, both[strcmp(how, "none") ? 1 : 0]);
}
