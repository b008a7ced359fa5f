// SPDX-License-Identifier: MIT
/*
 * test_vfio.c - fxq-emu as a guest sees it through its socket: the PCI function,
 * memory, interrupts, and jobs through all of them
 */
#include "vfio_client.h"

#include "fxq_contract.h"

/* The PCI function */

static void function_has_its_identity(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_config(b, PCI_VENDOR_ID, 2), FXQ_PCI_VENDOR);
	assert_int_equal(bench_config(b, PCI_DEVICE_ID, 2), FXQ_PCI_DEVICE);
	assert_int_equal(bench_config(b, PCI_CLASS_REVISION, 4) >> 8, 0x120000);
	assert_int_equal(bench_config(b, PCI_SUBSYSTEM_ID, 2),
			 FXQ_PCI_SUBDEVICE);
	assert_int_equal(rig_read(&b->rig, FXQ_REG_ID), FXQ_ID_VALUE);
	assert_int_equal(rig_read(&b->rig, FXQ_REG_CONTRACT),
			 FXQ_CONTRACT_WORD);
}

/* Where capability @id is; 0: nowhere. */
static uint32_t capability(struct bench *b, uint32_t id)
{
	uint32_t at = bench_config(b, PCI_CAPABILITY_LIST, 1), n;

	for (n = 0; at && n < 8; n++) {
		if (bench_config(b, at, 1) == id)
			return at;
		at = bench_config(b, at + PCI_CAP_LIST_NEXT, 1);
	}
	return 0;
}

static void capabilities_are_pm_express_msix(void **state)
{
	struct bench *b = *state;
	uint32_t msix = capability(b, PCI_CAP_ID_MSIX);
	uint32_t express = capability(b, PCI_CAP_ID_EXP);

	assert_int_equal(bench_config(b, PCI_STATUS, 2),
			 PCI_STATUS_CAP_LIST);
	assert_true(msix && express && capability(b, PCI_CAP_ID_PM));
	assert_int_equal(bench_config(b, msix + PCI_MSIX_FLAGS, 2), 1);
	assert_int_equal(bench_config(b, msix + PCI_MSIX_TABLE, 4),
			 FXQ_MSIX_TABLE | FXQ_BAR_MSIX);
	assert_int_equal(bench_config(b, msix + PCI_MSIX_PBA, 4),
			 FXQ_MSIX_PBA | FXQ_BAR_MSIX);
	assert_true(bench_config(b, express + PCI_EXP_DEVCAP, 4) &
		    PCI_EXP_DEVCAP_FLR);
}

/* Software sizes a BAR by writing ones; what is no BAR stays zero. */
static void bars_tell_their_size(void **state)
{
	struct bench *b = *state;
	uint32_t i, at;

	for (i = 0; i < 6; i++) {
		at = PCI_BASE_ADDRESS_0 + 4 * i;
		bench_set_config(b, at, 0xffffffff, 4);
		assert_int_equal(bench_config(b, at, 4),
				 i == FXQ_BAR_REGS || i == FXQ_BAR_MSIX ?
				 0xfffff000 : 0);
	}
	bench_set_config(b, PCI_ROM_ADDRESS, 0xffffffff, 4);
	assert_int_equal(bench_config(b, PCI_ROM_ADDRESS, 4), 0);
}

static void config_keeps_what_is_read_only(void **state)
{
	uint8_t before[64], after[64], ones[64];
	struct bench *b = *state;

	memset(ones, 0xff, sizeof(ones));
	bench_region_read(b, BENCH_CONFIG, 0, before, 64);
	assert_int_equal(bench_region_write(b, BENCH_CONFIG, 0, ones, 64), 0);
	bench_region_read(b, BENCH_CONFIG, 0, after, 64);
	assert_memory_equal(after, before, PCI_COMMAND);
	assert_memory_equal(after + PCI_STATUS, before + PCI_STATUS, 6);
	assert_memory_equal(after + PCI_BASE_ADDRESS_3,
			    before + PCI_BASE_ADDRESS_3, 24);
	assert_int_equal(after[PCI_INTERRUPT_PIN], 0);
}

static void without_memory_enable_registers_read_as_ones(void **state)
{
	struct bench *b = *state;

	bench_set_config(b, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	assert_int_equal(rig_read(&b->rig, FXQ_REG_ID), 0xffffffff);
	bench_master(b);
	assert_int_equal(rig_read(&b->rig, FXQ_REG_ID), FXQ_ID_VALUE);
}

/* Registers have 32 bits; two at once are two. */
static void register_accesses_have_whole_registers(void **state)
{
	struct bench *b = *state;
	uint64_t both;
	uint16_t half;

	bench_region_read(b, FXQ_BAR_REGS, FXQ_REG_ID, &both, 8);
	assert_int_equal(both, FXQ_ID_VALUE | 1ull << 32);
	bench_region_read(b, FXQ_BAR_REGS, FXQ_REG_ID, &half, 2);
	assert_int_equal(half, 0xffff);
	half = 7;
	bench_region_write(b, FXQ_BAR_REGS, FXQ_REG_DEPTH, &half, 2);
	assert_int_equal(rig_read(&b->rig, FXQ_REG_DEPTH), 8);
}

/* A whole guest's work */

static void a_job_runs(void **state)
{
	struct bench *b = *state;
	struct fxq_complete c;
	uint8_t *data = rig_data(&b->rig, 1, RIG_REGION);
	int i;

	for (i = 0; i < 64; i++)
		data[i] = i;
	c = rig_copy(&b->rig, 1);
	assert_int_equal(c.cause, FXQ_CAUSE_NONE);
	assert_int_equal(c.cycles, 440);
	assert_memory_equal(data, data + 64, 64);
}

static void jobs_interrupt_when_armed(void **state)
{
	struct bench *b = *state;

	__atomic_store_n(&b->rig.shared->armed, 1, __ATOMIC_SEQ_CST);
	rig_copy(&b->rig, 1);
	assert_int_equal(bench_irqs(b, FXQ_VECTOR_COMPLETE, 5000), 1);
	rig_copy(&b->rig, 1);
	rig_read(&b->rig, FXQ_REG_ID);
	assert_int_equal(bench_irqs(b, FXQ_VECTOR_COMPLETE, 20), 0);
	assert_int_equal(bench_irqs(b, FXQ_VECTOR_FAULT, 0), 0);
}

static void faults_interrupt_unarmed(void **state)
{
	struct bench *b = *state;
	const struct fxq_desc s = load(5, 0, 0, 64);

	assert_int_equal(rig_run(&b->rig, 1, &s, 1).cause, FXQ_CAUSE_REGION);
	assert_int_equal(bench_irqs(b, FXQ_VECTOR_FAULT, 5000), 1);
}

static void writes_come_in_bundles(void **state)
{
	struct bench *b = *state;
	struct {
		struct vfio_header header;
		uint64_t n;
		struct vfio_write_one w[2];
	} m = {
		.header = {
			.command = VFIO_USER_REGION_WRITE_MULTI,
			.size = sizeof(m), .flags = VFIO_USER_NO_REPLY,
		},
		.n = 2,
		.w = {
			{ FXQ_REG_SUBMIT_HI, FXQ_BAR_REGS, 4, { 1 } },
			{ FXQ_REG_COMPLETE_HI, FXQ_BAR_REGS, 4, { 2 } },
		},
	};

	bench_send(b, &m, sizeof(m), NULL, 0);
	assert_int_equal(rig_read(&b->rig, FXQ_REG_SUBMIT_HI), 1);
	assert_int_equal(rig_read(&b->rig, FXQ_REG_COMPLETE_HI), 2);
	m.w[0].data[0] = 3;
	m.w[1].count = 9;
	assert_int_equal(bench_ask(b, VFIO_USER_REGION_WRITE_MULTI, &m.n,
				   sizeof(m) - sizeof(m.header)), EINVAL);
	m.n = 3;
	m.w[1].count = 4;
	assert_int_equal(bench_ask(b, VFIO_USER_REGION_WRITE_MULTI, &m.n,
				   sizeof(m) - sizeof(m.header)), EINVAL);
	assert_int_equal(rig_read(&b->rig, FXQ_REG_SUBMIT_HI), 1);
}

/* Memory */

#define RW	(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)
#define FREE	(1ull << 40)	/* where nothing is mapped */

static uint32_t ranges(struct bench *b)
{
	struct vfio_memory *m = &b->function.memory;
	uint32_t n;

	pthread_rwlock_rdlock(&m->lock);
	n = m->count;
	pthread_rwlock_unlock(&m->lock);
	return n;
}

static void maps_refuse_what_is_no_memory(void **state)
{
	struct bench *b = *state;
	const struct vfio_map small = { .argsz = 8, .flags = RW, .size = 4096,
					.addr = FREE };
	const int two[] = { b->memory, b->memory };
	const int on_disk = open("/proc/version", O_RDONLY);
	const struct vfio_map map = { .argsz = sizeof(map), .flags = RW,
				      .size = 4096, .addr = FREE };
	const struct {
		uint64_t addr, size, offset;
		int fd;
		uint32_t flags;
		int error;
	} bad[] = {
		{ FREE, 0, 0, b->memory, RW, EINVAL },
		{ FREE + 1, 4096, 0, b->memory, RW, EINVAL },
		{ FREE, 4097, 0, b->memory, RW, EINVAL },
		{ FREE, 4096, 1, b->memory, RW, EINVAL },
		{ FREE, 4096, 0, b->memory, 0, EINVAL },
		{ FREE, 4096, 0, b->memory, 2, EINVAL },
		{ FREE, 4096, 0, b->memory, RW | 4, EINVAL },
		{ ~0xfffull, 8192, 0, b->memory, RW, EINVAL },
		{ FREE, ~0xfffull, 4096, b->memory, RW, EINVAL },
		{ FREE, 4096, ~0xfffull, b->memory, RW, EINVAL },
		{ FREE, 4096, RIG_BYTES, b->memory, RW, ERANGE },
		{ FREE, 2 * RIG_BYTES, 0, b->memory, RW, ERANGE },
		{ FREE, 4096, 0, b->irq[0], RW, EINVAL },
		{ FREE, 4096, 0, on_disk, RW, EINVAL },
		{ 0, 4096, 0, b->memory, RW, EEXIST },
		{ RIG_BYTES - 4096, 8192, 0, b->memory, RW, EEXIST },
	};
	uint32_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(bench_map(b, bad[i].addr, bad[i].size,
					   bad[i].fd, bad[i].offset,
					   bad[i].flags), bad[i].error);
	assert_int_equal(bench_ask(b, VFIO_USER_DMA_MAP, &small,
				   sizeof(small)), EINVAL);
	assert_int_equal(bench_ask(b, VFIO_USER_DMA_MAP, &map,
				   sizeof(map) - 1), EINVAL);
	assert_int_equal(bench_ask_fds(b, VFIO_USER_DMA_MAP, &map, sizeof(map),
				       two, 2), EINVAL);
	close(on_disk);
	assert_int_equal(ranges(b), 1);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
}

static void maps_have_a_limit(void **state)
{
	struct bench *b = *state;
	uint32_t i;

	for (i = 1; i < VFIO_MAX_RANGES; i++)
		assert_int_equal(bench_map(b, FREE + i * 8192, 4096, -1, 0,
					   RW), 0);
	assert_int_equal(bench_map(b, FREE, 4096, -1, 0, RW), ENOSPC);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
}

static void unmaps_want_what_was_mapped(void **state)
{
	const struct vfio_unmap all = { .argsz = sizeof(all),
					.flags = VFIO_DMA_UNMAP_FLAG_ALL };
	struct vfio_unmap bad = all;
	struct bench *b = *state;

	assert_int_equal(bench_unmap(b, 0, RIG_BYTES / 2), ENOENT);
	assert_int_equal(bench_unmap(b, 4096, RIG_BYTES - 4096), ENOENT);
	assert_int_equal(bench_unmap(b, FREE, 4096), ENOENT);
	bad.size = 4096;
	assert_int_equal(bench_ask(b, VFIO_USER_DMA_UNMAP, &bad, sizeof(bad)),
			 EINVAL);
	bad = all;
	bad.flags |= 1;
	assert_int_equal(bench_ask(b, VFIO_USER_DMA_UNMAP, &bad, sizeof(bad)),
			 EINVAL);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
	assert_int_equal(bench_ask(b, VFIO_USER_DMA_UNMAP, &all, sizeof(all)),
			 0);
	assert_int_equal(b->reply_bytes, sizeof(all));
	assert_int_equal(ranges(b), 0);
}

static void rings_may_lie_anywhere(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	assert_int_equal(bench_map(b, FREE, 1 << 20, b->memory, 0x1000, RW),
			 0);
	rig_write(r, FXQ_REG_CONTROL, 0);
	rig_settle(r);
	memset(r->complete, 0, 4096);
	memset(r->shared, 0, sizeof(*r->shared));
	rig_write(r, FXQ_REG_SUBMIT_LO, RIG_SUBMIT - 0x1000);
	rig_write(r, FXQ_REG_SUBMIT_HI, FREE >> 32);
	rig_write(r, FXQ_REG_SHARED_LO, RIG_SHARED - 0x1000);
	rig_write(r, FXQ_REG_SHARED_HI, FREE >> 32);
	rig_write(r, FXQ_REG_CONTROL, FXQ_CONTROL_ENABLE);
	assert_int_equal(rig_settle(r), FXQ_STATUS_ENABLED);
	assert_int_equal(rig_copy(r, 1).cause, 0);
}

/* ENABLE with the shared page at @addr: what STATUS says. */
static uint32_t enable_with_shared_at(struct bench *b, uint64_t addr)
{
	struct rig *r = &b->rig;

	rig_write(r, FXQ_REG_CONTROL, 0);
	rig_settle(r);
	rig_write(r, FXQ_REG_SHARED_LO, (uint32_t)addr);
	rig_write(r, FXQ_REG_SHARED_HI, addr >> 32);
	rig_write(r, FXQ_REG_CONTROL, FXQ_CONTROL_ENABLE);
	return rig_settle(r);
}

static void memory_that_is_not_shared_is_not_reached(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_map(b, FREE, 4096, -1, 0, RW), 0);
	assert_int_equal(bench_map(b, FREE + 4096, 4096, b->memory, 0,
				   VFIO_DMA_MAP_FLAG_READ), 0);
	assert_int_equal(enable_with_shared_at(b, FREE),
			 FXQ_STATUS_BAD_SETUP);
	assert_int_equal(enable_with_shared_at(b, FREE + 4096),
			 FXQ_STATUS_BAD_SETUP);
	assert_int_equal(enable_with_shared_at(b, FREE - 64),
			 FXQ_STATUS_BAD_SETUP);
	assert_int_equal(enable_with_shared_at(b, RIG_BYTES - 64),
			 FXQ_STATUS_BAD_SETUP);
	assert_int_equal(enable_with_shared_at(b, RIG_SHARED),
			 FXQ_STATUS_ENABLED);
}

static void without_bus_mastering_there_is_no_memory(void **state)
{
	struct bench *b = *state;

	bench_set_config(b, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	while (rig_read(&b->rig, FXQ_REG_STATUS) & FXQ_STATUS_ENABLED)
		rig_write(&b->rig, FXQ_REG_DOORBELL, 1);
	assert_int_equal(rig_settle(&b->rig), FXQ_STATUS_BAD_SETUP);
	rig_write(&b->rig, FXQ_REG_CONTROL, 0);
	assert_int_equal(rig_enable(&b->rig), FXQ_STATUS_BAD_SETUP);
	bench_master(b);
	rig_write(&b->rig, FXQ_REG_CONTROL, 0);
	assert_int_equal(rig_enable(&b->rig), FXQ_STATUS_ENABLED);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
}

/* What happens in the middle of a job */

/* Memory in two maps: rings and tables, then the contexts' data. */
static void share_in_two(struct bench *b)
{
	assert_int_equal(bench_unmap(b, 0, RIG_BYTES), 0);
	assert_int_equal(bench_map(b, 0, RIG_DATA, b->memory, 0, RW), 0);
	assert_int_equal(bench_map(b, RIG_DATA, RIG_BYTES - RIG_DATA,
				   b->memory, RIG_DATA, RW), 0);
	rig_write(&b->rig, FXQ_REG_CONTROL, 0);
	assert_int_equal(rig_enable(&b->rig), FXQ_STATUS_ENABLED);
}

/* Puts a copy of 64 bytes in the ring and waits until it has begun. */
static void begin_copy(struct bench *b)
{
	const struct fxq_desc s[] = {
		load(0, 0, 0, 64), wait_for(store(0, 64, 0, 64), 1, 0, 0, 0),
	};
	uint64_t run = rig_put(&b->rig, rig_job(&b->rig, 1, s, 2));

	while (__atomic_load_n(&b->rig.shared->running, __ATOMIC_SEQ_CST) !=
	       run)
		rig_pause();
}

static void await_progress(struct bench *b, uint64_t n)
{
	while (__atomic_load_n(&b->rig.shared->progress, __ATOMIC_SEQ_CST) < n)
		rig_pause();
}

/* The unmap is answered at once; the job finds the memory gone. */
static void unmap_during_a_job_faults_it(void **state)
{
	struct bench *b = *state;
	struct fxq_complete c;

	share_in_two(b);
	bench_plan(b, "slow@1=200ms");
	begin_copy(b);
	await_progress(b, 1);
	assert_int_equal(bench_unmap(b, RIG_DATA, RIG_BYTES - RIG_DATA), 0);
	assert_true(rig_read(&b->rig, FXQ_REG_STATUS) & FXQ_STATUS_BUSY);
	c = rig_get(&b->rig);
	assert_int_equal(c.cause, FXQ_CAUSE_BUS);
	assert_int_equal(c.index, 1);
	assert_int_equal(c.address, RIG_REGION + 64);
	assert_int_equal(bench_irqs(b, FXQ_VECTOR_FAULT, 5000), 1);

	assert_int_equal(bench_map(b, RIG_DATA, RIG_BYTES - RIG_DATA,
				   b->memory, RIG_DATA, RW), 0);
	rig_ask(&b->rig, FXQ_SUBMIT_REARM, 1);
	rig_get(&b->rig);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
}

static void unmap_of_the_rings_stops_the_machine(void **state)
{
	struct bench *b = *state;

	bench_plan(b, "hang@1");
	begin_copy(b);
	assert_int_equal(bench_unmap(b, 0, RIG_BYTES), 0);
	assert_int_equal(rig_settle(&b->rig), FXQ_STATUS_BAD_SETUP);
	assert_int_equal(b->rig.complete[0].phase, 0);
	bench_share_memory(b);
	rig_write(&b->rig, FXQ_REG_CONTROL, 0);
	assert_int_equal(rig_enable(&b->rig), FXQ_STATUS_ENABLED);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
}

/* All that the machine could write, as it is now. */
static uint8_t *snapshot(struct bench *b)
{
	uint8_t *copy = malloc(RIG_BYTES);

	memcpy(copy, b->rig.mem, RIG_BYTES);
	return copy;
}

/* After @b was reset: nothing is written, and it can be used again. */
static void check_reset(struct bench *b)
{
	uint8_t *before = snapshot(b);

	assert_int_equal(bench_config(b, PCI_COMMAND, 2), 0);
	bench_set_config(b, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_int_equal(rig_settle(&b->rig), 0);
	assert_int_equal(rig_read(&b->rig, FXQ_REG_SUBMIT_LO), 0);
	assert_int_equal(rig_read(&b->rig, FXQ_REG_DEPTH), 8);
	bench_master(b);
	assert_int_equal(rig_settle(&b->rig), 0);
	assert_memory_equal(before, b->rig.mem, RIG_BYTES);
	free(before);
	assert_int_equal(rig_enable(&b->rig), FXQ_STATUS_ENABLED);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
}

static void reset_during_a_job_ends_it(void **state)
{
	struct bench *b = *state;

	bench_plan(b, "hang@1=hard");
	begin_copy(b);
	assert_int_equal(bench_ask(b, VFIO_USER_DEVICE_RESET, NULL, 0), 0);
	check_reset(b);
}

static void flr_during_a_job_ends_it(void **state)
{
	struct bench *b = *state;
	uint32_t express = capability(b, PCI_CAP_ID_EXP);

	bench_plan(b, "hang@1=hard");
	begin_copy(b);
	bench_set_config(b, express + PCI_EXP_DEVCTL,
			 PCI_EXP_DEVCTL_BCR_FLR, 2);
	assert_false(bench_config(b, express + PCI_EXP_DEVCTL, 2) &
		     PCI_EXP_DEVCTL_BCR_FLR);
	check_reset(b);
}

static void waking_from_d3_is_a_reset(void **state)
{
	struct bench *b = *state;
	uint32_t ctrl = capability(b, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	bench_set_config(b, ctrl, 1, 2);
	assert_int_equal(bench_config(b, ctrl, 2), 0);
	bench_set_config(b, ctrl, 3, 2);
	assert_int_equal(bench_config(b, ctrl, 2), 3);
	assert_int_equal(bench_config(b, PCI_VENDOR_ID, 2), FXQ_PCI_VENDOR);
	assert_int_equal(rig_read(&b->rig, FXQ_REG_ID), 0xffffffff);
	bench_set_config(b, ctrl, 0, 2);
	check_reset(b);
}

static void disconnect_during_a_job_resets(void **state)
{
	struct bench *b = *state;
	uint8_t *before;

	bench_plan(b, "hang@1=hard");
	begin_copy(b);
	bench_disconnect(b);
	bench_connect(b);
	assert_int_equal(bench_version(b, "{}"), 0);
	before = snapshot(b);
	assert_int_equal(ranges(b), 0);
	bench_share_memory(b);
	bench_connect_irqs(b);
	bench_master(b);
	assert_int_equal(rig_settle(&b->rig), 0);
	assert_memory_equal(before, b->rig.mem, RIG_BYTES);
	free(before);
	assert_int_equal(rig_enable(&b->rig), FXQ_STATUS_ENABLED);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
}

/*
 * The file is cut under a job; its run never completes. cmocka has taken the
 * signal for itself: another function takes it back.
 */
static void a_file_that_shrinks_ends_the_connection(void **state)
{
	struct bench *b = *state, *other = bench_open();

	bench_close(other);
	bench_plan(b, "slow@1=100ms");
	begin_copy(b);
	await_progress(b, 1);
	assert_int_equal(ftruncate(b->memory, RIG_DATA), 0);
	assert_true(bench_is_closed(b));
	assert_int_equal(b->rig.complete[0].phase, 0);
	bench_disconnect(b);

	assert_int_equal(ftruncate(b->memory, RIG_BYTES), 0);
	bench_start(b);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
}

/* Interrupts */

static void irqs_refuse_what_makes_no_sense(void **state)
{
	struct bench *b = *state;
	const int file[] = { b->memory, b->irq[1] };
	const struct {
		uint32_t flags, index, start, count;
		const int *fds;
		unsigned int n_fds;
		int error;
	} bad[] = {
		{ 0, MSIX, 0, 1, NULL, 0, EINVAL },
		{ IRQ(NONE, TRIGGER) | IRQ(BOOL, TRIGGER), MSIX, 0, 1, NULL, 0,
		  EINVAL },
		{ IRQ(NONE, TRIGGER) | IRQ(NONE, MASK), MSIX, 0, 1, NULL, 0,
		  EINVAL },
		{ IRQ(NONE, TRIGGER) | 64, MSIX, 0, 1, NULL, 0, EINVAL },
		{ IRQ(NONE, TRIGGER), MSIX, 0, 3, NULL, 0, EINVAL },
		{ IRQ(NONE, TRIGGER), MSIX, 2, 1, NULL, 0, EINVAL },
		{ IRQ(NONE, TRIGGER), MSIX, ~0u, 2, NULL, 0, EINVAL },
		{ IRQ(NONE, TRIGGER), MSIX, 2, ~0u, NULL, 0, EINVAL },
		{ IRQ(NONE, TRIGGER), VFIO_PCI_INTX_IRQ_INDEX, 0, 1, NULL, 0,
		  EINVAL },
		{ IRQ(NONE, TRIGGER), 99, 0, 1, NULL, 0, EINVAL },
		{ IRQ(BOOL, TRIGGER), MSIX, 0, 1, NULL, 0, EINVAL },
		{ IRQ(EVENTFD, TRIGGER), MSIX, 0, 2, b->irq, 1, EINVAL },
		{ IRQ(EVENTFD, TRIGGER), MSIX, 0, 1, b->irq, 2, EINVAL },
		{ IRQ(EVENTFD, TRIGGER), MSIX, 0, 2, file, 2, EINVAL },
		{ IRQ(EVENTFD, MASK), MSIX, 0, 1, b->irq, 1, ENOTSUP },
		{ IRQ(EVENTFD, UNMASK), MSIX, 0, 1, b->irq, 1, ENOTSUP },
	};
	uint32_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(bench_set_irqs(b, bad[i].flags, bad[i].index,
						bad[i].start, bad[i].count,
						bad[i].fds, bad[i].n_fds),
				 bad[i].error);
	assert_int_equal(bench_set_irqs(b, IRQ(NONE, TRIGGER), MSIX, 0, 2,
					NULL, 0), 0);
	assert_int_equal(bench_irqs(b, 0, 0), 1);
	assert_int_equal(bench_irqs(b, 1, 0), 1);
}

static uint32_t pending(struct bench *b)
{
	uint64_t bits = 0;

	bench_region_read(b, FXQ_BAR_MSIX, FXQ_MSIX_PBA, &bits, 8);
	return bits;
}

static void masked_irqs_stay_pending(void **state)
{
	struct bench *b = *state;

	bench_set_irqs(b, IRQ(NONE, MASK), MSIX, 0, 1, NULL, 0);
	bench_set_irqs(b, IRQ(NONE, TRIGGER), MSIX, 0, 2, NULL, 0);
	assert_int_equal(bench_irqs(b, 0, 0), 0);
	assert_int_equal(bench_irqs(b, 1, 0), 1);
	assert_int_equal(pending(b), 1);
	bench_set_irqs(b, IRQ(NONE, UNMASK), MSIX, 0, 1, NULL, 0);
	assert_int_equal(bench_irqs(b, 0, 0), 1);
	assert_int_equal(pending(b), 0);
}

static void bools_choose_vectors(void **state)
{
	struct bench *b = *state;
	struct {
		uint32_t argsz, flags, index, start, count;
		uint8_t wanted[4];
	} set = { 22, IRQ(BOOL, TRIGGER), MSIX, 0, 2, { 0, 1 } };

	assert_int_equal(bench_ask(b, VFIO_USER_DEVICE_SET_IRQS, &set, 22), 0);
	assert_int_equal(bench_irqs(b, 0, 0), 0);
	assert_int_equal(bench_irqs(b, 1, 0), 1);
	set.flags = IRQ(BOOL, MASK);
	assert_int_equal(bench_ask(b, VFIO_USER_DEVICE_SET_IRQS, &set, 22), 0);
	bench_set_irqs(b, IRQ(NONE, TRIGGER), MSIX, 0, 2, NULL, 0);
	assert_int_equal(bench_irqs(b, 0, 0), 1);
	assert_int_equal(bench_irqs(b, 1, 0), 0);
}

/* The ways in which QEMU lets go: without eventfds, or all at once. */
static void irqs_can_be_let_go(void **state)
{
	struct bench *b = *state;

	bench_set_irqs(b, IRQ(EVENTFD, TRIGGER), MSIX, 0, 1, NULL, 0);
	bench_set_irqs(b, IRQ(NONE, TRIGGER), MSIX, 0, 2, NULL, 0);
	assert_int_equal(bench_irqs(b, 0, 0), 0);
	assert_int_equal(bench_irqs(b, 1, 0), 1);
	bench_set_irqs(b, IRQ(NONE, TRIGGER), MSIX, 0, 0, NULL, 0);
	bench_set_irqs(b, IRQ(NONE, TRIGGER), MSIX, 0, 2, NULL, 0);
	assert_int_equal(bench_irqs(b, 1, 0), 0);
	bench_connect_irqs(b);
	bench_set_irqs(b, IRQ(NONE, TRIGGER), MSIX, 0, 2, NULL, 0);
	assert_int_equal(bench_irqs(b, 0, 0) + bench_irqs(b, 1, 0), 2);
}

/* Another function */

static void devices_share_nothing(void **state)
{
	struct bench *b = *state, *other = bench_open();

	bench_start(other);
	bench_plan(b, "hang@1");
	begin_copy(b);
	assert_int_equal(rig_copy(&other->rig, 1).cause, 0);
	assert_int_equal(bench_ask(b, VFIO_USER_DEVICE_RESET, NULL, 0), 0);
	assert_int_equal(rig_copy(&other->rig, 2).cause, 0);
	bench_close(other);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(function_has_its_identity),
		TEST(capabilities_are_pm_express_msix),
		TEST(bars_tell_their_size),
		TEST(config_keeps_what_is_read_only),
		TEST(without_memory_enable_registers_read_as_ones),
		TEST(register_accesses_have_whole_registers),
		TEST(a_job_runs),
		TEST(jobs_interrupt_when_armed),
		TEST(faults_interrupt_unarmed),
		TEST(writes_come_in_bundles),
		TEST(maps_refuse_what_is_no_memory),
		TEST(maps_have_a_limit),
		TEST(unmaps_want_what_was_mapped),
		TEST(rings_may_lie_anywhere),
		TEST(memory_that_is_not_shared_is_not_reached),
		TEST(without_bus_mastering_there_is_no_memory),
		TEST(unmap_during_a_job_faults_it),
		TEST(unmap_of_the_rings_stops_the_machine),
		TEST(reset_during_a_job_ends_it),
		TEST(flr_during_a_job_ends_it),
		TEST(waking_from_d3_is_a_reset),
		TEST(disconnect_during_a_job_resets),
		TEST(a_file_that_shrinks_ends_the_connection),
		TEST(irqs_refuse_what_makes_no_sense),
		TEST(masked_irqs_stay_pending),
		TEST(bools_choose_vectors),
		TEST(irqs_can_be_let_go),
		TEST(devices_share_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
