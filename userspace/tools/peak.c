// SPDX-License-Identifier: MIT
/*
 * peak.c - what this processor multiplies at most
 *
 * A loop that does nothing but multiply and add in registers, with the widest
 * instruction there is. No network can be faster; how near one comes is the
 * figure that a noisy computer disturbs least, if both are measured together.
 */
#include <pthread.h>
#include <time.h>

#include "peak.h"

#define MAX_THREADS	64
#define UNROLLED	12
#define ROUNDS		5

#if defined(__x86_64__)

#include <cpuid.h>

#define STEPS		40000	/* some 0.2 ms */
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

static int has_avxvnni(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid_count(7, 1, &a, &b, &c, &d) && a >> 4 & 1;
}

struct loop {
	const char *name;
	void (*multiply)(unsigned long n);
	int macs;		/* of an instruction */
};

static struct loop widest(void)
{
	if (__builtin_cpu_supports("avx512vnni"))
		return (struct loop){ "vpdpbusd zmm", multiply_avx512, 64 };
	if (has_avxvnni())
		return (struct loop){ "vpdpbusd ymm", multiply_avxvnni, 32 };
	if (__builtin_cpu_supports("avx2"))
		return (struct loop){ "vpmaddwd ymm", multiply_avx2, 16 };
	return (struct loop){ "none" };
}

#else

#define STEPS		1

struct loop {
	const char *name;
	void (*multiply)(unsigned long n);
	int macs;
};

static struct loop widest(void)
{
	return (struct loop){ "none" };
}

#endif

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The best of a few short rounds: what disturbs one does not count. */
static void *measure(void *arg)
{
	struct loop loop = widest();
	double *best = arg;

	for (int i = 0; i < ROUNDS; i++) {
		double begun = now(), rate;

		loop.multiply(STEPS);
		rate = (double)STEPS * UNROLLED * loop.macs / (now() - begun);
		*best = rate > *best ? rate : *best;
	}
	return NULL;
}

double peak_macs(int threads, const char **ret_name)
{
	struct loop loop = widest();
	double best[MAX_THREADS] = { 0 }, sum = 0;
	pthread_t thread[MAX_THREADS];
	int n = 1;

	*ret_name = loop.name;
	if (!loop.multiply)
		return 0;
	while (n < threads && n < MAX_THREADS &&
	       !pthread_create(&thread[n], NULL, measure, &best[n]))
		n++;
	measure(&best[0]);
	for (int i = 0; i < n; i++) {
		if (i)
			pthread_join(thread[i], NULL);
		sum += best[i];
	}
	return sum;
}
