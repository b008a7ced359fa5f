// SPDX-License-Identifier: MIT
/*
 * emit.c - from planned operations to descriptors
 *
 * Group by group and tile by tile: what a tile needs and is not held is
 * loaded, operations follow, what has to leave is stored. The order is one in
 * which the machine may run functionally; that engines overlap is a matter of
 * waits, and that loads come early one of schedule.c.
 */
#include "emit.h"

static void hold(struct emitter *e, struct fmap *t, const struct box *b)
{
	t->held = (struct held){ .box = *b, .plane = map_plane(t, b) };
	t->held.addr = (uint32_t)space_buffer(e->st, &e->st->spm,
					      map_bytes(t, b));
	t->rows = t->h;
}

/* Loads rows up to @end of a map that is held whole. */
static void load_rows(struct emitter *e, uint32_t tag, struct fmap *t,
		      uint32_t end)
{
	struct box b = map_box(t);

	b.y0 = t->rows;
	b.y1 = end;
	if (b.y0 >= b.y1)
		return;
	dma_box(e->st, FXQ_OP_LOAD, tag, t, &t->held, &b);
	t->rows = end;
}

static void load_inputs(struct emitter *e, const struct op *op)
{
	for (unsigned int i = 0; i < op->n_in; i++) {
		struct fmap *t = op->in[i].t;

		if (t->held.addr) {
			load_rows(e, op->tag, t, t->need.y1);
			continue;
		}
		hold(e, t, &t->need);
		dma_box(e->st, FXQ_OP_LOAD, op->tag, t, &t->held, &t->need);
	}
}

static void emit_tile(struct emitter *e, const struct box *tile,
		      struct box *boxes)
{
	struct segment *s = e->s;

	group_needs(s, e->g, tile, boxes);
	for (unsigned int k = 0; k < e->g->n; k++) {
		struct op *op = &s->ops[e->g->first + k];
		struct fmap *t = op->out.t;
		struct box at;

		if (!boxes[k].y1)
			continue;	/* this tile sees nothing of it */
		load_inputs(e, op);
		if (t && !t->held.addr)
			hold(e, t, &t->need);
		put_op(e, op, &boxes[k]);
		if (!t || !t->spill)
			continue;
		at = operand_box(&op->out, &boxes[k]);
		dma_box(e->st, FXQ_OP_STORE, op->tag, t, &t->held, &at);
	}
	for (unsigned int k = 0; k < e->g->n; k++) {
		struct op *op = &s->ops[e->g->first + k];

		for (unsigned int i = 0; i < op->n_in; i++)
			if (!op->in[i].t->resident)
				op->in[i].t->held.addr = 0;
		if (op->out.t && !op->out.t->resident)
			op->out.t->held.addr = 0;
	}
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void emit_tiles(struct emitter *e)
{
	const struct group *g = e->g;
	const struct op *last = &e->s->ops[g->first + g->n - 1];
	struct box all = op_result(last), b;
	struct box *boxes = fx_graph_alloc(e->s->g, g->n * sizeof(*boxes));

	for (b.c0 = 0; b.c0 < all.c1; b.c0 = b.c1) {
		b.c1 = least(b.c0 + g->tc, all.c1);
		e->n_loaded = 0;
		for (b.y0 = 0; b.y0 < all.y1; b.y0 = b.y1) {
			b.y1 = least(b.y0 + g->th, all.y1);
			for (b.x0 = 0; b.x0 < all.x1; b.x0 = b.x1) {
				b.x1 = least(b.x0 + g->tw, all.x1);
				emit_tile(e, &b, boxes);
				if (g->stream_weights)
					e->n_loaded = 0;
			}
		}
	}
}

/*
 * How many turns operation @k of a rolling group comes behind the first: one
 * more each time that results go back from VX to MX, which so has other rows
 * to work on while VX is at these.
 */
static unsigned int turns_behind(const struct emitter *e, unsigned int k,
				 unsigned int *behind)
{
	const struct op *op = &e->s->ops[e->g->first + k];

	behind[k] = 0;
	for (unsigned int p = 0; p < k; p++) {
		const struct op *from = &e->s->ops[e->g->first + p];
		bool back = from->d.engine > op->d.engine;

		for (unsigned int i = 0; i < op->n_in; i++)
			if (op->in[i].t == from->out.t &&
			    behind[p] + back > behind[k])
				behind[k] = behind[p] + back;
	}
	return behind[k];
}

/*
 * Rows of operation @k that are not there yet, up to those that turn @turn of
 * @turns needs; in the last, all.
 */
static void take_turn(struct emitter *e, unsigned int k, uint32_t turn,
		      uint32_t turns, struct box *boxes)
{
	struct op *op = &e->s->ops[e->g->first + k];
	struct box tile = op_result(&e->s->ops[e->g->first + e->g->n - 1]);
	struct box rows = op_result(op);

	tile.y0 = turn * e->g->th;
	tile.y1 = least(tile.y0 + e->g->th, tile.y1);
	group_needs(e->s, e->g, &tile, boxes);
	if (turn + 1 < turns)
		rows.y1 = boxes[k].y1;
	else
		for (unsigned int i = 0; i < op->n_in; i++)
			op->in[i].t->need.y1 = op->in[i].t->h;
	rows.y0 = op->done;
	if (rows.y0 >= rows.y1)
		return;
	op->done = rows.y1;
	load_inputs(e, op);
	put_op(e, op, &rows);
}

static void emit_turns(struct emitter *e)
{
	const struct group *g = e->g;
	uint32_t rows = op_result(&e->s->ops[g->first + g->n - 1]).y1;
	uint32_t turns = fxq_div_up(rows, g->th), most = 0;
	struct box *boxes = fx_graph_alloc(e->s->g, g->n * sizeof(*boxes));
	unsigned int *behind = fx_graph_alloc(e->s->g, g->n * sizeof(*behind));

	e->n_loaded = 0;
	for (unsigned int k = 0; k < g->n; k++) {
		e->s->ops[g->first + k].done = 0;
		most = turns_behind(e, k, behind) > most ? behind[k] : most;
	}
	for (uint32_t t = 0; t < turns + most; t++)
		for (unsigned int k = 0; k < g->n; k++)
			if (t >= behind[k] && t - behind[k] < turns)
				take_turn(e, k, t - behind[k], turns, boxes);
}

/* Maps that nobody touches after operation @last leave the SPM. */
static void release(struct segment *s, unsigned int last)
{
	for (unsigned int i = 0; i < s->n_maps; i++) {
		struct fmap *t = s->maps[i];

		if (t->resident && t->last_op <= last) {
			t->resident = false;
			t->held.addr = 0;
		}
	}
}

/* Makes room for the whole of @t, unless parts of it are there already. */
static void keep(struct emitter *e, struct fmap *t)
{
	struct box all = map_box(t);

	if (t->resident)
		return;
	t->resident = true;
	hold(e, t, &all);
}

static void emit_group(struct emitter *e, const struct group *g)
{
	struct op *last = &e->s->ops[g->first + g->n - 1];

	e->g = g;
	for (unsigned int i = 0; i < g->n_evict; i++) {
		g->evict[i]->resident = false;
		g->evict[i]->held.addr = 0;
	}
	for (unsigned int i = 0; i < g->n_reload; i++) {
		struct fmap *t = g->reload[i];
		struct box all = map_box(t);

		t->resident = true;
		hold(e, t, &all);
		t->rows = 0;
	}
	for (unsigned int k = 0; g->rolling && k + 1 < g->n; k++)
		keep(e, e->s->ops[g->first + k].out.t);
	if (g->resident_out)
		keep(e, last->out.t);
	if (g->rolling)
		emit_turns(e);
	else
		emit_tiles(e);
	for (unsigned int i = 0; i < g->n_reload; i++)
		if (g->reload[i]->last_op >= g->first + g->n)
			load_rows(e, last->tag, g->reload[i],
				  g->reload[i]->h);
	release(e->s, g->first + g->n - 1);
}

int segment_emit(struct segment *s, const struct plan *p)
{
	struct emitter e = { .s = s, .st = &s->stream };

	for (unsigned int i = 0; i < s->n_maps; i++) {
		s->maps[i]->held.addr = 0;
		s->maps[i]->resident = false;
	}
	for (unsigned int i = 0; i < p->n; i++)
		emit_group(&e, &p->groups[i]);
	return s->err;
}
