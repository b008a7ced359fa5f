// SPDX-License-Identifier: MIT
/*
 * rows.c - boxes as rows, parameters within bounds, results of any length
 */
#include <inttypes.h>
#include <math.h>

#include "kernels/fmath.h"

#include "rows.h"

struct box box_around(float x, float y, float width, float height,
		      float score, float class)
{
	return (struct box){ x - width / 2, y - height / 2, x + width / 2,
			     y + height / 2, score, class };
}

bool box_is_sound(const struct box *b)
{
	return isfinite(b->left) && isfinite(b->top) && isfinite(b->right) &&
	       isfinite(b->bottom) && isfinite(b->score) &&
	       b->left < b->right && b->top < b->bottom;
}

static double area(const struct box *b)
{
	return ((double)b->right - (double)b->left) *
	       ((double)b->bottom - (double)b->top);
}

float box_overlap(const struct box *a, const struct box *b)
{
	struct box both = {
		.left = a->left > b->left ? a->left : b->left,
		.top = a->top > b->top ? a->top : b->top,
		.right = a->right < b->right ? a->right : b->right,
		.bottom = a->bottom < b->bottom ? a->bottom : b->bottom,
	};
	double shared, all;

	if (both.left >= both.right || both.top >= both.bottom)
		return 0;
	shared = area(&both);
	all = area(a) + area(b) - shared;
	return all > 0 ? (float)(shared / all) : 0;
}

float logistic(float x)
{
	if (x != x)
		return x;
	x = x < -100 ? -100 : x > 100 ? 100 : x;
	return (float)fm_sigmoid((double)x);
}

int need_floats(struct fxq_call *call, uint32_t i, int64_t count)
{
	int ret;

	ret = kern_need(call, i, FXQ_DTYPE_F32);
	if (ret)
		return ret;
	if (count >= 0 && fxq_tensor_count(&call->in[i]) != count)
		return kern_refuse(call, -EINVAL,
				   "input %u has %" PRId64
				   " elements where %" PRId64 " are needed: is the size of the picture, a stride or the order of inputs wrong?",
				   i, fxq_tensor_count(&call->in[i]), count);
	return 0;
}

int read_float(struct fxq_call *call, const char *name, double def,
	       double min, double max, float *ret)
{
	const struct fxq_attr *attr = fxq_call_attr(call, name);
	double v = def;

	if (attr && attr->type == FXQ_ATTR_FLOAT)
		v = attr->f;
	else if (attr && attr->type == FXQ_ATTR_INT)
		v = (double)attr->i;
	else if (attr)
		v = NAN;
	if (!(v >= min && v <= max))
		return kern_refuse(call, -EINVAL,
				   "%s must be a number from %g to %g", name,
				   min, max);
	*ret = (float)v;
	return 0;
}

int read_int(struct fxq_call *call, const char *name, int64_t def,
	     int64_t min, int64_t max, int64_t *ret)
{
	int64_t v = kern_int(call, name, def);

	if (v < min || v > max)
		return kern_refuse(call, -EINVAL,
				   "%s is %" PRId64 ", not from %" PRId64
				   " to %" PRId64, name, v, min, max);
	*ret = v;
	return 0;
}

int read_list(struct fxq_call *call, const char *name, const int64_t *def,
	      int n_def, int64_t *v)
{
	const struct fxq_attr *attr = fxq_call_attr(call, name);
	const int64_t *from = def;
	uint32_t n = (uint32_t)n_def;

	if (attr) {
		from = attr->type == FXQ_ATTR_INT ? &attr->i : attr->ints;
		n = attr->count;
		if (attr->type != FXQ_ATTR_INT && attr->type != FXQ_ATTR_INTS)
			n = 0;
	}
	if (!n || n > MAX_SCALES)
		return kern_refuse(call, -EINVAL,
				   "%s must be 1 to %d whole numbers", name,
				   MAX_SCALES);
	for (uint32_t i = 0; i < n; i++) {
		v[i] = from[i];
		if (v[i] < 1 || v[i] > MAX_SIDE)
			return kern_refuse(call, -EINVAL,
					   "%s has the value %" PRId64
					   ", not from 1 to %d",
					   name, v[i], MAX_SIDE);
	}
	return (int)n;
}

static bool has_room(const struct fxq_tensor *out, uint32_t dtype,
		     int64_t columns)
{
	return out->dtype == dtype && out->rank == (columns ? 2u : 1u) &&
	       (!columns || out->dims[1] == columns);
}

int64_t rows_at_most(const struct fxq_call *call, uint32_t dtype,
		     int64_t columns, int64_t most)
{
	const struct fxq_tensor *out = &call->out[0];

	if (!call->n_out || !out->data || !has_room(out, dtype, columns))
		return most;
	return out->dims[0] < most ? out->dims[0] : most;
}

int result_rows(struct fxq_call *call, uint32_t dtype, int64_t n,
		int64_t columns)
{
	struct fxq_tensor *out = &call->out[0];

	if (call->n_out != 1)
		return kern_refuse(call, -EINVAL,
				   "%u results are asked for, there is 1",
				   call->n_out);
	if (out->data && (!has_room(out, dtype, columns) || n > out->dims[0]))
		return kern_refuse(call, -ENOSPC,
				   "the result has no room for %" PRId64
				   " rows of %" PRId64 " %s elements", n,
				   columns ? columns : 1,
				   fxq_dtype_name(dtype));
	if (out->data) {
		out->dims[0] = n;
		return 0;
	}
	*out = fxq_tensor_type(dtype, columns ? 2 : 1,
			       (int64_t[]){ n, columns });
	if (fxq_tensor_alloc(out))
		return kern_refuse(call, -ENOMEM, "no memory for the result");
	return 0;
}
