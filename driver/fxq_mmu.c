// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_mmu.c - the page tables that the device walks
 *
 * Entries and nothing else: no device is touched here, so that what the tables
 * say can be tested without one. Tables are made when something is mapped below
 * them and stay until the space goes; an entry is written once it and all below
 * it are ready.
 */
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include <fxq/fxq_regs.h>

#include "fxq_mmu.h"

#define LEVEL_BITS	9
#define LEAF_LEVEL	(FXQ_PT_LEVELS - 1)
#define LARGE_LEVEL	(FXQ_PT_LEVELS - 2)

/**
 * struct fxq_table - a page of entries
 * @entry: as the device reads them
 * @bus: where it reads them
 * @child: tables that entries point to; NULL at the last level
 */
struct fxq_table {
	u64 *entry;
	u64 bus;
	struct fxq_table **child;
};

static struct fxq_table *table_new(struct fxq_mmu *mmu, int level)
{
	struct fxq_table *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (!t)
		return NULL;
	if (level < LEAF_LEVEL) {
		t->child = kcalloc(FXQ_PT_ENTRIES, sizeof(*t->child),
				   GFP_KERNEL_ACCOUNT);
		if (!t->child)
			goto free_table;
	}
	t->entry = mmu->ops->alloc(mmu->priv, &t->bus);
	if (!t->entry)
		goto free_child;
	return t;

free_child:
	kfree(t->child);
free_table:
	kfree(t);
	return NULL;
}

static void table_free(struct fxq_mmu *mmu, struct fxq_table *t)
{
	unsigned int i;

	if (!t)
		return;
	for (i = 0; t->child && i < FXQ_PT_ENTRIES; i++)
		table_free(mmu, t->child[i]);
	mmu->ops->free(mmu->priv, t->entry, t->bus);
	kfree(t->child);
	kfree(t);
}

/* Bits of an address below the entries of @level. */
static unsigned int shift_of(int level)
{
	return FXQ_PAGE_SHIFT + (LEAF_LEVEL - level) * LEVEL_BITS;
}

static unsigned int index_of(u64 va, int level)
{
	return (va >> shift_of(level)) & (FXQ_PT_ENTRIES - 1);
}

static struct fxq_table *table_below(struct fxq_mmu *mmu, struct fxq_table *t,
				     unsigned int i, int level)
{
	if (t->child[i])
		return t->child[i];
	t->child[i] = table_new(mmu, level + 1);
	if (t->child[i])
		WRITE_ONCE(t->entry[i], t->child[i]->bus | FXQ_PTE_VALID);
	return t->child[i];
}

/* May a large page begin at @va, which no small page was ever below? */
static bool is_large(const struct fxq_table *t, u64 va, u64 bus, u64 size)
{
	u64 large = 1ull << FXQ_LARGE_PAGE_SHIFT;

	return IS_ALIGNED(va | bus, large) && size >= large &&
	       !t->child[index_of(va, LARGE_LEVEL)];
}

/* Maps the first page of a range; returns its size, 0 without memory. */
static u64 map_page(struct fxq_mmu *mmu, u64 va, u64 bus, u64 size, u64 bits)
{
	struct fxq_table *t = mmu->root;
	int level;

	for (level = 0; level < LEAF_LEVEL; level++) {
		if (level == LARGE_LEVEL && is_large(t, va, bus, size))
			break;
		t = table_below(mmu, t, index_of(va, level), level);
		if (!t)
			return 0;
	}
	WRITE_ONCE(t->entry[index_of(va, level)], bus | bits);
	return 1ull << shift_of(level);
}

/* Clears the entry that @va is under; returns how far it reached. */
static u64 unmap_page(struct fxq_mmu *mmu, u64 va)
{
	struct fxq_table *t = mmu->root;
	int level = 0;

	while (t->child && t->child[index_of(va, level)])
		t = t->child[index_of(va, level++)];
	if (t->entry[index_of(va, level)] & FXQ_PTE_LEAF)
		WRITE_ONCE(t->entry[index_of(va, level)], 0);
	return 1ull << shift_of(level);
}

/**
 * fxq_mmu_init - make an empty address space
 * @mmu: to fill
 * @ops: where tables come from
 * @priv: handed to @ops
 *
 * Return: 0 or -ENOMEM.
 */
int fxq_mmu_init(struct fxq_mmu *mmu, const struct fxq_mmu_ops *ops,
		 void *priv)
{
	mmu->ops = ops;
	mmu->priv = priv;
	mmu->root = table_new(mmu, 0);
	return mmu->root ? 0 : -ENOMEM;
}

/**
 * fxq_mmu_fini - free all tables, which the device must have forgotten
 * @mmu: the space
 */
void fxq_mmu_fini(struct fxq_mmu *mmu)
{
	table_free(mmu, mmu->root);
	mmu->root = NULL;
}

/**
 * fxq_mmu_root - where the device begins to look
 * @mmu: the space
 *
 * Return: bus address of the top table.
 */
u64 fxq_mmu_root(const struct fxq_mmu *mmu)
{
	return mmu->root->bus;
}

/**
 * fxq_mmu_map - map a contiguous range of the bus
 * @mmu: the space
 * @va: first device address; nothing is mapped there
 * @bus: first bus address
 * @size: bytes; all three are multiples of FXQ_PAGE_BYTES
 * @writable: for the device
 *
 * The caller orders the entries before the run that uses them.
 *
 * Return: 0, or -ENOMEM with nothing mapped.
 */
int fxq_mmu_map(struct fxq_mmu *mmu, u64 va, u64 bus, u64 size, bool writable)
{
	u64 bits = FXQ_PTE_VALID | FXQ_PTE_LEAF |
		   (writable ? FXQ_PTE_WRITABLE : 0);
	u64 done, page;

	for (done = 0; done < size; done += page) {
		page = map_page(mmu, va + done, bus + done, size - done, bits);
		if (!page) {
			fxq_mmu_unmap(mmu, va, done);
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * fxq_mmu_unmap - clear the entries of a range
 * @mmu: the space
 * @va: first device address
 * @size: bytes, of whole mappings
 *
 * The pages are the device's until an INVALIDATE has completed.
 */
void fxq_mmu_unmap(struct fxq_mmu *mmu, u64 va, u64 size)
{
	u64 end = va + size;

	while (va < end) {
		u64 reach = unmap_page(mmu, va);

		va = ALIGN_DOWN(va + reach, reach);
	}
}
