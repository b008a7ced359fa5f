// SPDX-License-Identifier: MIT
/*
 * mmu.c - device addresses become host memory
 *
 * Three levels of page tables, walked through the host's bus, and for each
 * page size a direct-mapped buffer of translations seen valid, tagged by
 * context. What the walk refuses is never kept, so mapping needs no
 * invalidation. Every access the machine makes to a job's memory passes here;
 * it happens on the machine's thread, and so none is outstanding when an
 * INVALIDATE is answered.
 */
#include <string.h>

#include "machine_priv.h"

#define PAGE_MASK	(FXQ_PAGE_BYTES - 1ull)
#define LARGE_MASK	((1ull << FXQ_LARGE_PAGE_SHIFT) - 1)
#define LEVEL_BITS	9
#define PTE_KNOWN	(FXQ_PTE_VALID | FXQ_PTE_WRITABLE | FXQ_PTE_LEAF | \
			 FXQ_PTE_ADDRESS)

#define TAG_FILLED	(1ull << 63)	/* an empty slot's tag is 0 */

/*
 * Page number and context. Without TAG_FILLED, page 0 of context 0 would look
 * like an empty slot: the first 2 MiB are not kept whole, but are looked up.
 */
static uint64_t tlb_tag(uint32_t context, uint64_t va, int shift)
{
	return TAG_FILLED | va >> shift << 8 | context;
}

static uint32_t tag_context(uint64_t tag)
{
	return tag & 0xff;
}

static uint64_t tag_page(uint64_t tag)
{
	return (tag & ~TAG_FILLED) >> 8;
}

static struct machine_tlb *tlb_slot(struct fxq_machine *m, uint64_t tag,
				    int shift)
{
	uint64_t mix = tag_page(tag) ^ tag_context(tag) * 0x9e5;

	if (shift == FXQ_LARGE_PAGE_SHIFT)
		return &m->large[mix & (MACHINE_LARGE_ENTRIES - 1)];
	return &m->tlb[mix & (MACHINE_TLB_ENTRIES - 1)];
}

static uint32_t index_at(uint64_t va, int level)
{
	int shift = FXQ_PAGE_SHIFT + LEVEL_BITS * (FXQ_PT_LEVELS - 1 - level);

	return va >> shift & (FXQ_PT_ENTRIES - 1);
}

/*
 * Is @pte one that level @level may hold? Pages are of 4 KiB and, one level
 * up, of 2 MiB; WRITABLE says something of a page, not of a table.
 */
static bool pte_is_clean(uint64_t pte, int level)
{
	bool leaf = pte & FXQ_PTE_LEAF;

	if (pte & ~PTE_KNOWN)
		return false;
	if (!leaf)
		return level < FXQ_PT_LEVELS - 1 && !(pte & FXQ_PTE_WRITABLE);
	if (level == FXQ_PT_LEVELS - 1)
		return true;
	return level == FXQ_PT_LEVELS - 2 && !(pte & LARGE_MASK & ~PAGE_MASK);
}

/* The page of @va: its bus address, its size, whether it may be written. */
static uint32_t walk(struct fxq_machine *m, uint64_t va, uint64_t *page,
		     int *shift, bool *writable)
{
	uint64_t table = m->run.root, pte;
	int level;

	for (level = 0; level < FXQ_PT_LEVELS; level++) {
		const uint64_t *entry = m->host.bus(m->host.priv,
			table + index_at(va, level) * sizeof(pte),
			sizeof(pte), false);

		if (!entry)
			return FXQ_CAUSE_BUS;
		/* Pairs with the driver's release when it writes an entry. */
		pte = __atomic_load_n(entry, __ATOMIC_ACQUIRE);
		if (!(pte & FXQ_PTE_VALID))
			return FXQ_CAUSE_PAGE_INVALID;
		if (!pte_is_clean(pte, level))
			return FXQ_CAUSE_PAGE_ENTRY;
		table = pte & FXQ_PTE_ADDRESS;
		if (pte & FXQ_PTE_LEAF)
			break;
	}
	*page = table;
	*shift = level == FXQ_PT_LEVELS - 2 ? FXQ_LARGE_PAGE_SHIFT :
		 FXQ_PAGE_SHIFT;
	*writable = pte & FXQ_PTE_WRITABLE;
	return FXQ_CAUSE_NONE;
}

/* Keeps the page of 1 << @shift bytes at @page, if it is one piece. */
static const struct machine_tlb *keep(struct fxq_machine *m, uint64_t va,
				      uint64_t page, int shift, bool writable)
{
	uint64_t tag = tlb_tag(m->run.entry.context, va, shift);
	struct machine_tlb *slot = tlb_slot(m, tag, shift);
	uint64_t bytes = 1ull << shift;
	uint8_t *host = m->host.bus(m->host.priv, page, bytes, writable);

	if (!host)
		return NULL;
	*slot = (struct machine_tlb){ tag, host, bytes - 1, writable };
	return slot;
}

/*
 * Walks the tables for @va. A large page is kept whole where the bus has it
 * in one piece, but for the first, which has the page that is never mapped.
 */
static const struct machine_tlb *fill(struct fxq_machine *m, uint64_t va,
				      uint32_t *cause)
{
	const struct machine_tlb *t = NULL;
	bool writable;
	uint64_t page;
	int shift;

	*cause = FXQ_CAUSE_PAGE_INVALID;
	if (va < FXQ_PAGE_BYTES || va >> FXQ_VA_BITS)
		return NULL;
	*cause = walk(m, va, &page, &shift, &writable);
	if (*cause)
		return NULL;
	if (shift == FXQ_LARGE_PAGE_SHIFT) {
		if (va > LARGE_MASK)
			t = keep(m, va, page, shift, writable);
		page |= va & LARGE_MASK & ~PAGE_MASK;
	}
	if (!t)
		t = keep(m, va, page, FXQ_PAGE_SHIFT, writable);
	if (!t)
		*cause = FXQ_CAUSE_BUS;
	return t;
}

static const struct machine_tlb *hit(struct fxq_machine *m, uint64_t va,
				     int shift)
{
	uint64_t tag = tlb_tag(m->run.entry.context, va, shift);
	const struct machine_tlb *t = tlb_slot(m, tag, shift);

	return t->tag == tag ? t : NULL;
}

/* Host memory at @va and *@left bytes to the end of its page; or *@cause. */
static uint8_t *look_up(struct fxq_machine *m, uint64_t va, bool write,
			uint64_t *left, uint32_t *cause)
{
	const struct machine_tlb *t = hit(m, va, FXQ_LARGE_PAGE_SHIFT);

	*cause = FXQ_CAUSE_NONE;
	if (!t)
		t = hit(m, va, FXQ_PAGE_SHIFT);
	if (!t)
		t = fill(m, va, cause);
	if (!t)
		return NULL;
	if (write && !t->writable) {
		*cause = FXQ_CAUSE_PAGE_WRITE;
		return NULL;
	}
	*left = t->mask + 1 - (va & t->mask);
	return t->host + (va & t->mask);
}

/* Pages that follow in host memory too are one piece. */
uint8_t *machine_translate(struct fxq_machine *m, uint64_t va, uint64_t *len,
			   bool write)
{
	uint64_t n, left;
	uint32_t cause;
	uint8_t *host = look_up(m, va, write, &n, &cause);

	if (!host) {
		m->run.outcome.cause = cause;
		m->run.outcome.address = va;
		return NULL;
	}
	while (n < *len &&
	       look_up(m, va + n, write, &left, &cause) == host + n)
		n += left;
	*len = n < *len ? n : *len;
	return host;
}

uint32_t machine_fetch(struct fxq_machine *m, void *dst, uint64_t va,
		       uint64_t len)
{
	uint8_t *to = dst;

	while (len) {
		uint64_t n = len;
		const uint8_t *from = machine_translate(m, va, &n, false);

		if (!from)
			return m->run.outcome.cause;
		memcpy(to, from, n);
		to += n;
		va += n;
		len -= n;
	}
	return FXQ_CAUSE_NONE;
}

static void drop_range(struct machine_tlb *t, uint32_t entries, int shift,
		       uint32_t context, uint64_t first, uint64_t last)
{
	uint64_t lo = first >> shift, hi = last >> shift;
	uint32_t i;

	for (i = 0; i < entries; i++)
		if (tag_context(t[i].tag) == context &&
		    tag_page(t[i].tag) >= lo && tag_page(t[i].tag) <= hi)
			t[i].tag = 0;
}

void machine_invalidate(struct fxq_machine *m, uint32_t context,
			uint64_t first, uint64_t last)
{
	drop_range(m->tlb, MACHINE_TLB_ENTRIES, FXQ_PAGE_SHIFT, context, first,
		   last);
	drop_range(m->large, MACHINE_LARGE_ENTRIES, FXQ_LARGE_PAGE_SHIFT,
		   context, first, last);
}

void machine_forget(struct fxq_machine *m)
{
	memset(m->tlb, 0, sizeof(m->tlb));
	memset(m->large, 0, sizeof(m->large));
}
