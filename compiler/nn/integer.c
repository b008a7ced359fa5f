// SPDX-License-Identifier: MIT
/*
 * integer.c - the integer form of each operator
 *
 * A handler turns a float operation whose first tensor is quantized into an
 * integer one. Its result keeps the scale of what goes in, or has one that is
 * always the same, or one that the caller says. The numbers are those of the
 * conversion of calibrated graphs (forms.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/fxq_arith.h>

#include "kernels/pool.h"

#include "forms.h"
#include "line.h"
#include "nn_priv.h"

static const struct fxq_attr *find_attr(const struct operation *o,
					const char *name)
{
	for (size_t i = 0; i < o->n_attrs; i++)
		if (!strcmp(o->attrs[i].name, name))
			return &o->attrs[i];
	return NULL;
}

/* The attributes that the float operator had, and the integer one has not. */
static void drop_attrs(struct operation *o)
{
	o->n_attrs = 0;
}

static void put_result(struct operation *o, const struct qresult *to)
{
	put_operation_result(o, to->scale, to->zero_point, 0);
}

static void put_scale(struct operation *o, const struct qresult *to)
{
	put_operation_float(o, "scale", to->scale);
	put_operation_int(o, "zero_point", to->zero_point);
}

static void put_ints(struct operation *o, const char *name, const int64_t *v,
		     uint32_t n)
{
	o->attrs[o->n_attrs] = (struct fxq_attr){
		.name = name, .type = FXQ_ATTR_INTS, .count = n,
		.ints = memcpy(o->ints[o->n_attrs], v, n * sizeof(*v)) };
	o->n_attrs++;
}

static float scale_of(const struct operation *o)
{
	return value_type(o->in[0])->scale;
}

/* The shape of the first tensor, of @rank dimensions unless that is 0. */
static const struct fxq_tensor *shape_of(const struct operation *o,
					 uint32_t rank, char *error)
{
	const struct fxq_tensor *x = value_shape(o->in[0]);

	if (x->dtype == FXQ_DTYPE_NONE)
		refuse(error, "its sizes are not known: give the type of the graph's inputs first");
	else if (rank && x->rank != rank)
		refuse(error, "it is for images, and has %u dimensions",
		       x->rank);
	else
		return x;
	return NULL;
}

/* A constant of @n floats beside the first tensor; NULL if out of memory. */
static float *put_floats(struct operation *o, int64_t n)
{
	o->in[1] = fx_zeros(n);
	o->n_in = 2;
	return fx_data(o->in[1]) ? o->in[1].tensor->t.data : NULL;
}

/* Handlers; -EINVAL with the sentence. */

/* What an operation has of @name, to change it. */
static int64_t *find_ints(struct operation *o, const char *name)
{
	for (size_t i = 0; i < o->n_attrs; i++)
		if (!strcmp(o->attrs[i].name, name))
			return o->ints[i];
	return NULL;
}

/* Rounded up, windows reach past the image: its end is padded that far. */
static int pad_to_ceil(struct operation *o, char *error)
{
	const struct fxq_attr *ceil = find_attr(o, "ceil_mode");
	int64_t *padding = find_ints(o, "padding");
	struct fxq_call call = { .n_in = 1, .attrs = o->attrs,
				 .n_attrs = (uint32_t)o->n_attrs };
	const struct fxq_tensor *x;
	struct fxq_tensor in;
	struct pool p;

	if (!ceil || !ceil->i)
		return 0;
	x = shape_of(o, 4, error);
	if (!x)
		return -EINVAL;
	in = fxq_tensor_type(FXQ_DTYPE_F32, x->rank, x->dims);
	call.in = &in;
	if (pool_read(&call, 2, &p))
		return refuse(error, "%s", call.error);
	for (int d = 1; d < 3; d++) {
		int64_t reach = (p.out[d] - 1) * p.stride[d] +
				(p.taps[d] - 1) * p.dilation[d] + 1;

		if (padding[1 + d] < reach - p.in[d] - p.begin[d])
			padding[1 + d] = reach - p.in[d] - p.begin[d];
	}
	return 0;
}

static int write_max_pool(struct operation *o, const struct qresult *to,
			  char *error)
{
	if (pad_to_ceil(o, error))
		return -EINVAL;
	o->op = "qmax_pool2d";
	put_result(o, to);
	return 0;
}

/* Of images, or of lines, which become images. */
static const struct fxq_tensor *image_of(struct operation *o, char *error)
{
	const struct fxq_tensor *x = shape_of(o, 0, error);

	if (!x || x->rank != 3)
		return x ? shape_of(o, 4, error) : NULL;
	o->in[0] = line_image(o->in[0]);
	o->line = true;
	return value_shape(o->in[0]);
}

/* Over all of an image: m = s_x / (s_y * n) */
static int write_mean_pool(struct operation *o, const struct qresult *to,
			   char *error)
{
	const struct fxq_tensor *x = image_of(o, error);

	if (!x)
		return -EINVAL;
	o->op = "qmean_pool2d";
	drop_attrs(o);
	put_operation_float(o, "m", x->scale / (to->scale *
				    (float)(x->dims[2] * x->dims[3])));
	put_result(o, to);
	return 0;
}

/* A window's multiplier for each count of elements that may be inside. */
static int write_avg_pool(struct operation *o, const struct qresult *to,
			  char *error)
{
	const struct fxq_attr *kernel = find_attr(o, "kernel_size");
	int64_t n = kernel->ints[0] * kernel->ints[1];
	float *table = put_floats(o, n);

	if (pad_to_ceil(o, error))
		return -EINVAL;
	if (!table)
		return refuse(error, "no memory for a table");
	form_averages(scale_of(o), to->scale, n, table);
	o->op = "qavg_pool2d";
	put_result(o, to);
	return 0;
}

/* The sides of @x's windows, the same for all; false if they differ or overlap. */
static bool windows_divide(const struct operation *o, const struct fxq_tensor *x,
			   int64_t kernel[2])
{
	const int64_t *out = find_attr(o, "output_size")->ints;

	if (x->rank != 4)
		return false;
	for (int i = 0; i < 2; i++) {
		int64_t from = x->dims[2 + i], to = out[i] ? out[i] : from;

		if (to < 1 || from < 1 || from % to)
			return false;
		kernel[i] = from / to;
	}
	return true;
}

/* Windows of several sizes are averaged as floats, on the CPU. */
static int write_adaptive_pool(struct operation *o, const struct qresult *to,
			       char *error)
{
	const struct fxq_tensor *x = image_of(o, error);
	struct operation floats = { .op = "dequantize", .n_in = 1,
				    .in = { o->in[0] } };
	int64_t kernel[2];

	if (!x)
		return -EINVAL;
	if (windows_divide(o, x, kernel)) {
		drop_attrs(o);
		put_ints(o, "kernel_size", kernel, 2);
		put_ints(o, "stride", kernel, 2);
		return write_avg_pool(o, to, error);
	}
	o->in[0] = operation_compute(context.at, &floats);
	o->in[0] = operation_compute(context.at, o);
	o->op = "quantize";
	drop_attrs(o);
	put_scale(o, to);
	return 0;
}

/* Between two bounds, NaN where there is none. */
static int clamp(struct operation *o, const struct qresult *to, double lo,
		 double hi)
{
	o->op = "qrequant";
	drop_attrs(o);
	put_operation_float(o, "m", scale_of(o) / to->scale);
	put_scale(o, to);
	put_operation_int(o, "lo", form_bound(lo, to->scale, to->zero_point,
					      -128));
	put_operation_int(o, "hi", form_bound(hi, to->scale, to->zero_point,
					      127));
	return 0;
}

static int write_relu(struct operation *o, const struct qresult *to,
		      char *error)
{
	return clamp(o, to, 0, __builtin_nan(""));
}

static int write_relu6(struct operation *o, const struct qresult *to,
		       char *error)
{
	return clamp(o, to, 0, 6);
}

static int write_clamp(struct operation *o, const struct qresult *to,
		       char *error)
{
	const struct fxq_attr *min = find_attr(o, "min");
	const struct fxq_attr *max = find_attr(o, "max");

	return clamp(o, to, min ? min->f : __builtin_nan(""),
		     max ? max->f : __builtin_nan(""));
}

/* Any function of one value: a table over all values of the input. */
static int write_table(struct operation *o, const struct qresult *to,
		       char *error)
{
	const struct fxq_tensor *x = value_type(o->in[0]);
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_I8, 1,
					      (int64_t[]){ 256 });
	double in[256], out[256];
	int8_t table[256];

	form_values(x->scale, x->zero_point, in);
	if (form_function(fx_op_find(o->op), o->attrs, (uint32_t)o->n_attrs,
			  in, out))
		return refuse(error, "it has no table");
	form_round(out, to->scale, to->zero_point, table);
	t.data = table;
	o->op = "qlut";
	o->in[1] = fx_copy_of(&t);
	o->n_in = 2;
	drop_attrs(o);
	put_scale(o, to);
	return 0;
}

/* A convolution of each channel by itself with 1, for it has slopes by channel. */
static int write_slopes(struct operation *o, const struct qresult *to,
			char *error)
{
	const struct fxq_tensor *slope = fx_data(o->in[1]);
	const struct fxq_tensor *x = shape_of(o, 4, error);
	int64_t n = fxq_tensor_count(slope);
	static const int64_t ones[2] = { 1, 1 }, zeros[4] = { 0 };
	const float *slopes = slope->data;
	struct fxq_tensor w = fxq_tensor_type(FXQ_DTYPE_I8, 4,
					      (int64_t[]){ n, 1, 1, 1 });
	struct fxq_tensor bias = fxq_tensor_type(FXQ_DTYPE_I32, 1, &n);
	fxv weights = fx_copy_of(&w), m = fx_zeros(n), below = fx_zeros(n);

	if (!x)
		return -EINVAL;
	if (fx_error(weights) || fx_error(m) || fx_error(below))
		return refuse(error, "no memory for its slopes");
	memset(weights.tensor->t.data, 1, (size_t)n);
	for (int64_t c = 0; c < n; c++) {
		float by = x->scale / to->scale;

		((float *)m.tensor->t.data)[c] = by;
		((float *)below.tensor->t.data)[c] = slopes[c] * by;
	}
	o->op = "qconv2d";
	o->in[1] = weights;
	o->in[2] = fx_copy_of(&bias);
	o->in[3] = m;
	o->in[4] = below;
	o->n_in = 5;
	drop_attrs(o);
	put_ints(o, "stride", ones, 2);
	put_ints(o, "padding", zeros, 4);
	put_ints(o, "dilation", ones, 2);
	put_operation_int(o, "groups", n);
	put_result(o, to);
	return 0;
}

/* One slope is that of a leaky relu. */
static int write_prelu(struct operation *o, const struct qresult *to,
		       char *error)
{
	const struct fxq_tensor *slope = fx_data(o->in[1]);

	if (!slope)
		return refuse(error, "its slopes are computed, not constant");
	if (fxq_tensor_count(slope) != 1)
		return write_slopes(o, to, error);
	o->op = "leaky_relu";
	drop_attrs(o);
	put_operation_float(o, "negative_slope", *(float *)slope->data);
	return write_table(o, to, error);
}

static int write_softmax(struct operation *o, const struct qresult *to,
			 char *error)
{
	const struct fxq_attr *dim = find_attr(o, "dim");
	const struct fxq_tensor *x = shape_of(o, 0, error);
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_U32, 1,
					      (int64_t[]){ 256 });
	uint32_t table[256];
	int64_t d = dim ? dim->i : -1;

	if (!x)
		return -EINVAL;
	d += d < 0 ? x->rank : 0;
	if (d < 0 || d >= x->rank || x->dims[d] > FORM_LONGEST)
		return refuse(error, "it runs over more than %d elements",
			      FORM_LONGEST);
	form_softmax(x->scale, table);
	t.data = table;
	o->op = "qsoftmax";
	o->in[1] = fx_copy_of(&t);
	o->n_in = 2;
	drop_attrs(o);
	put_operation_int(o, "dim", d);
	put_operation_float(o, "m", 1.0f / to->scale);
	put_result(o, to);
	return 0;
}

static const float *constant_floats(fxv v, int64_t n)
{
	const struct fxq_tensor *t = fx_data(v);

	return t && t->dtype == FXQ_DTYPE_F32 && fxq_tensor_count(t) == n ?
	       t->data : NULL;
}

static int write_layer_norm(struct operation *o, const struct qresult *to,
			    char *error)
{
	const struct fxq_attr *shape = find_attr(o, "normalized_shape");
	const struct fxq_attr *eps = find_attr(o, "eps");
	float e = eps ? (float)eps->f : 1e-5f, *gh;
	const float *g, *h;
	int64_t n;

	n = shape && shape->count == 1 ? shape->ints[0] : 0;
	if (n < 1 || n > FORM_LONGEST)
		return refuse(error, "it does not run over a last dimension of at most %d",
			      FORM_LONGEST);
	g = constant_floats(o->in[1], n);
	h = o->n_in > 2 ? constant_floats(o->in[2], n) : NULL;
	o->in[1] = fx_zeros(n, 2);
	o->n_in = 2;
	if (!fx_data(o->in[1]))
		return refuse(error, "no memory for its weights");
	gh = o->in[1].tensor->t.data;
	form_layer_norm(g, h, n, to->scale, gh);
	o->op = "qlayer_norm";
	drop_attrs(o);
	put_operation_float(o, "eps", form_layer_norm_eps(e, n, scale_of(o)));
	put_result(o, to);
	return 0;
}

/* How each side is resized, as the float operator reads it. */
static int read_resize(const struct operation *o, const struct fxq_tensor *x,
		       struct resize_axis axis[FXQ_MAX_RANK], char *error)
{
	struct fxq_tensor in = fxq_tensor_type(FXQ_DTYPE_F32, x->rank, x->dims);
	struct fxq_tensor out = { 0 };
	struct fxq_call call = { .n_in = 1, .n_out = 1, .in = &in, .out = &out,
				 .attrs = o->attrs,
				 .n_attrs = (uint32_t)o->n_attrs };

	if (!resize_read(&call, axis))
		return 0;
	return refuse(error, "%s", call.error);
}

static int put_resize(struct operation *o, const struct resize_axis *a,
		      char *error)
{
	int64_t dims[] = { a->out, 2 };
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_U16, 2, dims);
	fxv table = fx_copy_of(&t);
	const char *reason;

	if (fx_error(table))
		return refuse(error, "no memory for a table");
	reason = form_resize(a, table.tensor->t.data);
	o->in[o->n_in++] = table;
	return reason ? refuse(error, "%s", reason) : 0;
}

static int write_resize(struct operation *o, const struct qresult *to,
			char *error)
{
	const struct fxq_tensor *x = shape_of(o, 4, error);
	struct resize_axis axis[FXQ_MAX_RANK];

	if (!x || read_resize(o, x, axis, error))
		return -EINVAL;
	if (axis[0].in != axis[0].out || axis[1].in != axis[1].out)
		return refuse(error, "it resizes more than height and width");
	o->n_in = 1;
	if (put_resize(o, &axis[2], error) || put_resize(o, &axis[3], error))
		return -EINVAL;
	o->op = "qresize2d";
	drop_attrs(o);
	put_operation_int(o, "bilinear", axis[2].mode == RESIZE_LINEAR);
	put_operation_float(o, "m", x->scale / to->scale);
	put_result(o, to);
	return 0;
}

/* The other parts come into the scale of the first. */
static int write_concat(struct operation *o, const struct qresult *to,
			char *error)
{
	for (size_t i = 1; i < o->n_in; i++) {
		const struct fxq_tensor *t = value_type(o->in[i]);

		if (!value_is_quantized(o->in[i]))
			return refuse(error, "part %zu is not quantized, as the first one is",
				      i);
		if (t->scale != to->scale || t->zero_point != to->zero_point)
			o->in[i] = quantized_rescale(o->in[i], to->scale,
						     to->zero_point);
	}
	return 0;
}

/* The number around it as an integer; what repeats elements needs none. */
static int write_pad(struct operation *o, const struct qresult *to, char *error)
{
	const struct fxq_attr *mode = find_attr(o, "mode");
	const struct fxq_attr *value = find_attr(o, "value");
	double v = value ? value->f : 0;
	size_t n = 0;

	for (size_t i = 0; i < o->n_attrs; i++)
		if (&o->attrs[i] != value)
			o->attrs[n++] = o->attrs[i];
	o->n_attrs = n;
	if (!mode || !strcmp(mode->s, "constant"))
		put_operation_int(o, "value", fxq_quantize_torch((float)v, to->scale,
								 to->zero_point));
	return 0;
}

static int write_as_is(struct operation *o, const struct qresult *to,
		       char *error)
{
	return 0;
}

/* KEPT: always; ANY and FIXED: unless another is told; OWN: one is told. */
enum result { KEPT, ANY, FIXED, OWN };

/*
 * struct form
 * @result: where the scale of the result comes from; @fixed: if it is FIXED, 256
 *	    steps over [0, 1) or [-1, 1) as torch has them
 */
static const struct form {
	const char *op;
	int (*write)(struct operation *o, const struct qresult *to,
		     char *error);
	enum result result;
	struct qresult fixed;
} forms[] = {
	{ "max_pool2d",		write_max_pool,		KEPT },
	{ "avg_pool2d",		write_avg_pool,		ANY },
	{ "global_avg_pool",	write_mean_pool,	ANY },
	{ "adaptive_avg_pool2d", write_adaptive_pool,	ANY },
	{ "relu",		write_relu,		ANY },
	{ "relu6",		write_relu6,		ANY },
	{ "clamp",		write_clamp,		ANY },
	{ "resize",		write_resize,		ANY },
	{ "concat",		write_concat,		KEPT },
	{ "pad",		write_pad,		KEPT },
	{ "dequantize",		write_as_is,		KEPT },
	{ "dequantize_channels", write_as_is,		KEPT },
	{ "sigmoid",		write_table,	FIXED,	{ 0x1p-8f, -128 } },
	{ "hardsigmoid",	write_table,	FIXED,	{ 0x1p-8f, -128 } },
	{ "softmax",		write_softmax,	FIXED,	{ 0x1p-8f, -128 } },
	{ "tanh",		write_table,	FIXED,	{ 0x1p-7f, 0 } },
	{ "hardswish",		write_table,		OWN },
	{ "silu",		write_table,		OWN },
	{ "gelu",		write_table,		OWN },
	{ "leaky_relu",		write_table,		OWN },
	{ "prelu",		write_prelu,		OWN },
	{ "layer_norm",		write_layer_norm,	OWN },
};

/* What moves elements and computes none is the same for integers. */
static bool only_moves(const char *name)
{
	const struct fx_op *op = fx_op_find(name);

	return op && op->flags & (FX_OP_VIEW | FX_OP_MOVES);
}

static const struct form *form_of(const char *op)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (!strcmp(forms[i].op, op))
			return &forms[i];
	return NULL;
}

static bool says(const struct operation *o, const char *name, const char *s)
{
	const struct fxq_attr *attr = find_attr(o, name);

	return attr && attr->type == FXQ_ATTR_STRING && !strcmp(attr->s, s);
}

/* Height and width, between neighbours inside the image at most. */
static bool resizes_images(const struct operation *o)
{
	const struct fxq_attr *scales = find_attr(o, "scales");
	const struct fxq_attr *sides = scales ? scales : find_attr(o, "sizes");
	const struct fxq_attr *antialias = find_attr(o, "antialias");

	return sides && sides->count == 2 && !says(o, "mode", "cubic") &&
	       !(antialias && antialias->i) &&
	       !says(o, "coordinate_transformation_mode", "tf_crop_and_resize");
}

/* Windows past the padding have none that is counted. */
static bool counts_beyond(const struct operation *o)
{
	const struct fxq_attr *ceil = find_attr(o, "ceil_mode");
	const struct fxq_attr *counted = find_attr(o, "count_include_pad");

	return ceil && ceil->i && counted && counted->i;
}

bool quantized_has(const struct operation *o)
{
	const char *image = line_image_op(o->op);
	const struct form *form = form_of(image ? image : o->op);

	if (counts_beyond(o) ||
	    (!strcmp(o->op, "resize") && !resizes_images(o)))
		return false;
	return form ? form->result != OWN : only_moves(o->op);
}

bool quantized_has_own(const struct operation *o)
{
	const struct fxq_attr *shape = find_attr(o, "normalized_shape");
	const char *image = line_image_op(o->op);
	const struct form *form = form_of(image ? image : o->op);

	if (!form || form->result == KEPT || (shape && shape->count > 1))
		return false;
	return form->result == OWN || quantized_has(o);
}

bool quantized_keeps(const struct operation *o)
{
	return quantized_has(o) && !quantized_has_own(o);
}

void quantized_parts(const struct operation *o, fxv *parts, size_t n)
{
	const struct fxq_tensor *x = value_type(o->in[0]);

	for (size_t i = 0; i < n; i++)
		if (only_moves(o->op) && value_is_quantized(o->in[0]))
			value_set_scale(parts[i], x->scale, x->zero_point);
}

static fxv run_integers(const struct fx_loc *at, struct operation *o)
{
	const struct fxq_tensor x = *value_type(o->in[0]);
	fxv y = operation_compute(at, o);

	/* Integer operators say the scale of their result themselves. */
	if (only_moves(o->op) && !fx_error(y))
		value_set_scale(y, x.scale, x.zero_point);
	return y;
}

/* The integers of a copy stand where they stood. */
static void take_ints(struct operation *o, const struct operation *from)
{
	for (size_t i = 0; i < o->n_attrs; i++)
		if (o->attrs[i].type == FXQ_ATTR_INTS)
			o->attrs[i].ints = memcpy(o->ints[i],
						  from->attrs[i].ints,
						  o->attrs[i].count * 8);
}

fxv quantized_run(const struct fx_loc *at, const struct operation *operation,
		  const struct qresult *to)
{
	const struct fxq_tensor *x = value_type(operation->in[0]);
	const struct qresult same = { x->scale, x->zero_point };
	struct operation o = *operation;
	char error[FXQ_ERROR_MAX];
	const struct form *form;
	fxv y;

	take_ints(&o, operation);
	line_to_image(&o);
	form = form_of(o.op);
	if ((!form && !only_moves(o.op)) || (form && form->result == OWN && !to))
		return fx_poison(at, -EINVAL, "%s has no integer form: dequantize its input first",
				 o.op);
	if (form && !to)
		to = form->result == FIXED ? &form->fixed : &same;
	if (form && form->write(&o, to, error))
		return fx_poison(at, -EINVAL, "%s of a quantized tensor: %s; without a qconfig it stays float",
				 operation->op, error);
	y = run_integers(at, &o);
	return o.line ? line_of_image(y) : y;
}
