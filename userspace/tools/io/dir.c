// SPDX-License-Identifier: MIT
/*
 * dir.c - the files of a folder, in an order that is the same everywhere
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io.h"

bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

void list_free(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->path[i]);
	free(l->path);
	*l = (struct list){ 0 };
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Takes over @path. */
static int list_add(struct list *l, char *path)
{
	char **more = NULL;

	if (path)
		more = realloc(l->path, (l->n + 1) * sizeof(*more));
	if (!more) {
		free(path);
		return -ENOMEM;
	}
	l->path = more;
	l->path[l->n++] = path;
	return 0;
}

static int list_some(const char *folder, bool (*wanted)(const char *path),
		     const char *what, struct list *ret)
{
	struct list l = { 0 };
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return io_fail(-errno, "%s: %s", folder, strerror(errno));
	while (!err && (entry = readdir(dir))) {
		char *path;

		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&path, "%s/%s", folder, entry->d_name) < 0)
			path = NULL;
		if (path && !wanted(path))
			free(path);
		else
			err = list_add(&l, path);
	}
	closedir(dir);
	if (!err && l.n) {
		qsort(l.path, l.n, sizeof(*l.path), by_bytes);
		*ret = l;
		return 0;
	}
	list_free(&l);
	return err ? io_fail_memory(folder) :
		     io_fail(-ENOENT, "%s: this folder has no %s", folder,
			     what);
}

int list_files(const char *folder, struct list *ret)
{
	return list_some(folder, is_file, "files", ret);
}

int list_folders(const char *folder, struct list *ret)
{
	return list_some(folder, is_folder, "folders", ret);
}
