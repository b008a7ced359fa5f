// SPDX-License-Identifier: MIT
/*
 * bus.c - when the machine may touch memory
 *
 * Memory behind the bus may be taken away: a guest unplugs it, or its process
 * ends. So the machine's thread touches it only between entering and leaving,
 * leaves wherever it works or waits without memory, and leaves and enters
 * again after each piece of work that has a bound. A host that takes memory
 * back waits for one such piece, never for a run. What the machine keeps of
 * memory, translations and rings, is looked up anew when some went.
 */
#include "machine_priv.h"

void machine_enter(struct fxq_machine *m)
{
	if (!m->host.enter || !m->host.enter(m->host.priv))
		return;
	machine_forget(m);
	if (m->enabled && !machine_ring_find(m))
		machine_lose_rings(m);
}

void machine_leave(struct fxq_machine *m)
{
	if (m->host.leave)
		m->host.leave(m->host.priv);
}

void machine_yield(struct fxq_machine *m)
{
	machine_leave(m);
	machine_enter(m);
}
