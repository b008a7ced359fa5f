/* SPDX-License-Identifier: MIT */
/*
 * image_priv.h - between the two halves of the image writer
 *
 * image_write.c collects the contents of sections, image_elf.c puts sections
 * into a file.
 */
#ifndef FXQ_IMAGE_PRIV_H
#define FXQ_IMAGE_PRIV_H

#include <stddef.h>
#include <stdint.h>

/* A section's bytes as they grow. */
struct image_section {
	char name[32];
	uint32_t align;
	uint8_t *data;
	size_t len, room;
};

/* image_elf.c */

/*
 * Writes @n sections as an ELF to memory that the caller frees. Sections of
 * length 0 are kept. -ENOMEM, -EIO with a sentence in @error[@size].
 */
int image_elf(const struct image_section *sections, size_t n, void **ret_data,
	      size_t *ret_size, char *error, size_t size);

#endif /* FXQ_IMAGE_PRIV_H */
