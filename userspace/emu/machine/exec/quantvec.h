/* SPDX-License-Identifier: MIT */
/*
 * quantvec.h - the steps from a sum to a byte, in vectors of AVX-512
 *
 * The definition clamps before it rounds, in fp32, so that no large number is
 * converted; a minimum before it and saturation and a maximum after it are the
 * same, since bounds are whole numbers. A NaN passes the minimum, converts to the
 * least integer and ends as lo. Where multipliers are below 1, no number is too
 * large, and the minimum comes last as well.
 */
#ifndef FXQ_EXEC_QUANTVEC_H
#define FXQ_EXEC_QUANTVEC_H

#include <immintrin.h>

#include "epilogue.h"

#define INLINE	static inline __attribute__((always_inline))

/* What the compiler makes a loop of its own for. */
enum kind {
	PLAIN,		/* one multiplier, below 1 */
	LARGE,		/* one multiplier */
	BENT,		/* negative sums have another one */
	LUT,		/* that, and a table */
};

INLINE enum kind kind_of(const struct fxq_epilogue *e,
			 const struct fxq_lanes *l, const uint8_t *res)
{
	if (e->lut)
		return LUT;
	if (l->bent)
		return BENT;
	return l->large || res ? LARGE : PLAIN;
}

INLINE __m512 scale_sums(__m512i sum, __m512 m, __m512 neg,
			 const enum kind kind)
{
	if (kind >= BENT)
		m = _mm512_mask_mov_ps(m, _mm512_movepi32_mask(sum), neg);
	return _mm512_mul_ps(_mm512_cvtepi32_ps(sum), m);
}

INLINE __m512i round_scaled(__m512 v, __m512 most, const enum kind kind)
{
	if (kind != PLAIN)
		v = _mm512_min_ps(most, v);
	return _mm512_cvtps_epi32(v);
}

/* The bytes of a table of 128 words at the bytes @i, zero-extended to words. */
INLINE __m512i look_up_words(const __m512i *lut, __m512i i)
{
	__m512i word = _mm512_srli_epi16(i, 1);
	__m512i low = _mm512_permutex2var_epi16(lut[0], word, lut[1]);
	__m512i high = _mm512_permutex2var_epi16(lut[2], word, lut[3]);
	__mmask32 upper = _mm512_test_epi16_mask(i, _mm512_set1_epi16(128));
	__mmask32 odd = _mm512_test_epi16_mask(i, _mm512_set1_epi16(1));
	__m512i both = _mm512_mask_mov_epi16(low, upper, high);

	both = _mm512_mask_srli_epi16(both, odd, both, 8);
	return _mm512_and_si512(both, _mm512_set1_epi16(255));
}

INLINE __m512i look_up(const __m512i *lut, __m512i q)
{
	__m512i i = _mm512_xor_si512(q, _mm512_set1_epi8(-128));
	__m512i even = look_up_words(lut, _mm512_and_si512(i,
						_mm512_set1_epi16(255)));
	__m512i odd = look_up_words(lut, _mm512_srli_epi16(i, 8));

	return _mm512_or_si512(even, _mm512_slli_epi16(odd, 8));
}

#endif /* FXQ_EXEC_QUANTVEC_H */
