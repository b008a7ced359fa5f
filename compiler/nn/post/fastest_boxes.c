// SPDX-License-Identifier: MIT
/*
 * fastest_boxes.c - boxes of FastestDet: one for each cell of one map
 *
 * Channels are: how sure it is of an object, four numbers for the box, then a
 * score for each class. The object's certainty weighs more than the class's.
 */
#include "kernels/fmath.h"

#include "rows.h"

#define BOX_CHANNELS	5

static int infer_fastest_boxes(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	int ret;

	if (call->n_in != 1)
		return kern_refuse(call, -EINVAL,
				   "%u inputs are given, 1 is needed",
				   call->n_in);
	ret = need_floats(call, 0, -1);
	if (ret)
		return ret;
	if (x->rank != 4 || x->dims[0] != 1 || x->dims[1] <= BOX_CHANNELS ||
	    x->dims[2] > MAX_SIDE || x->dims[3] > MAX_SIDE)
		return kern_refuse(call, -EINVAL,
				   "its input must be (1, 5 + classes, height, width)");
	return kern_set_out(call, 0, FXQ_DTYPE_F32, 2,
			    (int64_t[]){ x->dims[2] * x->dims[3],
					 FX_BOX_COLUMNS });
}

static float at_least_zero(float p)
{
	return p > 0 ? p : 0;
}

/* The cell whose channels are @cells apart, from @at. */
static struct box box_of(const float *at, int64_t cells, int64_t channels,
			 float x, float y, float width, float height)
{
	int64_t best = BOX_CHANNELS;
	double score;

	for (int64_t c = best + 1; c < channels; c++)
		if (at[c * cells] > at[best * cells])
			best = c;
	score = fm_pow((double)at_least_zero(at[0]), 0.6) *
		fm_pow((double)at_least_zero(at[best * cells]), 0.4);
	return box_around((x + (float)fm_tanh((double)at[cells])) / width,
			  (y + (float)fm_tanh((double)at[2 * cells])) / height,
			  logistic(at[3 * cells]), logistic(at[4 * cells]),
			  (float)score, (float)(best - BOX_CHANNELS));
}

static int eval_fastest_boxes(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	int64_t height, width;
	struct box *to;
	int ret;

	ret = kern_begin(call, infer_fastest_boxes);
	if (ret)
		return ret;

	height = x->dims[2];
	width = x->dims[3];
	to = call->out[0].data;
	for (int64_t i = 0; i < height * width; i++)
		*to++ = box_of((const float *)x->data + i, height * width,
			       x->dims[1], (float)(i % width),
			       (float)(i / width), (float)width,
			       (float)height);
	return 0;
}

const struct fxq_function fxq_builtin_fastest_boxes = {
	"fastest_boxes", infer_fastest_boxes, eval_fastest_boxes,
};
