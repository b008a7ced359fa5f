// SPDX-License-Identifier: MIT
/*
 * stream.c - descriptors under construction and where their buffers go
 *
 * Emission asks for buffers as it likes: each gets a range of its own in a
 * virtual space that is never reused. Which descriptors touch a buffer can
 * then be read off the addresses that they name, so the order of descriptors
 * may still change; when it stands, alloc.c packs the lifetimes into the
 * scratchpad and stream_relocate() puts the addresses in.
 */
#include <stdlib.h>
#include <string.h>

#include "lower.h"

#define VIRTUAL_END	0xffff0000ull

static bool grow(void *array, uint32_t *room, uint32_t n, size_t size)
{
	void **p = array;
	void *more;

	if (n < *room)
		return true;
	more = realloc(*p, 2 * (*room + 32) * size);
	if (!more)
		return false;
	*p = more;
	*room = 2 * (*room + 32);
	return true;
}

uint64_t space_buffer(struct stream *s, struct space *sp, uint64_t bytes)
{
	struct buffer b = { .base = sp->next ? sp->next : FXQ_SPM_ALIGN };

	b.size = (bytes + FXQ_SPM_ALIGN - 1) / FXQ_SPM_ALIGN * FXQ_SPM_ALIGN;
	if (b.size > VIRTUAL_END - b.base ||
	    !grow(&sp->bufs, &sp->room, sp->n, sizeof(b))) {
		s->failed = true;
		return FXQ_SPM_ALIGN;
	}
	sp->bufs[sp->n++] = b;
	sp->next = b.base + b.size;
	return b.base;
}

struct buffer *space_find(const struct space *sp, uint64_t address)
{
	uint32_t lo = 0, hi = sp->n;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (sp->bufs[mid].base <= address)
			lo = mid;
		else
			hi = mid;
	}
	return &sp->bufs[lo];
}

struct fxq_desc *stream_add(struct stream *s, enum fxq_op op, uint32_t tag)
{
	static struct fxq_desc spare;
	struct fxq_desc *d = &spare;

	if (grow(&s->d, &s->room, s->n, sizeof(*s->d)))
		d = &s->d[s->n++];
	else
		s->failed = true;
	*d = (struct fxq_desc){ .opcode = op, .tag = tag };
	d->engine = fxq_op_engine(op);
	return d;
}

unsigned int desc_addresses(struct fxq_desc *d, uint32_t *field[8])
{
	unsigned int n = 0;

	switch (d->opcode) {
	case FXQ_OP_LOAD:
	case FXQ_OP_STORE:
	case FXQ_OP_FILL:
		field[n++] = &d->dma.spm;
		break;
	case FXQ_OP_CONV:
	case FXQ_OP_DWCONV:
		field[n++] = &d->conv.in.addr;
		field[n++] = &d->conv.weights;
		if (d->opcode == FXQ_OP_CONV && !(d->flags & FXQ_F_ACC_LAST))
			break;
		field[n++] = &d->conv.out.addr;
		field[n++] = &d->conv.params;
		if (d->flags & FXQ_F_RESIDUAL)
			field[n++] = &d->conv.res.addr;
		if (d->flags & FXQ_F_LUT)
			field[n++] = &d->conv.lut;
		break;
	case FXQ_OP_MATMUL:
		field[n++] = &d->matmul.a.addr;
		field[n++] = &d->matmul.b.addr;
		field[n++] = &d->matmul.out.addr;
		field[n++] = &d->matmul.params;
		if (d->flags & FXQ_F_RESIDUAL)
			field[n++] = &d->matmul.res.addr;
		if (d->flags & FXQ_F_LUT)
			field[n++] = &d->matmul.lut;
		break;
	case FXQ_OP_ADD:
	case FXQ_OP_SUB:
	case FXQ_OP_MUL:
	case FXQ_OP_MIN:
	case FXQ_OP_MAX:
		field[n++] = &d->binary.a.addr;
		field[n++] = &d->binary.b.addr;
		field[n++] = &d->binary.out.addr;
		break;
	case FXQ_OP_RESIZE:
		field[n++] = &d->resize.in.addr;
		field[n++] = &d->resize.out.addr;
		field[n++] = &d->resize.ytab;
		field[n++] = &d->resize.xtab;
		break;
	default:	/* the others begin with in, out; a table follows */
		field[n++] = &d->unary.in.addr;
		field[n++] = &d->unary.out.addr;
		if (d->opcode == FXQ_OP_AVGPOOL || fxq_unary_table_bytes(d))
			field[n++] = &d->unary.table;
	}
	return n;
}

static bool names_scratch(const struct fxq_desc *d)
{
	return (d->opcode == FXQ_OP_LOAD || d->opcode == FXQ_OP_STORE) &&
	       d->dma.region == REGION_SCRATCH;
}

static void touch(struct buffer *b, uint32_t index)
{
	if (!b->used)
		b->first = index;
	b->used = true;
	b->last = index;
}

void stream_lifetimes(struct stream *s)
{
	uint32_t *field[8];

	for (uint32_t i = 0; i < s->spm.n; i++)
		s->spm.bufs[i].used = false;
	for (uint32_t i = 0; i < s->scratch.n; i++)
		s->scratch.bufs[i].used = false;
	for (uint32_t i = 0; i < s->n; i++) {
		unsigned int n = desc_addresses(&s->d[i], field);

		while (n--)
			touch(space_find(&s->spm, *field[n]), i);
		if (names_scratch(&s->d[i]))
			touch(space_find(&s->scratch, s->d[i].dma.offset), i);
	}
}

void stream_relocate(struct stream *s)
{
	uint32_t *field[8];

	for (uint32_t i = 0; i < s->n; i++) {
		struct fxq_desc *d = &s->d[i];
		unsigned int n = desc_addresses(d, field);

		while (n--) {
			const struct buffer *b = space_find(&s->spm, *field[n]);

			*field[n] = (uint32_t)(b->at + (*field[n] - b->base));
		}
		if (names_scratch(d)) {
			const struct buffer *b =
				space_find(&s->scratch, d->dma.offset);

			d->dma.offset = b->at + (d->dma.offset - b->base);
		}
	}
}

void stream_finish(struct stream *s)
{
	free(s->d);
	free(s->spm.bufs);
	free(s->scratch.bufs);
	*s = (struct stream){ 0 };
}
