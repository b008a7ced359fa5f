/*
 * SPDX-License-Identifier: MIT
 *
 * gemm_tile.h - the inner loops of gemm.c, included once for each path
 *
 * TILE(name) names a function of the path, TILE_TARGET its attribute,
 * and TILE_LANES the floats of a vector. A tile keeps 4 × 2 vectors of sums in
 * registers; without fused multiplication the adders are the limit, so that
 * this many hide their latency and leave the loads free. A single row, as in
 * a depthwise convolution, has 8 vectors.
 */

typedef float TILE(vec) __attribute__((vector_size(4 * TILE_LANES),
				       aligned(4), may_alias));

/* rows and vecs are constants: the loops over them vanish. */
static inline __attribute__((always_inline)) TILE_TARGET
void TILE(tile)(const int rows, const int vecs, int64_t k,
		const float *a, int64_t lda, const float *b,
		const int64_t *off, float *c)
{
	TILE(vec) sum[4][8], x[8];

#pragma GCC unroll 8
	for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
		for (int j = 0; j < vecs; j++)
			sum[i][j] = *(const TILE(vec) *)
				&c[i * GEMM_COLS + j * TILE_LANES];

	for (int64_t p = 0; p < k; p++) {
		const float *row = b + off[p];

#pragma GCC unroll 8
		for (int j = 0; j < vecs; j++)
			x[j] = *(const TILE(vec) *)&row[j * TILE_LANES];
#pragma GCC unroll 8
		for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
			for (int j = 0; j < vecs; j++)
				sum[i][j] += a[i * lda + p] * x[j];
	}

#pragma GCC unroll 8
	for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
		for (int j = 0; j < vecs; j++)
			*(TILE(vec) *)&c[i * GEMM_COLS + j * TILE_LANES] =
				sum[i][j];
}

/* A strip of rows over all columns; the last few go one vector at a time. */
#define TILE_STRIP(rows, vecs)						\
static TILE_TARGET void TILE(strip##rows)(int64_t n, int64_t k,	\
		const float *a, int64_t lda, const float *b,		\
		const int64_t *off, float *c)				\
{									\
	int64_t j = 0;							\
									\
	for (; j + (vecs) * TILE_LANES <= n; j += (vecs) * TILE_LANES)	\
		TILE(tile)(rows, vecs, k, a, lda, b + j, off, c + j);	\
	for (; j < n; j += TILE_LANES)					\
		TILE(tile)(rows, 1, k, a, lda, b + j, off, c + j);	\
}

TILE_STRIP(4, 2)
TILE_STRIP(2, 4)
TILE_STRIP(1, 8)

static TILE_TARGET void TILE(add)(int64_t m, int64_t n, int64_t k,
				  const float *a, int64_t lda, const float *b,
				  const int64_t *off, float *c)
{
	int64_t i = 0;

	for (; i + 4 <= m; i += 4)
		TILE(strip4)(n, k, a + i * lda, lda, b, off,
			     c + i * GEMM_COLS);
	if (m & 2) {
		TILE(strip2)(n, k, a + i * lda, lda, b, off,
			     c + i * GEMM_COLS);
		i += 2;
	}
	if (m & 1)
		TILE(strip1)(n, k, a + i * lda, lda, b, off,
			     c + i * GEMM_COLS);
}

#undef TILE
#undef TILE_TARGET
#undef TILE_LANES
#undef TILE_STRIP
