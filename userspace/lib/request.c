// SPDX-License-Identifier: MIT
/*
 * request.c - a request: read, run, write
 *
 * With a ring each part is prepared when the one before it has ended; without,
 * files are read and written on the spot. Of a chain all parts are prepared at
 * once, and the kernel goes from one to the next. What it reads and writes is
 * then the memory of a slot, which is not for other runs until all have ended.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "request.h"

/* Completing */

static void finish(struct fxq_queue *q, struct entry *e)
{
	struct entry **list = &q->done;

	while (*list)
		list = &(*list)->next;
	*list = e;
	e->next = NULL;
	e->state = ENTRY_DONE;
	e->completion.ns = now_ns() - e->began;
}

static void fail(struct fxq_queue *q, struct entry *e, int err,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void fail(struct fxq_queue *q, struct entry *e, int err,
		 const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(e->completion.error, sizeof(e->completion.error), fmt, args);
	va_end(args);
	e->completion.result = err;
	finish(q, e);
}

/* Files */

static void start_run(struct fxq_queue *q, struct entry *e);
static void start_part(struct fxq_queue *q, struct entry *e, bool write);

static const struct fxq_queue_part *part_of(const struct entry *e, bool write)
{
	return write ? &e->request.write : &e->request.read;
}

/* What is left of a part. */
static struct file_part rest_of(const struct entry *e, bool write)
{
	const struct fxq_queue_part *part = part_of(e, write);
	const struct fxq_tensor *t = write ? e->request.out : e->request.in;
	uint8_t *data = part->data ? part->data : t[0].data;

	return (struct file_part){
		.write = write,
		.fd = part->fd,
		.data = data + e->moved,
		.size = part->size - e->moved,
		.offset = part->offset + e->moved,
	};
}

/* Some of the part has come or gone, or @result is a negative errno. */
static void part_moved(struct fxq_queue *q, struct entry *e, int result)
{
	bool write = e->state == ENTRY_WRITING;
	const struct fxq_queue_part *part = part_of(e, write);

	if (!result) {
		fail(q, e, write ? -EIO : -ENODATA,
		     "file %d %s at byte %llu; bytes %llu to %llu are asked for",
		     part->fd, write ? "takes nothing" : "ends",
		     (unsigned long long)part->offset + e->moved,
		     (unsigned long long)part->offset,
		     (unsigned long long)(part->offset + part->size - 1));
		return;
	}
	if (result < 0 && result != -EINTR) {
		fail(q, e, result, "%s %llu bytes at byte %llu of file %d: %s",
		     write ? "writing" : "reading",
		     (unsigned long long)part->size,
		     (unsigned long long)part->offset, part->fd,
		     strerror(-result));
		return;
	}
	if (result > 0)
		e->moved += result;
	if (e->moved < part->size)
		start_part(q, e, write);
	else if (write)
		finish(q, e);
	else
		start_run(q, e);
}

static int move_now(struct fxq_queue *q, const struct file_part *f)
{
	ssize_t n;

	q->own_calls++;
	n = f->write ? pwrite(f->fd, f->data, f->size, f->offset) :
		       pread(f->fd, f->data, f->size, f->offset);
	return n < 0 ? -errno : n;
}

static uint64_t cookie_of(const struct fxq_queue *q, const struct entry *e,
			  bool write)
{
	return q->prog->config.slots + 2 * (e - q->entries) + write;
}

static void start_part(struct fxq_queue *q, struct entry *e, bool write)
{
	struct file_part f = rest_of(e, write);

	e->state = write ? ENTRY_WRITING : ENTRY_READING;
	if (!q->ring) {
		part_moved(q, e, move_now(q, &f));
		return;
	}
	q->prog->dev->ops->ring_file(q->prog, &f, false, cookie_of(q, e, write));
	q->files++;
}

static void write_out(struct fxq_queue *q, struct entry *e)
{
	e->moved = 0;
	if (e->completion.result || !e->request.write.size)
		finish(q, e);
	else
		start_part(q, e, true);
}

/* Chains */

/* May the kernel go from one part to the next by itself? */
static bool is_chain(const struct fxq_queue *q, const struct entry *e)
{
	const struct fxq_request *r = &e->request;

	return q->chains && (r->read.size || r->write.size) &&
	       !r->before && !r->after && !r->read.data && !r->write.data &&
	       q->prog->dev->ops->ring_links(q->prog);
}

/* The slot that the next run gets. */
static struct slot *next_slot(const struct fxq_program *p)
{
	struct slot *slot = p->slots;

	while (slot->state != SLOT_FREE)
		slot++;
	return slot;
}

static void add_link(struct fxq_queue *q, struct entry *e, bool write,
		     void *data)
{
	struct file_part f = rest_of(e, write);

	f.data = data;
	q->prog->dev->ops->ring_file(q->prog, &f, !write,
				     cookie_of(q, e, write));
	q->files++;
	e->links++;
}

static bool start_chain(struct fxq_queue *q, struct entry *e)
{
	const struct fxq_image *image = q->prog->image;
	const struct fxq_image_header *h = image->header;
	struct fxq_tensor in = e->request.in[0];
	struct slot *slot;

	if (!is_chain(q, e))
		return false;
	slot = next_slot(q->prog);
	slot->link = e->request.write.size;
	e->slot = slot;
	e->state = ENTRY_RUNNING;
	if (e->request.read.size) {
		in.data = slot->tensors[image->args[h->first_input]].data;
		add_link(q, e, false, in.data);
	}
	/* All that could be refused has been looked at, and there is a slot. */
	fxq_submit(q->prog, &in, e->request.out, e);
	e->links++;
	if (e->request.write.size)
		add_link(q, e, true,
			 slot->tensors[image->args[h->first_output]].data);
	return true;
}

/* Until the last part has ended the slot is not for others. */
static void hold_slot(struct fxq_queue *q, struct slot *slot, bool hold)
{
	pthread_mutex_lock(&q->prog->dev->lock);
	slot->state = hold ? SLOT_CPU : SLOT_FREE;
	pthread_mutex_unlock(&q->prog->dev->lock);
}

static void chain_ended(struct fxq_queue *q, struct entry *e)
{
	int error = e->slot->link_error;

	/* The next run in the slot need not follow anything. */
	e->slot->link_error = 0;
	e->slot = NULL;
	if (error) {
		e->state = ENTRY_READING;
		e->moved = error == -ENODATA ? e->result[0] : 0;
		part_moved(q, e, error == -ENODATA ? 0 : error);
	} else if (e->completion.result || !e->request.write.size ||
		   e->result[1] == -ECANCELED) {
		/* What was cancelled had to wait for a run that came again. */
		write_out(q, e);
	} else {
		e->state = ENTRY_WRITING;
		part_moved(q, e, e->result[1]);
	}
}

/* One part less, or the run, which has given its slot back. */
static void link_ended(struct fxq_queue *q, struct entry *e)
{
	struct slot *slot = e->slot;

	if (--e->links) {
		if (slot->state == SLOT_FREE)
			hold_slot(q, slot, true);
		return;
	}
	hold_slot(q, slot, false);
	chain_ended(q, e);
}

/* Runs */

static int call_back(struct entry *e, int (*fn)(void *), const char *what)
{
	int ret = fn ? fn(e->request.user_data) : 0;

	if (ret)
		snprintf(e->completion.error, sizeof(e->completion.error),
			 "what is to be done %s the run failed: %s", what,
			 strerror(-ret));
	return ret;
}

static void start_run(struct fxq_queue *q, struct entry *e)
{
	int ret = call_back(e, e->request.before, "before");

	e->state = ENTRY_RUNNING;
	if (ret) {
		e->completion.result = ret;
		finish(q, e);
		return;
	}
	ret = fxq_submit(q->prog, e->request.in, e->request.out, e);
	if (ret)
		fail(q, e, ret, "%s", fxq_error());
}

void request_run_ended(struct fxq_queue *q, const struct fxq_completion *c)
{
	struct entry *e = c->user_data;

	e->completion.cycles = c->cycles;
	e->completion.result = c->result;
	memcpy(e->completion.error, c->error, sizeof(c->error));
	if (e->links) {
		link_ended(q, e);
		return;
	}
	if (!c->result)
		e->completion.result = call_back(e, e->request.after, "after");
	write_out(q, e);
}

void request_start(struct fxq_queue *q, struct entry *e)
{
	if (start_chain(q, e))
		return;
	if (e->request.read.size)
		start_part(q, e, false);
	else
		start_run(q, e);
}

void request_part_ended(struct fxq_queue *q, struct entry *e)
{
	if (e->links)
		link_ended(q, e);
	else
		part_moved(q, e, e->result[e->state == ENTRY_WRITING]);
}

/* Under the device's lock: little more than remembered. */
void request_file_ended(void *queue, uint64_t cookie, int result)
{
	struct fxq_queue *q = queue;
	uint64_t k = cookie - q->prog->config.slots;
	struct entry *e = &q->entries[k / 2];
	bool write = k % 2;

	q->files--;
	e->told++;
	e->result[write] = result;
	if (e->slot && !write && result != (int)e->request.read.size)
		e->slot->link_error = result < 0 ? result : -ENODATA;
}
