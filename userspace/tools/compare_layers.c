// SPDX-License-Identifier: MIT
/*
 * compare_layers.c - what the graphs say of a layer before it runs
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

static const struct fxq_tensor *constant_in(const struct fx_node *n, size_t i,
					    uint32_t dtype)
{
	const struct fx_node *in = fx_node_in(n, i);

	return in && fx_node_is_const(in) && in->out[0].dtype == dtype ?
	       &in->out[0] : NULL;
}

/* The channel of the result that element @i of @w belongs to. */
static int64_t channel_of(const struct fx_node *n, const struct fxq_tensor *w,
			  int64_t i)
{
	int64_t taps = 1, groups = fx_node_int(n, "groups", 1), in;

	if (!fx_node_is(n, "qconv_transpose2d"))
		return i / (fxq_tensor_count(w) / w->dims[0]);
	for (uint32_t d = 2; d < w->rank; d++)
		taps *= w->dims[d];
	in = i / (taps * w->dims[1]);
	return in / (w->dims[0] / groups) * w->dims[1] +
	       i / taps % w->dims[1];
}

/* |x - z| is at most 255. */
static double headroom(const struct fx_node *n)
{
	const struct fxq_tensor *w = constant_in(n, 1, FXQ_DTYPE_I8);
	const struct fxq_tensor *bias = constant_in(n, 2, FXQ_DTYPE_I32);
	double *sum, most = 1;
	int64_t channels;

	if (!w || !bias)
		return NAN;
	channels = fxq_tensor_count(bias);
	sum = calloc((size_t)channels + 1, sizeof(*sum));
	if (!sum)
		return NAN;
	for (int64_t i = 0; i < fxq_tensor_count(w); i++)
		sum[channel_of(n, w, i)] += 255 * fabs(element(w, i));
	for (int64_t c = 0; c < channels; c++)
		most = fmax(most, sum[c] + fabs(element(bias, c)));
	free(sum);
	return 31 - log2(most);
}

/* The float weights that integer weights @w came from, by name. */
static const struct fxq_tensor *float_weights(const struct fx_graph *g,
					      const struct fx_node *w)
{
	fx_for_each_node(n, g)
		if (fx_node_is_const(n) && w->source &&
		    !strcmp(n->name, w->source))
			return &n->out[0];
	return NULL;
}

/* Each channel at the scale that brings its integers closest. */
static double weights_db(const struct fx_graph *g, const struct fx_node *n)
{
	const struct fxq_tensor *w = constant_in(n, 1, FXQ_DTYPE_I8), *f;
	const struct fxq_tensor *bias = constant_in(n, 2, FXQ_DTYPE_I32);
	double *fits, *squares, signal = 0, left = 0;
	int64_t channels;

	f = w && bias ? float_weights(g, fx_node_in(n, 1)) : NULL;
	if (!f || fxq_tensor_count(f) != fxq_tensor_count(w))
		return NAN;
	channels = fxq_tensor_count(bias);
	fits = calloc(2 * (size_t)channels + 1, sizeof(*fits));
	if (!fits)
		return NAN;
	squares = fits + channels;
	for (int64_t i = 0; i < fxq_tensor_count(w); i++) {
		int64_t c = channel_of(n, w, i);
		double q = element(w, i), v = element(f, i);

		fits[c] += q * v;
		squares[c] += q * q;
		signal += v * v;
	}
	left = signal;
	for (int64_t c = 0; c < channels; c++)
		left -= squares[c] > 0 ? fits[c] * fits[c] / squares[c] : 0;
	free(fits);
	return left > 0 ? 10 * log10(signal / left) : INFINITY;
}

int compare_list_layers(const struct build *b, const struct capture *flt,
			struct comparison *c)
{
	size_t n = 0;

	fx_for_each_node(count, b->converted)
		n++;
	c->layers = calloc(n + 1, sizeof(*c->layers));
	if (!c->layers)
		return complain_io(io_fail_memory("layers"));
	fx_for_each_node(node, b->converted) {
		struct layer *l = &c->layers[c->n];
		const struct captured *twin;

		if (node->opcode != FX_CALL_FUNCTION &&
		    node->opcode != FX_CALL_METHOD)
			continue;
		twin = capture_find_float(flt, node);
		*l = (struct layer){
			.node = node, .twin = twin ? twin->name : NULL,
			.headroom = headroom(node), .output_db = NAN,
			.weights_db = weights_db(b->graph, node),
		};
		c->n++;
	}
	return TOOL_OK;
}
