// SPDX-License-Identifier: MIT
/*
 * select.c - from the nodes of a segment to operations on feature maps
 *
 * Nodes are visited in order; each operator's rule (rules.c) appends the
 * operations that compute it. A value is a view of some map. Where an operator
 * cannot read a view as it lies, the value is copied through memory: stored
 * in one order, loaded in another, which DMA does at full rate.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lower.h"

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

struct user_walk {
	const struct fx_node *of;
	bool found;
};

static void match_user(struct fx_node *in, void *ctx)
{
	struct user_walk *w = ctx;

	w->found |= in == w->of;
}

static struct fx_node *first_user(const struct segment *s,
				  const struct fx_node *n)
{
	for (struct fx_node *u = n->next; u; u = u->next) {
		struct user_walk w = { .of = n };

		if (u->place != FX_PLACE_DEVICE ||
		    u->segment != s->node->segment)
			continue;
		fx_node_visit(u, match_user, &w);
		if (w.found)
			return u;
	}
	return NULL;
}

static int default_axis(const struct fxq_tensor *t)
{
	return t->rank == 4 ? 1 : t->rank ? (int)t->rank - 1 : -1;
}

/* The dimension of @from that has the size and inner elements of @to's @axis. */
static int same_axis(const struct fxq_tensor *from, const struct fxq_tensor *to,
		     int axis)
{
	int64_t inner = 1, want = 1;

	for (int i = (int)to->rank - 1; i > axis; i--)
		want *= to->dims[i];
	for (int i = (int)from->rank - 1; i >= 0; i--) {
		if (inner == want && from->dims[i] == to->dims[axis])
			return i;
		inner *= from->dims[i];
	}
	return default_axis(from);
}

static int axis_seen_by(const struct segment *s, struct fx_node *n, int depth);

/* Along which dimension @u would like to find the channels of its input @n. */
static int axis_wanted(const struct segment *s, struct fx_node *u,
		       struct fx_node *n, int depth)
{
	const struct op_rule *rule = op_rule_find(u);
	const struct fxq_tensor *t = &n->out[0];
	int64_t order[FXQ_MAX_RANK];
	int axis;

	if (fx_node_is(u, "qlinear") || fx_node_is(u, "qmatmul") ||
	    fx_node_is(u, "qlayer_norm"))
		return (int)t->rank - 1;
	if (fx_node_is(u, "qsoftmax")) {
		axis = (int)fx_node_int(u, "dim", -1);
		return axis < 0 ? axis + (int)t->rank : axis;
	}
	if (!rule || !u->n_out || u->out[0].rank == 0)
		return default_axis(t);
	axis = axis_seen_by(s, u, depth);
	if (fx_node_is(u, "permute") && axis < (int)t->rank) {
		fx_node_permutation(u, order);
		return (int)order[axis];
	}
	if (rule->lower == lower_view)
		return same_axis(t, &u->out[0], axis);
	return u->out[0].rank == t->rank ? axis : default_axis(t);
}

static int axis_seen_by(const struct segment *s, struct fx_node *n, int depth)
{
	struct fx_node *u = depth < 8 ? first_user(s, n) : NULL;

	return u ? axis_wanted(s, u, n, depth + 1) : default_axis(&n->out[0]);
}

/* Strides of a dense array of @dims, as a home of map @t; false: not three. */
static bool dense_home(const struct fxq_tensor *type, int axis,
		       struct home *home)
{
	int64_t size[2] = { 1, 1 }, stride[2] = { 0, 0 }, inner = 1;
	int64_t bytes = (int64_t)fxq_dtype_bytes(type->dtype);
	int k = 1;

	home->kind = HOME_STRIDED;
	home->sc = bytes;
	for (int i = (int)type->rank - 1; i >= 0; i--) {
		if (i == axis) {
			home->sc = inner * bytes;
		} else if (k == 1) {
			size[1] = type->dims[i];
			stride[1] = inner * bytes;
			k = 0;
		} else if (type->dims[i] > 1) {
			if (size[0] > 1 && stride[0] * size[0] != inner * bytes)
				return false;
			if (size[0] == 1)
				stride[0] = inner * bytes;
			size[0] *= type->dims[i];
		}
		inner *= type->dims[i];
	}
	home->sy = stride[0];
	home->sx = stride[1];
	return true;
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
	int axis = axis_seen_by(s, n, 0);
	struct home home = { 0 };
	struct fmap *t;

	if (!dense_home(type, axis, &home)) {
		axis = (int)type->rank - 1;
		dense_home(type, axis, &home);
	}
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

/*
 * Does @v walk the whole of its map so that one stride each is enough for
 * channels, rows and columns in memory? Then an operation can store it tile
 * by tile.
 */
static bool plain_strides(const struct view *v, const int64_t *mem,
			  struct home *home)
{
	const struct fmap *t = v->t;
	int64_t c = 1, pixels = 1;

	if (v->c0 || v->p0)
		return false;
	home->sc = home->sy = home->sx = t->elem;
	for (unsigned int i = 0; i < v->n; i++) {
		const struct factor *f = &v->f[i];

		if (f->cs == 1 && !f->ps && c == 1) {
			home->sc = mem[i];
			c = f->size;
		} else if (!f->cs && f->ps == 1 && f->size == t->w) {
			home->sx = mem[i];
			pixels *= f->size;
		} else if (!f->cs && f->ps == t->w && f->size == t->h) {
			home->sy = mem[i];
			pixels *= f->size;
		} else if (!f->cs && f->ps == 1 && f->size == t->h * t->w) {
			home->sx = mem[i];
			home->sy = mem[i] * t->w;
			pixels *= f->size;
		} else {
			return false;
		}
	}
	return c == t->c && pixels == (int64_t)t->h * t->w;
}

/* Splits factors of pixels that run over several rows of the map. */
static void split_rows(struct op *op)
{
	struct view *v = &op->view;
	int64_t w = v->t->w;

	for (unsigned int i = 0; i < v->n && v->n < VIEW_FACTORS; i++) {
		struct factor *f = &v->f[i];
		int64_t per = f->ps && w % f->ps == 0 ? w / f->ps : 0;

		if (f->cs || f->ps >= w || per < 2 || f->size <= per ||
		    f->size % per)
			continue;
		memmove(f + 1, f, (v->n - i) * sizeof(*f));
		memmove(&op->mem[i + 1], &op->mem[i],
			(v->n++ - i) * sizeof(*op->mem));
		f[0] = (struct factor){ f[1].size / per, 0, w };
		op->mem[i] = op->mem[i + 1] * per;
		f[1].size = per;
	}
}

/*
 * Can the store be cut between rows? One factor must step over units of rows
 * that all others stay within; the operand is then the channels and rows that
 * the view sees.
 */
static bool cut_rows(struct op *op)
{
	struct operand *o = &op->in[0];
	const struct view *v = &op->view;
	int64_t w = v->t->w, x = v->p0 % w, span = 1, top = v->c0, unit = 0;

	for (unsigned int i = 0; i < v->n; i++) {
		if (!v->f[i].cs && v->f[i].ps % w == 0 && v->f[i].ps > unit) {
			unit = v->f[i].ps;
			op->row_factor = i;
		}
	}
	if (!unit)
		return false;
	for (unsigned int i = 0; i < v->n; i++) {
		const struct factor *f = &v->f[i];

		top += (f->size - 1) * f->cs;
		if (f->cs || i == op->row_factor)
			continue;
		if (f->ps % w)
			x += (f->size - 1) * f->ps;
		else
			span += (f->size - 1) * f->ps / w;
	}
	op->unit = (uint32_t)(unit / w);
	if (x >= w || span > op->unit)
		return false;
	o->c0 = (uint32_t)(v->c0 / FXQ_BLOCK * FXQ_BLOCK);
	o->c = fxq_round_up((uint32_t)top + 1 - o->c0, FXQ_BLOCK);
	o->c = o->c < v->t->c - o->c0 ? o->c : v->t->c - o->c0;
	o->p0 = (uint32_t)(v->p0 / w * w);
	o->h = (uint32_t)((v->f[op->row_factor].size - 1) * op->unit + span);
	return true;
}

void op_store(struct segment *s, const struct view *v, struct home home,
	      const int64_t *mem)
{
	struct op *op = op_new(s, FXQ_OP_STORE);

	op->in[op->n_in++] = operand_of_map(v->t);
	op->view = *v;
	memcpy(op->mem, mem, v->n * sizeof(*mem));
	op->home = home;
	op->home.kind = HOME_STRIDED;
	if (plain_strides(v, mem, &op->home)) {
		op->store = STORE_BOXES;
		return;
	}
	split_rows(op);
	op->store = cut_rows(op) ? STORE_ROWS : STORE_WHOLE;
}

/* Strides in memory of each factor of @v, if its value is dense there. */
static void dense_strides(const struct view *v, uint32_t elem, int64_t *mem)
{
	int64_t inner = elem;

	for (unsigned int i = v->n; i-- > 0; inner *= v->f[i].size)
		mem[i] = inner;
}

/* The same, joined where map and memory both go on. */
static void merge_strides(struct view *v, int64_t *mem)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < v->n; i++) {
		struct factor f = v->f[i];

		if (f.size == 1)
			continue;
		if (n && v->f[n - 1].cs == f.cs * f.size &&
		    v->f[n - 1].ps == f.ps * f.size &&
		    mem[n - 1] == mem[i] * f.size)
			f.size *= v->f[--n].size;
		mem[n] = mem[i];
		v->f[n++] = f;
	}
	v->n = n;
}

/*
 * Memory for @t in the order [c][y][x], to which any view can be stored and
 * from which any box can be loaded.
 */
void map_scratch(struct segment *s, struct fmap *t)
{
	uint64_t bytes = (uint64_t)t->c * t->h * t->w * t->elem;

	t->home = (struct home){
		.kind = HOME_STRIDED, .region = REGION_SCRATCH,
		.offset = space_buffer(&s->stream, &s->stream.scratch, bytes),
		.sc = (int64_t)t->h * t->w * t->elem,
		.sy = (int64_t)t->w * t->elem, .sx = t->elem };
}

/* Stores @v to where @to, a view of the same elements, has them in memory. */
void store_view(struct segment *s, const struct view *v,
		const struct view *to, const struct fxq_tensor *type)
{
	unsigned int start[FXQ_MAX_RANK + 1], start_to[FXQ_MAX_RANK + 1];
	const struct home *h = &to->t->home;
	struct view a = *v, b = *to;
	struct home home = *h;
	int64_t mem[VIEW_FACTORS];

	if (!view_align(&a, type->rank, type->dims, start) ||
	    !view_align(&b, type->rank, type->dims, start_to)) {
		segment_fail(s, -EINVAL,
			     "its elements lie in memory in no regular order");
		return;
	}
	/* Each factor of @a steps through part of one dimension of @b. */
	for (uint32_t i = 0; i < type->rank; i++) {
		int64_t inner = 1;
		const struct factor *f = &b.f[start_to[i]];

		if (start_to[i + 1] - start_to[i] > 1)
			segment_fail(s, -EINVAL, "a copy has a split dimension");
		for (unsigned int k = start[i + 1]; k-- > start[i];) {
			mem[k] = inner * (f->cs * h->sc + f->ps * h->sx);
			inner *= a.f[k].size;
		}
	}
	home.offset += to->c0 * h->sc + to->p0 * h->sx;
	merge_strides(&a, mem);
	op_store(s, &a, home, mem);
}

/*
 * A reshape across the factors of @v: the elements are stored as they follow
 * one another, and loaded as an array of the new dimensions.
 */
static struct view copy_dense(struct segment *s, const struct view *v,
			      const struct fxq_tensor *type, int axis)
{
	int64_t mem[VIEW_FACTORS];
	struct view from = *v, copy;
	struct home home, dense = { .kind = HOME_NONE };

	if (!dense_home(type, axis, &dense)) {
		axis = (int)type->rank - 1;
		dense_home(type, axis, &dense);
	}
	map_for(s, s->node->name, type, axis, &copy);
	map_scratch(s, copy.t);
	home = copy.t->home;
	copy.t->home.sc = dense.sc;
	copy.t->home.sy = dense.sy;
	copy.t->home.sx = dense.sx;
	dense_strides(&from, copy.t->elem, mem);
	merge_strides(&from, mem);
	op_store(s, &from, home, mem);
	return copy;
}

struct view view_copy(struct segment *s, const struct view *v,
		      const struct fxq_tensor *type, int axis)
{
	unsigned int start[FXQ_MAX_RANK + 1];
	struct fxq_tensor t = *type;
	struct view copy = *v;

	if (!view_align(&copy, type->rank, type->dims, start))
		return copy_dense(s, v, type, axis);
	if (gather_copy(s, v, type, axis, &copy))
		return copy;
	map_for(s, s->node->name, &t, axis, &copy);
	map_scratch(s, copy.t);
	store_view(s, v, &copy, &t);
	return copy;
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
