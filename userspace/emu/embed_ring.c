// SPDX-License-Identifier: MIT
/*
 * embed_ring.c - submitting and collecting
 *
 * A credit is an entry of the ring. Jobs may have all but one, which is kept
 * for INVALIDATE, STOP and REARM, so that a full ring can always be stopped;
 * those are one at a time. A job's credit returns when its event is polled.
 * Neither way reads a register, and the doorbell is rung only when the machine
 * says that it sleeps. Who has a single run made and waits for it does not ring:
 * he lends the machine his thread.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "embed_priv.h"

#define SLOT_BITS	8	/* a run's number is a count, then its slot */

void embed_irq(void *priv, int vector)
{
	struct fxq_embed *e = priv;

	pthread_mutex_lock(&e->lock);
	pthread_cond_broadcast(&e->wake);
	pthread_mutex_unlock(&e->lock);
}

static void ring_doorbell(struct fxq_embed *e)
{
	if (e->unrung)
		embed_reg_write(e, FXQ_REG_DOORBELL, 1);
	e->unrung = false;
}

/*
 * Hands over an entry, with e->lock held and a credit at hand. @produced is
 * written before @sleeping is looked at; see machine_doze() for the other
 * side.
 */
static void produce(struct fxq_embed *e, const struct fxq_submit *entry,
		    bool ring)
{
	e->submit[e->produced & (e->depth - 1)] = *entry;
	e->produced++;
	__atomic_store_n(&e->shared->produced, e->produced, __ATOMIC_SEQ_CST);
	e->unrung = __atomic_load_n(&e->shared->sleeping, __ATOMIC_SEQ_CST);
	if (ring)
		ring_doorbell(e);
}

/* Is the next record there? Pairs with the machine's store of the phase. */
static bool record_ready(const struct fxq_embed *e)
{
	const struct fxq_complete *c =
		&e->complete[e->consumed & (e->depth - 1)];
	uint32_t phase = __atomic_load_n(&c->phase, __ATOMIC_SEQ_CST);

	return (phase & 1) == !(e->consumed / e->depth & 1);
}

static void take_record(struct fxq_embed *e)
{
	struct fxq_complete c = e->complete[e->consumed & (e->depth - 1)];
	uint32_t at = (e->first_event + e->events) % FXQ_DEPTH_MAX;

	e->consumed++;
	if (c.kind != FXQ_SUBMIT_JOB) {
		e->admin_done = true;
		e->admin_cause = c.cause;
		return;
	}
	e->slot_busy[c.run & ((1u << SLOT_BITS) - 1)] = false;
	e->event[at] = (struct fxq_embed_event){
		.run = c.run,
		.ctx = c.context,
		.cause = c.cause,
		.index = c.index,
		.tag = c.tag,
		.address = c.address,
		.cycles = c.cycles,
	};
	e->events++;
}

/* Whoever takes a record wakes those who may be waiting for it. */
static void reap(struct fxq_embed *e)
{
	bool any = false;

	while (record_ready(e)) {
		take_record(e);
		any = true;
	}
	if (any)
		pthread_cond_broadcast(&e->wake);
}

/*
 * Asks for an interrupt at the next record and waits for it, with e->lock
 * held. @armed is written before the ring is looked at once more; the machine
 * writes the record before it looks at @armed. Returns -ETIMEDOUT when
 * @deadline (NULL: none) has passed.
 */
static int wait_record(struct fxq_embed *e, const struct timespec *deadline)
{
	__atomic_store_n(&e->shared->armed, e->consumed + 1, __ATOMIC_SEQ_CST);
	if (record_ready(e))
		return 0;
	if (!deadline)
		return -pthread_cond_wait(&e->wake, &e->lock);
	return -pthread_cond_timedwait(&e->wake, &e->lock, deadline);
}

int embed_admin(struct fxq_embed *e, const struct fxq_submit *entry)
{
	int ret;

	pthread_mutex_lock(&e->lock);
	e->admin_done = false;
	produce(e, entry, true);
	reap(e);
	while (!e->admin_done) {
		wait_record(e, NULL);
		reap(e);
	}
	ret = e->admin_cause == FXQ_CAUSE_NONE ? 0 : -EIO;
	pthread_mutex_unlock(&e->lock);
	return ret;
}

static uint32_t free_slot(const struct fxq_embed *e)
{
	uint32_t slot = 0;

	while (e->slot_busy[slot])
		slot++;
	return slot;
}

/* Writes the binding table of @slot; returns its device address, 0: empty. */
static uint64_t bind(struct embed_ctx *c, uint32_t slot,
		     const struct fxq_embed_region *regions, uint32_t n)
{
	uint64_t at = slot * EMBED_BIND_BYTES;
	struct fxq_binding *b = (struct fxq_binding *)(c->bind + at);
	uint32_t i;

	for (i = 0; i < n; i++)
		b[i] = (struct fxq_binding){
			.addr = regions[i].va,
			.size = regions[i].size,
			.flags = regions[i].writable ? FXQ_BINDING_WRITABLE : 0,
		};
	return n ? c->bind_va + at : 0;
}

/* With e->lock held. */
static int submit(struct fxq_embed *e, uint32_t ctx, struct fxq_submit *entry,
		  const struct fxq_embed_region *regions, bool ring)
{
	struct embed_ctx *c = &e->ctx[ctx];
	uint32_t slot;

	if (!c->live)
		return -EINVAL;
	if (e->in_flight == e->depth - 1)
		return -EBUSY;
	slot = free_slot(e);
	entry->run = e->next_run++ << SLOT_BITS | slot;
	entry->bindings = bind(c, slot, regions, entry->n_bindings);
	e->slot_busy[slot] = true;
	e->in_flight++;
	produce(e, entry, ring);
	return 0;
}

static int submit_job(struct fxq_embed *e, uint32_t ctx, uint64_t stream_va,
		      uint32_t count, const struct fxq_embed_region *regions,
		      uint32_t n_regions, bool ring, uint64_t *ret_run)
{
	struct fxq_submit entry = {
		.kind = FXQ_SUBMIT_JOB,
		.context = ctx,
		.stream = stream_va,
		.count = count,
		.n_bindings = n_regions,
	};
	int ret;

	if (!ctx || ctx >= FXQ_CONTEXTS_MAX || n_regions > FXQ_MAX_REGIONS)
		return -EINVAL;
	pthread_mutex_lock(&e->lock);
	reap(e);
	ret = submit(e, ctx, &entry, regions, ring);
	pthread_mutex_unlock(&e->lock);
	if (!ret)
		*ret_run = entry.run;
	return ret;
}

int fxq_embed_submit(struct fxq_embed *e, uint32_t ctx, uint64_t stream_va,
		     uint32_t count, const struct fxq_embed_region *regions,
		     uint32_t n_regions, uint64_t *ret_run)
{
	return submit_job(e, ctx, stream_va, count, regions, n_regions, true,
			  ret_run);
}

int fxq_embed_submit_lone(struct fxq_embed *e, uint32_t ctx,
			  uint64_t stream_va, uint32_t count,
			  const struct fxq_embed_region *regions,
			  uint32_t n_regions, uint64_t *ret_run)
{
	return submit_job(e, ctx, stream_va, count, regions, n_regions, false,
			  ret_run);
}

/* When @timeout_ns from now is; NULL: never. */
static const struct timespec *deadline_of(uint64_t timeout_ns,
					  struct timespec *t)
{
	const uint64_t second = 1000000000;

	clock_gettime(CLOCK_MONOTONIC, t);
	if (timeout_ns / second > INT32_MAX)
		return NULL;
	t->tv_sec += timeout_ns / second;
	t->tv_nsec += timeout_ns % second;
	if (t->tv_nsec >= (long)second) {
		t->tv_sec++;
		t->tv_nsec -= second;
	}
	return t;
}

static int take_events(struct fxq_embed *e, struct fxq_embed_event *events,
		       int max)
{
	int n = 0;

	while (n < max && e->events) {
		events[n++] = e->event[e->first_event];
		e->first_event = (e->first_event + 1) % FXQ_DEPTH_MAX;
		e->events--;
		e->in_flight--;
	}
	return n;
}

/* With e->lock held, which is released meanwhile. */
static void lend_thread(struct fxq_embed *e)
{
	e->unrung = false;
	pthread_mutex_unlock(&e->lock);
	fxq_machine_lend(e->machine);
	pthread_mutex_lock(&e->lock);
	reap(e);
}

int fxq_embed_poll(struct fxq_embed *e, struct fxq_embed_event *events,
		   int max, uint64_t timeout_ns)
{
	const struct timespec *deadline = NULL;
	struct timespec t;
	int n;

	if (timeout_ns)
		deadline = deadline_of(timeout_ns, &t);
	pthread_mutex_lock(&e->lock);
	reap(e);
	if (e->unrung && max > 0 && !e->events && timeout_ns && !deadline)
		lend_thread(e);
	ring_doorbell(e);
	while (max > 0 && !e->events && timeout_ns) {
		int ret = wait_record(e, deadline);

		reap(e);
		if (ret == -ETIMEDOUT)
			break;
	}
	n = take_events(e, events, max);
	pthread_mutex_unlock(&e->lock);
	return n;
}

static int ask(struct fxq_embed *e, uint32_t ctx, uint32_t kind)
{
	const struct fxq_submit entry = { .kind = kind, .context = ctx };
	int ret = -EINVAL;

	if (!ctx || ctx >= FXQ_CONTEXTS_MAX)
		return -EINVAL;
	pthread_mutex_lock(&e->admin);
	if (e->ctx[ctx].live)
		ret = embed_admin(e, &entry);
	pthread_mutex_unlock(&e->admin);
	return ret;
}

/* All runs of the context have their events when this returns. */
int fxq_embed_stop(struct fxq_embed *e, uint32_t ctx)
{
	return ask(e, ctx, FXQ_SUBMIT_STOP);
}

int fxq_embed_rearm(struct fxq_embed *e, uint32_t ctx)
{
	return ask(e, ctx, FXQ_SUBMIT_REARM);
}
