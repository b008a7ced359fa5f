// SPDX-License-Identifier: MIT
/*
 * image_elf.c - where the sections of an image lie
 *
 * libelf reads the section headers; this file believes none of them. A
 * section must lie in the file, on its alignment, be whole records long,
 * have plain contents, be there once, and share no byte with another.
 */
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

#define SECTIONS_MAX	(1u << 20)

static const struct {
	const char *name;
	uint32_t bytes, align;
} sections[SECTION_COUNT] = {
#define X(id, member, type, name) \
	[SECTION_##id] = { name, sizeof(type), _Alignof(type) },
	IMAGE_SECTIONS(X)
#undef X
};

/* A piece of the file that somebody claims. */
struct claim {
	uint64_t begin, end;
	const char *who;
};

/* An open ELF: what libelf knows, and the claims on the file so far. */
struct elf {
	Elf *elf;
	size_t names, n_sections;
	struct claim *claims;
	size_t n_claims;
};

const char *image_section_name(enum image_section s)
{
	return sections[s].name;
}

static int check_ident(const struct fxq_image *image)
{
	const Elf64_Ehdr *h = (const void *)image->mem;

	if (image->size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG))
		return image_bad(image, "does not begin as an ELF file");
	if (h->e_ident[EI_CLASS] != ELFCLASS64 ||
	    h->e_ident[EI_DATA] != ELFDATA2LSB)
		return image_bad(image, "ELF class %u and data %u are not 64-bit little-endian",
				 h->e_ident[EI_CLASS], h->e_ident[EI_DATA]);
	if (h->e_type != ET_NONE || h->e_machine != EM_NONE)
		return image_bad(image, "ELF type %u for machine %u is a program, not an image",
				 h->e_type, h->e_machine);
	if (h->e_shentsize != sizeof(Elf64_Shdr))
		return image_bad(image, "ELF section headers have %u bytes, not %zu",
				 h->e_shentsize, sizeof(Elf64_Shdr));
	if (h->e_shoff % sizeof(uint64_t))
		return image_bad(image, "ELF section table lies at %llu, not a multiple of %zu",
				 (unsigned long long)h->e_shoff,
				 sizeof(uint64_t));
	return 0;
}

/* libelf has no memory, or cannot make sense of @what. errno was 0 before. */
static int fail_libelf(const struct fxq_image *image, const char *what)
{
	if (errno == ENOMEM)
		return fxq_fail_memory("the sections of an image");
	return image_bad(image, "%s cannot be read: %s", what, elf_errmsg(-1));
}

static int open_elf(struct fxq_image *image, struct elf *e)
{
	const Elf64_Ehdr *h = (const void *)image->mem;
	int ret = check_ident(image);

	if (ret)
		return ret;
	errno = 0;
	elf_version(EV_CURRENT);
	e->elf = elf_memory((char *)image->mem, image->size);
	if (!e->elf || elf_getshdrnum(e->elf, &e->n_sections) ||
	    elf_getshdrstrndx(e->elf, &e->names))
		return fail_libelf(image, "ELF section table");
	if (e->n_sections > SECTIONS_MAX)
		return image_bad(image, "ELF section table has %zu entries, more than %u",
				 e->n_sections, SECTIONS_MAX);
	if (h->e_shoff > image->size ||
	    e->n_sections * sizeof(Elf64_Shdr) > image->size - h->e_shoff)
		return image_bad(image, "ELF section table lies at %llu with %zu entries, past the end of the file",
				 (unsigned long long)h->e_shoff,
				 e->n_sections);
	e->claims = calloc(e->n_sections + 2, sizeof(*e->claims));
	if (!e->claims)
		return fxq_fail_memory("the sections of an image");
	return 0;
}

static void close_elf(struct elf *e)
{
	free(e->claims);
	elf_end(e->elf);
}

static void claim(struct elf *e, uint64_t begin, uint64_t bytes,
		  const char *who)
{
	if (bytes)
		e->claims[e->n_claims++] =
			(struct claim){ begin, begin + bytes, who };
}

/* Name and header of section @i, whose bytes are seen to lie in the file. */
static int read_section(struct fxq_image *image, struct elf *e, size_t i,
			const char **ret_name, Elf64_Shdr *ret_header)
{
	Elf_Scn *scn = elf_getscn(e->elf, i);
	Elf64_Shdr *p = scn ? elf64_getshdr(scn) : NULL, h;
	const char *name = p ? elf_strptr(e->elf, e->names, p->sh_name) : NULL;

	if (!name)
		return image_bad(image, "ELF section %zu has no readable name",
				 i);
	h = *p;
	if (h.sh_type == SHT_NOBITS || h.sh_type == SHT_NULL)
		h.sh_size = 0;
	if (h.sh_size && (h.sh_offset > image->size ||
			  h.sh_size > image->size - h.sh_offset))
		return image_bad(image,
				 "section %s lies at %llu, %llu bytes long, past the end of a file of %llu",
				 fxq_quote(name),
				 (unsigned long long)h.sh_offset,
				 (unsigned long long)h.sh_size,
				 (unsigned long long)image->size);
	if (!h.sh_size)
		h.sh_offset = 0;
	*ret_name = name;
	*ret_header = h;
	return 0;
}

/* What holds for all of our own sections. */
static int check_plain(struct fxq_image *image, const char *name,
		       const Elf64_Shdr *h, uint32_t bytes, uint32_t align)
{
	if (h->sh_type != SHT_PROGBITS || h->sh_flags)
		return image_bad(image, "section %s has ELF type %u and flags 0x%llx instead of plain contents",
				 fxq_quote(name), h->sh_type,
				 (unsigned long long)h->sh_flags);
	if (h->sh_offset % align)
		return image_bad(image, "section %s lies at %llu, not a multiple of %u",
				 fxq_quote(name),
				 (unsigned long long)h->sh_offset, align);
	if (h->sh_size % bytes)
		return image_bad(image, "section %s has %llu bytes, not a multiple of its records' %u",
				 fxq_quote(name),
				 (unsigned long long)h->sh_size, bytes);
	return 0;
}

static int place(struct fxq_image *image, enum image_section s,
		 const Elf64_Shdr *h, bool *seen)
{
	const void *data = image->mem + h->sh_offset;
	uint32_t align = s == SECTION_WEIGHTS || s == SECTION_CONSTS ?
			 FXQ_WEIGHTS_ALIGN : sections[s].align;
	int ret;

	if (seen[s])
		return image_bad(image, "section %s is there twice",
				 sections[s].name);
	seen[s] = true;
	ret = check_plain(image, sections[s].name, h, sections[s].bytes, align);
	if (ret)
		return ret;
	image->n[s] = h->sh_size / sections[s].bytes;
	if (image->n[s] > UINT32_MAX && sections[s].bytes > 1)
		return image_bad(image, "section %s has %llu records, more than 32 bits can number",
				 sections[s].name,
				 (unsigned long long)image->n[s]);
	switch (s) {
#define X(id, member, type, name)	\
	case SECTION_##id:		\
		image->member = data;	\
		break;
	IMAGE_SECTIONS(X)
#undef X
	default:
		break;
	}
	return 0;
}

static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

static int check_overlap(struct fxq_image *image, struct elf *e)
{
	qsort(e->claims, e->n_claims, sizeof(*e->claims), compare_claims);
	for (size_t i = 1; i < e->n_claims; i++)
		if (e->claims[i].begin < e->claims[i - 1].end)
			return image_bad(image, "%s and %s overlap at %llu",
					 fxq_quote(e->claims[i - 1].who),
					 fxq_quote(e->claims[i].who),
					 (unsigned long long)e->claims[i].begin);
	return 0;
}

static int find_section(struct fxq_image *image, struct elf *e, size_t i,
			bool *seen)
{
	Elf64_Shdr h;
	const char *name = "";
	int ret, s;

	ret = read_section(image, e, i, &name, &h);
	if (ret)
		return ret;
	claim(e, h.sh_offset, h.sh_size, name);
	for (s = 0; s < SECTION_COUNT; s++)
		if (!strcmp(name, sections[s].name))
			return place(image, s, &h, seen);
	if (!strncmp(name, ".fxq.", 5) &&
	    strncmp(name, FXQ_SECTION_STREAM, strlen(FXQ_SECTION_STREAM)))
		return image_bad(image, "section %s is unknown",
				 fxq_quote(name));
	return 0;
}

int image_find_sections(struct fxq_image *image)
{
	bool seen[SECTION_COUNT] = { false };
	const Elf64_Ehdr *h = (const void *)image->mem;
	struct elf e = { 0 };
	size_t i;
	int ret;

	ret = open_elf(image, &e);
	claim(&e, 0, ret ? 0 : sizeof(*h), "ELF header");
	if (!ret)
		claim(&e, h->e_shoff, e.n_sections * sizeof(Elf64_Shdr),
		      "section table");
	for (i = 1; i < e.n_sections && !ret; i++)
		ret = find_section(image, &e, i, seen);
	if (!ret)
		ret = check_overlap(image, &e);
	for (i = 0; i < SECTION_COUNT && !ret; i++)
		if (!seen[i])
			ret = image_bad(image, "section %s is missing",
					sections[i].name);
	close_elf(&e);
	return ret;
}

/* The step whose stream a section called @name is; -1: of no device step. */
static int64_t stream_step(const struct fxq_image *image, const char *name)
{
	const char *digits = name + strlen(FXQ_SECTION_STREAM);
	char expected[32];
	unsigned long step;

	step = strtoul(digits, NULL, 10);
	snprintf(expected, sizeof(expected), "%lu", step);
	if (strcmp(digits, expected) || step >= image->n[SECTION_STEPS] ||
	    image->steps[step].kind != FXQ_STEP_DEVICE)
		return -1;
	return step;
}

static int find_stream(struct fxq_image *image, struct elf *e, size_t i)
{
	const char *name = "";
	Elf64_Shdr h;
	int64_t step;
	int ret;

	ret = read_section(image, e, i, &name, &h);
	if (ret || strncmp(name, FXQ_SECTION_STREAM, strlen(FXQ_SECTION_STREAM)))
		return ret;
	step = stream_step(image, name);
	if (step < 0)
		return image_bad(image, "section %s belongs to no device step",
				 fxq_quote(name));
	if (image->stream[step])
		return image_bad(image, "section %s is there twice",
				 fxq_quote(name));
	ret = check_plain(image, name, &h, FXQ_DESC_BYTES, FXQ_DESC_BYTES);
	if (ret)
		return ret;
	if (h.sh_size / FXQ_DESC_BYTES != image->steps[step].n_descs)
		return image_bad(image, "section %s has %llu descriptors, but step %llu says %u",
				 fxq_quote(name),
				 (unsigned long long)h.sh_size / FXQ_DESC_BYTES,
				 (unsigned long long)step,
				 image->steps[step].n_descs);
	image->stream[step] = (const void *)(image->mem + h.sh_offset);
	image->n_stream[step] = image->steps[step].n_descs;
	return 0;
}

int image_find_streams(struct fxq_image *image)
{
	uint64_t n = image->n[SECTION_STEPS], i;
	struct elf e = { 0 };
	int ret;

	image->stream = calloc(n ? n : 1, sizeof(*image->stream));
	image->n_stream = calloc(n ? n : 1, sizeof(*image->n_stream));
	if (!image->stream || !image->n_stream)
		return fxq_fail_memory("the streams of an image");

	ret = open_elf(image, &e);
	for (i = 1; i < e.n_sections && !ret; i++)
		ret = find_stream(image, &e, i);
	for (i = 0; i < n && !ret; i++)
		if (image->steps[i].kind == FXQ_STEP_DEVICE &&
		    !image->stream[i])
			ret = image_bad(image, "section " FXQ_SECTION_STREAM
					"%llu of a device step is missing",
					(unsigned long long)i);
	close_elf(&e);
	return ret;
}
