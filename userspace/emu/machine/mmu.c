// SPDX-License-Identifier: MIT
/*
 * mmu.c - device addresses become host memory
 *
 * Three levels of page tables, walked through the host's bus, and a
 * direct-mapped buffer of translations seen valid, tagged by context. What
 * the walk refuses is never kept, so mapping needs no invalidation. Every
 * access the machine makes to a job's memory passes here; it happens on the
 * machine's thread, and so none is outstanding when an INVALIDATE is answered.
 */
#include <string.h>

#include "machine_priv.h"

#define PAGE_MASK	(FXQ_PAGE_BYTES - 1ull)
#define LARGE_MASK	((1ull << FXQ_LARGE_PAGE_SHIFT) - 1)
#define LEVEL_BITS	9
#define PTE_KNOWN	(FXQ_PTE_VALID | FXQ_PTE_WRITABLE | FXQ_PTE_LEAF | \
			 FXQ_PTE_ADDRESS)

static uint64_t tlb_tag(uint32_t context, uint64_t va)
{
	return (va >> FXQ_PAGE_SHIFT) << 8 | context;
}

static struct machine_tlb *tlb_slot(struct fxq_machine *m, uint64_t tag)
{
	uint64_t mix = (tag >> 8) ^ (tag & 0xff) * 0x9e5;

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

/* The page of @va: its bus address and whether it may be written. */
static uint32_t walk(struct fxq_machine *m, uint64_t va, uint64_t *page,
		     bool *writable)
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
	if (level == FXQ_PT_LEVELS - 2)
		*page |= va & LARGE_MASK & ~PAGE_MASK;
	*writable = pte & FXQ_PTE_WRITABLE;
	return FXQ_CAUSE_NONE;
}

/* Fills @slot for the page of @va, if there is one. */
static uint32_t tlb_fill(struct fxq_machine *m, struct machine_tlb *slot,
			 uint64_t tag, uint64_t va)
{
	uint64_t page;
	bool writable;
	uint32_t cause;
	uint8_t *host;

	if (va < FXQ_PAGE_BYTES || va >> FXQ_VA_BITS)
		return FXQ_CAUSE_PAGE_INVALID;
	cause = walk(m, va, &page, &writable);
	if (cause)
		return cause;
	host = m->host.bus(m->host.priv, page, FXQ_PAGE_BYTES, writable);
	if (!host)
		return FXQ_CAUSE_BUS;
	*slot = (struct machine_tlb){ tag, host, writable };
	return FXQ_CAUSE_NONE;
}

/* As machine_translate(), but says the cause instead of recording it. */
static uint8_t *look_up(struct fxq_machine *m, uint64_t va, bool write,
			uint32_t *cause)
{
	uint64_t tag = tlb_tag(m->run.entry.context, va);
	struct machine_tlb *slot = tlb_slot(m, tag);

	*cause = FXQ_CAUSE_NONE;
	if (slot->tag != tag)
		*cause = tlb_fill(m, slot, tag, va);
	if (!*cause && write && !slot->writable)
		*cause = FXQ_CAUSE_PAGE_WRITE;
	return *cause ? NULL : slot->host + (va & PAGE_MASK);
}

/* Pages that follow in host memory too are one piece. */
uint8_t *machine_translate(struct fxq_machine *m, uint64_t va, uint64_t *len,
			   bool write)
{
	uint64_t n = FXQ_PAGE_BYTES - (va & PAGE_MASK);
	uint32_t cause;
	uint8_t *host = look_up(m, va, write, &cause);

	if (!host) {
		m->run.outcome.cause = cause;
		m->run.outcome.address = va;
		return NULL;
	}
	while (n < *len && look_up(m, va + n, write, &cause) == host + n)
		n += FXQ_PAGE_BYTES;
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

void machine_invalidate(struct fxq_machine *m, uint32_t context,
			uint64_t first, uint64_t last)
{
	uint64_t lo = first >> FXQ_PAGE_SHIFT, hi = last >> FXQ_PAGE_SHIFT;
	uint32_t i;

	for (i = 0; i < MACHINE_TLB_ENTRIES; i++) {
		uint64_t tag = m->tlb[i].tag;

		if ((tag & 0xff) == context && tag >> 8 >= lo && tag >> 8 <= hi)
			m->tlb[i].tag = 0;
	}
}

void machine_forget(struct fxq_machine *m)
{
	memset(m->tlb, 0, MACHINE_TLB_ENTRIES * sizeof(*m->tlb));
}
