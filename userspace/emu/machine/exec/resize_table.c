/* SPDX-License-Identifier: MIT */
/*
 * resize_table.c - the values that RESIZE's tables may not have
 *
 * They are found before it runs: operators trust an index.
 */
#include "resize_table.h"

static bool check_table(const struct fxq_exec *x, const char *name,
			uint32_t table, uint32_t n, uint32_t size,
			struct fxq_bad_entry *bad)
{
	struct entry e;
	uint32_t i;

	for (i = 0; i < n; i++) {
		e = entry_at(x, table, i);
		if (e.index < size && e.fraction <= FXQ_RESIZE_ONE)
			continue;
		*bad = (struct fxq_bad_entry){ name, i, e.index, e.fraction,
					       size };
		return false;
	}
	return true;
}

bool fxq_resize_check(const struct fxq_exec *x, const struct fxq_desc *d,
		      struct fxq_bad_entry *bad)
{
	const struct fxq_body_resize *b = &d->resize;

	return check_table(x, "ytab", b->ytab, b->oh, b->ih, bad) &&
	       check_table(x, "xtab", b->xtab, b->ow, b->iw, bad);
}

bool fxq_resize_tables_ok(const struct fxq_exec *x, const struct fxq_desc *d)
{
	struct fxq_bad_entry bad;

	return fxq_resize_check(x, d, &bad);
}
