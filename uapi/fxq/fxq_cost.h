/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * fxq_cost.h - how many cycles a stream takes
 *
 * The compiler's estimate and the machine's counter are this one file, so
 * they are equal by construction; golden tests pin what it says for streams
 * worked out by hand. A job begins and ends with idle engines, and its cycles
 * run from the first issue to the last completion.
 *
 *  - Each descriptor costs its engine FXQ_COST_ISSUE cycles to issue, from
 *    when the engine is free and all waits are met.
 *  - MX and VX then work for fxq_cost_work() cycles and are done.
 *  - LOAD and STORE then want the one bus that both share. It is granted
 *    descriptor by descriptor, to the one that was ready first, LD on a tie;
 *    it is busy for FXQ_COST_BURST cycles a burst. The engine is free when
 *    its last burst has gone; the descriptor completes FXQ_COST_LATENCY later.
 *  - FILL needs no bus: it writes FXQ_COST_FILL_BYTES of scratchpad a cycle.
 *  - An engine completes its descriptors in order.
 */
#ifndef FXQ_COST_H
#define FXQ_COST_H

#include "fxq_check.h"

#define FXQ_CLOCK_KHZ		1000000u
#define FXQ_COST_ISSUE		16u
#define FXQ_COST_LATENCY	200u
#define FXQ_COST_BURST		4u	/* cycles of a 64-byte burst */
#define FXQ_COST_BURST_BYTES	64u
#define FXQ_COST_FILL_BYTES	64u
#define FXQ_COST_VX_BYTES	32u
#define FXQ_COST_SWITCH		64u	/* to drop the SPM between contexts */
#define FXQ_COST_K		32u	/* MAC array: k by output channels */
#define FXQ_COST_OC		32u
#define FXQ_COST_DW_TAPS	9u
#define FXQ_COST_MACS		(FXQ_COST_K * FXQ_COST_OC)

/* Bytes of h x w pixels of c channels as the SPM holds them. */
static inline __u64 fxq_cost_bytes(__u32 h, __u32 w, __u32 c)
{
	__u32 full = c / FXQ_BLOCK * FXQ_BLOCK;

	return (__u64)h * w * (full + fxq_round_up(c - full, 4));
}

static inline __u64 fxq_cost_conv(const struct fxq_desc *d)
{
	const struct fxq_body_conv *b = &d->conv;
	__u32 icg = b->ic / b->groups, c, k = 0;
	__u64 pixels = (__u64)b->oh * b->ow;

	if (d->opcode == FXQ_OP_DWCONV)
		return pixels * fxq_div_up(b->oc, FXQ_BLOCK) *
		       fxq_div_up(b->kh * b->kw, FXQ_COST_DW_TAPS);
	for (c = 0; c < icg; c += FXQ_BLOCK) {
		__u32 cb = fxq_pixel_stride(icg, c / FXQ_BLOCK);

		k += b->dw > 1 ? b->kw * fxq_div_up(cb, FXQ_COST_K) :
		     fxq_div_up(b->kw * cb, FXQ_COST_K);
	}
	return pixels * b->groups * b->kh * k *
	       fxq_div_up(b->oc / b->groups, FXQ_COST_OC);
}

static inline __u64 fxq_cost_matmul(const struct fxq_desc *d)
{
	const struct fxq_body_matmul *b = &d->matmul;

	return (__u64)b->batch * b->m * fxq_div_up(b->n, FXQ_COST_OC) *
	       fxq_div_up(b->k, FXQ_COST_K);
}

/* VX moves 32 bytes a cycle: operands read or results written, the larger. */
static inline __u64 fxq_cost_vx(__u64 read, __u64 written)
{
	__u64 bytes = read > written ? read : written;

	return (bytes + FXQ_COST_VX_BYTES - 1) / FXQ_COST_VX_BYTES;
}

static inline __u64 fxq_cost_binary(const struct fxq_desc *d)
{
	const struct fxq_body_binary *b = &d->binary;
	__u32 f = d->flags;
	__u64 read;

	read = fxq_cost_bytes(f & FXQ_F_A_BCAST_H ? 1 : b->h,
			      f & FXQ_F_A_BCAST_W ? 1 : b->w,
			      f & FXQ_F_A_BCAST_C ? 1 : b->c) +
	       fxq_cost_bytes(f & FXQ_F_B_BCAST_H ? 1 : b->h,
			      f & FXQ_F_B_BCAST_W ? 1 : b->w,
			      f & FXQ_F_B_BCAST_C ? 1 : b->c);
	return fxq_cost_vx(read, fxq_cost_bytes(b->h, b->w, b->c));
}

/* Each result reads its window; the whole box is the window's floor. */
static inline __u64 fxq_cost_pool(const struct fxq_desc *d)
{
	const struct fxq_body_pool *b = &d->pool;

	return fxq_cost_vx(fxq_cost_bytes(b->oh, b->ow, b->c) * b->kh * b->kw,
			   fxq_cost_bytes(b->ih, b->iw, b->c));
}

static inline __u64 fxq_cost_unary(const struct fxq_desc *d)
{
	const struct fxq_body_unary *b = &d->unary;
	__u64 bytes = fxq_cost_bytes(b->h, b->w, b->c);

	switch (d->opcode) {
	case FXQ_OP_SOFTMAX:
		return 3 * fxq_cost_vx(bytes, bytes);
	case FXQ_OP_LAYERNORM:
		return 2 * fxq_cost_vx(bytes, bytes);
	default:
		return fxq_cost_vx(bytes, 0);
	}
}

static inline __u64 fxq_cost_resize(const struct fxq_desc *d)
{
	const struct fxq_body_resize *b = &d->resize;
	__u64 out = fxq_cost_bytes(b->oh, b->ow, b->c);

	return fxq_cost_vx(fxq_cost_bytes(b->ih, b->iw, b->c),
			   d->flags & FXQ_F_BILINEAR ? 4 * out : out);
}

static inline __u64 fxq_cost_reduce(const struct fxq_desc *d)
{
	const struct fxq_body_reduce *b = &d->reduce;

	return fxq_cost_vx(fxq_cost_bytes(b->h, b->w, b->c), 0);
}

static inline __u64 fxq_cost_permute(const struct fxq_desc *d)
{
	const struct fxq_body_permute *b = &d->permute;
	const __u32 size[3] = { b->c, b->h, b->w };

	return fxq_cost_vx(fxq_cost_bytes(b->h, b->w, b->c),
			   fxq_cost_bytes(size[b->perm[FXQ_AXIS_H]],
					  size[b->perm[FXQ_AXIS_W]],
					  size[b->perm[FXQ_AXIS_C]]));
}

/* Walks the elements of a box that memory order joins into runs. */
struct fxq_runs {
	__u64 bursts;
	__u64 lo, hi;		/* the open run; hi 0: none */
};

static inline void fxq_runs_close(struct fxq_runs *r)
{
	if (r->hi > r->lo)
		r->bursts += (r->hi - 1) / FXQ_COST_BURST_BYTES -
			     r->lo / FXQ_COST_BURST_BYTES + 1;
}

static inline void fxq_runs_add(struct fxq_runs *r, __u64 lo, __u64 len)
{
	if (r->hi == lo && r->hi > r->lo) {
		r->hi += len;
		return;
	}
	fxq_runs_close(r);
	r->lo = lo;
	r->hi = lo + len;
}

/* 64-byte bursts of a LOAD or STORE: runs that continue one another are one. */
static inline __u64 fxq_cost_bursts(const struct fxq_desc *d)
{
	const struct fxq_body_dma *b = &d->dma;
	struct fxq_runs r = { 0, 0, 0 };
	__u64 len = b->elem, lo;
	__u32 i[4], inner = 0;

	while (inner < 4 && (b->n[inner] == 1 ||
			     b->mem_stride[inner] == (__s64)len))
		len *= b->n[inner++];
	for (i[3] = 0; i[3] < (inner > 3 ? 1 : b->n[3]); i[3]++)
	for (i[2] = 0; i[2] < (inner > 2 ? 1 : b->n[2]); i[2]++)
	for (i[1] = 0; i[1] < (inner > 1 ? 1 : b->n[1]); i[1]++)
	for (i[0] = 0; i[0] < (inner > 0 ? 1 : b->n[0]); i[0]++) {
		lo = b->offset + (__s64)i[3] * b->mem_stride[3] +
		     (__s64)i[2] * b->mem_stride[2] +
		     (__s64)i[1] * b->mem_stride[1] +
		     (__s64)i[0] * b->mem_stride[0];
		fxq_runs_add(&r, lo, len);
	}
	fxq_runs_close(&r);
	return r.bursts;
}

static inline __u64 fxq_cost_dma(const struct fxq_desc *d)
{
	const struct fxq_body_dma *b = &d->dma;
	__u64 bytes;

	if (d->opcode != FXQ_OP_FILL)
		return FXQ_COST_BURST * fxq_cost_bursts(d);
	bytes = fxq_mul3(fxq_mul(b->n[0], b->n[1]), b->n[2],
			 (__u64)b->n[3] * b->elem);
	return (bytes + FXQ_COST_FILL_BYTES - 1) / FXQ_COST_FILL_BYTES;
}

/* Cycles that @d keeps its engine (LOAD, STORE: the bus) busy after issue. */
static inline __u64 fxq_cost_work(const struct fxq_desc *d)
{
	switch (d->opcode) {
#define X(id, name, engine, body, flags)	\
	case FXQ_OP_##id:			\
		return fxq_cost_##body(d);
	FXQ_OPS(X)
#undef X
	default:
		return 0;
	}
}

/*
 * struct fxq_timing - when a descriptor ran, in cycles from the job's start
 * @issue: its waits were met and its engine was free
 * @busy: LOAD, STORE: its first burst; others: the end of issue
 * @done: it completed
 * @work: what fxq_cost_work() says of it
 */
struct fxq_timing {
	__u64 issue, busy, done, work;
};

/* The event simulation's state: where each engine stands. */
struct fxq_clock {
	const struct fxq_desc *stream;
	struct fxq_timing *timing;
	__u32 *order;			/* order[e]: descriptors by engine */
	__u32 begin[FXQ_ENGINE_COUNT];	/* of engine e, in order */
	__u32 count[FXQ_ENGINE_COUNT];
	__u32 next[FXQ_ENGINE_COUNT];
	__u64 free[FXQ_ENGINE_COUNT];
	__u64 last_done[FXQ_ENGINE_COUNT];
	__u64 bus;
};

#define FXQ_NEVER	(~0ull)

/* When the next descriptor of engine @e may issue; FXQ_NEVER: not known yet. */
static inline __u64 fxq_clock_ready(const struct fxq_clock *c, __u32 e)
{
	const struct fxq_desc *d;
	__u64 at = c->free[e];
	__u32 w;

	if (c->next[e] == c->count[e])
		return FXQ_NEVER;
	d = &c->stream[c->order[c->begin[e] + c->next[e]]];
	for (w = 0; w < FXQ_ENGINE_COUNT; w++) {
		__u64 done;

		if (!d->wait[w])
			continue;
		if (d->wait[w] > c->next[w])
			return FXQ_NEVER;
		done = c->timing[c->order[c->begin[w] + d->wait[w] - 1]].done;
		at = at > done ? at : done;
	}
	return at;
}

/* Runs the next descriptor of engine @e, which issues at @at. */
static inline void fxq_clock_run(struct fxq_clock *c, __u32 e, __u64 at)
{
	__u32 index = c->order[c->begin[e] + c->next[e]++];
	const struct fxq_desc *d = &c->stream[index];
	struct fxq_timing *t = &c->timing[index];
	int bus = d->opcode == FXQ_OP_LOAD || d->opcode == FXQ_OP_STORE;

	t->issue = at;
	t->busy = at + FXQ_COST_ISSUE;
	if (bus && t->busy < c->bus)
		t->busy = c->bus;
	c->free[e] = t->busy + t->work;
	if (bus)
		c->bus = c->free[e];
	t->done = c->free[e] + (bus ? FXQ_COST_LATENCY : 0);
	if (t->done < c->last_done[e])
		t->done = c->last_done[e];
	c->last_done[e] = t->done;
}

/*
 * The cycles of a stream that fxq_check_stream() has passed, whose
 * timing[].work the caller has filled in. @timing and @order are room for
 * @count elements each; the rest of @timing is filled. It takes time for the
 * descriptors alone, whatever they move.
 */
static inline __u64 fxq_cost_schedule(const struct fxq_desc *stream,
				      __u32 count, struct fxq_timing *timing,
				      __u32 *order)
{
	struct fxq_clock c = { .stream = stream, .timing = timing,
			       .order = order };
	__u64 ready[FXQ_ENGINE_COUNT], end = 0;
	__u32 i, e, at = 0, left = count;

	for (e = 0; e < FXQ_ENGINE_COUNT; e++) {
		c.begin[e] = at;
		for (i = 0; i < count; i++)
			if (stream[i].engine == e)
				order[at++] = i;
		c.count[e] = at - c.begin[e];
	}
	while (left) {
		__u32 before = left;

		for (e = FXQ_ENGINE_MX; e <= FXQ_ENGINE_VX; e++) {
			while ((ready[e] = fxq_clock_ready(&c, e)) != FXQ_NEVER) {
				fxq_clock_run(&c, e, ready[e]);
				left--;
			}
		}
		if (left != before)
			continue;
		/*
		 * Only LD and ST can go on. One whose time is not known yet
		 * waits, in the end, for the other: it cannot be earlier.
		 */
		ready[FXQ_ENGINE_LD] = fxq_clock_ready(&c, FXQ_ENGINE_LD);
		ready[FXQ_ENGINE_ST] = fxq_clock_ready(&c, FXQ_ENGINE_ST);
		e = ready[FXQ_ENGINE_ST] < ready[FXQ_ENGINE_LD] ?
		    FXQ_ENGINE_ST : FXQ_ENGINE_LD;
		fxq_clock_run(&c, e, ready[e]);
		left--;
	}
	for (e = 0; e < FXQ_ENGINE_COUNT; e++)
		end = end > c.last_done[e] ? end : c.last_done[e];
	return end;
}

/* The same, and the work too. */
static inline __u64 fxq_cost_stream(const struct fxq_desc *stream, __u32 count,
				    struct fxq_timing *timing, __u32 *order)
{
	__u32 i;

	for (i = 0; i < count; i++)
		timing[i].work = fxq_cost_work(&stream[i]);
	return fxq_cost_schedule(stream, count, timing, order);
}

#endif /* FXQ_COST_H */
