/* SPDX-License-Identifier: MIT */
/*
 * golden_quant.h - the networks that torch quantized, and what it found
 *
 * tests/golden/quant holds ten small networks, each run through torch's own
 * prepare_fx and convert_fx under two or four configurations: scales, weights
 * and every quantized value. The networks stand here as rows of steps, from
 * which tests build integer and float graphs.
 */
#ifndef GOLDEN_QUANT_H
#define GOLDEN_QUANT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include <fxq/compile.h>

#include "io/io.h"

#define MAX_STEPS	6

enum step_kind {
	STEP_CONV, STEP_LINEAR, STEP_ADD, STEP_CONCAT, STEP_MAX_POOL,
	STEP_MEAN, STEP_FLATTEN, STEP_SIGMOID, STEP_TIMES_ONE,
};

/*
 * struct step - what becomes one quantized value
 * @value: torch's name of it in the qnnpack runs; the reference runs number
 *	   theirs
 * @in: the values it takes: 0 is the network's input, k + 1 that of step k
 * @layer, @bn: the modules whose parameters it has; @bn NULL: none
 */
struct step {
	enum step_kind kind;
	const char *value;
	int in[2];
	const char *layer, *bn;
	int stride, pad, groups;
	bool relu, no_bias;
};

struct golden_net {
	const char *name;
	uint32_t rank;
	int64_t dims[4];
	struct step steps[MAX_STEPS];
};

static const struct golden_net golden_nets[] = {
	{ "lin", 2, { 4, 8 }, {
		{ STEP_LINEAR, "fc", { 0 }, "fc" } } },
	{ "conv", 4, { 1, 3, 6, 6 }, {
		{ STEP_CONV, "conv", { 0 }, "conv", NULL, 1, 1, 1 } } },
	{ "conv_s2_nobias", 4, { 1, 3, 7, 7 }, {
		{ STEP_CONV, "conv", { 0 }, "conv", NULL, 2, 1, 1,
		  .no_bias = true } } },
	{ "conv_bn_relu", 4, { 2, 3, 6, 6 }, {
		{ STEP_CONV, "conv", { 0 }, "conv", "bn", 1, 1, 1, true } } },
	{ "depthwise", 4, { 1, 8, 6, 6 }, {
		{ STEP_CONV, "dw", { 0 }, "dw", NULL, 1, 1, 8, true },
		{ STEP_CONV, "pw", { 1 }, "pw", NULL, 1, 0, 1 } } },
	{ "residual", 4, { 1, 4, 6, 6 }, {
		{ STEP_CONV, "c1", { 0 }, "c1", "b1", 1, 1, 1, true },
		{ STEP_CONV, "c2", { 1 }, "c2", "b2", 1, 1, 1 },
		{ STEP_ADD, "add_relu", { 2, 0 }, .relu = true } } },
	{ "concat", 4, { 1, 3, 4, 4 }, {
		{ STEP_CONV, "a", { 0 }, "a", NULL, 1, 0, 1 },
		{ STEP_CONV, "b", { 0 }, "b", NULL, 1, 0, 1 },
		{ STEP_CONCAT, "cat", { 1, 2 } } } },
	{ "pool_fc", 4, { 1, 3, 8, 8 }, {
		{ STEP_CONV, "c", { 0 }, "c", NULL, 1, 1, 1, true },
		{ STEP_MAX_POOL, "mp", { 1 } },
		{ STEP_MEAN, "ap", { 2 } },
		{ STEP_FLATTEN, "flatten", { 3 } },
		{ STEP_LINEAR, "fc", { 4 }, "fc" } } },
	{ "tiny", 4, { 1, 3, 16, 16 }, {
		{ STEP_CONV, "f_0_0", { 0 }, "f.0.0", "f.0.1", 2, 1, 1, true,
		  true },
		{ STEP_CONV, "f_1_0", { 1 }, "f.1.0", "f.1.1", 1, 1, 8, true,
		  true },
		{ STEP_CONV, "f_2", { 2 }, "f.2", "f.3", 1, 0, 1 },
		{ STEP_MEAN, "adaptive_avg_pool2d", { 3 } },
		{ STEP_FLATTEN, "quantize_per_tensor_5", { 4 } },
		{ STEP_LINEAR, "fc", { 5 }, "fc" } } },
	{ "sigmoid", 4, { 1, 3, 4, 4 }, {
		{ STEP_CONV, "c", { 0 }, "c", NULL, 1, 0, 1 },
		{ STEP_SIGMOID, "sigmoid", { 1 } },
		{ STEP_TIMES_ONE, "mul_1", { 2 } } } },
};

#define GOLDEN_NETS	(sizeof(golden_nets) / sizeof(*golden_nets))

static int golden_steps(const struct golden_net *net)
{
	int n = 0;

	while (n < MAX_STEPS && net->steps[n].value)
		n++;
	return n;
}

/* One network under one configuration. */
struct golden {
	const struct golden_net *net;
	json_t *json;
	struct tensors npz;
	bool reference;		/* float operators between quantizations */
};

struct golden_qparams {
	float scale;
	int zero_point;		/* of int8 values */
	bool is_signed;
};

static void golden_npz(const char *name, struct tensors *ret)
{
	char path[512];
	struct bytes file;

	snprintf(path, sizeof(path), "%s/%s.npz", GOLDEN_QUANT, name);
	if (file_read(path, &file) ||
	    npz_parse(path, file.data, file.size, ret))
		fail_msg("%s", io_error());
	bytes_free(&file);
}

static struct golden golden_load(const struct golden_net *net,
				 const char *config)
{
	struct golden g = { .net = net,
			    .reference = strstr(config, "ref") != NULL };
	char name[128], path[512];

	snprintf(name, sizeof(name), "%s__%s", net->name, config);
	snprintf(path, sizeof(path), "%s/%s.json", GOLDEN_QUANT, name);
	g.json = json_load_file(path, 0, NULL);
	assert_non_null(g.json);
	golden_npz(name, &g.npz);
	return g;
}

static void golden_free(struct golden *g)
{
	json_decref(g->json);
	tensors_free(&g->npz);
}

/* Torch's name of value @i: 0 is the quantized input, k + 1 that of step k. */
static void golden_value_name(const struct golden *g, int i, char name[64])
{
	if (g->reference && i)
		snprintf(name, 64, "quantize_per_tensor_%d", i);
	else
		snprintf(name, 64, "%s", i ? g->net->steps[i - 1].value :
			 "quantize_per_tensor");
}

static struct golden_qparams golden_qparams(const struct golden *g, int i)
{
	struct golden_qparams q;
	char name[64];
	json_t *v;

	golden_value_name(g, i, name);
	v = json_object_get(json_object_get(g->json, "values"), name);
	assert_non_null(v);
	q.scale = (float)json_number_value(json_object_get(v, "scale"));
	q.is_signed = !strcmp(json_string_value(json_object_get(v, "dtype")),
			      "torch.qint8");
	q.zero_point = (int)json_integer_value(json_object_get(v, "zero_point"));
	q.zero_point -= q.is_signed ? 0 : 128;
	return q;
}

/* int_repr of value @i as int8: unsigned ones are moved by 128. */
static inline const struct fxq_tensor *
golden_value(const struct golden *g, int i, int8_t *q)
{
	const struct fxq_tensor *t;
	char name[64], array[72];

	golden_value_name(g, i, name);
	snprintf(array, sizeof(array), "q__%s", name);
	t = tensors_find(&g->npz, array);
	assert_non_null(t);
	assert_true(t->dtype == FXQ_DTYPE_U8 || t->dtype == FXQ_DTYPE_I8);
	for (int64_t k = 0; k < fxq_tensor_count(t); k++)
		q[k] = (int8_t)(((uint8_t *)t->data)[k] ^
				(t->dtype == FXQ_DTYPE_U8 ? 0x80 : 0));
	return t;
}

/* "@what__@layer", or as torch calls a layer that it fused in a sequence. */
static const struct fxq_tensor *golden_param(const struct golden *g,
					     const char *what,
					     const char *layer)
{
	const struct fxq_tensor *t;
	char array[96];

	snprintf(array, sizeof(array), "%s__%s", what, layer);
	t = tensors_find(&g->npz, array);
	if (t)
		return t;
	snprintf(array, sizeof(array), "%s__%s.0", what, layer);
	return tensors_find(&g->npz, array);
}

/* The scale of the weights of output channel @c. */
static float golden_weight_scale(const struct golden *g, const char *layer,
				 int64_t c)
{
	json_t *layers = json_object_get(g->json, "layers"), *l, *s;
	char name[64];

	snprintf(name, sizeof(name), "%s.0", layer);
	l = json_object_get(layers, layer);
	s = json_object_get(l ? l : json_object_get(layers, name), "w_scale");
	assert_non_null(s);
	if (json_array_size(s) == 1)
		c = 0;
	return (float)json_number_value(json_array_get(s, (size_t)c));
}

#endif /* GOLDEN_QUANT_H */
