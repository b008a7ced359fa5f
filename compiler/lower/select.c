// SPDX-License-Identifier: MIT
/*
 * select.c - from the nodes of a segment to operations on feature maps
 *
 * Nodes are visited in order; each operator's rule (rules.c) appends the
 * operations that compute it. A value is a view of some map. Where an operator
 * cannot read a view as it lies, the value is copied through memory (store.c).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "select.h"

int segment_fail(struct segment *s, int err, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!s->err)
		s->err = fx_graph_fail(s->g, err, "layer '%s' (%s): %s",
				       s->node && s->node->source ?
				       s->node->source : s->node ?
				       s->node->name : "?",
				       s->node ? s->node->target : "?", text);
	return s->err;
}

struct op *op_new(struct segment *s, enum fxq_op opcode)
{
	struct op *op;

	if (s->n_ops == s->room_ops) {
		struct op *more;

		s->room_ops = 2 * s->room_ops + 64;
		more = fx_graph_alloc(s->g, s->room_ops * sizeof(*more));
		if (s->n_ops)
			memcpy(more, s->ops, s->n_ops * sizeof(*more));
		s->ops = more;
	}
	op = &s->ops[s->n_ops++];
	*op = (struct op){ .node = s->node, .tag = s->tag,
			   .d = { .opcode = opcode } };
	op->d.engine = fxq_op_engine(opcode);
	return op;
}

static struct port *port_of(const struct segment *s, const struct fx_node *n,
			    bool output)
{
	for (unsigned int i = 0; i < s->n_ports; i++)
		if (s->ports[i].node == n && s->ports[i].output == output)
			return &s->ports[i];
	return NULL;
}

/* A constant operand, laid out in the blob as the SPM will hold it. */
static void pack_const(struct segment *s, struct fmap *t,
		       const struct fx_node *n, const struct home *dense)
{
	struct box b = map_box(t);
	uint32_t plane = map_plane(t, &b);
	size_t bytes = map_bytes(t, &b);
	int8_t *to = fx_graph_alloc(s->g, bytes);
	const int8_t *from = n->out[0].data;

	for (uint32_t c = 0; c < t->c; c++) {
		uint32_t ps = fxq_pixel_stride(t->c, c / FXQ_BLOCK);

		for (uint32_t p = 0; p < t->h * t->w; p++)
			to[c / FXQ_BLOCK * plane + p * ps + c % FXQ_BLOCK] =
				from[c * dense->sc + p / t->w * dense->sy +
				     p % t->w * dense->sx];
	}
	t->home = (struct home){ .kind = HOME_BLOCKED,
				 .region = REGION_WEIGHTS,
				 .offset = blob_add(s->blob, to, bytes) };
}

/* A value from outside: a map that is, for now, only in memory. */
static struct value *value_outside(struct segment *s, struct fx_node *n)
{
	struct value *val = fx_graph_alloc(s->g, sizeof(*val));
	struct port *port = port_of(s, n, false);
	const struct fxq_tensor *type = &n->out[0];
	struct home home = { 0 };
	struct fmap *t;
	int axis;

	axis = dense_home(type, axis_for_users(s, n), &home);
	t = map_for(s, n->name, type, axis, &val->view);
	if (fx_node_is_const(n)) {
		pack_const(s, t, n, &home);
	} else if (port) {
		home.region = port->home.region;
		home.offset = port->home.offset;
		t->home = home;
	} else {
		segment_fail(s, -EINVAL, "input '%s' is computed nowhere",
			     n->name);
	}
	n->data = val;
	return val;
}

struct value *value_of(struct segment *s, struct fx_node *n)
{
	return n->data ? n->data : value_outside(s, n);
}

void set_value(struct segment *s, struct fx_node *n, const struct view *v)
{
	struct value *val = fx_graph_alloc(s->g, sizeof(*val));

	val->view = *v;
	n->data = val;
}

struct operand operand_of_map(struct fmap *t)
{
	return (struct operand){ .t = t, .row = t->w, .c = t->c, .h = t->h,
				 .w = t->w };
}

typedef bool (*fits_fn)(const struct view *v, uint32_t rank,
			const int64_t *dims, int axis, struct operand *ret);

static struct operand fit_operand(struct segment *s, struct fx_node *n,
				  int axis, fits_fn fits)
{
	const struct fxq_tensor *type = &n->out[0];
	struct value *val = value_of(s, n);
	struct operand o = { 0 };

	/* A reshape across factors may take a second copy to turn its axis. */
	for (int i = 0; i < 3; i++) {
		if (fits(&val->view, type->rank, type->dims, axis, &o))
			return o;
		if (i < 2)
			val->view = view_copy(s, &val->view, type, axis);
	}
	segment_fail(s, -EINVAL, "input '%s' cannot be laid out", n->name);
	return operand_of_map(val->view.t);
}

struct operand operand_of(struct segment *s, struct fx_node *n, int axis)
{
	return fit_operand(s, n, axis, view_operand);
}

struct operand pixels_of(struct segment *s, struct fx_node *n, int axis)
{
	return fit_operand(s, n, axis, view_pixels);
}

int value_axis(struct segment *s, struct fx_node *n)
{
	const struct fxq_tensor *type = &n->out[0];
	int axis = view_axis(&value_of(s, n)->view, type->rank, type->dims);

	return axis < 0 ? default_axis(type) : axis;
}

struct operand result_like(struct segment *s, int axis, uint32_t h, uint32_t w)
{
	const struct fxq_tensor *type = &s->node->out[0];
	uint32_t c = axis >= 0 ? (uint32_t)type->dims[axis] : 1;
	struct fmap *t = map_new(s, s->node->name, c, h, w,
				 (uint32_t)fxq_dtype_bytes(type->dtype));
	struct view v = view_of_map(t, type, axis);

	t->written = true;
	set_value(s, (struct fx_node *)s->node, &v);
	return operand_of_map(t);
}

/* A new map for each output that still has to be stored. */
static void store_port(struct segment *s, struct port *p)
{
	struct value *val = value_of(s, p->node);
	struct view v = val->view;
	int64_t mem[VIEW_FACTORS];

	if (p->stored)
		return;
	dense_strides(&v, (uint32_t)fxq_dtype_bytes(p->node->out[0].dtype),
		      mem);
	merge_strides(&v, mem);
	op_store(s, &v, p->home, mem);
	p->stored = true;
}

int segment_select(struct segment *s)
{
	for (struct fx_node *n = fx_graph_first(s->g); n; n = n->next)
		n->data = NULL;
	for (struct fx_node *n = fx_graph_first(s->g); n && !s->err;
	     n = n->next) {
		const struct op_rule *rule;
		struct port *port;

		if (n->place != FX_PLACE_DEVICE || n->segment != s->segment)
			continue;
		s->node = n;
		s->tag++;
		rule = op_rule_find(n);
		if (!rule)
			return segment_fail(s, -EINVAL,
					    "the device has no such operator");
		rule->lower(s, n);
		port = port_of(s, n, true);
		if (port && !s->err)
			store_port(s, port);
	}
	return s->err;
}
