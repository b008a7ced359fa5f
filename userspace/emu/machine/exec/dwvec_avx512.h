/* SPDX-License-Identifier: MIT */
/*
 * dwvec_avx512.h - columns of four rows for vpdpbusd, two vectors each
 */
#ifndef FXQ_EXEC_DWVEC_AVX512_H
#define FXQ_EXEC_DWVEC_AVX512_H

#define DEPTH		4
#define VECTORS		2
#define ONE_LONG	7
#define TWO_LONG	7
#define SHORT		4

typedef __m512i vector;
typedef vector column[VECTORS];

INLINE vector load(const void *at)
{
	return _mm512_loadu_si512(at);
}

INLINE vector every_byte(int v)
{
	return _mm512_set1_epi8((char)v);
}

INLINE void interleave(const uint8_t *const *row, int flip, vector *to)
{
	const __m512i bits = _mm512_set1_epi8((char)flip);
	__m256i r[4], a, b, c, d;
	int i;

	for (i = 0; i < 4; i++)
		r[i] = _mm256_loadu_si256((const __m256i *)row[i]);
	a = _mm256_unpacklo_epi8(r[0], r[1]);
	b = _mm256_unpackhi_epi8(r[0], r[1]);
	c = _mm256_unpacklo_epi8(r[2], r[3]);
	d = _mm256_unpackhi_epi8(r[2], r[3]);
	to[0] = _mm512_inserti64x4(
		_mm512_castsi256_si512(_mm256_unpacklo_epi16(a, c)),
		_mm256_unpackhi_epi16(a, c), 1);
	to[1] = _mm512_inserti64x4(
		_mm512_castsi256_si512(_mm256_unpacklo_epi16(b, d)),
		_mm256_unpackhi_epi16(b, d), 1);
	to[0] = _mm512_xor_si512(to[0], bits);
	to[1] = _mm512_xor_si512(to[1], bits);
}

#define INTERLEAVE_TWO	1

/* Two neighbouring columns of 32 channels each: half the shuffles. */
INLINE void interleave_two(const uint8_t *const *row, int flip, column *to)
{
	const __m512i bits = _mm512_set1_epi8((char)flip);
	__m512i r[4], q[4], a, b, c, d;
	__m256i *at = (__m256i *)to;
	int i;

	for (i = 0; i < 4; i++)
		r[i] = _mm512_xor_si512(load(row[i]), bits);
	a = _mm512_unpacklo_epi8(r[0], r[1]);
	b = _mm512_unpackhi_epi8(r[0], r[1]);
	c = _mm512_unpacklo_epi8(r[2], r[3]);
	d = _mm512_unpackhi_epi8(r[2], r[3]);
	q[0] = _mm512_unpacklo_epi16(a, c);
	q[1] = _mm512_unpackhi_epi16(a, c);
	q[2] = _mm512_unpacklo_epi16(b, d);
	q[3] = _mm512_unpackhi_epi16(b, d);
	for (i = 0; i < 4; i++) {
		_mm256_store_si256(at + i, _mm512_castsi512_si256(q[i]));
		_mm256_store_si256(at + 4 + i,
				   _mm512_extracti64x4_epi64(q[i], 1));
	}
}

INLINE void interleave_weights(const uint8_t *const *row, vector *to)
{
	interleave(row, 0, to);
}

#define HALF_COLUMNS	1

/* 16 channels: the first vector of a column, in their own order. */
INLINE void interleave_half(const uint8_t *const *row, int flip, vector *to)
{
	__m128i r[4], a, b, c, d;
	__m512i v;
	int i;

	for (i = 0; i < 4; i++)
		r[i] = _mm_loadu_si128((const __m128i *)row[i]);
	a = _mm_unpacklo_epi8(r[0], r[1]);
	b = _mm_unpackhi_epi8(r[0], r[1]);
	c = _mm_unpacklo_epi8(r[2], r[3]);
	d = _mm_unpackhi_epi8(r[2], r[3]);
	v = _mm512_castsi128_si512(_mm_unpacklo_epi16(a, c));
	v = _mm512_inserti32x4(v, _mm_unpackhi_epi16(a, c), 1);
	v = _mm512_inserti32x4(v, _mm_unpacklo_epi16(b, d), 2);
	v = _mm512_inserti32x4(v, _mm_unpackhi_epi16(b, d), 3);
	*to = _mm512_xor_si512(v, _mm512_set1_epi8((char)flip));
}

/* Four neighbouring columns of 16 channels each. */
INLINE void interleave_four_halves(const uint8_t *const *row, int flip,
				   column *to)
{
	const __m512i bits = _mm512_set1_epi8((char)flip);
	__m512i r[4], q[4], a, b, c, d;
	int i;

	for (i = 0; i < 4; i++)
		r[i] = _mm512_xor_si512(load(row[i]), bits);
	a = _mm512_unpacklo_epi8(r[0], r[1]);
	b = _mm512_unpackhi_epi8(r[0], r[1]);
	c = _mm512_unpacklo_epi8(r[2], r[3]);
	d = _mm512_unpackhi_epi8(r[2], r[3]);
	q[0] = _mm512_unpacklo_epi16(a, c);
	q[1] = _mm512_unpackhi_epi16(a, c);
	q[2] = _mm512_unpacklo_epi16(b, d);
	q[3] = _mm512_unpackhi_epi16(b, d);
	/* Quarter k of q[j] is a quarter of column k: exchange them. */
	a = _mm512_shuffle_i32x4(q[0], q[1], 0x44);
	b = _mm512_shuffle_i32x4(q[0], q[1], 0xee);
	c = _mm512_shuffle_i32x4(q[2], q[3], 0x44);
	d = _mm512_shuffle_i32x4(q[2], q[3], 0xee);
	to[0][0] = _mm512_shuffle_i32x4(a, c, 0x88);
	to[1][0] = _mm512_shuffle_i32x4(a, c, 0xdd);
	to[2][0] = _mm512_shuffle_i32x4(b, d, 0x88);
	to[3][0] = _mm512_shuffle_i32x4(b, d, 0xdd);
}

INLINE void to_half(const uint32_t *from, vector *to)
{
	*to = load(from);
}

INLINE void from_half(const vector *from, uint32_t *to)
{
	_mm512_store_si512(to, *from);
}

/* Of two rows, weights stay in memory: the sums need all registers. */
INLINE void add(vector *sum, vector x, const vector *w, const int rows)
{
	if (rows == 1)
		*sum = _mm512_dpbusd_epi32(*sum, x, *w);
	else
		__asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(x), "m"(*w));
}

/* 32 numbers in the column's order, and back. */
INLINE void to_column(const uint32_t *from, vector *to)
{
	const __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
	const __m512i odd = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
	__m512i low = load(from), high = load(from + 16);

	to[0] = _mm512_permutex2var_epi64(low, even, high);
	to[1] = _mm512_permutex2var_epi64(low, odd, high);
}

INLINE void from_column(const vector *from, uint32_t *to)
{
	_mm512_store_si512(to, _mm512_shuffle_i64x2(from[0], from[1], 0x88));
	_mm512_store_si512(to + 16,
			   _mm512_shuffle_i64x2(from[0], from[1], 0xdd));
}

#endif /* FXQ_EXEC_DWVEC_AVX512_H */
