// SPDX-License-Identifier: MIT
/*
 * moments.c - what a layer's windows look like, in mean and product
 *
 * An output element is a row of weights times a column: the window of inputs
 * under it. How much an error of the weights matters depends on the columns,
 * through their mean and the mean of their products in pairs. Columns are
 * taken at places spread over each result, as many from each batch that some
 * thousands come together; more would tell nothing new.
 */
#include <stdlib.h>
#include <string.h>

#include "nn/kernels/clones.h"

#include "quant_priv.h"

#define COLUMNS		4096	/* wanted in all */
#define BATCH		32	/* columns that are added at once */

static bool is_sampled(const struct fx_node *n)
{
	const struct fxq_tensor *w;

	if (!(fx_node_is(n, "conv2d") || is_linear(n)) ||
	    !const_floats(fx_node_in(n, 1)) || !is_float(fx_node_in(n, 0)))
		return false;
	w = type_of(fx_node_in(n, 1));
	return fxq_tensor_count(w) / w->dims[0] <= MAX_TAPS;
}

struct moments *moments_new(const struct fx_node *n, uint64_t batches)
{
	const struct fxq_tensor *w;
	struct moments *m;

	if (!is_sampled(n))
		return NULL;
	w = type_of(fx_node_in(n, 1));
	m = calloc(1, sizeof(*m));
	if (!m)
		abort();
	m->layer = n;
	m->groups = is_linear(n) ? 1 : fx_node_int(n, "groups", 1);
	m->taps = fxq_tensor_count(w) / w->dims[0];
	m->per_batch = batches < COLUMNS ? COLUMNS / (int64_t)batches : 1;
	m->sum = calloc((size_t)(m->groups * m->taps), sizeof(double));
	m->product = calloc((size_t)(m->groups * m->taps * m->taps),
			    sizeof(double));
	m->column = calloc((size_t)(BATCH * m->groups * m->taps),
			   sizeof(double));
	if (!m->sum || !m->product || !m->column)
		abort();
	return m;
}

void moments_free(struct moments *m)
{
	if (!m)
		return;
	free(m->sum);
	free(m->product);
	free(m->column);
	free(m);
}

/* row[j] += the sum over the columns of x[i] * x[j], for j up to i. */
FXQ_CLONES
static void add_products(double *restrict row, const double *restrict x,
			 int64_t stride, int64_t i, int columns)
{
	for (int b = 0; b < columns; b += 4) {
		const double *x0 = x + b * stride, *x1 = x0 + stride;
		const double *x2 = x1 + stride, *x3 = x2 + stride;
		double a0 = x0[i], a1 = x1[i], a2 = x2[i], a3 = x3[i];

		for (int64_t j = 0; j <= i; j++)
			row[j] = (((row[j] + a0 * x0[j]) + a1 * x1[j]) +
				  a2 * x2[j]) + a3 * x3[j];
	}
}

/* Adds the columns gathered so far; those that are not there are zero. */
static void flush(struct moments *m)
{
	int64_t stride = m->groups * m->taps;

	if (!m->gathered)
		return;
	memset(m->column + m->gathered * stride, 0,
	       (size_t)((BATCH - m->gathered) * stride) * sizeof(double));
	for (int64_t g = 0; g < m->groups; g++) {
		const double *x = m->column + g * m->taps;
		double *product = m->product + g * m->taps * m->taps;
		double *sum = m->sum + g * m->taps;

		for (int b = 0; b < m->gathered; b++)
			for (int64_t i = 0; i < m->taps; i++)
				sum[i] += x[b * stride + i];
		for (int64_t i = 0; i < m->taps; i++)
			add_products(product + i * m->taps, x, stride, i,
				     BATCH);
	}
	m->count += (uint64_t)m->gathered;
	m->gathered = 0;
}

/* The window under output (@oy, @ox) of picture @x. */
static void gather_window(const struct moments *m, const struct fxq_tensor *t,
			  const float *x, int64_t oy, int64_t ox, double *to)
{
	const struct fxq_tensor *w = type_of(fx_node_in(m->layer, 1));
	int64_t stride[2] = { 1, 1 }, pad[4] = { 0 }, dilation[2] = { 1, 1 };
	int64_t ih = t->dims[2], iw = t->dims[3];

	spatial(m->layer, "stride", stride, 2);
	spatial(m->layer, "padding", pad, 4);
	spatial(m->layer, "dilation", dilation, 2);
	for (int64_t c = 0; c < t->dims[1]; c++)
		for (int64_t ky = 0; ky < w->dims[2]; ky++)
			for (int64_t kx = 0; kx < w->dims[3]; kx++) {
				int64_t iy = oy * stride[0] - pad[0] +
					     ky * dilation[0];
				int64_t ix = ox * stride[1] - pad[1] +
					     kx * dilation[1];
				bool in = iy >= 0 && iy < ih && ix >= 0 &&
					  ix < iw;

				*to++ = in ? (double)x[(c * ih + iy) * iw + ix] :
					0;
			}
}

static void gather(struct moments *m, const struct fxq_tensor *t, int64_t at)
{
	const struct fxq_tensor *y = type_of(m->layer);
	double *to = m->column + m->gathered * m->groups * m->taps;
	const float *x = t->data;

	if (is_linear(m->layer)) {
		for (int64_t i = 0; i < m->taps; i++)
			to[i] = (double)x[at * m->taps + i];
	} else {
		int64_t ow = y->dims[3], plane = y->dims[2] * ow;
		int64_t picture = at / plane, place = at % plane;

		gather_window(m, t, x + picture * t->dims[1] * t->dims[2] *
			      t->dims[3], place / ow, place % ow, to);
	}
	if (++m->gathered == BATCH)
		flush(m);
}

void moments_feed(struct moments *m, const struct fxq_tensor *t)
{
	const struct fxq_tensor *y = type_of(m->layer);
	int64_t places = fxq_tensor_count(y) / out_channels(m->layer);
	int64_t n = m->per_batch < places ? m->per_batch : places;

	for (int64_t i = 0; i < n; i++) {
		/* One in each of n equal parts, wherever chance has it. */
		int64_t from = i * places / n, to = (i + 1) * places / n;

		m->chance = m->chance * 6364136223846793005ull +
			    1442695040888963407ull;
		gather(m, t, from + (int64_t)((m->chance >> 33) %
					      (uint64_t)(to - from)));
	}
	flush(m);
}
