// SPDX-License-Identifier: MIT
/*
 * test_golden_front.c - what fxq finds before there are integers is torch's
 *
 * The networks that torch quantized are built in floats, with the same
 * parameters, and go through fuse, calibration on the same three batches and
 * convert. Scales, zero points, folded weights and quantized weights are
 * compared with torch's, where both define them alike:
 *
 * - Activations: torch's affine min-max observers of qnnpack_minmax_pc. Torch
 *   lets the result of a pooling keep the scale of its input, and gives a
 *   sigmoid 1/256; fxq observes both, so these are left out. The parts of a
 *   concatenation take its scale in torch's prepare, in fxq's convert.
 * - Weights: fxq's range is [-127, 127], scale max / 127, which is that of the
 *   reference configurations. The qnnpack ones use [-128, 127] and divide by
 *   127.5; fxq takes such weights when they are imported, as test_golden_quant
 *   does.
 * - Bias: b / (s_x * s_w) of torch's folded b, torch's s_w and the s_x above.
 *   No run of torch has that pair of scales, so the rounding is done here.
 */
#include <float.h>
#include <unistd.h>

#include "golden_quant.h"

#define MAX_PARAMS	16

/* The generator behind parameters and inputs: s * 1664525 + 1013904223. */
static void golden_gen(float *x, int64_t n, uint32_t seed, float scale)
{
	for (int64_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		x[i] = ((float)((seed >> 16) & 0xff) - 128) / 64 * scale;
	}
}

/* A parameter or buffer of a module, in the order of names. */
struct param {
	char name[48];
	int64_t n;
	float *data;
};

struct params {
	struct param v[MAX_PARAMS];
	size_t n;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct param *)a)->name,
		      ((const struct param *)b)->name);
}

static void add_param(struct params *p, const char *module, const char *what,
		      int64_t n)
{
	struct param *v = &p->v[p->n++];

	assert_true(p->n <= MAX_PARAMS);
	snprintf(v->name, sizeof(v->name), "%s.%s", module, what);
	v->n = n;
	v->data = calloc((size_t)n, sizeof(float));
}

static const float *param(const struct params *p, const char *module,
			  const char *what)
{
	char name[48];

	snprintf(name, sizeof(name), "%s.%s", module, what);
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->v[i].name, name))
			return p->v[i].data;
	return NULL;
}

static void free_params(struct params *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].data);
}

static void fill_buffer(struct param *v, uint32_t seed, uint32_t i)
{
	if (strstr(v->name, "running_mean"))
		golden_gen(v->data, v->n, seed + 5000 + i, 0.25f);
	if (!strstr(v->name, "running_var"))
		return;
	golden_gen(v->data, v->n, seed + 6000 + i, 0.125f);
	for (int64_t k = 0; k < v->n; k++)
		v->data[k] = fabsf(v->data[k]) + 0.5f;
}

/* Parameters and buffers, each numbered and filled as README.md says. */
static void fill(const struct golden *gold, struct params *p, struct params *b)
{
	const struct golden_net *net = gold->net;
	uint32_t seed = 1000 + (uint32_t)strlen(net->name);

	for (int i = 0; i < golden_steps(net); i++) {
		const struct step *s = &net->steps[i];
		const struct fxq_tensor *w;

		if (!s->layer)
			continue;
		w = golden_param(gold, "w_int8", s->layer);
		add_param(p, s->layer, "weight", fxq_tensor_count(w));
		if (!s->no_bias)
			add_param(p, s->layer, "bias", w->dims[0]);
		if (!s->bn)
			continue;
		add_param(p, s->bn, "weight", w->dims[0]);
		add_param(p, s->bn, "bias", w->dims[0]);
		add_param(b, s->bn, "num_batches_tracked", 1);
		add_param(b, s->bn, "running_mean", w->dims[0]);
		add_param(b, s->bn, "running_var", w->dims[0]);
	}
	qsort(p->v, p->n, sizeof(*p->v), by_name);
	qsort(b->v, b->n, sizeof(*b->v), by_name);
	for (uint32_t i = 0; i < p->n; i++)
		golden_gen(p->v[i].data, p->v[i].n, seed + 101 * i, 0.25f);
	for (uint32_t i = 0; i < b->n; i++)
		fill_buffer(&b->v[i], seed, i);
}

static struct fx_node *constant(struct fx_graph *g, uint32_t rank,
				const int64_t *dims, const float *data)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, rank, dims);

	t.data = (void *)data;
	return data ? fx_graph_constant(g, "const", &t) : NULL;
}

static struct fx_node *call(struct fx_graph *g, const char *op,
			    struct fx_node *x, const char *key,
			    struct fx_arg value)
{
	const struct fx_kwarg k = { key, value };

	return fx_graph_call(g, op, &x, 1, &k, key != NULL);
}

static struct fx_node *make_layer(struct fx_graph *g, const struct golden *gold,
				  const struct step *s, const struct params *p,
				  const struct params *b, struct fx_node *x)
{
	const struct fxq_tensor *w = golden_param(gold, "w_int8", s->layer);
	const struct fx_kwarg k[] = {
		{ "stride", fx_arg_int(s->stride) },
		{ "padding", fx_arg_int(s->pad) },
		{ "groups", fx_arg_int(s->groups) },
	};
	struct fx_node *in[5] = { x };

	in[1] = constant(g, w->rank, w->dims, param(p, s->layer, "weight"));
	in[2] = constant(g, 1, w->dims, param(p, s->layer, "bias"));
	if (s->kind == STEP_LINEAR)
		return fx_graph_call(g, "linear", in, 3, NULL, 0);
	in[0] = fx_graph_call(g, "conv2d", in, 3, k, 3);
	if (!s->bn)
		return in[0];
	in[1] = constant(g, 1, w->dims, param(p, s->bn, "weight"));
	in[2] = constant(g, 1, w->dims, param(p, s->bn, "bias"));
	in[3] = constant(g, 1, w->dims, param(b, s->bn, "running_mean"));
	in[4] = constant(g, 1, w->dims, param(b, s->bn, "running_var"));
	return fx_graph_call(g, "batch_norm", in, 5, NULL, 0);
}

static struct fx_node *make_step(struct fx_graph *g, const struct golden *gold,
				 const struct step *s, const struct params *p,
				 const struct params *b, struct fx_node **in)
{
	static const float one = 1;

	switch (s->kind) {
	case STEP_CONV:
	case STEP_LINEAR:
		return make_layer(g, gold, s, p, b, in[0]);
	case STEP_ADD:
		return fx_graph_call(g, "add", in, 2, NULL, 0);
	case STEP_CONCAT:
		return fx_graph_call(g, "concat", in, 2, &(struct fx_kwarg){
			"dim", fx_arg_int(1) }, 1);
	case STEP_MAX_POOL:
		return call(g, "max_pool2d", in[0], "kernel_size",
			    fx_arg_int(2));
	case STEP_MEAN:
		return call(g, "adaptive_avg_pool2d", in[0], "output_size",
			    fx_arg_ints(g, (int64_t[]){ 1, 1 }, 2));
	case STEP_FLATTEN:
		return call(g, "flatten", in[0], "start_dim", fx_arg_int(1));
	case STEP_SIGMOID:
		return call(g, "sigmoid", in[0], NULL, fx_arg_int(0));
	case STEP_TIMES_ONE:
		in[1] = constant(g, 0, NULL, &one);
		return fx_graph_call(g, "mul", in, 2, NULL, 0);
	}
	return NULL;
}

/* The float network, all values as its outputs. */
static struct fx_graph *make_graph(const struct golden *gold)
{
	const struct golden_net *net = gold->net;
	struct fx_graph *g = fx_graph_new();
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, net->rank,
					      net->dims);
	struct fx_node *value[MAX_STEPS + 1];
	struct params p = { .n = 0 }, b = { .n = 0 };
	int n = golden_steps(net);

	fill(gold, &p, &b);
	value[0] = fx_graph_placeholder(g, "x", &t);
	for (int i = 0; i < n; i++) {
		const struct step *s = &net->steps[i];
		struct fx_node *in[2] = { value[s->in[0]], value[s->in[1]] };

		value[i + 1] = make_step(g, gold, s, &p, &b, in);
		if (s->relu)
			value[i + 1] = call(g, "relu", value[i + 1], NULL,
					    fx_arg_int(0));
	}
	fx_graph_set_output(g, value, (size_t)n + 1);
	if (fx_graph_infer(g) || fx_fuse(g))
		fail_msg("%s: %s", net->name, fx_graph_error(g));
	free_params(&p);
	free_params(&b);
	return g;
}

/* Calibrated on the three batches of the goldens. */
static struct fx_calibration *calibrate(struct fx_graph *g,
					const struct golden *gold,
					const struct fx_qconfig *config)
{
	static const float scale[] = { 1, 0.5f, 1 };
	struct fx_calibration *cal;
	struct fxq_tensor x = fxq_tensor_type(FXQ_DTYPE_F32, gold->net->rank,
					      gold->net->dims);

	assert_int_equal(fxq_tensor_alloc(&x), 0);
	assert_int_equal(fx_calibration_begin(g, config, &cal), 0);
	for (uint32_t i = 0; i < 3; i++) {
		golden_gen(x.data, fxq_tensor_count(&x), 42 + i, scale[i]);
		if (!i)
			assert_memory_equal(x.data,
					    tensors_find(&gold->npz, "x")->data,
					    fxq_tensor_bytes(&x));
		if (fx_calibration_feed(cal, &x, 1, 1))
			fail_msg("%s: %s", gold->net->name, fx_graph_error(g));
	}
	fxq_tensor_free(&x);
	return cal;
}

/* Activations */

/* Does torch observe this value, rather than take its scale from elsewhere? */
static bool is_observed(const struct golden *gold, int i)
{
	enum step_kind kind = i ? gold->net->steps[i - 1].kind : STEP_CONV;

	if (i && i < golden_steps(gold->net) &&
	    gold->net->steps[2].kind == STEP_CONCAT)
		return false;
	if (kind == STEP_FLATTEN)
		return !strcmp(gold->net->name, "tiny");
	return kind == STEP_CONV || kind == STEP_LINEAR || kind == STEP_ADD ||
	       kind == STEP_CONCAT;
}

/* The scales that fx_calibration_save() writes. */
static json_t *scales_of(const struct fx_calibration *cal)
{
	char path[] = "/tmp/fxq-golden-XXXXXX";
	int fd = mkstemp(path);
	json_t *root;

	assert_true(fd >= 0);
	assert_int_equal(fx_calibration_save(cal, path), 0);
	root = json_load_file(path, 0, NULL);
	assert_non_null(root);
	close(fd);
	unlink(path);
	return root;
}

static int ulps(float a, float b)
{
	int32_t i, k;

	memcpy(&i, &a, 4);
	memcpy(&k, &b, 4);
	return abs(i - k);
}

/* Ranges end in float sums, which are rounded in torch's order. */
static void check_activations(const struct golden *gold, struct fx_graph *g,
			      const struct fx_calibration *cal, int *equal,
			      int *near)
{
	const struct fx_arg *out = fx_graph_output(g)->args;
	json_t *scales = scales_of(cal);

	if (out->kind != FX_ARG_NODE)
		out = out->items;
	for (int i = 0; i <= golden_steps(gold->net); i++) {
		struct golden_qparams want = golden_qparams(gold, i);
		json_t *own = json_object_get(scales, out[i].node->name);
		float scale = (float)json_number_value(
			json_object_get(own, "scale"));

		assert_non_null(own);
		if (!is_observed(gold, i))
			continue;
		assert_int_equal(json_integer_value(
			json_object_get(own, "zero_point")), want.zero_point);
		*equal += scale == want.scale;
		*near += scale != want.scale;
		assert_true(ulps(scale, want.scale) <= 2);
	}
	json_decref(scales);
}

static void activations_have_torchs_scales(void **state)
{
	struct fx_qconfig config = { .observer = FX_OBSERVER_MIN_MAX };
	int equal = 0, near = 0;

	for (size_t i = 0; i < GOLDEN_NETS; i++) {
		struct golden gold = golden_load(&golden_nets[i],
						 "qnnpack_minmax_pc");
		struct fx_graph *g = make_graph(&gold);
		struct fx_calibration *cal = calibrate(g, &gold, &config);

		check_activations(&gold, g, cal, &equal, &near);
		fx_calibration_free(cal);
		fx_graph_free(g);
		golden_free(&gold);
	}
	print_message("%d scales equal, %d near\n", equal, near);
	assert_true(!near && equal > 20);
}

/* Weights */

static struct fx_node *next_layer(struct fx_node *n)
{
	while (n && !fx_node_is(n, "qconv2d") && !fx_node_is(n, "qlinear"))
		n = n->next;
	return n;
}

struct findings {
	size_t weights, weights_differ, scales, scales_differ;
	size_t biases, biases_differ;
};

/* In m, or in the scale of 32-bit sums, s_w stands multiplied. */
static void check_scales(const struct golden *gold, const struct step *s,
			 struct fx_node *layer, struct findings *f)
{
	const struct fxq_tensor *b = golden_param(gold, "b_float", s->layer);
	const int32_t *bias = fx_node_in(layer, 2)->out[0].data;
	float s_x = fx_node_in(layer, 0)->out[0].scale;
	float s_y = layer->out[0].scale;
	const float *m;

	if (fx_node_int(layer, "raw", 0)) {
		m = fx_node_in(layer->next->next, 1)->out[0].data;
		s_y = 1;
	} else {
		m = fx_node_in(layer, 3)->out[0].data;
	}
	for (int64_t c = 0; c < fx_node_in(layer, 2)->out[0].dims[0]; c++) {
		float s_w = golden_weight_scale(gold, s->layer, c);
		double want = b ? (double)((float *)b->data)[c] /
			      (double)(s_x * s_w) : 0;

		f->scales++;
		f->scales_differ += m[c] != (s_x * s_w) / s_y;
		f->biases++;
		f->biases_differ += bias[c] != (int32_t)nearbyint(want);
	}
}

static void check_weights(const struct golden *gold, const struct step *s,
			  struct fx_node *layer, struct findings *f)
{
	const struct fxq_tensor *w = golden_param(gold, "w_int8", s->layer);
	const struct fxq_tensor *own = &fx_node_in(layer, 1)->out[0];

	assert_int_equal(fxq_tensor_count(own), fxq_tensor_count(w));
	for (int64_t i = 0; i < fxq_tensor_count(w); i++)
		f->weights_differ += ((int8_t *)w->data)[i] !=
				     ((int8_t *)own->data)[i];
	f->weights += (size_t)fxq_tensor_count(w);
}

static struct findings convert_all(const char *golden_config, bool per_tensor)
{
	struct fx_qconfig config = { .per_tensor_weights = per_tensor };
	struct findings f = { 0 };

	for (size_t i = 0; i + 1 < GOLDEN_NETS; i++) {
		struct golden gold = golden_load(&golden_nets[i],
						 golden_config);
		struct fx_graph *g = make_graph(&gold), *q;
		struct fx_calibration *cal = calibrate(g, &gold, &config);
		struct findings was = f;
		struct fx_node *layer;

		if (fx_convert(g, cal, &config, &q))
			fail_msg("%s: %s", gold.net->name, fx_graph_error(g));
		layer = next_layer(fx_graph_first(q));
		for (int k = 0; k < golden_steps(gold.net); k++) {
			if (!gold.net->steps[k].layer)
				continue;
			assert_non_null(layer);
			check_weights(&gold, &gold.net->steps[k], layer, &f);
			check_scales(&gold, &gold.net->steps[k], layer, &f);
			layer = next_layer(layer->next);
		}
		assert_null(layer);
		print_message("%-16s %-15s differ: %zu of %zu weights, %zu of %zu scales, %zu of %zu biases\n",
			      golden_config, gold.net->name,
			      f.weights_differ - was.weights_differ,
			      f.weights - was.weights,
			      f.scales_differ - was.scales_differ,
			      f.scales - was.scales,
			      f.biases_differ - was.biases_differ,
			      f.biases - was.biases);
		fx_graph_free(q);
		fx_calibration_free(cal);
		fx_graph_free(g);
		golden_free(&gold);
	}
	return f;
}

static void assert_equal(struct findings f)
{
	assert_true(f.weights > 1000 && f.scales > 50 && f.biases > 50);
	assert_int_equal(f.weights_differ, 0);
	assert_int_equal(f.scales_differ, 0);
	assert_int_equal(f.biases_differ, 0);
}

static void per_channel_weights_are_torchs(void **state)
{
	assert_equal(convert_all("sym_int8_ref", false));
}

static void per_tensor_weights_are_torchs(void **state)
{
	assert_equal(convert_all("sym_int8_ref_pt", true));
}

/* Folding a batch norm */

static struct fx_node *stored(struct fx_graph *g, const struct tensors *npz,
			      const char *name)
{
	const struct fxq_tensor *t = tensors_find(npz, name);

	assert_non_null(t);
	return fx_graph_constant(g, name, t);
}

static struct fx_graph *make_conv_bn(const struct tensors *npz)
{
	struct fx_kwarg padding = { "padding", fx_arg_int(1) };
	struct fx_graph *g = fx_graph_new();
	struct fx_node *in[5];

	in[0] = fx_graph_placeholder(g, "x", tensors_find(npz, "x"));
	in[1] = stored(g, npz, "w");
	in[2] = stored(g, npz, "b");
	in[0] = fx_graph_call(g, "conv2d", in, 3, &padding, 1);
	in[1] = stored(g, npz, "gamma");
	in[2] = stored(g, npz, "beta");
	in[3] = stored(g, npz, "mean");
	in[4] = stored(g, npz, "var");
	in[0] = fx_graph_call(g, "batch_norm", in, 5, NULL, 0);
	fx_graph_set_output(g, in, 1);
	if (fx_graph_infer(g) || fx_fuse(g))
		fail_msg("%s", fx_graph_error(g));
	return g;
}

static void assert_same(const struct tensors *npz, const char *name,
			const struct fx_node *n)
{
	const struct fxq_tensor *t = tensors_find(npz, name);

	assert_int_equal(fxq_tensor_bytes(t), fxq_tensor_bytes(&n->out[0]));
	assert_memory_equal(t->data, n->out[0].data, fxq_tensor_bytes(t));
}

static float max_error(const struct tensors *npz, const char *name,
		       const struct fxq_tensor *y)
{
	const float *want = tensors_find(npz, name)->data, *got = y->data;
	float max = 0;

	for (int64_t i = 0; i < fxq_tensor_count(y); i++)
		max = fmaxf(max, fabsf(want[i] - got[i]));
	return max;
}

static void a_folded_batch_norm_has_torchs_weights(void **state)
{
	struct fx_node *conv;
	struct fxq_tensor y;
	struct fx_graph *g;
	struct tensors npz;

	golden_npz("bn_fold", &npz);
	g = make_conv_bn(&npz);
	conv = fx_graph_output(g)->args[0].kind == FX_ARG_NODE ?
	       fx_graph_output(g)->args[0].node :
	       fx_graph_output(g)->args[0].items[0].node;
	assert_true(fx_node_is(conv, "conv2d"));
	assert_same(&npz, "w_fold", fx_node_in(conv, 1));
	/*
	 * b * a + (beta - mean * a), where torch has (b - mean) * a + beta:
	 * three roundings each, of values below 1.
	 */
	assert_true(max_error(&npz, "b_fold", &fx_node_in(conv, 2)->out[0]) <=
		    3 * FLT_EPSILON);
	assert_int_equal(fx_graph_run(g, NULL, tensors_find(&npz, "x"), 1, &y, 1),
			 0);
	print_message("largest error: %g of the folded, %g of both\n",
		      (double)max_error(&npz, "y_fold", &y),
		      (double)max_error(&npz, "y_bn", &y));
	/* 28 rounded sums of values below 4: torch itself is off by 3.6e-7. */
	assert_true(max_error(&npz, "y_bn", &y) <= 4 * FLT_EPSILON * 4);
	fxq_tensor_free(&y);
	fx_graph_free(g);
	tensors_free(&npz);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(activations_have_torchs_scales),
		cmocka_unit_test(per_channel_weights_are_torchs),
		cmocka_unit_test(per_tensor_weights_are_torchs),
		cmocka_unit_test(a_folded_batch_norm_has_torchs_weights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
