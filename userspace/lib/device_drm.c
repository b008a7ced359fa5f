// SPDX-License-Identifier: MIT
/*
 * device_drm.c - opening a device node of fxq.ko, and memory on it
 *
 * Whatever stands in the way is told with its remedy: no such node, another
 * driver's, no permission, another version of the contract.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "device_drm.h"
#include "fxq_contract.h"

#define UDEV_RULE	"60-fxq.rules"

int drm_call(struct fxq_device *dev, unsigned long request, void *arg)
{
	if (device_is_inherited(dev))
		return -ENODEV;
	dev->calls++;
	return drmIoctl(to_drm(dev)->fd, request, arg) ? -errno : 0;
}

static int map(struct fxq_device *dev, struct memory *m)
{
	struct drm_fxq_bo_mmap_offset where = { .handle = m->handle };
	int ret = drm_call(dev, DRM_IOCTL_FXQ_BO_MMAP_OFFSET, &where);
	void *mem;

	if (ret)
		return ret;
	mem = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   to_drm(dev)->fd, where.offset);
	if (mem == MAP_FAILED)
		return -errno;
	m->mem = mem;
	return 0;
}

int drm_bo_create(struct fxq_device *dev, struct memory *m, uint32_t flags)
{
	struct drm_fxq_bo_create bo = { .size = m->size, .flags = flags };
	int ret = drm_call(dev, DRM_IOCTL_FXQ_BO_CREATE, &bo);

	if (ret)
		return ret;
	m->handle = bo.handle;
	if (flags & DRM_FXQ_BO_NO_MMAP)
		return 0;
	ret = map(dev, m);
	if (ret)
		drm_bo_destroy(dev, m);
	return ret;
}

void drm_bo_destroy(struct fxq_device *dev, struct memory *m)
{
	struct drm_gem_close bo = { .handle = m->handle };

	if (m->mem)
		munmap(m->mem, m->size);
	if (m->handle)
		drm_call(dev, DRM_IOCTL_GEM_CLOSE, &bo);
	m->mem = NULL;
	m->handle = 0;
}

static int drm_alloc(struct fxq_device *dev, struct memory *m)
{
	return drm_bo_create(dev, m, 0);
}

static void drm_close(struct fxq_device *dev)
{
	close(to_drm(dev)->fd);
	free(dev);
}

static const struct device_ops drm_ops = {
	.close = drm_close,
	.alloc = drm_alloc,
	.free = drm_bo_destroy,
	.load = drm_load,
	.unload = drm_unload,
	.submit = drm_submit,
	.wait = drm_wait,
	.collect = drm_collect,
	.ring_open = drm_ring_open,
	.ring_links = drm_ring_links,
	.ring_file = drm_ring_file,
	.ring_enter = drm_ring_enter,
};

static int fail_open(const struct accel_node *node, const char *path, int err)
{
	if (err == -EACCES || err == -EPERM)
		return fxq_fail(err,
				"%s may not be opened by this user: %s belongs to the group render (udev rule " UDEV_RULE "); add the user with `usermod -aG render NAME` and log in again",
				node->name, path);
	if (err == -ENOENT)
		return fxq_fail(-ENODEV,
				"%s has no node %s; is udev running, and the udev rule " UDEV_RULE " installed?",
				node->name, path);
	return fxq_fail(err, "%s cannot be opened: %s", path, strerror(-err));
}

/* Is it our driver that answers? */
static int check_driver(struct drm_device *dev)
{
	drmVersionPtr version = drmGetVersion(dev->fd);
	int ret = 0;

	if (!version)
		return fxq_fail(-ENODEV, "%s does not answer as a DRM device: %s",
				dev->node.name, strerror(errno));
	if (strcmp(version->name, ACCEL_DRIVER))
		ret = fxq_fail(-ENODEV,
			       "%s is a device of the driver %s, not of "
			       ACCEL_DRIVER, dev->node.name,
			       fxq_quote(version->name));
	snprintf(dev->version, sizeof(dev->version), "%d.%d.%d",
		 version->version_major, version->version_minor,
		 version->version_patchlevel);
	drmFreeVersion(version);
	return ret;
}

static int read_caps(struct drm_device *dev)
{
	struct drm_fxq_device_info info = { 0 };
	struct drm_fxq_dev_query query = {
		.type = DRM_FXQ_QUERY_DEVICE,
		.size = sizeof(info),
		.pointer = (uintptr_t)&info,
	};
	int ret = drm_call(&dev->base, DRM_IOCTL_FXQ_DEV_QUERY, &query);

	if (ret)
		return fxq_fail(ret, "%s does not tell what it can do: %s",
				dev->node.name, strerror(-ret));
	for (size_t i = 0; i < sizeof(info.contract); i++)
		sprintf(dev->contract + 2 * i, "%02x", info.contract[i]);
	if (strcmp(dev->contract, FXQ_CONTRACT_HEX))
		return fxq_fail(-EPROTO,
				"%s and its driver (%s) follow contract %.12s, this library (%s) contract %.12s; install driver and library of one version",
				dev->node.name, dev->version, dev->contract,
				FXQ_LIB_VERSION, FXQ_CONTRACT_HEX);
	dev->uring = info.features & DRM_FXQ_FEATURE_URING;
	dev->base.caps = (struct fxq_device_caps){
		.spm_bytes = info.spm_bytes,
		.acc_bytes = info.acc_bytes,
		.max_descriptors = info.max_descriptors,
		.clock_khz = info.clock_khz,
		.macs = info.macs,
		.max_inflight = info.max_inflight,
	};
	return 0;
}

static int open_node(const struct accel_node *node, struct fxq_device **ret_dev)
{
	struct drm_device *dev = calloc(1, sizeof(*dev));
	char path[64];
	int ret;

	if (!dev)
		return fxq_fail_memory("a device");
	dev->node = *node;
	dev->base.ops = &drm_ops;
	dev->base.forks = device_forks();
	snprintf(path, sizeof(path), "/dev/accel/%s", node->name);
	dev->fd = open(path, O_RDWR | O_CLOEXEC);
	if (dev->fd < 0) {
		ret = fail_open(node, path, -errno);
		free(dev);
		return ret;
	}
	ret = check_driver(dev);
	if (!ret)
		ret = read_caps(dev);
	if (ret) {
		drm_close(&dev->base);
		return ret;
	}
	dev->base.info = (struct fxq_device_info){
		.name = dev->node.name,
		.address = dev->node.address,
		.driver = ACCEL_DRIVER,
		.driver_version = dev->version,
		.contract = dev->contract,
	};
	*ret_dev = &dev->base;
	return 0;
}

static int open_first(struct fxq_device **ret_dev)
{
	struct accel_node nodes[ACCEL_NODES_MAX];
	unsigned int n = accel_list(SYSFS, nodes);
	int ret = -ENODEV;

	for (unsigned int i = 0; i < n && ret; i++)
		ret = open_node(&nodes[i], ret_dev);
	return ret;
}

/* There is no such device: say which there are. */
static int fail_name(const char *name)
{
	struct accel_node nodes[ACCEL_NODES_MAX];
	unsigned int n = accel_list(SYSFS, nodes);
	char all[160] = "";
	size_t at = 0;

	for (unsigned int i = 0; i < n && at < sizeof(all) - 40; i++)
		at += snprintf(all + at, sizeof(all) - at, "%s, ",
			       nodes[i].name);
	return fxq_fail(-ENODEV,
			"there is no device called %s; %s %s" EMBEDDED "%s",
			fxq_quote(name), n ? "there are" : "there is", all,
			n ? "" : " (for others, fxq.ko must be loaded)");
}

int drm_device_open(const char *name, struct fxq_device **ret_dev)
{
	struct accel_node node;

	if (!name)
		return open_first(ret_dev);
	if (accel_find(SYSFS, name, &node))
		return fail_name(name);
	if (strcmp(node.driver, ACCEL_DRIVER))
		return fxq_fail(-ENODEV,
				"%s (%s) is a device of the driver %s, not of "
				ACCEL_DRIVER, node.name, node.address,
				*node.driver ? node.driver : "none");
	return open_node(&node, ret_dev);
}
