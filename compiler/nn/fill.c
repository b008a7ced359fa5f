// SPDX-License-Identifier: MIT
/*
 * fill.c - the weights that tests share with torch
 *
 * Every parameter and running statistic becomes fx_gen() of a seed that follows
 * from its place among the sorted names, so that a test in another language
 * makes the same model without a file.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn_priv.h"

struct entry {
	char *key;
	struct fxq_tensor *t;
};

struct entries {
	enum fx_member_kind kind;
	struct entry *list;
	size_t n;
};

static int collect(const char *key, enum fx_member_kind kind,
		   struct fxq_tensor *t, void *ctx)
{
	struct entries *entries = ctx;

	if (kind != entries->kind)
		return 0;
	entries->list = realloc(entries->list,
				(entries->n + 1) * sizeof(*entries->list));
	if (!entries->list)
		abort();
	entries->list[entries->n++] = (struct entry){ must_print("%s", key), t };
	return 0;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->key,
		      ((const struct entry *)b)->key);
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* A buffer that is no running statistic stays; the count includes it. */
static void fill_entry(const struct entry *e, enum fx_member_kind kind,
		       uint32_t seed, uint32_t i)
{
	if (kind == FX_MEMBER_PARAMETER) {
		gen_fill(e->t, seed + 101 * i, 0.25f);
	} else if (ends_with(e->key, "running_mean")) {
		gen_fill(e->t, seed + 5000 + i, 0.25f);
	} else if (ends_with(e->key, "running_var")) {
		float *v = e->t->data;

		gen_fill(e->t, seed + 6000 + i, 0.125f);
		for (int64_t k = 0; k < fxq_tensor_count(e->t); k++)
			v[k] = fabsf(v[k]) + 0.5f;
	}
}

static void fill_kind(struct fx_module *m, enum fx_member_kind kind,
		      uint32_t seed)
{
	struct entries entries = { .kind = kind };

	fx_module_each_tensor(m, collect, &entries);
	if (entries.n)
		qsort(entries.list, entries.n, sizeof(*entries.list), by_key);
	for (size_t i = 0; i < entries.n; i++) {
		if (entries.list[i].t->dtype == FXQ_DTYPE_F32)
			fill_entry(&entries.list[i], kind, seed, i);
		free(entries.list[i].key);
	}
	free(entries.list);
}

void fx_module_fill(struct fx_module *m, uint32_t seed)
{
	fill_kind(m, FX_MEMBER_PARAMETER, seed);
	fill_kind(m, FX_MEMBER_BUFFER, seed);
}
