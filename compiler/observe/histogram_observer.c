// SPDX-License-Identifier: MIT
/*
 * histogram_observer.c - HistogramObserver: the histogram is its buffers
 */
#include <errno.h>
#include <math.h>

#include "observe.h"

static struct histogram histogram_of(struct fx_module *m)
{
	struct range r = observed_range(m);

	return (struct histogram){ .bins = buffer_floats(m, "histogram"),
				   .n = buffer_count(m, "histogram"),
				   .min = r.min, .max = r.max };
}

static fxv forward_histogram(struct fx_module *m, const fxv *args)
{
	const struct fxq_tensor *t = observed(m, args[0]);
	struct histogram h = histogram_of(m);
	struct range r;
	int64_t n;

	if (!t)
		return args[0];
	n = fxq_tensor_count(t);
	r = extremes(t->data, n);
	if (!histogram_add(&h, t->data, n, r, module_int(m, "upsample_rate")))
		return fx_poison(context.at, -EINVAL, "%s: no float32 histogram holds values from %g to %g",
				 m->class->name, r.min, r.max);
	set_observed_range(m, (struct range){ h.min, h.max });
	return args[0];
}

static int qparams_histogram(struct fx_module *m, struct fx_qparams *ret)
{
	struct histogram h = histogram_of(m);
	char error[FXQ_ERROR_MAX];
	struct qtype t;
	struct range r;

	if (qtype_of(m, &t, error))
		return qparams_refuse(m, ret, -EINVAL, "%s", error);
	if (h.min > h.max)
		return qparams_fit(m, NULL, 0, ret);
	r = histogram_search(&h, t.dtype == FX_QINT16 ? 65536 : 256);
	return qparams_fit(m, &r, 1, ret);
}

static int init_histogram(struct fx_module *m)
{
	int64_t bins = module_int(m, "bins");
	int64_t upsample = module_int(m, "upsample_rate");

	if (bins < 1 || bins > 1 << 20)
		return module_fail(m, -EINVAL, "bins %lld: a histogram has 1 to 2^20",
				   (long long)bins);
	if (upsample < 1 || upsample > 1 << 10)
		return module_fail(m, -EINVAL, "upsample_rate %lld is not from 1 to 1024",
				   (long long)upsample);
	if (qtype_init(m) || qtype_per_tensor(m))
		return -EINVAL;
	fx_add_buffer(m, "histogram", fx_zeros(bins));
	fx_add_buffer(m, "min_val", fx_full_of(INFINITY, FX_DIMS()));
	fx_add_buffer(m, "max_val", fx_full_of(-INFINITY, FX_DIMS()));
	return 0;
}

CLASS(HistogramObserver, .flags = FX_CLASS_LEAF | FX_CLASS_IDENTITY,
      .init = init_histogram, .forward = forward_histogram,
      .qparams = qparams_histogram)
