// SPDX-License-Identifier: MIT
/*
 * consts.c - weights, parameters and tables as the machine reads them
 *
 * A convolution's constants are loaded in pieces of a few blocks of output
 * channels: the first multiplies while the next is on its way. Where not even
 * one block fits, a piece holds some of the input channels, and accumulators
 * carry the sum on.
 */
#include <string.h>

#include <fxq/fxq_arith.h>

#include "lower.h"

#define SLICE_SHARE	8	/* a piece takes an eighth of the SPM */
#define CHAIN_SHARE	4	/* a block larger than a quarter is chained */

static uint32_t in_channels(const struct op *op)
{
	return op->d.opcode == FXQ_OP_DWCONV ? 1 : op->d.conv.ic;
}

/* Bytes of weights, parameters and table of @oc channels. */
static uint64_t piece_bytes(const struct op *op, uint32_t oc, uint32_t ic)
{
	const struct fxq_body_conv *c = &op->d.conv;
	uint64_t bytes = sizeof(struct fxq_param) *
			 (uint64_t)fxq_round_up(oc, FXQ_BLOCK);

	if (op->d.opcode == FXQ_OP_DWCONV)
		bytes += fxq_dwconv_weight_bytes(oc, c->kh, c->kw);
	else
		bytes += fxq_conv_weight_bytes(ic, oc, c->kh, c->kw,
					       c->groups);
	bytes = (bytes + FXQ_SPM_ALIGN - 1) / FXQ_SPM_ALIGN * FXQ_SPM_ALIGN;
	return bytes + (op->weights->lut ? FXQ_LUT_BYTES : 0);
}

static bool chained(const struct segment *s, const struct op *op)
{
	return op->d.opcode == FXQ_OP_CONV && op->d.conv.groups == 1 &&
	       op->d.conv.ic > FXQ_BLOCK &&
	       piece_bytes(op, FXQ_BLOCK, in_channels(op)) >
	       s->caps.spm_bytes / CHAIN_SHARE;
}

uint32_t op_chain_pixels(const struct segment *s, const struct op *op)
{
	if (!op->weights || !chained(s, op))
		return 0;
	return s->caps.acc_bytes / (FXQ_BLOCK * 4);
}

/* Output channels of a piece: equal numbers of blocks for all pieces. */
static uint32_t slice_channels(const struct segment *s, const struct op *op,
			       uint32_t c)
{
	uint64_t limit = s->caps.spm_bytes / SLICE_SHARE;
	uint32_t blocks = fxq_div_up(c, FXQ_BLOCK), per, pieces;

	if (op->d.opcode == FXQ_OP_CONV && op->d.conv.groups > 1)
		return c;
	per = (uint32_t)(limit / piece_bytes(op, FXQ_BLOCK, in_channels(op)));
	pieces = fxq_div_up(blocks, per ? per : 1);
	return fxq_div_up(blocks, pieces) * FXQ_BLOCK;
}

/* Input channels of a link of the chain. */
static uint32_t link_channels(const struct segment *s, const struct op *op)
{
	uint64_t limit = s->caps.spm_bytes / SLICE_SHARE;
	uint64_t block = piece_bytes(op, FXQ_BLOCK, FXQ_BLOCK);
	uint32_t n = limit > block ? (uint32_t)(limit / block) : 1;

	return n * FXQ_BLOCK;
}

bool op_slice_channels(const struct segment *s, const struct op *op,
		       const struct box *out, unsigned int i,
		       struct slice *ret)
{
	bool chain = chained(s, op);
	uint32_t oc = chain ? FXQ_BLOCK :
		      slice_channels(s, op, out->c1 - out->c0);
	uint32_t all = in_channels(op);
	uint32_t ic = chain ? link_channels(s, op) : all;
	uint32_t links = fxq_div_up(all, ic);
	uint64_t oc0 = out->c0 + (uint64_t)(i / links) * oc;

	if (oc0 >= out->c1)
		return false;
	ret->oc0 = (uint32_t)oc0;
	ret->oc1 = ret->oc0 + oc < out->c1 ? ret->oc0 + oc : out->c1;
	ret->ic0 = i % links * ic;
	ret->ic1 = ret->ic0 + ic < all ? ret->ic0 + ic : all;
	ret->first = !ret->ic0;
	ret->last = ret->ic1 == all;
	return true;
}

uint64_t op_const_bytes(const struct segment *s, const struct op *op,
			const struct box *out, uint64_t *ret_part)
{
	uint64_t all = 0, most = 0;
	struct slice slice;

	if (op->d.opcode == FXQ_OP_MATMUL)
		all = sizeof(struct fxq_param) *
		      (uint64_t)fxq_round_up(out->c1 - out->c0, FXQ_BLOCK);
	for (int i = 0; i < 2; i++)
		all += fxq_round_up(op->table_bytes[i], FXQ_SPM_ALIGN);
	*ret_part = all;
	if (!op->weights)
		return all;
	for (unsigned int i = 0; op_slice_channels(s, op, out, i, &slice);
	     i++) {
		uint64_t bytes = piece_bytes(op, slice.oc1 - slice.oc0,
					     slice.ic1 - slice.ic0);

		all += bytes;
		most = bytes > most ? bytes : most;
	}
	*ret_part += most;
	return all;
}

/* Weight (o, c, y, x) of the group's input channel c. */
static int8_t weight(const struct op *op, uint32_t o, uint32_t c, uint32_t y,
		     uint32_t x)
{
	const struct fxq_body_conv *b = &op->d.conv;
	uint32_t per = op->d.opcode == FXQ_OP_DWCONV ? 1 : b->ic / b->groups;

	return op->weights->w[(((uint64_t)o * per + c) * b->kh + y) * b->kw +
			      x];
}

/* One block of output channels [o, o + n) x input channels [c, c + cb). */
static int8_t *pack_block(const struct op *op, int8_t *to, uint32_t o,
			  uint32_t n, uint32_t c, uint32_t real)
{
	const struct fxq_body_conv *b = &op->d.conv;
	uint32_t cb = fxq_round_up(real, 4);
	uint32_t row = fxq_div_up(b->kw * cb, 4) * 4 * FXQ_BLOCK;

	for (uint32_t y = 0; y < b->kh; y++, to += row)
		for (uint32_t x = 0; x < b->kw; x++)
			for (uint32_t i = 0; i < real; i++)
				for (uint32_t j = 0; j < n; j++) {
					uint32_t k = x * cb + i;

					to[k / 4 * 4 * FXQ_BLOCK + j * 4 +
					   k % 4] =
						weight(op, o + j, c + i, y, x);
				}
	return to;
}

static void pack_conv(const struct op *op, int8_t *to, const struct slice *s)
{
	const struct fxq_body_conv *b = &op->d.conv;
	uint32_t per = (s->oc1 - s->oc0) / b->groups;
	uint32_t ic = s->ic1 - s->ic0, each = ic / b->groups;

	for (uint32_t g = 0; g < b->groups; g++)
		for (uint32_t o = 0; o < per; o += FXQ_BLOCK)
			for (uint32_t c = 0; c < each; c += FXQ_BLOCK)
				to = pack_block(op, to,
					s->oc0 + g * per + o,
					per - o < FXQ_BLOCK ? per - o :
					FXQ_BLOCK, s->ic0 + c,
					each - c < FXQ_BLOCK ? each - c :
					FXQ_BLOCK);
}

static void pack_depthwise(const struct op *op, int8_t *to,
			   const struct slice *s)
{
	const struct fxq_body_conv *b = &op->d.conv;

	for (uint32_t o = s->oc0; o < s->oc1; o += FXQ_BLOCK)
		for (uint32_t y = 0; y < b->kh; y++)
			for (uint32_t x = 0; x < b->kw; x++, to += FXQ_BLOCK)
				for (uint32_t j = 0; j < FXQ_BLOCK &&
				     o + j < s->oc1; j++)
					to[j] = weight(op, o + j, 0, y, x);
}

uint64_t pack_slice(struct segment *s, const struct op *op,
		    const struct slice *slice, uint64_t *ret_bytes,
		    uint32_t *ret_params, uint32_t *ret_lut)
{
	const struct conv_weights *w = op->weights;
	uint32_t oc = slice->oc1 - slice->oc0;
	uint64_t bytes = piece_bytes(op, oc, slice->ic1 - slice->ic0);
	uint64_t lut = w->lut ? bytes - FXQ_LUT_BYTES : bytes;
	int8_t *piece = fx_graph_alloc(s->g, bytes);
	struct fxq_param *p;

	if (op->d.opcode == FXQ_OP_DWCONV) {
		*ret_params = (uint32_t)fxq_dwconv_weight_bytes(oc,
				op->d.conv.kh, op->d.conv.kw);
		pack_depthwise(op, piece, slice);
	} else {
		*ret_params = (uint32_t)fxq_conv_weight_bytes(
				slice->ic1 - slice->ic0, oc, op->d.conv.kh,
				op->d.conv.kw, op->d.conv.groups);
		pack_conv(op, piece, slice);
	}
	*ret_params = fxq_round_up(*ret_params, FXQ_SPM_ALIGN);
	p = (struct fxq_param *)(piece + *ret_params);
	for (uint32_t i = 0; i < oc; i++)
		p[i] = (struct fxq_param){
			.bias = w->bias[slice->oc0 + i],
			.m = w->m ? fxq_bits(w->m[slice->oc0 + i]) : 0,
			.n = w->n ? fxq_bits(w->n[slice->oc0 + i]) : 0 };
	if (w->lut)
		memcpy(piece + lut, w->lut, FXQ_LUT_BYTES);
	*ret_lut = (uint32_t)lut;
	*ret_bytes = bytes;
	return blob_add(s->blob, piece, bytes);
}

uint64_t pack_params(struct segment *s, float m, uint32_t n,
		     uint64_t *ret_bytes)
{
	uint64_t bytes = (uint64_t)fxq_round_up(n, FXQ_BLOCK) *
			 sizeof(struct fxq_param);
	struct fxq_param *p = fx_graph_alloc(s->g, bytes);

	for (uint32_t i = 0; i < n; i++)
		p[i].m = p[i].n = fxq_bits(m);
	*ret_bytes = bytes;
	return blob_add(s->blob, p, bytes);
}
