/* SPDX-License-Identifier: MIT */
/*
 * window.h - which taps of a kernel lie inside the input
 */
#ifndef FXQ_EXEC_WINDOW_H
#define FXQ_EXEC_WINDOW_H

#include <stdint.h>

/*
 * Of @taps taps, @step apart, the first at @at: those in [0, size) are
 * [*first, *last), which may be empty.
 */
static inline void taps_inside(int64_t at, uint32_t step, uint32_t taps,
			       uint32_t size, uint32_t *first, uint32_t *last)
{
	uint32_t i = 0;

	while (i < taps && at + (int64_t)i * step < 0)
		i++;
	*first = i;
	while (i < taps && at + (int64_t)i * step < size)
		i++;
	*last = i;
}

#endif /* FXQ_EXEC_WINDOW_H */
