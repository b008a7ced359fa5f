// SPDX-License-Identifier: MIT
/*
 * Transposing, four by four: the inner loops of gemm want the outputs side by
 * side, where a linear layer's weights have the inputs so, and permutations want
 * anything of four bytes. So elements are copied, never looked at.
 */
#include <string.h>

#include "transpose.h"

typedef float quad __attribute__((vector_size(16)));

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

/* Elements of two, taken in turns: of their first halves, or of their second. */
#define LOW(a, b)	__builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH(a, b)	__builtin_shufflevector(a, b, 2, 6, 3, 7)

static inline void transpose_quads(float *to, int64_t to_pitch,
				   const float *from, int64_t from_pitch)
{
	quad r0 = load(from), r1 = load(from + from_pitch);
	quad r2 = load(from + 2 * from_pitch), r3 = load(from + 3 * from_pitch);
	quad a = LOW(r0, r2);
	quad b = LOW(r1, r3);
	quad c = HIGH(r0, r2);
	quad d = HIGH(r1, r3);

	store(to, LOW(a, b));
	store(to + to_pitch, HIGH(a, b));
	store(to + 2 * to_pitch, LOW(c, d));
	store(to + 3 * to_pitch, HIGH(c, d));
}

static void transpose_one(float *to, int64_t to_pitch, const float *from,
			  int64_t from_pitch, int64_t rows, int64_t cols)
{
	for (int64_t c = 0; c < cols; c++)
		for (int64_t r = 0; r < rows; r++)
			memcpy(&to[c * to_pitch + r], &from[r * from_pitch + c],
			       sizeof(*to));
}

void kern_transpose(float *to, int64_t to_pitch, const float *from,
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
