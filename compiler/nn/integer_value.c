// SPDX-License-Identifier: MIT
/*
 * integer_value.c - integer forms of functions of values
 *
 * Of one value, by bounds or by a table over all that eight bits hold; and of all
 * values along a dimension.
 */
#include <errno.h>
#include <string.h>

#include "forms.h"
#include "integer.h"

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

int write_relu(struct operation *o, const struct qresult *to, char *error)
{
	return clamp(o, to, 0, __builtin_nan(""));
}

int write_relu6(struct operation *o, const struct qresult *to, char *error)
{
	return clamp(o, to, 0, 6);
}

int write_clamp(struct operation *o, const struct qresult *to, char *error)
{
	const struct fxq_attr *min = find_attr(o, "min");
	const struct fxq_attr *max = find_attr(o, "max");

	return clamp(o, to, min ? min->f : __builtin_nan(""),
		     max ? max->f : __builtin_nan(""));
}

/* Any function of one value: a table over all values of the input. */
int write_table(struct operation *o, const struct qresult *to, char *error)
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
int write_prelu(struct operation *o, const struct qresult *to, char *error)
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

int write_softmax(struct operation *o, const struct qresult *to, char *error)
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

int write_layer_norm(struct operation *o, const struct qresult *to, char *error)
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
