// SPDX-License-Identifier: MIT
/*
 * png.c - PNG through libpng's simplified interface
 *
 * Everything is brought to 8 bits a channel; palettes are expanded and alpha
 * is dropped, not blended.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "io.h"

/* No deflated byte becomes more than this many, none more than 8 pixels. */
#define DEFLATE_MOST	1032

static int bad_png(const char *name, const png_image *image)
{
	return io_fail(-EINVAL, "%s: this PNG cannot be read: %s", name,
		       image->message);
}

/* Grey and alpha, or red, green, blue and alpha, to the same without. */
static void drop_alpha(const uint8_t *from, struct picture *p)
{
	size_t n = (size_t)p->width * p->height;

	for (size_t i = 0; i < n; i++, from += p->channels + 1)
		memcpy(p->pixels + i * p->channels, from, p->channels);
}

static int read_pixels(const char *name, png_image *image, size_t size,
		       struct picture *ret)
{
	bool colour = image->format & PNG_FORMAT_FLAG_COLOR;
	uint64_t least = (uint64_t)image->width * image->height / 8;
	struct picture p;
	uint8_t *with_alpha;
	int err;

	if (least / DEFLATE_MOST > size)
		return io_fail(-EINVAL,
			       "%s: this PNG promises %ux%u pixels and cannot hold them",
			       name, image->width, image->height);
	image->format = colour ? PNG_FORMAT_RGBA : PNG_FORMAT_GA;
	image->flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
	err = picture_alloc(name, &p, image->width, image->height,
			    colour ? 3 : 1);
	if (err)
		return err;
	with_alpha = malloc(PNG_IMAGE_SIZE(*image));
	if (!with_alpha)
		err = io_fail_memory(name);
	else if (!png_image_finish_read(image, NULL, with_alpha, 0, NULL))
		err = bad_png(name, image);
	else
		drop_alpha(with_alpha, &p);
	free(with_alpha);
	if (err)
		picture_free(&p);
	else
		*ret = p;
	return err;
}

int png_parse(const char *name, const void *data, size_t size,
	      struct picture *ret)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	int err;

	if (png_image_begin_read_from_memory(&image, data, size))
		err = read_pixels(name, &image, size, ret);
	else
		err = bad_png(name, &image);
	png_image_free(&image);
	return err;
}

int png_format(const char *name, const struct picture *p, struct bytes *ret)
{
	png_image image = {
		.version = PNG_IMAGE_VERSION,
		.width = p->width,
		.height = p->height,
		.format = p->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY,
	};
	png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
	struct bytes b = { malloc(size), 0 };

	if (!b.data)
		return io_fail_memory(name);
	if (!png_image_write_to_memory(&image, b.data, &size, 0, p->pixels, 0,
				       NULL)) {
		bytes_free(&b);
		return io_fail(-EINVAL, "%s: this PNG cannot be made: %s",
			       name, image.message);
	}
	b.size = size;
	*ret = b;
	return 0;
}
