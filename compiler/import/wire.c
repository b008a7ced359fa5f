// SPDX-License-Identifier: MIT
/*
 * A look at serialized bytes before protobuf-c unpacks them. The unpacker
 * calls itself for each nested message, merges a message that occurs twice
 * where one is expected (at quadratic cost), and allocates an object for a
 * message of two bytes; so depth, repetition and number are bounded here, by
 * a walk that keeps its own stack and follows the generated descriptors.
 */
#include <stdio.h>

#include "import.h"

#define MESSAGES_MAX	(1u << 21)
#define FIELDS_MAX	(1u << 26)
#define FIELD_NUMBER_MAX	((1u << 29) - 1)

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_64BIT = 1,
	WIRE_BYTES = 2,
	WIRE_32BIT = 5,
};

/* A message whose fields are being walked. */
struct level {
	const ProtobufCMessageDescriptor *type;
	const uint8_t *end;
	uint64_t seen;			/* single messages, by field index */
};

struct walk {
	const uint8_t *start, *p;
	struct level level[IMPORT_DEPTH_MAX];
	int depth;
	uint64_t n_messages, n_fields;
	char *error;
	size_t error_size;
};

static int fail(struct walk *w, const char *what)
{
	snprintf(w->error, w->error_size, "not a sound file: %s at byte %zu",
		 what, (size_t)(w->p - w->start));
	return -EINVAL;
}

static int read_varint(struct walk *w, const uint8_t *end, uint64_t *ret)
{
	*ret = 0;
	for (int shift = 0; shift < 64; shift += 7) {
		if (w->p == end)
			return fail(w, "a number is cut off");
		*ret |= (uint64_t)(*w->p & 127) << shift;
		if (*w->p++ < 128)
			return 0;
	}
	return fail(w, "a number is longer than 64 bits");
}

static const ProtobufCFieldDescriptor *
find_field(const ProtobufCMessageDescriptor *type, uint64_t number,
	   unsigned int *ret_index)
{
	for (unsigned int i = 0; i < type->n_fields; i++)
		if (type->fields[i].id == number) {
			*ret_index = i;
			return &type->fields[i];
		}
	return NULL;
}

static int enter(struct walk *w, const ProtobufCFieldDescriptor *field,
		 unsigned int index, uint64_t length)
{
	struct level *l = &w->level[w->depth - 1];

	if (field->label != PROTOBUF_C_LABEL_REPEATED) {
		if (l->seen >> index & 1)
			return fail(w, "a field that is single occurs twice");
		l->seen |= (uint64_t)1 << index;
	}
	if (w->depth == IMPORT_DEPTH_MAX)
		return fail(w, "messages are nested deeper than 64 levels");
	if (++w->n_messages > MESSAGES_MAX)
		return fail(w, "more than 2^21 messages");

	w->level[w->depth++] = (struct level){ field->descriptor,
					       w->p + length, 0 };
	return 0;
}

/* A field of known length: steps over it, or into it. */
static int walk_bytes(struct walk *w, const ProtobufCFieldDescriptor *field,
		      unsigned int index)
{
	const uint8_t *end = w->level[w->depth - 1].end;
	uint64_t length;
	int ret;

	ret = read_varint(w, end, &length);
	if (ret)
		return ret;
	if (length > (uint64_t)(end - w->p))
		return fail(w, "a field reaches past its end");
	if (field && field->type == PROTOBUF_C_TYPE_MESSAGE)
		return enter(w, field, index, length);

	w->p += length;
	return 0;
}

static int walk_field(struct walk *w)
{
	const struct level *l = &w->level[w->depth - 1];
	const ProtobufCFieldDescriptor *field;
	unsigned int index = 0;
	uint64_t key, skipped;
	size_t size;
	int ret;

	ret = read_varint(w, l->end, &key);
	if (ret)
		return ret;
	if (!(key >> 3) || key >> 3 > FIELD_NUMBER_MAX)
		return fail(w, "there is no such field number");
	if (++w->n_fields > FIELDS_MAX)
		return fail(w, "more than 2^26 fields");

	field = find_field(l->type, key >> 3, &index);
	switch (key & 7) {
	case WIRE_VARINT:
		return read_varint(w, l->end, &skipped);
	case WIRE_BYTES:
		return walk_bytes(w, field, index);
	case WIRE_64BIT:
	case WIRE_32BIT:
		size = (key & 7) == WIRE_64BIT ? 8 : 4;
		if (size > (size_t)(l->end - w->p))
			return fail(w, "a field reaches past its end");
		w->p += size;
		return 0;
	default:
		return fail(w, "there is no such kind of field");
	}
}

int wire_check(const void *data, size_t size,
	       const ProtobufCMessageDescriptor *type,
	       char *error, size_t error_size)
{
	struct walk w = { .start = data, .p = data, .depth = 1,
			  .error = error, .error_size = error_size };
	int ret;

	w.level[0] = (struct level){ type, w.p + size, 0 };
	while (w.depth) {
		if (w.p == w.level[w.depth - 1].end) {
			w.depth--;
			continue;
		}
		ret = walk_field(&w);
		if (ret)
			return ret;
	}
	return 0;
}
