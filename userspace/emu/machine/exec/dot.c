/* SPDX-License-Identifier: MIT */
/*
 * dot.c - sums of products, in vectors of any width
 *
 * For the inner product, integers are multiplied and added as fp32, for which
 * every processor has fast vectors: a product of u8 and s8 has at most 15 bits,
 * and FXQ_PANEL_K of them add up to less than 2^24, so no operation ever rounds
 * and the order of the sum does not matter. Beyond a panel the sums are 32-bit
 * integers. The sums over taps have no activation that many weights share;
 * they are faster in 16-bit products.
 */
#include <string.h>

#include "dot.h"

_Static_assert(FXQ_PANEL_K * 255 * 128 < 1 << 24, "fp32 sums stay exact");

#if defined(__AVX512F__)
#define LANES	16
#define ROWS	8	/* pixels whose sums are held in registers */
#elif defined(__AVX2__)
#define LANES	8
#define ROWS	4
#else
#define LANES	4
#define ROWS	4
#endif

typedef float vf __attribute__((vector_size(4 * LANES)));
typedef int32_t vi __attribute__((vector_size(4 * LANES)));
typedef uint32_t vu __attribute__((vector_size(4 * LANES), aligned(4),
				   may_alias));

/* The highest byte of each lane, a weight of its output. */
static inline vf top(vu four)
{
	return __builtin_convertvector((vi)four >> 24, vf);
}

/* Two vectors of outputs of @rows pixels over @quads quads of k. */
static inline __attribute__((always_inline))
void part(uint32_t *acc, const float *x, const int8_t *w, uint32_t quads,
	  const int rows)
{
	vf sum[8][2] = {};
	uint32_t q;
	int v, j, p;

	for (q = 0; q < quads; q++, w += FXQ_QUAD, x += 4) {
		vu w0 = *(const vu *)w;
		vu w1 = *(const vu *)(w + 4 * LANES);

		/* Unrolled, the compiler loads ahead and runs out of registers. */
#pragma GCC unroll 1
		for (j = 3; j >= 0; j--, w0 <<= 8, w1 <<= 8) {
			vf f0 = top(w0), f1 = top(w1);

			for (p = 0; p < rows; p++) {
				sum[p][0] += f0 * x[p * FXQ_PANEL_K + j];
				sum[p][1] += f1 * x[p * FXQ_PANEL_K + j];
			}
		}
	}
	for (p = 0; p < rows; p++) {
		for (v = 0; v < 2; v++) {
			vu *to = (vu *)(acc + p * FXQ_BLOCK + v * LANES);

			*to += (vu)__builtin_convertvector(sum[p][v], vi);
		}
	}
}

/* Whole vectors: a row of a panel may be read, and @x written, beyond @k. */
static inline void widen(float *restrict x, const uint8_t *restrict panel,
			 uint32_t k)
{
	uint32_t end = fxq_round_up(k, 32);
	int i;

	for (; end; end -= 32, x += 32, panel += 32)
#pragma GCC unroll 1
		for (i = 0; i < 32; i++)
			x[i] = panel[i];
}

void fxq_dot(fxq_tile *acc, const uint8_t *panel, uint32_t pixels, uint32_t k,
	     const int8_t *weights, size_t block_bytes, uint32_t blocks)
{
	float x[FXQ_TILE * FXQ_PANEL_K] __attribute__((aligned(64)));
	uint32_t b, p, lane;

	for (p = 0; p < pixels; p++)
		widen(x + p * FXQ_PANEL_K, panel + p * FXQ_PANEL_STRIDE, k);
	for (; p % ROWS && pixels > 1; p++)
		memset(x + p * FXQ_PANEL_K, 0, k * sizeof(*x));

	for (b = 0; b < blocks; b++, weights += block_bytes) {
		for (lane = 0; lane < FXQ_BLOCK; lane += 2 * LANES) {
			const int8_t *w = weights + 4 * lane;

			if (pixels == 1) {
				part(&acc[b][0][lane], x, w, k / 4, 1);
				continue;
			}
			for (p = 0; p < pixels; p += ROWS)
				part(&acc[b][p][lane], x + p * FXQ_PANEL_K, w,
				     k / 4, ROWS);
		}
	}
}

/* Three taps of 32 channels; a product of s8 and s8 fits 16 bits. */
static inline void add_taps(uint32_t *restrict acc, const int8_t *x0,
			    const int8_t *x1, const int8_t *x2,
			    const int16_t *w)
{
	uint32_t i;

#pragma GCC ivdep
	for (i = 0; i < FXQ_BLOCK; i++)
		acc[i] += (int16_t)(x0[i] * w[i]) +
			  (int16_t)(x1[i] * w[i + FXQ_BLOCK]) +
			  (int16_t)(x2[i] * w[i + 2 * FXQ_BLOCK]);
}

void fxq_taps(fxq_tile acc, const int8_t *const (*x)[FXQ_TILE],
	      const int8_t *weights, uint32_t taps)
{
	int16_t w[(FXQ_TAPS + 2) * FXQ_BLOCK] __attribute__((aligned(64)));
	uint32_t p, t, i;

	for (i = 0; i < taps * FXQ_BLOCK; i++)
		w[i] = weights[i];
	memset(w + i, 0, 2 * FXQ_BLOCK * sizeof(*w));
	for (p = 0; p < FXQ_TILE; p++) {
		for (t = 0; t < taps; t += 3) {
			uint32_t t1 = t + 1 < taps ? t + 1 : t;
			uint32_t t2 = t + 2 < taps ? t + 2 : t;

			add_taps(acc[p], x[t][p], x[t1][p], x[t2][p],
				 w + t * FXQ_BLOCK);
		}
	}
}
