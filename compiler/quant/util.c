// SPDX-License-Identifier: MIT
/*
 * util.c - questions that the passes ask about nodes
 */
#include <string.h>

#include "quant_priv.h"

bool is_float(const struct fx_node *n)
{
	return n && n->n_out > 0 && n->out[0].dtype == FXQ_DTYPE_F32;
}

const float *const_floats(const struct fx_node *n)
{
	if (!n || !fx_node_is_const(n) || !is_float(n))
		return NULL;
	return n->out[0].data;
}

bool const_scalar(const struct fx_node *n, float *ret_value)
{
	const float *v = const_floats(n);

	if (!v || fxq_tensor_count(type_of(n)) != 1)
		return false;
	*ret_value = v[0];
	return true;
}

struct fx_node *only_user(const struct fx_node *n)
{
	if (n->n_users != 1)
		return NULL;
	for (struct fx_node *u = n->next; u; u = u->next)
		if (fx_node_uses(u, n))
			return u;
	return NULL;
}

bool is_conv(const struct fx_node *n)
{
	return fx_node_is(n, "conv2d") || fx_node_is(n, "conv_transpose2d");
}

bool is_linear(const struct fx_node *n)
{
	return fx_node_is(n, "linear");
}

int channel_axis(const struct fxq_tensor *t)
{
	return t->rank == 4 ? 1 : (int)t->rank - 1;
}

int layer_axis(const struct fx_node *n)
{
	return is_linear(n) ? (int)type_of(n)->rank - 1 : 1;
}

int64_t channels_of(const struct fxq_tensor *t)
{
	return t->rank ? t->dims[channel_axis(t)] : 1;
}

bool per_channel(const struct fx_node *c, const struct fxq_tensor *t, float *a)
{
	const float *v = const_floats(c);
	const struct fxq_tensor *k;
	int64_t n = channels_of(t);
	int axis = channel_axis(t);

	if (!v || !t->rank)
		return false;
	k = type_of(c);
	if (fxq_tensor_count(k) == 1 && k->rank <= t->rank) {
		for (int64_t i = 0; i < n; i++)
			a[i] = v[0];
		return true;
	}
	if (fxq_tensor_count(k) != n || k->rank > t->rank)
		return false;
	axis -= (int)(t->rank - k->rank);
	if (axis < 0 || k->dims[axis] != n)
		return false;
	memcpy(a, v, (size_t)n * sizeof(*a));
	return true;
}

int64_t out_channels(const struct fx_node *n)
{
	const struct fxq_tensor *w = type_of(fx_node_in(n, 1));

	if (fx_node_is(n, "conv_transpose2d"))
		return w->dims[1] * fx_node_int(n, "groups", 1);
	return w->dims[0];
}

int64_t weight_channel(const struct fx_node *layer, int64_t i)
{
	const struct fxq_tensor *w = type_of(fx_node_in(layer, 1));
	int64_t per = fxq_tensor_count(w) / w->dims[0];
	int64_t taps, in;

	if (!fx_node_is(layer, "conv_transpose2d"))
		return i / per;
	taps = per / w->dims[1];
	in = w->dims[0] / fx_node_int(layer, "groups", 1);
	return i / per / in * w->dims[1] + i / taps % w->dims[1];
}

void spatial(const struct fx_node *n, const char *name, int64_t *v,
	     size_t count)
{
	if (fx_node_ints(n, name, v, count) != 1)
		return;
	for (size_t i = 1; i < count; i++)
		v[i] = v[0];
}

struct fx_node *add_const(struct fx_graph *g, const struct fx_node *n,
			  const char *what, uint32_t dtype, uint32_t rank,
			  const int64_t *dims, const void *values)
{
	struct fxq_tensor t = fxq_tensor_type(dtype, rank, dims);

	t.data = (void *)values;
	return fx_graph_constant(g, fx_graph_printf(g, "%s.%s", n->name, what),
				 &t);
}

struct inputs {
	struct fx_node *v[64];
	size_t n;
};

static void collect(struct fx_node *in, void *ctx)
{
	struct inputs *list = ctx;

	if (list->n < 64)
		list->v[list->n++] = in;
}

void erase_unused(struct fx_node *n)
{
	struct inputs list = { .n = 0 };

	if (n->n_users || n->opcode == FX_PLACEHOLDER ||
	    n->opcode == FX_OUTPUT)
		return;
	fx_node_visit(n, collect, &list);
	if (fx_node_erase(n))
		return;
	for (size_t i = 0; i < list.n; i++) {
		bool again = false;

		for (size_t j = 0; j < i; j++)
			again |= list.v[j] == list.v[i];
		if (!again)
			erase_unused(list.v[i]);
	}
}

void take_place(struct fx_node *n, struct fx_node *to)
{
	if (is_given(n)) {
		to->out[0].scale = n->out[0].scale;
		to->out[0].zero_point = n->out[0].zero_point;
	}
	fx_node_replace_uses(n, to);
	erase_unused(n);
}
