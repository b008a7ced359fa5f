// SPDX-License-Identifier: MIT
/*
 * tensor.c - making tensors, and the numbers that fill them
 *
 * Initial weights, fx_rand() and dropout draw from one generator a thread, so
 * that a program which sets its seed is the same program on every machine. The
 * generator of fx_gen() is another: tests share it with torch.
 */
#include <errno.h>
#include <string.h>

#include "nn_priv.h"

static _Thread_local uint64_t random_state = 1;

void fx_manual_seed(uint64_t seed)
{
	random_state = seed * 0x9e3779b97f4a7c15u + 1;
}

/* The best 32 bits of the state. */
uint32_t random_bits(void)
{
	random_state = random_state * 0x5851f42d4c957f2du + 0x14057b7ef767814fu;
	return random_state >> 32;
}

/* 24 bits, which a float holds exactly. */
float random_uniform(void)
{
	return (float)(random_bits() >> 8) * 0x1p-24f;
}

/* The sum of twelve has the deviation 1, and so it is on every machine. */
float random_normal(void)
{
	float sum = -6.0f;

	for (int i = 0; i < 12; i++)
		sum += random_uniform();
	return sum;
}

void random_fill(struct fxq_tensor *t, float bound)
{
	int64_t n = t->data ? fxq_tensor_count(t) : 0;
	float *data = t->data;

	for (int64_t i = 0; i < n; i++)
		data[i] = (random_uniform() * 2.0f - 1.0f) * bound;
}

void gen_fill(struct fxq_tensor *t, uint32_t seed, float scale)
{
	int64_t n = fxq_tensor_count(t);
	float *data = t->data;

	for (int64_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		data[i] = (float)((int)(seed >> 16 & 0xff) - 128) / 64 * scale;
	}
}

static int alloc_tensor(struct fxq_tensor *t)
{
	t->data = NULL;
	if (context.blank)
		return fxq_tensor_bytes(t) == SIZE_MAX ? -EOVERFLOW : 0;
	return fxq_tensor_alloc(t);
}

/* A zeroed tensor of @dims, which end with a negative one. */
static fxv tensor_of(uint32_t dtype, const int64_t *dims)
{
	struct fxq_tensor t = { .dtype = dtype };
	int ret;

	for (; dims[t.rank] >= 0; t.rank++) {
		if (t.rank == FXQ_MAX_RANK)
			return fx_poison(NULL, -EINVAL,
					 "a tensor has at most %d dimensions",
					 FXQ_MAX_RANK);
		t.dims[t.rank] = dims[t.rank];
	}

	ret = alloc_tensor(&t);
	if (ret)
		return fx_poison(NULL, ret, "no memory for a tensor: %s",
				 strerror(-ret));
	return tensor_value(&t);
}

fxv fx_full_of(float value, const int64_t *dims)
{
	fxv v = tensor_of(FXQ_DTYPE_F32, dims);

	if (v.kind != FX_VALUE_TENSOR || !v.tensor->t.data)
		return v;
	for (int64_t i = 0; i < fxq_tensor_count(&v.tensor->t); i++)
		((float *)v.tensor->t.data)[i] = value;
	return v;
}

fxv fx_tensor_of(const float *elements, size_t n)
{
	struct fxq_tensor t = { .dtype = FXQ_DTYPE_F32, .rank = 1, .dims = { n },
				.data = (void *)elements };

	return fx_copy_of(&t);
}

fxv fx_rand_of(const int64_t *dims)
{
	fxv v = tensor_of(FXQ_DTYPE_F32, dims);

	if (v.kind != FX_VALUE_TENSOR || !v.tensor->t.data)
		return v;
	for (int64_t i = 0; i < fxq_tensor_count(&v.tensor->t); i++)
		((float *)v.tensor->t.data)[i] = random_uniform();
	return v;
}

fxv fx_gen_of(uint32_t seed, float scale, const int64_t *dims)
{
	fxv v = tensor_of(FXQ_DTYPE_F32, dims);

	if (v.kind == FX_VALUE_TENSOR)
		gen_fill(&v.tensor->t, seed, scale);
	return v;
}

fxv fx_copy_of(const struct fxq_tensor *t)
{
	struct fxq_tensor copy = *t;
	int ret;

	ret = t->data ? fxq_tensor_alloc(&copy) : alloc_tensor(&copy);
	if (ret)
		return fx_poison(NULL, ret, "no memory for a tensor: %s",
				 strerror(-ret));
	if (t->data)
		memcpy(copy.data, t->data, fxq_tensor_bytes(t));
	return tensor_value(&copy);
}
