// SPDX-License-Identifier: MIT
/*
 * ops_move.c - operators that move elements and compute nothing
 *
 * Most cost nothing: reshapes, permutations and slices are new views of the
 * same map, and the parts of a concatenation are written where they belong. The
 * rest goes through memory, or is copied in the scratchpad.
 */
#include <string.h>

#include "lower.h"

#define GATHER_MAX	512	/* indices that are copied one by one */

/* Integers of parameter @name: a kwarg, or the constant input @i. */
static int param_ints(const struct fx_node *n, const char *name, unsigned int i,
		      int64_t *v, int max)
{
	const struct fx_node *in = i ? fx_node_in(n, i) : NULL;
	const struct fx_arg *a = fx_node_kwarg(n, name);
	int count;

	if (a && a->kind == FX_ARG_INT) {
		v[0] = a->i;
		return 1;
	}
	if (a && a->kind != FX_ARG_NONE)
		return (int)fx_node_ints(n, name, v, (size_t)max);
	if (!in || !fx_node_is_const(in))
		return -1;
	count = (int)fxq_tensor_count(&in->out[0]);
	for (int k = 0; k < count && k < max; k++) {
		if (in->out[0].dtype == FXQ_DTYPE_I64)
			v[k] = ((const int64_t *)in->out[0].data)[k];
		else if (in->out[0].dtype == FXQ_DTYPE_I32)
			v[k] = ((const int32_t *)in->out[0].data)[k];
		else
			return -1;
	}
	return count <= max ? count : -1;
}

static int wrap(int64_t dim, uint32_t rank)
{
	return (int)(dim < 0 ? dim + rank : dim);
}

static const char *check_rank(struct fx_node *n)
{
	if (fxq_tensor_count(&n->out[0]) < 1)
		return "an empty tensor";
	return NULL;
}

const char *check_view(struct fx_node *n, const struct fxq_caps *caps)
{
	return check_rank(n);
}

void lower_view(struct segment *s, struct fx_node *n)
{
	set_value(s, n, &value_of(s, fx_node_in(n, 0))->view);
}

const char *check_permute(struct fx_node *n, const struct fxq_caps *caps)
{
	return check_rank(n);
}

/* Dimension i of the result is dimension order[i] of @type; copied if split. */
static void permute_view(struct segment *s, struct view *v, uint32_t rank,
			 const int64_t *dims, const int64_t *order)
{
	unsigned int start[FXQ_MAX_RANK + 1];
	struct view to = { .t = v->t, .c0 = v->c0, .p0 = v->p0 };

	if (!view_align(v, rank, dims, start)) {
		struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_I8, rank, dims);

		t.zero_point = s->node->out[0].zero_point;
		*v = view_copy(s, v, &t, (int)rank - 1);
		view_align(v, rank, dims, start);
		to = (struct view){ .t = v->t };
	}
	for (uint32_t i = 0; i < rank; i++) {
		int k = wrap(order[i], rank);

		for (unsigned int f = start[k]; f < start[k + 1]; f++)
			to.f[to.n++] = v->f[f];
	}
	*v = to;
}

void lower_permute(struct segment *s, struct fx_node *n)
{
	const struct fxq_tensor *type = &fx_node_in(n, 0)->out[0];
	struct view v = value_of(s, fx_node_in(n, 0))->view;
	int64_t order[FXQ_MAX_RANK];

	fx_node_permutation(n, order);
	permute_view(s, &v, type->rank, type->dims, order);
	set_value(s, n, &v);
}

/* Elements start, start + step, ... of dimension @d; false: it is split. */
static bool view_slice(struct view *v, uint32_t rank, const int64_t *dims,
		       int d, int64_t first, int64_t step, int64_t count)
{
	unsigned int start[FXQ_MAX_RANK + 1];
	struct factor *f;

	if (first == 0 && step == 1 && count == dims[d])
		return true;
	if (!view_align(v, rank, dims, start) ||
	    start[d + 1] - start[d] != 1)
		return false;
	f = &v->f[start[d]];
	v->c0 += first * f->cs;
	v->p0 += first * f->ps;
	f->size = count;
	f->cs *= step;
	f->ps *= step;
	if (count == 1) {
		memmove(f, f + 1, (v->n - start[d] - 1) * sizeof(*f));
		v->n--;
	}
	return true;
}

/* The same; a view that does not allow it is copied first. */
static void slice_view(struct segment *s, struct view *v,
		       const struct fxq_tensor *type, int d, int64_t first,
		       int64_t step, int64_t count)
{
	struct view try = *v;

	if (!view_slice(&try, type->rank, type->dims, d, first, step, count)) {
		int axis = view_axis(v, type->rank, type->dims);

		try = view_copy(s, v, type, axis < 0 ? (int)type->rank - 1 :
				axis);
		view_slice(&try, type->rank, type->dims, d, first, step, count);
	}
	*v = try;
}

struct slices {
	int64_t first[FXQ_MAX_RANK], step[FXQ_MAX_RANK];
};

/* First element and step of each dimension; false: not known or negative. */
static bool read_slices(const struct fx_node *n, struct slices *r)
{
	const struct fxq_tensor *t = &fx_node_in(n, 0)->out[0];
	int64_t start[FXQ_MAX_RANK], axis[FXQ_MAX_RANK], step[FXQ_MAX_RANK];
	int count = param_ints(n, "starts", 1, start, FXQ_MAX_RANK);
	int n_axes = param_ints(n, "axes", 3, axis, FXQ_MAX_RANK);
	int n_steps = param_ints(n, "steps", 4, step, FXQ_MAX_RANK);

	for (uint32_t i = 0; i < t->rank; i++) {
		r->first[i] = 0;
		r->step[i] = 1;
	}
	if (count < 0)
		return false;
	for (int i = 0; i < count; i++) {
		int d = wrap(n_axes > i ? axis[i] : i, t->rank);
		int64_t at = start[i] < 0 ? start[i] + t->dims[d] : start[i];

		if (n_steps > i && step[i] < 1)
			return false;
		r->first[d] = at < 0 ? 0 : at;
		r->step[d] = n_steps > i ? step[i] : 1;
	}
	return true;
}

const char *check_slice(struct fx_node *n, const struct fxq_caps *caps)
{
	struct slices r;

	if (!read_slices(n, &r))
		return "a slice whose bounds are not constant or run backwards";
	return check_rank(n);
}

void lower_slice(struct segment *s, struct fx_node *n)
{
	struct fxq_tensor type = fx_node_in(n, 0)->out[0];
	struct view v = value_of(s, fx_node_in(n, 0))->view;
	struct slices r;

	read_slices(n, &r);
	for (uint32_t d = 0; d < type.rank; d++) {
		slice_view(s, &v, &type, (int)d, r.first[d], r.step[d],
			   n->out[0].dims[d]);
		type.dims[d] = n->out[0].dims[d];
	}
	set_value(s, n, &v);
}

const char *check_split(struct fx_node *n, const struct fxq_caps *caps)
{
	return check_rank(n);
}

/* The parts are views that getitem takes; the node itself is its input. */
void lower_split(struct segment *s, struct fx_node *n)
{
	lower_view(s, n);
}

static int64_t item_index(const struct fx_node *n)
{
	return fx_node_int(n, "index", -1);
}

const char *check_getitem(struct fx_node *n, const struct fxq_caps *caps)
{
	struct fx_node *from = fx_node_in(n, 0);

	if (!from || !fx_node_is(from, "split"))
		return "a result of an operator that is not on the device";
	if (item_index(n) < 0 || item_index(n) >= from->n_out)
		return "its index is not constant";
	return check_rank(n);
}

void lower_getitem(struct segment *s, struct fx_node *n)
{
	struct fx_node *from = fx_node_in(n, 0), *x = fx_node_in(from, 0);
	const struct fxq_tensor *type = &x->out[0];
	struct view v = value_of(s, from)->view;
	int d = wrap(fx_node_int(from, "dim", 0), type->rank);
	int64_t first = 0;

	for (int64_t i = 0; i < item_index(n); i++)
		first += from->out[i].dims[d];
	slice_view(s, &v, type, d, first, 1, n->out[0].dims[d]);
	set_value(s, n, &v);
}

/* --- concatenation --- */

const char *check_concat(struct fx_node *n, const struct fxq_caps *caps)
{
	return check_rank(n);
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
	int d = wrap(fx_node_int(n, "dim", 0), type->rank);
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

/* --- padding --- */

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
		int d = wrap(axes[i], rank);

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
	return check_rank(n);
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

/* --- gathering and repeating --- */

static int64_t *read_indices(const struct fx_node *n, int64_t *count)
{
	struct fx_node *index = fx_node_in(n, 1);
	const struct fxq_tensor *t = index ? &index->out[0] : NULL;
	const struct fxq_tensor *x = &fx_node_in(n, 0)->out[0];
	int d = wrap(fx_node_int(n, "dim", 0), x->rank);
	int64_t *v;

	if (!t || !fx_node_is_const(index) || t->rank > 1 ||
	    (t->dtype != FXQ_DTYPE_I64 && t->dtype != FXQ_DTYPE_I32))
		return NULL;
	*count = fxq_tensor_count(t);
	v = fx_graph_alloc(n->graph, (size_t)(*count + 1) * sizeof(*v));
	for (int64_t i = 0; i < *count; i++) {
		v[i] = t->dtype == FXQ_DTYPE_I64 ?
		       ((const int64_t *)t->data)[i] :
		       ((const int32_t *)t->data)[i];
		v[i] += v[i] < 0 ? x->dims[d] : 0;
		if (v[i] < 0 || v[i] >= x->dims[d])
			return NULL;
	}
	return v;
}

const char *check_gather(struct fx_node *n, const struct fxq_caps *caps)
{
	int64_t count = 0;

	if (!read_indices(n, &count))
		return "indices that are not a constant list";
	if (count > GATHER_MAX)
		return fx_graph_printf(n->graph,
				       "%lld indices: the device copies at most %d",
				       (long long)count, GATHER_MAX);
	return check_rank(n);
}

/* How many indices from @i on rise by the same step, which is at least 1. */
static int64_t regular(const int64_t *v, int64_t n, int64_t *step)
{
	int64_t i = 1;

	*step = n > 1 ? v[1] - v[0] : 1;
	if (*step < 1) {
		*step = 1;
		return 1;
	}
	while (i < n && v[i] - v[i - 1] == *step)
		i++;
	return i;
}

void lower_gather(struct segment *s, struct fx_node *n)
{
	struct fx_node *x = fx_node_in(n, 0);
	struct fxq_tensor type = x->out[0], result;
	int d = wrap(fx_node_int(n, "dim", 0), type.rank), axis;
	int64_t count = 0, step, *index = read_indices(n, &count);
	struct view v = value_of(s, x)->view, to;

	if (regular(index, count, &step) == count) {
		slice_view(s, &v, &type, d, index[0], step, count);
		set_value(s, n, &v);
		return;
	}
	result = type;
	result.dims[d] = count;
	axis = value_axis(s, x);
	map_for(s, n->name, &result, axis, &to);
	map_scratch(s, to.t);
	for (int64_t i = 0, m; i < count; i += m) {
		struct view from = v, part = to;
		struct fxq_tensor piece = type;

		m = regular(index + i, count - i, &step);
		piece.dims[d] = m;
		slice_view(s, &from, &type, d, index[i], step, m);
		view_slice(&part, result.rank, result.dims, d, i, 1, m);
		store_view(s, &from, &part, &piece);
	}
	set_value(s, n, &to);
}

const char *check_expand(struct fx_node *n, const struct fxq_caps *caps)
{
	return check_rank(n);
}

/* Expand and tile: a factor that goes nowhere before each dimension's own. */
void lower_expand(struct segment *s, struct fx_node *n)
{
	const struct fxq_tensor *x = &fx_node_in(n, 0)->out[0];
	struct view v = value_of(s, fx_node_in(n, 0))->view;
	struct view to = { .t = v.t, .c0 = v.c0, .p0 = v.p0 };
	uint32_t more = n->out[0].rank - x->rank;
	unsigned int start[FXQ_MAX_RANK + 1];

	if (!view_align(&v, x->rank, x->dims, start)) {
		v = view_copy(s, &v, x, (int)x->rank - 1);
		view_align(&v, x->rank, x->dims, start);
		to = (struct view){ .t = v.t };
	}
	for (uint32_t i = 0; i < n->out[0].rank; i++) {
		int64_t own = i < more ? 1 : x->dims[i - more];
		int64_t times = n->out[0].dims[i] / own;

		if (times > 1)
			to.f[to.n++] = (struct factor){ times, 0, 0 };
		for (unsigned int k = i < more ? 0 : start[i - more];
		     i >= more && k < start[i - more + 1]; k++)
			to.f[to.n++] = v.f[k];
	}
	set_value(s, n, &to);
}

const char *check_shuffle(struct fx_node *n, const struct fxq_caps *caps)
{
	if (n->out[0].rank != 4)
		return "pixels of anything but images are shuffled";
	return check_rank(n);
}

/* Pixels to channels or back: a reshape to rank 6, permuted. */
void lower_shuffle(struct segment *s, struct fx_node *n)
{
	static const int64_t to_pixels[2][6] = { { 0, 3, 4, 1, 5, 2 },
						 { 0, 1, 4, 2, 5, 3 } };
	static const int64_t to_channels[6] = { 0, 3, 5, 1, 2, 4 };
	const int64_t *x = fx_node_in(n, 0)->out[0].dims;
	struct view v = value_of(s, fx_node_in(n, 0))->view;
	int64_t b = fx_node_int(n, "block", 1);
	int64_t c = x[1] / (b * b);
	bool crd = !strcmp(fx_node_str(n, "mode", "DCR"), "CRD");

	if (fx_node_is(n, "depth_to_space")) {
		const int64_t dcr_dims[6] = { x[0], b, b, c, x[2], x[3] };
		const int64_t crd_dims[6] = { x[0], c, b, b, x[2], x[3] };

		permute_view(s, &v, 6, crd ? crd_dims : dcr_dims,
			     to_pixels[crd]);
	} else {
		const int64_t dims[6] = { x[0], x[1], x[2] / b, b, x[3] / b,
					  b };

		permute_view(s, &v, 6, dims, to_channels);
	}
	set_value(s, n, &v);
}
