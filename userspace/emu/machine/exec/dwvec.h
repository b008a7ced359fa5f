/* SPDX-License-Identifier: MIT */
/*
 * dwvec.h - what dwquad.c needs of an instruction set
 *
 * A column is DEPTH rows of 32 channels, interleaved so that one multiplication
 * adds the rows of a channel: four of u8 for vpdpbusd, two of u16 for vpmaddwd.
 * That is 128 bytes, VECTORS of them, with channels in an order of its own, in
 * which weights and bias are put as well.
 *
 * interleave() makes a column of its rows, each of whose bytes is xored, and
 * interleave_weights() one of weights; add() multiplies and adds; to_column() and
 * from_column() put 32 numbers into a column's order and back.
 *
 * With HALF_COLUMNS there is the same for 16 channels, which take one vector of a
 * column and are in their own order there.
 *
 * ONE_LONG and TWO_LONG are the pixels of a tile for one row and for two, the
 * most that registers hold; SHORT is less, for rows of other lengths.
 */
#ifndef FXQ_EXEC_DWVEC_H
#define FXQ_EXEC_DWVEC_H

#include <stdbool.h>
#include <stdint.h>
#include <immintrin.h>

#include "dwconv.h"

#define INLINE	static inline __attribute__((always_inline))

#if defined(__AVX512VNNI__) && !defined(EXEC_NARROW)

#include "dwvec_avx512.h"

#else

#define VECTORS		4
#define ONE_LONG	2
#define TWO_LONG	1
#define SHORT		1

typedef __m256i vector;
typedef vector column[VECTORS];

INLINE vector load(const void *at)
{
	return _mm256_loadu_si256((const __m256i *)at);
}

INLINE __m256i halves(__m256i a, __m256i b, const int high)
{
	return high ? _mm256_permute2x128_si256(a, b, 0x31) :
	       _mm256_permute2x128_si256(a, b, 0x20);
}

#if defined(__AVXVNNI__) || defined(__AVX512VNNI__)
#include "dwvec_vnni.h"
#else
#include "dwvec_avx2.h"
#endif
#endif

#endif /* FXQ_EXEC_DWVEC_H */
