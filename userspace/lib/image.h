/* SPDX-License-Identifier: MIT */
/*
 * image.h - an image in memory, after every byte of it has been judged
 *
 * Once fxq_image_open() has returned an image, all indices and offsets in its
 * tables are valid and its strings end: code that uses it checks nothing
 * again. The whole file is one piece of page-aligned memory, so that a device
 * maps weights and streams where they are.
 */
#ifndef FXQ_LIB_IMAGE_H
#define FXQ_LIB_IMAGE_H

#include <stdatomic.h>

#include <fxq/fxq_check.h>
#include <fxq/fxq_image.h>

#include "priv.h"

/*
 * X(id, member, type, name): sections that are there once. Each becomes an
 * array in struct fxq_image and a number of records.
 */
#define IMAGE_SECTIONS(X)						      \
	X(HEADER,     header,     struct fxq_image_header,  FXQ_SECTION_HEADER)  \
	X(TENSORS,    tensors,    struct fxq_image_tensor,  FXQ_SECTION_TENSORS) \
	X(STEPS,      steps,      struct fxq_image_step,    FXQ_SECTION_STEPS)   \
	X(BINDINGS,   bindings,   struct fxq_image_binding, FXQ_SECTION_BINDINGS) \
	X(ARGS,       args,       uint32_t,		    FXQ_SECTION_ARGS)    \
	X(ATTRS,      attrs,      struct fxq_image_attr,    FXQ_SECTION_ATTRS)   \
	X(VALUES,     values,     uint64_t,		    FXQ_SECTION_VALUES)  \
	X(TAGS,       tags,       struct fxq_image_tag,	    FXQ_SECTION_TAGS)    \
	X(PREPROCESS, preprocess, struct fxq_image_preprocess,		      \
							    FXQ_SECTION_PREPROCESS) \
	X(STRINGS,    strings,    char,			    FXQ_SECTION_STRINGS) \
	X(WEIGHTS,    weights,    uint8_t,		    FXQ_SECTION_WEIGHTS) \
	X(CONSTS,     consts,     uint8_t,		    FXQ_SECTION_CONSTS)

enum image_section {
#define X(id, member, type, name) SECTION_##id,
	IMAGE_SECTIONS(X)
#undef X
	SECTION_COUNT
};

/*
 * struct fxq_image
 * @file: for messages, a path or "image in memory"
 * @mem, @size: the file; memory goes on, zero, to the end of a page
 * @n: records in each section
 * @stream, @n_stream: by step; NULL and 0 for steps that are not the device's
 * @decoded: .fxq.attrs as functions see them, one for one
 */
struct fxq_image {
	atomic_uint refs;
	char *file;
	uint8_t *mem;
	uint64_t size;
#define X(id, member, type, name) const type *member;
	IMAGE_SECTIONS(X)
#undef X
	uint64_t n[SECTION_COUNT];
	const struct fxq_desc **stream;
	uint32_t *n_stream;
	struct fxq_attr *decoded;
	char contract[2 * FXQ_CONTRACT_BYTES + 1];
};

/*
 * Keeps "FILE: ...; REMEDY" for fxq_error() and returns -EBADMSG. The text
 * names section, index and value.
 */
int image_bad(const struct fxq_image *image, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
const char *image_section_name(enum image_section s);

/* image_elf.c: finds the sections and checks where they lie */
int image_find_sections(struct fxq_image *image);
/* ... and, once the steps are known, their streams. */
int image_find_streams(struct fxq_image *image);

/* image_check.c: records, each by itself */
int image_check_header(struct fxq_image *image);
int image_check_records(struct fxq_image *image);

/* image_steps.c: how steps and tensors hang together */
int image_check_steps(struct fxq_image *image);

/* image_streams.c: device steps, against what the device can do */
int image_check_streams(const struct fxq_image *image,
			const struct fxq_caps *caps);

/* image.c */
struct fxq_image *image_get(struct fxq_image *image);
struct fxq_tensor image_type(const struct fxq_image *image, uint32_t tensor);

static inline const char *image_string(const struct fxq_image *image,
				       uint32_t offset)
{
	return image->strings + offset;
}

/* A name for messages: the layer's, or the step's number. */
const char *image_layer(const struct fxq_image *image, uint32_t step);

#endif /* FXQ_LIB_IMAGE_H */
