// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_device.c - the PCI function: found, set up, reset, lost
 *
 * A device that was built for other contracts than the driver is refused in a
 * sentence. It is set up before its node appears and cut off after the node has
 * gone: what files, dma-bufs and runs hold is the node's structure, which the
 * last of them frees. So a function may be pulled out at any time; registers are
 * touched within drm_dev_enter() alone.
 *
 * Before rings or page tables are freed the device is still, or can reach no
 * memory any more.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <drm/drm_drv.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "fxq_compat.h"
#include "fxq_contract.h"
#include "fxq_debugfs.h"
#include "fxq_device.h"
#include "fxq_drv.h"
#include "fxq_pm.h"
#include "fxq_sysfs.h"
#include "fxq_wedged.h"

#define RESET_WAIT_US	2000000
#define RESET_POLL_US	100
#define MAX_DESCRIPTORS	SZ_1M

static unsigned int ring_depth = FXQ_DEPTH_DEFAULT;
module_param(ring_depth, uint, 0444);
MODULE_PARM_DESC(ring_depth, "Entries of a device's rings, a power of two");

/* The first 32 bits of the contracts' hash, as the device tells them. */
static u32 contract_of_driver(void)
{
	static const u8 hash[] = FXQ_CONTRACT_HASH;

	return (u32)hash[0] << 24 | hash[1] << 16 | hash[2] << 8 | hash[3];
}

static int identify(struct fxq_device *fdev)
{
	struct device *dev = fdev->drm.dev;
	u32 id = fxq_read(fdev, FXQ_REG_ID);
	u32 version = fxq_read(fdev, FXQ_REG_VERSION);
	u32 contract = fxq_read(fdev, FXQ_REG_CONTRACT);

	if (id != FXQ_ID_VALUE)
		return dev_err_probe(dev, -ENODEV,
				     "not an fxq device: ID is %#x\n", id);
	if (version != FXQ_VERSION_VALUE)
		return dev_err_probe(dev, -ENODEV,
				     "device speaks version %u of the registers, this driver %u\n",
				     version, FXQ_VERSION_VALUE);
	if (contract != contract_of_driver())
		return dev_err_probe(dev, -ENODEV,
				     "device was built for contract %08x, this driver for %08x: use those of one release\n",
				     contract, contract_of_driver());
	fdev->caps.spm_bytes = fxq_read(fdev, FXQ_REG_SPM_BYTES);
	fdev->caps.acc_bytes = fxq_read(fdev, FXQ_REG_ACC_BYTES);
	/* A stream is copied: what a device may ask of this has an end. */
	fdev->caps.max_descriptors = min(fxq_read(fdev, FXQ_REG_MAX_DESCS),
					 MAX_DESCRIPTORS);
	fdev->clock_khz = fxq_read(fdev, FXQ_REG_CLOCK_KHZ);
	fdev->macs = fxq_read(fdev, FXQ_REG_MACS);
	if (fxq_read(fdev, FXQ_REG_CONTEXTS) < FXQ_CONTEXTS_MAX ||
	    fxq_read(fdev, FXQ_REG_MAX_DEPTH) < ring_depth)
		return dev_err_probe(dev, -ENODEV,
				     "device has fewer contexts or ring entries than needed\n");
	return 0;
}

static void write_base(struct fxq_device *fdev, u32 low, const void *p)
{
	u64 bus = fdev->ring.bus + (p - fdev->ring.memory);

	fxq_write(fdev, low, lower_32_bits(bus));
	fxq_write(fdev, low + 4, upper_32_bits(bus));
}

/*
 * Waits until the device has acted upon CONTROL; its status, or -errno. Bits
 * that have no meaning are not looked at, lest they look like an error.
 */
static int wait_idle(struct fxq_device *fdev)
{
	/* Reads may take longer than the sleeps between them. */
	ktime_t end = ktime_add_us(ktime_get(), RESET_WAIT_US);
	bool late;

	do {
		u32 status;

		late = ktime_after(ktime_get(), end);
		status = fxq_read(fdev, FXQ_REG_STATUS);
		if (status == U32_MAX)
			return -ENODEV;
		if (!(status & FXQ_STATUS_BUSY) &&
		    !(fxq_read(fdev, FXQ_REG_CONTROL) & FXQ_CONTROL_RESET))
			return status & FXQ_STATUS_ENABLED;
		usleep_range(RESET_POLL_US, 2 * RESET_POLL_US);
	} while (!late);
	return -EIO;
}

static int soft_reset(struct fxq_device *fdev)
{
	int status;

	fxq_write(fdev, FXQ_REG_CONTROL, FXQ_CONTROL_RESET);
	status = wait_idle(fdev);
	return status < 0 ? status : 0;
}

/**
 * fxq_device_still - have the device forget all and reach memory no more
 * @fdev: the device
 *
 * If its registers do not do, a reset of the function might. That needs the
 * lock which remove() is called with, so it is only tried for.
 *
 * Return: 0; -EIO if it goes on, -ENODEV if it is gone.
 */
int fxq_device_still(struct fxq_device *fdev)
{
	struct pci_dev *pdev = to_pci_dev(fdev->drm.dev);
	int ret, cookie;

	if (!drm_dev_enter(&fdev->drm, &cookie))
		return -ENODEV;
	ret = soft_reset(fdev);
	/* One that was pulled out would be waited for, for a minute. */
	if (ret && pci_device_is_present(pdev) && !pci_try_reset_function(pdev))
		ret = soft_reset(fdev);
	drm_dev_exit(cookie);
	return ret;
}

static int enable(struct fxq_device *fdev)
{
	struct fxq_ring *ring = &fdev->ring;
	int status;

	fxq_write(fdev, FXQ_REG_DEPTH, ring->depth);
	write_base(fdev, FXQ_REG_SUBMIT_LO, ring->submit);
	write_base(fdev, FXQ_REG_COMPLETE_LO, ring->complete);
	write_base(fdev, FXQ_REG_CONTEXT_LO, ring->contexts);
	write_base(fdev, FXQ_REG_SHARED_LO, ring->shared);
	fxq_write(fdev, FXQ_REG_CONTROL, FXQ_CONTROL_ENABLE);
	status = wait_idle(fdev);
	if (status < 0)
		return status;
	return status ? 0 : -EIO;
}

/**
 * fxq_device_start - let the device begin with empty rings
 * @fdev: the device, which is still
 *
 * Return: 0; -EIO if it does not, -ENODEV if it is gone.
 */
int fxq_device_start(struct fxq_device *fdev)
{
	int ret, cookie;

	if (!drm_dev_enter(&fdev->drm, &cookie))
		return -ENODEV;
	fxq_ring_clear(fdev);
	/* What an earlier kernel told it is forgotten by now. */
	pci_set_master(to_pci_dev(fdev->drm.dev));
	ret = enable(fdev);
	drm_dev_exit(cookie);
	return ret;
}

/**
 * fxq_device_cut_off - take memory from a device that does not obey
 * @fdev: the device
 */
void fxq_device_cut_off(struct fxq_device *fdev)
{
	int cookie;

	if (!drm_dev_enter(&fdev->drm, &cookie))
		return;
	pci_clear_master(to_pci_dev(fdev->drm.dev));
	drm_dev_exit(cookie);
}

static irqreturn_t fxq_irq(int irq, void *data)
{
	fxq_ring_reap(data, false);
	return IRQ_HANDLED;
}

static void free_vectors(void *data)
{
	pci_free_irq_vectors(data);
}

static int request_irqs(struct fxq_device *fdev, struct pci_dev *pdev)
{
	int ret, i;

	ret = pci_alloc_irq_vectors(pdev, FXQ_VECTORS, FXQ_VECTORS,
				    PCI_IRQ_MSIX);
	if (ret < 0)
		return ret;
	ret = devm_add_action_or_reset(&pdev->dev, free_vectors, pdev);
	for (i = 0; !ret && i < FXQ_VECTORS; i++)
		ret = devm_request_irq(&pdev->dev, pci_irq_vector(pdev, i),
				       fxq_irq, 0, "fxq", fdev);
	return ret;
}

static int map_device(struct fxq_device *fdev, struct pci_dev *pdev)
{
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(52));
	if (ret)
		return ret;
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	fdev->regs = pcim_iomap(pdev, FXQ_BAR_REGS, FXQ_BAR_BYTES);
	if (!fdev->regs)
		return -ENOMEM;
	return 0;
}

/* What the module was loaded with. */
static int check_parameters(struct pci_dev *pdev)
{
	if (!is_power_of_2(ring_depth) || ring_depth < 4 ||
	    ring_depth > FXQ_DEPTH_MAX)
		return dev_err_probe(&pdev->dev, -EINVAL,
				     "ring_depth is %u; a power of two from 4 to %u is needed\n",
				     ring_depth, FXQ_DEPTH_MAX);
	if (fxq_va_bits < FXQ_VA_BITS_MIN || fxq_va_bits > FXQ_VA_BITS)
		return dev_err_probe(&pdev->dev, -EINVAL,
				     "va_bits is %u; %u to %u are possible\n",
				     fxq_va_bits, FXQ_VA_BITS_MIN, FXQ_VA_BITS);
	if (!fxq_job_timeout_ms)
		return dev_err_probe(&pdev->dev, -EINVAL,
				     "job_timeout_ms is 0, and every run would be a hang: give it milliseconds\n");
	return 0;
}

static int fxq_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct fxq_device *fdev;
	int ret;

	ret = check_parameters(pdev);
	if (ret)
		return ret;
	fdev = devm_drm_dev_alloc(&pdev->dev, &fxq_drm_driver,
				  struct fxq_device, drm);
	if (IS_ERR(fdev))
		return PTR_ERR(fdev);
	pci_set_drvdata(pdev, fdev);
	ret = drmm_mutex_init(&fdev->drm, &fdev->admin);
	if (ret)
		return ret;
	init_waitqueue_head(&fdev->room);
	fxq_usage_init(&fdev->usage);
	fxq_wedged_init(fdev);
	ret = map_device(fdev, pdev);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "cannot map BAR 0\n");
	ret = identify(fdev);
	if (ret)
		return ret;
	ret = fxq_ring_init(fdev, ring_depth);
	if (ret)
		return ret;
	ret = fxq_sched_setup(fdev);
	if (ret)
		return ret;
	ret = request_irqs(fdev, pdev);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupt vectors\n");
	ret = fxq_device_still(fdev);
	if (!ret)
		ret = fxq_device_start(fdev);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "device does not start\n");
	fxq_debugfs_init(fdev);
	ret = drm_dev_register(&fdev->drm, 0);
	if (ret)
		return ret;
	fxq_pm_enable(fdev);
	return 0;
}

/* The driver goes, or the device went: either way nobody may touch it after. */
static void fxq_remove(struct pci_dev *pdev)
{
	struct fxq_device *fdev = pci_get_drvdata(pdev);

	fxq_pm_disable(fdev);
	/* From here on register accesses are over, but for these two. */
	drm_dev_unplug(&fdev->drm);
	fxq_write(fdev, FXQ_REG_CONTROL, FXQ_CONTROL_RESET);
	wait_idle(fdev);
	pci_clear_master(pdev);
	fxq_abort(fdev, -ENODEV);
	cancel_work_sync(&fdev->ring.more);
	cancel_delayed_work_sync(&fdev->sched->base.work_tdr);
	flush_workqueue(fdev->timeouts);
}

static const struct pci_device_id fxq_ids[] = {
	{ PCI_DEVICE(FXQ_PCI_VENDOR, FXQ_PCI_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, fxq_ids);

struct pci_driver fxq_pci_driver = {
	.name = "fxq",
	.id_table = fxq_ids,
	.probe = fxq_probe,
	.remove = fxq_remove,
	.dev_groups = fxq_sysfs_groups,
	.driver.pm = pm_ptr(&fxq_pm_ops),
};
