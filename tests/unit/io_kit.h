/* SPDX-License-Identifier: MIT */
/*
 * io_kit.h - pictures, and files of them made in memory
 */
#ifndef TEST_IO_KIT_H
#define TEST_IO_KIT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <turbojpeg.h>
#include <zlib.h>

#include <cmocka.h>

#include <fxq/fx.h>

#include "io/io.h"

static inline void assert_refused(int ret, const char *sentence)
{
	assert_int_equal(ret, -EINVAL);
	assert_string_equal(io_error(), sentence);
}

static inline struct picture gradient(uint32_t w, uint32_t h, uint32_t channels)
{
	struct picture p;

	assert_int_equal(picture_alloc("p", &p, w, h, channels), 0);
	for (size_t i = 0; i < (size_t)w * h * channels; i++)
		p.pixels[i] = i * 5;
	return p;
}

/* A chunk with its length and checksum. */
static inline uint8_t *chunk(uint8_t *p, const char *type, const void *data,
			     size_t n)
{
	uint32_t crc;

	*p++ = n >> 24, *p++ = n >> 16, *p++ = n >> 8, *p++ = n;
	memcpy(p, type, 4);
	memcpy(p + 4, data, n);
	crc = crc32(0, p, n + 4);
	p += n + 4;
	*p++ = crc >> 24, *p++ = crc >> 16, *p++ = crc >> 8, *p++ = crc;
	return p;
}

/* One pixel, 16 bits a channel, red, green, blue, alpha. */
static inline struct bytes deep_png(void)
{
	const uint8_t head[13] = { 0, 0, 0, 1, 0, 0, 0, 1, 16, 6, 0, 0, 0 };
	const uint8_t row[9] = { 0, 0xff, 0xff, 0x80, 0x80, 0, 0, 0x10, 0x10 };
	struct bytes b = { malloc(200), 0 };
	uint8_t packed[64], *p;
	uLongf n = sizeof(packed);

	compress(packed, &n, row, sizeof(row));
	p = mempcpy(b.data, "\x89PNG\r\n\x1a\n", 8);
	p = chunk(p, "IHDR", head, sizeof(head));
	p = chunk(p, "IDAT", packed, n);
	p = chunk(p, "IEND", "", 0);
	b.size = p - b.data;
	return b;
}

static inline struct bytes jpeg_of(const struct picture *p)
{
	tjhandle tj = tjInitCompress();
	unsigned char *data = NULL;
	unsigned long n = 0;
	struct bytes b;

	assert_int_equal(tjCompress2(tj, p->pixels, p->width, 0, p->height,
				     p->channels == 1 ? TJPF_GRAY : TJPF_RGB,
				     &data, &n,
				     p->channels == 1 ? TJSAMP_GRAY :
				     TJSAMP_444, 95, 0), 0);
	b = (struct bytes){ malloc(n), n };
	memcpy(b.data, data, n);
	tjFree(data);
	tjDestroy(tj);
	return b;
}

#endif /* TEST_IO_KIT_H */
