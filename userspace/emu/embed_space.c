// SPDX-License-Identifier: MIT
/*
 * embed_space.c - which range stands where in an address space
 *
 * The embedded driver has two kinds: one bus, whose addresses are made up so
 * that nothing which is not registered can be named, and the 39-bit space of
 * each context. Ranges are few and change seldom, so a sorted array does:
 * looked up by bisection, filled first-fit, with an unused page after each
 * range that catches whoever runs over its end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "embed_priv.h"

void embed_space_init(struct embed_space *s, uint64_t lo, uint64_t hi)
{
	*s = (struct embed_space){ .lo = lo, .hi = hi };
}

void embed_space_finish(struct embed_space *s)
{
	free(s->range);
	*s = (struct embed_space){ 0 };
}

/* How many ranges begin at or below @addr. */
static uint32_t ranges_up_to(const struct embed_space *s, uint64_t addr)
{
	uint32_t lo = 0, hi = s->count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s->range[mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct embed_range *embed_space_find(const struct embed_space *s,
					   uint64_t addr, uint64_t len)
{
	uint32_t n = ranges_up_to(s, addr);
	const struct embed_range *r;

	if (!n)
		return NULL;
	r = &s->range[n - 1];
	if (addr - r->base >= r->size || len > r->size - (addr - r->base))
		return NULL;
	return r;
}

/* The first address from @from on that suits @r. */
static uint64_t suit(const struct embed_range *r, uint64_t from)
{
	uint64_t step = r->size >= EMBED_LARGE_BYTES ? EMBED_LARGE_BYTES :
			FXQ_PAGE_BYTES;
	uint64_t want = (uintptr_t)r->mem & (step - 1);

	return from + ((want - from) & (step - 1));
}

static int make_room(struct embed_space *s)
{
	uint32_t capacity = s->capacity ? s->capacity * 2 : 16;
	struct embed_range *range;

	if (s->count < s->capacity)
		return 0;
	range = realloc(s->range, capacity * sizeof(*range));
	if (!range)
		return -ENOMEM;
	s->range = range;
	s->capacity = capacity;
	return 0;
}

int embed_space_add(struct embed_space *s, struct embed_range *r)
{
	uint64_t at = suit(r, s->lo), end;
	uint32_t i;

	if (make_room(s))
		return -ENOMEM;
	for (i = 0; i < s->count; i++) {
		const struct embed_range *next = &s->range[i];

		if (at < next->base &&
		    next->base - at >= r->size + FXQ_PAGE_BYTES)
			break;
		at = suit(r, next->base + next->size + FXQ_PAGE_BYTES);
	}
	end = at + r->size;
	if (end < at || end > s->hi)
		return -ENOSPC;
	memmove(&s->range[i + 1], &s->range[i],
		(s->count - i) * sizeof(s->range[0]));
	r->base = at;
	s->range[i] = *r;
	s->count++;
	return 0;
}

void embed_space_remove(struct embed_space *s, uint64_t base)
{
	uint32_t n = ranges_up_to(s, base);

	if (!n || s->range[n - 1].base != base)
		return;
	s->count--;
	memmove(&s->range[n - 1], &s->range[n],
		(s->count - (n - 1)) * sizeof(s->range[0]));
}
