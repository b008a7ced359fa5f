// SPDX-License-Identifier: MIT
/*
 * gzip.c - unpacks as much as its caller has a use for
 *
 * The caller knows how much to expect, so a file that unpacks to more than it
 * should never costs memory.
 */
#include <errno.h>
#include <string.h>

#include <zlib.h>

#include "io.h"

bool is_gzip(const void *data, size_t size)
{
	return size > 2 && !memcmp(data, "\x1f\x8b\x08", 3);
}

int64_t gunzip(const char *name, const void *data, size_t size, void *to,
	       size_t want)
{
	z_stream z = { .next_in = (void *)data, .next_out = to };
	size_t left_in = size, left_out = want;
	int ret;

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return io_fail_memory(name);
	do {
		/* zlib counts in 32 bits. */
		uInt in = left_in < 1u << 30 ? left_in : 1u << 30;
		uInt out = left_out < 1u << 30 ? left_out : 1u << 30;

		z.avail_in = in;
		z.avail_out = out;
		ret = inflate(&z, Z_NO_FLUSH);
		left_in -= in - z.avail_in;
		left_out -= out - z.avail_out;
	} while (ret == Z_OK && left_out && left_in);
	inflateEnd(&z);
	if (ret == Z_STREAM_END || !left_out)
		return want - left_out;
	return io_fail(-EINVAL, "%s: this gzip file is damaged or cut short",
		       name);
}
