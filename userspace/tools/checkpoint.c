// SPDX-License-Identifier: MIT
/*
 * checkpoint.c - tensors of a running program as the arrays of an npz file
 *
 * A file that does not have exactly what is asked for is refused, and nothing
 * of it is taken.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "train.h"

void live_add(struct tensors *live, const char *prefix, const char *key,
	      const struct fxq_tensor *t)
{
	size_t n = live->n + 1;

	live->name = realloc(live->name, n * sizeof(*live->name));
	live->tensor = realloc(live->tensor, n * sizeof(*live->tensor));
	if (!live->name || !live->tensor ||
	    asprintf(&live->name[live->n], "%s%s", prefix, key) < 0)
		abort();
	live->tensor[live->n++] = *t;
}

static int add_member(const char *key, enum fx_member_kind kind,
		      struct fxq_tensor *t, void *ctx)
{
	live_add(ctx, "", key, t);
	return 0;
}

void live_of_module(struct tensors *live, struct fx_module *m)
{
	fx_module_each_tensor(m, add_member, live);
}

void live_drop(struct tensors *live)
{
	for (size_t i = 0; i < live->n; i++)
		free(live->name[i]);
	free(live->name);
	free(live->tensor);
	*live = (struct tensors){ 0 };
}

/* Written beside and moved: an interrupted write leaves the old file. */
int live_save(const char *path, const struct tensors *live)
{
	struct bytes file;
	char *beside;
	int err;

	if (asprintf(&beside, "%s.new", path) < 0)
		return complain_io(io_fail_memory(path));
	err = npz_format(path, live, &file);
	if (!err) {
		err = file_write(beside, file.data, file.size);
		bytes_free(&file);
	}
	if (!err && rename(beside, path))
		err = io_fail(-errno, "%s: it cannot be written: %s", path,
			      strerror(errno));
	free(beside);
	return err ? complain(TOOL_OUTPUT, "%s", io_error()) : TOOL_OK;
}

#define NAMES_MAX	512

/* Those of @a that @b does not have, as many as there is room for. */
static size_t names_apart(const struct tensors *a, const struct tensors *b,
			  char text[NAMES_MAX])
{
	size_t n = 0, at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < a->n; i++) {
		if (tensors_find(b, a->name[i]))
			continue;
		if (at < NAMES_MAX - 64)
			at += snprintf(text + at, NAMES_MAX - at, "%s%s",
				       n ? ", " : "", a->name[i]);
		else if (at < NAMES_MAX)
			at += snprintf(text + at, NAMES_MAX - at, " …");
		n++;
	}
	return n;
}

static int check_names(const char *path, const struct tensors *file,
		       const struct tensors *live)
{
	char missing[NAMES_MAX], unexpected[NAMES_MAX];
	size_t n_missing = names_apart(live, file, missing);
	size_t n_unexpected = names_apart(file, live, unexpected);

	if (!n_missing && !n_unexpected)
		return TOOL_OK;
	return complain(TOOL_INPUT,
			"%s: these are not the tensors of this model: %zu missing%s%s, %zu unexpected%s%s",
			path, n_missing, n_missing ? ": " : "", missing,
			n_unexpected, n_unexpected ? ": " : "", unexpected);
}

static int check_type(const char *path, const char *name,
		      const struct fxq_tensor *have,
		      const struct fxq_tensor *want)
{
	char have_text[TYPE_TEXT_MAX], want_text[TYPE_TEXT_MAX];

	if (have->dtype == want->dtype && have->rank == want->rank &&
	    !memcmp(have->dims, want->dims, have->rank * sizeof(*have->dims)))
		return TOOL_OK;
	return complain(TOOL_INPUT, "%s: '%s' is %s and must be %s", path, name,
			type_text(have, have_text), type_text(want, want_text));
}

static int read_npz(const char *path, struct tensors *ret)
{
	struct bytes bytes;
	int err;

	err = file_read(path, &bytes);
	if (err)
		return complain_io(err);
	err = npz_parse(path, bytes.data, bytes.size, ret);
	bytes_free(&bytes);
	return err ? complain_io(err) : TOOL_OK;
}

int live_load(const char *path, const struct tensors *live)
{
	struct tensors file;
	int code;

	code = read_npz(path, &file);
	if (code)
		return code;
	code = check_names(path, &file, live);
	for (size_t i = 0; !code && i < live->n; i++)
		code = check_type(path, live->name[i],
				  tensors_find(&file, live->name[i]),
				  &live->tensor[i]);
	for (size_t i = 0; !code && i < live->n; i++)
		memcpy(live->tensor[i].data,
		       tensors_find(&file, live->name[i])->data,
		       fxq_tensor_bytes(&live->tensor[i]));
	tensors_free(&file);
	return code;
}
