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
#include <stdlib.h>
#include <string.h>

#include <fxq/fxq_cost.h>
#include <fxq/image.h>

#include "lower.h"

#define PRODUCER	"fxq 0.1.0"
#define FIRST_PORT	2	/* region of the first tensor */
#define NO_TENSOR	0xffffffffu

/* Where a value is in the image. */
struct slot {
	struct fx_node *n;
	int out;
	uint32_t tensor;
};

/* A result of the network; @name: the model's own, or NULL. */
struct result {
	struct fx_node *n;
	const char *name;
};

struct lowering {
	struct fx_graph *g;
	struct fx_lower_options opt;
	struct fxq_writer *w;
	struct blob blob;
	struct slot *slots;
	size_t n_slots, room_slots;
	uint32_t tag;
	uint64_t macs_device, macs_cpu, mx_bound;
	enum fxq_quantize_rule rule;
	struct fx_node **kept;		/* keep_layers: their results */
	size_t n_kept, room_kept;
	struct result *results;		/* of the network */
	size_t n_results;
};

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

/* The tensor of result @out of @n; the first to ask adds it. */
static uint32_t tensor_of(struct lowering *l, struct fx_node *n, int out)
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

/* --- device segments: ports and regions --- */

struct port_walk {
	struct segment *s;
	struct fx_node *of;
	bool found;
};

static bool inside(const struct segment *s, const struct fx_node *n)
{
	return n->place == FX_PLACE_DEVICE && n->segment == s->segment;
}

static void add_port(struct segment *s, struct fx_node *n, bool output)
{
	struct port *more;

	for (unsigned int i = 0; i < s->n_ports; i++)
		if (s->ports[i].node == n && s->ports[i].output == output)
			return;
	if (!(s->n_ports & (s->n_ports - 1))) {
		more = fx_graph_alloc(s->g, (2 * s->n_ports + 2) *
				      sizeof(*more));
		if (s->n_ports)
			memcpy(more, s->ports, s->n_ports * sizeof(*more));
		s->ports = more;
	}
	s->ports[s->n_ports++] = (struct port){ .node = n, .output = output };
}

static void add_input(struct fx_node *in, void *ctx)
{
	struct segment *s = ctx;

	if (!inside(s, in) && !fx_node_is_const(in))
		add_port(s, in, false);
}

static void match_outside(struct fx_node *in, void *ctx)
{
	struct port_walk *w = ctx;

	w->found |= in == w->of;
}

/* Does anybody outside use @n? */
static bool used_outside(struct segment *s, struct fx_node *n)
{
	struct port_walk w = { .s = s, .of = n };

	for (struct fx_node *u = n->next; u; u = u->next)
		if (!inside(s, u))
			fx_node_visit(u, match_outside, &w);
	return w.found;
}

static void keep(struct lowering *l, struct fx_node *n)
{
	if (l->n_kept == l->room_kept) {
		struct fx_node **more;

		l->room_kept = 2 * l->room_kept + 64;
		more = fx_graph_alloc(l->g, l->room_kept * sizeof(*more));
		if (l->n_kept)
			memcpy(more, l->kept, l->n_kept * sizeof(*more));
		l->kept = more;
	}
	l->kept[l->n_kept++] = n;
}

static void find_ports(struct lowering *l, struct segment *s)
{
	fx_for_each_node(n, l->g)
		if (inside(s, n))
			fx_node_visit(n, add_input, s);
	fx_for_each_node(n, l->g) {
		if (!inside(s, n) || n->n_out != 1)
			continue;
		if (l->opt.keep_layers || used_outside(s, n))
			add_port(s, n, true);
		if (l->opt.keep_layers)
			keep(l, n);
	}
}

/*
 * A region for each tensor while there are enough; then inputs share the last
 * but one, and outputs the last.
 */
static void bind_ports(struct segment *s)
{
	bool share = s->n_ports > FXQ_MAX_REGIONS - FIRST_PORT;
	uint64_t end[FXQ_MAX_REGIONS] = { 0 };

	for (unsigned int i = 0; i < s->n_ports; i++) {
		struct port *p = &s->ports[i];
		uint32_t region = FIRST_PORT + i;

		if (share)
			region = FIRST_PORT + p->output;
		p->home = (struct home){ .kind = HOME_STRIDED,
					 .region = region,
					 .offset = end[region] };
		end[region] += (fxq_tensor_bytes(&p->node->out[0]) + 63) /
			       64 * 64;
	}
}

static int add_device_step(struct lowering *l, struct segment *s,
			   uint64_t scratch, uint64_t cycles)
{
	struct fxq_image_binding *b;
	struct fxq_writer_device step = {
		.stream = s->stream.d, .n_descs = s->stream.n,
		.scratch_bytes = scratch, .cycles = cycles };
	uint32_t n = 0;

	b = fx_graph_alloc(l->g, (s->n_ports + 2) * sizeof(*b));
	b[n++] = (struct fxq_image_binding){ .kind = FXQ_BIND_WEIGHTS,
					     .region = REGION_WEIGHTS };
	if (scratch)
		b[n++] = (struct fxq_image_binding){
			.kind = FXQ_BIND_SCRATCH, .region = REGION_SCRATCH };
	for (unsigned int i = 0; i < s->n_ports; i++)
		b[n++] = (struct fxq_image_binding){
			.kind = s->ports[i].output ? FXQ_BIND_OUTPUT :
				FXQ_BIND_INPUT,
			.region = s->ports[i].home.region,
			.tensor = tensor_of(l, s->ports[i].node, 0),
			.offset = s->ports[i].home.offset };
	step.bindings = b;
	step.n_bindings = n;
	fxq_writer_device_step(l->w, &step);
	return 0;
}

/* One tag for each node, in the order in which selection counts them. */
static uint32_t add_tags(struct lowering *l, const struct segment *s)
{
	uint32_t first = l->tag;

	fx_for_each_node(n, l->g) {
		if (!inside(s, n))
			continue;
		fxq_writer_tag(l->w, n->source ? n->source : n->name,
			       n->target, node_macs(n));
		l->macs_device += node_macs(n);
		l->tag++;
	}
	return first;
}

/* Work of the layers; what only gathers channels is our own idea. */
static uint64_t mx_work(const struct segment *s)
{
	uint64_t work = 0;

	for (unsigned int i = 0; i < s->n_ops; i++) {
		struct box all = op_result(&s->ops[i]);

		if (s->ops[i].d.engine == FXQ_ENGINE_MX && !s->ops[i].copies)
			work += op_cost(&s->ops[i], &all);
	}
	return work;
}

static int lower_device(struct lowering *l, int number)
{
	struct segment s = { .g = l->g, .caps = l->opt.caps,
			     .blob = &l->blob, .segment = number };
	uint64_t scratch = 0, cycles = 0;
	int ret;

	find_ports(l, &s);
	bind_ports(&s);
	s.tag = add_tags(l, &s) - 1;
	ret = segment_lower(&s, l->opt.dump, &scratch, &cycles);
	if (!ret && l->blob.failed)
		ret = -ENOMEM;
	if (!ret)
		ret = add_device_step(l, &s, scratch, cycles);
	l->mx_bound += mx_work(&s);
	stream_finish(&s.stream);
	return ret;
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
