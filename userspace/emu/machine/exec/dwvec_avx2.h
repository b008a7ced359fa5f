/* SPDX-License-Identifier: MIT */
/*
 * dwvec_avx2.h - columns of two rows, as words, for vpmaddwd
 */
#ifndef FXQ_EXEC_DWVEC_AVX2_H
#define FXQ_EXEC_DWVEC_AVX2_H

#define DEPTH		2

INLINE vector every_byte(int v)
{
	return _mm256_set1_epi16((short)(v & 255));
}

/* Words of both rows in turn. */
INLINE void pair_up(const __m256i *a, const __m256i *b, vector *to)
{
	int i;

	for (i = 0; i < 2; i++) {
		to[2 * i] = _mm256_unpacklo_epi16(a[i], b[i]);
		to[2 * i + 1] = _mm256_unpackhi_epi16(a[i], b[i]);
	}
}

INLINE void interleave(const uint8_t *const *row, int flip, vector *to)
{
	const __m128i bits = _mm_set1_epi8((char)flip);
	__m256i r[2][2];
	int i;

	for (i = 0; i < 4; i++)
		r[i / 2][i % 2] = _mm256_cvtepu8_epi16(_mm_xor_si128(bits,
			_mm_loadu_si128((const __m128i *)row[i / 2] + i % 2)));
	pair_up(r[0], r[1], to);
}

INLINE void interleave_weights(const uint8_t *const *row, vector *to)
{
	__m256i r[2][2];
	int i;

	for (i = 0; i < 4; i++)
		r[i / 2][i % 2] = _mm256_cvtepi8_epi16(_mm_loadu_si128(
			(const __m128i *)row[i / 2] + i % 2));
	pair_up(r[0], r[1], to);
}

INLINE void add(vector *sum, vector x, const vector *w, const int rows)
{
	*sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(x, *w));
}

INLINE void to_column(const uint32_t *from, vector *to)
{
	int i;

	for (i = 0; i < 4; i += 2) {
		__m256i a = load(from + 8 * i), b = load(from + 8 * i + 8);

		to[i] = halves(a, b, 0);
		to[i + 1] = halves(a, b, 1);
	}
}

INLINE void from_column(const vector *from, uint32_t *to)
{
	__m256i *at = (__m256i *)to;
	int i;

	for (i = 0; i < 4; i += 2) {
		_mm256_store_si256(at + i, halves(from[i], from[i + 1], 0));
		_mm256_store_si256(at + i + 1,
				   halves(from[i], from[i + 1], 1));
	}
}

#endif /* FXQ_EXEC_DWVEC_AVX2_H */
