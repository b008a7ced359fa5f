// SPDX-License-Identifier: MIT
/*
 * special.c - operators that ONNX spells otherwise
 *
 * Windows, whose attributes have other names and always the same number of
 * elements; products with weights; clamps; what has no operator of its own in
 * the opset that is written and becomes a few.
 */
#include <stdio.h>

#include "export.h"

#define SPATIAL	3

/* The kwarg as a list of @n numbers; one stands for all, none for @def. */
static void put_list(struct exporter *e, const struct fx_node *n,
		     Onnx__NodeProto *p, const char *from, const char *to,
		     size_t count, int64_t def)
{
	int64_t *v = ex_alloc(e, count * sizeof(*v));
	const int64_t *has;
	size_t got;

	has = ex_list(e, n, from, &got);
	for (size_t i = 0; i < count; i++)
		v[i] = i < got ? has[i] : got ? has[got - 1] : def;
	ex_ints(e, p, to, v, count);
}

/* A node on inputs from @first on, whose output is @n's value. */
static Onnx__NodeProto *whole(struct exporter *e, struct fx_node *n,
			      const char *op_type)
{
	Onnx__NodeProto *p = ex_node(e, n, op_type);

	for (size_t i = 0; i < n->n_args; i++)
		ex_in(e, p, ex_name(fx_node_in(n, i)));
	while (p->n_input && !*p->input[p->n_input - 1])
		p->n_input--;
	ex_out(e, p, ex_name(n));
	return p;
}

/* One operator of several that make @n's value: gives its output's name. */
static const char *step(struct exporter *e, const struct fx_node *n,
			const char *op_type, const char *a, const char *b,
			const char *out)
{
	Onnx__NodeProto *p = ex_node(e, n, op_type);

	ex_in(e, p, a);
	if (b)
		ex_in(e, p, b);
	return ex_out(e, p, out);
}

/* Products */

static int export_conv(struct exporter *e, struct fx_node *n)
{
	bool transposed = !strncmp(n->target, "conv_t", 6);
	const struct fxq_tensor *w = &fx_node_in(n, 1)->out[0];
	Onnx__NodeProto *p = whole(e, n, transposed ? "ConvTranspose" : "Conv");
	size_t k = w->rank - 2;

	ex_ints(e, p, "kernel_shape", w->dims + 2, k);
	put_list(e, n, p, "stride", "strides", k, 1);
	put_list(e, n, p, "padding", "pads", 2 * k, 0);
	put_list(e, n, p, "dilation", "dilations", k, 1);
	if (transposed)
		put_list(e, n, p, "output_padding", "output_padding", k, 0);
	ex_int(e, p, "group", fx_node_int(n, "groups", 1));
	return 0;
}

/* Of a matrix, a Gemm; of more, a product with turned weights. */
static int export_linear(struct exporter *e, struct fx_node *n)
{
	const char *bias = ex_name(fx_node_in(n, 2)), *y;
	Onnx__NodeProto *p;

	if (fx_node_in(n, 0)->out[0].rank == 2) {
		ex_int(e, whole(e, n, "Gemm"), "transB", 1);
		return 0;
	}
	p = ex_node(e, n, "Transpose");
	ex_in(e, p, ex_name(fx_node_in(n, 1)));
	ex_ints(e, p, "perm", (const int64_t[]){ 1, 0 }, 2);
	y = ex_out(e, p, ex_part(e, n, "turned"));
	y = step(e, n, "MatMul", ex_name(fx_node_in(n, 0)), y,
		 bias ? ex_part(e, n, "product") : ex_name(n));
	if (bias)
		step(e, n, "Add", y, bias, ex_name(n));
	return 0;
}

static int export_matmul(struct exporter *e, struct fx_node *n)
{
	whole(e, n, "MatMul");
	return 0;
}

/* Normalizations */

/* Input @i, or if it is absent ones or zeros of @n's dimensions @from on. */
static const char *gain(struct exporter *e, const struct fx_node *n, size_t i,
			int64_t from, int64_t to, float value)
{
	const struct fxq_tensor *x = &fx_node_in(n, 0)->out[0];
	struct fxq_tensor t;
	float *v;

	if (fx_node_in(n, i))
		return ex_name(fx_node_in(n, i));
	t = fxq_tensor_type(FXQ_DTYPE_F32, (uint32_t)(to - from),
			    x->dims + from);
	v = ex_alloc(e, fxq_tensor_bytes(&t) + 1);
	for (int64_t k = 0; k < fxq_tensor_count(&t); k++)
		v[k] = value;
	t.data = v;
	return ex_const(e, ex_part(e, n, value != 0 ? "gain" : "bias"), &t);
}

static int export_layer_norm(struct exporter *e, struct fx_node *n)
{
	const struct fxq_tensor *x = &fx_node_in(n, 0)->out[0];
	const struct fx_arg *shape = fx_node_kwarg(n, "normalized_shape");
	int64_t axis = shape ? -(int64_t)shape->count :
			       fx_node_int(n, "axis", -1);
	Onnx__NodeProto *p;

	axis += axis < 0 ? x->rank : 0;
	p = ex_node(e, n, "LayerNormalization");
	ex_in(e, p, ex_name(fx_node_in(n, 0)));
	ex_in(e, p, gain(e, n, 1, axis, x->rank, 1));
	if (fx_node_in(n, 2))
		ex_in(e, p, ex_name(fx_node_in(n, 2)));
	ex_int(e, p, "axis", axis);
	ex_float(e, p, "epsilon", fx_node_float(n, "eps", 1e-5));
	ex_out(e, p, n->n_out == 1 ? ex_name(n) : ex_part(e, n, "0"));
	for (int i = 1; i < n->n_out; i++)
		ex_out(e, p, ex_printf(e, "%s.%d", ex_name(n), i));
	return 0;
}

/* batch_norm has the mean and the variance as well. */
static int export_channel_norm(struct exporter *e, struct fx_node *n)
{
	bool batch = fx_node_is(n, "batch_norm");
	Onnx__NodeProto *p = ex_node(e, n, batch ? "BatchNormalization" :
					   "InstanceNormalization");

	ex_in(e, p, ex_name(fx_node_in(n, 0)));
	ex_in(e, p, gain(e, n, 1, 1, 2, 1));
	ex_in(e, p, gain(e, n, 2, 1, 2, 0));
	for (size_t i = 3; batch && i < 5; i++)
		ex_in(e, p, ex_name(fx_node_in(n, i)));
	ex_float(e, p, "epsilon", fx_node_float(n, "eps", 1e-5));
	ex_out(e, p, ex_name(n));
	return 0;
}

/* Windows */

static int export_pool(struct exporter *e, struct fx_node *n)
{
	bool max = !strncmp(n->target, "max", 3);
	size_t k = fx_node_in(n, 0)->out[0].rank - 2;
	int64_t dilation[SPATIAL] = { 1, 1, 1 };
	Onnx__NodeProto *p;

	fx_node_ints(n, "dilation", dilation, SPATIAL);
	if (!max && (dilation[0] != 1 || dilation[1] != 1 || dilation[2] != 1))
		return ex_fail(e, n, -ENOTSUP,
			       "its windows have gaps, which opset %d does not know; replace it",
			       EXPORT_OPSET);
	p = ex_node(e, n, max ? "MaxPool" : "AveragePool");
	ex_in(e, p, ex_name(fx_node_in(n, 0)));
	put_list(e, n, p, "kernel_size", "kernel_shape", k, 1);
	put_list(e, n, p, fx_node_kwarg(n, "stride") ? "stride" : "kernel_size",
		 "strides", k, 1);
	put_list(e, n, p, "padding", "pads", 2 * k, 0);
	ex_int(e, p, "ceil_mode", fx_node_int(n, "ceil_mode", 0));
	if (!max)
		ex_int(e, p, "count_include_pad",
		       fx_node_int(n, "count_include_pad", 1));
	if (max)
		put_list(e, n, p, "dilation", "dilations", k, 1);
	ex_out(e, p, n->n_out == 1 ? ex_name(n) : ex_part(e, n, "0"));
	if (n->n_out > 1) {
		ex_int(e, p, "storage_order", fx_node_int(n, "storage_order", 0));
		ex_out(e, p, ex_part(e, n, "1"));
	}
	return 0;
}

static int export_adaptive_pool(struct exporter *e, struct fx_node *n)
{
	const struct fxq_tensor *x = &fx_node_in(n, 0)->out[0], *y = n->out;
	int64_t kernel[2];
	Onnx__NodeProto *p;

	for (int i = 0; x->rank == 4 && i < 2; i++)
		kernel[i] = x->dims[2 + i] / y->dims[2 + i];
	if (x->rank != 4 || kernel[0] * y->dims[2] != x->dims[2] ||
	    kernel[1] * y->dims[3] != x->dims[3])
		return ex_fail(e, n, -ENOTSUP,
			       "ONNX has no adaptive pooling, and its windows are not all of one size; choose an output size that divides the input's");
	p = whole(e, n, "AveragePool");
	ex_ints(e, p, "kernel_shape", kernel, 2);
	ex_ints(e, p, "strides", kernel, 2);
	return 0;
}

/* Kwarg @name as @count floats or more; of fewer, the first are 1. */
static const char *const_floats(struct exporter *e, const struct fx_node *n,
				const char *name, size_t count)
{
	const struct fx_arg *a = fx_node_kwarg(n, name);
	struct fxq_tensor t;
	size_t absent;
	float *v;

	if (!a)
		return NULL;
	absent = a->count < count ? count - a->count : 0;
	t = fxq_tensor_type(FXQ_DTYPE_F32, 1,
			    &(int64_t){ (int64_t)(absent + a->count) });
	v = ex_alloc(e, fxq_tensor_bytes(&t) + 1);
	for (size_t i = 0; i < absent; i++)
		v[i] = 1;
	for (size_t i = 0; i < a->count; i++)
		v[absent + i] = (float)(a->items[i].kind == FX_ARG_FLOAT ?
					a->items[i].f : (double)a->items[i].i);
	t.data = v;
	return ex_const(e, ex_part(e, n, name), &t);
}

static void put_computed(struct exporter *e, const struct fx_node *n,
			 Onnx__NodeProto *p)
{
	for (size_t i = 0; i < n->n_args; i++)
		ex_in(e, p, ex_name(fx_node_in(n, i)));
	while (!*p->input[p->n_input - 1])
		p->n_input--;
}

/* The scales where the graph has them, of the last sides at least; or sizes. */
static void put_known(struct exporter *e, const struct fx_node *n,
		      Onnx__NodeProto *p)
{
	const struct fxq_tensor *y = &n->out[0];
	const char *scales = const_floats(e, n, "scales", y->rank);

	ex_in(e, p, ex_name(fx_node_in(n, 0)));
	ex_in(e, p, const_floats(e, n, "roi", 0));
	ex_in(e, p, scales);
	if (!scales)
		ex_in(e, p, ex_const_ints(e, ex_part(e, n, "sizes"), y->dims,
					  y->rank));
}

static int export_resize(struct exporter *e, struct fx_node *n)
{
	static const char *const words[] = {
		"coordinate_transformation_mode", "mode", "nearest_mode",
	};
	Onnx__NodeProto *p;

	if (fx_node_int(n, "antialias", 0) || fx_node_kwarg(n, "axes") ||
	    strcmp(fx_node_str(n, "keep_aspect_ratio_policy", "stretch"),
		   "stretch"))
		return ex_fail(e, n, -ENOTSUP,
			       "opset %d knows neither antialias nor axes nor a policy for resizing; do without",
			       EXPORT_OPSET);
	p = ex_node(e, n, "Resize");
	if (fx_node_is(n, "resize_dynamic"))
		put_computed(e, n, p);
	else
		put_known(e, n, p);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (fx_node_kwarg(n, words[i]))
			ex_str(e, p, words[i], fx_node_str(n, words[i], ""));
	if (fx_node_kwarg(n, "cubic_coeff_a"))
		ex_float(e, p, "cubic_coeff_a",
			 fx_node_float(n, "cubic_coeff_a", -0.75));
	if (fx_node_kwarg(n, "extrapolation_value"))
		ex_float(e, p, "extrapolation_value",
			 fx_node_float(n, "extrapolation_value", 0));
	ex_int(e, p, "exclude_outside", fx_node_int(n, "exclude_outside", 0));
	ex_out(e, p, ex_name(n));
	return 0;
}

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
	ex_int(e, whole(e, n, "Flatten"), "axis", 1);
	return 0;
}

static int export_permute(struct exporter *e, struct fx_node *n)
{
	Onnx__NodeProto *p = whole(e, n, "Transpose");
	int64_t v[FXQ_MAX_RANK];
	size_t count = fx_node_ints(n, "dims", v, FXQ_MAX_RANK);

	for (size_t i = 0; i < count; i++)
		v[i] += v[i] < 0 ? (int64_t)count : 0;
	if (count)
		ex_ints(e, p, "perm", v, count);
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
	ex_int(e, whole(e, n, "Cast"), "to",
	       onnx_data_type(type_said(n, "to")));
	return 0;
}

static int export_eye(struct exporter *e, struct fx_node *n)
{
	Onnx__NodeProto *p = whole(e, n, "EyeLike");

	ex_int(e, p, "k", fx_node_int(n, "k", 0));
	ex_int(e, p, "dtype", onnx_data_type(type_said(n, "dtype")));
	return 0;
}

static int export_filled(struct exporter *e, struct fx_node *n)
{
	Onnx__NodeProto *p = whole(e, n, "ConstantOfShape");
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

/* Activations */

/* Clip, with bounds where @ret says that there are some. */
static int clip(struct exporter *e, struct fx_node *n, const double *lo,
		const double *hi)
{
	Onnx__NodeProto *p = ex_node(e, n, "Clip");

	ex_in(e, p, ex_name(fx_node_in(n, 0)));
	ex_in(e, p, lo ? ex_const_float(e, ex_part(e, n, "min"), *lo) : NULL);
	if (hi)
		ex_in(e, p, ex_const_float(e, ex_part(e, n, "max"), *hi));
	while (!*p->input[p->n_input - 1])
		p->n_input--;
	ex_out(e, p, ex_name(n));
	return 0;
}

static int export_relu6(struct exporter *e, struct fx_node *n)
{
	return clip(e, n, &(double){ 0 }, &(double){ 6 });
}

static int export_hardtanh(struct exporter *e, struct fx_node *n)
{
	double lo = fx_node_float(n, "min_val", -1);
	double hi = fx_node_float(n, "max_val", 1);

	return clip(e, n, &lo, &hi);
}

static int export_clamp(struct exporter *e, struct fx_node *n)
{
	double lo = fx_node_float(n, "min", 0), hi = fx_node_float(n, "max", 0);

	return clip(e, n, fx_node_kwarg(n, "min") ? &lo : NULL,
		    fx_node_kwarg(n, "max") ? &hi : NULL);
}

/* ONNX aligns slopes at the last dimension, torch at that of channels. */
static int export_prelu(struct exporter *e, struct fx_node *n)
{
	const struct fx_node *slope = fx_node_in(n, 1);
	const struct fxq_tensor *x = &fx_node_in(n, 0)->out[0];
	int64_t shape[FXQ_MAX_RANK] = { fxq_tensor_count(&slope->out[0]) };
	Onnx__NodeProto *p;
	const char *turned;

	if (slope->out[0].rank != 1 || x->rank < 3 || shape[0] == 1) {
		whole(e, n, "PRelu");
		return 0;
	}
	for (uint32_t i = 1; i < x->rank - 1; i++)
		shape[i] = 1;
	if (fx_node_is_const(slope)) {
		struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32,
						      x->rank - 1, shape);

		t.data = slope->out[0].data;
		turned = ex_const(e, ex_part(e, n, "slope"), &t);
	} else {
		turned = step(e, n, "Reshape", ex_name(slope),
			      ex_const_ints(e, ex_part(e, n, "shape"), shape,
					    x->rank - 1),
			      ex_part(e, n, "slope"));
	}
	p = ex_node(e, n, "PRelu");
	ex_in(e, p, ex_name(fx_node_in(n, 0)));
	ex_in(e, p, turned);
	ex_out(e, p, ex_name(n));
	return 0;
}

static int export_hardsigmoid(struct exporter *e, struct fx_node *n)
{
	Onnx__NodeProto *p = whole(e, n, "HardSigmoid");

	ex_float(e, p, "alpha", fx_node_float(n, "alpha", 1.0 / 6));
	ex_float(e, p, "beta", fx_node_float(n, "beta", 0.5));
	return 0;
}

/* x * sigmoid(x) */
static int export_silu(struct exporter *e, struct fx_node *n)
{
	const char *x = ex_name(fx_node_in(n, 0));
	const char *s = step(e, n, "Sigmoid", x, NULL, ex_part(e, n, "gate"));

	step(e, n, "Mul", x, s, ex_name(n));
	return 0;
}

/* x * tanh(softplus(x)) */
static int export_mish(struct exporter *e, struct fx_node *n)
{
	const char *x = ex_name(fx_node_in(n, 0)), *t;

	t = step(e, n, "Softplus", x, NULL, ex_part(e, n, "soft"));
	t = step(e, n, "Tanh", t, NULL, ex_part(e, n, "gate"));
	step(e, n, "Mul", x, t, ex_name(n));
	return 0;
}

/* What gelu takes erf or tanh of. */
static const char *gelu_argument(struct exporter *e, const struct fx_node *n,
				 const char *x, bool tanh)
{
	const char *t;

	if (!tanh)
		return step(e, n, "Mul", x,
			    ex_const_float(e, ex_part(e, n, "root"),
					   0.70710678118654752),
			    ex_part(e, n, "scaled"));
	/* sqrt(2 / pi) (x + 0.044715 x^3) */
	t = step(e, n, "Mul", x, x, ex_part(e, n, "square"));
	t = step(e, n, "Mul", t, x, ex_part(e, n, "cube"));
	t = step(e, n, "Mul", t,
		 ex_const_float(e, ex_part(e, n, "part"), 0.044715),
		 ex_part(e, n, "bend"));
	t = step(e, n, "Add", x, t, ex_part(e, n, "bent"));
	return step(e, n, "Mul", t,
		    ex_const_float(e, ex_part(e, n, "root"),
				   0.79788456080286536),
		    ex_part(e, n, "scaled"));
}

/* x * (1 + erf(x / sqrt(2))) / 2 */
static int export_gelu(struct exporter *e, struct fx_node *n)
{
	bool tanh = !strcmp(fx_node_str(n, "approximate", "none"), "tanh");
	const char *x = ex_name(fx_node_in(n, 0)), *t;

	t = gelu_argument(e, n, x, tanh);
	t = step(e, n, tanh ? "Tanh" : "Erf", t, NULL, ex_part(e, n, "turn"));
	t = step(e, n, "Add", t, ex_const_float(e, ex_part(e, n, "one"), 1),
		 ex_part(e, n, "gate"));
	t = step(e, n, "Mul", x, t, ex_part(e, n, "double"));
	step(e, n, "Mul", t, ex_const_float(e, ex_part(e, n, "half"), 0.5),
	     ex_name(n));
	return 0;
}

/* Between float and eight bits */

static int export_quantization(struct exporter *e, struct fx_node *n)
{
	bool to = fx_node_is(n, "quantize_linear");
	Onnx__NodeProto *p = whole(e, n, to ? "QuantizeLinear" :
					      "DequantizeLinear");

	if (fx_node_in(n, 1)->out[0].rank)
		ex_int(e, p, "axis", fx_node_int(n, "axis", 1));
	return 0;
}

static const struct special {
	const char *name;
	export_fn export;
} specials[] = {
	{ "adaptive_avg_pool2d",	export_adaptive_pool },
	{ "avg_pool1d",			export_pool },
	{ "avg_pool2d",			export_pool },
	{ "avg_pool3d",			export_pool },
	{ "batch_norm",			export_channel_norm },
	{ "cast",			export_cast },
	{ "clamp",			export_clamp },
	{ "constant_of_shape",		export_filled },
	{ "conv1d",			export_conv },
	{ "conv2d",			export_conv },
	{ "conv3d",			export_conv },
	{ "conv_transpose1d",		export_conv },
	{ "conv_transpose2d",		export_conv },
	{ "conv_transpose3d",		export_conv },
	{ "dequantize_linear",		export_quantization },
	{ "eye_like",			export_eye },
	{ "flatten",			export_flatten },
	{ "gelu",			export_gelu },
	{ "hardsigmoid",		export_hardsigmoid },
	{ "hardtanh",			export_hardtanh },
	{ "instance_norm",		export_channel_norm },
	{ "layer_norm",			export_layer_norm },
	{ "linear",			export_linear },
	{ "matmul",			export_matmul },
	{ "max_pool1d",			export_pool },
	{ "max_pool2d",			export_pool },
	{ "max_pool3d",			export_pool },
	{ "mish",			export_mish },
	{ "permute",			export_permute },
	{ "prelu",			export_prelu },
	{ "quantize_linear",		export_quantization },
	{ "relu6",			export_relu6 },
	{ "reshape",			export_reshape },
	{ "resize",			export_resize },
	{ "resize_dynamic",		export_resize },
	{ "silu",			export_silu },
	{ "split",			export_split },
};

export_fn ex_special(const char *name)
{
	for (size_t i = 0; i < sizeof(specials) / sizeof(*specials); i++)
		if (!strcmp(specials[i].name, name))
			return specials[i].export;
	return NULL;
}
