/* SPDX-License-Identifier: MIT */
/*
 * emit.h - between the order of a stream and its descriptors
 *
 * emit.c decides what comes when and what the SPM holds, emit_op.c writes it.
 */
#ifndef FXQ_EMIT_H
#define FXQ_EMIT_H

#include "lower.h"

/* Constants that are in the SPM for the group being emitted. */
struct loaded {
	uint64_t offset;
	uint32_t addr;
};

struct emitter {
	struct segment *s;
	struct stream *st;
	const struct group *g;
	struct loaded *loaded;
	unsigned int n_loaded, room_loaded;
};

/* Appends what makes box @out of the result of @op. */
void put_op(struct emitter *e, const struct op *op, const struct box *out);

#endif /* FXQ_EMIT_H */
