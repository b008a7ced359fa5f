// SPDX-License-Identifier: MIT
/*
 * infer_save.c - outputs of a network in files
 *
 * Several samples are saved as one array, one after another along its first
 * dimension, as they came in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "infer.h"

static bool same_type(const struct fxq_tensor *a, const struct fxq_tensor *b)
{
	return a->dtype == b->dtype && a->rank == b->rank &&
	       !memcmp(a->dims, b->dims, sizeof(a->dims));
}

/* Output @k of all runs as one array of the caller's. */
static int join(const struct results *res, size_t k, struct fxq_tensor *ret)
{
	const struct fxq_tensor *first = &res->runs[0].out[k];
	size_t bytes = fxq_tensor_bytes(first);
	struct fxq_tensor t = *first;

	for (size_t i = 1; i < res->n_runs; i++)
		if (!same_type(&res->runs[i].out[k], first))
			return complain(TOOL_OUTPUT, "output '%s' has a shape of its own for each sample; run them one at a time",
					res->name[k]);
	if (res->n_runs > 1 && !t.rank)
		t.dims[t.rank++] = 1;
	if (res->n_runs > 1)
		t.dims[0] *= res->n_runs;
	if (fxq_tensor_alloc(&t))
		return complain_io(io_fail_memory(res->name[k]));
	for (size_t i = 0; i < res->n_runs; i++)
		memcpy((uint8_t *)t.data + i * bytes,
		       res->runs[i].out[k].data, bytes);
	*ret = t;
	return TOOL_OK;
}

static int save_bytes(const char *path, struct bytes *b)
{
	int err = file_write(path, b->data, b->size);

	bytes_free(b);
	return err ? complain(TOOL_OUTPUT, "%s", io_error()) : TOOL_OK;
}

static int format_npy(const char *path, const struct fxq_tensor *t,
		      const char *name, struct bytes *ret)
{
	return npy_format(path, t, ret);
}

static int format_raw(const char *path, const struct fxq_tensor *t,
		      const char *name, struct bytes *ret)
{
	size_t n = fxq_tensor_bytes(t);

	*ret = (struct bytes){ malloc(n + 1), n };
	if (!ret->data)
		return io_fail_memory(path);
	memcpy(ret->data, t->data, n);
	return 0;
}

static int format_json(const char *path, const struct fxq_tensor *t,
		       const char *name, struct bytes *ret)
{
	json_t *values = json_array(), *o = json_tensor(name, t);
	char *text;

	for (int64_t i = 0; i < fxq_tensor_count(t); i++)
		json_array_append_new(values, json_number(element(t, i)));
	json_object_set_new(o, "values", values);
	text = json_dumps(o, JSON_REAL_PRECISION(9));
	json_decref(o);
	if (!text)
		return io_fail_memory(path);
	*ret = (struct bytes){ (uint8_t *)text, strlen(text) };
	return 0;
}

static const struct {
	const char *ending;
	int (*format)(const char *path, const struct fxq_tensor *t,
		      const char *name, struct bytes *ret);
} formats[] = {
	{ ".npy", format_npy },
	{ "-", format_npy },
	{ ".json", format_json },
	{ ".raw", format_raw },
	{ ".bin", format_raw },
};

static int save_one(const struct results *res, size_t k, const char *path)
{
	struct fxq_tensor t;
	struct bytes b;
	int code, err;

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		if (strcmp(path, formats[i].ending) &&
		    !ends_with(path, formats[i].ending))
			continue;
		code = join(res, k, &t);
		if (code)
			return code;
		err = formats[i].format(path, &t, res->name[k], &b);
		fxq_tensor_free(&t);
		return err ? complain(TOOL_OUTPUT, "%s", io_error()) :
			     save_bytes(path, &b);
	}
	return complain(TOOL_USAGE, "--output %s: its ending is none of .npy, .npz, .json, .raw, .bin",
			path);
}

static int save_npz(const struct results *res, int only, const char *path)
{
	struct tensors npz = {
		.name = calloc(res->n_out + 1, sizeof(*npz.name)),
		.tensor = calloc(res->n_out + 1, sizeof(*npz.tensor)),
	};
	struct bytes b;
	int code = TOOL_OK;

	if (!npz.name || !npz.tensor)
		code = complain_io(io_fail_memory(path));
	for (size_t k = 0; !code && k < res->n_out; k++) {
		if (only >= 0 && (int)k != only)
			continue;
		code = join(res, k, &npz.tensor[npz.n]);
		npz.name[npz.n] = code ? NULL : strdup(res->name[k]);
		npz.n += !code;
	}
	if (!code && npz_format(path, &npz, &b))
		code = complain(TOOL_OUTPUT, "%s", io_error());
	else if (!code)
		code = save_bytes(path, &b);
	tensors_free(&npz);
	return code;
}

int save_output(const struct results *res, int k, const char *path)
{
	if (ends_with(path, ".npz"))
		return save_npz(res, k, path);
	if (k < 0 && res->n_out != 1)
		return complain(TOOL_USAGE, "--output %s: the network has %zu outputs; say NAME=@%s, or save all as .npz",
				path, res->n_out, path);
	return save_one(res, k < 0 ? 0 : k, path);
}
