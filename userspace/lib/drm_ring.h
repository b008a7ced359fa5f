/* SPDX-License-Identifier: MIT */
/*
 * drm_ring.h - an io_uring for a device node and for files
 *
 * Entries are prepared one by one and handed over together. Each has one
 * completion, with the cookie that it was prepared with. One thread uses a ring:
 * the one that opened it.
 */
#ifndef FXQ_LIB_DRM_RING_H
#define FXQ_LIB_DRM_RING_H

#include "device.h"

struct drm_ring;

/*
 * struct ring_end - a completion
 * @cookie: of the entry
 * @result: a negative errno; of a file also how many bytes
 * @cycles: of a run
 */
struct ring_end {
	uint64_t cookie;
	int result;
	uint64_t cycles;
};

/*
 * For the device node @fd, with room for @entries at a time. A negative errno
 * where the kernel has no io_uring, or this user may not, or it is too old.
 */
int ring_open(int fd, uint32_t entries, struct drm_ring **ret_ring);
/* What is in flight is given up; runs end all the same. */
void ring_close(struct drm_ring *r);

/* @link: the entry after this begins when this has ended well. */
void ring_run(struct drm_ring *r, uint32_t job, bool link, uint64_t cookie);
void ring_file(struct drm_ring *r, const struct file_part *f, bool link,
	       uint64_t cookie);
/*
 * Hands over what is prepared and waits for @n completions (0: for none, but
 * those that are there are taken). 1 after one system call, 0 if there was nothing
 * to do, or a negative errno, -ETIME among them.
 */
int ring_enter(struct drm_ring *r, uint32_t n, uint64_t timeout_ns);
/*
 * Waits for a completion, or if there is none to come for a moment, and hands
 * over nothing: for when the kernel has no room. 1, or a negative errno.
 */
int ring_wait(struct drm_ring *r, uint64_t timeout_ns);
uint32_t ring_ready(const struct drm_ring *r);
bool ring_take(struct drm_ring *r, struct ring_end *ret_end);

#endif /* FXQ_LIB_DRM_RING_H */
