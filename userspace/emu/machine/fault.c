// SPDX-License-Identifier: MIT
/*
 * fault.c - what goes wrong when a host wants it to
 *
 * A host may ask for faults at a few points of a run, so that drivers and
 * tests meet them at will. Nothing here happens by itself: without the
 * callback each point is a test of a pointer.
 */
#include <time.h>

#include "machine_priv.h"

#define NAP_NS	1000000

struct fxq_fault machine_fault(struct fxq_machine *m, enum fxq_fault_point at)
{
	const struct fxq_fault none = { FXQ_FAULT_NONE };

	return m->host.fault ? m->host.fault(m->host.priv, at) : none;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

static void nap(struct fxq_machine *m)
{
	const struct timespec t = { .tv_nsec = NAP_NS };

	machine_leave(m);
	nanosleep(&t, NULL);
	machine_enter(m);
}

/* What was asked through CONTROL, and the loss of the rings, end any pause. */
bool machine_pause(struct fxq_machine *m, uint32_t ms, enum machine_pause how)
{
	const uint64_t end = now_ms() + ms;

	while (ms == MACHINE_FOREVER || now_ms() < end) {
		if (!m->enabled || machine_request(m))
			return false;
		if (how != MACHINE_PAUSE_DEAF)
			machine_take(m);
		if (how == MACHINE_PAUSE_STOPPABLE && m->run.stop)
			return true;
		nap(m);
	}
	return m->enabled && !machine_request(m);
}

void machine_fault_run(struct fxq_machine *m, uint32_t i)
{
	const struct fxq_fault *f = &m->run.fault;
	bool half = i == m->run.entry.count / 2;

	if (f->kind == FXQ_FAULT_SLOW)
		machine_pause(m, f->ms, MACHINE_PAUSE_STOPPABLE);
	else if (f->kind == FXQ_FAULT_HANG && half)
		machine_pause(m, MACHINE_FOREVER, MACHINE_PAUSE_STOPPABLE);
	else if (f->kind == FXQ_FAULT_STUCK && half)
		machine_pause(m, MACHINE_FOREVER, MACHINE_PAUSE_DEAF);
}
