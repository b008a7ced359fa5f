// SPDX-License-Identifier: MIT
/*
 * integer_image.c - integer forms of windows, and of images joined and resized
 */
#include <errno.h>
#include <string.h>

#include <fxq/fxq_arith.h>

#include "kernels/pool.h"

#include "forms.h"
#include "integer.h"

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

int write_max_pool(struct operation *o, const struct qresult *to, char *error)
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
int write_mean_pool(struct operation *o, const struct qresult *to, char *error)
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
int write_avg_pool(struct operation *o, const struct qresult *to, char *error)
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
int write_adaptive_pool(struct operation *o, const struct qresult *to,
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

int write_resize(struct operation *o, const struct qresult *to, char *error)
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
int write_concat(struct operation *o, const struct qresult *to, char *error)
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
int write_pad(struct operation *o, const struct qresult *to, char *error)
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
