/* SPDX-License-Identifier: MIT */
/*
 * dot.c - the inner product in portable C
 *
 * Integers are multiplied and added as fp32, for which every processor has
 * fast vectors: a product of u8 and s8 has at most 15 bits, and FXQ_PANEL_K of
 * them add up to less than 2^24, so no operation ever rounds and the order of
 * the sum does not matter. Beyond a panel the sums are 32-bit integers.
 */
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

fxq_dot_fn fxq_dot_portable(void)
{
	if (__builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512vl"))
		return dot_512;
	if (__builtin_cpu_supports("avx2"))
		return dot_256;
	return dot_128;
}

#else

fxq_dot_fn fxq_dot_portable(void)
{
	return dot_128;
}

#endif
