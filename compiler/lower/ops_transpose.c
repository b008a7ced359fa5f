// SPDX-License-Identifier: MIT
/*
 * ops_transpose.c - transposed convolutions
 *
 * Of stride s, it is s x s ordinary convolutions, its phases: each makes every
 * s-th row and column of the result from every s-th tap of the kernel. All of
 * them together are one convolution with s x s times the channels, whose
 * result is a view: channels of the map are pixels of the value. Where their
 * windows differ so much that empty taps would cost too much, or sizes are no
 * multiples of s, phases are made one by one and meet in memory.
 */
#include <fxq/fxq_arith.h>

#include "ops_conv.h"

#define EMPTY_TAPS	2	/* times the taps of the phases by themselves */

/*
 * struct phase - outputs at, at + stride, ... in one direction
 *
 * Output i of them sees inputs i + low .. i + low + taps - 1. Tap t is kernel
 * row (column) of[t]; -1: an empty one.
 */
struct phase {
	int64_t low;
	uint32_t taps;
	int16_t of[256];
};

struct geometry {
	int64_t stride, pad, dilation, k, out;
};

static struct geometry geometry_of(const struct fx_node *n, int axis)
{
	int64_t stride[2], pad[4], dilation[2];

	node_ints(n, "stride", stride, 2, 1);
	node_ints(n, "padding", pad, 4, 0);
	node_ints(n, "dilation", dilation, 2, 1);
	return (struct geometry){ stride[axis], pad[axis], dilation[axis],
				  fx_node_in(n, 1)->out[0].dims[2 + axis],
				  n->out[0].dims[2 + axis] };
}

/* Output at + i * stride sees input i + this through kernel row @k. */
static bool offset_of(const struct geometry *g, int64_t at, int64_t k,
		      int64_t *ret)
{
	int64_t v = at + g->pad - k * g->dilation;

	*ret = v / g->stride;
	return v % g->stride == 0;
}

/* Lowest and highest input offset of phases [from, to); false: none has any. */
static bool offsets(const struct geometry *g, int64_t from, int64_t to,
		    int64_t *low, int64_t *high)
{
	bool any = false;

	for (int64_t at = from; at < to; at++) {
		for (int64_t k = 0; k < g->k; k++) {
			int64_t v;

			if (!offset_of(g, at, k, &v))
				continue;
			*low = any && *low < v ? *low : v;
			*high = any && *high > v ? *high : v;
			any = true;
		}
	}
	return any;
}

/*
 * Phase @at with the window that phases [from, to) share. A window that
 * begins after the output's own input is extended back to it, since padding
 * is not negative.
 */
static bool phase_of(const struct geometry *g, int64_t at, int64_t from,
		     int64_t to, struct phase *p)
{
	int64_t low = 0, high = 0, v;

	offsets(g, from, to, &low, &high);
	p->low = low < 0 ? low : 0;
	high = high > p->low ? high : p->low;
	if (high - p->low > 254 || p->low < -255)
		return false;
	p->taps = (uint32_t)(high - p->low + 1);
	for (uint32_t t = 0; t < p->taps; t++)
		p->of[t] = -1;
	for (int64_t k = 0; k < g->k; k++)
		if (offset_of(g, at, k, &v))
			p->of[v - p->low] = (int16_t)k;
	return true;
}

const char *check_conv_transpose(struct fx_node *n,
				 const struct fxq_caps *caps)
{
	const char *why = check_conv(n, caps);

	if (!why && fx_node_int(n, "groups", 1) != 1)
		why = "the device takes transposed convolutions of one group only";
	if (!why && fx_node_in(n, 5))
		why = "a transposed convolution takes no residual";
	for (int axis = 0; !why && axis < 2; axis++) {
		struct geometry g = geometry_of(n, axis);
		struct phase p;

		if (!phase_of(&g, 0, 0, g.stride, &p))
			why = "the phases of its kernel have more than 255 taps";
	}
	return why;
}

/* Fills weights [o][ic][y taps][x taps] of one phase from [ic][oc][kh][kw]. */
static void fill_weights(const struct fx_node *n, const struct phase *y,
			 const struct phase *x, int8_t *to)
{
	const struct fxq_tensor *w = &fx_node_in(n, 1)->out[0];
	const int8_t *from = w->data;
	int64_t ic = w->dims[0], oc = w->dims[1], kh = w->dims[2],
		kw = w->dims[3];

	for (int64_t o = 0; o < oc; o++)
		for (int64_t i = 0; i < ic; i++)
			for (uint32_t ty = 0; ty < y->taps; ty++)
				for (uint32_t tx = 0; tx < x->taps; tx++, to++)
					if (y->of[ty] >= 0 && x->of[tx] >= 0)
						*to = from[((i * oc + o) * kh +
							    y->of[ty]) * kw +
							   x->of[tx]];
}

static struct layer layer_of(struct segment *s, const struct fx_node *n,
			     const struct phase *y, const struct phase *x,
			     uint32_t phases, int64_t step)
{
	const int64_t *w = fx_node_in(n, 1)->out[0].dims;
	struct layer l = { .oc = (uint32_t)step * phases,
			   .ic = (uint32_t)w[0], .kh = y->taps,
			   .kw = x->taps, .own = (uint32_t)w[1],
			   .step = (uint32_t)step };

	l.w = fx_graph_alloc(s->g, (size_t)l.oc * l.ic * l.kh * l.kw);
	return l;
}

/*
 * Channels from one phase to the next: all phases in one block, or each in
 * blocks of its own, so that one stride leads from phase to phase.
 */
static int64_t phase_step(const struct geometry *gy, const struct geometry *gx,
			  int64_t oc)
{
	if (gy->stride * gx->stride * oc <= FXQ_BLOCK)
		return oc;
	return fxq_round_up((uint32_t)oc, FXQ_BLOCK);
}

/* The convolution itself, into a new map of @h x @w pixels. */
static struct fmap *put_conv(struct segment *s, struct fx_node *n,
			     const struct operand *in, const struct layer *l,
			     const struct phase *y, const struct phase *x,
			     uint32_t h, uint32_t w)
{
	struct fmap *t = map_new(s, n->name, l->oc, h, w, (uint32_t)
				 fxq_dtype_bytes(n->out[0].dtype));
	struct op *op = op_new(s, FXQ_OP_CONV);

	t->written = true;
	op->in[op->n_in++] = *in;
	op->out = operand_of_map(t);
	layer_set_sizes(op, l);
	op->d.conv.pad_t = (uint8_t)-y->low;
	op->d.conv.pad_l = (uint8_t)-x->low;
	layer_set(s, op, n, l);
	return t;
}

/* Channels of the map are [phase row][phase column][oc] of the value. */
static void lower_together(struct segment *s, struct fx_node *n,
			   const struct operand *in,
			   const struct geometry *gy,
			   const struct geometry *gx)
{
	int64_t oc = fx_node_in(n, 1)->out[0].dims[1];
	int64_t step = phase_step(gy, gx, oc);
	int64_t h = gy->out / gy->stride, w = gx->out / gx->stride;
	struct view v = { .n = 5 };
	struct phase y, x;
	struct layer l;
	int8_t *at;

	phase_of(gy, 0, 0, gy->stride, &y);
	phase_of(gx, 0, 0, gx->stride, &x);
	l = layer_of(s, n, &y, &x, (uint32_t)(gy->stride * gx->stride), step);
	at = (int8_t *)l.w;
	for (int64_t py = 0; py < gy->stride; py++) {
		for (int64_t px = 0; px < gx->stride; px++) {
			phase_of(gy, py, 0, gy->stride, &y);
			phase_of(gx, px, 0, gx->stride, &x);
			fill_weights(n, &y, &x, at);
			at += step * l.ic * l.kh * l.kw;
		}
	}
	v.t = put_conv(s, n, in, &l, &y, &x, (uint32_t)h, (uint32_t)w);
	v.f[0] = (struct factor){ oc, 1, 0 };
	v.f[1] = (struct factor){ h, 0, w };
	v.f[2] = (struct factor){ gy->stride, gx->stride * step, 0 };
	v.f[3] = (struct factor){ w, 0, 1 };
	v.f[4] = (struct factor){ gx->stride, step, 0 };
	view_merge(&v);
	set_value(s, n, &v);
}

static void lower_phase(struct segment *s, struct fx_node *n,
			const struct operand *in, const struct geometry *gy,
			const struct geometry *gx, int64_t py, int64_t px,
			const struct home *home)
{
	const int64_t mem[3] = { home->sc, home->sy, home->sx };
	uint32_t h = (uint32_t)((gy->out - py + gy->stride - 1) / gy->stride);
	uint32_t w = (uint32_t)((gx->out - px + gx->stride - 1) / gx->stride);
	struct view v = { .n = 3 };
	struct phase y, x;
	struct layer l;

	phase_of(gy, py, py, py + 1, &y);
	phase_of(gx, px, px, px + 1, &x);
	l = layer_of(s, n, &y, &x, 1,
		     fx_node_in(n, 1)->out[0].dims[1]);
	fill_weights(n, &y, &x, (int8_t *)l.w);
	v.t = put_conv(s, n, in, &l, &y, &x, h, w);
	v.f[0] = (struct factor){ v.t->c, 1, 0 };
	v.f[1] = (struct factor){ h, 0, w };
	v.f[2] = (struct factor){ w, 0, 1 };
	op_store(s, &v, *home, mem);
}

/* Phases meet in memory, channels innermost: a pixel of each is one run. */
static void lower_apart(struct segment *s, struct fx_node *n,
			const struct operand *in, const struct geometry *gy,
			const struct geometry *gx)
{
	const struct fxq_tensor *type = &n->out[0];
	struct view v;
	struct fmap *t = map_for(s, n->name, type, 1, &v);

	map_scratch(s, t);
	t->home.sc = t->elem;
	t->home.sx = (int64_t)t->c * t->elem;
	t->home.sy = t->w * t->home.sx;
	set_value(s, n, &v);
	for (int64_t py = 0; py < gy->stride && py < gy->out; py++) {
		for (int64_t px = 0; px < gx->stride && px < gx->out; px++) {
			struct home home = t->home;

			home.offset += (uint64_t)(py * home.sy + px * home.sx);
			home.sy *= gy->stride;
			home.sx *= gx->stride;
			lower_phase(s, n, in, gy, gx, py, px, &home);
		}
	}
}

/* Blocks of output channels times taps, for all phases. */
static int64_t work(const struct geometry *gy, const struct geometry *gx,
		    int64_t oc, bool together)
{
	int64_t sum = 0;

	for (int64_t py = 0; py < gy->stride; py++) {
		for (int64_t px = 0; px < gx->stride; px++) {
			struct phase y, x;

			if (together) {
				phase_of(gy, 0, 0, gy->stride, &y);
				phase_of(gx, 0, 0, gx->stride, &x);
				return (gy->stride * gx->stride *
					phase_step(gy, gx, oc) +
					FXQ_BLOCK - 1) / FXQ_BLOCK * y.taps *
				       x.taps;
			}
			phase_of(gy, py, py, py + 1, &y);
			phase_of(gx, px, px, px + 1, &x);
			sum += (oc + FXQ_BLOCK - 1) / FXQ_BLOCK * y.taps *
			       x.taps;
		}
	}
	return sum;
}

void lower_conv_transpose(struct segment *s, struct fx_node *n)
{
	struct operand in = operand_of(s, fx_node_in(n, 0), 1);
	struct geometry gy = geometry_of(n, 0), gx = geometry_of(n, 1);
	int64_t oc = fx_node_in(n, 1)->out[0].dims[1];

	if (gy.out % gy.stride == 0 && gx.out % gx.stride == 0 &&
	    gy.stride * gx.stride * phase_step(&gy, &gx, oc) <= 65535 &&
	    work(&gy, &gx, oc, true) <=
	    EMPTY_TAPS * work(&gy, &gx, oc, false))
		lower_together(s, n, &in, &gy, &gx);
	else
		lower_apart(s, n, &in, &gy, &gx);
}
