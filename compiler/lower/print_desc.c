// SPDX-License-Identifier: MIT
/*
 * print_desc.c - descriptors in words
 *
 * One line a descriptor, for fxq-run dump and the compiler's own listings:
 *
 *	12 tag 3 conv 56x56x64@0x00400 -> 56x56x64@0x31400 k3x3 ... after LD 4
 *
 * The text before the body follows from FXQ_OPS; each body has one printer.
 */
#include <inttypes.h>
#include <stdbool.h>

#include <fxq/disasm.h>
#include <fxq/fxq_arith.h>
#include <fxq/fxq_check.h>

/* A box of a map: rows x columns x channels @ address, and where it begins. */
static void print_fm(FILE *to, const struct fxq_fm *fm, uint32_t h, uint32_t w,
		     uint32_t c)
{
	fprintf(to, " %ux%ux%u@0x%05x", h, w, c, fm->addr);
	if (fm->y || fm->x || fm->row != w)
		fprintf(to, "[%u,%u of row %u]", fm->y, fm->x, fm->row);
	if (fm->c != c)
		fprintf(to, "[of %u channels]", fm->c);
}

static void print_clamp(FILE *to, int zx, int zy, int lo, int hi)
{
	fprintf(to, " z %d->%d", zx, zy);
	if (lo != -128 || hi != 127)
		fprintf(to, " in [%d, %d]", lo, hi);
}

static void print_window(FILE *to, uint32_t kh, uint32_t kw, uint32_t sh,
			 uint32_t sw, uint32_t dh, uint32_t dw, uint32_t pt,
			 uint32_t pl)
{
	fprintf(to, " k%ux%u", kh, kw);
	if (sh != 1 || sw != 1)
		fprintf(to, " stride %ux%u", sh, sw);
	if (dh != 1 || dw != 1)
		fprintf(to, " dilation %ux%u", dh, dw);
	if (pt || pl)
		fprintf(to, " pad %u,%u", pt, pl);
}

static void print_dma(FILE *to, const struct fxq_desc *d)
{
	const struct fxq_body_dma *b = &d->dma;

	if (d->opcode == FXQ_OP_FILL)
		fprintf(to, " 0x%x", b->fill);
	else
		fprintf(to, " region %u+0x%" PRIx64, b->region,
			(uint64_t)b->offset);
	fprintf(to, d->opcode == FXQ_OP_STORE ? " <- spm" : " -> spm");
	fprintf(to, " 0x%05x", b->spm);
	if (b->spm_skip)
		fprintf(to, "+%u", b->spm_skip);
	fprintf(to, " %u B", b->elem);
	for (int i = 0; i < 4; i++)
		if (b->n[i] != 1)
			fprintf(to, " x%u(%d:%u)", b->n[i], b->mem_stride[i],
				b->spm_stride[i]);
}

static void print_epilogue(FILE *to, uint32_t flags, uint32_t lut)
{
	if (flags & FXQ_F_RAW)
		fprintf(to, " raw");
	if (flags & FXQ_F_LUT)
		fprintf(to, " lut 0x%05x", lut);
}

static void print_conv(FILE *to, const struct fxq_desc *d)
{
	const struct fxq_body_conv *b = &d->conv;
	bool last = d->opcode == FXQ_OP_DWCONV || d->flags & FXQ_F_ACC_LAST;

	print_fm(to, &b->in, b->ih, b->iw, b->ic);
	if (last) {
		fprintf(to, " ->");
		print_fm(to, &b->out, b->oh, b->ow, b->oc);
	} else {
		fprintf(to, " -> %ux%ux%u acc", b->oh, b->ow, b->oc);
	}
	print_window(to, b->kh, b->kw, b->sh, b->sw, b->dh, b->dw, b->pad_t,
		     b->pad_l);
	if (b->groups != 1)
		fprintf(to, " groups %u", b->groups);
	fprintf(to, " w 0x%05x", b->weights);
	if (d->opcode == FXQ_OP_CONV && !(d->flags & FXQ_F_ACC_FIRST))
		fprintf(to, " goes on");
	if (!last)
		return;
	fprintf(to, " p 0x%05x", b->params);
	print_clamp(to, b->zx, b->zy, b->lo, b->hi);
	if (d->flags & FXQ_F_RESIDUAL) {
		fprintf(to, " plus");
		print_fm(to, &b->res, b->oh, b->ow, b->oc);
		fprintf(to, " * %.9g", fxq_float(b->res_m));
	}
	print_epilogue(to, d->flags, b->lut);
}

static void print_matmul(FILE *to, const struct fxq_desc *d)
{
	const struct fxq_body_matmul *b = &d->matmul;
	bool trans = d->flags & FXQ_F_TRANS_B;

	print_fm(to, &b->a, b->batch, b->m, b->k);
	fprintf(to, " by");
	print_fm(to, &b->b, b->batch, trans ? b->n : b->k,
		 trans ? b->k : b->n);
	fprintf(to, "%s ->", trans ? " transposed" : "");
	print_fm(to, &b->out, b->batch, b->m, b->n);
	fprintf(to, " p 0x%05x", b->params);
	print_clamp(to, b->za, b->zy, b->lo, b->hi);
	print_epilogue(to, d->flags, b->lut);
}

static void print_binary(FILE *to, const struct fxq_desc *d)
{
	const struct fxq_body_binary *b = &d->binary;
	uint32_t f = d->flags;

	print_fm(to, &b->a, f & FXQ_F_A_BCAST_H ? 1 : b->h,
		 f & FXQ_F_A_BCAST_W ? 1 : b->w,
		 f & FXQ_F_A_BCAST_C ? 1 : b->c);
	fprintf(to, " with");
	print_fm(to, &b->b, f & FXQ_F_B_BCAST_H ? 1 : b->h,
		 f & FXQ_F_B_BCAST_W ? 1 : b->w,
		 f & FXQ_F_B_BCAST_C ? 1 : b->c);
	fprintf(to, " ->");
	print_fm(to, &b->out, b->h, b->w, b->c);
	fprintf(to, " m %.9g, %.9g", fxq_float(b->ma), fxq_float(b->mb));
	print_clamp(to, b->za, b->zy, b->lo, b->hi);
}

static void print_pool(FILE *to, const struct fxq_desc *d)
{
	const struct fxq_body_pool *b = &d->pool;

	print_fm(to, &b->in, b->ih, b->iw, b->c);
	fprintf(to, " ->");
	print_fm(to, &b->out, b->oh, b->ow, b->c);
	print_window(to, b->kh, b->kw, b->sh, b->sw, b->dh, b->dw, b->pad_t,
		     b->pad_l);
	print_clamp(to, b->zx, b->zy, b->lo, b->hi);
}

static void print_unary(FILE *to, const struct fxq_desc *d)
{
	const struct fxq_body_unary *b = &d->unary;
	bool global = d->opcode == FXQ_OP_GLOBALPOOL;

	print_fm(to, &b->in, b->h, b->w, b->c);
	fprintf(to, " ->");
	print_fm(to, &b->out, global ? 1 : b->h, global ? 1 : b->w, b->c);
	if (fxq_unary_table_bytes(d))
		fprintf(to, " table 0x%05x", b->table);
	if (d->opcode == FXQ_OP_LUT)
		return;
	fprintf(to, " m %.9g", fxq_float(b->m));
	print_clamp(to, b->zx, b->zy, b->lo, b->hi);
}

static void print_resize(FILE *to, const struct fxq_desc *d)
{
	const struct fxq_body_resize *b = &d->resize;

	print_fm(to, &b->in, b->ih, b->iw, b->c);
	fprintf(to, " ->");
	print_fm(to, &b->out, b->oh, b->ow, b->c);
	fprintf(to, " %s m %.9g",
		d->flags & FXQ_F_BILINEAR ? "bilinear" : "nearest",
		fxq_float(b->m));
	print_clamp(to, b->zx, b->zy, b->lo, b->hi);
}

static const char *axis_name(uint32_t axis)
{
	return axis == FXQ_AXIS_C ? "c" : axis == FXQ_AXIS_H ? "h" :
	       axis == FXQ_AXIS_W ? "w" : "?";
}

static void print_reduce(FILE *to, const struct fxq_desc *d)
{
	const struct fxq_body_reduce *b = &d->reduce;

	fprintf(to, " %s over %s", b->kind == FXQ_REDUCE_MAX ? "max" : "sum",
		axis_name(b->axis));
	print_fm(to, &b->in, b->h, b->w, b->c);
	fprintf(to, " ->@0x%05x m %.9g", b->out.addr, fxq_float(b->m));
	print_clamp(to, b->zx, b->zy, b->lo, b->hi);
}

static void print_permute(FILE *to, const struct fxq_desc *d)
{
	const struct fxq_body_permute *b = &d->permute;

	print_fm(to, &b->in, b->h, b->w, b->c);
	fprintf(to, " ->@0x%05x c,h,w from %s,%s,%s", b->out.addr,
		axis_name(b->perm[0]), axis_name(b->perm[1]),
		axis_name(b->perm[2]));
}

void fxq_print_desc(FILE *to, const struct fxq_desc *d, uint32_t index)
{
	bool waits = false;

	fprintf(to, "%6u tag %-4u %-2s %-10s", index, d->tag,
		fxq_engine_name(d->engine), fxq_op_name(d->opcode));
	switch (d->opcode) {
#define X(id, name, engine, body, flags)	\
	case FXQ_OP_##id:			\
		print_##body(to, d);		\
		break;
	FXQ_OPS(X)
#undef X
	}
	for (uint32_t e = 0; e < FXQ_ENGINE_COUNT; e++) {
		if (!d->wait[e])
			continue;
		fprintf(to, "%s %s %u", waits ? "," : " after",
			fxq_engine_name(e), d->wait[e]);
		waits = true;
	}
	fputc('\n', to);
}
