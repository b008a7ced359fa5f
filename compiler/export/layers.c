// SPDX-License-Identifier: MIT
/*
 * layers.c - layers with weights, normalizations, windows
 *
 * ONNX's attributes have other names, always the same number of elements, and a
 * weight where torch may have none.
 */
#include "export.h"

#define SPATIAL	3	/* dimensions of a window, at most */

/* Kwarg @from as @count numbers; one stands for all, none for @def. */
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

/* Products */

static int export_conv(struct exporter *e, struct fx_node *n)
{
	bool transposed = !strncmp(n->target, "conv_t", 6);
	const struct fxq_tensor *w = &fx_node_in(n, 1)->out[0];
	Onnx__NodeProto *p = ex_whole(e, n, transposed ? "ConvTranspose" :
							 "Conv");
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
		ex_int(e, ex_whole(e, n, "Gemm"), "transB", 1);
		return 0;
	}
	p = ex_node(e, n, "Transpose");
	ex_in(e, p, ex_name(fx_node_in(n, 1)));
	ex_ints(e, p, "perm", (const int64_t[]){ 1, 0 }, 2);
	y = ex_out(e, p, ex_part(e, n, "turned"));
	y = ex_step(e, n, "MatMul", ex_name(fx_node_in(n, 0)), y,
		    bias ? ex_part(e, n, "product") : ex_name(n));
	if (bias)
		ex_step(e, n, "Add", y, bias, ex_name(n));
	return 0;
}

static int export_matmul(struct exporter *e, struct fx_node *n)
{
	ex_whole(e, n, "MatMul");
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

/* Input @i, one number a channel, in a shape that meets @n's channels. */
static const char *by_channel(struct exporter *e, const struct fx_node *n,
			      size_t i, const char *what)
{
	const struct fx_node *in = fx_node_in(n, i);
	uint32_t rank = fx_node_in(n, 0)->out[0].rank - 1;
	int64_t shape[FXQ_MAX_RANK] = { in->out[0].dims[0] };

	for (uint32_t d = 1; d < rank; d++)
		shape[d] = 1;
	return ex_step(e, n, "Reshape", ex_name(in),
		       ex_const_ints(e, ex_printf(e, "%s.shape",
						  ex_part(e, n, what)),
				     shape, rank),
		       ex_part(e, n, what));
}

/* Each group as one channel of a longer image, and that turned back. */
static int export_group_norm(struct exporter *e, struct fx_node *n)
{
	const struct fxq_tensor *x = &fx_node_in(n, 0)->out[0];
	int64_t groups = fx_node_int(n, "num_groups", 1);
	const struct fxq_tensor one = fxq_tensor_type(FXQ_DTYPE_F32, 1, &groups);
	struct fxq_tensor ones = one, zeros = one;
	Onnx__NodeProto *p;
	const char *y;

	ones.data = ex_alloc(e, fxq_tensor_bytes(&one));
	zeros.data = ex_alloc(e, fxq_tensor_bytes(&one));
	for (int64_t i = 0; i < groups; i++)
		((float *)ones.data)[i] = 1;
	y = ex_step(e, n, "Reshape", ex_name(fx_node_in(n, 0)),
		    ex_const_ints(e, ex_part(e, n, "groups"),
				  (int64_t[]){ 0, groups, -1 }, 3),
		    ex_part(e, n, "grouped"));
	p = ex_node(e, n, "InstanceNormalization");
	ex_in(e, p, y);
	ex_in(e, p, ex_const(e, ex_part(e, n, "gain"), &ones));
	ex_in(e, p, ex_const(e, ex_part(e, n, "bias"), &zeros));
	ex_float(e, p, "epsilon", fx_node_float(n, "eps", 1e-5));
	y = ex_out(e, p, ex_part(e, n, "normal"));
	y = ex_step(e, n, "Reshape", y,
		    ex_const_ints(e, ex_part(e, n, "shape"), x->dims, x->rank),
		    fx_node_in(n, 1) || fx_node_in(n, 2) ?
		    ex_part(e, n, "turned") : ex_name(n));
	if (fx_node_in(n, 1))
		y = ex_step(e, n, "Mul", y, by_channel(e, n, 1, "weight"),
			    fx_node_in(n, 2) ? ex_part(e, n, "scaled") :
					       ex_name(n));
	if (fx_node_in(n, 2))
		ex_step(e, n, "Add", y, by_channel(e, n, 2, "offset"),
			ex_name(n));
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
	p = ex_whole(e, n, "AveragePool");
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
	ex_trim(p);
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

const struct ex_special ex_layers[] = {
	{ "adaptive_avg_pool2d",	export_adaptive_pool },
	{ "avg_pool1d",		export_pool },
	{ "avg_pool2d",		export_pool },
	{ "avg_pool3d",		export_pool },
	{ "batch_norm",		export_channel_norm },
	{ "conv1d",		export_conv },
	{ "conv2d",		export_conv },
	{ "conv3d",		export_conv },
	{ "conv_transpose1d",	export_conv },
	{ "conv_transpose2d",	export_conv },
	{ "conv_transpose3d",	export_conv },
	{ "group_norm",		export_group_norm },
	{ "instance_norm",	export_channel_norm },
	{ "layer_norm",		export_layer_norm },
	{ "linear",		export_linear },
	{ "matmul",		export_matmul },
	{ "max_pool1d",		export_pool },
	{ "max_pool2d",		export_pool },
	{ "max_pool3d",		export_pool },
	{ "resize",		export_resize },
	{ "resize_dynamic",	export_resize },
	{ NULL },
};
