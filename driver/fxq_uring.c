// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_uring.c - commands of io_uring: a run or a point, and its completion
 *
 * A command becomes a fence, by way of SUBMIT or of a syncobj, and a callback on
 * that fence, which stands in the command itself: completing takes no memory.
 * The callback may come in an interrupt, so it only has the command's task end
 * it.
 *
 * Who gives a command up takes its callback away from the fence. That succeeds
 * once or never, so there is no other state: if it fails, the callback has been
 * called and its task completes the command.
 *
 * A command that would sleep while the ring is locked is sent back untouched
 * (-EAGAIN) and comes again from a thread of the ring. Nothing is kept of the
 * first time, for the entry in shared memory may have changed since.
 */
#include <linux/dma-fence.h>
#include <linux/io_uring/cmd.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_syncobj.h>
#include <drm/fxq_accel.h>

#include "fxq_compat.h"
#include "fxq_run.h"
#include "fxq_submit.h"
#include "fxq_uring.h"

/**
 * struct pending - what a command keeps in itself while it waits
 * @cb: on @fence
 * @fence: with a reference
 */
struct pending {
	struct dma_fence_cb cb;
	struct dma_fence *fence;
};

static struct pending *to_pending(struct io_uring_cmd *cmd)
{
	return io_uring_cmd_to_pdu(cmd, struct pending);
}

/*
 * Ends a command whose fence has signalled. The fence goes last: until the
 * command has ended it may still be given up, which looks at the fence.
 */
static void finish(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct dma_fence *fence = to_pending(cmd)->fence;
	int error = min(dma_fence_get_status(fence), 0);
	u64 cycles = 0;

	if (cmd->cmd_op == DRM_FXQ_URING_SUBMIT)
		cycles = fxq_run_cycles(fence);
	io_uring_cmd_done32(cmd, error, cycles, issue_flags);
	dma_fence_put(fence);
}

FXQ_URING_TASK_WORK(finish_in_task, finish)

static void signalled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	void *pdu = container_of(cb, struct pending, cb);

	io_uring_cmd_do_in_task_lazy(container_of(pdu, struct io_uring_cmd,
						  pdu), finish_in_task);
}

/*
 * Completes the command with the fence. Once it can be given up it is ended by
 * io_uring_cmd_done() alone, which takes it off the ring's list.
 */
static int complete_with(struct io_uring_cmd *cmd, struct dma_fence *fence,
			 unsigned int issue_flags)
{
	struct pending *p = to_pending(cmd);

	INIT_LIST_HEAD(&p->cb.node);
	p->fence = fence;
	io_uring_cmd_mark_cancelable(cmd, issue_flags);
	if (dma_fence_add_callback(fence, &p->cb, signalled))
		finish(cmd, issue_flags);
	return -EIOCBQUEUED;
}

/* The ring or the task goes. */
static void give_up(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct pending *p = to_pending(cmd);
	struct dma_fence *fence = p->fence;

	if (!dma_fence_remove_callback(fence, &p->cb))
		return;
	io_uring_cmd_done32(cmd, -ECANCELED, 0, issue_flags);
	dma_fence_put(fence);
}

/* What was refused for having to sleep, or interrupted, may do so in a thread. */
static int refuse(int error, unsigned int issue_flags)
{
	bool sleeps = error == -EBUSY || error == -EINTR ||
		      error == -ERESTARTSYS;

	if (sleeps && issue_flags & IO_URING_F_NONBLOCK)
		return -EAGAIN;
	return error == -ERESTARTSYS ? -EINTR : error;
}

static int uring_submit(struct io_uring_cmd *cmd, struct drm_file *file,
			unsigned int issue_flags)
{
	const struct drm_fxq_uring_submit *from = (const void *)cmd->sqe->cmd;
	struct drm_fxq_uring_submit args = {
		.job = READ_ONCE(from->job),
		.syncobj = READ_ONCE(from->syncobj),
		.point = READ_ONCE(from->point),
	};
	struct dma_fence *fence;

	fence = fxq_submit_one(file, &args, issue_flags & IO_URING_F_NONBLOCK);
	if (IS_ERR(fence))
		return refuse(PTR_ERR(fence), issue_flags);
	return complete_with(cmd, fence, issue_flags);
}

/* Sleeps until the point has a fence; the core does so for seconds only. */
static int wait_for_submit(struct drm_file *file,
			   const struct drm_fxq_uring_wait *args,
			   struct dma_fence **fence)
{
	int ret;

	do {
		ret = drm_syncobj_find_fence(file, args->syncobj, args->point,
					     DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
					     fence);
	} while (ret == -ETIME && !drm_dev_is_unplugged(file->minor->dev));
	return ret == -ETIME ? -ENODEV : ret;
}

static int uring_wait(struct io_uring_cmd *cmd, struct drm_file *file,
		      unsigned int issue_flags)
{
	const struct drm_fxq_uring_wait *from = (const void *)cmd->sqe->cmd;
	struct drm_fxq_uring_wait args = {
		.syncobj = READ_ONCE(from->syncobj),
		.flags = READ_ONCE(from->flags),
		.point = READ_ONCE(from->point),
	};
	struct dma_fence *fence;
	int ret;

	if (args.flags & ~DRM_FXQ_URING_WAIT_FOR_SUBMIT)
		return -EINVAL;
	ret = drm_syncobj_find_fence(file, args.syncobj, args.point, 0, &fence);
	if (ret == -EINVAL && args.flags) {
		if (issue_flags & IO_URING_F_NONBLOCK)
			return -EAGAIN;
		ret = wait_for_submit(file, &args, &fence);
	}
	if (ret)
		return refuse(ret, issue_flags);
	return complete_with(cmd, fence, issue_flags);
}

/**
 * fxq_uring_cmd - IORING_OP_URING_CMD on the node
 * @cmd: the command; holds the file
 * @issue_flags: of the ring's
 *
 * Return: -EIOCBQUEUED: it completes later or has; -EAGAIN: it is to come again
 * where it may sleep; else why it is refused.
 */
int fxq_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct drm_file *file = cmd->file->private_data;

	if (issue_flags & IO_URING_F_CANCEL) {
		give_up(cmd, issue_flags);
		return 0;
	}
	if (drm_dev_is_unplugged(file->minor->dev))
		return -ENODEV;
	if (READ_ONCE(cmd->sqe->addr) || READ_ONCE(cmd->sqe->len) ||
	    cmd->flags & IORING_URING_CMD_MASK)
		return -EINVAL;
	switch (cmd->cmd_op) {
	case DRM_FXQ_URING_SUBMIT:
		return uring_submit(cmd, file, issue_flags);
	case DRM_FXQ_URING_WAIT:
		return uring_wait(cmd, file, issue_flags);
	default:
		return -ENOTTY;
	}
}
