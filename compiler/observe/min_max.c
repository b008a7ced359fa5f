// SPDX-License-Identifier: MIT
/*
 * min_max.c - the observers that keep extremes
 *
 * Of a whole tensor or of each channel; of all batches together, or as an
 * average that follows them. Before the first batch the extremes of a tensor
 * are +inf and -inf, those of channels have no elements, as in torch.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "observe.h"

static bool is_per_channel(const struct fx_module *m)
{
	return !fx_is_none(module_option(m, "ch_axis"));
}

static int check_channels(struct fx_module *m)
{
	char error[FXQ_ERROR_MAX];
	struct qtype t;

	if (qtype_of(m, &t, error))
		return module_fail(m, -EINVAL, "%s", error);
	if (!t.per_channel)
		return module_fail(m, -EINVAL, "its qscheme is per_channel_affine or per_channel_symmetric");
	if (module_int(m, "ch_axis") < 0)
		return module_fail(m, -EINVAL, "ch_axis counts dimensions from 0; %lld is none",
				   (long long)module_int(m, "ch_axis"));
	return 0;
}

static int init_min_max(struct fx_module *m)
{
	bool channels = is_per_channel(m);

	if (qtype_init(m) ||
	    (channels ? check_channels(m) : qtype_per_tensor(m)))
		return -EINVAL;
	fx_add_buffer(m, "min_val", channels ? fx_zeros(0) :
		      fx_full_of(INFINITY, FX_DIMS()));
	fx_add_buffer(m, "max_val", channels ? fx_zeros(0) :
		      fx_full_of(-INFINITY, FX_DIMS()));
	return 0;
}

static int init_moving_average(struct fx_module *m)
{
	double c = module_float(m, "averaging_constant");

	if (!(c >= 0 && c <= 1))
		return module_fail(m, -EINVAL, "averaging_constant %g is not between 0 and 1",
				   c);
	return init_min_max(m);
}

/* A file may have brought extremes that do not belong together. */
static bool has_seen(struct fx_module *m)
{
	int64_t n = buffer_count(m, "min_val");
	const float *min = buffer_floats(m, "min_val");
	const float *max = buffer_floats(m, "max_val");

	return n && n == buffer_count(m, "max_val") && min[0] <= max[0];
}

/* With the first batch it is known how many channels there are. */
static void start(struct fx_module *m, const struct range *r, int64_t n)
{
	if (buffer_count(m, "min_val") != n ||
	    buffer_count(m, "max_val") != n) {
		module_set_tensor(m, "min_val", fx_zeros(n));
		module_set_tensor(m, "max_val", fx_zeros(n));
	}
	for (int64_t i = 0; i < n; i++) {
		buffer_floats(m, "min_val")[i] = r[i].min;
		buffer_floats(m, "max_val")[i] = r[i].max;
	}
}

static void widen(struct fx_module *m, const struct range *r, int64_t n)
{
	float *min = buffer_floats(m, "min_val");
	float *max = buffer_floats(m, "max_val");

	for (int64_t i = 0; i < n; i++) {
		min[i] = r[i].min < min[i] ? r[i].min : min[i];
		max[i] = r[i].max > max[i] ? r[i].max : max[i];
	}
}

static void follow(struct fx_module *m, const struct range *r, int64_t n)
{
	float c = (float)module_float(m, "averaging_constant");
	float *min = buffer_floats(m, "min_val");
	float *max = buffer_floats(m, "max_val");

	for (int64_t i = 0; i < n; i++) {
		min[i] += c * (r[i].min - min[i]);
		max[i] += c * (r[i].max - max[i]);
	}
}

static fxv observe(struct fx_module *m, fxv x,
		   void (*add)(struct fx_module *m, const struct range *r,
			       int64_t n))
{
	int axis = is_per_channel(m) ? (int)module_int(m, "ch_axis") : -1;
	struct range *r;
	int64_t n;

	r = observed_extremes(m, x, axis, &n);
	if (!r)
		return x;
	if (!has_seen(m))
		start(m, r, n);
	else if (buffer_count(m, "min_val") == n)
		add(m, r, n);
	else
		fx_poison(context.at, -EINVAL, "%s: the tensor has %lld channels, and those before it had %lld",
			  m->class->name, (long long)n,
			  (long long)buffer_count(m, "min_val"));
	free(r);
	return x;
}

static fxv forward_min_max(struct fx_module *m, const fxv *args)
{
	return observe(m, args[0], widen);
}

static fxv forward_moving_average(struct fx_module *m, const fxv *args)
{
	return observe(m, args[0], follow);
}

static int qparams_min_max(struct fx_module *m, struct fx_qparams *ret)
{
	int64_t n = has_seen(m) ? buffer_count(m, "min_val") : 0;
	struct range *r = must_alloc(n * sizeof(*r));
	int err;

	for (int64_t i = 0; i < n; i++)
		r[i] = (struct range){ buffer_floats(m, "min_val")[i],
				       buffer_floats(m, "max_val")[i] };
	err = qparams_fit(m, r, n, ret);
	free(r);
	return err;
}

#define MIN_MAX(id, traits)						\
	CLASS(id, .flags = FX_CLASS_LEAF | FX_CLASS_IDENTITY | (traits),	\
	      .init = init_min_max, .forward = forward_min_max,		\
	      .qparams = qparams_min_max)
#define MOVING_AVERAGE(id, traits)					\
	CLASS(id, .flags = FX_CLASS_LEAF | FX_CLASS_IDENTITY | (traits),	\
	      .init = init_moving_average,				\
	      .forward = forward_moving_average,			\
	      .qparams = qparams_min_max)

MIN_MAX(MinMaxObserver, 0)
MIN_MAX(PerChannelMinMaxObserver, FX_CLASS_RESIZES)
MOVING_AVERAGE(MovingAverageMinMaxObserver, 0)
MOVING_AVERAGE(MovingAveragePerChannelMinMaxObserver, FX_CLASS_RESIZES)
