/*
 * SPDX-License-Identifier: MIT
 *
 * product_tile.h - the inner loops of product.c, included once for each path
 *
 * TILE(name) names a function of the path, TILE_TARGET its attribute, LANES the
 * floats of a vector, ROWS × VECS the sums that it holds in registers when
 * vectors lie along the outputs, LEFT × RIGHT when they lie along the sum.
 */

typedef float TILE(vec) __attribute__((vector_size(4 * LANES), aligned(4),
				       may_alias));

/* c[ROWS][VECS vectors] = sum over p of a[p][row] * b[off[p] + column] */
static inline __attribute__((always_inline)) TILE_TARGET
void TILE(tile)(const int vecs, int64_t k, const float *a, const float *b,
		const int64_t *off, float *c, int64_t ldc)
{
	TILE(vec) sum[ROWS][VECS] = { 0 }, x[VECS];

	for (int64_t p = 0; p < k; p++, a += PRODUCT_ROWS) {
		const float *row = b + off[p];

#pragma GCC unroll 8
		for (int j = 0; j < vecs; j++)
			x[j] = *(const TILE(vec) *)&row[j * LANES];
#pragma GCC unroll 8
		for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 8
			for (int j = 0; j < vecs; j++)
				sum[i][j] += a[i] * x[j];
	}
#pragma GCC unroll 8
	for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 8
		for (int j = 0; j < vecs; j++)
			*(TILE(vec) *)&c[i * ldc + j * LANES] = sum[i][j];
}

static TILE_TARGET void TILE(strip)(int64_t n, int64_t k, const float *a,
				    const float *b, const int64_t *off,
				    float *c, int64_t ldc)
{
	for (int i = 0; i < PRODUCT_ROWS; i += ROWS) {
		int64_t j = 0;

		for (; j + VECS * LANES <= n; j += VECS * LANES)
			TILE(tile)(VECS, k, a + i, b + j, off,
				   c + i * ldc + j, ldc);
		for (; j < n; j += LANES)
			TILE(tile)(1, k, a + i, b + j, off, c + i * ldc + j,
				   ldc);
	}
}

/* c[LEFT][RIGHT] += sum over q of a[row * lda + q] * b[off[column] + q] */
static inline __attribute__((always_inline)) TILE_TARGET
void TILE(dot_tile)(int64_t n, const float *a, int64_t lda, const float *b,
		    const int64_t *off, float c[DOT_ROWS][DOT_COLS])
{
	TILE(vec) sum[LEFT][RIGHT] = { 0 }, x[LEFT];

	for (int64_t q = 0; q < n; q += LANES) {
#pragma GCC unroll 8
		for (int i = 0; i < LEFT; i++)
			x[i] = *(const TILE(vec) *)&a[i * lda + q];
#pragma GCC unroll 8
		for (int j = 0; j < RIGHT; j++) {
			TILE(vec) y = *(const TILE(vec) *)&b[off[j] + q];

#pragma GCC unroll 8
			for (int i = 0; i < LEFT; i++)
				sum[i][j] += x[i] * y;
		}
	}
	for (int i = 0; i < LEFT; i++)
		for (int j = 0; j < RIGHT; j++)
			c[i][j] = sum_of_lanes((const float *)&sum[i][j],
					       LANES);
}

static TILE_TARGET void TILE(dots)(int64_t n, const float *a, int64_t lda,
				   const float *b, const int64_t *off,
				   float c[DOT_ROWS][DOT_COLS])
{
	float part[DOT_ROWS][DOT_COLS];

	for (int i = 0; i < DOT_ROWS; i += LEFT)
		for (int j = 0; j < DOT_COLS; j += RIGHT) {
			TILE(dot_tile)(n, a + i * lda, lda, b, off + j, part);
			for (int r = 0; r < LEFT; r++)
				for (int s = 0; s < RIGHT; s++)
					c[i + r][j + s] = part[r][s];
		}
}

#undef TILE
#undef TILE_TARGET
#undef LANES
#undef ROWS
#undef VECS
#undef LEFT
#undef RIGHT
