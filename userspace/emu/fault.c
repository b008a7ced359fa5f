// SPDX-License-Identifier: MIT
/*
 * fault.c - the plan of faults in force
 *
 * The same plan and the same sequence of runs give the same faults: nothing
 * depends on time, and what is picked now and then follows from the seed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "fault.h"

static const char *const point_names[FAULT_POINTS] = {
	[FXQ_POINT_RUN] = "runs",
	[FXQ_POINT_TRANSFER] = "transfers",
	[FXQ_POINT_RECORD] = "records",
	[FXQ_POINT_INVALIDATE] = "invalidates",
	[FXQ_POINT_STOP] = "stops",
	[FXQ_POINT_RESET] = "resets",
	[FAULT_POINT_IRQ] = "interrupts",
};

int faults_init(struct faults *f)
{
	memset(f, 0, sizeof(*f));
	f->injected = calloc(n_fault_kinds, sizeof(f->injected[0]));
	if (!f->injected)
		return -ENOMEM;
	pthread_mutex_init(&f->lock, NULL);
	return 0;
}

void faults_finish(struct faults *f)
{
	pthread_mutex_destroy(&f->lock);
	free(f->injected);
}

int faults_set(struct faults *f, const char *text, char *why,
	       size_t why_bytes)
{
	struct fault_plan plan;
	int ret = fault_plan_parse(&plan, text, why, why_bytes);

	if (ret)
		return ret;
	pthread_mutex_lock(&f->lock);
	f->plan = plan;
	f->random = plan.seed;
	memset(f->seen, 0, sizeof(f->seen));
	memset(f->injected, 0, n_fault_kinds * sizeof(f->injected[0]));
	pthread_mutex_unlock(&f->lock);
	return 0;
}

/* A step of a 64-bit xorshift and its upper half. */
static uint32_t next_random(struct faults *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random >> 32;
}

/* Arms one of the faults that strike now and then. */
static void pick(struct faults *f)
{
	struct fault_rule *pool[FAULT_MAX_RULES];
	uint32_t i, n = 0;

	for (i = 0; i < f->plan.rules; i++)
		if (!f->plan.rule[i].at)
			pool[n++] = &f->plan.rule[i];
	if (n)
		pool[next_random(f) % n]->armed = true;
}

/* With f->lock held. */
static const struct fault_rule *strike(struct faults *f, uint32_t point)
{
	uint64_t n = ++f->seen[point];
	uint32_t i;

	if (point == FXQ_POINT_RUN && f->plan.every && n % f->plan.every == 0)
		pick(f);
	for (i = 0; i < f->plan.rules; i++) {
		struct fault_rule *r = &f->plan.rule[i];

		if (r->kind->point != point || (r->at ? r->at != n : !r->armed))
			continue;
		r->armed = false;
		f->injected[r->kind - fault_kinds]++;
		return r;
	}
	return NULL;
}

const struct fault_kind *faults_strike(struct faults *f, uint32_t point,
				       uint32_t *ret_ms)
{
	const struct fault_kind *kind = NULL;
	const struct fault_rule *r;

	pthread_mutex_lock(&f->lock);
	r = strike(f, point);
	if (r) {
		kind = r->kind;
		*ret_ms = r->ms;
	}
	pthread_mutex_unlock(&f->lock);
	return kind;
}

static json_t *injected_json(const struct faults *f)
{
	json_t *all = json_object();
	char name[64];
	uint32_t i;

	for (i = 0; i < n_fault_kinds; i++) {
		if (!f->injected[i])
			continue;
		snprintf(name, sizeof(name), "%s=%s", fault_kinds[i].name,
			 fault_kinds[i].how);
		json_object_set_new(all, name, json_integer(f->injected[i]));
	}
	return all;
}

char *faults_counts(struct faults *f)
{
	json_t *seen = json_object(), *all;
	uint64_t total = 0;
	uint32_t i;
	char *text;

	pthread_mutex_lock(&f->lock);
	for (i = 0; i < FAULT_POINTS; i++)
		json_object_set_new(seen, point_names[i],
				    json_integer(f->seen[i]));
	for (i = 0; i < n_fault_kinds; i++)
		total += f->injected[i];
	all = json_pack("{s:s, s:I, s:o, s:o}", "plan", f->plan.text, "total",
			(json_int_t)total, "injected", injected_json(f),
			"seen", seen);
	pthread_mutex_unlock(&f->lock);
	text = all ? json_dumps(all, JSON_COMPACT) : NULL;
	json_decref(all);
	return text;
}
