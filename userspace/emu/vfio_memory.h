/* SPDX-License-Identifier: MIT */
/*
 * vfio_memory.h - the guest's memory, as far as the client shares it
 *
 * Ranges of bus addresses backed by files that the client sent. The machine's
 * thread enters, looks up, uses and leaves; the thread that talks to the
 * client adds and removes, and waits for no more than one such visit.
 */
#ifndef FXQ_VFIO_MEMORY_H
#define FXQ_VFIO_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define VFIO_MAX_RANGES	1024

/* @host: NULL for memory that the client has and does not share. */
struct vfio_range {
	uint64_t base, size;
	uint8_t *host;
	bool writable;
};

/*
 * struct vfio_memory
 * @lock: protects what follows; read-held while the machine uses memory
 * @range: ascending, disjoint
 * @open: the function may master the bus; without, there is no memory
 * @changed: memory has gone since the machine last entered
 * @broken: the file behind a range became shorter: its bytes are lost. Set by
 *	    the machine's thread when it trips over it; atomic
 * @cut: the function is off the bus, whatever @open says; atomic
 * @wake: an eventfd, written when @broken is set
 */
struct vfio_memory {
	pthread_rwlock_t lock;
	struct vfio_range range[VFIO_MAX_RANGES];
	uint32_t count;
	bool open;
	bool changed;
	bool broken;
	bool cut;
	int wake;
};

int vfio_memory_init(struct vfio_memory *m);
void vfio_memory_finish(struct vfio_memory *m);

/*
 * Adds [addr, addr + size), from @offset of the file @fd; -1: memory that is
 * not shared. @fd stays the caller's. Returns 0, -EINVAL for what is no range
 * of pages or no file in memory (memfd, tmpfs, hugetlbfs), -EEXIST if some of it is there, -ENOSPC, -ERANGE for a file that
 * is too short, or what mmap() said.
 */
int vfio_memory_add(struct vfio_memory *m, uint64_t addr, uint64_t size,
		    int fd, uint64_t offset, bool writable);
/* Removes what was added with just these numbers. -ENOENT: nothing was. */
int vfio_memory_remove(struct vfio_memory *m, uint64_t addr, uint64_t size);
void vfio_memory_clear(struct vfio_memory *m);
/* Has there been a file that shrank? Asks and forgets. */
bool vfio_memory_broke(struct vfio_memory *m);
void vfio_memory_set_open(struct vfio_memory *m, bool open);
/* From any thread. Nothing is waited for. */
void vfio_memory_cut(struct vfio_memory *m, bool cut);

/* The machine's thread. */
bool vfio_memory_enter(struct vfio_memory *m);
void vfio_memory_leave(struct vfio_memory *m);
void *vfio_memory_find(struct vfio_memory *m, uint64_t addr, uint64_t len,
		       bool write);

#endif /* FXQ_VFIO_MEMORY_H */
