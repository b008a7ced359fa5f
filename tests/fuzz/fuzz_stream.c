// SPDX-License-Identifier: MIT
/*
 * fuzz_stream.c - any bytes as a stream, on two embedded machines
 *
 * One machine has one thread and the debug mode, the other four threads. No
 * stream may crash or hang either, both must leave the same memory and the
 * same event, and the event must be what the stream checker foretells. The
 * first byte chooses which fields are tamed, so that the fuzzer reaches the
 * operators behind the checks; with none it is the bytes as they are.
 *
 *	cd userspace/emu && clang -g -O1 -fsanitize=fuzzer,address
 *		-ffp-contract=off -D_GNU_SOURCE -I../../uapi -Imachine
 *		-I ../../build/compiler/lower
 *		-o fuzz_stream ../../tests/fuzz/fuzz_stream.c embed*.c
 *		$(find machine -name \*.c) -lpthread -lm
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/fxq_cost.h>
#include <fxq/fxq_spm.h>

#include "../../userspace/emu/embed.h"

#define MAX_DESCS	24
#define MAX_CYCLES	(1u << 20)	/* of work in one input */
#define REGIONS		4
#define REGION_BYTES	(16u << 10)
#define DATA_BYTES	(REGIONS * REGION_BYTES)
#define STREAM_BYTES	(MAX_DESCS * FXQ_DESC_BYTES)

enum {
	TAME_HEADER	= 1 << 0,
	TAME_WAITS	= 1 << 1,
	TAME_RESERVED	= 1 << 2,
	TAME_MAPS	= 1 << 3,
	TAME_SIZES	= 1 << 4,
	TAME_DMA	= 1 << 5,
};

struct device {
	struct fxq_embed *embed;
	uint32_t ctx;
	uint8_t *data, *stream;
	uint64_t data_va, stream_va;
};

static struct device devices[2];

/* A broken promise is a crash, with a sentence. */
static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_stream: %s\n", what);
	abort();
}

static void ignore(void *priv, const char *text)
{
}

static uint8_t *pages(uint64_t bytes)
{
	uint8_t *p = aligned_alloc(4096, (bytes + 4095) & ~4095ull);

	require(p, "out of memory");
	return memset(p, 0, (bytes + 4095) & ~4095ull);
}

static void open_device(struct device *v, int threads, bool debug)
{
	const struct fxq_embed_config config = {
		.threads = threads, .debug = debug, .report = ignore,
	};

	v->data = pages(DATA_BYTES);
	v->stream = pages(STREAM_BYTES);
	require(!fxq_embed_open(&config, &v->embed), "open");
	require(!fxq_embed_ctx_create(v->embed, &v->ctx), "context");
	require(!fxq_embed_map(v->embed, v->ctx, v->data, DATA_BYTES, true,
			       &v->data_va), "map");
	require(!fxq_embed_map(v->embed, v->ctx, v->stream,
			       (STREAM_BYTES + 4095) & ~4095ull, false,
			       &v->stream_va), "map stream");
}

/* Shapes that fit the scratchpad, more often than not. */
static void tame_map(struct fxq_fm *fm)
{
	fm->addr = fm->addr % (1 << 18) & ~63u;
	fm->plane = fm->plane % 16384 & ~63u;
	fm->row = fm->row % 64 + 16;
	fm->y %= 4;
	fm->x %= 4;
	fm->c = fm->c % 96 + 48;
}

static void tame_size(uint16_t *n, uint32_t limit)
{
	*n = *n % limit + (*n % 251 != 0);
}

static void tame_conv(struct fxq_body_conv *b, uint32_t tame)
{
	if (tame & TAME_MAPS) {
		tame_map(&b->in);
		tame_map(&b->out);
		if (b->res.addr)
			tame_map(&b->res);
		b->weights = b->weights % (1 << 19) & ~63u;
		b->params = b->params % (1 << 19) & ~63u;
		b->lut = b->lut % (1 << 19) & ~63u;
	}
	if (!(tame & TAME_SIZES))
		return;
	tame_size(&b->ih, 12);
	tame_size(&b->iw, 12);
	tame_size(&b->ic, 70);
	tame_size(&b->oh, 12);
	tame_size(&b->ow, 12);
	tame_size(&b->oc, 70);
	b->groups = b->groups % 8 ? 1 : b->groups % 70;
	b->kh = b->kh % 5 + 1;
	b->kw = b->kw % 5 + 1;
	b->sh = b->sh % 3 + 1;
	b->sw = b->sw % 3 + 1;
	b->dh = b->dh % 3 + 1;
	b->dw = b->dw % 3 + 1;
	b->lo = -128;
}

static void tame_matmul(struct fxq_body_matmul *b, uint32_t tame)
{
	if (tame & TAME_MAPS) {
		tame_map(&b->a);
		tame_map(&b->b);
		tame_map(&b->out);
		if (b->res.addr)
			tame_map(&b->res);
		b->params = b->params % (1 << 19) & ~63u;
		b->lut = b->lut % (1 << 19) & ~63u;
	}
	if (!(tame & TAME_SIZES))
		return;
	tame_size(&b->batch, 4);
	tame_size(&b->m, 12);
	tame_size(&b->n, 70);
	tame_size(&b->k, 70);
	b->lo = -128;
}

/* The bodies of VX begin with maps; the sizes of most follow alike. */
static void tame_vx(struct fxq_desc *d, uint32_t tame)
{
	if (tame & TAME_MAPS) {
		tame_map(&d->unary.in);
		tame_map(&d->unary.out);
		d->unary.table = d->unary.table % (1 << 19) & ~63u;
		if (d->opcode == FXQ_OP_RESIZE)
			d->resize.xtab = d->resize.xtab % (1 << 19) & ~63u;
	}
	if (!(tame & TAME_SIZES))
		return;
	if (d->opcode == FXQ_OP_MAXPOOL || d->opcode == FXQ_OP_AVGPOOL) {
		tame_size(&d->pool.ih, 12);
		tame_size(&d->pool.iw, 12);
		tame_size(&d->pool.oh, 12);
		tame_size(&d->pool.ow, 12);
		tame_size(&d->pool.c, 70);
		d->pool.kh %= 6;
		d->pool.kw %= 6;
		d->pool.count_pad %= 2;
	} else if (d->opcode == FXQ_OP_RESIZE) {
		tame_size(&d->resize.ih, 12);
		tame_size(&d->resize.iw, 12);
		tame_size(&d->resize.oh, 12);
		tame_size(&d->resize.ow, 12);
		tame_size(&d->resize.c, 70);
	} else if (d->opcode == FXQ_OP_REDUCE) {
		tame_size(&d->reduce.h, 12);
		tame_size(&d->reduce.w, 12);
		tame_size(&d->reduce.c, 70);
		d->reduce.kind %= 2;
		d->reduce.axis %= 3;
	} else if (d->opcode == FXQ_OP_TRANSPOSE) {
		tame_size(&d->permute.h, 12);
		tame_size(&d->permute.w, 12);
		tame_size(&d->permute.c, 70);
		d->permute.perm[0] %= 3;
		d->permute.perm[1] = (d->permute.perm[0] + 1 +
				      d->permute.perm[1] % 2) % 3;
		d->permute.perm[2] = 3 - d->permute.perm[0] -
				     d->permute.perm[1];
	} else {
		tame_size(&d->unary.h, 12);
		tame_size(&d->unary.w, 12);
		tame_size(&d->unary.c, 70);
	}
}

static void tame_binary(struct fxq_body_binary *b, uint32_t tame)
{
	if (tame & TAME_MAPS) {
		tame_map(&b->a);
		tame_map(&b->b);
		tame_map(&b->out);
	}
	if (!(tame & TAME_SIZES))
		return;
	tame_size(&b->h, 12);
	tame_size(&b->w, 12);
	tame_size(&b->c, 70);
	b->lo = -128;
}

static void tame_dma(struct fxq_desc *d, uint32_t tame)
{
	struct fxq_body_dma *b = &d->dma;
	int i;

	if (!(tame & TAME_DMA))
		return;
	b->offset %= REGION_BYTES;
	b->spm = b->spm % (1 << 18) & ~63u;
	b->spm_skip %= 64;
	b->region %= REGIONS;
	b->elem = 1 << b->elem % 3;
	b->fill = d->opcode == FXQ_OP_FILL ? b->fill & 0xff : 0;
	for (i = 0; i < 4; i++) {
		b->n[i] = b->n[i] % (i ? 6 : 300) + (b->n[i] % 251 != 0);
		b->mem_stride[i] %= 1024;
		b->spm_stride[i] %= 4096;
	}
	if (d->opcode != FXQ_OP_FILL)
		return;
	b->offset = 0;
	b->region = 0;
	memset(b->mem_stride, 0, sizeof(b->mem_stride));
}

static void tame_body(struct fxq_desc *d, uint32_t tame)
{
	switch (d->opcode) {
	case FXQ_OP_LOAD:
	case FXQ_OP_STORE:
	case FXQ_OP_FILL:
		tame_dma(d, tame);
		break;
	case FXQ_OP_CONV:
	case FXQ_OP_DWCONV:
		tame_conv(&d->conv, tame);
		break;
	case FXQ_OP_MATMUL:
		tame_matmul(&d->matmul, tame);
		break;
	case FXQ_OP_ADD:
	case FXQ_OP_SUB:
	case FXQ_OP_MUL:
	case FXQ_OP_MIN:
	case FXQ_OP_MAX:
		tame_binary(&d->binary, tame);
		break;
	default:
		tame_vx(d, tame);
	}
}

/* Fields that the operator does not use are zero. */
static void tame_unused(struct fxq_desc *d)
{
	uint32_t used = fxq_body_used(d->opcode);

	memset(d->bytes + used, 0, sizeof(d->bytes) - used);
	switch (d->opcode) {
	case FXQ_OP_LUT:
		d->unary.m = 0;
		d->unary.zx = d->unary.zy = d->unary.lo = d->unary.hi = 0;
		d->unary.eps = 0;
		break;
	case FXQ_OP_GLOBALPOOL:
	case FXQ_OP_REQUANT:
		d->unary.table = 0;
		d->unary.eps = 0;
		break;
	case FXQ_OP_SOFTMAX:
		d->unary.eps = 0;
		break;
	case FXQ_OP_MAXPOOL:
		d->pool.table = 0;
		d->pool.zx = d->pool.zy = d->pool.count_pad = 0;
		break;
	case FXQ_OP_MUL:
		d->binary.mb = 0;
		break;
	default:
		break;
	}
}

static void tame_stream(struct fxq_desc *s, uint32_t count, uint32_t tame)
{
	uint32_t seen[FXQ_ENGINE_COUNT] = { 0 }, i, e;

	for (i = 0; i < count; i++) {
		struct fxq_desc *d = &s[i];

		if (tame & TAME_HEADER) {
			d->opcode = d->opcode % (FXQ_OP_COUNT - 1) + 1;
			d->engine = fxq_op_engine(d->opcode);
			d->flags &= fxq_op_flags(d->opcode);
		}
		tame_body(d, tame);
		if (tame & TAME_RESERVED)
			tame_unused(d);
		for (e = 0; tame & TAME_WAITS && e < FXQ_ENGINE_COUNT; e++)
			d->wait[e] = e == d->engine ? 0 :
				     d->wait[e] % (seen[e] + 1);
		if (d->engine < FXQ_ENGINE_COUNT)
			seen[d->engine]++;
	}
}

/* What the checker says; *@ret_cycles is the time of what it passes. */
static uint32_t foretell(const struct fxq_desc *s, uint32_t count,
			 uint32_t *ret_index, uint64_t *ret_cycles)
{
	static const struct fxq_caps caps = FXQ_CAPS_DEFAULT;
	struct fxq_timing timing[MAX_DESCS];
	uint32_t order[MAX_DESCS], cause = FXQ_CAUSE_NONE, i;
	struct fxq_checker k;

	fxq_checker_init(&k, &caps);
	for (i = 0; i < count && !cause; i++) {
		*ret_index = i;
		cause = fxq_check_desc(&k, &s[i]);
		if (!cause)
			cause = fxq_check_spm(&caps, &s[i]);
	}
	i -= !!cause;
	*ret_cycles = i ? fxq_cost_stream(s, i, timing, order) : 0;
	if (!cause && k.chain)
		cause = FXQ_CAUSE_CHAIN;
	return cause;
}

static struct fxq_embed_event run(struct device *v, const struct fxq_desc *s,
				  uint32_t count, const uint8_t *data)
{
	struct fxq_embed_region regions[REGIONS];
	struct fxq_embed_event event;
	uint64_t number;
	uint32_t i;

	for (i = 0; i < REGIONS; i++)
		regions[i] = (struct fxq_embed_region){
			.va = v->data_va + i * REGION_BYTES,
			.size = REGION_BYTES - i * 64,
			.writable = i != 2,
		};
	memcpy(v->data, data, DATA_BYTES);
	memcpy(v->stream, s, count * sizeof(*s));
	/* Nothing of the last input stays, in scratchpad or state. */
	require(!fxq_embed_stop(v->embed, v->ctx), "stop");
	require(!fxq_embed_rearm(v->embed, v->ctx), "rearm");
	require(!fxq_embed_submit(v->embed, v->ctx, v->stream_va, count,
				  regions, REGIONS, &number), "submit");
	require(fxq_embed_poll(v->embed, &event, 1, 60000000000ull) == 1,
		"the machine hangs");
	require(event.run == number && event.ctx == v->ctx, "not its event");
	return event;
}

static void compare(const struct fxq_embed_event *a,
		    const struct fxq_embed_event *b)
{
	require(a->cause == b->cause && a->index == b->index &&
		a->tag == b->tag && a->address == b->address &&
		a->cycles == b->cycles, "events differ between machines");
	require(!memcmp(devices[0].data, devices[1].data, DATA_BYTES),
		"memory differs between machines");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static uint8_t data[DATA_BYTES];
	struct fxq_desc s[MAX_DESCS];
	struct fxq_embed_event a, b;
	uint32_t count, cause, index = 0;
	uint64_t cycles;
	size_t rest;

	if (!devices[0].embed) {
		open_device(&devices[0], 1, true);
		open_device(&devices[1], 4, false);
	}
	if (size < 1 + FXQ_DESC_BYTES)
		return 0;
	count = (size - 1) / FXQ_DESC_BYTES;
	count = count < MAX_DESCS ? count : MAX_DESCS;
	memcpy(s, bytes + 1, count * sizeof(*s));
	rest = size - 1 - count * sizeof(*s);
	memset(data, bytes[size - 1], sizeof(data));
	memcpy(data, bytes + size - rest, rest < DATA_BYTES ? rest :
	       DATA_BYTES);
	tame_stream(s, count, bytes[0]);
	cause = foretell(s, count, &index, &cycles);
	if (cycles > MAX_CYCLES)
		return 0;

	a = run(&devices[0], s, count, data);
	require(!memcmp(devices[0].data + 2 * REGION_BYTES,
			data + 2 * REGION_BYTES, REGION_BYTES),
		"a read-only region was written");
	b = run(&devices[1], s, count, data);
	compare(&a, &b);
	if (a.cause == FXQ_CAUSE_NONE)
		require(!cause && a.cycles == cycles, "not as foretold");
	else
		require(a.index <= index, "went past what is refused");
	return 0;
}
