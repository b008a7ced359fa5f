// SPDX-License-Identifier: MIT
/*
 * zip.c - as much of the zip format as numpy.savez() needs
 *
 * The directory at the end of the file is what counts; each member is found
 * through it, unpacked into exactly the size that it announces, and checked
 * against its CRC. A size that deflate cannot reach from what the file holds
 * is refused before memory is asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "files.h"

#define END_MAGIC	0x06054b50u	/* end of the directory */
#define END_BYTES	22
#define END64_MAGIC	0x06064b50u	/* the same with 64-bit numbers ... */
#define END64_BYTES	56
#define LOCATOR_MAGIC	0x07064b50u	/* ... and where that is */
#define LOCATOR_BYTES	20
#define ENTRY_MAGIC	0x02014b50u	/* a member in the directory */
#define ENTRY_BYTES	46
#define LOCAL_MAGIC	0x04034b50u	/* a member before its data */
#define LOCAL_BYTES	30
#define NEVER		0xffffffffu	/* the number stands in 64 bits */
#define MEMBERS_MAX	65535
#define DEFLATE_MOST	1032

struct reader {
	const char *name;
	const uint8_t *data;
	uint64_t size;
};

/* A member as the directory describes it. */
struct entry {
	uint64_t packed, size, offset;
	uint32_t crc, flags, method;
	const uint8_t *name;
	uint32_t name_len;
};

static uint32_t u16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

static uint32_t u32(const uint8_t *p)
{
	return u16(p) | u16(p + 2) << 16;
}

static uint64_t u64(const uint8_t *p)
{
	return u32(p) | (uint64_t)u32(p + 4) << 32;
}

static int bad_zip(const struct reader *r, const char *what)
{
	io_fail(-EINVAL, "%s: %s; write it with numpy.savez()", r->name, what);
	return -EINVAL;
}

/* Are there @n bytes at @at? */
static bool holds(const struct reader *r, uint64_t at, uint64_t n)
{
	return at <= r->size && n <= r->size - at;
}

/* Looks for the end record, which only a comment may follow. */
static int find_end(const struct reader *r, uint64_t *ret_at)
{
	uint64_t at, back = END_BYTES;

	for (; back <= r->size && back <= END_BYTES + 65535; back++) {
		at = r->size - back;
		if (u32(r->data + at) == END_MAGIC &&
		    u16(r->data + at + 20) == back - END_BYTES) {
			*ret_at = at;
			return 0;
		}
	}
	return bad_zip(r, "this zip file is cut short");
}

static int find_directory(const struct reader *r, uint64_t *ret_at,
			  uint64_t *ret_n)
{
	uint64_t end, at, n;
	int ret;

	ret = find_end(r, &end);
	if (ret)
		return ret;
	n = u16(r->data + end + 10);
	at = u32(r->data + end + 16);
	if (n == 0xffff || at == NEVER) {
		if (end < LOCATOR_BYTES ||
		    u32(r->data + end - LOCATOR_BYTES) != LOCATOR_MAGIC)
			return bad_zip(r, "this zip file has no directory");
		at = u64(r->data + end - LOCATOR_BYTES + 8);
		if (!holds(r, at, END64_BYTES) ||
		    u32(r->data + at) != END64_MAGIC)
			return bad_zip(r, "this zip file has no directory");
		n = u64(r->data + at + 32);
		at = u64(r->data + at + 48);
	}
	if (n > MEMBERS_MAX)
		return bad_zip(r, "this zip file has more than 65535 members");
	*ret_at = at;
	*ret_n = n;
	return 0;
}

/* Takes the 64-bit numbers that did not fit the entry from its extra field. */
static int read_extra(const struct reader *r, struct entry *e,
		      const uint8_t *p, uint32_t n)
{
	uint64_t *wide[3] = { &e->size, &e->packed, &e->offset };

	while (n >= 4) {
		uint32_t id = u16(p), len = u16(p + 2);

		p += 4;
		n -= 4;
		if (len > n)
			break;
		for (uint32_t i = 0, at = 0; id == 1 && i < 3; i++) {
			if (*wide[i] != NEVER)
				continue;
			if (at + 8 > len)
				return bad_zip(r, "a member lacks its sizes");
			*wide[i] = u64(p + at);
			at += 8;
		}
		p += len;
		n -= len;
	}
	return 0;
}

/* Reads the entry at *@at and moves on to the next. */
static int read_entry(const struct reader *r, uint64_t *at, struct entry *e)
{
	uint32_t extra, comment;
	const uint8_t *p;

	if (!holds(r, *at, ENTRY_BYTES) || u32(r->data + *at) != ENTRY_MAGIC)
		return bad_zip(r, "the directory of this zip file is damaged");
	p = r->data + *at;
	*e = (struct entry){
		.flags = u16(p + 8), .method = u16(p + 10), .crc = u32(p + 16),
		.packed = u32(p + 20), .size = u32(p + 24),
		.name_len = u16(p + 28), .offset = u32(p + 42),
		.name = p + ENTRY_BYTES,
	};
	extra = u16(p + 30);
	comment = u16(p + 32);
	if (!holds(r, *at, ENTRY_BYTES + e->name_len + extra + comment))
		return bad_zip(r, "the directory of this zip file is damaged");
	*at += ENTRY_BYTES + e->name_len + extra + comment;
	return read_extra(r, e, e->name + e->name_len, extra);
}

/* Where the member's packed bytes are. */
static int find_data(const struct reader *r, const struct entry *e,
		     const uint8_t **ret_data)
{
	uint64_t at = e->offset;
	const uint8_t *p;

	if (!holds(r, at, LOCAL_BYTES) || u32(r->data + at) != LOCAL_MAGIC)
		return bad_zip(r, "a member is not where the directory says");
	p = r->data + at;
	at += LOCAL_BYTES + u16(p + 26) + u16(p + 28);
	if (!holds(r, at, e->packed))
		return bad_zip(r, "a member reaches past the end of the file");
	if (e->flags & 1)
		return bad_zip(r, "a member is encrypted");
	if (e->method != 0 && e->method != Z_DEFLATED)
		return bad_zip(r, "a member is packed in an unknown way");
	if (e->method == 0 ? e->size != e->packed :
			     e->size / DEFLATE_MOST > e->packed)
		return bad_zip(r, "a member's size is not what it holds");
	*ret_data = r->data + at;
	return 0;
}

/* Raw deflate of exactly @size bytes. */
static bool inflate_exactly(const uint8_t *from, uint64_t packed, uint8_t *to,
			    uint64_t size)
{
	z_stream z = { .next_in = (void *)from, .next_out = to };
	int ret;

	if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
		return false;
	do {
		uInt in = packed < 1u << 30 ? packed : 1u << 30;
		uInt out = size < 1u << 30 ? size : 1u << 30;

		z.avail_in = in;
		z.avail_out = out;
		ret = inflate(&z, Z_NO_FLUSH);
		packed -= in - z.avail_in;
		size -= out - z.avail_out;
	} while (ret == Z_OK);
	inflateEnd(&z);
	return ret == Z_STREAM_END && !size;
}

static int read_member(const struct reader *r, const struct entry *e,
		       struct zip_member *ret)
{
	struct zip_member m = { .name = NULL };
	const uint8_t *packed;
	int err;

	err = find_data(r, e, &packed);
	if (err)
		return err;
	m.name = strndup((const char *)e->name, e->name_len);
	m.bytes = (struct bytes){ malloc(e->size + 1), e->size };
	if (!m.name || !m.bytes.data) {
		err = io_fail_memory(r->name);
		goto free_member;
	}
	if (e->method == 0)
		memcpy(m.bytes.data, packed, e->size);
	else if (!inflate_exactly(packed, e->packed, m.bytes.data, e->size)) {
		err = bad_zip(r, "a member does not unpack");
		goto free_member;
	}
	m.crc = crc32_z(0, m.bytes.data, m.bytes.size);
	if (m.crc != e->crc) {
		err = bad_zip(r, "a member's bytes do not match its checksum");
		goto free_member;
	}
	*ret = m;
	return 0;

free_member:
	free(m.name);
	bytes_free(&m.bytes);
	return err;
}

bool is_zip(const void *data, size_t size)
{
	return size >= END_BYTES && (u32(data) == LOCAL_MAGIC ||
				     u32(data) == END_MAGIC);
}

void zip_free(struct zip *zip)
{
	for (size_t i = 0; i < zip->n; i++) {
		free(zip->members[i].name);
		bytes_free(&zip->members[i].bytes);
	}
	free(zip->members);
	*zip = (struct zip){ 0 };
}

int zip_parse(const char *name, const void *data, size_t size,
	      struct zip *ret)
{
	struct reader r = { name, data, size };
	uint64_t at, n, total = 0;
	struct zip zip = { 0 };
	struct entry e;
	int err;

	err = find_directory(&r, &at, &n);
	if (err)
		return err;
	zip.members = calloc(n + 1, sizeof(*zip.members));
	if (!zip.members)
		return io_fail_memory(name);
	while (zip.n < n) {
		err = read_entry(&r, &at, &e);
		if (err)
			goto free_zip;
		/* Entries that share their data must not add up to a bomb. */
		total += e.size < size * DEFLATE_MOST ? e.size : 0;
		if (total / DEFLATE_MOST > size) {
			err = bad_zip(&r, "its members overlap");
			goto free_zip;
		}
		err = read_member(&r, &e, &zip.members[zip.n]);
		if (err)
			goto free_zip;
		zip.n++;
	}
	*ret = zip;
	return 0;

free_zip:
	zip_free(&zip);
	return err;
}

static uint8_t *put16(uint8_t *p, uint32_t v)
{
	*p++ = v;
	*p++ = v >> 8;
	return p;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v & 0xffff), v >> 16);
}

/* What local and directory entry have in common, from "version" on. */
static uint8_t *put_common(uint8_t *p, const struct zip_member *m)
{
	p = put16(p, 20);		/* version 2.0 */
	p = put16(p, 0);		/* flags */
	p = put16(p, 0);		/* stored */
	p = put32(p, 0x00210000);	/* 1 January 1980, so bytes repeat */
	p = put32(p, m->crc);
	p = put32(p, m->bytes.size);
	p = put32(p, m->bytes.size);
	p = put16(p, strlen(m->name));
	return put16(p, 0);		/* extra */
}

static uint8_t *put_local(uint8_t *p, const struct zip_member *m)
{
	p = put_common(put32(p, LOCAL_MAGIC), m);
	p = mempcpy(p, m->name, strlen(m->name));
	return mempcpy(p, m->bytes.data, m->bytes.size);
}

static uint8_t *put_entry(uint8_t *p, const struct zip_member *m,
			  uint32_t offset)
{
	p = put_common(put16(put32(p, ENTRY_MAGIC), 20), m);
	p = put32(put32(p, 0), 0);	/* comment, disk, attributes ... */
	p = put16(p, 0);
	p = put32(p, offset);
	return mempcpy(p, m->name, strlen(m->name));
}

int zip_format(const char *name, struct zip *zip, struct bytes *ret)
{
	uint64_t total = END_BYTES;
	struct bytes b;
	uint8_t *p, *directory;
	uint32_t offset = 0;

	for (size_t i = 0; i < zip->n; i++)
		total += LOCAL_BYTES + ENTRY_BYTES +
			 2 * strlen(zip->members[i].name) +
			 zip->members[i].bytes.size;
	if (total >= NEVER || zip->n >= MEMBERS_MAX)
		return io_fail(-EFBIG,
			       "%s: an npz file of 4 GiB or more is not written; save npy files",
			       name);
	b = (struct bytes){ malloc(total), total };
	if (!b.data)
		return io_fail_memory(name);
	p = b.data;
	for (size_t i = 0; i < zip->n; i++) {
		struct zip_member *m = &zip->members[i];

		m->crc = crc32_z(0, m->bytes.data, m->bytes.size);
		p = put_local(p, m);
	}
	directory = p;
	for (size_t i = 0; i < zip->n; i++) {
		const struct zip_member *m = &zip->members[i];

		p = put_entry(p, m, offset);
		offset += LOCAL_BYTES + strlen(m->name) + m->bytes.size;
	}
	offset = p - directory;
	p = put32(put32(p, END_MAGIC), 0);
	p = put16(put16(p, zip->n), zip->n);
	p = put32(put32(p, offset), directory - b.data);
	put16(p, 0);
	*ret = b;
	return 0;
}
