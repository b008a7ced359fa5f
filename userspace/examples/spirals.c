// SPDX-License-Identifier: MIT
/*
 * spirals.c - a training loop of one's own: two spirals are told apart in float,
 *	       with weights of three bits, and in integers
 */
#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <fxq/quantize_fx.h>
#include <fxq/trace.h>
#include <fxq/train.h>

#define POINTS	512
#define STEPS	600

FX_MODULE(SpiralNet,
	  module(first, Linear(2, 32)),
	  module(second, Linear(32, 32)),
	  module(classes, Linear(32, 2)))

FX_FORWARD(SpiralNet, x)
{
	x = fx_relu(fx_call(self->first, x));
	x = fx_relu(fx_call(self->second, x));
	return fx_call(self->classes, x);
}

static float points[POINTS * 2];
static int64_t labels[POINTS];

/* Two arms, half a turn apart, one and a half turns long. */
static void wind(void)
{
	for (int i = 0; i < POINTS; i++) {
		double along = (i / 2 + 0.5) / (POINTS / 2);
		double angle = M_PI * (3 * along + i % 2);

		points[2 * i] = (float)(along * cos(angle));
		points[2 * i + 1] = (float)(along * sin(angle));
		labels[i] = i % 2;
	}
}

static fxv all_points(void)
{
	return fx_view_of(&(struct fxq_tensor){
		.dtype = FXQ_DTYPE_F32, .rank = 2, .dims = { POINTS, 2 },
		.data = points });
}

static void learn(struct fx_module *model, int steps, double lr)
{
	struct fx_tape *tape = fx_tape_new(model, 1);
	struct fx_optimizer *adam = fx_optimizer_new(tape, &(struct fx_optim){
		.kind = FX_ADAM, .lr = lr });
	struct fx_schedule down = { .kind = FX_COSINE, .steps = steps };
	fxv target = fx_view_of(&(struct fxq_tensor){
		.dtype = FXQ_DTYPE_I64, .rank = 1, .dims = { POINTS },
		.data = labels });
	fxv x = all_points();

	for (int i = 0; i < steps; i++) {
		fx_tape_begin(tape);
		fxv y = fx_call(model, x);
		fxv loss = fx_cross_entropy(y, target);

		if (fx_tape_backward(tape, loss))
			errx(1, "%s", fx_tape_error(tape));
		fx_optimizer_step(adam, fx_schedule_at(&down, i));
		fx_release(loss);
		fx_release(y);
	}
	fx_release(x);
	fx_release(target);
	fx_optimizer_free(adam);
	fx_tape_free(tape);
}

static void count(const char *what, struct fx_module *model)
{
	fxv x = all_points(), y = fx_call(model, x);
	const struct fxq_tensor *t = fx_data(y);
	const float *score;
	int right = 0;

	if (!t)
		errx(1, "%s", fx_error(y));
	score = t->data;
	for (int i = 0; i < POINTS; i++)
		right += (score[2 * i + 1] > score[2 * i]) == labels[i];
	printf("%s: %.1f %% right\n", what, 100.0 * right / POINTS);
	fx_release(y);
	fx_release(x);
}

int main(void)
{
	struct fx_module_qconfig qconfig = get_default_qconfig(
		.activation_fake_quant = "fake_quant", .weight_bits = 3,
		.per_tensor = true);
	struct fx_module *model, *qat, *integers;

	wind();
	fx_manual_seed(1);
	model = SpiralNet();
	learn(fx_train(model), STEPS, 0.01);
	count("float", fx_eval(model));

	qat = prepare_qat_fx(fx_train(model),
			     fx_qconfig_dict({ "", NULL, &qconfig }));
	if (qat->error)
		errx(1, "%s", qat->error);
	set_fake_quantize(qat, FX_CALIBRATION);
	count("seen by observers", fx_eval(qat));
	set_fake_quantize(qat, FX_VALIDATION);
	count("3-bit weights", qat);

	set_fake_quantize(fx_train(qat), FX_QAT);
	learn(qat, STEPS, 0.002);
	set_fake_quantize(fx_eval(qat), FX_VALIDATION);
	count("3-bit weights that trained", qat);

	integers = convert_fx(qat);
	if (integers->error)
		errx(1, "%s", integers->error);
	count("the same in integers", integers);

	fx_module_put(integers);
	fx_module_put(qat);
	fx_module_put(model);
	fx_qconfig_put(&qconfig);
}
