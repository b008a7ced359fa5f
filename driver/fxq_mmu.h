/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_MMU_H
#define FXQ_MMU_H

#include <linux/types.h>

struct fxq_table;

/**
 * struct fxq_mmu_ops - memory for page tables
 * @alloc: a zeroed page of entries that the device can read, and its bus
 *	   address; NULL if there is none
 * @free: gives it back
 */
struct fxq_mmu_ops {
	u64 *(*alloc)(void *priv, u64 *bus);
	void (*free)(void *priv, u64 *entry, u64 bus);
};

/**
 * struct fxq_mmu - the page tables of an address space
 * @ops: where tables come from
 * @priv: handed to @ops
 * @root: the top table
 *
 * The caller sees to it that no two calls change one space at a time.
 */
struct fxq_mmu {
	const struct fxq_mmu_ops *ops;
	void *priv;
	struct fxq_table *root;
};

int fxq_mmu_init(struct fxq_mmu *mmu, const struct fxq_mmu_ops *ops,
		 void *priv);
void fxq_mmu_fini(struct fxq_mmu *mmu);
u64 fxq_mmu_root(const struct fxq_mmu *mmu);
int fxq_mmu_map(struct fxq_mmu *mmu, u64 va, u64 bus, u64 size, bool writable);
void fxq_mmu_unmap(struct fxq_mmu *mmu, u64 va, u64 size);

#endif /* FXQ_MMU_H */
