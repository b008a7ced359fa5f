// SPDX-License-Identifier: MIT
/*
 * Reading a convolution's call, and putting its results where they belong.
 */
#include <inttypes.h>

#include "convolution.h"

static int read_spatial(struct fxq_call *call, uint32_t nd,
			struct convolution *c)
{
	int64_t pads[6];
	uint32_t lead = 3 - nd;
	int ret;

	for (int d = 0; d < 3; d++) {
		c->in[d] = c->taps[d] = c->stride[d] = c->dilation[d] = 1;
		c->begin[d] = c->end[d] = c->out_extra[d] = 0;
	}

	ret = kern_ints(call, "stride", c->stride + lead, nd, 1, 1);
	if (!ret)
		ret = kern_ints(call, "dilation", c->dilation + lead, nd, 1, 1);
	if (!ret)
		ret = kern_ints(call, "padding", pads, 2 * nd, 0, 0);
	if (!ret)
		ret = kern_ints(call, "output_padding", c->out_extra + lead,
				nd, 0, 0);
	if (ret)
		return ret;

	for (uint32_t d = 0; d < nd; d++) {
		c->in[lead + d] = call->in[0].dims[2 + d];
		c->taps[lead + d] = call->in[1].dims[2 + d];
		c->begin[lead + d] = pads[d];
		c->end[lead + d] = pads[nd + d];
		if (c->taps[lead + d] < 1 || c->taps[lead + d] > INT32_MAX)
			return kern_refuse(call, -EINVAL,
					   "the kernel is empty or too large");
		if (c->in[lead + d] < 1 || c->in[lead + d] > INT32_MAX)
			return kern_refuse(call, -EINVAL,
					   "dimension %u of the input has %" PRId64
					   " elements", 2 + d,
					   c->in[lead + d]);
	}
	return 0;
}

static int read_channels(struct fxq_call *call, bool transposed,
			 struct convolution *c)
{
	const int64_t *x = call->in[0].dims, *w = call->in[1].dims;
	int64_t channels = x[1];

	c->batch = x[0];
	c->groups = kern_int(call, "groups", 1);
	if (c->groups < 1 || channels < 1 || channels % c->groups)
		return kern_refuse(call, -EINVAL,
				   "%" PRId64 " input channels cannot be %" PRId64
				   " groups", channels, c->groups);

	c->ic = channels / c->groups;
	if ((transposed ? w[0] : w[1]) != (transposed ? channels : c->ic))
		return kern_refuse(call, -EINVAL,
				   "the weight is for %" PRId64
				   " input channels, the input has %" PRId64
				   " in %" PRId64 " groups",
				   transposed ? w[0] : w[1] * c->groups,
				   channels, c->groups);
	if (!transposed && w[0] % c->groups)
		return kern_refuse(call, -EINVAL,
				   "%" PRId64 " output channels cannot be %" PRId64
				   " groups", w[0], c->groups);

	c->oc = transposed ? w[1] : w[0] / c->groups;
	if (c->oc < 1)
		return kern_refuse(call, -EINVAL,
				   "the weight has no output channels");
	return 0;
}

int convolution_read(struct fxq_call *call, uint32_t nd, bool transposed,
		     struct convolution *ret_c)
{
	int ret;

	for (uint32_t i = 0; i < 2; i++) {
		ret = kern_need(call, i, FXQ_DTYPE_F32);
		if (ret)
			return ret;
		if (call->in[i].rank != nd + 2)
			return kern_refuse(call, -EINVAL,
					   "input %u has rank %u, not %u", i,
					   call->in[i].rank, nd + 2);
	}

	ret = read_channels(call, transposed, ret_c);
	if (ret)
		return ret;
	ret = read_spatial(call, nd, ret_c);
	if (ret)
		return ret;

	return kern_need_vector(call, 2, "the bias", ret_c->oc * ret_c->groups);
}

int convolution_set_out(struct fxq_call *call, uint32_t nd,
			const struct convolution *c)
{
	int64_t dims[5] = { c->batch, c->oc * c->groups };

	for (uint32_t d = 0; d < nd; d++)
		dims[2 + d] = c->out[3 - nd + d];
	return kern_set_out(call, 0, FXQ_DTYPE_F32, nd + 2, dims);
}

int64_t convolution_taps(const struct convolution *c)
{
	return c->taps[0] * c->taps[1] * c->taps[2];
}

int64_t convolution_in_size(const struct convolution *c)
{
	return c->in[0] * c->in[1] * c->in[2];
}

int64_t convolution_out_size(const struct convolution *c)
{
	return c->out[0] * c->out[1] * c->out[2];
}

/* @n columns of row (z, y) of the field, from @column on. */
static void store_run(const struct conv_rows *rows, const float *from,
		      int64_t ni, int64_t z, int64_t y, int64_t column,
		      int64_t n)
{
	const int64_t *start = rows->start, *step = rows->step;
	float *to = rows->y + ((z * step[0] + start[0]) * rows->dims[1] +
			       y * step[1] + start[1]) * rows->dims[2] +
		    column * step[2] + start[2];

	for (int64_t r = 0; r < ni; r++) {
		if (step[2] == 1)
			memcpy(to, from, n * sizeof(*to));
		else
			for (int64_t i = 0; i < n; i++)
				to[i * step[2]] = from[i];
		from += GEMM_COLS;
		to += rows->channel;
	}
}

void conv_rows_store(void *ctx, const float *block, int64_t i, int64_t ni,
		     int64_t j, int64_t nj)
{
	struct conv_rows rows = *(const struct conv_rows *)ctx;
	const struct field_axis *a = rows.field->axis;
	int64_t column = j % a[2].pitch, row = j / a[2].pitch;
	int64_t y = row % a[1].pitch, z = row / a[1].pitch;

	rows.y += i * rows.channel;
	for (int64_t done = 0; done < nj; column = 0) {
		int64_t left = nj - done, n = a[2].out - column;

		if (y < a[1].out && n > 0)
			store_run(&rows, block + done, ni, z, y, column,
				  n < left ? n : left);
		done += a[2].pitch - column;
		if (++y == a[1].pitch) {
			y = 0;
			z++;
		}
	}
}
