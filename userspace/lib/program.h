/* SPDX-License-Identifier: MIT */
/*
 * program.h - an image on a device, and the runs of it
 *
 * All that runs share is planned once, at load: which function a step calls,
 * where each tensor lives in a slot's memory, what a region points to. A slot
 * is the memory and the state of one run.
 *
 *	FREE -> CPU -> DEVICE -> READY -> CPU -> ... -> DONE -> FREE
 *
 * READY is a slot whose next step is for whichever thread comes first. The oldest
 * run is the first to go on: it is the next to make room for a new one, without
 * which the device would run dry while younger ones are at long steps.
 */
#ifndef FXQ_LIB_PROGRAM_H
#define FXQ_LIB_PROGRAM_H

#include "device.h"
#include "function.h"
#include "image.h"

#define NO_PLACE	UINT64_MAX

/* What a region of a device step is; @kind 0: unbound. */
struct region_plan {
	uint32_t kind;
	uint64_t offset;	/* INPUT, OUTPUT: in the slot's memory */
	uint64_t bytes;
};

/* A tensor that a region wants elsewhere than where it lives. */
struct copy_plan {
	uint32_t tensor;
	uint64_t offset;	/* in the slot's memory */
};

/*
 * struct step_plan
 * @fn: CPU, WRAPPED
 * @regions, @n_regions: DEVICE: up to the last one that is bound
 * @copies, @n_copies: DEVICE: before it runs; none when each region has a
 *		       tensor of its own
 */
struct step_plan {
	struct bound fn;
	struct region_plan *regions;
	uint32_t n_regions;
	struct copy_plan *copies;
	uint32_t n_copies;
};

enum slot_state {
	SLOT_FREE,
	SLOT_CPU,		/* a thread has it */
	SLOT_DEVICE,		/* the device has it, or it waits for room */
	SLOT_READY,
	SLOT_DONE,		/* a completion nobody has taken yet */
};

/*
 * struct slot - one run
 * @next: in the list that @state means: ready or done of the program, running
 *	  or pending of its queue
 * @memory: tensors that are neither constant nor the caller's
 * @tensors: each tensor of the image as it is in this run
 * @args: room for the inputs and outputs of one call
 * @out: the caller's
 * @alone: fxq_run() waits for it: not for fxq_poll()
 * @lent: to a pipeline, whose frames are not for fxq_poll() either
 * @canceled: it ends before its next step
 * @link: what is prepared after its stream is to follow that
 * @link_error: why what it was to follow did not end well
 * @step: the one that runs, or is next
 * @number: of the run, in the program
 * @run: the device's number of it, while state is DEVICE
 * @began, @step_began: CLOCK_MONOTONIC, in ns
 * @step_ns, @step_cycles: of each step
 */
struct slot {
	struct fxq_program *prog;
	struct slot *next;
	enum slot_state state;
	struct memory memory;
	struct fxq_tensor *tensors;
	struct fxq_tensor *args;
	struct fxq_tensor *out;
	bool alone, lent, link, training;
	int link_error;
	_Atomic bool canceled;
	void *user_data;
	uint32_t step;
	uint64_t number, run;
	uint64_t began, step_began;
	uint64_t *step_ns, *step_cycles;
	unsigned int retries;
	struct fxq_completion completion;
};

/*
 * struct fxq_program
 * @queue: of its runs on the device; shared with others or its own
 * @own: what the device's kind keeps of a program with device steps
 * @home: of each tensor in a slot's memory; NO_PLACE: constant, or the
 *	  caller's own memory
 * @dynamic: tensors whose dims each run decides
 * @types: each tensor as a run begins
 * @busy: slots that are not FREE or DONE
 * @on_cpu: of those, in the hands of a thread
 */
struct fxq_program {
	struct fxq_device *dev;
	struct fxq_image *image;
	struct fxq_program_config config;
	struct queue *queue, no_queue;
	void *own;
	uint64_t slot_bytes, scratch_bytes;
	struct step_plan *plans;
	uint64_t *home;
	struct fxq_tensor *types;
	uint32_t *dynamic, n_dynamic;
	uint32_t max_args;
	struct slot *slots;
	pthread_t *workers;
	uint32_t n_workers;
	_Atomic bool training;
	/* device lock */
	bool stopping;
	unsigned int busy, on_cpu;
	uint64_t n_runs;
	struct slot *ready, *done;
	struct fxq_step_stats *stats;
};

static inline uint32_t program_steps(const struct fxq_program *p)
{
	return p->image->n[SECTION_STEPS];
}

uint64_t now_ns(void);

/* plan.c: what is decided at load */
int plan_program(struct fxq_program *p);
void plan_free(struct fxq_program *p);

/* slot.c: the memory of runs */
int slots_create(struct fxq_program *p);
void slots_destroy(struct fxq_program *p);
void slot_list_push(struct slot **list, struct slot *slot);	/* at the end */
void slot_list_insert(struct slot **list, struct slot *slot);	/* by number */
struct slot *slot_list_pop(struct slot **list);
bool slot_list_remove(struct slot **list, struct slot *slot);

/* io.c: are the caller's tensors what the image says? */
int io_check_inputs(const struct fxq_program *p, const struct fxq_tensor *in);
int io_check(const struct fxq_program *p, const struct fxq_tensor *in,
	     const struct fxq_tensor *out);

/* call.c: one step on the CPU. Writes slot->completion when it fails. */
int slot_call(struct slot *slot, const struct fxq_image_step *s,
	      const struct step_plan *plan);

/* run.c */
int slot_fail(struct slot *slot, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* With the lock held: the device is done with the slot's step. */
void slot_device_done(struct slot *slot, uint64_t cycles);
void slot_finish(struct slot *slot);
/* It does not go on: as one that nobody has, it is finished. */
void slot_cancel(struct slot *slot);
/* A free slot is free no longer. */
void slot_take(struct slot *slot);
/*
 * Does one thing that brings runs of @p on, or waits for others to. Returns
 * false if there was nothing and @deadline (0: at once, UINT64_MAX: never) has
 * passed. The lock is released meanwhile.
 */
bool program_turn(struct fxq_program *p, uint64_t deadline);
/* Without it: */

/* When @timeout_ns (0: at once, UINT64_MAX: never) from now is, as a deadline. */
uint64_t run_deadline(uint64_t timeout_ns);
/* Fills a slot that was taken, and carries it to its device step. */
void slot_start(struct slot *slot, const struct fxq_tensor *in,
		struct fxq_tensor *out, void *user_data, bool alone);
/* Until no slot is busy; what workers do until the program stops. */
void program_drain(struct fxq_program *p);
void *program_worker(void *p);

#endif /* FXQ_LIB_PROGRAM_H */
