/* SPDX-License-Identifier: MIT */
/*
 * image_priv.h - what the files of the image writer share
 *
 * image_write.c makes the records, image_section.c keeps them in sections, and
 * image_elf.c puts the sections into a file.
 */
#ifndef FXQ_IMAGE_PRIV_H
#define FXQ_IMAGE_PRIV_H

#include <fxq/image.h>

/* X(id, name, align): the sections that are always there, in file order. */
#define SECTIONS(X)						\
	X(HEADER,     FXQ_SECTION_HEADER,     8)		\
	X(TENSORS,    FXQ_SECTION_TENSORS,    8)		\
	X(STEPS,      FXQ_SECTION_STEPS,      8)		\
	X(BINDINGS,   FXQ_SECTION_BINDINGS,   8)		\
	X(ARGS,       FXQ_SECTION_ARGS,       4)		\
	X(ATTRS,      FXQ_SECTION_ATTRS,      8)		\
	X(VALUES,     FXQ_SECTION_VALUES,     8)		\
	X(TAGS,       FXQ_SECTION_TAGS,       8)		\
	X(PREPROCESS, FXQ_SECTION_PREPROCESS, 4)		\
	X(STRINGS,    FXQ_SECTION_STRINGS,    1)		\
	X(CONSTS,     FXQ_SECTION_CONSTS,     FXQ_WEIGHTS_ALIGN)	\
	X(WEIGHTS,    FXQ_SECTION_WEIGHTS,    FXQ_WEIGHTS_ALIGN)

enum {
#define X(id, name, align) id,
	SECTIONS(X)
#undef X
	FIRST_STREAM
};

/* A section's bytes as they grow. */
struct image_section {
	char name[32];
	uint32_t align;
	uint8_t *data;
	size_t len, room;
};

/*
 * struct fxq_writer
 * @sections: the fixed ones, then a stream for each device step
 * @strings: hash table of offsets into .fxq.strings, 0: free
 * @n_tensors, @n_steps, @n_tags: records so far
 */
struct fxq_writer {
	struct fxq_image_header header;
	struct image_section *sections;
	size_t n_sections;
	uint32_t *strings;
	uint32_t n_strings, room_strings;
	uint32_t n_tensors, n_steps, n_tags;
	int err;
	char error[FXQ_ERROR_MAX];
};

/* image_section.c: an error stays, and turns later calls into no-ops */

void image_fail(struct fxq_writer *w, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void image_fail_memory(struct fxq_writer *w);
/* NULL after an error. */
struct image_section *section_new(struct fxq_writer *w, const char *name,
				  uint32_t align);
/* Room for @len more bytes, zeroed; NULL after an error. */
void *section_extend(struct fxq_writer *w, struct image_section *s,
		     size_t len);
void section_append(struct fxq_writer *w, int section, const void *data,
		    size_t len);
/* Appends @data on the next multiple of FXQ_WEIGHTS_ALIGN; its offset. */
uint64_t section_append_aligned(struct fxq_writer *w, int section,
				const void *data, uint64_t len);
/* How many records of @size the section holds. */
uint32_t section_count(const struct fxq_writer *w, int section, size_t size);
/* The offset of @s in .fxq.strings, where each text stands once. */
uint32_t image_string(struct fxq_writer *w, const char *s);

/* image_elf.c */

/*
 * Writes @n sections as an ELF to memory that the caller frees. Sections of
 * length 0 are kept. -ENOMEM, -EIO with a sentence in @error[@size].
 */
int image_elf(const struct image_section *sections, size_t n, void **ret_data,
	      size_t *ret_size, char *error, size_t size);

#endif /* FXQ_IMAGE_PRIV_H */
