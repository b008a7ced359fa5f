// SPDX-License-Identifier: MIT
/*
 * lower_device.c - a segment of the device as a step of the image
 *
 * The values that cross the segment's border are its ports: each is a tensor of
 * the image, at a place in a region of the stream.
 */
#include <errno.h>
#include <string.h>

#include "lowering.h"

#define FIRST_PORT	2	/* region of the first tensor */

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

/* Does anybody outside use @n? */
static bool used_outside(struct segment *s, struct fx_node *n)
{
	for (struct fx_node *u = n->next; u; u = u->next)
		if (!inside(s, u) && fx_node_uses(u, n))
			return true;
	return false;
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

static void add_device_step(struct lowering *l, struct segment *s,
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

int lower_device(struct lowering *l, int number)
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
		add_device_step(l, &s, scratch, cycles);
	l->mx_bound += mx_work(&s);
	stream_finish(&s.stream);
	return ret;
}
