/* SPDX-License-Identifier: MIT */
/*
 * fault.h - a plan of what shall go wrong, and what has
 *
 * A plan is a list: "dma@3,hang@5:hard,complete@7=lost,irq@2=late:50ms" makes
 * the third transfer fail, the fifth run hang until reset, and so on. What has
 * no number strikes now and then: "dma,irq=lost,every=20,seed=7" picks one of
 * these, by a sequence that follows from the seed, at every twentieth run.
 * Counts begin when the plan is set. See fault_kinds[] for all there is.
 */
#ifndef FXQ_FAULT_H
#define FXQ_FAULT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/machine.h"

#define FAULT_MAX_RULES		64
#define FAULT_MAX_PLAN		2048	/* characters */
#define FAULT_MAX_MS		600000

/* Points of the function's own follow the machine's. */
enum fault_point {
	FAULT_POINT_IRQ = FXQ_POINTS,	/* an interrupt is due */
	FAULT_POINTS
};

enum fault_effect {
	FAULT_REMOVED = FXQ_FAULT_WRONG_CONTEXT + 1,	/* all reads are ones */
	FAULT_DEAD,		/* the same, but reset brings it back */
};

/*
 * struct fault_kind - what can be asked for, as it is written
 * @name, @how: "name=how"; the first of a name may be asked for without how
 * @point: where it strikes
 * @effect: enum fxq_fault_kind or enum fault_effect
 * @ms: unless the plan says another time; 0: it takes none
 */
struct fault_kind {
	const char *name, *how;
	uint32_t point;
	uint32_t effect;
	uint32_t ms;
	const char *doc;
};

extern const struct fault_kind fault_kinds[];
extern const uint32_t n_fault_kinds;

/*
 * struct fault_rule
 * @at: strikes at this occurrence of its point, from 1; 0: now and then
 * @armed: now is the time
 */
struct fault_rule {
	const struct fault_kind *kind;
	uint64_t at;
	uint32_t ms;
	bool armed;
};

/* A plan as it was read. @every: runs from one pick to the next, 0: none. */
struct fault_plan {
	struct fault_rule rule[FAULT_MAX_RULES];
	uint32_t rules;
	uint64_t every, seed;
	char text[FAULT_MAX_PLAN];
};

/*
 * Reads @text, which may be empty. Returns 0, or -EINVAL and a sentence in
 * @why that names the word and what may stand there; @plan is then unchanged.
 */
int fault_plan_parse(struct fault_plan *plan, const char *text, char *why,
		     size_t why_bytes);

/*
 * struct faults - the plan in force
 * @lock: protects all of it; any thread may ask
 * @seen: occurrences of each point since the plan was set
 * @injected: for each of fault_kinds[]
 */
struct faults {
	pthread_mutex_t lock;
	struct fault_plan plan;
	uint64_t random;
	uint64_t seen[FAULT_POINTS];
	uint64_t *injected;
};

int faults_init(struct faults *f);
void faults_finish(struct faults *f);
/* -EINVAL and @why: the plan in force stays. */
int faults_set(struct faults *f, const char *text, char *why,
	       size_t why_bytes);
/* Does something go wrong at this occurrence of @point? NULL: nothing. */
const struct fault_kind *faults_strike(struct faults *f, uint32_t point,
				       uint32_t *ret_ms);
/* As JSON, on one line. The caller frees it; NULL: no memory. */
char *faults_counts(struct faults *f);

#endif /* FXQ_FAULT_H */
