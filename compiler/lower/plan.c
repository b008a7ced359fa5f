// SPDX-License-Identifier: MIT
/*
 * plan.c - which maps stay in the scratchpad, and what is done in tiles
 *
 * Operations are taken in order. One whose operands and result fit beside all
 * that has to stay is done whole. Where that does not fit there are choices: a
 * cascade, several operations done tile by tile so that the large maps between
 * them never exist whole; a spill, the result stored tile by tile and loaded
 * again by its readers; an eviction of maps that are not needed for a while.
 * Each is costed in cycles (DMA, work done twice), and the cheapest is taken
 * that leaves the operations after it cheap as well.
 */
#include <errno.h>
#include <string.h>

#include "plan.h"

#define LOOK_AHEAD	12	/* operations that a choice is judged by */
#define CHOICES_MAX	48
#define PIECES_MAX	8	/* that one load is cut into */
#define PIECE_BYTES	8192	/* of which each has at least so many */
#define RUN_BYTES	1024	/* that make up for a cut run's broken bursts */

/* A way to go on. @cost: cycles beyond the operations' own. */
struct choice {
	struct group g;
	uint64_t cost;
};

struct choices {
	struct choice v[CHOICES_MAX];
	unsigned int n;
	uint64_t least;
};

/* What a choice changes, to be put back. */
struct state {
	bool resident, spill;
	enum home_kind home;
};

/*
 * @now, @then: the choices at hand, and those of a look ahead
 * @saved: the state from which choices are tried
 */
struct planner {
	struct trial t;
	struct segment *s;
	struct choices now, then;
	struct state *saved;
};

static const struct op *op_at(const struct planner *p, unsigned int i)
{
	return &p->s->ops[i];
}

/* Is the map of an input that is not in the SPM worth loading whole? */
static void add_reloads(struct planner *p, struct group *g)
{
	struct fmap *list[3 * CASCADE_MAX];

	g->n_reload = 0;
	g->reload = list;
	for (unsigned int k = 0; k < g->n; k++) {
		const struct op *op = op_at(p, g->first + k);

		for (unsigned int i = 0; i < op->n_in; i++) {
			struct fmap *t = op->in[i].t;

			if ((t->resident && !in_maps(g->evict, g->n_evict, t)) ||
			    group_is_local(g, t) || in_maps(list, g->n_reload, t))
				continue;
			if (group_wants_whole(p->s, g, t) ||
			    (t->last_op >= g->first + g->n &&
			     map_whole_bytes(t) <= p->t.budget / 4))
				list[g->n_reload++] = t;
		}
	}
	g->reload = fx_graph_alloc(p->s->g, (g->n_reload + 1) *
				   sizeof(*g->reload));
	memcpy(g->reload, list, g->n_reload * sizeof(*list));
}

static void try_group(struct planner *p, struct group g, uint64_t extra,
		      struct choices *list)
{
	uint64_t cost;

	if (list->n == CHOICES_MAX)
		return;
	add_reloads(p, &g);
	if (!group_fit(&p->t, &g, &cost))
		return;
	cost += extra;
	for (unsigned int i = 0; i < g.n_reload; i++)
		cost += map_whole_bytes(g.reload[i]) / DMA_BYTES / 2;
	list->v[list->n++] = (struct choice){ g, cost };
	list->least = cost < list->least ? cost : list->least;
}

/* Can the result of @op stay? Not if parts of it are in memory already. */
static bool may_stay(const struct op *op)
{
	return op->out.t && (op->out.t->resident || !op->out.t->spill);
}

static bool must_stay(const struct planner *p, const struct group *g)
{
	const struct op *last = op_at(p, g->first + g->n - 1);

	return last->out.t && (last->out.t->resident ||
			       group_wants_whole(p->s, g, last->out.t));
}

static void try_lengths(struct planner *p, struct group g, unsigned int max,
			uint64_t extra, struct choices *list)
{
	for (g.n = 1; g.n <= max && g.first + g.n <= p->s->n_ops; g.n++) {
		const struct op *last = op_at(p, g.first + g.n - 1);

		for (int stream = 0; stream < (g.n == 1 ? 2 : 1); stream++) {
			g.stream_weights = stream;
			g.resident_out = last->out.t && may_stay(last);
			try_group(p, g, extra, list);
			if (!last->out.t || must_stay(p, &g))
				continue;
			g.resident_out = false;
			try_group(p, g, extra, list);
		}
		if (list->n && !list->least)
			return;
	}
}

/* When is @t needed next? The operation's index, or ~0. */
static unsigned int next_use(const struct planner *p, const struct fmap *t,
			     unsigned int from)
{
	for (unsigned int i = from; i < p->s->n_ops && i <= t->last_op; i++)
		if (op_touches(op_at(p, i), t))
			return i;
	return ~0u;
}

/* Evicts the resident map that is needed last, if not by operation @first. */
static bool evict_one(struct planner *p, struct group *g, uint64_t *cost)
{
	struct fmap *victim = NULL, **list;
	unsigned int latest = g->first;

	for (unsigned int i = 0; i < p->s->n_maps; i++) {
		struct fmap *t = p->s->maps[i];
		unsigned int use;

		if (!t->resident || in_maps(g->evict, g->n_evict, t))
			continue;
		use = next_use(p, t, g->first);
		if (use > latest) {
			latest = use;
			victim = t;
		}
	}
	if (!victim)
		return false;
	list = fx_graph_alloc(p->s->g, (g->n_evict + 1) * sizeof(*list));
	if (g->n_evict)
		memcpy(list, g->evict, g->n_evict * sizeof(*list));
	list[g->n_evict++] = victim;
	g->evict = list;
	*cost += map_whole_bytes(victim) / DMA_BYTES / 2 *
		 (victim->home.kind == HOME_NONE ? 2 : 1);
	return true;
}

/* Where spilled map @t goes: in scratch, as the SPM holds it. */
static void give_home(struct planner *p, struct fmap *t)
{
	if (t->home.kind != HOME_NONE)
		return;
	t->home = (struct home){ .kind = HOME_BLOCKED,
				 .region = REGION_SCRATCH };
	t->spill = true;
}

/* The state of all maps after group @g. */
static void settle(struct planner *p, const struct group *g)
{
	const struct op *last = op_at(p, g->first + g->n - 1);

	for (unsigned int i = 0; i < g->n_evict; i++) {
		g->evict[i]->resident = false;
		give_home(p, g->evict[i]);
	}
	for (unsigned int i = 0; i < g->n_reload; i++)
		g->reload[i]->resident = true;
	for (unsigned int k = 0; g->rolling && k < g->n; k++)
		op_at(p, g->first + k)->out.t->resident = true;
	if (last->out.t) {
		last->out.t->resident = g->resident_out;
		if (!g->resident_out)
			give_home(p, last->out.t);
	}
	for (unsigned int i = 0; i < p->s->n_maps; i++)
		if (p->s->maps[i]->last_op < g->first + g->n)
			p->s->maps[i]->resident = false;
}

/* All the ways to go on from operation @first, the obvious ones first. */
static void list_choices(struct planner *p, unsigned int first,
			 struct choices *list)
{
	list->n = 0;
	list->least = UINT64_MAX;
	for (p->t.buffers = 2; p->t.buffers && !list->n; p->t.buffers--) {
		struct group g = { .first = first };
		uint64_t extra = 0;

		try_lengths(p, g, CASCADE_MAX, 0, list);
		while (evict_one(p, &g, &extra) && extra < list->least)
			try_lengths(p, g, list->n ? 4 : CASCADE_MAX, extra,
				    list);
	}
}

static const struct choice *cheapest(const struct choices *list)
{
	for (unsigned int i = 0; i < list->n; i++)
		if (list->v[i].cost == list->least)
			return &list->v[i];
	return NULL;
}

static void save(const struct planner *p, struct state *to)
{
	for (unsigned int i = 0; i < p->s->n_maps; i++) {
		const struct fmap *t = p->s->maps[i];

		to[i] = (struct state){ t->resident, t->spill, t->home.kind };
	}
}

static void restore(struct planner *p, const struct state *from)
{
	for (unsigned int i = 0; i < p->s->n_maps; i++) {
		struct fmap *t = p->s->maps[i];

		t->resident = from[i].resident;
		t->spill = from[i].spill;
		t->home.kind = from[i].home;
	}
}

/* The cost of going on from @first to @until, taking the cheapest each time. */
static uint64_t greedy_cost(struct planner *p, unsigned int first,
			    unsigned int until, struct choices *list)
{
	uint64_t cost = 0;

	while (first < until) {
		const struct choice *c;

		list_choices(p, first, list);
		c = cheapest(list);
		if (!c)
			return UINT64_MAX / 2;
		cost += c->cost;
		settle(p, &c->g);
		first += c->g.n;
	}
	return cost;
}

/* Does all that is alive at some operation from @first on fit whole? */
static bool is_easy(const struct planner *p, unsigned int first,
		    unsigned int until)
{
	for (unsigned int k = first; k < until; k++) {
		const struct op *op = op_at(p, k);
		struct box all = op_result(op);
		uint64_t part, bytes = op_const_bytes(p->s, op, &all, &part);

		bytes = 2 * part < bytes ? 2 * part : bytes;
		for (unsigned int i = 0; i < p->s->n_maps; i++) {
			const struct fmap *t = p->s->maps[i];

			if (t->first_op <= k && k <= t->last_op &&
			    (t->written || op_touches(op, t)))
				bytes += map_whole_bytes(t);
		}
		if (bytes > p->t.budget)
			return false;
	}
	return true;
}

/*
 * The choice that is cheapest together with what follows: one that costs
 * nothing now may leave no room for the next.
 */
static int choose(struct planner *p, unsigned int first, struct group *ret)
{
	unsigned int until = first + LOOK_AHEAD < p->s->n_ops ?
			     first + LOOK_AHEAD : p->s->n_ops;
	const struct choice *best;
	uint64_t least = UINT64_MAX;

	list_choices(p, first, &p->now);
	best = cheapest(&p->now);
	if (!best)
		return -ENOSPC;
	*ret = best->g;
	if (p->now.n == 1 || is_easy(p, first, until))
		return 0;
	save(p, p->saved);
	for (unsigned int i = 0; i < p->now.n; i++) {
		const struct choice *c = &p->now.v[i];
		uint64_t cost = c->cost;

		if (cost >= least)
			continue;
		settle(p, &c->g);
		cost += greedy_cost(p, first + c->g.n, until, &p->then);
		restore(p, p->saved);
		if (cost < least) {
			least = cost;
			*ret = c->g;
		}
	}
	return 0;
}

/* Do the first rows of the result need only the first rows of @t? */
static bool needs_rows(const struct op *op, uint32_t rows, const struct fmap *t)
{
	struct box first = op_result(op);

	first.y1 = rows;
	for (unsigned int i = 0; i < op->n_in; i++) {
		struct box b = op_needs(op, &first, i);

		b = operand_box(&op->in[i], &b);
		if (op->in[i].t == t && b.y1 >= t->h)
			return false;
	}
	return true;
}

/* Rows of a map whose channels lie apart in memory come in short runs. */
static bool loads_well(const struct fmap *t, uint64_t pieces)
{
	return t->home.kind != HOME_STRIDED || t->home.sc < t->home.sx ||
	       (uint64_t)t->h * t->w / pieces >= RUN_BYTES;
}

/*
 * An operation that is done at once, but whose input is still in memory, is
 * cut into rows all the same: it begins when the first have come.
 */
static void stagger(struct planner *p, struct group *g)
{
	const struct op *op = op_at(p, g->first);
	struct box all = op_result(op);
	uint64_t bytes = 0, pieces;
	struct group cut = *g;

	if (g->n > 1 || g->tc < all.c1 || g->th < all.y1 || g->tw < all.x1 ||
	    !g->resident_out)
		return;
	cut.reload = fx_graph_alloc(p->s->g, op->n_in * sizeof(*cut.reload));
	cut.n_reload = 0;
	for (unsigned int i = 0; i < op->n_in; i++) {
		struct fmap *t = op->in[i].t;

		if ((t->resident && !in_maps(g->evict, g->n_evict, t)) ||
		    in_maps(cut.reload, cut.n_reload, t))
			continue;
		cut.reload[cut.n_reload++] = t;
		bytes += map_whole_bytes(t);
	}
	pieces = bytes / PIECE_BYTES;
	pieces = pieces < PIECES_MAX ? pieces : PIECES_MAX;
	pieces = pieces < all.y1 ? pieces : all.y1;
	if (pieces < 2)
		return;
	cut.th = fxq_div_up(all.y1, (uint32_t)pieces);
	for (unsigned int i = 0; i < cut.n_reload; i++)
		if (!needs_rows(op, cut.th, cut.reload[i]) ||
		    !loads_well(cut.reload[i], pieces))
			return;
	if (group_fits(&p->t, &cut))
		*g = cut;
}

/* A choice that costs nothing may roll on with what follows. */
static void roll(struct planner *p, struct group *g)
{
	uint64_t resident = 0;

	if (g->n > 1 || g->n_evict || !g->resident_out)
		return;
	for (unsigned int i = 0; i < p->s->n_maps; i++)
		if (p->s->maps[i]->resident)
			resident += map_whole_bytes(p->s->maps[i]);
	group_roll(p->s, p->t.budget, resident, g);
}

/* Which operations touch each map; a result that nobody reads is dropped. */
static void find_uses(struct segment *s)
{
	for (unsigned int i = 0; i < s->n_maps; i++) {
		struct fmap *t = s->maps[i];

		t->first_op = ~0u;
		t->last_op = 0;
		t->resident = false;
		if (t->spill)
			t->home.kind = HOME_NONE;
		t->spill = false;
	}
	for (unsigned int i = 0; i < s->n_ops; i++) {
		for (unsigned int k = 0; k <= s->ops[i].n_in; k++) {
			struct fmap *t = k < s->ops[i].n_in ?
					 s->ops[i].in[k].t : s->ops[i].out.t;

			if (!t)
				continue;
			t->first_op = t->first_op < i ? t->first_op : i;
			t->last_op = i;
		}
	}
}

int segment_plan(struct segment *s, uint64_t budget, uint64_t dma_part,
		 struct plan *ret_plan)
{
	struct planner *p = fx_graph_alloc(s->g, sizeof(*p));
	struct plan plan = { 0 };
	int ret;

	p->s = p->t.s = s;
	p->t.budget = budget;
	p->t.dma_part = dma_part;
	p->saved = fx_graph_alloc(s->g, (s->n_maps + 1) * sizeof(*p->saved));

	plan.groups = fx_graph_alloc(s->g, (s->n_ops + 1) *
				     sizeof(*plan.groups));
	find_uses(s);
	for (unsigned int i = 0; i < s->n_ops; i += plan.groups[plan.n++].n) {
		ret = choose(p, i, &plan.groups[plan.n]);
		if (ret) {
			s->node = s->ops[i].node;
			return ret;
		}
		stagger(p, &plan.groups[plan.n]);
		roll(p, &plan.groups[plan.n]);
		settle(p, &plan.groups[plan.n]);
	}
	for (unsigned int i = 0; i < s->n_maps; i++)
		if (s->maps[i]->spill)
			s->maps[i]->home.offset = space_buffer(&s->stream,
				&s->stream.scratch, map_whole_bytes(s->maps[i]));
	*ret_plan = plan;
	return 0;
}
