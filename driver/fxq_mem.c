// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_mem.c - memory of the driver's own that the device reads
 *
 * Streams and binding tables are here: pages that no user can map, zeroed,
 * charged to whoever asked for them.
 */
#include <linux/dma-mapping.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <drm/drm_drv.h>

#include "fxq_device.h"
#include "fxq_mem.h"

static void free_pages_of(struct fxq_mem *mem)
{
	while (mem->n_pages)
		__free_page(mem->pages[--mem->n_pages]);
	kvfree(mem->pages);
}

static int alloc_pages_of(struct fxq_mem *mem)
{
	unsigned int n = mem->size >> PAGE_SHIFT;

	mem->pages = kvcalloc(n, sizeof(*mem->pages), GFP_KERNEL_ACCOUNT);
	if (!mem->pages)
		return -ENOMEM;
	while (mem->n_pages < n) {
		struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

		if (!page) {
			free_pages_of(mem);
			return -ENOMEM;
		}
		mem->pages[mem->n_pages++] = page;
	}
	return 0;
}

/**
 * fxq_mem_alloc - allocate and map for the device
 * @fdev: the device
 * @mem: to fill
 * @size: bytes, rounded up to pages
 *
 * Return: 0 or a negative errno.
 */
int fxq_mem_alloc(struct fxq_device *fdev, struct fxq_mem *mem, u64 size)
{
	int ret, cookie;

	*mem = (struct fxq_mem){ .fdev = fdev, .size = PAGE_ALIGN(size) };
	ret = alloc_pages_of(mem);
	if (ret)
		return ret;
	mem->vaddr = vmap(mem->pages, mem->n_pages, VM_MAP, PAGE_KERNEL);
	if (!mem->vaddr) {
		ret = -ENOMEM;
		goto free_pages;
	}
	ret = sg_alloc_table_from_pages(&mem->sgt, mem->pages, mem->n_pages, 0,
					mem->size, GFP_KERNEL_ACCOUNT);
	if (ret)
		goto unmap;
	ret = -ENODEV;
	if (!drm_dev_enter(&fdev->drm, &cookie))
		goto free_table;
	ret = dma_map_sgtable(fdev->drm.dev, &mem->sgt, DMA_TO_DEVICE, 0);
	drm_dev_exit(cookie);
	if (ret)
		goto free_table;
	return 0;

free_table:
	sg_free_table(&mem->sgt);
unmap:
	vunmap(mem->vaddr);
free_pages:
	free_pages_of(mem);
	mem->vaddr = NULL;
	return ret;
}

/**
 * fxq_mem_free - undo fxq_mem_alloc(); the device must have forgotten it
 * @mem: may be all zero
 */
void fxq_mem_free(struct fxq_mem *mem)
{
	if (!mem->vaddr)
		return;
	dma_unmap_sgtable(mem->fdev->drm.dev, &mem->sgt, DMA_TO_DEVICE, 0);
	sg_free_table(&mem->sgt);
	vunmap(mem->vaddr);
	free_pages_of(mem);
	mem->vaddr = NULL;
}
