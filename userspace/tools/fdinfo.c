// SPDX-License-Identifier: MIT
/*
 * fdinfo.c - reads /proc/PID/fdinfo
 *
 * The kernel describes there each open file of a DRM device, as drm-KEY lines.
 * A file that was inherited or sent shows up in several processes and under
 * several numbers; device and client id tell that it is one.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/io.h"
#include "fdinfo.h"

#define DRIVER	"fxq"

/* Lines whose value is a number. */
static const struct {
	const char *key;
	size_t member;
} numbers[] = {
	{ "drm-client-id", offsetof(struct client, id) },
	{ "drm-engine-npu", offsetof(struct client, ns) },
	{ "drm-cycles-npu", offsetof(struct client, cycles) },
	{ "drm-total-memory", offsetof(struct client, total) },
	{ "drm-resident-memory", offsetof(struct client, resident) },
};

/* "12 KiB", "12 ns", "12" */
static uint64_t parse_value(const char *text)
{
	char *unit;
	uint64_t v = strtoull(text, &unit, 10);

	unit += strspn(unit, " ");
	if (!strncmp(unit, "KiB", 3))
		return v << 10;
	if (!strncmp(unit, "MiB", 3))
		return v << 20;
	return v;
}

/* Takes a line in; false if it says that the file is another driver's. */
static bool parse_line(char *line, struct client *c, bool *ours)
{
	char *value = strchr(line, ':');

	if (!value)
		return true;
	*value++ = '\0';
	value += strspn(value, " \t");
	value[strcspn(value, "\n")] = '\0';
	if (!strcmp(line, "drm-driver")) {
		*ours = !strcmp(value, DRIVER);
		return *ours;
	}
	if (!strcmp(line, "drm-pdev"))
		snprintf(c->device, sizeof(c->device), "%s", value);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (!strcmp(line, numbers[i].key)) {
			uint64_t v = parse_value(value);

			memcpy((char *)c + numbers[i].member, &v, sizeof(v));
		}
	return true;
}

/* Reads the file at @path; true if it is one of our driver's. */
static bool read_file(const char *path, struct client *c)
{
	FILE *f = fopen(path, "re");
	bool ours = false, more = true;
	char line[256];

	if (!f)
		return false;
	while (more && fgets(line, sizeof(line), f))
		more = parse_line(line, c, &ours);
	fclose(f);
	return ours;
}

static void read_command(const char *proc, struct client *c)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%d/comm", proc, c->pid);
	f = fopen(path, "re");
	if (f && fgets(c->command, sizeof(c->command), f))
		c->command[strcspn(c->command, "\n")] = '\0';
	if (f)
		fclose(f);
}

static int add(struct clients *clients, const struct client *c)
{
	struct client *more = realloc(clients->c,
				      (clients->n + 1) * sizeof(*more));

	if (!more)
		return io_fail_memory("the clients of devices");
	clients->c = more;
	clients->c[clients->n++] = *c;
	return 0;
}

/* The files of process @pid. It may end meanwhile, or be another user's. */
static int read_process(const char *proc, int pid, struct clients *clients)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%d/fdinfo", proc, pid);
	dir = opendir(path);
	while (dir && !err && (entry = readdir(dir))) {
		struct client c = { .pid = pid };

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%s/%d/fdinfo/%s", proc, pid,
			 entry->d_name);
		if (!read_file(path, &c) || clients_find(clients, &c))
			continue;
		read_command(proc, &c);
		err = add(clients, &c);
	}
	if (dir)
		closedir(dir);
	return err;
}

int clients_read(const char *proc, struct clients *ret)
{
	struct clients clients = { 0 };
	DIR *dir = opendir(proc);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return io_fail(-errno, "%s cannot be read: %s", proc,
			       strerror(errno));
	while (!err && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			err = read_process(proc, atoi(entry->d_name), &clients);
	closedir(dir);
	if (err)
		clients_free(&clients);
	else
		*ret = clients;
	return err;
}

void clients_free(struct clients *clients)
{
	free(clients->c);
	*clients = (struct clients){ 0 };
}

const struct client *clients_find(const struct clients *clients,
				  const struct client *c)
{
	for (size_t i = 0; i < clients->n; i++)
		if (clients->c[i].id == c->id &&
		    !strcmp(clients->c[i].device, c->device))
			return &clients->c[i];
	return NULL;
}
