// SPDX-License-Identifier: MIT
/*
 * fuse_shape.c - reshapes that stand between what belongs together
 *
 * Exporters flatten a sequence before each product with weights and restore it
 * after, though all but the last dimension are alike to such operators. The
 * reshape in front moves behind the operator; there it meets the one that
 * undoes it, both go, and the layer sees the function or the addition that
 * follows it.
 */
#include <string.h>

#include "quant_priv.h"

bool is_view(const struct fx_node *n)
{
	return n && n->opcode == FX_CALL_FUNCTION && n->op && !n->wrapped &&
	       n->op->flags & FX_OP_VIEW && is_float(n) && fx_node_in(n, 0);
}

static bool same_shape(const struct fxq_tensor *a, const struct fxq_tensor *b)
{
	return a->rank == b->rank &&
	       !memcmp(a->dims, b->dims, a->rank * sizeof(*a->dims));
}

struct fx_node *view_as(struct fx_node *x, const struct fxq_tensor *to,
			const char *source)
{
	struct fx_kwarg k = { "shape", fx_arg_ints(x->graph, to->dims,
						   to->rank) };
	struct fx_node *n = fx_graph_call(x->graph, "reshape", &x, 1, &k, 1);

	fx_node_set_type(n, to);
	n->source = source;
	return n;
}

/* A view of a view is one; of the same shape as the first's, none. */
bool rewrite_views(struct fx_node *n)
{
	struct fx_node *x, *was, *to;

	if (!is_view(n))
		return false;
	x = fx_node_in(n, 0);
	if (!is_view(x) && !same_shape(type_of(x), type_of(n)))
		return false;
	if (is_rounded_anew(is_view(x) ? x : n))
		return false;
	x = is_view(x) ? fx_node_in(x, 0) : x;
	if (same_shape(type_of(x), type_of(n)) && is_given(n) &&
	    !same_qparams(qparams_of_node(n), qparams_of_node(x)))
		return false;
	was = fx_graph_set_insert_point(n->graph, n);
	to = same_shape(type_of(x), type_of(n)) ? x :
	     view_as(x, type_of(n), n->source);
	fx_graph_set_insert_point(n->graph, was);
	fx_node_replace_uses(n, to);
	erase_unused(n);
	return true;
}

/* Does @n work on each row of its last dimension alone? */
static bool works_on_rows(const struct fx_node *n)
{
	int64_t last = (int64_t)type_of(n)->rank - 1, dim;

	if (is_linear(n))
		return true;
	if (!fx_node_is(n, "softmax"))
		return false;
	dim = fx_node_int(n, "dim", -1);
	return dim == -1 || dim == last;
}

/* As @of, but with @size elements in the last dimension. */
static struct fxq_tensor rows_of(const struct fxq_tensor *of, int64_t size)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, of->rank,
					      of->dims);

	t.dims[t.rank - 1] = size;
	return t;
}

static int64_t row_size(const struct fxq_tensor *t)
{
	return t->rank ? t->dims[t->rank - 1] : 0;
}

static void set_rows(struct fx_node *n, struct fx_node *x,
		     const struct fxq_tensor *to)
{
	struct fxq_tensor t = *to;

	t.scale = type_of(n)->scale;
	t.zero_point = type_of(n)->zero_point;
	fx_node_set_in(n, 0, x);
	fx_node_set_type(n, &t);
	if (fx_node_kwarg(n, "dim"))
		fx_node_set_kwarg(n, "dim", fx_arg_int(-1));
}

/* n(view(x)) becomes view(n(x)). */
static void take_rows(struct fx_node *n, struct fx_node *x)
{
	struct fxq_tensor before = rows_of(type_of(n), row_size(type_of(n)));
	struct fxq_tensor rows = rows_of(type_of(x), row_size(&before));
	struct fx_node *v = fx_node_in(n, 0), *was;

	set_rows(n, x, &rows);
	was = fx_graph_set_insert_point(n->graph, n->next);
	fx_node_replace_uses(n, view_as(n, &before, n->source));
	fx_graph_set_insert_point(n->graph, was);
	erase_unused(v);
}

/* u(n(view(x))), u a view, becomes n(view(x)). */
static void give_rows(struct fx_node *n, struct fx_node *x, struct fx_node *u)
{
	struct fx_node *v = fx_node_in(n, 0), *was;
	struct fxq_tensor rows = rows_of(type_of(u), row_size(type_of(v)));
	struct fxq_tensor result = rows_of(type_of(u), row_size(type_of(u)));

	was = fx_graph_set_insert_point(n->graph, n);
	set_rows(n, view_as(x, &rows, v->source), &result);
	fx_graph_set_insert_point(n->graph, was);
	fx_node_replace_uses(u, n);
	erase_unused(u);
	erase_unused(v);
}

/*
 * An operator on rows takes them in the shape they had before. Not those of an
 * image, of rank 4, whose channels are not last: there it takes them in the
 * shape that its result is going to have.
 */
bool rewrite_rows(struct fx_node *n)
{
	struct fx_node *v = fx_node_in(n, 0), *x, *u;

	if (!is_float(n) || !type_of(n)->rank || !works_on_rows(n) ||
	    !is_view(v) || is_rounded_anew(v))
		return false;
	x = fx_node_in(v, 0);
	u = only_user(n);
	if (type_of(x)->rank != 4) {
		if (row_size(type_of(x)) != row_size(type_of(v)))
			return false;
		take_rows(n, x);
		return true;
	}
	if (!is_view(u) || is_rounded_anew(u) || type_of(u)->rank == 4 ||
	    row_size(type_of(u)) != row_size(type_of(n)))
		return false;
	give_rows(n, x, u);
	return true;
}
