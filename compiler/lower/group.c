// SPDX-License-Identifier: MIT
/*
 * group.c - what it takes to do several operations tile by tile
 *
 * The boxes of all maps that a tile of the last result depends on; the bytes
 * of scratchpad that are alive while it is made; the largest tile that fits;
 * and what tiling costs: loads and stores of tiles, and work that is done
 * twice where windows overlap.
 */
#include "plan.h"

#define TILE_COST	64	/* cycles for issuing a tile's operation */

static const struct op *op_at(const struct trial *p, unsigned int i)
{
	return &p->s->ops[i];
}

uint64_t map_whole_bytes(const struct fmap *t)
{
	struct box b = map_box(t);

	return map_bytes(t, &b);
}

bool in_maps(struct fmap *const *list, unsigned int n, const struct fmap *t)
{
	while (n--)
		if (list[n] == t)
			return true;
	return false;
}

bool op_touches(const struct op *op, const struct fmap *t)
{
	for (unsigned int i = 0; i < op->n_in; i++)
		if (op->in[i].t == t)
			return true;
	return op->out.t == t;
}

static void join(struct box *need, struct box b, const struct fmap *t)
{
	b.c0 -= b.c0 % FXQ_BLOCK;
	b.c1 = fxq_round_up(b.c1, FXQ_BLOCK);
	b.c1 = b.c1 < t->c ? b.c1 : t->c;
	if (!need->y1) {
		*need = b;
		return;
	}
	need->c0 = need->c0 < b.c0 ? need->c0 : b.c0;
	need->c1 = need->c1 > b.c1 ? need->c1 : b.c1;
	need->y0 = need->y0 < b.y0 ? need->y0 : b.y0;
	need->y1 = need->y1 > b.y1 ? need->y1 : b.y1;
	need->x0 = need->x0 < b.x0 ? need->x0 : b.x0;
	need->x1 = need->x1 > b.x1 ? need->x1 : b.x1;
}

/* The part of @need that operand @o is to write, in its own coordinates. */
static struct box own_part(const struct operand *o, const struct box *need)
{
	uint32_t y = o->p0 / o->t->w, x = o->p0 % o->t->w;
	struct box b = { 0, o->c, 0, o->h, 0, o->w };

	if (operand_is_flat(o))
		return b;
	b.y0 = need->y0 > y ? need->y0 - y : 0;
	b.x0 = need->x0 > x ? need->x0 - x : 0;
	b.y1 = need->y1 - y < o->h ? need->y1 - y : o->h;
	b.x1 = need->x1 - x < o->w ? need->x1 - x : o->w;
	if (need->y1 <= y || need->x1 <= x || b.y0 >= b.y1 || b.x0 >= b.x1)
		return (struct box){ 0 };
	return b;
}

void group_needs(struct segment *s, const struct group *g,
		 const struct box *tile, struct box *boxes)
{
	for (unsigned int k = 0; k < g->n; k++) {
		const struct op *op = &s->ops[g->first + k];

		for (unsigned int i = 0; i < op->n_in; i++)
			op->in[i].t->need = (struct box){ 0 };
		if (op->out.t)
			op->out.t->need = (struct box){ 0 };
	}
	for (unsigned int k = g->n; k-- > 0;) {
		const struct op *op = &s->ops[g->first + k];
		struct fmap *t = op->out.t;

		boxes[k] = *tile;
		if (k + 1 < g->n)
			boxes[k] = own_part(&op->out, &t->need);
		else if (t)
			join(&t->need, operand_box(&op->out, tile), t);
		if (t && k + 1 < g->n) {
			t->need.c0 = 0;
			t->need.c1 = t->c;
		}
		for (unsigned int i = 0; boxes[k].y1 && i < op->n_in; i++) {
			struct box b = op_needs(op, &boxes[k], i);

			join(&op->in[i].t->need, operand_box(&op->in[i], &b),
			     op->in[i].t);
		}
	}
}

/* Is @t born and gone within the group, never whole? */
bool group_is_local(const struct group *g, const struct fmap *t)
{
	return t->written && !t->resident && t->first_op >= g->first &&
	       t->last_op < g->first + g->n;
}

/* Does any operand of the group need its map whole in the SPM? */
bool group_wants_whole(const struct segment *s, const struct group *g,
		       const struct fmap *t)
{
	for (unsigned int k = 0; k < g->n; k++) {
		const struct op *op = &s->ops[g->first + k];

		for (unsigned int i = 0; i < op->n_in; i++)
			if (op->in[i].t == t &&
			    (operand_is_flat(&op->in[i]) ||
			     (op->d.opcode == FXQ_OP_STORE &&
			      op->store == STORE_WHOLE)))
				return true;
		if (op->out.t == t && operand_is_flat(&op->out))
			return true;
	}
	return false;
}

/* A cascade keeps only its last result; the others are local. */
static bool is_cascade(const struct trial *p, const struct group *g)
{
	for (unsigned int k = 0; k < g->n; k++) {
		const struct op *op = op_at(p, g->first + k);

		if (k + 1 < g->n && (!op->out.t || !group_is_local(g, op->out.t) ||
				     group_wants_whole(p->s, g, op->out.t)))
			return false;
	}
	return true;
}

static void note_use(struct trial *p, struct fmap *t, unsigned int k)
{
	for (unsigned int i = 0; i < p->n_uses; i++) {
		if (p->uses[i].t != t)
			continue;
		p->uses[i].last = k;
		return;
	}
	p->uses[p->n_uses++] = (struct use){ t, k, k };
}

/* Which maps the group touches, and from which operation to which. */
static void note_uses(struct trial *p, const struct group *g)
{
	p->n_uses = 0;
	for (unsigned int k = 0; k < g->n; k++) {
		const struct op *op = op_at(p, g->first + k);

		for (unsigned int i = 0; i < op->n_in; i++)
			note_use(p, op->in[i].t, k);
		if (op->out.t)
			note_use(p, op->out.t, k);
	}
}

/* Bytes that the group finds and leaves in place: resident maps. */
static uint64_t base_bytes(const struct trial *p, const struct group *g)
{
	const struct op *last = op_at(p, g->first + g->n - 1);
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < p->s->n_maps; i++)
		if (p->s->maps[i]->resident &&
		    !in_maps(g->evict, g->n_evict, p->s->maps[i]))
			bytes += map_whole_bytes(p->s->maps[i]);
	for (unsigned int i = 0; i < g->n_reload; i++)
		bytes += map_whole_bytes(g->reload[i]);
	if (g->resident_out && !last->out.t->resident)
		bytes += map_whole_bytes(last->out.t);
	return bytes;
}

static bool is_held(const struct group *g, const struct fmap *t,
		    const struct fmap *out)
{
	return (t->resident && !in_maps(g->evict, g->n_evict, t)) ||
	       in_maps(g->reload, g->n_reload, t) ||
	       (g->resident_out && t == out);
}

static uint64_t tile_map_bytes(const struct trial *p, const struct group *g,
			       const struct fmap *t, bool many)
{
	return map_bytes(t, &t->need) *
	       (many && !group_is_local(g, t) ? p->buffers : 1);
}

/* Bytes of tile @tile at its fullest; @many: there are several tiles. */
static uint64_t tile_bytes(struct trial *p, const struct group *g,
			   const struct box *tile, bool many)
{
	const struct op *last = op_at(p, g->first + g->n - 1);
	uint64_t most = 0, consts = 0, part, all;

	group_needs(p->s, g, tile, p->boxes);
	for (unsigned int k = 0; k < g->n && many && !g->stream_weights; k++)
		if (p->boxes[k].y1)
			consts += op_const_bytes(p->s, op_at(p, g->first + k),
						 &p->boxes[k], &part);
	for (unsigned int k = 0; k < g->n; k++) {
		uint64_t bytes = consts;

		if (!p->boxes[k].y1)
			continue;
		if (!many || g->stream_weights) {
			all = op_const_bytes(p->s, op_at(p, g->first + k),
					     &p->boxes[k], &part);
			part *= p->buffers;
			bytes = part < all ? part : all;
		}
		for (unsigned int i = 0; i < p->n_uses; i++) {
			const struct use *u = &p->uses[i];

			if (u->t->need.y1 && u->first <= k && k <= u->last &&
			    !is_held(g, u->t, last->out.t))
				bytes += tile_map_bytes(p, g, u->t, many);
		}
		most = bytes > most ? bytes : most;
	}
	return most;
}

static uint32_t parts(uint32_t size, uint32_t n, uint32_t step)
{
	return fxq_round_up(fxq_div_up(size, n), step);
}

/* The tile in the middle of each direction, whose borders are all inner. */
static struct box middle_tile(const struct group *g, const struct box *all)
{
	struct box b = *all;

	b.c1 = g->tc < b.c1 ? g->tc : b.c1;
	b.y0 = all->y1 / g->th / 2 * g->th;
	b.y1 = b.y0 + g->th < all->y1 ? b.y0 + g->th : all->y1;
	b.x0 = all->x1 / g->tw / 2 * g->tw;
	b.x1 = b.x0 + g->tw < all->x1 ? b.x0 + g->tw : all->x1;
	if (b.y0 >= b.y1)
		b.y0 = b.y1 > g->th ? b.y1 - g->th : 0;
	if (b.x0 >= b.x1)
		b.x0 = b.x1 > g->tw ? b.x1 - g->tw : 0;
	return b;
}

static bool tile_fits(struct trial *p, struct group *g,
		      const struct box *all)
{
	struct box b = middle_tile(g, all);
	bool many = g->tc < all->c1 || g->th < all->y1 || g->tw < all->x1;

	return p->base + tile_bytes(p, g, &b, many) <= p->budget;
}

/* The tallest tile that fits, knowing that the lowest does. */
static uint32_t find_height(struct trial *p, struct group *g,
			    const struct box *all)
{
	uint32_t unit = op_row_unit(op_at(p, g->first + g->n - 1));
	uint32_t lo = 1, hi = fxq_div_up(all->y1, unit);

	g->th = hi * unit;
	if (tile_fits(p, g, all))
		return g->th;
	while (lo < hi) {
		uint32_t mid = hi - (hi - lo) / 2;

		g->th = mid * unit;
		if (tile_fits(p, g, all))
			lo = mid;
		else
			hi = mid - 1;
	}
	return parts(all->y1, fxq_div_up(all->y1, lo * unit), unit);
}

/* The fewest tiles that fit: rows are split first, then columns, channels. */
static bool find_tile(struct trial *p, struct group *g)
{
	const struct op *last = op_at(p, g->first + g->n - 1);
	struct box all = op_result(last);
	uint32_t blocks = g->n == 1 && op_splits_channels(last) ?
			  fxq_div_up(all.c1, FXQ_BLOCK) : 1;
	uint32_t columns = op_splits_columns(last) ? all.x1 : 1;

	note_uses(p, g);
	p->base = base_bytes(p, g);
	if (p->base > p->budget)
		return false;
	for (uint32_t nc = 1; nc < 2 * blocks; nc *= 2) {
		g->tc = parts(all.c1, nc < blocks ? nc : blocks, FXQ_BLOCK);
		for (uint32_t nx = 1; nx < 2 * columns; nx *= 2) {
			g->tw = parts(all.x1, nx < columns ? nx : columns, 1);
			g->th = op_row_unit(last);
			if (!tile_fits(p, g, &all))
				continue;
			g->th = find_height(p, g, &all);
			return true;
		}
	}
	return false;
}

static uint64_t count(uint32_t size, uint32_t tile)
{
	return fxq_div_up(size, tile);
}

/*
 * Cycles that @bytes of DMA cost beside @work cycles of the engines: what the
 * work does not hide, and some for the loads of others that it delays.
 */
static uint64_t dma_cost(const struct trial *p, uint64_t bytes, uint64_t work)
{
	uint64_t cycles = bytes / DMA_BYTES;

	return cycles / p->dma_part + (cycles > work ? cycles - work : 0);
}

/* DMA of tiles that are loaded, stored and loaded again; work done twice. */
static uint64_t tiles_cost(struct trial *p, const struct group *g)
{
	const struct op *last = op_at(p, g->first + g->n - 1);
	struct box all = op_result(last), b = middle_tile(g, &all);
	uint64_t tiles = count(all.c1, g->tc) * count(all.y1, g->th) *
			 count(all.x1, g->tw);
	uint64_t dma = 0, cost = 0, part, whole = 0;

	group_needs(p->s, g, &b, p->boxes);
	for (unsigned int k = 0; k < g->n; k++) {
		const struct op *op = op_at(p, g->first + k);
		struct box full = op_result(op);

		cost += (tiles - 1) * TILE_COST +
			tiles * op_cost(op, &p->boxes[k]);
		whole += op_cost(op, &full);
		if (g->stream_weights)
			dma += tiles * op_const_bytes(p->s, op, &b, &part);
	}
	for (unsigned int i = 0; i < p->n_uses; i++) {
		const struct fmap *t = p->uses[i].t;

		if (t->need.y1 && !is_held(g, t, last->out.t) &&
		    !group_is_local(g, t))
			dma += tiles * map_bytes(t, &t->need);
	}
	if (last->out.t && !g->resident_out)
		dma += map_whole_bytes(last->out.t);	/* to load it again */
	return dma_cost(p, dma, whole) + (cost > whole ? cost - whole : 0);
}

bool group_fits(struct trial *p, struct group *g)
{
	struct box all = op_result(op_at(p, g->first + g->n - 1));

	note_uses(p, g);
	p->base = base_bytes(p, g);
	return tile_fits(p, g, &all);
}

bool group_fit(struct trial *p, struct group *g, uint64_t *ret_cost)
{
	if (!is_cascade(p, g) || !find_tile(p, g))
		return false;
	*ret_cost = tiles_cost(p, g);
	return true;
}
