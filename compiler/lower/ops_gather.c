// SPDX-License-Identifier: MIT
/*
 * ops_gather.c - elements by constant indices
 *
 * Indices that rise by the same step are a slice; others are several, each
 * stored to its place in memory.
 */
#include "ops_move.h"

#define GATHER_MAX	512	/* indices that are copied one by one */

static int64_t *read_indices(const struct fx_node *n, int64_t *count)
{
	struct fx_node *index = fx_node_in(n, 1);
	const struct fxq_tensor *t = index ? &index->out[0] : NULL;
	const struct fxq_tensor *x = &fx_node_in(n, 0)->out[0];
	int d = wrap_dim(fx_node_int(n, "dim", 0), x->rank);
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
	return check_elements(n);
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
	int d = wrap_dim(fx_node_int(n, "dim", 0), type.rank), axis;
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
