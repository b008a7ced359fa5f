// SPDX-License-Identifier: MIT
/*
 * idx.c - the format in which MNIST and its kin come
 *
 * Two zero bytes, a type, a rank, the sizes and the elements, all big-endian;
 * usually gzipped.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/fx.h>

#include "io.h"

#define HEADER_MAX	(4 + 4 * FXQ_MAX_RANK)
/* No deflated byte becomes more than this many. */
#define DEFLATE_MOST	1032

static uint32_t idx_dtype(uint8_t type)
{
	switch (type) {
	case 0x08: return FXQ_DTYPE_U8;
	case 0x09: return FXQ_DTYPE_I8;
	case 0x0b: return FXQ_DTYPE_I16;
	case 0x0c: return FXQ_DTYPE_I32;
	case 0x0d: return FXQ_DTYPE_F32;
	case 0x0e: return FXQ_DTYPE_F64;
	default: return FXQ_DTYPE_NONE;
	}
}

bool is_idx(const void *data, size_t size)
{
	const uint8_t *p = data;

	return size >= 8 && !p[0] && !p[1] && idx_dtype(p[2]) && p[3];
}

static int bad_idx(const char *name, const char *what)
{
	return io_fail(-EINVAL, "%s: %s; an idx file is expected here", name,
		       what);
}

static int parse_header(const char *name, const uint8_t *p, size_t size,
			struct fxq_tensor *ret)
{
	struct fxq_tensor t = { 0 };

	if (!is_idx(p, size))
		return bad_idx(name, "it does not begin as an idx file does");
	t.dtype = idx_dtype(p[2]);
	t.rank = p[3];
	if (t.rank > FXQ_MAX_RANK)
		return bad_idx(name, "it has more than 8 dimensions");
	if (size < 4 + 4 * (size_t)t.rank)
		return bad_idx(name, "it ends within its header");
	for (uint32_t i = 0; i < t.rank; i++)
		t.dims[i] = (uint32_t)p[4 + 4 * i] << 24 | p[5 + 4 * i] << 16 |
			    p[6 + 4 * i] << 8 | p[7 + 4 * i];
	*ret = t;
	return 0;
}

static void swap_bytes(uint8_t *p, size_t n, size_t width)
{
	for (; n; n--, p += width)
		for (size_t i = 0; i < width / 2; i++) {
			uint8_t first = p[i];

			p[i] = p[width - 1 - i];
			p[width - 1 - i] = first;
		}
}

/*
 * Unpacks a file of which the header promises @size bytes; one byte more is
 * asked for, to see that there is none.
 */
static int unpack(const char *name, const void *data, size_t packed,
		  size_t size, struct bytes *ret)
{
	uint8_t *to;
	int64_t got;

	if (size / DEFLATE_MOST > packed)
		return bad_idx(name, "its header promises more than it holds");
	to = malloc(size + 1);
	if (!to)
		return io_fail_memory(name);
	got = gunzip(name, data, packed, to, size + 1);
	if (got < 0) {
		free(to);
		return got;
	}
	*ret = (struct bytes){ to, got };
	return 0;
}

int idx_parse(const char *name, const void *data, size_t size,
	      struct fxq_tensor *ret)
{
	uint8_t head[HEADER_MAX];
	struct bytes plain = { 0 };
	struct fxq_tensor t;
	int64_t n_head = size < HEADER_MAX ? size : HEADER_MAX;
	bool packed = is_gzip(data, size);
	size_t need, begin;
	int err;

	if (packed)
		n_head = gunzip(name, data, size, head, sizeof(head));
	else
		memcpy(head, data, n_head);
	if (n_head < 0)
		return n_head;
	err = parse_header(name, head, n_head, &t);
	if (err)
		return err;

	begin = 4 + 4 * (size_t)t.rank;
	need = fxq_tensor_bytes(&t);
	if (need > SIZE_MAX / 4)
		return bad_idx(name, "its header promises more than it holds");
	if (packed) {
		err = unpack(name, data, size, begin + need, &plain);
		if (err)
			return err;
		data = plain.data;
		size = plain.size;
	}
	if (size != begin + need)
		err = bad_idx(name, "its size is not what its header says");
	else if (fxq_tensor_alloc(&t))
		err = io_fail_memory(name);
	if (!err) {
		memcpy(t.data, (const uint8_t *)data + begin, need);
		swap_bytes(t.data, fxq_tensor_count(&t),
			   fxq_dtype_bytes(t.dtype));
		*ret = t;
	}
	bytes_free(&plain);
	return err;
}
