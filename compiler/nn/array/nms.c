// SPDX-License-Identifier: MIT
/*
 * Non-maximum suppression: of boxes that overlap, the one with the best score
 * stays. For each batch and class, boxes above the score threshold are taken
 * best first (of equal scores the first), unless one already taken covers
 * them by more than the threshold. Results are (batch, class, box).
 */
#include <math.h>
#include <stdlib.h>

#include "array.h"

struct nms {
	const float *boxes;		/* (batch, box, 4) */
	const float *scores;		/* (batch, class, box) */
	int64_t n_batches, n_classes, n_boxes, limit;
	float iou, score;
	bool center;
	int64_t *order;			/* of one class, and those taken */
	int64_t *taken;
};

struct corners {
	float y1, x1, y2, x2;
};

static struct corners corners_of(const struct nms *s, const float *box)
{
	struct corners c;

	if (s->center) {
		c.x1 = box[0] - box[2] / 2;
		c.y1 = box[1] - box[3] / 2;
		c.x2 = box[0] + box[2] / 2;
		c.y2 = box[1] + box[3] / 2;
		return c;
	}
	c.y1 = fminf(box[0], box[2]);
	c.x1 = fminf(box[1], box[3]);
	c.y2 = fmaxf(box[0], box[2]);
	c.x2 = fmaxf(box[1], box[3]);
	return c;
}

static bool covers(const struct nms *s, const float *pa, const float *pb)
{
	struct corners a = corners_of(s, pa), b = corners_of(s, pb);
	float h = fminf(a.y2, b.y2) - fmaxf(a.y1, b.y1);
	float w = fminf(a.x2, b.x2) - fmaxf(a.x1, b.x1);
	float both = h > 0 && w > 0 ? h * w : 0;
	float all = (a.y2 - a.y1) * (a.x2 - a.x1) +
		    (b.y2 - b.y1) * (b.x2 - b.x1) - both;

	return all > 0 && both / all > s->iou;
}

static int by_score(const void *pa, const void *pb, void *ctx)
{
	const float *scores = ctx;
	int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;

	if (scores[a] != scores[b])
		return scores[a] < scores[b] ? 1 : -1;
	return (a > b) - (a < b);
}

/* One class: fills s->taken and returns how many. */
static int64_t select_boxes(const struct nms *s, const float *boxes,
			    const float *scores)
{
	int64_t n = 0, taken = 0;

	for (int64_t i = 0; i < s->n_boxes; i++)
		if (scores[i] > s->score)
			s->order[n++] = i;
	qsort_r(s->order, n, sizeof(*s->order), by_score, (void *)scores);

	for (int64_t i = 0; i < n && taken < s->limit; i++) {
		bool covered = false;

		for (int64_t k = 0; k < taken && !covered; k++)
			covered = covers(s, boxes + 4 * s->order[i],
					 boxes + 4 * s->taken[k]);
		if (!covered)
			s->taken[taken++] = s->order[i];
	}
	return taken;
}

static int read_value(struct fxq_call *call, uint32_t i, double def,
		      double *ret)
{
	*ret = def;
	if (!arr_has(call, i))
		return 0;
	if (fxq_tensor_count(&call->in[i]) != 1)
		return arr_refuse(call, -EINVAL,
				  "input %u must be a single value", i);
	if (!call->in[i].data)
		return -ENODATA;
	*ret = arr_value(&call->in[i], 0);
	return 0;
}

static int prepare(struct fxq_call *call, struct nms *s)
{
	const struct fxq_tensor *b = &call->in[0], *c = &call->in[1];
	double limit, iou, score;
	int ret;

	if (b->dtype != FXQ_DTYPE_F32 || c->dtype != FXQ_DTYPE_F32 ||
	    b->rank != 3 || c->rank != 3 || b->dims[2] != 4 ||
	    b->dims[0] != c->dims[0] || b->dims[1] != c->dims[2])
		return arr_refuse(call, -EINVAL,
				  "boxes must be float32 (batch, box, 4), scores (batch, class, box)");
	ret = read_value(call, 2, 0, &limit);
	if (!ret)
		ret = read_value(call, 3, 0, &iou);
	if (!ret)
		ret = read_value(call, 4, -INFINITY, &score);
	if (ret || !b->data || !c->data)
		return arr_refuse(call, ret ? ret : -ENODATA,
				  "how many boxes are kept is known only when the model runs");

	*s = (struct nms){
		.boxes = b->data, .scores = c->data,
		.n_batches = c->dims[0], .n_classes = c->dims[1],
		.n_boxes = c->dims[2],
		.limit = limit > 0 ? limit < 1e9 ? limit : 1e9 : 0,
		.iou = iou, .score = score,
		.center = arr_int(call, "center_point_box", 0),
	};
	s->order = malloc((2 * s->n_boxes + 1) * sizeof(*s->order));
	if (!s->order)
		return -ENOMEM;
	s->taken = s->order + s->n_boxes;
	return 0;
}

/* Runs over batches and classes; writes to @out unless it is NULL. */
static int64_t run(const struct nms *s, int64_t *out)
{
	int64_t total = 0;

	for (int64_t b = 0; b < s->n_batches; b++)
		for (int64_t c = 0; c < s->n_classes; c++) {
			int64_t n;

			n = select_boxes(s, s->boxes + b * s->n_boxes * 4,
					 s->scores + (b * s->n_classes + c) *
					 s->n_boxes);
			for (int64_t i = 0; out && i < n; i++) {
				out[3 * (total + i)] = b;
				out[3 * (total + i) + 1] = c;
				out[3 * (total + i) + 2] = s->taken[i];
			}
			total += n;
		}
	return total;
}

int infer_non_max_suppression(struct fxq_call *call)
{
	int64_t dims[2] = { 0, 3 };
	struct nms s;
	int ret;

	ret = prepare(call, &s);
	if (ret)
		return ret;
	dims[0] = run(&s, NULL);
	free(s.order);
	return arr_set_out(call, 0, FXQ_DTYPE_I64, 2, dims);
}

ARR_KERNEL(non_max_suppression)
{
	struct nms s;
	int ret;

	ret = prepare(call, &s);
	if (ret)
		return ret;
	run(&s, call->out[0].data);
	free(s.order);
	return 0;
}
