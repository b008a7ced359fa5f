// SPDX-License-Identifier: MIT
/*
 * fold.c - a batch norm in the weights of the layer before it
 *
 * Each step is rounded to float32 by itself, in torch's order, so that the
 * folded weights have torch's bits.
 */
#include <math.h>
#include <stdlib.h>

#include "verbs.h"

static const float *floats_of(const struct fx_module *m, const char *name)
{
	const struct fx_member *member = module_member(m, name);

	return member ? member->value.tensor->t.data : NULL;
}

/* The bias, which the layer gets if it has none. */
static float *bias_of(struct fx_module *layer, int64_t channels)
{
	if (!module_member(layer, "bias"))
		fx_add_parameter(layer, "bias", fx_zeros(channels));
	return (float *)floats_of(layer, "bias");
}

/* A transposed convolution has its output channels second, by groups. */
static int64_t channel_of(const struct fx_module *layer,
			  const struct fxq_tensor *w, int64_t i)
{
	int64_t inner, groups, per_group;

	if (!weights_axis(layer->class))
		return i / weights_beside(w, 0);
	inner = weights_beside(w, 1);
	groups = module_int(layer, "groups");
	per_group = w->dims[0] / groups;
	return i / inner / w->dims[1] / per_group * w->dims[1] +
	       i / inner % w->dims[1];
}

struct fx_module *fold_batch_norm(const struct fx_module *layer,
				  const struct fx_module *bn)
{
	struct fx_module *folded = fx_module_copy(layer);
	struct fxq_tensor *w = fx_module_tensor(folded, "weight");
	const float *g = floats_of(bn, "weight"), *beta = floats_of(bn, "bias");
	const float *mean = floats_of(bn, "running_mean");
	const float *var = floats_of(bn, "running_var");
	int64_t channels = module_int(bn, "num_features");
	float eps = (float)module_float(bn, "eps");
	float *bias = bias_of(folded, channels), *weight = w->data;
	float *scale = must_alloc((size_t)channels * sizeof(*scale));

	for (int64_t c = 0; c < channels; c++) {
		float r = 1.0f / sqrtf(var[c] + eps), b = bias[c] - mean[c];

		scale[c] = (g ? g[c] : 1.0f) * r;
		b = b * r;
		bias[c] = b * (g ? g[c] : 1.0f) + (beta ? beta[c] : 0.0f);
	}
	for (int64_t i = 0; i < fxq_tensor_count(w); i++)
		weight[i] = weight[i] * scale[channel_of(folded, w, i)];
	free(scale);
	return folded;
}
