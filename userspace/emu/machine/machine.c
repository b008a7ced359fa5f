// SPDX-License-Identifier: MIT
/*
 * machine.c - a machine's life and its thread
 *
 * The thread does three things in turn: what was asked through CONTROL, what
 * the submission ring holds, and sleep.
 */
#include <errno.h>
#include <fenv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "fxq_contract.h"
#include "machine_priv.h"

#define MAX_THREADS	256
/*
 * Of scratchpad or accumulators. A pixel takes 4 bytes at least, so a sum over
 * all that there can be of differences of two bytes stays within 31 bits.
 */
#define MAX_BYTES	(16u << 20)

static void set_busy(struct fxq_machine *m, bool busy)
{
	__atomic_store_n(&m->busy, busy, __ATOMIC_RELEASE);
}

/* Leaves the rings; the driver may take its memory back when BUSY is clear. */
static void halt(struct fxq_machine *m)
{
	m->enabled = false;
	m->spm_context = MACHINE_NO_CONTEXT;
	machine_ring_drop(m);
}

static void reset(struct fxq_machine *m)
{
	halt(m);
	__atomic_store_n(&m->clock, 0, __ATOMIC_RELAXED);
}

/* STATUS tells it; the driver starts anew with ENABLE or RESET. */
void machine_lose_rings(struct fxq_machine *m)
{
	halt(m);
	pthread_mutex_lock(&m->lock);
	m->reg[FXQ_REG_STATUS / 4] = FXQ_STATUS_BAD_SETUP;
	pthread_mutex_unlock(&m->lock);
}

/*
 * Acts on requests in the order in which they can have been made. BUSY covers
 * the time in which the request is gone and its effect is not there yet.
 */
static bool obey(struct fxq_machine *m)
{
	uint32_t request, status = 0, done = FXQ_CONTROL_RESET;

	pthread_mutex_lock(&m->lock);
	request = m->request;
	__atomic_store_n(&m->request, 0, __ATOMIC_RELEASE);
	set_busy(m, true);
	pthread_mutex_unlock(&m->lock);

	if (request & REQUEST_RESET) {
		reset(m);
		if (machine_fault(m, FXQ_POINT_RESET).kind == FXQ_FAULT_LOST)
			done = 0;
	}
	if (request & (REQUEST_HALT | REQUEST_QUIT))
		halt(m);
	if (request & REQUEST_START) {
		m->enabled = machine_ring_setup(m);
		status = m->enabled ? FXQ_STATUS_ENABLED :
			 FXQ_STATUS_BAD_SETUP;
	} else if (m->enabled) {
		status = FXQ_STATUS_ENABLED;
	}

	pthread_mutex_lock(&m->lock);
	m->reg[FXQ_REG_STATUS / 4] = status;
	if (request & REQUEST_RESET)
		m->reg[FXQ_REG_CONTROL / 4] &= ~done;
	set_busy(m, false);
	pthread_mutex_unlock(&m->lock);
	return !(request & REQUEST_QUIT);
}

/* Takes what is in the ring and runs a job. False: there is none. */
static bool serve(struct fxq_machine *m)
{
	if (m->enabled)
		machine_take(m);
	if (!m->enabled || !machine_next_job(m, &m->run.entry))
		return false;
	set_busy(m, true);
	machine_run(m);
	set_busy(m, false);
	return true;
}

static void *machine_thread(void *arg)
{
	struct fxq_machine *m = arg;

	fesetenv(FE_DFL_ENV);
	if (m->naps)
		prctl(PR_SET_TIMERSLACK, 1ul);
	machine_enter(m);
	for (;;) {
		machine_yield(m);
		if (machine_request(m)) {
			if (!obey(m))
				break;
			continue;
		}
		if (!serve(m) && !machine_linger(m))
			machine_sleep(m);
	}
	machine_leave(m);
	return NULL;
}

/*
 * False: the place is taken. Whoever has it may have looked at the ring for the
 * last time and be about to rest: as it would at a doorbell, it looks again.
 */
static bool take_place(struct fxq_machine *m)
{
	bool free;

	pthread_mutex_lock(&m->lock);
	free = m->resting && !m->lent && !m->bell && !m->request;
	m->lent |= free;
	m->bell |= !free;
	pthread_mutex_unlock(&m->lock);
	return free;
}

/* What is left, or was asked meanwhile, is for the machine's own thread. */
static void give_back(struct fxq_machine *m, bool idle)
{
	pthread_mutex_lock(&m->lock);
	m->lent = false;
	m->bell |= !idle;
	if (m->bell || m->request)
		pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void fxq_machine_lend(struct fxq_machine *m)
{
	fenv_t callers;
	bool idle;

	if (!take_place(m))
		return;
	/* Arithmetic is the same whatever the caller has set for his own. */
	fegetenv(&callers);
	fesetenv(FE_DFL_ENV);
	machine_enter(m);
	machine_awake(m);
	serve(m);
	idle = !m->queued && machine_doze(m);
	machine_leave(m);
	fesetenv(&callers);
	give_back(m, idle);
}

static bool config_is_valid(const struct fxq_machine_config *c)
{
	return c->threads >= 0 && c->threads <= MAX_THREADS &&
	       c->spm_bytes % FXQ_SPM_ALIGN == 0 && c->spm_bytes <= MAX_BYTES &&
	       c->acc_bytes % FXQ_SPM_ALIGN == 0 && c->acc_bytes <= MAX_BYTES;
}

/* Memory of @bytes zeros, followed by a line that may be read. */
static void *zeroed(uint64_t bytes)
{
	void *p = aligned_alloc(FXQ_SPM_ALIGN, bytes + FXQ_SPM_ALIGN);

	return p ? memset(p, 0, bytes + FXQ_SPM_ALIGN) : NULL;
}

static void release(struct fxq_machine *m)
{
	machine_debug_destroy(m->debug);
	if (m->exec.pool)
		fxq_pool_destroy(m->exec.pool);
	free(m->run.stream);
	free(m->run.timing);
	free(m->run.order);
	free(m->run.ns);
	free(m->exec.acc);
	free(m->exec.spm);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static int allocate(struct fxq_machine *m, const struct fxq_machine_config *c)
{
	char why[FXQ_MACHINE_WHY];

	m->exec.ops = fxq_isa_choose(why, sizeof(why));
	if (!m->exec.ops)
		return -ENOTSUP;
	m->exec.spm = zeroed(m->caps.spm_bytes);
	m->exec.acc = zeroed(m->caps.acc_bytes);
	m->exec.pool = fxq_pool_create(c->threads ? c->threads : 1);
	if (!m->exec.spm || !m->exec.acc || !m->exec.pool)
		return -ENOMEM;
	if (!c->debug)
		return 0;
	m->debug = machine_debug_create(&m->caps);
	return m->debug ? 0 : -ENOMEM;
}

const char *fxq_machine_isa(char *why, size_t size)
{
	const struct fxq_exec_ops *ops = fxq_isa_choose(why, size);

	return ops ? ops->name : NULL;
}

/*
 * Makes a machine, disabled, with its own thread. @config may be NULL. Returns
 * 0, -EINVAL for a size or a number of threads that is out of range, -ENOTSUP
 * where fxq_machine_isa() returns NULL, -ENOMEM, or what pthread_create() said.
 */
int fxq_machine_create(const struct fxq_machine_config *config,
		       const struct fxq_machine_host *host,
		       struct fxq_machine **ret_machine)
{
	static const struct fxq_machine_config none;
	struct fxq_machine *m;
	int ret;

	config = config ? config : &none;
	if (!config_is_valid(config) || !host->bus || !host->irq ||
	    !host->enter != !host->leave)
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;

	m->host = *host;
	m->caps = (struct fxq_caps)FXQ_CAPS_DEFAULT;
	if (config->spm_bytes)
		m->caps.spm_bytes = config->spm_bytes;
	if (config->acc_bytes)
		m->caps.acc_bytes = config->acc_bytes;
	m->contract = config->contract ? config->contract : FXQ_CONTRACT_WORD;
	m->naps = config->naps;
	m->spm_context = MACHINE_NO_CONTEXT;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->wake, NULL);
	machine_regs_reset(m);
	ret = allocate(m, config);
	if (!ret)
		ret = -fxq_thread_create(&m->thread, machine_thread, m);
	if (ret) {
		release(m);
		return ret;
	}
	*ret_machine = m;
	return 0;
}

/* Ends a run in progress at its next descriptor. NULL is fine. */
void fxq_machine_destroy(struct fxq_machine *m)
{
	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	__atomic_store_n(&m->request, m->request | REQUEST_QUIT,
			 __ATOMIC_RELEASE);
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	release(m);
}
