// SPDX-License-Identifier: MIT
/*
 * segment.c - one device segment, from nodes to a checked stream
 *
 * Plan and emission count bytes; only the allocator knows whether addresses
 * can be found for them. When it fails, less is prefetched, and when that does
 * not help either, the plan is made again for a smaller scratchpad. The stream
 * that comes out has passed the checker that driver and machine use.
 */
#include <errno.h>
#include <stdlib.h>

#include <fxq/disasm.h>
#include <fxq/fxq_cost.h>

#include "lower.h"

/* Shares of the SPM, of 16, to plan with and then to prefetch with. */
static const unsigned int plan_shares[] = { 15, 14, 12, 10, 8, 6, 4 };
static const unsigned int load_shares[] = { 16, 15, 14, 12, 8, 0 };

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

static int copy_stream(struct stream *to, const struct stream *from)
{
	uint64_t end;

	*to = (struct stream){ .n = from->n, .room = from->n };
	to->spm = from->spm;
	to->scratch = from->scratch;
	to->d = malloc((from->n + 1ull) * sizeof(*to->d));
	if (!to->d)
		return -ENOMEM;
	for (uint32_t i = 0; i < from->n; i++)
		to->d[i] = from->d[i];
	(void)end;
	return 0;
}

/* Schedules and allocates with ever less prefetching until it fits. */
static int place_stream(struct segment *s, uint64_t *ret_scratch)
{
	struct stream original;
	uint64_t end;
	int ret;

	ret = copy_stream(&original, &s->stream);
	if (ret)
		return ret;
	for (size_t i = 0; i < COUNT(load_shares); i++) {
		for (uint32_t k = 0; k < original.n; k++)
			s->stream.d[k] = original.d[k];
		ret = stream_schedule(&s->stream, (uint64_t)s->caps.spm_bytes *
				      load_shares[i] / 16);
		if (ret)
			break;
		stream_lifetimes(&s->stream);
		ret = space_allocate(&s->stream.spm, s->caps.spm_bytes, &end);
		if (ret != -ENOSPC)
			break;
	}
	free(original.d);
	if (!ret)
		ret = space_allocate(&s->stream.scratch, UINT64_MAX,
				     ret_scratch);
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

static int try_budget(struct segment *s, uint64_t budget,
		      uint64_t *ret_scratch)
{
	struct plan plan;
	int ret;

	ret = segment_plan(s, budget, &plan);
	if (!ret)
		ret = segment_emit(s, &plan);
	if (ret)
		return ret;
	if (s->stream.failed)
		return -ENOMEM;
	return place_stream(s, ret_scratch);
}

static void dump_stream(const struct segment *s, FILE *dump, uint64_t cycles)
{
	fprintf(dump, "segment %d: %u operations, %u descriptors, %llu cycles\n",
		s->segment, s->n_ops, s->stream.n,
		(unsigned long long)cycles);
	for (uint32_t i = 0; i < s->stream.n; i++)
		fxq_print_desc(dump, &s->stream.d[i], i);
}

int segment_lower(struct segment *s, FILE *dump, uint64_t *ret_scratch,
		  uint64_t *ret_cycles)
{
	uint32_t n_scratch;
	int ret;

	ret = segment_select(s);
	if (ret)
		return ret;
	resolve_all(s);
	n_scratch = s->stream.scratch.n;
	ret = -ENOSPC;
	for (size_t i = 0; ret == -ENOSPC && i < COUNT(plan_shares); i++) {
		reset_stream(&s->stream, n_scratch);
		ret = try_budget(s, (uint64_t)s->caps.spm_bytes *
				 plan_shares[i] / 16, ret_scratch);
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
	if (ret)
		return ret;
	*ret_cycles = cycles_of(&s->stream);
	if (dump)
		dump_stream(s, dump, *ret_cycles);
	return *ret_cycles == ~0ull ? -ENOMEM : 0;
}
