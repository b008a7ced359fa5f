// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_wedged.c - a device that was given up asks for help
 *
 * No reset brought it back: its runs have ended and nothing is submitted any
 * more. Binding it again, with a reset of the bus before, may help; who can do
 * that is told by an event of the node and by the log. An event allocates, so a
 * worker sends it, when the fences are signalled.
 *
 * The event is that of drm_dev_wedged_event(), which cannot be called: it sends
 * from the primary node, and a compute accelerator has none.
 */
#include <linux/kobject.h>
#include <linux/workqueue.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "fxq_device.h"
#include "fxq_wedged.h"

static void tell(struct work_struct *work)
{
	struct fxq_device *fdev = container_of(work, struct fxq_device, wedged);
	struct device *node = fdev->drm.accel->kdev;
	char *event[] = { "WEDGED=rebind,bus-reset", NULL };

	dev_err(fdev->drm.dev, "given up: unbind, reset and bind it again\n");
	kobject_uevent_env(&node->kobj, KOBJ_CHANGE, event);
	drm_dev_put(&fdev->drm);
}

/**
 * fxq_wedged_init - be ready for the worst
 * @fdev: the device
 */
void fxq_wedged_init(struct fxq_device *fdev)
{
	INIT_WORK(&fdev->wedged, tell);
}

/**
 * fxq_wedged - the device is given up
 * @fdev: the device; if it was unbound or pulled out nothing happens
 */
void fxq_wedged(struct fxq_device *fdev)
{
	if (drm_dev_is_unplugged(&fdev->drm))
		return;
	drm_dev_get(&fdev->drm);
	if (!queue_work(fxq_wq, &fdev->wedged))
		drm_dev_put(&fdev->drm);
}
