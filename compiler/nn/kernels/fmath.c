// SPDX-License-Identifier: MIT
/*
 * Circular and hyperbolic functions. Networks hardly use them, so these are
 * short rather than fast: sine and cosine reduce their argument to an eighth
 * of a turn, with as many bits of 2/π as it takes, and sum Taylor's series;
 * the arc tangent halves its argument twice; the others follow from these and
 * from exp and log.
 */
#include <math.h>
#include <stdbool.h>

#include "fmath.h"

/* 2/π, 1280 bits after the point. */
static const uint64_t two_over_pi[] = {
	0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041,
	0xfe5163abdebbc561, 0xb7246e3a424dd2e0, 0x06492eea09d1921c,
	0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41,
	0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f,
	0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d,
	0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08,
	0x56033046fc7b6bab, 0xf0cfbc209af4361d,
};

/* 64 bits of 2/π from bit @at after the point on; those before it are 0. */
static uint64_t bits_from(int at)
{
	int word = at >= 0 ? at / 64 : -1, shift = (at + 64) % 64;
	uint64_t high = word >= 0 ? two_over_pi[word] : 0;

	return shift ? high << shift | two_over_pi[word + 1] >> (64 - shift) :
		       high;
}

/*
 * x = m 2^e with a 53-bit m: of the product m (2/π) 2^e only the lowest two
 * integer bits, the quadrant, and the fraction matter. So the bits of 2/π that
 * weigh at least 4 after the product are skipped, and the next 192 kept.
 */
static int reduce_large(double x, double *ret)
{
	int e = (int)(fm_bits(x) >> 52 & 2047) - 1075, quadrant, at = e - 2;
	uint64_t m = (fm_bits(x) & 0xfffffffffffff) | 1ull << 52;
	unsigned __int128 low, mid, product;
	uint64_t top, fraction;
	double r;

	if (at < -63)
		at = -63;	/* not reached: such arguments are small */
	low = (unsigned __int128)m * bits_from(at + 128);
	mid = (unsigned __int128)m * bits_from(at + 64) + (low >> 64);
	top = m * bits_from(at) + (uint64_t)(mid >> 64);
	product = (unsigned __int128)top << 64 | (uint64_t)mid;

	/* The product's first two bits are the quadrant; round to nearest. */
	quadrant = (int)(top >> 62);
	product <<= 2;
	quadrant += (int)(product >> 127);
	fraction = (uint64_t)(product >> 64);
	r = (double)(int64_t)fraction * 0x1p-64 +
	    (double)(uint64_t)product * 0x1p-128;
	*ret = r * (FM_PI / 2);
	return quadrant;
}

/* Writes x - n π/2, of magnitude at most about π/4, and returns n modulo 4. */
static int reduce(double x, double *ret)
{
	double a = fm_abs(x), n, r;
	int quadrant;

	if (a < 0x1p20) {
		/* Three parts of 33 bits: products with n are exact. */
		n = (x * (2 / FM_PI) + FM_SHIFT) - FM_SHIFT;
		r = x - n * 0x1.921fb54400000p+0;
		r -= n * 0x1.0b4611a600000p-34;
		r -= n * 0x1.3198a2e000000p-69;
		*ret = r - n * 0x1.b839a252049c1p-104;
		return (int)((int64_t)n & 3);
	}

	quadrant = reduce_large(a, ret);
	if (x < 0) {
		*ret = -*ret;
		quadrant = -quadrant;
	}
	return quadrant & 3;
}

/* Series to x^17 and x^18: for |x| < 0.79 what is left out is below 1e-18. */
static double sin_series(double x)
{
	static const double factor[] = { 17 * 16, 15 * 14, 13 * 12, 11 * 10,
					 9 * 8, 7 * 6, 5 * 4, 3 * 2 };
	double p = 0, z = x * x;

	for (int i = 0; i < 8; i++)
		p = -z / factor[i] * (1 + p);
	return x + x * p;
}

static double cos_series(double x)
{
	static const double factor[] = { 18 * 17, 16 * 15, 14 * 13, 12 * 11,
					 10 * 9, 8 * 7, 6 * 5, 4 * 3 };
	double p = 0, z = x * x;

	for (int i = 0; i < 8; i++)
		p = -z / factor[i] * (1 + p);
	return 1 - z / 2 * (1 + p);
}

static double sin_quadrant(double x, int quadrant)
{
	double r = quadrant & 1 ? cos_series(x) : sin_series(x);

	return quadrant & 2 ? -r : r;
}

double fm_sin(double x)
{
	double r;
	int quadrant;

	if (!isfinite(x))
		return FM_NAN;

	quadrant = reduce(x, &r);
	return sin_quadrant(r, quadrant);
}

double fm_cos(double x)
{
	double r;
	int quadrant;

	if (!isfinite(x))
		return FM_NAN;

	quadrant = reduce(x, &r);
	return sin_quadrant(r, quadrant + 1);
}

double fm_tan(double x)
{
	return fm_sin(x) / fm_cos(x);
}

/* atan x = 2 atan(x / (1 + sqrt(1 + x²))), twice, leaves at most tan(π/16). */
double fm_atan(double x)
{
	double a = fm_abs(x), t = a > 1 ? 1 / a : a, z, p = 0;

	t = t / (1 + sqrt(1 + t * t));
	t = t / (1 + sqrt(1 + t * t));
	z = t * t;
	for (int n = 25; n > 1; n -= 2)
		p = -z * (1.0 / n + p);
	p = 4 * (t + t * p);
	p = a > 1 ? FM_PI / 2 - p : p;
	return x != x ? x : fm_with_sign(p, x);
}

double fm_asin(double x)
{
	double a = fm_abs(x);

	if (a == 1)
		return fm_with_sign(FM_PI / 2, x);
	return fm_atan(x / sqrt((1 - x) * (1 + x)));
}

double fm_acos(double x)
{
	if (x == -1)
		return FM_PI;
	return 2 * fm_atan(sqrt((1 - x) / (1 + x)));
}

double fm_sinh(double x)
{
	double a = fm_abs(x), t;

	if (x != x)
		return x;
	if (a > 700) {
		t = fm_exp(a / 2);
		return fm_with_sign(0.5 * t * t, x);
	}
	t = fm_expm1(a);
	return fm_with_sign(0.5 * (t + t / (t + 1)), x);
}

double fm_cosh(double x)
{
	double a = fm_abs(x), t;

	if (a > 700) {
		t = fm_exp(a / 2);
		return 0.5 * t * t;
	}
	t = fm_exp(a);
	return 0.5 * (t + 1 / t);
}

double fm_asinh(double x)
{
	double a = fm_abs(x), r;

	if (x != x)
		return x;
	if (a > 0x1p60)
		r = fm_log(a) + (FM_LN2_HI + FM_LN2_LO);
	else
		r = fm_log1p(a + a * a / (1 + sqrt(1 + a * a)));
	return fm_with_sign(r, x);
}

double fm_acosh(double x)
{
	if (x > 0x1p60)
		return fm_log(x) + (FM_LN2_HI + FM_LN2_LO);
	if (x < 1)
		return FM_NAN;
	return fm_log1p((x - 1) + sqrt((x - 1) * (x + 1)));
}

double fm_atanh(double x)
{
	double a = fm_abs(x);

	if (a > 1)
		return FM_NAN;
	if (x != x || a == 1)
		return x / (1 - a);
	return fm_with_sign(0.5 * fm_log1p(2 * a / (1 - a)), x);
}

static bool is_odd(double y)
{
	return fm_abs(y) < 0x1p53 && (int64_t)y & 1;
}

static bool is_integer(double y)
{
	return fm_abs(y) >= 0x1p53 || (double)(int64_t)y == y;
}

double fm_pow(double x, double y)
{
	double a = fm_abs(x), r;
	bool odd;

	if (y == 0 || x == 1)
		return 1;
	if (x != x || y != y)
		return x + y;
	if (x < 0 && isfinite(x) && isfinite(y) && !is_integer(y))
		return FM_NAN;

	odd = isfinite(y) && is_integer(y) && is_odd(y);
	if (isinf(y) && a == 1)
		r = 1;
	else if (y == 1)
		r = a;
	else if (y == 2)
		r = a * a;
	else
		r = fm_exp(y * fm_log(a));
	return odd ? fm_with_sign(r, x) : r;
}
