// SPDX-License-Identifier: MIT
/*
 * conv1d, conv2d, conv3d: torch's convolutions, with padding of its own at
 * each side. Sums run over the weights of an output channel in the order they
 * are stored: input channel, depth, row, column; the bias comes first.
 */
#include <inttypes.h>

#include "conv_run.h"

static int read_conv(struct fxq_call *call, uint32_t nd, struct convolution *c,
		     struct field *f)
{
	int ret;

	ret = convolution_read(call, nd, false, c);
	if (ret)
		return ret;

	for (int d = 0; d < 3; d++) {
		int64_t padded = c->in[d] + c->begin[d] + c->end[d];
		int64_t reach = (c->taps[d] - 1) * c->dilation[d] + 1;

		if (padded < reach)
			return kern_refuse(call, -EINVAL,
					   "a kernel that reaches over %" PRId64
					   " elements does not fit into %" PRId64
					   " of padded input", reach, padded);
		c->out[d] = (padded - reach) / c->stride[d] + 1;
		f->axis[d] = (struct field_axis){
			.in = c->in[d], .start = -c->begin[d],
			.stride = c->stride[d], .dilation = c->dilation[d],
			.taps = c->taps[d], .out = c->out[d],
		};
	}

	if (field_init(f) || f->channel > FIELD_MAX / c->ic)
		return kern_refuse(call, -EOVERFLOW,
				   "the padded input is too large");
	return 0;
}

static int infer_conv(struct fxq_call *call, uint32_t nd)
{
	struct convolution c;
	struct field f;
	int ret;

	ret = read_conv(call, nd, &c, &f);
	if (ret)
		return ret;

	return convolution_set_out(call, nd, &c);
}

/* Where each factor of a sum is in the field, in the order of the weights. */
static int64_t *offsets(const struct convolution *c, const struct field *f)
{
	int64_t *off = malloc(c->ic * convolution_taps(c) * sizeof(*off));
	int64_t k = 0;

	if (!off)
		return NULL;

	for (int64_t i = 0; i < c->ic; i++)
		for (int64_t z = 0; z < c->taps[0]; z++)
			for (int64_t y = 0; y < c->taps[1]; y++)
				for (int64_t x = 0; x < c->taps[2]; x++) {
					int64_t tap[3] = { z, y, x };

					off[k++] = i * f->channel +
						   field_offset(f, tap);
				}
	return off;
}

static int run_conv(struct fxq_call *call, uint32_t nd)
{
	struct convolution c;
	struct field f;
	struct conv_run run = { .c = &c, .field = &f, .step = { 1, 1, 1 } };
	int64_t *off;
	int ret;

	ret = read_conv(call, nd, &c, &f);
	if (ret)
		return ret;

	off = offsets(&c, &f);
	if (!off)
		return -ENOMEM;

	run.k = c.ic * convolution_taps(&c);
	run.off = off;
	run.x = call->in[0].data;
	run.w = call->in[1].data;
	run.bias = kern_data(call, 2);
	run.y = call->out[0].data;
	ret = conv_run(&run, call->threads);
	free(off);
	return ret;
}

#define CONV(nd)							\
int infer_conv##nd##d(struct fxq_call *call)				\
{									\
	return infer_conv(call, nd);					\
}									\
									\
int eval_conv##nd##d(struct fxq_call *call)				\
{									\
	int ret = kern_begin(call, infer_conv##nd##d);			\
									\
	return ret ? ret : run_conv(call, nd);				\
}

CONV(1)
CONV(2)
CONV(3)
