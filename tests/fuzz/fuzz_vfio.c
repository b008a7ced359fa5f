// SPDX-License-Identifier: MIT
/*
 * fuzz_vfio.c - libFuzzer target: any messages to fxq-emu
 *
 * A stream that is made of the input takes the socket's place; the function
 * and its machine are real. The input is a list of steps: a message with a
 * header that fits or with one of its own, with file descriptors or without,
 * or bytes put into the memory that is shared. After each input the client is
 * gone, and nothing of it may be left: no memory, no descriptor, and a function
 * that answers the next one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "../../userspace/emu/vfio.h"

#define MEMORY_BYTES	(64u << 10)
#define MAX_FILES	256

/* A step's first byte: what kind of step, what comes with the message. */
enum {
	STEP_FDS	= 3 << 0,	/* so many descriptors */
	STEP_EVENTFDS	= 1 << 2,	/* eventfds, not the memory's file */
	STEP_RAW	= 1 << 3,	/* the header is the input's own */
	STEP_NO_REPLY	= 1 << 4,
	STEP_POKE	= 1 << 5,	/* no message: bytes into memory */
};

/* The stream: one message at a time, in pieces of @piece bytes. */
struct feed {
	struct vfio_stream stream;
	uint8_t message[sizeof(struct vfio_header) + 256];
	size_t len, at, piece;
	uint8_t step;
};

struct input {
	const uint8_t *at;
	size_t left;
};

static struct fxq_function function;
static int memory_fd;
static uint8_t *memory;

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_vfio: %s\n", what);
	abort();
}

static ssize_t feed_receive(struct vfio_stream *s, void *buf, size_t len,
			    int *fds, unsigned int *n_fds)
{
	struct feed *f = (struct feed *)s;
	size_t n = f->len - f->at;
	unsigned int i;

	if (!n)
		return -EAGAIN;
	n = n < len ? n : len;
	n = n < f->piece ? n : f->piece;
	for (i = 0; !f->at && i < (f->step & STEP_FDS); i++)
		fds[(*n_fds)++] = f->step & STEP_EVENTFDS ?
				  eventfd(0, EFD_CLOEXEC) : dup(memory_fd);
	memcpy(buf, f->message + f->at, n);
	f->at += n;
	return n;
}

static int feed_send(struct vfio_stream *s, const void *buf, size_t len)
{
	const struct vfio_header *h = buf;

	require(len >= sizeof(*h) && h->size == len, "a reply has no size");
	require((h->flags & VFIO_USER_TYPE_MASK) == VFIO_USER_REPLY,
		"a reply is none");
	require(!(h->flags & VFIO_USER_ERROR) || len == sizeof(*h),
		"an error has a body");
	return 0;
}

static void take(struct input *in, void *to, size_t len)
{
	size_t n = len < in->left ? len : in->left;

	memset(to, 0, len);
	memcpy(to, in->at, n);
	in->at += n;
	in->left -= n;
}

static uint8_t take_byte(struct input *in)
{
	uint8_t byte;

	take(in, &byte, 1);
	return byte;
}

static void poke(struct input *in)
{
	uint8_t data[256];
	uint16_t offset;
	uint32_t len = take_byte(in);

	take(in, &offset, sizeof(offset));
	take(in, data, len);
	memcpy(memory + offset % (MEMORY_BYTES - sizeof(data)), data, len);
}

/* False: the connection has ended. */
static bool talk(struct vfio_client *c, struct feed *f)
{
	int ret = 0;

	f->at = 0;
	while (!ret && f->at < f->len)
		ret = vfio_serve(c);
	return !ret;
}

static bool send_message(struct input *in, struct vfio_client *c,
			 struct feed *f)
{
	struct vfio_header h = { 0 };
	uint8_t len;

	if (f->step & STEP_RAW) {
		take(in, &h, sizeof(h));
		len = h.size;
	} else {
		h.command = take_byte(in) % 18;
		h.flags = f->step & STEP_NO_REPLY ? VFIO_USER_NO_REPLY : 0;
		len = take_byte(in);
		h.size = sizeof(h) + len;
	}
	memcpy(f->message, &h, sizeof(h));
	take(in, f->message + sizeof(h), len);
	f->len = sizeof(h) + len;
	return talk(c, f);
}

/* A message of the fuzzer's own, which must be answered. */
static void say(struct vfio_client *c, struct feed *f, uint16_t command,
		const void *body, uint32_t len)
{
	struct vfio_header h = { .command = command,
				 .size = sizeof(h) + len };

	memcpy(f->message, &h, sizeof(h));
	memcpy(f->message + sizeof(h), body, len);
	f->len = h.size;
	f->step = 0;
	require(talk(c, f), "a good client is sent away");
}

static uint32_t open_files(void)
{
	uint32_t n = 0;
	int fd;

	for (fd = 0; fd < MAX_FILES; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void check_next_client(struct feed *f)
{
	const struct {
		struct vfio_access a;
		uint16_t command;
	} enable = {
		{ PCI_COMMAND, VFIO_PCI_CONFIG_REGION_INDEX, 2 },
		PCI_COMMAND_MEMORY,
	};
	struct vfio_client c;
	uint32_t id = 0;

	vfio_client_init(&c, &function, &f->stream);
	say(&c, f, VFIO_USER_VERSION, &(struct vfio_version){ 0 }, 4);
	say(&c, f, VFIO_USER_REGION_WRITE, &enable, sizeof(enable.a) + 2);
	fxq_function_bar_read(&function, FXQ_BAR_REGS, FXQ_REG_ID, &id, 4);
	require(id == FXQ_ID_VALUE, "the function has gone");
	require(!function.memory.count, "memory is left behind");
	vfio_client_finish(&c);
}

static void start(void)
{
	memory_fd = memfd_create("guest", MFD_CLOEXEC);
	require(!ftruncate(memory_fd, MEMORY_BYTES), "no memory");
	memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		      memory_fd, 0);
	require(memory != MAP_FAILED, "no memory");
	require(!fxq_function_init(&function, NULL, NULL), "no function");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input in = { bytes, size };
	static struct vfio_client client;
	static struct feed feed;
	uint32_t files;
	bool on = true;

	if (!memory)
		start();
	files = open_files();
	feed.stream.receive = feed_receive;
	feed.stream.send = feed_send;
	feed.piece = 1 + take_byte(&in);
	vfio_client_init(&client, &function, &feed.stream);
	if (feed.piece % 2)
		say(&client, &feed, VFIO_USER_VERSION,
		    &(struct vfio_version){ 0 }, 4);
	while (on && in.left) {
		feed.step = take_byte(&in);
		if (feed.step & STEP_POKE)
			poke(&in);
		else
			on = send_message(&in, &client, &feed);
	}
	vfio_client_finish(&client);
	feed.piece = 64;
	check_next_client(&feed);
	require(open_files() == files, "a file stays open");
	return 0;
}
