// SPDX-License-Identifier: MIT
/*
 * convert_resize.c - the tables of a resize
 *
 * The machine does no coordinate arithmetic: for each output row and column a
 * table names the input before it and how far, in parts of 2048, the output
 * lies towards the next. All that ONNX says about modes is in
 * resize_weights(), which the float kernel uses too.
 */
#include <string.h>

#include "nn/forms.h"

#include "convert.h"

/* How dimension @axis is resized; NULL, or why it has no table. */
static const char *axis_of(const struct fx_node *n, int axis,
			   struct resize_axis *ret)
{
	int mode = resize_mode_find(fx_node_str(n, "mode", "nearest"));
	int transform = resize_transform_find(
		fx_node_str(n, "coordinate_transformation_mode",
			    "half_pixel"));
	int rounding = resize_rounding_find(
		fx_node_str(n, "nearest_mode", "round_prefer_floor"));
	const struct fx_arg *scales = fx_node_kwarg(n, "scales");

	if (mode < 0 || transform < 0 || rounding < 0 || mode == RESIZE_CUBIC)
		return "its interpolation has no integer form";
	if (transform == RESIZE_TF_CROP_AND_RESIZE ||
	    fx_node_int(n, "antialias", 0))
		return "its coordinates have no table";
	*ret = (struct resize_axis){
		.mode = (enum resize_mode)mode,
		.transform = (enum resize_transform)transform,
		.rounding = (enum resize_rounding)rounding,
		.in = type_of(fx_node_in(n, 0))->dims[axis],
		.out = type_of(n)->dims[axis],
		.exclude_outside = fx_node_int(n, "exclude_outside", 0),
	};
	ret->scale = (double)ret->out / (double)ret->in;
	/* Fewer than dimensions are the last ones'. */
	if (scales && scales->count <= type_of(n)->rank)
		axis -= type_of(n)->rank - scales->count;
	if (scales && axis >= 0 && (size_t)axis < scales->count &&
	    scales->items[axis].kind == FX_ARG_FLOAT)
		ret->scale = scales->items[axis].f;
	return NULL;
}

static struct fx_node *table(struct convert *cv, struct fx_node *n,
			     const char *what, int axis, const char **reason)
{
	struct resize_axis a;
	uint16_t *t;

	*reason = axis_of(n, axis, &a);
	if (*reason)
		return NULL;
	t = fx_graph_alloc(cv->to, (size_t)a.out * 2 * sizeof(*t));
	*reason = form_resize(&a, t);
	if (*reason)
		return NULL;
	return new_const(cv, n, what, FXQ_DTYPE_U16, 2,
			 (int64_t[]){ a.out, 2 }, t);
}

bool resize_tables(struct convert *cv, struct fx_node *n,
		   struct fx_node **ret_rows, struct fx_node **ret_columns,
		   const char **reason)
{
	const struct fxq_tensor *x = type_of(fx_node_in(n, 0));
	const struct fxq_tensor *y = type_of(n);

	if (x->rank != 4 || x->dims[0] != y->dims[0] ||
	    x->dims[1] != y->dims[1]) {
		*reason = "it resizes more than height and width";
		return false;
	}
	*ret_rows = table(cv, n, "rows", 2, reason);
	*ret_columns = *ret_rows ? table(cv, n, "columns", 3, reason) : NULL;
	return *ret_columns != NULL;
}
