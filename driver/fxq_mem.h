/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_MEM_H
#define FXQ_MEM_H

#include <linux/dma-mapping.h>
#include <linux/scatterlist.h>

struct fxq_device;

/**
 * struct fxq_mem - the driver's own memory that the device reads
 * @fdev: whose
 * @size: bytes, whole pages
 * @vaddr: for the CPU
 * @sgt: for the device
 * @pages: behind both
 * @n_pages: of @pages
 */
struct fxq_mem {
	struct fxq_device *fdev;
	u64 size;
	void *vaddr;
	struct sg_table sgt;
	struct page **pages;
	unsigned int n_pages;
};

int fxq_mem_alloc(struct fxq_device *fdev, struct fxq_mem *mem, u64 size);
/* Makes what the CPU wrote visible to the device. */
static inline void fxq_mem_flush(struct fxq_mem *mem, struct device *dev)
{
	dma_sync_sgtable_for_device(dev, &mem->sgt, DMA_TO_DEVICE);
}

void fxq_mem_free(struct fxq_mem *mem);

#endif /* FXQ_MEM_H */
