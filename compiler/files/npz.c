// SPDX-License-Identifier: MIT
/*
 * npz.c - named arrays: npy files in a zip file
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/fx.h>

#include "files.h"

static int add_member(const char *name, const struct zip_member *m,
		      struct tensors *npz)
{
	size_t n = strlen(m->name);
	char *label;
	int err;

	if (asprintf(&label, "%s: %s", name, m->name) < 0)
		return io_fail_memory(name);
	err = npy_parse(label, m->bytes.data, m->bytes.size,
			&npz->tensor[npz->n]);
	free(label);
	if (err)
		return err;
	if (n > 4 && !strcmp(m->name + n - 4, ".npy"))
		n -= 4;
	npz->name[npz->n] = strndup(m->name, n);
	if (!npz->name[npz->n])
		fxq_tensor_free(&npz->tensor[npz->n]);
	if (!npz->name[npz->n])
		return io_fail_memory(name);
	npz->n++;
	return 0;
}

int npz_parse(const char *name, const void *data, size_t size,
	      struct tensors *ret)
{
	struct tensors npz = { 0 };
	struct zip zip;
	int err;

	err = zip_parse(name, data, size, &zip);
	if (err)
		return err;
	npz.name = calloc(zip.n + 1, sizeof(*npz.name));
	npz.tensor = calloc(zip.n + 1, sizeof(*npz.tensor));
	if (!npz.name || !npz.tensor)
		err = io_fail_memory(name);
	for (size_t i = 0; !err && i < zip.n; i++)
		err = add_member(name, &zip.members[i], &npz);
	zip_free(&zip);
	if (err)
		tensors_free(&npz);
	else
		*ret = npz;
	return err;
}

int npz_format(const char *name, const struct tensors *npz, struct bytes *ret)
{
	struct zip zip = { calloc(npz->n + 1, sizeof(*zip.members)), 0 };
	int err = zip.members ? 0 : io_fail_memory(name);

	for (size_t i = 0; !err && i < npz->n; i++) {
		struct zip_member *m = &zip.members[i];

		if (asprintf(&m->name, "%s.npy", npz->name[i]) < 0) {
			err = io_fail_memory(name);
			break;
		}
		zip.n++;
		err = npy_format(name, &npz->tensor[i], &m->bytes);
	}
	if (!err)
		err = zip_format(name, &zip, ret);
	zip_free(&zip);
	return err;
}
