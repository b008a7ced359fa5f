// SPDX-License-Identifier: MIT
/*
 * npy.c - NumPy's array files
 *
 * A magic, a version, and a header that is a Python dictionary of three
 * entries, then the elements. The dictionary is parsed as the small grammar
 * that it is, so that any order and spacing is read and nothing else is.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/fx.h>

#include "files.h"

#define MAGIC		"\x93NUMPY"
#define MAGIC_BYTES	6
#define HEADER_MAX	(1u << 20)

/* How NumPy calls the types that are not big-endian, or of one byte. */
static const struct {
	const char *descr;
	enum fxq_dtype dtype;
} types[] = {
	{ "f4", FXQ_DTYPE_F32 }, { "f8", FXQ_DTYPE_F64 },
	{ "i1", FXQ_DTYPE_I8 },	 { "u1", FXQ_DTYPE_U8 },
	{ "i2", FXQ_DTYPE_I16 }, { "u2", FXQ_DTYPE_U16 },
	{ "i4", FXQ_DTYPE_I32 }, { "u4", FXQ_DTYPE_U32 },
	{ "i8", FXQ_DTYPE_I64 }, { "u8", FXQ_DTYPE_U64 },
	{ "b1", FXQ_DTYPE_BOOL },
	{ "f2", FXQ_DTYPE_U16 },	/* widened once they are in order */
};

/* What is left of the header, and what it has said so far. */
struct header {
	const char *name;
	const char *at, *end;
	struct fxq_tensor type;
	bool half, fortran;
	unsigned int seen;	/* bits of enum key */
};

enum key {
	KEY_DESCR = 1,
	KEY_FORTRAN = 2,
	KEY_SHAPE = 4,
};

static int bad_header(const struct header *h, const char *what)
{
	return io_fail(-EINVAL,
		       "%s: its npy header %s; write it with numpy.save()",
		       h->name, what);
}

static void skip_space(struct header *h)
{
	while (h->at < h->end && strchr(" \t\r\n", *h->at) && *h->at)
		h->at++;
}

/* Takes the character @c, after space. */
static bool take(struct header *h, char c)
{
	skip_space(h);
	if (h->at == h->end || *h->at != c)
		return false;
	h->at++;
	return true;
}

static bool take_word(struct header *h, const char *word)
{
	size_t n = strlen(word);

	skip_space(h);
	if ((size_t)(h->end - h->at) < n || memcmp(h->at, word, n))
		return false;
	h->at += n;
	return true;
}

/* A string in quotes, of at most @size - 1 characters. */
static bool take_string(struct header *h, char *to, size_t size)
{
	char quote;
	size_t n = 0;

	skip_space(h);
	if (h->at == h->end || (*h->at != '\'' && *h->at != '"'))
		return false;
	quote = *h->at++;
	while (h->at < h->end && *h->at != quote && n + 1 < size)
		to[n++] = *h->at++;
	to[n] = '\0';
	return take(h, quote);
}

static int parse_descr(struct header *h)
{
	char descr[16];
	char order;

	if (!take_string(h, descr, sizeof(descr)))
		return io_fail(-EINVAL,
			       "%s: its elements are not of one plain type; save one array of numbers",
			       h->name);
	order = descr[0];
	if (order == '>' && strlen(descr) > 2 && descr[2] != '1')
		return io_fail(-EINVAL,
			       "%s: its elements are big-endian ('%s'); save x.astype('<%s')",
			       h->name, descr, descr + 1);
	for (size_t i = 0; order && i < sizeof(types) / sizeof(*types); i++) {
		if (strcmp(types[i].descr, descr + 1) || !strchr("<=|>", order))
			continue;
		h->type.dtype = types[i].dtype;
		h->half = !strcmp(descr + 1, "f2");
		return 0;
	}
	return io_fail(-EINVAL,
		       "%s: elements of type '%s' are not read; save x.astype('<f4')",
		       h->name, descr);
}

static int parse_fortran(struct header *h)
{
	if (take_word(h, "True"))
		h->fortran = true;
	else if (!take_word(h, "False"))
		return bad_header(h, "has a fortran_order that is neither True nor False");
	return 0;
}

static int parse_size(struct header *h, int64_t *ret)
{
	uint64_t v = 0;

	skip_space(h);
	if (h->at == h->end || *h->at < '0' || *h->at > '9')
		return bad_header(h, "has a shape that is not a tuple of sizes");
	for (; h->at < h->end && *h->at >= '0' && *h->at <= '9'; h->at++) {
		v = v * 10 + (*h->at - '0');
		if (v > (uint64_t)1 << 48)
			return bad_header(h, "has a size above 2^48");
	}
	if (h->at < h->end && *h->at == 'L')	/* Python 2 wrote it */
		h->at++;
	*ret = v;
	return 0;
}

static int parse_shape(struct header *h)
{
	int ret;

	if (!take(h, '('))
		return bad_header(h, "has a shape that is not a tuple of sizes");
	while (!take(h, ')')) {
		if (h->type.rank == FXQ_MAX_RANK)
			return io_fail(-EINVAL,
				       "%s: it has more than %d dimensions; reshape it",
				       h->name, FXQ_MAX_RANK);
		ret = parse_size(h, &h->type.dims[h->type.rank]);
		if (ret)
			return ret;
		h->type.rank++;
		if (take(h, ','))
			continue;
		if (take(h, ')'))
			break;
		return bad_header(h, "has a shape that is not a tuple of sizes");
	}
	return 0;
}

static int parse_entry(struct header *h)
{
	static const struct {
		const char *name;
		enum key key;
		int (*parse)(struct header *h);
	} entries[] = {
		{ "descr", KEY_DESCR, parse_descr },
		{ "fortran_order", KEY_FORTRAN, parse_fortran },
		{ "shape", KEY_SHAPE, parse_shape },
	};
	char key[16];

	if (!take_string(h, key, sizeof(key)) || !take(h, ':'))
		return bad_header(h, "is not a dictionary");
	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		if (strcmp(entries[i].name, key))
			continue;
		if (h->seen & entries[i].key)
			return bad_header(h, "names an entry twice");
		h->seen |= entries[i].key;
		return entries[i].parse(h);
	}
	return bad_header(h, "has an unknown entry");
}

static int parse_header(struct header *h)
{
	int ret;

	if (!take(h, '{'))
		return bad_header(h, "is not a dictionary");
	while (!take(h, '}')) {
		ret = parse_entry(h);
		if (ret)
			return ret;
		if (take(h, ','))
			continue;
		if (take(h, '}'))
			break;
		return bad_header(h, "is not a dictionary");
	}
	skip_space(h);
	if (h->at != h->end)
		return bad_header(h, "goes on after the dictionary");
	if (h->seen != (KEY_DESCR | KEY_FORTRAN | KEY_SHAPE))
		return bad_header(h, "lacks descr, fortran_order or shape");
	return 0;
}

/* Finds the dictionary; returns the offset of the elements, or an error. */
static int64_t find_header(struct header *h, const uint8_t *data, size_t size)
{
	uint64_t len, at = MAGIC_BYTES + 2;
	unsigned int width;

	if (!is_npy(data, size) || size < at + 2)
		return bad_header(h, "is cut short");
	width = data[MAGIC_BYTES] == 1 ? 2 : 4;
	if (!data[MAGIC_BYTES] || data[MAGIC_BYTES] > 3 ||
	    data[MAGIC_BYTES + 1])
		return bad_header(h, "is of an unknown version");
	if (size < at + width)
		return bad_header(h, "is cut short");
	len = data[at] | data[at + 1] << 8;
	if (width == 4)
		len |= (uint64_t)data[at + 2] << 16 | (uint64_t)data[at + 3] << 24;
	at += width;
	if (len > HEADER_MAX)
		return bad_header(h, "is longer than 1 MiB");
	if (len > size - at)
		return bad_header(h, "is cut short");
	h->at = (const char *)data + at;
	h->end = h->at + len;
	return at + len;
}

/* Copies column-major elements to where they stand row by row. */
static void from_fortran(struct fxq_tensor *t, const uint8_t *from)
{
	size_t width = fxq_dtype_bytes(t->dtype);
	int64_t n = fxq_tensor_count(t), at = 0;
	int64_t index[FXQ_MAX_RANK] = { 0 }, stride[FXQ_MAX_RANK];
	uint8_t *to = t->data;

	for (uint32_t d = 0; d < t->rank; d++)
		stride[d] = d ? stride[d - 1] * t->dims[d - 1] : 1;
	while (n--) {
		memcpy(to, from + at * width, width);
		to += width;
		for (uint32_t d = t->rank; d--;) {
			at += stride[d];
			if (++index[d] < t->dims[d])
				break;
			at -= stride[d] * t->dims[d];
			index[d] = 0;
		}
	}
}

static int widen(const char *name, struct fxq_tensor *half,
		 struct fxq_tensor *ret)
{
	struct fxq_tensor t = *half;
	int err;

	t.dtype = FXQ_DTYPE_F32;
	err = fxq_tensor_alloc(&t) ? io_fail_memory(name) : 0;
	if (!err) {
		floats_from_half(half->data, fxq_tensor_count(half), t.data);
		*ret = t;
	}
	fxq_tensor_free(half);
	return err;
}

bool is_npy(const void *data, size_t size)
{
	return size >= MAGIC_BYTES && !memcmp(data, MAGIC, MAGIC_BYTES);
}

int npy_parse(const char *name, const void *data, size_t size,
	      struct fxq_tensor *ret)
{
	struct header h = { .name = name };
	struct fxq_tensor t;
	uint8_t *values;
	int64_t at;
	size_t n;
	int err;

	at = find_header(&h, data, size);
	if (at < 0)
		return at;
	err = parse_header(&h);
	if (err)
		return err;

	t = h.type;
	n = fxq_tensor_bytes(&t);
	if (n != size - at)
		return io_fail(-EINVAL,
			       "%s: its shape needs %zu bytes of elements and the file has %zu; it is cut short or holds several arrays",
			       name, n, size - (size_t)at);
	err = fxq_tensor_alloc(&t);
	if (err)
		return io_fail_memory(name);
	if (h.fortran && t.rank > 1 && n)
		from_fortran(&t, (const uint8_t *)data + at);
	else
		memcpy(t.data, (const uint8_t *)data + at, n);
	values = t.data;
	for (size_t i = 0; t.dtype == FXQ_DTYPE_BOOL && i < n; i++)
		values[i] = !!values[i];
	if (h.half)
		return widen(name, &t, ret);
	*ret = t;
	return 0;
}

static const char *descr_of(uint32_t dtype)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].dtype == dtype)
			return types[i].descr;
	return NULL;
}

/* The dictionary, padded so that the elements begin on 64 bytes. */
static int write_header(const struct fxq_tensor *t, char *to, size_t size)
{
	int n = snprintf(to, size,
			 "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
			 fxq_dtype_bytes(t->dtype) == 1 ? '|' : '<',
			 descr_of(t->dtype));

	for (uint32_t i = 0; i < t->rank; i++)
		n += snprintf(to + n, size - n, "%s%" PRId64, i ? ", " : "",
			      t->dims[i]);
	n += snprintf(to + n, size - n, "%s), }", t->rank == 1 ? "," : "");
	while ((MAGIC_BYTES + 4 + n + 1) % 64)
		to[n++] = ' ';
	to[n++] = '\n';
	return n;
}

int npy_format(const char *name, const struct fxq_tensor *t, struct bytes *ret)
{
	size_t bytes = fxq_tensor_bytes(t), at;
	char header[512];
	struct bytes b;
	int n;

	if (!descr_of(t->dtype))
		return io_fail(-EINVAL, "%s: a tensor of type %s cannot be saved",
			       name, fxq_dtype_name(t->dtype));
	n = write_header(t, header, sizeof(header) - 64);
	at = MAGIC_BYTES + 4 + n;
	if (bytes > SIZE_MAX / 2)
		return io_fail_memory(name);
	b = (struct bytes){ malloc(at + bytes), at + bytes };
	if (!b.data)
		return io_fail_memory(name);
	memcpy(b.data, MAGIC "\x01\x00", MAGIC_BYTES + 2);
	b.data[MAGIC_BYTES + 2] = n;
	b.data[MAGIC_BYTES + 3] = n >> 8;
	memcpy(b.data + MAGIC_BYTES + 4, header, n);
	if (bytes)
		memcpy(b.data + at, t->data, bytes);
	*ret = b;
	return 0;
}
