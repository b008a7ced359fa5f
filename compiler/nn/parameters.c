// SPDX-License-Identifier: MIT
/*
 * parameters.c - what the classes of nn_table.h start with
 *
 * Names, shapes and bounds are torch's; the numbers come from fxq's generator.
 */
#include <errno.h>
#include <math.h>

#include "nn_priv.h"

/* A parameter that training starts from: uniform, as torch bounds it. */
void add_uniform(struct fx_module *m, const char *name, double fan_in,
		 const int64_t *dims)
{
	fxv v = fx_full_of(0.0f, dims);

	if (v.kind == FX_VALUE_TENSOR)
		random_fill(&v.tensor->t, (float)(1.0 / sqrt(fan_in)));
	fx_add_parameter(m, name, v);
}

static bool has_bias(const struct fx_module *m)
{
	return fx_truth(module_option(m, "bias"));
}

/*
 * Windows of @n sides: (out, in / groups, sides), of a transposed convolution
 * (in, out / groups, sides). Either way the second is what a sum is made of.
 */
static int init_window(struct fx_module *m, int n, bool transposed)
{
	int64_t in = module_int(m, "in_channels");
	int64_t out = module_int(m, "out_channels");
	int64_t groups = module_int(m, "groups");
	int64_t dims[6] = { transposed ? in : out, transposed ? out : in };
	double fan_in;

	if (in < 1 || out < 1 || groups < 1)
		return module_fail(m, -EINVAL, "channels, groups and kernel_size are at least 1");
	if (in % groups || out % groups)
		return module_fail(m, -EINVAL, "groups must divide in_channels and out_channels");

	dims[1] /= groups;
	fan_in = dims[1];
	for (int i = 0; i < n; i++) {
		dims[2 + i] = module_pair(m, "kernel_size", i);
		if (dims[2 + i] < 1)
			return module_fail(m, -EINVAL, "channels, groups and kernel_size are at least 1");
		fan_in *= dims[2 + i];
	}
	dims[2 + n] = -1;
	add_uniform(m, "weight", fan_in, dims);
	if (has_bias(m))
		add_uniform(m, "bias", fan_in, FX_DIMS(out));
	return 0;
}

int init_conv1d(struct fx_module *m)
{
	return init_window(m, 1, false);
}

int init_conv2d(struct fx_module *m)
{
	return init_window(m, 2, false);
}

int init_conv3d(struct fx_module *m)
{
	return init_window(m, 3, false);
}

int init_conv_transpose1d(struct fx_module *m)
{
	return init_window(m, 1, true);
}

int init_conv_transpose2d(struct fx_module *m)
{
	return init_window(m, 2, true);
}

int init_linear(struct fx_module *m)
{
	int64_t in = module_int(m, "in_features");
	int64_t out = module_int(m, "out_features");

	if (in < 1 || out < 1)
		return module_fail(m, -EINVAL, "features are at least 1");

	add_uniform(m, "weight", in, FX_DIMS(out, in));
	if (has_bias(m))
		add_uniform(m, "bias", in, FX_DIMS(out));
	return 0;
}

/* Normally distributed, but for the row that stands for nothing. */
int init_embedding(struct fx_module *m)
{
	int64_t n = module_int(m, "num_embeddings");
	int64_t dim = module_int(m, "embedding_dim");
	fxv pad = module_option(m, "padding_idx"), v;
	float *data;

	if (n < 1 || dim < 1)
		return module_fail(m, -EINVAL, "num_embeddings and embedding_dim are at least 1");
	if (!fx_is_none(pad) && (fx_int(pad) < -n || fx_int(pad) >= n))
		return module_fail(m, -EINVAL, "padding_idx is none of num_embeddings");

	v = fx_zeros(n, dim);
	if (v.kind != FX_VALUE_TENSOR)
		return value_err(v);
	data = v.tensor->t.data;
	for (int64_t i = 0; data && i < n * dim; i++)
		data[i] = random_normal();
	if (data && !fx_is_none(pad))
		for (int64_t i = 0; i < dim; i++)
			data[(fx_int(pad) + n) % n * dim + i] = 0;
	fx_add_parameter(m, "weight", v);
	return 0;
}

int init_batch_norm(struct fx_module *m)
{
	struct fxq_tensor count = { .dtype = FXQ_DTYPE_I64 };
	int64_t n = module_int(m, "num_features");

	if (n < 1)
		return module_fail(m, -EINVAL, "num_features is at least 1");

	fx_add_parameter(m, "weight", fx_ones(n));
	fx_add_parameter(m, "bias", fx_zeros(n));
	fx_add_buffer(m, "running_mean", fx_zeros(n));
	fx_add_buffer(m, "running_var", fx_ones(n));
	fx_add_buffer(m, "num_batches_tracked", fx_copy_of(&count));
	return 0;
}

int init_layer_norm(struct fx_module *m)
{
	fxv shape = module_option(m, "normalized_shape");
	size_t n = fx_tuple_count(shape);
	int64_t dims[3] = { -1, -1, -1 };

	for (size_t i = 0; i < n; i++) {
		dims[i] = module_pair(m, "normalized_shape", i);
		if (dims[i] < 1)
			return module_fail(m, -EINVAL, "normalized_shape is at least 1");
	}
	if (!fx_truth(module_option(m, "elementwise_affine")))
		return 0;
	fx_add_parameter(m, "weight", fx_full_of(1, dims));
	fx_add_parameter(m, "bias", fx_full_of(0, dims));
	return 0;
}

int init_group_norm(struct fx_module *m)
{
	int64_t groups = module_int(m, "num_groups");
	int64_t channels = module_int(m, "num_channels");

	if (groups < 1 || channels < 1 || channels % groups)
		return module_fail(m, -EINVAL, "num_groups must divide num_channels");
	if (!fx_truth(module_option(m, "affine")))
		return 0;
	fx_add_parameter(m, "weight", fx_ones(channels));
	fx_add_parameter(m, "bias", fx_zeros(channels));
	return 0;
}

int init_prelu(struct fx_module *m)
{
	int64_t n = module_int(m, "num_parameters");

	if (n < 1)
		return module_fail(m, -EINVAL, "num_parameters is at least 1");
	fx_add_parameter(m, "weight", fx_full_of(module_float(m, "init"),
						 FX_DIMS(n)));
	return 0;
}
