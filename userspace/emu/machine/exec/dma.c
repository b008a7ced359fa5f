/* SPDX-License-Identifier: MIT */
/*
 * dma.c - LOAD and STORE: strided copies between memory and the scratchpad
 *
 * Dimensions that continue one another on both sides are merged first, so that
 * a tensor that lies alike in both places is one run. As many of the inner ones
 * as lie in one piece of memory are copied at once; where even the innermost
 * does not, its runs are taken piece by piece. The order of elements is the
 * descriptor's wherever it can be seen: where elements overlap.
 */
#include <errno.h>
#include <string.h>

#include "box.h"
#include "exec.h"

#define DIMS		FXQ_BOX_DIMS
#define LOOK_AHEAD	(2u << 20)	/* most memory translated at once */
#define FAR_APART	(4u << 10)	/* runs that share no page */
#define SPARSE		16	/* bytes strode over for each that moves */

/* struct dim - @n steps of so many bytes in memory and in the scratchpad */
struct dim {
	uint32_t n;
	int64_t mem, spm;
};

/*
 * struct dma - a transfer
 * @run: bytes that lie side by side in both places
 * @dim: the @dims dimensions around it, innermost first
 * @box: the same, from source to destination
 * @extent: of that many inner dimensions, bytes from the first in memory to the
 *	    last; 0 if they are not to be copied at once
 * @piece: memory [@offset, @offset + @len), translated most recently
 */
struct dma {
	struct fxq_dma_memory *mem;
	uint32_t region;
	bool write;
	uint64_t run;
	struct dim dim[DIMS];
	int dims;
	struct fxq_box box;
	uint64_t extent[DIMS + 1];
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

/* @n runs of the innermost dimension, which are inside the piece. */
static void copy_row(const struct dma *c, uint64_t offset, uint8_t *spm,
		     uint32_t n)
{
	struct fxq_box_dim d = c->box.dim[0];
	uint8_t *mem = c->piece + (offset - c->offset);

	d.n = n;
	fxq_box_copy_row(&d, c->run, c->write ? mem : spm,
			 c->write ? spm : mem);
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
		copy_row(c, offset, spm, n);
	}
	return 0;
}

/*
 * The @dims inner dimensions at once, if their memory is one piece. Returns 1
 * if so, 0 if not.
 */
static int move_box(struct dma *c, int dims, uint64_t offset, uint8_t *spm)
{
	uint64_t extent = c->extent[dims];
	uint8_t *mem;
	int ret;

	if (!extent)
		return 0;
	if (!in_piece(c, offset, extent)) {
		ret = translate(c, offset, extent);
		if (ret)
			return ret;
		if (!in_piece(c, offset, extent))
			return 0;
	}
	mem = c->piece + (offset - c->offset);
	c->box.dims = dims;
	fxq_box_copy(&c->box, c->write ? mem : spm, c->write ? spm : mem);
	return 1;
}

static int move(struct dma *c, int dims, uint64_t offset, uint8_t *spm)
{
	const struct dim *d;
	uint32_t i;
	int ret;

	ret = move_box(c, dims, offset, spm);
	if (ret)
		return ret < 0 ? ret : 0;
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

/*
 * Which of the inner dimensions may be copied in any order, and are so dense
 * that translating all between them takes time for what moves.
 */
static void find_extents(struct dma *c)
{
	uint64_t extent = c->run, bytes = c->run;
	int i;

	for (i = 0; i <= c->dims; i++) {
		if (extent > LOOK_AHEAD || extent / SPARSE > bytes ||
		    !fxq_box_is_disjoint(&c->box, i))
			return;
		c->extent[i] = extent;
		if (i == c->dims || c->dim[i].mem < 0)
			return;
		extent += (uint64_t)c->dim[i].mem * (c->dim[i].n - 1);
		bytes *= c->dim[i].n;
	}
}

/* From source to destination, what add_dim() found. */
static void make_box(struct dma *c)
{
	int i;

	c->box = (struct fxq_box){
		.run = c->run, .own_dst = !c->write, .own_src = c->write,
	};
	for (i = 0; i < c->dims; i++) {
		const struct dim *d = &c->dim[i];

		c->box.dim[i] = (struct fxq_box_dim){
			d->n, c->write ? d->spm : d->mem,
			c->write ? d->mem : d->spm,
		};
	}
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
	make_box(&c);
	find_extents(&c);
	return move(&c, c.dims, b->offset, x->spm + b->spm + b->spm_skip);
}
