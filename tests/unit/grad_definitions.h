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

#endif
