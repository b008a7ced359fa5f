// SPDX-License-Identifier: MIT
/*
 * rewrite_index.c - parts of tensors as operators
 *
 * v[i, a:b, None, ...] is a slice, a squeeze of the dimensions that integers
 * took, and an unsqueeze of new ones. No size is known yet: what follows an
 * ellipsis is counted from the end.
 */
#include <errno.h>
#include <string.h>

#include "rewrite.h"

struct ints {
	int64_t v[MAX_ARGS];
	size_t n;
};

/*
 * struct index - what v[…] comes down to
 * @in, @out: the next dimension of the tensor, and of the result without the
 *	      dimensions that are new
 */
struct index {
	struct ints starts, ends, axes, steps, squeeze, unsqueeze;
	int64_t in, out;
};

static void push(struct ints *to, int64_t v)
{
	to->v[to->n++] = v;
}

static void push_slice(struct index *x, int64_t start, int64_t end,
		       int64_t step)
{
	push(&x->starts, start);
	push(&x->ends, end);
	push(&x->steps, step);
	push(&x->axes, x->in);
}

static bool is_ellipsis(const struct fx_arg *a)
{
	return a->kind == FX_ARG_NAME;
}

static bool int_or_none(const struct fx_arg *a)
{
	return a->kind == FX_ARG_INT || a->kind == FX_ARG_NONE;
}

static int64_t int_or(const struct fx_arg *a, int64_t def)
{
	return a->kind == FX_ARG_INT ? a->i : def;
}

static bool add_range(struct index *x, const struct fx_arg *a)
{
	const struct fx_arg *part = a->items;

	if (a->count != 3 || !int_or_none(&part[0]) ||
	    !int_or_none(&part[1]) || !int_or_none(&part[2]))
		return false;
	if (part[0].kind != FX_ARG_NONE || part[1].kind != FX_ARG_NONE ||
	    int_or(&part[2], 1) != 1)
		push_slice(x, int_or(&part[0], 0), int_or(&part[1], INT64_MAX),
			   int_or(&part[2], 1));
	x->in++;
	x->out++;
	return true;
}

static bool add_part(struct index *x, const struct fx_arg *a)
{
	switch (a->kind) {
	case FX_ARG_NONE:
		push(&x->unsqueeze, x->out++);
		return true;
	case FX_ARG_INT:
		push_slice(x, a->i, a->i == -1 ? INT64_MAX : a->i + 1, 1);
		push(&x->squeeze, x->in++);
		return true;
	case FX_ARG_SLICE:
		return add_range(x, a);
	default:
		return false;
	}
}

/* After an ellipsis the rest of the parts are the last dimensions. */
static void skip_to_end(struct index *x, const struct fx_arg *rest, size_t n)
{
	x->in = x->out = 0;
	for (size_t i = 0; i < n; i++) {
		x->in -= rest[i].kind != FX_ARG_NONE;
		x->out -= rest[i].kind != FX_ARG_INT;
	}
}

static bool read_index(const struct fx_arg *a, struct index *x)
{
	const struct fx_arg *parts = a->kind == FX_ARG_TUPLE ? a->items : a;
	size_t n = a->kind == FX_ARG_TUPLE ? a->count : 1;

	for (size_t i = 0; i < n; i++) {
		if (is_ellipsis(&parts[i]))
			skip_to_end(x, &parts[i + 1], n - i - 1);
		else if (n > MAX_ARGS || !add_part(x, &parts[i]))
			return false;
	}
	return true;
}

static struct fx_arg ints_arg(struct rewrite *r, const struct ints *v)
{
	return fx_arg_ints(r->to, v->v, v->n);
}

static struct fx_node *write_slice(struct rewrite *r, struct fx_node *x,
				   const struct index *i)
{
	const struct fx_kwarg kwargs[] = {
		{ "starts", ints_arg(r, &i->starts) },
		{ "ends", ints_arg(r, &i->ends) },
		{ "axes", ints_arg(r, &i->axes) },
		{ "steps", ints_arg(r, &i->steps) },
	};

	return i->axes.n ? rewrite_call(r, "slice", x, kwargs, 4) : x;
}

static struct fx_node *write_dims(struct rewrite *r, const char *op,
				  struct fx_node *x, const struct ints *dims)
{
	const struct fx_kwarg kwarg = { "dims", ints_arg(r, dims) };

	return dims->n ? rewrite_call(r, op, x, &kwarg, 1) : x;
}

static int rewrite_part(struct rewrite *r, struct fx_node *n,
			struct fx_node *x, const struct fx_arg *index)
{
	struct index i = { 0 };

	if (!read_index(index, &i))
		return rewrite_fail(r, n, "an index that is no integer, slice, None or ellipsis; wrap what needs it");
	x = write_slice(r, x, &i);
	x = write_dims(r, "squeeze", x, &i.squeeze);
	n->data = write_dims(r, "unsqueeze", x, &i.unsqueeze);
	return 0;
}

/* The node @n is an item of, if that is a split, and the split's arguments. */
static bool is_split(struct rewrite *r, struct fx_node *of, fxv *size,
		     fxv *dim)
{
	if (function_of_node(of) != &fx_function_split || of->n_args < 2)
		return false;
	*dim = fx_of_int(of->n_args > 2 && of->args[2].kind == FX_ARG_INT ?
			 of->args[2].i : fx_node_int(of, "dim", 0));
	*size = fx_of_int(of->args[1].kind == FX_ARG_INT ? of->args[1].i : 0);
	return true;
}

static int split_part(struct rewrite *r, struct fx_node *n, fxv size, fxv dim)
{
	struct fx_node *split = fx_node_in(n, 0);
	struct fx_node *x = fx_node_in(split, 0);
	struct index part = { .in = dim.i };
	int64_t i = n->args[1].i;

	if (n->args[1].kind != FX_ARG_INT || i < 0 || size.i < 1 ||
	    i > INT32_MAX || size.i > INT32_MAX)
		return rewrite_fail(r, n, "a part of a split by a size is selected by a number from 0 on");
	push_slice(&part, i * size.i, (i + 1) * size.i, 1);
	n->data = write_slice(r, x->data, &part);
	return 0;
}

int rewrite_getitem(struct rewrite *r, struct fx_node *n)
{
	struct fx_node *of = fx_node_in(n, 0);
	const fxv *several = of ? rewrite_several(r, of) : NULL;
	fxv size, dim;
	int64_t i;

	if (!of || n->n_args != 2)
		return rewrite_fail(r, n, "no operator computes this call; wrap it to keep it on the CPU");
	if (is_split(r, of, &size, &dim))
		return split_part(r, n, size, dim);
	if (!several)
		return rewrite_part(r, n, of->data, &n->args[1]);

	i = n->args[1].kind == FX_ARG_INT ? n->args[1].i : INT64_MAX;
	if (i < 0)
		i += fx_tuple_count(*several);
	if (i < 0 || i >= (int64_t)fx_tuple_count(*several))
		return rewrite_fail(r, n, "there is no such result");
	rewrite_answer(r, n, fx_tuple_item(*several, i));
	return 0;
}

/* How many parts there are depends on a size; those that are used, do not. */
int rewrite_split(struct rewrite *r, struct fx_node *n)
{
	n->data = NULL;
	return 0;
}

int rewrite_chunk(struct rewrite *r, struct fx_node *n)
{
	const struct fx_arg *dim = n->n_args > 2 ? &n->args[2] :
				   fx_node_kwarg(n, "dim");
	const struct fx_arg *count = n->n_args > 1 ? &n->args[1] :
				     fx_node_kwarg(n, "chunks");
	int64_t chunks = count && count->kind == FX_ARG_INT ? count->i : 0;
	fxv items[MAX_ARGS + 1];
	struct fx_node *call;

	if (chunks < 1 || chunks > MAX_ARGS || !fx_node_in(n, 0))
		return rewrite_fail(r, n, "chunk makes 1 to 64 parts of a tensor");
	call = rewrite_call(r, "split", fx_node_in(n, 0)->data,
			    (struct fx_kwarg[]){
				{ "dim", fx_arg_int(dim && dim->kind ==
						    FX_ARG_INT ? dim->i : 0) },
				{ "n_out", fx_arg_int(chunks) } }, 2);
	for (int64_t i = 0; i < chunks; i++) {
		const struct fx_kwarg index = { "index", fx_arg_int(i) };

		items[i] = (fxv){ .kind = FX_VALUE_NODE,
				  .node = rewrite_call(r, "getitem", call,
						       &index, 1) };
	}
	items[chunks] = (fxv)FX_END;
	rewrite_answer(r, n, fx_tuple_of(FX_VALUE_TUPLE, items));
	return 0;
}
