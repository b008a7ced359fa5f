// SPDX-License-Identifier: MIT
/*
 * equalize.c - channels of one value made more alike
 *
 * All channels of a value share one scale, so a channel of small numbers next
 * to one of large numbers is left with few steps. Where a layer makes a
 * channel and layers alone consume it, it may be multiplied by any number: the
 * one layer's weights and bias by it, the others' weights by its inverse.
 * Rectifiers, pools, additions and the like pass such a factor on; channels
 * that are tied by them form a class with one factor. A class that reaches
 * anything else keeps the factor 1.
 *
 * The factor goes three quarters of the way, in powers, that the class stays
 * below the value's largest channel, so that channels which the calibration
 * data hardly excite keep room above what was seen.
 *
 * reads: fused functional float graph, how far calibration saw channels reach
 * guarantees: the same function up to rounding
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant_priv.h"

#define MOST	64.0f		/* how much a channel may grow */

/*
 * struct class - a channel, or at the root of its tree all that are tied to it
 * @reach: largest magnitude that is quantized
 * @peak: of the values that members belong to
 * @most: what @reach may become, where a clamp ends it
 */
struct class {
	uint32_t parent;
	bool fixed;
	float reach, peak, most, factor;
};

struct equalization {
	struct fx_graph *g;
	const struct fx_calibration *cal;
	struct class *classes;
	uint32_t n;
};

/* What n->data points to: the value's channels among the classes. */
struct span {
	uint32_t first, n;
};

static const struct span *span_of(const struct fx_node *n)
{
	static const struct span none;

	return n && n->data ? n->data : &none;
}

static struct class *root_of(struct equalization *e, uint32_t i)
{
	struct class *c = e->classes;

	while (c[i].parent != i) {
		c[i].parent = c[c[i].parent].parent;
		i = c[i].parent;
	}
	return &c[i];
}

static void tie(struct equalization *e, uint32_t a, uint32_t b)
{
	struct class *to = root_of(e, a), *from = root_of(e, b);

	if (to == from)
		return;
	from->parent = (uint32_t)(to - e->classes);
	to->fixed |= from->fixed;
}

static void fix(struct equalization *e, const struct fx_node *n)
{
	const struct span *s = span_of(n);

	for (uint32_t i = 0; i < s->n; i++)
		root_of(e, s->first + i)->fixed = true;
}

static void fix_node(struct fx_node *n, void *ctx)
{
	fix(ctx, n);
}

/* Ties the channels of @in to those of @n from channel @at on. */
static bool tie_at(struct equalization *e, const struct fx_node *n,
		   const struct fx_node *in, uint32_t at)
{
	const struct span *to = span_of(n), *from = span_of(in);

	if (!from->n || at > to->n || from->n > to->n - at)
		return false;
	for (uint32_t i = 0; i < from->n; i++)
		tie(e, to->first + at + i, from->first + i);
	return true;
}

static bool tie_same(struct equalization *e, const struct fx_node *n,
		     const struct fx_node *in)
{
	return span_of(n)->n == span_of(in)->n && tie_at(e, n, in, 0);
}

/* What becomes of channels in operators that pass a factor on */

static bool tie_first(struct equalization *e, const struct fx_node *n)
{
	return tie_same(e, n, fx_node_in(n, 0));
}

static bool tie_both(struct equalization *e, const struct fx_node *n)
{
	return tie_same(e, n, fx_node_in(n, 0)) &&
	       tie_same(e, n, fx_node_in(n, 1));
}

static bool tie_concat(struct equalization *e, const struct fx_node *n)
{
	uint32_t at = 0;

	if (fx_node_int(n, "dim", 0) != 1)
		return false;
	for (size_t i = 0; i < n->n_args; i++) {
		if (!tie_at(e, n, fx_node_in(n, i), at))
			return false;
		at += span_of(fx_node_in(n, i))->n;
	}
	return at == span_of(n)->n;
}

/* Zeros before, after or around channels. */
static bool tie_pad(struct equalization *e, const struct fx_node *n)
{
	int64_t pads[2 * FXQ_MAX_RANK] = { 0 };
	const char *mode = fx_node_str(n, "mode", "constant");

	if (type_of(n)->rank != 4 || strcmp(mode, "constant") ||
	    fx_node_ints(n, "pads", pads, 8) != 8 || n->n_args > 1 ||
	    fx_node_float(n, "value", 0) != 0 || pads[1] < 0 || pads[5] < 0)
		return false;
	return tie_at(e, n, fx_node_in(n, 0), (uint32_t)pads[1]);
}

/* A clamp from 0 to a bound, which the channel may grow up to. */
static bool tie_clamp(struct equalization *e, const struct fx_node *n)
{
	const struct span *s = span_of(n);
	float most = 6;

	if (fx_node_is(n, "clamp")) {
		if (fx_node_float(n, "min", -1) != 0 || n->n_args > 1)
			return false;
		most = (float)fx_node_float(n, "max", INFINITY);
	}
	if (!tie_first(e, n))
		return false;
	for (uint32_t i = 0; i < s->n; i++)
		e->classes[s->first + i].most = most;
	return true;
}

/* x times one number a channel and picture: the gate is left alone. */
static bool tie_gate(struct equalization *e, const struct fx_node *n)
{
	struct fx_node *x = fx_node_in(n, 0), *gate = fx_node_in(n, 1);
	const struct fxq_tensor *a, *b;

	if (!x || !gate || type_of(x)->rank != 4 || type_of(gate)->rank != 4 ||
	    fx_node_is_const(x) || fx_node_is_const(gate))
		return false;
	a = type_of(x);
	b = type_of(gate);
	if (a->dims[2] * a->dims[3] == 1 && b->dims[2] * b->dims[3] > 1) {
		fix(e, x);
		return tie_same(e, n, gate);
	}
	fix(e, gate);
	return tie_same(e, n, x);
}

static bool is_weighted(const struct fx_node *n)
{
	const struct fx_node *w = fx_node_in(n, 1), *b = fx_node_in(n, 2);

	return (is_conv(n) || is_linear(n)) &&
	       !fx_node_is(n, "conv_transpose2d") && const_floats(w) &&
	       w->n_users == 1 && (!b || (const_floats(b) && b->n_users == 1));
}

static bool tie_nothing(struct equalization *e, const struct fx_node *n)
{
	return is_weighted(n) && span_of(n)->n && span_of(fx_node_in(n, 0))->n;
}

static const struct {
	const char *op;
	bool (*tie)(struct equalization *e, const struct fx_node *n);
} ties[] = {
	{ "conv2d", tie_nothing },	{ "linear", tie_nothing },
	{ "relu", tie_first },		{ "leaky_relu", tie_first },
	{ "prelu", tie_first },		{ "max_pool2d", tie_first },
	{ "avg_pool2d", tie_first },	{ "global_avg_pool", tie_first },
	{ "resize", tie_first },	{ "add", tie_both },
	{ "sub", tie_both },		{ "concat", tie_concat },
	{ "pad", tie_pad },		{ "relu6", tie_clamp },
	{ "clamp", tie_clamp },		{ "mul", tie_gate },
};

static void tie_node(struct equalization *e, const struct fx_node *n)
{
	for (size_t i = 0; i < sizeof(ties) / sizeof(*ties); i++)
		if (fx_node_is(n, ties[i].op) && n->n_out == 1 &&
		    ties[i].tie(e, n))
			return;
	fix(e, n);
	fx_node_visit(n, fix_node, e);
}

/* A value that its only user replaces is never quantized itself. */
static bool is_passing(const struct fx_node *n)
{
	static const char *const after[] = {
		"relu", "relu6", "clamp", "prelu", "leaky_relu",
	};
	struct fx_node *u = only_user(n);

	if (!u)
		return false;
	for (size_t i = 0; i < sizeof(after) / sizeof(*after); i++)
		if (fx_node_is(u, after[i]))
			return true;
	return (is_conv(n) || is_linear(n)) && fx_node_is(u, "add");
}

static void add_value(struct equalization *e, struct fx_node *n)
{
	struct span *s = fx_graph_alloc(e->g, sizeof(*s));

	n->data = NULL;
	if (n->opcode == FX_OUTPUT || n->n_out != 1 || !is_float(n) ||
	    fx_node_is_const(n))
		return;
	s->first = e->n;
	s->n = (uint32_t)channels_of(type_of(n));
	e->n += s->n;
	n->data = s;
}

/* What was seen of @n's channels, into their classes. */
static void measure(struct equalization *e, const struct fx_node *n)
{
	const struct span *s = span_of(n);
	const float *seen;
	float peak = 0;

	if (!s->n || is_passing(n))
		return;
	seen = calibration_reach(e->cal, n);
	if (!seen) {
		fix(e, n);
		return;
	}
	for (uint32_t i = 0; i < s->n; i++)
		peak = seen[i] > peak ? seen[i] : peak;
	for (uint32_t i = 0; i < s->n; i++) {
		struct class *to = root_of(e, s->first + i);

		to->reach = seen[i] > to->reach ? seen[i] : to->reach;
		to->peak = peak > to->peak ? peak : to->peak;
	}
}

static void limit(struct equalization *e)
{
	for (uint32_t i = 0; i < e->n; i++) {
		struct class *c = root_of(e, i);

		if (e->classes[i].most < c->most)
			c->most = e->classes[i].most;
	}
}

/* x to the power of 3/4, of roots, which are rounded alike everywhere. */
static float three_quarters(float x)
{
	return sqrtf(x) * sqrtf(sqrtf(x));
}

static void choose(struct class *c)
{
	float by = 1;

	if (!c->fixed && c->reach > 0 && c->peak > c->reach)
		by = three_quarters(c->peak / c->reach);
	if (by > MOST)
		by = MOST;
	if (c->reach * by > c->most)
		by = c->most / c->reach;
	c->factor = by > 1 && isfinite(by) ? by : 1;
}

static void find_factors(struct equalization *e)
{
	fx_for_each_node(n, e->g)
		add_value(e, n);
	e->classes = fx_graph_alloc(e->g, (e->n + 1) * sizeof(*e->classes));
	for (uint32_t i = 0; i < e->n; i++)
		e->classes[i] = (struct class){ .parent = i,
						.most = INFINITY };
	fx_for_each_node(n, e->g) {
		if (n->opcode == FX_CALL_FUNCTION && !n->wrapped)
			tie_node(e, n);
		else if (n->opcode == FX_PLACEHOLDER)
			fix(e, n);
		else
			fx_node_visit(n, fix_node, e);
		if (n->opcode == FX_CALL_FUNCTION && n->wrapped)
			fix(e, n);
	}
	fx_for_each_node(n, e->g)
		measure(e, n);
	limit(e);
	for (uint32_t i = 0; i < e->n; i++)
		if (e->classes[i].parent == i)
			choose(&e->classes[i]);
}

/* The layer's weights and bias, for factors of its result and its input. */
static void scale_layer(const struct fx_node *n, const float *out,
			const float *in)
{
	const struct fxq_tensor *w = type_of(fx_node_in(n, 1));
	float *weights = w->data, *bias = NULL;
	int64_t taps = fxq_tensor_count(w) / w->dims[0];
	int64_t area = taps / w->dims[1];
	int64_t per = w->dims[0] / fx_node_int(n, "groups", 1);

	if (fx_node_in(n, 2))
		bias = type_of(fx_node_in(n, 2))->data;
	for (int64_t c = 0; c < w->dims[0]; c++) {
		float by = out ? out[c] : 1;

		for (int64_t i = 0; i < taps; i++) {
			int64_t k = c / per * w->dims[1] + i / area;

			weights[c * taps + i] *= in ? by / in[k] : by;
		}
		if (bias)
			bias[c] *= by;
	}
}

/* The factors of @n's channels; NULL where all are 1. */
static const float *factors_of(struct equalization *e, const struct fx_node *n)
{
	const struct span *s = span_of(n);
	float *by;
	bool any = false;

	if (!s->n)
		return NULL;
	by = fx_graph_alloc(e->g, s->n * sizeof(*by));
	for (uint32_t i = 0; i < s->n; i++) {
		by[i] = root_of(e, s->first + i)->factor;
		any |= by[i] != 1;
	}
	return any ? by : NULL;
}

void equalize(struct fx_graph *g, const struct fx_calibration *cal)
{
	struct equalization e = { .g = g, .cal = cal };

	find_factors(&e);
	fx_for_each_node(n, g) {
		const float *out, *in;

		if (n->opcode != FX_CALL_FUNCTION || !is_weighted(n))
			continue;
		out = factors_of(&e, n);
		in = factors_of(&e, fx_node_in(n, 0));
		if (out || in)
			scale_layer(n, out, in);
	}
}
