// SPDX-License-Identifier: MIT
/*
 * gather.c - values whose channels are spread over their map
 *
 * A slice between blocks, a channel shuffle, a concatenation with gaps: pixels
 * lie as they should, channels do not. A convolution reads them anyway, its
 * weights placed where the channels are and zero elsewhere. For others they
 * are gathered by a convolution of one tap whose weights are 0 and 1: its sum
 * is x - z, its multiplier 1, and its result the same byte.
 */
#include <string.h>

#include <fxq/fxq_cost.h>

#include "ops_conv.h"

#define TRIP_CYCLES	800	/* latency of a store and a load */
#define DMA_BYTES	16	/* a cycle */

static uint64_t blocks(uint64_t channels)
{
	return (channels + FXQ_BLOCK - 1) / FXQ_BLOCK;
}

/*
 * Cycles of storing and loading @c channels of @pixels, half of which are
 * hidden behind other operations.
 */
static uint64_t trip_cost(uint64_t pixels, uint64_t c)
{
	return pixels * c / DMA_BYTES + TRIP_CYCLES;
}

bool gather_by_weights(struct segment *s, struct fx_node *x,
		       uint64_t out_work, struct operand *ret,
		       const uint32_t **ret_chan)
{
	const struct fxq_tensor *type = &x->out[0];
	struct view v = value_of(s, x)->view;
	uint32_t *chan;
	uint64_t more;

	if (view_operand(&v, type->rank, type->dims, 1, ret))
		return false;
	chan = fx_graph_alloc(s->g, (size_t)type->dims[1] * sizeof(*chan));
	if (!view_gather(&v, type->rank, type->dims, 1, ret, chan))
		return false;
	more = blocks(ret->c) - blocks((uint64_t)type->dims[1]);
	if (blocks(ret->c) > blocks((uint64_t)type->dims[1]) &&
	    more * out_work > trip_cost((uint64_t)ret->h * ret->w,
					(uint64_t)type->dims[1]))
		return false;
	*ret_chan = chan;
	return true;
}

const int8_t *spread_weights(struct segment *s, struct layer *l,
			     const uint32_t *chan, uint32_t ic)
{
	uint64_t taps = (uint64_t)l->kh * l->kw;
	int8_t *to = fx_graph_alloc(s->g, l->oc * ic * taps);

	for (uint64_t o = 0; o < l->oc; o++)
		for (uint64_t i = 0; i < l->ic; i++)
			memcpy(to + (o * ic + chan[i]) * taps,
			       l->w + (o * l->ic + i) * taps, taps);
	l->ic = ic;
	return to;
}

/* y = x of channel chan[i], for each of @c channels. */
static void put_gather(struct segment *s, const struct operand *in,
		       struct fmap *t, const uint32_t *chan, int z)
{
	struct layer l = { .oc = t->c, .ic = in->c, .kh = 1, .kw = 1 };
	struct conv_weights *w = fx_graph_alloc(s->g, sizeof(*w));
	int8_t *one_hot = fx_graph_alloc(s->g, (size_t)l.oc * l.ic);
	float *m = fx_graph_alloc(s->g, l.oc * sizeof(*m));
	struct op *op = op_new(s, FXQ_OP_CONV);
	struct fxq_body_conv *c = &op->d.conv;

	w->bias = fx_graph_alloc(s->g, l.oc * sizeof(*w->bias));
	for (uint32_t i = 0; i < l.oc; i++) {
		one_hot[(size_t)i * l.ic + chan[i]] = 1;
		w->bias[i] = -(z + 128);
		m[i] = 1;
	}
	w->w = one_hot;
	w->m = w->n = m;
	op->weights = w;
	op->copies = true;
	op->in[op->n_in++] = *in;
	op->out = operand_of_map(t);
	layer_set_sizes(op, &l);
	c->zx = c->zy = (int8_t)z;
	c->lo = -128;
	c->hi = 127;
}

bool gather_copy(struct segment *s, const struct view *v,
		 const struct fxq_tensor *type, int axis, struct view *ret)
{
	uint64_t work, pixels;
	struct operand in;
	uint32_t *chan;
	struct fmap *t;

	if (type->dtype != FXQ_DTYPE_I8 || axis < 0)
		return false;
	chan = fx_graph_alloc(s->g, (size_t)type->dims[axis] * sizeof(*chan));
	if (!view_gather(v, type->rank, type->dims, axis, &in, chan))
		return false;
	pixels = (uint64_t)in.h * in.w;
	work = blocks(in.c) * blocks((uint64_t)type->dims[axis]);
	if (work * (pixels + FXQ_BLOCK * FXQ_BLOCK / DMA_BYTES) >
	    trip_cost(pixels, (uint64_t)type->dims[axis]))
		return false;
	t = map_new(s, s->node->name, (uint32_t)type->dims[axis], in.h, in.w,
		    1);
	t->written = true;
	put_gather(s, &in, t, chan, type->zero_point);
	*ret = view_of_map(t, type, axis);
	return true;
}
