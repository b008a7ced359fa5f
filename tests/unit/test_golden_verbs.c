// SPDX-License-Identifier: MIT
/*
 * test_golden_verbs.c - models quantized by verbs come out as torch's do
 *
 * tests/golden/quant has networks in C beside what torch's fuse_fx, prepare_fx
 * and convert_fx made of them in Python: the code of the graph after each, to
 * the character.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include <fxq/quantize_fx.h>

#include "../golden/quant/golden.h"

#define X(name) extern const struct golden_quant_net golden_quant_##name;
GOLDEN_QUANT_NETS(X)
#undef X

static const struct golden_quant_net *const nets[] = {
#define X(name) &golden_quant_##name,
	GOLDEN_QUANT_NETS(X)
#undef X
};
#define N_NETS	(sizeof(nets) / sizeof(*nets))

static const char *const configs[] = {
	"qnnpack_default", "qnnpack_minmax_pc", "sym_int8_ref",
	"sym_int8_ref_pt",
};
#define N_CONFIGS	(sizeof(configs) / sizeof(*configs))

/* One file of the goldens. */
struct golden {
	char name[64];
	const struct golden_quant_net *net;
	const char *config;
	json_t *json;
};

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

static void a_network_is_quantized_as_in_torch(void **state)
{
	struct golden *g = *state;
	struct fx_module *model = fx_eval(g->net->model()), *fused, *gm;
	struct fx_module *converted;
	uint32_t seed = 1000 + (uint32_t)strlen(g->net->name);

	fx_module_fill(model, seed);
	fused = fuse_fx(model, .backend = &fx_backend_torch);
	assert_code(g, "fused_code", fused);
	fx_module_put(fused);
	gm = prepared(g, model);
	calibrate(g, gm);
	converted = convert_fx(gm, .is_reference =
			       strstr(g->config, "ref") != NULL);
	assert_code(g, "converted_code", converted);
	assert_observers(g, gm);
	fx_module_put(converted);
	fx_module_put(gm);
	fx_module_put(model);
}

static bool load(struct golden *g, const struct golden_quant_net *net,
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
	struct CMUnitTest tests[N_NETS * N_CONFIGS];
	size_t n = 0;
	int ret;

	for (size_t i = 0; i < N_NETS; i++) {
		for (size_t k = 0; k < N_CONFIGS; k++) {
			if (!load(&goldens[n], nets[i], configs[k]))
				continue;
			tests[n] = (struct CMUnitTest){
				.name = goldens[n].name,
				.test_func = a_network_is_quantized_as_in_torch,
				.initial_state = &goldens[n],
			};
			n++;
		}
	}
	ret = _cmocka_run_group_tests("golden_verbs", tests, n, NULL, NULL);
	while (n)
		json_decref(goldens[--n].json);
	return ret;
}
