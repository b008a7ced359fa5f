// SPDX-License-Identifier: MIT
/*
 * ops.c - finding operators by name
 *
 * The rows come from the operators' lists (ops.h); an index sorted by name is
 * made at the first search.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"

enum {
#define X(op, ...) ROW_##op,
	FX_OPS(X)
#undef X
	COUNT
};

static const struct fx_op rows[COUNT] = {
#define X(op, op_path, op_repr, least, most, results, op_flags)	\
	[ROW_##op] = {						\
		.fn = {						\
			.name = #op,				\
			.infer = infer_##op,			\
			.eval = eval_##op,			\
		},						\
		.path = op_path,				\
		.repr = op_repr,				\
		.min_in = least,				\
		.max_in = most,					\
		.n_out = results,				\
		.flags = op_flags,				\
	},
	FX_OPS(X)
#undef X
#define X(op) [ROW_##op].grad = grad_##op,
	FX_GRADS(X)
#undef X
};

static const struct fx_op *by_name[COUNT];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int compare_rows(const void *a, const void *b)
{
	const struct fx_op *const *x = a, *const *y = b;

	return strcmp((*x)->fn.name, (*y)->fn.name);
}

static int compare_key(const void *key, const void *row)
{
	const struct fx_op *const *op = row;

	return strcmp(key, (*op)->fn.name);
}

static void sort_rows(void)
{
	for (size_t i = 0; i < COUNT; i++)
		by_name[i] = &rows[i];
	qsort(by_name, COUNT, sizeof(by_name[0]), compare_rows);
}

const struct fx_op *fx_op_find(const char *name)
{
	const struct fx_op **found;

	pthread_once(&once, sort_rows);
	found = bsearch(name, by_name, COUNT, sizeof(by_name[0]), compare_key);
	return found ? *found : NULL;
}

const struct fx_op *fx_op_next(const struct fx_op *op)
{
	if (!op)
		return rows;
	return op + 1 < rows + COUNT ? op + 1 : NULL;
}
