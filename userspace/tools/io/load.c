// SPDX-License-Identifier: MIT
/*
 * load.c - a tensor from whatever file holds it
 *
 * Files are told apart by how they begin, so that standard input and names
 * without an ending work too; only ONNX's .pb has no such mark.
 */
#include <errno.h>
#include <string.h>

#include <fxq/fx.h>
#include <fxq/onnx.h>

#include "io.h"

bool is_pb(const char *path)
{
	size_t n = strlen(path);

	return n > 3 && !strcmp(path + n - 3, ".pb");
}

static int from_npz(const char *path, const char *array,
		    const struct bytes *file, struct fxq_tensor *ret)
{
	const struct fxq_tensor *found;
	struct tensors npz;
	int err;

	err = npz_parse(path, file->data, file->size, &npz);
	if (err)
		return err;
	found = array ? tensors_find(&npz, array) : NULL;
	if (!found && npz.n == 1)
		found = &npz.tensor[0];
	if (!found)
		err = io_fail(-ENOENT,
			      "%s: it has %zu arrays and none is called '%s'; name one after the input",
			      path, npz.n, array ? array : "");
	else
		err = tensor_convert(path, found, found->dtype, ret);
	tensors_free(&npz);
	return err;
}

static int from_raw(const char *path, const struct fxq_tensor *like,
		    const struct bytes *file, struct fxq_tensor *ret)
{
	struct fxq_tensor t;
	char text[TYPE_TEXT_MAX];

	if (!like)
		return io_fail(-EINVAL,
			       "%s: this is no npy, npz, idx or .pb file; save it with numpy.save()",
			       path);
	t = *like;
	if (fxq_tensor_bytes(&t) != file->size)
		return io_fail(-EINVAL,
			       "%s: raw elements of %s are %zu bytes and the file has %zu; save it with numpy.save() to keep its shape",
			       path, type_text(&t, text), fxq_tensor_bytes(&t),
			       file->size);
	if (fxq_tensor_alloc(&t))
		return io_fail_memory(path);
	memcpy(t.data, file->data, file->size);
	*ret = t;
	return 0;
}

int parse_tensor(const char *path, const struct bytes *file, const char *array,
		 const struct fxq_tensor *like, struct fxq_tensor *ret)
{
	bool raw = like && fxq_tensor_bytes(like) == file->size;

	if (is_npy(file->data, file->size))
		return npy_parse(path, file->data, file->size, ret);
	if (is_zip(file->data, file->size))
		return from_npz(path, array, file, ret);
	if (is_gzip(file->data, file->size) ||
	    (!raw && is_idx(file->data, file->size)))
		return idx_parse(path, file->data, file->size, ret);
	return from_raw(path, like, file, ret);
}

int load_tensor(const char *path, const char *array,
		const struct fxq_tensor *like, struct fxq_tensor *ret)
{
	struct bytes file;
	char error[FXQ_ERROR_MAX];
	int err;

	if (is_pb(path)) {
		err = fx_read_tensor_pb(path, ret, error, sizeof(error));
		return err ? io_fail(err, "%s", error) : 0;
	}
	err = file_read(path, &file);
	if (err)
		return err;
	err = parse_tensor(path, &file, array, like, ret);
	bytes_free(&file);
	return err;
}
