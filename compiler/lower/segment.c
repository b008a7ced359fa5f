// SPDX-License-Identifier: MIT
/*
 * segment.c - one device segment, from nodes to a checked stream
 *
 * Plan and emission count bytes; only the allocator knows whether addresses
 * can be found for them. When it fails, the plan is made again for a smaller
 * scratchpad. Since cycles are known exactly, a plan that had to choose is made
 * with several ideas of what DMA costs, and the quickest stream is taken. It has
 * passed the checker that driver and machine use.
 */
#include <errno.h>
#include <stdlib.h>

#include <fxq/disasm.h>
#include <fxq/fxq_cost.h>

#include "lower.h"

/* Shares of the SPM, of 16, to plan with. */
static const unsigned int plan_shares[] = { 15, 14, 13, 12, 10, 8, 6, 4 };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What concatenation has made a box of another map is rewritten as such. */
static void resolve(struct operand *o)
{
	while (o->t && o->t->parent) {
		const struct fmap *t = o->t, *p = t->parent;
		uint32_t y = o->p0 / t->w + t->py, x = o->p0 % t->w + t->px;

		if (o->row == t->w)
			o->row = p->w;
		o->c0 += t->pc;
		o->p0 = y * p->w + x;
		o->t = t->parent;
	}
}

static void resolve_all(struct segment *s)
{
	for (unsigned int i = 0; i < s->n_ops; i++) {
		struct op *op = &s->ops[i];

		if (op->d.opcode == FXQ_OP_STORE) {
			const struct fmap *t = op->in[0].t;

			for (; t->parent; t = t->parent) {
				op->view.c0 += t->pc;
				op->view.p0 += (int64_t)t->py * t->parent->w +
					       t->px;
			}
		}
		for (unsigned int k = 0; k < op->n_in; k++)
			resolve(&op->in[k]);
		resolve(&op->out);
	}
}

static int place_stream(struct segment *s, uint64_t *ret_scratch)
{
	struct alloc a;
	int ret = stream_schedule(&s->stream, s->caps.spm_bytes);

	if (ret)
		return ret;
	stream_lifetimes(&s->stream);
	ret = alloc_init(&a, s->stream.n, s->stream.scratch.n, UINT64_MAX);
	if (!ret)
		ret = alloc_all(&a, &s->stream.scratch);
	*ret_scratch = a.end;
	alloc_finish(&a);
	return ret;
}

static int verify(struct segment *s)
{
	struct fxq_checker k;
	uint32_t index, cause;

	fxq_checker_init(&k, &s->caps);
	cause = fxq_check_stream(&k, s->stream.d, s->stream.n, &index);
	for (uint32_t i = 0; !cause && i < s->stream.n; i++) {
		cause = fxq_check_spm(&s->caps, &s->stream.d[i]);
		index = i;
	}
	if (!cause)
		return 0;
	return fx_graph_fail(s->g, -EINVAL,
			     "segment %d: descriptor %u (%s, tag %u) %s",
			     s->segment, index,
			     fxq_op_name(s->stream.d[index].opcode),
			     s->stream.d[index].tag, fxq_cause_text(cause));
}

static uint64_t cycles_of(const struct stream *s)
{
	struct fxq_timing *timing = malloc(s->n * sizeof(*timing));
	uint32_t *order = malloc(s->n * sizeof(*order));
	uint64_t cycles = ~0ull;

	if (timing && order)
		cycles = fxq_cost_stream(s->d, s->n, timing, order);
	free(timing);
	free(order);
	return cycles;
}

static void reset_stream(struct stream *s, uint32_t n_scratch)
{
	s->n = 0;
	s->spm.n = 0;
	s->spm.next = 0;
	if (s->scratch.n > n_scratch) {
		s->scratch.next = s->scratch.bufs[n_scratch].base;
		s->scratch.n = n_scratch;
	}
}

/*
 * struct attempt - how a segment is planned
 * @dma_part: see struct trial
 */
struct attempt {
	uint64_t dma_part, budget;
	uint64_t scratch, cycles;
	struct plan plan;
};

static int try_budget(struct segment *s, struct attempt *a)
{
	int ret;

	ret = segment_plan(s, a->budget, a->dma_part, &a->plan);
	if (!ret)
		ret = segment_emit(s, &a->plan);
	if (!ret && s->stream.failed)
		ret = -ENOMEM;
	if (!ret)
		ret = place_stream(s, &a->scratch);
	return ret;
}

/* From selected operations to a checked stream and its cycles. */
static int try_attempt(struct segment *s, uint32_t n_scratch, size_t blob,
		       struct attempt *a)
{
	int ret = -ENOSPC;

	for (size_t i = 0; ret == -ENOSPC && i < COUNT(plan_shares); i++) {
		reset_stream(&s->stream, n_scratch);
		blob_truncate(s->blob, blob);
		a->budget = (uint64_t)s->caps.spm_bytes * plan_shares[i] / 16;
		ret = try_budget(s, a);
	}
	if (ret == -ENOSPC)
		return segment_fail(s, ret,
				    "it does not fit a scratchpad of %u bytes in any tiling",
				    s->caps.spm_bytes);
	if (ret)
		return ret;
	stream_relocate(&s->stream);
	ret = stream_hazards(&s->stream, &s->caps);
	if (!ret)
		ret = verify(s);
	if (!ret)
		a->cycles = cycles_of(&s->stream);
	return ret ? ret : a->cycles == ~0ull ? -ENOMEM : 0;
}

/* Was there anything to decide? Not if every operation is a group, whole. */
static bool is_plain(const struct segment *s, const struct plan *p)
{
	for (unsigned int i = 0; i < p->n; i++)
		if (p->groups[i].n > 1 || p->groups[i].n_evict)
			return false;
	return true;
}

/* Plans anew with other weights of DMA, and keeps what takes fewest cycles. */
static int find_best(struct segment *s, struct attempt *a)
{
	static const uint64_t parts[] = { 4, 2, 1 };
	uint32_t n_scratch = s->stream.scratch.n;
	size_t blob = s->blob->size;
	struct attempt best = { .cycles = ~0ull };
	int ret = 0;

	for (size_t i = 0; !ret && i < COUNT(parts); i++) {
		a->dma_part = parts[i];
		ret = try_attempt(s, n_scratch, blob, a);
		if (!ret && a->cycles < best.cycles)
			best = *a;
		if (!ret && is_plain(s, &a->plan))
			return 0;
	}
	if (ret || best.dma_part == a->dma_part)
		return ret;
	a->dma_part = best.dma_part;
	return try_attempt(s, n_scratch, blob, a);
}

static void dump_segment(const struct segment *s, FILE *dump,
			 const struct attempt *a)
{
	fprintf(dump, "plan of segment %d for %llu bytes:\n", s->segment,
		(unsigned long long)a->budget);
	plan_print(dump, s, &a->plan);
	fprintf(dump, "segment %d: %u operations, %u descriptors, %llu cycles\n",
		s->segment, s->n_ops, s->stream.n,
		(unsigned long long)a->cycles);
	for (uint32_t i = 0; i < s->stream.n; i++)
		fxq_print_desc(dump, &s->stream.d[i], i);
}

int segment_lower(struct segment *s, FILE *dump, uint64_t *ret_scratch,
		  uint64_t *ret_cycles)
{
	struct attempt a = { 0 };
	int ret;

	ret = segment_select(s);
	if (ret)
		return ret;
	resolve_all(s);
	ret = find_best(s, &a);
	if (ret)
		return ret;
	if (dump)
		dump_segment(s, dump, &a);
	*ret_scratch = a.scratch;
	*ret_cycles = a.cycles;
	return 0;
}
