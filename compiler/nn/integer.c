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
#include <string.h>

#include "integer.h"
#include "line.h"

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
	integer_fn write;
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
