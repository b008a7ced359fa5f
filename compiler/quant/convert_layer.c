// SPDX-License-Identifier: MIT
/*
 * convert_layer.c - convolutions and linear layers, with what they take along
 *
 * A layer whose value leaves the graph, or goes to a wrapped function, keeps
 * its 32-bit sums: the CPU scales them, and nothing is rounded to 8 bits.
 */
#include <errno.h>

#include "convert.h"

static const char *op_of(const struct fx_node *n)
{
	if (is_linear(n))
		return "qlinear";
	return fx_node_is(n, "conv2d") ? "qconv2d" : "qconv_transpose2d";
}

static void put_geometry(struct kwargs *k, const struct fx_node *n)
{
	static const struct {
		const char *name;
		size_t count;
		int64_t def;
	} lists[] = {
		{ "stride", 2, 1 }, { "padding", 4, 0 }, { "dilation", 2, 1 },
		{ "output_padding", 2, 0 },
	};

	if (is_linear(n))
		return;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		int64_t v[4];

		if (i == 3 && fx_node_is(n, "conv2d"))
			continue;
		for (size_t j = 0; j < 4; j++)
			v[j] = lists[i].def;
		spatial(n, lists[i].name, v, lists[i].count);
		put_ints(k, lists[i].name, v, lists[i].count);
	}
	put_int(k, "groups", fx_node_int(n, "groups", 1));
}

/* Multipliers: m = (s_x * s_w) / s_y, n = m * slope. */
static int put_multipliers(struct convert *cv, const struct group *g,
			   const struct layer_weights *w, float s_x, float s_y,
			   struct fx_node **m, struct fx_node **n)
{
	int64_t c = out_channels(g->head);
	float *v = fx_graph_alloc(cv->to, (size_t)c * sizeof(float));
	const float *slope = NULL;
	bool one = true;

	for (int64_t i = 0; i < c; i++) {
		v[i] = (s_x * w->scale[i]) / s_y;
		if (!scale_ok(v[i]))
			return fx_graph_fail(cv->from, -ERANGE,
					     "layer '%s', channel %lld: multiplier %g is not a normal number: is the range of its result far from that of its sums?",
					     g->head->source ? g->head->source :
					     g->head->name, (long long)i,
					     (double)v[i]);
	}
	*m = new_const(cv, g->last, "m", FXQ_DTYPE_F32, 1, &c, v);
	*n = NULL;
	if (!g->prelu)
		return 0;
	if (fx_node_is(g->prelu, "prelu")) {
		slope = const_floats(fx_node_in(g->prelu, 1));
		one = fxq_tensor_count(type_of(fx_node_in(g->prelu, 1))) == 1;
	}
	for (int64_t i = 0; i < c; i++)
		v[i] = v[i] * (slope ? slope[one ? 0 : i] :
			       (float)fx_node_float(g->prelu,
						    "negative_slope", 0.01));
	*n = new_const(cv, g->last, "n", FXQ_DTYPE_F32, 1, &c, v);
	return 0;
}

static struct fx_node *convert_raw(struct convert *cv, const struct group *g,
				   const struct layer_weights *w,
				   struct fx_node *const *in,
				   struct kwargs *k)
{
	struct fx_node *n = g->last, *sums, *scaled[2], *f;
	int64_t c = out_channels(g->head);
	float *s = fx_graph_alloc(cv->to, (size_t)c * sizeof(float));
	struct kwargs axis = { .g = cv->to };

	for (int64_t i = 0; i < c; i++)
		s[i] = in[0]->out[0].scale * w->scale[i];
	put_int(k, "raw", 1);
	sums = new_op(cv, n, op_of(g->head), in, 3, k);
	sums->out[0].dtype = FXQ_DTYPE_I32;
	put_int(&axis, "axis", layer_axis(g->head));
	scaled[0] = sums;
	scaled[1] = new_const(cv, n, "scale", FXQ_DTYPE_F32, 1, &c, s);
	f = new_op(cv, n, "dequantize_channels", scaled, 2, &axis);
	f->out[0].dtype = FXQ_DTYPE_F32;
	return f;
}

static const char *refusal(const struct group *g)
{
	if (!const_floats(fx_node_in(g->head, 1)))
		return "its weights are computed, not constant";
	if (fx_node_in(g->head, 2) && !const_floats(fx_node_in(g->head, 2)))
		return "its bias is computed, not constant";
	return NULL;
}

/* The sum's scale: that of the result, or with a table one of its own. */
static int sum_qparams(struct convert *cv, const struct group *g,
		       struct fx_node *value, struct qparams out,
		       struct qparams *ret)
{
	struct range r, whole;

	if (qparams_of(cv, g->table ? value : g->last, ret))
		return -EINVAL;
	if (!g->table || is_given(value))
		return 0;
	/* From the scale, which is the same when it was loaded. */
	whole.min = (float)(-128 - ret->zero_point) * ret->scale;
	whole.max = (float)(127 - ret->zero_point) * ret->scale;
	r = whole;
	trim_range(cv, value, g->table, out, &r);
	if (r.min != whole.min || r.max != whole.max)
		*ret = affine_qparams(r);
	return 0;
}

/* The weights, which keep their scales for those who want them in float. */
static struct fx_node *new_weights(struct convert *cv, const struct group *g,
				   const struct layer_weights *w)
{
	struct fx_node *from = fx_node_in(g->head, 1);
	struct fx_node *n = new_const(cv, g->last, "weight", FXQ_DTYPE_I8,
				      type_of(from)->rank,
				      type_of(from)->dims, w->w);
	size_t c = (size_t)out_channels(g->head);
	double *scale = fx_graph_alloc(cv->to, c * sizeof(*scale));

	for (size_t i = 0; i < c; i++)
		scale[i] = (double)w->scale[i];
	fx_node_set_kwarg(n, "scale", fx_arg_floats(cv->to, scale, c));
	n->source = fx_graph_strdup(cv->to, from->name);
	return n;
}

/* What calibration's later passes over the data found out. */
static void tune_weights(struct convert *cv, const struct fx_node *n, float s_x,
			 struct layer_weights *w)
{
	const struct moments *m = calibration_moments(cv->cal, n);
	const struct simulation *s = calibration_simulation(cv->cal);
	double *shift;

	if (m)
		round_layer(n, s_x, m, w);
	if (!s)
		return;
	shift = fx_graph_alloc(cv->from, (size_t)out_channels(n) *
			       sizeof(*shift));
	if (simulation_shift(s, n, shift))
		shift_biases(n, s_x, shift, w);
}

/*
 * struct layer - one that is being converted
 * @sum: the float value that its sum is, before a table
 * @qp, @sum_qp: of the result, and of the sum
 * @in: of the operator: x, weight, bias, m, n, residual, table
 */
struct layer {
	struct convert *cv;
	const struct group *g;
	struct fx_node *sum;
	struct qparams qp, sum_qp;
	struct layer_weights *w;
	struct fx_node *in[7];
	struct kwargs k;
};

/* Input, weights and bias, and how all is quantized; false and the reason. */
static bool put_sums(struct layer *l, const char **reason)
{
	struct convert *cv = l->cv;
	const struct group *g = l->g;
	struct fx_node *x = fx_node_in(g->head, 0);
	int64_t c = out_channels(g->head);
	struct range r;
	float s_x;

	l->in[0] = as_integer(cv, x);
	if (!l->in[0]) {
		*reason = "its input has no integer form";
		return false;
	}
	s_x = l->in[0]->out[0].scale;
	if (!g->raw && (qparams_of(cv, g->last, &l->qp) ||
			sum_qparams(cv, g, l->sum, l->qp, &l->sum_qp)))
		return false;
	if (range_of(cv, x, &r) ||
	    quantize_layer(cv->from, g->head, s_x, l->sum_qp.scale, &r,
			   cv->qconfig.per_tensor_weights, l->w))
		return false;
	tune_weights(cv, g->head, s_x, l->w);
	value_of(g->head)->weights = l->w;
	l->in[1] = new_weights(cv, g, l->w);
	l->in[2] = new_const(cv, g->last, "bias", FXQ_DTYPE_I32, 1, &c,
			     l->w->bias);
	put_geometry(&l->k, g->head);
	return true;
}

/* What is done to the sums; false and the reason. */
static bool put_epilogue(struct layer *l, const char **reason)
{
	struct convert *cv = l->cv;
	const struct group *g = l->g;

	if (put_multipliers(cv, g, l->w, l->in[0]->out[0].scale,
			    l->sum_qp.scale, &l->in[3], &l->in[4]))
		return false;
	if (g->residual) {
		l->in[5] = as_integer(cv, g->residual);
		if (!l->in[5]) {
			*reason = "what is added to it has no integer form";
			return false;
		}
		put_float(&l->k, "res_m",
			  l->in[5]->out[0].scale / l->sum_qp.scale);
	}
	if (g->table) {
		l->in[6] = new_table(cv, g->table, l->sum, l->sum_qp, l->qp);
		if (!l->in[6]) {
			*reason = "its activation has no form in double precision";
			return false;
		}
	}
	put_clamp(&l->k, g->clamp, l->qp);
	put_qparams(&l->k, l->qp);
	if (g->table) {
		/* The kernel clamps and rounds the sum by its own zero point. */
		put_int(&l->k, "sum_zero_point", l->sum_qp.zero_point);
		value_of(l->sum)->qp = l->sum_qp;
	}
	return true;
}

struct fx_node *convert_layer(struct convert *cv, const struct group *g,
			      const char **reason)
{
	struct layer l = {
		.cv = cv, .g = g, .k = { .g = cv->to },
		.sum = g->add ? g->add : g->prelu ? g->prelu : g->head,
		.w = fx_graph_alloc(cv->from, sizeof(*l.w)),
	};

	*reason = refusal(g);
	if (*reason || !put_sums(&l, reason))
		return NULL;
	if (g->raw)
		return convert_raw(cv, g, l.w, l.in, &l.k);
	if (!put_epilogue(&l, reason))
		return NULL;
	return new_op(cv, g->last, op_of(g->head), l.in, 7, &l.k);
}
