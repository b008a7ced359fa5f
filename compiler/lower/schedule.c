// SPDX-License-Identifier: MIT
/*
 * schedule.c - loads move up in the stream to where they are hidden
 *
 * Emission puts each load before its first use. LD runs ahead of the other
 * engines as far as waits let it, and a load can wait for no more than what
 * stands before it, so the earlier it stands, the earlier it may start, and
 * the longer it takes up scratchpad. From the last load back, each gets the
 * latest start at which its data still come in time, given that the bus takes
 * one at a time; then, when all buffers have addresses, each load in turn moves
 * up to that start, as far as an address can be found for its longer life.
 * Weights are so loaded several operations ahead.
 */
#include <errno.h>
#include <stdlib.h>

#include <fxq/fxq_cost.h>

#include "lower.h"

#define MARGIN	600	/* cycles: latency, issue, and some to spare */

/*
 * Slots are the descriptors of the other engines, in order; a load stands
 * before slot @at, and stood before slot @from when it was emitted.
 */
struct load {
	uint32_t desc;
	uint32_t from, at, earliest;
	uint64_t work;
	int64_t start;
	struct buffer *buf;
};

struct scheduler {
	struct stream *s;
	uint32_t n_slots, n_loads;
	uint32_t *slot;			/* descriptor of each */
	uint64_t *begin;		/* of each slot, if nothing stalls */
	uint64_t *stores;		/* bus cycles of STORE before each */
	struct load *loads;
};

static bool is_load(const struct fxq_desc *d)
{
	return d->engine == FXQ_ENGINE_LD;
}

static void scheduler_finish(struct scheduler *c)
{
	free(c->slot);
	free(c->begin);
	free(c->stores);
	free(c->loads);
}

static int scheduler_init(struct scheduler *c, struct stream *s)
{
	size_t n = s->n + 2ull;

	*c = (struct scheduler){ .s = s };
	c->slot = calloc(n, sizeof(*c->slot));
	c->begin = calloc(n, sizeof(*c->begin));
	c->stores = calloc(n, sizeof(*c->stores));
	c->loads = calloc(n, sizeof(*c->loads));
	if (!c->slot || !c->begin || !c->stores || !c->loads)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n; i++) {
		const struct fxq_desc *d = &s->d[i];
		uint64_t work = fxq_cost_work(d);
		uint32_t k = c->n_slots;

		if (is_load(d)) {
			c->loads[c->n_loads++] = (struct load){
				.desc = i, .from = k, .at = k, .work = work,
				.buf = space_find(&s->spm, d->dma.spm) };
			continue;
		}
		c->slot[c->n_slots++] = i;
		c->begin[k + 1] = c->begin[k];
		c->stores[k + 1] = c->stores[k];
		if (d->engine == FXQ_ENGINE_ST)
			c->stores[k + 1] += work;
		else
			c->begin[k + 1] += work + FXQ_COST_ISSUE;
	}
	return 0;
}

static void use_buffer(struct buffer *b, uint32_t slot)
{
	if (!b->used)
		b->first = slot;
	b->used = true;
	b->last = slot;
}

/* first and last of each buffer, counted in slots. */
static void find_lifetimes(struct scheduler *c)
{
	struct space *sp = &c->s->spm;
	uint32_t *field[8], load = 0;

	for (uint32_t i = 0; i < sp->n; i++)
		sp->bufs[i].used = false;
	for (uint32_t k = 0; k <= c->n_slots; k++) {
		for (; load < c->n_loads && c->loads[load].from == k; load++) {
			struct load *l = &c->loads[load];

			/* After another engine used it, it stays behind. */
			l->earliest = l->buf->used && l->buf->last < k ?
				      l->buf->last + 1 : 0;
			use_buffer(l->buf, k);
		}
		if (k == c->n_slots)
			break;
		for (unsigned int n = desc_addresses(&c->s->d[c->slot[k]],
						     field); n--;)
			use_buffer(space_find(sp, *field[n]), k);
	}
}

static bool memory_overlaps(const struct fxq_desc *a, const struct fxq_desc *b)
{
	__u64 alo, ahi, blo, bhi;

	return a->dma.region == b->dma.region &&
	       fxq_dma_extent(&a->dma, &alo, &ahi) &&
	       fxq_dma_extent(&b->dma, &blo, &bhi) && alo < bhi && blo < ahi;
}

/* A load of what the stream stores does not pass the store. */
static void find_stores(struct scheduler *c)
{
	for (uint32_t i = 0; i < c->n_loads; i++) {
		struct load *l = &c->loads[i];
		const struct fxq_desc *d = &c->s->d[l->desc];

		if (d->opcode != FXQ_OP_LOAD ||
		    d->dma.region == REGION_WEIGHTS)
			continue;
		for (uint32_t k = l->from; k-- > l->earliest;) {
			const struct fxq_desc *st = &c->s->d[c->slot[k]];

			if (st->opcode != FXQ_OP_STORE ||
			    !memory_overlaps(d, st))
				continue;
			l->earliest = k + 1;
			break;
		}
	}
}

/* The slot in which the data are used first. */
static uint32_t first_use(const struct scheduler *c, const struct load *l)
{
	uint32_t *field[8];

	for (uint32_t k = l->from; k < c->n_slots; k++)
		for (unsigned int n = desc_addresses(&c->s->d[c->slot[k]],
						     field); n--;)
			if (*field[n] - l->buf->base < l->buf->size)
				return k;
	return c->n_slots;
}

/* From the last back: when must each load start at the latest? */
static void find_starts(struct scheduler *c)
{
	int64_t bus = INT64_MAX;
	uint32_t after = c->n_slots;

	for (uint32_t i = c->n_loads; i-- > 0;) {
		struct load *l = &c->loads[i];
		int64_t need = (int64_t)c->begin[first_use(c, l)] - MARGIN;

		if (bus != INT64_MAX)
			bus -= (int64_t)(c->stores[after] - c->stores[l->from]);
		after = l->from;
		if (bus > need)
			bus = need;
		bus -= (int64_t)l->work + FXQ_COST_ISSUE;
		l->start = bus;
	}
}

/* The first slot in which @l may start, and need not start earlier. */
static uint32_t wanted(const struct scheduler *c, const struct load *l)
{
	uint32_t at = l->from;

	while (at > l->earliest && (int64_t)c->begin[at] > l->start)
		at--;
	return at;
}

/* Moves each load up to its start, as far as there are addresses for it. */
static void move_up(struct scheduler *c, struct alloc *a)
{
	for (uint32_t i = 0; i < c->n_loads; i++) {
		struct load *l = &c->loads[i];
		struct buffer *b = l->buf;
		uint32_t lo = wanted(c, l), hi = l->from;

		if (lo >= b->first) {
			l->at = lo;
			continue;
		}
		hi = hi < b->first ? hi : b->first;
		while (lo < hi) {
			uint32_t mid = lo + (hi - lo) / 2;

			if (alloc_extend(a, b, mid))
				hi = mid;
			else
				lo = mid + 1;
		}
		l->at = hi;
	}
}

static int by_place(const void *a, const void *b)
{
	const struct load *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->desc < y->desc ? -1 : x->desc > y->desc;
}

static int rebuild(struct scheduler *c)
{
	struct stream *s = c->s;
	struct fxq_desc *d = malloc((s->n + 1ull) * sizeof(*d));
	uint32_t n = 0, load = 0;

	if (!d)
		return -ENOMEM;
	qsort(c->loads, c->n_loads, sizeof(*c->loads), by_place);
	for (uint32_t k = 0; k <= c->n_slots; k++) {
		while (load < c->n_loads && c->loads[load].at == k)
			d[n++] = s->d[c->loads[load++].desc];
		if (k < c->n_slots)
			d[n++] = s->d[c->slot[k]];
	}
	for (uint32_t i = 0; i < s->n; i++)
		s->d[i] = d[i];
	free(d);
	return 0;
}

int stream_schedule(struct stream *s, uint64_t limit)
{
	struct scheduler c;
	struct alloc a = { 0 };
	int ret;

	ret = scheduler_init(&c, s);
	if (!ret)
		ret = alloc_init(&a, c.n_slots + 1, s->spm.n, limit);
	if (!ret) {
		find_lifetimes(&c);
		ret = alloc_all(&a, &s->spm);
	}
	if (!ret) {
		find_stores(&c);
		find_starts(&c);
		move_up(&c, &a);
		ret = rebuild(&c);
	}
	alloc_finish(&a);
	scheduler_finish(&c);
	return ret;
}
