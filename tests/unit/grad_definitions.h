/* SPDX-License-Identifier: MIT */
/*
 * grad_definitions.h - what the operators with gradients compute, in double
 *
 * Written from the operators' descriptions and as plainly as possible: no
 * kernel has a part in it. test_grad compares the float kernels with these,
 * and the gradients with their central differences.
 */
#ifndef GRAD_DEFINITIONS_H
#define GRAD_DEFINITIONS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "nn/kernels/kernel.h"

/* A call as operators have it, reals being doubles; results have their type. */
typedef void (*define_fn)(struct fxq_call *call);

static const double *def_in(const struct fxq_call *call, uint32_t i)
{
	return kern_has(call, i) ? call->in[i].data : NULL;
}

static double *def_out(const struct fxq_call *call, uint32_t i)
{
	return i < call->n_out ? call->out[i].data : NULL;
}

static int64_t def_count(const struct fxq_call *call)
{
	return fxq_tensor_count(&call->out[0]);
}

/* Functions of one value v, with parameters read by name. */
#define PARAMETER(name, def)	kern_float(call, name, def)

#define DEFINE_POINTWISE(name, expression)				\
static void define_##name(struct fxq_call *call)			\
{									\
	for (int64_t i = 0; i < def_count(call); i++) {			\
		double v = def_in(call, 0)[i];				\
									\
		def_out(call, 0)[i] = (expression);			\
	}								\
}

static double def_clip(double v, double lo, double hi)
{
	return fmin(fmax(v, lo), hi);
}

static double def_softplus(double v)
{
	return log1p(exp(v));
}

static double def_gelu(struct fxq_call *call, double v)
{
	double inner = sqrt(2 / M_PI) * (v + 0.044715 * pow(v, 3));

	if (!strcmp(kern_str(call, "approximate", "none"), "tanh"))
		return 0.5 * v * (1 + tanh(inner));
	return 0.5 * v * (1 + erf(v / sqrt(2)));
}

static double def_shrink(double v, double bias, double lambd)
{
	return v > lambd ? v - bias : v < -lambd ? v + bias : 0;
}

#define SELU_ALPHA	1.67326324235437728482
#define SELU_SCALE	1.05070098735548049342

/* X(name, expression): the table that cases are made of, too */
#define POINTWISE_DEFINITIONS(X)					\
	X(identity, v)							\
	X(relu, fmax(v, 0))						\
	X(relu6, def_clip(v, 0, 6))					\
	X(leaky_relu, v > 0 ? v : v * (float)PARAMETER("negative_slope", 0.01)) \
	X(elu, v > 0 ? v : PARAMETER("alpha", 1) * (exp(v) - 1))	\
	X(selu, SELU_SCALE * (v > 0 ? v : SELU_ALPHA * (exp(v) - 1)))	\
	X(celu, v > 0 ? v : PARAMETER("alpha", 1) *			\
	  (exp(v / PARAMETER("alpha", 1)) - 1))				\
	X(gelu, def_gelu(call, v))					\
	X(silu, v / (1 + exp(-v)))					\
	X(mish, v * tanh(def_softplus(v)))				\
	X(hardswish, v * def_clip(v + 3, 0, 6) / 6)			\
	X(hardsigmoid, def_clip(PARAMETER("alpha", 1.0 / 6) * v +	\
				PARAMETER("beta", 0.5), 0, 1))		\
	X(sigmoid, 1 / (1 + exp(-v)))					\
	X(tanh, tanh(v))						\
	X(softplus, def_softplus(v))					\
	X(softsign, v / (1 + fabs(v)))					\
	X(hardtanh, def_clip(v, PARAMETER("min_val", -1),		\
			     PARAMETER("max_val", 1)))			\
	X(clamp, def_clip(v, PARAMETER("min", -INFINITY),		\
			  PARAMETER("max", INFINITY)))			\
	X(thresholded_relu, v > PARAMETER("alpha", 1) ? v : 0)		\
	X(shrink, def_shrink(v, PARAMETER("bias", 0),			\
			     PARAMETER("lambd", 0.5)))			\
	X(erf, erf(v))							\
	X(exp, exp(v))							\
	X(log, log(v))							\
	X(sqrt, sqrt(v))						\
	X(reciprocal, 1 / v)						\
	X(neg, -v)							\
	X(abs, fabs(v))							\
	X(sign, v > 0 ? 1 : -1)						\
	X(floor, floor(v))						\
	X(ceil, ceil(v))						\
	X(round, rint(v))						\
	X(sin, sin(v))							\
	X(cos, cos(v))							\
	X(tan, tan(v))							\
	X(asin, asin(v))						\
	X(acos, acos(v))						\
	X(atan, atan(v))						\
	X(sinh, sinh(v))						\
	X(cosh, cosh(v))						\
	X(asinh, asinh(v))						\
	X(acosh, acosh(v))						\
	X(atanh, atanh(v))

POINTWISE_DEFINITIONS(DEFINE_POINTWISE)

static void define_view(struct fxq_call *call)
{
	memcpy(call->out[0].data, call->in[0].data,
	       fxq_tensor_bytes(&call->out[0]));
}

/* Where an operand of shape @t has the element that belongs to element @at. */
static int64_t def_broadcast(const struct fxq_tensor *t,
			     const struct fxq_tensor *out, int64_t at)
{
	int64_t place = 0, size = 1;

	for (uint32_t d = 0; d < out->rank; d++) {
		int64_t i = at % out->dims[out->rank - 1 - d];

		at /= out->dims[out->rank - 1 - d];
		if (d >= t->rank)
			continue;
		if (t->dims[t->rank - 1 - d] != 1)
			place += i * size;
		size *= t->dims[t->rank - 1 - d];
	}
	return place;
}

/* Functions of two broadcast values a and b. */
#define DEFINE_BINARY(name, expression)					\
static void define_##name(struct fxq_call *call)			\
{									\
	const struct fxq_tensor *y = &call->out[0];			\
									\
	for (int64_t i = 0; i < def_count(call); i++) {			\
		double a = def_in(call, 0)[def_broadcast(&call->in[0], y, i)]; \
		double b = def_in(call, 1)[def_broadcast(&call->in[1], y, i)]; \
									\
		def_out(call, 0)[i] = (expression);			\
	}								\
}

DEFINE_BINARY(add, a + b)
DEFINE_BINARY(sub, a - b)
DEFINE_BINARY(mul, a * b)
DEFINE_BINARY(div, a / b)
DEFINE_BINARY(pow, pow(a, b))
DEFINE_BINARY(minimum, fmin(a, b))
DEFINE_BINARY(maximum, fmax(a, b))

/* A window's geometry over the last dimensions, missing leading ones 1. */
struct def_window {
	int64_t in[3], out[3], taps[3], stride[3], dilation[3];
	int64_t begin[3], end[3];
};

static void def_read_window(struct fxq_call *call, const struct fxq_tensor *in,
			    const struct fxq_tensor *out,
			    const int64_t *taps, struct def_window *w)
{
	uint32_t nd = in->rank - 2, lead = 3 - nd;
	int64_t pads[6], stride[3], dilation[3];
	int64_t default_stride = fxq_call_attr(call, "kernel_size") ? 0 : 1;

	kern_ints(call, "padding", pads, 2 * nd, 0, 0);
	kern_ints(call, "stride", stride, nd, default_stride, 0);
	kern_ints(call, "dilation", dilation, nd, 1, 1);
	for (uint32_t d = 0; d < 3; d++) {
		w->in[d] = w->out[d] = w->taps[d] = 1;
		w->stride[d] = w->dilation[d] = 1;
		w->begin[d] = w->end[d] = 0;
	}
	for (uint32_t d = 0; d < nd; d++) {
		w->in[lead + d] = in->dims[2 + d];
		w->out[lead + d] = out->dims[2 + d];
		w->taps[lead + d] = taps[d];
		w->stride[lead + d] = stride[d] ? stride[d] : taps[d];
		w->dilation[lead + d] = dilation[d];
		w->begin[lead + d] = pads[d];
		w->end[lead + d] = pads[nd + d];
	}
}

/* Splits @at into coordinates of an array of three @dims. */
static void def_coordinates(int64_t at, const int64_t *dims, int64_t *ret)
{
	for (int d = 2; d >= 0; d--) {
		ret[d] = at % dims[d];
		at /= dims[d];
	}
}

/*
 * The element of a plane that @tap meets at output @o; -1: it is padding, -2:
 * behind even that.
 */
static int64_t def_meets(const struct def_window *w, int64_t o, int64_t tap)
{
	int64_t at = 0, oc[3], tc[3], kind = 0;

	def_coordinates(o, w->out, oc);
	def_coordinates(tap, w->taps, tc);
	for (int d = 0; d < 3; d++) {
		int64_t i = oc[d] * w->stride[d] - w->begin[d] +
			    tc[d] * w->dilation[d];

		if (i >= w->in[d] + w->end[d])
			kind = -2;
		else if ((i < 0 || i >= w->in[d]) && !kind)
			kind = -1;
		at = at * w->in[d] + i;
	}
	return kind ? kind : at;
}

static int64_t def_size(const int64_t dims[3])
{
	return dims[0] * dims[1] * dims[2];
}

static void define_conv(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0], *weight = &call->in[1];
	const double *bias = def_in(call, 2);
	int64_t groups = kern_int(call, "groups", 1);
	int64_t oc = weight->dims[0], ic = weight->dims[1];
	int64_t taps, in_size, out_size;
	struct def_window w;

	def_read_window(call, x, &call->out[0], weight->dims + 2, &w);
	taps = def_size(w.taps);
	in_size = def_size(w.in);
	out_size = def_size(w.out);
	for (int64_t at = 0; at < def_count(call); at++) {
		int64_t p = at % out_size, o = at / out_size % oc;
		int64_t n = at / out_size / oc, group = o / (oc / groups);
		double sum = bias ? bias[o] : 0;

		for (int64_t i = 0; i < ic; i++)
			for (int64_t t = 0; t < taps; t++) {
				int64_t from = def_meets(&w, p, t);
				int64_t channel = (n * groups + group) * ic + i;

				if (from >= 0)
					sum += def_in(call, 0)[channel *
						in_size + from] *
					       def_in(call, 1)[(o * ic + i) *
						taps + t];
			}
		def_out(call, 0)[at] = sum;
	}
}

/* Each input element spreads over the outputs that meet it. */
static void define_conv_transpose(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0], *weight = &call->in[1];
	const double *bias = def_in(call, 2);
	int64_t groups = kern_int(call, "groups", 1);
	int64_t ic = weight->dims[0], oc = weight->dims[1] * groups;
	int64_t taps, in_size, out_size;
	struct def_window w;

	def_read_window(call, &call->out[0], x, weight->dims + 2, &w);
	taps = def_size(w.taps);
	in_size = def_size(w.out);
	out_size = def_size(w.in);
	for (int64_t at = 0; at < def_count(call); at++)
		def_out(call, 0)[at] = bias ? bias[at / out_size % oc] : 0;

	for (int64_t at = 0; at < fxq_tensor_count(x); at++) {
		int64_t i = at / in_size % ic, n = at / in_size / ic;
		int64_t group = i / (ic / groups), each = oc / groups;

		for (int64_t o = 0; o < each; o++)
			for (int64_t t = 0; t < taps; t++) {
				int64_t to = def_meets(&w, at % in_size, t);

				if (to < 0)
					continue;
				to += (n * oc + group * each + o) * out_size;
				def_out(call, 0)[to] += def_in(call, 0)[at] *
					def_in(call, 1)[(i * each + o) * taps + t];
			}
	}
}

static void define_linear(struct fxq_call *call)
{
	int64_t out = call->in[1].dims[0], in = call->in[1].dims[1];
	const double *bias = def_in(call, 2);

	for (int64_t at = 0; at < def_count(call); at++) {
		double sum = bias ? bias[at % out] : 0;

		for (int64_t k = 0; k < in; k++)
			sum += def_in(call, 0)[at / out * in + k] *
			       def_in(call, 1)[at % out * in + k];
		def_out(call, 0)[at] = sum;
	}
}

static void define_batch_norm(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	int64_t size = kern_product(x, 2, x->rank);
	double eps = PARAMETER("eps", 1e-5);

	for (int64_t at = 0; at < def_count(call); at++) {
		int64_t c = at / size % x->dims[1];
		double weight = def_in(call, 1) ? def_in(call, 1)[c] : 1;
		double bias = def_in(call, 2) ? def_in(call, 2)[c] : 0;

		def_out(call, 0)[at] = (def_in(call, 0)[at] -
					def_in(call, 3)[c]) /
			sqrt(def_in(call, 4)[c] + eps) * weight + bias;
	}
}

static void define_batch_norm_train(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	int64_t size = kern_product(x, 2, x->rank), channels = x->dims[1];
	double count = (double)(x->dims[0] * size);
	double *mean = def_out(call, 1), *var = def_out(call, 2);

	memset(mean, 0, channels * sizeof(*mean));
	memset(var, 0, channels * sizeof(*var));
	for (int64_t at = 0; at < def_count(call); at++)
		mean[at / size % channels] += def_in(call, 0)[at] / count;
	for (int64_t at = 0; at < def_count(call); at++) {
		int64_t c = at / size % channels;

		var[c] += pow(def_in(call, 0)[at] - mean[c], 2) / count;
	}
	for (int64_t at = 0; at < def_count(call); at++) {
		int64_t c = at / size % channels;
		double weight = def_in(call, 1) ? def_in(call, 1)[c] : 1;
		double bias = def_in(call, 2) ? def_in(call, 2)[c] : 0;

		def_out(call, 0)[at] = (def_in(call, 0)[at] - mean[c]) /
			sqrt(var[c] + PARAMETER("eps", 1e-5)) * weight + bias;
	}
}

/* Over windows of x: the maximum, or the average. */
static void def_pool(struct fxq_call *call, bool is_max,
		     const struct def_window *w)
{
	int64_t in_size = def_size(w->in), out_size = def_size(w->out);
	bool count_pad = kern_int(call, "count_include_pad", 1);

	for (int64_t at = 0; at < def_count(call); at++) {
		const double *plane = def_in(call, 0) + at / out_size * in_size;
		double most = -INFINITY, sum = 0, n = 0;

		for (int64_t t = 0; t < def_size(w->taps); t++) {
			int64_t from = def_meets(w, at % out_size, t);

			n += from >= 0 || (from == -1 && count_pad);
			if (from < 0)
				continue;
			most = fmax(most, plane[from]);
			sum += plane[from];
		}
		def_out(call, 0)[at] = is_max ? most : sum / n;
	}
}

static void def_window_pool(struct fxq_call *call, bool is_max)
{
	int64_t taps[3];
	struct def_window w;

	kern_ints(call, "kernel_size", taps, call->in[0].rank - 2, 1, 1);
	def_read_window(call, &call->in[0], &call->out[0], taps, &w);
	def_pool(call, is_max, &w);
}

static void define_max_pool(struct fxq_call *call)
{
	def_window_pool(call, true);
}

static void define_avg_pool(struct fxq_call *call)
{
	def_window_pool(call, false);
}

static void def_global_pool(struct fxq_call *call, bool is_max)
{
	int64_t n = kern_product(&call->in[0], 2, call->in[0].rank);
	struct def_window w = {
		.in = { 1, 1, n }, .taps = { 1, 1, n }, .out = { 1, 1, 1 },
		.stride = { 1, 1, 1 }, .dilation = { 1, 1, 1 },
	};

	def_pool(call, is_max, &w);
}

static void define_global_max_pool(struct fxq_call *call)
{
	def_global_pool(call, true);
}

static void define_global_avg_pool(struct fxq_call *call)
{
	def_global_pool(call, false);
}

/* Window o of out over n elements: from floor(o n / out) to ceil((o + 1) n / out). */
static void define_adaptive_avg_pool2d(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0], *y = &call->out[0];
	int64_t h = x->dims[x->rank - 2], w = x->dims[x->rank - 1];
	int64_t oh = y->dims[y->rank - 2], ow = y->dims[y->rank - 1];

	for (int64_t at = 0; at < def_count(call); at++) {
		int64_t i = at / ow % oh, j = at % ow;
		double sum = 0, n = 0;

		for (int64_t a = 0; a < h; a++)
			for (int64_t b = 0; b < w; b++) {
				if (a < i * h / oh || b < j * w / ow ||
				    a >= ceil((double)(i + 1) * h / oh) ||
				    b >= ceil((double)(j + 1) * w / ow))
					continue;
				sum += def_in(call, 0)[(at / ow / oh * h + a) *
						       w + b];
				n++;
			}
		def_out(call, 0)[at] = sum / n;
	}
}

/* A pattern in place of chance: gradients take what was kept as given. */
static void define_dropout_train(struct fxq_call *call)
{
	uint8_t *kept = call->out[1].data;

	for (int64_t i = 0; i < def_count(call); i++) {
		kept[i] = i * 7 % 10 >= 3;
		def_out(call, 0)[i] = kept[i] * def_in(call, 0)[i] /
				      (1 - PARAMETER("p", 0.5));
	}
}

/* The loss of element @i, of which there are @n, goes where it belongs. */
static void def_reduce(struct fxq_call *call, int64_t i, double loss, double n)
{
	const char *how = kern_str(call, "reduction", "mean");

	if (!strcmp(how, "none"))
		def_out(call, 0)[i] = loss;
	else
		def_out(call, 0)[0] += strcmp(how, "sum") ? loss / n : loss;
}

static void define_cross_entropy(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	uint32_t along = x->rank > 1 ? 1 : 0;
	int64_t n = x->dims[along], ignored = kern_int(call, "ignore_index", -100);
	int64_t inner = kern_product(x, along + 1, x->rank);
	int64_t rows = fxq_tensor_count(&call->in[1]);
	const int64_t *classes = call->in[1].data;
	double e = PARAMETER("label_smoothing", 0), counted = 0;

	for (int64_t r = 0; r < rows; r++)
		counted += classes[r] != ignored;
	memset(call->out[0].data, 0, fxq_tensor_bytes(&call->out[0]));
	for (int64_t r = 0; r < rows; r++) {
		const double *v = def_in(call, 0) + r / inner * n * inner +
				  r % inner;
		double sum = 0, loss = 0;

		for (int64_t c = 0; c < n; c++)
			sum += exp(v[c * inner]);
		for (int64_t c = 0; c < n; c++) {
			double label = (c == classes[r]) * (1 - e) + e / n;

			loss -= label * log(exp(v[c * inner]) / sum);
		}
		if (classes[r] != ignored)
			def_reduce(call, r, loss, counted);
	}
}

static void define_mse_loss(struct fxq_call *call)
{
	int64_t n = fxq_tensor_count(&call->in[0]);

	memset(call->out[0].data, 0, fxq_tensor_bytes(&call->out[0]));
	for (int64_t i = 0; i < n; i++)
		def_reduce(call, i, pow(def_in(call, 0)[i] -
					def_in(call, 1)[i], 2), (double)n);
}

/*
 * Operators that copy: where the element of the result at coordinates @at
 * comes from, written over it; false: from nowhere.
 */
typedef bool (*source_fn)(struct fxq_call *call, int64_t *at);

static void def_split_place(const struct fxq_tensor *t, int64_t place,
			    int64_t *ret_at)
{
	for (uint32_t d = t->rank; d-- > 0; place /= t->dims[d])
		ret_at[d] = place % t->dims[d];
}

static int64_t def_place(const struct fxq_tensor *t, const int64_t *at)
{
	int64_t place = 0;

	for (uint32_t d = 0; d < t->rank; d++)
		place = place * t->dims[d] + at[d];
	return place;
}

static void def_move(struct fxq_call *call, source_fn source, double made)
{
	for (int64_t i = 0; i < def_count(call); i++) {
		int64_t at[2 * FXQ_MAX_RANK] = { 0 };

		def_split_place(&call->out[0], i, at);
		def_out(call, 0)[i] = !source(call, at) ? made :
			def_in(call, 0)[def_place(&call->in[0], at)];
	}
}

static int64_t def_index(const struct fxq_call *call, int64_t i)
{
	return ((const int64_t *)call->in[1].data)[i];
}

static bool from_permute(struct fxq_call *call, int64_t *at)
{
	const struct fxq_attr *dims = fxq_call_attr(call, "dims");
	int64_t to[FXQ_MAX_RANK];

	memcpy(to, at, sizeof(to));
	for (uint32_t d = 0; d < call->in[0].rank; d++)
		at[dims->ints[d]] = to[d];
	return true;
}

static bool from_slice(struct fxq_call *call, int64_t *at)
{
	int64_t dim = fxq_call_attr(call, "axes")->ints[0];

	at[dim] = fxq_call_attr(call, "starts")->ints[0] +
		  at[dim] * fxq_call_attr(call, "steps")->ints[0];
	return true;
}

static bool from_expand(struct fxq_call *call, int64_t *at)
{
	const struct fxq_tensor *x = &call->in[0];
	uint32_t lead = call->out[0].rank - x->rank;

	for (uint32_t d = 0; d < x->rank; d++)
		at[d] = x->dims[d] == 1 ? 0 : at[lead + d];
	return true;
}

static bool from_tile(struct fxq_call *call, int64_t *at)
{
	for (uint32_t d = 0; d < call->in[0].rank; d++)
		at[d] %= call->in[0].dims[d];
	return true;
}

static bool from_pad(struct fxq_call *call, int64_t *at)
{
	const char *mode = kern_str(call, "mode", "constant");

	for (uint32_t d = 0; d < call->in[0].rank; d++) {
		int64_t n = call->in[0].dims[d];

		at[d] -= fxq_call_attr(call, "pads")->ints[d];
		if (at[d] >= 0 && at[d] < n)
			continue;
		if (*mode == 'c')
			return false;
		if (*mode == 'r')
			at[d] = at[d] < 0 ? -at[d] : 2 * n - 2 - at[d];
		else
			at[d] = at[d] < 0 ? 0 : n - 1;
	}
	return true;
}

static bool from_depth_to_space(struct fxq_call *call, int64_t *at)
{
	int64_t b = kern_int(call, "block", 1), inside;

	inside = at[2] % b * b + at[3] % b;
	if (!strcmp(kern_str(call, "mode", "DCR"), "CRD"))
		at[1] = at[1] * b * b + inside;
	else
		at[1] += inside * call->out[0].dims[1];
	at[2] /= b;
	at[3] /= b;
	return true;
}

static bool from_space_to_depth(struct fxq_call *call, int64_t *at)
{
	int64_t b = kern_int(call, "block", 1), c = call->in[0].dims[1];

	at[2] = at[2] * b + at[1] / c / b;
	at[3] = at[3] * b + at[1] / c % b;
	at[1] %= c;
	return true;
}

static bool from_reverse_sequence(struct fxq_call *call, int64_t *at)
{
	int64_t length = def_index(call, at[1]);

	if (at[0] < length)
		at[0] = length - 1 - at[0];
	return true;
}

static bool from_trilu(struct fxq_call *call, int64_t *at)
{
	return at[1] >= at[0] + kern_int(call, "k", 0);
}

static bool from_gather(struct fxq_call *call, int64_t *at)
{
	int64_t dim = kern_int(call, "dim", 0);
	uint32_t rank = call->in[1].rank;

	at[dim] = def_index(call, def_place(&call->in[1], at + dim));
	for (uint32_t d = dim + 1; d < call->in[0].rank; d++)
		at[d] = at[d - 1 + rank];
	return true;
}

static bool from_gather_elements(struct fxq_call *call, int64_t *at)
{
	at[kern_int(call, "dim", 0)] =
		def_index(call, def_place(&call->in[1], at));
	return true;
}

/* Of pairs of indices into three dimensions. */
static bool from_gather_nd(struct fxq_call *call, int64_t *at)
{
	int64_t row = at[0];

	at[2] = at[1];
	at[0] = def_index(call, 2 * row);
	at[1] = def_index(call, 2 * row + 1);
	return true;
}

#define DEFINE_MOVE(name)					\
static void define_##name(struct fxq_call *call)		\
{								\
	const double *made = def_in(call, 2);			\
								\
	def_move(call, from_##name, made ? *made : 0);		\
}

DEFINE_MOVE(permute)
DEFINE_MOVE(slice)
DEFINE_MOVE(expand)
DEFINE_MOVE(tile)
DEFINE_MOVE(pad)
DEFINE_MOVE(depth_to_space)
DEFINE_MOVE(space_to_depth)
DEFINE_MOVE(reverse_sequence)
DEFINE_MOVE(trilu)
DEFINE_MOVE(gather)
DEFINE_MOVE(gather_elements)
DEFINE_MOVE(gather_nd)

/* Parts that stand beside one another along a dimension of the whole. */
static void def_parts(struct fxq_call *call, const struct fxq_tensor *whole,
		      const struct fxq_tensor *parts, uint32_t n, bool join)
{
	int64_t dim = kern_int(call, "dim", 0), before = 0;

	for (uint32_t p = 0; p < n; before += parts[p++].dims[dim])
		for (int64_t i = 0; i < fxq_tensor_count(&parts[p]); i++) {
			double *part = (double *)parts[p].data + i, *all;
			int64_t at[FXQ_MAX_RANK];

			def_split_place(&parts[p], i, at);
			at[dim] += before;
			all = (double *)whole->data + def_place(whole, at);
			if (join)
				*all = *part;
			else
				*part = *all;
		}
}

static void define_concat(struct fxq_call *call)
{
	def_parts(call, &call->out[0], call->in, call->n_in, true);
}

static void define_split(struct fxq_call *call)
{
	def_parts(call, &call->in[0], call->out, call->n_out, false);
}

static void define_where(struct fxq_call *call)
{
	const struct fxq_tensor *y = &call->out[0];
	const uint8_t *condition = call->in[0].data;

	for (int64_t i = 0; i < def_count(call); i++) {
		uint32_t from = condition[def_broadcast(&call->in[0], y, i)] ?
				1 : 2;

		def_out(call, 0)[i] = def_in(call, from)[
			def_broadcast(&call->in[from], y, i)];
	}
}

static void define_prelu(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0], *slope = &call->in[1];
	int64_t inner = kern_product(x, 2, x->rank);

	for (int64_t i = 0; i < def_count(call); i++) {
		double v = def_in(call, 0)[i];
		int64_t s = slope->rank == 1 && slope->dims[0] == x->dims[1] ?
			    i / inner % x->dims[1] : def_broadcast(slope, x, i);

		def_out(call, 0)[i] = v > 0 ? v : v * def_in(call, 1)[s];
	}
}

/* Of @n numbers, @step apart. */
#define DEFINE_REDUCTION(name, start, each, end)			\
static double def_##name(const double *x, int64_t n, int64_t step)	\
{									\
	double s = start;						\
									\
	for (int64_t i = 0; i < n; i++) {				\
		double v = x[i * step];					\
									\
		s = (each);						\
	}								\
	return (end);							\
}									\
									\
static void define_##name(struct fxq_call *call)			\
{									\
	def_reduction(call, def_##name);				\
}

/* Over the dimension that "dims" names, or all of them. */
static void def_reduction(struct fxq_call *call,
			  double (*of)(const double *, int64_t, int64_t))
{
	const struct fxq_attr *dims = fxq_call_attr(call, "dims");
	const struct fxq_tensor *x = &call->in[0];
	int64_t dim = dims ? dims->ints[0] : 0, inner;
	int64_t n = dims ? x->dims[dim] : fxq_tensor_count(x);

	inner = dims ? kern_product(x, dim + 1, x->rank) : 1;
	for (int64_t i = 0; i < def_count(call); i++)
		def_out(call, 0)[i] = of(def_in(call, 0) + i / inner * n *
					 inner + i % inner, n, inner);
}

DEFINE_REDUCTION(reduce_sum, 0, s + v, s)
DEFINE_REDUCTION(reduce_mean, 0, s + v, s / n)
DEFINE_REDUCTION(reduce_max, -INFINITY, fmax(s, v), s)
DEFINE_REDUCTION(reduce_min, INFINITY, fmin(s, v), s)
DEFINE_REDUCTION(reduce_l1, 0, s + fabs(v), s)
DEFINE_REDUCTION(reduce_l2, 0, s + v * v, sqrt(s))
DEFINE_REDUCTION(reduce_sum_square, 0, s + v * v, s)
DEFINE_REDUCTION(reduce_log_sum, 0, s + v, log(s))
DEFINE_REDUCTION(reduce_log_sum_exp, 0, s + exp(v), log(s))

/* Of a matrix, along one of its dimensions. */
static void define_cumsum(struct fxq_call *call)
{
	int64_t rows = call->in[0].dims[0], columns = call->in[0].dims[1];
	bool down = !kern_int(call, "dim", 0);
	bool reverse = kern_int(call, "reverse", 0);
	bool exclusive = kern_int(call, "exclusive", 0);

	for (int64_t i = 0; i < rows * columns; i++) {
		int64_t own = down ? i / columns : i % columns;
		double sum = 0;

		for (int64_t k = 0; k < (down ? rows : columns); k++) {
			int64_t from = down ? k * columns + i % columns :
				       i / columns * columns + k;

			if (k == own ? !exclusive : (k > own) == reverse)
				sum += def_in(call, 0)[from];
		}
		def_out(call, 0)[i] = sum;
	}
}

static void def_softmax(struct fxq_call *call, bool is_log)
{
	const struct fxq_tensor *x = &call->in[0];
	int64_t dim = kern_int(call, "dim", -1);

	dim = dim < 0 ? dim + x->rank : dim;
	for (int64_t i = 0; i < def_count(call); i++) {
		int64_t at[FXQ_MAX_RANK];
		double sum = 0, v = def_in(call, 0)[i];

		def_split_place(x, i, at);
		for (at[dim] = 0; at[dim] < x->dims[dim]; at[dim]++)
			sum += exp(def_in(call, 0)[def_place(x, at)]);
		def_out(call, 0)[i] = is_log ? v - log(sum) : exp(v) / sum;
	}
}

static void define_softmax(struct fxq_call *call)
{
	def_softmax(call, false);
}

static void define_log_softmax(struct fxq_call *call)
{
	def_softmax(call, true);
}

static void define_matmul(struct fxq_call *call)
{
	const struct fxq_tensor *a = &call->in[0], *b = &call->in[1];
	struct fxq_tensor y = call->out[0], left = *a, right = *b;
	int64_t n, m, k = a->dims[a->rank - 1];

	/* A vector is a matrix of one row or column. */
	if (a->rank == 1)
		left = fxq_tensor_type(FXQ_DTYPE_F64, 2, (int64_t[]){ 1, k });
	if (b->rank == 1)
		right = fxq_tensor_type(FXQ_DTYPE_F64, 2, (int64_t[]){ k, 1 });
	m = left.dims[left.rank - 2];
	n = right.dims[right.rank - 1];
	left.rank -= 2;
	right.rank -= 2;
	y.rank -= (a->rank > 1) + (b->rank > 1);
	for (int64_t i = 0; i < def_count(call); i++) {
		int64_t row = i / n % m, column = i % n, batch = i / n / m;
		const double *x = def_in(call, 0) + k *
			(def_broadcast(&left, &y, batch) * m + row);
		const double *w = def_in(call, 1) + column +
			def_broadcast(&right, &y, batch) * k * n;
		double sum = 0;

		for (int64_t j = 0; j < k; j++)
			sum += x[j] * w[j * n];
		def_out(call, 0)[i] = sum;
	}
}

/*
 * Rows of @n, whose element i of row r has weight number (r n + i) / run,
 * counted modulo @weights.
 */
static void def_norm(struct fxq_call *call, int64_t n, int64_t run,
		     int64_t weights)
{
	const double *weight = def_in(call, 1), *bias = def_in(call, 2);

	for (int64_t row = 0; row < def_count(call) / n; row++) {
		const double *x = def_in(call, 0) + row * n;
		double mean = 0, var = 0, inverse;

		for (int64_t i = 0; i < n; i++)
			mean += x[i] / (double)n;
		for (int64_t i = 0; i < n; i++)
			var += pow(x[i] - mean, 2) / (double)n;
		inverse = 1 / sqrt(var + PARAMETER("eps", 1e-5));
		for (int64_t i = 0; i < n; i++) {
			int64_t w = (row * n + i) / run % weights;

			def_out(call, 0)[row * n + i] = (x[i] - mean) *
				inverse * (weight ? weight[w] : 1) +
				(bias ? bias[w] : 0);
		}
		if (call->n_out > 1)
			def_out(call, 1)[row] = mean;
		if (call->n_out > 2)
			def_out(call, 2)[row] = inverse;
	}
}

static void define_layer_norm(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	const struct fxq_attr *shape = fxq_call_attr(call, "normalized_shape");
	uint32_t axis = x->rank - (shape ? shape->count : 1);
	int64_t n = kern_product(x, axis, x->rank);

	def_norm(call, n, 1, n);
}

static void define_group_norm(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	int64_t size = kern_product(x, 2, x->rank);
	int64_t groups = kern_int(call, "num_groups", 1);

	def_norm(call, x->dims[1] / groups * size, size, x->dims[1]);
}

static void define_instance_norm(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	int64_t size = kern_product(x, 2, x->rank);

	def_norm(call, size, size, x->dims[1]);
}

/* Where @o of @out elements lies among @in, as torch's interpolate has it. */
static double def_coordinate(struct fxq_call *call, int64_t o, int64_t in,
			     int64_t out)
{
	const char *how = kern_str(call, "coordinate_transformation_mode",
				   "half_pixel");

	if (!strcmp(how, "align_corners"))
		return (double)o * (double)(in - 1) / (double)(out - 1);
	if (!strcmp(how, "asymmetric"))
		return (double)o * (double)in / (double)out;
	return ((double)o + 0.5) * (double)in / (double)out - 0.5;
}

/* Nearest below, or bilinear, over the last two dimensions. */
static void define_resize(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0], *y = &call->out[0];
	bool is_linear = !strcmp(kern_str(call, "mode", "nearest"), "linear");
	int64_t h = x->dims[2], w = x->dims[3];

	for (int64_t i = 0; i < def_count(call); i++) {
		int64_t at[FXQ_MAX_RANK], top, left;
		const double *plane;
		double cy, cx, sum = 0;

		def_split_place(y, i, at);
		plane = def_in(call, 0) + (at[0] * x->dims[1] + at[1]) * h * w;
		cy = def_clip(def_coordinate(call, at[2], h, y->dims[2]), 0,
			      (double)(h - 1));
		cx = def_clip(def_coordinate(call, at[3], w, y->dims[3]), 0,
			      (double)(w - 1));
		top = (int64_t)floor(cy);
		left = (int64_t)floor(cx);
		for (int64_t k = 0; k < 4; k++) {
			int64_t a = top + k / 2, b = left + k % 2;
			double wy = 1 - fabs(cy - (double)a);
			double wx = 1 - fabs(cx - (double)b);

			if (!is_linear)
				wy = wx = !k;
			if (a < h && b < w)
				sum += wy * wx * plane[a * w + b];
		}
		def_out(call, 0)[i] = sum;
	}
}

#endif
