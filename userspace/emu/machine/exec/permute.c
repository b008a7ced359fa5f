/* SPDX-License-Identifier: MIT */
/*
 * permute.c - TRANSPOSE: exchanging channels, rows and columns
 *
 * A unit is one output row of one block of channels. Where channels stay
 * channels, whole pixels move; otherwise each lane of an output pixel comes
 * from another pixel, a constant distance apart if channels were rows or
 * columns.
 */
#include <string.h>

#include "fm.h"
#include "ops.h"

struct permute {
	struct fxq_exec *x;
	const struct fxq_body_permute *b;
	uint32_t size[3];	/* of the output, by enum fxq_axis */
};

/* Lanes are bytes @stride apart: @n of them side by side. */
static void collect(uint8_t *dst, const uint8_t *src, size_t stride, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		dst[i] = src[i * stride];
}

/* Output pixel (@y, @px) of block @block, up to n lanes. */
static void run_pixel(const struct permute *c, uint32_t block, uint32_t y,
		      uint32_t px, uint8_t *dst, uint32_t n)
{
	const struct fxq_body_permute *b = c->b;
	uint32_t at[3];		/* the first lane's place in the input */
	struct fm_view in;
	const uint8_t *src;

	at[b->perm[FXQ_AXIS_C]] = block * FXQ_BLOCK;
	at[b->perm[FXQ_AXIS_H]] = y;
	at[b->perm[FXQ_AXIS_W]] = px;
	in = fm_block(c->x, &b->in, at[FXQ_AXIS_C] / FXQ_BLOCK, 1);
	src = fm_pixel(&in, at[FXQ_AXIS_H], at[FXQ_AXIS_W]) +
	      at[FXQ_AXIS_C] % FXQ_BLOCK;
	if (b->perm[FXQ_AXIS_C] == FXQ_AXIS_C)
		fm_put(dst, src, n);
	else
		collect(dst, src, b->perm[FXQ_AXIS_C] == FXQ_AXIS_H ?
			in.row : in.pixel, n);
}

static void permute_rows(void *arg, uint32_t first, uint32_t last)
{
	const struct permute *c = arg;
	uint32_t i, px, rows = c->size[FXQ_AXIS_H];

	for (i = first; i < last; i++) {
		uint32_t block = i / rows, y = i % rows;
		struct fm_view out = fm_block(c->x, &c->b->out, block, 1);

		for (px = 0; px < c->size[FXQ_AXIS_W]; px++)
			run_pixel(c, block, y, px, fm_pixel(&out, y, px),
				  fm_lanes(c->size[FXQ_AXIS_C], block));
	}
}

void fxq_exec_transpose(struct fxq_exec *x, const struct fxq_desc *d)
{
	const struct fxq_body_permute *b = &d->permute;
	const uint32_t size[3] = { b->c, b->h, b->w };
	struct permute c = {
		.x = x, .b = b,
		.size = { size[b->perm[0]], size[b->perm[1]],
			  size[b->perm[2]] },
	};

	fxq_spread(x, (uint32_t)b->c * b->h * b->w >= FXQ_SPREAD_BYTES,
		   fm_blocks(c.size[FXQ_AXIS_C]) * c.size[FXQ_AXIS_H], 1,
		   permute_rows, &c);
}
