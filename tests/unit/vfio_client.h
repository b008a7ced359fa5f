/* SPDX-License-Identifier: MIT */
/*
 * vfio_client.h - the least of a vfio-user client, and a server for it
 *
 * A bench is a rig whose machine is behind a socket: registers are reached by
 * messages, memory is a file that the client shares, interrupts are eventfds.
 * Messages are put together by the tests, also wrong ones.
 */
#ifndef TESTS_VFIO_CLIENT_H
#define TESTS_VFIO_CLIENT_H

#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "../../userspace/emu/server.h"
#include "../../userspace/emu/socket.h"

#define BENCH_REPLY	8192
#define BENCH_MAX_FDS	32
#define BENCH_CONFIG	VFIO_PCI_CONFIG_REGION_INDEX

struct bench {
	struct rig rig;			/* first, so that a rig is a bench */
	struct fxq_function function;
	struct fxq_server server;
	pthread_t thread;
	char dir[32], path[64], control[64];
	int stop;
	int memory;			/* the file behind rig.mem */

	int fd;				/* the client's end */
	int irq[FXQ_VECTORS];
	uint16_t id;
	struct vfio_header header;	/* of the last reply */
	uint8_t reply[BENCH_REPLY];
	uint32_t reply_bytes;
};

static inline void bench_say(const char *text)
{
}

static inline void *bench_thread(void *arg)
{
	struct bench *b = arg;

	fxq_server_run(&b->server);
	return NULL;
}

static inline void bench_connect(struct bench *b)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	strcpy(addr.sun_path, b->path);
	b->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(b->fd, (struct sockaddr *)&addr, sizeof(addr)),
			 0);
}

/* Sends @len bytes as they are, with descriptors. */
static inline void bench_send(struct bench *b, const void *data, size_t len,
			      const int *fds, unsigned int n_fds)
{
	char control[CMSG_SPACE(BENCH_MAX_FDS * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (n_fds) {
		h.msg_control = control;
		h.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	assert_int_equal(sendmsg(b->fd, &h, MSG_NOSIGNAL), len);
}

/* Exactly @len bytes. False: the server has closed the connection. */
static inline bool bench_receive(struct bench *b, void *to, size_t len)
{
	return !len || recv(b->fd, to, len, MSG_WAITALL) == (ssize_t)len;
}

/* Has the server closed the connection? Waits until it has. */
static inline bool bench_is_closed(struct bench *b)
{
	char byte;

	return recv(b->fd, &byte, 1, MSG_WAITALL) <= 0;
}

/* A request and its answer: 0, an errno that was answered, -1: closed. */
static inline int bench_ask_fds(struct bench *b, uint16_t command,
				const void *body, uint32_t len,
				const int *fds, unsigned int n_fds)
{
	uint8_t buf[sizeof(b->header) + BENCH_REPLY];
	struct vfio_header h = {
		.id = ++b->id, .command = command, .size = sizeof(h) + len,
	};

	memcpy(buf, &h, sizeof(h));
	if (len)
		memcpy(buf + sizeof(h), body, len);
	bench_send(b, buf, h.size, fds, n_fds);
	if (!bench_receive(b, &b->header, sizeof(b->header)))
		return -1;
	assert_int_equal(b->header.id, b->id);
	assert_int_equal(b->header.command, command);
	assert_int_equal(b->header.flags & VFIO_USER_TYPE_MASK,
			 VFIO_USER_REPLY);
	b->reply_bytes = b->header.size - sizeof(b->header);
	assert_true(b->reply_bytes <= sizeof(b->reply));
	if (!bench_receive(b, b->reply, b->reply_bytes))
		return -1;
	if (!(b->header.flags & VFIO_USER_ERROR))
		return 0;
	assert_int_equal(b->reply_bytes, 0);
	return b->header.error;
}

static inline int bench_ask(struct bench *b, uint16_t command,
			    const void *body, uint32_t len)
{
	return bench_ask_fds(b, command, body, len, NULL, 0);
}

static inline int bench_version(struct bench *b, const char *json)
{
	uint8_t body[512] = { 0 };

	strcpy((char *)body + sizeof(struct vfio_version), json);
	return bench_ask(b, VFIO_USER_VERSION, body,
			 sizeof(struct vfio_version) + strlen(json) + 1);
}

static inline int bench_map(struct bench *b, uint64_t addr, uint64_t size,
			    int fd, uint64_t offset, uint32_t flags)
{
	const struct vfio_map map = {
		.argsz = sizeof(map), .flags = flags, .offset = offset,
		.addr = addr, .size = size,
	};

	return bench_ask_fds(b, VFIO_USER_DMA_MAP, &map, sizeof(map), &fd,
			     fd >= 0);
}

static inline int bench_unmap(struct bench *b, uint64_t addr, uint64_t size)
{
	const struct vfio_unmap unmap = {
		.argsz = sizeof(unmap), .addr = addr, .size = size,
	};

	return bench_ask(b, VFIO_USER_DMA_UNMAP, &unmap, sizeof(unmap));
}

static inline int bench_region_read(struct bench *b, uint32_t region,
				    uint64_t offset, void *data,
				    uint32_t count)
{
	const struct vfio_access a = { offset, region, count };
	int ret = bench_ask(b, VFIO_USER_REGION_READ, &a, sizeof(a));

	if (!ret) {
		assert_int_equal(b->reply_bytes, sizeof(a) + count);
		memcpy(data, b->reply + sizeof(a), count);
	}
	return ret;
}

static inline int bench_region_write(struct bench *b, uint32_t region,
				     uint64_t offset, const void *data,
				     uint32_t count)
{
	const struct vfio_access a = { offset, region, count };
	uint8_t body[sizeof(a) + 64];

	memcpy(body, &a, sizeof(a));
	memcpy(body + sizeof(a), data, count);
	return bench_ask(b, VFIO_USER_REGION_WRITE, body, sizeof(a) + count);
}

static inline uint32_t bench_config(struct bench *b, uint32_t at, uint32_t n)
{
	uint32_t value = 0;

	assert_int_equal(bench_region_read(b, BENCH_CONFIG, at, &value, n), 0);
	return value;
}

static inline void bench_set_config(struct bench *b, uint32_t at,
				    uint32_t value, uint32_t n)
{
	assert_int_equal(bench_region_write(b, BENCH_CONFIG, at, &value, n), 0);
}

static inline uint32_t bench_reg_read(struct rig *r, uint32_t reg)
{
	struct bench *b = (struct bench *)r;
	uint32_t value = 0;

	assert_int_equal(bench_region_read(b, FXQ_BAR_REGS, reg, &value, 4),
			 0);
	return value;
}

static inline void bench_reg_write(struct rig *r, uint32_t reg, uint32_t value)
{
	struct bench *b = (struct bench *)r;

	assert_int_equal(bench_region_write(b, FXQ_BAR_REGS, reg, &value, 4),
			 0);
}

#define IRQ(data, action) \
	(VFIO_IRQ_SET_DATA_##data | VFIO_IRQ_SET_ACTION_##action)
#define MSIX	VFIO_PCI_MSIX_IRQ_INDEX

static inline int bench_set_irqs(struct bench *b, uint32_t flags,
				 uint32_t index, uint32_t start,
				 uint32_t count, const int *fds,
				 unsigned int n_fds)
{
	const struct vfio_irq_set set = {
		.argsz = sizeof(set), .flags = flags, .index = index,
		.start = start, .count = count,
	};

	return bench_ask_fds(b, VFIO_USER_DEVICE_SET_IRQS, &set, sizeof(set),
			     fds, n_fds);
}

/* How often vector @vector came since last asked; waits up to @ms for one. */
static inline uint64_t bench_irqs(struct bench *b, int vector, int ms)
{
	struct pollfd p = { .fd = b->irq[vector], .events = POLLIN };
	uint64_t n = 0;

	if (poll(&p, 1, ms) == 1)
		assert_int_equal(read(b->irq[vector], &n, sizeof(n)),
				 sizeof(n));
	return n;
}

/* What a guest's firmware and driver do before the first job. */
static inline void bench_share_memory(struct bench *b)
{
	assert_int_equal(bench_map(b, 0, RIG_BYTES, b->memory, 0,
				   VFIO_DMA_MAP_FLAG_READ |
				   VFIO_DMA_MAP_FLAG_WRITE), 0);
}

static inline void bench_master(struct bench *b)
{
	bench_set_config(b, PCI_COMMAND,
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

static inline void bench_connect_irqs(struct bench *b)
{
	assert_int_equal(bench_set_irqs(b, VFIO_IRQ_SET_DATA_EVENTFD |
					VFIO_IRQ_SET_ACTION_TRIGGER,
					VFIO_PCI_MSIX_IRQ_INDEX, 0,
					FXQ_VECTORS, b->irq, FXQ_VECTORS), 0);
}

/*
 * From a new connection to an enabled machine. The reset that the last client's
 * end asked for may still be going on, and ENABLE would be lost in it.
 */
static inline void bench_start(struct bench *b)
{
	bench_connect(b);
	assert_int_equal(bench_version(b, "{\"capabilities\":{}}"), 0);
	bench_share_memory(b);
	bench_master(b);
	bench_connect_irqs(b);
	assert_int_equal(rig_settle(&b->rig), 0);
	assert_int_equal(rig_enable(&b->rig), FXQ_STATUS_ENABLED);
}

/* A server that nobody has connected to; with a control socket or without. */
static inline struct bench *bench_open_with(bool control)
{
	struct bench *b = calloc(1, sizeof(*b));
	char why[200];
	uint8_t *mem;
	int i;

	b->memory = memfd_create("guest", MFD_CLOEXEC);
	assert_int_equal(ftruncate(b->memory, RIG_BYTES), 0);
	mem = mmap(NULL, RIG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		   b->memory, 0);
	assert_ptr_not_equal(mem, MAP_FAILED);
	rig_init(&b->rig, mem);
	b->rig.read = bench_reg_read;
	b->rig.write = bench_reg_write;
	rig_add_context(&b->rig, 1);
	rig_add_context(&b->rig, 2);
	for (i = 0; i < FXQ_VECTORS; i++)
		b->irq[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	strcpy(b->dir, "/tmp/fxq-vfio-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->path, sizeof(b->path), "%s/socket", b->dir);
	assert_int_equal(fxq_function_init(&b->function, NULL, NULL), 0);
	b->server.function = &b->function;
	b->server.listener = fxq_listen(b->path, why, sizeof(why));
	assert_true(b->server.listener >= 0);
	snprintf(b->control, sizeof(b->control), "%s/control", b->dir);
	control_init(&b->server.control, &b->function,
		     control ? fxq_listen(b->control, why, sizeof(why)) : -1);
	b->stop = eventfd(0, EFD_CLOEXEC);
	b->server.stop = b->stop;
	b->server.say = bench_say;
	b->fd = -1;
	assert_int_equal(pthread_create(&b->thread, NULL, bench_thread, b), 0);
	return b;
}

static inline struct bench *bench_open(void)
{
	return bench_open_with(false);
}

static inline void bench_disconnect(struct bench *b)
{
	close(b->fd);
	b->fd = -1;
}

static inline void bench_close(struct bench *b)
{
	const uint64_t one = 1;
	int i;

	assert_int_equal(write(b->stop, &one, sizeof(one)), sizeof(one));
	pthread_join(b->thread, NULL);
	control_finish(&b->server.control);
	if (b->server.control.listener >= 0)
		fxq_unlisten(b->server.control.listener, b->control);
	fxq_unlisten(b->server.listener, b->path);
	fxq_function_finish(&b->function);
	rmdir(b->dir);
	if (b->fd >= 0)
		close(b->fd);
	for (i = 0; i < FXQ_VECTORS; i++)
		close(b->irq[i]);
	close(b->stop);
	munmap(b->rig.mem, RIG_BYTES);
	close(b->memory);
	pthread_cond_destroy(&b->rig.cond);
	pthread_mutex_destroy(&b->rig.lock);
	free(b);
}

/* Faults that are to come: a plan that is right. */
static inline void bench_plan(struct bench *b, const char *text)
{
	char why[400] = "";

	faults_set(&b->function.faults, text, why, sizeof(why));
	assert_string_equal(why, "");
}

/* For each test a server, and a driver that has begun. */
static inline int bench_setup(void **state)
{
	struct bench *b = bench_open();

	bench_start(b);
	*state = b;
	return 0;
}

static inline int bench_teardown(void **state)
{
	bench_close(*state);
	return 0;
}

#endif /* TESTS_VFIO_CLIENT_H */
