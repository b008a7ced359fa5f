// SPDX-License-Identifier: MIT
/*
 * image_elf.c - sections into an ELF file
 *
 * libelf writes, this file decides where: sections follow one another in the
 * order given, each aligned as it asks, gaps are zero, the section headers
 * come last. Nothing but the sections decides a byte of the result.
 */
#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image_priv.h"

/* The names of sections, as ELF wants them: one string table, NULs between. */
struct names {
	char *data;
	size_t len;
};

static const char names_section[] = ".shstrtab";

static int collect_names(const struct image_section *s, size_t n,
			 struct names *names)
{
	size_t room = 1 + sizeof(names_section), i;

	for (i = 0; i < n; i++)
		room += strlen(s[i].name) + 1;
	names->data = calloc(1, room);
	if (!names->data)
		return -ENOMEM;

	names->len = 1;
	for (i = 0; i < n; i++) {
		strcpy(names->data + names->len, s[i].name);
		names->len += strlen(s[i].name) + 1;
	}
	memcpy(names->data + names->len, names_section, sizeof(names_section));
	names->len += sizeof(names_section);
	return 0;
}

/* Adds a section at or after *@offset, and moves *@offset behind it. */
static int add_section(Elf *elf, uint32_t name, uint32_t type, uint32_t align,
		       void *bytes, size_t len, uint64_t *offset)
{
	Elf_Scn *scn = elf_newscn(elf);
	Elf_Data *data = scn ? elf_newdata(scn) : NULL;
	Elf64_Shdr *header = scn ? elf64_getshdr(scn) : NULL;

	if (!data || !header)
		return -EIO;

	*offset = (*offset + align - 1) / align * align;
	data->d_buf = len ? bytes : NULL;
	data->d_size = len;
	data->d_align = align;
	data->d_type = ELF_T_BYTE;
	data->d_version = EV_CURRENT;
	header->sh_name = name;
	header->sh_type = type;
	header->sh_addralign = align;
	header->sh_offset = *offset;
	header->sh_size = len;
	*offset += len;
	return 0;
}

static int fill(Elf *elf, const struct image_section *s, size_t n,
		const struct names *names)
{
	Elf64_Ehdr *header = elf64_newehdr(elf);
	uint64_t offset = sizeof(Elf64_Ehdr);
	uint32_t name = 1;
	size_t i;
	int ret;

	if (!header)
		return -EIO;

	header->e_ident[EI_DATA] = ELFDATA2LSB;
	header->e_ident[EI_OSABI] = ELFOSABI_NONE;
	header->e_type = ET_NONE;
	header->e_machine = EM_NONE;
	header->e_version = EV_CURRENT;
	elf_flagelf(elf, ELF_C_SET, ELF_F_LAYOUT);
	elf_fill(0);
	for (i = 0; i < n; i++) {
		ret = add_section(elf, name, SHT_PROGBITS, s[i].align,
				  s[i].data, s[i].len, &offset);
		if (ret)
			return ret;
		name += strlen(s[i].name) + 1;
	}
	ret = add_section(elf, name, SHT_STRTAB, 1, names->data, names->len,
			  &offset);
	if (ret)
		return ret;

	header = elf64_getehdr(elf);
	header->e_shoff = (offset + 7) / 8 * 8;
	/* Section 0 carries the index where 16 bits of header do not. */
	if (n + 1 < SHN_LORESERVE) {
		header->e_shstrndx = n + 1;
	} else {
		header->e_shstrndx = SHN_XINDEX;
		elf64_getshdr(elf_getscn(elf, 0))->sh_link = n + 1;
	}
	return elf_update(elf, ELF_C_WRITE) < 0 ? -EIO : 0;
}

static int read_back(int fd, void **ret_data, size_t *ret_size)
{
	off_t size = lseek(fd, 0, SEEK_END), at = 0;
	uint8_t *data;

	if (size <= 0)
		return -EIO;
	data = malloc(size);
	if (!data)
		return -ENOMEM;

	while (at < size) {
		ssize_t n = pread(fd, data + at, size - at, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			free(data);
			return -EIO;
		}
		at += n;
	}
	*ret_data = data;
	*ret_size = size;
	return 0;
}

int image_elf(const struct image_section *sections, size_t n, void **ret_data,
	      size_t *ret_size, char *error, size_t size)
{
	struct names names = { 0 };
	Elf *elf;
	int fd, ret;

	elf_version(EV_CURRENT);
	ret = collect_names(sections, n, &names);
	if (ret)
		return ret;

	fd = memfd_create("fxq-image", MFD_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		snprintf(error, size, "no memory file for the image: %s",
			 strerror(-ret));
		goto free_names;
	}

	elf = elf_begin(fd, ELF_C_WRITE, NULL);
	ret = elf ? fill(elf, sections, n, &names) : -EIO;
	if (ret)
		snprintf(error, size, "libelf did not write the image: %s",
			 elf_errmsg(-1));
	elf_end(elf);
	if (!ret)
		ret = read_back(fd, ret_data, ret_size);
	close(fd);

free_names:
	free(names.data);
	return ret;
}
