// SPDX-License-Identifier: MIT
/*
 * attention.c - MultiheadAttention, in the functions of nn.h
 *
 * Its projections stand below one another in one weight, as torch keeps them.
 * The forward is written with calls that can be traced, so that it becomes the
 * same operators in a functional graph as it computes here; no size is asked
 * for: in a view, 0 keeps a dimension.
 */
#include <errno.h>
#include <math.h>

#include "nn_priv.h"

static const struct fx_param params[] = {
	{ "query", FX_REQUIRED },
	{ "key", FX_REQUIRED },
	{ "value", FX_REQUIRED },
	{ "key_padding_mask", FX_NONE },
	{ "need_weights", FX_BOOL(true) },
	{ "attn_mask", FX_NONE },
	{ "average_attn_weights", FX_BOOL(true) },
	{ NULL, FX_REQUIRED },
};
const struct fx_method attention_method = { params };

int init_attention(struct fx_module *m)
{
	int64_t dim = module_int(m, "embed_dim");
	int64_t heads = module_int(m, "num_heads");
	bool bias = fx_truth(module_option(m, "bias"));

	if (dim < 1 || heads < 1 || dim % heads)
		return module_fail(m, -EINVAL, "num_heads must divide embed_dim");

	/* Xavier's bound: sqrt(6 / (3 dim + dim)). */
	add_uniform(m, "in_proj_weight", dim / 1.5, FX_DIMS(3 * dim, dim));
	if (bias)
		fx_add_parameter(m, "in_proj_bias", fx_zeros(3 * dim));
	fx_add_module(m, "out_proj", Linear(dim, dim, .bias = bias));
	return 0;
}

/* The @i-th third of a projection's rows. */
static fxv third(struct fx_module *m, const char *name, int i)
{
	int64_t dim = module_int(m, "embed_dim");
	fxv all = fx_member(m, name);

	return fx_is_none(all) ? all :
	       fx_getitem(all, fx_slice(i * dim, (i + 1) * dim));
}

const char *const attention_projections[3] = { "q_proj", "k_proj", "v_proj" };

/* Projected, as (batch, heads, length, dim / heads). */
static fxv project(struct fx_module *m, fxv x, int i)
{
	struct fx_module *layer = fx_module_at(m, attention_projections[i]);
	int64_t heads = module_int(m, "num_heads");
	int64_t size = module_int(m, "embed_dim") / heads;

	x = layer ? fx_call(layer, x) :
	    fx_linear(x, third(m, "in_proj_weight", i),
		      third(m, "in_proj_bias", i));
	x = fx_method(x, view, 0, 0, heads, size);
	if (fx_truth(module_option(m, "batch_first")))
		return fx_method(x, permute, 0, 2, 1, 3);
	return fx_method(x, permute, 1, 2, 0, 3);
}

/* The heads side by side again, and projected. */
static fxv unite(struct fx_module *m, fxv x)
{
	struct fx_module *out = fx_module_at(m, "out_proj");

	if (fx_truth(module_option(m, "batch_first")))
		x = fx_method(x, permute, 0, 2, 1, 3);
	else
		x = fx_method(x, permute, 2, 0, 1, 3);
	x = fx_method(x, view, 0, 0, module_int(m, "embed_dim"));
	if (fx_module_at(m, attention_projections[0]))
		return fx_call(out, x);
	return fx_linear(x, fx_member(out, "weight"), fx_member(out, "bias"));
}

fxv forward_attention(struct fx_module *m, const fxv *args)
{
	int64_t heads = module_int(m, "num_heads");
	double size = (double)module_int(m, "embed_dim") / (double)heads;
	fxv q, k, v, weights, out;

	if (!fx_is_none(args[3]))
		return fx_poison(context.at, -EINVAL, "key_padding_mask is not offered; give attn_mask");

	q = fx_mul(project(m, args[0], 0), 1 / sqrt(size));
	k = fx_method(project(m, args[1], 1), permute, 0, 1, 3, 2);
	v = project(m, args[2], 2);
	weights = fx_matmul(q, k);
	if (!fx_is_none(args[5]))
		weights = fx_add(weights, args[5]);
	weights = fx_softmax(weights, .dim = -1);
	out = unite(m, fx_matmul(weights, v));
	if (!fx_truth(args[4]))
		return fx_tuple(out, fx_none);
	if (fx_truth(args[6]))
		weights = fx_method(weights, mean, .dim = fx_tuple(1));
	return fx_tuple(out, weights);
}
