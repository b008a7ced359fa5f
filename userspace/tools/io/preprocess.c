// SPDX-License-Identifier: MIT
/*
 * preprocess.c - from the pixels of a picture to the numbers of an input
 */
#include <string.h>

#include "io.h"

/* How bright a colour looks (ITU-R 601), rounded. */
static uint8_t luma(const uint8_t *rgb)
{
	return (rgb[0] * 299 + rgb[1] * 587 + rgb[2] * 114 + 500) / 1000;
}

/* The same picture with @channels channels. */
static int recolour(const char *name, const struct picture *from,
		    uint32_t channels, struct picture *ret)
{
	size_t n = (size_t)from->width * from->height;
	struct picture p;
	int err;

	err = picture_alloc(name, &p, from->width, from->height, channels);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		if (channels == from->channels)
			memcpy(p.pixels + i * channels,
			       from->pixels + i * channels, channels);
		else if (channels == 1)
			p.pixels[i] = luma(from->pixels + 3 * i);
		else
			memset(p.pixels + 3 * i, from->pixels[i], 3);
	}
	*ret = p;
	return 0;
}

static void normalize(const struct fxq_preprocess_info *p,
		      const struct picture *from, float *to)
{
	size_t n = (size_t)from->width * from->height;
	uint32_t nc = from->channels;
	bool swapped = p->order == FXQ_PIXEL_BGR;

	for (uint32_t c = 0; c < nc; c++) {
		uint32_t source = swapped ? nc - 1 - c : c;
		float value[256];

		for (int v = 0; v < 256; v++)
			value[v] = ((float)v / 255.0f - p->mean[c]) / p->std[c];
		for (size_t i = 0; i < n; i++)
			to[p->nhwc ? i * nc + c : c * n + i] =
				value[from->pixels[i * nc + source]];
	}
}

int preprocess(const char *name, const struct fxq_preprocess_info *p,
	       const struct picture *from, float *to)
{
	struct picture coloured, sized;
	int err;

	err = recolour(name, from, p->order == FXQ_PIXEL_GRAY ? 1 : 3,
		       &coloured);
	if (err)
		return err;
	if (coloured.width == p->width && coloured.height == p->height) {
		normalize(p, &coloured, to);
		picture_free(&coloured);
		return 0;
	}
	err = picture_resize(name, &coloured, p->width, p->height, &sized);
	picture_free(&coloured);
	if (err)
		return err;
	normalize(p, &sized, to);
	picture_free(&sized);
	return 0;
}
