/* SPDX-License-Identifier: MIT */
/*
 * dma.c - LOAD and STORE: strided copies between memory and the scratchpad
 *
 * Dimensions that continue one another on both sides are merged first, so that
 * a tensor that lies alike in both places is one run. What remains is copied
 * by plain loops as soon as the part of memory it touches is known to be one
 * piece; where it is not (a page ends inside), the outermost dimension is
 * taken apart. The order of elements is the descriptor's throughout.
 */
#include <errno.h>
#include <string.h>

#include "exec.h"

#define DIMS	4

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

static void copy_row(uint8_t *dst, int64_t dst_step, const uint8_t *src,
		     int64_t src_step, uint32_t n, uint64_t run)
{
	switch (run) {
	case 1:
		copy_runs(dst, dst_step, src, src_step, n, 1);
		break;
	case 2:
		copy_runs(dst, dst_step, src, src_step, n, 2);
		break;
	case 3:
		copy_runs(dst, dst_step, src, src_step, n, 3);
		break;
	case 4:
		copy_runs(dst, dst_step, src, src_step, n, 4);
		break;
	case 32:
		copy_runs(dst, dst_step, src, src_step, n, 32);
		break;
	default:
		copy_runs(dst, dst_step, src, src_step, n, run);
	}
}

/* The innermost @dims dimensions, all of whose memory is in the piece. */
static void move_plain(const struct dma *c, int dims, uint8_t *mem,
		       uint8_t *spm)
{
	const struct dim *d = &c->dim[dims - 1];
	uint32_t i;

	if (dims > 1) {
		for (i = 0; i < d->n; i++)
			move_plain(c, dims - 1, mem + i * d->mem,
				   spm + i * d->spm);
		return;
	}
	if (c->write)
		copy_row(mem, d->mem, spm, d->spm, d->n, c->run);
	else
		copy_row(spm, d->spm, mem, d->mem, d->n, c->run);
}

static int move(struct dma *c, int dims, uint64_t offset, uint8_t *spm)
{
	int64_t down = 0, up = 0;
	const struct dim *d;
	int i, ret;
	uint32_t k;

	if (!dims)
		return move_run(c, offset, spm);
	for (i = 0; i < dims; i++) {
		int64_t reach = (int64_t)(c->dim[i].n - 1) * c->dim[i].mem;

		*(reach < 0 ? &down : &up) += reach;
	}
	if (!in_piece(c, offset + down, up - down + c->run)) {
		ret = translate(c, offset + down, up - down + c->run);
		if (ret)
			return ret;
	}
	if (in_piece(c, offset + down, up - down + c->run)) {
		move_plain(c, dims, c->piece + (offset - c->offset), spm);
		return 0;
	}
	d = &c->dim[dims - 1];
	for (k = 0; k < d->n; k++) {
		ret = move(c, dims - 1, offset + k * d->mem, spm + k * d->spm);
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
