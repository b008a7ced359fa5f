// SPDX-License-Identifier: MIT
/*
 * embed_mmu.c - contexts, their page tables, and the bus they point into
 *
 * A mapping is a range of the bus and a range of the context's space, tied
 * together by page-table entries: 2 MiB ones where both ranges allow it. All
 * tables that a mapping needs are there before its first entry is written, so
 * a mapping is made whole or not at all. Tables stay until the context goes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "embed_priv.h"

#define BUS_FIRST	(1ull << 32)	/* so that no small number is one */
#define BUS_END		(1ull << 52)
#define CHUNK_TABLES	16		/* page tables allocated at a time */
#define LEVEL_BITS	9

/* A piece of memory for page tables, registered on the bus. */
struct embed_chunk {
	struct embed_chunk *next;
	uint8_t *tables;
	uint64_t bus;
	uint32_t used;
};

void embed_bus_init(struct fxq_embed *e)
{
	pthread_rwlock_init(&e->bus_lock, NULL);
	embed_space_init(&e->bus, BUS_FIRST, BUS_END);
}

int embed_bus_add(struct fxq_embed *e, struct embed_range *r)
{
	int ret;

	pthread_rwlock_wrlock(&e->bus_lock);
	ret = embed_space_add(&e->bus, r);
	pthread_rwlock_unlock(&e->bus_lock);
	return ret;
}

void embed_bus_remove(struct fxq_embed *e, uint64_t base)
{
	pthread_rwlock_wrlock(&e->bus_lock);
	embed_space_remove(&e->bus, base);
	pthread_rwlock_unlock(&e->bus_lock);
}

void *embed_bus(void *priv, uint64_t addr, uint64_t len, bool write)
{
	struct fxq_embed *e = priv;
	const struct embed_range *r;
	void *p = NULL;

	pthread_rwlock_rdlock(&e->bus_lock);
	r = embed_space_find(&e->bus, addr, len);
	if (r && (r->writable || !write))
		p = r->mem + (addr - r->base);
	pthread_rwlock_unlock(&e->bus_lock);
	return p;
}

static struct embed_chunk *add_chunk(struct fxq_embed *e, struct embed_ctx *c)
{
	struct embed_range r = { .size = CHUNK_TABLES * FXQ_PAGE_BYTES };
	struct embed_chunk *chunk = calloc(1, sizeof(*chunk));

	if (!chunk)
		return NULL;
	chunk->tables = aligned_alloc(FXQ_PAGE_BYTES, r.size);
	if (!chunk->tables)
		goto err_chunk;
	memset(chunk->tables, 0, r.size);
	r.mem = chunk->tables;
	if (embed_bus_add(e, &r))
		goto err_tables;
	chunk->bus = r.base;
	chunk->next = c->chunks;
	c->chunks = chunk;
	return chunk;

err_tables:
	free(chunk->tables);
err_chunk:
	free(chunk);
	return NULL;
}

/* An empty page table: its bus address, or 0. */
static uint64_t new_table(struct fxq_embed *e, struct embed_ctx *c)
{
	struct embed_chunk *chunk = c->chunks;

	if (!chunk || chunk->used == CHUNK_TABLES)
		chunk = add_chunk(e, c);
	return chunk ? chunk->bus + chunk->used++ * FXQ_PAGE_BYTES : 0;
}

static uint64_t *entry_at(struct fxq_embed *e, uint64_t table, uint64_t va,
			  int level)
{
	int shift = FXQ_PAGE_SHIFT + LEVEL_BITS * (FXQ_PT_LEVELS - 1 - level);
	uint64_t index = va >> shift & (FXQ_PT_ENTRIES - 1);

	return embed_bus(e, table + index * sizeof(uint64_t), sizeof(uint64_t),
			 false);
}

/* Pairs with the machine's acquire when it walks. */
static void write_entry(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/*
 * The entry that maps @va: of the second level if @large, else of the last,
 * for which the tables above are made. NULL: no memory for them.
 */
static uint64_t *find_entry(struct fxq_embed *e, struct embed_ctx *c,
			    uint64_t va, bool large)
{
	int last = large ? FXQ_PT_LEVELS - 2 : FXQ_PT_LEVELS - 1, level;
	uint64_t table = c->root;

	for (level = 0; level < last; level++) {
		uint64_t *entry = entry_at(e, table, va, level);

		if (!*entry) {
			uint64_t below = new_table(e, c);

			if (!below)
				return NULL;
			write_entry(entry, below | FXQ_PTE_VALID);
		}
		table = *entry & FXQ_PTE_ADDRESS;
	}
	return entry_at(e, table, va, last);
}

/*
 * Can [va, va + 2 MiB) be one page? Not where an earlier mapping left a table
 * of small ones. NULL in *@ret_entry: no memory.
 */
static bool use_large(struct fxq_embed *e, struct embed_ctx *c, uint64_t va,
		      uint64_t bus, uint64_t left, uint64_t **ret_entry)
{
	if ((va | bus) & (EMBED_LARGE_BYTES - 1) || left < EMBED_LARGE_BYTES)
		return false;
	*ret_entry = find_entry(e, c, va, true);
	return !*ret_entry || !**ret_entry || **ret_entry & FXQ_PTE_LEAF;
}

/*
 * Walks the pages of @r at @bus: writes their entries with @flags; or with
 * @flags 0 clears them; or with @prepare only makes the tables.
 */
static int each_page(struct fxq_embed *e, struct embed_ctx *c,
		     const struct embed_range *r, uint64_t bus, uint64_t flags,
		     bool prepare)
{
	uint64_t at = 0, *entry;

	while (at < r->size) {
		bool large = use_large(e, c, r->base + at, bus + at,
				       r->size - at, &entry);

		if (!large)
			entry = find_entry(e, c, r->base + at, false);
		if (!entry)
			return -ENOMEM;
		if (!prepare)
			write_entry(entry, flags ? (bus + at) | flags : 0);
		at += large ? EMBED_LARGE_BYTES : FXQ_PAGE_BYTES;
	}
	return 0;
}

/* Has the machine forget [first, last] of a context. */
static int invalidate(struct fxq_embed *e, uint32_t ctx, uint64_t first,
		      uint64_t last)
{
	const struct fxq_submit entry = {
		.kind = FXQ_SUBMIT_INVALIDATE,
		.context = ctx,
		.first = first,
		.last = last,
	};

	return embed_admin(e, &entry);
}

static struct embed_ctx *live_ctx(struct fxq_embed *e, uint32_t ctx)
{
	if (!ctx || ctx >= FXQ_CONTEXTS_MAX || !e->ctx[ctx].live)
		return NULL;
	return &e->ctx[ctx];
}

/* With e->admin held. */
static int map(struct fxq_embed *e, struct embed_ctx *c, void *mem,
	       uint64_t size, bool writable, uint64_t *ret_va)
{
	struct embed_range bus = { 0, size, mem, writable }, va = bus;
	uint64_t flags = FXQ_PTE_VALID | FXQ_PTE_LEAF;
	int ret;

	if (writable)
		flags |= FXQ_PTE_WRITABLE;
	ret = embed_bus_add(e, &bus);
	if (ret)
		return ret;
	ret = embed_space_add(&c->va, &va);
	if (ret)
		goto err_bus;
	ret = each_page(e, c, &va, bus.base, flags, true);
	if (ret)
		goto err_va;
	each_page(e, c, &va, bus.base, flags, false);
	*ret_va = va.base;
	return 0;

err_va:
	embed_space_remove(&c->va, va.base);
err_bus:
	embed_bus_remove(e, bus.base);
	return ret;
}

int fxq_embed_map(struct fxq_embed *e, uint32_t ctx, void *mem, uint64_t size,
		  bool writable, uint64_t *ret_va)
{
	struct embed_ctx *c;
	int ret = -EINVAL;

	if (!size || ((uintptr_t)mem | size) & EMBED_PAGE_MASK)
		return -EINVAL;
	if (size >> FXQ_VA_BITS)
		return -ENOSPC;
	pthread_mutex_lock(&e->admin);
	c = live_ctx(e, ctx);
	if (c)
		ret = map(e, c, mem, size, writable, ret_va);
	pthread_mutex_unlock(&e->admin);
	return ret;
}

/* The bus address of a mapped page, from its entry. */
static uint64_t bus_of(struct fxq_embed *e, struct embed_ctx *c, uint64_t va)
{
	uint64_t *entry = find_entry(e, c, va, true);

	if (!(*entry & FXQ_PTE_LEAF))
		entry = find_entry(e, c, va, false);
	return *entry & FXQ_PTE_ADDRESS;
}

/* With e->admin held. The caller's memory is its own again afterwards. */
static int unmap(struct fxq_embed *e, uint32_t ctx, uint64_t va)
{
	struct embed_ctx *c = live_ctx(e, ctx);
	const struct embed_range *found;
	struct embed_range r;
	uint64_t bus;
	int ret;

	if (!c)
		return -EINVAL;
	found = embed_space_find(&c->va, va, 1);
	if (!found || found->base != va || va == c->bind_va)
		return -EINVAL;
	r = *found;
	bus = bus_of(e, c, va);
	each_page(e, c, &r, bus, 0, false);
	ret = invalidate(e, ctx, va, va + r.size - 1);
	embed_space_remove(&c->va, va);
	embed_bus_remove(e, bus);
	return ret;
}

int fxq_embed_unmap(struct fxq_embed *e, uint32_t ctx, uint64_t va)
{
	int ret;

	pthread_mutex_lock(&e->admin);
	ret = unmap(e, ctx, va);
	pthread_mutex_unlock(&e->admin);
	return ret;
}

/* From here on runs are accepted, or no longer are. */
static void set_live(struct fxq_embed *e, uint32_t ctx, bool live)
{
	pthread_mutex_lock(&e->lock);
	e->ctx[ctx].live = live;
	pthread_mutex_unlock(&e->lock);
}

/* The machine reads the context table when a run begins. */
static void write_context(struct fxq_embed *e, uint32_t ctx, uint64_t root,
			  uint32_t flags)
{
	struct fxq_context_entry *entry = &e->contexts[ctx];

	__atomic_store_n(&entry->root, root, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->flags, flags, __ATOMIC_RELEASE);
}

void embed_ctx_drop(struct fxq_embed *e, struct embed_ctx *c)
{
	uint32_t i;

	for (i = 0; i < c->va.count; i++)
		embed_bus_remove(e, bus_of(e, c, c->va.range[i].base));
	while (c->chunks) {
		struct embed_chunk *chunk = c->chunks;

		c->chunks = chunk->next;
		embed_bus_remove(e, chunk->bus);
		free(chunk->tables);
		free(chunk);
	}
	embed_space_finish(&c->va);
	free(c->bind);
	*c = (struct embed_ctx){ 0 };
}

/* Binding tables are mapped read-only, in the context that uses them. */
static int prepare_ctx(struct fxq_embed *e, struct embed_ctx *c)
{
	uint64_t size = e->depth * EMBED_BIND_BYTES;
	int ret = -ENOMEM;

	size = (size + EMBED_PAGE_MASK) & ~EMBED_PAGE_MASK;
	embed_space_init(&c->va, FXQ_PAGE_BYTES, 1ull << FXQ_VA_BITS);
	c->root = new_table(e, c);
	c->bind = aligned_alloc(FXQ_PAGE_BYTES, size);
	if (!c->root || !c->bind)
		goto err_drop;
	memset(c->bind, 0, size);
	ret = map(e, c, c->bind, size, false, &c->bind_va);
	if (ret)
		goto err_drop;
	return 0;

err_drop:
	embed_ctx_drop(e, c);
	return ret;
}

int fxq_embed_ctx_create(struct fxq_embed *e, uint32_t *ret_ctx)
{
	uint32_t ctx = 1;
	int ret = -ENOSPC;

	pthread_mutex_lock(&e->admin);
	while (ctx < FXQ_CONTEXTS_MAX && e->ctx[ctx].live)
		ctx++;
	if (ctx < FXQ_CONTEXTS_MAX)
		ret = prepare_ctx(e, &e->ctx[ctx]);
	if (!ret) {
		write_context(e, ctx, e->ctx[ctx].root, FXQ_CONTEXT_ENABLED);
		set_live(e, ctx, true);
		*ret_ctx = ctx;
	}
	pthread_mutex_unlock(&e->admin);
	return ret;
}

void fxq_embed_ctx_destroy(struct fxq_embed *e, uint32_t ctx)
{
	struct fxq_submit stop = { .kind = FXQ_SUBMIT_STOP, .context = ctx };
	struct fxq_submit rearm = { .kind = FXQ_SUBMIT_REARM, .context = ctx };

	pthread_mutex_lock(&e->admin);
	if (live_ctx(e, ctx)) {
		set_live(e, ctx, false);
		embed_admin(e, &stop);
		write_context(e, ctx, 0, 0);
		invalidate(e, ctx, 0, ~0ull);
		embed_admin(e, &rearm);
		embed_ctx_drop(e, &e->ctx[ctx]);
	}
	pthread_mutex_unlock(&e->admin);
}
