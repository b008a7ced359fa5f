// SPDX-License-Identifier: MIT
/*
 * test_golden_verbs.c - models quantized by verbs come out as torch's do
 *
 * tests/golden/quant has networks in C beside what torch's fuse_fx, prepare_fx
 * and convert_fx made of them in Python. Compared are the code of the graph after
 * each, to the character; scales and zero points that three batches give, to the
 * bit; weights; and each quantized value of the converted graph. Integers are
 * torch's where its kernels are integer. Where they are float between
 * quantizations, sums near halfway between two integers may go to the other one.
 *
 * The results are counted in golden.json, {"quant": {"passed", "total"}}, with
 * the files of observers, rounding and training beside the networks'.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include <fxq/fxq_arith.h>
#include <fxq/quantize_fx.h>

#include "files/files.h"

#include "golden_observers.h"
#include "quant_nets.h"

static const char *const configs[] = {
	"qnnpack_default", "qnnpack_minmax_pc", "sym_int8_ref",
	"sym_int8_ref_pt",
};
#define N_CONFIGS	(sizeof(configs) / sizeof(*configs))

/*
 * struct golden - one file of the goldens
 * @seen: values compared so far
 * @elements, @differ: of them, and those that are off by one
 */
struct golden {
	char name[64];
	const struct golden_quant_net *net;
	const char *config;
	json_t *json;
	struct tensors arrays;
	size_t seen, elements, differ;
};

static size_t passed;

static bool is_reference(const struct golden *g)
{
	return strstr(g->config, "ref") != NULL;
}

static struct tensors load_arrays(const char *name)
{
	struct tensors arrays;
	struct bytes file;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.npz", GOLDEN_QUANT, name);
	if (file_read(path, &file) ||
	    npz_parse(path, file.data, file.size, &arrays))
		fail_msg("%s", io_error());
	bytes_free(&file);
	return arrays;
}

static const struct fxq_tensor *array(const struct tensors *arrays,
				      const char *prefix, const char *name)
{
	char key[96];

	snprintf(key, sizeof(key), "%s%s", prefix, name);
	return tensors_find(arrays, key);
}

static void assert_code(const struct golden *g, const char *key,
			struct fx_module *gm)
{
	char *code;

	if (gm->error)
		fail_msg("%s", gm->error);
	code = fx_graph_code(gm->graph);
	assert_string_equal(code, json_string_value(
		json_object_get(g->json, key)));
	free(code);
}

/* The configurations of make.py. */
static struct fx_module_qconfig qconfig_of(const char *config)
{
	if (!strcmp(config, "qnnpack_minmax_pc"))
		return QConfig(MinMaxObserver(),
			       PerChannelMinMaxObserver(.dtype = "qint8",
					.qscheme = "per_channel_symmetric"));
	if (!strcmp(config, "sym_int8_ref"))
		return QConfig(MinMaxObserver("qint8", "per_tensor_symmetric"),
			       PerChannelMinMaxObserver(.dtype = "qint8",
					.qscheme = "per_channel_symmetric",
					.quant_min = -127, .quant_max = 127));
	if (!strcmp(config, "sym_int8_ref_pt"))
		return QConfig(MinMaxObserver("qint8", "per_tensor_symmetric"),
			       MinMaxObserver("qint8", "per_tensor_symmetric",
					.quant_min = -127, .quant_max = 127));
	return QConfig(HistogramObserver(),
		       MinMaxObserver("qint8", "per_tensor_symmetric"));
}

static struct fx_module *prepared(struct golden *g, struct fx_module *model)
{
	struct fx_module_qconfig qconfig = qconfig_of(g->config);
	struct fx_module *gm;

	gm = prepare_calibration_fx(model, fx_qconfig_dict({ "", NULL, &qconfig }),
				    .backend = &fx_backend_torch);
	fx_qconfig_put(&qconfig);
	assert_code(g, "prepared_code", gm);
	return gm;
}

static void calibrate(struct golden *g, struct fx_module *gm)
{
	static const float scales[] = { 1, 0.5f, 1 };

	for (uint32_t i = 0; i < 3; i++) {
		fxv x = fx_gen_of(42 + i, scales[i], g->net->dims);
		fxv y = fx_call(gm, x);

		if (fx_error(y))
			fail_msg("%s", fx_error(y));
		fx_release(y);
		fx_release(x);
	}
}

/* Scales and zero points are torch's, the scales to the bit. */
static void assert_observers(struct golden *g, struct fx_module *gm)
{
	const char *name;
	json_t *found;

	json_object_foreach(json_object_get(g->json, "observers"), name, found) {
		json_t *scale = json_array_get(json_object_get(found, "scale"), 0);
		json_t *zero = json_array_get(json_object_get(found,
							      "zero_point"), 0);
		struct fx_qparams q;

		if (fx_calculate_qparams(fx_module_at(gm, name), &q))
			fail_msg("%s", q.error);
		if (q.scale[0] != (float)json_number_value(scale))
			fail_msg("%s: scale %.9g, torch's is %.9g", name,
				 (double)q.scale[0], json_number_value(scale));
		assert_int_equal(q.zero_point[0], json_integer_value(zero));
		fx_qparams_free(&q);
	}
}

/* Values */

/* Unsigned integers are kept as q - 128. */
static int integer_at(const struct fxq_tensor *t, int64_t i)
{
	return t->dtype == FXQ_DTYPE_U8 ? ((uint8_t *)t->data)[i] - 128 :
					  ((int8_t *)t->data)[i];
}

static void assert_value(struct golden *g, const char *name,
			 const struct fxq_tensor *t)
{
	json_t *value = json_object_get(json_object_get(g->json, "values"),
					name);
	const struct fxq_tensor *want = array(&g->arrays, "q__", name);
	bool is_unsigned = want && want->dtype == FXQ_DTYPE_U8;

	if (!want)
		fail_msg("%s is quantized, and not in torch", name);
	assert_true(t->scale == (float)json_number_value(
			json_object_get(value, "scale")));
	assert_int_equal(t->zero_point + (is_unsigned ? 128 : 0),
			 json_integer_value(json_object_get(value,
							    "zero_point")));
	assert_int_equal(fxq_tensor_count(t), fxq_tensor_count(want));
	for (int64_t i = 0; i < fxq_tensor_count(t); i++) {
		int d = ((int8_t *)t->data)[i] - integer_at(want, i);

		if (abs(d) > is_reference(g))
			fail_msg("%s: element %lld is off by %d", name,
				 (long long)i, d);
		if (d)
			print_message("%s: %s: element %lld is off by %d\n",
				      g->name, name, (long long)i, d);
		g->differ += d != 0;
	}
	g->elements += (size_t)fxq_tensor_count(t);
	g->seen++;
}

static fxv compare_node(struct fx_interpreter *i, struct fx_node *n)
{
	fxv v = fx_interpret_node(i, n);
	const struct fxq_tensor *t = fx_data(v);

	if (t && t->dtype == FXQ_DTYPE_I8)
		assert_value(i->priv, n->name, t);
	return v;
}

static void assert_values(struct golden *g, struct fx_module *gm)
{
	struct fx_interpreter i = { .run_node = compare_node, .priv = g };
	fxv x = fx_gen_of(42, 1, g->net->dims), y = fx_interpret(&i, gm, x);

	if (fx_error(y))
		fail_msg("%s", fx_error(y));
	assert_int_equal(fx_data(y)->dtype, FXQ_DTYPE_F32);
	assert_int_equal(g->seen, json_object_size(
		json_object_get(g->json, "values")));
	assert_true(g->differ * 1000 <= 2 * g->elements);
	fx_release(y);
	fx_release(x);
}

/* Weights */

static int weight_at(const struct fxq_tensor *w,
		     const struct fxq_tensor *scale, int64_t i)
{
	int64_t inner = fxq_tensor_count(w) / w->dims[0];
	float s = ((float *)scale->data)[i / inner % fxq_tensor_count(scale)];

	if (w->dtype == FXQ_DTYPE_I8)
		return ((int8_t *)w->data)[i];
	return fxq_q(((float *)w->data)[i] * (1 / s), 0, -128, 127);
}

static void assert_layers(struct golden *g, struct fx_module *gm)
{
	const char *name;
	json_t *found;

	json_object_foreach(json_object_get(g->json, "layers"), name, found) {
		struct fx_module *m = fx_module_at(gm, name);
		const struct fxq_tensor *w, *scale, *bias, *want;

		assert_non_null(m);
		w = fx_module_tensor(m, "weight");
		scale = fx_module_tensor(m, "weight_scale");
		want = array(&g->arrays, "w_int8__", name);
		assert_int_equal(fxq_tensor_count(w), fxq_tensor_count(want));
		for (int64_t i = 0; i < fxq_tensor_count(w); i++)
			assert_int_equal(weight_at(w, scale, i),
					 integer_at(want, i));
		found = json_object_get(found, "w_scale");
		assert_int_equal(fxq_tensor_count(scale), json_array_size(found));
		for (size_t c = 0; c < json_array_size(found); c++)
			assert_true(((float *)scale->data)[c] == (float)
				json_number_value(json_array_get(found, c)));
		bias = fx_module_tensor(m, "bias");
		want = array(&g->arrays, "b_float__", name);
		assert_int_equal(!bias, !want);
		if (bias)
			assert_memory_equal(bias->data, want->data,
					    fxq_tensor_bytes(bias));
	}
}

static void a_network_is_quantized_as_in_torch(void **state)
{
	struct golden *g = *state;
	struct fx_module *model = fx_eval(g->net->model());
	struct fx_module *fused, *gm, *converted;

	g->arrays = load_arrays(g->name);
	fx_module_fill(model, 1000 + (uint32_t)strlen(g->net->name));
	fused = fuse_fx(model, .backend = &fx_backend_torch);
	assert_code(g, "fused_code", fused);
	gm = prepared(g, model);
	calibrate(g, gm);
	assert_observers(g, gm);
	converted = convert_fx(gm, .is_reference = is_reference(g));
	assert_code(g, "converted_code", converted);
	assert_layers(g, converted);
	assert_values(g, converted);

	fx_module_put(fused);
	fx_module_put(gm);
	fx_module_put(converted);
	fx_module_put(model);
	tensors_free(&g->arrays);
	passed++;
}

/* Observers, rounding, training */

static void observers_find_what_torch_finds(void **state)
{
	assert_golden_observers();
	passed++;
}

static void assert_integers(fxv x, json_t *set, const char *key, int64_t zero,
			    fxv dtype)
{
	double scale = json_number_value(json_object_get(set, "scale"));
	fxv q = fx_quantize_per_tensor(x, fx_value(scale), fx_value(zero),
				       dtype);
	int add = strcmp(key, "quint8") ? 0 : 128;
	json_t *want = json_object_get(set, key);

	if (fx_error(q))
		fail_msg("%s", fx_error(q));
	for (size_t i = 0; i < json_array_size(want); i++)
		assert_int_equal(((int8_t *)fx_data(q)->data)[i] + add,
				 json_integer_value(json_array_get(want, i)));
	fx_release(q);
}

static void quantization_rounds_as_torch_does(void **state)
{
	json_t *root = load("rounding.json"), *set;
	size_t i;

	assert_golden_rounding();
	json_array_foreach(root, i, set) {
		json_t *v = json_object_get(set, "x");
		fxv x = fx_zeros((int64_t)json_array_size(v));
		int64_t zero = integer(set, "zp");

		for (size_t k = 0; k < json_array_size(v); k++)
			((float *)fx_data(x)->data)[k] = (float)
				json_number_value(json_array_get(v, k));
		assert_integers(x, set, "qint8", zero, fx_dtype(qint8));
		assert_integers(x, set, "quint8", zero > 0 ? zero : 0,
				fx_dtype(quint8));
		fx_release(x);
	}
	json_decref(root);
	passed++;
}

/* Within what float32 sums and the statistics of a batch are rounded by. */
static void assert_floats(const struct tensors *arrays, const char *name,
			  const struct fxq_tensor *t)
{
	const struct fxq_tensor *want = array(arrays, name, "");

	assert_int_equal(fxq_tensor_count(t), fxq_tensor_count(want));
	for (int64_t i = 0; i < fxq_tensor_count(t); i++) {
		float a = ((float *)t->data)[i], b = ((float *)want->data)[i];

		if (!(fabsf(a - b) <= 4e-6f * (1 + fabsf(b))))
			fail_msg("%s: element %lld is %.9g, torch's is %.9g",
				 name, (long long)i, (double)a, (double)b);
	}
}

static void assert_step(const struct tensors *arrays, const char *name,
			struct fx_module *layer)
{
	fxv x = fx_gen(5, 1, 2, 3, 6, 6), y = fx_call(layer, x);

	if (fx_error(y))
		fail_msg("%s", fx_error(y));
	assert_floats(arrays, name, fx_data(y));
	fx_release(y);
	fx_release(x);
}

/* Two steps with the batch's statistics, then one with the running ones. */
static void a_layer_trains_as_in_torch(void **state)
{
	struct tensors arrays = load_arrays("bnfold_qat");
	struct fx_module *model = Sequential(Conv2d(3, 4, 3, .padding = 1),
					     BatchNorm2d(4), ReLU());
	struct fx_module_qconfig qconfig = QConfig(
		FakeQuantize(MovingAverageMinMaxObserver(.dtype = "qint8",
			.qscheme = "per_tensor_symmetric")),
		FakeQuantize(MovingAveragePerChannelMinMaxObserver(
			.dtype = "qint8", .quant_min = -127, .quant_max = 127,
			.qscheme = "per_channel_symmetric")));
	struct fx_module *gm, *layer;

	fx_module_fill(model, 77);
	gm = prepare_qat_fx(fx_train(model),
			    fx_qconfig_dict({ "", NULL, &qconfig }),
			    .backend = &fx_backend_torch);
	fx_qconfig_put(&qconfig);
	if (gm->error)
		fail_msg("%s", gm->error);
	layer = fx_module_at(gm, "0");
	assert_string_equal(layer->class->name,
			    "intrinsic.qat.ConvBnReLU2d");
	assert_step(&arrays, "qat_y_train1", layer);
	assert_step(&arrays, "qat_y_train2", layer);
	fx_eval(gm);
	assert_step(&arrays, "qat_y_eval", layer);
	assert_floats(&arrays, "qat_running_mean",
		      fx_module_tensor(layer, "bn.running_mean"));
	assert_floats(&arrays, "qat_running_var",
		      fx_module_tensor(layer, "bn.running_var"));
	assert_floats(&arrays, "qat_w_scale",
		      fx_module_tensor(layer, "weight_fake_quant.scale"));
	fx_module_put(gm);
	fx_module_put(model);
	tensors_free(&arrays);
	passed++;
}

/* Beside what other tests wrote there. */
static int write_counts(void **state)
{
	json_t *root = json_load_file(GOLDEN_JSON, 0, NULL);

	if (!json_is_object(root)) {
		json_decref(root);
		root = json_object();
	}
	json_object_set_new(root, "quant", json_pack("{s:I, s:I}",
		"passed", (json_int_t)passed, "total", (json_int_t)41));
	json_dump_file(root, GOLDEN_JSON, JSON_INDENT(2));
	json_decref(root);
	return 0;
}

static bool load_golden(struct golden *g, const struct golden_quant_net *net,
			const char *config)
{
	char path[512];

	*g = (struct golden){ .net = net, .config = config };
	snprintf(g->name, sizeof(g->name), "%s__%s", net->name, config);
	snprintf(path, sizeof(path), "%s/%s.json", GOLDEN_QUANT, g->name);
	g->json = json_load_file(path, 0, NULL);
	return g->json != NULL;
}

int main(void)
{
	static struct golden goldens[N_NETS * N_CONFIGS];
	struct CMUnitTest tests[N_NETS * N_CONFIGS + 3] = {
		cmocka_unit_test(observers_find_what_torch_finds),
		cmocka_unit_test(quantization_rounds_as_torch_does),
		cmocka_unit_test(a_layer_trains_as_in_torch),
	};
	size_t n = 0;
	int ret;

	for (size_t i = 0; i < N_NETS; i++) {
		for (size_t k = 0; k < N_CONFIGS; k++) {
			if (!load_golden(&goldens[n], nets[i], configs[k]))
				continue;
			tests[3 + n] = (struct CMUnitTest){
				.name = goldens[n].name,
				.test_func = a_network_is_quantized_as_in_torch,
				.initial_state = &goldens[n],
			};
			n++;
		}
	}
	ret = _cmocka_run_group_tests("golden_verbs", tests, 3 + n, NULL,
				      write_counts);
	while (n)
		json_decref(goldens[--n].json);
	return ret;
}
