// SPDX-License-Identifier: MIT
/*
 * TensorProto, in which ONNX keeps weights and test data: elements lie in a
 * block of bytes, in one of five typed lists, or in a file beside the model.
 * Sizes are compared before anything is copied, and a file name that leaves
 * the model's folder is refused.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import.h"

/* X(ONNX's number, our type, its name) */
#define DATA_TYPES(X)			\
	X(1, F32, "float")		\
	X(2, U8, "uint8")		\
	X(3, I8, "int8")		\
	X(4, U16, "uint16")		\
	X(5, I16, "int16")		\
	X(6, I32, "int32")		\
	X(7, I64, "int64")		\
	X(8, NONE, "string")		\
	X(9, BOOL, "bool")		\
	X(10, NONE, "float16")		\
	X(11, F64, "double")		\
	X(12, U32, "uint32")		\
	X(13, U64, "uint64")		\
	X(14, NONE, "complex64")	\
	X(15, NONE, "complex128")	\
	X(16, NONE, "bfloat16")		\
	X(17, NONE, "float8e4m3fn")	\
	X(18, NONE, "float8e4m3fnuz")	\
	X(19, NONE, "float8e5m2")	\
	X(20, NONE, "float8e5m2fnuz")	\
	X(21, NONE, "uint4")		\
	X(22, NONE, "int4")		\
	X(23, NONE, "float4e2m1")

uint32_t onnx_dtype(int64_t data_type)
{
	switch (data_type) {
#define X(number, id, name)			\
	case number:				\
		return FXQ_DTYPE_##id;
	DATA_TYPES(X)
#undef X
	default:
		return FXQ_DTYPE_NONE;
	}
}

const char *onnx_dtype_name(int64_t data_type)
{
	switch (data_type) {
#define X(number, id, name)			\
	case number:				\
		return name;
	DATA_TYPES(X)
#undef X
	default:
		return "of unknown type";
	}
}

int32_t onnx_data_type(uint32_t dtype)
{
	for (int32_t number = 1; dtype && number < 24; number++)
		if (onnx_dtype(number) == dtype)
			return number;
	return 0;
}

/* What went wrong, with the tensor's name in front. */
struct report {
	const char *name;
	char *error;
	size_t size;
};

__attribute__((format(printf, 3, 4)))
static int fail(const struct report *r, int err, const char *fmt, ...)
{
	char text[FXQ_ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(r->error, r->size, "tensor '%.80s': %s", r->name, text);
	return err;
}

static int read_type(const Onnx__TensorProto *p, const struct report *r,
		     struct fxq_tensor *t)
{
	int64_t bytes;

	t->dtype = p->has_data_type ? onnx_dtype(p->data_type) :
				      FXQ_DTYPE_NONE;
	if (t->dtype == FXQ_DTYPE_NONE)
		return fail(r, -ENOTSUP,
			    "its elements are %s, which fxq does not have; convert the model to float32",
			    onnx_dtype_name(p->data_type));
	if (p->n_dims > FXQ_MAX_RANK)
		return fail(r, -ENOTSUP,
			    "it has %zu dimensions, at most %d are possible",
			    p->n_dims, FXQ_MAX_RANK);

	t->rank = p->n_dims;
	bytes = fxq_dtype_bytes(t->dtype);
	for (uint32_t d = 0; d < t->rank; d++) {
		t->dims[d] = p->dims[d];
		if (t->dims[d] < 0)
			return fail(r, -EINVAL, "dimension %u is %lld", d,
				    (long long)t->dims[d]);
		if (__builtin_mul_overflow(bytes, t->dims[d], &bytes) ||
		    bytes > IMPORT_VALUE_MAX)
			return fail(r, -EOVERFLOW,
				    "it would be larger than 4 GiB");
	}
	return 0;
}

static int check_count(const struct report *r, uint64_t have, uint64_t want,
		       const char *unit)
{
	if (have == want)
		return 0;
	return fail(r, -EINVAL, "its shape needs %llu %s, %llu are there",
		    (unsigned long long)want, unit, (unsigned long long)have);
}

/* X(our type, C type, the list that holds it) */
#define LISTS(X)			\
	X(F32, float, float_data)	\
	X(F64, double, double_data)	\
	X(I8, int8_t, int32_data)	\
	X(I16, int16_t, int32_data)	\
	X(I32, int32_t, int32_data)	\
	X(I64, int64_t, int64_data)	\
	X(U8, uint8_t, int32_data)	\
	X(U16, uint16_t, int32_data)	\
	X(U32, uint32_t, uint64_data)	\
	X(U64, uint64_t, uint64_data)	\
	X(BOOL, uint8_t, int32_data)

static size_t list_length(const Onnx__TensorProto *p, uint32_t dtype)
{
	switch (dtype) {
#define X(id, type, list)		\
	case FXQ_DTYPE_##id:		\
		return p->n_##list;
	LISTS(X)
#undef X
	default:
		return 0;
	}
}

/* Elements one by one: small integers are kept in lists of wider ones. */
static void copy_list(const Onnx__TensorProto *p, struct fxq_tensor *t)
{
	int64_t n = fxq_tensor_count(t);

	switch (t->dtype) {
#define X(id, type, list)					\
	case FXQ_DTYPE_##id:					\
		for (int64_t i = 0; i < n; i++)			\
			((type *)t->data)[i] = p->list[i];	\
		return;
	LISTS(X)
#undef X
	}
}

static const char *external(const Onnx__TensorProto *p, const char *key)
{
	for (size_t i = 0; i < p->n_external_data; i++)
		if (p->external_data[i]->key && p->external_data[i]->value &&
		    !strcmp(p->external_data[i]->key, key))
			return p->external_data[i]->value;
	return NULL;
}

/* A path below the model's folder: relative, and never upwards. */
static bool stays_below(const char *path)
{
	if (!*path || *path == '/')
		return false;
	for (const char *s = path; s; s = strchr(s, '/')) {
		s += *s == '/';
		if (!strncmp(s, "..", 2) && (!s[2] || s[2] == '/'))
			return false;
	}
	return true;
}

static int read_number(const struct report *r, const Onnx__TensorProto *p,
		       const char *key, uint64_t def, uint64_t *ret)
{
	const char *text = external(p, key);
	char *end;

	*ret = def;
	if (!text)
		return 0;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' ||
	    *ret > INT64_MAX)
		return fail(r, -EINVAL, "%s '%.32s' is no size", key, text);
	return 0;
}

static int read_at(const struct report *r, const char *path, uint64_t offset,
		   void *to, size_t bytes)
{
	struct stat st;
	size_t done = 0;
	int fd, ret = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return fail(r, -errno, "%.100s: %s", path, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    offset > (uint64_t)st.st_size ||
	    bytes > (uint64_t)st.st_size - offset)
		ret = fail(r, -EINVAL, "%.100s does not hold %zu bytes at %llu",
			   path, bytes, (unsigned long long)offset);

	while (!ret && done < bytes) {
		ssize_t n = pread(fd, (char *)to + done, bytes - done,
				  offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			ret = fail(r, -EIO, "%.100s cannot be read", path);
		else
			done += n;
	}
	close(fd);
	return ret;
}

/* Where the bytes are, once it is known that they are there. */
struct place {
	char path[PATH_MAX];		/* empty: in the message */
	uint64_t offset;
};

static int find_external(const Onnx__TensorProto *p, const char *dir,
			 const struct report *r, size_t bytes,
			 struct place *place)
{
	const char *location = external(p, "location");
	struct stat st;
	uint64_t length;
	int ret;

	if (!dir)
		return fail(r, -EINVAL,
			    "its data are in another file, but the model is in memory");
	if (!location || !stays_below(location))
		return fail(r, -EINVAL,
			    "its file '%.80s' is not below the model's folder",
			    location ? location : "");
	ret = read_number(r, p, "offset", 0, &place->offset);
	if (!ret)
		ret = read_number(r, p, "length", bytes, &length);
	if (!ret)
		ret = check_count(r, length, bytes, "bytes");
	if (ret)
		return ret;

	if (snprintf(place->path, sizeof(place->path), "%s/%s", dir,
		     location) >= (int)sizeof(place->path))
		return fail(r, -ENAMETOOLONG, "its file's name is too long");
	if (stat(place->path, &st))
		return fail(r, -errno, "%.100s: %s", place->path,
			    strerror(errno));
	if (!S_ISREG(st.st_mode) || place->offset > (uint64_t)st.st_size ||
	    bytes > (uint64_t)st.st_size - place->offset)
		return fail(r, -EINVAL,
			    "%.100s does not hold %zu bytes at %llu",
			    place->path, bytes,
			    (unsigned long long)place->offset);
	return 0;
}

/* Finds the elements, and refuses before memory is taken for them. */
static int find_data(const Onnx__TensorProto *p, const char *dir,
		     const struct report *r, const struct fxq_tensor *t,
		     struct place *place)
{
	place->path[0] = '\0';
	if (p->segment)
		return fail(r, -ENOTSUP, "it is stored in segments");
	if (p->has_data_location &&
	    p->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
		return find_external(p, dir, r, fxq_tensor_bytes(t), place);
	if (p->has_raw_data)
		return check_count(r, p->raw_data.len, fxq_tensor_bytes(t),
				   "bytes");
	return check_count(r, list_length(p, t->dtype), fxq_tensor_count(t),
			   "elements");
}

static int copy_data(const Onnx__TensorProto *p, const struct report *r,
		     const struct place *place, struct fxq_tensor *t)
{
	if (place->path[0])
		return read_at(r, place->path, place->offset, t->data,
			       fxq_tensor_bytes(t));
	if (!p->has_raw_data)
		copy_list(p, t);
	else if (p->raw_data.len)
		memcpy(t->data, p->raw_data.data, p->raw_data.len);
	return 0;
}

/* A bool is 0 or 1 whatever the file says. */
static void clean_bools(struct fxq_tensor *t)
{
	int64_t n = t->dtype == FXQ_DTYPE_BOOL ? fxq_tensor_count(t) : 0;

	for (int64_t i = 0; i < n; i++)
		((uint8_t *)t->data)[i] = ((uint8_t *)t->data)[i] != 0;
}

int tensor_from_proto(const Onnx__TensorProto *p, const char *dir,
		      struct fxq_tensor *ret, char *error, size_t error_size)
{
	struct report r = { p->name && *p->name ? p->name : "without name",
			    error, error_size };
	struct fxq_tensor t = { 0 };
	struct place place;
	int err;

	err = read_type(p, &r, &t);
	if (!err)
		err = find_data(p, dir, &r, &t, &place);
	if (err)
		return err;
	err = fxq_tensor_alloc(&t);
	if (err)
		return fail(&r, err, "no memory");

	err = copy_data(p, &r, &place, &t);
	if (err) {
		fxq_tensor_free(&t);
		return err;
	}
	clean_bools(&t);
	*ret = t;
	return 0;
}

int import_read_file(const char *path, size_t max, void **ret_data,
		     size_t *ret_size, char *error, size_t error_size)
{
	struct report r = { path, error, error_size };
	struct stat st;
	void *data;
	int ret;

	if (stat(path, &st)) {
		ret = -errno;
		snprintf(error, error_size, "%s: %s", path, strerror(-ret));
		return ret;
	}
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max) {
		snprintf(error, error_size,
			 "%s: %s", path, S_ISREG(st.st_mode) ?
			 "the file is larger than 1 GiB" :
			 "this is not a file");
		return S_ISREG(st.st_mode) ? -EFBIG : -EINVAL;
	}
	data = malloc(st.st_size + 1);
	if (!data) {
		snprintf(error, error_size, "%s: no memory", path);
		return -ENOMEM;
	}

	ret = read_at(&r, path, 0, data, st.st_size);
	if (ret) {
		free(data);
		return ret;
	}
	*ret_data = data;
	*ret_size = st.st_size;
	return 0;
}

int fx_read_tensor_pb(const char *path, struct fxq_tensor *ret,
		      char *error, size_t error_size)
{
	char scratch[1];
	Onnx__TensorProto *p;
	void *data;
	size_t size;
	int err;

	if (!error) {
		error = scratch;
		error_size = sizeof(scratch);
	}
	err = import_read_file(path, IMPORT_FILE_MAX, &data, &size, error,
			       error_size);
	if (err)
		return err;
	err = wire_check(data, size, &onnx__tensor_proto__descriptor, error,
			 error_size);
	if (err)
		goto out;

	p = onnx__tensor_proto__unpack(NULL, size, data);
	if (!p) {
		snprintf(error, error_size, "%s: not a tensor", path);
		err = -EINVAL;
		goto out;
	}
	err = tensor_from_proto(p, NULL, ret, error, error_size);
	onnx__tensor_proto__free_unpacked(p, NULL);
out:
	free(data);
	return err;
}
