/* SPDX-License-Identifier: MIT */
/*
 * fill.c - FILL: one value over a strided box of the scratchpad
 *
 * Every element receives the same value, so dimensions may be merged and taken
 * in any order.
 */
#include <string.h>

#include "exec.h"
#include "ops.h"

#define DIMS	4

/*
 * struct fill - a box
 * @run: bytes that lie side by side
 * @elem: bytes of @value; 1 if all its bytes are alike
 */
struct fill {
	uint64_t run;
	uint32_t elem, value;
	uint32_t n[DIMS];
	uint64_t step[DIMS];
	int dims;
};

static void add_dim(struct fill *f, uint32_t n, uint64_t step)
{
	if (n == 1)
		return;
	if (!f->dims && step == f->run) {
		f->run *= n;
		return;
	}
	f->n[f->dims] = n;
	f->step[f->dims++] = step;
}

/* Zero, and any other element of equal bytes, is a memset. */
static void narrow(struct fill *f)
{
	uint32_t byte = f->value & 0xff;

	if ((f->elem == 2 && f->value == byte * 0x101) ||
	    (f->elem == 4 && f->value == byte * 0x1010101u)) {
		f->value = byte;
		f->elem = 1;
	}
}

static void fill_run(const struct fill *f, uint8_t *at)
{
	uint64_t i;

	if (f->elem == 1) {
		memset(at, f->value, f->run);
		return;
	}
	for (i = 0; i < f->run; i += f->elem)
		memcpy(at + i, &f->value, f->elem);
}

static void fill_box(const struct fill *f, int dims, uint8_t *at)
{
	uint32_t i;

	if (!dims) {
		fill_run(f, at);
		return;
	}
	for (i = 0; i < f->n[dims - 1]; i++)
		fill_box(f, dims - 1, at + i * f->step[dims - 1]);
}

void fxq_exec_fill(struct fxq_exec *x, const struct fxq_desc *d)
{
	const struct fxq_body_dma *b = &d->dma;
	struct fill f = { .run = b->elem, .elem = b->elem, .value = b->fill };
	int i;

	narrow(&f);
	for (i = 0; i < DIMS; i++)
		add_dim(&f, b->n[i], b->spm_stride[i]);
	fill_box(&f, f.dims, x->spm + b->spm + b->spm_skip);
}
