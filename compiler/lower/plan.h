/* SPDX-License-Identifier: MIT */
/*
 * plan.h - trying groups of operations (group.c), for plan.c to choose from
 */
#ifndef FXQ_PLAN_H
#define FXQ_PLAN_H

#include "lower.h"

#define CASCADE_MAX	12	/* operations in a group */
#define DMA_BYTES	16	/* a cycle */

/* A map that a group touches, from its operation @first to @last. */
struct use {
	struct fmap *t;
	unsigned int first, last;
};

/*
 * struct trial - a group being tried
 * @budget: bytes that may be alive at once
 * @base: bytes that it leaves in place
 * @dma_part: one of so many cycles of DMA counts even if it is hidden
 * @buffers: 2, so that one tile or piece of weights is worked on while the
 *	     next is on its way; 1 where two do not fit
 */
struct trial {
	struct segment *s;
	uint64_t budget, base, dma_part;
	unsigned int buffers;
	struct box boxes[CASCADE_MAX];
	struct use uses[4 * CASCADE_MAX];
	unsigned int n_uses;
};

/* group.c */

uint64_t map_whole_bytes(const struct fmap *t);
bool in_maps(struct fmap *const *list, unsigned int n, const struct fmap *t);
bool op_touches(const struct op *op, const struct fmap *t);
/* Is @t born and gone within the group, never whole? */
bool group_is_local(const struct group *g, const struct fmap *t);
/* Does any operand of the group need its map whole in the SPM? */
bool group_wants_whole(const struct segment *s, const struct group *g,
		       const struct fmap *t);
/*
 * The largest tile that fits goes to @g, and the cycles beyond the
 * operations' own to *@ret_cost. False: it is no cascade, or nothing fits.
 */
bool group_fit(struct trial *p, struct group *g, uint64_t *ret_cost);
/* Does @g fit with the tile it has? */
bool group_fits(struct trial *p, struct group *g);

/* roll.c */

/*
 * If operations from g->first on gain by following one another by rows, @g
 * becomes the group of them. @resident: bytes of the maps that stay.
 */
bool group_roll(const struct segment *s, uint64_t budget, uint64_t resident,
		struct group *g);

#endif /* FXQ_PLAN_H */
