// SPDX-License-Identifier: MIT
/*
 * pool.c - see pool.h
 */
#include <stdlib.h>

#include "pool.h"

#define PAGE	4096

struct block {
	void *data;
	size_t bytes;
	bool used;
};

static struct block *find_free(struct pool *p, size_t bytes)
{
	for (size_t i = 0; i < p->n; i++)
		if (!p->blocks[i].used && p->blocks[i].bytes == bytes)
			return &p->blocks[i];
	return NULL;
}

static struct block *add_block(struct pool *p, size_t bytes)
{
	struct block *blocks = realloc(p->blocks,
				       (p->n + 1) * sizeof(*blocks));
	struct block *b;

	if (!blocks)
		return NULL;
	p->blocks = blocks;
	b = &blocks[p->n];
	*b = (struct block){ aligned_alloc(PAGE, bytes), bytes };
	if (!b->data)
		return NULL;
	p->n++;
	return b;
}

void *pool_get(struct pool *p, size_t bytes)
{
	struct block *b;

	/* What comes from an overflow is no size. */
	if (bytes > (size_t)1 << 46)
		return NULL;
	bytes = bytes ? (bytes + PAGE - 1) / PAGE * PAGE : PAGE;
	b = find_free(p, bytes);
	if (!b)
		b = add_block(p, bytes);
	if (!b)
		return NULL;
	b->used = true;
	return b->data;
}

void pool_put(struct pool *p, void *data)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->blocks[i].data == data)
			p->blocks[i].used = false;
}

void pool_put_all(struct pool *p)
{
	for (size_t i = 0; i < p->n; i++)
		p->blocks[i].used = false;
}

void pool_finish(struct pool *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->blocks[i].data);
	free(p->blocks);
	*p = (struct pool){ 0 };
}
