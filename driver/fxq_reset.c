// SPDX-License-Identifier: GPL-2.0
/*
 * fxq_reset.c - slow, hung, lost or gone: what to do with a run that is late
 *
 * The scheduler asks when the oldest run in the ring has not ended in
 * job_timeout_ms. Records are taken first, for an interrupt may be lost. Then:
 *
 *   the device moves on              let it, up to job_limit_ms
 *   it runs this run and stands still a hang: STOP its context
 *   it has gone past it              the record is lost
 *   STOP is not answered             reset
 *   a register reads all ones        reset, and if that is in vain it is gone
 *
 * A reset ends the run at fault; all others that were in the ring had not
 * begun, and are given to the device again, in order: nobody else notices.
 */
#include <linux/delay.h>
#include <drm/drm_drv.h>
#include <drm/drm_print.h>
#include <drm/fxq_accel.h>

#include "fxq_compat.h"
#include "fxq_ctx.h"
#include "fxq_device.h"
#include "fxq_job.h"
#include "fxq_run.h"
#include "fxq_trace.h"
#include "fxq_wedged.h"

/**
 * fxq_abort - no run will be started any more; all that are there end
 * @fdev: the device, which can reach memory no more
 * @error: that they end with
 */
void fxq_abort(struct fxq_device *fdev, int error)
{
	struct fxq_ring *ring = &fdev->ring;
	struct fxq_run *run;
	unsigned long flags;
	unsigned int i;

	WRITE_ONCE(fdev->dead, error);
	for (i = 0; i < ring->depth; i++) {
		spin_lock_irqsave(&ring->lock, flags);
		run = ring->run[i];
		ring->run[i] = NULL;
		if (ring->admin_run) {
			ring->admin_run = 0;
			complete(&ring->admin_done);
		}
		spin_unlock_irqrestore(&ring->lock, flags);
		if (run)
			fxq_run_end(run, NULL, error);
	}
	fxq_wedged(fdev);
}

/**
 * fxq_reset - begin anew with the device
 * @fdev: the device, with fdev->admin held
 * @guilty: the run that is at fault, in the ring; NULL: none
 * @error: that @guilty ends with
 *
 * Return: 0, or -EIO if the device does not come back: it is then given up.
 */
int fxq_reset(struct fxq_device *fdev, struct fxq_run *guilty, int error)
{
	struct fxq_run **runs;
	unsigned int n, i;
	int ret;

	lockdep_assert_held(&fdev->admin);
	if (READ_ONCE(fdev->dead))
		return -EIO;
	/* Waking up is as good. */
	if (fdev->asleep)
		return 0;
	runs = kcalloc(2 * fdev->ring.depth, sizeof(*runs),
		       GFP_NOIO | __GFP_NOFAIL);
	atomic_inc(&fdev->resets);
	drm_warn(&fdev->drm, "reset\n");
	n = fxq_ring_hold(fdev, runs);
	ret = fxq_device_reset(fdev);
	trace_fxq_reset(fdev, n, ret);
	if (ret)
		drm_err(&fdev->drm, "no life after reset: %d\n", ret);
	for (i = 0; i < n; i++) {
		int end = runs[i] == guilty ? error :
			  fxq_ctx_error(runs[i]->job->ctx);

		if (!end && !ret)
			continue;
		fxq_run_end(runs[i], NULL, end ? end : ret);
		runs[i] = NULL;
	}
	if (ret)
		fxq_abort(fdev, ret);
	else
		fxq_ring_resume(fdev, runs, n);
	kfree(runs);
	return ret;
}

/* A hang, or a run over the limit: the context stops, or the device is reset. */
static void stop_run(struct fxq_device *fdev, struct fxq_run *run)
{
	struct fxq_ctx *ctx = run->job->ctx;
	u64 number = run->number;
	int ret;

	mutex_lock(&fdev->admin);
	run->verdict = -ETIME;
	fxq_ctx_ban(ctx, -ETIME, run->job->id, NULL);
	ret = fxq_ring_admin(fdev, FXQ_SUBMIT_STOP, ctx->hw, 0, 0);
	fxq_ring_reap(fdev, true);
	if (fxq_ring_holds(fdev, number) && !READ_ONCE(fdev->dead)) {
		if (ret == 0)
			/* It stopped, and the record of that is lost. */
			fxq_ring_fail(fdev, number, -ETIME);
		else
			fxq_reset(fdev, run, -ETIME);
	}
	mutex_unlock(&fdev->admin);
}

/* Does a register still answer? */
static bool is_there(struct fxq_device *fdev)
{
	bool there = false;
	int cookie;

	if (drm_dev_enter(&fdev->drm, &cookie)) {
		there = fxq_read(fdev, FXQ_REG_ID) == FXQ_ID_VALUE;
		drm_dev_exit(cookie);
	}
	return there;
}

/* Has the device got further since it was last looked at? */
static bool has_moved(struct fxq_device *fdev, const struct fxq_run *run)
{
	u64 progress = READ_ONCE(fdev->ring.shared->progress);
	bool moved = progress != fdev->seen_progress;

	fdev->seen_progress = progress;
	if (fdev->judged == run->number)
		return moved;
	fdev->judged = run->number;
	fdev->judged_since = jiffies;
	return true;
}

static bool over_limit(const struct fxq_device *fdev)
{
	return time_after(jiffies, fdev->judged_since +
			  msecs_to_jiffies(fxq_job_limit_ms));
}

/**
 * fxq_reset_judge - the oldest run is late
 * @fdev: the device
 * @run: the run
 *
 * Return: for the scheduler; the run stays where it is, ended or not.
 */
enum drm_gpu_sched_stat fxq_reset_judge(struct fxq_device *fdev,
					struct fxq_run *run)
{
	const struct fxq_shared *shared = fdev->ring.shared;
	bool idle = READ_ONCE(shared->sleeping) &&
		    READ_ONCE(shared->taken) == READ_ONCE(shared->produced);
	u64 running = READ_ONCE(shared->running);
	bool passed = idle || running > run->number;

	/* A record is written before its run is left: what is not here is lost. */
	dma_rmb();
	fxq_ring_reap(fdev, false);
	if (READ_ONCE(run->ended))
		return fxq_sched_keep(&run->base);
	if (!is_there(fdev)) {
		mutex_lock(&fdev->admin);
		fxq_reset(fdev, running == run->number ? run : NULL, -EIO);
		mutex_unlock(&fdev->admin);
		return fxq_sched_keep(&run->base);
	}
	if (has_moved(fdev, run) && !over_limit(fdev))
		return fxq_sched_keep(&run->base);
	if (passed) {
		fxq_ring_reap(fdev, true);
		fxq_ring_fail(fdev, run->number, -EIO);
	} else {
		stop_run(fdev, run);
	}
	return fxq_sched_keep(&run->base);
}
