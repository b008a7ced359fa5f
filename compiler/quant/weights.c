// SPDX-License-Identifier: MIT
/*
 * weights.c - weights and bias of a layer, with a proof that sums fit
 *
 * A sum of K products is at most 255 * 127 * K, since |x - z| <= 255 and
 * |w| <= 127, or 128 where a model brings its weights. What 32 bits have beyond
 * that is left for the bias, and the bias, in units of s_x * s_w, grows as the
 * weights' scale shrinks: a channel whose weights are all but zero may need a
 * larger scale than its weights ask for.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <fxq/fxq_arith.h>

#include "nn/forms.h"

#include "quant_priv.h"

struct layer {
	struct fx_graph *g;
	const struct fx_node *n;
	const float *w, *b;
	int64_t count, channels, taps;
	float s_x, s_y, max_x;
	int most;		/* |w| is at most that */
};

static int32_t quantize_weight(const struct layer *l, float w, float scale)
{
	return fxq_q(w * (1.0f / scale), 0, -l->most, 127);
}

/* Largest |weight| of each output channel, or of all. */
static void largest(const struct layer *l, bool per_tensor, float *max)
{
	for (int64_t i = 0; i < l->count; i++) {
		int64_t c = per_tensor ? 0 : weight_channel(l->n, i);

		max[c] = fabsf(l->w[i]) > max[c] ? fabsf(l->w[i]) : max[c];
	}
	for (int64_t c = 1; per_tensor && c < l->channels; c++)
		max[c] = max[0];
}

/*
 * Fills @scale with what the weights came with; false if they came without, or
 * are no whole multiples of it any more, from -128 to 127.
 */
static bool given_scales(const struct layer *l, float *scale)
{
	const struct fx_arg *given = fx_node_kwarg(fx_node_in(l->n, 1),
						   "scale");

	if (!given || (given->count != 1 &&
		       given->count != (size_t)l->channels))
		return false;
	for (int64_t c = 0; c < l->channels; c++) {
		scale[c] = (float)given->items[given->count > 1 ? c : 0].f;
		if (!(scale[c] > 0))
			return false;
	}
	for (int64_t i = 0; i < l->count; i++)
		if (!form_is_int8(l->w[i], scale[weight_channel(l->n, i)]))
			return false;
	return true;
}

/* By how much scale @s may be off in the result, in its last place. */
static double cost_of_scale(const struct layer *l, int64_t channel, float s)
{
	double error = 0;

	for (int64_t i = 0; i < l->count; i++)
		if (weight_channel(l->n, i) == channel)
			error += fabs((double)l->w[i] -
				      (double)s *
				      quantize_weight(l, l->w[i], s));
	return l->s_y > 0 ? error * l->max_x / l->s_y : 0;
}

/* Raises the scale of @channel until its bias fits. */
static int fit_bias(const struct layer *l, int64_t channel, float *scale)
{
	double room = 2147483647.0 - 255.0 * l->most * (double)l->taps;
	double bias = l->b ? fabs((double)l->b[channel]) : 0;
	float least;
	double cost;

	if (room <= 0)
		return fx_graph_fail(l->g, -ERANGE,
				     "layer '%s' sums %lld products, more than 32 bits are sure to hold: split it",
				     l->n->source ? l->n->source : l->n->name,
				     (long long)l->taps);
	least = nextafterf((float)(bias / ((double)l->s_x * room)), INFINITY);
	if (*scale >= least)
		return 0;
	*scale = least;
	cost = cost_of_scale(l, channel, least);
	if (cost <= 0.5)
		return 0;
	return fx_graph_fail(l->g, -ERANGE,
			     "layer '%s', channel %lld: bias %g is too large for weights this small; a scale that holds it costs %.2f units of the result: calibrate with a wider range or scale the channel's weights",
			     l->n->source ? l->n->source : l->n->name,
			     (long long)channel, bias, cost);
}

int quantize_layer(struct fx_graph *g, const struct fx_node *n, float s_x,
		   float s_y, const struct range *x, bool per_tensor,
		   struct layer_weights *ret)
{
	const struct fx_node *bias = fx_node_in(n, 2);
	const struct fxq_tensor *wt = type_of(fx_node_in(n, 1));
	struct layer l = {
		.g = g, .n = n, .w = const_floats(fx_node_in(n, 1)),
		.b = bias ? const_floats(bias) : NULL,
		.count = fxq_tensor_count(wt), .channels = out_channels(n),
		.s_x = s_x, .s_y = s_y,
		.max_x = -x->min > x->max ? -x->min : x->max,
	};
	float *max;
	bool given;
	int err;

	l.taps = fx_node_is(n, "conv_transpose2d") ?
		 l.count / wt->dims[1] / fx_node_int(n, "groups", 1) :
		 l.count / l.channels;
	ret->w = fx_graph_alloc(g, (size_t)l.count);
	ret->scale = fx_graph_alloc(g, (size_t)l.channels * sizeof(float));
	ret->bias = fx_graph_alloc(g, (size_t)l.channels * sizeof(int32_t));
	max = fx_graph_alloc(g, (size_t)l.channels * sizeof(float));
	largest(&l, per_tensor, max);
	given = given_scales(&l, ret->scale);
	l.most = given ? 128 : 127;
	for (int64_t c = 0; c < l.channels; c++) {
		/* A channel of nothing has a scale that says nothing. */
		if (!given || !scale_ok(s_x * ret->scale[c]))
			ret->scale[c] = symmetric_scale(max[c]);
		err = fit_bias(&l, c, &ret->scale[c]);
		if (err)
			return err;
		if (!scale_ok(ret->scale[c]) || !scale_ok(s_x * ret->scale[c]))
			return fx_graph_fail(g, -ERANGE,
					     "layer '%s', channel %lld: weight scale %g is not a normal number",
					     n->source ? n->source : n->name,
					     (long long)c,
					     (double)ret->scale[c]);
		if (l.b)
			ret->bias[c] = (int32_t)fxq_rne_double(
				(double)l.b[c] /
				(double)(s_x * ret->scale[c]));
	}
	for (int64_t i = 0; i < l.count; i++)
		ret->w[i] = (int8_t)quantize_weight(
			&l, l.w[i], ret->scale[weight_channel(n, i)]);
	return 0;
}

void shift_biases(const struct fx_node *n, float s_x, const double *shift,
		  struct layer_weights *w)
{
	int64_t channels = out_channels(n);
	int64_t taps = fxq_tensor_count(type_of(fx_node_in(n, 1))) / channels;
	/* The weights may be the model's, so -128 is among them. */
	double room = 2147483647.0 - 255.0 * 128.0 * (double)taps;

	for (int64_t c = 0; c < channels; c++) {
		double unit = (double)(s_x * w->scale[c]);
		double to = (double)w->bias[c] - fxq_rne_double(shift[c] / unit);

		if (fabs(to) <= room)
			w->bias[c] = (int32_t)to;
	}
}
