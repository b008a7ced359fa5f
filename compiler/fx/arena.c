// SPDX-License-Identifier: MIT
/*
 * arena.c - memory that goes as a whole
 *
 * A compilation makes many small objects of one lifetime and few large ones.
 * Small ones are cut from chunks; one that would waste a chunk gets a chunk of
 * its own. Nothing is freed alone, so nobody asks who owns a name or a node.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "fx_priv.h"

#define ARENA_ALIGN	64
#define CHUNK_BYTES	(64 * 1024)

struct arena_chunk {
	struct arena_chunk *next;
	unsigned char *free, *end;
};

static struct arena_chunk *chunk_create(size_t bytes)
{
	struct arena_chunk *chunk;

	if (bytes > SIZE_MAX - sizeof(*chunk) - ARENA_ALIGN)
		abort();

	chunk = calloc(1, sizeof(*chunk) + ARENA_ALIGN + bytes);
	if (!chunk)
		abort();

	chunk->free = (unsigned char *)(chunk + 1);
	chunk->end = chunk->free + ARENA_ALIGN + bytes;
	return chunk;
}

static void *chunk_cut(struct arena_chunk *chunk, size_t bytes, size_t align)
{
	size_t skip = -(uintptr_t)chunk->free & (align - 1);
	size_t room = chunk->end - chunk->free;
	void *p;

	if (skip > room || bytes > room - skip)
		return NULL;

	p = chunk->free + skip;
	chunk->free += skip + bytes;
	return p;
}

void *arena_alloc(struct arena *a, size_t bytes, size_t align)
{
	void *p = a->head ? chunk_cut(a->head, bytes, align) : NULL;
	struct arena_chunk *chunk;

	if (p)
		return p;

	if (a->head && bytes > CHUNK_BYTES / 4) {
		/* Behind the head, whose rest stays of use. */
		chunk = chunk_create(bytes);
		chunk->next = a->head->next;
		a->head->next = chunk;
	} else {
		chunk = chunk_create(bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES);
		chunk->next = a->head;
		a->head = chunk;
	}
	return chunk_cut(chunk, bytes, align);
}

void arena_finish(struct arena *a)
{
	while (a->head) {
		struct arena_chunk *chunk = a->head;

		a->head = chunk->next;
		free(chunk);
	}
}
