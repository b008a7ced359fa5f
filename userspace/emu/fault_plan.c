// SPDX-License-Identifier: MIT
/*
 * fault_plan.c - reading a plan of faults
 *
 * A word of a plan is NAME[@N][=HOW][:TIME], where HOW may also follow a
 * colon, or one of every=N and seed=N.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

const struct fault_kind fault_kinds[] = {
	{ "dma", "fail", FXQ_POINT_TRANSFER, FXQ_FAULT_FAIL, 0,
	  "the bus does not answer the N-th LOAD or STORE" },
	{ "hang", "soft", FXQ_POINT_RUN, FXQ_FAULT_HANG, 0,
	  "the N-th run stands still halfway until STOP or reset" },
	{ "hang", "hard", FXQ_POINT_RUN, FXQ_FAULT_STUCK, 0,
	  "the same, and the ring is not looked at: only reset helps" },
	{ "slow", "run", FXQ_POINT_RUN, FXQ_FAULT_SLOW, 20,
	  "each descriptor of the N-th run takes TIME more" },
	{ "complete", "lost", FXQ_POINT_RECORD, FXQ_FAULT_LOST, 0,
	  "the N-th completion record never arrives" },
	{ "complete", "late", FXQ_POINT_RECORD, FXQ_FAULT_LATE, 20,
	  "it arrives TIME later" },
	{ "complete", "twice", FXQ_POINT_RECORD, FXQ_FAULT_TWICE, 0,
	  "it arrives twice, in two slots" },
	{ "complete", "wrong-run", FXQ_POINT_RECORD, FXQ_FAULT_WRONG_RUN, 0,
	  "it names a run that was not submitted" },
	{ "complete", "wrong-context", FXQ_POINT_RECORD,
	  FXQ_FAULT_WRONG_CONTEXT, 0, "it names another context" },
	{ "irq", "lost", FAULT_POINT_IRQ, FXQ_FAULT_LOST, 0,
	  "the N-th interrupt never arrives" },
	{ "irq", "late", FAULT_POINT_IRQ, FXQ_FAULT_LATE, 20,
	  "it arrives TIME later" },
	{ "irq", "twice", FAULT_POINT_IRQ, FXQ_FAULT_TWICE, 5,
	  "it arrives, and TIME later once more" },
	{ "invalidate", "late", FXQ_POINT_INVALIDATE, FXQ_FAULT_LATE, 20,
	  "the N-th INVALIDATE takes TIME" },
	{ "invalidate", "lost", FXQ_POINT_INVALIDATE, FXQ_FAULT_LOST, 0,
	  "its record never arrives" },
	{ "invalidate", "refused", FXQ_POINT_INVALIDATE, FXQ_FAULT_REFUSED, 0,
	  "its record says that it was refused" },
	{ "stop", "late", FXQ_POINT_STOP, FXQ_FAULT_LATE, 20,
	  "the N-th STOP is answered TIME later" },
	{ "stop", "lost", FXQ_POINT_STOP, FXQ_FAULT_LOST, 0,
	  "its record never arrives" },
	{ "stop", "refused", FXQ_POINT_STOP, FXQ_FAULT_REFUSED, 0,
	  "its record says that it was refused" },
	{ "reset", "lost", FXQ_POINT_RESET, FXQ_FAULT_LOST, 0,
	  "the N-th reset is never told to be done" },
	{ "dead", "regs", FXQ_POINT_RUN, FAULT_DEAD, 0,
	  "at the N-th run registers read as ones, until a reset" },
	{ "remove", "all", FXQ_POINT_RUN, FAULT_REMOVED, 0,
	  "at the N-th run everything reads as ones, for good" },
};

const uint32_t n_fault_kinds = sizeof(fault_kinds) / sizeof(fault_kinds[0]);

/* A plan that is being read, and what is wrong with it. */
struct parser {
	struct fault_plan plan;
	char *why;
	size_t why_bytes;
};

static int complain(struct parser *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(p->why, p->why_bytes, format, args);
	va_end(args);
	return -EINVAL;
}

/* A whole number from 1 to @max; 0: it is none. */
static uint64_t number(const char *text, uint64_t max)
{
	uint64_t n;
	char *end;

	if (*text < '0' || *text > '9')
		return 0;
	errno = 0;
	n = strtoull(text, &end, 10);
	return errno || *end || n > max ? 0 : n;
}

/* "50ms" or "2s" in milliseconds; 0: it is no time. */
static uint32_t parse_time(char *text)
{
	size_t n = strspn(text, "0123456789");
	uint32_t unit = !strcmp(text + n, "ms") ? 1 :
			!strcmp(text + n, "s") ? 1000 : 0;

	if (!unit)
		return 0;
	text[n] = '\0';
	return number(text, FAULT_MAX_MS / unit) * unit;
}

static void list_names(char *buf, size_t bytes)
{
	uint32_t i, n = 0;

	for (i = 0; i < n_fault_kinds; i++)
		if (!i || strcmp(fault_kinds[i].name, fault_kinds[i - 1].name))
			n += snprintf(buf + n, bytes - n, "%s%s", n ? ", " : "",
				      fault_kinds[i].name);
}

static void list_hows(const char *name, char *buf, size_t bytes)
{
	uint32_t i, n = 0;

	for (i = 0; i < n_fault_kinds; i++)
		if (!strcmp(fault_kinds[i].name, name))
			n += snprintf(buf + n, bytes - n, "%s%s", n ? ", " : "",
				      fault_kinds[i].how);
}

/* @how: NULL: the first of its name. */
static const struct fault_kind *find_kind(const char *name, const char *how)
{
	uint32_t i;

	for (i = 0; i < n_fault_kinds; i++)
		if (!strcmp(fault_kinds[i].name, name) &&
		    (!how || !strcmp(fault_kinds[i].how, how)))
			return &fault_kinds[i];
	return NULL;
}

/* What follows a name: how, a time, or both. */
static int parse_tail(struct parser *p, struct fault_rule *rule,
		      const char *name, char *tail)
{
	char *time = tail ? strchr(tail, ':') : NULL;
	char list[160];

	rule->kind = find_kind(name, NULL);
	if (!rule->kind) {
		list_names(list, sizeof(list));
		return complain(p, "there is no fault '%s'; there are %s, and every=N, seed=N",
				name, list);
	}
	if (time) {
		*time++ = '\0';
	} else if (tail && *tail >= '0' && *tail <= '9') {
		time = tail;
		tail = NULL;
	}
	if (tail)
		rule->kind = find_kind(name, tail);
	if (!rule->kind) {
		list_hows(name, list, sizeof(list));
		return complain(p, "'%s' cannot be '%s'; it can be %s", name,
				tail, list);
	}
	rule->ms = rule->kind->ms;
	if (!time)
		return 0;
	if (!rule->ms)
		return complain(p, "'%s=%s' takes no time, but has '%s'", name,
				rule->kind->how, time);
	rule->ms = parse_time(time);
	return rule->ms ? 0 : complain(p, "a time is like 50ms or 2s, at most %u s; that of '%s' is not",
				       FAULT_MAX_MS / 1000, name);
}

static int parse_rule(struct parser *p, char *word)
{
	struct fault_rule rule = { 0 };
	size_t n = strcspn(word, "@=:");
	char *at = word[n] == '@' ? word + n + 1 : NULL;
	char *tail;
	int ret;

	if (p->plan.rules == FAULT_MAX_RULES)
		return complain(p, "a plan has at most %d faults",
				FAULT_MAX_RULES);
	tail = at ? strpbrk(at, "=:") : word[n] ? word + n : NULL;
	if (tail)
		*tail++ = '\0';
	word[n] = '\0';
	ret = parse_tail(p, &rule, word, tail);
	if (ret)
		return ret;
	if (at) {
		rule.at = number(at, INT64_MAX);
		if (!rule.at)
			return complain(p, "'%s@' wants the number of an occurrence, from 1; not '%s'",
					word, at);
	}
	p->plan.rule[p->plan.rules++] = rule;
	return 0;
}

static int parse_setting(struct parser *p, const char *name, const char *text,
			 uint64_t *value)
{
	*value = number(text, INT64_MAX);
	return *value ? 0 : complain(p, "'%s=' wants a number from 1; not '%s'",
				     name, text);
}

static int parse_word(struct parser *p, char *word)
{
	if (!strncmp(word, "every=", 6))
		return parse_setting(p, "every", word + 6, &p->plan.every);
	if (!strncmp(word, "seed=", 5))
		return parse_setting(p, "seed", word + 5, &p->plan.seed);
	return parse_rule(p, word);
}

/* Faults now and then need to know when, and so the other way round. */
static int check_plan(struct parser *p)
{
	bool pool = false;
	uint32_t i;

	for (i = 0; i < p->plan.rules; i++)
		pool |= !p->plan.rule[i].at;
	if (!pool && (p->plan.every || p->plan.seed))
		return complain(p, "every= and seed= are for faults without '@', and there are none");
	if (pool && !p->plan.every)
		p->plan.every = 1;
	if (!p->plan.seed)
		p->plan.seed = 1;
	return 0;
}

int fault_plan_parse(struct fault_plan *plan, const char *text, char *why,
		     size_t why_bytes)
{
	struct parser p = { .why = why, .why_bytes = why_bytes };
	char copy[FAULT_MAX_PLAN], *word, *next;
	int ret;

	if (strlen(text) >= sizeof(copy))
		return complain(&p, "a plan has at most %zu characters",
				sizeof(copy) - 1);
	strcpy(p.plan.text, text);
	strcpy(copy, text);
	for (word = strtok_r(copy, ", ", &next); word;
	     word = strtok_r(NULL, ", ", &next)) {
		ret = parse_word(&p, word);
		if (ret)
			return ret;
	}
	ret = check_plan(&p);
	if (!ret)
		*plan = p.plan;
	return ret;
}
