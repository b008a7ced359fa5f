// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_pm.c - sleep: of an idle device, and of the whole machine
 *
 * In D3hot the device forgets everything, and wakes as if reset. So what it is
 * told with its rings is told anew, and what would have to be invalidated,
 * stopped or rearmed in a sleeping device is no longer there: whoever holds
 * fdev->admin and finds it asleep has nothing to tell it.
 *
 * Each run keeps the device awake from SUBMIT, where one may sleep, until it is
 * freed. Nothing that signals a fence ever waits for power.
 */
#include <linux/interrupt.h>
#include <linux/iopoll.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "fxq_ctx.h"
#include "fxq_device.h"
#include "fxq_job.h"
#include "fxq_pm.h"
#include "fxq_run.h"

#define IDLE_MS		1000	/* before an idle device is put to sleep */
#define DRAIN_MS	1000	/* beyond job_limit_ms, for the last run */

/**
 * fxq_pm_get - wake the device and keep it awake
 * @fdev: the device
 *
 * Return: 0, or -ENODEV if there is nothing to wake.
 */
int fxq_pm_get(struct fxq_device *fdev)
{
	return pm_runtime_resume_and_get(fdev->drm.dev) ? -ENODEV : 0;
}

/**
 * fxq_pm_get_if_awake - keep the device awake, if it is
 * @fdev: the device
 *
 * Return: 0, or -EBUSY: it sleeps, or is between the two.
 */
int fxq_pm_get_if_awake(struct fxq_device *fdev)
{
	return pm_runtime_get_if_active(fdev->drm.dev) == 1 ? 0 : -EBUSY;
}

/**
 * fxq_pm_put - undo either of these
 * @fdev: the device
 */
void fxq_pm_put(struct fxq_device *fdev)
{
	pm_runtime_mark_last_busy(fdev->drm.dev);
	pm_runtime_put_autosuspend(fdev->drm.dev);
}

/**
 * fxq_pm_hold - keep the device awake for a run
 * @run: about to be armed; the caller keeps the device awake as well
 */
void fxq_pm_hold(struct fxq_run *run)
{
	pm_runtime_get_noresume(run->job->ctx->fdev->drm.dev);
}

/**
 * fxq_pm_release - a run that was armed is freed
 * @run: the run
 */
void fxq_pm_release(struct fxq_run *run)
{
	fxq_pm_put(run->job->ctx->fdev);
}

/* The ring is empty, and stays so until wake_up(). */
static void fall_asleep(struct fxq_device *fdev)
{
	struct pci_dev *pdev = to_pci_dev(fdev->drm.dev);
	int i;

	mutex_lock(&fdev->admin);
	fdev->asleep = true;
	mutex_unlock(&fdev->admin);
	/* Whoever still takes records has done so when this returns. */
	for (i = 0; i < FXQ_VECTORS; i++)
		synchronize_irq(pci_irq_vector(pdev, i));
}

/* A device that does not wake is given up, which is no reason to fail. */
static void wake_up_device(struct fxq_device *fdev)
{
	int ret;

	mutex_lock(&fdev->admin);
	fdev->asleep = false;
	ret = READ_ONCE(fdev->dead) ? 0 : fxq_device_still(fdev);
	if (!ret && !READ_ONCE(fdev->dead))
		ret = fxq_device_start(fdev);
	if (ret) {
		fxq_device_cut_off(fdev);
		drm_err(&fdev->drm, "does not wake up: %d\n", ret);
		fxq_abort(fdev, ret);
	}
	mutex_unlock(&fdev->admin);
}

static int fxq_runtime_suspend(struct device *dev)
{
	fall_asleep(dev_get_drvdata(dev));
	return 0;
}

static int fxq_runtime_resume(struct device *dev)
{
	wake_up_device(dev_get_drvdata(dev));
	return 0;
}

/*
 * Are runs handed over? Contexts may be stopped meanwhile, by whoever closes a
 * file that no frozen task holds.
 */
static void suspend_runs(struct fxq_device *fdev, bool suspended)
{
	mutex_lock(&fdev->admin);
	fdev->suspended = suspended;
	if (suspended)
		drm_sched_wqueue_stop(&fdev->sched->base);
	else
		drm_sched_wqueue_start(&fdev->sched->base);
	mutex_unlock(&fdev->admin);
}

/*
 * The machine goes to sleep; tasks are frozen. No run is handed over any more,
 * those in the ring end: well, or judged as always.
 */
static int fxq_suspend(struct device *dev)
{
	struct fxq_device *fdev = dev_get_drvdata(dev);
	u64 us = ((u64)fxq_job_limit_ms + DRAIN_MS) * USEC_PER_MSEC;
	bool empty;
	int ret;

	suspend_runs(fdev, true);
	ret = read_poll_timeout(fxq_ring_is_empty, empty, empty, 1000, us,
				false, fdev);
	if (ret) {
		suspend_runs(fdev, false);
		return -EBUSY;
	}
	fall_asleep(fdev);
	return 0;
}

static int fxq_resume(struct device *dev)
{
	struct fxq_device *fdev = dev_get_drvdata(dev);

	wake_up_device(fdev);
	suspend_runs(fdev, false);
	return 0;
}

const struct dev_pm_ops fxq_pm_ops = {
	SYSTEM_SLEEP_PM_OPS(fxq_suspend, fxq_resume)
	RUNTIME_PM_OPS(fxq_runtime_suspend, fxq_runtime_resume, NULL)
};

/**
 * fxq_pm_enable - let the device sleep when it is idle
 * @fdev: the device, registered
 *
 * The bus has kept it awake for probe().
 */
void fxq_pm_enable(struct fxq_device *fdev)
{
	struct device *dev = fdev->drm.dev;

	pm_runtime_set_autosuspend_delay(dev, IDLE_MS);
	pm_runtime_use_autosuspend(dev);
	pm_runtime_allow(dev);
	fxq_pm_put(fdev);
}

/**
 * fxq_pm_disable - wake the device for good
 * @fdev: the device, about to be removed
 */
void fxq_pm_disable(struct fxq_device *fdev)
{
	struct device *dev = fdev->drm.dev;

	pm_runtime_get_sync(dev);
	pm_runtime_forbid(dev);
	pm_runtime_dont_use_autosuspend(dev);
}
