// SPDX-License-Identifier: MIT
/*
 * Functions of one value: relu and its relatives, the smooth activations, and
 * mathematics. Each is one expression over a double v with parameters p[0] and
 * p[1]; the result is rounded once. Where rounding cannot happen (relu, clamp,
 * neg, …) the detour through double changes nothing.
 *
 * NaN stays NaN. Comparisons are written so that it takes the side that keeps
 * it.
 */
#include <math.h>

#include "clones.h"
#include "fmath.h"
#include "kernel.h"
#include "parallel.h"

#define SELU_ALPHA	1.67326324235437728482
#define SELU_SCALE	1.05070098735548049342
#define SQRT_2_PI	0.79788456080286535588	/* sqrt(2 / π) */

static inline double clip(double v, double lo, double hi)
{
	v = v < lo ? lo : v;
	return v > hi ? hi : v;
}

/* v times a gate that closes on the negative side: 0 at -infinity, not NaN */
static inline double gated(double v, double gate)
{
	return v == -FM_INF ? 0 : v * gate;
}

static inline double gelu_tanh(double v)
{
	return gated(v, fm_sigmoid(2 * SQRT_2_PI *
				   (v + 0.044715 * v * v * v)));
}

static inline double shrink(double v, double bias, double lambd)
{
	double in = v != v ? v : 0;

	in = v < -lambd ? v + bias : in;
	return v > lambd ? v - bias : in;
}

static inline double sign(double v)
{
	double s = v > 0 ? 1 : v;

	return v < 0 ? -1 : s;
}

/* An infinite bound, or one beyond int64, bounds nothing. */
static inline int64_t int_bound(double p)
{
	if (p <= -0x1p63)
		return INT64_MIN;
	return p >= 0x1p63 ? INT64_MAX : (int64_t)p;
}

static inline int64_t int_clip(int64_t v, const double *p)
{
	int64_t lo = int_bound(p[0]), hi = int_bound(p[1]);

	v = v < lo ? lo : v;
	return v > hi ? hi : v;
}

/*
 * X(name, expression, cost, parameter, default, parameter, default); cost in
 * multiplications or so, for sharing out the work.
 */
#define POINTWISE(X)							\
	X(relu, v < 0 ? 0 : v, 1, "", 0, "", 0)				\
	X(relu6, clip(v, 0, 6), 1, "", 0, "", 0)			\
	X(leaky_relu, v < 0 ? v * (float)p[0] : v, 1,			\
	  "negative_slope", 0.01, "", 0)				\
	X(elu, v < 0 ? p[0] * fm_expm1(v) : v, 10, "alpha", 1, "", 0)	\
	X(selu, p[1] * (v < 0 ? p[0] * fm_expm1(v) : v), 10,		\
	  "alpha", SELU_ALPHA, "gamma", SELU_SCALE)			\
	X(celu, v < 0 ? p[0] * fm_expm1(v / p[0]) : v, 10,		\
	  "alpha", 1, "", 0)						\
	X(silu, gated(v, fm_sigmoid(v)), 12, "", 0, "", 0)		\
	X(mish, gated(v, fm_tanh(fm_softplus(v))), 40, "", 0, "", 0)	\
	X(hardswish, gated(v, clip(v / 6 + 0.5, 0, 1)), 2,		\
	  "", 0, "", 0)							\
	X(hardsigmoid, clip(v * p[0] + p[1], 0, 1), 2,			\
	  "alpha", 1.0 / 6, "beta", 0.5)				\
	X(sigmoid, fm_sigmoid(v), 12, "", 0, "", 0)			\
	X(tanh, fm_tanh(v), 15, "", 0, "", 0)				\
	X(softplus, fm_softplus(v), 25, "", 0, "", 0)			\
	X(softsign, v / (1 + fm_abs(v)), 4, "", 0, "", 0)		\
	X(hardtanh, clip(v, p[0], p[1]), 1, "min_val", -1, "max_val", 1) \
	X(clamp, clip(v, p[0], p[1]), 1, "min", -FM_INF, "max", FM_INF)	\
	X(thresholded_relu, v > p[0] || v != v ? v : 0, 1,		\
	  "alpha", 1, "", 0)						\
	X(shrink, shrink(v, p[0], p[1]), 1, "bias", 0, "lambd", 0.5)	\
	X(erf, fm_erf(v), 30, "", 0, "", 0)				\
	X(exp, fm_exp(v), 10, "", 0, "", 0)				\
	X(log, fm_log(v), 12, "", 0, "", 0)				\
	X(sqrt, sqrt(v), 4, "", 0, "", 0)				\
	X(reciprocal, 1 / v, 4, "", 0, "", 0)				\
	X(neg, -v, 1, "", 0, "", 0)					\
	X(abs, fm_abs(v), 1, "", 0, "", 0)				\
	X(sign, sign(v), 1, "", 0, "", 0)				\
	X(floor, floor(v), 1, "", 0, "", 0)				\
	X(ceil, ceil(v), 1, "", 0, "", 0)				\
	X(round, rint(v), 1, "", 0, "", 0)				\
	X(sin, fm_sin(v), 40, "", 0, "", 0)				\
	X(cos, fm_cos(v), 40, "", 0, "", 0)				\
	X(tan, fm_tan(v), 80, "", 0, "", 0)				\
	X(asin, fm_asin(v), 60, "", 0, "", 0)				\
	X(acos, fm_acos(v), 60, "", 0, "", 0)				\
	X(atan, fm_atan(v), 60, "", 0, "", 0)				\
	X(sinh, fm_sinh(v), 20, "", 0, "", 0)				\
	X(cosh, fm_cosh(v), 20, "", 0, "", 0)				\
	X(asinh, fm_asinh(v), 40, "", 0, "", 0)				\
	X(acosh, fm_acosh(v), 40, "", 0, "", 0)				\
	X(atanh, fm_atanh(v), 40, "", 0, "", 0)

/* The two ways of computing gelu. */
#define GELU(X)								\
	X(gelu_erf, gated(v, 0.5 * fm_erfc(-v * FM_SQRT1_2)), 30,	\
	  "", 0, "", 0)							\
	X(gelu_tanh, gelu_tanh(v), 15, "", 0, "", 0)

#define X(name, expression, cost, ...)					\
FXQ_CLONES								\
static void name##_f32(void *to, const void *from, int64_t n,		\
		       const double *p)					\
{									\
	const float *x = from;						\
	float *y = to;							\
									\
	(void)p;							\
	for (int64_t i = 0; i < n; i++) {				\
		double v = x[i];					\
									\
		y[i] = (float)(expression);				\
	}								\
}									\
									\
static void name##_f64(void *to, const void *from, int64_t n,		\
		       const double *p)					\
{									\
	const double *x = from;						\
	double *y = to;							\
									\
	(void)p;							\
	for (int64_t i = 0; i < n; i++) {				\
		double v = x[i];					\
									\
		y[i] = (expression);					\
	}								\
}
POINTWISE(X)
GELU(X)
#undef X

/* Integers, where ONNX has them: exact. X(name, expression over int64_t v) */
#define POINTWISE_INT(X)						\
	X(relu, v < 0 ? 0 : v)						\
	X(clamp, int_clip(v, p))					\
	X(neg, (int64_t)(0 - (uint64_t)v))				\
	X(abs, v < 0 ? (int64_t)(0 - (uint64_t)v) : v)			\
	X(sign, (v > 0) - (v < 0))

#define X_INT(name, id, type, expression)				\
static void name##_##id(void *to, const void *from, int64_t n,		\
			const double *p)				\
{									\
	const type *x = from;						\
	type *y = to;							\
									\
	(void)p;							\
	for (int64_t i = 0; i < n; i++) {				\
		int64_t v = x[i];					\
									\
		y[i] = (type)(expression);				\
	}								\
}

#define X(name, expression)						\
	X_INT(name, i8, int8_t, expression)				\
	X_INT(name, i16, int16_t, expression)				\
	X_INT(name, i32, int32_t, expression)				\
	X_INT(name, i64, int64_t, expression)				\
	X_INT(name, u8, uint8_t, expression)
POINTWISE_INT(X)
#undef X

typedef void (*values_fn)(void *to, const void *from, int64_t n,
			  const double *p);

/* What infer and eval look up: kernels by type, and the parameters. */
struct pointwise {
	values_fn fn[FXQ_DTYPE_COUNT];
	double cost;
	const char *names[2];
	double defaults[2];
};

enum {
#define X(name, ...) ROW_##name,
	POINTWISE(X)
	GELU(X)
#undef X
	ROWS
};

static const struct pointwise floats[ROWS] = {
#define X(name, expression, weight, name0, def0, name1, def1)		\
	[ROW_##name] = {						\
		.fn = { [FXQ_DTYPE_F32] = name##_f32,			\
			[FXQ_DTYPE_F64] = name##_f64 },			\
		.cost = weight, .names = { name0, name1 },		\
		.defaults = { def0, def1 },				\
	},
	POINTWISE(X)
	GELU(X)
#undef X
};

static const values_fn ints[ROWS][FXQ_DTYPE_COUNT] = {
#define X(name, expression)						\
	[ROW_##name] = {						\
		[FXQ_DTYPE_I8] = name##_i8,				\
		[FXQ_DTYPE_I16] = name##_i16,				\
		[FXQ_DTYPE_I32] = name##_i32,				\
		[FXQ_DTYPE_I64] = name##_i64,				\
		[FXQ_DTYPE_U8] = name##_u8,				\
	},
	POINTWISE_INT(X)
#undef X
};

static values_fn find_fn(int row, uint32_t dtype)
{
	values_fn fn = floats[row].fn[dtype];

	return fn ? fn : ints[row][dtype];
}

static int infer_row(struct fxq_call *call, int row)
{
	int ret;

	ret = kern_need_any(call, 0);
	if (ret)
		return ret;
	if (!find_fn(row, call->in[0].dtype))
		return kern_refuse(call, -EINVAL,
				   "input 0 is %s, which has no such function",
				   fxq_dtype_name(call->in[0].dtype));

	return kern_same_out(call);
}

#define AT_ONCE	16384	/* elements of a task */

struct job {
	values_fn fn;
	const char *x;
	char *y;
	size_t bytes;
	int64_t count;
	double p[2];
};

static void part_task(void *ctx, int64_t task, int thread)
{
	const struct job *j = ctx;
	int64_t first = task * AT_ONCE, n = j->count - first;

	(void)thread;
	j->fn(j->y + first * (int64_t)j->bytes,
	      j->x + first * (int64_t)j->bytes,
	      n < AT_ONCE ? n : AT_ONCE, j->p);
}

static int eval_row(struct fxq_call *call, fxq_call_fn infer, int row)
{
	struct job job;
	int ret;

	ret = kern_begin(call, infer);
	if (ret)
		return ret;

	job = (struct job){
		.fn = find_fn(row, call->in[0].dtype),
		.x = call->in[0].data, .y = call->out[0].data,
		.bytes = fxq_dtype_bytes(call->in[0].dtype),
		.count = fxq_tensor_count(&call->in[0]),
	};
	for (int i = 0; i < 2; i++)
		job.p[i] = kern_float(call, floats[row].names[i],
				      floats[row].defaults[i]);
	parallel_for(parallel_threads(call->threads,
				      job.count * (PARALLEL_ELEMENT +
						   floats[row].cost / 4)),
		     (job.count + AT_ONCE - 1) / AT_ONCE, part_task, &job);
	return 0;
}

#define X(name, ...)							\
int infer_##name(struct fxq_call *call)					\
{									\
	return infer_row(call, ROW_##name);				\
}									\
									\
int eval_##name(struct fxq_call *call)					\
{									\
	return eval_row(call, infer_##name, ROW_##name);		\
}
POINTWISE(X)
#undef X

int infer_gelu(struct fxq_call *call)
{
	const char *how = kern_str(call, "approximate", "none");

	if (strcmp(how, "none") && strcmp(how, "tanh"))
		return kern_refuse(call, -EINVAL,
				   "approximate is \"%.40s\", not \"none\" or \"tanh\"",
				   how);
	return infer_row(call, ROW_gelu_erf);
}

int eval_gelu(struct fxq_call *call)
{
	bool exact = !strcmp(kern_str(call, "approximate", "none"), "none");

	return eval_row(call, infer_gelu,
			exact ? ROW_gelu_erf : ROW_gelu_tanh);
}

