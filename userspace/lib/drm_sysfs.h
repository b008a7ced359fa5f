/* SPDX-License-Identifier: MIT */
/*
 * drm_sysfs.h - which accel nodes there are
 *
 * libdrm looks for devices in /dev/dri only, so this reads /sys/class/accel
 * itself. Functions take the folder where sysfs is mounted.
 */
#ifndef FXQ_LIB_DRM_SYSFS_H
#define FXQ_LIB_DRM_SYSFS_H

#define SYSFS		"/sys"
#define ACCEL_NODES_MAX	64
#define ACCEL_DRIVER	"fxq"

/*
 * struct accel_node
 * @name: "accel0"
 * @address: of its device on the bus, "0000:00:04.0"
 * @driver: of its device; "" if it has none
 */
struct accel_node {
	char name[16];
	char address[32];
	char driver[32];
};

/* Nodes of our driver, by number; the first ACCEL_NODES_MAX. Returns how many. */
unsigned int accel_list(const char *sysfs,
			struct accel_node nodes[ACCEL_NODES_MAX]);
/*
 * Finds a node by "accel0", "/dev/accel/accel0" or "0000:00:04.0", whoever's
 * driver it is. -ENOENT.
 */
int accel_find(const char *sysfs, const char *name, struct accel_node *ret);

#endif /* FXQ_LIB_DRM_SYSFS_H */
