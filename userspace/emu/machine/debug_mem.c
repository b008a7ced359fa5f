// SPDX-License-Identifier: MIT
/*
 * debug_mem.c - do two strided transfers meet in memory?
 *
 * A transfer becomes a set in normal form: directions of one element are
 * dropped, negative strides turned around, strides sorted, and what is
 * contiguous joined into runs. Each run of the one set is then looked for in
 * the other, where at every level only the few steps that can reach it are
 * followed.
 */
#include "debug_mem.h"

static void sort_dims(struct debug_mem *s)
{
	int i, j;

	for (i = 1; i < s->dims; i++)
		for (j = i; j > 0 && s->stride[j] < s->stride[j - 1]; j--) {
			uint64_t n = s->n[j], stride = s->stride[j];

			s->n[j] = s->n[j - 1];
			s->stride[j] = s->stride[j - 1];
			s->n[j - 1] = n;
			s->stride[j - 1] = stride;
		}
}

/* Joins directions that continue a run without a gap. */
static void join_runs(struct debug_mem *s)
{
	int i, joined = 0;

	while (joined < s->dims && s->stride[joined] <= s->len) {
		s->len += (s->n[joined] - 1) * s->stride[joined];
		joined++;
	}
	s->dims -= joined;
	for (i = 0; i < s->dims; i++) {
		s->n[i] = s->n[i + joined];
		s->stride[i] = s->stride[i + joined];
	}
}

void debug_mem_init(struct debug_mem *s, const struct fxq_body_dma *b,
		    uint64_t region)
{
	int i;

	*s = (struct debug_mem){ .base = region + b->offset, .len = b->elem };
	for (i = 0; i < 4; i++) {
		int64_t stride = b->mem_stride[i];

		if (b->n[i] == 1 || !stride)
			continue;
		if (stride < 0) {
			s->base += (b->n[i] - 1) * stride;
			stride = -stride;
		}
		s->n[s->dims] = b->n[i];
		s->stride[s->dims++] = stride;
	}
	sort_dims(s);
	join_runs(s);
	s->reach[0] = s->len;
	for (i = 0; i < s->dims; i++)
		s->reach[i + 1] = s->reach[i] + (s->n[i] - 1) * s->stride[i];
}

/* Looks for [*lo, *hi) in the directions of @s below @dim, from @base on. */
static bool hits(const struct debug_mem *s, int dim, uint64_t base,
		 uint64_t *lo, uint64_t *hi)
{
	uint64_t reach = s->reach[dim], step, i = 0;

	if (base >= *hi || base + reach <= *lo)
		return false;
	if (!dim) {
		*lo = base > *lo ? base : *lo;
		*hi = base + reach < *hi ? base + reach : *hi;
		return true;
	}
	step = s->stride[dim - 1];
	reach = s->reach[dim - 1];
	if (base + reach <= *lo)
		i = (*lo - base - reach) / step + 1;
	for (; i < s->n[dim - 1] && base + i * step < *hi; i++)
		if (hits(s, dim - 1, base + i * step, lo, hi))
			return true;
	return false;
}

bool debug_mem_meet(const struct debug_mem *a, const struct debug_mem *b,
		    uint64_t *lo, uint64_t *hi)
{
	uint64_t at[4] = { 0 }, run;
	int i;

	if (a->base >= b->base + b->reach[b->dims] ||
	    b->base >= a->base + a->reach[a->dims])
		return false;
	for (;;) {
		run = a->base;
		for (i = 0; i < a->dims; i++)
			run += at[i] * a->stride[i];
		*lo = run;
		*hi = run + a->len;
		if (hits(b, b->dims, b->base, lo, hi))
			return true;
		for (i = 0; i < a->dims && ++at[i] == a->n[i]; i++)
			at[i] = 0;
		if (i == a->dims)
			return false;
	}
}
