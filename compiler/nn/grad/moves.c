// SPDX-License-Identifier: MIT
/*
 * Operators that copy elements and compute none. Whatever such a one does to
 * numbers, it does to the numbers of elements too: the forward kernel, run on
 * 1, 2, 3 …, tells where every element of the result came from, and the
 * gradient goes back there. A zero is an element that it made itself.
 */
#include "../array/array.h"
#include "grad.h"
#include "sum.h"

struct numbers {
	struct fxq_tensor in[GRAD_MAX], out[GRAD_MAX];
	struct fxq_attr attrs[GRAD_MAX];
	struct fxq_call call;
};

static int alloc_numbers(struct fxq_tensor *t)
{
	t->dtype = FXQ_DTYPE_I64;
	t->data = NULL;
	return fxq_tensor_alloc(t);
}

/* The forward call on numbers; what pad pads with is zero. */
static int make_numbers(const struct grad *g, struct numbers *n)
{
	int ret;

	memcpy(n->in, g->in, sizeof(n->in));
	n->call = g->call;
	n->call.in = n->in;
	n->call.out = n->out;
	n->call.attrs = n->attrs;
	n->call.n_attrs = 0;
	for (uint32_t i = 0; i < g->call.n_attrs; i++)
		if (strcmp(g->call.attrs[i].name, "value"))
			n->attrs[n->call.n_attrs++] = g->call.attrs[i];

	ret = alloc_numbers(&n->in[0]);
	for (int64_t i = 0; !ret && i < fxq_tensor_count(&n->in[0]); i++)
		((int64_t *)n->in[0].data)[i] = i + 1;
	for (uint32_t i = 0; i < g->call.n_out && !ret; i++) {
		n->out[i] = g->out[i];
		ret = alloc_numbers(&n->out[i]);
	}
	return ret;
}

/* Returns the sum of what belongs to elements that were made. */
static double give_back(real *dx, const real *dy, const int64_t *from,
			int64_t n)
{
	double made = 0;

	for (int64_t i = 0; i < n; i++)
		if (!from[i])
			made += dy[i];
		else if (dx)
			dx[from[i] - 1] += dy[i];
	return made;
}

/* @made: the input that such elements are copies of; 0: none is. */
static int move_back(struct grad *g, fxq_call_fn eval, uint32_t made)
{
	real *dx = grad_dx_zeroed(g, 0), *d_made = NULL;
	struct numbers *n;
	int ret = 0;

	if (made)
		d_made = grad_dx_zeroed(g, made);
	if (g->call.n_attrs > GRAD_MAX)
		return kern_refuse(&g->call, -E2BIG, "%u parameters",
				   g->call.n_attrs);
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;

	ret = make_numbers(g, n);
	if (!ret)
		ret = eval(&n->call);
	if (ret)
		memcpy(g->call.error, n->call.error, sizeof(n->call.error));
	for (uint32_t i = 0; i < g->call.n_out; i++) {
		if (!ret && grad_dy(g, i)) {
			double sum = give_back(dx, grad_dy(g, i),
					       n->out[i].data,
					       fxq_tensor_count(&g->out[i]));

			if (d_made)
				*d_made += (real)sum;
		}
		fxq_tensor_free(&n->out[i]);
	}
	fxq_tensor_free(&n->in[0]);
	free(n);
	return ret;
}

#define MOVES(name)				\
GRAD_KERNEL(name)				\
{						\
	return move_back(g, eval_##name, 0);	\
}

MOVES(permute)
MOVES(split)
MOVES(slice)
MOVES(tile)
MOVES(depth_to_space)
MOVES(space_to_depth)
MOVES(reverse_sequence)
MOVES(trilu)
MOVES(gather)
MOVES(gather_elements)
MOVES(gather_nd)

GRAD_KERNEL(pad)
{
	return move_back(g, eval_pad, 2);
}

/* What was broadcast has the sum of its copies. */
GRAD_KERNEL(expand)
{
	real *dx = grad_dx(g, 0);

	return dx ? sum_to(grad_dy(g, 0), &g->out[0], dx, &g->in[0]) : 0;
}

/* Each input is a part of every row of the result. */
GRAD_KERNEL(concat)
{
	const struct fxq_tensor *y = &g->out[0];
	int64_t outer, inner, row, at = 0;
	uint32_t dim;
	int ret;

	ret = kern_dim(&g->call, "dim", 0, y->rank, &dim);
	if (ret)
		return ret;

	outer = kern_product(y, 0, dim);
	inner = kern_product(y, dim + 1, y->rank);
	row = y->dims[dim] * inner;
	for (uint32_t i = 0; i < g->call.n_in; i++) {
		int64_t n = g->in[i].dims[dim] * inner;
		real *dx = grad_dx(g, i);

		for (int64_t o = 0; dx && o < outer; o++)
			memcpy(dx + o * n, grad_dy(g, 0) + o * row + at,
			       n * sizeof(*dx));
		at += n;
	}
	return 0;
}
