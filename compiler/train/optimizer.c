// SPDX-License-Identifier: MIT
/*
 * optimizer.c - SGD, Adam and AdamW
 *
 * Formulas are torch's, in its order of operations: numbers that hold for a
 * whole step are double, elements float. What an optimizer goes on with is one
 * or two tensors for each parameter, which begin as zeros.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/train.h>

#include "nn/nn_priv.h"
#include "tape.h"

#define MAX_STATES	2

static const struct {
	unsigned int n_states;
	const char *state[MAX_STATES];
} kinds[] = {
	[FX_SGD] = { 1, { "momentum_buffer" } },
	[FX_ADAM] = { 2, { "exp_avg", "exp_avg_sq" } },
	[FX_ADAMW] = { 2, { "exp_avg", "exp_avg_sq" } },
};

/*
 * struct fx_optimizer
 * @state: of the i-th parameter, n_states of them from i * MAX_STATES on
 */
struct fx_optimizer {
	struct fx_tape *tape;
	struct fx_optim opt;
	int64_t step;
	unsigned int n_states;
	struct fxq_tensor *state;
};

/* Factors of one step for one parameter. */
struct factors {
	float lr, decay;
	float beta1, new1, beta2, new2;
	float root2, eps, shrink;
};

static void update_sgd(const struct fx_optim *opt, const struct factors *f,
		       int64_t n, float *restrict w, const float *restrict g,
		       float *restrict velocity)
{
	for (int64_t i = 0; i < n; i++) {
		float d = g[i] + f->decay * w[i];

		velocity[i] = f->beta1 * velocity[i] + d;
		d = opt->nesterov ? d + f->beta1 * velocity[i] : velocity[i];
		w[i] -= f->lr * d;
	}
}

static void update_adam(const struct factors *f, int64_t n, float *restrict w,
			const float *restrict g, float *restrict mean,
			float *restrict square)
{
	for (int64_t i = 0; i < n; i++) {
		float old = w[i] * f->shrink;
		float d = g[i] + f->decay * w[i];

		mean[i] = mean[i] * f->beta1 + f->new1 * d;
		square[i] = square[i] * f->beta2 + f->new2 * d * d;
		w[i] = old - f->lr * mean[i] /
		       (sqrtf(square[i]) / f->root2 + f->eps);
	}
}

static struct factors factors_of(const struct fx_optimizer *o, double scale,
				 bool decays)
{
	const struct fx_optim *opt = &o->opt;
	double lr = opt->lr * scale, decay = decays ? opt->weight_decay : 0;
	bool apart = opt->kind == FX_ADAMW;
	double step = o->step;

	if (opt->kind == FX_SGD)
		return (struct factors){ .lr = lr, .decay = decay,
					 .beta1 = opt->momentum };
	return (struct factors){
		.lr = lr / (1 - pow(opt->beta1, step)),
		.decay = apart ? 0 : decay,
		.shrink = apart ? 1 - lr * decay : 1,
		.beta1 = opt->beta1, .new1 = 1 - opt->beta1,
		.beta2 = opt->beta2, .new2 = 1 - opt->beta2,
		.root2 = sqrt(1 - pow(opt->beta2, step)),
		.eps = opt->eps,
	};
}

/* A learned scale begins as one, and may become one for each channel. */
static void follow_size(const struct fx_optimizer *o, struct fxq_tensor *state,
			const struct fxq_tensor *value)
{
	for (unsigned int k = 0; k < o->n_states; k++) {
		if (fxq_tensor_count(&state[k]) == fxq_tensor_count(value))
			continue;
		fxq_tensor_free(&state[k]);
		state[k] = *value;
		state[k].data = NULL;
		if (fxq_tensor_alloc(&state[k]))
			abort();
	}
}

void fx_optimizer_step(struct fx_optimizer *o, double scale)
{
	size_t n;
	const struct fx_parameter *p = fx_tape_parameters(o->tape, &n);

	o->step++;
	for (size_t i = 0; i < n; i++) {
		struct fxq_tensor *state = &o->state[i * MAX_STATES];
		struct factors f = factors_of(o, scale, p[i].value->rank > 1 ||
					      !o->opt.decay_matrices);
		int64_t count = fxq_tensor_count(p[i].value);

		if (!p[i].grad.data)
			continue;
		follow_size(o, state, p[i].value);
		if (o->opt.kind == FX_SGD)
			update_sgd(&o->opt, &f, count, p[i].value->data,
				   p[i].grad.data, state[0].data);
		else
			update_adam(&f, count, p[i].value->data,
				    p[i].grad.data, state[0].data,
				    state[1].data);
	}
}

/* Making one */

static bool in_unit(double v)
{
	return v >= 0 && v < 1;
}

static int check(struct fx_tape *t, const struct fx_optim *o)
{
	if (!(o->lr > 0) || !isfinite(o->lr))
		return tape_fail(t, -EINVAL, "the learning rate is %g; it must be above 0",
				 o->lr);
	if (!(o->weight_decay >= 0) || !isfinite(o->weight_decay))
		return tape_fail(t, -EINVAL, "the weight decay is %g; it is 0 or more",
				 o->weight_decay);
	if (!in_unit(o->momentum) || !in_unit(o->beta1) || !in_unit(o->beta2))
		return tape_fail(t, -EINVAL, "momentum %g, betas %g and %g: each is at least 0 and below 1",
				 o->momentum, o->beta1, o->beta2);
	if (!(o->eps > 0))
		return tape_fail(t, -EINVAL, "eps is %g; it must be above 0",
				 o->eps);
	if (o->nesterov && o->momentum == 0)
		return tape_fail(t, -EINVAL, "Nesterov's momentum needs one above 0");
	return 0;
}

struct fx_optimizer *fx_optimizer_new(struct fx_tape *t,
				      const struct fx_optim *options)
{
	struct fx_optim opt = *options;
	const struct fx_parameter *p;
	struct fx_optimizer *o;
	size_t n;

	opt.beta1 = opt.beta1 ? opt.beta1 : 0.9;
	opt.beta2 = opt.beta2 ? opt.beta2 : 0.999;
	opt.eps = opt.eps ? opt.eps : 1e-8;
	if (check(t, &opt))
		return NULL;

	p = fx_tape_parameters(t, &n);
	o = must_alloc(sizeof(*o));
	o->tape = t;
	o->opt = opt;
	o->n_states = kinds[opt.kind].n_states;
	o->state = must_alloc(n * MAX_STATES * sizeof(*o->state));
	for (size_t i = 0; i < n; i++) {
		for (unsigned int k = 0; k < o->n_states; k++) {
			struct fxq_tensor *s = &o->state[i * MAX_STATES + k];

			*s = *p[i].value;
			s->data = NULL;
			if (fxq_tensor_alloc(s)) {
				tape_fail(t, -ENOMEM, "no memory for what the optimizer keeps");
				fx_optimizer_free(o);
				return NULL;
			}
		}
	}
	return o;
}

void fx_optimizer_free(struct fx_optimizer *o)
{
	size_t n;

	if (!o)
		return;
	fx_tape_parameters(o->tape, &n);
	for (size_t i = 0; i < n * MAX_STATES; i++)
		fxq_tensor_free(&o->state[i]);
	free(o->state);
	free(o);
}

int fx_optimizer_each_tensor(struct fx_optimizer *o,
			     int (*fn)(const char *key, struct fxq_tensor *t,
				       void *ctx),
			     void *ctx)
{
	struct fxq_tensor step = { .dtype = FXQ_DTYPE_I64, .data = &o->step };
	const struct fx_parameter *p;
	size_t n;
	int ret;

	p = fx_tape_parameters(o->tape, &n);
	ret = fn("step", &step, ctx);
	for (size_t i = 0; !ret && i < n; i++) {
		for (unsigned int k = 0; !ret && k < o->n_states; k++) {
			char *key = path_join(kinds[o->opt.kind].state[k],
					      p[i].key);

			ret = fn(key, &o->state[i * MAX_STATES + k], ctx);
			free(key);
		}
	}
	return ret;
}
