/* SPDX-License-Identifier: MIT */
/*
 * vfio_irq.h - MSI-X vectors that end in the client's eventfds
 */
#ifndef FXQ_VFIO_IRQ_H
#define FXQ_VFIO_IRQ_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <fxq/fxq_regs.h>

/*
 * struct vfio_irqs
 * @lock: protects what follows, but for @timer, which stays
 * @fd: eventfd to write, -1: none, and the interrupt is lost
 * @masked, @pending: a bit for each vector
 * @open: the function may master the bus, and an interrupt is a write
 * @cut: it is off the bus
 * @timer: expires when a late interrupt is due; see vfio_irqs_expire()
 * @raised: interrupts that reached the client
 */
struct vfio_irqs {
	pthread_mutex_t lock;
	int fd[FXQ_VECTORS];
	uint32_t masked, pending;
	bool open, cut;
	int timer[FXQ_VECTORS];
	uint64_t raised;
};

int vfio_irqs_init(struct vfio_irqs *q);
void vfio_irqs_finish(struct vfio_irqs *q);
/* No eventfd, nothing masked, pending or late. */
void vfio_irqs_reset(struct vfio_irqs *q);
void vfio_irqs_set_open(struct vfio_irqs *q, bool open);
void vfio_irqs_cut(struct vfio_irqs *q, bool cut);
uint32_t vfio_irqs_pending(struct vfio_irqs *q);

/* The machine's thread: now, or in @ms. */
void vfio_irqs_raise(struct vfio_irqs *q, int vector, uint32_t ms);
/* Raises vector @vector if its timer has expired. */
void vfio_irqs_expire(struct vfio_irqs *q, int vector);

/*
 * DEVICE_SET_IRQS, checked as far as @start and @count: vectors that are.
 * connect() takes @fds over, or disconnects if it is NULL. @wanted: for each
 * vector whether it is meant; NULL: all are. connect() returns -EINVAL, and
 * takes nothing, if one of @fds is no eventfd: writing it could block.
 */
int vfio_irqs_connect(struct vfio_irqs *q, uint32_t start, uint32_t count,
		       const int *fds);
void vfio_irqs_mask(struct vfio_irqs *q, uint32_t start, uint32_t count,
		    const uint8_t *wanted, bool mask);
void vfio_irqs_trigger(struct vfio_irqs *q, uint32_t start, uint32_t count,
		       const uint8_t *wanted);

#endif /* FXQ_VFIO_IRQ_H */
