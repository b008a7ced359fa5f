/* SPDX-License-Identifier: MIT */
/*
 * queue.h - libfxq: many runs, and the files around them, in few system calls
 *
 * A request is up to three things in a row: bytes are read from a file, the
 * network runs, bytes are written to a file. Requests are added one by one, the
 * kernel is told of them together, and each completes by itself, with the
 * user_data that it was added with, in whatever order they end.
 *
 * On a device node that takes io_uring commands all of that goes through one
 * ring. Elsewhere, on the embedded device as well, the same calls do the same
 * one after another.
 *
 * A queue is one thread's: the one that opened it. Errors are as in fxq.h.
 */
#ifndef FXQ_QUEUE_H
#define FXQ_QUEUE_H

#include <fxq/fxq.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fxq_queue;

/* Do without io_uring, as where there is none. */
#define FXQ_QUEUE_PLAIN		(1 << 0)

/*
 * struct fxq_queue_config - zero means the default
 * @depth: requests that may be in the queue; default 32, at most 64
 * @batch: completions that fxq_queue_reap() waits for before it looks at them,
 *	   or as many as can come; default half of @depth. 1 tells of each at
 *	   once, with a system call for each
 * @threads: that one CPU step may use; default 1
 * @flags: FXQ_QUEUE_*
 */
struct fxq_queue_config {
	uint32_t depth, batch;
	int threads;
	uint32_t flags;
};

/*
 * struct fxq_queue_info
 * @ring: it has an io_uring
 * @calls: system calls since it was opened, of files and of the device node
 */
struct fxq_queue_info {
	uint32_t depth, batch;
	bool ring;
	uint64_t calls;
};

/*
 * Loads @image for this queue alone. @config NULL: defaults. The device stays
 * open until the queue is closed.
 */
int fxq_queue_open(struct fxq_device *dev, struct fxq_image *image,
		   const struct fxq_queue_config *config,
		   struct fxq_queue **ret_queue);
/* What is in flight is waited for; its completions are dropped. */
void fxq_queue_close(struct fxq_queue *queue);
void fxq_queue_info(const struct fxq_queue *queue,
		    struct fxq_queue_info *ret_info);
/* For fxq_io_create(). */
const struct fxq_program *fxq_queue_program(const struct fxq_queue *queue);

/*
 * struct fxq_queue_part - bytes of a file
 * @fd: stays open until the completion
 * @data: where they go or come from. NULL: the data of the first input, or of
 *	  the first output; the device's own memory, if it can be
 * @size: 0: there is no file; at most 1 GiB
 * @offset: of the first, in the file
 */
struct fxq_queue_part {
	int fd;
	void *data;
	uint64_t size, offset;
};

/*
 * struct fxq_request - read, run, write
 * @read: before the run
 * @in, @out: as in fxq_submit(); the array @in is kept, too
 * @before: called between reading and the run; makes @in of what was read
 * @after: called between the run and writing; makes what is written of @out.
 *	   Either may be NULL. A negative errno fails the request. They call
 *	   nothing that changes the queue
 * @write: after the run
 * @user_data: for the completion, @before and @after
 *
 * A network that is a single device step, with neither @before nor @after and
 * without @data in @read and @write, is one chain for the kernel: it goes from
 * one to the next by itself, and nothing is copied between. What is read is then
 * not seen in @in.
 */
struct fxq_request {
	struct fxq_queue_part read;
	const struct fxq_tensor *in;
	struct fxq_tensor *out;
	int (*before)(void *user_data);
	int (*after)(void *user_data);
	struct fxq_queue_part write;
	void *user_data;
};

/*
 * Adds a request, which is copied; all that it points to belongs to the queue
 * until its completion. Makes no system call. -EBUSY: there are as many as
 * @depth; reap first. -EINVAL: a tensor or a part does not fit.
 */
int fxq_queue_add(struct fxq_queue *queue, const struct fxq_request *request);

/* Hands over what was added; with a ring it is one system call. */
int fxq_queue_flush(struct fxq_queue *queue);

/*
 * Hands over what was added, and collects up to @max completions; timeout and
 * result are as in fxq_poll(). Meanwhile CPU steps, @before and @after run. With
 * a ring, handing over and waiting are one system call, and there is none while
 * completions are left from the last.
 */
int fxq_queue_reap(struct fxq_queue *queue, struct fxq_completion *completions,
		   int max, uint64_t timeout_ns);

#ifdef __cplusplus
}
#endif

#endif /* FXQ_QUEUE_H */
