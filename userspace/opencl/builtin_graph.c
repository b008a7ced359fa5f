// SPDX-License-Identifier: MIT
/*
 * builtin_graph.c - built-in kernels as networks of one integer operator
 *
 * They say what the compiler says of a layer that it has quantized, with scales
 * of 1 where the kernel knows of none. A fixed-point factor of the kernels,
 * scale * 2^(shift - 31), is rounded once to the fp32 that the machine has.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/compile.h>

#include "program.h"

/* Parameters of the operator being made. */
struct params {
	struct fx_kwarg v[12];
	size_t n;
};

static void set(struct params *p, const char *name, struct fx_arg value)
{
	p->v[p->n++] = (struct fx_kwarg){ name, value };
}

static void set_pair(struct fx_graph *g, struct params *p, const char *name,
		     int64_t y, int64_t x)
{
	set(p, name, fx_arg_ints(g, (int64_t[]){ y, x }, 2));
}

/* The result's type: scale 1, @zero_point, nothing below @lo. */
static void set_result(struct params *p, int zero_point, int lo)
{
	set(p, "scale", fx_arg_float(1));
	set(p, "zero_point", fx_arg_int(zero_point));
	set(p, "lo", fx_arg_int(lo));
	set(p, "hi", fx_arg_int(127));
}

static struct fx_node *input(struct fx_graph *g, const char *name,
			     int zero_point, uint32_t rank,
			     const int64_t *dims)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_I8, rank, dims);

	t.scale = 1;
	t.zero_point = zero_point;
	return fx_graph_placeholder(g, name, &t);
}

static struct fx_node *constant(struct fx_graph *g, uint32_t dtype,
				uint32_t rank, const int64_t *dims,
				const void *data)
{
	struct fxq_tensor t = fxq_tensor_type(dtype, rank, dims);

	t.data = (void *)data;
	return fx_graph_constant(g, "constant", &t);
}

static int finish(struct fx_graph *g, const char *op,
		  struct fx_node *const *in, size_t n_in,
		  const struct params *p)
{
	struct fx_node *y = fx_graph_call(g, op, in, n_in, p->v, p->n);

	fx_graph_set_output(g, &y, 1);
	return fx_graph_infer(g);
}

int graph_of_copy(const struct launch *l, struct fx_graph *g)
{
	struct fx_node *in[2] = {
		input(g, "input", 0, 1, (int64_t[]){ l->count[0] }),
	};
	struct params p = { .n = 0 };
	int8_t table[256];

	for (int i = 0; i < 256; i++)
		table[i] = i - 128;
	in[1] = constant(g, FXQ_DTYPE_I8, 1, (int64_t[]){ 256 }, table);
	set_result(&p, 0, -128);
	return finish(g, "qlut", in, 2, &p);
}

static int graph_of_two(const struct launch *l, struct fx_graph *g,
			const char *op, struct params *p)
{
	const int64_t n = l->count[0];
	struct fx_node *in[2] = {
		input(g, "input1", 0, 1, &n), input(g, "input2", 0, 1, &n),
	};

	set_result(p, 0, -128);
	return finish(g, op, in, 2, p);
}

int graph_of_add(const struct launch *l, struct fx_graph *g)
{
	struct params p = { .n = 0 };

	set(&p, "m_a", fx_arg_float(1));
	set(&p, "m_b", fx_arg_float(1));
	return graph_of_two(l, g, "qadd", &p);
}

int graph_of_mul(const struct launch *l, struct fx_graph *g)
{
	struct params p = { .n = 0 };

	set(&p, "m", fx_arg_float(1));
	return graph_of_two(l, g, "qmul", &p);
}

static void set_windows(struct fx_graph *g, struct params *p, uint32_t stride_x,
			uint32_t stride_y)
{
	set_pair(g, p, "stride", stride_y, stride_x);
	set(p, "padding", fx_arg_ints(g, (int64_t[]){ 0, 0, 0, 0 }, 4));
	set_pair(g, p, "dilation", 1, 1);
}

/* The image that all windows of @l cover. */
static struct fx_node *image(const struct launch *l, struct fx_graph *g,
			     int zero_point, int64_t channels,
			     const struct value *window,
			     const struct value *stride)
{
	return input(g, "input", zero_point, 4, (int64_t[]){ 1, channels,
		(l->count[1] - 1) * stride[1].number + window[1].number,
		(l->count[0] - 1) * stride[0].number + window[0].number });
}

int graph_of_maxpool(const struct launch *l, struct fx_graph *g)
{
	const struct value *v = l->values;
	struct fx_node *in = image(l, g, 0, l->count[2], v + 2, v + 4);
	struct params p = { .n = 0 };

	set_pair(g, &p, "kernel_size", v[3].number, v[2].number);
	set_windows(g, &p, v[4].number, v[5].number);
	set_result(&p, 0, -128);
	return finish(g, "qmax_pool2d", &in, 1, &p);
}

/* A shift may be any number: 31 is not taken from it. */
static float factor(int32_t scale, int32_t shift)
{
	return (float)ldexp(ldexp(scale, -31), shift);
}

/* The @i-th in memory that may begin anywhere. */
static int32_t word(const uint8_t *words, int64_t i)
{
	int32_t word;

	memcpy(&word, words + i * sizeof(word), sizeof(word));
	return word;
}

/* Bias and factors of @n channels; @step 0: one factor for all. */
static int set_channels(struct fx_graph *g, struct fx_node **in, int64_t n,
			const void *bias, const void *scale,
			const void *shift, int step)
{
	float *m = calloc(n, sizeof(*m));

	if (!m)
		return -ENOMEM;
	for (int64_t i = 0; i < n; i++)
		m[i] = factor(word(scale, i * step), word(shift, i * step));
	in[2] = constant(g, FXQ_DTYPE_I32, 1, &n, bias);
	in[3] = constant(g, FXQ_DTYPE_F32, 1, &n, m);
	free(m);
	return 0;
}

int graph_of_conv(const struct launch *l, struct fx_graph *g)
{
	const struct value *v = l->values;
	const int8_t *zero_point = (const int8_t *)l->mems[6]->data;
	const int64_t channels = l->count[2], depth = v[11].number;
	struct fx_node *in[4];
	struct params p = { .n = 0 };

	in[0] = image(l, g, zero_point[0], depth, v + 7, v + 9);
	in[1] = constant(g, FXQ_DTYPE_I8, 4, (int64_t[]){ channels, depth,
			 v[8].number, v[7].number }, l->mems[1]->data);
	if (set_channels(g, in, channels, l->mems[3]->data,
			 l->mems[4]->data, l->mems[5]->data, 1))
		return -ENOMEM;
	set_windows(g, &p, v[9].number, v[10].number);
	set(&p, "groups", fx_arg_int(1));
	set_result(&p, zero_point[1], zero_point[1]);
	return finish(g, "qconv2d", in, 4, &p);
}

int graph_of_dense(const struct launch *l, struct fx_graph *g)
{
	const struct value *v = l->values;
	const int64_t n = l->count[0], k = v[8].number;
	const int32_t scale = v[4].number, shift = v[5].number;
	const int zero_point = -(int32_t)v[7].number;
	struct fx_node *in[4];
	struct params p = { .n = 0 };

	in[0] = input(g, "input", (int32_t)v[6].number, 2,
		      (int64_t[]){ l->count[1], k });
	in[1] = constant(g, FXQ_DTYPE_I8, 2, (int64_t[]){ n, k },
			 l->mems[1]->data);
	if (set_channels(g, in, n, l->mems[3]->data, &scale, &shift, 0))
		return -ENOMEM;
	set_result(&p, zero_point, zero_point);
	return finish(g, "qlinear", in, 4, &p);
}
