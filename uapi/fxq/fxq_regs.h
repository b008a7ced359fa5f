/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * fxq_regs.h - what the driver and the machine say to each other
 *
 * The driver writes entries to a submission ring in memory and the machine
 * answers each with exactly one record in a completion ring of the same
 * depth. The hot path reads no register: what runs now, how far it is,
 * whether the machine sleeps and whether an interrupt is wanted stand in a
 * shared page. Registers set up the rings and start, stop and reset.
 *
 * All of it is little-endian. Bus addresses of rings, context table and page
 * tables are what the driver's DMA mapping gave; device addresses (39 bits)
 * go through the page tables of a context.
 */
#ifndef FXQ_REGS_H
#define FXQ_REGS_H

#include <linux/types.h>

#include "fxq_check.h"	/* enum fxq_cause */

#define FXQ_PCI_VENDOR		0x1b36	/* shared with QEMU's test devices */
#define FXQ_PCI_DEVICE		0x00f1

#define FXQ_PCI_SUBDEVICE	0x0001
#define FXQ_PCI_CLASS		0x120000	/* processing accelerator */

#define FXQ_BAR_REGS		0		/* the registers below */
#define FXQ_BAR_MSIX		2		/* MSI-X table and PBA */
#define FXQ_BAR_BYTES		0x1000		/* of either */
#define FXQ_MSIX_TABLE		0x000		/* in FXQ_BAR_MSIX */
#define FXQ_MSIX_PBA		0x800

#define FXQ_ID_VALUE		0x31515846u	/* "FXQ1" */
#define FXQ_VERSION_VALUE	1

/*
 * X(name, offset, access, doc): BAR0, registers of 32 bits. RO: writes are
 * ignored. RW: reads as written. WO: reads as zero. 64-bit values are two
 * registers, low half first; they take effect with CONTROL.ENABLE. Bases are
 * 64-aligned. A write to CONTROL is acted upon when STATUS.BUSY is clear;
 * until then the machine may still reach rings and shared page.
 *
 * The clock counts modelled cycles: it stands still while nothing runs.
 */
#define FXQ_REGS(X)							\
	X(ID,            0x00, RO, "FXQ_ID_VALUE")			\
	X(VERSION,       0x04, RO, "of this contract")			\
	X(SPM_BYTES,     0x08, RO, "scratchpad size")			\
	X(ACC_BYTES,     0x0c, RO, "accumulator size")			\
	X(MAX_DESCS,     0x10, RO, "descriptors a stream may have")	\
	X(CONTEXTS,      0x14, RO, "entries of the context table")	\
	X(MAX_DEPTH,     0x18, RO, "largest ring depth")		\
	X(CLOCK_KHZ,     0x1c, RO, "of the cycle counter")		\
	X(MACS,          0x20, RO, "multiply-accumulates a cycle")	\
	X(CONTRACT,      0x24, RO, "first 32 bits of the contracts' hash") \
	X(CONTROL,       0x40, RW, "FXQ_CONTROL_*")			\
	X(STATUS,        0x44, RO, "FXQ_STATUS_*")			\
	X(DEPTH,         0x48, RW, "ring depth, a power of two")	\
	X(DOORBELL,      0x4c, WO, "any write wakes the machine")	\
	X(SUBMIT_LO,     0x50, RW, "bus address of the submission ring") \
	X(SUBMIT_HI,     0x54, RW, "")					\
	X(COMPLETE_LO,   0x58, RW, "bus address of the completion ring") \
	X(COMPLETE_HI,   0x5c, RW, "")					\
	X(CONTEXT_LO,    0x60, RW, "bus address of the context table")	\
	X(CONTEXT_HI,    0x64, RW, "")					\
	X(SHARED_LO,     0x68, RW, "bus address of struct fxq_shared")	\
	X(SHARED_HI,     0x6c, RW, "")					\
	X(CLOCK_LO,      0x70, RO, "cycles since reset; reading latches HI") \
	X(CLOCK_HI,      0x74, RO, "")

enum fxq_reg {
#define X(name, offset, access, doc) FXQ_REG_##name = offset,
	FXQ_REGS(X)
#undef X
};

#define FXQ_CONTROL_ENABLE	(1u << 0)	/* 0 to 1: rings start empty */
#define FXQ_CONTROL_RESET	(1u << 1)	/* reads as zero when done */
#define FXQ_STATUS_ENABLED	(1u << 0)
#define FXQ_STATUS_BUSY		(1u << 1)	/* a run, or CONTROL */
/* ENABLE is refused, see DEPTH and bases; or their memory went while enabled. */
#define FXQ_STATUS_BAD_SETUP	(1u << 2)

#define FXQ_VECTOR_COMPLETE	0	/* MSI-X: a record was written */
#define FXQ_VECTOR_FAULT	1	/* a record with a fault, armed or not */
#define FXQ_VECTORS		2

#define FXQ_DEPTH_DEFAULT	8
#define FXQ_DEPTH_MAX		256
#define FXQ_CONTEXTS_MAX	64	/* context 0 is the kernel's */

/* struct fxq_submit.kind */
enum fxq_submit_kind {
	FXQ_SUBMIT_INVALID,
	FXQ_SUBMIT_JOB,		/* run a stream */
	FXQ_SUBMIT_INVALIDATE,	/* forget translations; ahead of jobs */
	FXQ_SUBMIT_STOP,	/* end the context's run and its queue */
	FXQ_SUBMIT_REARM,	/* after STOP or a fault: accept jobs again */
};

/*
 * struct fxq_submit - an entry of the submission ring
 * @kind: enum fxq_submit_kind
 * @context: index into the context table
 * @run: the driver's number, returned in the record
 * @stream: JOB: device address of the descriptors, FXQ_DESC_BYTES-aligned
 * @bindings: JOB: device address of struct fxq_binding[@n_bindings], 64-aligned;
 *	      0 if there are none
 * @count: JOB: descriptors
 * @n_bindings: JOB: up to FXQ_MAX_REGIONS
 * @first, @last: INVALIDATE: first and last device address; 0 and ~0: all
 *
 * What a kind does not use is zero. All but JOB are acted upon as soon as they
 * are taken, so their records may come before those of jobs that stand earlier.
 * The record of STOP follows those of all jobs that it ends; entries behind it
 * are taken after. A context that stops, by itself or by STOP, loses what it
 * left in the scratchpad.
 */
struct fxq_submit {
	__u32 kind;
	__u32 context;
	__u64 run;
	__u64 stream;
	__u64 bindings;
	__u32 count;
	__u32 n_bindings;
	__u64 first;
	__u64 last;
	__u64 reserved;
};

#define FXQ_BINDING_WRITABLE	(1u << 0)

/* A region of a job: @size bytes at device address @addr, both 64-aligned. */
struct fxq_binding {
	__u64 addr;
	__u64 size;
	__u32 flags;
	__u32 reserved;
};

/*
 * struct fxq_complete - a record of the completion ring
 * @phase: bit 0 is the phase: 1 in the first pass over the ring, then 0, and
 *	   so on; the record is valid when it has the value expected. Written
 *	   last, with release order
 * @cause: enum fxq_cause
 * @run, @context, @kind: from the entry that it answers
 * @index, @tag: of the descriptor at fault; 0 when completed
 * @address: device address at fault, or 0
 * @first, @last: cycle counter when the run began and ended
 * @cycles: of the run, as fxq_cost.h counts them; of a run that did not
 *	    complete, those of the descriptors that did
 */
struct fxq_complete {
	__u64 run;
	__u32 context;
	__u16 kind;
	__u16 cause;
	__u32 index;
	__u32 tag;
	__u64 address;
	__u64 first;
	__u64 last;
	__u64 cycles;
	__u32 reserved;
	__u32 phase;
};

/*
 * struct fxq_shared - the page that spares register accesses
 * @produced: driver: entries written so far (free running)
 * @armed: driver: wants an interrupt when @completed becomes this; the
 *	   machine compares after writing a record and @completed, so the
 *	   driver looks for the record once more after writing @armed
 * @taken: machine: entries taken so far
 * @completed: machine: records written so far
 * @running: machine: run number in progress
 * @progress: machine: descriptors finished, over all runs; still while hung
 * @sleeping: machine: set before it sleeps, after which it looks at @produced
 *	      once more; the driver looks at it after writing @produced. Only
 *	      when set is a doorbell needed
 *
 * The driver's words and the machine's stand in cache lines of their own.
 */
struct fxq_shared {
	__u32 produced;
	__u32 armed;
	__u8 driver_reserved[56];
	__u32 taken;
	__u32 completed;
	__u64 running;
	__u64 progress;
	__u32 sleeping;
	__u8 machine_reserved[36];
};

#define FXQ_CONTEXT_ENABLED	(1u << 0)

/* An entry of the context table. */
struct fxq_context_entry {
	__u64 root;		/* bus address of the top page table, 4 KiB-aligned */
	__u32 flags;
	__u32 reserved;
};

/*
 * The MMU: 39-bit device addresses, three levels of 512 entries, pages of
 * 4 KiB and 2 MiB. Page 0 is never mapped. A translation may be kept from
 * when it was seen valid until INVALIDATE completes; an invalid one never is.
 */
#define FXQ_VA_BITS		39
#define FXQ_PAGE_SHIFT		12
#define FXQ_PAGE_BYTES		(1u << FXQ_PAGE_SHIFT)
#define FXQ_LARGE_PAGE_SHIFT	21
#define FXQ_PT_LEVELS		3
#define FXQ_PT_ENTRIES		512
#define FXQ_PTE_VALID		(1ull << 0)
#define FXQ_PTE_WRITABLE	(1ull << 1)	/* of a leaf; else zero */
#define FXQ_PTE_LEAF		(1ull << 2)	/* always set at the last level */
#define FXQ_PTE_ADDRESS		0x000ffffffffff000ull

static_assert(sizeof(struct fxq_submit) == 64, "submission entry");
static_assert(sizeof(struct fxq_complete) == 64, "completion record");
static_assert(sizeof(struct fxq_binding) == 24, "binding");
static_assert(sizeof(struct fxq_shared) == 128, "shared page");
static_assert(sizeof(struct fxq_context_entry) == 16, "context entry");

#endif /* FXQ_REGS_H */
