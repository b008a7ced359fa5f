/* SPDX-License-Identifier: MIT */
/*
 * resize_table.h - an entry of RESIZE's tables
 */
#ifndef FXQ_EXEC_RESIZE_TABLE_H
#define FXQ_EXEC_RESIZE_TABLE_H

#include <string.h>

#include "exec.h"

/* struct entry - one of a table: an index, and how far to the next */
struct entry {
	uint16_t index, fraction;
};

static inline struct entry entry_at(const struct fxq_exec *x, uint32_t table,
				    uint32_t i)
{
	struct entry e;

	memcpy(&e, x->spm + table + sizeof(e) * (size_t)i, sizeof(e));
	return e;
}

#endif /* FXQ_EXEC_RESIZE_TABLE_H */
