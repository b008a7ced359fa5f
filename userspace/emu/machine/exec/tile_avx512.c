/* SPDX-License-Identifier: MIT */
/*
 * tile_avx512.c - the register tile of AVX-512 VNNI
 *
 * vpdpbusd adds four products in each of 16 lanes, so two vectors
 * of weights are four k of an output block. Of 32 registers, 28 hold the sums of
 * 7 pixels by two blocks, three hold weights (the fourth vector is read where it
 * is used) and one has four activations of a pixel in every lane. That is 28
 * multiplications in 38 instructions, fewer than with any other shape, so both
 * multiplying ports are busy even where another thread shares the core; and 7
 * divides the sides of most images.
 */
#include <string.h>
#include <immintrin.h>

#include "tile.h"

#define INLINE	static inline __attribute__((always_inline))

typedef __m512i registers[FXQ_TILE_PIXELS][4];

/* Four activations, in every lane. */
INLINE __m512i spread(const uint8_t *x)
{
	int32_t v;

	memcpy(&v, x, sizeof(v));
	return _mm512_set1_epi32(v);
}

/* Vector @v of a quad's weights. */
INLINE const int8_t *weights(const int8_t *w, size_t block_bytes, int v)
{
	return w + v / 2 * block_bytes + v % 2 * 64;
}

/* The compiler would load a fourth vector once, and run out of registers. */
INLINE void add_from_memory(__m512i *sum, __m512i four, const int8_t *w)
{
	__asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(four),
		"m"(*(const __m512i_u *)w));
}

INLINE void add_quad(registers sum, const uint8_t *x, size_t pitch,
		     const int8_t *w, size_t block_bytes, const int n,
		     const int vectors)
{
	__m512i four, wv[3];
	int i, v;

#pragma GCC unroll 3
	for (v = 0; v < vectors && v < 3; v++)
		wv[v] = _mm512_loadu_si512(weights(w, block_bytes, v));
#pragma GCC unroll 7
	for (i = 0; i < n; i++) {
		four = spread(x + i * pitch);
#pragma GCC unroll 3
		for (v = 0; v < vectors && v < 3; v++)
			sum[i][v] = _mm512_dpbusd_epi32(sum[i][v], four, wv[v]);
		if (vectors == 4)
			add_from_memory(&sum[i][3], four,
					weights(w, block_bytes, 3));
	}
}

INLINE void tile(const struct fxq_tile_work *t, const fxq_act *x,
		 const uint32_t *const *start, fxq_sums *acc, uint32_t at,
		 const int n, const int vectors)
{
	const uint32_t *tap = t->tap, *end = tap + t->full;
	size_t pitch = t->band->pitch, block_bytes = t->block_bytes;
	const int8_t *w = t->weights;
	registers sum;
	uint32_t q;
	int i, v;

#pragma GCC unroll 7
	for (i = 0; i < n; i++)
#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			sum[i][v] = _mm512_loadu_si512(start[v / 2] +
						       v % 2 * 16);
	for (; tap < end; tap++) {
#pragma GCC unroll 8
		for (q = 0; q < FXQ_BLOCK / 4; q++, w += FXQ_QUAD)
			add_quad(sum, x + *tap + 4 * q, FXQ_BLOCK, w,
				 block_bytes, n, vectors);
	}
#pragma GCC unroll 1
	for (end += t->rest; tap < end; tap++, w += FXQ_QUAD)
		add_quad(sum, x + *tap, pitch, w, block_bytes, n, vectors);
#pragma GCC unroll 7
	for (i = 0; i < n; i++)
#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			_mm512_storeu_si512(acc[v / 2][at + i] + v % 2 * 16,
					    sum[i][v]);
}

/* All weights at once, so there always is a @start. */
void fxq_tile_dot(const struct fxq_tile_work *t, const fxq_act *x, uint32_t n,
		  const uint32_t *const *start, fxq_sums *acc, uint32_t at)
{
	switch ((t->narrow ? 0 : t->blocks * 8) + n) {
#define CASE(n)								\
	case n: tile(t, x, start, acc, at, n, 1); break;		\
	case 8 + n: tile(t, x, start, acc, at, n, 2); break;		\
	case 16 + n: tile(t, x, start, acc, at, n, 4); break;
	CASE(1)
	CASE(2)
	CASE(3)
	CASE(4)
	CASE(5)
	CASE(6)
	CASE(7)
#undef CASE
	}
}
