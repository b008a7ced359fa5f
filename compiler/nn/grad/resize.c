// SPDX-License-Identifier: MIT
/*
 * resize works one dimension at a time, the first one first; its gradient goes
 * back the same way. What an output is made of, each with its weight, comes
 * from where the forward kernel has it (resize_coords.h).
 */
#include "../kernels/resize_coords.h"
#include "../kernels/rows.h"
#include "grad.h"

/* From outputs along one dimension to inputs: @to has been zeroed. */
static int back_axis(const struct resize_axis *a, const real *from, real *to,
		     int64_t outer, int64_t inner)
{
	int64_t taps = resize_taps(a);
	int64_t *index = malloc(taps * sizeof(*index));
	double *weight = malloc(taps * sizeof(*weight));

	for (int64_t o = 0; index && weight && o < a->out; o++) {
		if (!resize_weights(a, o, index, weight))
			continue;
		for (int64_t i = 0; i < outer * taps; i++) {
			int64_t t = i % taps, row = i / taps;
			const real *dy = from + (row * a->out + o) * inner;
			real *dx = to + (row * a->in + index[t]) * inner;

			for (int64_t k = 0; k < inner; k++)
				dx[k] += (real)(weight[t] * dy[k]);
		}
	}
	free(index);
	free(weight);
	return index && weight ? 0 : -ENOMEM;
}

GRAD_KERNEL(resize)
{
	const struct fxq_tensor *x = &g->in[0];
	struct fxq_tensor now = g->dy[0], next;
	struct resize_axis axis[FXQ_MAX_RANK];
	int ret;

	ret = resize_read(&g->call, axis);
	if (ret || !grad_dx(g, 0))
		return ret;

	for (uint32_t d = x->rank; d-- > 0 && !ret;) {
		next = now;
		next.dims[d] = x->dims[d];
		next.data = d ? NULL : grad_dx_zeroed(g, 0);
		if (d)
			ret = fxq_tensor_alloc(&next);
		if (!ret)
			ret = back_axis(&axis[d], now.data, next.data,
					kern_product(&now, 0, d),
					kern_product(&now, d + 1, now.rank));
		if (now.data != g->dy[0].data)
			fxq_tensor_free(&now);
		now = next;
	}
	if (ret && now.data != grad_dx(g, 0))
		fxq_tensor_free(&now);
	return ret;
}
