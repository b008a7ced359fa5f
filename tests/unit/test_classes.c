// SPDX-License-Identifier: MIT
/*
 * test_classes.c - each module class computes what torch's does
 *
 * tests/golden/nn has torch's answers (make.py says how), and the keys, types
 * and shapes of each class's state. A class answers the same eagerly, as the
 * graph that a trace of it is, and as operators; their bits are equal.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/trace.h>

#include "files/files.h"

static struct tensors golden;
static char *keys;		/* what classes.txt has, as we have it */
static size_t keys_size;
static FILE *keys_to;

static int print_key(const char *key, enum fx_member_kind kind,
		     struct fxq_tensor *t, void *ctx)
{
	fprintf(keys_to, "%s %s %s [", (const char *)ctx, key,
		fxq_dtype_name(t->dtype));
	for (uint32_t i = 0; i < t->rank; i++)
		fprintf(keys_to, "%s%d", i ? ", " : "", (int)t->dims[i]);
	fputs("]\n", keys_to);
	return 0;
}

/* The tensors of nested tuples, one after the other. */
static size_t flatten(fxv v, const struct fxq_tensor **to, size_t n)
{
	if (fx_data(v))
		to[n++] = fx_data(v);
	for (size_t i = 0; v.kind == FX_VALUE_TUPLE && i < fx_tuple_count(v); i++)
		n = flatten(fx_tuple_item(v, i), to, n);
	return n;
}

/* 1e-5 of the largest element: sums run in another order than torch's. */
static void assert_near(const char *name, size_t i, const struct fxq_tensor *t)
{
	const struct fxq_tensor *wanted;
	char key[64];
	float most = 1;

	snprintf(key, sizeof(key), "%s.%zu", name, i);
	wanted = tensors_find(&golden, key);
	assert_non_null(wanted);
	assert_int_equal(t->rank, wanted->rank);
	assert_memory_equal(t->dims, wanted->dims, t->rank * sizeof(*t->dims));
	for (int64_t k = 0; k < fxq_tensor_count(t); k++)
		most = fmaxf(most, fabsf(((float *)wanted->data)[k]));
	for (int64_t k = 0; k < fxq_tensor_count(t); k++) {
		float a = ((float *)t->data)[k], b = ((float *)wanted->data)[k];

		if (!(fabsf(a - b) <= 1e-5f * most))
			fail_msg("%s: element %d is %.9g and torch's %.9g", key,
				 (int)k, a, b);
	}
}

static void assert_same_bits(const struct fxq_tensor *a,
			     const struct fxq_tensor *b)
{
	assert_int_equal(a->rank, b->rank);
	assert_memory_equal(a->dims, b->dims, a->rank * sizeof(*a->dims));
	assert_memory_equal(a->data, b->data, fxq_tensor_bytes(a));
}

/* The class alone, in a model that calls it, and that model as operators. */
FX_MODULE(Model, attribute(times, 0))

FX_FORWARD(Model, x)
{
	struct fx_module *m = self->module.members[1].module;

	switch (fx_int(self->times)) {
	case 1:
		return fx_call(m, x);
	case 3:
		return fx_call(m, x, x, x);
	}
	/* need_weights is given by name, for what comes before it is not. */
	return fx_call(m, x, x, x, fx_default, fx_of_bool(false));
}

static void check(const char *name, struct fx_module *m, fxv x, int times)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	const struct fxq_tensor *eager[4], *traced[4];
	struct fx_module *model = Model(), *gm;
	struct fx_graph *g, *functional;
	struct fxq_tensor out[4];
	fxv y, z;
	size_t n;

	assert_false(m->error);
	fx_module_fill(m, 77);
	if (times != 4)
		fx_module_each_tensor(m, print_key, (void *)name);
	((struct Model *)model)->times = fx_of_int(times);
	fx_add_module(model, "m", m);
	fx_eval(model);
	y = fx_call(model, x);
	if (fx_error(y))
		fail_msg("%s: %s", name, fx_error(y));
	n = flatten(y, eager, 0);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++)
		assert_near(name, i, eager[i]);

	if (fx_trace(model, &tracer, &g))
		fail_msg("%s: %s", name, tracer.error);
	if (fx_functionalize(g, model, &functional))
		fail_msg("%s: %s", name, fx_graph_error(g));
	assert_int_equal(fx_graph_lint(functional), 0);
	if (fx_graph_run(functional, NULL, fx_data(x), 1, out, n))
		fail_msg("%s: %s", name, fx_graph_error(functional));
	gm = GraphModuleWithAttr(model, g);
	z = fx_call(gm, x);
	assert_int_equal(flatten(z, traced, 0), n);
	for (size_t i = 0; i < n; i++) {
		assert_same_bits(eager[i], traced[i]);
		assert_same_bits(eager[i], &out[i]);
		fxq_tensor_free(&out[i]);
	}
	fx_release(y);
	fx_release(z);
	fx_graph_free(functional);
	fx_module_put(gm);
	fx_module_put(model);
}

#define CASE(name, module, ...)				\
	do {						\
		fxv x_ = fx_gen(5, 1, __VA_ARGS__);	\
							\
		check(name, module, x_, 1);		\
		fx_release(x_);				\
	} while (0)

static void windows_and_norms(void **state)
{
	CASE("Conv1d", Conv1d(3, 4, 3, .stride = 2, .padding = 1), 2, 3, 9);
	CASE("Conv3d", Conv3d(2, 4, 3, .padding = 1, .groups = 2),
	     1, 2, 4, 3, 5);
	CASE("ConvTranspose1d", ConvTranspose1d(4, 2, 3, 2, 1, 1, 2), 2, 4, 5);
	CASE("ConvTranspose2d",
	     ConvTranspose2d(3, 4, .kernel_size_hw = { 3, 2 },
			     .stride_hw = { 2, 1 }, .padding_hw = { 1, 0 }),
	     1, 3, 4, 5);
	CASE("BatchNorm1d", BatchNorm1d(3), 2, 3, 5);
	CASE("BatchNorm3d", BatchNorm3d(2), 1, 2, 3, 2, 4);
	CASE("LayerNorm", LayerNorm(6), 2, 3, 6);
	CASE("LayerNorm2", LayerNorm(.normalized_shape_hw = { 3, 6 },
				     .eps = 1e-3), 2, 3, 6);
	CASE("GroupNorm", GroupNorm(2, 6), 2, 6, 3, 3);
}

static void activations_and_pools(void **state)
{
	CASE("LeakyReLU", LeakyReLU(0.2), 2, 9);
	CASE("PReLU", PReLU(), 2, 3, 4);
	CASE("PReLU3", PReLU(3), 2, 3, 4);
	CASE("GELU", GELU(), 2, 9);
	CASE("GELUtanh", GELU("tanh"), 2, 9);
	CASE("Hardsigmoid", Hardsigmoid(), 2, 9);
	CASE("Tanh", Tanh(), 2, 9);
	CASE("MaxPool1d", MaxPool1d(3, 2, 1), 2, 3, 9);
	CASE("AvgPool1d", AvgPool1d(3, 2, 1), 2, 3, 9);
	CASE("AdaptiveAvgPool1d", AdaptiveAvgPool1d(4), 2, 3, 9);
	CASE("AdaptiveAvgPool1d1", AdaptiveAvgPool1d(1), 2, 3, 9);
	CASE("Upsample", Upsample(.scale_factor = 2), 1, 2, 3, 4);
	CASE("UpsampleLinear", Upsample(.scale_factor = 1.5,
					.mode = "bilinear"), 1, 2, 4, 6);
	CASE("UpsampleCorners", Upsample(.size_hw = { 5, 7 },
					 .mode = "bilinear",
					 .align_corners = true), 1, 2, 3, 4);
	CASE("UpsampleCubic", Upsample(7, .mode = "bicubic"), 1, 2, 3, 4);
}

static void sequences(void **state)
{
	struct fxq_tensor t = { .dtype = FXQ_DTYPE_I64, .rank = 2,
				.dims = { 2, 2 },
				.data = (int64_t[]){ 4, 0, 2, 4 } };
	fxv x;

	CASE("LSTM", LSTM(3, 4), 5, 2, 3);
	CASE("LSTM2", LSTM(3, 4, 2, .batch_first = true,
			   .bidirectional = true), 2, 5, 3);
	CASE("LSTMplain", LSTM(3, 4, .bias = false), 5, 3);
	x = fx_gen(5, 1, 2, 3, 8);
	check("Attention", MultiheadAttention(8, 2, .batch_first = true), x, 3);
	check("Attention", MultiheadAttention(8, 2, .batch_first = true), x, 4);
	fx_release(x);
	x = fx_gen(5, 1, 3, 2, 8);
	check("AttentionSeq", MultiheadAttention(8, 2), x, 3);
	fx_release(x);
	x = fx_copy_of(&t);
	check("Embedding", Embedding(5, 3, 1), x, 1);
	fx_release(x);
}

static void refused(struct fx_module *m, const char *why)
{
	if (!m->error || !strstr(m->error, why))
		fail_msg("\"%s\" does not say \"%s\"",
			 m->error ? m->error : "", why);
	fx_module_put(m);
}

static void options_that_clash_are_refused(void **state)
{
	refused(LSTM(3, 4, 16), "num_layers is 1 to 15, of both directions to 7; here they are 3, 4 and 16");
	refused(LSTM(3, 4, 8, .bidirectional = true), "3, 4 and 8");
	refused(LSTM(0, 4), "0, 4 and 1");
	refused(MultiheadAttention(8, 3), "num_heads must divide embed_dim");
	refused(GroupNorm(4, 6), "num_groups must divide num_channels");
	refused(ConvTranspose2d(4, 6, 3, .groups = 4),
		"groups must divide in_channels and out_channels");
	refused(Conv1d(4, 6, 0), "kernel_size are at least 1");
	refused(Embedding(0, 3), "num_embeddings and embedding_dim");
	refused(Embedding(5, 3, 5), "padding_idx is none of num_embeddings");
	refused(LayerNorm(0), "normalized_shape is at least 1");
	refused(BatchNorm1d(0), "num_features is at least 1");
	refused(PReLU(0), "num_parameters is at least 1");
}

static void keys_are_torch_s(void **state)
{
	struct bytes wanted;

	fclose(keys_to);
	assert_int_equal(file_read(GOLDEN_NN "/classes.txt", &wanted), 0);
	wanted.data[wanted.size] = 0;
	assert_string_equal(keys, (char *)wanted.data);
	bytes_free(&wanted);
	free(keys);
}

static int open_golden(void **state)
{
	struct bytes file;

	keys_to = open_memstream(&keys, &keys_size);
	if (file_read(GOLDEN_NN "/classes.npz", &file))
		return -1;
	if (npz_parse("classes.npz", file.data, file.size, &golden))
		return -1;
	bytes_free(&file);
	return 0;
}

static int close_golden(void **state)
{
	tensors_free(&golden);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_and_norms),
		cmocka_unit_test(activations_and_pools),
		cmocka_unit_test(sequences),
		cmocka_unit_test(options_that_clash_are_refused),
		cmocka_unit_test(keys_are_torch_s),
	};

	return cmocka_run_group_tests(tests, open_golden, close_golden);
}
