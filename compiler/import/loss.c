// SPDX-License-Identifier: MIT
/*
 * Importers of the two classification losses, which ONNX defines by formulas
 * over (batch, class, …) scores and (batch, …) labels. A model for inference
 * rarely has one; evaluation graphs do.
 */
#include <stdio.h>

#include "import.h"

/* Labels that are to be ignored, as a mask; NULL if there is no such label. */
static struct fx_node *ignored(struct onnx_op *op, struct fx_node *labels)
{
	int64_t index = op_int(op, "ignore_index", 0);

	if (!op_attr(op, "ignore_index"))
		return NULL;
	return build2(op, "equal", labels,
		      build_scalar(op, labels->out[0].dtype, index));
}

static struct fx_node *choose(struct onnx_op *op, struct fx_node *mask,
			      struct fx_node *yes, struct fx_node *no)
{
	struct call c = op_call(op, "where");

	call_in(&c, mask);
	call_in(&c, yes);
	call_in(&c, no);
	return op_build(&c);
}

/* Its class's weight for each label; ones without weights. */
static struct fx_node *label_weights(struct onnx_op *op,
				     struct fx_node *labels,
				     struct fx_node *mask)
{
	const struct fxq_tensor *t = &labels->out[0];
	struct fx_node *w, *zero = build_scalar(op, FXQ_DTYPE_F32, 0);
	struct call c;

	if (op->n_in > 2 && op->in[2]) {
		c = op_call(op, "gather");
		call_in(&c, op->in[2]);
		call_in(&c, labels);
		call_int(&c, "dim", 0);
	} else {
		c = op_call(op, "expand");
		call_in(&c, build_scalar(op, FXQ_DTYPE_F32, 1));
		call_ints(&c, "sizes", t->dims, t->rank);
	}
	w = op_build(&c);
	return mask && w ? choose(op, mask, zero, w) : w;
}

static struct fx_node *reduce(struct onnx_op *op, struct fx_node *loss,
			      struct fx_node *weights)
{
	const char *how = op_str(op, "reduction", "mean");

	if (!strcmp(how, "none") || !loss)
		return loss;
	if (!strcmp(how, "sum"))
		return build_reduce(op, "reduce_sum", loss, NULL, 0, false);
	return build2(op, "div",
		      build_reduce(op, "reduce_sum", loss, NULL, 0, false),
		      build_reduce(op, "reduce_sum", weights, NULL, 0, false));
}

/* The loss of log-probabilities @logs for input 1, the labels. */
static struct fx_node *nll(struct onnx_op *op, struct fx_node *logs)
{
	const struct fxq_tensor *t = op_type(op, 1);
	struct fx_node *labels, *mask, *picked, *weights;
	int64_t dims[FXQ_MAX_RANK];
	struct call c;

	if (!t || !logs)
		return NULL;
	if (t->rank + 1 != logs->out[0].rank || !t->rank) {
		op_fail(op, -EINVAL, "labels have rank %u, scores %u",
			t->rank, logs->out[0].rank);
		return NULL;
	}
	labels = op->in[1];
	mask = ignored(op, labels);
	if (mask)
		labels = choose(op, mask, build_scalar(op, t->dtype, 0),
				labels);
	if (!labels)
		return NULL;
	weights = label_weights(op, labels, mask);

	dims[0] = t->dims[0];
	dims[1] = 1;
	for (uint32_t d = 1; d < t->rank; d++)
		dims[d + 1] = t->dims[d];
	c = op_call(op, "gather_elements");
	call_in(&c, logs);
	call_in(&c, build_reshape(op, labels, dims, t->rank + 1));
	call_int(&c, "dim", 1);
	picked = build_reshape(op, op_build(&c), t->dims, t->rank);
	return reduce(op, build2(op, "mul", build1(op, "neg", picked), weights),
		      weights);
}

int import_nll_loss(struct onnx_op *op)
{
	if (!op_type(op, 0))
		return op->imp->err;
	return op_output(op, 0, nll(op, op->in[0]));
}

int import_softmax_loss(struct onnx_op *op)
{
	struct call c = op_call(op, "log_softmax");
	struct fx_node *logs;
	int ret;

	if (!op_type(op, 0))
		return op->imp->err;
	call_in(&c, op->in[0]);
	call_int(&c, "dim", 1);
	logs = op_build(&c);
	ret = op_output(op, 0, nll(op, logs));
	return ret || !op_uses_output(op, 1) ? ret : op_output(op, 1, logs);
}
