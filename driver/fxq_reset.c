// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_reset.c - slow, hung, lost or gone: what to do with a run that is late
 *
 * The scheduler asks when the oldest run in the ring has not ended in
 * job_timeout_ms. Records are taken first, for an interrupt may be lost. Then::
 *
 *   a register reads all ones        reset, and if that is in vain it is gone
 *   the device has gone past the run the record is lost
 *   it moves on                      let it, up to job_limit_ms
 *   it stands still in the run       a hang: STOP its context
 *   STOP is not obeyed               reset
 *
 * So is a device reset that obeys nothing else. A reset ends the run that the
 * device stands in, and what it had begun without telling how it ended. All
 * others in the ring are given to the device again, in order: nobody else
 * notices.
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

/**
 * fxq_abort - no run will be started any more; all that are there end
 * @fdev: the device, which can reach memory no more
 * @error: that they end with
 */
void fxq_abort(struct fxq_device *fdev, int error)
{
	WRITE_ONCE(fdev->dead, error);
	fxq_ring_drain(fdev, error);
	/* Runs that take room may wait for others, and not end yet. */
	wake_up_all(&fdev->room);
	fxq_wedged(fdev);
}

/*
 * Ends the runs that a reset took back and that cannot run again: the one that
 * the device stood in, what it had @begun before, for that may have written
 * over its inputs, and what belongs to a context that is banned.
 */
static void end_unfit(struct fxq_device *fdev, u64 begun, int error)
{
	struct fxq_run *run, *next;
	unsigned long flags;

	spin_lock_irqsave(&fdev->ring.end, flags);
	list_for_each_entry_safe(run, next, &fdev->ring.back, link) {
		int end = fxq_ctx_error(run->job->ctx);

		if (run->number == begun)
			end = error;
		else if (run->number < begun)
			end = -EIO;
		if (!end)
			continue;
		list_del(&run->link);
		fxq_run_end(run, NULL, end);
	}
	spin_unlock_irqrestore(&fdev->ring.end, flags);
}

/**
 * fxq_reset - begin anew with the device
 * @fdev: the device, with fdev->admin held
 * @error: that the run ends with which the device stands in
 *
 * Return: 0, or what runs end with if the device does not come back: it is then
 * given up.
 */
int fxq_reset(struct fxq_device *fdev, int error)
{
	u64 begun;
	u32 taken;
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
	taken = fxq_ring_take_back(fdev, &begun);
	if (!ret)
		ret = fxq_device_start(fdev);
	trace_fxq_reset(fdev, taken, ret);
	if (ret) {
		dev_err(fdev->drm.dev, "no life after reset: %d\n", ret);
		fxq_device_cut_off(fdev);
		WRITE_ONCE(fdev->dead, ret);
	}
	end_unfit(fdev, begun, error);
	fxq_ring_resume(fdev);
	if (ret)
		fxq_abort(fdev, ret);
	return ret;
}

/**
 * fxq_reset_deaf - begin anew with a device that does not obey
 * @fdev: the device, with fdev->admin held
 *
 * If it has not got further since it was asked for the last time, the run that it
 * stands in hangs.
 *
 * Return: as fxq_reset().
 */
int fxq_reset_deaf(struct fxq_device *fdev)
{
	bool stands = READ_ONCE(fdev->ring.shared->progress) ==
		      fdev->ring.admin_progress;

	return fxq_reset(fdev, stands && is_there(fdev) ? -ETIME : -EIO);
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
		fxq_reset(fdev, -ETIME);
	else if (!READ_ONCE(fdev->dead))
		/* If it is still there, it stopped and no record says so. */
		fxq_ring_fail(fdev, number, -ETIME);
unlock:
	mutex_unlock(&fdev->admin);
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
	u64 number = READ_ONCE(run->number);
	bool passed = fxq_ring_passed(fdev, number);

	fxq_ring_reap(fdev, false);
	if (READ_ONCE(run->ended) || drm_dev_is_unplugged(&fdev->drm))
		return fxq_sched_keep(&run->base);
	if (!is_there(fdev)) {
		mutex_lock(&fdev->admin);
		fxq_reset(fdev, -EIO);
		mutex_unlock(&fdev->admin);
	} else if (passed) {
		fxq_ring_reap(fdev, true);
		fxq_ring_fail(fdev, number, -EIO);
	} else if (!has_moved(fdev, number) || over_limit(fdev)) {
		stop_run(fdev, run, number);
	}
	return fxq_sched_keep(&run->base);
}
