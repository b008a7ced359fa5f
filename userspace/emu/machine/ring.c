// SPDX-License-Identifier: MIT
/*
 * ring.c - the rings between driver and machine
 *
 * Entries are copied out as soon as they are seen, also while a job runs, so
 * whatever is not a job is acted upon at once, ahead of the jobs that stand
 * before it. Each entry yields exactly one record. What the driver can write
 * is read once and believed in nothing: counters are the machine's own, and
 * no more than a ring's worth of entries is ever outstanding.
 */
#include <string.h>
#include <time.h>

#include "machine_priv.h"

#define NAP_NS	20000

static uint64_t reg64(const struct fxq_machine *m, uint32_t low)
{
	return m->reg[low / 4] | (uint64_t)m->reg[low / 4 + 1] << 32;
}

/* The bus memory that a base register names; 64-aligned or refused. */
static void *ring_memory(struct fxq_machine *m, uint64_t base, uint64_t len,
			 bool write)
{
	if (base % 64)
		return NULL;
	return m->host.bus(m->host.priv, base, len, write);
}

/* Rings start empty: nothing of an earlier life shows. */
static void ring_begin(struct fxq_machine *m)
{
	m->taken = 0;
	m->answered = 0;
	m->completed = 0;
	m->progress = 0;
	__atomic_store_n(&m->shared->running, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&m->shared->progress, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&m->shared->sleeping, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&m->shared->taken, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&m->shared->completed, 0, __ATOMIC_RELEASE);
}

bool machine_ring_find(struct fxq_machine *m)
{
	const struct machine_bases *b = &m->base;

	m->submit = ring_memory(m, b->submit, m->depth * sizeof(*m->submit),
				false);
	m->complete = ring_memory(m, b->complete,
				  m->depth * sizeof(*m->complete), true);
	m->contexts = ring_memory(m, b->contexts,
				  FXQ_CONTEXTS_MAX * sizeof(*m->contexts),
				  false);
	m->shared = ring_memory(m, b->shared, sizeof(*m->shared), true);
	return m->submit && m->complete && m->contexts && m->shared;
}

bool machine_ring_setup(struct fxq_machine *m)
{
	uint32_t depth;

	pthread_mutex_lock(&m->lock);
	depth = m->reg[FXQ_REG_DEPTH / 4];
	m->base.submit = reg64(m, FXQ_REG_SUBMIT_LO);
	m->base.complete = reg64(m, FXQ_REG_COMPLETE_LO);
	m->base.contexts = reg64(m, FXQ_REG_CONTEXT_LO);
	m->base.shared = reg64(m, FXQ_REG_SHARED_LO);
	pthread_mutex_unlock(&m->lock);

	if (!depth || depth > FXQ_DEPTH_MAX || depth & (depth - 1))
		return false;
	m->depth = depth;
	if (!machine_ring_find(m))
		return false;
	ring_begin(m);
	return true;
}

void machine_ring_drop(struct fxq_machine *m)
{
	m->queued = 0;
	m->stopped = 0;
	m->stop_pending = false;
	machine_forget(m);
}

/*
 * Writes the record of @e. The phase goes last: its store pairs with the
 * driver's load of the phase. @armed is looked at after @completed is written,
 * and the driver looks at the ring after writing @armed; both sides in one
 * total order, so either the machine interrupts or the driver sees the record.
 */
static void write_record(struct fxq_machine *m, const struct fxq_submit *e,
			 const struct machine_outcome *o, uint64_t first,
			 uint64_t cycles)
{
	struct fxq_complete *c = &m->complete[m->completed & (m->depth - 1)];
	uint32_t phase = !(m->completed / m->depth & 1);

	c->run = e->run;
	c->context = e->context;
	c->kind = e->kind;
	c->cause = o->cause;
	c->index = o->index;
	c->tag = o->tag;
	c->address = o->address;
	c->first = first;
	c->last = first + cycles;
	c->cycles = cycles;
	c->reserved = 0;
	__atomic_store_n(&c->phase, phase, __ATOMIC_SEQ_CST);
	m->completed++;
	__atomic_store_n(&m->shared->completed, m->completed, __ATOMIC_SEQ_CST);
	if (o->cause > FXQ_CAUSE_STOPPED)
		m->host.irq(m->host.priv, FXQ_VECTOR_FAULT);
	if (__atomic_load_n(&m->shared->armed, __ATOMIC_SEQ_CST) ==
	    m->completed)
		m->host.irq(m->host.priv, FXQ_VECTOR_COMPLETE);
}

/* A record of something that took no time. */
static void answer(struct fxq_machine *m, const struct fxq_submit *e,
		   uint32_t cause)
{
	struct machine_outcome o = { .cause = cause };

	m->answered++;
	write_record(m, e, &o, m->clock, 0);
}

/* As if the record had been written and the write had not arrived. */
static void lose_record(struct fxq_machine *m)
{
	m->completed++;
	__atomic_store_n(&m->shared->completed, m->completed, __ATOMIC_SEQ_CST);
}

/* The answer to an INVALIDATE or a STOP, which is answered once obeyed. */
static void answer_admin(struct fxq_machine *m, const struct fxq_submit *e,
			 enum fxq_fault_point point)
{
	struct fxq_fault f = machine_fault(m, point);

	if (f.kind == FXQ_FAULT_LATE &&
	    !machine_pause(m, f.ms, MACHINE_PAUSE_DEAF))
		return;
	if (f.kind != FXQ_FAULT_LOST) {
		answer(m, e, f.kind == FXQ_FAULT_REFUSED ? FXQ_CAUSE_ENTRY :
							   FXQ_CAUSE_NONE);
		return;
	}
	m->answered++;
	lose_record(m);
}

/* The answer to a job that ran, with whatever @f does to its record. */
static void answer_job(struct fxq_machine *m, uint64_t first, uint64_t cycles,
		       enum fxq_fault_kind f)
{
	struct fxq_submit e = m->run.entry;

	m->answered++;
	if (f == FXQ_FAULT_LOST) {
		lose_record(m);
		return;
	}
	if (f == FXQ_FAULT_WRONG_RUN)
		e.run = ~e.run;
	if (f == FXQ_FAULT_WRONG_CONTEXT)
		e.context = (e.context + 1) % FXQ_CONTEXTS_MAX;
	write_record(m, &e, &m->run.outcome, first, cycles);
	if (f == FXQ_FAULT_TWICE)
		write_record(m, &e, &m->run.outcome, first, cycles);
}

static bool is_stopped(const struct fxq_machine *m, uint32_t context)
{
	return m->stopped >> context & 1;
}

/*
 * Ends the queue of a context. If it runs, the run ends at the next descriptor
 * and the queue after it, so that records come in the order of entries. What it
 * left in the scratchpad goes too, so that the next to be given the context
 * finds nothing of it.
 */
static void stop_context(struct fxq_machine *m, uint32_t context)
{
	uint32_t i, kept = 0;

	m->stopped |= 1ull << context;
	if (m->run.active && m->run.entry.context == context) {
		m->run.stop = true;
		return;
	}
	if (m->spm_context == context)
		m->spm_context = MACHINE_NO_CONTEXT;
	for (i = 0; i < m->queued; i++) {
		if (m->queue[i].context == context)
			answer(m, &m->queue[i], FXQ_CAUSE_STOPPED);
		else
			m->queue[kept++] = m->queue[i];
	}
	m->queued = kept;
}

static void take_job(struct fxq_machine *m, const struct fxq_submit *e)
{
	if (is_stopped(m, e->context))
		answer(m, e, FXQ_CAUSE_STOPPED);
	else
		m->queue[m->queued++] = *e;
}

static void take_invalidate(struct fxq_machine *m, const struct fxq_submit *e)
{
	machine_invalidate(m, e->context, e->first, e->last);
	answer_admin(m, e, FXQ_POINT_INVALIDATE);
}

/* STOP is answered after every job that it ends. */
static void take_stop(struct fxq_machine *m, const struct fxq_submit *e)
{
	stop_context(m, e->context);
	m->stop_pending = m->run.stop;
	if (m->stop_pending)
		m->stop_entry = *e;
	else
		answer_admin(m, e, FXQ_POINT_STOP);
}

static void take_rearm(struct fxq_machine *m, const struct fxq_submit *e)
{
	m->stopped &= ~(1ull << e->context);
	answer(m, e, FXQ_CAUSE_NONE);
}

/* Fields that the kind does not use are zero; a range is not backwards. */
static bool entry_is_clean(const struct fxq_submit *e)
{
	bool job = e->kind == FXQ_SUBMIT_JOB;
	bool range = e->kind == FXQ_SUBMIT_INVALIDATE;

	if (e->reserved || e->n_bindings > FXQ_MAX_REGIONS)
		return false;
	if (!job && (e->stream || e->count || e->n_bindings))
		return false;
	if (!e->n_bindings && e->bindings)
		return false;
	if (!range && (e->first || e->last))
		return false;
	return e->first <= e->last;
}

static uint32_t entry_cause(const struct fxq_submit *e)
{
	if (e->kind == FXQ_SUBMIT_INVALID || e->kind > FXQ_SUBMIT_REARM)
		return FXQ_CAUSE_ENTRY;
	if (!entry_is_clean(e))
		return FXQ_CAUSE_ENTRY;
	return e->context < FXQ_CONTEXTS_MAX ? FXQ_CAUSE_NONE :
	       FXQ_CAUSE_CONTEXT;
}

static void take_entry(struct fxq_machine *m, const struct fxq_submit *e)
{
	static void (*const take[])(struct fxq_machine *m,
				    const struct fxq_submit *e) = {
		[FXQ_SUBMIT_JOB] = take_job,
		[FXQ_SUBMIT_INVALIDATE] = take_invalidate,
		[FXQ_SUBMIT_STOP] = take_stop,
		[FXQ_SUBMIT_REARM] = take_rearm,
	};
	uint32_t cause = entry_cause(e);

	if (!cause) {
		take[e->kind](m, e);
		return;
	}
	answer(m, e, cause);
	if (e->context < FXQ_CONTEXTS_MAX)
		stop_context(m, e->context);
}

/*
 * After a STOP of the running context nothing more is taken until the run has
 * ended, so that a REARM behind it means what it says. The load of @produced
 * pairs with the driver's store, which follows the entry.
 */
void machine_take(struct fxq_machine *m)
{
	uint32_t produced = __atomic_load_n(&m->shared->produced,
					    __ATOMIC_ACQUIRE);

	while (m->taken != produced && !m->run.stop &&
	       m->taken - m->answered < m->depth && m->enabled) {
		struct fxq_submit e = m->submit[m->taken & (m->depth - 1)];

		m->taken++;
		__atomic_store_n(&m->shared->taken, m->taken, __ATOMIC_RELEASE);
		take_entry(m, &e);
	}
}

bool machine_next_job(struct fxq_machine *m, struct fxq_submit *entry)
{
	if (!m->queued)
		return false;
	*entry = m->queue[0];
	m->queued--;
	memmove(m->queue, m->queue + 1, m->queued * sizeof(m->queue[0]));
	return true;
}

/*
 * Naps before it sleeps, and looks for another entry after each, which spares
 * the driver a doorbell: to a guest that is an exit from its processor. True:
 * there is one, or a request.
 */
bool machine_linger(const struct fxq_machine *m)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };

	for (uint32_t i = 0; m->enabled && i < m->naps; i++) {
		nanosleep(&nap, NULL);
		if (__atomic_load_n(&m->request, __ATOMIC_ACQUIRE) ||
		    __atomic_load_n(&m->shared->produced, __ATOMIC_ACQUIRE) !=
		    m->taken)
			return true;
	}
	return false;
}

/*
 * @sleeping is written before @produced is looked at once more; the driver
 * writes @produced before it looks at @sleeping. All four are in one total
 * order, so either the machine sees the entry or the driver rings.
 */
bool machine_doze(struct fxq_machine *m)
{
	if (!m->enabled)
		return true;
	__atomic_store_n(&m->shared->sleeping, 1, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&m->shared->produced, __ATOMIC_SEQ_CST) ==
	       m->taken;
}

void machine_awake(struct fxq_machine *m)
{
	if (m->enabled)
		__atomic_store_n(&m->shared->sleeping, 0, __ATOMIC_SEQ_CST);
}

void machine_sleep(struct fxq_machine *m)
{
	bool idle = machine_doze(m);

	machine_leave(m);
	pthread_mutex_lock(&m->lock);
	m->resting = idle;
	while (m->lent || (idle && !m->bell && !m->request))
		pthread_cond_wait(&m->wake, &m->lock);
	m->resting = false;
	m->bell = false;
	pthread_mutex_unlock(&m->lock);
	machine_enter(m);
	machine_awake(m);
}

void machine_finish(struct fxq_machine *m, uint64_t first, uint64_t cycles)
{
	struct machine_run *r = &m->run;
	struct fxq_fault f = machine_fault(m, FXQ_POINT_RECORD);

	if (f.kind == FXQ_FAULT_LATE &&
	    !machine_pause(m, f.ms, MACHINE_PAUSE_TAKING))
		return;
	r->active = false;
	r->stop = false;
	answer_job(m, first, cycles, f.kind);
	if (r->outcome.cause != FXQ_CAUSE_NONE || is_stopped(m, r->entry.context))
		stop_context(m, r->entry.context);
	if (m->stop_pending) {
		m->stop_pending = false;
		answer_admin(m, &m->stop_entry, FXQ_POINT_STOP);
	}
}
