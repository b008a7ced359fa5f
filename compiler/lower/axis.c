// SPDX-License-Identifier: MIT
/*
 * axis.c - along which dimension a value should have its channels
 *
 * A value from outside may be loaded in any order: the one that its first user
 * wants saves a copy.
 */
#include "select.h"

static struct fx_node *first_user(const struct segment *s,
				  const struct fx_node *n)
{
	for (struct fx_node *u = n->next; u; u = u->next)
		if (u->place == FX_PLACE_DEVICE &&
		    u->segment == s->node->segment && fx_node_uses(u, n))
			return u;
	return NULL;
}

int default_axis(const struct fxq_tensor *t)
{
	return t->rank == 4 ? 1 : t->rank ? (int)t->rank - 1 : -1;
}

/* The dimension of @from that has the size and inner elements of @to's @axis. */
static int same_axis(const struct fxq_tensor *from, const struct fxq_tensor *to,
		     int axis)
{
	int64_t inner = 1, want = 1;

	for (int i = (int)to->rank - 1; i > axis; i--)
		want *= to->dims[i];
	for (int i = (int)from->rank - 1; i >= 0; i--) {
		if (inner == want && from->dims[i] == to->dims[axis])
			return i;
		inner *= from->dims[i];
	}
	return default_axis(from);
}

static int axis_seen_by(const struct segment *s, struct fx_node *n, int depth);

/* Along which dimension @u would like to find the channels of its input @n. */
static int axis_wanted(const struct segment *s, struct fx_node *u,
		       struct fx_node *n, int depth)
{
	const struct op_rule *rule = op_rule_find(u);
	const struct fxq_tensor *t = &n->out[0];
	int64_t order[FXQ_MAX_RANK];
	int axis;

	if (fx_node_is(u, "qlinear") || fx_node_is(u, "qmatmul") ||
	    fx_node_is(u, "qlayer_norm"))
		return (int)t->rank - 1;
	if (fx_node_is(u, "qsoftmax")) {
		axis = (int)fx_node_int(u, "dim", -1);
		return axis < 0 ? axis + (int)t->rank : axis;
	}
	if (!rule || !u->n_out || u->out[0].rank == 0)
		return default_axis(t);
	axis = axis_seen_by(s, u, depth);
	if (fx_node_is(u, "permute") && axis < (int)t->rank) {
		fx_node_permutation(u, order);
		return (int)order[axis];
	}
	if (rule->lower == lower_view)
		return same_axis(t, &u->out[0], axis);
	return u->out[0].rank == t->rank ? axis : default_axis(t);
}

static int axis_seen_by(const struct segment *s, struct fx_node *n, int depth)
{
	struct fx_node *u = depth < 8 ? first_user(s, n) : NULL;

	return u ? axis_wanted(s, u, n, depth + 1) : default_axis(&n->out[0]);
}

int axis_for_users(const struct segment *s, struct fx_node *n)
{
	return axis_seen_by(s, n, 0);
}
