/* SPDX-License-Identifier: MIT */
/*
 * dot.c - sums of products in portable C
 *
 * For the inner product, integers are multiplied and added as fp32, for which
 * every processor has fast vectors: a product of u8 and s8 has at most 15 bits,
 * and FXQ_PANEL_K of them add up to less than 2^24, so no operation ever rounds
 * and the order of the sum does not matter. Beyond a panel the sums are 32-bit
 * integers. The sums over taps have no activation that many weights share;
 * they are faster in 16-bit products.
 */
#include <string.h>

#include "clones.h"
#include "dot.h"

_Static_assert(FXQ_PANEL_K * 255 * 128 < 1 << 24, "fp32 sums stay exact");

#define DOT_NAME	dot_128
#define DOT_LANES	4
#define DOT_ROWS	4
#define DOT_TARGET
#include "dot_tile.h"

#ifdef FXQ_HAVE_CLONES

#define DOT_NAME	dot_256
#define DOT_LANES	8
#define DOT_ROWS	4
#define DOT_TARGET	__attribute__((target("avx2")))
#include "dot_tile.h"

#define DOT_NAME	dot_512
#define DOT_LANES	16
#define DOT_ROWS	8
#define DOT_TARGET \
	__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#include "dot_tile.h"

#endif

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

FXQ_CLONES
static void taps_any(fxq_tile acc, const int8_t *const (*x)[FXQ_TILE],
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

const struct fxq_inner *fxq_inner_portable(void)
{
	static const struct fxq_inner inner[] = {
		{ dot_128, taps_any },
#ifdef FXQ_HAVE_CLONES
		{ dot_256, taps_any },
		{ dot_512, taps_any },
#endif
	};

#ifdef FXQ_HAVE_CLONES
	if (__builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512vl"))
		return &inner[2];
	if (__builtin_cpu_supports("avx2"))
		return &inner[1];
#endif
	return &inner[0];
}
