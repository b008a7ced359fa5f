// SPDX-License-Identifier: MIT
/*
 * given.c - observers that are told something beforehand
 *
 * The whole scale, those of weights, the bounds of the range, or how many
 * standard deviations wide it is; and one that stands where nothing is to be
 * observed.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "observe.h"

#define OBSERVES	.flags = FX_CLASS_LEAF | FX_CLASS_IDENTITY

static int init_range(struct fx_module *m)
{
	if (qtype_init(m) || qtype_per_tensor(m))
		return -EINVAL;
	fx_add_buffer(m, "min_val", fx_full_of(INFINITY, FX_DIMS()));
	fx_add_buffer(m, "max_val", fx_full_of(-INFINITY, FX_DIMS()));
	return 0;
}

/* A range, or none yet. */
static int qparams_range(struct fx_module *m, struct fx_qparams *ret)
{
	struct range r = observed_range(m);

	return qparams_fit(m, &r, 1, ret);
}

/* Bounds that no value leaves */

static int init_clip(struct fx_module *m)
{
	double min = module_float(m, "xmin"), max = module_float(m, "xmax");

	if (!(min <= 0 && max >= 0 && min < max) || !isfinite(max - min))
		return module_fail(m, -EINVAL, "xmin %g to xmax %g is no range with 0 in it",
				   min, max);
	return init_range(m);
}

static fxv forward_clip(struct fx_module *m, const fxv *args)
{
	float min = (float)module_float(m, "xmin");
	float max = (float)module_float(m, "xmax");
	const struct fxq_tensor *t = observed(m, args[0]);
	struct range r;

	if (!t)
		return args[0];
	r = range_join(observed_range(m), extremes(t->data, fxq_tensor_count(t)));
	r.min = fminf(fmaxf(r.min, min), max);
	r.max = fmaxf(fminf(r.max, max), min);
	set_observed_range(m, r);
	return args[0];
}

/* Standard deviations around the mean */

static fxv double_scalar(void)
{
	return fx_copy_of(&(struct fxq_tensor){ .dtype = FXQ_DTYPE_F64 });
}

static double *buffer_double(struct fx_module *m, const char *name)
{
	return module_member(m, name)->value.tensor->t.data;
}

static int init_clip_std(struct fx_module *m)
{
	double width = module_float(m, "std_scale");

	if (!(width > 0) || !isfinite(width))
		return module_fail(m, -EINVAL, "std_scale %g is no number of deviations: it is above 0",
				   width);
	fx_add_buffer(m, "count", double_scalar());
	fx_add_buffer(m, "mean", double_scalar());
	fx_add_buffer(m, "square", double_scalar());
	return init_range(m);
}

/* The moments of two lots of data from those of each. */
static void join_moments(struct fx_module *m, double n, double mean,
			 double square)
{
	double *all = buffer_double(m, "count");
	double apart = mean - *buffer_double(m, "mean"), before = *all;

	*all += n;
	*buffer_double(m, "mean") += apart * (n / *all);
	*buffer_double(m, "square") += square + apart * apart *
						(before * n / *all);
}

static fxv forward_clip_std(struct fx_module *m, const fxv *args)
{
	const struct fxq_tensor *t = observed(m, args[0]);
	double mean = 0, square = 0;
	const float *x;
	int64_t n;

	if (!t)
		return args[0];
	x = t->data;
	n = fxq_tensor_count(t);
	for (int64_t i = 0; i < n; i++)
		mean += x[i];
	mean /= (double)n;
	for (int64_t i = 0; i < n; i++)
		square += (x[i] - mean) * (x[i] - mean);
	join_moments(m, (double)n, mean, square);
	set_observed_range(m, range_join(observed_range(m), extremes(x, n)));
	return args[0];
}

static int qparams_clip_std(struct fx_module *m, struct fx_qparams *ret)
{
	double n = *buffer_double(m, "count"), mean = *buffer_double(m, "mean");
	double reach = module_float(m, "std_scale") *
		       sqrt(*buffer_double(m, "square") / (n > 0 ? n : 1));
	struct range r = observed_range(m);

	if (n > 0) {
		r.min = fmaxf(r.min, (float)(mean - reach));
		r.max = fminf(r.max, (float)(mean + reach));
	}
	return qparams_fit(m, &r, 1, ret);
}

/* The scale itself */

static int init_fixed(struct fx_module *m)
{
	float scale = (float)module_float(m, "scale");
	int64_t zero = module_int(m, "zero_point");
	struct fxq_tensor t = { .dtype = FXQ_DTYPE_I32, .rank = 1,
				.dims = { 1 }, .data = &(int32_t){ zero } };
	char error[FXQ_ERROR_MAX];
	struct qtype type;

	if (qtype_per_tensor(m) || qtype_of(m, &type, error))
		return -EINVAL;
	if (!isnormal(scale) || scale < 0)
		return module_fail(m, -EINVAL, "scale %g is no scale: it is above 0, finite, and normal in float32",
				   scale);
	if (zero < type.target.quant_min || zero > type.target.quant_max)
		return module_fail(m, -EINVAL, "zero_point %lld is not from %d to %d",
				   (long long)zero, type.target.quant_min,
				   type.target.quant_max);
	fx_add_buffer(m, "scale", fx_tensor(scale));
	fx_add_buffer(m, "zero_point", fx_copy_of(&t));
	return 0;
}

static fxv forward_nothing(struct fx_module *m, const fxv *args)
{
	return args[0];
}

static int qparams_fixed(struct fx_module *m, struct fx_qparams *ret)
{
	const int32_t *zero = module_member(m, "zero_point")->value.tensor->t.data;
	struct range r = { 0, 0 };

	/* Types and bounds as of any other; then what was given. */
	if (qparams_fit(m, &r, 1, ret))
		return -EINVAL;
	ret->scale[0] = buffer_floats(m, "scale")[0];
	ret->zero_point[0] = *zero;
	return 0;
}

/* The scales of weights */

static int init_given(struct fx_module *m)
{
	char error[FXQ_ERROR_MAX];
	struct qtype t;

	if (qtype_of(m, &t, error))
		return module_fail(m, -EINVAL, "%s", error);
	if (!t.target.symmetric)
		return module_fail(m, -EINVAL, "its qscheme is per_tensor_symmetric or per_channel_symmetric");
	if (module_int(m, "ch_axis") < 0)
		return module_fail(m, -EINVAL, "ch_axis counts dimensions from 0; %lld is none",
				   (long long)module_int(m, "ch_axis"));
	fx_add_buffer(m, "scale", fx_zeros(0));
	return 0;
}

/* Also those that a file has brought. */
static int check_scales(struct fx_module *m, char *error)
{
	int64_t n = buffer_count(m, "scale");
	const float *scale = buffer_floats(m, "scale");
	struct qtype t;

	if (qtype_of(m, &t, error))
		return -EINVAL;
	if (t.per_channel ? n < 1 : n != 1)
		return refuse(error, "%lld scales were given; there is one for each channel, per tensor one",
			      (long long)n);
	for (int64_t i = 0; i < n; i++)
		if (!isnormal(scale[i]) || scale[i] < 0)
			return refuse(error, "scale %g of channel %lld is no scale: it is above 0, finite, and normal in float32",
				      scale[i], (long long)i);
	return 0;
}

struct fx_module *fx_given_scales(struct fx_module *m, const float *scales,
				  size_t n)
{
	char error[FXQ_ERROR_MAX];

	if (m->error)
		return m;
	module_set_tensor(m, "scale", fx_tensor_of(scales, n));
	if (check_scales(m, error))
		module_fail(m, -EINVAL, "%s", error);
	return m;
}

static int qparams_given(struct fx_module *m, struct fx_qparams *ret)
{
	int64_t n = buffer_count(m, "scale");
	char error[FXQ_ERROR_MAX];
	struct range *none;
	int err;

	if (check_scales(m, error))
		return qparams_refuse(m, ret, -EINVAL, "%s", error);
	none = must_alloc((size_t)n * sizeof(*none));
	err = qparams_fit(m, none, n, ret);
	free(none);
	if (!err)
		memcpy(ret->scale, buffer_floats(m, "scale"),
		       (size_t)n * sizeof(*ret->scale));
	return err;
}

static int qparams_placeholder(struct fx_module *m, struct fx_qparams *ret)
{
	return qparams_refuse(m, ret, -ENOTSUP, "what it stands at stays %s, and has no scale",
			      module_option(m, "dtype").s);
}

CLASS(ClipObserver, OBSERVES, .init = init_clip, .forward = forward_clip,
      .qparams = qparams_range)
CLASS(ClipStdObserver, OBSERVES, .init = init_clip_std,
      .forward = forward_clip_std, .qparams = qparams_clip_std)
CLASS(FixedQParamsObserver, OBSERVES, .init = init_fixed,
      .forward = forward_nothing, .qparams = qparams_fixed)
CLASS(GivenScalesObserver,
      .flags = FX_CLASS_LEAF | FX_CLASS_IDENTITY | FX_CLASS_RESIZES,
      .init = init_given, .forward = forward_nothing,
      .qparams = qparams_given)
CLASS(PlaceholderObserver, OBSERVES, .forward = forward_nothing,
      .qparams = qparams_placeholder)
