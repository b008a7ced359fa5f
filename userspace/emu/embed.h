/* SPDX-License-Identifier: MIT */
/*
 * embed.h - the small in-process driver of an embedded machine
 *
 * What fxq.ko does for a PCI function, in one process and for one user: it
 * owns rings, context table and page tables, and offers to map memory, submit
 * runs and collect completions. libfxq sees the machine through this header
 * alone. Calls may come from several threads. Functions return 0 or a negative
 * errno.
 */
#ifndef FXQ_EMBED_H
#define FXQ_EMBED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fxq_embed;
struct fxq_desc;

/*
 * struct fxq_embed_config - zero means the default
 * @threads: that work inside a descriptor; default 1
 * @depth: of the rings, a power of two; default FXQ_DEPTH_DEFAULT
 * @debug: check happens-before and reads of unwritten scratchpad
 * @report: told each finding of @debug in a sentence; called on the machine's
 *	    thread, or on one that is in fxq_embed_poll() after a lone
 *	    submission; NULL: they go to stderr
 * @profile: told of each run that completes how many nanoseconds each of its
 *	     @n descriptors took, and when (CLOCK_MONOTONIC, in ns) the first
 *	     @began; called on such a thread before the run is polled; NULL:
 *	     nothing is measured
 */
struct fxq_embed_config {
	int threads;
	uint32_t depth;
	bool debug;
	void (*report)(void *priv, const char *text);
	void (*profile)(void *priv, const struct fxq_desc *stream,
			uint64_t began, const uint64_t *ns, uint32_t n);
	void *priv;
};

struct fxq_embed_caps {
	uint32_t spm_bytes, acc_bytes, max_descriptors;
	uint32_t clock_khz, macs, max_inflight;
};

#define FXQ_EMBED_WHY	200	/* bytes of a reason */

/*
 * Whose vectors the machine uses: "avx512", …, "portable". NULL if FXQ_ISA in
 * the environment asks for what there is not; @why then says so in a sentence.
 */
const char *fxq_embed_isa(char *why, size_t size);

int fxq_embed_open(const struct fxq_embed_config *config,
		   struct fxq_embed **ret_embed);
/* Waits for the machine to stop; runs not completed are dropped. */
void fxq_embed_close(struct fxq_embed *e);
void fxq_embed_caps(const struct fxq_embed *e, struct fxq_embed_caps *ret_caps);

/* A context is an address space. At most FXQ_CONTEXTS_MAX - 1; -ENOSPC. */
int fxq_embed_ctx_create(struct fxq_embed *e, uint32_t *ret_ctx);
/* Stops its runs, waits for them, drops its mappings. */
void fxq_embed_ctx_destroy(struct fxq_embed *e, uint32_t ctx);

/*
 * Makes [mem, mem + size), page-aligned memory of the caller's, visible to a
 * context. It stays the caller's and must outlive the mapping. Mapping costs
 * page-table writes only; unmapping waits until the machine has forgotten.
 */
int fxq_embed_map(struct fxq_embed *e, uint32_t ctx, void *mem, uint64_t size,
		  bool writable, uint64_t *ret_va);
int fxq_embed_unmap(struct fxq_embed *e, uint32_t ctx, uint64_t va);

/* One region of a run: @size bytes at device address @va, both 64-aligned. */
struct fxq_embed_region {
	uint64_t va, size;
	bool writable;
};

/*
 * Queues @count descriptors at device address @stream_va. Runs of a context
 * execute in order. *@ret_run is unique over the device's life. -EBUSY: the
 * rings are full, poll first.
 */
int fxq_embed_submit(struct fxq_embed *e, uint32_t ctx, uint64_t stream_va,
		     uint32_t count, const struct fxq_embed_region *regions,
		     uint32_t n_regions, uint64_t *ret_run);
/*
 * The same for a caller who polls next, without a timeout: a machine that sleeps
 * is not woken, and the run is then made on his thread.
 */
int fxq_embed_submit_lone(struct fxq_embed *e, uint32_t ctx,
			  uint64_t stream_va, uint32_t count,
			  const struct fxq_embed_region *regions,
			  uint32_t n_regions, uint64_t *ret_run);

/*
 * struct fxq_embed_event - how a run ended
 * @cause: enum fxq_cause; FXQ_CAUSE_NONE when it completed
 * @index, @tag, @address: where, if it did not; the context then refuses runs
 *			   (they complete as STOPPED) until fxq_embed_rearm()
 * @cycles: of the run, modelled
 */
struct fxq_embed_event {
	uint64_t run;
	uint32_t ctx;
	uint32_t cause;
	uint32_t index, tag;
	uint64_t address;
	uint64_t cycles;
};

/*
 * Collects up to @max completions, waiting up to @timeout_ns (0: not at all,
 * UINT64_MAX: without end) for the first. Returns how many, 0 on timeout.
 */
int fxq_embed_poll(struct fxq_embed *e, struct fxq_embed_event *events,
		   int max, uint64_t timeout_ns);
int fxq_embed_stop(struct fxq_embed *e, uint32_t ctx);
int fxq_embed_rearm(struct fxq_embed *e, uint32_t ctx);

/* Register reads and writes since open: the hot path makes almost none. */
uint64_t fxq_embed_register_accesses(const struct fxq_embed *e);

#endif /* FXQ_EMBED_H */
