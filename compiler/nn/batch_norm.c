// SPDX-License-Identifier: MIT
/*
 * batch_norm.c - batch normalisation while a model trains
 *
 * In training a channel is normalised by the mean and the biased variance of
 * its batch, and the running statistics move towards the batch's mean and
 * unbiased variance. In evaluation it is the operator with the running
 * statistics.
 */
#include <errno.h>

#include "nn_priv.h"

static float *member_floats(struct fx_module *m, const char *name)
{
	return module_member(m, name)->value.tensor->t.data;
}

/* @n elements of a channel had this @mean and the biased variance @var. */
static void update_running(struct fx_module *m, const float *mean,
			   const float *var, int64_t channels, int64_t n)
{
	float momentum = (float)module_float(m, "momentum");
	float *running_mean = member_floats(m, "running_mean");
	float *running_var = member_floats(m, "running_var");
	double unbiased = n > 1 ? (double)n / (n - 1) : 1;

	for (int64_t c = 0; c < channels; c++) {
		float moved = (float)(var[c] * unbiased);

		running_mean[c] = (1.0f - momentum) * running_mean[c] +
				  momentum * mean[c];
		running_var[c] = (1.0f - momentum) * running_var[c] +
				 momentum * moved;
	}
	++*(int64_t *)module_member(m, "num_batches_tracked")->value.tensor->t.data;
}

fxv forward_batch_norm(struct fx_module *m, const fxv *args)
{
	const struct fxq_tensor *t = fx_data(args[0]);
	char error[FXQ_ERROR_MAX];
	struct operation o;
	fxv result[3];

	if (operation_of_module(m, args[0], &o, error))
		return fx_poison(context.at, -EINVAL, "%s", error);
	if (!m->training)
		return operation_run(context.at, &o);

	if (!t || t->dtype != FXQ_DTYPE_F32 || t->rank < 2 ||
	    t->dims[1] != module_int(m, "num_features") ||
	    !fxq_tensor_count(t))
		return fx_poison(context.at, -EINVAL, "%s takes a float32 tensor (N, C, ...) with C its num_features",
				 m->class->name);
	o.op = "batch_norm_train";
	o.n_in = 3;
	operation_results(context.at, &o, result, 3);
	if (!fx_error(result[0]))
		update_running(m, fx_data(result[1])->data,
			       fx_data(result[2])->data, t->dims[1],
			       fxq_tensor_count(t) / t->dims[1]);
	return result[0];
}
