// SPDX-License-Identifier: MIT
/*
 * drm_ring.c - an io_uring for a device node and for files
 *
 * Completions are of 32 bytes, for the cycles of runs. They are posted when the
 * thread that owns the ring waits for them, and that is woken once for all that
 * it waits for. A flag in shared memory says that there are some to post, so that
 * looking for them costs no call. The node is a registered file: a run then takes
 * no reference.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <drm/fxq_accel.h>
#include <liburing.h>

#include "drm_ring.h"

#define NODE		0	/* among the registered files */
#define MOMENT_NS	1000000

/*
 * struct drm_ring
 * @open: entries that were prepared, and whose completion was not taken
 */
struct drm_ring {
	struct io_uring uring;
	uint32_t open;
};

int ring_open(int fd, uint32_t entries, struct drm_ring **ret_ring)
{
	const unsigned int flags = IORING_SETUP_CQE32 |
				   IORING_SETUP_SINGLE_ISSUER |
				   IORING_SETUP_DEFER_TASKRUN |
				   IORING_SETUP_TASKRUN_FLAG;
	struct drm_ring *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return -ENOMEM;
	ret = io_uring_queue_init(entries, &r->uring, flags);
	if (ret) {
		free(r);
		return ret;
	}
	ret = io_uring_register_files(&r->uring, &fd, 1);
	if (ret) {
		ring_close(r);
		return ret;
	}
	*ret_ring = r;
	return 0;
}

void ring_close(struct drm_ring *r)
{
	if (!r)
		return;
	io_uring_queue_exit(&r->uring);
	free(r);
}

/* There are as many as the ring was opened for. */
static struct io_uring_sqe *next(struct drm_ring *r, int opcode, int fd,
				 const struct file_part *f, bool link,
				 uint64_t cookie)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);

	io_uring_prep_rw(opcode, sqe, fd, f->data, f->size, f->offset);
	sqe->flags = link ? IOSQE_IO_LINK : 0;
	sqe->user_data = cookie;
	r->open++;
	return sqe;
}

void ring_run(struct drm_ring *r, uint32_t job, bool link, uint64_t cookie)
{
	static const struct file_part none;
	const struct drm_fxq_uring_submit args = { .job = job };
	struct io_uring_sqe *sqe = next(r, IORING_OP_URING_CMD, NODE, &none,
					link, cookie);

	sqe->flags |= IOSQE_FIXED_FILE;
	sqe->cmd_op = DRM_FXQ_URING_SUBMIT;
	memcpy(sqe->cmd, &args, sizeof(args));
}

void ring_file(struct drm_ring *r, const struct file_part *f, bool link,
	       uint64_t cookie)
{
	next(r, f->write ? IORING_OP_WRITE : IORING_OP_READ, f->fd, f, link,
	     cookie);
}

/* Has the kernel completions that it posts when it is called? */
static bool has_unposted(const struct drm_ring *r)
{
	return IO_URING_READ_ONCE(*r->uring.sq.kflags) & IORING_SQ_TASKRUN;
}

static struct __kernel_timespec timespec_of(uint64_t ns)
{
	return (struct __kernel_timespec){
		.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000,
	};
}

int ring_enter(struct drm_ring *r, uint32_t n, uint64_t timeout_ns)
{
	struct __kernel_timespec t = timespec_of(timeout_ns);
	struct io_uring_cqe *cqe;
	int ret;

	if (ring_ready(r) >= n)
		n = 0;
	if (!n && !io_uring_sq_ready(&r->uring) &&
	    (ring_ready(r) || !has_unposted(r)))
		return 0;
	if (!n || timeout_ns == UINT64_MAX)
		ret = io_uring_submit_and_wait(&r->uring, n);
	else
		ret = io_uring_submit_and_wait_timeout(&r->uring, &cqe, n, &t,
						       NULL);
	return ret < 0 ? ret : 1;
}

int ring_wait(struct drm_ring *r, uint64_t timeout_ns)
{
	struct __kernel_timespec t = timespec_of(timeout_ns);
	struct timespec moment = { .tv_nsec = MOMENT_NS };
	struct io_uring_cqe *cqe;
	int ret;

	if (r->open > io_uring_sq_ready(&r->uring)) {
		ret = io_uring_wait_cqes(&r->uring, &cqe, 1,
					 timeout_ns == UINT64_MAX ? NULL : &t,
					 NULL);
		return ret < 0 ? ret : 1;
	}
	if (timeout_ns < MOMENT_NS)
		moment.tv_nsec = timeout_ns;
	return nanosleep(&moment, NULL) ? -EINTR : 1;
}

uint32_t ring_ready(const struct drm_ring *r)
{
	return io_uring_cq_ready(&r->uring);
}

bool ring_take(struct drm_ring *r, struct ring_end *ret_end)
{
	struct io_uring_cqe *cqe;

	if (!ring_ready(r) || io_uring_peek_cqe(&r->uring, &cqe))
		return false;
	*ret_end = (struct ring_end){
		.cookie = cqe->user_data,
		.result = cqe->res,
		.cycles = cqe->big_cqe[0],
	};
	io_uring_cqe_seen(&r->uring, cqe);
	r->open--;
	return true;
}
