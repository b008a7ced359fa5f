// SPDX-License-Identifier: MIT
/*
 * test_unfold.c - attention as the layers and products that prepare observes
 *
 * Observers change nothing, so what prepare makes of a model gives the model's
 * bits. That the integers which follow are the device's is for
 * test_verbs_device.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/quantize_fx.h>

FX_MODULE(Self, module(attn, MultiheadAttention(8, 2, .batch_first = true)))
FX_FORWARD(Self, x)
{
	return fx_getitem(fx_call(self->attn, x, x, x), 0);
}

/* Its other order of dimensions, without biases, and the weights of all heads. */
FX_MODULE(Weights, module(attn, MultiheadAttention(8, 4, .bias = false)))
FX_FORWARD(Weights, x)
{
	fxv y, weights;

	fx_unpack(fx_call(self->attn, x, x, x), &y, &weights);
	return fx_tuple(y, weights);
}

FX_MODULE(Masked, module(attn, MultiheadAttention(8, 2, .batch_first = true)),
	  parameter(mask, fx_full(-0.5f, 3, 3)))
FX_FORWARD(Masked, x)
{
	return fx_getitem(fx_call(self->attn, x, x, x, fx_none,
				  fx_of_bool(false), self->mask), 0);
}

FX_MODULE(Padded, module(attn, MultiheadAttention(8, 2)))
FX_FORWARD(Padded, x)
{
	return fx_getitem(fx_call(self->attn, x, x, x, x), 0);
}

static struct fx_module *prepared(struct fx_module *m, bool qat)
{
	struct fx_module_qconfig qconfig = get_default_qconfig();
	const struct fx_qconfig_item *dict =
		fx_qconfig_dict({ "", NULL, &qconfig });
	struct fx_module *gm = qat ? prepare_qat_fx(m, dict) :
				     prepare_calibration_fx(m, dict);

	fx_qconfig_put(&qconfig);
	return gm;
}

static void assert_same(fxv a, fxv b)
{
	if (fx_error(a) || fx_error(b))
		fail_msg("%s", fx_error(a) ? fx_error(a) : fx_error(b));
	assert_int_equal(fx_tuple_count(a), fx_tuple_count(b));
	for (size_t i = 0; i < fx_tuple_count(a); i++) {
		const struct fxq_tensor *s = fx_data(fx_tuple_item(a, i));
		const struct fxq_tensor *t = fx_data(fx_tuple_item(b, i));

		assert_int_equal(s->rank, t->rank);
		assert_memory_equal(s->dims, t->dims,
				    s->rank * sizeof(*s->dims));
		assert_memory_equal(s->data, t->data, fxq_tensor_bytes(s));
	}
}

static void it_computes_what_it_did(void **state)
{
	struct fx_module *(*const models[])(void) = { Self, Weights, Masked };

	for (size_t i = 0; i < sizeof(models) / sizeof(*models); i++) {
		struct fx_module *m = fx_eval(models[i]()), *gm;
		fxv x = fx_gen(3, 1, 2, 3, 8), a, b;

		fx_module_fill(m, 5);
		gm = prepared(m, false);
		a = fx_call(m, x);
		b = fx_call(gm, x);
		assert_same(a, b);
		assert_int_equal(fx_graph_lint(gm->graph), 0);
		fx_release(x);
		fx_release(a);
		fx_release(b);
		fx_module_put(gm);
		fx_module_put(m);
	}
}

/* A layer each, of the weights that it had; the model has its module still. */
static void projections_are_layers(void **state)
{
	struct fx_module *m = fx_eval(Self()), *gm, *layer;
	const struct fxq_tensor *all, *part;

	fx_module_fill(m, 5);
	gm = prepared(m, false);
	all = fx_module_tensor(m, "attn.in_proj_weight");
	assert_non_null(all);
	part = fx_module_tensor(gm, "attn.v_proj.weight");
	assert_memory_equal(part->data,
			    (const char *)all->data + 2 * fxq_tensor_bytes(part),
			    fxq_tensor_bytes(part));
	layer = fx_module_at(gm, "attn.q_proj");
	assert_string_equal(layer->class->name, "Linear");
	assert_string_equal(fx_module_at(gm, "attn.out_proj")->class->name,
			    "Linear");
	assert_null(fx_module_tensor(gm, "attn.in_proj_weight"));
	fx_module_put(gm);
	fx_module_put(m);
}

static void it_trains_with_the_error_of_its_weights(void **state)
{
	struct fx_module *m = fx_train(Self()), *gm;

	fx_module_fill(m, 5);
	gm = prepared(m, true);
	if (gm->error)
		fail_msg("%s", gm->error);
	for (int i = 0; i < 4; i++) {
		static const char *const names[] = {
			"q_proj", "k_proj", "v_proj", "out_proj" };
		char path[40];

		snprintf(path, sizeof(path), "attn.%s.weight_fake_quant",
			 names[i]);
		assert_non_null(fx_module_at(gm, path));
	}
	fx_module_put(gm);
	fx_module_put(m);
}

static void what_it_does_not_offer_is_told(void **state)
{
	struct fx_module *m = fx_eval(Padded()), *gm = prepared(m, false);

	assert_non_null(gm->error);
	assert_non_null(strstr(gm->error, "key_padding_mask is not offered; give attn_mask"));
	fx_module_put(gm);
	fx_module_put(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_computes_what_it_did),
		cmocka_unit_test(projections_are_layers),
		cmocka_unit_test(it_trains_with_the_error_of_its_weights),
		cmocka_unit_test(what_it_does_not_offer_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
