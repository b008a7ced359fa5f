// SPDX-License-Identifier: MIT
/*
 * Transposing, four by four: the inner loops of gemm want the outputs side by
 * side, where a linear layer's weights have the inputs so.
 */
#include <string.h>

#include "transpose.h"

typedef float quad __attribute__((vector_size(16)));
typedef int32_t quad_index __attribute__((vector_size(16)));

static inline quad load(const float *from)
{
	quad q;

	memcpy(&q, from, sizeof(q));
	return q;
}

static inline void store(float *to, quad q)
{
	memcpy(to, &q, sizeof(q));
}

static inline void transpose_quads(float *to, int64_t to_pitch,
				   const float *from, int64_t from_pitch)
{
	const quad_index low = { 0, 4, 1, 5 }, high = { 2, 6, 3, 7 };
	quad r0 = load(from), r1 = load(from + from_pitch);
	quad r2 = load(from + 2 * from_pitch), r3 = load(from + 3 * from_pitch);
	quad a = __builtin_shuffle(r0, r2, low);
	quad b = __builtin_shuffle(r1, r3, low);
	quad c = __builtin_shuffle(r0, r2, high);
	quad d = __builtin_shuffle(r1, r3, high);

	store(to, __builtin_shuffle(a, b, low));
	store(to + to_pitch, __builtin_shuffle(a, b, high));
	store(to + 2 * to_pitch, __builtin_shuffle(c, d, low));
	store(to + 3 * to_pitch, __builtin_shuffle(c, d, high));
}

static void transpose_one(float *to, int64_t to_pitch, const float *from,
			  int64_t from_pitch, int64_t rows, int64_t cols)
{
	for (int64_t r = 0; r < rows; r++)
		for (int64_t c = 0; c < cols; c++)
			to[c * to_pitch + r] = from[r * from_pitch + c];
}

void transpose(float *to, int64_t to_pitch, const float *from,
	       int64_t from_pitch, int64_t rows, int64_t cols)
{
	int64_t whole = rows & ~3, c = 0;

	/* Sixteen columns at a time use each line of @from up. */
	for (; c + 16 <= cols; c += 16)
		for (int64_t r = 0; r < whole; r += 4)
			for (int64_t i = c; i < c + 16; i += 4)
				transpose_quads(to + i * to_pitch + r, to_pitch,
						from + r * from_pitch + i,
						from_pitch);
	transpose_one(to + c * to_pitch, to_pitch, from + c, from_pitch, whole,
		      cols - c);
	transpose_one(to + whole, to_pitch, from + whole * from_pitch,
		      from_pitch, rows - whole, cols);
}
