// SPDX-License-Identifier: MIT
/*
 * round.c - rounding the weights of a channel together
 *
 * With inputs x and errors e of the weights, the channel's sum is off by e.x:
 * on average by e.mean, which the bias takes back, and around that with the
 * variance e'Ce, C being the covariance of x. Starting from the nearest
 * integers, each weight in turn moves to where the variance is least, until
 * none moves; it never grows on the way.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/fxq_arith.h>

#include "nn/kernels/clones.h"

#include "quant_priv.h"

#define SWEEPS	12

/*
 * struct rounding - of one layer
 * @covariance: of the current group's columns, (taps, taps)
 * @mean: of them
 * @gradient: covariance times error
 * @error: of each weight
 */
struct rounding {
	const struct moments *m;
	double *covariance, *mean, *gradient, *error;
};

static void start(struct rounding *r, const struct moments *m)
{
	size_t n = (size_t)m->taps;

	r->m = m;
	r->covariance = calloc(n * n, sizeof(double));
	r->mean = calloc(3 * n, sizeof(double));
	if (!r->covariance || !r->mean)
		abort();
	r->gradient = r->mean + n;
	r->error = r->gradient + n;
}

/* Covariance of group @g, and a little on the diagonal for what is unseen. */
static void load_group(struct rounding *r, int64_t g)
{
	const struct moments *m = r->m;
	const double *product = m->product + g * m->taps * m->taps;
	int64_t n = m->taps;
	double trace = 0;

	for (int64_t i = 0; i < n; i++)
		r->mean[i] = m->sum[g * n + i] / (double)m->count;
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j <= i; j++) {
			double c = product[i * n + j] / (double)m->count -
				   r->mean[i] * r->mean[j];

			r->covariance[i * n + j] = c;
			r->covariance[j * n + i] = c;
		}
	for (int64_t i = 0; i < n; i++)
		trace += r->covariance[i * n + i];
	for (int64_t i = 0; i < n; i++)
		r->covariance[i * n + i] += trace / (double)n * 1e-2 + 1e-30;
}

FXQ_CLONES
static void add_row(double *restrict to, const double *restrict row, double by,
		    int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		to[i] += by * row[i];
}

/* Moves weight @i to the best integer; false if it is there already. */
static bool move(struct rounding *r, int8_t *w, double scale, int64_t i)
{
	const double *row = r->covariance + i * r->m->taps;
	double step = rint(-r->gradient[i] / (scale * row[i]));
	double to = (double)w[i] + step;

	to = to < -127 ? -127 : to > 127 ? 127 : to;
	if (to != to || to == (double)w[i])
		return false;
	step = (to - (double)w[i]) * scale;
	w[i] = (int8_t)to;
	r->error[i] += step;
	add_row(r->gradient, row, step, r->m->taps);
	return true;
}

/* Rounds one channel's weights @w, now the nearest; returns e.mean. */
static double round_channel(struct rounding *r, const float *exact, int8_t *w,
			    double scale)
{
	int64_t n = r->m->taps;
	double mean = 0;
	bool moved = true;

	memset(r->gradient, 0, (size_t)n * sizeof(*r->gradient));
	for (int64_t i = 0; i < n; i++) {
		r->error[i] = (double)w[i] * scale - (double)exact[i];
		add_row(r->gradient, r->covariance + i * n, r->error[i], n);
	}
	for (int sweep = 0; moved && sweep < SWEEPS; sweep++) {
		moved = false;
		for (int64_t i = 0; i < n; i++)
			moved |= move(r, w, scale, i);
	}
	for (int64_t i = 0; i < n; i++)
		mean += r->error[i] * r->mean[i];
	return mean;
}

/*
 * The bias that takes @shift back; false if 32 bits might not hold the sum
 * then.
 */
static bool shift_bias(const struct fx_node *n, int64_t taps, double unit,
		       int64_t channel, double shift, int32_t *bias)
{
	const struct fx_node *b = fx_node_in(n, 2);
	double room = 2147483647.0 - 255.0 * 127.0 * (double)taps;
	double to = b ? (double)const_floats(b)[channel] : 0;

	to = fxq_rne_double((to - shift) / unit);
	if (!(fabs(to) <= room))
		return false;
	*bias = (int32_t)to;
	return true;
}

void round_layer(const struct fx_node *n, float s_x, const struct moments *m,
		 struct layer_weights *w)
{
	const float *exact = const_floats(fx_node_in(n, 1));
	int64_t channels = out_channels(n), per = channels / m->groups;
	int8_t nearest[MAX_TAPS];
	struct rounding r;

	if (!m->count)
		return;
	start(&r, m);
	for (int64_t c = 0; c < channels; c++) {
		int8_t *row = w->w + c * m->taps;
		double shift;

		if (c % per == 0)
			load_group(&r, c / per);
		memcpy(nearest, row, (size_t)m->taps);
		shift = round_channel(&r, exact + c * m->taps, row,
				      (double)w->scale[c]);
		if (!shift_bias(n, m->taps, (double)(s_x * w->scale[c]), c,
				shift, &w->bias[c]))
			memcpy(row, nearest, (size_t)m->taps);
	}
	free(r.covariance);
	free(r.mean);
}
