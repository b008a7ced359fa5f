// SPDX-License-Identifier: MIT
/*
 * fold.c - replaces what depends on constants alone by constants
 *
 * Inference and folding go hand in hand, node by node: an exporter computes
 * shapes with operators, so the type of one node may depend on the value of
 * another, which is there only once it is folded. An operator that reads
 * nothing but the type of its input folds as soon as that is known.
 *
 * A node becomes a get_attr in its place and keeps its name. Of a node with
 * several results the getitem nodes become constants; the node then goes.
 * Wrapped functions, impure operators and results above 64 MiB stay; so does
 * everything once 1 GiB has been folded, for a small file can ask for much.
 */
#include <errno.h>
#include <string.h>

#include "fx_priv.h"

#define MAX_RESULT_BYTES	((size_t)64 << 20)
#define MAX_TOTAL_BYTES		((size_t)1 << 30)

struct folding {
	struct arena arena;		/* of the node that is looked at */
	size_t bytes;			/* folded so far */
};

static const char *const reads_type_only[] = { "shape", "size" };

static bool needs_no_values(const struct fx_node *n)
{
	for (size_t i = 0; i < sizeof(reads_type_only) / sizeof(char *); i++)
		if (!strcmp(n->target, reads_type_only[i]))
			return true;
	return false;
}

static size_t result_bytes(const struct fx_node *n)
{
	size_t bytes = 0;

	for (int i = 0; i < n->n_out; i++)
		if (__builtin_add_overflow(bytes, fxq_tensor_bytes(&n->out[i]),
					   &bytes))
			return SIZE_MAX;
	return bytes;
}

static bool can_fold(const struct folding *f, struct fx_node *n,
		     const struct node_call *c)
{
	size_t bytes = result_bytes(n);

	if (!n->op || !n->op->fn.infer || !n->op->fn.eval ||
	    (n->op->flags & FX_OP_IMPURE) || !node_type_is_known(n))
		return false;

	for (uint32_t i = 0; i < c->call.n_in; i++)
		if (c->inputs[i] && !fx_node_is_const(c->inputs[i]) &&
		    !needs_no_values(n))
			return false;
	return bytes <= MAX_RESULT_BYTES && bytes <= MAX_TOTAL_BYTES - f->bytes;
}

static void become_constant(struct fx_node *n)
{
	node_drop_uses(n);
	n->opcode = FX_GET_ATTR;
	n->target = n->name;
	n->op = NULL;
	n->n_args = 0;
	n->n_kwargs = 0;
}

/* Evaluates into memory of the graph. */
static int fold_call(struct fx_node *n, struct node_call *c)
{
	struct fxq_call *call = &c->call;
	int ret;

	for (uint32_t i = 0; i < call->n_in; i++)
		if (c->inputs[i])
			c->in[i] = c->inputs[i]->out[0];
	for (int i = 0; i < n->n_out; i++) {
		call->out[i] = n->out[i];
		call->out[i].data = fx_graph_alloc(n->graph,
					fxq_tensor_bytes(&n->out[i]));
	}

	call->threads = 1;
	ret = n->op->fn.eval(call);
	if (ret)
		return node_call_fail(n, ret, call);

	for (int i = 0; i < n->n_out; i++)
		n->out[i].data = call->out[i].data;
	if (n->n_out == 1)
		become_constant(n);
	return 0;
}

/* A getitem of results that are there takes its own. */
static int fold_getitem(struct fx_node *n, struct fx_node *from, int index)
{
	if (!from->out[index].data)
		return 0;
	n->out[0].data = from->out[index].data;
	become_constant(n);
	return 0;
}

static int fold_node(struct folding *f, struct fx_node *n)
{
	struct node_call c;
	struct fx_node *from;
	int ret, index;

	ret = infer_node(n, &f->arena);
	if (ret || n->opcode != FX_CALL_FUNCTION)
		return ret;

	ret = node_selects(n, &from, &index);
	if (ret < 0)
		return ret;
	if (ret)
		return fold_getitem(n, from, index);

	ret = node_call_init(n, &f->arena, &c);
	if (ret || !can_fold(f, n, &c))
		return ret;
	f->bytes += result_bytes(n);
	return fold_call(n, &c);
}

/*
 * Constants that lost their last user to folding go, and folded nodes of
 * several results; of the latter, one that is still used computes again.
 */
static void erase_leftovers(struct fx_graph *g)
{
	struct fx_node *prev;

	for (struct fx_node *n = g->last; n; n = prev) {
		bool folded = n->opcode == FX_CALL_FUNCTION && n->out[0].data;

		prev = n->prev;
		for (int i = 0; folded && i < n->n_out; i++)
			n->out[i].data = NULL;
		if (!n->n_users && node_box(n)->had_users &&
		    (folded || fx_node_is_const(n)))
			fx_node_erase(n);
	}
}

int fx_graph_fold_constants(struct fx_graph *g)
{
	struct folding f = {};
	int ret = 0;

	fx_for_each_node(n, g)
		node_box(n)->had_users = n->n_users;
	fx_for_each_node(n, g) {
		ret = fold_node(&f, n);
		arena_finish(&f.arena);
		if (ret)
			break;
	}
	erase_leftovers(g);
	return ret;
}
