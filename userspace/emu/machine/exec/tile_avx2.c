/* SPDX-License-Identifier: MIT */
/*
 * tile_avx2.c - the register tile of AVX2, exact
 *
 * vpmaddubsw multiplies bytes and saturates at 16 bits, so it is no use; vpmaddwd
 * multiplies words and is exact. Both factors are widened beforehand, a part of
 * the weights that the first cache holds at a time, and used for many pixels. A
 * quad (k0 k1 k2 k3) becomes the pairs (k0 k2) and (k1 k3): the even and the odd
 * bytes of its words, found by shifts. Of 16 registers, 12 hold the sums of three
 * pixels, three a pair of activations of each in every lane, and one a product.
 */
#include <string.h>
#include <immintrin.h>

#include "tile.h"

#define INLINE	static inline __attribute__((always_inline))
#define PAIR	(2 * FXQ_BLOCK)		/* words of two k of weights */

typedef __m256i registers[FXQ_TILE_PIXELS][4];

INLINE __m256i load(const void *at)
{
	return _mm256_loadu_si256(at);
}

INLINE void store(void *at, __m256i v)
{
	_mm256_storeu_si256(at, v);
}

void fxq_tile_widen(const uint8_t *from, uint32_t n, fxq_act *to)
{
	const __m256i pairs = _mm256_setr_epi8(
		0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15,
		0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15);
	uint32_t i;
	__m256i v;

	for (i = 0; i < n; i += 16) {
		v = _mm256_cvtepu8_epi16(_mm_loadu_si128(
			(const __m128i *)(from + i)));
		store(to + i, _mm256_shuffle_epi8(v, pairs));
	}
}

bool fxq_tile_next(struct fxq_tile_work *t)
{
	const uint32_t *taps = t->band->taps;
	uint32_t done, full, quads, i;
	int16_t *to = t->wide;
	__m256i v;

	if (!t->tap)
		t->tap = taps;
	else
		t->tap += t->full + t->rest;
	done = t->tap - taps;
	full = done < t->band->full ? t->band->full - done : 0;
	t->full = full < FXQ_TILE_PART ? full : FXQ_TILE_PART;
	t->rest = full ? 0 : t->band->full + t->band->rest - done;
	if (t->rest > FXQ_TILE_PART * FXQ_BLOCK / 4)
		t->rest = FXQ_TILE_PART * FXQ_BLOCK / 4;
	quads = t->full * FXQ_BLOCK / 4 + t->rest;

	for (; quads; quads--, to += 2 * PAIR, t->weights += FXQ_QUAD) {
		for (i = 0; i < 4; i++) {
			v = load(t->weights + 32 * i);
			store(to + 16 * i, _mm256_srai_epi16(
				_mm256_slli_epi16(v, 8), 8));
			store(to + PAIR + 16 * i, _mm256_srai_epi16(v, 8));
		}
	}
	return t->full + t->rest;
}

/* Two activations, in every lane. */
INLINE __m256i spread(const fxq_act *x)
{
	int32_t v;

	memcpy(&v, x, sizeof(v));
	return _mm256_set1_epi32(v);
}

/*
 * Weights are read where they are used: there is no register for them. The
 * compiler would add products to each other first, and run out of registers.
 */
INLINE void add_product(__m256i *sum, __m256i x, const int16_t *w)
{
	__m256i product;

	__asm__("vpmaddwd %3, %2, %1\n\t"
		"vpaddd %1, %0, %0" : "+x"(*sum), "=&x"(product) : "x"(x),
		"m"(*(const __m256i_u *)w));
}

INLINE void add_pairs(registers sum, const fxq_act *x, size_t pitch,
		      const int16_t *w, const uint32_t pairs, const int n)
{
	__m256i two[FXQ_TILE_PIXELS];
	uint32_t pair;
	int i, v;

#pragma GCC unroll 4
	for (pair = 0; pair < pairs; pair++, x += 2, w += PAIR) {
#pragma GCC unroll 3
		for (i = 0; i < n; i++)
			two[i] = spread(x + i * pitch);
#pragma GCC unroll 4
		for (v = 0; v < 4; v++)
#pragma GCC unroll 3
			for (i = 0; i < n; i++)
				add_product(&sum[i][v], two[i], w + 16 * v);
	}
}

INLINE void tile(const struct fxq_tile_work *t, const fxq_act *x,
		 const uint32_t *start, uint32_t (*acc)[FXQ_BLOCK], const int n)
{
	const uint32_t *tap = t->tap, *end = tap + t->full;
	size_t pitch = t->band->pitch;
	const int16_t *w = t->wide;
	registers sum;
	int i, v;

#pragma GCC unroll 3
	for (i = 0; i < n; i++)
#pragma GCC unroll 4
		for (v = 0; v < 4; v++)
			sum[i][v] = load((start ? start : acc[i]) + 8 * v);
	for (; tap < end; tap++, w += FXQ_BLOCK / 2 * PAIR)
		add_pairs(sum, x + *tap, FXQ_BLOCK, w, FXQ_BLOCK / 2, n);
	for (end += t->rest; tap < end; tap++, w += 2 * PAIR)
		add_pairs(sum, x + *tap, pitch, w, 2, n);
#pragma GCC unroll 3
	for (i = 0; i < n; i++)
#pragma GCC unroll 4
		for (v = 0; v < 4; v++)
			store(acc[i] + 8 * v, sum[i][v]);
}

void fxq_tile_dot(const struct fxq_tile_work *t, const fxq_act *x, uint32_t n,
		  const uint32_t *const *start, fxq_sums *acc, uint32_t at)
{
	const uint32_t *first = start ? start[0] : NULL;

	switch (n) {
	case 1:
		tile(t, x, first, acc[0] + at, 1);
		break;
	case 2:
		tile(t, x, first, acc[0] + at, 2);
		break;
	case 3:
		tile(t, x, first, acc[0] + at, 3);
		break;
	}
}
