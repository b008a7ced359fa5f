// SPDX-License-Identifier: MIT
/*
 * extremes.c - what passes through, looked at
 *
 * Data that no scale can hold is refused where it is seen, with the place of
 * the first such number: a range that NaN or infinity has entered tells nothing
 * of the batch or the layer they came from.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "nn/kernels/clones.h"

#include "observe.h"

#define LANES	16	/* looked at side by side */

/* How many elements come before the first that is not finite. */
FXQ_CLONES
static int64_t count_finite(const float *x, int64_t n)
{
	int64_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		int wrong = 0;

		for (int l = 0; l < LANES; l++)
			wrong += x[i + l] - x[i + l] != 0;
		if (wrong)
			break;
	}
	while (i < n && isfinite(x[i]))
		i++;
	return i;
}

const struct fxq_tensor *observed(struct fx_module *m, fxv x)
{
	const char *name = m->class->name;
	const struct fxq_tensor *t = fx_data(x);
	int64_t n, finite;

	if (!t || t->dtype != FXQ_DTYPE_F32) {
		fx_poison(context.at, -EINVAL, "%s takes a float32 tensor",
			  name);
		return NULL;
	}
	n = fxq_tensor_count(t);
	if (!n) {
		fx_poison(context.at, -EINVAL, "%s: the tensor is empty, which tells nothing of a range",
			  name);
		return NULL;
	}
	finite = count_finite(t->data, n);
	if (finite < n) {
		fx_poison(context.at, -EINVAL, "%s: element %" PRId64 " is %g; no scale holds it",
			  name, finite, ((float *)t->data)[finite]);
		return NULL;
	}
	return t;
}

/* The channel @c of (outer, n, inner), piece by piece. */
static struct range channel_extremes(const float *x, int64_t outer, int64_t n,
				     int64_t inner, int64_t c)
{
	struct range all = { INFINITY, -INFINITY };

	for (int64_t o = 0; o < outer; o++)
		all = range_join(all, extremes(x + (o * n + c) * inner, inner));
	return all;
}

struct range *observed_extremes(struct fx_module *m, fxv x, int axis,
				int64_t *ret_n)
{
	const struct fxq_tensor *t = observed(m, x);
	int64_t outer = 1, n = 1, inner;
	struct range *r;

	if (!t)
		return NULL;
	if (axis >= (int)t->rank) {
		fx_poison(context.at, -EINVAL, "%s: the tensor has %u dimensions, and no channels along ch_axis %d",
			  m->class->name, t->rank, axis);
		return NULL;
	}
	if (axis >= 0)
		n = t->dims[axis];
	for (int i = 0; i < axis; i++)
		outer *= t->dims[i];
	inner = fxq_tensor_count(t) / (outer * n);

	r = must_alloc(n * sizeof(*r));
	for (int64_t c = 0; c < n; c++)
		r[c] = channel_extremes(t->data, outer, n, inner, c);
	*ret_n = n;
	return r;
}

int64_t buffer_count(const struct fx_module *m, const char *name)
{
	return fxq_tensor_count(&module_member(m, name)->value.tensor->t);
}

float *buffer_floats(struct fx_module *m, const char *name)
{
	return module_member(m, name)->value.tensor->t.data;
}

struct range observed_range(struct fx_module *m)
{
	return (struct range){ buffer_floats(m, "min_val")[0],
			       buffer_floats(m, "max_val")[0] };
}

void set_observed_range(struct fx_module *m, struct range r)
{
	buffer_floats(m, "min_val")[0] = r.min;
	buffer_floats(m, "max_val")[0] = r.max;
}
