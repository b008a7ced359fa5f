// SPDX-License-Identifier: MIT
/*
 * resize, as ONNX defines it: one dimension after the other, the first one
 * first, each output a sum over its taps in ascending order, in double and
 * rounded once for each dimension that changes.
 */
#include <inttypes.h>
#include <math.h>

#include "clones.h"
#include "parallel.h"
#include "resize_coords.h"
#include "rows.h"

/* Taps of one output when a filter is widened; more is a wrong scale. */
#define TAPS_MAX	(1 << 16)
/* Scales beyond this, or below its inverse, are no scales. */
#define SCALE_MAX	1e9

static int read_enum(struct fxq_call *call, const char *name, const char *def,
		     int (*find)(const char *name), int *ret_value)
{
	const char *value = kern_str(call, name, def);

	*ret_value = find(value);
	if (*ret_value < 0)
		return kern_refuse(call, -EINVAL, "%s \"%.60s\" is unknown",
				   name, value);
	return 0;
}

/* The @i-th of the floats @name, of which there must be @n; @def if absent. */
static int read_float(struct fxq_call *call, const char *name, uint32_t n,
		      uint32_t i, double def, double *ret_value)
{
	const struct fxq_attr *a = fxq_call_attr(call, name);

	*ret_value = def;
	if (!a || a->count == 0)
		return 0;
	if (a->type != FXQ_ATTR_FLOATS || a->count != n)
		return kern_refuse(call, -EINVAL, "%s must be %u numbers",
				   name, n);

	*ret_value = a->floats[i];
	return 0;
}

/* The scale of dimension @d: fewer scales than dimensions are the last ones'. */
static int read_scale(struct fxq_call *call, uint32_t d, double def,
		      double *ret_value)
{
	const struct fxq_attr *a = fxq_call_attr(call, "scales");
	uint32_t rank = call->in[0].rank;
	uint32_t n = a && a->count && a->count < rank ? a->count : rank;

	*ret_value = 1;
	if (d < rank - n)
		return 0;
	return read_float(call, "scales", n, d - (rank - n), def, ret_value);
}

/* Sizes of all dimensions or the last ones, or what scales make of them. */
static int read_sizes(struct fxq_call *call, int64_t *sizes)
{
	const struct fxq_attr *a = fxq_call_attr(call, "sizes");
	const struct fxq_tensor *x = &call->in[0];
	uint32_t n = a && a->count < x->rank ? a->count : x->rank;
	double scale;
	int ret = 0;

	memcpy(sizes, x->dims, x->rank * sizeof(*sizes));
	if (a)
		return kern_ints(call, "sizes", sizes + x->rank - n, n, 1, 1);
	if (!fxq_call_attr(call, "scales"))
		return kern_refuse(call, -EINVAL, "sizes is missing");
	for (uint32_t d = 0; d < x->rank && !ret; d++) {
		ret = read_scale(call, d, 1, &scale);
		if (!ret && !(scale > 0 && x->dims[d] * scale < INT32_MAX))
			ret = kern_refuse(call, -EINVAL,
					  "the scale of dimension %u is %g", d,
					  scale);
		if (!ret)
			sizes[d] = (int64_t)(x->dims[d] * scale);
		if (!ret && sizes[d] < 1)
			ret = kern_refuse(call, -EINVAL,
					  "dimension %u would be empty", d);
	}
	return ret;
}

static int read_axis(struct fxq_call *call, uint32_t d, int64_t out,
		     struct resize_axis *a)
{
	uint32_t rank = call->in[0].rank;
	int64_t in = call->in[0].dims[d];
	int ret;

	if (in < 1)
		return kern_refuse(call, -EINVAL,
				   "dimension %u of the input is empty", d);
	a->in = in;
	a->out = out;
	ret = read_scale(call, d, (double)out / (double)in, &a->scale);
	if (!ret)
		ret = read_float(call, "roi", 2 * rank, d, 0, &a->roi_start);
	if (!ret)
		ret = read_float(call, "roi", 2 * rank, rank + d, 1,
				 &a->roi_end);
	if (ret)
		return ret;
	if (!(a->scale > 0 && a->scale < SCALE_MAX && 1 / a->scale < SCALE_MAX))
		return kern_refuse(call, -EINVAL,
				   "the scale of dimension %u is %g", d,
				   a->scale);
	if (resize_taps(a) > TAPS_MAX)
		return kern_refuse(call, -EINVAL,
				   "an output of dimension %u would be made of %" PRId64
				   " inputs", d, resize_taps(a));
	return 0;
}

int resize_read(struct fxq_call *call, struct resize_axis *axis)
{
	int64_t sizes[FXQ_MAX_RANK];
	int mode, transform, rounding, ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_need_rank(call, 0, 1);
	if (ret)
		return ret;
	ret = read_sizes(call, sizes);
	if (!ret)
		ret = read_enum(call, "mode", "nearest", resize_mode_find,
				&mode);
	if (!ret)
		ret = read_enum(call, "coordinate_transformation_mode",
				"half_pixel", resize_transform_find,
				&transform);
	if (!ret)
		ret = read_enum(call, "nearest_mode", "round_prefer_floor",
				resize_rounding_find, &rounding);

	for (uint32_t d = 0; d < call->in[0].rank && !ret; d++) {
		axis[d] = (struct resize_axis){
			.mode = (enum resize_mode)mode,
			.transform = (enum resize_transform)transform,
			.rounding = (enum resize_rounding)rounding,
			.cubic_a = kern_float(call, "cubic_coeff_a", -0.75),
			.exclude_outside = kern_int(call, "exclude_outside", 0),
			.antialias = kern_int(call, "antialias", 0),
		};
		ret = read_axis(call, d, sizes[d], &axis[d]);
	}
	return ret;
}

int infer_resize(struct fxq_call *call)
{
	struct resize_axis axis[FXQ_MAX_RANK];
	int64_t dims[FXQ_MAX_RANK];
	int ret;

	ret = resize_read(call, axis);
	if (ret)
		return ret;

	for (uint32_t d = 0; d < call->in[0].rank; d++)
		dims[d] = axis[d].out;
	return kern_set_out(call, 0, FXQ_DTYPE_F32, call->in[0].rank, dims);
}

/*
 * struct pass - resizing one dimension of outer × in × inner elements
 * @index, @weight: taps of each output, one after the other
 * @outside: outputs that have the extrapolation value instead
 */
struct pass {
	const float *x;
	float *y;
	int64_t outer, in, out, inner, taps;
	int64_t *index;
	double *weight;
	bool *outside;
	bool changes;
};

static void free_pass(struct pass *p)
{
	free(p->index);
	free(p->weight);
	free(p->outside);
}

/* A pass that takes each element to its own place is none. */
static int init_pass(struct pass *p, const struct resize_axis *a,
		     const int64_t *in_dims, const int64_t *out_dims,
		     uint32_t rank, uint32_t d)
{
	*p = (struct pass){ .outer = 1, .inner = 1, .in = a->in,
			    .out = a->out, .taps = resize_taps(a) };
	for (uint32_t i = 0; i < rank; i++) {
		p->outer *= i < d ? out_dims[i] : 1;
		p->inner *= i > d ? in_dims[i] : 1;
	}

	p->index = malloc(p->out * p->taps * sizeof(*p->index));
	p->weight = malloc(p->out * p->taps * sizeof(*p->weight));
	p->outside = malloc(p->out * sizeof(*p->outside));
	if (!p->index || !p->weight || !p->outside)
		return -ENOMEM;

	p->changes = p->in != p->out;
	for (int64_t o = 0; o < p->out; o++) {
		int64_t *index = p->index + o * p->taps;
		double *weight = p->weight + o * p->taps;

		p->outside[o] = !resize_weights(a, o, index, weight);
		for (int64_t t = 0; t < p->taps; t++)
			p->changes |= weight[t] != (index[t] == o);
	}
	return 0;
}

FXQ_CLONES
static void sum_rows(float *y, const float *x, int64_t inner,
		     const int64_t *index, const double *weight, int64_t taps)
{
	for (int64_t k = 0; k < inner; k++) {
		double sum = 0;

		for (int64_t t = 0; t < taps; t++)
			sum += weight[t] * x[index[t] * inner + k];
		y[k] = (float)sum;
	}
}

/* The last dimension: outputs lie side by side. */
static void sum_columns(const struct pass *p, float *y, const float *x)
{
	const int64_t *index = p->index;
	const double *weight = p->weight;

	for (int64_t o = 0; o < p->out; o++) {
		double sum = 0;

		for (int64_t t = 0; t < p->taps; t++)
			sum += *weight++ * x[*index++];
		y[o] = (float)sum;
	}
}

static void pick_columns(const struct pass *p, float *y, const float *x)
{
	for (int64_t o = 0; o < p->out; o++)
		y[o] = x[p->index[o]];
}

static void pass_task(void *ctx, int64_t plane, int thread)
{
	const struct pass *p = ctx;
	const float *x = p->x + plane * p->in * p->inner;
	float *y = p->y + plane * p->out * p->inner;

	(void)thread;
	if (p->inner == 1 && p->taps == 1) {
		pick_columns(p, y, x);
		return;
	}
	if (p->inner == 1) {
		sum_columns(p, y, x);
		return;
	}
	for (int64_t o = 0; o < p->out; o++, y += p->inner) {
		const int64_t *index = p->index + o * p->taps;

		if (p->taps == 1)
			memcpy(y, x + index[0] * p->inner,
			       p->inner * sizeof(*y));
		else
			sum_rows(y, x, p->inner, index,
				 p->weight + o * p->taps, p->taps);
	}
}

/* Gives what lies outside along dimension @d its value. */
static void extrapolate(const struct pass *p, const struct fxq_tensor *y,
			uint32_t d, float value)
{
	struct rows rows = rows_along(y, d);
	float *v = y->data;

	for (int64_t i = 0; i < rows.n; i++) {
		if (!p->outside[i])
			continue;
		for (int64_t o = 0; o < rows.outer; o++)
			for (int64_t k = 0; k < rows.inner; k++)
				v[(o * rows.n + i) * rows.inner + k] = value;
	}
}

/*
 * Runs the passes that change something; the last of them writes the result,
 * those before it what goes again.
 */
static int run_passes(struct fxq_call *call, struct pass *passes)
{
	const float *x = call->in[0].data;
	struct pass *changing[FXQ_MAX_RANK];
	float *old = NULL;
	uint32_t n = 0;

	for (uint32_t d = 0; d < call->in[0].rank; d++)
		if (passes[d].changes)
			changing[n++] = &passes[d];
	if (!n)
		memcpy(call->out[0].data, x, fxq_tensor_bytes(&call->out[0]));

	for (uint32_t i = 0; i < n; i++) {
		struct pass *p = changing[i];
		int64_t count = p->outer * p->out * p->inner;
		float *y = call->out[0].data;

		if (i + 1 < n)
			y = malloc(count * sizeof(*y));
		if (!y) {
			free(old);
			return -ENOMEM;
		}
		p->x = x;
		p->y = y;
		parallel_for(parallel_threads(call->threads,
					      4.0 * count * p->taps),
			     p->outer, pass_task, p);
		free(old);
		old = y;
		x = y;
	}
	return 0;
}

static int run_resize(struct fxq_call *call, const struct resize_axis *axis,
		      struct pass *passes)
{
	const struct fxq_tensor *in = &call->in[0], *out = &call->out[0];
	float value = (float)kern_float(call, "extrapolation_value", 0);
	int ret = 0;

	for (uint32_t d = 0; d < in->rank && !ret; d++)
		ret = init_pass(&passes[d], &axis[d], in->dims, out->dims,
				in->rank, d);
	if (!ret)
		ret = run_passes(call, passes);
	for (uint32_t d = 0; d < in->rank && !ret; d++)
		extrapolate(&passes[d], out, d, value);
	return ret;
}

int eval_resize(struct fxq_call *call)
{
	struct resize_axis axis[FXQ_MAX_RANK];
	struct pass passes[FXQ_MAX_RANK] = { 0 };
	int ret;

	ret = kern_begin(call, infer_resize);
	if (!ret)
		ret = resize_read(call, axis);
	if (ret)
		return ret;

	ret = run_resize(call, axis, passes);
	for (uint32_t d = 0; d < FXQ_MAX_RANK; d++)
		free_pass(&passes[d]);
	return ret;
}
