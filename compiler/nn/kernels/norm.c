// SPDX-License-Identifier: MIT
/*
 * Normalizations by statistics of the input: layer_norm over the last
 * dimensions, group_norm and instance_norm over channels of an image. All see
 * the input as rows of n elements; they differ in which weight and bias an
 * element has. Everything is computed in double and rounded once.
 */
#include <inttypes.h>
#include <math.h>

#include "clones.h"
#include "kernel.h"
#include "moments.h"
#include "parallel.h"

#define AT_ONCE	16	/* rows of a task */

/*
 * struct norm - the work
 * @rows, @n: the input
 * @run: elements that share a weight
 * @weights: how many there are; element i of row r has number
 *	     (r * (n / run) + i / run) modulo this one
 * @ret_mean, @ret_inverse: for each row, may be NULL
 */
struct norm {
	const float *x, *weight, *bias;
	float *y, *ret_mean, *ret_inverse;
	int64_t rows, n, run, weights;
	double eps;
};

/* The run's elements share weight and bias, which scale and shift hold. */
FXQ_CLONES
static void apply_shared(float *y, const float *x, int64_t n, double mean,
			 double scale, double shift)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = (float)((x[i] - mean) * scale + shift);
}

FXQ_CLONES
static void apply_each(float *y, const float *x, int64_t n, double mean,
		       double inverse, const float *weight, const float *bias)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = (float)((x[i] - mean) * inverse * weight[i] + bias[i]);
}

static void apply_row(const struct norm *j, int64_t row, double mean,
		      double inverse)
{
	const float *x = j->x + row * j->n;
	float *y = j->y + row * j->n;
	int64_t first = row * (j->n / j->run) % j->weights;

	if (j->run == 1 && j->weight && j->bias) {
		apply_each(y, x, j->n, mean, inverse, j->weight, j->bias);
		return;
	}
	for (int64_t i = 0; i < j->n; i += j->run) {
		int64_t w = first + i / j->run;

		apply_shared(y + i, x + i, j->run, mean,
			     j->weight ? inverse * j->weight[w] : inverse,
			     j->bias ? j->bias[w] : 0);
	}
}

static void rows_task(void *ctx, int64_t task, int thread)
{
	const struct norm *j = ctx;
	int64_t first = task * AT_ONCE, n = j->rows - first;
	double mean[AT_ONCE], var[AT_ONCE];

	(void)thread;
	n = n < AT_ONCE ? n : AT_ONCE;
	kern_moments(j->x + first * j->n, n, j->n, mean, var);
	for (int64_t r = 0; r < n; r++) {
		double inverse = 1 / sqrt(var[r] + j->eps);

		apply_row(j, first + r, mean[r], inverse);
		if (j->ret_mean)
			j->ret_mean[first + r] = (float)mean[r];
		if (j->ret_inverse)
			j->ret_inverse[first + r] = (float)inverse;
	}
}

static void run_norm(struct fxq_call *call, struct norm *j)
{
	if (!j->rows || !j->n)
		return;

	j->x = call->in[0].data;
	j->y = call->out[0].data;
	j->weight = kern_data(call, 1);
	j->bias = kern_data(call, 2);
	j->eps = kern_float(call, "eps", 1e-5);
	parallel_for(parallel_threads(call->threads,
				      4.0 * j->rows * j->n),
		     (j->rows + AT_ONCE - 1) / AT_ONCE, rows_task, j);
}

static int need_scale(struct fxq_call *call, int64_t n)
{
	int ret;

	ret = kern_need_vector(call, 1, "the weight", n);
	if (!ret)
		ret = kern_need_vector(call, 2, "the bias", n);
	return ret;
}

/*
 * The first dimension that is normalized: ONNX's axis or, as torch says it,
 * that where the given sizes begin.
 */
static int read_axis(struct fxq_call *call, uint32_t *ret_axis)
{
	const struct fxq_attr *shape = fxq_call_attr(call, "normalized_shape");
	const struct fxq_tensor *x = &call->in[0];
	const int64_t *sizes;

	if (!shape)
		return kern_dim(call, "axis", -1, x->rank, ret_axis);

	sizes = shape->type == FXQ_ATTR_INT ? &shape->i : shape->ints;
	if ((shape->type != FXQ_ATTR_INT && shape->type != FXQ_ATTR_INTS) ||
	    shape->count < 1 || shape->count > x->rank ||
	    memcmp(sizes, x->dims + x->rank - shape->count,
		   shape->count * sizeof(*sizes)))
		return kern_refuse(call, -EINVAL,
				   "normalized_shape is not the end of the input's");

	*ret_axis = x->rank - shape->count;
	return 0;
}

int infer_layer_norm(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	int64_t dims[FXQ_MAX_RANK];
	uint32_t axis;
	int ret;

	ret = kern_most_outs(call, 3);
	if (!ret)
		ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = read_axis(call, &axis);
	if (!ret)
		ret = need_scale(call, kern_product(x, axis, x->rank));
	if (!ret)
		ret = kern_same_out(call);
	if (ret)
		return ret;

	for (uint32_t d = 0; d < x->rank; d++)
		dims[d] = d < axis ? x->dims[d] : 1;
	for (uint32_t i = 1; i < call->n_out && !ret; i++)
		ret = kern_set_out(call, i, FXQ_DTYPE_F32, x->rank, dims);
	return ret;
}

int eval_layer_norm(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	struct norm j;
	uint32_t axis;
	int ret;

	ret = kern_begin(call, infer_layer_norm);
	if (!ret)
		ret = read_axis(call, &axis);
	if (ret)
		return ret;

	j = (struct norm){
		.rows = kern_product(x, 0, axis),
		.n = kern_product(x, axis, x->rank), .run = 1,
		.ret_mean = call->n_out > 1 ? call->out[1].data : NULL,
		.ret_inverse = call->n_out > 2 ? call->out[2].data : NULL,
	};
	j.weights = j.n;
	run_norm(call, &j);
	return 0;
}

static int read_groups(struct fxq_call *call, int64_t groups)
{
	const struct fxq_tensor *x = &call->in[0];
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_need_rank(call, 0, 2);
	if (ret)
		return ret;
	if (groups < 1 || x->dims[1] % groups)
		return kern_refuse(call, -EINVAL,
				   "%" PRId64 " channels cannot be %" PRId64
				   " groups", x->dims[1], groups);

	ret = need_scale(call, x->dims[1]);
	return ret ? ret : kern_same_out(call);
}

static void run_groups(struct fxq_call *call, int64_t groups)
{
	const struct fxq_tensor *x = &call->in[0];
	struct norm j = {
		.rows = x->dims[0] * groups,
		.n = x->dims[1] / groups * kern_product(x, 2, x->rank),
		.run = kern_product(x, 2, x->rank),
		.weights = x->dims[1],
	};

	run_norm(call, &j);
}

int infer_group_norm(struct fxq_call *call)
{
	return read_groups(call, kern_int(call, "num_groups", 1));
}

int eval_group_norm(struct fxq_call *call)
{
	int ret;

	ret = kern_begin(call, infer_group_norm);
	if (ret)
		return ret;

	run_groups(call, kern_int(call, "num_groups", 1));
	return 0;
}

/* A group for each channel; no channels at all are one group of none. */
static int64_t channels(const struct fxq_call *call)
{
	return call->n_in && call->in[0].rank > 1 && call->in[0].dims[1] > 0 ?
	       call->in[0].dims[1] : 1;
}

int infer_instance_norm(struct fxq_call *call)
{
	return read_groups(call, channels(call));
}

int eval_instance_norm(struct fxq_call *call)
{
	int ret;

	ret = kern_begin(call, infer_instance_norm);
	if (ret)
		return ret;

	run_groups(call, channels(call));
	return 0;
}
