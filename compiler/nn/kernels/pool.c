// SPDX-License-Identifier: MIT
/*
 * Windows: their parameters, and walking them a row of outputs at a time, so
 * that the innermost loop goes over outputs and each output sees its taps in
 * order.
 */
#include <inttypes.h>

#include "pool.h"

/* Of a window along one dimension; all of them are walked. */
#define TAPS_MAX	(1 << 20)

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

	if (p->taps[d] > TAPS_MAX)
		return kern_refuse(call, -EINVAL,
				   "kernel_size %" PRId64 " is beyond %d",
				   p->taps[d], TAPS_MAX);

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
	if (!fxq_call_attr(call, "kernel_size"))
		return kern_refuse(call, -EINVAL, "kernel_size is missing");

	for (int d = 0; d < 3; d++) {
		p->in[d] = p->taps[d] = p->stride[d] = p->dilation[d] = 1;
		p->begin[d] = p->end[d] = 0;
	}
	ret = kern_ints(call, "kernel_size", p->taps + lead, nd, 1, 1);
	if (!ret && fxq_call_attr(call, "stride"))
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

/* Least n for which first + n * step is at least @least; not below 0. */
static int64_t steps_to(int64_t first, int64_t step, int64_t least)
{
	return first >= least ? 0 : (least - first + step - 1) / step;
}

void pool_taps(const struct pool *p, int d, int64_t o, int64_t *first,
	       int64_t *end)
{
	int64_t at = pool_at(p, d, o, 0);

	*first = steps_to(at, p->dilation[d], 0);
	*end = steps_to(at, p->dilation[d], p->in[d]);
	if (*end > p->taps[d])
		*end = p->taps[d];
}

int64_t pool_extent(const struct pool *p, int d, int64_t o, bool count_pad)
{
	int64_t below = count_pad ? -p->begin[d] : 0;
	int64_t above = p->in[d] + (count_pad ? p->end[d] : 0);
	int64_t n = 0;

	for (int64_t t = 0; t < p->taps[d]; t++) {
		int64_t at = pool_at(p, d, o, t);

		n += at >= below && at < above;
	}
	return n;
}

struct pool_span *pool_spans(const struct pool *p)
{
	struct pool_span *spans = malloc(p->taps[2] * sizeof(*spans));

	for (int64_t t = 0; spans && t < p->taps[2]; t++) {
		struct pool_span *s = &spans[t];
		int64_t at = pool_at(p, 2, 0, t);

		s->lo = steps_to(at, p->stride[2], 0);
		s->hi = steps_to(at, p->stride[2], p->in[2]);
		if (s->hi > p->out[2])
			s->hi = p->out[2];
		s->at = at + s->lo * p->stride[2];
	}
	return spans;
}

/* The taps of one row of the window, over row @x of the input. */
static void row_taps(const struct pool *p, const struct pool_span *spans,
		     const char *x, size_t bytes, pool_tap_fn tap, void *row)
{
	for (int64_t t = 0; t < p->taps[2]; t++) {
		const struct pool_span *s = &spans[t];

		if (s->lo < s->hi)
			tap(row, x + s->at * (int64_t)bytes, s->lo, s->hi,
			    p->stride[2]);
	}
}

void pool_row(const struct pool *p, const struct pool_span *spans, int64_t z,
	      int64_t y, const void *plane, size_t bytes, pool_tap_fn tap,
	      void *row)
{
	int64_t a, a_end, first, b_end;

	pool_taps(p, 0, z, &a, &a_end);
	pool_taps(p, 1, y, &first, &b_end);
	for (; a < a_end; a++)
		for (int64_t b = first; b < b_end; b++) {
			int64_t at = pool_at(p, 0, z, a) * p->in[1] +
				     pool_at(p, 1, y, b);

			row_taps(p, spans, (const char *)plane +
				 at * p->in[2] * (int64_t)bytes, bytes, tap,
				 row);
		}
}
