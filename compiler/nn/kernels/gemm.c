// SPDX-License-Identifier: MIT
/*
 * The product behind convolutions and linear layers. A block of c stays in the
 * second-level cache while k is walked in slices: a slice of a few rows of a
 * and of one tile's columns of b then fits the first level. The inner loops
 * exist once in the source (gemm_tile.h) and once in the program for each
 * width of vectors.
 */
#include <string.h>

#include "gemm.h"

#define SLICE	256	/* of k: 4 rows of a take 4 KiB, 32 columns of b 32 KiB */

#define TILE(name)	portable_##name
#define TILE_TARGET
#define TILE_LANES	4
#include "gemm_tile.h"

static int always(void)
{
	return 1;
}

#if defined(__x86_64__) && !defined(FXQ_PORTABLE)

#define TILE(name)	avx2_##name
#define TILE_TARGET	__attribute__((target("avx2")))
#define TILE_LANES	8
#include "gemm_tile.h"

#define TILE(name)	avx512_##name
#define TILE_TARGET	__attribute__((target("avx512f")))
#define TILE_LANES	16
#include "gemm_tile.h"

static int has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

static int has_avx512(void)
{
	return __builtin_cpu_supports("avx512f");
}

#endif

const struct gemm_path gemm_paths[] = {
#if defined(__x86_64__) && !defined(FXQ_PORTABLE)
	{ "avx512", has_avx512, avx512_add },
	{ "avx2", has_avx2, avx2_add },
#endif
	{ "portable", always, portable_add },
};

const int gemm_path_count = sizeof(gemm_paths) / sizeof(gemm_paths[0]);

static const struct gemm_path *best_path(void)
{
	const struct gemm_path *path = gemm_paths;

	while (!path->is_supported())
		path++;
	return path;
}

static int64_t ceil_div(int64_t a, int64_t b)
{
	return (a + b - 1) / b;
}

int64_t gemm_blocks(const struct gemm *g)
{
	return ceil_div(g->m, GEMM_ROWS) * ceil_div(g->n, GEMM_COLS);
}

static void fill_bias(const struct gemm *g, int64_t i, int64_t ni, int64_t j,
		      int64_t nj, float *block)
{
	for (int64_t r = 0; r < ni; r++, block += GEMM_COLS) {
		float bias = g->row_bias ? g->row_bias[i + r] : 0;

		if (g->bias_last)
			memset(block, 0, nj * sizeof(*block));
		else if (g->col_bias)
			memcpy(block, g->col_bias + j, nj * sizeof(*block));
		else
			for (int64_t c = 0; c < nj; c++)
				block[c] = bias;
	}
}

static void add_bias(const struct gemm *g, int64_t i, int64_t ni, int64_t j,
		     int64_t nj, float *block)
{
	for (int64_t r = 0; r < ni; r++, block += GEMM_COLS) {
		if (g->col_bias)
			for (int64_t c = 0; c < nj; c++)
				block[c] += g->col_bias[j + c];
		else if (g->row_bias)
			for (int64_t c = 0; c < nj; c++)
				block[c] += g->row_bias[i + r];
	}
}

void gemm_block(const struct gemm *g, int64_t number, float *scratch)
{
	const struct gemm_path *path = best_path();
	int64_t row_blocks = ceil_div(g->m, GEMM_ROWS);
	int64_t i = number % row_blocks * GEMM_ROWS;
	int64_t j = number / row_blocks * GEMM_COLS;
	int64_t ni = g->m - i < GEMM_ROWS ? g->m - i : GEMM_ROWS;
	int64_t nj = g->n - j < GEMM_COLS ? g->n - j : GEMM_COLS;

	fill_bias(g, i, ni, j, nj, scratch);
	for (int64_t k = 0; k < g->k; k += SLICE)
		path->add(ni, nj, g->k - k < SLICE ? g->k - k : SLICE,
			  g->a + i * g->lda + k, g->lda, g->b + j, g->off + k,
			  scratch);
	if (g->bias_last)
		add_bias(g, i, ni, j, nj, scratch);
	g->store(g->ctx, scratch, i, ni, j, nj);
}
