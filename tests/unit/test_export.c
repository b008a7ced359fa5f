// SPDX-License-Identifier: MIT
/*
 * test_export.c - quantized networks as ONNX
 *
 * What is written must come back as what it was, to the bytes of the image. How
 * each operator is written is for ONNX's conformance cases, which run once more
 * on models that were written and read (tests/onnx).
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fxq/compile.h>
#include <fxq/image.h>
#include <fxq/onnx.h>

struct bytes {
	void *data;
	size_t size;
};

/* Numbers that look like nothing, and are the same each time. */
static void fill(float *x, int64_t n, uint32_t seed)
{
	for (int64_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		x[i] = ((float)(seed >> 16 & 0xff) - 128) / 64;
	}
}

static struct fx_calibration *calibrated(struct fx_graph *g,
					 const struct fx_qconfig *config)
{
	struct fx_calibration *cal;
	struct fxq_tensor x = { 0 };

	assert_int_equal(fx_fuse(g), 0);
	fx_for_each_node(n, g)
		if (n->opcode == FX_PLACEHOLDER)
			x = n->out[0];
	x.data = NULL;
	assert_int_equal(fxq_tensor_alloc(&x), 0);
	fill(x.data, fxq_tensor_count(&x), 1);
	assert_int_equal(fx_calibration_begin(g, config, &cal), 0);
	assert_int_equal(fx_calibration_feed(cal, &x, 1, 1), 0);
	fxq_tensor_free(&x);
	return cal;
}

/* The image of @g, which has a calibration or brings its scales. */
static struct bytes image_of(struct fx_graph *g, struct fx_calibration *cal,
			     const struct fx_qconfig *config)
{
	const struct fxq_caps caps = FXQ_CAPS_DEFAULT;
	const struct fx_lower_options options = { .name = "net" };
	struct fxq_writer *w;
	struct fx_graph *q;
	struct bytes b;

	assert_int_equal(fx_convert(g, cal, config, &q), 0);
	assert_int_equal(fx_partition(q, &caps), 0);
	assert_int_equal(fx_lower(q, &options, &w), 0);
	assert_int_equal(fxq_writer_finish_memory(w, &b.data, &b.size), 0);
	fxq_writer_free(w);
	fx_graph_free(q);
	return b;
}

static struct fx_graph *read_back(const struct bytes *model)
{
	struct fx_graph *g;
	char error[512];

	if (fx_import_onnx_memory(model->data, model->size, NULL, &g, error,
				  sizeof(error)))
		fail_msg("%s", error);
	return g;
}

/* @g with its rounding written out, by way of a file. */
static struct fx_graph *quantized(struct fx_graph *g,
				  const struct fx_calibration *cal,
				  const struct fx_qconfig *config)
{
	struct fx_graph *qdq;
	struct bytes model;

	assert_int_equal(fx_convert_qdq(g, cal, config, &qdq), 0);
	assert_int_equal(fx_export_onnx_memory(qdq, "net", &model.data,
					       &model.size), 0);
	fx_graph_free(qdq);
	g = read_back(&model);
	free(model.data);
	return g;
}

static void expect_same_image(const char *path, bool portable)
{
	const struct fx_qconfig config = { .onnx_rounding = true,
					   .portable = portable };
	struct fx_graph *g, *back;
	struct fx_calibration *cal, *none;
	struct bytes a, b;
	char error[512];

	assert_int_equal(fx_import_onnx(path, NULL, &g, error, sizeof(error)),
			 0);
	cal = calibrated(g, &config);
	a = image_of(g, cal, &config);
	back = quantized(g, cal, &config);
	assert_int_equal(fx_fuse(back), 0);
	assert_int_equal(fx_calibration_begin(back, &config, &none), 0);
	b = image_of(back, none, &config);
	assert_int_equal(a.size, b.size);
	assert_memory_equal(a.data, b.data, a.size);
	free(a.data);
	free(b.data);
	fx_calibration_free(cal);
	fx_calibration_free(none);
	fx_graph_free(back);
	fx_graph_free(g);
}

static void the_same_image_comes_back(void **state)
{
	expect_same_image(MODELS "/fmnist_res.onnx", false);
	expect_same_image(MODELS "/fmnist_mb.onnx", false);
	expect_same_image(MODELS "/fmnist_res.onnx", true);
	expect_same_image(MODELS "/fmnist_mb.onnx", true);
}

static struct fx_node *input(struct fx_graph *g, const char *name,
			     uint32_t rank, const int64_t *dims)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, rank, dims);

	return fx_graph_placeholder(g, name, &t);
}

static struct fx_node *weights(struct fx_graph *g, const char *name,
			       uint32_t rank, const int64_t *dims)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, rank, dims);
	struct fx_node *n;

	assert_int_equal(fxq_tensor_alloc(&t), 0);
	fill(t.data, fxq_tensor_count(&t), 7);
	n = fx_graph_constant(g, name, &t);
	fxq_tensor_free(&t);
	return n;
}

static size_t count(const struct fx_graph *g, const char *op)
{
	size_t n = 0;

	fx_for_each_node(node, g)
		n += fx_node_is(node, op);
	return n;
}

/* A row-wise layer with gelu, to which its input is added. */
static struct fx_graph *rows(void)
{
	struct fx_graph *g = fx_graph_new();
	struct fx_node *x = input(g, "x", 3, (int64_t[]){ 1, 5, 8 }), *in[3], *y;

	in[0] = x;
	in[1] = weights(g, "w", 2, (int64_t[]){ 8, 8 });
	in[2] = weights(g, "b", 1, (int64_t[]){ 8 });
	y = fx_graph_call(g, "linear", in, 3, NULL, 0);
	y = fx_graph_call(g, "gelu", &y, 1, NULL, 0);
	in[0] = y;
	y = fx_graph_call(g, "linear", in, 3, NULL, 0);
	y = fx_graph_call(g, "add", (struct fx_node *[]){ x, y }, 2, NULL, 0);
	y = fx_graph_call(g, "softmax", &y, 1, NULL, 0);
	y = fx_graph_call(g, "matmul", (struct fx_node *[]){ y, in[1] }, 2,
			  NULL, 0);
	y = fx_graph_call(g, "relu", &y, 1, NULL, 0);
	fx_graph_set_output(g, &y, 1);
	assert_int_equal(fx_graph_infer(g), 0);
	return g;
}

/* The integers of @g on @x, from the graph that conversion makes. */
static struct fxq_tensor answer(struct fx_graph *g,
				const struct fx_calibration *cal,
				const struct fx_qconfig *config,
				const struct fxq_tensor *x)
{
	const struct fx_run run = { .threads = 1 };
	struct fxq_tensor y;
	struct fx_graph *q;

	assert_int_equal(fx_convert(g, cal, config, &q), 0);
	assert_true(count(q, "qlinear") >= 2);
	assert_int_equal(fx_graph_run(q, &run, x, 1, &y, 1), 0);
	fx_graph_free(q);
	return y;
}

static void rows_come_back(void **state)
{
	for (int portable = 0; portable < 2; portable++) {
		const struct fx_qconfig config = { .onnx_rounding = true,
						   .portable = portable };
		struct fx_graph *g = rows(), *back;
		struct fx_calibration *cal = calibrated(g, &config), *none;
		struct fxq_tensor x = fxq_tensor_type(FXQ_DTYPE_F32, 3,
						      (int64_t[]){ 1, 5, 8 });
		struct fxq_tensor a, b;

		assert_int_equal(fxq_tensor_alloc(&x), 0);
		fill(x.data, 40, 9);
		a = answer(g, cal, &config, &x);
		back = quantized(g, cal, &config);
		assert_int_equal(fx_fuse(back), 0);
		assert_int_equal(fx_calibration_begin(back, &config, &none),
				 0);
		b = answer(back, none, &config, &x);
		assert_memory_equal(a.data, b.data, fxq_tensor_bytes(&a));
		fxq_tensor_free(&x);
		fxq_tensor_free(&a);
		fxq_tensor_free(&b);
		fx_calibration_free(none);
		fx_calibration_free(cal);
		fx_graph_free(back);
		fx_graph_free(g);
	}
}

/* Of two layers that are added, each rounds; as compile has it, one does. */
static void portable_layers_round_for_themselves(void **state)
{
	for (int portable = 0; portable < 2; portable++) {
		const struct fx_qconfig config = { .portable = portable };
		struct fx_graph *g = fx_graph_new(), *qdq;
		struct fx_calibration *cal;
		struct fx_node *in[2], *a, *b;

		in[0] = input(g, "x", 4, (int64_t[]){ 1, 2, 4, 4 });
		in[1] = weights(g, "w", 4, (int64_t[]){ 2, 2, 1, 1 });
		a = fx_graph_call(g, "conv2d", in, 2, NULL, 0);
		b = fx_graph_call(g, "conv2d", in, 2, NULL, 0);
		a = fx_graph_call(g, "add", (struct fx_node *[]){ a, b }, 2,
				  NULL, 0);
		a = fx_graph_call(g, "max_pool2d", &a, 1, &(struct fx_kwarg){
				  "kernel_size", fx_arg_int(2) }, 1);
		fx_graph_set_output(g, &a, 1);
		cal = calibrated(g, &config);
		assert_int_equal(fx_convert_qdq(g, cal, &config, &qdq), 0);
		/* The input, a layer or two, their sum, the largest of it. */
		assert_int_equal(count(qdq, "quantize_linear"), 4 + portable);
		fx_calibration_free(cal);
		fx_graph_free(qdq);
		fx_graph_free(g);
	}
}

/* Names are the user's, also where a value happens to be called so. */
static void inputs_and_outputs_keep_their_names(void **state)
{
	struct fx_graph *g = fx_graph_new();
	struct fx_node *x = input(g, "relu_1", 1, (int64_t[]){ 3 }), *y[2];
	struct bytes model;

	y[0] = fx_graph_call(g, "relu", &x, 1, NULL, 0);
	y[1] = fx_graph_call(g, "relu", &y[0], 1, NULL, 0);
	fx_graph_set_output(g, y, 2)->source = "relu,right";
	assert_int_equal(fx_export_onnx_memory(g, NULL, &model.data,
					       &model.size), 0);
	fx_graph_free(g);
	g = read_back(&model);
	assert_string_equal(fx_graph_output(g)->source, "relu,right");
	assert_string_equal(fx_graph_first(g)->target, "relu_1");
	assert_int_equal(count(g, "relu"), 2);
	free(model.data);
	fx_graph_free(g);
}

/* An image resized as @k says has @dims, also for whoever reads it in ONNX. */
static void expect_resized(struct fx_kwarg k, const int64_t *dims)
{
	struct fx_graph *g = fx_graph_new();
	struct fx_node *x = input(g, "x", 4, (int64_t[]){ 1, 2, 5, 5 });
	struct bytes model;

	x = fx_graph_call(g, "resize", &x, 1, &k, 1);
	fx_graph_set_output(g, &x, 1);
	if (fx_export_onnx_memory(g, NULL, &model.data, &model.size))
		fail_msg("%s", fx_graph_error(g));
	fx_graph_free(g);
	g = read_back(&model);
	fx_for_each_node(n, g)
		if (fx_node_is(n, "resize"))
			assert_memory_equal(n->out[0].dims, dims,
					    4 * sizeof(*dims));
	assert_int_equal(count(g, "resize"), 1);
	free(model.data);
	fx_graph_free(g);
}

/* Models in C give the sides of the image alone; ONNX wants all of them. */
static void all_sides_of_a_resized_image_are_written(void **state)
{
	struct fx_graph *g = fx_graph_new();

	expect_resized((struct fx_kwarg){
		"sizes", fx_arg_ints(g, (int64_t[]){ 7, 3 }, 2) },
		(int64_t[]){ 1, 2, 7, 3 });
	expect_resized((struct fx_kwarg){
		"scales", fx_arg_floats(g, (double[]){ 2, 1.5 }, 2) },
		(int64_t[]){ 1, 2, 10, 7 });
	fx_graph_free(g);
}

static struct fx_node *vector(struct fx_graph *g, const char *name, int64_t n,
			      const float *v)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, 1, &n);

	t.data = (void *)v;
	return fx_graph_constant(g, name, &t);
}

/* Each number of the result, whose sums ONNX has in another order, to 1e-6. */
static void expect_group_norm(const float *weight, const float *bias)
{
	struct fx_graph *g = fx_graph_new(), *back;
	const struct fx_kwarg k[] = { { "num_groups", fx_arg_int(2) },
				      { "eps", fx_arg_float(1e-3) } };
	struct fx_node *x = input(g, "x", 4, (int64_t[]){ 1, 4, 3, 2 }), *n;
	struct fxq_tensor in = x->out[0], a, b;
	struct bytes model;
	float data[24];

	n = fx_graph_call(g, "group_norm", (struct fx_node *[]){
		x, weight ? vector(g, "w", 4, weight) : NULL,
		bias ? vector(g, "b", 4, bias) : NULL }, 3, k, 2);
	fx_graph_set_output(g, &n, 1);
	if (fx_export_onnx_memory(g, NULL, &model.data, &model.size))
		fail_msg("%s", fx_graph_error(g));
	back = read_back(&model);
	fill(data, 24, 3);
	in.data = data;
	assert_int_equal(fx_graph_run(g, NULL, &in, 1, &a, 1), 0);
	if (fx_graph_run(back, NULL, &in, 1, &b, 1))
		fail_msg("%s", fx_graph_error(back));
	assert_memory_equal(a.dims, b.dims, 4 * sizeof(*a.dims));
	for (int i = 0; i < 24; i++)
		assert_float_equal(((float *)a.data)[i], ((float *)b.data)[i],
				   1e-6);
	fxq_tensor_free(&a);
	fxq_tensor_free(&b);
	free(model.data);
	fx_graph_free(g);
	fx_graph_free(back);
}

static void groups_are_written_as_instances(void **state)
{
	const float weight[] = { 1, -0.5f, 2, 0.25f };
	const float bias[] = { 0.5f, 1, -1, 0 };

	expect_group_norm(weight, bias);
	expect_group_norm(weight, NULL);
	expect_group_norm(NULL, NULL);
}

/* @op of an image, and a number, cannot be written: the sentence has @why. */
static void refuse(const char *op, const struct fx_kwarg *k, size_t n_k,
		   const char *why)
{
	const float one = 1;
	struct fx_graph *g = fx_graph_new();
	struct fx_node *x = input(g, "x", 4, (int64_t[]){ 1, 2, 5, 5 });
	struct fx_node *in[] = { x, vector(g, "one", 1, &one) };
	void *data = NULL;
	size_t size;

	x = fx_graph_call(g, op, in, k ? 1 : 2, k, n_k);
	fx_graph_set_output(g, &x, 1);
	assert_int_equal(fx_export_onnx_memory(g, NULL, &data, &size),
			 -ENOTSUP);
	assert_null(data);
	if (!strstr(fx_graph_error(g), why))
		fail_msg("%s", fx_graph_error(g));
	fx_graph_free(g);
}

static void what_onnx_lacks_is_refused_by_name(void **state)
{
	const struct fx_kwarg pool[] = { { "kernel_size", fx_arg_int(2) },
					 { "dilation", fx_arg_int(2) } };
	const struct fx_kwarg size = { "output_size", fx_arg_int(2) };
	struct fx_graph *g = fx_graph_new();
	const struct fx_kwarg resize[] = {
		{ "sizes", fx_arg_ints(g, (int64_t[]){ 1, 2, 3, 3 }, 4) },
		{ "antialias", fx_arg_int(1) },
	};

	refuse("avg_pool2d", pool, 2, "'avg_pool2d' (avg_pool2d): its windows have gaps");
	refuse("adaptive_avg_pool2d", &size, 1, "an output size that divides");
	refuse("fake_quantize", NULL, 0, "cannot be written in opset 17");
	refuse("resize", resize, 2, "antialias");
	fx_graph_free(g);
}

static int twice(struct fxq_call *call)
{
	return 0;
}

static void a_wrapped_function_is_refused_by_name(void **state)
{
	static const struct fxq_function wrapped = { .name = "twice",
						     .eval = twice };
	const struct fx_qconfig config = { 0 };
	struct fx_graph *g = fx_graph_new(), *q = NULL;
	struct fx_node *x = input(g, "x", 1, (int64_t[]){ 3 });
	struct fx_arg arg = fx_arg_node(x);
	struct fx_calibration *cal;

	x = fx_graph_node(g, FX_CALL_FUNCTION, "twice", NULL, &arg, 1, NULL, 0);
	x->wrapped = &wrapped;
	fx_node_set_type(x, &fx_graph_first(g)->out[0]);
	fx_graph_set_output(g, &x, 1);
	assert_int_equal(fx_calibration_begin(g, &config, &cal), 0);
	assert_int_equal(fx_convert_qdq(g, cal, &config, &q), -ENOTSUP);
	assert_null(q);
	assert_non_null(strstr(fx_graph_error(g), "node 'twice': a wrapped function"));
	fx_calibration_free(cal);
	fx_graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_image_comes_back),
		cmocka_unit_test(rows_come_back),
		cmocka_unit_test(portable_layers_round_for_themselves),
		cmocka_unit_test(inputs_and_outputs_keep_their_names),
		cmocka_unit_test(all_sides_of_a_resized_image_are_written),
		cmocka_unit_test(groups_are_written_as_instances),
		cmocka_unit_test(what_onnx_lacks_is_refused_by_name),
		cmocka_unit_test(a_wrapped_function_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
