// SPDX-License-Identifier: MIT
/*
 * plan_print.c - what was planned, in words, for the compiler's listing
 */
#include "plan.h"

static void print_maps(FILE *to, const char *what, struct fmap *const *maps,
		       unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		fprintf(to, "%s%s", i ? ", " : what, maps[i]->name);
}

static void print_group(FILE *to, const struct segment *s,
			const struct group *g)
{
	const struct op *last = &s->ops[g->first + g->n - 1];
	struct box all = op_result(last);

	fprintf(to, "  ");
	for (unsigned int k = 0; k < g->n; k++) {
		const struct op *op = &s->ops[g->first + k];

		fprintf(to, "%s%s(%s)", k ? " -> " : "",
			fxq_op_name(op->d.opcode), op->node->name);
	}
	fprintf(to, " %ux%ux%u", all.y1, all.x1, all.c1);
	if (g->tc < all.c1 || g->th < all.y1 || g->tw < all.x1)
		fprintf(to, " in tiles of %ux%ux%u", g->th, g->tw, g->tc);
	if (g->rolling)
		fprintf(to, " in turns");
	if (g->stream_weights)
		fprintf(to, ", weights again for each tile");
	if (last->out.t)
		fprintf(to, g->resident_out ? ", kept" : ", spilled");
	print_maps(to, ", loads ", g->reload, g->n_reload);
	print_maps(to, ", drops ", g->evict, g->n_evict);
	fputc('\n', to);
}

void plan_print(FILE *to, const struct segment *s, const struct plan *p)
{
	for (unsigned int i = 0; i < p->n; i++)
		print_group(to, s, &p->groups[i]);
}
