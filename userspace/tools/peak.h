/* SPDX-License-Identifier: MIT */
/*
 * peak.h - what this processor multiplies at most
 */
#ifndef FXQ_TOOLS_PEAK_H
#define FXQ_TOOLS_PEAK_H

/*
 * struct peak_loop - that does nothing but multiply int8 and add
 * @isa: the instruction set, as FXQ_ISA spells it; @name: what multiplies
 * @multiply: @steps steps of @macs multiplications each
 */
struct peak_loop {
	const char *isa, *name;
	void (*multiply)(unsigned long steps);
	unsigned int macs;
};

/*
 * The loop of @isa, or with NULL the widest. NULL if there is none that this
 * processor runs.
 */
const struct peak_loop *peak_loop_of(const char *isa);
/*
 * Multiplications per second of @threads together, measured for a moment; 0
 * without a loop.
 */
double peak_macs(const struct peak_loop *loop, int threads);

#endif /* FXQ_TOOLS_PEAK_H */
