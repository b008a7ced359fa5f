/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_RUN_H
#define FXQ_RUN_H

#include <drm/gpu_scheduler.h>

struct fxq_complete;
struct fxq_ctx;
struct fxq_job;

/**
 * struct fxq_run - one execution of a job, from SUBMIT until it is freed
 * @base: the scheduler's
 * @job: what is run; the run holds a reference, and thereby the context
 * @fence: signalled when the device is done with it
 * @number: of the entry in the ring, while it is there
 * @link: in the ring's list, while it is there
 * @verdict: what it ends with whatever its record says: it was judged before
 * @armed: it has been pushed
 * @ended: @fence is signalled
 * @counted: in the usage of the device
 */
struct fxq_run {
	struct drm_sched_job base;
	struct fxq_job *job;
	struct dma_fence *fence;
	u64 number;
	struct list_head link;
	int verdict;
	bool armed;
	bool ended;
	bool counted;
};

static inline struct fxq_run *to_run(struct drm_sched_job *base)
{
	return container_of(base, struct fxq_run, base);
}

struct fxq_run *fxq_run_new(struct fxq_job *job, struct drm_file *file);
void fxq_run_drop(struct fxq_run *run);
void fxq_run_arm(struct fxq_run *run);
void fxq_run_end(struct fxq_run *run, const struct fxq_complete *record,
		 int error);
u64 fxq_run_cycles(struct dma_fence *finished);

#endif /* FXQ_RUN_H */
