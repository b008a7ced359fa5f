// SPDX-License-Identifier: MIT
/*
 * test_accel.c - accel nodes in a sysfs of the test's own
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/drm_sysfs.h"

static char root[] = "/tmp/fxq-sysfs-XXXXXX";
static char path[256];

static const char *in_root(const char *what, const char *name)
{
	snprintf(path, sizeof(path), "%s/%s%s", root, what, name);
	return path;
}

/* A device at @address with the node @name; @driver NULL: nobody drives it. */
static void add(const char *name, const char *address, const char *driver)
{
	char target[128];

	assert_int_equal(mkdir(in_root("devices/", address), 0700), 0);
	if (driver) {
		char link[sizeof(path) + 8];

		snprintf(link, sizeof(link), "%s/driver", path);
		snprintf(target, sizeof(target), "../../bus/pci/drivers/%s",
			 driver);
		assert_int_equal(symlink(target, link), 0);
	}
	assert_int_equal(mkdir(in_root("class/accel/", name), 0700), 0);
	snprintf(target, sizeof(target), "../../../devices/%s", address);
	strcat(path, "/device");
	assert_int_equal(symlink(target, path), 0);
}

static int make_tree(void **state)
{
	if (!mkdtemp(root))
		return -1;
	mkdir(in_root("devices", ""), 0700);
	mkdir(in_root("class", ""), 0700);
	mkdir(in_root("class/accel", ""), 0700);
	add("accel10", "0000:00:05.0", "fxq");
	add("accel2", "0000:00:04.0", "fxq");
	add("accel0", "0000:00:0b.0", "intel_vpu");
	add("accel1", "0000:00:06.0", NULL);
	mkdir(in_root("class/accel/", "accelerated"), 0700);
	mkdir(in_root("class/accel/", "accel12345678901234567890"), 0700);
	mkdir(in_root("class/accel/", "accel7"), 0700);
	return 0;
}

static int remove_tree(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static void ours_are_listed_by_number(void **state)
{
	static struct accel_node nodes[ACCEL_NODES_MAX];

	assert_int_equal(accel_list(root, nodes), 2);
	assert_string_equal(nodes[0].name, "accel2");
	assert_string_equal(nodes[0].address, "0000:00:04.0");
	assert_string_equal(nodes[0].driver, "fxq");
	assert_string_equal(nodes[1].name, "accel10");
	assert_int_equal(accel_list("/nonexistent", nodes), 0);
}

static void each_name_finds_its_node(void **state)
{
	static const struct {
		const char *name, *node, *driver;
	} cases[] = {
		{ "accel2", "accel2", "fxq" },
		{ "/dev/accel/accel2", "accel2", "fxq" },
		{ "0000:00:05.0", "accel10", "fxq" },
		{ "accel0", "accel0", "intel_vpu" },
		{ "0000:00:06.0", "accel1", "" },
	};
	struct accel_node node;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(accel_find(root, cases[i].name, &node), 0);
		assert_string_equal(node.name, cases[i].node);
		assert_string_equal(node.driver, cases[i].driver);
	}
}

static void others_are_not_found(void **state)
{
	static const char *const names[] = {
		"", "accel", "accel3", "accel7", "accel02", "accel-2",
		"accel2/", "../accel2", "accelerated", "/dev/accel/",
		"/dev/accel/../accel2", "/dev/dri/card0", "0000:00:07.0",
		"0000:00:05.0 ", "accel12345678901234567890",
	};
	struct accel_node node;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (accel_find(root, names[i], &node) != -ENOENT)
			fail_msg("'%s' is found", names[i]);
	assert_int_equal(accel_find("/nonexistent", "accel0", &node), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours_are_listed_by_number),
		cmocka_unit_test(each_name_finds_its_node),
		cmocka_unit_test(others_are_not_found),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
