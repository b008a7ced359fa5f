/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_RING_H
#define FXQ_RING_H

#include <linux/io_uring.h>

#include "fxq_util.h"

#define RING_MAPS	3

#ifndef IORING_SETUP_CQE_MIXED	/* headers of Linux 6.17 and older */
#define IORING_SETUP_CQE_MIXED	0x40000
#define IORING_CQE_F_SKIP	0x20
#define IORING_CQE_F_32		0x8000
#endif

/**
 * struct ring - an io_uring, without a library between
 * @fd: of the ring
 * @flags: IORING_SETUP_*
 * @sq_tail: entries given to the kernel; @queued are not told yet
 * @sq_head: that it has taken
 * @sq_state: IORING_SQ_*
 * @cq_head: completions taken
 * @cq_tail: that are there
 * @sq_mask: entries of the submission queue, less one
 * @cq_mask: the same of the other
 * @queued: entries filled since the kernel was last called
 * @sqes: as the kernel reads them
 * @cqes: as it writes them
 * @calls: system calls so far
 * @map: what is mapped of it
 * @bytes: of @map
 */
struct ring {
	int fd;
	u32 flags;
	u32 *sq_tail, *sq_head, *sq_state, *cq_head, *cq_tail;
	u32 sq_mask, cq_mask, queued;
	u8 *sqes, *cqes;
	u64 calls;
	void *map[RING_MAPS];
	size_t bytes[RING_MAPS];
};

/**
 * struct done - a completion
 * @data: cookie
 * @res: 0 or a negative errno
 * @cycles: if there is room for them
 * @wide: there is
 */
struct done {
	u64 data;
	s32 res;
	u64 cycles;
	bool wide;
};

#define DONE_NONE	1	/* as res: there was no completion in time */

int ring_open(struct ring *ring, u32 entries, u32 flags);
struct ring new_ring(u32 entries, u32 flags);
void ring_close(struct ring *ring);
int ring_register(struct ring *ring, u32 opcode, const void *arg, u32 n);
struct io_uring_sqe *ring_next(struct ring *ring, u32 opcode, int fd, u64 data);
struct io_uring_sqe *ring_run(struct ring *ring, int fd, u32 job, u64 data);
struct io_uring_sqe *ring_wait(struct ring *ring, int fd, u32 syncobj,
			       u64 point, u32 flags, u64 data);
void ring_signals(struct io_uring_sqe *sqe, u32 syncobj, u64 point);
int ring_enter(struct ring *ring, u32 wait);
bool ring_peek(struct ring *ring, struct done *done);
struct done ring_reap(struct ring *ring, unsigned int ms);
void ring_runs(struct ring *ring, int fd, u32 job, u32 n);
u32 ring_reap_all(struct ring *ring, u32 n, s32 res);

#endif /* FXQ_RING_H */
