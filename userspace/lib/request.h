/* SPDX-License-Identifier: MIT */
/*
 * request.h - a queue, and what it knows of each of its requests
 *
 * request.c takes a request from one part to the next; queue.c has the calls
 * that hand over and wait.
 */
#ifndef FXQ_LIB_REQUEST_H
#define FXQ_LIB_REQUEST_H

#include <fxq/queue.h>

#include "program.h"

enum entry_state {
	ENTRY_FREE,
	ENTRY_ADDED,		/* without a ring: nothing has been done yet */
	ENTRY_READING,
	ENTRY_RUNNING,
	ENTRY_WRITING,
	ENTRY_DONE,
};

/*
 * struct entry - a request
 * @next: in the list of those that are done
 * @moved: bytes of the part that is being read or written
 * @told: parts that the ring has said something of, which is in @result
 * @result: of reading and of writing
 * @slot: of a chain: its memory is read to and written from
 * @links: of a chain: what of it has not ended yet
 */
struct entry {
	enum entry_state state;
	struct entry *next;
	struct fxq_request request;
	uint32_t moved;
	unsigned int told;
	int result[2];
	struct slot *slot;
	unsigned int links;
	uint64_t began;
	struct fxq_completion completion;
};

/*
 * struct fxq_queue
 * @chains: the network is a single device step, and its ends are in the slots
 * @files: parts in the ring
 * @used: entries that are not free
 * @done: in the order in which they ended
 * @own_calls: reads and writes made here
 * @calls_before: of the device
 */
struct fxq_queue {
	struct fxq_program *prog;
	struct entry *entries;
	uint32_t depth, batch;
	bool ring, chains;
	uint32_t files, used;
	struct entry *done;
	uint64_t own_calls, calls_before;
};

/* Begins with the first part, or prepares all of them. */
void request_start(struct fxq_queue *q, struct entry *e);
/* Goes on after a part, as e->result has it, or after the run. */
void request_part_ended(struct fxq_queue *q, struct entry *e);
void request_run_ended(struct fxq_queue *q, const struct fxq_completion *c);
/* For struct queue: remembers in its entry what the ring says of a part. */
void request_file_ended(void *queue, uint64_t cookie, int result);

#endif /* FXQ_LIB_REQUEST_H */
