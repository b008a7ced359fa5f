// SPDX-License-Identifier: MIT
/*
 * fuse.c - writes a float graph in the operators the device has
 *
 * Each rewrite looks at one node and leaves a graph of the same values. They
 * run until none applies: folding a batch norm may make a convolution the
 * neighbour of the next thing to fold.
 *
 * reads: functional float graph with known types
 * requires: constants folded
 * guarantees: types are known; no batch_norm, dropout or identity is left
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant_priv.h"

static struct affine affine_new(struct fx_node *n, struct fx_node *x)
{
	int64_t c = channels_of(type_of(n));
	struct affine f = { .x = x };

	f.a = fx_graph_alloc(n->graph, (size_t)c * sizeof(float));
	f.b = fx_graph_alloc(n->graph, (size_t)c * sizeof(float));
	for (int64_t i = 0; i < c; i++)
		f.a[i] = 1;
	return f;
}

static bool affine_of_batch_norm(struct fx_node *n, struct affine *ret)
{
	const float *p[4];
	int64_t c = channels_of(type_of(n));
	float eps = (float)fx_node_float(n, "eps", 1e-5);

	/* Its channels come second, which are channels of images and vectors. */
	if (channel_axis(type_of(n)) != 1)
		return false;
	for (int i = 0; i < 4; i++) {
		struct fx_node *in = fx_node_in(n, (size_t)i + 1);

		p[i] = const_floats(in);
		if (!p[i] && (in || i >= 2))
			return false;
	}
	*ret = affine_new(n, fx_node_in(n, 0));
	for (int64_t i = 0; i < c; i++) {
		float inverse = 1.0f / sqrtf(p[3][i] + eps);

		ret->a[i] = (p[0] ? p[0][i] : 1.0f) * inverse;
		ret->b[i] = (p[1] ? p[1][i] : 0.0f) - p[2][i] * ret->a[i];
	}
	return true;
}

/* mul, div, add, sub with a constant that has one value for each channel. */
static bool affine_of_binary(struct fx_node *n, struct affine *ret)
{
	struct fx_node *x = fx_node_in(n, 0), *k = fx_node_in(n, 1);
	bool swapped = const_floats(x) != NULL;
	int64_t c = channels_of(type_of(n));
	float *v, unused;

	if (swapped) {
		struct fx_node *t = x;

		if (fx_node_is(n, "div"))
			return false;
		x = k;
		k = t;
	}
	if (!is_float(x) || !is_float(k) || const_floats(x) ||
	    channels_of(type_of(x)) != c || type_of(x)->rank != type_of(n)->rank)
		return false;
	*ret = affine_new(n, x);
	v = fx_graph_alloc(n->graph, (size_t)c * sizeof(float));
	if (!per_channel(k, type_of(n), v))
		return false;
	ret->scalar = const_scalar(k, &unused);
	for (int64_t i = 0; i < c; i++) {
		if (fx_node_is(n, "mul"))
			ret->a[i] = v[i];
		else if (fx_node_is(n, "div"))
			ret->a[i] = 1.0f / v[i];
		else if (fx_node_is(n, "add"))
			ret->b[i] = v[i];
		else
			ret->b[i] = swapped ? v[i] : -v[i];
		if (swapped && fx_node_is(n, "sub"))
			ret->a[i] = -1;
	}
	return true;
}

bool affine_of(struct fx_node *n, struct affine *ret)
{
	if (!is_float(n) || !type_of(n)->rank)
		return false;
	if (fx_node_is(n, "batch_norm"))
		return affine_of_batch_norm(n, ret);
	if (fx_node_is(n, "mul") || fx_node_is(n, "div") ||
	    fx_node_is(n, "add") || fx_node_is(n, "sub"))
		return affine_of_binary(n, ret);
	return false;
}

void fold_affine(struct fx_node *layer, const struct affine *f,
		 struct fx_node *n)
{
	struct fx_graph *g = n->graph;
	struct fx_node *wn = fx_node_in(layer, 1), *bn = fx_node_in(layer, 2);
	const float *w = const_floats(wn), *b = bn ? const_floats(bn) : NULL;
	int64_t c = out_channels(layer), count = fxq_tensor_count(type_of(wn));
	float *nw = fx_graph_alloc(g, (size_t)count * sizeof(float));
	float *nb = fx_graph_alloc(g, (size_t)c * sizeof(float));
	struct fx_node *was = fx_graph_set_insert_point(g, layer);
	bool same;

	for (int64_t i = 0; i < count; i++)
		nw[i] = w[i] * f->a[weight_channel(layer, i)];
	same = !memcmp(nw, w, (size_t)count * sizeof(*w));
	for (int64_t i = 0; i < c; i++)
		nb[i] = (b ? b[i] : 0.0f) * f->a[i] + f->b[i];
	/* Weights as they came have the scales that they came with. */
	if (!same)
		fx_node_set_in(layer, 1, add_const(g, layer, "weight",
						   FXQ_DTYPE_F32,
						   type_of(wn)->rank,
						   type_of(wn)->dims, nw));
	fx_node_set_in(layer, 2, add_const(g, layer, "bias", FXQ_DTYPE_F32, 1,
					   &c, nb));
	fx_graph_set_insert_point(g, was);
	take_place(n, layer);
	erase_unused(wn);
	if (bn)
		erase_unused(bn);
}

bool is_layer_with_constants(const struct fx_node *n)
{
	struct fx_node *b;

	if (!n || (!is_conv(n) && !is_linear(n)))
		return false;
	b = fx_node_in(n, 2);
	return const_floats(fx_node_in(n, 1)) && (!b || const_floats(b)) &&
	       layer_axis(n) == channel_axis(type_of(n));
}

struct fx_node *depthwise(struct fx_node *n, const struct affine *f)
{
	struct fx_graph *g = n->graph;
	int64_t c = channels_of(type_of(n));
	struct fx_node *was = fx_graph_set_insert_point(g, n), *conv;
	struct fx_kwarg groups = { "groups", fx_arg_int(c) };
	struct fx_node *in[3] = { f->x };

	in[1] = add_const(g, n, "weight", FXQ_DTYPE_F32, 4,
			  (int64_t[]){ c, 1, 1, 1 }, f->a);
	in[2] = add_const(g, n, "bias", FXQ_DTYPE_F32, 1, &c, f->b);
	conv = fx_graph_call(g, "conv2d", in, 3, &groups, 1);
	fx_node_set_type(conv, type_of(n));
	conv->source = n->source;
	fx_graph_set_insert_point(g, was);
	return conv;
}

static bool rewrite_affine(struct fx_node *n)
{
	struct affine f;

	if (!affine_of(n, &f) || is_given(f.x))
		return false;
	if (is_layer_with_constants(f.x) && f.x->n_users == 1) {
		fold_affine(f.x, &f, n);
		return true;
	}
	if (type_of(n)->rank == 4 && !f.scalar) {
		fx_node_replace_uses(n, depthwise(n, &f));
		erase_unused(n);
		return true;
	}
	return false;
}

/* identity, dropout (in evaluation), a cast to what it is: nothing. */
bool rewrite_nothing(struct fx_node *n)
{
	bool cast = fx_node_is(n, "cast") && fx_node_in(n, 0) &&
		    type_of(n)->dtype == type_of(fx_node_in(n, 0))->dtype;

	if (!cast && !fx_node_is(n, "identity") && !fx_node_is(n, "dropout"))
		return false;
	if (is_given(fx_node_in(n, 0)) && is_rounded_anew(n))
		return false;
	take_place(n, fx_node_in(n, 0));
	return true;
}

struct fx_node *call_for(struct fx_node *n, const char *op,
			 struct fx_node *const *in, size_t n_in,
			 const struct fx_kwarg *kwargs, size_t n_kwargs)
{
	struct fx_graph *g = n->graph;
	struct fx_node *was = fx_graph_set_insert_point(g, n), *call;

	call = fx_graph_call(g, op, in, n_in, kwargs, n_kwargs);
	fx_node_set_type(call, type_of(n));
	call->source = n->source;
	fx_graph_set_insert_point(g, was);
	return call;
}

/* matmul with constant weights: linear. */
bool rewrite_matmul(struct fx_node *n)
{
	struct fx_graph *g = n->graph;
	struct fx_node *w = fx_node_in(n, 1), *was;
	const float *v;
	struct fx_node *in[2] = { fx_node_in(n, 0) };
	int64_t rows, cols;
	float *t;

	if (!fx_node_is(n, "matmul") || !(v = const_floats(w)) ||
	    type_of(w)->rank != 2 || const_floats(in[0]))
		return false;
	rows = type_of(w)->dims[0];
	cols = type_of(w)->dims[1];
	t = fx_graph_alloc(g, (size_t)(rows * cols) * sizeof(float));
	for (int64_t i = 0; i < rows; i++)
		for (int64_t j = 0; j < cols; j++)
			t[j * rows + i] = v[i * cols + j];
	was = fx_graph_set_insert_point(g, n);
	in[1] = add_const(g, n, "weight", FXQ_DTYPE_F32, 2,
			  (int64_t[]){ cols, rows }, t);
	if (fx_node_kwarg(w, "scale"))
		fx_node_set_kwarg(in[1], "scale", *fx_node_kwarg(w, "scale"));
	fx_graph_set_insert_point(g, was);
	take_place(n, call_for(n, "linear", in, 2, NULL, 0));
	return true;
}

static bool mean_of_image(struct fx_node *n)
{
	const struct fxq_tensor *x = type_of(fx_node_in(n, 0));
	int64_t dims[FXQ_MAX_RANK], size[2] = { 0, 0 }, pad[4] = { 0 };
	size_t count;

	if (x->rank != 4)
		return false;
	if (fx_node_is(n, "reduce_mean")) {
		count = fx_node_ints(n, "dims", dims, FXQ_MAX_RANK);
		for (size_t i = 0; i < count && i < FXQ_MAX_RANK; i++)
			dims[i] += dims[i] < 0 ? 4 : 0;
		return count == 2 && dims[0] + dims[1] == 5 &&
		       dims[0] * dims[1] == 6;
	}
	if (fx_node_is(n, "adaptive_avg_pool2d")) {
		spatial(n, "output_size", size, 2);
		return size[0] == 1 && size[1] == 1;
	}
	if (fx_node_is(n, "avg_pool2d")) {
		spatial(n, "kernel_size", size, 2);
		spatial(n, "padding", pad, 4);
		return size[0] == x->dims[2] && size[1] == x->dims[3] &&
		       !(pad[0] | pad[1] | pad[2] | pad[3]) &&
		       type_of(n)->dims[2] == 1 && type_of(n)->dims[3] == 1;
	}
	return false;
}

/* The mean over height and width has one name, and keeps its dimensions. */
bool rewrite_mean(struct fx_node *n)
{
	struct fx_node *x = fx_node_in(n, 0), *to;
	struct fxq_tensor t;

	if (!x || !is_float(x) || !mean_of_image(n))
		return false;
	to = call_for(n, "global_avg_pool", &x, 1, NULL, 0);
	t = fxq_tensor_type(FXQ_DTYPE_F32, 4,
			    (int64_t[]){ type_of(x)->dims[0],
					 type_of(x)->dims[1], 1, 1 });
	t.scale = type_of(n)->scale;
	t.zero_point = type_of(n)->zero_point;
	fx_node_set_type(to, &t);
	if (type_of(n)->rank != 4) {
		struct fx_kwarg shape = { "shape",
			fx_arg_ints(n->graph, type_of(n)->dims,
				    type_of(n)->rank) };

		to = call_for(n, "reshape", &to, 1, &shape, 1);
	}
	take_place(n, to);
	return true;
}

/* Windows that divide an image are those of an average pool. */
static bool rewrite_adaptive(struct fx_node *n)
{
	struct fx_node *x = fx_node_in(n, 0);
	int64_t kernel[2];
	struct fx_kwarg k;

	if (!fx_node_is(n, "adaptive_avg_pool2d") || !is_float(x) ||
	    type_of(x)->rank != 4)
		return false;
	for (int i = 0; i < 2; i++) {
		int64_t from = type_of(x)->dims[2 + i];
		int64_t to = type_of(n)->dims[2 + i];

		if (from % to)
			return false;
		kernel[i] = from / to;
	}
	k = (struct fx_kwarg){ "kernel_size", fx_arg_ints(n->graph, kernel, 2) };
	take_place(n, call_for(n, "avg_pool2d", &x, 1, &k, 1));
	return true;
}

/* Zeros around an image that only convolutions see: their padding. */
bool rewrite_pad(struct fx_node *n)
{
	struct fx_node *x = fx_node_in(n, 0), *u;
	int64_t pads[8], own[4] = { 0 };

	if (!fx_node_is(n, "pad") || !is_float(n) || type_of(n)->rank != 4 ||
	    strcmp(fx_node_str(n, "mode", "constant"), "constant") ||
	    fx_node_float(n, "value", 0) != 0 || fx_node_in(n, 1) ||
	    fx_node_kwarg(n, "axes") ||
	    fx_node_ints(n, "pads", pads, 8) != 8)
		return false;
	if (pads[0] || pads[1] || pads[4] || pads[5] || pads[2] < 0 ||
	    pads[3] < 0 || pads[6] < 0 || pads[7] < 0)
		return false;
	u = only_user(n);
	if (!u || !fx_node_is(u, "conv2d") || fx_node_in(u, 0) != n)
		return false;
	spatial(u, "padding", own, 4);
	own[0] += pads[2];
	own[1] += pads[3];
	own[2] += pads[6];
	own[3] += pads[7];
	fx_node_set_kwarg(u, "padding", fx_arg_ints(n->graph, own, 4));
	fx_node_set_in(u, 0, x);
	erase_unused(n);
	return true;
}

static bool all_zero(const struct fx_node *n)
{
	const float *v = const_floats(n);
	int64_t count = v ? fxq_tensor_count(type_of(n)) : 0;

	for (int64_t i = 0; i < count; i++)
		if (v[i] != 0)
			return false;
	return v != NULL;
}

/* A value and zeros after it, joined: the value, padded. */
bool rewrite_concat(struct fx_node *n)
{
	struct fx_graph *g = n->graph;
	struct fx_node *x = fx_node_in(n, 0);
	int64_t dim = fx_node_int(n, "dim", 0), pads[2 * FXQ_MAX_RANK] = { 0 };
	struct fx_kwarg k[2];
	uint32_t rank;

	if (!fx_node_is(n, "concat") || n->n_args != 2 || !is_float(x) ||
	    const_floats(x) || !all_zero(fx_node_in(n, 1)))
		return false;
	rank = type_of(n)->rank;
	dim += dim < 0 ? rank : 0;
	pads[rank + dim] = type_of(n)->dims[dim] - type_of(x)->dims[dim];
	k[0] = (struct fx_kwarg){ "pads", fx_arg_ints(g, pads, 2 * rank) };
	k[1] = (struct fx_kwarg){ "value", fx_arg_float(0) };
	take_place(n, call_for(n, "pad", &x, 1, k, 2));
	return true;
}

/* A slope on images with no layer before it: a depthwise layer of ones. */
static bool rewrite_prelu(struct fx_node *n)
{
	struct fx_node *x = fx_node_in(n, 0);
	struct affine f;

	if (!fx_node_is(n, "prelu") || type_of(n)->rank != 4 || !is_float(x) ||
	    (is_conv(x) && x->n_users == 1))
		return false;
	f = affine_new(n, x);
	x = depthwise(n, &f);
	x->out[0].scale = 0;
	fx_node_set_in(n, 0, x);
	return true;
}

static const rewrite rewrites[] = {
	rewrite_nothing,
	rewrite_views,
	rewrite_line,
	rewrite_on_line,
	rewrite_layer_norm,
	rewrite_matmul,
	rewrite_rows,
	rewrite_affine,
	rewrite_mean,
	rewrite_adaptive,
	rewrite_pad,
	rewrite_concat,
	rewrite_prelu,
};

/* Applies the first rewrite that fits anywhere; false if none does. */
static bool rewrite_once(struct fx_graph *g, const rewrite *list, size_t count)
{
	fx_for_each_node(n, g) {
		if (n->opcode != FX_CALL_FUNCTION || n->wrapped)
			continue;
		/* The list has changed around n. */
		for (size_t i = 0; i < count; i++)
			if (list[i](n))
				return true;
	}
	return false;
}

void rewrite_all(struct fx_graph *g, const rewrite *list, size_t count)
{
	while (rewrite_once(g, list, count))
		;
}

int fx_fuse(struct fx_graph *g)
{
	int ret = fx_graph_infer(g);

	if (ret)
		return ret;
	/* Scales first, that they are there before what has them moves. */
	fx_for_each_node(n, g)
		if (n->opcode == FX_CALL_FUNCTION)
			rewrite_pair(n);
	rewrite_all(g, rewrites, sizeof(rewrites) / sizeof(*rewrites));
	fx_graph_eliminate_dead_code(g);
	ret = fx_graph_infer(g);
	if (ret)
		return ret;
	return fx_graph_lint(g);
}
