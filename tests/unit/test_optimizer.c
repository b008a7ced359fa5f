// SPDX-License-Identifier: MIT
/*
 * test_optimizer.c - optimizers and schedules, against torch's numbers
 *
 * Those are of version 1.13, float32. Its loops may fuse a product with a sum,
 * so the last bit can differ.
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

#include <fxq/train.h>

/* Optimizers */

FX_MODULE(Weights, parameter(w, fx_tensor(1, -2, 0.5, 3)))
FX_NO_FORWARD(Weights)

struct trained {
	struct fx_module *model;
	struct fx_tape *tape;
	struct fx_optimizer *optimizer;
	struct fx_parameter *p;
};

static struct trained trained_new(const struct fx_optim *options)
{
	struct trained t = { .model = Weights() };
	size_t n;

	t.tape = fx_tape_new(t.model, 1);
	t.optimizer = fx_optimizer_new(t.tape, options);
	t.p = (struct fx_parameter *)fx_tape_parameters(t.tape, &n);
	assert_int_equal(n, 1);
	assert_string_equal(t.p->key, "w");
	return t;
}

static void trained_free(struct trained *t)
{
	fx_optimizer_free(t->optimizer);
	fx_tape_free(t->tape);
	fx_module_put(t->model);
}

static void step_with(struct trained *t, int i)
{
	static const float base[] = { 0.1f, -0.3f, 0.25f, 1.0f };
	float g[4];

	for (int k = 0; k < 4; k++)
		g[k] = base[k] * (i + 1) - 0.2f;
	t->p->grad.data = g;
	fx_optimizer_step(t->optimizer, 1);
	t->p->grad.data = NULL;
}

static void optimizers_do_what_torch_does(void **state)
{
	static const struct {
		struct fx_optim options;
		float wanted[4];
	} cases[] = {
		{ { FX_SGD, .lr = 0.1 },
		  { 0.949999988, -1.45000005, 0.224999979, 1.5999999 } },
		{ { FX_SGD, .lr = 0.1, .momentum = 0.9, .weight_decay = 0.01 },
		  { 0.93262434, -0.761936247, -0.0356065743, 0.0576733649 } },
		{ { FX_SGD, .lr = 0.1, .momentum = 0.9, .weight_decay = 0.01,
		    .nesterov = true },
		  { 0.884338498, -0.328874052, -0.258469671, -1.05631697 } },
		{ { FX_ADAM, .lr = 0.1, .weight_decay = 0.01 },
		  { 1.00460923, -1.50594544, 0.0445303544, 2.51852417 } },
		{ { FX_ADAMW, .lr = 0.1, .weight_decay = 0.01, .beta1 = 0.8,
		    .beta2 = 0.95, .eps = 1e-6 },
		  { 0.997959197, -1.48925126, 0.0283477455, 2.4937222 } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct trained t = trained_new(&cases[i].options);
		const float *w = t.p->value->data;

		for (int step = 0; step < 5; step++)
			step_with(&t, step);
		for (int k = 0; k < 4; k++)
			assert_true(fabsf(w[k] - cases[i].wanted[k]) < 1e-6f);
		trained_free(&t);
	}
}

static void biases_need_not_decay(void **state)
{
	const struct fx_optim options = {
		FX_SGD, .lr = 1, .weight_decay = 0.5, .decay_matrices = true,
	};
	struct trained t = trained_new(&options);
	const float *w = t.p->value->data;

	t.p->grad.data = (float[4]){ 0 };
	fx_optimizer_step(t.optimizer, 1);
	assert_true(w[0] == 1 && w[3] == 3);
	trained_free(&t);
}

static void a_parameter_without_gradient_stays(void **state)
{
	struct trained t = trained_new(&(struct fx_optim){ FX_ADAM, .lr = 1 });

	fx_optimizer_step(t.optimizer, 1);
	assert_true(((float *)t.p->value->data)[1] == -2);
	trained_free(&t);
}

static void senseless_options_are_refused(void **state)
{
	static const struct {
		struct fx_optim options;
		const char *wanted;
	} cases[] = {
		{ { FX_SGD }, "the learning rate is 0; it must be above 0" },
		{ { FX_SGD, .lr = NAN },
		  "the learning rate is nan; it must be above 0" },
		{ { FX_SGD, .lr = 1, .momentum = 1 },
		  "momentum 1, betas 0.9 and 0.999: each is at least 0 and below 1" },
		{ { FX_SGD, .lr = 1, .nesterov = true },
		  "Nesterov's momentum needs one above 0" },
		{ { FX_ADAM, .lr = 1, .weight_decay = -1 },
		  "the weight decay is -1; it is 0 or more" },
		{ { FX_ADAM, .lr = 1, .eps = -1 },
		  "eps is -1; it must be above 0" },
	};
	struct fx_module *model = Weights();
	struct fx_tape *tape = fx_tape_new(model, 1);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_null(fx_optimizer_new(tape, &cases[i].options));
		assert_string_equal(fx_tape_error(tape), cases[i].wanted);
	}
	fx_tape_free(tape);
	fx_module_put(model);
}

/* What an optimizer goes on with, in the order of its walk. */
struct kept {
	float floats[16];
	int64_t step;
	size_t n;
	bool fill;
};

static int keep(const char *key, struct fxq_tensor *t, void *ctx)
{
	struct kept *kept = ctx;
	size_t bytes = fxq_tensor_bytes(t);
	void *at = kept->floats + kept->n;

	if (t->dtype == FXQ_DTYPE_I64) {
		assert_string_equal(key, "step");
		at = &kept->step;
	} else {
		kept->n += fxq_tensor_count(t);
	}
	memcpy(kept->fill ? t->data : at, kept->fill ? at : t->data, bytes);
	return 0;
}

static void an_optimizer_goes_on_where_another_stopped(void **state)
{
	const struct fx_optim options = { FX_ADAMW, .lr = 0.1,
					  .weight_decay = 0.01 };
	struct trained a = trained_new(&options), b = trained_new(&options);
	struct kept kept = { 0 };

	for (int i = 0; i < 3; i++)
		step_with(&a, i);
	fx_optimizer_each_tensor(a.optimizer, keep, &kept);
	assert_int_equal(kept.n, 8);
	assert_int_equal(kept.step, 3);

	kept.fill = true;
	kept.n = 0;
	fx_optimizer_each_tensor(b.optimizer, keep, &kept);
	memcpy(b.p->value->data, a.p->value->data, 4 * sizeof(float));
	step_with(&a, 3);
	step_with(&b, 3);
	assert_memory_equal(a.p->value->data, b.p->value->data,
			    4 * sizeof(float));
	trained_free(&a);
	trained_free(&b);
}

/* Schedules */

static void schedules_are_torchs(void **state)
{
	static const double one_cycle[] = {
		0.04, 0.131671843, 0.371671843, 0.668328157, 0.908328157, 1,
		0.987464006, 0.950484632, 0.890916178, 0.811745654,
		0.716943002, 0.611262022, 0.500002, 0.388741978, 0.283060998,
		0.188258346, 0.109087822, 0.049519368, 0.0125399938, 4e-06,
	};
	static const double cosine[] = {
		1, 0.975528258, 0.904508497, 0.793892626, 0.654508497, 0.5,
		0.345491503, 0.206107374, 0.0954915028, 0.0244717419,
	};
	struct fx_schedule s = { FX_ONE_CYCLE, 20 };

	for (int i = 0; i < 20; i++)
		assert_true(fabs(fx_schedule_at(&s, i) - one_cycle[i]) < 1e-8);
	s = (struct fx_schedule){ FX_COSINE, 10 };
	for (int i = 0; i < 10; i++)
		assert_true(fabs(fx_schedule_at(&s, i) - cosine[i]) < 1e-8);
}

static void a_schedule_warms_up_and_ends(void **state)
{
	struct fx_schedule s = { FX_CONSTANT, 100, .warmup = 0.1 };

	assert_true(fx_schedule_at(&s, 0) == 0.1);
	assert_true(fx_schedule_at(&s, 9) == 1);
	assert_true(fx_schedule_at(&s, 50) == 1);
	s = (struct fx_schedule){ FX_COSINE, 100, .warmup = 0.1, .last = 0.5 };
	assert_true(fx_schedule_at(&s, 10) == 1);
	assert_true(fx_schedule_at(&s, 99) < 0.51);
	assert_true(fx_schedule_at(&s, 1000) == fx_schedule_at(&s, 99));
	for (int kind = FX_CONSTANT; kind <= FX_COSINE; kind++) {
		s = (struct fx_schedule){ kind, 1 };
		assert_true(fx_schedule_at(&s, 0) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(optimizers_do_what_torch_does),
		cmocka_unit_test(biases_need_not_decay),
		cmocka_unit_test(a_parameter_without_gradient_stays),
		cmocka_unit_test(senseless_options_are_refused),
		cmocka_unit_test(an_optimizer_goes_on_where_another_stopped),
		cmocka_unit_test(schedules_are_torchs),
		cmocka_unit_test(a_schedule_warms_up_and_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
