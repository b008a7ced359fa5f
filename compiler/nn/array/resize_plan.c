// SPDX-License-Identifier: MIT
/*
 * From scales or sizes for some dimensions to both for all.
 */
#include <math.h>
#include <string.h>

#include "resize_plan.h"

static const char *plan_scales(const struct resize_wish *w,
			       const int64_t *axes, const int64_t *dims,
			       struct resize_plan *p)
{
	for (int i = 0; i < w->n_scales; i++) {
		double size = floor(dims[axes[i]] * w->scales[i]);

		if (!(w->scales[i] > 0) || !(size < INT32_MAX))
			return "a scale is not above 0, or too large";
		p->scales[axes[i]] = w->scales[i];
		p->sizes[axes[i]] = size;
	}
	p->by_scales = true;
	return NULL;
}

/* One scale for all axes, so that no result is larger, or none smaller. */
static const char *plan_aspect(const struct resize_wish *w,
			       const int64_t *axes, const int64_t *dims,
			       struct resize_plan *p)
{
	bool shrink = !strcmp(w->policy, "not_larger");
	double scale = shrink ? INFINITY : 0;

	if (!shrink && strcmp(w->policy, "not_smaller"))
		return "the policy for the aspect ratio is unknown";
	for (int i = 0; i < w->n_sizes; i++) {
		double s = (double)w->sizes[i] / dims[axes[i]];

		scale = shrink ? fmin(scale, s) : fmax(scale, s);
	}
	for (int i = 0; i < w->n_sizes; i++) {
		double size = floor(scale * dims[axes[i]] + 0.5);

		if (!(size < INT32_MAX))
			return "a size is too large";
		p->sizes[axes[i]] = size;
		p->scales[axes[i]] = scale;
	}
	p->by_scales = true;
	return NULL;
}

static const char *plan_sizes(const struct resize_wish *w,
			      const int64_t *axes, const int64_t *dims,
			      struct resize_plan *p)
{
	for (int i = 0; i < w->n_sizes; i++)
		if (w->sizes[i] < 1 || w->sizes[i] > INT32_MAX ||
		    !dims[axes[i]])
			return "a size is not above 0, or too large";
	if (strcmp(w->policy, "stretch"))
		return plan_aspect(w, axes, dims, p);

	for (int i = 0; i < w->n_sizes; i++) {
		p->sizes[axes[i]] = w->sizes[i];
		p->scales[axes[i]] = (double)w->sizes[i] / dims[axes[i]];
	}
	return NULL;
}

const char *resize_plan_make(const struct resize_wish *w, uint32_t rank,
			     const int64_t *dims, struct resize_plan *p)
{
	int n = w->n_axes < 0 ? (int)rank : w->n_axes;
	int64_t axes[FXQ_MAX_RANK];

	*p = (struct resize_plan){ .by_scales = false };
	for (uint32_t d = 0; d < rank; d++) {
		p->sizes[d] = dims[d];
		p->scales[d] = 1;
		p->roi[rank + d] = 1;
	}
	for (int i = 0; i < n; i++) {
		axes[i] = w->n_axes < 0 ? i : w->axes[i];
		if (axes[i] < 0)
			axes[i] += rank;
		if (axes[i] < 0 || axes[i] >= rank)
			return "it names a dimension that is not there";
	}
	for (int i = 0; i < n && w->n_roi == 2 * n; i++) {
		p->roi[axes[i]] = w->roi[i];
		p->roi[rank + axes[i]] = w->roi[n + i];
	}
	if (w->n_scales && w->n_scales == n)
		return plan_scales(w, axes, dims, p);
	if (w->n_sizes && w->n_sizes == n)
		return plan_sizes(w, axes, dims, p);
	return "it needs a scale or a size for each dimension";
}
