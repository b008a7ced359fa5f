/* SPDX-License-Identifier: MIT */
/*
 * exec.h - executing one descriptor, exactly
 *
 * A descriptor that fxq_check_desc() and fxq_check_spm() have passed becomes
 * bytes in the scratchpad. Each operator is a function in a table; there is a
 * table for every instruction set, and all give the same bytes. Work inside a
 * descriptor spreads over a pool of threads.
 */
#ifndef FXQ_EXEC_H
#define FXQ_EXEC_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fxq/fxq_cmd.h>

struct fxq_pool;

/* pool.c: a fixed team of threads that sleep between jobs */

/* pthread_create() of a thread that leaves signals to the program. */
int fxq_thread_create(pthread_t *ret_id, void *(*fn)(void *), void *arg);

struct fxq_pool *fxq_pool_create(int threads);	/* 1: none is started */
void fxq_pool_destroy(struct fxq_pool *p);
int fxq_pool_threads(const struct fxq_pool *p);
/*
 * Calls fn(arg, first, last) for pieces that together are [0, n), on all
 * threads, and returns when all are done. Pieces are multiples of @grain.
 */
void fxq_pool_run(struct fxq_pool *p, uint32_t n, uint32_t grain,
		  void (*fn)(void *arg, uint32_t first, uint32_t last),
		  void *arg);

/*
 * struct fxq_exec - what an operator works on
 * @spm: the scratchpad, 64-aligned, followed by 64 readable bytes
 * @acc: accumulators of a chained convolution, in the order
 *	 [block of 32 channels][oh][ow][32]
 * @ops: the table in force, indexed by opcode; LOAD and STORE are not in it
 */
struct fxq_exec {
	uint8_t *spm;
	int32_t *acc;
	struct fxq_pool *pool;
	const struct fxq_exec_ops *ops;
};

typedef void (*fxq_exec_fn)(struct fxq_exec *x, const struct fxq_desc *d);

struct fxq_exec_ops {
	const char *name;		/* as FXQ_ISA spells it */
	fxq_exec_fn fn[FXQ_OP_COUNT];
};

/* isa.c: which instruction sets this processor runs, from the plainest on */

/* The next better table than @ops; NULL: the plainest, or there is none. */
const struct fxq_exec_ops *fxq_isa_next(const struct fxq_exec_ops *ops);
/*
 * The best, or what FXQ_ISA in the environment names. NULL if that is unknown
 * or does not run here; @why then says so in a sentence.
 */
const struct fxq_exec_ops *fxq_isa_choose(char *why, size_t size);

/* struct fxq_bad_entry - entry @i of RESIZE's table @name is not to be used */
struct fxq_bad_entry {
	const char *name;
	uint32_t i, index, fraction;
	uint32_t size;			/* indices are below this */
};

/* The values an operator's tables may not have are found before it runs. */
/* RESIZE: is every index inside the box? SPM bounds are already checked. */
bool fxq_resize_tables_ok(const struct fxq_exec *x, const struct fxq_desc *d);
/* The same; if not, @bad is the first entry that is wrong. */
bool fxq_resize_check(const struct fxq_exec *x, const struct fxq_desc *d,
		      struct fxq_bad_entry *bad);

/*
 * struct fxq_dma_memory - the machine's view of a run's memory
 * @at: host memory at @offset of @region; *@len is shortened to what is
 *	contiguous (at least 1). NULL on a fault, which @at has recorded
 */
struct fxq_dma_memory {
	void *(*at)(struct fxq_dma_memory *mem, uint32_t region,
		    uint64_t offset, uint64_t *len, bool write);
};

/* LOAD and STORE. Returns 0, or -EFAULT if mem->at() returned NULL. */
int fxq_exec_dma(struct fxq_exec *x, const struct fxq_desc *d,
		 struct fxq_dma_memory *mem);

#endif /* FXQ_EXEC_H */
