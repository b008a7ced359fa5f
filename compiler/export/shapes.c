// SPDX-License-Identifier: MIT
/*
 * shapes.c - what says the shape or the type of a result
 *
 * Shapes are inputs in ONNX, types are numbers of its own.
 */
#include "export.h"

/* Shapes */

static int export_reshape(struct exporter *e, struct fx_node *n)
{
	Onnx__NodeProto *p = ex_node(e, n, "Reshape");
	int64_t v[FXQ_MAX_RANK];
	bool zero = false;

	ex_in(e, p, ex_name(fx_node_in(n, 0)));
	if (fx_node_in(n, 1)) {
		ex_in(e, p, ex_name(fx_node_in(n, 1)));
		zero = fx_node_int(n, "allowzero", 0);
	} else {
		memcpy(v, n->out[0].dims, sizeof(v));
		for (uint32_t i = 0; i < n->out[0].rank; i++)
			zero |= !v[i];
		ex_in(e, p, ex_const_ints(e, ex_part(e, n, "shape"), v,
					  n->out[0].rank));
	}
	if (zero)
		ex_int(e, p, "allowzero", 1);
	ex_out(e, p, ex_name(n));
	return 0;
}

static int export_flatten(struct exporter *e, struct fx_node *n)
{
	if (fx_node_int(n, "start_dim", 1) != 1 || n->out[0].rank != 2)
		return export_reshape(e, n);
	ex_int(e, ex_whole(e, n, "Flatten"), "axis", 1);
	return 0;
}

static int export_permute(struct exporter *e, struct fx_node *n)
{
	Onnx__NodeProto *p = ex_whole(e, n, "Transpose");
	int64_t order[FXQ_MAX_RANK];
	uint32_t rank = fx_node_permutation(n, order);

	if (rank)
		ex_ints(e, p, "perm", order, rank);
	return 0;
}

static int export_split(struct exporter *e, struct fx_node *n)
{
	Onnx__NodeProto *p = ex_node(e, n, "Split");
	size_t count;
	const int64_t *v = ex_list(e, n, "sizes", &count);

	ex_in(e, p, ex_name(fx_node_in(n, 0)));
	if (fx_node_in(n, 1))
		ex_in(e, p, ex_name(fx_node_in(n, 1)));
	else if (count)
		ex_in(e, p, ex_const_ints(e, ex_part(e, n, "sizes"), v, count));
	ex_int(e, p, "axis", fx_node_int(n, "dim", 0));
	if (n->n_out == 1)
		ex_out(e, p, ex_name(n));
	for (int i = 0; n->n_out > 1 && i < n->n_out; i++)
		ex_out(e, p, ex_printf(e, "%s.%d", ex_name(n), i));
	return 0;
}

/* The type of @n's result, which kwarg @name says where it is not known yet. */
static uint32_t type_said(const struct fx_node *n, const char *name)
{
	return n->out[0].dtype ? n->out[0].dtype :
	       (uint32_t)fx_node_int(n, name, FXQ_DTYPE_F32);
}

static int export_cast(struct exporter *e, struct fx_node *n)
{
	ex_int(e, ex_whole(e, n, "Cast"), "to",
		  onnx_data_type(type_said(n, "to")));
	return 0;
}

static int export_eye(struct exporter *e, struct fx_node *n)
{
	Onnx__NodeProto *p = ex_whole(e, n, "EyeLike");

	ex_int(e, p, "k", fx_node_int(n, "k", 0));
	ex_int(e, p, "dtype", onnx_data_type(type_said(n, "dtype")));
	return 0;
}

static int export_filled(struct exporter *e, struct fx_node *n)
{
	Onnx__NodeProto *p = ex_whole(e, n, "ConstantOfShape");
	double value = fx_node_float(n, "value", 0);
	struct fxq_tensor t = fxq_tensor_type(type_said(n, "dtype"), 1,
					      (const int64_t[]){ 1 });

	t.data = ex_alloc(e, 8);
	switch (t.dtype) {
	case FXQ_DTYPE_F32:
		*(float *)t.data = (float)value;
		break;
	case FXQ_DTYPE_F64:
		*(double *)t.data = value;
		break;
	default:		/* the low bytes of a number are the number */
		*(int64_t *)t.data = (int64_t)value;
	}
	ex_tensor(e, p, "value", &t);
	return 0;
}

/* Between float and eight bits */

static int export_quantization(struct exporter *e, struct fx_node *n)
{
	bool to = fx_node_is(n, "quantize_linear");
	Onnx__NodeProto *p = ex_whole(e, n, to ? "QuantizeLinear" :
						 "DequantizeLinear");

	if (fx_node_in(n, 1)->out[0].rank)
		ex_int(e, p, "axis", fx_node_int(n, "axis", 1));
	return 0;
}

const struct ex_special ex_shapes[] = {
	{ "cast",		export_cast },
	{ "constant_of_shape",	export_filled },
	{ "dequantize_linear",	export_quantization },
	{ "eye_like",		export_eye },
	{ "flatten",		export_flatten },
	{ "permute",		export_permute },
	{ "quantize_linear",	export_quantization },
	{ "reshape",		export_reshape },
	{ "split",		export_split },
	{ NULL },
};
