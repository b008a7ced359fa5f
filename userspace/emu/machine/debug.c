// SPDX-License-Identifier: MIT
/*
 * debug.c - what the timing hides: accesses that no wait orders
 *
 * The model executes in stream order, so a stream whose waits are too few
 * still computes the right answer here, and only here. The debug mode finds
 * such streams by happens-before: each descriptor has a vector clock, saying
 * how many descriptors of every engine have completed before it starts, as
 * its waits and those of its predecessors prove. Two descriptors of different
 * engines that touch the same bytes, one writing, are a race unless the clock
 * of the later covers the earlier. It looks at the scratchpad and, for LOAD
 * and STORE, at memory; and it finds reads of lines that the run did not write.
 * It also has the words for what a record's cause leaves open.
 *
 * Only descriptors not yet ordered are compared with, which in a stream with
 * sensible waits are few.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debug_mem.h"
#include "machine_priv.h"

#define MAX_FINDINGS	16	/* of one run */
#define LINE		FXQ_SPM_ALIGN

/* Bytes [lo, hi); hi 0: none. */
struct box {
	uint64_t lo, hi;
};

/* A descriptor that has been looked at. */
struct past {
	uint32_t clock[FXQ_ENGINE_COUNT];
	struct box touched, written;
};

/*
 * struct machine_debug - what is known of the run in progress
 * @past: by index in the stream
 * @index: index[e][n]: the n-th descriptor of engine e, as an index
 * @count: descriptors looked at, by engine
 * @line_written: a bit for each line of the scratchpad
 */
struct machine_debug {
	struct past *past;
	uint32_t *index[FXQ_ENGINE_COUNT];
	uint32_t count[FXQ_ENGINE_COUNT];
	uint32_t capacity;
	uint32_t findings;
	uint32_t line_words;
	uint64_t *line_written;
};

/* One descriptor, as it takes part in a comparison. */
struct party {
	uint32_t i;
	const struct fxq_desc *d;
	struct fxq_span span[FXQ_MAX_SPANS];
	unsigned int spans;
};

static void find(struct fxq_machine *m, const char *text)
{
	m->debug->findings++;
	if (m->host.report)
		m->host.report(m->host.priv, text);
}

static int name(char *to, size_t size, const struct party *p)
{
	return snprintf(to, size, "%s #%u (tag %u, %s)",
			fxq_op_name(p->d->opcode), p->i, p->d->tag,
			fxq_engine_name(p->d->engine));
}

static void find_race(struct fxq_machine *m, const struct party *old,
		      const struct party *new, bool old_writes, bool new_writes,
		      const char *where, struct box at)
{
	const uint32_t *index = m->debug->index[old->d->engine];
	char a[80], b[80], text[400];
	uint32_t n = 0;

	while (index[n] != old->i)
		n++;
	name(a, sizeof(a), old);
	name(b, sizeof(b), new);
	snprintf(text, sizeof(text),
		 "race: %s %s %s 0x%llx..0x%llx, which %s %s, and no wait "
		 "orders them: #%u needs wait[%s] of %u or more",
		 b, new_writes ? "writes" : "reads", where,
		 (unsigned long long)at.lo, (unsigned long long)at.hi - 1,
		 a, old_writes ? "writes" : "reads", new->i,
		 fxq_engine_name(old->d->engine), n + 1);
	find(m, text);
}

/* The first bytes of [lo, hi) that @s has, if any. */
static bool span_hits(const struct fxq_span *s, uint64_t lo, uint64_t hi,
		      struct box *at)
{
	uint64_t p;

	for (p = 0; p < s->count; p++) {
		uint64_t off = s->off + p * s->stride, r = 0, begin, end;

		if (off >= hi || off + s->len <= lo)
			continue;
		if (s->row_stride && off + s->row_len <= lo)
			r = (lo - off - s->row_len) / s->row_stride + 1;
		begin = off + r * s->row_stride;
		end = begin + s->row_len;
		if (r >= s->rows || begin >= hi || end <= lo)
			continue;
		at->lo = begin > lo ? begin : lo;
		at->hi = end < hi ? end : hi;
		return true;
	}
	return false;
}

static bool spans_meet(const struct fxq_span *a, const struct fxq_span *b,
		       struct box *at)
{
	uint64_t p, r, lo;

	if (a->off >= fxq_span_end(b) || b->off >= fxq_span_end(a))
		return false;
	for (p = 0; p < a->count; p++)
		for (r = 0; r < a->rows; r++) {
			lo = a->off + p * a->stride + r * a->row_stride;
			if (span_hits(b, lo, lo + a->row_len, at))
				return true;
		}
	return false;
}

static void compare_spm(struct fxq_machine *m, const struct party *old,
			const struct party *new)
{
	unsigned int i, j;
	struct box at;

	for (i = 0; i < new->spans; i++)
		for (j = 0; j < old->spans; j++) {
			const struct fxq_span *n = &new->span[i];
			const struct fxq_span *o = &old->span[j];

			if (!(n->write || o->write) || !spans_meet(n, o, &at))
				continue;
			find_race(m, old, new, o->write, n->write,
				  "scratchpad", at);
			return;
		}
}

static bool moves_memory(const struct fxq_desc *d)
{
	return d->opcode == FXQ_OP_LOAD || d->opcode == FXQ_OP_STORE;
}

static void compare_memory(struct fxq_machine *m, const struct party *old,
			   const struct party *new)
{
	const struct fxq_binding *bind = m->run.bind;
	struct debug_mem a, b;
	struct box at;

	if (!moves_memory(old->d) || !moves_memory(new->d))
		return;
	debug_mem_init(&a, &old->d->dma, bind[old->d->dma.region].addr);
	debug_mem_init(&b, &new->d->dma, bind[new->d->dma.region].addr);
	if (debug_mem_meet(&a, &b, &at.lo, &at.hi))
		find_race(m, old, new, old->d->opcode == FXQ_OP_STORE,
			  new->d->opcode == FXQ_OP_STORE, "memory", at);
}

static void party_init(struct fxq_machine *m, struct party *p, uint32_t i)
{
	unsigned int k;

	p->i = i;
	p->d = &m->run.stream[i];
	p->spans = fxq_spm_spans(p->d, p->span);
	for (k = 0; k < p->spans; k++) {
		struct fxq_span *s = &p->span[k];

		/* Rows that continue one another are one. */
		if (s->row_stride == s->row_len) {
			s->rows = 1;
			s->row_len = s->len;
		}
	}
}

static bool boxes_meet(struct box a, struct box b)
{
	return a.lo < b.hi && b.lo < a.hi;
}

/* A first look, by extents alone, at whether a closer one is worth it. */
static bool may_clash(const struct past *a, const struct past *b)
{
	return boxes_meet(a->touched, b->written) ||
	       boxes_meet(a->written, b->touched);
}

/* Compares @new with whatever of the other engines its clock leaves open. */
static void find_races(struct fxq_machine *m, const struct party *new)
{
	struct machine_debug *g = m->debug;
	const struct past *now = &g->past[new->i];
	struct party old;
	uint32_t e, n;

	for (e = 0; e < FXQ_ENGINE_COUNT; e++) {
		if (e == new->d->engine)
			continue;
		for (n = now->clock[e]; n < g->count[e]; n++) {
			uint32_t i = g->index[e][n];
			bool spm = may_clash(&g->past[i], now);
			bool mem = moves_memory(&m->run.stream[i]) &&
				   moves_memory(new->d);

			if (g->findings >= MAX_FINDINGS)
				return;
			if (!spm && !mem)
				continue;
			party_init(m, &old, i);
			if (spm)
				compare_spm(m, &old, new);
			if (mem)
				compare_memory(m, &old, new);
		}
	}
}

static void join(uint32_t *clock, const uint32_t *other)
{
	uint32_t e;

	for (e = 0; e < FXQ_ENGINE_COUNT; e++)
		clock[e] = clock[e] > other[e] ? clock[e] : other[e];
}

/*
 * What has completed when @p starts: all that had when its predecessor on the
 * engine started, whom it waits for, and what had completed when those started.
 */
static void set_clock(struct machine_debug *g, const struct party *p)
{
	uint32_t *clock = g->past[p->i].clock, e;
	uint32_t before = g->count[p->d->engine];

	memset(clock, 0, sizeof(g->past[p->i].clock));
	if (before)
		join(clock, g->past[g->index[p->d->engine][before - 1]].clock);
	for (e = 0; e < FXQ_ENGINE_COUNT; e++) {
		uint32_t n = p->d->wait[e];

		if (!n)
			continue;
		join(clock, g->past[g->index[e][n - 1]].clock);
		clock[e] = clock[e] > n ? clock[e] : n;
	}
}

static void widen(struct box *b, const struct fxq_span *s)
{
	if (!b->hi || s->off < b->lo)
		b->lo = s->off;
	if (fxq_span_end(s) > b->hi)
		b->hi = fxq_span_end(s);
}

static void set_boxes(struct past *now, const struct party *p)
{
	unsigned int i;

	now->touched = (struct box){ 0, 0 };
	now->written = (struct box){ 0, 0 };
	for (i = 0; i < p->spans; i++) {
		widen(&now->touched, &p->span[i]);
		if (p->span[i].write)
			widen(&now->written, &p->span[i]);
	}
}

/* Calls fn for each row of @s until it returns false. */
static void each_row(struct fxq_machine *m, const struct party *p,
		     const struct fxq_span *s,
		     bool (*fn)(struct fxq_machine *m, const struct party *p,
				uint64_t lo, uint64_t hi))
{
	uint64_t n, r, lo;

	for (n = 0; n < s->count; n++)
		for (r = 0; r < s->rows; r++) {
			lo = s->off + n * s->stride + r * s->row_stride;
			if (!fn(m, p, lo, lo + s->row_len))
				return;
		}
}

static bool mark_row(struct fxq_machine *m, const struct party *p, uint64_t lo,
		     uint64_t hi)
{
	uint64_t line;

	for (line = lo / LINE; line <= (hi - 1) / LINE; line++)
		m->debug->line_written[line / 64] |= 1ull << line % 64;
	return true;
}

static bool look_at_row(struct fxq_machine *m, const struct party *p,
			uint64_t lo, uint64_t hi)
{
	char text[240], reader[80];
	uint64_t line;

	for (line = lo / LINE; line <= (hi - 1) / LINE; line++)
		if (!(m->debug->line_written[line / 64] >> line % 64 & 1))
			break;
	if (line > (hi - 1) / LINE)
		return true;
	name(reader, sizeof(reader), p);
	snprintf(text, sizeof(text),
		 "unwritten: %s reads scratchpad 0x%llx..0x%llx, of which line "
		 "0x%llx was written by no earlier descriptor of the run",
		 reader, (unsigned long long)lo, (unsigned long long)hi - 1,
		 (unsigned long long)line * LINE);
	find(m, text);
	return false;
}

/* One finding an operand: its first row that has such a line. */
static void find_unwritten(struct fxq_machine *m, const struct party *p)
{
	unsigned int i;

	for (i = 0; i < p->spans; i++)
		if (!p->span[i].write && m->debug->findings < MAX_FINDINGS)
			each_row(m, p, &p->span[i], look_at_row);
	for (i = 0; i < p->spans; i++)
		if (p->span[i].write)
			each_row(m, p, &p->span[i], mark_row);
}

void machine_debug_table(struct fxq_machine *m, uint32_t i,
			 const struct fxq_bad_entry *bad)
{
	struct party p = { .i = i, .d = &m->run.stream[i] };
	char text[240], reader[80];

	name(reader, sizeof(reader), &p);
	snprintf(text, sizeof(text),
		 "value: entry %u of %s of %s has index %u and fraction %u; "
		 "indices are below %u and fractions at most %u",
		 bad->i, bad->name, reader, bad->index, bad->fraction,
		 bad->size, FXQ_RESIZE_ONE);
	find(m, text);
}

void machine_debug_step(struct fxq_machine *m, uint32_t i)
{
	struct machine_debug *g = m->debug;
	struct party p;

	if (g->findings >= MAX_FINDINGS)
		return;
	party_init(m, &p, i);
	set_clock(g, &p);
	set_boxes(&g->past[i], &p);
	find_races(m, &p);
	find_unwritten(m, &p);
	g->index[p.d->engine][g->count[p.d->engine]++] = i;
}

static void drop_history(struct machine_debug *g)
{
	uint32_t e;

	free(g->past);
	g->past = NULL;
	for (e = 0; e < FXQ_ENGINE_COUNT; e++) {
		free(g->index[e]);
		g->index[e] = NULL;
	}
	g->capacity = 0;
}

int machine_debug_begin(struct fxq_machine *m)
{
	struct machine_debug *g = m->debug;
	uint32_t count = m->run.entry.count, e;

	g->findings = 0;
	memset(g->count, 0, sizeof(g->count));
	memset(g->line_written, 0, g->line_words * sizeof(*g->line_written));
	if (count <= g->capacity)
		return 0;
	drop_history(g);
	g->past = malloc(count * sizeof(*g->past));
	if (!g->past)
		return -ENOMEM;
	for (e = 0; e < FXQ_ENGINE_COUNT; e++) {
		g->index[e] = malloc(count * sizeof(*g->index[e]));
		if (!g->index[e])
			return -ENOMEM;
	}
	g->capacity = count;
	return 0;
}

struct machine_debug *machine_debug_create(const struct fxq_caps *caps)
{
	struct machine_debug *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->line_words = caps->spm_bytes / LINE / 64 + 1;
	g->line_written = calloc(g->line_words, sizeof(*g->line_written));
	if (!g->line_written) {
		free(g);
		return NULL;
	}
	return g;
}

void machine_debug_destroy(struct machine_debug *g)
{
	if (!g)
		return;
	drop_history(g);
	free(g->line_written);
	free(g);
}
