// SPDX-License-Identifier: MIT
/*
 * function.c - a PCI function with an FX1 machine behind it
 *
 * Bus mastering is the gate: memory is there for the machine, and interrupts
 * leave, only while the guest lets the function master the bus. A reset closes
 * the gate first, so that nothing of before is written after, and then asks
 * the machine, which need not be waited for.
 */
#include <string.h>

#include "function.h"

static bool host_enter(void *priv)
{
	struct fxq_function *f = priv;

	return vfio_memory_enter(&f->memory);
}

static void host_leave(void *priv)
{
	struct fxq_function *f = priv;

	vfio_memory_leave(&f->memory);
}

static void *host_bus(void *priv, uint64_t addr, uint64_t len, bool write)
{
	struct fxq_function *f = priv;

	return vfio_memory_find(&f->memory, addr, len, write);
}

static void host_irq(void *priv, int vector)
{
	struct fxq_function *f = priv;
	const struct fault_kind *kind;
	uint32_t ms = 0;

	kind = faults_strike(&f->faults, FAULT_POINT_IRQ, &ms);
	if (!kind || kind->effect == FXQ_FAULT_TWICE)
		vfio_irqs_raise(&f->irqs, vector, 0);
	if (kind && kind->effect != FXQ_FAULT_LOST)
		vfio_irqs_raise(&f->irqs, vector, ms);
}

static struct fxq_fault host_fault(void *priv, enum fxq_fault_point at)
{
	struct fxq_function *f = priv;
	struct fxq_fault fault = { FXQ_FAULT_NONE };
	const struct fault_kind *kind;

	kind = faults_strike(&f->faults, at, &fault.ms);
	if (!kind)
		return fault;
	if (kind->effect == FAULT_REMOVED)
		fxq_function_remove(f, FUNCTION_REMOVED);
	else if (kind->effect == FAULT_DEAD)
		fxq_function_remove(f, FUNCTION_DEAD);
	else
		fault.kind = kind->effect;
	return fault;
}

/* Every vector is masked after reset, as MSI-X has it. */
static void reset_table(struct fxq_function *f)
{
	uint32_t i;

	memset(f->table, 0, sizeof(f->table));
	for (i = 0; i < FXQ_VECTORS; i++)
		f->table[16 * i + 12] = 1;
}

static void set_gate(struct fxq_function *f)
{
	bool open = pci_is_master(&f->config);

	vfio_memory_set_open(&f->memory, open);
	vfio_irqs_set_open(&f->irqs, open);
}

int fxq_function_init(struct fxq_function *f,
		      const struct fxq_machine_config *config,
		      void (*report)(void *priv, const char *text))
{
	const struct fxq_machine_host host = {
		.bus = host_bus,
		.enter = host_enter,
		.leave = host_leave,
		.irq = host_irq,
		.fault = host_fault,
		.report = report,
		.priv = f,
	};
	int ret;

	memset(f, 0, sizeof(*f));
	pci_config_reset(&f->config);
	reset_table(f);
	ret = faults_init(&f->faults);
	if (ret)
		return ret;
	ret = vfio_memory_init(&f->memory);
	if (ret)
		goto err_faults;
	ret = vfio_irqs_init(&f->irqs);
	if (ret)
		goto err_memory;
	ret = fxq_machine_create(config, &host, &f->machine);
	if (ret)
		goto err_irqs;
	return 0;

err_irqs:
	vfio_irqs_finish(&f->irqs);
err_memory:
	vfio_memory_finish(&f->memory);
err_faults:
	faults_finish(&f->faults);
	return ret;
}

void fxq_function_finish(struct fxq_function *f)
{
	fxq_machine_destroy(f->machine);
	vfio_irqs_finish(&f->irqs);
	vfio_memory_finish(&f->memory);
	faults_finish(&f->faults);
}

enum function_presence fxq_function_presence(const struct fxq_function *f)
{
	return __atomic_load_n(&f->presence, __ATOMIC_ACQUIRE);
}

void fxq_function_remove(struct fxq_function *f, enum function_presence how)
{
	__atomic_store_n(&f->presence, how, __ATOMIC_RELEASE);
	vfio_memory_cut(&f->memory, true);
	vfio_irqs_cut(&f->irqs, true);
}

static void reset(struct fxq_function *f)
{
	pci_config_reset(&f->config);
	reset_table(f);
	set_gate(f);
	fxq_machine_write(f->machine, FXQ_REG_CONTROL, FXQ_CONTROL_RESET);
}

void fxq_function_insert(struct fxq_function *f)
{
	reset(f);
	vfio_memory_cut(&f->memory, false);
	vfio_irqs_cut(&f->irqs, false);
	__atomic_store_n(&f->presence, FUNCTION_HERE, __ATOMIC_RELEASE);
}

void fxq_function_reset(struct fxq_function *f)
{
	if (fxq_function_presence(f) == FUNCTION_DEAD)
		fxq_function_insert(f);
	else
		reset(f);
}

void fxq_function_detach(struct fxq_function *f)
{
	fxq_function_insert(f);
	vfio_irqs_reset(&f->irqs);
	vfio_memory_clear(&f->memory);
}

uint64_t fxq_function_bar_bytes(uint32_t bar)
{
	return bar == FXQ_BAR_REGS || bar == FXQ_BAR_MSIX ? FXQ_BAR_BYTES : 0;
}

/* Registers are of 32 bits: what is no whole number of them reads as ones. */
static void read_regs(struct fxq_function *f, uint64_t offset, void *data,
		      uint32_t len)
{
	uint32_t value, i;

	memset(data, 0xff, len);
	if (offset % 4 || len % 4)
		return;
	f->accesses += len / 4;
	for (i = 0; i < len; i += 4) {
		value = fxq_machine_read(f->machine, offset + i);
		memcpy((uint8_t *)data + i, &value, 4);
	}
}

static void write_regs(struct fxq_function *f, uint64_t offset,
		       const void *data, uint32_t len)
{
	uint32_t value, i;

	if (offset % 4 || len % 4)
		return;
	f->accesses += len / 4;
	for (i = 0; i < len; i += 4) {
		memcpy(&value, (const uint8_t *)data + i, 4);
		fxq_machine_write(f->machine, offset + i, value);
	}
}

/* The bytes of the table that [offset, offset + len) has: from 0 on. */
static uint32_t table_bytes(uint64_t offset, uint32_t len)
{
	if (offset >= FUNCTION_TABLE_BYTES)
		return 0;
	return len < FUNCTION_TABLE_BYTES - offset ? len :
	       FUNCTION_TABLE_BYTES - offset;
}

static void read_msix(struct fxq_function *f, uint64_t offset, uint8_t *data,
		      uint32_t len)
{
	uint32_t pending = vfio_irqs_pending(&f->irqs);

	memset(data, 0, len);
	if (table_bytes(offset, len))
		memcpy(data, f->table + offset, table_bytes(offset, len));
	if (offset <= FXQ_MSIX_PBA && FXQ_MSIX_PBA < offset + len)
		data[FXQ_MSIX_PBA - offset] = pending;
}

/* Does the function answer at its BARs? */
static bool answers(const struct fxq_function *f)
{
	return pci_has_memory(&f->config) &&
	       fxq_function_presence(f) == FUNCTION_HERE;
}

void fxq_function_bar_read(struct fxq_function *f, uint32_t bar,
			   uint64_t offset, void *data, uint32_t len)
{
	if (!answers(f))
		memset(data, 0xff, len);
	else if (bar == FXQ_BAR_REGS)
		read_regs(f, offset, data, len);
	else
		read_msix(f, offset, data, len);
}

void fxq_function_bar_write(struct fxq_function *f, uint32_t bar,
			    uint64_t offset, const void *data, uint32_t len)
{
	if (!answers(f))
		return;
	if (bar == FXQ_BAR_REGS)
		write_regs(f, offset, data, len);
	else if (table_bytes(offset, len))
		memcpy(f->table + offset, data, table_bytes(offset, len));
}

void fxq_function_config_read(struct fxq_function *f, uint32_t offset,
			      void *data, uint32_t len)
{
	if (fxq_function_presence(f) == FUNCTION_REMOVED)
		memset(data, 0xff, len);
	else
		pci_config_read(&f->config, offset, data, len);
}

void fxq_function_config_write(struct fxq_function *f, uint32_t offset,
			       const void *data, uint32_t len)
{
	enum pci_effect effect;

	if (fxq_function_presence(f) == FUNCTION_REMOVED)
		return;
	effect = pci_config_write(&f->config, offset, data, len);
	if (effect == PCI_EFFECT_RESET)
		fxq_function_reset(f);
	else
		set_gate(f);
}
