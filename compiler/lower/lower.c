// SPDX-License-Identifier: MIT
/*
 * lower.c - a partitioned graph becomes an image
 *
 * Segments in order: the device's become streams, nodes of the CPU become
 * calls. Values that pass from one step to another are the image's tensors,
 * dense and in the model's own order.
 *
 * reads: place, segment, types, constants. guarantees: every stream has passed
 * the checker, and each value is made by a step before it is used
 */
#include <errno.h>
#include <string.h>

#include "lowering.h"

#define PRODUCER	"fxq 0.1.0"

static bool is_call(const struct fx_node *n)
{
	return n->opcode == FX_CALL_FUNCTION || n->opcode == FX_CALL_METHOD;
}

static uint32_t tensor_flags(const struct fx_node *n)
{
	if (fx_node_is_const(n))
		return FXQ_TENSOR_CONST;
	return fx_node_is_dynamic(n) ? FXQ_TENSOR_DYNAMIC : 0;
}

static void add_result(struct fx_node *n, void *ctx)
{
	struct lowering *l = ctx;

	if (l->results)
		l->results[l->n_results].n = n;
	l->n_results++;
}

/*
 * The results and what the model calls them: an imported one lists its names,
 * "scores,boxes". Where a name holds a comma itself, the nodes' names do.
 */
static void name_results(struct lowering *l)
{
	struct fx_node *output = fx_graph_output(l->g);
	char *names, *end;
	size_t n = 1;

	if (!output || !output->source || l->opt.keep_layers)
		return;
	fx_node_visit(output, add_result, l);
	l->results = fx_graph_alloc(l->g, (l->n_results + 1) *
				    sizeof(*l->results));
	l->n_results = 0;
	fx_node_visit(output, add_result, l);

	names = fx_graph_alloc(l->g, strlen(output->source) + 1);
	strcpy(names, output->source);
	for (char *c = names; *c; c++)
		n += *c == ',';
	for (size_t i = 0; n == l->n_results && i < n; i++, names = end) {
		end = names + strcspn(names, ",");
		if (*end)
			*end++ = 0;
		l->results[i].name = names;
	}
}

static const char *name_of(const struct lowering *l, const struct fx_node *n,
			   int out)
{
	if (out)
		return NULL;
	for (size_t i = 0; i < l->n_results; i++)
		if (l->results[i].n == n && l->results[i].name)
			return l->results[i].name;
	return n->name;
}

uint32_t tensor_of(struct lowering *l, struct fx_node *n, int out)
{
	if (fx_node_is(n, "getitem") && n->place == FX_PLACE_CPU) {
		out = (int)fx_node_int(n, "index", 0);
		n = fx_node_in(n, 0);
	}
	for (size_t i = 0; i < l->n_slots; i++)
		if (l->slots[i].n == n && l->slots[i].out == out)
			return l->slots[i].tensor;
	if (l->n_slots == l->room_slots) {
		struct slot *more;

		l->room_slots = 2 * l->room_slots + 64;
		more = fx_graph_alloc(l->g, l->room_slots * sizeof(*more));
		if (l->n_slots)
			memcpy(more, l->slots, l->n_slots * sizeof(*more));
		l->slots = more;
	}
	l->slots[l->n_slots++] = (struct slot){ n, out,
		fxq_writer_tensor(l->w, name_of(l, n, out), &n->out[out],
				  tensor_flags(n)) };
	return l->slots[l->n_slots - 1].tensor;
}

/* --- nodes on the CPU --- */

struct call_walk {
	struct lowering *l;
	struct fx_node *n;
	uint32_t *in, n_in;
};

static void add_argument(struct fx_node *in, void *ctx)
{
	struct call_walk *w = ctx;

	if (in->opcode == FX_GET_ATTR && !fx_node_is_const(in))
		return;		/* it stands for self */
	if (w->in)
		w->in[w->n_in] = tensor_of(w->l, in, 0);
	w->n_in++;
}

static void walk_arguments(struct call_walk *w)
{
	w->n_in = 0;
	for (size_t i = 0; i < w->n->n_args; i++) {
		struct fx_node part = { .args = &w->n->args[i], .n_args = 1 };

		if (w->n->args[i].kind != FX_ARG_NONE) {
			fx_node_visit(&part, add_argument, w);
			continue;
		}
		if (w->in)
			w->in[w->n_in] = FXQ_ARG_ABSENT;
		w->n_in++;
	}
}

static int lower_call(struct lowering *l, struct fx_node *n)
{
	struct call_walk walk = { .l = l, .n = n };
	struct fxq_writer_call call = {
		.wrapped = n->wrapped, .name = n->target,
		.layer = n->source ? n->source : n->name,
		.reason = n->wrapped ? NULL : n->reason,
		.is_method = n->opcode == FX_CALL_METHOD };
	struct fxq_attr *attrs = NULL;
	uint32_t *out;
	int n_attrs;

	if (fx_node_is(n, "getitem"))
		return 0;	/* another name for a result */
	if (!n->op && !n->wrapped)
		return fx_graph_fail(l->g, -EINVAL,
				     "layer '%s': '%s' is no operator and has no body",
				     n->name, n->target);
	walk_arguments(&walk);
	walk.in = fx_graph_alloc(l->g, (walk.n_in + 1) * sizeof(*walk.in));
	walk_arguments(&walk);
	out = fx_graph_alloc(l->g, (size_t)(n->n_out + 1) * sizeof(*out));
	for (int i = 0; i < n->n_out; i++)
		out[i] = tensor_of(l, n, i);
	n_attrs = fx_node_attrs(n, &attrs);
	if (n_attrs < 0)
		return n_attrs;
	call.in = walk.in;
	call.n_in = walk.n_in;
	call.out = out;
	call.n_out = (uint32_t)n->n_out;
	call.attrs = attrs;
	call.n_attrs = (uint32_t)n_attrs;
	fxq_writer_call_step(l->w, &call);
	l->macs_cpu += node_macs(n);
	if (fx_node_is(n, "quantize") &&
	    !strcmp(fx_node_str(n, "rule", "torch"), "onnx"))
		l->rule = FXQ_QUANTIZE_ONNX;
	return 0;
}

static int lower_segment(struct lowering *l, int number)
{
	fx_for_each_node(n, l->g) {
		int ret;

		if (!is_call(n) || n->segment != number)
			continue;
		if (n->place == FX_PLACE_DEVICE)
			return lower_device(l, number);
		ret = lower_call(l, n);
		if (ret)
			return ret;
	}
	return 0;
}

/* --- the network's own inputs, outputs and numbers --- */

struct list {
	struct lowering *l;
	uint32_t *v, n;
};

static void add_output(struct fx_node *in, void *ctx)
{
	struct list *list = ctx;

	if (list->v)
		list->v[list->n] = tensor_of(list->l, in, 0);
	list->n++;
}

static void add_inputs(struct lowering *l)
{
	struct list list = { .l = l };

	fx_for_each_node(n, l->g)
		list.n += n->opcode == FX_PLACEHOLDER;
	list.v = fx_graph_alloc(l->g, (list.n + 1) * sizeof(*list.v));
	list.n = 0;
	fx_for_each_node(n, l->g)
		if (n->opcode == FX_PLACEHOLDER)
			list.v[list.n++] = tensor_of(l, n, 0);
	fxq_writer_inputs(l->w, list.v, list.n);
}

static void add_outputs(struct lowering *l)
{
	struct fx_node *output = fx_graph_output(l->g);
	struct list list = { .l = l };

	if (output)
		fx_node_visit(output, add_output, &list);
	list.v = fx_graph_alloc(l->g, (list.n + l->n_kept + 1) *
				sizeof(*list.v));
	list.n = 0;
	if (output)
		fx_node_visit(output, add_output, &list);
	for (size_t i = 0; i < l->n_kept; i++)
		list.v[list.n++] = tensor_of(l, l->kept[i], 0);
	fxq_writer_outputs(l->w, list.v, list.n);
}

static void add_preprocess(struct lowering *l)
{
	const struct fx_preprocess *p = &l->opt.preprocess;
	struct fxq_image_preprocess to = {
		.order = p->order, .nhwc = p->nhwc, .width = p->width,
		.height = p->height, .channels = p->channels };

	if (!p->present)
		return;
	for (int i = 0; i < 4; i++) {
		memcpy(&to.mean[i], &p->mean[i], sizeof(float));
		memcpy(&to.std[i], &p->std[i], sizeof(float));
	}
	fxq_writer_preprocess(l->w, &to);
}

static int lower_all(struct lowering *l)
{
	int ret, segments = 0;

	name_results(l);
	add_inputs(l);
	fx_for_each_node(n, l->g)
		if (n->segment >= segments)
			segments = n->segment + 1;
	for (int i = 0; i < segments; i++) {
		ret = lower_segment(l, i);
		if (ret)
			return ret;
	}
	add_outputs(l);
	add_preprocess(l);
	fxq_writer_weights(l->w, l->blob.data, l->blob.size);
	fxq_writer_self(l->w, l->opt.training, NULL, 0);
	fxq_writer_numbers(l->w, l->rule, l->macs_device, l->macs_cpu,
			   l->mx_bound);
	if (fxq_writer_error(l->w)[0])
		return fx_graph_fail(l->g, -EINVAL, "%s",
				     fxq_writer_error(l->w));
	return 0;
}

int fx_lower(struct fx_graph *g, const struct fx_lower_options *options,
	     struct fxq_writer **ret_image)
{
	struct lowering l = { .g = g, .opt = *options };
	int ret;

	if (!l.opt.caps.spm_bytes)
		l.opt.caps = (struct fxq_caps)FXQ_CAPS_DEFAULT;
	ret = fx_graph_lint(g);
	if (ret)
		return ret;
	if (l.opt.dump)
		fx_graph_dump(g, l.opt.dump);
	l.w = fxq_writer_new(l.opt.name ? l.opt.name : "", PRODUCER);
	if (!l.w)
		return -ENOMEM;
	ret = lower_all(&l);
	blob_finish(&l.blob);
	if (ret) {
		fxq_writer_free(l.w);
		return ret;
	}
	/* An image being built is a writer of image.h. */
	*ret_image = l.w;
	return 0;
}
