// SPDX-License-Identifier: MIT
/*
 * What a row can know about its inputs: types, and the values of constants.
 */
#include <stdio.h>

#include "import.h"

const struct fxq_tensor *op_type(struct onnx_op *op, size_t i)
{
	if (i >= op->n_in || !op->in[i]) {
		op_fail(op, -EINVAL, "input %zu is missing", i);
		return NULL;
	}
	if (!type_known(op->in[i])) {
		op_fail(op, -ENOTSUP,
			"the shape of its input '%.80s' depends on values that are known only when the model runs",
			op->p->input[i]);
		return NULL;
	}
	return &op->in[i]->out[0];
}

/* The constant at input @i, in *ret; -ENOENT or -ENODATA. */
static int constant(struct onnx_op *op, size_t i, const struct fxq_tensor **ret)
{
	if (i >= op->n_in || !op->in[i])
		return -ENOENT;
	if (!fx_node_is_const(op->in[i]))
		return -ENODATA;
	*ret = &op->in[i]->out[0];
	return 0;
}

double tensor_element(const struct fxq_tensor *t, int64_t i)
{
	switch (t->dtype) {
	case FXQ_DTYPE_F32:
		return ((const float *)t->data)[i];
	case FXQ_DTYPE_F64:
		return ((const double *)t->data)[i];
	case FXQ_DTYPE_I64:
		return ((const int64_t *)t->data)[i];
	case FXQ_DTYPE_I32:
		return ((const int32_t *)t->data)[i];
	case FXQ_DTYPE_U8:
	case FXQ_DTYPE_BOOL:
		return ((const uint8_t *)t->data)[i];
	case FXQ_DTYPE_I8:
		return ((const int8_t *)t->data)[i];
	case FXQ_DTYPE_I16:
		return ((const int16_t *)t->data)[i];
	case FXQ_DTYPE_U16:
		return ((const uint16_t *)t->data)[i];
	case FXQ_DTYPE_U32:
		return ((const uint32_t *)t->data)[i];
	default:
		return ((const uint64_t *)t->data)[i];
	}
}

int op_const_ints(struct onnx_op *op, size_t i, int64_t *v, size_t max)
{
	const struct fxq_tensor *t;
	int64_t n;
	int ret;

	ret = constant(op, i, &t);
	if (ret)
		return ret;
	n = fxq_tensor_count(t);
	if (t->rank > 1 || n > (int64_t)max ||
	    (t->dtype != FXQ_DTYPE_I64 && t->dtype != FXQ_DTYPE_I32))
		return op_fail(op, -EINVAL,
			       "input '%.80s' is %s with %lld elements, it must be at most %zu integers",
			       op->p->input[i], fxq_dtype_name(t->dtype),
			       (long long)n, max);
	for (int64_t k = 0; k < n; k++)
		v[k] = t->dtype == FXQ_DTYPE_I64 ?
		       ((const int64_t *)t->data)[k] :
		       ((const int32_t *)t->data)[k];
	return n;
}

int op_const_floats(struct onnx_op *op, size_t i, double *v, size_t max)
{
	const struct fxq_tensor *t;
	int64_t n;
	int ret;

	ret = constant(op, i, &t);
	if (ret)
		return ret;
	n = fxq_tensor_count(t);
	if (n > (int64_t)max)
		return op_fail(op, -EINVAL,
			       "input '%.80s' has %lld elements, at most %zu make sense",
			       op->p->input[i], (long long)n, max);
	for (int64_t k = 0; k < n; k++)
		v[k] = tensor_element(t, k);
	return n;
}

int op_const_float(struct onnx_op *op, size_t i, double *ret)
{
	const struct fxq_tensor *t;
	int err;

	err = constant(op, i, &t);
	if (err)
		return err;
	if (fxq_tensor_count(t) != 1)
		return op_fail(op, -EINVAL,
			       "input '%.80s' has %lld elements, not one",
			       op->p->input[i],
			       (long long)fxq_tensor_count(t));
	*ret = tensor_element(t, 0);
	return 0;
}
