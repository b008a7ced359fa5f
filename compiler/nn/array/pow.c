// SPDX-License-Identifier: MIT
/*
 * Powers. The result has the base's type whatever the exponent's is. Integer
 * powers of integers are exact (and wrap); everything else is computed in
 * double, small integer exponents by multiplication, which is what squares
 * and cubes in networks are.
 */
#include <math.h>

#include "array.h"
#include "../kernels/fmath.h"

/* Below this many factors multiplying is as exact as going by logarithms. */
#define FACTORS_MAX	64

static double multiply(double base, int64_t n)
{
	double result = 1;

	for (; n; n >>= 1, base *= base)
		if (n & 1)
			result *= base;
	return result;
}

static bool is_odd(double v)
{
	return fmod(v, 2) != 0;
}

static double power(double base, double exponent)
{
	bool whole = exponent == trunc(exponent);
	double r;

	if (exponent == 0 || base == 1)
		return 1;
	if (isnan(base) || isnan(exponent))
		return NAN;
	if (whole && fabs(exponent) <= FACTORS_MAX) {
		r = multiply(base, (int64_t)fabs(exponent));
		return exponent < 0 ? 1 / r : r;
	}
	if (exponent == 0.5 && base >= 0)
		return sqrt(base);
	if (base < 0 && !whole && !isinf(exponent))
		return isinf(base) ? (exponent < 0 ? 0 : INFINITY) : NAN;
	if (fabs(base) == 1)	/* -1: to an even, odd or infinite power */
		return whole && !isinf(exponent) && is_odd(exponent) ? -1 : 1;
	if (base == 0)
		r = exponent < 0 ? INFINITY : 0;
	else if (isinf(base))
		r = exponent < 0 ? 0 : INFINITY;
	else
		r = fm_exp(exponent * fm_log(fabs(base)));
	return base < 0 && is_odd(exponent) ? -r : r;
}

static uint64_t int_power(int64_t base, int64_t exponent, bool is_signed)
{
	uint64_t result = 1, b = base;

	if (exponent < 0 && is_signed)
		return base == 1 ? 1 : base == -1 ? exponent & 1 ? -1 : 1 : 0;
	for (uint64_t n = exponent; n; n >>= 1, b *= b)
		if (n & 1)
			result *= b;
	return result;
}

static bool is_float(uint32_t dtype)
{
	return dtype == FXQ_DTYPE_F32 || dtype == FXQ_DTYPE_F64;
}

int infer_pow(struct fxq_call *call)
{
	int64_t dims[FXQ_MAX_RANK];
	uint32_t rank;
	int ret;

	if (call->in[0].dtype == FXQ_DTYPE_BOOL ||
	    call->in[1].dtype == FXQ_DTYPE_BOOL)
		return arr_refuse(call, -EINVAL, "bool has no arithmetic");

	ret = arr_broadcast(call, 2, &rank, dims);
	if (ret)
		return ret;

	return arr_set_out(call, 0, call->in[0].dtype, rank, dims);
}

static void pow_row(void *out, const void *const *in, const int *step,
		    int64_t n, const struct fxq_call *call)
{
	struct fxq_tensor a = { .dtype = call->in[0].dtype,
				.data = (void *)in[0] };
	struct fxq_tensor b = { .dtype = call->in[1].dtype,
				.data = (void *)in[1] };
	struct fxq_tensor y = { .dtype = a.dtype, .data = out };
	bool ints = !is_float(a.dtype) && !is_float(b.dtype);
	union arr_block v;

	for (int64_t i = 0; i < n; i++) {
		int64_t p = i * step[0], q = i * step[1];

		if (ints)
			v.u[0] = int_power(arr_index(&a, p), arr_index(&b, q),
					   b.dtype != FXQ_DTYPE_U64);
		else
			v.f[0] = power(arr_value(&a, p), arr_value(&b, q));
		arr_store(&v, ints ? ARR_UINT : ARR_FLOAT, &y, i, 1);
	}
}

ARR_KERNEL(pow)
{
	arr_map(call, 2, pow_row);
	return 0;
}
