// SPDX-License-Identifier: MIT
/*
 * product.c - see product.h. The inner loops exist once in the source and once
 * in the program for each width of vectors.
 */
#include "product.h"

typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));

static inline __attribute__((always_inline))
float sum_of_lanes(const float *x, int lanes)
{
	quad all = *(const quad *)x;

#pragma GCC unroll 4
	for (int l = 4; l < lanes; l += 4)
		all += *(const quad *)&x[l];
	return (all[0] + all[2]) + (all[1] + all[3]);
}

#define TILE(name)	portable_##name
#define TILE_TARGET
#define LANES	4
#define ROWS	4
#define VECS	2
#define LEFT	2
#define RIGHT	4
#include "product_tile.h"

static int always(void)
{
	return 1;
}

#if defined(__x86_64__)

#define TILE(name)	avx2_##name
#define TILE_TARGET	__attribute__((target("avx2,fma")))
#define LANES	8
#define ROWS	4
#define VECS	3
#define LEFT	4
#define RIGHT	3
#include "product_tile.h"

#define TILE(name)	avx512_##name
#define TILE_TARGET	__attribute__((target("avx512f")))
#define LANES	16
#define ROWS	8
#define VECS	3
#define LEFT	4
#define RIGHT	6
#include "product_tile.h"

static int has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int has_avx512(void)
{
	return __builtin_cpu_supports("avx512f");
}

#endif

static const struct product_path paths[] = {
#if defined(__x86_64__)
	{ has_avx512, avx512_strip, avx512_dots },
	{ has_avx2, avx2_strip, avx2_dots },
#endif
	{ always, portable_strip, portable_dots },
};

const struct product_path *product_path(void)
{
	const struct product_path *path = paths;

	while (!path->is_supported())
		path++;
	return path;
}
