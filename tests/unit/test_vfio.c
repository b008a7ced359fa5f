// SPDX-License-Identifier: MIT
/*
 * fxq-emu as a client of its socket sees it: the protocol, the PCI function,
 * memory, interrupts, and jobs through all of them.
 */
#include "vfio_client.h"

#include "fxq_contract.h"

static int setup(void **state)
{
	struct bench *b = bench_open();

	bench_start(b);
	*state = b;
	return 0;
}

static int setup_unconnected(void **state)
{
	*state = bench_open();
	return 0;
}

static int teardown(void **state)
{
	bench_close(*state);
	return 0;
}

/* The protocol */

static void version_answers_what_both_have(void **state)
{
	struct bench *b = *state;
	struct vfio_version v;
	const char *json = (const char *)b->reply + sizeof(v);

	bench_connect(b);
	assert_int_equal(bench_version(b, "{\"capabilities\":{\"max_msg_fds\":"
				       "16,\"write_multiple\":true}}"), 0);
	memcpy(&v, b->reply, sizeof(v));
	assert_int_equal(v.major, 0);
	assert_int_equal(v.minor, 0);
	assert_int_equal(b->reply[b->reply_bytes - 1], 0);
	assert_int_equal(strlen(json) + 1 + sizeof(v), b->reply_bytes);
	assert_non_null(strstr(json, "\"max_msg_fds\":8"));
	assert_non_null(strstr(json, "\"write_multiple\":true"));
	assert_int_equal(bench_version(b, "{}"), EINVAL);
}

/* A body of JSON is not needed; what is no JSON is refused. */
static void version_refuses_nonsense(void **state)
{
	const struct vfio_version none = { 0, 1 }, later = { 1, 0 };
	const uint8_t open_end[] = { 0, 0, 0, 0, '{', '}' };
	struct bench *b = *state;

	bench_connect(b);
	assert_int_equal(bench_ask(b, VFIO_USER_VERSION, NULL, 0), EINVAL);
	assert_int_equal(bench_ask(b, VFIO_USER_VERSION, &later, 4), EINVAL);
	assert_int_equal(bench_ask(b, VFIO_USER_VERSION, open_end, 6), EINVAL);
	assert_int_equal(bench_version(b, "{"), EINVAL);
	assert_int_equal(bench_ask(b, VFIO_USER_DEVICE_RESET, NULL, 0),
			 EINVAL);
	assert_int_equal(bench_ask(b, VFIO_USER_VERSION, &none, 4), 0);
	assert_int_equal(bench_ask(b, VFIO_USER_DEVICE_RESET, NULL, 0), 0);
}

static void unknown_commands_are_not_supported(void **state)
{
	static const uint16_t unknown[] = { 0, 6, 11, 12, 14, 16, 99, 0xffff };
	struct bench *b = *state;
	uint32_t i;

	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_int_equal(bench_ask(b, unknown[i], NULL, 0), ENOTSUP);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
}

static void device_is_pci_with_two_bars_and_msix(void **state)
{
	struct vfio_device_info dev = { .argsz = 16 };
	struct vfio_region_info region = { .argsz = sizeof(region) };
	struct vfio_irq_info irq = { .argsz = sizeof(irq) };
	const uint64_t bytes[VFIO_PCI_NUM_REGIONS] = {
		[FXQ_BAR_REGS] = 4096, [FXQ_BAR_MSIX] = 4096,
		[BENCH_CONFIG] = 4096,
	};
	struct bench *b = *state;
	uint32_t i;

	assert_int_equal(bench_ask(b, VFIO_USER_DEVICE_GET_INFO, &dev, 16), 0);
	memcpy(&dev, b->reply, 16);
	assert_int_equal(dev.flags, VFIO_DEVICE_FLAGS_RESET |
			 VFIO_DEVICE_FLAGS_PCI);
	assert_int_equal(dev.num_regions, VFIO_PCI_NUM_REGIONS);
	assert_int_equal(dev.num_irqs, VFIO_PCI_NUM_IRQS);
	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		region.index = i;
		assert_int_equal(bench_ask(b, VFIO_USER_DEVICE_GET_REGION_INFO,
					   &region, sizeof(region)), 0);
		assert_int_equal(((struct vfio_region_info *)b->reply)->size,
				 bytes[i]);
		assert_int_equal(((struct vfio_region_info *)b->reply)->flags,
				 bytes[i] ? 3 : 0);
	}
	for (i = 0; i < VFIO_PCI_NUM_IRQS; i++) {
		irq.index = i;
		assert_int_equal(bench_ask(b, VFIO_USER_DEVICE_GET_IRQ_INFO,
					   &irq, sizeof(irq)), 0);
		assert_int_equal(((struct vfio_irq_info *)b->reply)->count,
				 i == VFIO_PCI_MSIX_IRQ_INDEX ? 2 : 0);
	}
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_UNCONNECTED(name) \
	cmocka_unit_test_setup_teardown(name, setup_unconnected, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_UNCONNECTED(version_answers_what_both_have),
		TEST_UNCONNECTED(version_refuses_nonsense),
		TEST(unknown_commands_are_not_supported),
		TEST(device_is_pci_with_two_bars_and_msix),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
