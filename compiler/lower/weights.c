// SPDX-License-Identifier: MIT
/*
 * weights.c - the bytes that streams load and never write
 *
 * One blob serves all segments of a network: packed weights, parameters and
 * tables, each distinct piece once. It becomes the section .fxq.weights.
 */
#include <stdlib.h>
#include <string.h>

#include <fxq/fxq_image.h>

#include "lower.h"

struct blob_piece {
	uint64_t hash, offset, bytes;
};

/* FNV-1a; a collision costs a comparison and nothing else. */
static uint64_t hash_of(const uint8_t *p, size_t n)
{
	uint64_t h = 14695981039346656037ull;

	while (n--)
		h = (h ^ *p++) * 1099511628211ull;
	return h;
}

static bool grow(struct blob *b, size_t size)
{
	size_t room = b->room ? b->room : 1 << 16;
	uint8_t *data;

	while (room < size)
		room *= 2;
	if (room != b->room) {
		data = realloc(b->data, room);
		if (!data)
			return false;
		b->data = data;
		b->room = room;
	}
	memset(b->data + b->size, 0, size - b->size);
	b->size = size;
	return true;
}

static bool grow_pieces(struct blob *b)
{
	size_t room = b->room_pieces ? 2 * b->room_pieces : 64;
	struct blob_piece *p;

	if (b->n_pieces < b->room_pieces)
		return true;
	p = realloc(b->pieces, room * sizeof(*p));
	if (!p)
		return false;
	b->pieces = p;
	b->room_pieces = room;
	return true;
}

uint64_t blob_add(struct blob *b, const void *data, size_t bytes)
{
	struct blob_piece p = { hash_of(data, bytes), b->size, bytes };
	size_t size = b->size + fxq_round_up((uint32_t)bytes,
					     FXQ_WEIGHTS_ALIGN);

	for (size_t i = 0; i < b->n_pieces; i++)
		if (b->pieces[i].hash == p.hash && b->pieces[i].bytes == bytes &&
		    !memcmp(b->data + b->pieces[i].offset, data, bytes))
			return b->pieces[i].offset;
	if (!grow(b, size) || !grow_pieces(b)) {
		b->failed = true;
		return 0;
	}
	memcpy(b->data + p.offset, data, bytes);
	b->pieces[b->n_pieces++] = p;
	return p.offset;
}

void blob_truncate(struct blob *b, size_t size)
{
	b->size = size;
	while (b->n_pieces && b->pieces[b->n_pieces - 1].offset >= size)
		b->n_pieces--;
}

void blob_finish(struct blob *b)
{
	free(b->data);
	free(b->pieces);
	*b = (struct blob){ 0 };
}
