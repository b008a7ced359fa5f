// SPDX-License-Identifier: MIT
/*
 * yunet_boxes.c - boxes of YuNet: one for each cell of three grids
 *
 * A cell tells how sure it is of a face and of an object, where the centre is
 * from its own corner in cells, and the logarithm of the box's size in cells.
 */
#include <math.h>

#include "kernels/fmath.h"

#include "rows.h"

struct grids {
	float width, height;		/* of the input, in pixels */
	int n;
	int64_t rows;
	int64_t stride[MAX_SCALES], across[MAX_SCALES], cells[MAX_SCALES];
};

static int read_grids(struct fxq_call *call, struct grids *g)
{
	int64_t width, height;
	int ret;

	*g = (struct grids){ 0 };
	ret = read_int(call, "width", 320, 1, MAX_SIDE, &width);
	if (!ret)
		ret = read_int(call, "height", 320, 1, MAX_SIDE, &height);
	if (ret)
		return ret;
	g->n = read_list(call, "strides", (int64_t[]){ 8, 16, 32 }, 3,
			 g->stride);
	if (g->n < 0)
		return g->n;
	if (call->n_in != 3 * (uint32_t)g->n)
		return kern_refuse(call, -EINVAL,
				   "%d strides need %d inputs: class, object and box of each scale",
				   g->n, 3 * g->n);

	g->width = (float)width;
	g->height = (float)height;
	for (int i = 0; i < g->n; i++) {
		g->across[i] = (width + g->stride[i] - 1) / g->stride[i];
		g->cells[i] = g->across[i] *
			      ((height + g->stride[i] - 1) / g->stride[i]);
		g->rows += g->cells[i];
	}
	return 0;
}

static int infer_yunet_boxes(struct fxq_call *call)
{
	struct grids g;
	int ret;

	ret = read_grids(call, &g);
	for (uint32_t i = 0; !ret && i < call->n_in; i++)
		ret = need_floats(call, i, g.cells[i / 3] *
				  (i % 3 == 2 ? 4 : 1));
	if (ret)
		return ret;
	return kern_set_out(call, 0, FXQ_DTYPE_F32, 2,
			    (int64_t[]){ g.rows, FX_BOX_COLUMNS });
}

static float probability(float p)
{
	return p < 0 ? 0 : p > 1 ? 1 : p;
}

static struct box *put_grid(const struct grids *g, int k, const float *class,
			    const float *object, const float *at,
			    struct box *to)
{
	float x_step = (float)g->stride[k] / g->width;
	float y_step = (float)g->stride[k] / g->height;

	for (int64_t i = 0; i < g->cells[k]; i++, at += 4) {
		float x = (float)(i % g->across[k]) + at[0];
		float y = (float)(i / g->across[k]) + at[1];
		float score = sqrtf(probability(class[i]) *
				    probability(object[i]));

		*to++ = box_around(x * x_step, y * y_step,
				   (float)fm_exp((double)at[2]) * x_step,
				   (float)fm_exp((double)at[3]) * y_step,
				   score, 0);
	}
	return to;
}

static int eval_yunet_boxes(struct fxq_call *call)
{
	struct grids g;
	struct box *to;
	int ret;

	ret = kern_begin(call, infer_yunet_boxes);
	if (!ret)
		ret = read_grids(call, &g);
	if (ret)
		return ret;

	to = call->out[0].data;
	for (int k = 0; k < g.n; k++)
		to = put_grid(&g, k, call->in[3 * k].data,
			      call->in[3 * k + 1].data,
			      call->in[3 * k + 2].data, to);
	return 0;
}

const struct fxq_function fxq_builtin_yunet_boxes = {
	"yunet_boxes", infer_yunet_boxes, eval_yunet_boxes,
};
