// SPDX-License-Identifier: MIT
/*
 * anchor_boxes.c - boxes around anchors of equal size, as BlazeFace has them
 *
 * A scale lays a grid of cells over the square input, with some anchors in
 * the middle of each. Offsets are in pixels of the input.
 */
#include "rows.h"

struct scale {
	int64_t side, anchors, rows;	/* cells in a row, anchors to a cell */
};

struct layout {
	float size;
	int n;
	int64_t rows;			/* of all scales */
	struct scale scales[MAX_SCALES];
};

static int read_layout(struct fxq_call *call, struct layout *l)
{
	int64_t strides[MAX_SCALES], anchors[MAX_SCALES], size;
	int n, ret;

	ret = read_int(call, "size", 256, 1, MAX_SIDE, &size);
	if (ret)
		return ret;
	n = read_list(call, "strides", (int64_t[]){ 16, 32 }, 2, strides);
	if (n < 0)
		return n;
	ret = read_list(call, "anchors", (int64_t[]){ 2, 6 }, 2, anchors);
	if (ret < 0)
		return ret;
	if (ret != n || call->n_in != 2 * (uint32_t)n)
		return kern_refuse(call, -EINVAL,
				   "%d strides need %d numbers of anchors and %d inputs: logits and offsets of each scale",
				   n, n, 2 * n);

	*l = (struct layout){ .size = (float)size, .n = n };
	for (int i = 0; i < n; i++) {
		struct scale *s = &l->scales[i];

		s->side = (size + strides[i] - 1) / strides[i];
		s->anchors = anchors[i];
		if (s->side * s->side > MAX_ROWS / s->anchors)
			return kern_refuse(call, -EINVAL,
					   "more than %d anchors", MAX_ROWS);
		s->rows = s->side * s->side * s->anchors;
		l->rows += s->rows;
	}
	return 0;
}

static int infer_anchor_boxes(struct fxq_call *call)
{
	struct layout l;
	int ret;

	ret = read_layout(call, &l);
	for (int i = 0; !ret && i < l.n; i++) {
		uint32_t logits = 2 * (uint32_t)i, offsets = logits + 1;
		int64_t count;

		ret = need_floats(call, logits, l.scales[i].rows);
		if (!ret)
			ret = need_floats(call, offsets, -1);
		if (ret)
			return ret;
		count = fxq_tensor_count(&call->in[offsets]);
		if (count % l.scales[i].rows || count < 4 * l.scales[i].rows)
			return kern_refuse(call, -EINVAL,
					   "input %u does not have at least 4 offsets for each of its anchors",
					   offsets);
	}
	if (ret)
		return ret;
	return kern_set_out(call, 0, FXQ_DTYPE_F32, 2,
			    (int64_t[]){ l.rows, FX_BOX_COLUMNS });
}

static struct box *put_scale(const struct layout *l, const struct scale *s,
			     const float *logits,
			     const struct fxq_tensor *offsets, struct box *to)
{
	int64_t step = fxq_tensor_count(offsets) / s->rows;
	const float *at = offsets->data;

	for (int64_t i = 0; i < s->rows; i++, at += step) {
		int64_t cell = i / s->anchors;
		float x = (float)(cell % s->side) + 0.5f;
		float y = (float)(cell / s->side) + 0.5f;

		*to++ = box_around(x / (float)s->side + at[0] / l->size,
				   y / (float)s->side + at[1] / l->size,
				   at[2] / l->size, at[3] / l->size,
				   logistic(logits[i]), 0);
	}
	return to;
}

static int eval_anchor_boxes(struct fxq_call *call)
{
	struct layout l;
	struct box *to;
	int ret;

	ret = kern_begin(call, infer_anchor_boxes);
	if (!ret)
		ret = read_layout(call, &l);
	if (ret)
		return ret;

	to = call->out[0].data;
	for (int i = 0; i < l.n; i++)
		to = put_scale(&l, &l.scales[i], call->in[2 * i].data,
			       &call->in[2 * i + 1], to);
	return 0;
}

const struct fxq_function fxq_builtin_anchor_boxes = {
	"anchor_boxes", infer_anchor_boxes, eval_anchor_boxes,
};
