// SPDX-License-Identifier: MIT
/*
 * values.c - elements of any type as numbers
 */
#include "tool.h"

/* X(id, C type) */
#define TYPES(X)							\
	X(F32, float) X(F64, double) X(I8, int8_t) X(U8, uint8_t)	\
	X(I16, int16_t) X(U16, uint16_t) X(I32, int32_t)		\
	X(U32, uint32_t) X(I64, int64_t) X(U64, uint64_t) X(BOOL, uint8_t)

static double number(const struct fxq_tensor *t, int64_t i)
{
	switch (t->dtype) {
#define X(id, type) case FXQ_DTYPE_##id: return ((const type *)t->data)[i];
	TYPES(X)
#undef X
	default: return 0;
	}
}

double element(const struct fxq_tensor *t, int64_t i)
{
	double v = number(t, i);

	return t->scale != 0 ? (v - t->zero_point) * (double)t->scale : v;
}

int64_t largest(const struct fxq_tensor *t, int64_t first, int64_t n)
{
	int64_t best = 0;

	for (int64_t i = 1; i < n; i++)
		if (element(t, first + i) > element(t, first + best))
			best = i;
	return best;
}

int64_t class_of(const struct fxq_tensor *t, int64_t row, int64_t rows)
{
	int64_t n = fxq_tensor_count(t) / (rows ? rows : 1);

	if (n == 1 && t->dtype != FXQ_DTYPE_F32)
		return element(t, row);
	return largest(t, row * n, n);
}
