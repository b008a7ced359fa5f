// SPDX-License-Identifier: MIT
/*
 * fuse_line.c - signals of one dimension as images of one row
 *
 * The device has layers and pools for images; those for a line are the same with
 * a height of 1. Such an operator gets a view (N, C, 1, L) of its input, and a
 * view behind it takes the height off again. Functions of single elements, norms
 * and sums move in front of that view, until it meets the one before the next
 * such operator and both go.
 */
#include <string.h>

#include "nn/line.h"

#include "quant_priv.h"

/* An average over all of an image is one over all of a line. */
static const char *image_op(const struct fx_node *n)
{
	if (fx_node_is(n, "adaptive_avg_pool2d") ||
	    fx_node_is(n, "global_avg_pool"))
		return n->target;
	return line_image_op(n->target);
}

static bool is_line(const struct fx_node *n)
{
	return is_float(n) && type_of(n)->rank == 3;
}

/* (N, C, L) with a height; of weights, (O, I, K). */
static struct fxq_tensor image_type(const struct fxq_tensor *line)
{
	struct fxq_tensor t = fxq_tensor_type(line->dtype, 4, (int64_t[]){
		line->dims[0], line->dims[1], 1, line->dims[2] });

	t.scale = line->scale;
	t.zero_point = line->zero_point;
	return t;
}

static struct fx_arg image_arg(const struct fx_node *n, const char *name)
{
	int64_t v[4] = { 0 }, to[4];
	size_t count = fx_node_ints(n, name, v, 4);

	count = line_image_param(name, v, count < 4 ? count : 4, to);
	return count ? fx_arg_ints(n->graph, to, count) :
		       *fx_node_kwarg(n, name);
}

/* The weights with a height; NULL if they are no constant. */
static struct fx_node *image_weights(struct fx_node *n)
{
	struct fx_node *w = fx_node_in(n, 1), *to;
	struct fxq_tensor t;

	if (!const_floats(w) || type_of(w)->rank != 3)
		return NULL;
	t = image_type(type_of(w));
	to = add_const(n->graph, n, "weight", FXQ_DTYPE_F32, 4, t.dims,
		       const_floats(w));
	if (fx_node_kwarg(w, "scale"))
		fx_node_set_kwarg(to, "scale", *fx_node_kwarg(w, "scale"));
	return to;
}

/* An average over a line leaves the channels, which it calls size 0, alone. */
static bool is_over_line(const struct fx_node *n)
{
	int64_t size[2] = { 0 };

	return !fx_node_is(n, "adaptive_avg_pool2d") ||
	       (fx_node_ints(n, "output_size", size, 2) == 2 && !size[0]);
}

bool rewrite_line(struct fx_node *n)
{
	struct fx_node *in[3] = { fx_node_in(n, 0), NULL, fx_node_in(n, 2) };
	struct fx_graph *g = n->graph;
	const char *op = image_op(n);
	struct fx_kwarg kwargs[16];
	struct fxq_tensor type;
	struct fx_node *call, *was;

	if (!op || n->n_out != 1 || n->n_args > 3 || n->n_kwargs > 16 ||
	    !is_line(n) || !is_line(in[0]) || !is_over_line(n))
		return false;
	was = fx_graph_set_insert_point(g, n);
	if (n->n_args > 1)
		in[1] = image_weights(n);
	if (n->n_args > 1 && !in[1]) {
		fx_graph_set_insert_point(g, was);
		return false;
	}
	for (size_t i = 0; i < n->n_kwargs; i++)
		kwargs[i] = (struct fx_kwarg){
			n->kwargs[i].name, image_arg(n, n->kwargs[i].name) };

	type = image_type(type_of(in[0]));
	in[0] = view_as(in[0], &type, n->source);
	call = fx_graph_call(g, op, in, n->n_args, kwargs, n->n_kwargs);
	type = image_type(type_of(n));
	fx_node_set_type(call, &type);
	call->source = n->source;
	take_place(n, view_as(call, type_of(n), n->source));
	fx_graph_set_insert_point(g, was);
	return true;
}

/* Does @v only take the height off an image? */
static bool takes_height(const struct fx_node *v)
{
	struct fxq_tensor image;

	if (!is_view(v) || !is_line(v) || is_rounded_anew(v))
		return false;
	image = image_type(type_of(v));
	return type_of(fx_node_in(v, 0))->rank == 4 &&
	       !memcmp(type_of(fx_node_in(v, 0))->dims, image.dims,
		       4 * sizeof(*image.dims));
}

/* How many of its inputs, from the first, are values; the rest are constants. */
static size_t count_values(const struct fx_node *n)
{
	int64_t dim = fx_node_int(n, "dim", 0);

	if (fx_node_is(n, "batch_norm"))
		return 1;
	if (fx_node_is(n, "add") || fx_node_is(n, "sub") ||
	    fx_node_is(n, "mul"))
		return 2;
	if (fx_node_is(n, "concat"))
		return dim == 1 || dim == -2 ? n->n_args : 0;
	return n->op && n->op->flags & FX_OP_POINTWISE &&
	       !(n->op->flags & FX_OP_VIEW) && n->n_args == 1;
}

/* n(view(x), ...) becomes view(n(x, ...)). */
bool rewrite_on_line(struct fx_node *n)
{
	size_t n_values = is_line(n) && n->n_out == 1 ? count_values(n) : 0;
	struct fxq_tensor line = *type_of(n), image = image_type(&line);
	struct fx_node *was, *v;
	float number;

	for (size_t i = 0; i < n_values; i++) {
		v = fx_node_in(n, i);
		if (!v || !(takes_height(v) || (i && const_scalar(v, &number))))
			return false;
	}
	if (!n_values)
		return false;

	for (size_t i = 0; i < n_values; i++) {
		v = fx_node_in(n, i);
		if (!takes_height(v))
			continue;
		fx_node_set_in(n, i, fx_node_in(v, 0));
		erase_unused(v);
	}
	if (fx_node_is(n, "concat"))
		fx_node_set_kwarg(n, "dim", fx_arg_int(1));
	fx_node_set_type(n, &image);
	was = fx_graph_set_insert_point(n->graph, n->next);
	fx_node_replace_uses(n, view_as(n, &line, n->source));
	fx_graph_set_insert_point(n->graph, was);
	return true;
}
