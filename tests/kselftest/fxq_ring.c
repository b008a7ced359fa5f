// SPDX-License-Identifier: GPL-2.0
/*
 * fxq_ring.c - a small io_uring of our own, which lets tests do what a library
 * would not
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "fxq_ring.h"

static u8 *map(struct ring *ring, u32 i, size_t size, u64 offset)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, ring->fd, offset);

	if (mem == MAP_FAILED)
		return NULL;
	ring->map[i] = mem;
	ring->bytes[i] = size;
	return mem;
}

static u32 sqe_bytes(const struct ring *ring)
{
	return ring->flags & IORING_SETUP_SQE128 ? 128 : 64;
}

static u32 cqe_bytes(const struct ring *ring)
{
	return ring->flags & IORING_SETUP_CQE32 ? 32 : 16;
}

/* 0 or a negative errno: the kernel has no io_uring, or not of this kind. */
int ring_open(struct ring *ring, u32 entries, u32 flags)
{
	struct io_uring_params p = { .flags = flags, .sq_thread_idle = 100 };
	u32 *array, i;
	u8 *sq, *cq;

	memset(ring, 0, sizeof(*ring));
	ring->flags = flags;
	ring->fd = syscall(SYS_io_uring_setup, entries, &p);
	if (ring->fd < 0)
		return -errno;
	sq = map(ring, 0, p.sq_off.array + p.sq_entries * sizeof(u32),
		 IORING_OFF_SQ_RING);
	cq = map(ring, 1, p.cq_off.cqes + p.cq_entries * cqe_bytes(ring),
		 IORING_OFF_CQ_RING);
	ring->sqes = map(ring, 2, p.sq_entries * sqe_bytes(ring),
			 IORING_OFF_SQES);
	if (!sq || !cq || !ring->sqes)
		return -ENOMEM;
	ring->sq_head = (u32 *)(sq + p.sq_off.head);
	ring->sq_tail = (u32 *)(sq + p.sq_off.tail);
	ring->sq_state = (u32 *)(sq + p.sq_off.flags);
	ring->sq_mask = p.sq_entries - 1;
	ring->cq_head = (u32 *)(cq + p.cq_off.head);
	ring->cq_tail = (u32 *)(cq + p.cq_off.tail);
	ring->cq_mask = p.cq_entries - 1;
	ring->cqes = cq + p.cq_off.cqes;
	array = (u32 *)(sq + p.sq_off.array);
	for (i = 0; i < p.sq_entries; i++)
		array[i] = i;
	return 0;
}

struct ring new_ring(u32 entries, u32 flags)
{
	struct ring ring;
	int ret = ring_open(&ring, entries, flags);

	if (ret) {
		printf("# io_uring_setup: %s\n", strerror(-ret));
		fflush(stdout);
		_exit(1);
	}
	return ring;
}

/* The ring goes with the last of its file and its mappings. */
void ring_close(struct ring *ring)
{
	u32 i;

	for (i = 0; i < RING_MAPS; i++)
		if (ring->map[i])
			munmap(ring->map[i], ring->bytes[i]);
	close(ring->fd);
	ring->fd = -1;
}

int ring_register(struct ring *ring, u32 opcode, const void *arg, u32 n)
{
	return syscall(SYS_io_uring_register, ring->fd, opcode, arg, n) < 0 ?
	       -errno : 0;
}

/* The next entry, filled so far; the kernel is told by ring_enter(). */
struct io_uring_sqe *ring_next(struct ring *ring, u32 opcode, int fd, u64 data)
{
	u32 at = (*ring->sq_tail + ring->queued++) & ring->sq_mask;
	struct io_uring_sqe *sqe = (void *)(ring->sqes + at * sqe_bytes(ring));

	memset(sqe, 0, sqe_bytes(ring));
	sqe->opcode = opcode;
	sqe->fd = fd;
	sqe->user_data = data;
	return sqe;
}

struct io_uring_sqe *ring_run(struct ring *ring, int fd, u32 job, u64 data)
{
	struct io_uring_sqe *sqe = ring_next(ring, IORING_OP_URING_CMD, fd,
					     data);

	sqe->cmd_op = DRM_FXQ_URING_SUBMIT;
	((struct drm_fxq_uring_submit *)sqe->cmd)->job = job;
	return sqe;
}

/* What the end of the run signals as well. */
void ring_signals(struct io_uring_sqe *sqe, u32 syncobj, u64 point)
{
	struct drm_fxq_uring_submit *args = (void *)sqe->cmd;

	args->syncobj = syncobj;
	args->point = point;
}

struct io_uring_sqe *ring_wait(struct ring *ring, int fd, u32 syncobj,
			       u64 point, u32 flags, u64 data)
{
	struct io_uring_sqe *sqe = ring_next(ring, IORING_OP_URING_CMD, fd,
					     data);

	sqe->cmd_op = DRM_FXQ_URING_WAIT;
	*(struct drm_fxq_uring_wait *)sqe->cmd = (struct drm_fxq_uring_wait){
		.syncobj = syncobj, .flags = flags, .point = point,
	};
	return sqe;
}

/* Completions that come with a call alone: there may be some, or was no room. */
static bool has_unposted(const struct ring *ring)
{
	return ring->flags & IORING_SETUP_DEFER_TASKRUN ||
	       __atomic_load_n(ring->sq_state, __ATOMIC_RELAXED) &
	       IORING_SQ_CQ_OVERFLOW;
}

/* Gives over what is queued and waits for @wait completions: one call. */
int ring_enter(struct ring *ring, u32 wait)
{
	u32 n = ring->queued, flags = wait ? IORING_ENTER_GETEVENTS : 0;

	__atomic_store_n(ring->sq_tail, *ring->sq_tail + n, __ATOMIC_RELEASE);
	ring->queued = 0;
	if (ring->flags & IORING_SETUP_SQPOLL) {
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (__atomic_load_n(ring->sq_state, __ATOMIC_RELAXED) &
		    IORING_SQ_NEED_WAKEUP)
			flags |= IORING_ENTER_SQ_WAKEUP;
		else if (!wait)
			return n;
	}
	if (has_unposted(ring))
		flags |= IORING_ENTER_GETEVENTS;
	ring->calls++;
	n = syscall(SYS_io_uring_enter, ring->fd, n, wait, flags, NULL, 0);
	return (int)n < 0 ? -errno : (int)n;
}

/* In a ring of both sizes, a wide one takes two places, one behind the other. */
bool ring_peek(struct ring *ring, struct done *done)
{
	u32 head = *ring->cq_head;
	u8 *cqe = ring->cqes + (head & ring->cq_mask) * cqe_bytes(ring);
	struct io_uring_cqe *base = (void *)cqe;
	bool filler, wide;

	if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE))
		return false;
	filler = ring->flags & IORING_SETUP_CQE_MIXED &&
		 base->flags & IORING_CQE_F_SKIP;
	wide = base->flags & IORING_CQE_F_32;
	*done = (struct done){
		.data = base->user_data, .res = base->res,
		.wide = wide || ring->flags & IORING_SETUP_CQE32,
	};
	if (done->wide)
		done->cycles = *(u64 *)(cqe + sizeof(*base));
	__atomic_store_n(ring->cq_head, head + 1 + wide, __ATOMIC_RELEASE);
	return !filler || ring_peek(ring, done);
}

/* The next completion; its res is DONE_NONE if none came within @ms. */
struct done ring_reap(struct ring *ring, unsigned int ms)
{
	struct done done = { .res = DONE_NONE };
	u64 until = now_ms() + ms;

	while (!ring_peek(ring, &done) && now_ms() < until) {
		if (has_unposted(ring))
			ring_enter(ring, 0);
		usleep(500);
	}
	return done;
}

/* Fills @n entries with runs of a job, and cookies from 1 on. */
void ring_runs(struct ring *ring, int fd, u32 job, u32 n)
{
	u32 i;

	for (i = 1; i <= n; i++)
		ring_run(ring, fd, job, i);
}

/* Takes @n completions; how many of the cookies 1 to @n ended with @res. */
u32 ring_reap_all(struct ring *ring, u32 n, s32 res)
{
	bool *seen = calloc(n + 1, sizeof(*seen));
	u32 well = 0, i;

	for (i = 0; i < n; i++) {
		struct done done = ring_reap(ring, 10000);

		if (done.data > n || seen[done.data] || done.res != res) {
			printf("# cookie %llu ended with %d\n",
			       (unsigned long long)done.data, done.res);
			continue;
		}
		seen[done.data] = true;
		well++;
	}
	free(seen);
	return well;
}
