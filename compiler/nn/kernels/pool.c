// SPDX-License-Identifier: MIT
/*
 * Windows: their parameters, and walking them a row of outputs at a time, so
 * that the innermost loop goes over outputs and each output sees its taps in
 * order.
 */
#include <inttypes.h>

#include "pool.h"

static int read_size(struct fxq_call *call, struct pool *p, int d, bool ceil)
{
	int64_t reach = (p->taps[d] - 1) * p->dilation[d] + 1;
	int64_t room = p->in[d] + p->begin[d] + p->end[d] - reach;

	if (p->in[d] < 1 || p->in[d] > INT32_MAX)
		return kern_refuse(call, -EINVAL,
				   "a dimension of %" PRId64
				   " elements cannot be pooled", p->in[d]);
	if (room < 0 && !(ceil && room + p->stride[d] > 0))
		return kern_refuse(call, -EINVAL,
				   "a window that reaches over %" PRId64
				   " elements does not fit into %" PRId64
				   " of padded input", reach, room + reach);

	p->out[d] = (room + (ceil ? p->stride[d] - 1 : 0)) / p->stride[d] + 1;
	if ((p->out[d] - 1) * p->stride[d] >= p->in[d] + p->begin[d])
		p->out[d]--;
	return 0;
}

int pool_read(struct fxq_call *call, uint32_t nd, struct pool *p)
{
	bool ceil = kern_int(call, "ceil_mode", 0);
	uint32_t lead = 3 - nd;
	int64_t pads[6];
	int ret = 0;

	if (call->in[0].rank != nd + 2)
		return kern_refuse(call, -EINVAL,
				   "the input has rank %u, not %u",
				   call->in[0].rank, nd + 2);
	if (!kern_attr(call, "kernel_size"))
		return kern_refuse(call, -EINVAL, "kernel_size is missing");

	for (int d = 0; d < 3; d++) {
		p->in[d] = p->taps[d] = p->stride[d] = p->dilation[d] = 1;
		p->begin[d] = p->end[d] = 0;
	}
	ret = kern_ints(call, "kernel_size", p->taps + lead, nd, 1, 1);
	if (!ret && kern_attr(call, "stride"))
		ret = kern_ints(call, "stride", p->stride + lead, nd, 1, 1);
	else
		memcpy(p->stride, p->taps, sizeof(p->stride));
	if (!ret)
		ret = kern_ints(call, "dilation", p->dilation + lead, nd, 1, 1);
	if (!ret)
		ret = kern_ints(call, "padding", pads, 2 * nd, 0, 0);

	for (uint32_t d = 0; d < nd && !ret; d++) {
		p->in[lead + d] = call->in[0].dims[2 + d];
		p->begin[lead + d] = pads[d];
		p->end[lead + d] = pads[nd + d];
	}
	for (int d = 0; d < 3 && !ret; d++)
		ret = read_size(call, p, d, ceil);
	p->planes = call->in[0].dims[0] * call->in[0].dims[1];
	return ret;
}

int pool_set_out(struct fxq_call *call, uint32_t i, uint32_t dtype,
		 const struct pool *p)
{
	const struct fxq_tensor *x = &call->in[0];
	int64_t dims[5] = { x->dims[0], x->dims[1] };

	for (uint32_t d = 2; d < x->rank; d++)
		dims[d] = p->out[d + 3 - x->rank];
	return kern_set_out(call, i, dtype, x->rank, dims);
}

void pool_columns(const struct pool *p, int64_t t, int64_t *lo, int64_t *hi)
{
	int64_t first = pool_at(p, 2, 0, t), stride = p->stride[2];

	*lo = first >= 0 ? 0 : (-first + stride - 1) / stride;
	*hi = first >= p->in[2] ? 0 :
	      (p->in[2] - first + stride - 1) / stride;
	if (*hi > p->out[2])
		*hi = p->out[2];
}

void pool_row(const struct pool *p, int64_t z, int64_t y, const void *plane,
	      size_t bytes, pool_tap_fn tap, void *row)
{
	for (int64_t a = 0; a < p->taps[0]; a++) {
		int64_t iz = pool_at(p, 0, z, a);

		if (iz < 0 || iz >= p->in[0])
			continue;
		for (int64_t b = 0; b < p->taps[1]; b++) {
			int64_t iy = pool_at(p, 1, y, b);
			int64_t at = (iz * p->in[1] + iy) * p->in[2];

			if (iy < 0 || iy >= p->in[1])
				continue;
			for (int64_t c = 0; c < p->taps[2]; c++) {
				int64_t lo, hi;

				pool_columns(p, c, &lo, &hi);
				if (lo < hi)
					tap(row, (const char *)plane +
					    (at + pool_at(p, 2, lo, c)) *
					    (int64_t)bytes,
					    lo, hi, p->stride[2]);
			}
		}
	}
}
