// SPDX-License-Identifier: MIT
/*
 * interpret.c - runs a functional graph eagerly
 *
 * Each operator's kernel runs in the order of the list; a value is freed after
 * the last node that uses it. Inputs and constants are borrowed, and copied
 * only when somebody observes, since an observer may change what it sees. A
 * getitem shares the result it selects.
 *
 * A function without shape function is called with out[i].data NULL: its eval
 * sets dtype, rank and dims and allocates with fxq_tensor_alloc().
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fx_priv.h"

/* One result, shared by the slots of the nodes that have it. */
struct value {
	struct fxq_tensor t;
	unsigned int refs;
	bool borrowed;
};

/*
 * What a node has answered.
 * @pending: users that have yet to run
 * @returns: how often the output names it, still to be handed out
 */
struct slot {
	struct value **values;
	unsigned int pending, returns;
};

struct run {
	struct fx_graph *g;
	struct fx_run opt;
	struct fxq_self nobody;
	struct arena arena;
	struct slot *slots;
	const struct fxq_tensor *in;
	size_t n_in, next_in;
	struct fxq_tensor *out;
	size_t n_out, next_out;
	struct fx_node *not_a_value;	/* an output that cannot be returned */
};

static struct slot *slot_of(const struct run *run, struct fx_node *n)
{
	return &run->slots[node_box(n)->order];
}

static void value_put(struct value *v)
{
	if (!v || --v->refs)
		return;
	if (!v->borrowed)
		fxq_tensor_free(&v->t);
	free(v);
}

static struct value *value_new(const struct fxq_tensor *t, bool borrowed)
{
	struct value *v = malloc(sizeof(*v));

	if (v)
		*v = (struct value){ .t = *t, .refs = 1, .borrowed = borrowed };
	return v;
}

static int tensor_copy(const struct fxq_tensor *from, struct fxq_tensor *ret_to)
{
	struct fxq_tensor to = *from;
	int ret;

	ret = fxq_tensor_alloc(&to);
	if (ret)
		return ret;

	memcpy(to.data, from->data, fxq_tensor_bytes(from));
	*ret_to = to;
	return 0;
}

static int set_value(struct run *run, struct fx_node *n, int i,
		     const struct fxq_tensor *t, bool borrowed)
{
	struct fxq_tensor copy = *t;
	struct value *v;
	int ret;

	if (borrowed && run->opt.observe) {
		ret = tensor_copy(t, &copy);
		if (ret)
			return ret;
		borrowed = false;
	}

	v = value_new(&copy, borrowed);
	if (!v) {
		if (!borrowed)
			fxq_tensor_free(&copy);
		return -ENOMEM;
	}
	slot_of(run, n)->values[i] = v;
	return 0;
}

static int check_input(struct fx_node *n, const struct fxq_tensor *t)
{
	const struct fxq_tensor *want = &n->out[0];
	char given[TENSOR_STR_MAX], wanted[TENSOR_STR_MAX];
	bool same = t->dtype == want->dtype && t->rank == want->rank;

	if (tensor_check_type(t) || !t->data)
		return node_fail(n, -EINVAL, "the tensor given for this input is %s without data",
				 tensor_str(t, given));
	if (want->dtype == FXQ_DTYPE_NONE)
		return 0;

	for (uint32_t i = 0; same && i < want->rank; i++)
		same = t->dims[i] == want->dims[i];
	if (!same)
		return node_fail(n, -EINVAL, "this input is %s, but %s was given",
				 tensor_str(want, wanted),
				 tensor_str(t, given));
	return 0;
}

static int run_placeholder(struct run *run, struct fx_node *n)
{
	struct fxq_tensor t;
	int ret;

	ret = check_input(n, &run->in[run->next_in]);
	if (ret)
		return ret;

	t = run->in[run->next_in++];
	if (!t.scale) {
		t.scale = n->out[0].scale;
		t.zero_point = n->out[0].zero_point;
	}
	return set_value(run, n, 0, &t, true);
}

/* Shares the result; with an observer about, copies it. */
static int run_getitem(struct run *run, struct fx_node *n,
		       struct fx_node *from, int index)
{
	struct value *v = slot_of(run, from)->values[index];

	if (run->opt.observe)
		return set_value(run, n, 0, &v->t, true);
	v->refs++;
	slot_of(run, n)->values[0] = v;
	return 0;
}

static int set_inputs(struct run *run, struct fx_node *n, struct node_call *c)
{
	struct value *v;

	for (uint32_t i = 0; i < c->call.n_in; i++) {
		if (!c->inputs[i])
			continue;
		v = slot_of(run, c->inputs[i])->values[0];
		if (!v)
			return node_fail(n, -EINVAL, "input '%s' has no data",
					 c->inputs[i]->name);
		c->in[i] = v->t;
	}
	return 0;
}

static void free_outputs(struct fxq_call *call)
{
	for (uint32_t i = 0; i < call->n_out; i++)
		fxq_tensor_free(&call->out[i]);
}

static int call_fails(struct fxq_call *call, int err, const char *what)
{
	if (!call->error[0])
		snprintf(call->error, sizeof(call->error), "%s", what);
	return err;
}

static int alloc_outputs(struct fxq_call *call)
{
	int ret;

	for (uint32_t i = 0; i < call->n_out; i++) {
		ret = fxq_tensor_alloc(&call->out[i]);
		if (ret)
			return call_fails(call, ret, "no memory for the result");
	}
	return 0;
}

/* What a function without shape function must have left behind. */
static int check_outputs(struct fxq_call *call)
{
	for (uint32_t i = 0; i < call->n_out; i++)
		if (!call->out[i].data || tensor_check_type(&call->out[i]))
			return call_fails(call, -EINVAL, "a result was left without type or data");
	return 0;
}

static int function_run(const struct fxq_function *fn, struct fxq_call *call)
{
	int ret = 0;

	if (!fn->eval)
		return call_fails(call, -ENOSYS, "it has no kernel");

	for (uint32_t i = 0; i < call->n_out; i++)
		call->out[i].data = NULL;
	if (fn->infer)
		ret = function_infer(fn, call);
	if (ret)
		return ret;
	if (fn->infer)
		ret = alloc_outputs(call);
	if (ret)
		goto err_free;

	ret = fn->eval(call);
	if (!ret)
		ret = check_outputs(call);
	if (ret)
		goto err_free;
	return 0;

err_free:
	free_outputs(call);
	return ret;
}

int fx_op_run(const struct fx_op *op, struct fxq_call *call)
{
	int ret;

	ret = op_check_arity(op, call);
	if (ret)
		return ret;
	return function_run(&op->fn, call);
}

/* Hands the outputs of @call to the slot of @n; frees them if it cannot. */
static int keep_outputs(struct run *run, struct fx_node *n,
			struct fxq_call *call)
{
	int ret;

	for (uint32_t i = 0; i < call->n_out; i++) {
		ret = set_value(run, n, i, &call->out[i], false);
		call->out[i].data = NULL;
		if (ret) {
			free_outputs(call);
			return ret;
		}
	}
	return 0;
}

static int run_call(struct run *run, struct fx_node *n)
{
	struct node_call c;
	int ret;

	ret = node_call_init(n, &run->arena, &c);
	if (ret)
		return ret;
	ret = set_inputs(run, n, &c);
	if (ret)
		return ret;

	c.call.threads = run->opt.threads;
	if (n->wrapped) {
		c.call.self = run->opt.self;
		ret = function_run(n->wrapped, &c.call);
	} else {
		ret = fx_op_run(n->op, &c.call);
	}
	if (ret)
		return node_call_fail(n, ret, &c.call);
	return keep_outputs(run, n, &c.call);
}

/* The last to ask for an owned value gets it, the others copies. */
static void return_value(struct fx_node *in, void *ctx)
{
	struct run *run = ctx;
	struct slot *slot = slot_of(run, in);
	struct value *v = slot->values[0];
	struct fxq_tensor *to = &run->out[run->next_out];

	if (--slot->returns || v->borrowed || v->refs > 1) {
		if (tensor_copy(&v->t, to))
			return;
	} else {
		*to = v->t;
		v->t.data = NULL;
	}
	run->next_out++;
}

static void check_return(struct fx_node *in, void *ctx)
{
	struct run *run = ctx;
	struct slot *slot = slot_of(run, in);

	slot->returns++;
	if (in->n_out != 1 || !slot->values[0])
		run->not_a_value = in;
}

/* Fills run->out; if this fails, the first run->next_out of them. */
static int run_output(struct run *run, struct fx_node *n)
{
	fx_node_visit(n, check_return, run);
	if (run->not_a_value)
		return node_fail(run->not_a_value, -EINVAL, "has %s and is an output",
				 run->not_a_value->n_out != 1 ?
				 "several results" : "no data");

	fx_node_visit(n, return_value, run);
	if (run->next_out != run->n_out)
		return node_fail(n, -ENOMEM, "no memory for the outputs");
	return 0;
}

static int run_node(struct run *run, struct fx_node *n)
{
	struct fx_node *from;
	int ret, index;

	switch (n->opcode) {
	case FX_PLACEHOLDER:
		return run_placeholder(run, n);
	case FX_GET_ATTR:
		if (!fx_node_is_const(n))
			return 0;
		return set_value(run, n, 0, &n->out[0], true);
	case FX_OUTPUT:
		return run_output(run, n);
	default:
		ret = node_selects(n, &from, &index);
		if (ret < 0)
			return ret;
		return ret ? run_getitem(run, n, from, index) :
			     run_call(run, n);
	}
}

static int observe_node(struct run *run, struct fx_node *n)
{
	struct slot *slot = slot_of(run, n);
	int ret;

	for (int i = 0; run->opt.observe && i < n->n_out; i++) {
		if (!slot->values[i])
			continue;
		ret = run->opt.observe(n, i, &slot->values[i]->t,
				       run->opt.ctx);
		if (ret < 0)
			return node_fail(n, ret, "the observer stopped the run: %s",
					 strerror(-ret));
	}
	return 0;
}

static void drop_values(struct slot *slot, int n_out)
{
	for (int i = 0; i < n_out; i++) {
		value_put(slot->values[i]);
		slot->values[i] = NULL;
	}
}

struct release_walk {
	struct run *run;
	unsigned int stamp;
};

static void release_input(struct fx_node *in, void *ctx)
{
	struct release_walk *walk = ctx;
	struct slot *slot = slot_of(walk->run, in);

	if (node_box(in)->stamp == walk->stamp)
		return;
	node_box(in)->stamp = walk->stamp;
	if (!--slot->pending)
		drop_values(slot, in->n_out);
}

static void release_after(struct run *run, struct fx_node *n)
{
	struct release_walk walk = { run, ++run->g->stamp };

	fx_node_visit(n, release_input, &walk);
	if (!n->n_users)
		drop_values(slot_of(run, n), n->n_out);
}

static void prepare_slots(struct run *run)
{
	unsigned int count = graph_number_nodes(run->g);

	run->slots = arena_alloc(&run->arena, count * sizeof(*run->slots), 8);
	fx_for_each_node(n, run->g) {
		struct slot *slot = slot_of(run, n);

		slot->pending = n->n_users;
		slot->values = arena_alloc(&run->arena, n->n_out *
					   sizeof(*slot->values), 8);
	}
}

static void count_node(struct fx_node *in, void *ctx)
{
	++*(size_t *)ctx;
}

/* Numbers of inputs and outputs, before anything runs. */
static int check_signature(const struct run *run)
{
	struct fx_graph *g = run->g;
	size_t n_in = 0, n_out = 0;

	fx_for_each_node(n, g)
		n_in += n->opcode == FX_PLACEHOLDER;
	if (n_in != run->n_in)
		return fx_graph_fail(g, -EINVAL, "the graph has %zu inputs, but %zu were given",
				     n_in, run->n_in);
	if (!g->output)
		return fx_graph_fail(g, -EINVAL, "the graph has no output");

	fx_node_visit(g->output, count_node, &n_out);
	if (n_out != run->n_out)
		return fx_graph_fail(g, -EINVAL, "the graph has %zu outputs, but room for %zu was given",
				     n_out, run->n_out);
	return 0;
}

static int run_nodes(struct run *run)
{
	int ret;

	fx_for_each_node(n, run->g) {
		ret = run_node(run, n);
		if (!ret)
			ret = observe_node(run, n);
		if (ret)
			return node_fail(n, ret, "%s", strerror(-ret));
		release_after(run, n);
	}
	return 0;
}

static void run_finish(struct run *run, int ret)
{
	fx_for_each_node(n, run->g)
		drop_values(slot_of(run, n), n->n_out);
	for (size_t i = 0; ret && i < run->next_out; i++)
		fxq_tensor_free(&run->out[i]);
	arena_finish(&run->arena);
}

int fx_graph_run(struct fx_graph *g, const struct fx_run *opt,
		 const struct fxq_tensor *in, size_t n_in,
		 struct fxq_tensor *ret_out, size_t n_out)
{
	struct run run = { .g = g, .in = in, .n_in = n_in, .n_out = n_out };
	int ret;

	if (opt)
		run.opt = *opt;
	if (run.opt.threads < 1)
		run.opt.threads = 1;
	if (!run.opt.self)
		run.opt.self = &run.nobody;

	g->error = NULL;
	ret = check_signature(&run);
	if (ret)
		return ret;

	run.out = arena_alloc(&run.arena, n_out * sizeof(*run.out), 8);
	prepare_slots(&run);
	ret = run_nodes(&run);
	if (!ret && n_out)
		memcpy(ret_out, run.out, n_out * sizeof(*run.out));
	run_finish(&run, ret);
	return ret;
}
