/* SPDX-License-Identifier: MIT */
/*
 * kernel_call.h - calling an operator from a test in a few lines
 */
#ifndef KERNEL_CALL_H
#define KERNEL_CALL_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fxq/fx.h>

#include "nn/kernels/kernel.h"

#define KC_MAX	8

/* A call under construction; results and inputs made here go with kc_done(). */
struct kc {
	struct fxq_call call;
	struct fxq_tensor in[KC_MAX], out[3];
	struct fxq_attr attrs[KC_MAX];
	uint32_t n_out;
	int owned[KC_MAX];
};

#define DIMS(...)	\
	(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), \
	((const int64_t[]){ __VA_ARGS__ })

/* The same numbers in every run; between -1 and 1, none of them special. */
static inline float kc_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return (float)((int32_t)*state >> 8) * 0x1p-23f;
}

static inline void kc_init(struct kc *k, uint32_t n_out)
{
	memset(k, 0, sizeof(*k));
	k->n_out = n_out;
	k->call.in = k->in;
	k->call.out = k->out;
	k->call.attrs = k->attrs;
	k->call.n_out = n_out;
	k->call.threads = 1;
}

/* Adds a float32 input with random values; returns them. */
static inline float *kc_rand(struct kc *k, size_t rank, const int64_t *dims)
{
	struct fxq_tensor *t = &k->in[k->call.n_in];
	uint32_t state = 12345 + k->call.n_in;
	float *v;

	*t = fxq_tensor_type(FXQ_DTYPE_F32, (uint32_t)rank, dims);
	assert_int_equal(fxq_tensor_alloc(t), 0);
	k->owned[k->call.n_in++] = 1;
	v = t->data;
	for (int64_t i = 0; i < fxq_tensor_count(t); i++)
		v[i] = kc_random(&state);
	return v;
}

/* Adds an input over the caller's memory; NULL: an absent one. */
static inline void kc_in(struct kc *k, uint32_t dtype, const void *data,
			 size_t rank, const int64_t *dims)
{
	struct fxq_tensor *t = &k->in[k->call.n_in++];

	if (!data)
		return;
	*t = fxq_tensor_type(dtype, (uint32_t)rank, dims);
	t->data = (void *)data;
}

static inline void kc_none(struct kc *k)
{
	kc_in(k, FXQ_DTYPE_NONE, NULL, 0, NULL);
}

static inline void kc_int(struct kc *k, const char *name, int64_t v)
{
	k->attrs[k->call.n_attrs++] = (struct fxq_attr){
		.name = name, .type = FXQ_ATTR_INT, .count = 1, .i = v };
}

static inline void kc_float(struct kc *k, const char *name, double v)
{
	k->attrs[k->call.n_attrs++] = (struct fxq_attr){
		.name = name, .type = FXQ_ATTR_FLOAT, .count = 1, .f = v };
}

static inline void kc_str(struct kc *k, const char *name, const char *v)
{
	k->attrs[k->call.n_attrs++] = (struct fxq_attr){
		.name = name, .type = FXQ_ATTR_STRING, .count = 1, .s = v };
}

static inline void kc_ints(struct kc *k, const char *name, size_t n,
			   const int64_t *v)
{
	k->attrs[k->call.n_attrs++] = (struct fxq_attr){
		.name = name, .type = FXQ_ATTR_INTS, .count = (uint32_t)n,
		.ints = v };
}

static inline void kc_floats(struct kc *k, const char *name, size_t n,
			     const double *v)
{
	k->attrs[k->call.n_attrs++] = (struct fxq_attr){
		.name = name, .type = FXQ_ATTR_FLOATS, .count = (uint32_t)n,
		.floats = v };
}

/* Frees results, so that the same call can be made once more. */
static inline void kc_again(struct kc *k)
{
	for (uint32_t i = 0; i < k->n_out; i++)
		fxq_tensor_free(&k->out[i]);
	memset(k->out, 0, sizeof(k->out));
}

static inline void kc_done(struct kc *k)
{
	kc_again(k);
	for (uint32_t i = 0; i < k->call.n_in; i++)
		if (k->owned[i])
			fxq_tensor_free(&k->in[i]);
}

static inline int kc_run(struct kc *k, fxq_call_fn infer, fxq_call_fn eval)
{
	int ret = infer(&k->call);

	if (ret)
		return ret;
	for (uint32_t i = 0; i < k->n_out; i++)
		assert_int_equal(fxq_tensor_alloc(&k->out[i]), 0);
	return eval(&k->call);
}

#define KC_RUN(k, op)	kc_run(k, infer_##op, eval_##op)

static inline void kc_assert_dims(const struct fxq_tensor *t, size_t rank,
				  const int64_t *dims)
{
	assert_int_equal(t->rank, rank);
	for (size_t d = 0; d < rank; d++)
		assert_int_equal(t->dims[d], dims[d]);
}

/* Values that are exact: no tolerance. */
static inline void kc_assert_floats(const struct fxq_tensor *t, size_t n,
				    const float *want)
{
	const float *got = t->data;

	assert_int_equal(fxq_tensor_count(t), n);
	for (size_t i = 0; i < n; i++)
		if (!(isnan(got[i]) && isnan(want[i])) && got[i] != want[i])
			fail_msg("element %zu is %.9g, not %.9g", i, got[i],
				 want[i]);
}

#define FLOATS(...)	\
	(sizeof((float[]){ __VA_ARGS__ }) / sizeof(float)), \
	((const float[]){ __VA_ARGS__ })

#endif
