/* SPDX-License-Identifier: MIT */
/*
 * quant_kit.h - small float graphs, and what becomes of them on integers
 */
#ifndef TEST_QUANT_KIT_H
#define TEST_QUANT_KIT_H

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "quant/quant_priv.h"
#include "quant/reference.h"

/* The generator behind the goldens: s * 1664525 + 1013904223. */
static inline void gen(float *x, size_t n, uint32_t seed, float scale)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		x[i] = ((float)((seed >> 16) & 0xff) - 128) / 64 * scale;
	}
}

static inline struct fx_node *constant(struct fx_graph *g, const char *name,
				       uint32_t rank, const int64_t *dims,
				       const float *v)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, rank, dims);

	t.data = (void *)v;
	return fx_graph_constant(g, name, &t);
}

static inline struct fx_node *input(struct fx_graph *g, int64_t c, int64_t h)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, 4,
					      (int64_t[]){ 1, c, h, h });

	return fx_graph_placeholder(g, "x", &t);
}

static inline int count(struct fx_graph *g, const char *op)
{
	int n = 0;

	fx_for_each_node(node, g)
		n += fx_node_is(node, op);
	return n;
}

static inline void run(struct fx_graph *g, const struct fxq_tensor *x,
		       struct fxq_tensor *y)
{
	struct fx_run options = { .threads = 1 };

	assert_int_equal(fx_graph_run(g, &options, x, 1, y, 1), 0);
}

/* Fuses, calibrates on one batch and converts @g of the inputs @x. */
static inline struct fx_graph *converted_as(struct fx_graph *g,
					    const struct fxq_tensor *x,
					    size_t n,
					    const struct fx_qconfig *config)
{
	struct fx_calibration *cal;
	struct fx_graph *q;

	assert_int_equal(fx_graph_infer(g), 0);
	assert_int_equal(fx_fuse(g), 0);
	assert_int_equal(fx_calibration_begin(g, config, &cal), 0);
	assert_int_equal(fx_calibration_feed(cal, x, n, 1), 0);
	if (fx_convert(g, cal, config, &q))
		fail_msg("'%s'", fx_graph_error(g));
	fx_calibration_free(cal);
	return q;
}

static inline struct fx_graph *converted(struct fx_graph *g,
					 const struct fxq_tensor *x)
{
	return converted_as(g, x, 1, &(const struct fx_qconfig){ 0 });
}

static inline struct fx_node *scalar_of(struct fx_graph *g, const char *name,
					uint32_t dtype, const void *value)
{
	struct fxq_tensor t = fxq_tensor_type(dtype, 0, NULL);

	t.data = (void *)value;
	return fx_graph_constant(g, name, &t);
}

/* @x rounded to uint8 of scale @s about @z, and read with scale @as. */
static inline struct fx_node *rounded(struct fx_graph *g, struct fx_node *x,
				      float s, uint8_t z, float as)
{
	struct fx_node *in[3] = { x };

	in[1] = scalar_of(g, "s", FXQ_DTYPE_F32, &s);
	in[2] = scalar_of(g, "z", FXQ_DTYPE_U8, &z);
	in[0] = fx_graph_call(g, "quantize_linear", in, 3, NULL, 0);
	in[1] = scalar_of(g, "as", FXQ_DTYPE_F32, &as);
	return fx_graph_call(g, "dequantize_linear", in, 3, NULL, 0);
}

#endif /* TEST_QUANT_KIT_H */
