// SPDX-License-Identifier: MIT
/*
 * test_given_scales.c - weights of a quantized file keep their integers
 *
 * The networks of the examples are written in QDQ form, read back and sent
 * through the verbs with a qconfig that would find other scales: what the layers
 * have in the end is the int8 of the file. So in training, from a file of a graph
 * module, of operators on integers, and for each way in which channels lie. What
 * cannot be kept is refused.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <fxq/compile.h>
#include <fxq/graph_file.h>
#include <fxq/onnx.h>
#include <fxq/quantize_fx.h>

#include "onnx_writer.h"

static char error[FXQ_ERROR_MAX];

static struct fx_graph *import(const char *path)
{
	struct fx_import_options options = { .default_batch = 1 };
	struct fx_graph *g;

	if (fx_import_onnx(path, &options, &g, error, sizeof(error)))
		fail_msg("%s", error);
	return g;
}

static fxv input_of(struct fx_graph *g)
{
	const struct fxq_tensor *t = &fx_graph_first(g)->out[0];
	int64_t dims[FXQ_MAX_RANK + 1];

	memcpy(dims, t->dims, sizeof(t->dims));
	dims[t->rank] = -1;
	return fx_gen_of(7, 1, dims);
}

/* The graph with its rounding written out. */
static struct fx_graph *qdq_of(const char *path, bool per_tensor)
{
	const struct fx_qconfig config = { .per_tensor_weights = per_tensor };
	struct fx_graph *g = import(path), *qdq;
	struct fx_calibration *cal;
	fxv x = input_of(g);

	assert_int_equal(fx_fuse(g), 0);
	assert_int_equal(fx_calibration_begin(g, &config, &cal), 0);
	assert_int_equal(fx_calibration_feed(cal, fx_data(x), 1, 1), 0);
	assert_int_equal(fx_convert_qdq(g, cal, &config, &qdq), 0);
	fx_calibration_free(cal);
	fx_graph_free(g);
	fx_release(x);
	return qdq;
}

static struct fx_graph *by_way_of_a_file(struct fx_graph *g)
{
	struct fx_graph *back;
	size_t size;
	void *data;

	assert_int_equal(fx_export_onnx_memory(g, "net", &data, &size), 0);
	if (fx_import_onnx_memory(data, size, NULL, &back, error,
				  sizeof(error)))
		fail_msg("%s", error);
	free(data);
	return back;
}

static struct fx_module *model_of(struct fx_graph *g)
{
	struct fx_module *m = fx_module_of_graph(g);

	if (m->error)
		fail_msg("%s", m->error);
	return m;
}

/* The int8 that weights of @n are dequantized from; NULL if it has none. */
static const struct fxq_tensor *int8_of(const struct fx_node *n)
{
	const struct fx_node *w = fx_node_in(n, 1);

	if ((!fx_node_is(n, "conv2d") && !fx_node_is(n, "linear")) ||
	    !fx_node_is(w, "dequantize_linear"))
		return NULL;
	return &fx_node_in(w, 0)->out[0];
}

/* Layer after layer. */
static void assert_integers(const struct fx_graph *qdq,
			    const struct fx_module *gm)
{
	const struct fx_node *n = fx_graph_first(qdq);
	size_t layers = 0;

	fx_for_each_node(call, gm->graph) {
		const struct fxq_tensor *got, *wanted;

		if (call->opcode != FX_CALL_MODULE)
			continue;
		got = fx_module_tensor(call->module, "weight");
		if (!got)
			continue;
		while (n && !int8_of(n))
			n = n->next;
		assert_non_null(n);
		wanted = int8_of(n);
		n = n->next;
		assert_int_equal(got->dtype, FXQ_DTYPE_I8);
		assert_int_equal(fxq_tensor_bytes(got),
				 fxq_tensor_bytes(wanted));
		assert_memory_equal(got->data, wanted->data,
				    fxq_tensor_bytes(got));
		layers++;
	}
	while (n && !int8_of(n))
		n = n->next;
	assert_null(n);
	assert_true(layers > 2);
}

static struct fx_module *checked(struct fx_module *gm)
{
	if (gm->error)
		fail_msg("%s", gm->error);
	return gm;
}

/* @gm, which goes, as a file brings it back. */
static struct fx_module *reloaded(struct fx_module *gm)
{
	struct fx_module *back;
	char path[64];

	snprintf(path, sizeof(path), "/tmp/fxq-given-%d.fxg", (int)getpid());
	if (fx_save(gm, path, error, sizeof(error)))
		fail_msg("%s", error);
	if (fx_load(path, NULL, &back, error, sizeof(error)))
		fail_msg("%s", error);
	unlink(path);
	fx_module_put(gm);
	return back;
}

static void run(struct fx_module *gm, fxv x)
{
	fxv y = fx_call(gm, x);

	if (fx_error(y))
		fail_msg("%s", fx_error(y));
	fx_release(y);
}

static void put_models(struct fx_module *m, struct fx_module *prepared,
		       struct fx_module *gm)
{
	fx_module_put(gm);
	fx_module_put(prepared);
	fx_module_put(m);
}

/* With a qconfig that has a scale for each channel if the file has not. */
static void calibrate(const char *path, bool per_tensor)
{
	struct fx_module_qconfig qconfig =
		get_default_qconfig(.per_tensor = !per_tensor);
	struct fx_graph *qdq = qdq_of(path, per_tensor);
	struct fx_graph *g = by_way_of_a_file(qdq);
	struct fx_module *m = reloaded(model_of(g)), *prepared, *gm;
	fxv x = input_of(g);

	prepared = checked(prepare_calibration_fx(m, fx_qconfig_dict(
		{ "", NULL, &qconfig })));
	prepared = reloaded(prepared);
	run(prepared, x);
	gm = reloaded(checked(convert_fx(prepared)));
	assert_integers(qdq, gm);
	run(gm, x);
	put_models(m, prepared, gm);
	fx_qconfig_put(&qconfig);
	fx_release(x);
	fx_graph_free(g);
	fx_graph_free(qdq);
}

static void calibration_keeps_integers_of_a_file(void **state)
{
	calibrate(MODELS "/fmnist_res.onnx", false);
	calibrate(MODELS "/fmnist_res.onnx", true);
	calibrate(MODELS "/fmnist_mb.onnx", false);
}

/* The step of the result, which the file does not round. */
static float last_scale(struct fx_module *prepared)
{
	const char *path = "activation_post_process_0.scale";

	assert_int_equal(fx_module_tensor(prepared, path)->dims[0], 1);
	return *(float *)fx_module_tensor(prepared, path)->data;
}

static void assert_within(const struct fxq_tensor *a,
			  const struct fxq_tensor *b, float most)
{
	float worst = 0;

	assert_int_equal(fxq_tensor_bytes(a), fxq_tensor_bytes(b));
	for (int64_t i = 0; i < fxq_tensor_count(a); i++)
		worst = fmaxf(worst, fabsf(((float *)a->data)[i] -
					   ((float *)b->data)[i]));
	print_message("%g of %g\n", (double)worst, (double)most);
	assert_true(worst <= most);
}

/*
 * Training begins where the file ends: with its integers, and values rounded. Of
 * the result, which qconfig rounds, it is half a step away at most.
 */
static void train(const char *fake)
{
	struct fx_module_qconfig qconfig = get_default_qconfig(
		.activation_fake_quant = "fake_quant",
		.weight_fake_quant = fake, .per_tensor = true);
	struct fx_graph *qdq = qdq_of(MODELS "/fmnist_res.onnx", false);
	struct fx_graph *g = by_way_of_a_file(qdq);
	struct fx_module *m = model_of(g), *prepared, *gm;
	struct fxq_tensor wanted;
	fxv x = input_of(g), y;

	fx_train(m);
	prepared = reloaded(checked(prepare_qat_fx(m, fx_qconfig_dict(
		{ "", NULL, &qconfig }))));
	run(prepared, x);
	prepared = reloaded(prepared);
	y = fx_call(prepared, x);
	assert_int_equal(fx_graph_run(qdq, NULL, fx_data(x), 1, &wanted, 1), 0);
	assert_within(fx_data(y), &wanted, last_scale(prepared) / 2);
	gm = checked(convert_fx(prepared));
	assert_integers(qdq, gm);
	fxq_tensor_free(&wanted);
	fx_release(y);
	fx_release(x);
	put_models(m, prepared, gm);
	fx_qconfig_put(&qconfig);
	fx_graph_free(g);
	fx_graph_free(qdq);
}

static void training_begins_with_integers_of_a_file(void **state)
{
	train("fake_quant");
	train("lsq");
}

/* A file in QOperator form: two QLinearConv between a QuantizeLinear and back */

static const float steps[] = { 0.0625f, 0.015625f, 0.03125f, 0.125f, 0.25f };
static const uint8_t middles[] = { 100, 7, 128 };
static const int8_t kernel[] = { -128, 5, 127, -3, 64, 1, -77, 9 };

static struct fx_graph *qoperators(void)
{
	struct ow w = { 0 };
	struct fx_graph *g;

	ow_model(&w, 13);
	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(1, 2, 6, 6));
	ow_value(&w, OW_OUTPUT, "y", 1, OW_DIMS(1, 2, 5, 5));
	ow_tensor(&w, 5, "sx", 1, OW_DIMS(), &steps[0], 4);
	ow_tensor(&w, 5, "sw", 1, OW_DIMS(2), &steps[1], 8);
	ow_tensor(&w, 5, "sh", 1, OW_DIMS(), &steps[3], 4);
	ow_tensor(&w, 5, "sy", 1, OW_DIMS(), &steps[4], 4);
	ow_tensor(&w, 5, "zx", 2, OW_DIMS(), &middles[0], 1);
	ow_tensor(&w, 5, "zh", 2, OW_DIMS(), &middles[1], 1);
	ow_tensor(&w, 5, "zy", 2, OW_DIMS(), &middles[2], 1);
	ow_tensor(&w, 5, "zw", 3, OW_DIMS(2), (int8_t[2]){ 0 }, 2);
	ow_tensor(&w, 5, "b", 6, OW_DIMS(2), (int32_t[]){ 300, -20 }, 8);
	ow_tensor(&w, 5, "w1", 3, OW_DIMS(2, 1, 2, 2), kernel, 8);
	ow_tensor(&w, 5, "w2", 3, OW_DIMS(2, 2, 1, 1), kernel, 4);
	ow_node(&w, "QuantizeLinear", "in", OW_NAMES("x", "sx", "zx"), "q");
	ow_end(&w);
	ow_node(&w, "QLinearConv", "one", OW_NAMES("q", "sx", "zx", "w1", "sw",
						   "zw", "sh", "zh", "b"), "h");
	ow_attr_int(&w, "group", 2);
	ow_end(&w);
	ow_node(&w, "QLinearConv", "two", OW_NAMES("h", "sh", "zh", "w2", "sw",
						   "zw", "sy", "zy"), "p");
	ow_end(&w);
	ow_node(&w, "DequantizeLinear", "out", OW_NAMES("p", "sy", "zy"), "y");
	ow_end(&w);
	ow_end(&w);
	if (fx_import_onnx_memory(w.data, w.size, NULL, &g, error,
				  sizeof(error)))
		fail_msg("%s", error);
	free(w.data);
	return g;
}

static void assert_kernel(struct fx_module *gm, const char *path, size_t n)
{
	const struct fxq_tensor *w = fx_module_tensor(gm, path);

	assert_non_null(w);
	assert_int_equal(w->dtype, FXQ_DTYPE_I8);
	assert_int_equal(fxq_tensor_bytes(w), n);
	assert_memory_equal(w->data, kernel, n);
}

/* No data are shown; the answers are whole steps, the file's but for a rounding. */
static void operators_on_integers_keep_theirs(void **state)
{
	struct fx_module_qconfig qconfig = get_default_qconfig();
	struct fx_graph *g = qoperators();
	struct fx_module *m = reloaded(model_of(g)), *prepared, *gm;
	struct fxq_tensor wanted;
	fxv x = input_of(g), y;
	size_t differ = 0, inside = 0;

	prepared = reloaded(checked(prepare_calibration_fx(m, fx_qconfig_dict(
		{ "", NULL, &qconfig }))));
	gm = reloaded(checked(convert_fx(prepared)));
	assert_kernel(gm, "one.weight", 8);
	assert_kernel(gm, "two.weight", 4);
	y = fx_call(gm, x);
	if (fx_error(y))
		fail_msg("%s", fx_error(y));
	assert_int_equal(fx_graph_run(g, NULL, fx_data(x), 1, &wanted, 1), 0);
	assert_int_equal(fxq_tensor_count(fx_data(y)), 50);
	for (int i = 0; i < 50; i++) {
		float a = ((float *)wanted.data)[i] / steps[4];
		float b = ((float *)fx_data(y)->data)[i] / steps[4];

		assert_true(b == rintf(b) && fabsf(a - b) <= 1);
		differ += a != b;
		inside += a > -middles[2] && a < 255 - middles[2];
	}
	print_message("%zu of 50 differ by a step, %zu are not clipped\n",
		      differ, inside);
	assert_true(differ <= 2 && inside > 25);
	fxq_tensor_free(&wanted);
	fx_release(y);
	fx_release(x);
	put_models(m, prepared, gm);
	fx_qconfig_put(&qconfig);
	fx_graph_free(g);
}

/* Layers made by hand, whose integers count from -128 or from @least */

static const float scales[] = { 0.25f, 0.03125f, 0.5f };

static struct fx_node *weights(struct fx_graph *g, uint32_t axis,
			       const int64_t *dims, int least)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, 4, dims);
	double given[] = { scales[0], scales[1], scales[2] };
	int64_t inner = axis ? dims[2] * dims[3] :
			       dims[1] * dims[2] * dims[3];
	struct fx_node *n;

	assert_int_equal(fxq_tensor_alloc(&t), 0);
	for (int64_t i = 0; i < fxq_tensor_count(&t); i++)
		((float *)t.data)[i] = scales[i / inner % 3] *
				       (float)(least + i % 8);
	n = fx_graph_constant(g, "w", &t);
	fx_node_set_kwarg(n, "scale", fx_arg_floats(g, given, 3));
	fxq_tensor_free(&t);
	return n;
}

static struct fx_node *image(struct fx_graph *g, int64_t channels)
{
	const int64_t dims[] = { 1, channels, 6, 6 };
	struct fxq_tensor type = fxq_tensor_type(FXQ_DTYPE_F32, 4, dims);

	return fx_graph_placeholder(g, "x", &type);
}

/* With the parameters that an importer writes. */
static struct fx_node *convolution(struct fx_graph *g, const char *op,
				   struct fx_node *x, struct fx_node *w)
{
	static const int64_t ones[] = { 1, 1 }, zeros[4] = { 0 };
	const struct fx_kwarg kwargs[] = {
		{ "stride", fx_arg_ints(g, ones, 2) },
		{ "padding", fx_arg_ints(g, zeros, 4) },
		{ "dilation", fx_arg_ints(g, ones, 2) },
		{ "groups", fx_arg_int(1) },
		{ "output_padding", fx_arg_ints(g, zeros, 2) },
	};

	return fx_graph_call(g, op, (struct fx_node *[]){ x, w }, 2, kwargs,
			     strcmp(op, "conv2d") ? 5 : 4);
}

static struct fx_module *one_layer(const char *op, uint32_t axis,
				   const int64_t *dims, int least)
{
	struct fx_graph *g = fx_graph_new();
	struct fx_node *x = image(g, dims[!axis]), *y;
	struct fx_module *m;

	y = convolution(g, op, x, weights(g, axis, dims, least));
	fx_graph_set_output(g, &y, 1);
	assert_int_equal(fx_graph_infer(g), 0);
	m = model_of(g);
	fx_graph_free(g);
	return m;
}

static void assert_counts_from(struct fx_module *m, int least)
{
	struct fx_module_qconfig qconfig = get_default_qconfig();
	fxv x = fx_gen(3, 1, 1, 3, 6, 6);
	const struct fxq_tensor *w;
	struct fx_module *prepared, *gm;

	prepared = checked(prepare_calibration_fx(m, fx_qconfig_dict(
		{ "", NULL, &qconfig })));
	run(prepared, x);
	gm = checked(convert_fx(prepared));
	w = fx_module_tensor(gm, fx_module_at(gm, "conv2d") ? "conv2d.weight" :
			     "conv_transpose2d.weight");
	assert_int_equal(w->dtype, FXQ_DTYPE_I8);
	for (int64_t i = 0; i < fxq_tensor_count(w); i++)
		assert_int_equal(((int8_t *)w->data)[i], least + i % 8);
	fx_release(x);
	put_models(m, prepared, gm);
	fx_qconfig_put(&qconfig);
}

static void channels_are_first_or_second(void **state)
{
	assert_counts_from(one_layer("conv2d", 0, FX_DIMS(3, 3, 2, 2), -128),
			   -128);
	assert_counts_from(one_layer("conv_transpose2d", 1,
				     FX_DIMS(3, 3, 2, 2), -128), -128);
}

/* Whatever a file says of the observer, of which only the scales matter. */
static void channels_are_the_layers(void **state)
{
	struct fx_module *m = one_layer("conv2d", 0, FX_DIMS(3, 3, 2, 2), -128);

	assert_int_equal(fx_module_replace(m, "conv2d.weight_observer",
		GivenScalesObserver(scales, 3, .ch_axis = 1, .quant_min = -7,
				    .quant_max = 7)), 0);
	assert_counts_from(reloaded(m), -128);
}

/* After training in float they are no multiples: then they are observed. */
static void other_weights_have_other_scales(void **state)
{
	struct fx_module_qconfig qconfig = get_default_qconfig();
	struct fx_module *m = one_layer("conv2d", 0, FX_DIMS(3, 3, 2, 2), 1);
	float *w = fx_module_tensor(m, "conv2d.weight")->data, most = 0;
	struct fx_module *prepared, *gm;
	fxv x = fx_gen(3, 1, 1, 3, 6, 6);

	w[0] += 0.1f;
	for (int i = 0; i < 12; i++)
		most = fmaxf(most, fabsf(w[i]));
	prepared = checked(prepare_calibration_fx(m, fx_qconfig_dict(
		{ "", NULL, &qconfig })));
	run(prepared, x);
	gm = checked(convert_fx(prepared, .is_reference = true));
	assert_true(fabsf(((float *)fx_module_tensor(gm, "conv2d.weight_scale")
			   ->data)[0] - most / 127) < 1e-6f);
	fx_release(x);
	put_models(m, prepared, gm);
	fx_qconfig_put(&qconfig);
}

/* With a norm in them weights would be others, so it stays behind them. */
static void a_norm_stays_behind_given_scales(void **state)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, 1, FX_DIMS(3));
	struct fx_graph *g = fx_graph_new();
	struct fx_node *in[5] = { image(g, 3) }, *y;
	struct fx_module *m, *gm;

	t.data = (void *)scales;
	in[0] = convolution(g, "conv2d", in[0],
			    weights(g, 0, FX_DIMS(3, 3, 2, 2), -8));
	for (int i = 1; i < 5; i++)
		in[i] = fx_graph_constant(g, "c", &t);
	y = fx_graph_call(g, "batch_norm", in, 5, &(const struct fx_kwarg){
			  "eps", fx_arg_float(1e-3) }, 1);
	fx_graph_set_output(g, &y, 1);
	assert_int_equal(fx_graph_infer(g), 0);
	m = model_of(g);
	gm = checked(fuse_fx(m));
	assert_string_equal(fx_module_at(gm, "batch_norm")->class->name,
			    "BatchNorm2d");
	assert_non_null(fx_module_at(gm, "conv2d.weight_observer"));
	fx_module_put(gm);
	fx_module_put(m);
	fx_graph_free(g);
}

static void refused(struct fx_module *m, struct fx_module_qconfig qconfig,
		    const char *sentence)
{
	struct fx_module *gm = prepare_qat_fx(m, fx_qconfig_dict(
		{ "", NULL, &qconfig }));

	if (!gm->error || !strstr(gm->error, sentence))
		fail_msg("'%s' lacks '%s'", gm->error, sentence);
	fx_module_put(gm);
	/* The remedy. */
	assert_int_equal(fx_module_remove(m, "conv2d.weight_observer"), 0);
	gm = checked(prepare_qat_fx(m, fx_qconfig_dict(
		{ "", NULL, &qconfig })));
	fx_module_put(gm);
	fx_module_put(m);
	fx_qconfig_put(&qconfig);
}

static void what_cannot_be_kept_is_refused(void **state)
{
	struct fx_module_qconfig four = get_default_qconfig(.weight_bits = 4);
	struct fx_module *m, *gm;

	refused(one_layer("conv2d", 0, FX_DIMS(3, 3, 2, 2), 1),
		get_default_qconfig(.weight_bits = 4),
		"conv2d: weights came as integers that are not all from -7 to 7, as the qconfig wants them; give it 8 bits, or remove 'weight_observer' from the layer for new scales");
	refused(one_layer("conv2d", 0, FX_DIMS(3, 3, 2, 2), 1),
		get_default_qconfig(.activation_fake_quant = "fake_quant",
				    .weight_fake_quant = "pact",
				    .per_tensor = true),
		"conv2d: weights came with scales, and PACTFakeQuantize learns another; give FakeQuantize or LSQFakeQuantize, or remove 'weight_observer' from the layer for new scales");

	/* Four bits that are enough. */
	m = one_layer("conv2d", 0, FX_DIMS(3, 3, 2, 2), -7);
	gm = checked(prepare_calibration_fx(m, fx_qconfig_dict(
		{ "", NULL, &four })));
	fx_module_put(gm);
	fx_module_put(m);
	fx_qconfig_put(&four);
}

static void assert_no_scales(struct fx_module *m, const char *sentence)
{
	if (!m->error || !strstr(m->error, sentence))
		fail_msg("'%s' lacks '%s'", m->error, sentence);
	fx_module_put(m);
}

static void scales_that_are_none_are_refused(void **state)
{
	const float none[] = { 1, 0 };

	assert_no_scales(GivenScalesObserver(none, 2),
			 "scale 0 of channel 1 is no scale: it is above 0, finite, and normal in float32");
	assert_no_scales(GivenScalesObserver(scales, 0),
			 "0 scales were given; there is one for each channel, per tensor one");
	assert_no_scales(GivenScalesObserver(scales, 2,
					     .qscheme = "per_tensor_symmetric"),
			 "2 scales were given; there is one for each channel, per tensor one");
	assert_no_scales(GivenScalesObserver(scales, 2,
					     .qscheme = "per_channel_affine"),
			 "its qscheme is per_tensor_symmetric or per_channel_symmetric");
	assert_no_scales(GivenScalesObserver(scales, 2, .ch_axis = -1),
			 "ch_axis counts dimensions from 0; -1 is none");
}

/* Files of graph modules: what no importer makes */
static void files_hold_no_other_observer(void **state)
{
	struct fx_module *m = one_layer("conv2d", 0, FX_DIMS(3, 3, 2, 2), 1);
	struct fx_module *back;
	char path[64];

	snprintf(path, sizeof(path), "/tmp/fxq-given-%d.fxg", (int)getpid());
	assert_int_equal(fx_module_replace(m, "conv2d.weight_observer",
					   MinMaxObserver()), 0);
	assert_int_equal(fx_save(m, path, error, sizeof(error)), 0);
	assert_int_equal(fx_load(path, NULL, &back, error, sizeof(error)),
			 -EINVAL);
	assert_non_null(strstr(error, "(Conv2d): 'weight_observer' is not as its class makes it of these options; save the graph again"));
	fx_module_put(m);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calibration_keeps_integers_of_a_file),
		cmocka_unit_test(training_begins_with_integers_of_a_file),
		cmocka_unit_test(operators_on_integers_keep_theirs),
		cmocka_unit_test(channels_are_first_or_second),
		cmocka_unit_test(channels_are_the_layers),
		cmocka_unit_test(other_weights_have_other_scales),
		cmocka_unit_test(a_norm_stays_behind_given_scales),
		cmocka_unit_test(what_cannot_be_kept_is_refused),
		cmocka_unit_test(scales_that_are_none_are_refused),
		cmocka_unit_test(files_hold_no_other_observer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
