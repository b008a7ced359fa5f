/* SPDX-License-Identifier: MIT */
/*
 * Importer of Resize and its forerunner Upsample. The operator of the graph is
 * told the size of every dimension and, where the model gives scales, these
 * too, since they and not the quotient of the sizes decide where a pixel comes
 * from.
 */
#include <math.h>
#include <stdio.h>

#include "import.h"

/*
 * struct plan
 * @scales, @sizes: for every dimension of the input
 * @by_scales: the model gives scales; else it gives sizes
 */
struct plan {
	double scales[FXQ_MAX_RANK];
	int64_t sizes[FXQ_MAX_RANK];
	bool by_scales;
};

/* Which dimension each given number is for; returns how many. */
static int read_axes(struct onnx_op *op, uint32_t rank, int64_t *axes)
{
	int n = op_ints(op, "axes", axes, FXQ_MAX_RANK);

	if (n == -ENOENT) {
		for (uint32_t d = 0; d < rank; d++)
			axes[d] = d;
		return rank;
	}
	for (int i = 0; i < n; i++) {
		if (axes[i] < 0)
			axes[i] += rank;
		if (axes[i] < 0 || axes[i] >= rank)
			return op_fail(op, -EINVAL,
				       "axes name dimension %lld of %u",
				       (long long)axes[i], rank);
	}
	return n;
}

static int set_scales(struct onnx_op *op, const struct fxq_tensor *x,
		      const int64_t *axes, const double *v, int n,
		      struct plan *p)
{
	for (int i = 0; i < n; i++) {
		double size = floor(x->dims[axes[i]] * v[i]);

		if (!(v[i] > 0) || !(size < INT32_MAX))
			return op_fail(op, -EINVAL, "a scale is %g", v[i]);
		p->scales[axes[i]] = v[i];
		p->sizes[axes[i]] = size;
	}
	p->by_scales = true;
	return 0;
}

/* One scale for all axes, so that the result is not larger or not smaller. */
static int keep_aspect(struct onnx_op *op, const struct fxq_tensor *x,
		       const int64_t *axes, int64_t *v, int n,
		       const char *policy)
{
	bool larger = !strcmp(policy, "not_larger");
	double scale = larger ? INFINITY : 0;

	if (!larger && strcmp(policy, "not_smaller"))
		return op_fail(op, -EINVAL,
			       "there is no keep_aspect_ratio_policy '%.32s'",
			       policy);
	for (int i = 0; i < n; i++) {
		double s = (double)v[i] / x->dims[axes[i]];

		scale = larger ? fmin(scale, s) : fmax(scale, s);
	}
	for (int i = 0; i < n; i++)
		v[i] = (int64_t)floor(scale * x->dims[axes[i]] + 0.5);
	return 0;
}

static int set_sizes(struct onnx_op *op, const struct fxq_tensor *x,
		     const int64_t *axes, int64_t *v, int n, struct plan *p)
{
	const char *policy = op_str(op, "keep_aspect_ratio_policy", "stretch");
	int ret;

	for (int i = 0; i < n; i++)
		if (v[i] < 0 || v[i] > INT32_MAX || !x->dims[axes[i]])
			return op_fail(op, -EINVAL, "a size is %lld",
				       (long long)v[i]);
	if (strcmp(policy, "stretch")) {
		ret = keep_aspect(op, x, axes, v, n, policy);
		if (ret)
			return ret;
	}
	for (int i = 0; i < n; i++) {
		p->sizes[axes[i]] = v[i];
		p->scales[axes[i]] = (double)v[i] / x->dims[axes[i]];
	}
	return 0;
}

/* Scales at input @scales or, if that is absent or empty, sizes at @sizes. */
static int read_plan(struct onnx_op *op, const struct fxq_tensor *x,
		     size_t scales, size_t sizes, struct plan *p)
{
	int64_t axes[FXQ_MAX_RANK], v[FXQ_MAX_RANK];
	double f[FXQ_MAX_RANK];
	int n_axes, n;

	for (uint32_t d = 0; d < x->rank; d++) {
		p->scales[d] = 1;
		p->sizes[d] = x->dims[d];
	}
	n_axes = read_axes(op, x->rank, axes);
	if (n_axes < 0)
		return n_axes;

	n = op_const_floats(op, scales, f, FXQ_MAX_RANK);
	if (n > 0 && n == n_axes)
		return set_scales(op, x, axes, f, n, p);
	if (n <= 0 && n != -ENODATA && n != -EINVAL && sizes) {
		n = op_const_ints(op, sizes, v, FXQ_MAX_RANK);
		if (n == n_axes)
			return set_sizes(op, x, axes, v, n, p);
	}
	if (n == -ENODATA)
		return n;
	return op_fail(op, -EINVAL,
		       "it needs a scale or a size for each of %d dimensions",
		       n_axes);
}

/* Upsample before opset 9: scales are an attribute. */
static int read_attribute(struct onnx_op *op, const struct fxq_tensor *x,
			  struct plan *p)
{
	const Onnx__AttributeProto *a = op_attr(op, "scales");
	int64_t axes[FXQ_MAX_RANK];
	double f[FXQ_MAX_RANK];

	if (!a || a->n_floats != x->rank)
		return op_fail(op, -EINVAL,
			       "it needs a scale for each of %u dimensions",
			       x->rank);
	for (uint32_t d = 0; d < x->rank; d++) {
		axes[d] = d;
		f[d] = a->floats[d];
	}
	return set_scales(op, x, axes, f, x->rank, p);
}

static int read_shape(struct onnx_op *op, const struct fxq_tensor *x,
		      struct plan *p)
{
	bool upsample = !strcmp(op->p->op_type, "Upsample");

	if (upsample && op->imp->opset < 9)
		return read_attribute(op, x, p);
	if (upsample || op->imp->opset < 11)
		return read_plan(op, x, 1, 0, p);
	return read_plan(op, x, 2, 3, p);
}

/* How coordinates are mapped and pixels chosen; before opset 11, one way. */
static void read_modes(struct onnx_op *op, struct call *c)
{
	bool old = op->imp->opset < 11;
	double roi[2 * FXQ_MAX_RANK];
	const char *mode;
	int n;

	mode = op_str(op, "coordinate_transformation_mode", "half_pixel");
	with_str(c, "mode", op_str(op, "mode", "nearest"));
	with_str(c, "coordinate_transformation_mode",
		 old ? "asymmetric" : mode);
	with_str(c, "nearest_mode", old ? "floor" :
		 op_str(op, "nearest_mode", "round_prefer_floor"));
	with_float(c, "cubic_coeff_a", op_float(op, "cubic_coeff_a", -0.75));
	with_int(c, "exclude_outside", op_int(op, "exclude_outside", 0));
	with_float(c, "extrapolation_value",
		   op_float(op, "extrapolation_value", 0));
	with_int(c, "antialias", op_int(op, "antialias", 0));
	n = old || strcmp(mode, "tf_crop_and_resize") ? 0 :
	    op_const_floats(op, 1, roi, 2 * FXQ_MAX_RANK);
	if (n > 0)
		with_floats(c, "roi", roi, n);
}

int import_resize(struct onnx_op *op)
{
	const struct fxq_tensor *x = op_type(op, 0);
	struct call c = make(op, "resize");
	struct plan p = { .by_scales = false };
	int ret;

	if (!x)
		return op->imp->err;
	ret = read_shape(op, x, &p);
	if (ret == -ENODATA)
		return op_fail(op, -ENOTSUP,
			       "its size is known only when the model runs");
	if (ret)
		return ret;

	with(&c, op->in[0]);
	with_ints(&c, "sizes", p.sizes, x->rank);
	if (p.by_scales)
		with_floats(&c, "scales", p.scales, x->rank);
	read_modes(op, &c);
	return op_output(op, 0, build(&c));
}
