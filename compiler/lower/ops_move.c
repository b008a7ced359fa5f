// SPDX-License-Identifier: MIT
/*
 * ops_move.c - operators whose result is their input, seen in another way
 *
 * Reshapes, permutations, slices and repetitions cost nothing: they are new
 * views of the same map. A view that cannot express one is copied first.
 */
#include <string.h>

#include "ops_move.h"

int param_ints(const struct fx_node *n, const char *name, unsigned int i,
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

int wrap_dim(int64_t dim, uint32_t rank)
{
	return (int)(dim < 0 ? dim + rank : dim);
}

const char *check_elements(struct fx_node *n)
{
	if (fxq_tensor_count(&n->out[0]) < 1)
		return "an empty tensor";
	return NULL;
}

const char *check_view(struct fx_node *n, const struct fxq_caps *caps)
{
	return check_elements(n);
}

void lower_view(struct segment *s, struct fx_node *n)
{
	set_value(s, n, &value_of(s, fx_node_in(n, 0))->view);
}

const char *check_permute(struct fx_node *n, const struct fxq_caps *caps)
{
	return check_elements(n);
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
		int k = wrap_dim(order[i], rank);

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

bool view_slice(struct view *v, uint32_t rank, const int64_t *dims, int d,
		int64_t first, int64_t step, int64_t count)
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

void slice_view(struct segment *s, struct view *v,
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
		int d = wrap_dim(n_axes > i ? axis[i] : i, t->rank);
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
	return check_elements(n);
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
	return check_elements(n);
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
	return check_elements(n);
}

void lower_getitem(struct segment *s, struct fx_node *n)
{
	struct fx_node *from = fx_node_in(n, 0), *x = fx_node_in(from, 0);
	const struct fxq_tensor *type = &x->out[0];
	struct view v = value_of(s, from)->view;
	int d = wrap_dim(fx_node_int(from, "dim", 0), type->rank);
	int64_t first = 0;

	for (int64_t i = 0; i < item_index(n); i++)
		first += from->out[i].dims[d];
	slice_view(s, &v, type, d, first, 1, n->out[0].dims[d]);
	set_value(s, n, &v);
}

const char *check_expand(struct fx_node *n, const struct fxq_caps *caps)
{
	return check_elements(n);
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
	return check_elements(n);
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
