// SPDX-License-Identifier: MIT
/*
 * simulate.c - what rounding shifts, seen on a float graph that rounds
 *
 * Errors of rounding are not zero on average: what clips on one side, or lies
 * between two steps over a whole area, is off in one direction, and the layers
 * behind it pass that on. So calibration's data go through two graphs: the
 * float one, and a copy that has the device's weights and rounds each value
 * as the device does. By how much a layer's sums differ on average, its bias
 * takes back. The copy does so as it runs, by what the batches up to this one
 * have shown, so that a layer is looked at with inputs that are right.
 *
 * A mean of few batches is partly chance. It is taken back as far as it is
 * more than what noise of that size leaves in as many batches.
 *
 * reads: float graph that fx_convert() has just been through
 */
#include <stdlib.h>
#include <string.h>

#include <fxq/fxq_arith.h>

#include "nn/kernels/clones.h"

#include "convert.h"

/*
 * Batches that are run. In the mean of an error they leave 0.09 of its spread to
 * chance; twice as many would leave 0.06, for twice the time.
 */
#define MOST	128

/*
 * struct site - a layer that became integer
 * @channels, @inner: of its value; elements of a channel that lie together
 * @exact: the float graph's value for the current batch
 * @count: elements of a channel that were compared
 * @sum, @square: of the copy's errors, of each channel
 */
struct site {
	const struct fx_node *layer;
	int64_t channels, inner;
	float *exact;
	double count, *sum, *square;
	struct site *next;
};

/* struct point - n->data of the nodes of both graphs */
struct point {
	struct site *site;		/* of a layer's own value, or NULL */
	bool rounds;
	struct qparams q;
};

/*
 * struct simulation
 * @points: of the nodes of @exact, in order
 * @every: which batches are run, one in so many of those @seen
 */
struct simulation {
	struct fx_graph *exact, *rounded;
	struct point **points;
	struct site *sites;
	uint64_t every, seen, batches;
};

/* Making it */

static struct site *site_new(struct simulation *s, const struct fx_node *layer)
{
	const struct fxq_tensor *t = type_of(layer);
	struct site *site = calloc(1, sizeof(*site));
	size_t n = (size_t)out_channels(layer);

	if (!site)
		abort();
	*site = (struct site){ .layer = layer, .channels = (int64_t)n,
			       .inner = 1, .next = s->sites };
	for (uint32_t i = (uint32_t)layer_axis(layer) + 1; i < t->rank; i++)
		site->inner *= t->dims[i];
	site->sum = calloc(2 * n, sizeof(*site->sum));
	if (!site->sum)
		abort();
	site->square = site->sum + n;
	s->sites = site;
	return site;
}

/* Layer @n of the copy gets the device's weights @w, for inputs of scale @s_x. */
static void replace_weights(struct fx_node *n, const struct layer_weights *w,
			    float s_x)
{
	const struct fxq_tensor *t = type_of(fx_node_in(n, 1));
	int64_t count = fxq_tensor_count(t), channels = out_channels(n);
	float *values = fx_graph_alloc(n->graph, (size_t)count * sizeof(float));
	float *bias = fx_graph_alloc(n->graph, (size_t)channels * sizeof(float));

	for (int64_t i = 0; i < count; i++)
		values[i] = (float)w->w[i] * w->scale[weight_channel(n, i)];
	for (int64_t c = 0; c < channels; c++)
		bias[c] = (float)w->bias[c] * (s_x * w->scale[c]);
	fx_graph_set_insert_point(n->graph, n);
	fx_node_set_in(n, 1, add_const(n->graph, n, "rounded", FXQ_DTYPE_F32,
				       t->rank, t->dims, values));
	fx_node_set_in(n, 2, add_const(n->graph, n, "shifted", FXQ_DTYPE_F32,
				       1, &channels, bias));
	fx_graph_set_insert_point(n->graph, NULL);
}

/* How the device rounds the value of @n; false: it does not. */
static bool rounding_of(const struct fx_node *n, struct qparams *ret)
{
	const struct value *v = value_of(n);
	const struct group *g = v->group;

	/* A layer rounds its sum before the table, and the table's result. */
	if (g && g->table && value_of(g->head)->weights &&
	    n == (g->add ? g->add : g->prelu ? g->prelu : g->head)) {
		*ret = v->qp;
		return true;
	}
	if (!v->q || v->q->out[0].dtype != FXQ_DTYPE_I8 || n->n_out != 1)
		return false;
	*ret = qparams_of_node(v->q);
	return true;
}

static struct point *point_new(struct simulation *s, const struct fx_node *n,
			       struct fx_node *copy)
{
	struct point *p = fx_graph_alloc(s->rounded, sizeof(*p));
	const struct layer_weights *w = value_of(n)->weights;

	*p = (struct point){ 0 };
	p->rounds = rounding_of(n, &p->q);
	if (w) {
		const struct value *in = value_of(fx_node_in(n, 0));

		replace_weights(copy, w, in->q->out[0].scale);
		p->site = site_new(s, n);
	}
	copy->data = p;
	return p;
}

struct simulation *simulation_new(struct fx_graph *g, uint64_t batches)
{
	struct simulation *s = calloc(1, sizeof(*s));
	struct fx_node *copy, *next;
	size_t n = 0;

	if (!s)
		abort();
	s->every = (batches + MOST - 1) / MOST;
	s->exact = g;
	s->rounded = fx_graph_copy(g);
	fx_for_each_node(node, g)
		n++;
	s->points = calloc(n + 1, sizeof(*s->points));
	if (!s->points)
		abort();
	n = 0;
	copy = fx_graph_first(s->rounded);
	fx_for_each_node(node, g) {
		next = copy->next;
		s->points[n++] = point_new(s, node, copy);
		copy = next;
	}
	fx_graph_eliminate_dead_code(s->rounded);
	return s;
}

void simulation_free(struct simulation *s)
{
	struct site *next;

	if (!s)
		return;
	for (struct site *site = s->sites; site; site = next) {
		next = site->next;
		free(site->exact);
		free(site->sum);
		free(site);
	}
	free(s->points);
	fx_graph_free(s->rounded);
	free(s);
}

/* Running it */

/*
 * What @channel is off on average, as far as that is more than chance. The mean
 * of n values with spread s is off by s^2 / n, squared; that much less of the
 * mean's square is taken back (James and Stein's rule, never beyond nothing).
 * Elements of one batch are seldom independent, so n is the number of batches.
 */
static double shift_of(const struct simulation *s, const struct site *site,
		       int64_t channel)
{
	double mean = site->sum[channel] / site->count;
	double squares = site->square[channel] / site->count;
	/* The mean's share of all that is off. */
	double part = squares > 0 ? mean * mean / squares : 0;
	double left = part > 0 ?
		      1 - (1 - part) / (part * (double)s->batches) : 0;

	return left > 0 ? left * mean : 0;
}

static void add_errors(struct site *site, int64_t channel, const float *x,
		       int64_t n)
{
	int64_t step = site->channels * site->inner;
	const float *y = site->exact + channel * site->inner;
	double sum = 0, square = 0;

	for (int64_t i = 0; i < n * step; i += step)
		for (int64_t j = i; j < i + site->inner; j++) {
			double e = (double)x[j] - (double)y[j];

			sum += e;
			square += e * e;
		}
	site->sum[channel] += sum;
	site->square[channel] += square;
}

/* Compares the copy's value with the float graph's, and takes the shift back. */
static void correct(const struct simulation *s, struct site *site,
		    struct fxq_tensor *value)
{
	int64_t step = site->channels * site->inner;
	int64_t n = fxq_tensor_count(value) / step;

	site->count += (double)(n * site->inner);
	for (int64_t c = 0; c < site->channels; c++) {
		float *x = (float *)value->data + c * site->inner, shift;

		add_errors(site, c, x, n);
		shift = (float)shift_of(s, site, c);
		for (int64_t i = 0; i < n * step; i += step)
			for (int64_t j = i; j < i + site->inner; j++)
				x[j] -= shift;
	}
}

FXQ_CLONES
static void round_values(float *x, int64_t n, struct qparams q)
{
	float min = (float)(-128 - q.zero_point);
	float max = (float)(127 - q.zero_point), per = 1.0f / q.scale;

	for (int64_t i = 0; i < n; i++) {
		float v = x[i] * per;

		v = v > min ? v : min;
		v = v < max ? v : max;
		x[i] = fxq_rne(v) * q.scale;
	}
}

static int keep_exact(struct fx_node *n, int out_index,
		      struct fxq_tensor *value, void *ctx)
{
	struct site *site = ((const struct point *)n->data)->site;

	if (!site || out_index)
		return 0;
	site->exact = realloc(site->exact, fxq_tensor_bytes(value));
	if (!site->exact)
		abort();
	memcpy(site->exact, value->data, fxq_tensor_bytes(value));
	return 0;
}

static int round_as_device(struct fx_node *n, int out_index,
			   struct fxq_tensor *value, void *ctx)
{
	const struct point *p = n->data;

	if (!p || out_index)
		return 0;
	if (p->site)
		correct(ctx, p->site, value);
	if (p->rounds)
		round_values(value->data, fxq_tensor_count(value), p->q);
	return 0;
}

int simulation_feed(struct simulation *s, const struct fxq_tensor *in,
		    size_t n_in, int threads)
{
	size_t i = 0;
	int ret;

	if (s->seen++ % s->every)
		return 0;
	fx_for_each_node(n, s->exact)
		n->data = s->points[i++];
	ret = run_observed(s->exact, keep_exact, s, in, n_in, threads);
	if (ret)
		return ret;
	s->batches++;
	ret = run_observed(s->rounded, round_as_device, s, in, n_in, threads);
	return ret ? fx_graph_fail(s->exact, ret, "%s",
				   fx_graph_error(s->rounded)) : 0;
}

bool simulation_shift(const struct simulation *s, const struct fx_node *layer,
		      double *shift)
{
	const struct site *site = s->sites;

	while (site && site->layer != layer)
		site = site->next;
	if (!site || !s->batches)
		return false;
	/* One batch does not tell how much of what it shows is chance. */
	for (int64_t c = 0; c < site->channels; c++)
		shift[c] = s->batches > 1 ? shift_of(s, site, c) : 0;
	return true;
}
