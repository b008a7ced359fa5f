// SPDX-License-Identifier: MIT
/*
 * embed.c - opening and closing an embedded machine
 *
 * Makes a machine, gives it rings and a context table in memory of its own,
 * and enables it. From there on embed_ring.c talks to it through that memory
 * and embed_mmu.c through page tables.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed_priv.h"

#define RING_ALIGN	64

uint32_t embed_reg_read(struct fxq_embed *e, uint32_t reg)
{
	__atomic_fetch_add(&e->accesses, 1, __ATOMIC_RELAXED);
	return fxq_machine_read(e->machine, reg);
}

void embed_reg_write(struct fxq_embed *e, uint32_t reg, uint32_t value)
{
	__atomic_fetch_add(&e->accesses, 1, __ATOMIC_RELAXED);
	fxq_machine_write(e->machine, reg, value);
}

static void report(void *priv, const char *text)
{
	struct fxq_embed *e = priv;

	if (e->report)
		e->report(e->host_priv, text);
	else
		fprintf(stderr, "fxq: %s\n", text);
}

static void profile(void *priv, const struct fxq_desc *stream,
		    uint64_t began, const uint64_t *ns, uint32_t n)
{
	struct fxq_embed *e = priv;

	e->profile(e->host_priv, stream, began, ns, n);
}

static void write_base(struct fxq_embed *e, uint32_t low, const void *p,
		       uint64_t bus)
{
	uint64_t addr = bus + ((const uint8_t *)p - e->memory);

	embed_reg_write(e, low, (uint32_t)addr);
	embed_reg_write(e, low + 4, addr >> 32);
}

/* One block: the shared page's words, both rings, the context table. */
static int allocate_rings(struct fxq_embed *e, uint64_t *bus)
{
	uint64_t submit = sizeof(*e->shared);
	uint64_t complete = submit + e->depth * sizeof(*e->submit);
	uint64_t contexts = complete + e->depth * sizeof(*e->complete);
	uint64_t end = contexts + FXQ_CONTEXTS_MAX * sizeof(*e->contexts);
	struct embed_range r = { .writable = true };
	int ret;

	e->memory_bytes = (end + EMBED_PAGE_MASK) & ~EMBED_PAGE_MASK;
	e->memory = aligned_alloc(FXQ_PAGE_BYTES, e->memory_bytes);
	if (!e->memory)
		return -ENOMEM;
	memset(e->memory, 0, e->memory_bytes);
	e->shared = (struct fxq_shared *)e->memory;
	e->submit = (struct fxq_submit *)(e->memory + submit);
	e->complete = (struct fxq_complete *)(e->memory + complete);
	e->contexts = (struct fxq_context_entry *)(e->memory + contexts);
	r.mem = e->memory;
	r.size = e->memory_bytes;
	ret = embed_bus_add(e, &r);
	*bus = r.base;
	return ret;
}

/* The machine acts on ENABLE in its own time; BUSY says when it has. */
static int enable(struct fxq_embed *e, uint64_t bus)
{
	uint32_t status;

	embed_reg_write(e, FXQ_REG_DEPTH, e->depth);
	write_base(e, FXQ_REG_SUBMIT_LO, e->submit, bus);
	write_base(e, FXQ_REG_COMPLETE_LO, e->complete, bus);
	write_base(e, FXQ_REG_CONTEXT_LO, e->contexts, bus);
	write_base(e, FXQ_REG_SHARED_LO, e->shared, bus);
	embed_reg_write(e, FXQ_REG_CONTROL, FXQ_CONTROL_ENABLE);
	for (;;) {
		status = embed_reg_read(e, FXQ_REG_STATUS);
		if (!(status & FXQ_STATUS_BUSY))
			break;
		sched_yield();
	}
	return status & FXQ_STATUS_ENABLED ? 0 : -EIO;
}

static void init_locks(struct fxq_embed *e)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&e->admin, NULL);
	pthread_mutex_init(&e->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&e->wake, &attr);
	pthread_condattr_destroy(&attr);
}

static int start(struct fxq_embed *e, const struct fxq_embed_config *config)
{
	const struct fxq_machine_config machine = {
		.threads = config->threads,
		.debug = config->debug,
	};
	const struct fxq_machine_host host = {
		.bus = embed_bus,
		.irq = embed_irq,
		.report = report,
		.profile = config->profile ? profile : NULL,
		.priv = e,
	};
	uint64_t bus;
	int ret;

	ret = allocate_rings(e, &bus);
	if (ret)
		return ret;
	ret = fxq_machine_create(&machine, &host, &e->machine);
	if (ret)
		return ret;
	return enable(e, bus);
}

static bool depth_is_valid(uint32_t depth)
{
	return depth >= 2 && depth <= FXQ_DEPTH_MAX && !(depth & (depth - 1));
}

const char *fxq_embed_isa(char *why, size_t size)
{
	return fxq_machine_isa(why, size);
}

/*
 * @config may be NULL. Returns 0, -EINVAL for a depth that is no power of two
 * from 2 to FXQ_DEPTH_MAX or a negative number of threads, -ENOTSUP where
 * fxq_embed_isa() returns NULL, -ENOMEM, -EIO.
 */
int fxq_embed_open(const struct fxq_embed_config *config,
		   struct fxq_embed **ret_embed)
{
	static const struct fxq_embed_config none;
	struct fxq_embed *e;
	int ret;

	config = config ? config : &none;
	if (config->depth && !depth_is_valid(config->depth))
		return -EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->depth = config->depth ? config->depth : FXQ_DEPTH_DEFAULT;
	e->next_run = 1;
	e->report = config->report;
	e->profile = config->profile;
	e->host_priv = config->priv;
	init_locks(e);
	embed_bus_init(e);
	ret = start(e, config);
	if (ret) {
		fxq_embed_close(e);
		return ret;
	}
	*ret_embed = e;
	return 0;
}

/* NULL is fine. No other call may be under way. */
void fxq_embed_close(struct fxq_embed *e)
{
	uint32_t i;

	if (!e)
		return;
	fxq_machine_destroy(e->machine);
	for (i = 0; i < FXQ_CONTEXTS_MAX; i++)
		if (e->ctx[i].live)
			embed_ctx_drop(e, &e->ctx[i]);
	embed_space_finish(&e->bus);
	free(e->memory);
	pthread_cond_destroy(&e->wake);
	pthread_rwlock_destroy(&e->bus_lock);
	pthread_mutex_destroy(&e->lock);
	pthread_mutex_destroy(&e->admin);
	free(e);
}

/* Reads registers: ask once. One entry of the ring is never a job's. */
void fxq_embed_caps(const struct fxq_embed *e, struct fxq_embed_caps *ret_caps)
{
	struct fxq_embed *dev = (struct fxq_embed *)e;

	*ret_caps = (struct fxq_embed_caps){
		.spm_bytes = embed_reg_read(dev, FXQ_REG_SPM_BYTES),
		.acc_bytes = embed_reg_read(dev, FXQ_REG_ACC_BYTES),
		.max_descriptors = embed_reg_read(dev, FXQ_REG_MAX_DESCS),
		.clock_khz = embed_reg_read(dev, FXQ_REG_CLOCK_KHZ),
		.macs = embed_reg_read(dev, FXQ_REG_MACS),
		.max_inflight = e->depth - 1,
	};
}

uint64_t fxq_embed_register_accesses(const struct fxq_embed *e)
{
	return __atomic_load_n(&e->accesses, __ATOMIC_RELAXED);
}
