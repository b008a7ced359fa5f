// SPDX-License-Identifier: MIT
/*
 * search.c - observers that look for a range in a histogram
 *
 * They differ in what they look for alone (bins.c); all count in the same way,
 * and ask the counts when a scale is wanted.
 */
#include <errno.h>
#include <math.h>

#include "observe.h"

static struct bins bins_of(struct fx_module *m)
{
	return (struct bins){
		.reach = buffer_floats(m, "reach")[0],
		.half = buffer_count(m, "histogram") / 2,
		.counts = module_member(m, "histogram")->value.tensor->t.data,
	};
}

/* Empty, or counted: a file may have brought any number. */
static bool bins_are_sound(const struct bins *b)
{
	return !b->reach || (isnormal(b->reach) && b->reach > 0);
}

static int check_options(struct fx_module *m)
{
	fxv percentile = module_option(m, "percentile");
	fxv stride = module_option(m, "stride");
	int64_t bins = module_int(m, "bins");

	if (bins < 128 || bins > 1 << 16 || bins % 2)
		return module_fail(m, -EINVAL, "bins %lld: there are 128 to 65536 on each side of 0, an even number",
				   (long long)bins);
	if (!fx_is_none(percentile) &&
	    !(fx_float(percentile) > 0 && fx_float(percentile) <= 100))
		return module_fail(m, -EINVAL, "percentile %g is not above 0 and at most 100",
				   fx_float(percentile));
	if (!fx_is_none(stride) && (fx_int(stride) < 1 || fx_int(stride) > 99))
		return module_fail(m, -EINVAL, "stride %lld is not from 1 to 99 percent",
				   (long long)fx_int(stride));
	return 0;
}

static int init_search(struct fx_module *m)
{
	struct fxq_tensor counts = { .dtype = FXQ_DTYPE_I64, .rank = 1 };

	if (check_options(m) || qtype_init(m) || qtype_per_tensor(m))
		return -EINVAL;
	counts.dims[0] = 2 * module_int(m, "bins");
	fx_add_buffer(m, "histogram", fx_copy_of(&counts));
	fx_add_buffer(m, "reach", fx_zeros());
	fx_add_buffer(m, "min_val", fx_full_of(INFINITY, FX_DIMS()));
	fx_add_buffer(m, "max_val", fx_full_of(-INFINITY, FX_DIMS()));
	return 0;
}

static fxv forward_search(struct fx_module *m, const fxv *args)
{
	const struct fxq_tensor *t = observed(m, args[0]);
	struct bins b = bins_of(m);
	struct range r;

	if (!t)
		return args[0];
	if (!bins_are_sound(&b))
		return fx_poison(context.at, -EINVAL, "%s: the reach of its histogram is %g, which no data gives; load a state dict of this observer, or none",
				 m->class->name, (double)b.reach);
	r = extremes(t->data, fxq_tensor_count(t));
	bins_add(&b, t->data, fxq_tensor_count(t), r);
	buffer_floats(m, "reach")[0] = b.reach;
	set_observed_range(m, range_join(observed_range(m), r));
	return args[0];
}

static struct range find_percentile(struct fx_module *m, const struct bins *b,
				    struct range all, const struct target *t)
{
	return bins_percentile(b, all, module_float(m, "percentile"));
}

static struct range find_kl(struct fx_module *m, const struct bins *b,
			    struct range all, const struct target *t)
{
	return bins_kl(b, all, t);
}

static struct range find_mse(struct fx_module *m, const struct bins *b,
			     struct range all, const struct target *t)
{
	return bins_mse(b, all, t, (int)module_int(m, "stride"));
}

static struct range find_mix(struct fx_module *m, const struct bins *b,
			     struct range all, const struct target *t)
{
	return bins_mix(b, all, t, module_float(m, "percentile"),
			(int)module_int(m, "stride"));
}

typedef struct range (*find_fn)(struct fx_module *m, const struct bins *b,
				struct range all, const struct target *t);

static int search(struct fx_module *m, find_fn find, struct fx_qparams *ret)
{
	struct bins b = bins_of(m);
	char error[FXQ_ERROR_MAX];
	struct qtype t;
	struct range r;

	if (qtype_of(m, &t, error))
		return qparams_refuse(m, ret, -EINVAL, "%s", error);
	if (!bins_are_sound(&b))
		return qparams_refuse(m, ret, -EINVAL, "the reach of its histogram is %g, which no data gives; load a state dict of this observer, or none",
				      (double)b.reach);
	if (!b.reach)
		return qparams_fit(m, NULL, 0, ret);
	r = find(m, &b, observed_range(m), &t.target);
	return qparams_fit(m, &r, 1, ret);
}

#define SEARCH(id, what)						\
	static int qparams_##what(struct fx_module *m,			\
				  struct fx_qparams *ret)		\
	{								\
		return search(m, find_##what, ret);			\
	}								\
	CLASS(id, .flags = FX_CLASS_LEAF | FX_CLASS_IDENTITY,		\
	      .init = init_search, .forward = forward_search,		\
	      .qparams = qparams_##what)

SEARCH(PercentileObserver, percentile)
SEARCH(KLObserver, kl)
SEARCH(MSEObserver, mse)
SEARCH(MixObserver, mix)
