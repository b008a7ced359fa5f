// SPDX-License-Identifier: MIT
/*
 * pictures.c - how pictures become an input, from what was said and its shape
 *
 * Only mean and standard deviation cannot be seen from an input; the rest is
 * read off its shape, and what was said must agree with it.
 */
#include <inttypes.h>

#include "tool.h"

static bool is_channels(int64_t n)
{
	return n == 1 || n == 3;
}

static bool find_layout(const struct pictures *p, const struct fxq_tensor *t,
			bool *nhwc)
{
	if (t->rank != 4 || t->dtype != FXQ_DTYPE_F32)
		return false;
	*nhwc = p->nhwc == 1 || (p->nhwc < 0 && !is_channels(t->dims[1]));
	return is_channels(t->dims[*nhwc ? 3 : 1]);
}

/* The @c-th of @n numbers: one stands for all. */
static float pick(const float *v, unsigned int n, uint32_t c, float otherwise)
{
	return n ? v[n == 1 ? 0 : c] : otherwise;
}

static int normalization(const struct pictures *p, const char *name,
			 struct fxq_preprocess_info *info)
{
	unsigned int n[2] = { p->n_mean, p->n_std };

	for (int i = 0; i < 2; i++)
		if (n[i] > 1 && n[i] != info->channels)
			return complain(TOOL_USAGE,
					"input '%s' has %u channels and %s has %u numbers; give one or %u",
					name, info->channels,
					i ? "--std" : "--mean", n[i],
					info->channels);
	for (uint32_t c = 0; c < info->channels; c++) {
		float white = p->white;

		info->mean[c] = pick(p->mean, p->n_mean, c, 0) / white;
		info->std[c] = pick(p->std, p->n_std, c, 1) / white;
		if (p->white == 1 && info->mean[c] > 4)
			return complain(TOOL_USAGE,
					"a mean of %g is of pixels 0..255; add --range 255",
					(double)info->mean[c]);
	}
	return TOOL_OK;
}

int pictures_for(const struct pictures *p, const char *name,
		 const struct fxq_tensor *type,
		 struct fxq_preprocess_info *ret)
{
	struct fxq_preprocess_info info = { 0 };
	char text[TYPE_TEXT_MAX];
	bool nhwc;
	int code;

	if (!find_layout(p, type, &nhwc))
		return complain(TOOL_USAGE,
				"input '%s' is %s, which no picture becomes: float32 with 4 dimensions, of which one is 1 or 3 channels, is needed",
				name, type_text(type, text));
	if (type->dims[0] < 1)
		return complain(TOOL_USAGE,
				"input '%s' is %s, a batch of no picture; its first dimension must be 1 or more",
				name, type_text(type, text));
	info.nhwc = nhwc;
	info.channels = type->dims[nhwc ? 3 : 1];
	info.height = type->dims[nhwc ? 1 : 2];
	info.width = type->dims[nhwc ? 2 : 3];
	info.order = p->order >= 0 ? (enum fxq_pixel_order)p->order :
		     info.channels == 1 ? FXQ_PIXEL_GRAY : FXQ_PIXEL_RGB;
	if ((info.order == FXQ_PIXEL_GRAY) != (info.channels == 1))
		return complain(TOOL_USAGE,
				"input '%s' has %u channels, which --order %s does not fit",
				name, info.channels,
				info.order == FXQ_PIXEL_GRAY ? "gray" :
				info.order == FXQ_PIXEL_BGR ? "bgr" : "rgb");
	if (p->width && (p->width != info.width || p->height != info.height))
		return complain(TOOL_USAGE,
				"input '%s' is %ux%u and --size says %ux%u; bind another size with --shape",
				name, info.width, info.height, p->width,
				p->height);
	code = normalization(p, name, &info);
	if (!code)
		*ret = info;
	return code;
}
