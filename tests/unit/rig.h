/* SPDX-License-Identifier: MIT */
/*
 * rig.h - a machine on a bench
 *
 * A bus of 16 MiB that begins at address 0, rings at fixed places in it, and
 * the least of a driver: tests write entries, page tables and registers
 * themselves, also wrong ones. A gate on the bus holds the machine's thread at
 * an address of the test's choice, so that what happens meanwhile is certain.
 */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include <fxq/fxq_check.h>
#include <fxq/fxq_regs.h>

#include "../../userspace/emu/machine/machine.h"
#include "streams.h"

#define RIG_BYTES	(16u << 20)
#define RIG_SHARED	0x1000
#define RIG_SUBMIT	0x2000
#define RIG_COMPLETE	0x6000
#define RIG_CONTEXTS	0xa000
#define RIG_TABLES	0x10000		/* page tables, handed out upwards */
#define RIG_DATA	0x200000	/* 2 MiB-aligned, mapped by rig_open() */
#define RIG_PAGE	0x1000
#define RIG_LARGE	0x200000
#define RIG_NO_GATE	(~0ull)

#define RIG_RW		(FXQ_PTE_VALID | FXQ_PTE_WRITABLE | FXQ_PTE_LEAF)
#define RIG_RO		(FXQ_PTE_VALID | FXQ_PTE_LEAF)

/*
 * Every context begins with this: RIG_VA is 64 pages of data, a stream at its
 * start, a binding table in the second page.
 */
#define RIG_VA		0x40000ull
#define RIG_PAGES	64
#define RIG_BIND	(RIG_VA + RIG_PAGE)
#define RIG_REGION	(RIG_VA + 2 * RIG_PAGE)
#define RIG_REGION_SIZE	((RIG_PAGES - 2) * RIG_PAGE)

struct rig {
	struct fxq_machine *machine;
	/* How registers are reached; NULL: at @machine. */
	uint32_t (*read)(struct rig *r, uint32_t reg);
	void (*write)(struct rig *r, uint32_t reg, uint32_t value);
	uint8_t *mem;
	struct fxq_shared *shared;
	struct fxq_submit *submit;
	struct fxq_complete *complete;
	struct fxq_context_entry *contexts;
	uint32_t depth, produced, consumed;
	uint64_t next_table;
	uint64_t next_run;
	int irqs[FXQ_VECTORS];		/* atomic */

	pthread_mutex_t lock;
	pthread_cond_t cond;
	uint64_t gate;			/* bus page held, or RIG_NO_GATE */
	bool held;			/* the machine stands at the gate */
	uint64_t asked;			/* how often the bus was */
	char said[400];			/* what debug mode found last */
	uint64_t hole;			/* bus page that fails, or RIG_NO_GATE */
};

static inline void *rig_bus(void *priv, uint64_t addr, uint64_t len, bool write)
{
	struct rig *r = priv;
	uint64_t page = addr & ~(RIG_PAGE - 1ull);
	bool hole;

	pthread_mutex_lock(&r->lock);
	r->asked++;
	while (r->gate == page) {
		r->held = true;
		pthread_cond_broadcast(&r->cond);
		pthread_cond_wait(&r->cond, &r->lock);
	}
	r->held = false;
	hole = r->hole >= page && r->hole < addr + len;
	pthread_mutex_unlock(&r->lock);
	if (hole || addr > RIG_BYTES || len > RIG_BYTES - addr)
		return NULL;
	return r->mem + addr;
}

static inline void rig_irq(void *priv, int vector)
{
	struct rig *r = priv;

	__atomic_fetch_add(&r->irqs[vector], 1, __ATOMIC_SEQ_CST);
}

static inline void rig_report(void *priv, const char *text)
{
	struct rig *r = priv;

	snprintf(r->said, sizeof(r->said), "%s", text);
}

static inline int rig_irqs(struct rig *r, int vector)
{
	return __atomic_load_n(&r->irqs[vector], __ATOMIC_SEQ_CST);
}

static inline void rig_set_gate(struct rig *r, uint64_t page)
{
	pthread_mutex_lock(&r->lock);
	r->gate = page;
	pthread_cond_broadcast(&r->cond);
	pthread_mutex_unlock(&r->lock);
}

static inline void rig_await_gate(struct rig *r)
{
	pthread_mutex_lock(&r->lock);
	while (!r->held)
		pthread_cond_wait(&r->cond, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

static inline uint32_t rig_read(struct rig *r, uint32_t reg)
{
	return r->read ? r->read(r, reg) : fxq_machine_read(r->machine, reg);
}

static inline void rig_write(struct rig *r, uint32_t reg, uint32_t value)
{
	if (r->write)
		r->write(r, reg, value);
	else
		fxq_machine_write(r->machine, reg, value);
}

static inline void rig_pause(void)
{
	const struct timespec t = { .tv_nsec = 50000 };

	nanosleep(&t, NULL);
}

/* Waits until CONTROL has been acted upon; returns STATUS. */
static inline uint32_t rig_settle(struct rig *r)
{
	while (rig_read(r, FXQ_REG_STATUS) & FXQ_STATUS_BUSY)
		rig_pause();
	return rig_read(r, FXQ_REG_STATUS);
}

static inline void rig_write_bases(struct rig *r)
{
	rig_write(r, FXQ_REG_DEPTH, r->depth);
	rig_write(r, FXQ_REG_SUBMIT_LO, RIG_SUBMIT);
	rig_write(r, FXQ_REG_COMPLETE_LO, RIG_COMPLETE);
	rig_write(r, FXQ_REG_CONTEXT_LO, RIG_CONTEXTS);
	rig_write(r, FXQ_REG_SHARED_LO, RIG_SHARED);
}

/* Rings begin empty: cleared by the driver before ENABLE. */
static inline uint32_t rig_enable(struct rig *r)
{
	memset(r->shared, 0, sizeof(*r->shared));
	memset(r->complete, 0, r->depth * sizeof(*r->complete));
	r->produced = 0;
	r->consumed = 0;
	rig_write_bases(r);
	rig_write(r, FXQ_REG_CONTROL, FXQ_CONTROL_ENABLE);
	return rig_settle(r);
}

/* The place of the entry for @va at @level, with tables made on the way. */
static inline uint64_t *rig_pte(struct rig *r, uint32_t ctx, uint64_t va,
				int level)
{
	uint64_t table = r->contexts[ctx].root;
	int i;

	for (i = 0;; i++) {
		uint64_t index = va >> (30 - 9 * i) & 511;
		uint64_t *entry = (uint64_t *)(r->mem + table) + index;

		if (i == level)
			return entry;
		if (!*entry) {
			*entry = r->next_table | FXQ_PTE_VALID;
			r->next_table += RIG_PAGE;
		}
		table = *entry & FXQ_PTE_ADDRESS;
	}
}

static inline void rig_map(struct rig *r, uint32_t ctx, uint64_t va,
			   uint64_t bus, uint64_t flags)
{
	uint64_t *entry = rig_pte(r, ctx, va, 2);

	__atomic_store_n(entry, bus | flags, __ATOMIC_RELEASE);
}

/* Where on the bus page @page of a context's data is. */
static inline uint64_t rig_page_bus(uint32_t ctx, uint32_t page)
{
	return RIG_DATA + (ctx * RIG_PAGES + page) * RIG_PAGE;
}

static inline uint8_t *rig_data(struct rig *r, uint32_t ctx, uint64_t va)
{
	return r->mem + rig_page_bus(ctx, 0) + (va - RIG_VA);
}

static inline void rig_add_context(struct rig *r, uint32_t ctx)
{
	uint32_t i;

	r->contexts[ctx].root = r->next_table;
	r->contexts[ctx].flags = FXQ_CONTEXT_ENABLED;
	r->next_table += RIG_PAGE;
	for (i = 0; i < RIG_PAGES; i++)
		rig_map(r, ctx, RIG_VA + i * RIG_PAGE, rig_page_bus(ctx, i),
			RIG_RW);
}

/* Everything has its place in @mem, RIG_BYTES that are zero. */
static inline void rig_init(struct rig *r, uint8_t *mem)
{
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->cond, NULL);
	r->gate = RIG_NO_GATE;
	r->hole = RIG_NO_GATE;
	r->mem = mem;
	r->shared = (struct fxq_shared *)(r->mem + RIG_SHARED);
	r->submit = (struct fxq_submit *)(r->mem + RIG_SUBMIT);
	r->complete = (struct fxq_complete *)(r->mem + RIG_COMPLETE);
	r->contexts = (struct fxq_context_entry *)(r->mem + RIG_CONTEXTS);
	r->next_table = RIG_TABLES;
	r->depth = FXQ_DEPTH_DEFAULT;
	r->next_run = 100;
}

static inline struct rig *rig_open_with(const struct fxq_machine_config *config)
{
	struct rig *r = calloc(1, sizeof(*r));
	uint8_t *mem = aligned_alloc(RIG_LARGE, RIG_BYTES);
	const struct fxq_machine_host host = {
		.bus = rig_bus, .irq = rig_irq, .report = rig_report,
		.priv = r,
	};

	memset(mem, 0, RIG_BYTES);
	rig_init(r, mem);
	assert_int_equal(fxq_machine_create(config, &host, &r->machine), 0);
	rig_add_context(r, 1);
	rig_add_context(r, 2);
	return r;
}

/* A machine with contexts 1 and 2, enabled. */
static inline struct rig *rig_open(void)
{
	struct rig *r = rig_open_with(NULL);

	assert_int_equal(rig_enable(r), FXQ_STATUS_ENABLED);
	return r;
}

static inline void rig_close(struct rig *r)
{
	rig_set_gate(r, RIG_NO_GATE);
	fxq_machine_destroy(r->machine);
	pthread_cond_destroy(&r->cond);
	pthread_mutex_destroy(&r->lock);
	free(r->mem);
	free(r);
}

/* Writes an entry and rings if the machine sleeps. Returns its run number. */
static inline uint64_t rig_put(struct rig *r, struct fxq_submit e)
{
	e.run = r->next_run++;
	r->submit[r->produced++ & (r->depth - 1)] = e;
	__atomic_store_n(&r->shared->produced, r->produced, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&r->shared->sleeping, __ATOMIC_SEQ_CST))
		rig_write(r, FXQ_REG_DOORBELL, 1);
	return e.run;
}

static inline uint64_t rig_ask(struct rig *r, uint32_t kind, uint32_t ctx)
{
	return rig_put(r, (struct fxq_submit){
		.kind = kind, .context = ctx,
		.last = kind == FXQ_SUBMIT_INVALIDATE ? ~0ull : 0,
	});
}

/* A job's entry: @count descriptors at RIG_VA, region 0 bound writable. */
static inline struct fxq_submit rig_job(struct rig *r, uint32_t ctx,
					const struct fxq_desc *stream,
					uint32_t count)
{
	const struct fxq_binding bind = {
		.addr = RIG_REGION,
		.size = RIG_REGION_SIZE,
		.flags = FXQ_BINDING_WRITABLE,
	};

	memcpy(rig_data(r, ctx, RIG_VA), stream, count * sizeof(*stream));
	memcpy(rig_data(r, ctx, RIG_BIND), &bind, sizeof(bind));
	return (struct fxq_submit){
		.kind = FXQ_SUBMIT_JOB,
		.context = ctx,
		.stream = RIG_VA,
		.bindings = RIG_BIND,
		.count = count,
		.n_bindings = 1,
	};
}

static inline bool rig_ready(struct rig *r)
{
	struct fxq_complete *c = &r->complete[r->consumed & (r->depth - 1)];

	return (__atomic_load_n(&c->phase, __ATOMIC_SEQ_CST) & 1) ==
	       !(r->consumed / r->depth & 1);
}

/* The next record; waits for it. */
static inline struct fxq_complete rig_get(struct rig *r)
{
	while (!rig_ready(r))
		rig_pause();
	return r->complete[r->consumed++ & (r->depth - 1)];
}

/* A record shows before @completed counts it. */
static inline void rig_await_completed(struct rig *r, uint32_t n)
{
	while (__atomic_load_n(&r->shared->completed, __ATOMIC_SEQ_CST) != n)
		rig_pause();
}

/* Runs a stream of context @ctx and returns its record. */
static inline struct fxq_complete rig_run(struct rig *r, uint32_t ctx,
					  const struct fxq_desc *stream,
					  uint32_t count)
{
	rig_put(r, rig_job(r, ctx, stream, count));
	return rig_get(r);
}

/* Copies 64 bytes of the region: the least that can be seen to have run. */
static inline struct fxq_complete rig_copy(struct rig *r, uint32_t ctx)
{
	const struct fxq_desc s[] = {
		load(0, 0, 0, 64), wait_for(store(0, 64, 0, 64), 1, 0, 0, 0),
	};

	return rig_run(r, ctx, s, 2);
}

#endif /* TESTS_RIG_H */
