/* SPDX-License-Identifier: MIT */
/*
 * machine.h - the FX1 machine model, as its hosts see it
 *
 * Plain C without global state: any number of machines live in a process. A
 * host (the embedded driver, the vfio-user server, a test) gives a machine a
 * bus, reads and writes its registers and hears its interrupts; everything
 * else happens in memory, as fxq_regs.h lays down.
 */
#ifndef FXQ_MACHINE_H
#define FXQ_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fxq_machine;
struct fxq_desc;

/* Where a host may make something go wrong. */
enum fxq_fault_point {
	FXQ_POINT_RUN,		/* a run begins */
	FXQ_POINT_TRANSFER,	/* a LOAD or STORE begins */
	FXQ_POINT_RECORD,	/* the record of a job is due */
	FXQ_POINT_INVALIDATE,	/* the record of an INVALIDATE is due */
	FXQ_POINT_STOP,		/* the record of a STOP is due */
	FXQ_POINT_RESET,	/* CONTROL is to say that a reset is done */
	FXQ_POINTS
};

enum fxq_fault_kind {
	FXQ_FAULT_NONE,
	/* a run */
	FXQ_FAULT_HANG,		/* halfway no progress, until STOP or reset */
	FXQ_FAULT_STUCK,	/* the same, and deaf to STOP */
	FXQ_FAULT_SLOW,		/* each descriptor takes @ms more */
	/* a transfer */
	FXQ_FAULT_FAIL,		/* the bus does not answer */
	/* a record; of what is no job, the first three */
	FXQ_FAULT_REFUSED,	/* only there: it says that nothing was done */
	FXQ_FAULT_LOST,		/* its slot stays as it was; of a reset, its bit */
	FXQ_FAULT_LATE,		/* it comes after @ms */
	FXQ_FAULT_TWICE,	/* it comes in two slots */
	FXQ_FAULT_WRONG_RUN,	/* it names a run that there is not */
	FXQ_FAULT_WRONG_CONTEXT,
};

struct fxq_fault {
	enum fxq_fault_kind kind;
	uint32_t ms;
};

/*
 * struct fxq_machine_host - what the machine needs of its surroundings
 * @bus: the bytes [addr, addr + len) of bus memory, which lie within one page
 *	 (of 4 KiB or 2 MiB), a ring or a table; NULL if they are not there in
 *	 one piece: a large page is then asked for in small ones. The machine
 *	 keeps a page until INVALIDATE or reset, rings until disabled
 * @enter, @leave: stand around every use of @bus and of what it gave. Between
 *	 them that stays; @enter says whether any has gone since @leave. Both
 *	 may be NULL: memory then stays for as long as the machine keeps it
 * @fault: asked at each point; NULL: nothing goes wrong
 * @irq: raise MSI-X vector FXQ_VECTOR_*
 * @report: debug mode: a finding, in a sentence; may be NULL
 * @profile: a run has completed: its @n descriptors, and for how many
 *	     nanoseconds each was in work. They follow one another from
 *	     @began on (CLOCK_MONOTONIC, in ns), so these add up. NULL: nobody
 *	     looks at the clock
 *
 * All are called on the machine's own thread, or on one that is lent to it.
 */
struct fxq_machine_host {
	void *(*bus)(void *priv, uint64_t addr, uint64_t len, bool write);
	bool (*enter)(void *priv);
	void (*leave)(void *priv);
	struct fxq_fault (*fault)(void *priv, enum fxq_fault_point at);
	void (*irq)(void *priv, int vector);
	void (*report)(void *priv, const char *text);
	void (*profile)(void *priv, const struct fxq_desc *stream,
			uint64_t began, const uint64_t *ns, uint32_t n);
	void *priv;
};

struct fxq_machine_config {
	int threads;		/* inside a descriptor; 0: 1 */
	bool debug;
	uint32_t spm_bytes;	/* 0: 1 MiB; a multiple of 64 */
	uint32_t acc_bytes;	/* 0: 64 KiB */
	uint32_t contract;	/* that register CONTRACT tells; 0: the true one */
	uint32_t naps;		/* of 20 us, before it sleeps for want of work */
};

#define FXQ_MACHINE_WHY	200	/* bytes of a reason */

/*
 * The instruction set of this process's machines: the best that the processor
 * has, or the one that FXQ_ISA in the environment names. NULL if that one is
 * not to be had; @why then says so in a sentence.
 */
const char *fxq_machine_isa(char *why, size_t size);

int fxq_machine_create(const struct fxq_machine_config *config,
		       const struct fxq_machine_host *host,
		       struct fxq_machine **ret_machine);
void fxq_machine_destroy(struct fxq_machine *m);

/*
 * Lends the machine the caller's thread, who has nothing better to do than wait
 * for the job that he has just put into the ring: it runs here, and no thread has
 * to wake another. Returns when one job has run, or at once if the machine's own
 * thread is up, and so will see the job itself.
 */
void fxq_machine_lend(struct fxq_machine *m);

/* BAR0. Unaligned or unknown offsets read as ~0 and ignore writes. */
uint32_t fxq_machine_read(struct fxq_machine *m, uint64_t offset);
void fxq_machine_write(struct fxq_machine *m, uint64_t offset, uint32_t value);

#endif /* FXQ_MACHINE_H */
