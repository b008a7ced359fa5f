// SPDX-License-Identifier: MIT
/*
 * Importer of Resize and its forerunner Upsample. The operator of the graph is
 * told the size of every dimension and, where the model gives scales, these
 * too, since they and not the quotient of the sizes decide where a pixel comes
 * from. Numbers that only a run knows are left to resize_dynamic.
 */
#include <stdio.h>

#include "import.h"
#include "nn/array/resize_plan.h"

/* How coordinates are mapped and pixels chosen; before opset 11, one way. */
static void read_modes(struct onnx_op *op, struct call *c)
{
	bool old = op->imp->opset < 11;
	const char *mode, *nearest;

	mode = op_str(op, "coordinate_transformation_mode", "half_pixel");
	nearest = op_str(op, "nearest_mode", "round_prefer_floor");
	call_str(c, "mode", op_str(op, "mode", "nearest"));
	call_str(c, "coordinate_transformation_mode",
		 old ? "asymmetric" : mode);
	call_str(c, "nearest_mode", old ? "floor" : nearest);
	call_float(c, "cubic_coeff_a", op_float(op, "cubic_coeff_a", -0.75));
	call_int(c, "exclude_outside", op_int(op, "exclude_outside", 0));
	call_float(c, "extrapolation_value",
		   op_float(op, "extrapolation_value", 0));
	call_int(c, "antialias", op_int(op, "antialias", 0));
}

/* Where this opset has scales, sizes and the region; 0: nowhere. */
struct places {
	size_t roi, scales, sizes;
};

static struct places find_places(const struct onnx_op *op)
{
	if (!strcmp(op->p->op_type, "Upsample") || op->imp->opset < 11)
		return (struct places){ .scales = 1 };
	return (struct places){ .roi = 1, .scales = 2, .sizes = 3 };
}

/* Upsample before opset 9: scales are an attribute. */
static int read_attribute(struct onnx_op *op, struct resize_wish *w)
{
	const Onnx__AttributeProto *a = op_attr(op, "scales");

	if (!a || a->n_floats > FXQ_MAX_RANK)
		return op_fail(op, -EINVAL, "it has no scales");
	w->n_scales = a->n_floats;
	for (int i = 0; i < w->n_scales; i++)
		w->scales[i] = a->floats[i];
	return 0;
}

/* -ENODATA: a number is known only when the model runs. */
static int read_wish(struct onnx_op *op, struct resize_wish *w)
{
	struct places at = find_places(op);

	w->policy = op_str(op, "keep_aspect_ratio_policy", "stretch");
	w->n_axes = op_ints(op, "axes", w->axes, FXQ_MAX_RANK);
	if (!strcmp(op->p->op_type, "Upsample") && op->imp->opset < 9)
		return read_attribute(op, w);

	w->n_scales = op_const_floats(op, at.scales, w->scales, FXQ_MAX_RANK);
	if (at.roi)
		w->n_roi = op_const_floats(op, at.roi, w->roi,
					   2 * FXQ_MAX_RANK);
	if (at.sizes)
		w->n_sizes = op_const_ints(op, at.sizes, w->sizes,
					   FXQ_MAX_RANK);
	if (w->n_scales == -ENODATA || w->n_sizes == -ENODATA ||
	    w->n_roi == -ENODATA)
		return -ENODATA;
	w->n_scales = w->n_scales < 0 ? 0 : w->n_scales;
	w->n_sizes = w->n_sizes < 0 ? 0 : w->n_sizes;
	w->n_roi = w->n_roi < 0 ? 0 : w->n_roi;
	return op->imp->err;
}

static int import_dynamic(struct onnx_op *op, const struct resize_wish *w)
{
	struct call c = op_call(op, "resize_dynamic");
	struct places at = find_places(op);

	call_in(&c, op->in[0]);
	call_in(&c, at.roi && at.roi < op->n_in ? op->in[at.roi] : NULL);
	call_in(&c, at.scales < op->n_in ? op->in[at.scales] : NULL);
	call_in(&c, at.sizes && at.sizes < op->n_in ? op->in[at.sizes] : NULL);
	if (w->n_axes >= 0)
		call_ints(&c, "axes", w->axes, w->n_axes);
	call_str(&c, "keep_aspect_ratio_policy", w->policy);
	read_modes(op, &c);
	return op_output(op, 0, op_build(&c));
}

int import_resize(struct onnx_op *op)
{
	const struct fxq_tensor *x = op_type(op, 0);
	struct resize_wish wish = { .n_scales = 0 };
	struct call c = op_call(op, "resize");
	struct resize_plan plan;
	const char *why;
	int ret;

	if (!x)
		return op->imp->err;
	ret = read_wish(op, &wish);
	if (ret == -ENODATA)
		return import_dynamic(op, &wish);
	if (ret)
		return ret;
	why = resize_plan_make(&wish, x->rank, x->dims, &plan);
	if (why)
		return op_fail(op, -EINVAL, "%s", why);

	call_in(&c, op->in[0]);
	call_ints(&c, "sizes", plan.sizes, x->rank);
	if (plan.by_scales)
		call_floats(&c, "scales", plan.scales, x->rank);
	read_modes(op, &c);
	if (wish.n_roi)		/* read by one of the modes alone */
		call_floats(&c, "roi", plan.roi, 2 * x->rank);
	return op_output(op, 0, op_build(&c));
}
