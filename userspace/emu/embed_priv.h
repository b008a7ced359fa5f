/* SPDX-License-Identifier: MIT */
/*
 * embed_priv.h - the parts of the embedded driver
 *
 * Order of locks: @admin, then @lock or @bus_lock. Whoever runs the machine takes
 * the last two, one at a time and briefly, and never waits under them.
 */
#ifndef FXQ_EMBED_PRIV_H
#define FXQ_EMBED_PRIV_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <fxq/fxq_regs.h>

#include "embed.h"
#include "machine/machine.h"

#define EMBED_PAGE_MASK		(FXQ_PAGE_BYTES - 1ull)
#define EMBED_LARGE_BYTES	(1ull << FXQ_LARGE_PAGE_SHIFT)

/* embed_space.c: an address space, and what stands where in it */

struct embed_range {
	uint64_t base, size;
	uint8_t *mem;
	bool writable;
};

/* Ranges in ascending order, all inside [@lo, @hi). */
struct embed_space {
	struct embed_range *range;
	uint32_t count, capacity;
	uint64_t lo, hi;
};

void embed_space_init(struct embed_space *s, uint64_t lo, uint64_t hi);
void embed_space_finish(struct embed_space *s);
/*
 * Finds room for @r->size bytes, where @r->base becomes congruent to
 * @r->mem modulo 2 MiB if a large page could fit. Returns 0, -ENOMEM or
 * -ENOSPC.
 */
int embed_space_add(struct embed_space *s, struct embed_range *r);
void embed_space_remove(struct embed_space *s, uint64_t base);
/* The range that holds [addr, addr + len), or NULL. */
const struct embed_range *embed_space_find(const struct embed_space *s,
					   uint64_t addr, uint64_t len);

/* The state of a context; index 0 is never used. */
struct embed_ctx {
	bool live;			/* @admin and @lock */
	struct embed_space va;
	uint64_t root;			/* bus address */
	struct embed_chunk *chunks;	/* page tables; newest first */
	uint8_t *bind;			/* a binding table for each slot */
	uint64_t bind_va;
};

#define EMBED_BIND_BYTES	384	/* FXQ_MAX_REGIONS bindings */

static_assert(EMBED_BIND_BYTES ==
	      FXQ_MAX_REGIONS * sizeof(struct fxq_binding), "a slot's table");

struct fxq_embed {
	struct fxq_machine *machine;
	void (*report)(void *priv, const char *text);
	void (*profile)(void *priv, const struct fxq_desc *stream,
			uint64_t began, const uint64_t *ns, uint32_t n);
	void *host_priv;		/* of both */
	uint64_t accesses;		/* of registers; atomic */

	/* Held by whoever changes contexts or has an entry answered. */
	pthread_mutex_t admin;
	struct embed_ctx ctx[FXQ_CONTEXTS_MAX];

	/* Protects @bus; whoever runs the machine looks addresses up. */
	pthread_rwlock_t bus_lock;
	struct embed_space bus;

	/* Protects the rings and all that follows. */
	pthread_mutex_t lock;
	pthread_cond_t wake;		/* a record may be there, or was reaped */
	uint8_t *memory;		/* shared page, rings, context table */
	uint64_t memory_bytes;
	struct fxq_shared *shared;
	struct fxq_submit *submit;
	struct fxq_complete *complete;
	struct fxq_context_entry *contexts;
	uint32_t depth;
	uint32_t produced, consumed;
	bool unrung;			/* the machine sleeps over an entry */
	uint64_t next_run;
	bool slot_busy[FXQ_DEPTH_MAX];	/* its binding table is in use */
	uint32_t in_flight;		/* submitted and not polled */
	struct fxq_embed_event event[FXQ_DEPTH_MAX];
	uint32_t first_event, events;
	bool admin_done;
	uint32_t admin_cause;
};

/* embed.c */
uint32_t embed_reg_read(struct fxq_embed *e, uint32_t reg);
void embed_reg_write(struct fxq_embed *e, uint32_t reg, uint32_t value);

/* embed_mmu.c: the bus, contexts and their page tables */
void embed_bus_init(struct fxq_embed *e);
int embed_bus_add(struct fxq_embed *e, struct embed_range *r);
void embed_bus_remove(struct fxq_embed *e, uint64_t base);
/* The machine's view of the bus; called on the thread that runs it. */
void *embed_bus(void *priv, uint64_t addr, uint64_t len, bool write);
/* Lets go of what a context holds, when the machine is gone. */
void embed_ctx_drop(struct fxq_embed *e, struct embed_ctx *c);

/* embed_ring.c */
void embed_irq(void *priv, int vector);
/*
 * Has the machine answer an entry that is no job. @e->admin is held. Returns
 * 0, or -EIO when the machine refuses it.
 */
int embed_admin(struct fxq_embed *e, const struct fxq_submit *entry);

#endif /* FXQ_EMBED_PRIV_H */
