// SPDX-License-Identifier: MIT
/*
 * schedule.c - the learning rate over time, in torch's formulas
 */
#include <math.h>

#include <fxq/train.h>

/* From @from to @to along half a wave of the cosine; @at is in 0..1. */
static double wave(double from, double to, double at)
{
	return to + (from - to) / 2 * (1 + cos(M_PI * at));
}

/* As OneCycleLR: up to step top, then down to the last step. */
static double one_cycle(const struct fx_schedule *s, double step)
{
	double first = s->first ? s->first : 1.0 / 25;
	double last = s->last ? s->last : 1.0 / 250000;
	double top = (s->warmup ? s->warmup : 0.3) * s->steps - 1;
	double end = (double)s->steps - 1;

	if (step < top)
		return wave(first, 1, step / top);
	return end > top ? wave(1, last, (step - top) / (end - top)) : 1;
}

double fx_schedule_at(const struct fx_schedule *s, uint64_t step)
{
	double warmup = s->warmup * s->steps, at = step;

	if (s->steps && at >= s->steps)
		at = s->steps - 1;
	if (s->kind == FX_ONE_CYCLE)
		return one_cycle(s, at);
	if (at < warmup)
		return (at + 1) / warmup < 1 ? (at + 1) / warmup : 1;
	if (s->kind == FX_CONSTANT)
		return 1;
	return wave(1, s->last, (at - warmup) / (s->steps - warmup));
}
