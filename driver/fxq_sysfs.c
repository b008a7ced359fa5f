// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_sysfs.c - attributes of the PCI device: how busy it is
 *
 * Documentation/driver/observing.rst says what each of them means. They are
 * there as long as the driver is bound; none touches a register, so none wakes
 * the device.
 */
#include <linux/device.h>
#include <linux/mm.h>
#include <linux/sysfs.h>

#include "fxq_device.h"
#include "fxq_sysfs.h"

static ssize_t npu_busy_percent_show(struct device *dev,
				     struct device_attribute *attr, char *buf)
{
	struct fxq_device *fdev = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", fxq_usage_percent(&fdev->usage));
}
static DEVICE_ATTR_RO(npu_busy_percent);

static ssize_t npu_memory_utilization_show(struct device *dev,
					   struct device_attribute *attr,
					   char *buf)
{
	struct fxq_device *fdev = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%llu\n",
			  (u64)atomic64_read(&fdev->usage.memory));
}
static DEVICE_ATTR_RO(npu_memory_utilization);

static ssize_t npu_memory_total_show(struct device *dev,
				     struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", (u64)totalram_pages() << PAGE_SHIFT);
}
static DEVICE_ATTR_RO(npu_memory_total);

static struct attribute *fxq_sysfs_attrs[] = {
	&dev_attr_npu_busy_percent.attr,
	&dev_attr_npu_memory_utilization.attr,
	&dev_attr_npu_memory_total.attr,
	NULL
};

static const struct attribute_group fxq_sysfs_group = {
	.attrs = fxq_sysfs_attrs,
};

const struct attribute_group *fxq_sysfs_groups[] = {
	&fxq_sysfs_group,
	NULL
};
