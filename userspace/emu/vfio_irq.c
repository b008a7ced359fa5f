// SPDX-License-Identifier: MIT
/*
 * vfio_irq.c - MSI-X vectors that end in the client's eventfds
 *
 * The client looks after the MSI-X table: it gives an eventfd for each vector
 * that the guest uses, and takes it away again. A vector that the client masks
 * stays pending and is delivered when unmasked; one without eventfd, or of a
 * function that is not bus master, is lost, as on a bus.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vfio_irq.h"

int vfio_irqs_init(struct vfio_irqs *q)
{
	int i;

	memset(q, 0, sizeof(*q));
	for (i = 0; i < FXQ_VECTORS; i++) {
		q->fd[i] = -1;
		q->timer[i] = -1;
	}
	pthread_mutex_init(&q->lock, NULL);
	for (i = 0; i < FXQ_VECTORS; i++) {
		q->timer[i] = timerfd_create(CLOCK_MONOTONIC,
					     TFD_NONBLOCK | TFD_CLOEXEC);
		if (q->timer[i] < 0) {
			int ret = -errno;

			vfio_irqs_finish(q);
			return ret;
		}
	}
	return 0;
}

/* With q->lock held. */
static void disconnect(struct vfio_irqs *q, uint32_t vector)
{
	if (q->fd[vector] >= 0)
		close(q->fd[vector]);
	q->fd[vector] = -1;
	q->pending &= ~(1u << vector);
}

void vfio_irqs_finish(struct vfio_irqs *q)
{
	uint32_t i;

	for (i = 0; i < FXQ_VECTORS; i++) {
		disconnect(q, i);
		if (q->timer[i] >= 0)
			close(q->timer[i]);
	}
	pthread_mutex_destroy(&q->lock);
}

/* In @ms; 0: never. */
static void set_timer(struct vfio_irqs *q, uint32_t vector, uint32_t ms)
{
	const struct itimerspec t = {
		.it_value = {
			.tv_sec = ms / 1000,
			.tv_nsec = ms % 1000 * 1000000l,
		},
	};

	timerfd_settime(q->timer[vector], 0, &t, NULL);
}

void vfio_irqs_reset(struct vfio_irqs *q)
{
	uint32_t i;

	pthread_mutex_lock(&q->lock);
	for (i = 0; i < FXQ_VECTORS; i++) {
		disconnect(q, i);
		set_timer(q, i, 0);
	}
	q->masked = 0;
	pthread_mutex_unlock(&q->lock);
}

void vfio_irqs_set_open(struct vfio_irqs *q, bool open)
{
	pthread_mutex_lock(&q->lock);
	q->open = open;
	pthread_mutex_unlock(&q->lock);
}

void vfio_irqs_cut(struct vfio_irqs *q, bool cut)
{
	pthread_mutex_lock(&q->lock);
	q->cut = cut;
	pthread_mutex_unlock(&q->lock);
}

uint32_t vfio_irqs_pending(struct vfio_irqs *q)
{
	uint32_t pending;

	pthread_mutex_lock(&q->lock);
	pending = q->pending;
	pthread_mutex_unlock(&q->lock);
	return pending;
}

/* With q->lock held. A full eventfd has already what it needs to know. */
static void deliver(struct vfio_irqs *q, uint32_t vector)
{
	const uint64_t one = 1;

	if (q->fd[vector] < 0 || !q->open || q->cut)
		return;
	if (q->masked >> vector & 1)
		q->pending |= 1u << vector;
	else if (write(q->fd[vector], &one, sizeof(one)) == sizeof(one))
		q->raised++;
}

void vfio_irqs_raise(struct vfio_irqs *q, int vector, uint32_t ms)
{
	if (ms) {
		set_timer(q, vector, ms);
		return;
	}
	pthread_mutex_lock(&q->lock);
	deliver(q, vector);
	pthread_mutex_unlock(&q->lock);
}

void vfio_irqs_expire(struct vfio_irqs *q, int vector)
{
	uint64_t n;

	if (read(q->timer[vector], &n, sizeof(n)) == sizeof(n))
		vfio_irqs_raise(q, vector, 0);
}

/* If so, it will not block us. */
static bool is_eventfd(int fd)
{
	char path[32], name[32];
	int flags = fcntl(fd, F_GETFL);
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name) - 1);
	if (n < 0 || flags < 0)
		return false;
	name[n] = '\0';
	return !strcmp(name, "anon_inode:[eventfd]") &&
	       !fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int vfio_irqs_connect(struct vfio_irqs *q, uint32_t start, uint32_t count,
		      const int *fds)
{
	uint32_t i;

	for (i = 0; fds && i < count; i++)
		if (!is_eventfd(fds[i]))
			return -EINVAL;
	pthread_mutex_lock(&q->lock);
	for (i = 0; i < count; i++) {
		disconnect(q, start + i);
		if (fds)
			q->fd[start + i] = fds[i];
	}
	pthread_mutex_unlock(&q->lock);
	return 0;
}

void vfio_irqs_mask(struct vfio_irqs *q, uint32_t start, uint32_t count,
		    const uint8_t *wanted, bool mask)
{
	uint32_t i;

	pthread_mutex_lock(&q->lock);
	for (i = 0; i < count; i++) {
		uint32_t bit = 1u << (start + i);

		if (wanted && !wanted[i])
			continue;
		q->masked = mask ? q->masked | bit : q->masked & ~bit;
		if (!mask && q->pending & bit) {
			q->pending &= ~bit;
			deliver(q, start + i);
		}
	}
	pthread_mutex_unlock(&q->lock);
}

void vfio_irqs_trigger(struct vfio_irqs *q, uint32_t start, uint32_t count,
		       const uint8_t *wanted)
{
	uint32_t i;

	pthread_mutex_lock(&q->lock);
	for (i = 0; i < count; i++)
		if (!wanted || wanted[i])
			deliver(q, start + i);
	pthread_mutex_unlock(&q->lock);
}
