// SPDX-License-Identifier: MIT
/*
 * compile.c - the passes in order, for programs that need not look between
 */
#include <errno.h>
#include <stdlib.h>

#include <fxq/compile.h>

#define MAX_INPUTS	64

static int alloc_inputs(struct fx_graph *g, struct fxq_tensor *in,
			size_t *ret_n)
{
	size_t n = 0;

	fx_for_each_node(node, g) {
		int ret;

		if (node->opcode != FX_PLACEHOLDER)
			continue;
		if (n == MAX_INPUTS)
			return fx_graph_fail(g, -E2BIG,
					     "the graph has more than %d inputs",
					     MAX_INPUTS);
		in[n] = node->out[0];
		in[n].data = NULL;
		ret = fxq_tensor_alloc(&in[n]);
		if (ret)
			return fx_graph_fail(g, ret,
					     "input '%s' is too large to allocate",
					     node->name);
		*ret_n = ++n;
	}
	return 0;
}

/* What wrapped functions between operators answer to the first batch. */
static int learn(struct fx_graph *g, bool training, const struct fxq_tensor *in,
		 size_t n)
{
	struct fxq_self self = { .training = training };
	const struct fx_run run = { .self = &self };

	return fx_graph_learn(g, &run, in, n);
}

/*
 * struct consumer - what a batch is for: a calibration, or, without one, to
 * learn types from
 */
struct consumer {
	struct fx_calibration *cal;
	bool training;
};

static int feed(struct fx_graph *g, const struct consumer *to,
		fx_batch_fn batch, void *ctx)
{
	struct fxq_tensor in[MAX_INPUTS] = { 0 };
	size_t n = 0;
	int ret = alloc_inputs(g, in, &n);

	for (uint64_t i = 0; !ret && (!i || to->cal); i++) {
		ret = batch(ctx, i, in, n);
		if (ret <= 0)
			break;
		ret = to->cal ? fx_calibration_feed(to->cal, in, n, 1) :
				learn(g, to->training, in, n);
	}
	for (size_t i = 0; i < n; i++)
		fxq_tensor_free(&in[i]);
	return ret;
}

static int calibrate(struct fx_graph *g, struct fx_calibration *cal,
		     fx_batch_fn batch, void *ctx)
{
	const struct consumer to = { .cal = cal };
	int ret;

	do
		ret = feed(g, &to, batch, ctx);
	while (!ret && fx_calibration_tune(cal));
	return ret;
}

static void dump(const struct fx_lower_options *options, const char *pass,
		 const struct fx_graph *g)
{
	if (!options->dump)
		return;
	fprintf(options->dump, "after %s: ", pass);
	fx_graph_dump(g, options->dump);
}

/* The second half, on the integer graph; its error becomes @g's. */
static int finish(struct fx_graph *g, struct fx_graph *q,
		  const struct fx_lower_options *options,
		  struct fxq_writer **ret_image)
{
	struct fxq_caps caps = options->caps;
	int ret;

	if (!caps.spm_bytes)
		caps = (struct fxq_caps)FXQ_CAPS_DEFAULT;
	dump(options, "convert", q);
	ret = fx_partition(q, &caps);
	if (!ret)
		ret = fx_lower(q, options, ret_image);
	if (ret)
		fx_graph_fail(g, ret, "%s", fx_graph_error(q));
	return ret;
}

int fx_compile(struct fx_graph *g, const struct fx_qconfig *qconfig,
	       fx_batch_fn batch, void *ctx,
	       const struct fx_lower_options *options,
	       struct fxq_writer **ret_image)
{
	const struct consumer learner = { .training = options->training };
	struct fx_calibration *cal;
	struct fx_graph *q = NULL;
	int ret = 0;

	if (fx_graph_needs_learning(g))
		ret = feed(g, &learner, batch, ctx);
	if (!ret)
		ret = fx_fuse(g);
	if (ret)
		return ret;
	dump(options, "fuse", g);
	ret = fx_calibration_begin(g, qconfig, &cal);
	if (ret)
		return ret;
	ret = calibrate(g, cal, batch, ctx);
	if (!ret)
		ret = fx_convert(g, cal, qconfig, &q);
	fx_calibration_free(cal);
	if (!ret)
		ret = finish(g, q, options, ret_image);
	fx_graph_free(q);
	return ret;
}
