// SPDX-License-Identifier: MIT
/*
 * picture.c - tells picture formats apart and judges their sizes
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"

static const struct {
	const char *magic;
	size_t n;
	int (*parse)(const char *name, const void *data, size_t size,
		     struct picture *ret);
} formats[] = {
	{ "\x89PNG\r\n\x1a\n", 8, png_parse },
	{ "\xff\xd8\xff", 3, jpeg_parse },
	{ "P5", 2, pnm_parse },
	{ "P6", 2, pnm_parse },
};

static int find_format(const void *data, size_t size)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (size >= formats[i].n &&
		    !memcmp(data, formats[i].magic, formats[i].n))
			return i;
	return -1;
}

bool is_picture(const void *data, size_t size)
{
	return find_format(data, size) >= 0;
}

int picture_parse(const char *name, const void *data, size_t size,
		  struct picture *ret)
{
	int i = find_format(data, size);

	if (i < 0)
		return io_fail(-EINVAL,
			       "%s: this is no PNG, JPEG, PPM (P6) or PGM (P5) picture; convert it to one",
			       name);
	return formats[i].parse(name, data, size, ret);
}

void picture_free(struct picture *p)
{
	free(p->pixels);
	*p = (struct picture){ 0 };
}

int picture_alloc(const char *name, struct picture *p, uint64_t width,
		  uint64_t height, uint32_t channels)
{
	if (!width || !height)
		return io_fail(-EINVAL, "%s: this picture has no pixels", name);
	if (width > PICTURE_MAX_PIXELS || height > PICTURE_MAX_PIXELS / width)
		return io_fail(-EFBIG,
			       "%s: %" PRIu64 "x%" PRIu64 " are more pixels than the %u that are read; shrink the picture",
			       name, width, height, PICTURE_MAX_PIXELS);
	*p = (struct picture){ width, height, channels,
			       malloc(width * height * channels) };
	return p->pixels ? 0 : io_fail_memory(name);
}
