// SPDX-License-Identifier: MIT
/*
 * non_max_suppression.c - of boxes that overlap, the best stays
 *
 * Boxes are taken best first, of equal ones the first, unless one of the same
 * class that was taken already overlaps too much. Work is bounded: no box is
 * compared with more than the results there may be.
 */
#include <stdlib.h>

#include "rows.h"

#define MAX_RESULTS	65536

struct candidates {
	struct box *boxes;
	int64_t *order;			/* best first; then those that stay */
	int64_t n, kept;
};

struct limits {
	float score, iou;
	int64_t max, first_class;
};

static int read_limits(struct fxq_call *call, struct limits *l)
{
	int ret;

	ret = read_float(call, "score", 0.5, 0, 1, &l->score);
	if (!ret)
		ret = read_float(call, "iou", 0.45, 0, 1, &l->iou);
	if (!ret)
		ret = read_int(call, "max", 100, 0, MAX_RESULTS, &l->max);
	if (!ret)
		ret = read_int(call, "first_class", 0, 0, MAX_ROWS,
			       &l->first_class);
	return ret;
}

static int64_t last_dim(const struct fxq_tensor *t)
{
	return t->rank ? t->dims[t->rank - 1] : 0;
}

static int check_inputs(struct fxq_call *call, const struct limits *l)
{
	const struct fxq_tensor *b = &call->in[0], *s = &call->in[1];
	int64_t columns = call->n_in == 1 ? FX_BOX_COLUMNS : 4;
	int ret = 0;

	if (call->n_in != 1 && call->n_in != 2)
		return kern_refuse(call, -EINVAL,
				   "%u inputs are given; rows, or boxes and scores, are needed",
				   call->n_in);
	for (uint32_t i = 0; !ret && i < call->n_in; i++)
		ret = need_floats(call, i, -1);
	if (ret)
		return ret;
	if (last_dim(b) != columns ||
	    (call->n_in == 2 && (last_dim(s) <= l->first_class ||
	     fxq_tensor_count(b) / 4 != fxq_tensor_count(s) / last_dim(s))))
		return kern_refuse(call, -EINVAL,
				   "rows must have %d columns; two inputs must be boxes of 4 and as many rows of scores, with class %lld",
				   FX_BOX_COLUMNS, (long long)l->first_class);
	if (fxq_tensor_count(b) > MAX_ROWS)
		return kern_refuse(call, -EINVAL, "more than %d boxes",
				   MAX_ROWS / (int)columns);
	for (uint32_t i = 0; i < call->n_in; i++)
		if (!call->in[i].data)
			return kern_refuse(call, -EINVAL,
					   "input %u has no data", i);
	return 0;
}

static struct box box_of(const struct fxq_call *call, int64_t i,
			 const struct limits *l)
{
	const float *at = call->in[0].data, *s;
	int64_t classes, best = l->first_class;

	if (call->n_in == 1) {
		at += i * FX_BOX_COLUMNS;
		return (struct box){ at[0], at[1], at[2], at[3], at[4], at[5] };
	}
	at += i * 4;
	classes = last_dim(&call->in[1]);
	s = (const float *)call->in[1].data + i * classes;
	for (int64_t c = best + 1; c < classes; c++)
		if (s[c] > s[best])
			best = c;
	return (struct box){ at[0], at[1], at[2], at[3], s[best],
			     (float)(best - l->first_class) };
}

static int by_score(const void *pa, const void *pb, void *ctx)
{
	const struct box *boxes = ctx;
	int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;

	if (boxes[a].score != boxes[b].score)
		return boxes[a].score < boxes[b].score ? 1 : -1;
	return (a > b) - (a < b);
}

static void collect(const struct fxq_call *call, const struct limits *l,
		    int64_t n, struct candidates *c)
{
	for (int64_t i = 0; i < n; i++) {
		struct box b = box_of(call, i, l);

		if (!(b.score >= l->score) || !box_is_sound(&b))
			continue;
		c->order[c->n] = c->n;
		c->boxes[c->n++] = b;
	}
	qsort_r(c->order, (size_t)c->n, sizeof(*c->order), by_score, c->boxes);
}

static void suppress(const struct limits *l, int64_t max, struct candidates *c)
{
	for (int64_t i = 0; i < c->n && c->kept < max; i++) {
		const struct box *b = &c->boxes[c->order[i]];
		bool covered = false;

		for (int64_t k = 0; k < c->kept && !covered; k++) {
			const struct box *better = &c->boxes[c->order[k]];

			covered = better->class == b->class &&
				  box_overlap(better, b) > l->iou;
		}
		if (!covered)
			c->order[c->kept++] = c->order[i];
	}
}

static int eval_non_max_suppression(struct fxq_call *call)
{
	struct candidates c = { 0 };
	struct limits l;
	struct box *to;
	int64_t n, max;
	int ret;

	ret = read_limits(call, &l);
	if (!ret)
		ret = check_inputs(call, &l);
	if (ret)
		return ret;

	n = fxq_tensor_count(&call->in[0]) / last_dim(&call->in[0]);
	c.boxes = calloc((size_t)n + 1, sizeof(*c.boxes));
	c.order = calloc((size_t)n + 1, sizeof(*c.order));
	if (!c.boxes || !c.order) {
		ret = kern_refuse(call, -ENOMEM, "no memory for %lld boxes",
				  (long long)n);
		goto out_free;
	}
	max = rows_at_most(call, FXQ_DTYPE_F32, FX_BOX_COLUMNS, l.max);
	collect(call, &l, n, &c);
	suppress(&l, max, &c);

	ret = result_rows(call, FXQ_DTYPE_F32, c.kept, FX_BOX_COLUMNS);
	if (ret)
		goto out_free;
	to = call->out[0].data;
	for (int64_t i = 0; i < c.kept; i++)
		to[i] = c.boxes[c.order[i]];

out_free:
	free(c.order);
	free(c.boxes);
	return ret;
}

const struct fxq_function fxq_builtin_non_max_suppression = {
	"non_max_suppression", NULL, eval_non_max_suppression,
};
