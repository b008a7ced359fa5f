// SPDX-License-Identifier: MIT
/*
 * fuse_norm.c - layer normalization, as exporters spell it
 *
 * Older opsets have no operator for it. What is exported then is
 *
 *	d = x - mean(x);  y = d / sqrt(mean(d * d) + eps) * gain + bias
 *
 * with many spellings of a square and of an inverse root. Eight bits would not
 * survive the square, and the device does all of it at once, so it is written
 * as one layer_norm. That runs over the last dimension: one over another is
 * turned there and back, which costs the device nothing where it keeps its
 * channels there anyway.
 */
#include <math.h>
#include <string.h>

#include "quant_priv.h"

/*
 * struct norm - a normalization that was found
 * @x: what is normalized along @dim
 * @order: a permute between the difference and the rest, or NULL
 * @n: the quotient, without gain and bias
 */
struct norm {
	struct fx_node *x, *order, *n;
	int64_t dim;
	float eps;
};

static bool is_number(const struct fx_node *n, float want)
{
	float v;

	return const_scalar(n, &v) && v == want;
}

/* The value whose mean over one dimension, which stays, @n is. */
static struct fx_node *mean_of(const struct fx_node *n, int64_t *ret_dim)
{
	struct fx_node *x;

	if (!n || !fx_node_is(n, "reduce_mean") ||
	    fx_node_ints(n, "dims", ret_dim, 1) != 1)
		return NULL;
	x = fx_node_in(n, 0);
	if (!is_float(x) || type_of(x)->rank != type_of(n)->rank)
		return NULL;
	*ret_dim += *ret_dim < 0 ? type_of(x)->rank : 0;
	return x;
}

/* What @n is the square of. */
static struct fx_node *square_of(const struct fx_node *n)
{
	struct fx_node *a = n ? fx_node_in(n, 0) : NULL;

	if (a && fx_node_is(n, "pow") && is_number(fx_node_in(n, 1), 2))
		return a;
	return a && fx_node_is(n, "mul") && fx_node_in(n, 1) == a ? a : NULL;
}

/* What @n is the square root of. */
static struct fx_node *root_of(const struct fx_node *n)
{
	if (n && (fx_node_is(n, "sqrt") ||
		  (fx_node_is(n, "pow") && is_number(fx_node_in(n, 1), 0.5f))))
		return fx_node_in(n, 0);
	return NULL;
}

/* What @n is one over the square root of. */
static struct fx_node *inverse_root_of(const struct fx_node *n)
{
	if (!n)
		return NULL;
	if (fx_node_is(n, "pow") && is_number(fx_node_in(n, 1), -0.5f))
		return fx_node_in(n, 0);
	if (fx_node_is(n, "reciprocal"))
		return root_of(fx_node_in(n, 0));
	if (fx_node_is(n, "div") && is_number(fx_node_in(n, 0), 1))
		return root_of(fx_node_in(n, 1));
	return NULL;
}

/* @n = d / sqrt(a), in any spelling: gives d and a. */
static bool is_quotient(const struct fx_node *n, struct fx_node **ret_d,
			struct fx_node **ret_a)
{
	bool product = fx_node_is(n, "mul");

	if (!product && !fx_node_is(n, "div"))
		return false;
	for (size_t i = 0; i < 2; i++) {
		struct fx_node *r = fx_node_in(n, 1 - i);

		*ret_d = fx_node_in(n, i);
		*ret_a = product ? inverse_root_of(r) : root_of(r);
		if (*ret_d && *ret_a)
			return true;
		if (!product)
			return false;
	}
	return false;
}

/* @n = v + eps: gives v. */
static struct fx_node *without_eps(const struct fx_node *n, float *ret_eps)
{
	if (!fx_node_is(n, "add"))
		return NULL;
	for (size_t i = 0; i < 2; i++)
		if (const_scalar(fx_node_in(n, i), ret_eps))
			return fx_node_in(n, 1 - i);
	return NULL;
}

/* @d = x - mean(x), perhaps in another order. */
static bool is_difference(struct fx_node *d, struct norm *ret)
{
	int64_t order[FXQ_MAX_RANK], at = 0;

	ret->order = fx_node_is(d, "permute") ? d : NULL;
	d = ret->order ? fx_node_in(d, 0) : d;
	if (!d || !fx_node_is(d, "sub"))
		return false;
	ret->x = fx_node_in(d, 0);
	if (!ret->x || mean_of(fx_node_in(d, 1), &ret->dim) != ret->x)
		return false;
	if (!ret->order)
		return true;
	fx_node_permutation(ret->order, order);
	while (order[at] != ret->dim)
		at++;
	ret->dim = at;
	return true;
}

/* Two spellings of one difference? Some exporters compute it twice. */
static bool same_difference(const struct norm *a, const struct norm *b)
{
	return a->x == b->x && a->dim == b->dim && a->order == b->order;
}

static bool find_norm(struct fx_node *n, struct norm *ret)
{
	struct fx_node *d, *a, *v, *squared;
	struct norm inner;
	int64_t dim;

	if (!is_float(n) || !is_quotient(n, &d, &a))
		return false;
	v = without_eps(a, &ret->eps);
	squared = v ? square_of(mean_of(v, &dim)) : NULL;
	if (!squared || !is_difference(d, ret) ||
	    !is_difference(squared, &inner) || !same_difference(ret, &inner))
		return false;
	ret->n = n;
	return dim == ret->dim && ret->eps > 0 && isfinite(ret->eps);
}

/* Does constant @c hold a number, or one for each index of @t's @dim? */
static bool lies_along(const struct fx_node *c, const struct fxq_tensor *t,
		       int64_t dim)
{
	const struct fxq_tensor *k;

	if (!const_floats(c))
		return false;
	k = type_of(c);
	dim -= (int64_t)t->rank - k->rank;
	if (k->rank > t->rank)
		return false;
	return fxq_tensor_count(k) == 1 ||
	       (dim >= 0 && k->dims[dim] == fxq_tensor_count(k));
}

/*
 * If the only node to see *@n is operator @op with a constant along @dim, it
 * becomes *@n; the constant, one element for each of @size, is returned.
 */
static struct fx_node *take(struct fx_node **n, const char *op, int64_t dim,
			    int64_t size)
{
	struct fx_graph *g = (*n)->graph;
	struct fx_node *u = only_user(*n), *c;
	const float *v;
	float *all;

	if (!u || !fx_node_is(u, op))
		return NULL;
	c = fx_node_in(u, fx_node_in(u, 0) == *n ? 1 : 0);
	if (!lies_along(c, type_of(u), dim) ||
	    type_of(u)->rank != type_of(*n)->rank)
		return NULL;
	v = const_floats(c);
	all = fx_graph_alloc(g, (size_t)size * sizeof(*all));
	for (int64_t i = 0; i < size; i++)
		all[i] = v[fxq_tensor_count(type_of(c)) == 1 ? 0 : i];
	*n = u;
	return add_const(g, u, "norm", FXQ_DTYPE_F32, 1, &size, all);
}

static struct fx_node *permuted(struct fx_node *x, const int64_t *order,
				uint32_t rank)
{
	struct fx_kwarg k = { "dims", fx_arg_ints(x->graph, order, rank) };
	struct fx_node *p = fx_graph_call(x->graph, "permute", &x, 1, &k, 1);
	struct fxq_tensor t = *type_of(x);

	for (uint32_t i = 0; i < rank; i++)
		t.dims[i] = type_of(x)->dims[order[i]];
	t.data = NULL;
	fx_node_set_type(p, &t);
	return p;
}

/* The operator, on @x of which @dim has been made the last dimension. */
static struct fx_node *norm_of(struct fx_node *x, struct fx_node *gain,
			       struct fx_node *bias, const struct norm *f)
{
	struct fx_node *in[3] = { x, gain, bias };
	struct fx_kwarg k[2] = {
		{ "axis", fx_arg_int(-1) },
		{ "eps", fx_arg_float((double)f->eps) } };
	struct fx_node *n = fx_graph_call(x->graph, "layer_norm", in, 3, k, 2);

	fx_node_set_type(n, type_of(x));
	return n;
}

bool rewrite_layer_norm(struct fx_node *n)
{
	int64_t order[FXQ_MAX_RANK], there[FXQ_MAX_RANK], back[FXQ_MAX_RANK];
	struct fx_node *was, *gain, *bias, *last = n, *x;
	uint32_t rank, k = 0;
	struct norm f;
	int64_t size;

	if (!find_norm(n, &f))
		return false;
	rank = type_of(n)->rank;
	size = type_of(n)->dims[f.dim];
	was = fx_graph_set_insert_point(n->graph, n);
	gain = take(&last, "mul", f.dim, size);
	bias = take(&last, "add", f.dim, size);

	x = f.x;
	if (f.order) {
		fx_node_permutation(f.order, order);
		x = permuted(x, order, rank);
	}
	for (uint32_t i = 0; i < rank; i++)
		if (i != f.dim)
			there[k++] = i;
	there[k] = f.dim;
	for (uint32_t i = 0; i < rank; i++)
		back[there[i]] = i;
	if (f.dim != (int64_t)rank - 1)
		x = permuted(x, there, rank);
	x = norm_of(x, gain, bias, &f);
	x->source = last->source;
	x->out[0].scale = last->out[0].scale;
	x->out[0].zero_point = last->out[0].zero_point;
	if (f.dim != (int64_t)rank - 1)
		x = permuted(x, back, rank);
	fx_graph_set_insert_point(n->graph, was);
	take_place(last, x);
	return true;
}
