/* SPDX-License-Identifier: MIT */
/*
 * peak.h - what this processor multiplies at most
 */
#ifndef FXQ_TOOLS_PEAK_H
#define FXQ_TOOLS_PEAK_H

/*
 * int8 multiplications per second of @threads together, measured for a moment;
 * 0 where there is no loop for the processor. *@ret_name is what multiplied.
 */
double peak_macs(int threads, const char **ret_name);

#endif /* FXQ_TOOLS_PEAK_H */
