// SPDX-License-Identifier: MIT
/*
 * test_fuse_line.c - signals of one dimension before they become integers
 *
 * What fx_fuse() makes of layers for a line, which the device has not, are layers
 * for images of one row. They give the bits of the lines, and between them no
 * view is left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/compile.h>
#include <fxq/trace.h>

FX_MODULE(Line, module(conv, Conv1d(4, 8, 5, .stride = 2, .padding = 2)),
	  module(body, Conv1d(8, 8, 3, .padding = 2, .dilation = 2, .groups = 4)),
	  module(pool, MaxPool1d(3, 2, 1)),
	  module(up, ConvTranspose1d(8, 6, 4, .stride = 2, .padding = 1)),
	  module(sigmoid, Sigmoid()))
FX_FORWARD(Line, x)
{
	fxv y;

	x = fx_relu(fx_call(self->conv, x));
	y = fx_relu(fx_add(fx_call(self->body, x), x));
	x = fx_call(self->pool, fx_cat(fx_list(x, y, x), .dim = -2));
	x = fx_getitem(x, fx_all, fx_slice(0, 8));
	x = fx_sub(fx_call(self->sigmoid, fx_call(self->up, x)), 0.5);
	x = fx_avg_pool1d(fx_mul(x, x), 3);
	return fx_adaptive_avg_pool1d(x, 2);
}

/* Batch norms of a line, whose channels come second. */
FX_MODULE(Norms, module(norm, BatchNorm1d(3)), module(fc, Linear(5, 5)),
	  module(last, BatchNorm1d(5)))
FX_FORWARD(Norms, x)
{
	x = fx_call(self->fc, fx_call(self->norm, x));
	x = fx_pad(x, fx_tuple(0, 0, 1, 1));
	return fx_call(self->last, fx_call(self->fc, x));
}

static struct fx_graph *functional(struct fx_module *m, fxv x)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_graph *g, *f;

	if (fx_trace(m, &tracer, &g))
		fail_msg("%s", tracer.error);
	if (fx_functionalize(g, m, &f))
		fail_msg("%s", fx_graph_error(g));
	fx_graph_free(g);
	fx_node_set_type(fx_graph_first(f), fx_data(x));
	return f;
}

static struct fxq_tensor run(struct fx_graph *g, fxv x)
{
	struct fxq_tensor out;

	if (fx_graph_run(g, NULL, fx_data(x), 1, &out, 1))
		fail_msg("%s", fx_graph_error(g));
	return out;
}

static size_t count(const struct fx_graph *g, const char *op)
{
	size_t n_calls = 0;

	fx_for_each_node(n, g)
		n_calls += fx_node_is(n, op);
	return n_calls;
}

/* What becomes of @model, which computes the bits that it did; for the caller. */
static struct fx_graph *fused(struct fx_module *(*model)(void), fxv x)
{
	struct fx_module *m = fx_eval(model());
	struct fxq_tensor before, after;
	struct fx_graph *g;

	fx_module_fill(m, 3);
	g = functional(m, x);
	before = run(g, x);
	if (fx_fuse(g))
		fail_msg("%s", fx_graph_error(g));
	after = run(g, x);
	assert_int_equal(after.rank, before.rank);
	assert_memory_equal(after.dims, before.dims,
			    before.rank * sizeof(*before.dims));
	assert_memory_equal(after.data, before.data, fxq_tensor_bytes(&before));
	fxq_tensor_free(&before);
	fxq_tensor_free(&after);
	fx_release(x);
	fx_module_put(m);
	return g;
}

static void lines_become_images(void **state)
{
	struct fx_graph *g = fused(Line, fx_gen(1, 1, 2, 4, 40));

	assert_int_equal(count(g, "conv1d") + count(g, "conv_transpose1d") +
			 count(g, "max_pool1d") + count(g, "avg_pool1d"), 0);
	assert_int_equal(count(g, "conv2d"), 2);
	assert_int_equal(count(g, "conv_transpose2d"), 1);
	assert_int_equal(count(g, "max_pool2d"), 1);
	/* In front of all, around the slice of channels, and behind all. */
	assert_int_equal(count(g, "reshape"), 4);
	fx_graph_free(g);
}

/* Five channels of five elements each; of the first norm, three of five. */
static void norms_of_lines_stay_what_they_are(void **state)
{
	struct fx_graph *g = fused(Norms, fx_gen(1, 1, 2, 3, 5));

	assert_int_equal(count(g, "batch_norm"), 2);
	fx_graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_images),
		cmocka_unit_test(norms_of_lines_stay_what_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
