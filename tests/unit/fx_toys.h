/* SPDX-License-Identifier: MIT */
/*
 * fx_toys.h - a handful of operators and a graph to try them in
 *
 * The operators are toys, so that what is tested is who calls them with what,
 * and not what they compute. Included by one file of a test program.
 */
#ifndef FXQ_TESTS_FX_TOYS_H
#define FXQ_TESTS_FX_TOYS_H

#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/fx.h>

/* What the toys were called with last, and the most memory they saw. */
static struct {
	int threads, calls, training;
	struct fxq_self *self;
	uint32_t n_in, n_attrs;
	size_t peak;
} seen;

static inline void note(const struct fxq_call *call)
{
	struct mallinfo2 info = mallinfo2();

	seen.threads = call->threads;
	seen.self = call->self;
	seen.training = call->self ? call->self->training : -1;
	seen.n_in = call->n_in;
	seen.n_attrs = call->n_attrs;
	seen.calls++;
	if (info.uordblks + info.hblkhd > seen.peak)
		seen.peak = info.uordblks + info.hblkhd;
}

static inline int refuse(struct fxq_call *call, int err, const char *text)
{
	strcpy(call->error, text);
	return err;
}

static inline int infer_same(struct fxq_call *call)
{
	for (uint32_t i = 0; i < call->n_out; i++)
		call->out[i] = fxq_tensor_type(call->in[0].dtype,
					       call->in[0].rank,
					       call->in[0].dims);
	return 0;
}

static inline int infer_add(struct fxq_call *call)
{
	if (call->in[0].dims[0] != call->in[1].dims[0])
		return refuse(call, -EINVAL, "sizes differ");
	return infer_same(call);
}

static inline int eval_add(struct fxq_call *call)
{
	const float *a = call->in[0].data, *b = call->in[1].data;
	float *y = call->out[0].data;

	note(call);
	for (int64_t i = 0; i < fxq_tensor_count(&call->out[0]); i++)
		y[i] = a[i] + b[i];
	return 0;
}

/* Result k is the input plus k. */
static inline int eval_split(struct fxq_call *call)
{
	const float *x = call->in[0].data;

	for (uint32_t k = 0; k < call->n_out; k++)
		for (int64_t i = 0; i < fxq_tensor_count(call->in); i++)
			((float *)call->out[k].data)[i] = x[i] + k;
	return 0;
}

static inline int infer_shape(struct fxq_call *call)
{
	int64_t rank = call->in[0].rank;

	call->out[0] = fxq_tensor_type(FXQ_DTYPE_I64, 1, &rank);
	return 0;
}

static inline int eval_shape(struct fxq_call *call)
{
	memcpy(call->out[0].data, call->in[0].dims, call->in[0].rank * 8);
	return 0;
}

/* A tensor of zeros whose sizes are the elements of the input. */
static inline int infer_fill(struct fxq_call *call)
{
	if (!call->in[0].data)
		return -ENODATA;
	call->out[0] = fxq_tensor_type(FXQ_DTYPE_F32, call->in[0].dims[0],
				       call->in[0].data);
	return 0;
}

static inline int eval_nothing(struct fxq_call *call)
{
	return 0;
}

static inline int eval_fails(struct fxq_call *call)
{
	return refuse(call, -EDOM, "it is a bad day");
}

static inline int infer_rank_nine(struct fxq_call *call)
{
	call->out[0].dtype = FXQ_DTYPE_F32;
	call->out[0].rank = 9;
	return 0;
}

static const struct fx_op ops[] = {
	{ { "add", infer_add, eval_add }, .min_in = 2, .max_in = 2, .n_out = 1 },
	{ { "check", infer_same, eval_nothing }, .min_in = 1, .max_in = 1,
	  .n_out = 1, .flags = FX_OP_IMPURE },
	{ { "split", infer_same, eval_split }, .min_in = 1, .max_in = 1,
	  .n_out = -1 },
	{ { "shape", infer_shape, eval_shape }, .min_in = 1, .max_in = 1,
	  .n_out = 1 },
	{ { "fill", infer_fill, eval_nothing }, .min_in = 1, .max_in = 1,
	  .n_out = 1 },
	{ { "fails", infer_same, eval_fails }, .min_in = 1, .max_in = 1,
	  .n_out = 1 },
	{ { "bodiless", infer_same, NULL }, .min_in = 1, .max_in = 1,
	  .n_out = 1 },
	{ { "rank_nine", infer_rank_nine, eval_nothing }, .min_in = 1,
	  .max_in = 1, .n_out = 1 },
};

const struct fx_op *fx_op_find(const char *name)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (!strcmp(ops[i].fn.name, name))
			return &ops[i];
	return NULL;
}

/* Keeps what is above zero: how much that is, only running tells. */
static inline int eval_positive(struct fxq_call *call)
{
	const float *x = call->in[0].data;
	struct fxq_tensor *y = &call->out[0];
	int64_t n = 0;

	note(call);
	assert_null(y->data);
	for (int64_t i = 0; i < fxq_tensor_count(call->in); i++)
		n += x[i] > 0;
	*y = fxq_tensor_type(FXQ_DTYPE_F32, 1, &n);
	if (fxq_tensor_alloc(y))
		return -ENOMEM;
	n = 0;
	for (int64_t i = 0; i < fxq_tensor_count(call->in); i++)
		if (x[i] > 0)
			((float *)y->data)[n++] = x[i];
	return 0;
}

static const struct fxq_function positive = { "positive", NULL, eval_positive };

static const float four[] = { 1, -2, 3, -4 };
static const float tens[] = { 10, 20, 30, 40 };

static inline struct fxq_tensor vector(const float *data, int64_t n)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, 1, &n);

	t.data = (void *)data;
	return t;
}

static inline struct fx_node *call1(struct fx_graph *g, const char *op,
			     struct fx_node *in)
{
	return fx_graph_call(g, op, &in, 1, NULL, 0);
}

static inline struct fx_node *add(struct fx_graph *g, struct fx_node *a,
			   struct fx_node *b)
{
	return fx_graph_call(g, "add", (struct fx_node *[]){ a, b }, 2, NULL,
			     0);
}

static inline struct fx_node *getitem(struct fx_graph *g, struct fx_node *from,
			       int64_t index)
{
	struct fx_kwarg kwarg = { "index", fx_arg_int(index) };

	return fx_graph_call(g, "getitem", &from, 1, &kwarg, 1);
}

static inline struct fx_node *split(struct fx_graph *g, struct fx_node *in,
			     int64_t n_out)
{
	struct fx_kwarg kwarg = { "n_out", fx_arg_int(n_out) };

	return fx_graph_call(g, "split", &in, 1, &kwarg, 1);
}

static inline struct fx_node *wrapped_call(struct fx_graph *g,
				    const struct fx_arg *args, size_t n_args)
{
	struct fx_node *n = fx_graph_node(g, FX_CALL_METHOD, "positive", NULL,
					  args, n_args, NULL, 0);

	n->wrapped = &positive;
	return n;
}

/* struct net - a graph of the input x and the constant w, and no more */
struct net {
	struct fx_graph *g;
	struct fx_node *x, *w;
	struct fxq_tensor in;
};

static inline int make_net(void **state)
{
	struct net *net = calloc(1, sizeof(*net));
	struct fxq_tensor type = vector(NULL, 4), value = vector(tens, 4);

	memset(&seen, 0, sizeof(seen));
	net->g = fx_graph_new();
	net->x = fx_graph_placeholder(net->g, "x", &type);
	net->w = fx_graph_constant(net->g, "w", &value);
	net->in = vector(four, 4);
	*state = net;
	return 0;
}

static inline int free_net(void **state)
{
	struct net *net = *state;

	fx_graph_free(net->g);
	free(net);
	return 0;
}

static inline void returns(struct net *net, struct fx_node *n)
{
	fx_graph_set_output(net->g, &n, 1);
	assert_int_equal(fx_graph_lint(net->g), 0);
}

static inline void assert_floats(const struct fxq_tensor *t, size_t n,
			  const float *wanted)
{
	assert_int_equal(t->dtype, FXQ_DTYPE_F32);
	assert_int_equal(fxq_tensor_count(t), n);
	for (size_t i = 0; i < n; i++)
		assert_true(((const float *)t->data)[i] == wanted[i]);
}

#define FLOATS(...) sizeof((float[]){ __VA_ARGS__ }) / sizeof(float), \
	(float[]){ __VA_ARGS__ }

/* Runs with one input and one output, asserts that it succeeds. */
static inline struct fxq_tensor run_one(struct net *net)
{
	struct fxq_tensor out = {};

	assert_int_equal(fx_graph_run(net->g, NULL, &net->in, 1, &out, 1), 0);
	return out;
}

static inline void assert_run_fails(struct net *net, int err, const char *sentence)
{
	struct fxq_tensor out = { .rank = 77 };

	assert_int_equal(fx_graph_run(net->g, NULL, &net->in, 1, &out, 1), err);
	assert_string_equal(fx_graph_error(net->g), sentence);
	assert_int_equal(out.rank, 77);
	assert_null(out.data);
}

#define net_test(name) cmocka_unit_test_setup_teardown(name, make_net, free_net)

#endif
