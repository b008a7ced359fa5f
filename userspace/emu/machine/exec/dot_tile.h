/* SPDX-License-Identifier: MIT */
/*
 * dot_tile.h - the body of dot.c, once for each width of vectors
 *
 * Defines DOT_NAME, a fxq_dot_fn, from DOT_LANES (floats in a vector),
 * DOT_ROWS (pixels whose sums are held in registers) and DOT_TARGET (the
 * function attribute of the instruction set), and forgets them again.
 */
#define DOT_PASTE(a, b)		a##_##b
#define DOT_EXPAND(a, b)	DOT_PASTE(a, b)
#define DOT(name)		DOT_EXPAND(DOT_NAME, name)

typedef float DOT(vf) __attribute__((vector_size(4 * DOT_LANES)));
typedef int32_t DOT(vi) __attribute__((vector_size(4 * DOT_LANES)));
typedef uint32_t DOT(vu) __attribute__((vector_size(4 * DOT_LANES), aligned(4),
					may_alias));

/* The highest byte of each lane, a weight of its output. */
static inline __attribute__((always_inline)) DOT_TARGET
DOT(vf) DOT(top)(DOT(vu) four)
{
	return __builtin_convertvector((DOT(vi))four >> 24, DOT(vf));
}

/* Two vectors of outputs of @rows pixels over @quads quads of k. */
static inline __attribute__((always_inline)) DOT_TARGET
void DOT(part)(uint32_t *acc, const float *x, const int8_t *w, uint32_t quads,
	       const int rows)
{
	DOT(vf) sum[8][2] = {};
	uint32_t q;
	int v, j, p;

	for (q = 0; q < quads; q++, w += FXQ_QUAD, x += 4) {
		DOT(vu) w0 = *(const DOT(vu) *)w;
		DOT(vu) w1 = *(const DOT(vu) *)(w + 4 * DOT_LANES);

		/* Unrolled, the compiler loads ahead and runs out of registers. */
#pragma GCC unroll 1
		for (j = 3; j >= 0; j--, w0 <<= 8, w1 <<= 8) {
			DOT(vf) f0 = DOT(top)(w0), f1 = DOT(top)(w1);

			for (p = 0; p < rows; p++) {
				sum[p][0] += f0 * x[p * FXQ_PANEL_K + j];
				sum[p][1] += f1 * x[p * FXQ_PANEL_K + j];
			}
		}
	}
	for (p = 0; p < rows; p++) {
		for (v = 0; v < 2; v++) {
			DOT(vu) *to = (DOT(vu) *)(acc + p * FXQ_BLOCK +
						  v * DOT_LANES);

			*to += (DOT(vu))__builtin_convertvector(sum[p][v],
								DOT(vi));
		}
	}
}

/* Whole vectors: a row of a panel may be read, and @x written, beyond @k. */
static inline DOT_TARGET
void DOT(widen)(float *restrict x, const uint8_t *restrict panel, uint32_t k)
{
	uint32_t end = fxq_round_up(k, 32);
	int i;

	for (; end; end -= 32, x += 32, panel += 32)
#pragma GCC unroll 1
		for (i = 0; i < 32; i++)
			x[i] = panel[i];
}

static DOT_TARGET
void DOT_NAME(fxq_tile *acc, const uint8_t *panel, uint32_t pixels, uint32_t k,
	      const int8_t *weights, size_t block_bytes, uint32_t blocks)
{
	float x[FXQ_TILE * FXQ_PANEL_K] __attribute__((aligned(64)));
	uint32_t b, p, lane;

	for (p = 0; p < pixels; p++)
		DOT(widen)(x + p * FXQ_PANEL_K, panel + p * FXQ_PANEL_STRIDE,
			   k);
	for (; p % DOT_ROWS && pixels > 1; p++)
		memset(x + p * FXQ_PANEL_K, 0, k * sizeof(*x));

	for (b = 0; b < blocks; b++, weights += block_bytes) {
		for (lane = 0; lane < FXQ_BLOCK; lane += 2 * DOT_LANES) {
			const int8_t *w = weights + 4 * lane;

			if (pixels == 1) {
				DOT(part)(&acc[b][0][lane], x, w, k / 4, 1);
				continue;
			}
			for (p = 0; p < pixels; p += DOT_ROWS)
				DOT(part)(&acc[b][p][lane],
					  x + p * FXQ_PANEL_K, w, k / 4,
					  DOT_ROWS);
		}
	}
}

#undef DOT
#undef DOT_EXPAND
#undef DOT_PASTE
#undef DOT_NAME
#undef DOT_LANES
#undef DOT_ROWS
#undef DOT_TARGET
