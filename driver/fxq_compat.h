/* SPDX-License-Identifier: GPL-2.0 */
/**
 * DOC: fxq_compat.h - one source for several kernels
 *
 * Kbuild finds out what the kernel at hand offers and defines FXQ_HAVE_*; the
 * differences end here. The code is written for the newest.
 */
#ifndef FXQ_COMPAT_H
#define FXQ_COMPAT_H

#include <linux/io_uring/cmd.h>
#include <drm/gpu_scheduler.h>

#ifndef FXQ_HAVE_SCHED_INIT_ARGS
struct drm_sched_init_args {
	const struct drm_sched_backend_ops *ops;
	struct workqueue_struct *submit_wq;
	struct workqueue_struct *timeout_wq;
	u32 num_rqs;
	u32 credit_limit;
	unsigned int hang_limit;
	long timeout;
	const char *name;
	struct device *dev;
};

static inline int fxq_sched_init(struct drm_gpu_scheduler *sched,
				 const struct drm_sched_init_args *a)
{
	return drm_sched_init(sched, a->ops, a->submit_wq, a->num_rqs,
			      a->credit_limit, a->hang_limit, a->timeout,
			      a->timeout_wq, NULL, a->name, a->dev);
}

#define drm_sched_init	fxq_sched_init
#endif

#ifndef FXQ_HAVE_SCHED_CLIENT_ID
static inline int fxq_sched_job_init(struct drm_sched_job *job,
				     struct drm_sched_entity *entity,
				     u32 credits, void *owner, u64 client)
{
	return drm_sched_job_init(job, entity, credits, owner);
}

#define drm_sched_job_init	fxq_sched_job_init
#endif

/*
 * Ends a timeout handler that leaves the job where it is. Older schedulers
 * have taken it off their list and know no such answer.
 */
static inline enum drm_gpu_sched_stat
fxq_sched_keep(struct drm_sched_job *job)
{
#ifdef FXQ_HAVE_SCHED_NO_HANG
	return DRM_GPU_SCHED_STAT_NO_HANG;
#else
	struct drm_gpu_scheduler *sched = job->sched;

	spin_lock(&sched->job_list_lock);
	list_add(&job->list, &sched->pending_list);
	spin_unlock(&sched->job_list_lock);
	/* Its fence may have signalled meanwhile. */
	queue_work(sched->submit_wq, &sched->work_free_job);
	return DRM_GPU_SCHED_STAT_NOMINAL;
#endif
}

/* Ends a command; a ring with the longer completions gets @more as well. */
#ifndef FXQ_HAVE_URING_DONE32
static inline void io_uring_cmd_done32(struct io_uring_cmd *cmd, s32 result,
				       u64 more, unsigned int issue_flags)
{
	io_uring_cmd_done(cmd, result, more, issue_flags);
}
#endif

/* Makes @task_work of @finish(cmd, issue_flags), to be run in a command's task. */
#ifdef FXQ_HAVE_URING_TW_REQ
#define FXQ_URING_TASK_WORK(task_work, finish)				\
static void task_work(struct io_tw_req req, io_tw_token_t token)	\
{									\
	finish(io_uring_cmd_from_tw(req),				\
	       IO_URING_CMD_TASK_WORK_ISSUE_FLAGS);			\
}
#else
#define FXQ_URING_TASK_WORK(task_work, finish)				\
static void task_work(struct io_uring_cmd *cmd, unsigned int issue_flags) \
{									\
	finish(cmd, issue_flags);					\
}
#endif

#endif /* FXQ_COMPAT_H */
