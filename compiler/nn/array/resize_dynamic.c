// SPDX-License-Identifier: MIT
/*
 * resize whose scales or sizes are tensors, known only when the model runs:
 * they become the attributes that resize takes, and resize does the work.
 */
#include "array.h"
#include "resize_plan.h"

#define ATTRS_MAX	16

int infer_resize(struct fxq_call *call);
int eval_resize(struct fxq_call *call);

/* A call of resize, and what its new attributes point to. */
struct inner {
	struct fxq_call call;
	struct resize_plan plan;
	struct fxq_attr attrs[ATTRS_MAX];
};

static int read_floats(struct fxq_call *call, uint32_t i, double *v, int max)
{
	int64_t n;

	if (!arr_has(call, i))
		return 0;
	n = fxq_tensor_count(&call->in[i]);
	if (n > max)
		return arr_refuse(call, -EINVAL,
				  "tensor %u has %lld elements, at most %d make sense",
				  i, (long long)n, max);
	if (n && !call->in[i].data)
		return arr_refuse(call, -ENODATA,
				  "the size is known only when the model runs");
	for (int64_t k = 0; k < n; k++)
		v[k] = arr_value(&call->in[i], k);
	return n;
}

static int read_wish(struct fxq_call *call, struct resize_wish *w)
{
	double sizes[FXQ_MAX_RANK];

	w->policy = arr_str(call, "keep_aspect_ratio_policy", "stretch");
	w->n_axes = arr_ints(call, "axes", 0, w->axes, FXQ_MAX_RANK);
	w->n_roi = read_floats(call, 1, w->roi, 2 * FXQ_MAX_RANK);
	w->n_scales = read_floats(call, 2, w->scales, FXQ_MAX_RANK);
	w->n_sizes = read_floats(call, 3, sizes, FXQ_MAX_RANK);
	for (int i = 0; i < w->n_sizes; i++) {
		if (!(sizes[i] >= 0 && sizes[i] < INT32_MAX))
			return arr_refuse(call, -EINVAL, "a size is %g",
					  sizes[i]);
		w->sizes[i] = sizes[i];
	}
	if (w->n_roi < 0 || w->n_scales < 0 || w->n_sizes < 0)
		return w->n_roi < 0 ? w->n_roi : w->n_scales < 0 ?
		       w->n_scales : w->n_sizes;
	return 0;
}

static bool is_ours(const char *name)
{
	return !strcmp(name, "axes") ||
	       !strcmp(name, "keep_aspect_ratio_policy");
}

static int prepare(struct fxq_call *call, struct inner *inner)
{
	const struct fxq_tensor *x = &call->in[0];
	struct resize_wish wish = { .n_axes = -1 };
	const char *why;
	uint32_t n = 0;
	int ret;

	ret = read_wish(call, &wish);
	if (ret)
		return ret;
	why = resize_plan_make(&wish, x->rank, x->dims, &inner->plan);
	if (why)
		return arr_refuse(call, -EINVAL, "%s", why);

	for (uint32_t i = 0; i < call->n_attrs && n < ATTRS_MAX - 3; i++)
		if (!is_ours(call->attrs[i].name))
			inner->attrs[n++] = call->attrs[i];
	inner->attrs[n++] = (struct fxq_attr){ "sizes", FXQ_ATTR_INTS, x->rank,
					       .ints = inner->plan.sizes };
	inner->attrs[n++] = (struct fxq_attr){ "roi", FXQ_ATTR_FLOATS,
					       2 * x->rank,
					       .floats = inner->plan.roi };
	if (inner->plan.by_scales)
		inner->attrs[n++] = (struct fxq_attr){
			"scales", FXQ_ATTR_FLOATS, x->rank,
			.floats = inner->plan.scales };
	inner->call = *call;
	inner->call.n_in = 1;
	inner->call.n_attrs = n;
	inner->call.attrs = inner->attrs;
	return 0;
}

static int run(struct fxq_call *call, fxq_call_fn fn)
{
	struct inner inner;
	int ret;

	ret = prepare(call, &inner);
	if (ret)
		return ret;
	ret = fn(&inner.call);
	memcpy(call->error, inner.call.error, sizeof(call->error));
	return ret;
}

int infer_resize_dynamic(struct fxq_call *call)
{
	return run(call, infer_resize);
}

ARR_KERNEL(resize_dynamic)
{
	return run(call, eval_resize);
}
