// SPDX-License-Identifier: MIT
/*
 * ops_concat.c - results that are put together: concatenation and padding
 *
 * Parts are written where they belong, if all can be boxes of one map; else
 * they are stored to memory one beside the other.
 */
#include <string.h>

#include "ops_move.h"

const char *check_concat(struct fx_node *n, const struct fxq_caps *caps)
{
	return check_elements(n);
}

/* Copies @in to a box of @to, in the scratchpad. */
static void op_copy(struct segment *s, const struct operand *in,
		    const struct operand *to)
{
	struct op *op = op_new(s, FXQ_OP_TRANSPOSE);
	struct fxq_body_permute *p = &op->d.permute;

	op->in[op->n_in++] = *in;
	op->out = *to;
	p->h = (uint16_t)in->h;
	p->w = (uint16_t)in->w;
	p->c = (uint16_t)in->c;
	p->perm[0] = FXQ_AXIS_C;
	p->perm[1] = FXQ_AXIS_H;
	p->perm[2] = FXQ_AXIS_W;
}

/* Stores each part to its place in @whole, a view of a map with a home. */
static void concat_in_memory(struct segment *s, struct fx_node *n, int d,
			     const struct view *whole)
{
	int64_t at = 0;

	for (size_t i = 0; i < n->n_args && !s->err; i++) {
		struct fx_node *in = fx_node_in(n, i);
		const struct fxq_tensor *type = &in->out[0];
		struct view part = *whole;

		view_slice(&part, n->out[0].rank, n->out[0].dims, d, at, 1,
			   type->dims[d]);
		store_view(s, &value_of(s, in)->view, &part, type);
		at += type->dims[d];
	}
}

/* Is @v all of a map that operations of this segment have made? */
static bool is_whole_result(const struct view *v, const struct operand *o)
{
	const struct fmap *t = v->t;

	return t->written && !t->parent && t->home.kind == HOME_NONE &&
	       !o->c0 && !o->p0 && o->c == t->c && o->h == t->h &&
	       o->w == t->w && o->row == t->w;
}

/*
 * Channels from one part to the next, where all parts can be boxes of one map:
 * their own, if each then begins a block; if all are equal, whole blocks with
 * a gap in the last, unless the gaps of a large map would crowd others out of
 * the scratchpad. 0: neither.
 */
static uint32_t part_step(struct segment *s, struct fx_node *n, int d)
{
	int64_t size = fx_node_in(n, 0)->out[0].dims[d], at = 0;
	bool aligned = true, equal = true;

	for (size_t i = 0; i < n->n_args; i++) {
		const struct fxq_tensor *t = &fx_node_in(n, i)->out[0];

		aligned &= at % FXQ_BLOCK == 0;
		equal &= t->dims[d] == size;
		at += t->dims[d];
	}
	if (aligned)
		return 1;
	if (!equal || fxq_tensor_count(&n->out[0]) > s->caps.spm_bytes / 4)
		return 0;
	return fxq_round_up((uint32_t)size, FXQ_BLOCK);
}

/* Channels of the result are [part][channel of the part], with gaps. */
static struct operand result_with_gaps(struct segment *s, struct fx_node *n,
				       int d, uint32_t step,
				       const struct operand *like)
{
	uint32_t size = (uint32_t)fx_node_in(n, 0)->out[0].dims[d], at = 0;
	struct fmap *t = map_new(s, n->name, (uint32_t)(n->n_args - 1) * step +
				 size, like->h, like->w, 1);
	struct fxq_tensor type = n->out[0];
	unsigned int start[FXQ_MAX_RANK + 1];
	struct view v;

	t->written = true;
	v = view_of_map(t, &type, d);
	view_align(&v, type.rank, type.dims, start);
	at = start[d];
	memmove(v.f + at + 1, v.f + at, (v.n++ - at) * sizeof(*v.f));
	v.f[at] = (struct factor){ (int64_t)n->n_args, step, 0 };
	v.f[at + 1] = (struct factor){ size, 1, 0 };
	set_value(s, n, &v);
	return operand_of_map(t);
}

/* Parts become boxes of one map, or are copied there. */
static void concat_in_place(struct segment *s, struct fx_node *n, int d,
			    uint32_t step)
{
	struct operand first = operand_of(s, fx_node_in(n, 0), d), whole;
	uint32_t at = 0;

	whole = step == 1 ? result_like(s, d, first.h, first.w) :
		result_with_gaps(s, n, d, step, &first);
	for (size_t i = 0; i < n->n_args; i++) {
		struct fx_node *in = fx_node_in(n, i);
		struct operand o = operand_of(s, in, d), part = whole;
		struct view v = value_of(s, in)->view;

		if (is_whole_result(&v, &o) && o.h == whole.h &&
		    o.w == whole.w) {
			o.t->parent = whole.t;
			o.t->pc = at;
		} else {
			part.c0 = at;
			part.c = o.c;
			op_copy(s, &o, &part);
		}
		at += step == 1 ? o.c : step;
	}
}

void lower_concat(struct segment *s, struct fx_node *n)
{
	const struct fxq_tensor *type = &n->out[0];
	int d = wrap_dim(fx_node_int(n, "dim", 0), type->rank);
	int axis = value_axis(s, fx_node_in(n, 0));
	uint32_t step = part_step(s, n, d);
	struct view v;

	if (d == axis && step) {
		concat_in_place(s, n, d, step);
		return;
	}
	map_for(s, n->name, type, axis, &v);
	map_scratch(s, v.t);
	concat_in_memory(s, n, d, &v);
	set_value(s, n, &v);
}

/* Before each dimension, then behind each. */
static bool read_pads(const struct fx_node *n, int64_t *pads)
{
	int64_t given[2 * FXQ_MAX_RANK], axes[FXQ_MAX_RANK];
	uint32_t rank = n->out[0].rank, count = rank;

	for (uint32_t d = 0; d < rank; d++) {
		axes[d] = d;
		pads[d] = pads[rank + d] = 0;
	}
	if (fx_node_kwarg(n, "axes"))
		count = (uint32_t)fx_node_ints(n, "axes", axes, FXQ_MAX_RANK);
	if (fx_node_in(n, 3) || count > rank ||
	    param_ints(n, "pads", 1, given, 2 * FXQ_MAX_RANK) !=
	    (int)(2 * count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		int d = wrap_dim(axes[i], rank);

		pads[d] = given[i];
		pads[rank + d] = given[count + i];
	}
	return true;
}

const char *check_pad(struct fx_node *n, const struct fxq_caps *caps)
{
	int64_t pads[2 * FXQ_MAX_RANK];

	if (strcmp(fx_node_str(n, "mode", "constant"), "constant"))
		return fx_graph_printf(n->graph,
				       "padding by '%s': the device pads with a constant",
				       fx_node_str(n, "mode", ""));
	if (n->out[0].rank != 4 || !read_pads(n, pads))
		return "padding that is not constant, or not of an image";
	for (int i = 0; i < 8; i++)
		if (pads[i] < 0 || (i % 4 < 1 && pads[i]) ||
		    (i == 1 && pads[i] % FXQ_BLOCK))
			return "padding of batch or single channels, or negative";
	if (fx_node_in(n, 2))
		return "padding with a value that is an input";
	return check_elements(n);
}

void lower_pad(struct segment *s, struct fx_node *n)
{
	struct operand in = operand_of(s, fx_node_in(n, 0), 1), whole, part;
	int64_t pads[2 * FXQ_MAX_RANK];
	struct op *op;

	read_pads(n, pads);
	whole = result_like(s, 1, (uint32_t)n->out[0].dims[2],
			    (uint32_t)n->out[0].dims[3]);
	op = op_new(s, FXQ_OP_FILL);
	op->out = whole;
	op->d.dma.fill = (uint8_t)(int)fx_node_float(n, "value", 0);
	part = in;
	part.t = whole.t;
	part.c0 = (uint32_t)pads[1];
	part.p0 = (uint32_t)(pads[2] * whole.w + pads[3]);
	part.row = whole.w;
	op_copy(s, &in, &part);
}
