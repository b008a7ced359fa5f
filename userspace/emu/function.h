/* SPDX-License-Identifier: MIT */
/*
 * function.h - a PCI function with an FX1 machine behind it
 *
 * What a bus sees: configuration space, two BARs, memory that the machine
 * reaches and interrupts that it raises. Knows nothing of messages. One thread
 * makes all calls; the machine's own thread uses memory and interrupts.
 */
#ifndef FXQ_FUNCTION_H
#define FXQ_FUNCTION_H

#include <stdint.h>

#include "fault.h"
#include "machine/machine.h"
#include "pci.h"
#include "vfio_irq.h"
#include "vfio_memory.h"

#define FUNCTION_TABLE_BYTES	(16 * FXQ_VECTORS)

/* Is the function on the bus? */
enum function_presence {
	FUNCTION_HERE,
	FUNCTION_DEAD,		/* its registers read as ones, until a reset */
	FUNCTION_REMOVED,	/* everything does, until it is put back */
};

/*
 * struct fxq_function
 * @presence: atomic; the machine's thread may end it
 * @table: the MSI-X table as software wrote it; the client acts upon it
 */
struct fxq_function {
	struct fxq_machine *machine;
	struct pci_config config;
	uint8_t table[FUNCTION_TABLE_BYTES];
	struct vfio_memory memory;
	struct vfio_irqs irqs;
	struct faults faults;
	enum function_presence presence;
	uint64_t accesses;		/* of registers, since it was made */
};

/*
 * Makes a function as after power-on. @report is what machine.h says of it.
 * Returns 0 or what fxq_machine_create() and the system say.
 */
int fxq_function_init(struct fxq_function *f,
		      const struct fxq_machine_config *config,
		      void (*report)(void *priv, const char *text));
void fxq_function_finish(struct fxq_function *f);

/*
 * Reset of the function: nothing that the machine did before is seen in memory
 * after, though it may still be at work on its last descriptor (STATUS.BUSY).
 * Memory and eventfds stay the client's.
 */
void fxq_function_reset(struct fxq_function *f);
/* The client has gone, and its memory and eventfds with it. */
void fxq_function_detach(struct fxq_function *f);

/*
 * Takes the function off the bus as if somebody had pulled it out, or puts it
 * back, reset. From any thread.
 */
void fxq_function_remove(struct fxq_function *f, enum function_presence how);
void fxq_function_insert(struct fxq_function *f);
enum function_presence fxq_function_presence(const struct fxq_function *f);

/* Bytes of BAR @bar; 0: there is none. */
uint64_t fxq_function_bar_bytes(uint32_t bar);
/* [offset, offset + len) is inside the BAR, or inside configuration space. */
void fxq_function_bar_read(struct fxq_function *f, uint32_t bar,
			   uint64_t offset, void *data, uint32_t len);
void fxq_function_bar_write(struct fxq_function *f, uint32_t bar,
			    uint64_t offset, const void *data, uint32_t len);
void fxq_function_config_read(struct fxq_function *f, uint32_t offset,
			      void *data, uint32_t len);
void fxq_function_config_write(struct fxq_function *f, uint32_t offset,
			       const void *data, uint32_t len);

#endif /* FXQ_FUNCTION_H */
