// SPDX-License-Identifier: MIT
/*
 * drm_sysfs.c - which accel nodes there are
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drm_sysfs.h"

#define DEV_FOLDER	"/dev/accel/"
#define PREFIX		"accel"

/* "accel" and a number, as the kernel writes it. */
static bool is_accel(const char *name)
{
	const char *digits = name + strlen(PREFIX);

	return !strncmp(name, PREFIX, strlen(PREFIX)) && *digits &&
	       strspn(digits, "0123456789") == strlen(digits) &&
	       strlen(name) < sizeof(((struct accel_node *)NULL)->name);
}

/* What a link of a node points to, without the way there. */
static bool read_link(const char *sysfs, const char *name, const char *link,
		      char *to, size_t size)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *last;
	ssize_t n;

	to[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/class/accel/%s/%s", sysfs, name,
		     link) >= (int)sizeof(path))
		return false;
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	last = strrchr(target, '/');
	last = last ? last + 1 : target;
	if (strlen(last) >= size)
		return false;
	strcpy(to, last);
	return true;
}

static bool read_node(const char *sysfs, const char *name,
		      struct accel_node *ret)
{
	if (!is_accel(name) ||
	    !read_link(sysfs, name, "device", ret->address,
		       sizeof(ret->address)))
		return false;
	strcpy(ret->name, name);
	read_link(sysfs, name, "device/driver", ret->driver,
		  sizeof(ret->driver));
	return true;
}

static int by_number(const void *a, const void *b)
{
	const struct accel_node *x = a, *y = b;
	unsigned long m = strtoul(x->name + strlen(PREFIX), NULL, 10);
	unsigned long n = strtoul(y->name + strlen(PREFIX), NULL, 10);

	return m < n ? -1 : m > n;
}

static DIR *open_class(const char *sysfs)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/class/accel", sysfs);
	return opendir(path);
}

unsigned int accel_list(const char *sysfs,
			struct accel_node nodes[ACCEL_NODES_MAX])
{
	DIR *dir = open_class(sysfs);
	struct dirent *entry;
	unsigned int n = 0;

	if (!dir)
		return 0;
	while (n < ACCEL_NODES_MAX && (entry = readdir(dir)))
		if (read_node(sysfs, entry->d_name, &nodes[n]) &&
		    !strcmp(nodes[n].driver, ACCEL_DRIVER))
			n++;
	closedir(dir);
	qsort(nodes, n, sizeof(*nodes), by_number);
	return n;
}

static int find_address(const char *sysfs, const char *address,
			struct accel_node *ret)
{
	DIR *dir = open_class(sysfs);
	struct dirent *entry;
	int err = -ENOENT;

	if (!dir)
		return -ENOENT;
	while (err && (entry = readdir(dir)))
		if (read_node(sysfs, entry->d_name, ret) &&
		    !strcmp(ret->address, address))
			err = 0;
	closedir(dir);
	return err;
}

int accel_find(const char *sysfs, const char *name, struct accel_node *ret)
{
	if (!strncmp(name, DEV_FOLDER, strlen(DEV_FOLDER)))
		name += strlen(DEV_FOLDER);
	if (is_accel(name))
		return read_node(sysfs, name, ret) ? 0 : -ENOENT;
	return find_address(sysfs, name, ret);
}
