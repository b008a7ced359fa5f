/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * fxq_arith.h - the rounding and saturation that every party shares
 *
 * The machine, the integer reference and the compiler's tables agree on an
 * answer because they agree on these few functions; whatever an operator
 * sums up before it comes here, each writes for itself. Files that include
 * this are compiled with -ffp-contract=off and round to nearest.
 */
#ifndef FXQ_ARITH_H
#define FXQ_ARITH_H

#include <stdint.h>
#include <string.h>

/* The number whose IEEE-754 bits are @bits, and back. */
static inline float fxq_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static inline uint32_t fxq_bits(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

/*
 * Round half to even for |v| < 2^22: adding 1.5 * 2^23 leaves no fraction
 * bits, so that the addition itself rounds. Unlike lrintf() it vectorises.
 */
static inline float fxq_rne(float v)
{
	const float magic = 12582912.0f;

	return (v + magic) - magic;
}

/* As fxq_rne() for |v| < 2^51. */
static inline double fxq_rne_double(double v)
{
	const double magic = 6755399441055744.0;

	return (v + magic) - magic;
}

/*
 * Q: quantizes @v, a value in units of the output's scale. The clamp is in
 * fp32 and comes first, so a large number never reaches the conversion; NaN
 * gives @lo. @z, @lo, @hi are within int8.
 */
static inline int8_t fxq_q(float v, int z, int lo, int hi)
{
	float min = (float)(lo - z);
	float max = (float)(hi - z);

	v = v > min ? v : min;
	v = v < max ? v : max;
	return (int8_t)((int)fxq_rne(v) + z);
}

/* The same from a double, for tables: rounded once. */
static inline int8_t fxq_q_double(double v, int z, int lo, int hi)
{
	double min = (double)(lo - z);
	double max = (double)(hi - z);

	v = v > min ? v : min;
	v = v < max ? v : max;
	return (int8_t)((int)fxq_rne_double(v) + z);
}

static inline int fxq_clamp_int(int v, int lo, int hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

/*
 * Quantize a real number: torch multiplies by the reciprocal, ONNX divides.
 * Both round half to even before the zero point is added.
 */
static inline int8_t fxq_quantize_torch(float x, float scale, int z)
{
	return fxq_q(x * (1.0f / scale), z, -128, 127);
}

static inline int8_t fxq_quantize_onnx(float x, float scale, int z)
{
	return fxq_q(x / scale, z, -128, 127);
}

static inline float fxq_dequantize(int8_t q, float scale, int z)
{
	return (float)((int)q - z) * scale;
}

/* t: a finished accumulator in units of the output's scale. */
static inline float fxq_scale_acc(int32_t acc, float m, float n)
{
	return (float)acc * (acc < 0 ? n : m);
}

#endif /* FXQ_ARITH_H */
