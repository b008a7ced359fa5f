// SPDX-License-Identifier: MIT
/*
 * given.c - scales that the model brings
 *
 * A model that was quantized elsewhere rounds a value by a pair of
 * quantize_linear and dequantize_linear behind it. The pair goes and the value
 * keeps what it said: its type then has a scale, though it is still float32.
 * Conversion takes such a scale as it is, and makes no operator in one with
 * what follows unless the integers stay the same. A value that is rounded for
 * one reader is so for all; one that the device neither makes nor reads is not
 * rounded at all.
 */
#include "quant_priv.h"

/*
 * The zero point @n as int8 has it, and its type; absent, it is 0 of uint8.
 * False if it is neither int8 nor uint8, or not one for all.
 */
static bool zero_point_of(const struct fx_node *n, int *ret, uint32_t *ret_dtype)
{
	const struct fxq_tensor *t = n ? type_of(n) : NULL;

	if (t && (!fx_node_is_const(n) || fxq_tensor_count(t) != 1))
		return false;
	*ret_dtype = t ? t->dtype : FXQ_DTYPE_U8;
	if (*ret_dtype == FXQ_DTYPE_I8)
		*ret = *(const int8_t *)t->data;
	else
		*ret = (t && t->dtype == FXQ_DTYPE_U8 ?
			*(const uint8_t *)t->data : 0) - 128;
	return *ret_dtype == FXQ_DTYPE_I8 || *ret_dtype == FXQ_DTYPE_U8;
}

/* What either half of a pair says, and in which type. */
static bool qparams_of_half(const struct fx_node *n, struct qparams *ret,
			    uint32_t *ret_dtype)
{
	return const_scalar(fx_node_in(n, 1), &ret->scale) &&
	       scale_ok(ret->scale) &&
	       zero_point_of(fx_node_in(n, 2), &ret->zero_point, ret_dtype);
}

static bool is_pair(const struct fx_node *dequantize, struct qparams *ret)
{
	const struct fx_node *quantize = fx_node_in(dequantize, 0);
	struct qparams first;
	uint32_t from, to;

	return fx_node_is(dequantize, "dequantize_linear") && quantize &&
	       fx_node_is(quantize, "quantize_linear") &&
	       qparams_of_half(quantize, &first, &from) &&
	       qparams_of_half(dequantize, ret, &to) && from == to &&
	       same_qparams(first, *ret);
}

bool rewrite_pair(struct fx_node *n)
{
	struct fx_node *x;
	struct qparams qp;

	if (!is_pair(n, &qp))
		return false;
	x = fx_node_in(fx_node_in(n, 0), 0);
	if (!is_float(x) || fx_node_is_const(x) ||
	    (is_given(x) && !same_qparams(qparams_of_node(x), qp)))
		return false;
	x->out[0].scale = qp.scale;
	x->out[0].zero_point = qp.zero_point;
	fx_node_replace_uses(n, x);
	erase_unused(n);
	return true;
}

bool fx_scales_given(const struct fx_graph *g)
{
	fx_for_each_node(n, g)
		if (n->opcode != FX_OUTPUT && n->n_out == 1 && is_float(n) &&
		    !fx_node_is_const(n) && is_given(n))
			return true;
	return false;
}
