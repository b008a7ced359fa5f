// SPDX-License-Identifier: MIT
/*
 * pointwise.c - functions of one value, spelled in one node or in many
 *
 * x * clip(x + 3, 0, 6) / 6 is four nodes and one function of x. Whatever
 * comes from one value element by element, by way of one-input operators and
 * of arithmetic with numbers and with other such functions of the same value,
 * is a single table for the device. f is evaluated in double, operator by
 * operator, with the kernels that also compute the float graph.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "quant_priv.h"

static const char *const arithmetic[] = {
	"add", "sub", "mul", "div", "pow", "minimum", "maximum",
};

static bool is_arithmetic(const struct fx_node *n)
{
	for (size_t i = 0; i < sizeof(arithmetic) / sizeof(*arithmetic); i++)
		if (fx_node_is(n, arithmetic[i]))
			return true;
	return false;
}

static bool same_shape(const struct fx_node *a, const struct fx_node *b)
{
	const struct fxq_tensor *x = type_of(a), *y = type_of(b);

	return x->rank == y->rank &&
	       !memcmp(x->dims, y->dims, x->rank * sizeof(*x->dims));
}

/* What input @i of @n is a function of; NULL if it is just a number. */
static struct fx_node *root_of_input(const struct fx_node *n, size_t i)
{
	struct fx_node *in = fx_node_in(n, i);
	float value;

	if (!in || const_scalar(in, &value))
		return NULL;
	return is_given(in) ? in : pointwise_root(in);
}

static struct fx_node *find_root(struct fx_node *n)
{
	struct fx_node *a, *b;

	if (n->opcode != FX_CALL_FUNCTION || !n->op || n->wrapped ||
	    !is_float(n) || ((struct pointwise *)n->data)->barrier)
		return n;
	if (n->op->flags & FX_OP_POINTWISE && n->n_args == 1) {
		a = root_of_input(n, 0);
		return a && is_float(a) && same_shape(a, n) ? a : n;
	}
	if (!is_arithmetic(n))
		return n;
	a = root_of_input(n, 0);
	b = root_of_input(n, 1);
	if (a && b && a != b)
		return n;
	a = a ? a : b;
	return a && is_float(a) && !const_floats(a) && same_shape(a, n) ? a : n;
}

void pointwise_roots(struct fx_graph *g)
{
	fx_for_each_node(n, g)
		((struct pointwise *)n->data)->root = find_root(n);
}

/* An input of @n as doubles: the number, or f of it. Allocated. */
static int eval_input(struct fx_node *n, size_t i, struct fx_node *root,
		      const double *x, size_t count, struct fxq_tensor *ret)
{
	struct fx_node *in = fx_node_in(n, i);
	int64_t size = (int64_t)count;
	float value;
	int err;

	if (const_scalar(in, &value))
		size = 1;
	*ret = fxq_tensor_type(FXQ_DTYPE_F64, 1, &size);
	err = fxq_tensor_alloc(ret);
	if (err)
		return err;
	if (size == 1 && const_scalar(in, &value)) {
		*(double *)ret->data = (double)value;
		return 0;
	}
	err = pointwise_eval(in, root, x, ret->data, count);
	if (err)
		fxq_tensor_free(ret);
	return err;
}

int pointwise_eval(struct fx_node *n, struct fx_node *root, const double *x,
		   double *y, size_t count)
{
	struct fxq_tensor in[2] = { 0 }, out = { 0 };
	struct fxq_call call = { .n_in = (uint32_t)n->n_args, .n_out = 1,
				 .in = in, .out = &out, .threads = 1 };
	struct fxq_attr *attrs;
	int ret = 0, n_attrs;

	if (n == root) {
		memcpy(y, x, count * sizeof(*y));
		return 0;
	}
	n_attrs = fx_node_attrs(n, &attrs);
	if (n_attrs < 0)
		return n_attrs;
	call.attrs = attrs;
	call.n_attrs = (uint32_t)n_attrs;
	for (size_t i = 0; !ret && i < n->n_args && i < 2; i++)
		ret = eval_input(n, i, root, x, count, &in[i]);
	if (!ret)
		ret = fx_op_run(n->op, &call);
	if (!ret && (out.dtype != FXQ_DTYPE_F64 ||
		     fxq_tensor_count(&out) != (int64_t)count))
		ret = -EOPNOTSUPP;
	if (!ret)
		memcpy(y, out.data, count * sizeof(*y));
	fxq_tensor_free(&out);
	fxq_tensor_free(&in[0]);
	fxq_tensor_free(&in[1]);
	return ret;
}
