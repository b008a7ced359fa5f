/* SPDX-License-Identifier: MIT */
/*
 * machine_priv.h - the parts of a machine and how they meet
 *
 * One thread at a time takes ring entries, runs streams and writes records: the
 * machine's own, or while that rests one that is lent. Other threads only touch
 * registers. So everything below is that one thread's, but for what @lock
 * protects and what is marked atomic.
 */
#ifndef FXQ_MACHINE_PRIV_H
#define FXQ_MACHINE_PRIV_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <fxq/fxq_cost.h>
#include <fxq/fxq_regs.h>
#include <fxq/fxq_spm.h>

#include "exec.h"
#include "machine.h"

#define MACHINE_REGS		(0x78 / 4)
#define MACHINE_TLB_ENTRIES	4096	/* powers of two */
#define MACHINE_LARGE_ENTRIES	256
#define MACHINE_NO_CONTEXT	(~0u)

/* What a write to CONTROL asks of the machine's thread. */
#define REQUEST_QUIT	(1u << 0)
#define REQUEST_RESET	(1u << 1)
#define REQUEST_HALT	(1u << 2)	/* ENABLE went from 1 to 0 */
#define REQUEST_START	(1u << 3)	/* ENABLE went from 0 to 1 */

/* A translation seen valid. */
struct machine_tlb {
	uint64_t tag;		/* page number and context; 0: empty */
	uint8_t *host;
	uint64_t mask;		/* of the offset in the page */
	bool writable;
};

/* How a run ends, short of its times. */
struct machine_outcome {
	uint32_t cause;		/* enum fxq_cause */
	uint32_t index, tag;
	uint64_t address;
};

/*
 * struct machine_run - the run in progress
 * @mem: what fxq_exec_dma() reaches memory through
 * @root: the context's top page table, read when the run began
 * @bind: private copy of the binding table
 * @stream: private copy of the descriptors, so that whoever writes to them
 *	    meanwhile changes nothing; it grows to the longest stream seen
 * @timing, @order: room for fxq_cost_schedule(), as long as @stream; the work
 *		    of a descriptor is filled in when it has completed
 * @ns, @began, @mark: for the host's @profile: what each descriptor took, when
 *		       the first began and the last was done
 * @done: descriptors completed
 * @stop: end at the next descriptor, as STOPPED
 */
struct machine_run {
	struct fxq_dma_memory mem;
	struct fxq_machine *machine;
	struct fxq_submit entry;
	uint64_t root;
	struct fxq_binding bind[FXQ_MAX_REGIONS];
	struct fxq_checker checker;
	struct fxq_desc *stream;
	struct fxq_timing *timing;
	uint32_t *order;
	uint64_t *ns;
	uint64_t began, mark;
	uint32_t capacity;
	uint32_t done;
	bool active;
	bool stop;
	struct fxq_fault fault;
	struct machine_outcome outcome;
};

struct machine_debug;

/* Bus addresses, as the registers had them when ENABLE was acted upon. */
struct machine_bases {
	uint64_t submit, complete, contexts, shared;
};

struct fxq_machine {
	struct fxq_machine_host host;
	struct fxq_caps caps;
	uint32_t contract;
	uint32_t naps;
	pthread_t thread;

	/*
	 * Protects the registers and what wakes the thread. Taken for a few
	 * instructions at a time; nothing is called under it.
	 */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	uint32_t reg[MACHINE_REGS];
	uint32_t clock_hi;	/* latched by a read of CLOCK_LO */
	bool bell;
	bool resting;		/* the machine's own thread waits in sleep */
	bool lent;		/* and shall, for another has its place */
	uint32_t request;	/* REQUEST_*; atomic: also read without @lock */
	bool busy;		/* atomic */
	uint64_t clock;		/* atomic: modelled cycles since reset */

	/* The rings, while enabled. */
	bool enabled;
	uint32_t depth;
	struct machine_bases base;
	const struct fxq_submit *submit;
	struct fxq_complete *complete;
	const struct fxq_context_entry *contexts;
	struct fxq_shared *shared;
	uint32_t taken, answered;	/* entries */
	uint32_t completed;		/* records */
	uint64_t progress;		/* descriptors finished */

	/* Jobs taken and not begun, oldest first. */
	struct fxq_submit queue[FXQ_DEPTH_MAX];
	uint32_t queued;
	uint64_t stopped;		/* a bit for each context */
	bool stop_pending;		/* @stop_entry awaits the run's end */
	struct fxq_submit stop_entry;

	struct machine_tlb tlb[MACHINE_TLB_ENTRIES];
	struct machine_tlb large[MACHINE_LARGE_ENTRIES];
	struct machine_run run;
	struct fxq_exec exec;
	uint32_t spm_context;		/* whose bytes the scratchpad holds */
	uint64_t spm_high;		/* bytes from here on are zero */
	struct machine_debug *debug;	/* NULL: debug mode is off */
};

/* machine.c */

/* The rings' memory has gone: the machine stops where it is, and says so. */
void machine_lose_rings(struct fxq_machine *m);

/* bus.c: all may end with @enabled clear, and the rings gone */

void machine_enter(struct fxq_machine *m);
void machine_leave(struct fxq_machine *m);
/* Leaves and enters, for whoever waits to take memory back. */
void machine_yield(struct fxq_machine *m);

/* fault.c */

#define MACHINE_FOREVER	(~0u)

/* What a pause inside a run is for: nothing, other entries, a STOP of it. */
enum machine_pause {
	MACHINE_PAUSE_DEAF,
	MACHINE_PAUSE_TAKING,
	MACHINE_PAUSE_STOPPABLE,
};

struct fxq_fault machine_fault(struct fxq_machine *m, enum fxq_fault_point at);
/* Lets @ms pass. False: the run ends without a record. */
bool machine_pause(struct fxq_machine *m, uint32_t ms, enum machine_pause how);
/* What m->run.fault does before descriptor @i. */
void machine_fault_run(struct fxq_machine *m, uint32_t i);

/* regs.c */
void machine_regs_reset(struct fxq_machine *m);
uint32_t machine_request(const struct fxq_machine *m);

/* ring.c */

/* Looks at the registers. False: ENABLE is refused. */
bool machine_ring_setup(struct fxq_machine *m);
/* Looks for the rings' memory. False: some of it is not there. */
bool machine_ring_find(struct fxq_machine *m);
void machine_ring_drop(struct fxq_machine *m);
/* Takes new entries; all kinds but JOB are acted upon at once. */
void machine_take(struct fxq_machine *m);
bool machine_next_job(struct fxq_machine *m, struct fxq_submit *entry);
/* Before that: is there something to do, a little later? */
bool machine_linger(const struct fxq_machine *m);
/* Says that whoever produces must ring. False: an entry has come meanwhile. */
bool machine_doze(struct fxq_machine *m);
void machine_awake(struct fxq_machine *m);
/* Sleeps until an entry, a doorbell or a request may be there. */
void machine_sleep(struct fxq_machine *m);
/* Answers the entry of m->run, and whatever waited for the run to end. */
void machine_finish(struct fxq_machine *m, uint64_t first, uint64_t cycles);

/* mmu.c */

/*
 * Host memory at device address @va of the running context; *@len is shortened
 * to what is in one piece. NULL: m->run.outcome has cause and address.
 */
uint8_t *machine_translate(struct fxq_machine *m, uint64_t va, uint64_t *len,
			   bool write);
/* Copies memory of the running context. Returns enum fxq_cause. */
uint32_t machine_fetch(struct fxq_machine *m, void *dst, uint64_t va,
		       uint64_t len);
void machine_invalidate(struct fxq_machine *m, uint32_t context,
			uint64_t first, uint64_t last);
void machine_forget(struct fxq_machine *m);

/* run.c */

/* Runs m->run.entry and answers it; or drops it when a request came. */
void machine_run(struct fxq_machine *m);

/* debug.c */

struct machine_debug *machine_debug_create(const struct fxq_caps *caps);
void machine_debug_destroy(struct machine_debug *g);
int machine_debug_begin(struct fxq_machine *m);
/* Reports what is wrong with descriptor @i, which is about to execute. */
void machine_debug_step(struct fxq_machine *m, uint32_t i);
/* Reports the entry of a table for which RESIZE @i is refused. */
void machine_debug_table(struct fxq_machine *m, uint32_t i,
			 const struct fxq_bad_entry *bad);

#endif /* FXQ_MACHINE_PRIV_H */
