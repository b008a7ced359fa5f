// SPDX-License-Identifier: MIT
/*
 * capture.c - runs a graph or an image, and keeps what every layer answered
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"

static const char *source_of(const struct fx_node *n)
{
	return n->source ? n->source : n->name;
}

void capture_free(struct capture *all)
{
	for (size_t i = 0; i < all->n; i++)
		fxq_tensor_free(&all->v[i].t);
	free(all->v);
	*all = (struct capture){ 0 };
}

int capture_add(struct capture *all, const char *name, const char *source,
		const struct fxq_tensor *t)
{
	struct captured *v;

	if (all->n == all->room) {
		size_t room = all->room ? 2 * all->room : 256;

		v = realloc(all->v, room * sizeof(*v));
		if (!v)
			return -ENOMEM;
		all->v = v;
		all->room = room;
	}
	v = &all->v[all->n];
	v->name = name;
	v->source = source;
	v->t = *t;
	if (fxq_tensor_alloc(&v->t))
		return -ENOMEM;
	memcpy(v->t.data, t->data, fxq_tensor_bytes(t));
	all->n++;
	return 0;
}

const struct fxq_tensor *capture_find(const struct capture *all,
				      const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(all->v[i].name, name))
			return &all->v[i].t;
	return NULL;
}

const struct captured *capture_find_float(const struct capture *all,
					  const struct fx_node *node)
{
	const struct captured *best = NULL;

	for (size_t i = 0; i < all->n; i++) {
		const struct captured *v = &all->v[i];

		if (strcmp(v->source, source_of(node)))
			continue;
		if (!strcmp(v->name, node->name))
			return v;
		best = v;
	}
	return best;
}

int run_observed(struct fx_graph *g, const struct options *o, bool training,
		 const struct fxq_tensor *sample, fx_observe_fn observe,
		 void *ctx)
{
	struct fxq_self self = { .training = training };
	const struct fx_run run = { .threads = o->threads, .self = &self,
				    .observe = observe, .ctx = ctx };
	struct fxq_tensor *out;
	size_t n_in, n;
	int err;

	free(graph_inputs(g, &n_in));
	free(graph_outputs(g, &n));
	out = calloc(n + 1, sizeof(*out));
	if (!out)
		return complain_io(io_fail_memory("outputs"));
	stdout_away();
	err = fx_graph_run(g, &run, sample, n_in, out, n);
	stdout_back();
	for (size_t i = 0; !err && i < n; i++)
		fxq_tensor_free(&out[i]);
	free(out);
	return err ? complain_graph(g, err) : TOOL_OK;
}

static int keep(struct fx_node *n, int out_index, struct fxq_tensor *value,
		void *ctx)
{
	return out_index ? 0 : capture_add(ctx, n->name, source_of(n), value);
}

int capture_graph(struct fx_graph *g, const struct options *o, bool training,
		  const struct fxq_tensor *sample, struct capture *all)
{
	return run_observed(g, o, training, sample, keep, all);
}

/* How many findings the debug mode reports; the first is told. */
static void note_finding(void *priv, const char *text)
{
	atomic_uint *findings = priv;

	if (!atomic_fetch_add(findings, 1))
		warn("the machine's debug mode: %s", text);
}

int capture_machine(const struct bytes *bytes, const struct options *o,
		    bool training, const struct fxq_tensor *sample,
		    struct capture *all, struct fxq_image **ret_image,
		    atomic_uint *findings)
{
	const struct fxq_device_config config = {
		.threads = o->threads,
		.debug = is_embedded(o->device),
		.report = note_finding, .priv = findings,
	};
	struct fxq_tensor_info t;
	struct runner r;
	int code, err;

	err = fxq_image_open_memory(bytes->data, bytes->size, ret_image);
	if (err)
		return complain_fxq(err);
	code = runner_open(*ret_image, o->device, &config, NULL, &r);
	if (code)
		return code;
	fxq_program_train(r.prog, training);
	stdout_away();
	err = fxq_run(r.prog, sample, r.io->out);
	stdout_back();
	if (err)
		code = complain(TOOL_DEVICE, "%s", fxq_error());
	for (uint32_t i = 0; !code && i < r.io->n_out; i++) {
		fxq_image_output_info(*ret_image, i, &t);
		if (capture_add(all, t.name, t.name, &r.io->out[i]))
			code = complain_io(io_fail_memory("outputs"));
	}
	runner_close(&r);
	return code;
}
