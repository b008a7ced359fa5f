// SPDX-License-Identifier: MIT
/*
 * test_vfio_protocol.c - fxq-emu's socket: what both ends say of themselves, who
 * does not keep to the protocol, and who comes while others are there
 */
#include <sys/resource.h>

#include "vfio_client.h"

static int setup_unconnected(void **state)
{
	*state = bench_open();
	return 0;
}

/* What both say of themselves */

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
		if (i == VFIO_PCI_ERR_IRQ_INDEX)
			continue;
		irq.index = i;
		assert_int_equal(bench_ask(b, VFIO_USER_DEVICE_GET_IRQ_INFO,
					   &irq, sizeof(irq)), 0);
		assert_int_equal(((struct vfio_irq_info *)b->reply)->count,
				 i == VFIO_PCI_MSIX_IRQ_INDEX ? 2 : 0);
	}
}

/* Who does not keep to the protocol */

static uint32_t open_files(void)
{
	uint32_t n = 0;
	int fd;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void accesses_stay_in_their_region(void **state)
{
	struct bench *b = *state;
	const struct vfio_access bad[] = {
		{ 0, FXQ_BAR_REGS, 0 },
		{ 4096, FXQ_BAR_REGS, 4 },
		{ 4092, FXQ_BAR_REGS, 8 },
		{ ~3ull, FXQ_BAR_REGS, 4 },
		{ ~3ull, FXQ_BAR_REGS, 8 },
		{ 0, FXQ_BAR_REGS, 4097 },
		{ 0, FXQ_BAR_REGS, ~0u },
		{ 4, FXQ_BAR_REGS, ~0u },
		{ 0, 1, 4 },
		{ 0, VFIO_PCI_ROM_REGION_INDEX, 4 },
		{ 0, VFIO_PCI_VGA_REGION_INDEX, 4 },
		{ 0, VFIO_PCI_NUM_REGIONS, 4 },
		{ 0, ~0u, 4 },
		{ 4096, BENCH_CONFIG, 1 },
		{ 4095, BENCH_CONFIG, 2 },
	};
	uint8_t body[sizeof(bad[0]) + 8] = { 0 };
	uint32_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(body, &bad[i], sizeof(bad[0]));
		assert_int_equal(bench_ask(b, VFIO_USER_REGION_READ, body,
					   sizeof(bad[0])), EINVAL);
		assert_int_equal(bench_ask(b, VFIO_USER_REGION_WRITE, body,
					   sizeof(body)), EINVAL);
	}
	memcpy(body, &(struct vfio_access){ 0, FXQ_BAR_REGS, 16 },
	       sizeof(struct vfio_access));
	assert_int_equal(bench_ask(b, VFIO_USER_REGION_WRITE, body,
				   sizeof(body)), EINVAL);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
}

static void short_bodies_are_refused(void **state)
{
	static const struct {
		uint16_t command, bytes;
	} need[] = {
		{ VFIO_USER_DMA_MAP, 32 },
		{ VFIO_USER_DMA_UNMAP, 24 },
		{ VFIO_USER_DEVICE_GET_INFO, 16 },
		{ VFIO_USER_DEVICE_GET_REGION_INFO, 32 },
		{ VFIO_USER_DEVICE_GET_IRQ_INFO, 16 },
		{ VFIO_USER_DEVICE_SET_IRQS, 20 },
		{ VFIO_USER_REGION_READ, 16 },
		{ VFIO_USER_REGION_WRITE, 16 },
		{ VFIO_USER_REGION_WRITE_MULTI, 8 },
	};
	struct bench *b = *state;
	uint8_t ones[32];
	uint32_t i, n;

	memset(ones, 0xff, sizeof(ones));
	for (i = 0; i < sizeof(need) / sizeof(need[0]); i++)
		for (n = 0; n < need[i].bytes; n++)
			assert_int_equal(bench_ask(b, need[i].command, ones, n),
					 EINVAL);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
}

/* The connection ends, the server takes the next client. */
static void expect_end(struct bench *b)
{
	assert_true(bench_is_closed(b));
	bench_disconnect(b);
	bench_start(b);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
	bench_disconnect(b);
	bench_connect(b);
}

static void streams_without_sense_end_the_connection(void **state)
{
	struct bench *b = *state;
	const struct vfio_header bad[] = {
		{ .command = 1, .size = 0 },
		{ .command = 1, .size = 15 },
		{ .command = 1, .size = 16 + VFIO_MAX_BODY + 1 },
		{ .command = 1, .size = ~0u },
		{ .command = 1, .size = 16, .flags = VFIO_USER_REPLY },
		{ .command = 1, .size = 16, .flags = 2 },
	};
	uint32_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bench_send(b, &bad[i], sizeof(bad[i]), NULL, 0);
		expect_end(b);
	}
}

static void half_messages_harm_nobody(void **state)
{
	const struct vfio_header h = { .command = 1, .size = 16 + 100 };
	struct bench *b = *state;
	uint32_t n;

	for (n = 1; n < sizeof(h); n += 5) {
		bench_send(b, &h, n, NULL, 0);
		shutdown(b->fd, SHUT_WR);
		expect_end(b);
	}
	bench_send(b, &h, sizeof(h), NULL, 0);
	bench_send(b, &h, 5, NULL, 0);
	shutdown(b->fd, SHUT_WR);
	expect_end(b);
}

static void messages_may_come_byte_by_byte(void **state)
{
	struct {
		struct vfio_header header;
		struct vfio_access access;
	} m = {
		{ .id = 7, .command = VFIO_USER_REGION_READ, .size = 32 },
		{ FXQ_REG_ID, FXQ_BAR_REGS, 4 },
	};
	struct bench *b = *state;
	uint32_t i, answer[9];

	for (i = 0; i < sizeof(m); i++)
		bench_send(b, (uint8_t *)&m + i, 1, NULL, 0);
	assert_true(bench_receive(b, answer, sizeof(answer)));
	assert_int_equal(answer[0], 7 | VFIO_USER_REGION_READ << 16);
	assert_int_equal(answer[1], 36);
	assert_int_equal(answer[8], FXQ_ID_VALUE);
}

static void unasked_descriptors_are_closed(void **state)
{
	struct bench *b = *state;
	const int fds[] = { b->memory, b->irq[0], b->memory };
	uint32_t before = open_files();

	assert_int_equal(bench_ask_fds(b, VFIO_USER_DEVICE_GET_INFO, NULL, 0,
				       fds, 3), EINVAL);
	assert_int_equal(bench_ask_fds(b, 99, NULL, 0, fds, 3), ENOTSUP);
	assert_int_equal(bench_set_irqs(b, IRQ(EVENTFD, TRIGGER), MSIX, 0, 2,
					fds, 2), EINVAL);
	assert_int_equal(bench_ask(b, 99, NULL, 0), ENOTSUP);
	assert_int_equal(open_files(), before);
}

static void too_many_descriptors_end_the_connection(void **state)
{
	const struct vfio_header h = { .command = 99, .size = 16 };
	struct bench *b = *state;
	uint32_t before = open_files(), i;
	int fds[VFIO_MAX_FDS + 1];

	for (i = 0; i <= VFIO_MAX_FDS; i++)
		fds[i] = b->memory;
	bench_send(b, &h, sizeof(h), fds, VFIO_MAX_FDS + 1);
	expect_end(b);
	/* Eight with the first byte, one more with the next. */
	bench_send(b, &h, 8, fds, VFIO_MAX_FDS);
	bench_send(b, (const uint8_t *)&h + 8, 8, fds, 1);
	expect_end(b);
	assert_int_equal(bench_version(b, "{}"), 0);
	/* What the first connection had: an eventfd for each vector. */
	assert_int_equal(open_files(), before - FXQ_VECTORS);
}

static void no_reply_means_none(void **state)
{
	const struct vfio_header h = { .id = 9, .command = 99, .size = 16,
				       .flags = VFIO_USER_NO_REPLY };
	struct bench *b = *state;

	bench_send(b, &h, sizeof(h), NULL, 0);
	assert_int_equal(rig_read(&b->rig, FXQ_REG_ID), FXQ_ID_VALUE);
}

/* Several at once */

static void silence_does_not_keep_others_waiting(void **state)
{
	struct bench *b = *state;
	int silent;

	bench_connect(b);
	silent = b->fd;
	bench_start(b);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);
	close(silent);
}

static void sockets_are_taken_when_nobody_listens(void **state)
{
	struct bench *b = *state;
	char why[200], name[200];
	int fd;

	assert_int_equal(fxq_listen(b->path, why, sizeof(why)), -EADDRINUSE);
	assert_int_equal(rig_copy(&b->rig, 1).cause, 0);

	snprintf(name, sizeof(name), "%s/stale", b->dir);
	fd = fxq_listen(name, why, sizeof(why));
	assert_true(fd >= 0);
	close(fd);
	fd = fxq_listen(name, why, sizeof(why));
	assert_true(fd >= 0);
	fxq_unlisten(fd, name);
	assert_int_equal(access(name, F_OK), -1);

	fd = open(name, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(fxq_listen(name, why, sizeof(why)), -EADDRINUSE);
	assert_int_equal(unlink(name), 0);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(fxq_listen(name, why, sizeof(why)), -ENAMETOOLONG);
	assert_int_equal(fxq_listen("", why, sizeof(why)), -ENAMETOOLONG);
}

/* How many descriptors there may be, from now on; a negative number: as before. */
static void allow_files(int n)
{
	static struct rlimit before;
	struct rlimit limit;

	if (n >= 0)
		assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	if (n >= 0)
		limit.rlim_cur = n;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Who comes when there is no descriptor left does not wait, and is not waited for. */
static void who_finds_no_room_is_sent_away(void **state)
{
	struct bench *b = *state;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listener, client, fd;
	struct pollfd p;
	char why[200];

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%.90s/full", b->dir);
	listener = fxq_listen(addr.sun_path, why, sizeof(why));
	assert_true(listener >= 0);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fd = dup(client);
	close(fd);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(connect(client, (struct sockaddr *)&addr,
					 sizeof(addr)), 0);
		allow_files(fd);
		assert_int_equal(fxq_accept(listener), -1);
		allow_files(-1);
		assert_int_equal(recv(client, why, 1, MSG_DONTWAIT), 0);
		close(client);
		p = (struct pollfd){ .fd = listener, .events = POLLIN };
		assert_int_equal(poll(&p, 1, 0), 0);
		client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	}
	assert_int_equal(connect(client, (struct sockaddr *)&addr,
				 sizeof(addr)), 0);
	fd = fxq_accept(listener);
	assert_true(fd >= 0);
	close(fd);
	close(client);
	fxq_unlisten(listener, addr.sun_path);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
#define TEST_UNCONNECTED(name) \
	cmocka_unit_test_setup_teardown(name, setup_unconnected, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_UNCONNECTED(version_answers_what_both_have),
		TEST_UNCONNECTED(version_refuses_nonsense),
		TEST(unknown_commands_are_not_supported),
		TEST(device_is_pci_with_two_bars_and_msix),
		TEST(accesses_stay_in_their_region),
		TEST(short_bodies_are_refused),
		TEST(streams_without_sense_end_the_connection),
		TEST(half_messages_harm_nobody),
		TEST(messages_may_come_byte_by_byte),
		TEST(unasked_descriptors_are_closed),
		TEST(too_many_descriptors_end_the_connection),
		TEST(no_reply_means_none),
		TEST_UNCONNECTED(silence_does_not_keep_others_waiting),
		TEST(sockets_are_taken_when_nobody_listens),
		TEST(who_finds_no_room_is_sent_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
