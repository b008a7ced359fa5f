// SPDX-License-Identifier: MIT
/*
 * image_check.c - the records of an image, each by itself
 *
 * After this every name ends, every type has a size that fits its data, and
 * every attribute has its values. How records refer to one another is for
 * image_steps.c.
 */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

#include "fxq_contract.h"

#define BYTES_MAX	(1ull << 38)	/* of one tensor */
#define PICTURE_MAX	65536		/* pixels a side */

static float to_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static bool is_normal(float f)
{
	return f >= FLT_MIN && f <= FLT_MAX;
}

static bool is_finite(float f)
{
	return f >= -FLT_MAX && f <= FLT_MAX;
}

/* Does @offset lie in .fxq.strings, which is seen to end with NUL? */
static bool is_string(const struct fxq_image *image, uint64_t offset)
{
	return offset < image->n[SECTION_STRINGS];
}

static int check_name(const struct fxq_image *image, enum image_section s,
		      uint64_t i, const char *field, uint64_t offset)
{
	if (is_string(image, offset))
		return 0;
	return image_bad(image,
			 "%s[%llu].%s is %llu, past the end of %s with %llu bytes",
			 image_section_name(s), (unsigned long long)i, field,
			 (unsigned long long)offset, FXQ_SECTION_STRINGS,
			 (unsigned long long)image->n[SECTION_STRINGS]);
}

static void to_hex(char *to, const uint8_t *bytes, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		snprintf(to + 2 * i, 3, "%02x", bytes[i]);
}

int image_check_header(struct fxq_image *image)
{
	static const uint8_t contract[] = FXQ_CONTRACT_HASH;
	const struct fxq_image_header *h = image->header;

	if (image->n[SECTION_HEADER] != 1)
		return image_bad(image, "%s has %llu records instead of one",
				 FXQ_SECTION_HEADER,
				 (unsigned long long)image->n[SECTION_HEADER]);
	if (h->magic != FXQ_IMAGE_MAGIC)
		return image_bad(image, "%s.magic is 0x%08x instead of 0x%08x",
				 FXQ_SECTION_HEADER, h->magic,
				 FXQ_IMAGE_MAGIC);
	to_hex(image->contract, h->contract, FXQ_CONTRACT_BYTES);
	if (h->version != FXQ_IMAGE_VERSION ||
	    memcmp(h->contract, contract, sizeof(contract)))
		return fxq_fail(-EPROTO,
				"%s: image version %u was compiled for contract %.12s, this library (%s) is version %u for contract %.12s; compile the model again with this version",
				image->file, h->version, image->contract,
				FXQ_LIB_VERSION, FXQ_IMAGE_VERSION,
				FXQ_CONTRACT_HEX);
	if (h->training > 1)
		return image_bad(image, "%s.training is %u, neither 0 nor 1",
				 FXQ_SECTION_HEADER, h->training);
	if (h->quantize_rule > FXQ_QUANTIZE_ONNX)
		return image_bad(image, "%s.quantize_rule is %u, which is unknown",
				 FXQ_SECTION_HEADER, h->quantize_rule);
	return 0;
}

static int check_strings(const struct fxq_image *image)
{
	uint64_t n = image->n[SECTION_STRINGS];

	if (!n || image->strings[0] || image->strings[n - 1])
		return image_bad(image, "%s does not begin and end with NUL",
				 FXQ_SECTION_STRINGS);
	return 0;
}

/* Element type, rank, sizes and their product. */
static int check_shape(const struct fxq_image *image, uint32_t i)
{
	const struct fxq_image_tensor *t = &image->tensors[i];
	struct fxq_tensor type = { .dtype = t->dtype, .rank = t->rank };
	const char *s = FXQ_SECTION_TENSORS;
	uint64_t bytes;

	if (!fxq_element_bytes(t->dtype))
		return image_bad(image, "%s[%u].dtype is %u, no type of an element",
				 s, i, t->dtype);
	if (t->rank > FXQ_MAX_RANK)
		return image_bad(image, "%s[%u].rank is %u, more than %d", s, i,
				 t->rank, FXQ_MAX_RANK);
	for (uint32_t d = 0; d < FXQ_MAX_RANK; d++) {
		if (t->dims[d] < 0 || (d >= t->rank && t->dims[d]))
			return image_bad(image, "%s[%u].dims[%u] is %lld, which rank %u does not allow",
					 s, i, d, (long long)t->dims[d],
					 t->rank);
		type.dims[d] = t->dims[d];
	}
	if (!fxq_type_bytes(&type, &bytes) || bytes > BYTES_MAX)
		return image_bad(image, "%s[%u] is %s, larger than a device can address",
				 s, i, fxq_type_text(&type));
	if (t->bytes != bytes)
		return image_bad(image, "%s[%u].bytes is %llu, but %s has %llu",
				 s, i, (unsigned long long)t->bytes,
				 fxq_type_text(&type),
				 (unsigned long long)bytes);
	return 0;
}

static int check_quantization(const struct fxq_image *image, uint32_t i)
{
	const struct fxq_image_tensor *t = &image->tensors[i];
	const char *s = FXQ_SECTION_TENSORS;

	if (t->scale && !is_normal(to_float(t->scale)))
		return image_bad(image, "%s[%u].scale is %g, not a normal number above 0",
				 s, i, (double)to_float(t->scale));
	if (t->zero_point < -128 || t->zero_point > 127 ||
	    (t->zero_point && !t->scale))
		return image_bad(image, "%s[%u].zero_point is %d, which its scale of %g does not allow",
				 s, i, t->zero_point,
				 (double)to_float(t->scale));
	return 0;
}

/* Where a constant's data is. */
static int check_data(const struct fxq_image *image, uint32_t i)
{
	const struct fxq_image_tensor *t = &image->tensors[i];
	uint64_t n = image->n[SECTION_CONSTS];
	const char *s = FXQ_SECTION_TENSORS;

	if (t->flags & ~(FXQ_TENSOR_CONST | FXQ_TENSOR_DYNAMIC) ||
	    t->flags == (FXQ_TENSOR_CONST | FXQ_TENSOR_DYNAMIC))
		return image_bad(image, "%s[%u].flags is 0x%x, which is unknown",
				 s, i, t->flags);
	if (!(t->flags & FXQ_TENSOR_CONST)) {
		if (t->offset)
			return image_bad(image, "%s[%u].offset is %llu, but the tensor is no constant",
					 s, i, (unsigned long long)t->offset);
		return 0;
	}
	if (t->offset % FXQ_WEIGHTS_ALIGN)
		return image_bad(image, "%s[%u].offset is %llu, not a multiple of %d",
				 s, i, (unsigned long long)t->offset,
				 FXQ_WEIGHTS_ALIGN);
	if (t->offset > n || t->bytes > n - t->offset)
		return image_bad(image, "%s[%u] has %llu bytes at %llu, past the end of %s with %llu",
				 s, i, (unsigned long long)t->bytes,
				 (unsigned long long)t->offset,
				 FXQ_SECTION_CONSTS, (unsigned long long)n);
	return 0;
}

static int check_tensor(const struct fxq_image *image, uint32_t i)
{
	int ret;

	ret = check_name(image, SECTION_TENSORS, i, "name",
			 image->tensors[i].name);
	if (!ret)
		ret = check_shape(image, i);
	if (!ret)
		ret = check_quantization(image, i);
	if (!ret)
		ret = check_data(image, i);
	return ret;
}

static int check_tag(const struct fxq_image *image, uint32_t i)
{
	int ret;

	ret = check_name(image, SECTION_TAGS, i, "layer", image->tags[i].layer);
	if (!ret)
		ret = check_name(image, SECTION_TAGS, i, "op",
				 image->tags[i].op);
	return ret;
}

/* Checks an attribute and decodes it into image->decoded. */
static int check_attr(const struct fxq_image *image, uint32_t i)
{
	const struct fxq_image_attr *a = &image->attrs[i];
	uint64_t n = image->n[SECTION_VALUES];
	bool many = a->type == FXQ_ATTR_INTS || a->type == FXQ_ATTR_FLOATS;
	struct fxq_attr *to = &image->decoded[i];
	const char *s = FXQ_SECTION_ATTRS;
	int ret;

	ret = check_name(image, SECTION_ATTRS, i, "name", a->name);
	if (ret)
		return ret;
	if (!a->name || !a->type || a->type > FXQ_ATTR_FLOATS || a->reserved)
		return image_bad(image, "%s[%u] has name %u, type %u and reserved %u, which is no attribute",
				 s, i, a->name, a->type, a->reserved);
	if (!many && a->count != 1)
		return image_bad(image, "%s[%u].count is %u, but its type has one value",
				 s, i, a->count);
	if (many && (a->value > n || a->count > n - a->value))
		return image_bad(image, "%s[%u] has %u values at %llu, past the end of %s with %llu",
				 s, i, a->count, (unsigned long long)a->value,
				 FXQ_SECTION_VALUES, (unsigned long long)n);
	if (a->type == FXQ_ATTR_STRING)
		ret = check_name(image, SECTION_ATTRS, i, "value", a->value);
	if (ret)
		return ret;

	to->name = image_string(image, a->name);
	to->type = a->type;
	to->count = a->count;
	if (a->type == FXQ_ATTR_STRING)
		to->s = image_string(image, a->value);
	else if (many)
		to->ints = (const int64_t *)image->values + a->value;
	else
		to->i = a->value;	/* or f: the same 64 bits */
	return 0;
}

static int check_preprocess(const struct fxq_image *image, uint32_t i)
{
	const struct fxq_image_preprocess *p = &image->preprocess[i];
	const char *s = FXQ_SECTION_PREPROCESS;

	if (p->input >= image->header->n_inputs)
		return image_bad(image, "%s[%u].input is %u, but there are %u inputs",
				 s, i, p->input, image->header->n_inputs);
	if (p->order > FXQ_PIXEL_GRAY || p->nhwc > 1)
		return image_bad(image, "%s[%u] has order %u and nhwc %u, which are unknown",
				 s, i, p->order, p->nhwc);
	if (!p->width || !p->height || p->width > PICTURE_MAX ||
	    p->height > PICTURE_MAX)
		return image_bad(image, "%s[%u] wants a picture of %ux%u, not 1x1 to %dx%d",
				 s, i, p->width, p->height, PICTURE_MAX,
				 PICTURE_MAX);
	if (p->channels != (p->order == FXQ_PIXEL_GRAY ? 1 : 3))
		return image_bad(image, "%s[%u].channels is %u, which its order does not have",
				 s, i, p->channels);
	for (uint32_t c = 0; c < 4; c++) {
		float mean = to_float(p->mean[c]), std = to_float(p->std[c]);

		if (!is_finite(mean) || (c < p->channels && !is_normal(std)))
			return image_bad(image, "%s[%u] has mean %g and std %g in channel %u, with which no pixel can be scaled",
					 s, i, (double)mean, (double)std, c);
	}
	return 0;
}

/* X(id, check): the sections whose records stand for themselves. */
#define CHECKS(X)			\
	X(TENSORS,    check_tensor)	\
	X(ATTRS,      check_attr)	\
	X(TAGS,       check_tag)	\
	X(PREPROCESS, check_preprocess)

int image_check_records(struct fxq_image *image)
{
	static const struct {
		enum image_section section;
		int (*check)(const struct fxq_image *image, uint32_t i);
	} checks[] = {
#define X(id, fn) { SECTION_##id, fn },
		CHECKS(X)
#undef X
	};
	uint64_t n = image->n[SECTION_ATTRS];
	int ret;

	ret = check_strings(image);
	if (ret)
		return ret;
	ret = check_name(image, SECTION_HEADER, 0, "name", image->header->name);
	if (!ret)
		ret = check_name(image, SECTION_HEADER, 0, "producer",
				 image->header->producer);
	if (ret)
		return ret;
	image->decoded = calloc(n ? n : 1, sizeof(*image->decoded));
	if (!image->decoded)
		return fxq_fail_memory("the attributes of an image");

	for (size_t c = 0; c < sizeof(checks) / sizeof(checks[0]); c++)
		for (uint32_t i = 0; i < image->n[checks[c].section]; i++) {
			ret = checks[c].check(image, i);
			if (ret)
				return ret;
		}
	return 0;
}
