// SPDX-License-Identifier: MIT
/*
 * alloc.c - addresses for buffers whose lifetimes are known
 *
 * Buffers alive at once do not overlap; each takes the lowest gap that holds
 * it, the large ones first. Afterwards a buffer may be made to live longer,
 * where it is or, if that is in somebody's way, elsewhere: so loads are given
 * their head start once everybody has an address.
 */
#include <errno.h>
#include <stdlib.h>

#include "lower.h"

#define SPAN	32	/* times in a bucket */

/* The buffers that have an address and are alive some time in a bucket. */
struct bucket {
	struct buffer **list;
	uint32_t n, room;
};

static bool bucket_add(struct bucket *k, struct buffer *b)
{
	if (k->n == k->room) {
		uint32_t room = 2 * k->room + 8;
		struct buffer **more = realloc(k->list, room * sizeof(*more));

		if (!more)
			return false;
		k->list = more;
		k->room = room;
	}
	k->list[k->n++] = b;
	return true;
}

int alloc_init(struct alloc *a, uint32_t n_times, uint32_t n_buffers,
	       uint64_t limit)
{
	*a = (struct alloc){ .limit = limit, .n_buckets = n_times / SPAN + 1 };
	a->buckets = calloc(a->n_buckets, sizeof(*a->buckets));
	a->alive = calloc(n_buffers + 1ull, sizeof(*a->alive));
	return a->buckets && a->alive ? 0 : -ENOMEM;
}

void alloc_finish(struct alloc *a)
{
	for (uint32_t i = 0; a->buckets && i < a->n_buckets; i++)
		free(a->buckets[i].list);
	free(a->buckets);
	free(a->alive);
}

static int by_address(const void *a, const void *b)
{
	const struct buffer *x = *(const struct buffer *const *)a;
	const struct buffer *y = *(const struct buffer *const *)b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->base < y->base ? -1 : x->base > y->base;
}

/* Others alive at some time from @first to @last, each once, by address. */
static uint32_t find_alive(struct alloc *a, const struct buffer *b,
			   uint32_t first, uint32_t last)
{
	uint32_t n = 0;

	a->stamp++;
	for (uint32_t k = first / SPAN; k <= last / SPAN; k++) {
		for (uint32_t i = 0; i < a->buckets[k].n; i++) {
			struct buffer *o = a->buckets[k].list[i];

			if (o == b || o->stamp == a->stamp ||
			    o->first > last || o->last < first)
				continue;
			o->stamp = a->stamp;
			a->alive[n++] = o;
		}
	}
	qsort(a->alive, n, sizeof(*a->alive), by_address);
	return n;
}

/* The lowest gap for @b among those alive from @first to @last. */
static bool find_gap(struct alloc *a, const struct buffer *b, uint32_t first,
		     uint32_t last, uint64_t *ret_at)
{
	uint32_t n = find_alive(a, b, first, last);
	uint64_t at = 0;

	for (uint32_t i = 0; i < n && a->alive[i]->at < at + b->size; i++)
		if (a->alive[i]->at + a->alive[i]->size > at)
			at = a->alive[i]->at + a->alive[i]->size;
	*ret_at = at;
	return at + b->size <= a->limit;
}

static bool add_to_buckets(struct alloc *a, struct buffer *b, uint32_t from,
			   uint32_t to)
{
	for (uint32_t k = from; k < to; k++)
		if (!bucket_add(&a->buckets[k], b))
			return false;
	return true;
}

bool alloc_put(struct alloc *a, struct buffer *b)
{
	if (!find_gap(a, b, b->first, b->last, &b->at))
		return false;
	if (b->at + b->size > a->end)
		a->end = b->at + b->size;
	return add_to_buckets(a, b, b->first / SPAN, b->last / SPAN + 1);
}

bool alloc_extend(struct alloc *a, struct buffer *b, uint32_t first)
{
	uint32_t old = b->first / SPAN;
	uint64_t at;

	if (!find_gap(a, b, first, b->last, &at) ||
	    !add_to_buckets(a, b, first / SPAN, old))
		return false;
	b->first = first;
	b->at = at;
	return true;
}

/* Large buffers first; of equal ones, the earlier. */
static int by_size(const void *a, const void *b)
{
	const struct buffer *x = *(const struct buffer *const *)a;
	const struct buffer *y = *(const struct buffer *const *)b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return x->base < y->base ? -1 : x->base > y->base;
}

static int by_start(const void *a, const void *b)
{
	const struct buffer *x = *(const struct buffer *const *)a;
	const struct buffer *y = *(const struct buffer *const *)b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->base < y->base ? -1 : x->base > y->base;
}

static bool put_all(struct alloc *a, struct buffer **order, uint32_t n)
{
	for (uint32_t i = 0; i < a->n_buckets; i++)
		a->buckets[i].n = 0;
	a->end = 0;
	for (uint32_t i = 0; i < n; i++)
		if (!alloc_put(a, order[i]))
			return false;
	return true;
}

int alloc_all(struct alloc *a, struct space *sp)
{
	struct buffer **order = malloc((sp->n + 1ull) * sizeof(*order));
	uint32_t n = 0;
	bool fits;

	if (!order)
		return -ENOMEM;
	a->stamp = 0;
	for (uint32_t i = 0; i < sp->n; i++) {
		sp->bufs[i].stamp = 0;	/* of another allocation */
		if (sp->bufs[i].used)
			order[n++] = &sp->bufs[i];
	}
	qsort(order, n, sizeof(*order), by_size);
	fits = put_all(a, order, n);
	if (!fits) {
		qsort(order, n, sizeof(*order), by_start);
		fits = put_all(a, order, n);
	}
	free(order);
	return fits ? 0 : -ENOSPC;
}
