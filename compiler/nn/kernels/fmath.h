/* SPDX-License-Identifier: MIT */
/*
 * fmath.h - elementary functions with the same bits everywhere
 *
 * glibc's exp or tanh may differ in the last bit between processors and
 * versions. These do not: they are additions, multiplications, divisions and
 * square roots of doubles in a fixed order, without branches, so that loops
 * over them become vector code with the same results. Each has a relative
 * error below 1e-15 (test_fmath compares; what is less exact says so), and a
 * float kernel rounds the double once.
 *
 * The methods: exp and expm1 take out a multiple of log 2 and sum the series
 * to degree 13 (|r| < 0.347, remainder below 4e-18); log takes out a power of
 * two and sums the series of the inverse hyperbolic tangent to s^23 (|s| <
 * 0.172, remainder below 1e-18); erf is its series to x^37 below 1, and above
 * it e^(-x^2) / x times a polynomial in (x - 3) / (x + 3), the Chebyshev
 * interpolant of degree 20 on [1, 28], whose error is 4e-18. NaN gives NaN.
 */
#ifndef FXQ_KERNELS_FMATH_H
#define FXQ_KERNELS_FMATH_H

#include <stdint.h>
#include <string.h>

/* Into each clone of a loop (clones.h), or it would not become vector code. */
#define FM_INLINE	inline __attribute__((always_inline))

#define FM_INF		__builtin_inf()
#define FM_NAN		__builtin_nan("")
#define FM_PI		3.14159265358979323846
#define FM_SQRT1_2	0.70710678118654752440

/* Adding 3 * 2^51 rounds to an integer and leaves it in the low bits. */
#define FM_SHIFT	0x1.8p52
/* log 2 in 40 bits, so that its multiples are exact, and what is missing. */
#define FM_LN2_HI	0x1.62e42fefa2000p-1
#define FM_LN2_LO	0x1.9ef35793c7673p-41
#define FM_LOG2_E	0x1.71547652b82fep+0

static FM_INLINE uint64_t fm_bits(double x)
{
	uint64_t u;

	memcpy(&u, &x, sizeof(u));
	return u;
}

static FM_INLINE double fm_from_bits(uint64_t u)
{
	double x;

	memcpy(&x, &u, sizeof(x));
	return x;
}

static FM_INLINE double fm_abs(double x)
{
	return fm_from_bits(fm_bits(x) & ~(1ull << 63));
}

/* @x, which is not negative, with the sign of @sign. */
static FM_INLINE double fm_with_sign(double x, double sign)
{
	return fm_from_bits(fm_bits(x) | (fm_bits(sign) & (1ull << 63)));
}

/* e^x - 1 for |x| <= log(2) / 2 */
static FM_INLINE double fm_expm1_series(double x)
{
	double p = 1.0 / 6227020800.0;

	p = p * x + 1.0 / 479001600.0;
	p = p * x + 1.0 / 39916800.0;
	p = p * x + 1.0 / 3628800.0;
	p = p * x + 1.0 / 362880.0;
	p = p * x + 1.0 / 40320.0;
	p = p * x + 1.0 / 5040.0;
	p = p * x + 1.0 / 720.0;
	p = p * x + 1.0 / 120.0;
	p = p * x + 1.0 / 24.0;
	p = p * x + 1.0 / 6.0;
	p = p * x + 0.5;
	return x + x * x * p;
}

static FM_INLINE double fm_exp(double x)
{
	double c, t, n, p;
	uint64_t k, half;

	/* Beyond these the result is 0 or infinite anyway. */
	c = x < -746 ? -746 : x;
	c = c > 710 ? 710 : c;

	t = c * FM_LOG2_E + FM_SHIFT;
	n = t - FM_SHIFT;
	p = 1 + fm_expm1_series((c - n * FM_LN2_HI) - n * FM_LN2_LO);

	/* 2^n in two factors: neither leaves the range of doubles. */
	k = fm_bits(t) - fm_bits(FM_SHIFT);
	half = ((k + 2048) >> 1) - 1024;
	return p * fm_from_bits((half + 1023) << 52) *
	       fm_from_bits((k - half + 1023) << 52);
}

/* fm_exp() for x <= 0; below -700, where it is 0 to any float, it stays e^-700. */
static FM_INLINE double fm_exp_negative(double x)
{
	double c, t, n, p;

	c = x < -700 ? -700 : x;
	t = c * FM_LOG2_E + FM_SHIFT;
	n = t - FM_SHIFT;
	p = 1 + fm_expm1_series((c - n * FM_LN2_HI) - n * FM_LN2_LO);
	return p * fm_from_bits((fm_bits(t) - fm_bits(FM_SHIFT) + 1023) << 52);
}

/* e^x - 1; above 700, where floats are long infinite, it stays e^700. */
static FM_INLINE double fm_expm1(double x)
{
	double c, t, n, scale, p;

	c = x < -60 ? -60 : x;
	c = c > 700 ? 700 : c;

	t = c * FM_LOG2_E + FM_SHIFT;
	n = t - FM_SHIFT;
	p = fm_expm1_series((c - n * FM_LN2_HI) - n * FM_LN2_LO);
	scale = fm_from_bits((fm_bits(t) - fm_bits(FM_SHIFT) + 1023) << 52);
	return scale * p + (scale - 1);
}

static FM_INLINE double fm_log(double x)
{
	const uint64_t sqrt_half = 0x3fe6a09e667f3bcd;
	double tiny = x < 0x1p-1022 ? 54 : 0;
	double y = x < 0x1p-1022 ? x * 0x1p54 : x;
	uint64_t u, k;
	double e, m, s, z, p, r;

	/* y = 2^e m with m from sqrt(1/2) to sqrt(2) */
	u = fm_bits(y) + (0x3ff0000000000000 - sqrt_half);
	k = u >> 52;
	m = fm_from_bits((u & 0xfffffffffffff) + sqrt_half);
	e = fm_from_bits(k | fm_bits(0x1p52)) - (0x1p52 + 1023) - tiny;

	s = (m - 1) / (m + 1);
	z = s * s;
	p = 1.0 / 23;
	p = p * z + 1.0 / 21;
	p = p * z + 1.0 / 19;
	p = p * z + 1.0 / 17;
	p = p * z + 1.0 / 15;
	p = p * z + 1.0 / 13;
	p = p * z + 1.0 / 11;
	p = p * z + 1.0 / 9;
	p = p * z + 1.0 / 7;
	p = p * z + 1.0 / 5;
	p = p * z + 1.0 / 3;
	r = e * FM_LN2_HI + (2 * s + (2 * s * z * p + e * FM_LN2_LO));

	r = x == 0 ? -FM_INF : r;
	r = x == FM_INF ? x : r;
	return x >= 0 ? r : FM_NAN;
}

/* log(1 + x): the rounding of 1 + x is made good to first order. */
static FM_INLINE double fm_log1p(double x)
{
	double u = 1 + x;
	double r = fm_log(u) + (x - (u - 1)) / u;

	r = u == 1 ? x : r;
	r = x == -1 ? -FM_INF : r;
	return x == FM_INF ? x : r;
}

static FM_INLINE double fm_tanh(double x)
{
	double a = fm_abs(x), t;

	t = fm_expm1(a > 40 ? 80 : 2 * a);
	return x != x ? x : fm_with_sign(t / (t + 2), x);
}

static FM_INLINE double fm_sigmoid(double x)
{
	return 1 / (1 + fm_exp(-x));
}

/* log(1 + e^x) without overflow */
static FM_INLINE double fm_softplus(double x)
{
	return (x > 0 ? x : 0) + fm_log1p(fm_exp(-fm_abs(x))) +
	       (x != x ? x : 0);
}

/* 1 - erf(a) for a >= 1 */
static FM_INLINE double fm_erfc_tail(double a)
{
	double s = (a - 3) / (a + 3);
	double p = -0x1.07d9a179a903cp-26;

	p = p * s + 0x1.845eacd1b5386p-24;
	p = p * s - 0x1.44a001351d7e0p-24;
	p = p * s - 0x1.8c9ade8c143b7p-22;
	p = p * s + 0x1.468121496b837p-22;
	p = p * s + 0x1.ff1f489d4e22cp-20;
	p = p * s - 0x1.0ca68c588b606p-20;
	p = p * s - 0x1.74f57610eac65p-17;
	p = p * s + 0x1.b1fa5d2e954f4p-18;
	p = p * s + 0x1.21533f65baa9fp-14;
	p = p * s - 0x1.62dfe8051f8f0p-14;
	p = p * s - 0x1.b095635871befp-12;
	p = p * s + 0x1.45d002a9844dcp-10;
	p = p * s + 0x1.dd888d4b0f07dp-11;
	p = p * s - 0x1.cb66d2492636ap-7;
	p = p * s + 0x1.7bb38c2569dfep-5;
	p = p * s - 0x1.870b49f52ed66p-4;
	p = p * s + 0x1.1e79b14a5e8bbp-3;
	p = p * s - 0x1.2c33bbab98199p-3;
	p = p * s + 0x1.865fd27e52134p-4;
	p = p * s + 0x1.12f21ddd9f5e2p-1;
	return fm_exp(-(a * a)) * p / a;
}

/* erf(x) for |x| <= 1: sum over n of (-1)^n x^(2n + 1) / (n! (2n + 1)) */
static FM_INLINE double fm_erf_series(double x)
{
	double z = x * x;
	double p = 1.0 / 6402373705728000.0 / 37;

	p = p * z - 1.0 / 355687428096000.0 / 35;
	p = p * z + 1.0 / 20922789888000.0 / 33;
	p = p * z - 1.0 / 1307674368000.0 / 31;
	p = p * z + 1.0 / 87178291200.0 / 29;
	p = p * z - 1.0 / 6227020800.0 / 27;
	p = p * z + 1.0 / 479001600.0 / 25;
	p = p * z - 1.0 / 39916800.0 / 23;
	p = p * z + 1.0 / 3628800.0 / 21;
	p = p * z - 1.0 / 362880.0 / 19;
	p = p * z + 1.0 / 40320.0 / 17;
	p = p * z - 1.0 / 5040.0 / 15;
	p = p * z + 1.0 / 720.0 / 13;
	p = p * z - 1.0 / 120.0 / 11;
	p = p * z + 1.0 / 24.0 / 9;
	p = p * z - 1.0 / 6.0 / 7;
	p = p * z + 1.0 / 2.0 / 5;
	p = p * z - 1.0 / 3;
	return 1.12837916709551257390 * (x + x * z * p);
}

static FM_INLINE double fm_erf(double x)
{
	double a = fm_abs(x);
	double tail = fm_with_sign(1 - fm_erfc_tail(a < 1 ? 1 : a), x);

	tail = a > 6 ? fm_with_sign(1, x) : tail;
	return a > 1 ? tail : fm_erf_series(x);
}

/*
 * 1 - erf(x), with relative accuracy also where it is small: x squared times
 * 2e-16, since x^2 is rounded before it is an exponent.
 */
static FM_INLINE double fm_erfc(double x)
{
	double a = fm_abs(x), tail;

	tail = fm_erfc_tail(a < 1 ? 1 : a > 28 ? 28 : a);
	tail = x < 0 ? 2 - tail : tail;
	return a > 1 ? tail : 1 - fm_erf_series(x);
}

/* fmath.c: those that take branches */

double fm_sin(double x);
double fm_cos(double x);
double fm_tan(double x);
double fm_asin(double x);
double fm_acos(double x);
double fm_atan(double x);
double fm_sinh(double x);
double fm_cosh(double x);
double fm_asinh(double x);
double fm_acosh(double x);
double fm_atanh(double x);
/*
 * As C's pow. The relative error is |y log x| times 2e-16: enough for any
 * float, not for the last bits of a double.
 */
double fm_pow(double x, double y);

#endif
