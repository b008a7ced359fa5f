// SPDX-License-Identifier: MIT
/*
 * bo.c - memory: pages for devices, and the size of tensors in it
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "device.h"

#define HUGE_PAGE_BYTES	(2u << 20)


/* Bytes that a buffer of @size takes; 0 if there can be none such. */
static uint64_t room_of(uint64_t size)
{
	return size && size <= FXQ_PAGES_MAX ? fxq_align(size, FXQ_PAGE_BYTES) : 0;
}

void *fxq_pages_alloc(uint64_t size)
{
	uint64_t room = room_of(size), slack;
	bool huge = room >= HUGE_PAGE_BYTES;
	uint8_t *mem;

	if (!room)
		return NULL;
	slack = huge ? HUGE_PAGE_BYTES : 0;
	mem = mmap(NULL, room + slack, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return NULL;
	if (huge) {
		uint64_t before = -(uintptr_t)mem % HUGE_PAGE_BYTES;

		if (before)
			munmap(mem, before);
		munmap(mem + before + room, slack - before);
		mem += before;
		madvise(mem, room, MADV_HUGEPAGE);
	}
	return mem;
}

void fxq_pages_free(void *mem, uint64_t size)
{
	if (mem)
		munmap(mem, room_of(size));
}

struct fxq_bo {
	struct fxq_device *dev;
	struct memory memory;
};

static const struct {
	const char *name;
	uint8_t bytes;
} elements[FXQ_DTYPE_COUNT] = {
#define X(id, name, bytes) [FXQ_DTYPE_##id] = { name, bytes },
	FXQ_DTYPES(X)
#undef X
};

uint64_t fxq_element_bytes(uint32_t dtype)
{
	return dtype < FXQ_DTYPE_COUNT ? elements[dtype].bytes : 0;
}

const char *fxq_element_name(uint32_t dtype)
{
	return dtype < FXQ_DTYPE_COUNT ? elements[dtype].name : "unknown";
}

bool fxq_type_bytes(const struct fxq_tensor *t, uint64_t *ret)
{
	uint64_t bytes = fxq_element_bytes(t->dtype), nonzero = bytes;

	if (!bytes || t->rank > FXQ_MAX_RANK)
		return false;
	for (uint32_t i = 0; i < t->rank; i++) {
		uint64_t n = t->dims[i];

		/* A size of 0 must not hide that the others overflow. */
		if (t->dims[i] < 0 ||
		    __builtin_mul_overflow(nonzero, n ? n : 1, &nonzero) ||
		    nonzero > INT64_MAX)
			return false;
		bytes *= n;
	}
	*ret = bytes;
	return true;
}

bool fxq_same_shape(const struct fxq_tensor *a, const struct fxq_tensor *b)
{
	return a->dtype == b->dtype && a->rank == b->rank &&
	       a->rank <= FXQ_MAX_RANK &&
	       !memcmp(a->dims, b->dims, a->rank * sizeof(a->dims[0]));
}

FXQ_PUBLIC int fxq_bo_create(struct fxq_device *dev, uint64_t size,
			     uint32_t flags, struct fxq_bo **ret_bo)
{
	struct fxq_bo *bo;
	int ret;

	if (flags)
		return fxq_fail(-EINVAL,
				"buffer flags are 0x%x; this version knows none, pass 0",
				flags);
	if (!size)
		return fxq_fail(-EINVAL, "a buffer needs at least one byte");
	if (device_is_inherited(dev))
		return device_fail_inherited(dev);
	bo = calloc(1, sizeof(*bo));
	if (!bo)
		return fxq_fail_memory("a buffer");
	bo->dev = dev;
	bo->memory.size = size;
	ret = device_alloc(dev, &bo->memory);
	if (!ret) {
		*ret_bo = bo;
		return 0;
	}
	free(bo);
	if (ret == -ENODEV)
		return fxq_fail(ret, "%s", device_trouble(dev, ret));
	return fxq_fail(ret, "no memory for a buffer of %llu bytes",
			(unsigned long long)size);
}

FXQ_PUBLIC void *fxq_bo_map(struct fxq_bo *bo)
{
	return bo->memory.mem;
}

FXQ_PUBLIC uint64_t fxq_bo_size(const struct fxq_bo *bo)
{
	return bo->memory.size;
}

FXQ_PUBLIC void fxq_bo_destroy(struct fxq_bo *bo)
{
	if (!bo)
		return;
	device_free(bo->dev, &bo->memory);
	free(bo);
}
