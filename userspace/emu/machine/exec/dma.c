/* SPDX-License-Identifier: MIT */
/*
 * dma.c - LOAD and STORE: strided copies between memory and the scratchpad
 *
 * Dimensions that continue one another on both sides are merged first, so that
 * a tensor that lies alike in both places is one run. The innermost dimension
 * that remains is copied by a plain loop as far as its memory is one piece.
 * The order of elements is the descriptor's throughout.
 */
#include <errno.h>
#include <string.h>

#include "exec.h"

#define DIMS		4
#define LOOK_AHEAD	(2u << 20)	/* most memory translated at once */
#define FAR_APART	(4u << 10)	/* runs that share no page */

/* struct dim - @n steps of so many bytes in memory and in the scratchpad */
struct dim {
	uint32_t n;
	int64_t mem, spm;
};

/*
 * struct dma - a transfer
 * @run: bytes that lie side by side in both places
 * @dim: the @dims dimensions around it, innermost first
 * @piece: memory [@offset, @offset + @len), translated most recently
 */
struct dma {
	struct fxq_dma_memory *mem;
	uint32_t region;
	bool write;
	uint64_t run;
	struct dim dim[DIMS];
	int dims;
	uint8_t *piece;
	uint64_t offset, len;
};

static void add_dim(struct dma *c, struct dim d)
{
	struct dim *last = c->dims ? &c->dim[c->dims - 1] : NULL;

	if (d.n == 1)
		return;
	if (!last && d.mem == (int64_t)c->run && d.spm == (int64_t)c->run) {
		c->run *= d.n;
		return;
	}
	if (last && d.mem == last->n * last->mem &&
	    d.spm == last->n * last->spm) {
		last->n *= d.n;
		return;
	}
	c->dim[c->dims++] = d;
}

/* Makes @offset and what follows, as far as @len, the piece. */
static int translate(struct dma *c, uint64_t offset, uint64_t len)
{
	uint8_t *piece = c->mem->at(c->mem, c->region, offset, &len, c->write);

	if (!piece)
		return -EFAULT;
	c->piece = piece;
	c->offset = offset;
	c->len = len;
	return 0;
}

static bool in_piece(const struct dma *c, uint64_t offset, uint64_t len)
{
	return c->piece && offset >= c->offset &&
	       offset - c->offset <= c->len &&
	       len <= c->len - (offset - c->offset);
}

static int move_run(struct dma *c, uint64_t offset, uint8_t *spm)
{
	uint64_t left = c->run, n;
	uint8_t *at;
	int ret;

	while (left) {
		if (!in_piece(c, offset, 1)) {
			ret = translate(c, offset, left);
			if (ret)
				return ret;
		}
		at = c->piece + (offset - c->offset);
		n = c->len - (offset - c->offset);
		n = n < left ? n : left;
		if (c->write)
			memcpy(at, spm, n);
		else
			memcpy(spm, at, n);
		offset += n;
		spm += n;
		left -= n;
	}
	return 0;
}

/* @n runs of @run bytes; a constant @run makes each a move or two. */
static inline __attribute__((always_inline))
void copy_runs(uint8_t *dst, int64_t dst_step, const uint8_t *src,
	       int64_t src_step, uint32_t n, uint64_t run)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		memcpy(dst + i * dst_step, src + i * src_step, run);
}

/* @n runs of the innermost dimension, whose memory is at @mem. */
static void copy_row(const struct dma *c, uint8_t *mem, uint8_t *spm,
		     uint32_t n)
{
	const struct dim *d = &c->dim[0];
	uint8_t *dst = c->write ? mem : spm;
	const uint8_t *src = c->write ? spm : mem;
	int64_t to = c->write ? d->mem : d->spm;
	int64_t from = c->write ? d->spm : d->mem;

	switch (c->run) {
	case 1:
		copy_runs(dst, to, src, from, n, 1);
		break;
	case 2:
		copy_runs(dst, to, src, from, n, 2);
		break;
	case 3:
		copy_runs(dst, to, src, from, n, 3);
		break;
	case 4:
		copy_runs(dst, to, src, from, n, 4);
		break;
	case 32:
		copy_runs(dst, to, src, from, n, 32);
		break;
	default:
		copy_runs(dst, to, src, from, n, c->run);
	}
}

/* How many runs of dimension @d, from @offset on, end inside the piece. */
static uint64_t runs_in_piece(const struct dma *c, const struct dim *d,
			      uint64_t offset)
{
	uint64_t at = offset - c->offset;

	if (!in_piece(c, offset, c->run))
		return 0;
	if (!d->mem)
		return d->n;
	if (d->mem < 0)
		return at / -d->mem + 1;
	return (c->len - at - c->run) / d->mem + 1;
}

/*
 * How much memory to translate for @left runs of dimension @d: no page is
 * asked for that a run may not need, so that a transfer takes time for what it
 * moves and not for what it strides over.
 */
static uint64_t look_ahead(const struct dma *c, const struct dim *d,
			   uint64_t left)
{
	uint64_t len;

	if (d->mem <= 0 || d->mem >= FAR_APART)
		return c->run;
	len = c->run + (left - 1) * d->mem;
	return len < LOOK_AHEAD ? len : LOOK_AHEAD;
}

/* The innermost dimension, which may span many pieces. */
static int move_row(struct dma *c, uint64_t offset, uint8_t *spm)
{
	const struct dim *d = &c->dim[0];
	uint64_t left = d->n, n;
	int ret;

	for (; left; left -= n, offset += n * d->mem, spm += n * d->spm) {
		n = runs_in_piece(c, d, offset);
		if (!n) {
			ret = translate(c, offset, look_ahead(c, d, left));
			if (ret)
				return ret;
			n = runs_in_piece(c, d, offset);
		}
		n = n < left ? n : left;
		if (!n) {
			n = 1;
			ret = move_run(c, offset, spm);
			if (ret)
				return ret;
			continue;
		}
		copy_row(c, c->piece + (offset - c->offset), spm, n);
	}
	return 0;
}

static int move(struct dma *c, int dims, uint64_t offset, uint8_t *spm)
{
	const struct dim *d;
	uint32_t i;
	int ret;

	if (!dims)
		return move_run(c, offset, spm);
	if (dims == 1)
		return move_row(c, offset, spm);
	d = &c->dim[dims - 1];
	for (i = 0; i < d->n; i++) {
		ret = move(c, dims - 1, offset + i * d->mem, spm + i * d->spm);
		if (ret)
			return ret;
	}
	return 0;
}

int fxq_exec_dma(struct fxq_exec *x, const struct fxq_desc *d,
		 struct fxq_dma_memory *mem)
{
	const struct fxq_body_dma *b = &d->dma;
	struct dma c = {
		.mem = mem, .region = b->region,
		.write = d->opcode == FXQ_OP_STORE, .run = b->elem,
	};
	int i;

	for (i = 0; i < DIMS; i++)
		add_dim(&c, (struct dim){ b->n[i], b->mem_stride[i],
					  b->spm_stride[i] });
	return move(&c, c.dims, b->offset, x->spm + b->spm + b->spm_skip);
}
