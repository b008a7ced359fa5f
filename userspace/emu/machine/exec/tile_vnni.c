/* SPDX-License-Identifier: MIT */
/*
 * tile_vnni.c - the register tile of vpdpbusd in vectors of 32 bytes
 *
 * An output block's quad is four vectors of weights. Of 16 registers, 12 hold the
 * sums of three pixels, three an activation quad of each in every lane and one a
 * vector of weights: 12 multiplications for 7 loads.
 */
#include <string.h>
#include <immintrin.h>

#include "tile.h"

#define INLINE	static inline __attribute__((always_inline))

#if defined(__AVXVNNI__)
#define DPBUSD	_mm256_dpbusd_avx_epi32
#else
#define DPBUSD	_mm256_dpbusd_epi32
#endif

typedef __m256i registers[FXQ_TILE_PIXELS][4];

INLINE __m256i load(const void *at)
{
	return _mm256_loadu_si256(at);
}

/* Four activations, in every lane. */
INLINE __m256i spread(const uint8_t *x)
{
	int32_t v;

	memcpy(&v, x, sizeof(v));
	return _mm256_set1_epi32(v);
}

INLINE void add_quad(registers sum, const uint8_t *x, size_t pitch,
		     const int8_t *w, const int n)
{
	__m256i four[FXQ_TILE_PIXELS], wv;
	int i, v;

#pragma GCC unroll 3
	for (i = 0; i < n; i++)
		four[i] = spread(x + i * pitch);
#pragma GCC unroll 4
	for (v = 0; v < 4; v++) {
		wv = load(w + 32 * v);
#pragma GCC unroll 3
		for (i = 0; i < n; i++)
			sum[i][v] = DPBUSD(sum[i][v], four[i], wv);
	}
}

INLINE void tile(const struct fxq_tile_work *t, const fxq_act *x,
		 const uint32_t *start, uint32_t (*acc)[FXQ_BLOCK], const int n)
{
	const uint32_t *tap = t->tap, *end = tap + t->full;
	size_t pitch = t->band->pitch;
	const int8_t *w = t->weights;
	registers sum;
	uint32_t q;
	int i, v;

#pragma GCC unroll 3
	for (i = 0; i < n; i++)
#pragma GCC unroll 4
		for (v = 0; v < 4; v++)
			sum[i][v] = load(start + 8 * v);
	for (; tap < end; tap++) {
#pragma GCC unroll 4
		for (q = 0; q < FXQ_BLOCK / 4; q++, w += FXQ_QUAD)
			add_quad(sum, x + *tap + 4 * q, FXQ_BLOCK, w, n);
	}
#pragma GCC unroll 2
	for (end += t->rest; tap < end; tap++, w += FXQ_QUAD)
		add_quad(sum, x + *tap, pitch, w, n);
#pragma GCC unroll 3
	for (i = 0; i < n; i++)
#pragma GCC unroll 4
		for (v = 0; v < 4; v++)
			_mm256_storeu_si256((__m256i *)(acc[i] + 8 * v),
					    sum[i][v]);
}

/* All weights at once, so there always is a @start. */
void fxq_tile_dot(const struct fxq_tile_work *t, const fxq_act *x, uint32_t n,
		  const uint32_t *const *start, fxq_sums *acc, uint32_t at)
{
	switch (n) {
	case 1:
		tile(t, x, start[0], acc[0] + at, 1);
		break;
	case 2:
		tile(t, x, start[0], acc[0] + at, 2);
		break;
	case 3:
		tile(t, x, start[0], acc[0] + at, 3);
		break;
	}
}
