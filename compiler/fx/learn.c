// SPDX-License-Identifier: MIT
/*
 * learn.c - types that only running tells
 *
 * A wrapped function without a shape function may answer anything. Where only
 * the program or another such function reads it, that stays so to the end. An
 * operator must know what it works on: for it, one run says what the function
 * answers, and a compiled network holds it to that.
 */
#include "fx_priv.h"

struct readers {
	const struct fx_node *of;
	bool found;
};

static void note_reader(struct fx_node *in, void *ctx)
{
	struct readers *r = ctx;

	r->found |= in == r->of;
}

static bool reads(const struct fx_node *n, const struct fx_node *of)
{
	struct readers r = { .of = of };

	fx_node_visit(n, note_reader, &r);
	return r.found;
}

/* Of several results, each is read through a getitem. */
static bool is_read_by_operator(const struct fx_node *n)
{
	for (struct fx_node *user = n->next; user; user = user->next) {
		if (user->opcode != FX_CALL_FUNCTION || user->wrapped ||
		    !reads(user, n))
			continue;
		if (!fx_node_is(user, "getitem") || is_read_by_operator(user))
			return true;
	}
	return false;
}

bool fx_node_is_dynamic(const struct fx_node *n)
{
	return n->wrapped && !n->wrapped->infer && !is_read_by_operator(n);
}

static bool has_to_be_learned(const struct fx_node *n)
{
	return n->wrapped && !n->wrapped->infer && !node_type_is_known(n) &&
	       is_read_by_operator(n);
}

bool fx_graph_needs_learning(const struct fx_graph *g)
{
	fx_for_each_node(n, g)
		if (has_to_be_learned(n))
			return true;
	return false;
}

/* Each result of a node comes by in its turn; the last one makes it known. */
static int learn(struct fx_node *n, int out_index, struct fxq_tensor *value,
		 void *ctx)
{
	if (has_to_be_learned(n))
		tensor_set_shape(&n->out[out_index], value);
	return 0;
}

int fx_graph_learn(struct fx_graph *g, const struct fx_run *run,
		   const struct fxq_tensor *in, size_t n_in)
{
	struct fx_run watched = *run;
	struct fxq_tensor *out;
	struct arena arena = {};
	size_t n_out = 0;
	int ret;

	if (g->output && g->output->n_args)
		n_out = arg_is_sequence(&g->output->args[0]) ?
			g->output->args[0].count : 1;
	out = arena_alloc(&arena, n_out * sizeof(*out), 8);
	watched.observe = learn;
	ret = fx_graph_run(g, &watched, in, n_in, out, n_out);
	for (size_t i = 0; !ret && i < n_out; i++)
		fxq_tensor_free(&out[i]);
	arena_finish(&arena);
	return ret ? ret : fx_graph_infer(g);
}

/*
 * What a wrapped function without a shape function returns is known when it
 * runs. It gets room for two numbers of 32 bits, or one of 64, for each element
 * that goes in, unless the model declares a type.
 */
static void declare_room(struct fx_node *n)
{
	int64_t room = 4096;

	for (size_t i = 0; i < n->n_args; i++) {
		struct fx_node *in = fx_node_in(n, i);

		if (in && in->n_out)
			room += 2 * (int64_t)fxq_tensor_bytes(&in->out[0]);
	}
	for (int i = 0; i < n->n_out; i++)
		if (n->out[i].dtype == FXQ_DTYPE_NONE)
			n->out[i] = fxq_tensor_type(FXQ_DTYPE_U8, 1, &room);
}

void fx_graph_make_room(struct fx_graph *g)
{
	fx_for_each_node(n, g)
		if (fx_node_is_dynamic(n))
			declare_room(n);
}
