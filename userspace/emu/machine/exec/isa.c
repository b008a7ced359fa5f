/* SPDX-License-Identifier: MIT */
/*
 * isa.c - which instruction set's operators a machine uses
 *
 * The best that CPUID reports, or the one that FXQ_ISA in the environment
 * names: for comparing, for measuring, and for finding out whether a vector is
 * to blame. What it names and cannot be had is refused, never replaced.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef FXQ_EXEC_X86
#include <cpuid.h>
#endif

#include "exec.h"

/*
 * X(isa): the instruction sets, from the plainest to the best. avxvnni is avx2
 * with vpdpbusd; avx512 is F, BW, DQ, VL and VNNI together.
 */
#ifdef FXQ_EXEC_X86
#define ISAS(X)	X(portable) X(avx2) X(avxvnni) X(avx512)
#else
#define ISAS(X)	X(portable)
#endif

#define X(isa) extern const struct fxq_exec_ops fxq_ops_##isa;
ISAS(X)
#undef X

/* struct isa - a table, and whether this processor runs it */
struct isa {
	const struct fxq_exec_ops *ops;
	bool (*runs)(void);
};

static bool portable_runs(void)
{
	return true;
}

#ifdef FXQ_EXEC_X86

static bool avx2_runs(void)
{
	return __builtin_cpu_supports("avx2");
}

/* Leaf 7.1, EAX, bit 4: not every compiler knows the feature's name. */
static bool avxvnni_runs(void)
{
	unsigned int a, b, c, d;

	return avx2_runs() && __get_cpuid_count(7, 1, &a, &b, &c, &d) &&
	       a >> 4 & 1;
}

static bool avx512_runs(void)
{
	return __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vnni");
}

#endif

/* From the plainest to the best. */
static const struct isa isas[] = {
#define X(isa) { &fxq_ops_##isa, isa##_runs },
	ISAS(X)
#undef X
};

#define ISA_COUNT	(sizeof(isas) / sizeof(isas[0]))

const struct fxq_exec_ops *fxq_isa_next(const struct fxq_exec_ops *ops)
{
	size_t i = 0;

	while (ops && isas[i++].ops != ops)
		;
	for (; i < ISA_COUNT; i++)
		if (isas[i].runs())
			return isas[i].ops;
	return NULL;
}

static const struct fxq_exec_ops *best(void)
{
	size_t i = ISA_COUNT - 1;

	while (!isas[i].runs())
		i--;
	return isas[i].ops;
}

/* Appends the names of all sets, or of those that run here. */
static void list(char *text, size_t size, bool all)
{
	size_t i, at = strlen(text);

	for (i = 0; i < ISA_COUNT && at < size; i++)
		if (all || isas[i].runs())
			at += snprintf(text + at, size - at, "%s%s",
				       i ? ", " : "", isas[i].ops->name);
}

const struct fxq_exec_ops *fxq_isa_choose(char *why, size_t size)
{
	const char *name = getenv("FXQ_ISA");
	size_t i;

	if (!name || !*name)
		return best();
	for (i = 0; i < ISA_COUNT; i++) {
		if (strcmp(name, isas[i].ops->name))
			continue;
		if (isas[i].runs())
			return isas[i].ops;
		snprintf(why, size, "FXQ_ISA=%s: this processor does not have "
			 "it; it has: ", name);
		list(why, size, false);
		return NULL;
	}
	snprintf(why, size, "FXQ_ISA=%.40s is not the name of an instruction "
		 "set; there are: ", name);
	list(why, size, true);
	return NULL;
}
