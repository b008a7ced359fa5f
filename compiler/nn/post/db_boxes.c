// SPDX-License-Identifier: MIT
/*
 * db_boxes.c - text boxes from a map of probabilities
 *
 * "Differentiable binarization" networks mark the inner part of each line of
 * text. Pixels above a threshold that touch, corners included, are one line;
 * the upright rectangle around them grows by the amount that was cut off when
 * the network was taught: its area over its perimeter, times a ratio.
 */
#include <math.h>
#include <stdlib.h>

#include "rows.h"

struct blob {
	int32_t left, top, right, bottom;	/* last pixels included */
};

struct map {
	const float *p;
	int32_t width, height;
	uint8_t *seen;
	int32_t *stack;			/* of pixels, each pushed once */
};

struct limits {
	float threshold, score, unclip;
	int64_t min_side, max;
};

static int read_limits(struct fxq_call *call, struct limits *l)
{
	int ret;

	ret = read_float(call, "threshold", 0.3, 0, 1, &l->threshold);
	if (!ret)
		ret = read_float(call, "score", 0.6, 0, 1, &l->score);
	if (!ret)
		ret = read_float(call, "unclip", 1.5, 0, 100, &l->unclip);
	if (!ret)
		ret = read_int(call, "min_side", 3, 1, MAX_SIDE, &l->min_side);
	if (!ret)
		ret = read_int(call, "max", 256, 0, MAX_ROWS, &l->max);
	return ret;
}

static int read_map(struct fxq_call *call, struct map *m)
{
	const struct fxq_tensor *x = &call->in[0];
	int64_t height, width;
	int ret;

	if (call->n_in != 1)
		return kern_refuse(call, -EINVAL,
				   "%u inputs are given, 1 is needed",
				   call->n_in);
	ret = need_floats(call, 0, -1);
	if (ret)
		return ret;
	height = x->rank < 2 ? 0 : x->dims[x->rank - 2];
	width = x->rank < 2 ? 0 : x->dims[x->rank - 1];
	if (height < 1 || width < 1 || height > MAX_SIDE || width > MAX_SIDE ||
	    fxq_tensor_count(x) != height * width || !x->data)
		return kern_refuse(call, -EINVAL,
				   "its input must be one map, (1, 1, height, width), of at most %d a side",
				   MAX_SIDE);
	*m = (struct map){ .p = x->data, .width = (int32_t)width,
			   .height = (int32_t)height };
	return 0;
}

static void push(struct map *m, float threshold, int32_t x, int32_t y,
		 int32_t *depth)
{
	int32_t at = y * m->width + x;

	if (x < 0 || y < 0 || x >= m->width || y >= m->height ||
	    m->seen[at] || !(m->p[at] > threshold))
		return;
	m->seen[at] = 1;
	m->stack[(*depth)++] = at;
}

/* Everything that touches (@x, @y); an empty blob if that is no text. */
static struct blob flood(struct map *m, float threshold, int32_t x, int32_t y)
{
	struct blob b = { x, y, x - 1, y - 1 };
	int32_t depth = 0;

	push(m, threshold, x, y, &depth);
	while (depth) {
		int32_t at = m->stack[--depth];

		x = at % m->width;
		y = at / m->width;
		b.left = x < b.left ? x : b.left;
		b.top = y < b.top ? y : b.top;
		b.right = x > b.right ? x : b.right;
		b.bottom = y > b.bottom ? y : b.bottom;
		for (int32_t i = 0; i < 9; i++)
			push(m, threshold, x + i % 3 - 1, y + i / 3 - 1,
			     &depth);
	}
	return b;
}

static float mean_of(const struct map *m, const struct blob *b)
{
	double sum = 0;
	int64_t n = 0;

	for (int32_t y = b->top; y <= b->bottom; y++)
		for (int32_t x = b->left; x <= b->right; x++) {
			float p = m->p[y * m->width + x];

			sum += isfinite(p) ? (double)p : 0;
			n++;
		}
	return (float)(sum / (double)n);
}

static float within(float v)
{
	return v < 0 ? 0 : v > 1 ? 1 : v;
}

static bool box_of(const struct map *m, const struct limits *l,
		   const struct blob *b, struct box *ret)
{
	float w = (float)(b->right - b->left + 1);
	float h = (float)(b->bottom - b->top + 1);
	float grow = w * h / (2 * (w + h)) * l->unclip;
	float score;

	if (w < (float)l->min_side || h < (float)l->min_side)
		return false;
	score = mean_of(m, b);
	if (!(score >= l->score))
		return false;
	*ret = (struct box){
		within(((float)b->left - grow) / (float)m->width),
		within(((float)b->top - grow) / (float)m->height),
		within(((float)b->left + w + grow) / (float)m->width),
		within(((float)b->top + h + grow) / (float)m->height),
		score, 0,
	};
	return true;
}

static int64_t find_boxes(struct map *m, const struct limits *l, int64_t max,
			  struct box *boxes)
{
	int64_t n = 0;

	for (int32_t y = 0; y < m->height; y++)
		for (int32_t x = 0; x < m->width && n < max; x++) {
			struct blob b = flood(m, l->threshold, x, y);

			if (b.right >= b.left && box_of(m, l, &b, &boxes[n]))
				n++;
		}
	return n;
}

static int eval_db_boxes(struct fxq_call *call)
{
	struct box *boxes;
	struct limits l;
	struct map m = { 0 };
	size_t pixels;
	int64_t max, n;
	int ret;

	ret = read_limits(call, &l);
	if (!ret)
		ret = read_map(call, &m);
	if (ret)
		return ret;

	pixels = (size_t)m.width * (size_t)m.height;
	max = rows_at_most(call, FXQ_DTYPE_F32, FX_BOX_COLUMNS, l.max);
	max = max < (int64_t)pixels ? max : (int64_t)pixels;
	boxes = calloc((size_t)max + 1, sizeof(*boxes));
	m.seen = calloc(pixels, 1);
	m.stack = calloc(pixels, sizeof(*m.stack));
	if (!boxes || !m.seen || !m.stack) {
		ret = kern_refuse(call, -ENOMEM, "no memory for a map of %d x %d",
				  m.width, m.height);
		goto out_free;
	}
	n = find_boxes(&m, &l, max, boxes);
	ret = result_rows(call, FXQ_DTYPE_F32, n, FX_BOX_COLUMNS);
	if (!ret)
		memcpy(call->out[0].data, boxes, (size_t)n * sizeof(*boxes));

out_free:
	free(m.stack);
	free(m.seen);
	free(boxes);
	return ret;
}

const struct fxq_function fxq_builtin_db_boxes = {
	"db_boxes", NULL, eval_db_boxes,
};
