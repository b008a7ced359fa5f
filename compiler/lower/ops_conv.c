// SPDX-License-Identifier: MIT
/*
 * ops_conv.c - convolutions and what becomes one
 *
 * A linear layer is a convolution of one pixel's window, or, over a flattened
 * map, of a window that is the whole map: its weights are permuted, not the
 * map.
 */
#include <string.h>

#include <fxq/fxq_arith.h>

#include "ops_conv.h"

static const void *data_of(struct fx_node *n, unsigned int i)
{
	struct fx_node *in = fx_node_in(n, i);

	return in ? in->out[0].data : NULL;
}

/* b' = bias - (z_x + 128) * sum of the channel's weights, modulo 2^32 */
static int32_t *shifted_bias(struct segment *s, const struct layer *l,
			     const int32_t *bias, int zx)
{
	uint64_t per = (uint64_t)l->ic * l->kh * l->kw;
	int32_t *b = fx_graph_alloc(s->g, l->oc * sizeof(*b));

	for (uint32_t o = 0; o < l->oc; o++) {
		uint32_t sum = 0;

		for (uint64_t i = 0; i < per; i++)
			sum += (uint32_t)l->w[o * per + i];
		if (o % l->step < l->own)
			b[o] = (int32_t)((uint32_t)bias[o % l->step] -
					 (uint32_t)(zx + 128) * sum);
	}
	return b;
}

/* A multiplier for each channel of the descriptor. */
static const float *multipliers(struct segment *s, const struct layer *l,
				const float *m)
{
	float *all = fx_graph_alloc(s->g, l->oc * sizeof(*all));

	for (uint32_t i = 0; i < l->oc; i++)
		all[i] = i % l->step < l->own ? m[i % l->step] : 0;
	return all;
}

void layer_set(struct segment *s, struct op *op, struct fx_node *n,
	       const struct layer *l)
{
	struct fxq_body_conv *c = &op->d.conv;
	struct conv_weights *w = fx_graph_alloc(s->g, sizeof(*w));
	const struct fx_node *res = fx_node_in(n, 5);

	c->zx = (int8_t)fx_node_in(n, 0)->out[0].zero_point;
	w->w = l->w;
	w->bias = shifted_bias(s, l, data_of(n, 2), c->zx);
	op->weights = w;
	c->lo = -128;
	c->hi = 127;
	if (fx_node_int(n, "raw", 0)) {
		op->d.flags |= FXQ_F_RAW;
		return;
	}
	w->m = multipliers(s, l, data_of(n, 3));
	w->n = data_of(n, 4) ? multipliers(s, l, data_of(n, 4)) : w->m;
	w->lut = data_of(n, 6);
	c->zy = (int8_t)fx_node_int(n, "sum_zero_point",
				    n->out[0].zero_point);
	c->lo = (int8_t)fx_node_int(n, "lo", -128);
	c->hi = (int8_t)fx_node_int(n, "hi", 127);
	if (w->lut)
		op->d.flags |= FXQ_F_LUT;
	if (res) {
		op->d.flags |= FXQ_F_RESIDUAL;
		c->zr = (int8_t)res->out[0].zero_point;
		c->res_m = fxq_bits((float)fx_node_float(n, "res_m", 0));
	}
}

void layer_set_sizes(struct op *op, const struct layer *l)
{
	struct fxq_body_conv *c = &op->d.conv;

	c->ih = (uint16_t)op->in[0].h;
	c->iw = (uint16_t)op->in[0].w;
	c->ic = (uint16_t)op->in[0].c;
	c->oh = (uint16_t)op->out.h;
	c->ow = (uint16_t)op->out.w;
	c->oc = (uint16_t)op->out.c;
	c->kh = (uint8_t)l->kh;
	c->kw = (uint8_t)l->kw;
	c->sh = c->sw = c->dh = c->dw = 1;
	c->groups = 1;
}

void node_ints(const struct fx_node *n, const char *name, int64_t *v,
	       int count, int64_t def)
{
	for (int i = 0; i < count; i++)
		v[i] = def;
	fx_node_ints(n, name, v, (size_t)count);
}

const char *too_large(struct fx_node *n, const char *what, int64_t v,
		      int64_t max)
{
	if (v <= max)
		return NULL;
	return fx_graph_printf(n->graph,
			       "%s is %lld: the device takes at most %lld",
			       what, (long long)v, (long long)max);
}

const char *check_image(struct fx_node *n, const struct fxq_tensor *t)
{
	const char *why = NULL;

	if (t->rank != 4)
		return fx_graph_printf(n->graph,
				       "rank %u: the device takes images of rank 4",
				       t->rank);
	if (t->dims[0] != 1)
		return fx_graph_printf(n->graph,
				       "batch of %lld: the device takes one at a time",
				       (long long)t->dims[0]);
	for (int i = 1; !why && i < 4; i++)
		why = too_large(n, i == 1 ? "number of channels" : "map size",
				t->dims[i], 65535);
	return why;
}

const char *layer_check(struct fx_node *n)
{
	for (unsigned int i = 1; i <= 6; i++) {
		struct fx_node *in = fx_node_in(n, i);

		if (i != 5 && in && !fx_node_is_const(in))
			return "weights, bias and multipliers are not all constant";
	}
	return NULL;
}

const char *check_conv(struct fx_node *n, const struct fxq_caps *caps)
{
	const int64_t *w = fx_node_in(n, 1)->out[0].dims;
	const char *why = check_image(n, &fx_node_in(n, 0)->out[0]);
	int64_t stride[2], pad[4], dilation[2];

	node_ints(n, "stride", stride, 2, 1);
	node_ints(n, "padding", pad, 4, 0);
	node_ints(n, "dilation", dilation, 2, 1);
	if (!why)
		why = check_image(n, &n->out[0]);
	if (!why)
		why = layer_check(n);
	for (int i = 0; !why && i < 2; i++) {
		why = too_large(n, "kernel", w[2 + i], 255);
		why = why ? why : too_large(n, "stride", stride[i], 255);
		why = why ? why : too_large(n, "dilation", dilation[i], 255);
		why = why ? why : too_large(n, "padding", pad[i], 255);
		if (!why && pad[i] < 0)
			why = "padding is negative";
	}
	return why;
}

/* The input; where its channels are spread, @l's weights are as well. */
static struct operand conv_input(struct segment *s, struct fx_node *n,
				 struct layer *l)
{
	const struct fxq_tensor *out = &n->out[0];
	uint64_t work = (uint64_t)out->dims[2] * (uint64_t)out->dims[3] *
			fxq_div_up(l->oc, FXQ_BLOCK) * l->kh * l->kw;
	struct fx_node *x = fx_node_in(n, 0);
	const uint32_t *chan;
	struct operand in;

	if (fx_node_int(n, "groups", 1) != 1 ||
	    !gather_by_weights(s, x, work, &in, &chan))
		return operand_of(s, x, 1);
	l->w = spread_weights(s, l, chan, in.c);
	return in;
}

void lower_conv(struct segment *s, struct fx_node *n)
{
	const struct fxq_tensor *w = &fx_node_in(n, 1)->out[0];
	struct layer l = { .oc = (uint32_t)w->dims[0],
			   .ic = (uint32_t)w->dims[1],
			   .kh = (uint32_t)w->dims[2],
			   .kw = (uint32_t)w->dims[3],
			   .own = (uint32_t)w->dims[0],
			   .step = (uint32_t)w->dims[0], .w = w->data };
	uint32_t groups = (uint32_t)fx_node_int(n, "groups", 1);
	uint32_t ic = (uint32_t)fx_node_in(n, 0)->out[0].dims[1];
	bool depthwise = groups > 1 && groups == ic && l.oc == ic;
	struct operand in = conv_input(s, n, &l), res = { 0 };
	int64_t stride[2], pad[4], dilation[2];
	struct fxq_body_conv *c;
	struct op *op;

	node_ints(n, "stride", stride, 2, 1);
	node_ints(n, "padding", pad, 4, 0);
	node_ints(n, "dilation", dilation, 2, 1);
	if (fx_node_in(n, 5))
		res = operand_of(s, fx_node_in(n, 5), 1);
	op = op_new(s, depthwise ? FXQ_OP_DWCONV : FXQ_OP_CONV);
	op->in[op->n_in++] = in;
	if (res.t)
		op->in[op->n_in++] = res;
	op->out = result_like(s, 1, (uint32_t)n->out[0].dims[2],
			      (uint32_t)n->out[0].dims[3]);
	layer_set_sizes(op, &l);
	c = &op->d.conv;
	c->sh = (uint8_t)stride[0];
	c->sw = (uint8_t)stride[1];
	c->dh = (uint8_t)dilation[0];
	c->dw = (uint8_t)dilation[1];
	c->pad_t = (uint8_t)pad[0];
	c->pad_l = (uint8_t)pad[1];
	c->groups = (uint16_t)(depthwise ? 1 : groups);
	layer_set(s, op, n, &l);
}

const char *check_linear(struct fx_node *n, const struct fxq_caps *caps)
{
	const struct fxq_tensor *w = &fx_node_in(n, 1)->out[0];
	const char *why = layer_check(n);

	if (!why)
		why = too_large(n, "number of outputs", w->dims[0], 65535);
	if (!why)
		why = too_large(n, "number of inputs", w->dims[1], 65535 * 16);
	return why;
}

/* Does @v walk each element of its map once, in whatever order? */
static bool walks_map(const struct view *v)
{
	const struct fmap *t = v->t;
	int64_t c = 1, p = 1, top_c = 0, top_p = 0;

	if (v->c0 || v->p0 || t->h > 255 || t->w > 255 || t->c > 65535)
		return false;
	for (unsigned int i = 0; i < v->n; i++) {
		if (v->f[i].cs && v->f[i].ps)
			return false;
		*(v->f[i].cs ? &c : &p) *= v->f[i].size;
		top_c += (v->f[i].size - 1) * v->f[i].cs;
		top_p += (v->f[i].size - 1) * v->f[i].ps;
	}
	return c == t->c && p == (int64_t)t->h * t->w && top_c == c - 1 &&
	       top_p == p - 1;
}

/* Weights [oc][k] as [oc][c][y][x]: k is where the view has that element. */
static const int8_t *whole_map_weights(struct segment *s, const struct view *v,
				       const int8_t *w, uint32_t oc)
{
	const struct fmap *t = v->t;
	uint64_t plane = (uint64_t)t->h * t->w, k = plane * t->c;
	int8_t *to = fx_graph_alloc(s->g, oc * k);

	for (uint64_t i = 0; i < k; i++) {
		uint64_t left = i, c = 0, p = 0;

		for (unsigned int f = v->n; f-- > 0;) {
			c += left % v->f[f].size * v->f[f].cs;
			p += left % v->f[f].size * v->f[f].ps;
			left /= v->f[f].size;
		}
		for (uint64_t o = 0; o < oc; o++)
			to[o * k + c * plane + p] = w[o * k + i];
	}
	return to;
}

void lower_linear(struct segment *s, struct fx_node *n)
{
	struct fx_node *x = fx_node_in(n, 0);
	const struct fxq_tensor *w = &fx_node_in(n, 1)->out[0];
	const struct fxq_tensor *type = &x->out[0];
	struct layer l = { .oc = (uint32_t)w->dims[0],
			   .ic = (uint32_t)w->dims[1], .kh = 1, .kw = 1,
			   .own = (uint32_t)w->dims[0],
			   .step = (uint32_t)w->dims[0], .w = w->data };
	struct view v = value_of(s, x)->view;
	int axis = (int)type->rank - 1;
	struct operand in, out, res = { 0 };
	struct op *op;

	if (!view_pixels(&v, type->rank, type->dims, axis, &in) &&
	    fxq_tensor_count(type) == type->dims[axis] && walks_map(&v)) {
		in = operand_of_map(v.t);
		l.w = whole_map_weights(s, &v, l.w, l.oc);
		l.ic = v.t->c;
		l.kh = v.t->h;
		l.kw = v.t->w;
		out = result_like(s, axis, 1, 1);
	} else {
		in = pixels_of(s, x, axis);
		out = result_like(s, axis, in.h, in.w);
	}
	if (fx_node_in(n, 5))
		res = pixels_of(s, fx_node_in(n, 5), axis);
	op = op_new(s, FXQ_OP_CONV);
	op->in[op->n_in++] = in;
	if (res.t)
		op->in[op->n_in++] = res;
	op->out = out;
	layer_set_sizes(op, &l);
	layer_set(s, op, n, &l);
}
