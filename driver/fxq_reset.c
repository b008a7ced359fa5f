// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_reset.c - slow, hung, lost or gone: what to do with a run that is late
 *
 * The scheduler asks when the oldest run in the ring has not ended in
 * job_timeout_ms. Records are taken first, for an interrupt may be lost. Then::
 *
 *   the device moves on              let it, up to job_limit_ms
 *   it runs this run and stands still a hang: STOP its context
 *   it has gone past it              the record is lost
 *   STOP is not answered             reset
 *   a register reads all ones        reset, and if that is in vain it is gone
 *
 * A reset ends the run at fault and what the device had begun without telling
 * how it ended. All others in the ring are given to the device again, in order:
 * nobody else notices.
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

/*
 * Ends the runs that a reset took back and that cannot run again: the guilty
 * one, what the device had @begun, for it may have written over its inputs,
 * and what belongs to a context that is banned.
 */
static void end_unfit(struct fxq_device *fdev, u64 begun,
		      const struct fxq_run *guilty, int error)
{
	struct fxq_ring *ring = &fdev->ring;
	unsigned int i, kept = 0;

	for (i = 0; i < ring->n_back; i++) {
		struct fxq_run *run = ring->back[i];
		int end = fxq_ctx_error(run->job->ctx);

		if (run == guilty)
			end = error;
		else if (run->number <= begun)
			end = -EIO;
		if (end)
			fxq_run_end(run, NULL, end);
		else
			ring->back[kept++] = run;
	}
	ring->n_back = kept;
}

/**
 * fxq_reset - begin anew with the device
 * @fdev: the device, with fdev->admin held
 * @guilty: the run that is at fault, in the ring; NULL: none
 * @error: that @guilty ends with
 *
 * Return: 0, or what runs end with if the device does not come back: it is then
 * given up.
 */
int fxq_reset(struct fxq_device *fdev, struct fxq_run *guilty, int error)
{
	u64 begun;
	int ret;

	lockdep_assert_held(&fdev->admin);
	if (READ_ONCE(fdev->dead))
		return READ_ONCE(fdev->dead);
	/* Waking up is as good. */
	if (fdev->asleep)
		return 0;
	atomic_inc(&fdev->resets);
	dev_warn_ratelimited(fdev->drm.dev, "reset\n");
	fxq_ring_hold(fdev);
	ret = fxq_device_still(fdev);
	/* remove() ends the runs, when it knows that the device is still. */
	if (ret && drm_dev_is_unplugged(&fdev->drm))
		return -ENODEV;
	if (ret)
		fxq_device_cut_off(fdev);
	begun = fxq_ring_take_back(fdev);
	if (!ret)
		ret = fxq_device_start(fdev);
	trace_fxq_reset(fdev, fdev->ring.n_back, ret);
	if (ret) {
		dev_err(fdev->drm.dev, "no life after reset: %d\n", ret);
		fxq_device_cut_off(fdev);
		fxq_abort(fdev, ret);
	}
	end_unfit(fdev, begun, guilty, error);
	fxq_ring_resume(fdev);
	return ret;
}

/* A hang, or a run over the limit: the context stops, or the device is reset. */
static void stop_run(struct fxq_device *fdev, struct fxq_run *run, u64 number)
{
	struct fxq_ctx *ctx = run->job->ctx;
	int ret;

	mutex_lock(&fdev->admin);
	/* It may have ended meanwhile, or been given to the device again. */
	if (!fxq_ring_holds(fdev, number))
		goto unlock;
	run->verdict = -ETIME;
	fxq_ctx_ban(ctx, -ETIME, run->job->id, NULL);
	ret = fxq_ring_admin(fdev, FXQ_SUBMIT_STOP, ctx->hw, 0, 0);
	fxq_ring_reap(fdev, true);
	if (ret == -ETIMEDOUT)
		fxq_reset(fdev, run, -ETIME);
	else if (!READ_ONCE(fdev->dead))
		/* If it is still there, it stopped and no record says so. */
		fxq_ring_fail(fdev, number, -ETIME);
unlock:
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
static bool has_moved(struct fxq_device *fdev, u64 number)
{
	u64 progress = READ_ONCE(fdev->ring.shared->progress);
	bool moved = progress != fdev->seen_progress;

	fdev->seen_progress = progress;
	if (fdev->judged == number)
		return moved;
	fdev->judged = number;
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
	u64 number = READ_ONCE(run->number);
	bool passed = idle || READ_ONCE(shared->running) > number;

	/* A record is written before its run is left: what is not here is lost. */
	dma_rmb();
	fxq_ring_reap(fdev, false);
	if (READ_ONCE(run->ended) || drm_dev_is_unplugged(&fdev->drm))
		return fxq_sched_keep(&run->base);
	if (!is_there(fdev)) {
		mutex_lock(&fdev->admin);
		fxq_reset(fdev, NULL, 0);
		mutex_unlock(&fdev->admin);
	} else if (has_moved(fdev, number) && !over_limit(fdev)) {
		return fxq_sched_keep(&run->base);
	} else if (passed) {
		fxq_ring_reap(fdev, true);
		fxq_ring_fail(fdev, number, -EIO);
	} else {
		stop_run(fdev, run, number);
	}
	return fxq_sched_keep(&run->base);
}
