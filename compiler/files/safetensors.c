// SPDX-License-Identifier: MIT
/*
 * safetensors.c - named tensors behind a header in JSON
 *
 * Eight bytes say how long the header is. It names each tensor's type, shape,
 * and the part of the remaining bytes that is its elements:
 *
 *	{"conv.bias":{"dtype":"F32","shape":[8],"data_offsets":[0,32]}, …}
 *
 * The parts follow one another without hole or overlap and end with the file;
 * so what is announced is what is there.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <fxq/fx.h>

#include "files.h"

#define LENGTH_BYTES	8
#define HEADER_MAX	(100u << 20)
#define METADATA	"__metadata__"
#define NOTE		"fxq_graph"	/* the only one that is read */

static void copy_elements(const uint8_t *from, size_t n, struct fxq_tensor *to)
{
	memcpy(to->data, from, n * fxq_dtype_bytes(to->dtype));
}

static void copy_bools(const uint8_t *from, size_t n, struct fxq_tensor *to)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)to->data)[i] = !!from[i];
}

static void copy_half(const uint8_t *from, size_t n, struct fxq_tensor *to)
{
	floats_from_half(from, n, to->data);
}

static void copy_bfloat(const uint8_t *from, size_t n, struct fxq_tensor *to)
{
	floats_from_bfloat(from, n, to->data);
}

static const struct type {
	const char *name;
	enum fxq_dtype dtype;
	unsigned int bytes;
	void (*copy)(const uint8_t *from, size_t n, struct fxq_tensor *to);
} types[] = {
	{ "F64", FXQ_DTYPE_F64, 8, copy_elements },
	{ "F32", FXQ_DTYPE_F32, 4, copy_elements },
	{ "I64", FXQ_DTYPE_I64, 8, copy_elements },
	{ "I32", FXQ_DTYPE_I32, 4, copy_elements },
	{ "I16", FXQ_DTYPE_I16, 2, copy_elements },
	{ "I8", FXQ_DTYPE_I8, 1, copy_elements },
	{ "U64", FXQ_DTYPE_U64, 8, copy_elements },
	{ "U32", FXQ_DTYPE_U32, 4, copy_elements },
	{ "U16", FXQ_DTYPE_U16, 2, copy_elements },
	{ "U8", FXQ_DTYPE_U8, 1, copy_elements },
	{ "BOOL", FXQ_DTYPE_BOOL, 1, copy_bools },
	{ "F16", FXQ_DTYPE_F32, 2, copy_half },
	{ "BF16", FXQ_DTYPE_F32, 2, copy_bfloat },
};

#define N_TYPES	(sizeof(types) / sizeof(*types))

/* A tensor as the header describes it. */
struct entry {
	const char *name;
	const struct type *type;
	struct fxq_tensor t;
	uint64_t begin, end;
};

struct reader {
	const char *name;
	const uint8_t *data;		/* behind the header */
	uint64_t size;
	struct entry *entries;
	size_t n;
};

static int bad_entry(const struct reader *r, const struct entry *e,
		     const char *what)
{
	return io_fail(-EINVAL,
		       "%s: tensor '%s' %s; write it with safetensors.torch.save_file()",
		       r->name, e->name, what);
}

static int read_type(const struct reader *r, struct entry *e, json_t *from)
{
	const char *name = json_string_value(json_object_get(from, "dtype"));

	for (size_t i = 0; name && i < N_TYPES; i++)
		if (!strcmp(types[i].name, name))
			e->type = &types[i];
	if (!e->type)
		return io_fail(-EINVAL,
			       "%s: tensor '%s' has elements of type '%.16s'; save it as F32",
			       r->name, e->name, name ? name : "");
	e->t.dtype = e->type->dtype;
	return 0;
}

static int read_shape(const struct reader *r, struct entry *e, json_t *from)
{
	json_t *shape = json_object_get(from, "shape"), *size;
	size_t i;

	if (!json_is_array(shape))
		return bad_entry(r, e, "has no shape");
	if (json_array_size(shape) > FXQ_MAX_RANK)
		return io_fail(-EINVAL,
			       "%s: tensor '%s' has %zu dimensions and %d are possible; reshape it",
			       r->name, e->name, json_array_size(shape),
			       FXQ_MAX_RANK);
	json_array_foreach(shape, i, size) {
		if (!json_is_integer(size) || json_integer_value(size) < 0)
			return bad_entry(r, e, "has a shape that is no list of sizes");
		e->t.dims[e->t.rank++] = json_integer_value(size);
	}
	return 0;
}

static int read_offsets(const struct reader *r, struct entry *e, json_t *from)
{
	json_t *offsets = json_object_get(from, "data_offsets");
	json_t *begin = json_array_get(offsets, 0);
	json_t *end = json_array_get(offsets, 1);

	if (json_array_size(offsets) != 2 || !json_is_integer(begin) ||
	    !json_is_integer(end) || json_integer_value(begin) < 0 ||
	    json_integer_value(end) < json_integer_value(begin))
		return bad_entry(r, e, "has data_offsets that are no beginning and end");
	e->begin = json_integer_value(begin);
	e->end = json_integer_value(end);
	if (e->end > r->size)
		return io_fail(-EINVAL,
			       "%s: tensor '%s' ends at byte %" PRIu64 " of %" PRIu64 "; the file is cut short",
			       r->name, e->name, e->end, r->size);
	return 0;
}

static int check_size(const struct reader *r, const struct entry *e)
{
	uint64_t count = fxq_tensor_count(&e->t), bytes;

	if (!__builtin_mul_overflow(count, e->type->bytes, &bytes) &&
	    bytes == e->end - e->begin)
		return 0;
	return io_fail(-EINVAL,
		       "%s: tensor '%s' has %" PRIu64 " bytes, which is not what its shape needs; write it with safetensors.torch.save_file()",
		       r->name, e->name, e->end - e->begin);
}

static int read_entry(struct reader *r, const char *name, json_t *from)
{
	struct entry *e = &r->entries[r->n];
	int err;

	*e = (struct entry){ .name = name };
	if (!json_is_object(from))
		return bad_entry(r, e, "is not described");
	err = read_type(r, e, from);
	if (!err)
		err = read_shape(r, e, from);
	if (!err)
		err = read_offsets(r, e, from);
	if (!err)
		err = check_size(r, e);
	r->n += !err;
	return err;
}

static int by_place(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

/* One behind the other, from the first byte to the last. */
static int check_places(struct reader *r)
{
	uint64_t at = 0;

	if (r->n)
		qsort(r->entries, r->n, sizeof(*r->entries), by_place);
	for (size_t i = 0; i < r->n; at = r->entries[i++].end) {
		if (r->entries[i].begin < at)
			return io_fail(-EINVAL,
				       "%s: tensors '%s' and '%s' overlap; write it with safetensors.torch.save_file()",
				       r->name, r->entries[i - 1].name,
				       r->entries[i].name);
		if (r->entries[i].begin > at)
			return bad_entry(r, &r->entries[i], "begins behind bytes that are nobody's");
	}
	if (at != r->size)
		return io_fail(-EINVAL,
			       "%s: its tensors end at byte %" PRIu64 " of %" PRIu64 "; write it with safetensors.torch.save_file()",
			       r->name, at, r->size);
	return 0;
}

static int take_tensors(const struct reader *r, struct tensors *ret)
{
	struct tensors t = { calloc(r->n + 1, sizeof(*t.name)),
			     calloc(r->n + 1, sizeof(*t.tensor)), 0 };

	if (!t.name || !t.tensor)
		goto no_memory;
	for (; t.n < r->n; t.n++) {
		const struct entry *e = &r->entries[t.n];

		t.tensor[t.n] = e->t;
		t.name[t.n] = strdup(e->name);
		if (!t.name[t.n])
			goto no_memory;
		if (fxq_tensor_alloc(&t.tensor[t.n])) {
			free(t.name[t.n]);
			goto no_memory;
		}
		e->type->copy(r->data + e->begin, fxq_tensor_count(&e->t),
			      &t.tensor[t.n]);
	}
	*ret = t;
	return 0;

no_memory:
	tensors_free(&t);
	return io_fail_memory(r->name);
}

static void take_note(json_t *header, struct tensors *t)
{
	json_t *metadata = json_object_get(header, METADATA);
	const char *note = json_string_value(json_object_get(metadata, NOTE));

	t->note = note ? strdup(note) : NULL;
}

static int read_header(struct reader *r, json_t *header, struct tensors *ret)
{
	const char *name;
	json_t *entry;
	int err = 0;

	r->entries = calloc(json_object_size(header) + 1, sizeof(*r->entries));
	if (!r->entries)
		return io_fail_memory(r->name);
	json_object_foreach(header, name, entry) {
		if (!err && strcmp(name, METADATA))
			err = read_entry(r, name, entry);
	}
	if (!err)
		err = check_places(r);
	if (!err)
		err = take_tensors(r, ret);
	free(r->entries);
	if (!err)
		take_note(header, ret);
	return err;
}

static uint64_t header_length(const uint8_t *data)
{
	uint64_t length = 0;

	for (int i = LENGTH_BYTES; i--;)
		length = length << 8 | data[i];
	return length;
}

bool is_safetensors(const void *data, size_t size)
{
	const uint8_t *p = data;

	return size > LENGTH_BYTES && p[LENGTH_BYTES] == '{' &&
	       header_length(p) <= size - LENGTH_BYTES;
}

int safetensors_parse(const char *name, const void *data, size_t size,
		      struct tensors *ret)
{
	struct reader r = { .name = name };
	uint64_t length;
	json_error_t e;
	json_t *header;
	int err;

	if (!is_safetensors(data, size))
		return io_fail(-EINVAL,
			       "%s: this is no safetensors file, or it is cut short; write it with safetensors.torch.save_file()",
			       name);
	length = header_length(data);
	if (length > HEADER_MAX)
		return io_fail(-EINVAL,
			       "%s: its header has %" PRIu64 " bytes, more than the 100 MiB that are read; save fewer tensors in it",
			       name, length);
	header = json_loadb((const char *)data + LENGTH_BYTES, length,
			    JSON_REJECT_DUPLICATES, &e);
	if (!header)
		return io_fail(-EINVAL, "%s: byte %d of its header: %s", name,
			       e.position, e.text);

	r.data = (const uint8_t *)data + LENGTH_BYTES + length;
	r.size = size - LENGTH_BYTES - length;
	err = read_header(&r, header, ret);
	json_decref(header);
	return err;
}

/* Writing */

static const struct type *type_of(uint32_t dtype)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (types[i].dtype == dtype)
			return &types[i];
	return NULL;
}

static int by_width(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->type->bytes != y->type->bytes)
		return x->type->bytes > y->type->bytes ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The entries in the order in which they are written. */
static int place_entries(const char *name, const struct tensors *t,
			 struct entry *entries)
{
	uint64_t at = 0;

	for (size_t i = 0; i < t->n; i++) {
		entries[i] = (struct entry){ .name = t->name[i],
					     .type = type_of(t->tensor[i].dtype),
					     .t = t->tensor[i] };
		if (!entries[i].type)
			return io_fail(-EINVAL,
				       "%s: tensor '%s' of type %s cannot be saved",
				       name, t->name[i],
				       fxq_dtype_name(t->tensor[i].dtype));
	}
	if (t->n)
		qsort(entries, t->n, sizeof(*entries), by_width);
	for (size_t i = 0; i < t->n; i++) {
		entries[i].begin = at;
		at += fxq_tensor_bytes(&entries[i].t);
		entries[i].end = at;
	}
	return 0;
}

static json_t *entry_json(const struct entry *e)
{
	json_t *shape = json_array();

	for (uint32_t i = 0; i < e->t.rank; i++)
		json_array_append_new(shape, json_integer(e->t.dims[i]));
	return json_pack("{s:s, s:o, s:[I, I]}", "dtype", e->type->name,
			 "shape", shape, "data_offsets",
			 (json_int_t)e->begin, (json_int_t)e->end);
}

/* NULL if it fails; in @ret_whole whether each entry has a place of its own. */
static char *header_text(const struct entry *entries, size_t n,
			 const char *note, bool *ret_whole)
{
	json_t *header = json_object();
	char *text;

	if (note)
		json_object_set_new(header, METADATA,
				    json_pack("{s:s}", NOTE, note));
	for (size_t i = 0; i < n; i++)
		json_object_set_new(header, entries[i].name,
				    entry_json(&entries[i]));
	*ret_whole = json_object_size(header) == n + !!note;
	text = json_dumps(header, JSON_COMPACT);
	json_decref(header);
	return text;
}

/* Elements begin on a multiple of eight bytes: blanks end the header. */
static int write_entries(const char *name, const struct entry *entries,
			 size_t n, const char *note, struct bytes *ret)
{
	bool whole;
	char *text = header_text(entries, n, note, &whole);
	size_t written = text ? strlen(text) : 0, length = (written + 7) / 8 * 8;
	size_t total = LENGTH_BYTES + length + (n ? entries[n - 1].end : 0);
	struct bytes b = { text && whole ? malloc(total) : NULL, total };

	if (!b.data) {
		free(text);
		return whole ? io_fail_memory(name) :
		       io_fail(-EINVAL, "%s: a tensor's name, or the note, is no UTF-8, or two tensors have one name; rename them",
			       name);
	}
	for (int i = 0; i < LENGTH_BYTES; i++)
		b.data[i] = (uint64_t)length >> 8 * i;
	memset(mempcpy(b.data + LENGTH_BYTES, text, written), ' ',
	       length - written);
	for (size_t i = 0; i < n; i++)
		if (entries[i].end > entries[i].begin)
			memcpy(b.data + LENGTH_BYTES + length +
			       entries[i].begin, entries[i].t.data,
			       entries[i].end - entries[i].begin);
	free(text);
	*ret = b;
	return 0;
}

int safetensors_format(const char *name, const struct tensors *t,
		       struct bytes *ret)
{
	struct entry *entries = calloc(t->n + 1, sizeof(*entries));
	int err;

	if (!entries)
		return io_fail_memory(name);
	err = place_entries(name, t, entries);
	if (!err)
		err = write_entries(name, entries, t->n, t->note, ret);
	free(entries);
	return err;
}
