// SPDX-License-Identifier: MIT
/*
 * regs.c - BAR0
 *
 * The one table of registers is FXQ_REGS; which of them can be read and
 * written follows from it. Few registers do anything: CONTROL leaves a
 * request for the machine's thread, DOORBELL wakes it, CLOCK and STATUS are
 * made up when read.
 */
#include "machine_priv.h"

enum access {
	ACCESS_NONE,
	ACCESS_RO,
	ACCESS_RW,
	ACCESS_WO,
};

static const uint8_t access_of[MACHINE_REGS] = {
#define X(name, offset, access, doc) [(offset) / 4] = ACCESS_##access,
	FXQ_REGS(X)
#undef X
};

static enum access reg_access(uint64_t offset)
{
	if (offset % 4 || offset / 4 >= MACHINE_REGS)
		return ACCESS_NONE;
	return access_of[offset / 4];
}

uint32_t machine_request(const struct fxq_machine *m)
{
	return __atomic_load_n(&m->request, __ATOMIC_ACQUIRE);
}

/* With m->lock held, or before the thread exists. */
void machine_regs_reset(struct fxq_machine *m)
{
	uint32_t i;

	for (i = 0; i < MACHINE_REGS; i++)
		m->reg[i] = 0;
	m->clock_hi = 0;
	m->reg[FXQ_REG_ID / 4] = FXQ_ID_VALUE;
	m->reg[FXQ_REG_VERSION / 4] = FXQ_VERSION_VALUE;
	m->reg[FXQ_REG_SPM_BYTES / 4] = m->caps.spm_bytes;
	m->reg[FXQ_REG_ACC_BYTES / 4] = m->caps.acc_bytes;
	m->reg[FXQ_REG_MAX_DESCS / 4] = m->caps.max_descriptors;
	m->reg[FXQ_REG_CONTEXTS / 4] = FXQ_CONTEXTS_MAX;
	m->reg[FXQ_REG_MAX_DEPTH / 4] = FXQ_DEPTH_MAX;
	m->reg[FXQ_REG_CLOCK_KHZ / 4] = FXQ_CLOCK_KHZ;
	m->reg[FXQ_REG_MACS / 4] = FXQ_COST_MACS;
	m->reg[FXQ_REG_CONTRACT / 4] = m->contract;
	m->reg[FXQ_REG_DEPTH / 4] = FXQ_DEPTH_DEFAULT;
}

/* A request not yet acted upon counts as busy, so that one can poll for it. */
static uint32_t read_status(const struct fxq_machine *m)
{
	uint32_t status = m->reg[FXQ_REG_STATUS / 4];

	if (m->request || __atomic_load_n(&m->busy, __ATOMIC_ACQUIRE))
		status |= FXQ_STATUS_BUSY;
	return status;
}

static uint32_t read_clock(struct fxq_machine *m)
{
	uint64_t now = __atomic_load_n(&m->clock, __ATOMIC_RELAXED);

	m->clock_hi = now >> 32;
	return (uint32_t)now;
}

uint32_t fxq_machine_read(struct fxq_machine *m, uint64_t offset)
{
	uint32_t value;

	switch (reg_access(offset)) {
	case ACCESS_NONE:
		return ~0u;
	case ACCESS_WO:
		return 0;
	default:
		break;
	}
	pthread_mutex_lock(&m->lock);
	switch (offset) {
	case FXQ_REG_STATUS:
		value = read_status(m);
		break;
	case FXQ_REG_CLOCK_LO:
		value = read_clock(m);
		break;
	case FXQ_REG_CLOCK_HI:
		value = m->clock_hi;
		break;
	default:
		value = m->reg[offset / 4];
	}
	pthread_mutex_unlock(&m->lock);
	return value;
}

static void add_request(struct fxq_machine *m, uint32_t request)
{
	__atomic_store_n(&m->request, request, __ATOMIC_RELEASE);
	pthread_cond_signal(&m->wake);
}

/*
 * RESET forgets all that was asked before; its bit stays until the thread has
 * acted. ENABLE counts when it changes.
 */
static void write_control(struct fxq_machine *m, uint32_t value)
{
	uint32_t *control = &m->reg[FXQ_REG_CONTROL / 4];
	uint32_t enable = value & FXQ_CONTROL_ENABLE;
	uint32_t was = *control & FXQ_CONTROL_ENABLE;

	if (value & FXQ_CONTROL_RESET) {
		machine_regs_reset(m);
		*control = FXQ_CONTROL_RESET;
		add_request(m, (m->request & REQUEST_QUIT) | REQUEST_RESET);
		return;
	}
	if (*control & FXQ_CONTROL_RESET)
		return;
	*control = enable;
	if (enable == was)
		return;
	m->reg[FXQ_REG_STATUS / 4] &= ~FXQ_STATUS_BAD_SETUP;
	if (enable)
		add_request(m, m->request | REQUEST_START);
	else
		add_request(m, (m->request & ~REQUEST_START) | REQUEST_HALT);
}

void fxq_machine_write(struct fxq_machine *m, uint64_t offset, uint32_t value)
{
	enum access access = reg_access(offset);

	if (access != ACCESS_RW && access != ACCESS_WO)
		return;
	pthread_mutex_lock(&m->lock);
	switch (offset) {
	case FXQ_REG_CONTROL:
		write_control(m, value);
		break;
	case FXQ_REG_DOORBELL:
		m->bell = true;
		pthread_cond_signal(&m->wake);
		break;
	default:
		m->reg[offset / 4] = value;
	}
	pthread_mutex_unlock(&m->lock);
}
