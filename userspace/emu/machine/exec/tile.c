/* SPDX-License-Identifier: MIT */
/*
 * tile.c - the register tiles of each instruction set
 *
 * AVX-512 VNNI: vpdpbusd adds four products in each of 16 lanes, so two vectors
 * of weights are four k of an output block. Of 32 registers, 28 hold the sums of
 * 7 pixels by two blocks, three hold weights (the fourth vector is read where it
 * is used) and one has four activations of a pixel in every lane. That is 28
 * multiplications in 38 instructions, fewer than with any other shape, so both
 * multiplying ports are busy even where another thread shares the core; and 7
 * divides the sides of most images.
 */
#include <string.h>

#include "tile.h"

#if defined(__AVX512VNNI__)

#include <immintrin.h>

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
INLINE __m512i weights(const int8_t *w, size_t block_bytes, int v)
{
	return _mm512_loadu_si512(w + v / 2 * block_bytes + v % 2 * 64);
}

INLINE void add_quad(registers sum, const uint8_t *x, size_t pitch,
		     const int8_t *w, size_t block_bytes, const int n,
		     const int vectors)
{
	__m512i four, wv[3];
	int i, v;

#pragma GCC unroll 3
	for (v = 0; v < vectors && v < 3; v++)
		wv[v] = weights(w, block_bytes, v);
#pragma GCC unroll 7
	for (i = 0; i < n; i++) {
		four = spread(x + i * pitch);
#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			sum[i][v] = _mm512_dpbusd_epi32(sum[i][v], four,
				v < 3 ? wv[v] : weights(w, block_bytes, v));
	}
}

INLINE void tile(const struct fxq_tile_work *t, const uint8_t *x, fxq_sums *acc,
		 const int n, const int vectors)
{
	const struct fxq_band *b = t->band;
	const uint32_t *tap = b->taps, *end = tap + b->full;
	const int8_t *w = t->w;
	const uint8_t *from;
	registers sum;
	uint32_t q;
	int i, v;

#pragma GCC unroll 7
	for (i = 0; i < n; i++)
#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			sum[i][v] = _mm512_loadu_si512(t->start[v / 2] +
						       v % 2 * 16);
	for (; tap < end; tap++) {
		from = x + *tap;
#pragma GCC unroll 4
		for (q = 0; q < FXQ_BLOCK / 4; q++, w += FXQ_QUAD)
			add_quad(sum, from + 4 * q, b->pitch, w,
				 t->block_bytes, n, vectors);
	}
#pragma GCC unroll 2
	for (end += b->rest; tap < end; tap++, w += FXQ_QUAD)
		add_quad(sum, x + *tap, b->pitch, w, t->block_bytes, n,
			 vectors);
#pragma GCC unroll 7
	for (i = 0; i < n; i++)
#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			_mm512_storeu_si512(acc[v / 2][i] + v % 2 * 16,
					    sum[i][v]);
}

void fxq_tile_dot(const struct fxq_tile_work *t, const uint8_t *x, uint32_t n,
		  fxq_sums *acc)
{
	switch (t->blocks * 8 + n) {
#define CASE(n)							\
	case 8 + n: tile(t, x, acc, n, 2); break;		\
	case 16 + n: tile(t, x, acc, n, 4); break;
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

#endif
