/* SPDX-License-Identifier: MIT */
/*
 * dwvec_vnni.h - columns of four rows for vpdpbusd, four vectors each
 */
#ifndef FXQ_EXEC_DWVEC_VNNI_H
#define FXQ_EXEC_DWVEC_VNNI_H

#define DEPTH		4

INLINE vector every_byte(int v)
{
	return _mm256_set1_epi8((char)v);
}

INLINE void interleave(const uint8_t *const *row, int flip, vector *to)
{
	const __m256i bits = _mm256_set1_epi8((char)flip);
	__m256i r[4], a, b, c, d;
	int i;

	for (i = 0; i < 4; i++)
		r[i] = _mm256_xor_si256(load(row[i]), bits);
	a = _mm256_unpacklo_epi8(r[0], r[1]);
	b = _mm256_unpackhi_epi8(r[0], r[1]);
	c = _mm256_unpacklo_epi8(r[2], r[3]);
	d = _mm256_unpackhi_epi8(r[2], r[3]);
	to[0] = _mm256_unpacklo_epi16(a, c);
	to[1] = _mm256_unpackhi_epi16(a, c);
	to[2] = _mm256_unpacklo_epi16(b, d);
	to[3] = _mm256_unpackhi_epi16(b, d);
}

INLINE void interleave_weights(const uint8_t *const *row, vector *to)
{
	interleave(row, 0, to);
}

INLINE void add(vector *sum, vector x, const vector *w, const int rows)
{
#if defined(__AVXVNNI__)
	*sum = _mm256_dpbusd_avx_epi32(*sum, x, *w);
#else
	*sum = _mm256_dpbusd_epi32(*sum, x, *w);
#endif
}

INLINE void to_column(const uint32_t *from, vector *to)
{
	__m256i a = load(from), b = load(from + 8), c = load(from + 16);
	__m256i d = load(from + 24);

	to[0] = halves(a, c, 0);
	to[1] = halves(a, c, 1);
	to[2] = halves(b, d, 0);
	to[3] = halves(b, d, 1);
}

INLINE void from_column(const vector *from, uint32_t *to)
{
	__m256i *at = (__m256i *)to;

	_mm256_store_si256(at, halves(from[0], from[1], 0));
	_mm256_store_si256(at + 1, halves(from[2], from[3], 0));
	_mm256_store_si256(at + 2, halves(from[0], from[1], 1));
	_mm256_store_si256(at + 3, halves(from[2], from[3], 1));
}

#endif /* FXQ_EXEC_DWVEC_VNNI_H */
