// SPDX-License-Identifier: MIT
/*
 * roll.c - operations of two engines that follow one another by rows
 *
 * A convolution and the pooling after it, both with room for their whole
 * results, need not wait for one another: when the first rows of one are there,
 * the other begins. Such operations become a group that is emitted in turns of
 * a few rows each. Nothing is done twice; the maps are the same.
 */
#include <string.h>

#include "plan.h"

#define ROLL_MAX	6	/* operations in a group */
#define TURNS		6	/* of each */
#define TURN_COST	40	/* cycles of one more descriptor */
#define LEAST_GAIN	400	/* cycles that are worth the descriptors */

/* Rows of the result that the first turn makes. */
static uint32_t first_rows(const struct op *op)
{
	uint32_t h = op_result(op).y1;

	return fxq_div_up(h, TURNS < h ? TURNS : h);
}

/* Is @op one that can be done row by row as its inputs come? */
static bool by_rows(const struct op *op)
{
	struct box first = op_result(op);

	if (!op->out.t || op->d.engine < FXQ_ENGINE_MX || first.y1 < 2 ||
	    op->out.t->spill || operand_is_flat(&op->out))
		return false;
	first.y1 = first_rows(op);
	for (unsigned int i = 0; i < op->n_in; i++) {
		struct box b = op_needs(op, &first, i);

		if (operand_is_flat(&op->in[i]) ||
		    (b.y1 >= op->in[i].h && op->in[i].h > 1))
			return false;
	}
	return true;
}

/* Does @op read a result of the group that ends before it? */
static bool continues(const struct segment *s, const struct group *g,
		      const struct op *op)
{
	for (unsigned int k = 0; k < g->n; k++)
		for (unsigned int i = 0; i < op->n_in; i++)
			if (s->ops[g->first + k].out.t == op->in[i].t)
				return true;
	return false;
}

/* Adds what @op reads and neither the SPM nor the group has; its bytes. */
static uint64_t add_reloads(const struct segment *s, struct group *g,
			    const struct op *op)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < op->n_in; i++) {
		struct fmap *t = op->in[i].t;
		struct group before = *g;

		before.n--;
		if (t->resident || in_maps(g->reload, g->n_reload, t) ||
		    continues(s, &before, &(struct op){ .n_in = 1,
				.in = { { .t = t } } }))
			continue;
		g->reload[g->n_reload++] = t;
		bytes += map_whole_bytes(t);
	}
	return bytes;
}

static uint64_t gain_of(const uint64_t *work, unsigned int n, uint32_t turns)
{
	uint64_t mx = work[FXQ_ENGINE_MX], vx = work[FXQ_ENGINE_VX];
	uint64_t less = mx < vx ? mx : vx;
	uint64_t price = less / turns + (uint64_t)turns * n * TURN_COST;

	return less > price ? less - price : 0;
}

bool group_roll(const struct segment *s, uint64_t budget, uint64_t resident,
		struct group *g)
{
	struct group r = { .first = g->first, .rolling = true,
			   .resident_out = true };
	uint64_t work[FXQ_ENGINE_COUNT] = { 0 }, bytes = resident, best = 0;

	r.reload = fx_graph_alloc(s->g, 3 * ROLL_MAX * sizeof(*r.reload));
	while (r.n < ROLL_MAX && r.first + r.n < s->n_ops) {
		const struct op *op = &s->ops[r.first + r.n];
		struct box all = op_result(op);
		uint64_t part, gain;

		if (!by_rows(op) || (r.n && !continues(s, &r, op)))
			break;
		r.n++;
		bytes += add_reloads(s, &r, op) +
			 op_const_bytes(s, op, &all, &part);
		if (!op->out.t->resident)
			bytes += map_whole_bytes(op->out.t);
		if (bytes > budget)
			break;
		work[op->d.engine] += op_cost(op, &all);
		r.th = first_rows(op);
		r.tw = all.x1;
		r.tc = all.c1;
		gain = gain_of(work, r.n, fxq_div_up(all.y1, r.th));
		if (gain < LEAST_GAIN || gain <= best)
			continue;
		best = gain;
		*g = r;
	}
	return best > 0;
}
