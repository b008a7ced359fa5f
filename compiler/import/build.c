// SPDX-License-Identifier: MIT
/*
 * Making operators of the graph. A call that is built is given its type right
 * away; if all its inputs are constants it is computed instead, and the graph
 * gets the results. What depends on values that only a run knows keeps an
 * unknown type, and so does whatever depends on that.
 */
#include <stdio.h>
#include <stdlib.h>

#include "import.h"

#define OUTPUTS_MAX	64

/* Larger results stay operators, and so does what comes after too many. */
#define FOLD_MAX	((int64_t)64 << 20)
#define FOLD_SUM_MAX	((int64_t)1 << 30)
/* Multiplications, roughly, that all folding together may cost. */
#define FOLD_WORK_MAX	((int64_t)1 << 34)

struct call op_call(struct onnx_op *op, const char *name)
{
	return (struct call){ .op = op, .name = name };
}

void call_in(struct call *c, struct fx_node *in)
{
	if (c->n_in == c->room) {
		size_t room = 2 * c->room + 4;
		struct fx_node **more;

		more = fx_graph_alloc(c->op->imp->g, room * sizeof(*more));
		if (c->n_in)
			memcpy(more, c->in, c->n_in * sizeof(*more));
		c->in = more;
		c->room = room;
	}
	c->in[c->n_in++] = in;
}

static void call_arg(struct call *c, const char *name, struct fx_arg arg)
{
	if (c->n_kwargs < MAX_KWARGS)
		c->kwargs[c->n_kwargs++] = (struct fx_kwarg){ name, arg };
}

void call_int(struct call *c, const char *name, int64_t v)
{
	call_arg(c, name, fx_arg_int(v));
}

void call_float(struct call *c, const char *name, double v)
{
	call_arg(c, name, fx_arg_float(v));
}

void call_str(struct call *c, const char *name, const char *v)
{
	call_arg(c, name, fx_arg_str(v));
}

void call_ints(struct call *c, const char *name, const int64_t *v, size_t n)
{
	call_arg(c, name, fx_arg_ints(c->op->imp->g, v, n));
}

void call_floats(struct call *c, const char *name, const double *v, size_t n)
{
	call_arg(c, name, fx_arg_floats(c->op->imp->g, v, n));
}

bool type_known(const struct fx_node *n)
{
	return n->out[0].dtype != FXQ_DTYPE_NONE;
}

/* The node as a call of its operator; false if an input's type is unknown. */
static bool prepare(struct fx_node *n, struct fxq_call *call, int *ret_err)
{
	struct fx_graph *g = n->graph;
	struct fxq_tensor *in;
	struct fxq_attr *attrs;
	bool known = true;
	int n_attrs;

	in = fx_graph_alloc(g, (n->n_args + 1) * sizeof(*in));
	for (size_t i = 0; i < n->n_args; i++) {
		struct fx_node *from = fx_node_in(n, i);

		if (!from)
			continue;
		in[i] = from->out[0];
		known &= type_known(from);
	}
	n_attrs = fx_node_attrs(n, &attrs);
	*ret_err = n_attrs < 0 ? n_attrs : 0;
	*call = (struct fxq_call){
		.n_in = n->n_args, .in = in,
		.n_out = n->n_out,
		.out = fx_graph_alloc(g, (n->n_out + 1) * sizeof(*in)),
		.n_attrs = n_attrs < 0 ? 0 : n_attrs, .attrs = attrs,
		.threads = 1,
	};
	return known;
}

static bool reads_type_only(const struct fx_node *n)
{
	return fx_node_is(n, "shape") || fx_node_is(n, "size");
}

/* Operators that cost more than one step for each element they touch. */
static bool is_product(const struct fx_node *n)
{
	return !strncmp(n->target, "conv", 4) || fx_node_is(n, "matmul") ||
	       fx_node_is(n, "linear") || fx_node_is(n, "einsum") ||
	       fx_node_is(n, "non_max_suppression");
}

static int64_t saturating_mul(int64_t a, int64_t b)
{
	int64_t product;

	return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

/* An upper bound, roughly, of the steps that computing the node takes. */
static int64_t cost(const struct fx_node *n, const struct fxq_call *call)
{
	int64_t product = 1, sum = 0;

	for (uint32_t i = 0; i < call->n_in; i++) {
		int64_t count = fxq_tensor_count(&call->in[i]);

		sum += count;
		product = saturating_mul(product, count ? count : 1);
	}
	for (uint32_t i = 0; i < call->n_out; i++)
		sum += fxq_tensor_count(&call->out[i]);
	return is_product(n) ? saturating_mul(product, 2) : sum;
}

/* Whether the results are known now, and cheap enough to keep. */
static bool can_fold(struct importer *imp, struct fx_node *n,
		     const struct fxq_call *call)
{
	int64_t bytes = 0, work;

	if (n->op->flags & FX_OP_IMPURE)
		return false;
	for (size_t i = 0; i < n->n_args; i++) {
		struct fx_node *from = fx_node_in(n, i);

		if (from && !fx_node_is_const(from) && !reads_type_only(n))
			return false;
	}
	for (uint32_t i = 0; i < call->n_out; i++)
		bytes += fxq_tensor_bytes(&call->out[i]);
	work = cost(n, call);
	if (bytes > FOLD_MAX || imp->folded_bytes + bytes > FOLD_SUM_MAX ||
	    work > FOLD_WORK_MAX - imp->folded_work)
		return false;
	imp->folded_bytes += bytes;
	imp->folded_work += work;
	return true;
}

/* Constants that only move keep the scales that they came with. */
static void pass_scales(const struct fx_node *n, struct fx_node *folded)
{
	const struct fx_node *from = fx_node_in(n, 0);
	const struct fx_arg *scale = from ? fx_node_kwarg(from, "scale") : NULL;

	if (!scale || !(n->op->flags & (FX_OP_VIEW | FX_OP_MOVES)))
		return;
	fx_node_set_kwarg(folded, "scale", *scale);
	if (fx_node_kwarg(from, "zero_point"))
		fx_node_set_kwarg(folded, "zero_point",
				  *fx_node_kwarg(from, "zero_point"));
}

static int fold(struct onnx_op *op, struct fx_node *n, struct fxq_call *call,
		struct fx_node **ret, size_t n_ret)
{
	int err;

	memset(call->out, 0, call->n_out * sizeof(*call->out));
	err = fx_op_run(n->op, call);
	if (err)
		return op_fail(op, err, "%s: %s", n->target,
			       call->error[0] ? call->error : strerror(-err));

	for (size_t i = 0; i < n_ret; i++) {
		ret[i] = fx_graph_constant(n->graph, n->name, &call->out[i]);
		if (!ret[i])
			continue;
		ret[i]->source = n->source;
		pass_scales(n, ret[i]);
	}
	for (uint32_t i = 0; i < call->n_out; i++)
		fxq_tensor_free(&call->out[i]);
	fx_node_erase(n);
	return 0;
}

static int check_results(struct onnx_op *op, const struct fx_node *n,
			 const struct fxq_call *call)
{
	for (uint32_t i = 0; i < call->n_out; i++)
		if (fxq_tensor_bytes(&call->out[i]) > (size_t)IMPORT_VALUE_MAX)
			return op_fail(op, -EOVERFLOW,
				       "%s: its result would be larger than 4 GiB",
				       n->target);
	return 0;
}

/* Selects the results of a node that has several. */
static int select_results(struct fx_node *n, struct fx_node **ret,
			  size_t n_ret)
{
	struct fx_kwarg index = { "index", { 0 } };

	if (n->n_out == 1) {
		ret[0] = n;
		return 0;
	}
	for (size_t i = 0; i < n_ret; i++) {
		struct fx_arg from = fx_arg_node(n);

		index.value = fx_arg_int(i);
		ret[i] = fx_graph_node(n->graph, FX_CALL_FUNCTION, "getitem",
				       fx_op_find("getitem"), &from, 1, &index,
				       1);
		if (!ret[i])
			return -EINVAL;
		ret[i]->source = n->source;
		if (n->out[i].dtype != FXQ_DTYPE_NONE)
			fx_node_set_type(ret[i], &n->out[i]);
	}
	return 0;
}

/* Infers the node's type, then keeps it or its results. */
static int settle(struct onnx_op *op, struct fx_node *n, struct fx_node **ret,
		  size_t n_ret)
{
	struct importer *imp = op->imp;
	struct fxq_call call;
	int err;

	if (!prepare(n, &call, &err))
		return err ? err : select_results(n, ret, n_ret);

	if (!err)
		err = n->op->fn.infer(&call);
	if (err == -ENODATA) {
		if (!imp->unknown[0])
			snprintf(imp->unknown, sizeof(imp->unknown),
				 "node '%.80s' (%.40s): %.100s", op->source,
				 op->p->op_type, call.error);
		return select_results(n, ret, n_ret);
	}
	if (err)
		return op_fail(op, err, "%s: %s", n->target,
			       call.error[0] ? call.error : strerror(-err));

	err = check_results(op, n, &call);
	if (err)
		return err;
	if (can_fold(imp, n, &call))
		return fold(op, n, &call, ret, n_ret);
	for (int i = 0; i < n->n_out; i++) {
		n->out[i] = call.out[i];
		n->out[i].data = NULL;
	}
	return select_results(n, ret, n_ret);
}

/* What the operator's row in the graph's table says about numbers. */
static int check_inputs(const struct call *c, const struct fx_op *fx)
{
	for (int i = 0; i < fx->min_in; i++)
		if ((size_t)i >= c->n_in || !c->in[i])
			return op_fail(c->op, -EINVAL, "input %d is missing",
				       i);
	if (fx->max_in >= 0 && c->n_in > (size_t)fx->max_in)
		return op_fail(c->op, -EINVAL,
			       "it has %zu inputs, at most %d make sense",
			       c->n_in, fx->max_in);
	return 0;
}

int op_build_many(struct call *c, struct fx_node **ret, size_t n)
{
	const struct fx_op *fx = fx_op_find(c->name);
	struct fx_node *node;
	int err;

	if (!fx)
		return op_fail(c->op, -ENOTSUP,
			       "fxq has no operator '%s' that it needs",
			       c->name);
	while (c->n_in && !c->in[c->n_in - 1])
		c->n_in--;
	err = check_inputs(c, fx);
	if (err)
		return err;

	node = fx_graph_call(c->op->imp->g, c->name, c->in, c->n_in,
			     c->kwargs, c->n_kwargs);
	if (!node)
		return op_fail(c->op, -EINVAL, "%s",
			       fx_graph_error(c->op->imp->g));
	if (n > (size_t)node->n_out)
		return op_fail(c->op, -EINVAL, "it has more than %d outputs",
			       node->n_out);
	node->source = c->op->source;
	return settle(c->op, node, ret, n);
}

struct fx_node *op_build(struct call *c)
{
	struct fx_node *n = NULL;

	return op_build_many(c, &n, 1) ? NULL : n;
}

int op_outputs(struct onnx_op *op, struct call *c, size_t max)
{
	struct fx_node *out[OUTPUTS_MAX] = { NULL };
	size_t n = op->p->n_output;
	int ret;

	if (n > max || n > OUTPUTS_MAX)
		return op_fail(op, -EINVAL, "it has %zu outputs", n);
	ret = op_build_many(c, out, n);
	for (size_t i = 0; i < n && !ret; i++)
		ret = op_output(op, i, out[i]);
	return ret;
}

struct fx_node *build1(struct onnx_op *op, const char *name,
		       struct fx_node *a)
{
	struct call c = op_call(op, name);

	call_in(&c, a);
	return op_build(&c);
}

struct fx_node *build2(struct onnx_op *op, const char *name,
		       struct fx_node *a, struct fx_node *b)
{
	struct call c = op_call(op, name);

	call_in(&c, a);
	call_in(&c, b);
	return op_build(&c);
}

struct fx_node *build_reshape(struct onnx_op *op, struct fx_node *x,
			      const int64_t *shape, size_t rank)
{
	struct call c = op_call(op, "reshape");

	if (x && type_known(x) && x->out[0].rank == rank &&
	    (!rank || !memcmp(x->out[0].dims, shape, rank * sizeof(*shape))))
		return x;
	call_in(&c, x);
	call_ints(&c, "shape", shape, rank);
	return op_build(&c);
}

struct fx_node *build_permute(struct onnx_op *op, struct fx_node *x,
			      const int64_t *dims, size_t rank)
{
	struct call c = op_call(op, "permute");

	call_in(&c, x);
	call_ints(&c, "dims", dims, rank);
	return op_build(&c);
}

struct fx_node *build_cast(struct onnx_op *op, struct fx_node *x,
			   uint32_t dtype)
{
	struct call c = op_call(op, "cast");

	if (x && x->out[0].dtype == dtype)
		return x;
	call_in(&c, x);
	call_int(&c, "to", dtype);
	return op_build(&c);
}

struct fx_node *build_reduce(struct onnx_op *op, const char *name,
			     struct fx_node *x, const int64_t *dims, size_t n,
			     bool keepdim)
{
	struct call c = op_call(op, name);

	call_in(&c, x);
	call_ints(&c, "dims", dims, n);
	call_int(&c, "keepdim", keepdim);
	return op_build(&c);
}

struct fx_node *build_constant(struct onnx_op *op, const struct fxq_tensor *t)
{
	struct fx_node *n = fx_graph_constant(op->imp->g, "const", t);

	if (!n)
		op_fail(op, -EINVAL, "%s", fx_graph_error(op->imp->g));
	else
		n->source = op->source;
	return n;
}

struct fx_node *build_scalar(struct onnx_op *op, uint32_t dtype, double v)
{
	double wide = v;
	struct fxq_tensor t = { .dtype = FXQ_DTYPE_F64, .data = &wide };

	return build_cast(op, build_constant(op, &t), dtype);
}
