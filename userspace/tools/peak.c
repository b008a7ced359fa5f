// SPDX-License-Identifier: MIT
/*
 * peak.c - what this processor multiplies at most
 *
 * A loop that does nothing but multiply and add in registers, with the widest
 * instruction there is. No network can be faster; how near one comes is the
 * figure that a noisy computer disturbs least, if both are measured together.
 */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "peak.h"

#define MAX_THREADS	64
#define UNROLLED	12
#define ROUNDS		5
#define STEPS		40000	/* some 0.2 ms */

#if defined(__x86_64__)

#include <cpuid.h>

#define EACH(X)		X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)    \
			X(10) X(11)
#define ZMM(n)		"vpdpbusd %%zmm14, %%zmm15, %%zmm" #n "\n\t"
#define YMM(n)		"%{vex%} vpdpbusd %%ymm14, %%ymm15, %%ymm" #n "\n\t"
#define WIDE(n)		"vpmaddwd %%ymm14, %%ymm15, %%ymm13\n\t"	     \
			"vpaddd %%ymm13, %%ymm" #n ", %%ymm" #n "\n\t"
#define LOOP(X)								     \
	__asm__ volatile("1:\n\t" EACH(X) "dec %0\n\tjnz 1b\n\tvzeroupper"   \
		: "+r"(n) : : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",	     \
		"xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",	     \
		"xmm11", "xmm12", "xmm13", "xmm14", "xmm15")

static void multiply_avx512(unsigned long n)
{
	LOOP(ZMM);
}

static void multiply_avxvnni(unsigned long n)
{
	LOOP(YMM);
}

static void multiply_avx2(unsigned long n)
{
	LOOP(WIDE);
}

static bool runs_avxvnni(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid_count(7, 1, &a, &b, &c, &d) && a >> 4 & 1;
}

static bool runs_avx512(void)
{
	return __builtin_cpu_supports("avx512vnni");
}

static bool runs_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

/* The widest first. */
static const struct kind {
	struct peak_loop loop;
	bool (*runs)(void);
} kinds[] = {
	{ { "avx512", "vpdpbusd zmm", multiply_avx512, UNROLLED * 64 },
	  runs_avx512 },
	{ { "avxvnni", "vpdpbusd ymm", multiply_avxvnni, UNROLLED * 32 },
	  runs_avxvnni },
	{ { "avx2", "vpmaddwd ymm", multiply_avx2, UNROLLED * 16 }, runs_avx2 },
};

const struct peak_loop *peak_loop_of(const char *isa)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].runs() && (!isa || !strcmp(isa, kinds[i].loop.isa)))
			return &kinds[i].loop;
	return NULL;
}

#else

const struct peak_loop *peak_loop_of(const char *isa)
{
	return NULL;
}

#endif

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct worker {
	const struct peak_loop *loop;
	double best;
	pthread_t thread;
};

/* The best of a few short rounds: what disturbs one does not count. */
static void *measure(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		double begun = now(), rate;

		w->loop->multiply(STEPS);
		rate = (double)STEPS * w->loop->macs / (now() - begun);
		w->best = rate > w->best ? rate : w->best;
	}
	return NULL;
}

double peak_macs(const struct peak_loop *loop, int threads)
{
	struct worker w[MAX_THREADS] = { { loop } };
	double sum;
	int n = 1;

	if (!loop)
		return 0;
	for (; n < threads && n < MAX_THREADS; n++) {
		w[n].loop = loop;
		if (pthread_create(&w[n].thread, NULL, measure, &w[n]))
			break;
	}
	measure(&w[0]);
	sum = w[0].best;
	while (--n) {
		pthread_join(w[n].thread, NULL);
		sum += w[n].best;
	}
	return sum;
}
