// SPDX-License-Identifier: MIT
/*
 * run.c - one run, from ring entry to outcome
 *
 * Bindings and descriptors are copied before they are looked at, so what is
 * checked is what is executed. Each descriptor is checked again when its turn
 * comes: by fxq_check_desc(), against the scratchpad, and against the regions
 * as they are bound. Descriptors execute in stream order; each one's work is
 * counted with it, so that what remains at the end is quick: how long those
 * that completed take in cycles, as fxq_cost_schedule() says.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "machine_priv.h"

#define FETCH_STEP	512	/* descriptors copied at a time */
#define KEEP_CAPACITY	65536	/* of a longer stream's buffers, none is kept */

static uint32_t fail_at(struct machine_run *r, uint32_t cause, uint64_t address)
{
	r->outcome.cause = cause;
	r->outcome.address = address;
	return cause;
}

/* The context table is read anew for every run. */
static uint32_t open_context(struct fxq_machine *m)
{
	const struct fxq_context_entry *e = &m->contexts[m->run.entry.context];
	uint64_t root = __atomic_load_n(&e->root, __ATOMIC_RELAXED);
	uint32_t flags = __atomic_load_n(&e->flags, __ATOMIC_RELAXED);

	if (flags != FXQ_CONTEXT_ENABLED || e->reserved ||
	    root & ~FXQ_PTE_ADDRESS)
		return fail_at(&m->run, FXQ_CAUSE_CONTEXT, 0);
	m->run.root = root;
	return FXQ_CAUSE_NONE;
}

/* Drops what another context left in the scratchpad. */
static void switch_spm(struct fxq_machine *m)
{
	if (m->spm_context == m->run.entry.context)
		return;
	if (m->spm_context != MACHINE_NO_CONTEXT)
		__atomic_store_n(&m->clock, m->clock + FXQ_COST_SWITCH,
				 __ATOMIC_RELAXED);
	memset(m->exec.spm, 0, m->spm_high);
	m->spm_high = 0;
	m->spm_context = m->run.entry.context;
}

static uint32_t check_binding(struct machine_run *r, uint32_t i)
{
	const struct fxq_binding *b = &r->bind[i];
	uint64_t where = r->entry.bindings + i * sizeof(*b);

	if (b->flags & ~FXQ_BINDING_WRITABLE || b->reserved)
		return fail_at(r, FXQ_CAUSE_RESERVED, where);
	if (b->addr % 64 || b->size % 64)
		return fail_at(r, FXQ_CAUSE_ALIGNMENT, where);
	if (b->addr >> FXQ_VA_BITS ||
	    b->size > (1ull << FXQ_VA_BITS) - b->addr)
		return fail_at(r, FXQ_CAUSE_REGION_BOUNDS, where);
	return FXQ_CAUSE_NONE;
}

static uint32_t read_bindings(struct fxq_machine *m)
{
	struct machine_run *r = &m->run;
	uint32_t n = r->entry.n_bindings, i, cause;

	memset(r->bind, 0, sizeof(r->bind));
	if (r->entry.bindings % 64)
		return fail_at(r, FXQ_CAUSE_ALIGNMENT, r->entry.bindings);
	cause = machine_fetch(m, r->bind, r->entry.bindings,
			      n * sizeof(r->bind[0]));
	for (i = 0; !cause && i < n; i++)
		cause = check_binding(r, i);
	return cause;
}

static void drop_buffers(struct machine_run *r)
{
	free(r->stream);
	free(r->timing);
	free(r->order);
	free(r->ns);
	r->stream = NULL;
	r->timing = NULL;
	r->order = NULL;
	r->ns = NULL;
	r->capacity = 0;
}

static int grow_buffers(struct machine_run *r, uint32_t capacity)
{
	struct fxq_desc *stream;
	struct fxq_timing *timing;
	uint32_t *order;
	uint64_t *ns;

	stream = realloc(r->stream, capacity * sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	r->stream = stream;
	timing = realloc(r->timing, capacity * sizeof(*timing));
	if (!timing)
		return -ENOMEM;
	r->timing = timing;
	order = realloc(r->order, capacity * sizeof(*order));
	if (!order)
		return -ENOMEM;
	r->order = order;
	ns = realloc(r->ns, capacity * sizeof(*ns));
	if (!ns)
		return -ENOMEM;
	r->ns = ns;
	r->capacity = capacity;
	return 0;
}

/* Buffers grow with what is really there, not with what the entry claims. */
static uint32_t reserve(struct machine_run *r, uint32_t at, uint64_t va)
{
	uint32_t want = r->capacity ? r->capacity * 2 : FETCH_STEP;

	if (at + FETCH_STEP <= r->capacity)
		return FXQ_CAUSE_NONE;
	return grow_buffers(r, want) ? fail_at(r, FXQ_CAUSE_BUS, va) :
	       FXQ_CAUSE_NONE;
}

static uint32_t read_stream(struct fxq_machine *m)
{
	struct machine_run *r = &m->run;
	uint32_t count = r->entry.count, at, n, cause;
	uint64_t va = r->entry.stream;

	if (!count || count > m->caps.max_descriptors)
		return fail_at(r, FXQ_CAUSE_EMPTY, 0);
	if (va % FXQ_DESC_BYTES)
		return fail_at(r, FXQ_CAUSE_ALIGNMENT, va);
	for (at = 0; at < count; at += n) {
		machine_yield(m);
		n = count - at < FETCH_STEP ? count - at : FETCH_STEP;
		cause = reserve(r, at, va);
		if (!cause)
			cause = machine_fetch(m, &r->stream[at], va,
					      n * FXQ_DESC_BYTES);
		if (cause)
			return cause;
		va += n * FXQ_DESC_BYTES;
	}
	return FXQ_CAUSE_NONE;
}

static uint32_t begin(struct fxq_machine *m)
{
	struct machine_run *r = &m->run;
	uint32_t cause;

	fxq_checker_init(&r->checker, &m->caps);
	cause = open_context(m);
	if (cause)
		return cause;
	switch_spm(m);
	cause = read_bindings(m);
	if (cause)
		return cause;
	cause = read_stream(m);
	if (cause)
		return cause;
	if (m->debug && machine_debug_begin(m))
		return fail_at(r, FXQ_CAUSE_BUS, r->entry.stream);
	return FXQ_CAUSE_NONE;
}

/* Is what @d reaches inside its region, as bound for this run? */
static uint32_t check_region(struct machine_run *r, const struct fxq_desc *d)
{
	const struct fxq_binding *b = &r->bind[d->dma.region];
	__u64 lo, hi;

	if (!b->size)
		return fail_at(r, FXQ_CAUSE_REGION, 0);
	if (!fxq_dma_extent(&d->dma, &lo, &hi) || hi > b->size)
		return fail_at(r, FXQ_CAUSE_REGION_BOUNDS, b->addr + b->size);
	if (d->opcode == FXQ_OP_STORE && !(b->flags & FXQ_BINDING_WRITABLE))
		return fail_at(r, FXQ_CAUSE_REGION_WRITE, b->addr + lo);
	return FXQ_CAUSE_NONE;
}

/* What is wrong with a table does not fit in a record: debug mode says it. */
static uint32_t check_tables(struct fxq_machine *m, const struct fxq_desc *d)
{
	struct fxq_bad_entry bad;

	if (fxq_resize_check(&m->exec, d, &bad))
		return FXQ_CAUSE_NONE;
	if (m->debug)
		machine_debug_table(m, m->run.outcome.index, &bad);
	return fail_at(&m->run, FXQ_CAUSE_VALUE, 0);
}

static uint32_t check(struct fxq_machine *m, const struct fxq_desc *d)
{
	struct machine_run *r = &m->run;
	uint32_t cause = fxq_check_desc(&r->checker, d);

	if (!cause)
		cause = fxq_check_spm(&m->caps, d);
	if (cause)
		return fail_at(r, cause, 0);
	switch (d->opcode) {
	case FXQ_OP_LOAD:
	case FXQ_OP_STORE:
		return check_region(r, d);
	case FXQ_OP_RESIZE:
		return check_tables(m, d);
	default:
		return FXQ_CAUSE_NONE;
	}
}

static void raise_high(struct fxq_machine *m, const struct fxq_desc *d)
{
	struct fxq_span s[FXQ_MAX_SPANS];
	unsigned int n = fxq_spm_spans(d, s), i;

	for (i = 0; i < n; i++)
		if (s[i].write && fxq_span_end(&s[i]) > m->spm_high)
			m->spm_high = fxq_span_end(&s[i]);
}

/* fxq_exec_dma()'s view of memory. Its bounds are checked; pages are not. */
static void *dma_at(struct fxq_dma_memory *mem, uint32_t region,
		    uint64_t offset, uint64_t *len, bool write)
{
	struct machine_run *r = (struct machine_run *)mem;

	return machine_translate(r->machine, r->bind[region].addr + offset, len,
				 write);
}

static int transfer(struct fxq_machine *m, const struct fxq_desc *d)
{
	const struct fxq_binding *b = &m->run.bind[d->dma.region];

	if (machine_fault(m, FXQ_POINT_TRANSFER).kind != FXQ_FAULT_FAIL)
		return fxq_exec_dma(&m->exec, d, &m->run.mem);
	fail_at(&m->run, FXQ_CAUSE_BUS, b->addr + d->dma.offset);
	return -EIO;
}

/* Operators work in the scratchpad alone: memory may change meanwhile. */
static void operate(struct fxq_machine *m, const struct fxq_desc *d)
{
	machine_leave(m);
	m->exec.ops->fn[d->opcode](&m->exec, d);
	machine_enter(m);
}

static void count_progress(struct fxq_machine *m)
{
	m->progress++;
	if (m->enabled)
		__atomic_store_n(&m->shared->progress, m->progress,
				 __ATOMIC_RELAXED);
}

/* Checks and executes descriptor @i. */
static uint32_t step(struct fxq_machine *m, uint32_t i)
{
	struct machine_run *r = &m->run;
	const struct fxq_desc *d = &r->stream[i];
	uint32_t cause;

	r->outcome.index = i;
	r->outcome.tag = d->tag;
	cause = check(m, d);
	if (cause)
		return cause;
	if (m->debug)
		machine_debug_step(m, i);
	raise_high(m, d);
	if (d->opcode != FXQ_OP_LOAD && d->opcode != FXQ_OP_STORE)
		operate(m, d);
	else if (transfer(m, d))
		return r->outcome.cause ? r->outcome.cause :
		       fail_at(r, FXQ_CAUSE_BUS, 0);
	r->timing[i].work = fxq_cost_work(d);
	r->done = i + 1;
	count_progress(m);
	return FXQ_CAUSE_NONE;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* All that happened since the descriptor before is @i's time. */
static void take_time(struct machine_run *r, uint32_t i)
{
	uint64_t now = now_ns();

	r->ns[i] = now - r->mark;
	r->mark = now;
}

/* Is there someone to take a record, and nobody who wants an end? */
static bool may_go_on(struct fxq_machine *m)
{
	return m->enabled && !machine_request(m);
}

/*
 * Between descriptors the ring is looked at. Returns -EINTR when a request, or
 * the loss of the rings, ends the run without a record.
 */
static int execute(struct fxq_machine *m)
{
	struct machine_run *r = &m->run;
	uint32_t i;

	if (m->host.profile)
		r->began = r->mark = now_ns();
	for (i = 0; i < r->entry.count; i++) {
		machine_fault_run(m, i);
		machine_yield(m);
		if (!may_go_on(m))
			return -EINTR;
		machine_take(m);
		if (r->stop) {
			r->outcome.index = i;
			r->outcome.tag = r->stream[i].tag;
			r->outcome.cause = FXQ_CAUSE_STOPPED;
			return 0;
		}
		if (step(m, i))
			return 0;
		if (m->host.profile)
			take_time(r, i);
	}
	if (r->checker.chain)
		r->outcome.cause = FXQ_CAUSE_CHAIN;
	else
		r->outcome = (struct machine_outcome){ 0 };
	return 0;
}

/* The cycles of the descriptors that completed. */
static uint64_t count_cycles(struct fxq_machine *m)
{
	struct machine_run *r = &m->run;
	uint64_t cycles;

	if (!r->done)
		return 0;
	machine_leave(m);
	cycles = fxq_cost_schedule(r->stream, r->done, r->timing, r->order);
	machine_enter(m);
	return cycles;
}

static void tell_times(struct fxq_machine *m)
{
	struct machine_run *r = &m->run;

	if (!m->host.profile || r->outcome.cause)
		return;
	machine_leave(m);
	m->host.profile(m->host.priv, r->stream, r->began, r->ns, r->done);
	machine_enter(m);
}

static void finish(struct fxq_machine *m)
{
	uint64_t first = m->clock, cycles = count_cycles(m);

	__atomic_store_n(&m->clock, first + cycles, __ATOMIC_RELAXED);
	tell_times(m);
	if (m->enabled)
		machine_finish(m, first, cycles);
}

/* A fault may be that there is no memory any more. */
static int start(struct fxq_machine *m)
{
	m->run.fault = machine_fault(m, FXQ_POINT_RUN);
	machine_yield(m);
	if (!m->enabled)
		return -EINTR;
	/* Whoever sees this sees the record of the run before. */
	__atomic_store_n(&m->shared->running, m->run.entry.run,
			 __ATOMIC_RELEASE);
	return 0;
}

void machine_run(struct fxq_machine *m)
{
	struct machine_run *r = &m->run;
	int ret;

	r->machine = m;
	r->mem.at = dma_at;
	r->outcome = (struct machine_outcome){ 0 };
	r->done = 0;
	r->active = true;
	ret = start(m);
	if (!ret && !begin(m))
		ret = execute(m);
	if (!ret)
		finish(m);
	r->active = false;
	r->stop = false;
	if (r->capacity > KEEP_CAPACITY)
		drop_buffers(r);
}
