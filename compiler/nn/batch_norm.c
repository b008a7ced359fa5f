// SPDX-License-Identifier: MIT
/*
 * batch_norm.c - batch normalisation while a model trains
 *
 * In training a channel is normalised by the mean and the biased variance of
 * its batch, and the running statistics move towards the batch's mean and
 * unbiased variance. Sums are in double and in the order of the elements. In
 * evaluation it is the operator with the running statistics.
 */
#include <errno.h>

#include "nn_priv.h"

struct stats {
	double mean, biased, unbiased;
};

/* Over (n, inner) of one channel of @channels. */
static struct stats channel_stats(const float *x, int64_t n, int64_t channels,
				  int64_t inner)
{
	int64_t count = n * inner;
	double sum = 0, squares = 0;
	struct stats s;

	for (int64_t i = 0; i < n; i++)
		for (int64_t k = 0; k < inner; k++)
			sum += x[i * channels * inner + k];
	s.mean = sum / count;

	for (int64_t i = 0; i < n; i++) {
		for (int64_t k = 0; k < inner; k++) {
			double d = x[i * channels * inner + k] - s.mean;

			squares += d * d;
		}
	}
	s.biased = squares / count;
	s.unbiased = count > 1 ? squares / (count - 1) : s.biased;
	return s;
}

static float *member_floats(struct fx_module *m, const char *name)
{
	return module_member(m, name)->value.tensor->t.data;
}

static void update_running(struct fx_module *m, int64_t c, struct stats s)
{
	float momentum = (float)module_float(m, "momentum");
	float *mean = member_floats(m, "running_mean") + c;
	float *var = member_floats(m, "running_var") + c;

	*mean = (1.0f - momentum) * *mean + momentum * (float)s.mean;
	*var = (1.0f - momentum) * *var + momentum * (float)s.unbiased;
}

static int64_t inner_count(const struct fxq_tensor *t)
{
	int64_t n = 1;

	for (uint32_t i = 2; i < t->rank; i++)
		n *= t->dims[i];
	return n;
}

/* Puts the batch's statistics in the place of the running ones. */
static void use_batch(struct fx_module *m, const struct fxq_tensor *t,
		      struct operation *o)
{
	int64_t channels = t->dims[1], inner = inner_count(t);
	fxv mean = fx_zeros(channels), var = fx_zeros(channels);

	for (int64_t c = 0; c < channels; c++) {
		const float *x = (const float *)t->data + c * inner;
		struct stats s = channel_stats(x, t->dims[0], channels, inner);

		((float *)mean.tensor->t.data)[c] = (float)s.mean;
		((float *)var.tensor->t.data)[c] = (float)s.biased;
		update_running(m, c, s);
	}
	++*(int64_t *)module_member(m, "num_batches_tracked")->value.tensor->t.data;
	o->in[3] = mean;
	o->in[4] = var;
}

fxv forward_batch_norm(struct fx_module *m, const fxv *args)
{
	const struct fxq_tensor *t = fx_data(args[0]);
	char error[FXQ_ERROR_MAX];
	struct operation o;

	if (operation_of_module(m, args[0], &o, error))
		return fx_poison(context.at, -EINVAL, "%s", error);
	if (!m->training)
		return operation_run(context.at, &o);

	if (!t || t->dtype != FXQ_DTYPE_F32 || t->rank < 2 ||
	    t->dims[1] != module_int(m, "num_features") ||
	    !fxq_tensor_count(t))
		return fx_poison(context.at, -EINVAL, "BatchNorm2d takes a float32 tensor (N, C, H, W) with C its num_features");
	use_batch(m, t, &o);
	return operation_run(context.at, &o);
}
